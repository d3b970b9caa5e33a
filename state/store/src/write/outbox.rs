//! Messages to send: noted before they are sent, kept until it is known what became of them (F2.6, I4).

use postrider_journal::{Event, Floor, Intent, Mark, State};
use postrider_model::{AccountId, MatchKey, OutboxId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::{Sought, Tx};
use crate::{Body, Result, StoreError, file::STORE_FILE};

/// A message that is to be sent.
#[derive(Debug, Clone)]
pub struct NewOutgoing {
    /// Its bytes.
    pub body: Body,
    /// Its Message-ID, without angle brackets.
    pub message_id: String,
    /// Its subject.
    pub subject: String,
    /// MAIL FROM.
    pub sender: String,
    /// To whom.
    pub recipients: Vec<String>,
    /// Whether a copy is to be put into Sent.
    pub files: bool,
}

/// A recipient whom the server refused for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRecipient {
    /// The address.
    pub address: String,
    /// Why, in words.
    pub why: String,
}

/// How far the copy in Sent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filing {
    /// None is wanted: the server makes it by itself, or nobody does.
    None,
    /// It is to be put there once the message is sent.
    Wanted,
    /// It was sent there, and no answer came.
    Sent,
    /// It is there.
    Filed,
}

impl Filing {
    const ALL: [Self; 4] = [Self::None, Self::Wanted, Self::Sent, Self::Filed];

    /// Its name in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Wanted => "wanted",
            Self::Sent => "sent",
            Self::Filed => "filed",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|filing| filing.name() == name)
    }
}

/// An entry of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its id.
    pub id: OutboxId,
    /// Of which account.
    pub account: AccountId,
    /// Its Message-ID, without angle brackets.
    pub message_id: String,
    /// Its subject.
    pub subject: String,
    /// MAIL FROM.
    pub sender: String,
    /// To whom it is still to go.
    pub recipients: Vec<String>,
    /// Whom the server refused for good.
    pub refused: Vec<RefusedRecipient>,
    /// How many recipients it reached.
    pub reached: u64,
    /// How far it is.
    pub state: State,
    /// How often it was tried.
    pub attempt: u32,
    /// When it was written.
    pub created: Timestamp,
    /// When it is tried next, at the earliest.
    pub due: Timestamp,
    /// What went wrong last.
    pub error: Option<String>,
    /// How far its copy in Sent is.
    pub filing: Filing,
    /// Above what the copy stands.
    pub floor: Option<Floor>,
}

const COLUMNS: &str = "id, account, message_id, subject, sender, recipients, refused, state, attempt, created_us, due_us, error, \
                       filing, floor, reached";

/// The entries of the outbox that are not done with, or all of them, the oldest first.
pub(crate) fn outbox(conn: &Connection, account: Option<AccountId>, all: bool) -> Result<Vec<Outgoing>> {
    let open =
        if all { "" } else { " AND (ended_us IS NULL OR state = 'done' AND filing IN ('wanted', 'sent'))" };
    let sql = format!("SELECT {COLUMNS} FROM outbox WHERE (?1 IS NULL OR account = ?1){open} ORDER BY id");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([account.map(|id| id.0)])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(outgoing(row)?);
    }
    Ok(entries)
}

impl Tx<'_> {
    /// Puts a message into the outbox.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn enqueue(&mut self, account: AccountId, new: &NewOutgoing, now: Timestamp) -> Result<OutboxId> {
        let (body, _) = self.ensure_body(&new.body)?;
        let filing = if new.files { Filing::Wanted } else { Filing::None };
        self.conn
            .prepare_cached(
                "INSERT INTO outbox (account, body, message_id, subject, sender, recipients, refused, state, attempt,
                                     created_us, due_us, filing)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, '[]', ?7, 0, ?8, ?8, ?9)",
            )?
            .execute(params![
                account.0,
                body,
                new.message_id,
                new.subject,
                new.sender,
                json(&new.recipients)?,
                State::Noted.as_str(),
                now.0,
                filing.name()
            ])?;
        Ok(OutboxId(self.conn.last_insert_rowid()))
    }

    /// Puts a message that has ended into the outbox anew, to those whom it did not reach; the new entry's id.
    ///
    /// # Errors
    /// [`StoreError::NoSuchEntry`], and what SQLite says.
    pub fn enqueue_again(&mut self, id: OutboxId, recipients: &[String], now: Timestamp) -> Result<OutboxId> {
        let done = self
            .conn
            .prepare_cached(
                "INSERT INTO outbox (account, body, message_id, subject, sender, recipients, refused, state, attempt,
                                     created_us, due_us, filing)
                 SELECT account, body, message_id, subject, sender, ?2, '[]', ?3, 0, ?4, ?4, iif(filing = 'none', 'none', 'wanted')
                 FROM outbox WHERE id = ?1",
            )?
            .execute(params![id.0, json(&recipients)?, State::Noted.as_str(), now.0])?;
        match done {
            0 => Err(StoreError::NoSuchEntry(id)),
            _ => Ok(OutboxId(self.conn.last_insert_rowid())),
        }
    }

    /// An entry.
    ///
    /// # Errors
    /// [`StoreError::NoSuchEntry`], and what SQLite says.
    pub fn outgoing(&self, id: OutboxId) -> Result<Outgoing> {
        let sql = format!("SELECT {COLUMNS} FROM outbox WHERE id = ?1");
        let found = self.conn.prepare_cached(&sql)?.query_row([id.0], |row| Ok(outgoing(row))).optional()?;
        found.ok_or(StoreError::NoSuchEntry(id))?
    }

    /// The account's entries that are not done with, the oldest first.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn open_outbox(&self, account: AccountId) -> Result<Vec<Outgoing>> {
        outbox(self.conn, Some(account), false)
    }

    /// Lets something happen to an entry.
    ///
    /// # Errors
    /// [`StoreError::NoSuchEntry`], [`StoreError::InvalidTransition`], what SQLite says.
    pub fn step_outgoing(&mut self, id: OutboxId, event: Event, now: Timestamp) -> Result<State> {
        let was = self.outgoing(id)?;
        let mut intent =
            Intent { mark: Mark::new(0, 0), state: was.state, attempt: was.attempt, due: was.due };
        intent.apply(event)?;
        let ended = intent.state.is_final().then_some(now.0);
        self.conn
            .prepare_cached(
                "UPDATE outbox SET state = ?2, attempt = ?3, due_us = ?4, ended_us = coalesce(ended_us, ?5) WHERE id = ?1",
            )?
            .execute(params![id.0, intent.state.as_str(), intent.attempt, intent.due.0, ended])?;
        Ok(intent.state)
    }

    /// An entry that waits is due from then on.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn make_due(&mut self, id: OutboxId, at: Timestamp) -> Result<()> {
        self.conn.prepare_cached("UPDATE outbox SET due_us = ?2 WHERE id = ?1")?.execute([id.0, at.0])?;
        Ok(())
    }

    /// What is left of an entry after a try: to whom it is still to go, whom the server refused for good, what went wrong.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn set_outgoing(
        &mut self,
        id: OutboxId,
        recipients: &[String],
        refused: &[RefusedRecipient],
        reached: u64,
        error: Option<&str>,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE outbox SET recipients = ?2, refused = ?3, error = ?4, reached = ?5 WHERE id = ?1",
            )?
            .execute(params![id.0, json(&recipients)?, json(&refused)?, error, reached.cast_signed()])?;
        Ok(())
    }

    /// How far the copy in Sent is.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn set_filing(&mut self, id: OutboxId, filing: Filing, floor: Option<Floor>) -> Result<()> {
        let floor = floor.map(|floor| json(&floor)).transpose()?;
        self.conn
            .prepare_cached("UPDATE outbox SET filing = ?2, floor = coalesce(?3, floor) WHERE id = ?1")?
            .execute(params![id.0, filing.name(), floor])?;
        Ok(())
    }

    /// The message's bytes.
    ///
    /// # Errors
    /// [`StoreError::NoSuchEntry`], damage, and what SQLite says.
    pub fn outgoing_bytes(&self, id: OutboxId) -> Result<Vec<u8>> {
        let body: Option<i64> = self
            .conn
            .prepare_cached("SELECT body FROM outbox WHERE id = ?1")?
            .query_row([id.0], |row| row.get(0))
            .optional()?;
        let mut bytes = Vec::new();
        crate::body::write_to(self.conn, body.ok_or(StoreError::NoSuchEntry(id))?, &mut bytes)?;
        Ok(bytes)
    }

    /// By what the copy in Sent is known again. Servers write header fields of their own into what they file themselves, so that
    /// only the Message-ID is left.
    ///
    /// # Errors
    /// [`StoreError::NoSuchEntry`], and what SQLite says.
    pub fn outgoing_sought(&self, id: OutboxId, match_key: Option<MatchKey>) -> Result<Sought> {
        let mut statement = self.conn.prepare_cached(
            "SELECT o.message_id, b.hash FROM outbox o JOIN body b ON b.id = o.body WHERE o.id = ?1",
        )?;
        let found = statement.query_row([id.0], |row| {
            let (message_id, hash) = (Some(row.get(0)?), row.get(1)?);
            Ok(Sought { match_key, message_id, internal_date: None, hash })
        });
        found.optional()?.ok_or(StoreError::NoSuchEntry(id))
    }

    /// Erases entries that ended before that time, with the bytes that nothing else refers to.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn purge_outbox(&mut self, before: Timestamp) -> Result<()> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id, body FROM outbox WHERE ended_us IS NOT NULL AND ended_us < ?1
               AND (state <> 'done' OR filing IN ('none', 'filed'))",
        )?;
        let old: Vec<(i64, i64)> = statement
            .query_map([before.0], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        drop(statement);
        for (id, body) in old {
            self.conn.prepare_cached("DELETE FROM outbox WHERE id = ?1")?.execute([id])?;
            self.erase_body_unless_used(body)?;
        }
        Ok(())
    }
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::damaged(STORE_FILE, error.to_string()))
}

/// Reads [`COLUMNS`].
fn outgoing(row: &Row<'_>) -> Result<Outgoing> {
    let text = |at: usize| -> Result<String> { Ok(row.get(at)?) };
    let unreadable =
        |what: &str| StoreError::damaged(STORE_FILE, format!("`{what}` is no part of the outbox"));
    let (recipients, refused, state, filing) = (text(5)?, text(6)?, text(7)?, text(12)?);
    let floor: Option<String> = row.get(13)?;
    Ok(Outgoing {
        id: OutboxId(row.get(0)?),
        account: AccountId(row.get(1)?),
        message_id: row.get(2)?,
        subject: row.get(3)?,
        sender: row.get(4)?,
        recipients: serde_json::from_str(&recipients).map_err(|_| unreadable(&recipients))?,
        refused: serde_json::from_str(&refused).map_err(|_| unreadable(&refused))?,
        state: State::from_name(&state).ok_or_else(|| unreadable(&state))?,
        attempt: row.get(8)?,
        created: Timestamp(row.get(9)?),
        due: Timestamp(row.get(10)?),
        error: row.get(11)?,
        filing: Filing::from_name(&filing).ok_or_else(|| unreadable(&filing))?,
        reached: row.get::<_, i64>(14)?.cast_unsigned(),
        floor: floor.map(|text| serde_json::from_str(&text).map_err(|_| unreadable(&text))).transpose()?,
    })
}
