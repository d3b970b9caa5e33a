//! When something recurs, held against somebody else's answer: Python's `dateutil`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;
use postrider_formats::recurrence::{Instance, Rules, Series, Start};
use postrider_test_support::python;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::json;

const RULES: usize = 1_000;
const REQUIREMENTS: &str = "python-dateutil==2.9.0.post0\nsix==1.17.0\ntzdata==2026.3\n";
const FORM: &str = "%Y-%m-%dT%H:%M:%S";
const ZONES: [Tz; 6] = [
    Tz::UTC,
    Tz::Europe__Berlin,
    Tz::America__New_York,
    Tz::Australia__Lord_Howe,
    Tz::Asia__Kolkata,
    Tz::America__Sao_Paulo,
];

/// A rule, when it begins, and the span that is asked for.
#[derive(Debug, Clone)]
struct Case {
    start: NaiveDateTime,
    zone: Tz,
    rule: String,
    span_days: u64,
}

fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn some<T: std::fmt::Debug + Clone + ToString + 'static>(
    name: &'static str,
    of: impl Strategy<Value = T>,
    most: usize,
) -> impl Strategy<Value = String> {
    prop::option::weighted(0.25, prop::collection::vec(of, 1..=most))
        .prop_map(move |items| items.map_or_else(String::new, |items| format!(";{name}={}", list(&items))))
}

/// Weekdays, all counted or none: of a mixture dateutil takes those that are both, though RFC 5545 means either.
fn weekdays(may_count: bool) -> impl Strategy<Value = String> {
    let day = prop::sample::select(vec!["MO", "TU", "WE", "TH", "FR", "SA", "SU"]);
    let nth = prop::sample::select(vec!["1", "2", "-1"]);
    let counted = some("BYDAY", (nth, day.clone()).prop_map(|(nth, day)| format!("{nth}{day}")), 3);
    let each = some("BYDAY", day.prop_map(str::to_owned), 3);
    if may_count { prop_oneof![counted, each].boxed() } else { each.boxed() }
}

fn rules() -> impl Strategy<Value = String> {
    let frequencies = prop::sample::select(vec!["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"]);
    frequencies.prop_flat_map(|frequency| {
        // What RFC 5545 allows beside which frequency (section 3.3.10).
        let monthly = matches!(frequency, "YEARLY" | "MONTHLY");
        let month_days = if frequency == "WEEKLY" { 0 } else { 2 };
        let end = prop_oneof![
            Just(String::new()),
            (1u32..40).prop_map(|count| format!(";COUNT={count}")),
            (0u64..900).prop_map(|days| {
                let until = NaiveDate::from_ymd_opt(2025, 1, 1).unwrap() + Days::new(days);
                format!(";UNTIL={}T120000Z", until.format("%Y%m%d"))
            }),
        ];
        (
            prop_oneof![Just(String::new()), (2u8..5).prop_map(|every| format!(";INTERVAL={every}"))],
            some("BYMONTH", 1u8..=12, 2),
            some("BYMONTHDAY", prop_oneof![1i8..=31, -3i8..=-1], month_days.max(1)),
            weekdays(monthly),
            some("BYHOUR", 0u8..24, 2),
            prop_oneof![3 => Just(String::new()), 1 => prop::sample::select(vec![";WKST=SU".to_owned(), ";WKST=MO".to_owned()])],
            end,
        )
            .prop_map(move |(every, months, days, weekdays, hours, week, end)| {
                let days = if month_days == 0 { String::new() } else { days };
                // What never comes, such as the 31st of June, dateutil looks for until the year 9999.
                let (is_any, last) = (months.is_empty(), days.replace("29", "9").replace("30", "10").replace("31", "11"));
                let days = if is_any { days } else { last };
                let is_plain = [&months, &days, &weekdays, &hours].iter().all(|part| part.is_empty());
                let end = if end.is_empty() && !is_plain { ";UNTIL=20281231T120000Z".to_owned() } else { end };
                format!("FREQ={frequency}{every}{months}{days}{weekdays}{hours}{week}{end}")
            })
    })
}

fn cases() -> impl Strategy<Value = Case> {
    let start = (0u64..700, 0u32..24, prop::sample::select(vec![0u32, 15, 30]));
    (start, prop::sample::select(ZONES.to_vec()), rules(), 30u64..800).prop_map(
        |((day, hour, minute), zone, rule, span_days)| {
            // Hours are counted by the clock there and as they pass here, which differs where the clock is changed.
            let zone = if rule.contains("HOURLY") { Tz::Asia__Kolkata } else { zone };
            let span_days = if rule.contains("HOURLY") { 3 + span_days % 60 } else { span_days };
            let day = NaiveDate::from_ymd_opt(2024, 11, 1).unwrap() + Days::new(day);
            Case { start: day.and_hms_opt(hour, minute, 0).unwrap(), zone, rule, span_days }
        },
    )
}

#[test]
fn a_thousand_rules_expand_as_dateutil_expands_them() {
    let script = include_str!("recurrence_read.py");
    let environment = python::environment("dateutil", REQUIREMENTS).unwrap();
    let mut python = Command::new(environment.join("bin/python"))
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = python.stdin.take().unwrap();
    let mut answers = BufReader::new(python.stdout.take().unwrap()).lines();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let (mut found, mut differ) = (0, Vec::new());
    for _ in 0..RULES {
        let case = cases().new_tree(&mut runner).unwrap().current();
        let (from, until) =
            (case.start.and_utc() - Days::new(2), case.start.and_utc() + Days::new(case.span_days));
        let asked = json!({
            "start": case.start.format(FORM).to_string(), "zone": case.zone.name(), "rule": case.rule,
            "from": from.format(FORM).to_string(), "to": until.format(FORM).to_string(),
        });
        writeln!(to, "{asked}").unwrap();
        let answer = answers.next().expect("an answer").unwrap();
        let theirs: Vec<String> = serde_json::from_str(&answer).unwrap();
        let start = Start::At { local: case.start, zone: case.zone };
        let rules = Rules { rules: vec![case.rule.clone()], ..Rules::default() };
        let ours = Series::new(&start, &rules).unwrap().between(from, until, &|| false);
        let ours: Vec<String> = ours.starts.iter().map(|one| instant(one).format(FORM).to_string()).collect();
        found += ours.len();
        if ours != theirs {
            differ.push((case, ours, theirs));
        }
    }
    drop(to);
    python.wait().unwrap();
    assert!(found > 10 * RULES, "{found} starts");
    assert!(differ.is_empty(), "{} differ: {:#?}", differ.len(), &differ[..differ.len().min(3)]);
}

fn instant(one: &Instance) -> DateTime<Utc> {
    match one {
        Instance::At(time) => *time,
        Instance::Day(day) => day.and_hms_opt(0, 0, 0).unwrap().and_utc(),
    }
}
