//! The twelve rules of "One meeting" (design), each with its test, and one meeting seen through three links.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use postrider_model::{
    Activity, ActivityField, ActivityKind, Moment, Occurrence, Own, Participant, Person, Reminder,
    ReminderBy, ReminderTime, Response, Timestamp,
};

use super::*;
use crate::fate::Change;
use crate::merge::{Changed, Outcome, Side, Sides, Times};

fn person(email: &str) -> Person {
    Person { email: email.to_owned(), name: None }
}

fn meeting() -> Activity {
    let mut meeting = Activity::new(ActivityKind::Appointment, "m1");
    meeting.content.title = "Plans".to_owned();
    let local = NaiveDate::from_ymd_opt(2026, 3, 2).and_then(|day| day.and_hms_opt(10, 0, 0)).unwrap();
    meeting.timing.start = Some(Moment::At { local, zone: Some("UTC".to_owned()) });
    meeting.people.organizer = Some(person("anna@x"));
    for email in ["anna@x", "vera@x", "oleg@y"] {
        meeting.people.participants.push(Participant { person: person(email), ..Participant::default() });
    }
    meeting
}

fn copy(link: u32, standing: Standing) -> MeetingCopy<u32> {
    MeetingCopy { link, standing, sequence: 0, changed: None, guests_hidden: false, is_free_busy_only: false }
}

const ORGANIZER: Standing = Standing::Organizer;
const ATTENDEE: Standing = Standing::Attendee;
const PLAIN: Standing = Standing::Plain;
const UNKNOWN: Standing = Standing::Unknown;

fn fed(shared: Option<u32>, people: Option<u32>) -> Feeding<u32> {
    Feeding { shared, people }
}

#[test]
fn rule_1_the_key_is_uid_and_recurrence_id_never_title_or_time() {
    let of = |uid: &str, occurrence| meeting_key(&Activity { occurrence, uid: uid.to_owned(), ..meeting() });
    let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).map(Occurrence::Day);
    assert_eq!(of("m1", None), of(" m1 ", None));
    assert_ne!(of("m1", None), of("m2", None));
    assert_ne!(of("m1", day(1)), of("m1", None));
    assert_ne!(of("m1", day(1)), of("m1", day(2)));
    assert_eq!(of("m1", day(1)), of("m1", day(1)));
    let mut moved = meeting();
    moved.content.title = "Other".to_owned();
    moved.timing.start = None;
    assert_eq!(meeting_key(&moved), meeting_key(&meeting()));
    assert_eq!(of("", None), None);
    assert_eq!(of("  ", None), None);
}

#[test]
fn rule_2_links_are_unique_by_account_calendar_and_item() {
    let key = |account, calendar, item: &str| LinkKey { account, calendar, item: item.to_owned() };
    let keys = [key(1, 1, "a"), key(1, 1, "b"), key(1, 2, "a"), key(2, 1, "a"), key(1, 1, "a")];
    assert_eq!(BTreeSet::from(keys).len(), 4);
    let table = [
        // linked, of the key, has an item in the calendar, the record
        (None, None, false, None),
        (None, Some(7), false, Some(7)),
        (None, Some(7), true, None),
        (Some(3), None, true, Some(3)),
        (Some(3), Some(7), false, Some(3)),
        (Some(3), Some(3), true, Some(3)),
    ];
    for (linked, of_key, has_item, record) in table {
        assert_eq!(tie(linked, of_key, has_item), record, "{linked:?}, {of_key:?}, {has_item}");
    }
}

#[test]
fn rule_3_the_shared_facet_is_one_and_the_own_one_is_each_users() {
    use FieldGroup::*;
    for (group, is_own) in [
        (Content, false),
        (Timing, false),
        (Participants, false),
        (Response("vera@x".to_owned()), false),
        (OwnResponse, true),
        (Reminders, true),
        (ShowAs, true),
        (Categories, true),
    ] {
        assert_eq!(group.is_own(), is_own, "{group:?}");
        let nothing =
            Rights { feeds_shared: false, feeds_people: false, sends_shared: false, notifies: false };
        let ways = nothing.ways(&group);
        assert_eq!((ways.feeds, ways.sends), (is_own, is_own), "{group:?}");
    }
}

#[test]
fn rule_4_the_authority_alone_feeds_the_shared_facet() {
    assert_eq!(authority(&[copy(1, ATTENDEE), copy(2, UNKNOWN), copy(3, PLAIN)]), None);
    assert_eq!(authority::<u32>(&[]), None);
    assert_eq!(authority(&[copy(1, ATTENDEE), copy(2, ORGANIZER)]), Some(2));
    assert_eq!(authority(&[copy(3, ORGANIZER), copy(2, ORGANIZER)]), Some(2), "the first that was linked");
    let newer = MeetingCopy { sequence: 9, changed: Some(Timestamp(9)), ..copy(1, ATTENDEE) };
    let copies = [newer, copy(2, ORGANIZER), copy(3, ORGANIZER)];
    assert_eq!(feeding(&copies), fed(Some(2), Some(2)));
    for (link, feeds) in [(1, false), (2, true), (3, false), (4, false)] {
        let rights = rights(&copies, &link, true);
        assert_eq!((rights.feeds_shared, rights.feeds_people), (feeds, feeds), "link {link}");
    }
}

#[test]
fn rule_5_without_an_authority_the_highest_sequence_speaks_then_the_latest() {
    let at = |link, sequence, changed: Option<i64>| MeetingCopy {
        sequence,
        changed: changed.map(Timestamp),
        ..copy(link, ATTENDEE)
    };
    let hidden = |copy| MeetingCopy { guests_hidden: true, ..copy };
    let busy = |copy| MeetingCopy { is_free_busy_only: true, ..copy };
    let plain = |copy| MeetingCopy { standing: PLAIN, ..copy };
    let table = [
        (vec![], fed(None, None)),
        (vec![at(1, 1, Some(9)), at(2, 2, Some(1))], fed(Some(2), Some(2))),
        (vec![at(1, 2, Some(1)), at(2, 2, Some(2))], fed(Some(2), Some(2))),
        (vec![at(1, 2, Some(1)), at(2, 2, None)], fed(Some(1), Some(1))),
        (vec![at(2, 2, Some(1)), at(1, 2, Some(1))], fed(Some(1), Some(1))),
        (vec![at(1, 1, Some(1)), hidden(at(2, 2, Some(2)))], fed(Some(2), Some(1))),
        (vec![hidden(at(2, 2, Some(2)))], fed(Some(2), None)),
        (vec![at(1, 1, Some(1)), busy(at(2, 2, Some(2)))], fed(Some(1), Some(1))),
        (vec![busy(at(2, 2, Some(2)))], fed(Some(2), None)),
        (vec![hidden(at(1, 1, Some(1))), busy(at(2, 2, Some(2)))], fed(Some(1), None)),
        (vec![at(1, 1, Some(1)), plain(at(2, 9, Some(9)))], fed(Some(1), Some(1))),
        (vec![plain(at(2, 9, Some(9)))], fed(None, None)),
    ];
    for (copies, expected) in table {
        assert_eq!(feeding(&copies), expected, "{copies:?}");
        for copy in &copies {
            let rights = rights(&copies, &copy.link, true);
            assert_eq!(rights.feeds_shared, expected.shared == Some(copy.link), "{copies:?}");
            assert_eq!(rights.feeds_people, expected.people == Some(copy.link), "{copies:?}");
            assert!(!rights.notifies);
        }
    }
}

#[test]
fn rule_6_who_stands_in_stays_and_goes_when_the_organizers_copy_comes() {
    let table = [
        // stands in, authority, syncing, stands in then
        (None, false, vec!["vera", "oleg"], Some("vera")),
        (Some("oleg"), false, vec!["vera", "oleg"], Some("oleg")),
        (Some("oleg"), false, vec!["vera"], Some("vera")),
        (Some("oleg"), false, vec![], None),
        (Some("oleg"), true, vec!["vera", "oleg"], None),
        (None, true, vec!["vera"], None),
    ];
    for (now, has_authority, syncing, then) in table {
        assert_eq!(stand_in(now.as_ref(), has_authority, &syncing), then, "{now:?}, {syncing:?}");
    }
    // It is no organizer, and has no right of one.
    let stands_in = Editor { stands_in: true, ..nobody() };
    assert_eq!(judge_edit(stands_in, &["vera@x"], true, &FieldGroup::Content), Err(Refusal::StandsInOnly));
    // One that was made here is brought to a server by the organizer, or by who would stand in.
    for (is_made_here, organizer, syncing, brings) in [
        (true, Some("anna"), vec!["vera", "anna"], Some("anna")),
        (true, Some("anna"), vec!["vera", "oleg"], Some("vera")),
        (true, None, vec!["vera"], Some("vera")),
        (true, Some("anna"), vec![], None),
        (false, Some("anna"), vec!["anna", "vera"], None),
    ] {
        assert_eq!(
            exporter(is_made_here, organizer.as_ref(), &syncing),
            brings,
            "{organizer:?}, {syncing:?}"
        );
    }
}

fn nobody() -> Editor {
    Editor { has_authority_link: false, sees_free_busy_only: false, stands_in: false, made_it_here: false }
}

#[test]
fn rule_7_the_authority_sends_all_the_others_their_own_and_more_is_refused() {
    let copies =
        [copy(1, ORGANIZER), copy(2, ATTENDEE), copy(3, PLAIN), copy(4, UNKNOWN), copy(5, ORGANIZER)];
    for (link, sends) in [(1, true), (2, false), (3, true), (4, false), (5, false), (9, false)] {
        assert_eq!(rights(&copies, &link, true).sends_shared, sends, "link {link}");
    }
    let busy = [MeetingCopy { is_free_busy_only: true, ..copy(1, ORGANIZER) }];
    for is_meeting in [true, false] {
        assert!(!rights(&busy, &1, is_meeting).sends_shared);
    }
    assert_eq!(rights(&[copy(1, UNKNOWN)], &1, false), Rights::ALL, "where nobody else has a word");

    let content = FieldGroup::Content;
    let (own, others) =
        (FieldGroup::Response("vera@x".to_owned()), FieldGroup::Response("oleg@y".to_owned()));
    let busy = Editor { sees_free_busy_only: true, ..nobody() };
    let table = [
        (nobody(), &content, true, Err(Refusal::NotOrganizer)),
        (nobody(), &FieldGroup::Timing, true, Err(Refusal::NotOrganizer)),
        (nobody(), &FieldGroup::Participants, true, Err(Refusal::NotOrganizer)),
        (nobody(), &FieldGroup::Reminders, true, Ok(())),
        (nobody(), &FieldGroup::OwnResponse, true, Ok(())),
        (nobody(), &own, true, Ok(())),
        (nobody(), &others, true, Err(Refusal::OthersResponse)),
        (nobody(), &content, false, Ok(())),
        (nobody(), &others, false, Ok(())),
        (Editor { stands_in: true, ..nobody() }, &content, true, Err(Refusal::StandsInOnly)),
        (Editor { stands_in: true, ..nobody() }, &others, true, Err(Refusal::OthersResponse)),
        (Editor { has_authority_link: true, ..nobody() }, &content, true, Ok(())),
        (Editor { has_authority_link: true, ..nobody() }, &others, true, Ok(())),
        (Editor { made_it_here: true, ..nobody() }, &content, true, Ok(())),
        (busy, &content, true, Err(Refusal::FreeBusyOnly)),
        (busy, &content, false, Err(Refusal::FreeBusyOnly)),
        (busy, &own, true, Err(Refusal::FreeBusyOnly)),
        (busy, &FieldGroup::Categories, true, Ok(())),
    ];
    for (editor, group, is_meeting, verdict) in table {
        let addresses = ["v@z", "VERA@x"];
        assert_eq!(judge_edit(editor, &addresses, is_meeting, group), verdict, "{editor:?}, {group:?}");
    }
}

#[test]
fn rule_8_no_copy_is_made_for_a_participant() {
    use ActivityExport::{Await, Make};
    let appointment = ActivityKind::Appointment;
    assert_eq!(judge_export(Some(appointment), None, Part::TakesPart, true), Await);
    assert_eq!(judge_export(Some(appointment), None, Part::TakesPart, false), Await);
    assert_eq!(judge_export(Some(appointment), None, Part::Brings, true), Make(appointment));
    for (brings, takes_part, has_it_elsewhere, part) in [
        (true, true, false, Part::Brings),
        (true, false, false, Part::Brings),
        (false, false, false, Part::Brings),
        (false, true, false, Part::TakesPart),
        (false, true, true, Part::HasItElsewhere),
        (true, true, true, Part::HasItElsewhere),
    ] {
        assert_eq!(part_of(brings, takes_part, has_it_elsewhere), part);
    }
    // What their server delivers is known by its uid, and becomes theirs.
    assert_eq!(meeting_key(&meeting()), meeting_key(&Activity { sequence: 4, ..meeting() }));
    assert_eq!(tie(None, Some(7), false), Some(7));
}

#[test]
fn rule_9_elsewhere_it_is_a_plain_appointment_with_participants_as_text() {
    let made = judge_export(Some(ActivityKind::Appointment), None, Part::HasItElsewhere, true);
    assert_eq!(made, ActivityExport::MakePlain(ActivityKind::Appointment));
    let mut named = meeting();
    named.people.participants[1].person.name = Some("Vera Orlova".to_owned());
    let plain = plain_copy(&named);
    assert!(plain.people.participants.is_empty() && plain.people.organizer.is_none());
    let text = "anna@x\nVera Orlova <vera@x>\noleg@y";
    assert_eq!(plain.content.description.as_deref(), Some(text));
    let all_else = Activity { content: named.content.clone(), people: named.people.clone(), ..plain };
    assert_eq!(all_else, named);
    // What is written into it there does not count.
    let copies = [copy(1, ATTENDEE), copy(2, PLAIN)];
    let rights = rights(&copies, &2, true);
    assert_eq!((rights.feeds_shared, rights.feeds_people, rights.notifies), (false, false, false));
    assert!(rights.sends_shared);
}

#[test]
fn rule_10_the_authoritys_end_cancels_and_an_attendees_hides() {
    use GoneHere::{Hide, Unlink};
    let copies = [copy(1, ORGANIZER), copy(2, ATTENDEE), copy(3, PLAIN), copy(4, ORGANIZER)];
    let cancelled = GoneHere::Change(Change::Cancelled);
    for gone in [Gone::Deleted, Gone::Cancelled] {
        for (link, standing, becomes) in
            [(1, ORGANIZER, cancelled), (2, ATTENDEE, Hide), (3, PLAIN, Unlink), (4, ORGANIZER, Hide)]
        {
            let rights = rights(&copies, &link, true);
            assert_eq!(gone_there(standing, rights, true, gone), becomes, "link {link}, {gone:?}");
        }
        for standing in [ORGANIZER, ATTENDEE, PLAIN, UNKNOWN] {
            let own = gone_there(standing, Rights::ALL, false, gone);
            assert_eq!(own, GoneHere::Change(Change::Deleted), "nobody else has a word");
        }
    }
    // Without an authority the organizer's word is told by the copy that speaks.
    let copies = [MeetingCopy { sequence: 2, ..copy(1, ATTENDEE) }, copy(2, ATTENDEE)];
    let of = |link, gone| gone_there(ATTENDEE, rights(&copies, &link, true), true, gone);
    assert_eq!(of(1, Gone::Cancelled), cancelled);
    assert_eq!(of(1, Gone::Deleted), Hide);
    assert_eq!(of(2, Gone::Cancelled), Hide);
    assert_eq!(of(2, Gone::Deleted), Hide);
    // What a person does here.
    assert_eq!(gone_here(ORGANIZER, true), Change::Cancelled);
    for (standing, is_meeting) in [(ORGANIZER, false), (ATTENDEE, true), (PLAIN, true), (UNKNOWN, true)] {
        assert_eq!(gone_here(standing, is_meeting), Change::Deleted);
    }
}

#[test]
fn rule_11_only_the_authority_tells_others_and_only_of_a_persons_change_once() {
    let copies =
        [copy(1, ORGANIZER), copy(2, ATTENDEE), copy(3, PLAIN), copy(4, UNKNOWN), copy(5, ORGANIZER)];
    let content = FieldGroup::Content;
    for copy in &copies {
        let rights = rights(&copies, &copy.link, true);
        for origin in [Origin::Person, Origin::Relayed] {
            for is_told in [false, true] {
                let tells = notifies(rights, true, origin, is_told, &content);
                let expected = (copy.link, origin, is_told) == (1, Origin::Person, false);
                assert_eq!(tells, expected, "{copy:?}, {origin:?}, told {is_told}");
            }
        }
    }
    assert!(!notifies(Rights::ALL, false, Origin::Person, false, &content), "there is nobody to tell");
    assert!(!notifies(Rights::ALL, true, Origin::Person, false, &FieldGroup::Reminders));
}

#[test]
fn rule_12_it_is_seen_by_participants_and_link_owners() {
    let table = [
        (vec!["vera@x"], false, true),
        (vec!["other@x", "OLEG@Y"], false, true),
        (vec!["anna@x"], false, true),
        (vec!["other@x"], false, false),
        (vec![""], false, false),
        (vec![], false, false),
        (vec!["other@x"], true, true),
    ];
    for (addresses, owns_a_link, is_seen) in table {
        assert_eq!(sees(&addresses, owns_a_link, &meeting()), is_seen, "{addresses:?}, {owns_a_link}");
    }
    let mut nameless = meeting();
    nameless.people.participants.push(Participant::default());
    assert!(!sees(&[""], false, &nameless));
    let mut organized = meeting();
    organized.people.participants.clear();
    assert!(sees(&["anna@x"], false, &organized));
}

#[test]
fn it_is_a_meeting_where_somebody_else_has_a_word() {
    let mut alone = meeting();
    alone.people.participants.truncate(1);
    let own = [copy(1, ORGANIZER), copy(2, UNKNOWN)];
    assert!(is_meeting(&meeting().people, &own));
    assert!(!is_meeting(&alone.people, &own), "the organizer is nobody else");
    assert!(is_meeting(&alone.people, &[copy(1, ATTENDEE)]));
    assert!(is_meeting(&alone.people, &[MeetingCopy { guests_hidden: true, ..copy(1, UNKNOWN) }]));
    alone.people.organizer = None;
    assert!(is_meeting(&alone.people, &own));
    alone.people.participants.clear();
    assert!(!is_meeting::<u32>(&alone.people, &[]));
}

/// One meeting seen through the organizer's account, an attendee's, and the organizer's second provider: one record.
#[test]
fn one_meeting_through_three_links_is_one_record() {
    let holds: BTreeSet<ActivityField> = ActivityField::ALL.into();
    let copies = [copy(1, ORGANIZER), copy(2, ATTENDEE), copy(3, PLAIN)];
    let base = Facets { shared: meeting(), own: Own::default() };
    let at = |time| Changed::at(Some(Timestamp(time)));
    let when = Times { here: at(1), there: at(2), ahead_ms: 0 };
    let merge = |link, base: &Facets, here: &Facets, there: &Facets| {
        let sides = Sides { agreed: base, image: base, here, there };
        merge_activity(sides, &when, &holds, rights(&copies, &link, true))
    };
    // The organizer moves it in their account.
    let mut moved = base.clone();
    moved.shared.timing.start = None;
    moved.shared.sequence = 1;
    let record = merge(1, &base, &base, &moved).here;
    assert_eq!(record.shared, moved.shared);
    // The attendee's copy is not told by us: their server does that.
    let attendee = merge(2, &base, &record, &base);
    assert_eq!(attendee.there, base);
    assert_eq!(attendee.groups[&FieldGroup::Timing], Outcome::NotSent);
    // It arrives there, with an answer and a reminder of their own, and brings nothing else.
    let mut delivered = moved.clone();
    delivered.shared.content.title = "Scribbled".to_owned();
    delivered.own.response = Some(Response::Accepted);
    delivered.own.reminders.push(Reminder { at: ReminderTime::BeforeStart(60), by: ReminderBy::Display });
    let attendee = merge(2, &record, &record, &delivered);
    assert_eq!((&attendee.here.shared, &attendee.here.own), (&record.shared, &delivered.own));
    assert_eq!(attendee.conflicts(), 0);
    // The second provider has what the record has, and what is scribbled there goes again.
    let (plain_before, plain) =
        [&base, &record].map(|of| Facets { shared: plain_copy(&of.shared), own: Own::default() }).into();
    let mut scribbled = plain_before.clone();
    scribbled.shared.content.title = "Scribbled".to_owned();
    let second = merge(3, &plain_before, &plain, &scribbled);
    assert_eq!(second.there.shared.content, plain.shared.content);
    assert_eq!(second.there.shared.timing, plain.shared.timing);
    assert_eq!(second.here, plain);
    assert_eq!(second.losers(), BTreeSet::from([Side::There]));
}
