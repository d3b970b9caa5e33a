//! Commit: a plan is made and carried out in one transaction: records, links, bases, the cursors that cover them (I3), and notes of what
//! is to be sent.

use postrider_formats::icalendar::Item;
use postrider_model::{
    AccountId, Activity, ActivityId, Fault, ItemCollectionId, ItemVersion, LinkId, Own, Status, Timestamp,
    Visibility,
};
use postrider_reconcile::activities::{Facets, shows_in_schedule, stub_master};
use postrider_remote::RemoteActivity;
use postrider_store::{
    Base, ChangedGroups, Context, HeldItems, Link, NewActivity, NewItemHeld, NewLink, Origin, OwnFacet, Side,
    StoreError, StoredActivity, Superseded, Tx,
};

use super::{
    ActivitiesRun, ActivityRules, Steps,
    arrive::made_by,
    calendars::Calendar,
    collect::Collected,
    image::{Agreed, Image, base_of, text},
    links::{adopt_uid, forget, unlinked, untold, with_times},
    plan::{ActivityPlan, Hold, Linking, Step, Task, gone},
};
use crate::sync::noted::end;
use crate::{
    activity::{doc_of, follow, groups, reach, starts},
    sync::ItemsContext,
};

impl Steps<'_> {
    /// Decides and does what can be done here.
    pub(super) async fn settle(
        &self,
        calendars: &[Calendar],
        collected: Vec<Collected>,
        done: &mut ActivitiesRun,
    ) -> Result<(), Fault> {
        if calendars.is_empty() {
            return Ok(());
        }
        let (calendars, run, rules) = (calendars.to_vec(), self.run.clone(), self.rules.clone());
        let can = self.can.clone();
        let context = self.run.there("changed on the server", self.ports);
        let plan = self
            .ports
            .transaction(move |tx| {
                let is_whole = collected.is_empty() || collected.iter().any(|one| one.is_whole);
                let (run, rules, can) = (&run, &rules, &can);
                let task = Task { run, rules, can, calendars: &calendars, collected, is_whole };
                let plan = tracing::debug_span!("plan").in_scope(|| task.plan(tx))?;
                Commit { tx, run, rules, context }.all(&plan)?;
                Ok(plan)
            })
            .await?;
        done.pulled += plan.pulled;
        done.deleted += plan.deleted;
        done.conflicts += plan.conflicts;
        plan.warnings.into_iter().for_each(|warning| done.warn(warning));
        Ok(())
    }
}

/// A plan that is being carried out.
struct Commit<'a, 'tx> {
    tx: &'a mut Tx<'tx>,
    run: &'a ItemsContext,
    rules: &'a ActivityRules,
    context: Context,
}

impl Commit<'_, '_> {
    fn all(&mut self, plan: &ActivityPlan) -> Result<(), StoreError> {
        for step in &plan.steps {
            self.step(step)?;
        }
        for hold in &plan.holds {
            self.hold(hold)?;
        }
        for (calendar, cursor) in &plan.cursors {
            self.tx.set_item_cursor(*calendar, cursor, self.context.at)?;
        }
        if let Some(rule) = &plan.rule {
            let stamp = self.tx.stamp()?;
            self.tx.set_export_reach(self.account(), "activity", rule, stamp)?;
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
                match self.is_deleted(*id)? {
                    true => self.tx.restore_record(*id, &context),
                    false => Ok(()),
                }
            }
            Step::Delete(id) => {
                let context = self.because("deleted on the server");
                match self.is_deleted(*id)? {
                    true => Ok(()),
                    false => self.tx.delete_record(*id, &context),
                }
            }
            Step::CallOff(id) => self.call_off(*id),
            Step::Hide(id, on) => self.hide(*id, *on),
            Step::Take { record, here, changed, is_conflict } => {
                self.take(*record, here, *changed, *is_conflict)
            }
            Step::Supersede { record, lost, changed } => self.supersede(*record, lost, *changed),
            Step::Add { collection, item, changed } => self.add(*collection, item, *changed),
            Step::Link(linking) => self.link(linking),
            Step::Move { link, collection, key } => self.tx.move_link(*link, *collection, key),
            Step::Base { link, item, agreed } => self.base(link, item.as_deref(), agreed),
            Step::Wait { link, is_gone } => self.tx.set_dirty(*link, gone(*is_gone)),
            Step::Left { link, side } => self.left(*link, *side),
            Step::Forget(link) => forget(self.tx, *link, &self.run.user),
            Step::Send { about, operation } => {
                self.tx.add_item_intent(*about, operation, self.context.at).map(drop)
            }
            Step::Ended(id) => end(self.tx, *id),
            Step::Undone(id) => {
                untold(self.tx, *id)?;
                end(self.tx, *id)
            }
            Step::Told(id) => self.tx.set_tell(*id, false),
            Step::Heard(id) => self.tx.set_answer_told(*id, &self.run.user),
            Step::StandIn(id, user) => self.tx.set_stand_in(*id, user.as_deref()),
        }
    }

    fn is_deleted(&self, id: ActivityId) -> Result<bool, StoreError> {
        Ok(self.tx.activity(id)?.is_none_or(|stored| stored.record.deleted.is_some()))
    }

    fn read(&self, id: ActivityId) -> Result<Option<(StoredActivity, Item)>, StoreError> {
        let Some(stored) = self.tx.activity(id)? else { return Ok(None) };
        Ok(Item::read(stored.doc.text.as_bytes()).ok().map(|item| (stored, item)))
    }

    /// What the owner has of it, which stands in the stored text.
    fn owners(&self, stored: &StoredActivity, item: &Item) -> Result<Own, StoreError> {
        let facet = self.tx.own(stored.id, &stored.record.owner)?;
        Ok(facet.map_or_else(|| item.own(), |facet| facet.own))
    }

    fn call_off(&mut self, id: ActivityId) -> Result<(), StoreError> {
        let Some((stored, item)) = self.read(id)? else { return Ok(()) };
        if stored.record.deleted.is_some() {
            return Ok(());
        }
        let mut off = item.activity();
        off.content.status = Status::Cancelled;
        let context = self.because("called off on the server");
        self.write(&stored, &item, &off, (self.context.at, false), &context)
    }

    fn hide(&mut self, id: ActivityId, on: bool) -> Result<(), StoreError> {
        if self.is_deleted(id)? {
            return Ok(());
        }
        let facet = self.tx.own(id, &self.run.user)?.unwrap_or_default();
        let context = self.because(match on {
            true => "the user's copy was deleted on the server",
            false => "the user's copy is on the server again",
        });
        let is = OwnFacet { hidden: on, ..facet };
        self.tx.set_own(id, &self.run.user, &is, &context).map(drop)
    }

    fn take(
        &mut self,
        id: ActivityId,
        here: &Facets,
        changed: Option<Timestamp>,
        is_conflict: bool,
    ) -> Result<(), StoreError> {
        let Some((stored, item)) = self.read(id)? else { return Ok(()) };
        if stored.record.deleted.is_some() {
            return Ok(());
        }
        let context = match is_conflict {
            true => self.because("changed on both sides, and later on the server"),
            false => self.context.clone(),
        };
        let changed = changed.unwrap_or(self.context.at);
        self.take_own(id, &here.own, changed, &context)?;
        let was = item.activity();
        let is = Activity {
            uid: was.uid.clone(),
            kind: was.kind,
            occurrence: was.occurrence,
            ..here.shared.clone()
        };
        if was != is {
            self.write(&stored, &item, &is, (changed, is_conflict), &context)?;
        }
        Ok(())
    }

    fn take_own(
        &mut self,
        id: ActivityId,
        own: &Own,
        changed: Timestamp,
        context: &Context,
    ) -> Result<(), StoreError> {
        let facet = self.tx.own(id, &self.run.user)?.unwrap_or_default();
        if facet.own == *own {
            return Ok(());
        }
        let has_answered = facet.own.response != own.response;
        let has_rest = facet.own != Own { response: facet.own.response, ..own.clone() };
        let at = |is_new: bool, before: Timestamp| if is_new { changed } else { before };
        let is = OwnFacet {
            own: own.clone(),
            response_changed: at(has_answered, facet.response_changed),
            own_changed: at(has_rest, facet.own_changed),
            tell: facet.tell && !has_answered,
            ..facet
        };
        self.tx.set_own(id, &self.run.user, &is, context).map(drop)
    }

    /// Writes what an activity is now, and brings along those of its times that no server tells of.
    fn write(
        &mut self,
        stored: &StoredActivity,
        item: &Item,
        is: &Activity,
        since: (Timestamp, bool),
        context: &Context,
    ) -> Result<(), StoreError> {
        let (was, defaults) = (item.activity(), self.rules.defaults);
        let own = self.owners(stored, item)?;
        let now = item.with(is, &own).stamped(self.context.at);
        self.tx.take_activity(stored.id, &doc_of(&now, defaults), groups(&was, is), since, context)?;
        let mut differing = Vec::new();
        for one in self.tx.differing(stored.id)? {
            if self.tx.copies_of_record(one.id)?.is_empty()
                && let Ok(item) = Item::read(one.doc.text.as_bytes())
            {
                differing.push((one, item));
            }
        }
        if differing.is_empty() {
            return Ok(());
        }
        let activities: Vec<Activity> = differing.iter().map(|(_, item)| item.activity()).collect();
        let until = reach(&activities, defaults);
        let times = match was.timing == is.timing {
            true => Default::default(),
            // A rule that cannot be followed that far leaves its times as they are.
            false => match (starts(&was, until, defaults), starts(is, until, defaults)) {
                (Ok(old), Ok(new)) => (old, new),
                _ => return Ok(()),
            },
        };
        follow(self.tx, &differing, &was, is, &times, defaults, context)
    }

    fn supersede(
        &mut self,
        id: ActivityId,
        lost: &Facets,
        changed: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let Some((_, item)) = self.read(id)? else { return Ok(()) };
        let is = item.activity();
        let shared =
            Activity { uid: is.uid, kind: is.kind, occurrence: is.occurrence, ..lost.shared.clone() };
        let doc = item.with(&shared, &lost.own).text();
        let context = self.because("changed on both sides, and later here");
        let (name, by) = (shared.content.title.as_str(), &*self.run.account);
        self.tx.note_superseded(id, &Superseded { doc: &doc, name, changed, by }, &context)
    }

    /// The record of the series of a time that came in; where only that time was shared, one that says nothing but whose it is.
    fn series_of(
        &mut self,
        collection: ItemCollectionId,
        item: &RemoteActivity,
        context: &Context,
    ) -> Result<Option<StoredActivity>, StoreError> {
        let Some(master) = &item.master else { return Ok(None) };
        let link = self.tx.link_of_item(collection, master)?.filter(|link| link.left.is_none());
        if let Some(record) = link.and_then(|link| link.record) {
            return self.tx.activity(ActivityId(record.0));
        }
        let uid = postrider_formats::icalendar::meeting_uid(&item.activity.uid);
        let known = self.tx.activities_of_uid(&uid)?;
        if let Some(series) =
            known.into_iter().find(|one| one.master.is_none() && one.doc.occurrence.is_none())
        {
            return Ok(Some(series));
        }
        let stub = Item::new(&stub_master(&item.activity), &Own::default()).stamped(context.at);
        let new = NewActivity {
            owner: &self.run.user,
            visibility: &Visibility::Private,
            doc: &doc_of(&stub, self.rules.defaults),
            master: None,
            in_schedule: shows_in_schedule(item.activity.kind),
        };
        let id = self.tx.add_activity(&new, context)?;
        self.tx.activity(id)
    }

    fn add(
        &mut self,
        collection: ItemCollectionId,
        item: &RemoteActivity,
        changed: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let context = self.because("it came in from the server");
        let series = self.series_of(collection, item, &context)?;
        let made = match &series {
            Some(series) => Item::read(series.doc.text.as_bytes())
                .ok()
                .map(|of| (made_by(&of.activity(), &item.activity, self.rules.defaults), of.own())),
            None => None,
        };
        let image = Image::of(item, false, made.as_ref().map(|(shared, own)| (shared, own)));
        let mut shared = image.shared.clone();
        if let Some((of_series, _)) = &made {
            shared.uid.clone_from(&of_series.uid);
        }
        if shared.uid.is_empty() {
            shared.uid = item.key.0.clone();
        }
        let shared = crate::activity::with_join_url(shared);
        let stamped = Item::new(&shared, &image.own).stamped(context.at);
        let (owner, visibility) = match &series {
            Some(series) => (series.record.owner.clone(), series.record.visibility.clone()),
            None => (self.run.user.clone(), Visibility::Private),
        };
        let new = NewActivity {
            owner: &owner,
            visibility: &visibility,
            doc: &doc_of(&stamped, self.rules.defaults),
            master: series.as_ref().map(|series| series.id),
            in_schedule: series
                .as_ref()
                .map_or_else(|| shows_in_schedule(shared.kind), |series| series.in_schedule),
        };
        let id = self.tx.add_activity(&new, &context)?;
        if let Some(series) = &series {
            self.tx.copy_owns(series.id, id)?;
        }
        let changed = changed.unwrap_or(context.at);
        self.tx.set_activity_changed(id, changed)?;
        self.take_own(id, &image.own, changed, &context)?;
        self.tx.set_linked(id, &self.run.user, true)?;
        let agreed = Agreed::of(&image.here(&stamped.activity(), &image.own));
        self.tx
            .add_link(&NewLink {
                collection,
                key: item.key.clone(),
                record: id.into(),
                origin: Origin::Imported,
                mark: item.mark,
                base: base_of(item, &image, &agreed),
            })
            .map(drop)
    }

    fn link(&mut self, linking: &Linking) -> Result<(), StoreError> {
        let Linking { record, collection, item, image, when_made, is_exported, agreed, is_dirty } = linking;
        let mut base = base_of(item, image, agreed);
        if let Some(when_made) = when_made {
            (base.image, base.version) = (text(when_made), ItemVersion(String::new()));
        }
        let link = self.tx.add_link(&NewLink {
            collection: *collection,
            key: item.key.clone(),
            record: (*record).into(),
            origin: if *is_exported { Origin::Exported } else { Origin::Imported },
            mark: item.mark,
            base,
        })?;
        self.tx.set_linked(*record, &self.run.user, true)?;
        adopt_uid(self.tx, *record, image, self.rules, &self.context)?;
        self.belongs_to_organizer(*record, image)?;
        if *is_dirty {
            self.tx.set_dirty(link, None)?;
        }
        Ok(())
    }

    /// A meeting that came in by somebody's copy is its organizer's once their copy comes.
    fn belongs_to_organizer(&mut self, id: ActivityId, image: &Image) -> Result<(), StoreError> {
        let Some((stored, item)) = self.read(id)? else { return Ok(()) };
        let is_organizers = image.stands == super::image::Stands::Organizer;
        if !is_organizers || stored.record.owner == self.run.user || stored.record.deleted.is_some() {
            return Ok(());
        }
        let context = self.because("its organizer's copy came in");
        self.tx.set_owner(id, &self.run.user, &context)?;
        // The text holds what its owner has for themselves.
        let own = self.tx.own(id, &self.run.user)?.unwrap_or_default().own;
        let text = item.with(&item.activity(), &own);
        self.tx.change_activity(
            id,
            &doc_of(&text, self.rules.defaults),
            ChangedGroups::default(),
            &context,
        )?;
        Ok(())
    }

    fn base(
        &mut self,
        link: &Link,
        item: Option<&(RemoteActivity, Image)>,
        agreed: &Agreed,
    ) -> Result<(), StoreError> {
        let agreed = text(agreed);
        let base = match item {
            None => Base { agreed, ..link.base.clone() },
            Some((item, image)) => {
                Base { version: item.version.clone(), image: text(image), agreed, there: item.changed }
            }
        };
        self.tx.set_base(link.id, &base)
    }

    fn left(&mut self, id: LinkId, side: Side) -> Result<(), StoreError> {
        for link in with_times(self.tx, id)? {
            self.tx.leave_link(link.id, side)?;
            unlinked(self.tx, &link, &self.run.user)?;
        }
        Ok(())
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
