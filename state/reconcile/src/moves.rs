//! Vanished here, arrived there: halves of one move (design, "Mail").

use std::collections::{BTreeMap, VecDeque};

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
}

/// How vanished placements were settled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settled {
    /// Vanished placement and the arrived one that it became: the first's id survives.
    pub moved: Vec<(PlacementId, PlacementId)>,
    /// Vanished and not found again.
    pub gone: Vec<Placed>,
}

/// Pairs what vanished with what arrived of the same message, in the order of their ids. An arrived placement serves once, so a
/// copy that stays is never taken for two moves, and a vanished one that is named twice becomes one arrival. Any folder will do, the same one included: after a renumbering a message that
/// could not be told from its twin is fetched again and meets its old placement here.
pub fn pair_moves(vanished: &[Placed], arrived: &[Placed]) -> Settled {
    let mut waiting: BTreeMap<MessageId, VecDeque<PlacementId>> = BTreeMap::new();
    let mut arrivals: Vec<&Placed> = arrived.iter().collect();
    arrivals.sort_by_key(|placed| placed.placement);
    for placed in arrivals {
        waiting.entry(placed.message).or_default().push_back(placed.placement);
    }
    let mut order: Vec<&Placed> = vanished.iter().collect();
    order.sort_by_key(|placed| placed.placement);
    order.dedup_by_key(|placed| placed.placement);
    let mut settled = Settled::default();
    for placed in order {
        match waiting.get_mut(&placed.message).and_then(VecDeque::pop_front) {
            Some(arrival) => settled.moved.push((placed.placement, arrival)),
            None => settled.gone.push(*placed),
        }
    }
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
        let settled = pair_moves(&[placed(2, 10, 1), placed(1, 10, 1)], &[placed(9, 10, 2)]);
        assert_eq!(settled.moved, [(PlacementId(1), PlacementId(9))]);
        assert_eq!(settled.gone, [placed(2, 10, 1)]);
    }

    #[test]
    fn what_vanished_once_becomes_one_arrival_though_it_is_named_twice() {
        let vanished = [placed(1, 10, 1), placed(2, 10, 1), placed(1, 10, 1), placed(2, 10, 1)];
        let settled = pair_moves(&vanished, &[placed(8, 10, 2), placed(9, 10, 2)]);
        assert_eq!(settled.moved, [(PlacementId(1), PlacementId(8)), (PlacementId(2), PlacementId(9))]);
        assert_eq!(settled.gone, []);
    }

    #[test]
    fn nothing_arrived_means_nothing_moved() {
        assert_eq!(pair_moves(&[placed(1, 10, 1)], &[]).gone, [placed(1, 10, 1)]);
        assert_eq!(pair_moves(&[], &[placed(1, 10, 1)]), Settled::default());
    }
}
