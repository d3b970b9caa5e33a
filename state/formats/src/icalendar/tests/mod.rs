//! Calendars as programs write them, and what a change does to them.

mod forms;
mod generated;
mod imip;
mod series;

use std::fs;

use chrono::{NaiveDate, NaiveDateTime};
use postrider_model::{
    Activity, ActivityKind, Moment, Occurrence, Own, Participant, ParticipantRole, Person, Privacy, Reminder,
    ReminderBy, ReminderTime, Response, ShowAs, Status, Timestamp,
};

use super::{Calendar, Item, Method, write_all};

const FILES: [&str; 6] =
    ["outlook-meeting", "outlook-customised-zone", "google", "apple", "thunderbird", "nextcloud-tasks"];

fn file(name: &str) -> Vec<u8> {
    fs::read(format!("{}/../../fixtures/icalendar/{name}.ics", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn items(name: &str) -> Vec<Item> {
    Item::read_all(&file(name)).into_iter().collect::<Result<_, _>>().unwrap()
}

fn local(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
}

fn at(text: &str, zone: &str) -> Moment {
    Moment::At { local: local(text), zone: (!zone.is_empty()).then(|| zone.to_owned()) }
}

fn day(text: &str) -> Moment {
    Moment::Day(date(text))
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn stamp(text: &str) -> Timestamp {
    Timestamp(local(text).and_utc().timestamp_micros())
}

fn person(email: &str, name: Option<&str>) -> Person {
    Person { email: email.to_owned(), name: name.map(str::to_owned) }
}

fn participant(email: &str, name: Option<&str>, role: ParticipantRole, response: Response) -> Participant {
    Participant { person: person(email, name), role, response, responded: None }
}

fn before(seconds: i64, by: ReminderBy) -> Reminder {
    Reminder { at: ReminderTime::BeforeStart(seconds), by }
}

/// A calendar with one appointment of these lines.
fn event(lines: &str) -> Vec<u8> {
    let lines = lines.trim().lines().map(|line| format!("{}\r\n", line.trim())).collect::<String>();
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    .into_bytes()
}

fn activity(lines: &str) -> Activity {
    Item::read(&event(lines)).unwrap().activity()
}

fn own(lines: &str) -> Own {
    Item::read(&event(lines)).unwrap().own()
}

#[test]
fn an_invitation_by_outlook_is_read() {
    let calendar = Calendar::read(&file("outlook-meeting"));
    assert_eq!(calendar.method, Some(Method::Request));
    let items = items("outlook-meeting");
    let series = items[0].activity();
    assert_eq!(series.content.title, "Weekly numbers");
    assert_eq!(series.content.place.as_deref(), Some("Room 1"));
    let url = "https://teams.microsoft.com/l/meetup-join/19%3ameeting_abc%40thread.v2/0?context=%7b%22Tid%22%3a%221%22%7d";
    assert_eq!(
        series.content.description.as_deref(),
        Some(
            format!("Agenda:\n\n1. Numbers, and words\n2. What is next; and when\n\nJoin: {url}\n").as_str()
        )
    );
    assert_eq!(series.content.join_url.as_deref(), Some(url));
    assert_eq!((series.sequence, series.content.priority), (2, Some(5)));
    assert_eq!(series.timing.start, Some(at("2026-03-03 09:00", "Europe/Berlin")));
    assert_eq!(series.timing.end, Some(at("2026-03-03 10:00", "Europe/Berlin")));
    assert_eq!(series.timing.rules, ["FREQ=WEEKLY;UNTIL=20260630T070000Z;INTERVAL=1;BYDAY=TU;WKST=MO"]);
    assert_eq!(series.people.organizer, Some(person("ada@example.com", Some("Lovelace, Ada"))));
    let (needed, optional, room) = (
        participant(
            "e.mirny@example.com",
            Some("Евгений Мирный"),
            ParticipantRole::Required,
            Response::NeedsAction,
        ),
        participant(
            "jane@example.org",
            Some("Doe, Jane: sales"),
            ParticipantRole::Optional,
            Response::Tentative,
        ),
        participant("room1@example.com", Some("Room 1"), ParticipantRole::Resource, Response::Accepted),
    );
    let optional = Participant { responded: Some(stamp("2026-03-01 10:15")), ..optional };
    assert_eq!(series.people.participants, [needed, optional, room]);
    assert_eq!(items[0].own().show_as, ShowAs::Tentative);
    assert_eq!(items[0].own().reminders, [before(900, ReminderBy::Display)]);
    let others: Vec<(Option<Occurrence>, Status)> =
        items[1..].iter().map(|item| (item.activity().occurrence, item.activity().content.status)).collect();
    let of = |text| Some(Occurrence::At(stamp(text)));
    assert_eq!(
        others,
        [
            (of("2026-03-10 08:00"), Status::Cancelled),
            (of("2026-04-07 07:00"), Status::Cancelled),
            (of("2026-03-17 08:00"), Status::Open)
        ]
    );
    assert_eq!(items[3].own().show_as, ShowAs::OutOfOffice);
}

#[test]
fn a_zone_without_a_name_is_known_by_its_clocks_and_one_that_is_none_is_said() {
    let items = items("outlook-customised-zone");
    let call = items[0].activity();
    assert_eq!(call.timing.start, Some(at("2026-04-01 10:00", "America/New_York")));
    assert_eq!((call.content.privacy, items[0].own().show_as), (Privacy::Private, ShowAs::WorkingElsewhere));
    assert_eq!(call.content.description, None, "blanks");
    let nowhere = items[1].activity();
    assert_eq!(nowhere.timing.start, Some(at("2026-04-02 10:00", "")));
    assert_eq!(nowhere.timing.end, Some(at("2026-04-03 10:30", "")));
    assert_eq!(items[1].unknown_zones().collect::<Vec<_>>(), ["Nowhere Standard Time"]);
    let away = items[2].activity();
    assert!(away.is_all_day() && items[2].own().show_as == ShowAs::Free);
    assert_eq!((away.timing.start, away.timing.end), (Some(day("2026-05-01")), Some(day("2026-05-04"))));
    // Each has what is said of its own zones, and no other's.
    let zones = |item: &Item| item.text().matches("BEGIN:VTIMEZONE").count();
    assert_eq!(items.iter().map(zones).collect::<Vec<_>>(), [1, 1, 0]);
    // Moved by an hour, it stays in its zone.
    let mut moved = nowhere.clone();
    moved.timing.start = Some(at("2026-04-02 11:00", ""));
    let text = items[1].with(&moved, &items[1].own()).text();
    assert!(text.contains("DTSTART;TZID=Nowhere Standard Time:20260402T110000\r\n"), "{text}");
}

#[test]
fn googles_calendar_is_read() {
    let items = items("google");
    let series = items[0].activity();
    assert_eq!(series.content.join_url.as_deref(), Some("https://meet.google.com/abc-defg-hij"));
    assert_eq!(series.content.place.as_deref(), Some("HQ, 1st floor"));
    assert_eq!(
        items[0].own().reminders,
        [before(600, ReminderBy::Display), before(86_400, ReminderBy::Email)]
    );
    let roles: Vec<ParticipantRole> = series.people.participants.iter().map(|one| one.role).collect();
    assert_eq!(roles, [ParticipantRole::Required, ParticipantRole::Required, ParticipantRole::Resource]);
    let occurrences: Vec<Option<Occurrence>> = items.iter().map(|item| item.activity().occurrence).collect();
    let of = |text| Some(Occurrence::At(stamp(text)));
    assert_eq!(
        occurrences,
        [
            None,
            of("2026-03-04 23:00"),
            of("2026-03-16 22:00"),
            of("2026-03-11 22:00"),
            None,
            Some(Occurrence::Day(date("2027-04-12")))
        ]
    );
    assert_eq!(items[4].activity().content.status, Status::Tentative);
    let text = write_all(&items);
    assert!(text.contains("X-WR-CALNAME:vera@example.com\r\nX-WR-TIMEZONE:Europe/Moscow\r\n"), "{text}");
}

#[test]
fn apples_people_and_alarms_are_read() {
    let items = items("apple");
    let night = items[0].activity();
    let asa = person("asa@example.se", Some("Åsa Lindqvist"));
    assert_eq!(night.people.organizer.as_ref(), Some(&asa));
    let emails: Vec<&str> = night.people.participants.iter().map(|one| one.person.email.as_str()).collect();
    assert_eq!(emails, ["asa@example.se", "bo@example.se"], "nobody is known by a uuid");
    let shown = Reminder { at: ReminderTime::At(stamp("2026-03-28 19:00")), by: ReminderBy::Display };
    assert_eq!(items[0].own().reminders, [before(1800, ReminderBy::Display), shown]);
    let breakfast = items[1].activity();
    assert_eq!(breakfast.timing.start, Some(at("2026-05-10 08:00", "")));
    assert_eq!(breakfast.timing.end, Some(at("2026-05-10 09:30", "")));
    assert_eq!(breakfast.timing.further, [at("2026-05-17 08:00", ""), at("2026-05-24 09:00", "")]);
    // Another place than the one whose coordinates are told.
    let mut moved = night;
    moved.content.place = Some("Uppsala".to_owned());
    let text = items[0].with(&moved, &items[0].own()).text();
    assert!(
        !text.contains("Kungsgatan") && text.contains("urn:uuid:") && text.contains("ACTION:NONE"),
        "{text}"
    );
}

#[test]
fn thunderbirds_periods_conferences_and_tasks_are_read() {
    let items = items("thunderbird");
    let choir = items[0].activity();
    let berlin = |text| at(text, "Europe/Berlin");
    assert_eq!(choir.timing.further, [berlin("2026-04-01 19:00"), berlin("2026-04-02 19:00")]);
    let url = "https://example.zoom.us/j/12345678901?pwd=a,b;c";
    assert_eq!(choir.content.join_url.as_deref(), Some(url));
    assert_eq!(items[0].own().categories, ["Musik", "Verein, alt", "Freizeit"]);
    let end = Reminder { at: ReminderTime::BeforeEnd(300), by: ReminderBy::Display };
    assert_eq!(items[0].own().reminders, [end]);
    let tax = items[1].activity();
    assert_eq!((tax.kind, tax.content.status), (ActivityKind::Task, Status::InProcess));
    assert_eq!((tax.content.percent, tax.content.privacy), (Some(40), Privacy::Confidential));
    assert_eq!(tax.timing.end, Some(berlin("2026-07-31 18:00")));
    // One further time less: the other keeps its period, and no conference by phone is lost.
    let mut changed = choir;
    changed.timing.further.remove(1);
    changed.content.join_url = Some("https://meet.example.com/x,y".to_owned());
    let text = items[0].with(&changed, &items[0].own()).text();
    assert!(
        text.contains("RDATE;TZID=Europe/Berlin;VALUE=PERIOD:20260401T190000/20260401T220000\r\n"),
        "{text}"
    );
    assert!(
        text.contains("CONFERENCE;VALUE=URI:https://meet.example.com/x,y\r\n") && text.contains("tel:+49"),
        "{text}"
    );
}

#[test]
fn nextclouds_tasks_are_read() {
    let items = items("nextcloud-tasks");
    let call = items[0].activity();
    assert_eq!(
        (call.content.status, call.content.completed),
        (Status::Completed, Some(stamp("2026-03-02 09:00")))
    );
    assert_eq!((call.timing.start, call.timing.end), (None, Some(day("2026-03-05"))));
    assert_eq!(items[0].own().categories, ["Продажи", "Срочно"]);
    let open = items[1].activity();
    assert_eq!((open.content.status, open.content.priority), (Status::Open, None));
}

#[test]
fn what_was_not_changed_goes_out_byte_for_byte() {
    for name in FILES {
        let file = String::from_utf8(file(name)).unwrap();
        for item in items(name) {
            let same = item.with(&item.activity(), &item.own());
            assert_eq!(same, item, "{name}");
            let again = Item::read(item.text().as_bytes()).unwrap();
            assert_eq!((again.text(), again.activity()), (item.text(), item.activity()), "{name}");
            // Lines with the exceptions of a series are items of their own.
            let is_whole = file.contains(&item.component.raw());
            let without: String =
                file.split_inclusive('\n').filter(|line| !line.starts_with("EXDATE")).collect();
            assert!(
                is_whole || without.contains(&item.component.raw()) || item.is_taken_out(),
                "{name}: {}",
                item.text()
            );
        }
        let all = items(name);
        let written = write_all(&all);
        assert_eq!(Item::read_all(written.as_bytes()).len(), all.len(), "{name}");
        let again: Vec<Item> = Item::read_all(written.as_bytes()).into_iter().map(Result::unwrap).collect();
        for (one, other) in all.iter().zip(&again) {
            assert_eq!((one.activity(), one.own()), (other.activity(), other.own()), "{name}: {written}");
        }
        assert_eq!(write_all(&again), written, "{name}");
    }
}

/// The lines of an item, sorted; but for those that begin so.
fn lines(item: &Item, but: &[&str]) -> Vec<String> {
    let text = item.text().replace("\r\n ", "").replace("\n ", "");
    let is_other = |line: &&str| !but.iter().any(|name| line.starts_with(name));
    let mut lines: Vec<String> = text.lines().filter(is_other).map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn a_change_touches_what_it_changes_and_nothing_else() {
    for name in FILES {
        for item in items(name) {
            let (mut activity, mut own) = (item.activity(), item.own());
            activity.content.title = "Another, of; all\\".to_owned();
            activity.people.participants.push(participant(
                "new@example.com",
                None,
                ParticipantRole::Optional,
                Response::Accepted,
            ));
            own.categories.push("Neu, und".to_owned());
            let changed = item.with(&activity, &own);
            assert_eq!((changed.activity(), changed.own()), (activity.clone(), own.clone()), "{name}");
            let but = ["SUMMARY", "ATTENDEE;ROLE=OPT-PARTICIPANT;PARTSTAT=ACCEPTED:mailto:new", "CATEGORIES"];
            assert_eq!(lines(&changed, &but), lines(&item, &but), "{name}");
            let again = Item::read(changed.text().as_bytes()).unwrap();
            assert_eq!((again.activity(), again.own()), (activity, own), "{name}: {}", changed.text());
        }
    }
}

#[test]
fn an_answer_changes_one_parameter_of_one_line() {
    let item = &items("google")[0];
    let mut activity = item.activity();
    activity.people.participants[1].response = Response::Accepted;
    let (was, now) = (lines(item, &[]), lines(&item.with(&activity, &item.own()), &[]));
    let new: Vec<&String> = now.iter().filter(|line| !was.contains(line)).collect();
    let expected = "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=TRUE;CN=Ivan;X-NUM-GUESTS=0;\
                    X-RESPONSE-COMMENT=\"No time, alas\":mailto:ivan@example.com";
    assert_eq!(new, [expected]);
    assert_eq!(was.len(), now.len());
}

/// A side that knows of a title and a time alone changes both, and what it does not know of stays.
#[test]
fn a_side_that_knows_fewer_fields_erases_none() {
    for name in FILES {
        for item in items(name) {
            let mut activity = item.activity();
            activity.content.title = "Changed there".to_owned();
            activity.timing.start = Some(at("2026-06-01 10:00", "Asia/Tokyo"));
            activity.timing.end = Some(at("2026-06-01 11:00", "Asia/Tokyo"));
            let changed = item.with(&activity, &item.own());
            let but = [
                "SUMMARY",
                "DTSTART",
                "DTEND",
                "DUE",
                "DURATION",
                "TZ",
                "RRULE:FREQ=YEARLY",
                "BEGIN:",
                "END:",
                "X-LIC",
                "X-TZINFO",
                "RDATE:",
            ];
            assert_eq!(lines(&changed, &but), lines(&item, &but), "{name}");
            assert_eq!(
                Item::read(changed.text().as_bytes()).unwrap().activity(),
                activity,
                "{}",
                changed.text()
            );
            assert!(changed.text().contains("TZID:Asia/Tokyo\r\n"), "what is named is told of");
        }
    }
}

#[test]
fn a_twin_in_html_goes_with_the_description_that_it_is_one_of() {
    let item = &items("outlook-meeting")[0];
    let mut activity = item.activity();
    activity.content.description = Some("Other".to_owned());
    let text = item.with(&activity, &item.own()).text();
    assert!(text.contains("\r\nDESCRIPTION:Other\r\n") && !text.contains("X-ALT-DESC"), "{text}");
}

#[test]
fn an_appointment_becomes_a_task_and_keeps_what_both_have() {
    let item = &items("google")[4];
    let mut activity = item.activity();
    activity.kind = ActivityKind::Task;
    activity.content.status = Status::Deferred;
    activity.content.percent = Some(10);
    let own = Own { show_as: ShowAs::Busy, ..item.own() };
    let task = item.with(&activity, &own);
    let text = task.text();
    assert!(text.contains("BEGIN:VTODO\r\n") && text.contains("DUE;VALUE=DATE:20260413\r\n"), "{text}");
    assert!(
        !text.contains("DTEND") && !text.contains("TRANSP") && text.contains("CREATED:20260201T120000Z"),
        "{text}"
    );
    let again = Item::read(text.as_bytes()).unwrap();
    assert_eq!((again.activity(), again.own()), (activity, own));
}
