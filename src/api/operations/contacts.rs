//! Contacts: listed, shown, added, edited, deleted, brought back, imported, exported.

use postrider_formats::vcard::{Card as Vcard, Version};
use postrider_model::{ErrorClass, Fault};
use postrider_store::{ContactRow, LabelRow, RecordRow, StoredContact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::contact_fields::{Beside, ContactFields, changes};
use crate::{
    api::{
        Base64, CompanyId, ContactId, Instant, Method, Octets, Operation,
        fields::{whole, whole_or_null},
    },
    service::{Caller, ContactQuery, NewContact, Service},
};

/// A contact, as a listing has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// In one line.
    pub name: String,
    /// `employee`, `customer` or another word; empty for none.
    pub kind: String,
    /// Its mail addresses, in lower case.
    pub emails: Vec<String>,
    /// The name of the company that it is tied to.
    pub company: Option<String>,
    /// Its tags.
    pub tags: Vec<Label>,
    /// The groups that it is in.
    pub groups: Vec<String>,
    /// Whose it is.
    pub owner: String,
    /// Who sees it besides: `private`, `all`, or `role:NAME`.
    pub visibility: String,
    /// How often it changed, from 1.
    #[serde(deserialize_with = "whole")]
    pub rev: u64,
    /// When a person last changed it.
    pub changed: Option<Instant>,
    /// Since when it is deleted here.
    pub deleted: Option<Instant>,
}

/// A tag on a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "TagOn")]
pub struct Label {
    /// Its name.
    pub name: String,
    /// `personal`, `corporate` or `public`.
    pub scope: String,
}

struct Seen {
    id: postrider_model::ContactId,
    name: String,
    kind: String,
    emails: Vec<String>,
    company: Option<String>,
    labels: Vec<LabelRow>,
    record: RecordRow,
}

impl From<Seen> for Contact {
    fn from(seen: Seen) -> Self {
        let (tags, groups): (Vec<LabelRow>, Vec<LabelRow>) =
            seen.labels.into_iter().partition(|label| label.kind == postrider_model::LabelKind::Tag);
        Self {
            id: seen.id.into(),
            name: seen.name,
            kind: seen.kind,
            emails: seen.emails,
            company: seen.company,
            tags: tags
                .into_iter()
                .map(|tag| Label { name: tag.name, scope: tag.scope.name().to_owned() })
                .collect(),
            groups: groups.into_iter().map(|group| group.name).collect(),
            owner: seen.record.owner,
            visibility: seen.record.visibility.to_string(),
            rev: seen.record.rev,
            changed: Instant::of(seen.record.changed),
            deleted: seen.record.deleted.and_then(Instant::of),
        }
    }
}

impl From<ContactRow> for Contact {
    fn from(row: ContactRow) -> Self {
        let ContactRow { id, name, kind, emails, company, labels, record } = row;
        Seen { id, name, kind, emails, company, labels, record }.into()
    }
}

/// Contacts, in the order of their names.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Words that are in it, or that words in it begin with; empty for all.
    #[serde(default)]
    pub query: String,
    /// Only with that mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Only with that tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Only in that group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Only of that company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<CompanyId>,
    /// Only of that type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Only the own ones.
    #[serde(default)]
    pub mine: bool,
    /// Those that were deleted here and can be restored, instead of those that are there.
    #[serde(default)]
    pub deleted: bool,
    /// At most so many.
    #[serde(default = "hundred")]
    pub limit: u32,
}

pub(super) const fn hundred() -> u32 {
    100
}

impl Operation for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/contacts";
    const SUMMARY: &'static str = "List or search contacts, in the order of their names";
    type Answer = Vec<Contact>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<Contact>, Fault> {
        let query = ContactQuery {
            words: self.query,
            email: self.email,
            tag: self.tag,
            group: self.group,
            company: self.company.map(|company| company.0),
            kind: self.kind,
            mine: self.mine,
            deleted: self.deleted,
            limit: self.limit,
        };
        Ok(service.contacts(caller, &query)?.into_iter().map(Contact::from).collect())
    }
}

/// All that is known of a contact.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ContactDetails {
    /// What a listing has of it.
    pub contact: Contact,
    /// The company that it is tied to.
    pub company: Option<CompanyId>,
    /// What its card says.
    pub fields: ContactFields,
    /// Whether it has a picture, which its vCard holds.
    pub has_photo: bool,
}

impl ContactDetails {
    fn new(stored: StoredContact) -> Result<Self, Fault> {
        let card = Vcard::read(stored.doc.card.as_bytes())
            .map_err(|error| Fault::new(ErrorClass::Permanent, "read the stored vCard", error.to_string()))?;
        let says = card.contact();
        let company = stored.company.as_ref().map(|company| company.id.into());
        let contact = Seen {
            id: postrider_model::ContactId(stored.record.id.0),
            name: stored.doc.name,
            kind: stored.doc.kind,
            emails: stored.doc.emails,
            company: stored.company.map(|company| company.name),
            labels: stored.labels,
            record: stored.record,
        };
        let has_photo = says.photo.is_some();
        Ok(Self { contact: contact.into(), company, fields: says.into(), has_photo })
    }
}

/// One contact.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// Its id.
    pub id: ContactId,
}

impl Operation for Show {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/contacts/show";
    const SUMMARY: &'static str = "Show one contact";
    type Answer = ContactDetails;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<ContactDetails, Fault> {
        ContactDetails::new(service.contact(caller, self.id.0)?)
    }
}

/// A version of vCards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CardVersion {
    /// RFC 2426, which every program reads.
    #[serde(rename = "3.0")]
    V3,
    /// RFC 6350.
    #[serde(rename = "4.0")]
    V4,
}

impl From<CardVersion> for Version {
    fn from(version: CardVersion) -> Self {
        match version {
            CardVersion::V3 => Self::V3,
            CardVersion::V4 => Self::V4,
        }
    }
}

/// One contact as a vCard.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Its id.
    pub id: ContactId,
    /// In that version; as it came in where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<CardVersion>,
}

impl Operation for Card {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/contacts/card";
    const SUMMARY: &'static str = "A contact as a vCard";
    type Answer = Octets;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Octets, Fault> {
        let text = service.card(caller, self.id.0, self.version.map(Version::from))?;
        Ok(Octets(text.into_bytes()))
    }
}

/// A page of contacts as vCards.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cards {
    /// Only the own ones.
    #[serde(default)]
    pub mine: bool,
    /// In that version; each as it came in where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<CardVersion>,
    /// After that contact; from the first on where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<ContactId>,
    /// Only those that this account has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// Some vCards.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CardsFound {
    /// The cards.
    pub cards: Vec<String>,
    /// After which contact the next page begins; null where there is none.
    pub next: Option<ContactId>,
}

impl Operation for Cards {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/contacts/cards";
    const SUMMARY: &'static str = "Contacts as vCards, a page at a time";
    type Answer = CardsFound;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<CardsFound, Fault> {
        let after = self.after.map(|id| id.0);
        let version = self.version.map(Version::from);
        let page = match &self.account {
            Some(account) => service.cards_of_account(caller, account, self.mine, version, after)?,
            None => service.cards(caller, self.mine, version, after)?,
        };
        Ok(CardsFound { cards: page.cards, next: page.next.map(ContactId::from) })
    }
}

/// A contact to be added.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Add {
    /// A vCard to begin with.
    pub card: Option<String>,
    /// What it says.
    pub fields: ContactFields,
    /// What it has beside its card.
    pub beside: Beside,
}

impl Operation for Add {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/contacts/add";
    const SUMMARY: &'static str = "Add a contact";
    const IS_LARGE: bool = true;
    type Answer = ContactDetails;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<ContactDetails, Fault> {
        let fields = changes(self.fields, self.beside)?;
        let id = match self.card {
            Some(card) => service.add_contact_of(caller, card.as_bytes(), &fields)?,
            None => service.add_contact(caller, &NewContact { fields })?,
        };
        ContactDetails::new(service.contact(caller, id)?)
    }
}

/// What is to be different of a contact.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// Its id.
    pub id: ContactId,
    /// Only where it is still what it was at that number.
    #[serde(default, deserialize_with = "whole_or_null", skip_serializing_if = "Option::is_none")]
    pub rev: Option<u64>,
    /// What it is to say.
    #[serde(default)]
    pub fields: ContactFields,
    /// What it is to have beside its card.
    #[serde(default)]
    pub beside: Beside,
}

impl Operation for Edit {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/contacts/edit";
    const SUMMARY: &'static str = "Change what is named of a contact";
    type Answer = ContactDetails;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<ContactDetails, Fault> {
        let changes = changes(self.fields, self.beside)?;
        ContactDetails::new(service.edit_contact(caller, self.id.0, &changes, self.rev)?)
    }
}

/// Contacts to be deleted: all of them, or none.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DeleteContacts")]
pub struct Delete {
    /// Their ids.
    pub ids: Vec<ContactId>,
}

impl Operation for Delete {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/contacts/delete";
    const SUMMARY: &'static str = "Delete contacts; they can be restored";
    type Answer = Vec<ContactId>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<ContactId>, Fault> {
        service.delete_contacts(caller, &numbers(&self.ids))?;
        Ok(self.ids)
    }
}

/// Contacts to be brought back: all of them, or none.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RestoreContacts")]
pub struct Restore {
    /// Their ids.
    pub ids: Vec<ContactId>,
}

impl Operation for Restore {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/contacts/restore";
    const SUMMARY: &'static str = "Bring deleted contacts back";
    type Answer = Vec<ContactId>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<ContactId>, Fault> {
        service.restore_contacts(caller, &numbers(&self.ids))?;
        Ok(self.ids)
    }
}

pub(super) fn numbers(ids: &[ContactId]) -> Vec<postrider_model::ContactId> {
    ids.iter().map(|id| id.0).collect()
}

/// A file of vCards to be taken in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ImportContacts")]
pub struct Import {
    /// The file.
    pub file: Base64,
    /// Whose contacts they become; the caller's where nobody is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// What an import did.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ImportedContacts")]
pub struct Imported {
    /// Contacts that are new.
    pub added: Vec<ContactId>,
    /// Contacts that were here and say something else now.
    pub changed: Vec<ContactId>,
    /// Contacts that were here and say what they said.
    #[serde(deserialize_with = "whole")]
    pub unchanged: u64,
    /// Cards that could not be taken, and cards of which it is not clear whose they are, in words.
    pub remarks: Vec<String>,
}

impl Operation for Import {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/contacts/import";
    const SUMMARY: &'static str = "Take the vCards of a file in";
    const IS_LARGE: bool = true;
    type Answer = Imported;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Imported, Fault> {
        let done = service.import_contacts(caller, &self.file.0, self.user.as_deref())?;
        let ids = |ids: Vec<postrider_model::ContactId>| ids.into_iter().map(ContactId::from).collect();
        Ok(Imported {
            added: ids(done.added),
            changed: ids(done.changed),
            unchanged: done.unchanged,
            remarks: done.remarks,
        })
    }
}
