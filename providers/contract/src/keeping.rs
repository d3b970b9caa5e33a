//! The cases for changing contacts. What is there afterwards is seen by the other client.

use postrider_model::{Contact, ContactField, ItemKey, Mark, Photo, Point};
use postrider_remote::{
    ContactCapabilities, ContactOp, ContactRemote, ItemApplied, Leaving, Reach, RemoteContact, Written,
};

use crate::{
    contacts::{book, contact, held, mark, people},
    following::Held,
    items::{ContactHarness, Ill},
};

pub(crate) async fn suite(harness: &mut dyn ContactHarness) {
    what_is_made_is_there_once_and_carries_its_mark(harness).await;
    what_a_server_does_not_hold_is_left_out(harness).await;
    a_change_is_made_to_the_newest_state_alone(harness).await;
    writing_what_is_there_changes_nothing(harness).await;
    groups_are_joined_and_left(harness).await;
    a_deletion_is_of_the_newest_state_and_only_once(harness).await;
    a_lost_answer_is_told_as_such(harness).await;
}

async fn create(
    remote: &dyn ContactRemote,
    held: &Held<RemoteContact>,
    mark: Mark,
    contact: &Contact,
) -> Written<ItemApplied<RemoteContact>> {
    let op = ContactOp::Create { contact: Box::new(contact.clone()) };
    remote.apply(&held.collection, mark, &op).await
}

fn update(was: &RemoteContact, contact: &Contact) -> ContactOp {
    ContactOp::Update {
        key: was.key.clone(),
        version: was.version.clone(),
        was: Box::new(was.contact.clone()),
        contact: Box::new(contact.clone()),
    }
}

async fn what_is_made_is_there_once_and_carries_its_mark(harness: &mut dyn ContactHarness) {
    let (made, _) = book(harness, "Made", &people("Made", 2)).await;
    let remote = harness.remote();
    let mut held = held(&*remote, &made).await;
    assert_eq!(remote.find(&made, mark(10)).await.unwrap(), None);
    let new = contact("Fresh");
    let done = create(&*remote, &held, mark(10), &new).await.unwrap().done().expect("it is made");
    assert_eq!((&done.contact, done.mark), (&new, Some(mark(10))));
    let fetched = remote.fetch(&made, std::slice::from_ref(&done.key)).await.unwrap();
    assert!(matches!(&fetched[..], [postrider_remote::ContactChange::Put(one)] if **one == done));
    harness.settle().await;
    assert_eq!(remote.find(&made, mark(10)).await.unwrap(), Some(done.clone()));
    assert_eq!(remote.find(&made, mark(11)).await.unwrap(), None, "a mark is one intent's");
    // Our own write comes back as what it is, so that it is known for that.
    let reading = held.follow(&*remote).await;
    assert_eq!((reading.put, held.items[&done.key].clone()), (vec![done.key.clone()], done.clone()));
    // However often it is sent, it is there once.
    match create(&*remote, &held, mark(10), &new).await {
        Ok(answered) => assert_eq!(answered.done(), Some(done)),
        Err(refused) => assert_eq!(refused.reach, Reach::NotDone, "{refused}"),
    }
    assert_eq!(harness.there(&made).await.iter().filter(|one| **one == new).count(), 1);
    remote.close().await;
}

/// A contact with something in each field.
fn full() -> Contact {
    let point = |value: &str| Point { value: value.to_owned(), ..Point::default() };
    Contact {
        uid: Some("urn:uuid:4fbe8971-0bc3-424c-9c26-36c3e1eff6b1".to_owned()),
        nicknames: vec!["Johnny".to_owned()],
        job_title: Some("Chief".to_owned()),
        role: Some("Speaker".to_owned()),
        emails: (1..=5).map(|number| point(&format!("full{number}@example.org"))).collect(),
        messengers: vec![point("xmpp:full@example.org")],
        pages: vec![point("https://example.org/")],
        photo: Some(Photo::Bytes { media_type: Some("image/png".to_owned()), data: vec![1, 2, 3] }),
        categories: vec!["Friends".to_owned()],
        ..contact("Full")
    }
}

/// What of a contact a server holds, by what it says of itself.
fn held_of(can: &ContactCapabilities, mut contact: Contact) -> Contact {
    use ContactField as F;
    let holds = |field| can.fields.contains(&field);
    contact.uid = contact.uid.filter(|_| can.keeps_uid);
    contact.job_title = contact.job_title.filter(|_| holds(F::JobTitle));
    contact.role = contact.role.filter(|_| holds(F::Role));
    contact.photo = contact.photo.filter(|_| holds(F::Photo));
    for (field, list) in [(F::Nicknames, &mut contact.nicknames), (F::Categories, &mut contact.categories)] {
        list.retain(|_| holds(field));
    }
    for (field, list) in [(F::Messengers, &mut contact.messengers), (F::Pages, &mut contact.pages)] {
        list.retain(|_| holds(field));
    }
    contact.emails.truncate(can.emails_max.unwrap_or(usize::MAX));
    contact
}

async fn what_a_server_does_not_hold_is_left_out(harness: &mut dyn ContactHarness) {
    let (fields, _) = book(harness, "Fields", &[]).await;
    let remote = harness.remote();
    let held = held(&*remote, &fields).await;
    let can = remote.capabilities();
    let done = create(&*remote, &held, mark(12), &full()).await.unwrap().done().unwrap();
    assert_eq!(done.contact, held_of(&can, full()));
    assert_eq!(
        harness.there(&fields).await,
        std::slice::from_ref(&done.contact),
        "what is answered is what is there"
    );
    // A change of what is held leaves the rest of it.
    let other = Contact { notes: vec!["moved".to_owned()], ..full() };
    let done = remote.apply(&fields, mark(13), &update(&done, &other)).await.unwrap().done().unwrap();
    assert_eq!(done.contact, held_of(&can, other));
    remote.close().await;
}

async fn a_change_is_made_to_the_newest_state_alone(harness: &mut dyn ContactHarness) {
    let (raced, keys) = book(harness, "Raced", &people("Raced", 3)).await;
    let remote = harness.remote();
    let held = held(&*remote, &raced).await;
    let was = held.items[&keys[0]].clone();
    let ours = Contact { job_title: Some("Ours".to_owned()), ..was.contact.clone() };
    let done = remote.apply(&raced, mark(14), &update(&was, &ours)).await.unwrap().done().unwrap();
    assert_eq!((&done.contact, &done.key), (&ours, &was.key));
    assert_ne!(done.version, was.version);
    assert!(done.changed >= was.changed);
    // What was read before is not the newest any more: neither after our own change, nor after another's.
    let late = Contact { job_title: Some("Late".to_owned()), ..was.contact.clone() };
    assert_eq!(remote.apply(&raced, mark(15), &update(&was, &late)).await, Ok(ItemApplied::Stale));
    let theirs = Contact { job_title: Some("Theirs".to_owned()), ..ours };
    harness.change(&raced, &keys[0], &theirs).await;
    assert_eq!(remote.apply(&raced, mark(16), &update(&done, &late)).await, Ok(ItemApplied::Stale));
    assert!(harness.there(&raced).await.contains(&theirs));
    // What is gone stays gone.
    let gone = held.items[&keys[1]].clone();
    harness.take_out(&raced, &keys[1], Leaving::Deleted).await;
    assert_eq!(remote.apply(&raced, mark(17), &update(&gone, &late)).await, Ok(ItemApplied::Gone));
    assert_eq!(harness.there(&raced).await.len(), 2);
    remote.close().await;
}

async fn writing_what_is_there_changes_nothing(harness: &mut dyn ContactHarness) {
    let (same, _) = book(harness, "Same", &[]).await;
    let remote = harness.remote();
    let mut held = held(&*remote, &same).await;
    let mut odd = contact("Odd");
    odd.phones[0].value = "+49 (0) 123-45".to_owned();
    odd.display_name.clear();
    let done = create(&*remote, &held, mark(18), &odd).await.unwrap().done().unwrap();
    harness.settle().await;
    held.follow(&*remote).await;
    // Whatever the server made of it: that, written again, is no change.
    let again = remote.apply(&same, mark(19), &update(&done, &done.contact)).await.unwrap().done().unwrap();
    assert_eq!(again, done);
    harness.settle().await;
    assert!(held.follow(&*remote).await.is_empty());
    remote.close().await;
}

async fn groups_are_joined_and_left(harness: &mut dyn ContactHarness) {
    let (group, keys) = book(harness, "Group", &people("Group", 3)).await;
    let remote = harness.remote();
    let mut held = held(&*remote, &group).await;
    let leave = |key: &ItemKey| ContactOp::Leave { key: key.clone() };
    let join = |key: &ItemKey| ContactOp::Join { key: key.clone() };
    if !remote.capabilities().has_groups {
        for op in [leave(&keys[0]), join(&keys[0])] {
            assert_eq!(remote.apply(&group, mark(20), &op).await.unwrap_err().reach, Reach::NotDone);
        }
        assert_eq!(harness.there(&group).await.len(), 3);
        return;
    }
    assert_eq!(remote.apply(&group, mark(21), &leave(&keys[0])).await, Ok(ItemApplied::Removed));
    assert_eq!(remote.apply(&group, mark(22), &leave(&keys[0])).await, Ok(ItemApplied::Gone));
    assert_eq!(harness.there(&group).await.len(), 2);
    let fetched = remote.fetch(&group, &keys[..1]).await.unwrap();
    let left = postrider_remote::ContactChange::Gone { key: keys[0].clone(), why: Leaving::Left };
    assert_eq!(fetched, [left], "it left, and was not deleted");
    harness.settle().await;
    assert_eq!(held.follow(&*remote).await.gone, [(keys[0].clone(), Some(Leaving::Left))]);
    let joined = remote.apply(&group, mark(23), &join(&keys[0])).await.unwrap().done().unwrap();
    assert_eq!((&joined.key, &joined.contact), (&keys[0], &contact("Group1")));
    harness.settle().await;
    assert_eq!(held.follow(&*remote).await.put, [keys[0].clone()]);
    assert_eq!(harness.there(&group).await.len(), 3);
    remote.close().await;
}

async fn a_deletion_is_of_the_newest_state_and_only_once(harness: &mut dyn ContactHarness) {
    let (deleted, keys) = book(harness, "Deleted", &people("Deleted", 3)).await;
    let remote = harness.remote();
    let mut held = held(&*remote, &deleted).await;
    let delete =
        |was: &RemoteContact| ContactOp::Delete { key: was.key.clone(), version: was.version.clone() };
    let other = Contact { notes: vec!["changed".to_owned()], ..contact("Deleted1") };
    harness.change(&deleted, &keys[0], &other).await;
    let was = held.items[&keys[0]].clone();
    assert_eq!(remote.apply(&deleted, mark(24), &delete(&was)).await, Ok(ItemApplied::Stale));
    assert!(harness.there(&deleted).await.contains(&other));
    let was = held.items[&keys[1]].clone();
    assert_eq!(remote.apply(&deleted, mark(25), &delete(&was)).await, Ok(ItemApplied::Removed));
    assert_eq!(remote.apply(&deleted, mark(26), &delete(&was)).await, Ok(ItemApplied::Gone));
    assert_eq!(harness.there(&deleted).await.len(), 2);
    harness.settle().await;
    assert_eq!(held.follow(&*remote).await.gone, [(keys[1].clone(), Some(Leaving::Deleted))]);
    remote.close().await;
}

async fn a_lost_answer_is_told_as_such(harness: &mut dyn ContactHarness) {
    let (lost, keys) = book(harness, "Lost", &people("Lost", 2)).await;
    let remote = harness.remote();
    let held = held(&*remote, &lost).await;
    let was = held.items[&keys[0]].clone();
    if !harness.ill(Some(Ill::AnswersLost)).await {
        return;
    }
    let new = contact("Unheard");
    let failed = create(&*remote, &held, mark(27), &new).await.unwrap_err();
    assert_eq!(failed.reach, Reach::Unknown, "{failed}");
    let changed = Contact { job_title: Some("Unheard".to_owned()), ..was.contact.clone() };
    let failed = remote.apply(&lost, mark(28), &update(&was, &changed)).await.unwrap_err();
    assert_eq!(failed.reach, Reach::Unknown, "{failed}");
    harness.ill(None).await;
    harness.settle().await;
    let found = remote.find(&lost, mark(27)).await.unwrap().expect("it was made");
    assert_eq!(found.contact, new);
    assert_eq!(remote.apply(&lost, mark(28), &update(&was, &changed)).await, Ok(ItemApplied::Stale));
    let there = harness.there(&lost).await;
    assert_eq!((there.len(), there.contains(&changed)), (3, true));
    remote.close().await;
}
