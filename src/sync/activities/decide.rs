//! Plan: what is decided about one link, by what happened on both sides since they agreed.

use std::collections::BTreeSet;

use postrider_journal::ItemOperation;
use postrider_model::{ActivityId, Status, Timing};
use postrider_reconcile::{
    Change, Changed, Decision, Fate, Side as Of, Times,
    activities::{
        ActivityExport, Facets, FieldGroup, Gone, GoneHere, apply_difference, gone_here, gone_there,
    },
    decide,
};
use postrider_remote::RemoteActivity;
use postrider_store::{Link, Side, StoreError};

use super::{
    collect::News,
    image::{Agreed, Image, Stands},
    known::Known,
    pair::{Pair, times},
    plan::{Departure, Going, Planner, Step},
};

/// What happened to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum There {
    Is(Change),
    Hide,
    Unlink,
}

impl Planner<'_, '_> {
    /// Decides about one link.
    pub(super) fn decide(
        &mut self,
        link: Link,
        news: Option<&News>,
        ahead_ms: i64,
    ) -> Result<(), StoreError> {
        let Some(record) = link.record.map(|record| ActivityId(record.0)) else { return Ok(()) };
        self.met.insert(record.into());
        let known = self.load(record)?;
        let image = known.as_ref().and_then(|known| known.image_of(&link));
        let image = image.or_else(|| Image::read(&link.base.image));
        let read = image.zip(Agreed::read(&link.base.agreed));
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
        // Whether it is there still is being asked.
        if is_gone && self.is_noted(record, &ItemOperation::Join)? {
            self.plan.steps.push(Step::Wait { link: link.id, is_gone: false });
            return Ok(());
        }
        let is_plain = image.stands == Stands::Plain;
        let there = item.map_or_else(
            || image.clone(),
            |item| Image::of(item, is_plain, Some((&image.shared, &image.own))),
        );
        known.see(link.id, &there, item.map_or(link.base.there, |item| item.changed));
        let pair = self.pair(&known, link, agreed.facets(), image, there)?;
        if known.stored.master.is_none()
            && is_recast(&pair.agreed.shared.timing, &pair.here.shared.timing)
            && is_recast(&pair.image.shared.timing, &pair.there.shared.timing)
        {
            self.recast.insert(record.into());
        }
        let mut here = self.here(&known, &pair)?;
        if is_gone && known.stored.master.is_some_and(|series| self.recast.contains(&series.into())) {
            here = if here == Change::None { Change::Edited } else { here };
        }
        let there = self.there(&known, &pair, is_gone);
        let arrived = Arrived { item, is_gone, ahead_ms };
        self.follow(&known, pair, here, there, arrived)
    }

    /// Whether that is to be sent already.
    fn is_noted(&self, record: ActivityId, operation: &ItemOperation) -> Result<bool, StoreError> {
        if !self.has_intents {
            return Ok(false);
        }
        let open = self.tx.item_intents_of_record(self.task.run.account_id, record)?;
        Ok(open.iter().any(|row| row.operation == *operation))
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
        if pair.here == pair.agreed {
            return Ok(Change::None);
        }
        let image = pair.image.facets();
        let merged = pair.merged(&pair.here, &image, &Times::default(), &self.task.can.fields);
        let wanted = pair.sayable(merged.there, &image);
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
        if pair.there == pair.image {
            return There::Is(Change::None);
        }
        let there = pair.there.facets();
        let mut merged = pair.merged(&pair.agreed, &there, &Times::default(), &self.task.can.fields).here;
        // Servers count what was sent to them, too: that the count is another is nobody's change.
        merged.shared.sequence = pair.agreed.shared.sequence;
        There::Is(if merged == pair.agreed { Change::None } else { Change::Edited })
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
                let mut known = known.clone();
                known.stored.record.deleted = None;
                self.merge(&known, &pair, &arrived)?;
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
                // What was edited there meanwhile is deleted in the state that it is in.
                if matches!(going, Going::DeleteThere | Going::CallOffThere) && arrived.item.is_some() {
                    then.push(base(&pair, &arrived, Agreed::of(&pair.agreed)));
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
        let is_under_way = self.is_noted(record, &ItemOperation::Delete)?;
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
        let changed = arrived.item.and_then(|item| item.changed);
        let mut when = times(&known.stored, &pair.facet, changed, arrived.ahead_ms);
        if let Some(at) = changed.filter(|_| changed == pair.link.base.there) {
            // Servers may not count what only the user has: then nobody knows when that was changed, and it is the server's.
            let of = [FieldGroup::Content, FieldGroup::Timing, FieldGroup::Participants];
            when.there = Changed { all: None, of: of.map(|group| (group, at)).into() };
        }
        let merged = pair.merged(&pair.here, &there, &when, holds);
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
            let changed = when.origin(&FieldGroup::Content);
            self.plan.steps.push(Step::Take { record, here, changed, is_conflict });
        }
        let sends = wanted != there && self.task.rules.export;
        let agreed = match sends {
            false => Agreed::of(&merged.here),
            // What is still to be sent has to differ from what is agreed on, and nothing else.
            true => Agreed::of(&apply_difference(&pair.image.facets(), &there, &pair.agreed, holds)),
        };
        self.plan.steps.push(base(pair, arrived, agreed));
        if sends && self.unheard.contains(&pair.link.id) {
            self.plan.warnings.push(format!(
                "activity {record} was being changed on the server as the answer was lost, and says something else there: nobody knows whether people were told of that, and they are not told again"
            ));
        }
        if sends {
            self.send(Some(pair.link.id), Some(pair.link.collection), record, ItemOperation::UPDATE);
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

/// Whether a series takes place at other times: servers forget then what differed from it.
pub(super) fn is_recast(was: &Timing, is: &Timing) -> bool {
    (&was.start, &was.rules, &was.further) != (&is.start, &is.rules, &is.further)
}
