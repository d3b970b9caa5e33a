//! The text of a message for search and display: which parts it is made of, and how much of it.
//!
//! Of alternatives the plain one is taken, else the HTML, stripped. Attachments are no text. At most [`MAX_TEXT`] bytes in all,
//! cut between characters; of each part at most [`MAX_TEXT_RAW`] octets are looked at.

use super::structure::is_attachment;
use super::walk::{Kind, Part};
use super::{MAX_TEXT, MAX_TEXT_RAW, SNIPPET_CHARS, decode, html};
use memchr::memchr;

/// Text parts that no reader shows as text.
const DATA: [&str; 5] = ["text/calendar", "text/vcard", "text/x-vcard", "text/directory", "text/css"];

/// The text of the message whose parts these are.
pub(super) fn text(raw: &[u8], parts: &[Part]) -> String {
    let mut out = String::new();
    for part in chosen(raw, parts) {
        append(raw, part, &mut out);
        if out.len() >= MAX_TEXT {
            break;
        }
    }
    out.truncate(out.trim_ascii_end().len());
    out
}

/// Which of its parts a container gives to the text.
#[derive(Clone, Copy)]
enum Gives {
    Nothing,
    All,
    One(usize),
}

/// The parts that make the text, in order.
fn chosen<'a>(raw: &'a [u8], parts: &'a [Part]) -> impl Iterator<Item = &'a Part> {
    let mut gives = vec![Gives::Nothing; parts.len()];
    parts.iter().enumerate().filter_map(move |(index, part)| {
        // What a container gives is settled before its parts come: they stand after it.
        let is_given = part.parent.is_none_or(|parent| match gives.get(parent) {
            Some(Gives::All) => true,
            Some(Gives::One(choice)) => *choice == index,
            Some(Gives::Nothing) | None => false,
        });
        if let Some(entry) = gives.get_mut(index).filter(|_| is_given) {
            *entry = match part.kind {
                Kind::Alternative => preferred(raw, parts, index).map_or(Gives::Nothing, Gives::One),
                _ => Gives::All,
            };
        }
        (is_given && is_text(part)).then_some(part)
    })
}

/// The alternative to take: plain text that is not empty, else HTML, else the first that is or holds text.
fn preferred(raw: &[u8], parts: &[Part], alternative: usize) -> Option<usize> {
    let children = || parts.iter().enumerate().filter(move |(_, part)| part.parent == Some(alternative));
    let is_plain = |part: &Part| part.content_type == "text/plain" && is_text(part);
    let is_blank = |part: &Part| raw.get(part.body.clone()).is_none_or(|body| body.trim_ascii().is_empty());
    children()
        .find(|(_, part)| is_plain(part) && !is_blank(part))
        .or_else(|| children().find(|(_, part)| part.content_type == "text/html" && is_text(part)))
        .or_else(|| children().find(|(_, part)| part.kind != Kind::Leaf || is_text(part)))
        .map(|(index, _)| index)
}

/// Text in the sense of a reader; a multipart that does not come apart is shown as it stands.
fn is_text(part: &Part) -> bool {
    part.kind == Kind::Leaf
        && (part.content_type.starts_with("text/") || part.content_type.starts_with("multipart/"))
        && !DATA.contains(&part.content_type.as_str())
        && !is_attachment(part)
}

fn append(raw: &[u8], part: &Part, out: &mut String) {
    let body = raw.get(part.body.clone()).unwrap_or_default();
    let bytes = decode::content(body.get(..MAX_TEXT_RAW).unwrap_or(body), part.encoding);
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    let room = MAX_TEXT.saturating_sub(out.len());
    if matches!(part.content_type.as_str(), "text/html" | "text/enriched" | "text/richtext") {
        let charset = part.charset.clone().or_else(|| decode::html_charset(&bytes));
        html::strip(&decode::characters(&bytes, charset.as_deref()), out, room);
    } else {
        push_lines(&decode::characters(&bytes, part.charset.as_deref()), out, room);
    }
    out.truncate(out.floor_char_boundary(MAX_TEXT));
}

/// Appends `text` with LF for CRLF and CR, at most `max` bytes, cut between characters.
fn push_lines(text: &str, out: &mut String, max: usize) {
    let mut rest = text.get(..text.floor_char_boundary(max)).unwrap_or(text);
    out.reserve(rest.len());
    while let Some(cr) = memchr(b'\r', rest.as_bytes()) {
        let (line, after) = rest.split_at(cr);
        out.push_str(line);
        rest = after.strip_prefix("\r\n").or_else(|| after.strip_prefix('\r')).unwrap_or_default();
        out.push('\n');
    }
    out.push_str(rest);
}

/// The first characters of `text`, every run of white space and control characters one space.
pub(super) fn snippet(text: &str) -> String {
    let mut snippet = String::with_capacity(SNIPPET_CHARS);
    let mut len = 0;
    let mut space = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            space = len > 0;
            continue;
        }
        if len + usize::from(space) >= SNIPPET_CHARS {
            break;
        }
        if std::mem::take(&mut space) {
            snippet.push(' ');
            len += 1;
        }
        snippet.push(c);
        len += 1;
    }
    snippet
}
