//! What the server holds behind its lock: accounts with their collections and items, mail that it sent, and what clients did wrong.
//!
//! Rule: ids and stamps are counted, never drawn; the one clock is handed in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use postrider_model::{
    Activity, Clock, CollectionKey, CollectionKind, Contact, ItemKey, ItemVersion, Mark, Own, Timestamp,
};
use postrider_remote::{Access, ItemApplied, Making, RemoteCollection, Standing};

use super::Habits;
use super::faults::Troubles;
use super::habits::Writing;
use super::notices::SentMail;
use super::shelf::{Homed, Rev, Shelf};

/// A contact as it is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Card {
    pub contact: Contact,
    /// Keys that it had before.
    pub former: Vec<ItemKey>,
    pub books: BTreeSet<CollectionKey>,
}

/// An activity as it is held for one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub collection: CollectionKey,
    pub activity: Activity,
    pub own: Own,
    pub standing: Standing,
    /// By which its maker knew it, whatever uid it got.
    pub given_uid: String,
    /// Those who take part do not see one another.
    pub hides_guests: bool,
    pub read_only: bool,
    pub master: Option<ItemKey>,
}

impl Homed for Card {
    fn is_in(&self, collection: &CollectionKey) -> bool {
        self.books.contains(collection)
    }

    fn homes(&self) -> Vec<CollectionKey> {
        self.books.iter().cloned().collect()
    }
}

impl Homed for Event {
    fn is_in(&self, collection: &CollectionKey) -> bool {
        self.collection == *collection
    }

    fn homes(&self) -> Vec<CollectionKey> {
        vec![self.collection.clone()]
    }
}

/// A collection.
#[derive(Clone, Debug)]
pub(super) struct Collection {
    pub name: String,
    pub kind: CollectionKind,
    pub is_default: bool,
    pub access: Access,
    pub mark: Option<Mark>,
    /// Whose it is, where another account shares it, and how it is called there.
    pub source: Option<(String, CollectionKey)>,
}

/// One user's account.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub collections: BTreeMap<CollectionKey, Collection>,
    pub contacts: Shelf<Card>,
    pub activities: Shelf<Event>,
}

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub cause: String,
    /// The contract forbids to ask for it, so it is kept in the violations.
    pub is_breach: bool,
}

/// What a real server would refuse too.
pub(super) fn refused<T>(cause: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { cause: cause.into(), is_breach: false })
}

/// What a real server might let pass.
pub(super) fn breach<T>(cause: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { cause: cause.into(), is_breach: true })
}

/// Who does something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Act<'a> {
    /// Whose account, folded.
    pub by: &'a str,
    pub mark: Option<Mark>,
    /// Held to the contract; else it is what some other client does.
    pub strict: bool,
}

/// Everything behind the lock.
#[derive(Debug)]
pub(super) struct State {
    pub habits: Habits,
    pub clock: Arc<dyn Clock>,
    /// By address, folded.
    pub accounts: BTreeMap<String, Account>,
    pub violations: Vec<String>,
    pub sent: Vec<SentMail>,
    /// How many changes of an activity that somebody makes are a person's, by account and uid.
    pub announced: BTreeMap<(String, String), usize>,
    pub troubles: Troubles,
    /// Accounts of whose contacts one is being written.
    pub writing: BTreeSet<String>,
    pub stamp: u64,
    /// Cursors up to this number hold no more.
    pub dead_cursors: u64,
    pub cursors: u64,
    ids: u64,
}

/// How addresses are compared.
pub(super) fn fold(address: &str) -> String {
    address.to_ascii_lowercase()
}

impl State {
    pub fn new(habits: Habits, clock: Arc<dyn Clock>) -> Self {
        Self {
            habits,
            clock,
            accounts: BTreeMap::new(),
            violations: Vec::new(),
            sent: Vec::new(),
            announced: BTreeMap::new(),
            troubles: Troubles::default(),
            writing: BTreeSet::new(),
            stamp: 0,
            dead_cursors: 0,
            cursors: 0,
            ids: 0,
        }
    }

    /// The same by another clock, without what was to go wrong.
    pub fn fork(&self, clock: Arc<dyn Clock>) -> Self {
        Self {
            habits: self.habits.clone(),
            clock,
            accounts: self.accounts.clone(),
            violations: self.violations.clone(),
            sent: self.sent.clone(),
            announced: self.announced.clone(),
            troubles: Troubles::default(),
            writing: self.writing.clone(),
            stamp: self.stamp,
            dead_cursors: self.dead_cursors,
            cursors: self.cursors,
            ids: self.ids,
        }
    }

    /// What its clock shows.
    pub fn server_time(&self) -> Timestamp {
        Timestamp(self.clock.now().0.saturating_add(self.habits.clock_offset_ms.saturating_mul(1_000)))
    }

    fn id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// A key that never was. Of Exchange's two in succession differ in case alone.
    pub fn key(&mut self, of: &str) -> ItemKey {
        let id = self.id();
        ItemKey(match self.habits.writing {
            Writing::Google => format!("{of}{id}"),
            Writing::Exchange => {
                let letter = char::from(b'a' + (id / 2 % 26) as u8);
                let letter = if id.is_multiple_of(2) { letter } else { letter.to_ascii_uppercase() };
                format!("AAMkA{:04}{letter}AAA=", id / 52)
            }
        })
    }

    pub fn collection_key(&mut self, kind: CollectionKind) -> CollectionKey {
        let id = self.id();
        CollectionKey(match (self.habits.writing, kind) {
            (Writing::Google, CollectionKind::AddressBook) => format!("contactGroups/{id:x}"),
            (Writing::Google, _) => format!("{id}@group.calendar.google.test"),
            (Writing::Exchange, _) => format!("AQMkF{id}=="),
        })
    }

    pub fn version(&self, stamp: u64) -> ItemVersion {
        ItemVersion(match self.habits.writing {
            Writing::Google => format!("\"{stamp}\""),
            Writing::Exchange => format!("DwAAABYAAAC{stamp}"),
        })
    }

    pub fn account(&self, address: &str) -> Result<&Account, Refusal> {
        self.accounts.get(address).map_or_else(|| refused(format!("there is no account {address}")), Ok)
    }

    pub fn account_mut(&mut self, address: &str) -> Result<&mut Account, Refusal> {
        self.accounts.get_mut(address).map_or_else(|| refused(format!("there is no account {address}")), Ok)
    }

    pub fn collection(&self, account: &str, key: &CollectionKey) -> Result<&Collection, Refusal> {
        let found = self.account(account)?.collections.get(key);
        found.map_or_else(|| refused(format!("there is no collection {}", key.0)), Ok)
    }

    /// A collection that may be written to and holds that.
    pub fn writable(
        &self,
        account: &str,
        key: &CollectionKey,
        is_fit: impl Fn(CollectionKind) -> bool,
    ) -> Result<(), Refusal> {
        let collection = self.collection(account, key)?;
        if collection.access < Access::Write {
            return refused(format!("{} may only be read", collection.name));
        }
        if !is_fit(collection.kind) {
            return refused(format!("{} holds something else", collection.name));
        }
        Ok(())
    }

    /// A state that comes to be now. `since` keeps the time of the last change.
    pub fn rev<T>(&mut self, is: Option<T>, since: Option<Timestamp>) -> Rev<T> {
        self.stamp += 1;
        let changed = since.unwrap_or_else(|| self.server_time());
        Rev { stamp: self.stamp, at: self.clock.now(), changed, is }
    }

    /// What asks the server for something that the contract forbids is kept.
    pub fn judged<T>(&mut self, act: &Act<'_>, result: Result<T, Refusal>) -> Result<T, Refusal> {
        if let Err(Refusal { cause, is_breach: true }) = &result
            && act.strict
        {
            self.violations.push(format!("{}: {cause}", act.by));
        }
        result
    }

    /// All collections of an account that hold one of these kinds.
    pub fn collections(
        &self,
        account: &str,
        is_wanted: impl Fn(CollectionKind) -> bool,
    ) -> Result<Vec<RemoteCollection>, Refusal> {
        let collections = self.account(account)?.collections.iter();
        Ok(collections
            .filter(|(_, collection)| is_wanted(collection.kind))
            .map(|(key, collection)| collection.told(key))
            .collect())
    }

    pub fn make_collection(
        &mut self,
        account: &str,
        kind: CollectionKind,
        name: &str,
        mark: Option<Mark>,
    ) -> Result<Making, Refusal> {
        if !self.habits.kinds.contains(&kind) {
            return refused("this server has no collections of that kind");
        }
        if name.trim().is_empty() {
            return refused("a collection needs a name");
        }
        let there = self.account(account)?.collections.iter().find(|(_, collection)| {
            collection.kind == kind && (collection.name == name || mark.is_some() && collection.mark == mark)
        });
        if let Some((key, collection)) = there {
            return Ok(Making::Taken(collection.told(key)));
        }
        let key = self.collection_key(kind);
        let keeps = kind == CollectionKind::AddressBook || self.habits.calendars_keep_marks;
        let mark = mark.filter(|_| keeps);
        let collection = Collection {
            name: name.to_owned(),
            kind,
            is_default: false,
            access: Access::Write,
            mark,
            source: None,
        };
        let told = collection.told(&key);
        self.account_mut(account)?.collections.insert(key, collection);
        Ok(Making::Made(told))
    }

    pub fn rename_collection(
        &mut self,
        account: &str,
        key: &CollectionKey,
        name: &str,
    ) -> Result<(), Refusal> {
        let kind = self.collection(account, key)?.kind;
        let same = |(other, collection): (&CollectionKey, &Collection)| {
            other != key && collection.kind == kind && collection.name == name
        };
        if self.account(account)?.collections.iter().any(same) {
            return refused(format!("there is a collection {name} already"));
        }
        if let Some(collection) = self.account_mut(account)?.collections.get_mut(key) {
            name.clone_into(&mut collection.name);
        }
        Ok(())
    }
}

impl Collection {
    fn told(&self, key: &CollectionKey) -> RemoteCollection {
        RemoteCollection {
            key: key.clone(),
            name: self.name.clone(),
            kind: self.kind,
            is_default: self.is_default,
            access: self.access,
            mark: self.mark,
            time_zone: (self.kind == CollectionKind::Calendar).then(|| "UTC".to_owned()),
        }
    }
}

/// What was done, as it is told.
pub(super) type Applied<T> = Result<ItemApplied<T>, Refusal>;
