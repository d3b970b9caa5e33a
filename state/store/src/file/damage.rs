//! The mark that `store.db` was found damaged (F10.2): a file beside it, so that it holds for every process, outlives this one, and
//! needs nothing of the database that cannot be trusted any more.
//!
//! It is set where damage is met and by a restore that has begun; a whole check that finds nothing, and a restore that has ended,
//! take it away. Nothing is sent while it is there.

use std::{fs, io, io::Write, path::Path};

use super::{DAMAGE_FILE, STORE_FILE, place};
use crate::{Result, StoreError};

/// The longest mark that is read back, in octets.
const MOST: usize = 2_000;

/// Sets the mark. The first finding stays: later ones follow from it.
pub(crate) fn note(dir: &Path, detail: &str) -> Result<()> {
    let path = dir.join(DAMAGE_FILE);
    if found(dir)?.is_some() {
        return Ok(());
    }
    let mut file = place::private_file(&path)?;
    let written = file.write_all(detail.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(StoreError::io("write", path))
}

/// Sets the mark where what was done has met damage of the store; passes on what came of it.
pub(crate) fn noting<R>(dir: &Path, done: Result<R>) -> Result<R> {
    if let Err(StoreError::Damaged { file, detail }) = &done
        && file == STORE_FILE
        && let Err(error) = note(dir, detail)
    {
        tracing::error!(%error, "the mark of damage cannot be set");
    }
    done
}

/// What was found, where the mark is set. One whose words did not reach the disk is a mark all the same.
pub(crate) fn found(dir: &Path) -> Result<Option<String>> {
    let path = dir.join(DAMAGE_FILE);
    match fs::read(&path) {
        Ok(detail) => {
            let read = String::from_utf8_lossy(detail.get(..MOST).unwrap_or(&detail)).into_owned();
            Ok(Some(read))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("read", path)(error)),
    }
}

/// Takes the mark away.
pub(crate) fn forget(dir: &Path) -> Result<()> {
    let path = dir.join(DAMAGE_FILE);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// The mark as an error; `Ok` where there is none.
pub(crate) fn refuse(dir: &Path) -> Result<()> {
    match found(dir)? {
        Some(detail) => Err(StoreError::damaged(STORE_FILE, detail)),
        None => Ok(()),
    }
}
