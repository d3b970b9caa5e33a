//! Bringing back what was deleted (F2.9).

use postrider_model::PlacementId;

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
    /// Takes back a deletion: the placement stands where it stood and keeps its id. Where the server has it no more, a note is made
    /// to put it there again.
    ///
    /// # Errors
    /// [`StoreError::NotDeleted`], and [`StoreError::NoSuchMessage`] where it never was or its time is over.
    pub fn restore(&mut self, id: PlacementId, context: &Context) -> Result<Restored> {
        let was = self.seat(id)?;
        if was.placement.discard.is_some_and(super::Discard::is_rest) {
            return Err(StoreError::NoSuchMessage(id));
        }
        if was.deleted.is_none() {
            return Err(StoreError::NotDeleted(id));
        }
        self.note(&was, "restored", context)?;
        self.conn.execute(
            "UPDATE placement SET deleted_us = NULL, deleted_why = NULL, discard = NULL, allowed = 0, flags = flags & ~8,
                    held = iif(discard IS NULL, held, NULL), mod_seq = iif(uid IS NULL, NULL, mod_seq)
             WHERE id = ?1",
            [id.0],
        )?;
        self.drop_empty_plans()?;
        let (folder, frozen) = self.conn.query_row(
            "SELECT name, gone_us IS NOT NULL FROM collection WHERE id = ?1",
            [was.collection.0],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let may_be_there = was.placement.uid.is_some() || was.placement.discard.is_some();
        if !may_be_there && self.append_of(id)?.is_none() {
            self.note_append(&was, context.at)?;
        }
        Ok(Restored { placement: id, folder, frozen })
    }
}
