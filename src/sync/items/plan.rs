//! Plan: what is done about all that changed here and there, as a value. Nothing is written here.
//!
//! What changed here is found by its content against what was agreed on, never by a time; what changed there against the image that the
//! server returned last. Times only say who wins (F5.1).

use std::collections::{BTreeMap, BTreeSet};

use postrider_formats::vcard::Card;
use postrider_journal::ItemOperation;
use postrider_model::{
    Contact, ContactId, Entropy, ItemCollectionId, ItemCursor, ItemKey, LinkId, RecordId, Timestamp,
};
use postrider_reconcile::{
    CONTACTS_LISTED_EMPTY, Change, Kept, Leavings, Side as Of, Sides, Verdict,
    contacts::{
        ContactDecision, ContactFate, FieldGroup, Leaving, apply_difference, decide_contact, merge_contact,
    },
    judge_leavings, most_to_count,
};
use postrider_remote::{ContactCapabilities, RemoteContact};
use postrider_store::{About, GoneThere, Link, Origin, PlannedContact, Side, StoreError, Tx};

use super::{
    ContactRules, ItemsContext,
    books::Book,
    collect::{Collected, News},
    export::Rule,
    known::{Known, times},
};

/// One thing that is done in the store.
#[derive(Debug)]
pub(super) enum Step {
    /// A deleted record is there again.
    Revive(ContactId),
    /// A record is deleted.
    Delete(ContactId),
    /// A record says that from now on. `is_conflict`: what it said is superseded.
    Take { record: ContactId, contact: Box<Contact>, changed: Option<Timestamp>, is_conflict: bool },
    /// What the server had is superseded, and kept beside the record.
    Supersede { record: ContactId, lost: Box<Contact>, changed: Option<Timestamp> },
    /// The account's tag goes on a record, or off it.
    Tag(ContactId, bool),
    /// A new record, linked with its item.
    Add {
        collection: ItemCollectionId,
        item: Box<RemoteContact>,
        contact: Box<Contact>,
        changed: Option<Timestamp>,
    },
    /// A record that was here is linked with an item.
    Link(Box<Linking>),
    /// The item of a link is under that key now.
    Move { link: LinkId, collection: ItemCollectionId, key: ItemKey },
    /// Both agree on this from now on; where no item is named, on the image that they agreed on before.
    Base { link: Box<Link>, item: Option<Box<RemoteContact>>, agreed: Box<Contact> },
    /// What is to be decided about a link waits.
    Wait { link: LinkId, gone: Option<GoneThere> },
    /// A link ended on that side.
    Left { link: LinkId, side: Side },
    /// Neither side has it any more.
    Forget(LinkId),
    /// That is to be sent.
    Send { about: About, operation: ItemOperation },
    /// A write of unknown fate turned out to be done.
    Ended(i64),
}

/// A link to be made with a record that was here.
#[derive(Debug)]
pub(super) struct Linking {
    pub record: ContactId,
    pub collection: ItemCollectionId,
    pub item: RemoteContact,
    pub origin: Origin,
    pub agreed: Contact,
    /// The image, where it is not the item: what the item says otherwise was changed there, and is asked for and decided by the next run.
    pub image: Option<Contact>,
    /// What is here is to be sent.
    pub sends: bool,
    /// It is to be decided again.
    pub is_dirty: bool,
}

/// What would leave a book, and waits for a word.
#[derive(Debug)]
pub(super) struct Hold {
    pub collection: ItemCollectionId,
    pub name: String,
    pub links: Vec<LinkId>,
    pub why: &'static str,
    pub total: u64,
}

/// What is done about an account's contacts.
#[derive(Debug, Default)]
pub(super) struct ContactPlan {
    pub steps: Vec<Step>,
    /// One a book that was read.
    pub holds: Vec<Hold>,
    pub cursors: Vec<(ItemCollectionId, ItemCursor)>,
    /// Collections that are to be read anew from their beginning.
    pub unread: Vec<ItemCollectionId>,
    /// By which rule the export was worked out, where it was.
    pub rule: Option<String>,
    pub pulled: u64,
    pub unlinked: u64,
    pub conflicts: u64,
    pub warnings: Vec<String>,
}

/// All that a plan is made of, but for the store.
pub(super) struct Task<'a> {
    pub run: &'a ItemsContext,
    pub rules: &'a ContactRules,
    pub can: &'a ContactCapabilities,
    pub books: &'a [Book],
    pub collected: Vec<Collected>,
    /// Links whose items were asked for and are not there any more.
    pub absent: BTreeSet<LinkId>,
    /// Not a round that decides some again, but the whole.
    pub is_whole: bool,
    pub entropy: &'a dyn Entropy,
}

/// A plan that is being made.
pub(super) struct Planner<'a, 'tx> {
    pub task: &'a Task<'a>,
    pub tx: &'a Tx<'tx>,
    pub rule: Rule,
    /// Whether any write of the account is under way.
    pub has_intents: bool,
    /// Links of items that are told, as far as they were read already: nothing is written while it is planned.
    pub linked: BTreeMap<(ItemCollectionId, &'a ItemKey), Link>,
    pub leaving: Leaving,
    pub plan: ContactPlan,
    /// Records that got an item, or are decided, by this plan.
    pub met: BTreeSet<RecordId>,
    /// News of items that turned out to be others' moved here: they are not gone.
    pub moved: BTreeSet<LinkId>,
    leavings: BTreeMap<ItemCollectionId, Vec<Departure>>,
}

/// A link that would end, if the guard lets it.
struct Departure {
    link: Link,
    record: ContactId,
    fate: ContactFate,
    gone: Option<GoneThere>,
    /// What is taken over first, of what was edited there.
    first: Vec<Step>,
}

impl Task<'_> {
    pub(super) fn plan(&self, tx: &Tx<'_>) -> Result<ContactPlan, StoreError> {
        let mut planner = Planner {
            task: self,
            tx,
            rule: Rule::new(tx, self.run, self.rules)?,
            has_intents: tx.has_item_intents(self.run.account_id)?,
            linked: BTreeMap::new(),
            leaving: self.rules.leaving(),
            plan: ContactPlan::default(),
            met: BTreeSet::new(),
            moved: BTreeSet::new(),
            leavings: BTreeMap::new(),
        };
        planner.arrivals()?;
        for one in &self.collected {
            planner.changes_of(one)?;
        }
        if self.is_whole {
            planner.touched()?;
        }
        for one in &self.collected {
            planner.judge(one)?;
            if let Some(cursor) = &one.cursor {
                planner.plan.cursors.push((one.book, cursor.clone()));
            }
        }
        Ok(planner.plan)
    }
}

impl<'a> Planner<'a, '_> {
    /// What changed of linked items, and what waits to be decided.
    fn changes_of(&mut self, collected: &'a Collected) -> Result<(), StoreError> {
        for (key, news) in &collected.news {
            let link = match self.linked.remove(&(collected.book, key)) {
                Some(link) => Some(link),
                None => self.tx.link_of_item(collected.book, key)?,
            };
            let Some(link) = link else { continue };
            if link.left.is_none()
                && !self.moved.contains(&link.id)
                && !self.waits(&link, Some(news), collected)
            {
                self.decide(link, Some(news), collected.ahead_ms)?;
            }
        }
        if collected.is_whole {
            for link in self.tx.dirty_links(collected.book)? {
                let is_met = link.record.is_some_and(|record| self.met.contains(&record));
                let is_known = !link.base.version.0.is_empty();
                if link.left.is_none()
                    && is_known
                    && !is_met
                    && !self.moved.contains(&link.id)
                    && !self.waits(&link, None, collected)
                {
                    self.decide(link, None, collected.ahead_ms)?;
                }
            }
        }
        Ok(())
    }

    /// Decides about one link.
    pub(super) fn decide(
        &mut self,
        link: Link,
        news: Option<&News>,
        ahead_ms: i64,
    ) -> Result<(), StoreError> {
        let Some(record) = link.record.map(|record| ContactId(record.0)) else { return Ok(()) };
        self.met.insert(record.into());
        let Some(stored) = self.tx.planned_contact(record)? else {
            self.plan.steps.push(Step::Forget(link.id));
            return Ok(());
        };
        let Ok(card) = Card::read(stored.card.as_bytes()) else {
            self.plan.warnings.push(format!("the vCard of {record} cannot be read: it was left alone"));
            return Ok(());
        };
        let open = match self.has_intents {
            true => self.tx.item_intents_of_record(self.task.run.account_id, record)?,
            false => Vec::new(),
        };
        let is_under_way = |operation: &ItemOperation| open.iter().any(|row| row.operation == *operation);
        let gone = match news {
            Some(News::Put(_)) => None,
            Some(News::Gone(how)) => Some(*how),
            None => link.gone,
        };
        // It is outside the group until it has joined.
        let gone = gone.filter(|how| *how == GoneThere::Deleted || !is_under_way(&ItemOperation::Join));
        let item = match news {
            Some(News::Put(item)) => Some(item.as_ref()),
            _ => None,
        };
        let sides = Known::of(card.contact(), &stored.card, &link);
        let decision =
            decide_contact(self.leaving, self.here(&stored, &link, &sides), there(gone, item, sides.image()));
        let is_let =
            link.is_allowed || is_under_way(&ItemOperation::Leave) || is_under_way(&ItemOperation::Delete);
        match decision.fate {
            ContactFate::Merge => self.merge(link, &stored, &sides, item, ahead_ms)?,
            ContactFate::ReviveHere => {
                self.plan.steps.push(Step::Revive(record));
                self.plan.conflicts += 1;
                self.plan.pulled += 1;
                self.merge(link, &stored, &sides, item, ahead_ms)?;
            }
            ContactFate::MakeThere => {
                self.plan.conflicts += 1;
                let collection = Some(link.collection);
                self.plan.steps.push(Step::Forget(link.id));
                self.send(None, collection, record, ItemOperation::Create { said: None });
            }
            // An item that is outside the group is still there: it joins again rather than being made anew.
            ContactFate::Forget if gone == Some(GoneThere::Left) => {
                self.plan.steps.push(Step::Left { link: link.id, side: Side::Here });
            }
            ContactFate::Forget => self.plan.steps.push(Step::Forget(link.id)),
            fate => {
                // Nobody deletes what is another user's, or has another item that is still there.
                let is_own = stored.record.owner == self.task.run.user;
                let fate = match fate {
                    ContactFate::DeleteHere if !is_own || self.has_another(&link, record)? => {
                        ContactFate::Unlink
                    }
                    fate => fate,
                };
                let first = self.taken_first(decision, &link, &stored, &sides, item, ahead_ms)?;
                let departure = Departure { link, record, fate, gone, first };
                match is_let {
                    true => self.depart(departure),
                    false => {
                        self.leavings.entry(departure.link.collection).or_default().push(departure);
                    }
                }
            }
        }
        Ok(())
    }

    fn here(&self, stored: &PlannedContact, link: &Link, sides: &Known) -> Change {
        if stored.record.deleted.is_some() {
            Change::Deleted
        } else if self.rule.lets_go(stored, link.origin) {
            Change::Unlinked
        } else if sides.agreed.as_ref().is_some_and(|agreed| *agreed != sides.here) {
            Change::Edited
        } else {
            Change::None
        }
    }

    /// What was edited there of a contact that leaves here is in the record first.
    fn taken_first(
        &mut self,
        decision: ContactDecision,
        link: &Link,
        stored: &PlannedContact,
        sides: &Known,
        item: Option<&RemoteContact>,
        ahead_ms: i64,
    ) -> Result<Vec<Step>, StoreError> {
        if !decision.merges_first {
            return Ok(Vec::new());
        }
        let before = self.plan.steps.len();
        self.merge(link.clone(), stored, sides, item, ahead_ms)?;
        let mut first = self.plan.steps.split_off(before);
        first.retain(|step| !matches!(step, Step::Send { .. }));
        Ok(first)
    }

    /// Merges both sides of a link.
    pub(super) fn merge(
        &mut self,
        link: Link,
        stored: &PlannedContact,
        known: &Known,
        item: Option<&RemoteContact>,
        ahead_ms: i64,
    ) -> Result<(), StoreError> {
        let holds = &self.task.can.fields;
        let record = ContactId(stored.record.id.0);
        let (agreed, image) = (known.agreed(), known.image());
        let there = item.map_or(image, |item| &item.contact);
        let sides = Sides { agreed, image, here: &known.here, there };
        let times = times(stored, item, ahead_ms);
        let merged = merge_contact(sides, &times, holds);
        let origin = times.origin(&FieldGroup::Content);
        let losers = merged.losers();
        if losers.contains(&Of::There) {
            let lost = apply_difference(image, there, agreed, holds);
            let (lost, changed) = (Box::new(lost), origin);
            self.plan.steps.push(Step::Supersede { record, lost, changed });
        }
        self.plan.conflicts += u64::from(!losers.is_empty());
        let sends = merged.there != *there;
        if merged.here != known.here {
            self.plan.pulled += 1;
            let is_conflict = losers.contains(&Of::Here);
            let contact = Box::new(merged.here.clone());
            self.plan.steps.push(Step::Take { record, contact, changed: origin, is_conflict });
        }
        // What is still to be sent has to differ from what is agreed on, and nothing else.
        let agreed = match sends {
            false => merged.here,
            true => Contact { uid: merged.here.uid, ..apply_difference(image, there, agreed, holds) },
        };
        let (id, collection) = (link.id, link.collection);
        let (link, item) = (Box::new(link), item.cloned().map(Box::new));
        self.plan.steps.push(Step::Base { link, item, agreed: Box::new(agreed) });
        if sends {
            self.send(Some(id), Some(collection), record, ItemOperation::UPDATE);
        }
        Ok(())
    }

    /// Notes that something is to be sent. Where nothing may be, it is decided again once something may.
    pub(super) fn send(
        &mut self,
        link: Option<LinkId>,
        collection: Option<ItemCollectionId>,
        record: ContactId,
        operation: ItemOperation,
    ) {
        if self.task.rules.export {
            let account = self.task.run.account_id;
            let about = About { account, collection, record: Some(record.into()), link };
            self.plan.steps.push(Step::Send { about, operation });
        }
    }

    /// Lets go what may, and holds the rest.
    fn judge(&mut self, collected: &Collected) -> Result<(), StoreError> {
        let departures = self.leavings.remove(&collected.book).unwrap_or_default();
        let is_deletion =
            |one: &&Departure| matches!(one.fate, ContactFate::DeleteHere | ContactFate::DeleteThere);
        let deleted = departures.iter().filter(is_deletion).count() as u64;
        // No more has to be counted than what the guard compares with, but of what is held anyway.
        let is_empty = collected.was_empty || self.follow_from_nothing(&departures)?;
        let most = if is_empty { u64::MAX } else { most_to_count(departures.len() as u64) };
        let total = self.tx.count_links(collected.book, most)?;
        let verdict = judge_leavings(Leavings {
            what: Kept::Contacts,
            deleted,
            unlinked: departures.len() as u64 - deleted,
            cancelled: 0,
            of: total,
            listing_was_empty: is_empty,
        });
        let mut hold = Hold {
            collection: collected.book,
            name: self.name_of(collected.book),
            links: Vec::new(),
            why: "",
            total,
        };
        match verdict {
            Verdict::Go => departures.into_iter().for_each(|one| self.depart(one)),
            Verdict::Held(why) => {
                hold.why = why;
                for one in departures {
                    hold.links.push(one.link.id);
                    // What was edited there is behind the cursor by now.
                    self.plan.steps.extend(one.first);
                    self.plan.steps.push(Step::Wait { link: one.link.id, gone: one.gone });
                }
            }
        }
        if collected.is_whole || !hold.links.is_empty() {
            self.plan.holds.push(hold);
        }
        Ok(())
    }

    /// Whether some were held since a listing was empty: the next one, of changes, says nothing more of that.
    fn follow_from_nothing(&self, departures: &[Departure]) -> Result<bool, StoreError> {
        for plan in departures.iter().filter_map(|one| one.link.held).collect::<BTreeSet<_>>() {
            if self.tx.held_because(plan)?.as_deref() == Some(CONTACTS_LISTED_EMPTY) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn name_of(&self, book: ItemCollectionId) -> String {
        let book = self.task.books.iter().find(|one| one.id == book);
        book.map(|book| book.name.clone()).unwrap_or_default()
    }

    fn depart(&mut self, one: Departure) {
        let Departure { link, record, fate, gone, first } = one;
        self.plan.steps.extend(first);
        let left = |side| Step::Left { link: link.id, side };
        let side = if gone.is_some() { Side::Server } else { Side::Here };
        self.plan.unlinked += 1;
        match fate {
            ContactFate::DeleteHere => {
                self.plan.steps.extend([Step::Delete(record), Step::Forget(link.id)]);
            }
            ContactFate::Untag => {
                self.plan.steps.extend([left(Side::Server), Step::Tag(record, false)]);
            }
            ContactFate::Unlink => self.plan.steps.push(left(side)),
            ContactFate::DeleteThere | ContactFate::LeaveGroup if !self.task.rules.export => {
                self.plan.steps.push(Step::Wait { link: link.id, gone });
            }
            ContactFate::DeleteThere => {
                self.send(Some(link.id), Some(link.collection), record, ItemOperation::Delete);
            }
            ContactFate::LeaveGroup => {
                self.send(Some(link.id), Some(link.collection), record, ItemOperation::Leave);
            }
            ContactFate::Merge | ContactFate::MakeThere | ContactFate::ReviveHere | ContactFate::Forget => {}
        }
    }
}

fn there(gone: Option<GoneThere>, item: Option<&RemoteContact>, image: &Contact) -> Change {
    match (gone, item) {
        (Some(GoneThere::Deleted), _) => Change::Deleted,
        (Some(GoneThere::Left), _) => Change::Unlinked,
        (None, Some(item)) if item.contact != *image => Change::Edited,
        (None, _) => Change::None,
    }
}
