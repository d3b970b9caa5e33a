//! The engine for appointments and tasks: one run of one account, in steps that are files.
//!
//! | step | file |
//! |---|---|
//! | which calendars and task lists are followed | `calendars` |
//! | what an earlier run sent without hearing of it | `look` |
//! | collect: what changed there | `collect` |
//! | plan: what is done about it, a value | `plan`; `decide` for one link, `arrive` for items that are seen for the first time, `touched` and `export` for what goes out |
//! | commit: records, links, bases, cursors and what is to be sent, one transaction | `commit` |
//! | execute: what is noted is worked out (`prepare`) and sent, and what the server answers becomes the base | `push` |
//!
//! `known` is a record with all copies of it, whoever's they are; `pair` the two sides of one link; `answers` those that hold no more.
//!
//! Rules: as with contacts, a push is a note in the store, and what is planned is planned in the transaction that carries it out. A series
//! is settled and sent before its times. Nobody is mailed but where a person said so of that change (`tell` of a record and of an
//! answer), and that word is used up in the transaction that takes the server's answer (I9).

mod answers;
mod arrive;
mod calendars;
mod collect;
mod commit;
mod decide;
mod export;
mod forecast;
mod image;
mod known;
mod links;
mod look;
mod pair;
mod plan;
mod prepare;
mod push;
mod touched;

use std::collections::{BTreeMap, BTreeSet};

use postrider_formats::occurrences::Defaults;
use postrider_model::{Fault, HeldReport, ItemCollectionId, ItemKey, Timestamp};
use postrider_reconcile::{Selection, activities::ServerKind};
use postrider_remote::{CalendarCapabilities, CalendarRemote};

use super::noted::{restart, stops};
use super::{ItemsContext, Ports, Sending, is_for_all, plan::held};

pub use forecast::ActivityForecast;

use calendars::Calendar;
use collect::Collected;

/// So often is decided again what changed on the server while it was being sent.
const ROUNDS: u32 = 3;

/// What an account wants of its activities (F4.2–F4.4, F4.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityRules {
    /// What its server does with appointments and tasks.
    pub server: ServerKind,
    /// Whether appointments come in.
    pub appointments: bool,
    /// Whether tasks come in.
    pub tasks: bool,
    /// Whether activities go out.
    pub export: bool,
    /// What ended before that, and recurs no more, does not come in.
    pub since: Option<Timestamp>,
    /// The calendars that come in.
    pub calendars: Selection,
    /// The task lists that come in.
    pub task_lists: Selection,
    /// The calendar into which appointments go out; `None` for the account's own.
    pub calendar: Option<String>,
    /// The groups that go out; `None` for all.
    pub groups: Option<Vec<String>>,
    /// The account's address, by which its server knows its user.
    pub address: String,
    /// All addresses of that user.
    pub addresses: Vec<String>,
    /// All users, in an order that stays.
    pub syncing: Vec<Syncing>,
    /// What holds where an activity does not say it.
    pub defaults: Defaults,
}

/// A user, with what accounts of theirs send activities out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Syncing {
    /// Who.
    pub user: String,
    /// All of their addresses.
    pub addresses: Vec<String>,
    /// Those accounts, by name and address, in an order that stays.
    pub accounts: Vec<(String, String)>,
}

/// What a run of activities did, or in a dry run would do.
#[derive(Debug, Default)]
pub struct ActivitiesRun {
    /// Activities that came in, or say something else because of the server.
    pub pulled: u64,
    /// Changes that went out.
    pub pushed: u64,
    /// Activities that are deleted, cancelled, hidden or linked no more because they are on the other side.
    pub deleted: u64,
    /// Activities whose two sides had both changed.
    pub conflicts: u64,
    /// Plans that wait for a person's word, of contacts and of all else of the account.
    pub held: Vec<HeldReport>,
    /// What a person should know though nothing failed.
    pub warnings: Vec<String>,
    /// What failed; all else went on.
    pub faults: Vec<Fault>,
    /// What would be done, in a dry run.
    pub forecast: ActivityForecast,
}

impl ActivitiesRun {
    fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

/// What every step needs.
struct Steps<'a> {
    ports: &'a Ports,
    remote: &'a dyn CalendarRemote,
    run: &'a ItemsContext,
    rules: &'a ActivityRules,
    can: CalendarCapabilities,
}

/// Items of which is to be found out what they are now, by their collections.
type Again = BTreeMap<ItemCollectionId, Vec<ItemKey>>;

/// Runs an account's activities once.
///
/// # Errors
/// Where nothing at all could be done: no listing of collections, no login, no store. What fails for one calendar or one activity is in
/// [`ActivitiesRun::faults`] and stops no other.
pub async fn run_activities(
    ports: &Ports,
    remote: &dyn CalendarRemote,
    run: &ItemsContext,
    rules: &ActivityRules,
) -> Result<ActivitiesRun, Fault> {
    ports.leave.to_begin()?;
    let steps = Steps { ports, remote, run, rules, can: remote.capabilities() };
    let mut done = ActivitiesRun::default();
    steps.all(&mut done).await?;
    done.held = held(ports, run.account_id).await?;
    Ok(done)
}

impl Steps<'_> {
    async fn all(&self, done: &mut ActivitiesRun) -> Result<(), Fault> {
        if !self.run.dry_run {
            restart(self.ports, self.run.account_id, self.can.lag_ms).await?;
        }
        let calendars = self.calendars(done).await?;
        let mut again = Again::default();
        if !self.run.dry_run {
            self.look(&calendars, &mut again).await?;
        }
        let mut collected = self.collect(&calendars, &again, done).await?;
        if self.run.dry_run {
            done.forecast = self.foresee(&calendars, collected).await?;
            return Ok(());
        }
        self.look_for_made(&calendars, &mut collected, done).await?;
        let ahead: BTreeMap<_, _> = collected.iter().map(|one| (one.calendar, one.ahead_ms)).collect();
        let read: BTreeSet<_> = ahead.keys().copied().collect();
        for round in 0..ROUNDS {
            self.settle(&calendars, collected, done).await?;
            let again = self.push(&calendars, &read, done).await?;
            if again.is_empty() || round + 1 == ROUNDS || stops(&done.faults) {
                break;
            }
            collected = self.fetch_again(&calendars, &again, &ahead, done).await?;
        }
        Ok(())
    }

    /// What is known anew of some items, and of nothing else.
    async fn fetch_again(
        &self,
        calendars: &[Calendar],
        again: &Again,
        ahead: &BTreeMap<ItemCollectionId, i64>,
        done: &mut ActivitiesRun,
    ) -> Result<Vec<Collected>, Fault> {
        let mut all = Vec::new();
        for calendar in calendars {
            let Some(keys) = again.get(&calendar.id) else { continue };
            let ahead_ms = ahead.get(&calendar.id).copied().unwrap_or_default();
            match self.fetched(calendar, keys).await {
                Ok(changes) => all.push(Collected::of(calendar.id, changes, ahead_ms)),
                Err(fault) => self.failed(done, fault)?,
            }
        }
        Ok(all)
    }

    /// What failed for a part is told; what would fail for every other too ends the run.
    fn failed(&self, done: &mut ActivitiesRun, fault: Fault) -> Result<(), Fault> {
        if is_for_all(&fault) {
            return Err(fault);
        }
        done.faults.push(fault);
        Ok(())
    }

    /// Whether anything may be sent; why not, in words, where a person has to do something first.
    fn may_send(&self, done: &mut ActivitiesRun) -> bool {
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
