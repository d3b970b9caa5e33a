//! What items of servers records are linked with, read.

use std::collections::BTreeSet;

use postrider_model::RecordId;
use rusqlite::params;

use super::Reader;
use crate::Result;

/// An item with which a record is linked, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemOf {
    /// The account's name.
    pub account: String,
    /// The item as its server returned it.
    pub image: String,
    /// It is linked no more, by what was done on its server.
    pub left_there: bool,
}

impl Reader {
    /// The items of a record that its accounts have, and those that left on their servers; none of frozen collections.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn items_of(&self, record: impl Into<RecordId>) -> Result<Vec<ItemOf>> {
        self.noting(|| {
            let mut statement = self.conn.prepare_cached(
                "SELECT a.name, l.image, l.left_side IS NOT NULL
                 FROM link l JOIN item_collection c ON c.id = l.collection JOIN account a ON a.id = c.account
                 WHERE l.record = ?1 AND c.gone_us IS NULL AND (l.left_side IS NULL OR l.left_side = 'server') ORDER BY l.id",
            )?;
            let items = statement.query_map([record.into().0], |row| {
                Ok(ItemOf { account: row.get(0)?, image: row.get(1)?, left_there: row.get(2)? })
            })?;
            Ok(items.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The records of which that account has an item.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn records_of_account(&self, account: &str) -> Result<BTreeSet<RecordId>> {
        self.noting(|| {
            let mut statement = self.conn.prepare_cached(
                "SELECT l.record FROM link l JOIN item_collection c ON c.id = l.collection JOIN account a ON a.id = c.account
                 WHERE a.name = ?1 AND l.record IS NOT NULL AND l.left_side IS NULL",
            )?;
            let records = statement.query_map(params![account], |row| row.get(0).map(RecordId))?;
            Ok(records.collect::<rusqlite::Result<_>>()?)
        })
    }
}
