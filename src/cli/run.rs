//! `postrider --sync-now`: one run of each account, watched by a person or read by a program.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal},
    sync::{Arc, Mutex, PoisonError},
};

use postrider_model::{AccountStatus, ErrorClass, Fault};

use super::{
    args,
    door::Door,
    out::{Out, counted, octets},
    progress::{Bar, Bars},
};
use crate::{
    api::operations::sync::{
        AccountReport, ActivityForecast, ContactForecast, HeldForecast, Kind, OutForecast, Plan, Ran,
        RunReport, Sync,
    },
    report::Exit,
    sync::{Event, Observer, Silent},
};

pub(super) async fn run(
    door: &mut Door,
    accounts: Vec<String>,
    only: &[args::Kind],
    dry_run: bool,
    out: Out,
) -> Result<Exit, Fault> {
    let only = only
        .iter()
        .map(|kind| match kind {
            args::Kind::Mail => Kind::Mail,
            args::Kind::Contacts => Kind::Contacts,
            args::Kind::Activities => Kind::Activities,
        })
        .collect();
    let wanted = Sync { accounts, only, dry_run };
    // A run that is interrupted stops between two octets: what is committed stays, and the next run goes on from there.
    let ran = tokio::select! {
        biased;
        () = interruption() => {
            let fault = Fault::new(ErrorClass::Transient, "finish the run", "it was interrupted");
            return Err(fault.hint("what came in is stored; the next run goes on from there"));
        }
        ran = done(door, wanted, out) => ran?,
    };
    if out.json {
        match dry_run {
            true => out.value(&plans_value(&ran))?,
            false => out.value(&ran.report)?,
        }
    } else {
        tell(&ran, dry_run, out);
    }
    Ok(exit_of(&ran.report))
}

/// Has it done by the daemon that keeps the store, else does it, with bars where a person looks.
async fn done(door: &mut Door, wanted: Sync, out: Out) -> Result<Ran, Fault> {
    match door.syncer().await {
        Some(here) => {
            let watched = io::stderr().is_terminal() && !out.quiet && !out.json;
            let observer: Arc<dyn Observer> =
                if watched { Arc::new(Watcher::new()) } else { Arc::new(Silent) };
            here.service.sync_now(&here.caller, &wanted.request(), observer).await.map(Ran::from)
        }
        None => door.call(wanted).await,
    }
}

/// What a run's report ends the process with.
pub(super) fn exit_of(report: &RunReport) -> Exit {
    let of_account = |account: &AccountReport| Exit::of_account(account.status, !account.held.is_empty());
    report.accounts.iter().map(of_account).fold(Exit::Done, Exit::worst)
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

fn plans_value(outcome: &Ran) -> serde_json::Value {
    let plans: Vec<serde_json::Value> = outcome
        .report
        .accounts
        .iter()
        .zip(&outcome.plans)
        .map(|(account, plan)| {
            let error = &account.error;
            serde_json::json!({ "account": account.account, "status": account.status, "folders": plan.folders, "mail": plan.mail, "out": plan.out, "contacts": plan.contacts, "activities": plan.activities, "error": error })
        })
        .collect();
    serde_json::json!({ "run": outcome.report.run, "plan": plans })
}

fn tell(outcome: &Ran, dry_run: bool, out: Out) {
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
    if let Some(contacts) = &account.contacts {
        line.push_str(&format!(
            "; {} in, {} out, {} unlinked",
            counted(contacts.pulled, "contact"),
            contacts.pushed,
            contacts.unlinked
        ));
    }
    if let Some(activities) = &account.activities {
        line.push_str(&format!(
            "; {} in, {} out, {} deleted",
            activities_in_words(activities.pulled),
            activities.pushed,
            activities.deleted
        ));
    }
    out.line(line);
    for held in &account.held {
        let what = match held.deletions {
            0 => "what is to be done".to_owned(),
            count => counted(count, "deletion"),
        };
        out.line(format!(
            "  held: {what} in {} ({}); `postrider allow {}` lets them through",
            held.folder, held.why, held.plan
        ));
    }
}

fn tell_plan(account: &AccountReport, plan: &Plan, out: Out) {
    let out_words = out_words(&plan.out);
    let mut items = plan.contacts.as_ref().map(contact_words).unwrap_or_default();
    items.extend(plan.activities.iter().flat_map(activity_words));
    let is_still = plan.folders.is_empty() && plan.mail.is_empty() && out_words.is_empty();
    if is_still && items.is_empty() && account.error.is_none() {
        out.line(format!("{}: nothing to do", account.account));
    }
    for change in &plan.folders {
        out.line(format!("{}: {change}", account.account));
    }
    for folder in &plan.mail {
        let parts = [
            (folder.fetch, "to fetch"),
            (folder.flags, "with new flags"),
            (folder.known_again, "known again under new numbers"),
            (folder.delete, "gone on the server"),
        ];
        let told = parts_in_words(&parts);
        let held = folder.held.as_ref().map(|why| format!("; would be held: {why}")).unwrap_or_default();
        out.line(format!("{}: {}: {told}{held}", account.account, folder.folder));
    }
    if !out_words.is_empty() {
        out.line(format!("{}: {out_words}", account.account));
    }
    for line in items {
        out.line(format!("{}: {line}", account.account));
    }
}

/// What would be done about contacts, a sentence each.
fn contact_words(plan: &ContactForecast) -> Vec<String> {
    let told = parts_in_words(&[
        (plan.add, "to come in"),
        (plan.change, "to be changed here"),
        (plan.unlink, "to be unlinked"),
        (plan.send, "to be sent"),
    ]);
    let mut lines: Vec<String> =
        plan.group.iter().map(|name| format!("contact group {name} would be made")).collect();
    if !told.is_empty() {
        lines.push(format!("contacts: {told}"));
    }
    lines.extend(plan.held.iter().map(|held| held_words(held, &counted(held.count, "contact"))));
    lines
}

/// What would be done about appointments and tasks, a sentence each.
fn activity_words(plan: &ActivityForecast) -> Vec<String> {
    let told = parts_in_words(&[
        (plan.add, "to come in"),
        (plan.change, "to be changed here"),
        (plan.delete, "to be deleted, cancelled or unlinked"),
        (plan.send, "to be sent"),
    ]);
    let mut lines: Vec<String> = Vec::new();
    if !told.is_empty() {
        lines.push(format!("activities: {told}"));
    }
    match plan.notify {
        0 => {}
        1 => lines.push("the server would mail 1 person of them".to_owned()),
        many => lines.push(format!("the server would mail {many} people of them")),
    }
    lines.extend(plan.held.iter().map(|held| held_words(held, &activities_in_words(held.count))));
    lines
}

fn held_words(held: &HeldForecast, count: &str) -> String {
    format!("{}: {count} would leave; would be held: {}", held.book, held.why)
}

fn activities_in_words(count: u64) -> String {
    match count {
        1 => "1 activity".to_owned(),
        many => format!("{many} activities"),
    }
}

/// What there is of some kinds of things, each with its number.
fn parts_in_words(parts: &[(u64, &str)]) -> String {
    let there_are = parts.iter().filter(|(count, _)| *count > 0);
    there_are.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
}

/// What would go out, in words.
fn out_words(plan: &OutForecast) -> String {
    parts_in_words(&[
        (plan.changes, "to change on the server"),
        (plan.appends, "to put there"),
        (plan.sent, "to send"),
    ])
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_for_contacts_is_told_in_sentences_and_nothing_of_one_that_does_nothing() {
        let still = ContactForecast { group: None, add: 0, change: 0, unlink: 0, send: 0, held: Vec::new() };
        assert!(contact_words(&still).is_empty());
        let why = "every contact would be deleted or unlinked".to_owned();
        let held = vec![HeldForecast { book: "Postrider".to_owned(), count: 12, why }];
        let plan = ContactForecast { group: Some("Postrider".to_owned()), add: 2, send: 1, held, ..still };
        assert_eq!(
            contact_words(&plan),
            [
                "contact group Postrider would be made",
                "contacts: 2 to come in, 1 to be sent",
                "Postrider: 12 contacts would leave; would be held: every contact would be deleted or unlinked",
            ]
        );
    }

    #[test]
    fn a_plan_for_activities_is_told_in_sentences_and_nothing_of_one_that_does_nothing() {
        let still = ActivityForecast { add: 0, change: 0, delete: 0, send: 0, notify: 0, held: Vec::new() };
        assert!(activity_words(&still).is_empty());
        let held = vec![HeldForecast { book: "Calendar".to_owned(), count: 30, why: "too many".to_owned() }];
        let plan = ActivityForecast { add: 2, delete: 1, send: 3, notify: 1, held, ..still };
        assert_eq!(
            activity_words(&plan),
            [
                "activities: 2 to come in, 1 to be deleted, cancelled or unlinked, 3 to be sent",
                "the server would mail 1 person of them",
                "Calendar: 30 activities would leave; would be held: too many",
            ]
        );
        assert_eq!(
            activity_words(&ActivityForecast { notify: 2, ..plan })[1],
            "the server would mail 2 people of them"
        );
    }
}
