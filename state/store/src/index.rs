//! The full-text index, in a file of its own: derived from the store, fed behind the load by its own writer, so that neither
//! waits for the other.
//!
//! - It says itself how far it reaches: its watermark is committed together with what it covers. So after a crash the rest is
//!   read again from the store, and a file that is deleted or damaged is made anew.
//! - It never runs ahead: only messages that are committed in the store are taken, in the order of their ids, without gaps.
//!   Should the store lose its newest messages all the same (the power failed), their ids come again with other bytes: the
//!   hash that is kept beside the watermark shows it, and the index is made anew.
//! - It holds words, not text: each word once a field. What the words are is the caller's; a word must have no character in it
//!   that is an ASCII one and neither letter nor digit.
//!
//! FTS5's tokenizer `ascii` splits at spaces and does nothing more to words that are folded already; `detail=column` keeps which
//! field a word is in and drops where.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use postrider_model::MessageId;
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    Result, SearchQuery, StoreError,
    file::{self, SEARCH_FILE, STORE_FILE},
    read,
};

/// The schema of `search.db`. It is never migrated: another version's file is made anew.
///
/// `hashsize`: octets of postings that are gathered in memory before they are written. `automerge`: segments of one size that
/// gather before they are merged; searches look into each, writes are spared.
const SCHEMA: &str = "
    CREATE TABLE state (
        id        INTEGER PRIMARY KEY CHECK (id = 1),
        store_id  BLOB NOT NULL,
        watermark INTEGER NOT NULL, -- every message up to this id is in
        hash      BLOB              -- of that message's bytes
    ) STRICT;
    CREATE VIRTUAL TABLE body_fts USING fts5 (
        subject, senders, recipients, text, attachments,
        content = '', contentless_delete = 1, detail = column, tokenize = 'ascii'
    );
    INSERT INTO body_fts (body_fts, rank) VALUES ('hashsize', 4194304);
    INSERT INTO body_fts (body_fts, rank) VALUES ('automerge', 16);
    INSERT INTO body_fts (body_fts, rank) VALUES ('crisismerge', 64);
    PRAGMA user_version = 1;";
const VERSION: i64 = 1;
/// Octets of words that share a transaction. FTS5 gathers their postings up to `hashsize` anyway; the words themselves are
/// not kept.
const GATHERED: usize = 8 << 20;

/// The words of one message by field: folded, separated by spaces, each once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// Of the subject.
    pub subject: String,
    /// Of the names and addresses in From, Sender and Reply-To.
    pub senders: String,
    /// Of the names and addresses in To, Cc and Bcc.
    pub recipients: String,
    /// Of the text.
    pub text: String,
    /// Of the attachments' names.
    pub attachments: String,
}

impl Words {
    /// About the memory that they take.
    pub fn octets(&self) -> usize {
        let Self { subject, senders, recipients, text, attachments } = self;
        [subject, senders, recipients, text, attachments].iter().map(|field| field.capacity()).sum()
    }
}

/// The index's one writer.
///
/// Several calls of [`add`](Self::add) share a transaction: FTS5 writes a segment at each commit, and many small ones are merged
/// again and again.
pub struct Indexer {
    conn: Connection,
    /// A reading connection to the store.
    store: Connection,
    /// What the open transaction has added.
    open: Option<Open>,
}

/// A transaction that has not ended.
#[derive(Debug, Clone, Copy)]
struct Open {
    /// The newest message in it.
    last: i64,
    /// The words in it.
    octets: usize,
}

impl Indexer {
    pub(crate) fn open(dir: &Path, store_id: [u8; 16]) -> Result<Self> {
        let store = file::connect_reader(&dir.join(STORE_FILE))?;
        let path = dir.join(SEARCH_FILE);
        match usable(&path, &store_id, &store) {
            Ok(Some(conn)) => return Ok(Self { conn, store, open: None }),
            Ok(None) | Err(StoreError::Damaged { .. }) => {}
            Err(error) => return Err(error),
        }
        make(&path, &store_id)?;
        let conn = file::connect_index(&path)?;
        Ok(Self { conn, store, open: None })
    }

    /// Adds messages. They are the next ones of the store, in the order of ids; those that are in are skipped. Searches find
    /// them after [`commit`](Self::commit), which is done here too when much has gathered.
    ///
    /// # Errors
    /// [`StoreError::IndexOrder`] where messages of the store are left out between them: none of them is added. What SQLite
    /// says: then what was added since the last commit is to be added again.
    pub fn add(&mut self, messages: &[(MessageId, Words)]) -> Result<()> {
        let new = self.next_of(messages).map_err(|error| error.about(SEARCH_FILE))?;
        let added = self.gather(new).and_then(|()| match self.open {
            Some(open) if open.octets >= GATHERED => self.end(open),
            _ => Ok(()),
        });
        self.or_undo(added)
    }

    /// Has searches find what was added, and moves the watermark with it.
    ///
    /// # Errors
    /// What SQLite says. What was added since the last commit is then to be added again.
    pub fn commit(&mut self) -> Result<()> {
        let ended = self.open.map_or(Ok(()), |open| self.end(open));
        self.or_undo(ended)
    }

    /// Those that are not in yet, which must be the store's next ones.
    fn next_of<'a>(&self, messages: &'a [(MessageId, Words)]) -> Result<&'a [(MessageId, Words)]> {
        let reached = self.reached()?;
        let new = &messages[messages.partition_point(|(id, _)| id.0 <= reached)..];
        self.check_order(reached, new)?;
        Ok(new)
    }

    fn gather(&mut self, new: &[(MessageId, Words)]) -> Result<()> {
        let Some((last, _)) = new.last() else { return Ok(()) };
        let mut octets = match self.open {
            Some(open) => open.octets,
            None => {
                self.conn.execute_batch("BEGIN IMMEDIATE")?;
                0
            }
        };
        self.open = Some(Open { last: last.0, octets });
        let mut statement = self.conn.prepare_cached(
            "INSERT INTO body_fts (rowid, subject, senders, recipients, text, attachments) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for (id, words) in new {
            let Words { subject, senders, recipients, text, attachments } = words;
            octets += words.octets();
            statement.execute(params![id.0, subject, senders, recipients, text, attachments])?;
        }
        self.open = Some(Open { last: last.0, octets });
        Ok(())
    }

    fn end(&mut self, open: Open) -> Result<()> {
        let hash = hash_of(&self.store, open.last)?;
        self.conn.execute("UPDATE state SET watermark = ?1, hash = ?2", params![open.last, hash])?;
        self.conn.execute_batch("COMMIT")?;
        self.open = None;
        Ok(())
    }

    /// Takes back what is open where something failed. A damaged index is made anew by the next who opens it.
    fn or_undo(&mut self, done: Result<()>) -> Result<()> {
        if done.is_err() && self.open.take().is_some() && !self.conn.is_autocommit() {
            self.conn
                .execute_batch("ROLLBACK")
                .map_err(|error| StoreError::from(error).about(SEARCH_FILE))?;
        }
        let done = done.map_err(|error| error.about(SEARCH_FILE));
        if matches!(done, Err(StoreError::Damaged { .. })) {
            let _ = self.conn.pragma_update(None, "user_version", 0);
        }
        done
    }

    /// Up to which message all are in, those included that are not committed.
    fn reached(&self) -> Result<i64> {
        self.open.map_or_else(|| Ok(state(&self.conn)?.0), |open| Ok(open.last))
    }

    /// That the given ids are exactly the store's next ones.
    fn check_order(&self, watermark: i64, new: &[(MessageId, Words)]) -> Result<()> {
        let mut statement =
            self.store.prepare_cached("SELECT id FROM message WHERE id > ?1 ORDER BY id LIMIT ?2")?;
        let mut rows = statement.query([watermark, i64::try_from(new.len()).unwrap_or(i64::MAX)])?;
        let mut after = MessageId(watermark);
        for (found, _) in new {
            let next: Option<i64> = rows.next()?.map(|row| row.get(0)).transpose()?;
            if next != Some(found.0) {
                return Err(StoreError::IndexOrder { found: *found, after });
            }
            after = *found;
        }
        Ok(())
    }

    /// Up to which message the index reaches, and the store's newest: all can be searched when they are the same and committed.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn behind(&self) -> Result<(MessageId, MessageId)> {
        let watermark = self.reached()?;
        let newest: i64 = self
            .store
            .prepare_cached("SELECT coalesce(max(id), 0) FROM message")?
            .query_row([], |row| row.get(0))?;
        Ok((MessageId(watermark), MessageId(newest.max(watermark))))
    }

    /// Erases messages, after a commit of what was added; those that are not in are not missed.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn forget(&mut self, messages: &[MessageId]) -> Result<()> {
        self.commit()?;
        let tx = self.conn.transaction()?;
        for message in messages {
            tx.prepare_cached("DELETE FROM body_fts WHERE rowid = ?1")?.execute([message.0])?;
        }
        Ok(tx.commit()?)
    }
}

impl fmt::Debug for Indexer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Indexer").finish_non_exhaustive()
    }
}

/// What is wrong with the index in that directory. It is not to be used any more then, and the next who opens it makes it anew.
pub(crate) fn check(dir: &Path) -> Result<Option<String>> {
    let path = dir.join(SEARCH_FILE);
    if !path.try_exists().map_err(StoreError::io("look for", &path))? {
        return Ok(None);
    }
    let found = match file::connect(&path).and_then(|conn| read::unsound(&conn)) {
        Err(StoreError::Damaged { detail, .. }) => Some(detail),
        looked_at => looked_at?.into_iter().next(),
    };
    if found.is_some() {
        forsake(&path);
    }
    Ok(found)
}

/// Has the next who opens that index make it anew. Where even this cannot be written into it, opening it fails as well.
pub(crate) fn forsake(path: &Path) {
    if let Ok(conn) = file::connect(path) {
        let _ = conn.pragma_update(None, "user_version", 0);
    }
}

/// The index in that file, where it is one of this version and of that store as it is now.
fn usable(path: &Path, store_id: &[u8; 16], store: &Connection) -> Result<Option<Connection>> {
    if !path.try_exists().map_err(StoreError::io("look for", path))? {
        return Ok(None);
    }
    let conn = file::connect_index(path)?;
    let version: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version != VERSION {
        return Ok(None);
    }
    let of_store: [u8; 16] = conn.query_row("SELECT store_id FROM state", [], |row| row.get(0))?;
    Ok((of_store == *store_id && follows(&conn, store)?).then_some(conn))
}

/// Whether the message at the watermark is still the one that was indexed. One that was purged says nothing; one that never was
/// says that the store was set back.
fn follows(conn: &Connection, store: &Connection) -> Result<bool> {
    let (watermark, hash) = state(conn)?;
    if watermark == 0 {
        return Ok(true);
    }
    if let Some(now) = hash_of(store, watermark)? {
        return Ok(Some(now) == hash);
    }
    let given: Option<i64> =
        store
            .query_row("SELECT max(seq) FROM sqlite_sequence WHERE name = 'message'", [], |row| row.get(0))?;
    Ok(given >= Some(watermark))
}

fn make(path: &Path, store_id: &[u8; 16]) -> Result<()> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        remove(&PathBuf::from(name))?;
    }
    drop(file::private_file(path)?);
    let mut conn = file::connect(path)?;
    conn.execute_batch("PRAGMA journal_mode = WAL")?;
    let tx = conn.transaction()?;
    tx.execute_batch(SCHEMA)?;
    tx.execute("INSERT INTO state (id, store_id, watermark) VALUES (1, ?1, 0)", [store_id])?;
    Ok(tx.commit()?)
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

fn state(conn: &Connection) -> Result<(i64, Option<[u8; 32]>)> {
    let mut statement = conn.prepare_cached("SELECT watermark, hash FROM state")?;
    Ok(statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

fn hash_of(store: &Connection, message: i64) -> Result<Option<[u8; 32]>> {
    let mut statement =
        store.prepare_cached("SELECT b.hash FROM message m JOIN body b ON b.id = m.body WHERE m.id = ?1")?;
    Ok(statement.query_row([message], |row| row.get(0)).optional()?)
}

/// The messages that a search expression finds, ascending, and up to which message the index reaches.
pub(crate) fn hits(conn: &Connection, expression: &str) -> Result<(Vec<i64>, i64)> {
    let (watermark, _) = state(conn)?;
    let mut statement =
        conn.prepare_cached("SELECT rowid FROM body_fts WHERE body_fts MATCH ?1 ORDER BY rowid")?;
    let ids = statement.query_map([expression], |row| row.get(0))?;
    Ok((ids.collect::<rusqlite::Result<_>>()?, watermark))
}

/// What is to be matched, in FTS5's language; `None` where there is no word at all. Words stand in quotation marks and have
/// none in them, so that nothing in them is taken for that language.
pub(crate) fn expression(query: &SearchQuery) -> Option<String> {
    let fields = [
        ("", &query.words),
        ("subject : ", &query.subject),
        ("senders : ", &query.from),
        ("recipients : ", &query.to),
    ];
    let mut parts = Vec::new();
    for (field, words) in fields {
        let words =
            words.iter().flat_map(|word| word.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric()));
        parts.extend(words.filter(|word| !word.is_empty()).map(|word| format!("{field}\"{word}\"")));
    }
    (!parts.is_empty()).then(|| parts.join(" AND "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn words_never_become_syntax() {
        let table: [(&[&str], Option<&str>); 6] = [
            (&["tea", "time"], Some("\"tea\" AND \"time\"")),
            (&["NEAR"], Some("\"NEAR\"")),
            (&["a\" OR \"b"], Some("\"a\" AND \"OR\" AND \"b\"")),
            (&["subject:x*"], Some("\"subject\" AND \"x\"")),
            (&["чай"], Some("\"чай\"")),
            (&["", "-", "\0"], None),
        ];
        for (given, expected) in table {
            let query = SearchQuery { words: words(given), ..SearchQuery::default() };
            assert_eq!(expression(&query).as_deref(), expected, "{given:?}");
        }
    }

    #[test]
    fn each_field_has_its_column() {
        let query = SearchQuery {
            words: words(&["w"]),
            from: words(&["f"]),
            to: words(&["t"]),
            subject: words(&["s"]),
            ..SearchQuery::default()
        };
        let expected = "\"w\" AND subject : \"s\" AND senders : \"f\" AND recipients : \"t\"";
        assert_eq!(expression(&query).as_deref(), Some(expected));
    }
}
