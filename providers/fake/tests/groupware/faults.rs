//! What goes wrong at a step: nothing was done, or it was done and nobody heard of it; and what happens between two steps.

use std::time::Duration;

use postrider_fake::Trigger;
use postrider_fake::groupware::{Habits, Trouble};
use postrider_model::{CollectionKind, Contact, ErrorClass, Mark};
use postrider_remote::{ContactOp, ContactRemote, ItemApplied, Reach};

use super::harness::{Fake, GUEST, USER};

fn create(name: &str) -> ContactOp {
    ContactOp::Create { contact: Box::new(Contact { display_name: name.to_owned(), ..Contact::default() }) }
}

#[tokio::test]
async fn a_trouble_strikes_at_its_step_and_its_account() {
    let fake = Fake::new(Habits::exchange());
    let book = fake.user.own_collection(CollectionKind::AddressBook).unwrap();
    let head = fake.server.contacts(USER);
    fake.server.trouble(Some(USER), Trigger::Named("contacts.apply", 2), Trouble::Unavailable);
    fake.server.trouble(Some(GUEST), Trigger::Always, Trouble::LoginRefused);
    head.apply(&book, Mark::new(1, 1), &create("One")).await.unwrap();
    let failed = head.apply(&book, Mark::new(1, 2), &create("Two")).await.unwrap_err();
    assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Transient));
    head.apply(&book, Mark::new(1, 2), &create("Two")).await.unwrap();
    assert_eq!(fake.user.contacts(&book).len(), 2);
    let refused = fake.server.contacts(GUEST).collections().await.unwrap_err();
    assert_eq!(refused.class, ErrorClass::Login);
    let steps: Vec<_> = fake.server.take_steps().into_iter().map(|step| (step.account, step.name)).collect();
    let apply = (USER.to_owned(), "contacts.apply");
    assert_eq!(steps, [apply.clone(), apply.clone(), apply, (GUEST.to_owned(), "contacts.collections")]);
    fake.server.end_troubles();
    assert!(fake.server.contacts(GUEST).collections().await.is_ok());
}

#[tokio::test]
async fn what_nobody_heard_of_was_done() {
    let fake = Fake::new(Habits::google());
    let book = fake.user.own_collection(CollectionKind::AddressBook).unwrap();
    let head = fake.server.contacts(USER);
    fake.server.trouble(None, Trigger::Nth(1), Trouble::LoseAnswer);
    let failed = head.apply(&book, Mark::new(1, 1), &create("One")).await.unwrap_err();
    assert_eq!(failed.reach, Reach::Unknown);
    let there = fake.user.contacts(&book);
    assert_eq!((there.len(), there[0].mark), (1, Some(Mark::new(1, 1))));
}

#[tokio::test(start_paused = true)]
async fn something_happens_between_a_look_and_a_write_and_an_answer_may_never_come() {
    let fake = Fake::new(Habits::exchange());
    let book = fake.user.own_collection(CollectionKind::AddressBook).unwrap();
    let head = fake.server.contacts(USER);
    let made = head.apply(&book, Mark::new(1, 1), &create("One")).await.unwrap().done().unwrap();
    let (whose, key) = (book.clone(), made.key.clone());
    let meanwhile = Trouble::meanwhile(move |server| {
        let rename = |is: &mut Contact| is.display_name = "Theirs".to_owned();
        server.somebody(USER).change_contact(&whose, &key, rename).unwrap();
    });
    fake.server.trouble(None, Trigger::Every("contacts.apply"), meanwhile);
    let delete = ContactOp::Delete { key: made.key, version: made.version };
    assert_eq!(head.apply(&book, Mark::new(1, 2), &delete).await, Ok(ItemApplied::Stale));
    assert_eq!(fake.user.contacts(&book)[0].contact.display_name, "Theirs");
    fake.server.end_troubles();
    fake.server.trouble(None, Trigger::Always, Trouble::Hang);
    let asked = tokio::time::timeout(Duration::from_secs(3_600), head.collections()).await;
    assert!(asked.is_err(), "and it may be given up at any time");
    assert_eq!(fake.server.violations(), Vec::<String>::new());
}
