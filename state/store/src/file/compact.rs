//! The store written anew without what is free in it, and the search index merged into one (F10.1). Nothing but room changes.

use std::{fs, path::Path};

use rusqlite::Connection;

use super::{SEARCH_FILE, STORE_FILE, SyncLock, connect, place};
use crate::Result;

/// How much room it takes now and took before, in octets, search index and logs included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// Before.
    pub before: u64,
    /// Now.
    pub after: u64,
}

/// Compacts the store in `dir`, which `_lock` keeps from being synced.
pub(crate) fn compact(dir: &Path, _lock: &SyncLock) -> Result<Compacted> {
    let before = size(dir);
    let largest = [STORE_FILE, SEARCH_FILE].map(|name| octets(&dir.join(name))).into_iter().max();
    // Once as a file beside it, once in the log, before the first is given back.
    place::need_room(dir, "compact the store", largest.unwrap_or(0).saturating_mul(2))?;
    write_anew(&connect(&dir.join(STORE_FILE))?)?;
    let search = dir.join(SEARCH_FILE);
    if search.exists() {
        merge(&search).map_err(|error| error.about(SEARCH_FILE))?;
    }
    Ok(Compacted { before, after: size(dir) })
}

fn merge(search: &Path) -> Result<()> {
    let conn = connect(search)?;
    conn.execute_batch("INSERT INTO body_fts (body_fts) VALUES ('optimize')")?;
    write_anew(&conn)
}

/// What is written anew is as large as the store: it goes to the disk and not to memory.
fn write_anew(conn: &Connection) -> Result<()> {
    conn.execute_batch("PRAGMA temp_store = FILE; VACUUM;")?;
    // Whoever reads meanwhile keeps the log; it is given back another time.
    Ok(conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}

fn size(dir: &Path) -> u64 {
    let names = [STORE_FILE, SEARCH_FILE].into_iter();
    names.flat_map(|name| ["", "-wal"].map(|suffix| octets(&dir.join(format!("{name}{suffix}"))))).sum()
}

fn octets(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |found| found.len())
}
