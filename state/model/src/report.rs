//! What a run tells: the shapes of `--sync-now --json` (spec, "Command line").

use serde::{Deserialize, Serialize};

use crate::{ErrorClass, Fault, RunId};

/// One run over some accounts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunReport {
    /// The run's id, which is in its log lines too.
    pub run: RunId,
    /// One entry an account, in the order of their names.
    pub accounts: Vec<AccountReport>,
}

/// How one account's run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// All of it done.
    Ok,
    /// Some of it failed and will be tried again.
    Failed,
    /// The login is refused or missing.
    LoginNeeded,
    /// All done but what waits for a person's word.
    Held,
    /// Another run of it is under way.
    Busy,
    /// Its files are wrong.
    ConfigError,
}

impl AccountStatus {
    /// The status's name in JSON and in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::LoginNeeded => "login_needed",
            Self::Held => "held",
            Self::Busy => "busy",
            Self::ConfigError => "config_error",
        }
    }
}

/// What one account's run did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccountReport {
    /// The account's name.
    pub account: String,
    /// How it ended.
    pub status: AccountStatus,
    /// Mail, where the account has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<MailCounts>,
    /// Contacts, where the account has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<ContactCounts>,
    /// Appointments and tasks, where the account has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activities: Option<ActivityCounts>,
    /// Records whose two sides had both changed.
    pub conflicts: u64,
    /// From the run's start to its end, in milliseconds.
    pub elapsed_ms: u64,
    /// Why it did not end well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
    /// Plans that wait for `postrider allow`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<HeldReport>,
    /// What a person should know though the run went well: a folder that is not there, a message left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What waits for a person's word (F5.4): deletions, contacts that would be unlinked, activities that would be cancelled or unlinked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldReport {
    /// The plan's name, to be given to `postrider allow`.
    pub plan: String,
    /// The folder, address book, group, calendar or task list.
    pub folder: String,
    /// How many messages would be deleted here, contacts unlinked or deleted, activities deleted, cancelled or unlinked.
    pub deletions: u64,
    /// Of how many.
    pub of: u64,
    /// Why they are held, in words.
    pub why: String,
}

/// What happened to mail.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct MailCounts {
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

/// What happened to contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ContactCounts {
    /// Contacts that came in, or say something else because of the server.
    pub pulled: u64,
    /// Changes that went out.
    pub pushed: u64,
    /// Contacts that are linked no more, or deleted on one side because they are on the other.
    pub unlinked: u64,
}

/// What happened to appointments and tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ActivityCounts {
    /// Activities that came in, or say something else because of the server.
    pub pulled: u64,
    /// Changes that went out.
    pub pushed: u64,
    /// Activities that are deleted, cancelled, hidden or linked no more because they are on the other side.
    pub deleted: u64,
}

/// An error as JSON tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReport {
    /// What is to be done about it.
    pub class: ErrorClass,
    /// Action, object and cause.
    pub message: String,
    /// What a person can do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl From<&Fault> for ErrorReport {
    fn from(fault: &Fault) -> Self {
        Self { class: fault.class, message: fault.message(), hint: fault.hint.clone() }
    }
}
