//! Looking before a write is sent again (I4): a folder's state, and which messages are there.

use postrider_model::{ErrorClass, Fault, FolderStatus, UidSet};
use postrider_remote::{FolderKey, Messages};

use super::with_folder;
use crate::{
    codec::{command::Command, listing::StatusRow, response::Data},
    connection::{Connection, done, passing},
    fault::{During, Failure},
    name,
    search::search_set,
    select::{check_same_validity, examine},
    settings::ImapSettings,
};

/// The folder's state now: by STATUS, or where it is open on this connection, which STATUS is not for (RFC 3501, section 6.3.10),
/// by opening it again.
pub(crate) async fn status(
    connection: &mut Connection,
    settings: &ImapSettings,
    folder: &FolderKey,
) -> Result<FolderStatus, Failure> {
    connection.prepare(&settings.client, settings.compress).await?;
    if connection.selected.as_ref().is_some_and(|selected| selected.key == *folder) {
        return Ok(examine(connection, settings, folder, None).await?.status);
    }
    let action =
        connection.action(&format!("ask for the state of folder {:?}", name::shown(folder, Some('/'))));
    let mod_seq = if connection.has_mod_seq() { " HIGHESTMODSEQ" } else { "" };
    let items = format!(" (MESSAGES UIDNEXT UIDVALIDITY{mod_seq})");
    let command = with_folder(connection, action.clone(), "STATUS", folder).text(&items);
    let mut told = None;
    let is_utf8 = connection.enabled.utf8;
    let mut on = |_: usize, data: Data| match data {
        Data::FolderStatus(row) if name::key(&row.name, is_utf8) == *folder => told = Some(row),
        _ => {}
    };
    let statuses = connection.run(&[command], &mut on).await?;
    statuses.iter().try_for_each(|status| done(&action, status, During::Select))?;
    told.and_then(state).ok_or_else(|| {
        let cause = "the server does not tell how many messages there are, or by which numbers (UIDVALIDITY)";
        Failure::answered(Fault::new(ErrorClass::Transient, action, cause))
    })
}

fn state(row: StatusRow) -> Option<FolderStatus> {
    Some(FolderStatus {
        uid_validity: row.uid_validity?,
        uid_next: row.uid_next.unwrap_or(0),
        highest_mod_seq: row.highest_mod_seq,
        messages: row.messages?,
    })
}

/// Those of the messages that are there. The folder is opened anew, since what is open may not have heard of them.
pub(crate) async fn present(
    connection: &mut Connection,
    settings: &ImapSettings,
    messages: &Messages<'_>,
) -> Result<UidSet, Failure> {
    let opened = examine(connection, settings, messages.folder, None).await?;
    let action = connection.folder_action("look for messages");
    check_same_validity(action.clone(), messages.uid_validity, opened.status.uid_validity)?;
    if opened.status.messages > 0 {
        return search_set(connection, messages.uids).await;
    }
    // That a folder holds nothing is believed where STATUS says so too.
    close_examined(connection).await?;
    match status(connection, settings, messages.folder).await?.messages {
        0 => Ok(UidSet::EMPTY),
        told => {
            Err(passing(action, format!("the server shows none of the {told} messages that it tells of")))
        }
    }
}

/// Closes a folder that was opened by EXAMINE, so that CLOSE too erases nothing (RFC 3501, section 6.4.2).
async fn close_examined(connection: &mut Connection) -> Result<(), Failure> {
    connection.selected = None;
    let verb = if connection.has("UNSELECT") { "UNSELECT" } else { "CLOSE" };
    let command = Command::new(connection.action("close the folder"), verb);
    connection.run_all(&[command], &mut |_, _| ()).await.map(drop)
}
