//! The engine: one run of one account, in four steps that are four files.
//!
//! `folders` lists and decides which folders are followed; `folder` reads each, merges flags and, through `load`, stores what is
//! new; `settle` deletes or holds what vanished and moves the cursors. What to do is decided in `postrider-reconcile`, which is
//! pure; here it is done. Nothing in here knows a protocol or SQL, prints, or reads the clock but through [`Ports`].

mod activities;
mod append;
mod attempt;
mod compute;

mod elsewhere;
mod folder;
mod folders;
mod headers;
mod index;
mod items;
mod leave;
mod listed;
mod load;
mod look;
mod noted;
mod outbox;
mod pending;
mod plan;
mod ports;
mod progress;
mod purge;
mod push;
mod rematch;
mod settle;
mod soon;

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use postrider_model::{
    AccountId, ErrorClass, Fault, FolderKey, FolderRole, HeldReport, MailCounts, RunId, Window,
};
use postrider_reconcile::Selection;
use postrider_remote::MailWriter;
use postrider_store::{Context, Filing, Side};

pub use activities::{ActivitiesRun, ActivityForecast, ActivityRules, Syncing, run_activities};
pub use compute::{Compute, InlineCompute, ThreadCompute};
pub use folders::FolderChange;
pub use index::{Index, catch_up};
pub use items::{
    ContactForecast, ContactRules, ContactWay, ContactsRun, HeldForecast, ItemsContext, run_contacts,
};
pub use leave::{Disk, Leave, Room, Sending, why as why_away};
pub use load::{Budget, incoming_of};
pub use outbox::{Delivered, Submit, SubmitFault, Submitted, deliver};
pub use pending::Pending;
pub use plan::{FolderForecast, OutForecast, Plan};
pub use ports::Ports;
pub use progress::{Event, Observer, Silent};
pub use purge::purge;
pub use soon::{changed_here, folders_to_watch, push_soon, read_soon, settle_soon, take_arrived};

use folder::{Outcome, Renumbered, read_folder};
use folders::Folder;

/// What one run of one account is about.
#[derive(Debug, Clone)]
pub struct RunContext {
    /// The run.
    pub run: RunId,
    /// The account's name.
    pub account: Arc<str>,
    /// The account's id in the store.
    pub account_id: AccountId,
    /// Which folders are wanted.
    pub selection: Selection,
    /// How much of the past is wanted.
    pub window: Window,
    /// How many folders are read at a time.
    pub parallel: usize,
    /// Whether nothing is to be written: only the plan is wanted.
    pub dry_run: bool,
    /// Who looks on.
    pub observer: Arc<dyn Observer>,
    /// Octets on their way into the store, shared by all accounts of the process.
    pub budget: Budget,
    /// Who looks after a message that takes its time to go out; where there is nobody, a run waits for it.
    pub pending: Option<Arc<Pending>>,
}

impl RunContext {
    /// Who changes the store, when and why, for its history.
    fn change(&self, why: &str, ports: &Ports) -> Context {
        Context {
            at: ports.clock.now(),
            run: Some(self.run),
            side: Side::Server,
            actor: self.account.to_string(),
            why: why.to_owned(),
        }
    }

    /// The same for what was done here and is now on the server.
    fn sent_change(&self, why: &str, ports: &Ports) -> Context {
        Context { side: Side::Here, ..self.change(why, ports) }
    }
}

/// What a run of an account's mail did, or in a dry run would do.
#[derive(Debug, Default)]
pub struct MailRun {
    /// Counts for the report.
    pub counts: MailCounts,
    /// Deletions that wait for a person's word.
    pub held: Vec<HeldReport>,
    /// What a person should know though nothing failed.
    pub warnings: Vec<String>,
    /// What failed, by folder; the others went on. The first is the account's error.
    pub faults: Vec<Fault>,
    /// What failed of sending.
    pub out_faults: Vec<Fault>,
    /// What would be done, or was.
    pub plan: Plan,
}

impl MailRun {
    /// Adds what became of the outbox.
    pub fn take_delivered(&mut self, delivered: Delivered) {
        self.counts.pushed += delivered.sent;
        delivered.warnings.into_iter().for_each(|warning| self.warn(warning));
        self.out_faults.extend(delivered.faults);
    }

    /// Adds what was sent of the changes that were made here.
    fn take_pushed(&mut self, pushed: push::Pushed) {
        self.counts.pushed += pushed.messages;
        pushed.waits.into_iter().for_each(|why| self.warn(why.to_owned()));
        // What keeps from sending at all was told of the outbox already.
        let new = pushed.faults.into_iter().filter(|fault| !self.out_faults.contains(fault));
        self.faults.extend(new.collect::<Vec<_>>());
    }

    /// Warns, of the same thing once.
    fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// All that failed, what came in first.
    pub fn all_faults(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter().chain(&self.out_faults)
    }

    /// What keeps from going on with the account's mail at all, of what failed for parts of it.
    pub fn stops(&self) -> Option<&Fault> {
        self.faults.iter().find(|fault| is_for_all(fault))
    }
}

/// Whether what failed for a part would fail for every other: a login that was refused is not tried again for the next folder, and a
/// server that wants to be left alone is.
pub fn is_for_all(fault: &Fault) -> bool {
    matches!(
        fault.class,
        ErrorClass::Login | ErrorClass::Config | ErrorClass::NotPermitted | ErrorClass::Throttled
    )
}

/// Runs an account's mail once.
///
/// # Errors
/// Where nothing at all could be done: no connection, no login, no listing, no store. What fails for one folder is in
/// [`MailRun::faults`] and stops no other.
pub async fn run_mail(
    ports: &Ports,
    remote: &dyn MailWriter,
    submit: Option<&Arc<dyn Submit>>,
    run: &RunContext,
) -> Result<MailRun, Fault> {
    ports.leave.to_begin()?;
    let folders = folders::follow_folders(ports, remote, run).await?;
    run.observer.event(Event::Folders { account: &run.account, followed: folders.follow.len() });
    let mut mail = MailRun::default();
    mail.counts.folders = folders.follow.len() as u64;
    mail.plan.folders = folders.changes;
    mail.faults = folders.faults;
    mail.warnings.extend(
        folders
            .missing
            .iter()
            .map(|name| format!("folder \"{name}\" is in the configuration and not on the server")),
    );

    if !run.dry_run {
        mail.faults.extend(look::settle_unknown(ports, remote, run, Some(&folders.listed)).await?);
        if let Some(submit) = submit {
            let sent = sent_folder(ports, remote, run, folders.sent.clone()).await?;
            mail.take_delivered(deliver(ports, submit, run, sent.map(|key| (remote, key))).await?);
        }
    }
    // What all messages stand in comes first: others have nothing new then but where the same messages stand too.
    let (all, others): (Vec<&Folder>, Vec<&Folder>) =
        folders.follow.iter().partition(|folder| folder.role == Some(FolderRole::All));
    let mut outcomes = Vec::new();
    let mut results: Vec<Result<Outcome, Fault>> = Vec::new();
    for part in [all, others] {
        let reads =
            part.into_iter().map(|folder| read_folder(ports, remote, run, folder, Renumbered::Rematch));
        let mut reads = stream::iter(reads).buffered(run.parallel.max(1));
        while !results.iter().any(|result| result.as_ref().is_err_and(is_for_all))
            && let Some(result) = reads.next().await
        {
            results.push(result);
        }
    }
    for result in results {
        match result {
            Ok(outcome) => outcomes.push(outcome),
            Err(fault) => mail.faults.push(fault),
        }
    }
    for outcome in &mut outcomes {
        mail.warnings.append(&mut outcome.warnings);
        mail.counts.pulled += outcome.fetched + outcome.flags_changed;
        mail.counts.bytes += outcome.bytes;
    }
    mail.plan.mail = plan::forecast(ports, &outcomes).await?;
    if run.dry_run {
        mail.plan.out = plan::forecast_out(ports, run.account_id).await?;
    }
    if !run.dry_run {
        let settlement = settle::settle(ports, run, settle::Of::All, &outcomes, &folders.vanished).await?;
        mail.counts.deleted = settlement.deleted;
        mail.counts.pulled += settlement.moved;
        if mail.stops().is_none() {
            mail.take_pushed(push::push(ports, remote, run).await?);
        }
    }
    mail.held = plan::held(ports, run.account_id).await?;
    Ok(mail)
}

/// Sends what waits in the outbox, and nothing else.
///
/// # Errors
/// As [`run_mail`].
pub async fn send_outbox(
    ports: &Ports,
    remote: &dyn MailWriter,
    submit: &Arc<dyn Submit>,
    run: &RunContext,
) -> Result<MailRun, Fault> {
    ports.leave.to_begin()?;
    let mut mail = MailRun::default();
    let sent = sent_folder(ports, remote, run, soon::sent_of(remote).await?).await?;
    mail.take_delivered(deliver(ports, submit, run, sent.map(|key| (remote, key))).await?);
    Ok(mail)
}

/// The folder for what was sent. A server that has none is given one, once there is something to put into it.
async fn sent_folder(
    ports: &Ports,
    remote: &dyn MailWriter,
    run: &RunContext,
    told: Option<FolderKey>,
) -> Result<Option<FolderKey>, Fault> {
    let account = run.account_id;
    let open = ports.transaction(move |tx| tx.open_outbox(account)).await?;
    let may_send = matches!(ports.leave.to_send(), Ok(Sending::Free));
    if told.is_some()
        || !may_send
        || !open.iter().any(|entry| matches!(entry.filing, Filing::Wanted | Filing::Sent))
    {
        return Ok(told);
    }
    match remote.create_folder("Sent").await {
        Ok(made) => Ok(Some(made)),
        Err(failed) => {
            tracing::warn!(account = %run.account, error = %failed, "there is no folder for what is sent");
            Ok(None)
        }
    }
}

/// The fault of a job whose owner went away.
fn stopped() -> Fault {
    Fault::new(ErrorClass::Transient, "write to the store", "postrider is stopping")
}
