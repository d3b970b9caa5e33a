//! How each account is, and which daemon answers.

use postrider_model::Fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{Instant, Method, Operation, Problem},
    service::{self, Caller, Service},
};

/// A plan that waits for a person's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Held {
    /// Its name, for `/v1/allow`.
    pub plan: String,
    /// The folder, address book, group, calendar or task list.
    pub folder: String,
    /// How many messages, contacts or activities would be deleted, unlinked or cancelled.
    pub deletions: u64,
    /// Why it waits.
    pub why: String,
}

/// How an account is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountState {
    /// Its name.
    pub account: String,
    /// How its last run ended: `ok`, `failed`, `login_needed`, `held`, `busy`; `never` before the first; `config_error` where its files
    /// are wrong now; `removed` where only its mail is left.
    pub status: String,
    /// When the last run ended.
    pub last_run: Option<Instant>,
    /// The last run's id.
    pub run: Option<String>,
    /// Folders that are followed.
    pub folders: u64,
    /// Messages that are here.
    pub messages: u64,
    /// Messages that were deleted and can be restored.
    pub restorable: u64,
    /// Messages that were changed here and wait to be changed on the server.
    pub unsent: u64,
    /// Nothing is sent before `postrider adopt`: the store was put back, or comes from another machine.
    #[serde(default)]
    pub away: bool,
    /// Plans that wait.
    pub held: Vec<Held>,
    /// What went wrong last.
    pub error: Option<Problem>,
    /// What the daemon does about it now: `running`, `watching`, `waiting`, `paused`, `stopped`, `by hand`; absent without a daemon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// When it runs next, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_run: Option<Instant>,
    /// Folders of which the server tells at once; absent without a daemon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched: Option<u64>,
}

impl AccountState {
    fn new(state: service::AccountState, following: Option<service::Following>) -> Self {
        let held = |held: service::HeldState| Held {
            plan: held.plan,
            folder: held.folder,
            deletions: held.deletions,
            why: held.why,
        };
        let following = following.as_ref();
        Self {
            phase: following.map(|following| following.phase.to_owned()),
            next_run: following.and_then(|following| following.next_run).and_then(Instant::of),
            watched: following.map(|following| following.watched as u64),
            account: state.account,
            status: state.status,
            last_run: state.last_run.and_then(Instant::of),
            run: state.run,
            folders: state.folders,
            messages: state.messages,
            restorable: state.restorable,
            unsent: state.unsent,
            away: state.away,
            held: state.held.into_iter().map(held).collect(),
            error: state.error.and_then(|error| serde_json::from_value(error).ok()),
        }
    }
}

/// How each account is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Status {}

impl Operation for Status {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/status";
    const SUMMARY: &'static str = "How each account is";
    type Answer = Vec<AccountState>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<AccountState>, Fault> {
        let states = service.status(caller)?.into_iter();
        Ok(states
            .map(|state| {
                let following = service.following(&state.account);
                AccountState::new(state, following)
            })
            .collect())
    }
}

/// Which daemon answers.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Daemon {}

/// The daemon that answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DaemonView {
    /// Its version.
    pub version: String,
    /// The id of the store that it keeps.
    pub store: Option<String>,
    /// In whose name this call is made.
    pub user: String,
}

impl Operation for Daemon {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/daemon";
    const SUMMARY: &'static str = "Which daemon answers, and in whose name";
    type Answer = DaemonView;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<DaemonView, Fault> {
        Ok(DaemonView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            store: service.store_id(),
            user: caller.user.clone(),
        })
    }
}
