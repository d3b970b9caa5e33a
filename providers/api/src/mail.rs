//! Mail as a provider gives it.

use async_trait::async_trait;
use postrider_model::{
    EmailId, Flags, FolderKey, FolderStatus, MailCursor, Page, RemoteFolder, Timestamp, Uid, UidSet, Window,
};

use crate::Result;

/// The pages of one listing, each asked for when the one before is dealt with.
#[async_trait]
pub trait ChangeFeed: Send {
    /// The next page; `None` after the one with the cursor.
    async fn next(&mut self) -> Result<Option<Page>>;
}

/// What is asked of [`MailRemote::changes`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangesRequest {
    /// Up to where the folder was read; `None` the first time.
    pub since: Option<MailCursor>,
    /// How much of the past is wanted now.
    pub window: Window,
    /// The UIDs that the store holds under the cursor's UIDVALIDITY.
    pub known: UidSet,
    /// The folder's state from this run's listing, which spares asking again where it shows that nothing changed.
    pub listed: Option<FolderStatus>,
}

/// The folder's UIDs mean other messages than those that the store knows: its UIDVALIDITY changed, or a backup was restored
/// under it (UIDNEXT or HIGHESTMODSEQ ran backwards). What is here has to be matched again by content (F2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renumbered {
    /// The folder's state now.
    pub status: FolderStatus,
    /// Every UID in the folder that the window or `known` could mean: a completed full listing.
    pub present: UidSet,
    /// Those of them that the window wants.
    pub wanted: UidSet,
    /// What showed it, in words for a log.
    pub why: String,
}

/// What [`MailRemote::changes`] found.
pub enum Changes {
    /// Nothing changed since the cursor: nothing is to be read or written.
    None,
    /// A listing follows.
    Feed(Box<dyn ChangeFeed>),
    /// The UIDs changed their meaning.
    Renumbered(Renumbered),
}

/// How much of a message is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchWhat {
    /// The whole message, byte for byte.
    Body,
    /// Its header block only, for matching.
    Header,
    /// Nothing of it but what stands beside it, its [`EmailId`] among that. Where the server has none, nothing is delivered.
    Identity,
}

/// One message as the server gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedMessage {
    /// Its UID.
    pub uid: Uid,
    /// Its flags.
    pub flags: Flags,
    /// INTERNALDATE.
    pub internal_date: Option<Timestamp>,
    /// RFC822.SIZE in octets; the bytes' own length where it differs is what counts.
    pub size: u64,
    /// MODSEQ, where the server has one.
    pub mod_seq: Option<u64>,
    /// What the server knows its content by, where it says so.
    pub email_id: Option<EmailId>,
    /// The bytes, or the length of a message that is over the cap and was left out.
    pub content: std::result::Result<Vec<u8>, u64>,
}

/// Where fetched messages go. Answering slowly slows the server down: that is the memory bound.
#[async_trait]
pub trait BodySink: Send {
    /// Takes one message.
    ///
    /// # Errors
    /// Where the store cannot take it (a full disk): the fetch ends with that fault.
    async fn take(&mut self, message: FetchedMessage) -> Result<()>;
}

/// One account's mail on its server. Calls for several folders may run at the same time; each takes a connection from a
/// bounded pool. Dropping a call or a feed leaves nothing running.
#[async_trait]
pub trait MailRemote: Send + Sync {
    /// All folders, completely: an answer that is not surely complete is an error.
    async fn folders(&self) -> Result<Vec<RemoteFolder>>;

    /// What changed in a folder since a cursor.
    async fn changes(&self, folder: &FolderKey, request: ChangesRequest) -> Result<Changes>;

    /// Fetches messages that were listed under that UIDVALIDITY. A message that is gone meanwhile is left out without an
    /// error.
    ///
    /// # Errors
    /// Also where the folder's UIDVALIDITY is another one now.
    async fn fetch(
        &self,
        folder: &FolderKey,
        uid_validity: u32,
        uids: &UidSet,
        what: FetchWhat,
        sink: &mut dyn BodySink,
    ) -> Result<()>;

    /// Nothing much is to be asked for a while: of the connections that are not in use, one is kept.
    async fn rest(&self);

    /// Ends all connections in the protocol's way.
    async fn close(&self);
}
