//! Commit: a plan is made and carried out in one transaction: records, links, bases, the cursors that cover them (I3), and notes of what
//! is to be sent.

use std::collections::BTreeSet;

use postrider_formats::vcard::Card;
use postrider_model::{
    AccountId, Contact, ContactId, Fault, ItemVersion, LabelKind, LabelScope, LinkId, Timestamp, Visibility,
};
use postrider_remote::RemoteContact;
use postrider_store::{
    About, Base, Context, HeldItems, Link, NewItemHeld, NewLabel, NewLink, Origin, StoreError, Superseded, Tx,
};

use super::{
    ContactWay, ContactsRun, ItemsContext, Steps,
    books::Book,
    collect::Collected,
    image::{base_of, contact_of, text_of},
    plan::{ContactPlan, Hold, Linking, Step, Task},
};
use crate::card::{doc_of, folded, shown_name, tie};
use crate::sync::noted::end;
use postrider_journal::ItemOperation;

impl Steps<'_> {
    /// Decides and does what can be done here.
    pub(super) async fn settle(
        &self,
        books: &[Book],
        collected: Vec<Collected>,
        absent: BTreeSet<LinkId>,
        done: &mut ContactsRun,
    ) -> Result<(), Fault> {
        if books.is_empty() {
            return Ok(());
        }
        let (books, run, rules) = (books.to_vec(), self.run.clone(), self.rules.clone());
        let (can, entropy) = (self.can.clone(), self.ports.entropy.clone());
        let context = self.run.there("changed on the server", self.ports);
        let plan = self
            .ports
            .transaction(move |tx| {
                let is_whole = collected.is_empty() || collected.iter().any(|one| one.is_whole);
                let task = Task {
                    run: &run,
                    rules: &rules,
                    can: &can,
                    books: &books,
                    collected,
                    absent,
                    is_whole,
                    entropy: &*entropy,
                };
                let plan = tracing::debug_span!("plan").in_scope(|| task.plan(tx))?;
                let tag = match &rules.way {
                    ContactWay::Group { tag, .. } => Some(tag.as_str()),
                    ContactWay::Books { .. } => None,
                };
                Commit { tx, run: &run, tag, context }.all(&plan)?;
                Ok(plan)
            })
            .await?;
        done.pulled += plan.pulled;
        done.unlinked += plan.unlinked;
        done.conflicts += plan.conflicts;
        plan.warnings.into_iter().for_each(|warning| done.warn(warning));
        Ok(())
    }
}

/// A plan that is being carried out.
struct Commit<'a, 'tx> {
    tx: &'a mut Tx<'tx>,
    run: &'a ItemsContext,
    tag: Option<&'a str>,
    context: Context,
}

impl Commit<'_, '_> {
    fn all(&mut self, plan: &ContactPlan) -> Result<(), StoreError> {
        for step in &plan.steps {
            self.step(step)?;
        }
        for hold in &plan.holds {
            self.hold(hold)?;
        }
        for (book, cursor) in &plan.cursors {
            self.tx.set_item_cursor(*book, cursor, self.context.at)?;
        }
        for book in &plan.unread {
            self.tx.forget_item_cursor(*book)?;
        }
        if let Some(rule) = &plan.rule {
            let stamp = self.tx.stamp()?;
            self.tx.set_export_reach(self.account(), "contact", rule, stamp)?;
        }
        Ok(())
    }

    const fn account(&self) -> AccountId {
        self.run.account_id
    }

    fn because(&self, why: &str) -> Context {
        Context { why: why.to_owned(), ..self.context.clone() }
    }

    fn step(&mut self, step: &Step) -> Result<(), StoreError> {
        match step {
            Step::Revive(id) => {
                let context = self.because("it was changed on the server while it was deleted here");
                if self.is_deleted(*id)? { self.tx.restore_record(*id, &context) } else { Ok(()) }
            }
            Step::Delete(id) => {
                let context = self.because("deleted on the server");
                if self.is_deleted(*id)? { Ok(()) } else { self.tx.delete_record(*id, &context) }
            }
            Step::Take { record, contact, changed, is_conflict } => {
                self.take(*record, contact, *changed, *is_conflict)
            }
            Step::Supersede { record, lost, changed } => {
                let Some(card) = self.card(*record)? else { return Ok(()) };
                let context = self.because("changed on both sides, and later here");
                let (doc, name) = (card.with(lost).text().into_owned(), shown_name(lost));
                let (changed, by) = (*changed, &*self.run.account);
                self.tx.note_superseded(
                    *record,
                    &Superseded { doc: &doc, name: &name, changed, by },
                    &context,
                )
            }
            Step::Tag(id, on) => self.put_tag(*id, *on),
            Step::Add { collection, item, contact, changed } => {
                self.add(*collection, item, contact, *changed)
            }
            Step::Link(linking) => self.link(linking),
            Step::Move { link, collection, key } => self.tx.move_link(*link, *collection, key),
            Step::Base { link, item, agreed } => self.base(link, item.as_deref(), agreed),
            Step::Wait { link, gone } => self.tx.set_dirty(*link, *gone),
            Step::Left { link, side } => self.tx.leave_link(*link, *side),
            Step::Forget(link) => self.tx.drop_link(*link),
            Step::Send { about, operation } => {
                self.tx.add_item_intent(*about, operation, self.context.at).map(drop)
            }
            Step::Ended(id) => end(self.tx, *id),
        }
    }

    /// Whether it is deleted by now: a record that has two items may be decided twice.
    fn is_deleted(&self, id: ContactId) -> Result<bool, StoreError> {
        Ok(self.tx.record(id)?.is_none_or(|record| record.deleted.is_some()))
    }

    fn card(&self, id: ContactId) -> Result<Option<Card>, StoreError> {
        let stored = self.tx.planned_contact(id)?;
        Ok(stored.and_then(|stored| Card::read(stored.card.as_bytes()).ok()))
    }

    fn take(
        &mut self,
        id: ContactId,
        contact: &Contact,
        changed: Option<Timestamp>,
        is_conflict: bool,
    ) -> Result<(), StoreError> {
        let (Some(card), Some(stored)) = (self.card(id)?, self.tx.contact(id)?) else { return Ok(()) };
        let organization = &contact.organization.name;
        let company = match *organization == card.contact().organization.name {
            true => stored.doc.company,
            false => tie(self.tx, &self.run.viewer, organization)?,
        };
        let doc = doc_of(&card.with(contact), stored.doc.kind, company);
        let context = match is_conflict {
            true => self.because("changed on both sides, and later on the server"),
            false => self.context.clone(),
        };
        let changed = changed.unwrap_or(self.context.at);
        self.tx.take_contact(id, &doc, changed, is_conflict, &context).map(drop)
    }

    fn add(
        &mut self,
        collection: postrider_model::ItemCollectionId,
        item: &RemoteContact,
        contact: &Contact,
        changed: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let context = self.because("it came in from the server");
        let company = tie(self.tx, &self.run.viewer, &contact.organization.name)?;
        let card = Card::new(contact);
        let doc = doc_of(&card, String::new(), company);
        let id = self.tx.add_contact(&self.run.user, &Visibility::Private, &doc, &context)?;
        self.tx.set_content_changed(id, changed.unwrap_or(context.at))?;
        self.put_tag(id, true)?;
        let base = base_of(item, card.text().into_owned());
        self.tx
            .add_link(&NewLink {
                collection,
                key: item.key.clone(),
                record: id.into(),
                origin: Origin::Imported,
                mark: item.mark,
                base,
            })
            .map(drop)
    }

    fn link(&mut self, linking: &Linking) -> Result<(), StoreError> {
        let Linking { record, collection, item, origin, agreed, image, sends, is_dirty } = linking;
        let Some(card) = self.card(*record)? else { return Ok(()) };
        let mut base = base_of(item, card.with(agreed).text().into_owned());
        if let Some(image) = image {
            (base.image, base.version) = (text_of(image), ItemVersion(String::new()));
        }
        let link = self.tx.add_link(&NewLink {
            collection: *collection,
            key: item.key.clone(),
            record: (*record).into(),
            origin: *origin,
            mark: item.mark,
            base,
        })?;
        if *is_dirty {
            self.tx.set_dirty(link, None)?;
        }
        if *sends {
            let about = About {
                account: self.account(),
                collection: Some(*collection),
                record: Some((*record).into()),
                link: Some(link),
            };
            self.tx.add_item_intent(about, &ItemOperation::UPDATE, self.context.at)?;
        }
        Ok(())
    }

    /// What says what it said stays as it is written.
    fn base(
        &mut self,
        link: &Link,
        item: Option<&RemoteContact>,
        agreed: &Contact,
    ) -> Result<(), StoreError> {
        let Some(record) = link.record else { return Ok(()) };
        let agreed = match contact_of(&link.base.agreed) == *agreed {
            true => link.base.agreed.clone(),
            false => match self.card(ContactId(record.0))? {
                Some(card) => card.with(agreed).text().into_owned(),
                None => return Ok(()),
            },
        };
        let base = match item {
            None => Base { agreed, ..link.base.clone() },
            Some(item) => Base {
                image: match contact_of(&link.base.image) == item.contact {
                    true => link.base.image.clone(),
                    false => text_of(&item.contact),
                },
                version: item.version.clone(),
                there: item.changed,
                agreed,
            },
        };
        self.tx.set_base(link.id, &base)
    }

    fn put_tag(&mut self, id: ContactId, on: bool) -> Result<(), StoreError> {
        let Some(tag) = self.tag else { return Ok(()) };
        let name = folded(tag);
        let known = self.tx.labels_named(LabelKind::Tag, &self.run.user, &name)?;
        let known = known.into_iter().find(|label| label.scope == LabelScope::Personal);
        let label = match (known, on) {
            (Some(label), _) => label.id,
            (None, false) => return Ok(()),
            (None, true) => self.tx.add_label(&NewLabel {
                kind: LabelKind::Tag,
                scope: LabelScope::Personal,
                owner: &self.run.user,
                name: tag,
                folded: &name,
            })?,
        };
        let context = self.because(match on {
            true => "it is in the contact group on the server",
            false => "it is not in the contact group on the server any more",
        });
        self.tx.put_label(id, label, on, &context).map(drop)
    }

    fn hold(&mut self, hold: &Hold) -> Result<(), StoreError> {
        let held = NewItemHeld {
            account: self.account(),
            collection: Some(hold.collection),
            what: HeldItems::Leavings,
            name: &hold.name,
            why: hold.why,
            total: hold.total,
        };
        self.tx.hold_leavings(&held, &hold.links, self.context.at).map(drop)
    }
}
