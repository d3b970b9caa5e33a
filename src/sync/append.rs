//! Messages that are here and not yet on the server: copies, drafts, what was restored. Each was noted as it was made (I4).

use std::collections::BTreeMap;

use postrider_journal::{Event as Step, Operation, State};
use postrider_model::{CollectionId, Entropy, Fault, PlacementId, SystemFlag, Timestamp, Uid, UidSet};
use postrider_net::Backoff;
use postrider_remote::{Copied, MailOp, Messages, NewMessage, Place, Reach, WriteFault};
use postrider_store::{IntentRow, Landed, Seat};

use super::push::Sender;

/// Sends what is due; whether there is any sense in sending more.
pub(super) async fn push_appends(sender: &mut Sender<'_>, intents: Vec<IntentRow>) -> Result<bool, Fault> {
    let now = sender.ports.clock.now();
    let due = intents.into_iter().filter(|row| row.intent.state == State::Noted && row.intent.is_due(now));
    let mut copies: BTreeMap<(CollectionId, CollectionId), Vec<(IntentRow, Uid)>> = BTreeMap::new();
    let mut appends = Vec::new();
    for row in due {
        match source(sender, &row).await? {
            Source::Server(from, uid) => {
                if let Some(to) = row.collection {
                    copies.entry((from, to)).or_default().push((row, uid));
                }
            }
            Source::Bytes => appends.push(row),
            Source::Waits => {}
            Source::Unwanted => sender.withdraw(row).await?,
        }
    }
    for ((from, to), rows) in copies {
        if !sender.may_go_on() {
            return Ok(false);
        }
        let sent = sender.copy(from, to, rows).await;
        if !sender.goes_on(sent) {
            return Ok(false);
        }
    }
    for row in appends {
        if !sender.may_go_on() {
            return Ok(false);
        }
        let sent = sender.append(row).await;
        if !sender.goes_on(sent) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// From where a message is put into its folder.
enum Source {
    /// Copied on the server.
    Server(CollectionId, Uid),
    /// Sent from here.
    Bytes,
    /// Its folder is not followed now.
    Waits,
    /// It was deleted here meanwhile.
    Unwanted,
}

async fn source(sender: &Sender<'_>, row: &IntentRow) -> Result<Source, Fault> {
    if row.collection.is_none_or(|to| sender.place(to).is_none()) {
        return Ok(Source::Waits);
    }
    let Some(placement) = row.placement else { return Ok(Source::Waits) };
    if sender.ports.transaction(move |tx| Ok(tx.seat(placement)?.deleted.is_some())).await? {
        return Ok(Source::Unwanted);
    }
    let Operation::Append { copy_of: Some(of), .. } = row.operation else { return Ok(Source::Bytes) };
    // What was copied may be erased here meanwhile.
    let seat: Option<Seat> = sender.ports.transaction(move |tx| Ok(tx.seat(of).ok())).await?;
    // What is held is gone there. What is deleted here, or carries the mark for it, would give that mark to the copy.
    let is_clean =
        |seat: &Seat| seat.deleted.is_none() && !seat.placement.base_flags.has(SystemFlag::Deleted);
    let seat = seat.filter(|seat| seat.placement.held.is_none() && is_clean(seat));
    let on_server = seat.and_then(|seat| Some((seat.collection, seat.placement.uid?)));
    Ok(match on_server.filter(|(from, _)| sender.place(*from).is_some()) {
        Some((from, uid)) => Source::Server(from, uid),
        None => Source::Bytes,
    })
}

impl Sender<'_> {
    async fn withdraw(&self, row: IntentRow) -> Result<(), Fault> {
        self.ports
            .transaction(move |tx| {
                tx.step_intent(row.id, Step::Withdraw)?;
                row.placement.map_or(Ok(()), |placement| tx.nowhere(placement))
            })
            .await
    }

    async fn copy(
        &mut self,
        from: CollectionId,
        to: CollectionId,
        rows: Vec<(IntentRow, Uid)>,
    ) -> Result<(), Fault> {
        let (Some((key, uid_validity)), Some((to_key, _))) = (self.place(from), self.place(to)) else {
            return Ok(());
        };
        // Two copies of one message into one folder cannot be told apart by where they came from.
        let mut once: BTreeMap<Uid, IntentRow> = BTreeMap::new();
        let mut again = Vec::new();
        for (row, uid) in rows {
            match once.contains_key(&uid) {
                true => again.push(row),
                false => drop(once.insert(uid, row)),
            }
        }
        let sent = self.send(once.values().cloned().collect(), to).await?;
        once.retain(|_, row| sent.iter().any(|one| one.id == row.id));
        let uids: UidSet = once.keys().copied().collect();
        let messages = Messages { folder: &key, uid_validity, uids: &uids };
        match self.remote.apply(messages, &MailOp::Copy { to: to_key }).await {
            Ok(applied) => self.copied(once, sent, applied.copied, to).await?,
            Err(failed) => self.put_off(sent, failed).await?,
        }
        for row in again {
            self.append(row).await?;
        }
        Ok(())
    }

    async fn copied(
        &mut self,
        asked: BTreeMap<Uid, IntentRow>,
        sent: Vec<IntentRow>,
        copied: Option<Copied>,
        to: CollectionId,
    ) -> Result<(), Fault> {
        let validity = self.place(to).map(|(_, validity)| validity);
        let Some(Copied { pairs, .. }) = copied.filter(|copied| Some(copied.uid_validity) == validity) else {
            return self.look_for(sent).await;
        };
        let places: BTreeMap<Uid, Uid> = pairs.into_iter().collect();
        self.pushed.messages += places.len() as u64;
        // What it does not name is gone there, or was copied all the same: servers need not name everything.
        let unnamed: Vec<IntentRow> = asked
            .iter()
            .filter(|(uid, _)| !places.contains_key(uid))
            .map(|(_, row)| row.id)
            .filter_map(|id| sent.iter().find(|row| row.id == id).cloned())
            .collect();
        self.ports
            .transaction(move |tx| {
                for (uid, row) in &asked {
                    if let (Some(placement), Some(new)) = (row.placement, places.get(uid)) {
                        tx.landed(Landed { placement, collection: to, uid: *new })?;
                        tx.step_intent(row.id, Step::Done)?;
                    }
                }
                Ok(())
            })
            .await?;
        match unnamed.is_empty() {
            true => Ok(()),
            false => self.look_for(unnamed).await,
        }
    }

    async fn append(&mut self, row: IntentRow) -> Result<(), Fault> {
        let (Some(placement), Some(to)) = (row.placement, row.collection) else { return Ok(()) };
        let Some((key, uid_validity)) = self.place(to) else { return Ok(()) };
        let (seat, bytes) =
            self.ports.transaction(move |tx| Ok((tx.seat(placement)?, tx.bytes_of(placement)?))).await?;
        let sent = self.send(vec![row.clone()], to).await?;
        if sent.is_empty() {
            return Ok(());
        }
        let flags = seat.placement.flags;
        let message =
            NewMessage { bytes: &bytes, flags: &flags, internal_date: Some(seat.placement.internal_date) };
        match self.remote.append(&key, message).await {
            Ok(Some(place)) if place.uid_validity == uid_validity => {
                self.pushed.messages += 1;
                self.appended(row.id, placement, to, place).await
            }
            Ok(_) => self.look_for(sent).await,
            Err(mut failed) => {
                failed.fault.action.push_str(&format!(" ({placement})"));
                self.put_off(sent, failed).await
            }
        }
    }

    async fn appended(
        &self,
        intent: i64,
        placement: PlacementId,
        collection: CollectionId,
        place: Place,
    ) -> Result<(), Fault> {
        self.ports
            .transaction(move |tx| {
                tx.landed(Landed { placement, collection, uid: place.uid })?;
                tx.step_intent(intent, Step::Done).map(drop)
            })
            .await
    }

    /// Notes that these go out now, and above what they will stand.
    async fn send(&self, rows: Vec<IntentRow>, to: CollectionId) -> Result<Vec<IntentRow>, Fault> {
        let Some((key, _)) = self.place(to) else { return Ok(Vec::new()) };
        let floor = self.floor(&key, Some(to)).await?;
        self.ports
            .durable_transaction(move |tx| {
                let mut sent = Vec::with_capacity(rows.len());
                for row in rows {
                    // A person may have deleted it, or put it elsewhere, since it was read.
                    let now = tx.intent(row.id)?.filter(|now| now.intent.state == State::Noted);
                    let Some(mut row) = now.filter(|now| now.collection == Some(to)) else { continue };
                    if let Operation::Append { copy_of, .. } = row.operation {
                        row.operation = Operation::Append { copy_of, floor: Some(floor) };
                        tx.set_operation(row.id, &row.operation)?;
                    }
                    tx.step_intent(row.id, Step::Send)?;
                    sent.push(row);
                }
                Ok(sent)
            })
            .await
    }

    /// What was not done is tried again later, what may have been done is looked for first.
    async fn put_off(&mut self, rows: Vec<IntentRow>, failed: WriteFault) -> Result<(), Fault> {
        let (now, reach) = (self.ports.clock.now(), failed.reach);
        let wish = failed.fault.retry_after_ms;
        let later: Vec<(i64, Timestamp)> = rows
            .iter()
            .map(|row| (row.id, pause(now, row.intent.attempt + 1, wish, &*self.ports.entropy)))
            .collect();
        self.ports
            .transaction(move |tx| {
                for (id, due) in &later {
                    match reach {
                        Reach::NotDone => tx.step_intent(*id, Step::Deferred { due: *due })?,
                        Reach::Unknown => tx.step_intent(*id, Step::Lost { due: now })?,
                    };
                }
                Ok(())
            })
            .await?;
        Err(failed.fault)
    }
}

fn pause(now: Timestamp, attempt: u32, wish_ms: Option<u64>, entropy: &dyn Entropy) -> Timestamp {
    let pause_ms = Backoff::default().pause_ms(attempt, wish_ms, entropy);
    now.plus_millis(pause_ms)
}
