//! The audit log, listed and verified.

use postrider_model::Timestamp;
use rusqlite::{OptionalExtension, Row, params_from_iter, types::Value};

use super::Reader;
use crate::{
    AuditEntry, Outcome, Result, StoreError, file,
    write::{EXPIRED, NO_CHAIN},
};

/// Which lines of the log are wanted. The default is the newest hundred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only through that account.
    pub account: Option<String>,
    /// Only at or after that time.
    pub since: Option<Timestamp>,
    /// At most so many.
    pub limit: u32,
}

impl Default for AuditFilter {
    fn default() -> Self {
        Self { account: None, since: None, limit: 100 }
    }
}

/// A line of the log, where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number.
    pub id: i64,
    /// What it says.
    pub entry: AuditEntry,
}

/// What a look at the whole chain came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many lines are there.
    pub lines: u64,
    /// The first that is wrong, where one is.
    pub wrong: Option<AuditFault>,
}

/// A line at which the log was tampered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditFault {
    /// The number of the line; of one that is gone, the number that it had.
    pub id: i64,
    /// What is wrong with it.
    pub why: &'static str,
}

/// A line with its hashes.
struct Linked {
    row: AuditRow,
    before: [u8; 32],
    chain: [u8; 32],
}

impl Reader {
    /// Lines of the log, the newest first.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditRow>> {
        self.noting(|| {
            let mut sql = format!("SELECT {COLUMNS} FROM audit WHERE 1 = 1");
            let mut values: Vec<Value> = Vec::new();
            if let Some(account) = &filter.account {
                sql.push_str(" AND account = ?");
                values.push(account.clone().into());
            }
            if let Some(since) = filter.since {
                sql.push_str(" AND at_us >= ?");
                values.push(since.0.into());
            }
            sql.push_str(" ORDER BY id DESC LIMIT ?");
            values.push(i64::from(filter.limit).into());
            let mut statement = self.conn.prepare_cached(&sql)?;
            let mut rows = statement.query(params_from_iter(values))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(linked(row)?.row);
            }
            Ok(found)
        })
    }

    /// Follows the chain from the oldest line to the newest.
    ///
    /// # Errors
    /// What SQLite says. What is wrong with the log is in the answer.
    pub fn verify_audit(&self) -> Result<Verified> {
        self.noting(|| {
            // One moment of the log, though others write meanwhile.
            let moment = self.conn.unchecked_transaction()?;
            let expected_first = self.first_audit_id()?;
            let mut statement = moment.prepare(&format!("SELECT {COLUMNS} FROM audit ORDER BY id"))?;
            let mut rows = statement.query([])?;
            let mut verified = Verified { lines: 0, wrong: None };
            let mut last: Option<(i64, [u8; 32])> = None;
            while let Some(row) = rows.next()? {
                let Ok(line) = linked(row) else {
                    verified.wrong = Some(AuditFault { id: row.get(0)?, why: "it is no line of the log" });
                    return Ok(verified);
                };
                if let Some(wrong) = line.wrong_after(last, expected_first) {
                    verified.wrong = Some(wrong);
                    return Ok(verified);
                }
                verified.lines += 1;
                last = Some((line.row.id, line.chain));
            }
            let (newest, used) = (last.map_or(0, |(id, _)| id), self.used_audit_ids()?);
            verified.wrong = (newest != used).then_some(AuditFault { id: newest + 1, why: "it is missing" });
            Ok(verified)
        })
    }

    /// The number of the line with which the log begins: of the first that was kept when it was last cut.
    fn first_audit_id(&self) -> Result<i64> {
        let mut statement =
            self.conn.prepare_cached("SELECT object FROM audit WHERE what = ?1 ORDER BY id DESC LIMIT 1")?;
        let cut: Option<String> = statement.query_row([EXPIRED], |row| row.get(0)).optional()?;
        Ok(cut.and_then(|id| id.parse().ok()).unwrap_or(1))
    }

    fn used_audit_ids(&self) -> Result<i64> {
        let mut statement =
            self.conn.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'audit'")?;
        Ok(statement.query_row([], |row| row.get(0)).optional()?.unwrap_or(0))
    }
}

impl Linked {
    fn wrong_after(&self, last: Option<(i64, [u8; 32])>, first: i64) -> Option<AuditFault> {
        let id = self.row.id;
        let next = last.map_or(first, |(id, _)| id + 1);
        let before = match last {
            Some((_, chain)) => chain,
            None if first == 1 => NO_CHAIN,
            // The hash of a line that is past its time is what the rest hangs on.
            None => self.before,
        };
        if id > next {
            return Some(AuditFault { id: next, why: "it is missing" });
        }
        let fits = id == next && self.before == before && self.chain == self.row.entry.chain(id, before);
        (!fits).then_some(AuditFault { id, why: "it is not what was written" })
    }
}

const COLUMNS: &str = "id, at_us, actor, user, account, what, object, outcome, detail, before, chain";

/// Reads [`COLUMNS`].
fn linked(row: &Row<'_>) -> Result<Linked> {
    let outcome: String = row.get(7)?;
    let outcome = Outcome::from_name(&outcome)
        .ok_or_else(|| StoreError::damaged(file::STORE_FILE, format!("no outcome of an act: {outcome}")))?;
    let entry = AuditEntry {
        at: Timestamp(row.get(1)?),
        actor: row.get(2)?,
        user: row.get(3)?,
        account: row.get(4)?,
        what: row.get(5)?,
        object: row.get(6)?,
        outcome,
        detail: row.get(8)?,
    };
    Ok(Linked { row: AuditRow { id: row.get(0)?, entry }, before: row.get(9)?, chain: row.get(10)? })
}
