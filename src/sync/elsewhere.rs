//! A message that was put into a folder by its name while folders changed their names: into which one it went is told by the
//! UIDVALIDITY that was noted before, and that folder is known here under another name by now.
//!
//! Rule: whoever is found there is the message, and goes to where it is wanted as any other that stands elsewhere; it is put anywhere a
//! second time only where it is in no folder of that number, and no reading that matches a folder anew will meet it.

use postrider_journal::{Event, Floor};
use postrider_model::{AccountId, CollectionId, Fault, FolderKey, PlacementId};
use postrider_remote::MailWriter;
use postrider_store::{Collection, Context, Sought, StoreError, Tx};

use super::{
    Ports, RunContext, is_for_all,
    look::{By, Found, find, settle_append},
};

/// A message that waits in `collection`, and what is known of where it was put.
pub(super) struct Adrift<'a> {
    pub intent: i64,
    pub placement: PlacementId,
    pub collection: CollectionId,
    pub floor: Floor,
    pub sought: &'a Sought,
    pub by: By,
}

/// Settles it, where that can be told now.
pub(super) async fn settle_elsewhere(
    ports: &Ports,
    remote: &dyn MailWriter,
    run: &RunContext,
    adrift: &Adrift<'_>,
) -> Result<(), Fault> {
    let Adrift { intent, placement, collection, floor, .. } = *adrift;
    let account = run.account_id;
    let mut folders = ports.transaction(move |tx| tx.collections(account)).await?;
    folders.retain(|folder| folder.gone.is_none());
    let (mut is_being_read, mut namesake) = (false, None);
    for folder in &folders {
        let (key, known) = (FolderKey(folder.key.clone()), validity(folder));
        let now = match remote.status(&key).await {
            Ok(status) => status.uid_validity,
            Err(fault) if is_for_all(&fault) => return Err(fault),
            // It may be there: that is waited for.
            Err(_) => {
                is_being_read = true;
                continue;
            }
        };
        if folder.id == collection || now == floor.uid_validity {
            is_being_read |= known != Some(now);
        }
        if folder.id == collection && known != Some(now) {
            let has_it = |one: &&Collection| one.id != collection && validity(one) == Some(now);
            namesake = folders.iter().find(has_it).map(|one| (key.clone(), one));
        }
        // By another number its UIDs mean something else here.
        if now != floor.uid_validity || known != Some(now) {
            continue;
        }
        let (there, context) = (folder.id, run.sent_change("found again on the server", ports));
        let met = ports
            .transaction(move |tx| meet(tx, account, (placement, intent), (there, floor), &context))
            .await?;
        if met {
            return Ok(());
        }
        match find(ports, remote, &key, floor, adrift.sought, adrift.by, Some(there)).await? {
            Found::At(uid) => return settle_append(ports, intent, placement, there, Some(uid)).await,
            Found::Nowhere => {}
            Found::Renumbered => return Ok(()),
        }
    }
    // The name is another folder's since the message was put there by it, or since shortly before.
    if let Some((key, folder)) = namesake
        && let Some(cursor) = &folder.cursor
    {
        let above = Floor { uid_validity: cursor.status.uid_validity, uid_next: cursor.status.uid_next };
        let found = find(ports, remote, &key, above, adrift.sought, adrift.by, Some(folder.id)).await?;
        if let Found::At(uid) = found {
            return settle_append(ports, intent, placement, folder.id, Some(uid)).await;
        }
    }
    // The reading of a folder that has another number than here meets the message among what arrives.
    if is_being_read { Ok(()) } else { settle_append(ports, intent, placement, collection, None).await }
}

fn validity(folder: &Collection) -> Option<u32> {
    folder.cursor.as_ref().map(|cursor| cursor.status.uid_validity)
}

/// The folder may have been read since, and the message be here already as one that arrived.
fn meet(
    tx: &mut Tx<'_>,
    account: AccountId,
    (placement, intent): (PlacementId, i64),
    (folder, floor): (CollectionId, Floor),
    context: &Context,
) -> Result<bool, StoreError> {
    let message = tx.seat(placement)?.placement.message;
    let came = tx.arriving(account)?.into_iter().find(|seat| {
        let one = &seat.placement;
        seat.collection == folder && one.message == message && one.uid >= Some(floor.uid_next)
    });
    let Some(came) = came else { return Ok(false) };
    tx.adopt(placement, came.placement.id, &came.placement.flags, context)?;
    tx.step_intent(intent, Event::Found)?;
    Ok(true)
}
