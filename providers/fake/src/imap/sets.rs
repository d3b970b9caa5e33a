//! Sequence sets as clients write them (RFC 3501 section 9), and the ranges of numbers that they mean.
//!
//! Rule: sets stay ranges; `1:4294967295` costs no more than `7`.

use std::fmt::Write as _;

/// One end of a range in a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Number(u32),
    /// `*`
    Last,
}

/// A set as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SequenceSet(pub Vec<(Bound, Bound)>);

impl SequenceSet {
    /// The numbers meant where `*` is `last`; 0 as `last` means that there is nothing for `*` to name.
    pub fn resolve(&self, last: u32) -> Ranges {
        let value = |bound| match bound {
            Bound::Number(number) => number,
            Bound::Last => last,
        };
        let named = self.0.iter().filter_map(|(a, b)| {
            let (a, b) = (value(*a), value(*b));
            (a != 0 && b != 0).then_some((a.min(b), a.max(b)))
        });
        Ranges::of(named)
    }

    /// Whether `*` stands in it.
    pub fn has_last(&self) -> bool {
        self.0.iter().any(|(a, b)| *a == Bound::Last || *b == Bound::Last)
    }

    /// Whether it ascends without overlap, as QRESYNC's sequence match data must (RFC 7162 section 3.2.5.2).
    pub fn ascends(&self) -> bool {
        let mut before = 0;
        self.0.iter().all(|(a, b)| match (a, b) {
            (Bound::Number(a), Bound::Number(b)) if before < *a && a <= b => {
                before = *b;
                true
            }
            _ => false,
        })
    }
}

/// Disjoint ascending ranges, both ends included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    /// The union of the ranges, in any order.
    pub fn of(ranges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut sorted: Vec<(u32, u32)> = ranges.into_iter().collect();
        sorted.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(sorted.len());
        for (start, end) in sorted {
            match merged.last_mut() {
                Some(last) if start <= last.1.saturating_add(1) => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        Self(merged)
    }

    /// The ranges of these numbers.
    pub fn of_numbers(numbers: impl IntoIterator<Item = u32>) -> Self {
        Self::of(numbers.into_iter().map(|number| (number, number)))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains(&self, number: u32) -> bool {
        let after = self.0.partition_point(|(start, _)| *start <= number);
        after.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|(_, end)| number <= *end)
    }

    /// The largest number.
    pub fn last(&self) -> Option<u32> {
        self.0.last().map(|(_, end)| *end)
    }

    /// How many numbers it holds.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|(start, end)| u64::from(*end) - u64::from(*start) + 1).sum()
    }

    /// What lies in both.
    pub fn intersection(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        for (a, b) in &self.0 {
            let from = other.0.partition_point(|(_, end)| end < a);
            let overlapping = other.0.iter().skip(from).take_while(|(start, _)| start <= b);
            both.extend(overlapping.map(|(start, end)| (*start.max(a), *end.min(b))));
        }
        Self(both)
    }

    /// What is left without these numbers, which ascend.
    pub fn without(&self, numbers: impl IntoIterator<Item = u32>) -> Self {
        let mut left = Vec::new();
        let mut numbers = numbers.into_iter().peekable();
        for (start, end) in &self.0 {
            let mut from = Some(*start);
            while let Some(number) = numbers.next_if(|number| number <= end) {
                let Some(start) = from.filter(|start| *start <= number) else { continue };
                if start < number {
                    left.push((start, number - 1));
                }
                from = number.checked_add(1);
            }
            if let Some(start) = from.filter(|start| start <= end) {
                left.push((start, *end));
            }
        }
        Self(left)
    }

    /// As a sequence set, each range from low to high, or from high to low where the server is to be a bad one.
    pub fn written(&self, backwards: bool) -> String {
        let mut text = String::new();
        for (start, end) in &self.0 {
            if !text.is_empty() {
                text.push(',');
            }
            // Writing to a String cannot fail.
            let _written = match (start == end, backwards) {
                (true, _) => write!(text, "{start}"),
                (false, false) => write!(text, "{start}:{end}"),
                (false, true) => write!(text, "{end}:{start}"),
            };
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn numbers(ranges: &Ranges) -> BTreeSet<u32> {
        ranges.0.iter().flat_map(|(a, b)| *a..=*b).collect()
    }

    #[test]
    fn the_last_number_is_always_meant() {
        let set = SequenceSet(vec![(Bound::Number(9), Bound::Last)]);
        assert_eq!(set.resolve(4).written(false), "4:9");
        assert!(set.resolve(0).is_empty());
        assert!(set.has_last() && !set.ascends());
    }

    #[test]
    fn the_whole_range_is_cheap() {
        let all = Ranges::of([(1, u32::MAX)]);
        assert_eq!(all.without([1, 5, u32::MAX]).written(false), "2:4,6:4294967294");
        assert_eq!(all.len(), u64::from(u32::MAX));
        assert_eq!(all.written(true), "4294967295:1");
    }

    proptest! {
        #[test]
        fn ranges_are_sets(
            a in proptest::collection::vec((1_u32..60, 0_u32..9), 0..8),
            b in proptest::collection::btree_set(1_u32..70, 0..30),
        ) {
            let ranges = Ranges::of(a.into_iter().map(|(start, more)| (start, start + more)));
            let (held, other) = (numbers(&ranges), Ranges::of_numbers(b.iter().copied()));
            prop_assert_eq!(numbers(&other), b.clone());
            prop_assert_eq!(numbers(&ranges.intersection(&other)), held.intersection(&b).copied().collect());
            prop_assert_eq!(numbers(&ranges.without(b.iter().copied())), held.difference(&b).copied().collect());
            prop_assert_eq!(ranges.len(), held.len() as u64);
            for number in 0..80 {
                prop_assert_eq!(ranges.contains(number), held.contains(&number));
            }
        }
    }
}
