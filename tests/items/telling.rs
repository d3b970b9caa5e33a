//! People hear of a person's change to a meeting where that person said so in that call: by the server that carries it, else by mail, once
//! (F4.6, I9).

use postrider::service::{
    ActivityChanges, ActivityQuery, Extent, NewActivity, RunRequest, Service, WhenChange,
};
use postrider_fake::groupware::{Habits, Notice, Notices, SentMail};
use postrider_model::{
    Activity, ActivityId, ActivityKind, CollectionKind, Moment, Own, Participant, ParticipantRole, Person,
    Response,
};

use crate::{
    house::{House, TAG, USER},
    life::Life,
};

const GUEST: &str = "boris@example.com";

fn house() -> House {
    // Who is told of what is counted here.
    let habits = Habits { notices: Notices::Anyone, ..Habits::google() };
    House::new("google", habits, &format!("tag = \"{TAG}\"\n[activities]\n"))
}

fn run(house: &House) {
    house.wait();
    let request = RunRequest { activities: true, ..RunRequest::default() };
    let (report, _) = house.live(&request, &Life::new(None)).unwrap();
    assert_eq!((&report.error, &report.warnings), (&None, &Vec::new()));
    assert_eq!(house.server.violations(), Vec::<String>::new());
}

fn person(email: &str) -> Person {
    Person { email: email.to_owned(), name: None }
}

fn meeting(title: &str) -> NewActivity {
    let fields = ActivityChanges {
        title: Some(title.to_owned()),
        participants: Some(vec![(person(GUEST), ParticipantRole::Required)]),
        when: WhenChange { start: Some("2026-03-16 10:00".to_owned()), ..WhenChange::default() },
        ..ActivityChanges::default()
    };
    NewActivity { kind: ActivityKind::Appointment, fields, organizer: None }
}

fn with<R>(house: &House, work: impl FnOnce(&mut Service, &postrider::service::Caller) -> R) -> R {
    let mut service = house.service();
    let caller = service.owner();
    work(&mut service, &caller)
}

fn retitle(title: &str) -> ActivityChanges {
    ActivityChanges { title: Some(title.to_owned()), ..ActivityChanges::default() }
}

/// What the server told people since the last look, and that nothing waits in the outbox.
fn told(house: &House, seen: &mut usize) -> Vec<(String, Notice)> {
    let outbox = with(house, |service, caller| service.outbox(caller, None, true).unwrap().len());
    assert_eq!(outbox, 0, "no mail of ours goes out beside the server's");
    let sent: Vec<SentMail> = house.server.sent_mail();
    let new = sent.iter().skip(*seen).map(|one| (one.to.clone(), one.notice)).collect();
    *seen = sent.len();
    new
}

fn guest(notice: Notice) -> Vec<(String, Notice)> {
    vec![(GUEST.to_owned(), notice)]
}

#[test]
fn the_server_that_carries_a_meeting_tells_of_what_a_person_wants_told_once() {
    let house = house();
    let mut seen = 0;
    let id =
        with(&house, |service, caller| service.add_activity_and_tell(caller, &meeting("Review")).unwrap());
    run(&house);
    assert_eq!(told(&house, &mut seen), guest(Notice::Invitation));
    run(&house);
    assert_eq!(told(&house, &mut seen), []);
    let edit = |title: &str, tells: bool| {
        with(&house, |service, caller| match tells {
            true => {
                service.edit_activity_and_tell(caller, id, &Extent::Whole, &retitle(title), None).unwrap()
            }
            false => service.edit_activity(caller, id, &Extent::Whole, &retitle(title), None).unwrap(),
        });
        run(&house);
    };
    edit("Review of all", false);
    assert_eq!(told(&house, &mut seen), [], "nobody said so");
    edit("Review of most", true);
    assert_eq!(told(&house, &mut seen), guest(Notice::Update));
    edit("Review of most", true);
    edit("Review of some", false);
    assert_eq!(told(&house, &mut seen), [], "what was no change was told of, and stays told of");
    with(&house, |service, caller| service.cancel_activity_and_tell(caller, id, &Extent::Whole).unwrap());
    run(&house);
    assert_eq!(told(&house, &mut seen), guest(Notice::Cancellation));
}

#[test]
fn of_one_time_of_a_series_people_hear_as_of_a_series() {
    let house = house();
    let mut seen = 0;
    let mut weekly = meeting("Review");
    weekly.fields.when.rules = Some(vec!["FREQ=WEEKLY;COUNT=4".to_owned()]);
    let id: ActivityId = with(&house, |service, caller| service.add_activity(caller, &weekly).unwrap());
    run(&house);
    assert_eq!(told(&house, &mut seen), []);
    let second = Extent::One("2026-03-23".to_owned());
    let edit = |title: &str| {
        with(&house, |service, caller| {
            service.edit_activity_and_tell(caller, id, &second, &retitle(title), None).unwrap()
        })
    };
    edit("Review of the quarter");
    run(&house);
    assert_eq!(told(&house, &mut seen), guest(Notice::Update));
    edit("Review of the year");
    run(&house);
    assert_eq!(told(&house, &mut seen), guest(Notice::Update));
    run(&house);
    assert_eq!(told(&house, &mut seen), []);
}

#[test]
fn what_no_server_carries_is_for_mail_to_tell() {
    let house = house();
    // It does not go out to a calendar, and no account of this house sends mail.
    let mut hidden = meeting("Review");
    hidden.fields.in_schedule = Some(false);
    with(&house, |service, caller| {
        let refused = service.add_activity_and_tell(caller, &hidden).unwrap_err();
        assert!(refused.to_string().contains("no account of that address sends"), "{refused}");
        assert_eq!(service.add_activity_and_tell(caller, &meeting("Shown")).map(drop), Ok(()));
    });
    // One that imports alone carries nothing.
    house.configure(&format!("tag = \"{TAG}\"\n[activities]\nexport = false\n"));
    with(&house, |service, caller| {
        let refused = service.add_activity_and_tell(caller, &meeting("Review")).unwrap_err();
        assert!(refused.to_string().contains("no account of that address sends"), "{refused}");
    });
}

#[test]
fn an_answer_is_told_by_the_server_that_has_the_meeting() {
    let house = house();
    let mut seen = 0;
    let boris = house.server.add_account(GUEST);
    let calendar = boris.own_collection(CollectionKind::Calendar).unwrap();
    let mut review = Activity::new(ActivityKind::Appointment, "review@example.com".to_owned());
    review.content.title = "Review".to_owned();
    let at = |time: &str| Some(Moment::At { local: time.parse().unwrap(), zone: Some("UTC".to_owned()) });
    review.timing.start = at("2026-03-16T10:00:00");
    review.timing.end = at("2026-03-16T11:00:00");
    review.people.organizer = Some(person(GUEST));
    review.people.participants = vec![Participant {
        person: person(USER),
        role: ParticipantRole::Required,
        response: Response::NeedsAction,
        responded: None,
    }];
    boris.add_activity(&calendar, &review, &Own::default(), false).unwrap();
    run(&house);
    assert_eq!(told(&house, &mut seen), []);
    let id = with(&house, |service, caller| {
        let query = ActivityQuery { limit: 10, ..ActivityQuery::default() };
        service.activities(caller, &query).unwrap().activities[0].id
    });
    let answer = |response, tells: bool| {
        with(&house, |service, caller| match tells {
            true => drop(service.respond_and_mail(caller, id, &Extent::Whole, response).unwrap()),
            false => drop(service.respond(caller, id, &Extent::Whole, response).unwrap()),
        });
        run(&house);
    };
    answer(Response::Tentative, false);
    assert_eq!(told(&house, &mut seen), []);
    answer(Response::Accepted, true);
    assert_eq!(told(&house, &mut seen), guest(Notice::Reply));
    run(&house);
    assert_eq!(told(&house, &mut seen), []);
}
