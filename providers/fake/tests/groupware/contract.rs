//! The suite on the fake, in both flavours.

use postrider_contract::{calendar_suite, contact_suite};
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

#[tokio::test]
async fn calendars_of_a_server_like_google() {
    let mut fake = Fake::new(Habits::google());
    calendar_suite(&mut fake).await;
    assert_eq!(fake.server.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn calendars_of_a_server_like_exchange() {
    let mut fake = Fake::new(Habits::exchange());
    calendar_suite(&mut fake).await;
    assert_eq!(violations(&fake), Vec::<String>::new());
}

#[tokio::test]
async fn calendars_of_servers_of_other_habits() {
    let mixed = [
        Habits { page_size: 1, splits_series: true, own_moves_changed: true, ..Habits::google() },
        Habits { mails_outsiders_regardless: true, cancellation_stays: true, ..Habits::google() },
        Habits { delivers_without_mail: true, cancellation_stays: false, ..Habits::exchange() },
        Habits { assigns_uids: true, splits_series: false, answers_reach_all: true, ..Habits::exchange() },
    ];
    for habits in mixed {
        let mut fake = Fake::new(habits);
        calendar_suite(&mut fake).await;
        assert_eq!(violations(&fake), Vec::<String>::new());
    }
}
