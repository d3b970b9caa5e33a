//! What a folder's listing means for the placements that are here.

use std::collections::BTreeMap;

use postrider_model::{Flags, PlacementId, Uid, UidSet};
use postrider_model::{MailChange, Scope};

use crate::merge_flags;

/// A placement as the store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPlacement {
    /// Its id.
    pub id: PlacementId,
    /// What both sides last agreed on.
    pub base: Flags,
    /// What is here; it differs from the base while a local change is unsent.
    pub local: Flags,
}

/// New flags for one placement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagPlan {
    /// The placement.
    pub id: PlacementId,
    /// What is to stand here.
    pub local: Flags,
    /// What the server has, which becomes the base.
    pub base: Flags,
    /// MODSEQ, where the server has one.
    pub mod_seq: Option<u64>,
}

/// The flag changes of a page, merged with what is here. Placements that end as they are do not appear (I8).
pub fn plan_flags<'a, I>(known: &BTreeMap<Uid, KnownPlacement>, changes: I) -> Vec<FlagPlan>
where
    I: IntoIterator<Item = (Uid, &'a Flags, Option<u64>)>,
{
    let mut plans = BTreeMap::new();
    for (uid, remote, mod_seq) in changes {
        let Some(placement) = known.get(&uid) else { continue };
        let local = merge_flags(&placement.base, &placement.local, remote);
        // The last word on a UID counts: a server may send an unsolicited FETCH after the one asked for.
        if local.same(&placement.local) && remote.same(&placement.base) {
            plans.remove(&uid);
        } else {
            plans.insert(uid, FlagPlan { id: placement.id, local, base: remote.clone(), mod_seq });
        }
    }
    plans.into_values().collect()
}

/// What the pages of one folder's listing say about being there, gathered as they come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FolderListing {
    vanished: UidSet,
    present: UidSet,
    full: bool,
}

impl FolderListing {
    /// Takes one page's scope and changes.
    pub fn take(&mut self, scope: Scope, changes: &[MailChange]) {
        self.full |= scope == Scope::Full;
        for change in changes {
            match change {
                MailChange::Vanished(uids) => self.vanished = self.vanished.union(uids),
                MailChange::Present(uids) => self.present = self.present.union(uids),
                MailChange::Flags { .. } | MailChange::Wanted(_) => {}
            }
        }
    }

    /// The known UIDs that are gone: those with a tombstone, and after a *completed* full listing those that are not in it.
    /// To be asked only after the last page came (I2).
    pub fn gone(&self, known: &UidSet) -> UidSet {
        match self.full {
            true => known.difference(&self.present),
            false => known.intersection(&self.vanished),
        }
    }

    /// After a completed full listing: the known UIDs that are in it.
    pub fn present_of(&self, known: &UidSet) -> Option<UidSet> {
        self.full.then(|| known.intersection(&self.present))
    }

    /// Whether this was a full listing with nothing in it (F5.4).
    pub fn came_back_empty(&self) -> bool {
        self.full && self.present.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(names: &str) -> Flags {
        Flags::from_wire(names.split_whitespace())
    }

    fn known(base: &str, local: &str) -> BTreeMap<Uid, KnownPlacement> {
        BTreeMap::from([(7, KnownPlacement { id: PlacementId(70), base: flags(base), local: flags(local) })])
    }

    #[test]
    fn flags_that_stay_as_they_are_make_no_plan() {
        let seen = flags("\\Seen");
        assert_eq!(plan_flags(&known("\\Seen", "\\Seen"), [(7, &seen, Some(9))]), []);
        assert_eq!(plan_flags(&known("", ""), [(8, &seen, None)]), [], "an unknown UID says nothing");
    }

    #[test]
    fn an_unsent_local_change_survives_a_pull() {
        let plans = plan_flags(&known("", "\\Flagged"), [(7, &flags("\\Seen"), Some(9))]);
        let expected = FlagPlan {
            id: PlacementId(70),
            local: flags("\\Seen \\Flagged"),
            base: flags("\\Seen"),
            mod_seq: Some(9),
        };
        assert_eq!(plans, [expected]);
    }

    #[test]
    fn a_pull_that_agrees_with_the_local_change_moves_the_base_alone() {
        let plans = plan_flags(&known("", "\\Seen"), [(7, &flags("\\Seen"), None)]);
        assert_eq!((plans[0].local.clone(), plans[0].base.clone()), (flags("\\Seen"), flags("\\Seen")));
    }

    #[test]
    fn the_last_word_on_a_uid_counts() {
        let changes = [(7, &flags("\\Seen"), Some(1)), (7, &flags(""), Some(2))];
        assert_eq!(plan_flags(&known("", ""), changes), []);
    }

    #[test]
    fn absence_from_a_delta_is_not_deletion_and_from_a_full_listing_is() {
        let known = UidSet::range(1, 5);
        let mut delta = FolderListing::default();
        delta.take(
            Scope::Delta,
            &[MailChange::Vanished(UidSet::range(4, 9)), MailChange::Wanted(UidSet::range(10, 11))],
        );
        assert_eq!(delta.gone(&known), UidSet::range(4, 5));
        assert!(!delta.came_back_empty() && delta.present_of(&known).is_none());

        let mut full = FolderListing::default();
        full.take(Scope::Full, &[MailChange::Present(UidSet::range(1, 2))]);
        full.take(Scope::Full, &[MailChange::Present(UidSet::range(5, 6))]);
        assert_eq!(full.gone(&known), UidSet::range(3, 4));
        assert!(!full.came_back_empty());
        assert_eq!(full.present_of(&known).unwrap().to_string(), "1:2,5");

        let mut empty = FolderListing::default();
        empty.take(Scope::Full, &[]);
        assert!(empty.came_back_empty());
    }
}
