//! The engine for contacts: one run of one account, in steps that are files.
//!
//! | step | file |
//! |---|---|
//! | which address books, or which group, are followed | `books`, `group` |
//! | what an earlier run sent without hearing of it | `look` |
//! | collect: what changed there | `collect` |
//! | plan: what is done about it, a value | `plan`; `arrive` for items that are seen for the first time, `export` for what goes out |
//! | one contact under another key: renamed, moved, or in a collection that is gone | `moved` |
//! | what is known of both sides of a link | `known` |
//! | commit: records, links, bases, cursors and what is to be sent, one transaction | `commit` |
//! | execute: what is noted is sent, and what the server answers becomes the base | `push` |
//!
//! What is decided is decided in `postrider-reconcile`. What the server found stale is fetched and decided again, some times.
//!
//! Rules: a push is a note in the store, made in the transaction that needs it; what it says is worked out as it is sent. So what a crash
//! leaves is a queue, and nothing is sent that was not noted (I4). What is planned is planned in the transaction that carries it out, so
//! that nobody changes a record in between (I6).

mod arrive;
mod books;
mod collect;
mod commit;
mod export;
mod forecast;
mod group;
mod image;
mod known;
mod look;
mod moved;
mod plan;
mod push;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use postrider_model::{AccountId, Fault, HeldReport, ItemCollectionId, ItemKey, RunId};
use postrider_reconcile::{Selection, contacts::Leaving};
use postrider_remote::{ContactCapabilities, ContactRemote};
use postrider_store::{Context, Side, Viewer};

use super::noted::{restart, stops};
use super::{Ports, Sending, is_for_all, plan::held};

pub use forecast::{ContactForecast, HeldForecast};

use books::Book;
use collect::Collected;

/// So often is decided again what changed on the server while it was being sent.
const ROUNDS: u32 = 3;

/// What one run of one account's contacts is about.
#[derive(Debug, Clone)]
pub struct ItemsContext {
    /// The run.
    pub run: RunId,
    /// The account's name.
    pub account: Arc<str>,
    /// The account's id in the store.
    pub account_id: AccountId,
    /// Whose it is: the owner of what comes in.
    pub user: String,
    /// What that user sees.
    pub viewer: Viewer,
    /// Whether nothing is to be written: only the plan is wanted.
    pub dry_run: bool,
}

impl ItemsContext {
    /// Who changes the store, when and why, of what was changed on the server.
    pub(super) fn there(&self, why: &str, ports: &Ports) -> Context {
        Context {
            at: ports.clock.now(),
            run: Some(self.run),
            side: Side::Server,
            actor: self.account.to_string(),
            why: why.to_owned(),
        }
    }
}

/// What an account wants of its contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactRules {
    /// Whether contacts come in.
    pub import: bool,
    /// Whether contacts go out.
    pub export: bool,
    /// By what it is told which.
    pub way: ContactWay,
}

/// By what it is told which contacts an account has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactWay {
    /// By the user's own tag here and a contact group there (F3.2).
    Group {
        /// The tag.
        tag: String,
        /// The group's name.
        name: String,
    },
    /// By address books there, and types and groups here (F3.4).
    Books {
        /// The address books that come in.
        selection: Selection,
        /// The types that go out; `None` for all.
        types: Option<Vec<String>>,
        /// The groups that go out besides.
        groups: Vec<String>,
        /// Whether what is deleted on one side is deleted on the other.
        propagates: bool,
    },
}

impl ContactRules {
    const fn leaving(&self) -> Leaving {
        match self.way {
            ContactWay::Group { .. } => Leaving::Group,
            ContactWay::Books { propagates: true, .. } => Leaving::Propagate,
            ContactWay::Books { propagates: false, .. } => Leaving::Unlink,
        }
    }
}

/// What a run of contacts did, or in a dry run would do.
#[derive(Debug, Default)]
pub struct ContactsRun {
    /// Contacts that came in, or say something else because of the server.
    pub pulled: u64,
    /// Changes that went out.
    pub pushed: u64,
    /// Contacts that are linked no more, or deleted here because they are there.
    pub unlinked: u64,
    /// Contacts whose two sides had both changed.
    pub conflicts: u64,
    /// Plans that wait for a person's word, of contacts and of all else of the account.
    pub held: Vec<HeldReport>,
    /// What a person should know though nothing failed.
    pub warnings: Vec<String>,
    /// What failed; all else went on.
    pub faults: Vec<Fault>,
    /// What would be done, in a dry run.
    pub forecast: ContactForecast,
}

impl ContactsRun {
    fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

/// What every step needs.
struct Steps<'a> {
    ports: &'a Ports,
    remote: &'a dyn ContactRemote,
    run: &'a ItemsContext,
    rules: &'a ContactRules,
    can: ContactCapabilities,
}

/// Items of which is to be found out what they are now, by their collections.
type Again = BTreeMap<ItemCollectionId, Vec<ItemKey>>;

/// Runs an account's contacts once.
///
/// # Errors
/// Where nothing at all could be done: no listing of collections, no login, no store. What fails for one address book or one contact is in
/// [`ContactsRun::faults`] and stops no other.
pub async fn run_contacts(
    ports: &Ports,
    remote: &dyn ContactRemote,
    run: &ItemsContext,
    rules: &ContactRules,
) -> Result<ContactsRun, Fault> {
    ports.leave.to_begin()?;
    let steps = Steps { ports, remote, run, rules, can: remote.capabilities() };
    let mut done = ContactsRun::default();
    steps.all(&mut done).await?;
    done.held = held(ports, run.account_id).await?;
    Ok(done)
}

impl Steps<'_> {
    async fn all(&self, done: &mut ContactsRun) -> Result<(), Fault> {
        if !self.run.dry_run {
            restart(self.ports, self.run.account_id, self.can.lag_ms).await?;
        }
        let mut books = self.books(done).await?;
        let mut again = Again::default();
        if !self.run.dry_run {
            self.look(&books, &mut again).await?;
        }
        let mut collected = self.collect(&books, &again, done).await?;
        if !self.run.dry_run {
            self.look_for_made(&books, &mut collected, done).await?;
        }
        self.believe(&mut books, &mut collected, done).await?;
        let mut absent = self.absent(&books, &mut collected, done).await?;
        let ahead_ms = collected.first().map_or(0, |one| one.ahead_ms);
        let read: BTreeSet<_> = collected.iter().map(|one| one.book).collect();
        for round in 0..ROUNDS {
            if self.run.dry_run {
                let group = done.forecast.group.take();
                done.forecast = self.foresee(&books, collected, absent, group).await?;
                return Ok(());
            }
            self.settle(&books, collected, std::mem::take(&mut absent), done).await?;
            let again = self.push(&books, &read, done).await?;
            if again.is_empty() || round + 1 == ROUNDS || stops(&done.faults) {
                break;
            }
            collected = self.fetch_again(&books, &again, ahead_ms, done).await?;
            self.believe(&mut books, &mut collected, done).await?;
        }
        Ok(())
    }

    /// What is known anew of some items, and of nothing else.
    async fn fetch_again(
        &self,
        books: &[Book],
        again: &Again,
        ahead_ms: i64,
        done: &mut ContactsRun,
    ) -> Result<Vec<Collected>, Fault> {
        let mut all = Vec::new();
        for book in books {
            let Some(keys) = again.get(&book.id) else { continue };
            match self.fetched(book, keys).await {
                Ok(changes) => all.push(Collected::of(book.id, changes, ahead_ms)),
                Err(fault) => self.failed(done, fault)?,
            }
        }
        Ok(all)
    }

    /// What failed for a part is told; what would fail for every other too ends the run.
    fn failed(&self, done: &mut ContactsRun, fault: Fault) -> Result<(), Fault> {
        if is_for_all(&fault) {
            return Err(fault);
        }
        done.faults.push(fault);
        Ok(())
    }

    /// Whether anything may be sent; why not, in words, where a person has to do something first.
    fn may_send(&self, done: &mut ContactsRun) -> bool {
        match self.ports.leave.to_send() {
            Ok(Sending::Free) => true,
            Ok(Sending::Waits(why)) => {
                done.warn(why.to_owned());
                false
            }
            Err(fault) => {
                done.faults.push(fault);
                false
            }
        }
    }
}
