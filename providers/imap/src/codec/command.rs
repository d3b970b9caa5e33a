//! Commands as octets: strings quoted where that is safe, else as literals (RFC 3501, section 4.3; RFC 7888).

/// The longest string that LITERAL- lets go without waiting (RFC 7888, section 5).
const LITERAL_MINUS: usize = 4_096;

/// Which literals may be sent without waiting for the server's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Literals {
    /// None.
    Synchronising,
    /// Short ones (LITERAL-).
    ShortAtOnce,
    /// All (LITERAL+).
    AtOnce,
}

/// A command without its tag: octets to send, with a pause for the server's `+` before each piece but the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    /// What it does, for a fault: `select folder "INBOX"`.
    pub(crate) action: String,
    earlier: Vec<Vec<u8>>,
    last: Vec<u8>,
    is_secret: bool,
}

impl Command {
    /// One that begins with that text.
    pub(crate) fn new(action: impl Into<String>, text: &str) -> Self {
        Self { action: action.into(), earlier: Vec::new(), last: text.as_bytes().to_vec(), is_secret: false }
    }

    /// The same, never shown: it carries a password.
    pub(crate) const fn secret(mut self) -> Self {
        self.is_secret = true;
        self
    }

    /// Appends text as it stands.
    pub(crate) fn text(mut self, text: &str) -> Self {
        self.last.extend_from_slice(text.as_bytes());
        self
    }

    /// Goes on with that text once the server said `+`.
    pub(crate) fn then(mut self, text: &str) -> Self {
        self.last.extend_from_slice(b"\r\n");
        self.earlier.push(std::mem::take(&mut self.last));
        self.text(text)
    }

    /// Appends a string. `is_utf8` says whether UTF8=ACCEPT is on, with which quoted strings may hold UTF-8.
    pub(crate) fn string(mut self, octets: &[u8], literals: Literals, is_utf8: bool) -> Self {
        if is_quotable(octets, is_utf8) {
            self.last.push(b'"');
            for byte in octets {
                if matches!(byte, b'"' | b'\\') {
                    self.last.push(b'\\');
                }
                self.last.push(*byte);
            }
            self.last.push(b'"');
            return self;
        }
        let waits = match literals {
            Literals::Synchronising => true,
            Literals::ShortAtOnce => octets.len() > LITERAL_MINUS,
            Literals::AtOnce => false,
        };
        let plus = if waits { "" } else { "+" };
        self = self.text(&format!("{{{}{plus}}}\r\n", octets.len()));
        if waits {
            self.earlier.push(std::mem::take(&mut self.last));
        }
        self.last.extend_from_slice(octets);
        self
    }

    /// Whether the server has to speak before all of it is sent.
    pub(crate) const fn waits(&self) -> bool {
        !self.earlier.is_empty()
    }

    /// The octets of each piece, the tag before the first and the line's end behind the last.
    pub(crate) fn pieces(&self, tag: &str) -> Vec<Vec<u8>> {
        let mut pieces = self.earlier.clone();
        pieces.push([&self.last[..], b"\r\n"].concat());
        if let Some(first) = pieces.first_mut() {
            first.splice(0..0, format!("{tag} ").into_bytes());
        }
        pieces
    }

    /// What of it may be traced.
    pub(crate) fn shown(&self) -> String {
        let text = self.earlier.first().unwrap_or(&self.last);
        match self.is_secret {
            true => postrider_net::redact::HIDDEN.to_owned(),
            false => postrider_net::redact::command(text),
        }
    }
}

fn is_quotable(octets: &[u8], is_utf8: bool) -> bool {
    let is_plain = |byte: &u8| matches!(byte, 1..=0x7f) && !matches!(byte, b'\r' | b'\n');
    octets.len() <= 1_000
        && (octets.iter().all(is_plain)
            || is_utf8
                && std::str::from_utf8(octets).is_ok()
                && octets.iter().all(|byte| *byte >= 0x80 || is_plain(byte)))
}

/// Whether that keyword can stand in a command as it is (RFC 3501, section 9, `atom`).
pub(crate) fn is_atom(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_graphic() && !b"(){%*\"\\]".contains(&byte);
    !text.is_empty() && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(octets: &[u8], literals: Literals, is_utf8: bool) -> Vec<String> {
        let command = Command::new("x", "SELECT ").string(octets, literals, is_utf8).text(" (CONDSTORE)");
        command.pieces("a1").into_iter().map(|piece| String::from_utf8_lossy(&piece).into_owned()).collect()
    }

    #[test]
    fn a_string_is_quoted_where_that_is_safe() {
        use Literals::{AtOnce, ShortAtOnce, Synchronising};
        let long = "é".repeat(3_000);
        let cases: [(&str, Literals, bool, &[&str]); 7] = [
            ("IN\"BO\\X", Synchronising, false, &["a1 SELECT \"IN\\\"BO\\\\X\" (CONDSTORE)\r\n"]),
            ("", Synchronising, false, &["a1 SELECT \"\" (CONDSTORE)\r\n"]),
            ("é", Synchronising, false, &["a1 SELECT {2}\r\n", "é (CONDSTORE)\r\n"]),
            ("é", Synchronising, true, &["a1 SELECT \"é\" (CONDSTORE)\r\n"]),
            ("a\r\nb", ShortAtOnce, true, &["a1 SELECT {4+}\r\na\r\nb (CONDSTORE)\r\n"]),
            ("é", AtOnce, false, &["a1 SELECT {2+}\r\né (CONDSTORE)\r\n"]),
            (&long, ShortAtOnce, false, &["a1 SELECT {6000}\r\n", &format!("{long} (CONDSTORE)\r\n")]),
        ];
        for (text, literals, is_utf8, expected) in cases {
            assert_eq!(sent(text.as_bytes(), literals, is_utf8), expected, "{text}");
        }
    }

    #[test]
    fn what_is_secret_is_not_shown() {
        let command = Command::new("log in", "QUJD").secret();
        assert_eq!(command.shown(), "<hidden>");
        assert_eq!(Command::new("log in", "LOGIN me pw").shown(), "LOGIN <hidden>");
    }

    #[test]
    fn keywords_are_atoms_or_not() {
        for (text, fits) in [
            ("$Forwarded", true),
            ("a b", false),
            ("", false),
            ("x]", false),
            ("é", false),
            ("\\Seen", false),
        ] {
            assert_eq!(is_atom(text), fits, "{text}");
        }
    }
}
