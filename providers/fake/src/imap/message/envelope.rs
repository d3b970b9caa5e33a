//! ENVELOPE (RFC 3501 section 7.4.2): ten fields in their order.
//!
//! Rule: Sender and Reply-To that are missing or empty are what From is.

use super::address::{Address, addresses};
use super::header::Header;
use crate::imap::respond::Style;

/// Writes the envelope of a message with this header.
pub(crate) fn envelope(out: &mut Vec<u8>, header: &Header<'_>, style: Style) {
    let text = |out: &mut Vec<u8>, name| style.nstring(out, header.value(name).as_deref());
    let list = |name| header.value(name).map(|value| addresses(&value)).unwrap_or_default();
    let from = list("From");
    let or_from = |name| Some(list(name)).filter(|found| !found.is_empty()).unwrap_or_else(|| from.clone());

    out.push(b'(');
    text(out, "Date");
    out.push(b' ');
    text(out, "Subject");
    for found in [from.clone(), or_from("Sender"), or_from("Reply-To"), list("To"), list("Cc"), list("Bcc")] {
        out.push(b' ');
        write_list(out, &found, style);
    }
    out.push(b' ');
    text(out, "In-Reply-To");
    out.push(b' ');
    text(out, "Message-ID");
    out.push(b')');
}

fn write_list(out: &mut Vec<u8>, all: &[Address], style: Style) {
    if all.is_empty() {
        return out.extend_from_slice(b"NIL");
    }
    out.push(b'(');
    for one in all {
        out.push(b'(');
        style.nstring(out, one.name.as_deref());
        // at-domain-list: the source route, which nobody writes any more.
        out.extend_from_slice(b" NIL ");
        style.nstring(out, one.mailbox.as_deref());
        out.push(b' ');
        style.nstring(out, one.host.as_deref());
        out.push(b')');
    }
    out.push(b')');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(message: &[u8]) -> String {
        let mut out = Vec::new();
        envelope(&mut out, &Header::read(message), Style::default());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn sender_and_reply_to_fall_back_on_from() {
        let message =
            b"From: \"A\" <a@b>\r\nTo: c@d\r\nReply-To: r@e\r\nSubject: hi\r\nMessage-ID: <1@b>\r\n\r\n";
        let from = "((\"A\" NIL \"a\" \"b\"))";
        let expected = format!(
            "(NIL \"hi\" {from} {from} ((NIL NIL \"r\" \"e\")) ((NIL NIL \"c\" \"d\")) NIL NIL NIL \"<1@b>\")"
        );
        assert_eq!(written(message), expected);
    }

    #[test]
    fn a_message_without_a_header_has_ten_nils() {
        assert_eq!(written(b"\r\nbody"), "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
    }
}
