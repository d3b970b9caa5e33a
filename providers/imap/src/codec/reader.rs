//! One response from the wire: its text, and its literals apart.
//!
//! Each literal's marker (`{5}`, `~{5}`, `{5+}` and the line break behind it) is replaced in the text by one line feed, which
//! cannot stand there otherwise. So the text can be taken apart without a second look at the wire. A line and all literals
//! of one response together are bounded; a literal for which there is no room is read past and its length kept.

use bytes::Buf;
use postrider_net::Limits;

use super::stream::{Stream, WireError};

/// Stands in a response's text for its next literal.
pub(crate) const LITERAL: u8 = b'\n';

/// A literal's octets, or how many there were of one that was over the cap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Literal {
    /// All of it.
    Bytes(Vec<u8>),
    /// It was read past.
    Skipped(u64),
}

/// A response as it came, without its last line break.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RawResponse {
    /// The text with [`LITERAL`] where literals were.
    pub(crate) text: Vec<u8>,
    /// The literals in their order.
    pub(crate) literals: Vec<Literal>,
}

/// Reads the next response.
pub(crate) async fn read_response(stream: &mut Stream, limits: &Limits) -> Result<RawResponse, WireError> {
    let mut response = RawResponse::default();
    let mut room = limits.literal;
    loop {
        let start = response.text.len();
        read_line(stream, &mut response.text, limits.line).await?;
        let line = response.text.get(start..).unwrap_or_default();
        let Some((marker, length)) = literal_marker(line)? else { return Ok(response) };
        if start == 0 && is_status(line) {
            return Ok(response);
        }
        response.text.truncate(response.text.len() - marker);
        response.text.push(LITERAL);
        let literal = read_literal(stream, length, room).await?;
        if matches!(literal, Literal::Bytes(_)) {
            room -= length;
        }
        response.literals.push(literal);
    }
}

/// Appends a line without its break. Bare line feeds end lines too: some servers send them.
async fn read_line(stream: &mut Stream, text: &mut Vec<u8>, most: usize) -> Result<(), WireError> {
    loop {
        let inbox = stream.inbox();
        let end = memchr::memchr(b'\n', inbox);
        let count = end.unwrap_or(inbox.len());
        if text.len() + count > most {
            return Err(WireError::Garbage("a line that is too long"));
        }
        text.extend_from_slice(inbox.get(..count).unwrap_or_default());
        inbox.advance(end.map_or(count, |at| at + 1));
        if end.is_some() {
            if text.last() == Some(&b'\r') {
                text.pop();
            }
            return Ok(());
        }
        stream.fill().await?;
    }
}

async fn read_literal(stream: &mut Stream, length: u64, room: u64) -> Result<Literal, WireError> {
    let Some(count) = usize::try_from(length).ok().filter(|_| length <= room) else {
        stream.skip(length).await?;
        return Ok(Literal::Skipped(length));
    };
    // Reserved at once, so that a large message is neither copied while it grows nor given twice its room. Memory that the
    // server only announced is not touched.
    let mut bytes = Vec::with_capacity(count);
    while bytes.len() < count {
        let missing = count - bytes.len();
        stream.read_into(&mut bytes, missing).await?;
    }
    Ok(Literal::Bytes(bytes))
}

/// The length of the marker at the line's end and the length that it announces (RFC 3501, section 4.3; RFC 7888;
/// `literal8` of RFC 3516).
fn literal_marker(line: &[u8]) -> Result<Option<(usize, u64)>, WireError> {
    let Some(inner) = line.strip_suffix(b"}") else { return Ok(None) };
    let inner = inner.strip_suffix(b"+").unwrap_or(inner);
    let digits = inner.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (before, number) = inner.split_at(inner.len() - digits);
    let Some(before) = before.strip_suffix(b"{").filter(|_| digits > 0) else { return Ok(None) };
    let before = before.strip_suffix(b"~").unwrap_or(before);
    // A literal's length has 32 bits (RFC 3501, section 9, `number`).
    let length = std::str::from_utf8(number).ok().and_then(|text| text.parse::<u32>().ok());
    let length = length.ok_or(WireError::Garbage("a literal of an impossible length"))?;
    Ok(Some((line.len() - before.len(), u64::from(length))))
}

/// Whether this line's end is free text (RFC 3501, section 7.1), in which braces mean nothing.
fn is_status(line: &[u8]) -> bool {
    let mut words = line.split(|byte| *byte == b' ');
    match words.next() {
        Some(b"*") => {
            let kind = words.next().unwrap_or_default();
            [b"OK".as_slice(), b"NO", b"BAD", b"BYE", b"PREAUTH"]
                .iter()
                .any(|status| kind.eq_ignore_ascii_case(status))
        }
        _ => true,
    }
}
