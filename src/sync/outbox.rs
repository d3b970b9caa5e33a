//! Messages that go out (F2.6). An entry is noted as being sent before the first octet is on the wire; where the server's last
//! answer is lost it is `uncertain`, is looked for in Sent by its Message-ID, and else waits for a person: nothing here ever sends it
//! a second time. The copy in Sent is put there once, and not at all where the server has done so itself.

use async_trait::async_trait;
use postrider_formats::message;
use postrider_journal::{Event as Step, Floor, State, has_come};
use postrider_model::{ErrorClass, Fault, Flags, FolderKey, OutboxId, SystemFlag, Timestamp};
use postrider_net::Backoff;
use postrider_remote::{MailWriter, NewMessage, Reach};
use postrider_store::{Filing, Outcome, Outgoing, RefusedRecipient, SENT_ELSEWHERE, StoreError, Tx};

use super::{
    Ports, RunContext, Sending,
    look::{By, Found, find},
};
use crate::access::Act;

/// How long a message is tried that the server puts off (RFC 5321, section 4.5.4.1, wants four to five days).
const GIVEN_UP_AFTER_DAYS: i64 = 5;
/// And at least so often: it may have waited for days before the first try.
const LEAST_TRIES: u32 = 12;
/// The pauses between tries.
const BACKOFF: Backoff = Backoff { base_ms: 60_000, cap_ms: 60 * 60 * 1_000 };

/// Sends messages for an account.
#[async_trait]
pub trait Submit: Send + Sync {
    /// Sends one.
    async fn submit(
        &self,
        sender: &str,
        recipients: &[String],
        message: &[u8],
    ) -> Result<Submitted, SubmitFault>;
}

/// The server took a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Submitted {
    /// Recipients whom it refused, each with the reason.
    pub refused: Vec<(String, Fault)>,
}

/// A message was not taken, or nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmitFault {
    /// Why.
    pub fault: Fault,
    /// Whether the server may have it all the same.
    pub reach: Reach,
    /// Each recipient's own reason, where all were refused.
    pub refused: Vec<(String, Fault)>,
}

/// What became of an account's outbox.
#[derive(Debug, Default)]
pub struct Delivered {
    /// Messages that were sent.
    pub sent: u64,
    /// What a person should know.
    pub warnings: Vec<String>,
    /// What failed and is tried again.
    pub faults: Vec<Fault>,
}

/// What delivering needs.
struct Delivery<'a> {
    ports: &'a Ports,
    submit: &'a dyn Submit,
    /// The account's mail on its server, and the folder there for what was sent.
    sent_folder: Option<(&'a dyn MailWriter, FolderKey)>,
    /// The server takes nothing now, whatever it is: the rest waits for the next run, and a refused login is not tried for each.
    is_over: bool,
    /// Nothing is put into Sent either: the store is away, or cannot note it.
    is_kept: bool,
    done: Delivered,
}

/// Sends what is due, and settles what is uncertain.
///
/// # Errors
/// The store's, in words. What fails for one message is in [`Delivered`].
pub async fn deliver(
    ports: &Ports,
    submit: &dyn Submit,
    run: &RunContext,
    sent_folder: Option<(&dyn MailWriter, FolderKey)>,
) -> Result<Delivered, Fault> {
    let account = run.account_id;
    let open = ports.transaction(move |tx| tx.open_outbox(account)).await?;
    let mut delivery =
        Delivery { ports, submit, sent_folder, is_over: false, is_kept: false, done: Delivered::default() };
    if !open.is_empty() {
        delivery.ask_leave();
    }
    for entry in open {
        delivery.entry(entry).await?;
    }
    Ok(delivery.done)
}

impl Delivery<'_> {
    /// Whether anything may be sent; what keeps from it is told once.
    fn ask_leave(&mut self) {
        match self.ports.leave.to_send() {
            Ok(Sending::Free) => return,
            Ok(Sending::Waits(why)) => self.done.warnings.push(why.to_owned()),
            Err(fault) => self.done.faults.push(fault),
        }
        (self.is_over, self.is_kept) = (true, true);
    }

    /// The same between two messages: the disk may have filled up.
    fn may_go_on(&mut self) -> bool {
        if !self.is_kept
            && let Err(fault) = self.ports.leave.to_go_on()
        {
            self.done.faults.push(fault);
            (self.is_over, self.is_kept) = (true, true);
        }
        !self.is_kept
    }

    async fn entry(&mut self, mut entry: Outgoing) -> Result<(), Fault> {
        let now = self.ports.clock.now();
        if entry.state == State::Sent {
            // Nothing that was on the wire is any more.
            entry.state = self.step(entry.id, Step::Restarted).await?;
        }
        if entry.state == State::Unknown {
            entry.state = self.settle(&entry).await?;
        }
        if entry.state == State::Noted && has_come(entry.due, now) && !self.is_over && self.may_go_on() {
            entry = self.send(entry).await?;
        }
        if entry.state == State::Done
            && matches!(entry.filing, Filing::Wanted | Filing::Sent)
            && self.may_go_on()
        {
            let filed = self.file(&entry).await;
            if let Err(fault) = filed {
                self.done.faults.push(fault);
            }
        }
        Ok(())
    }

    async fn step(&self, id: OutboxId, event: Step) -> Result<State, Fault> {
        let now = self.ports.clock.now();
        self.ports.transaction(move |tx| tx.step_outgoing(id, event, now)).await
    }

    /// Looks for a message in Sent of which nobody knows whether it was sent: there it stands where the server files it.
    async fn settle(&mut self, entry: &Outgoing) -> Result<State, Fault> {
        // Asked before the look, so that what is filed meanwhile is looked at next time.
        let next = self.floor().await.ok().flatten();
        match self.found_in_sent(entry).await {
            Ok(true) => {
                let (id, now) = (entry.id, self.ports.clock.now());
                self.done.sent += 1;
                self.ports
                    .transaction(move |tx| {
                        tx.set_filing(id, Filing::Filed, None)?;
                        note_end(tx, id, State::Done, now)?;
                        tx.step_outgoing(id, Step::Found, now)
                    })
                    .await
            }
            Ok(false) => {
                self.done.warnings.push(uncertain(entry));
                let (id, filing) = (entry.id, entry.filing);
                self.ports.transaction(move |tx| tx.set_filing(id, filing, next)).await?;
                Ok(State::Unknown)
            }
            Err(fault) => {
                self.done.warnings.push(uncertain(entry));
                self.done.faults.push(fault);
                Ok(State::Unknown)
            }
        }
    }

    /// Whether the message stands in Sent, above where that ended when it was sent.
    async fn found_in_sent(&self, entry: &Outgoing) -> Result<bool, Fault> {
        let (Some((remote, key)), Some(floor)) = (&self.sent_folder, entry.floor) else { return Ok(false) };
        let id = entry.id;
        let sought = self
            .ports
            .transaction(move |tx| {
                let bytes = tx.outgoing_bytes(id)?;
                let key = message::match_key(message::header_block(&bytes), bytes.len() as u64);
                tx.outgoing_sought(id, key)
            })
            .await?;
        let found = find(self.ports, *remote, key, floor, &sought, By::ContentOrId, None).await?;
        Ok(matches!(found, Found::At(_)))
    }

    async fn send(&mut self, entry: Outgoing) -> Result<Outgoing, Fault> {
        let (id, now) = (entry.id, self.ports.clock.now());
        // Without it the message goes out all the same; only what is uncertain cannot be looked for then.
        let floor = match self.floor().await {
            Ok(floor) => floor,
            Err(fault) => {
                self.done
                    .warnings
                    .push(format!("the folder for what was sent cannot be asked: {}", fault.message()));
                None
            }
        };
        let bytes = self
            .ports
            .durable_transaction(move |tx| {
                let now_there = tx.outgoing(id)?;
                // A person may have given it up since it was read.
                if now_there.state != State::Noted {
                    return Ok(None);
                }
                tx.step_outgoing(id, Step::Send, now)?;
                tx.set_filing(id, now_there.filing, floor)?;
                tx.outgoing_bytes(id).map(Some)
            })
            .await?;
        let Some(bytes) = bytes else { return Ok(entry) };
        let outcome = self.submit.submit(&entry.sender, &entry.recipients, &bytes).await;
        self.is_over = outcome
            .as_ref()
            .is_err_and(|failed| failed.refused.is_empty() && failed.fault.class != ErrorClass::Permanent);
        let after = self.after(&entry, outcome);
        let next = after.clone();
        self.ports
            .transaction(move |tx| {
                tx.set_outgoing(id, &next.recipients, &next.refused, next.reached, next.error.as_deref())?;
                let state = tx.step_outgoing(id, next.event, now)?;
                note_end(tx, id, state, now)?;
                tx.outgoing(id)
            })
            .await
            .inspect(|sent| self.tell(sent, entry.refused.len(), after.fault))
    }

    /// What a try came to.
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

    /// Says how a try ended. `known`: how many recipients had been refused before.
    fn tell(&mut self, entry: &Outgoing, known: usize, fault: Option<Fault>) {
        match entry.state {
            State::Done => self.done.sent += 1,
            State::Failed => {
                let why = entry.error.clone().unwrap_or_else(|| "every recipient was refused".to_owned());
                self.done.faults.push(Fault::new(ErrorClass::Permanent, format!("send {}", entry.id), why));
            }
            State::Unknown => self.done.warnings.push(uncertain(entry)),
            _ => {}
        }
        let refused = entry.refused.iter().skip(known);
        self.done.warnings.extend(
            refused.map(|one| format!("{}: {} was refused for good: {}", entry.id, one.address, one.why)),
        );
        self.done.faults.extend(fault);
    }

    /// Where Sent ends now, so that a copy can be looked for above.
    async fn floor(&self) -> Result<Option<Floor>, Fault> {
        let Some((remote, key)) = &self.sent_folder else { return Ok(None) };
        let status = remote.status(key).await?;
        Ok(Some(Floor { uid_validity: status.uid_validity, uid_next: status.uid_next }))
    }

    /// Puts the copy into Sent, unless it is there.
    async fn file(&mut self, entry: &Outgoing) -> Result<(), Fault> {
        let Some((remote, key)) = self.sent_folder.clone() else { return Ok(()) };
        let id = entry.id;
        if self.found_in_sent(entry).await? {
            return self.ports.transaction(move |tx| tx.set_filing(id, Filing::Filed, None)).await;
        }
        let floor = if entry.floor.is_none() { self.floor().await? } else { None };
        let bytes = self
            .ports
            .durable_transaction(move |tx| {
                tx.set_filing(id, Filing::Sent, floor)?;
                tx.outgoing_bytes(id)
            })
            .await?;
        let mut flags = Flags::NONE;
        flags.insert(SystemFlag::Seen);
        let message =
            NewMessage { bytes: &bytes, flags: &flags, internal_date: Some(self.ports.clock.now()) };
        let (filing, fault) = match remote.append(&key, message).await {
            Ok(_) => (Filing::Filed, None),
            Err(failed) if failed.reach == Reach::NotDone => (Filing::Wanted, Some(failed.fault)),
            Err(failed) => (Filing::Sent, Some(failed.fault)),
        };
        self.ports.transaction(move |tx| tx.set_filing(id, filing, None)).await?;
        fault.map_or(Ok(()), Err)
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
fn note_end(tx: &mut Tx<'_>, id: OutboxId, state: State, now: Timestamp) -> Result<(), StoreError> {
    let (outcome, detail) = match state {
        State::Done => (Outcome::Done, ""),
        State::Failed => (Outcome::Failed, ErrorClass::Permanent.name()),
        _ => return Ok(()),
    };
    tx.audit_end(now, Act::SendMail.name(), &id.to_string(), outcome, detail)
}

fn uncertain(entry: &Outgoing) -> String {
    let why = match entry.error.as_deref() {
        Some(SENT_ELSEWHERE) => SENT_ELSEWHERE,
        _ => "the server's answer was lost",
    };
    format!(
        "{} may have been sent: {why}. Ask a recipient, then `postrider outbox retry {}` or `postrider outbox drop {}`",
        entry.id, entry.id, entry.id
    )
}
