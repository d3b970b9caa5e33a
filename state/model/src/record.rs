//! What contacts, companies and activities have in common: whose they are, who sees them, by what they are grouped.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::IdParseError;

/// Who sees a record beside its owner (F7.4).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Visibility {
    /// Nobody else.
    #[default]
    Private,
    /// The users of that role.
    Role(String),
    /// Every user.
    All,
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Private => f.write_str("private"),
            Self::Role(role) => write!(f, "role:{role}"),
            Self::All => f.write_str("all"),
        }
    }
}

impl FromStr for Visibility {
    type Err = IdParseError;

    fn from_str(text: &str) -> Result<Self, IdParseError> {
        match (text, text.strip_prefix("role:")) {
            ("private", _) => Ok(Self::Private),
            ("all", _) => Ok(Self::All),
            (_, Some(role)) if !role.is_empty() => Ok(Self::Role(role.to_owned())),
            _ => Err(IdParseError {
                found: text.to_owned(),
                expected: "a visibility: private, all, or role:NAME",
            }),
        }
    }
}

/// What a name that records can carry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LabelKind {
    /// A tag.
    Tag,
    /// A group of contacts.
    Contacts,
    /// A group of activities.
    Activities,
}

impl LabelKind {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Tag, Self::Contacts, Self::Activities];

    /// Its name in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Contacts => "contacts",
            Self::Activities => "activities",
        }
    }
}

/// Whose a tag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LabelScope {
    /// One user's: nobody else sees it.
    #[default]
    Personal,
    /// The house's: every user sees it.
    Corporate,
    /// Everybody's.
    Public,
}

impl LabelScope {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Personal, Self::Corporate, Self::Public];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Corporate => "corporate",
            Self::Public => "public",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visibility_reads_back_what_it_prints() {
        for visibility in [Visibility::Private, Visibility::All, Visibility::Role("sales".to_owned())] {
            assert_eq!(visibility.to_string().parse(), Ok(visibility));
        }
        for text in ["", "role:", "everybody", "Private"] {
            assert_eq!(text.parse::<Visibility>().unwrap_err().found, text);
        }
    }
}
