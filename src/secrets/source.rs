//! The places that a password may come from. Nothing in them is secret.

use std::{fmt, path::PathBuf};

/// Where an account's password comes from (spec, `[credentials]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A credential that systemd passes to the service (systemd.exec(5), `LoadCredential=`).
    SystemdCredential(String),
    /// The first line that a program prints: the program and its arguments, run without a shell.
    Command(Vec<String>),
    /// A file of its own.
    File(PathBuf),
    /// The store, encrypted.
    Stored,
}

/// The source for people: the program without its arguments, since somebody may have put a secret there.
impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SystemdCredential(name) => write!(f, "the systemd credential {name}"),
            Self::Command(words) => {
                write!(f, "the command {:?}", words.first().map(String::as_str).unwrap_or_default())
            }
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Stored => f.write_str("the store"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_named_without_its_arguments() {
        let table = [
            (SecretSource::SystemdCredential("work".into()), "the systemd credential work"),
            (SecretSource::Command(vec!["pass".into(), "hunter2".into()]), "the command \"pass\""),
            (SecretSource::File("/run/secrets/work".into()), "the file /run/secrets/work"),
            (SecretSource::Stored, "the store"),
        ];
        for (source, expected) in table {
            assert_eq!(source.to_string(), expected);
        }
    }
}
