//! What is to be said: the plain values from which a message is made.
//!
//! They hold text as people type it. Nothing in them is encoded, and nothing is checked before
//! [`compose`](super::compose) looks at it.

use chrono::{DateTime, FixedOffset};

/// A person in a header: a display name and an address (RFC 5322 section 3.4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name; empty for none.
    pub name: String,
    /// `local-part@domain`; either may hold non-ASCII characters (RFC 6531).
    pub email: String,
}

impl Mailbox {
    /// An address without a display name.
    #[must_use]
    pub fn bare(email: impl Into<String>) -> Self {
        Self { name: String::new(), email: email.into() }
    }
}

/// A message before it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Composed {
    /// The author. An empty address counts as missing.
    pub from: Mailbox,
    /// Who really sends it, where that is somebody else (RFC 5322 section 3.6.2).
    pub sender: Option<Mailbox>,
    /// Where answers are to go; empty for the author.
    pub reply_to: Vec<Mailbox>,
    /// The primary recipients.
    pub to: Vec<Mailbox>,
    /// Those who get a copy.
    pub cc: Vec<Mailbox>,
    /// Those who get a copy that the others do not hear of.
    pub bcc: Vec<Mailbox>,
    /// The subject, one line.
    pub subject: String,
    /// The plain text; any line ends.
    pub text: Option<String>,
    /// The HTML, a document or a piece of one; any line ends.
    pub html: Option<String>,
    /// An invitation, an answer or a cancellation, as another form of the text (RFC 6047, section 2.4).
    pub calendar: Option<CalendarPart>,
    /// Files that go with it, in this order.
    pub attachments: Vec<Part>,
    /// Pictures that the HTML shows by `cid:`.
    pub inline: Vec<InlinePart>,
    /// What stands below every message of this sender.
    pub signature: Option<Signature>,
    /// The Message-ID of the message that this one answers, without angle brackets.
    pub in_reply_to: Option<String>,
    /// The ids of the thread, oldest first, without angle brackets (RFC 5322 section 3.6.4).
    pub references: Vec<String>,
    /// More header fields, name and value. None that has a place of its own above.
    pub headers: Vec<(String, String)>,
}

/// A calendar that asks for, answers or cancels something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CalendarPart {
    /// Its `METHOD`, such as `REQUEST`.
    pub method: String,
    /// The calendar.
    pub text: String,
}

/// A file that goes with a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// The file name that the reader sees, without folders.
    pub name: String,
    /// `type/subtype`, with parameters if need be.
    pub content_type: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// A picture or another resource that the HTML refers to as `cid:CONTENT_ID` (RFC 2392).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InlinePart {
    /// Its id, without angle brackets; unique in the message.
    pub content_id: String,
    /// The file name for those who save it; empty for none.
    pub name: String,
    /// `type/subtype`.
    pub content_type: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// What stands below the text. What is missing of the two forms is made from the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signature {
    /// Its plain form, without the line `-- `.
    pub plain: Option<String>,
    /// Its HTML form, a piece of a document.
    pub html: Option<String>,
    /// The pictures of the HTML form.
    pub pictures: Vec<InlinePart>,
}

/// What of a message comes from clock and chance, and so from outside this crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// When it was written, with the writer's distance from UTC; seconds count, fractions do not.
    pub date: DateTime<FixedOffset>,
    /// Its Message-ID, without angle brackets.
    pub message_id: String,
}

/// What the octets are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// They are sent: somebody must receive them, and nobody may read Bcc in them.
    Send,
    /// They are kept as a draft: Bcc stays, and recipients may be missing.
    Draft,
}

/// A message as octets, with what its transport has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The message, its lines ended by CRLF and no longer than 998 octets without it. Not dot-stuffed.
    pub bytes: Vec<u8>,
    /// The address for `MAIL FROM`: that of Sender if there is one, else that of From.
    pub envelope_from: String,
    /// The addresses for `RCPT TO`: those of To, Cc and Bcc in this order, each once.
    pub recipients: Vec<String>,
    /// Its Message-ID, without angle brackets.
    pub message_id: String,
    /// Whether the header, or a local part in the envelope, holds non-ASCII characters, which needs the extension SMTPUTF8 (RFC
    /// 6531). Domains in the envelope do not count: they can be sent as A-labels.
    pub needs_smtputf8: bool,
    /// Whether the body holds octets above 127, which needs the extension 8BITMIME (RFC 6152). Only a given message, or one
    /// that goes along as `message/rfc822`, brings such: neither may be encoded anew.
    pub needs_8bit: bool,
}
