//! Execute: what is noted is sent, one after another, and what the server answers becomes the base.
//!
//! What a write says is worked out in the transaction that notes its sending, which is on the disk before the first octet is on the wire
//! (I4). Each is conditional (I5): what the server has in another state is asked for and decided again.

use std::collections::BTreeSet;

use postrider_formats::vcard::Card;
use postrider_journal::{Event, ItemOperation, State, has_come};
use postrider_model::{Contact, ContactId, ErrorClass, Fault, ItemCollectionId, LinkId};
use postrider_reconcile::{
    Sides,
    contacts::{assumed_base, merge_contact},
};
use postrider_remote::{ContactOp, ItemApplied, RemoteContact, WriteFault};
use postrider_store::{
    About, Base, ItemIntentRow, Link, NewLink, Origin, PlannedContact, Side, StoreError, Tx,
};

use super::{
    Again, ContactsRun, ItemsContext, Steps,
    books::Book,
    export::Rule,
    image::{base_of, contact_of, text_of},
};
use crate::sync::is_for_all;
use crate::sync::noted::{after, may_go};

/// So many writes may fail before the rest waits for the next run.
const PATIENCE: usize = 3;

/// A write that is noted as sent.
struct Ready {
    row: ItemIntentRow,
    book: Book,
    op: ContactOp,
    /// What the record says as it is sent.
    said: String,
}

/// What becomes of a note before anything is sent.
enum Prepared {
    Send(Box<Ready>),
    /// The item of a link that ended is asked for: where it is there still, it is linked again.
    Ask(Box<(ItemIntentRow, Book, Link)>),
    /// It is not wanted any more.
    Nothing,
}

impl Steps<'_> {
    /// Sends all that is noted and due. Answers what has to be decided again. Into a book that this run has not `read` nothing new goes: it
    /// may be there by now.
    pub(super) async fn push(
        &self,
        books: &[Book],
        read: &BTreeSet<ItemCollectionId>,
        done: &mut ContactsRun,
    ) -> Result<Again, Fault> {
        let mut again = Again::default();
        let mut last = 0;
        let mut failures = 0;
        loop {
            let account = self.run.account_id;
            let now = self.ports.clock.now();
            let mut open = self.ports.transaction(move |tx| tx.item_intents(account)).await?;
            open.retain(|row| {
                row.id > last
                    && row.intent.state == State::Noted
                    && has_come(row.intent.due, now)
                    && may_go(row, read)
            });
            if open.is_empty() || !self.may_send(done) {
                return Ok(again);
            }
            for row in open {
                last = row.id;
                let Some(book) = books.iter().find(|book| row.about.collection == Some(book.id)) else {
                    continue;
                };
                match self.push_one(row, book, &mut again).await {
                    Ok(was_sent) => done.pushed += u64::from(was_sent),
                    Err(fault) if is_for_all(&fault) => return Err(fault),
                    Err(fault) => {
                        failures += usize::from(fault.class != ErrorClass::Permanent);
                        done.faults.push(fault);
                    }
                }
                if failures >= PATIENCE {
                    return Ok(again);
                }
            }
        }
    }

    async fn push_one(&self, row: ItemIntentRow, book: &Book, again: &mut Again) -> Result<bool, Fault> {
        let (run, rules, holds) = (self.run.clone(), self.rules.clone(), self.can.fields.clone());
        let (keeps_uid, has_groups, book) = (self.can.keeps_uid, self.can.has_groups, book.clone());
        let prepared = self
            .ports
            .durable_transaction(move |tx| {
                let rule = Rule::new(tx, &run, &rules)?;
                let mut preparing =
                    Preparing { tx, run: &run, rule: &rule, holds: &holds, keeps_uid, has_groups };
                preparing.prepare(row, book)
            })
            .await?;
        match prepared {
            Prepared::Nothing => Ok(false),
            Prepared::Send(ready) => self.send(*ready, again).await,
            Prepared::Ask(asked) => {
                let (row, book, link) = *asked;
                let there = self.fetched(&book, std::slice::from_ref(&link.key)).await?;
                let is_there = there.iter().any(|one| matches!(one, postrider_remote::ContactChange::Put(_)));
                self.joined(row, link.id, is_there, again).await?;
                Ok(false)
            }
        }
    }

    async fn send(&self, ready: Ready, again: &mut Again) -> Result<bool, Fault> {
        let Ready { row, book, op, said } = ready;
        match self.remote.apply(&book.key, row.intent.mark, &op).await {
            Ok(applied) => self.applied(row, &op, applied, said, again).await,
            Err(failed) => self.failed_write(row.id, failed).await,
        }
    }

    async fn applied(
        &self,
        row: ItemIntentRow,
        op: &ContactOp,
        applied: ItemApplied<RemoteContact>,
        said: String,
        again: &mut Again,
    ) -> Result<bool, Fault> {
        let id = row.id;
        let link = row.about.link;
        match (op, applied) {
            (ContactOp::Create { .. }, ItemApplied::Done(item)) => {
                let about = row.about;
                let mark = row.intent.mark;
                self.ports
                    .transaction(move |tx| {
                        tx.step_item_intent(id, Event::Done)?;
                        let (Some(collection), Some(record)) = (about.collection, about.record) else {
                            return Ok(());
                        };
                        let base = base_of(&item, said);
                        let (key, mark) = (item.key.clone(), Some(mark));
                        let origin = Origin::Exported;
                        tx.add_link(&NewLink { collection, key, record, origin, mark, base }).map(drop)
                    })
                    .await?;
                Ok(true)
            }
            (ContactOp::Update { .. }, ItemApplied::Done(item)) => {
                self.with_link(id, link, Event::Done, move |tx, link| {
                    let image = match contact_of(&link.base.image) == item.contact {
                        true => link.base.image.clone(),
                        false => text_of(&item.contact),
                    };
                    let (version, there) = (item.version.clone(), item.changed);
                    tx.set_base(link.id, &Base { version, image, agreed: said, there })
                })
                .await?;
                Ok(true)
            }
            (ContactOp::Leave { .. }, _) => {
                self.with_link(id, link, Event::Done, |tx, link| tx.leave_link(link.id, Side::Here)).await?;
                Ok(true)
            }
            (ContactOp::Delete { .. }, ItemApplied::Removed | ItemApplied::Gone) => {
                self.with_link(id, link, Event::Done, |tx, link| tx.drop_link(link.id)).await?;
                Ok(true)
            }
            (ContactOp::Join { .. }, applied) => {
                let is_there = matches!(applied, ItemApplied::Done(_));
                if let Some(link) = link {
                    self.joined(row, link, is_there, again).await?;
                }
                Ok(is_there)
            }
            // It is in another state than the one that was written against, or gone: asked for, and decided again.
            _ => {
                let found = self
                    .with_link(id, link, Event::Stale, |tx, link| tx.set_dirty(link.id, link.gone))
                    .await?;
                if let Some(link) = found {
                    again.entry(link.collection).or_default().push(link.key);
                }
                Ok(false)
            }
        }
    }

    /// Ends a note and does something with its link; answers the link as it was.
    async fn with_link(
        &self,
        id: i64,
        link: Option<LinkId>,
        event: Event,
        act: impl FnOnce(&mut Tx<'_>, &Link) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<Option<Link>, Fault> {
        self.ports
            .transaction(move |tx| {
                tx.step_item_intent(id, event)?;
                let link = link.map(|link| tx.link(link)).transpose()?.flatten();
                if let Some(link) = &link {
                    act(tx, link)?;
                }
                Ok(link)
            })
            .await
    }

    /// An item is in its group again, or is no more: then it is made anew, unless it is one that is linked, of which is decided.
    async fn joined(
        &self,
        row: ItemIntentRow,
        link: LinkId,
        is_there: bool,
        again: &mut Again,
    ) -> Result<(), Fault> {
        let now = self.ports.clock.now();
        let asked = self
            .ports
            .transaction(move |tx| {
                match row.intent.state {
                    State::Sent => drop(tx.step_item_intent(row.id, Event::Done)?),
                    _ => drop(tx.step_item_intent(row.id, Event::Withdraw)?),
                }
                let Some(link) = tx.link(link)? else { return Ok(None) };
                if !is_there && link.left.is_some() {
                    tx.drop_link(link.id)?;
                    let about = About { link: None, ..row.about };
                    tx.add_item_intent(about, &ItemOperation::Create { said: None }, now)?;
                    return Ok(None);
                }
                tx.move_link(link.id, link.collection, &link.key)?;
                tx.set_dirty(link.id, None)?;
                Ok(Some((link.collection, link.key)))
            })
            .await?;
        if let Some((collection, key)) = asked {
            again.entry(collection).or_default().push(key);
        }
        Ok(())
    }

    /// A write that failed: what surely was not done is tried again later, or given up where it always would fail; what may have been is
    /// looked for.
    async fn failed_write(&self, id: i64, failed: WriteFault) -> Result<bool, Fault> {
        let now = self.ports.clock.now();
        let event = after(&failed, now, self.can.lag_ms);
        self.ports.transaction(move |tx| tx.step_item_intent(id, event).map(drop)).await?;
        Err(failed.fault)
    }
}

/// A write that is being worked out.
struct Preparing<'a, 'tx> {
    tx: &'a mut Tx<'tx>,
    run: &'a ItemsContext,
    rule: &'a Rule,
    holds: &'a std::collections::BTreeSet<postrider_model::ContactField>,
    keeps_uid: bool,
    has_groups: bool,
}

impl Preparing<'_, '_> {
    fn prepare(&mut self, row: ItemIntentRow, book: Book) -> Result<Prepared, StoreError> {
        let Some(row) = self.tx.item_intent(row.id)?.filter(|row| row.intent.state == State::Noted) else {
            return Ok(Prepared::Nothing);
        };
        // What was noted before that was said waits with what is noted since.
        if !self.rule.exports() {
            return Ok(Prepared::Nothing);
        }
        let record = row.about.record.map(|id| ContactId(id.0));
        let stored = record.map(|id| self.tx.planned_contact(id)).transpose()?.flatten();
        let link = row.about.link.map(|id| self.tx.link(id)).transpose()?.flatten();
        let card = stored.as_ref().and_then(|stored| Card::read(stored.card.as_bytes()).ok());
        let (Some(stored), Some(card)) = (stored, card) else {
            return self.withdraw(row.id, link.as_ref());
        };
        let has_another = self.is_linked_but_for(&stored, row.about.link)?;
        let op = match (&row.operation, &link) {
            (ItemOperation::Create { .. }, None) => self.creation(&stored, &card)?,
            (ItemOperation::Update { .. }, Some(link))
                if link.left.is_none() && !self.rule.lets_go(&stored, link.origin) =>
            {
                self.update(&stored, &card, link)?
            }
            (ItemOperation::Join, Some(link))
                if link.left.is_none() || self.rule.wants(&stored) && !has_another =>
            {
                if !self.has_groups {
                    return Ok(Prepared::Ask(Box::new((row, book, link.clone()))));
                }
                Some(ContactOp::Join { key: link.key.clone() })
            }
            (ItemOperation::Leave, Some(link)) if link.left.is_none() => {
                let leaves = stored.record.deleted.is_some() || self.rule.lets_go(&stored, link.origin);
                leaves.then(|| ContactOp::Leave { key: link.key.clone() })
            }
            (ItemOperation::Delete, Some(link)) if link.left.is_none() => {
                let (key, version) = (link.key.clone(), link.base.version.clone());
                stored.record.deleted.is_some().then_some(ContactOp::Delete { key, version })
            }
            _ => None,
        };
        let Some(op) = op else { return self.withdraw(row.id, link.as_ref()) };
        let said = card.text().into_owned();
        if matches!(op, ContactOp::Create { .. }) {
            let said = Some(said.clone());
            self.tx.set_item_operation(row.id, &ItemOperation::Create { said })?;
        }
        self.tx.step_item_intent(row.id, Event::Send)?;
        let row = self.tx.item_intent(row.id)?.unwrap_or(row);
        Ok(Prepared::Send(Box::new(Ready { row, book, op, said })))
    }

    /// What is here changed again since it was noted: nothing is sent of it, and its link is decided by the next run.
    fn withdraw(&mut self, id: i64, link: Option<&Link>) -> Result<Prepared, StoreError> {
        self.tx.step_item_intent(id, Event::Withdraw)?;
        if let Some(link) = link.filter(|link| link.left.is_none()) {
            self.tx.set_dirty(link.id, link.gone)?;
        }
        Ok(Prepared::Nothing)
    }

    /// Whether a record has an item besides that of `link`, be it in a collection that is not followed now.
    fn is_linked_but_for(&self, stored: &PlannedContact, link: Option<LinkId>) -> Result<bool, StoreError> {
        let (account, record) = (self.run.account_id, stored.record.id);
        let links = self.tx.links_of_record(account, record)?;
        let has_live = links.iter().any(|one| one.left.is_none() && Some(one.id) != link);
        Ok(has_live || !self.tx.frozen_links_of_record(account, record)?.is_empty())
    }

    fn creation(&self, stored: &PlannedContact, card: &Card) -> Result<Option<ContactOp>, StoreError> {
        if self.is_linked_but_for(stored, None)? || !self.rule.makes(stored) {
            return Ok(None);
        }
        let here = card.contact();
        let mut contact = assumed_base(&here, &Contact::default(), self.holds);
        contact.uid = here.uid.filter(|_| self.keeps_uid);
        Ok(Some(ContactOp::Create { contact: Box::new(contact) }))
    }

    fn update(
        &self,
        stored: &PlannedContact,
        card: &Card,
        link: &Link,
    ) -> Result<Option<ContactOp>, StoreError> {
        if stored.record.deleted.is_some() {
            return Ok(None);
        }
        let (agreed, image, here) =
            (contact_of(&link.base.agreed), contact_of(&link.base.image), card.contact());
        let sides = Sides { agreed: &agreed, image: &image, here: &here, there: &image };
        let wanted = merge_contact(sides, &Default::default(), self.holds).there;
        Ok((wanted != image).then(|| ContactOp::Update {
            key: link.key.clone(),
            version: link.base.version.clone(),
            was: Box::new(image),
            contact: Box::new(wanted),
        }))
    }
}
