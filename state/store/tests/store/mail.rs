//! Folders, cursors, messages that come in, flags.

use postrider_model::{EmailId, FolderRole, FolderStatus, MailCursor, Timestamp, UidSet, Window};
use postrider_store::{Filter, FlagUpdate, Incoming, Named, StoreError};

use crate::fixture::{Fixture, at, flags, folder, message, raw};

fn cursor() -> MailCursor {
    let status = FolderStatus {
        uid_validity: 4_000_000_000,
        uid_next: 8,
        highest_mod_seq: Some(1 << 62),
        messages: 7,
    };
    MailCursor { status, complete: true, window: Window::Since(Timestamp(5)) }
}

#[test]
fn a_folder_keeps_what_a_listing_and_a_reading_say_of_it() {
    let mut f = Fixture::new();
    let (account, inbox) = (f.account, f.inbox);
    let mut now = folder("INBOX");
    now.role = Some(FolderRole::Inbox);
    now.mailbox_id = Some("M1".to_owned());
    f.tx(|tx| {
        tx.update_collection(inbox, &now)?;
        tx.set_cursor(inbox, &cursor())
    });
    let known = &f.tx(|tx| tx.collections(account))[0];
    assert_eq!(
        (known.id, known.role, known.mailbox_id.as_deref()),
        (inbox, Some(FolderRole::Inbox), Some("M1"))
    );
    assert_eq!((&known.cursor, &known.gone), (&Some(cursor()), &None));
    let no_mod_seq = MailCursor { complete: false, window: Window::All, ..cursor() };
    f.tx(|tx| tx.set_cursor(inbox, &no_mod_seq));
    assert_eq!(f.tx(|tx| tx.collections(account))[0].cursor, Some(no_mod_seq));
}

#[test]
fn a_frozen_folder_keeps_its_mail_and_its_name_for_another() {
    let mut f = Fixture::new();
    let (account, inbox) = (f.account, f.inbox);
    let old = f.fill(inbox, 1..=2);
    f.tx(|tx| tx.freeze_collection(inbox, Timestamp(1), "not on the server"));
    f.tx(|tx| tx.freeze_collection(inbox, Timestamp(2), "again"));
    let new = f.folder("INBOX");
    let known = f.tx(|tx| tx.collections(account));
    assert_eq!(known[0].gone, Some((Timestamp(1), "not on the server".to_owned())));
    assert_eq!((known[1].id, &known[1].gone), (new, &None));
    let listed = f.reader().list(&Filter::default()).unwrap();
    assert_eq!(listed.iter().map(|row| row.id).rev().collect::<Vec<_>>(), old);
    assert!(f.writer.transaction(|tx| tx.thaw_collection(inbox)).is_err(), "two of one name");
    f.tx(|tx| {
        tx.freeze_collection(new, Timestamp(3), "gone")?;
        tx.thaw_collection(inbox)
    });
    assert_eq!(f.tx(|tx| tx.collections(account))[0].gone, None);
}

#[test]
fn two_folders_can_swap_their_names_once_they_let_go_of_them() {
    let mut f = Fixture::new();
    let account = f.account;
    let (a, b) = (f.folder("A"), f.folder("B"));
    assert!(f.writer.transaction(|tx| tx.update_collection(a, &folder("B"))).is_err(), "b has it still");
    f.tx(|tx| {
        tx.release_key(a, "B")?;
        tx.release_key(b, "A")?;
        tx.update_collection(a, &folder("B"))?;
        tx.update_collection(b, &folder("A"))
    });
    let known = f.tx(|tx| tx.collections(account));
    let key = |id| known.iter().find(|one| one.id == id).map(|one| one.key.as_str());
    assert_eq!((key(a), key(b)), (Some("B"), Some("A")));
    let commits = f.writer.commits();
    f.tx(|tx| tx.release_key(a, "B"));
    assert_eq!(f.writer.commits(), commits, "it has that key already");
}

/// I8: where nothing is different nothing is committed.
#[test]
fn doing_it_again_commits_nothing() {
    let mut f = Fixture::new();
    let (inbox, account) = (f.inbox, f.account);
    let incoming = [message(1, "a"), message(2, "b")];
    let inserted = f.insert(inbox, &incoming);
    f.tx(|tx| tx.set_cursor(inbox, &cursor()));
    let wal = f.store.dir().join("store.db-wal");
    let before = (f.writer.commits(), std::fs::read(&wal).unwrap());
    let again = f.insert(inbox, &incoming);
    f.tx(|tx| {
        tx.ensure_account("work", "me@example.test")?;
        tx.set_cursor(inbox, &cursor())?;
        tx.update_collection(inbox, &folder("INBOX"))?;
        tx.thaw_collection(inbox)?;
        let update =
            |id| FlagUpdate { placement: id, flags: flags(&[]), base_flags: flags(&[]), mod_seq: None };
        tx.update_flags(&[update(inserted[0].placement)], &at(1))?;
        tx.delete_placements(&[], &at(1))?;
        tx.unhold(&[inserted[0].placement])?;
        tx.purge_expired(Timestamp(i64::MIN), 10)?;
        tx.held(account)
    });
    assert_eq!((f.writer.commits(), std::fs::read(&wal).unwrap()), before);
    for (first, second) in inserted.iter().zip(&again) {
        assert_eq!((first.placement, first.message), (second.placement, second.message));
        assert!(first.new_message && first.new_placement && !second.new_message && !second.new_placement);
    }
}

#[test]
fn a_transaction_that_fails_leaves_nothing() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    let before = f.writer.commits();
    let failed = f.writer.transaction(|tx| {
        tx.insert_messages(inbox, &[message(1, "a")])?;
        Err::<(), _>(StoreError::Stopped)
    });
    assert!(matches!(failed, Err(StoreError::Stopped)));
    assert_eq!((f.writer.commits(), f.tx(|tx| tx.known_uids(inbox))), (before, UidSet::EMPTY));
    // The addresses that the failed transaction had met are gone with it.
    f.insert(inbox, &[message(1, "a")]);
    assert_eq!(f.reader().list(&Filter::default()).unwrap()[0].from[0].email, "Anna@Example.test");
}

#[test]
fn the_same_bytes_are_one_message_within_an_account_and_one_body_among_all() {
    let mut f = Fixture::new();
    let (inbox, sent) = (f.inbox, f.folder("Sent"));
    let other = f.tx(|tx| {
        let account = tx.ensure_account("home", "me@home.test")?;
        tx.create_collection(account, &folder("INBOX"))
    });
    let first = f.insert(inbox, &[message(1, "same"), message(2, "same")]);
    let second = f.insert(sent, &[message(1, "same")])[0];
    let third = f.insert(other, &[message(1, "same")])[0];
    assert_eq!((first[0].message, first[0].message), (first[1].message, second.message));
    assert!(first[0].new_message && !first[1].new_message && !second.new_message && third.new_message);
    assert_ne!(third.message, first[0].message);
    let bodies: i64 = rusqlite::Connection::open(f.store.dir().join("store.db"))
        .unwrap()
        .query_row("SELECT count(*) FROM body_chunk", [], |row| row.get(0))
        .unwrap();
    assert_eq!(bodies, 1);
}

#[test]
fn one_uid_twice_in_a_batch_is_one_placement() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    let inserted = f.insert(inbox, &[message(1, "a"), message(1, "a")]);
    assert_eq!(inserted[0].placement, inserted[1].placement);
    assert!(inserted[0].new_placement && !inserted[1].new_placement);
}

#[test]
fn flags_that_change_are_in_history_and_modseq_alone_is_not() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    let id = f.fill(inbox, 1..=1)[0];
    let mut update = FlagUpdate {
        placement: id,
        flags: flags(&["\\Seen", "Todo"]),
        base_flags: flags(&["\\Seen"]),
        mod_seq: Some(9),
    };
    assert_eq!(f.tx(|tx| tx.update_flags(&[update.clone()], &at(1))), 1);
    update.mod_seq = Some(u64::MAX >> 1);
    assert_eq!(f.tx(|tx| tx.update_flags(&[update.clone()], &at(2))), 0);
    let now = f.tx(|tx| tx.placements(inbox, &UidSet::range(1, u32::MAX)));
    assert_eq!(
        (&now[0].flags, &now[0].base_flags, now[0].mod_seq),
        (&update.flags, &update.base_flags, update.mod_seq)
    );
    let history = f.reader().history(id).unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(
        (history[0].what.as_str(), history[0].side.as_str(), history[0].at),
        ("flags", "server", at(1).at)
    );
    assert!(history[0].snapshot.contains(r#""flags":"""#), "{}", history[0].snapshot);
}

#[test]
fn placements_are_read_by_uid_and_a_huge_set_costs_what_is_there() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    let ids = f.fill(inbox, 3..=6);
    f.insert(inbox, &[message(u32::MAX, "last")]);
    f.tx(|tx| tx.delete_placements(&ids[1..2], &at(1)));
    let uids = f.tx(|tx| tx.known_uids(inbox));
    assert_eq!(uids.to_string(), "3,5:6,4294967295");
    let set: UidSet = [1..=3, 6..=u32::MAX].into_iter().collect();
    let read = f.tx(|tx| tx.placements(inbox, &set));
    assert_eq!(read.iter().map(|one| one.uid.unwrap()).collect::<Vec<_>>(), [3, 6, u32::MAX]);
    let all = f.tx(|tx| tx.all_placements(inbox));
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|one| one.match_key.is_some() && one.size > 0));
}

#[test]
fn without_an_internal_date_the_messages_own_takes_its_place() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    let mut undated = message(1, "a");
    undated.internal_date = None;
    f.insert(inbox, &[undated]);
    assert_eq!(f.reader().list(&Filter::default()).unwrap()[0].internal_date, Timestamp::from_seconds(7));
}

#[test]
fn what_the_server_names_is_stored_without_its_bytes() {
    let mut f = Fixture::new();
    let (inbox, archive) = (f.inbox, f.folder("Archive"));
    let email_id = |id: &str| EmailId(id.to_owned());
    let here = Incoming { email_id: Some(email_id("M1")), ..message(1, "a") };
    let first = f.insert(inbox, &[here])[0];
    let size = raw("a").len() as u64;
    let named = |uid, id: &str, size| Named {
        uid,
        flags: flags(&["\\Seen"]),
        mod_seq: Some(9),
        internal_date: None,
        email_id: email_id(id),
        size,
    };
    let told = [named(5, "M1", size), named(6, "M2", size), named(7, "M1", size + 1)];
    assert_eq!(f.tx(|tx| tx.insert_named(archive, &told)), UidSet::range(5, 5), "by its name and its size");
    assert_eq!(f.tx(|tx| tx.insert_named(archive, &told)), UidSet::EMPTY, "it is there by now");
    let [stands] = f.tx(|tx| tx.placements(archive, &UidSet::range(1, 9))).try_into().unwrap();
    assert_eq!((stands.message, stands.uid, stands.mod_seq), (first.message, Some(5), Some(9)));
    assert_eq!((&stands.flags, &stands.base_flags), (&flags(&["\\Seen"]), &flags(&["\\Seen"])));
    assert_eq!(
        stands.internal_date,
        Timestamp::from_seconds(7),
        "the message's own date, where there is none"
    );
    let account = f.account;
    assert_eq!(f.tx(|tx| tx.arriving(account)).len(), 1, "it may be half of a move");
    // What was stored without a name learns it when its bytes come with one; the first name stays.
    f.insert(inbox, &[message(2, "b")]);
    for (uid, id) in [(8, "M8"), (9, "M9")] {
        f.insert(archive, &[Incoming { email_id: Some(email_id(id)), ..message(uid, "b") }]);
    }
    let told = [named(10, "M8", size), named(11, "M9", size)];
    assert_eq!(f.tx(|tx| tx.insert_named(archive, &told)), UidSet::range(10, 10));
}
