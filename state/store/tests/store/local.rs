//! What is done here waits to be sent, and is what people see in the meantime.

use postrider_journal::{Event, Operation};
use postrider_model::{PlacementId, Timestamp, UidSet};
use postrider_store::{Discard, Filter, FlagUpdate, Landed, StoreError, Unsent};

use crate::fixture::{Fixture, at, flags, message};

fn unsent(f: &mut Fixture) -> Vec<Unsent> {
    let account = f.account;
    f.tx(|tx| tx.unsent(account))
}

fn folder_of(f: &Fixture, id: PlacementId) -> (String, Option<u32>) {
    let row = f.reader().show(id, None).unwrap().unwrap().row;
    (row.folder, row.uid)
}

fn deleted(f: &Fixture) -> Vec<PlacementId> {
    let filter = Filter { deleted: true, ..Filter::default() };
    f.reader().list(&filter).unwrap().into_iter().map(|row| row.id).collect()
}

#[test]
fn flags_wait_until_they_are_echoed_and_may_be_taken_back() {
    let mut f = Fixture::new();
    let id = f.fill(f.inbox, 1..=1)[0];
    assert!(f.tx(|tx| tx.set_flags(id, &flags(&["\\Seen", "Todo"]), &at(1))));
    assert!(
        !f.tx(|tx| tx.set_flags(id, &flags(&["\\Seen", "TODO"]), &at(2))),
        "the same in another spelling"
    );
    let [waits] = unsent(&mut f).try_into().unwrap();
    assert_eq!((waits.placement.flags, waits.placement.base_flags), (flags(&["\\Seen", "Todo"]), flags(&[])));
    f.tx(|tx| tx.set_flags(id, &flags(&[]), &at(3)));
    assert_eq!(unsent(&mut f), []);
    f.tx(|tx| tx.set_flags(id, &flags(&["\\Seen"]), &at(4)));
    let echo = FlagUpdate {
        placement: id,
        flags: flags(&["\\Seen"]),
        base_flags: flags(&["\\Seen"]),
        mod_seq: Some(9),
    };
    f.tx(|tx| tx.echoed(&[echo], &at(5)));
    assert_eq!(unsent(&mut f), []);
    assert_eq!(
        f.reader().history(id).unwrap().len(),
        3,
        "one for each change of a person, none for the echo"
    );
}

#[test]
fn a_move_shows_at_once_and_the_server_side_stays_known() {
    let mut f = Fixture::new();
    let (inbox, archive, third) = (f.inbox, f.folder("Archive"), f.folder("Third"));
    let id = f.fill(inbox, 1..=1)[0];
    assert!(f.tx(|tx| tx.move_here(id, archive, &at(1))));
    assert!(!f.tx(|tx| tx.move_here(id, archive, &at(1))));
    assert_eq!(folder_of(&f, id), ("Archive".to_owned(), None));
    assert_eq!(
        (f.tx(|tx| tx.known_uids(inbox)), f.tx(|tx| tx.known_uids(archive))),
        (UidSet::range(1, 1), UidSet::EMPTY)
    );
    let counts = f.reader().folders(f.account).unwrap().into_iter().map(|row| (row.name, row.messages));
    assert_eq!(
        counts.collect::<Vec<_>>(),
        [("Archive".to_owned(), 1), ("INBOX".to_owned(), 0), ("Third".to_owned(), 0)]
    );
    f.tx(|tx| tx.move_here(id, third, &at(2)));
    f.tx(|tx| tx.landed(Landed { placement: id, collection: archive, uid: 7 }));
    let [waits] = unsent(&mut f).try_into().unwrap();
    assert_eq!(
        (waits.collection, waits.placement.uid, waits.placement.here),
        (archive, Some(7), Some(third))
    );
    f.tx(|tx| tx.landed(Landed { placement: id, collection: third, uid: 8 }));
    assert_eq!((unsent(&mut f), folder_of(&f, id)), (vec![], ("Third".to_owned(), Some(8))));
    f.tx(|tx| tx.move_here(id, inbox, &at(3)));
    f.tx(|tx| tx.move_here(id, third, &at(4)));
    assert_eq!(unsent(&mut f), [], "moved back before it was sent");
    f.tx(|tx| tx.landed(Landed { placement: id, collection: inbox, uid: 9 }));
    let [waits] = unsent(&mut f).try_into().unwrap();
    assert_eq!(
        (waits.collection, waits.placement.here),
        (inbox, Some(third)),
        "moved back while it was on its way"
    );
}

#[test]
fn a_copy_waits_as_a_note_and_goes_where_it_is_moved() {
    let mut f = Fixture::new();
    let (inbox, archive, account) = (f.inbox, f.folder("Archive"), f.account);
    let id = f.fill(inbox, 1..=1)[0];
    let copy = f.tx(|tx| tx.copy_here(id, inbox, &at(1)));
    f.tx(|tx| tx.move_here(copy, archive, &at(2)));
    let [note] = f.tx(|tx| tx.intents(account)).try_into().unwrap();
    assert_eq!((note.placement, note.collection), (Some(copy), Some(archive)));
    assert_eq!(note.operation, Operation::Append { copy_of: Some(id), floor: None });
    assert_eq!(
        (folder_of(&f, copy), folder_of(&f, id)),
        (("Archive".to_owned(), None), ("INBOX".to_owned(), Some(1)))
    );
    assert_eq!(f.tx(|tx| tx.adrift(archive)), [], "it waits for its place, it is not lost");
    f.tx(|tx| tx.discard(copy, Discard::Expunge, &at(3)));
    assert_eq!(
        (f.tx(|tx| tx.intents(account)), unsent(&mut f)),
        (vec![], vec![]),
        "it never was on the server"
    );
    f.tx(|tx| tx.restore(copy, &at(4)));
    assert_eq!(f.tx(|tx| tx.intents(account)).len(), 1);
}

#[test]
fn a_note_on_its_way_is_not_withdrawn() {
    let mut f = Fixture::new();
    let (inbox, archive, account) = (f.inbox, f.folder("Archive"), f.account);
    let id = f.fill(inbox, 1..=1)[0];
    let copy = f.tx(|tx| tx.copy_here(id, archive, &at(1)));
    let note = f.tx(|tx| tx.intents(account))[0].id;
    f.tx(|tx| tx.step_intent(note, Event::Send));
    f.tx(|tx| tx.move_here(copy, inbox, &at(2)));
    f.tx(|tx| tx.discard(copy, Discard::Expunge, &at(2)));
    f.tx(|tx| tx.landed(Landed { placement: copy, collection: archive, uid: 3 }));
    f.tx(|tx| tx.step_intent(note, Event::Done));
    let [waits] = unsent(&mut f).try_into().unwrap();
    assert_eq!(
        (waits.placement.id, waits.placement.discard, waits.collection),
        (copy, Some(Discard::Expunge), archive)
    );
    assert!(matches!(
        f.writer.transaction(|tx| tx.step_intent(note, Event::Done)),
        Err(StoreError::NoSuchIntent(_))
    ));
}

#[test]
fn what_is_deleted_here_keeps_its_uid_until_it_is_gone_there() {
    let mut f = Fixture::new();
    let (inbox, account) = (f.inbox, f.account);
    let ids = f.fill(inbox, 1..=3);
    for id in &ids {
        f.tx(|tx| tx.discard(*id, Discard::Expunge, &at(1)));
    }
    assert_eq!(f.tx(|tx| tx.known_uids(inbox)).len(), 3, "so that they are not fetched again");
    assert_eq!((deleted(&f).len(), unsent(&mut f).len(), f.tx(|tx| tx.count_live(inbox))), (3, 3, 0));
    assert!(matches!(f.writer.transaction(|tx| tx.purge(ids[0])), Err(StoreError::StillThere(_))));
    f.tx(|tx| tx.purge_expired(Timestamp::from_seconds(9), 10));
    assert_eq!(deleted(&f).len(), 3, "what is still there is not forgotten here");
    // One is restored before it is sent, one is gone there by itself, one is erased as wanted.
    f.tx(|tx| tx.restore(ids[0], &at(2)));
    assert_eq!(f.tx(|tx| tx.delete_placements(&ids[1..2], &at(2))), 0);
    f.tx(|tx| tx.erased_there(ids[2], &at(2)));
    assert_eq!((unsent(&mut f), f.tx(|tx| tx.intents(account))), (vec![], vec![]));
    assert_eq!((folder_of(&f, ids[0]).1, f.tx(|tx| tx.known_uids(inbox))), (Some(1), UidSet::range(1, 1)));
    assert!(f.tx(|tx| tx.purge(ids[1])));
    assert_eq!(deleted(&f), [ids[2]]);
    // Restored while it was on its way: it is put there again.
    f.tx(|tx| tx.discard(ids[0], Discard::Expunge, &at(3)));
    f.tx(|tx| tx.restore(ids[0], &at(4)));
    f.tx(|tx| tx.erased_there(ids[0], &at(5)));
    assert_eq!(f.tx(|tx| tx.intents(account)).len(), 1);
}

#[test]
fn what_is_only_marked_there_is_known_and_not_shown() {
    let mut f = Fixture::new();
    let (inbox, archive) = (f.inbox, f.folder("Archive"));
    let ids = f.fill(inbox, 1..=2);
    f.tx(|tx| tx.discard(ids[0], Discard::Expunge, &at(1)));
    f.tx(|tx| tx.marked_there(ids[0]));
    assert_eq!(unsent(&mut f)[0].placement.discard, Some(Discard::Marked));
    let was = f.tx(|tx| tx.seat(ids[1]));
    f.tx(|tx| tx.landed(Landed { placement: ids[1], collection: archive, uid: 5 }));
    f.tx(|tx| tx.left_behind(&was, Discard::Left, &at(2)));
    assert_eq!((f.tx(|tx| tx.known_uids(inbox)).len(), deleted(&f)), (2, vec![ids[0]]));
    assert_eq!(f.reader().counts(f.account).unwrap().restorable, 1, "the rest of a move is nobody's message");
    let message = f.tx(|tx| tx.seat(ids[1])).placement.message;
    assert_eq!(f.tx(|tx| tx.strays(&[message], &[])), [], "what is left of a move is no half of another");
}

#[test]
fn what_was_done_here_follows_a_message_that_moves_there() {
    let mut f = Fixture::new();
    let (inbox, archive, third) = (f.inbox, f.folder("Archive"), f.folder("Third"));
    let ids: Vec<_> =
        f.insert(inbox, &[message(1, "a"), message(2, "b")]).into_iter().map(|one| one.placement).collect();
    f.tx(|tx| tx.move_here(ids[0], third, &at(1)));
    f.tx(|tx| tx.discard(ids[1], Discard::Expunge, &at(1)));
    let arrived: Vec<_> =
        f.insert(archive, &[message(7, "a"), message(8, "b")]).into_iter().map(|one| one.placement).collect();
    for (id, arrived) in ids.iter().zip(arrived) {
        f.tx(|tx| tx.adopt(*id, arrived, &flags(&[]), &at(2)));
    }
    let waits: Vec<_> = unsent(&mut f)
        .into_iter()
        .map(|one| (one.collection, one.placement.here, one.placement.discard))
        .collect();
    assert_eq!(waits, [(archive, Some(third), None), (archive, None, Some(Discard::Expunge))]);
    assert_eq!(deleted(&f), [ids[1]]);
}

#[test]
fn nothing_moves_between_accounts_and_nothing_deleted_is_changed() {
    let mut f = Fixture::new();
    let id = f.fill(f.inbox, 1..=1)[0];
    let other = f.tx(|tx| {
        let account = tx.ensure_account("other", "x@example.test")?;
        tx.create_collection(account, &crate::fixture::folder("INBOX"))
    });
    assert!(matches!(
        f.writer.transaction(|tx| tx.move_here(id, other, &at(1))),
        Err(StoreError::OtherAccount(_))
    ));
    assert!(matches!(
        f.writer.transaction(|tx| tx.copy_here(id, other, &at(1))),
        Err(StoreError::OtherAccount(_))
    ));
    f.tx(|tx| tx.discard(id, Discard::Trash, &at(1)));
    let inbox = f.inbox;
    assert!(f.writer.transaction(|tx| tx.set_flags(id, &flags(&["\\Seen"]), &at(2))).is_err());
    assert!(f.writer.transaction(|tx| tx.move_here(id, inbox, &at(2))).is_err());
    assert!(f.writer.transaction(|tx| tx.discard(id, Discard::Trash, &at(2))).is_err());
}

fn seen(placement: PlacementId, there: &[&str]) -> FlagUpdate {
    FlagUpdate { placement, flags: flags(there), base_flags: flags(there), mod_seq: Some(9) }
}

#[test]
fn who_takes_the_mark_away_there_wants_the_message() {
    let mut f = Fixture::new();
    let (inbox, archive) = (f.inbox, f.folder("Archive"));
    let ids = f.fill(inbox, 1..=2);
    f.tx(|tx| tx.discard(ids[0], Discard::Expunge, &at(1)));
    f.tx(|tx| tx.marked_there(ids[0]));
    f.tx(|tx| tx.update_flags(&[seen(ids[0], &["\\Deleted", "\\Seen"])], &at(2)));
    assert_eq!(deleted(&f), [ids[0]], "it carries the mark still");
    assert_eq!(f.tx(|tx| tx.update_flags(&[seen(ids[0], &["\\Seen"])], &at(3))), 1);
    assert_eq!((deleted(&f), unsent(&mut f)), (vec![], vec![]));
    assert_eq!(folder_of(&f, ids[0]), ("INBOX".to_owned(), Some(1)));
    // What a move left is nobody's message: it is to be erased again.
    f.tx(|tx| tx.move_here(ids[1], archive, &at(4)));
    let was = f.tx(|tx| tx.seat(ids[1]));
    f.tx(|tx| tx.landed(Landed { placement: ids[1], collection: archive, uid: 5 }));
    f.tx(|tx| tx.left_behind(&was, Discard::Left, &at(4)));
    let rest = f.tx(|tx| tx.placements(inbox, &UidSet::range(2, 2)))[0].id;
    f.tx(|tx| tx.update_flags(&[seen(rest, &[])], &at(5)));
    let [waits] = unsent(&mut f).try_into().unwrap();
    assert_eq!((waits.placement.id, waits.placement.discard), (rest, Some(Discard::Rest)));
}

#[test]
fn what_is_deleted_here_is_restored_with_the_flags_that_it_got_there() {
    let mut f = Fixture::new();
    let id = f.fill(f.inbox, 1..=1)[0];
    f.tx(|tx| tx.discard(id, Discard::Expunge, &at(1)));
    assert_eq!(f.tx(|tx| tx.update_flags(&[seen(id, &["\\Seen"])], &at(2))), 0, "nobody sees it");
    f.tx(|tx| tx.restore(id, &at(3)));
    assert_eq!(unsent(&mut f), [], "the flag came from there");
    assert_eq!(f.tx(|tx| tx.seat(id)).placement.flags, flags(&["\\Seen"]));
}

#[test]
fn what_was_numbered_anew_is_deleted_where_it_is_found_again() {
    let mut f = Fixture::new();
    let (inbox, account) = (f.inbox, f.account);
    let id = f.insert(inbox, &[message(1, "a")])[0].placement;
    f.tx(|tx| tx.renumber(inbox, &[], &at(1)));
    f.tx(|tx| tx.discard(id, Discard::Expunge, &at(2)));
    assert_eq!(f.tx(|tx| tx.adrift(inbox)).len(), 1);
    let arrived = f.insert(inbox, &[message(7, "a")])[0].placement;
    f.tx(|tx| tx.adopt(id, arrived, &flags(&[]), &at(3)));
    let [waits] = unsent(&mut f).try_into().unwrap();
    assert_eq!((waits.placement.uid, waits.placement.discard), (Some(7), Some(Discard::Expunge)));
    // Taken back before it is found: it may be there, and is not put there a second time.
    f.tx(|tx| tx.renumber(inbox, &[], &at(4)));
    f.tx(|tx| tx.restore(id, &at(5)));
    assert_eq!(f.tx(|tx| tx.intents(account)), []);
    assert_eq!(f.tx(|tx| tx.adrift(inbox)).len(), 1);
}

#[test]
fn what_waits_to_be_put_somewhere_stands_nowhere_and_is_no_half_of_a_move() {
    let mut f = Fixture::new();
    let (inbox, archive) = (f.inbox, f.folder("Archive"));
    let id = f.fill(inbox, 1..=1)[0];
    let copy = f.tx(|tx| tx.copy_here(id, archive, &at(1)));
    let message = f.tx(|tx| tx.seat(copy)).placement.message;
    assert_eq!(f.tx(|tx| tx.strays(&[message], &[archive])), []);
    let stands: Vec<_> = f.tx(|tx| tx.live_of(message)).iter().map(|seat| seat.placement.id).collect();
    assert_eq!(stands, [id]);
}
