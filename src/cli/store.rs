//! `postrider store …`, `postrider key …`, `postrider adopt`.

use std::{
    io::{self, IsTerminal},
    path::Path,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use postrider_model::Fault;
use postrider_store::Progress;

use super::{
    args::{KeyCommand, StoreCommand},
    out::{Out, counted, octets},
};
use crate::{
    report::Exit,
    service::{Caller, CopyView, Environment, Service, StoreCheck},
    world::World,
};

/// What works where the store does not open; anything else is given back.
pub(super) fn without_opening(
    command: &StoreCommand,
    world: World,
    env: Environment,
    out: Out,
) -> Option<Result<Exit, Fault>> {
    match command {
        StoreCommand::Restore { file } => Some(restore(world, env, file, out)),
        StoreCommand::Check { full } => Some(check(world, env, *full, out)),
        StoreCommand::Backup { .. } | StoreCommand::Compact => None,
    }
}

pub(super) fn store(
    service: &mut Service,
    caller: &Caller,
    command: &StoreCommand,
    out: Out,
) -> Result<Exit, Fault> {
    match command {
        StoreCommand::Backup { to } => backup(service, caller, to, out),
        StoreCommand::Compact => compact(service, caller, out),
        // These two were done before the store was opened.
        StoreCommand::Restore { .. } | StoreCommand::Check { .. } => Ok(Exit::Done),
    }
}

fn backup(service: &mut Service, caller: &Caller, to: &Path, out: Out) -> Result<Exit, Fault> {
    let bar = bar("backup", out);
    let shown = bar.clone();
    let progress: Progress = Box::new(move |done, of| show(&shown, done, of));
    let made = service.back_up(caller, to, progress);
    bar.finish_and_clear();
    let made = made?;
    match out.json {
        true => out.value(&made)?,
        false => {
            out.line(format!("{}: {}", made.file.display(), told(&made)));
            out.note(
                "the key is not in it: keep a copy of store.key elsewhere, or log in anew after a restore",
            );
        }
    }
    Ok(Exit::Done)
}

fn restore(world: World, env: Environment, file: &Path, out: Out) -> Result<Exit, Fault> {
    let restored = Service::restore_store(world, env, file)?;
    if out.json {
        out.value(&restored)?;
        return Ok(Exit::Done);
    }
    out.line(format!("{} is the store now: {}", file.display(), told(&restored.from)));
    if let Some(kept) = &restored.kept {
        out.line(format!("the store that was there is kept in {}", kept.display()));
    }
    out.note("mail comes in with the next run; nothing is sent before `postrider adopt`");
    Ok(Exit::Done)
}

fn told(copy: &CopyView) -> String {
    let taken = copy.taken.as_ref().map(|at| format!(", taken {at}")).unwrap_or_default();
    format!("{}, store {}, schema {}{taken}", octets(copy.octets), copy.store_id, copy.schema)
}

fn check(world: World, env: Environment, full: bool, out: Out) -> Result<Exit, Fault> {
    let bar = bar("messages", out);
    let checked = Service::check_store(world, env, full, |done, of| show(&bar, done, of));
    bar.finish_and_clear();
    let checked = checked?;
    match out.json {
        true => out.value(&checked)?,
        false => tell_check(&checked, out),
    }
    Ok(if checked.wrong.is_empty() && checked.audit.is_none() { Exit::Done } else { Exit::Failed })
}

fn tell_check(checked: &StoreCheck, out: Out) {
    let store = checked.store.display();
    let read = match checked.bodies < checked.bodies_of {
        true => {
            format!("{} of {} read; --full reads all", checked.bodies, counted(checked.bodies_of, "message"))
        }
        false => format!("{} read", counted(checked.bodies, "message")),
    };
    for wrong in &checked.wrong {
        out.line(format!("damaged: {wrong}"));
    }
    if let Some(search) = &checked.search {
        out.line(format!("search: {search}; the next run makes the index anew"));
    }
    if let Some(audit) = &checked.audit {
        out.line(format!("audit log: {audit}; it was tampered with"));
    }
    if checked.wrong.is_empty() {
        out.line(format!("{store} is sound ({read})"));
        return;
    }
    out.line(format!("{store} is damaged ({read}); nothing is sent from it"));
    out.line("  hint: `postrider store restore FILE` puts a backup in its place and keeps this one aside; docs/store.md, \"Recovery\", says what else there is");
}

fn compact(service: &mut Service, caller: &Caller, out: Out) -> Result<Exit, Fault> {
    let compacted = service.compact_store(caller)?;
    let freed = compacted.before.saturating_sub(compacted.after);
    match out.json {
        true => out.value(&serde_json::json!({
            "before": compacted.before, "after": compacted.after, "freed": freed
        }))?,
        false => {
            out.line(format!("{} given back; the store takes {}", octets(freed), octets(compacted.after)))
        }
    }
    Ok(Exit::Done)
}

pub(super) fn key(
    service: &mut Service,
    caller: &Caller,
    command: &KeyCommand,
    out: Out,
) -> Result<Exit, Fault> {
    let KeyCommand::Rotate = command;
    let rotated = service.rotate_key(caller)?;
    match out.json {
        true => out.value(&rotated)?,
        false => {
            let sealed = counted(rotated.sealed as u64, "secret");
            out.line(format!("the key is {} now; {sealed} sealed by it", rotated.key));
            out.note("backups that were taken before need the key of their day for their passwords");
        }
    }
    Ok(Exit::Done)
}

pub(super) fn adopt(service: &mut Service, caller: &Caller, out: Out) -> Result<Exit, Fault> {
    let was_away = service.adopt_store(caller)?;
    match (out.json, was_away) {
        (true, _) => out.value(&serde_json::json!({ "adopted": was_away }))?,
        (false, true) => {
            out.line("this machine is the store's home now: what waits is sent with the next run")
        }
        (false, false) => out.line("this machine is the store's home already"),
    }
    Ok(Exit::Done)
}

/// A bar for a person who looks.
fn bar(label: &'static str, out: Out) -> ProgressBar {
    let shown = !out.json && !out.quiet && io::stderr().is_terminal();
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(None, target).with_prefix(label);
    match ProgressStyle::with_template("{prefix:10} {bar:24} {percent:>3} %") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn show(bar: &ProgressBar, done: u64, of: u64) {
    bar.set_length(of);
    bar.set_position(done);
}
