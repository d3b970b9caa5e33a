//! Which message an EXPUNGE names: message numbers kept in step with those that go (RFC 3501, section 7.4.1).
//!
//! Numbers are kept as they were when the counting began, so that one that goes costs no walk over all others.

use std::collections::BTreeMap;

use postrider_model::Uid;

/// Some messages' numbers since a certain moment.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// The first numbers of those that are gone, ascending.
    gone: Vec<u32>,
    /// UIDs by first number.
    uids: BTreeMap<u32, Uid>,
}

impl Numbers {
    /// That message has this number now.
    pub(super) fn learn(&mut self, number: u32, uid: Uid) {
        if number > 0 {
            self.uids.insert(self.first(number), uid);
        }
    }

    /// The message of that number goes, and those behind it move up; its UID, where it is known.
    pub(super) fn expunge(&mut self, number: u32) -> Option<Uid> {
        if number == 0 {
            return None;
        }
        let first = self.first(number);
        let at = self.gone.partition_point(|gone| *gone < first);
        self.gone.insert(at, first);
        self.uids.remove(&first)
    }

    /// The number that the message of this number had at first: as many lower as went before it.
    fn first(&self, number: u32) -> u32 {
        let (mut low, mut high) = (0, self.gone.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let before = u32::try_from(middle).unwrap_or(u32::MAX);
            let is_before = self.gone.get(middle).is_some_and(|gone| gone.saturating_sub(before) <= number);
            if is_before { low = middle + 1 } else { high = middle }
        }
        number.saturating_add(u32::try_from(low).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_number_is_the_message_that_a_list_has_there(steps in prop::collection::vec((any::<bool>(), 1u32..40), 0..60)) {
            let mut list: Vec<Uid> = (1..=40).map(|n| n * 10).collect();
            let mut numbers = Numbers::default();
            let mut known = std::collections::BTreeSet::new();
            for (learns, number) in steps {
                let at = number as usize - 1;
                if at >= list.len() {
                    continue;
                }
                if learns {
                    numbers.learn(number, list[at]);
                    known.insert(list[at]);
                } else {
                    let uid = list.remove(at);
                    prop_assert_eq!(numbers.expunge(number), known.remove(&uid).then_some(uid));
                }
            }
        }
    }

    #[test]
    fn impossible_numbers_do_no_harm() {
        let mut numbers = Numbers::default();
        numbers.learn(0, 5);
        numbers.learn(u32::MAX, 6);
        assert_eq!((numbers.expunge(0), numbers.expunge(7)), (None, None));
        assert_eq!(numbers.expunge(u32::MAX), Some(6), "numbers beyond the highest are the highest");
    }
}
