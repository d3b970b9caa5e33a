//! How things go wrong, by what is to be done about it. The class decides the retry, the exit code and the words.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is to be done about a failure (F6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// It may pass: the same again later, with back-off.
    Transient,
    /// The server asked for a pause, which is kept.
    Throttled,
    /// The login was refused: not repeated until a person changes it.
    Login,
    /// The same again would fail again: a person or a new version has to act.
    Permanent,
    /// A file or an option is wrong.
    Config,
    /// There is none of that id or name, or whoever asks may not see it (F7.4).
    NotFound,
    /// Another process is at it.
    Busy,
    /// Whoever asks may not.
    NotPermitted,
}

impl ErrorClass {
    /// The class's name in JSON, logs and the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Throttled => "throttled",
            Self::Login => "login",
            Self::Permanent => "permanent",
            Self::Config => "config",
            Self::NotFound => "not_found",
            Self::Busy => "busy",
            Self::NotPermitted => "not_permitted",
        }
    }
}

/// A classed failure in words: what was being done, to what, why it failed, what to do. Nothing in it is secret.
///
/// Every library's error becomes one of these where it leaves its layer, so that one reporter can print them all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is to be done about it.
    pub class: ErrorClass,
    /// What was being done and to what, lower case: `select folder "INBOX" on imap.example.com:993`.
    pub action: String,
    /// Why it failed, lower case: `the server answered NO: mailbox does not exist`.
    pub cause: String,
    /// What a person can do, where there is something to do.
    pub hint: Option<String>,
    /// The pause that the server asked for, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

impl Fault {
    /// A failure of that class, without a hint.
    pub fn new(class: ErrorClass, action: impl Into<String>, cause: impl Into<String>) -> Self {
        Self { class, action: action.into(), cause: cause.into(), hint: None, retry_after_ms: None }
    }

    /// The same with what a person can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The message without the hint: action, then cause.
    pub fn message(&self) -> String {
        format!("cannot {}: {}", self.action, self.cause)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.action, self.cause)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_action_and_cause() {
        let fault =
            Fault::new(ErrorClass::Login, "log in to mail.test:993", "the server refused the password")
                .hint("change it");
        assert_eq!(fault.to_string(), "cannot log in to mail.test:993: the server refused the password");
        assert_eq!((fault.message(), fault.hint.as_deref()), (fault.to_string(), Some("change it")));
    }
}
