//! Every use case, each called in somebody's name: what the command line goes through, and what the daemon and its API will.
//!
//! One file a noun. The rights of a [`Caller`] are enforced here and nowhere else. Nothing in here prints or parses what a person
//! typed beyond ids and queries; nothing knows SQL or a protocol.

mod account_settings;
mod account_view;
mod accounts;
mod activities;
mod api_tokens;
mod audit;
mod calendars;
mod consent;
mod daemon;
mod doctor;
mod export;
mod folders;
pub(crate) mod follow;
mod keys;
mod mail;
mod mail_edit;
mod numbers;
mod outbox;
mod providers;
mod records;
mod rights;
mod run;
mod run_items;
mod run_notes;
mod shared;
mod sharing;
mod signature;
mod state;
mod store_life;
mod strangers;
mod submission;
mod supervisor;
mod trial;
mod vault;
pub(crate) mod watch;
mod writing;

use std::{path::PathBuf, sync::Arc};

use postrider_model::{ErrorClass, Fault};
use postrider_store::{Options, Reader, Store, Writer};

use crate::{
    config::{Config, LoadContext, fault},
    secrets::{CommandContext, KEY_FILE, Resolver},
    world::World,
};

pub use crate::access::{Act, Caller};
pub use account_settings::{AccountChanges, Change};
pub use account_view::AccountView;
pub use accounts::{NewAccount, NewLogin, Saved};
pub use activities::{
    ActivityChanges, ActivityDetails, ActivityQuery, Asked, Busy, BusyPerson, Extent, ImportedActivities,
    Invitation, Listed, ListedActivity, NewActivity, WhenChange,
};
pub use api_tokens::MadeToken;
pub use calendars::{CalendarChange, CalendarName, CalendarView};
pub use consent::{DeviceCode, Person, Revocation, Way};
pub use doctor::{Finding, Severity};
pub use export::{ExportCounts, ExportForm, ExportRequest, ExportSource, write_export};
pub use keys::Rotated;
pub use mail::{FolderView, MailFilter, Reach, Restored};
pub use mail_edit::{Edited, FlagEdit};
pub use numbers::AccountNumbers;
pub use outbox::OutboxView;
pub use providers::ProviderView;
pub use records::{
    CardPage, ContactChanges, ContactQuery, Imported, LabelName, Labelled, NewContact, VersionView,
};
pub(crate) use run::failed_report;
pub use run::{RunOutcome, RunRequest};
pub use shared::Shared;
pub use state::{AccountState, HeldState, KindState};
pub use store_life::{CopyView, StoreCheck, StoreRestored};
pub use supervisor::{Following, Supervisor, Turn};
pub use trial::Trial;
pub use writing::{MailParts, NewFile, NewMail};

/// What a process knows of its surroundings: read once, in `main`.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The configuration folder.
    pub config_dir: PathBuf,
    /// The store's folder where the configuration names none.
    pub default_store: PathBuf,
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// `PATH` for programs that give passwords.
    pub path: String,
    /// Where systemd puts credentials.
    pub credentials: Option<PathBuf>,
    /// The effective user.
    pub uid: u32,
    /// That user's name.
    pub user: String,
    /// Where a daemon of this user, or of the system, has its socket unless the configuration names another place.
    pub default_socket: PathBuf,
    /// The machine's id, where it has one.
    pub machine_id: Option<String>,
    /// The IANA name of the machine's time zone, where it has one.
    pub time_zone: Option<String>,
}

/// The use cases over one configuration and one store.
pub struct Service {
    world: World,
    env: Environment,
    /// The files in force, as they were read.
    files: Arc<Config>,
    /// The same with what the store adds to them.
    config: Config,
    store: Option<Store>,
    tokens: Arc<consent::TokenServices>,
    strangers: Arc<strangers::Strangers>,
    /// Where this process keeps accounts in step by itself: who has to be asked before a server is.
    supervisor: Option<Arc<dyn Supervisor>>,
}

impl Service {
    /// Reads the configuration and, where there is one, opens the store.
    ///
    /// # Errors
    /// What is wrong with the configuration as a whole, or with the store. What is wrong with one account's file stops only
    /// that account, later.
    pub fn open(world: World, env: Environment) -> Result<Self, Fault> {
        let mut service = Self::examine(world, env)?;
        if !service.config.errors.is_empty() {
            return Err(fault(&service.config.errors));
        }
        service.store = Store::open_existing(&service.store_options())?;
        service.merge_stored()?;
        Ok(service)
    }

    /// Reads the configuration alone, whatever is wrong with it: for a look at an installation that does not work.
    fn examine(world: World, env: Environment) -> Result<Self, Fault> {
        let config = Self::read_config(&env);
        Ok(Self::with_config(world, env, config))
    }

    /// The configuration as its files have it, whatever is wrong with it.
    pub(crate) fn read_config(env: &Environment) -> Config {
        let context = LoadContext {
            owner_uid: env.uid,
            home: env.home.clone(),
            default_store: env.default_store.clone(),
        };
        let mut config = Config::load(&env.config_dir, &context);
        config.set_owner(&env.user);
        config
    }

    /// Over that configuration, and no store yet.
    pub(crate) fn with_config(world: World, env: Environment, mut config: Config) -> Self {
        config.reach_items_of(world.items.kinds());
        let files = Arc::new(config.clone());
        Self {
            world,
            env,
            files,
            config,
            store: None,
            tokens: Arc::default(),
            strangers: Arc::default(),
            supervisor: None,
        }
    }

    /// The store, made where there is none yet.
    pub(crate) fn make_store(&mut self) -> Result<Store, Fault> {
        self.store()
    }

    /// What a daemon works with: the store's one writer among it.
    pub(crate) fn daemon_ports(&mut self) -> Result<crate::sync::Ports, Fault> {
        let store = self.store()?;
        self.ports(&store)
    }

    /// The configuration as it was read.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Puts what the store has by now over the files in force. Where it cannot be read, all stays as it was.
    fn merge_stored(&mut self) -> Result<(), Fault> {
        let Some(store) = &self.store else { return Ok(()) };
        let reader = store.reader()?;
        let mut config = (*self.files).clone();
        for (name, toml) in reader.stored_providers()? {
            config.merge_stored_provider(&name, &toml);
        }
        for (name, toml) in reader.stored_accounts()? {
            config.merge_stored_account(&name, &toml);
        }
        for (account, toml) in reader.stored_mailboxes()? {
            config.merge_stored_mailbox(&account, &toml);
        }
        for (domain, user, provider) in reader.domains()? {
            config.remember_domain(&domain, user.as_deref(), &provider);
        }
        self.config = config;
        Ok(())
    }

    fn store_options(&self) -> Options {
        let mut store_id = [0; 16];
        self.world.entropy.fill(&mut store_id);
        Options {
            dir: self.config.settings.store.path.clone(),
            user: self.env.uid,
            store_id,
            now: self.world.clock.now(),
            machine_id: self.env.machine_id.clone(),
            keeps_readers: true,
        }
    }

    /// The same use cases over the same configuration and store.
    fn again(&self) -> Self {
        Self {
            world: self.world.clone(),
            env: self.env.clone(),
            files: self.files.clone(),
            config: self.config.clone(),
            store: self.store.clone(),
            tokens: self.tokens.clone(),
            strangers: self.strangers.clone(),
            supervisor: self.supervisor.clone(),
        }
    }

    /// The store, made where there is none yet.
    fn store(&mut self) -> Result<Store, Fault> {
        if let Some(store) = &self.store {
            return Ok(store.clone());
        }
        let store = Store::open(&self.store_options())?;
        self.store = Some(store.clone());
        Ok(store)
    }

    fn reader(&self) -> Result<Reader, Fault> {
        let Some(store) = &self.store else {
            let dir = self.config.settings.store.path.display();
            let fault =
                Fault::new(ErrorClass::Config, "read the store", format!("there is none in {dir} yet"));
            return Err(fault.hint("`postrider --sync-now` makes it and brings mail in; so does the first contact or activity that is added"));
        };
        Ok(store.reader()?)
    }

    fn writer(&mut self) -> Result<Writer, Fault> {
        Ok(self.store()?.writer()?)
    }

    fn resolver(&self) -> Resolver {
        Resolver {
            credentials: self.env.credentials.clone(),
            owner_uid: self.env.uid,
            command: CommandContext { path: self.env.path.clone().into(), home: self.env.home.clone() },
            key_file: self.config.settings.store.path.join(KEY_FILE),
        }
    }
}
