//! A write is worked out as it is sent, of what the record is then.

use postrider_journal::{Event, ItemOperation, State};
use postrider_model::{Activity, ActivityId, ActivityKind, Moment, Own, Participant, Person, Status};
use postrider_reconcile::activities::{ActivityExport, Facets, assumed_base, plain_copy};
use postrider_remote::{CalendarCapabilities, CalendarOp, Target};
use postrider_store::{ItemIntentRow, Link, StoreError, Tx};

use super::{
    ActivityRules,
    arrive::made_by,
    calendars::Calendar,
    export::Rule,
    image::{Agreed, Image, Stands, text},
    known::Known,
    links::{forget, untold, was_to_tell},
    pair::{Pair, Saying, target_of, unanswered},
};
use crate::sync::ItemsContext;

/// A write that is noted as sent.
pub(super) struct Ready {
    pub row: ItemIntentRow,
    pub calendar: Calendar,
    pub op: CalendarOp,
    /// On what both agree once it is done.
    pub agreed: Agreed,
    /// The link ends with it, whatever the server leaves there.
    pub ends: bool,
}

/// What becomes of a note before anything is sent.
pub(super) enum Prepared {
    Send(Box<Ready>),
    /// The item of a link that ended is asked for: where it is there still, it is linked again.
    Ask(Box<(ItemIntentRow, Link)>),
    /// It is not wanted any more, or not yet.
    Nothing,
}

/// What is to be sent, what is agreed then, and whether the link ends with it.
type Worked = Option<(CalendarOp, Agreed, bool)>;

/// A write that is being worked out.
pub(super) struct Preparing<'a, 'tx> {
    tx: &'a mut Tx<'tx>,
    run: &'a ItemsContext,
    rules: &'a ActivityRules,
    can: &'a CalendarCapabilities,
    rule: Rule,
}

impl<'a, 'tx> Preparing<'a, 'tx> {
    pub(super) fn new(
        tx: &'a mut Tx<'tx>,
        run: &'a ItemsContext,
        rules: &'a ActivityRules,
        can: &'a CalendarCapabilities,
    ) -> Self {
        Self { tx, run, rules, can, rule: Rule::new(run, rules) }
    }

    pub(super) fn prepare(mut self, row: ItemIntentRow, calendar: Calendar) -> Result<Prepared, StoreError> {
        let Some(row) = self.tx.item_intent(row.id)?.filter(|row| row.intent.state == State::Noted) else {
            return Ok(Prepared::Nothing);
        };
        // What was noted before that was said waits with what is noted since.
        if !self.rules.export {
            return Ok(Prepared::Nothing);
        }
        let known = match row.about.record {
            Some(id) => Known::load(self.tx, ActivityId(id.0))?,
            None => None,
        };
        let link = row.about.link.map(|id| self.tx.link(id)).transpose()?.flatten();
        let Some(mut known) = known else { return self.withdraw(&row, None) };
        // It was never made, or nobody has it any more: whoever was to hear of it hears of what is made now.
        known.stored.tell |= was_to_tell(&row.operation);
        let live = link.clone().filter(|link| link.left.is_none());
        let worked = match (&row.operation, live) {
            (ItemOperation::Create { .. }, None) if link.is_none() => match known.stored.master {
                Some(master) => self.time(&known, master, &calendar)?,
                None => self.creation(&row, &known, &calendar)?,
            },
            (ItemOperation::Update { .. }, Some(link)) => {
                let said = self.update(&known, &link)?;
                if said.is_none() {
                    // All is said.
                    self.tx.step_item_intent(row.id, Event::Withdraw)?;
                    if known.stored.record.deleted.is_none() {
                        self.tx.set_base(link.id, &link.base)?;
                    }
                    let image = Image::read(&link.base.image);
                    if image.is_some_and(|image| known.rights(link.id, &image).notifies) {
                        self.tx.set_tell(known.stored.id, false)?;
                    }
                    return Ok(Prepared::Nothing);
                }
                said
            }
            (ItemOperation::Delete, Some(link)) => self.deletion(&known, &link)?,
            (ItemOperation::Leave, Some(link)) => match self.moved(&row, &known, &link)? {
                Some(op) => op,
                None => return Ok(Prepared::Nothing),
            },
            // The server may have forgotten it when its series was given other times.
            (ItemOperation::Join, Some(link)) => return Ok(Prepared::Ask(Box::new((row, link)))),
            (ItemOperation::Join, None) => {
                let wanted = self.rule.makes(self.tx, &known)?;
                match link.clone().filter(|_| wanted.is_some()) {
                    Some(link) => return Ok(Prepared::Ask(Box::new((row, link)))),
                    None => None,
                }
            }
            _ => None,
        };
        let Some((op, mut agreed, ends)) = worked else { return self.withdraw(&row, link.as_ref()) };
        // The word that people are to hear of it is the write's from now on: it comes back where the write was surely not done.
        let tells = op.notifies() && !matches!(op, CalendarOp::Respond { .. });
        let sent = match row.operation {
            ItemOperation::Create { .. } => {
                agreed.tells = tells;
                Some(ItemOperation::Create { said: Some(text(&agreed)) })
            }
            ItemOperation::Update { .. } => Some(ItemOperation::Update { tells }),
            _ => None,
        };
        if let Some(sent) = sent {
            if tells {
                self.tx.set_tell(known.stored.id, false)?;
            }
            self.tx.set_item_operation(row.id, &sent)?;
        }
        self.tx.step_item_intent(row.id, Event::Send)?;
        let row = self.tx.item_intent(row.id)?.unwrap_or(row);
        Ok(Prepared::Send(Box::new(Ready { row, calendar, op, agreed, ends })))
    }

    /// What is here changed again since it was noted: nothing is sent of it, and its link is decided by the next run.
    fn withdraw(&mut self, row: &ItemIntentRow, link: Option<&Link>) -> Result<Prepared, StoreError> {
        // What was surely not made told nobody; what has an item was made by somebody, who told them.
        if was_to_tell(&row.operation) && self.has_no_item(row)? {
            untold(self.tx, row.id)?;
        }
        self.tx.step_item_intent(row.id, Event::Withdraw)?;
        let live = match link {
            Some(link) => self.tx.link(link.id)?.filter(|link| link.left.is_none()),
            None => None,
        };
        if let Some(link) = live {
            self.tx.set_dirty(link.id, link.gone)?;
        }
        Ok(Prepared::Nothing)
    }

    fn has_no_item(&self, row: &ItemIntentRow) -> Result<bool, StoreError> {
        let Some(record) = row.about.record else { return Ok(false) };
        let links = self.tx.links_of_record(self.run.account_id, record)?;
        Ok(links.iter().all(|link| link.left.is_some()))
    }

    fn own(&self, id: ActivityId) -> Result<Own, StoreError> {
        Ok(self.tx.own(id, &self.run.user)?.unwrap_or_default().own)
    }

    fn creation(
        &self,
        row: &ItemIntentRow,
        known: &Known,
        calendar: &Calendar,
    ) -> Result<Worked, StoreError> {
        let stored = &known.stored;
        let is_off = known.shared.content.status == Status::Cancelled;
        if stored.record.deleted.is_some() || is_off {
            return Ok(None);
        }
        let links = self.tx.links_of_record(self.run.account_id, stored.id)?;
        let live = links.iter().find(|link| link.left.is_none());
        let is_plain = match live {
            // It is made as another kind, and the item that there is goes.
            Some(link) => {
                let kind = Image::read(&link.base.image).map(|image| image.shared.kind);
                let judged =
                    kind.map(|kind| self.rule.judge(self.tx, known, Some((link, kind)))).transpose()?;
                if judged != Some(ActivityExport::Move(calendar.holds)) {
                    return Ok(None);
                }
                false
            }
            None => match self.rule.makes(self.tx, known)? {
                Some((kind, is_plain)) if kind == calendar.holds => is_plain,
                // What was edited here while it was deleted there is made again, whatever the rule says of new ones.
                _ if !known.is_meeting() && stored.record.owner == self.run.user => false,
                _ => return Ok(None),
            },
        };
        let own = self.own(stored.id)?;
        let here = if is_plain { plain_copy(&known.shared) } else { known.shared.clone() };
        let agreed = Agreed { shared: here.clone(), own: own.clone(), is_plain, tells: false };
        let mut said = Activity { kind: calendar.holds, ..here };
        // A server has no two items of one uid, and a plain copy is no invitation.
        if is_plain || live.is_some() {
            said.uid = row.intent.mark.to_string();
        }
        if !is_plain {
            self.as_organizer(&mut said);
        }
        if said.kind == ActivityKind::Appointment && !self.place(&mut said) {
            return Ok(None);
        }
        let nothing = Facets { shared: Activity::new(said.kind, said.uid.clone()), own: Own::default() };
        let all = Facets { shared: said.clone(), own: Own { response: None, ..own } };
        let held = assumed_base(&all, &nothing, &self.can.fields);
        let activity = Activity { uid: said.uid, sequence: said.sequence, ..held.shared };
        let notify = stored.tell && known.is_meeting() && !is_plain;
        let op = CalendarOp::Create { activity: Box::new(activity), own: Box::new(held.own), notify };
        Ok(Some((op, agreed, false)))
    }

    /// Who brings it to the server organizes it there; whoever organizes it here takes part in it then.
    fn as_organizer(&self, said: &mut Activity) {
        let people = &mut said.people;
        if people.organizer.is_none() && people.participants.is_empty() {
            return;
        }
        let is_own = |email: &str| self.rules.addresses.iter().any(|own| own.eq_ignore_ascii_case(email));
        let organizer = people.organizer.take();
        let name = organizer.as_ref().filter(|one| is_own(&one.email)).and_then(|one| one.name.clone());
        if let Some(other) = organizer.filter(|one| !is_own(&one.email))
            && people.participants.iter().all(|one| !one.person.is(&other.email))
        {
            people.participants.push(Participant { person: other, ..Participant::default() });
        }
        people.organizer = Some(Person { email: self.rules.address.clone(), name });
        unanswered(&mut people.participants);
    }

    /// An appointment needs a start and an end.
    fn place(&self, said: &mut Activity) -> bool {
        let timing = &mut said.timing;
        if timing.start.is_none() {
            timing.start = timing.end.take();
        }
        let Some(start) = &timing.start else { return false };
        if timing.end.is_none() {
            timing.end = match start {
                Moment::Day(day) => day.succ_opt().map(Moment::Day),
                Moment::At { local, zone } => local
                    .checked_add_signed(self.rules.defaults.duration)
                    .map(|local| Moment::At { local, zone: zone.clone() }),
            };
        }
        timing.end.is_some()
    }

    /// A time that differs from its series, and has no item of its own yet.
    fn time(&self, known: &Known, master: ActivityId, calendar: &Calendar) -> Result<Worked, StoreError> {
        let account = self.run.account_id;
        let is_linked = |link: &Link| link.left.is_none() && link.collection == calendar.id;
        let is_there = self.tx.links_of_record(account, known.stored.id)?.iter().any(is_linked);
        let link = self.tx.links_of_record(account, master)?.into_iter().find(is_linked);
        let (Some(link), Some(series)) = (link, Known::load(self.tx, master)?) else { return Ok(None) };
        let (Some(image), Some(occurrence)) = (Image::read(&link.base.image), known.shared.occurrence) else {
            return Ok(None);
        };
        let gone = known.stored.record.deleted.is_some() || series.stored.record.deleted.is_some();
        if is_there || gone || image.is_read_only {
            return Ok(None);
        }
        let rights = series.rights(link.id, &image);
        let defaults = self.rules.defaults;
        let made = made_by(&image.shared, &known.shared, defaults);
        let target =
            Target::Occurrence { master: link.key.clone(), version: link.base.version.clone(), occurrence };
        let facet = self.tx.own(known.stored.id, &self.run.user)?.unwrap_or_default();
        let agreed_here = made_by(&series.shared, &known.shared, defaults);
        let here = image.here(&known.shared, &facet.own);
        if known.shared.content.status == Status::Cancelled {
            let is_meeting = series.is_meeting();
            let notify = known.stored.tell && rights.notifies && is_meeting;
            let op = match image.stands {
                _ if !rights.sends_shared => return Ok(None),
                Stands::Organizer if is_meeting => CalendarOp::Cancel { target, notify },
                _ => CalendarOp::Delete { target, notify: false },
            };
            return Ok(Some((op, Agreed::of(&here), false)));
        }
        let as_made = Image { shared: made, ..image };
        let pair = Pair {
            here,
            agreed: as_made.here(&agreed_here, &self.own(master)?),
            facet,
            rights,
            is_meeting: series.is_meeting(),
            address: self.rules.address.clone(),
            link,
            there: as_made.clone(),
            image: as_made,
        };
        let saying = pair.next(&known.stored, &self.can.fields);
        Ok(saying.map(|Saying { op, agreed }| (at(op, target), agreed, false)))
    }

    fn update(&self, known: &Known, link: &Link) -> Result<Worked, StoreError> {
        if known.stored.record.deleted.is_some() {
            return Ok(None);
        }
        let Some(pair) = self.pair(known, link)? else { return Ok(None) };
        let saying = pair.next(&known.stored, &self.can.fields);
        Ok(saying.map(|Saying { op, agreed }| (op, agreed, false)))
    }

    fn pair(&self, known: &Known, link: &Link) -> Result<Option<Pair>, StoreError> {
        let read = Image::read(&link.base.image).zip(Agreed::read(&link.base.agreed));
        let Some((image, agreed)) = read else { return Ok(None) };
        let facet = self.tx.own(known.stored.id, &self.run.user)?.unwrap_or_default();
        Ok(Some(Pair {
            here: image.here(&known.shared, &facet.own),
            facet,
            agreed: agreed.facets(),
            rights: known.rights(link.id, &image),
            is_meeting: known.is_meeting(),
            address: self.rules.address.clone(),
            link: link.clone(),
            there: image.clone(),
            image,
        }))
    }

    fn deletion(&mut self, known: &Known, link: &Link) -> Result<Worked, StoreError> {
        let Some(pair) = self.pair(known, link)? else { return Ok(None) };
        let stored = &known.stored;
        let is_off = known.shared.content.status == Status::Cancelled;
        let is_hidden = pair.facet.hidden && pair.image.stands == Stands::Attendee;
        if stored.record.deleted.is_none() && !is_off && !is_hidden {
            return Ok(None);
        }
        if let (Some(_), Some(master), false) = (stored.record.deleted, stored.master, is_off)
            && let Some(series) = Known::load(self.tx, master)?
            && series.stored.record.deleted.is_none()
        {
            return self.revert(known, &series, link, &pair);
        }
        let target = target_of(link);
        let op = match pair.image.stands {
            Stands::Organizer if pair.is_meeting => {
                CalendarOp::Cancel { target, notify: stored.tell && pair.rights.notifies }
            }
            Stands::Attendee => CalendarOp::Delete { target, notify: pair.facet.tell },
            _ => CalendarOp::Delete { target, notify: false },
        };
        Ok(Some((op, Agreed::of(&pair.here), false)))
    }

    /// A time that differs from its series no more is as the series has it again.
    fn revert(
        &mut self,
        known: &Known,
        series: &Known,
        link: &Link,
        pair: &Pair,
    ) -> Result<Worked, StoreError> {
        let of_series = self.tx.links_of_record(self.run.account_id, series.stored.id)?;
        let of_series =
            of_series.into_iter().find(|one| one.left.is_none() && one.collection == link.collection);
        let image = of_series.and_then(|one| Image::read(&one.base.image));
        let was = &pair.image.shared;
        let made = image.map(|image| made_by(&image.shared, &known.shared, self.rules.defaults));
        let wanted = made.map(|made| Activity { uid: was.uid.clone(), sequence: was.sequence, ..made });
        match wanted.filter(|wanted| wanted != was && pair.rights.sends_shared) {
            Some(wanted) => {
                let (was, activity) = (Box::new(was.clone()), Box::new(wanted));
                let op = CalendarOp::Update { target: target_of(link), was, activity, notify: false };
                Ok(Some((op, Agreed::of(&pair.here), true)))
            }
            None => {
                forget(self.tx, link.id, &self.run.user)?;
                Ok(None)
            }
        }
    }

    /// The item of a record that was made as another kind goes; `None` until that is made.
    fn moved(
        &mut self,
        row: &ItemIntentRow,
        known: &Known,
        link: &Link,
    ) -> Result<Option<Worked>, StoreError> {
        let links = self.tx.links_of_record(self.run.account_id, known.stored.id)?;
        let has_another = links.iter().any(|one| one.left.is_none() && one.id != link.id);
        let Some(pair) = self.pair(known, link)? else { return Ok(Some(None)) };
        if has_another {
            let op = CalendarOp::Delete { target: target_of(link), notify: false };
            return Ok(Some(Some((op, Agreed::of(&pair.here), true))));
        }
        let open = self.tx.item_intents_of_record(self.run.account_id, known.stored.id)?;
        let is_coming = open.iter().any(|one| matches!(one.operation, ItemOperation::Create { .. }));
        if !is_coming {
            self.tx.step_item_intent(row.id, Event::Withdraw)?;
        }
        Ok(None)
    }
}

/// The same of a time without an item of its own.
fn at(op: CalendarOp, target: Target) -> CalendarOp {
    match op {
        CalendarOp::Update { was, activity, notify, .. } => {
            CalendarOp::Update { target, was, activity, notify }
        }
        CalendarOp::Respond { response, notify, .. } => CalendarOp::Respond { target, response, notify },
        CalendarOp::UpdateOwn { was, own, .. } => CalendarOp::UpdateOwn { target, was, own },
        other => other,
    }
}
