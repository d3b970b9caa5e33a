//! Between two runs: one folder of which the server told that it changed, and what a person changed here. Both go the way that a run
//! goes, for that part alone; what does not fit (a move seen from one side) is put right by the next run.

use std::{sync::Arc, time::Duration};

use postrider_model::{Fault, FolderKey, FolderRole, Uid, UidSet};
use postrider_remote::{FetchWhat, MailWatch, MailWriter};
use postrider_store::Collection;
use tokio::sync::oneshot;

use super::folder::Outcome;
use super::{
    MailRun, Ports, RunContext, Submit, deliver,
    folder::{Renumbered, read_folder},
    folders::Folder,
    headers::Names,
    load::Load,
    look, push, sent_folder, settle, stopped,
};

/// How often it is looked whether a person changed something here.
const LOOK: Duration = Duration::from_millis(250);

/// The account's folders in the order in which they are worth watching: where mail arrives, what other programs of the same person
/// change, the rest by name.
///
/// # Errors
/// The store's, in words.
pub async fn folders_to_watch(ports: &Ports, run: &RunContext) -> Result<Vec<FolderKey>, Fault> {
    let account = run.account_id;
    let mut folders = ports.transaction(move |tx| tx.collections(account)).await?;
    folders.retain(|folder| folder.gone.is_none() && folder.cursor.is_some());
    let rank = |folder: &Collection| match folder.role {
        Some(FolderRole::Inbox) => 0,
        Some(FolderRole::Sent) => 1,
        Some(FolderRole::Drafts) => 2,
        Some(FolderRole::Junk | FolderRole::Trash) => 4,
        _ => 3,
    };
    folders.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name)));
    Ok(folders.into_iter().map(|folder| FolderKey(folder.key)).collect())
}

/// Takes in what arrived in a folder that the watch has just told of, on the connection that told it: another one may have to wait
/// until its server has found out too (Dovecot reads a Maildir's whole list anew, a fifth of a second for 48,000 messages). The
/// cursor stays where it is: this is what a run comes to that is cut off, and reading the folder's changes comes after it. Answers
/// with the folder's name and how many messages came.
///
/// # Errors
/// As a run's, and the watch's.
pub async fn take_arrived(
    ports: &Ports,
    watch: &mut dyn MailWatch,
    run: &RunContext,
    key: &FolderKey,
) -> Result<Option<(String, u64)>, Fault> {
    let Some(found) = followed(ports, run, key).await? else { return Ok(None) };
    // Without a whole reading behind it, what is new is not known.
    let Some(cursor) = found.cursor.filter(|cursor| cursor.complete) else { return Ok(None) };
    let (collection, validity) = (found.id, cursor.status.uid_validity);
    let highest = ports.transaction(move |tx| tx.highest_uid(collection)).await?.unwrap_or(0);
    let mut new = UidSet::range(cursor.status.uid_next.max(highest.saturating_add(1)), Uid::MAX);
    let mut names = Names::default();
    if !watch.fetch_arrived(validity, &new, FetchWhat::Identity, &mut names).await? {
        return Ok(None);
    }
    let mut load = Load::new(ports, run, Arc::from(found.name.as_str()), collection);
    if !names.0.is_empty() {
        let here = ports.transaction(move |tx| tx.insert_named(collection, &names.0)).await?;
        load.is_here(&here);
        new = new.difference(&here);
    }
    let fetched = watch.fetch_arrived(validity, &new, FetchWhat::Body, &mut load).await;
    // What came before a failure is committed all the same.
    let loaded = load.finish().await?;
    fetched?;
    Ok(Some((found.name, loaded.messages)))
}

async fn followed(ports: &Ports, run: &RunContext, key: &FolderKey) -> Result<Option<Collection>, Fault> {
    let (account, wanted) = (run.account_id, key.0.clone());
    ports
        .transaction(move |tx| {
            let mut folders = tx.collections(account)?.into_iter();
            Ok(folders.find(|folder| folder.key == wanted && folder.gone.is_none()))
        })
        .await
}

/// A folder that was read, and is to be settled.
pub struct FolderRead {
    outcome: Outcome,
    /// Its decoded name.
    pub folder: String,
    /// Messages that came or whose flags changed.
    pub messages: u64,
}

/// Reads one folder: what is new is committed, what is gone waits for [`settle_soon`]. `None` where the folder is not followed. One whose
/// UIDs changed their meaning is left to the next run, which lists: two folders may have swapped their names.
///
/// # Errors
/// As a run's.
pub async fn read_soon(
    ports: &Ports,
    remote: &dyn MailWriter,
    run: &RunContext,
    key: &FolderKey,
) -> Result<Option<FolderRead>, Fault> {
    let Some(found) = followed(ports, run, key).await? else { return Ok(None) };
    let folder = Folder {
        id: Some(found.id),
        key: key.clone(),
        name: found.name,
        role: found.role,
        cursor: found.cursor,
        listed: None,
    };
    let outcome = read_folder(ports, remote, run, &folder, Renumbered::Leave).await?;
    let messages = outcome.fetched + outcome.flags_changed;
    Ok(Some(FolderRead { outcome, folder: folder.name, messages }))
}

/// Settles what was read: what vanished from one of these folders and arrived in another was moved. What arrived and is known from a
/// folder that was not read waits for the next run, which sees whether it vanished there. Answers how many messages were moved or deleted.
///
/// # Errors
/// The store's, in words.
pub async fn settle_soon(ports: &Ports, run: &RunContext, read: Vec<FolderRead>) -> Result<u64, Fault> {
    let outcomes: Vec<Outcome> = read.into_iter().map(|one| one.outcome).collect();
    let settlement = settle::settle(ports, run, settle::Of::Some, &outcomes, &[]).await?;
    Ok(settlement.deleted + settlement.moved)
}

/// Sends what was changed here, and what waits in the outbox.
///
/// # Errors
/// As a run's.
pub async fn push_soon(
    ports: &Ports,
    remote: &dyn MailWriter,
    submit: Option<&Arc<dyn Submit>>,
    run: &RunContext,
) -> Result<MailRun, Fault> {
    ports.leave.to_begin()?;
    let mut mail = MailRun::default();
    mail.faults.extend(look::settle_unknown(ports, remote, run, None).await?);
    if let Some(submit) = submit {
        let account = run.account_id;
        // While a message is on its way no other is sent; once it is not any more, this is asked again.
        let waits = run.pending.as_ref().is_some_and(|pending| pending.under_way().is_some());
        if !waits && !ports.transaction(move |tx| tx.open_outbox(account)).await?.is_empty() {
            let told = sent_of(remote).await?;
            let sent = sent_folder(ports, remote, run, told).await?;
            mail.take_delivered(deliver(ports, submit, run, sent.map(|key| (remote, key))).await?);
        }
    }
    mail.take_pushed(push::push(ports, remote, run).await?);
    Ok(mail)
}

/// The server's folder for what was sent, by a listing.
pub(super) async fn sent_of(remote: &dyn MailWriter) -> Result<Option<FolderKey>, Fault> {
    let listing = remote.folders().await?;
    let mut sent = listing.into_iter().filter(|one| one.selectable && one.role == Some(FolderRole::Sent));
    Ok(sent.next().map(|folder| folder.key))
}

/// Waits until somebody else has changed the store; `seen` is what was answered last, 0 at first.
///
/// # Errors
/// The store's, in words.
pub async fn changed_here(ports: &Ports, seen: i64) -> Result<i64, Fault> {
    loop {
        let (answer, result) = oneshot::channel();
        ports.store.submit(Box::new(move |writer| {
            let _ = answer.send(writer.others());
        }));
        let now = result.await.map_err(|_| stopped())?.map_err(Fault::from)?;
        if now != seen {
            return Ok(now);
        }
        tokio::time::sleep(LOOK).await;
    }
}
