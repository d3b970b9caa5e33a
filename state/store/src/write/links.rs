//! Which item is which record, and on what both sides agreed last.
//!
//! A link that ended because one side let go stays as a row that says so: else the next whole listing would bring back what was taken
//! out here. What is in `image` and `agreed` is for the engine alone; the store keeps it as text.

use postrider_model::{AccountId, ItemCollectionId, ItemKey, ItemVersion, LinkId, Mark, RecordId, Timestamp};
use rusqlite::{OptionalExtension, Row, params};

use super::{HeldId, Side, Tx};
use crate::{Result, StoreError, file::STORE_FILE};

/// How a link came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The item came in.
    Imported,
    /// The record went out.
    Exported,
}

impl Origin {
    const fn name(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Exported => "exported",
        }
    }
}

/// How an item is gone on its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoneThere {
    /// It is not there any more.
    Deleted,
    /// It is there, and not in its collection.
    Left,
}

impl GoneThere {
    const fn name(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Left => "left",
        }
    }
}

/// On what both sides agreed last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The state of the item that `image` is.
    pub version: ItemVersion,
    /// The item as the server returned it.
    pub image: String,
    /// What the record was then.
    pub agreed: String,
    /// When the item was changed last, by the server's clock.
    pub there: Option<Timestamp>,
}

/// A link, or the memory of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its id.
    pub id: LinkId,
    /// The collection.
    pub collection: ItemCollectionId,
    /// The item.
    pub key: ItemKey,
    /// The record; `None` where it left and is erased.
    pub record: Option<RecordId>,
    /// How it came about.
    pub origin: Origin,
    /// Under which mark the item was made from here.
    pub mark: Option<Mark>,
    /// On what both sides agreed last.
    pub base: Base,
    /// Something about it is still to be decided.
    pub is_dirty: bool,
    /// It is linked no more: on which side it left.
    pub left: Option<Side>,
    /// Gone there, and what follows from it waits.
    pub gone: Option<GoneThere>,
    /// The plan in which its leaving waits.
    pub held: Option<HeldId>,
    /// A person let its leaving through.
    pub is_allowed: bool,
}

/// An item that is linked, as a whole listing is compared with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkedItem<'a> {
    /// The item's [`ItemKey`].
    pub key: &'a str,
    /// The [`ItemVersion`] that is known.
    pub version: &'a str,
    /// Gone there, and what follows from it waits.
    pub is_gone: bool,
}

/// Of a link, or the memory of one, what a listing's word is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedLink {
    /// The state of the item that is known.
    pub version: ItemVersion,
    /// Gone there, and what follows from it waits.
    pub is_gone: bool,
    /// It is linked no more.
    pub has_left: bool,
}

/// A link to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink {
    /// The collection.
    pub collection: ItemCollectionId,
    /// The item.
    pub key: ItemKey,
    /// The record.
    pub record: RecordId,
    /// How it comes about.
    pub origin: Origin,
    /// Under which mark the item was made from here.
    pub mark: Option<Mark>,
    /// What both sides agree on.
    pub base: Base,
}

const COLUMNS: &str =
    "l.id, l.collection, l.remote_key, l.record, l.origin, l.mark, l.version, l.image, l.agreed, l.there_us,
                       l.dirty, l.left_side, l.gone, l.held, l.allowed";

impl Tx<'_> {
    fn links_where(&self, condition: &str, values: impl rusqlite::Params) -> Result<Vec<Link>> {
        let sql = format!("SELECT {COLUMNS} FROM link l WHERE {condition} ORDER BY l.id");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query(values)?;
        let mut links = Vec::new();
        while let Some(row) = rows.next()? {
            links.push(link(row)?);
        }
        Ok(links)
    }

    /// A link; `None` where there is none of that id.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn link(&self, id: LinkId) -> Result<Option<Link>> {
        Ok(self.links_where("l.id = ?1", [id.0])?.pop())
    }

    /// The link of that item, or the memory of one.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn link_of_item(&self, collection: ItemCollectionId, key: &ItemKey) -> Result<Option<Link>> {
        Ok(self.links_where("l.collection = ?1 AND l.remote_key = ?2", params![collection.0, key.0])?.pop())
    }

    /// All links of that record in collections of that account which are not frozen, and the memories of some.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn links_of_record(&self, account: AccountId, record: impl Into<RecordId>) -> Result<Vec<Link>> {
        self.links_where(
            "l.record = ?1 AND EXISTS
             (SELECT 1 FROM item_collection c WHERE c.id = l.collection AND c.account = ?2 AND c.gone_us IS NULL)",
            [record.into().0, account.0],
        )
    }

    /// All links of that record that are no memories, of whatever account, with whose they are; but none of frozen collections.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn copies_of_record(&self, record: impl Into<RecordId>) -> Result<Vec<(AccountId, Link)>> {
        let sql = format!(
            "SELECT {COLUMNS}, c.account FROM link l JOIN item_collection c ON c.id = l.collection
             WHERE l.record = ?1 AND l.left_side IS NULL AND c.gone_us IS NULL ORDER BY l.id"
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query([record.into().0])?;
        let mut copies = Vec::new();
        while let Some(row) = rows.next()? {
            copies.push((AccountId(row.get(15)?), link(row)?));
        }
        Ok(copies)
    }

    /// Links of times of a series in that collection, and the memories of some.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn links_of_times(
        &self,
        collection: ItemCollectionId,
        series: impl Into<RecordId>,
    ) -> Result<Vec<Link>> {
        // The sign keeps SQLite from looking through the whole collection for them.
        self.links_where(
            "l.record IN (SELECT a.id FROM activity a WHERE a.master = ?2) AND +l.collection = ?1",
            [collection.0, series.into().0],
        )
    }

    /// The links of that record in frozen collections of that account that are no memories: its items there are out of sight.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn frozen_links_of_record(
        &self,
        account: AccountId,
        record: impl Into<RecordId>,
    ) -> Result<Vec<Link>> {
        self.links_where(
            "l.record = ?1 AND l.left_side IS NULL AND EXISTS
             (SELECT 1 FROM item_collection c WHERE c.id = l.collection AND c.account = ?2 AND c.gone_us IS NOT NULL)",
            [record.into().0, account.0],
        )
    }

    /// Whether anything of an account is linked, in frozen collections too.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn has_links(&self, account: AccountId) -> Result<bool> {
        let sql = "SELECT 1 FROM link l JOIN item_collection c ON c.id = l.collection
                   WHERE c.account = ?1 AND l.left_side IS NULL LIMIT 1";
        Ok(self.conn.prepare_cached(sql)?.exists([account.0])?)
    }

    /// The newest link of an item that was made under that mark.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn link_of_mark(&self, mark: Mark) -> Result<Option<Link>> {
        Ok(self.links_where("l.mark = ?1", [mark.to_string()])?.pop())
    }

    /// Links of a collection of which something is still to be decided.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn dirty_links(&self, collection: ItemCollectionId) -> Result<Vec<Link>> {
        self.links_where("l.collection = ?1 AND l.dirty = 1", [collection.0])
    }

    /// All links of a collection that are no memories.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn live_links(&self, collection: ItemCollectionId) -> Result<Vec<Link>> {
        self.links_where("l.collection = ?1 AND l.left_side IS NULL", [collection.0])
    }

    /// Shows the items of a collection that are linked, in the order of their keys: what a whole listing is compared with. All of it stands in
    /// the index `link_listed`.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn linked_items(
        &self,
        collection: ItemCollectionId,
        mut show: impl FnMut(LinkedItem<'_>),
    ) -> Result<()> {
        let sql = "SELECT remote_key, version, gone IS NOT NULL FROM link
                   WHERE collection = ?1 AND left_side IS NULL ORDER BY remote_key";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query([collection.0])?;
        while let Some(row) = rows.next()? {
            let text = |column| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
            show(LinkedItem { key: text(0)?, version: text(1)?, is_gone: row.get(2)? });
        }
        Ok(())
    }

    /// What a listing's word about an item is held against.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn listed_link(&self, collection: ItemCollectionId, key: &ItemKey) -> Result<Option<ListedLink>> {
        let sql = "SELECT version, gone IS NOT NULL, left_side IS NOT NULL FROM link
                   WHERE collection = ?1 AND remote_key = ?2";
        let mut statement = self.conn.prepare_cached(sql)?;
        let found = statement.query_row(params![collection.0, key.0], |row| {
            Ok(ListedLink { version: ItemVersion(row.get(0)?), is_gone: row.get(1)?, has_left: row.get(2)? })
        });
        Ok(found.optional()?)
    }

    /// How many items of a collection are linked; no further than `most` is counted.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn count_links(&self, collection: ItemCollectionId, most: u64) -> Result<u64> {
        let sql =
            "SELECT count(*) FROM (SELECT 1 FROM link WHERE collection = ?1 AND left_side IS NULL LIMIT ?2)";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let count: i64 = self.conn.prepare_cached(sql)?.query_row([collection.0, most], |row| row.get(0))?;
        Ok(count.cast_unsigned())
    }

    /// Links an item with a record. The memory that it once left is overwritten.
    ///
    /// # Errors
    /// What SQLite says; among it that the item is linked, or the record has another item in the collection.
    pub fn add_link(&mut self, new: &NewLink) -> Result<LinkId> {
        self.conn
            .prepare_cached(
                "DELETE FROM link WHERE collection = ?1 AND remote_key = ?2 AND left_side IS NOT NULL",
            )?
            .execute(params![new.collection.0, new.key.0])?;
        self.conn
            .prepare_cached(
                "INSERT INTO link (collection, remote_key, record, origin, mark, version, image, agreed, there_us)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                new.collection.0,
                new.key.0,
                new.record.0,
                new.origin.name(),
                new.mark.map(|mark| mark.to_string()),
                new.base.version.0,
                new.base.image,
                new.base.agreed,
                new.base.there.map(|at| at.0)
            ])?;
        Ok(LinkId(self.conn.last_insert_rowid()))
    }

    /// The item is under another key, in another collection perhaps: the same link still, and linked again where it had left.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn move_link(&mut self, id: LinkId, collection: ItemCollectionId, key: &ItemKey) -> Result<()> {
        self.conn
            .prepare_cached(
                "DELETE FROM link WHERE collection = ?1 AND remote_key = ?2 AND left_side IS NOT NULL AND id <> ?3",
            )?
            .execute(params![collection.0, key.0, id.0])?;
        self.conn
            .prepare_cached(
                "UPDATE link SET collection = ?2, remote_key = ?3, left_side = NULL, gone = NULL WHERE id = ?1",
            )?
            .execute(params![id.0, collection.0, key.0])?;
        Ok(())
    }

    /// On what both sides agree from now on; nothing of it is to be decided any more. Nothing is written where all of that is so.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn set_base(&mut self, id: LinkId, base: &Base) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE link SET version = ?2, image = ?3, agreed = ?4, there_us = ?5, dirty = 0, gone = NULL, held = NULL, allowed = 0
                 WHERE id = ?1 AND (version, image, agreed, there_us, dirty, gone, held, allowed)
                                   IS NOT (?2, ?3, ?4, ?5, 0, NULL, NULL, 0)",
            )?
            .execute(params![
                id.0,
                base.version.0,
                base.image,
                base.agreed,
                base.there.map(|at| at.0)
            ])?;
        self.drop_empty_item_plans()
    }

    /// The server says the same under another version.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn set_version(&mut self, id: LinkId, version: &ItemVersion) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE link SET version = ?2 WHERE id = ?1")?
            .execute(params![id.0, version.0])?;
        Ok(())
    }

    /// Something about it is still to be decided: how its item is gone there, where it is.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn set_dirty(&mut self, id: LinkId, gone: Option<GoneThere>) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE link SET dirty = 1, gone = ?2 WHERE id = ?1 AND (dirty, gone) IS NOT (1, ?2)",
            )?
            .execute(params![id.0, gone.map(GoneThere::name)])?;
        Ok(())
    }

    /// It is linked no more; that is remembered, with the side on which it left. What was noted to be sent of it is not sent.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn leave_link(&mut self, id: LinkId, side: Side) -> Result<()> {
        self.withdraw_item_intents(id)?;
        self.conn
            .prepare_cached(
                "UPDATE link SET left_side = ?2, dirty = 0, gone = NULL, held = NULL, allowed = 0
                 WHERE id = ?1 AND left_side IS NOT ?2",
            )?
            .execute(params![id.0, side.name()])?;
        self.drop_empty_item_plans()
    }

    /// It is forgotten: neither side has it any more.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn drop_link(&mut self, id: LinkId) -> Result<()> {
        self.withdraw_item_intents(id)?;
        self.conn.prepare_cached("UPDATE item_intent SET link = NULL WHERE link = ?1")?.execute([id.0])?;
        self.conn.prepare_cached("DELETE FROM link WHERE id = ?1")?.execute([id.0])?;
        self.drop_empty_item_plans()
    }

    /// Records of that kind that came to be or changed after the change of that number, in the order of their changes.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn records_since(&self, kind: &str, stamp: i64) -> Result<Vec<RecordId>> {
        let sql = "SELECT id FROM record WHERE stamp > ?1 AND kind = ?2 ORDER BY stamp, id";
        let mut statement = self.conn.prepare_cached(sql)?;
        let ids = statement.query_map(params![stamp, kind], |row| row.get(0).map(RecordId))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// The number of the newest change of a record.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn stamp(&self) -> Result<i64> {
        Ok(self.conn.prepare_cached("SELECT stamp FROM meta")?.query_row([], |row| row.get(0))?)
    }

    /// Up to which change an account's export was worked out, and by which rule; `None` before the first time.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn export_reach(&self, account: AccountId, kind: &str) -> Result<Option<(String, i64)>> {
        let sql = "SELECT rule, stamp FROM export_reach WHERE account = ?1 AND kind = ?2";
        let mut statement = self.conn.prepare_cached(sql)?;
        let found = statement.query_row(params![account.0, kind], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(found.optional()?)
    }

    /// Notes it; nothing is written where that is noted already.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn set_export_reach(&mut self, account: AccountId, kind: &str, rule: &str, stamp: i64) -> Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO export_reach (account, kind, rule, stamp) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (account, kind) DO UPDATE SET rule = ?3, stamp = ?4
                 WHERE (rule, stamp) IS NOT (?3, ?4)",
            )?
            .execute(params![account.0, kind, rule, stamp])?;
        Ok(())
    }
}

fn link(row: &Row<'_>) -> Result<Link> {
    let unreadable = |what: &str| StoreError::damaged(STORE_FILE, format!("`{what}` is no part of a link"));
    let (origin, mark): (String, Option<String>) = (row.get(4)?, row.get(5)?);
    let (left, gone): (Option<String>, Option<String>) = (row.get(11)?, row.get(12)?);
    let (record, there): (Option<i64>, Option<i64>) = (row.get(3)?, row.get(9)?);
    Ok(Link {
        id: LinkId(row.get(0)?),
        collection: ItemCollectionId(row.get(1)?),
        key: ItemKey(row.get(2)?),
        record: record.map(RecordId),
        // The schema lets nothing else in.
        origin: if origin == Origin::Exported.name() { Origin::Exported } else { Origin::Imported },
        mark: mark.map(|mark| mark.parse().map_err(|_| unreadable(&mark))).transpose()?,
        base: Base {
            version: ItemVersion(row.get(6)?),
            image: row.get(7)?,
            agreed: row.get(8)?,
            there: there.map(Timestamp),
        },
        is_dirty: row.get(10)?,
        left: left.map(|side| if side == Side::Here.name() { Side::Here } else { Side::Server }),
        gone: gone
            .map(|how| if how == GoneThere::Left.name() { GoneThere::Left } else { GoneThere::Deleted }),
        held: row.get::<_, Option<i64>>(13)?.map(HeldId),
        is_allowed: row.get(14)?,
    })
}
