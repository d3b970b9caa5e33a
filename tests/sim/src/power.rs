//! Power loss: what was committed and not synced is gone from some point on (design, "The seams").
//!
//! SQLite's log is written in order and synced before it is written back, so that what a power loss leaves is the database
//! file with a log that ends somewhere, be it in the middle of a frame. That is made here from a copy that is taken in the
//! moment of death, before the connections are closed.
//!
//! What is noted as sent was committed durably, and all that stands before it in the log with it: that is never lost.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use crate::stored::noted_as_sent;

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
    /// The newest write that is noted as sent.
    sent: Arc<AtomicU64>,
    /// Octets of the store's log that surely are on the disk.
    synced: Arc<AtomicU64>,
    seen: Seen,
}

impl PowerLoss {
    /// Of a store, with so many thousandths of its logs on the disk.
    pub fn new(store: &Path, kept: u64) -> Self {
        Self {
            store: store.to_owned(),
            kept,
            sent: Arc::default(),
            synced: Arc::default(),
            seen: Arc::default(),
        }
    }

    /// Looks whether a write was noted as sent since, after each job of the store.
    pub fn notice_sync(&self) {
        let sent = noted_as_sent(&self.store).unwrap_or(0);
        if sent != self.sent.swap(sent, Relaxed) && sent != 0 {
            self.is_on_the_disk();
        }
    }

    /// All that is in the store's log now is on the disk.
    pub fn is_on_the_disk(&self) {
        let log = fs::metadata(self.store.join("store.db-wal")).map_or(0, |log| log.len());
        self.synced.store(log, Relaxed);
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
                let synced = if database == "store.db" { self.synced.load(Relaxed) } else { 0 };
                let kept = (octets.len() as u64 * self.kept / 1000).max(synced);
                octets.truncate(usize::try_from(kept).unwrap_or(0));
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
