//! What a person changes of an activity: what is named, and nothing else.

use chrono::{Days, NaiveDate, NaiveDateTime, TimeDelta};
use chrono_tz::Tz;
use postrider_formats::{recurrence::Series, zones};
use postrider_model::{
    Activity, ActivityKind, ErrorClass, Fault, Moment, Own, Participant, ParticipantRole, Person, Privacy,
    Reminder, ShowAs, Status, Timestamp, Timing, Visibility,
};

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
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(Written::Day(day));
    }
    let (bare, is_utc) = match text.strip_suffix(['Z', 'z']) {
        Some(bare) => (bare, true),
        None => (text, false),
    };
    let read = FORMS.iter().find_map(|form| NaiveDateTime::parse_from_str(bare, form).ok());
    match read {
        Some(local) if is_utc => Ok(Written::Utc(local)),
        Some(local) => Ok(Written::Local(local)),
        None => Err(refused("a time", text, "2026-12-01, 2026-12-01 10:00, or 2026-12-01T10:00Z")),
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
        match (&self.end, self.duration) {
            (Some(_), Some(_)) => {
                return Err(Fault::new(
                    ErrorClass::Config,
                    "read a time",
                    "both an end and a duration are given",
                ));
            }
            (Some(text), None) => timing.end = maybe(text)?.map(|at| end_moment(at, &zone, is_task)),
            (None, Some(duration)) => {
                let length =
                    TimeDelta::from_std(duration).map_err(|_| refused("a duration", "", "a shorter one"))?;
                timing.end = timing.start.as_ref().map(|start| behind(start, length));
            }
            // What is moved takes as long as before.
            (None, None) if self.start.is_some() => timing.end = moved_end(was, &timing),
            (None, None) => {}
        }
        if self.zone.is_some() {
            for at in [&mut timing.start, &mut timing.end].into_iter().flatten() {
                rezone(at, &zone);
            }
        }
        if let Some(rules) = &self.rules {
            timing.rules.clone_from(rules);
            if rules.is_empty() {
                timing.further.clear();
            }
        }
        check(&timing, is_task)?;
        Ok(timing)
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

fn behind(start: &Moment, length: TimeDelta) -> Moment {
    match start {
        Moment::Day(day) => {
            let days = u64::try_from(length.num_days()).unwrap_or_default().max(1);
            Moment::Day(day.checked_add_days(Days::new(days)).unwrap_or(*day))
        }
        Moment::At { local, zone } => {
            Moment::At { local: local.checked_add_signed(length).unwrap_or(*local), zone: zone.clone() }
        }
    }
}

/// An end as far behind the new start as the old one was behind the old start.
fn moved_end(was: &Timing, now: &Timing) -> Option<Moment> {
    let (start, end) = (was.start.as_ref()?, was.end.as_ref()?);
    match (start, end, now.start.as_ref()?) {
        (Moment::Day(from), Moment::Day(to), start @ Moment::Day(_)) => Some(behind(start, *to - *from)),
        (Moment::At { local: from, .. }, Moment::At { local: to, .. }, start @ Moment::At { .. }) => {
            Some(behind(start, *to - *from))
        }
        _ => None,
    }
}

fn rezone(at: &mut Moment, to: &Option<String>) {
    if let Moment::At { zone, .. } = at {
        zone.clone_from(to);
    }
}

fn check(timing: &Timing, is_task: bool) -> Result<(), Fault> {
    let wrong = |cause: &str| Err(Fault::new(ErrorClass::Config, "set when it is", cause));
    match (&timing.start, &timing.end) {
        (None, _) if !is_task => return wrong("an appointment needs a start"),
        (None, None) if !timing.rules.is_empty() => return wrong("what recurs needs a start"),
        (Some(Moment::Day(start)), Some(Moment::Day(end))) if end < start || (end == start && !is_task) => {
            return wrong("it ends before it begins");
        }
        (Some(Moment::At { local: start, zone }), Some(Moment::At { local: end, zone: of_end }))
            if zone == of_end && end < start =>
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
mod tests {
    use super::*;

    fn appointment(when: WhenChange) -> Result<Timing, Fault> {
        when.apply(&Activity::new(ActivityKind::Appointment, "u"), Tz::Europe__Berlin)
    }

    fn when(start: &str) -> WhenChange {
        WhenChange { start: Some(start.to_owned()), ..WhenChange::default() }
    }

    #[test]
    fn times_are_read_in_the_forms_that_people_write() {
        let berlin =
            |text: &str| Moment::At { local: text.parse().unwrap(), zone: Some("Europe/Berlin".to_owned()) };
        let table = [
            ("2026-12-01", Moment::Day("2026-12-01".parse().unwrap())),
            ("2026-12-01 10:00", berlin("2026-12-01T10:00:00")),
            ("2026-12-01T10:00:30", berlin("2026-12-01T10:00:30")),
            (
                "2026-12-01T10:00Z",
                Moment::At { local: "2026-12-01T10:00:00".parse().unwrap(), zone: Some("UTC".to_owned()) },
            ),
        ];
        for (text, moment) in table {
            assert_eq!(appointment(when(text)).unwrap().start, Some(moment), "{text}");
        }
        for text in ["tomorrow", "2026-13-01", "2026-12-01 25:00", "10:00", ""] {
            assert!(appointment(when(text)).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_last_day_is_part_of_what_takes_days() {
        let days = WhenChange { end: Some("2026-12-03".to_owned()), ..when("2026-12-01") };
        assert_eq!(appointment(days).unwrap().end, Some(Moment::Day("2026-12-04".parse().unwrap())));
    }

    #[test]
    fn what_is_moved_takes_as_long_as_before() {
        let mut activity = Activity::new(ActivityKind::Appointment, "u");
        let first =
            WhenChange { duration: Some(std::time::Duration::from_secs(5_400)), ..when("2026-12-01 10:00") };
        activity.timing = first.apply(&activity, Tz::UTC).unwrap();
        let moved = when("2026-12-02 22:45").apply(&activity, Tz::UTC).unwrap();
        let end = Moment::At { local: "2026-12-03T00:15:00".parse().unwrap(), zone: Some("UTC".to_owned()) };
        assert_eq!(moved.end, Some(end));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let table = [
            WhenChange { end: Some("2026-11-30".to_owned()), ..when("2026-12-01") },
            WhenChange { end: Some("2026-12-01 09:00".to_owned()), ..when("2026-12-01 10:00") },
            WhenChange { end: Some("2026-12-01 09:00".to_owned()), ..when("2026-12-01") },
            WhenChange { zone: Some("Mars/Olympus".to_owned()), ..when("2026-12-01 10:00") },
            WhenChange { rules: Some(vec!["FREQ=SOMETIMES".to_owned()]), ..when("2026-12-01") },
            WhenChange { rules: Some(vec!["FREQ=DAILY".to_owned()]), ..WhenChange::default() },
        ];
        for wrong in table {
            assert!(appointment(wrong.clone()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_task_that_is_done_is_done_whole_and_then() {
        let task = Activity::new(ActivityKind::Task, "u");
        let now = Timestamp::from_seconds(1_000);
        let done = ActivityChanges { percent: Some(100), ..ActivityChanges::default() };
        let done = done.apply(&task, Tz::UTC, now).unwrap();
        assert_eq!((done.content.status, done.content.completed), (Status::Completed, Some(now)));
        let again = ActivityChanges { status: Some(Status::InProcess), ..ActivityChanges::default() };
        assert_eq!(again.apply(&done, Tz::UTC, now).unwrap().content.completed, None);
    }

    #[test]
    fn whoever_stays_asked_keeps_their_answer() {
        let mut activity = Activity::new(ActivityKind::Appointment, "u");
        let boris = Person { email: "boris@example.com".to_owned(), name: None };
        activity.people.participants = vec![Participant {
            person: boris.clone(),
            response: postrider_model::Response::Accepted,
            ..Participant::default()
        }];
        let vera = Person { email: "vera@example.com".to_owned(), name: None };
        let both = vec![(boris, ParticipantRole::Optional), (vera, ParticipantRole::Required)];
        let changes = ActivityChanges { participants: Some(both), ..ActivityChanges::default() };
        let people = changes.apply(&activity, Tz::UTC, Timestamp(0)).unwrap().people.participants;
        let answers: Vec<_> = people.iter().map(|one| (one.response, one.role)).collect();
        use postrider_model::Response::{Accepted, NeedsAction};
        assert_eq!(
            answers,
            [(Accepted, ParticipantRole::Optional), (NeedsAction, ParticipantRole::Required)]
        );
    }
}
