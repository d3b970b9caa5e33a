//! Backup and restore, a store away from home, damage and its mark, compacting (F10).

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use postrider_journal::{Floor, Operation, State};
use postrider_model::{FolderRole, FolderStatus, MailCursor, PlacementId, Timestamp, Window};
use postrider_store::{
    Away, Body, NewCollection, NewOutgoing, Options, Progress, SENT_ELSEWHERE, Store, StoreError, SyncLock,
};

use crate::fixture::{Fixture, at, message, options};

fn silent() -> Progress {
    Box::new(|_, _| {})
}

fn names(dir: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(dir).unwrap().map(name).collect();
    names.sort();
    names
}

/// A backup of that store in a folder of its own.
fn backup(f: &Fixture) -> (tempfile::TempDir, std::path::PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("backup.db");
    let manifest = f.store.backup(&file, Timestamp(77), silent()).unwrap();
    assert_eq!((manifest.store_id, manifest.taken), (f.store.store_id(), Some(Timestamp(77))));
    (home, file)
}

fn on(machine: Option<&str>, dir: &Path) -> Options {
    Options { machine_id: machine.map(ToOwned::to_owned), ..options(dir.to_owned()) }
}

#[test]
fn a_backup_is_one_moment_of_the_store_while_it_is_written() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    f.fill(inbox, 1..=200);
    // A transaction that is open all the while; what it wrote is not in.
    let other = f.store.clone();
    let (home, file) = f
        .writer
        .transaction(|tx| {
            tx.insert_messages(inbox, &[message(900, "not yet committed")])?;
            let home = tempfile::tempdir().unwrap();
            let file = home.path().join("backup.db");
            let (tell, heard) = std::sync::mpsc::channel();
            let progress: Progress = Box::new(move |done, of| tell.send((done, of)).unwrap());
            other.backup(&file, Timestamp(77), progress)?;
            let told: Vec<(u64, u64)> = heard.try_iter().collect();
            assert!(told.iter().all(|(done, of)| done <= of), "{told:?}");
            Ok((home, file))
        })
        .unwrap();
    assert_eq!(names(home.path()), ["backup.db"]);
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o600);
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("store");
    Store::restore(&options(dir.clone()), &file, "aside").unwrap();
    let reader = Store::open(&options(dir)).unwrap().reader().unwrap();
    assert_eq!(reader.counts(f.account).unwrap().messages, 200);
    assert_eq!(reader.check().unwrap(), Vec::<String>::new());
}

#[test]
fn a_backup_takes_no_name_that_is_taken_and_leaves_nothing_where_it_fails() {
    let f = Fixture::new();
    let (home, file) = backup(&f);
    let before = fs::read(&file).unwrap();
    let refused = f.store.backup(&file, Timestamp(78), silent()).unwrap_err();
    assert!(matches!(refused, StoreError::AlreadyThere { .. }), "{refused}");
    assert_eq!(fs::read(&file).unwrap(), before);
    assert!(f.store.backup(&home.path().join("no/where.db"), Timestamp(78), silent()).is_err());
    assert_eq!(names(home.path()), ["backup.db"]);
}

#[test]
fn what_was_there_is_kept_aside_whole() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    f.fill(inbox, 1..=3);
    let (_home, file) = backup(&f);
    f.fill(inbox, 4..=5);
    let dir = f.store.dir().to_owned();
    let lock = SyncLock::acquire(&dir).unwrap();
    let refused = Store::restore(&options(dir.clone()), &file, "aside").unwrap_err();
    assert!(matches!(refused, StoreError::Busy { .. }), "{refused}");
    drop(lock);
    // A store that nobody has open.
    let Fixture { writer, store, .. } = &mut f;
    *writer = store.writer().unwrap();
    let (manifest, kept) = Store::restore(&options(dir.clone()), &file, "aside").unwrap();
    assert_eq!((manifest.taken, kept.clone()), (Some(Timestamp(77)), Some(dir.join("aside"))));
    let counted = |dir: &Path| {
        let store = Store::open(&options(dir.to_owned())).unwrap();
        store.reader().unwrap().counts(f.account).unwrap().messages
    };
    assert_eq!(counted(&dir), 3);
    assert_eq!(fs::metadata(dir.join("aside")).unwrap().mode() & 0o7777, 0o700);
    assert_eq!(counted(&dir.join("aside")), 5);
    // Nothing is written over: the same name is not taken twice.
    assert!(Store::restore(&options(dir.clone()), &file, "aside").is_err());
}

#[test]
fn a_reader_that_waited_reads_what_was_written_and_what_was_put_back() {
    let mut f = Fixture::new();
    let (inbox, account, dir) = (f.inbox, f.account, f.store.dir().to_owned());
    f.fill(inbox, 1..=3);
    let keeping = Store::open(&Options { keeps_readers: true, ..options(dir.clone()) }).unwrap();
    let counted = || keeping.reader().unwrap().counts(account).unwrap().messages;
    assert_eq!(counted(), 3);
    let (_home, file) = backup(&f);
    f.fill(inbox, 4..=5);
    assert_eq!(counted(), 5);
    Store::restore(&options(dir.clone()), &file, "aside").unwrap();
    assert_eq!(counted(), 3, "the store that is there now, and not the one that was opened");
    assert_eq!(keeping.reader().unwrap().check().unwrap(), Vec::<String>::new());
    drop(keeping);
    let aside = Store::open(&options(dir.join("aside"))).unwrap().reader().unwrap();
    assert_eq!(aside.counts(account).unwrap().messages, 5);
}

#[test]
fn what_is_no_sound_backup_is_refused_and_nothing_is_changed() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    f.fill(inbox, 1..=40);
    let (home, file) = backup(&f);
    let whole = fs::read(&file).unwrap();
    let mut holed = whole.clone();
    let middle = holed.len() / 2;
    holed[middle..middle + 20_000].fill(0xa5);
    let mut newer = whole.clone();
    newer[60..64].copy_from_slice(&99_u32.to_be_bytes());
    let other = home.path().join("other.db");
    let somebody_elses = rusqlite::Connection::open(&other).unwrap();
    somebody_elses.execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    drop(somebody_elses);
    let before = names(f.store.dir());
    let table: [(&[u8], &str); 5] = [
        (b"mail, mail", "it does not begin as a database does"),
        (&whole[..50], "it ends within its header"),
        (&whole[..whole.len() / 2], ""),
        (&holed, ""),
        (&newer, "has schema 99"),
    ];
    for (bytes, detail) in table {
        fs::write(&file, bytes).unwrap();
        let refused = Store::restore(&options(f.store.dir().to_owned()), &file, "aside").unwrap_err();
        assert!(
            matches!(refused, StoreError::BadBackup { .. } | StoreError::NewerSchema { .. }),
            "{detail}: {refused}"
        );
        assert!(refused.to_string().contains(detail), "{refused}");
    }
    let refused = Store::restore(&options(f.store.dir().to_owned()), &other, "aside").unwrap_err();
    assert!(refused.to_string().contains("it is no store of postrider"), "{refused}");
    let after: Vec<String> = names(f.store.dir()).into_iter().filter(|name| name != "store.lock").collect();
    assert_eq!(after, before);
    assert_eq!(f.reader().counts(f.account).unwrap().messages, 40);
}

#[test]
fn a_restore_that_was_cut_off_leaves_no_new_store_and_is_done_again() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    f.fill(inbox, 1..=3);
    let (_home, file) = backup(&f);
    let dir = f.store.dir().to_owned();
    f.store.note_damage("a restore was begun and has not ended").unwrap();
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        let _ = fs::remove_file(dir.join(name));
    }
    let refused = Store::open(&options(dir.clone())).unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused}");
    assert!(!dir.join("store.db").exists());
    Store::restore(&options(dir.clone()), &file, "aside").unwrap();
    let store = Store::open(&options(dir)).unwrap();
    store.refuse_damaged().unwrap();
    assert_eq!(store.reader().unwrap().counts(f.account).unwrap().messages, 3);
}

/// SQLite reads a log into whatever database stands beside it, and finds the result sound.
#[test]
fn a_log_that_a_lost_store_left_is_read_into_nothing() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    f.fill(inbox, 1..=20);
    let (_home, file) = backup(&f);
    f.fill(inbox, 21..=40);
    let dir = f.store.dir().to_owned();
    // As after a death: nothing was written back, and a person has taken the database away.
    let log = fs::read(dir.join("store.db-wal")).unwrap();
    assert!(log.len() > 32, "there is a log");
    let place = tempfile::tempdir().unwrap();
    let store = place.path().join("store");
    fs::create_dir(&store).unwrap();
    fs::set_permissions(&store, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    fs::write(store.join("store.db-wal"), &log).unwrap();
    fs::set_permissions(store.join("store.db-wal"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();

    let refused = Store::open(&options(store.clone())).unwrap_err();
    assert!(refused.to_string().contains("store.db-wal is what is left of it"), "{refused}");
    assert_eq!(names(&store), ["store.db-wal"]);

    let (_, kept) = Store::restore(&options(store.clone()), &file, "aside").unwrap();
    assert_eq!(fs::read(kept.unwrap().join("store.db-wal")).unwrap(), log, "it is kept");
    let restored = Store::open(&options(store)).unwrap();
    let rows = restored.reader().unwrap().list(&postrider_store::Filter::default()).unwrap();
    assert_eq!(rows.len(), 20, "what the backup holds, and nothing of what the log did");
}

#[test]
fn a_store_is_at_home_where_it_was_made_and_away_elsewhere_until_it_is_brought_home() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    let away = |machine| Store::open(&on(machine, &dir)).unwrap().away().unwrap();
    assert_eq!(away(Some("m1")), None);
    assert_eq!(away(Some("m1")), None);
    assert_eq!(away(Some("m2")), Some(Away::Elsewhere));
    // What has been elsewhere may be known elsewhere.
    assert_eq!(away(Some("m1")), Some(Away::Elsewhere));
    let bring_home = |machine| {
        let mut writer = Store::open(&on(machine, &dir)).unwrap().writer().unwrap();
        writer.transaction(|tx| tx.bring_home()).unwrap()
    };
    assert!(bring_home(Some("m2")));
    assert!(!bring_home(Some("m2")));
    assert_eq!(away(Some("m2")), None);
    assert_eq!(away(None), Some(Away::Elsewhere));
    assert!(bring_home(None));
    assert_eq!(away(None), None);
}

#[test]
fn a_backup_is_away_wherever_and_however_it_is_opened() {
    let f = Fixture::new();
    let (_home, file) = backup(&f);
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    fs::copy(&file, place.path().join("store.db")).unwrap();
    let store = Store::open(&options(place.path().to_owned())).unwrap();
    assert_eq!(store.away().unwrap(), Some(Away::PutBack { taken: Some(Timestamp(77)) }));
    store.writer().unwrap().transaction(|tx| tx.bring_home()).unwrap();
    assert_eq!(store.away().unwrap(), None);
}

#[test]
fn what_waited_is_uncertain_away_from_home_and_what_is_written_there_is_not() {
    let mut f = Fixture::new();
    let (account, inbox) = (f.account, f.inbox);
    let sent = f.folder("Sent");
    let described = NewCollection { role: Some(FolderRole::Sent), ..crate::fixture::folder("Sent") };
    f.tx(|tx| tx.update_collection(sent, &described));
    let status = FolderStatus { uid_validity: 5, uid_next: 30, highest_mod_seq: None, messages: 0 };
    let cursor = MailCursor { status, complete: true, window: Window::All };
    f.tx(|tx| {
        tx.set_cursor(sent, &cursor)?;
        tx.set_cursor(inbox, &cursor)
    });
    let placement: PlacementId = f.fill(inbox, 1..=1)[0];
    let new = |subject: &str| NewOutgoing {
        body: Body::new(subject.as_bytes().to_vec()).unwrap(),
        message_id: format!("{subject}@example.test"),
        subject: subject.to_owned(),
        sender: "me@example.test".to_owned(),
        recipients: vec!["you@example.test".to_owned()],
        files: true,
    };
    f.tx(|tx| tx.enqueue(account, &new("before"), Timestamp(1)));
    let append = Operation::Append { copy_of: None, floor: None };
    f.tx(|tx| tx.add_intent(account, placement, inbox, &append, Timestamp(1)));

    let dir = f.store.dir().to_owned();
    let elsewhere = Store::open(&on(Some("m2"), &dir)).unwrap();
    let mut writer = elsewhere.writer().unwrap();
    let floor = Floor { uid_validity: 5, uid_next: 30 };
    let look = |writer: &mut postrider_store::Writer| {
        writer.transaction(|tx| Ok((tx.open_outbox(account)?, tx.intents(account)?))).unwrap()
    };
    let (entries, intents) = look(&mut writer);
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((entry.state, entry.floor), (State::Unknown, Some(floor)));
    assert_eq!(entry.error.as_deref(), Some(SENT_ELSEWHERE));
    assert_eq!(intents[0].intent.state, State::Unknown);
    assert_eq!(intents[0].operation, Operation::Append { copy_of: None, floor: Some(floor) });

    writer.transaction(|tx| tx.enqueue(account, &new("after"), Timestamp(2))).unwrap();
    drop(Store::open(&on(Some("m2"), &dir)).unwrap());
    assert_eq!(look(&mut writer).0[1].state, State::Noted);
    writer.transaction(|tx| tx.bring_home()).unwrap();
    let states: Vec<State> = look(&mut writer).0.iter().map(|entry| entry.state).collect();
    assert_eq!(states, [State::Unknown, State::Noted], "nobody but a person says that it was not sent");
}

#[test]
fn damage_leaves_a_mark_that_outlives_whoever_found_it() {
    let mut f = Fixture::new();
    f.store.refuse_damaged().unwrap();
    let failed = f.writer.transaction(|_| -> postrider_store::Result<()> {
        Err(StoreError::Damaged { file: "search.db".to_owned(), detail: "derived".to_owned() })
    });
    assert!(failed.is_err());
    f.store.refuse_damaged().unwrap();
    for detail in ["a page is gone", "and another"] {
        let failed = f.writer.transaction(|_| -> postrider_store::Result<()> {
            Err(StoreError::Damaged { file: "store.db".to_owned(), detail: detail.to_owned() })
        });
        assert!(failed.is_err());
    }
    let refused = Store::open(&options(f.store.dir().to_owned())).unwrap().refuse_damaged().unwrap_err();
    assert_eq!(refused.to_string(), "store.db is damaged: a page is gone");
    f.store.note_sound().unwrap();
    f.store.refuse_damaged().unwrap();
}

#[test]
fn a_check_reads_bodies_and_names_the_messages_that_are_not_what_was_stored() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    let ids = f.fill(inbox, 1..=30);
    let whole = f.reader().check_bodies(None, |_, _| {}).unwrap();
    assert_eq!((whole.read, whole.of, whole.wrong.len()), (30, 30, 0));
    let sample = f.reader().check_bodies(Some(10), |done, of| assert!(done <= of)).unwrap();
    assert_eq!((sample.read, sample.of), (10, 30));
    let conn = rusqlite::Connection::open(f.store.dir().join("store.db")).unwrap();
    conn.execute("UPDATE body SET size = size + 1 WHERE id = 7", []).unwrap();
    let found = f.reader().check_bodies(None, |_, _| {}).unwrap();
    assert_eq!(found.wrong.len(), 1, "{found:?}");
    assert!(found.wrong[0].starts_with(&format!("{}: ", ids[6])), "{found:?}");
}

#[test]
fn compacting_gives_room_back_and_changes_nothing() {
    let mut f = Fixture::new();
    let (inbox, account) = (f.inbox, f.account);
    let noise = |seed: u32| -> String {
        let mut state = seed * 2 + 1;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'!' + u8::try_from(state >> 25).unwrap() % 90)
        };
        (0..20_000).map(|_| next()).collect()
    };
    let incoming: Vec<_> = (1..=60).map(|uid| message(uid, &noise(uid))).collect();
    let ids: Vec<PlacementId> = f.insert(inbox, &incoming).into_iter().map(|one| one.placement).collect();
    f.tx(|tx| tx.delete_placements(&ids[..50], &at(9)));
    f.tx(|tx| tx.purge_expired(Timestamp::from_seconds(10), 100));
    let before = f.reader().counts(account).unwrap();
    let lock = SyncLock::acquire(f.store.dir()).unwrap();
    assert!(matches!(f.store.compact(), Err(StoreError::Busy { .. })));
    drop(lock);
    let compacted = f.store.compact().unwrap();
    assert!(compacted.after + 500_000 < compacted.before, "{compacted:?}");
    assert_eq!(f.reader().counts(account).unwrap(), before);
    assert_eq!(f.reader().check().unwrap(), Vec::<String>::new());
    assert_eq!(f.reader().check_bodies(None, |_, _| {}).unwrap().read, 10);
}
