//! Whether a store is at home (F10.3): on the machine that it knows, and not put back from a backup. One that is away knows less than
//! its servers may know of it, so it takes in and sends nothing until a person adopts it.

use postrider_model::Timestamp;
use rusqlite::Connection;

use crate::Result;

/// What a copy that was taken has in the place of its machine's id: no machine is called so, so that it is away wherever it is opened,
/// by whatever means it came there.
pub(crate) const OF_A_COPY: &str = "a copy";

/// Why a store is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Away {
    /// It was put back from a copy of itself, which may be older than what the servers saw.
    PutBack {
        /// When the copy was taken; `None` of one that was kept before an upgrade.
        taken: Option<Timestamp>,
    },
    /// It was made or adopted on another machine, or has been on one.
    Elsewhere,
}

/// Why the store behind that connection is away from the machine of that id; `None` where it is at home. A machine without an id is
/// the home of stores that know none.
pub(crate) fn away(conn: &Connection, machine_id: Option<&str>) -> Result<Option<Away>> {
    let mut statement =
        conn.prepare_cached("SELECT machine_id, backup_us, away_us FROM meta WHERE id = 1")?;
    Ok(statement.query_row([], |row| {
        let known: Option<String> = row.get(0)?;
        let (taken_us, away_us): (Option<i64>, Option<i64>) = (row.get(1)?, row.get(2)?);
        Ok(match known.as_deref() {
            _ if taken_us.is_some() => Some(Away::PutBack { taken: taken_us.map(Timestamp) }),
            Some(OF_A_COPY) => Some(Away::PutBack { taken: None }),
            known if known != machine_id || away_us.is_some() => Some(Away::Elsewhere),
            _ => None,
        })
    })?)
}

/// Whether that has been noted in the store already.
pub(crate) fn is_noted(conn: &Connection) -> Result<bool> {
    Ok(conn.query_row("SELECT away_us IS NOT NULL FROM meta WHERE id = 1", [], |row| row.get(0))?)
}
