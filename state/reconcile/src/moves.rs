//! Vanished here, arrived there: halves of one move (design, "Mail").

use std::collections::{BTreeMap, BTreeSet};

use postrider_model::{CollectionId, MessageId, PlacementId};

/// A message in a folder, by its content's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Where it stands, or stood.
    pub placement: PlacementId,
    /// What it is.
    pub message: MessageId,
    /// In which folder.
    pub collection: CollectionId,
    /// Whether it carries `\Deleted` there, or did.
    pub marked: bool,
}

/// How vanished placements were settled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settled {
    /// Vanished placement and the arrived one that it became: the first's id survives.
    pub moved: Vec<(PlacementId, PlacementId)>,
    /// Vanished and not found again.
    pub gone: Vec<Placed>,
}

/// Pairs what vanished with what arrived of the same message: what vanished in the order in which it is given, the likeliest first, with
/// what arrived in the order of ids; of twins, those first of which both carry a mark for deletion or neither. An arrived placement
/// serves once, so a copy that stays is never taken for two moves, and a vanished one that is named twice becomes one arrival. Any
/// folder will do, the same one included: after a renumbering a message that could not be told from its twin is fetched again and meets
/// its old placement here.
pub fn pair_moves(vanished: &[Placed], arrived: &[Placed]) -> Settled {
    let mut waiting: BTreeMap<MessageId, Vec<&Placed>> = BTreeMap::new();
    for placed in arrived {
        waiting.entry(placed.message).or_default().push(placed);
    }
    for twins in waiting.values_mut() {
        twins.sort_by_key(|placed| placed.placement);
    }
    let mut named = BTreeSet::new();
    let mut order: Vec<Placed> = vanished.to_vec();
    order.retain(|placed| named.insert(placed.placement));
    let mut settled = Settled::default();
    let mut pair = |left: Vec<Placed>, fits: fn(&Placed, &Placed) -> bool| -> Vec<Placed> {
        let mut alone = Vec::new();
        for placed in left {
            let twins = waiting.entry(placed.message).or_default();
            match twins.iter().position(|arrival| fits(&placed, arrival)) {
                Some(at) => settled.moved.push((placed.placement, twins.remove(at).placement)),
                None => alone.push(placed),
            }
        }
        alone
    };
    let left = pair(order, |one, other| one.marked == other.marked);
    let gone = pair(left, |_, _| true);
    settled.moved.sort_unstable();
    settled.gone = gone;
    settled
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn placed(placement: i64, message: i64, collection: i64) -> Placed {
        Placed {
            placement: PlacementId(placement),
            message: MessageId(message),
            collection: CollectionId(collection),
            marked: false,
        }
    }

    #[test]
    fn a_move_keeps_the_id_of_what_vanished() {
        let settled = pair_moves(&[placed(1, 10, 1), placed(2, 20, 1)], &[placed(9, 10, 2)]);
        assert_eq!(settled.moved, [(PlacementId(1), PlacementId(9))]);
        assert_eq!(settled.gone, [placed(2, 20, 1)]);
    }

    #[test]
    fn one_arrival_serves_one_of_two_twins() {
        let settled = pair_moves(&[placed(1, 10, 1), placed(2, 10, 1)], &[placed(9, 10, 2)]);
        assert_eq!(settled.moved, [(PlacementId(1), PlacementId(9))]);
        assert_eq!(settled.gone, [placed(2, 10, 1)]);
    }

    #[test]
    fn of_twins_the_one_that_is_named_first_is_taken_though_its_id_is_the_higher() {
        let settled = pair_moves(&[placed(2, 10, 1), placed(1, 10, 3)], &[placed(9, 10, 2)]);
        assert_eq!(settled.moved, [(PlacementId(2), PlacementId(9))]);
        assert_eq!(settled.gone, [placed(1, 10, 3)]);
    }

    #[test]
    fn what_vanished_once_becomes_one_arrival_though_it_is_named_twice() {
        let vanished = [placed(1, 10, 1), placed(2, 10, 1), placed(1, 10, 1), placed(2, 10, 1)];
        let settled = pair_moves(&vanished, &[placed(8, 10, 2), placed(9, 10, 2)]);
        assert_eq!(settled.moved, [(PlacementId(1), PlacementId(8)), (PlacementId(2), PlacementId(9))]);
        assert_eq!(settled.gone, []);
    }

    #[test]
    fn of_twins_the_one_that_carries_the_same_mark_is_taken() {
        let marked = |placed: Placed| Placed { marked: true, ..placed };
        let settled = pair_moves(
            &[marked(placed(1, 10, 1)), placed(2, 10, 1), marked(placed(3, 10, 1))],
            &[placed(7, 10, 2), marked(placed(8, 10, 2)), placed(9, 10, 2)],
        );
        let pairs = [(1, 8), (2, 7), (3, 9)].map(|(old, new)| (PlacementId(old), PlacementId(new)));
        assert_eq!(settled.moved, pairs);
    }

    #[test]
    fn nothing_arrived_means_nothing_moved() {
        assert_eq!(pair_moves(&[placed(1, 10, 1)], &[]).gone, [placed(1, 10, 1)]);
        assert_eq!(pair_moves(&[], &[placed(1, 10, 1)]), Settled::default());
    }
}
