//! What the end of a run asks before it deletes: which messages are out of place, and how many there are.

use postrider_model::{AccountId, CollectionId, MessageId, PlacementId};
use rusqlite::params;

use super::{
    Placement, Seat, Tx,
    placements::{COLUMNS, placement},
};
use crate::Result;

impl Tx<'_> {
    /// Messages of the folder that are not deleted, the held ones among them.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn count_live(&self, collection: CollectionId) -> Result<u64> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT count(*) FROM placement WHERE folder = ?1 AND deleted_us IS NULL")?;
        let count: i64 = statement.query_row([collection.0], |row| row.get(0))?;
        Ok(count.cast_unsigned())
    }

    /// Messages of the folder that had a UID before it was renumbered and have none since: [`renumber`](Self::renumber) could
    /// not match them; tombstones of which the server still is to be told among them. Those that wait to be appended are not.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn adrift(&self, collection: CollectionId) -> Result<Vec<Placement>> {
        self.select(
            "p.collection = ?1 AND p.uid IS NULL AND (p.deleted_us IS NULL OR p.discard IS NOT NULL)
             AND NOT EXISTS (SELECT 1 FROM intent i WHERE i.placement = p.id AND i.op = 'append' AND i.state <> 'done')",
            collection,
        )
    }

    /// Messages that were put into the folder without an answer, each with its note and the UIDVALIDITY of then: each may be among what
    /// arrives.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn awaited(&self, collection: CollectionId) -> Result<Vec<(Placement, i64, Option<u32>)>> {
        let mut statement = self.conn.prepare_cached(&format!(
            "SELECT {COLUMNS}, i.id, json_extract(i.payload, '$.floor.uid_validity') FROM intent i JOIN placement p ON p.id = i.placement
             WHERE i.collection = ?1 AND i.op = 'append' AND i.state = 'unknown' AND p.uid IS NULL ORDER BY i.id"
        ))?;
        let rows =
            statement.query_map([collection.0], |row| Ok((placement(row)?, row.get(12)?, row.get(13)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Messages that came into one of the account's followed folders with content that was here already, while that folder was not
    /// settled since: by this run, or by one that ended before it settled. Each may be the second half of a move.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn arriving(&self, account: AccountId) -> Result<Vec<Seat>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT p.id FROM collection c JOIN placement p ON p.collection = c.id
             WHERE c.account = ?1 AND c.gone_us IS NULL AND p.arriving = 1 AND p.uid IS NOT NULL AND p.deleted_us IS NULL
             ORDER BY p.id",
        )?;
        let ids = statement.query_map([account.0], |row| row.get(0).map(PlacementId))?;
        ids.map(|id| self.seat(id?)).collect()
    }

    /// What arrived in the folder has arrived: it goes by its own id from here on.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn arrived(&mut self, collection: CollectionId) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE placement SET arriving = 0 WHERE collection = ?1 AND arriving = 1")?
            .execute([collection.0])?;
        Ok(())
    }

    /// Messages of the folder whose deletion waits for a person's word.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn held_placements(&self, collection: CollectionId) -> Result<Vec<Placement>> {
        self.select("p.collection = ?1 AND p.held IS NOT NULL AND p.deleted_us IS NULL", collection)
    }

    fn select(&self, condition: &str, collection: CollectionId) -> Result<Vec<Placement>> {
        let sql = format!("SELECT {COLUMNS} FROM placement p WHERE {condition} ORDER BY p.id");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map([collection.0], placement)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Where a message stands that is not deleted, but for those that wait to be put there.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn live_of(&self, message: MessageId) -> Result<Vec<Seat>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT p.id FROM placement p WHERE p.message = ?1 AND p.deleted_us IS NULL AND (p.uid IS NOT NULL OR NOT EXISTS
               (SELECT 1 FROM intent i WHERE i.placement = p.id AND i.op = 'append' AND i.state <> 'done')) ORDER BY p.id",
        )?;
        let ids = statement.query_map([message.0], |row| row.get(0).map(PlacementId))?;
        ids.map(|id| self.seat(id?)).collect()
    }

    /// Where else one of these messages stood: first where its deletion is held, and where it stands in one of `folders`; then its
    /// tombstones that are gone from the server too, the newest first; not those that wait to be put there. Each may be the first half
    /// of a move whose second half has arrived.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn strays(&self, messages: &[MessageId], folders: &[CollectionId]) -> Result<Vec<Seat>> {
        let mut of_message = self.conn.prepare_cached(
            "SELECT p.id, p.collection, iif(p.deleted_us IS NULL, p.held IS NOT NULL, p.uid IS NULL) FROM placement p WHERE p.message = ?1
               AND coalesce(p.discard, '') NOT IN ('rest', 'left')
               AND NOT EXISTS (SELECT 1 FROM intent i WHERE i.placement = p.id AND i.op = 'append' AND i.state <> 'done')
             ORDER BY p.deleted_us DESC NULLS FIRST, p.id",
        )?;
        let mut seats = Vec::new();
        for message in messages {
            let rows = of_message.query_map(params![message.0], |row| {
                Ok((PlacementId(row.get(0)?), CollectionId(row.get(1)?), row.get::<_, bool>(2)?))
            })?;
            for row in rows {
                let (id, collection, deleted) = row?;
                if deleted || folders.contains(&collection) {
                    seats.push(self.seat(id)?);
                }
            }
        }
        Ok(seats)
    }
}
