use chrono::{NaiveDate, TimeDelta};
use postrider_model::{ActivityKind, Participant, Person, Timestamp};

use super::*;

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
}

/// Which clocks a series is told by.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Clocks {
    Moscow,
    Floating,
    Days,
}

fn start(clocks: Clocks, date: u32) -> Start {
    let local = day(date).and_hms_opt(10, 0, 0).unwrap();
    let instant = |time: NaiveDateTime| Occurrence::At(Timestamp::from_seconds(time.and_utc().timestamp()));
    let at = |local, zone: Option<&str>| Moment::At { local, zone: zone.map(str::to_owned) };
    let hour = TimeDelta::hours(1);
    match clocks {
        Clocks::Moscow => Start {
            occurrence: instant(local - TimeDelta::hours(3)),
            start: at(local, Some("Europe/Moscow")),
            end: Some(at(local + hour, Some("Europe/Moscow"))),
        },
        Clocks::Floating => {
            Start { occurrence: instant(local), start: at(local, None), end: Some(at(local + hour, None)) }
        }
        Clocks::Days => Start {
            occurrence: Occurrence::Day(day(date)),
            start: Moment::Day(day(date)),
            end: Some(Moment::Day(day(date + 1))),
        },
    }
}

fn starts(clocks: Clocks) -> Vec<Start> {
    (2..=8).map(|date| start(clocks, date)).collect()
}

fn series(clocks: Clocks, rules: &[&str]) -> Activity {
    let mut series = Activity::new(ActivityKind::Appointment, "old");
    let first = start(clocks, 2);
    series.sequence = 4;
    series.timing.start = Some(first.start);
    series.timing.end = first.end;
    series.timing.rules = rules.iter().map(|rule| (*rule).to_owned()).collect();
    let person = Person { email: "vera@x".to_owned(), name: None };
    let response = Response::Accepted;
    series.people.participants =
        vec![Participant { person, response, responded: Some(Timestamp(1)), ..Participant::default() }];
    series
}

fn rules(clocks: Clocks, rules: &[&str]) -> Result<(Vec<String>, Vec<String>), CannotSplit> {
    let at = start(clocks, 5).occurrence;
    let split = split_series(&series(clocks, rules), &[], at, &starts(clocks), "new")?;
    Ok((split.before[0].timing.rules.clone(), split.after[0].timing.rules.clone()))
}

#[test]
fn the_first_part_ends_before_and_the_second_goes_on() {
    use Clocks::{Days, Floating, Moscow};
    let table: [(Clocks, &str, &str, Option<&str>); 20] = [
        (Moscow, "FREQ=DAILY", "FREQ=DAILY;UNTIL=20260305T065959Z", Some("FREQ=DAILY")),
        (Floating, "FREQ=DAILY", "FREQ=DAILY;UNTIL=20260305T095959", Some("FREQ=DAILY")),
        (Days, "FREQ=DAILY", "FREQ=DAILY;UNTIL=20260304", Some("FREQ=DAILY")),
        (Moscow, "FREQ=DAILY;COUNT=7", "FREQ=DAILY;COUNT=3", Some("FREQ=DAILY;COUNT=4")),
        (Moscow, "FREQ=DAILY;COUNT=4", "FREQ=DAILY;COUNT=3", Some("FREQ=DAILY;COUNT=1")),
        (
            Moscow,
            "count=7;FREQ=DAILY;INTERVAL=1",
            "FREQ=DAILY;INTERVAL=1;COUNT=3",
            Some("FREQ=DAILY;INTERVAL=1;COUNT=4"),
        ),
        (
            Moscow,
            "FREQ=DAILY;UNTIL=20260308T070000Z;BYDAY=MO,TU;",
            "FREQ=DAILY;BYDAY=MO,TU;UNTIL=20260305T065959Z",
            Some("FREQ=DAILY;BYDAY=MO,TU;UNTIL=20260308T070000Z"),
        ),
        (
            Moscow,
            "FREQ=DAILY;UNTIL=20260305T070000Z",
            "FREQ=DAILY;UNTIL=20260305T065959Z",
            Some("FREQ=DAILY;UNTIL=20260305T070000Z"),
        ),
        (Moscow, "FREQ=DAILY;UNTIL=20260305T065959Z", "FREQ=DAILY;UNTIL=20260305T065959Z", None),
        (Moscow, "FREQ=DAILY;UNTIL=20260304T070000z", "FREQ=DAILY;UNTIL=20260304T070000z", None),
        (Moscow, "FREQ=DAILY;until=20260304", "FREQ=DAILY;UNTIL=20260304", None),
        (
            Moscow,
            "FREQ=DAILY;UNTIL=20260305",
            "FREQ=DAILY;UNTIL=20260305T065959Z",
            Some("FREQ=DAILY;UNTIL=20260305"),
        ),
        (Floating, "FREQ=DAILY;UNTIL=20260305T095959", "FREQ=DAILY;UNTIL=20260305T095959", None),
        (
            Floating,
            "FREQ=DAILY;UNTIL=20260305T100000",
            "FREQ=DAILY;UNTIL=20260305T095959",
            Some("FREQ=DAILY;UNTIL=20260305T100000"),
        ),
        (
            Floating,
            "FREQ=DAILY;UNTIL=20260305T100000Z",
            "FREQ=DAILY;UNTIL=20260305T095959",
            Some("FREQ=DAILY;UNTIL=20260305T100000Z"),
        ),
        (Floating, "FREQ=DAILY;UNTIL=20260305T095959Z", "FREQ=DAILY;UNTIL=20260305T095959Z", None),
        (Days, "FREQ=DAILY;UNTIL=20260305", "FREQ=DAILY;UNTIL=20260304", Some("FREQ=DAILY;UNTIL=20260305")),
        (Days, "FREQ=DAILY;UNTIL=20260304", "FREQ=DAILY;UNTIL=20260304", None),
        (Days, "FREQ=DAILY;UNTIL=20260304T235959Z", "FREQ=DAILY;UNTIL=20260304T235959Z", None),
        (
            Days,
            "FREQ=DAILY;UNTIL=20260305T000000Z",
            "FREQ=DAILY;UNTIL=20260304",
            Some("FREQ=DAILY;UNTIL=20260305T000000Z"),
        ),
    ];
    for (clocks, rule, before, after) in table {
        let expected = (vec![before.to_owned()], after.map(str::to_owned).into_iter().collect());
        assert_eq!(rules(clocks, &[rule]), Ok(expected), "{clocks:?}: {rule}");
    }
}

#[test]
fn what_cannot_be_split_exactly_is_refused() {
    let clocks = Clocks::Moscow;
    for (given, why) in [
        (vec!["FREQ=DAILY;COUNT=7", "FREQ=WEEKLY"], CannotSplit::CountedRules),
        (vec!["FREQ=DAILY;COUNT=3"], CannotSplit::Malformed),
        (vec!["FREQ=DAILY;COUNT=many"], CannotSplit::Malformed),
        (vec!["FREQ=DAILY;UNTIL=someday"], CannotSplit::Malformed),
        (vec!["FREQ=DAILY;UNTIL=somedayZ"], CannotSplit::Malformed),
    ] {
        assert_eq!(rules(clocks, &given), Err(why), "{given:?}");
    }
    let daily = series(clocks, &["FREQ=DAILY"]);
    let split = |series: &Activity, date| {
        split_series(series, &[], start(clocks, date).occurrence, &starts(clocks), "new").map(|_| ())
    };
    assert_eq!(split(&daily, 2), Err(CannotSplit::First));
    assert_eq!(split(&daily, 9), Err(CannotSplit::NotOfSeries));
    assert_eq!(split(&daily, 3), Ok(()));
    let mut further = series(clocks, &["FREQ=DAILY"]);
    further.timing.further = vec![start(clocks, 5).start];
    assert_eq!(split(&further, 5), Err(CannotSplit::FurtherTime));
    assert_eq!(split(&further, 6), Ok(()));
    let mut counted = series(clocks, &["FREQ=DAILY;COUNT=7"]);
    counted.timing.further = vec![start(clocks, 3).start];
    assert_eq!(split(&counted, 5), Err(CannotSplit::CountedRules));
    let mut far = start(clocks, 5);
    far.occurrence = Occurrence::At(Timestamp(i64::MAX));
    let starts = [start(clocks, 2), far.clone()];
    let refused = split_series(&daily, &[], far.occurrence, &starts, "new");
    assert_eq!(refused, Err(CannotSplit::Malformed), "no calendar reaches that far");
}

#[test]
fn the_second_part_is_a_record_of_its_own() {
    let clocks = Clocks::Moscow;
    let whole = series(clocks, &["FREQ=DAILY"]);
    let split = split_series(&whole, &[], start(clocks, 5).occurrence, &starts(clocks), "new").unwrap();
    let ([before], [after]) = (split.before.as_slice(), split.after.as_slice()) else { panic!("{split:?}") };
    assert_eq!((before.uid.as_str(), before.sequence), ("old", 4));
    assert_eq!((&before.people, &before.content), (&whole.people, &whole.content));
    assert_eq!((&before.timing.start, &before.timing.end), (&whole.timing.start, &whole.timing.end));
    assert_eq!((after.uid.as_str(), after.sequence), ("new", 0));
    assert_eq!(after.timing.start, Some(start(clocks, 5).start));
    assert_eq!(after.timing.end, start(clocks, 5).end);
    let vera = &after.people.participants[0];
    assert_eq!((vera.response, vera.responded), (Response::NeedsAction, None));
    assert_eq!(vera.person.email, "vera@x");
}

#[test]
fn occurrences_that_differ_go_with_their_part() {
    let clocks = Clocks::Moscow;
    let whole = series(clocks, &["FREQ=DAILY"]);
    let of = |date| Activity { occurrence: Some(start(clocks, date).occurrence), ..series(clocks, &[]) };
    let occurrences = [of(3), of(5), of(4), of(6)];
    let split =
        split_series(&whole, &occurrences, start(clocks, 5).occurrence, &starts(clocks), "new").unwrap();
    assert_eq!(split.before[1..], [of(3), of(4)]);
    let keys: Vec<_> = split.after[1..].iter().map(|one| (one.uid.as_str(), one.occurrence)).collect();
    assert_eq!(keys, [("new", of(5).occurrence), ("new", of(6).occurrence)]);
    assert_eq!(split.after[1].people.participants[0].response, Response::NeedsAction);
    assert_eq!(split.after[1].sequence, 0);
}

#[test]
fn further_times_go_with_their_part() {
    let clocks = Clocks::Floating;
    let mut whole = series(clocks, &[]);
    whole.timing.further = [3, 5, 6, 20].map(|date| start(clocks, date).start).into();
    let starts: Vec<_> = [2, 3, 5, 6, 20].map(|date| start(clocks, date)).into();
    let split = split_series(&whole, &[], start(clocks, 5).occurrence, &starts[..3], "new").unwrap();
    assert_eq!(split.before[0].timing.further, [start(clocks, 3).start]);
    assert_eq!(split.after[0].timing.further, [6, 20].map(|date| start(clocks, date).start));
    assert_eq!(split.after[0].timing.start, Some(start(clocks, 5).start));
    assert!(split.after[0].timing.rules.is_empty());
}

#[test]
fn the_second_part_is_as_long_as_the_first() {
    let clocks = Clocks::Days;
    let mut whole = series(clocks, &["FREQ=DAILY"]);
    whole.timing.end = Some(Moment::Day(day(4)));
    let bare: Vec<_> = starts(clocks).into_iter().map(|start| Start { end: None, ..start }).collect();
    let split = |whole: &Activity| {
        let at = start(clocks, 5).occurrence;
        split_series(whole, &[], at, &bare, "new").unwrap().after.remove(0).timing.end
    };
    assert_eq!(split(&whole), Some(Moment::Day(day(7))));
    whole.timing.end = None;
    assert_eq!(split(&whole), None);
}

#[test]
fn several_rules_end_each_by_itself() {
    let split =
        rules(Clocks::Days, &["FREQ=DAILY;UNTIL=20260303", "FREQ=DAILY", "FREQ=WEEKLY;UNTIL=20260320"]);
    let owned = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    let before =
        owned(&["FREQ=DAILY;UNTIL=20260303", "FREQ=DAILY;UNTIL=20260304", "FREQ=WEEKLY;UNTIL=20260304"]);
    assert_eq!(split, Ok((before, owned(&["FREQ=DAILY", "FREQ=WEEKLY;UNTIL=20260320"]))));
}
