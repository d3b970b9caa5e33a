//! Collect: what changed there since the cursors, page by page; what is known already is let go at once.

use std::collections::BTreeMap;

use postrider_model::{Fault, ItemCollectionId, ItemCursor, ItemKey, Scope};
use postrider_remote::{ActivityChange, ItemPage, RemoteActivity};
use postrider_store::{StoreError, Tx};

use super::{ActivitiesRun, Again, Steps, calendars::Calendar, export::Rule};
use crate::sync::{listed::Listed, noted::ahead_ms};

/// So many items are asked for at a time (`GetItem`, 100).
const AT_A_TIME: usize = 100;
/// A cursor under which nothing is new is kept anew only once it is so old, so that still water stays still.
const CURSOR_AGE_MS: u64 = 24 * 3_600_000;

/// What is news of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// It is there.
    Put(Box<RemoteActivity>),
    /// It is not; of a time, it is as its series has it again.
    Gone,
}

/// What changed in one calendar.
#[derive(Debug, Clone)]
pub(super) struct Collected {
    /// The calendar.
    pub calendar: ItemCollectionId,
    /// What is new, by its key.
    pub news: BTreeMap<ItemKey, News>,
    /// Up to where that is all; `None` where the old one stands.
    pub cursor: Option<ItemCursor>,
    /// The listing was whole, and there was nothing in it.
    pub was_empty: bool,
    /// How far the server's clock is ahead, in milliseconds.
    pub ahead_ms: i64,
    /// Its listing was read to the end: what waited in the calendar is decided too.
    pub is_whole: bool,
}

impl Collected {
    /// Of some items of a calendar alone.
    pub(super) fn of(calendar: ItemCollectionId, changes: Vec<ActivityChange>, ahead_ms: i64) -> Self {
        let news = changes.into_iter().filter_map(news_of).collect();
        Self { calendar, news, cursor: None, was_empty: false, ahead_ms, is_whole: false }
    }
}

fn news_of(change: ActivityChange) -> Option<(ItemKey, News)> {
    match change {
        ActivityChange::Put(item) => Some((item.key.clone(), News::Put(item))),
        ActivityChange::Gone { key } => Some((key, News::Gone)),
        ActivityChange::Series { .. } => None,
    }
}

impl Steps<'_> {
    /// Reads all calendars; `again` is asked for besides.
    pub(super) async fn collect(
        &self,
        calendars: &[Calendar],
        again: &Again,
        done: &mut ActivitiesRun,
    ) -> Result<Vec<Collected>, Fault> {
        let mut all = Vec::new();
        let mut is_broken = false;
        let (run, rules) = (self.run.clone(), self.rules.clone());
        let is_known = self.ports.transaction(move |tx| Rule::new(&run, &rules).is_known(tx)).await?;
        for calendar in calendars {
            // By another rule what was passed over may come in: all of it is read anew.
            let since = calendar.cursor.clone().filter(|_| is_known);
            let calendar = &Calendar { cursor: since, ..calendar.clone() };
            match self.read_calendar(calendar, again.get(&calendar.id)).await {
                Ok(collected) => all.push(collected),
                Err(fault) => {
                    self.failed(done, fault)?;
                    is_broken = true;
                }
            }
        }
        if is_broken && all.iter().any(|one| one.news.values().any(|news| *news == News::Gone)) {
            // What is gone from one calendar may have been moved into the one that could not be read.
            all.clear();
        }
        Ok(all)
    }

    async fn read_calendar(
        &self,
        calendar: &Calendar,
        again: Option<&Vec<ItemKey>>,
    ) -> Result<Collected, Fault> {
        let since = calendar.cursor.as_ref().map(|(cursor, _)| cursor);
        let mut feed = self.remote.changes(&calendar.key, since).await?;
        let mut collected = Collected::of(calendar.id, Vec::new(), 0);
        collected.is_whole = true;
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
                    None => listed.insert(Listed::begin(self.ports, calendar.id).await?),
                };
                changes.retain(|change| !is_known(listed, change));
            }
            if !changes.is_empty() {
                collected.news.extend(self.worth(calendar, changes).await?);
            }
            collected.cursor = cursor.or(collected.cursor);
        }
        if let Some(listed) = listed {
            collected.was_empty = listed.was_empty();
            let missing: Vec<_> = listed.missing().into_iter().map(|key| (key, News::Gone)).collect();
            is_still &= missing.is_empty();
            collected.news.extend(missing);
        }
        let again: Vec<ItemKey> = again.into_iter().flatten().cloned().collect();
        collected.news.extend(self.fetched(calendar, &again).await?.into_iter().filter_map(news_of));
        let now = self.ports.clock.now();
        let is_young = calendar.cursor.as_ref().is_some_and(|(_, at)| now.millis_since(*at) < CURSOR_AGE_MS);
        if is_still && is_young {
            collected.cursor = None;
        }
        Ok(collected)
    }

    /// What items are now.
    pub(super) async fn fetched(
        &self,
        calendar: &Calendar,
        keys: &[ItemKey],
    ) -> Result<Vec<ActivityChange>, Fault> {
        let mut all = Vec::new();
        for some in keys.chunks(AT_A_TIME) {
            all.extend(self.remote.fetch(&calendar.key, some).await?);
        }
        Ok(all)
    }

    async fn worth(
        &self,
        calendar: &Calendar,
        changes: Vec<ActivityChange>,
    ) -> Result<Vec<(ItemKey, News)>, Fault> {
        let id = calendar.id;
        self.ports
            .transaction(move |tx| {
                let mut news = Vec::new();
                for change in changes {
                    if let ActivityChange::Series { master, occurrences } = &change {
                        news.extend(reverted(tx, id, master, occurrences)?);
                    } else if let Some((key, one)) = news_of(change)
                        && is_worth(tx, id, &key, &one)?
                    {
                        news.push((key, one));
                    }
                }
                Ok(news)
            })
            .await
    }
}

/// Whether an item of a whole listing is what is known of it, and was never anything else.
fn is_known(listed: &mut Listed, change: &ActivityChange) -> bool {
    match change {
        ActivityChange::Put(item) => listed.sees(&item.key, &item.version),
        ActivityChange::Gone { .. } | ActivityChange::Series { .. } => false,
    }
}

/// Times of a series that had items of their own, and have none any more.
fn reverted(
    tx: &Tx<'_>,
    calendar: ItemCollectionId,
    master: &ItemKey,
    occurrences: &[ItemKey],
) -> Result<Vec<(ItemKey, News)>, StoreError> {
    let series = tx.link_of_item(calendar, master)?.filter(|link| link.left.is_none());
    let Some(record) = series.and_then(|link| link.record) else { return Ok(Vec::new()) };
    let mut gone = Vec::new();
    for time in tx.links_of_times(calendar, record)? {
        if time.left.is_none() && !occurrences.contains(&time.key) {
            gone.push((time.key, News::Gone));
        }
    }
    Ok(gone)
}

fn is_worth(tx: &Tx<'_>, calendar: ItemCollectionId, key: &ItemKey, news: &News) -> Result<bool, StoreError> {
    Ok(match (tx.listed_link(calendar, key)?, news) {
        (None, News::Put(_)) => true,
        (None, News::Gone) => false,
        (Some(link), News::Gone) => !link.has_left,
        // It is what is known of it, and was never anything else.
        (Some(link), News::Put(item)) => link.has_left || link.is_gone || item.version != link.version,
    })
}
