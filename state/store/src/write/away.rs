//! A store that is away from home, and one that is brought home (F10.3).
//!
//! What waited to be sent when it left may have been sent since by whoever went on with the original. So it becomes uncertain, with
//! the end of its folder then as the floor: it is looked for on the server, and what is not found waits for a person.

use postrider_journal::{Event, Floor, Operation, State};
use postrider_model::{AccountId, CollectionId, FolderRole, Timestamp, Uid};
use rusqlite::{OptionalExtension, params};

use super::{Filing, Outgoing, Tx};
use crate::{Away, Result, file};

/// What an entry of the outbox says of itself that was waiting when the store was put back or came to another machine.
pub const SENT_ELSEWHERE: &str =
    "the store was put back or came from another machine, and the original may have sent it since";

impl Tx<'_> {
    /// Why the store is away; `None` where it is at home.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn away(&self) -> Result<Option<Away>> {
        file::away(self.conn, self.here)
    }

    /// Notes, once, that the store is away: what it had not sent becomes uncertain.
    pub(crate) fn note_away(&mut self, now: Timestamp) -> Result<()> {
        let first = self.conn.execute("UPDATE meta SET away_us = ?1 WHERE away_us IS NULL", [now.0])?;
        if first == 0 {
            return Ok(());
        }
        self.skip_marks(now.0)?;
        for account in self.all_accounts()? {
            let sent = self.sent_floor(account)?;
            for entry in self.open_outbox(account)? {
                self.doubt_entry(&entry, sent, now)?;
            }
            self.doubt_appends(account, now)?;
            self.doubt_item_intents(account, now)?;
        }
        Ok(())
    }

    /// Makes this machine the store's home: what waits may be sent from now on. Answers whether it was away.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn bring_home(&mut self) -> Result<bool> {
        let was_away = self.away()?.is_some();
        if was_away {
            let sql = "UPDATE meta SET machine_id = ?1, backup_us = NULL, away_us = NULL";
            self.conn.execute(sql, [self.here])?;
        }
        Ok(was_away)
    }

    fn all_accounts(&self) -> Result<Vec<AccountId>> {
        let mut statement = self.conn.prepare_cached("SELECT id FROM account ORDER BY id")?;
        let ids = statement.query_map([], |row| row.get(0).map(AccountId))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// Where the folder for what was sent ended when it was read last.
    fn sent_floor(&self, account: AccountId) -> Result<Option<Floor>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id FROM collection WHERE account = ?1 AND role = ?2 AND gone_us IS NULL ORDER BY id LIMIT 1",
        )?;
        let sent: Option<i64> =
            statement.query_row(params![account.0, FolderRole::Sent.name()], |row| row.get(0)).optional()?;
        sent.map_or(Ok(None), |id| self.floor_of(CollectionId(id)))
    }

    fn floor_of(&self, collection: CollectionId) -> Result<Option<Floor>> {
        let mut statement =
            self.conn.prepare_cached("SELECT uid_validity, uid_next FROM collection WHERE id = ?1")?;
        let read: (Option<u32>, Option<Uid>) =
            statement.query_row([collection.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(match read {
            // A server that does not tell where a folder ends has it looked through.
            (Some(uid_validity), Some(uid_next)) => Some(Floor { uid_validity, uid_next: uid_next.max(1) }),
            _ => None,
        })
    }

    fn doubt_entry(&mut self, entry: &Outgoing, floor: Option<Floor>, now: Timestamp) -> Result<()> {
        let floor = floor.filter(|_| entry.floor.is_none());
        match entry.state {
            State::Noted => {
                self.step_outgoing(entry.id, Event::Send, now)?;
                self.step_outgoing(entry.id, Event::Lost { due: now }, now)?;
                self.set_outgoing(
                    entry.id,
                    &entry.recipients,
                    &entry.refused,
                    entry.reached,
                    Some(SENT_ELSEWHERE),
                )?;
                self.set_filing(entry.id, entry.filing, floor)
            }
            // It was sent, and its copy may have been filed since.
            State::Done if entry.filing == Filing::Wanted => self.set_filing(entry.id, Filing::Sent, floor),
            _ => Ok(()),
        }
    }

    /// What was to be put into folders may have been put there.
    fn doubt_appends(&mut self, account: AccountId, now: Timestamp) -> Result<()> {
        for row in self.intents(account)? {
            let (State::Noted, Operation::Append { copy_of, .. }, Some(to)) =
                (row.intent.state, &row.operation, row.collection)
            else {
                continue;
            };
            let floor = self.floor_of(to)?;
            self.set_operation(row.id, &Operation::Append { copy_of: *copy_of, floor })?;
            self.step_intent(row.id, Event::Send)?;
            self.step_intent(row.id, Event::Lost { due: now })?;
        }
        Ok(())
    }
}
