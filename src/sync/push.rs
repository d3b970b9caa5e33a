//! Last step of a run but one: what was done here is done on the server (F2.4).
//!
//! Everything that comes in is merged before, so that what is sent is decided on what the server has now. What may be repeated
//! without harm (flags, erasing) is sent as it stands in the store; what makes a message appear somewhere is noted first (I4). What
//! the server echoes becomes the base, not what it was told.

use std::collections::{BTreeMap, BTreeSet};

use postrider_journal::{Event as Step, Floor, Operation};
use postrider_model::{
    CollectionId, ErrorClass, Fault, Flags, FolderKey, FolderRole, PermanentFlags, PlacementId, RemoteFolder,
    Uid, UidSet,
};
use postrider_reconcile::{
    Deletions, Gone, LocalChange, Push, PushOp, Verdict, judge_deletions, merge_flags, plan_push,
};
use postrider_remote::{Applied, Copied, Echo, MailOp, MailWriter, Messages, Reach, WriteFault};
use postrider_store::{Collection, Discard, FlagUpdate, IntentRow, Side, StoreError, Tx, Unsent};

use super::{
    Ports, RunContext, Sending,
    append::push_appends,
    look::{Old, moved_away, settle_one},
};

/// So many writes may fail before the rest waits for the next run.
const PATIENCE: u32 = 3;

/// What was sent.
#[derive(Debug, Default)]
pub(super) struct Pushed {
    /// Messages that were changed, moved, deleted, put there.
    pub messages: u64,
    /// What failed.
    pub faults: Vec<Fault>,
    /// Why nothing is sent now, where a person has to do something first.
    pub waits: Option<&'static str>,
}

/// What sending needs to know of an account.
pub(super) struct Sender<'a> {
    pub ports: &'a Ports,
    pub remote: &'a dyn MailWriter,
    pub run: &'a RunContext,
    pub folders: BTreeMap<CollectionId, Collection>,
    pub pushed: Pushed,
    /// Writes that failed and may succeed another time.
    failures: u32,
}

/// Sends all that waits, as far as the server lets.
pub(super) async fn push(ports: &Ports, remote: &dyn MailWriter, run: &RunContext) -> Result<Pushed, Fault> {
    match ports.leave.to_send() {
        Ok(Sending::Free) => {}
        Ok(Sending::Waits(why)) => return Ok(Pushed { waits: Some(why), ..Pushed::default() }),
        Err(fault) => return Ok(Pushed { faults: vec![fault], ..Pushed::default() }),
    }
    let account = run.account_id;
    let (folders, intents) =
        ports.transaction(move |tx| Ok((tx.collections(account)?, tx.intents(account)?))).await?;
    let folders = folders.into_iter().filter(|one| one.gone.is_none()).map(|one| (one.id, one)).collect();
    let mut sender = Sender { ports, remote, run, folders, pushed: Pushed::default(), failures: 0 };
    let on_their_way: BTreeSet<PlacementId> = intents.iter().filter_map(|row| row.placement).collect();
    let goes_on = push_appends(&mut sender, intents).await?;
    if goes_on {
        push_changes(&mut sender, &on_their_way).await?;
    }
    Ok(sender.pushed)
}

/// Flags, moves, deletions. What is on its way with a note is left alone until that is settled.
async fn push_changes(sender: &mut Sender<'_>, on_their_way: &BTreeSet<PlacementId>) -> Result<(), Fault> {
    let account = sender.run.account_id;
    let (unsent, permanent) =
        sender.ports.transaction(move |tx| Ok((tx.unsent(account)?, tx.permanent_flags(account)?))).await?;
    let held = hold(sender, &unsent).await?;
    let waits =
        |one: &&Unsent| !on_their_way.contains(&one.placement.id) && !held.contains(&one.placement.id);
    let changes: Vec<LocalChange> = unsent.iter().filter(waits).filter_map(local_change).collect();
    let local: BTreeMap<PlacementId, (Flags, Flags)> =
        changes.iter().map(|change| (change.id, (change.base.clone(), change.local.clone()))).collect();
    for push in plan_push(&changes, &permanent) {
        if !sender.may_go_on() {
            break;
        }
        let sent = match &push.what {
            PushOp::Flags { add, remove } => sender.flags(&push, add, remove, &local).await,
            PushOp::Move(to) => match sender.folders.get(to).map(|folder| FolderKey(folder.key.clone())) {
                Some(key) => sender.transfer(&push, key, Some(*to)).await,
                None => Ok(()),
            },
            PushOp::Trash => sender.throw_away(&push).await,
            PushOp::Expunge => sender.expunge(&push).await,
        };
        if !sender.goes_on(sent) {
            break;
        }
    }
    Ok(())
}

pub(super) fn local_change(one: &Unsent) -> Option<LocalChange> {
    let placement = &one.placement;
    Some(LocalChange {
        id: placement.id,
        folder: one.collection,
        uid: placement.uid?,
        base: placement.base_flags.clone(),
        local: placement.flags.clone(),
        to: placement.here,
        gone: placement.discard.map(|how| match how {
            Discard::Trash => Gone::Trash,
            Discard::Expunge => Gone::Expunge,
            Discard::Rest => Gone::Rest,
            Discard::Marked | Discard::Left => Gone::Marked,
        }),
    })
}

/// Holds what would be a mass deletion on the server (I7), and answers what is held.
async fn hold(sender: &Sender<'_>, unsent: &[Unsent]) -> Result<BTreeSet<PlacementId>, Fault> {
    let mut by_folder: BTreeMap<CollectionId, Vec<PlacementId>> = BTreeMap::new();
    let is_deletion =
        |one: &&Unsent| matches!(one.placement.discard, Some(Discard::Trash | Discard::Expunge));
    for one in unsent.iter().filter(is_deletion).filter(|one| !one.allowed) {
        by_folder.entry(one.collection).or_default().push(one.placement.id);
    }
    let mut held = BTreeSet::new();
    for (collection, ids) in by_folder {
        let role = sender.folders.get(&collection).and_then(|folder| folder.role);
        let now = sender.ports.clock.now();
        let of_folder = sender
            .ports
            .transaction(move |tx| {
                let verdict = judge(tx, collection, role, ids.len() as u64)?;
                match verdict {
                    (Verdict::Held(why), of) => {
                        tx.hold(collection, Side::Here, why, &ids, of, now)?;
                        Ok(ids)
                    }
                    (Verdict::Go, _) => {
                        tx.release(collection, Side::Here)?;
                        Ok(Vec::new())
                    }
                }
            })
            .await?;
        held.extend(of_folder);
    }
    Ok(held)
}

/// The verdict on so many deletions in a folder, and of how many messages they are.
fn judge(
    tx: &Tx<'_>,
    collection: CollectionId,
    role: Option<FolderRole>,
    count: u64,
) -> Result<(Verdict, u64), StoreError> {
    let of = tx.count_live(collection)? + count;
    Ok((judge_deletions(Deletions { count, of, role, listing_was_empty: false }), of))
}

impl Sender<'_> {
    /// Keeps a failure; whether there is any sense in going on: a server that does not answer will not answer the next either.
    pub(super) fn goes_on(&mut self, sent: Result<(), Fault>) -> bool {
        let Err(fault) = sent else { return true };
        let class = fault.class;
        self.pushed.faults.push(fault);
        match class {
            ErrorClass::Permanent => true,
            // One folder's refusal is not every folder's; a server that is away refuses them all.
            ErrorClass::Transient => {
                self.failures += 1;
                self.failures < PATIENCE
            }
            _ => false,
        }
    }

    /// Whether what comes of another write could be noted.
    pub(super) fn may_go_on(&mut self) -> bool {
        let leave = self.ports.leave.to_go_on();
        leave.map_err(|fault| self.pushed.faults.push(fault)).is_ok()
    }

    /// The folder's key and UIDVALIDITY; `None` where it was never read.
    pub(super) fn place(&self, folder: CollectionId) -> Option<(FolderKey, u32)> {
        let folder = self.folders.get(&folder)?;
        Some((FolderKey(folder.key.clone()), folder.cursor.as_ref()?.status.uid_validity))
    }

    async fn flags(
        &mut self,
        push: &Push,
        add: &Flags,
        remove: &Flags,
        local: &BTreeMap<PlacementId, (Flags, Flags)>,
    ) -> Result<(), Fault> {
        let Some((key, uid_validity)) = self.place(push.folder) else { return Ok(()) };
        let uids = uids(push);
        let op = MailOp::Flags { add: add.clone(), remove: remove.clone() };
        let messages = Messages { folder: &key, uid_validity, uids: &uids };
        let applied = self.remote.apply(messages, &op).await.map_err(|failed| failed.fault)?;
        let told: Vec<(PlacementId, Uid, Flags)> = push
            .messages
            .iter()
            .filter_map(|(id, uid)| Some((*id, *uid, with(&local.get(id)?.0, add, remove))))
            .collect();
        let context = self.run.sent_change("flags changed on the server as here", self.ports);
        let folder = push.folder;
        let Applied { echoed, permanent, .. } = applied;
        // The last word on a message counts.
        let echoed: BTreeMap<Uid, Echo> = echoed.into_iter().map(|echo| (echo.uid, echo)).collect();
        self.pushed.messages += echoed.len() as u64;
        self.ports
            .transaction(move |tx| {
                note_permanent(tx, folder, permanent.as_ref())?;
                for (id, uid, told) in &told {
                    let Some(echo) = echoed.get(uid) else { continue };
                    let now = tx.seat(*id)?.placement.flags;
                    let update = FlagUpdate {
                        placement: *id,
                        flags: merge_flags(told, &now, &echo.flags),
                        base_flags: echo.flags.clone(),
                        mod_seq: echo.mod_seq,
                    };
                    tx.echoed(&[update], &context)?;
                }
                Ok(())
            })
            .await
    }

    /// Moves messages to a folder of the server, which need not be followed here.
    async fn transfer(
        &mut self,
        push: &Push,
        to: FolderKey,
        followed: Option<CollectionId>,
    ) -> Result<(), Fault> {
        let Some((key, uid_validity)) = self.place(push.folder) else { return Ok(()) };
        let floor = self.floor(&to, followed).await?;
        let operation = |uid| Operation::Move { uid_validity, uid, to: to.clone(), followed, floor };
        let notes = push.messages.iter().map(|(id, uid)| (*id, *uid, operation(*uid))).collect();
        let rows = self.note(push.folder, notes).await?;
        let uids = uids(push);
        let messages = Messages { folder: &key, uid_validity, uids: &uids };
        match self.remote.apply(messages, &MailOp::Move { to: to.clone() }).await {
            Ok(applied) => self.moved(push, rows, applied, floor, followed).await,
            Err(failed) => self.failed(rows, failed).await,
        }
    }

    async fn moved(
        &mut self,
        push: &Push,
        rows: Vec<IntentRow>,
        applied: Applied,
        floor: Floor,
        followed: Option<CollectionId>,
    ) -> Result<(), Fault> {
        let Applied { copied, left_marked, gone, permanent, .. } = applied;
        let copied = copied.filter(|copied| copied.uid_validity == floor.uid_validity);
        let Some(Copied { pairs, .. }) = copied else {
            // It says that it did it and not where the messages are.
            return self.look_for(rows).await;
        };
        let places: BTreeMap<Uid, Uid> = pairs.into_iter().collect();
        self.pushed.messages += places.len() as u64;
        let context = self.run.sent_change("moved on the server as here", self.ports);
        let (folder, messages) = (push.folder, push.messages.clone());
        self.ports
            .transaction(move |tx| {
                note_permanent(tx, folder, permanent.as_ref())?;
                for ((id, uid), row) in messages.iter().zip(&rows) {
                    match places.get(uid) {
                        Some(new) => {
                            let old = match (left_marked.contains(*uid), gone.contains(*uid)) {
                                (true, _) => Old::Marked,
                                (false, true) => Old::Gone,
                                (false, false) => Old::Stays,
                            };
                            moved_away(tx, *id, followed, *new, old, &context)?;
                            tx.step_intent(row.id, Step::Done)?;
                        }
                        // It was gone already: what reads the folder next says what became of it.
                        None => drop(tx.step_intent(row.id, Step::Stale)?),
                    }
                }
                Ok(())
            })
            .await
    }

    /// Into the server's folder for what was deleted, which is not followed here; away where the server has none.
    async fn throw_away(&mut self, push: &Push) -> Result<(), Fault> {
        let listing = self.remote.folders().await?;
        let is_trash = |folder: &&RemoteFolder| folder.selectable && folder.role == Some(FolderRole::Trash);
        match listing.into_iter().find(|folder| is_trash(&folder)) {
            Some(trash) => self.transfer(push, trash.key, None).await,
            None => self.expunge(push).await,
        }
    }

    async fn expunge(&mut self, push: &Push) -> Result<(), Fault> {
        let Some((key, uid_validity)) = self.place(push.folder) else { return Ok(()) };
        let uids = uids(push);
        let messages = Messages { folder: &key, uid_validity, uids: &uids };
        let applied = self.remote.apply(messages, &MailOp::Expunge).await.map_err(|failed| failed.fault)?;
        let context = self.run.sent_change("deleted on the server as here", self.ports);
        let (folder, messages) = (push.folder, push.messages.clone());
        let Applied { gone, left_marked, permanent, .. } = applied;
        self.pushed.messages += gone.union(&left_marked).len();
        self.ports
            .transaction(move |tx| {
                note_permanent(tx, folder, permanent.as_ref())?;
                for (id, uid) in &messages {
                    if gone.contains(*uid) {
                        tx.erased_there(*id, &context)?;
                    } else if left_marked.contains(*uid) {
                        tx.marked_there(*id)?;
                    }
                }
                Ok(())
            })
            .await
    }

    /// Above what a message that is put into that folder now will stand.
    pub(super) async fn floor(&self, to: &FolderKey, followed: Option<CollectionId>) -> Result<Floor, Fault> {
        let cursor = followed.and_then(|id| self.folders.get(&id)).and_then(|folder| folder.cursor.as_ref());
        let status = match cursor.filter(|cursor| cursor.status.uid_next > 0) {
            Some(cursor) => cursor.status.clone(),
            None => self.remote.status(to).await?,
        };
        Ok(Floor { uid_validity: status.uid_validity, uid_next: status.uid_next })
    }

    /// Notes writes as sent, on the disk, before the first octet of them is on the wire.
    async fn note(
        &self,
        folder: CollectionId,
        writes: Vec<(PlacementId, Uid, Operation)>,
    ) -> Result<Vec<IntentRow>, Fault> {
        let (account, now) = (self.run.account_id, self.ports.clock.now());
        self.ports
            .durable_transaction(move |tx| {
                let mut noted = BTreeSet::new();
                for (placement, _, operation) in &writes {
                    let id = tx.add_intent(account, *placement, folder, operation, now)?;
                    tx.step_intent(id, Step::Send)?;
                    noted.insert(id);
                }
                let mut rows = tx.intents(account)?;
                rows.retain(|row| noted.contains(&row.id));
                Ok(rows)
            })
            .await
    }

    /// Nobody said where the messages went: they are looked for.
    pub(super) async fn look_for(&mut self, rows: Vec<IntentRow>) -> Result<(), Fault> {
        let (ids, now) = (ids(&rows), self.ports.clock.now());
        self.ports
            .transaction(move |tx| {
                ids.iter().try_for_each(|id| tx.step_intent(*id, Step::Lost { due: now }).map(drop))
            })
            .await?;
        for row in &rows {
            settle_one(self.ports, self.remote, self.run, row).await?;
            self.pushed.messages += 1;
        }
        Ok(())
    }

    /// Writes that failed: what surely was not done is as before, what may have been is looked for by the next run.
    pub(super) async fn failed(&mut self, rows: Vec<IntentRow>, failed: WriteFault) -> Result<(), Fault> {
        let (ids, now, reach) = (ids(&rows), self.ports.clock.now(), failed.reach);
        self.ports
            .transaction(move |tx| {
                for id in &ids {
                    match reach {
                        Reach::NotDone => {
                            tx.step_intent(*id, Step::Deferred { due: now })?;
                            tx.step_intent(*id, Step::Withdraw)?;
                        }
                        Reach::Unknown => drop(tx.step_intent(*id, Step::Lost { due: now })?),
                    }
                }
                Ok(())
            })
            .await?;
        Err(failed.fault)
    }
}

fn ids(rows: &[IntentRow]) -> Vec<i64> {
    rows.iter().map(|row| row.id).collect()
}

fn uids(push: &Push) -> UidSet {
    push.messages.iter().map(|(_, uid)| *uid).collect()
}

/// Those flags with some set and some taken away.
fn with(flags: &Flags, add: &Flags, remove: &Flags) -> Flags {
    let mut told = flags.clone();
    add.system().for_each(|flag| told.insert(flag));
    remove.system().for_each(|flag| told.remove(flag));
    add.keywords().iter().for_each(|keyword| told.insert_keyword(keyword.clone()));
    remove.keywords().iter().for_each(|keyword| told.remove_keyword(keyword));
    told
}

pub(super) fn note_permanent(
    tx: &mut Tx<'_>,
    folder: CollectionId,
    permanent: Option<&PermanentFlags>,
) -> Result<(), StoreError> {
    permanent.map_or(Ok(()), |permanent| tx.set_permanent_flags(folder, permanent))
}
