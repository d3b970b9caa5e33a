//! The audit log: who did what through which account, and what was refused to whom (F7.7).
//!
//! Each row's `chain` is a hash over the row before's and all of this row's fields, so that a changed, missing, added or moved row
//! shows ([`Reader::verify_audit`](crate::Reader::verify_audit)). Only the oldest rows are ever taken away, and that is a row too.
//! What is committed goes to the journal as well: one line of `tracing` with the target `postrider::audit` for each row.
//!
//! Whoever can write the file can write it all anew. The journal's copy is what tells then.

use std::fmt;

use postrider_model::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::Tx;
use crate::Result;

/// The hash before the first row.
pub(crate) const NO_CHAIN: [u8; 32] = [0; 32];
/// What the row is called that says up to where the log was cut.
pub(crate) const EXPIRED: &str = "audit.expire";
/// Of whom the log says that the program did it by itself.
const ITSELF: &str = "postrider";
/// The oldest may be so much older than asked for: else each run would take a row away and write that down.
const SLACK_DAYS: i64 = 1;

/// What became of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It began. Where no end follows, the process died.
    Begun,
    /// It is done.
    Done,
    /// It was not allowed.
    Refused,
    /// It was tried and failed.
    Failed,
}

impl Outcome {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Begun, Self::Done, Self::Refused, Self::Failed];

    /// As it is stored and printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// The outcome of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One line of the log. No field ever holds a subject, a correspondent, a query or a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who called.
    pub actor: String,
    /// In whose name.
    pub user: String,
    /// Through which account; empty where it is about none.
    pub account: String,
    /// The operation, such as `mail.send`.
    pub what: String,
    /// What it was done to: ids and names.
    pub object: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it was refused or failed.
    pub detail: String,
}

impl AuditEntry {
    /// The hash of this entry as the row of that id, after the row with that hash. Texts carry their lengths, so that no two
    /// different rows are the same octets.
    pub(crate) fn chain(&self, id: i64, before: [u8; 32]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&before);
        hasher.update(&id.to_le_bytes());
        hasher.update(&self.at.0.to_le_bytes());
        let texts = [&self.actor, &self.user, &self.account, &self.what, &self.object, &self.detail];
        for text in texts.map(String::as_str).into_iter().chain([self.outcome.name()]) {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.finalize().into()
    }

    /// The journal's copy.
    pub(super) fn tell(&self) {
        tracing::info!(
            target: "postrider::audit",
            at_us = self.at.0,
            actor = self.actor,
            user = self.user,
            account = self.account,
            what = self.what,
            object = self.object,
            outcome = self.outcome.name(),
            detail = self.detail,
        );
    }
}

impl Tx<'_> {
    /// Adds a line to the log. It is there where this transaction is, and the journal hears of it once it is committed.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn audit(&mut self, entry: AuditEntry) -> Result<()> {
        let last = self.last_audit()?;
        // What SQLite draws next, unless an id higher than any that is there was used before.
        let id = self.used_audit_ids()?.max(last.map_or(0, |(id, _)| id)) + 1;
        let before = last.map_or(NO_CHAIN, |(_, chain)| chain);
        let chain = entry.chain(id, before);
        self.conn
            .prepare_cached(
                "INSERT INTO audit (id, at_us, actor, user, account, what, object, outcome, detail, before, chain)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                id,
                entry.at.0,
                entry.actor,
                entry.user,
                entry.account,
                entry.what,
                entry.object,
                entry.outcome.name(),
                entry.detail,
                before,
                chain
            ])?;
        self.audited.push(entry);
        Ok(())
    }

    /// Adds how an act ended that a line said had begun, in the name of whoever began it.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn audit_end(
        &mut self,
        at: Timestamp,
        what: &str,
        object: &str,
        outcome: Outcome,
        detail: &str,
    ) -> Result<()> {
        let begun: Option<(String, String, String)> = self
            .conn
            .prepare_cached(
                "SELECT actor, user, account FROM audit WHERE what = ?1 AND object = ?2 AND outcome = 'begun'
                 ORDER BY id DESC LIMIT 1",
            )?
            .query_row([what, object], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let (actor, user, account) =
            begun.unwrap_or_else(|| (ITSELF.to_owned(), String::new(), String::new()));
        let (what, object, detail) = (what.to_owned(), object.to_owned(), detail.to_owned());
        self.audit(AuditEntry { at, actor, user, account, what, object, outcome, detail })
    }

    /// Takes lines from before that time away, the oldest first and never the newest, and adds a line that says so. Nothing
    /// happens before the oldest is a day older than that. Answers how many went.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn expire_audit(&mut self, before: Timestamp, now: Timestamp) -> Result<u64> {
        let oldest: Option<i64> = self
            .conn
            .prepare_cached("SELECT at_us FROM audit ORDER BY id LIMIT 1")?
            .query_row([], |row| row.get(0))
            .optional()?;
        if oldest.is_none_or(|at| at >= before.minus_days(SLACK_DAYS).0) {
            return Ok(0);
        }
        // Lines stand in the order of their writing, and a clock may have been set back in between.
        let first_kept: i64 = self
            .conn
            .prepare_cached(
                "SELECT coalesce((SELECT min(id) FROM audit WHERE at_us >= ?1), (SELECT max(id) FROM audit))",
            )?
            .query_row([before.0], |row| row.get(0))?;
        let gone = self.conn.prepare_cached("DELETE FROM audit WHERE id < ?1")?.execute([first_kept])?;
        if gone > 0 {
            self.audit(AuditEntry {
                at: now,
                actor: ITSELF.to_owned(),
                user: String::new(),
                account: String::new(),
                what: EXPIRED.to_owned(),
                object: first_kept.to_string(),
                outcome: Outcome::Done,
                detail: format!("{gone} lines were past their time"),
            })?;
        }
        Ok(gone as u64)
    }

    fn last_audit(&self) -> Result<Option<(i64, [u8; 32])>> {
        let mut statement =
            self.conn.prepare_cached("SELECT id, chain FROM audit ORDER BY id DESC LIMIT 1")?;
        Ok(statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }

    /// The highest id that was ever used (AUTOINCREMENT, <https://www.sqlite.org/autoinc.html>).
    fn used_audit_ids(&self) -> Result<i64> {
        let mut statement =
            self.conn.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'audit'")?;
        Ok(statement.query_row([], |row| row.get(0)).optional()?.unwrap_or(0))
    }
}
