//! One contact under another key: renamed by its server, moved to another folder, or in a collection that is not there any more.
//!
//! Rules: where the server says which keys an item had, its link follows. Where ids change with the folder, what is gone under its key is a
//! deletion only once every folder was read after that was noticed, and what arrives and looks like a record that has an item elsewhere is
//! that item moved, where that one is not there any more. What a collection tells as gone that is gone itself is not believed (I2).

use std::collections::{BTreeMap, BTreeSet};

use postrider_model::{ErrorClass, Fault, ItemCollectionId, ItemKey, LinkId, RecordId};
use postrider_remote::{ContactChange, RemoteContact};
use postrider_store::{GoneThere, Link, StoreError, Tx, Viewer};

use super::{
    ContactsRun, Steps,
    books::Book,
    collect::{Collected, News},
    plan::{Planner, Step},
};
use crate::card::likeness_of;

/// A link of which is asked whether its item is there still, because one like it arrived.
struct Doubt {
    link: LinkId,
    collection: ItemCollectionId,
    key: ItemKey,
    /// Where the one like it arrived.
    arrived: ItemCollectionId,
}

impl Steps<'_> {
    /// Lets go of what collections tell as gone that are not there any more themselves. What becomes of those is for the next run, which
    /// does not find them in the listing.
    pub(super) async fn believe(
        &self,
        books: &mut Vec<Book>,
        collected: &mut Vec<Collected>,
        done: &mut ContactsRun,
    ) -> Result<(), Fault> {
        let tells_of_gone = |one: &Collected| one.news.values().any(|news| matches!(news, News::Gone(_)));
        if !collected.iter().any(tells_of_gone) {
            return Ok(());
        }
        let listed = self.remote.collections().await?;
        let (there, gone): (Vec<Book>, Vec<Book>) =
            books.drain(..).partition(|book| listed.iter().any(|one| one.key == book.key));
        *books = there;
        for book in gone {
            done.warn(format!(
                "\"{}\" was deleted on the server while it was read: its contacts were left as they are",
                book.name
            ));
            collected.retain(|one| one.book != book.id);
        }
        Ok(())
    }

    /// Links whose items are not there any more, of records that are like an item that arrived elsewhere. Where that cannot be found out
    /// now, what arrived there waits.
    pub(super) async fn absent(
        &self,
        books: &[Book],
        collected: &mut Vec<Collected>,
        done: &mut ContactsRun,
    ) -> Result<BTreeSet<LinkId>, Fault> {
        let mut absent = BTreeSet::new();
        if self.can.has_groups {
            return Ok(absent);
        }
        let (account, viewer, news) =
            (self.run.account_id, self.run.viewer.clone(), std::mem::take(collected));
        let (news, doubts, known) = self
            .ports
            .transaction(move |tx| {
                let doubts = match tx.has_links(account)? {
                    true => doubts(tx, account, &viewer, &news)?,
                    false => Vec::new(),
                };
                Ok((news, doubts, tx.item_collections(account)?))
            })
            .await?;
        *collected = news;
        let mut by_collection: BTreeMap<ItemCollectionId, Vec<Doubt>> = BTreeMap::new();
        for doubt in doubts {
            by_collection.entry(doubt.collection).or_default().push(doubt);
        }
        let mut listed = None;
        for (id, doubts) in by_collection {
            let Some(one) = known.iter().find(|one| one.id == id) else { continue };
            if one.gone.is_some() {
                if listed.is_none() {
                    listed = Some(self.remote.collections().await?);
                }
                if !listed.iter().flatten().any(|there| there.key == one.key) {
                    absent.extend(doubts.iter().map(|doubt| doubt.link));
                    continue;
                }
            }
            let book = books.iter().find(|book| book.id == id).cloned();
            let book = book.unwrap_or_else(|| Book::unread(one));
            let keys: Vec<ItemKey> = doubts.iter().map(|doubt| doubt.key.clone()).collect();
            match self.fetched(&book, &keys).await {
                Ok(answers) => {
                    let gone: BTreeSet<ItemKey> = answers.into_iter().filter_map(gone_key).collect();
                    let is_gone = |doubt: &&Doubt| gone.contains(&doubt.key);
                    absent.extend(doubts.iter().filter(is_gone).map(|doubt| doubt.link));
                }
                Err(fault) => {
                    // What never can be asked for is taken for there.
                    if fault.class != ErrorClass::Permanent {
                        let waits = |one: &Collected| doubts.iter().any(|doubt| doubt.arrived == one.book);
                        collected.retain(|one| !waits(one));
                    }
                    self.failed(done, fault)?;
                }
            }
        }
        Ok(absent)
    }
}

fn gone_key(change: ContactChange) -> Option<ItemKey> {
    match change {
        ContactChange::Gone { key, .. } => Some(key),
        ContactChange::Put(_) => None,
    }
}

/// Links, of which nothing is told, of records that are like items that arrived.
fn doubts(
    tx: &Tx<'_>,
    account: postrider_model::AccountId,
    viewer: &Viewer,
    collected: &[Collected],
) -> Result<Vec<Doubt>, StoreError> {
    let mut doubts: BTreeMap<LinkId, Doubt> = BTreeMap::new();
    for one in collected {
        for (key, news) in &one.news {
            let News::Put(item) = news else { continue };
            if tx.listed_link(one.book, key)?.is_some_and(|link| !link.has_left) {
                continue;
            }
            for record in alike(tx, viewer, item)? {
                let mut links = tx.links_of_record(account, record)?;
                links.extend(tx.frozen_links_of_record(account, record)?);
                for link in links.into_iter().filter(|link| link.left.is_none() && link.gone.is_none()) {
                    let of_book = collected.iter().find(|one| one.book == link.collection);
                    if of_book.is_none_or(|one| !one.news.contains_key(&link.key)) {
                        let (collection, key, arrived) = (link.collection, link.key, one.book);
                        doubts.insert(link.id, Doubt { link: link.id, collection, key, arrived });
                    }
                }
            }
        }
    }
    Ok(doubts.into_values().collect())
}

/// The records that an item may be.
fn alike(tx: &Tx<'_>, viewer: &Viewer, item: &RemoteContact) -> Result<BTreeSet<RecordId>, StoreError> {
    let mut alike: BTreeSet<_> =
        tx.contacts_like(viewer, &likeness_of(&item.contact))?.into_iter().map(|one| one.record.id).collect();
    if let Some(mark) = item.mark {
        alike.extend(tx.link_of_mark(mark)?.and_then(|link| link.record));
    }
    Ok(alike)
}

impl Planner<'_, '_> {
    /// Links whose items have other keys now, by the server's own word: they follow. Answers the items that they are with.
    ///
    /// Where several became one, one link follows, of a record that is there, where one is. The other records are told apart still: two can
    /// be made one later, and one that was made of two cannot be parted (F3.7). Their items are deleted on the server, so they stay without
    /// a link and without the tag (F3.3); else they would be made there anew, which would undo what a person did.
    pub(super) fn renamed(&mut self) -> Result<BTreeSet<(ItemCollectionId, ItemKey)>, StoreError> {
        let task = self.task;
        let mut followed = BTreeSet::new();
        for one in &task.collected {
            for (key, former) in &one.former {
                let mut links = Vec::new();
                for was in former.iter().filter(|was| *was != key) {
                    let link = self.tx.link_of_item(one.book, was)?;
                    links.extend(link.filter(|link| link.left.is_none() && !self.moved.contains(&link.id)));
                }
                let is_linked = self.tx.link_of_item(one.book, key)?.is_some_and(|link| link.left.is_none());
                if let (Some(News::Put(item)), false, false) =
                    (one.news.get(key), is_linked, links.is_empty())
                {
                    let link = links.remove(self.first_living(&links)?);
                    followed.insert((one.book, key.clone()));
                    self.follow_item(link, one.book, item, one.ahead_ms)?;
                }
                for link in links {
                    self.moved.insert(link.id);
                    self.decide(link, Some(&News::Gone(GoneThere::Deleted)), one.ahead_ms)?;
                }
            }
        }
        Ok(followed)
    }

    /// The place of the first link whose record is not deleted; else the first.
    fn first_living(&self, links: &[Link]) -> Result<usize, StoreError> {
        for (at, link) in links.iter().enumerate() {
            let record = link.record.map(|record| self.tx.record(record)).transpose()?.flatten();
            if record.is_some_and(|record| record.deleted.is_none()) {
                return Ok(at);
            }
        }
        Ok(0)
    }

    /// The item of a link has that key now, and is decided as what it is.
    pub(super) fn follow_item(
        &mut self,
        link: Link,
        collection: ItemCollectionId,
        item: &RemoteContact,
        ahead_ms: i64,
    ) -> Result<(), StoreError> {
        let key = item.key.clone();
        self.moved.insert(link.id);
        self.plan.steps.push(Step::Move { link: link.id, collection, key: key.clone() });
        let link = Link { collection, key, gone: None, ..link };
        self.decide(link, Some(&News::Put(Box::new(item.clone()))), ahead_ms)
    }

    /// The link that an item had under a key of before, and that ended.
    pub(super) fn left_before(&self, one: &Collected, key: &ItemKey) -> Result<Option<Link>, StoreError> {
        for was in one.former.get(key).into_iter().flatten() {
            if let Some(link) = self.tx.link_of_item(one.book, was)?.filter(|link| link.left.is_some()) {
                return Ok(Some(link));
            }
        }
        Ok(None)
    }

    /// Records whose item is gone under its key, and what link they had with it: it may be one that arrived.
    pub(super) fn vanished(&self) -> Result<BTreeMap<RecordId, LinkId>, StoreError> {
        let mut links = Vec::new();
        for one in &self.task.collected {
            for (key, _) in one.news.iter().filter(|(_, news)| **news == News::Gone(GoneThere::Deleted)) {
                links.extend(self.tx.link_of_item(one.book, key)?);
            }
        }
        for book in self.task.books {
            let waiting = self.tx.dirty_links(book.id)?.into_iter();
            links.extend(waiting.filter(|link| link.gone == Some(GoneThere::Deleted)));
        }
        for id in &self.task.absent {
            links.extend(self.tx.link(*id)?);
        }
        let live = links.into_iter().filter(|link| link.left.is_none() && !self.moved.contains(&link.id));
        Ok(live.filter_map(|link| Some((link.record?, link.id))).collect())
    }

    /// Whether what is gone waits, since it may arrive in another folder. Notes that it does.
    pub(super) fn waits(&mut self, link: &Link, news: Option<&News>, collected: &Collected) -> bool {
        let deleted = Some(GoneThere::Deleted);
        let is_gone = match news {
            Some(News::Gone(how)) => Some(*how) == deleted,
            Some(News::Put(_)) => false,
            None => link.gone == deleted,
        };
        let is_read = |book: &Book| self.task.collected.iter().any(|one| one.book == book.id && one.is_whole);
        let is_sure = link.gone == deleted && self.task.books.iter().all(is_read);
        // What follows from an empty listing waits for a person.
        let is_held = collected.was_empty || link.is_allowed;
        if !is_gone || is_sure || is_held || self.task.can.has_groups || self.task.books.len() < 2 {
            return false;
        }
        self.met.extend(link.record);
        self.plan.steps.push(Step::Wait { link: link.id, gone: deleted });
        true
    }

    /// Whether a record has another item of this account that is not known to be gone.
    pub(super) fn has_another(
        &self,
        link: &Link,
        record: postrider_model::ContactId,
    ) -> Result<bool, StoreError> {
        let account = self.task.run.account_id;
        let mut links = self.tx.links_of_record(account, record)?;
        links.extend(self.tx.frozen_links_of_record(account, record)?);
        let is_gone = |one: &Link| {
            let of_book = self.task.collected.iter().find(|collected| collected.book == one.collection);
            let news = of_book.and_then(|collected| collected.news.get(&one.key));
            one.gone.is_some() || matches!(news, Some(News::Gone(_)))
        };
        Ok(links.iter().any(|one| one.id != link.id && one.left.is_none() && !is_gone(one)))
    }
}
