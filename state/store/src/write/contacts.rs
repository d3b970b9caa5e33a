//! Contacts and companies, written (F3).

use postrider_model::{CompanyId, ContactId, RecordId, Timestamp, Visibility};
use rusqlite::params;

use super::{Context, Tx, records::RecordChange};
use crate::{
    Result, StoreError,
    read::{
        ContactDoc, ContactMatch, Likeness, PlannedContact, StoredContact, TiedCompany, Viewer,
        companies_named, contact, contacts_like, emails_of, planned_contact,
    },
};

impl Tx<'_> {
    /// Adds a contact.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn add_contact(
        &mut self,
        owner: &str,
        visibility: &Visibility,
        doc: &ContactDoc,
        context: &Context,
    ) -> Result<ContactId> {
        let id = self.new_record("contact", owner, visibility, context)?;
        self.conn
            .prepare_cached(
                "INSERT INTO contact (id, uid, name, sort, words, type, company, doc, labels_us, content_us)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
            )?
            .execute(params![
                id.0,
                doc.uid,
                doc.name,
                doc.sort,
                doc.words,
                doc.kind,
                doc.company.map(|company| company.0),
                doc.card,
                context.at.0
            ])?;
        self.set_emails(ContactId(id.0), &doc.emails)?;
        Ok(ContactId(id.0))
    }

    /// A contact whole, be it deleted; `None` where there is none of that id.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn contact(&self, id: ContactId) -> Result<Option<StoredContact>> {
        contact(self.conn, id)
    }

    /// A contact as a run decides about it, be it deleted; `None` where there is none of that id.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn planned_contact(&self, id: ContactId) -> Result<Option<PlannedContact>> {
        planned_contact(self.conn, id)
    }

    /// What a contact says from now on. Answers whether that is anything else than before.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRecord`], what SQLite says.
    pub fn change_contact(&mut self, id: ContactId, doc: &ContactDoc, context: &Context) -> Result<bool> {
        self.take_contact(id, doc, context.at, false, context)
    }

    /// The same for what a person changed elsewhere: `changed` is when; its type and company are not what it says. `is_conflict`: what it said before is superseded by that.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRecord`], what SQLite says.
    pub fn take_contact(
        &mut self,
        id: ContactId,
        doc: &ContactDoc,
        changed: Timestamp,
        is_conflict: bool,
        context: &Context,
    ) -> Result<bool> {
        let was = self.live_record(id.into())?;
        let stored = self.contact(id)?.ok_or(StoreError::NoSuchRecord)?;
        if stored.doc == *doc {
            return Ok(false);
        }
        let snapshot = self.snapshot(&was)?;
        self.changing_since(&was, RecordChange::Changed, &snapshot, is_conflict, changed, context)?;
        self.conn
            .prepare_cached(
                "UPDATE contact SET uid = ?2, name = ?3, sort = ?4, words = ?5, type = ?6, company = ?7, doc = ?8,
                        content_us = iif(doc IS ?8, content_us, ?9)
                 WHERE id = ?1",
            )?
            .execute(params![
                id.0,
                doc.uid,
                doc.name,
                doc.sort,
                doc.words,
                doc.kind,
                doc.company.map(|company| company.0),
                doc.card,
                changed.0
            ])?;
        self.set_emails(id, &doc.emails)?;
        Ok(true)
    }

    /// When a person last changed what a contact says that came in just now.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn set_content_changed(&mut self, id: ContactId, at: Timestamp) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE contact SET content_us = ?2 WHERE id = ?1 AND content_us <> ?2")?
            .execute([id.0, at.0])?;
        Ok(())
    }

    fn set_emails(&mut self, id: ContactId, emails: &[String]) -> Result<()> {
        if emails_of(self.conn, id)? == emails {
            return Ok(());
        }
        self.conn.prepare_cached("DELETE FROM contact_email WHERE contact = ?1")?.execute([id.0])?;
        for email in emails {
            self.conn
                .prepare_cached("INSERT OR IGNORE INTO contact_email (contact, email) VALUES (?1, ?2)")?
                .execute(params![id.0, email])?;
        }
        Ok(())
    }

    /// Adds a company. `folded` is the form of its name that is compared.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn add_company(
        &mut self,
        owner: &str,
        visibility: &Visibility,
        name: &str,
        folded: &str,
        context: &Context,
    ) -> Result<CompanyId> {
        let id = self.new_record("company", owner, visibility, context)?;
        self.conn
            .prepare_cached("INSERT INTO company (id, name, folded) VALUES (?1, ?2, ?3)")?
            .execute(params![id.0, name, folded])?;
        Ok(CompanyId(id.0))
    }

    /// Gives a company another name. Answers whether it is another.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRecord`], what SQLite says.
    pub fn rename_company(
        &mut self,
        id: CompanyId,
        name: &str,
        folded: &str,
        context: &Context,
    ) -> Result<bool> {
        let was = self.live_record(id.into())?;
        let sql = "SELECT 1 FROM company WHERE id = ?1 AND name = ?2";
        if self.conn.prepare_cached(sql)?.exists(params![id.0, name])? {
            return Ok(false);
        }
        let snapshot = self.snapshot(&was)?;
        self.changing(&was, RecordChange::Changed, &snapshot, context)?;
        self.conn
            .prepare_cached("UPDATE company SET name = ?2, folded = ?3 WHERE id = ?1")?
            .execute(params![id.0, name, folded])?;
        Ok(true)
    }

    /// Contacts that are not deleted, that they see, and that have the uid of that one, one of its addresses, or its name.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn contacts_like(&self, viewer: &Viewer, like: &Likeness) -> Result<Vec<ContactMatch>> {
        contacts_like(self.conn, viewer, like)
    }

    /// The companies of that name, by the form that is compared, that are not deleted.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn companies_named(&self, folded: &str) -> Result<Vec<TiedCompany>> {
        companies_named(self.conn, folded)
    }

    /// Whether a record carries that tag or is in that group.
    pub(super) fn has_label(&self, record: RecordId, label: i64) -> Result<bool> {
        let sql = "SELECT 1 FROM record_label WHERE record = ?1 AND label = ?2";
        Ok(self.conn.prepare_cached(sql)?.exists([record.0, label])?)
    }
}
