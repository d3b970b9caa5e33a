//! What came between DATA and the final dot: the message without its doubled dots, and what is wrong with it.

use super::wire::Line;

/// What the client said about the message beforehand.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Announced {
    pub size: Option<u64>,
    pub eight_bit: bool,
    pub utf8: bool,
}

/// A message as it comes in.
#[derive(Debug, Default)]
pub(super) struct Content {
    message: Vec<u8>,
    lines: usize,
    breaches: Vec<String>,
}

impl Content {
    /// Takes a line; whether it was the final dot. Only `CRLF . CRLF` is one.
    pub fn take(&mut self, line: &Line) -> bool {
        if line.bytes == b"." && !line.bare_lf {
            return true;
        }
        self.lines += 1;
        let number = self.lines;
        let mut breach = |what: &str| self.breaches.push(format!("line {number} of the message {what}"));
        if line.bare_lf {
            breach("ends with a bare LF");
        }
        if line.bytes.contains(&b'\r') {
            breach("holds a bare CR");
        }
        if line.bytes.contains(&0) {
            breach("holds a NUL");
        }
        let text = match line.bytes.strip_prefix(b".") {
            Some(text) if !text.starts_with(b".") => {
                breach("begins with a dot that was not doubled");
                text
            }
            Some(text) => text,
            None => &line.bytes,
        };
        if text.len() > 998 {
            breach("is longer than 998 octets");
        }
        self.message.extend_from_slice(text);
        self.message.extend_from_slice(if line.bare_lf { b"\n" } else { b"\r\n" });
        false
    }

    /// The message, and all that is wrong with it.
    pub fn finish(mut self, announced: Announced) -> (Vec<u8>, Vec<String>) {
        let octets = self.message.len() as u64;
        if let Some(size) = announced.size
            && size != octets
        {
            self.breaches.push(format!("SIZE={size} was announced for {octets} octets"));
        }
        if !self.message.is_ascii() && !announced.eight_bit {
            self.breaches.push("octets beyond ASCII without BODY=8BITMIME".to_owned());
        }
        for field in header(&self.message) {
            let name = field.split(|octet| *octet == b':').next().unwrap_or_default().trim_ascii_end();
            if name.eq_ignore_ascii_case(b"bcc") || name.eq_ignore_ascii_case(b"resent-bcc") {
                self.breaches.push("a Bcc field".to_owned());
            }
            if !field.is_ascii() && !announced.utf8 {
                self.breaches.push("a header beyond ASCII without SMTPUTF8".to_owned());
            }
        }
        (self.message, self.breaches)
    }
}

/// The header's lines.
fn header(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    message.split(|octet| *octet == b'\n').map(<[u8]>::trim_ascii_end).take_while(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(wire: &[u8], announced: Announced) -> (Vec<u8>, Vec<String>) {
        let mut content = Content::default();
        for piece in wire.split_inclusive(|octet| *octet == b'\n') {
            let end = piece.strip_suffix(b"\r\n");
            let bytes = end.or_else(|| piece.strip_suffix(b"\n")).unwrap_or(piece).to_vec();
            if content.take(&Line { bytes, bare_lf: end.is_none() }) {
                return content.finish(announced);
            }
        }
        panic!("there was no final dot");
    }

    #[test]
    fn every_breach_is_named() {
        let exact = |octets| Announced { size: Some(octets), ..Announced::default() };
        let (message, breaches) = taken(b"A: 1\r\n\r\n..x\r\n.\r\n", exact(12));
        assert_eq!((message.as_slice(), breaches), (&b"A: 1\r\n\r\n.x\r\n"[..], Vec::new()));
        let long = [vec![b'x'; 999], b"\r\n.\r\n".to_vec()].concat();
        for (wire, breach) in [
            (&b"A: 1\r\n\r\nx\n.\n.\r\n"[..], "line 3 of the message ends with a bare LF"),
            (b"A\rB\r\n.\r\n", "line 1 of the message holds a bare CR"),
            (b"A\0B\r\n.\r\n", "line 1 of the message holds a NUL"),
            (b"A: 1\r\n.x\r\n.\r\n", "line 2 of the message begins with a dot that was not doubled"),
            (&long, "line 1 of the message is longer than 998 octets"),
            (b"A: \xE9\r\n.\r\n", "a header beyond ASCII without SMTPUTF8"),
            (b"A: 1\r\n\r\n\xE9\r\n.\r\n", "octets beyond ASCII without BODY=8BITMIME"),
            (b"bcc : x\r\n.\r\n", "a Bcc field"),
        ] {
            let (_, breaches) = taken(wire, Announced::default());
            assert!(breaches.iter().any(|said| said == breach), "{breach}: {breaches:?}");
        }
        assert_eq!(taken(b"A: 1\r\n\r\n.\r\n", exact(9)).1, ["SIZE=9 was announced for 8 octets"]);
        assert_eq!(taken(b"A: 1\r\n\r\nBcc: x\r\n.\r\n", Announced::default()).1, Vec::<String>::new());
    }
}
