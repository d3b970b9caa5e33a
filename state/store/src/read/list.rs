//! Lists of messages, newest first.
//!
//! The newest of each folder come from the index `placement_newest`; the newest of all are among them. A folder whose newest
//! are older than what was found already costs one look.

use std::cmp::Reverse;

use postrider_model::{AccountId, Address, CollectionId, Flags, MessageId, PlacementId, Timestamp};
use rusqlite::{OptionalExtension, ToSql};

use super::{Reader, detail::addresses_of};
use crate::{HeldId, Result, write::flags_from};

/// Which messages are wanted. The default is all that stand somewhere, 50 of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Only of these accounts; `None` is all there are.
    pub accounts: Option<Vec<AccountId>>,
    /// Only in folders of one of these decoded names; empty is all there are. `INBOX` is equal in any case.
    pub folders: Vec<String>,
    /// Only with one of these mail addresses in the header, in any field; with none of them, nothing.
    pub addresses: Option<Vec<String>>,
    /// Only what arrived before that time.
    pub before: Option<Timestamp>,
    /// Only what arrived at or after that time.
    pub after: Option<Timestamp>,
    /// Only unread (`true`) or read ones.
    pub unread: Option<bool>,
    /// Only flagged (`true`) or unflagged ones.
    pub flagged: Option<bool>,
    /// Only with attachments (`true`) or without.
    pub has_attachment: Option<bool>,
    /// What is deleted and can be restored, in the place of what stands somewhere.
    pub deleted: bool,
    /// At most so many.
    pub limit: usize,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            accounts: None,
            folders: Vec::new(),
            addresses: None,
            before: None,
            after: None,
            unread: None,
            flagged: None,
            has_attachment: None,
            deleted: false,
            limit: 50,
        }
    }
}

impl Filter {
    fn names(&self, folder: &str) -> bool {
        let same =
            |wanted: &String| wanted == folder || (folder == "INBOX" && wanted.eq_ignore_ascii_case("INBOX"));
        self.folders.is_empty() || self.folders.iter().any(same)
    }
}

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub id: PlacementId,
    /// The message.
    pub message: MessageId,
    /// The account's name.
    pub account: String,
    /// The folder's decoded name.
    pub folder: String,
    /// Its UID; `None` where the server has it not.
    pub uid: Option<u32>,
    /// Message-ID, without angle brackets.
    pub message_id: Option<String>,
    /// The decoded subject.
    pub subject: String,
    /// Who wrote it.
    pub from: Vec<Mailbox>,
    /// To whom.
    pub to: Vec<Mailbox>,
    /// The Date header.
    pub date: Option<Timestamp>,
    /// When it arrived, by the server.
    pub internal_date: Timestamp,
    /// Octets.
    pub size: u64,
    /// Its flags.
    pub flags: Flags,
    /// Whether a reader would show an attachment.
    pub has_attachment: bool,
    /// How its text begins.
    pub snippet: String,
    /// Since when it is deleted.
    pub deleted: Option<Timestamp>,
    /// The plan in which its deletion waits.
    pub held: Option<HeldId>,
}

/// An address with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name; empty where there is none.
    pub name: String,
    /// The address as it is written.
    pub email: String,
}

impl From<Address> for Mailbox {
    fn from(address: Address) -> Self {
        Self { name: address.name, email: address.email }
    }
}

/// A placement's place in the order of lists, which is the order of the index `placement_newest`.
pub(super) type Key = (Timestamp, MessageId, PlacementId);

/// Reads the columns `internal_us, message, id`.
pub(super) fn key(row: &rusqlite::Row<'_>) -> rusqlite::Result<Key> {
    Ok((Timestamp(row.get(0)?), MessageId(row.get(1)?), PlacementId(row.get(2)?)))
}

/// The newest so many of what is offered.
pub(super) struct Newest {
    keys: Vec<Key>,
    limit: usize,
}

impl Newest {
    pub(super) const fn new(limit: usize) -> Self {
        Self { keys: Vec::new(), limit }
    }

    pub(super) fn offer(&mut self, key: Key) {
        self.keys.push(key);
        if self.keys.len() >= self.limit.saturating_mul(2).max(1024) {
            self.cut();
        }
    }

    /// What is older than this will not be among them.
    pub(super) fn threshold(&mut self) -> Timestamp {
        self.cut();
        match self.keys.last() {
            Some((oldest, ..)) if self.keys.len() >= self.limit => *oldest,
            _ => Timestamp(i64::MIN),
        }
    }

    fn cut(&mut self) {
        self.keys.sort_unstable_by_key(|key| Reverse(*key));
        self.keys.truncate(self.limit);
    }

    pub(super) fn finish(mut self) -> Vec<PlacementId> {
        self.cut();
        self.keys.into_iter().map(|(.., id)| id).collect()
    }
}

/// Conditions on a placement `p`, with their values.
pub(super) struct Conditions {
    pub(super) sql: String,
    pub(super) values: Vec<Box<dyn ToSql>>,
}

impl Conditions {
    pub(super) fn of(filter: &Filter) -> Self {
        let mut all = Self { sql: String::new(), values: Vec::new() };
        if let Some(before) = filter.before {
            all.add("p.internal_us < ?", Some(Box::new(before.0)));
        }
        if let Some(after) = filter.after {
            all.add("p.internal_us >= ?", Some(Box::new(after.0)));
        }
        if let Some(unread) = filter.unread {
            all.add(if unread { "p.flags & 1 = 0" } else { "p.flags & 1 <> 0" }, None);
        }
        if let Some(flagged) = filter.flagged {
            all.add(if flagged { "p.flags & 4 <> 0" } else { "p.flags & 4 = 0" }, None);
        }
        if let Some(has) = filter.has_attachment {
            let sql = "EXISTS (SELECT 1 FROM message m WHERE m.id = p.message AND m.has_attachment = ?)";
            all.add(sql, Some(Box::new(has)));
        }
        if let Some(addresses) = &filter.addresses {
            let sql = "EXISTS (SELECT 1 FROM message_address l JOIN address d ON d.id = l.address
                               WHERE l.message = p.message AND d.email IN (SELECT value FROM json_each(?)))";
            all.add(sql, Some(Box::new(lower_case(addresses))));
        }
        all
    }

    fn add(&mut self, sql: &str, value: Option<Box<dyn ToSql>>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.values.extend(value);
    }

    /// The values after some that stand earlier in the statement.
    pub(super) fn after<'a>(&'a self, first: &[&'a dyn ToSql]) -> Vec<&'a dyn ToSql> {
        first.iter().copied().chain(self.values.iter().map(AsRef::as_ref)).collect()
    }
}

/// Addresses in the form that is compared, JSON.
fn lower_case(addresses: &[String]) -> String {
    let lower: Vec<String> = addresses.iter().map(|address| address.to_lowercase()).collect();
    serde_json::json!(lower).to_string()
}

impl Reader {
    /// The newest messages that fit the filter.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn list(&self, filter: &Filter) -> Result<Vec<Row>> {
        self.noting(|| {
            if let Some(addresses) = &filter.addresses {
                let messages = self.messages_with(addresses)?;
                return self.rows(&self.newest_of(&messages, filter)?);
            }
            let conditions = Conditions::of(filter);
            let mut newest = Newest::new(filter.limit);
            for collection in self.visible(filter)? {
                match filter.deleted {
                    true => self.deleted_in(collection, &conditions, &mut newest)?,
                    false => self.newest_in(collection, &conditions, &mut newest)?,
                }
            }
            self.rows(&newest.finish())
        })
    }

    /// The messages in whose header one of these addresses stands, ascending.
    fn messages_with(&self, addresses: &[String]) -> Result<Vec<i64>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT DISTINCT l.message FROM address d CROSS JOIN message_address l ON l.address = d.id
             WHERE d.email IN (SELECT value FROM json_each(?1)) ORDER BY l.message",
        )?;
        let ids = statement.query_map([lower_case(addresses)], |row| row.get(0))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// The folders in which a filter looks.
    pub(super) fn visible(&self, filter: &Filter) -> Result<Vec<CollectionId>> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT id, account, name FROM collection WHERE kind = 'mail' ORDER BY id")?;
        let mut rows = statement.query([])?;
        let mut ids = Vec::new();
        while let Some(row) = rows.next()? {
            let (account, name): (_, String) = (AccountId(row.get(1)?), row.get(2)?);
            if filter.accounts.as_ref().is_none_or(|visible| visible.contains(&account))
                && filter.names(&name)
            {
                ids.push(CollectionId(row.get(0)?));
            }
        }
        Ok(ids)
    }

    fn newest_in(
        &self,
        collection: CollectionId,
        conditions: &Conditions,
        newest: &mut Newest,
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(&format!(
            "SELECT p.internal_us, p.message, p.id FROM placement p
             WHERE p.folder = ? AND p.deleted_us IS NULL AND p.internal_us >= ?{}
             ORDER BY p.internal_us DESC, p.message DESC, p.id DESC LIMIT ?",
            conditions.sql
        ))?;
        let (threshold, limit) = (newest.threshold().0, i64::try_from(newest.limit).unwrap_or(i64::MAX));
        let mut values = conditions.after(&[&collection.0, &threshold]);
        values.push(&limit);
        let mut rows = statement.query(values.as_slice())?;
        while let Some(row) = rows.next()? {
            newest.offer(key(row)?);
        }
        Ok(())
    }

    fn deleted_in(
        &self,
        collection: CollectionId,
        conditions: &Conditions,
        newest: &mut Newest,
    ) -> Result<()> {
        let mut statement = self.conn.prepare_cached(&format!(
            "SELECT p.internal_us, p.message, p.id FROM placement p
             WHERE +p.folder = ? AND p.deleted_us IS NOT NULL AND coalesce(p.discard, '') NOT IN ('rest', 'left'){}",
            conditions.sql
        ))?;
        let mut rows = statement.query(conditions.after(&[&collection.0]).as_slice())?;
        while let Some(row) = rows.next()? {
            newest.offer(key(row)?);
        }
        Ok(())
    }

    /// The rows of those placements, in that order. One that is gone meanwhile is left out.
    pub(super) fn rows(&self, ids: &[PlacementId]) -> Result<Vec<Row>> {
        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            rows.extend(self.row(*id)?);
        }
        Ok(rows)
    }

    pub(super) fn row(&self, id: PlacementId) -> Result<Option<Row>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT p.message, a.name, c.name, iif(p.here IS NULL AND p.deleted_us IS NULL, p.uid, NULL), m.message_id, m.subject, m.date_us, p.internal_us, b.size, p.flags,
                    p.keywords, m.has_attachment, m.snippet, p.deleted_us, p.held
             FROM placement p JOIN message m ON m.id = p.message JOIN body b ON b.id = m.body
                  JOIN collection c ON c.id = p.folder JOIN account a ON a.id = c.account
             WHERE p.id = ?1",
        )?;
        let found = statement.query_row([id.0], |row| {
            let (date, deleted): (Option<i64>, Option<i64>) = (row.get(6)?, row.get(13)?);
            let (size, held): (i64, Option<i64>) = (row.get(8)?, row.get(14)?);
            Ok(Row {
                id,
                message: MessageId(row.get(0)?),
                account: row.get(1)?,
                folder: row.get(2)?,
                uid: row.get(3)?,
                message_id: row.get(4)?,
                subject: row.get(5)?,
                from: Vec::new(),
                to: Vec::new(),
                date: date.map(Timestamp),
                internal_date: Timestamp(row.get(7)?),
                size: size.cast_unsigned(),
                flags: flags_from(row, 9)?,
                has_attachment: row.get(11)?,
                snippet: row.get(12)?,
                deleted: deleted.map(Timestamp),
                held: held.map(HeldId),
            })
        });
        let Some(mut found) = found.optional()? else { return Ok(None) };
        for address in addresses_of(&self.conn, found.message)? {
            match address.role {
                postrider_model::AddressRole::From => found.from.push(address.into()),
                postrider_model::AddressRole::To => found.to.push(address.into()),
                _ => {}
            }
        }
        Ok(Some(found))
    }
}
