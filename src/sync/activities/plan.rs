//! Plan: what is done about all that changed here and there, as a value. Nothing is written here.
//!
//! What changed is found by content: here against what was agreed on, there against the image that the server returned last. A series is
//! decided before its times.

use std::collections::{BTreeMap, BTreeSet};

use postrider_journal::{ItemOperation, State};
use postrider_model::{ActivityId, ItemCollectionId, ItemCursor, ItemKey, LinkId, RecordId, Timestamp};
use postrider_reconcile::{
    Kept, Leavings, Verdict,
    activities::{Facets, stand_in},
    judge_leavings, most_to_count,
};
use postrider_remote::{CalendarCapabilities, RemoteActivity};
use postrider_store::{About, GoneThere, Link, Side, StoreError, Tx};

use super::{
    ActivityRules,
    calendars::Calendar,
    collect::{Collected, News},
    export::Rule,
    image::{Agreed, Image},
    known::Known,
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
    /// It turned out not to be.
    Undone(i64),
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
    /// What it was when it was made, where somebody changed it since: the change is decided once it was asked for.
    pub when_made: Option<Image>,
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
    /// Whether any write of the account is under way.
    pub has_intents: bool,
    /// Links of items that are told, as far as they were read already: nothing is written while it is planned.
    pub linked: BTreeMap<(ItemCollectionId, &'a ItemKey), Link>,
    /// The record that was read to see whether its item moves, for the decision that comes next.
    pub loaded: Option<Known>,
    pub plan: ActivityPlan,
    /// Records that got an item, or are decided, by this plan.
    pub met: BTreeSet<RecordId>,
    /// Links whose item turned out to be elsewhere: it is not gone.
    pub moved: BTreeSet<LinkId>,
    /// Series that leave: their times go with them.
    pub leaving: BTreeSet<RecordId>,
    /// Series that were given other times from here: that a server forgets what differed from them is nobody's word.
    pub recast: BTreeSet<RecordId>,
    /// Calendars in which something waits to be known for what it is: their cursors stand.
    pub waiting: BTreeSet<ItemCollectionId>,
    /// Links with a change of unknown fate that was to tell people.
    pub unheard: BTreeSet<LinkId>,
    pub leavings: BTreeMap<ItemCollectionId, Vec<Departure>>,
}

/// A link that would end, if the guard lets it.
pub(super) struct Departure {
    pub link: Link,
    pub record: ActivityId,
    pub going: Going,
    pub is_gone: bool,
    /// What is taken over first, of what was edited there, also where it waits.
    pub first: Vec<Step>,
    /// What goes with it, where it goes.
    pub then: Vec<Step>,
}

/// How a link ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Going {
    DeleteHere,
    DeleteThere,
    CallOff,
    CallOffThere,
    Hide,
    Unlink(Side),
}

impl Task<'_> {
    pub(super) fn plan(&self, tx: &Tx<'_>) -> Result<ActivityPlan, StoreError> {
        let mut planner = Planner {
            task: self,
            tx,
            rule: Rule::new(self.run, self.rules),
            has_intents: tx.has_item_intents(self.run.account_id)?,
            linked: BTreeMap::new(),
            loaded: None,
            plan: ActivityPlan::default(),
            met: BTreeSet::new(),
            moved: BTreeSet::new(),
            leaving: BTreeSet::new(),
            recast: BTreeSet::new(),
            waiting: BTreeSet::new(),
            unheard: BTreeSet::new(),
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
            if let Some(cursor) = one.cursor.as_ref().filter(|_| !planner.waiting.contains(&one.calendar)) {
                planner.plan.cursors.push((one.calendar, cursor.clone()));
            }
        }
        Ok(planner.plan)
    }
}

impl<'a> Planner<'a, '_> {
    /// What changed of linked items, and what waits to be decided.
    fn changes_of(&mut self, collected: &'a Collected) -> Result<(), StoreError> {
        let mut links = Vec::new();
        for (key, news) in &collected.news {
            let link = match self.linked.remove(&(collected.calendar, key)) {
                Some(link) => Some(link),
                None => self.tx.link_of_item(collected.calendar, key)?,
            };
            if let Some(link) = link {
                self.heard(&link, news)?;
                links.push((link, Some(news)));
            }
        }
        if collected.is_whole {
            let told: BTreeSet<LinkId> = links.iter().map(|(link, _)| link.id).collect();
            let waiting = self.tx.dirty_links(collected.calendar)?.into_iter();
            links.extend(waiting.filter(|link| !told.contains(&link.id)).map(|link| (link, None)));
        }
        self.decide_all(links, collected.ahead_ms)
    }

    /// What became of changes of unknown fate: what is as it was before was not changed. All else may have been, and people told: nobody
    /// is told twice.
    fn heard(&mut self, link: &Link, news: &News) -> Result<(), StoreError> {
        let Some(record) = link.record.filter(|_| self.has_intents) else { return Ok(()) };
        let is_as_before = matches!(news, News::Put(item) if item.version == link.base.version);
        for row in self.tx.item_intents_of_record(self.task.run.account_id, record)? {
            let is_unknown = row.intent.state == State::Unknown && row.about.link == Some(link.id);
            let ItemOperation::Update { tells } = row.operation else { continue };
            if is_unknown && is_as_before {
                self.plan.steps.push(Step::Undone(row.id));
            } else if is_unknown {
                self.plan.steps.push(Step::Ended(row.id));
                if tells {
                    self.unheard.insert(link.id);
                }
            }
        }
        Ok(())
    }

    /// Decides about links, series before their times.
    fn decide_all(&mut self, links: Vec<(Link, Option<&News>)>, ahead_ms: i64) -> Result<(), StoreError> {
        let (mut series, mut times) = (Vec::new(), Vec::new());
        for (link, news) in links {
            let record = link.record.filter(|_| link.left.is_none() && !self.moved.contains(&link.id));
            let Some(record) = record else { continue };
            // What was changed since it was made is known once it was asked for.
            let is_unread = link.base.version.0.is_empty();
            if news.is_none() && (is_unread || self.met.contains(&record)) {
                continue;
            }
            match self.tx.master_of(ActivityId(record.0))?.flatten() {
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

    /// A record with its copies, which is not read twice where it was read just before.
    pub(super) fn load(&mut self, id: ActivityId) -> Result<Option<Known>, StoreError> {
        match self.loaded.take_if(|known| known.stored.id == id) {
            Some(known) => Ok(Some(known)),
            None => Known::load(self.tx, id),
        }
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
            let account = self.task.run.account_id;
            let about = About { account, collection, record: Some(record.into()), link };
            self.plan.steps.push(Step::Send { about, operation });
        }
    }

    /// Lets go what may, and holds the rest.
    fn judge(&mut self, collected: &Collected) -> Result<(), StoreError> {
        let departures = self.leavings.remove(&collected.calendar).unwrap_or_default();
        let count = |of: &[Going]| departures.iter().filter(|one| of.contains(&one.going)).count() as u64;
        // No more has to be counted than what the guard compares with, but of what is held anyway.
        let most = if collected.was_empty { u64::MAX } else { most_to_count(departures.len() as u64) };
        let total = self.tx.count_links(collected.calendar, most)?;
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

    pub(super) fn depart(&mut self, one: Departure) {
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

/// As the store writes how an item is gone.
pub(super) const fn gone(is_gone: bool) -> Option<GoneThere> {
    if is_gone { Some(GoneThere::Deleted) } else { None }
}
