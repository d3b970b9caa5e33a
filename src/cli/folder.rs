//! `postrider folder …`

use postrider_model::Fault;

use super::door::Door;
use super::{
    args::FolderCommand,
    out::{Out, counted},
    table::{Column, Table},
};
use crate::{
    api::operations::folders::{Create, Delete, List, Rename},
    report::Exit,
};

pub(super) async fn folder(door: &mut Door, command: FolderCommand, out: Out) -> Result<Exit, Fault> {
    let is_followed = match command {
        FolderCommand::List { account } => return list(door, account, out).await,
        FolderCommand::Create { name, account } => {
            let done = door.call(Create { account: account.clone(), folder: name.clone() }).await?;
            tell(&account, &name, "made", out)?;
            done.is_followed
        }
        FolderCommand::Rename { from, to, account } => {
            let done = door.call(Rename { account: account.clone(), from, to: to.clone() }).await?;
            tell(&account, &to, "renamed", out)?;
            done.is_followed
        }
        FolderCommand::Delete { name, account, with_messages } => {
            let delete = Delete { account: account.clone(), folder: name.clone(), with_messages };
            let messages = door.call(delete).await?.messages;
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

async fn list(door: &mut Door, account: Option<String>, out: Out) -> Result<Exit, Fault> {
    let folders = door.call(List { account }).await?;
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
