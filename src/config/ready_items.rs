//! What a run of an account's contacts or activities needs (F3, F4), and what of the account's file keeps from it.

use std::time::Duration;

use super::{
    account::{Account, ActivitySettings, Choice, ContactSettings},
    error::ConfigError,
    load::{Config, Read},
    provider::{Provider, ProviderKind},
};

/// An account's server of contacts and activities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemServer {
    /// The account's name.
    pub account: String,
    /// Its address.
    pub address: String,
    /// What kind of server it is.
    pub kind: ProviderKind,
}

/// What a run of an account's contacts needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyContacts {
    /// The account.
    pub account: Account,
    /// `[contacts]`
    pub contacts: ContactSettings,
    /// Its server.
    pub server: ItemServer,
    /// The time between two runs of them.
    pub interval: Duration,
}

/// What a run of an account's activities needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyActivities {
    /// The account.
    pub account: Account,
    /// `[activities]`, as far as its server has them: where there are no task lists, no tasks come in.
    pub activities: ActivitySettings,
    /// Its server.
    pub server: ItemServer,
    /// The time between two runs of them.
    pub interval: Duration,
}

impl Config {
    /// Whether an account has no mail, and its contacts and activities are all that can be run of it.
    pub fn is_without_mail(&self, name: &str) -> bool {
        let Some(Ok(account)) = self.accounts.get(name) else { return false };
        let is_reached =
            || self.provider_of(account).is_ok_and(|provider| self.reached.contains(&provider.kind));
        !account.mail.load && !account.mail.send && is_reached()
    }

    /// What a run of an account's contacts needs; `None` where it has none.
    ///
    /// # Errors
    /// All that is wrong with the account's file and its provider's; and that there is no such account.
    pub fn ready_contacts(&self, name: &str) -> Read<Option<ReadyContacts>> {
        let account = self.account(name)?;
        let Some(contacts) = account.contacts.clone().filter(|_| wants_contacts(account)) else {
            return Ok(None);
        };
        let provider = self.reached_provider(account)?;
        if provider.kind == ProviderKind::Google && contacts.tag.is_none() {
            let expected = "the personal tag that says which contacts are kept in step";
            return Err(vec![account.origin.error("contacts.tag", "nothing", expected)]);
        }
        let interval = self.interval_of(account, account.sync.contacts_interval);
        Ok(Some(ReadyContacts {
            account: account.clone(),
            contacts,
            server: server_of(account, provider),
            interval,
        }))
    }

    /// What a run of an account's activities needs; `None` where it has none.
    ///
    /// # Errors
    /// As [`Config::ready_contacts`].
    pub fn ready_activities(&self, name: &str) -> Read<Option<ReadyActivities>> {
        let account = self.account(name)?;
        let Some(mut activities) = account.activities.clone().filter(wants_activities) else {
            return Ok(None);
        };
        let provider = self.reached_provider(account)?;
        if provider.kind == ProviderKind::Google {
            let errors = without_task_lists(account, provider, &activities);
            if !errors.is_empty() {
                return Err(errors);
            }
            activities.import_tasks = false;
        }
        let interval = self.interval_of(account, account.sync.activities_interval);
        let ready = wants_activities(&activities).then(|| ReadyActivities {
            account: account.clone(),
            activities,
            server: server_of(account, provider),
            interval,
        });
        Ok(ready)
    }

    /// All that is wrong with what an account asks for, of each kind of data that it has.
    pub fn wrong_with(&self, name: &str) -> Vec<ConfigError> {
        let mail = match self.is_without_mail(name) {
            true => None,
            false => self.ready(name).err(),
        };
        let items = [self.ready_contacts(name).err(), self.ready_activities(name).err()];
        let mut errors: Vec<ConfigError> = Vec::new();
        for error in [mail].into_iter().chain(items).flatten().flatten() {
            if !errors.contains(&error) {
                errors.push(error);
            }
        }
        errors
    }

    /// Tells of which kinds of servers contacts and activities are reached.
    pub fn reach_items_of(&mut self, kinds: &[ProviderKind]) {
        self.reached = kinds.to_vec();
    }

    /// The provider of an account whose contacts and activities can be run.
    fn reached_provider(&self, account: &Account) -> Result<&Provider, Vec<ConfigError>> {
        let provider = self.provider_of(account)?;
        match self.reached.contains(&provider.kind) {
            true => Ok(provider),
            false => Err(self.unsupported(account, provider)),
        }
    }

    /// What the account asks for that this version does not do.
    pub(super) fn unsupported(&self, account: &Account, provider: &Provider) -> Vec<ConfigError> {
        let mut errors = Vec::new();
        if provider.kind == ProviderKind::Exchange {
            let expected = "imap or google, since this version does not reach Exchange servers yet";
            errors.push(provider.origin.error("type", "\"exchange\"", expected));
        }
        let is_reached = self.reached.contains(&provider.kind);
        if wants_contacts(account) && !is_reached {
            errors.push(unsupported_table(account, provider, "contacts", "import and export"));
        }
        if account.activities.as_ref().is_some_and(wants_activities) && !is_reached {
            let off = "import_appointments, import_tasks and export";
            errors.push(unsupported_table(account, provider, "activities", off));
        }
        errors
    }

    /// The time between two runs of a kind: its own, else the account's, else the daemon's (F6.1).
    pub(super) fn interval_of(&self, account: &Account, of_kind: Option<Duration>) -> Duration {
        of_kind.or(account.sync.interval).unwrap_or(self.settings.daemon.interval)
    }
}

fn server_of(account: &Account, provider: &Provider) -> ItemServer {
    ItemServer { account: account.name.clone(), address: account.address.clone(), kind: provider.kind }
}

fn wants_contacts(account: &Account) -> bool {
    account.contacts.as_ref().is_some_and(|contacts| contacts.import || contacts.export)
}

const fn wants_activities(activities: &ActivitySettings) -> bool {
    activities.import_appointments || activities.import_tasks || activities.export
}

/// What the account says of task lists, to a server that has none.
fn without_task_lists(
    account: &Account,
    provider: &Provider,
    activities: &ActivitySettings,
) -> Vec<ConfigError> {
    let origin = &account.origin;
    let since = format!("since {} is of type google, which has no task lists", provider.name);
    let mut errors = Vec::new();
    if activities.import_tasks && origin.gives("activities.import_tasks") {
        errors.push(origin.error("activities.import_tasks", "true", format!("false, {since}")));
    }
    if origin.gives("activities.task_lists") {
        let found = match &activities.task_lists {
            Choice::All => "\"all\"",
            Choice::Listed(_) => "a list",
        };
        errors.push(origin.error("activities.task_lists", found, format!("nothing, {since}")));
    }
    errors
}

fn unsupported_table(account: &Account, provider: &Provider, table: &str, off: &str) -> ConfigError {
    let expected = match provider.kind {
        ProviderKind::Imap => {
            format!("no such table, since {} is of type imap, which has mail alone", provider.name)
        }
        _ => format!("it off ({off} = false), since this version does not sync {table} yet"),
    };
    account.origin.error(table, "the table", expected)
}

#[cfg(test)]
mod tests;
