//! Activities, when they take place; one of them whole.

use std::collections::BTreeMap;

use postrider_formats::{icalendar::Item, occurrences::occurrences, words::query_words};
use postrider_model::{
    Activity, ActivityId, ActivityKind, Content, ErrorClass, Fault, LabelKind, Own, Privacy, Response,
    Status, Timestamp,
};
use postrider_store::{ActivityFilter, Reader, StoredActivity};

use super::unreadable;
use crate::{
    access::Caller,
    activity::{instant_of, of},
    service::Service,
};

/// How long the expansion of one series may take, in milliseconds (design, "Recurrence").
const PATIENCE_MS: u64 = 100;
/// How long a request may look at activities, in milliseconds.
pub(super) const REQUEST_PATIENCE_MS: u64 = 2_000;
/// So many times a request places at most.
const MOST_PLACED: usize = 20_000;

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
        let found = reader.activities(&filter)?;
        let (began, listed) = (self.now(), Listed::default());
        let mut listing = Listing { service: self, caller, reader, span: (from, to), began, listed };
        match query.deleted {
            true => found.iter().try_for_each(|one| listing.add_as_it_is(one))?,
            false => listing.place_all(&found)?,
        }
        let mut listed = listing.listed;
        listed.activities.sort_by_key(|one| (one.start.is_none(), one.start, one.id));
        listed.activities.truncate(query.limit as usize);
        self.note_record_look(caller, || format!("{} activities", listed.activities.len()));
        Ok(listed)
    }

    /// Whether the caller may see no more of it than when it is. What differs from a series is judged by itself.
    fn is_hidden(&self, caller: &Caller, stored: &StoredActivity, says: &Activity) -> bool {
        says.content.privacy != Privacy::Normal && !self.is_insider(caller, stored)
    }

    /// An activity whole, be it deleted.
    ///
    /// # Errors
    /// Where the caller sees none of that id.
    pub fn activity(&self, caller: &Caller, id: ActivityId) -> Result<ActivityDetails, Fault> {
        let mut stored = self.activity_seen(caller, id)?;
        let item = Item::read(stored.doc.text.as_bytes()).map_err(|error| unreadable(id, &error))?;
        let mut activity = item.activity();
        let is_hidden = self.is_hidden(caller, &stored, &activity);
        let reader = self.reader()?;
        let own = reader.own(id, &caller.user)?.map(|facet| facet.own).unwrap_or_default();
        let mut differing = Vec::new();
        for one in reader.differing(id)? {
            let item = Item::read(one.doc.text.as_bytes()).map_err(|error| unreadable(one.id, &error))?;
            let mut says = item.activity();
            if self.is_hidden(caller, &one, &says) {
                hide(&mut says);
            }
            differing.push((one.id, says));
        }
        if is_hidden {
            hide(&mut activity);
            for text in [&mut stored.doc.text, &mut stored.doc.title, &mut stored.doc.words] {
                text.clear();
            }
            stored.doc.participants.clear();
            stored.doc.organizer = None;
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
        Ok(of(postrider_formats::occurrences::instant(&moment, self.zone())))
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// How far the clocks of the place that the settings name are ahead of UTC then, in seconds.
    pub fn offset_s(&self, at: Timestamp) -> i32 {
        use chrono::{Offset, TimeZone};
        self.zone().offset_from_utc_datetime(&instant_of(at).naive_utc()).fix().local_minus_utc()
    }
}

/// Takes all out of it but when it is and how it stands.
fn hide(activity: &mut Activity) {
    let (status, privacy) = (activity.content.status, activity.content.privacy);
    activity.content = Content { status, privacy, ..Content::default() };
    activity.people = Default::default();
}

/// A listing that is being made.
struct Listing<'a> {
    service: &'a Service,
    caller: &'a Caller,
    reader: Reader,
    span: (Timestamp, Timestamp),
    began: Timestamp,
    listed: Listed,
}

impl Listing<'_> {
    /// Adds when they take place, until there are too many or it has taken too long.
    fn place_all(&mut self, found: &[StoredActivity]) -> Result<(), Fault> {
        for stored in found {
            self.place(stored)?;
            if self.listed.activities.len() > MOST_PLACED {
                self.listed.activities.truncate(MOST_PLACED);
                self.remark(format!("there are more than {MOST_PLACED} times: ask for a shorter span"));
                return Ok(());
            }
            if self.is_late() {
                self.remark(format!(
                    "not all could be looked at within {} s: ask for a shorter span",
                    REQUEST_PATIENCE_MS / 1_000
                ));
                return Ok(());
            }
        }
        Ok(())
    }

    fn is_late(&self) -> bool {
        self.service.now().millis_since(self.began) > REQUEST_PATIENCE_MS
    }

    fn remark(&mut self, remark: String) {
        self.listed.remarks.push(remark);
    }

    fn read(&mut self, stored: &StoredActivity) -> Option<Activity> {
        match Item::read(stored.doc.text.as_bytes()) {
            Ok(item) => Some(item.activity()),
            Err(_) => {
                self.remark(format!("{} cannot be read", stored.id));
                None
            }
        }
    }

    fn add_as_it_is(&mut self, stored: &StoredActivity) -> Result<(), Fault> {
        if let Some(activity) = self.read(stored) {
            let line = self.line_of(stored, &activity, stored)?;
            self.listed.activities.push(line);
        }
        Ok(())
    }

    /// Adds when it takes place within the span.
    fn place(&mut self, stored: &StoredActivity) -> Result<(), Fault> {
        let Some(activity) = self.read(stored) else { return Ok(()) };
        let is_timeless = activity.timing.start.is_none() && activity.timing.end.is_none();
        let (mut others, mut say) = (Vec::new(), Vec::new());
        // The series of an invitation to one time of it has no time itself, and recurs by no rule that is known.
        if activity.recurs() || is_timeless {
            for one in self.reader.differing(stored.id)? {
                if let Some(says) = self.read(&one) {
                    others.push(one);
                    say.push(says);
                }
            }
        }
        if is_timeless && others.is_empty() {
            if stored.doc.kind == ActivityKind::Task {
                let line = self.line_of(stored, &activity, stored)?;
                self.listed.activities.push(line);
            }
            return Ok(());
        }
        let span = (instant_of(self.span.0), instant_of(self.span.1));
        let began = self.service.now();
        let is_over = || self.service.now().millis_since(began) > PATIENCE_MS || self.is_late();
        let found = match occurrences(&activity, &say, span, self.service.defaults(), &is_over) {
            Ok(found) => found,
            Err(error) => {
                self.remark(format!("{}: {error}", stored.id));
                return Ok(());
            }
        };
        if found.is_cut {
            self.remark(format!("{} recurs too often to be followed: later times may be missing", stored.id));
        }
        let mut lines: BTreeMap<Option<usize>, ListedActivity> = BTreeMap::new();
        let room = MOST_PLACED.saturating_sub(self.listed.activities.len());
        // One more than there is room for tells that there are more.
        for one in found.placed.into_iter().take(room + 1) {
            let mut line = match lines.get(&one.differing) {
                Some(line) => line.clone(),
                None => {
                    let other = one.differing.and_then(|at| Some((others.get(at)?, say.get(at)?)));
                    let (of, says) = other.unwrap_or((stored, &activity));
                    let line = self.line_of(of, says, stored)?;
                    lines.insert(one.differing, line.clone());
                    line
                }
            };
            line.start = Some(of(one.start));
            line.end = Some(of(one.end));
            self.listed.activities.push(line);
        }
        Ok(())
    }

    /// A line of a listing; of a time that differs from its series with the series' id.
    fn line_of(
        &self,
        stored: &StoredActivity,
        says: &Activity,
        series: &StoredActivity,
    ) -> Result<ListedActivity, Fault> {
        let is_hidden = self.service.is_hidden(self.caller, stored, says);
        let own = self.reader.own(stored.id, &self.caller.user)?;
        let content = if is_hidden { Content::default() } else { says.content.clone() };
        Ok(ListedActivity {
            id: series.id,
            differing: Some(stored.id).filter(|id| *id != series.id),
            kind: stored.doc.kind,
            start: stored.doc.start,
            end: stored.doc.end,
            is_all_day: says.is_all_day(),
            recurs: series.doc.recurs,
            title: content.title,
            place: content.place,
            status: says.content.status,
            organizer: stored.doc.organizer.clone().filter(|_| !is_hidden),
            response: own.and_then(|facet| facet.own.response),
            join_url: content.join_url,
            in_schedule: series.in_schedule,
            owner: series.record.owner.clone(),
            is_hidden,
        })
    }
}
