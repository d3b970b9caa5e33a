//! `postrider contact …`

use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::Path,
};

use postrider_model::{ErrorClass, Fault, IdParseError};

use super::{
    args::{ContactCommand, ContactFields, ContactQuery, VcardArg},
    door::Door,
    given::{content, text_of},
    out::{Out, counted},
    table::{Column, Table},
};
use crate::{
    api::{
        Base64, ContactId,
        operations::{
            contact_fields::{Beside, ContactFields as Fields, Point, PostalAddress},
            contacts::{
                Add, Card, CardVersion, Cards, ContactDetails, Delete, Edit, Import, List, Restore, Show,
            },
        },
    },
    report::Exit,
};

pub(super) async fn contact(door: &mut Door, command: ContactCommand, out: Out) -> Result<Exit, Fault> {
    match command {
        ContactCommand::List(query) => list(door, query, out).await?,
        ContactCommand::Show { id, card: true, vcard } => {
            let card = Card { id: parse_id(&id)?, version: vcard.map(CardVersion::from) };
            out.bytes(&door.call(card).await?.0);
        }
        ContactCommand::Show { id, card: false, .. } => {
            show(&door.call(Show { id: parse_id(&id)? }).await?, out)?;
        }
        ContactCommand::Add { file, fields } => {
            let card = file.as_deref().map(text_in).transpose()?;
            let (fields, beside) = read(fields)?;
            let added = door.call(Add { card, fields, beside }).await?;
            told(&added, "added", out)?;
        }
        ContactCommand::Edit { id, fields, add_email, remove_email, add_phone, remove_phone } => {
            let id = parse_id(&id)?;
            let (mut fields, beside) = read(fields)?;
            let mut rev = None;
            if [&add_email, &remove_email, &add_phone, &remove_phone].into_iter().any(|some| !some.is_empty())
            {
                let now = door.call(Show { id }).await?;
                rev = Some(now.contact.rev);
                fields.emails = changed(now.fields.emails, &add_email, &remove_email).or(fields.emails);
                fields.phones = changed(now.fields.phones, &add_phone, &remove_phone).or(fields.phones);
            }
            if fields == Fields::default() && beside == Beside::default() {
                return Err(nothing_named(&format!("contact {id}"), "contact"));
            }
            let edited = door.call(Edit { id, rev, fields, beside }).await?;
            told(&edited, "edited", out)?;
        }
        ContactCommand::Tag(tagging) => super::label::tag(door, tagging, true, out).await?,
        ContactCommand::Untag(tagging) => super::label::tag(door, tagging, false, out).await?,
        ContactCommand::Delete { ids } => {
            let ids = door.call(Delete { ids: parse_ids(&ids)? }).await?;
            match out.json {
                true => out.value(&ids)?,
                false => {
                    out.line(format!("{} deleted", counted(ids.len() as u64, "contact")));
                    out.note("`postrider contact restore` brings them back");
                }
            }
        }
        ContactCommand::Restore { ids } => {
            let ids = door.call(Restore { ids: parse_ids(&ids)? }).await?;
            match out.json {
                true => out.value(&ids)?,
                false => out.line(format!("{} restored", counted(ids.len() as u64, "contact"))),
            }
        }
        ContactCommand::Import { file, user } => import(door, &file, user, out).await?,
        ContactCommand::Export { to, mine, account, vcard } => {
            let version = vcard.map(CardVersion::from);
            export(door, &to, &Cards { mine, version, after: None, account }, out).await?;
        }
    }
    Ok(Exit::Done)
}

impl From<VcardArg> for CardVersion {
    fn from(version: VcardArg) -> Self {
        match version {
            VcardArg::V3 => Self::V3,
            VcardArg::V4 => Self::V4,
        }
    }
}

/// An edit that would change nothing.
pub(super) fn nothing_named(what: &str, noun: &str) -> Fault {
    Fault::new(ErrorClass::Config, format!("edit {what}"), "nothing is to be different")
        .hint(format!("`postrider {noun} edit --help` lists what can be"))
}

pub(super) fn parse_id(text: &str) -> Result<ContactId, Fault> {
    text.parse()
        .map(ContactId)
        .map_err(|error: IdParseError| Fault::new(ErrorClass::Config, "read a contact id", error.to_string()))
}

pub(super) fn parse_ids(ids: &[String]) -> Result<Vec<ContactId>, Fault> {
    ids.iter().map(|id| parse_id(id)).collect()
}

fn text_in(file: &Path) -> Result<String, Fault> {
    let bytes = content(file)?;
    String::from_utf8(bytes).map_err(|_| {
        Fault::new(ErrorClass::Config, format!("read {}", file.display()), "it is not UTF-8")
            .hint("`postrider contact import` reads other encodings too")
    })
}

/// What the options say.
fn read(given: ContactFields) -> Result<(Fields, Beside), Fault> {
    let points = |all: Vec<String>| (!all.is_empty()).then(|| points_of(&all));
    let note = given.note.as_deref().map(text_of).transpose()?;
    let fields = Fields {
        display_name: given.name,
        given: given.given,
        family: given.family,
        additional: given.additional,
        organization: given.organization,
        job_title: given.job_title,
        emails: points(given.emails),
        phones: points(given.phones),
        pages: points(given.pages),
        birthday: given.birthday,
        notes: note.map(|note| if note.is_empty() { Vec::new() } else { vec![note] }),
        ..Fields::default()
    };
    let company = given.company.as_deref().map(super::company::parse_id).transpose()?;
    let beside =
        Beside { kind: given.kind, company, no_company: given.no_company, visibility: given.visible };
    Ok((fields, beside))
}

/// `work:anna@example.com`, or without a type. One empty text is none at all.
fn points_of(all: &[String]) -> Vec<Point> {
    all.iter().filter(|text| !text.is_empty()).map(|text| point(text)).collect()
}

fn point(text: &str) -> Point {
    let is_type = |word: &&str| {
        let is_scheme = ["http", "https", "mailto", "tel", "sip", "xmpp"].contains(word);
        !is_scheme && !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
    };
    match text.split_once(':').filter(|(word, _)| is_type(word)) {
        Some((word, value)) => {
            Point { value: value.to_owned(), types: vec![word.to_owned()], ..Point::default() }
        }
        None => Point { value: text.to_owned(), ..Point::default() },
    }
}

/// A list after something was added and taken away; `None` where nothing was.
fn changed(now: Option<Vec<Point>>, add: &[String], remove: &[String]) -> Option<Vec<Point>> {
    if add.is_empty() && remove.is_empty() {
        return None;
    }
    let mut points = now.unwrap_or_default();
    points.retain(|point| !remove.iter().any(|gone| gone.eq_ignore_ascii_case(&point.value)));
    points.extend(points_of(add));
    Some(points)
}

async fn list(door: &mut Door, query: ContactQuery, out: Out) -> Result<(), Fault> {
    let company = query.company.as_deref().map(super::company::parse_id).transpose()?;
    let wanted = List {
        query: query.query.join(" "),
        email: query.email,
        tag: query.tag,
        group: query.group,
        company,
        kind: query.kind,
        mine: query.mine,
        deleted: query.deleted,
        limit: query.limit,
    };
    let contacts = door.call(wanted).await?;
    if out.json {
        return out.value(&contacts);
    }
    let mut table = Table::new([
        Column::whole("ID"),
        Column::text("NAME"),
        Column::text("EMAIL"),
        Column::text("COMPANY"),
        Column::text("TAGS"),
        Column::text("OWNER"),
    ]);
    for contact in &contacts {
        let tags: Vec<&str> = contact.tags.iter().map(|tag| tag.name.as_str()).collect();
        table.row([
            contact.id.to_string(),
            contact.name.clone(),
            contact.emails.first().cloned().unwrap_or_default(),
            contact.company.clone().unwrap_or_default(),
            tags.join(", "),
            contact.owner.clone(),
        ]);
    }
    out.table(&table);
    if contacts.len() as u64 == u64::from(query.limit) {
        out.note(format!("the first {}; --limit shows more", query.limit));
    }
    Ok(())
}

fn told(details: &ContactDetails, what: &str, out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(details);
    }
    out.line(format!("{} {}: {what}", details.contact.id, details.contact.name));
    Ok(())
}

fn show(details: &ContactDetails, out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(details);
    }
    let (contact, says) = (&details.contact, &details.fields);
    out.line(format!("{}  {}", contact.id, contact.name));
    let line = |title: &str, text: &str| {
        if !text.is_empty() {
            out.line(format!("{title}: {text}"));
        }
    };
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    line("Job", &text(&says.job_title));
    let units = says.units.iter().flatten().map(String::as_str);
    let organization: Vec<&str> =
        says.organization.iter().map(String::as_str).chain(units).filter(|part| !part.is_empty()).collect();
    line("Organization", &organization.join(", "));
    if let (Some(company), Some(id)) = (&contact.company, details.company) {
        line("Company", &format!("{company} ({id})"));
    }
    points(&says.emails, "Email", out);
    points(&says.phones, "Phone", out);
    points(&says.messengers, "Messenger", out);
    points(&says.pages, "Page", out);
    says.addresses.iter().flatten().for_each(|address| line("Address", &in_a_line(address)));
    line("Birthday", &text(&says.birthday));
    line("Anniversary", &text(&says.anniversary));
    says.notes.iter().flatten().for_each(|note| line("Note", note));
    line("Type", &contact.kind);
    let tags: Vec<String> = contact.tags.iter().map(|tag| format!("{} ({})", tag.name, tag.scope)).collect();
    line("Tags", &tags.join(", "));
    line("Groups", &contact.groups.join(", "));
    line("Owner", &contact.owner);
    line("Seen by", &contact.visibility);
    if let Some(changed) = &contact.changed {
        line("Changed", &format!("{} UTC", changed.minute()));
    }
    if let Some(deleted) = &contact.deleted {
        let deleted = deleted.minute();
        out.line(format!(
            "Deleted: {deleted} UTC; `postrider contact restore {}` brings it back",
            contact.id
        ));
    }
    Ok(())
}

fn points(all: &Option<Vec<Point>>, title: &str, out: Out) {
    for point in all.iter().flatten() {
        let words: Vec<&str> = point.types.iter().chain(&point.label).map(String::as_str).collect();
        let words = if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) };
        out.line(format!("{title}: {}{words}", point.value));
    }
}

fn in_a_line(address: &PostalAddress) -> String {
    let parts = [
        &address.street,
        &address.extended,
        &address.post_box,
        &address.postal_code,
        &address.locality,
        &address.region,
        &address.country,
    ];
    parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(", ")
}

async fn import(door: &mut Door, file: &Path, user: Option<String>, out: Out) -> Result<(), Fault> {
    let imported = door.call(Import { file: Base64(content(file)?), user }).await?;
    if out.json {
        return out.value(&imported);
    }
    imported.remarks.iter().for_each(|remark| out.warn(format!("warning: {remark}")));
    out.line(format!(
        "{} added, {} changed, {} as they were",
        counted(imported.added.len() as u64, "contact"),
        imported.changed.len(),
        imported.unchanged
    ));
    Ok(())
}

async fn export(door: &mut Door, to: &Path, wanted: &Cards, out: Out) -> Result<(), Fault> {
    let is_stdout = to == Path::new("-");
    let failed = |error: io::Error| {
        Fault::new(ErrorClass::Config, format!("write {}", to.display()), error.to_string())
    };
    let mut file: Box<dyn Write> = match is_stdout {
        true => Box::new(io::stdout()),
        // Nothing is written over.
        false => Box::new(OpenOptions::new().write(true).create_new(true).open(to).map_err(failed)?),
    };
    let (mut after, mut count) = (None, 0_u64);
    loop {
        let page = door.call(Cards { after, ..wanted.clone() }).await?;
        for card in &page.cards {
            file.write_all(card.as_bytes()).map_err(failed)?;
            if !card.ends_with('\n') {
                file.write_all(b"\r\n").map_err(failed)?;
            }
            count += 1;
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    file.flush().map_err(failed)?;
    match (is_stdout, out.json) {
        (true, _) => Ok(()),
        (false, true) => out.value(&serde_json::json!({ "contacts": count, "file": to })),
        (false, false) => {
            out.line(format!("{} in {}", counted(count, "contact"), to.display()));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_has_a_type_where_a_word_stands_before_it_and_no_scheme() {
        let table = [
            ("anna@example.com", None, "anna@example.com"),
            ("work:anna@example.com", Some("work"), "anna@example.com"),
            ("https://example.com/", None, "https://example.com/"),
            ("tel:+44", None, "tel:+44"),
            ("cell:+44 20", Some("cell"), "+44 20"),
            (":x", None, ":x"),
        ];
        for (text, kind, value) in table {
            let read = point(text);
            assert_eq!(
                (read.types.first().map(String::as_str), read.value.as_str()),
                (kind, value),
                "{text}"
            );
        }
    }

    #[test]
    fn a_list_is_changed_where_something_is_added_or_taken_away() {
        let now = Some(points_of(&["work:a@example.com".to_owned(), "b@example.com".to_owned()]));
        assert_eq!(changed(now.clone(), &[], &[]), None);
        let after = changed(now, &["home:c@example.com".to_owned()], &["B@example.com".to_owned()]);
        let values: Vec<String> = after.unwrap().into_iter().map(|point| point.value).collect();
        assert_eq!(values, ["a@example.com", "c@example.com"]);
    }
}
