//! Contacts merged: what they say, and what they are put under (F5.1).

use std::collections::BTreeSet;

use postrider_model::{Contact, ContactField};

use crate::fate::Change;
use crate::fielded::Fielded;
use crate::merge::{Group, Merged, Sides, Times, Ways, meet, merge_group};

/// A group of a contact's fields. There is one: memberships are merged for themselves, by [`merge_memberships`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldGroup {
    /// All fields but the uid.
    Content,
}

/// Nobody has more of a word in a contact than the other.
const BOTH_WAYS: Ways = Ways { feeds: true, sends: true };

/// `here`, as it was agreed on, with what changed between two images of a server that can hold the fields of `holds`.
pub fn apply_difference(
    was: &Contact,
    is: &Contact,
    here: &Contact,
    holds: &BTreeSet<ContactField>,
) -> Contact {
    Contact::apply(was, is, here, holds)
}

/// What to take for the value on which both sides agreed, where it is not known any more: the image, and of what the server cannot
/// hold what is here. What the server was never given counts as changed here, and so is sent or superseded, never erased.
pub fn assumed_base(image: &Contact, here: &Contact, holds: &BTreeSet<ContactField>) -> Contact {
    Contact::overlay(image, here, holds)
}

/// What to take for the image of an item that was made from here and is heard of only now. It is what is there, but for what was not
/// `said`: that somebody changed there since. What was said and is not there the server may have had no place for, so it counts for no
/// change.
pub fn image_when_made(said: &Contact, there: &Contact) -> Contact {
    Contact::recalled(said, there)
}

/// What happened to one side of a link since both agreed, as far as a server with these fields can tell: for
/// [`decide_contact`](super::decide_contact).
pub fn change_of(was: &Contact, is: &Contact, holds: &BTreeSet<ContactField>) -> Change {
    if Contact::differ(is, was, holds) { Change::Edited } else { Change::None }
}

/// Merges a contact with its item.
pub fn merge_contact(
    sides: Sides<'_, Contact>,
    times: &Times<FieldGroup>,
    holds: &BTreeSet<ContactField>,
) -> Merged<Contact, FieldGroup> {
    let later = times.later(&FieldGroup::Content);
    with_uid(sides.here, merge_group(sides, holds, BOTH_WAYS, later))
}

/// Merges a contact with an item that it is tied to for the first time (F3.7): each fills what the other leaves empty, and where they
/// contradict each other, the later one is believed.
pub fn meet_contact(
    here: &Contact,
    there: &Contact,
    times: &Times<FieldGroup>,
    holds: &BTreeSet<ContactField>,
) -> Merged<Contact, FieldGroup> {
    with_uid(here, meet(here, there, holds, BOTH_WAYS, times.later(&FieldGroup::Content)))
}

/// A contact keeps its uid, and takes one over where it has none.
fn with_uid(here: &Contact, group: Group<Contact>) -> Merged<Contact, FieldGroup> {
    let mut merged = Merged::new(group.here, group.there, [(FieldGroup::Content, group.outcome)]);
    merged.here.uid = here.uid.clone().or_else(|| merged.there.uid.clone());
    merged
}

/// Merges tags or groups, each for itself. One has two states, in it or not, so where both sides changed one, they changed it alike:
/// there is nothing to win.
pub fn merge_memberships<M: Ord + Clone>(
    base: &BTreeSet<M>,
    here: &BTreeSet<M>,
    there: &BTreeSet<M>,
) -> BTreeSet<M> {
    let takes = |one: &&M| {
        let (was, is_here, is_there) = (base.contains(one), here.contains(one), there.contains(one));
        if is_here == was { is_there } else { is_here }
    };
    here.union(there).filter(takes).cloned().collect()
}

#[cfg(test)]
mod tests;
