//! A folder whose UIDs changed their meaning: what is here is known again by content, and only the rest is fetched (F2.5).

use std::collections::{BTreeMap, BTreeSet};

use postrider_journal::{Operation, State};
use postrider_model::{
    AccountId, CollectionId, Fault, MailChange, MailCursor, MatchKey, PlacementId, Uid, UidSet, Window,
};
use postrider_reconcile::{KnownPlacement, pair_by_content, plan_flags};
use postrider_remote::{Changes, ChangesRequest, MailRemote, Renumbered};
use postrider_store::{Discard, Matchable, Placement, Renumbering, StoreError, Tx};

use super::{
    Ports, RunContext,
    folder::cursor,
    folders::Folder,
    headers::{Header, fetch_headers},
};

/// What a renumbered folder came to.
pub(super) struct Rematched {
    /// Messages that are here and got their new UID.
    pub known_again: u64,
    /// What has to be fetched.
    pub fetch: UidSet,
    /// Messages here that were not found again by their headers.
    pub unmatched: u64,
}

/// Matches what is here with what is there, and gives what is known again its new UID. The new UIDVALIDITY is written in the same
/// transaction, so that a run that ends right after it goes on from there.
pub(super) async fn rematch(
    ports: &Ports,
    remote: &dyn MailRemote,
    run: &RunContext,
    folder: &Folder,
    renumbered: &Renumbered,
    window: Window,
) -> Result<Rematched, Fault> {
    tracing::info!(run = %run.run, account = %run.account, folder = %folder.name, why = %renumbered.why, "matching the folder again");
    let account = run.account_id;
    let (here, notes) = match folder.id {
        Some(id) => ports.transaction(move |tx| Ok((tx.all_placements(id)?, notes(tx, account)?))).await?,
        None => (Vec::new(), BTreeMap::new()),
    };
    // What was never sent is nothing that is there.
    let mine: Vec<(PlacementId, Option<MatchKey>)> = here
        .iter()
        .filter(|one| notes.get(&one.placement.id) != Some(&State::Noted))
        .map(|one| (one.placement.id, one.match_key))
        .collect();
    let there = match mine.is_empty() {
        true => Vec::new(),
        false => headers_to_compare(remote, folder, renumbered, &mine).await?,
    };
    let theirs: Vec<(Uid, Option<MatchKey>)> =
        there.iter().map(|header| (header.uid, header.match_key)).collect();
    let by_bytes = only_by_bytes(&here, &notes);
    let mut pairs = pair_by_content(&mine, &theirs);
    let (unsure, same): (Vec<_>, Vec<_>) = pairs.same.into_iter().partition(|(id, _)| by_bytes.contains(id));
    pairs.same = same;
    for (id, uid) in unsure {
        pairs.fetch.insert(uid);
        pairs.unmatched.push(id);
    }
    let unseen = renumbered.wanted.difference(&theirs.iter().map(|(uid, _)| *uid).collect());
    let fetch = worth_fetching(&pairs.fetch, renumbered, &mine, &theirs).union(&unseen);
    let rematched =
        Rematched { known_again: pairs.same.len() as u64, fetch, unmatched: pairs.unmatched.len() as u64 };
    if let Some(collection) = folder.id.filter(|_| !run.dry_run) {
        let anchor = cursor(&renumbered.status, window, false);
        write_down(ports, run, collection, anchor, renumber(&there, &pairs.same)).await?;
    }
    Ok(rematched)
}

/// Messages that are to be put somewhere, and how far that is.
fn notes(tx: &Tx<'_>, account: AccountId) -> Result<BTreeMap<PlacementId, State>, StoreError> {
    let rows = tx.intents(account)?;
    let appends = rows.into_iter().filter(|row| matches!(row.operation, Operation::Append { .. }));
    Ok(appends.filter_map(|row| Some((row.placement?, row.intent.state))).collect())
}

/// A header does not tell a message from what its move left behind, nor from one that was put there without an answer: of those the
/// bytes are fetched, and the end of the run tells which is which.
fn only_by_bytes(here: &[Matchable], notes: &BTreeMap<PlacementId, State>) -> BTreeSet<PlacementId> {
    let is_unsure = |one: &&Placement| {
        matches!(one.discard, Some(Discard::Rest | Discard::Left | Discard::Marked))
            || notes.contains_key(&one.id)
    };
    here.iter().map(|one| &one.placement).filter(is_unsure).map(|one| one.id).collect()
}

/// What a renumbering that was cut off still has to fetch from beyond the window: what may be one of the messages that it left
/// without a UID. In the window, all that is not here is fetched anyway.
pub(super) async fn left_to_fetch(
    ports: &Ports,
    remote: &dyn MailRemote,
    folder: &Folder,
    known: &UidSet,
) -> Result<UidSet, Fault> {
    let (Some(collection), Some(cursor)) = (folder.id, &folder.cursor) else { return Ok(UidSet::EMPTY) };
    if cursor.complete || cursor.window == Window::All {
        return Ok(UidSet::EMPTY);
    }
    let adrift = ports.transaction(move |tx| keys_adrift(tx, collection)).await?;
    if adrift.is_empty() {
        return Ok(UidSet::EMPTY);
    }
    let unknown = list_unknown(remote, folder, known).await?;
    let there = fetch_headers(remote, &folder.key, cursor.status.uid_validity, &unknown).await?;
    let may_be_here = |header: &&Header| header.match_key.is_none() || adrift.contains(&header.match_key);
    Ok(there.iter().filter(may_be_here).map(|header| header.uid).collect())
}

fn keys_adrift(tx: &Tx<'_>, collection: CollectionId) -> Result<BTreeSet<Option<MatchKey>>, StoreError> {
    let mut adrift: BTreeSet<PlacementId> = tx.adrift(collection)?.iter().map(|one| one.id).collect();
    adrift.extend(tx.awaited(collection)?.iter().map(|(one, ..)| one.id));
    let all = tx.all_placements(collection)?;
    Ok(all.iter().filter(|one| adrift.contains(&one.placement.id)).map(|one| one.match_key).collect())
}

/// The UIDs that are there and not here, however old.
async fn list_unknown(remote: &dyn MailRemote, folder: &Folder, known: &UidSet) -> Result<UidSet, Fault> {
    let request = ChangesRequest { since: None, window: Window::All, known: known.clone(), listed: None };
    let mut unknown = UidSet::EMPTY;
    if let Changes::Feed(mut feed) = remote.changes(&folder.key, request).await? {
        while let Some(page) = feed.next().await? {
            for change in &page.changes {
                if let MailChange::Wanted(uids) = change {
                    unknown = unknown.union(uids);
                }
            }
        }
    }
    Ok(unknown.difference(known))
}

/// The headers of what the window wants, and then, while anything here is not found, of what is older too: a message that was
/// moved into the folder late may be older than the window.
async fn headers_to_compare(
    remote: &dyn MailRemote,
    folder: &Folder,
    renumbered: &Renumbered,
    mine: &[(PlacementId, Option<MatchKey>)],
) -> Result<Vec<Header>, Fault> {
    let validity = renumbered.status.uid_validity;
    let mut there = fetch_headers(remote, &folder.key, validity, &renumbered.wanted).await?;
    let older = renumbered.present.difference(&renumbered.wanted);
    if !all_are_among(mine, &there) {
        there.extend(fetch_headers(remote, &folder.key, validity, &older).await?);
    }
    Ok(there)
}

/// Whether each message here has a header of its own there: of twins, as many have to be there.
fn all_are_among(mine: &[(PlacementId, Option<MatchKey>)], there: &[Header]) -> bool {
    let mut left: BTreeMap<MatchKey, usize> = BTreeMap::new();
    for key in there.iter().filter_map(|header| header.match_key) {
        *left.entry(key).or_default() += 1;
    }
    mine.iter().all(|(_, key)| {
        let count = key.and_then(|key| left.get_mut(&key)).filter(|count| **count > 0);
        count.map(|count| *count -= 1).is_some()
    })
}

/// Of what was not known again: all that the window wants, and of what is older only what may be a message that is here.
fn worth_fetching(
    fetch: &UidSet,
    renumbered: &Renumbered,
    mine: &[(PlacementId, Option<MatchKey>)],
    theirs: &[(Uid, Option<MatchKey>)],
) -> UidSet {
    let keys: BTreeSet<Option<MatchKey>> = mine.iter().map(|(_, key)| *key).collect();
    // A header that proves nothing, a draft's for one, may be that of any message here.
    let may_be_here: UidSet =
        theirs.iter().filter(|(_, key)| key.is_none() || keys.contains(key)).map(|(uid, _)| *uid).collect();
    fetch.intersection(&renumbered.wanted.union(&may_be_here))
}

/// The headers of what is known again.
fn renumber(there: &[Header], same: &[(PlacementId, Uid)]) -> Vec<(PlacementId, Header)> {
    let headers: BTreeMap<Uid, &Header> = there.iter().map(|header| (header.uid, header)).collect();
    same.iter().filter_map(|(id, uid)| Some((*id, (*headers.get(uid)?).clone()))).collect()
}

fn one_renumber(placement: &Placement, header: &Header) -> Renumbering {
    let known = KnownPlacement {
        id: placement.id,
        base: placement.base_flags.clone(),
        local: placement.flags.clone(),
    };
    let merged =
        plan_flags(&BTreeMap::from([(header.uid, known)]), [(header.uid, &header.flags, header.mod_seq)]);
    let (flags, base_flags) = match merged.into_iter().next() {
        Some(plan) => (plan.local, plan.base),
        None => (placement.flags.clone(), placement.base_flags.clone()),
    };
    Renumbering {
        placement: placement.id,
        uid: header.uid,
        internal_date: header.internal_date.unwrap_or(placement.internal_date),
        flags,
        base_flags,
        mod_seq: header.mod_seq,
    }
}

async fn write_down(
    ports: &Ports,
    run: &RunContext,
    collection: CollectionId,
    anchor: MailCursor,
    known_again: Vec<(PlacementId, Header)>,
) -> Result<(), Fault> {
    let context = run.change("the folder's UIDs changed on the server", ports);
    ports
        .transaction(move |tx| {
            // What a person changed while the headers came in counts too (I6).
            let renumbers = known_again
                .iter()
                .map(|(id, header)| Ok(one_renumber(&tx.seat(*id)?.placement, header)))
                .collect::<Result<Vec<_>, StoreError>>()?;
            tx.renumber(collection, &renumbers, &context)?;
            tx.set_cursor(collection, &anchor)
        })
        .await
}
