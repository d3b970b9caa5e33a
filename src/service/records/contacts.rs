//! Contacts: listed, shown, added, edited, deleted, brought back (F3.1).

use postrider_formats::{vcard::Card, words::query_words};
use postrider_model::{CompanyId, Contact, ContactId, ErrorClass, Fault, LabelKind};
use postrider_store::{ContactFilter, ContactRow, StoreError, StoredContact, Tx};

use super::{ContactChanges, absent, card};
use crate::{
    access::{Act, Caller},
    service::Service,
};

/// Which contacts are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContactQuery {
    /// Words that are in it, or that words in it begin with; empty for all.
    pub words: String,
    /// Only with that address.
    pub email: Option<String>,
    /// Only with that tag.
    pub tag: Option<String>,
    /// Only in that group.
    pub group: Option<String>,
    /// Only of that company.
    pub company: Option<CompanyId>,
    /// Only of that type.
    pub kind: Option<String>,
    /// Only the caller's own.
    pub mine: bool,
    /// What was deleted and can be restored, in the place of what is there.
    pub deleted: bool,
    /// At most so many.
    pub limit: u32,
}

/// A contact to be added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewContact {
    /// What it says, its type, its company, and who sees it.
    pub fields: ContactChanges,
}

impl Service {
    /// Contacts that the caller sees, in the order of their names.
    ///
    /// # Errors
    /// A tag or a group that is not there.
    pub fn contacts(&self, caller: &Caller, query: &ContactQuery) -> Result<Vec<ContactRow>, Fault> {
        let label = match (&query.tag, &query.group) {
            (Some(_), Some(_)) => {
                return Err(Fault::new(
                    ErrorClass::Config,
                    "list contacts",
                    "both a tag and a group are named",
                ));
            }
            (Some(tag), None) => Some(self.label_named(caller, LabelKind::Tag, tag)?.id),
            (None, Some(group)) => Some(self.label_named(caller, LabelKind::Contacts, group)?.id),
            (None, None) => None,
        };
        if let Some(company) = query.company {
            self.seen(caller, "company", company)?;
        }
        let filter = ContactFilter {
            viewer: self.viewer(caller),
            words: query_words(&query.words),
            email: query.email.clone(),
            label,
            company: query.company,
            owner: query.mine.then(|| caller.user.clone()),
            kind: query.kind.clone(),
            deleted: query.deleted,
            limit: query.limit as usize,
        };
        let found = self.reader()?.contacts(&filter)?;
        self.note_record_look(caller, || format!("{} contacts", found.len()));
        Ok(found)
    }

    /// A contact whole, be it deleted.
    ///
    /// # Errors
    /// Where the caller sees none of that id.
    pub fn contact(&self, caller: &Caller, id: ContactId) -> Result<StoredContact, Fault> {
        let found = self.reader()?.contact(&self.viewer(caller), id)?;
        let found = found.ok_or_else(|| self.unseen(caller, "contact", id))?;
        self.note_record_look(caller, || id.to_string());
        Ok(found)
    }

    /// The addresses by which messages are tied to a contact (F2.3): those that it has now.
    ///
    /// # Errors
    /// Where the caller sees none of that id.
    pub(in crate::service) fn addresses_of(
        &self,
        caller: &Caller,
        id: ContactId,
    ) -> Result<Vec<String>, Fault> {
        Ok(self.contact(caller, id)?.doc.emails)
    }

    /// Adds a contact of the caller's.
    ///
    /// # Errors
    /// One that says nothing by which it could be known; a company or a role that is not there.
    pub fn add_contact(&mut self, caller: &Caller, new: &NewContact) -> Result<ContactId, Fault> {
        let uid = card::new_uid(&*self.world.entropy);
        let contact = new.fields.apply(&Contact { uid: Some(uid), ..Contact::default() });
        self.add_card(caller, &Card::new(&contact), &new.fields)
    }

    /// Adds a contact of the caller's that a vCard tells of.
    ///
    /// # Errors
    /// What is no vCard, or says nothing by which it could be known; a company or a role that is not there.
    pub fn add_contact_of(
        &mut self,
        caller: &Caller,
        text: &[u8],
        fields: &ContactChanges,
    ) -> Result<ContactId, Fault> {
        let read = Card::read(text);
        let card =
            read.map_err(|error| Fault::new(ErrorClass::Config, "read the vCard", error.to_string()))?;
        let contact = fields.apply(&card.contact());
        let card = card.with(&contact);
        self.add_card(caller, &card, fields)
    }

    fn add_card(
        &mut self,
        caller: &Caller,
        card: &Card,
        fields: &ContactChanges,
    ) -> Result<ContactId, Fault> {
        if card::shown_name(&card.contact()).is_empty() {
            return Err(Fault::new(
                ErrorClass::Config,
                "add the contact",
                "it has no name, no organisation, no address and no number",
            ));
        }
        let visibility = fields.visibility.clone().unwrap_or_default();
        self.may_show(caller, &visibility)?;
        let company = self.company_wanted(caller, fields)?;
        let kind = kind_of(fields, "")?;
        let organization = card.contact().organization.name;
        let (context, viewer) = (self.here(caller, "added"), self.viewer(caller));
        let line = self.line(caller, Act::AddRecord, "", "a contact");
        self.record_work(line, card.text().len(), |tx| {
            let company = match company {
                Some(company) => company,
                None => card::tie(tx, &viewer, &organization)?,
            };
            let doc = card::doc_of(card, kind, company);
            tx.add_contact(&caller.user, &visibility, &doc, &context)
        })
    }

    /// Changes what is named of a contact. With `rev`, only where it is still the one that it was at that number.
    ///
    /// # Errors
    /// Where the caller sees none of that id; a company or a role that is not there; a contact that somebody changed meanwhile; one that
    /// would say nothing by which it could be known.
    pub fn edit_contact(
        &mut self,
        caller: &Caller,
        id: ContactId,
        changes: &ContactChanges,
        rev: Option<u64>,
    ) -> Result<StoredContact, Fault> {
        let seen = self.seen(caller, "contact", id)?;
        if let Some(visibility) = &changes.visibility
            && *visibility != seen.visibility
        {
            self.own(caller, "contact", id)?;
            self.may_show(caller, visibility)?;
        }
        let company = self.company_wanted(caller, changes)?;
        let kind = match &changes.kind {
            Some(_) => Some(kind_of(changes, "")?),
            None => None,
        };
        let (context, viewer) = (self.here(caller, "edited"), self.viewer(caller));
        let line = self.line(caller, Act::ChangeRecord, "", &id.to_string());
        let edit = Edit { changes, rev, kind, company };
        let octets = self.contact(caller, id)?.doc.card.len();
        let (user, has_everything) = (caller.user.clone(), caller.has_everything());
        let done = self.tried_work(line, octets, |tx| {
            if !tx.sees(&viewer, id)? {
                return Err(StoreError::NoSuchRecord);
            }
            if let Err(cause) = edit.perform(tx, id, &viewer, &context)? {
                return Ok(Err(Fault::new(ErrorClass::Config, format!("edit contact {id}"), cause)));
            }
            if let Some(visibility) = &changes.visibility {
                let is_own = tx.record(id)?.is_some_and(|record| record.owner == user);
                if tx.show_to(id, visibility, &context)? && !is_own && !has_everything {
                    return Err(StoreError::NoSuchRecord);
                }
            }
            Ok(Ok(()))
        });
        found(done, id)?;
        self.contact(caller, id)
    }

    /// Deletes contacts of the caller's. They can be restored for `keep_deleted`.
    ///
    /// # Errors
    /// The first that the caller does not see, or that is another's. None is deleted then.
    pub fn delete_contacts(&mut self, caller: &Caller, ids: &[ContactId]) -> Result<(), Fault> {
        self.delete_records(caller, "contact", ids)
    }

    /// Brings deleted contacts of the caller's back.
    ///
    /// # Errors
    /// The first that the caller does not see, that is another's, or that is not deleted. None is restored then.
    pub fn restore_contacts(&mut self, caller: &Caller, ids: &[ContactId]) -> Result<(), Fault> {
        self.restore_records(caller, "contact", ids)
    }

    /// The company that changes name, which the caller sees. `None` where they name none.
    fn company_wanted(
        &self,
        caller: &Caller,
        changes: &ContactChanges,
    ) -> Result<Option<Option<CompanyId>>, Fault> {
        if let Some(Some(company)) = changes.company
            && self.seen(caller, "company", company)?.deleted.is_some()
        {
            return Err(absent("company", company));
        }
        Ok(changes.company)
    }
}

struct Edit<'a> {
    changes: &'a ContactChanges,
    rev: Option<u64>,
    kind: Option<String>,
    company: Option<Option<CompanyId>>,
}

impl Edit<'_> {
    /// Answers why not, in words, where it is refused.
    fn perform(
        &self,
        tx: &mut Tx<'_>,
        id: ContactId,
        viewer: &postrider_store::Viewer,
        context: &postrider_store::Context,
    ) -> Result<Result<(), String>, StoreError> {
        let stored = tx.contact(id)?.ok_or(StoreError::NoSuchRecord)?;
        if stored.record.deleted.is_some() {
            return Err(StoreError::NoSuchRecord);
        }
        let now = stored.record.rev;
        if self.rev.is_some_and(|rev| rev != now) {
            return Ok(Err(format!("somebody changed it meanwhile: its number is {now} now")));
        }
        // What the store keeps was read as a card when it came in.
        let Ok(card) = Card::read(stored.doc.card.as_bytes()) else {
            return Ok(Err("its vCard cannot be read".to_owned()));
        };
        let was = card.contact();
        let contact = self.changes.apply(&was);
        if card::shown_name(&contact).is_empty() {
            return Ok(Err("nothing would be left by which it could be known".to_owned()));
        }
        let organization = &contact.organization.name;
        let company = match self.company {
            Some(company) => company,
            None if *organization == was.organization.name => stored.doc.company,
            None => card::tie(tx, viewer, organization)?,
        };
        let kind = self.kind.clone().unwrap_or_else(|| stored.doc.kind.clone());
        let card = if contact == was { card } else { card.with(&contact) };
        tx.change_contact(id, &card::doc_of(&card, kind, company), context)?;
        Ok(Ok(()))
    }
}

/// What the changes say of the type, in lower case.
fn kind_of(changes: &ContactChanges, otherwise: &str) -> Result<String, Fault> {
    let kind = changes.kind.as_deref().unwrap_or(otherwise).trim().to_lowercase();
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    match kind.chars().count() <= 40 && kind.chars().all(fits) {
        true => Ok(kind),
        false => {
            Err(Fault::new(ErrorClass::Config, format!("take {kind:?} for a type"), "it is not one word")
                .hint("employee, customer, or another word of letters, digits and - _ ."))
        }
    }
}

/// A contact that went while it was looked at.
fn found<R>(done: Result<R, Fault>, id: ContactId) -> Result<R, Fault> {
    done.map_err(|fault| match fault.class {
        ErrorClass::NotFound => absent("contact", id),
        _ => fault,
    })
}
