//! Header fields as bytes: where the header ends, where a field begins and ends (RFC 5322 section 2.2).
//!
//! Lines end in CRLF or in a bare LF, also mixed. Nothing is decoded here.

use memchr::memchr;
use std::borrow::Cow;

/// The header of a message with the blank line that ends it; all of `raw` where there is none.
///
/// The blank line is the first line with nothing but its line end, CRLF or LF, which is where Dovecot and Cyrus
/// divide `BODY[HEADER]` from `BODY[TEXT]`. So for a server that serves CRLF (RFC 3501 requires it, Dovecot converts) this is
/// the very `BODY[HEADER]`. A line without a colon does not end the header.
#[must_use]
pub fn header_block(raw: &[u8]) -> &[u8] {
    raw.get(..header_len(raw)).unwrap_or(raw)
}

pub(super) fn header_len(raw: &[u8]) -> usize {
    let mut start = 0;
    while let Some(line) = raw.get(start..).and_then(first_line) {
        start += line.len();
        if is_blank(line) {
            break;
        }
    }
    start
}

/// The first line with its line end; `None` at the end of the bytes.
pub(super) fn first_line(bytes: &[u8]) -> Option<&[u8]> {
    match memchr(b'\n', bytes) {
        Some(at) => bytes.get(..=at),
        None if bytes.is_empty() => None,
        None => Some(bytes),
    }
}

pub(super) fn is_blank(line: &[u8]) -> bool {
    line == b"\r\n" || line == b"\n"
}

/// One field as it stands.
pub(super) struct Field<'a> {
    /// Without the colon and the space before it.
    pub name: &'a [u8],
    /// All after the colon: folds and the last line end included.
    pub value: &'a [u8],
}

impl<'a> Field<'a> {
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value with the line end that mail-parser waits for, at most `max` bytes of it.
    pub fn terminated(&self, max: usize) -> Cow<'a, [u8]> {
        if self.value.len() <= max && self.value.ends_with(b"\n") {
            return Cow::Borrowed(self.value);
        }
        let mut value = self.value.get(..max).unwrap_or(self.value).to_vec();
        value.push(b'\n');
        Cow::Owned(value)
    }
}

/// The fields of a header, in order; lines that are no field are left out.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub fn new(header: &'a [u8]) -> Self {
        Fields { rest: header }
    }

    /// One line with those that continue it.
    fn unit(&mut self) -> Option<&'a [u8]> {
        let first = first_line(self.rest)?;
        if is_blank(first) {
            return None;
        }
        let mut len = first.len();
        while let Some(next) = self.rest.get(len..) {
            match next.first() {
                Some(b' ' | b'\t') => len += first_line(next).map_or(0, <[u8]>::len),
                _ => break,
            }
        }
        let (unit, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(unit)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        loop {
            let unit = self.unit()?;
            if let Some((name, value)) = memchr(b':', unit).and_then(|colon| unit.split_at_checked(colon)) {
                let value = value.get(1..).unwrap_or_default();
                return Some(Field { name: name.trim_ascii_end(), value });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_ends_at_the_first_blank_line() {
        for (raw, header) in [
            ("A: b\r\n\r\nbody", "A: b\r\n\r\n"),
            ("A: b\n\nbody\n\n", "A: b\n\n"),
            ("A: b\n\r\nbody", "A: b\n\r\n"),
            ("A: b\r\n\nbody", "A: b\r\n\n"),
            ("\r\nbody", "\r\n"),
            ("\nbody", "\n"),
            ("A: b\r\n", "A: b\r\n"),
            ("A: b", "A: b"),
            ("no colon\r\nA: b\r\n\r\n", "no colon\r\nA: b\r\n\r\n"),
            ("A: b\r\n \r\nC: d\r\n\r\nx", "A: b\r\n \r\nC: d\r\n\r\n"),
            ("", ""),
        ] {
            assert_eq!(header_block(raw.as_bytes()), header.as_bytes(), "{raw:?}");
        }
    }

    #[test]
    fn fields_keep_their_folds_and_skip_what_is_none() {
        let header = b"From root\r\nA: 1\r\n\t2\r\nbroken\r\n  more\r\nB :3\r\n\r\nC: body";
        let got: Vec<_> = Fields::new(header).map(|f| (f.name, f.value)).collect();
        assert_eq!(got, [(&b"A"[..], &b" 1\r\n\t2\r\n"[..]), (b"B", b"3\r\n")]);
    }

    proptest::proptest! {
        #[test]
        fn the_header_is_a_beginning_and_its_own_header(raw in "(A: b|\r|\n|\r\n| |:){0,12}") {
            let header = header_block(raw.as_bytes());
            proptest::prop_assert!(raw.as_bytes().starts_with(header));
            proptest::prop_assert_eq!(header_block(header), header);
            // No field reaches beyond the header.
            proptest::prop_assert_eq!(Fields::new(raw.as_bytes()).count(), Fields::new(header).count());
        }
    }

    #[test]
    fn a_value_is_cut_and_terminated() {
        let field = |value| Field { name: b"A", value };
        assert_eq!(field(&b"x\r\n"[..]).terminated(10).as_ref(), b"x\r\n");
        assert_eq!(field(&b"xyz"[..]).terminated(10).as_ref(), b"xyz\n");
        assert_eq!(field(&b"xyz\r\n"[..]).terminated(2).as_ref(), b"xy\n");
    }
}
