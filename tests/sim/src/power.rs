//! Power loss: what was committed and not synced is gone from some point on (design, "The seams").
//!
//! SQLite's log is written in order and synced before it is written back, so that what a power loss leaves is the database
//! file with a log that ends somewhere, be it in the middle of a frame. That is made here from a copy that is taken in the
//! moment of death, before the connections are closed.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// The files of one database: the file and its log.
const DATABASES: [&str; 2] = ["store.db", "search.db"];

/// Files with the octets that reached the disk.
type Seen = Arc<Mutex<Vec<(PathBuf, Vec<u8>)>>>;

/// A power loss that is still to come.
#[derive(Debug, Clone)]
pub struct PowerLoss {
    store: PathBuf,
    /// Thousandths of each log's octets that reached the disk.
    kept: u64,
    seen: Seen,
}

impl PowerLoss {
    /// Of a store, with so many thousandths of its logs on the disk.
    pub fn new(store: &Path, kept: u64) -> Self {
        Self { store: store.to_owned(), kept, seen: Arc::default() }
    }

    /// Takes the copy.
    pub fn look(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for database in DATABASES {
            let (file, log) = (self.store.join(database), self.store.join(format!("{database}-wal")));
            if let Ok(octets) = fs::read(&file) {
                seen.push((file, octets));
            }
            if let Ok(mut octets) = fs::read(&log) {
                octets.truncate(usize::try_from(octets.len() as u64 * self.kept / 1000).unwrap_or(0));
                seen.push((log, octets));
            }
        }
    }

    /// Puts the copy in the place of what is there.
    ///
    /// # Errors
    /// What the file system says.
    pub fn strike(&self) -> io::Result<()> {
        for database in DATABASES {
            for tail in ["-wal", "-shm"] {
                match fs::remove_file(self.store.join(format!("{database}{tail}"))) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        for (path, octets) in self.seen.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // In place, so that owner and mode stay.
            if octets.is_empty() && !path.exists() {
                continue;
            }
            fs::write(path, octets)?;
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        }
        Ok(())
    }
}
