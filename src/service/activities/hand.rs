//! What a change to an activity does, within one transaction: who may make it, and what goes with it.

use postrider_formats::{icalendar::Item, occurrences::Defaults};
use postrider_model::{
    Activity, ActivityId, ErrorClass, Fault, Own, Participant, Person, Response, Timestamp,
};
use postrider_reconcile::activities::{
    CannotSplit, Editor, FieldGroup, MeetingCopy, Refusal, inherit_own, is_meeting, judge_edit, split_series,
};
use postrider_store::{ChangedGroups, Context, NewActivity as New, OwnFacet, StoreError, StoredActivity, Tx};

use super::{ActivityChanges, unreadable};
use crate::{
    activity::{apart, doc_of, follow, meant, reach, starts, with_join_url},
    service::records::absent,
};

/// Who wants to change something, and when.
pub(super) struct Hand<'a> {
    pub user: &'a str,
    pub addresses: Vec<String>,
    pub has_everything: bool,
    pub context: Context,
    pub defaults: Defaults,
    pub now: Timestamp,
}

/// What a transaction answers that may find that it may not.
pub(super) type Tried<T> = Result<Result<T, Fault>, StoreError>;

/// An activity that is there, as it was at that number.
pub(super) fn live(tx: &Tx<'_>, id: ActivityId, rev: Option<u64>) -> Tried<StoredActivity> {
    let Some(stored) = tx.activity(id)?.filter(|stored| stored.record.deleted.is_none()) else {
        return Ok(Err(absent("activity", id)));
    };
    let now = stored.record.rev;
    if rev.is_some_and(|rev| rev != now) {
        let cause = format!("somebody changed it meanwhile: its number is {now} now");
        return Ok(Err(Fault::new(ErrorClass::Config, format!("edit activity {id}"), cause)));
    }
    Ok(Ok(stored))
}

fn item_of(stored: &StoredActivity) -> Result<Item, Fault> {
    Item::read(stored.doc.text.as_bytes()).map_err(|error| unreadable(stored.id, &error))
}

/// Takes the value of a [`Tried`], or answers why not.
macro_rules! tried {
    ($value:expr) => {
        match $value {
            Ok(value) => value,
            Err(fault) => return Ok(Err(fault)),
        }
    };
}

impl Hand<'_> {
    pub fn is_meeting(&self, stored: &StoredActivity) -> bool {
        let people = item_of(stored).map(|item| item.activity().people).unwrap_or_default();
        is_meeting::<u32>(&people, &[] as &[MeetingCopy<u32>])
    }

    /// Whether it is theirs.
    pub fn is_owner(&self, stored: &StoredActivity) -> bool {
        self.has_everything || stored.record.owner == self.user
    }

    /// Whether they have a part in it.
    fn is_inside(&self, stored: &StoredActivity) -> bool {
        let people = stored.doc.participants.iter().map(|one| &one.person.email).chain(&stored.doc.organizer);
        let is_own = |email: &String| self.addresses.iter().any(|own| own.eq_ignore_ascii_case(email));
        self.is_owner(stored) || people.into_iter().any(is_own)
    }

    /// Whether they may change that.
    pub fn may(&self, stored: &StoredActivity, group: &FieldGroup) -> Result<(), Fault> {
        let refuse = |cause: &str| {
            Err(Fault::new(ErrorClass::NotPermitted, format!("change activity {}", stored.id), cause)
                .hint("`postrider activity respond` answers; reminders, categories and show-as are your own to change"))
        };
        let is_owner = stored.record.owner == self.user;
        let organizes = match &stored.doc.organizer {
            Some(organizer) => self.addresses.iter().any(|own| own.eq_ignore_ascii_case(organizer)),
            None => true,
        };
        let editor = Editor {
            has_authority_link: organizes && stored.doc.organizer.is_some(),
            sees_free_busy_only: false,
            stands_in: stored.stand_in.as_deref() == Some(self.user),
            made_it_here: organizes && (is_owner || self.has_everything),
        };
        let addresses: Vec<&str> = self.addresses.iter().map(String::as_str).collect();
        match judge_edit(editor, &addresses, self.is_meeting(stored), group) {
            Ok(()) if group.is_own() || is_owner || self.has_everything || editor.has_authority_link => {
                Ok(())
            }
            Ok(()) if matches!(group, FieldGroup::Response(_)) => Ok(()),
            Ok(()) => refuse("it is another user's"),
            Err(Refusal::NotOrganizer) => refuse("it is its organizer's to change"),
            Err(Refusal::StandsInOnly) => refuse("standing in for its organizer gives no right to it"),
            Err(Refusal::OthersResponse) => refuse("what somebody else answers is theirs"),
            Err(Refusal::FreeBusyOnly) => refuse("only when somebody is busy is known of it"),
        }
    }

    /// Changes an activity, and brings those that differ from it along.
    pub fn edit_whole(
        &self,
        tx: &mut Tx<'_>,
        stored: &StoredActivity,
        changes: &ActivityChanges,
    ) -> Tried<()> {
        let item = tried!(item_of(stored));
        let was = item.activity();
        if stored.master.is_some() && changes.when.rules.is_some() {
            let cause = "one time of a series has no rule of its own";
            return Ok(Err(Fault::new(ErrorClass::Config, format!("edit activity {}", stored.id), cause)));
        }
        let mut is = tried!(changes.apply(&was, self.defaults.zone, self.now));
        if !is.people.participants.is_empty() && is.people.organizer.is_none() {
            let Some(own) = self.addresses.first() else {
                let cause = "you have no address of your own";
                return Ok(Err(Fault::new(ErrorClass::Config, "ask others to take part", cause)));
            };
            is.people.organizer = Some(Person { email: own.clone(), name: None });
        }
        let groups = ChangedGroups {
            content: was.content != is.content,
            timing: was.timing != is.timing,
            people: was.people != is.people,
        };
        for (changed, group) in [
            (groups.content, FieldGroup::Content),
            (groups.timing, FieldGroup::Timing),
            (groups.people, FieldGroup::Participants),
        ] {
            if changed {
                tried!(self.may(stored, &group));
            }
        }
        if was != is {
            if is_meeting::<u32>(&is.people, &[] as &[MeetingCopy<u32>]) {
                is.sequence = was.sequence.saturating_add(1);
            }
            let is = if groups.content { with_join_url(is) } else { is };
            let own = self.owners(tx, stored, &item)?;
            let item = item.with(&is, &own).stamped(self.now);
            tried!(self.bring(tx, stored, (&was, &item), groups)?);
        }
        self.edit_own(tx, stored.id, changes)?;
        Ok(Ok(()))
    }

    /// Makes an activity what it was, and brings those that differ from it along.
    pub fn put_back(&self, tx: &mut Tx<'_>, stored: &StoredActivity, then: &Item) -> Tried<()> {
        let item = tried!(item_of(stored));
        let (was, mut is) = (item.activity(), then.activity());
        is.occurrence = was.occurrence;
        is.sequence = was.sequence.saturating_add(1);
        let groups = ChangedGroups {
            content: was.content != is.content,
            timing: was.timing != is.timing,
            people: was.people != is.people,
        };
        let own = self.owners(tx, stored, &item)?;
        let item = then.with(&is, &own).stamped(self.now);
        self.bring(tx, stored, (&was, &item), groups)
    }

    /// Writes what an activity is now, and brings those that differ from it along.
    fn bring(
        &self,
        tx: &mut Tx<'_>,
        stored: &StoredActivity,
        (was, item): (&Activity, &Item),
        groups: ChangedGroups,
    ) -> Tried<()> {
        let is = item.activity();
        let mut differing = Vec::new();
        for one in tx.differing(stored.id)? {
            let item = tried!(item_of(&one));
            differing.push((one, item));
        }
        let activities: Vec<Activity> = differing.iter().map(|(_, item)| item.activity()).collect();
        let until = reach(&activities, self.defaults);
        let times = match groups.timing && !differing.is_empty() {
            true => (tried!(starts(was, until, self.defaults)), tried!(starts(&is, until, self.defaults))),
            false => Default::default(),
        };
        tx.change_activity(stored.id, &doc_of(item, self.defaults), groups, &self.context)?;
        follow(tx, &differing, was, &is, &times, self.defaults, &self.context)?;
        Ok(Ok(()))
    }

    /// What the owner has of it, which stands in the stored text.
    fn owners(&self, tx: &Tx<'_>, stored: &StoredActivity, item: &Item) -> Result<Own, StoreError> {
        let facet = tx.own(stored.id, &stored.record.owner)?;
        Ok(facet.map_or_else(|| item.own(), |facet| facet.own))
    }

    fn edit_own(&self, tx: &mut Tx<'_>, id: ActivityId, changes: &ActivityChanges) -> Result<(), StoreError> {
        let facet = tx.own(id, self.user)?.unwrap_or_default();
        let own = changes.apply_own(&facet.own);
        if own != facet.own {
            self.set_own(tx, id, &facet, OwnFacet { own, own_changed: self.now, ..facet.clone() })?;
        }
        Ok(())
    }

    /// What they have of an activity for themselves, and of the times that differ from it what was the same.
    fn set_own(
        &self,
        tx: &mut Tx<'_>,
        id: ActivityId,
        was: &OwnFacet,
        is: OwnFacet,
    ) -> Result<(), StoreError> {
        for one in tx.differing(id)? {
            let facet = tx.own(one.id, self.user)?.unwrap_or_default();
            let own = inherit_own(&was.own, &is.own, &facet.own);
            if own != facet.own {
                let facet = OwnFacet { own, own_changed: self.now, ..facet };
                tx.set_own(one.id, self.user, &facet, &self.context)?;
            }
        }
        tx.set_own(id, self.user, &is, &self.context)?;
        Ok(())
    }

    /// That time of a series as an activity of its own, made where there is none yet.
    pub fn set_apart(&self, tx: &mut Tx<'_>, series: &StoredActivity, text: &str) -> Tried<ActivityId> {
        let item = tried!(item_of(series));
        let activity = item.activity();
        if !activity.recurs() {
            let cause = "it does not recur";
            return Ok(Err(Fault::new(
                ErrorClass::Config,
                format!("find a time of activity {}", series.id),
                cause,
            )));
        }
        if !self.is_inside(series) {
            let cause = "it is another user's";
            let action = format!("change activity {}", series.id);
            return Ok(Err(Fault::new(ErrorClass::NotPermitted, action, cause)));
        }
        let at = tried!(meant(&activity, text, self.defaults));
        let known =
            tx.differing(series.id)?.into_iter().find(|one| one.doc.occurrence == Some(at.occurrence));
        if let Some(known) = known {
            return Ok(Ok(known.id));
        }
        let one = item.with(&apart(&activity, &at), &item.own());
        let new = New {
            owner: &series.record.owner,
            visibility: &series.record.visibility,
            doc: &doc_of(&one, self.defaults),
            master: Some(series.id),
            in_schedule: series.in_schedule,
        };
        let id = tx.add_activity(&new, &self.context)?;
        tx.copy_owns(series.id, id)?;
        Ok(Ok(id))
    }

    pub fn edit_one(
        &self,
        tx: &mut Tx<'_>,
        series: &StoredActivity,
        text: &str,
        changes: &ActivityChanges,
    ) -> Tried<ActivityId> {
        if changes.when.rules.is_some() {
            let cause = "one time of a series has no rule of its own";
            return Ok(Err(Fault::new(ErrorClass::Config, format!("edit activity {}", series.id), cause)));
        }
        // Before it is set apart: nothing is left behind of what may not be.
        for (changed, group) in [
            (changes.is_of_content(), FieldGroup::Content),
            (!changes.when.is_empty(), FieldGroup::Timing),
            (changes.participants.is_some(), FieldGroup::Participants),
        ] {
            if changed {
                tried!(self.may(series, &group));
            }
        }
        let id = tried!(self.set_apart(tx, series, text)?);
        let stored = tx.activity(id)?.ok_or(StoreError::NoSuchRecord)?;
        Ok(self.edit_whole(tx, &stored, changes)?.map(|()| id))
    }

    pub fn edit_following(
        &self,
        tx: &mut Tx<'_>,
        series: &StoredActivity,
        text: &str,
        changes: &ActivityChanges,
        uid: &str,
    ) -> Tried<ActivityId> {
        for group in [FieldGroup::Content, FieldGroup::Timing] {
            tried!(self.may(series, &group));
        }
        let item = tried!(item_of(series));
        let activity = item.activity();
        let at = tried!(meant(&activity, text, self.defaults));
        let mut differing = Vec::new();
        for one in tx.differing(series.id)? {
            let item = tried!(item_of(&one));
            differing.push((one, item));
        }
        let activities: Vec<Activity> = differing.iter().map(|(_, item)| item.activity()).collect();
        let until = postrider_formats::occurrences::instant(&at.start, self.defaults.zone)
            + chrono::TimeDelta::days(2);
        let times = tried!(starts(&activity, until, self.defaults));
        let split = match split_series(&activity, &activities, at.occurrence, &times, uid) {
            Ok(split) => split,
            // All that follow the first are all.
            Err(CannotSplit::First) => return Ok(self.edit_whole(tx, series, changes)?.map(|()| series.id)),
            Err(cannot) => return Ok(Err(no_split(series.id, cannot))),
        };
        let (Some(before), Some((after, others))) = (split.before.first(), split.after.split_first()) else {
            return Ok(Err(no_split(series.id, CannotSplit::NotOfSeries)));
        };
        let own = self.owners(tx, series, &item)?;
        let groups = ChangedGroups { timing: true, ..ChangedGroups::default() };
        let mut before = before.clone();
        if is_meeting::<u32>(&before.people, &[] as &[MeetingCopy<u32>]) {
            before.sequence = before.sequence.saturating_add(1);
        }
        let kept = item.with(&before, &own).stamped(self.now);
        tx.change_activity(series.id, &doc_of(&kept, self.defaults), groups, &self.context)?;
        let new = |activity: &Activity, base: &Item| doc_of(&base.with(activity, &base.own()), self.defaults);
        let begun = New {
            owner: &series.record.owner,
            visibility: &series.record.visibility,
            doc: &new(after, &item),
            master: None,
            in_schedule: series.in_schedule,
        };
        let id = tx.add_activity(&begun, &self.context)?;
        tx.copy_owns(series.id, id)?;
        for one in others {
            let of = differing.iter().find(|(stored, _)| stored.doc.occurrence == one.occurrence);
            let Some((stored, base)) = of else { continue };
            let moved = New { doc: &new(one, base), master: Some(id), ..begun };
            let to = tx.add_activity(&moved, &self.context)?;
            tx.copy_owns(stored.id, to)?;
            let context = Context { why: format!("it belongs to {id} now"), ..self.context.clone() };
            tx.delete_record(stored.id, &context)?;
        }
        let begun = tx.activity(id)?.ok_or(StoreError::NoSuchRecord)?;
        Ok(self.edit_whole(tx, &begun, changes)?.map(|()| id))
    }

    /// Notes their answer, with themselves and among the participants. `tells`: their server is to tell the organizer of it.
    pub fn answer(
        &self,
        tx: &mut Tx<'_>,
        stored: &StoredActivity,
        response: Response,
        tells: bool,
    ) -> Tried<()> {
        let item = tried!(item_of(stored));
        let was = item.activity();
        let mut activity = was.clone();
        let is_own = |one: &&mut Participant| {
            self.addresses.iter().any(|own| own.eq_ignore_ascii_case(&one.person.email))
        };
        let Some(own) = activity.people.participants.iter_mut().find(is_own) else {
            let cause = "you were not asked to take part";
            return Ok(Err(Fault::new(
                ErrorClass::NotPermitted,
                format!("answer to activity {}", stored.id),
                cause,
            )));
        };
        tried!(self.may(stored, &FieldGroup::Response(own.person.email.to_lowercase())));
        if own.response != response {
            own.response = response;
            own.responded = Some(Timestamp::from_seconds(self.now.seconds()));
        }
        let facet = self.owners(tx, stored, &item)?;
        let item = item.with(&activity, &facet);
        tried!(self.bring(tx, stored, (&was, &item), ChangedGroups::default())?);
        let facet = tx.own(stored.id, self.user)?.unwrap_or_default();
        let mut is = OwnFacet { tell: facet.tell || tells, ..facet.clone() };
        if facet.own.response != Some(response) {
            is.own.response = Some(response);
            is.response_changed = self.now;
        }
        if is != facet {
            self.set_own(tx, stored.id, &facet, is)?;
        }
        Ok(Ok(()))
    }
}

fn no_split(id: ActivityId, cannot: CannotSplit) -> Fault {
    let cause = match cannot {
        CannotSplit::NotOfSeries => "the series has no such time",
        CannotSplit::First => "it is the first one, so that the whole series is meant",
        CannotSplit::CountedRules => "how often one of its several rules has applied so far is not known",
        CannotSplit::FurtherTime => "that time is none of its rules', so that they cannot begin with it",
        CannotSplit::Malformed => "a rule of it ends at what is no time",
    };
    Fault::new(ErrorClass::Config, format!("split the series {id}"), cause)
}
