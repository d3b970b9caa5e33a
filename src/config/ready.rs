//! Ties accounts to providers and users, and answers with all that one run of an account needs (F1.4–F1.6).
//!
//! What no single file shows is checked here: the provider's name, the login, the one default sender, and whether this version
//! can do what the account asks for. It is asked again for every run, because the store may have learned a domain meanwhile.

use std::{path::PathBuf, time::Duration};

use super::{
    account::{Account, MailSettings},
    error::{ConfigError, ConfigWarning, OriginKind, nearest, quoted},
    load::{Config, Read},
    name::{domain_of, mailbox_of},
    oauth::{ConsentSettings, OAuthSettings},
    provider::{AuthKind, LoginKind, Provider, ProviderKind, Server},
};
use crate::secrets::{GivenFor, SecretSource};

/// An account with everything that a run of its mail needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyAccount {
    /// The account's name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Whose it is; `None` for the store's owner.
    pub user: Option<String>,
    /// The name of its provider.
    pub provider: String,
    /// What it logs in as.
    pub login_name: String,
    /// By what it logs in.
    pub login: Login,
    /// Where its mail comes from.
    pub imap: Server,
    /// Where its mail goes out, where it does.
    pub smtp: Option<Server>,
    /// What its password or tokens may be used for (F8.2): its login at its provider's hosts.
    pub given_for: GivenFor,
    /// A file with certificates that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// `[mail]`
    pub mail: MailSettings,
    /// The time between two runs of its mail.
    pub mail_interval: Duration,
    /// What a person should know who logs in, such as where app passwords are made.
    pub note: Option<String>,
    /// What works but that a person should know.
    pub warnings: Vec<ConfigWarning>,
}

impl ReadyAccount {
    /// Whether its servers are asked for the same, in the same way: what one of them refused or put off, they would again.
    pub fn is_reached_like(&self, other: &Self) -> bool {
        let of = |account: &Self| {
            let Self { login_name, login, imap, smtp, given_for, ca_file, mail, .. } = account.clone();
            (login_name, login, imap, smtp, given_for, ca_file, (mail.load, mail.auto))
        };
        of(self) == of(other)
    }
}

/// By what an account logs in (F1.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// A password, and where it comes from.
    Password(SecretSource),
    /// Tokens, after a consent.
    Consent(Box<ConsentSettings>),
}

impl Config {
    /// All that a run of that account needs.
    ///
    /// # Errors
    /// All that is wrong with the account's file, its provider's file, and the two together; and that there is no such account.
    pub fn ready(&self, name: &str) -> Read<ReadyAccount> {
        let account = self.account(name)?;
        self.ready_account(account)
    }

    /// An account by name.
    ///
    /// # Errors
    /// All that is wrong with its file, or that there is none.
    pub fn account(&self, name: &str) -> Result<&Account, Vec<ConfigError>> {
        match self.accounts.get(name) {
            Some(read) => read.as_ref().map_err(Clone::clone),
            None => Err(vec![self.unknown_account(name, self.accounts.keys().map(String::as_str).collect())]),
        }
    }

    /// As [`Config::ready`], for an account that is not part of the configuration yet: the trial before it is saved (F1.8).
    ///
    /// # Errors
    /// As [`Config::ready`].
    pub fn ready_account(&self, account: &Account) -> Read<ReadyAccount> {
        let provider = self.provider_of(account)?;
        let mut errors = self.unsupported(account, provider);
        errors.extend(self.contradictions(account, provider));
        let login_name = login_name(account, provider).map_err(|error| errors.push(error)).ok();
        let login = login(account, provider).map_err(|wrong| errors.extend(wrong)).ok();
        match (login_name, login, &provider.imap) {
            (Some(login_name), Some(login), Some(imap)) if errors.is_empty() => Ok(ReadyAccount {
                given_for: given_for(&login_name, &login, imap, provider),
                name: account.name.clone(),
                address: account.address.clone(),
                user: account.user.clone(),
                provider: provider.name.clone(),
                login_name,
                login,
                imap: imap.clone(),
                smtp: provider.smtp.clone().filter(|_| account.mail.send),
                ca_file: provider.ca_file.clone(),
                mail: account.mail.clone(),
                mail_interval: self.interval_of(account, account.sync.mail_interval),
                note: provider.note.clone(),
                warnings: self.warnings(account, provider),
            }),
            _ => Err(errors),
        }
    }

    /// Whether an account with no source of a password logs in by a consent. An account without a provider answers `false`; what is
    /// wrong with it is told elsewhere.
    pub fn asks_for_consent(&self, account: &Account) -> bool {
        self.provider_of(account).is_ok_and(|provider| asks_for_consent(account, provider))
    }

    /// Remembers which provider a domain names, for one user or, with `None`, for all (F1.6).
    pub fn remember_domain(&mut self, domain: &str, user: Option<&str>, provider: &str) {
        let key = (domain.to_lowercase(), user.map(ToOwned::to_owned));
        self.remembered.insert(key, provider.to_owned());
    }

    /// Tells what the store's owner is called, so that what was remembered for that user holds for the accounts that name no
    /// user.
    pub fn set_owner(&mut self, user: &str) {
        self.owner = Some(user.to_owned());
    }

    /// Whose an account is.
    pub(crate) fn user_of<'c>(&'c self, account: &'c Account) -> Option<&'c str> {
        account.user.as_deref().or(self.owner.as_deref())
    }

    /// The provider that a domain names for that user: of the files and the store first, then what was remembered for the user,
    /// then what was remembered for all, then the built-in directory. Where one place names several, all of them.
    pub fn providers_of_domain(&self, domain: &str, user: Option<&str>) -> Vec<&str> {
        let domain = domain.to_lowercase();
        let of_kind = |kind: OriginKind| -> Vec<&str> {
            let right = self.providers.values().filter_map(|provider| provider.as_ref().ok());
            right
                .filter(|provider| provider.origin.kind == kind && provider.domains.contains(&domain))
                .map(|provider| provider.name.as_str())
                .collect()
        };
        let remembered = |user: Option<&str>| -> Vec<&str> {
            let key = (domain.clone(), user.map(ToOwned::to_owned));
            self.remembered.get(&key).map(String::as_str).into_iter().collect()
        };
        let of_user = user.map(|user| remembered(Some(user))).unwrap_or_default();
        let places = [of_kind(OriginKind::File), of_kind(OriginKind::Stored), of_user, remembered(None)];
        let named = places.into_iter().find(|names| !names.is_empty());
        named.unwrap_or_else(|| of_kind(OriginKind::BuiltIn))
    }

    /// The names of the accounts that use a provider, which therefore cannot be removed (F1.7).
    pub fn accounts_of_provider(&self, provider: &str) -> Vec<&str> {
        let right = self.accounts.values().filter_map(|account| account.as_ref().ok());
        right
            .filter(|account| match &account.provider {
                Some(name) => name == provider,
                None => self
                    .providers_of_domain(
                        &domain_of(&account.address).unwrap_or_default(),
                        self.user_of(account),
                    )
                    .contains(&provider),
            })
            .map(|account| account.name.as_str())
            .collect()
    }

    /// That there is no account of that name, to whom there are only these.
    pub fn unknown_account(&self, name: &str, there_are: Vec<&str>) -> ConfigError {
        let expected = match there_are.is_empty() {
            true => "an account, and there is none yet".to_owned(),
            false => format!("one of {}", there_are.join(", ")),
        };
        let is_first = there_are.is_empty();
        let file = format!("{}/accounts.d", self.dir.display());
        let error = ConfigError::file(file, format!("no account {}", quoted(name)), expected).absent();
        match nearest(name, there_are).or_else(|| is_first.then(|| "`postrider account add` adds one".into()))
        {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    /// An account's provider, where it says which and that one's file is right.
    pub(super) fn provider_of(&self, account: &Account) -> Result<&Provider, Vec<ConfigError>> {
        let name = self.provider_name(account).map_err(|error| vec![error])?;
        match self.providers.get(name) {
            Some(read) => read.as_ref().map_err(Clone::clone),
            None => Err(vec![self.unknown_provider(account, name)]),
        }
    }

    fn provider_name<'c>(&'c self, account: &'c Account) -> Result<&'c str, ConfigError> {
        if let Some(name) = &account.provider {
            return Ok(name);
        }
        let domain = domain_of(&account.address).unwrap_or_default();
        match self.providers_of_domain(&domain, self.user_of(account)).as_slice() {
            [only] => Ok(only),
            [] => Err(account
                .origin
                .error("provider", "nothing", format!("a provider, since the domain {domain} is of none that is known"))
                .hint(format!(
                    "name one by --provider or `provider = …`, or add {domain} to the domains of a file in providers.d"
                ))),
            several => Err(account.origin.error(
                "provider",
                "nothing",
                format!("one of {}, since the domain {domain} is of them all", several.join(", ")),
            )),
        }
    }

    fn unknown_provider(&self, account: &Account, name: &str) -> ConfigError {
        let names = || self.providers.keys().map(String::as_str);
        let expected = format!("one of {}", names().collect::<Vec<_>>().join(", "));
        let error = account.origin.error("provider", quoted(name), expected);
        let hint =
            nearest(name, names()).unwrap_or_else(|| format!("describe it in providers.d/{name}.toml"));
        error.hint(hint)
    }

    /// What does not go together.
    fn contradictions(&self, account: &Account, provider: &Provider) -> Vec<ConfigError> {
        let mut errors = Vec::new();
        if let (Some(user), Some(users)) = (&account.user, &self.users)
            && !users.users.contains_key(user)
        {
            let known = users.users.keys().map(String::as_str);
            let error = account.origin.error("user", quoted(user), "a user that users.toml declares");
            errors.push(match nearest(user, known) {
                Some(hint) => error.hint(hint),
                None => error,
            });
        }
        if let Some(other) = self.other_default_sender(account) {
            let expected = format!("false, since account {other} is the user's default sender already");
            errors.push(account.origin.error("mail.default_sender", "true", expected));
        }
        if account.mail.send
            && account.origin.gives("mail.send")
            && provider.smtp.is_none()
            && provider.kind != ProviderKind::Exchange
        {
            let expected = format!("false, since the provider {} has no [smtp]", provider.name);
            errors.push(account.origin.error("mail.send", "true", expected));
        }
        errors
    }

    /// The first account, by name, of the same user that claims to be the default sender before this one.
    fn other_default_sender(&self, account: &Account) -> Option<&str> {
        if !account.mail.default_sender {
            return None;
        }
        let right = self.accounts.values().filter_map(|other| other.as_ref().ok());
        let mut before = right.filter(|other| other.name < account.name);
        before
            .find(|other| other.mail.default_sender && other.user == account.user)
            .map(|other| other.name.as_str())
    }

    fn warnings(&self, account: &Account, provider: &Provider) -> Vec<ConfigWarning> {
        let mut warnings = provider.warnings();
        if account.user.is_some() && self.users.is_none() {
            let text = "there is no users.toml, so the account is the store owner's";
            warnings.push(account.origin.warning("user", text));
        }
        let right = self.accounts.values().filter_map(|other| other.as_ref().ok());
        let twin = right.filter(|other| other.name < account.name && other.mail.load && account.mail.load);
        if let Some(twin) = twin.into_iter().find(|other| other.address == account.address) {
            let text = format!("account {} loads the mail of {} too", twin.name, account.address);
            warnings.push(account.origin.warning("address", text));
        }
        warnings
    }
}

/// What the account logs in as (F1.4).
///
/// # Errors
/// The provider says `manual` and the account has no `login_name`.
pub fn login_name(account: &Account, provider: &Provider) -> Result<String, ConfigError> {
    match provider.login {
        LoginKind::Email => Ok(account.address.clone()),
        LoginKind::MailboxName => Ok(mailbox_of(&account.address).unwrap_or(&account.address).to_owned()),
        LoginKind::Manual => account.login_name.clone().ok_or_else(|| {
            let expected = format!(
                "the name to log in with, since the provider {} says login = \"manual\"",
                provider.name
            );
            account.origin.error("login_name", "nothing", expected)
        }),
    }
}

/// A provider that takes both is asked for a consent where it has a client and the account names no source of a password.
fn asks_for_consent(account: &Account, provider: &Provider) -> bool {
    let takes = |auth| provider.auth.contains(&auth);
    let prefers = provider.oauth.client_id.is_some() || !takes(AuthKind::Basic);
    account.password.is_none() && takes(AuthKind::OAuth2) && prefers
}

/// By what the account logs in; a provider that takes neither passwords nor consents is beyond this version.
fn login(account: &Account, provider: &Provider) -> Result<Login, Vec<ConfigError>> {
    if asks_for_consent(account, provider) {
        return provider.consent().map(Box::new).map(Login::Consent);
    }
    let noted = |error| provider.note.iter().fold(error, |error: ConfigError, note| error.hint(note));
    let takes = |auth| provider.auth.contains(&auth);
    match &account.password {
        Some(source) if takes(AuthKind::Basic) => Ok(Login::Password(source.clone())),
        Some(_) if takes(AuthKind::OAuth2) => {
            let expected = format!("no such table, since the provider {} takes no passwords", provider.name);
            let hint = format!("`postrider account login {}` asks for a consent instead", account.name);
            Err(vec![account.origin.error("credentials", "the table", expected).hint(hint)])
        }
        None if takes(AuthKind::Basic) => {
            let expected = "one of password_file, password_command, systemd_credential, stored = true";
            let error = noted(account.origin.error("credentials", "nothing", expected));
            Err(match takes(AuthKind::OAuth2) {
                true => vec![error.hint_also(format!(
                    "to log in by OAuth 2.0 write `client_id` into providers.d/{}.toml",
                    provider.name
                ))],
                false => vec![error],
            })
        }
        _ => {
            let names: Vec<&str> = provider.auth.iter().map(|auth| auth.name()).collect();
            let expected = "basic or oauth2, since this version logs in by passwords and consents alone";
            Err(vec![noted(provider.origin.error("auth", names.join(", "), expected))])
        }
    }
}

/// The provider's hosts, whether or not the account uses each: turning its sending on is no new host.
fn given_for(login_name: &str, login: &Login, imap: &Server, provider: &Provider) -> GivenFor {
    let mut hosts = vec![imap.host.clone()];
    hosts.extend(provider.smtp.as_ref().map(|server| server.host.clone()));
    if let Login::Consent(consent) = login {
        let OAuthSettings { revocation_url, userinfo_url, .. } = &consent.settings;
        let urls = [Some(&consent.token_url), revocation_url.as_ref(), userinfo_url.as_ref()];
        let hosts_of = urls.into_iter().flatten().filter_map(|url| url.parse::<http::Uri>().ok());
        hosts.extend(hosts_of.filter_map(|url| url.host().map(ToOwned::to_owned)));
    }
    GivenFor::new(login_name, hosts)
}

#[cfg(test)]
mod tests;
