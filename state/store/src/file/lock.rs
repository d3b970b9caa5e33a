//! One syncer a store (I10): a lock that dies with its holder, whatever end that one comes to.
//!
//! Readers and the short edits of commands do not take it; SQLite's own locks keep those apart.

use std::{
    fs::{File, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
};

use super::{LOCK_FILE, place};
use crate::{Result, StoreError};

/// The right to sync this store, until it is dropped.
#[derive(Debug)]
pub struct SyncLock {
    /// Closing it gives the lock back. The file stays: removing it would let two processes lock two files of one name.
    _file: File,
}

impl SyncLock {
    /// Takes the lock of the store in `dir`, which must have been opened before.
    ///
    /// # Errors
    /// [`StoreError::Busy`] at once where another process, or another lock of this one, has it.
    pub fn acquire(dir: &Path) -> Result<Self> {
        let path = dir.join(LOCK_FILE);
        let mut file = place::private_file(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Busy { pid: read_pid(&mut file) }),
            Err(TryLockError::Error(error)) => return Err(StoreError::io("lock", path)(error)),
        }
        write_pid(&mut file).map_err(StoreError::io("write", path))?;
        Ok(Self { _file: file })
    }
}

/// The process id is for the message alone; a wrong one misleads nobody but the reader.
fn write_pid(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_one_and_names_its_holder() {
        let home = tempfile::tempdir().unwrap();
        let held = SyncLock::acquire(home.path()).unwrap();
        let refused = SyncLock::acquire(home.path()).unwrap_err();
        assert!(
            matches!(refused, StoreError::Busy { pid: Some(pid) } if pid == std::process::id()),
            "{refused}"
        );
        drop(held);
        SyncLock::acquire(home.path()).unwrap();
    }

    #[test]
    fn a_lock_file_left_behind_locks_nothing() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(LOCK_FILE), "4711\nand more of an older one").unwrap();
        drop(SyncLock::acquire(home.path()).unwrap());
        assert_eq!(
            std::fs::read_to_string(home.path().join(LOCK_FILE)).unwrap(),
            format!("{}\n", std::process::id())
        );
    }
}
