//! Calendars and task lists of accounts: listed, made, changed.

use postrider_model::{CollectionKind, ErrorClass, Fault};
use postrider_remote::Access;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{Method, Operation},
    service::{CalendarChange, CalendarName, CalendarView, Caller, Service},
};

/// What an account may do in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "CalendarAccess")]
pub enum CalendarAccess {
    /// See when somebody is busy, and nothing else.
    #[serde(rename = "busy")]
    FreeBusy,
    /// See what is there.
    Read,
    /// Change it.
    Write,
}

impl From<Access> for CalendarAccess {
    fn from(access: Access) -> Self {
        match access {
            Access::FreeBusy => Self::FreeBusy,
            Access::Read => Self::Read,
            Access::Write => Self::Write,
        }
    }
}

/// A calendar or a task list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Calendar {
    /// The account.
    pub account: String,
    /// Its name.
    pub name: String,
    /// Whether it holds tasks; else appointments.
    pub is_task_list: bool,
    /// What the account may do there.
    pub access: CalendarAccess,
    /// Whether the server takes it where none is named.
    pub is_default: bool,
    /// Whether what is there comes in.
    pub comes_in: bool,
    /// Whether what is made here goes out there.
    pub goes_out: bool,
}

impl From<CalendarView> for Calendar {
    fn from(view: CalendarView) -> Self {
        Self {
            account: view.account,
            name: view.name,
            is_task_list: view.kind == CollectionKind::TaskList,
            access: view.access.into(),
            is_default: view.is_default,
            comes_in: view.comes_in,
            goes_out: view.goes_out,
        }
    }
}

const fn kind(is_task_list: bool) -> CollectionKind {
    if is_task_list { CollectionKind::TaskList } else { CollectionKind::Calendar }
}

/// The calendars and task lists that servers have.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ListCalendars")]
pub struct List {
    /// Only of this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

impl Operation for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/calendars";
    const SUMMARY: &'static str = "List the calendars and task lists that servers have";
    type Answer = Vec<Calendar>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<Calendar>, Fault> {
        let calendars = service.calendars(caller, self.account.as_deref()).await?;
        Ok(calendars.into_iter().map(Calendar::from).collect())
    }
}

/// A calendar or a task list to be made on a server.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CreateCalendar")]
pub struct Create {
    /// The account.
    pub account: String,
    /// Its name.
    pub name: String,
    /// Make a task list.
    #[serde(default)]
    pub task_list: bool,
}

impl Operation for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/calendars/create";
    const SUMMARY: &'static str = "Make a calendar or a task list on a server";
    const NEEDS_SYNCER: bool = true;
    type Answer = Calendar;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Calendar, Fault> {
        let new = CalendarName { account: self.account, kind: kind(self.task_list), name: self.name };
        service.create_calendar(caller, &new).await.map(Calendar::from)
    }
}

/// A calendar or a task list to be changed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EditCalendar")]
pub struct Edit {
    /// The account.
    pub account: String,
    /// Its name.
    pub name: String,
    /// A task list is meant.
    #[serde(default)]
    pub task_list: bool,
    /// Its new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_name: Option<String>,
    /// Whether what is there is to come in, of an account that was added by command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comes_in: Option<bool>,
}

impl Operation for Edit {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/calendars/edit";
    const SUMMARY: &'static str = "Rename a calendar or a task list, and say whether it comes in";
    const NEEDS_SYNCER: bool = true;
    type Answer = Calendar;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Calendar, Fault> {
        let change = CalendarChange { name: self.new_name, comes_in: self.comes_in };
        if change == CalendarChange::default() {
            let cause = "nothing is said of what is to be different";
            return Err(Fault::new(ErrorClass::Config, format!("change calendar {}", self.name), cause));
        }
        let which = CalendarName { account: self.account, kind: kind(self.task_list), name: self.name };
        service.edit_calendar(caller, &which, &change).await.map(Calendar::from)
    }
}
