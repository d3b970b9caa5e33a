//! Opening a folder. To read, by EXAMINE, which takes no `\Recent` from other clients and cannot set `\Seen` (RFC 3501, section
//! 6.3.2); CONDSTORE and QRESYNC work with it as with SELECT (RFC 7162, sections 3.1.8 and 3.2.5). To write, by SELECT.
//!
//! A folder is never left by CLOSE, which erases what other clients marked `\Deleted` (RFC 3501, section 6.4.2).

use postrider_model::{ErrorClass, Fault, FolderStatus, UidSet};
use postrider_remote::FolderKey;

use crate::{
    codec::{command::Command, response::Data},
    connection::{Access, Connection, Selected, done},
    fault::{During, Failure},
    flag_rows::FlagRows,
    name,
    settings::ImapSettings,
};

/// A point from which the server tells what changed (RFC 7162, section 3.2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point {
    /// The UIDVALIDITY under which it holds.
    pub(crate) uid_validity: u32,
    /// The MODSEQ up to which all is known.
    pub(crate) mod_seq: u64,
}

/// A folder as it was when it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opened {
    /// Its state; UIDNEXT 0 where the server did not tell.
    pub(crate) status: FolderStatus,
    /// The keywords that it has.
    pub(crate) keywords: Vec<String>,
    /// The flags that changed since the point.
    pub(crate) changed: FlagRows,
    /// What was expunged since the point.
    pub(crate) vanished: UidSet,
}

/// Opens a folder to read; with `since`, and QRESYNC turned on, the server tells with it what changed.
pub(crate) async fn examine(
    connection: &mut Connection,
    settings: &ImapSettings,
    key: &FolderKey,
    since: Option<Point>,
) -> Result<Opened, Failure> {
    open(connection, settings, key, since, Access::Read).await
}

/// Opens a folder to write. The server may still let it only be read: [`Selected::access`] tells.
pub(crate) async fn select(
    connection: &mut Connection,
    settings: &ImapSettings,
    key: &FolderKey,
) -> Result<Opened, Failure> {
    open(connection, settings, key, None, Access::Write).await
}

async fn open(
    connection: &mut Connection,
    settings: &ImapSettings,
    key: &FolderKey,
    since: Option<Point>,
    access: Access,
) -> Result<Opened, Failure> {
    connection.prepare(&settings.client, settings.compress).await?;
    let command = command(connection, key, since, access);
    connection.selected = Some(Selected::opening(key.clone(), access));
    let (mut changed, mut vanished) = (FlagRows::default(), UidSet::EMPTY);
    let mut on = |_: usize, data: Data| match data {
        Data::Fetch(row) => changed.push_row(row),
        Data::Vanished { is_earlier: true, uids } => vanished = vanished.union(&uids),
        Data::Status(status) if status.code_name() == "CLOSED" => {
            changed = FlagRows::default();
            vanished = UidSet::EMPTY;
        }
        _ => {}
    };
    let statuses = connection.run(std::slice::from_ref(&command), &mut on).await?;
    if let Some(Err(refusal)) = statuses.first().map(|status| done(&command.action, status, During::Select)) {
        connection.selected = None;
        return Err(refusal);
    }
    let status = opened_status(connection, &command.action)?;
    let keywords = connection.selected.as_ref().map(|selected| selected.keywords.clone()).unwrap_or_default();
    Ok(Opened { status, keywords, changed, vanished })
}

fn command(connection: &Connection, key: &FolderKey, since: Option<Point>, access: Access) -> Command {
    let is_utf8 = connection.enabled.utf8;
    let action = connection.action(&format!("select folder {:?}", name::shown(key, Some('/'))));
    let verb = match access {
        Access::Read => "EXAMINE ",
        Access::Write => "SELECT ",
    };
    let command =
        Command::new(action, verb).string(&name::wire(key, is_utf8), connection.literals(), is_utf8);
    match since {
        Some(Point { uid_validity, mod_seq }) if connection.enabled.qresync => {
            command.text(&format!(" (QRESYNC ({uid_validity} {mod_seq}))"))
        }
        _ if connection.has_mod_seq() && !connection.enabled.qresync => command.text(" (CONDSTORE)"),
        _ => command,
    }
}

fn opened_status(connection: &mut Connection, action: &str) -> Result<FolderStatus, Failure> {
    let has_mod_seq = connection.has_mod_seq();
    let Some(selected) = connection.selected.as_mut() else {
        return Err(connection.garbage("a folder that is not open"));
    };
    selected.open();
    let Some(messages) = selected.exists_at_select else {
        return Err(Failure::garbage(action, "it does not say how many messages there are"));
    };
    let Some(uid_validity) = selected.uid_validity else {
        let cause = "the server has no lasting message numbers there (UIDVALIDITY), without which it cannot be kept in step";
        return Err(Failure::answered(Fault::new(ErrorClass::Permanent, action, cause)));
    };
    if selected.is_renumbered {
        return Err(renumbered_meanwhile(action));
    }
    Ok(FolderStatus {
        uid_validity,
        uid_next: selected.uid_next.unwrap_or(0),
        highest_mod_seq: selected.highest_mod_seq.filter(|_| has_mod_seq),
        messages,
    })
}

/// Refuses UIDs that were told under another UIDVALIDITY than the folder has now.
pub(crate) fn check_same_validity(action: String, then: u32, now: u32) -> Result<(), Failure> {
    if then == now {
        return Ok(());
    }
    let cause = format!(
        "the folder was renumbered meanwhile (UIDVALIDITY was {then} and is {now}); the next run reads it anew"
    );
    Err(Failure::answered(Fault::new(ErrorClass::Transient, action, cause)))
}

/// Refuses what was read while the folder got another UIDVALIDITY.
pub(crate) fn check_validity(connection: &Connection, action: &str) -> Result<(), Failure> {
    match connection.selected.as_ref().is_some_and(|selected| selected.is_renumbered) {
        true => Err(renumbered_meanwhile(action)),
        false => Ok(()),
    }
}

/// Nothing on this connection can be trusted for that folder any more.
fn renumbered_meanwhile(action: &str) -> Failure {
    let cause = "the folder was renumbered (UIDVALIDITY) in the middle; the next run reads it anew";
    Failure::lost(Fault::new(ErrorClass::Transient, action, cause))
}
