//! Writes the TOML of accounts and providers that are added by command, in the form of their files (F8.3).
//!
//! It writes what was said and nothing more, so that a later default is a later default for these accounts too. What it writes
//! is read back by the same reader as files are, before anyone saves it.

use std::{path::PathBuf, time::Duration};

use toml::{Table, Value};

use super::{
    account::{Account, Choice},
    provider::{AuthKind, LoginKind, MailProtocol, ProviderKind, Security},
    time_span::{Period, format_duration},
    users::{Grantee, MailboxGrant},
};
use crate::secrets::SecretSource;

/// An account as a command describes it. `None` is what the command did not say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountDraft {
    /// The address.
    pub address: String,
    /// Whose it is.
    pub user: Option<String>,
    /// Its provider.
    pub provider: Option<String>,
    /// What it logs in as.
    pub login_name: Option<String>,
    /// Where the password comes from.
    pub password: Option<SecretSource>,
    /// How far back the first load reaches.
    pub period: Option<Period>,
    /// The folders that are kept.
    pub folders: Option<Choice>,
    /// Whether it runs by itself.
    pub auto: Option<bool>,
    /// The name beside the address in what is sent.
    pub alias: Option<String>,
    /// Whether its user sends from it unless told otherwise.
    pub default_sender: Option<bool>,
    /// The text of the signature.
    pub signature: Option<String>,
    /// The time between two runs.
    pub interval: Option<Duration>,
}

impl AccountDraft {
    /// An account of which only this is said.
    pub fn new(address: String, provider: Option<String>, login_name: Option<String>) -> Self {
        Self { address, provider, login_name, ..Self::default() }
    }

    /// What was said of an account that was added by command.
    pub fn of(account: &Account) -> Self {
        let mail = &account.mail;
        Self {
            address: account.address.clone(),
            user: account.user.clone(),
            provider: account.provider.clone(),
            login_name: account.login_name.clone(),
            password: account.password.clone(),
            period: Some(mail.period),
            folders: Some(mail.folders.clone()),
            auto: Some(mail.auto),
            alias: mail.alias.clone(),
            default_sender: Some(mail.default_sender),
            signature: mail.signature.clone(),
            interval: account.sync.interval,
        }
    }

    /// The TOML of the account.
    pub fn to_toml(&self) -> String {
        let mut root = Table::new();
        root.insert("address".into(), self.address.clone().into());
        put(&mut root, "user", self.user.clone());
        put(&mut root, "provider", self.provider.clone());
        put(&mut root, "login_name", self.login_name.clone());
        put_table(&mut root, "credentials", self.password.as_ref().map(credentials).unwrap_or_default());
        let mut mail = Table::new();
        put(&mut mail, "period", self.period.map(|period| period.to_string()));
        put(&mut mail, "folders", self.folders.as_ref().map(folders));
        put(&mut mail, "auto", self.auto);
        put(&mut mail, "alias", self.alias.clone());
        put(&mut mail, "default_sender", self.default_sender);
        put(&mut mail, "signature", self.signature.clone());
        put_table(&mut root, "mail", mail);
        let mut sync = Table::new();
        put(&mut sync, "interval", self.interval.map(format_duration));
        put_table(&mut root, "sync", sync);
        root.to_string()
    }
}

/// A provider as a command describes it. `None` is what the command did not say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProviderDraft {
    /// What it offers.
    pub kind: Option<ProviderKind>,
    /// The domains whose addresses are its own.
    pub domains: Vec<String>,
    /// What its accounts log in as.
    pub login: Option<LoginKind>,
    /// How its accounts may log in, the preferred way first.
    pub auth: Vec<AuthKind>,
    /// The IMAP server.
    pub imap: Option<ServerDraft>,
    /// The SMTP server.
    pub smtp: Option<ServerDraft>,
    /// A file with certificates that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether passwords and mail may go over a network in the clear.
    pub allow_plaintext: bool,
}

/// A server as a command describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerDraft {
    /// The host.
    pub host: String,
    /// The port; by the security where it is not said.
    pub port: Option<u16>,
    /// How the connection is protected.
    pub security: Option<Security>,
}

impl ProviderDraft {
    /// The TOML of the provider.
    pub fn to_toml(&self) -> String {
        let mut root = Table::new();
        put(&mut root, "type", self.kind.map(ProviderKind::name));
        put(&mut root, "domains", list(&self.domains));
        put(&mut root, "login", self.login.map(LoginKind::name));
        let auth: Vec<&str> = self.auth.iter().map(|auth| auth.name()).collect();
        put(&mut root, "auth", list(&auth));
        put(&mut root, "allow_plaintext", self.allow_plaintext.then_some(true));
        for (protocol, server) in [(MailProtocol::Imap, &self.imap), (MailProtocol::Smtp, &self.smtp)] {
            put_table(
                &mut root,
                protocol.name(),
                server.as_ref().map(ServerDraft::to_table).unwrap_or_default(),
            );
        }
        let mut tls = Table::new();
        put(&mut tls, "ca_file", self.ca_file.as_ref().map(|path| path.to_string_lossy().into_owned()));
        put_table(&mut root, "tls", tls);
        root.to_string()
    }
}

impl ServerDraft {
    fn to_table(&self) -> Table {
        let mut table = Table::new();
        table.insert("host".into(), self.host.clone().into());
        put(&mut table, "port", self.port.map(i64::from));
        put(&mut table, "security", self.security.map(Security::name));
        table
    }
}

fn credentials(source: &SecretSource) -> Table {
    let (key, value): (&str, Value) = match source {
        SecretSource::File(path) => ("password_file", path.to_string_lossy().into_owned().into()),
        SecretSource::Command(words) => ("password_command", words.clone().into()),
        SecretSource::SystemdCredential(name) => ("systemd_credential", name.clone().into()),
        SecretSource::Stored => ("stored", true.into()),
    };
    Table::from_iter([(key.to_owned(), value)])
}

fn folders(choice: &Choice) -> Value {
    match choice {
        Choice::All => "all".into(),
        Choice::Listed(names) => names.clone().into(),
    }
}

fn list<T: Clone + Into<Value>>(values: &[T]) -> Option<Vec<T>> {
    (!values.is_empty()).then(|| values.to_vec())
}

/// The text of an account that was added by command, with other calendars or task lists that come in; `None` where it cannot be read.
pub fn with_choice(toml: &str, key: &str, chosen: &Choice) -> Option<String> {
    let mut root: Table = toml.parse().ok()?;
    let activities = root.entry("activities").or_insert_with(|| Table::new().into()).as_table_mut()?;
    activities.insert(key.to_owned(), folders(chosen));
    Some(root.to_string())
}

/// The same with another name of one of them; `None` where the text does not name it.
pub fn with_renamed(toml: &str, key: &str, from: &str, to: &str) -> Option<String> {
    let mut root: Table = toml.parse().ok()?;
    let activities = root.get_mut("activities")?.as_table_mut()?;
    let listed = activities.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten();
    let mut named: Vec<&mut Value> = listed.filter(|name| name.as_str() == Some(from)).collect();
    let mut is_named = !named.is_empty();
    named.iter_mut().for_each(|name| **name = to.into());
    if key == "calendars" && activities.get("calendar").and_then(Value::as_str) == Some(from) {
        activities.insert("calendar".to_owned(), to.into());
        is_named = true;
    }
    is_named.then(|| root.to_string())
}

/// The text of an account with what another text of it says of contacts and activities, of which a draft knows nothing.
pub fn with_items_of(toml: &str, was: &str) -> String {
    let (Ok(mut root), Ok(was)) = (toml.parse::<Table>(), was.parse::<Table>()) else {
        return toml.to_owned();
    };
    for key in ["contacts", "activities"] {
        if let Some(table) = was.get(key) {
            root.insert(key.to_owned(), table.clone());
        }
    }
    let intervals = was.get("sync").and_then(Value::as_table).into_iter().flatten();
    let intervals: Table = intervals
        .filter(|(key, _)| *key != "interval")
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !intervals.is_empty() {
        let sync = root.entry("sync").or_insert_with(|| Table::new().into());
        sync.as_table_mut().into_iter().for_each(|sync| sync.extend(intervals.clone()));
    }
    root.to_string()
}

/// The TOML of what is granted of an account, in the form of its file.
pub fn mailbox_toml(account: &str, grants: &[MailboxGrant]) -> String {
    let tables = grants.iter().map(|grant| {
        let mut table = Table::new();
        match &grant.to {
            Grantee::User(name) => put(&mut table, "user", Some(name.as_str())),
            Grantee::Role(name) => put(&mut table, "role", Some(name.as_str())),
        }
        for (key, is_granted) in [("read", grant.read), ("send", grant.send), ("configure", grant.configure)]
        {
            put(&mut table, key, is_granted.then_some(true));
        }
        Value::Table(table)
    });
    let mut root = Table::new();
    root.insert("account".into(), account.into());
    root.insert("grant".into(), Value::Array(tables.collect()));
    root.to_string()
}

fn put(table: &mut Table, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        table.insert(key.to_owned(), value.into());
    }
}

fn put_table(root: &mut Table, key: &str, table: Table) {
    if !table.is_empty() {
        root.insert(key.to_owned(), table.into());
    }
}

#[cfg(test)]
mod tests;
