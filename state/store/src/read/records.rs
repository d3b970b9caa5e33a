//! What records of any kind have in common, and what they were; who sees them (F7.4).

use postrider_model::{RecordId, Timestamp, VersionId, Visibility};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{LabelRow, Reader};
use crate::{Result, StoreError};

/// Who looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Viewer {
    /// Whoever has everything.
    Everything,
    /// A user, who sees their own, what is shown to their roles, and what is shown to all.
    User {
        /// The name.
        name: String,
        /// Their roles.
        roles: Vec<String>,
        /// Their addresses, in lower case: they see activities in which they take part.
        addresses: Vec<String>,
    },
}

impl Viewer {
    /// Whether they see a record of that owner.
    pub fn sees(&self, owner: &str, visibility: &Visibility) -> bool {
        let Self::User { name, roles, .. } = self else { return true };
        match visibility {
            _ if owner == name => true,
            Visibility::All => true,
            Visibility::Role(role) => roles.contains(role),
            Visibility::Private => false,
        }
    }

    /// Whether they see a tag or a group.
    pub(crate) fn sees_label(&self, label: &LabelRow) -> bool {
        match self {
            Self::Everything => true,
            Self::User { name, .. } => {
                label.scope != postrider_model::LabelScope::Personal || label.owner == *name
            }
        }
    }

    /// Their name, NULL for everything; and the visibilities that they see of others' records, and their addresses, JSON.
    pub(super) fn parameters(&self) -> (Option<&str>, String) {
        match self {
            Self::Everything => (None, "{}".to_owned()),
            Self::User { name, roles, addresses } => {
                let roles = roles.iter().map(|role| Visibility::Role(role.clone()).to_string());
                let seen: Vec<String> = roles.chain([Visibility::All.to_string()]).collect();
                (Some(name), serde_json::json!({ "seen": seen, "addresses": addresses }).to_string())
            }
        }
    }
}

/// A condition on a record `r`, whose two values are [`Viewer::parameters`].
pub(super) const SEEN: &str = "(?1 IS NULL OR r.owner = ?1 OR r.visibility IN (SELECT value FROM json_each(?2, '$.seen'))
    OR r.kind = 'activity' AND (
        EXISTS (SELECT 1 FROM activity i WHERE i.id = r.id AND i.organizer IN (SELECT value FROM json_each(?2, '$.addresses')))
        OR EXISTS (SELECT 1 FROM participant i
                   WHERE i.activity = r.id AND i.email IN (SELECT value FROM json_each(?2, '$.addresses')))
        OR EXISTS (SELECT 1 FROM activity_own i WHERE i.activity = r.id AND i.user = ?1 AND i.linked)))";

/// What a record of any kind has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRow {
    /// Its number.
    pub id: RecordId,
    /// `contact`, `company`, `activity`.
    pub kind: String,
    /// Whose it is.
    pub owner: String,
    /// Who sees it besides.
    pub visibility: Visibility,
    /// How often it changed, from 1.
    pub rev: u64,
    /// When it came to be.
    pub created: Timestamp,
    /// When a person last changed it.
    pub changed: Timestamp,
    /// Who.
    pub changed_by: String,
    /// Since when it is deleted.
    pub deleted: Option<Timestamp>,
}

/// What a record was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its id.
    pub id: VersionId,
    /// Of which record.
    pub record: RecordRow,
    /// The number that the record had then.
    pub rev: u64,
    /// When it was overwritten.
    pub at: Timestamp,
    /// Where: `server` or `here`.
    pub side: String,
    /// By whom.
    pub actor: String,
    /// What was done: `changed`, `shown`, `labelled`, `deleted`, `restored`.
    pub what: String,
    /// Why.
    pub why: String,
    /// It lost against a later change.
    pub is_conflict: bool,
    /// What it was called then.
    pub name: String,
}

/// Columns of a record `r`, from that one on.
pub(super) const RECORD: &str =
    "r.id, r.kind, r.owner, r.visibility, r.rev, r.created_us, r.changed_us, r.changed_by, r.deleted_us";

pub(super) fn record_from(row: &Row<'_>, first: usize) -> rusqlite::Result<RecordRow> {
    let (visibility, rev): (String, i64) = (row.get(first + 3)?, row.get(first + 4)?);
    let deleted: Option<i64> = row.get(first + 8)?;
    Ok(RecordRow {
        id: RecordId(row.get(first)?),
        kind: row.get(first + 1)?,
        owner: row.get(first + 2)?,
        // What cannot be read is seen by nobody else.
        visibility: visibility.parse().unwrap_or_default(),
        rev: rev.cast_unsigned(),
        created: Timestamp(row.get(first + 5)?),
        changed: Timestamp(row.get(first + 6)?),
        changed_by: row.get(first + 7)?,
        deleted: deleted.map(Timestamp),
    })
}

/// Whether there is a record of that id, be it deleted, that they see.
pub(crate) fn sees_record(conn: &Connection, viewer: &Viewer, id: RecordId) -> Result<bool> {
    let (user, seen) = viewer.parameters();
    let sql = format!("SELECT 1 FROM record r WHERE r.id = ?3 AND {SEEN}");
    Ok(conn.prepare_cached(&sql)?.exists(params![user, seen, id.0])?)
}

pub(crate) fn record(conn: &Connection, id: RecordId) -> Result<Option<RecordRow>> {
    let mut statement = conn.prepare_cached(&format!("SELECT {RECORD} FROM record r WHERE r.id = ?1"))?;
    Ok(statement.query_row([id.0], |row| record_from(row, 0)).optional()?)
}

const VERSION: &str = "v.id, v.rev, v.at_us, v.side, v.actor, v.what, v.why, v.is_conflict, v.name";

fn version_from(row: &Row<'_>) -> rusqlite::Result<Version> {
    let rev: i64 = row.get(1)?;
    Ok(Version {
        id: VersionId(row.get(0)?),
        rev: rev.cast_unsigned(),
        at: Timestamp(row.get(2)?),
        side: row.get(3)?,
        actor: row.get(4)?,
        what: row.get(5)?,
        why: row.get(6)?,
        is_conflict: row.get(7)?,
        name: row.get(8)?,
        record: record_from(row, 9)?,
    })
}

/// The record as it was, JSON.
pub(crate) fn snapshot(conn: &Connection, id: VersionId) -> Result<Option<String>> {
    let mut statement = conn.prepare_cached("SELECT snapshot FROM version WHERE id = ?1")?;
    Ok(statement.query_row([id.0], |row| row.get(0)).optional()?)
}

pub(crate) fn version(conn: &Connection, id: VersionId) -> Result<Option<Version>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {VERSION}, {RECORD} FROM version v JOIN record r ON r.id = v.record WHERE v.id = ?1"
    ))?;
    Ok(statement.query_row([id.0], version_from).optional()?)
}

impl Reader {
    /// What records were, newest first: those that lost against a later change, or all there are; of one record, or of all that they see.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn versions(
        &self,
        viewer: &Viewer,
        of: Option<RecordId>,
        all: bool,
        limit: usize,
    ) -> Result<Vec<Version>> {
        self.noting(|| {
            let (user, seen) = viewer.parameters();
            let condition = match (of, all) {
                (Some(_), true) => "v.record = ?3",
                (Some(_), false) => "v.record = ?3 AND v.is_conflict = 1",
                (None, true) => "?3 IS NULL",
                (None, false) => "?3 IS NULL AND v.is_conflict = 1",
            };
            let mut statement = self.conn.prepare_cached(&format!(
                "SELECT {VERSION}, {RECORD} FROM version v CROSS JOIN record r ON r.id = v.record
                 WHERE {condition} AND {SEEN} ORDER BY v.id DESC LIMIT ?4"
            ))?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let versions =
                statement.query_map(params![user, seen, of.map(|id| id.0), limit], version_from)?;
            Ok(versions.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// What a record was, where they see the record.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn version(&self, viewer: &Viewer, id: VersionId) -> Result<Option<Version>> {
        self.noting(|| match version(&self.conn, id)? {
            Some(found) if self.sees_record(viewer, found.record.id)? => Ok(Some(found)),
            _ => Ok(None),
        })
    }

    /// The record as it was, JSON. Whether they see it is asked of [`Reader::version`].
    ///
    /// # Errors
    /// What SQLite says.
    pub fn snapshot(&self, id: VersionId) -> Result<Option<String>> {
        self.noting(|| snapshot(&self.conn, id))
    }

    /// A record of any kind, where they see it.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRecord`] where there is none that they see, what SQLite says.
    pub fn seen_record(&self, viewer: &Viewer, id: RecordId) -> Result<RecordRow> {
        self.noting(|| match self.sees_record(viewer, id)? {
            true => record(&self.conn, id)?.ok_or(StoreError::NoSuchRecord),
            false => Err(StoreError::NoSuchRecord),
        })
    }

    pub(super) fn sees_record(&self, viewer: &Viewer, id: RecordId) -> Result<bool> {
        sees_record(&self.conn, viewer, id)
    }
}
