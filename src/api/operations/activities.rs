//! Activities: listed when they take place, shown, made, changed, called off, answered, imported, exported; when people have no time.

use postrider_model::{ActivityKind, ErrorClass, Fault, Timestamp};
use postrider_store::RecordRow;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    activity_fields::{ActivityFields, ActivitySays, Extent, OwnSays, Response, Status, occurrence_text},
    contacts::hundred,
};
use crate::{
    api::{
        ActivityId, Base64, Instant, MessageId, Method, Octets, Operation, fields::whole,
        fields::whole_or_null,
    },
    service::{self, ActivityQuery, Caller, ListedActivity, Service},
};

/// What an activity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It takes place.
    Appointment,
    /// It is to be done.
    Task,
}

impl From<ActivityKind> for Kind {
    fn from(kind: ActivityKind) -> Self {
        match kind {
            ActivityKind::Appointment => Self::Appointment,
            ActivityKind::Task => Self::Task,
        }
    }
}

impl From<Kind> for ActivityKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Appointment => Self::Appointment,
            Kind::Task => Self::Task,
        }
    }
}

/// A time at which an activity takes place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ActivityPlaced")]
pub struct Placed {
    /// The activity; of a time that differs from its series, the series.
    pub id: ActivityId,
    /// What differs from the series has an id of its own.
    pub differing: Option<ActivityId>,
    /// What it is.
    pub kind: Kind,
    /// When it begins; null for a task without any time.
    pub start: Option<Instant>,
    /// When it is over.
    pub end: Option<Instant>,
    /// When it begins, as the clocks of the house show it: `2026-12-01 10:00`, of whole days `2026-12-01`.
    pub starts: String,
    /// When it is over, in the same way; of whole days the last one.
    pub ends: String,
    /// Whether it takes whole days.
    pub all_day: bool,
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
    pub hidden: bool,
}

impl Placed {
    fn new(service: &Service, one: ListedActivity) -> Self {
        let shown =
            |at: Option<Timestamp>, is_end: bool| at.map(|at| clock(service, at, one.is_all_day, is_end));
        Self {
            starts: shown(one.start, false).unwrap_or_default(),
            ends: shown(one.end, true).unwrap_or_default(),
            id: one.id.into(),
            differing: one.differing.map(ActivityId::from),
            kind: one.kind.into(),
            start: one.start.and_then(Instant::of),
            end: one.end.and_then(Instant::of),
            all_day: one.is_all_day,
            recurs: one.recurs,
            title: one.title,
            place: one.place,
            status: one.status.into(),
            organizer: one.organizer,
            response: one.response.map(Response::from),
            join_url: one.join_url,
            in_schedule: one.in_schedule,
            owner: one.owner,
            hidden: one.is_hidden,
        }
    }
}

/// What the clocks of the house show; of whole days the day, the last one at an end.
fn clock(service: &Service, at: Timestamp, is_all_day: bool, is_end: bool) -> String {
    let back = if is_all_day && is_end { 1 } else { 0 };
    let local = Timestamp::from_seconds(at.seconds() + i64::from(service.offset_s(at)) - back);
    let shown = Instant::of(local).map(|at| at.minute()).unwrap_or_default();
    if is_all_day { shown.chars().take(10).collect() } else { shown }
}

/// When activities take place, by their beginnings.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ListActivities")]
pub struct List {
    /// Words that are in it, or that words in it begin with; empty for all.
    #[serde(default)]
    pub query: String,
    /// From that day on: `2026-12-01`; from now on where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Up to that day, which is no more part of it; for 31 days where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Only of that kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Only with that person, by address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
    /// Only in that group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What was deleted and can be restored, each once, whenever it is.
    #[serde(default)]
    pub deleted: bool,
    /// At most so many.
    #[serde(default = "hundred")]
    pub limit: u32,
}

/// What was found.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ActivitiesListed")]
pub struct Listed {
    /// By their beginnings; tasks without any time at the end.
    pub activities: Vec<Placed>,
    /// What could not be looked at whole, in words.
    pub remarks: Vec<String>,
}

impl Operation for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/activities";
    const SUMMARY: &'static str = "List when activities take place";
    type Answer = Listed;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Listed, Fault> {
        let query = ActivityQuery {
            words: self.query,
            from: self.from.map(|day| service.day(&day)).transpose()?,
            to: self.to.map(|day| service.day(&day)).transpose()?,
            kind: self.kind.map(ActivityKind::from),
            with: self.with.map(|with| vec![with]),
            group: self.group,
            deleted: self.deleted,
            limit: self.limit,
        };
        let listed = service.activities(caller, &query)?;
        let activities = listed.activities.into_iter().map(|one| Placed::new(service, one)).collect();
        Ok(Listed { activities, remarks: listed.remarks })
    }
}

/// A time that differs from its series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Differing {
    /// Its id.
    pub id: ActivityId,
    /// By when it would have begun.
    pub occurrence: String,
    /// What it says.
    pub says: ActivitySays,
}

/// An activity whole.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ActivityDetails {
    /// Its id.
    pub id: ActivityId,
    /// What it is.
    pub kind: Kind,
    /// By which servers and programs know it.
    pub uid: String,
    /// The series that it is a time of.
    pub series: Option<ActivityId>,
    /// By when that time would have begun.
    pub occurrence: Option<String>,
    /// What all share.
    pub says: ActivitySays,
    /// What the caller has of it alone.
    pub own: OwnSays,
    /// Times that differ from it.
    pub differing: Vec<Differing>,
    /// Its groups.
    pub groups: Vec<String>,
    /// Whether it shows in the schedule.
    pub in_schedule: bool,
    /// Whose it is.
    pub owner: String,
    /// Who sees it besides those who take part: `private`, `all`, or `role:NAME`.
    pub visibility: String,
    /// How often it changed, from 1.
    #[serde(deserialize_with = "whole")]
    pub rev: u64,
    /// When a person last changed it.
    pub changed: Option<Instant>,
    /// Since when it is deleted here.
    pub deleted: Option<Instant>,
    /// Whether the caller may see no more than when it is.
    pub hidden: bool,
}

impl From<service::ActivityDetails> for ActivityDetails {
    fn from(details: service::ActivityDetails) -> Self {
        let service::ActivityDetails { stored, activity, own, differing, is_hidden } = details;
        let RecordRow { owner, visibility, rev, changed, deleted, .. } = stored.record;
        let differing = differing.into_iter().map(|(id, activity)| Differing {
            id: id.into(),
            occurrence: activity.occurrence.map(occurrence_text).unwrap_or_default(),
            says: (&activity).into(),
        });
        Self {
            id: stored.id.into(),
            kind: stored.doc.kind.into(),
            uid: stored.doc.uid,
            series: stored.master.map(ActivityId::from),
            occurrence: stored.doc.occurrence.map(occurrence_text),
            says: (&activity).into(),
            own: own.into(),
            differing: differing.collect(),
            groups: stored.labels.into_iter().filter(|_| !is_hidden).map(|label| label.name).collect(),
            in_schedule: stored.in_schedule,
            owner,
            visibility: visibility.to_string(),
            rev,
            changed: Instant::of(changed),
            deleted: deleted.and_then(Instant::of),
            hidden: is_hidden,
        }
    }
}

/// One activity.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ShowActivity")]
pub struct Show {
    /// Its id.
    pub id: ActivityId,
}

impl Operation for Show {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/activities/show";
    const SUMMARY: &'static str = "Show one activity";
    type Answer = ActivityDetails;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<ActivityDetails, Fault> {
        Ok(service.activity(caller, self.id.0)?.into())
    }
}

/// An activity to be made.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AddActivity")]
pub struct Add {
    /// What it is.
    pub kind: Kind,
    /// What it says.
    pub fields: ActivityFields,
    /// The address under which the caller organizes it, where others take part; the first of theirs where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organizer: Option<String>,
    /// Mail those who are asked to take part and are no users of the house.
    #[serde(default)]
    pub notify: bool,
}

impl Operation for Add {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/activities/add";
    const SUMMARY: &'static str = "Make an appointment or a task";
    type Answer = ActivityDetails;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<ActivityDetails, Fault> {
        let fields = self.fields.changes()?;
        let new = service::NewActivity { kind: self.kind.into(), fields, organizer: self.organizer };
        let notice = match self.notify {
            true => Some(service.notice_of_new(caller, new.organizer.as_deref())?),
            false => None,
        };
        let id = service.add_activity(caller, &new)?;
        if let Some(notice) = notice {
            service.tell_participants(caller, id, &notice)?;
        }
        Ok(service.activity(caller, id)?.into())
    }
}

/// What is to be different of an activity.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EditActivity")]
pub struct Edit {
    /// Its id.
    pub id: ActivityId,
    /// How much of a series.
    #[serde(default)]
    pub extent: Extent,
    /// Only where it is still what it was at that number.
    #[serde(default, deserialize_with = "whole_or_null", skip_serializing_if = "Option::is_none")]
    pub rev: Option<u64>,
    /// What is to be different.
    #[serde(default)]
    pub fields: ActivityFields,
    /// Mail those who take part, or do so no more, and are no users of the house.
    #[serde(default)]
    pub notify: bool,
}

impl Operation for Edit {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/activities/edit";
    const SUMMARY: &'static str = "Change an activity, one time of a series, or a time and all that follow";
    type Answer = ActivityDetails;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<ActivityDetails, Fault> {
        let changes = self.fields.changes()?;
        let tells = self.notify && changes.is_shared();
        let notice = tells.then(|| service.notice(caller, self.id.0)).transpose()?;
        let id = service.edit_activity(caller, self.id.0, &self.extent.into(), &changes, self.rev)?;
        if let Some(notice) = notice {
            service.tell_participants(caller, id, &notice)?;
        }
        Ok(service.activity(caller, id)?.into())
    }
}

/// An activity to be called off.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CancelActivity")]
pub struct Cancel {
    /// Its id.
    pub id: ActivityId,
    /// How much of a series.
    #[serde(default)]
    pub extent: Extent,
    /// Mail those who take part and are no users of the house.
    #[serde(default)]
    pub notify: bool,
}

/// What was called off, answered, or brought back.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ActivityDone")]
pub struct Done {
    /// The activity; of one time of a series the one that differs from it now.
    pub id: ActivityId,
}

impl Operation for Cancel {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/activities/cancel";
    const SUMMARY: &'static str =
        "Call an activity off; what is one's own alone is deleted and can be restored";
    type Answer = Done;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Done, Fault> {
        let notice = self.notify.then(|| service.notice(caller, self.id.0)).transpose()?;
        let id = service.cancel_activity(caller, self.id.0, &self.extent.into())?;
        if let Some(notice) = notice {
            service.tell_participants(caller, id, &notice)?;
        }
        Ok(Done { id: id.into() })
    }
}

/// An activity to be brought back.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RestoreActivity")]
pub struct Restore {
    /// Its id.
    pub id: ActivityId,
}

impl Operation for Restore {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/activities/restore";
    const SUMMARY: &'static str = "Bring a deleted activity back";
    type Answer = Done;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Done, Fault> {
        service.restore_activities(caller, &[self.id.0])?;
        Ok(Done { id: self.id })
    }
}

/// An answer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RespondToActivity")]
pub struct Respond {
    /// The activity.
    pub id: ActivityId,
    /// How much of a series.
    #[serde(default)]
    pub extent: Extent,
    /// What is answered.
    pub response: Response,
    /// Mail it to the organizer, where that is no user of the house.
    #[serde(default)]
    pub notify: bool,
}

impl Operation for Respond {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/activities/respond";
    const SUMMARY: &'static str = "Note what the caller answers";
    type Answer = Done;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Done, Fault> {
        let (extent, response) = (self.extent.into(), self.response.into());
        let id = match self.notify {
            true => service.respond_and_mail(caller, self.id.0, &extent, response)?.0,
            false => service.respond(caller, self.id.0, &extent, response)?,
        };
        Ok(Done { id: id.into() })
    }
}

/// What a message wants with activities.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ShowInvitations")]
pub struct Invitations {
    /// The message.
    pub message: MessageId,
}

/// What a message wants with one activity.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Invitation {
    /// `REQUEST`, `REPLY`, `CANCEL` and so on.
    pub method: String,
    /// What it is about, as the message has it.
    pub says: ActivitySays,
    /// Which time of a series it is about.
    pub occurrence: Option<String>,
    /// The activity that it is here.
    pub known: Option<ActivityId>,
    /// What may become of it: `add`, `change`, `cancel`, `answer`; null where it can do nothing.
    pub offer: Option<String>,
    /// In a sentence: what may become of it, or why nothing.
    pub in_words: String,
}

impl From<service::Invitation> for Invitation {
    fn from(one: service::Invitation) -> Self {
        Self {
            method: one.method,
            says: (&one.activity).into(),
            occurrence: one.activity.occurrence.map(occurrence_text),
            known: one.known.map(ActivityId::from),
            offer: one.offer.map(str::to_owned),
            in_words: one.in_words,
        }
    }
}

impl Operation for Invitations {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/activities/invitations";
    const SUMMARY: &'static str =
        "What a message wants with activities: an invitation, a change, a cancellation, an answer";
    type Answer = Vec<Invitation>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<Invitation>, Fault> {
        Ok(service.invitations(caller, self.message.0)?.into_iter().map(Invitation::from).collect())
    }
}

/// A message whose invitation, change, cancellation or answer is to be taken in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AcceptInvitations")]
pub struct Accept {
    /// The message.
    pub message: MessageId,
}

impl Operation for Accept {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/activities/accept";
    const SUMMARY: &'static str = "Take in what a message offers; nobody is mailed";
    type Answer = Vec<ActivityId>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<ActivityId>, Fault> {
        let done = service.accept_invitations(caller, self.message.0)?;
        Ok(done.into_iter().map(ActivityId::from).collect())
    }
}

/// When people have no time.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FreeBusy {
    /// Users by name, anybody by address.
    pub people: Vec<String>,
    /// From that day on: `2026-12-01`.
    pub from: String,
    /// Up to that day, which is no more part of it.
    pub to: String,
}

/// A time that somebody has given away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BusyTime {
    /// When it begins.
    pub start: Option<Instant>,
    /// When it is over.
    pub end: Option<Instant>,
    /// When it begins, as the clocks of the house show it.
    pub starts: String,
    /// When it is over, in the same way.
    pub ends: String,
}

/// When one person has no time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BusyPerson {
    /// As they were asked for.
    pub who: String,
    /// Whether it is a user of this house, of whom all is known; of others only what the caller sees.
    pub is_user: bool,
    /// Their times, ascending, each apart from the next.
    pub busy: Vec<BusyTime>,
}

impl Operation for FreeBusy {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/activities/freebusy";
    const SUMMARY: &'static str = "When people have no time";
    type Answer = Vec<BusyPerson>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<BusyPerson>, Fault> {
        let span = (service.day(&self.from)?, service.day(&self.to)?);
        let people = service.free_busy(caller, &self.people, span)?;
        let time = |one: service::Busy| BusyTime {
            start: Instant::of(one.start),
            end: Instant::of(one.end),
            starts: clock(service, one.start, false, false),
            ends: clock(service, one.end, false, true),
        };
        let person = |one: service::BusyPerson| BusyPerson {
            who: one.who,
            is_user: one.is_user,
            busy: one.busy.into_iter().map(time).collect(),
        };
        Ok(people.into_iter().map(person).collect())
    }
}

/// A file of iCalendar to be taken in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ImportActivities")]
pub struct Import {
    /// The file.
    pub file: Base64,
    /// Whose activities they become; the caller's where nobody is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// What an import did.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ImportedActivities")]
pub struct Imported {
    /// Activities that are new; times that differ from their series go with it.
    pub added: Vec<ActivityId>,
    /// Activities that were here and say something else now.
    pub changed: Vec<ActivityId>,
    /// Activities that were here and say what they said.
    #[serde(deserialize_with = "whole")]
    pub unchanged: u64,
    /// What could not be taken, in words.
    pub remarks: Vec<String>,
}

impl Operation for Import {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/activities/import";
    const SUMMARY: &'static str = "Take the appointments and tasks of an iCalendar file in";
    const IS_LARGE: bool = true;
    type Answer = Imported;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Imported, Fault> {
        let done = service.import_activities(caller, &self.file.0, self.user.as_deref())?;
        let ids = |ids: Vec<postrider_model::ActivityId>| ids.into_iter().map(ActivityId::from).collect();
        Ok(Imported {
            added: ids(done.added),
            changed: ids(done.changed),
            unchanged: done.unchanged,
            remarks: done.remarks,
        })
    }
}

/// The activities as one iCalendar file.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ExportActivities")]
pub struct Export {
    /// Only the own ones.
    #[serde(default)]
    pub mine: bool,
}

impl Operation for Export {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/activities/calendar";
    const SUMMARY: &'static str = "Activities as an iCalendar file";
    type Answer = Octets;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Octets, Fault> {
        Ok(Octets(service.calendar_file(caller, self.mine)?.into_bytes()))
    }
}

/// Which day it is where the clocks of the house are.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Today {}

/// A day.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Day {
    /// `2026-12-01`.
    pub day: String,
}

impl Operation for Today {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/activities/today";
    const SUMMARY: &'static str = "Which day it is where the clocks of the house are";
    type Answer = Day;

    async fn perform(self, service: &mut Service, _: &Caller) -> Result<Day, Fault> {
        let now = service.now();
        Ok(Day { day: clock(service, now, true, false) })
    }
}

/// A day as a person writes it.
///
/// # Errors
/// What is no day.
pub(crate) fn day_of(text: &str) -> Result<chrono::NaiveDate, Fault> {
    chrono::NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").map_err(|_| {
        Fault::new(
            ErrorClass::Config,
            "read a day",
            format!("found {text:?}, expected one such as 2026-12-01"),
        )
    })
}
