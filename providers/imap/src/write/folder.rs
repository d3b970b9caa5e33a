//! Folders made, renamed and deleted, and with them the subscriptions by which mail programs show them.
//!
//! Making what is there and deleting what is gone is no error. Subscriptions are manners: where one is refused, the rest is done.

use postrider_model::{ErrorClass, Fault, UidSet};
use postrider_remote::{FolderKey, Reach};

use super::{
    WriteFailure,
    heard::Heard,
    hierarchy::{Hierarchy, is_listed},
    named, refused_write, run_all, with_folder,
};
use crate::{
    codec::{
        command::Command,
        response::Data,
        status::{Status, StatusKind},
    },
    connection::Connection,
    fault::Failure,
    name,
    select::examine,
    settings::ImapSettings,
};

const INBOX: &str = "INBOX";

/// Makes a folder, and what is missing above it; its key.
pub(crate) async fn create(
    connection: &mut Connection,
    settings: &ImapSettings,
    shown: &str,
) -> Result<FolderKey, WriteFailure> {
    let action = connection.action(&format!("create folder {shown:?}"));
    connection.prepare(&settings.client, settings.compress).await.map_err(WriteFailure::not_done)?;
    let hierarchy = Hierarchy::ask(connection).await.map_err(WriteFailure::not_done)?;
    let key = hierarchy.key(&action, shown).map_err(WriteFailure::not_done)?;
    if key.0 == INBOX {
        return Ok(key);
    }
    let command = with_folder(connection, action.clone(), "CREATE", &key);
    let mut answer = change(connection, &command).await?;
    if is_there(connection, &answer, &key).await? {
        return Ok(key);
    }
    if answer.kind == StatusKind::No && make_above(connection, &hierarchy, &key, &action).await? {
        answer = change(connection, &command).await.map_err(|failed| failed.after(true))?;
        if answer.kind != StatusKind::Ok {
            return Err(refused_write(&action, &answer, Reach::Unknown));
        }
    }
    if answer.kind != StatusKind::Ok {
        return Err(refused_write(&action, &answer, Reach::NotDone));
    }
    let subscribe = with_folder(connection, action, "SUBSCRIBE", &key);
    be_mannerly(connection, &[subscribe]).await;
    Ok(key)
}

/// Whether a CREATE was refused because the folder is there.
async fn is_there(
    connection: &mut Connection,
    answer: &Status,
    key: &FolderKey,
) -> Result<bool, WriteFailure> {
    match (answer.kind, answer.code_name()) {
        (StatusKind::Ok, _) => Ok(false),
        (_, "ALREADYEXISTS") => Ok(true),
        _ => is_listed(connection, key).await.map_err(WriteFailure::not_done),
    }
}

/// Makes the folders above, which servers should do by themselves (RFC 3501, section 6.3.3); whether any was made.
async fn make_above(
    connection: &mut Connection,
    hierarchy: &Hierarchy,
    key: &FolderKey,
    action: &str,
) -> Result<bool, WriteFailure> {
    let mut any_made = false;
    for above in hierarchy.above(key) {
        let command = with_folder(connection, action.to_owned(), "CREATE", &above);
        let answer = change(connection, &command).await.map_err(|failed| failed.after(any_made))?;
        any_made |= answer.kind == StatusKind::Ok;
    }
    Ok(any_made)
}

/// Renames a folder and those below it; its new key.
pub(crate) async fn rename(
    connection: &mut Connection,
    settings: &ImapSettings,
    from: &FolderKey,
    shown: &str,
) -> Result<FolderKey, WriteFailure> {
    let action = connection.action(&format!("rename folder {:?} to {shown:?}", name::shown(from, Some('/'))));
    if from.0.eq_ignore_ascii_case(INBOX) {
        // It would move all its messages and leave it there (RFC 3501, section 6.3.5).
        return Err(refused_inbox(action, "INBOX cannot be renamed"));
    }
    connection.prepare(&settings.client, settings.compress).await.map_err(WriteFailure::not_done)?;
    let hierarchy = Hierarchy::ask(connection).await.map_err(WriteFailure::not_done)?;
    let to = hierarchy.key(&action, shown).map_err(WriteFailure::not_done)?;
    if *from == to {
        return Ok(to);
    }
    leave(connection, settings, from).await.map_err(WriteFailure::not_done)?;
    let subscribed = subscribed(connection).await.map_err(WriteFailure::not_done)?;
    let command = with_folder(connection, action.clone(), "RENAME", from).text(" ");
    let command = named(connection, command, &to);
    let answer = change(connection, &command).await?;
    if answer.kind != StatusKind::Ok {
        return Err(refused_write(&action, &answer, Reach::NotDone));
    }
    let carried = |old: &FolderKey| Some((old.clone(), hierarchy.renamed(old, from, &to)?));
    let subscriptions: Vec<Command> = subscribed
        .iter()
        .filter_map(carried)
        .flat_map(|(old, new)| [("SUBSCRIBE", new), ("UNSUBSCRIBE", old)])
        .map(|(verb, key)| with_folder(connection, action.clone(), verb, &key))
        .collect();
    be_mannerly(connection, &subscriptions).await;
    Ok(to)
}

/// Deletes a folder with what is in it.
pub(crate) async fn delete(
    connection: &mut Connection,
    settings: &ImapSettings,
    folder: &FolderKey,
) -> Result<(), WriteFailure> {
    let action = connection.action(&format!("delete folder {:?}", name::shown(folder, Some('/'))));
    if folder.0.eq_ignore_ascii_case(INBOX) {
        return Err(refused_inbox(action, "INBOX cannot be deleted"));
    }
    connection.prepare(&settings.client, settings.compress).await.map_err(WriteFailure::not_done)?;
    leave(connection, settings, folder).await.map_err(WriteFailure::not_done)?;
    let command = with_folder(connection, action.clone(), "DELETE", folder);
    let answer = change(connection, &command).await?;
    let is_gone = match (answer.kind, answer.code_name()) {
        (StatusKind::Ok, _) | (_, "NONEXISTENT") => true,
        _ => !is_listed(connection, folder).await.map_err(WriteFailure::not_done)?,
    };
    if !is_gone {
        return Err(refused_write(&action, &answer, Reach::NotDone));
    }
    let unsubscribe = with_folder(connection, action, "UNSUBSCRIBE", folder);
    be_mannerly(connection, &[unsubscribe]).await;
    Ok(())
}

fn refused_inbox(action: String, cause: &str) -> WriteFailure {
    WriteFailure::not_done(Failure::answered(Fault::new(ErrorClass::Permanent, action, cause)))
}

/// Runs one command that changes something, and gives its end as it came.
async fn change(connection: &mut Connection, command: &Command) -> Result<Status, WriteFailure> {
    let mut nothing = Heard::of(&UidSet::EMPTY);
    let mut statuses = run_all(connection, std::slice::from_ref(command), &mut nothing).await?;
    statuses.pop().ok_or_else(|| WriteFailure::unknown(connection.garbage("no end of a command")))
}

/// Leaves a folder that is open here, since some servers do not change what is open.
async fn leave(
    connection: &mut Connection,
    settings: &ImapSettings,
    folder: &FolderKey,
) -> Result<(), Failure> {
    if connection.selected.as_ref().is_none_or(|selected| selected.key != *folder) {
        return Ok(());
    }
    if !connection.has("UNSELECT") {
        return examine(connection, settings, &FolderKey(INBOX.to_owned()), None).await.map(drop);
    }
    connection.selected = None;
    let command = Command::new(connection.action("close the folder"), "UNSELECT");
    connection.run_all(&[command], &mut |_, _| ()).await.map(drop)
}

/// The subscribed folders. A server that does not tell has none.
async fn subscribed(connection: &mut Connection) -> Result<Vec<FolderKey>, Failure> {
    let command = Command::new(connection.action("list subscriptions"), "LSUB \"\" \"*\"");
    let mut keys = Vec::new();
    let is_utf8 = connection.enabled.utf8;
    let mut on = |_: usize, data: Data| {
        if let Data::Subscribed(row) = data
            && !row.has("\\Noselect")
        {
            keys.push(name::key(&row.name, is_utf8));
        }
    };
    connection.run(&[command], &mut on).await?;
    Ok(keys)
}

/// Runs what may be refused, and whose failure is no failure of the write.
async fn be_mannerly(connection: &mut Connection, commands: &[Command]) {
    if commands.is_empty() {
        return;
    }
    match connection.run(commands, &mut |_, _| ()).await {
        Ok(statuses) => {
            let refused = statuses.iter().filter(|status| status.kind != StatusKind::Ok).count();
            tracing::trace!(refused, "subscriptions were carried");
        }
        Err(failure) => tracing::debug!(why = %failure.fault, "subscriptions were not carried"),
    }
}
