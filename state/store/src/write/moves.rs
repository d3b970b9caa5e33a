//! One message, another place: a move between folders, and a folder whose UIDs were given anew. Both keep the id by which
//! people know the message.

use std::collections::BTreeSet;

use postrider_model::{AccountId, CollectionId, Flags, MessageId, PlacementId, Timestamp, Uid};
use rusqlite::{Row, params};

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
    /// A move: the placement that vanished (a tombstone already, or still to become one) takes folder, UID, flags and
    /// internal date of the one that arrived, whose row goes. The id of the former survives.
    ///
    /// # Errors
    /// [`StoreError::NotAMove`] where the two are not the same message, [`StoreError::NoSuchMessage`], what SQLite says.
    pub fn adopt(&mut self, vanished: PlacementId, arrived: PlacementId, context: &Context) -> Result<()> {
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
                        deleted_us = NULL, deleted_why = NULL
                 WHERE id = ?1",
            )?
            .execute(params![vanished.0, now.collection.0, place.uid, place.internal_date.0])?;
        self.write_flags(&FlagUpdate {
            placement: vanished,
            flags: place.flags.clone(),
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
            if was.deleted.is_some() || was.collection != collection {
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

    /// The account's tombstones since then, the oldest first: with what arrives now, each may be half of a move.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn recent_tombstones(
        &self,
        account: AccountId,
        since: Timestamp,
    ) -> Result<Vec<(PlacementId, MessageId, CollectionId)>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT p.id, p.message, p.collection FROM placement p JOIN collection c ON c.id = p.collection
             WHERE p.deleted_us IS NOT NULL AND p.deleted_us >= ?2 AND c.account = ?1 ORDER BY p.deleted_us, p.id",
        )?;
        let rows = statement.query_map([account.0, since.0], triple)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The account's placements with ids above that one which are not deleted: what came in since.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn arrivals(
        &self,
        account: AccountId,
        since: PlacementId,
    ) -> Result<Vec<(PlacementId, MessageId, CollectionId)>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT p.id, p.message, p.collection FROM placement p JOIN collection c ON c.id = p.collection
             WHERE p.id > ?2 AND p.deleted_us IS NULL AND c.account = ?1 ORDER BY p.id",
        )?;
        let rows = statement.query_map([account.0, since.0], triple)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The newest placement id that was given; 0 before the first. What comes in later is above it.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn newest_placement(&self) -> Result<PlacementId> {
        let mut statement =
            self.conn.prepare_cached("SELECT max(seq) FROM sqlite_sequence WHERE name = 'placement'")?;
        let newest: Option<i64> = statement.query_row([], |row| row.get(0))?;
        Ok(PlacementId(newest.unwrap_or(0)))
    }
}

fn triple(row: &Row<'_>) -> rusqlite::Result<(PlacementId, MessageId, CollectionId)> {
    Ok((PlacementId(row.get(0)?), MessageId(row.get(1)?), CollectionId(row.get(2)?)))
}
