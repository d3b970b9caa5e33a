//! Messages that came in.
//!
//! The same bytes are stored once, and within one account they are one message however many folders have it. Storing what
//! is there already changes nothing, so that a run that was cut off can simply go on.

use std::collections::BTreeMap;

use postrider_model::{
    Address, CollectionId, EmailId, Flags, MatchKey, MessageId, PlacementId, Timestamp, Uid, UidSet,
};
use rusqlite::{OptionalExtension, params};

use super::{Tx, placements::keywords};
use crate::{Body, Result, body::chunk_id};

/// A message as it is on the server.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Its UID.
    pub uid: Uid,
    /// Its flags, which become the base too.
    pub flags: Flags,
    /// Its MODSEQ, where the server has one.
    pub mod_seq: Option<u64>,
    /// INTERNALDATE; where a server gives none, the message's own date takes its place.
    pub internal_date: Option<Timestamp>,
    /// What the server knows its content by.
    pub email_id: Option<EmailId>,
    /// Its bytes.
    pub body: Body,
    /// What was read from them.
    pub envelope: Envelope,
}

/// A message as it is on the server, but for its bytes: the server names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its UID.
    pub uid: Uid,
    /// Its flags, which become the base too.
    pub flags: Flags,
    /// Its MODSEQ, where the server has one.
    pub mod_seq: Option<u64>,
    /// INTERNALDATE.
    pub internal_date: Option<Timestamp>,
    /// What the server knows its content by.
    pub email_id: EmailId,
    /// Its size in octets.
    pub size: u64,
}

/// What is known of a message from its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// Message-ID, without angle brackets.
    pub message_id: Option<String>,
    /// The Message-ID of its thread's root.
    pub thread: Option<String>,
    /// By what it is known again when its UID is worth nothing.
    pub match_key: Option<MatchKey>,
    /// The Date header.
    pub date: Option<Timestamp>,
    /// The decoded subject.
    pub subject: String,
    /// Who stands in the header, in its order.
    pub addresses: Vec<Address>,
    /// The MIME tree as JSON.
    pub structure: String,
    /// Whether a reader would show an attachment.
    pub has_attachment: bool,
    /// How its text begins.
    pub snippet: String,
}

/// What became of an incoming message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inserted {
    /// Where it stands.
    pub placement: PlacementId,
    /// The message.
    pub message: MessageId,
    /// Whether the message is new: it is still to be indexed.
    pub new_message: bool,
    /// Whether the placement is new: else that UID was here already and nothing was written.
    pub new_placement: bool,
}

impl Tx<'_> {
    /// Stores messages of one folder; the answers stand in their order. What the folder has under the same UID stays as it is.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn insert_messages(
        &mut self,
        collection: CollectionId,
        incoming: &[Incoming],
    ) -> Result<Vec<Inserted>> {
        let account = self
            .conn
            .prepare_cached("SELECT account FROM collection WHERE id = ?1")?
            .query_row([collection.0], |row| row.get(0))?;
        let mut known = self.known_among(collection, incoming)?;
        let mut inserted = Vec::with_capacity(incoming.len());
        for one in incoming {
            let done = match known.get(&one.uid) {
                Some(&(placement, message)) => {
                    Inserted { placement, message, new_message: false, new_placement: false }
                }
                None => self.insert_message(account, collection, one)?,
            };
            known.insert(one.uid, (done.placement, done.message));
            inserted.push(done);
        }
        Ok(inserted)
    }

    /// Stores where messages stand whose content the account has already, by the name that the server has for it and their size;
    /// answers which of them.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn insert_named(&mut self, collection: CollectionId, named: &[Named]) -> Result<UidSet> {
        let mut stored = UidSet::EMPTY;
        for one in named {
            let known: Option<(i64, Option<i64>)> = self
                .conn
                .prepare_cached(
                    "SELECT m.id, m.date_us FROM collection c JOIN message m ON m.account = c.account AND m.email_id = ?2
                            JOIN body b ON b.id = m.body
                     WHERE c.id = ?1 AND b.size = ?3
                       AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.collection = ?1 AND p.uid = ?4)",
                )?
                .query_row(params![collection.0, one.email_id.0, one.size.cast_signed(), one.uid], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()?;
            let Some((message, date)) = known else { continue };
            let internal_date = one.internal_date.or(date.map(Timestamp)).unwrap_or_default();
            let seat = (one.uid, &one.flags, one.mod_seq, internal_date);
            self.insert_placement(MessageId(message), collection, seat, true)?;
            stored.insert(one.uid);
        }
        Ok(stored)
    }

    /// What the folder has between the lowest and the highest of those UIDs.
    fn known_among(
        &self,
        collection: CollectionId,
        incoming: &[Incoming],
    ) -> Result<BTreeMap<Uid, (PlacementId, MessageId)>> {
        let uids = || incoming.iter().map(|one| one.uid);
        let (Some(lowest), Some(highest)) = (uids().min(), uids().max()) else { return Ok(BTreeMap::new()) };
        // Not `BETWEEN … AND uid IS NOT NULL`: SQLite takes the latter for the lower bound and walks the whole folder.
        let mut statement = self.conn.prepare_cached(
            "SELECT uid, id, message FROM placement
             WHERE collection = ?1 AND uid >= ?2 AND uid <= ?3",
        )?;
        let rows = statement.query_map(params![collection.0, lowest, highest], |row| {
            Ok((row.get(0)?, (PlacementId(row.get(1)?), MessageId(row.get(2)?))))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn insert_message(&mut self, account: i64, collection: CollectionId, one: &Incoming) -> Result<Inserted> {
        let (message, new_message) = self.ensure_message(account, one)?;
        let internal_date = one.internal_date.or(one.envelope.date).unwrap_or_default();
        let seat = (one.uid, &one.flags, one.mod_seq, internal_date);
        let placement = self.insert_placement(message, collection, seat, !new_message)?;
        Ok(Inserted { placement, message, new_message, new_placement: true })
    }

    /// `arriving`: its content was here already.
    fn insert_placement(
        &mut self,
        message: MessageId,
        collection: CollectionId,
        (uid, flags, mod_seq, internal_date): (Uid, &Flags, Option<u64>, Timestamp),
        arriving: bool,
    ) -> Result<PlacementId> {
        self.conn
            .prepare_cached(
                "INSERT INTO placement (message, collection, uid, flags, keywords, base_flags, base_keywords, mod_seq,
                                        internal_us, arriving)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                message.0,
                collection.0,
                uid,
                flags.bits(),
                keywords(flags),
                mod_seq.map(u64::cast_signed),
                internal_date.0,
                arriving
            ])?;
        Ok(PlacementId(self.conn.last_insert_rowid()))
    }

    /// The account's message of those bytes, and whether it is new.
    pub(super) fn ensure_message(&mut self, account: i64, one: &Incoming) -> Result<(MessageId, bool)> {
        let (body, new_body) = self.ensure_body(&one.body)?;
        if !new_body && let Some(known) = self.message_of(account, body)? {
            self.learn_email_id(known, one.email_id.as_ref())?;
            return Ok((known, false));
        }
        let envelope = &one.envelope;
        self.conn
            .prepare_cached(
                "INSERT INTO message (account, body, date_us, has_attachment, match_key, message_id, thread, subject,
                                      snippet, structure, email_id)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                account,
                body,
                envelope.date.map(|at| at.0),
                envelope.has_attachment,
                envelope.match_key.map(|key| key.0),
                envelope.message_id,
                envelope.thread,
                envelope.subject,
                envelope.snippet,
                envelope.structure,
                one.email_id.as_ref().map(|id| &id.0)
            ])?;
        let message = MessageId(self.conn.last_insert_rowid());
        self.insert_addresses(message, &envelope.addresses)?;
        Ok((message, true))
    }

    /// One that was written here gets its name from the server later. Of two names of the same bytes the first serves.
    fn learn_email_id(&mut self, message: MessageId, email_id: Option<&EmailId>) -> Result<()> {
        if let Some(EmailId(id)) = email_id {
            self.conn
                .prepare_cached("UPDATE message SET email_id = ?2 WHERE id = ?1 AND email_id IS NULL")?
                .execute(params![message.0, id])?;
        }
        Ok(())
    }

    fn message_of(&self, account: i64, body: i64) -> Result<Option<MessageId>> {
        let mut statement =
            self.conn.prepare_cached("SELECT id FROM message WHERE body = ?1 AND account = ?2")?;
        Ok(statement.query_row([body, account], |row| row.get(0).map(MessageId)).optional()?)
    }

    /// The row of those bytes, and whether it is new. New is the common case, so it is tried first.
    pub(super) fn ensure_body(&mut self, body: &Body) -> Result<(i64, bool)> {
        let inserted = self
            .conn
            .prepare_cached("INSERT INTO body (hash, size) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
            .execute(params![body.hash(), body.size().cast_signed()])?;
        if inserted == 0 {
            let mut statement = self.conn.prepare_cached("SELECT id FROM body WHERE hash = ?1")?;
            return Ok((statement.query_row([body.hash()], |row| row.get(0))?, false));
        }
        let id = self.conn.last_insert_rowid();
        let mut statement = self.conn.prepare_cached("INSERT INTO body_chunk (id, zstd) VALUES (?1, ?2)")?;
        let mut seq = 0;
        body.each_chunk(|chunk| {
            statement.execute(params![chunk_id(id, seq)?, chunk])?;
            seq += 1;
            Ok(())
        })?;
        Ok((id, true))
    }
}
