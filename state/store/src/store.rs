//! Opening the store, and the three ways into it: the writer, readers, the indexer.

use std::path::{Path, PathBuf};

use postrider_model::Timestamp;

use crate::{
    Away, Compacted, Indexer, Manifest, Progress, Reader, Result, SyncLock, Writer,
    file::{self, Pool, STORE_FILE},
};

/// How many connections for reading stay open while nobody reads, by a store that keeps them.
const READERS_KEPT: usize = 2;

/// Where the store is, and what a new one is given.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its directory. It is made, for its user alone, where it is not there.
    pub dir: PathBuf,
    /// The user to whom directory and files must belong.
    pub user: u32,
    /// The id of a new store, drawn by the caller: every mark that it leaves on a server carries it.
    pub store_id: [u8; 16],
    /// When a new store is made.
    pub now: Timestamp,
    /// The machine that a new store knows as its own (F10.3), such as `/etc/machine-id` has it.
    pub machine_id: Option<String>,
    /// Whether some connections for reading stay open, for the next who read by that [`Store`] or a clone of it: to open one takes longer
    /// than most of what is read. The log stays too, until the last clone is dropped.
    pub keeps_readers: bool,
}

impl Options {
    /// The store in `dir`, of the user who runs this process.
    pub fn new(dir: impl Into<PathBuf>, store_id: [u8; 16], now: Timestamp) -> Self {
        let user = rustix::process::geteuid().as_raw();
        Self { dir: dir.into(), user, store_id, now, machine_id: None, keeps_readers: false }
    }
}

/// A store whose place, modes and schema are right. It holds no connection: [`writer`](Self::writer),
/// [`reader`](Self::reader) and [`indexer`](Self::indexer) open one each, unless it [keeps readers](Options::keeps_readers).
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
    store_id: [u8; 16],
    machine_id: Option<String>,
    /// The machine on which it was opened.
    here: Option<String>,
    created: Timestamp,
    readers: Pool,
}

impl Store {
    /// Opens the store, made where there is none, upgraded where it is older.
    ///
    /// # Errors
    /// A place or mode that is refused, a schema that is newer, damage, a full disk.
    pub fn open(options: &Options) -> Result<Self> {
        file::prepare_dir(&options.dir, options.user)?;
        file::check_files(&options.dir, options.user)?;
        let (conn, of) = file::create_or_upgrade(options)?;
        let (store_id, machine_id, created) = file::meta(&conn)?;
        let (dir, here) = (options.dir.clone(), options.machine_id.clone());
        let readers = Pool::of(if options.keeps_readers { READERS_KEPT } else { 0 });
        let store = Self { dir, store_id, machine_id, here, created, readers };
        if file::away(&conn, options.machine_id.as_deref())?.is_some() && !file::is_noted(&conn)? {
            store.writer()?.transaction(|tx| tx.note_away(options.now))?;
        }
        if options.keeps_readers {
            store.readers.give(of, conn)?;
        }
        Ok(store)
    }

    /// Opens the store where there is one already, for those who only read.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_existing(options: &Options) -> Result<Option<Self>> {
        match file::is_there(&options.dir)? {
            true => Self::open(options).map(Some),
            false => Ok(None),
        }
    }

    /// A connection for writing. There should be one in a process; another process's waits for it.
    ///
    /// # Errors
    /// What SQLite says on opening.
    pub fn writer(&self) -> Result<Writer> {
        let conn = file::connect_writer(&self.dir.join(STORE_FILE))?;
        Writer::new(conn, self.store_id, self.dir.clone(), self.here.clone())
    }

    /// A connection for reading.
    ///
    /// # Errors
    /// What SQLite says on opening.
    pub fn reader(&self) -> Result<Reader> {
        Reader::new(&self.dir, &self.readers)
    }

    /// The search index, made where there is none, made anew where it is damaged or not of this store. One at a time.
    ///
    /// # Errors
    /// What SQLite says on opening.
    pub fn indexer(&self) -> Result<Indexer> {
        Indexer::open(&self.dir, self.store_id)
    }

    /// What is wrong with the search index; `None` where it is sound, or not there. A damaged one is made anew by the next who opens it.
    ///
    /// # Errors
    /// What keeps from looking.
    pub fn check_search(&self) -> Result<Option<String>> {
        crate::index::check(&self.dir)
    }

    /// Why it is away from home (F10.3); `None` where it is not. Asked anew each time: a person may adopt it.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn away(&self) -> Result<Option<Away>> {
        let conn = self.readers.take(&self.dir.join(STORE_FILE))?;
        file::away(&conn, self.here.as_deref())
    }

    /// That nobody has found it damaged (F10.2).
    ///
    /// # Errors
    /// [`StoreError::Damaged`](crate::StoreError::Damaged) with what was found.
    pub fn refuse_damaged(&self) -> Result<()> {
        file::damage::refuse(&self.dir)
    }

    /// A whole check found something wrong.
    ///
    /// # Errors
    /// Where the mark cannot be written.
    pub fn note_damage(&self, detail: &str) -> Result<()> {
        file::damage::note(&self.dir, detail)
    }

    /// A whole check found nothing wrong.
    ///
    /// # Errors
    /// Where the mark cannot be taken away.
    pub fn note_sound(&self) -> Result<()> {
        file::damage::forget(&self.dir)
    }

    /// Writes one consistent snapshot into a new file, while others write on (F10.1). The file has no key in it and no search index.
    ///
    /// # Errors
    /// A file of that name, a disk without room, damage.
    pub fn backup(&self, to: &Path, now: Timestamp, progress: Progress) -> Result<Manifest> {
        file::backup(&self.dir, to, now, progress)
    }

    /// Puts a backup in the place of the store of `options`, or where there is none. The store that was there is kept, whole, in
    /// `aside`, a new folder in its directory. Answers what was put back, and that folder.
    ///
    /// # Errors
    /// [`StoreError::Busy`](crate::StoreError::Busy) while somebody syncs it; a file that is no sound backup, or of a later version: then
    /// nothing is changed.
    pub fn restore(options: &Options, from: &Path, aside: &str) -> Result<(Manifest, Option<PathBuf>)> {
        file::prepare_dir(&options.dir, options.user)?;
        file::check_files(&options.dir, options.user)?;
        let lock = SyncLock::acquire(&options.dir)?;
        file::restore(&options.dir, from, aside, &lock)
    }

    /// Gives back room that is free inside the files, and merges the search index.
    ///
    /// # Errors
    /// [`StoreError::Busy`](crate::StoreError::Busy) while somebody syncs it; a disk without room for it.
    pub fn compact(&self) -> Result<Compacted> {
        let lock = SyncLock::acquire(&self.dir)?;
        file::compact(&self.dir, &lock)
    }

    /// Octets of the logs, the search index's among them, that are perhaps not written back yet, and will need room once more when
    /// they are.
    pub fn log_octets(&self) -> u64 {
        let log = |name| self.dir.join(format!("{name}-wal"));
        let logs = [STORE_FILE, file::SEARCH_FILE].map(log);
        logs.iter().map(|log| std::fs::metadata(log).map_or(0, |found| found.len())).sum()
    }

    /// Where it lies.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its id.
    pub const fn store_id(&self) -> [u8; 16] {
        self.store_id
    }

    /// The machine that it knows as its own.
    pub fn machine_id(&self) -> Option<&str> {
        self.machine_id.as_deref()
    }

    /// When it was made.
    pub const fn created(&self) -> Timestamp {
        self.created
    }
}
