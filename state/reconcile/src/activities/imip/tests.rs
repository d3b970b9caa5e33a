use postrider_model::{ActivityKind, Person, Status};

use super::*;

fn person(email: &str) -> Person {
    Person { email: email.to_owned(), name: None }
}

/// A meeting that anna@x organizes and vera@x and oleg@y take part in.
fn meeting(sequence: u32) -> Activity {
    let mut meeting = Activity::new(ActivityKind::Appointment, "m1");
    meeting.sequence = sequence;
    meeting.people.organizer = Some(person("anna@x"));
    for email in ["vera@x", "oleg@y"] {
        meeting.people.participants.push(Participant { person: person(email), ..Participant::default() });
    }
    meeting
}

fn judge(method: Method, sender: &str, item: &Activity, here: Option<&Activity>) -> Reading {
    judge_mail(Mail { method, sender, item, written: None }, known(here, None))
}

fn known<'a>(same: Option<&'a Activity>, series: Option<&'a Activity>) -> Known<'a> {
    Known { same, series, has_authority: false }
}

fn shown(because: Because) -> Reading {
    Reading::Shown(because)
}

#[test]
fn an_organizers_newer_word_is_offered_and_nothing_else() {
    use Method::{Add, Cancel, Request};
    let (older, known, newer) = (meeting(1), meeting(2), meeting(3));
    let mut cancelled = meeting(3);
    cancelled.content.status = Status::Cancelled;
    let table = [
        (Request, &known, None, Reading::Offered(Offer::Add)),
        (Request, &newer, Some(&known), Reading::Offered(Offer::Change)),
        (Request, &known, Some(&known), shown(Because::NotNewer)),
        (Request, &older, Some(&known), shown(Because::NotNewer)),
        (Add, &newer, Some(&known), Reading::Offered(Offer::Change)),
        (Add, &newer, None, shown(Because::NothingHere)),
        (Cancel, &newer, Some(&known), Reading::Offered(Offer::Cancel)),
        (Cancel, &known, Some(&known), shown(Because::NotNewer)),
        (Cancel, &older, Some(&known), shown(Because::NotNewer)),
        (Cancel, &newer, Some(&cancelled), shown(Because::NotNewer)),
        (Cancel, &newer, None, shown(Because::NothingHere)),
    ];
    for (method, item, here, reading) in table {
        assert_eq!(judge(method, "Anna@X", item, here), reading, "{method:?} {} {here:?}", item.sequence);
        let forged = judge(method, "mallory@x", item, here);
        assert_eq!(forged, shown(Because::NotFromOrganizer), "{method:?} {}", item.sequence);
    }
}

#[test]
fn a_forged_cancellation_a_replayed_one_and_an_older_one_are_shown() {
    let known = meeting(2);
    // Forged by somebody else, by a participant, and in the name of an organizer whom the mail itself brings along.
    for sender in ["mallory@x", "vera@x", ""] {
        let reading = judge(Method::Cancel, sender, &meeting(3), Some(&known));
        assert_eq!(reading, shown(Because::NotFromOrganizer), "{sender}");
    }
    let mut usurped = meeting(3);
    usurped.people.organizer = Some(person("mallory@x"));
    for method in [Method::Cancel, Method::Request, Method::Add] {
        let reading = judge(method, "mallory@x", &usurped, Some(&known));
        assert_eq!(reading, shown(Because::NotFromOrganizer));
    }
    let mut nobodys = meeting(2);
    nobodys.people.organizer = None;
    let reading = judge(Method::Cancel, "anna@x", &meeting(3), Some(&nobodys));
    assert_eq!(reading, shown(Because::NotFromOrganizer), "what is here has no organizer");
    let reading = judge(Method::Cancel, "anna@x", &nobodys, Some(&known));
    assert_eq!(reading, shown(Because::NotFromOrganizer), "the mail names none");
    // Replayed, once it was accepted and so is known; and older.
    assert_eq!(judge(Method::Cancel, "anna@x", &meeting(2), Some(&known)), shown(Because::NotNewer));
    assert_eq!(judge(Method::Cancel, "anna@x", &meeting(1), Some(&known)), shown(Because::NotNewer));
}

#[test]
fn an_occurrence_is_judged_by_itself_and_else_by_its_series() {
    let (series, occurrence) = (meeting(2), meeting(4));
    let judge = |method, sequence, here: Option<&Activity>| {
        let mail = Mail { method, sender: "anna@x", item: &meeting(sequence), written: None };
        judge_mail(mail, known(here, Some(&series)))
    };
    assert_eq!(judge(Method::Cancel, 3, None), Reading::Offered(Offer::Cancel));
    assert_eq!(judge(Method::Request, 3, None), Reading::Offered(Offer::Change));
    assert_eq!(judge(Method::Cancel, 2, None), shown(Because::NotNewer));
    assert_eq!(judge(Method::Cancel, 3, Some(&occurrence)), shown(Because::NotNewer));
    assert_eq!(judge(Method::Cancel, 5, Some(&occurrence)), Reading::Offered(Offer::Cancel));
}

#[test]
fn a_participants_later_answer_is_offered() {
    let with = |sequence, response, responded: Option<i64>| {
        let mut meeting = meeting(sequence);
        meeting.people.participants[0].response = response;
        meeting.people.participants[0].responded = responded.map(Timestamp);
        meeting
    };
    use Response::{Accepted, Declined, NeedsAction};
    let offered = |response| Reading::Offered(Offer::Answer { email: "vera@x".to_owned(), response });
    let old = || shown(Because::NotNewer);
    let table = [
        // here, sequence and answer of the mail, written, reading
        (with(2, NeedsAction, None), (2, Accepted), None, offered(Accepted)),
        (with(2, NeedsAction, None), (2, Accepted), Some(5), offered(Accepted)),
        (with(2, NeedsAction, None), (3, Accepted), Some(5), offered(Accepted)),
        (with(2, NeedsAction, None), (1, Accepted), Some(5), old()),
        (with(2, NeedsAction, None), (2, NeedsAction), Some(5), old()),
        (with(2, NeedsAction, Some(4)), (2, Accepted), Some(5), offered(Accepted)),
        (with(2, NeedsAction, Some(5)), (2, Accepted), Some(5), old()),
        (with(2, Accepted, Some(4)), (2, Declined), Some(5), offered(Declined)),
        (with(2, Accepted, Some(4)), (2, Accepted), Some(5), old()),
        (with(2, Accepted, Some(5)), (2, Declined), Some(5), old()),
        (with(2, Accepted, Some(6)), (2, Declined), Some(5), old()),
        (with(2, Accepted, Some(6)), (2, Declined), None, old()),
        (with(2, Accepted, None), (2, Declined), Some(5), old()),
    ];
    for (here, (sequence, response), written, reading) in table {
        let item = with(sequence, response, None);
        let mail =
            Mail { method: Method::Reply, sender: "VERA@x", item: &item, written: written.map(Timestamp) };
        let of_series = judge_mail(mail, known(None, Some(&here)));
        assert_eq!(
            judge_mail(mail, known(Some(&here), None)),
            reading,
            "{here:?}, {response:?} at {written:?}"
        );
        assert_eq!(of_series, reading);
    }
}

#[test]
fn where_the_organizers_copy_is_here_no_mail_speaks_for_them() {
    let (here, mut item) = (meeting(1), meeting(2));
    item.people.participants[0].response = Response::Accepted;
    let judge = |method, sender| {
        let mail = Mail { method, sender, item: &item, written: None };
        judge_mail(mail, Known { has_authority: true, ..known(Some(&here), None) })
    };
    for method in [Method::Request, Method::Add, Method::Cancel] {
        assert_eq!(judge(method, "anna@x"), shown(Because::OrganizersCopyIsHere), "{method:?}");
    }
    assert!(matches!(judge(Method::Reply, "vera@x"), Reading::Offered(_)));
}

#[test]
fn nobody_answers_for_somebody_else() {
    let answered = |who: usize| {
        let mut item = meeting(2);
        item.people.participants[who].response = Response::Accepted;
        item.people.participants.swap_remove(1 - who);
        item
    };
    let (veras, olegs) = (answered(0), answered(1));
    let known = meeting(2);
    let judge = |sender, item, here| judge(Method::Reply, sender, item, here);
    assert!(matches!(judge("vera@x", &veras, Some(&known)), Reading::Offered(_)));
    assert_eq!(judge("vera@x", &olegs, Some(&known)), shown(Because::NotFromParticipant));
    assert_eq!(judge("mallory@x", &veras, Some(&known)), shown(Because::NotFromParticipant));
    assert_eq!(judge("anna@x", &veras, Some(&known)), shown(Because::NotFromParticipant));
    assert_eq!(judge("vera@x", &veras, None), shown(Because::NothingHere));
    let mut uninvited = meeting(2);
    uninvited.people.participants.remove(0);
    assert_eq!(judge("vera@x", &veras, Some(&uninvited)), shown(Because::NotFromParticipant));
}

#[test]
fn what_only_asks_changes_nothing() {
    for method in [Method::Counter, Method::DeclineCounter, Method::Refresh, Method::Publish] {
        for sender in ["anna@x", "vera@x", "mallory@x"] {
            let reading = judge(method, sender, &meeting(9), Some(&meeting(1)));
            assert_eq!(reading, shown(Because::ChangesNothing), "{method:?} of {sender}");
        }
    }
}
