//! The cases for reading contacts, and what goes wrong with them.

use postrider_model::{
    CollectionKey, CollectionKind, Contact, ErrorClass, ItemKey, Mark, Organization, PersonName, Point,
    Purpose, Scope,
};
use postrider_remote::{
    Access, ContactChange, ContactOp, ContactRemote, Leaving, Making, Reach, RemoteContact,
};

use crate::{
    following::Held,
    items::{ContactHarness, Ill},
    keeping,
};

/// All cases, one after another, each in collections of its own.
pub async fn contact_suite(harness: &mut dyn ContactHarness) {
    collections_are_listed_and_made_once(harness).await;
    a_first_reading_is_full_and_has_all(harness).await;
    nothing_changed_is_nothing(harness).await;
    each_change_is_told_once(harness).await;
    who_leaves_is_told_from_who_is_deleted(harness).await;
    a_new_key_tells_the_old_one(harness).await;
    a_fetch_answers_for_each_key(harness).await;
    a_cursor_that_holds_no_more_gives_a_full_listing(harness).await;
    a_collection_that_is_not_there_is_not_empty(harness).await;
    a_failure_is_not_emptiness(harness).await;
    keeping::suite(harness).await;
}

/// A contact that every server can hold as it is.
pub(crate) fn contact(given: &str) -> Contact {
    let work = Purpose { types: vec!["work".to_owned()], ..Purpose::default() };
    Contact {
        display_name: format!("{given} Doe"),
        name: PersonName { given: given.to_owned(), family: "Doe".to_owned(), ..PersonName::default() },
        organization: Organization { name: "Example".to_owned(), units: Vec::new() },
        emails: vec![Point { value: format!("{}@example.org", given.to_lowercase()), of: work.clone() }],
        phones: vec![Point { value: "+4912345678".to_owned(), of: work }],
        notes: vec!["met in Ulm".to_owned()],
        ..Contact::default()
    }
}

/// A mark that nobody has used.
pub(crate) fn mark(intent: u64) -> Mark {
    Mark::new(0x00c0_ffee, intent)
}

/// A collection of its own with these in it.
pub(crate) async fn book(
    harness: &mut dyn ContactHarness,
    name: &str,
    contacts: &[Contact],
) -> (CollectionKey, Vec<ItemKey>) {
    let book = harness.make_book(name).await;
    let mut keys = Vec::new();
    for contact in contacts {
        keys.push(harness.add(&book, contact).await);
    }
    harness.settle().await;
    (book, keys)
}

pub(crate) fn people(prefix: &str, count: usize) -> Vec<Contact> {
    (1..=count).map(|number| contact(&format!("{prefix}{number}"))).collect()
}

pub(crate) async fn held(remote: &dyn ContactRemote, book: &CollectionKey) -> Held<RemoteContact> {
    let mut held = Held::<RemoteContact>::nothing_of(book.clone());
    held.follow(remote).await;
    held
}

async fn collections_are_listed_and_made_once(harness: &mut dyn ContactHarness) {
    let others = harness.make_book("Somebody's").await;
    let remote = harness.remote();
    let listed = remote.collections().await.unwrap();
    assert!(listed.iter().all(|one| one.kind == CollectionKind::AddressBook));
    assert_eq!(listed.iter().filter(|one| one.is_default).count(), 1);
    let found = listed.iter().find(|one| one.key == others).expect("it is listed");
    assert_eq!((&*found.name, found.access), ("Somebody's", Access::Write));
    let Making::Made(made) = remote.make_collection("Ours", mark(1)).await.unwrap() else {
        panic!("there was none of that name");
    };
    assert_eq!(made.name, "Ours");
    let listed = remote.collections().await.unwrap();
    assert_eq!(listed.iter().filter(|one| one.key == made.key && one.name == "Ours").count(), 1);
    // A second one is never made, neither of that name nor under that mark.
    for (name, mark) in [("Ours", mark(2)), ("Ours", mark(1))] {
        assert_eq!(remote.make_collection(name, mark).await.unwrap(), Making::Taken(made.clone()));
    }
    assert_eq!(remote.collections().await.unwrap(), listed);
    if harness.ill(Some(Ill::AnswersLost)).await {
        let failed = remote.make_collection("Unheard", mark(7)).await.unwrap_err();
        assert_eq!(failed.reach, Reach::Unknown);
        harness.ill(None).await;
        let listed = remote.collections().await.unwrap();
        let found = listed.iter().find(|one| one.name == "Unheard").expect("it was made");
        assert!(found.mark.is_none_or(|is| is == mark(7)), "a mark is the maker's");
    }
    harness.delete_book(&made.key).await;
    assert!(remote.collections().await.unwrap().iter().all(|one| one.key != made.key));
    remote.close().await;
}

async fn a_first_reading_is_full_and_has_all(harness: &mut dyn ContactHarness) {
    let all = people("First", 11);
    let (first, keys) = book(harness, "First", &all).await;
    let (empty, _) = book(harness, "Empty", &[]).await;
    let remote = harness.remote();
    let mut held = Held::<RemoteContact>::nothing_of(first);
    let reading = held.follow(&*remote).await;
    assert_eq!(reading.scope, Scope::Full);
    for (key, contact) in keys.iter().zip(&all) {
        assert_eq!(held.items[key].contact, *contact);
        assert!(held.items[key].changed.is_some() && held.items[key].mark.is_none());
    }
    assert_eq!(held.items.len(), all.len());
    let clocks = reading.server_time.zip(harness.server_time());
    let (told, is) = clocks.expect("a page tells what time it is for the server");
    assert!(told.0.abs_diff(is.0) < 5_000_000, "{told:?} and not {is:?}");
    let mut held = Held::<RemoteContact>::nothing_of(empty);
    let reading = held.follow(&*remote).await;
    assert!(reading.scope == Scope::Full && reading.is_empty());
    remote.close().await;
}

async fn nothing_changed_is_nothing(harness: &mut dyn ContactHarness) {
    let (still, _) = book(harness, "Still", &people("Still", 3)).await;
    let remote = harness.remote();
    let mut held = held(&*remote, &still).await;
    for _ in 0..2 {
        let reading = held.follow(&*remote).await;
        assert!(reading.scope == Scope::Delta && reading.is_empty(), "{reading:?}");
    }
    remote.close().await;
}

async fn each_change_is_told_once(harness: &mut dyn ContactHarness) {
    let (changing, keys) = book(harness, "Changing", &people("Changing", 5)).await;
    let remote = harness.remote();
    let mut held = held(&*remote, &changing).await;
    let before = held.clone();
    let mut other = contact("Changing2");
    other.notes = vec!["moved to Bonn".to_owned()];
    harness.change(&changing, &keys[1], &other).await;
    assert!(harness.take_out(&changing, &keys[3], Leaving::Deleted).await);
    let new = harness.add(&changing, &contact("New")).await;
    harness.settle().await;
    let reading = held.follow(&*remote).await;
    assert_eq!(reading.scope, Scope::Delta);
    let mut put = vec![keys[1].clone(), new.clone()];
    put.sort();
    assert_eq!((reading.put, reading.gone), (put, vec![(keys[3].clone(), Some(Leaving::Deleted))]));
    assert_eq!(held.items[&keys[1]].contact, other);
    assert_ne!(held.items[&keys[1]].version, before.items[&keys[1]].version);
    assert!(held.items[&keys[1]].changed >= before.items[&keys[1]].changed);
    assert!(held.follow(&*remote).await.is_empty());
    // The old cursor still tells all of it (a run that was interrupted).
    let mut again = before;
    let reading = again.follow(&*remote).await;
    assert!(reading.put.contains(&new) && reading.gone_keys().contains(&keys[3]));
    assert_eq!(again.items, held.items);
    remote.close().await;
}

async fn who_leaves_is_told_from_who_is_deleted(harness: &mut dyn ContactHarness) {
    let (left, keys) = book(harness, "Left", &people("Left", 3)).await;
    let remote = harness.remote();
    let mut held = held(&*remote, &left).await;
    if harness.take_out(&left, &keys[1], Leaving::Left).await {
        harness.settle().await;
        let reading = held.follow(&*remote).await;
        let why = if remote.capabilities().has_groups { Leaving::Left } else { Leaving::Deleted };
        assert_eq!((reading.put, reading.gone), (Vec::new(), vec![(keys[1].clone(), Some(why))]));
    }
    remote.close().await;
}

async fn a_new_key_tells_the_old_one(harness: &mut dyn ContactHarness) {
    let (keyed, keys) = book(harness, "Keyed", &people("Keyed", 3)).await;
    let remote = harness.remote();
    let mut held = held(&*remote, &keyed).await;
    if let Some(new) = harness.rekey(&keys[1]).await {
        harness.settle().await;
        let reading = held.follow(&*remote).await;
        assert_eq!((reading.scope, reading.put), (Scope::Delta, vec![new.clone()]));
        assert_eq!(held.items[&new].former_keys, [keys[1].clone()], "else it would be taken for another");
        assert_eq!((held.items.len(), &held.items[&new].contact), (3, &contact("Keyed2")));
    }
    remote.close().await;
}

async fn a_fetch_answers_for_each_key(harness: &mut dyn ContactHarness) {
    let (fetched, keys) = book(harness, "Fetched", &people("Fetched", 4)).await;
    let remote = harness.remote();
    held(&*remote, &fetched).await;
    harness.take_out(&fetched, &keys[0], Leaving::Deleted).await;
    let has_left = harness.take_out(&fetched, &keys[1], Leaving::Left).await;
    let other = Contact { job_title: Some("Chief".to_owned()), ..contact("Fetched3") };
    harness.change(&fetched, &keys[2], &other).await;
    // At once, whatever listings show.
    let answers = remote.fetch(&fetched, &keys).await.unwrap();
    assert_eq!(answers.len(), 4);
    let answer = |key: &ItemKey| {
        let is_of = |one: &&ContactChange| match one {
            ContactChange::Put(contact) => contact.key == *key,
            ContactChange::Gone { key: gone, .. } => gone == key,
        };
        answers.iter().find(is_of).expect("each key is answered for")
    };
    assert_eq!(*answer(&keys[0]), ContactChange::Gone { key: keys[0].clone(), why: Leaving::Deleted });
    let why = if remote.capabilities().has_groups { Leaving::Left } else { Leaving::Deleted };
    if has_left {
        assert_eq!(*answer(&keys[1]), ContactChange::Gone { key: keys[1].clone(), why });
    }
    assert!(matches!(answer(&keys[2]), ContactChange::Put(now) if now.contact == other));
    assert!(matches!(answer(&keys[3]), ContactChange::Put(now) if now.contact == contact("Fetched4")));
    assert_eq!(remote.fetch(&fetched, &[]).await.unwrap(), []);
    remote.close().await;
}

async fn a_cursor_that_holds_no_more_gives_a_full_listing(harness: &mut dyn ContactHarness) {
    let (expired, keys) = book(harness, "Expired", &people("Expired", 6)).await;
    let remote = harness.remote();
    let mut held = held(&*remote, &expired).await;
    harness.take_out(&expired, &keys[2], Leaving::Deleted).await;
    harness.settle().await;
    if harness.expire_cursors().await {
        let reading = held.follow(&*remote).await;
        assert_eq!((reading.scope, reading.put.len()), (Scope::Full, 5));
        assert_eq!(reading.gone_keys(), [keys[2].clone()]);
        assert!(held.follow(&*remote).await.is_empty(), "the new cursor holds");
    }
    remote.close().await;
}

async fn a_collection_that_is_not_there_is_not_empty(harness: &mut dyn ContactHarness) {
    let (gone, keys) = book(harness, "Gone", &people("Gone", 2)).await;
    let remote = harness.remote();
    let mut held = held(&*remote, &gone).await;
    harness.delete_book(&gone).await;
    for cursor in [None, held.cursor.take()] {
        held.cursor = cursor;
        let failed = held.try_follow(&*remote).await.unwrap_err();
        assert_eq!(failed.class, ErrorClass::Permanent, "{failed}");
    }
    assert!(remote.fetch(&gone, &keys).await.is_err() && remote.find(&gone, mark(3)).await.is_err());
    let op = ContactOp::Create { contact: Box::new(contact("Nowhere")) };
    let failed = remote.apply(&gone, mark(4), &op).await.unwrap_err();
    assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Permanent), "{failed}");
    remote.close().await;
}

async fn a_failure_is_not_emptiness(harness: &mut dyn ContactHarness) {
    let (failing, keys) = book(harness, "Failing", &people("Failing", 9)).await;
    let remote = harness.remote();
    let mut held = held(&*remote, &failing).await;
    let is = held.clone();
    let ills = [
        (Ill::Unavailable, ErrorClass::Transient, true),
        (Ill::Throttled, ErrorClass::Throttled, true),
        (Ill::LoginRefused, ErrorClass::Login, true),
        (Ill::AnswersLost, ErrorClass::Transient, true),
        (Ill::BreaksOff, ErrorClass::Transient, false),
    ];
    for (ill, class, fails_all) in ills {
        if !harness.ill(Some(ill)).await {
            continue;
        }
        held.cursor = None;
        let failed = held.try_follow(&*remote).await.unwrap_err();
        assert_eq!(failed.class, class, "{ill:?}: {failed}");
        assert_eq!(held.items, is.items, "{ill:?}: what failed took nothing away");
        if ill == Ill::Throttled {
            assert_eq!(failed.retry_after_ms, Some(5_000));
        }
        if fails_all {
            assert_eq!(remote.collections().await.unwrap_err().class, class, "{ill:?}");
            assert_eq!(remote.fetch(&failing, &keys).await.unwrap_err().class, class, "{ill:?}");
            assert_eq!(remote.find(&failing, mark(5)).await.unwrap_err().class, class, "{ill:?}");
        }
        if fails_all && ill != Ill::AnswersLost {
            let op = ContactOp::Create { contact: Box::new(contact("Unsent")) };
            let failed = remote.apply(&failing, mark(6), &op).await.unwrap_err();
            assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, class), "{ill:?}");
        }
        harness.ill(None).await;
    }
    harness.settle().await;
    held.follow(&*remote).await;
    assert_eq!(held.items, is.items, "nothing happened meanwhile");
    remote.close().await;
}
