//! Accounts: seen, tried, added, let go (F1.6–F1.9). What is added by command lives in the store; files are never
//! written (F8.3).

use postrider_model::{ErrorClass, Fault};
use postrider_remote::Credential;
use postrider_store::{NewTokens, Secret, StoreError, Tx};
use secrecy::SecretString;
use serde::Serialize;

use super::{AccountView, Caller, Person, Revocation, Service, Trial, Way, audit::noted};
use crate::{
    access::Act,
    config::{AccountDraft, Login, Operation, OriginKind, ReadyAccount, domain_of, fault},
    secrets::{PASSWORD_FIELD, Purpose, SealedSecret, SecretSource, TOKENS_FIELD},
};

/// An account to be added.
#[derive(Debug)]
pub struct NewAccount {
    /// The name by which commands call it; by default the address's first part.
    pub name: Option<String>,
    /// What was said of it. The password's source is [`NewAccount::login`]'s.
    pub draft: AccountDraft,
    /// By what it is to log in.
    pub login: NewLogin,
}

/// By what a new account logs in.
#[derive(Debug)]
pub enum NewLogin {
    /// A password that is read anew at every login.
    From(SecretSource),
    /// A password that is to be kept in the store, sealed.
    Store(SecretString),
    /// A consent, to be asked for.
    Consent(Way),
}

/// A secret on its way into the store, with what it was given for.
enum NewSecret {
    Password(SealedSecret, String),
    Tokens(SealedSecret, String),
}

impl NewSecret {
    fn keep(&self, tx: &mut Tx<'_>, account: &str) -> Result<(), StoreError> {
        match self {
            Self::Password(sealed, given_for) => tx.put_secret(&Secret {
                account: account.to_owned(),
                field: PASSWORD_FIELD.to_owned(),
                key_id: sealed.key_id().to_string(),
                sealed: sealed.to_bytes(),
                given_for: Some(given_for.clone()),
            }),
            Self::Tokens(sealed, given_for) => tx.put_tokens(
                account,
                NewTokens {
                    key_id: &sealed.key_id().to_string(),
                    sealed: &sealed.to_bytes(),
                    given_for: Some(given_for),
                },
            ),
        }
    }
}

/// What adding an account came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Saved {
    /// Its name.
    pub name: String,
    /// What the trial found.
    pub trial: Trial,
    /// A domain that names this provider from now on: for all, where an administrator added the account, else for this user (F1.6).
    pub remembered_domain: Option<String>,
    /// What works but that a person should know.
    pub warnings: Vec<String>,
}

impl Service {
    /// All accounts that the caller sees, by name.
    pub fn accounts(&self, caller: &Caller) -> Vec<AccountView> {
        let seen = self.config.accounts.keys().filter(|name| self.may(caller, Act::SeeAccount, name));
        seen.map(|name| self.view(name, self.rights(caller, name))).collect()
    }

    /// One account.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub fn account(&self, caller: &Caller, name: &str) -> Result<AccountView, Fault> {
        self.permit(caller, Act::SeeAccount, name)?;
        self.known(name)?;
        Ok(self.view(name, self.rights(caller, name)))
    }

    /// Tries what the account will use, and changes nothing.
    ///
    /// # Errors
    /// What did not work, in words.
    pub async fn test_account(&self, caller: &Caller, name: &str) -> Result<Trial, Fault> {
        self.permit(caller, Act::TestAccount, name)?;
        let account = self.config.ready(name).map_err(|errors| fault(&errors))?;
        let tried = match self.credential(&account).await {
            Ok(credential) => self.try_account(&account, credential).await,
            Err(fault) => Err(fault),
        };
        // It changes nothing, so it makes no store either where there is none.
        match &tried {
            Ok(_) => self.note(self.line(caller, Act::TestAccount, name, "")),
            Err(fault) => self.note_failed(caller, Act::TestAccount, name, fault),
        }
        tried
    }

    /// Whether an account of which no source of a password is said logs in by a consent.
    ///
    /// # Errors
    /// What is wrong with what was said of it.
    pub fn asks_for_consent(&self, caller: &Caller, draft: &AccountDraft) -> Result<bool, Fault> {
        let name = default_name(&draft.address);
        let draft = AccountDraft { user: whose(caller, draft), ..draft.clone() };
        let account = self.config.check_account(&name, &draft.to_toml()).map_err(|errors| fault(&errors))?;
        Ok(self.config.asks_for_consent(&account))
    }

    /// Tries an account and, if all of it works, saves it in the store. Where it logs in by a consent, `person` is asked for it. It is
    /// the caller's where nobody is named.
    ///
    /// # Errors
    /// A name that is taken, a domain that names no provider, a consent that was refused or is somebody else's, and whatever the
    /// trial finds; without the operation `administer` another's account, and a password that a program, a file or the service
    /// manager gives. Nothing is saved then.
    pub async fn add_account(
        &mut self,
        caller: &Caller,
        new: NewAccount,
        person: &dyn Person,
    ) -> Result<Saved, Fault> {
        let name = new.name.unwrap_or_else(|| default_name(&new.draft.address));
        let user = whose(caller, &new.draft);
        let is_own = caller.has_everything() || user.as_deref() == Some(caller.user.as_str());
        let is_plain = is_own && !matches!(new.login, NewLogin::From(_));
        let act = if is_plain { Act::AddAccount } else { Act::AddAnyAccount };
        self.permit_operation(caller, act, &name)?;
        if self.config.accounts.contains_key(&name) || self.is_left_of_another(caller, &name)? {
            return Err(taken(&name));
        }
        let source = match &new.login {
            NewLogin::From(source) => Some(source.clone()),
            NewLogin::Store(_) => Some(SecretSource::Stored),
            NewLogin::Consent(_) => None,
        };
        let toml = AccountDraft { password: source, user, ..new.draft }.to_toml();
        let ready = self.check(&name, &toml)?;
        let tried = self.try_new(&ready, new.login, person).await;
        let (trial, secret) = tried.inspect_err(|fault| self.note_failed(caller, act, &name, fault))?;
        let domain = self.domain_to_remember(caller, &ready);
        let for_whom = (!self.has_operation(caller, Operation::Administer)).then(|| caller.user.clone());
        let remembered = domain.clone().map(|domain| (domain, for_whom, ready.provider.clone()));
        let stored_name = name.clone();
        let also_left = !caller.has_everything();
        let line = self.line(caller, act, &name, "");
        let added = self.edit(move |tx| {
            // The trial took its time: somebody else may have taken the name.
            if !tx.add_stored_account(&stored_name, &toml, also_left)? {
                return Ok(false);
            }
            if let Some(secret) = &secret {
                secret.keep(tx, &stored_name)?;
            }
            if let Some((domain, user, provider)) = &remembered {
                tx.put_domain(domain, user.as_deref(), provider)?;
            }
            tx.audit(line)?;
            Ok(true)
        })?;
        if !added {
            let fault = taken(&name);
            self.note_failed(caller, act, &name, &fault);
            return Err(fault);
        }
        let warnings = ready.warnings.iter().map(ToString::to_string).collect();
        Ok(Saved { name, trial, remembered_domain: domain, warnings })
    }

    /// Tries a new account by its new login; answers with what of it is to be kept.
    async fn try_new(
        &mut self,
        account: &ReadyAccount,
        new: NewLogin,
        person: &dyn Person,
    ) -> Result<(Trial, Option<NewSecret>), Fault> {
        match (new, &account.login) {
            (NewLogin::Consent(way), Login::Consent(settings)) => {
                let (trial, tokens) = self.consented(account, settings, way, person).await?;
                let sealed = self.seal(account, TOKENS_FIELD, &tokens.to_secret()?)?;
                Ok((trial, Some(NewSecret::Tokens(sealed, account.given_for.to_text()))))
            }
            (NewLogin::Store(password), Login::Password(_)) => {
                let trial = self.try_account(account, Credential::Password(password.clone())).await?;
                let sealed = self.seal(account, PASSWORD_FIELD, &password)?;
                Ok((trial, Some(NewSecret::Password(sealed, account.given_for.to_text()))))
            }
            (NewLogin::From(_), Login::Password(_)) => {
                let credential = self.credential(account).await?;
                Ok((self.try_account(account, credential).await?, None))
            }
            (_, login) => Err(other_login(account, login)),
        }
    }

    /// By what the account logs in.
    ///
    /// # Errors
    /// Where there is no such account, or its files are wrong.
    pub fn logs_in_by_consent(&self, caller: &Caller, name: &str) -> Result<bool, Fault> {
        self.permit(caller, Act::LogInAccount, name)?;
        let account = self.config.ready(name).map_err(|errors| fault(&errors))?;
        Ok(matches!(account.login, Login::Consent(_)))
    }

    /// Tries another password, or a new consent, and stores it.
    ///
    /// # Errors
    /// Where the account's password does not live in the store, the server refuses the new one, or the consent fails. What was stored
    /// before stays then.
    pub async fn login(
        &mut self,
        caller: &Caller,
        name: &str,
        new: NewLogin,
        person: &dyn Person,
    ) -> Result<Trial, Fault> {
        self.permit(caller, Act::LogInAccount, name)?;
        let account = self.config.ready(name).map_err(|errors| fault(&errors))?;
        if let Login::Password(source) = &account.login
            && *source != SecretSource::Stored
        {
            let action = format!("store a password for account {name}");
            let fault =
                Fault::new(ErrorClass::Config, action, format!("it takes its password from {source}"));
            return Err(fault.hint("change the password there"));
        }
        let tried = self.try_new(&account, new, person).await;
        let (trial, secret) =
            tried.inspect_err(|fault| self.note_failed(caller, Act::LogInAccount, name, fault))?;
        // The trial took its time: the account may be gone by now, or another's.
        let was = self.stored_now(name)?;
        let now = self.config.account(name);
        let is_the_same = now.is_ok_and(|now| (&now.user, &now.address) == (&account.user, &account.address));
        let line = self.line(caller, Act::LogInAccount, name, "");
        let stored_name = name.to_owned();
        let is_kept = is_the_same
            && self.edit(move |tx| {
                if let Some(was) = &was
                    && !tx.is_stored_account(&stored_name, was)?
                {
                    return Ok(false);
                }
                if let Some(secret) = &secret {
                    secret.keep(tx, &stored_name)?;
                }
                tx.audit(line)?;
                Ok(true)
            })?;
        if is_kept {
            return Ok(trial);
        }
        let fault = changed_meanwhile("log in", name);
        self.note_failed(caller, Act::LogInAccount, name, &fault);
        Err(fault)
    }

    /// Erases what is stored for the account's login, having revoked its consent where the provider can; its mail stays here.
    /// Answers whether there was anything, and what became of the consent.
    ///
    /// # Errors
    /// Where there is no such account, or another process is renewing its tokens and does not end.
    pub async fn disconnect_account(
        &mut self,
        caller: &Caller,
        name: &str,
    ) -> Result<(bool, Revocation), Fault> {
        self.permit(caller, Act::DisconnectAccount, name)?;
        self.known(name)?;
        if self.store.is_none() {
            return Ok((false, Revocation::Nothing));
        }
        let begun = self.begin(caller, Act::DisconnectAccount, name, "")?;
        let erased = self.erase_login(name).await;
        self.end(begun, erased)
    }

    async fn erase_login(&mut self, name: &str) -> Result<(bool, Revocation), Fault> {
        let (revocation, _lock) = self.revoke(name).await?;
        let name = name.to_owned();
        let was_there = self.edit(move |tx| {
            let secrets = tx.delete_secrets(&name, None)?;
            Ok(tx.erase_tokens(&name)? || secrets > 0)
        })?;
        Ok((was_there, revocation))
    }

    /// Takes the account away, with what is stored for its login, as [`disconnect_account`](Self::disconnect_account) does; its mail and
    /// its records stay here, and are linked with nothing of it any more.
    ///
    /// # Errors
    /// Where there is no such account, or a file defines it.
    pub async fn remove_account(&mut self, caller: &Caller, name: &str) -> Result<Revocation, Fault> {
        self.permit(caller, Act::RemoveAccount, name)?;
        self.must_be_stored(name, "remove")?;
        let (_, revocation) = self.disconnect_account(caller, name).await?;
        let line = self.line(caller, Act::RemoveAccount, name, "");
        let (name, now) = (name.to_owned(), self.world.clock.now());
        self.edit(noted(line, move |tx| {
            if let Some(id) = tx.account_id(&name)? {
                tx.unlink_account(id, now)?;
            }
            // Whoever takes the name next has not granted it.
            tx.delete_stored_mailbox(&name)?;
            tx.delete_stored_account(&name)
        }))?;
        Ok(revocation)
    }

    /// An account's settings as the store has them now, and the configuration with them: a call may have been under way for long.
    pub(super) fn stored_now(&mut self, name: &str) -> Result<Option<String>, Fault> {
        let Some(store) = self.store.clone() else { return Ok(None) };
        // The text first: what the configuration has is no older then.
        let stored = store.reader()?.stored_accounts()?.into_iter().find(|(one, _)| one == name);
        self.merge_stored()?;
        Ok(stored.map(|(_, toml)| toml))
    }

    fn known(&self, name: &str) -> Result<(), Fault> {
        match self.config.accounts.contains_key(name) {
            true => Ok(()),
            // Asked for an account that is not there, the configuration answers with the nearest name.
            false => self.config.account(name).map(|_| ()).map_err(|errors| fault(&errors)),
        }
    }

    pub(super) fn must_be_stored(&self, name: &str, verb: &str) -> Result<(), Fault> {
        self.known(name)?;
        let origin = self.config.account(name).map(|account| account.origin.kind);
        if origin.is_ok_and(|kind| kind == OriginKind::Stored) {
            return Ok(());
        }
        let file = self.config.dir.join("accounts.d").join(format!("{name}.toml"));
        let fault = Fault::new(ErrorClass::Config, format!("{verb} account {name}"), "a file defines it");
        Err(fault.hint(format!("edit or delete {}", file.display())))
    }

    pub(super) fn check(&self, name: &str, toml: &str) -> Result<ReadyAccount, Fault> {
        let account = self.config.check_account(name, toml).map_err(|errors| fault(&errors))?;
        self.config.ready_account(&account).map_err(|errors| fault(&errors))
    }

    /// The address's domain, where it named no provider before and this account's trial proved one.
    fn domain_to_remember(&self, caller: &Caller, account: &ReadyAccount) -> Option<String> {
        let domain = domain_of(&account.address)?;
        self.config.providers_of_domain(&domain, Some(&caller.user)).is_empty().then_some(domain)
    }

    /// Whether the store has mail of an account of that name that is not there any more. Only the store's owner sees it, so nobody else
    /// comes by it with a new account of that name.
    fn is_left_of_another(&self, caller: &Caller, name: &str) -> Result<bool, Fault> {
        if caller.has_everything() {
            return Ok(false);
        }
        let Some(store) = &self.store else { return Ok(false) };
        Ok(store.reader()?.accounts()?.iter().any(|account| account.name == name))
    }

    fn seal(
        &mut self,
        account: &ReadyAccount,
        field: &str,
        secret: &SecretString,
    ) -> Result<SealedSecret, Fault> {
        let store = self.store()?;
        let given_for = account.given_for.to_text();
        let purpose = Purpose { account: &account.name, field, given_for: Some(&given_for) };
        self.vault(&store).seal(purpose, secret)
    }

    /// One short transaction of a command, on the disk before it returns: what was taken back must not come again with the power. What it
    /// changed is put over the files in force: those on the disk may be wrong by now.
    pub(super) fn edit<R, F>(&mut self, work: F) -> Result<R, Fault>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<R, StoreError>,
    {
        let done = self.durable_writer()?.transaction(work)?;
        // It is done, whatever comes of the look at it.
        if let Err(fault) = self.merge_stored() {
            tracing::warn!(%fault, "what a command has changed could not be read again");
        }
        Ok(done)
    }
}

/// Whose a new account is to be: the user's who is named, else the caller's; `None` for the store's owner.
fn whose(caller: &Caller, draft: &AccountDraft) -> Option<String> {
    match caller.has_everything() {
        true => draft.user.clone(),
        false => draft.user.clone().or_else(|| Some(caller.user.clone())),
    }
}

fn taken(name: &str) -> Fault {
    Fault::new(ErrorClass::Config, format!("add account {name}"), "there is one of that name already")
        .hint("give it another one with --name")
}

pub(super) fn changed_meanwhile(verb: &str, name: &str) -> Fault {
    let action = format!("{verb} account {name}");
    Fault::new(ErrorClass::Busy, action, "it was changed or removed meanwhile")
        .hint("look at it, and try again")
}

fn other_login(account: &ReadyAccount, login: &Login) -> Fault {
    let (cause, hint) = match login {
        Login::Password(_) => ("it logs in by a password", "leave --device and --paste out"),
        Login::Consent(_) => ("it logs in by a consent", "leave the password out"),
    };
    Fault::new(ErrorClass::Config, format!("log in account {}", account.name), cause).hint(hint)
}

/// `anna.smith@example.com` becomes `anna.smith`.
fn default_name(address: &str) -> String {
    let local = address.split('@').next().unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name: String = local.chars().map(|c| if fits(c) { c.to_ascii_lowercase() } else { '-' }).collect();
    if name.is_empty() { "account".to_owned() } else { name }
}
