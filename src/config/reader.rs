//! Reads one TOML text table by table, key by key, and remembers what is wrong instead of stopping at it.
//!
//! Rules: every key is asked for by name, and what nobody asked for is an unknown key; a wrong value is noted and answered as
//! if it were absent, so that all errors of a file come out at once. Nothing here knows what the keys mean.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    ops::RangeInclusive,
};

use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Origin, OriginKind, nearest, quoted};

/// Text that is being read, with what was noticed so far.
pub(super) struct Source<'t> {
    kind: OriginKind,
    file: String,
    text: &'t str,
    errors: RefCell<Vec<ConfigError>>,
    lines: RefCell<BTreeMap<String, u32>>,
}

impl<'t> Source<'t> {
    /// Reads `text` by `parse`, which is given the outermost table.
    ///
    /// # Errors
    /// All that is wrong with it, in the order of lines; where the TOML itself is wrong, only that.
    pub(super) fn read<T>(
        kind: OriginKind,
        file: &str,
        text: &'t str,
        parse: impl FnOnce(Section<'_, 't>) -> Option<T>,
    ) -> Result<(T, Origin), Vec<ConfigError>> {
        let source =
            Self { kind, file: file.to_owned(), text, errors: RefCell::default(), lines: RefCell::default() };
        let (table, broken) = DeTable::parse_recoverable(text);
        if !broken.is_empty() {
            return Err(broken.iter().map(|error| source.broken(error)).collect());
        }
        let parsed = parse(Section::new(&source, String::new(), None, table.into_inner()));
        source.finish(parsed)
    }

    fn finish<T>(self, parsed: Option<T>) -> Result<(T, Origin), Vec<ConfigError>> {
        let mut errors = self.errors.into_inner();
        errors.sort_by_key(|error| (error.line, error.key.clone()));
        match parsed {
            Some(parsed) if errors.is_empty() => {
                Ok((parsed, Origin::new(self.kind, self.file, self.lines.into_inner())))
            }
            _ => Err(errors),
        }
    }

    /// TOML that does not parse. The parser's own rendering would quote the line, which may hold a secret.
    fn broken(&self, error: &toml::de::Error) -> ConfigError {
        let line = error.span().map(|span| self.line_at(span.start));
        let mut broken = ConfigError::file(
            self.file.as_str(),
            format!("text that is not TOML ({})", error.message().replace('\n', ", ")),
            "TOML 1.0 (https://toml.io)",
        );
        broken.line = line;
        broken
    }

    fn line_at(&self, offset: usize) -> u32 {
        let before = self.text.as_bytes().get(..offset).unwrap_or(self.text.as_bytes());
        let breaks = before.iter().filter(|byte| **byte == b'\n').count();
        u32::try_from(breaks).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// A value with the line of its key.
struct Entry<'t> {
    line: u32,
    value: DeValue<'t>,
}

/// One table that is being read.
pub(super) struct Section<'s, 't> {
    source: &'s Source<'t>,
    path: String,
    line: Option<u32>,
    entries: RefCell<BTreeMap<String, Entry<'t>>>,
    known: RefCell<Vec<&'static str>>,
    confidential: Cell<bool>,
}

impl<'s, 't> Section<'s, 't> {
    fn new(source: &'s Source<'t>, path: String, line: Option<u32>, table: DeTable<'t>) -> Self {
        let mut entries = BTreeMap::new();
        for (key, value) in table {
            let line = source.line_at(key.span().start);
            entries.insert(key.into_inner().into_owned(), Entry { line, value: value.into_inner() });
        }
        let entries = RefCell::new(entries);
        Self { source, path, line, entries, known: RefCell::default(), confidential: Cell::new(false) }
    }

    /// From now on no value of this table is quoted in an error.
    pub(super) fn keep_confidential(&self) {
        self.confidential.set(true);
    }

    /// The key with the tables that it stands in.
    pub(super) fn key(&self, name: &str) -> String {
        match self.path.is_empty() {
            true => name.to_owned(),
            false => format!("{}.{name}", self.path),
        }
    }

    /// Whether the key is given, whatever its value.
    pub(super) fn gives(&self, name: &str) -> bool {
        self.source.lines.borrow().contains_key(&self.key(name)) || self.entries.borrow().contains_key(name)
    }

    /// Notes an error about that key, which may have been read already.
    pub(super) fn error(&self, name: &str, found: impl Into<String>, expected: impl Into<String>) {
        self.error_with_hint(name, found, expected, None);
    }

    /// Notes an error with what a person can do.
    pub(super) fn error_with_hint(
        &self,
        name: &str,
        found: impl Into<String>,
        expected: impl Into<String>,
        hint: Option<String>,
    ) {
        let key = self.key(name);
        let line = self.source.lines.borrow().get(&key).copied().or(self.line);
        self.source.errors.borrow_mut().push(ConfigError {
            file: self.source.file.as_str().into(),
            line,
            key: Some(key.into()),
            found: found.into(),
            expected: expected.into(),
            hint,
            absent: false,
        });
    }

    /// Passes a value on, and notes that its key is missing where it is.
    pub(super) fn required<T>(&self, name: &str, value: Option<T>, expected: &str) -> Option<T> {
        if value.is_none() && !self.gives(name) {
            self.error(name, "nothing", expected);
        }
        value
    }

    /// The value of a string key, read by `read`, which answers `None` to what is wrong.
    pub(super) fn parsed<T>(
        &self,
        name: &'static str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.take(name)?;
        let parsed = value.as_str().and_then(read);
        if parsed.is_none() {
            self.error(name, self.describe(&value), expected);
        }
        parsed
    }

    /// The value of a key that is one of a few words.
    pub(super) fn choice<T: Copy>(&self, name: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let value = self.take(name)?;
        self.choose(name, &value, choices)
    }

    /// The values of a key that is one of a few words or a list of them.
    pub(super) fn choices<T: Copy>(&self, name: &'static str, choices: &[(&str, T)]) -> Option<Vec<T>> {
        match self.take(name)? {
            DeValue::Array(values) if values.is_empty() => {
                self.error(name, "an empty list", one_of(choices.iter().map(|(word, _)| *word)));
                None
            }
            DeValue::Array(values) => values
                .into_iter()
                .map(|value| self.choose(name, value.get_ref(), choices))
                .collect::<Vec<_>>()
                .into_iter()
                .collect(),
            value => self.choose(name, &value, choices).map(|one| vec![one]),
        }
    }

    fn choose<T: Copy>(&self, name: &str, value: &DeValue<'_>, choices: &[(&str, T)]) -> Option<T> {
        let words = || choices.iter().map(|(word, _)| *word);
        let written = value.as_str().unwrap_or_default();
        let found = choices.iter().find(|(word, _)| *word == written).map(|(_, choice)| *choice);
        if found.is_none() {
            let hint = nearest(written, words());
            self.error_with_hint(name, self.describe(value), one_of(words()), hint);
        }
        found
    }

    /// The value of a yes-or-no key.
    pub(super) fn bool(&self, name: &'static str) -> Option<bool> {
        let value = self.take(name)?;
        if value.as_bool().is_none() {
            self.error(name, self.describe(&value), "true or false");
        }
        value.as_bool()
    }

    /// The value of a whole number within `range`.
    pub(super) fn integer(&self, name: &'static str, range: RangeInclusive<u32>) -> Option<u32> {
        let value = self.take(name)?;
        let number = value.as_integer().and_then(|number| {
            u32::from_str_radix(number.as_str(), number.radix()).ok().filter(|number| range.contains(number))
        });
        if number.is_none() {
            let expected = format!("a whole number from {} to {}", range.start(), range.end());
            self.error(name, self.describe(&value), expected);
        }
        number
    }

    /// The values of a list of strings, each read by `read`.
    pub(super) fn list<T>(
        &self,
        name: &'static str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let value = self.take(name)?;
        let DeValue::Array(values) = &value else {
            self.error(name, self.describe(&value), expected);
            return None;
        };
        let mut read_values = Vec::with_capacity(values.len());
        for value in values {
            match value.get_ref().as_str().and_then(&read) {
                Some(read) => read_values.push(read),
                None => self.error(name, format!("{} in the list", self.describe(value.get_ref())), expected),
            }
        }
        (read_values.len() == values.len()).then_some(read_values)
    }

    /// The value of a key that is the word `all` (`None` inside) or a list of strings, each read by `read`.
    pub(super) fn all_or_list(
        &self,
        name: &'static str,
        expected: &str,
        read: impl Fn(&str) -> Option<String>,
    ) -> Option<Option<Vec<String>>> {
        let is_all = self.entries.borrow().get(name).is_some_and(|entry| entry.value.as_str() == Some("all"));
        match is_all {
            true => self.take(name).map(|_| None),
            false => self.list(name, expected, read).map(Some),
        }
    }

    /// The value of a day, written as a string or as a TOML date.
    pub(super) fn date(&self, name: &'static str) -> Option<chrono::NaiveDate> {
        let value = self.take(name)?;
        let written = match &value {
            DeValue::Datetime(at) => at.to_string(),
            other => other.as_str().unwrap_or_default().to_owned(),
        };
        let day = chrono::NaiveDate::parse_from_str(&written, "%Y-%m-%d").ok();
        if day.is_none() {
            self.error(name, self.describe(&value), "a day such as \"2026-01-31\"");
        }
        day
    }

    /// The table of that name.
    pub(super) fn table(&self, name: &'static str) -> Option<Section<'s, 't>> {
        let line = self.line_of(name);
        match self.take(name)? {
            DeValue::Table(table) => Some(Section::new(self.source, self.key(name), line, table)),
            value => {
                let expected = format!("a table, written [{}]", self.key(name));
                self.error(name, self.describe(&value), expected);
                None
            }
        }
    }

    /// The names and values, sorted by name, of a table whose names are free and whose values are strings, each read by `read`.
    pub(super) fn texts(
        &self,
        name: &'static str,
        expected: &str,
        read: impl Fn(&str) -> Option<String>,
    ) -> Option<Vec<(String, String)>> {
        let section = self.table(name)?;
        let entries = section.entries.take();
        let count = entries.len();
        let mut texts = Vec::with_capacity(count);
        for (key, entry) in entries {
            section.source.lines.borrow_mut().insert(section.key(&key), entry.line);
            match entry.value.as_str().and_then(&read) {
                Some(text) => texts.push((key, text)),
                None => section.error(&key, section.describe(&entry.value), expected),
            }
        }
        (texts.len() == count).then_some(texts)
    }

    /// The tables of an array of tables, in their order.
    pub(super) fn tables(&self, name: &'static str) -> Vec<Section<'s, 't>> {
        let (expected, key) = (format!("tables, each written [[{}]]", self.key(name)), self.key(name));
        let Some(value) = self.take(name) else { return Vec::new() };
        let DeValue::Array(values) = value else {
            self.error(name, self.describe(&value), expected);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            let line = self.source.line_at(value.span().start);
            match value.into_inner() {
                DeValue::Table(table) => {
                    let path = format!("{key}[{}]", index + 1);
                    sections.push(Section::new(self.source, path, Some(line), table));
                }
                other => self.error(name, self.describe(&other), expected.clone()),
            }
        }
        sections
    }

    /// Notes every key that nobody asked for.
    pub(super) fn finish(self) {
        let (entries, known) = (self.entries.take(), self.known.take());
        for (name, entry) in entries {
            let name = name.escape_debug().to_string();
            self.source.lines.borrow_mut().insert(self.key(&name), entry.line);
            let hint = nearest(&name, known.iter().copied());
            self.error_with_hint(&name, "an unknown key", one_of(known.iter().copied()), hint);
        }
    }

    /// Notes that a key, known by its very name, must not be there.
    pub(super) fn forbid(&self, name: &'static str, expected: &str, hint: &str) {
        if let Some(value) = self.take(name) {
            self.known.borrow_mut().retain(|known| *known != name);
            self.error_with_hint(name, self.describe(&value), expected, Some(hint.to_owned()));
        }
    }

    /// Notes an error about this table as a whole.
    pub(super) fn error_here(&self, found: impl Into<String>, expected: impl Into<String>) {
        self.source.errors.borrow_mut().push(ConfigError {
            file: self.source.file.as_str().into(),
            line: self.line,
            key: Some(self.path.as_str().into()),
            found: found.into(),
            expected: expected.into(),
            hint: None,
            absent: false,
        });
    }

    /// Leaves the table alone, because the table itself is what is wrong.
    pub(super) fn ignore(self) {
        self.entries.take();
    }

    fn line_of(&self, name: &str) -> Option<u32> {
        self.entries.borrow().get(name).map(|entry| entry.line)
    }

    fn take(&self, name: &'static str) -> Option<DeValue<'t>> {
        self.known.borrow_mut().push(name);
        let entry = self.entries.borrow_mut().remove(name)?;
        self.source.lines.borrow_mut().insert(self.key(name), entry.line);
        Some(entry.value)
    }

    /// A value in words: quoted, or only its type where values are confidential.
    fn describe(&self, value: &DeValue<'_>) -> String {
        match value {
            DeValue::String(text) if !self.confidential.get() => quoted(text),
            DeValue::Integer(number) if !self.confidential.get() => number.to_string(),
            DeValue::Float(number) if !self.confidential.get() => number.to_string(),
            DeValue::Boolean(yes) => yes.to_string(),
            DeValue::String(_) => "a string".to_owned(),
            DeValue::Integer(_) | DeValue::Float(_) => "a number".to_owned(),
            DeValue::Datetime(_) => "a date".to_owned(),
            DeValue::Array(_) => "a list".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        }
    }
}

/// `one of a, b, c`
fn one_of<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    match words.as_slice() {
        [] => "nothing here".to_owned(),
        [only] => (*only).to_owned(),
        words => format!("one of {}", words.join(", ")),
    }
}
