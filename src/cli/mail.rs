//! `postrider mail …`

use postrider_model::{ErrorClass, Fault, IdParseError, PlacementId};
use postrider_store::{Details, Mailbox, Row};

use super::{
    args::{ExportFormat, MailCommand, MailExport, MailQuery, MailTo},
    out::{Out, counted, octets},
    table::{Column, Table},
    times::{minute, rfc3339},
};
use crate::{
    report::Exit,
    service::{Caller, Edited, ExportForm, ExportRequest, FlagEdit, MailFilter, Reach, Service},
};

pub(super) fn mail(
    service: &mut Service,
    caller: &Caller,
    command: MailCommand,
    out: Out,
) -> Result<Exit, Fault> {
    match command {
        MailCommand::List(query) => list(service, caller, query, Reach::Own, out)?,
        MailCommand::Search(query) => list(service, caller, query, Reach::Readable, out)?,
        MailCommand::Show { id, raw } => show(service, caller, parse_id(&id)?, raw, out)?,
        MailCommand::Export(export) => write(service, caller, export, out)?,
        MailCommand::Flag { words } => {
            let (flags, ids): (Vec<String>, Vec<String>) =
                words.into_iter().partition(|word| word.starts_with(['+', '-']));
            let edit = FlagEdit::parse(flags.iter().map(String::as_str))?;
            tell_edited(&service.flag_mail(caller, &parse_ids(&ids)?, &edit)?, "flags", out)?;
        }
        MailCommand::Move(MailTo { ids, to }) => {
            tell_edited(&service.move_mail(caller, &parse_ids(&ids)?, &to)?, "moved", out)?;
        }
        MailCommand::Copy(MailTo { ids, to }) => {
            tell_edited(&service.copy_mail(caller, &parse_ids(&ids)?, &to)?, "copied", out)?;
        }
        MailCommand::Delete { ids, expunge } => {
            tell_edited(&service.delete_mail(caller, &parse_ids(&ids)?, expunge)?, "deleted", out)?;
        }
        MailCommand::Restore { ids } => restore(service, caller, &ids, out)?,
        MailCommand::Purge { ids } => purge(service, caller, &ids, out)?,
        // These wait for a server, and are answered in `outbox`.
        MailCommand::Send(_) | MailCommand::Draft(_) => {}
    }
    Ok(Exit::Done)
}

pub(super) fn parse_id(text: &str) -> Result<PlacementId, Fault> {
    text.parse()
        .map_err(|error: IdParseError| Fault::new(ErrorClass::Config, "read a message id", error.to_string()))
}

fn parse_ids(ids: &[String]) -> Result<Vec<PlacementId>, Fault> {
    if ids.is_empty() {
        return Err(Fault::new(ErrorClass::Config, "read message ids", "none is given")
            .hint("`postrider mail list` prints ids such as m17"));
    }
    ids.iter().map(|id| parse_id(id)).collect()
}

/// What was changed, and that the server hears of it later.
fn tell_edited(edited: &[Edited], what: &str, out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(&edited);
    }
    for one in edited {
        let line = match (what, one.changed, one.deleted) {
            ("flags", true, _) => format!("{}: flags are {}", one.id, words_of(one)),
            ("copied", ..) => format!("{}: a copy in {}", one.id, one.folder),
            (_, true, false) => format!("{}: {what} to {}", one.id, one.folder),
            (_, true, true) => format!("{}: deleted from {}", one.id, one.folder),
            (_, false, _) => format!("{}: as it was, in {}", one.id, one.folder),
        };
        out.line(line);
    }
    if edited.iter().any(|one| one.changed) {
        out.note("the next run does the same on the server");
    }
    Ok(())
}

fn words_of(edited: &Edited) -> String {
    let words = edited.flags.to_string();
    if words.is_empty() { "none".to_owned() } else { words }
}

fn purge(service: &mut Service, caller: &Caller, ids: &[String], out: Out) -> Result<(), Fault> {
    let ids = parse_ids(ids)?;
    let erased = service.purge_mail(caller, &ids)?;
    if out.json {
        return out.value(&serde_json::json!({ "purged": ids.len(), "bytes_erased_of": erased }));
    }
    out.line(format!("{} erased for good", counted(ids.len() as u64, "message")));
    let kept = ids.len() as u64 - erased;
    if kept > 0 {
        out.note(format!("the bytes of {} stay, since copies have them", counted(kept, "message")));
    }
    Ok(())
}

fn list(service: &Service, caller: &Caller, query: MailQuery, reach: Reach, out: Out) -> Result<(), Fault> {
    let filter = MailFilter {
        query: query.query.join(" "),
        account: query.account,
        folder: query.folder,
        deleted: query.deleted,
        limit: query.limit,
        reach,
    };
    let found = service.mail(caller, &filter)?;
    let rows = &found.rows;
    if !found.complete {
        out.note("the search index is still behind; the next run completes it");
    }
    if out.json {
        return out.value(&rows.iter().map(row_value).collect::<Vec<_>>());
    }
    let mut table = Table::new([
        Column::whole("ID"),
        Column::whole("DATE (UTC)"),
        Column::whole("FLAGS"),
        Column::text("FROM"),
        Column::text("SUBJECT"),
        Column::text("FOLDER"),
    ]);
    for row in rows {
        let from = row
            .from
            .first()
            .map(|one| if one.name.is_empty() { one.email.clone() } else { one.name.clone() });
        table.row([
            row.id.to_string(),
            minute(row.date.unwrap_or(row.internal_date)),
            short_flags(row),
            from.unwrap_or_default(),
            row.subject.clone(),
            format!("{}/{}", row.account, row.folder),
        ]);
    }
    out.table(&table);
    if rows.len() as u64 == u64::from(query.limit) {
        out.note(format!("the newest {}; --limit shows more", query.limit));
    }
    Ok(())
}

/// The shape that scripts rely on (spec, "Command line").
fn row_value(row: &Row) -> serde_json::Value {
    let people = |list: &[Mailbox]| -> Vec<serde_json::Value> {
        list.iter().map(|one| serde_json::json!({ "name": one.name, "email": one.email })).collect()
    };
    let flags: Vec<&str> = row.flags.system().map(postrider_model::SystemFlag::name).collect();
    serde_json::json!({
        "id": row.id,
        "account": row.account,
        "folder": row.folder,
        "uid": row.uid,
        "message_id": row.message_id,
        "subject": row.subject,
        "from": people(&row.from),
        "to": people(&row.to),
        "date": row.date.and_then(rfc3339),
        "internal_date": rfc3339(row.internal_date),
        "size": row.size,
        "flags": flags.iter().map(|flag| flag.to_ascii_lowercase()).collect::<Vec<_>>(),
        "keywords": row.flags.keywords(),
    })
}

/// `N` unread, `F` flagged, `A` answered, `D` draft, `@` attachment.
fn short_flags(row: &Row) -> String {
    use postrider_model::SystemFlag::{Answered, Draft, Flagged, Seen};
    let marks = [
        (!row.flags.has(Seen), 'N'),
        (row.flags.has(Flagged), 'F'),
        (row.flags.has(Answered), 'A'),
        (row.flags.has(Draft), 'D'),
        (row.has_attachment, '@'),
    ];
    marks.into_iter().filter(|(set, _)| *set).map(|(_, mark)| mark).collect()
}

fn show(service: &Service, caller: &Caller, id: PlacementId, raw: bool, out: Out) -> Result<(), Fault> {
    if raw {
        out.bytes(&service.raw_message(caller, id)?);
        return Ok(());
    }
    let details = service.message(caller, id)?;
    if out.json {
        return out.value(&details_value(&details));
    }
    let row = &details.row;
    out.line(format!("{id}  {}/{}  {}", row.account, row.folder, octets(row.size)));
    for address in &details.addresses {
        out.line(format!("{:?}: {}", address.role, person(address)));
    }
    out.line(format!("Subject: {}", row.subject));
    if let Some(date) = row.date {
        out.line(format!("Date: {} UTC", minute(date)));
    }
    out.line(format!("Flags: {}", row.flags));
    if let Some(deleted) = row.deleted {
        out.line(format!("Deleted: {} UTC; `postrider mail restore {id}` brings it back", minute(deleted)));
    }
    out.line("");
    let text = service.text(caller, id)?;
    text.lines().for_each(|line| out.line(line));
    Ok(())
}

fn person(address: &postrider_model::Address) -> String {
    match address.name.is_empty() {
        true => address.email.clone(),
        false => format!("{} <{}>", address.name, address.email),
    }
}

fn details_value(details: &Details) -> serde_json::Value {
    let mut value = row_value(&details.row);
    let structure: serde_json::Value = serde_json::from_str(&details.structure).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.insert("addresses".to_owned(), serde_json::json!(details.addresses));
        object.insert("structure".to_owned(), structure);
        object.insert("thread".to_owned(), serde_json::json!(details.thread));
        object.insert("deleted".to_owned(), serde_json::json!(details.row.deleted.and_then(rfc3339)));
    }
    value
}

fn write(service: &Service, caller: &Caller, export: MailExport, out: Out) -> Result<(), Fault> {
    let request = ExportRequest {
        account: export.account,
        folders: export.folders,
        form: match export.format {
            ExportFormat::Eml => ExportForm::Eml,
            ExportFormat::Maildir => ExportForm::Maildir,
            ExportFormat::Mbox => ExportForm::Mbox,
        },
        to: export.to,
    };
    let counts = service.export(caller, &request)?;
    if out.json {
        return out.value(&counts);
    }
    let there = match counts.there_already {
        0 => String::new(),
        more => format!("; {more} were there already"),
    };
    out.line(format!(
        "{} of {} written to {} ({}){there}",
        counted(counts.written, "message"),
        counted(counts.folders, "folder"),
        request.to.display(),
        octets(counts.bytes)
    ));
    Ok(())
}

fn restore(service: &mut Service, caller: &Caller, ids: &[String], out: Out) -> Result<(), Fault> {
    let ids = ids.iter().map(|id| parse_id(id)).collect::<Result<Vec<_>, _>>()?;
    let restored = service.restore(caller, &ids)?;
    if out.json {
        return out.value(&restored);
    }
    for one in &restored {
        out.line(format!("{} is in {} again", one.id, one.folder));
    }
    out.note("the next run puts it back on the server, where it is gone there");
    Ok(())
}
