//! What a provider promises, and all that the rest of Postrider knows of one.
//!
//! A provider turns a server's protocol into these values and keeps every quirk of it on its own side. It decides nothing:
//! what a change means for the store is `reconcile`'s, and what is said to people is `cli`'s.
//!
//! The traits are of `async_trait`, because `async fn` in traits cannot yet be called through `dyn`.

mod auth;
mod calendar;
mod contacts;
mod items;
mod mail;
mod watch;
mod write;

pub use auth::{AccessTokens, Credential};
pub use calendar::{
    ActivityChange, BusyTime, CalendarCapabilities, CalendarOp, CalendarRemote, FreeBusy, RemoteActivity,
    Standing, Target,
};
pub use contacts::{ContactCapabilities, ContactChange, ContactOp, ContactRemote, Leaving, RemoteContact};
pub use items::{Access, ItemApplied, ItemFeed, ItemPage, Making, RemoteCollection};
pub use mail::{
    BodySink, ChangeFeed, Changes, ChangesRequest, FetchWhat, FetchedMessage, MailRemote, Renumbered,
};
pub use postrider_model::{
    CollectionKey, CollectionKind, FolderKey, ItemCursor, ItemKey, ItemVersion, MailChange, Mark, Page,
    RemoteFolder, Scope,
};
pub use watch::{MailWatch, MailWatcher};
pub use write::{
    Applied, Copied, Echo, MailOp, MailWriter, Messages, NewMessage, Place, Reach, WriteFault, Written,
};

/// What a provider's calls answer. A [`postrider_model::Fault`] says by its class whether and when to try again.
pub type Result<T> = std::result::Result<T, postrider_model::Fault>;
