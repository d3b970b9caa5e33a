//! What a provider's listings say, as plain values: folders, and pages of changes.
//!
//! Whether a listing is complete or a delta is said in a type ([`Scope`]), since absence from a delta says nothing (I2).

use serde::{Deserialize, Serialize};

use crate::{Flags, FolderRole, FolderStatus, MailCursor, Uid, UidSet};

/// A folder's name on the server exactly as the server writes it (for IMAP: still in modified UTF-7), by which it is selected.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FolderKey(pub String);

/// What a server knows a message's content by, wherever in the account it stands: EMAILID (RFC 8474, section 5.1) or Gmail's
/// X-GM-MSGID (<https://developers.google.com/gmail/imap/imap-extensions>). Messages that share one have the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailId(pub String);

/// A folder in a complete listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFolder {
    /// How the server calls it.
    pub key: FolderKey,
    /// The decoded name with `/` between levels; `INBOX` in capitals. What people and configuration call it.
    pub name: String,
    /// What it is for, where the server says or (INBOX) the protocol does.
    pub role: Option<FolderRole>,
    /// Whether it can hold messages (not `\Noselect`, not `\NonExistent`).
    pub selectable: bool,
    /// Its state, where the server tells it with the listing at no further round trip (LIST-STATUS, RFC 5819).
    pub status: Option<FolderStatus>,
    /// An id that survives renaming (MAILBOXID, RFC 8474), where the server has one.
    pub mailbox_id: Option<String>,
}

/// Whether what is not mentioned is gone (I2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Only what is mentioned changed. Absence says nothing.
    Delta,
    /// The pages together, once the last one came, mention every message of the folder by [`MailChange::Present`], or every item of
    /// the collection; what is in none of them is gone.
    Full,
}

/// One change, or one message that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailChange {
    /// That message has these flags now. For a UID that the store does not hold it says nothing.
    Flags {
        /// The message.
        uid: Uid,
        /// All its flags.
        flags: Flags,
        /// Its MODSEQ, where the server has one.
        mod_seq: Option<u64>,
    },
    /// These messages are in the window and are to be fetched unless the store holds them. Always below the cursor's UIDNEXT
    /// or covered by it.
    Wanted(UidSet),
    /// These were expunged: a tombstone (VANISHED). May name UIDs that never were.
    Vanished(UidSet),
    /// Only in a full listing: these are in the folder.
    Present(UidSet),
}

/// A piece of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The same on all pages of one feed.
    pub scope: Scope,
    /// In any order.
    pub changes: Vec<MailChange>,
    /// Only on the last page: the cursor that covers all pages once they, and all that they want fetched, are stored.
    pub cursor: Option<MailCursor>,
}
