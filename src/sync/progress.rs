//! What a run tells while it goes on. It is for a person who looks; nothing depends on it.

use std::fmt;

/// One step of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// The account's folders are known.
    Folders {
        /// The account's name.
        account: &'a str,
        /// How many are followed.
        followed: usize,
    },
    /// A folder has messages to fetch.
    Fetching {
        /// The account's name.
        account: &'a str,
        /// The folder's name.
        folder: &'a str,
        /// How many messages.
        messages: u64,
    },
    /// Messages were committed.
    Stored {
        /// The account's name.
        account: &'a str,
        /// The folder's name.
        folder: &'a str,
        /// How many messages.
        messages: u64,
        /// Their size in octets.
        bytes: u64,
    },
    /// Nothing more comes from a folder.
    FolderDone {
        /// The account's name.
        account: &'a str,
        /// The folder's name.
        folder: &'a str,
    },
    /// A change that the server, or a person here, told of is dealt with.
    Followed {
        /// The account's name.
        account: &'a str,
        /// The folder's decoded name; empty for what was sent, moved or deleted.
        folder: &'a str,
        /// Messages that came, changed, went, or were sent.
        messages: u64,
        /// From the moment at which it was told to the commit, in microseconds.
        micros: u64,
    },
    /// An account's run, or its watch, failed.
    Failed {
        /// The account's name.
        account: &'a str,
        /// Why.
        fault: &'a postrider_model::Fault,
        /// The pause before it is tried again, in milliseconds; `None` where a person has to do something first.
        pause_ms: Option<u64>,
    },
    /// Something went wrong, and the account is followed all the same.
    Warning {
        /// The account's name.
        account: &'a str,
        /// What.
        text: &'a str,
    },
    /// A run of an account ended.
    Ran {
        /// The run.
        run: postrider_model::RunId,
        /// Its report.
        report: &'a postrider_model::AccountReport,
    },
    /// The server will tell of changes in these folders.
    Watching {
        /// The account's name.
        account: &'a str,
        /// How many folders; 0 where it cannot.
        folders: usize,
    },
    /// Messages are committed and cannot all be found by search yet.
    Indexing {
        /// How many are left.
        left: u64,
    },
}

/// Looks on. It is called from several threads and must not wait.
pub trait Observer: Send + Sync + fmt::Debug {
    /// Takes one step.
    fn event(&self, event: Event<'_>);
}

/// Looks away.
#[derive(Debug)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event<'_>) {}
}
