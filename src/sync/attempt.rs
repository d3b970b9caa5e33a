//! One try to send one message, from the moment at which it was noted that it is being sent to the moment at which it is noted what
//! that came to. It holds all that it needs, so that it can go on beside everything else that is done for its account.

use std::sync::Arc;

use postrider_journal::{Event as Step, State};
use postrider_model::{ErrorClass, Fault, OutboxId, Timestamp};
use postrider_net::Backoff;
use postrider_remote::Reach;
use postrider_store::{Outcome, Outgoing, RefusedRecipient, StoreError, Tx};

use super::{Ports, Submit, SubmitFault, Submitted};
use crate::access::Act;

/// How long a message is tried that the server puts off (RFC 5321, section 4.5.4.1, wants four to five days).
const GIVEN_UP_AFTER_DAYS: i64 = 5;
/// And at least so often: it may have waited for days before the first try.
const LEAST_TRIES: u32 = 12;
/// The pauses between tries.
const BACKOFF: Backoff = Backoff { base_ms: 60_000, cap_ms: 60 * 60 * 1_000 };

/// A message that is being sent.
pub(super) struct Attempt {
    pub ports: Ports,
    pub submit: Arc<dyn Submit>,
    pub entry: Outgoing,
    pub bytes: Vec<u8>,
}

/// What a try came to.
#[derive(Debug)]
pub(super) struct Attempted {
    /// The entry as it is now.
    pub entry: Outgoing,
    /// How many recipients had been refused before.
    pub known: usize,
    /// What failed, and is tried again or told.
    pub fault: Option<Fault>,
    /// The server takes nothing now, whatever it is.
    pub is_over: bool,
}

impl Attempt {
    /// Sends, and notes what came of it.
    ///
    /// # Errors
    /// The store's, in words: what came of it is not noted, and nobody knows it any more.
    pub async fn make(self) -> Result<Attempted, Fault> {
        let Self { entry, bytes, .. } = &self;
        let outcome = self.submit.submit(&entry.sender, &entry.recipients, bytes).await;
        let is_over = outcome
            .as_ref()
            .is_err_and(|failed| failed.refused.is_empty() && failed.fault.class != ErrorClass::Permanent);
        let (id, now) = (entry.id, self.ports.clock.now());
        let after = self.after(entry, outcome);
        let next = after.clone();
        let sent = self
            .ports
            .transaction(move |tx| {
                tx.set_outgoing(id, &next.recipients, &next.refused, next.reached, next.error.as_deref())?;
                let state = tx.step_outgoing(id, next.event, now)?;
                note_end(tx, id, state, now)?;
                tx.outgoing(id)
            })
            .await?;
        Ok(Attempted { entry: sent, known: entry.refused.len(), fault: after.fault, is_over })
    }

    fn after(&self, entry: &Outgoing, outcome: Result<Submitted, SubmitFault>) -> After {
        let now = self.ports.clock.now();
        let (fault, reach, refused) = match outcome {
            Ok(submitted) => (None, Reach::NotDone, submitted.refused),
            Err(failed) => (Some(failed.fault), failed.reach, failed.refused),
        };
        let is_for_good = |fault: &Fault| fault.class == ErrorClass::Permanent;
        let mut after = After {
            recipients: Vec::new(),
            refused: entry.refused.clone(),
            reached: entry.reached,
            error: fault.as_ref().map(Fault::message),
            event: Step::Done,
            fault: None,
        };
        for (address, why) in &refused {
            match is_for_good(why) {
                true => {
                    after.refused.push(RefusedRecipient { address: address.clone(), why: why.cause.clone() })
                }
                false => after.recipients.push(address.clone()),
            }
        }
        let put_off = refused.iter().map(|(_, why)| why).find(|why| !is_for_good(why)).cloned();
        let Some(fault) = fault else {
            after.reached += entry.recipients.len().saturating_sub(refused.len()) as u64;
            if let Some(why) = put_off {
                self.try_later(&mut after, entry, why, now);
            }
            return after;
        };
        if refused.is_empty() {
            after.recipients.clone_from(&entry.recipients);
        }
        match (reach, put_off) {
            (Reach::Unknown, _) => {
                after.event = Step::Lost { due: now };
                after.fault = Some(fault);
            }
            (Reach::NotDone, Some(why)) => self.try_later(&mut after, entry, why, now),
            (Reach::NotDone, None) if is_for_good(&fault) => after.end(),
            (Reach::NotDone, None) => self.try_later(&mut after, entry, fault, now),
        }
        after
    }

    fn try_later(&self, after: &mut After, entry: &Outgoing, why: Fault, now: Timestamp) {
        after.error = Some(why.message());
        if entry.created < now.minus_days(GIVEN_UP_AFTER_DAYS) && entry.attempt >= LEAST_TRIES {
            after.end();
            return;
        }
        let pause_ms = BACKOFF.pause_ms(entry.attempt + 1, why.retry_after_ms, &*self.ports.entropy);
        after.event = Step::Deferred { due: now.plus_millis(pause_ms) };
        after.fault = Some(why);
    }
}

/// An entry after a try.
#[derive(Debug, Clone)]
struct After {
    recipients: Vec<String>,
    refused: Vec<RefusedRecipient>,
    reached: u64,
    error: Option<String>,
    event: Step,
    fault: Option<Fault>,
}

impl After {
    /// No more is tried: it is sent where anybody has it.
    fn end(&mut self) {
        self.event = if self.reached > 0 { Step::Done } else { Step::Refused };
    }
}

/// Says in the audit log how the sending ended that began there, where it has. Who refused whom is the outbox's to tell.
pub(super) fn note_end(
    tx: &mut Tx<'_>,
    id: OutboxId,
    state: State,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (outcome, detail) = match state {
        State::Done => (Outcome::Done, ""),
        State::Failed => (Outcome::Failed, ErrorClass::Permanent.name()),
        _ => return Ok(()),
    };
    tx.audit_end(now, Act::SendMail.name(), &id.to_string(), outcome, detail)
}
