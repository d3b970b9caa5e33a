//! What contacts and companies have in common: whose they are, when they changed, what they were before (I1).

use postrider_model::{RecordId, Timestamp, VersionId, Visibility};
use rusqlite::{OptionalExtension, params};

use super::{Context, Tx};
use crate::{
    Result, StoreError,
    read::{RecordRow, Version, Viewer, labels_of, record, sees_record, version},
};

/// What was done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordChange {
    /// It says something else.
    Changed,
    /// Others see it, or do not.
    Shown,
    /// A tag or a group was put on it, or taken off.
    Labelled,
    /// It was deleted.
    Deleted,
    /// It was brought back.
    Restored,
}

impl RecordChange {
    /// Its name in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Shown => "shown",
            Self::Labelled => "labelled",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
        }
    }
}

impl Tx<'_> {
    /// A record; `None` where there is none of that id.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn record(&self, id: impl Into<RecordId>) -> Result<Option<RecordRow>> {
        record(self.conn, id.into())
    }

    /// Whether there is a record of that id, be it deleted, that they see.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn sees(&self, viewer: &Viewer, id: impl Into<RecordId>) -> Result<bool> {
        sees_record(self.conn, viewer, id.into())
    }

    /// What a record was.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn version(&self, id: VersionId) -> Result<Option<Version>> {
        version(self.conn, id)
    }

    pub(super) fn new_record(
        &mut self,
        kind: &str,
        owner: &str,
        visibility: &Visibility,
        context: &Context,
    ) -> Result<RecordId> {
        let stamp = self.next_stamp()?;
        self.conn
            .prepare_cached(
                "INSERT INTO record (kind, owner, visibility, rev, created_us, changed_us, changed_by, stamp)
                 VALUES (?1, ?2, ?3, 1, ?4, ?4, ?5, ?6)",
            )?
            .execute(params![kind, owner, visibility.to_string(), context.at.0, context.actor, stamp])?;
        Ok(RecordId(self.conn.last_insert_rowid()))
    }

    /// Notes what a record was, and that it changes now.
    pub(super) fn changing(
        &mut self,
        was: &RecordRow,
        change: RecordChange,
        snapshot: &str,
        context: &Context,
    ) -> Result<()> {
        self.changing_since(was, change, snapshot, false, context.at, context)
    }

    /// The same for a change that was made at another time than now, and may be the later one of two that contradict each other.
    pub(super) fn changing_since(
        &mut self,
        was: &RecordRow,
        change: RecordChange,
        snapshot: &str,
        is_conflict: bool,
        changed: Timestamp,
        context: &Context,
    ) -> Result<()> {
        self.note_version(was, change, snapshot, is_conflict, context)?;
        let stamp = self.next_stamp()?;
        self.conn
            .prepare_cached(
                "UPDATE record SET rev = rev + 1, changed_us = ?2, changed_by = ?3, stamp = ?4 WHERE id = ?1",
            )?
            .execute(params![was.id.0, changed.0, context.actor, stamp])?;
        Ok(())
    }

    pub(super) fn next_stamp(&mut self) -> Result<i64> {
        let sql = "UPDATE meta SET stamp = stamp + 1 RETURNING stamp";
        Ok(self.conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
    }

    /// Keeps what a record would have been by a change that a later one superseded: the record stays as it is. `doc` is what it would
    /// have said, `changed` when a person changed it so, `by` who.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRecord`], what SQLite says.
    pub fn note_superseded(
        &mut self,
        id: impl Into<RecordId>,
        doc: &str,
        changed: Option<Timestamp>,
        by: &str,
        context: &Context,
    ) -> Result<()> {
        let was = self.record(id)?.ok_or(StoreError::NoSuchRecord)?;
        let snapshot = self.snapshot(&was)?;
        let mut value: serde_json::Value = serde_json::from_str(&snapshot)
            .map_err(|error| StoreError::damaged(crate::file::STORE_FILE, error.to_string()))?;
        if let Some(object) = value.as_object_mut() {
            object.insert("doc".to_owned(), doc.into());
            object.insert("changed_us".to_owned(), changed.map(|at| at.0).into());
            object.insert("changed_by".to_owned(), by.into());
        }
        self.note_version(&was, RecordChange::Changed, &value.to_string(), true, context)
    }

    pub(super) fn note_version(
        &mut self,
        was: &RecordRow,
        change: RecordChange,
        snapshot: &str,
        is_conflict: bool,
        context: &Context,
    ) -> Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO version (record, rev, at_us, run, side, actor, what, why, is_conflict, snapshot, name)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,
                         coalesce((SELECT name FROM contact WHERE id = ?1), (SELECT name FROM company WHERE id = ?1),
                                  (SELECT title FROM activity WHERE id = ?1), ''))",
            )?
            .execute(params![
                was.id.0,
                was.rev.cast_signed(),
                context.at.0,
                context.run.map(|run| run.to_string()),
                context.side.name(),
                context.actor,
                change.name(),
                context.why,
                is_conflict,
                snapshot
            ])?;
        Ok(())
    }

    /// Who sees it from now on. Answers whether that is another.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRecord`], what SQLite says.
    pub fn show_to(
        &mut self,
        id: impl Into<RecordId>,
        visibility: &Visibility,
        context: &Context,
    ) -> Result<bool> {
        let was = self.live_record(id.into())?;
        if was.visibility == *visibility {
            return Ok(false);
        }
        let snapshot = self.snapshot(&was)?;
        self.changing(&was, RecordChange::Shown, &snapshot, context)?;
        // A time that differs from its series is seen as the series is.
        self.conn
            .prepare_cached(
                "UPDATE record SET visibility = ?2 WHERE id = ?1 OR id IN (SELECT id FROM activity WHERE master = ?1)",
            )?
            .execute(params![was.id.0, visibility.to_string()])?;
        Ok(true)
    }

    /// Whose it is from now on, with the times that differ from a series.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRecord`], what SQLite says.
    pub fn set_owner(&mut self, id: impl Into<RecordId>, owner: &str, context: &Context) -> Result<()> {
        let was = self.live_record(id.into())?;
        let snapshot = self.snapshot(&was)?;
        self.changing(&was, RecordChange::Changed, &snapshot, context)?;
        self.conn
            .prepare_cached(
                "UPDATE record SET owner = ?2 WHERE id = ?1 OR id IN (SELECT id FROM activity WHERE master = ?1)",
            )?
            .execute(params![was.id.0, owner])?;
        Ok(())
    }

    /// Deletes it: it stays as a tombstone, restorable until its time is over.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRecord`], also where it is deleted already; what SQLite says.
    pub fn delete_record(&mut self, id: impl Into<RecordId>, context: &Context) -> Result<()> {
        let was = self.live_record(id.into())?;
        for differing in self.hanging_on(&was)? {
            if differing.deleted.is_none() {
                self.set_deleted(&differing, Some(context.at), RecordChange::Deleted, context)?;
            }
        }
        self.set_deleted(&was, Some(context.at), RecordChange::Deleted, context)
    }

    /// The times that differ from a series: they go with it, and come back with it.
    fn hanging_on(&self, record: &RecordRow) -> Result<Vec<RecordRow>> {
        let ids: Vec<i64> = self
            .conn
            .prepare_cached("SELECT id FROM activity WHERE master = ?1 ORDER BY id")?
            .query_map([record.id.0], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let mut records = Vec::new();
        for id in ids {
            records.extend(self.record(RecordId(id))?);
        }
        Ok(records)
    }

    /// Brings a deleted record back.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRecord`], [`StoreError::RecordNotDeleted`], what SQLite says.
    pub fn restore_record(&mut self, id: impl Into<RecordId>, context: &Context) -> Result<()> {
        let id = id.into();
        let was = self.record(id)?.ok_or(StoreError::NoSuchRecord)?;
        if was.deleted.is_none() {
            return Err(StoreError::RecordNotDeleted);
        }
        for differing in self.hanging_on(&was)? {
            if differing.deleted == was.deleted {
                self.set_deleted(&differing, None, RecordChange::Restored, context)?;
            }
        }
        self.set_deleted(&was, None, RecordChange::Restored, context)
    }

    fn set_deleted(
        &mut self,
        was: &RecordRow,
        deleted: Option<Timestamp>,
        change: RecordChange,
        context: &Context,
    ) -> Result<()> {
        let snapshot = self.snapshot(was)?;
        self.changing(was, change, &snapshot, context)?;
        self.conn
            .prepare_cached("UPDATE record SET deleted_us = ?2 WHERE id = ?1")?
            .execute(params![was.id.0, deleted.map(|at| at.0)])?;
        Ok(())
    }

    pub(super) fn live_record(&self, id: RecordId) -> Result<RecordRow> {
        self.record(id)?.filter(|record| record.deleted.is_none()).ok_or(StoreError::NoSuchRecord)
    }

    /// All of a record as it is, JSON: what a version keeps of it.
    pub(super) fn snapshot(&self, record: &RecordRow) -> Result<String> {
        let labels = labels_of(self.conn, record.id)?.into_iter().map(|label| {
            serde_json::json!({
                "id": label.id.0,
                "kind": label.kind.name(),
                "scope": label.scope.name(),
                "owner": label.owner,
                "name": label.name,
            })
        });
        let labels: Vec<serde_json::Value> = labels.collect();
        let contact: Option<(String, String, Option<i64>)> = self
            .conn
            .prepare_cached("SELECT doc, type, company FROM contact WHERE id = ?1")?
            .query_row([record.id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let company: Option<String> = self
            .conn
            .prepare_cached("SELECT name FROM company WHERE id = ?1")?
            .query_row([record.id.0], |row| row.get(0))
            .optional()?;
        let activity: Option<(String, bool)> = self
            .conn
            .prepare_cached("SELECT doc, in_schedule FROM activity WHERE id = ?1")?
            .query_row([record.id.0], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let mut value = serde_json::json!({
            "owner": record.owner,
            "visibility": record.visibility.to_string(),
            "changed_us": record.changed.0,
            "changed_by": record.changed_by,
            "deleted_us": record.deleted.map(|at| at.0),
            "labels": labels,
        });
        if let Some(object) = value.as_object_mut() {
            if let Some((doc, kind, company)) = contact {
                object.insert("doc".to_owned(), doc.into());
                object.insert("type".to_owned(), kind.into());
                object.insert("company".to_owned(), company.into());
            }
            if let Some(name) = company {
                object.insert("name".to_owned(), name.into());
            }
            if let Some((doc, in_schedule)) = activity {
                object.insert("doc".to_owned(), doc.into());
                object.insert("in_schedule".to_owned(), in_schedule.into());
                object.insert("own".to_owned(), self.owns(record.id)?);
            }
        }
        Ok(value.to_string())
    }

    /// What each user has of an activity, JSON.
    fn owns(&self, record: RecordId) -> Result<serde_json::Value> {
        let mut statement = self.conn.prepare_cached(
            "SELECT user, response, reminders, show_as, categories, hidden FROM activity_own
             WHERE activity = ?1 ORDER BY user",
        )?;
        let owns = statement.query_map([record.0], |row| {
            let (response, hidden): (Option<String>, bool) = (row.get(1)?, row.get(5)?);
            Ok(serde_json::json!({
                "user": row.get::<_, String>(0)?,
                "response": response,
                "reminders": row.get::<_, String>(2)?,
                "show_as": row.get::<_, String>(3)?,
                "categories": row.get::<_, String>(4)?,
                "hidden": hidden,
            }))
        })?;
        Ok(owns.collect::<rusqlite::Result<Vec<_>>>()?.into())
    }

    /// Erases records that were deleted before that time and of which no server is still to be told, and what records were before that time, at
    /// most `most` of each. Answers how many of the more frequent kind.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn purge_records(&mut self, before: Timestamp, most: u32) -> Result<u64> {
        let ids: Vec<i64> = self
            .conn
            .prepare_cached(
                "SELECT r.id FROM record r LEFT JOIN activity a ON a.id = r.id
                 WHERE r.deleted_us < ?1
                   AND NOT EXISTS (SELECT 1 FROM link l JOIN item_collection c ON c.id = l.collection
                                   WHERE l.record = r.id AND l.left_side IS NULL AND c.gone_us IS NULL)
                   AND NOT EXISTS (SELECT 1 FROM item_intent i WHERE i.record = r.id)
                 ORDER BY a.master IS NULL, r.deleted_us, r.id LIMIT ?2",
            )?
            .query_map([before.0, i64::from(most)], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for id in &ids {
            for sql in [
                // That an item left is remembered longer than what it was: else it would come back with the next whole listing.
                "DELETE FROM link WHERE record = ?1 AND left_side IS NULL",
                "UPDATE link SET record = NULL, image = '', agreed = '' WHERE record = ?1",
                "UPDATE contact SET company = NULL WHERE company = ?1",
                "DELETE FROM version WHERE record = ?1",
                "DELETE FROM record_label WHERE record = ?1",
                "UPDATE activity SET master = NULL WHERE master = ?1",
                "DELETE FROM activity_own WHERE activity = ?1",
                "DELETE FROM participant WHERE activity = ?1",
                "DELETE FROM activity WHERE id = ?1",
                "DELETE FROM contact_email WHERE contact = ?1",
                "DELETE FROM contact WHERE id = ?1",
                "DELETE FROM company WHERE id = ?1",
                "DELETE FROM record WHERE id = ?1",
            ] {
                self.conn.prepare_cached(sql)?.execute([id])?;
            }
        }
        let versions = self
            .conn
            .prepare_cached(
                "DELETE FROM version WHERE id IN (SELECT id FROM version WHERE at_us < ?1 ORDER BY at_us LIMIT ?2)",
            )?
            .execute(params![before.0, most])?;
        Ok((ids.len().max(versions)) as u64)
    }
}
