//! How each account's last run went: what `status` tells.

use postrider_model::{AccountId, RunId, Timestamp};
use rusqlite::{Row, params};

use super::Tx;
use crate::Result;

/// One account's last run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// The account.
    pub account: AccountId,
    /// The run, as it is printed.
    pub run: String,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How it ended: [`AccountStatus::name`](postrider_model::AccountStatus::name).
    pub status: String,
    /// What it did, JSON.
    pub counts: String,
    /// Why it did not end well, JSON.
    pub error: Option<String>,
    /// When the next one is due.
    pub next: Option<Timestamp>,
}

impl RunRow {
    /// A run of that account without counts, error or a next one.
    pub fn new(account: AccountId, run: RunId, started: Timestamp, ended: Timestamp, status: &str) -> Self {
        Self {
            account,
            run: run.to_string(),
            started,
            ended,
            status: status.to_owned(),
            counts: "{}".to_owned(),
            error: None,
            next: None,
        }
    }
}

impl Tx<'_> {
    /// Notes how the account's run went, in the place of the one before.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn record_run(&mut self, run: &RunRow) -> Result<()> {
        self.conn.execute(
            "INSERT OR REPLACE INTO run (account, run, started_us, ended_us, status, counts, error, next_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                run.account.0,
                run.run,
                run.started.0,
                run.ended.0,
                run.status,
                run.counts,
                run.error,
                run.next.map(|at| at.0)
            ],
        )?;
        Ok(())
    }

    /// The accounts' last runs, in the order of accounts.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn runs(&self) -> Result<Vec<RunRow>> {
        crate::read::runs(self.conn)
    }
}

/// Reads `account, run, started_us, ended_us, status, counts, error, next_us`.
pub(crate) fn run_row(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let next: Option<i64> = row.get(7)?;
    Ok(RunRow {
        account: AccountId(row.get(0)?),
        run: row.get(1)?,
        started: Timestamp(row.get(2)?),
        ended: Timestamp(row.get(3)?),
        status: row.get(4)?,
        counts: row.get(5)?,
        error: row.get(6)?,
        next: next.map(Timestamp),
    })
}
