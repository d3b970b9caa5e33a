//! What an account shows of itself, and to whom.

use serde::Serialize;

use super::Service;
use crate::{
    access::{Right, Rights},
    config::{Login, OriginKind, format_duration},
};

/// An account, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountView {
    /// Its name.
    pub name: String,
    /// Its address; empty where its file is wrong.
    pub address: String,
    /// Its provider.
    pub provider: Option<String>,
    /// What it logs in as.
    pub login_name: Option<String>,
    /// Where its password comes from, in words; `None` where it logs in by a consent.
    pub password: Option<String>,
    /// `given` or `missing`, where it logs in by a consent (F1.5).
    pub consent: Option<&'static str>,
    /// The server that its mail comes from.
    pub imap: Option<String>,
    /// How much of the past comes in.
    pub period: Option<String>,
    /// The folders that are followed; empty for all.
    pub folders: Vec<String>,
    /// The name beside the address in what is sent.
    pub alias: Option<String>,
    /// The time between two runs.
    pub interval: Option<String>,
    /// The text below what is sent, where it is not a file's.
    pub signature: Option<String>,
    /// Who else may use it, and what for: `role customer-service: read, send`.
    pub shared_with: Vec<String>,
    /// `file` or `store`: where it is defined.
    pub origin: &'static str,
    /// What is wrong with its files.
    pub errors: Vec<String>,
    /// What works but that a person should know.
    pub warnings: Vec<String>,
}

impl Service {
    /// What is told of an account to whoever has these rights. How it logs in is for those who can change something about it.
    pub(super) fn view(&self, name: &str, rights: Rights) -> AccountView {
        let view = self.whole_view(name);
        let cares = [Right::Configure, Right::Administer].into_iter().any(|right| rights.has(right));
        if cares {
            return view;
        }
        let errors = match view.errors.is_empty() {
            true => Vec::new(),
            false => vec!["its files are wrong; its user or an administrator sees how".to_owned()],
        };
        AccountView {
            shared_with: Vec::new(),
            login_name: None,
            password: None,
            consent: None,
            warnings: Vec::new(),
            errors,
            ..view
        }
    }

    fn whole_view(&self, name: &str) -> AccountView {
        let read = self.config.account(name);
        let ready = self.config.ready(name);
        let account = read.ok();
        let ready = ready.as_ref().ok();
        AccountView {
            name: name.to_owned(),
            address: account.map(|account| account.address.clone()).unwrap_or_default(),
            provider: ready.map(|ready| ready.provider.clone()),
            login_name: ready.map(|ready| ready.login_name.clone()),
            password: ready.and_then(|ready| match &ready.login {
                Login::Password(source) => Some(source.to_string()),
                Login::Consent(_) => None,
            }),
            consent: ready.and_then(|ready| match &ready.login {
                Login::Password(_) => None,
                Login::Consent(_) => Some(if self.has_consent(name) { "given" } else { "missing" }),
            }),
            imap: ready.map(|ready| format!("{}:{}", ready.imap.host, ready.imap.port)),
            period: account.map(|account| account.mail.period.to_string()),
            folders: account.map(|account| account.mail.folders.listed().to_vec()).unwrap_or_default(),
            alias: account.and_then(|account| account.mail.alias.clone()),
            interval: ready.map(|ready| format_duration(ready.mail_interval)),
            signature: account.and_then(|account| account.mail.signature.clone()),
            shared_with: self.shared_with(name),
            origin: account.map_or(OriginKind::File, |account| account.origin.kind).name(),
            errors: self.config.wrong_with(name).iter().map(ToString::to_string).collect(),
            warnings: ready
                .map(|ready| ready.warnings.iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
        }
    }
}
