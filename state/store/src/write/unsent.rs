//! What waits to be sent, and what the server said to it.

use std::collections::BTreeMap;

use postrider_journal::Operation;
use postrider_model::{
    AccountId, CollectionId, Flags, MatchKey, PermanentFlags, PlacementId, Timestamp, Uid,
};
use rusqlite::{OptionalExtension, params};

use super::{
    Context, Discard, FlagUpdate, Placement, Seat, Tx,
    placements::{COLUMNS, placement},
};
use crate::{Result, body};

/// A message that is on the server and differs here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsent {
    /// It, with the flags of both sides.
    pub placement: Placement,
    /// The folder in which the server has it.
    pub collection: CollectionId,
    /// A person let its deletion through the guard.
    pub allowed: bool,
}

/// By what a message is known again when nobody told where it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    /// Over header and size; `None` where the header is too poor for it.
    pub match_key: Option<MatchKey>,
    /// Its Message-ID, without angle brackets.
    pub message_id: Option<String>,
    /// The INTERNALDATE with which it was put there; `None` where nobody else has its Message-ID. Servers may rewrite a message and keep
    /// that (RFC 3501, section 6.3.11), and others may carry the same Message-ID.
    pub internal_date: Option<Timestamp>,
    /// BLAKE3 of its bytes.
    pub hash: [u8; 32],
}

/// Where a message is after a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landed {
    /// Which one.
    pub placement: PlacementId,
    /// The folder in which the server has it now.
    pub collection: CollectionId,
    /// Its UID there.
    pub uid: Uid,
}

impl Tx<'_> {
    /// What of the account's messages is to be changed on the server, by folder and UID. Those of frozen folders wait, and so do those
    /// that are gone there and held here.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn unsent(&self, account: AccountId) -> Result<Vec<Unsent>> {
        let mut folders = self.conn.prepare_cached(
            "SELECT id FROM collection WHERE account = ?1 AND kind = 'mail' AND gone_us IS NULL ORDER BY id",
        )?;
        let mut of_folder = self.conn.prepare_cached(&format!(
            "SELECT {COLUMNS}, p.allowed FROM placement p
             WHERE p.collection = ?1 AND p.uid IS NOT NULL
               AND (p.here IS NOT NULL OR p.discard IS NOT NULL OR p.flags <> p.base_flags
                    OR p.keywords <> p.base_keywords)
               AND (p.held IS NULL OR p.deleted_us IS NOT NULL)
             ORDER BY p.uid"
        ))?;
        let mut unsent = Vec::new();
        let mut ids = folders.query([account.0])?;
        while let Some(folder) = ids.next()? {
            let collection = CollectionId(folder.get(0)?);
            let mut rows = of_folder.query([collection.0])?;
            while let Some(row) = rows.next()? {
                unsent.push(Unsent { placement: placement(row)?, collection, allowed: row.get(12)? });
            }
        }
        Ok(unsent)
    }

    /// Notes which flags a folder keeps; nothing is written where that is known.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn set_permanent_flags(&mut self, id: CollectionId, permanent: &PermanentFlags) -> Result<()> {
        let mut words = permanent.flags.to_string();
        if permanent.any_keyword {
            words.push_str(" \\*");
        }
        self.conn
            .prepare_cached(
                "UPDATE collection SET permanent_flags = ?2 WHERE id = ?1 AND permanent_flags IS NOT ?2",
            )?
            .execute(params![id.0, words.trim_start()])?;
        Ok(())
    }

    /// Which flags the account's folders keep, where that was told.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn permanent_flags(&self, account: AccountId) -> Result<BTreeMap<CollectionId, PermanentFlags>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id, permanent_flags FROM collection WHERE account = ?1 AND permanent_flags IS NOT NULL",
        )?;
        let rows = statement.query_map([account.0], |row| {
            let words: String = row.get(1)?;
            let permanent = PermanentFlags {
                flags: Flags::from_wire(words.split(' ')),
                any_keyword: words.split(' ').any(|word| word == "\\*"),
            };
            Ok((CollectionId(row.get(0)?), permanent))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The server has these flags now; they are the base from here on.
    ///
    /// # Errors
    /// [`StoreError::NoSuchMessage`](crate::StoreError::NoSuchMessage), and what SQLite says.
    pub fn echoed(&mut self, updates: &[FlagUpdate], context: &Context) -> Result<()> {
        self.update_flags(updates, context).map(drop)
    }

    /// A message is in another folder of the server now, or in its first. Where it is to be in a third one here by now, that goes on
    /// waiting.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn landed(&mut self, landed: Landed) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE placement SET here = iif(discard IS NULL, nullif(coalesce(here, collection), ?2), NULL), collection = ?2, uid = ?3, mod_seq = NULL
                 WHERE id = ?1",
            )?
            .execute(params![landed.placement.0, landed.collection.0, landed.uid])?;
        Ok(())
    }

    /// A message is erased on the server, as was wanted here. One that was restored meanwhile is put there again.
    ///
    /// # Errors
    /// [`StoreError::NoSuchMessage`](crate::StoreError::NoSuchMessage), and what SQLite says.
    pub fn erased_there(&mut self, id: PlacementId, context: &Context) -> Result<()> {
        let was = self.seat(id)?;
        if was.placement.discard.is_some_and(Discard::is_rest) {
            return self.drop_rest(id);
        }
        self.forget_uid(id)?;
        if was.deleted.is_none() {
            // It goes to where it stands here.
            self.conn.execute(
                "UPDATE placement SET collection = ?2 WHERE id = ?1",
                params![id.0, was.folder().0],
            )?;
            self.note_append(&self.seat(id)?, context.at)?;
        }
        Ok(())
    }

    /// What a move had left behind is gone.
    fn drop_rest(&mut self, id: PlacementId) -> Result<()> {
        self.conn.prepare_cached("DELETE FROM placement WHERE id = ?1")?.execute([id.0])?;
        Ok(())
    }

    /// A message that was to be put somewhere is nowhere on the server, and is not wanted there any more.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn nowhere(&mut self, id: PlacementId) -> Result<()> {
        self.forget_uid(id)
    }

    /// A message that was to be moved away is copied there already: its old place is to be erased.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn expunge_rest(&mut self, id: PlacementId) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE placement SET discard = 'expunge' WHERE id = ?1 AND discard IS NOT NULL")?
            .execute([id.0])?;
        Ok(())
    }

    /// A message carries `\Deleted` on the server, which cannot erase it by itself.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn marked_there(&mut self, id: PlacementId) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE placement
                 SET discard = iif(deleted_us IS NULL, NULL, iif(discard IN ('rest', 'left'), 'left', 'marked')),
                     base_flags = base_flags | 8
                 WHERE id = ?1",
            )?
            .execute([id.0])?;
        Ok(())
    }

    /// A message was moved on by a copy: what is left in its old place is a tombstone of its own, so that it is not fetched as new,
    /// to be erased ([`Discard::Rest`]) or marked already ([`Discard::Left`]).
    ///
    /// # Errors
    /// What SQLite says.
    pub fn left_behind(&mut self, was: &Seat, how: Discard, context: &Context) -> Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO placement (message, collection, uid, flags, keywords, base_flags, base_keywords, internal_us,
                                        deleted_us, deleted_why, discard)
                 VALUES (?1, ?2, ?3, ?4, '', ?4 | 8, '', ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                was.placement.message.0,
                was.collection.0,
                was.placement.uid,
                was.placement.flags.bits(),
                was.placement.internal_date.0,
                context.at.0,
                context.why,
                how.name()
            ])?;
        Ok(())
    }

    /// By what a message is known again in a folder.
    ///
    /// # Errors
    /// [`StoreError::NoSuchMessage`](crate::StoreError::NoSuchMessage), and what SQLite says.
    pub fn sought(&self, id: PlacementId) -> Result<Sought> {
        let mut statement = self.conn.prepare_cached(
            "SELECT m.match_key, m.message_id, b.hash, p.internal_us FROM placement p JOIN message m ON m.id = p.message
                    JOIN body b ON b.id = m.body
             WHERE p.id = ?1",
        )?;
        let found = statement.query_row([id.0], |row| {
            let key: Option<[u8; 16]> = row.get(0)?;
            Ok(Sought {
                match_key: key.map(MatchKey),
                message_id: row.get(1)?,
                internal_date: Some(Timestamp(row.get(3)?)),
                hash: row.get(2)?,
            })
        });
        found.optional()?.ok_or(crate::StoreError::NoSuchMessage(id))
    }

    /// The message's bytes, as the server is given them.
    ///
    /// # Errors
    /// [`StoreError::NoSuchMessage`](crate::StoreError::NoSuchMessage), damage, and what SQLite says.
    pub fn bytes_of(&self, id: PlacementId) -> Result<Vec<u8>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT m.body FROM placement p JOIN message m ON m.id = p.message WHERE p.id = ?1",
        )?;
        let found: Option<i64> = statement.query_row([id.0], |row| row.get(0)).optional()?;
        let mut bytes = Vec::new();
        body::write_to(self.conn, found.ok_or(crate::StoreError::NoSuchMessage(id))?, &mut bytes)?;
        Ok(bytes)
    }

    /// A tombstone that has no UID any more: whatever was to become of it there has become of it.
    pub(super) fn forget_uid(&mut self, id: PlacementId) -> Result<()> {
        let rest = self
            .conn
            .prepare_cached("DELETE FROM placement WHERE id = ?1 AND discard IN ('rest', 'left')")?
            .execute([id.0])?;
        if rest > 0 {
            return Ok(());
        }
        self.conn
            .prepare_cached(
                "UPDATE placement SET was_uid = coalesce(uid, was_uid), uid = NULL, discard = NULL, here = NULL, held = NULL, allowed = 0
                 WHERE id = ?1",
            )?
            .execute([id.0])?;
        Ok(())
    }

    /// Notes that the message is to be put into its folder on the server (I4). What it takes of the flags is not known before it says
    /// so; `\Deleted` is nothing to bring along.
    pub(super) fn note_append(&mut self, seat: &Seat, at: Timestamp) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE placement SET flags = flags & ~8, base_flags = flags & ~8, base_keywords = '' WHERE id = ?1",
            )?
            .execute([seat.placement.id.0])?;
        let account: i64 = self
            .conn
            .prepare_cached("SELECT account FROM collection WHERE id = ?1")?
            .query_row([seat.collection.0], |row| row.get(0))?;
        let operation = Operation::Append { copy_of: None, floor: None };
        self.add_intent(AccountId(account), seat.placement.id, seat.collection, &operation, at)?;
        Ok(())
    }
}
