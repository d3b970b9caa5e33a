//! The flags of many messages, as briefly as the server allows.
//!
//! With CONDSTORE: what changed since a MODSEQ. Without: small folders are fetched, in one round trip; of large ones each flag is
//! searched for, which for 48,000 messages is at most a third of what a FETCH of their flags is. A large folder with very many
//! keywords, or with one that cannot be searched for, is fetched too. A keyword that the server does not name in FLAGS is
//! not found by searching (RFC 3501, section 7.2.6, wants the applicable ones there).

use postrider_model::{Flags, SystemFlag, UidSet};

use crate::{
    codec::{
        command::{Command, is_atom},
        response::Data,
    },
    connection::Connection,
    fault::Failure,
    flag_rows::FlagRows,
    search::{check_complete, search},
    select::check_validity,
};

/// Up to so many messages all flags are fetched: some 50 octets each.
const FETCHED_MESSAGES: u32 = 1_000;
/// With more keywords than this, fetching is briefer than searching.
const SEARCHED_KEYWORDS: usize = 50;

/// The flags of messages below `uid_next` that changed after `mod_seq` (RFC 7162, section 3.1.4.1).
pub(crate) async fn changed_since(
    connection: &mut Connection,
    uid_next: u32,
    mod_seq: u64,
) -> Result<FlagRows, Failure> {
    let last = uid_next.saturating_sub(1).max(1);
    fetch(connection, &format!("UID FETCH 1:{last} (FLAGS) (CHANGEDSINCE {mod_seq})")).await
}

/// Every UID in the folder, and the flags of those that are in `of`.
pub(crate) async fn list_all(
    connection: &mut Connection,
    keywords: &[String],
    of: &UidSet,
) -> Result<(UidSet, FlagRows), Failure> {
    let exists = connection.selected.as_ref().map_or(0, |selected| selected.exists);
    let can_search = keywords.len() <= SEARCHED_KEYWORDS && keywords.iter().all(|keyword| is_atom(keyword));
    let (all, rows) = if exists <= FETCHED_MESSAGES || !can_search {
        by_fetch(connection, of).await?
    } else {
        by_searches(connection, keywords, of).await?
    };
    check_complete(connection, &all, exists)?;
    Ok((all, rows))
}

async fn by_fetch(connection: &mut Connection, of: &UidSet) -> Result<(UidSet, FlagRows), Failure> {
    let exists = connection.selected.as_ref().map_or(0, |selected| selected.exists);
    if exists == 0 {
        return Ok((UidSet::EMPTY, FlagRows::default()));
    }
    let mut rows = fetch(connection, "UID FETCH 1:* (FLAGS)").await?;
    let all = rows.uids();
    rows.keep(of);
    Ok((all, rows))
}

async fn fetch(connection: &mut Connection, text: &str) -> Result<FlagRows, Failure> {
    let action = connection.folder_action("list flags");
    let mut rows = FlagRows::default();
    let mut on = |_: usize, data: Data| {
        if let Data::Fetch(row) = data {
            rows.push_row(row);
        }
    };
    connection.run_all(&[Command::new(action.clone(), text)], &mut on).await?;
    check_validity(connection, &action)?;
    Ok(rows)
}

async fn by_searches(
    connection: &mut Connection,
    keywords: &[String],
    of: &UidSet,
) -> Result<(UidSet, FlagRows), Failure> {
    let system = SystemFlag::ALL.map(|flag| flag.name().to_ascii_uppercase());
    let keyword_criteria: Vec<String> = keywords.iter().map(|keyword| format!("KEYWORD {keyword}")).collect();
    let criteria = std::iter::once("ALL").chain(system.iter().map(String::as_str));
    let criteria: Vec<&str> = criteria.chain(keyword_criteria.iter().map(String::as_str)).collect();
    let mut found = search(connection, &criteria).await?.into_iter();
    let all = found.next().unwrap_or_default();
    let with_system: Vec<UidSet> = found.by_ref().take(SystemFlag::ALL.len()).collect();
    let with_keyword: Vec<UidSet> = found.collect();
    let mut rows = FlagRows::default();
    for uid in all.intersection(of).iter() {
        let mut flags = Flags::NONE;
        let system = SystemFlag::ALL.iter().zip(&with_system).filter(|(_, uids)| uids.contains(uid));
        system.for_each(|(flag, _)| flags.insert(*flag));
        let own = keywords.iter().zip(&with_keyword).filter(|(_, uids)| uids.contains(uid));
        own.for_each(|(keyword, _)| flags.insert_keyword(keyword.clone()));
        rows.push(uid, flags, None);
    }
    Ok((all, rows))
}
