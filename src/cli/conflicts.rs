//! `postrider conflicts …`

use postrider_model::{ErrorClass, Fault, IdParseError};

use super::{
    args::ConflictsCommand,
    door::Door,
    out::Out,
    table::{Column, Table},
};
use crate::{
    api::{
        Instant, VersionId,
        operations::versions::{List, Restore, Show},
    },
    report::Exit,
};

pub(super) async fn conflicts(door: &mut Door, command: ConflictsCommand, out: Out) -> Result<Exit, Fault> {
    match command {
        ConflictsCommand::List { record, all, limit } => list(door, List { record, all, limit }, out).await?,
        ConflictsCommand::Show { id } => show(door, parse_id(&id)?, out).await?,
        ConflictsCommand::Restore { id } => {
            let restored = door.call(Restore { id: parse_id(&id)? }).await?;
            match out.json {
                true => out.value(&restored)?,
                false => out.line(format!("{} is again what it was in {id}", restored.record)),
            }
        }
    }
    Ok(Exit::Done)
}

fn parse_id(text: &str) -> Result<VersionId, Fault> {
    text.parse()
        .map(VersionId)
        .map_err(|error: IdParseError| Fault::new(ErrorClass::Config, "read a version id", error.to_string()))
}

async fn list(door: &mut Door, wanted: List, out: Out) -> Result<(), Fault> {
    let (all, limit) = (wanted.all, u64::from(wanted.limit));
    let versions = door.call(wanted).await?;
    if out.json {
        return out.value(&versions);
    }
    let mut table = Table::new([
        Column::whole("ID"),
        Column::whole("RECORD"),
        Column::text("WAS CALLED"),
        Column::whole("UNTIL (UTC)"),
        Column::whole("WHERE"),
        Column::text("BY"),
        Column::text("WHY"),
    ]);
    for version in &versions {
        table.row([
            version.id.to_string(),
            version.record.clone(),
            version.name.clone(),
            version.at.as_ref().map(Instant::minute).unwrap_or_default(),
            version.side.clone(),
            version.actor.clone(),
            format!("{}: {}", version.what, version.why),
        ]);
    }
    out.table(&table);
    if versions.is_empty() && !all {
        out.note("nothing lost against a later change; --all lists all that records were");
    }
    if versions.len() as u64 == limit {
        out.note(format!("the newest {limit}; --limit shows more"));
    }
    Ok(())
}

async fn show(door: &mut Door, id: VersionId, out: Out) -> Result<(), Fault> {
    let details = door.call(Show { id }).await?;
    if out.json {
        return out.value(&details);
    }
    let version = &details.version;
    let until = version.at.as_ref().map(Instant::minute).unwrap_or_default();
    out.line(format!("{id}: {} until {until} UTC, when it was {}", version.record, version.what));
    out.line(format!("By {} ({}): {}", version.actor, version.side, version.why));
    out.line("");
    details.content.lines().for_each(|line| out.line(line));
    Ok(())
}
