//! Contacts from vCard files, and into them (F3.6).

use std::collections::{BTreeMap, BTreeSet};

use postrider_formats::vcard::{Card, Version};
use postrider_model::{Contact, ContactId, ErrorClass, Fault, Point, RecordId};
use postrider_store::{ContactMatch, Context, StoreError, Tx, Viewer};

use crate::{
    access::{Act, Caller},
    card::{self, tie},
    service::Service,
};

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Contacts that are new.
    pub added: Vec<ContactId>,
    /// Contacts that were here, and say something else now.
    pub changed: Vec<ContactId>,
    /// Contacts that were here, and say what they said.
    pub unchanged: u64,
    /// Cards that could not be taken, and cards of which it is not clear whose they are, in words.
    pub remarks: Vec<String>,
}

/// Some contacts as vCards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CardPage {
    /// The cards.
    pub cards: Vec<String>,
    /// After which contact the next page begins; `None` where there is none.
    pub next: Option<ContactId>,
}

/// Contacts that are looked at in one go.
const PAGE: u32 = 200;

impl Service {
    /// Takes the vCards of a file in as contacts of `user`, by default the caller's. A contact that has a card's uid says what the card says from
    /// then on, and one of another user's that they see is left alone, with a remark; one that is surely the same person by address and name gets what it lacks; what it was can be restored. All cards that can
    /// be read are taken in, or none.
    ///
    /// # Errors
    /// A file without any card that can be read; a user in whose name the caller may not act.
    pub fn import_contacts(
        &mut self,
        caller: &Caller,
        file: &[u8],
        user: Option<&str>,
    ) -> Result<Imported, Fault> {
        let caller = match user {
            Some(user) => self.act_as(caller, user)?,
            None => caller.clone(),
        };
        let mut imported = Imported::default();
        let mut cards = Vec::new();
        for read in Card::read_all(file) {
            match read {
                Ok(card) if card::shown_name(&card.contact()).is_empty() => {
                    imported
                        .remarks
                        .push("a card has no name, no organisation, no address and no number".to_owned());
                }
                Ok(card) => cards.push(card),
                Err(error) => imported.remarks.push(error.to_string()),
            }
        }
        if cards.is_empty() {
            let cause =
                imported.remarks.first().cloned().unwrap_or_else(|| "there is no vCard in it".to_owned());
            return Err(Fault::new(ErrorClass::Config, "import contacts", cause)
                .hint("a file of vCards has BEGIN:VCARD in it"));
        }
        let context = self.here(&caller, "imported");
        let viewer = self.viewer(&caller);
        let uids: Vec<String> = cards.iter().map(|_| card::new_uid(&*self.world.entropy)).collect();
        let line = self.line(&caller, Act::AddRecord, "", &format!("import of {} cards", cards.len()));
        self.record_work(line, file.len(), |tx| {
            let hand = Taking { user: &caller.user, viewer: &viewer, context: &context };
            let mut known = Known::default();
            for (card, uid) in cards.iter().zip(uids) {
                hand.take(tx, card, uid, &mut known, &mut imported)?;
            }
            Ok(())
        })?;
        Ok(imported)
    }

    /// Contacts that the caller sees, or their own alone, as vCards, in the order of their ids, from after `after` on.
    ///
    /// # Errors
    /// The store's, in words.
    pub fn cards(
        &self,
        caller: &Caller,
        mine: bool,
        version: Option<Version>,
        after: Option<ContactId>,
    ) -> Result<CardPage, Fault> {
        self.card_page(caller, (mine, version, after), None)
    }

    fn card_page(
        &self,
        caller: &Caller,
        (mine, version, after): (bool, Option<Version>, Option<ContactId>),
        only: Option<&BTreeSet<RecordId>>,
    ) -> Result<CardPage, Fault> {
        let owner = mine.then_some(caller.user.as_str());
        let after = after.unwrap_or(ContactId(0));
        let page = self.reader()?.contact_page(&self.viewer(caller), owner, after, PAGE)?;
        self.note_record_look(caller, || format!("{} vCards", page.len()));
        let next = page.last().map(|(id, _)| *id).filter(|_| page.len() == PAGE as usize);
        let has = |id: ContactId| only.is_none_or(|only| only.contains(&id.into()));
        let page = page.into_iter().filter(|(id, _)| has(*id));
        let cards = page.map(|(_, text)| in_version(text, version)).collect();
        Ok(CardPage { cards, next })
    }

    /// As [`cards`](Self::cards), of those alone that an account has on its server.
    ///
    /// # Errors
    /// An account that is not there or that the caller does not see.
    pub fn cards_of_account(
        &self,
        caller: &Caller,
        account: &str,
        mine: bool,
        version: Option<Version>,
        after: Option<ContactId>,
    ) -> Result<CardPage, Fault> {
        let has = self.records_of_account(caller, account)?;
        self.card_page(caller, (mine, version, after), Some(&has))
    }

    /// The records of which an account has an item.
    pub(in crate::service) fn records_of_account(
        &self,
        caller: &Caller,
        account: &str,
    ) -> Result<BTreeSet<RecordId>, Fault> {
        self.permit(caller, Act::SeeAccount, account)?;
        self.config.account(account).map_err(|errors| crate::config::fault(&errors))?;
        Ok(self.reader()?.records_of_account(account)?)
    }

    /// A contact's vCard, be it deleted.
    ///
    /// # Errors
    /// Where the caller sees none of that id.
    pub fn card(&self, caller: &Caller, id: ContactId, version: Option<Version>) -> Result<String, Fault> {
        Ok(in_version(self.contact(caller, id)?.doc.card, version))
    }
}

/// A card that came in is given back byte for byte unless another version is asked for.
fn in_version(text: String, version: Option<Version>) -> String {
    match (version, Card::read(text.as_bytes())) {
        (Some(version), Ok(card)) => card.text_in(version).into_owned(),
        _ => text,
    }
}

/// What contacts say, their uids left aside, as far as an import has read them: each is read once.
#[derive(Default)]
struct Known(BTreeMap<ContactId, Option<Contact>>);

impl Known {
    /// Whether one of them says what this contact says, which came without a uid: the file was taken in before.
    fn says_the_same(
        &mut self,
        tx: &Tx<'_>,
        like: &[ContactMatch],
        contact: &Contact,
    ) -> Result<bool, StoreError> {
        for one in like {
            let here = match self.0.get(&one.id) {
                Some(here) => here,
                None => {
                    let stored = tx.contact(one.id)?;
                    let card = stored.and_then(|stored| Card::read(stored.doc.card.as_bytes()).ok());
                    let here = card.map(|card| Contact { uid: None, ..card.contact() });
                    self.0.entry(one.id).or_insert(here)
                }
            };
            if here.as_ref() == Some(contact) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

struct Taking<'a> {
    user: &'a str,
    viewer: &'a Viewer,
    context: &'a Context,
}

impl Taking<'_> {
    fn take(
        &self,
        tx: &mut Tx<'_>,
        card: &Card,
        fresh_uid: String,
        known: &mut Known,
        imported: &mut Imported,
    ) -> Result<(), StoreError> {
        let contact = card.contact();
        let new = card::doc_of(card, String::new(), None);
        let (like, of_others): (Vec<_>, Vec<_>) = tx
            .contacts_like(self.viewer, &card::likeness_of(&contact))?
            .into_iter()
            .partition(|one| one.record.owner == self.user);
        let same_uid = |one: &&ContactMatch| new.uid.is_some() && one.uid == new.uid;
        if let Some(one) = like.iter().find(same_uid) {
            known.0.remove(&one.id);
            return change(tx, one.id, |_| card.clone(), self.viewer, self.context, imported);
        }
        let is_seen = |one: &&ContactMatch| self.viewer.sees(&one.record.owner, &one.record.visibility);
        if let Some(seen) = of_others.iter().filter(same_uid).find(is_seen) {
            imported.remarks.push(format!("{} is {}'s, and is here already", new.name, seen.record.owner));
            return Ok(());
        }
        if new.uid.is_none() && known.says_the_same(tx, &like, &contact)? {
            imported.unchanged += 1;
            return Ok(());
        }
        let mut same_person = like.iter().filter(|one| is_same_person(&new.name, &new.emails, one));
        match (same_person.next(), same_person.next()) {
            (Some(one), None) => {
                known.0.remove(&one.id);
                let filled = |was: &Card| was.with(&filled(&was.contact(), &contact));
                return change(tx, one.id, filled, self.viewer, self.context, imported);
            }
            (Some(one), Some(other)) => {
                let more = if same_person.next().is_some() { " or another" } else { "" };
                imported.remarks.push(format!(
                    "{} may be any of {}, {}{more}: it was added as another one",
                    new.name, one.id, other.id
                ));
            }
            (None, _) => {}
        }
        let card = match new.uid {
            Some(_) => card.clone(),
            None => card.with(&Contact { uid: Some(fresh_uid), ..contact.clone() }),
        };
        let company = tie(tx, self.viewer, &contact.organization.name)?;
        let doc = card::doc_of(&card, String::new(), company);
        let private = postrider_model::Visibility::Private;
        imported.added.push(tx.add_contact(self.user, &private, &doc, self.context)?);
        Ok(())
    }
}

/// One exact pair of address and name (F3.7).
fn is_same_person(name: &str, emails: &[String], known: &ContactMatch) -> bool {
    card::folded(name) == card::folded(&known.name) && emails.iter().any(|email| known.emails.contains(email))
}

fn change(
    tx: &mut Tx<'_>,
    id: ContactId,
    changed: impl FnOnce(&Card) -> Card,
    viewer: &Viewer,
    context: &Context,
    imported: &mut Imported,
) -> Result<(), StoreError> {
    let stored = tx.contact(id)?.ok_or(StoreError::NoSuchRecord)?;
    let Ok(was) = Card::read(stored.doc.card.as_bytes()) else {
        imported.remarks.push(format!("the vCard of {id} cannot be read: it was left alone"));
        return Ok(());
    };
    let card = changed(&was);
    let organization = card.contact().organization.name;
    let company = match organization == was.contact().organization.name {
        true => stored.doc.company,
        false => tie(tx, viewer, &organization)?,
    };
    match tx.change_contact(id, &card::doc_of(&card, stored.doc.kind, company), context)? {
        true => imported.changed.push(id),
        false => imported.unchanged += 1,
    }
    Ok(())
}

/// What is here, and of what comes in all that is missing here.
fn filled(here: &Contact, other: &Contact) -> Contact {
    let mut filled = here.clone();
    let text = |field: &mut String, other: &String| {
        if field.is_empty() {
            field.clone_from(other);
        }
    };
    text(&mut filled.name.family, &other.name.family);
    text(&mut filled.name.given, &other.name.given);
    text(&mut filled.name.additional, &other.name.additional);
    text(&mut filled.name.prefix, &other.name.prefix);
    text(&mut filled.name.suffix, &other.name.suffix);
    if filled.organization.name.is_empty() {
        filled.organization = other.organization.clone();
    }
    filled.job_title = filled.job_title.or_else(|| other.job_title.clone());
    filled.role = filled.role.or_else(|| other.role.clone());
    filled.birthday = filled.birthday.or(other.birthday);
    filled.anniversary = filled.anniversary.or(other.anniversary);
    filled.photo = filled.photo.or_else(|| other.photo.clone());
    points(&mut filled.emails, &other.emails);
    points(&mut filled.phones, &other.phones);
    points(&mut filled.messengers, &other.messengers);
    points(&mut filled.pages, &other.pages);
    missing(&mut filled.addresses, &other.addresses);
    missing(&mut filled.other_dates, &other.other_dates);
    missing(&mut filled.nicknames, &other.nicknames);
    missing(&mut filled.notes, &other.notes);
    missing(&mut filled.categories, &other.categories);
    filled
}

fn points(here: &mut Vec<Point>, other: &[Point]) {
    let known: BTreeSet<String> = here.iter().map(|point| point.value.to_lowercase()).collect();
    here.extend(other.iter().filter(|point| !known.contains(&point.value.to_lowercase())).cloned());
}

fn missing<T: Clone + PartialEq>(here: &mut Vec<T>, other: &[T]) {
    let new: Vec<T> = other.iter().filter(|one| !here.contains(one)).cloned().collect();
    here.extend(new);
}
