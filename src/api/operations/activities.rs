//! Activities: listed when they take place, shown, made, changed, called off, answered, imported, exported; when people have no time.

use postrider_model::{ActivityKind, Fault, Timestamp};
use postrider_store::RecordRow;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    activity_fields::{ActivityFields, ActivitySays, Extent, OwnSays, Response, Status, occurrence_text},
    contacts::hundred,
};
use crate::{
    api::{ActivityId, Instant, Method, Operation, fields::whole, fields::whole_or_null},
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
pub(super) fn clock(service: &Service, at: Timestamp, is_all_day: bool, is_end: bool) -> String {
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
    /// Tell those who are asked to take part: by the server that carries it, else by mail those who are no users of the house.
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
        let id = match self.notify {
            true => service.add_activity_and_tell(caller, &new)?,
            false => service.add_activity(caller, &new)?,
        };
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
    /// Tell those who take part, or do so no more: by the server that carries it, else by mail those who are no users of the house.
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
        let extent = self.extent.into();
        let id = match tells {
            true => service.edit_activity_and_tell(caller, self.id.0, &extent, &changes, self.rev)?,
            false => service.edit_activity(caller, self.id.0, &extent, &changes, self.rev)?,
        };
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
    /// Tell those who take part: by the server that carries it, else by mail those who are no users of the house.
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
        let extent = self.extent.into();
        let id = match self.notify {
            true => service.cancel_activity_and_tell(caller, self.id.0, &extent)?,
            false => service.cancel_activity(caller, self.id.0, &extent)?,
        };
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
    /// Tell the organizer: by the server that has the caller's copy, else by mail where they are no user of the house.
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
