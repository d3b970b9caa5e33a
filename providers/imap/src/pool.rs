//! At most so many connections, each handed out to one caller at a time.
//!
//! A connection comes back only by being handed back in order; one whose caller went away in the middle of an answer, or
//! failed in a way that leaves the next octet in doubt, is closed instead. No task runs behind the pool.

use std::sync::{Mutex, MutexGuard, PoisonError};

use postrider_model::{ErrorClass, Fault};
use postrider_net::Connector;
use postrider_remote::FolderKey;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::{
    connection::Connection,
    fault::{Aftermath, Failure},
    settings::ImapSettings,
};

/// The connections of one account.
pub(crate) struct Pool {
    settings: ImapSettings,
    connector: Connector,
    permits: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

/// A connection in use.
pub(crate) struct Lease<'a> {
    /// It.
    pub(crate) connection: Connection,
    is_reused: bool,
    _permit: SemaphorePermit<'a>,
}

impl Pool {
    /// One without connections.
    pub(crate) fn new(settings: ImapSettings, connector: Connector) -> Self {
        let most = settings.max_connections.max(1);
        Self { settings, connector, permits: Semaphore::new(most), idle: Mutex::new(Vec::new()) }
    }

    /// How the server is reached.
    pub(crate) const fn settings(&self) -> &ImapSettings {
        &self.settings
    }

    /// How a connection beside the pool is made.
    pub(crate) const fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Waits for a connection: one on which that folder is open (the latest used), else one on which none is, else any,
    /// else a new one.
    pub(crate) async fn lease(&self, folder: Option<&FolderKey>) -> Result<Lease<'_>, Fault> {
        let permit = self.permits.acquire().await.map_err(|_| self.closed())?;
        while let Some(mut connection) = self.take_idle(folder) {
            if !connection.is_dead().await {
                return Ok(Lease { connection, is_reused: true, _permit: permit });
            }
        }
        let connection = Connection::open(&self.settings, &self.connector).await?;
        Ok(Lease { connection, is_reused: false, _permit: permit })
    }

    /// Takes a connection back.
    pub(crate) fn give_back(&self, lease: Lease<'_>) {
        let Lease { mut connection, .. } = lease;
        if connection.is_idle() {
            connection.shrink();
            self.idle().push(connection);
        }
    }

    /// Takes a connection back after a failure. True where the same is to be tried once more: the connection had been kept
    /// from earlier, and turned out to be dead. The others that were kept are then taken for dead too.
    pub(crate) fn give_up(&self, lease: Lease<'_>, failure: &Failure) -> bool {
        match failure.aftermath {
            Aftermath::InOrder => self.give_back(lease),
            Aftermath::Lost if lease.is_reused => {
                self.idle().clear();
                return true;
            }
            Aftermath::Lost | Aftermath::Abandoned => {}
        }
        false
    }

    /// Says good-bye on every connection that is not in use, and closes it.
    pub(crate) async fn close(&self) {
        let connections = std::mem::take(&mut *self.idle());
        let leave = async {
            let mut leaving = Vec::new();
            for mut connection in connections {
                if connection.say_goodbye().await {
                    leaving.push(connection);
                }
            }
            for mut connection in leaving {
                connection.hear_goodbye().await;
            }
        };
        if timeout(self.settings.timeouts.logout, leave).await.is_err() {
            tracing::debug!("the server did not say good-bye");
        }
    }

    fn take_idle(&self, folder: Option<&FolderKey>) -> Option<Connection> {
        let mut idle = self.idle();
        let open =
            |connection: &Connection| connection.selected.as_ref().map(|selected| selected.key.clone());
        let same =
            idle.iter().rposition(|connection| folder.is_some() && open(connection).as_ref() == folder);
        let at = same.or_else(|| idle.iter().rposition(|connection| open(connection).is_none()));
        let at = at.or_else(|| idle.len().checked_sub(1))?;
        Some(idle.remove(at))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn closed(&self) -> Fault {
        Fault::new(
            ErrorClass::Transient,
            format!("connect to {}", self.settings.endpoint),
            "the account is being closed",
        )
    }
}
