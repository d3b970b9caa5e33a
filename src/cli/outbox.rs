//! `postrider mail send`, `mail draft` and `postrider outbox …`

use std::path::Path;

use postrider_model::{AccountStatus, ErrorClass, Fault, IdParseError};

use super::{
    args::{MailNew, OutboxCommand},
    door::Door,
    given::{content, text_of},
    mail::parse_id,
    out::{Out, counted},
    run::exit_of,
    table::{Column, Table},
};
use crate::{
    api::{
        Base64, OutboxId,
        operations::outbox::{Draft, Drop, Entry, File, List, Raw, Retry, Send, Sent, Show, Written},
    },
    report::Exit,
};

/// Sends a message now; where that cannot be, it waits in the outbox.
pub(super) async fn send(door: &mut Door, new: MailNew, out: Out) -> Result<Exit, Fault> {
    let (account, later) = (new.account.clone(), new.later);
    let sent = door.call(Send { account, message: read(new)?, later }).await?;
    let exit = told_of_run(&sent, out);
    match out.json {
        true => out.value(&sent.entry)?,
        false => out.line(words(&sent.entry)),
    }
    let failed = sent.entry.state == "failed" || sent.entry.state == "uncertain";
    Ok(if failed { exit.worst(Exit::Failed) } else { exit })
}

/// Tells what kept the message from going out, and answers with the exit code that goes with it.
fn told_of_run(sent: &Sent, out: Out) -> Exit {
    if let Some(problem) = &sent.error {
        return out.told(&Fault::from(problem.clone()));
    }
    let Some(run) = &sent.run else { return Exit::Done };
    if run.accounts.iter().all(|account| account.status == AccountStatus::Busy) {
        out.note("another postrider is at work: it waits for that run or the next one");
        return Exit::Done;
    }
    for account in &run.accounts {
        account.warnings.iter().for_each(|warning| out.warn(format!("warning: {warning}")));
        if let Some(error) = &account.error {
            out.warn(format!("error: {}", error.message));
            error.hint.iter().for_each(|hint| out.warn(format!("hint: {hint}")));
        }
    }
    exit_of(run)
}

pub(super) async fn draft(door: &mut Door, new: MailNew, out: Out) -> Result<Exit, Fault> {
    let account = new.account.clone();
    let drafted = door.call(Draft { account, message: read(new)? }).await?;
    match out.json {
        true => out.value(&serde_json::json!({ "id": drafted.id }))?,
        false => out.line(format!("{}: a draft of account {}", drafted.id, drafted.account)),
    }
    out.note("the next run puts it on the server");
    Ok(Exit::Done)
}

pub(super) async fn outbox(door: &mut Door, command: OutboxCommand, out: Out) -> Result<Exit, Fault> {
    match command {
        OutboxCommand::List { account, all } => list(&door.call(List { account, all }).await?, out)?,
        OutboxCommand::Show { id, raw: true } => {
            out.bytes(&door.call(Raw { id: parse(&id)? }).await?.0);
        }
        OutboxCommand::Show { id, raw: false } => tell(&door.call(Show { id: parse(&id)? }).await?, out)?,
        OutboxCommand::Retry { id } => tell(&door.call(Retry { id: parse(&id)? }).await?, out)?,
        OutboxCommand::Drop { id } => tell(&door.call(Drop { id: parse(&id)? }).await?, out)?,
    }
    Ok(Exit::Done)
}

fn parse(text: &str) -> Result<OutboxId, Fault> {
    text.parse()
        .map(OutboxId)
        .map_err(|error: IdParseError| Fault::new(ErrorClass::Config, "read an outbox id", error.to_string()))
}

fn list(entries: &[Entry], out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(&entries);
    }
    let mut table = Table::new([
        Column::whole("ID"),
        Column::whole("STATE"),
        Column::number("TRIES"),
        Column::text("TO"),
        Column::text("SUBJECT"),
        Column::text("ACCOUNT"),
    ]);
    for entry in entries {
        table.row([
            entry.id.to_string(),
            entry.state.clone(),
            entry.attempts.to_string(),
            entry.recipients.join(", "),
            entry.subject.clone(),
            entry.account.clone(),
        ]);
    }
    out.table(&table);
    for entry in entries {
        if let Some(error) = &entry.error {
            out.line(format!("{}: {error}", entry.id));
        }
    }
    Ok(())
}

fn tell(entry: &Entry, out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(entry);
    }
    out.line(words(entry));
    for (address, why) in &entry.refused {
        out.line(format!("  {address} was refused for good: {why}"));
    }
    if let Some(error) = &entry.error {
        out.line(format!("  {error}"));
    }
    if entry.state == "uncertain" {
        out.line(format!(
            "  hint: ask a recipient, then `postrider outbox retry {0}` or `postrider outbox drop {0}`",
            entry.id
        ));
    }
    Ok(())
}

fn words(entry: &Entry) -> String {
    let to = counted(entry.recipients.len() as u64, "recipient");
    match entry.state.as_str() {
        "sent" => format!("{}: sent{}", entry.id, if entry.filed { ", with a copy in Sent" } else { "" }),
        "queued" => format!("{}: waits, for {to}", entry.id),
        "sending" => format!("{}: is on its way, for {to}", entry.id),
        "uncertain" => format!("{}: may have been sent; nobody knows", entry.id),
        state => format!("{}: {state}", entry.id),
    }
}

/// What is written, with the files that it names.
fn read(new: MailNew) -> Result<Written, Fault> {
    if let Some(file) = &new.file {
        return Ok(Written { raw: Some(Base64(content(file)?)), ..Written::default() });
    }
    let text = new.text.map(|text| text_of(&text)).transpose()?;
    let html = new.html.map(|html| text_of(&html)).transpose()?;
    let files =
        |paths: &[std::path::PathBuf]| paths.iter().map(|path| file(path)).collect::<Result<Vec<_>, _>>();
    Ok(Written {
        raw: None,
        to: new.to,
        cc: new.cc,
        bcc: new.bcc,
        subject: new.subject,
        text,
        html,
        attachments: files(&new.attach)?,
        inline: files(&new.inline)?,
        reply_to: new.reply_to_id.as_deref().map(parse_id).transpose()?,
        to_all: new.all,
        forward: new.forward_id.as_deref().map(parse_id).transpose()?,
    })
}

fn file(path: &Path) -> Result<File, Fault> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(File { name, content: Base64(content(path)?) })
}
