//! Ids of what the store holds. An id that a listing printed never changes and is never used again (spec, "Command line").

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What was given is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{found}` is not {expected}")]
pub struct IdParseError {
    /// The text as it was given.
    pub found: String,
    /// The form that was expected, in words.
    pub expected: &'static str,
}

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);
    };
}

row_id! {
    /// An account, as the store numbers it.
    AccountId
}
row_id! {
    /// A folder of mail.
    CollectionId
}
row_id! {
    /// A message: what several placements share.
    MessageId
}

row_id! {
    /// An address book, a group of contacts, a calendar or a task list of an account.
    ItemCollectionId
}
row_id! {
    /// Which item is which record.
    LinkId
}
row_id! {
    /// A record: a contact, a company or an activity.
    RecordId
}
row_id! {
    /// A tag or a group.
    LabelId
}

/// An id that people read and write: a letter and a number.
macro_rules! shown_id {
    ($(#[$doc:meta])* $name:ident, $letter:literal, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($letter, "{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdParseError;

            fn from_str(text: &str) -> Result<Self, IdParseError> {
                let number =
                    text.strip_prefix($letter).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
                number
                    .and_then(|digits| digits.parse().ok())
                    .map(Self)
                    .ok_or_else(|| IdParseError { found: text.to_owned(), expected: $expected })
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

shown_id! {
    /// A message where it stands, printed as `m17`. It survives moves; a copy has its own.
    PlacementId, "m", "a message id such as m17 (`postrider mail list` prints them)"
}
shown_id! {
    /// An entry of the outbox, printed as `o3`.
    OutboxId, "o", "an outbox id such as o3 (`postrider outbox list` prints them)"
}

shown_id! {
    /// A contact, printed as `c5`.
    ContactId, "c", "a contact id such as c5 (`postrider contact list` prints them)"
}
shown_id! {
    /// A company, printed as `f2`.
    CompanyId, "f", "a company id such as f2 (`postrider company list` prints them)"
}
shown_id! {
    /// An appointment or a task, printed as `a8`.
    ActivityId, "a", "an activity id such as a8 (`postrider activity list` prints them)"
}
shown_id! {
    /// A version of a record that another took the place of, printed as `v4`.
    VersionId, "v", "a version id such as v4 (`postrider conflicts list` prints them)"
}

/// A record's number is the same whatever it is.
macro_rules! record_id {
    ($($name:ident),+) => {
        $(impl From<$name> for RecordId {
            fn from(id: $name) -> Self {
                Self(id.0)
            }
        })+
    };
}
record_id!(ContactId, CompanyId, ActivityId);

/// One run, printed as 16 hexadecimal digits: it names the run in logs, reports and the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RunId(pub u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for RunId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placement_id_reads_back_what_it_prints() {
        assert_eq!("m17".parse(), Ok(PlacementId(17)));
        assert_eq!(PlacementId(17).to_string(), "m17");
    }

    #[test]
    fn what_is_no_placement_id_is_refused_with_what_was_found() {
        for text in ["", "m", "17", "c17", "m-1", "m+1", "m1x", "M1", "m99999999999999999999"] {
            let refused = text.parse::<PlacementId>().unwrap_err();
            assert_eq!(refused.found, text);
        }
    }
}
