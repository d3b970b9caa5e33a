//! Activities as they are changed by those who may.
//!
//! Rules: what only the organizer may do is refused to others (`forbiddenForNonOrganizer`); a state that is not the newest is stale; nobody
//! is mailed who was not to be, and each mail is kept ([`super::SentMail`]).

use postrider_model::{
    Activity, CollectionKey, CollectionKind, ItemKey, ItemVersion, Mark, Occurrence, Own, Response, Status,
    Timestamp,
};
use postrider_remote::{CalendarOp, ItemApplied, RemoteActivity, Standing, Target};

use super::events::is_taken_out;
use super::habits::SecondCreate;
use super::meetings::{answer_in, organizer};
use super::notices::{Notice, others};
use super::rewriting;
use super::shelf::Homed;
use super::state::{Act, Applied, Event, Refusal, State, breach, fold, refused};
use super::zones;

/// What a change is about, found.
struct Found {
    /// Its key; a new one for a time that had no item.
    key: ItemKey,
    event: Event,
    changed: Option<Timestamp>,
    is_new: bool,
}

impl State {
    pub fn apply_activity(
        &mut self,
        act: &Act<'_>,
        collection: &CollectionKey,
        op: &CalendarOp,
    ) -> Applied<RemoteActivity> {
        self.writable(act.by, collection, |kind| kind != CollectionKind::AddressBook)?;
        let Some(target) = op.target() else {
            let CalendarOp::Create { activity, own, notify } = op else {
                return refused("there is no such change");
            };
            return self.create_activity(act, collection, activity, own, *notify);
        };
        let found = match self.find_target(act, collection, target)? {
            Ok(found) => found,
            Err(not) => return Ok(not),
        };
        if found.event.read_only {
            return refused("nobody may change it");
        }
        match op {
            CalendarOp::Create { .. } => refused("what is made has no target"),
            CalendarOp::Update { was, activity, notify, .. } => {
                self.update_activity(act, found, was, activity, *notify)
            }
            CalendarOp::Respond { response, notify, .. } => self.respond(act, found, *response, *notify),
            CalendarOp::UpdateOwn { was, own, .. } => self.update_own(act, found, was, own),
            CalendarOp::Delete { notify, .. } => self.delete_activity(act, found, *notify),
            CalendarOp::Cancel { notify, .. } => self.cancel_activity(act, found, *notify),
        }
    }

    fn find_target(
        &mut self,
        act: &Act<'_>,
        collection: &CollectionKey,
        target: &Target,
    ) -> Result<Result<Found, ItemApplied<RemoteActivity>>, Refusal> {
        match target {
            Target::Item { key, version } => self.event_in_state(act, collection, key, version),
            Target::Occurrence { master, version, occurrence } => {
                let series = match self.event_in_state(act, collection, master, version)? {
                    Ok(found) => found.event,
                    Err(not) => return Ok(Err(not)),
                };
                self.fresh_time(act, master, series, *occurrence)
            }
        }
    }

    fn event_in_state(
        &self,
        act: &Act<'_>,
        collection: &CollectionKey,
        key: &ItemKey,
        version: &ItemVersion,
    ) -> Result<Result<Found, ItemApplied<RemoteActivity>>, Refusal> {
        let entry = self.account(act.by)?.activities.get(key);
        let Some(entry) = entry else { return breach(format!("{} never was an activity", key.0)) };
        let event = entry.now().filter(|event| event.is_in(collection));
        let (Some(event), Some(now)) = (event, self.activity_now(act.by, key)) else {
            return Ok(Err(ItemApplied::Gone));
        };
        if now.version != *version {
            return Ok(Err(ItemApplied::Stale));
        }
        Ok(Ok(Found { key: key.clone(), event: event.clone(), changed: now.changed, is_new: false }))
    }

    /// A time of a series that has no item.
    fn fresh_time(
        &mut self,
        act: &Act<'_>,
        master: &ItemKey,
        series: Event,
        occurrence: Occurrence,
    ) -> Result<Result<Found, ItemApplied<RemoteActivity>>, Refusal> {
        let times = self.times_of(act.by, master);
        if times.iter().any(|(_, time)| time.activity.occurrence == Some(occurrence)) {
            return Ok(Err(ItemApplied::Stale));
        }
        let Some(activity) = zones::time_of(&series.activity, occurrence) else {
            return refused(format!("{} has no such time", master.0));
        };
        let event = Event { activity, master: Some(master.clone()), ..series };
        Ok(Ok(Found { key: self.key("e"), event, changed: None, is_new: true }))
    }

    fn done(&self, act: &Act<'_>, key: &ItemKey) -> Applied<RemoteActivity> {
        match self.activity_now(act.by, key) {
            Some(activity) => Ok(ItemApplied::Done(Box::new(activity))),
            None => Ok(ItemApplied::Removed),
        }
    }

    fn create_activity(
        &mut self,
        act: &Act<'_>,
        collection: &CollectionKey,
        given: &Activity,
        own: &Own,
        notify: bool,
    ) -> Applied<RemoteActivity> {
        let there = act.mark.and_then(|mark| self.account(act.by).ok()?.activities.marked(mark).cloned());
        if let Some(key) = there {
            if self.habits.second_create == SecondCreate::Refuses {
                return breach(format!("a second activity under one mark, which {} carries", key.0));
            }
            return self.done(act, &key);
        }
        self.check_new(act, given)?;
        let kind = self.collection(act.by, collection)?.kind;
        rewriting::check(&self.habits, given, kind)?;
        let mut activity = rewriting::activity(&self.habits, given.clone());
        self.settle_people(act, &mut activity, None)?;
        let guests = others(&activity, act.by);
        // What another client took away before it was heard of is made anew, and its guests are asked anew.
        let is_anew = act.mark.is_some_and(|mark| self.was_made(act.by, mark));
        if notify && !is_anew {
            self.check_notice(act, [&given.uid; 2], !guests.is_empty())?;
        }
        let key = self.key("e");
        if self.habits.assigns_uids {
            activity.uid = format!("{}@google.test", key.0);
        }
        let event = Event {
            collection: collection.clone(),
            own: rewriting::own(&self.habits, own.clone(), None),
            standing: Standing::Organizer,
            given_uid: given.uid.clone(),
            hides_guests: false,
            read_only: false,
            master: None,
            activity,
        };
        if notify && !is_anew {
            self.use_notice(act, [&given.uid; 2]);
        }
        self.mail(act, &event.activity, &guests, Notice::Invitation, notify);
        self.put_event(act, &key, Some(event), None)?;
        self.deliver(act, &key, &[], notify)?;
        self.done(act, &key)
    }

    /// Whether something was made under a mark, be it there or not.
    fn was_made(&self, account: &str, mark: Mark) -> bool {
        self.account(account)
            .is_ok_and(|account| account.activities.iter().any(|(_, entry)| entry.mark == Some(mark)))
    }

    /// Whether it may be made at all by whoever asks.
    fn check_new(&self, act: &Act<'_>, given: &Activity) -> Result<(), Refusal> {
        if given.occurrence.is_some() {
            return refused("a time of a series is made by changing the series");
        }
        if given.content.status == Status::Cancelled {
            return breach("what is called off is not made");
        }
        if let Some(organizer) = &given.people.organizer
            && !organizer.is(act.by)
        {
            return breach(format!(
                "a copy of {}'s meeting {} is made for {}",
                organizer.email, given.uid, act.by
            ));
        }
        if self.is_delivered(act.by, &given.uid) {
            return breach(format!("{} is made for {}, to whom the server delivers it", given.uid, act.by));
        }
        let same = |event: &Event| {
            event.activity.occurrence.is_none()
                && (event.given_uid == given.uid || event.activity.uid == given.uid)
        };
        if self.account(act.by)?.activities.living().any(|(.., event)| same(event)) {
            return breach(format!("a second activity with the uid {}", given.uid));
        }
        Ok(())
    }

    /// Who takes part, as the server has it: the organizer is the account's user, and answers are those who gave them's.
    fn settle_people(
        &self,
        act: &Act<'_>,
        activity: &mut Activity,
        was: Option<&Activity>,
    ) -> Result<(), Refusal> {
        let people = &mut activity.people;
        if people.participants.is_empty() && people.organizer.is_none() {
            return Ok(());
        }
        people.organizer = Some(organizer(act.by, people.organizer.take()));
        let before = was.map_or(&[][..], |was| &was.people.participants);
        let is_here = |email: &str| self.accounts.contains_key(&fold(email));
        let may_say = self.habits.delivers_without_mail;
        rewriting::answers(before, &mut people.participants, act.by, is_here, may_say)
    }

    fn update_activity(
        &mut self,
        act: &Act<'_>,
        found: Found,
        was: &Activity,
        given: &Activity,
        notify: bool,
    ) -> Applied<RemoteActivity> {
        let Found { key, event, is_new, .. } = found;
        if event.standing != Standing::Organizer {
            return refused("forbiddenForNonOrganizer: only its organizer may change it");
        }
        if is_taken_out(&event) {
            return refused("a time that was taken out stays out");
        }
        if act.strict && !is_new && event.activity != *was {
            return breach(format!("a change of {} is reckoned from what it is not", key.0));
        }
        self.check_change(&event, given)?;
        let mut activity = rewriting::activity(&self.habits, given.clone());
        activity.sequence = event.activity.sequence;
        self.settle_people(act, &mut activity, Some(&event.activity))?;
        if activity == event.activity && !is_new {
            return self.done(act, &key);
        }
        let (before, after) = (others(&event.activity, act.by), others(&activity, act.by));
        let uids = [event.activity.uid.clone(), event.given_uid.clone()];
        if notify {
            self.check_notice(act, [&uids[0], &uids[1]], !before.is_empty() || !after.is_empty())?;
            self.use_notice(act, [&uids[0], &uids[1]]);
        }
        let is_retimed = activity.timing != event.activity.timing;
        if is_retimed || before != after {
            activity.sequence += 1;
        }
        if is_retimed && self.habits.new_time_voids_answers {
            for guest in &after {
                answer_in(&mut activity.people.participants, guest, Response::NeedsAction, None);
            }
        }
        let is_asked = |email: &String| before.iter().any(|one| one.eq_ignore_ascii_case(email));
        let stays = |email: &String| after.iter().any(|one| one.eq_ignore_ascii_case(email));
        let (told, asked): (Vec<String>, Vec<String>) = after.iter().cloned().partition(is_asked);
        let gone: Vec<String> = before.iter().filter(|email| !stays(email)).cloned().collect();
        for (to, notice) in
            [(asked, Notice::Invitation), (told, Notice::Update), (gone, Notice::Cancellation)]
        {
            self.mail(act, &activity, &to, notice, notify);
        }
        let is_recast = {
            let (old, new) = (&event.activity.timing, &activity.timing);
            (&old.start, &old.rules, &old.further) != (&new.start, &new.rules, &new.further)
        };
        self.put_event(act, &key, Some(Event { activity, ..event }), None)?;
        if is_recast {
            self.forget_times(act.by, &key, &after)?;
        }
        self.deliver(act, &key, &before, notify)?;
        self.done(act, &key)
    }

    fn check_change(&self, event: &Event, given: &Activity) -> Result<(), Refusal> {
        let is = &event.activity;
        if (is.kind, &is.uid, is.occurrence) != (given.kind, &given.uid, given.occurrence) {
            return breach(format!("{} is changed into something else", is.uid));
        }
        if given.content.status == Status::Cancelled {
            return breach(format!("{} is called off by a change", is.uid));
        }
        if event.master.is_some() && given.recurs() {
            return refused("a time of a series does not recur");
        }
        if given.people.organizer.as_ref().is_some_and(|one| {
            event.activity.people.organizer.as_ref().is_some_and(|old| !old.is(&one.email))
        }) {
            return refused("its organizer stays");
        }
        let holder = if is.kind == postrider_model::ActivityKind::Task {
            CollectionKind::TaskList
        } else {
            CollectionKind::Calendar
        };
        rewriting::check(&self.habits, given, holder)
    }

    /// A series that was given other times is as its rule says again, for all.
    fn forget_times(&mut self, by: &str, series: &ItemKey, guests: &[String]) -> Result<(), Refusal> {
        let times = self.times_of(by, series);
        for (key, time) in &times {
            let act = Act { by, mark: None, strict: false };
            self.put_event(&act, key, None, None)?;
            for guest in guests.iter().map(|guest| fold(guest)) {
                let (uid, occurrence) = (&time.activity.uid, time.activity.occurrence);
                if let Some((key, _)) = self.meeting(&guest, uid, occurrence, Standing::Attendee) {
                    let act = Act { by: &guest, mark: None, strict: false };
                    self.put_event(&act, &key, None, None)?;
                }
            }
        }
        Ok(())
    }

    fn respond(
        &mut self,
        act: &Act<'_>,
        found: Found,
        response: Response,
        notify: bool,
    ) -> Applied<RemoteActivity> {
        let Found { key, mut event, .. } = found;
        if event.standing != Standing::Attendee {
            return refused("who organizes it does not answer");
        }
        if event.activity.content.status == Status::Cancelled {
            return refused("it was called off");
        }
        if !matches!(response, Response::Accepted | Response::Tentative | Response::Declined) {
            return refused("that is no answer");
        }
        self.reply(act, &event, notify)?;
        event.own.response = Some(response);
        let now = Some(self.server_time());
        answer_in(&mut event.activity.people.participants, act.by, response, now);
        self.put_event(act, &key, Some(event.clone()), None)?;
        self.answer_travels(act.by, &event, response, notify)?;
        self.done(act, &key)
    }

    /// Mails an answer to the organizer, where that was asked for.
    fn reply(&mut self, act: &Act<'_>, event: &Event, notify: bool) -> Result<(), Refusal> {
        if !notify {
            return Ok(());
        }
        let organizer = event.activity.people.organizer.as_ref().map(|one| one.email.clone());
        let uids = [&*event.activity.uid, &*event.given_uid];
        self.check_notice(act, uids, organizer.is_some())?;
        self.use_notice(act, uids);
        let to: Vec<String> = organizer.into_iter().collect();
        self.mail(act, &event.activity, &to, Notice::Reply, true);
        Ok(())
    }

    fn update_own(&mut self, act: &Act<'_>, found: Found, was: &Own, own: &Own) -> Applied<RemoteActivity> {
        let Found { key, mut event, changed, is_new } = found;
        if act.strict && event.own != *was {
            return breach(format!("what {} has of {} is reckoned from what it is not", act.by, key.0));
        }
        if own.response != event.own.response {
            return breach(format!("{} answers by changing what is their own", act.by));
        }
        let own = rewriting::own(&self.habits, own.clone(), event.own.response);
        if own == event.own && !is_new {
            return self.done(act, &key);
        }
        event.own = own;
        let since = changed.filter(|_| !self.habits.own_moves_changed);
        self.put_event(act, &key, Some(event), since)?;
        self.done(act, &key)
    }

    fn delete_activity(&mut self, act: &Act<'_>, found: Found, notify: bool) -> Applied<RemoteActivity> {
        let Found { key, event, .. } = found;
        if event.standing == Standing::Organizer && !others(&event.activity, act.by).is_empty() {
            return breach(format!("{} has participants and is deleted, not called off", event.activity.uid));
        }
        if event.standing == Standing::Attendee {
            self.reply(act, &event, notify)?;
            if self.habits.answers_reach_all || notify {
                self.answer_travels(act.by, &event, Response::Declined, notify)?;
            }
        } else if notify {
            self.check_notice(act, [&event.activity.uid, &event.given_uid], false)?;
        }
        self.take_out(act, &key, event)
    }

    fn cancel_activity(&mut self, act: &Act<'_>, found: Found, notify: bool) -> Applied<RemoteActivity> {
        let Found { key, mut event, .. } = found;
        if event.standing != Standing::Organizer {
            return refused("forbiddenForNonOrganizer: only its organizer may call it off");
        }
        let guests = others(&event.activity, act.by);
        if notify {
            let uids = [&*event.activity.uid, &*event.given_uid];
            self.check_notice(act, uids, !guests.is_empty())?;
            self.use_notice(act, uids);
        }
        event.activity.sequence += 1;
        self.mail(act, &event.activity, &guests, Notice::Cancellation, notify);
        if notify || self.habits.delivers_without_mail {
            for guest in guests.iter().map(|guest| fold(guest)) {
                self.take_copy(&guest, &event)?;
            }
        }
        self.take_out(act, &key, event)
    }

    /// An item goes; a time of a series stays as one that was taken out.
    fn take_out(&mut self, act: &Act<'_>, key: &ItemKey, mut event: Event) -> Applied<RemoteActivity> {
        if event.activity.occurrence.is_some() && event.master.is_some() {
            event.activity.content.status = Status::Cancelled;
            self.put_event(act, key, Some(event), None)?;
            return self.done(act, key);
        }
        for (time, _) in self.times_of(act.by, key) {
            self.put_event(act, &time, None, None)?;
        }
        self.put_event(act, key, None, None)?;
        Ok(ItemApplied::Removed)
    }
}
