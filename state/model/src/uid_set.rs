//! Sets of UIDs as ranges, so that a folder of a million messages costs what its gaps cost, and `VANISHED 1:4294967295`
//! costs nothing.

use std::{fmt, iter, ops::RangeInclusive};

/// A message's unique identifier within one folder under one UIDVALIDITY (RFC 3501, section 2.3.1.1). Never 0.
pub type Uid = u32;

/// A set of UIDs: sorted ranges that neither overlap nor touch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UidSet {
    ranges: Vec<(Uid, Uid)>,
}

impl UidSet {
    /// The empty set.
    pub const EMPTY: Self = Self { ranges: Vec::new() };

    /// All UIDs from `first` to `last`; the ends in either order, as on the wire (RFC 3501, section 9, `seq-range`).
    pub fn range(first: Uid, last: Uid) -> Self {
        [first.min(last)..=first.max(last)].into_iter().collect()
    }

    /// Adds one UID; 0 is no UID and is left out.
    pub fn insert(&mut self, uid: Uid) {
        match self.ranges.last_mut() {
            Some((_, last)) if uid == last.saturating_add(1) => *last = uid,
            Some((_, last)) if uid > *last => self.ranges.push((uid, uid)),
            None if uid > 0 => self.ranges.push((uid, uid)),
            _ => self.insert_range(uid, uid),
        }
    }

    /// Adds all UIDs from `first` to `last`, the ends in either order.
    pub fn insert_range(&mut self, first: Uid, last: Uid) {
        let (first, last) = (first.min(last).max(1), first.max(last));
        if last == 0 {
            return;
        }
        let begin = self.ranges.partition_point(|&(_, end)| end < first - 1);
        let end = self.ranges.partition_point(|&(start, _)| start <= last.saturating_add(1));
        let merged = match self.ranges.get(begin..end) {
            Some([(low, high)]) => (first.min(*low), last.max(*high)),
            Some([(low, _), .., (_, high)]) => (first.min(*low), last.max(*high)),
            _ => (first, last),
        };
        self.ranges.splice(begin..end.max(begin), iter::once(merged));
    }

    /// Whether that UID is in the set.
    pub fn contains(&self, uid: Uid) -> bool {
        let at = self.ranges.partition_point(|&(_, end)| end < uid);
        self.ranges.get(at).is_some_and(|&(start, _)| start <= uid)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many UIDs are in the set.
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|&(start, end)| u64::from(end) - u64::from(start) + 1).sum()
    }

    /// The smallest UID.
    pub fn first(&self) -> Option<Uid> {
        self.ranges.first().map(|&(start, _)| start)
    }

    /// The largest UID.
    pub fn last(&self) -> Option<Uid> {
        self.ranges.last().map(|&(_, end)| end)
    }

    /// The ranges, ascending.
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = RangeInclusive<Uid>> + '_ {
        self.ranges.iter().map(|&(start, end)| start..=end)
    }

    /// The UIDs, ascending. Bound it first: a set from the wire may hold four thousand million.
    pub fn iter(&self) -> impl Iterator<Item = Uid> + '_ {
        self.ranges().flatten()
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        let mut others = other.ranges.iter().copied().peekable();
        for &(start, end) in &self.ranges {
            let mut from = Some(start);
            while let Some((low, high)) = others.peek().copied() {
                let Some(at) = from.filter(|&at| at <= end && low <= end) else { break };
                if high < at {
                    others.next();
                    continue;
                }
                if low > at {
                    left.push((at, low - 1));
                }
                from = high.checked_add(1);
                if high > end {
                    break;
                }
                others.next();
            }
            if let Some(at) = from.filter(|&at| at <= end) {
                left.push((at, end));
            }
        }
        Self { ranges: left }
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.difference(&self.difference(other))
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let (mut all, more) = if self.ranges.len() >= other.ranges.len() {
            (self.clone(), &other.ranges)
        } else {
            (other.clone(), &self.ranges)
        };
        more.iter().for_each(|&(start, end)| all.insert_range(start, end));
        all
    }

    /// The UIDs at or above `uid`.
    #[must_use]
    pub fn from(&self, uid: Uid) -> Self {
        self.intersection(&Self::range(uid.max(1), Uid::MAX))
    }

    /// Cuts the set into pieces of at most `most` UIDs each, ascending; `most` 0 counts as 1.
    pub fn chunks(&self, most: u32) -> Vec<Self> {
        let most = most.max(1);
        let mut pieces = Vec::new();
        let mut piece = Self::EMPTY;
        let mut room = most;
        for &(start, end) in &self.ranges {
            let mut from = start;
            loop {
                let to = end.min(from.saturating_add(room - 1));
                piece.ranges.push((from, to));
                room -= to - from + 1;
                if room == 0 {
                    pieces.push(std::mem::take(&mut piece));
                    room = most;
                }
                if to == end {
                    break;
                }
                from = to + 1;
            }
        }
        if !piece.is_empty() {
            pieces.push(piece);
        }
        pieces
    }
}

impl FromIterator<Uid> for UidSet {
    fn from_iter<I: IntoIterator<Item = Uid>>(uids: I) -> Self {
        let mut set = Self::EMPTY;
        uids.into_iter().for_each(|uid| set.insert(uid));
        set
    }
}

impl FromIterator<RangeInclusive<Uid>> for UidSet {
    fn from_iter<I: IntoIterator<Item = RangeInclusive<Uid>>>(ranges: I) -> Self {
        let mut set = Self::EMPTY;
        ranges.into_iter().for_each(|range| set.insert_range(*range.start(), *range.end()));
        set
    }
}

/// The wire form, `1:3,7` (RFC 3501, section 9, `sequence-set`); empty for the empty set, which has no wire form.
impl fmt::Display for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, &(start, end)) in self.ranges.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            match start == end {
                true => write!(f, "{comma}{start}")?,
                false => write!(f, "{comma}{start}:{end}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn ranges() -> impl Strategy<Value = Vec<(Uid, Uid)>> {
        prop::collection::vec((0u32..60, 0u32..60), 0..12)
    }

    fn set_of(ranges: &[(Uid, Uid)]) -> (UidSet, BTreeSet<Uid>) {
        let mut set = UidSet::EMPTY;
        let mut plain = BTreeSet::new();
        for &(a, b) in ranges {
            set.insert_range(a, b);
            plain.extend((a.min(b).max(1))..=(a.max(b)));
        }
        plain.remove(&0);
        (set, plain)
    }

    fn plain(set: &UidSet) -> BTreeSet<Uid> {
        set.iter().collect()
    }

    proptest! {
        #[test]
        fn it_behaves_as_a_plain_set(a in ranges(), b in ranges(), uid in 0u32..62, most in 1u32..9) {
            let (left, plain_left) = set_of(&a);
            let (right, plain_right) = set_of(&b);
            prop_assert_eq!(plain(&left), plain_left.clone());
            prop_assert_eq!(left.len(), plain_left.len() as u64);
            prop_assert_eq!(left.contains(uid), plain_left.contains(&uid));
            prop_assert_eq!(plain(&left.difference(&right)), &plain_left - &plain_right);
            prop_assert_eq!(plain(&left.intersection(&right)), &plain_left & &plain_right);
            prop_assert_eq!(plain(&left.union(&right)), &plain_left | &plain_right);
            prop_assert_eq!(plain(&left.from(uid)), plain_left.iter().copied().filter(|u| *u >= uid).collect::<BTreeSet<_>>());
            let pieces = left.chunks(most);
            prop_assert!(pieces.iter().all(|piece| (1..=u64::from(most)).contains(&piece.len())));
            prop_assert_eq!(pieces.iter().flat_map(UidSet::iter).collect::<Vec<_>>(), left.iter().collect::<Vec<_>>());
            let one_by_one: UidSet = plain_left.iter().rev().copied().collect();
            prop_assert_eq!(&one_by_one, &left);
            let ends: Vec<_> = left.ranges().collect();
            prop_assert!(ends.windows(2).all(|pair| pair[0].end() + 1 < *pair[1].start()));
        }
    }

    #[test]
    fn the_whole_range_is_one_range() {
        let mut all = UidSet::range(Uid::MAX, 1);
        all.insert(Uid::MAX);
        assert_eq!((all.len(), all.to_string()), (4_294_967_295, "1:4294967295".to_owned()));
        assert_eq!(UidSet::range(5, 9).difference(&all), UidSet::EMPTY);
        assert_eq!(all.difference(&UidSet::range(2, Uid::MAX)).to_string(), "1");
        assert_eq!(all.chunks(Uid::MAX).len(), 1);
    }

    #[test]
    fn the_wire_form_joins_neighbours() {
        assert_eq!([3, 1, 2, 7].into_iter().collect::<UidSet>().to_string(), "1:3,7");
    }
}
