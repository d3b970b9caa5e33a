//! `postrider mail send`, `mail draft` and `postrider outbox …`

use std::{
    fs,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use postrider_model::{AccountStatus, ErrorClass, Fault, IdParseError, OutboxId};

use super::{
    args::{MailNew, OutboxCommand},
    mail::parse_id,
    out::{Out, counted},
    table::{Column, Table},
};
use crate::{
    report::Exit,
    service::{Caller, MailParts, NewFile, NewMail, OutboxView, RunRequest, Service},
    sync::Silent,
};

/// Sends a message now; where that cannot be, it waits in the outbox.
pub(super) async fn send(
    service: &mut Service,
    caller: &Caller,
    new: MailNew,
    out: Out,
) -> Result<Exit, Fault> {
    let later = new.later;
    let account = service.sender(caller, new.account.as_deref())?;
    let id = service.queue_mail(caller, &account, read(new)?)?;
    let mut exit = Exit::Done;
    if !later {
        let request =
            RunRequest { accounts: vec![account], mail: true, outbox_only: true, ..RunRequest::default() };
        let outcome = service.sync_now(caller, &request, Arc::new(Silent)).await?;
        let is_busy = outcome.report.accounts.iter().all(|account| account.status == AccountStatus::Busy);
        if is_busy {
            out.note("another postrider is at work: it waits for that run or the next one");
            return told(service, caller, id, Exit::Done, out);
        }
        exit = Exit::of_run(&outcome.report);
        for account in &outcome.report.accounts {
            account.warnings.iter().for_each(|warning| out.warn(format!("warning: {warning}")));
            if let Some(error) = &account.error {
                out.warn(format!("error: {}", error.message));
                error.hint.iter().for_each(|hint| out.warn(format!("hint: {hint}")));
            }
        }
    }
    told(service, caller, id, exit, out)
}

/// Tells how far the entry is, and answers with the exit code that goes with it.
fn told(service: &Service, caller: &Caller, id: OutboxId, exit: Exit, out: Out) -> Result<Exit, Fault> {
    let entry = service.entry(caller, id)?;
    let failed = entry.state == "failed" || entry.state == "uncertain";
    match out.json {
        true => out.value(&entry)?,
        false => out.line(words(&entry)),
    }
    Ok(if failed { exit.worst(Exit::Failed) } else { exit })
}

pub(super) fn draft(service: &mut Service, caller: &Caller, new: MailNew, out: Out) -> Result<Exit, Fault> {
    let account = service.sender(caller, new.account.as_deref())?;
    let id = service.draft_mail(caller, &account, read(new)?)?;
    match out.json {
        true => out.value(&serde_json::json!({ "id": id }))?,
        false => out.line(format!("{id}: a draft of account {account}")),
    }
    out.note("the next run puts it on the server");
    Ok(Exit::Done)
}

pub(super) fn outbox(
    service: &mut Service,
    caller: &Caller,
    command: OutboxCommand,
    out: Out,
) -> Result<Exit, Fault> {
    match command {
        OutboxCommand::List { account, all } => list(service, caller, account.as_deref(), all, out)?,
        OutboxCommand::Show { id, raw } => show(service, caller, parse(&id)?, raw, out)?,
        OutboxCommand::Retry { id } => tell(&service.retry_outgoing(caller, parse(&id)?)?, out)?,
        OutboxCommand::Drop { id } => tell(&service.drop_outgoing(caller, parse(&id)?)?, out)?,
    }
    Ok(Exit::Done)
}

fn parse(text: &str) -> Result<OutboxId, Fault> {
    text.parse()
        .map_err(|error: IdParseError| Fault::new(ErrorClass::Config, "read an outbox id", error.to_string()))
}

fn list(service: &Service, caller: &Caller, account: Option<&str>, all: bool, out: Out) -> Result<(), Fault> {
    let entries = service.outbox(caller, account, all)?;
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
    for entry in &entries {
        table.row([
            entry.id.to_string(),
            entry.state.to_owned(),
            entry.attempts.to_string(),
            entry.recipients.join(", "),
            entry.subject.clone(),
            entry.account.clone(),
        ]);
    }
    out.table(&table);
    for entry in &entries {
        if let Some(error) = &entry.error {
            out.line(format!("{}: {error}", entry.id));
        }
    }
    Ok(())
}

fn show(service: &mut Service, caller: &Caller, id: OutboxId, raw: bool, out: Out) -> Result<(), Fault> {
    if raw {
        out.bytes(&service.outgoing_bytes(caller, id)?);
        return Ok(());
    }
    tell(&service.entry(caller, id)?, out)
}

fn tell(entry: &OutboxView, out: Out) -> Result<(), Fault> {
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

fn words(entry: &OutboxView) -> String {
    let to = counted(entry.recipients.len() as u64, "recipient");
    match entry.state {
        "sent" => format!("{}: sent{}", entry.id, if entry.filed { ", with a copy in Sent" } else { "" }),
        "queued" => format!("{}: waits, for {to}", entry.id),
        "uncertain" => format!("{}: may have been sent; nobody knows", entry.id),
        state => format!("{}: {state}", entry.id),
    }
}

/// What is written, with the files that it names.
fn read(new: MailNew) -> Result<NewMail, Fault> {
    if let Some(file) = &new.file {
        return Ok(NewMail::Raw(content(file)?));
    }
    let text = new.text.map(|text| said(&text)).transpose()?;
    let html = new.html.map(|html| said(&html)).transpose()?;
    let files =
        |paths: &[std::path::PathBuf]| paths.iter().map(|path| file(path)).collect::<Result<Vec<_>, _>>();
    Ok(NewMail::Parts(Box::new(MailParts {
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
    })))
}

/// A text as it stands, from a file (`@FILE`), or from standard input (`-`).
fn said(text: &str) -> Result<String, Fault> {
    let bytes = match (text, text.strip_prefix('@')) {
        ("-", _) => content(Path::new("-"))?,
        (_, Some(path)) => content(Path::new(path))?,
        (text, None) => return Ok(text.to_owned()),
    };
    String::from_utf8(bytes)
        .map_err(|_| Fault::new(ErrorClass::Config, format!("read {text}"), "it is not UTF-8"))
}

fn content(path: &Path) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let read = match path == Path::new("-") {
        true => io::stdin().lock().read_to_end(&mut bytes).map(drop),
        false => fs::read(path).map(|content| bytes = content),
    };
    match read {
        Ok(()) => Ok(bytes),
        Err(error) => {
            Err(Fault::new(ErrorClass::Config, format!("read {}", path.display()), error.to_string()))
        }
    }
}

fn file(path: &Path) -> Result<NewFile, Fault> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(NewFile { name, bytes: content(path)? })
}
