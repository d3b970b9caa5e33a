//! Contacts as a provider gives and changes them.

use std::collections::BTreeSet;

use async_trait::async_trait;
use postrider_model::{
    CollectionKey, Contact, ContactField, ItemCursor, ItemKey, ItemVersion, Mark, Timestamp,
};

use crate::{ItemApplied, ItemFeed, Making, RemoteCollection, Result, Written};

/// A contact as the server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteContact {
    /// How the server calls it.
    pub key: ItemKey,
    /// Which state of it this is.
    pub version: ItemVersion,
    /// The mark under which it was made, where the server keeps one: of this store or of another.
    pub mark: Option<Mark>,
    /// What is known.
    pub contact: Contact,
    /// When it was changed last, by the server's clock.
    pub changed: Option<Timestamp>,
    /// Keys that it had before, where the server gave it another one and says so; nothing else is told of those. Only in deltas
    /// (People, `metadata.previousResourceNames`).
    pub former_keys: Vec<ItemKey>,
}

/// One change, or one contact that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactChange {
    /// It is in the collection, and this is what it is.
    Put(Box<RemoteContact>),
    /// It is not in the collection. May name contacts that never were.
    Gone {
        /// Which.
        key: ItemKey,
        /// What became of it.
        why: Leaving,
    },
}

/// Why a contact is in a collection no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// It is not to be had under this key any more. Where ids change with the folder ([`ContactCapabilities::has_groups`] is `false`), it may
    /// stand in another one under another key.
    Deleted,
    /// It is there, but not in this collection.
    Left,
}

/// What is done to a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactOp {
    /// It is made. A second one under the same mark is never made: the first is answered, or it is refused; so after a lost answer look with
    /// [`ContactRemote::find`] first.
    Create {
        /// What is known.
        contact: Box<Contact>,
    },
    /// What differs between `was` and `contact` is sent, on condition that the server has `version`.
    Update {
        /// Which.
        key: ItemKey,
        /// The newest state that was read.
        version: ItemVersion,
        /// What it was in that state, as the server gave it.
        was: Box<Contact>,
        /// What it is to be.
        contact: Box<Contact>,
    },
    /// A contact of the account that is outside the group is put into it
    /// (<https://developers.google.com/people/api/rest/v1/contactGroups.members/modify>). Only where there are groups.
    Join {
        /// Which.
        key: ItemKey,
    },
    /// Out of the group; it stays in the account (F3.3). Only where there are groups.
    Leave {
        /// Which.
        key: ItemKey,
    },
    /// Deleted in the form that can be undone, where there is one.
    Delete {
        /// Which.
        key: ItemKey,
        /// The newest state that was read.
        version: ItemVersion,
    },
}

/// What a server of contacts can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactCapabilities {
    /// The fields that it holds. The others are not sent.
    pub fields: BTreeSet<ContactField>,
    /// Whether it keeps the uid, which no field is: else it comes back without.
    pub keeps_uid: bool,
    /// How many mail addresses it holds at most (three in Exchange); those behind are left out.
    pub emails_max: Option<usize>,
    /// Whether a contact may be in several collections under one key, so that it can join and leave them (groups); else each is in one folder.
    pub has_groups: bool,
    /// Whether a deletion is conditional on the version by the protocol. Where it is not, the provider reads again just before.
    pub is_delete_conditional: bool,
    /// By how many milliseconds listings, and `find`, may lag behind what was written (People: minutes). Within it, what is missing
    /// in them proves nothing, and what is older than the state that a write answered is to be ignored.
    pub lag_ms: u64,
}

/// One account's contacts on its server. Calls may run at the same time; a provider whose server takes one write at a time puts them in
/// line. Dropping a call that reads leaves nothing running; a write that is dropped may have been done.
#[async_trait]
pub trait ContactRemote: Send + Sync {
    /// What the server can.
    fn capabilities(&self) -> ContactCapabilities;

    /// All address books or groups, completely: an answer that is not surely complete is an error.
    async fn collections(&self) -> Result<Vec<RemoteCollection>>;

    /// Makes an address book or group.
    ///
    /// # Errors
    /// Where the answer is lost, `collections` tells by mark or name whether it was made.
    async fn make_collection(&self, name: &str, mark: Mark) -> Written<Making>;

    /// What changed in a collection since a cursor; without one, or where the cursor holds no more, all that is there.
    ///
    /// # Errors
    /// Also where there is no such collection (any more): that is not emptiness.
    async fn changes(
        &self,
        collection: &CollectionKey,
        since: Option<&ItemCursor>,
    ) -> Result<Box<dyn ItemFeed<ContactChange>>>;

    /// What these are now: one answer for each key, in any order. It does not lag, so it confirms that one is gone (`people:batchGet`, `GetItem`).
    async fn fetch(&self, collection: &CollectionKey, keys: &[ItemKey]) -> Result<Vec<ContactChange>>;

    /// Does that to a contact. The mark is that of the intent; a contact that is made carries it.
    ///
    /// # Errors
    /// What the server refuses, or cannot do: class `Permanent`, nothing done.
    async fn apply(
        &self,
        collection: &CollectionKey,
        mark: Mark,
        op: &ContactOp,
    ) -> Written<ItemApplied<RemoteContact>>;

    /// The contact that was made under this mark, where it is in the collection. What is missing may lag ([`ContactCapabilities::lag_ms`]).
    async fn find(&self, collection: &CollectionKey, mark: Mark) -> Result<Option<RemoteContact>>;

    /// Ends all connections in the protocol's way.
    async fn close(&self);
}
