//! The suite on the fake, in both flavours.

use postrider_contract::contact_suite;
use postrider_fake::groupware::{Habits, SecondCreate};

use super::harness::Fake;

/// A second create is refused by a server like Exchange, and that the suite tries it is kept.
fn violations(fake: &Fake) -> Vec<String> {
    let mut all = fake.server.violations();
    all.retain(|one| !one.contains("under one mark"));
    all
}

#[tokio::test]
async fn contacts_of_a_server_like_google() {
    let mut fake = Fake::new(Habits::google());
    contact_suite(&mut fake).await;
    assert_eq!(fake.server.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn contacts_of_a_server_like_exchange() {
    let mut fake = Fake::new(Habits::exchange());
    contact_suite(&mut fake).await;
    assert_eq!(violations(&fake), Vec::<String>::new());
}

#[tokio::test]
async fn contacts_of_servers_of_other_habits() {
    let mixed = [
        Habits { contacts_lag_ms: 0, second_create: SecondCreate::Refuses, ..Habits::google() },
        Habits { page_size: 1, ..Habits::google() },
        Habits { page_size: 100, empty_pages: true, contacts_lag_ms: 60_000, ..Habits::exchange() },
        Habits { normalises_phones: true, emails_max: Some(1), ..Habits::exchange() },
    ];
    for habits in mixed {
        let mut fake = Fake::new(habits);
        contact_suite(&mut fake).await;
        assert_eq!(violations(&fake), Vec::<String>::new());
    }
}
