//! What use cases ask of the daemon that they run in: a run, a server to themselves, a reload. Without a daemon there is none, and a
//! use case takes the store's lock and does it alone (F6.3, I10).

use std::fmt;

use async_trait::async_trait;
use postrider_model::{Fault, Timestamp};
use postrider_store::SyncLock;
use serde::Serialize;

use super::{RunOutcome, RunRequest, Service};

/// The right to speak to one account's server while nobody else of the process does, until it is dropped.
pub struct Turn(#[expect(dead_code, reason = "held, not looked at")] Box<dyn Send + Sync>);

impl Turn {
    /// What gives the right back when it is dropped.
    pub fn new(held: impl Send + Sync + 'static) -> Self {
        Self(Box::new(held))
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Turn")
    }
}

impl Service {
    /// One account's server to itself: from the daemon that this process is, else by the store's lock.
    ///
    /// # Errors
    /// Where another process syncs this store.
    pub(super) async fn turn(&mut self, account: &str) -> Result<Turn, Fault> {
        match &self.supervisor {
            Some(supervisor) => supervisor.turn(account).await,
            None => Ok(Turn::new(SyncLock::acquire(self.store()?.dir())?)),
        }
    }
}

/// How an account is being followed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Following {
    /// `running`, `watching`, `waiting`, `paused` after a failure, `stopped` where a person has to act first, `by hand` where it does
    /// not run by itself.
    pub phase: &'static str,
    /// When it runs next, where that is known.
    pub next_run: Option<Timestamp>,
    /// Folders of which the server tells at once.
    pub watched: usize,
}

/// Whoever keeps accounts in step in this process.
#[async_trait]
pub trait Supervisor: Send + Sync {
    /// Runs accounts once, each as soon as it is not running.
    ///
    /// # Errors
    /// Where nothing could be run at all.
    async fn run(&self, request: RunRequest) -> Result<RunOutcome, Fault>;

    /// Waits until the account is not running, and keeps it from running for as long as the answer lives.
    ///
    /// # Errors
    /// Where the daemon is stopping.
    async fn turn(&self, account: &str) -> Result<Turn, Fault>;

    /// How an account is being followed; `None` for one that is not known to the daemon.
    fn following(&self, account: &str) -> Option<Following>;

    /// Reads the configuration anew and puts it in force, where all of it is right. Answers with the accounts whose settings changed.
    ///
    /// # Errors
    /// All that is wrong with it. What was in force stays.
    async fn reload(&self) -> Result<Vec<String>, Fault>;
}
