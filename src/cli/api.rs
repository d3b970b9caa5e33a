//! `postrider api …` and `postrider reload`.

use postrider_model::{ErrorClass, Fault};

use super::{
    args::{ApiCommand, TokenCommand},
    door::Door,
    out::Out,
    table::{Column, Table},
};
use crate::{
    api::{
        self, Instant,
        operations::{
            sync::Reload,
            tokens::{Create, List, Revoke, Token},
        },
    },
    report::Exit,
};

/// Prints the API's description, for people and programs alike: nothing in it comes from outside.
pub(super) fn describe(out: Out) -> Result<Exit, Fault> {
    let text = serde_json::to_string_pretty(&api::describe())
        .map_err(|error| Fault::new(ErrorClass::Permanent, "describe the API", error.to_string()))?;
    text.lines().for_each(|line| out.line(line));
    Ok(Exit::Done)
}

pub(super) async fn reload(door: &mut Door, out: Out) -> Result<Exit, Fault> {
    let reloaded = door.call(Reload {}).await?;
    match (out.json, reloaded.accounts.as_slice()) {
        (true, _) => out.value(&reloaded)?,
        (false, []) => out.line("the configuration is in force; no account changed"),
        (false, accounts) => {
            out.line(format!("the configuration is in force; changed: {}", accounts.join(", ")));
        }
    }
    Ok(Exit::Done)
}

pub(super) async fn api(door: &mut Door, command: ApiCommand, out: Out) -> Result<Exit, Fault> {
    match command {
        ApiCommand::Describe => return describe(out),
        ApiCommand::Token(TokenCommand::Create { name, user, days }) => {
            let created = door.call(Create { name, user, days }).await?;
            match out.json {
                true => out.value(&created)?,
                false => {
                    out.line(&created.secret);
                    out.note("it is shown this once; programs send it as `Authorization: Bearer TOKEN`");
                }
            }
        }
        ApiCommand::Token(TokenCommand::List) => list(&door.call(List {}).await?, out)?,
        ApiCommand::Token(TokenCommand::Revoke { name }) => {
            let revoked = door.call(Revoke { name }).await?;
            match out.json {
                true => out.value(&revoked)?,
                false => out.line(format!("the token {} is nobody's any more", revoked.revoked)),
            }
        }
    }
    Ok(Exit::Done)
}

fn list(tokens: &[Token], out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(&tokens);
    }
    let mut table = Table::new([
        Column::text("TOKEN"),
        Column::text("USER"),
        Column::whole("ENDS IN"),
        Column::whole("MADE (UTC)"),
        Column::whole("GOOD UNTIL (UTC)"),
    ]);
    let minute = |at: &Option<Instant>| at.as_ref().map(Instant::minute).unwrap_or_default();
    for token in tokens {
        table.row([
            token.name.clone(),
            token.user.clone(),
            token.tail.clone(),
            minute(&token.created),
            minute(&token.expires),
        ]);
    }
    out.table(&table);
    Ok(())
}
