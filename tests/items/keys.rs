//! One contact under another key: renamed and merged there, moved between folders, in a book that is frozen or gone.

use postrider_fake::{
    Trigger,
    groupware::{Groupware, Habits, Trouble},
};
use postrider_model::{AccountStatus, CollectionKey, CollectionKind, ContactId, ItemKey, Timestamp};
use postrider_store::NewLink;

use crate::house::{House, TAG, USER, person};

fn key(house: &House, book: &CollectionKey, name: &str) -> ItemKey {
    house.item(book, name).key
}

/// At the reading of that book, counted from 1.
fn strike(house: &House, nth: usize, trouble: Trouble) {
    house.server.end_troubles();
    house.server.trouble(None, Trigger::Named("contacts.changes", nth), trouble);
}

#[test]
fn a_contact_that_got_another_key_is_followed() {
    let house = House::google();
    let exported = house.add_tagged("Anna", "Petrova");
    house.run();
    let group = house.group();
    house.add_there(&group, &person("Boris", "Orlov"));
    house.run();
    let imported = house.id_of("Boris Orlov");
    for (name, id) in [("Anna Petrova", exported), ("Boris Orlov", imported)] {
        house.there.rekey_contact(&key(&house, &group, name)).unwrap();
        house.edit_there(&group, name, |one| one.job_title = Some("There".into()));
        house.edit(
            id,
            postrider::service::ContactChanges {
                nicknames: Some(vec!["Here".to_owned()]),
                ..Default::default()
            },
        );
    }
    house.run();
    house.run();
    assert_eq!(house.here().len(), 2, "{:?}", house.here());
    for (name, id) in [("Anna Petrova", exported), ("Boris Orlov", imported)] {
        assert!(house.has_tag(id));
        let there = house.item(&group, name).contact;
        assert_eq!(
            (there.job_title, there.nicknames),
            (house.contact(id).job_title, house.contact(id).nicknames)
        );
    }
    house.run();
    house.is_still();
}

/// In a whole listing no former keys are told.
#[test]
fn a_contact_that_got_another_key_is_known_by_its_mark_once_the_cursor_is_gone() {
    let house = House::google();
    let anna = house.add_tagged("Anna", "Petrova");
    house.add_tagged("Boris", "Orlov");
    house.run();
    house.there.rekey_contact(&key(&house, &house.group(), "Anna Petrova")).unwrap();
    house.server.expire_cursors();
    assert_eq!(house.run().counts(), [0, 0, 0]);
    assert!(house.has_tag(anna) && house.here().len() == 2);
    house.title(anna, "Engineer");
    house.run();
    let there = house.item(&house.group(), "Anna Petrova");
    assert_eq!(there.contact.job_title.as_deref(), Some("Engineer"));
    house.run();
    house.is_still();
}

/// Two records can be made one later, one that was made of two cannot be parted (F3.7); and what is no more there loses its tag (F3.3),
/// else it would be made anew beside that of which it is a part.
#[test]
fn f3_3_of_two_that_were_merged_there_one_is_followed_and_the_other_stays_here_without_the_tag() {
    for keeps_key in [false, true] {
        let house = House::google();
        let ids = ["Anna", "Anja"].map(|name| house.add_tagged(name, "Petrova"));
        house.run();
        house.run();
        let group = house.group();
        let keys = ["Anna Petrova", "Anja Petrova"].map(|name| key(&house, &group, name));
        house.title(ids[1], "Edited here");
        house.there.merge_contacts(&keys, keeps_key).unwrap();
        house.edit_there(&group, "Anna Petrova", |anna| anna.job_title = Some("Merged".into()));
        let ran = house.run();
        assert_eq!(ran.counts(), [1, 0, 1], "keeps its key: {keeps_key}");
        assert_eq!(ids.map(|id| house.has_tag(id)), [true, false]);
        assert_eq!(ids.map(|id| house.is_deleted(id)), [false; 2]);
        assert_eq!(house.contact(ids[0]).job_title.as_deref(), Some("Merged"));
        assert_eq!(house.contact(ids[1]).job_title.as_deref(), Some("Edited here"));
        house.run();
        assert_eq!((house.here().len(), house.members(&house.own()).len()), (2, 1));
        house.is_still();
        house.tag(ids[1], true);
        house.run();
        house.run();
        assert_eq!(house.members(&group), ["Anja Petrova", "Anna Petrova"], "who wants both has both");
        house.is_still();
    }
}

#[test]
fn f3_3_the_record_that_is_followed_is_one_that_is_not_deleted() {
    let house = House::google();
    let ids = ["Anna", "Anja"].map(|name| house.add_tagged(name, "Petrova"));
    house.run();
    let group = house.group();
    let keys = ["Anna Petrova", "Anja Petrova"].map(|name| key(&house, &group, name));
    house.there.merge_contacts(&keys, false).unwrap();
    house.delete(ids[0]);
    house.run();
    house.run();
    assert!(house.has_tag(ids[1]) && !house.is_deleted(ids[1]));
    assert_eq!((house.here().len(), house.members(&group).len()), (1, 1));
    house.is_still();
}

/// People: what changed is asked of the account, so that all of a deleted group seems to have left it.
#[test]
fn i2_a_group_that_vanishes_while_it_is_read_unlinks_nobody() {
    for lag_ms in [0, Habits::google().contacts_lag_ms] {
        let habits = Habits { vanished_groups_answer: true, contacts_lag_ms: lag_ms, ..Habits::google() };
        let house = House::new("google", habits, &format!("tag = \"{TAG}\"\n"));
        vanishes_while_it_is_read(&house);
    }
}

fn vanishes_while_it_is_read(house: &House) {
    let ids = ["Anna", "Boris", "Carla"].map(|name| house.add_tagged(name, "Petrova"));
    house.run();
    house.run();
    let vanish = |server: &Groupware| {
        let there = server.somebody(USER);
        let group = there.collection(CollectionKind::AddressBook, "Postrider").unwrap();
        there.delete_collection(&group).unwrap();
    };
    strike(house, 1, Trouble::meanwhile(vanish));
    house.title(ids[0], "Engineer");
    let ran = house.try_run();
    house.server.end_troubles();
    assert_eq!(ids.map(|id| house.has_tag(id)), [true; 3], "{:?}", ran.report.warnings);
    let ran = house.try_run();
    assert_eq!(ran.report.held[0].why, "the contact group was deleted on the server");
    house.allow(&ran.report.held[0].plan);
    house.run();
    house.run();
    assert_eq!(house.members(&house.group()).len(), 3);
    assert_eq!(house.item(&house.group(), "Anna Petrova").contact.job_title.as_deref(), Some("Engineer"));
    house.is_still();
}

fn friends(house: &House) -> CollectionKey {
    house.there.make_collection(CollectionKind::AddressBook, "Friends").unwrap()
}

#[test]
fn f2_2_what_is_in_a_book_that_was_deselected_is_not_made_a_second_time() {
    let house = House::exchange("");
    let friends = friends(&house);
    house.add_there(&friends, &person("Boris", "Orlov"));
    house.add(&person("Anna", "Petrova"));
    house.run();
    let boris = house.id_of("Boris Orlov");
    house.configure("folders = [\"Contacts\"]\n");
    house.run();
    house.title(boris, "Engineer");
    house.run();
    assert_eq!(house.members(&house.own()), ["Anna Petrova"]);
    assert_eq!(house.item(&friends, "Boris Orlov").contact.job_title, None, "frozen");
    house.configure("folders = \"all\"\ndeletions = \"propagate\"\n");
    house.run();
    house.run();
    assert_eq!(house.item(&friends, "Boris Orlov").contact.job_title.as_deref(), Some("Engineer"));
    house.is_still();
    house.delete_there(&friends, "Boris Orlov");
    house.run();
    house.run();
    assert!(house.is_deleted(boris));
    assert_eq!(house.members(&house.own()), ["Anna Petrova"]);
    house.is_still();
}

#[test]
fn f2_2_what_was_moved_out_of_a_book_that_was_deselected_or_deleted_is_the_same_contact() {
    for is_deleted in [false, true] {
        let house = House::exchange("");
        let friends = friends(&house);
        for (given, family) in [("Boris", "Orlov"), ("Carla", "Ivanova"), ("Dora", "Lind")] {
            house.add_there(&friends, &person(given, family));
        }
        house.run();
        let boris = house.id_of("Boris Orlov");
        if !is_deleted {
            house.configure("folders = [\"Contacts\"]\n");
            house.run();
        }
        house.there.move_contact(&key(&house, &friends, "Boris Orlov"), &house.own()).unwrap();
        // One that looks like Carla, who is where she was.
        house.add_there(&house.own(), &person("Carla", "Ivanova"));
        if is_deleted {
            house.there.delete_collection(&friends).unwrap();
        }
        house.title(boris, "Engineer");
        house.run();
        house.run();
        let count = if is_deleted { 3 } else { 4 };
        assert_eq!(house.here().len(), count, "deleted: {is_deleted}: {:?}", house.here());
        assert_eq!(house.members(&house.own()), ["Boris Orlov", "Carla Ivanova"]);
        let there = house.item(&house.own(), "Boris Orlov");
        assert_eq!(there.contact.job_title.as_deref(), Some("Engineer"));
        house.configure("folders = \"all\"\n");
        house.run();
        house.run();
        assert_eq!((house.here().len(), house.members(&house.own()).len()), (count, 2));
        house.is_still();
    }
}

/// Anna went out, Boris came in.
fn two_books() -> (House, CollectionKey, [ContactId; 2]) {
    let house = House::exchange("deletions = \"propagate\"\n");
    let friends = friends(&house);
    let anna = house.add(&person("Anna", "Petrova"));
    house.add_there(&house.own(), &person("Boris", "Orlov"));
    house.add(&person("Carla", "Ivanova"));
    house.run();
    let boris = house.id_of("Boris Orlov");
    (house, friends, [anna, boris])
}

/// What was edited here goes on, and nobody is there or here twice.
fn is_one(house: &House, book: &CollectionKey, ids: [ContactId; 2]) {
    assert_eq!(ids.map(|id| house.is_deleted(id)), [false; 2]);
    assert_eq!(house.here().len(), 3, "{:?}", house.here());
    for (name, id) in ["Anna Petrova", "Boris Orlov"].into_iter().zip(ids) {
        house.title(id, name);
    }
    house.run();
    for name in ["Anna Petrova", "Boris Orlov"] {
        assert_eq!(house.item(book, name).contact.job_title.as_deref(), Some(name));
    }
    assert_eq!(
        house.members(book).len() + house.members(&house.own()).len(),
        3 + usize::from(*book == house.own()) * 3
    );
    house.run();
    house.is_still();
}

#[test]
fn a_move_into_a_book_that_cannot_be_read_is_one_contact_once_it_can() {
    let (house, friends, ids) = two_books();
    for name in ["Anna Petrova", "Boris Orlov"] {
        house.there.move_contact(&key(&house, &house.own(), name), &friends).unwrap();
    }
    house.add_there(&house.own(), &person("Dora", "Lind"));
    for _ in 0..2 {
        strike(&house, 2, Trouble::Unavailable);
        let ran = house.try_run();
        house.server.end_troubles();
        assert_eq!(ran.report.status, AccountStatus::Failed);
        house.is_lawful();
    }
    house.delete(house.id_of("Dora Lind"));
    house.run();
    house.delete_there(&house.own(), "Carla Ivanova");
    house.add_there(&house.own(), &person("Carla", "Ivanova"));
    house.run();
    house.run();
    is_one(&house, &friends, ids);
}

#[test]
fn a_move_out_of_a_book_that_cannot_be_read_is_one_contact() {
    let (house, friends, ids) = two_books();
    for name in ["Anna Petrova", "Boris Orlov"] {
        house.there.move_contact(&key(&house, &house.own(), name), &friends).unwrap();
    }
    strike(&house, 1, Trouble::Unavailable);
    house.try_run();
    house.server.end_troubles();
    house.run();
    house.run();
    is_one(&house, &friends, ids);
}

#[test]
fn a_move_between_the_reading_of_two_books_is_one_contact() {
    for comes_back in [false, true] {
        let (house, friends, ids) = two_books();
        let mv = |from: &CollectionKey, to: &CollectionKey| {
            let (from, to) = (from.clone(), to.clone());
            move |server: &Groupware| {
                let there = server.somebody(USER);
                for one in there.contacts(&from) {
                    if one.contact.display_name != "Carla Ivanova" {
                        there.move_contact(&one.key, &to).unwrap();
                    }
                }
            }
        };
        let (mut from, mut to) = (house.own(), friends.clone());
        if comes_back {
            mv(&from, &to)(&house.server);
            house.run();
            house.run();
            std::mem::swap(&mut from, &mut to);
        }
        strike(&house, 2, Trouble::meanwhile(mv(&from, &to)));
        house.run();
        house.server.end_troubles();
        house.run();
        house.run();
        is_one(&house, &to, ids);
    }
}

/// A deletion is decided once both books were read after it was seen.
#[test]
fn f3_4_what_is_gone_from_one_of_two_books_waits_a_round() {
    let (house, friends, ids) = two_books();
    house.delete_there(&house.own(), "Boris Orlov");
    assert_eq!(house.run().counts(), [0, 0, 0]);
    assert!(!house.is_deleted(ids[1]));
    assert_eq!(house.run().counts(), [0, 0, 1]);
    assert!(house.is_deleted(ids[1]) && house.members(&friends).is_empty());
    house.run();
    house.is_still();
}

/// A store of before may have two items of one record: a deletion of one of them leaves the other as it is, and its record.
#[test]
fn a_record_with_two_items_is_deleted_with_the_last_of_them() {
    for both in [false, true] {
        let (house, friends, [_, boris]) = two_books();
        house.add_there(&friends, &person("Boris", "Orlov"));
        house.run();
        let other = house.here().into_iter().find(|one| one.0 == "Boris Orlov" && one.1 != boris).unwrap().1;
        let keys = [house.own(), friends.clone()].map(|book| key(&house, &book, "Boris Orlov"));
        house.meddle(|tx| {
            let account = tx.account_id("work")?.unwrap();
            let link = tx.links_of_record(account, other)?.remove(0);
            tx.drop_link(link.id)?;
            tx.add_link(&NewLink {
                collection: link.collection,
                key: link.key,
                record: boris.into(),
                origin: link.origin,
                mark: None,
                base: link.base,
            })
        });
        house.delete(other);
        house.run();
        for (book, key) in [house.own(), friends.clone()].iter().zip(&keys).take(1 + usize::from(both)) {
            house.there.delete_contact(book, key).unwrap();
        }
        house.run();
        house.run();
        assert_eq!(house.is_deleted(boris), both);
        assert_eq!(house.members(&friends).len(), usize::from(!both));
        house.run();
        house.is_still();
    }
}

#[test]
fn f1_9_an_account_that_was_removed_has_no_links_and_its_records_stay_until_they_are_purged() {
    let house = House::exchange("deletions = \"propagate\"\n");
    let ids = ["Anna", "Boris"].map(|name| house.add(&person(name, "Petrova")));
    house.add_there(&house.own(), &person("Carla", "Ivanova"));
    house.run();
    house.delete(ids[1]);
    house.add(&person("Dora", "Lind"));
    let purge = || house.meddle(|tx| tx.purge_records(Timestamp(i64::MAX), 99));
    purge();
    assert!(house.is_deleted(ids[1]), "its server is still to be told");
    house.remove_account();
    house.meddle(|tx| {
        let account = tx.account_id("work")?.unwrap();
        assert!(!tx.has_links(account)? && tx.item_intents(account)?.is_empty());
        Ok(())
    });
    let names = house.here().into_iter().map(|one| one.0).collect::<Vec<_>>();
    assert_eq!(names, ["Carla Ivanova", "Dora Lind", "Anna Petrova"]);
    purge();
    let service = house.service();
    assert!(service.contact(&service.owner(), ids[1]).is_err(), "nobody is to be told of it any more");
    drop(service);
    // Who adds it again meets what is there for the first time.
    house.configure("");
    house.run();
    house.run();
    assert_eq!(house.members(&house.own()), ["Anna Petrova", "Boris Petrova", "Carla Ivanova", "Dora Lind"]);
    assert_eq!(house.here().len(), 4, "{:?}", house.here());
    house.is_still();
}
