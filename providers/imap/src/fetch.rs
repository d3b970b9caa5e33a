//! Messages, one by one as they come, never more than one in memory beyond the sink's.
//!
//! Two commands are always on the way, so that the server does not wait for us between them. BODY.PEEK sets no `\Seen`. What
//! comes without having been asked for, twice, or without its text is not delivered.

use std::collections::VecDeque;

use postrider_model::UidSet;
use postrider_remote::{BodySink, FetchWhat, FetchedMessage, FolderKey};

use crate::{
    codec::{
        command::Command,
        fetch::{Body, FetchRow},
        response::Data,
        sets::pieces,
        status::{Status, StatusKind},
    },
    connection::{Connection, Event, done},
    fault::{During, Failure},
    select::{check_same_validity, check_validity, examine},
    settings::ImapSettings,
};

/// Servers take lines of 8,192 octets (RFC 7162, section 4); a set leaves room for the rest of the command.
pub(crate) const SET_OCTETS: usize = 7_000;
/// How many commands are on the way at the same time.
const ON_THE_WAY: usize = 2;

/// What is to be fetched, and what has been.
pub(crate) struct Order<'a> {
    /// From where.
    pub(crate) folder: &'a FolderKey,
    /// The UIDVALIDITY under which the UIDs were listed.
    pub(crate) uid_validity: u32,
    /// The messages that are wanted.
    pub(crate) wanted: &'a UidSet,
    /// How much of them.
    pub(crate) what: FetchWhat,
    /// Those that were handed to the sink: they are not asked for again.
    pub(crate) delivered: UidSet,
}

impl Order<'_> {
    /// Whether names are asked for of a server that has none.
    pub(crate) fn has_no_answer(&self, connection: &Connection) -> bool {
        self.what == FetchWhat::Identity && connection.email_id_item().is_none()
    }
}

/// Fetches what is left of the order.
pub(crate) async fn fetch(
    connection: &mut Connection,
    settings: &ImapSettings,
    order: &mut Order<'_>,
    sink: &mut dyn BodySink,
) -> Result<(), Failure> {
    let left = order.wanted.difference(&order.delivered);
    if left.is_empty() || order.has_no_answer(connection) {
        return Ok(());
    }
    open(connection, settings, order, &left).await?;
    deliver(connection, order, &left, sink, &mut |_| ()).await
}

/// Fetches from the folder that is open; what else is told is handed to `on`.
pub(crate) async fn deliver(
    connection: &mut Connection,
    order: &mut Order<'_>,
    left: &UidSet,
    sink: &mut dyn BodySink,
    on: &mut (dyn FnMut(&Data) + Send),
) -> Result<(), Failure> {
    let mut commands: VecDeque<Command> = commands(connection, order.what, left).into();
    let mut earlier = FetchRow::default();
    while !commands.is_empty() || !connection.is_idle() {
        while connection.in_flight() < ON_THE_WAY
            && let Some(command) = commands.pop_front()
        {
            connection.send(&[command], &mut |_, _| ()).await?;
        }
        match connection.next().await? {
            Event::Data(Data::Fetch(row)) => take(connection, order, &mut earlier, row, sink).await?,
            Event::Data(data) => on(&data),
            Event::Done(_, status) => finished(connection, &status)?,
            Event::Continue => return Err(connection.garbage("a continuation that nobody asked for")),
        }
    }
    check_validity(connection, &connection.folder_action(ACTION))
}

const ACTION: &str = "fetch messages";

/// Opens the folder, unless it is open already since after all of these messages arrived.
async fn open(
    connection: &mut Connection,
    settings: &ImapSettings,
    order: &Order<'_>,
    left: &UidSet,
) -> Result<(), Failure> {
    let is_open = connection.selected.as_ref().is_some_and(|selected| {
        selected.is_open
            && selected.key == *order.folder
            && selected.uid_validity == Some(order.uid_validity)
            && selected.uid_next.unwrap_or(0) > left.last().unwrap_or(0)
    });
    if is_open {
        return Ok(());
    }
    let status = examine(connection, settings, order.folder, None).await?.status;
    check_same_validity(connection.folder_action(ACTION), order.uid_validity, status.uid_validity)
}

fn commands(connection: &Connection, what: FetchWhat, left: &UidSet) -> Vec<Command> {
    let has_mod_seq = connection.has_mod_seq()
        && connection.selected.as_ref().is_some_and(|selected| selected.highest_mod_seq.is_some());
    let mod_seq = if has_mod_seq { " MODSEQ" } else { "" };
    let email_id = connection.email_id_item().map_or(String::new(), |item| format!(" {item}"));
    let content = match what {
        FetchWhat::Body => " BODY.PEEK[]",
        FetchWhat::Header => " BODY.PEEK[HEADER]",
        FetchWhat::Identity => "",
    };
    let items = format!("(UID FLAGS INTERNALDATE RFC822.SIZE{mod_seq}{email_id}{content})");
    let action = connection.folder_action(ACTION);
    let command = |set: String| Command::new(action.clone(), &format!("UID FETCH {set} {items}"));
    pieces(left, SET_OCTETS).into_iter().map(command).collect()
}

/// Some servers say NO where some of the messages are gone meanwhile (RFC 5530, section 3, EXPUNGEISSUED).
fn finished(connection: &Connection, status: &Status) -> Result<(), Failure> {
    if status.kind == StatusKind::No && status.code_name() == "EXPUNGEISSUED" {
        return Ok(());
    }
    done(&connection.folder_action(ACTION), status, During::Command)
}

async fn take(
    connection: &mut Connection,
    order: &mut Order<'_>,
    earlier: &mut FetchRow,
    mut row: FetchRow,
    sink: &mut dyn BodySink,
) -> Result<(), Failure> {
    check_validity(connection, &connection.folder_action(ACTION))?;
    let Some(uid) = row.uid.filter(|uid| order.wanted.contains(*uid) && !order.delivered.contains(*uid))
    else {
        return Ok(());
    };
    // A server may tell of one message in several responses (RFC 3501, section 7.4.2).
    if earlier.uid == Some(uid) {
        row = joined(std::mem::take(earlier), row);
    }
    let content = match row.body.take() {
        Some(Body::Bytes(bytes)) => Ok(bytes),
        Some(Body::Skipped(length)) => Err(length),
        Some(Body::Nil) => return Ok(()),
        None if order.what == FetchWhat::Identity && row.email_id.is_some() && row.size.is_some() => {
            Ok(Vec::new())
        }
        None => {
            *earlier = row;
            return Ok(());
        }
    };
    let length = content.as_ref().map_or_else(|length| *length, |bytes| bytes.len() as u64);
    let message = FetchedMessage {
        uid,
        flags: row.flags.unwrap_or_default(),
        internal_date: row.internal_date,
        size: row.size.unwrap_or(length),
        mod_seq: row.mod_seq,
        email_id: row.email_id,
        content,
    };
    order.delivered.insert(uid);
    sink.take(message).await.map_err(Failure::abandoned)
}

fn joined(earlier: FetchRow, later: FetchRow) -> FetchRow {
    FetchRow {
        number: later.number,
        uid: later.uid,
        flags: later.flags.or(earlier.flags),
        internal_date: later.internal_date.or(earlier.internal_date),
        size: later.size.or(earlier.size),
        mod_seq: later.mod_seq.or(earlier.mod_seq),
        email_id: later.email_id.or(earlier.email_id),
        body: later.body,
    }
}

#[cfg(test)]
mod tests;
