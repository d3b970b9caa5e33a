//! How each account is (F6.5): what `status` tells.

use postrider_model::{ErrorClass, Fault, HeldKind, IdParseError, Timestamp};
use postrider_store::{Held, HeldId, Reader, Side, StoreError};
use serde::Serialize;

use super::{
    Caller, Service,
    audit::noted,
    run_notes::{KindEnded, ended_kinds},
};
use crate::access::Act;

/// One account's state.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccountState {
    /// Its name.
    pub account: String,
    /// How its last run ended; `never` before the first; `config_error` where its files are wrong now; `removed` where only its mail
    /// is left.
    pub status: String,
    /// When the last run ended (RFC 3339 in JSON).
    #[serde(serialize_with = "rfc3339")]
    pub last_run: Option<Timestamp>,
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
    /// Nothing is sent before `postrider adopt`: the store was put back, or comes from another machine (F10.3).
    pub away: bool,
    /// Plans that wait for `postrider allow`, with the number of deletions in each and why they wait.
    pub held: Vec<HeldState>,
    /// What went wrong last, as the report had it.
    pub error: Option<serde_json::Value>,
    /// How the last run of each kind of data ended, where the account has several.
    pub kinds: Vec<KindState>,
}

/// How the last run of one kind of data ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KindState {
    /// `mail`, `contacts` or `activities`.
    pub kind: String,
    /// How.
    pub status: &'static str,
    /// When (RFC 3339 in JSON).
    #[serde(serialize_with = "rfc3339")]
    pub last_run: Option<Timestamp>,
    /// Why not well.
    pub error: Option<postrider_model::ErrorReport>,
}

/// A plan that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldState {
    /// Its name.
    pub plan: String,
    /// The folder, address book, group, calendar or task list.
    pub folder: String,
    /// Of what it is.
    pub what: HeldKind,
    /// How many messages, contacts or activities would be deleted, unlinked or cancelled.
    pub deletions: u64,
    /// Why it waits.
    pub why: String,
}

impl From<Held> for HeldState {
    fn from(held: Held) -> Self {
        let (plan, what, deletions) = (held.id.to_string(), held.what, held.deletions);
        Self { plan, folder: held.folder, what, deletions, why: held.why }
    }
}

impl Service {
    /// The state of every account that the caller sees, those included that only the store knows any more.
    ///
    /// # Errors
    /// The store's, in words.
    pub fn status(&self, caller: &Caller) -> Result<Vec<AccountState>, Fault> {
        let reader = self.store.as_ref().map(|store| store.reader()).transpose()?;
        let away = self.away()?.is_some();
        let mut states = match &reader {
            Some(reader) => self.stored_states(caller, reader)?,
            None => Vec::new(),
        };
        for name in self.config.accounts.keys().filter(|name| self.may(caller, Act::SeeAccount, name)) {
            if !states.iter().any(|state| &state.account == name) {
                states.push(never(name));
            }
        }
        for state in &mut states {
            let is_known = self.config.accounts.contains_key(&state.account);
            let errors = if is_known { self.config.wrong_with(&state.account) } else { Vec::new() };
            if !errors.is_empty() {
                let fault = crate::config::fault(&errors);
                state.status = "config_error".to_owned();
                state.error = serde_json::to_value(postrider_model::ErrorReport::from(&fault)).ok();
            }
        }
        for state in states.iter_mut().filter(|state| !self.config.accounts.contains_key(&state.account)) {
            state.status = "removed".to_owned();
            state.error = None;
        }
        states.iter_mut().for_each(|state| state.away = away);
        states.sort_by(|a, b| a.account.cmp(&b.account));
        Ok(states)
    }

    /// Lets a plan through that waits (F5.4). Answers how many messages that deletes, and whether here or, with the next run, on the
    /// server.
    ///
    /// # Errors
    /// Where no plan of that name waits, and where the caller may not.
    pub fn allow(&mut self, caller: &Caller, plan: &str) -> Result<(u64, Side), Fault> {
        let id: HeldId = plan.parse().map_err(|error: IdParseError| {
            Fault::new(ErrorClass::Config, format!("allow plan {plan}"), error.to_string())
        })?;
        let account = self.account_of_plan(caller, id)?;
        let context = self.here(caller, &format!("plan {plan} was allowed"));
        let line = self.line(caller, Act::Allow, &account, plan);
        Ok(self.writer()?.transaction(noted(line, move |tx| tx.allow(id, &context)))?)
    }

    /// Whether a plan that waits is one of contacts or activities, which the next run carries out.
    pub fn is_plan_of_items(&self, plan: &str) -> bool {
        let found = plan.parse().ok().and_then(|id| self.reader().ok()?.is_plan_of_items(id).ok());
        found.unwrap_or(false)
    }

    /// The account of which that plan is, where the caller may let it through.
    fn account_of_plan(&self, caller: &Caller, plan: HeldId) -> Result<String, Fault> {
        let reader = self.reader()?;
        let unknown = || Fault::from(StoreError::NoSuchPlan(plan));
        let id = reader.account_of_plan(plan)?.ok_or_else(unknown)?;
        let account = reader.accounts()?.into_iter().find(|account| account.id == id).ok_or_else(unknown)?;
        match self.permit(caller, Act::Allow, &account.name) {
            Err(fault) if fault.class != ErrorClass::NotPermitted => Err(unknown()),
            answer => answer.map(|()| account.name),
        }
    }

    fn stored_states(&self, caller: &Caller, reader: &Reader) -> Result<Vec<AccountState>, Fault> {
        let runs = reader.runs()?;
        let mut states = Vec::new();
        for account in self.accounts_for(caller, Act::SeeAccount, reader)? {
            let run = runs.iter().find(|run| run.account == account.id);
            let counts = reader.counts(account.id)?;
            let held = reader.held(account.id)?.into_iter().map(HeldState::from).collect();
            states.push(AccountState {
                account: account.name,
                status: run.map_or("never", |run| run.status.as_str()).to_owned(),
                last_run: run.map(|run| run.ended),
                run: run.map(|run| run.run.clone()),
                folders: counts.folders,
                messages: counts.messages,
                restorable: counts.restorable,
                unsent: counts.unsent,
                away: false,
                held,
                error: run
                    .and_then(|run| run.error.as_deref())
                    .and_then(|error| serde_json::from_str(error).ok()),
                kinds: run.map(|run| kinds_of(&run.counts)).unwrap_or_default(),
            });
        }
        Ok(states)
    }
}

fn rfc3339<S: serde::Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    let time = at.and_then(|at| chrono::DateTime::from_timestamp(at.seconds(), 0));
    time.map(|time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string()).serialize(serializer)
}

fn never(name: &str) -> AccountState {
    AccountState {
        account: name.to_owned(),
        status: "never".to_owned(),
        last_run: None,
        run: None,
        folders: 0,
        messages: 0,
        restorable: 0,
        unsent: 0,
        away: false,
        held: Vec::new(),
        error: None,
        kinds: Vec::new(),
    }
}

fn kinds_of(counts: &str) -> Vec<KindState> {
    let state = |(kind, ended): (String, KindEnded)| KindState {
        kind,
        status: ended.status.name(),
        last_run: Some(Timestamp(ended.ended_us)),
        error: ended.error,
    };
    ended_kinds(counts).into_iter().map(state).collect()
}
