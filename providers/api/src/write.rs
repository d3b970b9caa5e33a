//! Mail as a provider changes it.
//!
//! A write that fails says how far it got ([`Reach`]): only what surely did not happen may be sent again without a look (I4).
//! What the server echoed is told as it came; an OK alone proves nothing, since servers say it for messages that are gone.

use std::fmt;

use async_trait::async_trait;
use postrider_model::{Fault, Flags, FolderKey, FolderStatus, PermanentFlags, Timestamp, Uid, UidSet};

use crate::{MailRemote, Result};

/// The messages that a write is about: of one folder, under one UIDVALIDITY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Messages<'a> {
    /// Their folder.
    pub folder: &'a FolderKey,
    /// The UIDVALIDITY under which the UIDs mean them. Under another one nothing is done.
    pub uid_validity: u32,
    /// Their UIDs.
    pub uids: &'a UidSet,
}

/// What is done to messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailOp {
    /// Flags are added and taken away, all others left as they are. They commute, so no condition is needed (I5).
    Flags {
        /// To be set.
        add: Flags,
        /// To be taken away.
        remove: Flags,
    },
    /// Into another folder, and out of this one.
    Move {
        /// Where to.
        to: FolderKey,
    },
    /// Into another folder besides this one.
    Copy {
        /// Where to.
        to: FolderKey,
    },
    /// Erased. A server that can only erase all messages marked `\Deleted` at once (without UIDPLUS) is left with the mark.
    Expunge,
}

/// What the server said to a write.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// Flags as the server echoed them.
    pub echoed: Vec<Echo>,
    /// Messages that left the folder by this write, as the server told.
    pub gone: UidSet,
    /// Messages that carry `\Deleted` and stay until another client erases them.
    pub left_marked: UidSet,
    /// Where the copies are; `None` where the server does not tell (without UIDPLUS).
    pub copied: Option<Copied>,
    /// Which flags the folder keeps, where it was told.
    pub permanent: Option<PermanentFlags>,
}

/// A message's flags as the server has them now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    /// Its UID.
    pub uid: Uid,
    /// All of its flags.
    pub flags: Flags,
    /// Its MODSEQ, where the server has one.
    pub mod_seq: Option<u64>,
}

/// The copies of messages in their new folder (COPYUID, RFC 4315, section 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// UIDVALIDITY of the new folder.
    pub uid_validity: u32,
    /// UID in the old folder and UID in the new one. Messages that were gone already are not among them.
    pub pairs: Vec<(Uid, Uid)>,
}

/// A message to be put into a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewMessage<'a> {
    /// Its octets, byte for byte.
    pub bytes: &'a [u8],
    /// Its flags. Keywords that the folder does not keep are left out by the server.
    pub flags: &'a Flags,
    /// Its internal date; `None` for now, by the server.
    pub internal_date: Option<Timestamp>,
}

/// A place in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The folder's UIDVALIDITY.
    pub uid_validity: u32,
    /// The message's UID.
    pub uid: Uid,
}

/// How far a write that failed got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Nothing of it was done: it was not sent, or the server refused the whole.
    NotDone,
    /// Perhaps some of it, perhaps all: to be looked up before it is sent again.
    Unknown,
}

/// A write that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteFault {
    /// Why.
    pub fault: Fault,
    /// How far it got.
    pub reach: Reach,
}

impl WriteFault {
    /// Nothing was done.
    pub const fn not_done(fault: Fault) -> Self {
        Self { fault, reach: Reach::NotDone }
    }

    /// Nobody knows what was done.
    pub const fn unknown(fault: Fault) -> Self {
        Self { fault, reach: Reach::Unknown }
    }
}

impl fmt::Display for WriteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl std::error::Error for WriteFault {}

/// What a write answers.
pub type Written<T> = std::result::Result<T, WriteFault>;

/// An account's mail that can be changed on its server. As with reading, calls may run at the same time. A call that is dropped
/// may have been done.
#[async_trait]
pub trait MailWriter: MailRemote {
    /// Does that to messages. Those that are gone meanwhile are left out without an error.
    ///
    /// # Errors
    /// Also where the folder's UIDVALIDITY is another one now; nothing is done then.
    async fn apply(&self, messages: Messages<'_>, op: &MailOp) -> Written<Applied>;

    /// Puts a message into a folder; where it stands, where the server tells (APPENDUID).
    async fn append(&self, folder: &FolderKey, message: NewMessage<'_>) -> Written<Option<Place>>;

    /// The folder's state now: what is put into it after this has a UID at or above UIDNEXT.
    async fn status(&self, folder: &FolderKey) -> Result<FolderStatus>;

    /// Those of `uids` that are in the folder: an answer that is not surely complete is an error. An open end of the set
    /// (`n:4294967295`) costs what is there.
    ///
    /// # Errors
    /// Also where the folder's UIDVALIDITY is another one now.
    async fn present(&self, messages: Messages<'_>) -> Result<UidSet>;

    /// Makes a folder, with what is missing above it, by its name for people (`/` between levels); its key. One that is there
    /// already is no error.
    async fn create_folder(&self, name: &str) -> Written<FolderKey>;

    /// Renames a folder, and with it those below it; its new key.
    async fn rename_folder(&self, folder: &FolderKey, name: &str) -> Written<FolderKey>;

    /// Deletes a folder with all that is in it. One that is gone already is no error.
    async fn delete_folder(&self, folder: &FolderKey) -> Written<()>;
}
