//! `postrider company …`

use postrider_model::{ErrorClass, Fault, IdParseError};

use super::{
    args::CompanyCommand,
    door::Door,
    out::Out,
    table::{Column, Table},
};
use crate::{
    api::{
        CompanyId,
        operations::companies::{Add, Delete, Edit, List, Restore},
    },
    report::Exit,
};

pub(super) async fn company(door: &mut Door, command: CompanyCommand, out: Out) -> Result<Exit, Fault> {
    match command {
        CompanyCommand::List { deleted } => list(door, deleted, out).await?,
        CompanyCommand::Add { name, visible } => {
            let id = door.call(Add { name: name.clone(), visibility: visible }).await?;
            tell(id, "added", out)?;
        }
        CompanyCommand::Edit { id, name, visible } => {
            let id = door.call(Edit { id: parse_id(&id)?, name, visibility: visible }).await?;
            tell(id, "edited", out)?;
        }
        CompanyCommand::Remove { ids } => {
            let ids = door.call(Delete { ids: parse_ids(&ids)? }).await?;
            tell_all(&ids, "removed", out)?;
        }
        CompanyCommand::Restore { ids } => {
            let ids = door.call(Restore { ids: parse_ids(&ids)? }).await?;
            tell_all(&ids, "restored", out)?;
        }
    }
    Ok(Exit::Done)
}

fn tell(id: CompanyId, what: &str, out: Out) -> Result<(), Fault> {
    match out.json {
        true => out.value(&serde_json::json!({ "id": id })),
        false => {
            out.line(format!("{id}: {what}"));
            Ok(())
        }
    }
}

fn tell_all(ids: &[CompanyId], what: &str, out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(&ids);
    }
    let companies = if ids.len() == 1 { "company".to_owned() } else { format!("{} companies", ids.len()) };
    out.line(format!("{companies} {what}"));
    Ok(())
}

async fn list(door: &mut Door, deleted: bool, out: Out) -> Result<(), Fault> {
    let companies = door.call(List { deleted }).await?;
    if out.json {
        return out.value(&companies);
    }
    let mut table = Table::new([
        Column::whole("ID"),
        Column::text("NAME"),
        Column::number("CONTACTS"),
        Column::text("OWNER"),
        Column::text("SEEN BY"),
    ]);
    for company in companies {
        table.row([
            company.id.to_string(),
            company.name,
            company.contacts.to_string(),
            company.owner,
            company.visibility,
        ]);
    }
    out.table(&table);
    Ok(())
}

pub(super) fn parse_id(text: &str) -> Result<CompanyId, Fault> {
    text.parse()
        .map(CompanyId)
        .map_err(|error: IdParseError| Fault::new(ErrorClass::Config, "read a company id", error.to_string()))
}

fn parse_ids(ids: &[String]) -> Result<Vec<CompanyId>, Fault> {
    ids.iter().map(|id| parse_id(id)).collect()
}
