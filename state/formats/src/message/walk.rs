//! The walk over a message: one pass from boundary line to boundary line (RFC 2046 section 5.1), without recursion.
//!
//! Nothing of a body is copied or decoded. Open containers stand on a stack of at most [`MAX_DEPTH`]; a boundary line closes whatever
//! stands above its container, so that a message with missing ends still comes apart at the right places.

use super::envelope::{Envelope, one_line};
use super::fields::{Field, Fields, first_line, header_len, is_blank};
use super::{Encoding, MAX_DEPTH, MAX_NAME, MAX_PARTS};
use mail_parser::parsers::MessageStream;
use mail_parser::{ContentType, HeaderValue};
use memchr::memmem;
use std::ops::Range;

/// Bytes of one MIME header field that are looked at.
const MAX_MIME_VALUE: usize = 8 * 1024;
/// Longest boundary that is one, in bytes; RFC 2046 section 5.1.1 allows 70.
const MAX_BOUNDARY: usize = 512;

/// What a part may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `multipart/alternative`: one content in several forms.
    Alternative,
    /// Any other multipart.
    Multipart,
    /// `message/rfc822` or `message/global` (RFC 6532) with an identity encoding.
    Message,
    /// Content.
    Leaf,
}

/// One part. `parent` is an index of the list of parts, smaller than the own.
#[derive(Debug)]
pub(super) struct Part {
    pub parent: Option<usize>,
    pub kind: Kind,
    pub content_type: String,
    pub charset: Option<String>,
    pub name: Option<String>,
    pub disposition: Option<String>,
    pub encoding: Encoding,
    pub content_id: Option<String>,
    pub body: Range<usize>,
}

impl Part {
    /// Sets where the body ends. Where the line end before the boundary is that of the header's blank line, the body is empty and
    /// stands before it, so that it lies within its container.
    fn end(&mut self, at: usize) {
        self.body = self.body.start.min(at)..at;
    }
}

/// The parts of `raw`, the message itself first, and the envelope of the message.
pub(super) fn walk(raw: &[u8]) -> (Vec<Part>, Envelope) {
    let mut envelope = Envelope::default();
    let mut walker = Walker { raw, parts: Vec::with_capacity(4), open: Vec::new() };
    let body = header_len(raw);
    let mut mime = Mime::default();
    for field in Fields::new(raw.get(..body).unwrap_or_default()) {
        envelope.read(&field);
        mime.read(field);
    }
    walker.begin(&mime, body);
    walker.run(body);
    walker.settle();
    (walker.parts, envelope)
}

/// A container whose end has not been seen.
struct Open {
    part: usize,
    /// Of a multipart; empty once its closing line was seen, and for a message.
    boundary: Vec<u8>,
}

struct Walker<'a> {
    raw: &'a [u8],
    parts: Vec<Part>,
    open: Vec<Open>,
}

/// A boundary line: where the line before it ends, where the next begins, which container it belongs to.
struct Delimiter {
    content_end: usize,
    next_line: usize,
    level: usize,
    closes: bool,
}

impl Walker<'_> {
    fn run(&mut self, body: usize) {
        let mut at = self.descend(body);
        while let Some(found) = self.delimiter(at) {
            self.close_above(found.level, found.content_end);
            at = found.next_line;
            if found.closes {
                if let Some(open) = self.open.get_mut(found.level) {
                    open.boundary.clear();
                }
            } else if self.parts.len() < MAX_PARTS {
                at = self.part(at);
                at = self.descend(at);
            } else {
                break;
            }
        }
        self.close_above(0, self.raw.len());
        if let Some(root) = self.parts.first_mut() {
            root.body.end = self.raw.len();
        }
    }

    /// A multipart in which no part was found is content.
    fn settle(&mut self) {
        let mut is_parent = vec![false; self.parts.len()];
        for parent in self.parts.iter().filter_map(|part| part.parent) {
            if let Some(entry) = is_parent.get_mut(parent) {
                *entry = true;
            }
        }
        for (part, is_parent) in self.parts.iter_mut().zip(is_parent) {
            if !is_parent && part.kind != Kind::Message {
                part.kind = Kind::Leaf;
            }
        }
    }

    /// While the part just begun is a message, its header is that of a part of its own.
    fn descend(&mut self, mut at: usize) -> usize {
        while self.parts.last().is_some_and(|part| part.kind == Kind::Message) && self.parts.len() < MAX_PARTS
        {
            at = self.part(at);
        }
        at
    }

    /// Reads the header at `at` and begins its part; gives the start of its body.
    fn part(&mut self, at: usize) -> usize {
        let body = self.header_end(at);
        let mut mime = Mime::default();
        Fields::new(self.raw.get(at..body).unwrap_or_default()).for_each(|field| mime.read(field));
        self.begin(&mime, body);
        body
    }

    /// A header ends at a blank line, or where a boundary line cuts it off.
    fn header_end(&self, mut at: usize) -> usize {
        while let Some(line) = self.raw.get(at..).and_then(first_line) {
            if line.starts_with(b"--") && self.owner(line).is_some() {
                break;
            }
            at += line.len();
            if is_blank(line) {
                break;
            }
        }
        at
    }

    fn begin(&mut self, mime: &Mime<'_>, body: usize) {
        let parent = self.open.last().map(|open| open.part);
        let in_digest = parent
            .and_then(|parent| self.parts.get(parent))
            .is_some_and(|part| part.content_type == "multipart/digest");
        let (mut part, boundary) = mime.part(in_digest, body..self.raw.len());
        part.parent = parent;
        let is_open = match part.kind {
            Kind::Leaf => false,
            Kind::Message => self.open.len() < MAX_DEPTH,
            Kind::Multipart | Kind::Alternative => !boundary.is_empty() && self.open.len() < MAX_DEPTH,
        };
        if is_open {
            self.open.push(Open { part: self.parts.len(), boundary });
        } else {
            part.kind = Kind::Leaf;
        }
        self.parts.push(part);
    }

    /// The next boundary line at or after `at`, which is the start of a line.
    fn delimiter(&self, mut at: usize) -> Option<Delimiter> {
        if self.open.iter().all(|open| open.boundary.is_empty()) {
            return None;
        }
        loop {
            let rest = self.raw.get(at..)?;
            let start = if rest.starts_with(b"--") { at } else { at + memmem::find(rest, b"\n--")? + 1 };
            let line = self.raw.get(start..).and_then(first_line)?;
            let next_line = start + line.len();
            if let Some((level, closes)) = self.owner(line) {
                return Some(Delimiter {
                    content_end: self.before_line_end(start),
                    next_line,
                    level,
                    closes,
                });
            }
            at = next_line;
        }
    }

    /// The line end before a boundary line belongs to the boundary (RFC 2046 section 5.1.1).
    fn before_line_end(&self, line: usize) -> usize {
        let before = self.raw.get(..line).unwrap_or_default();
        let before = before.strip_suffix(b"\n").unwrap_or(before);
        before.strip_suffix(b"\r").unwrap_or(before).len()
    }

    /// The innermost container of which `line` is a boundary line, and whether it is the closing one.
    fn owner(&self, line: &[u8]) -> Option<(usize, bool)> {
        let text = line.get(2..MAX_BOUNDARY + 8).or_else(|| line.get(2..))?.trim_ascii_end();
        self.open.iter().enumerate().rev().filter(|(_, open)| !open.boundary.is_empty()).find_map(
            |(level, open)| match text.strip_prefix(open.boundary.as_slice()) {
                Some(b"") => Some((level, false)),
                Some(b"--") => Some((level, true)),
                _ => None,
            },
        )
    }

    /// Ends the part that is being read, and the containers above `level`.
    fn close_above(&mut self, level: usize, end: usize) {
        if let Some(part) = self.parts.last_mut()
            && part.kind == Kind::Leaf
            && part.body.end == self.raw.len()
        {
            part.end(end);
        }
        while self.open.len() > level + 1
            && let Some(open) = self.open.pop()
        {
            if let Some(part) = self.parts.get_mut(open.part) {
                part.end(end);
            }
        }
    }
}

/// The fields that describe a part, as they stand; of each the first counts.
#[derive(Default)]
struct Mime<'a> {
    content_type: Option<Field<'a>>,
    disposition: Option<Field<'a>>,
    encoding: Option<&'a [u8]>,
    content_id: Option<&'a [u8]>,
}

impl<'a> Mime<'a> {
    fn read(&mut self, field: Field<'a>) {
        match field.name.len() {
            10 if field.is("content-id") && self.content_id.is_none() => self.content_id = Some(field.value),
            12 if field.is("content-type") && self.content_type.is_none() => self.content_type = Some(field),
            19 if field.is("content-disposition") && self.disposition.is_none() => {
                self.disposition = Some(field)
            }
            25 if field.is("content-transfer-encoding") && self.encoding.is_none() => {
                self.encoding = Some(field.value);
            }
            _ => {}
        }
    }

    /// The part so described, and its boundary (empty without one).
    fn part(&self, in_digest: bool, body: Range<usize>) -> (Part, Vec<u8>) {
        let type_value = self.content_type.as_ref().map(|field| field.terminated(MAX_MIME_VALUE));
        let disposition_value = self.disposition.as_ref().map(|field| field.terminated(MAX_MIME_VALUE));
        let content_type = type_value.as_deref().and_then(parameters);
        let disposition = disposition_value.as_deref().and_then(parameters);
        let encoding = self.encoding.map_or(Encoding::Identity, encoding);
        let name_in = |value: &Option<ContentType<'_>>, key| {
            value.as_ref().and_then(|v| v.attribute(key)).map(|name| one_line(name, MAX_NAME))
        };
        let full_type = match &content_type {
            Some(value) => full_type(value),
            None if in_digest => "message/rfc822".to_owned(),
            None => "text/plain".to_owned(),
        };
        let parameter = |key| content_type.as_ref().and_then(|v| v.attribute(key)).unwrap_or_default();
        let boundary = parameter("boundary").trim_ascii_end().as_bytes().to_vec();
        let charset = Some(parameter("charset")).filter(|c| !c.is_empty()).map(|c| one_line(c, 64));
        let part = Part {
            parent: None,
            kind: kind(&full_type, encoding),
            charset,
            name: name_in(&disposition, "filename")
                .or_else(|| name_in(&content_type, "name"))
                .filter(|n| !n.is_empty()),
            disposition: disposition.map(|v| one_line(&v.c_type, MAX_NAME)).filter(|d| !d.is_empty()),
            encoding,
            content_id: self.content_id.and_then(content_id),
            content_type: full_type,
            body,
        };
        (part, if boundary.len() <= MAX_BOUNDARY { boundary } else { Vec::new() })
    }
}

/// The parsed value of a field that ends in a line end.
fn parameters(value: &[u8]) -> Option<ContentType<'_>> {
    match MessageStream::new(value).parse_content_type() {
        HeaderValue::ContentType(parsed) => Some(parsed),
        _ => None,
    }
}

/// `type/subtype`; a type alone, which is an error that mailers made, gets the subtype that it stood for.
fn full_type(value: &ContentType<'_>) -> String {
    let subtype = match value.subtype() {
        Some(subtype) => subtype,
        None if value.ctype() == "text" => "plain",
        None => "octet-stream",
    };
    one_line(&format!("{}/{subtype}", value.ctype()), MAX_NAME)
}

fn kind(content_type: &str, encoding: Encoding) -> Kind {
    match content_type {
        "multipart/alternative" => Kind::Alternative,
        "message/rfc822" | "message/global" if encoding == Encoding::Identity => Kind::Message,
        other if other.starts_with("multipart/") => Kind::Multipart,
        _ => Kind::Leaf,
    }
}

fn encoding(value: &[u8]) -> Encoding {
    let value = value.trim_ascii();
    if value.eq_ignore_ascii_case(b"base64") {
        Encoding::Base64
    } else if value.eq_ignore_ascii_case(b"quoted-printable") {
        Encoding::QuotedPrintable
    } else {
        Encoding::Identity
    }
}

fn content_id(value: &[u8]) -> Option<String> {
    let id = value.get(..MAX_NAME).unwrap_or(value).trim_ascii();
    let id = id.strip_prefix(b"<").unwrap_or(id);
    let id = id.strip_suffix(b">").unwrap_or(id);
    Some(String::from_utf8_lossy(id).into_owned()).filter(|id| !id.is_empty())
}
