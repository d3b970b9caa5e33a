//! After a changed UIDVALIDITY or a restored backup: which message here is which one there (F2.5).

use std::collections::BTreeMap;

use postrider_model::{MatchKey, PlacementId, Uid, UidSet};

/// How old placements and new UIDs go together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rematch {
    /// Known again: nothing of it is fetched.
    pub same: Vec<(PlacementId, Uid)>,
    /// New, or not surely known: fetched whole, and then told apart by its bytes.
    pub fetch: UidSet,
    /// Placements that were not found again this way. They are gone only if their bytes do not arrive with `fetch` either.
    pub unmatched: Vec<PlacementId>,
}

/// Pairs by content key where the key stands exactly once on each side. A missing key, and one that stands twice on either
/// side, proves nothing: those are fetched again.
pub fn pair_by_content(
    here: &[(PlacementId, Option<MatchKey>)],
    there: &[(Uid, Option<MatchKey>)],
) -> Rematch {
    let mine = count(here);
    let theirs = count(there);
    let once = |key: &MatchKey| matches!((mine.get(key), theirs.get(key)), (Some((_, 1)), Some((_, 1))));
    let mut rematch = Rematch::default();
    for (uid, key) in there {
        match key.filter(|key| once(key)).and_then(|key| mine.get(&key)) {
            Some((placement, _)) => rematch.same.push((*placement, *uid)),
            None => rematch.fetch.insert(*uid),
        }
    }
    rematch.unmatched =
        here.iter().filter(|(_, key)| !key.is_some_and(|key| once(&key))).map(|(id, _)| *id).collect();
    rematch.same.sort_unstable();
    rematch.unmatched.sort_unstable();
    rematch
}

/// Each key with the first that has it and how many have it.
fn count<T: Copy>(items: &[(T, Option<MatchKey>)]) -> BTreeMap<MatchKey, (T, u32)> {
    let mut counts = BTreeMap::new();
    for (item, key) in items {
        if let Some(key) = key {
            counts.entry(*key).or_insert((*item, 0)).1 += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(n: u8) -> Option<MatchKey> {
        (n > 0).then_some(MatchKey([n; 16]))
    }

    #[test]
    fn only_what_is_unique_on_both_sides_is_known_again() {
        let here = [(1, 1), (2, 2), (3, 3), (4, 3), (5, 0), (6, 5)].map(|(id, k)| (PlacementId(id), key(k)));
        let there = [(11, 1), (12, 2), (13, 2), (14, 3), (15, 0), (16, 6)].map(|(uid, k)| (uid, key(k)));
        let rematch = pair_by_content(&here, &there);
        assert_eq!(rematch.same, [(PlacementId(1), 11)]);
        assert_eq!(rematch.fetch.to_string(), "12:16");
        assert_eq!(rematch.unmatched, [2, 3, 4, 5, 6].map(PlacementId));
    }

    proptest! {
        #[test]
        fn every_placement_and_every_uid_ends_in_one_place(
            here in prop::collection::vec(0u8..6, 0..12), there in prop::collection::vec(0u8..6, 0..12)
        ) {
            let here: Vec<_> = here.iter().zip(1..).map(|(k, id)| (PlacementId(id), key(*k))).collect();
            let there: Vec<_> = there.iter().zip(101..).map(|(k, uid)| (uid, key(*k))).collect();
            let rematch = pair_by_content(&here, &there);
            prop_assert_eq!(rematch.same.len() + rematch.unmatched.len(), here.len());
            prop_assert_eq!(rematch.same.len() as u64 + rematch.fetch.len(), there.len() as u64);
            for (id, uid) in &rematch.same {
                let mine = here.iter().find(|(other, _)| other == id).unwrap().1;
                let theirs = there.iter().find(|(other, _)| other == uid).unwrap().1;
                prop_assert!(mine.is_some() && mine == theirs);
                prop_assert_eq!(here.iter().filter(|(_, k)| *k == mine).count(), 1);
                prop_assert_eq!(there.iter().filter(|(_, k)| *k == mine).count(), 1);
            }
        }
    }
}
