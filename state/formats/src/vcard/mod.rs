//! vCards (RFC 6350; 2.1 and 3.0 too): read into a [`Contact`], and a changed contact put back into the card that it came from.
//!
//! A card is kept as it came. What a contact has no field for, and every property that is still as it was, stays in it untouched:
//! a side that knows fewer properties erases none (F3.1). A card that did not change at all is written byte for byte.

mod dates;
mod entries;
mod patch;
mod points;
mod read;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use calcard::{
    Entry, Parser,
    vcard::{VCard, VCardProperty, VCardVersion},
};
use postrider_model::Contact;
use thiserror::Error;

/// Of more properties than these, a card is no person's.
pub const MAX_PROPERTIES: usize = 10_000;

/// What is no vCard.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CardError {
    /// A card begins and does not end.
    #[error("the vCard that begins in line {line} has no END:VCARD")]
    Unterminated {
        /// The line of its `BEGIN:VCARD`, from 1.
        line: usize,
    },
    /// It has more properties than [`MAX_PROPERTIES`].
    #[error("the vCard that begins in line {line} has more than {MAX_PROPERTIES} properties")]
    TooLarge {
        /// The line of its `BEGIN:VCARD`, from 1.
        line: usize,
    },
    /// It cannot be read at all.
    #[error("what begins in line {line} is no vCard")]
    Invalid {
        /// The line of its `BEGIN:VCARD`, from 1.
        line: usize,
    },
}

/// The form in which a card is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// RFC 2426, which every program reads.
    V3,
    /// RFC 6350.
    V4,
}

/// A vCard as it came, or as it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    card: VCard,
    /// The text that it was read from, where nothing in it was changed since.
    original: Option<String>,
}

impl Card {
    /// All cards of a file, in its order; what stands between them is skipped.
    ///
    /// Lines are unfolded before they are decoded, since a fold may stand within a character. Text that is not UTF-8 is read as
    /// Windows-1252, which older programs write without saying so.
    pub fn read_all(file: &[u8]) -> Vec<Result<Self, CardError>> {
        split(file).into_iter().map(|piece| piece.and_then(|piece| piece.read())).collect()
    }

    /// One card.
    ///
    /// # Errors
    /// Where there is none, or none that can be read.
    pub fn read(text: &[u8]) -> Result<Self, CardError> {
        Self::read_all(text).into_iter().next().unwrap_or(Err(CardError::Invalid { line: 1 }))
    }

    /// A card for a contact that has none yet.
    pub fn new(contact: &Contact) -> Self {
        let empty = Self { card: VCard::default(), original: None };
        empty.with(contact)
    }

    /// What it says, as far as a contact has fields for it.
    pub fn contact(&self) -> Contact {
        read::contact(&self.card.entries)
    }

    /// The same card, saying what this contact says. Properties of which a contact knows nothing, and those that say what they
    /// said, stay as they are.
    #[must_use]
    pub fn with(&self, contact: &Contact) -> Self {
        let was = self.contact();
        if was == *contact {
            return self.clone();
        }
        let entries = patch::patched(&self.card.entries, self.version(), &was, contact);
        Self { card: VCard { entries }, original: None }
    }

    /// Its text: as it came, where nothing in it was changed; else in its own version, 2.1 as 3.0.
    pub fn text(&self) -> Cow<'_, str> {
        match &self.original {
            Some(original) => Cow::Borrowed(original),
            None => Cow::Owned(self.written(self.version())),
        }
    }

    /// Its text in that version.
    pub fn text_in(&self, version: Version) -> Cow<'_, str> {
        let is_original = self.stated_version() == Some(version.of_calcard());
        if is_original { self.text() } else { Cow::Owned(self.written(version)) }
    }

    fn written(&self, version: Version) -> String {
        let mut text = String::new();
        let card = VCard { entries: entries::in_version(self.card.entries.clone(), version) };
        // Writing to a string cannot fail.
        let _ = card.write_to(&mut text, version.of_calcard());
        text
    }

    fn stated_version(&self) -> Option<VCardVersion> {
        self.card.version()
    }

    fn version(&self) -> Version {
        match self.stated_version() {
            Some(VCardVersion::V4_0) | None => Version::V4,
            Some(_) => Version::V3,
        }
    }
}

impl Version {
    const fn of_calcard(self) -> VCardVersion {
        match self {
            Self::V3 => VCardVersion::V3_0,
            Self::V4 => VCardVersion::V4_0,
        }
    }
}

/// The lines of one card.
struct Piece<'a> {
    line: usize,
    lines: Vec<&'a [u8]>,
}

/// Cuts a file into cards.
fn split(file: &[u8]) -> Vec<Result<Piece<'_>, CardError>> {
    let mut pieces = Vec::new();
    let mut open: Option<(Piece<'_>, usize)> = None;
    for (number, line) in file.split_inclusive(|octet| *octet == b'\n').enumerate() {
        let begins = is_line(line, b"BEGIN:VCARD");
        match &mut open {
            None if begins => open = Some((Piece { line: number + 1, lines: vec![line] }, 1)),
            None => {}
            Some((piece, depth)) => {
                piece.lines.push(line);
                // In 2.1 and 3.0 a card may hold that of an agent.
                *depth += usize::from(begins);
                *depth -= usize::from(is_line(line, b"END:VCARD"));
            }
        }
        if open.as_ref().is_some_and(|(_, depth)| *depth == 0) {
            pieces.extend(open.take().map(|(piece, _)| Ok(piece)));
        }
    }
    pieces.extend(open.map(|(piece, _)| Err(CardError::Unterminated { line: piece.line })));
    pieces
}

fn is_line(line: &[u8], expected: &[u8]) -> bool {
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
    line.trim_ascii().eq_ignore_ascii_case(expected)
}

impl Piece<'_> {
    /// Whether nothing has to be unfolded, left out or mended in it, as in what this program wrote.
    fn is_plain(&self) -> bool {
        let is_plain = |line: &&[u8]| {
            !matches!(line.first(), Some(b' ' | b'\t'))
                && !is_line(line, b"BEGIN:VCARD")
                && !line.windows(3).any(|octets| octets == b":--")
        };
        self.lines.iter().skip(1).all(is_plain)
    }

    fn read(&self) -> Result<Card, CardError> {
        let line = self.line;
        let original = decoded(self.lines.concat());
        let outer = match self.is_plain() {
            true => Cow::Borrowed(original.as_str()),
            false => Cow::Owned(dates::mended(&decoded(unfolded(&without_agents(&self.lines))))),
        };
        match Parser::new(&outer).entry() {
            Entry::VCard(card) if card.entries.len() > MAX_PROPERTIES => Err(CardError::TooLarge { line }),
            Entry::VCard(mut card) => {
                card.entries.retain(|entry| !matches!(entry.name, VCardProperty::Begin | VCardProperty::End));
                Ok(Card { card, original: Some(original) })
            }
            _ => Err(CardError::Invalid { line }),
        }
    }
}

/// The lines of the card itself. What an agent's card says is not said of this one.
fn without_agents(lines: &[&[u8]]) -> Vec<u8> {
    let (mut outer, mut depth) = (Vec::new(), 0_usize);
    for line in lines {
        let (begins, ends) = (is_line(line, b"BEGIN:VCARD"), is_line(line, b"END:VCARD"));
        depth += usize::from(begins);
        if depth == 1 {
            outer.extend_from_slice(line);
        }
        depth -= usize::from(ends);
    }
    outer
}

/// Joins folded lines (RFC 6350, section 3.2).
fn unfolded(text: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|octet| *octet == b'\n') {
        match line.first() {
            Some(b' ' | b'\t') if !joined.is_empty() => {
                if joined.last() == Some(&b'\n') {
                    joined.pop();
                }
                if joined.last() == Some(&b'\r') {
                    joined.pop();
                }
                joined.extend_from_slice(line.get(1..).unwrap_or_default());
            }
            _ => joined.extend_from_slice(line),
        }
    }
    joined
}

fn decoded(text: Vec<u8>) -> String {
    String::from_utf8(text).unwrap_or_else(|wrong| {
        encoding_rs::WINDOWS_1252.decode_without_bom_handling(wrong.as_bytes()).0.into_owned()
    })
}
