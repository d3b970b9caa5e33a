//! What travels between the people of one server: invitations, changes, answers, cancellations.
//!
//! Rules: each has a copy of their own, with its own key and version; the organizer's decides what all share. Where the server delivers by
//! mail alone, nothing travels that was not mailed.

use postrider_model::{ItemKey, Occurrence, Own, Participant, Person, Response, Status};
use postrider_remote::Standing;

use super::events::is_taken_out;
use super::notices::others;
use super::state::{Act, Event, Refusal, State, fold};
use super::zones;

impl State {
    fn reaches(&self, mailed: bool) -> bool {
        mailed || self.habits.delivers_without_mail
    }

    /// Brings an organizer's item to those who take part, and takes it from those who do no more.
    pub fn deliver(
        &mut self,
        act: &Act<'_>,
        key: &ItemKey,
        before: &[String],
        mailed: bool,
    ) -> Result<(), Refusal> {
        let Some(event) = self.account(act.by)?.activities.get(key).and_then(|entry| entry.now()).cloned()
        else {
            return Ok(());
        };
        if !self.reaches(mailed) {
            return Ok(());
        }
        let now = others(&event.activity, act.by);
        for person in now.iter().map(|email| fold(email)).filter(|email| *email != act.by) {
            if self.accounts.contains_key(&person) {
                self.deliver_to(&person, &event)?;
            }
        }
        let is_still = |email: &String| now.iter().any(|one| one.eq_ignore_ascii_case(email));
        for person in before.iter().filter(|email| !is_still(email)) {
            self.take_copy(&fold(person), &event)?;
        }
        Ok(())
    }

    fn deliver_to(&mut self, person: &str, event: &Event) -> Result<(), Refusal> {
        let (uid, occurrence) = (&event.activity.uid, event.activity.occurrence);
        let there = self.meeting(person, uid, occurrence, Standing::Attendee);
        let Some(collection) = self.own_calendar(person) else { return Ok(()) };
        // Who threw it out has declined it, and does not get it back.
        let declined = |one: &Participant| one.person.is(person) && one.response == Response::Declined;
        if self.habits.answers_reach_all
            && there.as_ref().is_none_or(|(_, copy)| is_taken_out(copy))
            && event.activity.people.participants.iter().any(declined)
        {
            return Ok(());
        }
        let mut activity = event.activity.clone();
        let voids =
            |old: &Event| self.habits.new_time_voids_answers && old.activity.timing != event.activity.timing;
        // What they answered stays theirs, also where it did not reach the organizer.
        let answered = there.as_ref().filter(|(_, old)| !voids(old)).and_then(|(_, old)| old.own.response);
        let asked = activity.people.participants.iter().find(|one| one.person.is(person));
        let response = answered.or(asked.map(|one| one.response));
        for one in activity.people.participants.iter_mut().filter(|one| !one.person.is(person)) {
            if !self.habits.answers_reach_all && !one.person.is(organizer_of(event)) {
                (one.response, one.responded) = (Response::NeedsAction, None);
            }
        }
        answer_in(&mut activity.people.participants, person, response.unwrap_or_default(), None);
        if event.hides_guests {
            activity.people.participants.retain(|one| one.person.is(person));
        }
        let (key, master, own, collection) = match there {
            Some((key, old)) => (key, old.master, old.own, old.collection),
            None => (self.key("e"), self.master_at(person, uid, occurrence), Own::default(), collection),
        };
        let copy = Event {
            collection,
            activity,
            own: Own { response, ..own },
            standing: Standing::Attendee,
            given_uid: uid.clone(),
            hides_guests: event.hides_guests,
            read_only: false,
            master,
        };
        if self.account(person)?.activities.get(&key).and_then(|entry| entry.now()) != Some(&copy) {
            self.put_event(&Act { by: person, mark: None, strict: false }, &key, Some(copy), None)?;
        }
        Ok(())
    }

    /// The series that a time belongs to in somebody's calendar: where only this time was shared, one that is not there, or none.
    fn master_at(&mut self, person: &str, uid: &str, occurrence: Option<Occurrence>) -> Option<ItemKey> {
        occurrence?;
        let there = self.meeting(person, uid, None, Standing::Attendee).map(|(key, _)| key);
        // One time that was shared alone: Google names the series, Exchange has the time as it stands.
        there.or_else(|| (!self.habits.splits_series).then(|| self.key("elsewhere")))
    }

    fn own_calendar(&self, account: &str) -> Option<postrider_model::CollectionKey> {
        let collections = self.accounts.get(account)?.collections.iter();
        let mut own = collections
            .filter(|(_, one)| one.is_default && one.kind == postrider_model::CollectionKind::Calendar);
        own.next().map(|(key, _)| key.clone())
    }

    /// What is called off, or no more theirs, leaves somebody's calendar, or stays in it with a mark.
    pub fn take_copy(&mut self, person: &str, event: &Event) -> Result<(), Refusal> {
        let (uid, occurrence) = (&event.activity.uid, event.activity.occurrence);
        let act = Act { by: person, mark: None, strict: false };
        let there = self.meeting(person, uid, occurrence, Standing::Attendee);
        let there = there.or_else(|| self.time_at(person, uid, occurrence?, Standing::Attendee));
        let Some((key, mut copy)) = there else { return Ok(()) };
        let times = self.times_of(person, &key);
        if occurrence.is_some() || self.habits.cancellation_stays {
            copy.activity.content.status = Status::Cancelled;
            copy.activity.sequence = event.activity.sequence;
            return self.put_event(&act, &key, Some(copy), None);
        }
        for (time, _) in times {
            self.put_event(&act, &time, None, None)?;
        }
        self.put_event(&act, &key, None, None)
    }

    /// A time of somebody's series, made into an item that is not there yet.
    fn time_at(
        &mut self,
        account: &str,
        uid: &str,
        occurrence: Occurrence,
        standing: Standing,
    ) -> Option<(ItemKey, Event)> {
        let (master, series) = self.meeting(account, uid, None, standing)?;
        let activity = zones::time_of(&series.activity, occurrence)?;
        let key = self.key("e");
        Some((key, Event { activity, master: Some(master), ..series }))
    }

    /// Somebody's answer reaches the organizer's copy, and, where the server does that, the others'.
    pub fn answer_travels(
        &mut self,
        from: &str,
        event: &Event,
        response: Response,
        mailed: bool,
    ) -> Result<(), Refusal> {
        let Some(organizer) = event.activity.people.organizer.as_ref().map(|one| fold(&one.email)) else {
            return Ok(());
        };
        if !self.reaches(mailed) || !self.accounts.contains_key(&organizer) {
            return Ok(());
        }
        let (uid, occurrence) = (event.activity.uid.clone(), event.activity.occurrence);
        let there = self.meeting(&organizer, &uid, occurrence, Standing::Organizer);
        let there = there.or_else(|| self.time_at(&organizer, &uid, occurrence?, Standing::Organizer));
        let Some((key, mut theirs)) = there.filter(|(_, theirs)| !is_taken_out(theirs)) else {
            return Ok(());
        };
        let responded = Some(self.server_time());
        answer_in(&mut theirs.activity.people.participants, from, response, responded);
        let act = Act { by: &organizer, mark: None, strict: false };
        let participants = others(&theirs.activity, &organizer);
        self.put_event(&act, &key, Some(theirs), None)?;
        if !self.habits.answers_reach_all {
            return Ok(());
        }
        for person in participants.iter().map(|email| fold(email)).filter(|person| person != from) {
            let copy = self.meeting(&person, &uid, occurrence, Standing::Attendee);
            if let Some((key, mut copy)) = copy.filter(|(_, copy)| !copy.hides_guests) {
                answer_in(&mut copy.activity.people.participants, from, response, responded);
                let act = Act { by: &person, mark: None, strict: false };
                self.put_event(&act, &key, Some(copy), None)?;
            }
        }
        Ok(())
    }

    /// Whether this account was asked to take part in what somebody else of this server organizes under that uid.
    pub fn is_delivered(&self, account: &str, uid: &str) -> bool {
        let is_meeting = |event: &Event| {
            event.standing == Standing::Organizer
                && (event.activity.uid == uid || event.given_uid == uid)
                && event.activity.people.participants.iter().any(|one| one.person.is(account))
        };
        let others = self.accounts.iter().filter(|(whose, _)| *whose != account);
        others.flat_map(|(_, other)| other.activities.living()).any(|(_, _, event)| is_meeting(event))
    }
}

fn organizer_of(event: &Event) -> &str {
    event.activity.people.organizer.as_ref().map_or("", |one| &one.email)
}

/// Sets somebody's answer among those who take part.
pub(super) fn answer_in(
    participants: &mut [Participant],
    who: &str,
    response: Response,
    responded: Option<postrider_model::Timestamp>,
) {
    for one in participants.iter_mut().filter(|one| one.person.is(who)) {
        one.response = response;
        one.responded = responded;
    }
}

/// The organizer, as the server names them.
pub(super) fn organizer(address: &str, given: Option<Person>) -> Person {
    Person { email: address.to_owned(), name: given.and_then(|given| given.name) }
}
