//! Restoring, and the end of retention (F2.9).

use postrider_model::{PlacementId, Timestamp, UidSet};
use postrider_store::{Filter, Side, StoreError};

use crate::fixture::{Fixture, at, flags, message, raw};

fn count(f: &Fixture, table: &str) -> i64 {
    let shell = rusqlite::Connection::open(f.store.dir().join("store.db")).unwrap();
    shell.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn what_was_deleted_comes_back_with_its_id_bytes_and_flags() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    let mut incoming = message(4, "dear");
    incoming.flags = flags(&["\\Flagged", "Todo"]);
    let id = f.insert(inbox, &[incoming])[0].placement;
    f.tx(|tx| tx.delete_placements(&[id], &at(1)));
    assert_eq!(f.tx(|tx| tx.known_uids(inbox)), UidSet::EMPTY);
    let mut context = at(2);
    context.side = Side::Here;
    let restored = f.tx(|tx| tx.restore(id, &context));
    assert_eq!((restored.placement, restored.folder.as_str(), restored.frozen), (id, "INBOX", false));
    let row = &f.reader().list(&Filter::default()).unwrap()[0];
    assert_eq!((row.id, row.uid, row.deleted, &row.flags), (id, None, None, &flags(&["\\Flagged", "Todo"])));
    assert_eq!(f.bytes(id), raw("dear"));
    let what: Vec<_> = f.reader().history(id).unwrap().into_iter().map(|row| (row.what, row.side)).collect();
    let pair = |what: &str, side: &str| (what.to_owned(), side.to_owned());
    assert_eq!(what, [pair("restored", "here"), pair("deleted", "server")]);
    let shell = rusqlite::Connection::open(f.store.dir().join("store.db")).unwrap();
    let intent: (i64, String, String, String) = shell
        .query_row("SELECT placement, op, mark, state FROM intent", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap();
    let mark = format!("pr-{}-{:016x}", "09".repeat(8), 1);
    assert_eq!(intent, (id.0, "append".to_owned(), mark, "noted".to_owned()));
}

#[test]
fn what_is_not_deleted_or_not_there_cannot_be_restored() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    let id = f.fill(inbox, 1..=1)[0];
    let refused = f.writer.transaction(|tx| tx.restore(id, &at(1))).unwrap_err();
    assert!(matches!(refused, StoreError::NotDeleted(found) if found == id));
    let refused = f.writer.transaction(|tx| tx.restore(PlacementId(77), &at(1))).unwrap_err();
    assert!(matches!(refused, StoreError::NoSuchMessage(PlacementId(77))));
}

#[test]
fn a_frozen_folder_is_told_on_restoring() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    let id = f.fill(inbox, 1..=1)[0];
    f.tx(|tx| {
        tx.delete_placements(&[id], &at(1))?;
        tx.freeze_collection(inbox, Timestamp(1), "gone")
    });
    assert!(f.tx(|tx| tx.restore(id, &at(2))).frozen);
}

#[test]
fn retention_erases_what_is_old_and_nothing_else() {
    let mut f = Fixture::new();
    let (inbox, archive) = (f.inbox, f.folder("Archive"));
    let ids =
        f.insert(inbox, &[message(1, "old"), message(2, "shared"), message(3, "young"), message(4, "alive")]);
    f.insert(archive, &[message(1, "shared")]);
    let ids: Vec<_> = ids.into_iter().map(|one| one.placement).collect();
    f.tx(|tx| tx.delete_placements(&ids[..2], &at(10)));
    f.tx(|tx| tx.delete_placements(&ids[2..3], &at(20)));
    let expired = f.tx(|tx| tx.purge_expired(Timestamp::from_seconds(20), 100));
    assert_eq!((expired.placements, expired.messages, expired.more), (2, 1, false));
    assert!(f.writer.transaction(|tx| tx.restore(ids[0], &at(30))).is_err(), "its time is over");
    assert_eq!(f.bytes(ids[2]), raw("young"));
    assert_eq!(f.reader().list(&Filter::default()).unwrap().len(), 2);
    let left =
        [("placement", 3), ("message", 3), ("body", 3), ("body_chunk", 3), ("history", 1), ("erased", 1)];
    for (table, expected) in left {
        assert_eq!(count(&f, table), expected, "{table}");
    }
    f.tx(|tx| tx.restore(ids[2], &at(30)));
    assert!(f.fill(inbox, 9..=9)[0] > ids[3], "ids are not given again");
    assert_eq!(f.reader().check().unwrap(), [""; 0]);
}

#[test]
fn retention_goes_in_rounds_and_leaves_no_address_behind() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    let ids = f.fill(inbox, 1..=5);
    f.tx(|tx| tx.delete_placements(&ids, &at(1)));
    let rounds: Vec<_> = (0..3).map(|_| f.tx(|tx| tx.purge_expired(Timestamp::from_seconds(9), 2))).collect();
    assert_eq!(
        rounds.iter().map(|round| (round.placements, round.more)).collect::<Vec<_>>(),
        [(2, true), (2, true), (1, false)]
    );
    for table in ["placement", "message", "body", "body_chunk", "message_address", "address", "history"] {
        assert_eq!(count(&f, table), 0, "{table}");
    }
    // The addresses are met again, with other ids than the writer remembered.
    f.fill(inbox, 6..=6);
    assert_eq!(f.reader().list(&Filter::default()).unwrap()[0].from[0].name, "Anna");
}

/// Another process's purge takes addresses away that this writer remembers.
#[test]
fn addresses_that_another_connection_erased_are_not_pointed_to() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    let ids = f.fill(inbox, 1..=1);
    f.store
        .writer()
        .unwrap()
        .transaction(|tx| {
            tx.delete_placements(&ids, &at(1))?;
            tx.purge_expired(Timestamp::from_seconds(9), 10)
        })
        .unwrap();
    assert_eq!(count(&f, "address"), 0);
    f.fill(inbox, 2..=2);
    assert_eq!(f.reader().list(&Filter::default()).unwrap()[0].from[0].name, "Anna");
}
