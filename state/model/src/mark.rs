//! The mark of a write: by it the write is found again on the server, and a store knows its own writes from another's.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Store id and intent id, written `pr-STORE-INTENT` with 16 lower-case hexadecimal digits each.
///
/// Letters, digits and `-` only, 36 bytes: it fits a Message-ID, an extended property of EWS and a client data entry of Google as it
/// stands. Google's event ids have an alphabet of their own and are made from [`Mark::to_base32hex`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Mark {
    store: u64,
    intent: u64,
}

/// What was given is no mark.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{found}` is not a mark such as pr-00000000000000ff-0000000000000001")]
pub struct MarkError {
    /// The text as it was given.
    pub found: String,
}

impl Mark {
    /// The mark of an intent. `store` is drawn at random when a store is made; `intent` is never used again in it.
    #[must_use]
    pub const fn new(store: u64, intent: u64) -> Self {
        Mark { store, intent }
    }

    /// Whether the store with this id made it.
    #[must_use]
    pub const fn is_of(self, store: u64) -> bool {
        self.store == store
    }

    /// The intent that it marks, for the store that made it.
    #[must_use]
    pub const fn intent(self) -> u64 {
        self.intent
    }

    /// The mark in the alphabet of Google's event ids, 26 characters of `0`–`9` and `a`–`v` (RFC 4648 section 7; Calendar API, `Events.insert`, `id`).
    #[must_use]
    pub fn to_base32hex(self) -> String {
        let bits = u128::from(self.store) << 64 | u128::from(self.intent);
        let digit = |shift: u32| char::from_digit((bits >> shift) as u32 & 31, 32).unwrap_or('0');
        (0..26).rev().map(|place| digit(place * 5)).collect()
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pr-{:016x}-{:016x}", self.store, self.intent)
    }
}

impl FromStr for Mark {
    type Err = MarkError;

    fn from_str(text: &str) -> Result<Self, MarkError> {
        let parsed =
            text.strip_prefix("pr-").and_then(|ids| ids.split_once('-')).and_then(|(store, intent)| {
                Some(Mark {
                    store: u64::from_str_radix(store, 16).ok()?,
                    intent: u64::from_str_radix(intent, 16).ok()?,
                })
            });
        // Only the form that is written: no other case, no signs, no missing zeros.
        parsed.filter(|mark| mark.to_string() == text).ok_or_else(|| MarkError { found: text.to_owned() })
    }
}

impl From<Mark> for String {
    fn from(mark: Mark) -> String {
        mark.to_string()
    }
}

impl TryFrom<String> for Mark {
    type Error = MarkError;

    fn try_from(text: String) -> Result<Self, MarkError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_mark_names_its_store() {
        let mark = Mark::new(0xff, 1);
        assert_eq!(mark.to_string(), "pr-00000000000000ff-0000000000000001");
        assert_eq!(mark.to_base32hex(), "000000000003vg000000000001");
        assert!(mark.is_of(0xff) && !mark.is_of(1));
        assert_eq!(mark.intent(), 1);
        assert_eq!(Mark::new(1, 77).intent(), 77);
        assert_eq!(String::from(mark), mark.to_string());
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "pr-",
            "pr-1-2",
            "pr-00000000000000FF-0000000000000001",
            "pr-+0000000000000ff-0000000000000001",
            "pr-00000000000000ff-0000000000000001 ",
            "xx-00000000000000ff-0000000000000001",
        ] {
            assert_eq!(text.parse::<Mark>(), Err(MarkError { found: text.to_owned() }));
        }
    }

    proptest! {
        #[test]
        fn marks_come_back_and_stay_apart(ids in prop::collection::btree_set((any::<u64>(), any::<u64>()), 1..8)) {
            let marks: Vec<Mark> = ids.iter().map(|(store, intent)| Mark::new(*store, *intent)).collect();
            for mark in &marks {
                prop_assert_eq!(mark.to_string().parse(), Ok(*mark));
                let id = mark.to_base32hex();
                prop_assert!(id.len() == 26 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'v')));
            }
            let short: BTreeSet<String> = marks.iter().map(|mark| mark.to_base32hex()).collect();
            prop_assert_eq!(short.len(), ids.len());
        }
    }
}
