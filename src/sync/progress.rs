//! What a run tells while it goes on. It is for a person who looks; nothing depends on it.

use std::fmt;

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
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
