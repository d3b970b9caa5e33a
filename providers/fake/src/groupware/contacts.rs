//! Contacts: in groups, or in folders.
//!
//! Rules: where there are groups, a contact is in the account's own group besides, and in one at least; where there are folders, it is in one
//! and gets another key when it moves. A write of a state that is not the newest is stale, whatever the real server would do.

use std::collections::{BTreeSet, VecDeque};

use postrider_model::{
    CollectionKey, CollectionKind, Contact, ItemCursor, ItemKey, ItemVersion, Mark, Scope,
};
use postrider_remote::{
    ContactCapabilities, ContactChange, ContactOp, ItemApplied, ItemPage, Leaving, RemoteContact,
};

use super::habits::SecondCreate;
use super::listing::{Since, listed};
use super::rewriting;
use super::shelf::{Homed, Rev};
use super::state::{Act, Applied, Card, Refusal, State, breach, refused};

impl State {
    pub fn contact_capabilities(&self) -> ContactCapabilities {
        ContactCapabilities {
            fields: self.habits.contact_fields.clone(),
            keeps_uid: self.habits.keeps_uid,
            emails_max: self.habits.emails_max,
            has_groups: self.habits.has_groups,
            is_delete_conditional: self.habits.has_groups,
            lag_ms: self.habits.contacts_lag_ms,
        }
    }

    /// A contact as it is told.
    fn contact_at(&self, key: &ItemKey, mark: Option<Mark>, rev: &Rev<Card>) -> Option<RemoteContact> {
        let card = rev.is.as_ref()?;
        Some(RemoteContact {
            key: key.clone(),
            version: self.version(rev.stamp),
            mark,
            contact: card.contact.clone(),
            changed: Some(rev.changed),
            former_keys: Vec::new(),
        })
    }

    /// A contact as it is.
    pub fn contact_now(&self, account: &str, key: &ItemKey) -> Option<RemoteContact> {
        let entry = self.accounts.get(account)?.contacts.get(key)?;
        self.contact_at(key, entry.mark, entry.rev()?)
    }

    pub fn list_contacts(
        &mut self,
        account: &str,
        collection: &CollectionKey,
        cursor: Option<&ItemCursor>,
    ) -> Result<VecDeque<ItemPage<ContactChange>>, Refusal> {
        self.answering_book(account, collection)?;
        let since = self.since(account, collection, cursor)?;
        let shelf = &self.account(account)?.contacts;
        let horizon = self.horizon(shelf, self.habits.contacts_lag_ms);
        let names_strangers = self.habits.has_groups;
        let listed = listed(shelf, collection, since, horizon, names_strangers);
        let renamed: BTreeSet<&ItemKey> = listed
            .iter()
            .filter_map(|(.., rev)| rev.is.as_ref().filter(|card| card.is_in(collection)))
            .flat_map(|card| &card.former)
            .collect();
        let told = listed.iter().filter(|(key, ..)| !renamed.contains(key));
        let changes = told.map(|(key, entry, rev)| {
            let mut change = self.contact_change(collection, key, entry.mark, rev);
            if let (ContactChange::Put(is), Some(card), Since::Stamp(_)) = (&mut change, &rev.is, since) {
                is.former_keys.clone_from(&card.former);
            }
            change
        });
        let changes = changes.collect();
        // A later listing shows no less than an earlier one did.
        let (scope, horizon) = match since {
            Since::Nothing => (Scope::Full, horizon),
            Since::Stamp(stamp) => (Scope::Delta, horizon.max(stamp)),
        };
        let cursor = self.cursor(account, collection, horizon);
        Ok(self.pages(scope, changes, cursor))
    }

    fn contact_change(
        &self,
        collection: &CollectionKey,
        key: &ItemKey,
        mark: Option<Mark>,
        rev: &Rev<Card>,
    ) -> ContactChange {
        match (&rev.is, self.contact_at(key, mark, rev)) {
            (Some(card), Some(contact)) if card.is_in(collection) => ContactChange::Put(Box::new(contact)),
            (Some(_), _) => ContactChange::Gone { key: key.clone(), why: Leaving::Left },
            (None, _) => ContactChange::Gone { key: key.clone(), why: Leaving::Deleted },
        }
    }

    fn readable_book(&self, account: &str, collection: &CollectionKey) -> Result<(), Refusal> {
        match self.collection(account, collection)?.kind {
            CollectionKind::AddressBook => Ok(()),
            CollectionKind::Calendar | CollectionKind::TaskList => refused("it holds no contacts"),
        }
    }

    /// A book of which is told what changed in it: one that is there, where the server looks.
    fn answering_book(&self, account: &str, collection: &CollectionKey) -> Result<(), Refusal> {
        let is_there = self.account(account)?.collections.contains_key(collection);
        if !is_there && self.habits.has_groups && self.habits.vanished_groups_answer {
            return Ok(());
        }
        self.readable_book(account, collection)
    }

    /// What these are now.
    pub fn fetch_contacts(
        &self,
        account: &str,
        collection: &CollectionKey,
        keys: &[ItemKey],
    ) -> Result<Vec<ContactChange>, Refusal> {
        self.answering_book(account, collection)?;
        let shelf = &self.account(account)?.contacts;
        let one = |key: &ItemKey| match shelf.get(key).and_then(|entry| Some((entry.mark, entry.rev()?))) {
            Some((mark, rev)) => Ok(self.contact_change(collection, key, mark, rev)),
            None => breach(format!("{} never was a contact", key.0)),
        };
        keys.iter().map(one).collect()
    }

    pub fn find_contact(
        &self,
        account: &str,
        collection: &CollectionKey,
        mark: Mark,
    ) -> Result<Option<RemoteContact>, Refusal> {
        self.readable_book(account, collection)?;
        let shelf = &self.account(account)?.contacts;
        let horizon = self.horizon(shelf, self.habits.contacts_lag_ms);
        let mut there = shelf.iter().filter(|(_, entry)| entry.mark == Some(mark));
        Ok(there.find_map(|(key, entry)| {
            let rev = entry.at(horizon)?;
            rev.is.as_ref().filter(|card| card.is_in(collection))?;
            self.contact_at(key, entry.mark, rev)
        }))
    }

    pub fn apply_contact(
        &mut self,
        act: &Act<'_>,
        collection: &CollectionKey,
        op: &ContactOp,
    ) -> Applied<RemoteContact> {
        self.writable(act.by, collection, |kind| kind == CollectionKind::AddressBook)?;
        match op {
            ContactOp::Create { contact } => self.create_contact(act, collection, contact),
            ContactOp::Update { key, version, was, contact } => {
                self.update_contact(act, collection, (key, version), was, contact)
            }
            ContactOp::Join { key } => self.regroup(act, collection, key, true),
            ContactOp::Leave { key } => self.regroup(act, collection, key, false),
            ContactOp::Delete { key, version } => {
                if let Err(not) = self.contact_in_state(act, collection, key, version)? {
                    return Ok(not);
                }
                self.put_contact(act, key, None)?;
                Ok(ItemApplied::Removed)
            }
        }
    }

    fn create_contact(
        &mut self,
        act: &Act<'_>,
        collection: &CollectionKey,
        contact: &Contact,
    ) -> Applied<RemoteContact> {
        let there = act.mark.and_then(|mark| self.account(act.by).ok()?.contacts.marked(mark).cloned());
        if let Some(key) = there {
            if self.habits.second_create == SecondCreate::Refuses {
                return breach(format!("a second contact under one mark, which {} carries", key.0));
            }
            return self.contact_done(act, &key);
        }
        let mut books = BTreeSet::from([collection.clone()]);
        if self.habits.has_groups {
            books.extend(self.own_group(act.by));
        }
        let key = self.key("people/c");
        let contact = rewriting::contact(&self.habits, contact.clone());
        let card = Card { contact, former: Vec::new(), books };
        self.put_contact(act, &key, Some(card))?;
        self.contact_done(act, &key)
    }

    fn own_group(&self, account: &str) -> Option<CollectionKey> {
        let collections = self.accounts.get(account)?.collections.iter();
        let mut own = collections.filter(|(_, collection)| {
            collection.is_default && collection.kind == CollectionKind::AddressBook
        });
        own.next().map(|(key, _)| key.clone())
    }

    fn update_contact(
        &mut self,
        act: &Act<'_>,
        collection: &CollectionKey,
        (key, version): (&ItemKey, &ItemVersion),
        was: &Contact,
        contact: &Contact,
    ) -> Applied<RemoteContact> {
        let card = match self.contact_in_state(act, collection, key, version)? {
            Ok(card) => card,
            Err(not) => return Ok(not),
        };
        if act.strict && card.contact != *was {
            return breach(format!("a change of {} is reckoned from what it is not", key.0));
        }
        let contact = rewriting::contact(&self.habits, contact.clone());
        // What changes nothing is no change.
        if contact != card.contact {
            self.put_contact(act, key, Some(Card { contact, ..card }))?;
        }
        self.contact_done(act, key)
    }

    fn regroup(
        &mut self,
        act: &Act<'_>,
        collection: &CollectionKey,
        key: &ItemKey,
        joins: bool,
    ) -> Applied<RemoteContact> {
        if !self.habits.has_groups {
            return refused("there are no groups to join or leave");
        }
        let entry = self.account(act.by)?.contacts.get(key);
        let Some(entry) = entry else { return breach(format!("{} never was a contact", key.0)) };
        let Some(mut card) = entry.now().cloned() else { return Ok(ItemApplied::Gone) };
        if !joins && self.own_group(act.by).as_ref() == Some(collection) {
            return refused("a contact cannot leave the account's own group");
        }
        let changes =
            if joins { card.books.insert(collection.clone()) } else { card.books.remove(collection) };
        if changes {
            self.put_contact(act, key, Some(card))?;
        } else if !joins {
            return Ok(ItemApplied::Gone);
        }
        if joins { self.contact_done(act, key) } else { Ok(ItemApplied::Removed) }
    }

    /// A contact that is in the collection in the state that is named; what to answer, else.
    fn contact_in_state(
        &self,
        act: &Act<'_>,
        collection: &CollectionKey,
        key: &ItemKey,
        version: &ItemVersion,
    ) -> Result<Result<Card, ItemApplied<RemoteContact>>, Refusal> {
        let entry = self.account(act.by)?.contacts.get(key);
        let Some(entry) = entry else { return breach(format!("{} never was a contact", key.0)) };
        let (Some(rev), Some(card)) = (entry.rev(), entry.now()) else { return Ok(Err(ItemApplied::Gone)) };
        if !card.is_in(collection) {
            return Ok(Err(ItemApplied::Gone));
        }
        if self.version(rev.stamp) != *version {
            return Ok(Err(ItemApplied::Stale));
        }
        Ok(Ok(card.clone()))
    }

    fn contact_done(&self, act: &Act<'_>, key: &ItemKey) -> Applied<RemoteContact> {
        match self.contact_now(act.by, key) {
            Some(contact) => Ok(ItemApplied::Done(Box::new(contact))),
            None => Ok(ItemApplied::Gone),
        }
    }

    pub fn put_contact(&mut self, act: &Act<'_>, key: &ItemKey, card: Option<Card>) -> Result<(), Refusal> {
        let rev = self.rev(card, None);
        self.account_mut(act.by)?.contacts.put(key, act.mark, rev);
        Ok(())
    }

    /// Into another folder, under another key; its mark goes with it.
    pub fn move_contact(
        &mut self,
        account: &str,
        key: &ItemKey,
        to: &CollectionKey,
    ) -> Result<ItemKey, Refusal> {
        self.writable(account, to, |kind| kind == CollectionKind::AddressBook)?;
        if self.habits.has_groups {
            return refused("groups are joined and left");
        }
        let entry = self.account(account)?.contacts.get(key);
        let Some((mark, Some(card))) = entry.map(|entry| (entry.mark, entry.now().cloned())) else {
            return refused(format!("there is no contact {}", key.0));
        };
        let card = Card { books: BTreeSet::from([to.clone()]), ..card };
        self.rename_contact(&Act { by: account, mark, strict: false }, key, card)
    }

    /// Another key for a contact, and word of it where there are groups.
    pub fn rekey_contact(&mut self, account: &str, key: &ItemKey) -> Result<ItemKey, Refusal> {
        if !self.habits.has_groups {
            return refused("keys stay where contacts stay");
        }
        let entry = self.account(account)?.contacts.get(key);
        let Some((mark, Some(mut card))) = entry.map(|entry| (entry.mark, entry.now().cloned())) else {
            return refused(format!("there is no contact {}", key.0));
        };
        card.former.push(key.clone());
        self.rename_contact(&Act { by: account, mark, strict: false }, key, card)
    }

    /// Several contacts become one that says what the first says: under the first one's key, or under a new one.
    pub fn merge_contacts(
        &mut self,
        account: &str,
        keys: &[ItemKey],
        keeps_key: bool,
    ) -> Result<ItemKey, Refusal> {
        if !self.habits.has_groups {
            return refused("keys stay where contacts stay");
        }
        let [first, others @ ..] = keys else { return refused("nothing is merged") };
        let entry = self.account(account)?.contacts.get(first);
        let Some((mark, Some(mut card))) = entry.map(|entry| (entry.mark, entry.now().cloned())) else {
            return refused(format!("there is no contact {}", first.0));
        };
        let act = Act { by: account, mark, strict: false };
        for key in others {
            let other = self.account(account)?.contacts.get(key).and_then(|entry| entry.now()).cloned();
            let Some(other) = other else { return refused(format!("there is no contact {}", key.0)) };
            card.books.extend(other.books);
            card.former.push(key.clone());
            self.put_contact(&act, key, None)?;
        }
        if keeps_key {
            self.put_contact(&act, first, Some(card))?;
            return Ok(first.clone());
        }
        card.former.insert(0, first.clone());
        self.rename_contact(&act, first, card)
    }

    fn rename_contact(&mut self, act: &Act<'_>, key: &ItemKey, card: Card) -> Result<ItemKey, Refusal> {
        self.put_contact(act, key, None)?;
        let new = self.key("people/c");
        self.put_contact(act, &new, Some(card))?;
        Ok(new)
    }

    /// Deletes a collection with what is in it alone.
    pub fn delete_collection(&mut self, account: &str, key: &CollectionKey) -> Result<(), Refusal> {
        if self.collection(account, key)?.is_default {
            return refused("the account's own collection stays");
        }
        let act = Act { by: account, mark: None, strict: false };
        let holder = self.account_mut(account)?;
        holder.collections.remove(key);
        let living = holder.contacts.living();
        let in_it: Vec<(ItemKey, Card)> = living
            .filter(|(_, _, card)| card.is_in(key))
            .map(|(item, _, card)| (item.clone(), card.clone()))
            .collect();
        let events: Vec<ItemKey> = holder
            .activities
            .living()
            .filter(|(_, _, event)| event.is_in(key))
            .map(|(item, ..)| item.clone())
            .collect();
        for (item, mut card) in in_it {
            card.books.remove(key);
            let left = (!card.books.is_empty()).then_some(card);
            self.put_contact(&act, &item, left)?;
        }
        for item in events {
            self.put_event(&act, &item, None, None)?;
        }
        Ok(())
    }
}
