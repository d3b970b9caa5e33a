//! The store's files: where they lie, who may open them, how a connection is set up, which schema they have.
//!
//! Nothing here knows what the tables mean.

mod away;
mod backup;
mod compact;
pub(crate) mod damage;
mod lock;
mod place;
mod pool;
mod schema;

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

pub use away::Away;
pub use backup::{Manifest, Progress};
pub use compact::Compacted;
pub use lock::SyncLock;

pub(crate) use away::{OF_A_COPY, away, is_noted};
pub(crate) use backup::{backup, restore};
pub(crate) use compact::compact;
pub(crate) use place::{check_files, prepare_dir, private_file};
pub(crate) use pool::{Identity, Pool, Pooled};
pub(crate) use schema::{create_or_upgrade, is_there, meta};

use crate::Result;

/// The truth.
pub(crate) const STORE_FILE: &str = "store.db";
/// Derived from it: the full-text index.
pub(crate) const SEARCH_FILE: &str = "search.db";
/// Held by the one syncer.
pub(crate) const LOCK_FILE: &str = "store.lock";

/// Says that the store was found damaged.
pub(crate) const DAMAGE_FILE: &str = "store.damaged";

/// How long a connection waits for another's short edit.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Pages that are kept in memory by a connection, in KiB.
const CACHE_KIB: i64 = 4 * 1024;
/// The same for the store's writer. A transaction that touches more writes pages to the log before it ends, and those of the indexes
/// again and again: what fits here is written once.
const WRITER_CACHE_KIB: i64 = 16 * 1024;
/// The same for the search index's writer, which merges what it wrote.
const INDEX_CACHE_KIB: i64 = 8 * 1024;
/// How large the write-ahead log grows before it is written back, in octets.
const WAL_LIMIT: i64 = 64 * 1016 * 1024;
/// Octets a page: several compressed messages fit into one.
const PAGE_SIZE: i64 = 16 * 1024;

/// Opens a database that is there, for reading and writing, and makes no other.
///
/// References between rows are enforced where tests run. A release goes without: it costs a first load an eighth of its
/// writing, and [`Reader::check`](crate::Reader::check) finds what would be wrong.
pub(crate) fn connect(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_prepared_statement_cache_capacity(128);
    // Else SQLite plans a statement anew for every value that is bound to it, where a table has partial indexes: 25 µs each.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.execute_batch(&format!(
        "PRAGMA cache_size = -{CACHE_KIB}; PRAGMA temp_store = MEMORY; PRAGMA synchronous = NORMAL;
         PRAGMA wal_autocheckpoint = {}; PRAGMA journal_size_limit = {WAL_LIMIT};
         PRAGMA foreign_keys = {};",
        WAL_LIMIT / PAGE_SIZE,
        cfg!(debug_assertions),
    ))?;
    Ok(conn)
}

/// Opens the store for its writer.
pub(crate) fn connect_writer(path: &Path) -> Result<Connection> {
    connect_with_cache(path, WRITER_CACHE_KIB)
}

/// Opens the search index for its writer.
pub(crate) fn connect_index(path: &Path) -> Result<Connection> {
    connect_with_cache(path, INDEX_CACHE_KIB)
}

fn connect_with_cache(path: &Path, kib: i64) -> Result<Connection> {
    let conn = connect(path)?;
    conn.execute_batch(&format!("PRAGMA cache_size = -{kib}"))?;
    Ok(conn)
}

/// Opens a database for reading alone. It takes part in the log's bookkeeping, so the file is opened for writing all the
/// same; SQLite itself refuses every change.
pub(crate) fn connect_reader(path: &Path) -> Result<Connection> {
    let conn = connect(path)?;
    for_reading(&conn)?;
    Ok(conn)
}

/// Makes it one for reading alone.
fn for_reading(conn: &Connection) -> Result<()> {
    Ok(conn.execute_batch("PRAGMA query_only = ON")?)
}
