use super::*;

fn appointment(when: WhenChange) -> Result<Timing, Fault> {
    when.apply(&Activity::new(ActivityKind::Appointment, "u"), Tz::Europe__Berlin)
}

fn when(start: &str) -> WhenChange {
    WhenChange { start: Some(start.to_owned()), ..WhenChange::default() }
}

#[test]
fn times_are_read_in_the_forms_that_people_write() {
    let berlin =
        |text: &str| Moment::At { local: text.parse().unwrap(), zone: Some("Europe/Berlin".to_owned()) };
    let table = [
        ("2026-12-01", Moment::Day("2026-12-01".parse().unwrap())),
        ("2026-12-01 10:00", berlin("2026-12-01T10:00:00")),
        ("2026-12-01T10:00:30", berlin("2026-12-01T10:00:30")),
        (
            "2026-12-01T10:00Z",
            Moment::At { local: "2026-12-01T10:00:00".parse().unwrap(), zone: Some("UTC".to_owned()) },
        ),
    ];
    for (text, moment) in table {
        assert_eq!(appointment(when(text)).unwrap().start, Some(moment), "{text}");
    }
    for text in ["tomorrow", "2026-13-01", "2026-12-01 25:00", "10:00", ""] {
        assert!(appointment(when(text)).is_err(), "{text:?}");
    }
}

#[test]
fn the_last_day_is_part_of_what_takes_days() {
    let days = WhenChange { end: Some("2026-12-03".to_owned()), ..when("2026-12-01") };
    assert_eq!(appointment(days).unwrap().end, Some(Moment::Day("2026-12-04".parse().unwrap())));
}

#[test]
fn what_is_moved_takes_as_long_as_before() {
    let mut activity = Activity::new(ActivityKind::Appointment, "u");
    let first =
        WhenChange { duration: Some(std::time::Duration::from_secs(5_400)), ..when("2026-12-01 10:00") };
    activity.timing = first.apply(&activity, Tz::UTC).unwrap();
    let moved = when("2026-12-02 22:45").apply(&activity, Tz::UTC).unwrap();
    let end = Moment::At { local: "2026-12-03T00:15:00".parse().unwrap(), zone: Some("UTC".to_owned()) };
    assert_eq!(moved.end, Some(end));
}

fn at(local: &str, zone: &str) -> Moment {
    Moment::At { local: local.parse().unwrap(), zone: Some(zone.to_owned()) }
}

/// Clocks in Berlin are set forward on 28 March 2027, at 2 o'clock.
#[test]
fn a_duration_is_as_long_as_it_says_while_clocks_change() {
    let lasting =
        |start: &str| WhenChange { duration: Some(std::time::Duration::from_secs(7_200)), ..when(start) };
    let over = |start: &str| appointment(lasting(start)).unwrap().end.unwrap();
    assert_eq!(over("2027-03-28 01:00"), at("2027-03-28T04:00:00", "Europe/Berlin"));
    assert_eq!(over("2027-10-31 00:30"), at("2027-10-31T02:30:00", "Europe/Berlin"));
    assert_eq!(over("2027-10-31 01:00"), at("2027-10-31T01:00:00", "UTC"), "two o'clock is shown twice");
    assert_eq!(over("2027-10-31 02:00"), at("2027-10-31T03:00:00", "Europe/Berlin"));
    assert_eq!(over("2027-03-27 01:00"), at("2027-03-27T03:00:00", "Europe/Berlin"));
    let floating = WhenChange { zone: Some(String::new()), ..lasting("2027-03-28 01:00") };
    let end = Moment::At { local: "2027-03-28T03:00:00".parse().unwrap(), zone: None };
    assert_eq!(appointment(floating).unwrap().end, Some(end));
    let mut there = Activity::new(ActivityKind::Appointment, "u");
    there.timing.start = Some(at("2027-03-28T01:00:00", "Asia/Tokyo"));
    let zone = Some("Europe/Berlin".to_owned());
    let here = WhenChange { start: None, zone, ..lasting("") }.apply(&there, Tz::UTC).unwrap();
    assert_eq!(
        here.end,
        Some(at("2027-03-28T04:00:00", "Europe/Berlin")),
        "the clocks that hold from then on"
    );
}

#[test]
fn a_flight_that_is_moved_takes_as_long_and_lands_by_the_clocks_there() {
    let mut flight = Activity::new(ActivityKind::Appointment, "u");
    flight.timing.start = Some(at("2027-03-10T10:00:00", "Europe/Berlin"));
    flight.timing.end = Some(at("2027-03-10T13:00:00", "America/New_York"));
    // Nine hours. New York is six hours behind Berlin on 10 March, and five on the 20th: its clocks change on the 14th.
    let moved = when("2027-03-20 10:00").apply(&flight, Tz::UTC).unwrap();
    assert_eq!(moved.end, Some(at("2027-03-20T14:00:00", "America/New_York")));
    let train = WhenChange { zone: Some("Europe/Paris".to_owned()), ..when("2027-03-20 10:00") };
    let train = train.apply(&flight, Tz::UTC).unwrap();
    assert_eq!(train.end, Some(at("2027-03-20T19:00:00", "Europe/Paris")));
}

#[test]
fn what_one_clock_tells_keeps_its_length_on_it() {
    let mut night = Activity::new(ActivityKind::Appointment, "u");
    night.timing.start = Some(at("2027-03-20T22:00:00", "Europe/Berlin"));
    night.timing.end = Some(at("2027-03-21T06:00:00", "Europe/Berlin"));
    let moved = when("2027-03-27 22:00").apply(&night, Tz::UTC).unwrap();
    assert_eq!(moved.end, Some(at("2027-03-28T06:00:00", "Europe/Berlin")));
    night.timing.end = Some(at("2027-03-20T22:30:00", "Europe/Berlin"));
    let skipped = when("2027-03-28 02:30").apply(&night, Tz::UTC).unwrap();
    assert_eq!(skipped.end, Some(at("2027-03-28T04:00:00", "Europe/Berlin")), "half past three begins it");
}

#[test]
fn an_end_elsewhere_is_compared_as_an_instant() {
    let mut flight = Activity::new(ActivityKind::Appointment, "u");
    flight.timing.start = Some(at("2027-03-10T10:00:00", "Europe/Berlin"));
    flight.timing.end = Some(at("2027-03-10T09:30:00", "America/New_York"));
    assert!(check(&flight.timing, false, Tz::UTC).is_ok(), "half past three in Berlin");
    flight.timing.end = Some(at("2027-03-10T11:00:00", "Asia/Tokyo"));
    assert!(check(&flight.timing, false, Tz::UTC).is_err(), "three in the morning in Berlin");
}

#[test]
fn what_cannot_be_is_refused() {
    let table = [
        WhenChange { end: Some("2026-11-30".to_owned()), ..when("2026-12-01") },
        WhenChange { end: Some("2026-12-01 09:00".to_owned()), ..when("2026-12-01 10:00") },
        WhenChange { end: Some("2026-12-01 09:00".to_owned()), ..when("2026-12-01") },
        WhenChange { zone: Some("Mars/Olympus".to_owned()), ..when("2026-12-01 10:00") },
        WhenChange { rules: Some(vec!["FREQ=SOMETIMES".to_owned()]), ..when("2026-12-01") },
        WhenChange { rules: Some(vec!["FREQ=DAILY".to_owned()]), ..WhenChange::default() },
        when("+262142-12-31"),
        when("+262142-12-31 10:00"),
        WhenChange { duration: Some(std::time::Duration::from_secs(1 << 40)), ..when("2026-12-01 10:00") },
        WhenChange { duration: Some(std::time::Duration::from_secs(1 << 40)), ..when("2026-12-01") },
    ];
    for wrong in table {
        assert!(appointment(wrong.clone()).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_task_that_is_done_is_done_whole_and_then() {
    let task = Activity::new(ActivityKind::Task, "u");
    let now = Timestamp::from_seconds(1_000);
    let done = ActivityChanges { percent: Some(100), ..ActivityChanges::default() };
    let done = done.apply(&task, Tz::UTC, now).unwrap();
    assert_eq!((done.content.status, done.content.completed), (Status::Completed, Some(now)));
    let again = ActivityChanges { status: Some(Status::InProcess), ..ActivityChanges::default() };
    assert_eq!(again.apply(&done, Tz::UTC, now).unwrap().content.completed, None);
}

#[test]
fn whoever_stays_asked_keeps_their_answer() {
    let mut activity = Activity::new(ActivityKind::Appointment, "u");
    let boris = Person { email: "boris@example.com".to_owned(), name: None };
    activity.people.participants = vec![Participant {
        person: boris.clone(),
        response: postrider_model::Response::Accepted,
        ..Participant::default()
    }];
    let vera = Person { email: "vera@example.com".to_owned(), name: None };
    let both = vec![(boris, ParticipantRole::Optional), (vera, ParticipantRole::Required)];
    let changes = ActivityChanges { participants: Some(both), ..ActivityChanges::default() };
    let people = changes.apply(&activity, Tz::UTC, Timestamp(0)).unwrap().people.participants;
    let answers: Vec<_> = people.iter().map(|one| (one.response, one.role)).collect();
    use postrider_model::Response::{Accepted, NeedsAction};
    assert_eq!(answers, [(Accepted, ParticipantRole::Optional), (NeedsAction, ParticipantRole::Required)]);
}
