//! `postrider folder …`

use postrider_model::Fault;

use super::{
    args::FolderCommand,
    out::Out,
    table::{Column, Table},
};
use crate::{
    report::Exit,
    service::{Caller, Service},
};

pub(super) fn folder(
    service: &Service,
    caller: &Caller,
    command: FolderCommand,
    out: Out,
) -> Result<Exit, Fault> {
    let FolderCommand::List { account } = command;
    let folders = service.folders(caller, account.as_deref())?;
    if out.json {
        out.value(&folders)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new([
        Column::whole("ACCOUNT"),
        Column::text("FOLDER"),
        Column::number("MESSAGES"),
        Column::number("UNREAD"),
        Column::text("STATE"),
    ]);
    for folder in &folders {
        table.row([
            folder.account.clone(),
            folder.folder.clone(),
            folder.messages.to_string(),
            folder.unread.to_string(),
            folder.frozen.as_ref().map(|why| format!("kept, {why}")).unwrap_or_default(),
        ]);
    }
    out.table(&table);
    Ok(Exit::Done)
}
