//! Appointments and tasks (F4.1): what all who take part share, and what each has for themselves.
//!
//! An occurrence of a series that differs from it is an [`Activity`] of its own, with the series' uid and its [`Occurrence`]. One that
//! was taken out of the series (`EXDATE`, a deleted occurrence) is one that is [`Status::Cancelled`].

use chrono::{NaiveDate, NaiveDateTime};
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What all who take part in an activity share, as its organizer says it. The fields come in the groups by which two changes are
/// merged (F5.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// What it is.
    pub kind: ActivityKind,
    /// By which every server and program knows it again (`UID`, RFC 5545, section 3.8.4.7).
    pub uid: String,
    /// Which time of a series this is; `None` for a series, and for what does not recur.
    pub occurrence: Option<Occurrence>,
    /// How often the organizer changed what matters (`SEQUENCE`, RFC 5545, section 3.8.7.4).
    pub sequence: u32,
    /// What it is about.
    pub content: Content,
    /// When it is.
    pub timing: Timing,
    /// Who takes part.
    pub people: People,
}

/// What an activity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActivityKind {
    /// It takes place (`VEVENT`).
    Appointment,
    /// It is to be done (`VTODO`).
    Task,
}

/// Which time of a series: by when it would have begun (`RECURRENCE-ID`, RFC 5545, section 3.8.4.4). It stays the same however often that
/// time is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Occurrence {
    /// Of a series of whole days.
    Day(NaiveDate),
    /// Of a series that begins at times. Where these are meant wherever one is, it is what clocks show, told as if it were UTC: it is to
    /// be the same on every machine.
    At(Timestamp),
}

/// What an activity is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// One line (`SUMMARY`).
    pub title: String,
    /// Where (`LOCATION`).
    pub place: Option<String>,
    /// `DESCRIPTION`, as plain text.
    pub description: Option<String>,
    /// How it stands.
    pub status: Status,
    /// Who may see what it is about.
    pub privacy: Privacy,
    /// 1, the highest, to 9, the lowest (`PRIORITY`, RFC 5545, section 3.8.1.9).
    pub priority: Option<u8>,
    /// How much of a task is done, 0 to 100.
    pub percent: Option<u8>,
    /// When a task was done.
    pub completed: Option<Timestamp>,
    /// Where an online meeting is joined (`CONFERENCE`, RFC 7986, section 5.11), an address of the web.
    pub join_url: Option<String>,
}

/// How an activity stands (`STATUS`, RFC 5545, section 3.8.1.11; of tasks as Exchange's `Status` besides).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Nothing is said, or that it takes place. A task: nothing was done yet.
    #[default]
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

/// Who may see what an activity is about (`CLASS`, RFC 5545, section 3.8.1.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Privacy {
    /// Whoever may see the calendar, or nothing is said.
    #[default]
    Normal,
    /// Others see only that there is something.
    Private,
    /// As private, and not to be told of.
    Confidential,
}

/// When an activity is, and when again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// When it begins. An appointment without it cannot be placed; a task needs none.
    pub start: Option<Moment>,
    /// When an appointment ends, which is no more part of it: the last day of a whole-day one is the day before. When a task is due.
    pub end: Option<Moment>,
    /// Values of `RRULE` (RFC 5545, section 3.3.10); none for what does not recur.
    pub rules: Vec<String>,
    /// Further times at which it begins (`RDATE`), sorted, each once.
    pub further: Vec<Moment>,
}

/// A day, or a time as clocks show it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Moment {
    /// A whole day, wherever one is.
    Day(NaiveDate),
    /// A time as the clocks of a place show it.
    At {
        /// What they show.
        local: NaiveDateTime,
        /// The place: a name of the IANA database, such as `Europe/Moscow`; `UTC` for a time told in UTC. `None` for a time that is meant
        /// wherever one is (RFC 5545, section 3.3.5, form 1).
        zone: Option<String>,
    },
}

/// Who takes part in an activity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct People {
    /// Whose word counts; of a task its owner. `None` where nobody else takes part and nobody is named.
    pub organizer: Option<Person>,
    /// All who were asked to take part, in the order in which they were named.
    pub participants: Vec<Participant>,
}

/// Somebody by address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The address, as it was written.
    pub email: String,
    /// The name beside it (`CN`).
    pub name: Option<String>,
}

/// Somebody who was asked to take part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Who.
    pub person: Person,
    /// As what.
    pub role: ParticipantRole,
    /// What they answered.
    pub response: Response,
    /// When they answered, where it is told.
    pub responded: Option<Timestamp>,
}

/// As what somebody takes part (`ROLE` and `CUTYPE`, RFC 5545, sections 3.2.16 and 3.2.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParticipantRole {
    /// They are needed.
    #[default]
    Required,
    /// They may come.
    Optional,
    /// They are only told of it.
    Informed,
    /// A room or a thing.
    Resource,
}

/// What somebody answered (`PARTSTAT`, RFC 5545, section 3.2.12).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Response {
    /// Nothing yet.
    #[default]
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

/// What one user has of an activity for themselves: nobody else sees it, and no organizer changes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Own {
    /// What they answered; `None` where nobody asks them. No calendar says whose it is: there it is the answer of one of the
    /// participants.
    pub response: Option<Response>,
    /// When they want to be reminded, in the order in which it was written.
    pub reminders: Vec<Reminder>,
    /// How their time shows to others.
    pub show_as: ShowAs,
    /// Their words for it (`CATEGORIES`).
    pub categories: Vec<String>,
}

/// When somebody wants to be reminded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminder {
    /// When.
    pub at: ReminderTime,
    /// How.
    pub by: ReminderBy,
}

/// When a reminder comes (`TRIGGER`, RFC 5545, section 3.8.6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReminderTime {
    /// So many seconds before it begins; negative after that.
    BeforeStart(i64),
    /// So many seconds before it ends, or is due; negative after that.
    BeforeEnd(i64),
    /// Then.
    At(Timestamp),
}

/// How a reminder comes (`ACTION`, RFC 5545, section 3.8.6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReminderBy {
    /// It is shown.
    Display,
    /// By mail.
    Email,
}

/// How somebody's time shows to others (`TRANSP`, RFC 5545, section 3.8.2.7; `X-MICROSOFT-CDO-BUSYSTATUS`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShowAs {
    /// Taken.
    #[default]
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

impl Activity {
    /// An empty one of that kind.
    pub fn new(kind: ActivityKind, uid: impl Into<String>) -> Self {
        Self {
            kind,
            uid: uid.into(),
            occurrence: None,
            sequence: 0,
            content: Content::default(),
            timing: Timing::default(),
            people: People::default(),
        }
    }

    /// Whether it is a series.
    pub fn recurs(&self) -> bool {
        !self.timing.rules.is_empty() || !self.timing.further.is_empty()
    }

    /// Whether it takes whole days, or is due on one.
    pub fn is_all_day(&self) -> bool {
        matches!(self.timing.start.as_ref().or(self.timing.end.as_ref()), Some(Moment::Day(_)))
    }
}

impl Person {
    /// Whether both mean the same address. Case is no difference: no server that is in use makes one, not even before the `@`.
    pub fn is(&self, email: &str) -> bool {
        self.email.eq_ignore_ascii_case(email)
    }
}
