//! Plans of contacts and activities that wait for a person's word (F5.4): what would leave a collection, and what is to be done about a
//! group that was deleted on the server or is not ours. Until the word comes, records and items are as if nothing had happened.

use postrider_model::{AccountId, CollectionKey, ItemCollectionId, LinkId, Timestamp};
use rusqlite::{OptionalExtension, Row, params};

use super::{HeldId, Tx};
use crate::Result;

/// What a plan is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldItems {
    /// Items and records would be deleted or unlinked.
    Leavings,
    /// A collection that is there and not ours would be used.
    Use(CollectionKey),
    /// The collection was deleted there, and would be made again, or replaced by that one.
    Again(Option<CollectionKey>),
}

impl HeldItems {
    const fn name(&self) -> &'static str {
        match self {
            Self::Leavings => "leavings",
            Self::Use(_) => "use",
            Self::Again(_) => "again",
        }
    }

    fn subject(&self) -> &str {
        match self {
            Self::Use(key) | Self::Again(Some(key)) => &key.0,
            Self::Leavings | Self::Again(None) => "",
        }
    }
}

/// A plan to be held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItemHeld<'a> {
    /// Of which account.
    pub account: AccountId,
    /// The collection; `None` where none is followed yet.
    pub collection: Option<ItemCollectionId>,
    /// What it is about.
    pub what: HeldItems,
    /// The collection's name.
    pub name: &'a str,
    /// Why it waits, in words.
    pub why: &'a str,
    /// How many items the collection has.
    pub total: u64,
}

/// A plan about a collection itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemHeld {
    /// Its name.
    pub id: HeldId,
    /// The collection.
    pub collection: Option<ItemCollectionId>,
    /// What it is about.
    pub what: HeldItems,
    /// A person let it through.
    pub is_allowed: bool,
}

impl Tx<'_> {
    /// Holds the leaving of those links of a collection, in the place of what was held there before. The same links again are the same
    /// plan, and nothing is written; other ones are a new plan with a new name. None at all: nothing waits any more.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn hold_leavings(
        &mut self,
        new: &NewItemHeld<'_>,
        ids: &[LinkId],
        at: Timestamp,
    ) -> Result<Option<HeldId>> {
        let mut wanted = ids.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let known = self.item_plan_of(new)?;
        if let Some(known) = &known {
            if self.links_held(known.id)? == wanted {
                return Ok(Some(known.id));
            }
            self.drop_item_plan(known.id)?;
        }
        if wanted.is_empty() {
            return Ok(None);
        }
        let plan = self.add_item_plan(new, at)?;
        for id in wanted {
            self.conn
                .prepare_cached("UPDATE link SET held = ?2, dirty = 1 WHERE id = ?1")?
                .execute([id.0, plan.0])?;
        }
        Ok(Some(plan))
    }

    /// Holds what is to be done about a collection itself. The same again is the same plan.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn hold_collection(&mut self, new: &NewItemHeld<'_>, at: Timestamp) -> Result<ItemHeld> {
        if let Some(known) = self.item_plan_of(new)? {
            if known.what == new.what {
                return Ok(known);
            }
            self.drop_item_plan(known.id)?;
        }
        let id = self.add_item_plan(new, at)?;
        Ok(ItemHeld { id, collection: new.collection, what: new.what.clone(), is_allowed: false })
    }

    /// The plans about collections themselves of an account, those that were let through and are not carried out yet among them.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn held_collections(&self, account: AccountId) -> Result<Vec<ItemHeld>> {
        let sql = "SELECT id, collection, what, subject, allowed FROM item_held
                   WHERE account = ?1 AND what <> 'leavings' ORDER BY id";
        let mut statement = self.conn.prepare_cached(sql)?;
        let plans = statement.query_map([account.0], plan)?;
        Ok(plans.collect::<rusqlite::Result<_>>()?)
    }

    /// Why a plan waits, in words; `None` where it does no more.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn held_because(&self, id: HeldId) -> Result<Option<String>> {
        let mut statement = self.conn.prepare_cached("SELECT why FROM item_held WHERE id = ?1")?;
        Ok(statement.query_row([id.0], |row| row.get(0)).optional()?)
    }

    /// It waits no more.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn drop_item_plan(&mut self, id: HeldId) -> Result<()> {
        self.conn.prepare_cached("UPDATE link SET held = NULL WHERE held = ?1")?.execute([id.0])?;
        self.conn.prepare_cached("DELETE FROM item_held WHERE id = ?1")?.execute([id.0])?;
        Ok(())
    }

    /// Lets a plan through, for the next run to carry it out. Answers how many items or records that takes; `None` where none of that
    /// name waits.
    pub(super) fn allow_items(&mut self, id: HeldId) -> Result<Option<u64>> {
        let mut statement =
            self.conn.prepare_cached("SELECT what FROM item_held WHERE id = ?1 AND allowed = 0")?;
        let what: Option<String> = statement.query_row([id.0], |row| row.get(0)).optional()?;
        let Some(what) = what else { return Ok(None) };
        if what != HeldItems::Leavings.name() {
            self.conn.prepare_cached("UPDATE item_held SET allowed = 1 WHERE id = ?1")?.execute([id.0])?;
            return Ok(Some(0));
        }
        let count = self
            .conn
            .prepare_cached("UPDATE link SET held = NULL, allowed = 1, dirty = 1 WHERE held = ?1")?
            .execute([id.0])?;
        self.conn.prepare_cached("DELETE FROM item_held WHERE id = ?1")?.execute([id.0])?;
        Ok(Some(count as u64))
    }

    fn add_item_plan(&mut self, new: &NewItemHeld<'_>, at: Timestamp) -> Result<HeldId> {
        let plan = self.next_plan()?;
        self.conn
            .prepare_cached(
                "INSERT INTO item_held (id, account, collection, what, subject, name, created_us, why, total)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                plan.0,
                new.account.0,
                new.collection.map(|id| id.0),
                new.what.name(),
                new.what.subject(),
                new.name,
                at.0,
                new.why,
                new.total.cast_signed()
            ])?;
        Ok(plan)
    }

    /// The plan about the same: leavings of that collection, or the account's collection itself.
    fn item_plan_of(&self, new: &NewItemHeld<'_>) -> Result<Option<ItemHeld>> {
        let sql = "SELECT id, collection, what, subject, allowed FROM item_held
                   WHERE account = ?1 AND collection IS ?2 AND (what = 'leavings') = ?3";
        let mut statement = self.conn.prepare_cached(sql)?;
        let values = params![new.account.0, new.collection.map(|id| id.0), new.what == HeldItems::Leavings];
        Ok(statement.query_row(values, plan).optional()?)
    }

    fn links_held(&self, id: HeldId) -> Result<Vec<LinkId>> {
        let mut statement = self.conn.prepare_cached("SELECT id FROM link WHERE held = ?1 ORDER BY id")?;
        let ids = statement.query_map([id.0], |row| row.get(0).map(LinkId))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// Removes the plans in which nothing waits any more.
    pub(super) fn drop_empty_item_plans(&mut self) -> Result<()> {
        self.conn
            .prepare_cached(
                "DELETE FROM item_held
                 WHERE what = 'leavings' AND NOT EXISTS (SELECT 1 FROM link l WHERE l.held = item_held.id)",
            )?
            .execute([])?;
        Ok(())
    }
}

fn plan(row: &Row<'_>) -> rusqlite::Result<ItemHeld> {
    let (what, subject): (String, String) = (row.get(2)?, row.get(3)?);
    let key = CollectionKey(subject);
    Ok(ItemHeld {
        id: HeldId(row.get(0)?),
        collection: row.get::<_, Option<i64>>(1)?.map(ItemCollectionId),
        what: match what.as_str() {
            "use" => HeldItems::Use(key),
            "again" => HeldItems::Again(Some(key).filter(|key| !key.0.is_empty())),
            _ => HeldItems::Leavings,
        },
        is_allowed: row.get(4)?,
    })
}
