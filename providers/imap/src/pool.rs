//! At most so many connections, each handed out to one caller at a time.
//!
//! A connection comes back only by being handed back in order; one whose caller went away in the middle of an answer, or
//! failed in a way that leaves the next octet in doubt, is closed instead. One that nobody used for a minute is asked for a sign of
//! life first: what forgot it on the way (a NAT, a suspended machine) does not say so. No task runs behind the pool.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use postrider_model::{ErrorClass, Fault};
use postrider_net::Connector;
use postrider_remote::FolderKey;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout},
};

use crate::{
    codec::command::Command,
    connection::Connection,
    fault::{Aftermath, Failure},
    settings::ImapSettings,
};

/// A connection that nobody used for so long may be dead without a word.
const STALE: Duration = Duration::from_secs(60);
/// How long it may take to give a sign of life then.
const ANSWER: Duration = Duration::from_secs(10);

/// A connection that nobody uses.
struct Kept {
    connection: Connection,
    since: Instant,
}

impl Kept {
    async fn is_alive(&mut self) -> bool {
        if self.connection.is_dead().await {
            return false;
        }
        if self.since.elapsed() < STALE {
            return true;
        }
        let noop = [Command::new(self.connection.action("connect"), "NOOP")];
        timeout(ANSWER, self.connection.run_all(&noop, &mut |_, _| ()))
            .await
            .is_ok_and(|answer| answer.is_ok())
    }
}

/// The connections of one account.
pub(crate) struct Pool {
    settings: ImapSettings,
    connector: Connector,
    permits: Semaphore,
    idle: Mutex<Vec<Kept>>,
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
        while let Some(mut kept) = self.take_idle(folder) {
            if kept.is_alive().await {
                return Ok(Lease { connection: kept.connection, is_reused: true, _permit: permit });
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
            self.idle().push(Kept { connection, since: Instant::now() });
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

    /// Keeps the connection that was used last, and closes the others that are not in use: a server lets in so many of one user, whose
    /// other programs want some too.
    pub(crate) async fn rest(&self) {
        let others = {
            let mut idle = self.idle();
            let last = idle.pop();
            std::mem::replace(&mut *idle, last.into_iter().collect())
        };
        self.leave(others).await;
    }

    /// Says good-bye on every connection that is not in use, and closes it.
    pub(crate) async fn close(&self) {
        let all = std::mem::take(&mut *self.idle());
        self.leave(all).await;
    }

    async fn leave(&self, all: Vec<Kept>) {
        if all.is_empty() {
            return;
        }
        let leave = async {
            let mut leaving = Vec::new();
            for Kept { mut connection, .. } in all {
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

    fn take_idle(&self, folder: Option<&FolderKey>) -> Option<Kept> {
        let mut idle = self.idle();
        let open = |kept: &Kept| kept.connection.selected.as_ref().map(|selected| selected.key.clone());
        let same = idle.iter().rposition(|kept| folder.is_some() && open(kept).as_ref() == folder);
        let at = same.or_else(|| idle.iter().rposition(|kept| open(kept).is_none()));
        let at = at.or_else(|| idle.len().checked_sub(1))?;
        Some(idle.remove(at))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Kept>> {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use postrider_remote::{FolderKey, MailRemote, MailWriter};
    use tokio::time::sleep;

    use crate::scripted::play;

    const STATUS: &str = "C: $ STATUS \"Work\" (MESSAGES UIDNEXT UIDVALIDITY)
        S: * STATUS Work (MESSAGES 4 UIDNEXT 5 UIDVALIDITY 6)
        S: $ OK done\n";
    const HELLO: &str = "S: * PREAUTH [CAPABILITY IMAP4rev1] hi\n";

    async fn asked_after(pause: Duration, scripts: &[&str]) -> Vec<u32> {
        let run = async |remote: crate::ImapRemote| {
            let work = FolderKey("Work".to_owned());
            let first = remote.status(&work).await.unwrap().messages;
            sleep(pause).await;
            vec![first, remote.status(&work).await.unwrap().messages]
        };
        play(scripts, run).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_was_left_alone_for_long_is_asked_for_a_sign_of_life() {
        let soon = format!("{HELLO}{STATUS}{STATUS}");
        let alive = format!("{HELLO}{STATUS}C: $ NOOP\nS: $ OK done\n{STATUS}");
        let dead = format!("{HELLO}{STATUS}C: $ NOOP\nhang");
        let fresh = format!("{HELLO}{STATUS}");
        for (pause_s, scripts) in [(59, vec![soon]), (61, vec![alive]), (61, vec![dead, fresh])] {
            let scripts: Vec<&str> = scripts.iter().map(String::as_str).collect();
            assert_eq!(asked_after(Duration::from_secs(pause_s), &scripts).await, [4, 4], "{scripts:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_connection_is_kept_at_rest() {
        let leaves = format!("{HELLO}{STATUS}C: $ LOGOUT\nS: * BYE\nS: $ OK done\n");
        let stays = format!("{HELLO}{STATUS}{STATUS}");
        let run = async |remote: crate::ImapRemote| {
            let work = FolderKey("Work".to_owned());
            let both = tokio::join!(remote.status(&work), remote.status(&work));
            let both = [both.0.unwrap().messages, both.1.unwrap().messages];
            remote.rest().await;
            assert_eq!(remote.pool().idle().len(), 1);
            remote.rest().await;
            assert_eq!((both, remote.status(&work).await.unwrap().messages), ([4, 4], 4));
        };
        play(&[leaves.as_str(), stays.as_str()], run).await;
    }
}
