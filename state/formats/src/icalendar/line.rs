//! Content lines (RFC 5545, section 3.1): each is kept as it came, folds and all, beside what it says.
//!
//! A line is taken apart here and not by `calcard`, which knows no RFC 6868, drops the parts of rules that it does not know, and writes
//! addresses of the web with backslashes and quotes within quotes.

/// Octets of a line, without its end, before it is folded.
const FOLD: usize = 75;

/// One property, or a line that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    raw: String,
    /// In upper case; empty where the line is no property.
    pub(super) name: String,
    pub(super) params: Vec<Param>,
    /// As it was written.
    pub(super) value: String,
}

/// A parameter of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Param {
    /// In upper case.
    pub(super) name: String,
    pub(super) values: Vec<String>,
}

impl Param {
    pub(super) fn new(name: &str, value: impl Into<String>) -> Self {
        Self { name: name.to_owned(), values: vec![value.into()] }
    }
}

impl Line {
    /// A line that is new. The value is written as it is.
    pub(super) fn new(name: &str, params: Vec<Param>, value: impl Into<String>) -> Self {
        let value: String = value.into().chars().filter(|one| !one.is_control() || *one == '\t').collect();
        let mut text = name.to_owned();
        for param in &params {
            let values: Vec<String> = param.values.iter().map(|value| param_text(value)).collect();
            text.push_str(&format!(";{}={}", param.name, values.join(",")));
        }
        text.push(':');
        text.push_str(&value);
        Self { raw: folded(&text), name: name.to_owned(), params, value }
    }

    /// A new line whose value is one text.
    pub(super) fn text(name: &str, text: &str) -> Self {
        Self::new(name, Vec::new(), escaped(text))
    }

    /// A line as it came: with its folds and its end.
    pub(super) fn read(octets: &[u8]) -> Self {
        let text = decoded(unfolded(octets));
        let raw = match std::str::from_utf8(octets) {
            Ok(raw) if raw.ends_with('\n') => raw.to_owned(),
            // A fold stood within a character, or it is no UTF-8, or the file ended: so it cannot be kept.
            _ => folded(&text),
        };
        let (name, params, value) = taken_apart(&text).unwrap_or_default();
        Self { raw, name, params, value }
    }

    /// As it came, or as it is to be written: with its end.
    pub(super) fn raw(&self) -> &str {
        &self.raw
    }

    /// The first value of a parameter.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        let param = self.params.iter().find(|param| param.name == name)?;
        param.values.first().map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The same with another value of a parameter, where it has that one.
    pub(super) fn with_param(self, name: &str, was: &str, now: &str) -> Self {
        if self.param(name) != Some(was) {
            return self;
        }
        let mut params = self.params;
        for param in params.iter_mut().filter(|param| param.name == name) {
            *param = Param::new(name, now);
        }
        Self::new(&self.name, params, self.value)
    }

    /// The value as a text.
    pub(super) fn as_text(&self) -> String {
        unescaped(&self.value)
    }

    /// The value as a list of texts.
    pub(super) fn as_list(&self) -> Vec<String> {
        split_list(&self.value).into_iter().map(|text| unescaped(text).trim().to_owned()).collect()
    }
}

/// The lines of a file, each with its folds and its end, and the number of its first line, from 1.
pub(super) fn logical(file: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let file = file.strip_prefix("\u{feff}".as_bytes()).unwrap_or(file);
    let (mut rest, mut number) = (file, 1);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = 0;
        let begins = number;
        loop {
            let left = rest.get(end..).unwrap_or_default();
            end += left.iter().position(|octet| *octet == b'\n').map_or(left.len(), |at| at + 1);
            number += 1;
            if !matches!(rest.get(end), Some(b' ' | b'\t')) {
                break;
            }
        }
        let (line, after) = rest.split_at(end);
        rest = after;
        Some((begins, line))
    })
}

/// A line without folds and without its end. Folds go before it is decoded: one may stand within a character.
fn unfolded(octets: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(octets.len());
    for (at, line) in octets.split_inclusive(|octet| *octet == b'\n').enumerate() {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        joined.extend_from_slice(if at == 0 { line } else { line.get(1..).unwrap_or_default() });
    }
    joined
}

fn decoded(text: Vec<u8>) -> String {
    String::from_utf8(text).unwrap_or_else(|wrong| {
        encoding_rs::WINDOWS_1252.decode_without_bom_handling(wrong.as_bytes()).0.into_owned()
    })
}

fn folded(text: &str) -> String {
    let mut raw = String::with_capacity(text.len() + text.len() / 32 + 2);
    let mut width = 0;
    for one in text.chars() {
        if width + one.len_utf8() > FOLD {
            raw.push_str("\r\n ");
            width = 1;
        }
        raw.push(one);
        width += one.len_utf8();
    }
    raw.push_str("\r\n");
    raw
}

/// Name, parameters and value. `None` for a line that is no property.
fn taken_apart(text: &str) -> Option<(String, Vec<Param>, String)> {
    let end = text.find([':', ';'])?;
    let (name, mut rest) = text.split_at(end);
    let name = name.trim().to_ascii_uppercase();
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet))
    };
    if !is_name(&name) {
        return None;
    }
    let mut params = Vec::new();
    while let Some(after) = rest.strip_prefix(';') {
        let end = after.find(['=', ':', ';'])?;
        let (name, after) = after.split_at(end);
        let name = name.trim().to_ascii_uppercase();
        let mut values = Vec::new();
        let Some(mut left) = after.strip_prefix('=') else {
            // vCalendar 1.0 has values without a name.
            params.push(Param { name, values });
            rest = after;
            continue;
        };
        loop {
            let (value, after) = param_value(left)?;
            values.push(value);
            match after.strip_prefix(',') {
                Some(more) => left = more,
                None => {
                    rest = after;
                    break;
                }
            }
        }
        params.push(Param { name, values });
    }
    Some((name, params, rest.strip_prefix(':')?.to_owned()))
}

/// One value of a parameter, and what stands behind it.
fn param_value(text: &str) -> Option<(String, &str)> {
    match text.strip_prefix('"') {
        Some(quoted) => {
            let (value, rest) = quoted.split_once('"')?;
            Some((unescaped_param(value), rest))
        }
        None => {
            let end = text.find([',', ';', ':'])?;
            let (value, rest) = text.split_at(end);
            Some((unescaped_param(value), rest))
        }
    }
}

/// RFC 6868, section 3.
fn unescaped_param(value: &str) -> String {
    if !value.contains('^') {
        return value.to_owned();
    }
    let mut text = String::with_capacity(value.len());
    let mut chars = value.chars().peekable();
    while let Some(one) = chars.next() {
        let said = match (one, chars.peek()) {
            ('^', Some('n')) => Some('\n'),
            ('^', Some('^')) => Some('^'),
            ('^', Some('\'')) => Some('"'),
            _ => None,
        };
        if said.is_some() {
            chars.next();
        }
        text.push(said.unwrap_or(one));
    }
    text
}

fn param_text(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    for one in value.chars() {
        match one {
            '^' => text.push_str("^^"),
            '\n' => text.push_str("^n"),
            '"' => text.push_str("^'"),
            one if one.is_control() => {}
            one => text.push(one),
        }
    }
    // Python's `icalendar` drops a blank behind a `=` that is not quoted.
    if text.contains([',', ';', ':', '=']) { format!("\"{text}\"") } else { text }
}

/// A text as a value (RFC 5545, section 3.3.11).
pub(super) fn escaped(text: &str) -> String {
    let mut value = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    while let Some(one) = chars.next() {
        match one {
            '\\' | ';' | ',' => {
                value.push('\\');
                value.push(one);
            }
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' | '\n' => value.push_str("\\n"),
            one => value.push(one),
        }
    }
    value
}

/// The text of a value. A backslash before anything but what has to have one is a backslash, as programs write it that know no better.
fn unescaped(value: &str) -> String {
    if !value.contains('\\') {
        return value.to_owned();
    }
    let mut text = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(one) = chars.next() {
        if one != '\\' {
            text.push(one);
            continue;
        }
        match chars.next() {
            Some('n' | 'N') => text.push('\n'),
            Some(plain @ ('\\' | ';' | ',' | ':' | '"')) => text.push(plain),
            Some(other) => text.extend(['\\', other]),
            None => text.push('\\'),
        }
    }
    text
}

/// The parts of a value between its commas.
pub(super) fn split_list(value: &str) -> Vec<&str> {
    let (mut parts, mut from, mut is_escaped) = (Vec::new(), 0, false);
    for (at, octet) in value.bytes().enumerate() {
        match octet {
            b',' if !is_escaped => {
                parts.push(value.get(from..at).unwrap_or_default());
                from = at + 1;
            }
            _ => {}
        }
        is_escaped = octet == b'\\' && !is_escaped;
    }
    parts.push(value.get(from..).unwrap_or_default());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line::read(text.as_bytes())
    }

    #[test]
    fn a_line_is_taken_apart_in_every_form() {
        let attendee = line(
            "ATTENDEE;CN=\"Doe, John: x\";ROLE=REQ-PARTICIPANT;DELEGATED-TO=\"mailto:a@x\",\"mailto:b@x\":MAILTO:j@\r\n example.com\r\n",
        );
        assert_eq!((&*attendee.name, &*attendee.value), ("ATTENDEE", "MAILTO:j@example.com"));
        assert_eq!(attendee.param("CN"), Some("Doe, John: x"));
        assert_eq!(attendee.params[2].values, ["mailto:a@x", "mailto:b@x"]);
        assert_eq!(line("ORGANIZER;CN=George ^'Big^' ^^^n:mailto:g\n").param("CN"), Some("George \"Big\" ^"));
        let old = line("dtstart;VALUE = date:20260101\r\n");
        assert_eq!((&*old.name, old.param("VALUE")), ("DTSTART", Some("date")));
        assert_eq!(line("DESCRIPTION;QUOTED-PRINTABLE:a\r\n").value, "a");
        for none in ["", "\r\n", "no colon\r\n", "A B:c\r\n", "A;B=\"c:d\r\n", ":x\r\n", "ж:x\r\n"] {
            assert_eq!(line(none).name, "", "{none}");
        }
    }

    #[test]
    fn texts_come_back_as_they_went() {
        for text in
            ["", "a\\b;c,d\ne", "\\n", "ж".repeat(90).as_str(), "C:\\temp", "a\\", "tab\there", "\"q\" ^' ^n"]
        {
            let new = Line::new("SUMMARY", vec![Param::new("X-P", text)], escaped(text));
            assert!(new.raw().lines().all(|line| line.len() <= FOLD), "{}", new.raw());
            let again = Line::read(new.raw().as_bytes());
            assert_eq!(
                (again.as_text().as_str(), again.params[0].values[0].as_str()),
                (text, text.replace('\t', "").as_str())
            );
            assert_eq!(again, Line::read(again.raw().as_bytes()));
        }
        assert_eq!(line("X:a\\,b,c\\\\,d\r\n").as_list(), ["a,b", "c\\", "d"]);
        assert_eq!(line("X:C:\\tmp\\N\r\n").as_text(), "C:\\tmp\n");
    }

    #[test]
    fn lines_keep_their_folds_and_their_ends() {
        let file = "\u{feff}A:1\r\nB:2\n 3\n\t4\r\n\r\nC:5".as_bytes();
        let lines: Vec<(usize, String)> =
            logical(file).map(|(at, line)| (at, Line::read(line).raw().to_owned())).collect();
        let raw = [(1, "A:1\r\n"), (2, "B:2\n 3\n\t4\r\n"), (5, "\r\n"), (6, "C:5\r\n")];
        assert_eq!(lines, raw.map(|(at, text)| (at, text.to_owned())));
        let within = [b"SUMMARY:\xd0".as_slice(), b"\r\n \x96\r\n"].concat();
        assert_eq!(Line::read(&within).as_text(), "Ж");
        assert_eq!(Line::read(b"SUMMARY:Ren\xe9\r\n").as_text(), "René");
    }
}
