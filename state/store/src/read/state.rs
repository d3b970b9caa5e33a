//! What `status`, `folder list` and the configuration ask for.

use postrider_model::{AccountId, CollectionId, CollectionKind, FolderRole, HeldKind, Timestamp};
use rusqlite::{Connection, OptionalExtension};

use super::Reader;
use crate::{
    Held, HeldId, Outgoing, Result, RunRow, SealedTokens, Secret,
    write::{outbox, run_row},
};

/// An account that the store knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Its mail address.
    pub address: String,
}

/// A folder with its counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderRow {
    /// Its id.
    pub id: CollectionId,
    /// Its account.
    pub account: AccountId,
    /// Its decoded name.
    pub name: String,
    /// What it is for.
    pub role: Option<FolderRole>,
    /// Messages in it that are not deleted.
    pub messages: u64,
    /// Unread ones among them.
    pub unread: u64,
    /// Since when and why it is frozen.
    pub gone: Option<(Timestamp, String)>,
}

/// What an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Folders that are not frozen.
    pub folders: u64,
    /// Messages where they stand, those in frozen folders included.
    pub messages: u64,
    /// Deleted ones that can be restored.
    pub restorable: u64,
    /// Deletions that wait for a person's word.
    pub held: u64,
    /// Messages that were changed here and wait to be sent. A keyword that the folder does not keep waits for nothing.
    pub unsent: u64,
}

impl Reader {
    /// The accounts, sorted by name.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn accounts(&self) -> Result<Vec<AccountRow>> {
        self.noting(|| {
            let mut statement =
                self.conn.prepare_cached("SELECT id, name, address FROM account ORDER BY name")?;
            let rows = statement.query_map([], |row| {
                Ok(AccountRow { id: AccountId(row.get(0)?), name: row.get(1)?, address: row.get(2)? })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The folders of an account, sorted by name, frozen ones included.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn folders(&self, account: AccountId) -> Result<Vec<FolderRow>> {
        self.noting(|| {
        let mut statement = self.conn.prepare_cached(
            "SELECT c.id, c.name, c.role, c.gone_us, c.gone_why, count(p.id), coalesce(sum(p.flags & 1 = 0), 0)
             FROM collection c LEFT JOIN placement p ON p.folder = c.id AND p.deleted_us IS NULL
             WHERE c.account = ?1 AND c.kind = 'mail' GROUP BY c.id ORDER BY c.name, c.id",
        )?;
        let rows = statement.query_map([account.0], |row| {
            let role: Option<String> = row.get(2)?;
            let (gone_us, gone_why): (Option<i64>, Option<String>) = (row.get(3)?, row.get(4)?);
            let (messages, unread): (i64, i64) = (row.get(5)?, row.get(6)?);
            Ok(FolderRow {
                id: CollectionId(row.get(0)?),
                account,
                name: row.get(1)?,
                role: role.as_deref().and_then(FolderRole::from_name),
                messages: messages.cast_unsigned(),
                unread: unread.cast_unsigned(),
                gone: gone_us.map(|at| (Timestamp(at), gone_why.unwrap_or_default())),
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// What an account has, in numbers.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn counts(&self, account: AccountId) -> Result<Counts> {
        self.noting(|| {
        let mut statement = self.conn.prepare_cached(
            "SELECT (SELECT count(*) FROM collection c WHERE c.account = ?1 AND c.gone_us IS NULL),
                    (SELECT count(*) FROM collection c JOIN placement p ON p.folder = c.id
                     WHERE c.account = ?1 AND p.deleted_us IS NULL),
                    (SELECT count(*) FROM placement p JOIN collection c ON c.id = p.collection
                     WHERE c.account = ?1 AND p.deleted_us IS NOT NULL AND coalesce(p.discard, '') NOT IN ('rest', 'left')),
                    (SELECT count(*) FROM placement p JOIN collection c ON c.id = p.collection
                     WHERE c.account = ?1 AND p.held IS NOT NULL),
                    (SELECT count(*) FROM collection c JOIN placement p ON p.collection = c.id
                     WHERE c.account = ?1 AND c.gone_us IS NULL AND p.uid IS NOT NULL
                       AND (p.here IS NOT NULL OR p.discard IS NOT NULL OR p.flags <> p.base_flags
                            OR p.keywords <> p.base_keywords)
                       AND (p.discard IN ('trash', 'expunge', 'rest')
                            OR p.discard IS NULL AND (p.here IS NOT NULL OR p.flags <> p.base_flags
                               OR coalesce(instr(c.permanent_flags, '\\*'), 1) > 0)))
                    + (SELECT count(*) FROM intent i WHERE i.account = ?1 AND i.op = 'append')",
        )?;
        Ok(statement.query_row([account.0], |row| {
            let (folders, messages, restorable, held): (i64, i64, i64, i64) =
                (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            let unsent: i64 = row.get(4)?;
            Ok(Counts {
                folders: folders.cast_unsigned(),
                messages: messages.cast_unsigned(),
                restorable: restorable.cast_unsigned(),
                held: held.cast_unsigned(),
                unsent: unsent.cast_unsigned(),
            })
        })?)
        })
    }

    /// The accounts' last runs, in the order of accounts.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn runs(&self) -> Result<Vec<RunRow>> {
        self.noting(|| runs(&self.conn))
    }

    /// The entries of the outbox, the oldest first: those that are not done with, or all that are still known.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn outbox(&self, account: Option<AccountId>, all: bool) -> Result<Vec<Outgoing>> {
        self.noting(|| outbox(&self.conn, account, all))
    }

    /// The plans of that account that wait for a person's word.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn held(&self, account: AccountId) -> Result<Vec<Held>> {
        self.noting(|| held(&self.conn, account))
    }

    /// Whether a plan that waits is one of contacts or activities.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn is_plan_of_items(&self, plan: HeldId) -> Result<bool> {
        self.noting(|| {
            let sql = "SELECT 1 FROM item_held WHERE id = ?1 AND allowed = 0";
            Ok(self.conn.prepare_cached(sql)?.exists([plan.0])?)
        })
    }

    /// The account whose deletions that plan holds; `None` where no plan of that name waits.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn account_of_plan(&self, plan: HeldId) -> Result<Option<AccountId>> {
        self.noting(|| {
            let mut statement = self.conn.prepare_cached(
                "SELECT c.account FROM held h JOIN collection c ON c.id = h.collection WHERE h.id = ?1
                 UNION ALL SELECT account FROM item_held WHERE id = ?1 AND allowed = 0",
            )?;
            Ok(statement.query_row([plan.0], |row| row.get(0).map(AccountId)).optional()?)
        })
    }

    /// All accounts that were added by command: name and text, sorted by name.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn stored_accounts(&self) -> Result<Vec<(String, String)>> {
        self.noting(|| texts(&self.conn, "stored_account"))
    }

    /// All providers that were added by command: name and text, sorted by name.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn stored_providers(&self) -> Result<Vec<(String, String)>> {
        self.noting(|| texts(&self.conn, "stored_provider"))
    }

    /// What was granted by command: the account's name and the text, sorted by name.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn stored_mailboxes(&self) -> Result<Vec<(String, String)>> {
        self.noting(|| texts(&self.conn, "stored_mailbox"))
    }

    /// The provider remembered for a domain: the user's own before everybody's.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn domain_provider(&self, domain: &str, user: &str) -> Result<Option<String>> {
        self.noting(|| domain_provider(&self.conn, domain, user))
    }

    /// A sealed secret.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn secret(&self, account: &str, field: &str) -> Result<Option<Secret>> {
        self.noting(|| secret(&self.conn, account, field))
    }

    /// An account's sealed tokens, where somebody has consented for it.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn tokens(&self, account: &str) -> Result<Option<SealedTokens>> {
        self.noting(|| {
            let mut statement = self.conn.prepare_cached(
            "SELECT generation, sealed, given_for FROM oauth_token WHERE account = ?1 AND sealed IS NOT NULL",
        )?;
            let found = statement.query_row([account], |row| {
                let generation: i64 = row.get(0)?;
                Ok(SealedTokens {
                    generation: generation.cast_unsigned(),
                    sealed: row.get(1)?,
                    given_for: row.get(2)?,
                })
            });
            Ok(found.optional()?)
        })
    }

    /// The ids of the keys by which secrets and tokens here are sealed, each once.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn secret_keys(&self) -> Result<Vec<String>> {
        self.noting(|| {
        let mut statement = self.conn.prepare_cached(
            "SELECT key_id FROM secret UNION SELECT key_id FROM oauth_token WHERE key_id IS NOT NULL ORDER BY key_id",
        )?;
        let ids = statement.query_map([], |row| row.get(0))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The remembered domains: domain, user (`None` for everybody) and provider.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn domains(&self) -> Result<Vec<(String, Option<String>, String)>> {
        self.noting(|| {
            let mut statement = self.conn.prepare_cached(
                "SELECT domain, nullif(user, ''), provider FROM domain ORDER BY domain, user",
            )?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

/// The accounts' last runs.
pub(crate) fn runs(conn: &Connection) -> Result<Vec<RunRow>> {
    let mut statement = conn.prepare_cached(
        "SELECT account, run, started_us, ended_us, status, counts, error, next_us FROM run ORDER BY account",
    )?;
    let rows = statement.query_map([], run_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The plans of an account that wait.
pub(crate) fn held(conn: &Connection, account: AccountId) -> Result<Vec<Held>> {
    let mut statement = conn.prepare_cached(
        "SELECT h.id, c.name, h.created_us, h.total, h.why, (SELECT count(*) FROM placement p WHERE p.held = h.id), NULL
         FROM held h JOIN collection c ON c.id = h.collection WHERE c.account = ?1
         UNION ALL
         SELECT h.id, h.name, h.created_us, h.total, h.why, (SELECT count(*) FROM link l WHERE l.held = h.id),
                CASE h.what WHEN 'leavings'
                     THEN (SELECT c.kind FROM item_collection c WHERE c.id = h.collection) ELSE 'itself' END
         FROM item_held h WHERE h.account = ?1 AND h.allowed = 0
         ORDER BY 1",
    )?;
    let rows = statement.query_map([account.0], |row| {
        let (total, deletions): (i64, i64) = (row.get(3)?, row.get(5)?);
        let kind: Option<String> = row.get(6)?;
        Ok(Held {
            id: HeldId(row.get(0)?),
            folder: row.get(1)?,
            what: match kind.as_deref() {
                None => HeldKind::Messages,
                Some("itself") => HeldKind::Collection,
                Some(kind) if kind == CollectionKind::AddressBook.name() => HeldKind::Contacts,
                Some(_) => HeldKind::Activities,
            },
            since: Timestamp(row.get(2)?),
            total: total.cast_unsigned(),
            why: row.get(4)?,
            deletions: deletions.cast_unsigned(),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Names and texts of a table of settings, sorted by name.
pub(crate) fn texts(conn: &Connection, table: &'static str) -> Result<Vec<(String, String)>> {
    let mut statement = conn.prepare_cached(&format!("SELECT name, toml FROM {table} ORDER BY name"))?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The provider remembered for a domain.
pub(crate) fn domain_provider(conn: &Connection, domain: &str, user: &str) -> Result<Option<String>> {
    let mut statement = conn.prepare_cached(
        "SELECT provider FROM domain WHERE domain = ?1 AND user IN (?2, '') ORDER BY user DESC LIMIT 1",
    )?;
    Ok(statement.query_row([domain, user], |row| row.get(0)).optional()?)
}

/// A sealed secret.
pub(crate) fn secret(conn: &Connection, account: &str, field: &str) -> Result<Option<Secret>> {
    let mut statement = conn
        .prepare_cached("SELECT key_id, sealed, given_for FROM secret WHERE account = ?1 AND field = ?2")?;
    let found = statement.query_row([account, field], |row| {
        let (account, field) = (account.to_owned(), field.to_owned());
        Ok(Secret { account, field, key_id: row.get(0)?, sealed: row.get(1)?, given_for: row.get(2)? })
    });
    Ok(found.optional()?)
}
