//! When people have no time (F4.5).

use std::collections::BTreeMap;

use postrider_formats::{icalendar::Item, occurrences::occurrences};
use postrider_model::{Activity, ErrorClass, Fault, Response, ShowAs, Status, Timestamp};
use postrider_store::{ActivityFilter, Reader, StoredActivity, Viewer};

use super::listing::REQUEST_PATIENCE_MS;
use crate::{
    access::Caller,
    activity::{instant_of, of},
    service::Service,
};

/// A time that somebody has given away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Busy {
    /// When it begins.
    pub start: Timestamp,
    /// When it is over.
    pub end: Timestamp,
}

/// When one person has no time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusyPerson {
    /// As they were asked for.
    pub who: String,
    /// Their times, ascending, each apart from the next.
    pub busy: Vec<Busy>,
    /// Whether it is a user of this house, of whom all is known; of others only what the caller sees.
    pub is_user: bool,
}

impl Service {
    /// When these people have no time between two instants. Of users of the house, by name or address, that is told of all that they have; of
    /// others of what the caller sees. What is told is no more than when.
    ///
    /// # Errors
    /// A span that is none, or longer than a year; more than 100 people; what takes longer than 2 s, since half an answer is none.
    pub fn free_busy(
        &self,
        caller: &Caller,
        people: &[String],
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<BusyPerson>, Fault> {
        const MOST_DAYS: i64 = 366;
        const MOST_PEOPLE: usize = 100;
        if people.len() > MOST_PEOPLE {
            let cause = format!("{} people are asked for, {MOST_PEOPLE} at most can be", people.len());
            return Err(Fault::new(ErrorClass::Config, "tell when people have no time", cause)
                .hint("ask for fewer people at a time"));
        }
        if from >= to || from.minus_days(-MOST_DAYS) < to {
            let cause = "the span is none, or longer than a year";
            return Err(Fault::new(ErrorClass::Config, "tell when people have no time", cause));
        }
        let look = Look { service: self, reader: self.reader()?, span: (from, to), began: self.now() };
        people.iter().map(|who| look.busy_person(caller, who)).collect()
    }

    /// The user of that name or address.
    fn user_called(&self, who: &str) -> Option<String> {
        let Some(users) = &self.config.users else {
            let own = self.addresses_of_user(&self.env.user);
            let is_owner =
                who == self.env.user || own.iter().any(|address| address.eq_ignore_ascii_case(who));
            return is_owner.then(|| self.env.user.clone());
        };
        let mut names = users.users.keys();
        names
            .find(|name| {
                *name == who || self.addresses_of_user(name).iter().any(|own| own.eq_ignore_ascii_case(who))
            })
            .cloned()
    }
}

/// Somebody who is asked for.
struct Person {
    /// The name, of a user of the house.
    user: Option<String>,
    addresses: Vec<String>,
}

impl Person {
    fn is(&self, email: &str) -> bool {
        self.addresses.iter().any(|address| address.eq_ignore_ascii_case(email))
    }

    fn owns(&self, stored: &StoredActivity) -> bool {
        self.user.as_ref().is_some_and(|user| *user == stored.record.owner)
    }

    /// Whether it takes of their time by what all share: that others show it to them makes it none of theirs.
    fn takes_part(&self, of: &StoredActivity, says: &Activity) -> bool {
        let asked = says.people.participants.iter().find(|one| self.is(&one.person.email));
        match (asked, &says.people.organizer) {
            (Some(asked), _) => asked.response != Response::Declined,
            (None, Some(organizer)) => self.is(&organizer.email),
            (None, None) => self.owns(of),
        }
    }
}

/// One look at when people have no time.
struct Look<'a> {
    service: &'a Service,
    reader: Reader,
    span: (Timestamp, Timestamp),
    began: Timestamp,
}

impl Look<'_> {
    fn busy_person(&self, caller: &Caller, who: &str) -> Result<BusyPerson, Fault> {
        let user = self.service.user_called(who);
        let addresses = match &user {
            Some(user) => self.service.addresses_of_user(user),
            None => vec![who.to_lowercase()],
        };
        let viewer = match &user {
            // What they have themselves, and where they take part.
            Some(user) => {
                Viewer::User { name: user.clone(), roles: Vec::new(), addresses: addresses.clone() }
            }
            None => self.service.viewer(caller),
        };
        let filter = ActivityFilter {
            viewer,
            between: Some(self.span),
            kind: Some(postrider_model::ActivityKind::Appointment),
            words: Vec::new(),
            people: user.is_none().then(|| addresses.clone()),
            label: None,
            deleted: false,
            limit: usize::MAX,
        };
        let person = Person { user, addresses };
        let mut busy = Vec::new();
        for stored in self.reader.activities(&filter)? {
            self.in_time()?;
            self.times_of(&stored, &person, &mut busy)?;
        }
        Ok(BusyPerson { who: who.to_owned(), busy: joined(busy), is_user: person.user.is_some() })
    }

    fn is_late(&self) -> bool {
        self.service.now().millis_since(self.began) > REQUEST_PATIENCE_MS
    }

    fn in_time(&self) -> Result<(), Fault> {
        if !self.is_late() {
            return Ok(());
        }
        let cause = format!("it takes longer than {} s", REQUEST_PATIENCE_MS / 1_000);
        Err(Fault::new(ErrorClass::Config, "tell when people have no time", cause)
            .hint("ask for fewer people or a shorter span"))
    }

    fn times_of(&self, stored: &StoredActivity, person: &Person, busy: &mut Vec<Busy>) -> Result<(), Fault> {
        let Ok(item) = Item::read(stored.doc.text.as_bytes()) else { return Ok(()) };
        let activity = item.activity();
        let is_timeless = activity.timing.start.is_none() && activity.timing.end.is_none();
        let (mut others, mut say) = (Vec::new(), Vec::new());
        if activity.recurs() || is_timeless {
            for one in self.reader.differing(stored.id)? {
                if let Ok(item) = Item::read(one.doc.text.as_bytes()) {
                    others.push(one);
                    say.push(item.activity());
                }
            }
        }
        let (from, to) = self.span;
        let span = (instant_of(from), instant_of(to));
        let defaults = self.service.defaults();
        let Ok(found) = occurrences(&activity, &say, span, defaults, &|| self.is_late()) else {
            return Ok(());
        };
        self.in_time()?;
        let mut counted: BTreeMap<Option<usize>, bool> = BTreeMap::new();
        for one in found.placed {
            let counts = match counted.get(&one.differing) {
                Some(counts) => *counts,
                None => {
                    let other = one.differing.and_then(|at| Some((others.get(at)?, say.get(at)?)));
                    let counts = self.counts(person, stored, other.unwrap_or((stored, &activity)))?;
                    counted.insert(one.differing, counts);
                    counts
                }
            };
            if counts {
                busy.push(Busy { start: of(one.start).max(from), end: of(one.end).min(to) });
            }
        }
        Ok(())
    }

    /// Whether somebody has no time for anything else meanwhile.
    fn counts(
        &self,
        person: &Person,
        series: &StoredActivity,
        (stored, says): (&StoredActivity, &Activity),
    ) -> Result<bool, Fault> {
        if says.content.status == Status::Cancelled || !person.takes_part(stored, says) {
            return Ok(false);
        }
        let Some(user) = &person.user else { return Ok(true) };
        // What one has of a series holds for a time of it of which one has nothing.
        let own = match self.reader.own(stored.id, user)? {
            None if stored.id != series.id => self.reader.own(series.id, user)?,
            own => own,
        };
        Ok(!own.is_some_and(|facet| {
            let own = facet.own;
            facet.hidden || own.show_as == ShowAs::Free || own.response == Some(Response::Declined)
        }))
    }
}

/// The times in ascending order, those that touch each other as one.
fn joined(mut busy: Vec<Busy>) -> Vec<Busy> {
    busy.retain(|one| one.start < one.end);
    busy.sort_unstable();
    let mut joined: Vec<Busy> = Vec::new();
    for one in busy {
        match joined.last_mut() {
            Some(last) if one.start <= last.end => last.end = last.end.max(one.end),
            _ => joined.push(one),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_touch_are_one() {
        let busy = |start, end| Busy { start: Timestamp(start), end: Timestamp(end) };
        let all = vec![busy(5, 6), busy(1, 3), busy(2, 4), busy(4, 5), busy(8, 8), busy(9, 10)];
        assert_eq!(joined(all), [busy(1, 6), busy(9, 10)]);
    }
}
