//! Plan: items that are seen for the first time, and those that come back. A meeting is known by its uid, whoever's copy it is ("One
//! meeting", rules 1, 2 and 8).

use chrono::{DateTime, Utc};
use postrider_journal::{ItemOperation, State};
use postrider_model::{
    Activity, ActivityId, ActivityKind, ItemCollectionId, ItemKey, LinkId, Response, Status, Timestamp,
};
use postrider_reconcile::{
    Side as Of,
    activities::{Facets, Imports, Reach, imports, is_within, meet_activity, tie},
};
use postrider_remote::RemoteActivity;
use postrider_store::{ItemIntentRow, Link, Side, StoreError};

use super::{
    Syncing,
    collect::News,
    decide::Arrived,
    image::{Agreed, Image, is_answer, is_taken_out},
    known::Known,
    pair::times,
    plan::{Linking, Planner, Step},
};
use crate::activity::{apart, starts};

/// An item that is not linked.
#[derive(Clone, Copy)]
struct Stranger<'a> {
    collection: ItemCollectionId,
    item: &'a RemoteActivity,
    ahead_ms: i64,
    imports: bool,
}

impl<'a> Planner<'a, '_> {
    /// Finds out which records they are; series before their times.
    pub(super) fn arrivals(&mut self) -> Result<(), StoreError> {
        let task = self.task;
        let mut strangers = Vec::new();
        for one in &task.collected {
            let imports =
                task.calendars.iter().any(|calendar| calendar.id == one.calendar && calendar.imports);
            for news in one.news.values() {
                let News::Put(item) = news else { continue };
                let (collection, ahead_ms) = (one.calendar, one.ahead_ms);
                strangers.push(Stranger { collection, item, ahead_ms, imports });
            }
        }
        strangers.sort_by_key(|one| one.item.master.is_some());
        for one in strangers {
            self.arrival(one)?;
        }
        Ok(())
    }

    fn arrival(&mut self, one: Stranger<'a>) -> Result<(), StoreError> {
        let left = match self.tx.link_of_item(one.collection, &one.item.key)? {
            Some(link) if link.left.is_none() => {
                self.linked.insert((one.collection, &one.item.key), link);
                return Ok(());
            }
            // What was let go here stays let go.
            Some(link) if link.left == Some(Side::Here) => return Ok(()),
            left => left,
        };
        if let Some(link) = left {
            return self.come_back(one, &link);
        }
        if self.is_made(one)? {
            return Ok(());
        }
        let series = self.series_of(one)?;
        let found = self.record_of(one, series.as_ref())?;
        if self.is_being_made(one, found.map(|(record, _)| record))? {
            self.waiting.insert(one.collection);
            return Ok(());
        }
        match found {
            Some((record, moved)) => self.meet(one, record, moved, series.as_ref()),
            None => self.add(one, series.as_ref()),
        }
    }

    /// What was made from here, of which nobody heard, is linked with what it was made of. A copy carries the mark too, in another calendar
    /// or at somebody else's: one item is what was made.
    fn is_made(&mut self, one: Stranger<'a>) -> Result<bool, StoreError> {
        let Some(mark) = one.item.mark else { return Ok(false) };
        let Some(making) = self.tx.item_intent_of_mark(mark)? else { return Ok(false) };
        let account = self.task.run.account_id;
        let Some(record) = making.about.record.filter(|_| making.about.account == account) else {
            return Ok(false);
        };
        let links = self.tx.links_of_record(account, record)?;
        let is_linked =
            links.iter().any(|link| link.left.is_none() && Some(link.collection) == making.about.collection);
        if is_linked || self.met.contains(&record) {
            self.plan.steps.push(Step::Ended(making.id));
            return Ok(false);
        }
        self.link_made(one, &making, ActivityId(record.0))
    }

    fn link_made(
        &mut self,
        one: Stranger<'a>,
        making: &ItemIntentRow,
        record: ActivityId,
    ) -> Result<bool, StoreError> {
        let Some(known) = Known::load(self.tx, record)? else { return Ok(false) };
        let facet = self.tx.own(record, &self.task.run.user)?.unwrap_or_default();
        let said = match &making.operation {
            ItemOperation::Create { said: Some(said) } => Agreed::read(said),
            _ => None,
        };
        let agreed = said
            .unwrap_or_else(|| Agreed::of(&Facets { shared: known.shared.clone(), own: facet.own.clone() }));
        let before = Some((&agreed.shared, &agreed.own));
        let image = Image::of(one.item, agreed.is_plain, before);
        let when_made = image.when_made(&agreed, &self.task.can.fields);
        self.met.insert(record.into());
        self.plan.steps.push(Step::Ended(making.id));
        self.plan.steps.push(Step::Link(Box::new(Linking {
            record,
            collection: one.collection,
            item: one.item.clone(),
            when_made: Some(when_made).filter(|when_made| *when_made != image),
            image,
            is_exported: true,
            agreed: Agreed { is_plain: false, tells: false, ..agreed },
            is_dirty: true,
        })));
        Ok(true)
    }

    /// Whether it is what an organizer of this house is making, or may be where their server has not told of its uid yet: then it waits, since
    /// without their copy it would be the one that speaks.
    fn is_being_made(&self, one: Stranger<'a>, found: Option<ActivityId>) -> Result<bool, StoreError> {
        let Some(organizer) = &one.item.activity.people.organizer else { return Ok(false) };
        let is_theirs = |of: &&Syncing| of.addresses.iter().any(|own| organizer.is(own));
        for (name, _) in self.task.rules.syncing.iter().filter(is_theirs).flat_map(|of| &of.accounts) {
            let Some(account) = self.tx.account_id(name)?.filter(|id| *id != self.task.run.account_id) else {
                continue;
            };
            for row in self.tx.item_intents(account)? {
                let is_unheard = matches!(row.intent.state, State::Sent | State::Unknown)
                    && matches!(row.operation, ItemOperation::Create { .. });
                let record = row.about.record.filter(|_| is_unheard).map(|id| ActivityId(id.0));
                let record = record.filter(|id| found.is_none_or(|found| found == *id));
                if record.map(|id| self.tx.activity(id)).transpose()?.flatten().is_some() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The series of which it is a time, where that is here.
    fn series_of(&self, one: Stranger<'a>) -> Result<Option<Known>, StoreError> {
        let Some(master) = &one.item.master else { return Ok(None) };
        let link = self.tx.link_of_item(one.collection, master)?.filter(|link| link.left.is_none());
        if let Some(record) = link.and_then(|link| link.record) {
            return Known::load(self.tx, ActivityId(record.0));
        }
        let uid = uid_of(&one.item.activity);
        let of_uid = if uid.is_empty() { Vec::new() } else { self.tx.activities_of_uid(&uid)? };
        match of_uid.iter().find(|one| one.master.is_none() && one.doc.occurrence.is_none()) {
            Some(series) => Known::load(self.tx, series.id),
            None => Ok(None),
        }
    }

    /// The record that it is, and the link of that record whose item is gone elsewhere: then it was moved.
    fn record_of(
        &self,
        one: Stranger<'a>,
        series: Option<&Known>,
    ) -> Result<Option<(ActivityId, Option<LinkId>)>, StoreError> {
        let activity = &one.item.activity;
        let of_mark = match one.item.mark {
            Some(mark) => self.tx.link_of_mark(mark)?.and_then(|link| link.record),
            None => None,
        };
        let found = match series {
            Some(series) => {
                let times = self.tx.differing(series.stored.id)?;
                times.into_iter().find(|time| time.doc.occurrence == activity.occurrence).map(|time| time.id)
            }
            None => {
                let uid = uid_of(activity);
                let of_uid = if uid.is_empty() { Vec::new() } else { self.tx.activities_of_uid(&uid)? };
                of_uid.into_iter().find(|one| one.doc.occurrence == activity.occurrence).map(|one| one.id)
            }
        };
        let is_there = |id: &ActivityId| {
            Ok::<_, StoreError>(self.tx.activity(*id)?.is_some_and(|stored| stored.record.deleted.is_none()))
        };
        let of_mark = of_mark.filter(|_| activity.occurrence.is_none()).map(|id| ActivityId(id.0));
        let found = match (found, of_mark) {
            (None, Some(id)) if is_there(&id)? => Some(id),
            (found, _) => found,
        };
        let Some(record) = found else { return Ok(None) };
        let links = self.tx.links_of_record(self.task.run.account_id, record)?;
        let mut live = links.into_iter().filter(|link| link.left.is_none());
        let moved = live.clone().find(|link| self.is_gone(link)).map(|link| link.id);
        let has_one = live.any(|link| link.collection == one.collection && Some(link.id) != moved)
            || self.met.contains(&record.into());
        Ok(tie(None, Some(record), has_one).map(|record| (record, moved)))
    }

    fn is_gone(&self, link: &Link) -> bool {
        let news = self.task.collected.iter().find(|one| one.calendar == link.collection);
        news.is_some_and(|one| one.news.get(&link.key) == Some(&News::Gone))
    }

    fn image(&self, one: Stranger<'a>, series: Option<&Known>) -> Image {
        let made = series.map(|series| self.made_by(series, &one.item.activity));
        Image::of(one.item, false, made.as_ref().map(|made| (&made.shared, &made.own)))
    }

    /// What its series makes of a time.
    pub(super) fn made_by(&self, series: &Known, time: &Activity) -> Facets {
        let own = self.tx.own(series.stored.id, &self.task.run.user).ok().flatten();
        let own = own.map(|facet| facet.own).unwrap_or_default();
        Facets { shared: made_by(&series.shared, time, self.task.rules.defaults), own }
    }

    /// A record that was here meets the item.
    fn meet(
        &mut self,
        one: Stranger<'a>,
        record: ActivityId,
        moved: Option<LinkId>,
        series: Option<&Known>,
    ) -> Result<(), StoreError> {
        if let Some(link) = moved.map(|id| self.tx.link(id)).transpose()?.flatten() {
            self.moved.insert(link.id);
            return self.come_back(one, &link);
        }
        let Some(known) = Known::load(self.tx, record)? else { return Ok(()) };
        self.met.insert(record.into());
        let image = self.image(one, series);
        let facet = self.tx.own(record, &self.task.run.user)?.unwrap_or_default();
        let holds = &self.task.can.fields;
        let rights = known.rights_of_new(&image, one.item.changed);
        let when = times(&known.stored, &facet, one.item.changed, one.ahead_ms);
        let here = image.here(&known.shared, &facet.own);
        let there = image.facets();
        // What a user has nothing of is as their copy says.
        let is_new_to_them = self.tx.own(record, &self.task.run.user)?.is_none();
        let own_here = if is_new_to_them { there.own.clone() } else { here.own.clone() };
        let meeting = Facets { shared: here.shared.clone(), own: own_here };
        let mut answered = there.clone();
        keep_answers(&meeting, &mut answered);
        let merged = meet_activity(&meeting, &answered, &when, holds, rights);
        self.plan.pulled += 1;
        self.plan.conflicts += u64::from(!merged.losers().is_empty());
        if merged.losers().contains(&Of::There) {
            let (lost, changed) = (Box::new(there), changed_at(one));
            self.plan.steps.push(Step::Supersede { record, lost, changed });
        }
        if merged.here != here {
            let is_conflict = merged.losers().contains(&Of::Here);
            let (here, changed) = (Box::new(merged.here.clone()), changed_at(one));
            self.plan.steps.push(Step::Take { record, here, changed, is_conflict });
        }
        if facet.hidden {
            self.plan.steps.push(Step::Hide(record, false));
        }
        // What is to be sent, if anything, is found by the next decision: it differs from what the item says.
        let agreed = Facets { shared: image.shared.clone(), own: image.own.clone() };
        let agreed = match merged.there == image.facets() {
            true => merged.here.clone(),
            false => postrider_reconcile::activities::assumed_base(&agreed, &merged.here, holds),
        };
        self.plan.steps.push(Step::Link(Box::new(Linking {
            record,
            collection: one.collection,
            item: one.item.clone(),
            when_made: None,
            is_dirty: merged.there != image.facets(),
            image,
            is_exported: false,
            agreed: Agreed::of(&agreed),
        })));
        self.stand_in(&known)
    }

    /// An item that had a link: what both sides agreed on then holds still.
    fn come_back(&mut self, one: Stranger<'a>, link: &Link) -> Result<(), StoreError> {
        let Some(record) = link.record.map(|id| ActivityId(id.0)) else { return self.add(one, None) };
        let (Some(known), Some(image), Some(agreed)) =
            (Known::load(self.tx, record)?, Image::read(&link.base.image), Agreed::read(&link.base.agreed))
        else {
            return Ok(());
        };
        let others = self.tx.links_of_record(self.task.run.account_id, record)?;
        let is_linked = others
            .iter()
            .any(|other| other.left.is_none() && other.collection == one.collection && other.id != link.id);
        if is_linked || self.met.contains(&record.into()) || known.stored.record.deleted.is_some() {
            return Ok(());
        }
        let before = Some((&image.shared, &image.own));
        let there = Image::of(one.item, image.stands == super::image::Stands::Plain, before);
        // A copy that its server keeps, called off, is no invitation.
        if link.left.is_some() && there.shared.content.status == Status::Cancelled {
            return Ok(());
        }
        self.met.insert(record.into());
        let key = one.item.key.clone();
        self.plan.steps.push(Step::Move { link: link.id, collection: one.collection, key });
        if link.left.is_some() {
            self.plan.pulled += 1;
            self.plan.steps.push(Step::Hide(record, false));
        }
        let mut link = link.clone();
        link.collection = one.collection;
        let pair = self.pair(&known, link, agreed.facets(), image, there)?;
        let arrived = Arrived { item: Some(one.item), is_gone: false, ahead_ms: one.ahead_ms };
        self.merge(&known, &pair, &arrived)
    }

    fn add(&mut self, one: Stranger<'a>, series: Option<&Known>) -> Result<(), StoreError> {
        let activity = &one.item.activity;
        if !one.imports {
            return Ok(());
        }
        if one.item.master.is_some() {
            if !self.is_wanted_time(one, series) {
                return Ok(());
            }
        } else {
            let wants = Imports { appointments: self.task.rules.appointments, tasks: self.task.rules.tasks };
            let addresses: Vec<&str> = self.task.rules.addresses.iter().map(String::as_str).collect();
            let owner = activity.people.organizer.as_ref();
            let is_off = activity.content.status == Status::Cancelled;
            if is_off || !imports(wants, activity.kind, owner, &addresses) || !self.is_within(activity) {
                return Ok(());
            }
        }
        self.plan.pulled += 1;
        let (collection, item) = (one.collection, Box::new(one.item.clone()));
        self.plan.steps.push(Step::Add { collection, item, changed: changed_at(one) });
        Ok(())
    }

    /// Whether a time comes in: with its series, or where it is all that the user was asked to; and where it says anything that its series
    /// does not.
    fn is_wanted_time(&self, one: Stranger<'a>, series: Option<&Known>) -> bool {
        let Some(master) = &one.item.master else { return true };
        if let Some(series) = series {
            let made = self.made_by(series, &one.item.activity);
            let said = Activity { uid: made.shared.uid.clone(), ..one.item.activity.clone() };
            let same = Activity { sequence: said.sequence, ..made.shared };
            return said != same || one.item.own != made.own;
        }
        if let Some(series) = self.listed(one.collection, master) {
            return self.is_within(&series.activity);
        }
        !is_taken_out(one.item) && self.is_within(&one.item.activity)
    }

    fn listed(&self, collection: ItemCollectionId, key: &ItemKey) -> Option<&'a RemoteActivity> {
        let task = self.task;
        let of = task.collected.iter().find(|one| one.calendar == collection)?;
        match of.news.get(key)? {
            News::Put(item) => Some(item),
            News::Gone => None,
        }
    }

    /// Whether it comes in by when it ends (F4.8).
    fn is_within(&self, activity: &Activity) -> bool {
        let defaults = self.task.rules.defaults;
        let (start, end) = crate::activity::span(activity, defaults);
        let reach = if activity.recurs() {
            let is_bounded = activity.timing.rules.iter().all(|rule| {
                let rule = rule.to_ascii_uppercase();
                rule.contains("UNTIL=") || rule.contains("COUNT=")
            });
            let last =
                is_bounded.then(|| starts(activity, DateTime::<Utc>::MAX_UTC, defaults).ok()).flatten();
            let last = last.and_then(|all| all.last().cloned()).map(|last| {
                let at = last.end.as_ref().unwrap_or(&last.start);
                crate::activity::of(postrider_formats::occurrences::instant(at, defaults.zone))
            });
            last.map_or(Reach::Endless, Reach::Until)
        } else {
            match (activity.kind, end.or(start)) {
                (_, Some(end)) => Reach::Until(end),
                (ActivityKind::Task | ActivityKind::Appointment, None) => Reach::Endless,
            }
        };
        is_within(self.task.rules.since, reach)
    }
}

/// That nobody has answered yet says nothing against an answer that is here.
fn keep_answers(here: &Facets, there: &mut Facets) {
    if is_answer(here.own.response) && !is_answer(there.own.response) {
        there.own.response = here.own.response;
    }
    for one in &mut there.shared.people.participants {
        let same = here.shared.people.participants.iter().find(|other| other.person.is(&one.person.email));
        if let Some(answer) = same.filter(|_| one.response == Response::NeedsAction) {
            (one.response, one.responded) = (answer.response, answer.responded);
        }
    }
}

/// What a series makes of a time, as its rules have it; of a time that they do not have, one without a length.
pub(super) fn made_by(
    series: &Activity,
    time: &Activity,
    defaults: postrider_formats::occurrences::Defaults,
) -> Activity {
    let mut made = series.clone();
    made.occurrence = time.occurrence;
    let Some(occurrence) = time.occurrence else { return made };
    let until = match occurrence {
        postrider_model::Occurrence::Day(day) => {
            postrider_formats::occurrences::instant(&postrider_model::Moment::Day(day), defaults.zone)
        }
        postrider_model::Occurrence::At(at) => crate::activity::instant_of(at),
    };
    let until = until.checked_add_signed(chrono::TimeDelta::days(2)).unwrap_or(until);
    let all = starts(series, until, defaults).unwrap_or_default();
    match all.iter().find(|start| start.occurrence == occurrence) {
        Some(start) => apart(series, start),
        None => {
            made.timing = time.timing.clone();
            made
        }
    }
}

fn uid_of(activity: &Activity) -> String {
    postrider_formats::icalendar::meeting_uid(&activity.uid)
}

fn changed_at(one: Stranger<'_>) -> Option<Timestamp> {
    one.item.changed.map(|there| postrider_reconcile::by_our_clock(there, one.ahead_ms))
}
