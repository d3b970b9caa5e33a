//! The header fields that the store keeps: subject, ids, date, people.
//!
//! Values are read by mail-parser (RFC 2047 words, address lists, dates); this file decides which field counts, how much of it,
//! and what a sane value is. Of a field that may stand once the first counts, as in an IMAP ENVELOPE.

use super::fields::Field;
use super::{Address, MAX_ADDRESSES, MAX_MESSAGE_ID, MAX_NAME, MAX_REFERENCES, MAX_SUBJECT, Role};
use mail_parser::parsers::MessageStream;
use mail_parser::{Addr, Address as Parsed, HeaderValue};
use memchr::memchr;

/// Bytes of one address field or `References` that are looked at.
const MAX_LIST_VALUE: usize = 1024 * 1024;
/// Bytes of one subject or date that are looked at.
const MAX_TEXT_VALUE: usize = 4 * MAX_SUBJECT;
/// 2100-01-01T00:00:00Z in seconds.
const LATEST_DATE: i64 = 4_102_444_800;

/// What [`super::ParsedMessage`] takes from the header.
#[derive(Default)]
pub(super) struct Envelope {
    pub subject: Option<String>,
    pub message_id: Option<String>,
    pub in_reply_to: Option<String>,
    pub references: Vec<String>,
    pub date: Option<i64>,
    pub addresses: Vec<Address>,
    has_references: bool,
}

impl Envelope {
    /// Takes what `field` tells; most fields tell nothing.
    pub fn read(&mut self, field: &Field<'_>) {
        match field.name.len() {
            2 if field.is("to") => self.people(Role::To, field),
            2 if field.is("cc") => self.people(Role::Cc, field),
            3 if field.is("bcc") => self.people(Role::Bcc, field),
            4 if field.is("from") => self.people(Role::From, field),
            4 if field.is("date") => self.date = self.date.or_else(|| date(field)),
            6 if field.is("sender") => self.people(Role::Sender, field),
            7 if field.is("subject") && self.subject.is_none() => self.subject = Some(subject(field)),
            8 if field.is("reply-to") => self.people(Role::ReplyTo, field),
            10 if field.is("message-id") && self.message_id.is_none() => self.message_id = own_id(field),
            10 if field.is("references") && !self.has_references => self.references(field),
            11 if field.is("in-reply-to") && self.in_reply_to.is_none() => {
                self.in_reply_to = bracketed_ids(field).next();
            }
            _ => {}
        }
    }

    /// Keeps the first id and the last ones: the root names the thread, the others tell its branch.
    fn references(&mut self, field: &Field<'_>) {
        self.has_references = true;
        for id in bracketed_ids(field) {
            if self.references.len() == MAX_REFERENCES {
                self.references.remove(1);
            }
            self.references.push(id);
        }
    }

    fn people(&mut self, role: Role, field: &Field<'_>) {
        if self.addresses.len() >= MAX_ADDRESSES {
            return;
        }
        let value = field.terminated(MAX_LIST_VALUE);
        let parsed = MessageStream::new(&value).parse_address();
        for addr in flatten(&parsed) {
            let name = one_line(addr.name.as_deref().unwrap_or_default(), MAX_NAME);
            let email = one_line(addr.address.as_deref().unwrap_or_default(), MAX_NAME);
            if self.addresses.len() >= MAX_ADDRESSES {
                break;
            }
            if !name.is_empty() || !email.is_empty() {
                self.addresses.push(Address { role, name, email });
            }
        }
    }
}

/// The addresses of a list; those of groups (RFC 5322 section 3.4) in their place.
fn flatten<'a>(value: &'a HeaderValue<'_>) -> Box<dyn Iterator<Item = &'a Addr<'a>> + 'a> {
    match value {
        HeaderValue::Address(Parsed::List(list)) => Box::new(list.iter()),
        HeaderValue::Address(Parsed::Group(groups)) => {
            Box::new(groups.iter().flat_map(|g| g.addresses.iter()))
        }
        _ => Box::new(std::iter::empty()),
    }
}

fn subject(field: &Field<'_>) -> String {
    let value = field.terminated(MAX_TEXT_VALUE);
    match MessageStream::new(&value).parse_unstructured() {
        HeaderValue::Text(text) => one_line(&text, MAX_SUBJECT),
        _ => String::new(),
    }
}

/// Microseconds since the epoch. A leap second counts as the second before it.
fn date(field: &Field<'_>) -> Option<i64> {
    let value = field.terminated(256);
    let HeaderValue::DateTime(mut at) = MessageStream::new(&value).parse_date() else { return None };
    at.second = if at.second == 60 { 59 } else { at.second };
    let seconds = at.is_valid().then(|| at.to_timestamp())?;
    (0..LATEST_DATE).contains(&seconds).then_some(seconds * 1_000_000)
}

/// The own id: what stands in angle brackets, else the whole value, as some devices write it, without a lost bracket.
fn own_id(field: &Field<'_>) -> Option<String> {
    bracketed_ids(field).next().or_else(|| {
        let id = clean_id(field.value)?;
        let bare = id.trim_matches(['<', '>']);
        (!bare.is_empty()).then(|| bare.to_owned())
    })
}

/// The ids in angle brackets, in order; words beside them, which old mailers wrote, are left out.
fn bracketed_ids<'a>(field: &Field<'a>) -> impl Iterator<Item = String> + use<'a> {
    let mut rest = field.value.get(..MAX_LIST_VALUE).unwrap_or(field.value);
    std::iter::from_fn(move || {
        loop {
            let (_, opened) = rest.split_at_checked(memchr(b'<', rest)? + 1)?;
            let (id, after) = opened.split_at_checked(memchr(b'>', opened)?)?;
            rest = after;
            if let Some(id) = clean_id(id) {
                return Some(id);
            }
        }
    })
}

/// An id without the line ends and the indents that folding brings in; other spaces stay, as some gateways write them in quotes.
fn clean_id(raw: &[u8]) -> Option<String> {
    let mut id = Vec::new();
    for (number, line) in raw.split(|b| *b == b'\n').enumerate() {
        let line = if number == 0 { line } else { line.trim_ascii_start() };
        id.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        if id.len() > MAX_LIST_VALUE {
            return None;
        }
    }
    let id = id.trim_ascii();
    (1..=MAX_MESSAGE_ID).contains(&id.len()).then(|| String::from_utf8_lossy(id).into_owned())
}

/// `text` on one line: trimmed, every run of white space one space, at most `max` bytes, cut between characters.
pub(super) fn one_line(text: &str, max: usize) -> String {
    let mut line = String::with_capacity(text.len().min(max));
    for word in text.split_whitespace() {
        let space = usize::from(!line.is_empty());
        let room = max.saturating_sub(line.len() + space);
        let cut = word.get(..word.floor_char_boundary(room)).unwrap_or_default();
        if cut.is_empty() {
            break;
        }
        line.extend(std::iter::repeat_n(' ', space));
        line.push_str(cut);
        if cut.len() < word.len() {
            break;
        }
    }
    line
}
