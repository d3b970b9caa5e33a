//! One message: raw bytes in, what the store keeps beside them out.
//!
//! [`parse`] never fails. It walks the message once (`walk`), reads the header fields it needs (`envelope`),
//! and decodes only the text that is kept (`text`); attachments are measured, never decoded. So the memory it takes
//! is bounded by the caps below whatever the size of the message, and the stack by [`MAX_DEPTH`]. mail-parser reads the values of
//! header fields; the walk is ours, because a tree with 20,000 levels must neither be built nor dropped.

mod calendar;
mod decode;
mod envelope;
mod fields;
mod html;
mod identity;
mod structure;
mod text;
mod walk;

pub(crate) use calendar::calendars;
pub use fields::header_block;
pub use identity::{match_key, thread_root};
pub use postrider_model::{Address, AddressRole as Role, MatchKey};
pub use structure::{Encoding, Structure};

/// Longest subject kept, in bytes of UTF-8.
pub const MAX_SUBJECT: usize = 4 * 1024;
/// Longest Message-ID taken for one, in bytes: RFC 5322 section 2.1.1 allows no longer line. A longer one is ignored.
pub const MAX_MESSAGE_ID: usize = 998;
/// References kept: the first, which is the root of the thread, and the last ones.
pub const MAX_REFERENCES: usize = 100;
/// Addresses kept, over all fields of a message.
pub const MAX_ADDRESSES: usize = 2_000;
/// Longest display name, address, attachment name, content type kept, in bytes.
pub const MAX_NAME: usize = 1024;
/// Text kept for search and display, in bytes.
pub const MAX_TEXT: usize = 256 * 1024;
/// Raw octets of one text part that are looked at; HTML is mostly markup, so this is more than [`MAX_TEXT`].
pub const MAX_TEXT_RAW: usize = 4 * MAX_TEXT;
/// Levels of nesting that are told apart; a part below is a leaf of its parent. Low enough for the recursion limit
/// of JSON readers (128, two a level).
pub const MAX_DEPTH: usize = 50;
/// MIME parts that are told apart; what follows them belongs to the containers that are open then, and to no part of its own.
pub const MAX_PARTS: usize = 2_000;
/// Characters of a snippet.
pub const SNIPPET_CHARS: usize = 200;

/// What is known of a message from its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParsedMessage {
    /// The first `Subject`, decoded (RFC 2047), white space folded; empty without one.
    pub subject: String,
    /// The first `Message-ID`, without angle brackets.
    pub message_id: Option<String>,
    /// The first id in `In-Reply-To`, without angle brackets.
    pub in_reply_to: Option<String>,
    /// The ids in `References`, oldest first, without angle brackets.
    pub references: Vec<String>,
    /// `Date` in microseconds since 1970-01-01T00:00:00Z; only from 1970 to 2099, what is outside is taken for a mistake.
    pub date: Option<i64>,
    /// Every address of the header as written, groups flattened, in the order of the fields.
    pub addresses: Vec<Address>,
    /// The tree of MIME parts.
    pub structure: Structure,
    /// Names of the attachments, in the order of the parts.
    pub attachments: Vec<String>,
    /// The plain text, or the HTML stripped to text where there is no plain one; lines end in LF.
    pub text: String,
    /// The start of `text`, white space and control characters folded to single spaces.
    pub snippet: String,
    /// Whether a reader would show an attachment: pictures inside HTML and signatures are none.
    pub has_attachment: bool,
}

/// Reads a message. Never fails: what cannot be understood is left empty.
///
/// Linear in `raw`; bounded memory and stack (see the constants of this module).
#[must_use]
pub fn parse(raw: &[u8]) -> ParsedMessage {
    let (parts, envelope) = walk::walk(raw);
    let text = text::text(raw, &parts);
    let snippet = text::snippet(&text);
    let (attachments, has_attachment) = structure::attachments(&parts);
    ParsedMessage {
        subject: envelope.subject.unwrap_or_default(),
        message_id: envelope.message_id,
        in_reply_to: envelope.in_reply_to,
        references: envelope.references,
        date: envelope.date,
        addresses: envelope.addresses,
        structure: structure::tree(parts),
        attachments,
        text,
        snippet,
        has_attachment,
    }
}

/// The text of an HTML document or of a piece of one, all of it; see the module `html` for what is kept.
pub(crate) fn html_text(html: &str) -> String {
    let mut text = String::new();
    html::strip(html, &mut text, usize::MAX);
    text.truncate(text.trim_ascii_end().len());
    text
}

#[cfg(test)]
mod tests;
