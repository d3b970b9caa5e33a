//! `postrider status` and `postrider allow`.

use postrider_model::Fault;
use postrider_store::Side;

use super::{
    out::{Out, counted},
    table::{Column, Table},
    times::minute,
};
use crate::{
    report::Exit,
    service::{AccountState, Caller, Service},
};

pub(super) fn status(service: &Service, caller: &Caller, out: Out) -> Result<Exit, Fault> {
    let states = service.status(caller)?;
    if out.json {
        out.value(&states)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new([
        Column::whole("ACCOUNT"),
        Column::text("STATE"),
        Column::whole("LAST RUN (UTC)"),
        Column::number("FOLDERS"),
        Column::number("MESSAGES"),
        Column::number("RESTORABLE"),
        Column::number("UNSENT"),
    ]);
    for state in &states {
        table.row([
            state.account.clone(),
            words(&state.status).to_owned(),
            state.last_run.map(minute).unwrap_or_default(),
            state.folders.to_string(),
            state.messages.to_string(),
            state.restorable.to_string(),
            state.unsent.to_string(),
        ]);
    }
    out.table(&table);
    states.iter().for_each(|state| tell_more(state, out));
    if let Some(why) = service.away()? {
        out.line(format!("warning: {why}"));
    }
    if states.is_empty() {
        out.note("there are no accounts yet; `postrider account add ADDRESS` adds one");
    }
    Ok(Exit::Done)
}

fn tell_more(state: &AccountState, out: Out) {
    let text =
        |key: &str| state.error.as_ref().and_then(|error| error.get(key)).and_then(|value| value.as_str());
    if let Some(message) = text("message") {
        out.line(format!("{}: {message}", state.account));
    }
    if let Some(hint) = text("hint") {
        out.line(format!("  hint: {hint}"));
    }
    for held in &state.held {
        let what = counted(held.deletions, "deletion");
        out.line(format!("{}: {what} in {} wait ({})", state.account, held.folder, held.why));
        out.line(format!(
            "  hint: look at the folder on the server; `postrider allow {}` lets them through",
            held.plan
        ));
    }
}

fn words(status: &str) -> &str {
    match status {
        "ok" => "in step",
        "failed" => "failed",
        "login_needed" => "login needed",
        "held" => "held",
        "busy" => "busy",
        "config_error" => "wrong configuration",
        "never" => "never run",
        "removed" => "removed, its mail is here",
        other => other,
    }
}

pub(super) fn allow(service: &mut Service, caller: &Caller, plan: &str, out: Out) -> Result<Exit, Fault> {
    let (deleted, side) = service.allow(caller, plan)?;
    let messages = counted(deleted, "message");
    match (out.json, side) {
        (true, _) => out.value(&serde_json::json!({ "plan": plan, "deleted": deleted }))?,
        (false, Side::Server) => {
            out.line(format!("{messages} deleted here; `postrider mail restore` brings any of them back"));
        }
        (false, Side::Here) => out.line(format!("{messages}: the next run deletes them on the server")),
    }
    Ok(Exit::Done)
}
