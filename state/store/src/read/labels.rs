//! Tags and groups, read.

use postrider_model::{LabelId, LabelKind, LabelScope, RecordId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Reader, Viewer, records::SEEN};
use crate::Result;

/// A tag or a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelRow {
    /// Its number.
    pub id: LabelId,
    /// What it is.
    pub kind: LabelKind,
    /// Whose it is.
    pub scope: LabelScope,
    /// Who made it.
    pub owner: String,
    /// Its name.
    pub name: String,
}

const LABEL: &str = "l.id, l.kind, l.scope, l.owner, l.name";

fn label_from(row: &Row<'_>) -> rusqlite::Result<LabelRow> {
    let (kind, scope): (String, String) = (row.get(1)?, row.get(2)?);
    Ok(LabelRow {
        id: LabelId(row.get(0)?),
        // The schema lets nothing else in.
        kind: LabelKind::ALL.into_iter().find(|one| one.name() == kind).unwrap_or(LabelKind::Tag),
        scope: LabelScope::ALL.into_iter().find(|one| one.name() == scope).unwrap_or_default(),
        owner: row.get(3)?,
        name: row.get(4)?,
    })
}

pub(crate) fn label(conn: &Connection, id: LabelId) -> Result<Option<LabelRow>> {
    let mut statement = conn.prepare_cached(&format!("SELECT {LABEL} FROM label l WHERE l.id = ?1"))?;
    Ok(statement.query_row([id.0], label_from).optional()?)
}

pub(crate) fn labels_of(conn: &Connection, record: RecordId) -> Result<Vec<LabelRow>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {LABEL} FROM record_label x JOIN label l ON l.id = x.label WHERE x.record = ?1
         ORDER BY l.kind, l.folded, l.scope, l.id"
    ))?;
    let labels = statement.query_map([record.0], label_from)?;
    Ok(labels.collect::<rusqlite::Result<_>>()?)
}

pub(crate) fn labels_named(
    conn: &Connection,
    kind: LabelKind,
    user: &str,
    folded: &str,
) -> Result<Vec<LabelRow>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {LABEL} FROM label l WHERE l.kind = ?1 AND l.folded = ?2 AND (l.scope <> 'personal' OR l.owner = ?3)
         ORDER BY l.id"
    ))?;
    let labels = statement.query_map(params![kind.name(), folded, user], label_from)?;
    Ok(labels.collect::<rusqlite::Result<_>>()?)
}

impl Reader {
    pub(super) fn labels_seen(&self, viewer: &Viewer, record: RecordId) -> Result<Vec<LabelRow>> {
        let mut labels = labels_of(&self.conn, record)?;
        labels.retain(|label| viewer.sees_label(label));
        Ok(labels)
    }

    /// Tags and groups that they see, each with how many records that they see carry it.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn labels(&self, viewer: &Viewer) -> Result<Vec<(LabelRow, u64)>> {
        self.noting(|| {
            let (user, seen) = viewer.parameters();
            let mut statement = self.conn.prepare_cached(&format!(
                "SELECT {LABEL}, (SELECT count(*) FROM record_label x JOIN record r ON r.id = x.record
                                  WHERE x.label = l.id AND r.deleted_us IS NULL AND {SEEN})
                 FROM label l WHERE ?1 IS NULL OR l.scope <> 'personal' OR l.owner = ?1
                 ORDER BY l.kind, l.folded, l.scope, l.id"
            ))?;
            let labels = statement.query_map(params![user, seen], |row| {
                let count: i64 = row.get(5)?;
                Ok((label_from(row)?, count.cast_unsigned()))
            })?;
            Ok(labels.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Those of that kind and name, by the form that is compared: at most one of each scope that `user` sees.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn labels_named(&self, kind: LabelKind, user: &str, folded: &str) -> Result<Vec<LabelRow>> {
        self.noting(|| labels_named(&self.conn, kind, user, folded))
    }
}
