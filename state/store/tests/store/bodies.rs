//! What goes in comes out, octet by octet.

use postrider_model::PlacementId;
use postrider_store::{Body, StoreError, compress};
use proptest::prelude::*;

use crate::fixture::{Fixture, message};

const MIB: usize = 1024 * 1024;

fn stored(f: &mut Fixture, uid: u32, raw: Vec<u8>) -> PlacementId {
    let mut incoming = message(uid, "x");
    incoming.body = Body::new(raw).unwrap();
    let inbox = f.inbox;
    f.insert(inbox, &[incoming])[0].placement
}

/// Octets that do not compress, the same each time.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..size).map(|_| step()).collect()
}

#[test]
fn bodies_of_every_size_come_back() {
    let mut f = Fixture::new();
    let sizes = [0, 1, 5_000, MIB - 1, MIB, MIB + 1, 4 * MIB, 4 * MIB + 1, 9 * MIB + 7];
    for (uid, size) in (1..).zip(sizes) {
        let raw = noise(size);
        let id = stored(&mut f, uid, raw.clone());
        assert!(f.bytes(id) == raw, "{size}");
        assert_eq!(f.reader().show(id, None).unwrap().unwrap().row.size, size as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_come_back(raw in prop::collection::vec(any::<u8>(), 0..3000)) {
        let mut f = Fixture::new();
        let id = stored(&mut f, 1, raw.clone());
        prop_assert_eq!(f.bytes(id), raw);
    }
}

#[test]
fn the_same_bytes_have_the_same_hash_however_they_are_kept() {
    let raw = noise(4 * MIB + 1);
    assert_eq!(Body::new(raw.clone()).unwrap().hash(), compress(&raw).unwrap().hash());
}

#[test]
fn bytes_that_changed_on_the_disk_are_told() {
    let damages = [
        "UPDATE body_chunk SET zstd = x'28b52ffd'",
        "UPDATE body_chunk SET zstd = (SELECT zstd FROM body_chunk ORDER BY id DESC LIMIT 1)",
        "DELETE FROM body_chunk",
        "UPDATE body SET size = size + 1",
    ];
    for damage in damages {
        let mut f = Fixture::new();
        let ids = [stored(&mut f, 1, noise(100)), stored(&mut f, 2, noise(200))];
        rusqlite::Connection::open(f.store.dir().join("store.db")).unwrap().execute(damage, []).unwrap();
        let refused = f.reader().body(ids[0], &mut Vec::new()).unwrap_err();
        assert!(matches!(&refused, StoreError::Damaged { .. }), "{damage}: {refused}");
    }
}

#[test]
fn what_is_not_there_is_told() {
    let f = Fixture::new();
    let refused = f.reader().body(PlacementId(5), &mut Vec::new()).unwrap_err();
    assert!(matches!(refused, StoreError::NoSuchMessage(PlacementId(5))));
}
