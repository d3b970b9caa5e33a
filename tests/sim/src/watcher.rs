//! Who looks on while the daemon lives: which account ran, and when, and for how long it was said to pause.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use postrider::sync::{Event, Observer};
use tokio::time::Instant;

use crate::{crash::Life, trace::Trace};

/// What is known of the accounts that are followed.
#[derive(Debug)]
pub struct Watcher {
    life: Arc<Life>,
    trace: Arc<Trace>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    runs: u64,
    troubles: u64,
    accounts: BTreeMap<String, Account>,
}

#[derive(Debug, Default, Clone)]
struct Account {
    /// When its last run began that did all that it was to do.
    well: Option<Instant>,
    /// When it is tried again after a failure.
    due: Option<Instant>,
    /// Nothing but another login gets it going.
    is_stopped: bool,
    /// Folders of which its server tells.
    watched: usize,
    /// What went wrong last.
    error: Option<String>,
}

impl Watcher {
    /// Of a daemon that has done nothing yet.
    pub fn new(life: Arc<Life>, trace: Arc<Trace>) -> Self {
        Self { life, trace, seen: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn account(&self, name: &str) -> Account {
        self.lock().accounts.get(name).cloned().unwrap_or_default()
    }

    /// Runs of all accounts that have ended.
    pub fn runs(&self) -> u64 {
        self.lock().runs
    }

    /// Whether anything failed since that was asked last.
    pub fn has_had_trouble(&self) -> bool {
        std::mem::take(&mut self.lock().troubles) > 0
    }

    /// Whether the account had a run without trouble from its beginning to its end since then.
    pub fn ran_well_since(&self, account: &str, since: Instant) -> bool {
        self.account(account).well.is_some_and(|begun| begun >= since)
    }

    /// Whether the account waits for a person.
    pub fn is_stopped(&self, account: &str) -> bool {
        self.account(account).is_stopped
    }

    /// Of how many of its folders the account's server tells.
    pub fn watched(&self, account: &str) -> usize {
        self.account(account).watched
    }

    /// When the account is tried again, where it pauses.
    pub fn due(&self, account: &str) -> Option<Instant> {
        self.account(account).due
    }

    /// What went wrong last with the account.
    pub fn error(&self, account: &str) -> Option<String> {
        self.account(account).error
    }
}

impl Observer for Watcher {
    fn event(&self, event: Event<'_>) {
        if self.life.is_dead() {
            return;
        }
        self.trace.step(|| format!("{event:?}"));
        let (mut seen, now) = (self.lock(), Instant::now());
        let failed = match &event {
            Event::Ran { report, .. } => report.error.is_some(),
            Event::Failed { .. } | Event::Warning { .. } => true,
            _ => false,
        };
        seen.troubles += u64::from(failed);
        match event {
            Event::Ran { report, .. } => {
                seen.runs += 1;
                let account = seen.accounts.entry(report.account.clone()).or_default();
                account.error = report.error.as_ref().map(|error| error.message.clone());
                if account.error.is_none() {
                    account.well = now.checked_sub(Duration::from_millis(report.elapsed_ms));
                    (account.due, account.is_stopped) = (None, false);
                }
            }
            Event::Failed { account, fault, pause_ms } => {
                let account = seen.accounts.entry(account.to_owned()).or_default();
                account.error = Some(fault.message());
                account.watched = 0;
                account.is_stopped = pause_ms.is_none();
                account.due = pause_ms.map(|pause_ms| now + Duration::from_millis(pause_ms));
            }
            Event::Watching { account, folders } => {
                seen.accounts.entry(account.to_owned()).or_default().watched = folders;
            }
            _ => {}
        }
    }
}
