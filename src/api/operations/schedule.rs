//! Activities as files of iCalendar; when people have no time; which day it is.

use postrider_model::{ErrorClass, Fault};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::activities::clock;
use crate::{
    api::{ActivityId, Base64, Instant, Method, Octets, Operation, fields::whole},
    service::{self, Caller, Service},
};

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
    /// Whether it is a user of this house, of whom all is known; of others only what the caller sees, and what a server tells.
    pub is_user: bool,
    /// The caller's account whose server was asked for them, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// Why that server does not tell, where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
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
        let people = service.free_busy_asking(caller, &self.people, span).await?;
        let time = |one: service::Busy| BusyTime {
            start: Instant::of(one.start),
            end: Instant::of(one.end),
            starts: clock(service, one.start, false, false),
            ends: clock(service, one.end, false, true),
        };
        let person = |one: service::BusyPerson| {
            let (asked, refused) = one.asked.map(|asked| (asked.account, asked.refused)).unzip();
            BusyPerson {
                who: one.who,
                is_user: one.is_user,
                asked,
                refused: refused.flatten(),
                busy: one.busy.into_iter().map(time).collect(),
            }
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
    /// Only those that this account has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

impl Operation for Export {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/activities/calendar";
    const SUMMARY: &'static str = "Activities as an iCalendar file";
    type Answer = Octets;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Octets, Fault> {
        let file = match &self.account {
            Some(account) => service.calendar_file_of_account(caller, account, self.mine)?,
            None => service.calendar_file(caller, self.mine)?,
        };
        Ok(Octets(file.into_bytes()))
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
