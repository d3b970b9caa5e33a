//! Opening the store, and the three ways into it: the writer, readers, the indexer.

use std::path::{Path, PathBuf};

use postrider_model::Timestamp;

use crate::{
    Indexer, Reader, Result, Writer,
    file::{self, STORE_FILE},
};

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
}

impl Options {
    /// The store in `dir`, of the user who runs this process.
    pub fn new(dir: impl Into<PathBuf>, store_id: [u8; 16], now: Timestamp) -> Self {
        let user = rustix::process::geteuid().as_raw();
        Self { dir: dir.into(), user, store_id, now, machine_id: None }
    }
}

/// A store whose place, modes and schema are right. It holds no connection: [`writer`](Self::writer),
/// [`reader`](Self::reader) and [`indexer`](Self::indexer) open one each.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
    store_id: [u8; 16],
    machine_id: Option<String>,
    created: Timestamp,
}

impl Store {
    /// Opens the store, made where there is none, upgraded where it is older.
    ///
    /// # Errors
    /// A place or mode that is refused, a schema that is newer, damage, a full disk.
    pub fn open(options: &Options) -> Result<Self> {
        file::prepare_dir(&options.dir, options.user)?;
        file::check_files(&options.dir, options.user)?;
        let conn = file::create_or_upgrade(options)?;
        let (store_id, machine_id, created) = file::meta(&conn)?;
        Ok(Self { dir: options.dir.clone(), store_id, machine_id, created })
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
        Writer::new(file::connect_writer(&self.dir.join(STORE_FILE))?, self.store_id)
    }

    /// A connection for reading.
    ///
    /// # Errors
    /// What SQLite says on opening.
    pub fn reader(&self) -> Result<Reader> {
        Reader::new(&self.dir)
    }

    /// The search index, made where there is none, made anew where it is damaged or not of this store. One at a time.
    ///
    /// # Errors
    /// What SQLite says on opening.
    pub fn indexer(&self) -> Result<Indexer> {
        Indexer::open(&self.dir, self.store_id)
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
