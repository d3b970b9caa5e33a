//! Folders and how far each was read.
//!
//! A folder that vanished, or was taken off the list, is frozen: nothing in it is touched (I2). It may be thawed, and it
//! does not stand in the way of a new folder of the same name.

use postrider_model::{
    AccountId, CollectionId, FolderRole, FolderStatus, MailCursor, PlacementId, Timestamp, Window,
};
use rusqlite::{Row, params};

use super::Tx;
use crate::{Result, StoreError, file::STORE_FILE};

/// A folder as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// Its id here.
    pub id: CollectionId,
    /// Its name as the server writes it.
    pub key: String,
    /// Its decoded name, levels separated by `/`.
    pub name: String,
    /// What it is for.
    pub role: Option<FolderRole>,
    /// MAILBOXID (RFC 8474), where the server has it.
    pub mailbox_id: Option<String>,
    /// How far it was read; `None` before the first time.
    pub cursor: Option<MailCursor>,
    /// Since when and why it is frozen.
    pub gone: Option<(Timestamp, String)>,
}

/// What a listing says of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCollection {
    /// Its name as the server writes it.
    pub key: String,
    /// Its decoded name, levels separated by `/`.
    pub name: String,
    /// What it is for.
    pub role: Option<FolderRole>,
    /// MAILBOXID (RFC 8474), where the server has it.
    pub mailbox_id: Option<String>,
}

const COLUMNS: &str = "id, remote_key, name, role, mailbox_id, uid_validity, uid_next, highest_mod_seq, messages, \
                       complete, window, gone_us, gone_why";

impl Tx<'_> {
    /// All folders of that account, the frozen ones too, in the order of their ids.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn collections(&self, account: AccountId) -> Result<Vec<Collection>> {
        let sql =
            format!("SELECT {COLUMNS} FROM collection WHERE account = ?1 AND kind = 'mail' ORDER BY id");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query([account.0])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(collection(row)?);
        }
        Ok(all)
    }

    /// Adds a folder.
    ///
    /// # Errors
    /// What SQLite says; among it that a folder of that key is there and not frozen.
    pub fn create_collection(&mut self, account: AccountId, new: &NewCollection) -> Result<CollectionId> {
        self.conn.execute(
            "INSERT INTO collection (account, kind, remote_key, name, role, mailbox_id) VALUES (?1, 'mail', ?2, ?3, ?4, ?5)",
            params![account.0, new.key, new.name, new.role.map(FolderRole::name), new.mailbox_id],
        )?;
        Ok(CollectionId(self.conn.last_insert_rowid()))
    }

    /// Brings key (a rename), name, role and MAILBOXID up to date; nothing is written where they are so already.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn update_collection(&mut self, id: CollectionId, new: &NewCollection) -> Result<()> {
        self.conn.execute(
            "UPDATE collection SET remote_key = ?2, name = ?3, role = ?4, mailbox_id = ?5
             WHERE id = ?1 AND (remote_key, name, role, mailbox_id) IS NOT (?2, ?3, ?4, ?5)",
            params![id.0, new.key, new.name, new.role.map(FolderRole::name), new.mailbox_id],
        )?;
        Ok(())
    }

    /// Frees the key of a folder that is about to get another one by [`update_collection`](Self::update_collection) in this
    /// transaction: of two folders that swapped their names, neither could take the other's first. Nothing is written where
    /// it has that key already.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn release_key(&mut self, id: CollectionId, next: &str) -> Result<()> {
        // No mailbox name holds a line feed (RFC 3501, section 9, `mailbox`).
        self.conn.execute(
            "UPDATE collection SET remote_key = char(10) || id WHERE id = ?1 AND remote_key <> ?2",
            params![id.0, next],
        )?;
        Ok(())
    }

    /// Freezes a folder: it keeps all it has, and its cursor. One that is frozen keeps its first date and reason.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn freeze_collection(&mut self, id: CollectionId, at: Timestamp, why: &str) -> Result<()> {
        self.conn.execute(
            "UPDATE collection SET gone_us = ?2, gone_why = ?3 WHERE id = ?1 AND gone_us IS NULL",
            params![id.0, at.0, why],
        )?;
        self.settle_moves_of(id, at)
    }

    /// What was to be moved into a folder that is followed no more stays where the server has it; what was to be moved out of one goes to
    /// its new folder from here.
    fn settle_moves_of(&mut self, id: CollectionId, at: Timestamp) -> Result<()> {
        self.conn.prepare_cached("UPDATE placement SET here = NULL WHERE here = ?1")?.execute([id.0])?;
        let mut statement = self.conn.prepare_cached(
            "SELECT id, here FROM placement WHERE collection = ?1 AND here IS NOT NULL AND deleted_us IS NULL ORDER BY id",
        )?;
        let waiting: Vec<(i64, i64)> = statement
            .query_map([id.0], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        drop(statement);
        for (placement, to) in waiting {
            self.put_from_here(PlacementId(placement), CollectionId(to), at)?;
        }
        Ok(())
    }

    /// A message that the server does not give any more is to be put into that folder from here.
    pub(super) fn put_from_here(&mut self, id: PlacementId, to: CollectionId, at: Timestamp) -> Result<()> {
        self.forget_uid(id)?;
        self.conn
            .prepare_cached("UPDATE placement SET collection = ?2, held = NULL WHERE id = ?1")?
            .execute(params![id.0, to.0])?;
        self.note_append(&self.seat(id)?, at)
    }

    /// Takes a frozen folder up again.
    ///
    /// # Errors
    /// What SQLite says; among it that another folder has its key now.
    pub fn thaw_collection(&mut self, id: CollectionId) -> Result<()> {
        self.conn.execute(
            "UPDATE collection SET gone_us = NULL, gone_why = NULL WHERE id = ?1 AND gone_us IS NOT NULL",
            [id.0],
        )?;
        Ok(())
    }

    /// Notes how far the folder was read; nothing is written where that is noted already. Belongs into the transaction that
    /// stores the last of what the cursor covers (I3).
    ///
    /// # Errors
    /// What SQLite says.
    pub fn set_cursor(&mut self, id: CollectionId, cursor: &MailCursor) -> Result<()> {
        let MailCursor { status, complete, window } = cursor;
        self.conn
            .prepare_cached(
                "UPDATE collection SET uid_validity = ?2, uid_next = ?3, highest_mod_seq = ?4, messages = ?5, complete = ?6,
                        window = ?7
                 WHERE id = ?1 AND (uid_validity, uid_next, highest_mod_seq, messages, complete, window)
                        IS NOT (?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                id.0,
                status.uid_validity,
                status.uid_next,
                status.highest_mod_seq.map(u64::cast_signed),
                status.messages,
                complete,
                window.to_string()
            ])?;
        Ok(())
    }
}

fn collection(row: &Row<'_>) -> Result<Collection> {
    let gone_us: Option<i64> = row.get(11)?;
    let gone_why: Option<String> = row.get(12)?;
    let role: Option<String> = row.get(3)?;
    Ok(Collection {
        id: CollectionId(row.get(0)?),
        key: row.get(1)?,
        name: row.get(2)?,
        role: role.as_deref().and_then(FolderRole::from_name),
        mailbox_id: row.get(4)?,
        cursor: cursor(row)?,
        gone: gone_us.map(|at| (Timestamp(at), gone_why.unwrap_or_default())),
    })
}

fn cursor(row: &Row<'_>) -> Result<Option<MailCursor>> {
    let Some(uid_validity) = row.get(5)? else { return Ok(None) };
    let mod_seq: Option<i64> = row.get(7)?;
    let window: String = row.get(10)?;
    let window: Window =
        window.parse().map_err(|()| StoreError::damaged(STORE_FILE, format!("`{window}` is no window")))?;
    let status = FolderStatus {
        uid_validity,
        uid_next: row.get(6)?,
        highest_mod_seq: mod_seq.map(i64::cast_unsigned),
        messages: row.get(8)?,
    };
    Ok(Some(MailCursor { status, complete: row.get(9)?, window }))
}
