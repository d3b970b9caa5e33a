//! Accounts: seen, tried, added, changed, let go (F1.6–F1.9). What is added by command lives in the store; files are never
//! written (F8.3).

use postrider_model::{ErrorClass, Fault};
use postrider_store::{Secret, StoreError, Tx};
use secrecy::SecretString;
use serde::Serialize;

use super::{Caller, Service, Trial};
use crate::{
    config::{AccountDraft, Choice, OriginKind, Period, ReadyAccount, domain_of, fault},
    secrets::{KeyId, PASSWORD_FIELD, SealedSecret, SecretSource, StoreKey},
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
    /// Where its password comes from, in words.
    pub password: Option<String>,
    /// The server that its mail comes from.
    pub imap: Option<String>,
    /// How much of the past comes in.
    pub period: Option<String>,
    /// The folders that are followed; empty for all.
    pub folders: Vec<String>,
    /// `file` or `store`: where it is defined.
    pub origin: &'static str,
    /// What is wrong with its files.
    pub errors: Vec<String>,
    /// What works but that a person should know.
    pub warnings: Vec<String>,
}

/// An account to be added.
#[derive(Debug)]
pub struct NewAccount {
    /// The name by which commands call it; by default the address's first part.
    pub name: Option<String>,
    /// What was said of it. The password's source is [`NewAccount::password`]'s.
    pub draft: AccountDraft,
    /// Its password.
    pub password: NewPassword,
}

/// Where a new account's password comes from.
#[derive(Debug)]
pub enum NewPassword {
    /// Read anew at every login.
    From(SecretSource),
    /// To be kept in the store, sealed.
    Store(SecretString),
}

/// What adding an account came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Saved {
    /// Its name.
    pub name: String,
    /// What the trial found.
    pub trial: Trial,
    /// A domain that names this provider from now on, for this user (F1.6).
    pub remembered_domain: Option<String>,
    /// What works but that a person should know.
    pub warnings: Vec<String>,
}

impl Service {
    /// All accounts, by name.
    pub fn accounts(&self, _caller: &Caller) -> Vec<AccountView> {
        self.config.accounts.keys().map(|name| self.view(name)).collect()
    }

    /// One account.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub fn account(&self, _caller: &Caller, name: &str) -> Result<AccountView, Fault> {
        self.known(name)?;
        Ok(self.view(name))
    }

    /// Tries what the account will use, and changes nothing.
    ///
    /// # Errors
    /// What did not work, in words.
    pub async fn test_account(&self, _caller: &Caller, name: &str) -> Result<Trial, Fault> {
        let account = self.config.ready(name).map_err(|errors| fault(&errors))?;
        let password = self.password(&account).await?;
        self.try_account(&account, password).await
    }

    /// Tries an account and, if all of it works, saves it in the store.
    ///
    /// # Errors
    /// A name that is taken, a domain that names no provider, and whatever the trial finds. Nothing is saved then.
    pub async fn add_account(&mut self, caller: &Caller, new: NewAccount) -> Result<Saved, Fault> {
        let name = new.name.unwrap_or_else(|| default_name(&new.draft.address));
        let action = format!("add account {name}");
        if self.config.accounts.contains_key(&name) {
            let fault = Fault::new(ErrorClass::Config, action, "there is one of that name already");
            return Err(fault.hint("give it another one with --name"));
        }
        let (source, typed) = match new.password {
            NewPassword::From(source) => (source, None),
            NewPassword::Store(password) => (SecretSource::Stored, Some(password)),
        };
        let toml = AccountDraft { password: Some(source), ..new.draft }.to_toml();
        let ready = self.check(&name, &toml)?;
        let password = match &typed {
            Some(password) => password.clone(),
            None => self.password(&ready).await?,
        };
        let trial = self.try_account(&ready, password).await?;
        let domain = self.domain_to_remember(caller, &ready);
        let secret = typed.map(|password| self.seal(&name, &password)).transpose()?;
        let remembered = domain.clone().map(|domain| (domain, caller.user.clone(), ready.provider.clone()));
        let stored_name = name.clone();
        self.edit(move |tx| {
            tx.put_stored_account(&stored_name, &toml)?;
            if let Some(secret) = &secret {
                tx.put_secret(secret)?;
            }
            match &remembered {
                Some((domain, user, provider)) => tx.put_domain(domain, Some(user), provider),
                None => Ok(()),
            }
        })?;
        let warnings = ready.warnings.iter().map(ToString::to_string).collect();
        Ok(Saved { name, trial, remembered_domain: domain, warnings })
    }

    /// Changes how much of an account comes in. The account must have been added by command.
    ///
    /// # Errors
    /// Where it is not there, or is defined by a file.
    pub fn set_account(
        &mut self,
        _caller: &Caller,
        name: &str,
        period: Option<Period>,
        folders: Option<Choice>,
    ) -> Result<(), Fault> {
        self.must_be_stored(name, "change")?;
        let account = self.config.account(name).map_err(|errors| fault(&errors))?;
        let draft = AccountDraft {
            address: account.address.clone(),
            user: account.user.clone(),
            provider: account.provider.clone(),
            login_name: account.login_name.clone(),
            password: account.password.clone(),
            period: period.or(Some(account.mail.period)),
            folders: folders.or_else(|| Some(account.mail.folders.clone())),
            auto: Some(account.mail.auto),
            alias: account.mail.alias.clone(),
            default_sender: Some(account.mail.default_sender),
        };
        let (name, toml) = (name.to_owned(), draft.to_toml());
        self.check(&name, &toml)?;
        self.edit(move |tx| tx.put_stored_account(&name, &toml))
    }

    /// Tries another password and stores it.
    ///
    /// # Errors
    /// Where the account's password does not live in the store, or the server refuses the new one.
    pub async fn login(
        &mut self,
        _caller: &Caller,
        name: &str,
        password: SecretString,
    ) -> Result<Trial, Fault> {
        let account = self.config.ready(name).map_err(|errors| fault(&errors))?;
        if account.password != SecretSource::Stored {
            let action = format!("store a password for account {name}");
            let fault = Fault::new(
                ErrorClass::Config,
                action,
                format!("it takes its password from {}", account.password),
            );
            return Err(fault.hint("change the password there"));
        }
        let trial = self.try_account(&account, password.clone()).await?;
        let secret = self.seal(name, &password)?;
        self.edit(move |tx| tx.put_secret(&secret))?;
        Ok(trial)
    }

    /// Erases what is stored for the account's login; its mail stays here. Answers whether there was anything.
    ///
    /// # Errors
    /// Where there is no such account.
    pub fn disconnect_account(&mut self, _caller: &Caller, name: &str) -> Result<bool, Fault> {
        self.known(name)?;
        if self.store.is_none() {
            return Ok(false);
        }
        let name = name.to_owned();
        Ok(self.edit(move |tx| tx.delete_secrets(&name, None))? > 0)
    }

    /// Takes the account away, with what is stored for its login; its mail stays here.
    ///
    /// # Errors
    /// Where there is no such account, or a file defines it.
    pub fn remove_account(&mut self, _caller: &Caller, name: &str) -> Result<(), Fault> {
        self.must_be_stored(name, "remove")?;
        let name = name.to_owned();
        self.edit(move |tx| {
            tx.delete_secrets(&name, None)?;
            tx.delete_stored_account(&name)
        })?;
        Ok(())
    }

    fn view(&self, name: &str) -> AccountView {
        let read = self.config.account(name);
        let ready = self.config.ready(name);
        let account = read.ok();
        let wrong = ready.as_ref().err();
        let ready = ready.as_ref().ok();
        AccountView {
            name: name.to_owned(),
            address: account.map(|account| account.address.clone()).unwrap_or_default(),
            provider: ready.map(|ready| ready.provider.clone()),
            login_name: ready.map(|ready| ready.login_name.clone()),
            password: ready.map(|ready| ready.password.to_string()),
            imap: ready.map(|ready| format!("{}:{}", ready.imap.host, ready.imap.port)),
            period: account.map(|account| account.mail.period.to_string()),
            folders: account.map(|account| account.mail.folders.listed().to_vec()).unwrap_or_default(),
            origin: account.map_or("file", |account| origin_name(account.origin.kind)),
            errors: wrong.into_iter().flatten().map(ToString::to_string).collect(),
            warnings: ready
                .map(|ready| ready.warnings.iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
        }
    }

    fn known(&self, name: &str) -> Result<(), Fault> {
        match self.config.accounts.contains_key(name) {
            true => Ok(()),
            // Asked for an account that is not there, the configuration answers with the nearest name.
            false => self.config.account(name).map(|_| ()).map_err(|errors| fault(&errors)),
        }
    }

    fn must_be_stored(&self, name: &str, verb: &str) -> Result<(), Fault> {
        self.known(name)?;
        let origin = self.config.account(name).map(|account| account.origin.kind);
        if origin.is_ok_and(|kind| kind == OriginKind::Stored) {
            return Ok(());
        }
        let file = self.config.dir.join("accounts.d").join(format!("{name}.toml"));
        let fault = Fault::new(ErrorClass::Config, format!("{verb} account {name}"), "a file defines it");
        Err(fault.hint(format!("edit or delete {}", file.display())))
    }

    fn check(&self, name: &str, toml: &str) -> Result<ReadyAccount, Fault> {
        let account = self.config.check_account(name, toml).map_err(|errors| fault(&errors))?;
        self.config.ready_account(&account).map_err(|errors| fault(&errors))
    }

    /// The address's domain, where it named no provider before and this account's trial proved one.
    fn domain_to_remember(&self, caller: &Caller, account: &ReadyAccount) -> Option<String> {
        let domain = domain_of(&account.address)?;
        self.config.providers_of_domain(&domain, Some(&caller.user)).is_empty().then_some(domain)
    }

    fn seal(&mut self, account: &str, password: &SecretString) -> Result<Secret, Fault> {
        let store = self.store()?;
        let in_use = store
            .reader()?
            .secret_keys()?
            .iter()
            .map(|id| KeyId::parse(id))
            .collect::<Result<Vec<_>, _>>()?;
        let key = StoreKey::load_or_create(&self.resolver().key_place(), &in_use, &*self.world.entropy)?;
        let sealed = SealedSecret::seal(&key, account, PASSWORD_FIELD, password, &*self.world.entropy)?;
        Ok(Secret {
            account: account.to_owned(),
            field: PASSWORD_FIELD.to_owned(),
            key_id: key.id().to_string(),
            sealed: sealed.to_bytes(),
        })
    }

    /// One short transaction of a command, and the configuration read again with what it changed.
    pub(super) fn edit<R, F>(&mut self, work: F) -> Result<R, Fault>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<R, StoreError>,
    {
        let done = self.writer()?.transaction(work)?;
        let fresh = Self::open(self.world.clone(), self.env.clone())?;
        self.config = fresh.config;
        Ok(done)
    }
}

const fn origin_name(kind: OriginKind) -> &'static str {
    match kind {
        OriginKind::File => "file",
        OriginKind::Stored => "store",
        OriginKind::BuiltIn => "built in",
    }
}

/// `anna.smith@example.com` becomes `anna.smith`.
fn default_name(address: &str) -> String {
    let local = address.split('@').next().unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name: String = local.chars().map(|c| if fits(c) { c.to_ascii_lowercase() } else { '-' }).collect();
    if name.is_empty() { "account".to_owned() } else { name }
}
