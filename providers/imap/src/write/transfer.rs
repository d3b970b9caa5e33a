//! Messages to another folder: COPY (RFC 3501, section 6.4.7) and MOVE (RFC 6851).
//!
//! Without MOVE: COPY, then `\Deleted`, then UID EXPUNGE (RFC 4315), which is what MOVE stands for. Without UIDPLUS the mark stays,
//! since an EXPUNGE would erase what others marked. What COPYUID does not name is neither marked nor erased.

use postrider_model::UidSet;
use postrider_remote::{Applied, Copied, FolderKey, Messages, Reach};

use super::{
    Heard, WriteFailure, check_erasable, check_writable, expunge::erase, fetch, named, open, over,
    refused_write, run, run_all,
};
use crate::{
    codec::{
        command::Command,
        sets::pieces,
        status::{Status, StatusKind},
    },
    connection::Connection,
    fetch::SET_OCTETS,
    settings::ImapSettings,
};

const COPY: &str = "copy messages";
const MOVE: &str = "move messages";

/// Copies messages. All or nothing of each command (RFC 3501, section 6.4.7).
pub(crate) async fn copy(
    connection: &mut Connection,
    settings: &ImapSettings,
    messages: &Messages<'_>,
    to: &FolderKey,
) -> Result<Applied, WriteFailure> {
    open(connection, settings, messages, COPY).await?;
    let mut heard = Heard::of(messages.uids);
    copy_all(connection, messages.uids, to, COPY, &mut heard).await?;
    // Flags that came by the way were not asked for, and are not all.
    Ok(Applied { echoed: Vec::new(), ..applied(connection, heard) })
}

/// Moves messages.
pub(crate) async fn move_to(
    connection: &mut Connection,
    settings: &ImapSettings,
    messages: &Messages<'_>,
    to: &FolderKey,
) -> Result<Applied, WriteFailure> {
    open(connection, settings, messages, MOVE).await?;
    let mut heard = Heard::of(messages.uids);
    if connection.has("MOVE") {
        check_writable(connection, MOVE)?;
        return move_at_once(connection, messages.uids, to, heard).await;
    }
    check_erasable(connection, MOVE)?;
    copy_all(connection, messages.uids, to, MOVE, &mut heard).await?;
    let copied = heard.copied();
    let sources = sources(copied.as_ref(), messages.uids);
    let erased = erase(connection, &sources, MOVE).await.map_err(|failed| failed.after(true))?;
    Ok(Applied { copied, ..erased })
}

async fn move_at_once(
    connection: &mut Connection,
    uids: &UidSet,
    to: &FolderKey,
    mut heard: Heard,
) -> Result<Applied, WriteFailure> {
    if !connection.enabled.qresync {
        // What is gone will be told by numbers.
        let commands = over(connection, uids, "UID FETCH", " (UID)", MOVE);
        fetch(connection, &commands, &mut heard).await.map_err(WriteFailure::not_done)?;
    }
    for (at, command) in transfers(connection, uids, "UID MOVE", to, MOVE).into_iter().enumerate() {
        let statuses = run_all(connection, std::slice::from_ref(&command), &mut heard).await;
        let statuses = statuses.map_err(|failed| failed.after(at > 0))?;
        if let Some(status) = statuses.iter().find(|status| status.kind != StatusKind::Ok) {
            let reach = reach_of_refusal(status, uids);
            let has_begun = at > 0 || heard.tells_of_a_transfer();
            return Err(refused_write(&command.action, status, reach).after(has_begun));
        }
    }
    let gone = heard.gone().clone();
    let applied = applied(connection, heard);
    let gone = gone.intersection(&sources(applied.copied.as_ref(), uids));
    Ok(Applied { gone, echoed: Vec::new(), ..applied })
}

/// Of several messages some may have been moved before the NO (RFC 6851, section 3.3); not where there is nowhere to move to.
fn reach_of_refusal(status: &Status, uids: &UidSet) -> Reach {
    match uids.len() > 1 && status.code_name() != "TRYCREATE" {
        true => Reach::Unknown,
        false => Reach::NotDone,
    }
}

async fn copy_all(
    connection: &mut Connection,
    uids: &UidSet,
    to: &FolderKey,
    what: &str,
    heard: &mut Heard,
) -> Result<(), WriteFailure> {
    for (at, command) in transfers(connection, uids, "UID COPY", to, what).iter().enumerate() {
        run(connection, command, heard, Reach::NotDone).await.map_err(|failed| failed.after(at > 0))?;
    }
    Ok(())
}

fn transfers(connection: &Connection, uids: &UidSet, verb: &str, to: &FolderKey, what: &str) -> Vec<Command> {
    let action = connection.folder_action(what);
    let command =
        |set: String| named(connection, Command::new(action.clone(), &format!("{verb} {set} ")), to);
    pieces(uids, SET_OCTETS).into_iter().map(command).collect()
}

/// Those that were copied: as COPYUID says, else all that were asked for, since a COPY is done whole.
fn sources(copied: Option<&Copied>, uids: &UidSet) -> UidSet {
    match copied {
        Some(copied) => copied.pairs.iter().map(|(from, _)| *from).collect(),
        None => uids.clone(),
    }
}

fn applied(connection: &Connection, heard: Heard) -> Applied {
    heard.into_applied(connection.selected.as_ref().and_then(|selected| selected.permanent.clone()))
}
