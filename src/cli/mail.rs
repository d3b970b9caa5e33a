//! `postrider mail …`, but for what writes files or sends.

use postrider_model::{ErrorClass, Fault, Flags, IdParseError, SystemFlag};

use super::{
    args::{MailCommand, MailQuery, MailTo},
    door::Door,
    out::{Out, counted, octets},
    table::{Column, Table},
};
use crate::{
    api::{
        Instant, MessageId,
        operations::{
            mail::{List, Message, MessageDetails, Participant, Raw, Reach, Show, Text},
            mail_edit::{Copy, Delete, Edited, Flag, Move, Purge, Restore},
        },
    },
    report::Exit,
    service::FlagEdit,
};

pub(super) async fn mail(door: &mut Door, command: MailCommand, out: Out) -> Result<Exit, Fault> {
    match command {
        MailCommand::List(query) => list(door, query, Reach::Own, out).await?,
        MailCommand::Search(query) => list(door, query, Reach::Readable, out).await?,
        MailCommand::Show { id, raw: true } => {
            out.bytes(&door.call(Raw { id: parse_id(&id)? }).await?.0);
        }
        MailCommand::Show { id, raw: false } => show(door, parse_id(&id)?, out).await?,
        MailCommand::Flag { words } => {
            let (flags, ids): (Vec<String>, Vec<String>) =
                words.into_iter().partition(|word| word.starts_with(['+', '-']));
            FlagEdit::parse(flags.iter().map(String::as_str))?;
            tell_edited(&door.call(Flag { ids: parse_ids(&ids)?, flags }).await?, "flags", out)?;
        }
        MailCommand::Move(MailTo { ids, to }) => {
            tell_edited(&door.call(Move { ids: parse_ids(&ids)?, to }).await?, "moved", out)?;
        }
        MailCommand::Copy(MailTo { ids, to }) => {
            tell_edited(&door.call(Copy { ids: parse_ids(&ids)?, to }).await?, "copied", out)?;
        }
        MailCommand::Delete { ids, expunge } => {
            tell_edited(&door.call(Delete { ids: parse_ids(&ids)?, expunge }).await?, "deleted", out)?;
        }
        MailCommand::Restore { ids } => restore(door, &ids, out).await?,
        MailCommand::Purge { ids } => purge(door, &ids, out).await?,
        // `outbox` and `export` answer these.
        MailCommand::Send(_) | MailCommand::Draft(_) | MailCommand::Export(_) => {}
    }
    Ok(Exit::Done)
}

pub(super) fn parse_id(text: &str) -> Result<MessageId, Fault> {
    text.parse()
        .map(MessageId)
        .map_err(|error: IdParseError| Fault::new(ErrorClass::Config, "read a message id", error.to_string()))
}

fn parse_ids(ids: &[String]) -> Result<Vec<MessageId>, Fault> {
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

fn words_of(edited: &Edited) -> &str {
    if edited.flags.is_empty() { "none" } else { &edited.flags }
}

async fn purge(door: &mut Door, ids: &[String], out: Out) -> Result<(), Fault> {
    let purged = door.call(Purge { ids: parse_ids(ids)? }).await?;
    if out.json {
        return out.value(&purged);
    }
    out.line(format!("{} erased for good", counted(purged.purged, "message")));
    let kept = purged.purged.saturating_sub(purged.bytes_erased_of);
    if kept > 0 {
        out.note(format!("the bytes of {} stay, since copies have them", counted(kept, "message")));
    }
    Ok(())
}

async fn list(door: &mut Door, query: MailQuery, reach: Reach, out: Out) -> Result<(), Fault> {
    let wanted = List {
        query: query.query.join(" "),
        account: query.account,
        folder: query.folder,
        contact: query.contact.as_deref().map(super::contact::parse_id).transpose()?,
        deleted: query.deleted,
        limit: query.limit,
        reach,
    };
    let found = door.call(wanted).await?;
    let rows = &found.messages;
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
            arrived(row),
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

/// When it was written, or else arrived.
fn arrived(row: &Message) -> String {
    row.date.as_ref().or(row.internal_date.as_ref()).map_or_else(|| "?".to_owned(), Instant::minute)
}

/// The shape that scripts rely on (spec, "Command line").
fn row_value(row: &Message) -> serde_json::Value {
    serde_json::json!({
        "id": row.id,
        "account": row.account,
        "folder": row.folder,
        "uid": row.uid,
        "message_id": row.message_id,
        "subject": row.subject,
        "from": row.from,
        "to": row.to,
        "date": row.date,
        "internal_date": row.internal_date,
        "size": row.size,
        "flags": row.flags,
        "keywords": row.keywords,
    })
}

/// `N` unread, `F` flagged, `A` answered, `D` draft, `@` attachment.
fn short_flags(row: &Message) -> String {
    let has = |flag: &str| row.flags.iter().any(|one| one == flag);
    let marks = [
        (!has("seen"), 'N'),
        (has("flagged"), 'F'),
        (has("answered"), 'A'),
        (has("draft"), 'D'),
        (row.has_attachment, '@'),
    ];
    marks.into_iter().filter(|(set, _)| *set).map(|(_, mark)| mark).collect()
}

/// Its flags as IMAP writes them.
fn wire_flags(row: &Message) -> Flags {
    let mut flags = Flags::NONE;
    row.flags.iter().filter_map(|name| SystemFlag::from_name(name)).for_each(|flag| flags.insert(flag));
    row.keywords.iter().for_each(|keyword| flags.insert_keyword(keyword.clone()));
    flags
}

async fn show(door: &mut Door, id: MessageId, out: Out) -> Result<(), Fault> {
    let details = door.call(Show { id }).await?;
    if out.json {
        return out.value(&details_value(&details));
    }
    let row = &details.message;
    out.line(format!("{id}  {}/{}  {}", row.account, row.folder, octets(row.size)));
    for one in &details.addresses {
        out.line(format!("{}: {}", title(&one.role), person(one)));
    }
    out.line(format!("Subject: {}", row.subject));
    if let Some(date) = &row.date {
        out.line(format!("Date: {} UTC", date.minute()));
    }
    out.line(format!("Flags: {}", wire_flags(row)));
    if let Some(deleted) = &row.deleted {
        let deleted = deleted.minute();
        out.line(format!("Deleted: {deleted} UTC; `postrider mail restore {id}` brings it back"));
    }
    for one in &details.invitations {
        let title = if one.says.title.is_empty() { "(no title)" } else { &one.says.title };
        let known = one.known.map(|id| format!(" ({id})")).unwrap_or_default();
        out.line(format!("{}: {title}{known}: {}", word_of(&one.method), one.in_words));
        if one.offer.is_some() {
            out.line(format!("  `postrider activity accept {id}` takes it in"));
        }
    }
    out.line("");
    let text = door.call(Text { id }).await?.text;
    text.lines().for_each(|line| out.line(line));
    Ok(())
}

/// What a message wants, in a word.
fn word_of(method: &str) -> &'static str {
    match method {
        "REQUEST" | "ADD" => "Invitation",
        "CANCEL" => "Cancellation",
        "REPLY" => "Answer",
        "COUNTER" => "Proposal",
        _ => "Calendar",
    }
}

/// A field's name without hyphens, each word capitalized.
fn title(role: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    };
    role.split('-').map(word).collect()
}

fn person(one: &Participant) -> String {
    match one.name.is_empty() {
        true => one.email.clone(),
        false => format!("{} <{}>", one.name, one.email),
    }
}

fn details_value(details: &MessageDetails) -> serde_json::Value {
    let mut value = row_value(&details.message);
    if let Some(object) = value.as_object_mut() {
        object.insert("addresses".to_owned(), serde_json::json!(details.addresses));
        object.insert("structure".to_owned(), details.structure.clone());
        object.insert("thread".to_owned(), serde_json::json!(details.thread));
        if !details.invitations.is_empty() {
            object.insert("invitations".to_owned(), serde_json::json!(details.invitations));
        }
        object.insert("deleted".to_owned(), serde_json::json!(details.message.deleted));
    }
    value
}

async fn restore(door: &mut Door, ids: &[String], out: Out) -> Result<(), Fault> {
    let restored = door.call(Restore { ids: parse_ids(ids)? }).await?;
    if out.json {
        return out.value(&restored);
    }
    for one in &restored {
        out.line(format!("{} is in {} again", one.id, one.folder));
    }
    out.note("the next run puts it back on the server, where it is gone there");
    Ok(())
}
