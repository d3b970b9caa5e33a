//! Secrets and tokens under another key (F8.1): all of them in one transaction, so that the store never has some under the one and
//! some under the other. The key is never here.

use rusqlite::params;

use super::Tx;
use crate::{Reader, Result, StoreError};

/// Something sealed, wherever it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedRow {
    /// Of which account.
    pub account: String,
    /// Which of its secrets; `None` for its tokens.
    pub field: Option<String>,
    /// What it was given for.
    pub given_for: Option<String>,
    /// Nonce and ciphertext.
    pub sealed: Vec<u8>,
}

/// The ciphertext is no use to a reader, and stays out of logs all the same (I11).
impl std::fmt::Debug for SealedRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedRow")
            .field("account", &self.account)
            .field("field", &self.field)
            .finish_non_exhaustive()
    }
}

const ROWS: &str = "SELECT account, field, given_for, sealed FROM secret
     UNION ALL SELECT account, NULL, given_for, sealed FROM oauth_token WHERE sealed IS NOT NULL ORDER BY 1, 2";

fn rows(conn: &rusqlite::Connection) -> Result<Vec<SealedRow>> {
    let mut statement = conn.prepare_cached(ROWS)?;
    let rows = statement.query_map([], |row| {
        Ok(SealedRow {
            account: row.get(0)?,
            field: row.get(1)?,
            given_for: row.get(2)?,
            sealed: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

impl Reader {
    /// All that is sealed.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn sealed_rows(&self) -> Result<Vec<SealedRow>> {
        self.noting(|| rows(&self.conn))
    }
}

impl Tx<'_> {
    /// Puts `new`, sealed by the key `key_id`, in the place of `old`, row by row. `false`, and nothing changed, where `old` is not all
    /// that is sealed any more. Tokens keep their generation: they are the same ones.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn reseal(&mut self, old: &[SealedRow], new: &[Vec<u8>], key_id: &str) -> Result<bool> {
        if rows(self.conn)? != old || old.len() != new.len() {
            return Ok(false);
        }
        for (row, sealed) in old.iter().zip(new) {
            match &row.field {
                Some(field) => self.conn.execute(
                    "UPDATE secret SET key_id = ?3, sealed = ?4 WHERE account = ?1 AND field = ?2",
                    params![row.account, field, key_id, sealed],
                )?,
                None => self.conn.execute(
                    "UPDATE oauth_token SET key_id = ?2, sealed = ?3 WHERE account = ?1",
                    params![row.account, key_id, sealed],
                )?,
            };
        }
        Ok(true)
    }

    /// That nothing is sealed here but by that key: whoever sealed by another did so before it was changed, and is to seal again.
    pub(super) fn same_key(&self, key_id: &str) -> Result<()> {
        let mut statement = self.conn.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM secret WHERE key_id <> ?1)
                 OR EXISTS (SELECT 1 FROM oauth_token WHERE key_id <> ?1)",
        )?;
        match statement.query_row([key_id], |row| row.get(0))? {
            true => Err(StoreError::OtherKey),
            false => Ok(()),
        }
    }
}
