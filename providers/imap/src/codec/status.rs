//! Status responses: how a command ended, and what a server says between (RFC 3501, section 7.1; RFC 5530).

use super::value::number;

/// What a status response says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatusKind {
    /// Done.
    Ok,
    /// Refused, or failed.
    No,
    /// Not understood.
    Bad,
    /// The connection ends.
    Bye,
    /// Logged in already.
    PreAuth,
}

impl StatusKind {
    /// The kind of that name.
    pub(crate) fn from_name(name: &[u8]) -> Option<Self> {
        let table = [
            ("OK", Self::Ok),
            ("NO", Self::No),
            ("BAD", Self::Bad),
            ("BYE", Self::Bye),
            ("PREAUTH", Self::PreAuth),
        ];
        table.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes())).map(|(_, kind)| kind)
    }

    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::No => "NO",
            Self::Bad => "BAD",
            Self::Bye => "BYE",
            Self::PreAuth => "PREAUTH",
        }
    }
}

/// What stands in brackets: `[UIDVALIDITY 7]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code {
    /// The name in capitals.
    pub(crate) name: String,
    /// The rest, as it stands.
    pub(crate) arguments: Vec<u8>,
}

impl Code {
    /// The only argument as a number.
    pub(crate) fn number(&self) -> Option<u64> {
        number(self.arguments.trim_ascii())
    }

    /// The arguments as words.
    pub(crate) fn words(&self) -> impl Iterator<Item = String> + '_ {
        words(&self.arguments)
    }
}

/// Words between spaces.
pub(crate) fn words(text: &[u8]) -> impl Iterator<Item = String> + '_ {
    let words = text.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    words.map(|word| String::from_utf8_lossy(word).into_owned())
}

/// A status response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    /// OK or not.
    pub(crate) kind: StatusKind,
    /// What a program is to know.
    pub(crate) code: Option<Code>,
    /// What a person is to know, as it came.
    pub(crate) text: Vec<u8>,
}

impl Status {
    /// From what stands behind the kind. A bracket that does not end is text.
    pub(crate) fn parse(kind: StatusKind, rest: &[u8]) -> Self {
        let bracketed = rest.strip_prefix(b"[").and_then(|inner| {
            let end = memchr::memchr(b']', inner)?;
            let (code, text) = inner.split_at_checked(end)?;
            Some((code, text.get(1..).unwrap_or_default()))
        });
        let Some((code, text)) = bracketed else { return Self { kind, code: None, text: rest.to_vec() } };
        let end = memchr::memchr(b' ', code).unwrap_or(code.len());
        let (name, arguments) = code.split_at(end);
        let code = Code {
            name: String::from_utf8_lossy(name).to_ascii_uppercase(),
            arguments: arguments.trim_ascii().to_vec(),
        };
        Self { kind, code: Some(code), text: text.trim_ascii_start().to_vec() }
    }

    /// The code's name, or nothing.
    pub(crate) fn code_name(&self) -> &str {
        self.code.as_ref().map_or("", |code| code.name.as_str())
    }
}
