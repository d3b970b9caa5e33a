//! Activities merged: what is shared, as far as the link's rights go, and what a user has for themselves, always (F5.1).

use std::collections::{BTreeMap, BTreeSet};

use postrider_model::{
    Activity, ActivityField, Own, Participant, People, Person, Reminder, Response, ShowAs, Status, Timestamp,
};

use crate::activities::rights::Rights;
use crate::difference::{Difference, whole};
use crate::fate::Change;
use crate::fielded::{Fielded, Seat, Seats, Time, fielded, fold};
use crate::merge::{Group, Merged, Outcome, Side, Sides, Times, Ways, meet, merge_group};

/// An activity as one user has it: what all share, and what is theirs ("One meeting", rule 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facets {
    /// What all who take part share.
    pub shared: Activity,
    /// What the link's user has for themselves.
    pub own: Own,
}

/// A group of fields of an activity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldGroup {
    /// What it is about.
    Content,
    /// When it is, and when again.
    Timing,
    /// Who takes part and as what, the organizer among them.
    Participants,
    /// What the one with that address answered, in lower case.
    Response(String),
    /// What the link's user answered.
    OwnResponse,
    /// The user's reminders.
    Reminders,
    /// How the user's time shows.
    ShowAs,
    /// The user's words for it.
    Categories,
}

impl FieldGroup {
    /// Whether it is a user's own, and no organizer's ("One meeting", rule 3).
    pub const fn is_own(&self) -> bool {
        match self {
            Self::Content | Self::Timing | Self::Participants | Self::Response(_) => false,
            Self::OwnResponse | Self::Reminders | Self::ShowAs | Self::Categories => true,
        }
    }
}

/// What somebody answered, and the parts of a user's own facet, each a group of its own.
#[derive(Debug, Clone, Default, PartialEq)]
struct Answered {
    response: Response,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct OwnAnswer {
    response: Option<Response>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Reminded {
    reminders: Vec<Reminder>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Shown {
    show_as: ShowAs,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Called {
    categories: Vec<String>,
}

whole!(Response, Option<Response>);
fielded!(Answered, ActivityField { response: Responses });
fielded!(OwnAnswer, ActivityField { response: Responses });
fielded!(Reminded, ActivityField { reminders: Reminders });
fielded!(Shown, ActivityField { show_as: ShowAs });
fielded!(Called, ActivityField { categories: Categories });

/// `here`, as it was agreed on, with what changed between two images of a server that can hold the fields of `holds`.
pub fn apply_difference(was: &Facets, is: &Facets, here: &Facets, holds: &BTreeSet<ActivityField>) -> Facets {
    let sides = Sides { agreed: here, image: was, here, there: is };
    merge_activity(sides, &Times::default(), holds, Rights::ALL).here
}

/// What to take for the value on which both sides agreed, where it is not known any more: the image, and of what the server cannot
/// hold what is here.
pub fn assumed_base(image: &Facets, here: &Facets, holds: &BTreeSet<ActivityField>) -> Facets {
    let sides = Sides { agreed: image, image, here, there: image };
    merge_by(&Overlaid, sides, &Times::default(), holds, Rights::ALL).here
}

/// What happened to one side of a link since both agreed, as far as a server with these fields can tell: for [`decide`](crate::decide).
pub fn change_of(was: &Facets, is: &Facets, holds: &BTreeSet<ActivityField>) -> Change {
    if was == is {
        return Change::None;
    }
    let is_cancelled = |facets: &Facets| facets.shared.content.status == Status::Cancelled;
    let sides = Sides { agreed: was, image: was, here: is, there: was };
    if is_cancelled(is) && !is_cancelled(was) {
        Change::Cancelled
    } else if merge_activity(sides, &Times::default(), holds, Rights::ALL).groups.is_empty() {
        Change::None
    } else {
        Change::Edited
    }
}

/// Merges an activity with a link's item. What is shared goes the ways that the link's `rights` allow; what is the user's own goes both
/// ways.
pub fn merge_activity(
    sides: Sides<'_, Facets>,
    times: &Times<FieldGroup>,
    holds: &BTreeSet<ActivityField>,
    rights: Rights,
) -> Merged<Facets, FieldGroup> {
    merge_by(&ThreeWay, sides, times, holds, rights)
}

/// Merges an activity with an item that it is tied to for the first time, by its uid: each fills what the other leaves empty, and where
/// they contradict each other, the later one is believed. What a link may not send is as its item says.
pub fn meet_activity(
    here: &Facets,
    there: &Facets,
    times: &Times<FieldGroup>,
    holds: &BTreeSet<ActivityField>,
    rights: Rights,
) -> Merged<Facets, FieldGroup> {
    merge_by(&FirstMeeting, Sides { agreed: here, image: there, here, there }, times, holds, rights)
}

/// How a single group is merged.
trait Way {
    /// Whether a group that is on either side as it was is left alone: then it is not looked into.
    const LEAVES: bool;

    fn merge<T: Fielded<Field = ActivityField> + Default>(
        &self,
        sides: Sides<'_, T>,
        holds: &BTreeSet<ActivityField>,
        ways: Ways,
        later: Side,
    ) -> Group<T>;
}

macro_rules! way {
    ($name:ident, $leaves:literal: |$sides:ident, $holds:ident, $ways:ident, $later:ident| $merge:expr) => {
        struct $name;

        impl Way for $name {
            const LEAVES: bool = $leaves;

            fn merge<T: Fielded<Field = ActivityField> + Default>(
                &self,
                $sides: Sides<'_, T>,
                $holds: &BTreeSet<ActivityField>,
                $ways: Ways,
                $later: Side,
            ) -> Group<T> {
                $merge
            }
        }
    };
}

way!(ThreeWay, true: |sides, holds, ways, later| merge_group(sides, holds, ways, later));
way!(FirstMeeting, false: |sides, holds, ways, later| meet(sides.here, sides.there, holds, ways, later));
way!(Overlaid, false: |sides, holds, _ways, _later| Group {
    here: T::overlay(sides.there, sides.here, holds),
    there: sides.there.clone(),
    outcome: Outcome::Unchanged,
});

/// What a merge of all groups goes through.
struct Merging<'a, W> {
    way: &'a W,
    sides: Sides<'a, Facets>,
    times: &'a Times<FieldGroup>,
    holds: &'a BTreeSet<ActivityField>,
    rights: Rights,
    groups: BTreeMap<FieldGroup, Outcome>,
}

impl<'a, W: Way> Merging<'a, W> {
    /// Merges the group that is made of that part; `None` where both sides keep theirs.
    fn group<P, T>(
        &mut self,
        name: FieldGroup,
        part: impl Fn(&'a Facets) -> &'a P,
        of: impl Fn(&P) -> T,
    ) -> Option<(T, T)>
    where
        P: PartialEq + 'a,
        T: Fielded<Field = ActivityField> + Default,
    {
        let [agreed, image, here, there] = self.sides.part(part);
        if W::LEAVES && here == agreed && there == image {
            return None;
        }
        let parts = [agreed, image, here, there].map(of);
        let later = self.times.later(&name);
        let group = self.way.merge(Sides::from(&parts), self.holds, self.rights.ways(&name), later);
        self.groups.insert(name, group.outcome);
        Some((group.here, group.there))
    }
}

fn merge_by<W: Way>(
    way: &W,
    sides: Sides<'_, Facets>,
    times: &Times<FieldGroup>,
    holds: &BTreeSet<ActivityField>,
    rights: Rights,
) -> Merged<Facets, FieldGroup> {
    let (mut here, mut there) = (sides.here.clone(), sides.there.clone());
    let mut all = Merging { way, sides, times, holds, rights, groups: BTreeMap::new() };
    if let Some(content) = all.group(FieldGroup::Content, |facets| &facets.shared.content, Clone::clone) {
        (here.shared.content, there.shared.content) = content;
    }
    if let Some((is_here, is_there)) =
        all.group(FieldGroup::Timing, |facets| &facets.shared.timing, |timing| Time::from(timing))
    {
        (here.shared.timing, there.shared.timing) = (is_here.into(), is_there.into());
    }
    if let Some(people) = merge_people(&mut all) {
        (here.shared.people, there.shared.people) = people;
    }
    merge_own(&mut all, &mut here.own, &mut there.own);
    if rights.feeds_shared {
        here.shared.sequence = here.shared.sequence.max(there.shared.sequence);
    }
    Merged::new(here, there, all.groups)
}

fn merge_own<W: Way>(all: &mut Merging<'_, W>, here: &mut Own, there: &mut Own) {
    let answer = |response: &Option<Response>| OwnAnswer { response: *response };
    if let Some(is) = all.group(FieldGroup::OwnResponse, |facets| &facets.own.response, answer) {
        (here.response, there.response) = (is.0.response, is.1.response);
    }
    let reminded = |reminders: &Vec<Reminder>| Reminded { reminders: reminders.clone() };
    if let Some(is) = all.group(FieldGroup::Reminders, |facets| &facets.own.reminders, reminded) {
        (here.reminders, there.reminders) = (is.0.reminders, is.1.reminders);
    }
    let shown = |show_as: &ShowAs| Shown { show_as: *show_as };
    if let Some(is) = all.group(FieldGroup::ShowAs, |facets| &facets.own.show_as, shown) {
        (here.show_as, there.show_as) = (is.0.show_as, is.1.show_as);
    }
    let called = |categories: &Vec<String>| Called { categories: categories.clone() };
    if let Some(is) = all.group(FieldGroup::Categories, |facets| &facets.own.categories, called) {
        (here.categories, there.categories) = (is.0.categories, is.1.categories);
    }
}

/// Merges who takes part, and then each answer for itself; `None` where both sides keep theirs.
fn merge_people<W: Way>(all: &mut Merging<'_, W>) -> Option<(People, People)> {
    let (here, there) =
        all.group(FieldGroup::Participants, |facets| &facets.shared.people, |people| Seats::from(people))?;
    let answers = all.sides.part(|facets| answers(&facets.shared.people));
    let addresses: BTreeSet<String> =
        here.participants.iter().chain(&there.participants).map(|seat| fold(&seat.email)).collect();
    let mut settled: [BTreeMap<String, Answer>; 2] = Default::default();
    for address in addresses {
        let answer = |of: &BTreeMap<String, Answer>| of.get(&address).copied().unwrap_or_default();
        let [agreed, image, here, there] = [0, 1, 2, 3].map(|side: usize| answer(&answers[side]));
        let said = [agreed, image, here, there].map(|(response, _)| Answered { response });
        let name = FieldGroup::Response(address.clone());
        let later = all.times.later(&name);
        let group = all.way.merge(Sides::from(&said), all.holds, all.rights.ways(&name), later);
        all.groups.insert(name, group.outcome);
        // The time of an answer goes with it.
        let dated = |response, own: Answer, other: Answer| match response {
            _ if response == own.0 => own,
            _ => (response, other.1),
        };
        settled[0].insert(address.clone(), dated(group.here.response, here, there));
        settled[1].insert(address, dated(group.there.response, there, here));
    }
    let [answers_here, answers_there] = settled;
    Some((seated(here, &answers_here), seated(there, &answers_there)))
}

/// What somebody answered, and when.
type Answer = (Response, Option<Timestamp>);

fn answers(people: &People) -> BTreeMap<String, Answer> {
    let answer = |one: &Participant| (fold(&one.person.email), (one.response, one.responded));
    people.participants.iter().map(answer).collect()
}

fn seated(seats: Seats, answers: &BTreeMap<String, Answer>) -> People {
    let participant = |seat: Seat| {
        let (response, responded) = answers.get(&fold(&seat.email)).copied().unwrap_or_default();
        let person = Person { email: seat.email, name: seat.name };
        Participant { person, role: seat.role, response, responded }
    };
    People {
        organizer: seats.organizer,
        participants: seats.participants.into_iter().map(participant).collect(),
    }
}

#[cfg(test)]
mod tests;
