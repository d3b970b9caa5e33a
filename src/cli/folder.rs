//! `postrider folder …`

use postrider_model::Fault;

use super::{
    args::FolderCommand,
    out::{Out, counted},
    table::{Column, Table},
};
use crate::{
    report::Exit,
    service::{Caller, Service},
};

pub(super) async fn folder(
    service: &mut Service,
    caller: &Caller,
    command: FolderCommand,
    out: Out,
) -> Result<Exit, Fault> {
    let is_followed = match command {
        FolderCommand::List { account } => return list(service, caller, account, out),
        FolderCommand::Create { name, account } => {
            let is_followed = service.create_folder(caller, &account, &name).await?;
            tell(&account, &name, "made", out)?;
            is_followed
        }
        FolderCommand::Rename { from, to, account } => {
            let is_followed = service.rename_folder(caller, &account, &from, &to).await?;
            tell(&account, &to, "renamed", out)?;
            is_followed
        }
        FolderCommand::Delete { name, account, with_messages } => {
            let messages = service.delete_folder(caller, &account, &name, with_messages).await?;
            tell(&account, &name, "deleted", out)?;
            if messages > 0 {
                out.note(format!(
                    "{} with it; `postrider mail list --deleted` lists them",
                    counted(messages, "message")
                ));
            }
            true
        }
    };
    if !is_followed {
        out.note("it is not followed here: `folders` of the account does not name it");
    }
    Ok(Exit::Done)
}

fn tell(account: &str, name: &str, what: &str, out: Out) -> Result<(), Fault> {
    match out.json {
        true => out.value(&serde_json::json!({ "account": account, "folder": name, "done": what })),
        false => {
            out.line(format!("{account}: folder {name} {what}"));
            Ok(())
        }
    }
}

fn list(service: &Service, caller: &Caller, account: Option<String>, out: Out) -> Result<Exit, Fault> {
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
