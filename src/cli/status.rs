//! `postrider status` and `postrider allow`.

use std::time::Duration;

use postrider_model::Fault;
use tokio::time::sleep;

use super::{
    door::Door,
    out::{Out, counted},
    run::interruption,
    table::{Column, Table},
};
use crate::{
    api::{
        Instant,
        operations::{
            status::{AccountState, Status},
            sync::Allow,
        },
    },
    report::Exit,
};

/// How often a watched status is looked at again.
const LOOK: Duration = Duration::from_secs(2);

pub(super) async fn status(door: &mut Door, watch: bool, out: Out) -> Result<Exit, Fault> {
    if !watch {
        tell(&door.followed_status().await?, out)?;
        tell_where(door, out)?;
        return Ok(Exit::Done);
    }
    loop {
        let states = door.followed_status().await?;
        out.clear();
        tell(&states, out)?;
        tell_where(door, out)?;
        tokio::select! {
            biased;
            () = interruption() => return Ok(Exit::Done),
            () = sleep(LOOK) => {}
        }
    }
}

impl Door {
    /// How each account is: from the daemon where there is one, which knows how it follows them, else from the store.
    async fn followed_status(&mut self) -> Result<Vec<AccountState>, Fault> {
        match self.daemon().await {
            Some(client) => client.call(&Status {}).await,
            None => self.call(Status {}).await,
        }
    }
}

/// A store that is not at home on this machine only takes in (F10.3).
fn tell_where(door: &Door, out: Out) -> Result<(), Fault> {
    if let Door::Here(here) = door
        && let Some(why) = here.service.away()?
        && !out.json
    {
        out.line(format!("warning: {why}"));
    }
    Ok(())
}

fn tell(states: &[AccountState], out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(&states);
    }
    tell_all(states, out);
    states.iter().for_each(|state| tell_more(state, out));
    if states.is_empty() {
        out.note("there are no accounts yet; `postrider account add ADDRESS` adds one");
    }
    Ok(())
}

/// Beside a daemon with what is done about each account now, and when it runs next.
fn tell_all(states: &[AccountState], out: Out) {
    let is_followed = states.iter().any(|state| state.phase.is_some());
    let beside = |column: Column| is_followed.then_some(column);
    let columns = [
        Some(Column::whole("ACCOUNT")),
        Some(Column::text("STATE")),
        beside(Column::whole("NOW")),
        Some(Column::whole("LAST RUN (UTC)")),
        beside(Column::whole("NEXT RUN (UTC)")),
        Some(Column::number("FOLDERS")),
        Some(Column::number("MESSAGES")),
        Some(Column::number("RESTORABLE")),
        Some(Column::number("UNSENT")),
    ];
    let mut table = Table::new(columns.into_iter().flatten());
    for state in states {
        let minute = |at: &Option<Instant>| at.as_ref().map(Instant::minute).unwrap_or_default();
        let cells = [
            Some(state.account.clone()),
            Some(words(&state.status).to_owned()),
            is_followed.then(|| state.phase.clone().unwrap_or_default()),
            Some(minute(&state.last_run)),
            is_followed.then(|| minute(&state.next_run)),
            Some(state.folders.to_string()),
            Some(state.messages.to_string()),
            Some(state.restorable.to_string()),
            Some(state.unsent.to_string()),
        ];
        table.row(cells.into_iter().flatten());
    }
    out.table(&table);
}

fn tell_more(state: &AccountState, out: Out) {
    if let Some(error) = &state.error {
        out.line(format!("{}: {}", state.account, error.message));
        error.hint.iter().for_each(|hint| out.line(format!("  hint: {hint}")));
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

pub(super) async fn allow(door: &mut Door, plan: String, out: Out) -> Result<Exit, Fault> {
    let allowed = door.call(Allow { plan }).await?;
    let messages = counted(allowed.deleted, "message");
    match (out.json, allowed.on_server) {
        (true, _) => {
            out.value(&serde_json::json!({ "plan": allowed.plan, "deleted": allowed.deleted }))?;
        }
        (false, _) if allowed.of_items => {
            out.line(format!("plan {} is carried out by the next run", allowed.plan));
        }
        (false, false) => {
            out.line(format!("{messages} deleted here; `postrider mail restore` brings any of them back"));
        }
        (false, true) => out.line(format!("{messages}: the next run deletes them on the server")),
    }
    Ok(Exit::Done)
}
