//! One message, another place: a move between folders, and a folder whose UIDs were given anew. Both keep the id by which
//! people know the message.

use std::collections::BTreeSet;

use postrider_model::{CollectionId, Flags, PlacementId, Timestamp, Uid};
use rusqlite::params;

use super::{Context, FlagUpdate, Tx};
use crate::{Result, StoreError};

/// The UID that a known placement has under a new UIDVALIDITY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renumbering {
    /// Which one.
    pub placement: PlacementId,
    /// Its UID now.
    pub uid: Uid,
    /// Its internal date now: a message that was put there anew has another one.
    pub internal_date: Timestamp,
    /// Its flags here.
    pub flags: Flags,
    /// What both sides agree on.
    pub base_flags: Flags,
    /// Its MODSEQ, where the server has one.
    pub mod_seq: Option<u64>,
}

impl Tx<'_> {
    /// A move: the placement that vanished (a tombstone already, or still to become one) takes folder, UID, base flags and
    /// internal date of the one that arrived, whose row goes, and `flags`. The id of the former survives, and so does what was done to
    /// either here and is not sent yet: it follows the message.
    ///
    /// # Errors
    /// [`StoreError::NotAMove`] where the two are not the same message, [`StoreError::NoSuchMessage`], what SQLite says.
    pub fn adopt(
        &mut self,
        vanished: PlacementId,
        arrived: PlacementId,
        flags: &Flags,
        context: &Context,
    ) -> Result<()> {
        let (was, now) = (self.seat(vanished)?, self.seat(arrived)?);
        if vanished == arrived || was.placement.message != now.placement.message || now.deleted.is_some() {
            return Err(StoreError::NotAMove { vanished, arrived });
        }
        self.note(&was, "moved", context)?;
        self.hand_over_history(arrived, vanished)?;
        self.conn
            .execute("UPDATE intent SET placement = ?2 WHERE placement = ?1", [arrived.0, vanished.0])?;
        self.conn.prepare_cached("DELETE FROM placement WHERE id = ?1")?.execute([arrived.0])?;
        let place = &now.placement;
        self.conn
            .prepare_cached(
                "UPDATE placement SET collection = ?2, uid = ?3, internal_us = ?4, was_uid = NULL, held = NULL,
                        here = nullif(coalesce(?5, here), ?2), deleted_us = iif(discard IS NULL, NULL, deleted_us),
                        deleted_why = iif(discard IS NULL, NULL, deleted_why), arriving = 0
                 WHERE id = ?1",
            )?
            .execute(params![vanished.0, now.collection.0, place.uid, place.internal_date.0, place.here.map(|to| to.0)])?;
        self.write_flags(&FlagUpdate {
            placement: vanished,
            flags: flags.clone(),
            base_flags: place.base_flags.clone(),
            mod_seq: place.mod_seq,
        })?;
        self.reopen_frozen(was.collection)?;
        self.drop_empty_plans()
    }

    /// A frozen folder out of which a message was taken is to be read whole once it is followed again: its cursor stands still and
    /// would cover what is not there any more (I3).
    fn reopen_frozen(&self, collection: CollectionId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE collection SET complete = 0 WHERE id = ?1 AND gone_us IS NOT NULL AND complete = 1",
            )?
            .execute([collection.0])?;
        Ok(())
    }

    /// Gives the folder's placements their UIDs under a new UIDVALIDITY, and answers those that had one and have none now:
    /// they are to be deleted or held in this same transaction. First every UID goes and then the new ones come, so that no
    /// old one is ever in the way.
    ///
    /// # Errors
    /// [`StoreError::NoSuchMessage`] where one is not in the folder; what SQLite says, among it that two were given one UID.
    pub fn renumber(
        &mut self,
        collection: CollectionId,
        matched: &[Renumbering],
        context: &Context,
    ) -> Result<Vec<PlacementId>> {
        let mut left = self.with_uid(collection)?;
        self.conn.execute(
            "UPDATE placement SET was_uid = uid, uid = NULL WHERE collection = ?1 AND uid IS NOT NULL",
            [collection.0],
        )?;
        for one in matched {
            let was = self.seat(one.placement)?;
            if was.placement.flags != one.flags || was.placement.internal_date != one.internal_date {
                self.note(&was, "renumbered", context)?;
            }
            let is_gone = was.deleted.is_some() && was.placement.discard.is_none();
            if is_gone || was.collection != collection {
                return Err(StoreError::NoSuchMessage(one.placement));
            }
            self.conn
                .prepare_cached("UPDATE placement SET uid = ?2, internal_us = ?3, held = NULL WHERE id = ?1")?
                .execute(params![one.placement.0, one.uid, one.internal_date.0])?;
            self.write_flags(&FlagUpdate {
                placement: one.placement,
                flags: one.flags.clone(),
                base_flags: one.base_flags.clone(),
                mod_seq: one.mod_seq,
            })?;
            left.remove(&one.placement);
        }
        self.drop_empty_plans()?;
        Ok(left.into_iter().collect())
    }

    fn with_uid(&self, collection: CollectionId) -> Result<BTreeSet<PlacementId>> {
        let mut statement =
            self.conn.prepare_cached("SELECT id FROM placement WHERE collection = ?1 AND uid IS NOT NULL")?;
        let ids = statement.query_map([collection.0], |row| row.get(0).map(PlacementId))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }
}
