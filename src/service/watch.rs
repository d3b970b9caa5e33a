//! `postrider watch`: followers of some accounts, for as long as it runs, without a daemon around them.

use std::sync::Arc;

use futures_util::{StreamExt, stream::FuturesUnordered};
use postrider_model::Fault;
use postrider_store::SyncLock;
use tokio::sync::{Semaphore, watch};

use super::{
    Caller, Service,
    follow::{Bell, Board, Follower, News, Together},
};
use crate::sync::{self, Budget, Observer};

impl Service {
    /// Keeps accounts in step until it is dropped: those that are named, or all. It ends by itself where nothing is left to follow,
    /// and answers why: what a person has to put right first, by account. Nothing, where no account wants mail.
    ///
    /// # Errors
    /// What keeps from it altogether: the store, another postrider that syncs it, a name that is no account's. What fails for one
    /// account is told to the observer.
    pub async fn watch(
        &mut self,
        caller: &Caller,
        accounts: &[String],
        observer: Arc<dyn Observer>,
    ) -> Result<Vec<Fault>, Fault> {
        let names = self.accounts_to_run(caller, accounts)?;
        let store = self.store()?;
        let _lock = SyncLock::acquire(store.dir())?;
        let changed = Bell::new();
        // Nobody tells of these here: a person who looks on stops the program, and sees when it goes on after a sleep.
        let resumed = Bell::new();
        let (_stop, stopping) = watch::channel(false);
        let together = Arc::new(Together {
            ports: self.ports(&store)?,
            observer,
            running: Semaphore::new(self.config.settings.daemon.parallel_accounts.max(1)),
            board: Board::default(),
            budget: Budget::default(),
            news: News { changed: changed.clone(), resumed },
        });
        let service = Arc::new(self.again());
        let follower = |name: String| {
            Follower::new(service.clone(), together.clone(), name, None, stopping.clone()).follow()
        };
        let loops: FuturesUnordered<_> = names.into_iter().map(follower).collect();
        tokio::select! {
            biased;
            stopped = tell_of_changes(&together, &changed) => Err(stopped),
            ended = loops.collect::<Vec<_>>() => Ok(ended.into_iter().flatten().collect()),
        }
    }
}

/// Tells whenever somebody else has changed the store; ends where that cannot be known.
pub(crate) async fn tell_of_changes(together: &Together, tell: &Bell) -> Fault {
    let mut seen = 0;
    loop {
        match sync::changed_here(&together.ports, seen).await {
            Ok(now) => seen = now,
            Err(fault) => return fault,
        }
        tell.ring();
    }
}
