//! The grammar of FETCH (RFC 3501 section 9, RFC 7162 section 3.1.4 and 3.2.6, RFC 8474 section 5).

use super::cursor::{Cursor, Parsed, expected};
use crate::imap::command::{Fetch, FetchItem, Section, SectionText};

pub(super) fn fetch(c: &mut Cursor<'_>, uid: bool) -> Parsed<Fetch> {
    c.space()?;
    let set = c.sequence_set()?;
    c.space()?;
    let items = items(c)?;
    let mut fetch = Fetch { uid, set, items, changed_since: None, vanished: false };
    if c.eat(b' ') {
        c.list(false, |c| modifier(c, &mut fetch))?;
    }
    Ok(fetch)
}

fn modifier(c: &mut Cursor<'_>, fetch: &mut Fetch) -> Parsed<()> {
    match c.keyword()?.as_str() {
        "CHANGEDSINCE" if fetch.changed_since.is_none() => {
            c.space()?;
            fetch.changed_since = Some(c.nz_number64()?);
            Ok(())
        }
        "VANISHED" if !fetch.vanished => {
            fetch.vanished = true;
            Ok(())
        }
        _ => expected("CHANGEDSINCE or VANISHED, each once"),
    }
}

fn items(c: &mut Cursor<'_>) -> Parsed<Vec<FetchItem>> {
    if c.peek() == Some(b'(') {
        return c.list(false, item);
    }
    use FetchItem::{Body, Envelope, Flags, InternalDate, Size};
    for (name, all) in [
        ("ALL", vec![Flags, InternalDate, Size, Envelope]),
        ("FAST", vec![Flags, InternalDate, Size]),
        ("FULL", vec![Flags, InternalDate, Size, Envelope, Body]),
    ] {
        if c.eat_keyword(name) {
            return Ok(all);
        }
    }
    Ok(vec![item(c)?])
}

fn item(c: &mut Cursor<'_>) -> Parsed<FetchItem> {
    Ok(match c.name()?.as_str() {
        "UID" => FetchItem::Uid,
        "FLAGS" => FetchItem::Flags,
        "INTERNALDATE" => FetchItem::InternalDate,
        "RFC822.SIZE" => FetchItem::Size,
        "RFC822" => FetchItem::Rfc822,
        "RFC822.HEADER" => FetchItem::Rfc822Header,
        "RFC822.TEXT" => FetchItem::Rfc822Text,
        "ENVELOPE" => FetchItem::Envelope,
        "BODYSTRUCTURE" => FetchItem::BodyStructure,
        "MODSEQ" => FetchItem::ModSeq,
        "EMAILID" => FetchItem::EmailId,
        "THREADID" => FetchItem::ThreadId,
        "X-GM-MSGID" => FetchItem::GmMsgId,
        "X-GM-THRID" => FetchItem::GmThrId,
        "X-GM-LABELS" => FetchItem::GmLabels,
        "BODY" if c.peek() == Some(b'[') => section_item(c, false)?,
        "BODY" => FetchItem::Body,
        "BODY.PEEK" => section_item(c, true)?,
        _ => return expected("a data item"),
    })
}

fn section_item(c: &mut Cursor<'_>, peek: bool) -> Parsed<FetchItem> {
    c.expect(b'[')?;
    let section = section(c)?;
    c.expect(b']')?;
    let mut partial = None;
    if c.eat(b'<') {
        let offset = c.number()?;
        c.expect(b'.')?;
        partial = Some((offset, c.nz_number()?));
        c.expect(b'>')?;
    }
    Ok(FetchItem::Section { peek, section, partial })
}

fn section(c: &mut Cursor<'_>) -> Parsed<Section> {
    let mut part = Vec::new();
    while c.peek().is_some_and(|byte| byte.is_ascii_digit()) {
        part.push(c.nz_number()?);
        if !c.eat(b'.') {
            return Ok(Section { part, text: SectionText::All });
        }
    }
    if part.is_empty() && c.peek() == Some(b']') {
        return Ok(Section::default());
    }
    let text = match c.name()?.as_str() {
        "HEADER" => SectionText::Header,
        "TEXT" => SectionText::Text,
        "MIME" if !part.is_empty() => SectionText::Mime,
        "HEADER.FIELDS" => header_fields(c, false)?,
        "HEADER.FIELDS.NOT" => header_fields(c, true)?,
        _ => return expected("a section"),
    };
    Ok(Section { part, text })
}

fn header_fields(c: &mut Cursor<'_>, not: bool) -> Parsed<SectionText> {
    c.space()?;
    Ok(SectionText::HeaderFields { not, names: c.list(false, Cursor::astring)? })
}
