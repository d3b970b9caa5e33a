//! Execute: what is noted is sent, one after another, and what the server answers becomes the base.
//!
//! What a write says is worked out in the transaction that notes its sending, which is on the disk before the first octet is on the wire
//! (I4). Each is conditional (I5): what the server has in another state is asked for and decided again. Whether people are mailed is the
//! word of the person who changed it (I9); once they are, the word is used up.

use std::collections::BTreeSet;

use postrider_journal::{Event, ItemOperation, State, has_come};
use postrider_model::{ActivityId, ErrorClass, Fault, ItemCollectionId, ItemKey, LinkId};
use postrider_remote::{ActivityChange, CalendarOp, ItemApplied, Reach, RemoteActivity, Target, WriteFault};
use postrider_store::{About, ItemIntentRow, Link, NewLink, Origin, StoreError, Tx};

use super::{
    ActivitiesRun, ActivityRules, Again, Steps,
    answers::{take_back, take_back_here, voided},
    calendars::Calendar,
    decide::is_recast,
    image::{Agreed, Image, base_of},
    links::{adopt_uid, forget, untold},
    prepare::{Prepared, Preparing, Ready},
};
use crate::sync::noted::{after, may_go};
use crate::sync::{ItemsContext, is_for_all};

/// So many writes may fail before the rest waits for the next run.
const PATIENCE: usize = 3;

impl Steps<'_> {
    /// Sends all that is noted and due. Answers what has to be decided again. Into a calendar that this run has not `read` nothing new goes:
    /// it may be there by now.
    pub(super) async fn push(
        &self,
        calendars: &[Calendar],
        read: &BTreeSet<ItemCollectionId>,
        done: &mut ActivitiesRun,
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
                let Some(calendar) = calendars.iter().find(|one| row.about.collection == Some(one.id)) else {
                    continue;
                };
                match self.push_one(row, calendar, &mut again, done).await {
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

    async fn push_one(
        &self,
        row: ItemIntentRow,
        calendar: &Calendar,
        again: &mut Again,
        done: &mut ActivitiesRun,
    ) -> Result<bool, Fault> {
        self.read_series_again(&row, calendar).await?;
        let (run, rules, can) = (self.run.clone(), self.rules.clone(), self.can.clone());
        let to = calendar.clone();
        let prepared = self
            .ports
            .durable_transaction(move |tx| Preparing::new(tx, &run, &rules, &can).prepare(row, to))
            .await?;
        match prepared {
            Prepared::Nothing => Ok(false),
            Prepared::Send(ready) => self.send(*ready, again, done).await,
            Prepared::Ask(asked) => {
                let (row, link) = *asked;
                let there = self.fetched(calendar, std::slice::from_ref(&link.key)).await?;
                let is_there = there.iter().any(|one| matches!(one, ActivityChange::Put(_)));
                self.joined(row, link.id, is_there, again).await?;
                Ok(false)
            }
        }
    }

    /// Of times of one series the state may move with each: what is to be written is read again just before (design, "Recurrence"). Where it
    /// says something else now, the write is found stale.
    async fn read_series_again(&self, row: &ItemIntentRow, calendar: &Calendar) -> Result<(), Fault> {
        let (about, id) = (row.about, calendar.id);
        let links = self.ports.transaction(move |tx| of_series(tx, about, id)).await?;
        if links.is_empty() {
            return Ok(());
        }
        let keys: Vec<ItemKey> = links.iter().map(|link| link.key.clone()).collect();
        let there = self.fetched(calendar, &keys).await?;
        self.ports
            .transaction(move |tx| {
                for link in &links {
                    let item = there.iter().find_map(|change| match change {
                        ActivityChange::Put(item) if item.key == link.key => Some(item),
                        _ => None,
                    });
                    let Some((item, was)) = item.zip(Image::read(&link.base.image)) else { continue };
                    let is_plain = was.stands == super::image::Stands::Plain;
                    let is = Image::of(item, is_plain, Some((&was.shared, &was.own)));
                    if is == was && item.version != link.base.version {
                        tx.set_version(link.id, &item.version)?;
                    }
                }
                Ok(())
            })
            .await
    }

    async fn send(&self, ready: Ready, again: &mut Again, done: &mut ActivitiesRun) -> Result<bool, Fault> {
        if let Some(why) = unsayable(self.remote, &ready.op) {
            let (id, record) = (ready.row.id, ready.row.about.record);
            self.ports
                .transaction(move |tx| {
                    untold(tx, id)?;
                    tx.step_item_intent(id, Event::Refused).map(drop)
                })
                .await?;
            let name = record.map(|id| ActivityId(id.0).to_string()).unwrap_or_default();
            done.warn(format!("activity {name} is not sent: the server cannot say when it is: {why}"));
            return Ok(false);
        }
        match self.remote.apply(&ready.calendar.key, ready.row.intent.mark, &ready.op).await {
            Ok(applied) => self.applied(ready, applied, again).await,
            Err(failed) => self.failed_write(ready.row.id, failed).await,
        }
    }

    async fn applied(
        &self,
        ready: Ready,
        applied: ItemApplied<RemoteActivity>,
        again: &mut Again,
    ) -> Result<bool, Fault> {
        let (run, rules) = (self.run.clone(), self.rules.clone());
        let context = self.run.there("sent to the server", self.ports);
        let stale = self
            .ports
            .transaction(move |tx| {
                let answered = Answered { tx, run: &run, rules: &rules, context };
                answered.take(&ready, applied)
            })
            .await?;
        match stale {
            Taken::Done => Ok(true),
            Taken::Again(keys) => {
                for (collection, key) in keys {
                    again.entry(collection).or_default().push(key);
                }
                Ok(false)
            }
        }
    }

    /// An item is linked again, or is no more: then it is made anew.
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
                tx.step_item_intent(row.id, Event::Withdraw)?;
                let Some(link) = tx.link(link)? else { return Ok(None) };
                if !is_there {
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
        let is_undone = failed.reach == Reach::NotDone;
        self.ports
            .transaction(move |tx| {
                if is_undone {
                    untold(tx, id)?;
                }
                tx.step_item_intent(id, event).map(drop)
            })
            .await?;
        Err(failed.fault)
    }
}

/// Why the server cannot say when that is.
fn unsayable(remote: &dyn postrider_remote::CalendarRemote, op: &CalendarOp) -> Option<String> {
    match op {
        CalendarOp::Create { activity, .. } | CalendarOp::Update { activity, .. } => {
            remote.expresses(activity).err()
        }
        _ => None,
    }
}

/// The links of a series and of the time that is written, where it is one of a series.
fn of_series(
    tx: &Tx<'_>,
    about: About,
    collection: postrider_model::ItemCollectionId,
) -> Result<Vec<Link>, StoreError> {
    let stored = match about.record {
        Some(id) => tx.activity(ActivityId(id.0))?,
        None => None,
    };
    let Some(stored) = stored.filter(|stored| stored.master.is_some() || stored.doc.recurs) else {
        return Ok(Vec::new());
    };
    let mut links = Vec::new();
    for record in std::iter::once(stored.id).chain(stored.master) {
        let of = tx.links_of_record(about.account, record)?;
        links.extend(of.into_iter().filter(|link| link.left.is_none() && link.collection == collection));
    }
    Ok(links)
}

/// What came of an answer.
enum Taken {
    Done,
    /// To be decided again.
    Again(Vec<(postrider_model::ItemCollectionId, ItemKey)>),
}

/// What a server answered to a write.
struct Answered<'a, 'tx> {
    tx: &'a mut Tx<'tx>,
    run: &'a ItemsContext,
    rules: &'a ActivityRules,
    context: postrider_store::Context,
}

impl Answered<'_, '_> {
    fn take(mut self, ready: &Ready, applied: ItemApplied<RemoteActivity>) -> Result<Taken, StoreError> {
        let about = ready.row.about;
        match (&ready.op, applied) {
            (_, ItemApplied::Done(item)) => {
                self.tx.step_item_intent(ready.row.id, Event::Done)?;
                if let Some(link) = about.link.filter(|_| ready.ends) {
                    forget(self.tx, link, &self.run.user)?;
                    return Ok(Taken::Done);
                }
                match about.link.map(|id| self.tx.link(id)).transpose()?.flatten() {
                    Some(link) => self.changed(ready, &link, &item)?,
                    None => self.made(ready, &item)?,
                }
                Ok(Taken::Done)
            }
            (
                CalendarOp::Delete { .. } | CalendarOp::Cancel { .. },
                ItemApplied::Removed | ItemApplied::Gone,
            ) => {
                self.tx.step_item_intent(ready.row.id, Event::Done)?;
                if let Some(link) = about.link {
                    forget(self.tx, link, &self.run.user)?;
                }
                self.told(ready)?;
                Ok(Taken::Done)
            }
            // It is in another state than the one that was written against, or gone: asked for, and decided again.
            _ => {
                untold(self.tx, ready.row.id)?;
                self.tx.step_item_intent(ready.row.id, Event::Stale)?;
                let mut keys = Vec::new();
                if let Some(link) = about.link.map(|id| self.tx.link(id)).transpose()?.flatten() {
                    self.tx.set_dirty(link.id, link.gone)?;
                    keys.push((link.collection, link.key));
                }
                if let Some(Target::Occurrence { master, .. }) = ready.op.target() {
                    keys.push((ready.calendar.id, master.clone()));
                }
                Ok(Taken::Again(keys))
            }
        }
    }

    /// Those who were to hear of it have.
    fn told(&mut self, ready: &Ready) -> Result<(), StoreError> {
        let Some(record) = ready.row.about.record.map(|id| ActivityId(id.0)) else { return Ok(()) };
        match &ready.op {
            CalendarOp::Respond { .. } => self.tx.set_answer_told(record, &self.run.user),
            // Of all else the write has the word itself.
            _ if ready.row.operation == ItemOperation::Delete => self.tx.set_tell(record, false),
            _ => Ok(()),
        }
    }

    fn changed(&mut self, ready: &Ready, link: &Link, item: &RemoteActivity) -> Result<(), StoreError> {
        let Some(was) = Image::read(&link.base.image) else { return Ok(()) };
        let is_plain = was.stands == super::image::Stands::Plain;
        let image = Image::of(item, is_plain, Some((&was.shared, &was.own)));
        let mut agreed = ready.agreed.clone();
        let voided = voided(&was, &image);
        if let Some(record) = link.record.filter(|_| !voided.is_empty()) {
            take_back(&mut agreed.shared.people.participants, &voided);
            take_back_here(self.tx, ActivityId(record.0), &voided, self.rules, &self.context)?;
        }
        self.tx.set_base(link.id, &base_of(item, &image, &agreed))?;
        self.told(ready)?;
        if let CalendarOp::Update { was, activity, .. } = &ready.op
            && is_recast(&was.timing, &activity.timing)
            && let Some(series) = link.record
        {
            for time in self.tx.links_of_times(link.collection, series)? {
                if time.left.is_none() {
                    let about = About { record: time.record, link: Some(time.id), ..ready.row.about };
                    self.tx.add_item_intent(about, &ItemOperation::Join, self.context.at)?;
                }
            }
        }
        // What else differs is said next.
        if !matches!(ready.op, CalendarOp::Delete { .. } | CalendarOp::Cancel { .. }) {
            self.tx.set_dirty(link.id, None)?;
            self.tx.add_item_intent(ready.row.about, &ItemOperation::UPDATE, self.context.at)?;
        }
        Ok(())
    }

    fn made(&mut self, ready: &Ready, item: &RemoteActivity) -> Result<(), StoreError> {
        let About { account, collection, record, .. } = ready.row.about;
        let (Some(collection), Some(record)) = (collection, record) else { return Ok(()) };
        let id = ActivityId(record.0);
        let agreed = Agreed { is_plain: false, tells: false, ..ready.agreed.clone() };
        let image = Image::of(item, ready.agreed.is_plain, Some((&agreed.shared, &agreed.own)));
        let mark = Some(ready.row.intent.mark);
        let (key, base) = (item.key.clone(), base_of(item, &image, &agreed));
        let known = self.tx.link_of_item(collection, &key)?.filter(|link| link.left.is_none());
        let link = match known {
            Some(link) => {
                self.tx.set_base(link.id, &base)?;
                link.id
            }
            None => self.tx.add_link(&NewLink {
                collection,
                key,
                record,
                origin: Origin::Exported,
                mark,
                base,
            })?,
        };
        self.tx.set_linked(id, &self.run.user, true)?;
        adopt_uid(self.tx, id, &image, self.rules, &self.context)?;
        self.told(ready)?;
        let about = About { account, collection: Some(collection), record: Some(record), link: Some(link) };
        self.tx.set_dirty(link, None)?;
        self.tx.add_item_intent(about, &ItemOperation::UPDATE, self.context.at)?;
        // The times that differ from it are made after it.
        for time in self.tx.differing(id)? {
            let about =
                About { account, collection: Some(collection), record: Some(time.id.into()), link: None };
            self.tx.add_item_intent(about, &ItemOperation::Create { said: None }, self.context.at)?;
        }
        Ok(())
    }
}
