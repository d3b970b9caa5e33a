//! A message that somebody else composed, made ready to be sent or kept as a draft.
//!
//! As little as possible is changed: Bcc goes into the envelope, Date and Message-ID are added where they are missing, bare LF becomes
//! CRLF. Body and all other fields stay as they are, since a signature may stand on them. What two readers could
//! understand in two ways (a From that stands twice, a line that is no field, a bare CR) is refused, because what was checked here
//! must be what the receiver sees.

use super::{ComposeError, Mailbox, Outgoing, Purpose, Stamp, header, is_own, lines, list};
use crate::message::header_block;
use memchr::memchr;
use std::borrow::Cow;

/// Fields that may stand once (RFC 5322 section 3.6) and whose value matters here or to the reader.
const ONCE: [&str; 8] =
    ["from", "sender", "reply-to", "subject", "date", "message-id", "in-reply-to", "references"];
/// Fields that nobody may see in what is sent.
const HIDDEN: [&str; 2] = ["bcc", "resent-bcc"];

/// Makes a given message ready. `own` are the addresses that From and Sender may name, without case.
///
/// Recipients are those of To, Cc and Bcc. The stamp's date and id are used only where the message has none.
///
/// # Errors
/// [`ComposeError`] with the line or the field.
pub fn prepare_raw(
    raw: &[u8],
    own: &[String],
    stamp: &Stamp,
    purpose: Purpose,
) -> Result<Outgoing, ComposeError> {
    super::check_stamp(stamp)?;
    let raw = lines::crlf(raw);
    if let Some((line, reason)) = lines::fault(&raw) {
        return Err(ComposeError::Line { line, reason });
    }
    let (head, body) = raw.split_at_checked(header_block(&raw).len()).unwrap_or((&raw, &[]));
    let fields = read(head)?;
    check_once(&fields)?;

    let envelope_from = author(&fields, own)?;
    let [to, cc, bcc] = ["to", "cc", "bcc"].map(|name| mailboxes(&fields, name));
    let recipients = super::recipients([&to?, &cc?, &bcc?]);
    if recipients.is_empty() && purpose == Purpose::Send {
        return Err(ComposeError::NoRecipient);
    }
    let given_id = message_id(&fields)?;
    let header = rewritten(&fields, stamp, purpose, given_id.is_some());
    let message_id = given_id.unwrap_or_else(|| stamp.message_id.clone());
    let needs_smtputf8 = super::is_beyond_ascii(&header, &envelope_from, &recipients);
    let bytes = joined(header, body);
    Ok(Outgoing {
        bytes,
        envelope_from,
        recipients,
        message_id,
        needs_smtputf8,
        needs_8bit: !body.is_ascii(),
    })
}

/// A message without the fields that only its author may see; all else stays, line ends too.
pub(super) fn without_bcc(raw: &[u8]) -> Vec<u8> {
    let (head, body) = raw.split_at_checked(header_block(raw).len()).unwrap_or((raw, &[]));
    let is_shown = |unit: &&[u8]| {
        let name = memchr(b':', unit).and_then(|colon| unit.get(..colon)).unwrap_or_default();
        !HIDDEN.iter().any(|hidden| name.trim_ascii().eq_ignore_ascii_case(hidden.as_bytes()))
    };
    let mut kept = Units(head).filter(is_shown).collect::<Vec<_>>().concat();
    kept.extend_from_slice(body);
    kept
}

/// The lines of a header, each with those that continue it; the blank line is one.
struct Units<'a>(&'a [u8]);

impl<'a> Iterator for Units<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let mut len = 0;
        while len == 0 || matches!(self.0.get(len), Some(b' ' | b'\t')) {
            let rest = self.0.get(len..).filter(|rest| !rest.is_empty())?;
            len += memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        }
        let (unit, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(unit)
    }
}

/// A field as it stands.
struct Field<'a> {
    /// In lower case.
    name: String,
    /// Unfolded and trimmed.
    value: String,
    /// With folds and line end.
    raw: &'a str,
}

/// Reads a header strictly: every line is a field or continues one, and all is UTF-8.
fn read(head: &[u8]) -> Result<Vec<Field<'_>>, ComposeError> {
    let mut fields = Vec::new();
    let mut line = 1;
    for unit in Units(head).take_while(|unit| *unit != b"\r\n") {
        fields.push(field(unit).map_err(|reason| ComposeError::Line { line, reason })?);
        line += memchr::memchr_iter(b'\n', unit).count();
    }
    Ok(fields)
}

fn field(unit: &[u8]) -> Result<Field<'_>, &'static str> {
    let raw = std::str::from_utf8(unit).map_err(|_| "the header is not UTF-8")?;
    let (name, value) = raw.split_once(':').ok_or("it is no header field")?;
    if !header::is_field_name(name.as_bytes()) {
        return Err("it is no header field");
    }
    if raw.lines().skip(1).any(|line| line.trim_ascii().is_empty()) {
        // Some readers take it for the end of the header.
        return Err("a header field is continued by an empty line");
    }
    let value = value.replace("\r\n", "").trim_ascii().to_owned();
    Ok(Field { name: name.to_ascii_lowercase(), value, raw })
}

fn check_once(fields: &[Field<'_>]) -> Result<(), ComposeError> {
    let count = |name: &str| fields.iter().filter(|field| field.name == name).count();
    match ONCE.iter().find(|name| count(name) > 1) {
        Some(name) => Err(ComposeError::Twice { field: shown(name) }),
        None => Ok(()),
    }
}

/// A field's name as people write it.
fn shown(name: &str) -> String {
    if name == "message-id" {
        return "Message-ID".to_owned();
    }
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        first.to_ascii_uppercase() + rest
    });
    words.collect::<Vec<_>>().join("-")
}

/// The mailboxes of all fields of that name.
fn mailboxes(fields: &[Field<'_>], name: &str) -> Result<Vec<Mailbox>, ComposeError> {
    let mut mailboxes = Vec::new();
    for field in fields.iter().filter(|field| field.name == name) {
        mailboxes.extend(list::parse_mailboxes(&shown(name), &field.value)?);
    }
    Ok(mailboxes)
}

/// The envelope's sender, once From and Sender are known to be the account's own.
fn author(fields: &[Field<'_>], own: &[String]) -> Result<String, ComposeError> {
    let (from, sender) = (mailboxes(fields, "from")?, mailboxes(fields, "sender")?);
    for (name, mailbox) in from.iter().map(|m| ("From", m)).chain(sender.iter().map(|m| ("Sender", m))) {
        if !is_own(own, &mailbox.email) {
            let (field, address) = (name.to_owned(), mailbox.email.clone());
            return Err(ComposeError::Foreign { field, address });
        }
    }
    let refuse = |field: &str, reason| Err(ComposeError::AddressList { field: field.to_owned(), reason });
    match (from.as_slice(), sender.as_slice()) {
        ([], _) => Err(ComposeError::NoFrom),
        ([from], []) => Ok(from.email.clone()),
        (_, []) => refuse("From", "several authors need a Sender"),
        (_, [sender]) => Ok(sender.email.clone()),
        (_, _) => refuse("Sender", "it is one person"),
    }
}

/// The message's own id; `None` where it has none or an empty one.
fn message_id(fields: &[Field<'_>]) -> Result<Option<String>, ComposeError> {
    let Some(field) = fields.iter().find(|field| field.name == "message-id" && !field.value.is_empty())
    else {
        return Ok(None);
    };
    let id = field.value.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or_default();
    if header::is_id(id) {
        return Ok(Some(id.to_owned()));
    }
    Err(ComposeError::MessageId { field: "Message-ID".to_owned(), found: field.value.clone() })
}

/// The header without what nobody may see, with what was missing.
fn rewritten(fields: &[Field<'_>], stamp: &Stamp, purpose: Purpose, has_id: bool) -> String {
    let has_date = fields.iter().any(|field| field.name == "date" && !field.value.is_empty());
    let stays = |field: &&Field<'_>| match field.name.as_str() {
        "date" => has_date,
        "message-id" => has_id,
        name => purpose == Purpose::Draft || !HIDDEN.contains(&name),
    };
    let mut header: String = fields.iter().filter(stays).map(|field| ended(field.raw)).collect();
    if !has_date {
        header.push_str(&format!("Date: {}\r\n", super::date(stamp)));
    }
    if !has_id {
        header.push_str(&format!("Message-ID: <{}>\r\n", stamp.message_id));
    }
    header
}

/// The last field may lack its line end, where there is no body.
fn ended(raw: &str) -> Cow<'_, str> {
    if raw.ends_with("\r\n") { Cow::Borrowed(raw) } else { Cow::Owned(format!("{raw}\r\n")) }
}

fn joined(header: String, body: &[u8]) -> Vec<u8> {
    let mut bytes = header.into_bytes();
    bytes.reserve(body.len() + 4);
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    if !bytes.ends_with(b"\r\n") {
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

#[cfg(test)]
mod tests;
