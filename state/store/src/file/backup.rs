//! A store taken out and put back (F10.1).
//!
//! - A backup is `store.db` alone, as it was in one moment, in one file: writers go on beside it. It appears under its name when it is
//!   whole, checked and on the disk, and never in the place of anything. The key and the search index are not in it.
//! - It says of itself that it is a copy, so that it is away from home (F10.3) wherever it is opened.
//! - What is put back is looked at first. The store that was there is kept aside, whole; while the two change places the mark of
//!   damage stands, so that a restore that was cut off is no store that anybody would go on with.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use postrider_model::Timestamp;
use rusqlite::{Connection, OpenFlags, params};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::{OF_A_COPY, SEARCH_FILE, STORE_FILE, SyncLock, connect, damage, place, schema};
use crate::{Result, StoreError, read};

/// What SQLite keeps beside a database.
const BESIDE: [&str; 3] = ["", "-wal", "-shm"];
/// Steps of SQLite between two times that are told how far it is.
const STEPS: i32 = 20_000;

/// Is told how much of how much is done, in octets. It is called on the thread that works.
pub type Progress = Box<dyn FnMut(u64, u64) + Send>;

/// What a copy of a store says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The store's id.
    pub store_id: [u8; 16],
    /// Its schema's number.
    pub schema: i64,
    /// When the store was made.
    pub created: Timestamp,
    /// When the copy was taken; `None` where it does not say so.
    pub taken: Option<Timestamp>,
    /// Octets of the file.
    pub octets: u64,
}

/// Writes the store in `dir` into the new file `to`.
pub(crate) fn backup(dir: &Path, to: &Path, now: Timestamp, progress: Progress) -> Result<Manifest> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(StoreError::AlreadyThere { path: to.to_owned() });
    }
    let draft = beside(to, ".part");
    schema::remove(&draft)?;
    let taken = snapshot(&dir.join(STORE_FILE), &draft, now, progress).and_then(|manifest| {
        name_it(&draft, to)?;
        Ok(manifest)
    });
    if taken.is_err() {
        // What is not whole is of no use to anybody.
        schema::remove(&draft)?;
    }
    taken
}

fn snapshot(store: &Path, draft: &Path, now: Timestamp, mut progress: Progress) -> Result<Manifest> {
    let mut conn = connect(store)?;
    let octets: i64 = conn.query_row(
        "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
        [],
        |row| row.get(0),
    )?;
    let total = octets.cast_unsigned();
    let folder = draft.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    place::need_room(folder, "back up the store", total)?;
    drop(place::private_file(draft)?);
    let seen = draft.to_owned();
    conn.progress_handler(
        STEPS,
        Some(move || {
            progress(fs::metadata(&seen).map_or(0, |found| found.len()).min(total), total);
            false
        }),
    )?;
    // One statement is one snapshot, however long it takes and whatever is written meanwhile.
    conn.execute("VACUUM INTO ?1", [schema::utf8(draft)?])?;
    drop(conn);
    let copy = open_copy(draft)?;
    copy.execute("UPDATE meta SET machine_id = ?1, backup_us = ?2", params![OF_A_COPY, now.0])?;
    refuse_unsound(&copy, draft)?;
    let manifest = manifest(&copy, draft)?;
    copy.close().map_err(|(_, error)| StoreError::from(error))?;
    File::open(draft).and_then(|file| file.sync_all()).map_err(StoreError::io("write", draft))?;
    Ok(manifest)
}

/// Gives it its name, where nothing has that name.
fn name_it(draft: &Path, to: &Path) -> Result<()> {
    match renameat_with(CWD, draft, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => schema::sync_dir(to),
        Err(rustix::io::Errno::EXIST) => Err(StoreError::AlreadyThere { path: to.to_owned() }),
        // File systems that know no such renaming know links, or are asked once more whether the name is free.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) if fs::symlink_metadata(to).is_err() => {
            fs::rename(draft, to).map_err(StoreError::io("rename", draft))?;
            schema::sync_dir(to)
        }
        Err(error) => Err(StoreError::io("rename", draft)(error.into())),
    }
}

/// Puts `from` in the place of the store in `dir`, which `_lock` keeps from being synced. Answers what it is, and where the store is
/// now that was there, where there was one: in `aside`, a new folder in `dir`.
pub(crate) fn restore(
    dir: &Path,
    from: &Path,
    aside: &str,
    _lock: &SyncLock,
) -> Result<(Manifest, Option<PathBuf>)> {
    let draft = dir.join("store.db.restoring");
    schema::remove(&draft)?;
    let looked_at = copy_in(dir, from, &draft);
    let manifest = match looked_at {
        Ok(manifest) => manifest,
        Err(error) => {
            schema::remove(&draft)?;
            return Err(error);
        }
    };
    damage::note(dir, "a restore was begun and has not ended")?;
    // What is left of an index belongs to another store, whose numbers mean other messages.
    for suffix in BESIDE {
        schema::remove(&dir.join(format!("{SEARCH_FILE}{suffix}")))?;
    }
    let kept = match anything_left(dir)? {
        true => Some(set_aside(dir, aside)?),
        false => None,
    };
    fs::rename(&draft, dir.join(STORE_FILE)).map_err(StoreError::io("rename", &draft))?;
    schema::sync_dir(&draft)?;
    damage::forget(dir)?;
    Ok((manifest, kept))
}

/// Copies a file into the store's folder and looks at the copy, so that nobody changes meanwhile what was looked at.
fn copy_in(dir: &Path, from: &Path, draft: &Path) -> Result<Manifest> {
    let found = fs::metadata(from).map_err(StoreError::io("look at", from))?;
    let bad = |detail: &str| StoreError::BadBackup { path: from.to_owned(), detail: detail.to_owned() };
    if !found.is_file() {
        return Err(bad("it is no file"));
    }
    if beside(from, "-wal").exists() {
        return Err(bad("a log is beside it, so that it is a store and no backup"));
    }
    schema::look_at_header(from).map_err(|error| about(error, from))?;
    place::need_room(dir, "restore the store", found.len())?;
    let mut source = File::open(from).map_err(StoreError::io("open", from))?;
    let mut copy = place::private_file(draft)?;
    io::copy(&mut source, &mut copy).map_err(StoreError::io("copy", from))?;
    drop(copy);
    let copied = looked_at(draft).map_err(|error| about(error, from))?;
    File::open(draft).and_then(|file| file.sync_all()).map_err(StoreError::io("write", draft))?;
    Ok(copied)
}

fn looked_at(draft: &Path) -> Result<Manifest> {
    let copy = open_copy(draft)?;
    let manifest = manifest(&copy, draft)?;
    refuse_unsound(&copy, draft)?;
    copy.execute("UPDATE meta SET machine_id = ?1", [OF_A_COPY])?;
    copy.close().map_err(|(_, error)| StoreError::from(error))?;
    Ok(manifest)
}

/// What is wrong is wrong with the backup, and not with the store.
fn about(error: StoreError, from: &Path) -> StoreError {
    match error {
        StoreError::Damaged { detail, .. } => StoreError::BadBackup { path: from.to_owned(), detail },
        StoreError::Sqlite(error) => {
            StoreError::BadBackup { path: from.to_owned(), detail: error.to_string() }
        }
        StoreError::NewerSchema { found, known, .. } => {
            StoreError::NewerSchema { path: from.to_owned(), found, known }
        }
        other => other,
    }
}

fn refuse_unsound(copy: &Connection, path: &Path) -> Result<()> {
    match read::unsound(copy)?.into_iter().next() {
        Some(detail) => Err(StoreError::BadBackup { path: path.to_owned(), detail }),
        None => Ok(()),
    }
}

fn manifest(copy: &Connection, path: &Path) -> Result<Manifest> {
    let schema = copy.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let no_store = |detail: String| StoreError::BadBackup { path: path.to_owned(), detail };
    let (store_id, created) = copy
        .query_row("SELECT store_id, created_us FROM meta WHERE id = 1", [], |row| {
            Ok((row.get(0)?, Timestamp(row.get(1)?)))
        })
        .map_err(|error| match StoreError::from(error) {
            StoreError::Sqlite(_) => no_store("it is no store of postrider".to_owned()),
            other => other,
        })?;
    // Stores before schema 6 do not say.
    let taken: Option<i64> = match schema >= 6_i64 {
        true => copy.query_row("SELECT backup_us FROM meta WHERE id = 1", [], |row| row.get(0))?,
        false => None,
    };
    let octets = fs::metadata(path).map_err(StoreError::io("look at", path))?.len();
    Ok(Manifest { store_id, schema, created, taken: taken.map(Timestamp), octets })
}

/// Opens a copy for writing, with nothing beside it.
fn open_copy(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    let _: String = conn.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
    Ok(conn)
}

/// Whether a store is there, or a log that one left behind.
fn anything_left(dir: &Path) -> Result<bool> {
    Ok(schema::is_there(dir)? || schema::orphaned_log(dir)?.is_some())
}

/// Takes what makes the store there into a folder of its own.
fn set_aside(dir: &Path, aside: &str) -> Result<PathBuf> {
    // The log is part of the store; written back, it cannot be parted from it. A damaged store refuses, and moves as it is.
    if let Ok(conn) = connect(&dir.join(STORE_FILE)) {
        let _ = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
    let folder = dir.join(aside);
    DirBuilder::new().mode(0o700).create(&folder).map_err(StoreError::io("make the directory", &folder))?;
    // The log first: one that is left where a database no longer is would be read into the next that comes there.
    for suffix in BESIDE.into_iter().rev() {
        let name = format!("{STORE_FILE}{suffix}");
        match fs::rename(dir.join(&name), folder.join(&name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            moved => moved.map_err(StoreError::io("move", dir.join(&name)))?,
        }
    }
    schema::sync_dir(&folder.join(STORE_FILE))?;
    Ok(folder)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
