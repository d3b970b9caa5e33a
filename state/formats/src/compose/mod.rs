//! Messages that go out: from plain values to octets, an answer to a message, a given message made ready.
//!
//! | function | makes |
//! |---|---|
//! | [`compose`] | a message from [`Composed`] |
//! | [`reply_to`], [`forward`] | what of a new message comes from the one that it answers or passes on |
//! | [`prepare_raw`] | a message that somebody else composed, ready to be sent |
//! | [`parse_mailboxes`] | mailboxes from a list as people type it |
//! | [`content_type_of`] | a file's content type by its name |
//!
//! Rules:
//! - Date, Message-ID and boundaries come in ([`Stamp`], a source of boundaries): the same values make the same octets.
//! - No value breaks out of its place: a CR, LF or NUL in an address, name, id or header value is refused, and whatever readers may
//!   take for an encoded word is encoded.
//! - Nobody learns of Bcc: it is in the envelope, in a draft, and nowhere else.
//! - The octets travel over any server: 7-bit, short lines. The exceptions say so in [`Outgoing`].
//!
//! lettre encodes the bodies and writes the tree of parts; the header and the parameters of parts are ours. Neither lettre 0.11.23
//! nor mail-builder 2.0.1 passes all of the cases below alone, as Python's `email` reads them:
//!
//! | case | lettre | mail-builder |
//! |---|---|---|
//! | text that looks like an encoded word comes back as it was | name only | no |
//! | white space at the ends of subject, name and file name stays | name only | subject only |
//! | a word longer than a line allows is broken up | no | yes |
//! | a CR or LF in a display name is refused | panics | dropped silently |
//! | an ASCII file keeps its bare LF and travels | sent bare | yes |
//! | a bare CR or a NUL in a text does not get on the wire | no | no |
//! | Date with the writer's zone; neither clock nor chance if all is given | no | yes |
//!
//! What both do well is left to lettre, which the project knows anyway; `part` and `tree` keep from it what it does not.

mod address;
mod encoded;
mod error;
mod file_type;
mod header;
mod lines;
mod list;
mod part;
mod prepare;
mod reply;
mod signature;
mod tree;
mod value;

pub use address::{check_address, is_own};
pub use error::ComposeError;
pub use file_type::{OCTET_STREAM, content_type_of};
pub use list::parse_mailboxes;
pub use prepare::prepare_raw;
pub use reply::{Forward, Reply, forward, reply_to};
pub use value::{CalendarPart, Composed, InlinePart, Mailbox, Outgoing, Part, Purpose, Signature, Stamp};

use chrono::Datelike;
use header::Header;
use lettre::message::SinglePart;
use lettre::message::header::ContentType;
use std::collections::BTreeSet;
use tree::Leaves;

/// Writes a message.
///
/// `boundaries` gives a new string with each call, 8 to 70 letters, digits or any of `_-.=`, drawn at random: it is asked
/// up to three times, and again where one stands in the message. A missing text is made from the HTML; HTML is made from the
/// text where the signature has HTML. Without text and HTML the text is empty.
///
/// # Errors
/// [`ComposeError`] with what was found and where. Nothing is mended: what cannot be written as it was given is refused.
pub fn compose(
    message: Composed,
    stamp: &Stamp,
    boundaries: &mut dyn FnMut() -> String,
    purpose: Purpose,
) -> Result<Outgoing, ComposeError> {
    check(&message, stamp)?;
    let recipients = recipients([&message.to, &message.cc, &message.bcc]);
    if recipients.is_empty() && purpose == Purpose::Send {
        return Err(ComposeError::NoRecipient);
    }
    let envelope_from = message.sender.as_ref().unwrap_or(&message.from).email.clone();
    let header = header(&message, stamp, purpose);
    let leaves = leaves(message)?;
    let needs_8bit = leaves.has_8bit();
    let needs_smtputf8 = is_beyond_ascii(&header, &envelope_from, &recipients);
    let mut bytes = header.into_bytes();
    let body = leaves.hang(boundaries)?.formatted();
    bytes.extend_from_slice(&body);
    let message_id = stamp.message_id.clone();
    Ok(Outgoing { bytes, envelope_from, recipients, message_id, needs_smtputf8, needs_8bit })
}

fn check(message: &Composed, stamp: &Stamp) -> Result<(), ComposeError> {
    if message.from.email.is_empty() {
        return Err(ComposeError::NoFrom);
    }
    address::check_mailboxes("From", std::slice::from_ref(&message.from))?;
    address::check_mailboxes("Sender", message.sender.as_slice())?;
    address::check_mailboxes("Reply-To", &message.reply_to)?;
    address::check_mailboxes("To", &message.to)?;
    address::check_mailboxes("Cc", &message.cc)?;
    address::check_mailboxes("Bcc", &message.bcc)?;
    header::check_text("Subject", &message.subject)?;
    message.in_reply_to.iter().try_for_each(|id| header::check_id("In-Reply-To", id))?;
    message.references.iter().try_for_each(|id| header::check_id("References", id))?;
    message.headers.iter().try_for_each(|(name, value)| header::check_field(name, value))?;
    check_stamp(stamp)
}

/// Checks date and Message-ID; an id of our own making has both its halves.
fn check_stamp(stamp: &Stamp) -> Result<(), ComposeError> {
    header::check_id("Message-ID", &stamp.message_id)?;
    if !stamp.message_id.split_once('@').is_some_and(|(left, right)| !left.is_empty() && !right.is_empty()) {
        let (field, found) = ("Message-ID".to_owned(), stamp.message_id.clone());
        return Err(ComposeError::MessageId { field, found });
    }
    if !(1900..=9999).contains(&stamp.date.year()) {
        return Err(ComposeError::Date);
    }
    Ok(())
}

/// `Date` as RFC 5322 section 3.3 writes it.
fn date(stamp: &Stamp) -> String {
    stamp.date.format("%a, %d %b %Y %H:%M:%S %z").to_string()
}

/// The addresses of the lists in their order, each once.
fn recipients<'a>(lists: impl IntoIterator<Item = &'a Vec<Mailbox>>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let emails = lists.into_iter().flatten().map(|mailbox| &mailbox.email);
    emails.filter(|email| seen.insert(address::delivery_key(email))).cloned().collect()
}

/// Whether SMTPUTF8 is needed. A domain in the envelope alone does not need it: it is sent as its A-label.
fn is_beyond_ascii(header: &str, envelope_from: &str, recipients: &[String]) -> bool {
    let has_ascii_local = |email: &str| email.rsplit_once('@').is_none_or(|(local, _)| local.is_ascii());
    !header.is_ascii() || !has_ascii_local(envelope_from) || !recipients.iter().all(|to| has_ascii_local(to))
}

/// The header but for the fields that tell of the body.
fn header(message: &Composed, stamp: &Stamp, purpose: Purpose) -> String {
    let mut header = Header::default();
    header.fixed("Date", &date(stamp));
    header.mailboxes("From", std::slice::from_ref(&message.from));
    header.mailboxes("Sender", message.sender.as_slice());
    header.mailboxes("Reply-To", &message.reply_to);
    header.mailboxes("To", &message.to);
    header.mailboxes("Cc", &message.cc);
    if purpose == Purpose::Draft {
        header.mailboxes("Bcc", &message.bcc);
    }
    header.text("Subject", &message.subject);
    header.ids("Message-ID", [stamp.message_id.as_str()]);
    header.ids("In-Reply-To", message.in_reply_to.as_deref());
    header.ids("References", message.references.iter().map(String::as_str));
    message.headers.iter().for_each(|(name, value)| header.additional(name, value));
    header.fixed("MIME-Version", "1.0");
    header.finish()
}

/// The parts, encoded.
fn leaves(message: Composed) -> Result<Leaves, ComposeError> {
    let Composed { text, html, calendar, attachments, inline, signature, .. } = message;
    let forms = signature::signed(text, html, signature.as_ref());
    let pictures = signature.filter(|signature| signature.html.is_some()).map(|signature| signature.pictures);
    let inline: Vec<InlinePart> = inline.into_iter().chain(pictures.into_iter().flatten()).collect();
    check_content_ids(&inline)?;
    let attached = attachments.into_iter().zip(1..);
    let inline = inline.into_iter().zip(1..);
    Ok(Leaves {
        text: part::text(ContentType::TEXT_PLAIN, &forms.text),
        html: forms.html.map(|html| part::text(ContentType::TEXT_HTML, &html)),
        calendar: calendar.as_ref().map(part::calendar).transpose()?,
        inline: inline
            .map(|(picture, number)| part::inline(&format!("inline part {number}"), picture))
            .collect::<Result<Vec<SinglePart>, _>>()?,
        attached: attached
            .map(|(file, number)| part::attachment(&format!("attachment {number}"), file))
            .collect::<Result<Vec<SinglePart>, _>>()?,
    })
}

/// An id that two parts have would show one of them twice and the other nowhere.
fn check_content_ids(inline: &[InlinePart]) -> Result<(), ComposeError> {
    let mut seen = BTreeSet::new();
    for (part, number) in inline.iter().zip(1..) {
        if !seen.insert(part.content_id.as_str()) {
            let (place, found) = (format!("inline part {number}"), part.content_id.clone());
            return Err(ComposeError::ContentId { place, found, reason: "is that of another part" });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
