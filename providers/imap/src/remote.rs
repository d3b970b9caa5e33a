//! [`MailRemote`] over the pool: each call takes a connection, and is repeated once where a kept one turned out dead.

use std::sync::Arc;

use async_trait::async_trait;
use postrider_model::UidSet;
use postrider_net::{Connector, Dialer};
use postrider_remote::{
    BodySink, Changes, ChangesRequest, FetchWhat, FolderKey, MailRemote, RemoteFolder, Result,
};

use crate::{
    changes,
    fetch::{self, Order},
    folders,
    pool::{Lease, Pool},
    settings::ImapSettings,
};

/// One account's mail on an IMAP server.
pub struct ImapRemote {
    pool: Pool,
}

/// What a trial login found (F1.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// How the server calls itself, where it does.
    pub server: Option<String>,
    /// What it can, in capitals, sorted.
    pub capabilities: Vec<String>,
    /// Its folders.
    pub folders: Vec<RemoteFolder>,
}

impl ImapRemote {
    /// Nothing is dialled before the first call.
    pub fn new(settings: ImapSettings, dialer: Arc<dyn Dialer>) -> Self {
        let connector = Connector::new(dialer, settings.tls.clone(), settings.timeouts);
        Self { pool: Pool::new(settings, connector) }
    }

    /// The connections.
    pub(crate) const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Logs in and lists the folders, for a person who adds an account.
    ///
    /// # Errors
    /// Whatever keeps from it, with what to do about it.
    pub async fn trial(&self) -> Result<Trial> {
        let (folders, lease) = self.list().await?;
        let trial = Trial {
            server: lease.connection.identity.clone(),
            capabilities: lease.connection.capabilities().iter().cloned().collect(),
            folders,
        };
        self.pool.give_back(lease);
        Ok(trial)
    }

    async fn list(&self) -> Result<(Vec<RemoteFolder>, Lease<'_>)> {
        loop {
            let mut lease = self.pool.lease(None).await?;
            match folders::folders(&mut lease.connection, self.pool.settings()).await {
                Ok(found) => return Ok((found, lease)),
                Err(failure) if !self.pool.give_up(lease, &failure) => return Err(failure.fault),
                Err(_) => {}
            }
        }
    }
}

#[async_trait]
impl MailRemote for ImapRemote {
    async fn folders(&self) -> Result<Vec<RemoteFolder>> {
        let (folders, lease) = self.list().await?;
        self.pool.give_back(lease);
        Ok(folders)
    }

    async fn changes(&self, folder: &FolderKey, request: ChangesRequest) -> Result<Changes> {
        if changes::is_unchanged(&request) {
            return Ok(Changes::None);
        }
        loop {
            let mut lease = self.pool.lease(Some(folder)).await?;
            match changes::changes(&mut lease.connection, self.pool.settings(), folder, &request).await {
                Ok(found) => {
                    self.pool.give_back(lease);
                    return Ok(found);
                }
                Err(failure) if !self.pool.give_up(lease, &failure) => return Err(failure.fault),
                Err(_) => {}
            }
        }
    }

    async fn fetch(
        &self,
        folder: &FolderKey,
        uid_validity: u32,
        uids: &UidSet,
        what: FetchWhat,
        sink: &mut dyn BodySink,
    ) -> Result<()> {
        let mut order = Order { folder, uid_validity, wanted: uids, what, delivered: UidSet::EMPTY };
        if uids.is_empty() {
            return Ok(());
        }
        loop {
            let mut lease = self.pool.lease(Some(folder)).await?;
            match fetch::fetch(&mut lease.connection, self.pool.settings(), &mut order, sink).await {
                Ok(()) => {
                    self.pool.give_back(lease);
                    return Ok(());
                }
                Err(failure) if !self.pool.give_up(lease, &failure) => return Err(failure.fault),
                Err(_) => {}
            }
        }
    }

    async fn rest(&self) {
        self.pool.rest().await;
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
