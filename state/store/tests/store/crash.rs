//! Crashes between and within jobs, and two at once.

use std::{panic::AssertUnwindSafe, path::Path};

use postrider_model::UidSet;
use postrider_store::{Store, StoreError, SyncLock};

use crate::fixture::{Fixture, message, options, raw};

/// What a power loss or a kill leaves behind: a copy of the files as they are now.
fn as_left_behind(dir: &Path) -> (tempfile::TempDir, Store) {
    let home = tempfile::tempdir().unwrap();
    let copy = home.path().join("store");
    std::fs::DirBuilder::new().create(&copy).unwrap();
    std::fs::set_permissions(&copy, std::fs::metadata(dir).unwrap().permissions()).unwrap();
    for name in ["store.db", "store.db-wal"] {
        std::fs::copy(dir.join(name), copy.join(name)).unwrap();
    }
    let store = Store::open(&options(copy)).unwrap();
    (home, store)
}

#[test]
fn what_was_committed_is_there_after_a_crash_and_the_rest_is_not() {
    let mut f = Fixture::new();
    let (inbox, dir) = (f.inbox, f.store.dir().to_owned());
    f.insert(inbox, &[message(1, "a")]);
    let crash = std::panic::catch_unwind(AssertUnwindSafe(|| {
        f.writer.transaction(|tx| -> postrider_store::Result<()> {
            tx.insert_messages(inbox, &[message(2, "b")])?;
            std::panic::resume_unwind(Box::new("killed here"));
        })
    }));
    assert!(crash.is_err());
    let (_home, store) = as_left_behind(&dir);
    let mut writer = store.writer().unwrap();
    assert_eq!(writer.transaction(|tx| tx.known_uids(inbox)).unwrap().to_string(), "1");
    // The run that is taken up again brings both: one is known, one is new.
    let again =
        writer.transaction(|tx| tx.insert_messages(inbox, &[message(1, "a"), message(2, "b")])).unwrap();
    assert_eq!((again[0].new_placement, again[1].new_placement), (false, true));
    let mut bytes = Vec::new();
    store.reader().unwrap().body(again[1].placement, &mut bytes).unwrap();
    assert_eq!(bytes, raw("b"));
}

/// Cut at any octet, the log gives a prefix of the transactions: each whole or not at all.
#[test]
fn a_log_cut_anywhere_gives_whole_transactions() {
    let mut f = Fixture::new();
    let (inbox, dir) = (f.inbox, f.store.dir().to_owned());
    for batch in 0..5_u32 {
        let pair =
            [message(batch * 2 + 1, &format!("{batch} a")), message(batch * 2 + 2, &format!("{batch} b"))];
        f.insert(inbox, &pair);
    }
    let wal = std::fs::read(dir.join("store.db-wal")).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for cut in (0..=wal.len()).step_by(wal.len() / 60) {
        let home = tempfile::tempdir().unwrap();
        let copy = home.path().join("store");
        Store::open(&options(copy.clone())).unwrap();
        std::fs::copy(dir.join("store.db"), copy.join("store.db")).unwrap();
        std::fs::write(copy.join("store.db-wal"), &wal[..cut]).unwrap();
        let store = Store::open(&options(copy)).unwrap();
        let known = store.writer().unwrap().transaction(|tx| tx.known_uids(inbox)).unwrap();
        let last = known.last().unwrap_or(0);
        let whole = if last == 0 { UidSet::EMPTY } else { UidSet::range(1, last) };
        assert!(last.is_multiple_of(2) && known == whole, "{cut}: {known}");
        assert!(store.reader().unwrap().check().unwrap().is_empty(), "{cut}");
        seen.insert(last);
    }
    assert!(seen.len() >= 4, "{seen:?}");
}

#[test]
fn a_second_writer_waits_for_the_first() {
    let f = Fixture::new();
    let writers: Vec<_> = (0..4).map(|_| f.store.writer().unwrap()).collect();
    std::thread::scope(|scope| {
        for (who, mut writer) in writers.into_iter().enumerate() {
            scope.spawn(move || {
                for round in 0..10 {
                    let name = format!("{who} {round}");
                    writer.transaction(|tx| tx.ensure_account(&name, "x@y.test")).unwrap();
                }
            });
        }
    });
    assert_eq!(f.reader().accounts().unwrap().len(), 41);
}

#[test]
fn a_reader_sees_whole_transactions_while_the_writer_writes() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    let reader = f.reader();
    f.tx(|tx| {
        tx.insert_messages(inbox, &[message(1, "a"), message(2, "b")])?;
        assert!(reader.list(&postrider_store::Filter::default())?.is_empty());
        Ok(())
    });
    assert_eq!(reader.list(&postrider_store::Filter::default()).unwrap().len(), 2);
}

#[test]
fn the_syncers_lock_keeps_neither_readers_nor_edits_out() {
    let mut f = Fixture::new();
    let _lock = SyncLock::acquire(f.store.dir()).unwrap();
    assert!(matches!(SyncLock::acquire(f.store.dir()), Err(StoreError::Busy { .. })));
    let store = Store::open(&options(f.store.dir().to_owned())).unwrap();
    assert!(store.reader().unwrap().list(&postrider_store::Filter::default()).unwrap().is_empty());
    assert!(f.tx(|tx| tx.add_stored_account("a", "", false)));
}
