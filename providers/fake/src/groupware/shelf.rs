//! Items with all that they were, so that a listing can show what was true a while ago.
//!
//! Rule: nothing is ever taken off a shelf. What was deleted has that as its newest state: the tombstone that a delta tells.

use std::collections::{BTreeMap, BTreeSet};

use postrider_model::{CollectionKey, ItemKey, Mark, Timestamp};

/// What says in which collections it is.
pub(super) trait Homed: Clone {
    fn is_in(&self, collection: &CollectionKey) -> bool;
    fn homes(&self) -> Vec<CollectionKey>;
}

/// One state of an item.
#[derive(Clone, Debug)]
pub(super) struct Rev<T> {
    /// Later than that of every change before.
    pub stamp: u64,
    /// When it came to be, by the true clock.
    pub at: Timestamp,
    /// When it was changed last, as the server tells it.
    pub changed: Timestamp,
    /// What it is; `None` for deleted.
    pub is: Option<T>,
}

#[derive(Clone, Debug)]
pub(super) struct Entry<T> {
    pub mark: Option<Mark>,
    /// Every collection that it ever was in.
    pub homes: BTreeSet<CollectionKey>,
    revs: Vec<Rev<T>>,
}

#[derive(Clone, Debug)]
pub(super) struct Shelf<T>(BTreeMap<ItemKey, Entry<T>>);

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Homed> Entry<T> {
    /// Its newest state.
    pub fn rev(&self) -> Option<&Rev<T>> {
        self.revs.last()
    }

    /// What it is now, if it is.
    pub fn now(&self) -> Option<&T> {
        self.rev()?.is.as_ref()
    }

    /// What it is, or was before it was deleted.
    pub fn last(&self) -> Option<&T> {
        self.revs.iter().rev().find_map(|rev| rev.is.as_ref())
    }

    /// What it was after the change with that stamp.
    pub fn at(&self, horizon: u64) -> Option<&Rev<T>> {
        self.revs.iter().rev().find(|rev| rev.stamp <= horizon)
    }
}

impl<T: Homed> Shelf<T> {
    pub fn get(&self, key: &ItemKey) -> Option<&Entry<T>> {
        self.0.get(key)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&ItemKey, &Entry<T>)> {
        self.0.iter()
    }

    /// What is there now.
    pub fn living(&self) -> impl Iterator<Item = (&ItemKey, &Entry<T>, &T)> {
        self.0.iter().filter_map(|(key, entry)| Some((key, entry, entry.now()?)))
    }

    /// The living one that was made under a mark.
    pub fn marked(&self, mark: Mark) -> Option<&ItemKey> {
        self.living().find(|(_, entry, _)| entry.mark == Some(mark)).map(|(key, ..)| key)
    }

    /// A new state of an item that is there or is made by it.
    pub fn put(&mut self, key: &ItemKey, mark: Option<Mark>, rev: Rev<T>) {
        let entry = self.0.entry(key.clone()).or_insert_with(|| Entry {
            mark,
            homes: BTreeSet::new(),
            revs: Vec::new(),
        });
        entry.homes.extend(rev.is.iter().flat_map(Homed::homes));
        entry.revs.push(rev);
    }

    /// The stamp of the newest change that a listing shows which sees nothing younger than `until`.
    pub fn horizon(&self, until: Timestamp) -> u64 {
        let revs = self.0.values().flat_map(|entry| &entry.revs);
        revs.filter(|rev| rev.at <= until).map(|rev| rev.stamp).max().unwrap_or(0)
    }
}
