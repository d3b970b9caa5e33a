//! [`MailWriter`] over the pool: a write is repeated where a kept connection turned out dead before anything of it was sent, and
//! never otherwise (I4).

use async_trait::async_trait;
use postrider_model::{FolderStatus, UidSet};
use postrider_remote::{
    Applied, FolderKey, MailOp, MailWriter, Messages, NewMessage, Place, Reach, Result, WriteFault, Written,
};

use crate::{
    pool::{Lease, Pool},
    remote::ImapRemote,
    write::{self, WriteFailure},
};

/// Runs an operation on a connection on which that folder may be open. A macro, since a closure that lends its connection to a
/// future that has to be `Send` cannot be named.
macro_rules! write_on {
    ($pool:expr, $folder:expr, |$connection:ident| $operation:expr) => {
        loop {
            let mut lease = $pool.lease($folder).await.map_err(WriteFault::not_done)?;
            let $connection = &mut lease.connection;
            match $operation.await {
                Ok(done) => {
                    $pool.give_back(lease);
                    return Ok(done);
                }
                Err(failed) if !may_repeat($pool, lease, &failed) => return Err(failed.into()),
                Err(_) => {}
            }
        }
    };
}

/// Takes the connection back; whether the same is to be tried on another one: nothing of it was sent on this one, which had been
/// kept and turned out dead.
fn may_repeat(pool: &Pool, lease: Lease<'_>, failed: &WriteFailure) -> bool {
    pool.give_up(lease, &failed.failure) && failed.reach == Reach::NotDone
}

#[async_trait]
impl MailWriter for ImapRemote {
    async fn apply(&self, messages: Messages<'_>, op: &MailOp) -> Written<Applied> {
        if messages.uids.is_empty() {
            return Ok(Applied::default());
        }
        let (pool, settings) = (self.pool(), self.pool().settings());
        let folder = Some(messages.folder);
        match op {
            MailOp::Flags { add, remove } => write_on!(pool, folder, |connection| write::change_flags(
                connection, settings, &messages, add, remove
            )),
            MailOp::Move { to } => {
                write_on!(pool, folder, |connection| write::move_to(connection, settings, &messages, to))
            }
            MailOp::Copy { to } => {
                write_on!(pool, folder, |connection| write::copy(connection, settings, &messages, to))
            }
            MailOp::Expunge => {
                write_on!(pool, folder, |connection| write::expunge(connection, settings, &messages))
            }
        }
    }

    async fn append(&self, folder: &FolderKey, message: NewMessage<'_>) -> Written<Option<Place>> {
        let (pool, settings) = (self.pool(), self.pool().settings());
        write_on!(pool, None, |connection| write::append(connection, settings, folder, &message))
    }

    async fn status(&self, folder: &FolderKey) -> Result<FolderStatus> {
        let (pool, settings) = (self.pool(), self.pool().settings());
        loop {
            let mut lease = pool.lease(None).await?;
            match write::status(&mut lease.connection, settings, folder).await {
                Ok(status) => {
                    pool.give_back(lease);
                    return Ok(status);
                }
                Err(failure) if !pool.give_up(lease, &failure) => return Err(failure.fault),
                Err(_) => {}
            }
        }
    }

    async fn present(&self, messages: Messages<'_>) -> Result<UidSet> {
        let (pool, settings) = (self.pool(), self.pool().settings());
        if messages.uids.is_empty() {
            return Ok(UidSet::EMPTY);
        }
        loop {
            let mut lease = pool.lease(Some(messages.folder)).await?;
            match write::present(&mut lease.connection, settings, &messages).await {
                Ok(there) => {
                    pool.give_back(lease);
                    return Ok(there);
                }
                Err(failure) if !pool.give_up(lease, &failure) => return Err(failure.fault),
                Err(_) => {}
            }
        }
    }

    async fn create_folder(&self, name: &str) -> Written<FolderKey> {
        let (pool, settings) = (self.pool(), self.pool().settings());
        write_on!(pool, None, |connection| write::create(connection, settings, name))
    }

    async fn rename_folder(&self, folder: &FolderKey, name: &str) -> Written<FolderKey> {
        let (pool, settings) = (self.pool(), self.pool().settings());
        write_on!(pool, None, |connection| write::rename(connection, settings, folder, name))
    }

    async fn delete_folder(&self, folder: &FolderKey) -> Written<()> {
        let (pool, settings) = (self.pool(), self.pool().settings());
        write_on!(pool, None, |connection| write::delete(connection, settings, folder))
    }
}
