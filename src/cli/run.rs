//! `postrider --sync-now`: one run of each account, watched by a person or read by a program.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal},
    sync::{Arc, Mutex, PoisonError},
};

use postrider_model::{AccountReport, AccountStatus, ErrorClass, Fault};

use super::{
    args::Kind,
    out::{Out, counted, octets},
    progress::{Bar, Bars},
};
use crate::{
    report::Exit,
    service::{Caller, RunOutcome, RunRequest, Service},
    sync::{Event, FolderChange, Observer, OutForecast, Plan, Silent},
};

pub(super) async fn run(
    service: &mut Service,
    caller: &Caller,
    accounts: Vec<String>,
    only: &[Kind],
    dry_run: bool,
    out: Out,
) -> Result<Exit, Fault> {
    let request = RunRequest {
        accounts,
        dry_run,
        mail: only.is_empty() || only.contains(&Kind::Mail),
        ..RunRequest::default()
    };
    let watched = io::stderr().is_terminal() && !out.quiet && !out.json;
    let observer: Arc<dyn Observer> = if watched { Arc::new(Watcher::new()) } else { Arc::new(Silent) };
    // A run that is interrupted stops between two octets: what is committed stays, and the next run goes on from there.
    let outcome = tokio::select! {
        biased;
        () = interruption() => {
            let fault = Fault::new(ErrorClass::Transient, "finish the run", "it was interrupted");
            return Err(fault.hint("what came in is stored; the next run goes on from there"));
        }
        outcome = service.sync_now(caller, &request, observer) => outcome?,
    };
    if out.json {
        match dry_run {
            true => out.value(&plans_value(&outcome))?,
            false => out.value(&outcome.report)?,
        }
    } else {
        tell(&outcome, dry_run, out);
    }
    Ok(Exit::of_run(&outcome.report))
}

/// Waits until the process is asked to end.
pub(super) async fn interruption() {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = async |kind| match signal(kind) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    };
    tokio::select! {
        () = wait(SignalKind::interrupt()) => {}
        () = wait(SignalKind::terminate()) => {}
    }
}

fn plans_value(outcome: &RunOutcome) -> serde_json::Value {
    let plans: Vec<serde_json::Value> = outcome
        .report
        .accounts
        .iter()
        .zip(&outcome.plans)
        .map(|(account, plan)| {
            let folders: Vec<String> = plan.folders.iter().map(folder_words).collect();
            let error = &account.error;
            serde_json::json!({ "account": account.account, "status": account.status, "folders": folders, "mail": plan.mail, "out": plan.out, "error": error })
        })
        .collect();
    serde_json::json!({ "run": outcome.report.run, "plan": plans })
}

fn tell(outcome: &RunOutcome, dry_run: bool, out: Out) {
    for (account, plan) in outcome.report.accounts.iter().zip(&outcome.plans) {
        if dry_run {
            tell_plan(account, plan, out);
        } else {
            tell_account(account, out);
        }
        for warning in &account.warnings {
            out.warn(format!("warning: {}: {warning}", account.account));
        }
        if let Some(error) = &account.error {
            out.warn(format!("error: {}: {}", account.account, error.message));
            if let Some(hint) = &error.hint {
                out.warn(format!("hint: {hint}"));
            }
        }
    }
    if outcome.report.accounts.is_empty() {
        out.note("there are no accounts yet; `postrider account add ADDRESS` adds one");
    }
}

fn tell_account(account: &AccountReport, out: Out) {
    if out.quiet {
        return;
    }
    let mut line = format!("{}: {}", account.account, status_words(account.status));
    if let Some(mail) = &account.mail {
        line.push_str(&format!(
            "; {}, {} in ({}), {} out, {} deleted, {:.1} s",
            counted(mail.folders, "folder"),
            mail.pulled,
            octets(mail.bytes),
            mail.pushed,
            mail.deleted,
            account.elapsed_ms as f64 / 1000.0
        ));
    }
    out.line(line);
    for held in &account.held {
        let what = counted(held.deletions, "deletion");
        out.line(format!(
            "  held: {what} in {} ({}); `postrider allow {}` lets them through",
            held.folder, held.why, held.plan
        ));
    }
}

fn tell_plan(account: &AccountReport, plan: &Plan, out: Out) {
    if plan.folders.is_empty() && plan.mail.is_empty() && plan.out.is_empty() && account.error.is_none() {
        out.line(format!("{}: nothing to do", account.account));
    }
    for change in &plan.folders {
        out.line(format!("{}: {}", account.account, folder_words(change)));
    }
    for folder in &plan.mail {
        let parts = [
            (folder.fetch, "to fetch"),
            (folder.flags, "with new flags"),
            (folder.known_again, "known again under new numbers"),
            (folder.delete, "gone on the server"),
        ];
        let told: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let held = folder.held.map(|why| format!("; would be held: {why}")).unwrap_or_default();
        out.line(format!("{}: {}: {}{held}", account.account, folder.folder, told.join(", ")));
    }
    if !plan.out.is_empty() {
        out.line(format!("{}: {}", account.account, out_words(&plan.out)));
    }
}

/// What would go out, in words.
fn out_words(plan: &OutForecast) -> String {
    let parts =
        [(plan.changes, "to change on the server"), (plan.appends, "to put there"), (plan.sent, "to send")];
    let told: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    told.join(", ")
}

fn folder_words(change: &FolderChange) -> String {
    match change {
        FolderChange::New(name) => format!("new folder {name}"),
        FolderChange::Renamed(old, new) => format!("folder {old} is {new} now"),
        FolderChange::Thawed(name) => format!("folder {name} is followed again"),
        FolderChange::Frozen(name, why) => {
            format!("folder {name} is kept as it is and followed no more ({})", why.name())
        }
    }
}

pub(super) const fn status_words(status: AccountStatus) -> &'static str {
    match status {
        AccountStatus::Ok => "in step",
        AccountStatus::Failed => "failed, will be tried again",
        AccountStatus::LoginNeeded => "a login is needed",
        AccountStatus::Held => "in step but for what is held",
        AccountStatus::Busy => "busy",
        AccountStatus::ConfigError => "its configuration is wrong",
    }
}

/// Draws bars: one a folder that is being fetched.
#[derive(Debug)]
struct Watcher {
    bars: Bars,
    folders: Mutex<BTreeMap<(String, String), Bar>>,
}

impl Watcher {
    fn new() -> Self {
        Self { bars: Bars::new(true), folders: Mutex::default() }
    }
}

impl Observer for Watcher {
    fn event(&self, event: Event<'_>) {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Folders { .. }
            | Event::Followed { .. }
            | Event::Failed { .. }
            | Event::Warning { .. }
            | Event::Ran { .. }
            | Event::Watching { .. } => {}
            Event::Fetching { account, folder, messages } => {
                let bar = self.bars.add(&format!("{account} {folder}"), Some(messages));
                folders.insert((account.to_owned(), folder.to_owned()), bar);
            }
            Event::Stored { account, folder, messages, .. } => {
                if let Some(bar) = folders.get(&(account.to_owned(), folder.to_owned())) {
                    bar.inc(messages);
                }
            }
            Event::FolderDone { account, folder } => {
                if let Some(bar) = folders.remove(&(account.to_owned(), folder.to_owned())) {
                    bar.finish();
                }
            }
            Event::Indexing { left } => {
                let key = (String::new(), String::new());
                folders.entry(key).or_insert_with(|| self.bars.add("search index", Some(left)));
            }
        }
    }
}
