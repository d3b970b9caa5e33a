//! What contacts and activities have in common: collections, feeds of changes, and what a write came to.
//!
//! Rules, beside those of mail (a write that failed says its [`Reach`](crate::Reach), absence from a delta says nothing):
//! - The collection's cursor stands on the last page alone, and covers what the pages before it told (I3).
//! - A cursor that the server no longer takes is the provider's to notice: it lists anew and says [`Scope::Full`](crate::Scope). Only of a
//!   completed full listing, or of a tombstone, is an item gone (I2).
//!   Cursors end after 7 days (<https://developers.google.com/people/api/rest/v1/people.connections/list>), with 410
//!   (<https://developers.google.com/workspace/calendar/api/guides/sync>), or as `ErrorInvalidSyncStateData`
//!   (<https://learn.microsoft.com/en-us/exchange/client-developer/exchange-web-services/mailbox-synchronization-and-ews-in-exchange>).
//! - Listings may lag behind writes by as much as the provider's capabilities say; [`fetch`](crate::ContactRemote::fetch) never does.

use async_trait::async_trait;
use postrider_model::{CollectionKey, CollectionKind, ItemCursor, Mark, Scope, Timestamp};

use crate::Result;

/// A collection in a complete listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteCollection {
    /// How the server calls it, whatever its name is.
    pub key: CollectionKey,
    /// How people call it; folders below others with `/` between levels.
    pub name: String,
    /// What it holds.
    pub kind: CollectionKind,
    /// Whether it is the one that the server takes where none is named.
    pub is_default: bool,
    /// What the account may do there.
    pub access: Access,
    /// The mark under which it was made, where the server keeps one.
    pub mark: Option<Mark>,
    /// Its zone, a name of the IANA database, where it has one.
    pub time_zone: Option<String>,
}

/// What an account may do in a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// See when somebody is busy, and nothing else.
    FreeBusy,
    /// See what is there.
    Read,
    /// Change it.
    Write,
}

/// What came of making a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Making {
    /// It was made.
    Made(RemoteCollection),
    /// There is one of that name and kind already, and none was made: the server has no two (People answers 409, Exchange
    /// `ErrorFolderExists`), or the provider, which looks first where the server would have two (Google's calendars), makes none.
    Taken(RemoteCollection),
}

/// A piece of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemPage<C> {
    /// The same on all pages of one feed.
    pub scope: Scope,
    /// In any order. May be empty, also where further pages are not.
    pub changes: Vec<C>,
    /// Only on the last page: the cursor that covers all pages once they are stored.
    pub cursor: Option<ItemCursor>,
    /// What time it was by the server's clock when it answered (`Date`, RFC 9110, section 6.6.1), where it says so.
    pub server_time: Option<Timestamp>,
}

/// The pages of one listing, each asked for when the one before is dealt with.
#[async_trait]
pub trait ItemFeed<C: Send + 'static>: Send {
    /// The next page; `None` after the one with the cursor.
    ///
    /// # Errors
    /// The feed is over then, and the old cursor still stands.
    async fn next(&mut self) -> Result<Option<ItemPage<C>>>;
}

/// What came of a write that was not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemApplied<T> {
    /// It was done, and this is the item as the server has it now: what servers rewrite included, so that it and not what was sent becomes
    /// the base.
    Done(Box<T>),
    /// It was done, and the item is out of the collection.
    Removed,
    /// The item is not in the state that was named any more. Nothing was done: fetch it and decide again (I5).
    Stale,
    /// The item is not in the collection any more. Nothing was done.
    Gone,
}

impl<T> ItemApplied<T> {
    /// The item as it is now, of what was done and left one.
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(item) => Some(*item),
            Self::Removed | Self::Stale | Self::Gone => None,
        }
    }
}
