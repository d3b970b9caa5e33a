//! One meeting is one record, however many accounts see it (design, "One meeting", rules 1 to 6 and 12).

use std::cmp::Reverse;

use postrider_model::{Activity, Occurrence, Timestamp};

use crate::activities::rights::Standing;

/// By what a meeting is known (rule 1). Neither its title nor its time says which one it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeetingKey {
    /// The uid, in the form in which all servers have it.
    pub uid: String,
    /// Which time of a series.
    pub occurrence: Option<Occurrence>,
}

/// The key of an activity (rule 1); none without a uid, since all that have none are not one meeting.
pub fn meeting_key(activity: &Activity) -> Option<MeetingKey> {
    let uid = activity.uid.trim();
    (!uid.is_empty()).then(|| MeetingKey { uid: uid.to_owned(), occurrence: activity.occurrence })
}

/// By what a link is known: no two are of the same account, calendar and item (rule 2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkKey<A, C> {
    /// The account.
    pub account: A,
    /// The calendar or task list.
    pub calendar: C,
    /// The item, as the server calls it.
    pub item: String,
}

/// Which record an item is (rules 1 and 2): the one that it is linked with, whatever its uid is by now, else the one of its key, unless
/// that has an item in the calendar already: no record has two there. `None`: it is a new record.
pub fn tie<R>(linked: Option<R>, of_key: Option<R>, has_item_in_calendar: bool) -> Option<R> {
    linked.or(of_key.filter(|_| !has_item_in_calendar))
}

/// One account's item of a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeetingCopy<L> {
    /// Its link.
    pub link: L,
    /// As what the account's user has it.
    pub standing: Standing,
    /// Its sequence.
    pub sequence: u32,
    /// When it changed last, by the clock here.
    pub changed: Option<Timestamp>,
    /// Whether it does not say who takes part.
    pub guests_hidden: bool,
    /// Whether it says no more than when somebody is busy.
    pub is_free_busy_only: bool,
}

/// The link that speaks for the organizer, if one does (rule 4). Of several the first that was linked.
pub fn authority<L: Clone + Ord>(copies: &[MeetingCopy<L>]) -> Option<L> {
    let organizers = copies.iter().filter(|copy| copy.standing == Standing::Organizer);
    organizers.map(|copy| copy.link.clone()).min()
}

/// Which links the shared facet is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feeding<L> {
    /// Content and timing.
    pub shared: Option<L>,
    /// Who takes part.
    pub people: Option<L>,
}

/// Which links feed the shared facet: the authority alone (rule 4); without one the copy with the highest sequence, of those with the same
/// the latest, and who takes part is taken only from one that shows it (rule 5). A copy that shows only when somebody is busy comes
/// after all others, and one that was made here as a plain appointment says nothing.
pub fn feeding<L: Clone + Ord>(copies: &[MeetingCopy<L>]) -> Feeding<L> {
    if let Some(link) = authority(copies) {
        return Feeding { shared: Some(link.clone()), people: Some(link) };
    }
    let newest = |of: &mut dyn Iterator<Item = &MeetingCopy<L>>| {
        of.filter(|copy| copy.standing != Standing::Plain)
            .max_by_key(|copy| {
                (!copy.is_free_busy_only, copy.sequence, copy.changed, Reverse(copy.link.clone()))
            })
            .map(|copy| copy.link.clone())
    };
    let mut showing = copies.iter().filter(|copy| !copy.guests_hidden && !copy.is_free_busy_only);
    Feeding { shared: newest(&mut copies.iter()), people: newest(&mut showing) }
}

/// Who stands in for an organizer of whom there is no copy here (rule 6): the first participant who syncs. It stays the same one as
/// long as they sync, and there is none once the organizer's copy has come. It is known here alone: the organizer is whom servers name, and
/// standing in for them gives no right there.
pub fn stand_in<U: Clone + PartialEq>(now: Option<&U>, has_authority: bool, syncing: &[U]) -> Option<U> {
    if has_authority {
        return None;
    }
    now.filter(|user| syncing.contains(user)).or(syncing.first()).cloned()
}

/// Whether a user sees a meeting (rule 12): who takes part or organizes it, by any of their addresses, and who has a link of it.
pub fn sees(addresses: &[&str], owns_a_link: bool, activity: &Activity) -> bool {
    let people = &activity.people;
    let all = people.organizer.iter().chain(people.participants.iter().map(|one| &one.person));
    let mut all = all.filter(|person| !person.email.is_empty());
    owns_a_link || all.any(|person| addresses.iter().any(|address| person.is(address)))
}
