//! Writes of items, noted before they are sent (I4): kept until it is known what became of them.

use postrider_journal::{Event, Intent, ItemOperation, Mark, State};
use postrider_model::{AccountId, ItemCollectionId, LinkId, RecordId, Timestamp};
use rusqlite::{Row, params};

use super::Tx;
use crate::{Result, StoreError, file::STORE_FILE};

/// A noted write of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemIntentRow {
    /// Its number; the order in which they were noted.
    pub id: i64,
    /// What it is about.
    pub about: About,
    /// What is to be done.
    pub operation: ItemOperation,
    /// How far it is.
    pub intent: Intent,
}

/// What a write is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// Of which account.
    pub account: AccountId,
    /// In which collection; `None` where that is to be made.
    pub collection: Option<ItemCollectionId>,
    /// Of which record.
    pub record: Option<RecordId>,
    /// Its link, where it has one.
    pub link: Option<LinkId>,
}

const COLUMNS: &str = "id, account, collection, record, link, payload, mark, state, attempt, due_us";

impl Tx<'_> {
    /// Notes a write; nothing of it is sent yet. One that is noted already is not noted a second time: the same operation on the same
    /// record or link, of whose sending nothing is known to have begun.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn add_item_intent(
        &mut self,
        about: About,
        operation: &ItemOperation,
        now: Timestamp,
    ) -> Result<i64> {
        let open = self.item_intents_of(about)?;
        if let Some(same) = open.iter().find(|row| row.operation.is_same(operation) && row.about == about) {
            return Ok(same.id);
        }
        let (next, mark) = self.next_mark()?;
        self.conn
            .prepare_cached(
                "INSERT INTO item_intent (id, account, collection, record, link, op, mark, state, due_us, payload)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                next,
                about.account.0,
                about.collection.map(|id| id.0),
                about.record.map(|id| id.0),
                about.link.map(|id| id.0),
                operation.name(),
                mark.to_string(),
                State::Noted.as_str(),
                now.0,
                payload(operation)?
            ])?;
        Ok(next)
    }

    fn item_intents_where(
        &self,
        condition: &str,
        values: impl rusqlite::Params,
    ) -> Result<Vec<ItemIntentRow>> {
        let sql = format!("SELECT {COLUMNS} FROM item_intent WHERE {condition} ORDER BY id");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query(values)?;
        let mut intents = Vec::new();
        while let Some(row) = rows.next()? {
            intents.push(intent(row)?);
        }
        Ok(intents)
    }

    /// The account's noted writes, in the order in which they were noted.
    ///
    /// # Errors
    /// What SQLite says, and [`StoreError::Damaged`] for what cannot be read.
    pub fn item_intents(&self, account: AccountId) -> Result<Vec<ItemIntentRow>> {
        self.item_intents_where("account = ?1", [account.0])
    }

    /// Whether the account has any noted write.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn has_item_intents(&self, account: AccountId) -> Result<bool> {
        Ok(self.conn.prepare_cached("SELECT 1 FROM item_intent WHERE account = ?1")?.exists([account.0])?)
    }

    /// One noted write; `None` where it has ended.
    ///
    /// # Errors
    /// What SQLite says, and [`StoreError::Damaged`] for what cannot be read.
    pub fn item_intent(&self, id: i64) -> Result<Option<ItemIntentRow>> {
        Ok(self.item_intents_where("id = ?1", [id])?.pop())
    }

    /// Those about the same record in the same account; of none, those about none.
    fn item_intents_of(&self, about: About) -> Result<Vec<ItemIntentRow>> {
        self.item_intents_where(
            "record IS ?1 AND account = ?2",
            params![about.record.map(|id| id.0), about.account.0],
        )
    }

    /// The writes of that record that are under way in that account.
    ///
    /// # Errors
    /// What SQLite says, and [`StoreError::Damaged`] for what cannot be read.
    pub fn item_intents_of_record(
        &self,
        account: AccountId,
        record: impl Into<RecordId>,
    ) -> Result<Vec<ItemIntentRow>> {
        self.item_intents_where("record = ?1 AND account = ?2", [record.into().0, account.0])
    }

    /// The write under that mark, where it has not ended.
    ///
    /// # Errors
    /// What SQLite says, and [`StoreError::Damaged`] for what cannot be read.
    pub fn item_intent_of_mark(&self, mark: Mark) -> Result<Option<ItemIntentRow>> {
        Ok(self.item_intents_where("mark = ?1", [mark.to_string()])?.pop())
    }

    /// Says what it is about anew, as it is sent.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn set_item_operation(&mut self, id: i64, operation: &ItemOperation) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE item_intent SET op = ?2, payload = ?3 WHERE id = ?1")?
            .execute(params![id, operation.name(), payload(operation)?])?;
        Ok(())
    }

    /// Lets something happen to a noted write; what has ended is erased.
    ///
    /// # Errors
    /// [`StoreError::NoSuchIntent`], [`StoreError::InvalidTransition`], what SQLite says.
    pub fn step_item_intent(&mut self, id: i64, event: Event) -> Result<State> {
        let mut row = self.item_intent(id)?.ok_or(StoreError::NoSuchIntent(id))?;
        let was = row.intent.clone();
        row.intent.apply(event)?;
        if row.intent.state.is_final() {
            self.conn.prepare_cached("DELETE FROM item_intent WHERE id = ?1")?.execute([id])?;
        } else if row.intent != was {
            let Intent { state, attempt, due, .. } = row.intent;
            self.conn
                .prepare_cached("UPDATE item_intent SET state = ?2, attempt = ?3, due_us = ?4 WHERE id = ?1")?
                .execute(params![id, state.as_str(), attempt, due.0])?;
        }
        Ok(row.intent.state)
    }

    /// What was noted of that link and not begun is not sent.
    pub(super) fn withdraw_item_intents(&mut self, link: LinkId) -> Result<()> {
        self.conn
            .prepare_cached("DELETE FROM item_intent WHERE link = ?1 AND state = 'noted'")?
            .execute([link.0])?;
        Ok(())
    }

    /// What was noted may have been sent by whoever went on with the original of this store.
    pub(super) fn doubt_item_intents(&mut self, account: AccountId, now: Timestamp) -> Result<()> {
        for row in self.item_intents(account)?.into_iter().filter(|row| row.intent.state == State::Noted) {
            self.step_item_intent(row.id, Event::Send)?;
            self.step_item_intent(row.id, Event::Lost { due: now })?;
        }
        Ok(())
    }

    /// Marks are drawn from that number on: the original of this store may have used those up to it.
    pub(super) fn skip_marks(&mut self, to: i64) -> Result<()> {
        let sql = "UPDATE sqlite_sequence SET seq = max(seq, ?1) WHERE name = 'item_intent'";
        if self.conn.execute(sql, [to])? == 0 {
            self.conn.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('item_intent', ?1)", [to])?;
        }
        Ok(())
    }
}

fn payload(operation: &ItemOperation) -> Result<String> {
    serde_json::to_string(operation).map_err(|error| StoreError::damaged(STORE_FILE, error.to_string()))
}

/// Reads [`COLUMNS`].
fn intent(row: &Row<'_>) -> Result<ItemIntentRow> {
    let unreadable =
        |what: &str| StoreError::damaged(STORE_FILE, format!("`{what}` is no part of an intent"));
    let (payload, mark, state): (String, String, String) = (row.get(5)?, row.get(6)?, row.get(7)?);
    Ok(ItemIntentRow {
        id: row.get(0)?,
        about: About {
            account: AccountId(row.get(1)?),
            collection: row.get::<_, Option<i64>>(2)?.map(ItemCollectionId),
            record: row.get::<_, Option<i64>>(3)?.map(RecordId),
            link: row.get::<_, Option<i64>>(4)?.map(LinkId),
        },
        operation: serde_json::from_str(&payload).map_err(|_| unreadable(&payload))?,
        intent: Intent {
            mark: mark.parse().map_err(|_| unreadable(&mark))?,
            state: State::from_name(&state).ok_or_else(|| unreadable(&state))?,
            attempt: row.get(8)?,
            due: Timestamp(row.get(9)?),
        },
    })
}
