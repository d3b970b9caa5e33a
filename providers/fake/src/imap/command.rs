//! Commands as they are understood: what the grammar gives and the law and the execution take.
//!
//! Rule: plain values, without the spelling on the wire; mailbox names are decoded here already.

use crate::core::{FlagChange, InternalDate};

use super::sets::SequenceSet;

/// A command of a client.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    Capability,
    Noop,
    Logout,
    StartTls,
    Id,
    Login {
        user: Vec<u8>,
        password: Vec<u8>,
    },
    Authenticate {
        mechanism: String,
        initial: Option<String>,
    },
    Enable(Vec<String>),
    Namespace,
    List(List),
    Lsub {
        reference: String,
        pattern: String,
    },
    Status {
        mailbox: String,
        items: Vec<StatusItem>,
    },
    Select(Select),
    Close,
    Unselect,
    Check,
    Fetch(Fetch),
    Search(Search),
    Store(Store),
    Transfer(Transfer),
    Append(Append),
    Expunge(Option<SequenceSet>),
    Create(String),
    Delete(String),
    Rename {
        from: String,
        to: String,
    },
    Subscribe {
        mailbox: String,
        on: bool,
    },
    Idle,
    Compress,
    /// `None` for `NOTIFY NONE`.
    Notify(Option<Notify>),
}

/// NOTIFY SET (RFC 5465), as far as this server knows it: mailboxes that are not selected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notify {
    /// Tell the state of each at once.
    pub status: bool,
    /// All of the user's mailboxes.
    pub personal: bool,
    pub mailboxes: Vec<String>,
    /// Tell changes of flags besides arrivals and expunges.
    pub flags: bool,
}

/// LIST, extended or not (RFC 5258).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct List {
    /// Any form beyond RFC 3501.
    pub extended: bool,
    pub selection: Vec<ListSelection>,
    pub reference: String,
    pub patterns: Vec<String>,
    pub returns: Vec<ListReturn>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListSelection {
    Subscribed,
    Remote,
    RecursiveMatch,
    SpecialUse,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ListReturn {
    Subscribed,
    Children,
    SpecialUse,
    Status(Vec<StatusItem>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatusItem {
    Messages,
    Recent,
    UidNext,
    UidValidity,
    Unseen,
    HighestModSeq,
    Size,
    MailboxId,
}

/// SELECT and EXAMINE.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Select {
    pub mailbox: String,
    pub read_only: bool,
    pub condstore: bool,
    pub qresync: Option<QResync>,
}

/// The QRESYNC parameter (RFC 7162 section 3.2.5).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct QResync {
    pub uid_validity: u32,
    pub mod_seq: u64,
    pub known_uids: Option<SequenceSet>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fetch {
    pub uid: bool,
    pub set: SequenceSet,
    pub items: Vec<FetchItem>,
    pub changed_since: Option<u64>,
    pub vanished: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FetchItem {
    Uid,
    Flags,
    InternalDate,
    Size,
    Rfc822,
    Rfc822Header,
    Rfc822Text,
    Envelope,
    /// `BODY` without a section: the structure without extension data.
    Body,
    BodyStructure,
    Section {
        peek: bool,
        section: Section,
        partial: Option<(u32, u32)>,
    },
    ModSeq,
    EmailId,
    ThreadId,
    GmMsgId,
    GmThrId,
    GmLabels,
}

/// `section-spec` (RFC 3501 section 9): a part, and what of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Section {
    pub part: Vec<u32>,
    pub text: SectionText,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum SectionText {
    #[default]
    All,
    Header,
    HeaderFields {
        not: bool,
        names: Vec<Vec<u8>>,
    },
    Text,
    Mime,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Search {
    pub uid: bool,
    pub charset: Option<String>,
    /// `RETURN (...)` (RFC 4731); empty means `ALL`.
    pub returns: Option<Vec<SearchReturn>>,
    pub key: SearchKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SearchReturn {
    Min,
    Max,
    All,
    Count,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DateIs {
    Before,
    On,
    Since,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SearchKey {
    All,
    And(Vec<SearchKey>),
    Or(Box<SearchKey>, Box<SearchKey>),
    Not(Box<SearchKey>),
    Sequence(SequenceSet),
    Uid(SequenceSet),
    Flag(String),
    Recent,
    Received(DateIs, chrono::NaiveDate),
    Sent(DateIs, chrono::NaiveDate),
    Header(Vec<u8>, Vec<u8>),
    Body(Vec<u8>),
    Text(Vec<u8>),
    Larger(u32),
    Smaller(u32),
    ModSeq(u64),
}

impl SearchKey {
    /// Whether MODSEQ is asked for anywhere in it.
    pub fn asks_mod_seq(&self) -> bool {
        match self {
            Self::ModSeq(_) => true,
            Self::Not(key) => key.asks_mod_seq(),
            Self::Or(a, b) => a.asks_mod_seq() || b.asks_mod_seq(),
            Self::And(keys) => keys.iter().any(Self::asks_mod_seq),
            _ => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Store {
    pub uid: bool,
    pub set: SequenceSet,
    pub unchanged_since: Option<u64>,
    pub change: FlagChange,
    pub silent: bool,
    pub flags: Vec<String>,
}

/// COPY and MOVE.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Transfer {
    pub uid: bool,
    pub set: SequenceSet,
    pub mailbox: String,
    pub moving: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Append {
    pub mailbox: String,
    pub flags: Vec<String>,
    pub date: Option<InternalDate>,
    pub bytes: Vec<u8>,
    /// `UTF8 (~{n}...)` (RFC 6855 section 4).
    pub utf8: bool,
}
