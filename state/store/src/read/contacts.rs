//! Contacts, companies, tags and groups, read; and what records were.
//!
//! What somebody may not see is left out before anything is counted or cut (F7.4).

use postrider_model::{
    CompanyId, ContactId, LabelId, LabelKind, LabelScope, RecordId, Timestamp, VersionId, Visibility,
};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use super::Reader;
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
    },
}

impl Viewer {
    /// Whether they see a record of that owner.
    pub fn sees(&self, owner: &str, visibility: &Visibility) -> bool {
        let Self::User { name, roles } = self else { return true };
        match visibility {
            _ if owner == name => true,
            Visibility::All => true,
            Visibility::Role(role) => roles.contains(role),
            Visibility::Private => false,
        }
    }

    /// Whether they see a tag or a group.
    fn sees_label(&self, label: &LabelRow) -> bool {
        match self {
            Self::Everything => true,
            Self::User { name, .. } => label.scope != LabelScope::Personal || label.owner == *name,
        }
    }

    /// Their name, NULL for everything; and the visibilities that they see of others' records, JSON.
    fn parameters(&self) -> (Option<&str>, String) {
        match self {
            Self::Everything => (None, "[]".to_owned()),
            Self::User { name, roles } => {
                let roles = roles.iter().map(|role| Visibility::Role(role.clone()).to_string());
                let seen: Vec<String> = roles.chain([Visibility::All.to_string()]).collect();
                (Some(name), serde_json::json!(seen).to_string())
            }
        }
    }
}

/// A condition on a record `r`, whose two values are [`Viewer::parameters`].
const SEEN: &str = "(?1 IS NULL OR r.owner = ?1 OR r.visibility IN (SELECT value FROM json_each(?2)))";

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

/// What a contact says: the card, and what is looked for in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContactDoc {
    /// The vCard.
    pub card: String,
    /// Its uid.
    pub uid: Option<String>,
    /// In one line.
    pub name: String,
    /// By what listings are ordered.
    pub sort: String,
    /// All that is looked for by words, folded, separated by blanks.
    pub words: String,
    /// `employee`, `customer` or another word; empty for none.
    pub kind: String,
    /// The company that it is tied to.
    pub company: Option<CompanyId>,
    /// Its addresses in lower case, sorted, each once.
    pub emails: Vec<String>,
}

/// A contact whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredContact {
    /// Whose it is, and since when it is as it is.
    pub record: RecordRow,
    /// What it says.
    pub doc: ContactDoc,
    /// The company that it is tied to, where that is there.
    pub company: Option<CompanyRow>,
    /// Its tags and groups.
    pub labels: Vec<LabelRow>,
}

/// A contact among those of which one may be the same as one that comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactMatch {
    /// Its id.
    pub id: ContactId,
    /// Whose it is.
    pub record: RecordRow,
    /// Its uid.
    pub uid: Option<String>,
    /// In one line.
    pub name: String,
    /// Its addresses, in lower case.
    pub emails: Vec<String>,
}

/// A line of a listing of contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactRow {
    /// Its id.
    pub id: ContactId,
    /// In one line.
    pub name: String,
    /// `employee`, `customer` or another word; empty for none.
    pub kind: String,
    /// Its addresses, in lower case.
    pub emails: Vec<String>,
    /// The name of its company.
    pub company: Option<String>,
    /// Its tags and groups.
    pub labels: Vec<LabelRow>,
    /// Whose it is, and since when it is as it is.
    pub record: RecordRow,
}

/// A company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompanyRow {
    /// Its id.
    pub id: CompanyId,
    /// Its name.
    pub name: String,
    /// How many contacts are tied to it that are not deleted.
    pub contacts: u64,
    /// Whose it is, and since when it is as it is.
    pub record: RecordRow,
}

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
    /// The record before, JSON.
    pub snapshot: String,
}

/// Which contacts are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactFilter {
    /// Who looks.
    pub viewer: Viewer,
    /// Only with all of these words, or words that begin so, folded.
    pub words: Vec<String>,
    /// Only with that address.
    pub email: Option<String>,
    /// Only with that tag, or in that group.
    pub label: Option<LabelId>,
    /// Only of that company.
    pub company: Option<CompanyId>,
    /// Only of that owner.
    pub owner: Option<String>,
    /// Only of that type.
    pub kind: Option<String>,
    /// What is deleted, in the place of what is there.
    pub deleted: bool,
    /// At most so many.
    pub limit: usize,
}

/// Columns of a record `r`, from that one on.
const RECORD: &str =
    "r.id, r.kind, r.owner, r.visibility, r.rev, r.created_us, r.changed_us, r.changed_by, r.deleted_us";

fn record_from(row: &Row<'_>, first: usize) -> rusqlite::Result<RecordRow> {
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

pub(crate) fn record(conn: &Connection, id: RecordId) -> Result<Option<RecordRow>> {
    let mut statement = conn.prepare_cached(&format!("SELECT {RECORD} FROM record r WHERE r.id = ?1"))?;
    Ok(statement.query_row([id.0], |row| record_from(row, 0)).optional()?)
}

pub(crate) fn emails_of(conn: &Connection, id: ContactId) -> Result<Vec<String>> {
    let mut statement =
        conn.prepare_cached("SELECT email FROM contact_email WHERE contact = ?1 ORDER BY email")?;
    let emails = statement.query_map([id.0], |row| row.get(0))?;
    Ok(emails.collect::<rusqlite::Result<_>>()?)
}

pub(crate) fn contact(conn: &Connection, id: ContactId) -> Result<Option<StoredContact>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {RECORD}, c.doc, c.uid, c.name, c.sort, c.words, c.type, c.company
         FROM contact c JOIN record r ON r.id = c.id WHERE c.id = ?1"
    ))?;
    let found = statement.query_row([id.0], |row| {
        let company: Option<i64> = row.get(15)?;
        let doc = ContactDoc {
            card: row.get(9)?,
            uid: row.get(10)?,
            name: row.get(11)?,
            sort: row.get(12)?,
            words: row.get(13)?,
            kind: row.get(14)?,
            company: company.map(CompanyId),
            emails: Vec::new(),
        };
        Ok((record_from(row, 0)?, doc))
    });
    let Some((record, mut doc)) = found.optional()? else { return Ok(None) };
    doc.emails = emails_of(conn, id)?;
    let labels = labels_of(conn, record.id)?;
    let company = match doc.company {
        Some(company) => company_row(conn, company)?.filter(|company| company.record.deleted.is_none()),
        None => None,
    };
    Ok(Some(StoredContact { record, doc, company, labels }))
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

fn labels_of(conn: &Connection, record: RecordId) -> Result<Vec<LabelRow>> {
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

const COMPANY: &str = "f.id, f.name,
    (SELECT count(*) FROM contact c JOIN record o ON o.id = c.id WHERE c.company = f.id AND o.deleted_us IS NULL)";

fn company_from(row: &Row<'_>) -> rusqlite::Result<CompanyRow> {
    let contacts: i64 = row.get(2)?;
    Ok(CompanyRow {
        id: CompanyId(row.get(0)?),
        name: row.get(1)?,
        contacts: contacts.cast_unsigned(),
        record: record_from(row, 3)?,
    })
}

fn company_row(conn: &Connection, id: CompanyId) -> Result<Option<CompanyRow>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COMPANY}, {RECORD} FROM company f JOIN record r ON r.id = f.id WHERE f.id = ?1"
    ))?;
    Ok(statement.query_row([id.0], company_from).optional()?)
}

/// Contacts that are not deleted and have the uid of that one, one of its addresses, or its name.
pub(crate) fn contacts_like(conn: &Connection, doc: &ContactDoc) -> Result<Vec<ContactMatch>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {RECORD}, c.uid, c.name FROM contact c JOIN record r ON r.id = c.id
         WHERE r.deleted_us IS NULL AND (c.uid = ?1 OR c.sort = ?3
               OR c.id IN (SELECT contact FROM contact_email WHERE email IN (SELECT value FROM json_each(?2))))
         ORDER BY c.id"
    ))?;
    let emails = serde_json::json!(doc.emails).to_string();
    let mut rows = statement.query(params![doc.uid, emails, doc.sort])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let record = record_from(row, 0)?;
        let id = ContactId(record.id.0);
        let (uid, name) = (row.get(9)?, row.get(10)?);
        found.push(ContactMatch { id, record, uid, name, emails: emails_of(conn, id)? });
    }
    Ok(found)
}

pub(crate) fn companies_named(conn: &Connection, folded: &str) -> Result<Vec<CompanyRow>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COMPANY}, {RECORD} FROM company f JOIN record r ON r.id = f.id
         WHERE f.folded = ?1 AND r.deleted_us IS NULL ORDER BY f.id"
    ))?;
    let companies = statement.query_map([folded], company_from)?;
    Ok(companies.collect::<rusqlite::Result<_>>()?)
}

const VERSION: &str = "v.id, v.rev, v.at_us, v.side, v.actor, v.what, v.why, v.is_conflict, v.snapshot";

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
        snapshot: row.get(8)?,
        record: record_from(row, 9)?,
    })
}

pub(crate) fn version(conn: &Connection, id: VersionId) -> Result<Option<Version>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {VERSION}, {RECORD} FROM version v JOIN record r ON r.id = v.record WHERE v.id = ?1"
    ))?;
    Ok(statement.query_row([id.0], version_from).optional()?)
}

impl Reader {
    /// Contacts, in the order of their names.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn contacts(&self, filter: &ContactFilter) -> Result<Vec<ContactRow>> {
        self.noting(|| {
            let (user, seen) = filter.viewer.parameters();
            let mut sql = format!(
                "SELECT {RECORD}, c.name, c.type,
                        (SELECT f.name FROM company f JOIN record r ON r.id = f.id
                         WHERE f.id = c.company AND r.deleted_us IS NULL AND {SEEN})
                 FROM contact c JOIN record r ON r.id = c.id
                 WHERE {SEEN} AND (r.deleted_us IS NOT NULL) = ?3"
            );
            let mut values: Vec<Box<dyn ToSql + '_>> =
                vec![Box::new(user), Box::new(seen), Box::new(filter.deleted)];
            let mut add = |condition: &str, value: Box<dyn ToSql>| {
                sql.push_str(" AND ");
                sql.push_str(condition);
                values.push(value);
            };
            for word in &filter.words {
                // A word holds letters and digits alone, so nothing in it is a pattern.
                add("' ' || c.words LIKE ?", Box::new(format!("% {word}%")));
            }
            if let Some(email) = &filter.email {
                let condition = "c.id IN (SELECT contact FROM contact_email WHERE email = ?)";
                add(condition, Box::new(email.to_lowercase()));
            }
            if let Some(label) = filter.label {
                add("c.id IN (SELECT record FROM record_label WHERE label = ?)", Box::new(label.0));
            }
            if let Some(company) = filter.company {
                add("c.company = ?", Box::new(company.0));
            }
            if let Some(owner) = &filter.owner {
                add("r.owner = ?", Box::new(owner.clone()));
            }
            if let Some(kind) = &filter.kind {
                add("c.type = ?", Box::new(kind.clone()));
            }
            let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
            sql.push_str(" ORDER BY c.sort, c.id LIMIT ?");
            values.push(Box::new(limit));
            let mut statement = self.conn.prepare_cached(&sql)?;
            let values: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
            let mut rows = statement.query(values.as_slice())?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let record = record_from(row, 0)?;
                let id = ContactId(record.id.0);
                found.push(ContactRow {
                    id,
                    name: row.get(9)?,
                    kind: row.get(10)?,
                    company: row.get(11)?,
                    emails: emails_of(&self.conn, id)?,
                    labels: self.labels_seen(&filter.viewer, record.id)?,
                    record,
                });
            }
            Ok(found)
        })
    }

    fn labels_seen(&self, viewer: &Viewer, record: RecordId) -> Result<Vec<LabelRow>> {
        let mut labels = labels_of(&self.conn, record)?;
        labels.retain(|label| viewer.sees_label(label));
        Ok(labels)
    }

    /// Contacts that they see, in the order of their ids, from after that one on: a page of an export.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn contact_page(
        &self,
        viewer: &Viewer,
        owner: Option<&str>,
        after: ContactId,
        limit: u32,
    ) -> Result<Vec<(ContactId, String)>> {
        self.noting(|| {
            let (user, seen) = viewer.parameters();
            let mut statement = self.conn.prepare_cached(&format!(
                "SELECT c.id, c.doc FROM contact c JOIN record r ON r.id = c.id
                 WHERE {SEEN} AND r.deleted_us IS NULL AND (?3 IS NULL OR r.owner = ?3) AND c.id > ?4
                 ORDER BY c.id LIMIT ?5"
            ))?;
            let rows = statement.query_map(params![user, seen, owner, after.0, limit], |row| {
                Ok((ContactId(row.get(0)?), row.get(1)?))
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// A contact whole, be it deleted, where they see it.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn contact(&self, viewer: &Viewer, id: ContactId) -> Result<Option<StoredContact>> {
        self.noting(|| {
            let sees = |record: &RecordRow| viewer.sees(&record.owner, &record.visibility);
            let found = contact(&self.conn, id)?.filter(|found| sees(&found.record));
            Ok(found.map(|mut found| {
                found.company = found.company.filter(|company| sees(&company.record));
                found.labels.retain(|label| viewer.sees_label(label));
                found
            }))
        })
    }

    /// Companies, in the order of their names: those that are there, or those that are deleted.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn companies(&self, viewer: &Viewer, deleted: bool) -> Result<Vec<CompanyRow>> {
        self.noting(|| {
            let (user, seen) = viewer.parameters();
            let mut statement = self.conn.prepare_cached(&format!(
                "SELECT {COMPANY}, {RECORD} FROM company f JOIN record r ON r.id = f.id
                 WHERE {SEEN} AND (r.deleted_us IS NOT NULL) = ?3 ORDER BY f.folded, f.id"
            ))?;
            let companies = statement.query_map(params![user, seen, deleted], company_from)?;
            Ok(companies.collect::<rusqlite::Result<_>>()?)
        })
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
            let mut statement = self.conn.prepare_cached(&format!(
                "SELECT {VERSION}, {RECORD} FROM version v JOIN record r ON r.id = v.record
                 WHERE {SEEN} AND (?3 IS NULL OR v.record = ?3) AND (?4 OR v.is_conflict = 1)
                 ORDER BY v.id DESC LIMIT ?5"
            ))?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let values = params![user, seen, of.map(|id| id.0), all, limit];
            let versions = statement.query_map(values, version_from)?;
            Ok(versions.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// What a record was, where they see the record.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn version(&self, viewer: &Viewer, id: VersionId) -> Result<Option<Version>> {
        self.noting(|| {
            let found = version(&self.conn, id)?;
            Ok(found.filter(|found| viewer.sees(&found.record.owner, &found.record.visibility)))
        })
    }

    /// A record of any kind, where they see it.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRecord`] where there is none that they see, what SQLite says.
    pub fn seen_record(&self, viewer: &Viewer, id: RecordId) -> Result<RecordRow> {
        self.noting(|| {
            let found = record(&self.conn, id)?.filter(|found| viewer.sees(&found.owner, &found.visibility));
            found.ok_or(StoreError::NoSuchRecord)
        })
    }
}
