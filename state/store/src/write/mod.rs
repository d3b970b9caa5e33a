//! Writing: one connection, one transaction at a time.
//!
//! A transaction takes the write lock as it begins, so that it never fails half way because somebody else wrote first; one
//! that changed nothing is rolled back (I8).

mod accounts;
mod activities;
mod added;
mod addresses;
mod api_tokens;
mod audit;
mod away;
mod collections;
mod contacts;
mod held;
mod history;
mod incoming;
mod intents;
mod item_collections;
mod item_held;
mod item_intents;
mod labels;
mod links;
mod local;
mod moves;
mod outbox;
mod placements;
mod purge;
mod records;
mod reseal;
mod restore;
mod runs;
mod settling;
mod tokens;
mod unsent;

use std::{fmt, path::PathBuf};

use rusqlite::Connection;

pub use activities::{ChangedGroups, NewActivity};
pub use added::Secret;
pub use api_tokens::{ApiToken, NewApiToken};
pub use audit::{AuditEntry, Outcome};
pub use away::SENT_ELSEWHERE;
pub use collections::{Collection, NewCollection};
pub use held::{Held, HeldId};
pub use history::{Context, Side};
pub use incoming::{Envelope, Incoming, Inserted, Named};
pub use intents::IntentRow;
pub use item_collections::{ItemCollection, NewItemCollection};
pub use item_held::{HeldItems, ItemHeld, NewItemHeld};
pub use item_intents::{About, ItemIntentRow};
pub use labels::NewLabel;
pub use links::{Base, GoneThere, Link, LinkedItem, ListedLink, NewLink, Origin};
pub use local::Discard;
pub use moves::Renumbering;
pub use outbox::{Filing, NewOutgoing, Outgoing, RefusedRecipient};
pub use placements::{FlagUpdate, Matchable, Placement, Seat};
pub use purge::Expired;
pub use records::{RecordChange, Superseded};
pub use reseal::SealedRow;
pub use restore::Restored;
pub use runs::RunRow;
pub use tokens::{NewTokens, SealedTokens};
pub use unsent::{Landed, Sought, Unsent};

pub(crate) use addresses::role_from_number;
pub(crate) use audit::{EXPIRED, NO_CHAIN};
pub(crate) use outbox::outbox;
pub(crate) use placements::flags_from;
pub(crate) use runs::run_row;

use crate::{Result, file};
use addresses::KnownAddresses;

/// The store's writing connection.
pub struct Writer {
    conn: Connection,
    store_id: [u8; 16],
    dir: PathBuf,
    /// The machine that this is.
    here: Option<String>,
    known_addresses: KnownAddresses,
    /// SQLite's count of changes by other connections, when `known_addresses` was last right.
    data_version: i64,
    commits: u64,
    /// Lines of the audit log in the transaction that is under way.
    audited: Vec<AuditEntry>,
}

impl Writer {
    pub(crate) fn new(
        conn: Connection,
        store_id: [u8; 16],
        dir: PathBuf,
        here: Option<String>,
    ) -> Result<Self> {
        let known_addresses = KnownAddresses::default();
        Ok(Self {
            conn,
            store_id,
            dir,
            here,
            known_addresses,
            data_version: 0,
            commits: 0,
            audited: Vec::new(),
        })
    }

    /// Does that in one transaction: all of it is kept where the job answers `Ok`, and nothing of it else.
    ///
    /// # Errors
    /// What the job answers; [`StoreError::Locked`](crate::StoreError::Locked) where another process writes for more than
    /// five seconds; what SQLite says on committing. Damage leaves a mark, so that nothing more is sent (F10.2).
    pub fn transaction<R>(&mut self, job: impl FnOnce(&mut Tx<'_>) -> Result<R>) -> Result<R> {
        let done = self.try_transaction(job);
        file::damage::noting(&self.dir, done)
    }

    fn try_transaction<R>(&mut self, job: impl FnOnce(&mut Tx<'_>) -> Result<R>) -> Result<R> {
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let before = self.conn.total_changes();
        let done = self.within(job);
        if done.is_ok() && self.conn.total_changes() != before {
            return self.commit().and(done);
        }
        self.roll_back(before);
        done
    }

    fn within<R>(&mut self, job: impl FnOnce(&mut Tx<'_>) -> Result<R>) -> Result<R> {
        self.notice_others()?;
        job(&mut Tx {
            conn: &self.conn,
            store_id: self.store_id,
            here: self.here.as_deref(),
            known_addresses: &mut self.known_addresses,
            audited: &mut self.audited,
        })
    }

    fn commit(&mut self) -> Result<()> {
        let committed = self.conn.prepare_cached("COMMIT")?.execute([]);
        if let Err(error) = committed {
            self.roll_back(u64::MAX);
            return Err(error.into());
        }
        self.commits += 1;
        self.audited.drain(..).for_each(|entry| entry.tell());
        Ok(())
    }

    /// Ends the transaction without a trace. SQLite has ended it by itself after some errors.
    fn roll_back(&mut self, changes_before: u64) {
        self.audited.clear();
        if self.conn.total_changes() != changes_before {
            self.known_addresses.clear();
        }
        if !self.conn.is_autocommit()
            && let Err(error) = self.conn.execute_batch("ROLLBACK")
        {
            tracing::warn!(%error, "the store's transaction could not be rolled back");
        }
    }

    /// Forgets what is remembered of rows where another connection may have changed them.
    fn notice_others(&mut self) -> Result<()> {
        let version = self.conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if version != self.data_version {
            self.known_addresses.clear();
            self.data_version = version;
        }
        Ok(())
    }

    /// A number that changes with every commit of another connection, and of no other's.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn others(&self) -> Result<i64> {
        Ok(self.conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?)
    }

    /// How many transactions were committed, those that changed nothing left out.
    pub const fn commits(&self) -> u64 {
        self.commits
    }

    /// From now on every commit is on the disk before it returns (`true`), or the newest may be lost with the power, never
    /// torn (`false`, from the start). What is noted before it is sent (I4) wants `true`.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn durable(&mut self, on: bool) -> Result<()> {
        Ok(self.conn.pragma_update(None, "synchronous", if on { "FULL" } else { "NORMAL" })?)
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("commits", &self.commits).finish_non_exhaustive()
    }
}

/// One transaction. What it can do stands in this folder, a file for each matter.
pub struct Tx<'writer> {
    conn: &'writer Connection,
    store_id: [u8; 16],
    here: Option<&'writer str>,
    known_addresses: &'writer mut KnownAddresses,
    audited: &'writer mut Vec<AuditEntry>,
}

impl fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use postrider_model::Timestamp;

    use super::*;
    use crate::{Options, Store, StoreError};

    #[test]
    fn a_full_disk_is_told_and_leaves_the_store_as_it_was() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(&Options::new(home.path().join("store"), [1; 16], Timestamp(0))).unwrap();
        let mut writer = store.writer().unwrap();
        let pages: i64 = writer.conn.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        writer.conn.pragma_update(None, "max_page_count", pages).unwrap();
        let refused = writer.transaction(|tx| {
            tx.ensure_account("a", "x@y.test")?;
            tx.add_stored_account("a", &"x".repeat(1_000_000), false)
        });
        assert!(matches!(refused, Err(StoreError::DiskFull)), "{refused:?}");
        assert!(store.reader().unwrap().accounts().unwrap().is_empty());
        writer.conn.pragma_update(None, "max_page_count", i64::from(u32::MAX) - 1).unwrap();
        writer.transaction(|tx| tx.add_stored_account("a", &"x".repeat(1_000_000), false)).unwrap();
    }

    #[test]
    fn a_durable_commit_waits_for_the_disk() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(&Options::new(home.path().join("store"), [1; 16], Timestamp(0))).unwrap();
        let mut writer = store.writer().unwrap();
        let synchronous = |writer: &Writer| -> i64 {
            writer.conn.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap()
        };
        assert_eq!(synchronous(&writer), 1);
        writer.durable(true).unwrap();
        assert_eq!(synchronous(&writer), 2);
        writer.durable(false).unwrap();
        assert_eq!(synchronous(&writer), 1);
    }
}
