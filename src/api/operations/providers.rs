//! Providers: seen, added, removed.

use std::path::PathBuf;

use postrider_model::Fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{Method, Operation, fields::whole_or_null},
    config::{AuthKind, LoginKind, ProviderDraft, ProviderKind, Security, ServerDraft},
    service::{Caller, ProviderView, Service},
};

/// A service and how to reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Provider {
    /// Its name.
    pub name: String,
    /// What it offers: `imap`, `exchange`, `google`; null where its file is wrong.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The domains whose addresses are its own.
    pub domains: Vec<String>,
    /// How its accounts may log in.
    pub auth: Vec<String>,
    /// Its IMAP server.
    pub imap: Option<String>,
    /// Its SMTP server.
    pub smtp: Option<String>,
    /// `built in`, `file` or `store`: where it is defined.
    pub origin: Option<String>,
    /// The accounts that use it.
    pub accounts: Vec<String>,
    /// What a person should know who logs in there.
    pub note: Option<String>,
    /// What is wrong with its file.
    pub errors: Vec<String>,
}

impl From<ProviderView> for Provider {
    fn from(view: ProviderView) -> Self {
        Self {
            name: view.name,
            kind: view.kind.map(ToOwned::to_owned),
            domains: view.domains,
            auth: view.auth.into_iter().map(ToOwned::to_owned).collect(),
            imap: view.imap,
            smtp: view.smtp,
            origin: view.origin.map(ToOwned::to_owned),
            accounts: view.accounts,
            note: view.note,
            errors: view.errors,
        }
    }
}

/// All providers.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {}

impl Operation for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/providers";
    const SUMMARY: &'static str = "List providers";
    type Answer = Vec<Provider>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<Provider>, Fault> {
        Ok(service.providers(caller).into_iter().map(Provider::from).collect())
    }
}

/// One provider.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// Its name.
    pub name: String,
}

impl Operation for Show {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/providers/show";
    const SUMMARY: &'static str = "Show one provider";
    type Answer = Provider;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Provider, Fault> {
        service.provider(caller, &self.name).map(Provider::from)
    }
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protection {
    /// TLS from the first octet.
    #[default]
    Tls,
    /// TLS after a command in the clear; never without.
    StartTls,
    /// None: on this machine only.
    None,
}

/// What an account logs in as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginAs {
    /// The whole address.
    #[default]
    Email,
    /// The part before the `@`.
    MailboxName,
    /// The account's own login name.
    Manual,
}

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Its host.
    pub host: String,
    /// Its port; absent for the one of its protection.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "whole_or_null")]
    pub port: Option<u16>,
    /// How connections to it are protected.
    #[serde(default)]
    pub security: Protection,
}

impl From<Server> for ServerDraft {
    fn from(server: Server) -> Self {
        let security = match server.security {
            Protection::Tls => Security::Tls,
            Protection::StartTls => Security::StartTls,
            Protection::None => Security::None,
        };
        Self { host: server.host, port: server.port, security: Some(security) }
    }
}

/// A provider of type `imap` to be added.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Add {
    /// The name by which accounts call it.
    pub name: String,
    /// Domains of the addresses that it serves.
    #[serde(default)]
    pub domains: Vec<String>,
    /// What its accounts log in as.
    #[serde(default)]
    pub login: LoginAs,
    /// Its IMAP server.
    pub imap: Server,
    /// Its SMTP server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smtp: Option<Server>,
    /// A file of the daemon's machine with certificates (PEM) that are trusted besides the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Let passwords and mail cross the network unencrypted.
    #[serde(default)]
    pub allow_plaintext: bool,
}

impl Operation for Add {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/providers/add";
    const SUMMARY: &'static str = "Add a provider of type imap";
    type Answer = Provider;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Provider, Fault> {
        let draft = ProviderDraft {
            kind: Some(ProviderKind::Imap),
            domains: self.domains,
            login: Some(match self.login {
                LoginAs::Email => LoginKind::Email,
                LoginAs::MailboxName => LoginKind::MailboxName,
                LoginAs::Manual => LoginKind::Manual,
            }),
            auth: vec![AuthKind::Basic],
            imap: Some(self.imap.into()),
            smtp: self.smtp.map(ServerDraft::from),
            ca_file: self.ca_file,
            allow_plaintext: self.allow_plaintext,
        };
        service.add_provider(caller, &self.name, &draft).map(Provider::from)
    }
}

/// A provider to be removed that was added by command and that no account uses.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remove {
    /// Its name.
    pub name: String,
}

/// A provider that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Removed {
    /// Its name.
    pub removed: String,
}

impl Operation for Remove {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/providers/remove";
    const SUMMARY: &'static str = "Remove a provider that was added by command and that no account uses";
    type Answer = Removed;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Removed, Fault> {
        service.remove_provider(caller, &self.name)?;
        Ok(Removed { removed: self.name })
    }
}
