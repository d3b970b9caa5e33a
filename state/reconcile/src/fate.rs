//! What becomes of a record and its item where one of them is gone (F5.1): one table.
//!
//! Who may delete, and what deleting means, is said elsewhere: of contacts by `contacts::leaving`, of meetings by `activities::rights`.
//! What comes in here is what happened on either side since the base; a row that is missing in the store, or in a list that is not
//! complete, has not happened (I2).

use crate::merge::Side;

/// What happened to a record or an item since both sides agreed last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// Nothing.
    None,
    /// It was edited.
    Edited,
    /// A person deleted it.
    Deleted,
    /// It does not belong into the link any more, and stays where it is (F3.3).
    Unlinked,
    /// Its organizer cancelled it.
    Cancelled,
}

impl Change {
    /// Each of them.
    pub const ALL: [Self; 5] = [Self::None, Self::Edited, Self::Deleted, Self::Unlinked, Self::Cancelled];
}

/// What is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
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
    /// The item left: the link goes, and the record stays as it is, with what was edited in it.
    UnlinkHere,
    /// The record left: the item is let go, as the link's kind wants it, and stays.
    LeaveThere,
    /// The record is cancelled. One that is deleted stays deleted.
    CancelHere,
    /// The item is cancelled.
    CancelThere,
    /// Neither has it any more: the link goes.
    Forget,
}

/// A fate, and what it cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decision {
    /// What is done.
    pub fate: Fate,
    /// Whose change is superseded: a conflict.
    pub loser: Option<Side>,
    /// Whether what was edited there is merged into the record before the link goes.
    pub merges_first: bool,
}

/// Decides by what happened on both sides. An edit beats a deletion; unlinking beats an edit, and the record keeps the edit; an
/// organizer's cancellation beats all.
pub fn decide(here: Change, there: Change) -> Decision {
    use Change::{Cancelled, Deleted, Edited, None as Same, Unlinked};
    let settled = |fate| Decision { fate, loser: None, merges_first: false };
    let lost = |fate, side| Decision { fate, loser: Some(side), merges_first: false };
    match (here, there) {
        (Same | Edited, Same | Edited) | (Cancelled, Cancelled) => settled(Fate::Merge),
        (Same, Deleted) => settled(Fate::DeleteHere),
        (Deleted, Same) => settled(Fate::DeleteThere),
        (Edited, Deleted) => lost(Fate::MakeThere, Side::There),
        (Deleted, Edited) => lost(Fate::ReviveHere, Side::Here),
        (Same | Edited, Unlinked) => settled(Fate::UnlinkHere),
        (Unlinked, Same) => settled(Fate::LeaveThere),
        (Unlinked, Edited) => Decision { fate: Fate::LeaveThere, loser: None, merges_first: true },
        (Edited, Cancelled) => lost(Fate::CancelHere, Side::Here),
        (Same | Deleted | Unlinked, Cancelled) => settled(Fate::CancelHere),
        (Cancelled, Edited) => lost(Fate::CancelThere, Side::There),
        (Cancelled, Same | Unlinked) => settled(Fate::CancelThere),
        (Deleted | Unlinked, Deleted | Unlinked) | (Cancelled, Deleted) => settled(Fate::Forget),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pair_of_changes_has_its_fate() {
        use Change::{Cancelled, Deleted, Edited, None as Same, Unlinked};
        use Fate::*;
        let (here, there) = (Some(Side::Here), Some(Side::There));
        let table = [
            // here, there, fate, loser
            (Same, Same, Merge, None),
            (Same, Edited, Merge, None),
            (Same, Deleted, DeleteHere, None),
            (Same, Unlinked, UnlinkHere, None),
            (Same, Cancelled, CancelHere, None),
            (Edited, Same, Merge, None),
            (Edited, Edited, Merge, None),
            (Edited, Deleted, MakeThere, there),
            (Edited, Unlinked, UnlinkHere, None),
            (Edited, Cancelled, CancelHere, here),
            (Deleted, Same, DeleteThere, None),
            (Deleted, Edited, ReviveHere, here),
            (Deleted, Deleted, Forget, None),
            (Deleted, Unlinked, Forget, None),
            (Deleted, Cancelled, CancelHere, None),
            (Unlinked, Same, LeaveThere, None),
            (Unlinked, Edited, LeaveThere, None),
            (Unlinked, Deleted, Forget, None),
            (Unlinked, Unlinked, Forget, None),
            (Unlinked, Cancelled, CancelHere, None),
            (Cancelled, Same, CancelThere, None),
            (Cancelled, Edited, CancelThere, there),
            (Cancelled, Deleted, Forget, None),
            (Cancelled, Unlinked, CancelThere, None),
            (Cancelled, Cancelled, Merge, None),
        ];
        assert_eq!(table.len(), Change::ALL.len() * Change::ALL.len());
        for (here, there, fate, loser) in table {
            let merges_first = (here, there) == (Unlinked, Edited);
            assert_eq!(
                decide(here, there),
                Decision { fate, loser, merges_first },
                "here {here:?}, there {there:?}"
            );
        }
    }
}
