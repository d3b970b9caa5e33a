//! Changing what is on the server, one file an operation.
//!
//! Rules:
//! - A failure says how far the write got ([`Reach`]). What was not sent to its end was not done; what was, and has no answer, may
//!   have been. It is never repeated here.
//! - The UIDVALIDITY is looked at before anything is sent, and nothing is sent under another one.
//! - An OK proves nothing: what is answered is what the server told of each message.
//! - Nothing is erased that was not named: no EXPUNGE without UIDs, no CLOSE.

mod append;
mod expunge;
mod flags;
mod folder;
mod heard;
mod hierarchy;
mod look;
mod numbers;
mod transfer;

#[cfg(test)]
mod tests;

use postrider_model::{ErrorClass, Fault, SystemFlag, UidSet};
use postrider_remote::{FolderKey, Messages, Reach, WriteFault};

use self::heard::Heard;
pub(crate) use self::{
    append::append,
    expunge::expunge,
    flags::change_flags,
    folder::{create, delete, rename},
    look::{present, status},
    transfer::{copy, move_to},
};
use crate::{
    codec::{
        command::Command,
        response::Data,
        sets::pieces,
        status::{Status, StatusKind},
    },
    connection::{Access, Connection},
    fault::{During, Failure, refused},
    name,
    select::{check_same_validity, check_validity, select},
    settings::ImapSettings,
};

/// The longest line that is sent: servers take 8,192 octets (RFC 7162, section 4), tag and line end among them.
const LINE_OCTETS: usize = 8_000;

/// A failure, what it left behind, and how far the write got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WriteFailure {
    /// In words, with what it did to the connection.
    pub(crate) failure: Failure,
    /// How far the write got.
    pub(crate) reach: Reach,
}

impl WriteFailure {
    /// Nothing was done.
    pub(crate) const fn not_done(failure: Failure) -> Self {
        Self { failure, reach: Reach::NotDone }
    }

    /// Nobody knows what was done.
    pub(crate) const fn unknown(failure: Failure) -> Self {
        Self { failure, reach: Reach::Unknown }
    }

    /// The same, where something else of the write was done before.
    fn after(self, has_begun: bool) -> Self {
        if has_begun { Self::unknown(self.failure) } else { self }
    }
}

impl From<WriteFailure> for WriteFault {
    fn from(failed: WriteFailure) -> Self {
        Self { fault: failed.failure.fault, reach: failed.reach }
    }
}

/// Opens the folder to write, unless it is open so already since after all of these messages arrived.
async fn open(
    connection: &mut Connection,
    settings: &ImapSettings,
    messages: &Messages<'_>,
    what: &str,
) -> Result<(), WriteFailure> {
    let is_open = connection.selected.as_ref().is_some_and(|selected| {
        selected.is_open
            && selected.access == Access::Write
            && selected.key == *messages.folder
            && selected.uid_validity == Some(messages.uid_validity)
            && !selected.is_renumbered
            && selected.uid_next.unwrap_or(0) > messages.uids.last().unwrap_or(0)
    });
    if is_open {
        return Ok(());
    }
    let opened = select(connection, settings, messages.folder).await.map_err(WriteFailure::not_done)?;
    let action = connection.folder_action(what);
    check_same_validity(action, messages.uid_validity, opened.status.uid_validity)
        .map_err(WriteFailure::not_done)
}

/// Refuses to change a folder that can only be read.
fn check_writable(connection: &Connection, what: &str) -> Result<(), WriteFailure> {
    match connection.selected.as_ref().is_some_and(|selected| selected.access == Access::Write) {
        true => Ok(()),
        false => Err(refusal(connection, what, "the server lets it only be read")),
    }
}

/// Refuses to erase messages where `\Deleted` is not kept.
fn check_erasable(connection: &Connection, what: &str) -> Result<(), WriteFailure> {
    check_writable(connection, what)?;
    let permanent = connection.selected.as_ref().and_then(|selected| selected.permanent.as_ref());
    match permanent.is_none_or(|permanent| permanent.flags.has(SystemFlag::Deleted)) {
        true => Ok(()),
        false => {
            let cause =
                "the server does not let messages be deleted there (PERMANENTFLAGS without \\Deleted)";
            Err(refusal(connection, what, cause))
        }
    }
}

/// What our side refuses before it is sent.
fn refusal(connection: &Connection, what: &str, cause: &str) -> WriteFailure {
    let fault = Fault::new(ErrorClass::Permanent, connection.folder_action(what), cause)
        .hint("the server's administrator has to grant the right to change it");
    WriteFailure::not_done(Failure::answered(fault))
}

/// Runs commands that change something as one flight. Not where the open folder was renumbered since: its UIDs mean others.
async fn run_all(
    connection: &mut Connection,
    commands: &[Command],
    heard: &mut Heard,
) -> Result<Vec<Status>, WriteFailure> {
    let action = commands.first().map_or_else(String::new, |command| command.action.clone());
    check_validity(connection, &action).map_err(WriteFailure::not_done)?;
    let mut on = |_: usize, data: Data| heard.take(data);
    match connection.run(commands, &mut on).await {
        Ok(statuses) => {
            statuses.iter().for_each(|status| heard.take_code(status));
            Ok(statuses)
        }
        Err(failure) => Err(lost(connection, failure)),
    }
}

/// Runs one command that changes something. A refusal is a failure of this reach.
async fn run(
    connection: &mut Connection,
    command: &Command,
    heard: &mut Heard,
    when_refused: Reach,
) -> Result<(), WriteFailure> {
    let statuses = run_all(connection, std::slice::from_ref(command), heard).await?;
    match statuses.iter().find(|status| status.kind != StatusKind::Ok) {
        Some(status) => Err(refused_write(&command.action, status, when_refused)),
        None => Ok(()),
    }
}

/// A connection that was lost before a command's end was sent did nothing of it.
fn lost(connection: &Connection, failure: Failure) -> WriteFailure {
    match connection.is_whole() {
        true => WriteFailure::unknown(failure),
        false => WriteFailure::not_done(failure),
    }
}

/// A NO, or a BAD, which does nothing at all.
fn refused_write(action: &str, status: &Status, reach: Reach) -> WriteFailure {
    let failure = Failure::answered(refused(action, status, During::Write, &[]));
    match status.kind {
        StatusKind::Bad => WriteFailure::not_done(failure),
        _ => WriteFailure { failure, reach },
    }
}

/// `UID` commands over a set, each short enough for a line with `behind` behind the set.
fn over(connection: &Connection, set: &UidSet, verb: &str, behind: &str, what: &str) -> Vec<Command> {
    let action = connection.folder_action(what);
    let room = LINE_OCTETS.saturating_sub(verb.len() + behind.len()).max(500);
    let command = |set: String| Command::new(action.clone(), &format!("{verb} {set}{behind}"));
    pieces(set, room).into_iter().map(command).collect()
}

/// Asks for the flags of the messages whose flags were not told.
async fn ask_untold(connection: &mut Connection, what: &str, heard: &mut Heard) -> Result<(), Failure> {
    let untold = heard.untold();
    if untold.is_empty() {
        return Ok(());
    }
    let has_mod_seq = connection.has_mod_seq()
        && connection.selected.as_ref().is_some_and(|selected| selected.highest_mod_seq.is_some());
    let items = if has_mod_seq { " (FLAGS MODSEQ)" } else { " (FLAGS)" };
    let commands = over(connection, &untold, "UID FETCH", items, what);
    fetch(connection, &commands, heard).await
}

/// Runs commands that only ask. Where some of the messages are gone meanwhile, servers may say so by NO (RFC 5530, section 3).
async fn fetch(connection: &mut Connection, commands: &[Command], heard: &mut Heard) -> Result<(), Failure> {
    let mut on = |_: usize, data: Data| heard.take(data);
    let statuses = connection.run(commands, &mut on).await?;
    for (status, command) in statuses.iter().zip(commands) {
        if status.kind != StatusKind::Ok && status.code_name() != "EXPUNGEISSUED" {
            return Err(Failure::answered(refused(&command.action, status, During::Command, &[])));
        }
    }
    Ok(())
}

/// A command with a folder's name behind its verb.
fn with_folder(connection: &Connection, action: String, verb: &str, key: &FolderKey) -> Command {
    named(connection, Command::new(action, verb).text(" "), key)
}

/// Appends a folder's name.
fn named(connection: &Connection, command: Command, key: &FolderKey) -> Command {
    let is_utf8 = connection.enabled.utf8;
    command.string(&name::wire(key, is_utf8), connection.literals(), is_utf8)
}
