//! What of a message must not go out, what it needs of the server, and its octets between DATA and the final dot.
//!
//! Rule: a message goes out octet for octet or not at all. A CR or LF of its own would let one server see the final dot where
//! another does not, and so smuggle a second message in (<https://smtpsmuggling.com>); a Bcc field would tell everyone.

use postrider_model::{ErrorClass, Fault};

/// The longest line in octets, without its end (RFC 5321, section 4.5.3.1.6; RFC 5322, section 2.1.1).
const LINE: usize = 998;
/// A message is sent in blocks of about this many octets.
const BLOCK: usize = 64 * 1024;

/// What a message needs of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Its octets as RFC 1870, section 5, counts them.
    pub(crate) octets: u64,
    /// It holds octets beyond ASCII: 8BITMIME (RFC 6152).
    pub(crate) eight_bit: bool,
    /// Its header does: SMTPUTF8 (RFC 6531). Headers of parts and of enclosed messages are not looked at: as content they
    /// travel with 8BITMIME everywhere.
    pub(crate) utf8: bool,
}

/// Looks at a whole message once. `limit` bounds it, in octets.
///
/// # Errors
/// Why it must not go out, with the number of the line.
pub(crate) fn examine(message: &[u8], limit: u64) -> Result<Needs, Fault> {
    let octets = message.len() as u64 + if is_ended(message) { 0 } else { 2 };
    if message.is_empty() {
        return Err(unfit("it is empty".to_owned()));
    }
    if octets > limit {
        return Err(unfit(format!("it has {octets} octets, and {limit} is the most")));
    }
    let mut in_header = true;
    let mut utf8 = false;
    for (at, line) in lines(message).enumerate() {
        let text = line.strip_suffix(b"\r\n").unwrap_or(line);
        check_line(text).map_err(|why| unfit(format!("line {} {why}", at + 1)))?;
        in_header = in_header && !text.is_empty();
        if in_header {
            utf8 |= check_field(text).map_err(|why| unfit(format!("line {} {why}", at + 1)))?;
        }
    }
    Ok(Needs { octets, eight_bit: !message.is_ascii(), utf8 })
}

fn unfit(cause: String) -> Fault {
    Fault::new(ErrorClass::Permanent, "send the message", cause)
        .hint("it was not written as mail travels: compose it anew, or send it as an attachment")
}

/// A line without its end.
fn check_line(text: &[u8]) -> Result<(), &'static str> {
    if text.contains(&b'\n') {
        return Err("ends with LF alone");
    }
    if text.contains(&b'\r') {
        return Err("holds a CR of its own");
    }
    if text.contains(&0) {
        return Err("holds a NUL");
    }
    if text.len() > LINE { Err("is longer than 998 octets") } else { Ok(()) }
}

/// A line of the header; whether it is beyond ASCII.
fn check_field(text: &[u8]) -> Result<bool, &'static str> {
    let name = text.split(|octet| *octet == b':').next().unwrap_or_default().trim_ascii_end();
    if [&b"bcc"[..], b"resent-bcc"].iter().any(|bcc| name.eq_ignore_ascii_case(bcc)) {
        return Err("is a Bcc field, which all recipients would see");
    }
    if text.is_ascii() {
        return Ok(false);
    }
    std::str::from_utf8(text).map(|_| true).map_err(|_| "of the header is neither ASCII nor UTF-8")
}

/// Lines with their ends; a CR alone ends none.
fn lines(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    message.split_inclusive(|octet| *octet == b'\n')
}

fn is_ended(message: &[u8]) -> bool {
    message.ends_with(b"\r\n")
}

/// The octets between DATA and the final dot, in blocks: a line that begins with a dot gets another one (RFC 5321, section
/// 4.5.2), and the last line its end.
pub(crate) fn blocks(message: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let mut lines = lines(message).peekable();
    std::iter::from_fn(move || {
        lines.peek()?;
        let mut block = Vec::with_capacity(BLOCK + LINE + 3);
        while block.len() < BLOCK
            && let Some(line) = lines.next()
        {
            if line.starts_with(b".") {
                block.push(b'.');
            }
            block.extend_from_slice(line);
        }
        if lines.peek().is_none() && !is_ended(&block) {
            block.extend_from_slice(b"\r\n");
        }
        Some(block)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: u64 = 1 << 20;

    #[test]
    fn what_must_not_go_out_is_named_with_its_line() {
        let long = [b"A: 1\r\n\r\n".to_vec(), vec![b'x'; 999], b"\r\n".to_vec()].concat();
        let table: [(&[u8], &str); 14] = [
            (b"", "it is empty"),
            (b"A: 1\nB: 2\r\n\r\n", "line 1 ends with LF alone"),
            (b"A: 1\r\n\r\nx\n.\nMAIL FROM:<>\r\n", "line 3 ends with LF alone"),
            (b"A: 1\r\n\r\nx\r.\r\n", "line 3 holds a CR of its own"),
            (b"A: 1\r\n\r\nx\r\r\n", "line 3 holds a CR of its own"),
            (b"A: 1\r\n\r\nx\r", "line 3 holds a CR of its own"),
            (b"A: 1\r\n\r\n\0", "line 3 holds a NUL"),
            (&long, "line 3 is longer than 998 octets"),
            (b"A: 1\r\nBcc: x@y.test\r\n\r\n", "line 2 is a Bcc field, which all recipients would see"),
            (b"bCC :\r\n\r\n", "line 1 is a Bcc field, which all recipients would see"),
            (b"Resent-Bcc: x\r\n\r\n", "line 1 is a Bcc field, which all recipients would see"),
            (b"BCC", "line 1 is a Bcc field, which all recipients would see"),
            (b"Subject: \xE9\r\n\r\n", "line 1 of the header is neither ASCII nor UTF-8"),
            (&[b'x'; 600].repeat(2_000), "it has 1200002 octets, and 1048576 is the most"),
        ];
        for (message, cause) in table {
            let fault = examine(message, LIMIT).unwrap_err();
            assert_eq!((fault.class, fault.cause.as_str()), (ErrorClass::Permanent, cause));
            assert!(fault.hint.is_some());
        }
    }

    #[test]
    fn needs_are_what_the_octets_ask_for() {
        let table = [
            (&b"A: 1\r\n\r\nBcc: in the body\r\n"[..], 26, false, false),
            (b"A: 1\r\n\r\nno end", 16, false, false),
            (b"Bccs: 1\r\n\r\n", 11, false, false),
            ("A: 1\r\n\r\né\r\n".as_bytes(), 12, true, false),
            (b"A: 1\r\n\r\n\xE9\r\n", 11, true, false),
            ("Subject: é\r\n\r\nx\r\n".as_bytes(), 18, true, true),
        ];
        for (message, octets, eight_bit, utf8) in table {
            assert_eq!(examine(message, LIMIT), Ok(Needs { octets, eight_bit, utf8 }));
        }
        let longest = [b"A: 1\r\n\r\n".to_vec(), vec![b'x'; 998], b"\r\n".to_vec()].concat();
        assert!(examine(&longest, LIMIT).is_ok());
    }

    fn sent(message: &[u8]) -> Vec<u8> {
        blocks(message).collect::<Vec<_>>().concat()
    }

    #[test]
    fn dots_are_doubled_at_the_start_of_a_line_alone() {
        assert_eq!(sent(b".\r\na.b\r\n..c\r\n"), b"..\r\na.b\r\n...c\r\n");
        assert_eq!(sent(b"a\r\n."), b"a\r\n..\r\n");
        assert_eq!(sent(b"\r\n"), b"\r\n");
    }

    #[test]
    fn a_large_message_goes_in_blocks() {
        let message = b".line of text\r\n".repeat(20_000);
        let blocks: Vec<_> = blocks(&message).collect();
        assert!(blocks.len() > 3 && blocks.iter().all(|block| block.len() < 2 * BLOCK));
        assert_eq!(blocks.concat(), b"..line of text\r\n".repeat(20_000));
    }

    /// As RFC 5321, section 4.5.2, has the server do it; `None` where the dot would come too early.
    fn received(wire: &[u8]) -> Option<Vec<u8>> {
        let mut message = Vec::new();
        for line in lines(wire) {
            if line == b".\r\n" {
                return None;
            }
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
        }
        Some(message)
    }

    proptest! {
        #[test]
        fn what_may_go_out_arrives_octet_for_octet(parts in proptest::collection::vec("[.a]{0,3}", 1..30), ended: bool) {
            let mut message = parts.join("\r\n").into_bytes();
            if ended {
                message.extend_from_slice(b"\r\n");
            }
            prop_assume!(!message.is_empty());
            let needs = examine(&message, LIMIT).unwrap();
            let got = received(&sent(&message)).unwrap();
            prop_assert_eq!(got.len() as u64, needs.octets);
            prop_assert!(got == message || got == [&message[..], b"\r\n"].concat());
        }
    }
}
