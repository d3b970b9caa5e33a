//! Writes that were noted before they are sent (I4): kept until it is known what became of them.

use postrider_journal::{Event, Intent, Mark, Operation, State};
use postrider_model::{AccountId, CollectionId, PlacementId, Timestamp};
use rusqlite::{OptionalExtension, Row, params};

use super::Tx;
use crate::{Result, StoreError, file::STORE_FILE};

/// A noted write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentRow {
    /// Its number; the order in which they were noted.
    pub id: i64,
    /// Of which account.
    pub account: AccountId,
    /// The message that it is about.
    pub placement: Option<PlacementId>,
    /// The folder of that message.
    pub collection: Option<CollectionId>,
    /// What is to be done.
    pub operation: Operation,
    /// How far it is.
    pub intent: Intent,
}

const COLUMNS: &str = "id, account, placement, collection, payload, mark, state, attempt, due_us";

impl Tx<'_> {
    /// Notes a write; nothing of it is sent yet.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn add_intent(
        &mut self,
        account: AccountId,
        placement: PlacementId,
        collection: CollectionId,
        operation: &Operation,
        now: Timestamp,
    ) -> Result<i64> {
        let (next, mark) = self.next_mark()?;
        self.conn
            .prepare_cached(
                "INSERT INTO intent (id, account, placement, collection, op, mark, state, due_us, payload)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                next,
                account.0,
                placement.0,
                collection.0,
                operation.name(),
                mark.to_string(),
                State::Noted.as_str(),
                now.0,
                payload(operation)?
            ])?;
        Ok(next)
    }

    /// The next number of a noted write, of mail or of items, and its mark.
    pub(super) fn next_mark(&self) -> Result<(i64, Mark)> {
        let next: i64 = self.conn.query_row(
            "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name IN ('intent', 'item_intent')",
            [],
            |row| row.get(0),
        )?;
        Ok((next, Mark::new(self.mark_of_store(), next.cast_unsigned())))
    }

    /// The half of the store's id that every mark carries.
    pub(super) fn mark_of_store(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.store_id;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    /// The account's noted writes, in the order in which they were noted.
    ///
    /// # Errors
    /// What SQLite says, and [`StoreError::Damaged`] for what cannot be read.
    pub fn intents(&self, account: AccountId) -> Result<Vec<IntentRow>> {
        let sql = format!("SELECT {COLUMNS} FROM intent WHERE account = ?1 ORDER BY id");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query([account.0])?;
        let mut intents = Vec::new();
        while let Some(row) = rows.next()? {
            intents.push(intent(row)?);
        }
        Ok(intents)
    }

    /// One noted write; `None` where it has ended.
    ///
    /// # Errors
    /// What SQLite says, and [`StoreError::Damaged`] for what cannot be read.
    pub fn intent(&self, id: i64) -> Result<Option<IntentRow>> {
        let sql = format!("SELECT {COLUMNS} FROM intent WHERE id = ?1");
        let found = self.conn.prepare_cached(&sql)?.query_row([id], |row| Ok(intent(row))).optional()?;
        found.transpose()
    }

    /// The note that puts that message into its folder, where there is one.
    pub(super) fn append_of(&self, placement: PlacementId) -> Result<Option<IntentRow>> {
        let sql = format!("SELECT {COLUMNS} FROM intent WHERE placement = ?1 AND op = 'append' ORDER BY id");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query([placement.0])?;
        rows.next()?.map(intent).transpose()
    }

    /// What was not sent yet is not to be put into its folder any more.
    pub(super) fn withdraw_append(&self, placement: PlacementId) -> Result<()> {
        self.conn
            .prepare_cached("DELETE FROM intent WHERE placement = ?1 AND op = 'append' AND state = 'noted'")?
            .execute([placement.0])?;
        Ok(())
    }

    /// Says what it is about anew: its floor, as it is sent; another folder, before it is.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn set_operation(&mut self, id: i64, operation: &Operation) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE intent SET op = ?2, payload = ?3 WHERE id = ?1")?
            .execute(params![id, operation.name(), payload(operation)?])?;
        Ok(())
    }

    /// Lets something happen to a noted write; what has ended is erased.
    ///
    /// # Errors
    /// [`StoreError::NoSuchIntent`], [`StoreError::InvalidTransition`], what SQLite says.
    pub fn step_intent(&mut self, id: i64, event: Event) -> Result<State> {
        let mut row = self.intent(id)?.ok_or(StoreError::NoSuchIntent(id))?;
        row.intent.apply(event)?;
        let Intent { state, attempt, due, .. } = row.intent;
        if state.is_final() {
            self.conn.prepare_cached("DELETE FROM intent WHERE id = ?1")?.execute([id])?;
        } else {
            self.conn
                .prepare_cached("UPDATE intent SET state = ?2, attempt = ?3, due_us = ?4 WHERE id = ?1")?
                .execute(params![id, state.as_str(), attempt, due.0])?;
        }
        Ok(state)
    }
}

fn payload(operation: &Operation) -> Result<String> {
    serde_json::to_string(operation).map_err(|error| StoreError::damaged(STORE_FILE, error.to_string()))
}

/// Reads [`COLUMNS`].
fn intent(row: &Row<'_>) -> Result<IntentRow> {
    let unreadable =
        |what: &str| StoreError::damaged(STORE_FILE, format!("`{what}` is no part of an intent"));
    let (payload, mark, state): (String, String, String) = (row.get(4)?, row.get(5)?, row.get(6)?);
    let (placement, collection): (Option<i64>, Option<i64>) = (row.get(2)?, row.get(3)?);
    Ok(IntentRow {
        id: row.get(0)?,
        account: AccountId(row.get(1)?),
        placement: placement.map(PlacementId),
        collection: collection.map(CollectionId),
        operation: serde_json::from_str(&payload).map_err(|_| unreadable(&payload))?,
        intent: Intent {
            mark: mark.parse().map_err(|_| unreadable(&mark))?,
            state: State::from_name(&state).ok_or_else(|| unreadable(&state))?,
            attempt: row.get(7)?,
            due: Timestamp(row.get(8)?),
        },
    })
}
