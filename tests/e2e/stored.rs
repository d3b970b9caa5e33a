//! The store as somebody else's SQLite reads it, between runs of the program.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use postrider_test_support::home::output_of;
use postrider_test_support::programs;
use serde::Deserialize;

const SCRIPT: &str = include_str!("stored.py");

/// A message where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Stored {
    /// As listings print it.
    pub id: String,
    pub folder: String,
    /// The folder's own number.
    pub collection: u64,
    /// Why the folder is followed no more.
    pub frozen: Option<String>,
    pub uid: Option<u32>,
    /// A bit set: 1 seen, 2 answered, 4 flagged, 8 deleted, 16 draft.
    pub flags: u32,
    pub keywords: String,
    pub base_flags: u32,
    pub base_keywords: String,
    pub internal_us: i64,
    /// A tombstone (1) or not (0).
    pub deleted: u8,
    /// Whether its deletion waits for a person's word (1) or not (0).
    pub held: u8,
    pub subject: String,
    pub message_id: Option<String>,
    pub thread: Option<String>,
    pub snippet: String,
    pub structure: String,
    pub date_us: Option<i64>,
    /// The number of the message, which its copies share.
    pub message: u64,
    pub body: u64,
    pub size: u64,
    /// The hash of the bytes, as the store notes it.
    pub hash: String,
    /// A hash of the bytes as they are stored.
    pub stored: Option<String>,
}

impl Stored {
    /// Whether it is there: neither deleted nor in a folder that is followed no more.
    pub fn is_live(&self) -> bool {
        self.deleted == 0 && self.frozen.is_none()
    }
}

/// Every row of every table but `run`, in words, by table.
pub type Tables = BTreeMap<String, Vec<String>>;

/// All messages, deleted ones too, by id; fails where SQLite finds damage. A store that is not there yet is empty.
pub fn mail(store: &Path) -> Vec<Stored> {
    match store.join("store.db").exists() {
        true => serde_json::from_str(&read(store, "mail")).unwrap(),
        false => Vec::new(),
    }
}

/// All tables but `run`.
pub fn tables(store: &Path) -> Tables {
    serde_json::from_str(&read(store, "tables")).unwrap()
}

/// Says in which tables two readings differ, and by which rows.
pub fn assert_same_tables(before: &Tables, after: &Tables, what: &str) {
    let names: Vec<&String> = before.keys().chain(after.keys()).collect();
    let nothing = Vec::new();
    for name in names {
        let (old, new) = (before.get(name).unwrap_or(&nothing), after.get(name).unwrap_or(&nothing));
        let gone: Vec<_> = old.iter().filter(|row| !new.contains(row)).take(3).collect();
        let come: Vec<_> = new.iter().filter(|row| !old.contains(row)).take(3).collect();
        assert!(old == new, "{what}: {name} changed: {gone:?} -> {come:?}");
    }
}

fn read(store: &Path, what: &str) -> String {
    let mut script = tempfile::NamedTempFile::new().unwrap();
    script.write_all(SCRIPT.as_bytes()).unwrap();
    let mut command = Command::new(programs::python().unwrap());
    command.arg(script.path()).arg(store).arg(what);
    let output = output_of(command).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
