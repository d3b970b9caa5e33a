//! Contacts: as the server has them, and changed here.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use postrider::sync::{ContactRules, ContactWay, ItemsContext, Ports, run_contacts};
use postrider_formats::vcard::Card;
use postrider_model::{
    CollectionKey, CollectionKind, Contact, ContactField, ContactId, Fault, ItemCursor, ItemKey, ItemVersion,
    Mark, Organization, PersonName, Point, PostalAddress, Purpose, RecordId, Visibility,
};
use postrider_reconcile::{
    Change, Changed, Selection, Sides, Times,
    contacts::{ContactFate, Leaving as Way, change_of, decide_contact, merge_contact},
};
use postrider_remote::{
    ContactCapabilities, ContactChange, ContactOp, ContactRemote, ItemApplied, ItemFeed, Leaving, Making,
    RemoteCollection, RemoteContact, WriteFault, Written,
};
use postrider_store::{ContactDoc, Context, StoreError, Tx};

use crate::{
    bench::{Engine, USER},
    server::{Kind, Server, changed_at, key_of, unasked, version_of},
    timed::Stopwatch,
};

const GIVEN: [&str; 12] =
    ["Anna", "Bert", "Clara", "David", "Emma", "Felix", "Greta", "Hugo", "Ida", "Jonas", "Karla", "Léon"];
/// Companies to which contacts are tied.
const COMPANIES: u64 = 200;

pub struct Contacts;

/// Somebody, of whom all that is usual is known.
fn person(number: u64, note: &str) -> Contact {
    let given = GIVEN.get((number % GIVEN.len() as u64) as usize).copied().unwrap_or_default();
    let family = format!("Meier{number}");
    let point = |value: String, kind: &str| Point {
        value,
        of: Purpose { types: vec![kind.to_owned()], ..Purpose::default() },
    };
    Contact {
        display_name: format!("{given} {family}"),
        name: PersonName { given: given.to_owned(), family: family.clone(), ..PersonName::default() },
        organization: Organization { name: company(number % COMPANIES), units: vec!["Sales".to_owned()] },
        job_title: Some("Head of something".to_owned()),
        emails: vec![
            point(format!("{number}@example.org"), "work"),
            point(format!("{number}@example.net"), "home"),
        ],
        phones: vec![
            point(format!("+49 30 {number:07}"), "work"),
            point(format!("+49 170 {number:07}"), "cell"),
        ],
        addresses: vec![PostalAddress {
            street: format!("Lange Straße {number}"),
            locality: "Berlin".to_owned(),
            postal_code: "10115".to_owned(),
            country: "Germany".to_owned(),
            of: Purpose { types: vec!["work".to_owned()], ..Purpose::default() },
            ..PostalAddress::default()
        }],
        notes: vec![note.to_owned()],
        ..Contact::default()
    }
}

fn company(number: u64) -> String {
    format!("Company {number}")
}

impl Kind for Contacts {
    type Item = RemoteContact;
    type Change = ContactChange;
    const COLLECTION: CollectionKind = CollectionKind::AddressBook;

    fn item(number: u64, state: u32) -> RemoteContact {
        RemoteContact {
            key: key_of(number),
            version: version_of(number, state),
            mark: None,
            contact: person(number, &format!("Note {state}: met at the fair, wants an offer in spring.")),
            changed: Some(changed_at(state)),
            former_keys: Vec::new(),
        }
    }

    fn version(item: &RemoteContact) -> &ItemVersion {
        &item.version
    }

    fn put(item: RemoteContact) -> ContactChange {
        ContactChange::Put(Box::new(item))
    }

    fn gone(key: ItemKey) -> ContactChange {
        ContactChange::Gone { key, why: Leaving::Deleted }
    }
}

#[async_trait]
impl ContactRemote for Server<Contacts> {
    fn capabilities(&self) -> ContactCapabilities {
        ContactCapabilities {
            fields: BTreeSet::from(ContactField::ALL),
            keeps_uid: false,
            emails_max: None,
            has_groups: false,
            is_delete_conditional: true,
            lag_ms: 0,
        }
    }

    async fn collections(&self) -> Result<Vec<RemoteCollection>, Fault> {
        Ok(Self::collections(self))
    }

    async fn make_collection(&self, _name: &str, mark: Mark) -> Written<Making> {
        Err(WriteFault::not_done(unasked("make an address book", mark)))
    }

    async fn changes(
        &self,
        _collection: &CollectionKey,
        since: Option<&ItemCursor>,
    ) -> Result<Box<dyn ItemFeed<ContactChange>>, Fault> {
        Ok(Self::changes(self, since))
    }

    async fn fetch(
        &self,
        _collection: &CollectionKey,
        keys: &[ItemKey],
    ) -> Result<Vec<ContactChange>, Fault> {
        Ok(Self::fetch(self, keys))
    }

    async fn apply(
        &self,
        _collection: &CollectionKey,
        mark: Mark,
        op: &ContactOp,
    ) -> Written<ItemApplied<RemoteContact>> {
        Ok(match op {
            ContactOp::Create { contact } => self.create(|key, version| RemoteContact {
                key,
                version,
                mark: Some(mark),
                contact: (**contact).clone(),
                changed: None,
                former_keys: Vec::new(),
            }),
            ContactOp::Update { key, version, contact, .. } => self.write(key, version, |item, version| {
                Some(RemoteContact { version, contact: (**contact).clone(), ..item })
            }),
            ContactOp::Delete { key, version } => self.write(key, version, |_, _| None),
            ContactOp::Join { .. } | ContactOp::Leave { .. } => {
                return Err(WriteFault::not_done(unasked("put a contact into a group", mark)));
            }
        })
    }

    async fn find(&self, _collection: &CollectionKey, _mark: Mark) -> Result<Option<RemoteContact>, Fault> {
        Ok(None)
    }

    async fn close(&self) {}
}

#[async_trait]
impl Engine for Contacts {
    const WHAT: &str = "contacts";

    fn prepare(tx: &mut Tx<'_>, context: &Context) -> Result<(), StoreError> {
        for number in 0..COMPANIES {
            let name = company(number);
            tx.add_company(USER, &Visibility::Private, &name, &name.to_lowercase(), context)?;
        }
        Ok(())
    }

    fn add(tx: &mut Tx<'_>, number: u64, context: &Context) -> Result<(), StoreError> {
        let contact = Contact { uid: Some(format!("here-{number}")), ..person(number, "Made here.") };
        let name = contact.display_name.clone();
        let doc = ContactDoc {
            card: Card::new(&contact).text().into_owned(),
            uid: contact.uid.clone(),
            sort: name.to_lowercase(),
            words: name.to_lowercase(),
            name,
            kind: String::new(),
            company: None,
            emails: vec![format!("{number}@example.net"), format!("{number}@example.org")],
        };
        tx.add_contact(USER, &Visibility::Private, &doc, context).map(drop)
    }

    fn edit(tx: &mut Tx<'_>, record: RecordId, context: &Context) -> Result<bool, StoreError> {
        let id = ContactId(record.0);
        let Some(stored) = tx.contact(id)? else { return Ok(false) };
        let card = stored.doc.card.replacen("NOTE:", "NOTE:Here. ", 1);
        tx.change_contact(id, &ContactDoc { card, ..stored.doc }, context)
    }

    fn read(tx: &Tx<'_>, record: RecordId) -> Result<(), StoreError> {
        tx.planned_contact(ContactId(record.0)).map(drop)
    }

    fn decide(changes: u64) -> Duration {
        let holds = BTreeSet::from(ContactField::ALL);
        let times = Times { here: Changed::at(Some(changed_at(1))), ..Times::default() };
        let sides: Vec<_> = (0..changes)
            .map(|number| {
                let [was, edited] = ["As it was.", "As it is."].map(|note| person(number, note));
                (number % 8, was, edited)
            })
            .collect();
        let begun = Stopwatch::start();
        let merged: Vec<_> = sides
            .iter()
            .filter_map(|(nth, was, edited)| {
                let (here, there) = if nth % 2 == 0 { (edited, was) } else { (was, edited) };
                let [here_is, there_is] = [here, there].map(|side| change_of(was, side, &holds));
                let (here_is, there_is) = match nth {
                    6 => (Change::Deleted, Change::None),
                    7 => (Change::None, Change::Deleted),
                    _ => (here_is, there_is),
                };
                let decision = decide_contact(Way::Propagate, here_is, there_is);
                let sides = Sides { agreed: was, image: was, here, there };
                (decision.fate == ContactFate::Merge).then(|| merge_contact(sides, &times, &holds))
            })
            .collect();
        let took = begun.elapsed();
        let edits = (0..changes).filter(|number| number % 8 < 6).count();
        assert_eq!(merged.len(), edits, "edits are merged");
        took
    }

    async fn run(ports: &Ports, server: &Server<Self>, run: &ItemsContext) -> Result<[u64; 4]> {
        let way = ContactWay::Books {
            selection: Selection::All,
            types: None,
            groups: Vec::new(),
            propagates: true,
        };
        let rules = ContactRules { import: true, export: true, way };
        let done = run_contacts(ports, server, run, &rules).await?;
        if let Some(fault) = done.faults.into_iter().next() {
            return Err(fault).context("a run of contacts");
        }
        anyhow::ensure!(
            done.held.is_empty() && done.warnings.is_empty(),
            "{:?} {:?}",
            done.held,
            done.warnings
        );
        Ok([done.pulled, done.pushed, done.unlinked, done.conflicts])
    }
}
