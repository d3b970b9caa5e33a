//! Messages one behind the other in one file: the mbox format of RFC 4155, in its variant "mboxrd".
//!
//! Before each message stands a line `From SENDER DATE`, behind it an empty line. In the message every line that is `From ` behind any
//! number of `>` gets one more `>`, so that a reader of mboxrd takes exactly one away. Nothing else of the message changes: line ends stay as the server
//! gave them, and the lines of the format itself end in LF. A message whose last line has no end gets an LF, the one thing
//! that cannot be taken back.

use chrono::DateTime;
use memchr::memchr;
use std::io;

/// The message as it stands in the file. `sender` is the address for the `From ` line, `date_us` its date in
/// microseconds since 1970, in UTC.
#[must_use]
pub fn write_message(raw: &[u8], sender: &str, date_us: i64) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() + 128);
    match write_to(&mut out, raw, sender, date_us) {
        Ok(()) => out,
        // Writing to memory does not fail.
        Err(_) => Vec::new(),
    }
}

/// [`write_message`] without a copy of the message in memory.
///
/// # Errors
/// Those of `out`.
pub fn write_to(out: &mut impl io::Write, raw: &[u8], sender: &str, date_us: i64) -> io::Result<()> {
    out.write_all(from_line(sender, date_us).as_bytes())?;
    let mut pending = raw;
    let mut at = 0;
    // Unquoted stretches are written whole.
    while let Some(line) = raw.get(at..).filter(|rest| !rest.is_empty()) {
        if is_quoted(line) {
            let stretch = pending.get(..pending.len() - line.len()).unwrap_or_default();
            out.write_all(stretch)?;
            out.write_all(b">")?;
            pending = line;
        }
        at += memchr(b'\n', line).map_or(line.len(), |end| end + 1);
    }
    out.write_all(pending)?;
    out.write_all(if raw.is_empty() || raw.ends_with(b"\n") { b"\n" } else { b"\n\n" })
}

fn is_quoted(line: &[u8]) -> bool {
    let marks = line.iter().take_while(|b| **b == b'>').count();
    line.get(marks..).is_some_and(|rest| rest.starts_with(b"From "))
}

/// `From ` line with its LF. White space and control characters in the sender, which would end it early, are left out; without a
/// sender it is `MAILER-DAEMON`, as by convention.
fn from_line(sender: &str, date_us: i64) -> String {
    let sender: String = sender.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    let sender = if sender.is_empty() { "MAILER-DAEMON" } else { &sender };
    let date = DateTime::from_timestamp_micros(date_us).unwrap_or_default();
    format!("From {sender} {}\n", date.format("%a %b %e %H:%M:%S %Y"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_message_is_framed_and_quoted() {
        let date = 1_037_786_645_000_000;
        for (raw, expected) in [
            ("A: b\r\n\r\nx\r\n", "A: b\r\n\r\nx\r\n\n"),
            (
                "A: b\n\nFrom me\n>From you\n>>From him\n> From\nfrom\nFrom\n",
                "A: b\n\n>From me\n>>From you\n>>>From him\n> From\nfrom\nFrom\n\n",
            ),
            ("From first\n", ">From first\n\n"),
            ("no end", "no end\n\n"),
            ("", "\n"),
        ] {
            let framed = format!("From a@example.com Wed Nov 20 10:04:05 2002\n{expected}");
            assert_eq!(
                String::from_utf8(write_message(raw.as_bytes(), "a@example.com", date)).unwrap(),
                framed
            );
        }
    }

    #[test]
    fn the_from_line_cannot_be_broken() {
        for (sender, line) in [
            ("a b\r\nFrom c@d", "From abFromc@d Thu Jan  1 00:00:00 1970\n"),
            ("", "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n"),
        ] {
            assert_eq!(from_line(sender, 0), line);
        }
        assert_eq!(from_line("x", i64::MAX), from_line("x", 0), "a date beyond the calendar is the epoch");
    }

    /// Reads a file of mboxrd.
    fn read(mut file: &[u8]) -> Vec<Vec<u8>> {
        let mut messages: Vec<Vec<u8>> = Vec::new();
        while !file.is_empty() {
            let end = memchr(b'\n', file).map_or(file.len(), |at| at + 1);
            let (line, rest) = file.split_at(end);
            file = rest;
            if line.starts_with(b"From ") {
                messages.push(Vec::new());
            } else {
                let line = if line.starts_with(b">") && is_quoted(line) { &line[1..] } else { line };
                messages.last_mut().unwrap().extend_from_slice(line);
            }
        }
        for message in &mut messages {
            assert_eq!(message.pop(), Some(b'\n'));
        }
        messages
    }

    proptest! {
        #[test]
        fn messages_come_back(bodies in prop::collection::vec("(From |>|x|\r|\n){0,20}\n", 0..5)) {
            let file: Vec<u8> = bodies.iter().flat_map(|body| write_message(body.as_bytes(), "a@b", 0)).collect();
            prop_assert_eq!(read(&file), bodies.iter().map(|b| b.as_bytes().to_vec()).collect::<Vec<_>>());
        }
    }
}
