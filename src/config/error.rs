//! What is said when a file is wrong: file, line, key, what was found, what is expected, and what to do about it.
//!
//! The words are made here and tested where each rule stands. A value of `[credentials]` is never quoted, since a password may
//! have been written there by mistake (I11).

use std::{collections::BTreeMap, fmt, sync::Arc};

use postrider_model::{ErrorClass, Fault};

/// The longest value that is quoted, in characters.
const QUOTE_CHARS: usize = 60;

/// One thing that is wrong with one file.
///
/// Printed as `accounts.d/work.toml:7: mail.period: found "2 weeks", expected one of 1d, 1w, 1M, 1y, all`; the hint is apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigError {
    /// The file, relative to the configuration folder, or the name of what the store keeps in its stead.
    pub file: Arc<str>,
    /// The line, counted from 1. `None` where something is missing altogether or the whole file is meant.
    pub line: Option<u32>,
    /// The key with its tables, `mail.period`. `None` where the whole file is meant.
    pub key: Option<Box<str>>,
    /// What was found, in words or quoted.
    pub found: String,
    /// What is expected, in words.
    pub expected: String,
    /// What a person can do, where that is more than to write what is expected.
    pub hint: Option<String>,
    /// Whether nothing is wrong with any file, and what was asked for is simply not there.
    pub absent: bool,
}

impl ConfigError {
    /// An error about a whole file.
    pub(super) fn file(
        file: impl Into<Arc<str>>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        let (file, found, expected) = (file.into(), found.into(), expected.into());
        Self { file, line: None, key: None, found, expected, hint: None, absent: false }
    }

    /// The same about something that is not there.
    #[must_use]
    pub(super) const fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// The same with one more thing that a person can do.
    #[must_use]
    pub(super) fn hint_also(mut self, more: String) -> Self {
        self.hint = Some(match self.hint {
            Some(hint) => format!("{hint}; {more}"),
            None => more,
        });
        self
    }

    /// The same with what a person can do.
    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same without the file's name: `line 7: mail.period: found …`.
    fn without_file(&self) -> String {
        let line = self.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        let key = self.key.as_ref().map(|key| format!("{key}: ")).unwrap_or_default();
        format!("{line}{key}found {}, expected {}", self.found, self.expected)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(key) = &self.key {
            write!(f, ": {key}")?;
        }
        write!(f, ": found {}, expected {}", self.found, self.expected)
    }
}

impl std::error::Error for ConfigError {}

/// All that is wrong as one fault of class `config` (`not_found` of what is not there), with every error in its cause and the first
/// hint.
///
/// The errors are those of one account; where they come from several files, each is named.
pub fn fault(errors: &[ConfigError]) -> Fault {
    let first = errors.first().map(|error| error.file.clone()).unwrap_or_default();
    let same_file = errors.iter().all(|error| error.file == first);
    let causes: Vec<String> = match same_file {
        true => errors.iter().map(ConfigError::without_file).collect(),
        false => errors.iter().map(ToString::to_string).collect(),
    };
    let action = match same_file {
        true => format!("use {first}"),
        false => "use the configuration".to_owned(),
    };
    let class = match errors.iter().any(|error| error.absent) {
        true => ErrorClass::NotFound,
        false => ErrorClass::Config,
    };
    let mut fault = Fault::new(class, action, causes.join("; "));
    fault.hint = errors.iter().find_map(|error| error.hint.clone());
    fault
}

/// Something that works but that a person should know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigWarning {
    /// The file, as in [`ConfigError::file`].
    pub file: String,
    /// The line, counted from 1, where one is meant.
    pub line: Option<u32>,
    /// What there is to know, lower case, without a full stop.
    pub text: String,
}

impl fmt::Display for ConfigWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.text),
            None => write!(f, "{}: {}", self.file, self.text),
        }
    }
}

/// Where a setting came from. What comes later in this list wins over what comes earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OriginKind {
    /// The built-in directory.
    BuiltIn,
    /// Added by command and kept in the store.
    Stored,
    /// A file of the configuration folder.
    File,
}

impl OriginKind {
    /// What listings call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BuiltIn => "built in",
            Self::Stored => "store",
            Self::File => "file",
        }
    }
}

/// Where a thing was defined, key by key, so that what is noticed later can still be told with its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// What kind of place it is.
    pub kind: OriginKind,
    /// Its name for people: the file relative to the configuration folder, or `stored account work`.
    pub file: String,
    lines: BTreeMap<String, u32>,
}

impl Origin {
    /// A place, with the line of each key that is given there.
    pub(super) const fn new(kind: OriginKind, file: String, lines: BTreeMap<String, u32>) -> Self {
        Self { kind, file, lines }
    }

    /// The line of that key. `None` where it is not given.
    pub fn line(&self, key: &str) -> Option<u32> {
        self.lines.get(key).copied()
    }

    /// Whether the key is given there.
    pub fn gives(&self, key: &str) -> bool {
        self.lines.contains_key(key)
    }

    /// An error about that key.
    pub(super) fn error(
        &self,
        key: &str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> ConfigError {
        ConfigError {
            file: self.file.as_str().into(),
            line: self.line(key),
            key: Some(key.into()),
            found: found.into(),
            expected: expected.into(),
            hint: None,
            absent: false,
        }
    }

    /// A warning about that key.
    pub(super) fn warning(&self, key: &str, text: impl Into<String>) -> ConfigWarning {
        ConfigWarning { file: self.file.clone(), line: self.line(key), text: text.into() }
    }
}

/// A text from outside in double quotes, escaped and cut.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTE_CHARS) {
        Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

/// `did you mean …?`, where one of the known names is near to what was written.
pub fn nearest<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    /// Jaro-Winkler similarity below which a name is another name and not a slip.
    const NEAR: f64 = 0.8;
    let mut best: Option<(f64, &str)> = None;
    for name in known {
        let similarity = strsim::jaro_winkler(&written.to_lowercase(), name);
        if similarity >= NEAR && best.is_none_or(|(most, _)| similarity > most) {
            best = Some((similarity, name));
        }
    }
    best.map(|(_, name)| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error() -> ConfigError {
        ConfigError {
            file: "accounts.d/work.toml".into(),
            line: Some(7),
            key: Some("mail.period".into()),
            found: "\"2 weeks\"".into(),
            expected: "one of 1d, 1w, 1M, 1y, all".into(),
            hint: Some("write \"1M\"".into()),
            absent: false,
        }
    }

    #[test]
    fn an_error_names_file_line_key_found_and_expected() {
        assert_eq!(
            error().to_string(),
            "accounts.d/work.toml:7: mail.period: found \"2 weeks\", expected one of 1d, 1w, 1M, 1y, all"
        );
    }

    #[test]
    fn errors_of_one_file_become_one_fault() {
        let missing =
            ConfigError { line: None, key: Some("address".into()), found: "nothing".into(), ..error() };
        let fault = fault(&[error(), missing]);
        assert_eq!(fault.class, ErrorClass::Config);
        assert_eq!(
            fault.to_string(),
            "cannot use accounts.d/work.toml: line 7: mail.period: found \"2 weeks\", expected one of 1d, 1w, 1M, \
             1y, all; address: found nothing, expected one of 1d, 1w, 1M, 1y, all"
        );
        assert_eq!(fault.hint.as_deref(), Some("write \"1M\""));
    }

    #[test]
    fn errors_of_two_files_name_both() {
        let other = ConfigError { file: "providers.d/example.toml".into(), ..error() };
        let text = fault(&[error(), other]).to_string();
        assert!(text.starts_with("cannot use the configuration: accounts.d/work.toml:7: "), "{text}");
        assert!(text.contains("; providers.d/example.toml:7: "), "{text}");
    }

    #[test]
    fn what_is_quoted_is_escaped_and_cut() {
        assert_eq!(quoted("a\u{1b}[31m\u{202e}\n"), r#""a\u{1b}[31m\u{202e}\n""#);
        assert_eq!(quoted(&"é".repeat(61)), format!("\"{}\"…", "é".repeat(60)));
    }

    #[test]
    fn a_slip_finds_the_name_that_was_meant() {
        let known = ["period", "folders", "default_sender"];
        let table = [
            ("perid", Some("period")),
            ("Folder", Some("folders")),
            ("default-sender", Some("default_sender")),
        ];
        for (written, meant) in table {
            assert_eq!(
                nearest(written, known),
                meant.map(|name| format!("did you mean `{name}`?")),
                "{written}"
            );
        }
        assert_eq!(nearest("colour", known), None);
    }
}
