//! What people do with appointments: here, with the program's own commands, and in their accounts, with other clients.
//!
//! They do what is theirs to do ("One meeting"): the organizer changes what is shared, everybody answers and has reminders of their own.

use anyhow::{Error, Result, ensure};
use chrono::{DateTime, NaiveDateTime, TimeDelta};
use postrider::service::{ActivityChanges, Extent, NewActivity, Service, WhenChange};
use postrider_model::{
    Activity, ActivityId, ActivityKind, CollectionKind, Fault, Moment, Own, Participant, ParticipantRole,
    Person, Reminder, ReminderBy, ReminderTime, Response, Status,
};
use postrider_remote::{RemoteActivity, Standing};

use super::{
    home::{Account, Home, caller},
    meetings::{ANSWERS, Meeting, REMINDERS, TIME, meetings, number_of, written},
    model::Model,
    seen::CONTENT,
};
use crate::chance::Chance;

const ZONE: &str = "Europe/Berlin";
const ANSWERED: [Response; 3] = [Response::Accepted, Response::Tentative, Response::Declined];

/// People and their appointments.
pub struct Calendars<'a> {
    /// Where.
    pub home: &'a Home,
    /// The program.
    pub service: &'a mut Service,
    /// What they draw.
    pub chance: &'a mut Chance,
    /// What is known of what was written.
    pub model: &'a mut Model,
}

/// A time that is no other word's.
fn time(word: &str) -> NaiveDateTime {
    let number: i64 = word.get(1..).and_then(|digits| digits.parse().ok()).unwrap_or(0);
    let first = DateTime::from_timestamp(1_782_900_000, 0).unwrap_or_default().naive_utc();
    first + TimeDelta::minutes(90 * number)
}

fn at(local: NaiveDateTime) -> Moment {
    Moment::At { local, zone: Some(ZONE.to_owned()) }
}

/// A reminder that is no other word's, and how it is found again.
fn reminder(word: &str) -> (Reminder, String) {
    let number: i64 = word.get(1..).and_then(|digits| digits.parse().ok()).unwrap_or(0);
    let seconds = 60 * (2_000 + number);
    (Reminder { at: ReminderTime::BeforeStart(seconds), by: ReminderBy::Display }, seconds.to_string())
}

impl Calendars<'_> {
    fn note(&self, who: &str, what: &str, of: &str) {
        self.home.trace.step(|| format!("{who}: {what} {of}"));
    }

    /// Those of an account's server whom its user may ask, some of them.
    fn guests(&mut self, of: &Account) -> Vec<String> {
        let others = self.home.accounts.iter().filter(|one| one.is_beside(of));
        let mut guests: Vec<String> = others.map(|one| one.address.clone()).collect();
        guests.push("guest@elsewhere.example".to_owned());
        if self.chance.percent(60) { self.chance.some(&guests, 3) } else { Vec::new() }
    }

    /// Somebody does something here.
    ///
    /// # Errors
    /// What the program refuses, which it should not.
    pub fn act_here(&mut self, next: &mut impl FnMut(&str) -> String) -> Result<()> {
        let account = &self.home.accounts[self.chance.below(3) as usize];
        let (user, all) = (account.user, meetings(self.home)?);
        let lives = |one: &&Meeting| !one.is_deleted && one.activity.content.status != Status::Cancelled;
        let organized: Vec<&Meeting> = all
            .iter()
            .filter(lives)
            .filter(|one| match &one.activity.people.organizer {
                Some(_) => one.organizer(self.home).is_some_and(|by| by.user == user) && one.owner == user,
                None => one.owner == user,
            })
            .collect();
        let asked: Vec<&Meeting> =
            all.iter().filter(lives).filter(|one| one.asked(self.home, user).is_some()).collect();
        match (self.chance.below(10), self.chance.pick(&organized), self.chance.pick(&asked)) {
            (0 | 1, ..) => self.make(account, &next("A"), &next("W")),
            (2 | 3, _, Some(one)) => self.answer(user, one),
            (4, _, Some(one)) | (4, Some(one), _) => self.remind(user, one, &next("W")),
            (5, Some(one), _) => self.cancel(user, one),
            (6 | 7, Some(one), _) => self.retime(user, one, &next("W")),
            (_, Some(one), _) => self.say(user, one, &next("W")),
            _ => self.make(account, &next("A"), &next("W")),
        }
    }

    fn make(&mut self, account: &Account, name: &str, word: &str) -> Result<()> {
        let (user, guests) = (account.user, self.guests(account));
        self.note(user, &format!("make {word} for {guests:?}"), name);
        let start = time(word);
        let asked = |email: &String| (Person { email: email.clone(), name: None }, ParticipantRole::Required);
        let fields = ActivityChanges {
            title: Some(name.to_owned()),
            place: Some(word.to_owned()),
            when: WhenChange {
                start: Some(start.format("%Y-%m-%d %H:%M").to_string()),
                duration: Some(std::time::Duration::from_secs(1_800)),
                zone: Some(ZONE.to_owned()),
                ..WhenChange::default()
            },
            participants: (!guests.is_empty()).then(|| guests.iter().map(asked).collect()),
            ..ActivityChanges::default()
        };
        let organizer = (!guests.is_empty()).then(|| account.address.clone());
        let new = NewActivity { kind: ActivityKind::Appointment, fields, organizer };
        let by = caller(self.service, user)?;
        let id = match !guests.is_empty() && self.chance.percent(60) {
            true => {
                let id = self.service.add_activity_and_tell(&by, &new)?;
                let made = meetings(self.home)?.into_iter().find(|one| one.id == id.0);
                made.iter().for_each(|made| account.server.announce(&account.address, &made.activity.uid));
                id
            }
            false => self.service.add_activity(&by, &new)?,
        };
        ensure!(id.0 > 0, "an id is a number");
        self.model.writes(None, name, CONTENT, word);
        self.model.writes(None, name, TIME, &written(Some(&at(start))));
        Ok(())
    }

    /// A person changes what is theirs to change, and may want that others hear of it.
    fn change(&mut self, user: &str, one: &Meeting, changes: &ActivityChanges) -> Result<()> {
        let by = caller(self.service, user)?;
        let id = ActivityId(one.id);
        let tells = one.is_shared() && changes.is_shared() && self.chance.percent(50);
        let organizer = one.organizer(self.home).filter(|_| tells);
        let told = organizer.map(|organizer| {
            announce(self.home, organizer, one);
            self.service.edit_activity_and_tell(&by, id, &Extent::Whole, changes, None)
        });
        match told.filter(|told| !is_told_by_nobody(told)) {
            Some(told) => drop(told?),
            None => drop(self.service.edit_activity(&by, id, &Extent::Whole, changes, None)?),
        }
        Ok(())
    }

    fn say(&mut self, user: &str, one: &Meeting, word: &str) -> Result<()> {
        self.note(user, &format!("say {word}"), one.name());
        self.change(
            user,
            one,
            &ActivityChanges { place: Some(word.to_owned()), ..ActivityChanges::default() },
        )?;
        self.model.writes(None, one.name(), CONTENT, word);
        Ok(())
    }

    fn retime(&mut self, user: &str, one: &Meeting, word: &str) -> Result<()> {
        self.note(user, &format!("move to {word}"), one.name());
        let start = time(word);
        let when =
            WhenChange { start: Some(start.format("%Y-%m-%d %H:%M").to_string()), ..WhenChange::default() };
        self.change(user, one, &ActivityChanges { when, ..ActivityChanges::default() })?;
        self.model.writes(None, one.name(), TIME, &written(Some(&at(start))));
        self.model.voids_answers(one.name());
        Ok(())
    }

    fn remind(&mut self, user: &str, one: &Meeting, word: &str) -> Result<()> {
        self.note(user, &format!("remind {word}"), one.name());
        let (reminder, found) = reminder(word);
        let reminders = Some(vec![reminder]);
        self.change(user, one, &ActivityChanges { reminders, ..ActivityChanges::default() })?;
        self.model.answers(None, one.name(), REMINDERS[number_of(user)], &found);
        Ok(())
    }

    fn answer(&mut self, user: &str, one: &Meeting) -> Result<()> {
        let Some(account) = one.asked(self.home, user) else { return Ok(()) };
        let response = *self.chance.pick(&ANSWERED).unwrap_or(&Response::Accepted);
        self.note(user, &format!("answer {response:?}"), one.name());
        let by = caller(self.service, user)?;
        self.service.respond(&by, ActivityId(one.id), &Extent::Whole, response)?;
        self.model.touches(one.name(), ANSWERS[number_of(user)]);
        if account.by_group {
            self.model.answers(None, one.name(), ANSWERS[number_of(user)], &format!("{response:?}"));
        }
        Ok(())
    }

    fn cancel(&mut self, user: &str, one: &Meeting) -> Result<()> {
        self.note(user, "cancel", one.name());
        let by = caller(self.service, user)?;
        match one.is_shared() {
            true => self.model.parts(None, one.name()),
            false => self.model.ends(None, one.name()),
        }
        let organizer = one.organizer(self.home).filter(|_| one.is_shared() && self.chance.percent(50));
        let told = organizer.map(|organizer| {
            announce(self.home, organizer, one);
            self.service.cancel_activity_and_tell(&by, ActivityId(one.id), &Extent::Whole)
        });
        match told.filter(|told| !is_told_by_nobody(told)) {
            Some(told) => drop(told?),
            None => drop(self.service.cancel_activity(&by, ActivityId(one.id), &Extent::Whole)?),
        }
        Ok(())
    }

    /// Somebody does something in the account of that number.
    ///
    /// # Errors
    /// What the server refuses, which it should not.
    pub fn act_there(&mut self, number: usize, next: &mut impl FnMut(&str) -> String) -> Result<()> {
        let account = &self.home.accounts[number];
        let mut all = account.there.activities();
        all.retain(|one| one.activity.content.status != Status::Cancelled && is_real(one));
        let Some(one) = self.chance.pick(&all).filter(|_| self.chance.percent(85)) else {
            return self.make_there(number, &next("A"), &next("W"));
        };
        let (name, who) = (one.activity.content.title.clone(), format!("{} there", account.name));
        let organizes = one.standing == Standing::Organizer;
        let hand = Some(number);
        match self.chance.below(8) {
            0 => {
                self.note(&who, "delete", &name);
                let is_alone = one.activity.people.participants.is_empty();
                match is_alone {
                    true => self.model.ends(hand, &name),
                    false => self.model.parts(hand, &name),
                }
                // What others take part in is called off.
                match organizes && !is_alone {
                    true => account.there.cancel(&one.key, None).map_err(Error::msg),
                    false => account.there.delete_activity(&one.key, None).map_err(Error::msg),
                }
            }
            1 | 2 => {
                let (reminder, found) = reminder(&next("W"));
                self.note(&who, &format!("remind {found}"), &name);
                self.model.answers(hand, &name, REMINDERS[number_of(account.user)], &found);
                account.there.change_own(&one.key, |own| own.reminders = vec![reminder]).map_err(Error::msg)
            }
            3..6 if !organizes => {
                let response = *self.chance.pick(&ANSWERED).unwrap_or(&Response::Accepted);
                self.note(&who, &format!("answer {response:?}"), &name);
                self.model.touches(&name, ANSWERS[number_of(account.user)]);
                if account.by_group {
                    self.model.answers(
                        hand,
                        &name,
                        ANSWERS[number_of(account.user)],
                        &format!("{response:?}"),
                    );
                }
                account.there.respond(&one.key, None, response).map_err(Error::msg)
            }
            _ if !organizes => Ok(()),
            3 => {
                self.note(&who, "cancel", &name);
                self.model.parts(hand, &name);
                account.there.cancel(&one.key, None).map_err(Error::msg)
            }
            4 => {
                let (word, notify) = (next("W"), self.chance.percent(50));
                let start = time(&word);
                self.note(&who, &format!("move to {word}"), &name);
                self.model.writes(hand, &name, TIME, &written(Some(&at(start))));
                self.model.voids_answers(&name);
                let change = |it: &mut Activity| (it.timing.start, it.timing.end) = times(start);
                account.there.change_activity(&one.key, None, change, notify).map_err(Error::msg)
            }
            _ => {
                let (word, notify) = (next("W"), self.chance.percent(50));
                self.note(&who, &format!("say {word}"), &name);
                self.model.writes(hand, &name, CONTENT, &word);
                let change = |it: &mut Activity| it.content.place = Some(word.clone());
                account.there.change_activity(&one.key, None, change, notify).map_err(Error::msg)
            }
        }
    }

    fn make_there(&mut self, number: usize, name: &str, word: &str) -> Result<()> {
        let account = &self.home.accounts[number];
        let guests = self.guests(account);
        self.note(&format!("{} there", account.name), &format!("make {word} for {guests:?}"), name);
        let mut activity = Activity::new(ActivityKind::Appointment, format!("{name}@elsewhere.example"));
        activity.content.title = name.to_owned();
        activity.content.place = Some(word.to_owned());
        (activity.timing.start, activity.timing.end) = times(time(word));
        if !guests.is_empty() {
            activity.people.organizer = Some(Person { email: account.address.clone(), name: None });
        }
        for email in guests {
            let person = Person { email, name: None };
            activity.people.participants.push(Participant { person, ..Participant::default() });
        }
        let calendar = account.there.own_collection(CollectionKind::Calendar).map_err(Error::msg)?;
        let notify = self.chance.percent(50);
        account.there.add_activity(&calendar, &activity, &Own::default(), notify).map_err(Error::msg)?;
        self.model.writes(Some(number), name, CONTENT, word);
        self.model.writes(Some(number), name, TIME, &written(Some(&at(time(word)))));
        Ok(())
    }
}

/// Whether it is refused because no server carries the meeting any more, and nobody here sends mail.
fn is_told_by_nobody<T>(told: &Result<T, Fault>) -> bool {
    told.as_ref().is_err_and(|fault| fault.to_string().contains("no account of that address sends"))
}

/// Whether it is what it is, and no plain copy of a meeting in a further account: what is written into that does not count.
fn is_real(one: &RemoteActivity) -> bool {
    // Such a copy tells who takes part, and nobody else does here.
    !one.activity.content.description.as_ref().is_some_and(|text| text.contains('@'))
}

fn times(start: NaiveDateTime) -> (Option<Moment>, Option<Moment>) {
    (Some(at(start)), Some(at(start + TimeDelta::minutes(30))))
}

/// A person's own change as organizer is known to the server that is to tell of it, by whatever uid it knows the meeting.
fn announce(home: &Home, organizer: &Account, one: &Meeting) {
    let there = organizer.there.activities();
    let mut uids: Vec<String> = there
        .into_iter()
        .filter(|item| item.activity.content.title == one.name())
        .map(|item| item.activity.uid)
        .collect();
    uids.push(one.activity.uid.clone());
    uids.dedup();
    home.trace.step(|| format!("people are to hear of {}", one.name()));
    uids.iter().take(1).for_each(|uid| organizer.server.announce(&organizer.address, uid));
}
