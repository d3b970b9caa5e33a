//! When people have no time (F4.5).

use chrono::{DateTime, Utc};
use postrider_formats::{icalendar::Item, occurrences::occurrences};
use postrider_model::{ErrorClass, Fault, Response, ShowAs, Status, Timestamp};
use postrider_store::{ActivityFilter, StoredActivity, Viewer};

use crate::{access::Caller, service::Service};

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
    /// A span that is none, or longer than a year.
    pub fn free_busy(
        &self,
        caller: &Caller,
        people: &[String],
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<BusyPerson>, Fault> {
        const MOST_DAYS: i64 = 366;
        if from >= to || from.minus_days(-MOST_DAYS) < to {
            let cause = "the span is none, or longer than a year";
            return Err(Fault::new(ErrorClass::Config, "tell when people have no time", cause));
        }
        people.iter().map(|who| self.busy_person(caller, who, (from, to))).collect()
    }

    fn busy_person(
        &self,
        caller: &Caller,
        who: &str,
        span: (Timestamp, Timestamp),
    ) -> Result<BusyPerson, Fault> {
        let user = self.user_called(who);
        let addresses = match &user {
            Some(user) => self.addresses_of_user(user),
            None => vec![who.to_lowercase()],
        };
        let viewer = match &user {
            // What they have themselves, and where they take part.
            Some(user) => {
                Viewer::User { name: user.clone(), roles: Vec::new(), addresses: addresses.clone() }
            }
            None => self.viewer(caller),
        };
        let filter = ActivityFilter {
            viewer,
            between: Some(span),
            kind: Some(postrider_model::ActivityKind::Appointment),
            words: Vec::new(),
            people: user.is_none().then(|| addresses.clone()),
            label: None,
            deleted: false,
            limit: usize::MAX,
        };
        let mut busy = Vec::new();
        for stored in self.reader()?.activities(&filter)? {
            let theirs = user.as_ref().is_some_and(|user| stored.record.owner == *user);
            self.times_of(&stored, user.as_deref(), theirs, &addresses, span, &mut busy)?;
        }
        Ok(BusyPerson { who: who.to_owned(), busy: joined(busy), is_user: user.is_some() })
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

    fn times_of(
        &self,
        stored: &StoredActivity,
        user: Option<&str>,
        is_owner: bool,
        addresses: &[String],
        (from, to): (Timestamp, Timestamp),
        busy: &mut Vec<Busy>,
    ) -> Result<(), Fault> {
        let reader = self.reader()?;
        let Ok(item) = Item::read(stored.doc.text.as_bytes()) else { return Ok(()) };
        let activity = item.activity();
        let all = if stored.doc.recurs { reader.differing(stored.id)? } else { Vec::new() };
        let differing: Vec<_> = all
            .iter()
            .filter_map(|one| Some((one, Item::read(one.doc.text.as_bytes()).ok()?.activity())))
            .collect();
        let activities: Vec<_> = differing.iter().map(|(_, activity)| activity.clone()).collect();
        let instant = |at: Timestamp| DateTime::<Utc>::from_timestamp_micros(at.0).unwrap_or_default();
        let span = (instant(from), instant(to));
        let Ok(found) = occurrences(&activity, &activities, span, self.defaults(), &|| false) else {
            return Ok(());
        };
        for one in found.placed {
            let (of, says) = match one.differing.and_then(|at| differing.get(at)) {
                Some((of, says)) => (*of, says),
                None => (stored, &activity),
            };
            let own = match user {
                Some(user) => reader.own(of.id, user)?.map(|facet| facet.own),
                None => None,
            };
            let mut participants = says.people.participants.iter();
            let asked = participants
                .find(|one| addresses.iter().any(|address| address.eq_ignore_ascii_case(&one.person.email)));
            let comes = match asked {
                Some(asked) => asked.response != Response::Declined,
                None => user.is_none() || is_owner || says.people.organizer.is_some(),
            };
            let is_free = own.is_some_and(|own| own.show_as == ShowAs::Free);
            if comes && !is_free && says.content.status != Status::Cancelled {
                let (start, end) = (super::doc::of(one.start).max(from), super::doc::of(one.end).min(to));
                busy.push(Busy { start, end });
            }
        }
        Ok(())
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
