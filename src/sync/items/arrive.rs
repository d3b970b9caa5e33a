//! Plan: items that are seen for the first time (F3.7), and those that come back.

use std::collections::{BTreeMap, BTreeSet};

use postrider_formats::vcard::Card;
use postrider_journal::ItemOperation;
use postrider_model::{Contact, ContactId, ItemCollectionId, ItemKey, LinkId, RecordId};
use postrider_reconcile::{
    Side as Of,
    contacts::{
        Arrival, FieldGroup, Item, Leaving, Match, MatchedBy, Record, Tie, assumed_base, image_when_made,
        judge_arrival, match_contacts, meet_contact,
    },
};
use postrider_remote::RemoteContact;
use postrider_store::{ItemIntentRow, Link, Origin, PlannedContact, Side, StoreError};

use super::{
    collect::News,
    image::contact_of,
    known::{Known, times},
    plan::{Linking, Planner, Step},
};
use crate::card::{likeness_of, new_uid, shown_name};

/// An item that is not linked.
struct Stranger<'a> {
    collection: ItemCollectionId,
    item: &'a RemoteContact,
    ahead_ms: i64,
    /// The link that it had.
    left: Option<Link>,
    /// The write that made it, of which nobody heard.
    making: Option<ItemIntentRow>,
    /// The record of which it was made, or that it was.
    mark: Option<RecordId>,
    /// Whether it may come in as a new record.
    comes_in: bool,
}

impl<'a> Planner<'a, '_> {
    /// Finds out which records they are.
    pub(super) fn arrivals(&mut self) -> Result<(), StoreError> {
        let task = self.task;
        let renamed = self.renamed()?;
        let mut strangers = self.strangers(&renamed)?;
        let mut unknown = Vec::new();
        for mut one in strangers.drain(..) {
            // A copy carries the mark too, in another folder or at somebody else's: one item is what was made.
            if let Some(making) = one.making.take_if(|row| !self.is_made_by(row).unwrap_or(false)) {
                one.mark = None;
                if making.about.account == task.run.account_id {
                    self.plan.steps.push(Step::Ended(making.id));
                }
            }
            let made_of = one.making.as_ref().and_then(|row| row.about.record).map(|id| ContactId(id.0));
            let stored = made_of.map(|id| self.tx.planned_contact(id)).transpose()?.flatten();
            let card = stored.and_then(|stored| Card::read(stored.card.as_bytes()).ok());
            match (&one.making, made_of, card) {
                (Some(making), Some(record), Some(card)) => {
                    self.link_made(&one, making, record, &card.contact());
                }
                _ => unknown.push(one),
            }
        }
        let strangers = unknown;
        if strangers.is_empty() {
            return Ok(());
        }
        let vanished = self.vanished()?;
        let stored = self.offered(&strangers, &vanished)?;
        let contacts: BTreeMap<RecordId, Contact> = stored
            .iter()
            .filter_map(|(id, one)| Some((*id, Card::read(one.card.as_bytes()).ok()?.contact())))
            .collect();
        let mut records = Vec::new();
        for (id, contact) in &contacts {
            let Some(one) = stored.get(id) else { continue };
            let mut links = self.tx.links_of_record(task.run.account_id, *id)?;
            links.extend(self.tx.frozen_links_of_record(task.run.account_id, *id)?);
            let is_linked = self.met.contains(id)
                || links.iter().any(|link| link.left.is_none() && vanished.get(id) != Some(&link.id));
            let is_visible = task.run.viewer.sees(&one.record.owner, &one.record.visibility);
            records.push(Record { id: *id, contact, is_visible, is_linked });
        }
        let items: Vec<_> =
            strangers.iter().map(|one| Item { mark: one.mark, contact: &one.item.contact }).collect();
        let found = match_contacts(&items, &records);
        for (stranger, found) in strangers.iter().zip(found) {
            match found {
                Match::Is(record, by) => {
                    let (Some(here), Some(of)) = (contacts.get(&record), stored.get(&record)) else {
                        continue;
                    };
                    if !stranger.comes_in && !self.rule.wants(of) {
                        continue;
                    }
                    let vanished =
                        vanished.get(&record).map(|link| self.tx.link(*link)).transpose()?.flatten();
                    match vanished {
                        Some(link) if by == MatchedBy::Mark || !task.can.has_groups => {
                            self.follow_item(link, stranger.collection, stranger.item, stranger.ahead_ms)?;
                        }
                        vanished => self.meet(stranger, of, here, vanished)?,
                    }
                }
                Match::New => self.add(stranger),
                Match::Ambiguous(could_be) => {
                    let ids: Vec<String> = could_be.iter().map(|id| ContactId(id.0).to_string()).collect();
                    let name = shown_name(&stranger.item.contact);
                    self.plan
                        .warnings
                        .push(format!("{name} may be any of {}: it came in as another one", ids.join(", ")));
                    self.add(stranger);
                }
            }
        }
        Ok(())
    }

    /// Whether an item under the mark of that write is what it made: of this account, of a record that has no item yet.
    fn is_made_by(&self, row: &ItemIntentRow) -> Result<bool, StoreError> {
        let account = self.task.run.account_id;
        let Some(record) = row.about.record.filter(|_| row.about.account == account) else {
            return Ok(false);
        };
        let links = self.tx.links_of_record(account, record)?;
        Ok(!self.met.contains(&record) && links.iter().all(|link| link.left.is_some()))
    }

    /// Items that are not linked, but for those that links followed already.
    fn strangers(
        &mut self,
        followed: &BTreeSet<(ItemCollectionId, ItemKey)>,
    ) -> Result<Vec<Stranger<'a>>, StoreError> {
        let task = self.task;
        let mut strangers = Vec::new();
        for one in &task.collected {
            let imports = task.books.iter().any(|book| book.id == one.book && book.imports);
            for (key, news) in &one.news {
                let News::Put(item) = news else { continue };
                if followed.contains(&(one.book, item.key.clone())) {
                    continue;
                }
                let left = match self.tx.link_of_item(one.book, &item.key)? {
                    Some(link) if link.left.is_none() => {
                        self.linked.insert((one.book, key), link);
                        continue;
                    }
                    Some(left) => Some(left),
                    None => self.left_before(one, &item.key)?,
                };
                let making = match item.mark {
                    Some(mark) => self.tx.item_intent_of_mark(mark)?,
                    None => None,
                };
                let tie = if left.is_some() { Tie::Left } else { Tie::None };
                if judge_arrival(self.leaving, tie, true) != Arrival::Take {
                    continue;
                }
                let of_mark = match item.mark {
                    Some(mark) => self.tx.link_of_mark(mark)?.and_then(|link| link.record),
                    None => None,
                };
                let mark = making.as_ref().and_then(|row| row.about.record);
                let mark = mark.or_else(|| left.as_ref()?.record).or(of_mark);
                strangers.push(Stranger {
                    collection: one.book,
                    item,
                    ahead_ms: one.ahead_ms,
                    left,
                    making,
                    mark,
                    comes_in: imports && task.rules.import,
                });
            }
        }
        Ok(strangers)
    }

    /// Records that strangers may be.
    fn offered(
        &self,
        strangers: &[Stranger<'_>],
        vanished: &BTreeMap<RecordId, LinkId>,
    ) -> Result<BTreeMap<RecordId, PlannedContact>, StoreError> {
        let task = self.task;
        let mut offered = BTreeMap::new();
        for one in strangers {
            let likeness = likeness_of(&one.item.contact);
            let like =
                self.tx.contacts_like(&task.run.viewer, &likeness)?.into_iter().map(|one| one.record.id);
            for id in like.chain(one.mark) {
                if offered.contains_key(&id) {
                    continue;
                }
                if let Some(stored) = self.tx.planned_contact(ContactId(id.0))?
                    // The item of one that was deleted here may have got another key: it does not come in as another contact then.
                    && (stored.record.deleted.is_none() || vanished.contains_key(&id))
                {
                    offered.insert(id, stored);
                }
            }
        }
        Ok(offered)
    }

    fn add(&mut self, stranger: &Stranger<'_>) {
        if !stranger.comes_in {
            return;
        }
        let contact = &stranger.item.contact;
        let uid = contact.uid.clone().unwrap_or_else(|| new_uid(self.task.entropy));
        let changed =
            stranger.item.changed.map(|there| postrider_reconcile::by_our_clock(there, stranger.ahead_ms));
        self.plan.pulled += 1;
        self.plan.steps.push(Step::Add {
            collection: stranger.collection,
            item: Box::new(stranger.item.clone()),
            contact: Box::new(Contact { uid: Some(uid), ..contact.clone() }),
            changed,
        });
    }

    /// `vanished`: the link of an item that was deleted; the one that comes was made anew of the same contact.
    fn meet(
        &mut self,
        stranger: &Stranger<'_>,
        stored: &PlannedContact,
        here: &Contact,
        vanished: Option<Link>,
    ) -> Result<(), StoreError> {
        let record = ContactId(stored.record.id.0);
        self.met.insert(record.into());
        if let Some(link) = vanished {
            self.moved.insert(link.id);
            self.plan.steps.push(Step::Left { link: link.id, side: Side::Server });
        }
        let left =
            stranger.left.as_ref().filter(|link| link.record == Some(record.into())).map(|link| link.id);
        match left {
            Some(link) => self.come_back(stranger, stored, here, link),
            None => self.link_met(stranger, stored, here),
        }
    }

    /// An item that had a link: what both sides agreed on then holds still.
    fn come_back(
        &mut self,
        stranger: &Stranger<'_>,
        stored: &PlannedContact,
        here: &Contact,
        link: LinkId,
    ) -> Result<(), StoreError> {
        let record = ContactId(stored.record.id.0);
        let Some(link) = self.tx.link(link)? else { return Ok(()) };
        let (collection, key) = (stranger.collection, stranger.item.key.clone());
        self.moved.insert(link.id);
        self.plan.steps.push(Step::Move { link: link.id, collection, key });
        self.tag(record);
        self.plan.pulled += u64::from(link.left.is_some());
        let known = Known::of(here.clone(), &stored.card, &link);
        self.merge(link, stored, &known, Some(stranger.item), stranger.ahead_ms)
    }

    /// What was made from here without an answer is linked with what it was made of, whatever became of that since: the next run decides.
    fn link_made(
        &mut self,
        stranger: &Stranger<'_>,
        making: &ItemIntentRow,
        record: ContactId,
        here: &Contact,
    ) {
        self.met.insert(record.into());
        let said = match &making.operation {
            ItemOperation::Create { said: Some(said) } => contact_of(said),
            _ => here.clone(),
        };
        let image = image_when_made(&said, &stranger.item.contact);
        self.plan.steps.push(Step::Ended(making.id));
        self.plan.steps.push(Step::Link(Box::new(Linking {
            record,
            collection: stranger.collection,
            item: stranger.item.clone(),
            origin: Origin::Exported,
            agreed: said,
            image: Some(image).filter(|image| *image != stranger.item.contact),
            sends: false,
            is_dirty: true,
        })));
    }

    /// A record and an item that meet for the first time.
    fn link_met(
        &mut self,
        stranger: &Stranger<'_>,
        stored: &PlannedContact,
        here: &Contact,
    ) -> Result<(), StoreError> {
        let record = ContactId(stored.record.id.0);
        let holds = &self.task.can.fields;
        let (item, there) = (stranger.item, &stranger.item.contact);
        let times = times(stored, Some(item), stranger.ahead_ms);
        let merged = meet_contact(here, there, &times, holds);
        let losers = merged.losers();
        self.plan.conflicts += u64::from(!losers.is_empty());
        let origin = times.origin(&FieldGroup::Content);
        if losers.contains(&Of::There) {
            let lost = Box::new(assumed_base(there, here, holds));
            self.plan.steps.push(Step::Supersede { record, lost, changed: origin });
        }
        self.plan.pulled += 1;
        if merged.here != *here {
            let (contact, is_conflict) = (Box::new(merged.here.clone()), losers.contains(&Of::Here));
            self.plan.steps.push(Step::Take { record, contact, changed: origin, is_conflict });
        }
        let sends = merged.there != *there;
        let agreed = if sends { assumed_base(there, &merged.here, holds) } else { merged.here };
        self.plan.steps.push(Step::Link(Box::new(Linking {
            record,
            collection: stranger.collection,
            item: item.clone(),
            origin: Origin::Imported,
            agreed,
            image: None,
            sends,
            is_dirty: false,
        })));
        self.tag(record);
        Ok(())
    }

    /// Where a tag says what is kept in step, what is in the group has it.
    fn tag(&mut self, record: ContactId) {
        if self.leaving == Leaving::Group {
            self.plan.steps.push(Step::Tag(record, true));
        }
    }
}
