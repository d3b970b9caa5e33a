//! Cursors, and the pages of listings.
//!
//! Rules: a cursor is good for one collection of one account, which is the strictness by which parameters that change between two calls
//! are caught; one that is too old gives a full listing; the cursor stands on the last page alone.

use std::collections::VecDeque;

use postrider_model::{CollectionKey, ItemCursor, Scope, Timestamp};
use postrider_remote::ItemPage;

use super::shelf::{Entry, Homed, Rev, Shelf};
use super::state::{Refusal, State, breach};

/// Where a listing begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// All that is there.
    Nothing,
    /// What changed after that stamp.
    Stamp(u64),
}

impl State {
    /// What a cursor says to a collection.
    pub fn since(
        &self,
        account: &str,
        collection: &CollectionKey,
        cursor: Option<&ItemCursor>,
    ) -> Result<Since, Refusal> {
        let Some(cursor) = cursor else { return Ok(Since::Nothing) };
        let parts: Vec<&str> = cursor.0.split('\n').collect();
        let &[whose, of, stamp, serial, issued] = &parts[..] else {
            return breach(format!("{:?} is no cursor of this server", cursor.0));
        };
        if whose != account || of != collection.0 {
            return breach(format!("a cursor of {whose}, {of} is used for {account}, {}", collection.0));
        }
        let number = |text: &str| {
            text.parse::<u64>().or_else(|_| breach(format!("{:?} is no cursor of this server", cursor.0)))
        };
        let (stamp, serial, issued_us) = (number(stamp)?, number(serial)?, number(issued)?);
        let age_ms = self.clock.now().millis_since(Timestamp(issued_us.cast_signed()));
        let is_old = self.habits.cursor_life_ms.is_some_and(|life_ms| age_ms > life_ms);
        if serial <= self.dead_cursors || is_old {
            return Ok(Since::Nothing);
        }
        Ok(Since::Stamp(stamp))
    }

    /// A cursor that covers all changes up to that one.
    pub fn cursor(&mut self, account: &str, collection: &CollectionKey, horizon: u64) -> ItemCursor {
        self.cursors += 1;
        let issued = self.clock.now().0;
        ItemCursor(format!("{account}\n{}\n{horizon}\n{}\n{issued}", collection.0, self.cursors))
    }

    /// Up to which change a listing shows anything, that lags so much.
    pub fn horizon<T: Homed>(&self, shelf: &Shelf<T>, lag_ms: u64) -> u64 {
        if lag_ms == 0 {
            return self.stamp;
        }
        let lag_us = i64::try_from(lag_ms).unwrap_or(i64::MAX).saturating_mul(1_000);
        shelf.horizon(Timestamp(self.clock.now().0.saturating_sub(lag_us)))
    }

    /// Changes on pages.
    pub fn pages<C>(&self, scope: Scope, changes: Vec<C>, cursor: ItemCursor) -> VecDeque<ItemPage<C>> {
        let server_time = Some(self.server_time());
        let page = |changes| ItemPage { scope, changes, cursor: None, server_time };
        let mut pages = VecDeque::new();
        let mut changes = changes.into_iter().peekable();
        loop {
            if self.habits.empty_pages {
                pages.push_back(page(Vec::new()));
            }
            let size = self.habits.page_size.max(1);
            pages.push_back(page(changes.by_ref().take(size).collect()));
            if changes.peek().is_none() {
                break;
            }
        }
        if let Some(last) = pages.back_mut() {
            last.cursor = Some(cursor);
        }
        pages
    }
}

/// One item of a listing: an entry, and its state at the horizon.
pub(super) type Listed<'a, T> = (&'a postrider_model::ItemKey, &'a Entry<T>, &'a Rev<T>);

/// What a listing of a collection mentions. `names_strangers`: also what changed and never was in it.
pub(super) fn listed<'a, T: Homed>(
    shelf: &'a Shelf<T>,
    collection: &CollectionKey,
    since: Since,
    horizon: u64,
    names_strangers: bool,
) -> Vec<Listed<'a, T>> {
    let states = shelf.iter().filter_map(|(key, entry)| Some((key, entry, entry.at(horizon)?)));
    states
        .filter(|(_, entry, rev)| match since {
            Since::Nothing => rev.is.as_ref().is_some_and(|item| item.is_in(collection)),
            Since::Stamp(stamp) => rev.stamp > stamp && (names_strangers || entry.homes.contains(collection)),
        })
        .collect()
}
