//! Messages that go out (F2.6). An entry is noted as being sent before the first octet is on the wire; where the server's last
//! answer is lost it is `uncertain`, is looked for in Sent by its Message-ID, and else waits for a person: nothing here ever sends it
//! a second time. The copy in Sent is put there once, and not at all where the server has done so itself.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use postrider_formats::message;
use postrider_journal::{Event as Step, Floor, State, has_come};
use postrider_model::{ErrorClass, Fault, Flags, FolderKey, OutboxId, SystemFlag};
use postrider_remote::{MailWriter, NewMessage, Reach};
use postrider_store::{Filing, Outgoing, SENT_ELSEWHERE};
use tokio::time::timeout;

use super::{
    Ports, RunContext, Sending,
    attempt::{Attempt, Attempted, note_end},
    look::{By, Found, find},
    pending::Pending,
};

/// How long is waited for a message that goes out before all else goes on beside it. Most servers answer within this time.
const PATIENCE: Duration = Duration::from_secs(5);

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

impl Delivered {
    /// What became of messages that were on their way beside all else, where nobody has told of it.
    pub fn meanwhile(pending: &Pending) -> Self {
        let mut delivered = Self::default();
        for ended in pending.ended() {
            match ended {
                Ok(attempted) => drop(delivered.tell(attempted)),
                Err(fault) => delivered.faults.push(fault),
            }
        }
        delivered
    }

    /// Says how a try ended.
    fn tell(&mut self, Attempted { entry, known, fault, .. }: Attempted) -> Outgoing {
        match entry.state {
            State::Done => self.sent += 1,
            State::Failed => {
                let why = entry.error.clone().unwrap_or_else(|| "every recipient was refused".to_owned());
                self.faults.push(Fault::new(ErrorClass::Permanent, format!("send {}", entry.id), why));
            }
            State::Unknown => self.warnings.push(uncertain(&entry)),
            _ => {}
        }
        let refused = entry.refused.iter().skip(known);
        self.warnings.extend(
            refused.map(|one| format!("{}: {} was refused for good: {}", entry.id, one.address, one.why)),
        );
        self.faults.extend(fault);
        entry
    }
}

/// What delivering needs.
struct Delivery<'a> {
    ports: &'a Ports,
    submit: &'a Arc<dyn Submit>,
    /// Who looks after what takes its time; without, it is waited for.
    pending: Option<&'a Pending>,
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
    submit: &Arc<dyn Submit>,
    run: &RunContext,
    sent_folder: Option<(&dyn MailWriter, FolderKey)>,
) -> Result<Delivered, Fault> {
    let account = run.account_id;
    let pending = run.pending.as_deref();
    // Asked before the entries are read: what ends after that is told next time, and is not taken for what it was.
    let (ended, under_way) =
        (pending.map(Pending::ended).unwrap_or_default(), pending.and_then(Pending::under_way));
    let open = ports.transaction(move |tx| tx.open_outbox(account)).await?;
    let mut delivery = Delivery {
        ports,
        submit,
        sent_folder,
        pending,
        is_over: false,
        is_kept: false,
        done: Delivered::default(),
    };
    for ended in ended {
        match ended {
            Ok(attempted) => drop(delivery.take(attempted)),
            Err(fault) => delivery.done.faults.push(fault),
        }
    }
    if !open.is_empty() {
        delivery.ask_leave();
    }
    if let Some(id) = under_way {
        delivery.wait_for(id);
    }
    for entry in open.into_iter().filter(|entry| Some(entry.id) != under_way) {
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
        let begun = self
            .ports
            .durable_transaction(move |tx| {
                let now_there = tx.outgoing(id)?;
                // A person may have given it up since it was read, or it was tried and put off.
                if now_there.state != State::Noted || !has_come(now_there.due, now) {
                    return Ok(None);
                }
                tx.step_outgoing(id, Step::Send, now)?;
                tx.set_filing(id, now_there.filing, floor)?;
                Ok(Some((now_there, tx.outgoing_bytes(id)?)))
            })
            .await?;
        let Some((entry, bytes)) = begun else { return Ok(entry) };
        let attempt = Attempt { ports: self.ports.clone(), submit: self.submit.clone(), entry, bytes };
        let entry = attempt.entry.clone();
        let mut sending = Box::pin(attempt.make());
        let attempted = match self.pending {
            None => sending.await?,
            Some(pending) => match timeout(PATIENCE, &mut sending).await {
                Ok(attempted) => attempted?,
                Err(_) => {
                    pending.take_over(id, sending);
                    self.wait_for(id);
                    return Ok(entry);
                }
            },
        };
        Ok(self.take(attempted))
    }

    /// A message is on its way beside all else: no other is sent before it is known what became of it.
    fn wait_for(&mut self, id: OutboxId) {
        self.is_over = true;
        self.done.faults.push(Fault::new(
            ErrorClass::Transient,
            format!("send {id}"),
            "the server has not answered yet; it is waited for, up to ten minutes, and other messages wait with it",
        ));
    }

    fn take(&mut self, attempted: Attempted) -> Outgoing {
        self.is_over |= attempted.is_over;
        self.done.tell(attempted)
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
