//! What the store holds, read beside the program by plain SQL: every message where it stands or stood, and a hash of all
//! tables.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::Result;
use blake3::Hash;
use rusqlite::{Connection, OpenFlags, types::ValueRef};

/// Flags and keywords in lower case.
pub type Flags = BTreeSet<String>;

/// A message where it stands, or stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The id that listings print.
    pub id: i64,
    /// The message behind it.
    pub message: i64,
    /// BLAKE3 of its bytes, as the store noted it.
    pub hash: Hash,
    /// The account's name.
    pub account: String,
    /// The folder in which the server has it, or had it last.
    pub collection: i64,
    /// That folder's name.
    pub folder: String,
    /// Whether that folder is frozen, or the one to which it is to go.
    pub is_frozen: bool,
    /// The name of the folder in which it stands here.
    pub stands_in: String,
    /// Whether mass deletions in the folder are a person's ordinary tidying (F5.4).
    pub is_exempt: bool,
    /// The UIDVALIDITY that the folder's cursor has.
    pub uid_validity: Option<u32>,
    /// Its UID.
    pub uid: Option<u32>,
    /// Its flags.
    pub flags: Flags,
    /// The flags on which both sides agreed last.
    pub base: Flags,
    /// When the server received it, in seconds since 1970.
    pub internal_date: i64,
    /// Whether it is a tombstone.
    pub is_deleted: bool,
    /// Whether a person deleted it here.
    pub is_unwanted: bool,
    /// Whether its deletion waits for a person's word.
    pub is_held: bool,
    /// Of a tombstone that the server has still, what is to become of it there.
    pub discard: Option<String>,
    /// How far a noted write of it is.
    pub intent: Option<String>,
    /// Whether it came and is not settled since: it may yet turn out to be another one that was moved, and go by its id.
    pub is_arriving: bool,
    /// Whether a server takes its bytes: IMAP carries no line feed without a carriage return.
    pub can_be_put: bool,
}

impl Standing {
    /// Whether it stands in a folder that is followed.
    pub fn is_followed(&self) -> bool {
        !self.is_deleted && !self.is_frozen
    }

    /// Whether it was deleted here and is still to be deleted there.
    pub fn is_to_go(&self) -> bool {
        matches!(self.discard.as_deref(), Some("trash" | "expunge"))
    }

    /// Whether it is only what a move left in the old place: no message that anybody sees.
    pub fn is_rest(&self) -> bool {
        matches!(self.discard.as_deref(), Some("rest" | "left"))
    }

    /// Whether the server has it still, with a mark, and cannot erase it by itself.
    pub fn is_marked(&self) -> bool {
        matches!(self.discard.as_deref(), Some("marked" | "left"))
    }

    /// Whether it carries the mark for deletion here, whoever put it there.
    pub fn has_mark(&self) -> bool {
        self.flags.contains("\\deleted")
    }

    /// Whether something of it is still to be done on the server.
    pub fn waits(&self) -> bool {
        let differs = !self.is_deleted && (self.flags != self.base || self.stands_in != self.folder);
        self.is_to_go() || self.discard.as_deref() == Some("rest") || self.intent.is_some() || differs
    }
}

fn open(store: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(store.join("store.db"), flags)?)
}

/// Everything, in the order of ids. Nothing, where there is no store yet.
///
/// # Errors
/// What SQLite says.
pub fn standings(store: &Path) -> Result<Vec<Standing>> {
    if !store.join("store.db").exists() {
        return Ok(Vec::new());
    }
    let conn = open(store)?;
    let mut statement = conn.prepare(
        "SELECT p.id, p.message, b.hash, a.name, c.id, c.name, c.gone_us IS NOT NULL OR f.gone_us IS NOT NULL, c.uid_validity, p.uid, p.flags,
                p.keywords, p.internal_us, p.deleted_us IS NOT NULL, p.held IS NOT NULL,
                coalesce(c.role IN ('trash', 'junk', 'drafts'), 0), f.name, p.base_flags, p.base_keywords, p.discard,
                (SELECT i.state FROM intent i WHERE i.placement = p.id), m.snippet NOT LIKE '%bare line feeds%', p.arriving,
                coalesce(p.deleted_why IN ('deleted', 'deleted with its folder'), 0)
         FROM placement p JOIN message m ON m.id = p.message JOIN body b ON b.id = m.body
              JOIN collection c ON c.id = p.collection JOIN collection f ON f.id = p.folder
              JOIN account a ON a.id = c.account ORDER BY p.id",
    )?;
    let rows = statement.query_map([], |row| {
        let (bits, keywords): (u8, String) = (row.get(9)?, row.get(10)?);
        let (base_bits, base_keywords): (u8, String) = (row.get(16)?, row.get(17)?);
        let internal_us: i64 = row.get(11)?;
        Ok(Standing {
            id: row.get(0)?,
            message: row.get(1)?,
            hash: Hash::from_bytes(row.get(2)?),
            account: row.get(3)?,
            collection: row.get(4)?,
            folder: row.get(5)?,
            is_frozen: row.get(6)?,
            uid_validity: row.get(7)?,
            uid: row.get(8)?,
            flags: flags(bits, &keywords),
            internal_date: internal_us.div_euclid(1_000_000),
            is_deleted: row.get(12)?,
            is_held: row.get(13)?,
            is_exempt: row.get(14)?,
            stands_in: row.get(15)?,
            base: flags(base_bits, &base_keywords),
            discard: row.get(18)?,
            intent: row.get(19)?,
            can_be_put: row.get(20)?,
            is_arriving: row.get(21)?,
            is_unwanted: row.get(22)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// How far the program has read each folder that has mod-sequences, by account and name.
///
/// # Errors
/// What SQLite says.
pub fn cursors(store: &Path) -> Result<BTreeMap<(String, String), u64>> {
    if !store.join("store.db").exists() {
        return Ok(BTreeMap::new());
    }
    let conn = open(store)?;
    let mut statement = conn.prepare(
        "SELECT a.name, c.name, c.highest_mod_seq FROM collection c JOIN account a ON a.id = c.account
         WHERE c.gone_us IS NULL AND c.highest_mod_seq IS NOT NULL",
    )?;
    let rows = statement.query_map([], |row| {
        let mod_seq: i64 = row.get(2)?;
        Ok(((row.get(0)?, row.get(1)?), mod_seq.cast_unsigned()))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A number that changes whenever other writes are noted as sent; 0 where none is.
///
/// # Errors
/// What SQLite says.
pub fn noted_as_sent(store: &Path) -> Result<u64> {
    let sent: i64 = open(store)?.query_row(
        "SELECT coalesce((SELECT sum(id * (attempt + 1)) FROM intent WHERE state = 'sent'), 0)
                + coalesce((SELECT sum(id * (attempt + 1)) FROM outbox WHERE state = 'sent'), 0) * 1000003
                + coalesce((SELECT sum(id) FROM outbox WHERE filing = 'sent'), 0) * 1000000007",
        [],
        |row| row.get(0),
    )?;
    Ok(sent.cast_unsigned())
}

/// When the last of all writes that wait is due, in microseconds since 1970; `None` where none waits.
///
/// # Errors
/// What SQLite says.
pub fn last_due_us(store: &Path) -> Result<Option<i64>> {
    Ok(open(store)?.query_row(
        "SELECT max(due_us) FROM (SELECT due_us FROM intent WHERE state = 'noted'
                                  UNION ALL SELECT due_us FROM outbox WHERE state = 'noted')",
        [],
        |row| row.get(0),
    )?)
}

/// The flags in lower case.
pub fn lower_case(flags: &[String]) -> Flags {
    flags.iter().map(|flag| flag.to_lowercase()).collect()
}

fn flags(bits: u8, keywords: &str) -> Flags {
    let system = ["\\seen", "\\answered", "\\flagged", "\\deleted", "\\draft"];
    let set = system.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
    set.map(|(_, name)| (*name).to_owned())
        .chain(keywords.split_whitespace().map(str::to_lowercase))
        .collect()
}

/// A hash of every row of every table but `run`, which every run writes.
///
/// # Errors
/// What SQLite says.
pub fn dump(store: &Path) -> Result<Hash> {
    let conn = open(store)?;
    let mut names =
        conn.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'run' ORDER BY name")?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut hasher = blake3::Hasher::new();
    for name in names {
        hasher.update(name.as_bytes());
        let mut statement = conn.prepare(&format!("SELECT * FROM {name}"))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                take(&mut hasher, row.get_ref(column)?);
            }
        }
    }
    Ok(hasher.finalize())
}

fn take(hasher: &mut blake3::Hasher, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => hasher.update(b"n"),
        ValueRef::Integer(number) => hasher.update(b"i").update(&number.to_le_bytes()),
        ValueRef::Real(number) => hasher.update(b"r").update(&number.to_le_bytes()),
        ValueRef::Text(octets) => {
            hasher.update(b"t").update(&(octets.len() as u64).to_le_bytes()).update(octets)
        }
        ValueRef::Blob(octets) => {
            hasher.update(b"b").update(&(octets.len() as u64).to_le_bytes()).update(octets)
        }
    };
}
