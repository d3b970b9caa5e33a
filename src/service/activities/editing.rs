//! Activities made, changed, called off, answered.

use postrider_formats::icalendar::Item;
use postrider_model::{Activity, ActivityId, ActivityKind, ErrorClass, Fault, Own, Person, Response, Status};
use postrider_reconcile::activities::FieldGroup;
use postrider_store::{AuditEntry, NewActivity as New, OwnFacet, StoreError, StoredActivity, Tx};

use super::{
    ActivityChanges, gone,
    hand::{Hand, Tried, live},
};
use crate::{
    access::{Act, Caller},
    activity::{doc_of, with_join_url},
    service::Service,
};

/// An activity to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewActivity {
    /// What it is.
    pub kind: ActivityKind,
    /// What it says.
    pub fields: ActivityChanges,
    /// The address under which the caller organizes it, where others take part; the first of theirs where nothing is said.
    pub organizer: Option<String>,
}

/// How much of a series is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Extent {
    /// All of it; of what does not recur, it.
    #[default]
    Whole,
    /// The time on that day: `2026-12-01`, or `2026-12-01 10:00` where there are several.
    One(String),
    /// That time and all that follow.
    Following(String),
}

impl Service {
    fn hand<'a>(&self, caller: &'a Caller, why: &str) -> Hand<'a> {
        Hand {
            user: &caller.user,
            addresses: self.addresses_of_user(&caller.user),
            has_everything: caller.has_everything(),
            context: self.here(caller, why),
            defaults: self.defaults(),
            now: self.world.clock.now(),
        }
    }

    /// Makes an appointment or a task of the caller's.
    ///
    /// # Errors
    /// A time, a zone, a rule, a role that is none; others who are asked to take part where the caller has no address of their own.
    pub fn add_activity(&mut self, caller: &Caller, new: &NewActivity) -> Result<ActivityId, Fault> {
        self.add_telling(caller, new, false)
    }

    /// As [`add_activity`](Self::add_activity); `tells`: its server is to tell those who take part.
    pub(super) fn add_telling(
        &mut self,
        caller: &Caller,
        new: &NewActivity,
        tells: bool,
    ) -> Result<ActivityId, Fault> {
        let visibility = new.fields.visibility.clone().unwrap_or_default();
        self.may_show(caller, &visibility)?;
        let hand = self.hand(caller, "added");
        let empty = Activity::new(new.kind, crate::card::new_uuid(&*self.world.entropy));
        let mut activity = new.fields.apply(&empty, self.zone(), hand.now)?;
        if activity.content.title.trim().is_empty() {
            return Err(Fault::new(ErrorClass::Config, "add the activity", "it has no title"));
        }
        if new.kind == ActivityKind::Appointment && activity.timing.start.is_none() {
            return Err(Fault::new(ErrorClass::Config, "add the appointment", "it has no start")
                .hint("--start \"2026-12-01 10:00\", or --start 2026-12-01 for the whole day"));
        }
        if !activity.people.participants.is_empty() {
            activity.people.organizer = Some(organizer(caller, &hand.addresses, new.organizer.as_deref())?);
        }
        let mut own = new.fields.apply_own(&Own::default());
        if new.fields.reminders.is_none() {
            own.reminders = self.default_reminders();
        }
        let item = Item::new(&with_join_url(activity), &own).stamped(hand.now);
        let in_schedule = new.fields.in_schedule.unwrap_or(new.kind == ActivityKind::Appointment);
        let doc = doc_of(&item, hand.defaults);
        let line = self.line(caller, Act::AddRecord, "", "an activity");
        self.record_work(line, doc.text.len(), |tx| {
            let new =
                New { owner: &caller.user, visibility: &visibility, doc: &doc, master: None, in_schedule };
            let id = tx.add_activity(&new, &hand.context)?;
            let facet = OwnFacet { own, own_changed: hand.now, ..OwnFacet::default() };
            tx.set_own(id, &caller.user, &facet, &hand.context)?;
            tx.set_tell(id, tells)?;
            Ok(id)
        })
    }

    /// Changes what is named of an activity. With `rev`, only where it is still what it was at that number. Answers the activity that was
    /// changed: of one time of a series the one that differs from it now, of a time and all that follow the series that begins with it.
    ///
    /// # Errors
    /// Where the caller sees none of that id; what is its organizer's to change; a time of the series that there is not.
    pub fn edit_activity(
        &mut self,
        caller: &Caller,
        id: ActivityId,
        extent: &Extent,
        changes: &ActivityChanges,
        rev: Option<u64>,
    ) -> Result<ActivityId, Fault> {
        self.edit_telling(caller, (id, extent), changes, rev, false)
    }

    /// As [`edit_activity`](Self::edit_activity); `tells`: its server is to tell those who take part.
    pub(super) fn edit_telling(
        &mut self,
        caller: &Caller,
        (id, extent): (ActivityId, &Extent),
        changes: &ActivityChanges,
        rev: Option<u64>,
        tells: bool,
    ) -> Result<ActivityId, Fault> {
        let seen = self.activity_seen(caller, id)?;
        if let Some(visibility) = changes.visibility.as_ref().filter(|new| **new != seen.record.visibility) {
            self.own(caller, "activity", id)?;
            self.may_show(caller, visibility)?;
        }
        if changes.visibility.is_some() && (*extent != Extent::Whole || seen.master.is_some()) {
            let cause = "one time of a series is seen as the series is";
            return Err(Fault::new(ErrorClass::Config, format!("show activity {id} to others"), cause));
        }
        let hand = self.hand(caller, "edited");
        let uid = crate::card::new_uuid(&*self.world.entropy);
        let line = self.line(caller, Act::ChangeRecord, "", &id.to_string());
        self.on_live(caller, (id, rev), line, |tx, stored| {
            let before = tells.then(|| Before::of(tx, stored)).transpose()?;
            let changed = match extent {
                Extent::Whole => hand.edit_whole(tx, stored, changes)?.map(|()| id),
                Extent::One(text) => hand.edit_one(tx, stored, text, changes)?,
                Extent::Following(text) => hand.edit_following(tx, stored, text, changes, &uid)?,
            };
            let Ok(of) = changed else { return Ok(changed) };
            if let Some(on) = changes.in_schedule.filter(|on| *on != stored.in_schedule) {
                if let Err(fault) = hand.may(stored, &FieldGroup::Content) {
                    return Ok(Err(fault));
                }
                tx.set_in_schedule(of, on, &hand.context)?;
            }
            if let Some(visibility) = &changes.visibility
                && tx.show_to(of, visibility, &hand.context)?
                && !hand.is_owner(stored)
            {
                return Err(StoreError::NoSuchRecord);
            }
            before.map_or(Ok(()), |before| before.tell(tx, of))?;
            Ok(Ok(of))
        })
    }

    /// Works on an activity that is there, that the caller sees, and that is still what it was at that number: in one transaction, of
    /// which nothing is left where the work is refused.
    fn on_live<R>(
        &mut self,
        caller: &Caller,
        (id, rev): (ActivityId, Option<u64>),
        line: AuditEntry,
        work: impl FnOnce(&mut Tx<'_>, &StoredActivity) -> Tried<R>,
    ) -> Result<R, Fault> {
        let viewer = self.viewer(caller);
        let done = self.tried_work(line, 0, |tx| {
            if !tx.sees(&viewer, id)? {
                return Err(StoreError::NoSuchRecord);
            }
            match live(tx, id, rev)? {
                Ok(stored) => work(tx, &stored),
                Err(fault) => Ok(Err(fault)),
            }
        });
        self.answered(caller, done.map_err(|fault| gone(fault, id)), id)
    }

    /// Notes a refusal among what a transaction answered.
    fn answered<T>(&self, caller: &Caller, done: Result<T, Fault>, id: ActivityId) -> Result<T, Fault> {
        done.inspect_err(|fault| {
            if fault.class == ErrorClass::NotPermitted {
                self.note_refused(caller, Act::ChangeRecord, "", &id.to_string());
            }
        })
    }

    /// Calls an activity off: a meeting that the caller organizes is cancelled for all who take part, what is theirs alone is deleted and
    /// can be restored. Of a series all of it, or the time that is meant. Answers what was called off: of one time of a series the one that
    /// differs from it now.
    ///
    /// # Errors
    /// Where the caller sees none of that id; what another one organizes.
    pub fn cancel_activity(
        &mut self,
        caller: &Caller,
        id: ActivityId,
        extent: &Extent,
    ) -> Result<ActivityId, Fault> {
        self.cancel_telling(caller, id, extent, false)
    }

    /// As [`cancel_activity`](Self::cancel_activity); `tells`: its server is to tell those who take part.
    pub(super) fn cancel_telling(
        &mut self,
        caller: &Caller,
        id: ActivityId,
        extent: &Extent,
        tells: bool,
    ) -> Result<ActivityId, Fault> {
        self.activity_seen(caller, id)?;
        let hand = self.hand(caller, "called off");
        let changes = ActivityChanges { status: Some(Status::Cancelled), ..ActivityChanges::default() };
        let line = self.line(caller, Act::OwnRecord, "", &format!("cancel {id}"));
        self.on_live(caller, (id, None), line, |tx, stored| {
            let before = tells.then(|| Before::of(tx, stored)).transpose()?;
            let off = match extent {
                Extent::One(text) => hand.edit_one(tx, stored, text, &changes)?,
                Extent::Following(_) => {
                    let cause = "a series is called off as a whole, or one time of it";
                    Err(Fault::new(ErrorClass::Config, format!("cancel activity {id}"), cause)
                        .hint("`postrider activity edit` with an UNTIL in its rule ends it earlier"))
                }
                Extent::Whole if hand.is_meeting(stored) || stored.master.is_some() => {
                    hand.edit_whole(tx, stored, &changes)?.map(|()| id)
                }
                Extent::Whole => match hand.may(stored, &FieldGroup::Content) {
                    Ok(()) => tx.delete_record(id, &hand.context).map(|()| Ok(id))?,
                    Err(fault) => Err(fault),
                },
            };
            if let (Ok(off), Some(before)) = (&off, before) {
                before.tell(tx, *off)?;
            }
            Ok(off)
        })
    }

    /// Makes an activity what it was: what all share, and with a series what differs from it.
    ///
    /// # Errors
    /// Where the caller may not change that, or sees none of that id.
    pub(in crate::service) fn restore_activity_version(
        &mut self,
        caller: &Caller,
        id: ActivityId,
        was: &Item,
        in_schedule: Option<bool>,
        why: &str,
    ) -> Result<(), Fault> {
        let hand = self.hand(caller, why);
        let viewer = self.viewer(caller);
        let line = self.line(caller, Act::ChangeRecord, "", &format!("{id}: {why}"));
        let done = self.tried_work(line, was.text().len(), |tx| {
            if !tx.sees(&viewer, id)? {
                return Err(StoreError::NoSuchRecord);
            }
            let stored = tx.activity(id)?.ok_or(StoreError::NoSuchRecord)?;
            for group in [FieldGroup::Content, FieldGroup::Timing, FieldGroup::Participants] {
                if let Err(fault) = hand.may(&stored, &group) {
                    return Ok(Err(fault));
                }
            }
            if stored.record.deleted.is_some() {
                tx.restore_record(id, &hand.context)?;
            }
            if let Some(on) = in_schedule {
                tx.set_in_schedule(id, on, &hand.context)?;
            }
            hand.put_back(tx, &stored, was)
        });
        self.answered(caller, done.map_err(|fault| gone(fault, id)), id)
    }

    /// Brings deleted activities of the caller's back.
    ///
    /// # Errors
    /// The first that the caller does not see, that is another's, or that is not deleted. None is restored then.
    pub fn restore_activities(&mut self, caller: &Caller, ids: &[ActivityId]) -> Result<(), Fault> {
        self.restore_records(caller, "activity", ids)
    }

    /// Notes what the caller answers: theirs alone, whoever organizes it.
    ///
    /// # Errors
    /// Where the caller sees none of that id, or was not asked.
    pub fn respond(
        &mut self,
        caller: &Caller,
        id: ActivityId,
        extent: &Extent,
        response: Response,
    ) -> Result<ActivityId, Fault> {
        self.respond_telling(caller, id, extent, response, false)
    }

    /// As [`respond`](Self::respond); `tells`: the caller's server is to tell the organizer.
    pub(super) fn respond_telling(
        &mut self,
        caller: &Caller,
        id: ActivityId,
        extent: &Extent,
        response: Response,
        tells: bool,
    ) -> Result<ActivityId, Fault> {
        self.activity_seen(caller, id)?;
        let hand = self.hand(caller, "answered");
        let line = self.line(caller, Act::ChangeRecord, "", &format!("respond {id}"));
        self.on_live(caller, (id, None), line, |tx, stored| match extent {
            Extent::Whole => Ok(hand.answer(tx, stored, response, tells)?.map(|()| id)),
            Extent::One(text) => match hand.set_apart(tx, stored, text)? {
                Ok(one) => {
                    let stored = tx.activity(one)?.ok_or(StoreError::NoSuchRecord)?;
                    Ok(hand.answer(tx, &stored, response, tells)?.map(|()| one))
                }
                Err(fault) => Ok(Err(fault)),
            },
            Extent::Following(_) => Ok(Err(Fault::new(
                ErrorClass::Config,
                format!("answer to activity {id}"),
                "one answers to a series, or to one time of it",
            ))),
        })
    }
}

/// What an activity and the times that differ from it said before a change of which people are to hear.
struct Before(Vec<StoredActivity>);

impl Before {
    fn of(tx: &Tx<'_>, stored: &StoredActivity) -> Result<Self, StoreError> {
        let mut all = vec![stored.clone()];
        all.extend(tx.differing(stored.id)?);
        Ok(Self(all))
    }

    /// Notes that its server is to tell of what says something else now: of the activity, and of what the change made of it. Nobody is
    /// told of what is no change.
    fn tell(&self, tx: &mut Tx<'_>, of: ActivityId) -> Result<(), StoreError> {
        let first = self.0.first().map(|one| one.id);
        for id in first.into_iter().chain((first != Some(of)).then_some(of)) {
            let Some(now) = tx.activity(id)? else { continue };
            let is_changed = match (self.0.iter().find(|one| one.id == id), now.master) {
                (Some(before), _) => before.doc != now.doc,
                // A time that was set apart says what its series did, until it is changed.
                (None, Some(_)) => self.0.first().is_some_and(|series| sequence(series) < sequence(&now)),
                (None, None) => true,
            };
            if is_changed {
                tx.set_tell(id, true)?;
            }
        }
        Ok(())
    }
}

fn sequence(stored: &StoredActivity) -> u32 {
    Item::read(stored.doc.text.as_bytes()).map(|item| item.activity().sequence).unwrap_or_default()
}

/// The address under which somebody organizes something.
fn organizer(caller: &Caller, addresses: &[String], named: Option<&str>) -> Result<Person, Fault> {
    let refuse = |cause: String| Fault::new(ErrorClass::Config, "ask others to take part", cause);
    let email = match named {
        Some(named) if caller.has_everything() || addresses.iter().any(|own| own.eq_ignore_ascii_case(named)) => {
            named.to_owned()
        }
        Some(named) => return Err(refuse(format!("{named} is none of your addresses"))),
        None => addresses.first().cloned().ok_or_else(|| {
            refuse("you have no address of your own".to_owned())
                .hint("users.toml tells a user's `addresses`; an account has one too; --organizer names one of them")
        })?,
    };
    Ok(Person { email, name: None })
}
