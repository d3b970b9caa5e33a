//! `postrider audit list` and `postrider audit verify`.

use postrider_model::{ErrorClass, Fault};

use super::{
    args::{AuditCommand, AuditList},
    door::Door,
    out::{Out, counted},
    table::{Column, Table},
};
use crate::{
    api::{
        Instant,
        operations::audit::{List, Verify},
    },
    report::Exit,
};

pub(super) async fn audit(door: &mut Door, command: AuditCommand, out: Out) -> Result<Exit, Fault> {
    match command {
        AuditCommand::List(wanted) => list(door, wanted, out).await,
        AuditCommand::Verify => verify(door, out).await,
    }
}

async fn list(door: &mut Door, wanted: AuditList, out: Out) -> Result<Exit, Fault> {
    let list = List { account: wanted.account, since: wanted.since, limit: wanted.limit };
    let lines = door.call(list).await?;
    if out.json {
        out.value(&lines)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new([
        Column::number("LINE"),
        Column::whole("TIME (UTC)"),
        Column::text("BY"),
        Column::text("FOR"),
        Column::text("ACCOUNT"),
        Column::whole("WHAT"),
        Column::text("OBJECT"),
        Column::whole("OUTCOME"),
        Column::text("WHY"),
    ]);
    for entry in &lines {
        table.row([
            entry.line.to_string(),
            entry.at.as_ref().map_or_else(|| "?".to_owned(), Instant::minute),
            entry.actor.clone(),
            entry.user.clone(),
            entry.account.clone(),
            entry.what.clone(),
            entry.object.clone(),
            entry.outcome.clone(),
            entry.detail.clone(),
        ]);
    }
    out.table(&table);
    if lines.len() as u64 == u64::from(wanted.limit) {
        out.note(format!("the newest {}; --limit shows more", wanted.limit));
    }
    Ok(Exit::Done)
}

async fn verify(door: &mut Door, out: Out) -> Result<Exit, Fault> {
    let verified = door.call(Verify {}).await?;
    if let (Some(line), Some(why)) = (verified.wrong_line, &verified.why) {
        let cause = format!("line {line}: {why}");
        return Err(Fault::new(ErrorClass::Permanent, "trust the audit log", cause)
            .hint("the system's journal has a copy of every line: `journalctl -u postrider`"));
    }
    match out.json {
        true => out.value(&verified)?,
        false => {
            out.line(format!("the audit log is what was written: {}", counted(verified.lines, "line")));
        }
    }
    Ok(Exit::Done)
}
