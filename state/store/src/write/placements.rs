//! Messages where they stand: reading them for a plan, and the two changes that come in for them, flags and deletion.

use postrider_model::{
    CollectionId, Flags, MatchKey, MessageId, PlacementId, SystemFlag, Timestamp, Uid, UidSet,
};
use rusqlite::{OptionalExtension, Row, params};

use super::{Context, Discard, HeldId, Tx};
use crate::{Result, StoreError};

/// A message in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Its id, which survives moves.
    pub id: PlacementId,
    /// The message.
    pub message: MessageId,
    /// Its UID; `None` where the server has it not, or not yet.
    pub uid: Option<Uid>,
    /// Its flags here.
    pub flags: Flags,
    /// The flags on which both sides last agreed.
    pub base_flags: Flags,
    /// Its MODSEQ, where the server has one.
    pub mod_seq: Option<u64>,
    /// When it arrived, by the server.
    pub internal_date: Timestamp,
    /// The plan in which its deletion waits for a person's word.
    pub held: Option<HeldId>,
    /// The folder in which it stands here, where the server has it in another one still.
    pub here: Option<CollectionId>,
    /// What is to become of it on the server, where it is deleted here.
    pub discard: Option<Discard>,
}

/// A placement with where it is and whether it is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// The placement.
    pub placement: Placement,
    /// In which folder the server has it, or last had it.
    pub collection: CollectionId,
    /// Since when it is a tombstone.
    pub deleted: Option<Timestamp>,
}

impl Seat {
    /// The folder in which it stands here.
    pub fn folder(&self) -> CollectionId {
        self.placement.here.unwrap_or(self.collection)
    }
}

/// A placement with what it can be known by when UIDs are worth nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matchable {
    /// The placement.
    pub placement: Placement,
    /// Over header and size; `None` where the header is too poor for it.
    pub match_key: Option<MatchKey>,
    /// Octets of the message.
    pub size: u64,
}

/// The flags that a placement has now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagUpdate {
    /// Which one.
    pub placement: PlacementId,
    /// Its flags here.
    pub flags: Flags,
    /// What both sides agree on.
    pub base_flags: Flags,
    /// Its MODSEQ, where the server has one.
    pub mod_seq: Option<u64>,
}

/// The columns that [`placement`] reads, of a table or alias `p`.
pub(super) const COLUMNS: &str = "p.id, p.message, p.uid, p.flags, p.keywords, p.base_flags, p.base_keywords, p.mod_seq, \
                       p.internal_us, p.held, p.here, p.discard";

impl Tx<'_> {
    /// The UIDs that the folder has here, those included whose deletion is held.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn known_uids(&self, collection: CollectionId) -> Result<UidSet> {
        let mut statement = self.conn.prepare_cached(
            "SELECT uid FROM placement WHERE collection = ?1 AND uid IS NOT NULL ORDER BY uid",
        )?;
        let mut uids = UidSet::EMPTY;
        let mut rows = statement.query([collection.0])?;
        while let Some(row) = rows.next()? {
            uids.insert(row.get(0)?);
        }
        Ok(uids)
    }

    /// The highest UID that the folder has, of what was deleted too.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn highest_uid(&self, collection: CollectionId) -> Result<Option<Uid>> {
        let sql = "SELECT MAX(uid) FROM placement WHERE collection = ?1 AND uid IS NOT NULL";
        Ok(self.conn.prepare_cached(sql)?.query_row([collection.0], |row| row.get(0))?)
    }

    /// The placements of those UIDs that the folder has, in the order of UIDs. `1:4294967295` costs what is there.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn placements(&self, collection: CollectionId, uids: &UidSet) -> Result<Vec<Placement>> {
        let mut statement = self.conn.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM placement p
             WHERE p.collection = ?1 AND p.uid >= ?2 AND p.uid <= ?3 ORDER BY p.uid"
        ))?;
        let mut all = Vec::new();
        for range in uids.ranges() {
            let mut rows = statement.query(params![collection.0, range.start(), range.end()])?;
            while let Some(row) = rows.next()? {
                all.push(placement(row)?);
            }
        }
        Ok(all)
    }

    /// All that the server has in the folder or is to have, what is deleted here and not there among it, with what each can be known
    /// by, in the order of ids.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn all_placements(&self, collection: CollectionId) -> Result<Vec<Matchable>> {
        let mut statement = self.conn.prepare_cached(&format!(
            "SELECT {COLUMNS}, m.match_key, b.size FROM placement p JOIN message m ON m.id = p.message
                    JOIN body b ON b.id = m.body
             WHERE p.collection = ?1 AND p.uid IS NOT NULL AND (p.deleted_us IS NULL OR p.discard IS NOT NULL)
                OR p.collection = ?1 AND p.uid IS NULL AND (p.deleted_us IS NULL OR p.discard IS NOT NULL)
             ORDER BY p.id"
        ))?;
        let mut all = Vec::new();
        let mut rows = statement.query([collection.0])?;
        while let Some(row) = rows.next()? {
            let key: Option<[u8; 16]> = row.get(12)?;
            let size: i64 = row.get(13)?;
            all.push(Matchable {
                placement: placement(row)?,
                match_key: key.map(MatchKey),
                size: size.cast_unsigned(),
            });
        }
        Ok(all)
    }

    /// One placement, deleted or not.
    ///
    /// # Errors
    /// [`StoreError::NoSuchMessage`], and what SQLite says.
    pub fn seat(&self, id: PlacementId) -> Result<Seat> {
        let mut statement = self.conn.prepare_cached(&format!(
            "SELECT {COLUMNS}, p.collection, p.deleted_us FROM placement p WHERE p.id = ?1"
        ))?;
        let found = statement.query_row([id.0], |row| {
            let deleted: Option<i64> = row.get(13)?;
            Ok(Seat {
                placement: placement(row)?,
                collection: CollectionId(row.get(12)?),
                deleted: deleted.map(Timestamp),
            })
        });
        found.optional()?.ok_or(StoreError::NoSuchMessage(id))
    }

    /// Brings flags up to date and answers how many placements that changed; what was is in history. Where nothing differs
    /// nothing is written. What is deleted here and still there learns them too, so that it can be restored as it is there; other
    /// tombstones keep what they had.
    ///
    /// # Errors
    /// [`StoreError::NoSuchMessage`], and what SQLite says.
    pub fn update_flags(&mut self, updates: &[FlagUpdate], context: &Context) -> Result<u64> {
        let mut changed = 0;
        for update in updates {
            let was = self.seat(update.placement)?;
            let now = &was.placement;
            if was.deleted.is_some() && now.discard.is_none()
                || (now.flags == update.flags
                    && now.base_flags == update.base_flags
                    && now.mod_seq == update.mod_seq)
            {
                continue;
            }
            if is_unmarked(&was, update) {
                self.note(&was, "restored", context)?;
                changed += 1;
            } else if was.deleted.is_none() && now.flags != update.flags {
                self.note(&was, "flags", context)?;
                changed += 1;
            }
            self.write_flags(update)?;
        }
        Ok(changed)
    }

    /// Writes flags down. Somebody who took the mark for deletion from a message there wants it: it is a message here again. What a
    /// move left is nobody's message, and is to be erased again.
    pub(super) fn write_flags(&mut self, update: &FlagUpdate) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE placement SET flags = ?2, keywords = ?3, base_flags = ?4, base_keywords = ?5, mod_seq = ?6
                 WHERE id = ?1",
            )?
            .execute(params![
                update.placement.0,
                update.flags.bits(),
                keywords(&update.flags),
                update.base_flags.bits(),
                keywords(&update.base_flags),
                update.mod_seq.map(u64::cast_signed)
            ])?;
        if !update.base_flags.has(SystemFlag::Deleted) {
            self.conn
                .prepare_cached(
                    "UPDATE placement SET deleted_us = iif(discard = 'left', deleted_us, NULL), flags = flags & ~8,
                            deleted_why = iif(discard = 'left', deleted_why, NULL), discard = iif(discard = 'left', 'rest', NULL)
                     WHERE id = ?1 AND discard IN ('marked', 'left')",
                )?
                .execute([update.placement.0])?;
        }
        Ok(())
    }

    /// They are gone from the server: makes tombstones of them and answers how many became one now. A tombstone keeps its id, its
    /// bytes and all else but its UID, and can be restored. One that was deleted here already is settled.
    ///
    /// # Errors
    /// [`StoreError::NoSuchMessage`], and what SQLite says.
    pub fn delete_placements(&mut self, ids: &[PlacementId], context: &Context) -> Result<u64> {
        let mut deleted = 0;
        for id in ids {
            let was = self.seat(*id)?;
            if was.deleted.is_some() {
                if was.placement.uid.is_some() || was.placement.discard.is_some() {
                    self.forget_uid(*id)?;
                }
                continue;
            }
            self.withdraw_append(*id)?;
            self.note(&was, "deleted", context)?;
            self.conn
                .prepare_cached(
                    "UPDATE placement SET deleted_us = ?2, deleted_why = ?3, was_uid = coalesce(uid, was_uid), uid = NULL,
                            held = NULL, here = NULL, discard = NULL, allowed = 0
                     WHERE id = ?1",
                )?
                .execute(params![id.0, context.at.0, context.why])?;
            deleted += 1;
        }
        self.drop_empty_plans()?;
        Ok(deleted)
    }
}

/// Whether the mark for deletion was taken there from a message that carried it for a deletion here.
fn is_unmarked(was: &Seat, update: &FlagUpdate) -> bool {
    was.placement.discard == Some(Discard::Marked) && !update.base_flags.has(SystemFlag::Deleted)
}

/// Reads [`COLUMNS`].
pub(super) fn placement(row: &Row<'_>) -> rusqlite::Result<Placement> {
    let mod_seq: Option<i64> = row.get(7)?;
    let (held, here): (Option<i64>, Option<i64>) = (row.get(9)?, row.get(10)?);
    let discard: Option<String> = row.get(11)?;
    Ok(Placement {
        id: PlacementId(row.get(0)?),
        message: MessageId(row.get(1)?),
        uid: row.get(2)?,
        flags: flags_from(row, 3)?,
        base_flags: flags_from(row, 5)?,
        mod_seq: mod_seq.map(i64::cast_unsigned),
        internal_date: Timestamp(row.get(8)?),
        held: held.map(HeldId),
        here: here.map(CollectionId),
        discard: discard.as_deref().and_then(Discard::from_name),
    })
}

/// Reads a bit set and the keywords in the column after it.
pub(crate) fn flags_from(row: &Row<'_>, at: usize) -> rusqlite::Result<Flags> {
    let keywords = row.get_ref(at + 1)?.as_str()?;
    Ok(Flags::from_parts(
        row.get(at)?,
        keywords.split(' ').filter(|word| !word.is_empty()).map(str::to_owned),
    ))
}

/// Keywords as they are stored: a keyword is an atom and has no space in it (RFC 3501, section 9).
pub(super) fn keywords(flags: &Flags) -> String {
    flags.keywords().join(" ")
}
