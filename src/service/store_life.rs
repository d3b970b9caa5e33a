//! The store's own life (F10): taken out as a backup, put back, looked at, compacted, and brought home.
//!
//! What puts a store back or looks at it works where nothing can be opened: it asks no more than where the store is. Nothing here
//! decides what is loaded or sent: `sync::Leave` does.

use std::path::{Path, PathBuf};

use chrono::DateTime;
use postrider_model::{ErrorClass, Fault, Timestamp};
use postrider_store::{BodyCheck, Compacted, Manifest, Progress, Store, StoreError};
use serde::Serialize;

use super::{Caller, Environment, Service, audit::noted};
use crate::{access::Act, config::fault, sync::why_away, world::World};

/// Bodies that a check reads which is not to read all.
const SAMPLE: u64 = 1_000;

/// What a copy of a store is, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopyView {
    /// The file.
    pub file: PathBuf,
    /// The store's id.
    pub store_id: String,
    /// Its schema's number.
    pub schema: i64,
    /// When the store was made (RFC 3339).
    pub created: String,
    /// When the copy was taken (RFC 3339), where it says so.
    pub taken: Option<String>,
    /// Octets of the file.
    pub octets: u64,
}

impl CopyView {
    fn new(file: PathBuf, of: &Manifest) -> Self {
        Self {
            file,
            store_id: of.store_id.iter().map(|octet| format!("{octet:02x}")).collect(),
            schema: of.schema,
            created: written(of.created, "%Y-%m-%dT%H:%M:%SZ"),
            taken: of.taken.map(|at| written(at, "%Y-%m-%dT%H:%M:%SZ")),
            octets: of.octets,
        }
    }
}

/// What was put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoreRestored {
    /// It.
    pub from: CopyView,
    /// Where the store is now that was there, where there was one.
    pub kept: Option<PathBuf>,
}

/// What a look at the store found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoreCheck {
    /// Its folder.
    pub store: PathBuf,
    /// What is wrong with it; empty for a sound one.
    pub wrong: Vec<String>,
    /// What is wrong with the search index, which is made anew by the next run.
    pub search: Option<String>,
    /// The first line of the audit log that is not what was written. That is no damage: somebody was there.
    pub audit: Option<String>,
    /// Messages' bodies that were read.
    pub bodies: u64,
    /// Bodies that there are.
    pub bodies_of: u64,
}

impl Service {
    /// Writes a backup into a new file, or into a file of its own in a folder. Others may write to the store meanwhile. `progress` is
    /// told how many octets of how many are written.
    ///
    /// # Errors
    /// Where there is no store, a file of that name, no room; damage.
    pub fn back_up(&mut self, caller: &Caller, to: &Path, progress: Progress) -> Result<CopyView, Fault> {
        self.permit_operation(caller, Act::ManageStore, "backup")?;
        let Some(store) = self.store.clone() else { return Err(no_store(&self.config.settings.store.path)) };
        let now = self.world.clock.now();
        let file = match to.is_dir() {
            true => to.join(format!("postrider-{}.db", written(now, "%Y%m%dT%H%M%SZ"))),
            false => to.to_owned(),
        };
        let begun = self.begin(caller, Act::ManageStore, "", "backup")?;
        let made = store.backup(&file, now, progress).map_err(Fault::from);
        let manifest = self.end(begun, made)?;
        Ok(CopyView::new(file, &manifest))
    }

    /// Puts a backup in the place of the store. It is away from home then: it takes in, and sends once it is adopted.
    ///
    /// # Errors
    /// Where somebody syncs the store, or the file is no sound backup: nothing is changed then.
    pub fn restore_store(world: World, env: Environment, from: &Path) -> Result<StoreRestored, Fault> {
        let mut service = Self::for_its_store(world, env)?;
        let now = service.world.clock.now();
        let aside = format!("before-restore-{}", written(now, "%Y%m%dT%H%M%SZ"));
        let options = service.store_options();
        let (manifest, kept) = Store::restore(&options, from, &aside)?;
        // Upgraded where it is older, and what it had not sent noted as uncertain, before anybody goes on with it.
        service.store = Some(Store::open(&options)?);
        service.note(service.line(&service.owner(), Act::ManageStore, "", "restore"));
        Ok(StoreRestored { from: CopyView::new(from.to_owned(), &manifest), kept })
    }

    /// Looks at all of the store: what SQLite can tell, messages' bytes against their hashes (`full`: all of them, else an even
    /// sample), the search index. What it finds stops everything that is sent until a whole look finds nothing. `progress` is told how
    /// many bodies of how many are read.
    ///
    /// # Errors
    /// A store that cannot be opened.
    pub fn check_store(
        world: World,
        env: Environment,
        full: bool,
        progress: impl FnMut(u64, u64),
    ) -> Result<StoreCheck, Fault> {
        let service = Self::for_its_store(world, env)?;
        let dir = service.config.settings.store.path.clone();
        let Some(store) = Store::open_existing(&service.store_options())? else { return Err(no_store(&dir)) };
        // What was found once is looked for everywhere.
        let full = full || store.refuse_damaged().is_err();
        let reader = store.reader()?;
        let mut wrong = found_by(reader.check())?;
        let most = (!full).then_some(SAMPLE);
        let bodies = match reader.check_bodies(most, progress) {
            Err(StoreError::Damaged { detail, .. }) => {
                BodyCheck { wrong: vec![detail], ..BodyCheck::default() }
            }
            read => read?,
        };
        wrong.extend(bodies.wrong);
        match wrong.first() {
            Some(first) => store.note_damage(first)?,
            None if full => store.note_sound()?,
            None => {}
        }
        let search = store.check_search()?;
        let audit = match reader.verify_audit() {
            Ok(verified) => verified.wrong.map(|fault| format!("line {}: {}", fault.id, fault.why)),
            // Of a damaged store all is said already.
            Err(_) if !wrong.is_empty() => None,
            Err(error) => return Err(error.into()),
        };
        Ok(StoreCheck { store: dir, wrong, search, audit, bodies: bodies.read, bodies_of: bodies.of })
    }

    /// Gives back room that is free inside the store's files.
    ///
    /// # Errors
    /// Where there is no store, somebody syncs it, or the disk has no room for it.
    pub fn compact_store(&mut self, caller: &Caller) -> Result<Compacted, Fault> {
        self.permit_operation(caller, Act::ManageStore, "compact")?;
        let Some(store) = self.store.clone() else { return Err(no_store(&self.config.settings.store.path)) };
        let begun = self.begin(caller, Act::ManageStore, "", "compact")?;
        let compacted = store.compact().map_err(Fault::from);
        self.end(begun, compacted)
    }

    /// Makes this machine the store's home, so that what waits is sent. Answers whether it was away.
    ///
    /// # Errors
    /// Where there is no store.
    pub fn adopt_store(&mut self, caller: &Caller) -> Result<bool, Fault> {
        self.permit_operation(caller, Act::ManageStore, "adopt")?;
        let line = self.line(caller, Act::ManageStore, "", "adopt");
        let Some(store) = &self.store else { return Err(no_store(&self.config.settings.store.path)) };
        let mut writer = store.writer()?;
        writer.durable(true)?;
        Ok(writer.transaction(noted(line, |tx| tx.bring_home()))?)
    }

    /// Why nothing is sent before a person adopts the store, in words; `None` where it is at home.
    ///
    /// # Errors
    /// The store's, in words.
    pub fn away(&self) -> Result<Option<&'static str>, Fault> {
        let away = self.store.as_ref().map_or(Ok(None), Store::away)?;
        Ok(away.map(why_away))
    }

    /// Refuses what would change a server at once from a store that is away, or that was found damaged.
    pub(super) fn must_be_home(&self, action: &str) -> Result<(), Fault> {
        if let Some(store) = &self.store {
            store.refuse_damaged()?;
        }
        match self.away()? {
            Some(why) => {
                let hint = "`postrider adopt` makes this machine the store's home";
                Err(Fault::new(ErrorClass::Config, action, why).hint(hint))
            }
            None => Ok(()),
        }
    }

    /// The configuration, for where the store is: the store itself may not open.
    fn for_its_store(world: World, env: Environment) -> Result<Self, Fault> {
        let service = Self::examine(world, env)?;
        match service.config.errors.is_empty() {
            true => Ok(service),
            false => Err(fault(&service.config.errors)),
        }
    }
}

/// What SQLite finds; damage that keeps it from looking is a finding as well.
fn found_by(checked: Result<Vec<String>, StoreError>) -> Result<Vec<String>, Fault> {
    match checked {
        Err(StoreError::Damaged { detail, .. }) => Ok(vec![detail]),
        checked => Ok(checked?),
    }
}

fn no_store(dir: &Path) -> Fault {
    Fault::new(ErrorClass::Config, "use the store", format!("there is none in {} yet", dir.display()))
        .hint("`postrider --sync-now` makes it and brings mail in; `postrider store restore FILE` puts a backup there")
}

fn written(at: Timestamp, form: &str) -> String {
    DateTime::from_timestamp(at.seconds(), 0).map(|time| time.format(form).to_string()).unwrap_or_default()
}
