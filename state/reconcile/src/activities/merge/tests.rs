use chrono::NaiveDate;
use postrider_model::{
    ActivityKind, Content, Moment, ParticipantRole, Privacy, ReminderBy, ReminderTime, Status, Timing,
};
use proptest::prelude::*;

use super::*;
use crate::merge::Changed;

fn all() -> BTreeSet<ActivityField> {
    ActivityField::ALL.into()
}

fn times(here: i64, there: i64) -> Times<FieldGroup> {
    let at = |time| Changed::at(Some(Timestamp(time)));
    Times { here: at(here), there: at(there), ahead_ms: 0 }
}

fn hour(hour: u32) -> Moment {
    let local = NaiveDate::from_ymd_opt(2026, 3, 2).and_then(|day| day.and_hms_opt(hour, 0, 0)).unwrap();
    Moment::At { local, zone: Some("Europe/Moscow".to_owned()) }
}

fn participant(email: &str, response: Response) -> Participant {
    let person = Person { email: email.to_owned(), name: None };
    Participant { person, response, ..Participant::default() }
}

fn meeting() -> Facets {
    let mut shared = Activity::new(ActivityKind::Appointment, "m1");
    shared.content.title = "Plans".to_owned();
    shared.timing = Timing { start: Some(hour(10)), end: Some(hour(11)), ..Timing::default() };
    shared.people.organizer = Some(Person { email: "anna@x".to_owned(), name: None });
    shared.people.participants =
        vec![participant("vera@x", Response::NeedsAction), participant("oleg@x", Response::NeedsAction)];
    Facets { shared, own: Own::default() }
}

fn with(change: impl Fn(&mut Facets)) -> Facets {
    let mut facets = meeting();
    change(&mut facets);
    facets
}

fn merge(here: &Facets, there: &Facets, rights: Rights, when: (i64, i64)) -> Merged<Facets, FieldGroup> {
    let base = meeting();
    let sides = Sides { agreed: &base, image: &base, here, there };
    merge_activity(sides, &times(when.0, when.1), &all(), rights)
}

fn outcomes(merged: &Merged<Facets, FieldGroup>) -> Vec<(FieldGroup, Outcome)> {
    merged.groups.iter().map(|(group, outcome)| (group.clone(), *outcome)).collect()
}

/// One change of each group.
fn changes() -> Vec<(FieldGroup, Facets)> {
    let reminder = Reminder { at: ReminderTime::BeforeStart(600), by: ReminderBy::Display };
    vec![
        (FieldGroup::Content, with(|one| one.shared.content.title = "Plan".to_owned())),
        (FieldGroup::Timing, with(|one| one.shared.timing.start = Some(hour(9)))),
        (
            FieldGroup::Participants,
            with(|one| one.shared.people.participants[0].role = ParticipantRole::Optional),
        ),
        (
            FieldGroup::Response("vera@x".to_owned()),
            with(|one| one.shared.people.participants[0].response = Response::Accepted),
        ),
        (FieldGroup::OwnResponse, with(|one| one.own.response = Some(Response::Tentative))),
        (FieldGroup::Reminders, with(|one| one.own.reminders.push(reminder.clone()))),
        (FieldGroup::ShowAs, with(|one| one.own.show_as = ShowAs::Free)),
        (FieldGroup::Categories, with(|one| one.own.categories.push("Red".to_owned()))),
    ]
}

#[test]
fn a_change_is_an_edit_of_what_the_server_can_hold_or_a_cancellation() {
    let was = meeting();
    assert_eq!(change_of(&was, &was, &all()), Change::None);
    for (group, is) in changes() {
        assert_eq!(change_of(&was, &is, &all()), Change::Edited, "{group:?}");
        assert_eq!(change_of(&was, &is, &BTreeSet::new()), Change::None, "{group:?}");
    }
    let cancelled = with(|one| one.shared.content.status = Status::Cancelled);
    assert_eq!(change_of(&was, &cancelled, &all()), Change::Cancelled);
    assert_eq!(change_of(&cancelled, &cancelled, &all()), Change::None);
    assert_eq!(change_of(&cancelled, &was, &all()), Change::Edited);
}

#[test]
fn each_group_is_merged_for_itself() {
    let changes = changes();
    for (group, here) in &changes {
        let merged = merge(here, &meeting(), Rights::ALL, (1, 2));
        assert_eq!(outcomes(&merged), [(group.clone(), Outcome::ToSend)]);
        assert_eq!((&merged.here, &merged.there), (here, here));
        let merged = merge(&meeting(), here, Rights::ALL, (2, 1));
        assert_eq!(outcomes(&merged), [(group.clone(), Outcome::FromThere)]);
        assert_eq!((&merged.here, &merged.there), (here, here));
        for (other, there) in changes.iter().filter(|(other, _)| other != group) {
            let merged = merge(here, there, Rights::ALL, (1, 2));
            assert_eq!(merged.conflicts(), 0, "{group:?} here, {other:?} there");
            assert_eq!(merged.groups[group], Outcome::ToSend);
            assert_eq!(merged.groups[other], Outcome::FromThere);
            assert_eq!(merged.here, merged.there);
        }
    }
}

#[test]
fn where_both_sides_changed_a_group_the_later_one_wins() {
    let title = |title: &str| with(|one| one.shared.content.title = title.to_owned());
    let (here, there) = (title("here"), title("there"));
    let merged = merge(&here, &there, Rights::ALL, (2, 1));
    assert_eq!((&merged.here, &merged.there), (&here, &here));
    assert_eq!(merged.losers(), BTreeSet::from([Side::There]));
    let merged = merge(&here, &there, Rights::ALL, (1, 1));
    assert_eq!((&merged.here, &merged.there), (&there, &there));
    assert_eq!(merged.losers(), BTreeSet::from([Side::Here]));
    assert_eq!(merge(&here, &here, Rights::ALL, (1, 2)).conflicts(), 0);
}

#[test]
fn each_answer_is_won_for_itself_and_keeps_its_time() {
    let answer = |vera, oleg| {
        with(|one| {
            for (who, (response, at)) in one.shared.people.participants.iter_mut().zip([vera, oleg]) {
                who.response = response;
                who.responded = Some(Timestamp(at));
            }
        })
    };
    let here = answer((Response::Accepted, 10), (Response::NeedsAction, 0));
    let there = answer((Response::Declined, 20), (Response::Tentative, 30));
    let merged = merge(&here, &there, Rights::ALL, (1, 2));
    let vera = FieldGroup::Response("vera@x".to_owned());
    let oleg = FieldGroup::Response("oleg@x".to_owned());
    assert_eq!(
        outcomes(&merged),
        [(oleg.clone(), Outcome::FromThere), (vera.clone(), Outcome::Won(Side::There))]
    );
    assert_eq!(merged.here.shared.people, there.shared.people);
    let base = meeting();
    let sides = Sides { agreed: &base, image: &base, here: &here, there: &there };
    let mut when = times(1, 2);
    when.here.of.insert(vera.clone(), Timestamp(3));
    let merged = merge_activity(sides, &when, &all(), Rights::ALL);
    assert_eq!(outcomes(&merged), [(oleg, Outcome::FromThere), (vera, Outcome::Won(Side::Here))]);
    let answers = |facets: &Facets| {
        facets.shared.people.participants.iter().map(|one| (one.response, one.responded)).collect::<Vec<_>>()
    };
    let expected = [(Response::Accepted, Some(Timestamp(10))), (Response::Tentative, Some(Timestamp(30)))];
    assert_eq!(answers(&merged.here), expected);
    assert_eq!(answers(&merged.there), expected);
}

#[test]
fn an_address_is_the_same_in_any_case_and_a_new_participant_brings_their_answer() {
    let here = with(|one| one.shared.people.participants[0].person.email = "VERA@x".to_owned());
    let there = with(|one| {
        one.shared.people.participants[0].response = Response::Accepted;
        one.shared.people.participants.push(participant("new@x", Response::Declined));
    });
    let base = here.clone();
    let image = meeting();
    let sides = Sides { agreed: &base, image: &image, here: &here, there: &there };
    let merged = merge_activity(sides, &times(1, 2), &all(), Rights::ALL);
    let people = &merged.here.shared.people.participants;
    let all: Vec<_> = people.iter().map(|one| (one.person.email.as_str(), one.response)).collect();
    let expected =
        [("VERA@x", Response::Accepted), ("oleg@x", Response::NeedsAction), ("new@x", Response::Declined)];
    assert_eq!(all, expected);
    assert_eq!(merged.conflicts(), 0);
}

#[test]
fn who_is_removed_there_is_known_here_by_the_address_in_whatever_order() {
    let here = with(|one| {
        one.shared.people.participants.reverse();
        for participant in &mut one.shared.people.participants {
            participant.person.email = participant.person.email.to_uppercase();
        }
    });
    let (image, there) = (meeting(), with(|one| one.shared.people.participants.truncate(1)));
    let becomes = apply_difference(&image, &there, &here, &all());
    let emails = |facets: &Facets| {
        facets.shared.people.participants.iter().map(|one| one.person.email.clone()).collect::<Vec<_>>()
    };
    assert_eq!(emails(&becomes), ["VERA@X"]);
}

#[test]
fn a_participant_who_was_removed_there_takes_the_answer_along() {
    let there = with(|one| one.shared.people.participants.truncate(1));
    let here = with(|one| one.shared.people.participants[1].response = Response::Accepted);
    let merged = merge(&here, &there, Rights::ALL, (1, 2));
    assert_eq!(merged.here.shared.people, there.shared.people);
    assert_eq!(merged.there, there);
}

#[test]
fn the_higher_sequence_is_kept_where_the_item_counts() {
    let sequence = |sequence| with(|one| one.shared.sequence = sequence);
    let own_alone = Rights { feeds_shared: false, feeds_people: false, sends_shared: false, notifies: false };
    for (here, there, rights, becomes) in
        [(1, 2, Rights::ALL, 2), (3, 2, Rights::ALL, 3), (1, 2, own_alone, 1)]
    {
        let merged = merge(&sequence(here), &sequence(there), rights, (1, 2));
        assert_eq!(merged.here.shared.sequence, becomes);
        assert_eq!(merged.there.shared.sequence, there);
    }
}

#[test]
fn rights_bound_what_is_shared_and_never_what_is_own() {
    let rights = |feeds_shared, feeds_people, sends_shared| Rights {
        feeds_shared,
        feeds_people,
        sends_shared,
        notifies: false,
    };
    for (group, changed) in changes() {
        let is_people = matches!(group, FieldGroup::Participants | FieldGroup::Response(_));
        for bits in 0..8 {
            let [feeds_shared, feeds_people, sends] = [bits & 1 > 0, bits & 2 > 0, bits & 4 > 0];
            let feeds = if is_people { feeds_people } else { feeds_shared };
            let rights = rights(feeds_shared, feeds_people, sends);
            let sent = merge(&changed, &meeting(), rights, (1, 2));
            let outcome = if group.is_own() || sends { Outcome::ToSend } else { Outcome::NotSent };
            assert_eq!(sent.groups[&group], outcome, "{group:?}, {rights:?}");
            let taken = merge(&meeting(), &changed, rights, (1, 2));
            let outcome = match (group.is_own() || feeds, sends) {
                (true, _) => Some(Outcome::FromThere),
                (false, true) => Some(Outcome::Won(Side::Here)),
                (false, false) => None,
            };
            assert_eq!(taken.groups.get(&group).copied(), outcome, "{group:?}, {rights:?}");
        }
    }
}

#[test]
fn at_a_first_meeting_shared_is_as_the_organizers_and_own_is_filled() {
    let here = with(|one| {
        one.shared.content.description = Some("here".to_owned());
        one.own.categories.push("Red".to_owned());
    });
    let there = with(|one| {
        one.shared.content.title = "Plan".to_owned();
        one.own.categories.push("Blue".to_owned());
        one.own.response = Some(Response::Accepted);
    });
    let attendee = Rights { feeds_shared: true, feeds_people: true, sends_shared: false, notifies: false };
    let met = meet_activity(&here, &there, &times(9, 1), &all(), attendee);
    assert_eq!(met.here.shared, there.shared);
    assert_eq!(met.there.shared, there.shared);
    assert_eq!(met.groups[&FieldGroup::Content], Outcome::Won(Side::There));
    assert_eq!(met.groups[&FieldGroup::Categories], Outcome::Joined);
    assert_eq!(met.here.own.categories, ["Blue", "Red"]);
    assert_eq!(met.here.own, met.there.own);
    let met = meet_activity(&here, &there, &times(9, 1), &all(), Rights::ALL);
    assert_eq!(met.here.shared.content.description.as_deref(), Some("here"));
    assert_eq!(met.here.shared.content.title, "Plans");
    assert_eq!(met.here, met.there);
}

#[test]
fn what_the_server_cannot_hold_stays_here() {
    let holds: BTreeSet<_> = [ActivityField::Title, ActivityField::Start, ActivityField::Organizer].into();
    let here = with(|one| {
        one.shared.content.place = Some("here".to_owned());
        one.own.categories.push("Red".to_owned());
    });
    let image = Facets { shared: Activity::new(ActivityKind::Appointment, "m1"), own: Own::default() };
    let mut there = image.clone();
    there.shared.content.title = "Plan".to_owned();
    let sides = Sides { agreed: &here, image: &image, here: &here, there: &there };
    let merged = merge_activity(sides, &times(1, 2), &holds, Rights::ALL);
    let mut expected = here.clone();
    expected.shared.content.title = "Plan".to_owned();
    assert_eq!((&merged.here, &merged.there), (&expected, &there));
    assert_eq!(apply_difference(&image, &there, &here, &holds), expected);
    let mut base = here.clone();
    base.shared.content.title = String::new();
    base.shared.timing.start = None;
    base.shared.people.organizer = None;
    assert_eq!(assumed_base(&image, &here, &holds), base);
}

#[test]
fn a_series_is_changed_field_by_field_and_its_rules_as_one() {
    let rules = |rules: &[&str], further: &[u32]| {
        with(|one| {
            one.shared.timing.rules = rules.iter().map(|rule| (*rule).to_owned()).collect();
            one.shared.timing.further = further.iter().map(|day| hour(*day)).collect();
        })
    };
    let was = rules(&["FREQ=DAILY", "FREQ=WEEKLY"], &[5]);
    let is = rules(&["FREQ=DAILY;COUNT=3"], &[1, 5]);
    let here = rules(&["FREQ=DAILY", "FREQ=WEEKLY"], &[5, 9]);
    let becomes = apply_difference(&was, &is, &here, &all());
    assert_eq!(becomes, rules(&["FREQ=DAILY;COUNT=3"], &[1, 5, 9]));
}

prop_compose! {
    fn any_facets()(
        title in "[ab]?",
        place in prop::option::of("[ab]"),
        privacy in prop::sample::select(vec![Privacy::Normal, Privacy::Private]),
        status in prop::sample::select(vec![Status::Open, Status::Tentative]),
        start in prop::option::of(0..3u32),
        further in prop::collection::btree_set(0..4u32, 0..3),
        people in prop::collection::btree_map("[abc]", 0..3usize, 0..3),
        response in prop::option::of(prop::sample::select(vec![Response::Accepted, Response::Declined])),
        reminders in prop::collection::vec(0..3i64, 0..3),
        categories in prop::collection::vec("[abc]", 0..3),
    ) -> Facets {
        let responses = [Response::NeedsAction, Response::Accepted, Response::Declined];
        let mut shared = Activity::new(ActivityKind::Appointment, "m");
        shared.content = Content { title, place, privacy, status, ..Content::default() };
        shared.timing.start = start.map(hour);
        shared.timing.further = further.into_iter().map(hour).collect();
        shared.people.participants =
            people.into_iter().map(|(email, response)| participant(&email, responses[response])).collect();
        let reminder = |seconds| Reminder { at: ReminderTime::BeforeStart(seconds), by: ReminderBy::Email };
        let reminders = reminders.into_iter().map(reminder).collect();
        Facets { shared, own: Own { response, reminders, categories, show_as: ShowAs::Busy } }
    }
}

fn any_holds() -> impl Strategy<Value = BTreeSet<ActivityField>> {
    prop::sample::subsequence(ActivityField::ALL.to_vec(), 0..=ActivityField::ALL.len())
        .prop_map(|fields| fields.into_iter().collect())
}

fn any_rights() -> impl Strategy<Value = Rights> {
    any::<[bool; 3]>().prop_map(|[feeds_shared, feeds_people, sends_shared]| Rights {
        feeds_shared,
        feeds_people,
        sends_shared,
        notifies: false,
    })
}

proptest! {
    #[test]
    fn no_difference_changes_nothing(was in any_facets(), here in any_facets(), holds in any_holds()) {
        prop_assert_eq!(apply_difference(&was, &was, &here, &holds), here);
    }

    #[test]
    fn onto_the_base_a_difference_gives_the_new_image(was in any_facets(), is in any_facets()) {
        prop_assert_eq!(apply_difference(&was, &is, &was, &all()), is);
    }

    #[test]
    fn both_sides_agree_afterwards(
        [base, here, there] in [any_facets(), any_facets(), any_facets()],
        when in 0..3i64,
    ) {
        let sides = Sides { agreed: &base, image: &base, here: &here, there: &there };
        let merged = merge_activity(sides, &times(1, when), &all(), Rights::ALL);
        prop_assert_eq!(merged.here, merged.there);
    }

    #[test]
    fn the_next_run_is_still(
        [agreed, image, here, there] in [any_facets(), any_facets(), any_facets(), any_facets()],
        holds in any_holds(),
        rights in any_rights(),
        when in 0..3i64,
    ) {
        let sides = Sides { agreed: &agreed, image: &image, here: &here, there: &there };
        let merged = merge_activity(sides, &times(1, when), &holds, rights);
        let again = Sides { agreed: &merged.here, image: &merged.there, here: &merged.here, there: &merged.there };
        let still = merge_activity(again, &times(1, when), &holds, rights);
        prop_assert!(still.groups.is_empty() && !still.writes(Side::Here, again) && !still.writes(Side::There, again));
    }

    #[test]
    fn what_may_not_be_sent_is_not_sent(
        [agreed, image, here, there] in [any_facets(), any_facets(), any_facets(), any_facets()],
        rights in any_rights(),
        when in 0..3i64,
    ) {
        let sides = Sides { agreed: &agreed, image: &image, here: &here, there: &there };
        let merged = merge_activity(sides, &times(1, when), &all(), rights);
        if !rights.sends_shared {
            prop_assert_eq!(&merged.there.shared, &there.shared);
        }
        if !rights.feeds_shared {
            prop_assert_eq!(&merged.here.shared.content, &here.shared.content);
            prop_assert_eq!(&merged.here.shared.timing, &here.shared.timing);
        }
        if !rights.feeds_people {
            prop_assert_eq!(&merged.here.shared.people, &here.shared.people);
        }
    }

    #[test]
    fn who_lost_something_is_named(
        [base, here, there] in [any_facets(), any_facets(), any_facets()],
        rights in any_rights(),
        when in 0..3i64,
    ) {
        let sides = Sides { agreed: &base, image: &base, here: &here, there: &there };
        let merged = merge_activity(sides, &times(1, when), &all(), rights);
        let lost = |base: &str, had: &str, has: &str| had != base && had != has;
        let titles = [&base, &here, &merged.here].map(|one| one.shared.content.title.as_str());
        prop_assert!(!lost(titles[0], titles[1], titles[2]) || merged.losers().contains(&Side::Here));
        let titles = [&base, &there, &merged.there].map(|one| one.shared.content.title.as_str());
        prop_assert!(!lost(titles[0], titles[1], titles[2]) || merged.losers().contains(&Side::There));
    }
}
