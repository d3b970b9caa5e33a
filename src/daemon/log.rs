//! What is logged of what happens: at the default level what a person who looks after many accounts wants to find, and no subject and no
//! correspondent (F6.5). Nothing is logged of a run that found everything as it was.

use postrider_model::{AccountReport, RunId};

use crate::sync::{Event, Observer};

/// Logs.
#[derive(Debug)]
pub struct Logger;

impl Observer for Logger {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Failed { account, fault, pause_ms } => tracing::warn!(
                account,
                class = fault.class.name(),
                error = fault.message(),
                hint = fault.hint,
                again_in_s = pause_ms.map(|millis| millis.div_ceil(1_000)),
                "account failed"
            ),
            Event::Warning { account, text } => tracing::warn!(account, "{text}"),
            Event::Ran { run, report } => ran(run, report),
            Event::Followed { account, folder, messages, micros } => {
                tracing::debug!(account, folder, messages, micros, "followed a change");
            }
            Event::Watching { account, folders } => {
                tracing::debug!(account, folders, "the server will tell of changes");
            }
            Event::Folders { .. }
            | Event::Fetching { .. }
            | Event::Stored { .. }
            | Event::FolderDone { .. }
            | Event::Indexing { .. } => {}
        }
    }
}

fn ran(run: RunId, report: &AccountReport) {
    let mail = report.mail.clone().unwrap_or_default();
    let (account, status, elapsed_ms) = (&report.account, report.status.name(), report.elapsed_ms);
    let is_still = mail.pulled + mail.pushed + mail.deleted == 0 && report.held.is_empty();
    match is_still && report.error.is_none() {
        true => tracing::debug!(%run, account, status, elapsed_ms, "run ended"),
        false => tracing::info!(
            %run,
            account,
            status,
            pulled = mail.pulled,
            pushed = mail.pushed,
            deleted = mail.deleted,
            held = report.held.len(),
            elapsed_ms,
            "run ended"
        ),
    }
}
