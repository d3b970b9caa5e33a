//! What an activity says, as the API has it.

use std::time::Duration;

use chrono::{Days, NaiveDate};
use postrider_model::{
    Activity, ErrorClass, Fault, Moment, Occurrence, Own, ParticipantRole, Person as ModelPerson,
    Privacy as ModelPrivacy, Reminder as ModelReminder, ReminderBy, ReminderTime, Response as ModelResponse,
    ShowAs as ModelShowAs, Status as ModelStatus,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::contact_fields::visibility;
use crate::{
    api::{Instant, fields::whole_or_null},
    service::{ActivityChanges, Extent as ServiceExtent, WhenChange},
};

/// Declares a type of the API for words of the model.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident = $model:ident, $case:literal { $($(#[$of:meta])* $word:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = $case)]
        pub enum $name { $($(#[$of])* $word),+ }

        impl From<$model> for $name {
            fn from(word: $model) -> Self {
                match word { $($model::$word => Self::$word),+ }
            }
        }

        impl From<$name> for $model {
            fn from(word: $name) -> Self {
                match word { $($name::$word => Self::$word),+ }
            }
        }
    };
}

words! {
    /// How an activity stands.
    Status = ModelStatus, "kebab-case" {
        /// It takes place; of a task that nothing was done yet.
        Open,
        /// It may take place.
        Tentative,
        /// It does not take place, by its organizer's word.
        Cancelled,
        /// A task: begun.
        InProcess,
        /// A task: waits for somebody else.
        Waiting,
        /// A task: put off.
        Deferred,
        /// A task: done.
        Completed,
    }
}
words! {
    /// Who may see what an activity is about.
    Privacy = ModelPrivacy, "kebab-case" {
        /// Whoever sees it.
        Normal,
        /// Others see only that there is something.
        Private,
        /// As private, and not to be told of.
        Confidential,
    }
}
words! {
    /// How somebody's time shows to others.
    ShowAs = ModelShowAs, "kebab-case" {
        /// Taken.
        Busy,
        /// Free.
        Free,
        /// Perhaps taken.
        Tentative,
        /// Not at work.
        OutOfOffice,
        /// At work, at another place.
        WorkingElsewhere,
    }
}
words! {
    /// As what somebody takes part.
    Role = ParticipantRole, "kebab-case" {
        /// They are needed.
        Required,
        /// They may come.
        Optional,
        /// They are only told of it.
        Informed,
        /// A room or a thing.
        Resource,
    }
}
words! {
    /// What somebody answered.
    Response = ModelResponse, "kebab-case" {
        /// Nothing yet.
        NeedsAction,
        /// They come.
        Accepted,
        /// They may come.
        Tentative,
        /// They do not come.
        Declined,
        /// Somebody else comes for them.
        Delegated,
    }
}

/// A day, or a time as clocks show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct When {
    /// `2026-12-01`, or `2026-12-01T10:00:00` as the clocks of `zone` show it.
    pub at: String,
    /// The IANA name of the place; null for a day, and for a time that is meant wherever one is.
    pub zone: Option<String>,
}

impl From<&Moment> for When {
    fn from(moment: &Moment) -> Self {
        match moment {
            Moment::Day(day) => Self { at: day.to_string(), zone: None },
            Moment::At { local, zone } => {
                Self { at: local.format("%Y-%m-%dT%H:%M:%S").to_string(), zone: zone.clone() }
            }
        }
    }
}

/// Somebody who takes part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ActivityParticipant")]
pub struct Participant {
    /// The address.
    pub email: String,
    /// The name beside it.
    pub name: Option<String>,
    /// As what.
    pub role: Role,
    /// What they answered.
    pub response: Response,
}

/// Somebody to be asked to take part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The address.
    pub email: String,
    /// The name beside it.
    #[serde(default)]
    pub name: Option<String>,
    /// As what; required where nothing is said.
    #[serde(default)]
    pub role: Option<Role>,
}

/// When somebody wants to be reminded: one of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reminder {
    /// So many seconds before it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_start_s: Option<i32>,
    /// So many seconds before it ends, or is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_end_s: Option<i32>,
    /// Then, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_s: Option<i32>,
    /// By mail rather than on a screen.
    #[serde(default)]
    pub by_mail: bool,
}

impl From<ModelReminder> for Reminder {
    fn from(reminder: ModelReminder) -> Self {
        let number = |seconds: i64| {
            Some(i32::try_from(seconds).unwrap_or(if seconds < 0 { i32::MIN } else { i32::MAX }))
        };
        let by_mail = reminder.by == ReminderBy::Email;
        let mut told = Self { before_start_s: None, before_end_s: None, at_s: None, by_mail };
        match reminder.at {
            ReminderTime::BeforeStart(seconds) => told.before_start_s = number(seconds),
            ReminderTime::BeforeEnd(seconds) => told.before_end_s = number(seconds),
            ReminderTime::At(at) => told.at_s = number(at.seconds()),
        }
        told
    }
}

impl Reminder {
    fn read(self) -> Result<ModelReminder, Fault> {
        let at = match (self.before_start_s, self.before_end_s, self.at_s) {
            (Some(seconds), None, None) => ReminderTime::BeforeStart(seconds.into()),
            (None, Some(seconds), None) => ReminderTime::BeforeEnd(seconds.into()),
            (None, None, Some(at)) => ReminderTime::At(postrider_model::Timestamp::from_seconds(at.into())),
            _ => {
                let cause = "one of before_start_s, before_end_s, at_s is expected";
                return Err(Fault::new(ErrorClass::Config, "read a reminder", cause));
            }
        };
        Ok(ModelReminder { at, by: if self.by_mail { ReminderBy::Email } else { ReminderBy::Display } })
    }
}

/// What an activity says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActivitySays {
    /// One line.
    pub title: String,
    /// Where.
    pub place: Option<String>,
    /// Plain text.
    pub description: Option<String>,
    /// How it stands.
    pub status: Status,
    /// Who may see what it is about.
    pub privacy: Privacy,
    /// 1, the highest, to 9.
    pub priority: Option<u8>,
    /// How much of a task is done, 0 to 100.
    pub percent: Option<u8>,
    /// When a task was done.
    pub completed: Option<Instant>,
    /// Where an online meeting is joined.
    pub join_url: Option<String>,
    /// When it begins.
    pub start: Option<When>,
    /// When it ends; of whole days the last one; of a task when it is due.
    pub end: Option<When>,
    /// Rules by which it recurs (RFC 5545, section 3.3.10).
    pub rules: Vec<String>,
    /// Further times at which it begins.
    pub further: Vec<When>,
    /// Who organizes it, by address; of a task whose it is.
    pub organizer: Option<String>,
    /// Who takes part.
    pub participants: Vec<Participant>,
}

impl From<&Activity> for ActivitySays {
    fn from(activity: &Activity) -> Self {
        let content = &activity.content;
        let is_task = activity.kind == postrider_model::ActivityKind::Task;
        let end = activity.timing.end.as_ref().map(|end| match end {
            Moment::Day(day) if !is_task => last_day(*day),
            end => When::from(end),
        });
        let participant = |one: &postrider_model::Participant| Participant {
            email: one.person.email.clone(),
            name: one.person.name.clone(),
            role: one.role.into(),
            response: one.response.into(),
        };
        Self {
            title: content.title.clone(),
            place: content.place.clone(),
            description: content.description.clone(),
            status: content.status.into(),
            privacy: content.privacy.into(),
            priority: content.priority,
            percent: content.percent,
            completed: content.completed.and_then(Instant::of),
            join_url: content.join_url.clone(),
            start: activity.timing.start.as_ref().map(When::from),
            end,
            rules: activity.timing.rules.clone(),
            further: activity.timing.further.iter().map(When::from).collect(),
            organizer: activity.people.organizer.as_ref().map(|one| one.email.clone()),
            participants: activity.people.participants.iter().map(participant).collect(),
        }
    }
}

fn last_day(end: NaiveDate) -> When {
    When { at: end.checked_sub_days(Days::new(1)).unwrap_or(end).to_string(), zone: None }
}

/// What one user has of an activity for themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnSays {
    /// What they answered; null where nobody asks them.
    pub response: Option<Response>,
    /// When they are reminded.
    pub reminders: Vec<Reminder>,
    /// How their time shows.
    pub show_as: ShowAs,
    /// Their words for it.
    pub categories: Vec<String>,
}

impl From<Own> for OwnSays {
    fn from(own: Own) -> Self {
        Self {
            response: own.response.map(Response::from),
            reminders: own.reminders.into_iter().map(Reminder::from).collect(),
            show_as: own.show_as.into(),
            categories: own.categories,
        }
    }
}

/// What is to be different of an activity: null leaves a field as it is, an empty text or list takes it away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ActivityFields {
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
    /// 1, the highest, to 9; 0 for none.
    #[serde(deserialize_with = "whole_or_null")]
    pub priority: Option<u8>,
    /// How much of a task is done, 0 to 100.
    #[serde(deserialize_with = "whole_or_null")]
    pub percent: Option<u8>,
    /// Where an online meeting is joined.
    pub join_url: Option<String>,
    /// When it begins: `2026-12-01`, `2026-12-01T10:00`, with `Z` behind it for UTC.
    pub start: Option<String>,
    /// When it ends; of whole days the last one; of a task when it is due.
    pub end: Option<String>,
    /// How long it takes in seconds, in place of an end.
    #[serde(deserialize_with = "whole_or_null")]
    pub duration_s: Option<u32>,
    /// The place whose clocks tell its times: the name of a time zone; empty for wherever one is. Where nothing is said the one that it has,
    /// else that of the settings.
    pub zone: Option<String>,
    /// Rules by which it recurs (RFC 5545, section 3.3.10).
    pub rules: Option<Vec<String>>,
    /// All who are asked to take part, the organizer left aside.
    pub participants: Option<Vec<Asked>>,
    /// When the caller is reminded.
    pub reminders: Option<Vec<Reminder>>,
    /// How the caller's time shows.
    pub show_as: Option<ShowAs>,
    /// The caller's words for it.
    pub categories: Option<Vec<String>>,
    /// Whether it shows in the schedule.
    pub in_schedule: Option<bool>,
    /// Who sees it besides those who take part: `private`, `all`, or `role:NAME`.
    pub visibility: Option<String>,
}

impl ActivityFields {
    /// What they say is to be different.
    ///
    /// # Errors
    /// A reminder or a visibility that is none.
    pub fn changes(self) -> Result<ActivityChanges, Fault> {
        let asked = |one: Asked| {
            let role = one.role.map_or(ParticipantRole::Required, ParticipantRole::from);
            (ModelPerson { email: one.email, name: one.name.filter(|name| !name.is_empty()) }, role)
        };
        let reminders =
            self.reminders.map(|all| all.into_iter().map(Reminder::read).collect::<Result<Vec<_>, _>>());
        Ok(ActivityChanges {
            title: self.title,
            place: self.place,
            description: self.description,
            status: self.status.map(ModelStatus::from),
            privacy: self.privacy.map(ModelPrivacy::from),
            priority: self.priority,
            percent: self.percent,
            join_url: self.join_url,
            when: WhenChange {
                start: self.start,
                end: self.end,
                duration: self.duration_s.map(|seconds| Duration::from_secs(seconds.into())),
                zone: self.zone,
                rules: self.rules,
            },
            participants: self.participants.map(|all| all.into_iter().map(asked).collect()),
            reminders: reminders.transpose()?,
            show_as: self.show_as.map(ModelShowAs::from),
            categories: self.categories,
            in_schedule: self.in_schedule,
            visibility: self.visibility.as_deref().map(visibility).transpose()?,
        })
    }
}

/// How much of a series is meant; all of it where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Extent {
    /// The time on that day: `2026-12-01`, or `2026-12-01 10:00` where there are several.
    pub occurrence: Option<String>,
    /// And all that follow.
    pub following: bool,
}

impl From<Extent> for ServiceExtent {
    fn from(extent: Extent) -> Self {
        match (extent.occurrence, extent.following) {
            (None, _) => Self::Whole,
            (Some(occurrence), false) => Self::One(occurrence),
            (Some(occurrence), true) => Self::Following(occurrence),
        }
    }
}

/// By when a time of a series would have begun.
pub(super) fn occurrence_text(occurrence: Occurrence) -> String {
    match occurrence {
        Occurrence::Day(day) => day.to_string(),
        Occurrence::At(at) => Instant::of(at).map(|at| at.0).unwrap_or_default(),
    }
}
