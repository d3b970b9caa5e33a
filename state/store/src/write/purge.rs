//! The end of retention: what was deleted long enough ago is erased for good, history, bytes and all (F2.9).

use postrider_model::{MessageId, PlacementId, Timestamp};
use rusqlite::OptionalExtension;

use super::Tx;
use crate::{Result, StoreError};

/// What one round erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expired {
    /// Tombstones.
    pub placements: u64,
    /// Messages that stood nowhere else, with their bytes.
    pub messages: u64,
    /// Whether there may be more to erase.
    pub more: bool,
}

/// A tombstone with what hangs on it.
struct Tombstone {
    placement: i64,
    message: i64,
    body: i64,
}

impl Tx<'_> {
    /// Erases tombstones made before that time, at most `most` of them; messages and bytes that nothing refers to any more; and
    /// history of before that time. What is to leave the search index is noted: see [`erased`](Self::erased).
    ///
    /// # Errors
    /// What SQLite says.
    pub fn purge_expired(&mut self, before: Timestamp, most: u32) -> Result<Expired> {
        let tombstones = self.expired(before, most)?;
        let mut expired = Expired { more: tombstones.len() == most as usize, ..Expired::default() };
        for tombstone in &tombstones {
            expired.placements += 1;
            expired.messages += u64::from(self.erase(tombstone)?);
        }
        self.erase_history(before)?;
        Ok(expired)
    }

    /// Erases a tombstone for good before its time; answers whether its bytes went too, which stay where a copy has them.
    ///
    /// # Errors
    /// [`StoreError::NotDeleted`], [`StoreError::StillThere`] where it is not yet deleted on the server,
    /// [`StoreError::NoSuchMessage`], what SQLite says.
    pub fn purge(&mut self, id: PlacementId) -> Result<bool> {
        let was = self.seat(id)?;
        if was.deleted.is_none() {
            return Err(StoreError::NotDeleted(id));
        }
        let is_live =
            self.any("SELECT 1 FROM collection WHERE id = ?1 AND gone_us IS NULL", was.collection.0)?;
        if is_live && (was.placement.uid.is_some() || self.append_of(id)?.is_some()) {
            return Err(StoreError::StillThere(id));
        }
        let body = self
            .conn
            .prepare_cached("SELECT body FROM message WHERE id = ?1")?
            .query_row([was.placement.message.0], |row| row.get(0))?;
        self.erase(&Tombstone { placement: id.0, message: was.placement.message.0, body })
    }

    fn erase(&mut self, tombstone: &Tombstone) -> Result<bool> {
        self.erase_placement(tombstone.placement)?;
        self.erase_message_unless_used(tombstone)
    }

    /// Messages that were erased here and are to be erased from the search index next, by
    /// [`Indexer::forget`](crate::Indexer::forget), at most `most`.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn erased(&self, most: u32) -> Result<Vec<MessageId>> {
        let mut statement =
            self.conn.prepare_cached("SELECT message FROM erased ORDER BY message LIMIT ?1")?;
        let ids = statement.query_map([most], |row| row.get(0).map(MessageId))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// Those are out of the search index.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn forgotten(&mut self, messages: &[MessageId]) -> Result<()> {
        for message in messages {
            self.conn.prepare_cached("DELETE FROM erased WHERE message = ?1")?.execute([message.0])?;
        }
        Ok(())
    }

    fn expired(&self, before: Timestamp, most: u32) -> Result<Vec<Tombstone>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT p.id, p.message, m.body FROM placement p JOIN message m ON m.id = p.message
             WHERE p.deleted_us IS NOT NULL AND p.deleted_us < ?1
               AND (p.uid IS NULL OR EXISTS (SELECT 1 FROM collection c WHERE c.id = p.collection AND c.gone_us IS NOT NULL))
             ORDER BY p.deleted_us, p.id LIMIT ?2",
        )?;
        let found = statement.query_map([before.0, i64::from(most)], |row| {
            Ok(Tombstone { placement: row.get(0)?, message: row.get(1)?, body: row.get(2)? })
        })?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    fn erase_placement(&mut self, id: i64) -> Result<()> {
        for sql in [
            "DELETE FROM history WHERE placement = ?1",
            "DELETE FROM intent WHERE placement = ?1",
            "DELETE FROM placement WHERE id = ?1",
        ] {
            self.conn.prepare_cached(sql)?.execute([id])?;
        }
        Ok(())
    }

    fn erase_message_unless_used(&mut self, tombstone: &Tombstone) -> Result<bool> {
        if self.any("SELECT 1 FROM placement WHERE message = ?1", tombstone.message)? {
            return Ok(false);
        }
        self.erase_addresses(tombstone.message)?;
        self.conn.prepare_cached("DELETE FROM message WHERE id = ?1")?.execute([tombstone.message])?;
        self.conn.prepare_cached("INSERT INTO erased (message) VALUES (?1)")?.execute([tombstone.message])?;
        self.erase_body_unless_used(tombstone.body)?;
        Ok(true)
    }

    pub(super) fn erase_body_unless_used(&mut self, body: i64) -> Result<()> {
        let sql = "SELECT 1 FROM message WHERE body = ?1 UNION ALL SELECT 1 FROM outbox WHERE body = ?1";
        if !self.any(sql, body)? {
            self.erase_body(body)?;
        }
        Ok(())
    }

    fn erase_addresses(&mut self, message: i64) -> Result<()> {
        let mut statement =
            self.conn.prepare_cached("SELECT DISTINCT address FROM message_address WHERE message = ?1")?;
        let addresses: Vec<i64> =
            statement.query_map([message], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        self.conn.prepare_cached("DELETE FROM message_address WHERE message = ?1")?.execute([message])?;
        self.known_addresses.clear();
        for address in addresses {
            self.conn
                .prepare_cached(
                    "DELETE FROM address WHERE id = ?1
                            AND NOT EXISTS (SELECT 1 FROM message_address l WHERE l.address = ?1)",
                )?
                .execute([address])?;
        }
        Ok(())
    }

    fn erase_body(&mut self, body: i64) -> Result<()> {
        let (first, end) = (crate::body::chunk_id(body, 0)?, crate::body::chunk_id(body + 1, 0)?);
        self.conn
            .prepare_cached("DELETE FROM body_chunk WHERE id >= ?1 AND id < ?2")?
            .execute([first, end])?;
        self.conn.prepare_cached("DELETE FROM body WHERE id = ?1")?.execute([body])?;
        Ok(())
    }

    /// History is written in the order of time, so its old end is what is looked at, and no more.
    fn erase_history(&mut self, before: Timestamp) -> Result<()> {
        let mut statement =
            self.conn.prepare_cached("SELECT id FROM history WHERE at_us >= ?1 ORDER BY id LIMIT 1")?;
        let first_kept: Option<i64> = statement.query_row([before.0], |row| row.get(0)).optional()?;
        self.conn
            .prepare_cached("DELETE FROM history WHERE id < ?1")?
            .execute([first_kept.unwrap_or(i64::MAX)])?;
        Ok(())
    }

    fn any(&self, sql: &str, id: i64) -> Result<bool> {
        Ok(self.conn.prepare_cached(sql)?.exists([id])?)
    }
}
