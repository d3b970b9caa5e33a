//! The schema's number and the way from one to the next (F10.1).
//!
//! - A new store appears at once and whole: it is made beside and then given its name. So an empty or torn `store.db` is
//!   damage, and is never filled anew.
//! - An upgrade checks the room, keeps a copy, and happens in one transaction.
//! - A newer schema is refused before SQLite has touched the file.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use postrider_model::Timestamp;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig, params};

use super::{Identity, OF_A_COPY, PAGE_SIZE, STORE_FILE, connect, damage, place};
use crate::{Options, Result, StoreError};

/// The migrations; the schema's number is how many of them were applied. Never edited, only added to.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001.sql"),
    include_str!("../../migrations/0002.sql"),
    include_str!("../../migrations/0003.sql"),
    include_str!("../../migrations/0004.sql"),
    include_str!("../../migrations/0005.sql"),
    include_str!("../../migrations/0006.sql"),
    include_str!("../../migrations/0007.sql"),
    include_str!("../../migrations/0008.sql"),
    include_str!("../../migrations/0009.sql"),
    include_str!("../../migrations/0010.sql"),
    include_str!("../../migrations/0011.sql"),
];

/// The first octets of every SQLite database (sqlite.org/fileformat2, "The Database Header").
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Where in the header `user_version` stands: 4 octets, the highest first.
const VERSION_AT: usize = 60;
/// Length of the header.
const HEADER: usize = 100;

/// Opens the store in that directory: made where there is none, brought to this version's schema where it is older. Answers with what the
/// file was before.
pub(crate) fn create_or_upgrade(options: &Options) -> Result<(Connection, Option<Identity>)> {
    let path = options.dir.join(STORE_FILE);
    if !is_there(&options.dir)? {
        // A restore that was cut off left none: what is to be put back is still to come.
        damage::refuse(&options.dir)?;
        refuse_orphaned_log(&options.dir)?;
        create(&path, options)?;
    }
    let of = Identity::of(&path);
    Ok((upgrade(&path, MIGRATIONS)?, of))
}

/// A log without its database is all that is left of a store. SQLite would read it into whatever database comes to stand beside it.
fn refuse_orphaned_log(dir: &Path) -> Result<()> {
    match orphaned_log(dir)? {
        Some(log) => {
            let detail = format!("it is gone, and {log} is what is left of it");
            Err(StoreError::damaged(STORE_FILE, detail))
        }
        None => Ok(()),
    }
}

/// The name of a log that is there without its database, and holds something.
pub(crate) fn orphaned_log(dir: &Path) -> Result<Option<String>> {
    let name = format!("{STORE_FILE}-wal");
    let path = dir.join(&name);
    match fs::metadata(&path) {
        Ok(found) => Ok((found.len() > 0 && !is_there(dir)?).then_some(name)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("look for", path)(error)),
    }
}

/// Whether a store is in that directory.
pub(crate) fn is_there(dir: &Path) -> Result<bool> {
    let path = dir.join(STORE_FILE);
    path.try_exists().map_err(StoreError::io("look for", path))
}

fn create(path: &Path, options: &Options) -> Result<()> {
    let extension = format!("new-{}", std::process::id());
    let draft = path.with_extension(&extension);
    remove(&draft)?;
    drop(place::private_file(&draft)?);
    if let Err(error) = fill(&draft, options) {
        // On a disk that is full, each try would leave one more.
        for suffix in ["", "-wal", "-shm"] {
            drop(remove(&draft.with_extension(format!("{extension}{suffix}"))));
        }
        return Err(error);
    }
    // A link fails where the name is taken, so that of two processes which make a store at once one gives way.
    let named = match fs::hard_link(&draft, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(StoreError::io("make", path)(error))
        }
        _ => Ok(()),
    };
    remove(&draft)?;
    named?;
    sync_dir(path)
}

fn fill(draft: &Path, options: &Options) -> Result<()> {
    let mut conn = Connection::open_with_flags(draft, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.execute_batch(&format!("PRAGMA page_size = {PAGE_SIZE}; PRAGMA journal_mode = WAL;"))?;
    let tx = conn.transaction()?;
    apply(&tx, 0, MIGRATIONS)?;
    tx.execute(
        "INSERT INTO meta (id, store_id, machine_id, created_us) VALUES (1, ?1, ?2, ?3)",
        params![options.store_id, options.machine_id, options.now.0],
    )?;
    tx.commit()?;
    // Closing writes the log back and removes it.
    conn.close().map_err(|(_, error)| error.into())
}

fn upgrade(path: &Path, migrations: &[&str]) -> Result<Connection> {
    let known = number(migrations);
    let found = header_version(path)?;
    refuse_newer(path, found, known)?;
    let mut conn = connect(path)?;
    // The header may lag behind the log.
    let found = version(&conn)?;
    if found > known {
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        refuse_newer(path, found, known)?;
    }
    if found == known {
        return Ok(conn);
    }
    if found == 0 {
        return Err(StoreError::damaged(STORE_FILE, "it has no schema"));
    }
    check_room(path)?;
    // Others' edits wait from here on, so that the copy is what is migrated.
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&tx)?;
    if found < known {
        keep_copy(path, found)?;
        apply(&tx, found, migrations)?;
    }
    tx.commit()?;
    Ok(conn)
}

/// Applies what comes after `found`.
fn apply(conn: &Connection, found: i64, migrations: &[&str]) -> Result<()> {
    for sql in migrations.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
        conn.execute_batch(sql)?;
    }
    conn.pragma_update(None, "user_version", number(migrations))?;
    Ok(())
}

fn number(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

fn version(conn: &Connection) -> Result<i64> {
    Ok(conn.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

fn refuse_newer(path: &Path, found: i64, known: i64) -> Result<()> {
    match found > known {
        true => Err(StoreError::NewerSchema { path: path.to_owned(), found, known }),
        false => Ok(()),
    }
}

/// The schema's number as the file itself says it, read without SQLite.
fn header_version(path: &Path) -> Result<i64> {
    let mut header = Vec::with_capacity(HEADER);
    let file = File::open(path).map_err(StoreError::io("open", path))?;
    file.take(HEADER as u64).read_to_end(&mut header).map_err(StoreError::io("read", path))?;
    if !header.starts_with(MAGIC) {
        return Err(StoreError::damaged(STORE_FILE, "it does not begin as a database does"));
    }
    match header.get(VERSION_AT..).and_then(<[u8]>::first_chunk) {
        Some(version) => Ok(i64::from(i32::from_be_bytes(*version))),
        None => Err(StoreError::damaged(STORE_FILE, "it ends within its header")),
    }
}

/// Room for the copy and for the upgrade itself.
fn check_room(path: &Path) -> Result<()> {
    let size = fs::metadata(path).map_err(StoreError::io("look at", path))?.len();
    place::need_room(path, "upgrade the store", size.saturating_mul(2))
}

/// What a file says of itself before SQLite has touched it: that it is a database, and of no later version.
pub(crate) fn look_at_header(path: &Path) -> Result<()> {
    refuse_newer(path, header_version(path)?, number(MIGRATIONS))
}

/// Keeps the store as it was, as `store.db.vN.bak`; it has that name only when it is whole.
fn keep_copy(path: &Path, version: i64) -> Result<()> {
    let copy = sibling(path, &format!("v{version}.bak"));
    let draft = sibling(path, &format!("v{version}.bak.part"));
    remove(&draft)?;
    drop(place::private_file(&draft)?);
    connect(path)?.execute("VACUUM INTO ?1", [utf8(&draft)?])?;
    // Whoever puts it back puts back what was.
    Connection::open_with_flags(&draft, OpenFlags::SQLITE_OPEN_READ_WRITE)?
        .execute("UPDATE meta SET machine_id = ?1", [OF_A_COPY])?;
    File::open(&draft).and_then(|file| file.sync_all()).map_err(StoreError::io("write", &draft))?;
    fs::rename(&draft, &copy).map_err(StoreError::io("rename", &draft))?;
    sync_dir(path)
}

/// The path as SQLite takes it.
pub(crate) fn utf8(path: &Path) -> Result<&str> {
    let refused = || io::Error::new(io::ErrorKind::InvalidFilename, "the path is not UTF-8");
    path.to_str().ok_or_else(|| StoreError::io("copy to", path)(refused()))
}

fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

pub(crate) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

pub(crate) fn sync_dir(path: &Path) -> Result<()> {
    let Some(dir) = path.parent() else { return Ok(()) };
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(StoreError::io("write", dir))
}

/// What the store says of itself.
pub(crate) fn meta(conn: &Connection) -> Result<([u8; 16], Option<String>, Timestamp)> {
    let sql = "SELECT store_id, machine_id, created_us FROM meta WHERE id = 1";
    Ok(conn.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, Timestamp(row.get(2)?))))?)
}

#[cfg(test)]
mod tests;
