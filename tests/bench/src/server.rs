//! A server that keeps no more than has to be kept: an item is made of its number and its state whenever it is asked for, so that a
//! million of them are some megabytes. The time that is spent in here is counted, to be taken off what the engine took.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use postrider_model::{
    CollectionKey, CollectionKind, Fault, ItemCursor, ItemKey, ItemVersion, Mark, Scope, Timestamp,
};
use postrider_remote::{Access, ItemApplied, ItemFeed, ItemPage, RemoteCollection};

use crate::timed::Stopwatch;

/// So many changes are told at a time (`SyncFolderItems`, 512).
const PAGE: usize = 512;
/// An odd number near 2^32 over the golden ratio: keys in another order than numbers.
const SCATTER: u64 = 2_654_435_769;

/// Items of one kind.
pub trait Kind: Send + Sync + 'static {
    /// An item.
    type Item: Clone + Send + Sync + 'static;
    /// What is told of one.
    type Change: Send + 'static;
    /// What their collection is.
    const COLLECTION: CollectionKind;

    /// What the server has under a number, in a state; others are other items.
    fn item(number: u64, state: u32) -> Self::Item;

    /// Which state that is.
    fn version(item: &Self::Item) -> &ItemVersion;

    /// It is there.
    fn put(item: Self::Item) -> Self::Change;

    /// It is not.
    fn gone(key: ItemKey) -> Self::Change;
}

/// What the server has under a number.
enum Slot<I> {
    /// What is made of it, in that state.
    State(u32),
    /// What was written.
    Written(Box<I>),
    Gone,
}

struct Held<I> {
    slots: Vec<Slot<I>>,
    /// What changed since the last listing.
    changed: BTreeSet<u64>,
    /// The next listing is a whole one.
    is_forgotten: bool,
    writes: u64,
    spent: Duration,
}

/// The one account's server, with one collection.
pub struct Server<K: Kind>(Arc<Mutex<Held<K::Item>>>);

impl<K: Kind> Clone for Server<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Kind> Server<K> {
    /// With so many items, all of which were told.
    pub fn new(items: u64) -> Self {
        let slots = (0..items).map(|_| Slot::State(0)).collect();
        let changed = BTreeSet::new();
        let held = Held { slots, changed, is_forgotten: false, writes: 0, spent: Duration::ZERO };
        Self(Arc::new(Mutex::new(held)))
    }

    fn held(&self) -> MutexGuard<'_, Held<K::Item>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does that, and counts the time.
    fn timed<R>(&self, work: impl FnOnce(&mut Held<K::Item>) -> R) -> R {
        let mut held = self.held();
        let begun = Stopwatch::start();
        let done = work(&mut held);
        held.spent += begun.elapsed();
        done
    }

    /// The time that was spent in here since it was asked for last.
    pub fn take_spent(&self) -> Duration {
        std::mem::take(&mut self.held().spent)
    }

    /// One item more, made there.
    pub fn add(&self) {
        let mut held = self.held();
        let number = held.slots.len() as u64;
        held.slots.push(Slot::State(0));
        held.changed.insert(number);
    }

    /// An item is changed there.
    pub fn edit(&self, number: u64) {
        let mut held = self.held();
        held.writes += 1;
        let state = u32::try_from(held.writes).unwrap_or(u32::MAX);
        held.set(number, Slot::State(state));
    }

    /// An item is deleted there.
    pub fn delete(&self, number: u64) {
        self.held().set(number, Slot::Gone);
    }

    /// How many numbers were given out.
    pub fn len(&self) -> u64 {
        self.held().slots.len() as u64
    }

    /// Whether it is there, and nothing was written of it from here.
    pub fn has_own(&self, number: u64) -> bool {
        matches!(self.held().slots.get(number as usize), Some(Slot::State(_)))
    }

    /// It takes no cursor any more: the next listing is a whole one.
    pub fn forget_cursors(&self) {
        self.held().is_forgotten = true;
    }

    /// Its one collection.
    pub fn collections(&self) -> Vec<RemoteCollection> {
        self.timed(|_| {
            vec![RemoteCollection {
                key: CollectionKey("the-one".to_owned()),
                name: "The one".to_owned(),
                kind: K::COLLECTION,
                is_default: true,
                access: Access::Write,
                mark: None,
                time_zone: None,
            }]
        })
    }

    /// What changed, or all there is.
    pub fn changes(&self, since: Option<&ItemCursor>) -> Box<dyn ItemFeed<K::Change>> {
        let (scope, numbers) = self.timed(|held| {
            let changed = std::mem::take(&mut held.changed);
            let is_delta = since.is_some() && !std::mem::take(&mut held.is_forgotten);
            match is_delta {
                true => (Scope::Delta, changed.into_iter().collect::<Vec<_>>()),
                false => (Scope::Full, (0..held.slots.len() as u64).collect()),
            }
        });
        Box::new(Pages { server: self.clone(), scope, numbers: numbers.into_iter(), is_over: false })
    }

    /// What these are now.
    pub fn fetch(&self, keys: &[ItemKey]) -> Vec<K::Change> {
        self.timed(|held| {
            let change = |key: &ItemKey| match number_of(key).and_then(|number| held.item::<K>(number)) {
                Some(item) => K::put(item),
                None => K::gone(key.clone()),
            };
            keys.iter().map(change).collect()
        })
    }

    /// Makes one: what is given a key and a version.
    pub fn create(&self, make: impl FnOnce(ItemKey, ItemVersion) -> K::Item) -> ItemApplied<K::Item> {
        self.timed(|held| {
            let number = held.slots.len() as u64;
            let item = make(key_of(number), held.next_version());
            held.slots.push(Slot::Written(Box::new(item.clone())));
            ItemApplied::Done(Box::new(item))
        })
    }

    /// Writes one, on condition of its version; `None` for one that is deleted.
    pub fn write(
        &self,
        key: &ItemKey,
        version: &ItemVersion,
        change: impl FnOnce(K::Item, ItemVersion) -> Option<K::Item>,
    ) -> ItemApplied<K::Item> {
        self.timed(|held| {
            let Some(number) = number_of(key) else { return ItemApplied::Gone };
            let Some(item) = held.item::<K>(number) else { return ItemApplied::Gone };
            if K::version(&item) != version {
                return ItemApplied::Stale;
            }
            let next = held.next_version();
            let (slot, applied) = match change(item, next) {
                Some(item) => (Slot::Written(Box::new(item.clone())), ItemApplied::Done(Box::new(item))),
                None => (Slot::Gone, ItemApplied::Removed),
            };
            if let Some(place) = held.slots.get_mut(number as usize) {
                *place = slot;
            }
            applied
        })
    }
}

impl<I: Clone> Held<I> {
    fn item<K: Kind<Item = I>>(&self, number: u64) -> Option<I> {
        match self.slots.get(number as usize)? {
            Slot::State(state) => Some(K::item(number, *state)),
            Slot::Written(item) => Some((**item).clone()),
            Slot::Gone => None,
        }
    }

    fn set(&mut self, number: u64, slot: Slot<I>) {
        if let Some(place) = self.slots.get_mut(number as usize) {
            *place = slot;
            self.changed.insert(number);
        }
    }

    fn next_version(&mut self) -> ItemVersion {
        self.writes += 1;
        ItemVersion(format!("\"w{}\"", self.writes))
    }
}

struct Pages<K: Kind> {
    server: Server<K>,
    scope: Scope,
    numbers: std::vec::IntoIter<u64>,
    is_over: bool,
}

#[async_trait]
impl<K: Kind> ItemFeed<K::Change> for Pages<K> {
    async fn next(&mut self) -> Result<Option<ItemPage<K::Change>>, Fault> {
        if self.is_over {
            return Ok(None);
        }
        let (scope, numbers) = (self.scope, &mut self.numbers);
        let change = |held: &Held<K::Item>, number| match held.item::<K>(number) {
            Some(item) => Some(K::put(item)),
            None => (scope == Scope::Delta).then(|| K::gone(key_of(number))),
        };
        let changes: Vec<_> =
            self.server.timed(|held| numbers.take(PAGE).filter_map(|number| change(held, number)).collect());
        self.is_over = self.numbers.len() == 0;
        let cursor = self.is_over.then(|| ItemCursor("all".to_owned()));
        Ok(Some(ItemPage { scope, changes, cursor, server_time: None }))
    }
}

/// Under which key the item of a number is.
pub fn key_of(number: u64) -> ItemKey {
    ItemKey(format!("{:08x}-{number}", number.wrapping_mul(SCATTER) as u32))
}

fn number_of(key: &ItemKey) -> Option<u64> {
    key.0.split_once('-')?.1.parse().ok()
}

/// The version of an item that is in that state.
pub fn version_of(number: u64, state: u32) -> ItemVersion {
    ItemVersion(format!("\"{number:x}-{state:x}\""))
}

/// When that state came to be, by the server's clock.
pub fn changed_at(state: u32) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000 + i64::from(state))
}

/// What nobody asks of this server.
pub fn unasked(what: &str, _mark: Mark) -> Fault {
    Fault::new(postrider_model::ErrorClass::Permanent, what, "this server has one collection")
}
