//! Invitations in mail: found in messages as programs compose them, and written.

use base64::{Engine, prelude::BASE64_STANDARD};
use postrider_model::{Occurrence, Participant, ParticipantRole, Response, Status};

use super::{
    super::{Calendar, Item, Method, imip},
    file, items, participant, person, stamp,
};

/// A message with these parts, each with its header.
fn message(kind: &str, parts: &[String]) -> Vec<u8> {
    let parts: String = parts.iter().map(|part| format!("--b\r\n{part}\r\n")).collect();
    format!(
        "From: ada@example.com\r\nSubject: Weekly numbers\r\nContent-Type: multipart/{kind}; boundary=b\r\n\r\n{parts}--b--\r\n"
    )
    .into_bytes()
}

fn part(header: &str, body: &[u8]) -> String {
    let body = BASE64_STANDARD.encode(body);
    let lines: Vec<&str> =
        body.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("{header}\r\nContent-Transfer-Encoding: base64\r\n\r\n{}", lines.join("\r\n"))
}

fn with_method(method: &str) -> Vec<u8> {
    let text = String::from_utf8(file("outlook-meeting")).unwrap();
    text.replace("METHOD:REQUEST", &format!("METHOD:{method}")).into_bytes()
}

const PLAIN: &str = "Content-Type: text/plain\r\n\r\nCome.";

#[test]
fn an_invitation_is_found_in_messages_as_programs_compose_them() {
    let calendar = with_method("REQUEST");
    let other = with_method("CANCEL");
    let typed = |method: &str| format!("Content-Type: text/calendar; charset=\"UTF-8\"; method={method}");
    let file = "Content-Type: application/ics; name=\"invite.ics\"\r\nContent-Disposition: attachment; filename=\"invite.ics\"";
    let octets = "Content-Type: application/octet-stream; name=\"Invite.ICS\"";
    let raw = String::from_utf8(calendar.clone()).unwrap();
    let plain = format!(
        "From: ada@example.com\r\nContent-Type: text/calendar; method=REQUEST; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{raw}"
    );
    let alternative =
        String::from_utf8(message("alternative", &[PLAIN.to_owned(), part(&typed("REQUEST"), &calendar)]))
            .unwrap();
    for (name, raw) in [
        ("Outlook", message("alternative", &[PLAIN.to_owned(), part(&typed("REQUEST"), &calendar)])),
        ("Google", message("mixed", &[alternative, part(file, &calendar)])),
        (
            "Apple",
            message("mixed", &[part(file, &other), PLAIN.to_owned(), part(&typed("REQUEST"), &calendar)]),
        ),
        ("as a file alone", message("mixed", &[PLAIN.to_owned(), part(file, &calendar)])),
        ("as any file", message("mixed", &[PLAIN.to_owned(), part(octets, &calendar)])),
        ("alone", plain.into_bytes()),
    ] {
        let found = imip::read(&raw).unwrap_or_else(|| panic!("{name}"));
        assert_eq!((found.method, found.items), (Method::Request, items("outlook-meeting")), "{name}");
    }
    let latin = b"BEGIN:VCALENDAR\r\nMETHOD:REFRESH\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:\xc6\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let raw = message("mixed", &[part("Content-Type: text/calendar; charset=koi8-r", latin)]);
    let found = imip::read(&raw).unwrap();
    assert_eq!(found.items[0].activity().content.title, "ф", "{:?}", found.method);
}

#[test]
fn every_method_that_asks_for_something_is_told_and_no_other() {
    let of = |method: &str| {
        imip::read(&message("mixed", &[part("Content-Type: text/calendar", &with_method(method))]))
            .map(|one| one.method)
    };
    for (name, expected) in [
        ("request", Some(Method::Request)),
        ("REPLY", Some(Method::Reply)),
        ("CANCEL", Some(Method::Cancel)),
        ("COUNTER", Some(Method::Counter)),
        ("ADD", Some(Method::Add)),
        ("REFRESH", Some(Method::Refresh)),
        ("PUBLISH", None),
        ("X-OWN", None),
        ("", None),
    ] {
        assert_eq!(of(name), expected, "{name}");
    }
    let invitation = part("Content-Type: text/calendar; method=REQUEST", &with_method("REQUEST"));
    let inner = String::from_utf8(message("mixed", &[invitation])).unwrap();
    let forwarded =
        message("mixed", &[PLAIN.to_owned(), format!("Content-Type: message/rfc822\r\n\r\n{inner}")]);
    assert_eq!(imip::read(&forwarded), None, "it was sent to somebody else");
    for none in [
        "",
        "From: a@x\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n",
        "Content-Type: text/calendar\r\n\r\nhello",
    ] {
        assert_eq!(imip::read(none.as_bytes()), None, "{none}");
    }
}

fn read(text: &str) -> (Method, Vec<Item>) {
    let calendar = Calendar::read(text.as_bytes());
    (calendar.method.unwrap(), calendar.items.into_iter().map(Result::unwrap).collect())
}

#[test]
fn an_answer_names_the_one_who_answers_and_says_what_is_answered() {
    let invitation = items("outlook-meeting");
    let me = person("E.Mirny@example.com", None);
    let at = stamp("2026-03-02 10:00");
    let text = imip::reply(&invitation[0], &me, Response::Accepted, at).unwrap();
    let (method, read_items) = read(&text);
    assert_eq!(method, Method::Reply);
    let answer = read_items[0].activity();
    let asked = invitation[0].activity();
    let name = Some("Евгений Мирный");
    let expected = participant("e.mirny@example.com", name, ParticipantRole::Required, Response::Accepted);
    assert_eq!(answer.people.participants, [expected]);
    assert_eq!(
        (answer.uid, answer.sequence, answer.people.organizer),
        (asked.uid, 2, asked.people.organizer)
    );
    assert_eq!((&answer.timing.start, answer.timing.rules.len()), (&asked.timing.start, 0));
    assert!(
        text.contains("DTSTAMP:20260302T100000Z\r\n") && !text.contains("RSVP") && !text.contains("VALARM"),
        "{text}"
    );
    assert!(text.contains("TZID:W. Europe Standard Time\r\n"), "{text}");
    // Of one occurrence, by somebody who was not asked.
    let stranger = person("new@example.com", Some("New"));
    let text = imip::reply(&invitation[3], &stranger, Response::Declined, at).unwrap();
    let answer = read(&text).1[0].activity();
    assert_eq!(answer.occurrence, Some(Occurrence::At(stamp("2026-03-17 08:00"))));
    let who = Participant { person: stranger, response: Response::Declined, ..Participant::default() };
    assert_eq!(answer.people.participants, [who]);
    assert_eq!(imip::reply(&invitation[0], &me, Response::NeedsAction, at), None);
    assert_eq!(imip::reply(&items("nextcloud-tasks")[0], &me, Response::Accepted, at), None, "nobody asks");
}

#[test]
fn an_invitation_tells_what_all_share_and_nothing_of_ones_own() {
    let all = items("google");
    let text = imip::request(&all[..4], stamp("2026-03-06 10:00"));
    let (method, again) = read(&text);
    assert_eq!(method, Method::Request);
    for (one, other) in all[..4].iter().zip(&again) {
        assert_eq!(one.activity(), other.activity(), "{text}");
        assert!(other.own().reminders.is_empty());
    }
    assert!(!text.contains("X-WR-"), "{text}");
    assert_eq!(text.matches("EXDATE;TZID=America/New_York:").count(), 2, "{text}");
    assert_eq!(text.matches("DTSTAMP:20260306T100000Z\r\n").count(), 2, "{text}");
    let text = imip::request(&items("outlook-meeting")[..1], stamp("2026-03-06 10:00"));
    assert!(!text.contains("BUSYSTATUS") && text.contains("RSVP=TRUE"), "{text}");
    assert!(!imip::request(&items("thunderbird")[..1], stamp("2026-03-06 10:00")).contains("CATEGORIES"));
}

#[test]
fn a_cancellation_is_of_the_series_or_of_one_occurrence() {
    let all = items("google");
    let at = stamp("2026-03-06 10:00");
    let (method, again) = read(&imip::cancel(&all[..1], at));
    assert_eq!((method, again.len()), (Method::Cancel, 1));
    let (was, now) = (all[0].activity(), again[0].activity());
    assert_eq!((now.content.status, now.occurrence), (Status::Cancelled, None));
    assert_eq!((now.uid, now.people), (was.uid, was.people));
    // What was taken out is told as itself, not as an exception of a series that is told too.
    let text = imip::cancel(&all[1..4], at);
    let occurrences: Vec<_> = read(&text)
        .1
        .iter()
        .map(|item| (item.activity().occurrence, item.activity().content.status))
        .collect();
    let expected: Vec<_> =
        all[1..4].iter().map(|item| (item.activity().occurrence, Status::Cancelled)).collect();
    assert_eq!(occurrences, expected, "{text}");
}
