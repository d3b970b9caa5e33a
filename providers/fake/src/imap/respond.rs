//! Strings as the server writes them.
//!
//! Rule: lawful whatever the bytes: quoted where that is allowed, a literal else, so that a client meets both.

use super::parse::is_atom_char;
use super::utf7;

/// How strings are to be written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    /// UTF8=ACCEPT is enabled.
    pub utf8: bool,
    /// Literals wherever one may stand.
    pub literals: bool,
    /// NIL wherever it may stand.
    pub nil: bool,
}

const QUOTED_CAP: usize = 1_000;

impl Style {
    /// A quoted string or a literal.
    pub fn string(self, out: &mut Vec<u8>, bytes: &[u8]) {
        let seven_bit = bytes.is_ascii() || (self.utf8 && std::str::from_utf8(bytes).is_ok());
        let control = bytes.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n'));
        if self.literals || control || !seven_bit || bytes.len() > QUOTED_CAP {
            return literal(out, bytes);
        }
        out.push(b'"');
        for byte in bytes {
            if matches!(byte, b'"' | b'\\') {
                out.push(b'\\');
            }
            out.push(*byte);
        }
        out.push(b'"');
    }

    /// A string, or NIL where there is none.
    pub fn nstring(self, out: &mut Vec<u8>, bytes: Option<&[u8]>) {
        match bytes.filter(|_| !self.nil) {
            Some(bytes) => self.string(out, bytes),
            None => out.extend_from_slice(b"NIL"),
        }
    }

    /// A literal, or NIL where the server is to say so.
    pub fn body(self, out: &mut Vec<u8>, bytes: &[u8]) {
        if self.nil { out.extend_from_slice(b"NIL") } else { literal(out, bytes) }
    }

    /// A mailbox name: an atom where it can be one.
    pub fn mailbox(self, out: &mut Vec<u8>, name: &str) {
        let wire = if self.utf8 { name.to_owned() } else { utf7::encode(name) };
        let is_atom = !wire.is_empty() && wire.bytes().all(is_atom_char) && !wire.eq_ignore_ascii_case("NIL");
        if is_atom && !self.literals {
            out.extend_from_slice(wire.as_bytes());
        } else {
            self.string(out, wire.as_bytes());
        }
    }
}

/// `{n}` and n octets.
fn literal(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(format!("{{{}}}\r\n", bytes.len()).as_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(act: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        act(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn strings_are_quoted_where_they_can_be() {
        let plain = Style::default();
        let utf8 = Style { utf8: true, ..plain };
        let literals = Style { literals: true, ..plain };
        for (style, bytes, expected) in [
            (plain, &b"a \"b\" \\"[..], r#""a \"b\" \\""#),
            (plain, "ö".as_bytes(), "{2}\r\nö"),
            (utf8, "ö".as_bytes(), "\"ö\""),
            (plain, b"a\nb", "{3}\r\na\nb"),
            (literals, b"a", "{1}\r\na"),
        ] {
            assert_eq!(written(|out| style.string(out, bytes)), expected);
        }
        assert_eq!(written(|out| plain.nstring(out, None)), "NIL");
        assert_eq!(written(|out| Style { nil: true, ..plain }.body(out, b"x")), "NIL");
    }

    #[test]
    fn mailbox_names_are_atoms_where_they_can_be() {
        let plain = Style::default();
        for (name, expected) in [
            ("INBOX", "INBOX"),
            ("a b", "\"a b\""),
            ("Größe", "Gr&APYA3w-e"),
            ("nil", "\"nil\""),
            ("a]", "\"a]\""),
        ] {
            assert_eq!(written(|out| plain.mailbox(out, name)), expected);
        }
        assert_eq!(written(|out| Style { utf8: true, ..plain }.mailbox(out, "ö")), "\"ö\"");
        assert_eq!(written(|out| Style { literals: true, ..plain }.mailbox(out, "a")), "{1}\r\na");
    }
}
