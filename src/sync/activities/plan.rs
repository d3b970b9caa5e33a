//! Plan: what is done about all that changed here and there, as a value. Nothing is written here.
//!
//! What changed is found by content: here against what was agreed on, there against the image that the server returned last. A series is
//! decided before its times.

use std::collections::{BTreeMap, BTreeSet};

use postrider_journal::ItemOperation;
use postrider_model::{
    ActivityId, ItemCollectionId, ItemCursor, ItemKey, LinkId, RecordId, Status, Timestamp,
};
use postrider_reconcile::{
    Change, Decision, Fate, Kept, Leavings, Side as Of, Times, Verdict,
    activities::{ActivityExport, Facets, Gone, GoneHere, apply_difference, gone_here, gone_there, stand_in},
    decide, judge_leavings,
};
use postrider_remote::{CalendarCapabilities, RemoteActivity};
use postrider_store::{About, GoneThere, Link, Side, StoreError, Tx};

use super::{
    ActivityRules,
    calendars::Calendar,
    collect::{Collected, News},
    export::Rule,
    image::{Agreed, Image, Stands},
    known::Known,
    pair::{Pair, times},
};
use crate::sync::ItemsContext;

/// One thing that is done in the store.
#[derive(Debug)]
pub(super) enum Step {
    /// A deleted record is there again.
    Revive(ActivityId),
    /// A record is deleted.
    Delete(ActivityId),
    /// It does not take place, by its organizer's word.
    CallOff(ActivityId),
    /// The user's copy is deleted, or there again.
    Hide(ActivityId, bool),
    /// A record says that from now on. `is_conflict`: what it said is superseded.
    Take { record: ActivityId, here: Box<Facets>, changed: Option<Timestamp>, is_conflict: bool },
    /// What the server had is superseded, and kept beside the record.
    Supersede { record: ActivityId, lost: Box<Facets>, changed: Option<Timestamp> },
    /// A new record, linked with its item.
    Add { collection: ItemCollectionId, item: Box<RemoteActivity>, changed: Option<Timestamp> },
    /// A record that was here is linked with an item.
    Link(Box<Linking>),
    /// The item of a link is under that key now.
    Move { link: LinkId, collection: ItemCollectionId, key: ItemKey },
    /// Both agree on this from now on; where no item is named, on the image that they agreed on before.
    Base { link: Box<Link>, item: Option<Box<(RemoteActivity, Image)>>, agreed: Box<Agreed> },
    /// What is to be decided about a link waits.
    Wait { link: LinkId, is_gone: bool },
    /// A link ended on that side, those of its times with it.
    Left { link: LinkId, side: Side },
    /// Neither side has it any more, nor its times.
    Forget(LinkId),
    /// That is to be sent.
    Send { about: About, operation: ItemOperation },
    /// A write of unknown fate turned out to be done.
    Ended(i64),
    /// Those who take part have heard of what a person changed.
    Told(ActivityId),
    /// The organizer has heard of what the user answered.
    Heard(ActivityId),
    /// Who stands in for its organizer.
    StandIn(ActivityId, Option<String>),
}

/// A link to be made with a record that was here.
#[derive(Debug)]
pub(super) struct Linking {
    pub record: ActivityId,
    pub collection: ItemCollectionId,
    pub item: RemoteActivity,
    pub image: Image,
    pub is_exported: bool,
    pub agreed: Agreed,
    /// It is to be decided again.
    pub is_dirty: bool,
}

/// What would leave a calendar, and waits for a word.
#[derive(Debug)]
pub(super) struct Hold {
    pub collection: ItemCollectionId,
    pub name: String,
    pub links: Vec<LinkId>,
    pub why: &'static str,
    pub total: u64,
}

/// What is done about an account's activities.
#[derive(Debug, Default)]
pub(super) struct ActivityPlan {
    pub steps: Vec<Step>,
    /// One a calendar that was read.
    pub holds: Vec<Hold>,
    pub cursors: Vec<(ItemCollectionId, ItemCursor)>,
    /// By which rule the export was worked out, where it was.
    pub rule: Option<String>,
    pub pulled: u64,
    pub deleted: u64,
    pub conflicts: u64,
    /// Changes of which a person wants others to hear.
    pub notify: u64,
    pub warnings: Vec<String>,
}

/// All that a plan is made of, but for the store.
pub(super) struct Task<'a> {
    pub run: &'a ItemsContext,
    pub rules: &'a ActivityRules,
    pub can: &'a CalendarCapabilities,
    pub calendars: &'a [Calendar],
    pub collected: Vec<Collected>,
    /// Not a round that decides some again, but the whole.
    pub is_whole: bool,
}

/// A plan that is being made.
pub(super) struct Planner<'a, 'tx> {
    pub task: &'a Task<'a>,
    pub tx: &'a Tx<'tx>,
    pub rule: Rule,
    pub plan: ActivityPlan,
    /// Records that got an item, or are decided, by this plan.
    pub met: BTreeSet<RecordId>,
    /// Links whose item turned out to be elsewhere: it is not gone.
    pub moved: BTreeSet<LinkId>,
    /// Series that leave: their times go with them.
    leaving: BTreeSet<RecordId>,
    leavings: BTreeMap<ItemCollectionId, Vec<Departure>>,
}

/// A link that would end, if the guard lets it.
struct Departure {
    link: Link,
    record: ActivityId,
    going: Going,
    is_gone: bool,
    /// What is taken over first, of what was edited there, also where it waits.
    first: Vec<Step>,
    /// What goes with it, where it goes.
    then: Vec<Step>,
}

/// How a link ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Going {
    DeleteHere,
    DeleteThere,
    CallOff,
    CallOffThere,
    Hide,
    Unlink(Side),
}

/// What happened to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum There {
    Is(Change),
    Hide,
    Unlink,
}

impl Task<'_> {
    pub(super) fn plan(&self, tx: &Tx<'_>) -> Result<ActivityPlan, StoreError> {
        let mut planner = Planner {
            task: self,
            tx,
            rule: Rule::new(self.run, self.rules),
            plan: ActivityPlan::default(),
            met: BTreeSet::new(),
            moved: BTreeSet::new(),
            leaving: BTreeSet::new(),
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
                planner.plan.cursors.push((one.calendar, cursor.clone()));
            }
        }
        Ok(planner.plan)
    }
}

impl Planner<'_, '_> {
    /// What changed of linked items, and what waits to be decided.
    fn changes_of(&mut self, collected: &Collected) -> Result<(), StoreError> {
        let mut links = Vec::new();
        for (key, news) in &collected.news {
            if let Some(link) = self.tx.link_of_item(collected.calendar, key)? {
                links.push((link, Some(news)));
            }
        }
        if collected.is_whole {
            for link in self.tx.dirty_links(collected.calendar)? {
                if links.iter().all(|(one, _)| one.id != link.id) {
                    links.push((link, None));
                }
            }
        }
        self.decide_all(links, collected.ahead_ms)
    }

    /// Decides about links, series before their times.
    fn decide_all(&mut self, links: Vec<(Link, Option<&News>)>, ahead_ms: i64) -> Result<(), StoreError> {
        let (mut series, mut times) = (Vec::new(), Vec::new());
        for (link, news) in links {
            let record = link.record.filter(|_| link.left.is_none() && !self.moved.contains(&link.id));
            let Some(record) = record else { continue };
            if news.is_none() && self.met.contains(&record) {
                continue;
            }
            let stored = self.tx.activity(ActivityId(record.0))?;
            match stored.and_then(|stored| stored.master) {
                Some(master) => times.push((link, news, master)),
                None => series.push((link, news)),
            }
        }
        for (link, news) in series {
            self.decide(link, news, ahead_ms)?;
        }
        for (link, news, master) in times {
            if !self.leaving.contains(&master.into()) {
                self.decide(link, news, ahead_ms)?;
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
        let Some(record) = link.record.map(|record| ActivityId(record.0)) else { return Ok(()) };
        self.met.insert(record.into());
        let known = Known::load(self.tx, record)?;
        let read = Image::read(&link.base.image).zip(Agreed::read(&link.base.agreed));
        let (Some(mut known), Some((image, agreed))) = (known, read) else {
            if self.tx.activity(record)?.is_none() {
                self.plan.steps.push(Step::Forget(link.id));
            } else {
                self.plan.warnings.push(format!("activity {record} cannot be read: it was left alone"));
            }
            return Ok(());
        };
        let item = match news {
            Some(News::Put(item)) => Some(item.as_ref()),
            _ => None,
        };
        let is_gone = match news {
            Some(news) => *news == News::Gone,
            None => link.gone.is_some(),
        };
        let is_plain = image.stands == Stands::Plain;
        let there = item.map_or_else(
            || image.clone(),
            |item| Image::of(item, is_plain, Some((&image.shared, &image.own))),
        );
        known.see(link.id, &there, item.map_or(link.base.there, |item| item.changed));
        let pair = self.pair(&known, link, agreed.facets(), image, there)?;
        let here = self.here(&known, &pair)?;
        let there = self.there(&known, &pair, is_gone);
        let arrived = Arrived { item, is_gone, ahead_ms };
        self.follow(&known, pair, here, there, arrived)
    }

    pub(super) fn pair(
        &self,
        known: &Known,
        link: Link,
        agreed: Facets,
        image: Image,
        there: Image,
    ) -> Result<Pair, StoreError> {
        let facet = self.tx.own(known.stored.id, &self.task.run.user)?.unwrap_or_default();
        Ok(Pair {
            here: there.here(&known.shared, &facet.own),
            facet,
            agreed,
            rights: known.rights(link.id, &there),
            is_meeting: known.is_meeting(),
            address: self.task.rules.address.clone(),
            link,
            image,
            there,
        })
    }

    /// What happened here since both agreed.
    fn here(&self, known: &Known, pair: &Pair) -> Result<Change, StoreError> {
        let stored = &known.stored;
        let stands = pair.there.stands;
        if stored.record.deleted.is_some() {
            let is_own = stored.record.owner == self.task.run.user;
            return Ok(match stands {
                _ if stored.master.is_some() => Change::Deleted,
                Stands::Organizer | Stands::Plain => gone_here(stands.into(), pair.is_meeting),
                // Their server delivers what becomes of it.
                Stands::Attendee | Stands::Unknown if pair.is_meeting && !is_own => Change::None,
                Stands::Attendee | Stands::Unknown => Change::Deleted,
            });
        }
        if pair.facet.hidden && stands == Stands::Attendee {
            return Ok(Change::Deleted);
        }
        let is_off = |facets: &Facets| facets.shared.content.status == Status::Cancelled;
        if is_off(&pair.here) && !is_off(&pair.agreed) && pair.rights.sends_shared {
            return Ok(Change::Cancelled);
        }
        if self.rule.exports() && stored.master.is_none() {
            let kind = pair.image.shared.kind;
            if self.rule.judge(self.tx, known, Some((&pair.link, kind)))? == ActivityExport::Leave {
                return Ok(Change::Unlinked);
            }
        }
        let image = pair.image.facets();
        let wanted =
            pair.sayable(pair.merged(&image, &Times::default(), &self.task.can.fields).there, &image);
        Ok(if wanted == image { Change::None } else { Change::Edited })
    }

    /// What happened there since both agreed.
    fn there(&self, known: &Known, pair: &Pair, is_gone: bool) -> There {
        let (stands, rights, is_meeting) = (pair.there.stands.into(), pair.rights, pair.is_meeting);
        if is_gone {
            if known.stored.master.is_some() {
                // It is as its series has it again, which is the organizer's word.
                return match is_meeting && !rights.feeds_shared {
                    true => There::Unlink,
                    false => There::Is(Change::Deleted),
                };
            }
            return match gone_there(stands, rights, is_meeting, Gone::Deleted) {
                GoneHere::Change(change) => There::Is(change),
                GoneHere::Hide => There::Hide,
                GoneHere::Unlink => There::Unlink,
            };
        }
        let is_off = |image: &Image| image.shared.content.status == Status::Cancelled;
        if is_off(&pair.there) && !is_off(&pair.image) && (rights.feeds_shared || !is_meeting) {
            return There::Is(Change::Cancelled);
        }
        let there = pair.there.facets();
        let as_agreed = Pair { here: pair.agreed.clone(), ..pair.clone() };
        let merged = as_agreed.merged(&there, &Times::default(), &self.task.can.fields);
        There::Is(if merged.here == pair.agreed { Change::None } else { Change::Edited })
    }

    fn follow(
        &mut self,
        known: &Known,
        pair: Pair,
        here: Change,
        there: There,
        arrived: Arrived<'_>,
    ) -> Result<(), StoreError> {
        let record = known.stored.id;
        let there = match there {
            There::Is(change) => change,
            There::Hide | There::Unlink => {
                let going = if there == There::Hide { Going::Hide } else { Going::Unlink(Side::Server) };
                self.leave(&pair, record, going, arrived.is_gone, Default::default())?;
                return Ok(());
            }
        };
        let Decision { fate, loser, merges_first } = decide(here, there);
        self.plan.conflicts += u64::from(loser.is_some());
        match fate {
            Fate::Merge => self.merge(known, &pair, &arrived)?,
            Fate::ReviveHere => {
                self.plan.steps.push(match known.stored.record.deleted {
                    Some(_) => Step::Revive(record),
                    None => Step::Hide(record, false),
                });
                self.plan.pulled += 1;
                self.merge(known, &pair, &arrived)?;
            }
            Fate::MakeThere => {
                self.plan.steps.push(Step::Forget(pair.link.id));
                self.send(None, Some(pair.link.collection), record, ItemOperation::Create { said: None });
            }
            Fate::Forget => {
                self.leaving.insert(record.into());
                self.plan.steps.push(Step::Forget(pair.link.id));
            }
            fate => {
                let first = match merges_first {
                    true => self.taken_first(known, &pair, &arrived)?,
                    false => Vec::new(),
                };
                if loser == Some(Of::There) && !arrived.is_gone {
                    self.plan.steps.push(lost(record, &pair, &arrived, &self.task.can.fields));
                }
                let going = match fate {
                    Fate::DeleteHere => Going::DeleteHere,
                    Fate::DeleteThere => Going::DeleteThere,
                    Fate::CancelHere => Going::CallOff,
                    Fate::CancelThere => Going::CallOffThere,
                    Fate::LeaveThere => Going::Unlink(Side::Here),
                    _ => Going::Unlink(Side::Server),
                };
                let mut then = Vec::new();
                if going == Going::CallOff && !arrived.is_gone {
                    let mut off = pair.here.clone();
                    off.shared.content.status = Status::Cancelled;
                    then.push(base(&pair, &arrived, Agreed::of(&off)));
                }
                self.leave(&pair, record, going, arrived.is_gone, (first, then))?;
            }
        }
        Ok(())
    }

    fn leave(
        &mut self,
        pair: &Pair,
        record: ActivityId,
        going: Going,
        is_gone: bool,
        (first, then): (Vec<Step>, Vec<Step>),
    ) -> Result<(), StoreError> {
        let open = self.tx.item_intents_of_record(self.task.run.account_id, record)?;
        let is_under_way = open.iter().any(|row| row.operation == ItemOperation::Delete);
        self.leaving.insert(record.into());
        let departure = Departure { link: pair.link.clone(), record, going, is_gone, first, then };
        // That one time does not take place is said by the series.
        let is_time = pair.image.shared.occurrence.is_some();
        if pair.link.is_allowed || is_under_way || is_time {
            self.depart(departure);
        } else {
            self.leavings.entry(pair.link.collection).or_default().push(departure);
        }
        Ok(())
    }

    /// What was edited there of an activity that leaves here is in the record first.
    fn taken_first(
        &mut self,
        known: &Known,
        pair: &Pair,
        arrived: &Arrived<'_>,
    ) -> Result<Vec<Step>, StoreError> {
        let before = self.plan.steps.len();
        self.merge(known, pair, arrived)?;
        let mut first = self.plan.steps.split_off(before);
        first.retain(|step| !matches!(step, Step::Send { .. }));
        Ok(first)
    }

    /// Merges both sides of a link.
    pub(super) fn merge(
        &mut self,
        known: &Known,
        pair: &Pair,
        arrived: &Arrived<'_>,
    ) -> Result<(), StoreError> {
        let (record, holds) = (known.stored.id, &self.task.can.fields);
        let there = pair.there.facets();
        let when =
            times(&known.stored, &pair.facet, arrived.item.and_then(|item| item.changed), arrived.ahead_ms);
        let merged = pair.merged(&there, &when, holds);
        let wanted = pair.sayable(merged.there.clone(), &there);
        let losers = merged.losers();
        if losers.contains(&Of::There) {
            self.plan.steps.push(lost(record, pair, arrived, holds));
        }
        self.plan.conflicts += u64::from(!losers.is_empty());
        let is_there = known.stored.record.deleted.is_none() || pair.there.stands == Stands::Plain;
        if merged.here != pair.here && is_there {
            self.plan.pulled += 1;
            let is_conflict = losers.contains(&Of::Here);
            let here = Box::new(as_record(pair, &known.shared, &merged.here));
            let changed = when.origin(&postrider_reconcile::activities::FieldGroup::Content);
            self.plan.steps.push(Step::Take { record, here, changed, is_conflict });
        }
        let sends = wanted != there && self.task.rules.export;
        let agreed = match sends {
            false => Agreed::of(&merged.here),
            // What is still to be sent has to differ from what is agreed on, and nothing else.
            true => Agreed::of(&apply_difference(&pair.image.facets(), &there, &pair.agreed, holds)),
        };
        self.plan.steps.push(base(pair, arrived, agreed));
        if sends {
            self.send(Some(pair.link.id), Some(pair.link.collection), record, ItemOperation::Update);
        } else if self.task.rules.export {
            if known.stored.tell && pair.rights.notifies && wanted.shared == there.shared {
                self.plan.steps.push(Step::Told(record));
            }
            if pair.facet.tell && wanted.own.response == there.own.response {
                self.plan.steps.push(Step::Heard(record));
            }
        }
        self.stand_in(known)?;
        Ok(())
    }

    /// Who stands in for an organizer of whom there is no copy here (rule 6).
    pub(super) fn stand_in(&mut self, known: &Known) -> Result<(), StoreError> {
        if known.stored.master.is_some() || !known.is_meeting() {
            return Ok(());
        }
        let people = &known.shared.people;
        let of = |email: &str| {
            let has = |one: &&super::Syncing| one.addresses.iter().any(|own| own.eq_ignore_ascii_case(email));
            self.task.rules.syncing.iter().filter(|one| !one.accounts.is_empty()).find(has)
        };
        let organizes = people.organizer.as_ref().is_some_and(|one| of(&one.email).is_some());
        let syncing: Vec<String> = people
            .participants
            .iter()
            .filter_map(|one| of(&one.person.email).map(|one| one.user.clone()))
            .collect();
        let now = known.stored.stand_in.as_ref();
        let then = stand_in(now, known.has_authority() || organizes, &syncing);
        if then.as_ref() != now {
            self.plan.steps.push(Step::StandIn(known.stored.id, then));
        }
        Ok(())
    }

    /// Notes that something is to be sent. Where nothing may be, it is decided again once something may.
    pub(super) fn send(
        &mut self,
        link: Option<LinkId>,
        collection: Option<ItemCollectionId>,
        record: ActivityId,
        operation: ItemOperation,
    ) {
        if self.task.rules.export {
            let tells = self.tx.activity(record).ok().flatten().is_some_and(|stored| stored.tell);
            let answers = self.tx.own(record, &self.task.run.user).ok().flatten().is_some_and(|own| own.tell);
            self.plan.notify += u64::from(tells || answers);
            let account = self.task.run.account_id;
            let about = About { account, collection, record: Some(record.into()), link };
            self.plan.steps.push(Step::Send { about, operation });
        }
    }

    /// Lets go what may, and holds the rest.
    fn judge(&mut self, collected: &Collected) -> Result<(), StoreError> {
        let departures = self.leavings.remove(&collected.calendar).unwrap_or_default();
        let count = |of: &[Going]| departures.iter().filter(|one| of.contains(&one.going)).count() as u64;
        let total = self.tx.count_links(collected.calendar)?;
        let verdict = judge_leavings(Leavings {
            what: Kept::Activities,
            deleted: count(&[Going::DeleteHere, Going::DeleteThere, Going::Hide]),
            unlinked: count(&[Going::Unlink(Side::Here), Going::Unlink(Side::Server)]),
            cancelled: count(&[Going::CallOff, Going::CallOffThere]),
            of: total,
            listing_was_empty: collected.was_empty,
        });
        let name = self.task.calendars.iter().find(|one| one.id == collected.calendar);
        let name = name.map(|one| one.name.clone()).unwrap_or_default();
        let mut hold = Hold { collection: collected.calendar, name, links: Vec::new(), why: "", total };
        match verdict {
            Verdict::Go => departures.into_iter().for_each(|one| self.depart(one)),
            Verdict::Held(why) => {
                hold.why = why;
                for one in departures {
                    hold.links.push(one.link.id);
                    // What was edited there is behind the cursor by now.
                    self.plan.steps.extend(one.first);
                    self.plan.steps.push(Step::Wait { link: one.link.id, is_gone: one.is_gone });
                }
            }
        }
        if collected.is_whole || !hold.links.is_empty() {
            self.plan.holds.push(hold);
        }
        Ok(())
    }

    fn depart(&mut self, one: Departure) {
        let Departure { link, record, going, is_gone, first, then } = one;
        self.plan.steps.extend(first);
        self.plan.deleted += 1;
        let steps = &mut self.plan.steps;
        match going {
            Going::DeleteHere => steps.extend([Step::Delete(record), Step::Forget(link.id)]),
            Going::CallOff if is_gone => steps.extend([Step::CallOff(record), Step::Forget(link.id)]),
            Going::CallOff => steps.push(Step::CallOff(record)),
            Going::Hide => {
                steps.extend([Step::Hide(record, true), Step::Left { link: link.id, side: Side::Server }]);
            }
            Going::Unlink(side) => steps.push(Step::Left { link: link.id, side }),
            Going::DeleteThere | Going::CallOffThere if !self.task.rules.export => {
                steps.push(Step::Wait { link: link.id, is_gone });
            }
            Going::DeleteThere | Going::CallOffThere => {
                self.send(Some(link.id), Some(link.collection), record, ItemOperation::Delete);
            }
        }
        self.plan.steps.extend(then);
    }
}

/// What a listing told of a link's item.
pub(super) struct Arrived<'a> {
    pub item: Option<&'a RemoteActivity>,
    pub is_gone: bool,
    pub ahead_ms: i64,
}

fn base(pair: &Pair, arrived: &Arrived<'_>, agreed: Agreed) -> Step {
    let item = arrived.item.map(|item| Box::new((item.clone(), pair.there.clone())));
    Step::Base { link: Box::new(pair.link.clone()), item, agreed: Box::new(agreed) }
}

/// What is merged into a plain copy is the user's own alone.
fn as_record(pair: &Pair, shared: &postrider_model::Activity, merged: &Facets) -> Facets {
    match pair.there.stands {
        Stands::Plain => Facets { shared: shared.clone(), own: merged.own.clone() },
        _ => merged.clone(),
    }
}

fn lost(
    record: ActivityId,
    pair: &Pair,
    arrived: &Arrived<'_>,
    holds: &BTreeSet<postrider_model::ActivityField>,
) -> Step {
    let lost = apply_difference(&pair.image.facets(), &pair.there.facets(), &pair.agreed, holds);
    let changed = arrived.item.and_then(|item| item.changed);
    let changed = changed.map(|there| postrider_reconcile::by_our_clock(there, arrived.ahead_ms));
    Step::Supersede { record, lost: Box::new(lost), changed }
}

/// As the store writes how an item is gone.
pub(super) const fn gone(is_gone: bool) -> Option<GoneThere> {
    if is_gone { Some(GoneThere::Deleted) } else { None }
}
