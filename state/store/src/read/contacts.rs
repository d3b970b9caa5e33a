//! Contacts and companies, read.
//!
//! What somebody may not see is left out before anything is counted or cut (F7.4).

use postrider_model::{CompanyId, ContactId, LabelId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use super::{
    LabelRow, Reader, RecordRow, Viewer,
    labels::labels_of,
    records::{RECORD, SEEN, record_from},
};
use crate::Result;

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
    pub company: Option<TiedCompany>,
    /// Its tags and groups.
    pub labels: Vec<LabelRow>,
}

/// A contact as a run decides about it: without what is derived from the card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedContact {
    /// Whose it is, and since when it is as it is.
    pub record: RecordRow,
    /// The vCard.
    pub card: String,
    /// `employee`, `customer` or another word; empty for none.
    pub kind: String,
    /// When a person last changed what it says.
    pub content_changed: Timestamp,
    /// Its tags and groups.
    pub labels: Vec<LabelRow>,
}

/// By what a contact may be found to be one that is here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Likeness {
    /// Its uid.
    pub uid: Option<String>,
    /// By what listings are ordered.
    pub sort: String,
    /// Its addresses in lower case, sorted, each once.
    pub emails: Vec<String>,
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

/// A company as a contact that is tied to it knows it: nobody counts its contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TiedCompany {
    /// Its id.
    pub id: CompanyId,
    /// Its name.
    pub name: String,
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
        Some(company) => tied_company(conn, company)?.filter(|company| company.record.deleted.is_none()),
        None => None,
    };
    Ok(Some(StoredContact { record, doc, company, labels }))
}

pub(crate) fn planned_contact(conn: &Connection, id: ContactId) -> Result<Option<PlannedContact>> {
    let mut statement = conn.prepare_cached(PLANNED)?;
    let found = statement.query_row([id.0], |row| {
        Ok(PlannedContact {
            record: record_from(row, 0)?,
            card: row.get(9)?,
            kind: row.get(10)?,
            content_changed: Timestamp(row.get(11)?),
            labels: Vec::new(),
        })
    });
    let Some(mut found) = found.optional()? else { return Ok(None) };
    found.labels = labels_of(conn, found.record.id)?;
    Ok(Some(found))
}

const PLANNED: &str = "SELECT r.id, r.kind, r.owner, r.visibility, r.rev, r.created_us, r.changed_us, r.changed_by, r.deleted_us,
            c.doc, c.type, c.content_us
     FROM contact c JOIN record r ON r.id = c.id WHERE c.id = ?1";

fn company_from(row: &Row<'_>) -> rusqlite::Result<CompanyRow> {
    let contacts: i64 = row.get(2)?;
    Ok(CompanyRow {
        id: CompanyId(row.get(0)?),
        name: row.get(1)?,
        contacts: contacts.cast_unsigned(),
        record: record_from(row, 3)?,
    })
}

fn tied_from(row: &Row<'_>) -> rusqlite::Result<TiedCompany> {
    Ok(TiedCompany { id: CompanyId(row.get(0)?), name: row.get(1)?, record: record_from(row, 2)? })
}

fn tied_company(conn: &Connection, id: CompanyId) -> Result<Option<TiedCompany>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT f.id, f.name, {RECORD} FROM company f JOIN record r ON r.id = f.id WHERE f.id = ?1"
    ))?;
    Ok(statement.query_row([id.0], tied_from).optional()?)
}

/// Of more contacts that may be the same one none is.
const MOST_ALIKE: usize = 50;

/// Contacts that are not deleted, that they see, and that have the uid of that one, one of its addresses, or its name.
pub(crate) fn contacts_like(
    conn: &Connection,
    viewer: &Viewer,
    like: &Likeness,
) -> Result<Vec<ContactMatch>> {
    let (user, seen) = viewer.parameters();
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {RECORD}, c.uid, c.name FROM contact c JOIN record r ON r.id = c.id
         WHERE r.deleted_us IS NULL AND (c.uid = ?3 OR c.sort = ?5
               OR c.id IN (SELECT contact FROM contact_email WHERE email IN (SELECT value FROM json_each(?4))))
           AND {SEEN}
         ORDER BY c.uid IS ?3 DESC, r.owner IS ?1 DESC, c.id LIMIT {MOST_ALIKE}"
    ))?;
    let emails = serde_json::json!(like.emails).to_string();
    let mut rows = statement.query(params![user, seen, like.uid, emails, like.sort])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let record = record_from(row, 0)?;
        let id = ContactId(record.id.0);
        let (uid, name) = (row.get(9)?, row.get(10)?);
        found.push(ContactMatch { id, record, uid, name, emails: emails_of(conn, id)? });
    }
    Ok(found)
}

pub(crate) fn companies_named(conn: &Connection, folded: &str) -> Result<Vec<TiedCompany>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT f.id, f.name, {RECORD} FROM company f JOIN record r ON r.id = f.id
         WHERE f.folded = ?1 AND r.deleted_us IS NULL ORDER BY f.id"
    ))?;
    let companies = statement.query_map([folded], tied_from)?;
    Ok(companies.collect::<rusqlite::Result<_>>()?)
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
                "SELECT f.id, f.name,
                        (SELECT count(*) FROM contact c JOIN record r ON r.id = c.id
                         WHERE c.company = f.id AND r.deleted_us IS NULL AND {SEEN}), {RECORD} FROM company f JOIN record r ON r.id = f.id
                 WHERE {SEEN} AND (r.deleted_us IS NOT NULL) = ?3 ORDER BY f.folded, f.id"
            ))?;
            let companies = statement.query_map(params![user, seen, deleted], company_from)?;
            Ok(companies.collect::<rusqlite::Result<_>>()?)
        })
    }
}
