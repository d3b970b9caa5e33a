//! Collect: what changed there since the cursors, page by page; what is known already is let go at once.
//!
//! Where listings lag behind writes, what they say of items that are known here is never believed: those are asked for by their keys, which
//! does not lag. And of a whole listing, what is missing is asked for too, where it may be elsewhere under the same key.

use std::collections::{BTreeMap, BTreeSet};

use postrider_model::{Fault, ItemCollectionId, ItemCursor, ItemKey, Scope};
use postrider_remote::{ContactChange, ItemPage, Leaving, RemoteContact};
use postrider_store::{GoneThere, StoreError, Tx};

use super::{Again, ContactsRun, Steps, books::Book, export::Rule};
use crate::sync::{listed::Listed, noted::ahead_ms};

/// So many items are asked for at a time (`people.getBatchGet`, 200).
const AT_A_TIME: usize = 200;
/// A cursor under which nothing is new is kept anew only once it is so old, so that still water stays still. Google's end after a week.
const CURSOR_AGE_MS: u64 = 24 * 3_600_000;

/// What is news of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// It is there.
    Put(Box<RemoteContact>),
    /// It is not.
    Gone(GoneThere),
}

/// What changed in one book.
#[derive(Debug, Clone)]
pub(super) struct Collected {
    /// The book.
    pub book: ItemCollectionId,
    /// What is new, by its key.
    pub news: BTreeMap<ItemKey, News>,
    /// Keys that items had before, by those that they have now.
    pub former: BTreeMap<ItemKey, Vec<ItemKey>>,
    /// Up to where that is all; `None` where the old one stands.
    pub cursor: Option<ItemCursor>,
    /// The listing was whole, and there was nothing in it.
    pub was_empty: bool,
    /// How far the server's clock is ahead, in milliseconds.
    pub ahead_ms: i64,
    /// Its listing was read to the end: what waited in the book is decided too.
    pub is_whole: bool,
}

impl Collected {
    /// Of some items of a book alone. `ahead_ms` is what is known of the server's clock.
    pub(super) fn of(book: ItemCollectionId, changes: Vec<ContactChange>, ahead_ms: i64) -> Self {
        let news = changes.into_iter().map(news_of).collect();
        Self { news, ahead_ms, ..Self::new(book, false) }
    }

    fn new(book: ItemCollectionId, is_whole: bool) -> Self {
        let (news, former, cursor) = (BTreeMap::new(), BTreeMap::new(), None);
        Self { book, news, former, cursor, was_empty: false, ahead_ms: 0, is_whole }
    }
}

fn news_of(change: ContactChange) -> (ItemKey, News) {
    match change {
        ContactChange::Put(item) => (item.key.clone(), News::Put(item)),
        ContactChange::Gone { key, why: Leaving::Deleted } => (key, News::Gone(GoneThere::Deleted)),
        ContactChange::Gone { key, why: Leaving::Left } => (key, News::Gone(GoneThere::Left)),
    }
}

/// What is to be done with a change that a listing told.
enum Worth {
    Nothing,
    News,
    /// It has to be asked for.
    Doubt,
}

impl Steps<'_> {
    /// Reads all books; `again` is asked for besides.
    pub(super) async fn collect(
        &self,
        books: &[Book],
        again: &Again,
        done: &mut ContactsRun,
    ) -> Result<Vec<Collected>, Fault> {
        let mut all = Vec::new();
        let is_known = self.is_known_rule(books).await?;
        for book in books {
            // By another rule what was passed over may come in: all of it is read anew.
            let since = book.cursor.clone().filter(|_| is_known);
            let book = &Book { cursor: since, ..book.clone() };
            match self.read_book(book, again.get(&book.id)).await {
                Ok(collected) => all.push(collected),
                Err(fault) => self.failed(done, fault)?,
            }
        }
        Ok(all)
    }

    async fn is_known_rule(&self, books: &[Book]) -> Result<bool, Fault> {
        let (run, rules, books) = (self.run.clone(), self.rules.clone(), books.to_vec());
        self.ports.transaction(move |tx| Rule::new(tx, &run, &rules)?.is_known(tx, &run, &books)).await
    }

    async fn read_book(&self, book: &Book, again: Option<&Vec<ItemKey>>) -> Result<Collected, Fault> {
        let since = book.cursor.as_ref().map(|(cursor, _)| cursor);
        let mut feed = self.remote.changes(&book.key, since).await?;
        let mut collected = Collected::new(book.id, true);
        let mut doubts: BTreeSet<ItemKey> = again.into_iter().flatten().cloned().collect();
        let mut listed: Option<Listed> = None;
        let mut is_still = true;
        while let Some(page) = feed.next().await? {
            let ItemPage { scope, mut changes, cursor, server_time } = page;
            if let Some(there) = server_time {
                collected.ahead_ms = ahead_ms(there, self.ports.clock.now());
            }
            is_still &= changes.is_empty();
            if scope == Scope::Full {
                let listed = match &mut listed {
                    Some(listed) => listed,
                    None => listed.insert(Listed::begin(self.ports, book.id).await?),
                };
                changes.retain(|change| !is_known(listed, change));
            }
            collected.former.extend(changes.iter().filter_map(|change| match change {
                ContactChange::Put(item) if !item.former_keys.is_empty() => {
                    Some((item.key.clone(), item.former_keys.clone()))
                }
                _ => None,
            }));
            if !changes.is_empty() {
                let (news, doubtful) = self.worth(book, changes).await?;
                collected.news.extend(news);
                doubts.extend(doubtful);
            }
            collected.cursor = cursor.or(collected.cursor);
        }
        if let Some(listed) = listed {
            collected.was_empty = listed.was_empty();
            let missing = listed.missing();
            is_still &= missing.is_empty();
            if self.can.has_groups || self.can.lag_ms > 0 {
                doubts.extend(missing);
            } else {
                collected.news.extend(missing.into_iter().map(|key| (key, News::Gone(GoneThere::Deleted))));
            }
        }
        let doubts: Vec<ItemKey> = doubts.into_iter().collect();
        collected.news.extend(self.fetched(book, &doubts).await?.into_iter().map(news_of));
        let now = self.ports.clock.now();
        let is_young = book.cursor.as_ref().is_some_and(|(_, at)| now.millis_since(*at) < CURSOR_AGE_MS);
        if is_still && is_young {
            collected.cursor = None;
        }
        Ok(collected)
    }

    /// What items are now.
    pub(super) async fn fetched(&self, book: &Book, keys: &[ItemKey]) -> Result<Vec<ContactChange>, Fault> {
        let mut all = Vec::new();
        for some in keys.chunks(AT_A_TIME) {
            all.extend(self.remote.fetch(&book.key, some).await?);
        }
        Ok(all)
    }

    async fn worth(
        &self,
        book: &Book,
        changes: Vec<ContactChange>,
    ) -> Result<(Vec<(ItemKey, News)>, Vec<ItemKey>), Fault> {
        let (id, lags) = (book.id, self.can.lag_ms > 0);
        self.ports
            .transaction(move |tx| {
                let (mut news, mut doubts) = (Vec::new(), Vec::new());
                for (key, one) in changes.into_iter().map(news_of) {
                    match worth(tx, id, &key, &one, lags)? {
                        Worth::Nothing => {}
                        Worth::News => news.push((key, one)),
                        Worth::Doubt => doubts.push(key),
                    }
                }
                Ok((news, doubts))
            })
            .await
    }
}

/// Whether an item of a whole listing is what is known of it, and was never anything else.
fn is_known(listed: &mut Listed, change: &ContactChange) -> bool {
    match change {
        ContactChange::Put(item) => listed.sees(&item.key, &item.version) && item.former_keys.is_empty(),
        ContactChange::Gone { .. } => false,
    }
}

fn worth(
    tx: &Tx<'_>,
    book: ItemCollectionId,
    key: &ItemKey,
    news: &News,
    lags: bool,
) -> Result<Worth, StoreError> {
    Ok(match (tx.listed_link(book, key)?, news) {
        (None, News::Put(_)) => Worth::News,
        (None, News::Gone(_)) => Worth::Nothing,
        (Some(link), News::Gone(_)) if link.has_left => Worth::Nothing,
        // It is what is known of it, and was never anything else.
        (Some(link), News::Put(item)) if !link.has_left && !link.is_gone && item.version == link.version => {
            Worth::Nothing
        }
        _ if lags => Worth::Doubt,
        _ => Worth::News,
    })
}
