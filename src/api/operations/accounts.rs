//! Accounts: seen, tried, added, let go. A consent is given at the terminal of the store's owner, not here.

use std::{fmt, path::PathBuf};

use async_trait::async_trait;
use postrider_model::{ErrorClass, Fault};
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    api::{Method, Operation, Problem},
    config::{AccountDraft, Choice, Period, PeriodParseError},
    secrets::SecretSource,
    service::{self, AccountView, Caller, DeviceCode, NewAccount, NewLogin, Person, Revocation, Service},
};

/// An account, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its address; empty where its file is wrong.
    pub address: String,
    /// Its provider.
    pub provider: Option<String>,
    /// What it logs in as.
    pub login_name: Option<String>,
    /// Where its password comes from, in words; null where it logs in by a consent.
    pub password: Option<String>,
    /// `given` or `missing`, where it logs in by a consent.
    pub consent: Option<String>,
    /// The server that its mail comes from.
    pub imap: Option<String>,
    /// How much of the past comes in.
    pub period: Option<String>,
    /// The folders that are followed; empty for all.
    pub folders: Vec<String>,
    /// The name beside the address in what is sent.
    pub alias: Option<String>,
    /// The time between two runs: `5m`.
    pub interval: Option<String>,
    /// The text below what is sent, where it is not a file's.
    pub signature: Option<String>,
    /// Who else may use it, and what for: `role customer-service: read, send`.
    pub shared_with: Vec<String>,
    /// `file` or `store`: where it is defined.
    pub origin: String,
    /// What is wrong with its files.
    pub errors: Vec<String>,
    /// What works but that a person should know.
    pub warnings: Vec<String>,
}

impl From<AccountView> for Account {
    fn from(view: AccountView) -> Self {
        Self {
            name: view.name,
            address: view.address,
            provider: view.provider,
            login_name: view.login_name,
            password: view.password,
            consent: view.consent.map(ToOwned::to_owned),
            imap: view.imap,
            period: view.period,
            folders: view.folders,
            alias: view.alias,
            interval: view.interval,
            signature: view.signature,
            shared_with: view.shared_with,
            origin: view.origin.to_owned(),
            errors: view.errors,
            warnings: view.warnings,
        }
    }
}

/// All accounts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {}

impl Operation for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/accounts";
    const SUMMARY: &'static str = "List accounts";
    type Answer = Vec<Account>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<Account>, Fault> {
        Ok(service.accounts(caller).into_iter().map(Account::from).collect())
    }
}

/// One account.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// Its name.
    pub name: String,
}

impl Operation for Show {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/accounts/show";
    const SUMMARY: &'static str = "Show one account, without its secrets";
    type Answer = Account;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Account, Fault> {
        service.account(caller, &self.name).map(Account::from)
    }
}

/// By what an account logs in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// The account.
    pub name: String,
}

/// By what an account logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoginWay {
    /// Whether by a consent; else by a password.
    pub by_consent: bool,
}

impl Operation for Way {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/accounts/way";
    const SUMMARY: &'static str = "Whether an account logs in by a password or by a consent";
    type Answer = LoginWay;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<LoginWay, Fault> {
        Ok(LoginWay { by_consent: service.logs_in_by_consent(caller, &self.name)? })
    }
}

/// By what a new account would log in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWay {
    /// The mail address.
    pub address: String,
    /// The provider; absent for the one of the address's domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The login name, where the provider says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_name: Option<String>,
}

impl Operation for NewWay {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/accounts/new-way";
    const SUMMARY: &'static str = "Whether a new account would log in by a password or by a consent";
    type Answer = LoginWay;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<LoginWay, Fault> {
        let draft = AccountDraft::new(self.address, self.provider, self.login_name);
        Ok(LoginWay { by_consent: service.asks_for_consent(caller, &draft)? })
    }
}

/// A password on its way in. Nothing prints it.
#[derive(Clone, JsonSchema)]
#[schemars(transparent)]
pub struct Password(#[schemars(with = "String")] pub SecretString);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

impl Serialize for Password {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(SecretString::from(text)))
    }
}

/// An account to be tried and, if all of it works, saved. Its password is given, or where it is to be read at every login: one of the
/// four.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Add {
    /// The name by which commands call it; by default the address's first part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The mail address.
    pub address: String,
    /// The provider; absent for the one of the address's domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The login name, where the provider says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_name: Option<String>,
    /// How much of the past comes in: `1d`, `1w`, `1M`, `1y`, `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    /// The folders to follow; empty for all.
    #[serde(default)]
    pub folders: Vec<String>,
    /// A password, to be stored encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// A file of the daemon's machine with the password on its first line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// A program with its arguments that prints the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_command: Option<Vec<String>>,
    /// The name of a systemd credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub systemd_credential: Option<String>,
}

impl Add {
    fn login(&mut self) -> Result<NewLogin, Fault> {
        let ways = [
            self.password.take().map(|password| NewLogin::Store(password.0)),
            self.password_file.take().map(|file| NewLogin::From(SecretSource::File(file))),
            self.password_command.take().map(|words| NewLogin::From(SecretSource::Command(words))),
            self.systemd_credential.take().map(|name| NewLogin::From(SecretSource::SystemdCredential(name))),
        ];
        let mut given = ways.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(login), None) => Ok(login),
            (login, _) => {
                let cause = if login.is_some() { "two are given" } else { "none is given" };
                let action = format!("find the password of {}", self.address);
                Err(Fault::new(ErrorClass::Config, action, cause).hint(
                    "give one of password, password_file, password_command, systemd_credential; an account that asks for a consent \
                     is added at the terminal of the store's owner",
                ))
            }
        }
    }
}

/// What a trial found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trial {
    /// The server that mail comes from.
    pub imap: String,
    /// How many folders it has that can hold messages.
    pub folders: u64,
    /// The server that mail goes out by, where the account sends.
    pub smtp: Option<String>,
    /// Wanted by the configuration and not on the server.
    pub missing: Vec<String>,
}

impl From<service::Trial> for Trial {
    fn from(trial: service::Trial) -> Self {
        Self { imap: trial.imap, folders: trial.folders as u64, smtp: trial.smtp, missing: trial.missing }
    }
}

/// An account that was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Saved {
    /// Its name.
    pub name: String,
    /// What the trial found.
    pub trial: Trial,
    /// A domain that names this provider from now on.
    pub remembered_domain: Option<String>,
    /// What works but that a person should know.
    pub warnings: Vec<String>,
}

impl From<service::Saved> for Saved {
    fn from(saved: service::Saved) -> Self {
        Self {
            name: saved.name,
            trial: saved.trial.into(),
            remembered_domain: saved.remembered_domain,
            warnings: saved.warnings,
        }
    }
}

impl Operation for Add {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/accounts/add";
    const SUMMARY: &'static str = "Try an account and, if all of it works, save it";
    type Answer = Saved;

    async fn perform(mut self, service: &mut Service, caller: &Caller) -> Result<Saved, Fault> {
        let login = self.login()?;
        let draft = AccountDraft {
            period: self.period.as_deref().map(period).transpose()?,
            folders: (!self.folders.is_empty()).then_some(Choice::Listed(self.folders)),
            ..AccountDraft::new(self.address, self.provider, self.login_name)
        };
        let new = NewAccount { name: self.name, draft, login };
        service.add_account(caller, new, &Nobody).await.map(Saved::from)
    }
}

pub(super) fn period(text: &str) -> Result<Period, Fault> {
    text.parse().map_err(|error: PeriodParseError| {
        Fault::new(ErrorClass::Config, "read the period", error.to_string())
    })
}

/// An account to be tried.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// Its name.
    pub name: String,
}

impl Operation for Test {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/accounts/test";
    const SUMMARY: &'static str = "Try what an account uses, and change nothing";
    type Answer = Trial;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Trial, Fault> {
        service.test_account(caller, &self.name).await.map(Trial::from)
    }
}

/// Another password for an account.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Its name.
    pub name: String,
    /// The password, to be stored encrypted.
    pub password: Password,
}

impl Operation for Login {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/accounts/login";
    const SUMMARY: &'static str = "Try another password and store it";
    type Answer = Trial;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Trial, Fault> {
        let login = NewLogin::Store(self.password.0);
        service.login(caller, &self.name, login, &Nobody).await.map(Trial::from)
    }
}

/// What became of a consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// There was none.
    None,
    /// It is revoked.
    Revoked,
    /// The provider offers no way; a person can take it back there.
    NotOffered,
    /// It failed, and is as good as before; a person can take it back there.
    Failed,
}

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LetGo {
    /// Whether anything was stored for its login.
    pub was_there: bool,
    /// What became of its consent.
    pub consent: Consent,
    /// Why the consent could not be revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
}

impl LetGo {
    fn new(was_there: bool, revocation: &Revocation) -> Self {
        let (consent, error) = match revocation {
            Revocation::Nothing => (Consent::None, None),
            Revocation::Done => (Consent::Revoked, None),
            Revocation::NotOffered => (Consent::NotOffered, None),
            Revocation::Failed(fault) => (Consent::Failed, Some(Problem::from(fault))),
        };
        Self { was_there, consent, error }
    }
}

/// What is stored for an account's login is to be erased. Its mail stays.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Disconnect {
    /// Its name.
    pub name: String,
}

impl Operation for Disconnect {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/accounts/disconnect";
    const SUMMARY: &'static str = "Erase what is stored for an account's login, having revoked its consent";
    type Answer = LetGo;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<LetGo, Fault> {
        let (was_there, revocation) = service.disconnect_account(caller, &self.name).await?;
        Ok(LetGo::new(was_there, &revocation))
    }
}

/// An account that was added by command is to go. Its mail stays.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remove {
    /// Its name.
    pub name: String,
}

impl Operation for Remove {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/accounts/remove";
    const SUMMARY: &'static str = "Take an account away that was added by command";
    type Answer = LetGo;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<LetGo, Fault> {
        let revocation = service.remove_account(caller, &self.name).await?;
        Ok(LetGo::new(true, &revocation))
    }
}

/// Whoever asks the API: no terminal, no browser.
struct Nobody;

#[async_trait]
impl Person for Nobody {
    fn open_link(&self, _url: &str) {}

    fn type_code(&self, _code: &DeviceCode) {}

    async fn pasted(&self) -> Result<String, Fault> {
        Err(Fault::new(ErrorClass::Login, "ask for a consent", "nobody is there to give it")
            .hint("`postrider account login` at the terminal of the store's owner asks for it"))
    }
}
