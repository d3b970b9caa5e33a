//! Whether the store is sound: what SQLite can tell, and whether every message is what was stored (F10.1).

use std::io;

use rusqlite::Connection;

use super::Reader;
use crate::{Result, StoreError, body};

/// Findings of one kind that are told.
const TOLD: usize = 20;

/// What became of a look at messages' bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BodyCheck {
    /// Bodies that were read.
    pub read: u64,
    /// Bodies that there are.
    pub of: u64,
    /// What is wrong, in words, the first of it.
    pub wrong: Vec<String>,
}

impl Reader {
    /// What SQLite finds wrong with the store: nothing, in a sound one. Reads all of it.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn check(&self) -> Result<Vec<String>> {
        self.noting(|| unsound(&self.conn))
    }

    /// Reads messages' bytes, each against its hash: all of them, or evenly so many of them. `progress` is told how many of how many.
    ///
    /// # Errors
    /// What SQLite says, but for damage, which is what is looked for.
    pub fn check_bodies(&self, most: Option<u64>, mut progress: impl FnMut(u64, u64)) -> Result<BodyCheck> {
        self.noting(|| {
            let of: i64 = self.conn.query_row("SELECT count(*) FROM body", [], |row| row.get(0))?;
            let of = of.cast_unsigned();
            let every = most.map_or(1, |most| of.div_ceil(most.max(1)).max(1));
            let mut statement = self.conn.prepare("SELECT id FROM body WHERE id % ?1 = 0 ORDER BY id")?;
            let mut rows = statement.query([every.cast_signed()])?;
            let mut check = BodyCheck { of, ..BodyCheck::default() };
            while let Some(row) = rows.next()? {
                let id = row.get(0)?;
                check.read += 1;
                progress(check.read, of.div_ceil(every));
                match body::write_to(&self.conn, id, &mut io::sink()) {
                    Err(StoreError::Damaged { detail, .. }) if check.wrong.len() < TOLD => {
                        check.wrong.push(format!("{}: {detail}", self.who_has(id)));
                    }
                    Ok(_) | Err(StoreError::Damaged { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(check)
        })
    }

    /// The ids by which people know the messages of that body.
    fn who_has(&self, body: i64) -> String {
        let ids = self.lines_of(
            "SELECT 'm' || p.id FROM message m JOIN placement p ON p.message = m.id WHERE m.body = ?1 ORDER BY p.id LIMIT 5",
            body,
        );
        match ids {
            Ok(ids) if !ids.is_empty() => ids.join(", "),
            _ => format!("body {body}"),
        }
    }

    fn lines_of(&self, sql: &str, id: i64) -> Result<Vec<String>> {
        let mut statement = self.conn.prepare(sql)?;
        let found = statement.query_map([id], |row| row.get(0))?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }
}

/// What SQLite finds wrong with a database: nothing, in a sound one.
pub(crate) fn unsound(conn: &Connection) -> Result<Vec<String>> {
    let mut found = lines(conn, "PRAGMA integrity_check(20)")?;
    found.retain(|line| line != "ok");
    found.extend(lines(
        conn,
        "SELECT 'a row of ' || \"table\" || ' refers to no row of ' || parent FROM pragma_foreign_key_check LIMIT 20",
    )?);
    Ok(found)
}

fn lines(conn: &Connection, sql: &str) -> Result<Vec<String>> {
    let mut statement = conn.prepare(sql)?;
    let lines = statement.query_map([], |row| row.get(0))?;
    Ok(lines.collect::<rusqlite::Result<_>>()?)
}
