//! One reading of a collection, gathered from its pages as the engine would.

use std::collections::BTreeMap;

use postrider_model::{CollectionKey, Fault, ItemCursor, ItemKey, Scope, Timestamp};
use postrider_remote::{
    ActivityChange, CalendarRemote, ContactChange, ContactRemote, ItemFeed, Leaving, RemoteActivity,
    RemoteContact,
};

/// The pages of a feed together.
#[derive(Debug)]
struct Gathered<C> {
    scope: Scope,
    changes: Vec<C>,
    cursor: ItemCursor,
    server_time: Option<Timestamp>,
}

async fn gather<C: Send + 'static>(feed: &mut dyn ItemFeed<C>) -> Result<Gathered<C>, Fault> {
    let (mut changes, mut scope, mut cursor, mut server_time) = (Vec::new(), None, None, None);
    while let Some(page) = feed.next().await? {
        assert!(cursor.is_none(), "a page came behind the one with the cursor");
        assert_eq!(*scope.get_or_insert(page.scope), page.scope, "all pages of a feed have one scope");
        changes.extend(page.changes);
        cursor = page.cursor;
        server_time = page.server_time.or(server_time);
    }
    let cursor = cursor.expect("the last page has the cursor");
    Ok(Gathered { scope: scope.expect("there is a page"), changes, cursor, server_time })
}

/// What a reading found.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) scope: Scope,
    /// What is there, in order of keys.
    pub(crate) put: Vec<ItemKey>,
    /// What was held and is gone, in order of keys: by tombstone, which says why, or by its absence from a full listing.
    pub(crate) gone: Vec<(ItemKey, Option<Leaving>)>,
    pub(crate) server_time: Option<Timestamp>,
}

impl Reading {
    pub(crate) fn is_empty(&self) -> bool {
        self.put.is_empty() && self.gone.is_empty()
    }

    pub(crate) fn gone_keys(&self) -> Vec<ItemKey> {
        self.gone.iter().map(|(key, _)| key.clone()).collect()
    }
}

/// A collection, and what somebody holds of it.
#[derive(Debug, Clone)]
pub(crate) struct Held<T> {
    pub(crate) collection: CollectionKey,
    pub(crate) items: BTreeMap<ItemKey, T>,
    pub(crate) cursor: Option<ItemCursor>,
}

impl<T> Held<T> {
    /// Nothing of that collection.
    pub(crate) const fn nothing_of(collection: CollectionKey) -> Self {
        Self { collection, items: BTreeMap::new(), cursor: None }
    }

    /// Takes what was gathered. In a full listing what is not mentioned is gone.
    fn take(
        &mut self,
        scope: Scope,
        put: BTreeMap<ItemKey, T>,
        told_gone: Vec<(ItemKey, Option<Leaving>)>,
    ) -> (Vec<ItemKey>, Vec<(ItemKey, Option<Leaving>)>) {
        let mut gone: BTreeMap<ItemKey, Option<Leaving>> =
            told_gone.into_iter().filter(|(key, _)| self.items.contains_key(key)).collect();
        if scope == Scope::Full {
            for key in self.items.keys().filter(|key| !put.contains_key(key)) {
                gone.entry(key.clone()).or_insert(None);
            }
        }
        for key in gone.keys() {
            assert!(!put.contains_key(key), "{key:?} is there and gone in one listing");
            self.items.remove(key);
        }
        let keys = put.keys().cloned().collect();
        self.items.extend(put);
        (keys, gone.into_iter().collect())
    }
}

impl Held<RemoteContact> {
    /// Reads what changed and takes it: afterwards this is what is there.
    pub(crate) async fn try_follow(&mut self, remote: &dyn ContactRemote) -> Result<Reading, Fault> {
        let mut feed = remote.changes(&self.collection, self.cursor.as_ref()).await?;
        let gathered = gather(&mut *feed).await?;
        let (mut put, mut gone) = (BTreeMap::new(), Vec::new());
        for change in gathered.changes {
            match change {
                ContactChange::Put(contact) => drop(put.insert(contact.key.clone(), *contact)),
                ContactChange::Gone { key, why } => gone.push((key, Some(why))),
            }
        }
        for key in put.values().flat_map(|contact| &contact.former_keys) {
            gone.push((key.clone(), None));
        }
        let (put, gone) = self.take(gathered.scope, put, gone);
        self.cursor = Some(gathered.cursor);
        Ok(Reading { scope: gathered.scope, put, gone, server_time: gathered.server_time })
    }

    /// The same where nothing is wrong.
    pub(crate) async fn follow(&mut self, remote: &dyn ContactRemote) -> Reading {
        self.try_follow(remote).await.expect("the collection can be read")
    }
}

impl Held<RemoteActivity> {
    /// Reads what changed and takes it: afterwards this is what is there.
    pub(crate) async fn try_follow(&mut self, remote: &dyn CalendarRemote) -> Result<Reading, Fault> {
        let mut feed = remote.changes(&self.collection, self.cursor.as_ref()).await?;
        let gathered = gather(&mut *feed).await?;
        let (mut put, mut gone, mut series) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        for change in gathered.changes {
            match change {
                ActivityChange::Put(activity) => drop(put.insert(activity.key.clone(), *activity)),
                ActivityChange::Gone { key } => gone.push((key, None)),
                ActivityChange::Series { master, occurrences } => drop(series.insert(master, occurrences)),
            }
        }
        for (key, item) in &self.items {
            let Some(master) = &item.master else { continue };
            let is_left_out = series.get(master).is_some_and(|occurrences| !occurrences.contains(key));
            if is_left_out || gone.iter().any(|(gone, _)| gone == master) {
                gone.push((key.clone(), None));
            }
        }
        for key in series.values().flatten() {
            assert!(
                put.contains_key(key) || self.items.contains_key(key),
                "{key:?} of a series is told nowhere"
            );
        }
        let (put, gone) = self.take(gathered.scope, put, gone);
        self.cursor = Some(gathered.cursor);
        Ok(Reading { scope: gathered.scope, put, gone, server_time: gathered.server_time })
    }

    /// The same where nothing is wrong.
    pub(crate) async fn follow(&mut self, remote: &dyn CalendarRemote) -> Reading {
        self.try_follow(remote).await.expect("the collection can be read")
    }
}
