use chrono::NaiveDateTime;
use postrider_model::ActivityKind;

use super::*;

const DEFAULTS: Defaults = Defaults { zone: Tz::Europe__Berlin, duration: TimeDelta::minutes(45) };

fn utc(text: &str) -> DateTime<Utc> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap().and_utc()
}

fn at(text: &str, zone: Option<&str>) -> Moment {
    Moment::At { local: utc(text).naive_utc(), zone: zone.map(str::to_owned) }
}

fn activity(kind: ActivityKind, start: Option<Moment>, end: Option<Moment>) -> Activity {
    let mut activity = Activity::new(kind, "1");
    (activity.timing.start, activity.timing.end) = (start, end);
    activity
}

fn spans(activity: &Activity, from: &str, to: &str) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let found = occurrences(activity, &[], (utc(from), utc(to)), DEFAULTS, &|| false).unwrap();
    found.placed.iter().map(|one| (one.start, one.end)).collect()
}

#[test]
fn an_instant_is_told_by_the_place_that_is_named_or_by_that_of_whoever_looks() {
    let day = Moment::Day("2026-03-20".parse().unwrap());
    for (moment, expected) in [
        (at("2026-03-20 09:00", Some("Asia/Tokyo")), "2026-03-20 00:00"),
        (at("2026-03-20 09:00", Some("UTC")), "2026-03-20 09:00"),
        (at("2026-03-20 09:00", None), "2026-03-20 08:00"),
        (at("2026-03-20 09:00", Some("Nowhere/At_All")), "2026-03-20 08:00"),
        (at("2026-03-29 02:30", None), "2026-03-29 01:30"),
        (at("2026-10-25 02:30", None), "2026-10-25 00:30"),
        (day, "2026-03-19 23:00"),
    ] {
        assert_eq!(instant(&moment, DEFAULTS.zone), utc(expected), "{moment:?}");
    }
    assert_eq!(local(utc("2026-07-01 12:00"), DEFAULTS.zone), at("2026-07-01 14:00", Some("Europe/Berlin")));
}

#[test]
fn what_does_not_recur_takes_place_once() {
    let (appointment, task) = (ActivityKind::Appointment, ActivityKind::Task);
    let day = |text: &str| Some(Moment::Day(text.parse().unwrap()));
    let nine = || Some(at("2026-03-20 09:00", Some("UTC")));
    for (one, expected) in [
        (activity(appointment, nine(), None), Some(("2026-03-20 09:00", "2026-03-20 09:45"))),
        (activity(appointment, nine(), nine()), Some(("2026-03-20 09:00", "2026-03-20 09:00"))),
        (
            activity(appointment, nine(), Some(at("2026-03-20 08:00", Some("UTC")))),
            Some(("2026-03-20 09:00", "2026-03-20 09:00")),
        ),
        (activity(appointment, day("2026-03-20"), None), Some(("2026-03-19 23:00", "2026-03-20 23:00"))),
        (
            activity(appointment, day("2026-03-20"), day("2026-03-20")),
            Some(("2026-03-19 23:00", "2026-03-20 23:00")),
        ),
        // The night in which clocks are set has an hour less.
        (
            activity(appointment, day("2026-03-29"), day("2026-03-30")),
            Some(("2026-03-28 23:00", "2026-03-29 22:00")),
        ),
        (activity(task, None, nine()), Some(("2026-03-20 09:00", "2026-03-20 09:00"))),
        (activity(appointment, None, None), None),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|(start, end)| (utc(start), utc(end))).collect();
        assert_eq!(spans(&one, "2026-01-01 00:00", "2027-01-01 00:00"), expected, "{:?}", one.timing);
    }
    let moment = activity(appointment, nine(), nine());
    for (from, to, count) in [
        ("2026-03-20 09:00", "2026-03-20 09:01", 1),
        ("2026-03-20 09:01", "2026-03-20 09:02", 0),
        ("2026-03-20 08:00", "2026-03-20 09:00", 0),
    ] {
        assert_eq!(spans(&moment, from, to).len(), count, "{from} to {to}");
    }
    let once = activity(appointment, nine(), Some(at("2026-03-20 10:00", Some("UTC"))));
    for (from, to, count) in [
        ("2026-03-20 10:00", "2026-03-21 00:00", 0),
        ("2026-03-20 09:59", "2026-03-21 00:00", 1),
        ("2026-03-20 00:00", "2026-03-20 09:00", 0),
        ("2026-03-20 00:00", "2026-03-20 09:01", 1),
    ] {
        assert_eq!(spans(&once, from, to).len(), count, "{from} to {to}");
    }
}

#[test]
fn a_long_occurrence_is_found_while_it_is_under_way() {
    let mut tour = activity(
        ActivityKind::Appointment,
        Some(at("2026-01-01 12:00", Some("UTC"))),
        Some(at("2026-01-21 12:00", Some("UTC"))),
    );
    tour.timing.rules = vec!["FREQ=MONTHLY".to_owned()];
    let expected = [(utc("2026-05-01 12:00"), utc("2026-05-21 12:00"))];
    assert_eq!(spans(&tour, "2026-05-20 00:00", "2026-05-21 00:00"), expected);
    assert_eq!(spans(&tour, "2026-05-22 00:00", "2026-05-23 00:00"), []);
    let cut = occurrences(&tour, &[], (utc("2026-01-01 00:00"), utc("2030-01-01 00:00")), DEFAULTS, &|| true);
    assert!(cut.unwrap().is_cut, "whoever waits has waited long enough");
}

#[test]
fn one_occurrence_to_which_somebody_was_invited_has_no_series() {
    let mut stub = activity(ActivityKind::Appointment, Some(at("2026-03-20 09:00", Some("UTC"))), None);
    stub.occurrence = Some(Occurrence::At(Timestamp(utc("2026-03-20 08:00").timestamp_micros())));
    let found =
        occurrences(&stub, &[], (utc("2026-01-01 00:00"), utc("2027-01-01 00:00")), DEFAULTS, &|| false)
            .unwrap();
    assert_eq!(found.placed.iter().map(|one| one.occurrence).collect::<Vec<_>>(), [stub.occurrence]);
}
