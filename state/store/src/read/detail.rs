//! One message: all that is known of it, its bytes, its history; and the pages of an export.

use std::io::Write;

use postrider_model::{AccountId, Address, Flags, MessageId, PlacementId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Reader, Row};
use crate::{
    Result, StoreError, body,
    write::{flags_from, role_from_number},
};

/// All that is known of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// What a list shows of it.
    pub row: Row,
    /// Its account.
    pub account: AccountId,
    /// Everybody in its header, in order.
    pub addresses: Vec<Address>,
    /// The MIME tree, JSON.
    pub structure: String,
    /// The Message-ID of its thread's root.
    pub thread: Option<String>,
    /// Why it is deleted.
    pub deleted_why: Option<String>,
}

/// What a placement was before a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    /// When it changed.
    pub at: Timestamp,
    /// In which run.
    pub run: Option<String>,
    /// Where: `server` or `here`.
    pub side: String,
    /// By whom.
    pub actor: String,
    /// What was done: `flags`, `deleted`, `moved`, `renumbered`, `restored`.
    pub what: String,
    /// Why.
    pub why: String,
    /// The placement before, JSON.
    pub snapshot: String,
}

/// One message of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Its id.
    pub id: PlacementId,
    /// The folder's decoded name.
    pub folder: String,
    /// Its UID; `None` where the server has it not.
    pub uid: Option<u32>,
    /// Its flags.
    pub flags: Flags,
    /// When it arrived, by the server.
    pub internal_date: Timestamp,
    /// Octets.
    pub size: u64,
    /// The first address in From, for mbox's separator line.
    pub sender: Option<String>,
}

impl Reader {
    /// All that is known of a message; `None` where it is not there, or not in one of those accounts.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn show(&self, id: PlacementId, accounts: Option<&[AccountId]>) -> Result<Option<Details>> {
        self.noting(|| {
            let mut statement = self.conn.prepare_cached(
                "SELECT m.account, m.structure, m.thread, p.deleted_why
             FROM placement p JOIN message m ON m.id = p.message WHERE p.id = ?1",
            )?;
            let found = statement
                .query_row([id.0], |row| Ok((AccountId(row.get(0)?), row.get(1)?, row.get(2)?, row.get(3)?)));
            let Some((account, structure, thread, deleted_why)) = found.optional()? else { return Ok(None) };
            if accounts.is_some_and(|visible| !visible.contains(&account)) {
                return Ok(None);
            }
            let Some(row) = self.row(id)? else { return Ok(None) };
            let addresses = addresses_of(&self.conn, row.message)?;
            Ok(Some(Details { row, account, addresses, structure, thread, deleted_why }))
        })
    }

    /// The account in which that message is; `None` where there is none of that id.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn account_of(&self, id: PlacementId) -> Result<Option<AccountId>> {
        self.noting(|| {
            let mut statement = self.conn.prepare_cached(
                "SELECT c.account FROM placement p JOIN collection c ON c.id = p.collection WHERE p.id = ?1",
            )?;
            Ok(statement.query_row([id.0], |row| row.get(0).map(AccountId)).optional()?)
        })
    }

    /// Writes the message's bytes, exactly as the server gave them, and answers how many they were. They are checked against
    /// their hash as they go by: what was written counts only where the answer is `Ok`.
    ///
    /// # Errors
    /// [`StoreError::NoSuchMessage`], [`StoreError::Damaged`], what `out` or SQLite says.
    pub fn body(&self, id: PlacementId, out: &mut dyn Write) -> Result<u64> {
        self.noting(|| {
            let sql = "SELECT m.body FROM placement p JOIN message m ON m.id = p.message WHERE p.id = ?1";
            self.body_by(sql, id.0, out)?.ok_or(StoreError::NoSuchMessage(id))
        })
    }

    /// The same for a message, wherever it stands: for indexing what was not indexed in time. `None` where it is gone.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], what `out` or SQLite says.
    pub fn message_body(&self, id: MessageId, out: &mut dyn Write) -> Result<Option<u64>> {
        self.noting(|| self.body_by("SELECT body FROM message WHERE id = ?1", id.0, out))
    }

    /// The ids of the messages after that one, at most `most`, in their order.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn messages_after(&self, after: MessageId, most: u32) -> Result<Vec<MessageId>> {
        self.noting(|| {
            let mut statement =
                self.conn.prepare_cached("SELECT id FROM message WHERE id > ?1 ORDER BY id LIMIT ?2")?;
            let ids = statement.query_map([after.0, i64::from(most)], |row| row.get(0).map(MessageId))?;
            Ok(ids.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn body_by(&self, sql: &str, id: i64, out: &mut dyn Write) -> Result<Option<u64>> {
        let body: Option<i64> =
            self.conn.prepare_cached(sql)?.query_row([id], |row| row.get(0)).optional()?;
        body.map(|body| body::write_to(&self.conn, body, out)).transpose()
    }

    /// What the placement was before each of its changes, the latest first.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn history(&self, id: PlacementId) -> Result<Vec<HistoryRow>> {
        self.noting(|| {
        let mut statement = self.conn.prepare_cached(
            "SELECT at_us, run, side, actor, what, why, snapshot FROM history WHERE placement = ?1 ORDER BY id DESC",
        )?;
        let rows = statement.query_map([id.0], |row| {
            Ok(HistoryRow {
                at: Timestamp(row.get(0)?),
                run: row.get(1)?,
                side: row.get(2)?,
                actor: row.get(3)?,
                what: row.get(4)?,
                why: row.get(5)?,
                snapshot: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The next page of an account's messages that are not deleted, in the order of ids: those after `after`, at most `most`.
    /// An empty page is the end. `folder`: the one of that decoded name, else all.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn export_page(
        &self,
        account: AccountId,
        folder: Option<&str>,
        after: PlacementId,
        most: u32,
    ) -> Result<Vec<Export>> {
        self.noting(|| {
        let mut statement = self.conn.prepare_cached(
            "SELECT p.id, c.name, iif(p.here IS NULL, p.uid, NULL), p.flags, p.keywords, p.internal_us, b.size,
                    (SELECT d.written FROM message_address l JOIN address d ON d.id = l.address
                     WHERE l.message = m.id AND l.role = 0 ORDER BY l.pos LIMIT 1)
             FROM placement p CROSS JOIN collection c ON c.id = p.folder
                  CROSS JOIN message m ON m.id = p.message CROSS JOIN body b ON b.id = m.body
             WHERE p.id > ?1 AND p.deleted_us IS NULL AND c.account = ?2 AND (?3 IS NULL OR c.name = ?3)
             ORDER BY p.id LIMIT ?4",
        )?;
        let rows = statement.query_map(params![after.0, account.0, folder, most], |row| {
            let size: i64 = row.get(6)?;
            Ok(Export {
                id: PlacementId(row.get(0)?),
                folder: row.get(1)?,
                uid: row.get(2)?,
                flags: flags_from(row, 3)?,
                internal_date: Timestamp(row.get(5)?),
                size: size.cast_unsigned(),
                sender: row.get(7)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

/// Everybody in a message's header, in order.
pub(super) fn addresses_of(conn: &Connection, message: MessageId) -> Result<Vec<Address>> {
    let mut statement = conn.prepare_cached(
        "SELECT l.role, d.name, d.written FROM message_address l JOIN address d ON d.id = l.address
         WHERE l.message = ?1 ORDER BY l.pos",
    )?;
    let mut rows = statement.query([message.0])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        if let Some(role) = role_from_number(row.get(0)?) {
            all.push(Address { role, name: row.get(1)?, email: row.get(2)? });
        }
    }
    Ok(all)
}
