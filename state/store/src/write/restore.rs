//! Bringing back what was deleted (F2.9).

use postrider_model::PlacementId;
use rusqlite::params;

use super::{Context, Tx};
use crate::{Result, StoreError};

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The same id as before.
    pub placement: PlacementId,
    /// The decoded name of the folder in which it stands again.
    pub folder: String,
    /// Whether that folder is frozen, so that it cannot go to the server for now.
    pub frozen: bool,
}

impl Tx<'_> {
    /// Takes back a deletion: the placement stands where it stood, without a UID, and an intent to append it on the server is
    /// noted. It keeps its id.
    ///
    /// # Errors
    /// [`StoreError::NotDeleted`], and [`StoreError::NoSuchMessage`] where it never was or its time is over.
    pub fn restore(&mut self, id: PlacementId, context: &Context) -> Result<Restored> {
        let was = self.seat(id)?;
        if was.deleted.is_none() {
            return Err(StoreError::NotDeleted(id));
        }
        self.note(&was, "restored", context)?;
        self.conn.execute(
            "UPDATE placement SET deleted_us = NULL, deleted_why = NULL, mod_seq = NULL WHERE id = ?1",
            [id.0],
        )?;
        let (account, folder, frozen) = self.conn.query_row(
            "SELECT account, name, gone_us IS NOT NULL FROM collection WHERE id = ?1",
            [was.collection.0],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        self.note_append(account, &was, context)?;
        Ok(Restored { placement: id, folder, frozen })
    }

    /// Notes that the message is to be appended to its folder on the server (I4).
    fn note_append(&mut self, account: i64, seat: &super::Seat, context: &Context) -> Result<()> {
        let next: i64 = self.conn.query_row(
            "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'intent'",
            [],
            |row| row.get(0),
        )?;
        let store_id = u128::from_be_bytes(self.store_id);
        self.conn.execute(
            "INSERT INTO intent (id, account, placement, collection, op, mark, state, due_us)
             VALUES (?1, ?2, ?3, ?4, 'append', ?5, 'noted', ?6)",
            params![
                next,
                account,
                seat.placement.id.0,
                seat.collection.0,
                format!("{store_id:032x}-{next}"),
                context.at.0
            ],
        )?;
        Ok(())
    }
}
