//! What a person changes of an activity: what is named, and nothing else.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use postrider_formats::{
    occurrences::{instant, local},
    recurrence::Series,
    zones,
};
use postrider_model::{
    Activity, ActivityKind, ErrorClass, Fault, Moment, Own, Participant, ParticipantRole, Person, Privacy,
    Reminder, ShowAs, Status, Timestamp, Timing, Visibility,
};

use crate::activity::YEARS;

/// Changes to when an activity is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhenChange {
    /// When it begins: `2026-12-01`, `2026-12-01 10:00`, with `Z` behind it for UTC; empty takes it away.
    pub start: Option<String>,
    /// When it ends, the last day of a whole-day one; of a task when it is due; empty takes it away.
    pub end: Option<String>,
    /// How long it takes, in place of an end.
    pub duration: Option<std::time::Duration>,
    /// The place whose clocks tell its times: an IANA name; empty for wherever one is.
    pub zone: Option<String>,
    /// Rules by which it recurs (RFC 5545, section 3.3.10); an empty list for none.
    pub rules: Option<Vec<String>>,
}

/// Changes to an activity. `None` leaves a field as it is; an empty text or list takes it away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActivityChanges {
    /// One line.
    pub title: Option<String>,
    /// Where.
    pub place: Option<String>,
    /// Plain text.
    pub description: Option<String>,
    /// How it stands.
    pub status: Option<Status>,
    /// Who may see what it is about.
    pub privacy: Option<Privacy>,
    /// 1 to 9, 0 for none.
    pub priority: Option<u8>,
    /// How much of a task is done, 0 to 100.
    pub percent: Option<u8>,
    /// Where an online meeting is joined.
    pub join_url: Option<String>,
    /// When it is.
    pub when: WhenChange,
    /// All who are asked to take part, the organizer left aside.
    pub participants: Option<Vec<(Person, ParticipantRole)>>,
    /// When the caller is reminded.
    pub reminders: Option<Vec<Reminder>>,
    /// How the caller's time shows.
    pub show_as: Option<ShowAs>,
    /// The caller's words for it.
    pub categories: Option<Vec<String>>,
    /// Whether it shows in the schedule.
    pub in_schedule: Option<bool>,
    /// Who sees it besides those who take part.
    pub visibility: Option<Visibility>,
}

impl ActivityChanges {
    /// The activity after them. Who answered stays as who was asked to take part stays.
    ///
    /// # Errors
    /// A time, a zone or a rule that is none.
    pub(super) fn apply(&self, activity: &Activity, zone: Tz, now: Timestamp) -> Result<Activity, Fault> {
        let mut changed = activity.clone();
        let content = &mut changed.content;
        if let Some(title) = &self.title {
            content.title.clone_from(title);
        }
        set(&mut content.place, &self.place);
        set(&mut content.description, &self.description);
        set(&mut content.join_url, &self.join_url);
        if let Some(privacy) = self.privacy {
            content.privacy = privacy;
        }
        if let Some(priority) = self.priority {
            content.priority = (1..=9).contains(&priority).then_some(priority);
        }
        if let Some(percent) = self.percent {
            content.percent = Some(percent.min(100));
            content.status = match (self.status, percent) {
                (Some(status), _) => status,
                (None, 100..) => Status::Completed,
                (None, 0) => content.status,
                (None, _) => Status::InProcess,
            };
        }
        if let Some(status) = self.status {
            content.status = status;
        }
        if activity.kind == ActivityKind::Task {
            content.completed = match content.status {
                Status::Completed => content.completed.or(Some(Timestamp::from_seconds(now.seconds()))),
                _ => None,
            };
            if content.status == Status::Completed && activity.content.status != Status::Completed {
                content.percent = Some(100);
            }
        }
        changed.timing = self.when.apply(activity, zone)?;
        if let Some(participants) = &self.participants {
            changed.people.participants = participants
                .iter()
                .map(|(person, role)| {
                    let known = activity.people.participants.iter().find(|one| one.person.is(&person.email));
                    Participant { person: person.clone(), role: *role, ..known.cloned().unwrap_or_default() }
                })
                .collect();
        }
        Ok(changed)
    }

    /// Whether they are about what it is about, which all share.
    pub(super) const fn is_of_content(&self) -> bool {
        self.title.is_some()
            || self.place.is_some()
            || self.description.is_some()
            || self.status.is_some()
            || self.privacy.is_some()
            || self.priority.is_some()
            || self.percent.is_some()
            || self.join_url.is_some()
    }

    /// Whether they are about what all share.
    pub fn is_shared(&self) -> bool {
        self.is_of_content() || !self.when.is_empty() || self.participants.is_some()
    }

    /// What the caller has of it for themselves after them.
    pub(super) fn apply_own(&self, own: &Own) -> Own {
        let mut changed = own.clone();
        if let Some(reminders) = &self.reminders {
            changed.reminders.clone_from(reminders);
        }
        if let Some(show_as) = self.show_as {
            changed.show_as = show_as;
        }
        if let Some(categories) = &self.categories {
            changed.categories.clone_from(categories);
        }
        changed
    }
}

fn set(field: &mut Option<String>, change: &Option<String>) {
    if let Some(value) = change {
        *field = Some(value.clone()).filter(|value| !value.is_empty());
    }
}

/// A time as a person writes it.
#[derive(Clone, Copy)]
enum Written {
    Day(NaiveDate),
    Local(NaiveDateTime),
    Utc(NaiveDateTime),
}

fn refused(what: &str, text: &str, expected: &str) -> Fault {
    Fault::new(ErrorClass::Config, format!("read {what}"), format!("found {text:?}, expected {expected}"))
}

fn written(text: &str) -> Result<Written, Fault> {
    const FORMS: [&str; 4] = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"];
    let text = text.trim();
    let expected = || refused("a time", text, "2026-12-01, 2026-12-01 10:00, or 2026-12-01T10:00Z");
    let in_calendar = |day: NaiveDate| YEARS.contains(&day.year());
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return if in_calendar(day) { Ok(Written::Day(day)) } else { Err(expected()) };
    }
    let (bare, is_utc) = match text.strip_suffix(['Z', 'z']) {
        Some(bare) => (bare, true),
        None => (text, false),
    };
    let read = FORMS.iter().find_map(|form| NaiveDateTime::parse_from_str(bare, form).ok());
    match read.filter(|local| in_calendar(local.date())) {
        Some(local) if is_utc => Ok(Written::Utc(local)),
        Some(local) => Ok(Written::Local(local)),
        None => Err(expected()),
    }
}

impl WhenChange {
    /// Whether they say anything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn apply(&self, activity: &Activity, default: Tz) -> Result<Timing, Fault> {
        let was = &activity.timing;
        if self.is_empty() {
            return Ok(was.clone());
        }
        let zone = self.zone_of(was, default)?;
        let is_task = activity.kind == ActivityKind::Task;
        let mut timing = was.clone();
        if let Some(text) = &self.start {
            timing.start = maybe(text)?.map(|at| moment(at, &zone));
        }
        // Before a length is told: it is one of the clocks that hold from then on.
        self.rezone(&mut timing.start, &zone);
        match (&self.end, self.duration) {
            (Some(_), Some(_)) => {
                return Err(Fault::new(
                    ErrorClass::Config,
                    "read a time",
                    "both an end and a duration are given",
                ));
            }
            (Some(text), None) => {
                timing.end = maybe(text)?.map(|at| end_moment(at, &zone, is_task));
                self.rezone(&mut timing.end, &zone);
            }
            (None, Some(duration)) => {
                let length =
                    TimeDelta::from_std(duration).map_err(|_| refused("a duration", "", "a shorter one"))?;
                let end = timing.start.as_ref().map(|start| {
                    behind(start, length, default).ok_or_else(|| refused("a duration", "", "a shorter one"))
                });
                timing.end = end.transpose()?;
            }
            // What is moved takes as long as before.
            (None, None) if self.start.is_some() => {
                let end = moved_end(was, &timing, default);
                timing.end = match &self.zone {
                    Some(_) => end.map(|end| in_zone(end, &zone, default)),
                    None => end,
                };
            }
            (None, None) => self.rezone(&mut timing.end, &zone),
        }
        if let Some(rules) = &self.rules {
            timing.rules.clone_from(rules);
            if rules.is_empty() {
                timing.further.clear();
            }
        }
        check(&timing, is_task, default)?;
        Ok(timing)
    }

    /// The same on the clocks of the place that is named, where one is.
    fn rezone(&self, at: &mut Option<Moment>, to: &Option<String>) {
        if let (Some(_), Some(Moment::At { zone, .. })) = (&self.zone, at) {
            zone.clone_from(to);
        }
    }

    /// The place whose clocks tell the times: as named, else as before, else the default. `None`: wherever one is.
    fn zone_of(&self, was: &Timing, default: Tz) -> Result<Option<String>, Fault> {
        match self.zone.as_deref() {
            Some("") => Ok(None),
            Some(name) => match zones::by_name(name) {
                Some(zone) => Ok(Some(zone.name().to_owned())),
                None => Err(refused("a time zone", name, "the name of one, such as Europe/Berlin")),
            },
            None => Ok(match was.start.as_ref().or(was.end.as_ref()) {
                Some(Moment::At { zone, .. }) => zone.clone(),
                Some(Moment::Day(_)) | None => Some(default.name().to_owned()),
            }),
        }
    }
}

fn maybe(text: &str) -> Result<Option<Written>, Fault> {
    if text.trim().is_empty() { Ok(None) } else { written(text).map(Some) }
}

fn moment(at: Written, zone: &Option<String>) -> Moment {
    match at {
        Written::Day(day) => Moment::Day(day),
        Written::Local(local) => Moment::At { local, zone: zone.clone() },
        Written::Utc(local) => Moment::At { local, zone: Some("UTC".to_owned()) },
    }
}

/// The last day of an appointment is still part of it; a task is due on that day.
fn end_moment(at: Written, zone: &Option<String>, is_task: bool) -> Moment {
    match at {
        Written::Day(day) if !is_task => Moment::Day(day.checked_add_days(Days::new(1)).unwrap_or(day)),
        at => moment(at, zone),
    }
}

/// So long behind the start, whatever clocks do meanwhile; of what is meant wherever one is, as its clock tells. `None` where no calendar
/// reaches.
fn behind(start: &Moment, length: TimeDelta, default: Tz) -> Option<Moment> {
    let end = match start {
        Moment::Day(_) => return days_behind(start, length),
        Moment::At { local, zone: None } => on_clock(local.checked_add_signed(length)?, &None),
        Moment::At { zone, .. } => shown(instant(start, default).checked_add_signed(length)?, zone, default),
    };
    Some(end).filter(is_in_calendar)
}

fn days_behind(start: &Moment, length: TimeDelta) -> Option<Moment> {
    let Moment::Day(day) = start else { return None };
    let days = u64::try_from(length.num_days()).unwrap_or_default().max(1);
    day.checked_add_days(Days::new(days)).map(Moment::Day).filter(is_in_calendar)
}

fn on_clock(local: NaiveDateTime, zone: &Option<String>) -> Moment {
    Moment::At { local, zone: zone.clone() }
}

/// An instant as the clocks of that place show it, told by the name that the place had. What they show twice means the first time: the second
/// is told in UTC.
fn shown(at: DateTime<Utc>, zone: &Option<String>, default: Tz) -> Moment {
    let place = zone.as_deref().and_then(|name| name.parse().ok()).unwrap_or(default);
    match local(at, place) {
        here if instant(&here, default) != at => local(at, Tz::UTC),
        Moment::At { local, .. } => on_clock(local, zone),
        day => day,
    }
}

/// The same instant by the clocks of that place.
fn in_zone(at: Moment, zone: &Option<String>, default: Tz) -> Moment {
    match at {
        Moment::At { .. } => shown(instant(&at, default), zone, default),
        day => day,
    }
}

fn is_in_calendar(at: &Moment) -> bool {
    match at {
        Moment::Day(day) => YEARS.contains(&day.year()),
        Moment::At { local, .. } => YEARS.contains(&local.year()),
    }
}

/// An end as far behind the new start as the old one was behind the old start: by the clock where one clock tells both, else by how long it
/// took, told by the clocks that told the end.
fn moved_end(was: &Timing, now: &Timing, default: Tz) -> Option<Moment> {
    let (start, end, now) = (was.start.as_ref()?, was.end.as_ref()?, now.start.as_ref()?);
    match (start, end, now) {
        (Moment::Day(from), Moment::Day(to), Moment::Day(_)) => days_behind(now, *to - *from),
        (
            Moment::At { local: from, zone },
            Moment::At { local: to, zone: of_end },
            Moment::At { local: moved, zone: of_now },
        ) => {
            let took = instant(end, default) - instant(start, default);
            let begins = instant(now, default);
            let by_length = || begins.checked_add_signed(took).filter(|at| YEARS.contains(&at.year()));
            if zone != of_end {
                return by_length().map(|at| shown(at, of_end, default));
            }
            let by_clock = on_clock(moved.checked_add_signed(*to - *from)?, of_now);
            // A clock that skips the start shows the end before it.
            match instant(&by_clock, default) < begins {
                true => by_length().map(|at| shown(at, of_now, default)),
                false => Some(by_clock),
            }
        }
        _ => None,
    }
}

fn check(timing: &Timing, is_task: bool, default: Tz) -> Result<(), Fault> {
    let wrong = |cause: &str| Err(Fault::new(ErrorClass::Config, "set when it is", cause));
    match (&timing.start, &timing.end) {
        (None, _) if !is_task => return wrong("an appointment needs a start"),
        (None, None) if !timing.rules.is_empty() => return wrong("what recurs needs a start"),
        (Some(Moment::Day(start)), Some(Moment::Day(end))) if end < start || (end == start && !is_task) => {
            return wrong("it ends before it begins");
        }
        (Some(start @ Moment::At { .. }), Some(end @ Moment::At { .. }))
            if instant(end, default) < instant(start, default) =>
        {
            return wrong("it ends before it begins");
        }
        (Some(Moment::Day(_)), Some(Moment::At { .. })) | (Some(Moment::At { .. }), Some(Moment::Day(_))) => {
            return wrong("it begins on a day and ends at a time, or the other way round");
        }
        _ => {}
    }
    let Some(first) = timing.start.as_ref().or(timing.end.as_ref()) else { return Ok(()) };
    let start = match first {
        Moment::Day(day) => postrider_formats::recurrence::Start::Day(*day),
        Moment::At { local, zone } => postrider_formats::recurrence::Start::At {
            local: *local,
            zone: zone.as_deref().and_then(zones::by_name).unwrap_or(Tz::UTC),
        },
    };
    let rules = postrider_formats::recurrence::Rules { rules: timing.rules.clone(), ..Default::default() };
    match Series::new(&start, &rules) {
        Ok(_) => Ok(()),
        Err(error) => Err(Fault::new(ErrorClass::Config, "set when it is", error.to_string())
            .hint("rules are written as in RFC 5545, such as FREQ=WEEKLY;BYDAY=MO")),
    }
}

#[cfg(test)]
mod tests;
