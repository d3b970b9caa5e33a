//! Moves and new UIDVALIDITYs keep the ids that people know.

use postrider_model::{FolderStatus, MailCursor, PlacementId, Timestamp, UidSet, Window};
use postrider_store::{Context, Filter, Renumbering, StoreError};

use crate::fixture::{Fixture, at, flags, message};

#[test]
fn a_move_keeps_the_id_whether_or_not_the_deletion_came_first() {
    for deleted_first in [false, true] {
        let mut f = Fixture::new();
        let (inbox, archive) = (f.inbox, f.folder("Archive"));
        let vanished = f.insert(inbox, &[message(1, "a")])[0].placement;
        if deleted_first {
            f.tx(|tx| tx.delete_placements(&[vanished], &at(1)));
        }
        let mut moved = message(7, "a");
        moved.flags = flags(&["\\Seen"]);
        let arrived = f.insert(archive, &[moved])[0].placement;
        f.tx(|tx| tx.adopt(vanished, arrived, &flags(&["\\Seen"]), &at(2)));
        let rows = f.reader().list(&Filter::default()).unwrap();
        let row = &rows[0];
        assert_eq!((rows.len(), row.id, row.folder.as_str(), row.uid), (1, vanished, "Archive", Some(7)));
        assert_eq!((&row.flags, row.internal_date), (&flags(&["\\Seen"]), Timestamp::from_seconds(7)));
        assert_eq!(f.tx(|tx| tx.known_uids(inbox)), UidSet::EMPTY);
        assert!(f.reader().list(&Filter { deleted: true, ..Filter::default() }).unwrap().is_empty());
        let what: Vec<_> = f.reader().history(vanished).unwrap().into_iter().map(|row| row.what).collect();
        let expected: &[&str] = if deleted_first { &["moved", "deleted"] } else { &["moved"] };
        assert_eq!(what, expected);
        assert!(f.writer.transaction(|tx| tx.seat(arrived)).is_err());
        let next = f.insert(inbox, &[message(2, "b")])[0].placement;
        assert!(next > arrived, "the id that went is not given again");
    }
}

#[test]
fn a_frozen_folder_that_lost_a_message_is_read_whole_once_it_is_followed_again() {
    for (is_frozen, expected) in [(true, false), (false, true)] {
        let mut f = Fixture::new();
        let (inbox, archive, account) = (f.inbox, f.folder("Archive"), f.account);
        let vanished = f.insert(inbox, &[message(1, "a")])[0].placement;
        let status = FolderStatus { uid_validity: 9, uid_next: 2, highest_mod_seq: None, messages: 1 };
        let cursor = MailCursor { status, complete: true, window: Window::All };
        f.tx(|tx| tx.set_cursor(inbox, &cursor));
        if is_frozen {
            f.tx(|tx| tx.freeze_collection(inbox, Timestamp::from_seconds(1), "vanished"));
        }
        let arrived = f.insert(archive, &[message(7, "a")])[0].placement;
        f.tx(|tx| tx.adopt(vanished, arrived, &flags(&["\\Seen"]), &at(2)));
        let all = f.tx(|tx| tx.collections(account));
        let after = all.into_iter().find(|one| one.id == inbox).unwrap().cursor.unwrap();
        assert_eq!(after, MailCursor { complete: expected, ..cursor });
    }
}

#[test]
fn only_the_same_message_can_move() {
    let mut f = Fixture::new();
    let (inbox, archive) = (f.inbox, f.folder("Archive"));
    let ids = f.fill(inbox, 1..=2);
    let other = f.fill(archive, 1..=1)[0];
    for (vanished, arrived) in [(ids[0], other), (ids[0], ids[0]), (ids[0], ids[1])] {
        let refused =
            f.writer.transaction(|tx| tx.adopt(vanished, arrived, &flags(&[]), &at(1))).unwrap_err();
        assert!(matches!(refused, StoreError::NotAMove { .. }), "{refused}");
    }
}

fn renumbering(placement: PlacementId, uid: u32) -> Renumbering {
    let internal_date = Timestamp::from_seconds(i64::from(uid));
    Renumbering { placement, uid, internal_date, flags: flags(&[]), base_flags: flags(&[]), mod_seq: Some(1) }
}

fn context() -> Context {
    Context { why: "the folder has a new UIDVALIDITY".to_owned(), ..at(5) }
}

#[test]
fn uids_can_change_places() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    let ids = f.fill(inbox, 1..=4);
    // 1 and 2 change places, 3 moves onto 4's, and 4 is not found again.
    let matched = [renumbering(ids[0], 2), renumbering(ids[1], 1), renumbering(ids[2], 4)];
    let left = f.tx(|tx| tx.renumber(inbox, &matched, &context()));
    assert_eq!(left, [ids[3]]);
    let now = f.tx(|tx| tx.placements(inbox, &UidSet::range(1, 9)));
    let now: Vec<_> =
        now.into_iter().map(|one| (one.uid.unwrap(), one.id, one.internal_date.seconds())).collect();
    assert_eq!(now, [(1, ids[1], 1), (2, ids[0], 2), (4, ids[2], 4)]);
    // The one that is left stands there until the same transaction's decision about it.
    assert_eq!(f.tx(|tx| tx.delete_placements(&left, &context())), 1);
    assert_eq!(f.reader().list(&Filter::default()).unwrap().len(), 3);
}

#[test]
fn a_renumbering_that_cannot_be_leaves_all_as_it_was() {
    let mut f = Fixture::new();
    let (inbox, archive) = (f.inbox, f.folder("Archive"));
    let ids = f.fill(inbox, 1..=3);
    let elsewhere = f.fill(archive, 1..=1)[0];
    f.tx(|tx| tx.delete_placements(&ids[2..], &at(1)));
    let twice = [renumbering(ids[0], 9), renumbering(ids[1], 9)];
    let attempts = [&twice[..], &[renumbering(elsewhere, 5)], &[renumbering(ids[2], 5)]];
    for matched in attempts {
        assert!(f.writer.transaction(|tx| tx.renumber(inbox, matched, &context())).is_err());
        assert_eq!(f.tx(|tx| tx.known_uids(inbox)).to_string(), "1:2");
    }
}
