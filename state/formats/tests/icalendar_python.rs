//! Calendars, held against somebody else's answer: Python's `icalendar` reads what is written here and tells the same, and what it writes
//! is read here without a change of meaning; `recurring-ical-events` says when a series with its exceptions takes place.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::{
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use postrider_formats::{
    icalendar::{Item, write_all},
    occurrences::{Defaults, instant, occurrences},
};
use postrider_model::{
    Activity, ActivityKind, Moment, Occurrence, Own, Participant, ParticipantRole, Person, Privacy, Reminder,
    ReminderBy, ReminderTime, Response, ShowAs, Status, Timestamp,
};
use postrider_test_support::python;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

mod activities;

const ROUNDS: usize = 300;
const REQUIREMENTS: &str = "icalendar==7.3.2\nrecurring-ical-events==3.8.2\nx-wr-timezone==2.0.1\nclick==8.5.1\n\
                            python-dateutil==2.9.0.post0\nsix==1.17.0\ntyping_extensions==4.16.0\ntzdata==2026.3\n";
const FORM: &str = "%Y-%m-%dT%H:%M:%S";

/// Somebody else's reader and writer.
struct Python {
    child: Child,
    to: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Python {
    fn start() -> Self {
        let environment = python::environment("icalendar", REQUIREMENTS).unwrap();
        let mut child = Command::new(environment.join("bin/python"))
            .args(["-c", include_str!("icalendar_read.py")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { to: child.stdin.take(), child, answers }
    }

    fn ask(&mut self, asked: &Value) -> Value {
        writeln!(self.to.as_mut().unwrap(), "{asked}").unwrap();
        let answer = self.answers.next().expect("an answer").unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    fn tell(&mut self, text: &str) -> Vec<Value> {
        serde_json::from_value(self.ask(&json!({"do": "tell", "text": text}))).unwrap()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        drop(self.to.take());
        let _ = self.child.wait();
    }
}

fn stamp(at: Timestamp) -> String {
    DateTime::from_timestamp(at.seconds(), 0).unwrap().format(FORM).to_string()
}

fn moment(moment: &Moment) -> Value {
    match moment {
        Moment::Day(day) => json!({"day": day.to_string()}),
        Moment::At { local, zone: None } => json!({"local": local.format(FORM).to_string(), "zone": null}),
        Moment::At { local, zone } => json!({
            "local": local.format(FORM).to_string(), "zone": zone,
            "instant": instant(moment, Tz::UTC).format(FORM).to_string(),
        }),
    }
}

fn utc(at: Timestamp) -> Value {
    moment(&Moment::At {
        local: DateTime::from_timestamp(at.seconds(), 0).unwrap().naive_utc(),
        zone: Some("UTC".to_owned()),
    })
}

fn person(person: &Person) -> Value {
    json!({"email": person.email, "name": person.name})
}

fn participant(one: &Participant) -> Value {
    let (role, kind) = match one.role {
        ParticipantRole::Required => ("REQ-PARTICIPANT", None),
        ParticipantRole::Optional => ("OPT-PARTICIPANT", None),
        ParticipantRole::Informed => ("NON-PARTICIPANT", None),
        ParticipantRole::Resource => ("NON-PARTICIPANT", Some("RESOURCE")),
    };
    let response = match one.response {
        Response::NeedsAction => "NEEDS-ACTION",
        Response::Accepted => "ACCEPTED",
        Response::Tentative => "TENTATIVE",
        Response::Declined => "DECLINED",
        Response::Delegated => "DELEGATED",
    };
    let responded = one.responded.map(|at| stamp(at).replace(['-', ':'], "") + "Z");
    json!({
        "email": one.person.email, "name": one.person.name, "ROLE": role, "CUTYPE": kind, "PARTSTAT": response,
        "X-MS-OLK-RESPTIME": responded,
    })
}

fn reminder(one: &Reminder) -> Value {
    let action = if one.by == ReminderBy::Email { "EMAIL" } else { "DISPLAY" };
    match one.at {
        ReminderTime::BeforeStart(seconds) => {
            json!({"action": action, "related": "START", "seconds": -seconds})
        }
        ReminderTime::BeforeEnd(seconds) => json!({"action": action, "related": "END", "seconds": -seconds}),
        ReminderTime::At(at) => json!({"action": action, "at": stamp(at)}),
    }
}

fn sorted_rule(rule: &str) -> Vec<String> {
    let mut parts: Vec<String> = rule.split(';').map(str::to_owned).collect();
    parts.sort_unstable();
    parts
}

/// What a calendar says that says this, without what it says by leaving it out.
fn told(activity: &Activity, own: &Own) -> Value {
    let is_task = activity.kind == ActivityKind::Task;
    let content = &activity.content;
    let status = match content.status {
        Status::Open if is_task && content.completed.is_some() => Some("NEEDS-ACTION"),
        Status::Open => None,
        Status::Tentative => Some("TENTATIVE"),
        Status::Cancelled => Some("CANCELLED"),
        Status::InProcess | Status::Waiting => Some("IN-PROCESS"),
        Status::Deferred => Some("NEEDS-ACTION"),
        Status::Completed if is_task && content.completed.is_some() => None,
        Status::Completed => Some("COMPLETED"),
    };
    let state = match content.status {
        Status::Waiting => Some("WAITING"),
        Status::Deferred => Some("DEFERRED"),
        _ => None,
    };
    let class = match content.privacy {
        Privacy::Normal => None,
        Privacy::Private => Some("PRIVATE"),
        Privacy::Confidential => Some("CONFIDENTIAL"),
    };
    let busy = match own.show_as {
        ShowAs::Busy => None,
        ShowAs::Free => is_task.then_some("FREE"),
        ShowAs::Tentative => Some("TENTATIVE"),
        ShowAs::OutOfOffice => Some("OOF"),
        ShowAs::WorkingElsewhere => Some("WORKINGELSEWHERE"),
    };
    let transparent = (!is_task).then_some(match own.show_as {
        ShowAs::Busy => None,
        ShowAs::Free => Some("TRANSPARENT"),
        _ => Some("OPAQUE"),
    });
    let end = activity.timing.end.as_ref().map(moment);
    let (end, due) = if is_task { (None, end) } else { (end, None) };
    let occurrence = activity.occurrence.map(|one| match one {
        Occurrence::Day(day) => json!({"day": day.to_string()}),
        Occurrence::At(at) => utc(at),
    });
    json!({
        "kind": if is_task { "VTODO" } else { "VEVENT" },
        "UID": activity.uid,
        "RECURRENCE-ID": occurrence,
        "SEQUENCE": (activity.sequence > 0).then_some(activity.sequence),
        "SUMMARY": Some(&content.title).filter(|title| !title.is_empty()),
        "LOCATION": content.place, "DESCRIPTION": content.description,
        "STATUS": status, "X-POSTRIDER-STATUS": state, "CLASS": class,
        "PRIORITY": content.priority, "PERCENT-COMPLETE": content.percent, "COMPLETED": content.completed.map(utc),
        "CONFERENCE": content.join_url,
        "DTSTART": activity.timing.start.as_ref().map(moment), "DTEND": end, "DUE": due,
        "RRULE": activity.timing.rules.iter().map(|rule| sorted_rule(rule)).collect::<Vec<_>>(),
        "RDATE": activity.timing.further.iter().map(moment).collect::<Vec<_>>(), "EXDATE": [],
        "TRANSP": transparent.flatten(), "X-MICROSOFT-CDO-BUSYSTATUS": busy,
        "CATEGORIES": own.categories,
        "ORGANIZER": activity.people.organizer.as_ref().map(person),
        "ATTENDEE": activity.people.participants.iter().map(participant).collect::<Vec<_>>(),
        "VALARM": own.reminders.iter().map(reminder).collect::<Vec<_>>(),
    })
}

/// An occurrence by its instant alone: by whose clocks it is told does not matter.
fn by_instant(mut told: Value) -> Value {
    let occurrence = &mut told["RECURRENCE-ID"];
    if let Some(instant) = occurrence.get("instant").or_else(|| occurrence.get("local")).cloned() {
        *occurrence = instant;
    }
    told
}

fn runner() -> TestRunner {
    TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[11; 32]))
}

/// Without what it cannot tell apart: in parameters it takes backslashes for escapes, which they are not (RFC 5545, section 3.2), and
/// where it writes a text with a backslash before an N, it writes a line feed.
fn within_its_means(activity: &mut Activity, own: &mut Own) {
    let names = activity.people.participants.iter_mut().map(|one| &mut one.person);
    for name in names.chain(&mut activity.people.organizer).filter_map(|person| person.name.as_mut()) {
        *name = name.replace('\\', "/");
    }
    let content = &mut activity.content;
    let texts = [&mut content.title].into_iter().chain(&mut content.place).chain(&mut content.description);
    for text in texts.chain(&mut own.categories) {
        *text = text.replace("\\N", "\\M");
    }
}

#[test]
fn python_reads_what_is_written_and_what_it_writes_is_read() {
    let mut python = Python::start();
    let mut runner = runner();
    for round in 0..ROUNDS {
        let case = (activities::activities(), activities::owns());
        let (mut activity, mut own) = case.new_tree(&mut runner).unwrap().current();
        within_its_means(&mut activity, &mut own);
        let text = write_all(&[Item::new(&activity, &own)]);
        let expected = told(&activity, &own);
        let theirs = python.tell(&text);
        let [theirs] = theirs.as_slice() else { panic!("round {round}: {text}") };
        assert_eq!(by_instant(theirs.clone()), by_instant(expected.clone()), "round {round}: {text}");
        let written = python.ask(&json!({"do": "write", "told": [expected]}));
        let written = written.as_str().unwrap();
        let item = Item::read(written.as_bytes()).unwrap();
        let mut back = item.activity();
        let rules = |rules: &[String]| rules.iter().map(|rule| sorted_rule(rule)).collect::<Vec<_>>();
        assert_eq!(rules(&back.timing.rules), rules(&activity.timing.rules), "round {round}");
        back.timing.rules.clone_from(&activity.timing.rules);
        assert_eq!((&back, &item.own()), (&activity, &own), "round {round}: {written}");
        assert_eq!(item.with(&back, &own).activity(), back);
    }
}

/// A series, what differs of it, and what was taken out.
fn series() -> impl Strategy<Value = Vec<Activity>> {
    let rules = [
        "FREQ=DAILY;COUNT=20",
        "FREQ=WEEKLY;BYDAY=MO,TH",
        "FREQ=MONTHLY;BYMONTHDAY=31",
        "FREQ=WEEKLY;INTERVAL=2",
    ];
    let zones =
        ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC", "Europe/Moscow"];
    let start = (0u64..600, 6u32..20, prop::sample::select(zones.to_vec()), any::<bool>());
    let changes = prop::collection::vec((0usize..12, 0u8..3, -30i64..30), 0..5);
    (start, prop::sample::select(rules.to_vec()), 1i64..30, changes).prop_map(
        |((day, hour, zone, is_day), rule, takes, changes)| {
            let day = NaiveDate::from_ymd_opt(2025, 1, 1).unwrap() + Days::new(day);
            let local = day.and_hms_opt(hour, 30, 0).unwrap();
            let moment = |at: chrono::NaiveDateTime| match is_day {
                true => Moment::Day(at.date()),
                false => Moment::At { local: at, zone: Some(zone.to_owned()) },
            };
            let takes = if is_day { TimeDelta::days(1 + takes % 3) } else { TimeDelta::minutes(10 * takes) };
            let mut master = Activity::new(ActivityKind::Appointment, "series@example.com");
            master.content.title = "series".to_owned();
            master.timing.start = Some(moment(local));
            master.timing.end = Some(moment(local + takes));
            master.timing.rules = vec![rule.to_owned()];
            let place: Tz = if is_day { Tz::UTC } else { zone.parse().unwrap() };
            // Whether a series begins once more at a time that its rule does not have, RFC 5545 leaves open (section 3.8.5.3).
            let first = expand(&[master.clone()], span()).1[0].1.with_timezone(&place).naive_local();
            master.timing.start = Some(moment(first));
            master.timing.end = Some(moment(first + takes));
            let placed = expand(&[master.clone()], span()).1;
            let mut all = vec![master.clone()];
            let mut seen = std::collections::BTreeSet::new();
            for (nth, change, hours) in changes {
                let Some((occurrence, start)) = placed.get(nth).filter(|_| seen.insert(nth)) else {
                    continue;
                };
                let mut one = Activity { occurrence: Some(*occurrence), ..master.clone() };
                one.timing.rules.clear();
                one.content.title = format!("differs {nth}");
                let begins = start.with_timezone(&place).naive_local()
                    + if change == 0 {
                        TimeDelta::hours(if is_day { 24 * hours } else { hours })
                    } else {
                        TimeDelta::zero()
                    };
                one.timing.start = Some(moment(begins));
                one.timing.end = Some(moment(begins + takes));
                if change == 2 {
                    one.content.status = Status::Cancelled;
                }
                all.push(one);
            }
            all
        },
    )
}

fn span() -> (DateTime<Utc>, DateTime<Utc>) {
    let day = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc();
    (day(2025), day(2028))
}

type Placed = Vec<(Occurrence, DateTime<Utc>)>;

fn expand(all: &[Activity], span: (DateTime<Utc>, DateTime<Utc>)) -> (Vec<[String; 3]>, Placed) {
    let (master, differing) = all.split_first().unwrap();
    let defaults = Defaults { zone: Tz::UTC, duration: TimeDelta::hours(1) };
    let found = occurrences(master, differing, span, defaults, &|| false).unwrap();
    let title = |at: Option<usize>| at.map_or(master, |at| &differing[at]).content.title.clone();
    let text = |at: DateTime<Utc>| at.format(FORM).to_string();
    let mut told: Vec<[String; 3]> =
        found.placed.iter().map(|one| [text(one.start), text(one.end), title(one.differing)]).collect();
    told.sort();
    (told, found.placed.iter().filter_map(|one| Some((one.occurrence?, one.start))).collect())
}

/// Names of zones that only the calendar itself explains.
fn under_other_names(text: &str) -> String {
    text.replace("TZID=", "TZID=Zone of ")
        .replace("TZID:", "TZID:Zone of ")
        .replace("Zone of \"", "\"Zone of ")
}

#[test]
fn a_series_takes_place_when_python_says_so() {
    let mut python = Python::start();
    let mut runner = runner();
    let mut count = 0;
    for round in 0..ROUNDS {
        let all = series().new_tree(&mut runner).unwrap().current();
        let text = write_all(&all.iter().map(|one| Item::new(one, &Own::default())).collect::<Vec<_>>());
        let (ours, _) = expand(&all, span());
        count += ours.len();
        // By their names, and by what is said of how their clocks are set.
        for text in [text.clone(), under_other_names(&text)] {
            let theirs = python.ask(&json!({
                "do": "expand", "text": text, "from": span().0.format(FORM).to_string(), "to": span().1.format(FORM).to_string(),
            }));
            let theirs: Vec<[String; 3]> = serde_json::from_value(theirs).unwrap();
            assert_eq!(theirs, ours, "round {round}: {text}");
        }
        let again: Vec<Activity> =
            Item::read_all(text.as_bytes()).into_iter().map(|item| item.unwrap().activity()).collect();
        assert_eq!(expand(&again, span()).0, ours, "round {round}: {text}");
    }
    assert!(count > 10 * ROUNDS, "{count}");
}

#[test]
fn python_reads_what_is_written_from_the_files_of_others() {
    let mut python = Python::start();
    for name in
        ["outlook-meeting", "outlook-customised-zone", "google", "apple", "thunderbird", "nextcloud-tasks"]
    {
        let file =
            std::fs::read(format!("{}/../../fixtures/icalendar/{name}.ics", env!("CARGO_MANIFEST_DIR")))
                .unwrap();
        let items: Vec<Item> = Item::read_all(&file).into_iter().map(Result::unwrap).collect();
        let (mut theirs, mut ours) =
            (python.tell(&String::from_utf8(file).unwrap()), python.tell(&write_all(&items)));
        for one in theirs.iter_mut().chain(&mut ours) {
            let exceptions = one["EXDATE"].as_array_mut().unwrap();
            exceptions.sort_by_key(ToString::to_string);
        }
        assert_eq!(ours, theirs, "{name}");
    }
}
