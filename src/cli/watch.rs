//! `postrider watch`: what happens, a line each, for a person or as JSON for a program.

use std::sync::Arc;

use postrider_model::Fault;

use super::{
    door::Door,
    out::{Out, counted},
    run::{interruption, status_words},
};
use crate::{
    report::Exit,
    sync::{Event, Observer},
};

pub(super) async fn watch(door: &mut Door, accounts: &[String], out: Out) -> Result<Exit, Fault> {
    let here = door.here("follow accounts in the foreground")?;
    tokio::select! {
        biased;
        // Whatever is committed stays; the next start goes on from there.
        () = interruption() => Ok(Exit::Done),
        ended = here.service.watch(&here.caller, accounts, Arc::new(Teller(out))) => {
            let ended = ended?;
            if ended.is_empty() {
                out.note("there are no accounts with mail yet; `postrider account add ADDRESS` adds one");
            }
            Ok(ended.iter().map(Exit::of_fault).fold(Exit::Done, Exit::worst))
        }
    }
}

/// Tells what happens as it does.
#[derive(Debug)]
struct Teller(Out);

impl Observer for Teller {
    fn event(&self, event: Event<'_>) {
        let out = self.0;
        if out.json {
            // There is nobody left to tell where standard output is closed.
            let _ = value(&event).map(|value| out.value(&value));
        } else if let Some(line) = words(&event) {
            match event {
                Event::Failed { .. } | Event::Warning { .. } => out.warn(line),
                _ if out.quiet => {}
                _ => out.line(line),
            }
        }
    }
}

fn value(event: &Event<'_>) -> Option<serde_json::Value> {
    Some(match event {
        Event::Followed { account, folder, messages, micros } => serde_json::json!({
            "event": "followed", "account": account, "folder": folder, "messages": messages, "micros": micros
        }),
        Event::Failed { account, fault, pause_ms } => serde_json::json!({
            "event": "failed", "account": account, "class": fault.class.name(), "message": fault.message(),
            "hint": fault.hint, "pause_ms": pause_ms
        }),
        Event::Warning { account, text } => {
            serde_json::json!({ "event": "warning", "account": account, "message": text })
        }
        Event::Ran { run, report } => serde_json::json!({ "event": "ran", "run": run, "report": report }),
        Event::Watching { account, folders } => {
            serde_json::json!({ "event": "watching", "account": account, "folders": folders })
        }
        _ => return None,
    })
}

fn words(event: &Event<'_>) -> Option<String> {
    Some(match event {
        Event::Followed { account, folder: "", messages, .. } => {
            format!("{account}: {} sent, moved or deleted", counted(*messages, "message"))
        }
        Event::Followed { account, folder, messages, .. } => {
            format!("{account}: {} in {folder}", counted(*messages, "change"))
        }
        Event::Failed { account, fault, pause_ms: Some(pause_ms) } => {
            format!("{account}: {}; tried again in {} s", fault.message(), pause_ms.div_ceil(1_000))
        }
        Event::Failed { account, fault, pause_ms: None } => {
            let hint = fault.hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default();
            format!("{account}: {}{hint}; not tried again", fault.message())
        }
        Event::Warning { account, text } => format!("warning: {account}: {text}"),
        Event::Ran { report, .. } => {
            let counts =
                report.mail.as_ref().map(|mail| format!("; {} in, {} out", mail.pulled, mail.pushed));
            format!("{}: {}{}", report.account, status_words(report.status), counts.unwrap_or_default())
        }
        Event::Watching { account, folders: 0 } => {
            format!("{account}: the server does not tell of changes; the interval has to do")
        }
        Event::Watching { account, folders } => {
            format!("{account}: {} watched", counted(*folders as u64, "folder"))
        }
        _ => return None,
    })
}
