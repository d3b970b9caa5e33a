//! Values that mail is made of, apart from any library that reads it.

use serde::{Deserialize, Serialize};

/// Where in a message an address stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddressRole {
    /// `From`
    From,
    /// `Sender`
    Sender,
    /// `Reply-To`
    ReplyTo,
    /// `To`
    To,
    /// `Cc`
    Cc,
    /// `Bcc`
    Bcc,
}

/// One address in a message's header (RFC 5322, section 3.4), groups flattened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The field it stands in.
    pub role: AddressRole,
    /// The decoded display name; empty where there is none.
    pub name: String,
    /// The address as it is written; empty where there is none.
    pub email: String,
}

/// By what a message is known again when its UID is worth nothing: a hash over its whole header and its size (design, "Mail").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MatchKey(pub [u8; 16]);
