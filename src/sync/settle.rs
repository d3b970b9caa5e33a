//! Last step of a run: with all folders read, what vanished is settled, and the cursors move.
//!
//! A message that vanished in one folder and arrived in another was moved and keeps its id. What is left is deleted here, with
//! its bytes kept for restoring (I1), unless the guard holds it (I7). All of it, and the cursors that cover it, is one
//! transaction (I3).

use std::collections::{BTreeMap, BTreeSet};

use postrider_journal::Event as Step;
use postrider_model::{
    AccountId, CollectionId, Fault, FolderRole, MailCursor, MessageId, PlacementId, SystemFlag, UidSet,
};
use postrider_reconcile::{Deletions, Placed, Settled, Verdict, judge_deletions, merge_flags, pair_moves};
use postrider_store::{Collection, Context, Discard, Placement, Seat, Side, StoreError, Tx};

use super::{Ports, RunContext, folder::Outcome, look::absent};

/// What became of the vanished.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Settlement {
    pub moved: u64,
    pub deleted: u64,
}

/// Which folders were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// Those that are followed.
    All,
    /// Some of them: what arrived in these may have been moved there from one that was not looked at.
    Some,
}

/// Settles what the folders' readings found, and moves their cursors.
pub(super) async fn settle(
    ports: &Ports,
    run: &RunContext,
    of: Of,
    outcomes: &[Outcome],
    vanished_folders: &[CollectionId],
) -> Result<Settlement, Fault> {
    let folders: Vec<Settling> =
        outcomes.iter().filter(|outcome| outcome.changed).filter_map(Settling::new).collect();
    if folders.is_empty() && of == Of::Some {
        return Ok(Settlement::default());
    }
    let task = Task {
        account: run.account_id,
        of,
        folders,
        read: outcomes.iter().filter_map(|outcome| outcome.collection).collect(),
        vanished_folders: vanished_folders.to_vec(),
        context: run.change("deleted on the server", ports),
        moved: run.change("moved on the server", ports),
    };
    ports.transaction(move |tx| task.run(tx)).await
}

/// One folder's part.
struct Settling {
    collection: CollectionId,
    role: Option<FolderRole>,
    gone: UidSet,
    present: Option<UidSet>,
    came_back_empty: bool,
    cursor: Option<MailCursor>,
}

impl Settling {
    fn new(outcome: &Outcome) -> Option<Self> {
        Some(Self {
            collection: outcome.collection?,
            role: outcome.role,
            gone: outcome.gone.clone(),
            present: outcome.present.clone(),
            came_back_empty: outcome.came_back_empty,
            cursor: outcome.cursor.clone(),
        })
    }
}

struct Task {
    account: AccountId,
    of: Of,
    folders: Vec<Settling>,
    /// Folders that were read in this run, whether anything was new in them or not.
    read: BTreeSet<CollectionId>,
    vanished_folders: Vec<CollectionId>,
    context: Context,
    moved: Context,
}

impl Task {
    fn run(&self, tx: &mut Tx<'_>) -> Result<Settlement, StoreError> {
        let mut settlement = Settlement::default();
        let mut vanished = Vec::new();
        let arrivals = self.meet_awaited(tx)?;
        for folder in &self.folders {
            vanished.extend(self.vanished_in(tx, folder)?);
        }
        let settled = self.pair(tx, &vanished, &arrivals)?;
        for (old, arrived) in &settled.moved {
            self.adopt(tx, *old, *arrived)?;
        }
        settlement.moved = settled.moved.len() as u64 + self.adopt_older(tx, &arrivals, &settled.moved)?;
        for folder in &self.folders {
            let gone: Vec<PlacementId> = settled
                .gone
                .iter()
                .filter(|placed| placed.collection == folder.collection)
                .map(|placed| placed.placement)
                .collect();
            self.delete_or_hold(tx, folder, &gone, &mut settlement)?;
            if let Some(cursor) = &folder.cursor {
                tx.set_cursor(folder.collection, cursor)?;
            }
        }
        if self.of == Of::All {
            // Also where nothing is new: what came between two runs has been waiting for this one.
            self.read.iter().try_for_each(|folder| tx.arrived(*folder))?;
        }
        Ok(settlement)
    }

    /// Pairs what vanished with what arrived. A message that somebody has comes before a twin of it that was deleted here. What was
    /// deleted goes on being so where its folder was numbered anew, and, if it is only to go to the trash, where somebody moved it;
    /// what is to be erased for good is erased where it was or not at all: what arrived may be a twin, and this one gone by our own
    /// hand, without an answer.
    fn pair(&self, tx: &Tx<'_>, vanished: &[Placed], arrived: &[Placed]) -> Result<Settled, StoreError> {
        let (mut live, mut dead) = (Vec::new(), Vec::new());
        for one in vanished {
            match tx.seat(one.placement)?.deleted {
                Some(_) => dead.push(*one),
                None => live.push(*one),
            }
        }
        live.sort_by_key(|one| one.placement);
        let mut settled = pair_moves(&live, arrived);
        let taken: BTreeSet<PlacementId> = settled.moved.iter().map(|(_, arrived)| *arrived).collect();
        let mut left: Vec<Placed> =
            arrived.iter().filter(|one| !taken.contains(&one.placement)).copied().collect();
        left.sort_by_key(|one| one.placement);
        for one in dead {
            let Placement { uid, discard, .. } = tx.seat(one.placement)?.placement;
            let is_it = |came: &Placed| {
                came.message == one.message
                    && match (uid, discard) {
                        (None, _) => came.collection == one.collection,
                        (Some(_), Some(Discard::Trash)) => came.collection != one.collection,
                        _ => false,
                    }
            };
            match left.iter().position(is_it) {
                Some(at) => settled.moved.push((one.placement, left.remove(at).placement)),
                None => settled.gone.push(one),
            }
        }
        Ok(settled)
    }

    /// What is gone from a folder: by UID, and what a renumbering left without one, once the folder was read to its end. What was
    /// held before and is still gone is among it, so that the guard judges the whole; what is there again is held no longer.
    fn vanished_in(&self, tx: &mut Tx<'_>, folder: &Settling) -> Result<Vec<Placed>, StoreError> {
        if let Some(present) = &folder.present {
            let again: Vec<PlacementId> = tx
                .placements(folder.collection, present)?
                .iter()
                .filter(|one| one.held.is_some() && one.discard.is_none())
                .map(|one| one.id)
                .collect();
            tx.unhold(&again)?;
        }
        let mut gone: BTreeMap<PlacementId, Placed> = BTreeMap::new();
        let placed = |one: &Placement| (one.id, placed_in(one, folder.collection));
        for one in tx.placements(folder.collection, &folder.gone)? {
            match one.discard {
                // What was left of a move is no half of another one.
                Some(how) if how.is_rest() || how == Discard::Marked => {
                    tx.delete_placements(&[one.id], &self.context)?;
                }
                _ => {
                    gone.extend([placed(&one)]);
                }
            }
        }
        gone.extend(tx.held_placements(folder.collection)?.iter().map(placed));
        if folder.cursor.as_ref().is_some_and(|cursor| cursor.complete) {
            for one in tx.adrift(folder.collection)? {
                match one.discard.is_some_and(|how| how.is_rest() || how == Discard::Marked) {
                    true => {
                        tx.delete_placements(&[one.id], &self.context)?;
                    }
                    false => gone.extend([placed(&one)]),
                }
            }
        }
        Ok(gone.into_values().collect())
    }

    /// Arrivals that no vanished message claimed may be the second half of a move whose first half was seen in an earlier run, or
    /// come from a folder that vanished in this one. What stands in a folder that was not looked at may come from there: that is for
    /// the run to see.
    fn adopt_older(
        &self,
        tx: &mut Tx<'_>,
        arrivals: &[Placed],
        moved: &[(PlacementId, PlacementId)],
    ) -> Result<u64, StoreError> {
        let claimed: BTreeSet<PlacementId> = moved.iter().map(|(_, arrived)| *arrived).collect();
        let mut left: Vec<Placed> = Vec::new();
        for one in arrivals.iter().filter(|placed| !claimed.contains(&placed.placement)) {
            if self.of == Of::All || !self.stands_unseen(tx, one.message)? {
                left.push(*one);
            }
        }
        if left.is_empty() {
            return Ok(0);
        }
        // Twins arrive as two placements of one message; each place where it stood counts once.
        let messages: BTreeSet<MessageId> = left.iter().map(|placed| placed.message).collect();
        let messages: Vec<MessageId> = messages.into_iter().collect();
        let strays = tx.strays(&messages, &self.vanished_folders)?;
        let older: Vec<Placed> =
            strays.iter().filter(|seat| seat.placement.discard.is_none()).map(placed).collect();
        let found = pair_moves(&older, &left).moved;
        for (old, arrived) in &found {
            self.adopt(tx, *old, *arrived)?;
        }
        Ok(found.len() as u64)
    }

    /// Whether the message stood, when that was looked at last, in a folder that was not read.
    fn stands_unseen(&self, tx: &Tx<'_>, message: MessageId) -> Result<bool, StoreError> {
        Ok(tx.live_of(message)?.iter().any(|seat| !self.read.contains(&seat.collection)))
    }

    /// What came in this run or in one before that ended before it settled, and is still there.
    fn arrived(&self, tx: &Tx<'_>) -> Result<Vec<Placed>, StoreError> {
        let is_gone = |seat: &Seat| {
            let folder = self.folders.iter().find(|folder| folder.collection == seat.collection);
            folder.is_some_and(|folder| seat.placement.uid.is_some_and(|uid| folder.gone.contains(uid)))
        };
        Ok(tx.arriving(self.account)?.iter().filter(|seat| !is_gone(seat)).map(placed).collect())
    }

    /// Messages that were put into a folder without an answer may be among what arrived there; answers what arrived besides. In a folder
    /// that has other UIDs since, this is the only way to know them; those that did not come with a whole reading are not there. There,
    /// twins that surely stood in the folder come first: whether the other was ever put there nobody knows, and it is put again.
    fn meet_awaited(&self, tx: &mut Tx<'_>) -> Result<Vec<Placed>, StoreError> {
        let mut left = self.arrived(tx)?;
        for folder in &self.folders {
            // The rest of a move that was numbered anew is still to be erased, and what was marked is still marked.
            for rest in tx.adrift(folder.collection)? {
                if let Some(at) = self.stands_again(tx, folder.collection, &rest, &left)? {
                    self.adopt(tx, rest.id, left.remove(at).placement)?;
                }
            }
            for (awaited, intent, validity) in tx.awaited(folder.collection)? {
                let elsewhere = self.has_the_number(tx, folder, validity)?;
                let now = folder.cursor.as_ref().filter(|cursor| cursor.complete);
                let is_numbered_anew =
                    folder.cursor.as_ref().is_none_or(|cursor| Some(cursor.status.uid_validity) != validity);
                let mut met = None;
                for into in [Some(folder.collection), elsewhere].into_iter().flatten() {
                    let is_it = |one: &Placed| one.collection == into && one.message == awaited.message;
                    let of_it = left.iter().filter(|one| is_it(one)).count();
                    let kept = if is_numbered_anew { stood(tx, into, awaited.message)? } else { 0 };
                    met = met.or_else(|| left.iter().position(is_it).filter(|_| of_it > kept));
                }
                match met {
                    Some(at) => {
                        self.adopt(tx, awaited.id, left.remove(at).placement)?;
                        tx.step_intent(intent, Step::Found)?;
                    }
                    // Where another folder has the number, the next look tells.
                    None if elsewhere.is_none()
                        && now.is_some_and(|cursor| Some(cursor.status.uid_validity) != validity) =>
                    {
                        absent(tx, intent, awaited.id, self.context.at)?;
                    }
                    None => {}
                }
            }
        }
        Ok(left)
    }

    /// The other folder that has by now the number under which a message was put into this one: folders changed their names between.
    fn has_the_number(
        &self,
        tx: &Tx<'_>,
        folder: &Settling,
        validity: Option<u32>,
    ) -> Result<Option<CollectionId>, StoreError> {
        let number = |cursor: &MailCursor| cursor.status.uid_validity;
        if validity.is_none() || folder.cursor.as_ref().map(number) == validity {
            return Ok(None);
        }
        let here = tx.collections(self.account)?;
        let has_it = |one: &&Collection| {
            let read = self.folders.iter().find(|read| read.collection == one.id);
            let cursor = read.and_then(|read| read.cursor.as_ref()).or(one.cursor.as_ref());
            one.gone.is_none() && one.id != folder.collection && cursor.map(number) == validity
        };
        Ok(here.iter().find(has_it).map(|one| one.id))
    }

    /// Where, among what arrived, stands what a move left behind, or a deletion that could only be marked. What was marked carries its
    /// mark. A rest without one may be the moved message itself, where folders changed their names, unless that surely stands
    /// elsewhere.
    fn stands_again(
        &self,
        tx: &Tx<'_>,
        folder: CollectionId,
        one: &Placement,
        arrived: &[Placed],
    ) -> Result<Option<usize>, StoreError> {
        let is_proven = match one.discard {
            Some(Discard::Left | Discard::Marked) => false,
            Some(Discard::Rest) => self.stands_elsewhere(tx, one.message, arrived)?,
            _ => return Ok(None),
        };
        let is_it = |came: &Placed| {
            came.collection == folder && came.message == one.message && (came.marked || is_proven)
        };
        Ok(arrived.iter().position(is_it))
    }

    /// Whether every placement of the message but those that arrived is surely where it was, and is to stay. One that carries a mark
    /// for deletion may be the very rest, taken by its header for the message where folders changed their names.
    fn stands_elsewhere(
        &self,
        tx: &Tx<'_>,
        message: MessageId,
        arrived: &[Placed],
    ) -> Result<bool, StoreError> {
        let mut others = tx.live_of(message)?;
        others.retain(|seat| !arrived.iter().any(|came| came.placement == seat.placement.id));
        let stands = |seat: &Seat| {
            let is_gone = |uid| {
                self.folders.iter().any(|one| one.collection == seat.collection && one.gone.contains(uid))
            };
            let is_marked = seat.placement.base_flags.has(SystemFlag::Deleted);
            let is_there = seat.placement.uid.is_some_and(|uid| !is_gone(uid));
            self.read.contains(&seat.collection) && is_there && !is_marked
        };
        Ok(!others.is_empty() && others.iter().all(stands))
    }

    /// The two are one message. Flags that were changed here and are not sent yet go with it.
    fn adopt(&self, tx: &mut Tx<'_>, old: PlacementId, arrived: PlacementId) -> Result<(), StoreError> {
        let (was, now) = (tx.seat(old)?.placement, tx.seat(arrived)?.placement);
        let flags = merge_flags(&was.base_flags, &was.flags, &now.flags);
        tx.adopt(old, arrived, &flags, &self.moved)
    }

    /// What is held stays held until a person has spoken or it is there again, even where the folder grew so that the guard would
    /// let it pass by now. What was moved elsewhere is not in the folder any more: a folder that loses its other half is emptied.
    fn delete_or_hold(
        &self,
        tx: &mut Tx<'_>,
        folder: &Settling,
        gone: &[PlacementId],
        settlement: &mut Settlement,
    ) -> Result<(), StoreError> {
        let of = tx.count_live(folder.collection)?;
        let mut live = Vec::with_capacity(gone.len());
        for id in gone {
            match tx.seat(*id)?.deleted {
                // It was deleted here, and now is deleted there too.
                Some(_) => drop(tx.delete_placements(&[*id], &self.context)?),
                None => live.push(*id),
            }
        }
        let deletions = Deletions {
            count: live.len() as u64,
            of,
            role: folder.role,
            listing_was_empty: folder.came_back_empty,
        };
        match judge_deletions(deletions) {
            Verdict::Go => {
                let held: BTreeSet<PlacementId> =
                    tx.held_placements(folder.collection)?.iter().map(|one| one.id).collect();
                let free: Vec<PlacementId> = live.iter().filter(|id| !held.contains(id)).copied().collect();
                tx.delete_placements(&free, &self.context)?;
                settlement.deleted += free.len() as u64;
            }
            Verdict::Held(why) => {
                tx.hold(folder.collection, Side::Server, why, &live, of, self.context.at)?;
            }
        }
        Ok(())
    }
}

/// How many copies of a message stood in a folder, whoever has them, before it was numbered anew, and are to be known again.
fn stood(tx: &Tx<'_>, collection: CollectionId, message: MessageId) -> Result<usize, StoreError> {
    let is_one = |one: &&Placement| one.message == message && one.discard.is_none() && one.held.is_none();
    Ok(tx.adrift(collection)?.iter().filter(is_one).count())
}

fn placed(seat: &Seat) -> Placed {
    placed_in(&seat.placement, seat.collection)
}

fn placed_in(one: &Placement, collection: CollectionId) -> Placed {
    let marked = one.base_flags.has(SystemFlag::Deleted);
    Placed { placement: one.id, message: one.message, collection, marked }
}
