//! Properties in every form in which programs write them.

use postrider_model::{
    ActivityKind, Content, Occurrence, Own, ParticipantRole, Privacy, Response, ShowAs, Status,
};

use super::{
    super::{Item, ItemError, write_all},
    activity, at, day, event, own, participant, person, stamp,
};

#[test]
fn times_are_read_in_every_form() {
    for (lines, start, end) in [
        (
            "DTSTART:20260320T090000Z\nDTEND:20260320T100000Z",
            at("2026-03-20 09:00", "UTC"),
            Some(at("2026-03-20 10:00", "UTC")),
        ),
        (
            "DTSTART:20260320T090000\nDURATION:PT90M",
            at("2026-03-20 09:00", ""),
            Some(at("2026-03-20 10:30", "")),
        ),
        ("DTSTART;VALUE=DATE:20260320", day("2026-03-20"), None),
        ("DTSTART:20260320", day("2026-03-20"), None),
        ("DTSTART:20260320\nDURATION:P1W", day("2026-03-20"), Some(day("2026-03-27"))),
        ("DTSTART;VALUE=DATE:20260320T000000\nDURATION:P2D", day("2026-03-20"), Some(day("2026-03-22"))),
        (
            "DTSTART;VALUE=date-time;TZID=Europe/Berlin:20260320T0900",
            at("2026-03-20 09:00", "Europe/Berlin"),
            None,
        ),
        ("DTSTART;TZID=Russian Standard Time:20260320T090000", at("2026-03-20 09:00", "Europe/Moscow"), None),
        (
            "DTSTART;TZID=\"(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna\":20260320T090000",
            at("2026-03-20 09:00", "Europe/Berlin"),
            None,
        ),
        ("DTSTART;TZID=Nowhere:20260320T090000", at("2026-03-20 09:00", ""), None),
        // Days are counted by the calendar, hours as they pass: that night had one less.
        (
            "DTSTART;TZID=Europe/Berlin:20260328T120000\nDURATION:P1D",
            at("2026-03-28 12:00", "Europe/Berlin"),
            Some(at("2026-03-29 12:00", "Europe/Berlin")),
        ),
        (
            "DTSTART;TZID=Europe/Berlin:20260328T120000\nDURATION:PT24H",
            at("2026-03-28 12:00", "Europe/Berlin"),
            Some(at("2026-03-29 13:00", "Europe/Berlin")),
        ),
    ] {
        let timing = activity(lines).timing;
        assert_eq!((timing.start, timing.end), (Some(start), end), "{lines}");
    }
    assert_eq!(activity("SUMMARY:x").timing.start, None);
}

#[test]
fn an_end_that_a_duration_tells_moves_with_the_start() {
    let item = Item::read(&event("DTSTART:20260320T090000\nDURATION:PT90M")).unwrap();
    let mut activity = item.activity();
    activity.timing.start = Some(at("2026-03-20 10:00", ""));
    activity.timing.end = Some(at("2026-03-20 11:30", ""));
    assert!(item.with(&activity, &item.own()).text().contains("DURATION:PT90M\r\n"));
    activity.timing.end = Some(at("2026-03-20 12:00", ""));
    let text = item.with(&activity, &item.own()).text();
    assert!(!text.contains("DURATION") && text.contains("DTEND:20260320T120000\r\n"), "{text}");
}

#[test]
fn people_are_read_in_every_form() {
    let of = |line: &str| {
        activity(line)
            .people
            .participants
            .first()
            .map(|one| (one.person.email.clone(), one.role, one.response))
    };
    let known = |email: &str, role, response| Some((email.to_owned(), role, response));
    use {ParticipantRole as Role, Response as R};
    for (line, expected) in [
        ("ATTENDEE:MAILTO:A@x.org", known("A@x.org", Role::Required, R::NeedsAction)),
        (
            "ATTENDEE;partstat=accepted;ROLE=CHAIR:Mailto:a@x.org",
            known("a@x.org", Role::Required, R::Accepted),
        ),
        (
            "ATTENDEE;ROLE=NON-PARTICIPANT;PARTSTAT=DELEGATED:a@x.org",
            known("a@x.org", Role::Informed, R::Delegated),
        ),
        (
            "ATTENDEE;CUTYPE=ROOM;PARTSTAT=X-OWN:mailto:a@x.org",
            known("a@x.org", Role::Resource, R::NeedsAction),
        ),
        ("ATTENDEE;EMAIL=a@x.org:urn:uuid:1", known("a@x.org", Role::Required, R::NeedsAction)),
        ("ATTENDEE:invalid:nomail", None),
        ("ATTENDEE:mailto:", None),
    ] {
        assert_eq!(of(line), expected, "{line}");
    }
}

#[test]
fn how_time_shows_and_who_may_see_it_are_read_from_what_says_most() {
    for (lines, expected) in [
        ("SUMMARY:x", ShowAs::Busy),
        ("TRANSP:transparent", ShowAs::Free),
        ("TRANSP:OPAQUE\nX-MICROSOFT-CDO-BUSYSTATUS:OOF", ShowAs::OutOfOffice),
        ("TRANSP:OPAQUE\nX-MICROSOFT-CDO-INTENDEDSTATUS:FREE", ShowAs::Free),
        ("X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE\nX-MICROSOFT-CDO-INTENDEDSTATUS:BUSY", ShowAs::Tentative),
    ] {
        assert_eq!(own(lines).show_as, expected, "{lines}");
        for other in
            [ShowAs::Busy, ShowAs::Free, ShowAs::Tentative, ShowAs::OutOfOffice, ShowAs::WorkingElsewhere]
        {
            let item = Item::read(&event(lines)).unwrap();
            let changed = item.with(&item.activity(), &Own { show_as: other, ..item.own() });
            assert_eq!(Item::read(changed.text().as_bytes()).unwrap().own().show_as, other, "{lines}");
        }
    }
    for (word, expected) in
        [("public", Privacy::Normal), ("CONFIDENTIAL", Privacy::Confidential), ("X-SECRET", Privacy::Private)]
    {
        assert_eq!(activity(&format!("CLASS:{word}")).content.privacy, expected);
    }
}

#[test]
fn what_is_wrong_with_one_is_said_of_that_one() {
    let file = "BEGIN:VCALENDAR\nX-WR-CALNAME:a\nBEGIN:VEVENT\nUID:1\nDTSTART:20260101\nEND:VEVENT\n\
                BEGIN:VEVENT\nDTSTART:20260101\nEND:VEVENT\n\
                BEGIN:VEVENT\nUID:3\nDTSTART:soon\nEND:VEVENT\n\
                BEGIN:VEVENT\nUID:4\nBEGIN:VALARM\nEND:VEVENT\n\
                BEGIN:VTODO\nUID:5\nBEGIN:VEVENT\nUID:6\nEND:VEVENT\n\
                BEGIN:VJOURNAL\nUID:7\nEND:VJOURNAL\nno property\n\
                BEGIN:VEVENT\nUID:8\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260101\nEND:VEVENT\n\
                BEGIN:VEVENT\nUID:9\nEXRULE:FREQ=DAILY\nEND:VEVENT\n\
                BEGIN:VTODO\nUID:10\nBEGIN:X-OWN\nSUMMARY:not mine\nEND:X-OWN\nEND:VTODO\nBEGIN:VEVENT\nUID:11";
    let read = Item::read_all(file.as_bytes());
    let uids: Vec<Result<String, ItemError>> =
        read.iter().map(|one| one.as_ref().map(|item| item.activity().uid).map_err(Clone::clone)).collect();
    let unsupported = |line, what| Err(ItemError::Unsupported { line, what });
    assert_eq!(
        uids,
        [
            Ok("1".to_owned()),
            Err(ItemError::Missing { line: 7, property: "UID" }),
            Err(ItemError::Unreadable { line: 10, property: "DTSTART", value: "soon".to_owned() }),
            Err(ItemError::Unterminated { line: 14 }),
            Err(ItemError::Unterminated { line: 18 }),
            Ok("6".to_owned()),
            unsupported(27, "changes to all later occurrences at once (RANGE)"),
            unsupported(31, "a rule by which occurrences are left out (EXRULE)"),
            Ok("10".to_owned()),
            Err(ItemError::Unterminated { line: 41 }),
        ]
    );
    assert_eq!(read[8].as_ref().unwrap().activity().content.title, "");
    let said = read[1].as_ref().unwrap_err().to_string();
    assert_eq!(said, "the component that begins in line 7 has no UID");
}

#[test]
fn what_a_task_says_of_how_far_it_is_is_read_in_every_form() {
    let content = |lines: &str| {
        let text = String::from_utf8(event(lines)).unwrap().replace("VEVENT", "VTODO");
        Item::read(text.as_bytes()).unwrap().activity().content
    };
    let done = Content { completed: Some(stamp("2026-03-20 09:00")), ..Content::default() };
    for (lines, expected) in [
        ("COMPLETED:20260320T090000Z", Content { status: Status::Completed, ..done.clone() }),
        ("STATUS:NEEDS-ACTION\nCOMPLETED:20260320T090000Z", done),
        ("PERCENT-COMPLETE:101\nPRIORITY:10", Content::default()),
        ("PERCENT-COMPLETE:100", Content { percent: Some(100), ..Content::default() }),
        (
            "STATUS:needs-action\nX-POSTRIDER-STATUS:DEFERRED",
            Content { status: Status::Deferred, ..Content::default() },
        ),
        // Another program changed the one and left the other.
        (
            "STATUS:IN-PROCESS\nX-POSTRIDER-STATUS:DEFERRED",
            Content { status: Status::InProcess, ..Content::default() },
        ),
    ] {
        assert_eq!(content(lines), expected, "{lines}");
    }
}

#[test]
fn somebody_new_is_asked_and_another_address_is_nobodys_old_one() {
    let lines = "DTSTART:20260320\nATTENDEE;EMAIL=old@x.org;X-OWN=1:mailto:old@x.org";
    let item = Item::read(&event(lines)).unwrap();
    let mut activity = item.activity();
    activity.people.organizer = Some(person("me@x.org", None));
    let new = |email, role, response| participant(email, None, role, response);
    activity.people.participants = vec![
        new("asked@x.org", ParticipantRole::Optional, Response::NeedsAction),
        new("told@x.org", ParticipantRole::Informed, Response::NeedsAction),
        new("comes@x.org", ParticipantRole::Required, Response::Accepted),
    ];
    let text = item.with(&activity, &item.own()).text().replace("\r\n ", "");
    for line in [
        "ATTENDEE;ROLE=OPT-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:asked@x.org\r\n",
        "ATTENDEE;ROLE=NON-PARTICIPANT;PARTSTAT=NEEDS-ACTION:mailto:told@x.org\r\n",
        "ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED:mailto:comes@x.org\r\n",
        "ORGANIZER:mailto:me@x.org\r\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    let item = Item::read(&event("DTSTART:20260320\nORGANIZER;EMAIL=old@x.org;X-OWN=1:urn:uuid:1")).unwrap();
    let mut activity = item.activity();
    activity.people.organizer = Some(person("new@x.org", None));
    let text = item.with(&activity, &item.own()).text();
    assert!(text.contains("ORGANIZER;X-OWN=1:mailto:new@x.org\r\n"), "{text}");
}

#[test]
fn dates_that_cannot_be_read_are_nobodys_to_change() {
    let item =
        Item::read(&event("DTSTART:20260320T090000Z\nRDATE:soon,20260321T090000Z,20260322T090000Z")).unwrap();
    let mut activity = item.activity();
    activity.timing.further.remove(0);
    let text = item.with(&activity, &item.own()).text();
    assert!(text.contains("RDATE:soon,20260322T090000Z\r\n"), "{text}");
}

#[test]
fn a_zone_is_known_by_the_place_that_is_named_beside_it() {
    let text = String::from_utf8(event("DTSTART;TZID=/x/1/2:20260320T090000")).unwrap();
    let zone = "BEGIN:VTIMEZONE\r\nTZID:/x/1/2\r\nX-LIC-LOCATION:Asia/Tokyo\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT";
    let item = Item::read(text.replacen("BEGIN:VEVENT", zone, 1).as_bytes()).unwrap();
    assert_eq!(item.activity().timing.start, Some(at("2026-03-20 09:00", "Asia/Tokyo")));
    assert_eq!(item.unknown_zones().count(), 0);
}

#[test]
fn what_is_said_of_a_zone_covers_the_first_of_what_is_in_it() {
    let in_berlin = |local: &str| {
        let mut activity = postrider_model::Activity::new(ActivityKind::Appointment, local);
        activity.timing.start = Some(at(local, "Europe/Berlin"));
        Item::new(&activity, &Own::default())
    };
    let (late, early) = (in_berlin("2026-03-20 09:00"), in_berlin("1995-03-20 09:00"));
    assert!(
        early.text().contains("DTSTART:19950101T000000\r\n")
            && late.text().contains("DTSTART:20000101T000000\r\n")
    );
    for items in [[late.clone(), early.clone()], [early, late]] {
        let text = write_all(&items);
        assert_eq!(text.matches("BEGIN:VTIMEZONE").count(), 1, "{text}");
        assert!(text.contains("DTSTART:19950101T000000\r\n"), "{text}");
    }
}

/// In the night in which clocks are set back, an hour is shown twice, and what they show means the first.
#[test]
fn an_occurrence_in_the_second_of_two_hours_is_told_in_utc() {
    for (instant, line) in [
        ("2026-10-25 00:30", "RECURRENCE-ID;TZID=Europe/Berlin:20261025T023000\r\n"),
        ("2026-10-25 01:30", "RECURRENCE-ID:20261025T013000Z\r\n"),
    ] {
        let mut activity = postrider_model::Activity::new(ActivityKind::Appointment, "1");
        activity.occurrence = Some(Occurrence::At(stamp(instant)));
        activity.timing.start = Some(at("2026-10-25 12:00", "Europe/Berlin"));
        let item = Item::new(&activity, &Own::default());
        assert!(item.text().contains(line), "{}", item.text());
        assert_eq!(Item::read(item.text().as_bytes()).unwrap().activity(), activity);
    }
}
