//! Deletions that wait for a person's word (F5.4, I7). They are stored, so that the cursor and all else go on; until the word
//! comes the messages are here as if nothing had happened.

use std::{fmt, str::FromStr};

use postrider_model::{AccountId, CollectionId, HeldKind, IdParseError, PlacementId, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::{Context, Side, Tx};
use crate::{Result, StoreError};

/// A held plan, printed as `p3`. A plan that grows or shrinks is a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeldId(pub i64);

impl fmt::Display for HeldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.0)
    }
}

impl FromStr for HeldId {
    type Err = IdParseError;

    fn from_str(text: &str) -> Result<Self, IdParseError> {
        let digits = text.strip_prefix('p').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        digits.and_then(|digits| digits.parse().ok()).map(Self).ok_or_else(|| IdParseError {
            found: text.to_owned(),
            expected: "a plan's name such as p3 (`postrider status` prints them)",
        })
    }
}

/// A held plan: the deletions of one folder, or what would leave a collection of contacts or activities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its name.
    pub id: HeldId,
    /// The folder's decoded name, or the collection's.
    pub folder: String,
    /// Of what it is.
    pub what: HeldKind,
    /// Since when it waits.
    pub since: Timestamp,
    /// How many messages would be deleted here, or contacts and activities deleted, unlinked or cancelled.
    pub deletions: u64,
    /// Of how many.
    pub total: u64,
    /// Why it waits, in words.
    pub why: String,
}

impl Tx<'_> {
    /// Holds the deletion of those placements of that folder, in the place of what was held there before: here, of messages that are
    /// gone on the server; on the server, of messages that were deleted here. `side` is where they were deleted. The same
    /// placements again are the same plan, and nothing is written; other ones are a new plan with a new name.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn hold(
        &mut self,
        collection: CollectionId,
        side: Side,
        why: &str,
        ids: &[PlacementId],
        total: u64,
        at: Timestamp,
    ) -> Result<HeldId> {
        let mut wanted = ids.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        if let Some(id) = self.plan_of(collection, side)?
            && self.placements_of(id)? == wanted
        {
            return Ok(id);
        }
        self.release(collection, side)?;
        let plan = self.next_plan()?;
        self.conn.execute(
            "INSERT INTO held (id, collection, side, created_us, why, total) VALUES (?6, ?1, ?2, ?3, ?4, ?5)",
            params![collection.0, side.name(), at.0, why, total.cast_signed(), plan.0],
        )?;
        let mut statement = self.conn.prepare_cached(
            "UPDATE placement SET held = ?2
             WHERE id = ?1 AND collection = ?3 AND (deleted_us IS NULL) = (?4 = 'server')",
        )?;
        for id in wanted {
            statement.execute(params![id.0, plan.0, collection.0, side.name()])?;
        }
        Ok(plan)
    }

    /// The next plan's number, of mail or of items.
    pub(super) fn next_plan(&self) -> Result<HeldId> {
        let sql = "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name IN ('held', 'item_held')";
        Ok(self.conn.query_row(sql, [], |row| row.get(0).map(HeldId))?)
    }

    /// Those are no longer to be deleted: they are there again.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn unhold(&mut self, ids: &[PlacementId]) -> Result<()> {
        for id in ids {
            self.conn
                .prepare_cached("UPDATE placement SET held = NULL WHERE id = ?1 AND held IS NOT NULL")?
                .execute([id.0])?;
        }
        self.drop_empty_plans()
    }

    /// The plans of that account that wait.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn held(&self, account: AccountId) -> Result<Vec<Held>> {
        crate::read::held(self.conn, account)
    }

    /// Lets that plan through: its messages become tombstones, or may be deleted on the server; what it is of contacts and activities
    /// is done by the next run. Answers how many, and where they had been deleted.
    ///
    /// # Errors
    /// [`StoreError::NoSuchPlan`] where it is not waiting, for one because it changed and has another name now.
    pub fn allow(&mut self, plan: HeldId, context: &Context) -> Result<(u64, Side)> {
        if let Some(allowed) = self.allow_items(plan)? {
            return Ok((allowed, Side::Here));
        }
        let mut statement = self.conn.prepare_cached("SELECT side FROM held WHERE id = ?1")?;
        let side: Option<String> = statement.query_row([plan.0], |row| row.get(0)).optional()?;
        let side = side.ok_or(StoreError::NoSuchPlan(plan))?;
        if side == Side::Server.name() {
            let ids = self.placements_of(plan)?;
            return Ok((self.delete_placements(&ids, context)?, Side::Server));
        }
        let allowed =
            self.conn.execute("UPDATE placement SET held = NULL, allowed = 1 WHERE held = ?1", [plan.0])?;
        self.drop_empty_plans()?;
        Ok((allowed as u64, Side::Here))
    }

    fn plan_of(&self, collection: CollectionId, side: Side) -> Result<Option<HeldId>> {
        let mut statement =
            self.conn.prepare_cached("SELECT id FROM held WHERE collection = ?1 AND side = ?2")?;
        Ok(statement
            .query_row(params![collection.0, side.name()], |row| row.get(0).map(HeldId))
            .optional()?)
    }

    fn placements_of(&self, plan: HeldId) -> Result<Vec<PlacementId>> {
        let mut statement =
            self.conn.prepare_cached("SELECT id FROM placement WHERE held = ?1 ORDER BY id")?;
        let ids = statement.query_map([plan.0], |row| row.get(0).map(PlacementId))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// Nothing of that folder and side waits any longer.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn release(&mut self, collection: CollectionId, side: Side) -> Result<()> {
        let Some(plan) = self.plan_of(collection, side)? else { return Ok(()) };
        self.conn.execute("UPDATE placement SET held = NULL WHERE held = ?1", [plan.0])?;
        self.conn.execute("DELETE FROM held WHERE id = ?1", [plan.0])?;
        Ok(())
    }

    /// Removes the plans in which nothing waits any more.
    pub(super) fn drop_empty_plans(&mut self) -> Result<()> {
        self.conn
            .prepare_cached(
                "DELETE FROM held WHERE NOT EXISTS (SELECT 1 FROM placement p WHERE p.held = held.id)",
            )?
            .execute([])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plans_name_reads_back() {
        assert_eq!("p3".parse(), Ok(HeldId(3)));
        assert_eq!(HeldId(3).to_string(), "p3");
        for text in ["", "p", "3", "p-3", "P3", "m3"] {
            assert_eq!(text.parse::<HeldId>().unwrap_err().found, text);
        }
    }
}
