//! What may be changed of an account without touching its login: name, folders, period, interval, signature text (F7.2). What was added
//! by command lives in the store; files are never written (F8.3).

use std::time::Duration;

use postrider_model::Fault;

use super::{Caller, Service, accounts::changed_meanwhile};
use crate::{
    access::Act,
    config::{AccountDraft, Choice, Period, fault, with_items_of},
};

/// What becomes of one setting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays.
    #[default]
    Keep,
    /// It is as if it had never been said.
    Reset,
    /// It is this from now on.
    To(T),
}

impl<T> Change<T> {
    fn applied_to(self, now: Option<T>) -> Option<T> {
        match self {
            Self::Keep => now,
            Self::Reset => None,
            Self::To(new) => Some(new),
        }
    }
}

/// What becomes of an account's settings. Where it logs in, and as what, is not among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountChanges {
    /// How far back mail is loaded.
    pub period: Change<Period>,
    /// The folders that are kept.
    pub folders: Change<Choice>,
    /// The name beside the address in what is sent.
    pub alias: Change<String>,
    /// The time between two runs.
    pub interval: Change<Duration>,
    /// The text below what is sent.
    pub signature: Change<String>,
}

impl AccountChanges {
    fn applied_to(self, now: AccountDraft) -> AccountDraft {
        AccountDraft {
            period: self.period.applied_to(now.period),
            folders: self.folders.applied_to(now.folders),
            alias: self.alias.applied_to(now.alias),
            interval: self.interval.applied_to(now.interval),
            signature: self.signature.applied_to(now.signature),
            ..now
        }
    }
}

impl Service {
    /// Changes an account's settings. The account must have been added by command.
    ///
    /// # Errors
    /// Where it is not there, or is defined by a file; a setting that would be wrong in a file too.
    pub fn set_account(&mut self, caller: &Caller, name: &str, changes: AccountChanges) -> Result<(), Fault> {
        let was = self.stored_now(name)?;
        self.permit(caller, Act::SetAccount, name)?;
        self.must_be_stored(name, "change")?;
        let account = self.config.account(name).map_err(|errors| fault(&errors))?;
        let toml = changes.applied_to(AccountDraft::of(account)).to_toml();
        let toml = with_items_of(&toml, was.as_deref().unwrap_or_default());
        self.check(name, &toml)?;
        let line = self.line(caller, Act::SetAccount, name, "");
        let stored_name = name.to_owned();
        let is_changed = self.edit(move |tx| {
            if !tx.replace_stored_account(&stored_name, &was.unwrap_or_default(), &toml)? {
                return Ok(false);
            }
            tx.audit(line)?;
            Ok(true)
        })?;
        if is_changed { Ok(()) } else { Err(changed_meanwhile("change", name)) }
    }
}
