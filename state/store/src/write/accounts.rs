//! Accounts, as the store numbers them. Their settings are configuration's.

use postrider_model::{AccountId, PlacementId};
use rusqlite::{OptionalExtension, params};

use super::Tx;
use crate::{Result, StoreError};

impl Tx<'_> {
    /// The account of that name.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn account_id(&self, name: &str) -> Result<Option<AccountId>> {
        let mut statement = self.conn.prepare_cached("SELECT id FROM account WHERE name = ?1")?;
        Ok(statement.query_row([name], |row| row.get(0).map(AccountId)).optional()?)
    }

    /// The account in which that message is.
    ///
    /// # Errors
    /// [`StoreError::NoSuchMessage`], and what SQLite says.
    pub fn account_of(&self, id: PlacementId) -> Result<AccountId> {
        let mut statement = self.conn.prepare_cached(
            "SELECT c.account FROM placement p JOIN collection c ON c.id = p.collection WHERE p.id = ?1",
        )?;
        let found = statement.query_row([id.0], |row| row.get(0).map(AccountId)).optional()?;
        found.ok_or(StoreError::NoSuchMessage(id))
    }

    /// The account of that name; made where it is new, its address brought up to date where that changed.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn ensure_account(&mut self, name: &str, address: &str) -> Result<AccountId> {
        let known: Option<(i64, String)> = self
            .conn
            .prepare_cached("SELECT id, address FROM account WHERE name = ?1")?
            .query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        match known {
            Some((id, known)) if known == address => Ok(AccountId(id)),
            Some((id, _)) => {
                self.conn.execute("UPDATE account SET address = ?2 WHERE id = ?1", params![id, address])?;
                Ok(AccountId(id))
            }
            None => {
                self.conn.execute("INSERT INTO account (name, address) VALUES (?1, ?2)", [name, address])?;
                Ok(AccountId(self.conn.last_insert_rowid()))
            }
        }
    }
}
