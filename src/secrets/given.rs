//! What a secret was given for: a login name and the hosts that may hear it (F8.2).
//!
//! A file that names another host, or another login, must not bring a stored password there. So each is kept with what it was given for,
//! sealed into it, and is used for nothing beyond that.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

/// A login name and hosts. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenFor {
    login: String,
    hosts: BTreeSet<String>,
}

impl GivenFor {
    /// That login at these hosts, in whatever case they are written.
    pub fn new(login: &str, hosts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let hosts = hosts.into_iter().map(|host| host.as_ref().to_ascii_lowercase()).collect();
        Self { login: login.to_owned(), hosts }
    }

    /// As it is kept beside the secret.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What was kept beside a secret.
    pub fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Whether what was given for `self` may be used for `wanted`: the same login, and no host beyond.
    pub fn covers(&self, wanted: &Self) -> bool {
        self.login == wanted.login && self.hosts.is_superset(&wanted.hosts)
    }
}

/// `anna at imap.example.com, smtp.example.com`
impl fmt::Display for GivenFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<&str> = self.hosts.iter().map(String::as_str).collect();
        write!(f, "{} at {}", self.login, hosts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_to_no_other_host_and_no_other_login() {
        let given = GivenFor::new("anna", ["IMAP.example.com", "smtp.example.com"]);
        let table: [(&str, &[&str], bool); 6] = [
            ("anna", &["imap.example.com", "smtp.example.com"], true),
            ("anna", &["imap.example.com"], true),
            ("anna", &["imap.example.com", "smtp.example.org"], false),
            ("anna", &["imap.example.com.evil.example"], false),
            ("Anna", &["imap.example.com"], false),
            ("bert", &["imap.example.com"], false),
        ];
        for (login, hosts, fits) in table {
            assert_eq!(given.covers(&GivenFor::new(login, hosts)), fits, "{login} {hosts:?}");
        }
    }

    #[test]
    fn it_reads_what_it_writes() {
        let given = GivenFor::new("anna \"a\"", ["b.example", "a.example"]);
        assert_eq!(GivenFor::from_text(&given.to_text()), Some(given.clone()));
        assert_eq!(given.to_string(), "anna \"a\" at a.example, b.example");
        assert_eq!(GivenFor::from_text("anna"), None);
    }
}
