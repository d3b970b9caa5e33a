//! Looking before sending (I4): writes of which nobody knows what became of them are looked for on the server.
//!
//! A message that was put into a folder stands there at or above the UIDNEXT that was noted before. It is known again by its
//! header and size, else by its bytes. What a server that rewrites is given is known by Message-ID and INTERNALDATE, which is enough to spare
//! another sending, and never enough to erase anything: before the rest of a move is erased, the bytes have to be the same.

use std::collections::BTreeSet;

use async_trait::async_trait;
use postrider_formats::message;
use postrider_journal::{Event, Floor, Operation, State};
use postrider_model::{CollectionId, ErrorClass, Fault, FolderKey, PlacementId, Timestamp, Uid, UidSet};
use postrider_reconcile::{Moved, judge_move};
use postrider_remote::{BodySink, FetchWhat, FetchedMessage, MailWriter, Messages};
use postrider_store::{Context, Discard, IntentRow, Landed, Sought, StoreError, Tx};

use super::{
    Ports, RunContext,
    elsewhere::{Adrift, settle_elsewhere},
};

/// Settles what an earlier run sent without hearing of it, as far as that can be told now. `listed`: the folders that the server has.
/// Answers what could not be looked for.
///
/// # Errors
/// What keeps from everything else too: a login, a server that asks for patience, the store.
pub(super) async fn settle_unknown(
    ports: &Ports,
    remote: &dyn MailWriter,
    run: &RunContext,
    listed: Option<&BTreeSet<FolderKey>>,
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
            Err(fault) if fault.class == ErrorClass::Permanent => {
                match is_gone(ports, run, &row, listed).await? {
                    true => give_up(ports, &row).await?,
                    false => faults.push(fault),
                }
            }
            Err(fault) if fault.class == ErrorClass::Transient => faults.push(fault),
            settled => settled?,
        }
    }
    Ok(faults)
}

/// Whether a folder that it is about is surely not there any more. A refusal alone may pass.
async fn is_gone(
    ports: &Ports,
    run: &RunContext,
    row: &IntentRow,
    listed: Option<&BTreeSet<FolderKey>>,
) -> Result<bool, Fault> {
    let Some(listed) = listed else { return Ok(false) };
    let mut keys = Vec::new();
    if let Some(collection) = row.collection {
        keys.push(key_of(ports, run, collection).await?);
    }
    if let Operation::Move { to, followed, .. } = &row.operation {
        keys.push(target_key(ports, run, to, *followed).await?);
    }
    Ok(keys.iter().any(|key| !listed.contains(key)))
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
    let key = key_of(ports, run, collection).await?;
    match &row.operation {
        Operation::Append { floor: None, .. } => {
            settle_append(ports, row.id, placement, collection, None).await
        }
        Operation::Append { copy_of, floor: Some(floor) } => {
            // What the server copies it does not rewrite.
            let by = if copy_of.is_some() { By::Content } else { By::ContentOrId };
            let sought = sought(ports, placement).await?;
            match find(ports, remote, &key, *floor, &sought, by, Some(collection)).await? {
                Found::Renumbered => {
                    let (intent, floor, sought) = (row.id, *floor, &sought);
                    let adrift = Adrift { intent, placement, collection, floor, sought, by };
                    settle_elsewhere(ports, remote, run, &adrift).await
                }
                Found::At(uid) => settle_append(ports, row.id, placement, collection, Some(uid)).await,
                Found::Nowhere => settle_append(ports, row.id, placement, collection, None).await,
            }
        }
        Operation::Move { uid_validity, uid, to, followed, floor } => {
            let to = target_key(ports, run, to, *followed).await?;
            let is_there = is_there(remote, &key, *uid_validity, *uid).await?;
            let sought = sought(ports, placement).await?;
            let found = match find(ports, remote, &to, *floor, &sought, By::Bytes, *followed).await? {
                Found::At(uid) => Some(uid),
                Found::Nowhere | Found::Renumbered => None,
            };
            let task = MoveSettled {
                intent: row.id,
                placement,
                followed: *followed,
                moved: judge_move(is_there, found),
                context: run.sent_change("found again on the server", ports),
            };
            ports.transaction(move |tx| task.write(tx)).await
        }
    }
}

/// How the server calls the folder now that a move went to.
async fn target_key(
    ports: &Ports,
    run: &RunContext,
    then: &FolderKey,
    followed: Option<CollectionId>,
) -> Result<FolderKey, Fault> {
    match followed {
        Some(collection) => key_of(ports, run, collection).await,
        None => Ok(then.clone()),
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

/// It was put there, or is not there.
pub(super) async fn settle_append(
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
                None => absent(tx, intent, placement, now)?,
            }
            Ok(())
        })
        .await
}

/// It is not there: it is sent again, unless it was deleted here meanwhile.
pub(super) fn absent(
    tx: &mut Tx<'_>,
    intent: i64,
    placement: PlacementId,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.step_intent(intent, Event::Absent { due: now })?;
    // The next try is from the bytes: what was to be copied may be what is not there.
    tx.set_operation(intent, &Operation::Append { copy_of: None, floor: None })?;
    if tx.seat(placement)?.deleted.is_some() {
        tx.step_intent(intent, Event::Withdraw)?;
        tx.nowhere(placement)?;
    }
    Ok(())
}

struct MoveSettled {
    intent: i64,
    placement: PlacementId,
    followed: Option<CollectionId>,
    moved: Moved,
    context: Context,
}

impl MoveSettled {
    fn write(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let old = match self.moved {
            Moved::Done(_) => Old::Gone,
            _ => Old::Stays,
        };
        match self.moved {
            Moved::Done(uid) | Moved::Copied(uid) => {
                moved_away(tx, self.placement, self.followed, uid, old, &self.context)?;
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

/// What became of a moved message's old place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Old {
    /// Nothing is left there.
    Gone,
    /// It carries `\Deleted`, on a server that cannot erase it by itself.
    Marked,
    /// It is to be erased.
    Stays,
}

/// A message is in its new folder: here too where that is followed, else it is gone for this store. What is left in its old place stays
/// known, so that it is neither fetched as new nor forgotten.
pub(super) fn moved_away(
    tx: &mut Tx<'_>,
    placement: PlacementId,
    followed: Option<CollectionId>,
    uid: Uid,
    old: Old,
    context: &Context,
) -> Result<(), StoreError> {
    match (followed, old) {
        (Some(collection), _) => {
            let was = tx.seat(placement)?;
            tx.landed(Landed { placement, collection, uid })?;
            match old {
                Old::Gone => Ok(()),
                Old::Marked => tx.left_behind(&was, Discard::Left, context),
                Old::Stays => tx.left_behind(&was, Discard::Rest, context),
            }
        }
        (None, Old::Gone) => tx.erased_there(placement, context),
        (None, Old::Marked) => tx.marked_there(placement),
        (None, Old::Stays) => tx.expunge_rest(placement),
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

/// By what a message is known again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Its header and size, or its bytes where the header is too poor.
    Content,
    /// The same, or the Message-ID and the INTERNALDATE that it was given.
    ContentOrId,
    /// Its bytes.
    Bytes,
}

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The message, under that UID.
    At(Uid),
    /// Nothing.
    Nowhere,
    /// The folder has another UIDVALIDITY than when the message was put there: no UID can be compared with what is known.
    Renumbered,
}

/// Looks for a message in a folder, at or above the floor. What the store knows there already is somebody else.
pub(super) async fn find(
    ports: &Ports,
    remote: &dyn MailWriter,
    key: &FolderKey,
    floor: Floor,
    sought: &Sought,
    by: By,
    followed: Option<CollectionId>,
) -> Result<Found, Fault> {
    let uid_validity = remote.status(key).await?.uid_validity;
    if uid_validity != floor.uid_validity {
        return Ok(Found::Renumbered);
    }
    let above = UidSet::range(floor.uid_next.max(1), Uid::MAX);
    let there = remote.present(Messages { folder: key, uid_validity, uids: &above }).await?;
    let known = match followed {
        Some(id) => ports.transaction(move |tx| tx.known_uids(id)).await?,
        None => UidSet::EMPTY,
    };
    let candidates = there.difference(&known);
    if candidates.is_empty() {
        return Ok(Found::Nowhere);
    }
    let mut headers = Headers { sought, told: UidSet::EMPTY, same: UidSet::EMPTY, same_id: UidSet::EMPTY };
    remote.fetch(key, uid_validity, &candidates, FetchWhat::Header, &mut headers).await?;
    let Headers { told, same, same_id, .. } = headers;
    let by_id = if by == By::ContentOrId { same_id.last() } else { None };
    let to_compare = match (by, sought.match_key) {
        (_, None) => candidates.clone(),
        (By::Bytes, Some(_)) => same,
        (By::Content | By::ContentOrId, Some(_)) => {
            return match same.iter().next().or(by_id) {
                Some(uid) => Ok(Found::At(uid)),
                None => nowhere(&candidates, &told),
            };
        }
    };
    let mut bodies = Bodies { hash: sought.hash, told: UidSet::EMPTY, same: None };
    if !to_compare.is_empty() {
        remote.fetch(key, uid_validity, &to_compare, FetchWhat::Body, &mut bodies).await?;
    }
    match bodies.same.or(by_id) {
        Some(uid) => Ok(Found::At(uid)),
        None => nowhere(&candidates.difference(&to_compare), &told)
            .and_then(|_| nowhere(&to_compare, &bodies.told)),
    }
}

/// It is nowhere among those, if all of them were told. What a server lists and does not show may be the very message: to take it for
/// absent would be to send it a second time.
fn nowhere(listed: &UidSet, told: &UidSet) -> Result<Found, Fault> {
    let kept_back = listed.difference(told);
    if kept_back.is_empty() {
        return Ok(Found::Nowhere);
    }
    let why = format!("the server lists {} messages that it does not show", kept_back.len());
    Err(Fault::new(ErrorClass::Transient, "look for a message that was put there", why))
}

/// Compares headers.
struct Headers<'a> {
    sought: &'a Sought,
    told: UidSet,
    same: UidSet,
    same_id: UidSet,
}

#[async_trait]
impl BodySink for Headers<'_> {
    async fn take(&mut self, message: FetchedMessage) -> Result<(), Fault> {
        self.told.insert(message.uid);
        let Ok(header) = &message.content else { return Ok(()) };
        let key = message::match_key(header, message.size);
        if key.is_some() && key == self.sought.match_key {
            self.same.insert(message.uid);
        }
        let id = message::parse(header).message_id;
        let seconds = |date: Timestamp| date.seconds();
        let fits = |date| message.internal_date.map(seconds) == Some(seconds(date));
        if id.is_some() && id == self.sought.message_id && self.sought.internal_date.is_none_or(fits) {
            self.same_id.insert(message.uid);
        }
        Ok(())
    }
}

/// Compares bytes.
struct Bodies {
    hash: [u8; 32],
    told: UidSet,
    same: Option<Uid>,
}

#[async_trait]
impl BodySink for Bodies {
    async fn take(&mut self, message: FetchedMessage) -> Result<(), Fault> {
        self.told.insert(message.uid);
        if let Ok(bytes) = &message.content
            && *blake3::hash(bytes).as_bytes() == self.hash
        {
            self.same.get_or_insert(message.uid);
        }
        Ok(())
    }
}
