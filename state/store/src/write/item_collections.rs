//! Address books, groups, calendars and task lists, and how far each was read.
//!
//! One that vanished, or was taken off the list, is frozen: nothing in it is touched (I2), and its links stay for the day on which it is
//! there again.

use postrider_model::{
    AccountId, CollectionKey, CollectionKind, ItemCollectionId, ItemCursor, Mark, Timestamp,
};
use rusqlite::{OptionalExtension, Row, params};

use super::Tx;
use crate::{Result, StoreError, file::STORE_FILE};

/// A collection of items as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemCollection {
    /// Its id here.
    pub id: ItemCollectionId,
    /// What it holds.
    pub kind: CollectionKind,
    /// Its id there, which survives renaming.
    pub key: CollectionKey,
    /// Its name.
    pub name: String,
    /// The mark under which it was made from here.
    pub mark: Option<Mark>,
    /// How far it was read, and since when that is so; `None` before it was read to its end for the first time.
    pub cursor: Option<(ItemCursor, Timestamp)>,
    /// Since when and why it is frozen.
    pub gone: Option<(Timestamp, String)>,
}

/// A collection to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItemCollection {
    /// What it holds.
    pub kind: CollectionKind,
    /// Its id there.
    pub key: CollectionKey,
    /// Its name.
    pub name: String,
    /// The mark under which it was made from here.
    pub mark: Option<Mark>,
}

const COLUMNS: &str = "id, kind, remote_key, name, mark, cursor, cursor_us, gone_us, gone_why";

impl Tx<'_> {
    /// All collections of items of that account, the frozen ones too, in the order of their ids.
    ///
    /// # Errors
    /// What SQLite says, and [`StoreError::Damaged`] for what cannot be read.
    pub fn item_collections(&self, account: AccountId) -> Result<Vec<ItemCollection>> {
        let sql = format!("SELECT {COLUMNS} FROM item_collection WHERE account = ?1 ORDER BY id");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query([account.0])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(collection(row)?);
        }
        Ok(all)
    }

    /// One of them.
    ///
    /// # Errors
    /// As [`item_collections`](Self::item_collections).
    pub fn item_collection(&self, id: ItemCollectionId) -> Result<Option<ItemCollection>> {
        let sql = format!("SELECT {COLUMNS} FROM item_collection WHERE id = ?1");
        let mut statement = self.conn.prepare_cached(&sql)?;
        statement.query_row([id.0], |row| Ok(collection(row))).optional()?.transpose()
    }

    /// Adds a collection.
    ///
    /// # Errors
    /// What SQLite says; among it that one of that key is there and not frozen.
    pub fn add_item_collection(
        &mut self,
        account: AccountId,
        new: &NewItemCollection,
    ) -> Result<ItemCollectionId> {
        self.conn
            .prepare_cached(
                "INSERT INTO item_collection (account, kind, remote_key, name, mark) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                account.0,
                new.kind.name(),
                new.key.0,
                new.name,
                new.mark.map(|mark| mark.to_string())
            ])?;
        Ok(ItemCollectionId(self.conn.last_insert_rowid()))
    }

    /// Its name from now on; nothing is written where that is its name.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn name_item_collection(&mut self, id: ItemCollectionId, name: &str) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE item_collection SET name = ?2 WHERE id = ?1 AND name <> ?2")?
            .execute(params![id.0, name])?;
        Ok(())
    }

    /// Another collection of the server is that one from now on, and was never read: its items may be linked as they are.
    ///
    /// # Errors
    /// What SQLite says; among it that another has that key.
    pub fn replace_item_collection(
        &mut self,
        id: ItemCollectionId,
        key: &CollectionKey,
        name: &str,
        mark: Option<Mark>,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE item_collection SET remote_key = ?2, name = ?3, mark = ?4, cursor = NULL, cursor_us = NULL
                 WHERE id = ?1",
            )?
            .execute(params![id.0, key.0, name, mark.map(|mark| mark.to_string())])?;
        Ok(())
    }

    /// Freezes a collection: it keeps all it has, and its cursor. One that is frozen keeps its first date and reason.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn freeze_item_collection(&mut self, id: ItemCollectionId, at: Timestamp, why: &str) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE item_collection SET gone_us = ?2, gone_why = ?3 WHERE id = ?1 AND gone_us IS NULL",
            )?
            .execute(params![id.0, at.0, why])?;
        Ok(())
    }

    /// Takes a frozen collection up again. What its links missed meanwhile is to be decided: they are dirty.
    ///
    /// # Errors
    /// What SQLite says; among it that another has its key now.
    pub fn thaw_item_collection(&mut self, id: ItemCollectionId) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE item_collection SET gone_us = NULL, gone_why = NULL WHERE id = ?1")?
            .execute([id.0])?;
        self.conn
            .prepare_cached("UPDATE link SET dirty = 1 WHERE collection = ?1 AND left_side IS NULL")?
            .execute([id.0])?;
        Ok(())
    }

    /// It is to be read anew from its beginning.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn forget_item_cursor(&mut self, id: ItemCollectionId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE item_collection SET cursor = NULL, cursor_us = NULL WHERE id = ?1 AND cursor IS NOT NULL",
            )?
            .execute([id.0])?;
        Ok(())
    }

    /// Unlinks all of an account that is removed (F1.9): its collections are frozen, nothing of it is linked, remembered or to be sent, no
    /// plan of it waits. The records stay.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn unlink_account(&mut self, account: AccountId, at: Timestamp) -> Result<()> {
        for sql in [
            "DELETE FROM item_intent WHERE account = ?1",
            "DELETE FROM link WHERE collection IN (SELECT id FROM item_collection WHERE account = ?1)",
            "DELETE FROM item_held WHERE account = ?1",
            "DELETE FROM export_reach WHERE account = ?1",
            "UPDATE item_collection SET cursor = NULL, cursor_us = NULL WHERE account = ?1",
        ] {
            self.conn.prepare_cached(sql)?.execute([account.0])?;
        }
        for one in self.item_collections(account)? {
            self.freeze_item_collection(one.id, at, "the account was removed")?;
        }
        Ok(())
    }

    /// Notes how far it was read; nothing is written where that is noted already. Belongs into the transaction that stores the last of
    /// what the cursor covers (I3).
    ///
    /// # Errors
    /// What SQLite says.
    pub fn set_item_cursor(
        &mut self,
        id: ItemCollectionId,
        cursor: &ItemCursor,
        at: Timestamp,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE item_collection SET cursor = ?2, cursor_us = ?3 WHERE id = ?1 AND cursor IS NOT ?2",
            )?
            .execute(params![id.0, cursor.0, at.0])?;
        Ok(())
    }
}

fn collection(row: &Row<'_>) -> Result<ItemCollection> {
    let unreadable =
        |what: &str| StoreError::damaged(STORE_FILE, format!("`{what}` is no part of a collection"));
    let (kind, mark): (String, Option<String>) = (row.get(1)?, row.get(4)?);
    let (cursor, cursor_us): (Option<String>, Option<i64>) = (row.get(5)?, row.get(6)?);
    let (gone_us, gone_why): (Option<i64>, Option<String>) = (row.get(7)?, row.get(8)?);
    Ok(ItemCollection {
        id: ItemCollectionId(row.get(0)?),
        kind: CollectionKind::ALL
            .into_iter()
            .find(|one| one.name() == kind)
            .ok_or_else(|| unreadable(&kind))?,
        key: CollectionKey(row.get(2)?),
        name: row.get(3)?,
        mark: mark.map(|mark| mark.parse().map_err(|_| unreadable(&mark))).transpose()?,
        cursor: cursor.map(|cursor| (ItemCursor(cursor), Timestamp(cursor_us.unwrap_or_default()))),
        gone: gone_us.map(|at| (Timestamp(at), gone_why.unwrap_or_default())),
    })
}
