//! Mail whose server says by itself when something changes.

use async_trait::async_trait;
use postrider_model::{FolderKey, UidSet};

use crate::{BodySink, FetchWhat, Result};

/// An account's mail whose server says by itself when something changes.
#[async_trait]
pub trait MailWatcher: Send + Sync {
    /// Begins to watch these folders, the most wanted first: as many as the server and the connections allow.
    async fn watch(&self, folders: &[FolderKey]) -> Result<Box<dyn MailWatch>>;
}

/// A watch. Dropping it leaves nothing running.
#[async_trait]
pub trait MailWatch: Send {
    /// The folders that are watched.
    fn watched(&self) -> &[FolderKey];

    /// Waits until something changed in one of them, and says in which. What happened before the watch began, or between two
    /// calls, is not lost. A connection that died, in silence too, is an error within 60 s; then begin anew.
    async fn next(&mut self) -> Result<FolderKey>;

    /// Fetches messages of the folder that was told of last on the connection that told, which has it open, and so has not to
    /// wait for another one to find out. `uids` may reach beyond what is there. `false`: it cannot, or nothing arrived since it was
    /// asked last, or the folder's UIDs mean other messages than under that UIDVALIDITY. In any case the folder's changes are to be
    /// read after it: what is told while it fetches is not told again.
    ///
    /// # Errors
    /// The sink's, and as `next`: the watch is over then.
    async fn fetch_arrived(
        &mut self,
        uid_validity: u32,
        uids: &UidSet,
        what: FetchWhat,
        sink: &mut dyn BodySink,
    ) -> Result<bool>;
}
