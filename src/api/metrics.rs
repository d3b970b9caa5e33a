//! Numbers for Prometheus, in its text format (F6.5): how many accounts are in which state, what waits, when each last ended well.
//!
//! They name accounts and no correspondents, folders or subjects, and are for whoever administers.

use std::{collections::BTreeMap, fmt::Write as _};

use postrider_model::Fault;

use crate::service::{AccountNumbers, Caller, Service};

/// Where they are asked for, as scrapers do.
pub(super) const PATH: &str = "/metrics";
/// <https://prometheus.io/docs/instrumenting/exposition_formats/>
pub(super) const MEDIA: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All numbers.
pub(super) fn text(service: &Service, caller: &Caller) -> Result<String, Fault> {
    let accounts = service.numbers(caller)?;
    let mut text = format!(
        "# HELP postrider_info The version that answers.\n# TYPE postrider_info gauge\npostrider_info{{version=\"{}\"}} 1\n",
        env!("CARGO_PKG_VERSION")
    );
    let mut by_status: BTreeMap<&str, usize> = BTreeMap::new();
    for account in &accounts {
        *by_status.entry(account.status.as_str()).or_default() += 1;
    }
    head(&mut text, "postrider_accounts", "gauge", "Accounts, by how their last run ended.");
    for (status, count) in by_status {
        let _ = writeln!(text, "postrider_accounts{{status=\"{}\"}} {count}", label(status));
    }
    for (name, kind, help, value) in SERIES {
        head(&mut text, name, kind, help);
        for account in &accounts {
            if let Some(value) = value(account) {
                let _ = writeln!(text, "{name}{{account=\"{}\"}} {value}", label(&account.account));
            }
        }
    }
    Ok(text)
}

/// A number that each account has.
type Series = (&'static str, &'static str, &'static str, fn(&AccountNumbers) -> Option<u64>);

const SERIES: &[Series] = &[
    ("postrider_last_run_timestamp_seconds", "gauge", "When the last run ended.", |one| one.last_run),
    ("postrider_last_run_ok", "gauge", "Whether the last run ended well.", |one| {
        one.last_run.map(|_| u64::from(one.status == "ok" || one.status == "held"))
    }),
    ("postrider_last_run_pulled", "gauge", "Messages and flags that came in with the last run.", |one| {
        one.last_run_counts.map(|[pulled, ..]| pulled)
    }),
    ("postrider_last_run_pushed", "gauge", "Changes that went out with the last run.", |one| {
        one.last_run_counts.map(|[_, pushed, _]| pushed)
    }),
    ("postrider_last_run_bytes", "gauge", "Octets of messages that came in with the last run.", |one| {
        one.last_run_counts.map(|[.., bytes]| bytes)
    }),
    ("postrider_folders", "gauge", "Folders that are followed.", |one| Some(one.folders)),
    ("postrider_messages", "gauge", "Messages that are here.", |one| Some(one.messages)),
    ("postrider_unsent_changes", "gauge", "Changes made here that wait to go to the server.", |one| {
        Some(one.unsent)
    }),
    ("postrider_outbox", "gauge", "Messages that wait to be sent or to be decided on.", |one| {
        Some(one.outbox)
    }),
    (
        "postrider_held_deletions",
        "gauge",
        "Deletions, and contacts that would be unlinked, that wait for a person's word.",
        |one| Some(one.held),
    ),
    ("postrider_watched_folders", "gauge", "Folders of which the server tells at once.", |one| one.watched),
];

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// A label's value, escaped as the format says.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
