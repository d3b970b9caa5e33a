//! Sets of UIDs on the wire (RFC 3501, section 9, `sequence-set`).

use postrider_model::{Uid, UidSet};

use super::value::{Malformed, number};

const NOT_A_SET: Malformed = Malformed("a set of UIDs that is none");

/// Reads a set such as `4,9:6,12`; the ends of a range in either order.
pub(crate) fn uid_set(text: &[u8]) -> Result<UidSet, Malformed> {
    let mut ranges = Vec::new();
    for piece in text.split(|byte| *byte == b',') {
        let mut ends = piece.splitn(2, |byte| *byte == b':');
        let first = uid(ends.next().unwrap_or_default())?;
        let last = ends.next().map_or(Ok(first), uid)?;
        ranges.push(first.min(last)..=first.max(last));
    }
    ranges.sort_unstable_by_key(|range| *range.start());
    Ok(ranges.into_iter().collect())
}

/// Reads UIDs in any order, such as a SEARCH tells.
pub(crate) fn uids(mut uids: Vec<Uid>) -> UidSet {
    uids.sort_unstable();
    uids.into_iter().collect()
}

/// Reads UIDs in the order in which they stand (COPYUID, RFC 4315, section 3); `None` where they are more than `most` or none.
pub(crate) fn uid_list(text: &[u8], most: u64) -> Option<Vec<Uid>> {
    let mut list = Vec::new();
    let mut room = most;
    for piece in text.split(|byte| *byte == b',') {
        let mut ends = piece.splitn(2, |byte| *byte == b':');
        let first = uid(ends.next()?).ok()?;
        let last = ends.next().map_or(Ok(first), uid).ok()?;
        let range = first.min(last)..=first.max(last);
        room = room.checked_sub(u64::from(*range.end()) - u64::from(*range.start()) + 1)?;
        list.extend(range);
    }
    Some(list)
}

/// A UID: 1 to 4294967295.
pub(crate) fn uid(digits: &[u8]) -> Result<Uid, Malformed> {
    number(digits).and_then(|uid| Uid::try_from(uid).ok()).filter(|uid| *uid > 0).ok_or(NOT_A_SET)
}

/// Cuts a set into pieces whose wire form has at most `octets` octets each (but at least one range).
pub(crate) fn pieces(set: &UidSet, octets: usize) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for range in set.ranges() {
        let text = UidSet::range(*range.start(), *range.end()).to_string();
        match pieces.last_mut().filter(|piece| piece.len() + 1 + text.len() <= octets) {
            Some(piece) => {
                piece.push(',');
                piece.push_str(&text);
            }
            None => pieces.push(text),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sets_are_read_with_ranges_in_either_order() {
        let table = [
            ("1", "1"),
            ("9:4", "4:9"),
            ("7,1:2,3", "1:3,7"),
            ("1:4294967295", "1:4294967295"),
            ("5,5,4:6", "4:6"),
        ];
        for (text, expected) in table {
            assert_eq!(uid_set(text.as_bytes()).unwrap().to_string(), expected);
        }
        for text in ["", "0", "1:", ":1", "1:*", "x", "1 2", "4294967296", "1:2:3", "-1"] {
            assert!(uid_set(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn lists_keep_their_order_and_are_bounded() {
        let table = [
            ("304,319:320", 3, Some(vec![304, 319, 320])),
            ("9,4:2", 4, Some(vec![9, 2, 3, 4])),
            ("1:4294967295", 1_000, None),
            ("1:3", 2, None),
            ("1:*", 9, None),
            ("", 9, None),
        ];
        for (text, most, expected) in table {
            assert_eq!(uid_list(text.as_bytes(), most), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn pieces_are_short_and_lose_nothing(uids in prop::collection::btree_set(1u32..100_000, 1..300), octets in 1usize..80) {
            let set: UidSet = uids.iter().copied().collect();
            let pieces = pieces(&set, octets);
            prop_assert!(pieces.iter().all(|piece| piece.len() <= octets || !piece.contains(',')));
            let again: UidSet = pieces.iter().flat_map(|p| uid_set(p.as_bytes()).unwrap().iter().collect::<Vec<_>>()).collect();
            prop_assert_eq!(again, set);
        }
    }
}
