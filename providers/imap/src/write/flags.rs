//! Flags added and taken away (RFC 3501, section 6.4.6), one by one, never replaced: so they need no condition (I5).
//!
//! Only flags that the folder keeps are sent. `.SILENT` is not asked for, since the echo is the answer; what is not echoed is asked
//! for once, because servers say OK also for messages that are gone.

use postrider_model::{Flags, PermanentFlags, UidSet};
use postrider_remote::{Applied, Messages, Reach};

use super::{Heard, WriteFailure, ask_untold, check_writable, open, over, refused_write, run_all};
use crate::{
    codec::{
        command::{Command, is_atom},
        status::StatusKind,
    },
    connection::Connection,
    select::check_validity,
    settings::ImapSettings,
};

const WHAT: &str = "change flags";

/// Adds and takes away flags.
pub(crate) async fn change_flags(
    connection: &mut Connection,
    settings: &ImapSettings,
    messages: &Messages<'_>,
    add: &Flags,
    remove: &Flags,
) -> Result<Applied, WriteFailure> {
    open(connection, settings, messages, WHAT).await?;
    check_writable(connection, WHAT)?;
    let permanent = connection.selected.as_ref().and_then(|selected| selected.permanent.clone());
    let mut commands = store(connection, messages.uids, "+FLAGS", &kept(permanent.as_ref(), add), WHAT);
    commands.extend(store(connection, messages.uids, "-FLAGS", &kept(permanent.as_ref(), remove), WHAT));
    let mut heard = Heard::of(messages.uids);
    run_stores(connection, &commands, &mut heard).await?;
    let asked = ask_untold(connection, WHAT, &mut heard).await;
    let sure = asked.and_then(|()| check_validity(connection, &connection.folder_action(WHAT)));
    sure.map_err(|failure| match commands.is_empty() {
        true => WriteFailure::not_done(failure),
        false => WriteFailure::unknown(failure),
    })?;
    Ok(heard.into_applied(permanent))
}

/// Runs STOREs as one flight. A NO may come where some of it was done (RFC 2180, section 4.2), or because some messages are gone.
pub(super) async fn run_stores(
    connection: &mut Connection,
    commands: &[Command],
    heard: &mut Heard,
) -> Result<(), WriteFailure> {
    let statuses = run_all(connection, commands, heard).await?;
    let is_done = |kind: StatusKind| kind != StatusKind::Bad;
    let has_begun = statuses.iter().any(|status| is_done(status.kind));
    for (status, command) in statuses.iter().zip(commands) {
        if status.kind != StatusKind::Ok && status.code_name() != "EXPUNGEISSUED" {
            return Err(refused_write(&command.action, status, Reach::Unknown).after(has_begun));
        }
    }
    Ok(())
}

/// The commands for these flags; none where there is no flag.
pub(super) fn store(
    connection: &Connection,
    uids: &UidSet,
    item: &str,
    flags: &Flags,
    what: &str,
) -> Vec<Command> {
    let system = flags.system().map(|flag| format!("\\{}", flag.name()));
    let keywords = flags.keywords().iter().filter(|keyword| is_atom(keyword)).cloned();
    let names: Vec<String> = system.chain(keywords).collect();
    match names.is_empty() {
        true => Vec::new(),
        false => over(connection, uids, "UID STORE", &format!(" {item} ({})", names.join(" ")), what),
    }
}

fn kept(permanent: Option<&PermanentFlags>, flags: &Flags) -> Flags {
    permanent.map_or_else(|| flags.clone(), |permanent| permanent.kept_of(flags))
}
