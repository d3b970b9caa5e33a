//! Second step of a run, for each folder: what changed there is read, flags are merged, new messages are stored.
//!
//! Nothing is deleted here and no cursor moves: both belong to `settle`, which sees all folders at once. Until then the old
//! cursor stands, so that a run that ends here is simply read again, without fetching what is stored (I3).

use std::{collections::BTreeMap, sync::Arc};

use postrider_model::{
    CollectionId, Fault, Flags, FolderStatus, MailChange, MailCursor, Uid, UidSet, Window,
};
use postrider_reconcile::{FlagPlan, FolderListing, KnownPlacement, plan_flags};
use postrider_remote::{Changes, ChangesRequest, FetchWhat, MailRemote};
use postrider_store::FlagUpdate;

use super::{
    Event, Ports, RunContext,
    folders::Folder,
    headers::named,
    load::Load,
    rematch::{left_to_fetch, rematch},
};

/// What a folder's reading came to, for `settle`.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The folder here; `None` only in a dry run.
    pub collection: Option<CollectionId>,
    pub name: String,
    pub role: Option<postrider_model::FolderRole>,
    /// Whether anything has to be settled: false where the folder had nothing to tell.
    pub changed: bool,
    /// Known UIDs that are gone there.
    pub gone: UidSet,
    /// Messages that a renumbering left without a UID: gone, unless they arrive elsewhere or again.
    pub adrift: u64,
    /// In a full listing: known UIDs that are there, and so are not to be held any longer.
    pub present: Option<UidSet>,
    pub came_back_empty: bool,
    /// Where to go on from, once what is gone is settled.
    pub cursor: Option<MailCursor>,
    /// Messages to fetch, or fetched.
    pub wanted: u64,
    pub fetched: u64,
    pub bytes: u64,
    pub flags_changed: u64,
    /// Messages known again after a renumbering.
    pub known_again: u64,
    pub warnings: Vec<String>,
}

/// What becomes of a folder whose UIDs changed their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renumbered {
    /// Its messages are known again by their content: all folders were listed, so that it surely is the folder that it was.
    Rematch,
    /// It is left alone: it may be another folder that has got its name, and only a listing tells.
    Leave,
}

/// Reads one folder.
pub(super) async fn read_folder(
    ports: &Ports,
    remote: &dyn MailRemote,
    run: &RunContext,
    folder: &Folder,
    if_renumbered: Renumbered,
) -> Result<Outcome, Fault> {
    let mut outcome =
        Outcome { collection: folder.id, name: folder.name.clone(), role: folder.role, ..Outcome::default() };
    let window = wanted_window(run.window, folder.cursor.as_ref());
    if let (Some(cursor), Some(listed)) = (&folder.cursor, &folder.listed)
        && cursor.is_current(listed, window)
    {
        return Ok(outcome);
    }
    let known = match folder.id {
        Some(id) => ports.transaction(move |tx| tx.known_uids(id)).await?,
        None => UidSet::EMPTY,
    };
    let request = ChangesRequest {
        since: folder.cursor.clone(),
        window,
        known: known.clone(),
        listed: folder.listed.clone(),
    };
    let reader = Reader { ports, remote, run, folder };
    match remote.changes(&folder.key, request).await? {
        Changes::None => return Ok(outcome),
        Changes::Feed(mut feed) => {
            outcome.changed = true;
            let mut listing = FolderListing::default();
            let mut wanted = UidSet::EMPTY;
            while let Some(page) = feed.next().await? {
                listing.take(page.scope, &page.changes);
                outcome.flags_changed += reader.merge_page(&page.changes).await?;
                wanted =
                    page.changes.iter().filter_map(wanted_uids).fold(wanted, |all, uids| all.union(uids));
                outcome.cursor = page.cursor.or(outcome.cursor);
            }
            drop(feed);
            outcome.gone = listing.gone(&known);
            outcome.present = listing.present_of(&known);
            outcome.came_back_empty = listing.came_back_empty();
            let wanted = wanted.union(&left_to_fetch(ports, remote, folder, &known.union(&wanted)).await?);
            reader.load(&mut outcome, wanted.difference(&known)).await?;
        }
        Changes::Renumbered(_) if if_renumbered == Renumbered::Leave => return Ok(outcome),
        Changes::Renumbered(renumbered) => {
            outcome.changed = true;
            let rematched = rematch(ports, remote, run, folder, &renumbered, window).await?;
            outcome.known_again = rematched.known_again;
            outcome.cursor = Some(cursor(&renumbered.status, window, true));
            outcome.came_back_empty = renumbered.present.is_empty();
            outcome.adrift = rematched.unmatched;
            reader.load(&mut outcome, rematched.fetch).await?;
        }
    }
    Ok(outcome)
}

/// The longer of the window that is configured and the one that is here: a shortened period deletes nothing (F2.1).
fn wanted_window(configured: Window, cursor: Option<&MailCursor>) -> Window {
    match cursor {
        Some(cursor) if !configured.is_longer_than(cursor.window) => cursor.window,
        _ => configured,
    }
}

pub(super) fn cursor(status: &FolderStatus, window: Window, complete: bool) -> MailCursor {
    MailCursor { status: status.clone(), complete, window }
}

fn wanted_uids(change: &MailChange) -> Option<&UidSet> {
    match change {
        MailChange::Wanted(uids) => Some(uids),
        _ => None,
    }
}

fn flag_change(change: &MailChange) -> Option<(Uid, &Flags, Option<u64>)> {
    match change {
        MailChange::Flags { uid, flags, mod_seq } => Some((*uid, flags, *mod_seq)),
        _ => None,
    }
}

/// Of how many messages the names are asked for before what is new among them is fetched. Folders are read side by side, and what one
/// of them has fetched meanwhile the others need not.
const NAMED_AT_ONCE: usize = 1_000;

/// One folder being read.
struct Reader<'a> {
    ports: &'a Ports,
    remote: &'a dyn MailRemote,
    run: &'a RunContext,
    folder: &'a Folder,
}

impl Reader<'_> {
    /// Merges a page's flags into what is here; answers how many messages that changes. What is here is read and written in one
    /// transaction, so that what a person changes meanwhile is not written over (I6).
    async fn merge_page(&self, changes: &[MailChange]) -> Result<u64, Fault> {
        let told: Vec<(Uid, Flags, Option<u64>)> = changes
            .iter()
            .filter_map(flag_change)
            .map(|(uid, flags, mod_seq)| (uid, flags.clone(), mod_seq))
            .collect();
        let Some(collection) = self.folder.id.filter(|_| !told.is_empty()) else { return Ok(0) };
        let context = self.run.change("flags changed on the server", self.ports);
        let dry_run = self.run.dry_run;
        self.ports
            .transaction(move |tx| {
                let uids: UidSet = told.iter().map(|(uid, ..)| *uid).collect();
                let known: BTreeMap<Uid, KnownPlacement> = tx
                    .placements(collection, &uids)?
                    .into_iter()
                    .filter_map(|one| {
                        Some((
                            one.uid?,
                            KnownPlacement { id: one.id, base: one.base_flags, local: one.flags },
                        ))
                    })
                    .collect();
                let plans =
                    plan_flags(&known, told.iter().map(|(uid, flags, mod_seq)| (*uid, flags, *mod_seq)));
                let changed = plans.len() as u64;
                if changed > 0 && !dry_run {
                    tx.update_flags(&flag_updates(plans), &context)?;
                }
                Ok(changed)
            })
            .await
    }

    /// Fetches what is not here yet.
    async fn load(&self, outcome: &mut Outcome, missing: UidSet) -> Result<(), Fault> {
        outcome.wanted = missing.len();
        let (Some(collection), Some(target)) = (self.folder.id, outcome.cursor.clone()) else {
            return Ok(());
        };
        if missing.is_empty() || self.run.dry_run {
            return Ok(());
        }
        self.ports.leave.to_load(0)?;
        self.anchor(collection, &target).await?;
        self.run.observer.event(Event::Fetching {
            account: &self.run.account,
            folder: &self.folder.name,
            messages: outcome.wanted,
        });
        let mut load = Load::new(self.ports, self.run, Arc::from(self.folder.name.as_str()), collection);
        let fetched = self.fetch(collection, target.status.uid_validity, &missing, &mut load).await;
        // What came before a failure is committed all the same: the next run need not fetch it again.
        let loaded = load.finish().await?;
        fetched?;
        self.run.observer.event(Event::FolderDone { account: &self.run.account, folder: &self.folder.name });
        outcome.fetched = loaded.messages;
        outcome.bytes = loaded.bytes;
        outcome.warnings.extend(loaded.left_out.iter().map(|(uid, size)| {
            format!(
                "message with UID {uid} in folder \"{}\" was left out: its {size} octets are over the limit",
                self.folder.name
            )
        }));
        if !missing.difference(&loaded.delivered).is_empty() {
            // Listed and not delivered: expunged meanwhile, or kept back by the server. The cursor that is in the store stays, so
            // that the next run reads the same again (I3).
            outcome.cursor = None;
        }
        Ok(())
    }

    /// Fetches messages. Where the server names what they hold, only what the account does not have: with labels for folders the same
    /// message stands in many, and a moved one is no new one.
    async fn fetch(
        &self,
        collection: CollectionId,
        validity: u32,
        missing: &UidSet,
        load: &mut Load<'_>,
    ) -> Result<(), Fault> {
        let mut left = missing.clone();
        while !left.is_empty() {
            let part: UidSet = left.iter().take(NAMED_AT_ONCE).collect();
            let named = named(self.remote, &self.folder.key, validity, &part).await?;
            if named.is_empty() {
                break;
            }
            let here = self.ports.transaction(move |tx| tx.insert_named(collection, &named)).await?;
            load.is_here(&here);
            let new = part.difference(&here);
            self.remote.fetch(&self.folder.key, validity, &new, FetchWhat::Body, load).await?;
            left = left.difference(&part);
        }
        self.remote.fetch(&self.folder.key, validity, &left, FetchWhat::Body, load).await
    }

    /// Gives the folder's UIDs their meaning before the first of them is stored. A cursor that has one stays: it is older, so it
    /// covers no more than what is here.
    async fn anchor(&self, collection: CollectionId, target: &MailCursor) -> Result<(), Fault> {
        let known = self.folder.cursor.as_ref().map(|cursor| cursor.status.uid_validity);
        if known == Some(target.status.uid_validity) {
            return Ok(());
        }
        let start = MailCursor { complete: false, ..target.clone() };
        self.ports.transaction(move |tx| tx.set_cursor(collection, &start)).await
    }
}

fn flag_updates(plans: Vec<FlagPlan>) -> Vec<FlagUpdate> {
    let update = |plan: FlagPlan| FlagUpdate {
        placement: plan.id,
        flags: plan.local,
        base_flags: plan.base,
        mod_seq: plan.mod_seq,
    };
    plans.into_iter().map(update).collect()
}
