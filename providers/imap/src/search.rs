//! Which messages there are: searches whose answers are known to be complete.
//!
//! A search that was refused, not answered, or whose answer does not fit the number of messages that the server itself
//! tells, is an error and never "none" (I2).
//!
//! In folders of more than [`WINDOW`] messages one answer could be longer than a line may be, so that they are searched by
//! windows of message numbers; should one be expunged between two windows, which shifts the numbers, it is begun anew.

use postrider_model::{Uid, UidSet};

use crate::{
    codec::{command::Command, response::Data, sets::pieces},
    connection::{Connection, passing},
    fault::Failure,
    fetch::SET_OCTETS,
    select::check_validity,
};

/// So many UIDs of ten digits fit a line of one mebibyte.
const WINDOW: u32 = 90_000;
/// How often a search by windows is begun.
const ATTEMPTS: u32 = 3;

/// The UIDs that each of these criteria finds.
pub(crate) async fn search(connection: &mut Connection, criteria: &[&str]) -> Result<Vec<UidSet>, Failure> {
    let exists = exists(connection);
    if exists == 0 {
        return Ok(vec![UidSet::EMPTY; criteria.len()]);
    }
    if exists <= WINDOW {
        return ask(connection, "", criteria).await;
    }
    for _ in 0..ATTEMPTS {
        if let Some(found) = by_windows(connection, criteria).await? {
            return Ok(found);
        }
    }
    let action = connection.folder_action(ACTION);
    Err(passing(action, "messages are expunged faster than the folder can be listed"))
}

const ACTION: &str = "list messages";
const NO_LAST: &str = "the server does not find the last message of the folder";
/// How a set ends that has no upper bound.
const OPEN_END: &str = ":4294967295";

/// The UIDs that these criteria find.
pub(crate) async fn search_one(connection: &mut Connection, criteria: &str) -> Result<UidSet, Failure> {
    Ok(search(connection, &[criteria]).await?.pop().unwrap_or_default())
}

/// Every UID in the folder: as many as the server says that there are messages.
pub(crate) async fn search_all(connection: &mut Connection) -> Result<UidSet, Failure> {
    let before = exists(connection);
    let all = search_one(connection, "ALL").await?;
    check_complete(connection, &all, before)?;
    Ok(all)
}

/// Refuses a listing that has more or fewer messages than the server says that there are. `before` is how many it said
/// before; those that were expunged or arrived meanwhile may be in the listing or not.
pub(crate) fn check_complete(connection: &Connection, all: &UidSet, before: u32) -> Result<(), Failure> {
    let now = exists(connection);
    let told = u64::from(before.min(now))..=u64::from(before.max(now));
    if told.contains(&all.len()) {
        return Ok(());
    }
    let cause = format!("the server listed {} messages where it says that there are {now}", all.len());
    Err(passing(connection.folder_action(ACTION), cause))
}

/// The highest UID in the folder, 0 when it is empty. `*` is the last message (RFC 3501, section 9, `seq-number`).
pub(crate) async fn highest_uid(connection: &mut Connection) -> Result<Uid, Failure> {
    let last = up_to_the_last(connection, "UID *").await?;
    Ok(last.last().unwrap_or(0))
}

/// The UIDs at or above `uid`. `n:*` always finds the last message, also below n (RFC 3501, section 6.4.8), which is left
/// out here.
pub(crate) async fn search_from(connection: &mut Connection, uid: Uid) -> Result<UidSet, Failure> {
    let found = up_to_the_last(connection, &format!("UID {}:*", uid.max(1))).await?;
    Ok(found.from(uid))
}

/// Those of `uids` that are in the folder. The last message is asked for besides: as long as there is any, finding nothing is
/// no answer.
pub(crate) async fn search_set(connection: &mut Connection, uids: &UidSet) -> Result<UidSet, Failure> {
    let mut found = UidSet::EMPTY;
    for piece in pieces(uids, SET_OCTETS) {
        // `*` in place of the highest number there is, which some servers take for a negative one.
        let piece = piece.strip_suffix(OPEN_END).map_or(piece.clone(), |start| format!("{start}:*"));
        let criteria = format!("UID {piece},*");
        found = found.union(&search_one(connection, &criteria).await?);
        if found.is_empty() && exists(connection) > 0 {
            return Err(passing(connection.folder_action(ACTION), NO_LAST));
        }
    }
    Ok(found.intersection(uids))
}

/// Asks for a set that ends in `*`, which is there as long as there is any message: finding nothing is no answer.
async fn up_to_the_last(connection: &mut Connection, criteria: &str) -> Result<UidSet, Failure> {
    if exists(connection) == 0 {
        return Ok(UidSet::EMPTY);
    }
    let found = flight(connection, "", &[criteria]).await?.pop().unwrap_or_default();
    if found.is_empty() && exists(connection) > 0 {
        return Err(passing(connection.folder_action(ACTION), NO_LAST));
    }
    Ok(found)
}

fn exists(connection: &Connection) -> u32 {
    connection.selected.as_ref().map_or(0, |selected| selected.exists)
}

fn expunged(connection: &Connection) -> u32 {
    connection.selected.as_ref().map_or(0, |selected| selected.expunged)
}

async fn by_windows(connection: &mut Connection, criteria: &[&str]) -> Result<Option<Vec<UidSet>>, Failure> {
    let gone_before = expunged(connection);
    let mut found = vec![UidSet::EMPTY; criteria.len()];
    let mut first = 1;
    while first <= exists(connection) {
        let last = exists(connection).min(first.saturating_add(WINDOW - 1));
        let pieces = ask(connection, &format!("{first}:{last} "), criteria).await?;
        for (all, piece) in found.iter_mut().zip(pieces) {
            *all = all.union(&piece);
        }
        if expunged(connection) != gone_before {
            return Ok(None);
        }
        first = last.saturating_add(1);
    }
    Ok(Some(found))
}

/// Asks for all criteria, in one flight with ESEARCH. A SEARCH answer does not say whose it is, and servers (Dovecot) answer
/// several before they end the first: without ESEARCH one is asked after the other (RFC 3501, section 5.5).
async fn ask(connection: &mut Connection, window: &str, criteria: &[&str]) -> Result<Vec<UidSet>, Failure> {
    if connection.has("ESEARCH") {
        return flight(connection, window, criteria).await;
    }
    let mut found = Vec::with_capacity(criteria.len());
    for one in criteria {
        found.extend(flight(connection, window, &[one]).await?);
    }
    Ok(found)
}

async fn flight(
    connection: &mut Connection,
    window: &str,
    criteria: &[&str],
) -> Result<Vec<UidSet>, Failure> {
    let is_extended = connection.has("ESEARCH");
    let returns = if is_extended { "RETURN (ALL) " } else { "" };
    let action = connection.folder_action(ACTION);
    let command =
        |criteria: &&str| Command::new(action.clone(), &format!("UID SEARCH {returns}{window}{criteria}"));
    let commands: Vec<Command> = criteria.iter().map(command).collect();
    let first_tag = connection.next_tag();
    let mut found: Vec<Option<UidSet>> = vec![None; criteria.len()];
    let mut on = |oldest: usize, data: Data| {
        let (at, uids) = match data {
            // The tag says whose it is; a SEARCH is of the only command.
            Data::Esearch(answer) => {
                (answer.tag.as_deref().map_or(Some(oldest), |tag| position(tag, first_tag)), answer.uids)
            }
            Data::Search(uids) => (Some(oldest), uids),
            _ => return,
        };
        if let Some(place) = at.and_then(|at| found.get_mut(at)) {
            *place = Some(place.take().map_or(uids.clone(), |earlier| earlier.union(&uids)));
        }
    };
    connection.run_all(&commands, &mut on).await?;
    check_validity(connection, &action)?;
    // The answer is required also where nothing was found (RFC 3501, section 6.4.4; RFC 4731, section 3.1).
    let found: Option<Vec<UidSet>> = found.into_iter().collect();
    found.ok_or_else(|| passing(action, "the server said OK without an answer"))
}

fn position(tag: &str, first: u64) -> Option<usize> {
    let number: u64 = tag.strip_prefix('p')?.parse().ok()?;
    usize::try_from(number.checked_sub(first)?).ok()
}
