//! Runs: asked for, allowed, and the configuration read anew.

use std::sync::Arc;

use postrider_model::{AccountStatus, ActivityCounts, ContactCounts, Fault, HeldReport, MailCounts};
use postrider_store::Side;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::{
    api::{Method, Operation, Problem},
    service::{Caller, RunOutcome, RunRequest, Service},
    sync::{self, FolderChange, Silent},
};

/// A kind of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Mail.
    Mail,
    /// Contacts.
    Contacts,
    /// Appointments and tasks.
    Activities,
}

/// Accounts to be run once, each as soon as it is not running. The answer comes when all of them have run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sync {
    /// The accounts; all of them where none is named.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// Only these kinds; all of them where none is named.
    #[serde(default)]
    pub only: Vec<Kind>,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

impl Sync {
    /// What is to be run.
    pub fn request(self) -> RunRequest {
        RunRequest {
            mail: self.only.is_empty() || self.only.contains(&Kind::Mail),
            contacts: self.only.is_empty() || self.only.contains(&Kind::Contacts),
            activities: self.only.is_empty() || self.only.contains(&Kind::Activities),
            accounts: self.accounts,
            dry_run: self.dry_run,
            outbox_only: false,
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Ran {
    /// The report.
    pub report: RunReport,
    /// What was, or would be, done: one for each account of the report, in its order.
    pub plans: Vec<Plan>,
}

impl From<RunOutcome> for Ran {
    fn from(outcome: RunOutcome) -> Self {
        Self { report: outcome.report.into(), plans: outcome.plans.into_iter().map(Plan::from).collect() }
    }
}

/// One run over some accounts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RunReport {
    /// The run's id.
    pub run: String,
    /// One entry an account, in the order of their names.
    pub accounts: Vec<AccountReport>,
}

impl From<postrider_model::RunReport> for RunReport {
    fn from(report: postrider_model::RunReport) -> Self {
        Self {
            run: report.run.to_string(),
            accounts: report.accounts.into_iter().map(AccountReport::from).collect(),
        }
    }
}

/// What one account's run did.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct AccountReport {
    /// The account.
    pub account: String,
    /// How it ended.
    #[schemars(schema_with = "status_schema")]
    pub status: AccountStatus,
    /// Mail, where the account has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<Mail>,
    /// Contacts, where the account has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Contacts>,
    /// Appointments and tasks, where the account has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activities: Option<Activities>,
    /// Records whose two sides had both changed.
    pub conflicts: u64,
    /// From the run's start to its end, in milliseconds.
    pub elapsed_ms: u64,
    /// Why it did not end well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// Plans that wait for a person's word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<HeldDeletions>,
    /// What a person should know though the run went well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

fn status_schema(_: &mut SchemaGenerator) -> Schema {
    use AccountStatus::{Busy, ConfigError, Failed, Held, LoginNeeded, Ok};
    let all = [Ok, Failed, LoginNeeded, Held, Busy, ConfigError];
    json_schema!({ "type": "string", "enum": all.map(AccountStatus::name) })
}

impl From<postrider_model::AccountReport> for AccountReport {
    fn from(report: postrider_model::AccountReport) -> Self {
        Self {
            account: report.account,
            status: report.status,
            mail: report.mail.map(Mail::from),
            contacts: report.contacts.map(Contacts::from),
            activities: report.activities.map(Activities::from),
            conflicts: report.conflicts,
            elapsed_ms: report.elapsed_ms,
            error: report.error.map(Problem::from),
            held: report.held.into_iter().map(HeldDeletions::from).collect(),
            warnings: report.warnings,
        }
    }
}

/// What happened to mail.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Mail {
    /// Folders looked at.
    pub folders: u64,
    /// Messages and flag changes that came in.
    pub pulled: u64,
    /// Changes that went out.
    pub pushed: u64,
    /// Messages that were deleted here because they are gone there.
    pub deleted: u64,
    /// Octets of messages that came in.
    pub bytes: u64,
    /// From the run's start until all was committed, in milliseconds.
    pub durable_ms: u64,
    /// From the run's start until all could be searched, in milliseconds.
    pub searchable_ms: u64,
}

impl From<MailCounts> for Mail {
    fn from(counts: MailCounts) -> Self {
        Self {
            folders: counts.folders,
            pulled: counts.pulled,
            pushed: counts.pushed,
            deleted: counts.deleted,
            bytes: counts.bytes,
            durable_ms: counts.durable_ms,
            searchable_ms: counts.searchable_ms,
        }
    }
}

/// What happened to contacts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Contacts {
    /// Contacts that came in, or say something else because of the server.
    pub pulled: u64,
    /// Changes that went out.
    pub pushed: u64,
    /// Contacts that are linked no more, or deleted on one side because they are on the other.
    pub unlinked: u64,
}

impl From<ContactCounts> for Contacts {
    fn from(counts: ContactCounts) -> Self {
        Self { pulled: counts.pulled, pushed: counts.pushed, unlinked: counts.unlinked }
    }
}

/// What happened to appointments and tasks.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Activities {
    /// Activities that came in, or say something else because of the server.
    pub pulled: u64,
    /// Changes that went out.
    pub pushed: u64,
    /// Activities that are deleted, cancelled, hidden or linked no more because they are on the other side.
    pub deleted: u64,
}

impl From<ActivityCounts> for Activities {
    fn from(counts: ActivityCounts) -> Self {
        Self { pulled: counts.pulled, pushed: counts.pushed, deleted: counts.deleted }
    }
}

/// What waits for a person's word: deletions, contacts that would be unlinked, activities that would be cancelled or unlinked.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct HeldDeletions {
    /// The plan's name, for `/v1/allow`.
    pub plan: String,
    /// The folder, address book, group, calendar or task list.
    pub folder: String,
    /// How many messages would be deleted, contacts unlinked or deleted, activities deleted, cancelled or unlinked.
    pub deletions: u64,
    /// Of how many.
    pub of: u64,
    /// Why they are held.
    pub why: String,
}

impl From<HeldReport> for HeldDeletions {
    fn from(held: HeldReport) -> Self {
        Self { plan: held.plan, folder: held.folder, deletions: held.deletions, of: held.of, why: held.why }
    }
}

/// What a run of an account would do.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// What happens to folders as such, a sentence each.
    pub folders: Vec<String>,
    /// Folders in which something changed.
    pub mail: Vec<FolderForecast>,
    /// What was done here and would be done on the server.
    pub out: OutForecast,
    /// What would be done about contacts, where the account has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contacts: Option<ContactForecast>,
    /// What would be done about appointments and tasks, where the account has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activities: Option<ActivityForecast>,
}

impl From<sync::Plan> for Plan {
    fn from(plan: sync::Plan) -> Self {
        Self {
            folders: plan.folders.iter().map(folder_words).collect(),
            mail: plan.mail.into_iter().map(FolderForecast::from).collect(),
            out: plan.out.into(),
            contacts: plan.contacts.map(ContactForecast::from),
            activities: plan.activities.map(ActivityForecast::from),
        }
    }
}

fn folder_words(change: &FolderChange) -> String {
    match change {
        FolderChange::New(name) => format!("new folder {name}"),
        FolderChange::Renamed(old, new) => format!("folder {old} is {new} now"),
        FolderChange::Thawed(name) => format!("folder {name} is followed again"),
        FolderChange::Frozen(name, why) => {
            format!("folder {name} is kept as it is and followed no more ({})", why.name())
        }
    }
}

/// What would happen to one folder's messages.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct FolderForecast {
    /// The folder.
    pub folder: String,
    /// Messages to be fetched.
    pub fetch: u64,
    /// Messages whose flags change.
    pub flags: u64,
    /// Messages known again after the server numbered them anew.
    pub known_again: u64,
    /// Messages that are gone there.
    pub delete: u64,
    /// Why the deletions would be held, where they would.
    pub held: Option<String>,
}

impl From<sync::FolderForecast> for FolderForecast {
    fn from(forecast: sync::FolderForecast) -> Self {
        Self {
            folder: forecast.folder,
            fetch: forecast.fetch,
            flags: forecast.flags,
            known_again: forecast.known_again,
            delete: forecast.delete,
            held: forecast.held.map(ToOwned::to_owned),
        }
    }
}

/// What would go out.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OutForecast {
    /// Messages whose flags, folder or being there would be changed.
    pub changes: u64,
    /// Messages that would be put into a folder.
    pub appends: u64,
    /// Messages that would be sent.
    pub sent: u64,
}

impl From<sync::OutForecast> for OutForecast {
    fn from(forecast: sync::OutForecast) -> Self {
        Self { changes: forecast.changes, appends: forecast.appends, sent: forecast.sent }
    }
}

/// What would be done about an account's contacts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ContactForecast {
    /// The contact group that would be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Contacts that would come in.
    pub add: u64,
    /// Contacts that would say something else.
    pub change: u64,
    /// Contacts that would be unlinked, or deleted on one side because they are on the other.
    pub unlink: u64,
    /// Changes that would go out.
    pub send: u64,
    /// What would wait for a person's word: how many contacts of which address book or group, and why.
    pub held: Vec<HeldForecast>,
}

/// What would wait for a person's word.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct HeldForecast {
    /// The address book, group, calendar or task list.
    pub book: String,
    /// How many contacts or activities would leave.
    pub count: u64,
    /// Why that would wait.
    pub why: String,
}

impl From<sync::HeldForecast> for HeldForecast {
    fn from(held: sync::HeldForecast) -> Self {
        Self { book: held.book, count: held.count, why: held.why }
    }
}

impl From<sync::ContactForecast> for ContactForecast {
    fn from(forecast: sync::ContactForecast) -> Self {
        let sync::ContactForecast { group, add, change, unlink, send, held } = forecast;
        let held = held.into_iter().map(HeldForecast::from).collect();
        Self { group, add, change, unlink, send, held }
    }
}

/// What would be done about an account's appointments and tasks.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ActivityForecast {
    /// Activities that would come in.
    pub add: u64,
    /// Activities that would say something else.
    pub change: u64,
    /// Activities that would be deleted, cancelled, hidden or linked no more.
    pub delete: u64,
    /// Changes that would go out.
    pub send: u64,
    /// Of how many of them the server would tell people.
    pub notify: u64,
    /// What would wait for a person's word: how many activities of which calendar or task list, and why.
    pub held: Vec<HeldForecast>,
}

impl From<sync::ActivityForecast> for ActivityForecast {
    fn from(forecast: sync::ActivityForecast) -> Self {
        let sync::ActivityForecast { add, change, delete, send, notify, held } = forecast;
        let held = held.into_iter().map(HeldForecast::from).collect();
        Self { add, change, delete, send, notify, held }
    }
}

impl Operation for Sync {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/sync";
    const SUMMARY: &'static str = "Run accounts once, and tell how it ended";
    const NEEDS_SYNCER: bool = true;
    type Answer = Ran;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Ran, Fault> {
        service.sync_now(caller, &self.request(), Arc::new(Silent)).await.map(Ran::from)
    }
}

/// Deletions to be let through that wait for a person's word.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Allow {
    /// The plan's name, as status and reports have it.
    pub plan: String,
}

/// What was let through.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Allowed {
    /// The plan.
    pub plan: String,
    /// How many messages that deletes, or how many contacts or activities it lets go.
    pub deleted: u64,
    /// Whether they are deleted on the server, by the next run; else here, and at once.
    pub on_server: bool,
    /// Whether it is a plan of contacts or activities: the next run carries it out, on whichever side.
    #[serde(default)]
    pub of_items: bool,
}

impl Operation for Allow {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/allow";
    const SUMMARY: &'static str = "Let a plan's deletions through";
    type Answer = Allowed;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Allowed, Fault> {
        let of_items = service.is_plan_of_items(&self.plan);
        let (deleted, side) = service.allow(caller, &self.plan)?;
        let on_server = side == Side::Here && !of_items;
        Ok(Allowed { plan: self.plan, deleted, on_server, of_items })
    }
}

/// The configuration to be read anew and put in force, where all of it is right.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reload {}

/// What was put in force.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Reloaded {
    /// The accounts whose settings changed.
    pub accounts: Vec<String>,
}

impl Operation for Reload {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/reload";
    const SUMMARY: &'static str = "Read the configuration anew; what is wrong leaves the old one in force";
    const NEEDS_SYNCER: bool = true;
    type Answer = Reloaded;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Reloaded, Fault> {
        Ok(Reloaded { accounts: service.reload(caller).await? })
    }
}
