//! Connections for reading that wait for the next reader. To open one is to read and parse the whole schema, which takes longer than most of
//! what is asked for.

use std::{
    fmt, fs,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rusqlite::Connection;
use scopeguard::{OnSuccess, ScopeGuard};

use super::{connect_reader, for_reading};
use crate::Result;

/// A connection that goes back to where it came from, unless whoever has it panics: nobody knows what it was in the middle of.
pub(crate) type Pooled = ScopeGuard<Connection, Box<dyn FnOnce(Connection) + Send>, OnSuccess>;

/// What waits, for all readers of a store.
#[derive(Clone)]
pub(crate) struct Pool {
    waiting: Arc<Mutex<Vec<Waiting>>>,
    most: usize,
}

struct Waiting {
    conn: Connection,
    of: Identity,
}

/// Which file it is: a store that was put back from a backup is another one under the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

impl Pool {
    /// In which at most so many wait.
    pub(crate) fn of(most: usize) -> Self {
        Self { waiting: Arc::default(), most }
    }

    /// A connection for reading: one that waits, or a new one.
    pub(crate) fn take(&self, path: &Path) -> Result<Pooled> {
        let found = Identity::of(path);
        let waiting = {
            let mut waiting = self.locked();
            waiting.retain(|one| Some(one.of) == found);
            waiting.pop()
        };
        let conn = match waiting {
            Some(one) => one.conn,
            None => connect_reader(path)?,
        };
        let pool = self.clone();
        let put_back = move |conn| {
            if let Some(of) = found {
                pool.put_back(Waiting { conn, of });
            }
        };
        Ok(scopeguard::guard_on_success(conn, Box::new(put_back)))
    }

    /// Lets an open connection wait, as one for reading. `of` is what the file was before it was opened: of two that were exchanged
    /// meanwhile, none is taken for the other.
    pub(crate) fn give(&self, of: Option<Identity>, conn: Connection) -> Result<()> {
        for_reading(&conn)?;
        if let Some(of) = of {
            self.put_back(Waiting { conn, of });
        }
        Ok(())
    }

    fn put_back(&self, one: Waiting) {
        // It waits without the pages that it read, and never within a moment of the past.
        let is_clean = one.conn.is_autocommit() && one.conn.execute_batch("PRAGMA shrink_memory").is_ok();
        let mut waiting = self.locked();
        if is_clean && waiting.len() < self.most {
            waiting.push(one);
        }
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Identity {
    /// What is there now; `None` where nothing can be looked at.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|file| Self { device: file.dev(), inode: file.ino() })
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("waiting", &self.locked().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two databases that say which they are.
    fn files() -> (tempfile::TempDir, [std::path::PathBuf; 2]) {
        let dir = tempfile::tempdir().unwrap();
        let made = ["first", "other"].map(|name| {
            let path = dir.path().join(name);
            let conn = Connection::open(&path).unwrap();
            conn.execute_batch(&format!("CREATE TABLE t (a); INSERT INTO t VALUES ('{name}')")).unwrap();
            path
        });
        (dir, made)
    }

    fn read(conn: &Connection) -> String {
        conn.query_row("SELECT a FROM t", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn what_waits_is_taken_and_no_more_wait_than_may() {
        let (_dir, [path, _]) = files();
        let pool = Pool::of(1);
        let (one, other) = (pool.take(&path).unwrap(), pool.take(&path).unwrap());
        one.execute_batch("PRAGMA user_version").unwrap();
        drop((one, other));
        assert_eq!(pool.locked().len(), 1);
        let again = pool.take(&path).unwrap();
        assert_eq!(pool.locked().len(), 0, "it is taken");
        assert_eq!(read(&again), "first");
        assert!(again.execute_batch("DELETE FROM t").is_err(), "it reads and does not write");
    }

    #[test]
    fn another_file_of_the_same_name_is_opened_anew() {
        let (_dir, [path, other]) = files();
        let pool = Pool::of(2);
        pool.give(Identity::of(&path), Connection::open(&path).unwrap()).unwrap();
        assert!(
            pool.take(&path).unwrap().execute_batch("DELETE FROM t").is_err(),
            "it was given for reading"
        );
        fs::rename(other, &path).unwrap();
        assert_eq!(read(&pool.take(&path).unwrap()), "other");
        fs::remove_file(&path).unwrap();
        assert!(pool.take(&path).is_err(), "what is gone is not read on");
    }

    #[test]
    fn what_was_exchanged_as_it_was_opened_is_not_read() {
        let (_dir, [path, other]) = files();
        let pool = Pool::of(2);
        let (of, conn) = (Identity::of(&path), Connection::open(&path).unwrap());
        fs::rename(other, &path).unwrap();
        pool.give(of, conn).unwrap();
        assert_eq!(read(&pool.take(&path).unwrap()), "other");
    }

    #[test]
    fn what_somebody_panicked_with_does_not_wait() {
        let (_dir, [path, _]) = files();
        let pool = Pool::of(2);
        let taken = pool.take(&path).unwrap();
        let panics = move || {
            let _taken = taken;
            panic!("on purpose");
        };
        std::thread::scope(|scope| assert!(scope.spawn(panics).join().is_err()));
        assert_eq!(pool.locked().len(), 0);
    }

    #[test]
    fn what_is_left_within_a_moment_of_the_past_does_not_wait() {
        let (_dir, [path, _]) = files();
        let pool = Pool::of(2);
        let conn = pool.take(&path).unwrap();
        conn.execute_batch("BEGIN; SELECT a FROM t").unwrap();
        drop(conn);
        assert_eq!(pool.locked().len(), 0);
    }
}
