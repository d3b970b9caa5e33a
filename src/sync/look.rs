//! Looking before sending (I4): writes of which nobody knows what became of them are looked for on the server.
//!
//! A message that was put into a folder stands there at or above the UIDNEXT that was noted before. It is known again by its
//! header and size, else by its bytes; a server that rewrites what it is given is known by the Message-ID.

use async_trait::async_trait;
use postrider_formats::message;
use postrider_journal::{Event, Floor, Operation, State};
use postrider_model::{CollectionId, ErrorClass, Fault, FolderKey, PlacementId, Uid, UidSet};
use postrider_reconcile::{Moved, judge_move};
use postrider_remote::{BodySink, FetchWhat, FetchedMessage, MailWriter, Messages};
use postrider_store::{Context, Discard, IntentRow, Landed, Sought};

use super::{Ports, RunContext};

/// Settles what an earlier run sent without hearing of it. Answers what could not be settled and never can.
///
/// # Errors
/// What keeps from looking: until it is known what became of these, nothing else may be read.
pub(super) async fn settle_unknown(
    ports: &Ports,
    remote: &dyn MailWriter,
    run: &RunContext,
) -> Result<Vec<Fault>, Fault> {
    let account = run.account_id;
    let intents = ports
        .transaction(move |tx| {
            let mut open = tx.intents(account)?;
            open.retain(|row| matches!(row.intent.state, State::Sent | State::Unknown));
            for row in &open {
                tx.step_intent(row.id, Event::Restarted)?;
            }
            Ok(open)
        })
        .await?;
    let mut faults = Vec::new();
    for row in intents {
        match settle_one(ports, remote, run, &row).await {
            // The folder is gone, for one: it will not be told another time either.
            Err(fault) if fault.class == ErrorClass::Permanent => {
                faults.push(fault);
                give_up(ports, &row).await?;
            }
            // Whatever is read before this is settled would be taken for something else.
            settled => settled?,
        }
    }
    Ok(faults)
}

/// It cannot be looked for: what is wanted is as before, and is tried again.
async fn give_up(ports: &Ports, row: &IntentRow) -> Result<(), Fault> {
    let (id, now) = (row.id, ports.clock.now());
    let is_move = matches!(row.operation, Operation::Move { .. });
    ports
        .transaction(move |tx| {
            tx.step_intent(id, Event::Absent { due: now })?;
            if is_move {
                tx.step_intent(id, Event::Withdraw)?;
            }
            Ok(())
        })
        .await
}

/// Looks for one of them, which is `Unknown`.
pub(super) async fn settle_one(
    ports: &Ports,
    remote: &dyn MailWriter,
    run: &RunContext,
    row: &IntentRow,
) -> Result<(), Fault> {
    let (Some(placement), Some(collection)) = (row.placement, row.collection) else { return Ok(()) };
    let context = run.sent_change("found again on the server", ports);
    match &row.operation {
        Operation::Append { floor, .. } => {
            let found = match floor {
                Some(floor) => {
                    let key = key_of(ports, run, collection).await?;
                    find(ports, remote, &key, *floor, sought(ports, placement).await?, Some(collection))
                        .await?
                }
                None => None,
            };
            settle_append(ports, row.id, placement, collection, found).await
        }
        Operation::Move { uid_validity, uid, to, followed, floor } => {
            let key = key_of(ports, run, collection).await?;
            let is_there = is_there(remote, &key, *uid_validity, *uid).await?;
            let found = find(ports, remote, to, *floor, sought(ports, placement).await?, *followed).await?;
            let moved = judge_move(is_there, found);
            let task = MoveSettled { intent: row.id, placement, followed: *followed, moved, context };
            ports.transaction(move |tx| task.write(tx)).await
        }
    }
}

/// Whether that UID still is in the folder. In a renumbered folder no UID says anything, and what is there is matched anew.
async fn is_there(
    remote: &dyn MailWriter,
    key: &FolderKey,
    uid_validity: u32,
    uid: Uid,
) -> Result<bool, Fault> {
    if remote.status(key).await?.uid_validity != uid_validity {
        return Ok(false);
    }
    let uids = UidSet::range(uid, uid);
    Ok(!remote.present(Messages { folder: key, uid_validity, uids: &uids }).await?.is_empty())
}

async fn settle_append(
    ports: &Ports,
    intent: i64,
    placement: PlacementId,
    collection: CollectionId,
    found: Option<Uid>,
) -> Result<(), Fault> {
    let now = ports.clock.now();
    ports
        .transaction(move |tx| {
            match found {
                Some(uid) => {
                    tx.landed(Landed { placement, collection, uid })?;
                    tx.step_intent(intent, Event::Found)?;
                }
                None => drop(tx.step_intent(intent, Event::Absent { due: now })?),
            }
            Ok(())
        })
        .await
}

struct MoveSettled {
    intent: i64,
    placement: PlacementId,
    followed: Option<CollectionId>,
    moved: Moved,
    context: Context,
}

impl MoveSettled {
    fn write(&self, tx: &mut postrider_store::Tx<'_>) -> Result<(), postrider_store::StoreError> {
        match self.moved {
            Moved::Done(uid) => {
                land(tx, self.placement, self.followed, uid, &self.context)?;
                tx.step_intent(self.intent, Event::Found)?;
            }
            Moved::Copied(uid) => {
                match self.followed {
                    Some(_) => {
                        let was = tx.seat(self.placement)?;
                        land(tx, self.placement, self.followed, uid, &self.context)?;
                        tx.left_behind(&was, Discard::Expunge, &self.context)?;
                    }
                    None => tx.expunge_rest(self.placement)?,
                }
                tx.step_intent(self.intent, Event::Found)?;
            }
            Moved::NotDone | Moved::Vanished => {
                tx.step_intent(self.intent, Event::Absent { due: self.context.at })?;
                tx.step_intent(self.intent, Event::Withdraw)?;
            }
        }
        Ok(())
    }
}

/// A message is in its new folder: here too where that is followed, else it is gone for this store.
pub(super) fn land(
    tx: &mut postrider_store::Tx<'_>,
    placement: PlacementId,
    followed: Option<CollectionId>,
    uid: Uid,
    context: &Context,
) -> Result<(), postrider_store::StoreError> {
    match followed {
        Some(collection) => tx.landed(Landed { placement, collection, uid }),
        None => tx.erased_there(placement, context),
    }
}

async fn sought(ports: &Ports, placement: PlacementId) -> Result<Sought, Fault> {
    ports.transaction(move |tx| tx.sought(placement)).await
}

/// How the server calls a folder.
async fn key_of(ports: &Ports, run: &RunContext, collection: CollectionId) -> Result<FolderKey, Fault> {
    let account = run.account_id;
    let folders = ports.transaction(move |tx| tx.collections(account)).await?;
    let found = folders.into_iter().find(|one| one.id == collection);
    found.map(|one| FolderKey(one.key)).ok_or_else(|| {
        Fault::new(ErrorClass::Permanent, "look for a message", "its folder is not known here any more")
    })
}

/// The UID of that message in a folder: at or above the floor, or anywhere where the folder was renumbered since. What the store
/// knows there already is somebody else.
pub(super) async fn find(
    ports: &Ports,
    remote: &dyn MailWriter,
    key: &FolderKey,
    floor: Floor,
    sought: Sought,
    followed: Option<CollectionId>,
) -> Result<Option<Uid>, Fault> {
    let uid_validity = remote.status(key).await?.uid_validity;
    let is_same = uid_validity == floor.uid_validity;
    let above = UidSet::range(if is_same { floor.uid_next.max(1) } else { 1 }, Uid::MAX);
    let there = remote.present(Messages { folder: key, uid_validity, uids: &above }).await?;
    let known = match followed.filter(|_| is_same) {
        Some(id) => ports.transaction(move |tx| tx.known_uids(id)).await?,
        None => UidSet::EMPTY,
    };
    let candidates = there.difference(&known);
    if candidates.is_empty() {
        return Ok(None);
    }
    let mut headers = Headers { sought: &sought, same: None, same_id: UidSet::EMPTY };
    remote.fetch(key, uid_validity, &candidates, FetchWhat::Header, &mut headers).await?;
    let Headers { same, same_id, .. } = headers;
    if same.is_some() {
        return Ok(same);
    }
    if sought.match_key.is_none() {
        let mut bodies = Bodies { hash: sought.hash, same: None };
        remote.fetch(key, uid_validity, &candidates, FetchWhat::Body, &mut bodies).await?;
        if bodies.same.is_some() {
            return Ok(bodies.same);
        }
    }
    Ok(same_id.last())
}

/// Compares headers.
struct Headers<'a> {
    sought: &'a Sought,
    same: Option<Uid>,
    same_id: UidSet,
}

#[async_trait]
impl BodySink for Headers<'_> {
    async fn take(&mut self, message: FetchedMessage) -> Result<(), Fault> {
        let Ok(header) = &message.content else { return Ok(()) };
        let key = message::match_key(header, message.size);
        if key.is_some() && key == self.sought.match_key {
            self.same.get_or_insert(message.uid);
        }
        let id = message::parse(header).message_id;
        if id.is_some() && id == self.sought.message_id {
            self.same_id.insert(message.uid);
        }
        Ok(())
    }
}

/// Compares bytes.
struct Bodies {
    hash: [u8; 32],
    same: Option<Uid>,
}

#[async_trait]
impl BodySink for Bodies {
    async fn take(&mut self, message: FetchedMessage) -> Result<(), Fault> {
        if let Ok(bytes) = &message.content
            && *blake3::hash(bytes).as_bytes() == self.hash
        {
            self.same.get_or_insert(message.uid);
        }
        Ok(())
    }
}
