//! Tags and groups, written.

use postrider_model::{LabelId, LabelKind, LabelScope, RecordId};
use rusqlite::{ErrorCode, params};

use super::{Context, Tx, records::RecordChange};
use crate::{
    Result, StoreError,
    read::{LabelRow, label, labels_named},
};

/// A tag or a group to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewLabel<'a> {
    /// What it is.
    pub kind: LabelKind,
    /// Whose it is.
    pub scope: LabelScope,
    /// Who makes it.
    pub owner: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The form of its name that is compared.
    pub folded: &'a str,
}

impl Tx<'_> {
    /// Makes a tag or a group.
    ///
    /// # Errors
    /// [`StoreError::LabelThere`] where there is one of that name, what SQLite says.
    pub fn add_label(&mut self, new: &NewLabel<'_>) -> Result<LabelId> {
        let done = self
            .conn
            .prepare_cached(
                "INSERT INTO label (kind, scope, owner, name, folded) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![new.kind.name(), new.scope.name(), new.owner, new.name, new.folded]);
        taken(done, new.name)?;
        Ok(LabelId(self.conn.last_insert_rowid()))
    }

    /// A tag or a group; `None` where there is none of that id.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn label(&self, id: LabelId) -> Result<Option<LabelRow>> {
        label(self.conn, id)
    }

    /// Those of that kind and name, by the form that is compared: at most one of each scope that `user` sees.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn labels_named(&self, kind: LabelKind, user: &str, folded: &str) -> Result<Vec<LabelRow>> {
        labels_named(self.conn, kind, user, folded)
    }

    /// The tags and groups of a record.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn labels_on(&self, record: impl Into<RecordId>) -> Result<Vec<LabelId>> {
        let mut statement =
            self.conn.prepare_cached("SELECT label FROM record_label WHERE record = ?1 ORDER BY label")?;
        let labels = statement.query_map([record.into().0], |row| row.get(0).map(LabelId))?;
        Ok(labels.collect::<rusqlite::Result<_>>()?)
    }

    /// Gives it another name.
    ///
    /// # Errors
    /// [`StoreError::LabelThere`] where there is one of that name, what SQLite says.
    pub fn rename_label(&mut self, id: LabelId, name: &str, folded: &str) -> Result<()> {
        let done = self
            .conn
            .prepare_cached("UPDATE label SET name = ?2, folded = ?3 WHERE id = ?1")?
            .execute(params![id.0, name, folded]);
        taken(done, name)
    }

    /// Takes it off everything, and away. Answers off how many records it was taken.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn remove_label(&mut self, id: LabelId, context: &Context) -> Result<u64> {
        let records: Vec<i64> = self
            .conn
            .prepare_cached("SELECT record FROM record_label WHERE label = ?1 ORDER BY record")?
            .query_map([id.0], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for record in &records {
            self.put_label(RecordId(*record), id, false, context)?;
        }
        self.conn.prepare_cached("DELETE FROM label WHERE id = ?1")?.execute([id.0])?;
        Ok(records.len() as u64)
    }

    /// Puts a tag on a record or takes it off; into a group, or out of it. Answers whether it was another way before.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRecord`], what SQLite says.
    pub fn put_label(
        &mut self,
        record: impl Into<RecordId>,
        label: LabelId,
        on: bool,
        context: &Context,
    ) -> Result<bool> {
        let record = record.into();
        let was = self.record(record)?.ok_or(StoreError::NoSuchRecord)?;
        if self.has_label(record, label.0)? == on {
            return Ok(false);
        }
        let snapshot = self.snapshot(&was)?;
        self.changing(&was, RecordChange::Labelled, &snapshot, context)?;
        let sql = match on {
            true => "INSERT INTO record_label (record, label) VALUES (?1, ?2)",
            false => "DELETE FROM record_label WHERE record = ?1 AND label = ?2",
        };
        self.conn.prepare_cached(sql)?.execute([record.0, label.0])?;
        for sql in [
            "UPDATE contact SET labels_us = ?2 WHERE id = ?1",
            "UPDATE activity SET labels_us = ?2 WHERE id = ?1",
        ] {
            self.conn.prepare_cached(sql)?.execute([record.0, context.at.0])?;
        }
        Ok(true)
    }
}

fn taken(done: rusqlite::Result<usize>, name: &str) -> Result<()> {
    match done {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            Err(StoreError::LabelThere(name.to_owned()))
        }
        other => other.map(drop).map_err(StoreError::from),
    }
}
