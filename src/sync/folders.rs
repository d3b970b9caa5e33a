//! First step of a run: the account's folders, from a complete listing.

use std::collections::BTreeSet;

use postrider_model::{
    CollectionId, Fault, FolderKey, FolderRole, FolderStatus, MailCursor, RemoteFolder, UidSet,
};
use postrider_reconcile::{Follow, FreezeReason, KnownFolder, plan_folders};
use postrider_remote::MailRemote;
use postrider_store::{Collection, NewCollection};

use super::{Ports, RunContext, headers::fetch_headers, is_for_all};

/// A folder that the run goes into.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    /// Its id here; `None` only in a dry run, for one that is not here yet.
    pub id: Option<CollectionId>,
    pub key: FolderKey,
    pub name: String,
    pub role: Option<FolderRole>,
    pub cursor: Option<MailCursor>,
    pub listed: Option<FolderStatus>,
}

/// What the listing came to.
#[derive(Debug, Clone, Default)]
pub(super) struct Folders {
    pub follow: Vec<Folder>,
    /// Frozen in this run because they vanished: what stood there may have moved.
    pub vanished: Vec<CollectionId>,
    /// What was done about folders, in words for a plan and a log.
    pub changes: Vec<FolderChange>,
    /// Wanted by the configuration and not on the server.
    pub missing: Vec<String>,
    /// Where the server keeps what was sent, followed or not.
    pub sent: Option<FolderKey>,
    /// All folders that it has.
    pub listed: BTreeSet<FolderKey>,
    /// What kept from telling which folder one is; it is not followed in this run.
    pub faults: Vec<Fault>,
}

/// Something that happened to a folder as such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderChange {
    /// Here from now on.
    New(String),
    /// The same folder under another name.
    Renamed(String, String),
    /// Followed again.
    Thawed(String),
    /// Kept as it is and followed no more.
    Frozen(String, FreezeReason),
}

/// Lists, decides, and (but for a dry run) writes down what is followed.
pub(super) async fn follow_folders(
    ports: &Ports,
    remote: &dyn MailRemote,
    run: &RunContext,
) -> Result<Folders, Fault> {
    let listing = remote.folders().await?;
    let account = run.account_id;
    let here = ports.transaction(move |tx| tx.collections(account)).await?;
    let known: Vec<KnownFolder> = here.iter().map(known_folder).collect();
    let mut plan = plan_folders(&listing, &known, &run.selection);
    let mut renamed = BTreeSet::new();
    let mut faults = Vec::new();
    for nth in 0..plan.follow.len() {
        let Some(follow) = plan.follow.get(nth) else { break };
        match find_renamed(ports, remote, follow, &renamed).await {
            Ok(None) => {}
            Ok(Some(old)) => {
                renamed.insert(old);
                plan.rename(nth, old);
            }
            Err(fault) if is_for_all(&fault) => return Err(fault),
            Err(fault) => {
                plan = plan_folders(&listing, &known, &run.selection);
                plan.leave_undecided();
                faults.push(fault);
                break;
            }
        }
    }
    let changes = changes(&plan.follow, &plan.freeze, &here);
    let vanished =
        plan.freeze.iter().filter(|(_, why)| *why == FreezeReason::Vanished).map(|(id, _)| *id).collect();
    let ids = match run.dry_run || changes.is_empty() && roles_agree(&plan.follow, &here) {
        true => plan.follow.iter().map(|follow| follow.known).collect(),
        false => write_down(ports, run, &plan.follow, &plan.freeze).await?,
    };
    let follow =
        plan.follow.into_iter().zip(ids).map(|(follow, id)| folder(follow.remote, id, &here)).collect();
    let is_sent = |folder: &&RemoteFolder| folder.selectable && folder.role == Some(FolderRole::Sent);
    let sent = listing.iter().find(is_sent).map(|folder| folder.key.clone());
    let listed = listing.iter().map(|folder| folder.key.clone()).collect();
    Ok(Folders { follow, vanished, changes, missing: plan.missing, sent, listed, faults })
}

fn known_folder(collection: &Collection) -> KnownFolder {
    KnownFolder {
        id: collection.id,
        key: collection.key.clone(),
        mailbox_id: collection.mailbox_id.clone(),
        cursor: collection.cursor.clone(),
        frozen: collection.gone.is_some(),
    }
}

fn folder(remote: RemoteFolder, id: Option<CollectionId>, here: &[Collection]) -> Folder {
    let cursor =
        here.iter().find(|collection| Some(collection.id) == id).and_then(|found| found.cursor.clone());
    Folder { id, key: remote.key, name: remote.name, role: remote.role, cursor, listed: remote.status }
}

fn changes(
    follow: &[Follow],
    freeze: &[(CollectionId, FreezeReason)],
    here: &[Collection],
) -> Vec<FolderChange> {
    let by_id = |id: CollectionId| here.iter().find(|collection| collection.id == id);
    let mut changes = Vec::new();
    for one in follow {
        match one.known.and_then(by_id) {
            None => changes.push(FolderChange::New(one.remote.name.clone())),
            Some(old) if old.key != one.remote.key.0 => {
                changes.push(FolderChange::Renamed(old.name.clone(), one.remote.name.clone()));
            }
            Some(old) if old.gone.is_some() => changes.push(FolderChange::Thawed(old.name.clone())),
            Some(_) => {}
        }
    }
    let frozen = |(id, why): &(CollectionId, FreezeReason)| {
        by_id(*id).map(|collection| FolderChange::Frozen(collection.name.clone(), *why))
    };
    changes.extend(freeze.iter().filter_map(frozen));
    changes
}

fn roles_agree(follow: &[Follow], here: &[Collection]) -> bool {
    follow.iter().all(|one| {
        let old = here.iter().find(|collection| Some(collection.id) == one.known);
        old.is_some_and(|old| old.role == one.remote.role && old.mailbox_id == one.remote.mailbox_id)
    })
}

async fn write_down(
    ports: &Ports,
    run: &RunContext,
    follow: &[Follow],
    freeze: &[(CollectionId, FreezeReason)],
) -> Result<Vec<Option<CollectionId>>, Fault> {
    let (account, now) = (run.account_id, ports.clock.now());
    let (follow, freeze) = (follow.to_vec(), freeze.to_vec());
    ports
        .transaction(move |tx| {
            // What is frozen or renamed frees its name first: another folder may stand under it now.
            for (id, why) in &freeze {
                tx.freeze_collection(*id, now, why.name())?;
            }
            for one in &follow {
                if let Some(id) = one.known {
                    tx.release_key(id, &one.remote.key.0)?;
                }
            }
            let mut ids = Vec::with_capacity(follow.len());
            for one in &follow {
                let remote = &one.remote;
                let described = NewCollection {
                    key: remote.key.0.clone(),
                    name: remote.name.clone(),
                    role: remote.role,
                    mailbox_id: remote.mailbox_id.clone(),
                };
                ids.push(Some(match one.known {
                    Some(id) => {
                        tx.update_collection(id, &described)?;
                        tx.thaw_collection(id)?;
                        id
                    }
                    None => tx.create_collection(account, &described)?,
                }));
            }
            Ok(ids)
        })
        .await
}

/// The first of the candidates whose messages are the new folder's: some of the oldest and of the newest are compared by their
/// headers. A folder of which nothing can be compared is not taken for renamed; what it held is known again by its bytes.
async fn find_renamed(
    ports: &Ports,
    remote: &dyn MailRemote,
    follow: &Follow,
    taken: &BTreeSet<CollectionId>,
) -> Result<Option<CollectionId>, Fault> {
    const SAMPLE: usize = 4;
    let Some(status) = &follow.remote.status else { return Ok(None) };
    for &candidate in follow.maybe_renamed_from.iter().filter(|id| !taken.contains(id)) {
        let here = ports.transaction(move |tx| tx.all_placements(candidate)).await?;
        let keyed: Vec<_> =
            here.iter().filter_map(|one| Some((one.placement.uid?, one.match_key?))).collect();
        let sample: Vec<_> = keyed.iter().take(SAMPLE).chain(keyed.iter().rev().take(SAMPLE)).collect();
        let uids: UidSet = sample.iter().map(|(uid, _)| *uid).collect();
        if uids.is_empty() {
            continue;
        }
        let there = fetch_headers(remote, &follow.remote.key, status.uid_validity, &uids).await?;
        let same = |uid, key| there.iter().any(|header| header.uid == uid && header.match_key == Some(key));
        let differs = there.iter().any(|header| {
            !sample.iter().any(|(uid, key)| *uid == header.uid && header.match_key == Some(*key))
        });
        if !differs && sample.iter().any(|(uid, key)| same(*uid, *key)) {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}
