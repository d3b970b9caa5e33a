//! A series and the occurrences that differ from it (design, "Recurrence").
//!
//! The series is settled first. What an occurrence has in common with it follows it, what differs stays. Where the series takes place at
//! other times, an occurrence that differs belongs to the one on the same day; where there is none on that day any more, it is superseded.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use postrider_model::{Activity, Moment, Occurrence, Own, Participant, Response, Timestamp};

use crate::fate::{Change, Decision, Fate, decide};
use crate::fielded::{Fielded, Seats, fold};
use crate::merge::Side;

/// One time of a series, as its rules have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Which one.
    pub occurrence: Occurrence,
    /// When it begins.
    pub start: Moment,
    /// When it ends.
    pub end: Option<Moment>,
}

impl Start {
    /// The day on which it begins, as the clocks there show it.
    pub const fn date(&self) -> NaiveDate {
        match &self.start {
            Moment::Day(date) => *date,
            Moment::At { local, .. } => local.date(),
        }
    }
}

/// Puts every series before its occurrences, in which order they are settled and sent.
pub fn in_order(activities: &mut [Activity]) {
    activities.sort_by(|one, other| (&one.uid, one.occurrence).cmp(&(&other.uid, other.occurrence)));
}

/// An occurrence whose series changed: what was as in the old one is as in the new one. Its times are left to [`rekey`].
pub fn inherit(old: &Activity, new: &Activity, occurrence: &Activity) -> Activity {
    let mut follows = occurrence.clone();
    follows.kind = new.kind;
    follows.content = Fielded::follow(&old.content, &new.content, &occurrence.content);
    let [was, is, onto] = [old, new, occurrence].map(|one| Seats::from(&one.people));
    let seats: Seats = Fielded::follow(&was, &is, &onto);
    let [was, is, onto] = [old, new, occurrence].map(answers);
    let participants = seats.participants.into_iter().map(|seat| {
        let of = |answers: &BTreeMap<String, Answer>| answers.get(&fold(&seat.email)).copied();
        let own = of(&onto).filter(|own| Some(own.0) != of(&was).map(|was| was.0));
        let (response, responded) = own.or_else(|| of(&is)).or_else(|| of(&onto)).unwrap_or_default();
        Participant { person: seat.person(), role: seat.role, response, responded }
    });
    follows.people.participants = participants.collect();
    follows.people.organizer = seats.organizer;
    follows
}

/// What a user has for themselves of such an occurrence: what was as with the old series is as with the new one.
pub fn inherit_own(old: &Own, new: &Own, occurrence: &Own) -> Own {
    let mut follows = occurrence.clone();
    if occurrence.response == old.response {
        follows.response = new.response;
    }
    if occurrence.reminders == old.reminders {
        follows.reminders.clone_from(&new.reminders);
    }
    if occurrence.show_as == old.show_as {
        follows.show_as = new.show_as;
    }
    if occurrence.categories == old.categories {
        follows.categories.clone_from(&new.categories);
    }
    follows
}

type Answer = (Response, Option<Timestamp>);

fn answers(activity: &Activity) -> BTreeMap<String, Answer> {
    let answer = |one: &Participant| (fold(&one.person.email), (one.response, one.responded));
    activity.people.participants.iter().map(answer).collect()
}

/// The occurrences of a series that takes place at other times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rekeyed {
    /// Those that belong to one of the new times.
    pub kept: Vec<Activity>,
    /// Those that belong to none, as they were.
    pub superseded: Vec<Activity>,
}

/// Gives the occurrences of a series the keys that they have after its start, zone, length or rules changed: each belongs to the time on
/// the same day, of several on one day to the one of the same number. One that was not moved begins with it; one that a person moved
/// stays where it was put. `old` and `new` are the times of the series, so far that they cover all `occurrences`.
pub fn rekey(occurrences: &[Activity], old: &[Start], new: &[Start]) -> Rekeyed {
    let places: BTreeMap<Occurrence, ((NaiveDate, usize), &Start)> =
        numbered(old).map(|(place, start)| (start.occurrence, (place, start))).collect();
    let targets: BTreeMap<(NaiveDate, usize), &Start> = numbered(new).collect();
    let same: BTreeMap<Occurrence, &Start> = new.iter().map(|start| (start.occurrence, start)).collect();
    let mut taken = BTreeSet::new();
    let mut rekeyed = Rekeyed::default();
    for one in occurrences {
        let place = one.occurrence.and_then(|key| places.get(&key));
        let target = match place {
            Some((place, _)) => targets.get(place),
            None => one.occurrence.and_then(|key| same.get(&key)),
        };
        match target.filter(|target| taken.insert(target.occurrence)) {
            Some(target) => rekeyed.kept.push(at_new_time(one, place.map(|(_, was)| *was), target)),
            None => rekeyed.superseded.push(one.clone()),
        }
    }
    rekeyed
}

/// Each time with its day, and which one of that day it is.
fn numbered(starts: &[Start]) -> impl Iterator<Item = ((NaiveDate, usize), &Start)> {
    let mut of_day: BTreeMap<NaiveDate, usize> = BTreeMap::new();
    starts.iter().map(move |start| {
        let number = of_day.entry(start.date()).or_default();
        *number += 1;
        ((start.date(), *number), start)
    })
}

fn at_new_time(one: &Activity, was: Option<&Start>, is: &Start) -> Activity {
    let mut moved = one.clone();
    moved.occurrence = Some(is.occurrence);
    let Some(was) = was.filter(|was| one.timing.start.as_ref() == Some(&was.start)) else { return moved };
    moved.timing.start = Some(is.start.clone());
    moved.timing.end = match &one.timing.end {
        end if *end == was.end => is.end.clone(),
        Some(end) => shifted(end, &was.start, &is.start).or_else(|| is.end.clone()),
        None => None,
    };
    moved
}

/// A moment as far from `to` as it is from `from`, on the clocks of `to`. `None` where days and times meet.
pub(crate) fn shifted(moment: &Moment, from: &Moment, to: &Moment) -> Option<Moment> {
    match (moment, from, to) {
        (Moment::Day(day), Moment::Day(from), Moment::Day(to)) => {
            to.checked_add_signed(day.signed_duration_since(*from)).map(Moment::Day)
        }
        (Moment::At { local, .. }, Moment::At { local: from, .. }, Moment::At { local: to, zone }) => {
            let local = to.checked_add_signed(local.signed_duration_since(*from))?;
            Some(Moment::At { local, zone: zone.clone() })
        }
        _ => None,
    }
}

/// What becomes of an occurrence by what happened to it on both sides, once its series is decided. A series that goes takes its
/// occurrences along, edited or not; one that is made again or restored brings them with it.
pub fn decide_override(series: Fate, here: Change, there: Change) -> Decision {
    let goes = |loser| Decision { fate: series, loser, merges_first: false };
    match (series, here, there) {
        (Fate::DeleteHere | Fate::CancelHere, Change::Edited, _) => goes(Some(Side::Here)),
        (Fate::DeleteThere | Fate::CancelThere, _, Change::Edited) => goes(Some(Side::There)),
        (Fate::LeaveThere, _, Change::Edited) => Decision { fate: series, loser: None, merges_first: true },
        (Fate::MakeThere, Change::Deleted, _) | (Fate::ReviveHere, _, Change::Deleted) => {
            Decision { fate: Fate::Forget, loser: None, merges_first: false }
        }
        (Fate::Merge, here, there) => decide(here, there),
        _ => goes(None),
    }
}

/// The series of which only one occurrence is known, because its user was asked to that one alone: nothing but what it is and whose, and
/// without a time, so that it takes place at none itself.
pub fn stub_master(occurrence: &Activity) -> Activity {
    let mut stub = Activity::new(occurrence.kind, occurrence.uid.clone());
    stub.people.organizer = occurrence.people.organizer.clone();
    stub
}

#[cfg(test)]
mod tests;
