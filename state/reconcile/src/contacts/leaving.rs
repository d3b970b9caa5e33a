//! What it means that a contact is deleted, or does not belong into a link any more (F3.3, F3.4).
//!
//! By default deleting is leaving: nothing is deleted on the other side for it. So what was deleted on one side comes to the table of
//! `fate` as unlinked, unless the account says that deletions are carried over.

use crate::fate::{Change, Decision, Fate, decide};
use crate::merge::Side;

/// What leaving is, for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Leaving {
    /// Google: the tag here and the contact group there say what is kept in step.
    Group,
    /// Exchange: the link says it.
    Unlink,
    /// Exchange, with `deletions = "propagate"`: deletions are carried over. What no longer qualifies is unlinked still.
    Propagate,
}

/// What becomes of a contact and its item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContactFate {
    /// Both are there: their fields are merged.
    Merge,
    /// The record is deleted too, restorable.
    DeleteHere,
    /// The item is deleted too.
    DeleteThere,
    /// The item is made again of what the record is.
    MakeThere,
    /// The record is restored, and merged with its item.
    ReviveHere,
    /// The record loses the account's tag, and with it the link.
    Untag,
    /// The item leaves the contact group, and with it the link.
    LeaveGroup,
    /// The link goes, and nothing else happens to either.
    Unlink,
    /// Neither has it any more: the link goes.
    Forget,
}

/// A contact's fate, and what it cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContactDecision {
    /// What is done.
    pub fate: ContactFate,
    /// Whose change is superseded: a conflict.
    pub loser: Option<Side>,
    /// Whether what was edited there is merged into the record before the link goes.
    pub merges_first: bool,
}

/// Decides what becomes of a contact by what happened on both sides since they agreed last.
pub fn decide_contact(leaving: Leaving, here: Change, there: Change) -> ContactDecision {
    let means = |change| match (change, leaving) {
        (Change::Deleted | Change::Cancelled, Leaving::Group | Leaving::Unlink) => Change::Unlinked,
        // Contacts are not cancelled; nothing that says so is believed further than a deletion is.
        (Change::Cancelled, Leaving::Propagate) => Change::Deleted,
        _ => change,
    };
    let Decision { fate, loser, merges_first } = decide(means(here), means(there));
    let fate = match (fate, leaving) {
        (Fate::Merge | Fate::CancelHere | Fate::CancelThere, _) => ContactFate::Merge,
        (Fate::DeleteHere, _) => ContactFate::DeleteHere,
        (Fate::DeleteThere, _) => ContactFate::DeleteThere,
        (Fate::MakeThere, _) => ContactFate::MakeThere,
        (Fate::ReviveHere, _) => ContactFate::ReviveHere,
        (Fate::UnlinkHere, Leaving::Group) => ContactFate::Untag,
        (Fate::LeaveThere, Leaving::Group) => ContactFate::LeaveGroup,
        (Fate::UnlinkHere | Fate::LeaveThere, Leaving::Unlink | Leaving::Propagate) => ContactFate::Unlink,
        (Fate::Forget, _) => ContactFate::Forget,
    };
    // A record that is deleted takes nothing in.
    ContactDecision { fate, loser, merges_first: merges_first && here == Change::Unlinked }
}

/// What is known of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tie {
    /// Nothing: it was never linked.
    None,
    /// It is linked with a record.
    Linked,
    /// It was, and left: that is remembered, else the next listing would bring back what was deleted or untagged here.
    Left,
}

/// What an item that a server tells of is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arrival {
    /// It comes in: it is matched, and else made a record. Where a tag says what is kept in step, the record gets it.
    Take,
    /// It is its record's item still.
    Follow,
    /// It left: it is unlinked there ([`Change::Unlinked`]).
    Leaves,
    /// It is none of ours.
    Ignore,
}

/// Judges an item. `is_inside`: whether it is in the contact group, or in a folder that is followed.
pub const fn judge_arrival(leaving: Leaving, tie: Tie, is_inside: bool) -> Arrival {
    match (tie, is_inside, leaving) {
        (Tie::Linked, true, _) => Arrival::Follow,
        (Tie::Linked, false, _) => Arrival::Leaves,
        (Tie::None, true, _) | (Tie::Left, true, Leaving::Group) => Arrival::Take,
        (Tie::None, false, _) | (Tie::Left, _, _) => Arrival::Ignore,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: [Leaving; 3] = [Leaving::Group, Leaving::Unlink, Leaving::Propagate];

    #[test]
    fn a_deletion_on_one_side_is_none_on_the_other_unless_it_is_carried_over() {
        use Change::{Cancelled, Deleted, Edited, None as Same, Unlinked};
        use ContactFate::*;
        let table = [
            // here, there, by group, by link, carried over
            (Same, Same, Merge, Merge, Merge),
            (Edited, Same, Merge, Merge, Merge),
            (Same, Edited, Merge, Merge, Merge),
            (Edited, Edited, Merge, Merge, Merge),
            (Same, Deleted, Untag, Unlink, DeleteHere),
            (Edited, Deleted, Untag, Unlink, MakeThere),
            (Deleted, Same, LeaveGroup, Unlink, DeleteThere),
            (Deleted, Edited, LeaveGroup, Unlink, ReviveHere),
            (Deleted, Deleted, Forget, Forget, Forget),
            (Deleted, Unlinked, Forget, Forget, Forget),
            (Same, Unlinked, Untag, Unlink, Unlink),
            (Edited, Unlinked, Untag, Unlink, Unlink),
            (Unlinked, Same, LeaveGroup, Unlink, Unlink),
            (Unlinked, Edited, LeaveGroup, Unlink, Unlink),
            (Unlinked, Deleted, Forget, Forget, Forget),
            (Unlinked, Unlinked, Forget, Forget, Forget),
            (Same, Cancelled, Untag, Unlink, DeleteHere),
            (Cancelled, Same, LeaveGroup, Unlink, DeleteThere),
        ];
        for (here, there, group, unlink, propagate) in table {
            for (leaving, fate) in EVERY.into_iter().zip([group, unlink, propagate]) {
                assert_eq!(
                    decide_contact(leaving, here, there).fate,
                    fate,
                    "{leaving:?}: here {here:?}, there {there:?}"
                );
            }
        }
    }

    #[test]
    fn unlinking_beats_an_edit_and_the_record_keeps_it() {
        for leaving in EVERY {
            let there = decide_contact(leaving, Change::Unlinked, Change::Edited);
            assert!(there.merges_first, "{leaving:?}");
            assert_eq!(there.loser, None);
            let here = decide_contact(leaving, Change::Edited, Change::Unlinked);
            assert_eq!((here.merges_first, here.loser), (false, None));
        }
        // A deleted record takes no edit in.
        for leaving in [Leaving::Group, Leaving::Unlink] {
            let deleted = decide_contact(leaving, Change::Deleted, Change::Edited);
            assert_eq!((deleted.merges_first, deleted.loser), (false, None), "{leaving:?}");
        }
    }

    #[test]
    fn an_edit_beats_a_deletion_that_is_carried_over() {
        let decide = |here, there| decide_contact(Leaving::Propagate, here, there).loser;
        assert_eq!(decide(Change::Edited, Change::Deleted), Some(Side::There));
        assert_eq!(decide(Change::Deleted, Change::Edited), Some(Side::Here));
    }

    #[test]
    fn no_pair_of_changes_deletes_where_deleting_is_leaving() {
        for leaving in [Leaving::Group, Leaving::Unlink] {
            for (here, there) in Change::ALL.iter().flat_map(|a| Change::ALL.map(|b| (*a, b))) {
                let fate = decide_contact(leaving, here, there).fate;
                let deletes = matches!(fate, ContactFate::DeleteHere | ContactFate::DeleteThere);
                assert!(!deletes, "{leaving:?}: here {here:?}, there {there:?}");
            }
        }
    }

    #[test]
    fn what_left_stays_away_until_a_person_puts_it_into_the_group() {
        use Arrival::*;
        let table = [
            // tie, inside, by group, by link
            (Tie::None, true, Take, Take),
            (Tie::None, false, Ignore, Ignore),
            (Tie::Linked, true, Follow, Follow),
            (Tie::Linked, false, Leaves, Leaves),
            (Tie::Left, true, Take, Ignore),
            (Tie::Left, false, Ignore, Ignore),
        ];
        for (tie, is_inside, group, link) in table {
            for (leaving, arrival) in EVERY.into_iter().zip([group, link, link]) {
                assert_eq!(
                    judge_arrival(leaving, tie, is_inside),
                    arrival,
                    "{leaving:?}, {tie:?}, inside {is_inside}"
                );
            }
        }
    }
}
