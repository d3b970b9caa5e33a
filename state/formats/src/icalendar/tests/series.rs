//! Series of which some occurrences differ: when they take place, and that they say the same once they were written and read.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use postrider_model::{Activity, ActivityKind, Moment, Occurrence, Own, Status, Timing};

use super::{
    super::{Item, write_all},
    at, date, day, items, local, stamp,
};
use crate::occurrences::{Defaults, Occurrences, occurrences};

const DEFAULTS: Defaults = Defaults { zone: Tz::Asia__Tokyo, duration: TimeDelta::minutes(30) };

fn utc(text: &str) -> DateTime<Utc> {
    local(text).and_utc()
}

fn expand(items: &[Item], from: &str, to: &str) -> Occurrences {
    let all: Vec<Activity> = items.iter().map(Item::activity).collect();
    let (master, differing) = all.split_first().unwrap();
    occurrences(master, differing, (utc(from), utc(to)), DEFAULTS, &|| false).unwrap()
}

/// Begin and end of each, and the title of what it is.
fn told(items: &[Item], from: &str, to: &str) -> Vec<String> {
    let found = expand(items, from, to);
    assert!(!found.is_cut);
    let text = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M").to_string();
    let title = |of: Option<usize>| items[of.map_or(0, |at| at + 1)].activity().content.title;
    let placed = found.placed.iter();
    placed.map(|one| format!("{} to {}: {}", text(one.start), text(one.end), title(one.differing))).collect()
}

/// The same from what was written and read.
fn told_twice(items: &[Item], from: &str, to: &str) -> Vec<String> {
    let again: Vec<Item> =
        Item::read_all(write_all(items).as_bytes()).into_iter().map(Result::unwrap).collect();
    let told = told(items, from, to);
    assert_eq!(self::told(&again, from, to), told);
    told
}

fn series(start: Moment, end: Moment, rule: &str) -> Activity {
    let mut series = Activity::new(ActivityKind::Appointment, "series@example.com");
    series.content.title = "series".to_owned();
    series.timing =
        Timing { start: Some(start), end: Some(end), rules: vec![rule.to_owned()], further: Vec::new() };
    series
}

fn differing(of: &Activity, occurrence: Occurrence, title: &str) -> Activity {
    let mut one = Activity { occurrence: Some(occurrence), ..of.clone() };
    one.content.title = title.to_owned();
    one.timing.rules.clear();
    one
}

fn cancelled(of: &Activity, occurrence: Occurrence) -> Activity {
    let mut one = differing(of, occurrence, "");
    one.content.status = Status::Cancelled;
    one
}

fn made(all: &[Activity]) -> Vec<Item> {
    all.iter().map(|one| Item::new(one, &Own::default())).collect()
}

#[test]
fn weekly_with_a_moved_a_changed_and_a_deleted_occurrence_across_summer_time() {
    let berlin = |text| at(text, "Europe/Berlin");
    let series = series(berlin("2026-03-16 09:00"), berlin("2026-03-16 10:00"), "FREQ=WEEKLY;COUNT=6");
    let of = |text| Occurrence::At(stamp(text));
    let mut moved = differing(&series, of("2026-03-23 08:00"), "moved");
    moved.timing.start = Some(berlin("2026-03-24 14:00"));
    moved.timing.end = Some(berlin("2026-03-24 15:30"));
    let mut changed = differing(&series, of("2026-03-30 07:00"), "changed");
    changed.timing.start = Some(berlin("2026-03-30 09:00"));
    changed.timing.end = Some(berlin("2026-03-30 10:00"));
    let deleted = cancelled(&series, of("2026-04-06 07:00"));
    let items = made(&[series, moved, changed, deleted]);
    assert_eq!(
        told_twice(&items, "2026-01-01 00:00", "2027-01-01 00:00"),
        [
            "2026-03-16 08:00 to 2026-03-16 09:00: series",
            "2026-03-24 13:00 to 2026-03-24 14:30: moved",
            "2026-03-30 07:00 to 2026-03-30 08:00: changed",
            "2026-04-13 07:00 to 2026-04-13 08:00: series",
            "2026-04-20 07:00 to 2026-04-20 08:00: series",
        ]
    );
    // What was moved is found where it is, and not where it was.
    assert_eq!(told(&items, "2026-03-23 00:00", "2026-03-24 00:00"), [""; 0]);
    assert_eq!(told(&items, "2026-03-24 14:00", "2026-03-25 00:00").len(), 1, "under way");
    assert_eq!(told(&items, "2026-03-24 14:30", "2026-03-25 00:00").len(), 0, "over");
    let text = write_all(&items);
    for line in [
        "EXDATE;TZID=Europe/Berlin:20260406T090000\r\n",
        "RECURRENCE-ID;TZID=Europe/Berlin:20260323T090000\r\n",
        "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\n",
    ] {
        assert_eq!(text.matches(line).count(), 1, "{line} in {text}");
    }
}

#[test]
fn whole_days_are_days_wherever_one_is() {
    let of = |text| Occurrence::Day(date(text));
    let series = series(day("2026-03-28"), day("2026-03-30"), "FREQ=MONTHLY;COUNT=4");
    let mut moved = differing(&series, of("2026-04-28"), "moved");
    moved.timing.start = Some(day("2026-04-29"));
    moved.timing.end = Some(day("2026-04-30"));
    let items = made(&[series.clone(), moved, cancelled(&series, of("2026-05-28"))]);
    // Midnight in Tokyo is 15:00 in UTC the day before.
    assert_eq!(
        told_twice(&items, "2026-01-01 00:00", "2027-01-01 00:00"),
        [
            "2026-03-27 15:00 to 2026-03-29 15:00: series",
            "2026-04-28 15:00 to 2026-04-29 15:00: moved",
            "2026-06-27 15:00 to 2026-06-29 15:00: series",
        ]
    );
    assert_eq!(told(&items, "2026-03-29 14:00", "2026-03-29 15:00").len(), 1);
    assert_eq!(told(&items, "2026-03-29 15:00", "2026-03-29 16:00").len(), 0);
    assert!(write_all(&items).contains("EXDATE;VALUE=DATE:20260528\r\n"));
}

#[test]
fn times_without_a_place_are_told_by_the_clocks_of_whoever_looks() {
    let series = series(at("2026-03-08 02:30", ""), at("2026-03-08 03:00", ""), "FREQ=DAILY;COUNT=3");
    let deleted = cancelled(&series, Occurrence::At(stamp("2026-03-09 02:30")));
    let items = made(&[series, deleted]);
    let expected =
        ["2026-03-07 17:30 to 2026-03-07 18:00: series", "2026-03-09 17:30 to 2026-03-09 18:00: series"];
    assert_eq!(told_twice(&items, "2026-01-01 00:00", "2027-01-01 00:00"), expected);
    assert!(write_all(&items).contains("EXDATE:20260309T023000\r\n"));
    // In New York clocks skip 02:30 on the eighth: it is still the first occurrence.
    let defaults = Defaults { zone: Tz::America__New_York, ..DEFAULTS };
    let span = (utc("2026-01-01 00:00"), utc("2027-01-01 00:00"));
    let found = occurrences(&items[0].activity(), &[items[1].activity()], span, defaults, &|| false).unwrap();
    let first = found.placed.first().map(|one| (one.occurrence, one.start));
    assert_eq!(first, Some((Some(Occurrence::At(stamp("2026-03-08 02:30"))), utc("2026-03-08 07:30"))));
}

#[test]
fn an_invitation_in_a_windows_zone_takes_place_by_its_clocks() {
    let items = items("outlook-meeting");
    let told = told_twice(&items, "2026-03-01 00:00", "2026-04-20 00:00");
    assert_eq!(
        told,
        [
            "2026-03-03 08:00 to 2026-03-03 09:00: Weekly numbers",
            "2026-03-18 13:00 to 2026-03-18 14:00: Weekly numbers (moved)",
            "2026-03-24 08:00 to 2026-03-24 09:00: Weekly numbers",
            "2026-03-31 07:00 to 2026-03-31 08:00: Weekly numbers",
            "2026-04-14 07:00 to 2026-04-14 08:00: Weekly numbers",
        ]
    );
    let text = write_all(&items);
    assert!(text.contains("EXDATE;TZID=W. Europe Standard Time:20260310T090000\r\n"), "{text}");
}

#[test]
fn an_endless_series_is_cut_to_what_is_asked_for() {
    let moscow = |text| at(text, "Europe/Moscow");
    let endless = series(moscow("2026-01-01 23:30"), moscow("2026-01-02 00:30"), "FREQ=DAILY");
    let items = made(&[endless]);
    let told = told_twice(&items, "2126-05-01 00:00", "2126-05-03 00:00");
    let expected =
        ["2126-05-01 20:30 to 2126-05-01 21:30: series", "2126-05-02 20:30 to 2126-05-02 21:30: series"];
    assert_eq!(told, expected);
    let mut every_second = items[0].activity();
    every_second.timing.rules = vec!["FREQ=SECONDLY".to_owned()];
    let span = (utc("2030-01-01 00:00"), utc("2030-01-02 00:00"));
    assert!(occurrences(&every_second, &[], span, DEFAULTS, &|| false).unwrap().is_cut);
    every_second.timing.rules = vec!["FREQ=NEVER".to_owned()];
    assert!(occurrences(&every_second, &[], span, DEFAULTS, &|| false).is_err());
}

/// The rule is another, and what differed is still there: those that are none of the series any more take place all the same until
/// somebody decides about them.
#[test]
fn a_changed_rule_leaves_what_differs_in_place() {
    let items = items("google");
    let (series, others) = (&items[0], &items[1..4]);
    let mut activity = series.activity();
    activity.timing.rules = vec!["FREQ=WEEKLY;BYDAY=MO".to_owned()];
    let changed = series.with(&activity, &series.own());
    let all: Vec<Item> = std::iter::once(changed).chain(others.iter().cloned()).collect();
    assert_eq!(
        told_twice(&all, "2026-03-01 00:00", "2026-03-25 00:00"),
        [
            "2026-03-02 23:00 to 2026-03-03 00:00: Stand-up",
            "2026-03-09 22:00 to 2026-03-09 23:00: Stand-up",
            "2026-03-12 00:00 to 2026-03-12 01:00: Stand-up, later",
            "2026-03-23 22:00 to 2026-03-23 23:00: Stand-up",
        ]
    );
    let text = write_all(&all);
    assert!(
        text.contains("RRULE:FREQ=WEEKLY;BYDAY=MO\r\n") && text.contains("RECURRENCE-ID:20260311T220000Z")
    );
    assert_eq!(text.matches("\nEXDATE;TZID=America/New_York:").count(), 2, "{text}");
}

#[test]
fn exceptions_are_understood_in_the_forms_that_programs_write() {
    let read = |start: &str, exception: &str| {
        let text = format!(
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\n{start}\r\nRRULE:FREQ=DAILY\r\n{exception}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        let items: Vec<Item> = Item::read_all(text.as_bytes()).into_iter().map(Result::unwrap).collect();
        let left = items[0].text().contains("EXDATE");
        (items[1..].iter().filter_map(|item| item.activity().occurrence).collect::<Vec<_>>(), left)
    };
    let berlin = "DTSTART;TZID=Europe/Berlin:20260320T090000";
    let at = |text| Occurrence::At(stamp(text));
    for (start, exception, expected, left) in [
        (berlin, "EXDATE;TZID=Europe/Berlin:20260321T090000", vec![at("2026-03-21 08:00")], false),
        (berlin, "EXDATE:20260321T080000Z", vec![at("2026-03-21 08:00")], false),
        (berlin, "EXDATE;VALUE=DATE:20260321", vec![at("2026-03-21 08:00")], false),
        (berlin, "EXDATE:20260321T090000", vec![at("2026-03-21 08:00")], false),
        (berlin, "EXDATE:20260321T080000Z,20260321T080000Z", vec![at("2026-03-21 08:00")], false),
        (berlin, "EXDATE:soon,20260321T080000Z", vec![at("2026-03-21 08:00")], true),
        (
            "DTSTART;VALUE=DATE:20260320",
            "EXDATE:20260321T000000Z",
            vec![Occurrence::Day(date("2026-03-21"))],
            false,
        ),
        ("DTSTART:20260320T090000", "EXDATE:20260321T090000", vec![at("2026-03-21 09:00")], false),
    ] {
        assert_eq!(read(start, exception), (expected, left), "{start} {exception}");
    }
    // What differs counts, where it is said to be taken out besides.
    let both = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:20260320T090000Z\nRRULE:FREQ=DAILY\nEXDATE:20260321T090000Z\nEND:VEVENT\n\
                BEGIN:VEVENT\nUID:1\nRECURRENCE-ID:20260321T090000Z\nDTSTART:20260321T100000Z\nEND:VEVENT\nEND:VCALENDAR\n";
    let items: Vec<Item> = Item::read_all(both.as_bytes()).into_iter().map(Result::unwrap).collect();
    let stands: Vec<Status> = items.iter().map(|item| item.activity().content.status).collect();
    assert_eq!(stands, [Status::Open, Status::Open]);
}

#[test]
fn a_name_that_two_programs_gave_to_different_zones_is_told_apart() {
    let zone = |offset: &str| {
        format!(
            "BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:Customized Time Zone\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\n\
             TZOFFSETFROM:{offset}\r\nTZOFFSETTO:{offset}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:{offset}\r\n\
             DTSTART;TZID=Customized Time Zone:20260320T090000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )
    };
    let items: Vec<Item> = ["+0530", "+0300", "+0530"]
        .iter()
        .map(|offset| Item::read(zone(offset).as_bytes()).unwrap())
        .collect();
    let text = write_all(&items);
    assert_eq!(text.matches("BEGIN:VTIMEZONE").count(), 2, "{text}");
    let again: Vec<Activity> =
        Item::read_all(text.as_bytes()).into_iter().map(|item| item.unwrap().activity()).collect();
    // Those of one series stand together: the first and the third are one.
    let mut starts: Vec<Option<Moment>> = again.into_iter().map(|one| one.timing.start).collect();
    starts.sort();
    let kolkata = Some(at("2026-03-20 09:00", "Asia/Kolkata"));
    assert_eq!(starts, [kolkata.clone(), kolkata, Some(at("2026-03-20 09:00", "Europe/Moscow"))]);
}
