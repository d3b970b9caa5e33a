//! The header of a message or part: where it ends, and its fields as they stand.
//!
//! Rule: the header ends behind the first empty line, whether lines end with CRLF or LF; header fields cut out for
//! `HEADER.FIELDS` are the message's own octets (RFC 3501 section 6.4.5).

use std::ops::Range;

use chrono::NaiveDate;

/// One field, folds included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    /// What is before the colon, without spaces; the whole line where there is none.
    pub name: &'a [u8],
    /// Everything from the name to the end of its last line.
    pub raw: &'a [u8],
}

/// A header and what follows it.
#[derive(Clone, Debug)]
pub(crate) struct Header<'a> {
    pub fields: Vec<Field<'a>>,
    /// Where the body begins: behind the empty line, or at the end if there is none.
    pub body_at: usize,
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    bytes.split_inclusive(|byte| *byte == b'\n').map(move |line| {
        let start = at;
        at += line.len();
        start..at
    })
}

fn is_empty_line(line: &[u8]) -> bool {
    line == b"\r\n" || line == b"\n"
}

impl<'a> Header<'a> {
    /// Reads the header at the start of these bytes.
    pub fn read(bytes: &'a [u8]) -> Self {
        let mut spans: Vec<Range<usize>> = Vec::new();
        let mut body_at = bytes.len();
        for span in lines(bytes) {
            let line = bytes.get(span.clone()).unwrap_or_default();
            if is_empty_line(line) {
                body_at = span.end;
                break;
            }
            match spans.last_mut() {
                Some(last) if line.starts_with(b" ") || line.starts_with(b"\t") => last.end = span.end,
                _ => spans.push(span),
            }
        }
        let field = |span: Range<usize>| {
            let raw = bytes.get(span).unwrap_or_default();
            let name = raw.split(|byte| *byte == b':').next().unwrap_or_default();
            Field { name: name.trim_ascii(), raw }
        };
        Self { fields: spans.into_iter().map(field).collect(), body_at }
    }

    /// The fields of this name, in any case.
    pub fn named<'s>(&'s self, name: &'s [u8]) -> impl Iterator<Item = &'s Field<'a>> {
        self.fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name))
    }

    /// The first field of this name, unfolded.
    pub fn value(&self, name: &str) -> Option<Vec<u8>> {
        self.named(name.as_bytes()).next().map(Field::value)
    }
}

impl Field<'_> {
    /// What is behind the colon: unfolded, without spaces around it.
    pub fn value(&self) -> Vec<u8> {
        let at = self.raw.iter().position(|byte| *byte == b':').map_or(self.raw.len(), |at| at + 1);
        let value = self.raw.get(at..).unwrap_or_default();
        let unfolded: Vec<u8> =
            value.iter().copied().filter(|byte| *byte != b'\r' && *byte != b'\n').collect();
        unfolded.trim_ascii().to_vec()
    }
}

/// The day of a Date field, without regard to time and zone (RFC 3501 section 6.4.4).
pub(crate) fn sent_date(header: &Header<'_>) -> Option<NaiveDate> {
    let value = header.value("Date")?;
    let text = String::from_utf8_lossy(&value).into_owned();
    let words: Vec<&str> =
        text.split([' ', '\t']).filter(|word| !word.is_empty() && !word.ends_with(',')).collect();
    let [day, month, year, ..] = words.as_slice() else { return None };
    let written = format!("{day} {month} {year}");
    NaiveDate::parse_from_str(&written, "%d %b %Y").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_octets() {
        let header = Header::read(b"Subject: a\r\n b\r\nX-Y : 1\nno colon\r\n\r\nbody");
        let names: Vec<&[u8]> = header.fields.iter().map(|field| field.name).collect();
        assert_eq!(names, [&b"Subject"[..], b"X-Y", b"no colon"]);
        assert_eq!(header.fields[0].raw, b"Subject: a\r\n b\r\n");
        assert_eq!(header.value("SUBJECT").unwrap(), b"a b");
        assert_eq!(header.body_at, 36);
        assert_eq!(Header::read(b"a: b").body_at, 4);
        assert_eq!(Header::read(b"\r\nbody").body_at, 2);
    }

    #[test]
    fn a_date_is_a_day() {
        for text in ["Date: Mon, 1 Jan 2024 23:00:00 -0800\r\n", "Date: 01 jan 2024 00:00 GMT\r\n"] {
            let day = sent_date(&Header::read(text.as_bytes()));
            assert_eq!(day, NaiveDate::from_ymd_opt(2024, 1, 1), "{text}");
        }
        assert_eq!(sent_date(&Header::read(b"Date: yesterday\r\n")), None);
    }
}
