//! The outbox: what is to be sent, tried again, given up (F2.6).

use std::collections::BTreeMap;

use postrider_journal::{Event, State};
use postrider_model::{AccountId, ErrorClass, Fault, OutboxId};
use postrider_store::{AuditEntry, Filing, Outcome, Outgoing, StoreError};
use serde::Serialize;

use super::{Caller, Service};
use crate::access::Act;

/// An entry of the outbox, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutboxView {
    /// Its id.
    pub id: OutboxId,
    /// The account's name.
    pub account: String,
    /// `queued`, `sending`, `uncertain`, `sent`, `failed`, `dropped`.
    pub state: &'static str,
    /// The subject.
    pub subject: String,
    /// Message-ID.
    pub message_id: String,
    /// To whom it is still to go.
    pub recipients: Vec<String>,
    /// Whom the server refused for good, and why.
    pub refused: Vec<(String, String)>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, in seconds since 1970; only while it is queued.
    pub next_try: Option<i64>,
    /// What went wrong last.
    pub error: Option<String>,
    /// Whether its copy is in Sent.
    pub filed: bool,
}

impl OutboxView {
    fn new(entry: Outgoing, account: String) -> Self {
        Self {
            id: entry.id,
            account,
            state: state_name(entry.state),
            subject: entry.subject,
            message_id: entry.message_id,
            recipients: entry.recipients,
            refused: entry.refused.into_iter().map(|one| (one.address, one.why)).collect(),
            attempts: entry.attempt,
            next_try: (entry.state == State::Noted).then(|| entry.due.seconds()),
            error: entry.error,
            filed: entry.filing == Filing::Filed,
        }
    }
}

const fn state_name(state: State) -> &'static str {
    match state {
        State::Noted => "queued",
        State::Sent => "sending",
        State::Unknown => "uncertain",
        State::Done => "sent",
        State::Stale | State::Failed => "failed",
        State::Withdrawn => "dropped",
    }
}

impl Service {
    /// The outbox of the accounts that the caller may send from: what is not done with, or all that is still known.
    ///
    /// # Errors
    /// An account that is not there.
    pub fn outbox(
        &self,
        caller: &Caller,
        account: Option<&str>,
        all: bool,
    ) -> Result<Vec<OutboxView>, Fault> {
        let entries = self.entries(caller, account, all)?;
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        entries.iter().for_each(|entry| *counts.entry(entry.account.as_str()).or_default() += 1);
        for (account, count) in counts {
            self.note_look(caller, Act::SeeOutbox, account, &format!("{count} entries"));
        }
        Ok(entries)
    }

    fn entries(&self, caller: &Caller, account: Option<&str>, all: bool) -> Result<Vec<OutboxView>, Fault> {
        let reader = self.reader()?;
        let accounts = self.accounts_for(caller, Act::SeeOutbox, &reader)?;
        let named = account.map(|name| self.account_in_store(caller, Act::SeeOutbox, &reader, name));
        let only = named.transpose()?;
        let name_of = |id: AccountId| {
            let found = accounts.iter().find(|account| account.id == id);
            found.map(|account| account.name.clone())
        };
        let entries = reader.outbox(only.map(|account| account.id), all)?;
        Ok(entries
            .into_iter()
            .filter_map(|entry| {
                let account = name_of(entry.account)?;
                Some(OutboxView::new(entry, account))
            })
            .collect())
    }

    /// Has a message tried again: one that waits at once, one that is uncertain or failed once more. The latter is another entry.
    ///
    /// # Errors
    /// An entry that is not there, is sent, or is being sent.
    pub fn retry_outgoing(&mut self, caller: &Caller, id: OutboxId) -> Result<OutboxView, Fault> {
        let now = self.world.clock.now();
        let account = self.permit_entry(caller, Act::RetryOutgoing, id)?;
        let line = self.line(caller, Act::RetryOutgoing, &account, &id.to_string());
        let again = self.line(caller, Act::SendMail, &account, "");
        let retried = self.durable_writer()?.transaction(|tx| {
            let entry = tx.outgoing(id)?;
            let retried = match entry.state {
                // Due from now on; the state stays.
                State::Noted => {
                    tx.make_due(id, now)?;
                    Some(id)
                }
                State::Unknown => {
                    tx.step_outgoing(id, Event::Absent { due: now }, now)?;
                    Some(id)
                }
                State::Failed | State::Withdrawn | State::Stale => {
                    let mut to = entry.recipients.clone();
                    to.extend(entry.refused.iter().map(|one| one.address.clone()));
                    let new = tx.enqueue_again(id, &to, now)?;
                    tx.audit(sending(again, new))?;
                    Some(new)
                }
                State::Sent | State::Done => None,
            };
            if retried.is_some() {
                tx.audit(line)?;
            }
            Ok(retried)
        })?;
        match retried {
            Some(id) => self.known_entry(caller, id),
            None => {
                Err(Fault::new(ErrorClass::Config, format!("try {id} again"), "it is sent, or being sent")
                    .hint("`postrider outbox list --all` tells how far each is"))
            }
        }
    }

    /// Gives a message up that is not sent.
    ///
    /// # Errors
    /// An entry that is not there, or is sent.
    pub fn drop_outgoing(&mut self, caller: &Caller, id: OutboxId) -> Result<OutboxView, Fault> {
        let now = self.world.clock.now();
        let account = self.permit_entry(caller, Act::DropOutgoing, id)?;
        let line = self.line(caller, Act::DropOutgoing, &account, &id.to_string());
        let dropped = self.durable_writer()?.transaction(|tx| {
            let state = tx.outgoing(id)?.state;
            if state == State::Unknown {
                tx.step_outgoing(id, Event::Absent { due: now }, now)?;
            }
            match state {
                State::Noted | State::Unknown => {
                    tx.step_outgoing(id, Event::Withdraw, now)?;
                    tx.audit(line)?;
                    Ok(true)
                }
                _ => Ok(false),
            }
        })?;
        match dropped {
            true => self.known_entry(caller, id),
            false => Err(Fault::new(ErrorClass::Config, format!("drop {id}"), "it is not waiting")
                .hint("`postrider outbox list --all` tells how far each is")),
        }
    }

    /// An entry's bytes.
    ///
    /// # Errors
    /// An entry that is not there.
    pub fn outgoing_bytes(&mut self, caller: &Caller, id: OutboxId) -> Result<Vec<u8>, Fault> {
        let account = self.permit_entry(caller, Act::SeeOutbox, id)?;
        let bytes = self.writer()?.transaction(|tx| tx.outgoing_bytes(id))?;
        self.note_look(caller, Act::SeeOutbox, &account, &id.to_string());
        Ok(bytes)
    }

    /// The account of an entry with which the caller may do that. Who may not send from it does not see its entries.
    fn permit_entry(&self, caller: &Caller, act: Act, id: OutboxId) -> Result<String, Fault> {
        let reader = self.reader()?;
        let unknown = || Fault::from(StoreError::NoSuchEntry(id));
        let entry =
            reader.outbox(None, true)?.into_iter().find(|entry| entry.id == id).ok_or_else(unknown)?;
        let mut accounts = reader.accounts()?.into_iter();
        let account = accounts.find(|account| account.id == entry.account).ok_or_else(unknown)?;
        if !self.may(caller, act, &account.name) {
            self.note_refused(caller, act, &account.name, &id.to_string());
            return Err(unknown());
        }
        Ok(account.name)
    }

    /// One entry.
    ///
    /// # Errors
    /// An entry that is not there.
    pub fn entry(&self, caller: &Caller, id: OutboxId) -> Result<OutboxView, Fault> {
        let entry = self.known_entry(caller, id)?;
        self.note_look(caller, Act::SeeOutbox, &entry.account, &id.to_string());
        Ok(entry)
    }

    /// The same for who has just changed it: the change has a line of its own.
    fn known_entry(&self, caller: &Caller, id: OutboxId) -> Result<OutboxView, Fault> {
        let found = self.entries(caller, None, true)?.into_iter().find(|entry| entry.id == id);
        found.ok_or_else(|| StoreError::NoSuchEntry(id).into())
    }
}

/// The line of a message that is on its way; the run that ends that adds how.
pub(super) fn sending(line: AuditEntry, entry: OutboxId) -> AuditEntry {
    AuditEntry { object: entry.to_string(), outcome: Outcome::Begun, ..line }
}
