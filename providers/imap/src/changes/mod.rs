//! What changed in a folder since a cursor.
//!
//! | since the cursor | how it is read |
//! |---|---|
//! | first load | the window's UIDs |
//! | UIDVALIDITY differs, UIDNEXT or HIGHESTMODSEQ ran backwards | [`Changes::Renumbered`] with a full listing |
//! | QRESYNC | EXAMINE tells flags and tombstones |
//! | CONDSTORE | FETCH CHANGEDSINCE tells flags; EXISTS tells whether something is gone |
//! | neither | all flags and all UIDs |
//!
//! Rules:
//! - What was read from a folder that seemed to hold less than it does is read again, once it is seen to hold more.
//! - Arithmetic before trust: the messages that were there, less those that vanished, plus those that arrived, have to be
//!   EXISTS. Where they are not, or where a folder that had messages has none, everything is listed (I2).
//! - The cursor is the state at the SELECT, so that what happens meanwhile is read by the next run (I3).
//! - A UIDNEXT that is missing or too low is replaced by the highest UID and one.

mod feed;
mod found;

use postrider_model::{FolderStatus, MailCursor, UidSet, Window};
use postrider_remote::{Changes, ChangesRequest, FolderKey, MailChange, Renumbered, Scope};

use self::{feed::Listing, found::Found};
use crate::{
    codec::date::search_since,
    connection::Connection,
    fault::Failure,
    flag_list::{changed_since, list_all},
    flag_rows::FlagRows,
    search::{highest_uid, search_all, search_from, search_one},
    select::{Opened, Point, examine},
    settings::ImapSettings,
};

/// Whether the listing of this run shows already that nothing changed (RFC 7162, section 3.1.2.1: every change of a flag, and
/// with QRESYNC every expunge, raises HIGHESTMODSEQ; without, MESSAGES and UIDNEXT tell).
pub(crate) fn is_unchanged(request: &ChangesRequest) -> bool {
    let (Some(since), Some(listed)) = (&request.since, &request.listed) else { return false };
    since.complete
        && listed.highest_mod_seq.is_some()
        && *listed == since.status
        && !request.window.is_longer_than(since.window)
}

/// Reads what changed.
pub(crate) async fn changes(
    connection: &mut Connection,
    settings: &ImapSettings,
    key: &FolderKey,
    request: &ChangesRequest,
) -> Result<Changes, Failure> {
    let Some(since) = &request.since else { return first_load(connection, settings, key, request).await };
    let uid_validity = since.status.uid_validity;
    let point = since.status.highest_mod_seq.map(|mod_seq| Point { uid_validity, mod_seq });
    let mut opened = examine(connection, settings, key, point).await?;
    if opened.status.uid_validity == uid_validity {
        settle_uid_next(connection, &mut opened.status, since.status.uid_next).await?;
    }
    match renumbered(&since.status, &opened.status) {
        Some(why) => list_renumbered(connection, opened.status, request.window, why).await,
        None => since_cursor(connection, since, request, opened).await,
    }
}

async fn first_load(
    connection: &mut Connection,
    settings: &ImapSettings,
    key: &FolderKey,
    request: &ChangesRequest,
) -> Result<Changes, Failure> {
    let mut status = examine(connection, settings, key, None).await?.status;
    settle_uid_next(connection, &mut status, 0).await?;
    let listed = list_window(connection, request.window, None).await?;
    let wanted = within(connection, &mut status, &listed).difference(&request.known);
    let cursor = MailCursor { status, complete: true, window: request.window };
    let changes = if wanted.is_empty() { Vec::new() } else { vec![MailChange::Wanted(wanted)] };
    Ok(Changes::Feed(Box::new(Listing::new(Scope::Delta, changes, FlagRows::default(), cursor))))
}

async fn list_renumbered(
    connection: &mut Connection,
    mut status: FolderStatus,
    window: Window,
    why: String,
) -> Result<Changes, Failure> {
    settle_uid_next(connection, &mut status, 0).await?;
    let all = search_all(connection).await?;
    let wanted = list_window(connection, window, Some(&all)).await?;
    let present = within(connection, &mut status, &all);
    let wanted = wanted.intersection(&present);
    Ok(Changes::Renumbered(Renumbered { status, present, wanted, why }))
}

async fn since_cursor(
    connection: &mut Connection,
    since: &MailCursor,
    request: &ChangesRequest,
    opened: Opened,
) -> Result<Changes, Failure> {
    let mut status = opened.status.clone();
    let is_fuller = is_fuller(&since.status, &status);
    let mut found = read(connection, since, request, opened).await?;
    found.is_fuller = is_fuller;
    found.arrived = within(connection, &mut status, &found.arrived);
    let is_odd = found.present.is_none() && !found.adds_up(since, &status, &request.known);
    if is_odd {
        tracing::debug!(?status, "the number of messages does not add up: everything is listed");
        let all = search_all(connection).await?;
        found.present = Some(within(connection, &mut status, &all));
    }
    if let Some(present) = &found.present {
        let present = within(connection, &mut status, present);
        found.arrived = present.from(since.status.uid_next);
        found.present = Some(present);
    }
    let is_longer = request.window.is_longer_than(since.window);
    // Where the numbers were odd, the store may also lack what is there.
    if is_odd || is_fuller || is_longer || !since.complete {
        let listed = list_window(connection, request.window, found.present.as_ref()).await?;
        found.in_window = within(connection, &mut status, &listed);
    }
    let window = if since.complete && !is_longer { since.window } else { request.window };
    Ok(found.into_changes(since, MailCursor { status, complete: true, window }, &request.known))
}

/// Reads flags, tombstones and arrivals in the best way that server and cursor allow.
async fn read(
    connection: &mut Connection,
    since: &MailCursor,
    request: &ChangesRequest,
    opened: Opened,
) -> Result<Found, Failure> {
    let Opened { status, keywords, changed, vanished } = opened;
    let mut found = Found::default();
    let is_fuller = is_fuller(&since.status, &status);
    match (since.status.highest_mod_seq, status.highest_mod_seq) {
        _ if is_fuller => {
            let (all, flags) = list_all(connection, &keywords, &request.known).await?;
            found.flags = flags;
            found.present = Some(all);
        }
        (Some(_), Some(_)) if connection.enabled.qresync => {
            found.flags = changed;
            found.vanished = vanished;
        }
        (Some(then), Some(now)) if then < now => {
            found.flags = changed_since(connection, status.uid_next, then).await?;
        }
        (Some(_), Some(_)) => {}
        _ => {
            let (all, flags) = list_all(connection, &keywords, &request.known).await?;
            found.flags = flags;
            found.present = Some(all);
        }
    }
    if found.present.is_none() && status.uid_next > since.status.uid_next {
        found.arrived = search_from(connection, since.status.uid_next).await?;
    }
    Ok(found)
}

/// Whether more messages are there than were and than can have arrived. Then what was read last was not the whole folder, as
/// where a server in trouble showed it empty, and neither what is older than the cursor nor its flags are known to be read.
fn is_fuller(then: &FolderStatus, now: &FolderStatus) -> bool {
    let arrived = now.uid_next.saturating_sub(then.uid_next);
    now.messages > then.messages.saturating_add(arrived)
}

/// The window's UIDs; `all` where every UID is known already.
async fn list_window(
    connection: &mut Connection,
    window: Window,
    all: Option<&UidSet>,
) -> Result<UidSet, Failure> {
    match (window, all) {
        (Window::All, Some(all)) => Ok(all.clone()),
        (Window::All, None) => search_all(connection).await,
        (Window::Since(at), _) => {
            let found = search_one(connection, &format!("SINCE {}", search_since(at))).await?;
            if found.is_empty() {
                // That nothing is that young may well be; that nothing is found at all is a fault.
                highest_uid(connection).await?;
            }
            Ok(found)
        }
    }
}

/// Puts the highest UID and one in place of a UIDNEXT that is missing, or below what it was. Where it is missing it may not
/// fall, since then nothing tells a restored backup from an expunged last message.
async fn settle_uid_next(
    connection: &mut Connection,
    status: &mut FolderStatus,
    before: u32,
) -> Result<(), Failure> {
    if status.uid_next > 0 && status.uid_next >= before {
        return Ok(());
    }
    let least = highest_uid(connection).await?.saturating_add(1);
    status.uid_next = match status.uid_next {
        0 => least.max(before),
        told => told.max(least),
    };
    Ok(())
}

/// What of a listing was there at the SELECT. UIDs at or above UIDNEXT arrived since, and are the next run's, unless there
/// are more of them than the server says arrived: then its UIDNEXT was too low, and is corrected.
fn within(connection: &Connection, status: &mut FolderStatus, listed: &UidSet) -> UidSet {
    let arrived = connection.selected.as_ref().map_or(0, |selected| selected.arrived());
    let beyond = listed.from(status.uid_next);
    if beyond.len() > u64::from(arrived) {
        status.uid_next = listed.last().unwrap_or(0).saturating_add(1);
        return listed.clone();
    }
    listed.difference(&beyond)
}

/// Why the UIDs mean other messages now, where they do.
fn renumbered(then: &FolderStatus, now: &FolderStatus) -> Option<String> {
    if now.uid_validity != then.uid_validity {
        return Some(format!("UIDVALIDITY was {} and is {}", then.uid_validity, now.uid_validity));
    }
    if now.uid_next < then.uid_next {
        return Some(format!("UIDNEXT ran backwards, from {} to {}", then.uid_next, now.uid_next));
    }
    match (then.highest_mod_seq, now.highest_mod_seq) {
        (Some(then), Some(now)) if now < then => {
            Some(format!("HIGHESTMODSEQ ran backwards, from {then} to {now}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
