use chrono::{Days, TimeDelta};
use postrider_model::{
    ActivityKind, Content, ParticipantRole, People, Person, Reminder, ReminderBy, ReminderTime, ShowAs,
    Status,
};
use proptest::prelude::*;

use super::*;

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
}

fn at(date: NaiveDate, hour: u32) -> Moment {
    Moment::At { local: date.and_hms_opt(hour, 0, 0).unwrap(), zone: Some("Europe/Moscow".to_owned()) }
}

/// One time of a series, as if Moscow were always three hours ahead.
fn start(date: NaiveDate, hour: u32) -> Start {
    let utc = date.and_hms_opt(hour, 0, 0).unwrap() - TimeDelta::hours(3);
    Start {
        occurrence: Occurrence::At(Timestamp::from_seconds(utc.and_utc().timestamp())),
        start: at(date, hour),
        end: Some(at(date, hour + 1)),
    }
}

fn whole_day(date: NaiveDate) -> Start {
    let end = date.checked_add_days(Days::new(1)).map(Moment::Day);
    Start { occurrence: Occurrence::Day(date), start: Moment::Day(date), end }
}

fn occurrence(of: &Start) -> Activity {
    let mut one = Activity::new(ActivityKind::Appointment, "s");
    one.occurrence = Some(of.occurrence);
    one.timing.start = Some(of.start.clone());
    one.timing.end = of.end.clone();
    one
}

fn participant(email: &str, response: Response) -> Participant {
    let person = Person { email: email.to_owned(), name: None };
    Participant { person, response, ..Participant::default() }
}

#[test]
fn a_series_comes_before_its_occurrences() {
    let of = |uid: &str, occurrence| Activity { occurrence, ..Activity::new(ActivityKind::Task, uid) };
    let (first, second) = (Some(Occurrence::Day(day(1))), Some(Occurrence::Day(day(2))));
    let mut all = [of("b", None), of("a", second), of("a", first), of("b", first), of("a", None)];
    in_order(&mut all);
    let expected = [of("a", None), of("a", first), of("a", second), of("b", None), of("b", first)];
    assert_eq!(all, expected);
}

#[test]
fn what_is_as_in_the_series_follows_it_and_what_differs_stays() {
    let content = |title: &str, place: Option<&str>, status| Content {
        title: title.to_owned(),
        place: place.map(str::to_owned),
        status,
        ..Content::default()
    };
    let series = |content| Activity { content, ..Activity::new(ActivityKind::Appointment, "s") };
    let old = series(content("Plans", Some("Here"), Status::Open));
    let new = series(content("Plan", None, Status::Tentative));
    let table = [
        (content("Plans", Some("Here"), Status::Open), content("Plan", None, Status::Tentative)),
        (content("Own", Some("Here"), Status::Open), content("Own", None, Status::Tentative)),
        (content("Plans", Some("There"), Status::Open), content("Plan", Some("There"), Status::Tentative)),
        (content("Plans", None, Status::Cancelled), content("Plan", None, Status::Cancelled)),
    ];
    for (was, becomes) in table {
        let one = Activity { content: was, ..occurrence(&start(day(2), 10)) };
        let follows = inherit(&old, &new, &one);
        assert_eq!(follows, Activity { content: becomes, ..one });
    }
    let as_task = Activity { kind: ActivityKind::Task, ..new };
    assert_eq!(inherit(&old, &as_task, &occurrence(&start(day(2), 10))).kind, ActivityKind::Task);
}

#[test]
fn who_takes_part_follows_and_each_answer_to_one_time_stays() {
    use Response::{Accepted, Declined, NeedsAction, Tentative};
    let people = |all: &[(&str, Response)]| People {
        organizer: Some(Person { email: "anna@x".to_owned(), name: None }),
        participants: all.iter().map(|(email, response)| participant(email, *response)).collect(),
    };
    let with = |people| Activity { people, ..Activity::new(ActivityKind::Appointment, "s") };
    let table = [
        // the series, the series now, the occurrence, the occurrence then
        (
            vec![("vera", NeedsAction)],
            vec![("vera", NeedsAction), ("oleg", NeedsAction)],
            vec![("vera", NeedsAction)],
            vec![("vera", NeedsAction), ("oleg", NeedsAction)],
        ),
        (
            vec![("vera", NeedsAction)],
            vec![("vera", Accepted), ("oleg", Declined)],
            vec![("vera", Tentative)],
            vec![("vera", Tentative), ("oleg", Declined)],
        ),
        (
            vec![("vera", NeedsAction)],
            vec![("vera", Accepted)],
            vec![("vera", NeedsAction)],
            vec![("vera", Accepted)],
        ),
        (
            vec![("vera", NeedsAction)],
            vec![("vera", Accepted), ("new", NeedsAction)],
            vec![("vera", NeedsAction), ("own", Declined)],
            vec![("vera", Accepted), ("own", Declined)],
        ),
        (
            vec![("vera", Accepted), ("oleg", Accepted)],
            vec![("oleg", Accepted)],
            vec![("vera", Accepted), ("oleg", Accepted)],
            vec![("oleg", Accepted)],
        ),
    ];
    for (old, new, one, then) in table {
        let follows = inherit(&with(people(&old)), &with(people(&new)), &with(people(&one)));
        assert_eq!(follows.people, people(&then), "{old:?} -> {new:?}, {one:?}");
    }
    // An answer's time goes along, a role is the occurrence's own.
    let dated = |response, at| {
        let mut people = people(&[("vera", response)]);
        people.participants[0].responded = Some(Timestamp(at));
        with(people)
    };
    let mut optional = dated(Declined, 7);
    optional.people.participants[0].role = ParticipantRole::Optional;
    assert_eq!(inherit(&dated(NeedsAction, 1), &dated(Accepted, 2), &optional), optional);
    let follows = inherit(&dated(NeedsAction, 1), &dated(Accepted, 2), &dated(NeedsAction, 1));
    assert_eq!(follows, dated(Accepted, 2));
    // The organizer changes with the series.
    let mut other = with(people(&[]));
    other.people.organizer = None;
    assert_eq!(inherit(&with(people(&[])), &other, &with(people(&[]))).people.organizer, None);
}

#[test]
fn what_a_user_has_for_themselves_follows_field_by_field() {
    let own = |response, seconds, show_as, category: &str| Own {
        response: Some(response),
        reminders: vec![Reminder { at: ReminderTime::BeforeStart(seconds), by: ReminderBy::Display }],
        show_as,
        categories: vec![category.to_owned()],
    };
    let old = own(Response::NeedsAction, 1, ShowAs::Busy, "Red");
    let new = own(Response::Accepted, 2, ShowAs::Free, "Blue");
    let other = own(Response::Declined, 3, ShowAs::OutOfOffice, "Own");
    assert_eq!(inherit_own(&old, &new, &old), new);
    assert_eq!(inherit_own(&old, &new, &other), other);
    let partly = Own { response: old.response, categories: old.categories.clone(), ..other.clone() };
    let expected = Own { response: new.response, categories: new.categories.clone(), ..other.clone() };
    assert_eq!(inherit_own(&old, &new, &partly), expected);
    let partly = Own { reminders: old.reminders.clone(), show_as: old.show_as, ..other.clone() };
    let expected = Own { reminders: new.reminders.clone(), show_as: new.show_as, ..other };
    assert_eq!(inherit_own(&old, &new, &partly), expected);
}

#[test]
fn occurrences_follow_their_series_to_another_hour_by_their_day() {
    let old: Vec<_> = [2, 9, 16, 23].map(|date| start(day(date), 10)).into();
    let new: Vec<_> = [2, 9, 16, 23].map(|date| start(day(date), 14)).into();
    let renamed = occurrence(&old[0]);
    let mut moved = occurrence(&old[1]);
    moved.timing.start = Some(at(day(10), 8));
    let mut longer = occurrence(&old[2]);
    longer.timing.end = Some(at(day(16), 13));
    let mut deleted = occurrence(&old[3]);
    deleted.timing.start = None;
    deleted.timing.end = None;
    deleted.content.status = Status::Cancelled;
    let all = [renamed.clone(), moved.clone(), longer.clone(), deleted.clone()];
    let rekeyed = rekey(&all, &old, &new);
    assert_eq!(rekeyed.superseded, []);
    let key = |one: &Activity, start: &Start| Activity { occurrence: Some(start.occurrence), ..one.clone() };
    let mut shifted_longer = occurrence(&new[2]);
    shifted_longer.timing.end = Some(at(day(16), 17));
    assert_eq!(
        rekeyed.kept,
        [occurrence(&new[0]), key(&moved, &new[1]), shifted_longer, key(&deleted, &new[3])]
    );
}

#[test]
fn where_a_series_lasts_longer_so_do_its_occurrences_but_for_those_with_a_length_of_their_own() {
    let old = [start(day(2), 10), start(day(9), 10)];
    let lasts_four_hours = |date| Start { end: Some(at(day(date), 15)), ..start(day(date), 11) };
    let new = [lasts_four_hours(2), lasts_four_hours(9)];
    let mut longer = occurrence(&old[1]);
    longer.timing.end = Some(at(day(9), 12));
    let mut still_two_hours = occurrence(&new[1]);
    still_two_hours.timing.end = Some(at(day(9), 13));
    assert_eq!(
        rekey(&[occurrence(&old[0]), longer], &old, &new).kept,
        [occurrence(&new[0]), still_two_hours]
    );
}

#[test]
fn occurrences_outside_of_the_new_rule_are_superseded() {
    let old: Vec<_> = [2, 9, 16].map(|date| start(day(date), 10)).into();
    let all: Vec<_> = old.iter().map(occurrence).collect();
    // Every second week, and on another day of the week.
    let rekeyed = rekey(&all, &old, &[old[0].clone(), old[2].clone()]);
    assert_eq!(
        (rekeyed.kept, rekeyed.superseded),
        (vec![all[0].clone(), all[2].clone()], vec![all[1].clone()])
    );
    let tuesdays: Vec<_> = [3, 10, 17].map(|date| start(day(date), 10)).into();
    let rekeyed = rekey(&all, &old, &tuesdays);
    assert_eq!((rekeyed.kept, rekeyed.superseded), (vec![], all.clone()));
    assert_eq!(rekey(&all, &old, &old), Rekeyed { kept: all, superseded: vec![] });
}

#[test]
fn days_become_times_and_times_days() {
    let days: Vec<_> = [2, 3].map(|date| whole_day(day(date))).into();
    let hours: Vec<_> = [2, 3].map(|date| start(day(date), 10)).into();
    let mut longer = occurrence(&days[1]);
    longer.timing.end = Some(Moment::Day(day(6)));
    let rekeyed = rekey(&[occurrence(&days[0]), longer.clone()], &days, &hours);
    assert_eq!(rekeyed.kept, [occurrence(&hours[0]), occurrence(&hours[1])]);
    let rekeyed = rekey(&[occurrence(&hours[1])], &hours, &days);
    assert_eq!(rekeyed.kept, [occurrence(&days[1])]);
    let later: Vec<_> = [3, 2].map(|date| whole_day(day(date))).into();
    let rekeyed = rekey(&[longer.clone()], &days, &later);
    assert_eq!(rekeyed.kept, [longer]);
}

#[test]
fn of_several_times_on_one_day_each_keeps_its_number() {
    let old = [start(day(2), 8), start(day(2), 12), start(day(3), 8), start(day(3), 12)];
    let new = [start(day(2), 9), start(day(2), 13), start(day(3), 9)];
    let all: Vec<_> = old.iter().map(occurrence).collect();
    let rekeyed = rekey(&all, &old, &new);
    assert_eq!(rekeyed.kept, new.iter().map(occurrence).collect::<Vec<_>>());
    assert_eq!(rekeyed.superseded, [all[3].clone()]);
}

#[test]
fn an_occurrence_that_the_old_rule_did_not_have_stays_where_the_new_one_has_it() {
    let (old, new) = ([start(day(2), 10)], [start(day(2), 10), start(day(3), 10)]);
    let (known, stray) = (occurrence(&new[1]), occurrence(&start(day(4), 10)));
    let rekeyed = rekey(&[known.clone(), stray.clone()], &old, &new);
    assert_eq!((rekeyed.kept, rekeyed.superseded), (vec![known.clone()], vec![stray]));
    // Two that would be one: the first stays.
    let rekeyed = rekey(&[known.clone(), known.clone()], &old, &new);
    assert_eq!((rekeyed.kept, rekeyed.superseded), (vec![known.clone()], vec![known]));
    let series = Activity::new(ActivityKind::Appointment, "s");
    let rekeyed = rekey(std::slice::from_ref(&series), &old, &new);
    assert_eq!((rekeyed.kept, rekeyed.superseded), (vec![], vec![series]));
}

#[test]
fn a_series_that_goes_takes_its_edited_occurrences_along() {
    use Change::{Cancelled, Deleted, Edited, None as Same, Unlinked};
    let (here, there) = (Some(Side::Here), Some(Side::There));
    let table = [
        // the series, here, there, fate, loser
        (Fate::DeleteHere, Edited, Deleted, Fate::DeleteHere, here),
        (Fate::DeleteHere, Same, Deleted, Fate::DeleteHere, None),
        (Fate::DeleteHere, Same, Edited, Fate::DeleteHere, None),
        (Fate::DeleteThere, Deleted, Edited, Fate::DeleteThere, there),
        (Fate::DeleteThere, Edited, Same, Fate::DeleteThere, None),
        (Fate::CancelHere, Edited, Cancelled, Fate::CancelHere, here),
        (Fate::CancelHere, Same, Edited, Fate::CancelHere, None),
        (Fate::CancelThere, Cancelled, Edited, Fate::CancelThere, there),
        (Fate::CancelThere, Edited, Same, Fate::CancelThere, None),
        (Fate::UnlinkHere, Edited, Unlinked, Fate::UnlinkHere, None),
        (Fate::LeaveThere, Unlinked, Same, Fate::LeaveThere, None),
        (Fate::LeaveThere, Unlinked, Edited, Fate::LeaveThere, None),
        (Fate::Forget, Edited, Edited, Fate::Forget, None),
        (Fate::MakeThere, Same, Deleted, Fate::MakeThere, None),
        (Fate::MakeThere, Edited, Deleted, Fate::MakeThere, None),
        (Fate::MakeThere, Deleted, Deleted, Fate::Forget, None),
        (Fate::ReviveHere, Deleted, Same, Fate::ReviveHere, None),
        (Fate::ReviveHere, Deleted, Edited, Fate::ReviveHere, None),
        (Fate::ReviveHere, Deleted, Deleted, Fate::Forget, None),
        // By themselves, as long as the series stays.
        (Fate::Merge, Edited, Deleted, Fate::MakeThere, there),
        (Fate::Merge, Deleted, Edited, Fate::ReviveHere, here),
        (Fate::Merge, Same, Cancelled, Fate::CancelHere, None),
        (Fate::Merge, Edited, Edited, Fate::Merge, None),
    ];
    for (series, here, there, fate, loser) in table {
        let merges_first = (series, there) == (Fate::LeaveThere, Edited);
        assert_eq!(
            decide_override(series, here, there),
            Decision { fate, loser, merges_first },
            "{series:?}: here {here:?}, there {there:?}"
        );
    }
}

#[test]
fn a_stub_is_nothing_but_whose_series_it_is() {
    let mut one = occurrence(&start(day(2), 10));
    one.content.title = "Plans".to_owned();
    one.people.organizer = Some(Person { email: "anna@x".to_owned(), name: None });
    one.people.participants = vec![participant("vera@x", Response::Accepted)];
    let stub = stub_master(&one);
    assert_eq!((stub.uid.as_str(), stub.occurrence, stub.recurs()), ("s", None, false));
    assert_eq!(stub.people.organizer, one.people.organizer);
    assert!(stub.people.participants.is_empty() && stub.timing.start.is_none());
    assert_eq!(stub.content, Content::default());
}

proptest! {
    #[test]
    fn every_occurrence_is_kept_once_or_superseded(
        old in prop::collection::btree_set((1..28u32, 0..22u32), 0..8),
        new in prop::collection::btree_set((1..28u32, 0..22u32), 0..8),
        which in prop::collection::vec((1..28u32, 0..22u32), 0..6),
    ) {
        let starts = |all: &BTreeSet<(u32, u32)>| -> Vec<Start> {
            all.iter().map(|(date, hour)| start(day(*date), *hour)).collect()
        };
        let (old, new) = (starts(&old), starts(&new));
        let strays = which.iter().map(|(date, hour)| occurrence(&start(day(*date), *hour)));
        let all: Vec<Activity> = old.iter().map(occurrence).chain(strays).collect();
        let rekeyed = rekey(&all, &old, &new);
        prop_assert_eq!(rekeyed.kept.len() + rekeyed.superseded.len(), all.len());
        let keys: BTreeSet<_> = rekeyed.kept.iter().map(|one| one.occurrence).collect();
        prop_assert_eq!(keys.len(), rekeyed.kept.len());
        for one in &rekeyed.kept {
            prop_assert!(new.iter().any(|start| Some(start.occurrence) == one.occurrence));
        }
    }
}
