//! Activities, when they take place; one of them whole.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use postrider_formats::{icalendar::Item, occurrences::occurrences, words::query_words};
use postrider_model::{
    Activity, ActivityId, ActivityKind, ErrorClass, Fault, LabelKind, Occurrence, Own, Privacy, Response,
    Status, Timestamp,
};
use postrider_store::{ActivityFilter, StoredActivity};

use super::unreadable;
use crate::{access::Caller, service::Service};

/// How long the expansion of one series may take, in milliseconds (design, "Recurrence").
const PATIENCE_MS: u64 = 100;

/// Which activities are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActivityQuery {
    /// Words that are in it, or that words in it begin with; empty for all.
    pub words: String,
    /// What is not over then; now where nothing is said.
    pub from: Option<Timestamp>,
    /// What begins before; 31 days behind `from` where nothing is said.
    pub to: Option<Timestamp>,
    /// Only of that kind.
    pub kind: Option<ActivityKind>,
    /// Only with these people, by address.
    pub with: Option<Vec<String>>,
    /// Only in that group.
    pub group: Option<String>,
    /// What was deleted and can be restored, each once, whenever it is.
    pub deleted: bool,
    /// At most so many.
    pub limit: u32,
}

/// A time at which an activity takes place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedActivity {
    /// The activity; of a time that differs from its series, the series.
    pub id: ActivityId,
    /// What differs from the series has an id of its own.
    pub differing: Option<ActivityId>,
    /// What it is.
    pub kind: ActivityKind,
    /// When it begins; `None` for a task without any time.
    pub start: Option<Timestamp>,
    /// When it is over.
    pub end: Option<Timestamp>,
    /// Whether it takes whole days.
    pub is_all_day: bool,
    /// Whether it is a time of a series.
    pub recurs: bool,
    /// One line; empty where it is private and none of the caller's business.
    pub title: String,
    /// Where.
    pub place: Option<String>,
    /// How it stands.
    pub status: Status,
    /// Who organizes it, by address.
    pub organizer: Option<String>,
    /// What the caller answered.
    pub response: Option<Response>,
    /// Where an online meeting is joined.
    pub join_url: Option<String>,
    /// Whether it shows in the schedule.
    pub in_schedule: bool,
    /// Whose it is.
    pub owner: String,
    /// Whether the caller may see no more than when it is.
    pub is_hidden: bool,
}

/// What a listing found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// By their beginnings; tasks without any time at the end.
    pub activities: Vec<ListedActivity>,
    /// Of some series not all could be looked at, in words.
    pub remarks: Vec<String>,
}

/// An activity whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityDetails {
    /// What the store has of it.
    pub stored: StoredActivity,
    /// What it says.
    pub activity: Activity,
    /// What the caller has of it for themselves.
    pub own: Own,
    /// Those times that differ from it.
    pub differing: Vec<(ActivityId, Activity)>,
    /// Whether the caller may see no more than when it is.
    pub is_hidden: bool,
}

impl Service {
    /// When activities take place that the caller sees, by their beginnings.
    ///
    /// # Errors
    /// A group that is not there.
    pub fn activities(&self, caller: &Caller, query: &ActivityQuery) -> Result<Listed, Fault> {
        let label = match &query.group {
            Some(group) => Some(self.label_named(caller, LabelKind::Activities, group)?.id),
            None => None,
        };
        let from = query.from.unwrap_or_else(|| self.world.clock.now());
        let to = query.to.unwrap_or_else(|| from.minus_days(-31));
        let lower = |all: &Vec<String>| all.iter().map(|one| one.to_lowercase()).collect();
        let filter = ActivityFilter {
            viewer: self.viewer(caller),
            between: (!query.deleted).then_some((from, to)),
            kind: query.kind,
            words: query_words(&query.words),
            people: query.with.as_ref().map(lower),
            label,
            deleted: query.deleted,
            // Of a series many times may be wanted, or none: the times are bounded below.
            limit: if query.deleted { query.limit as usize } else { usize::MAX },
        };
        let reader = self.reader()?;
        let mut listed = Listed::default();
        for stored in reader.activities(&filter)? {
            match query.deleted {
                true => listed.activities.push(self.line_of(caller, &stored, None)?),
                false => self.place(caller, &stored, (from, to), &mut listed)?,
            }
        }
        listed.activities.sort_by_key(|one| (one.start.is_none(), one.start, one.id));
        listed.activities.truncate(query.limit as usize);
        self.note_record_look(caller, || format!("{} activities", listed.activities.len()));
        Ok(listed)
    }

    /// Adds when it takes place within that span.
    fn place(
        &self,
        caller: &Caller,
        stored: &StoredActivity,
        (from, to): (Timestamp, Timestamp),
        listed: &mut Listed,
    ) -> Result<(), Fault> {
        let reader = self.reader()?;
        let differing = if stored.doc.recurs { reader.differing(stored.id)? } else { Vec::new() };
        let Ok(item) = Item::read(stored.doc.text.as_bytes()) else {
            listed.remarks.push(format!("{} cannot be read", stored.id));
            return Ok(());
        };
        let activity = item.activity();
        let mut others: BTreeMap<Occurrence, usize> = BTreeMap::new();
        let mut activities = Vec::new();
        for (at, one) in differing.iter().enumerate() {
            if let Ok(item) = Item::read(one.doc.text.as_bytes())
                && let Some(occurrence) = one.doc.occurrence
            {
                others.insert(occurrence, at);
                activities.push(item.activity());
            }
        }
        if activity.timing.start.is_none() && activity.timing.end.is_none() {
            listed.activities.push(self.line_of(caller, stored, None)?);
            return Ok(());
        }
        let began = self.world.clock.now();
        let is_over = || self.world.clock.now().millis_since(began) > PATIENCE_MS;
        let span = (instant(from), instant(to));
        let found = match occurrences(&activity, &activities, span, self.defaults(), &is_over) {
            Ok(found) => found,
            Err(error) => {
                listed.remarks.push(format!("{}: {error}", stored.id));
                return Ok(());
            }
        };
        if found.is_cut {
            listed
                .remarks
                .push(format!("{} recurs too often to be followed: later times may be missing", stored.id));
        }
        for one in found.placed {
            let other = one.occurrence.and_then(|key| others.get(&key)).and_then(|at| differing.get(*at));
            let other = other.filter(|_| one.differing.is_some());
            let mut line = self.line_of(caller, other.unwrap_or(stored), Some(stored))?;
            line.start = Some(super::doc::of(one.start));
            line.end = Some(super::doc::of(one.end));
            line.differing = other.map(|other| other.id);
            listed.activities.push(line);
        }
        Ok(())
    }

    /// A line of a listing; of a time that differs from its series with the series' id.
    fn line_of(
        &self,
        caller: &Caller,
        stored: &StoredActivity,
        series: Option<&StoredActivity>,
    ) -> Result<ListedActivity, Fault> {
        let item = Item::read(stored.doc.text.as_bytes());
        let activity = item.map_err(|error| unreadable(stored.id, &error))?.activity();
        let of = series.unwrap_or(stored);
        let is_hidden = activity.content.privacy != Privacy::Normal && !self.is_insider(caller, of);
        let own = self.reader()?.own(stored.id, &caller.user)?;
        let content = if is_hidden { Default::default() } else { activity.content.clone() };
        Ok(ListedActivity {
            id: of.id,
            differing: None,
            kind: stored.doc.kind,
            start: stored.doc.start,
            end: stored.doc.end,
            is_all_day: activity.is_all_day(),
            recurs: of.doc.recurs,
            title: content.title,
            place: content.place,
            status: activity.content.status,
            organizer: stored.doc.organizer.clone().filter(|_| !is_hidden),
            response: own.and_then(|facet| facet.own.response),
            join_url: content.join_url,
            in_schedule: of.in_schedule,
            owner: of.record.owner.clone(),
            is_hidden,
        })
    }

    /// An activity whole, be it deleted.
    ///
    /// # Errors
    /// Where the caller sees none of that id.
    pub fn activity(&self, caller: &Caller, id: ActivityId) -> Result<ActivityDetails, Fault> {
        let mut stored = self.activity_seen(caller, id)?;
        let item = Item::read(stored.doc.text.as_bytes()).map_err(|error| unreadable(id, &error))?;
        let mut activity = item.activity();
        let is_hidden = activity.content.privacy != Privacy::Normal && !self.is_insider(caller, &stored);
        let reader = self.reader()?;
        let own = reader.own(id, &caller.user)?.map(|facet| facet.own).unwrap_or_default();
        let mut differing = Vec::new();
        for one in reader.differing(id)? {
            let item = Item::read(one.doc.text.as_bytes()).map_err(|error| unreadable(one.id, &error))?;
            differing.push((one.id, item.activity()));
        }
        if is_hidden {
            activity.content = postrider_model::Content {
                status: activity.content.status,
                privacy: activity.content.privacy,
                ..Default::default()
            };
            activity.people = Default::default();
            stored.doc.text.clear();
            stored.doc.title.clear();
            differing.clear();
        }
        self.note_record_look(caller, || id.to_string());
        Ok(ActivityDetails { stored, activity, own, differing, is_hidden })
    }

    /// The instant at which a day begins, by the clocks of the place that the settings name.
    ///
    /// # Errors
    /// What is no day.
    pub fn day(&self, text: &str) -> Result<Timestamp, Fault> {
        let day = chrono::NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").map_err(|_| {
            Fault::new(
                ErrorClass::Config,
                "read a day",
                format!("found {text:?}, expected one such as 2026-12-01"),
            )
        })?;
        let moment = postrider_model::Moment::Day(day);
        Ok(super::doc::of(postrider_formats::occurrences::instant(&moment, self.zone())))
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// How far the clocks of the place that the settings name are ahead of UTC then, in seconds.
    pub fn offset_s(&self, at: Timestamp) -> i32 {
        use chrono::{Offset, TimeZone};
        self.zone().offset_from_utc_datetime(&instant(at).naive_utc()).fix().local_minus_utc()
    }
}

fn instant(at: Timestamp) -> DateTime<Utc> {
    let bounded = DateTime::from_timestamp_micros(at.0);
    bounded.unwrap_or(if at.0 < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC })
}
