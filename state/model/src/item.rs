//! By what contacts and activities, and the collections that hold them, are known on a server.
//!
//! All of them are text as the server, or the provider for it, writes it: compared octet by octet, since Exchange's ids differ in
//! case alone (<https://learn.microsoft.com/en-us/exchange/client-developer/exchange-web-services/ews-identifiers-in-exchange>), and
//! never taken apart by anyone else.

use serde::{Deserialize, Serialize};

/// An address book or group, a calendar or a task list, as its server calls it. It survives renaming.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CollectionKey(pub String);

/// A contact or an activity as its server calls it; at most 1,024 octets. Unique within a collection; whether beyond it is the provider's to say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ItemKey(pub String);

/// Which state of an item this is: an etag (RFC 9110, section 8.8.3), quotes and all, or Exchange's ChangeKey. The same version means the
/// same content; another one may mean the same content too, since servers move it by themselves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ItemVersion(pub String);

/// Up to where a collection was read: a `syncToken`, a `SyncState`, or what else the provider writes. It is good for that collection of
/// that account alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ItemCursor(pub String);

/// What a collection holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CollectionKind {
    /// Contacts: a folder of Exchange, a contact group of Google.
    AddressBook,
    /// Appointments.
    Calendar,
    /// Tasks.
    TaskList,
}

impl CollectionKind {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::AddressBook, Self::Calendar, Self::TaskList];

    /// Its name in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AddressBook => "address-book",
            Self::Calendar => "calendar",
            Self::TaskList => "task-list",
        }
    }
}
