//! Plan: what goes out (F3.2, F3.4). Only records that changed since the last run are looked at, unless the rule is another one.

use std::collections::BTreeSet;

use postrider_journal::ItemOperation;
use postrider_model::{CollectionKind, ContactId, LabelKind, LabelScope, RecordId};
use postrider_reconcile::contacts::{
    Candidate, Export, ExportRule, Leaving, LinkOrigin, Tag, TagScope, judge_export,
};
use postrider_store::{Link, Origin, PlannedContact, Side, StoreError, Tx, Viewer};

use super::{
    ContactRules, ContactWay, ItemsContext,
    books::Book,
    plan::{Planner, Step},
};
use crate::card::folded;

/// Which contacts an account wants, and what has to stay the same for what was worked out by it to hold.
pub(super) struct Rule {
    way: ContactWay,
    exports: bool,
    user: String,
    viewer: Viewer,
    text: String,
}

impl Rule {
    pub(super) fn new(tx: &Tx<'_>, run: &ItemsContext, rules: &ContactRules) -> Result<Self, StoreError> {
        let (kind, names) = match &rules.way {
            ContactWay::Group { tag, .. } => (LabelKind::Tag, std::slice::from_ref(tag)),
            ContactWay::Books { groups, .. } => (LabelKind::Contacts, groups.as_slice()),
        };
        let mut labels = BTreeSet::new();
        for name in names {
            labels.extend(tx.labels_named(kind, &run.user, &folded(name))?.into_iter().map(|row| row.id.0));
        }
        let (way, exports) = (&rules.way, rules.export);
        Ok(Self {
            text: format!("{way:?} {} {exports} {labels:?} {:?} {:?}", rules.import, run.user, run.viewer),
            way: way.clone(),
            exports,
            user: run.user.clone(),
            viewer: run.viewer.clone(),
        })
    }

    /// As it is noted. Where no book takes what goes out, all of that is still to be looked at once there is one.
    fn noted(&self, books: &[Book]) -> String {
        format!("{} {}", self.text, books.iter().any(|book| book.is_target))
    }

    /// Whether it is the one by which the export was worked out last.
    pub(super) fn is_known(
        &self,
        tx: &Tx<'_>,
        run: &ItemsContext,
        books: &[Book],
    ) -> Result<bool, StoreError> {
        let reach = tx.export_reach(run.account_id, "contact")?;
        Ok(reach.is_some_and(|(rule, _)| rule == self.noted(books)))
    }

    fn judge(&self, stored: &PlannedContact, link: Option<Origin>) -> Export {
        let link = link.map(|origin| match origin {
            Origin::Imported => LinkOrigin::Imported,
            Origin::Exported => LinkOrigin::Exported,
        });
        let is_visible = self.viewer.sees(&stored.record.owner, &stored.record.visibility);
        let of_kind = |kind: LabelKind| stored.labels.iter().filter(move |label| label.kind == kind);
        let kinds = [stored.kind.clone()];
        match &self.way {
            ContactWay::Group { tag, .. } => {
                let scope = |label: &postrider_store::LabelRow| match label.scope {
                    LabelScope::Personal if label.owner == self.user => TagScope::Own,
                    LabelScope::Personal => TagScope::Others,
                    LabelScope::Corporate => TagScope::Corporate,
                    LabelScope::Public => TagScope::Public,
                };
                // A tag is the same however its letters are cased.
                let name = |name: &'_ str| if folded(name) == folded(tag) { tag.as_str() } else { "" };
                let tags: Vec<_> = of_kind(LabelKind::Tag)
                    .map(|label| Tag { scope: scope(label), name: name(&label.name) })
                    .collect();
                let candidate = Candidate { is_visible, tags: &tags, types: &[], groups: &[], link };
                judge_export(ExportRule::Tagged(tag), &candidate)
            }
            ContactWay::Books { types, groups, .. } => {
                let wanted: Vec<String> = groups.iter().map(|name| folded(name)).collect();
                let in_groups: Vec<String> =
                    of_kind(LabelKind::Contacts).map(|label| folded(&label.name)).collect();
                let candidate = Candidate { is_visible, tags: &[], types: &kinds, groups: &in_groups, link };
                let rule = match types {
                    None if groups.is_empty() => ExportRule::All,
                    types => ExportRule::Any { types: types.as_deref().unwrap_or_default(), groups: &wanted },
                };
                judge_export(rule, &candidate)
            }
        }
    }

    /// Whether a record that is there does not belong into its link any more.
    pub(super) fn lets_go(&self, stored: &PlannedContact, origin: Origin) -> bool {
        self.exports && self.judge(stored, Some(origin)) == Export::Leave
    }

    /// Whether anything goes out.
    pub(super) const fn exports(&self) -> bool {
        self.exports
    }

    /// Whether a record without an item is to have one.
    pub(super) fn wants(&self, stored: &PlannedContact) -> bool {
        self.exports && stored.record.deleted.is_none() && self.judge(stored, None) == Export::Make
    }

    /// Whether an item that was noted to be made of it is to be made still. Where deletions are carried over, one that was deleted there
    /// and edited here is made again whatever the rule says of new ones.
    pub(super) fn makes(&self, stored: &PlannedContact) -> bool {
        let is_again = matches!(self.way, ContactWay::Books { propagates: true, .. });
        self.wants(stored) || self.exports && is_again && stored.record.deleted.is_none()
    }
}

impl Planner<'_, '_> {
    /// What changed here.
    pub(super) fn touched(&mut self) -> Result<(), StoreError> {
        let account = self.task.run.account_id;
        let reach = self.tx.export_reach(account, "contact")?;
        let rule = self.rule.noted(self.task.books);
        let since = reach.filter(|(known, _)| *known == rule).map(|(_, stamp)| stamp);
        for record in self.tx.records_since("contact", since.unwrap_or(-1))? {
            if !self.met.contains(&record) {
                self.look_at(record)?;
            }
        }
        if since.is_none() {
            // What another rule lets in has to be read anew, and a book that could not be is still to be.
            let is_read = |id| self.task.collected.iter().any(|one| one.book == id && one.is_whole);
            let books = self.tx.item_collections(account)?.into_iter();
            let books = books.filter(|one| one.kind == CollectionKind::AddressBook && one.cursor.is_some());
            self.plan.unread.extend(books.map(|one| one.id).filter(|id| !is_read(*id)));
        }
        self.plan.rule = Some(rule);
        Ok(())
    }

    fn look_at(&mut self, record: RecordId) -> Result<(), StoreError> {
        let account = self.task.run.account_id;
        let links = self.tx.links_of_record(account, record)?;
        let (live, left): (Vec<Link>, Vec<Link>) = links.into_iter().partition(|link| link.left.is_none());
        if live.is_empty() {
            // What has its item in a collection that is not followed now has an item.
            if !self.tx.frozen_links_of_record(account, record)?.is_empty() {
                return Ok(());
            }
            return self.consider(ContactId(record.0), left.last());
        }
        for link in live {
            match self.task.collected.iter().find(|one| one.book == link.collection) {
                Some(one) => self.decide(link, None, one.ahead_ms)?,
                // Its book could not be read: it is decided by the next run that can.
                None => self.plan.steps.push(Step::Wait { link: link.id, gone: link.gone }),
            }
        }
        Ok(())
    }

    /// A record that has no item. `left` is the link that it had.
    fn consider(&mut self, record: ContactId, left: Option<&Link>) -> Result<(), StoreError> {
        let Some(stored) = self.tx.planned_contact(record)? else { return Ok(()) };
        let is_wanted = self.rule.wants(&stored);
        match (is_wanted, left) {
            (false, Some(link)) if link.left == Some(Side::Server) => {
                // It left here too: once it is wanted again, it goes out again.
                self.plan.steps.push(Step::Left { link: link.id, side: Side::Here });
            }
            (false, _) => {}
            // A contact that was deleted there stays unlinked (F3.4).
            (true, Some(link)) if link.left == Some(Side::Server) && self.leaving != Leaving::Group => {}
            (true, Some(link)) => {
                self.send(Some(link.id), Some(link.collection), record, ItemOperation::Join);
            }
            (true, None) => {
                if let Some(book) = self.task.books.iter().find(|book| book.is_target) {
                    self.send(None, Some(book.id), record, ItemOperation::Create { said: None });
                }
            }
        }
        Ok(())
    }
}
