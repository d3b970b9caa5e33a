//! What there is to count of each account: for whoever watches many of them.

use postrider_model::Fault;
use postrider_store::Reader;

use super::{AccountState, Caller, Service};
use crate::access::Act;

/// One account in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountNumbers {
    /// Its name.
    pub account: String,
    /// How its last run ended, as [`AccountState::status`] has it.
    pub status: String,
    /// When that was, in seconds since 1970.
    pub last_run: Option<u64>,
    /// What that run did: messages and flags that came in, changes that went out, octets of messages.
    pub last_run_counts: Option<[u64; 3]>,
    /// Folders that are followed.
    pub folders: u64,
    /// Messages that are here.
    pub messages: u64,
    /// Messages that were changed here and wait to be changed on the server.
    pub unsent: u64,
    /// Messages that wait to be sent, or for a person to say whether they were.
    pub outbox: u64,
    /// Deletions that wait for a person's word.
    pub held: u64,
    /// Folders of which the server tells at once; `None` where nobody follows the account.
    pub watched: Option<u64>,
}

impl Service {
    /// All accounts in numbers.
    ///
    /// # Errors
    /// A caller who does not administer; the store's, in words.
    pub fn numbers(&self, caller: &Caller) -> Result<Vec<AccountNumbers>, Fault> {
        self.permit_operation(caller, Act::SeeNumbers, "")?;
        let reader = self.store.as_ref().map(|store| store.reader()).transpose()?;
        let states = self.status(caller)?.into_iter();
        states.map(|state| self.numbers_of(state, reader.as_ref())).collect()
    }

    fn numbers_of(&self, state: AccountState, reader: Option<&Reader>) -> Result<AccountNumbers, Fault> {
        let (mut outbox, mut counts) = (0, None);
        if let Some(reader) = reader
            && let Some(account) = reader.accounts()?.into_iter().find(|row| row.name == state.account)
        {
            outbox = reader.outbox(Some(account.id), false)?.len() as u64;
            let run = reader.runs()?.into_iter().find(|run| run.account == account.id);
            counts = run.as_ref().and_then(|run| counted(&run.counts));
        }
        Ok(AccountNumbers {
            last_run: state.last_run.and_then(|at| u64::try_from(at.seconds()).ok()),
            last_run_counts: counts,
            folders: state.folders,
            messages: state.messages,
            unsent: state.unsent,
            outbox,
            held: state.held.iter().map(|held| held.deletions).sum(),
            watched: self.following(&state.account).map(|following| following.watched as u64),
            account: state.account,
            status: state.status,
        })
    }
}

/// What a run's row says that it did.
fn counted(json: &str) -> Option<[u64; 3]> {
    let counts: serde_json::Value = serde_json::from_str(json).ok()?;
    let count = |name| counts.get(name)?.as_u64();
    Some([count("pulled")?, count("pushed")?, count("bytes")?])
}
