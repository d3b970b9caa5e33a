//! What can go wrong with the store, in words that name the file and say what to do.
//!
//! Every error of SQLite becomes one of these in one place, and each of these becomes a [`Fault`] in one place.

use std::{io, path::PathBuf};

use postrider_model::{ErrorClass, Fault, MessageId, OutboxId, PlacementId};
use rusqlite::ErrorCode;
use thiserror::Error;

use crate::HeldId;

/// What the store's calls answer.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Why the store could not do what it was asked for.
#[derive(Debug, Error)]
pub enum StoreError {
    /// SQLite's locks cannot be trusted there.
    #[error("{} is on a network file system ({kind}), where file locks cannot be relied on", path.display())]
    NetworkFileSystem {
        /// The store's directory.
        path: PathBuf,
        /// The file system, such as `NFS`.
        kind: &'static str,
    },
    /// A file or the directory is somebody else's.
    #[error("{} belongs to user id {owner}, and this process runs as user id {user}", path.display())]
    ForeignOwner {
        /// The file or directory.
        path: PathBuf,
        /// To whom it belongs.
        owner: u32,
        /// The effective user of this process.
        user: u32,
    },
    /// Others could read a file or the directory.
    #[error("{} is open to other users (mode {mode:04o}, expected {expected:04o})", path.display())]
    LooseMode {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What they may be at most.
        expected: u32,
    },
    /// Something that is neither a plain file nor a directory stands where one should.
    #[error("{} is not {expected}", path.display())]
    WrongKind {
        /// The path.
        path: PathBuf,
        /// `a directory` or `a plain file`.
        expected: &'static str,
    },
    /// Another syncer has the store (I10).
    #[error("another postrider{} is syncing this store", pid.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Busy {
        /// Its process id, where it could be read.
        pid: Option<u32>,
    },
    /// A short edit elsewhere took longer than the five seconds that are waited for.
    #[error("another process kept the store locked for more than 5 seconds")]
    Locked,
    /// The store was written by a later version.
    #[error("{} has schema {found}, and this version knows schemas up to {known}", path.display())]
    NewerSchema {
        /// The database.
        path: PathBuf,
        /// Its schema's number.
        found: i64,
        /// The newest number known here.
        known: i64,
    },
    /// What is to be done needs room.
    #[error("it needs {needed} bytes free on the disk of {}, and there are {free}", path.display())]
    NoRoom {
        /// What was to be done.
        action: &'static str,
        /// A file or directory on that disk.
        path: PathBuf,
        /// What it needs.
        needed: u64,
        /// What is free.
        free: u64,
    },
    /// Nothing is written over.
    #[error("{} is there already", path.display())]
    AlreadyThere {
        /// The file.
        path: PathBuf,
    },
    /// What was to be put back cannot be.
    #[error("{} cannot be put back: {detail}", path.display())]
    BadBackup {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The key was changed since something was sealed by it.
    #[error("the key by which secrets are sealed was changed meanwhile")]
    OtherKey,
    /// The file is no database, or its insides contradict each other.
    #[error("{file} is damaged: {detail}")]
    Damaged {
        /// The file's name.
        file: String,
        /// What was found.
        detail: String,
    },
    /// No room is left on the disk.
    #[error("the disk is full")]
    DiskFull,
    /// The operating system refused something.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// The refusal.
        source: io::Error,
    },
    /// A search ran longer than its limit.
    #[error("the search took longer than {limit_ms} ms")]
    TimedOut {
        /// The limit.
        limit_ms: u64,
    },
    /// The store's thread is gone, and with it what was asked of it.
    #[error("the store was closed before this was done")]
    Stopped,
    /// There is no message of that id.
    #[error("there is no message {0}")]
    NoSuchMessage(PlacementId),
    /// Only what is deleted can be restored.
    #[error("{0} is not deleted")]
    NotDeleted(PlacementId),
    /// There is no record of that id, or it is deleted.
    #[error("there is none of that id")]
    NoSuchRecord,
    /// Whoever works within a transaction takes all of it back, and says why by themselves.
    #[error("it was refused")]
    Refused,
    /// Only what is deleted can be restored.
    #[error("it is not deleted")]
    RecordNotDeleted,
    /// There is a tag or a group of that name.
    #[error("there is one of the name {0:?} already")]
    LabelThere(String),
    /// There is no held plan of that name.
    #[error("there is no held plan {0}")]
    NoSuchPlan(HeldId),
    /// Folders of two accounts: nothing moves between them.
    #[error("{0} is of another account than the folder")]
    OtherAccount(PlacementId),
    /// There is no noted write of that number.
    #[error("there is no noted write {0}")]
    NoSuchIntent(i64),
    /// There is no entry of that id in the outbox.
    #[error("there is no entry {0} in the outbox")]
    NoSuchEntry(OutboxId),
    /// A noted write cannot do that.
    #[error(transparent)]
    InvalidTransition(#[from] postrider_journal::InvalidTransition),
    /// It can be erased here once it is gone from the server.
    #[error("{0} is still to be deleted on the server")]
    StillThere(PlacementId),
    /// Two placements of different messages are no move.
    #[error("{vanished} and {arrived} are not the same message")]
    NotAMove {
        /// The one that vanished.
        vanished: PlacementId,
        /// The one that arrived.
        arrived: PlacementId,
    },
    /// The search index is fed without gaps, in the order of ids.
    #[error("message {found:?} cannot be indexed next, after {after:?}: messages between them are missing")]
    IndexOrder {
        /// What was given.
        found: MessageId,
        /// Up to where the index reaches.
        after: MessageId,
    },
    /// Anything else that SQLite says.
    #[error("{0}")]
    Sqlite(rusqlite::Error),
}

impl StoreError {
    /// An I/O error with what was being done to what.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Io { action, path, source },
        }
    }

    /// Damage found by our own reading.
    pub(crate) fn damaged(file: &str, detail: impl Into<String>) -> Self {
        Self::Damaged { file: file.to_owned(), detail: detail.into() }
    }

    /// The same, where it is known to be about that file and not about `store.db`.
    pub(crate) fn about(self, name: &str) -> Self {
        match self {
            Self::Damaged { detail, .. } => Self::Damaged { file: name.to_owned(), detail },
            other => other,
        }
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Busy { .. } | Self::Locked => ErrorClass::Busy,
            Self::DiskFull | Self::TimedOut { .. } | Self::Stopped | Self::NoRoom { .. } | Self::OtherKey => {
                ErrorClass::Transient
            }
            // Whoever can open the store has everything in it: it is its owner's alone (F7.5).
            Self::ForeignOwner { .. } => ErrorClass::NotPermitted,
            Self::NetworkFileSystem { .. }
            | Self::LooseMode { .. }
            | Self::WrongKind { .. }
            // A person named what cannot be done with it: no later try will do it.
            | Self::NotDeleted(_)
            | Self::RecordNotDeleted
            | Self::LabelThere(_)
            | Self::OtherAccount(_)
            | Self::StillThere(_)
            | Self::AlreadyThere { .. }
            | Self::BadBackup { .. } => ErrorClass::Config,
            Self::NoSuchMessage(_) | Self::NoSuchEntry(_) | Self::NoSuchPlan(_) | Self::NoSuchRecord => {
                ErrorClass::NotFound
            }
            _ => ErrorClass::Permanent,
        }
    }

    fn action(&self) -> &'static str {
        match self {
            Self::TimedOut { .. } => "search the store",
            Self::NotDeleted(_) => "restore the message",
            Self::NoSuchMessage(_) => "find the message",
            Self::NoSuchRecord => "find the record",
            Self::RecordNotDeleted => "restore the record",
            Self::LabelThere(_) => "name it",
            Self::OtherAccount(_) => "move the message",
            Self::StillThere(_) => "erase the message",
            Self::NoSuchEntry(_) => "find the entry",
            Self::NoSuchPlan(_) => "allow the plan",
            Self::NoRoom { action, .. } => action,
            Self::AlreadyThere { .. } => "back up the store",
            Self::BadBackup { .. } => "restore the store",
            Self::OtherKey => "keep the secret",
            Self::DiskFull | Self::NotAMove { .. } | Self::NoSuchIntent(_) | Self::InvalidTransition(_) => {
                "write to the store"
            }
            Self::IndexOrder { .. } => "index messages",
            Self::Stopped | Self::Sqlite(_) | Self::Io { .. } => "use the store",
            _ => "open the store",
        }
    }

    fn advice(&self) -> Option<String> {
        Some(match self {
            Self::NetworkFileSystem { .. } => {
                "keep the store on a local disk: [store] path in postrider.toml".to_owned()
            }
            Self::ForeignOwner { path, owner, user } => format!(
                "run postrider as user id {owner}, or give the store to this user: chown -R {user} {}",
                path.display()
            ),
            Self::LooseMode { path, expected, .. } => format!("run: chmod {expected:o} {}", path.display()),
            Self::WrongKind { path, .. } => {
                format!("move {} away, or choose another [store] path in postrider.toml", path.display())
            }
            Self::Busy { .. } => "wait until it ends, or stop it".to_owned(),
            Self::Locked => "try again; if it lasts, find the process that has store.db open".to_owned(),
            Self::NewerSchema { .. } => {
                "install the version that wrote the store, or a later one; nothing was changed".to_owned()
            }
            Self::NoRoom { .. } => "free some space and start again; the store was not changed".to_owned(),
            Self::AlreadyThere { .. } => {
                "name another file, or a folder: each backup gets a name of its own there".to_owned()
            }
            Self::BadBackup { .. } => {
                "name a file that `postrider store backup` wrote; the store was not changed".to_owned()
            }
            Self::OtherKey => "try again".to_owned(),
            Self::Damaged { file, .. } if file == crate::file::SEARCH_FILE => {
                format!("delete {file}: it is made again from store.db by the next run")
            }
            Self::Damaged { .. } => {
                "nothing is sent any more; `postrider store check` tells what is wrong, and `postrider store \
                                     restore FILE` puts a backup in its place and keeps this one aside"
                    .to_owned()
            }
            Self::DiskFull => "free some space; the next run goes on where this one stopped".to_owned(),
            Self::TimedOut { .. } => "ask for rarer words, or for one folder or period".to_owned(),
            Self::NoSuchMessage(_) => {
                "`postrider mail list` prints the ids; what was purged is gone".to_owned()
            }
            Self::OtherAccount(_) => {
                "messages move within their account; `mail export` and another program carry them over"
                    .to_owned()
            }
            Self::StillThere(_) => {
                "`postrider --sync-now` deletes it there; then it can be erased here".to_owned()
            }
            Self::NoSuchEntry(_) => "`postrider outbox list` prints the ids".to_owned(),
            Self::NoSuchPlan(_) => {
                "`postrider status` names the plans that wait now; one that grew has a new name".to_owned()
            }
            _ => return None,
        })
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::damaged(crate::file::STORE_FILE, error.to_string())
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            _ => Self::Sqlite(error),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let fault = Self::new(error.class(), error.action(), error.to_string());
        match error.advice() {
            Some(advice) => fault.hint(advice),
            None => fault,
        }
    }
}

#[cfg(test)]
mod tests;
