//! The tokens of the grammar (RFC 3501 section 9), read one by one from a command.
//!
//! Rule: exactly the grammar and nothing more: one space where it says SP, quoted strings of 7 bits unless
//! UTF8=ACCEPT is enabled, mailbox names in their one right spelling. Errors say what was expected, not where a real
//! server would have guessed.

use chrono::{NaiveDate, NaiveTime, TimeDelta};

use crate::core::InternalDate;
use crate::imap::raw::Piece;
use crate::imap::sets::{Bound, SequenceSet};
use crate::imap::utf7;

/// What is wrong with a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub String);

pub(crate) type Parsed<T> = Result<T, Malformed>;

pub(crate) fn expected<T>(what: &str) -> Parsed<T> {
    Err(Malformed(format!("expected {what}")))
}

/// A place in a command.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    pieces: &'a [Piece],
    at: usize,
    utf8: bool,
}

pub(crate) fn is_atom_char(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"(){%*\"\\]".contains(&byte)
}

fn is_astring_char(byte: u8) -> bool {
    is_atom_char(byte) || byte == b']'
}

fn is_list_char(byte: u8) -> bool {
    is_astring_char(byte) || byte == b'%' || byte == b'*'
}

impl<'a> Cursor<'a> {
    /// The start of a command; `utf8` where UTF8=ACCEPT is enabled.
    pub fn new(pieces: &'a [Piece], utf8: bool) -> Self {
        Self { pieces, at: 0, utf8 }
    }

    fn text(&self) -> &'a [u8] {
        match self.pieces.first() {
            Some(Piece::Text(text)) => text.get(self.at..).unwrap_or_default(),
            _ => &[],
        }
    }

    pub fn peek(&self) -> Option<u8> {
        self.text().first().copied()
    }

    pub fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub fn expect(&mut self, byte: u8) -> Parsed<()> {
        if self.eat(byte) { Ok(()) } else { expected(&format!("{:?}", char::from(byte))) }
    }

    pub fn space(&mut self) -> Parsed<()> {
        if self.eat(b' ') { Ok(()) } else { expected("a space") }
    }

    /// Nothing may follow.
    pub fn end(&self) -> Parsed<()> {
        if self.text().is_empty() && self.pieces.len() <= 1 {
            Ok(())
        } else {
            expected("the end of the command")
        }
    }

    pub fn take_while(&mut self, keep: impl Fn(u8) -> bool) -> &'a [u8] {
        let text = self.text();
        let count = text.iter().position(|byte| !keep(*byte)).unwrap_or(text.len());
        self.at += count;
        text.get(..count).unwrap_or_default()
    }

    fn word(&mut self, keep: impl Fn(u8) -> bool, what: &str) -> Parsed<String> {
        match self.take_while(keep) {
            [] => expected(what),
            word => Ok(String::from_utf8_lossy(word).into_owned()),
        }
    }

    pub fn atom(&mut self) -> Parsed<String> {
        self.word(is_atom_char, "an atom")
    }

    /// An atom in capitals.
    pub fn keyword(&mut self) -> Parsed<String> {
        Ok(self.atom()?.to_ascii_uppercase())
    }

    /// A word of letters, digits, `.` and `-`, in capitals: names that a `[` or `(` may follow directly.
    pub fn name(&mut self) -> Parsed<String> {
        let keep = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
        Ok(self.word(keep, "a name")?.to_ascii_uppercase())
    }

    /// The keyword, in any case, if it is next; nothing is taken otherwise.
    pub fn eat_keyword(&mut self, word: &str) -> bool {
        let mut ahead = self.clone();
        let found = ahead.keyword().is_ok_and(|found| found == word);
        if found {
            *self = ahead;
        }
        found
    }

    pub fn number64(&mut self) -> Parsed<u64> {
        let digits = self.word(|byte| byte.is_ascii_digit(), "a number")?;
        match digits.parse::<u64>() {
            Ok(number) if i64::try_from(number).is_ok() => Ok(number),
            _ => expected("a number of at most 63 bits"),
        }
    }

    pub fn nz_number64(&mut self) -> Parsed<u64> {
        match self.number64()? {
            0 => expected("a number other than 0"),
            number => Ok(number),
        }
    }

    pub fn number(&mut self) -> Parsed<u32> {
        u32::try_from(self.number64()?).or_else(|_| expected("a number of at most 32 bits"))
    }

    pub fn nz_number(&mut self) -> Parsed<u32> {
        if self.peek() == Some(b'0') {
            return expected("a number without a leading 0");
        }
        self.number()
    }

    pub fn sequence_set(&mut self) -> Parsed<SequenceSet> {
        let mut ranges = Vec::new();
        loop {
            let start = self.bound()?;
            let end = if self.eat(b':') { self.bound()? } else { start };
            ranges.push((start, end));
            if !self.eat(b',') {
                return Ok(SequenceSet(ranges));
            }
        }
    }

    fn bound(&mut self) -> Parsed<Bound> {
        if self.eat(b'*') { Ok(Bound::Last) } else { self.nz_number().map(Bound::Number) }
    }

    /// A set without `*`, as QRESYNC wants it.
    pub fn known_set(&mut self) -> Parsed<SequenceSet> {
        let set = self.sequence_set()?;
        if set.has_last() { expected("a set without *") } else { Ok(set) }
    }

    /// A quoted string or a literal.
    pub fn string(&mut self) -> Parsed<Vec<u8>> {
        if self.eat(b'"') {
            return self.quoted();
        }
        let (bytes, eight_bit) = self.literal()?;
        if eight_bit { expected("a literal without ~") } else { no_nul(bytes) }
    }

    /// A literal, and whether it is one of 8 bits with `~`.
    pub fn literal(&mut self) -> Parsed<(&'a [u8], bool)> {
        match self.pieces {
            [Piece::Text(text), Piece::Literal { bytes, eight_bit }, rest @ ..] if self.at == text.len() => {
                self.pieces = rest;
                self.at = 0;
                Ok((bytes, *eight_bit))
            }
            _ => expected("a string"),
        }
    }

    fn quoted(&mut self) -> Parsed<Vec<u8>> {
        let mut out = Vec::new();
        loop {
            let byte = match self.text() {
                [b'"', ..] => {
                    self.at += 1;
                    return self.seven_bit(out);
                }
                [b'\\', escaped @ (b'"' | b'\\'), ..] => {
                    self.at += 1;
                    *escaped
                }
                [b'\\', ..] => return expected("\\\" or \\\\ in a quoted string"),
                [0 | b'\r' | b'\n', ..] => return expected("no control octet in a quoted string"),
                [byte, ..] => *byte,
                [] => return expected("the end of a quoted string"),
            };
            out.push(byte);
            self.at += 1;
        }
    }

    fn seven_bit(&self, bytes: Vec<u8>) -> Parsed<Vec<u8>> {
        let fine = if self.utf8 { std::str::from_utf8(&bytes).is_ok() } else { bytes.is_ascii() };
        if fine { Ok(bytes) } else { expected("a quoted string without 8-bit octets") }
    }

    pub fn astring(&mut self) -> Parsed<Vec<u8>> {
        match self.take_while(is_astring_char) {
            [] => self.string(),
            word => Ok(word.to_vec()),
        }
    }

    /// NIL or a string.
    pub fn nstring(&mut self) -> Parsed<Option<Vec<u8>>> {
        if self.eat_keyword("NIL") { Ok(None) } else { self.string().map(Some) }
    }

    /// A mailbox name, decoded.
    pub fn mailbox(&mut self) -> Parsed<String> {
        let bytes = self.astring()?;
        self.decoded(bytes)
    }

    /// A mailbox name with wildcards, decoded.
    pub fn list_mailbox(&mut self) -> Parsed<String> {
        let bytes = match self.take_while(is_list_char) {
            [] => self.string()?,
            word => word.to_vec(),
        };
        self.decoded(bytes)
    }

    fn decoded(&self, bytes: Vec<u8>) -> Parsed<String> {
        let name = if self.utf8 { String::from_utf8(bytes).ok() } else { utf7::decode(&bytes) };
        name.map_or_else(|| expected("a mailbox name in its right encoding"), Ok)
    }

    pub fn flag(&mut self) -> Parsed<String> {
        let system = self.eat(b'\\');
        let atom = self.atom()?;
        if !system {
            return Ok(atom);
        }
        let known = ["answered", "flagged", "deleted", "seen", "draft"];
        if known.contains(&atom.to_ascii_lowercase().as_str()) {
            Ok(format!("\\{atom}"))
        } else {
            expected("a system flag that a client may set")
        }
    }

    /// `(a b c)`, possibly empty.
    pub fn flag_list(&mut self) -> Parsed<Vec<String>> {
        self.list(true, Self::flag)
    }

    /// A list in parentheses.
    pub fn list<T>(
        &mut self,
        may_be_empty: bool,
        mut one: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        self.expect(b'(')?;
        let mut all = Vec::new();
        if may_be_empty && self.eat(b')') {
            return Ok(all);
        }
        loop {
            all.push(one(self)?);
            if self.eat(b')') {
                return Ok(all);
            }
            self.space()?;
        }
    }

    /// `1-Feb-2024`, quoted or not.
    pub fn date(&mut self) -> Parsed<NaiveDate> {
        let quoted = self.eat(b'"');
        let day = self.word(|byte| byte.is_ascii_digit(), "a day of one or two digits")?;
        let date = if day.len() <= 2 { self.month_and_year(&day)? } else { return expected("a day") };
        if quoted {
            self.expect(b'"')?;
        }
        Ok(date)
    }

    fn month_and_year(&mut self, day: &str) -> Parsed<NaiveDate> {
        self.expect(b'-')?;
        let month = self.word(|byte| byte.is_ascii_alphabetic(), "a month")?;
        self.expect(b'-')?;
        let year = self.digits(4)?;
        let month = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
            .iter()
            .zip(1..)
            .find(|(name, _)| month.eq_ignore_ascii_case(name))
            .map(|(_, number)| number);
        let date = month
            .and_then(|month| NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day.parse().ok()?));
        date.map_or_else(|| expected("a date"), Ok)
    }

    fn digits(&mut self, count: usize) -> Parsed<u32> {
        let taken = self.text().get(..count).filter(|text| text.iter().all(u8::is_ascii_digit));
        let number = taken.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        self.at += count;
        number.map_or_else(|| expected(&format!("{count} digits")), Ok)
    }

    /// `" 1-Feb-2024 07:08:09 +0100"`: exactly this long.
    pub fn date_time(&mut self) -> Parsed<InternalDate> {
        self.expect(b'"')?;
        let day = if self.eat(b' ') { self.digits(1)? } else { self.digits(2)? };
        let date = self.month_and_year(&day.to_string())?;
        self.space()?;
        let (hour, minute, second) = self.clock()?;
        self.space()?;
        let offset_minutes = self.zone()?;
        self.expect(b'"')?;
        let made = NaiveTime::from_hms_opt(hour, minute, second).and_then(|time| {
            let zone = chrono::FixedOffset::east_opt(offset_minutes.checked_mul(60)?)?;
            let utc =
                date.and_time(time).checked_sub_signed(TimeDelta::minutes(i64::from(offset_minutes)))?;
            Some(utc.and_utc().with_timezone(&zone))
        });
        made.map_or_else(|| expected("a date and time"), Ok)
    }

    fn clock(&mut self) -> Parsed<(u32, u32, u32)> {
        let hour = self.digits(2)?;
        self.expect(b':')?;
        let minute = self.digits(2)?;
        self.expect(b':')?;
        Ok((hour, minute, self.digits(2)?))
    }

    fn zone(&mut self) -> Parsed<i32> {
        let sign = if self.eat(b'-') { -1 } else { self.expect(b'+').map(|()| 1)? };
        let (hours, minutes) = (self.digits(2)?, self.digits(2)?);
        match i32::try_from(hours * 60 + minutes) {
            Ok(offset) if minutes < 60 && hours < 24 => Ok(sign * offset),
            _ => expected("a zone"),
        }
    }
}

fn no_nul(bytes: &[u8]) -> Parsed<Vec<u8>> {
    if bytes.contains(&0) { expected("a literal without NUL") } else { Ok(bytes.to_vec()) }
}
