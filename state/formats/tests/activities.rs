//! Activities of every kind, drawn at random.

use chrono::{Days, NaiveDate, NaiveDateTime, TimeDelta};
use postrider_model::{
    Activity, ActivityKind, Content, Moment, Occurrence, Own, Participant, ParticipantRole, People, Person,
    Privacy, Reminder, ReminderBy, ReminderTime, Response, ShowAs, Status, Timestamp, Timing,
};
use proptest::{option, prelude::*, sample::select};

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Asia/Jerusalem",
    "Europe/Moscow",
];
const RULES: [&str; 7] = [
    "FREQ=DAILY",
    "FREQ=DAILY;INTERVAL=2;COUNT=9",
    "FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "FREQ=WEEKLY;UNTIL=20261231T235959Z;WKST=SU",
    "FREQ=MONTHLY;BYDAY=-1FR",
    "FREQ=MONTHLY;BYMONTHDAY=31",
    "FREQ=YEARLY;BYMONTH=3;BYDAY=2SU;COUNT=4",
];

/// Texts as people write them, with all that has a meaning in a calendar. Not blank, and without blanks around.
fn texts() -> impl Strategy<Value = String> {
    "[a-zA-Z;,:\\\\\"'=^ж🌙 ]{0,90}[a-zж\\\\;]".prop_map(|text| text.trim().to_owned())
}

fn paragraphs() -> impl Strategy<Value = String> {
    proptest::collection::vec(texts(), 1..4).prop_map(|lines| lines.join("\n"))
}

fn local_times() -> impl Strategy<Value = NaiveDateTime> {
    (0u64..1500, 0i64..96).prop_map(|(day, quarter)| {
        let day = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap() + Days::new(day);
        day.and_hms_opt(0, 0, 0).unwrap() + TimeDelta::minutes(15 * quarter)
    })
}

fn stamps() -> impl Strategy<Value = Timestamp> {
    (1_600_000_000i64..1_900_000_000).prop_map(Timestamp::from_seconds)
}

fn zones() -> impl Strategy<Value = Option<String>> {
    option::weighted(0.9, select(ZONES.to_vec()).prop_map(str::to_owned))
}

fn timings(kind: ActivityKind) -> impl Strategy<Value = Timing> {
    let parts = (local_times(), zones(), zones(), any::<bool>(), option::of(1i64..400), 0usize..4);
    let rules = option::weighted(0.5, select(RULES.to_vec()));
    let further = proptest::collection::vec(1u64..60, 0..3);
    (parts, rules, further).prop_map(move |((start, zone, end_zone, is_day, takes, odd), rule, further)| {
        let moment = |local: NaiveDateTime, zone: &Option<String>| match is_day {
            true => Moment::Day(local.date()),
            false => Moment::At { local, zone: zone.clone() },
        };
        // Now and then it ends by the clocks of another place, as a flight does.
        let end_zone = if odd == 0 && zone.is_some() && end_zone.is_some() { &end_zone } else { &zone };
        let mut further: Vec<Moment> =
            further.iter().map(|days| moment(start + Days::new(*days), &zone)).collect();
        further.sort_unstable();
        further.dedup();
        let end = takes.map(|takes| {
            let takes = if is_day { TimeDelta::days(1 + takes % 5) } else { TimeDelta::minutes(5 * takes) };
            moment(start + takes, end_zone)
        });
        // A task may be due without having begun; then it does not recur.
        let has_start = kind == ActivityKind::Appointment || odd > 1;
        Timing {
            start: has_start.then(|| moment(start, &zone)),
            end,
            rules: rule.filter(|_| has_start).map(str::to_owned).into_iter().collect(),
            further: if has_start { further } else { Vec::new() },
        }
    })
}

fn people() -> impl Strategy<Value = People> {
    let email = "[a-zA-Z.+]{0,6}[a-z]@[a-z]{1,6}\\.org";
    let person = || {
        (email, option::of(texts()))
            .prop_map(|(email, name)| Person { email, name: name.map(|name| name.trim().to_owned()) })
    };
    let role = select(vec![
        ParticipantRole::Required,
        ParticipantRole::Optional,
        ParticipantRole::Informed,
        ParticipantRole::Resource,
    ]);
    let response = select(vec![
        Response::NeedsAction,
        Response::Accepted,
        Response::Tentative,
        Response::Declined,
        Response::Delegated,
    ]);
    let participant = (person(), role, response, option::weighted(0.2, stamps()))
        .prop_map(|(person, role, response, responded)| Participant { person, role, response, responded });
    (option::of(person()), proptest::collection::vec(participant, 0..5)).prop_map(
        |(organizer, mut participants)| {
            let mut seen = std::collections::BTreeSet::new();
            participants.retain(|one| seen.insert(one.person.email.to_ascii_lowercase()));
            People { organizer, participants }
        },
    )
}

fn contents(kind: ActivityKind) -> impl Strategy<Value = Content> {
    let is_task = kind == ActivityKind::Task;
    let states = if is_task {
        vec![
            Status::Open,
            Status::Cancelled,
            Status::InProcess,
            Status::Waiting,
            Status::Deferred,
            Status::Completed,
        ]
    } else {
        vec![Status::Open, Status::Tentative, Status::Cancelled]
    };
    let texts = (option::weighted(0.9, texts()), option::of(texts()), option::of(paragraphs()));
    let states = (select(states), select(vec![Privacy::Normal, Privacy::Private, Privacy::Confidential]));
    let numbers = (option::of(1u8..=9), option::of(0u8..=100), option::of(stamps()));
    let url = option::of("https://[a-z]{1,8}\\.example\\.com/[a-zA-Z0-9?=&%,;_-]{0,60}");
    (texts, states, numbers, url).prop_map(
        move |((title, place, description), (status, privacy), (priority, percent, completed), join_url)| {
            Content {
                title: title.unwrap_or_default(),
                place,
                description,
                status,
                privacy,
                priority,
                percent: percent.filter(|_| is_task),
                completed: completed.filter(|_| is_task),
                join_url,
            }
        },
    )
}

/// What all share, of any kind.
pub fn activities() -> impl Strategy<Value = Activity> {
    let kinds = prop_oneof![3 => Just(ActivityKind::Appointment), 1 => Just(ActivityKind::Task)];
    kinds.prop_flat_map(|kind| {
        let identity = ("[a-z0-9-]{1,30}@[a-z]{1,5}", option::weighted(0.2, stamps()), 0u32..4);
        (identity, contents(kind), timings(kind), people()).prop_map(
            move |((uid, occurrence, sequence), content, timing, people)| {
                let occurrence = occurrence.and_then(|at| match &timing.start {
                    Some(Moment::Day(day)) => Some(Occurrence::Day(*day)),
                    start => start.as_ref().map(|_| Occurrence::At(at)),
                });
                let timing = match occurrence {
                    Some(_) => Timing { rules: Vec::new(), further: Vec::new(), ..timing },
                    None => timing,
                };
                Activity { kind, uid, occurrence, sequence, content, timing, people }
            },
        )
    })
}

/// What is one user's.
pub fn owns() -> impl Strategy<Value = Own> {
    let times = prop_oneof![
        (-200_000i64..2_000_000).prop_map(ReminderTime::BeforeStart),
        (-200_000i64..2_000_000).prop_map(ReminderTime::BeforeEnd),
        stamps().prop_map(ReminderTime::At),
    ];
    let reminder = (times, select(vec![ReminderBy::Display, ReminderBy::Email]))
        .prop_map(|(at, by)| Reminder { at, by });
    let show_as = select(vec![
        ShowAs::Busy,
        ShowAs::Free,
        ShowAs::Tentative,
        ShowAs::OutOfOffice,
        ShowAs::WorkingElsewhere,
    ]);
    (proptest::collection::vec(reminder, 0..4), show_as, proptest::collection::vec(texts(), 0..3))
        .prop_map(|(reminders, show_as, categories)| Own { response: None, reminders, show_as, categories })
}
