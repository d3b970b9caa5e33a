//! Activities: who sees them, what is hidden of them, who changes what (F4.2, F7.4). What is refused leaves nothing behind.

use postrider::service::{
    ActivityChanges, ActivityQuery, Caller, Extent, LabelName, Labelled, NewActivity, Service, WhenChange,
};
use postrider_model::{
    ActivityId, ActivityKind, ErrorClass, LabelKind, Participant, ParticipantRole, Person, Privacy, Response,
    Timestamp, Visibility,
};
use postrider_store::{AuditFilter, Outcome};

use crate::{
    house::{House, caller},
    matrix::HOUSE,
};

/// The house of the matrix, in which everybody has an address.
fn house() -> House {
    let files: Vec<(String, String)> = HOUSE
        .iter()
        .map(|(name, text)| {
            let named =
                |line: &str| match line.strip_prefix("name = \"").and_then(|rest| rest.strip_suffix('"')) {
                    Some(user) if user != "customer-service" => {
                        format!("{line}\naddresses = [\"{user}@example.com\"]\n")
                    }
                    _ => format!("{line}\n"),
                };
            let is_users = *name == "users.toml";
            let text = if is_users { text.lines().map(named).collect() } else { (*text).to_owned() };
            ((*name).to_owned(), text)
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    House::new(&files)
}

fn at(house: &House, name: &str) -> (Service, Caller) {
    let service = house.service();
    let caller = caller(&service, name, false);
    (service, caller)
}

fn when(start: &str) -> WhenChange {
    WhenChange {
        start: Some(start.to_owned()),
        zone: Some("Europe/Berlin".to_owned()),
        ..WhenChange::default()
    }
}

/// A weekly meeting of the sender with the reader and somebody outside, that all see.
fn weekly(house: &House, privacy: Privacy) -> ActivityId {
    let (mut service, sender) = at(house, "sender");
    let person = |email: &str| (Person { email: email.to_owned(), name: None }, ParticipantRole::Required);
    let fields = ActivityChanges {
        title: Some("Dentist".to_owned()),
        place: Some("Elm Street".to_owned()),
        privacy: Some(privacy),
        when: WhenChange { rules: Some(vec!["FREQ=WEEKLY;COUNT=5".to_owned()]), ..when("2027-03-15 10:00") },
        participants: Some(vec![person("reader@example.com"), person("out@example.org")]),
        visibility: Some(Visibility::All),
        categories: Some(vec!["Health".to_owned()]),
        ..ActivityChanges::default()
    };
    let new = NewActivity { kind: ActivityKind::Appointment, fields, organizer: None };
    service.add_activity(&sender, &new).unwrap()
}

fn query(words: &str) -> ActivityQuery {
    ActivityQuery {
        words: words.to_owned(),
        from: Some(Timestamp::from_seconds(1_800_000_000)),
        to: Some(Timestamp::from_seconds(1_830_000_000)),
        limit: 100,
        ..ActivityQuery::default()
    }
}

/// All that the store says of itself of records.
fn state(house: &House) -> String {
    let (service, owner) = (house.service(), house.service().owner());
    let found = service.activities(&owner, &query("")).unwrap();
    let versions = service.versions(&owner, None, true, 1_000).unwrap();
    format!("{found:?} {versions:?}")
}

#[test]
fn what_is_refused_leaves_nothing_behind_and_is_no_done_in_the_log() {
    let house = house();
    let id = weekly(&house, Privacy::Normal);
    let title = ActivityChanges { title: Some("x".to_owned()), ..ActivityChanges::default() };
    let own = ActivityChanges { categories: Some(vec!["mine".to_owned()]), ..ActivityChanges::default() };
    let schedule = ActivityChanges { in_schedule: Some(false), ..ActivityChanges::default() };
    let mars = ActivityChanges {
        when: WhenChange { zone: Some("Mars/Olympus".to_owned()), ..WhenChange::default() },
        ..ActivityChanges::default()
    };
    let backwards = ActivityChanges {
        when: WhenChange { end: Some("2027-03-01 10:00".to_owned()), ..WhenChange::default() },
        ..ActivityChanges::default()
    };
    let (whole, one, following) =
        (Extent::Whole, Extent::One("2027-03-22".to_owned()), Extent::Following("2027-03-29".to_owned()));
    let before = state(&house);
    let done = |house: &House| {
        let (service, owner) = (house.service(), house.service().owner());
        let rows = service.audit(&owner, &AuditFilter::default()).unwrap();
        rows.iter().filter(|row| row.entry.outcome == Outcome::Done).count()
    };
    let noted = done(&house);
    let attempts = [
        ("reader", &whole, &title),
        ("reader", &one, &title),
        ("reader", &following, &title),
        ("reader", &whole, &schedule),
        ("stranger", &whole, &title),
        ("stranger", &one, &own),
        ("stranger", &whole, &schedule),
        ("sender", &following, &mars),
        ("sender", &one, &backwards),
        ("sender", &whole, &backwards),
    ];
    for (name, extent, changes) in attempts {
        let (mut service, caller) = at(&house, name);
        let refused = service.edit_activity(&caller, id, extent, changes, None);
        assert!(refused.is_err(), "{name}, {extent:?}, {changes:?}");
        assert_eq!(state(&house), before, "{name}, {extent:?}, {changes:?}");
    }
    let (mut service, stranger) = at(&house, "stranger");
    assert!(service.respond(&stranger, id, &one, Response::Accepted).is_err());
    assert!(service.cancel_activity(&stranger, id, &one).is_err());
    let (mut service, reader) = at(&house, "reader");
    assert!(service.cancel_activity(&reader, id, &whole).is_err());
    let (mut service, sender) = at(&house, "sender");
    assert!(service.edit_activity(&sender, id, &whole, &title, Some(99)).is_err());
    assert_eq!((state(&house), done(&house)), (before, noted));
}

#[test]
fn what_is_private_is_told_to_nobody_without_a_part_in_it() {
    let house = house();
    let id = weekly(&house, Privacy::Private);
    let (mut service, sender) = at(&house, "sender");
    let moved = ActivityChanges { title: Some("Dentist again".to_owned()), ..ActivityChanges::default() };
    let one =
        service.edit_activity(&sender, id, &Extent::One("2027-03-22".to_owned()), &moved, None).unwrap();
    service.edit_activity(&sender, id, &Extent::Whole, &moved, None).unwrap();
    for name in ["stranger", "administrator"] {
        let (service, caller) = at(&house, name);
        let all = service.activities(&caller, &query("")).unwrap();
        assert_eq!(all.activities.len(), 5, "that something is there");
        for words in ["dent", "elm", "reader"] {
            assert!(service.activities(&caller, &query(words)).unwrap().activities.is_empty(), "{words}");
        }
        let with = ActivityQuery { with: Some(vec!["out@example.org".to_owned()]), ..query("") };
        assert!(service.activities(&caller, &with).unwrap().activities.is_empty());
        let mut told = format!("{all:?}{:?}", service.activity(&caller, id).unwrap());
        told += &format!("{:?}", service.activity(&caller, one).unwrap());
        told += &service.calendar_file(&caller, false).unwrap();
        for version in service.versions(&caller, None, true, 100).unwrap() {
            told += &format!("{version:?}{:?}", service.version(&caller, version.id).unwrap());
        }
        for secret in ["Dentist", "Elm", "Health", "reader@", "out@"] {
            assert!(!told.contains(secret), "{name} reads {secret}: {told}");
        }
    }
    let (service, reader) = at(&house, "reader");
    assert_eq!(service.activities(&reader, &query("dent")).unwrap().activities.len(), 5);
    let versions = service.versions(&reader, Some(id.into()), true, 100).unwrap();
    let text = service.version(&reader, versions[0].id).unwrap().content;
    assert!(text.contains("Dentist") && !text.contains("Health"), "the owner's own stays theirs: {text}");
}

#[test]
fn only_who_may_change_an_activity_makes_it_what_it_was() {
    let house = house();
    let id = weekly(&house, Privacy::Normal);
    let (mut service, sender) = at(&house, "sender");
    let title = |title: &str| ActivityChanges { title: Some(title.to_owned()), ..ActivityChanges::default() };
    service.edit_activity(&sender, id, &Extent::Whole, &title("Moved"), None).unwrap();
    let version = service.versions(&sender, Some(id.into()), true, 10).unwrap()[0].id;
    for name in ["reader", "stranger"] {
        let (mut service, caller) = at(&house, name);
        let refused = service.restore_version(&caller, version).unwrap_err();
        assert_eq!(refused.class, ErrorClass::NotPermitted, "{name}");
    }
    service.restore_version(&sender, version).unwrap();
    assert_eq!(service.activity(&sender, id).unwrap().activity.content.title, "Dentist");
}

#[test]
fn an_answer_to_a_series_is_one_to_each_of_its_times_that_was_not_answered_apart() {
    let house = house();
    let id = weekly(&house, Privacy::Normal);
    let (mut service, reader) = at(&house, "reader");
    let apart =
        service.respond(&reader, id, &Extent::One("2027-03-22".to_owned()), Response::Declined).unwrap();
    let (mut senders, sender) = at(&house, "sender");
    let moved = ActivityChanges { place: Some("Oak Street".to_owned()), ..ActivityChanges::default() };
    let other =
        senders.edit_activity(&sender, id, &Extent::One("2027-03-29".to_owned()), &moved, None).unwrap();
    service.respond(&reader, id, &Extent::Whole, Response::Accepted).unwrap();
    let answers = |of: ActivityId| {
        let details = service.activity(&reader, of).unwrap();
        let own = |one: &&Participant| one.person.is("reader@example.com");
        let told = details.activity.people.participants.iter().find(own).map(|one| one.response);
        (told, details.own.response)
    };
    assert_eq!(answers(id), (Some(Response::Accepted), Some(Response::Accepted)));
    assert_eq!(answers(apart), (Some(Response::Declined), Some(Response::Declined)));
    assert_eq!(answers(other), (Some(Response::Accepted), Some(Response::Accepted)));
}

#[test]
fn an_address_that_a_user_only_claims_is_none_of_theirs() {
    let house = house();
    weekly(&house, Privacy::Private);
    // An account of a stranger under the reader's address: the file of users says whose that is.
    house.account("reader", Some("stranger"));
    let (service, stranger) = at(&house, "stranger");
    assert!(service.activities(&stranger, &query("dent")).unwrap().activities.is_empty());
}

#[test]
fn who_is_shown_a_meeting_is_busy_by_it_only_where_they_take_part() {
    let house = house();
    weekly(&house, Privacy::Normal);
    let (service, stranger) = at(&house, "stranger");
    let people: Vec<String> = ["sender", "reader", "stranger"].map(str::to_owned).to_vec();
    let span = (Timestamp::from_seconds(1_800_000_000), Timestamp::from_seconds(1_830_000_000));
    let busy = service.free_busy(&stranger, &people, span).unwrap();
    let counts: Vec<usize> = busy.iter().map(|one| one.busy.len()).collect();
    assert_eq!(counts, [5, 5, 0]);
}

#[test]
fn a_group_takes_what_it_is_of_and_a_personal_tag_is_named_to_nobody_else() {
    let house = house();
    let id = weekly(&house, Privacy::Normal);
    let (mut service, sender) = at(&house, "sender");
    let group = LabelName { kind: LabelKind::Activities, name: "Sales", scope: None };
    service.add_label(&sender, group).unwrap();
    service.label_records(&sender, &[Labelled::Activity(id)], group, true).unwrap();
    let in_group = ActivityQuery { group: Some("sales".to_owned()), ..query("") };
    assert_eq!(service.activities(&sender, &in_group).unwrap().activities.len(), 5);
    let contacts = LabelName { kind: LabelKind::Contacts, name: "Staff", scope: None };
    service.add_label(&sender, contacts).unwrap();
    let refused = service.label_records(&sender, &[Labelled::Activity(id)], contacts, true).unwrap_err();
    assert_eq!(refused.class, ErrorClass::Config);
    let tag = LabelName { kind: LabelKind::Tag, name: "likely-to-leave", scope: None };
    service.label_records(&sender, &[Labelled::Activity(id)], tag, true).unwrap();
    let (service, reader) = at(&house, "reader");
    let told = format!(
        "{:?}{:?}",
        service.versions(&reader, None, true, 10).unwrap(),
        service.activity(&reader, id)
    );
    assert!(!told.contains("likely"), "{told}");
}
