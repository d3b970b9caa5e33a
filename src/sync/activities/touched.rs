//! Plan: what changed here. Only records that changed since the last run are looked at, unless the rule is another one.

use std::collections::BTreeSet;

use postrider_journal::ItemOperation;
use postrider_model::{ActivityId, ActivityKind, RecordId};
use postrider_reconcile::activities::ActivityExport;
use postrider_store::{Link, Side, StoreError};

use super::{
    arrive::made_by,
    calendars::Calendar,
    image::{Image, Stands},
    known::Known,
    plan::{Planner, Step, gone},
};

impl Planner<'_, '_> {
    /// What changed here.
    pub(super) fn touched(&mut self) -> Result<(), StoreError> {
        let account = self.task.run.account_id;
        let reach = self.tx.export_reach(account, "activity")?;
        let since = reach.filter(|(rule, _)| *rule == self.rule.text).map_or(-1, |(_, stamp)| stamp);
        let mut touched: Vec<RecordId> = self.tx.records_since("activity", since)?;
        let of_user = self.tx.owns_since(&self.task.run.user, since)?;
        touched.extend(of_user.into_iter().map(RecordId::from));
        let mut seen = BTreeSet::new();
        touched.retain(|id| seen.insert(*id) && !self.met.contains(id));
        // Series before their times.
        let (mut series, mut times) = (Vec::new(), Vec::new());
        for id in touched {
            let id = ActivityId(id.0);
            let Some(master) = self.tx.master_of(id)? else { continue };
            if master.is_some() { times.push(id) } else { series.push(id) }
        }
        for id in series.into_iter().chain(times) {
            self.look_at(id)?;
        }
        // What another rule lets in has to be read anew, and a calendar that could not be is still to be.
        let is_read = |calendar: &Calendar| self.task.collected.iter().any(|one| one.calendar == calendar.id);
        if self.task.calendars.iter().all(is_read) || self.rule.is_known(self.tx)? {
            self.plan.rule = Some(self.rule.text.clone());
        }
        Ok(())
    }

    fn look_at(&mut self, record: ActivityId) -> Result<(), StoreError> {
        let links = self.tx.links_of_record(self.task.run.account_id, record)?;
        let (live, left): (Vec<Link>, Vec<Link>) = links.into_iter().partition(|link| link.left.is_none());
        if live.is_empty() {
            return self.consider(record, left.last());
        }
        if let Some(to) = self.moves_to(record, &live)? {
            return self.move_kind(record, &live, to);
        }
        for link in live {
            match self.task.collected.iter().find(|one| one.calendar == link.collection) {
                Some(one) => self.decide(link, None, one.ahead_ms)?,
                // Its calendar could not be read: it is decided by the next run that can.
                None => {
                    self.plan.steps.push(Step::Wait { link: link.id, is_gone: gone_of(&link) });
                }
            }
        }
        Ok(())
    }

    /// As what else an item is to be (F4.4).
    fn moves_to(&mut self, record: ActivityId, live: &[Link]) -> Result<Option<ActivityKind>, StoreError> {
        let [link] = live else { return Ok(None) };
        let Some(known) = self.load(record)? else { return Ok(None) };
        let Some(image) = known.image_of(link).or_else(|| Image::read(&link.base.image)) else {
            return Ok(None);
        };
        let known = &*self.loaded.insert(known);
        let is_there = known.stored.record.deleted.is_none() && known.stored.master.is_none();
        if !self.rule.exports() || !is_there || image.is_read_only {
            return Ok(None);
        }
        match self.rule.judge(self.tx, known, Some((link, image.shared.kind)))? {
            ActivityExport::Move(kind) => Ok(Some(kind).filter(|kind| self.target(*kind).is_some())),
            _ => Ok(None),
        }
    }

    fn target(&self, kind: ActivityKind) -> Option<&Calendar> {
        self.task.calendars.iter().find(|calendar| calendar.is_target && calendar.holds == kind)
    }

    /// The item is made anew as the other kind, then the old one goes; the record is the same.
    fn move_kind(&mut self, record: ActivityId, live: &[Link], to: ActivityKind) -> Result<(), StoreError> {
        self.met.insert(record.into());
        let collection = self.target(to).map(|calendar| calendar.id);
        self.send(None, collection, record, ItemOperation::Create { said: None });
        for link in live {
            self.send(Some(link.id), Some(link.collection), record, ItemOperation::Leave);
        }
        Ok(())
    }

    /// A record that has no item. `left` is the link that it had.
    fn consider(&mut self, record: ActivityId, left: Option<&Link>) -> Result<(), StoreError> {
        let Some(known) = Known::load(self.tx, record)? else { return Ok(()) };
        self.met.insert(record.into());
        if !self.rule.exports() || known.stored.record.deleted.is_some() {
            return Ok(());
        }
        if let Some(master) = known.stored.master {
            return self.consider_time(&known, master);
        }
        let wanted = self.rule.makes(self.tx, &known)?;
        let Some((kind, _)) = wanted else { return Ok(()) };
        match left {
            // It left there, or was hidden: it is the user's word.
            Some(link) if link.left == Some(Side::Server) => {}
            Some(link) => {
                self.send(Some(link.id), Some(link.collection), record, ItemOperation::Join);
            }
            None => {
                let collection = self.target(kind).map(|calendar| calendar.id);
                match collection {
                    Some(id) => self.send(None, Some(id), record, ItemOperation::Create { said: None }),
                    None => self.plan.warnings.push(format!(
                        "activity {record} has no calendar or task list on the server to go into"
                    )),
                }
            }
        }
        Ok(())
    }

    /// A time that differs from its series, and has no item of its own.
    fn consider_time(&mut self, known: &Known, master: ActivityId) -> Result<(), StoreError> {
        let links = self.tx.links_of_record(self.task.run.account_id, master)?;
        let Some(link) = links.into_iter().find(|link| link.left.is_none()) else { return Ok(()) };
        if self.says_more(known, master, &link)? {
            let collection = Some(link.collection);
            self.send(None, collection, known.stored.id, ItemOperation::Create { said: None });
        }
        Ok(())
    }

    /// Whether a time says anything over the link of its series that the series does not.
    fn says_more(&self, known: &Known, master: ActivityId, link: &Link) -> Result<bool, StoreError> {
        let (Some(series), Some(image)) = (Known::load(self.tx, master)?, Image::read(&link.base.image))
        else {
            return Ok(false);
        };
        if image.is_read_only || image.is_free_busy_only {
            return Ok(false);
        }
        let user = &self.task.run.user;
        let [own, of_series] =
            [known.stored.id, master].map(|id| self.tx.own(id, user).map(Option::unwrap_or_default));
        let made = made_by(&series.shared, &known.shared, self.task.rules.defaults);
        let rights = series.rights(link.id, &image);
        let shares = rights.sends_shared
            && (made.content != known.shared.content
                || made.timing != known.shared.timing
                || seats(&made) != seats(&known.shared));
        let (own, of_series) = (own?, of_series?);
        let is_own = own.own != of_series.own
            && (image.stands == Stands::Attendee || own.own.response == of_series.own.response);
        Ok(shares || is_own)
    }
}

/// Who takes part, and as what; not what they answered.
fn seats(
    activity: &postrider_model::Activity,
) -> Vec<(&postrider_model::Person, postrider_model::ParticipantRole)> {
    activity.people.participants.iter().map(|one| (&one.person, one.role)).collect()
}

fn gone_of(link: &Link) -> bool {
    link.gone == gone(true)
}
