//! Three-way merging by groups of fields: who changed a group, and who wins where both did (F5.1).
//!
//! Content decides whether something changed, times only decide who wins. A group is won as a whole: the winner's change is brought
//! onto what the loser had before, and what the loser had is named, so that it can be kept. Nothing here erases what one side alone
//! can hold (`difference`).

use std::collections::{BTreeMap, BTreeSet};

use postrider_model::Timestamp;

use crate::fielded::Fielded;

/// One of the two that are kept in step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The store.
    Here,
    /// The server.
    There,
}

impl Side {
    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Here => Self::There,
            Self::There => Self::Here,
        }
    }
}

/// What both sides have, and what they had when they agreed last.
///
/// The base is two values, since a server's image of a record is never quite the record. What is here changed is found against
/// `agreed`, what changed there against `image`. A store that finds changed records by a hash has to give the value all the same: a
/// hash cannot say which group it was, nor what the loser had before.
#[derive(Debug)]
pub struct Sides<'a, T> {
    /// As it was here.
    pub agreed: &'a T,
    /// As the server returned it then.
    pub image: &'a T,
    /// As it is here.
    pub here: &'a T,
    /// As the server has it.
    pub there: &'a T,
}

impl<T> Clone for Sides<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Sides<'_, T> {}

impl<'a, T> Sides<'a, T> {
    /// A part of all four.
    pub(crate) fn part<P>(&self, of: impl Fn(&'a T) -> P) -> [P; 4] {
        [of(self.agreed), of(self.image), of(self.here), of(self.there)]
    }
}

impl<'a, T> From<&'a [T; 4]> for Sides<'a, T> {
    fn from([agreed, image, here, there]: &'a [T; 4]) -> Self {
        Self { agreed, image, here, there }
    }
}

/// When a person changed each group of a record last, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed<G: Ord> {
    /// Of all groups of which nothing better is known: a server tells of the whole item.
    pub all: Option<Timestamp>,
    /// Of single groups.
    pub of: BTreeMap<G, Timestamp>,
}

impl<G: Ord> Changed<G> {
    /// One time for all groups.
    pub const fn at(all: Option<Timestamp>) -> Self {
        Self { all, of: BTreeMap::new() }
    }

    fn when(&self, group: &G) -> Option<Timestamp> {
        self.of.get(group).copied().or(self.all)
    }
}

/// The times of both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times<G: Ord> {
    /// By the clock here.
    pub here: Changed<G>,
    /// By the server's clock.
    pub there: Changed<G>,
    /// How far the server's clock is ahead of ours, in milliseconds; negative where it is behind.
    pub ahead_ms: i64,
}

impl<G: Ord> Default for Times<G> {
    fn default() -> Self {
        Self { here: Changed::at(None), there: Changed::at(None), ahead_ms: 0 }
    }
}

impl<G: Ord> Times<G> {
    /// Who changed that group last. A tie is the server's, and so is what cannot be compared.
    pub fn later(&self, group: &G) -> Side {
        match (self.here.when(group), self.origin(group)) {
            (Some(here), Some(there)) if here > there => Side::Here,
            _ => Side::There,
        }
    }

    /// When the group was changed on the server, by the clock here: the time that a pull keeps.
    pub fn origin(&self, group: &G) -> Option<Timestamp> {
        self.there.when(group).map(|there| by_our_clock(there, self.ahead_ms))
    }
}

/// A server's time by the clock here, where the server's is so many milliseconds ahead. Saturates.
pub const fn by_our_clock(there: Timestamp, ahead_ms: i64) -> Timestamp {
    Timestamp(there.0.saturating_sub(ahead_ms.saturating_mul(1_000)))
}

/// What became of one group of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Nothing changed that the other side is to know.
    Unchanged,
    /// Both sides changed it alike.
    Alike,
    /// It changed there alone: here takes it over.
    FromThere,
    /// It changed here alone: it is to be sent.
    ToSend,
    /// Both had something that the other did not have: both take it over. Only where they meet for the first time.
    Joined,
    /// It differs here, and this link may not send it ("One meeting", rule 7).
    NotSent,
    /// Both changed it, that side later: a conflict. What the other had is superseded.
    Won(Side),
}

impl Outcome {
    /// Whose change was superseded.
    pub const fn loser(self) -> Option<Side> {
        match self {
            Self::Won(winner) => Some(winner.other()),
            _ => None,
        }
    }
}

/// What a merge of a record came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged<T, G: Ord> {
    /// As it is to be here.
    pub here: T,
    /// As it is to be on the server.
    pub there: T,
    /// What became of each group in which something happened.
    pub groups: BTreeMap<G, Outcome>,
}

impl<T: PartialEq, G: Ord> Merged<T, G> {
    /// Groups in which nothing happened are left out.
    pub(crate) fn new(here: T, there: T, groups: impl IntoIterator<Item = (G, Outcome)>) -> Self {
        let groups = groups.into_iter().filter(|(_, outcome)| *outcome != Outcome::Unchanged).collect();
        Self { here, there, groups }
    }

    /// How many groups both sides changed.
    pub fn conflicts(&self) -> usize {
        self.groups.values().filter(|outcome| outcome.loser().is_some()).count()
    }

    /// The sides of which something was superseded: the caller keeps what they had, whole.
    pub fn losers(&self) -> BTreeSet<Side> {
        self.groups.values().filter_map(|outcome| outcome.loser()).collect()
    }

    /// Whether something is to be written, of what was merged, on that side.
    pub fn writes(&self, side: Side, of: Sides<'_, T>) -> bool {
        match side {
            Side::Here => self.here != *of.here,
            Side::There => self.there != *of.there,
        }
    }
}

/// Which of a record's groups go over a link in which direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ways {
    /// What is there counts.
    pub(crate) feeds: bool,
    /// What is here may be sent.
    pub(crate) sends: bool,
}

/// A merged group of fields.
pub(crate) struct Group<T> {
    pub(crate) here: T,
    pub(crate) there: T,
    pub(crate) outcome: Outcome,
}

/// Merges one group. `later` is who changed it last, where both did.
pub(crate) fn merge_group<T: Fielded>(
    sides: Sides<'_, T>,
    holds: &BTreeSet<T::Field>,
    ways: Ways,
    later: Side,
) -> Group<T> {
    let Sides { agreed, image, here, there } = sides;
    let changed_here = T::differ(here, agreed, holds);
    let changed_there = ways.feeds && T::differ(there, image, holds);
    let stays = |outcome| Group { here: here.clone(), there: there.clone(), outcome };
    let taken = |outcome, onto: &T| Group {
        here: T::apply(image, there, onto, holds),
        there: there.clone(),
        outcome,
    };
    let sent = |outcome, onto: &T| Group {
        here: here.clone(),
        there: T::overlay(&T::apply(agreed, here, onto, holds), there, holds),
        outcome,
    };
    if !ways.feeds && ways.sends && T::differ(there, image, holds) {
        // It is not what is there that counts, so what was written there does not stay.
        return sent(Outcome::Won(Side::Here), image);
    }
    match (changed_here, changed_there) {
        (false, false) => stays(Outcome::Unchanged),
        (false, true) => taken(Outcome::FromThere, here),
        (true, false) if ways.sends => sent(Outcome::ToSend, there),
        (true, false) => stays(Outcome::NotSent),
        (true, true) => {
            // What one side cannot hold is not what the other wins.
            let won = taken(Outcome::Won(Side::There), &T::overlay(agreed, here, holds));
            if won.here == *here {
                stays(Outcome::Alike)
            } else if ways.sends && later == Side::Here {
                sent(Outcome::Won(Side::Here), image)
            } else {
                won
            }
        }
    }
}

/// Merges two values that meet for the first time, so that there is nothing that they agreed on: each fills what the other leaves
/// empty, and where both say something, the later one is believed. It is a conflict where that overwrites something. Where the link
/// goes one way alone, the one that it comes from is believed in everything.
pub(crate) fn meet<T: Fielded + Default>(
    here: &T,
    there: &T,
    holds: &BTreeSet<T::Field>,
    ways: Ways,
    later: Side,
) -> Group<T> {
    let nothing = T::default();
    let (all, winner) = match (ways.feeds, ways.sends, later) {
        (false, false, _) => {
            return Group { here: here.clone(), there: there.clone(), outcome: Outcome::Unchanged };
        }
        (true, false, _) => (there.clone(), Side::There),
        (false, true, _) => (here.clone(), Side::Here),
        (true, true, Side::There) => (T::apply(&nothing, there, here, holds), later),
        (true, true, Side::Here) => (T::apply(&nothing, here, there, holds), later),
    };
    let (to_here, to_there) = (T::overlay(&all, here, holds), T::overlay(&all, there, holds));
    let (loser, became) = match winner {
        Side::There => (here, &to_here),
        Side::Here => (there, &to_there),
    };
    let is_filled_only = ways.feeds && ways.sends && !T::contradict(loser, became, holds);
    let loses = loser != became && !is_filled_only && T::differ(loser, &nothing, holds);
    let outcome = match (to_here == *here, to_there == *there) {
        _ if loses => Outcome::Won(winner),
        (true, true) => Outcome::Alike,
        (false, true) => Outcome::FromThere,
        (true, false) => Outcome::ToSend,
        (false, false) => Outcome::Joined,
    };
    Group { here: to_here, there: to_there, outcome }
}

#[cfg(test)]
mod tests;
