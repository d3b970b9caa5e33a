//! What a person does to messages here. Nothing of it is on the server before a run sends it; until then a message is dirty: what
//! it is here differs from what both sides last agreed on, and that difference is what a run sends.

use postrider_journal::{Event, Operation, State};
use postrider_model::{AccountId, CollectionId, Flags, PlacementId, Timestamp};
use rusqlite::params;

use super::{Context, Incoming, Seat, Tx, placements::keywords};
use crate::{Result, StoreError};

/// What is to become of a message on the server that is deleted here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Discard {
    /// It goes to the folder for such, which is not followed here; it is erased where the server has none.
    Trash,
    /// It is erased.
    Expunge,
    /// It carries `\Deleted` already, on a server that can erase only all such messages at once: nothing more is done.
    Marked,
    /// What a copied move left in its old place: it is erased. Nobody deleted it, and nobody sees it.
    Rest,
    /// The same where it carries `\Deleted` already.
    Left,
}

impl Discard {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Trash, Self::Expunge, Self::Marked, Self::Rest, Self::Left];

    /// Its name in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trash => "trash",
            Self::Expunge => "expunge",
            Self::Marked => "marked",
            Self::Rest => "rest",
            Self::Left => "left",
        }
    }

    /// Whether it is what a move left behind, and no message of its own.
    pub const fn is_rest(self) -> bool {
        matches!(self, Self::Rest | Self::Left)
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|discard| discard.name() == name)
    }
}

impl Tx<'_> {
    /// Gives a message other flags; answers whether that changed anything. Another spelling of a keyword changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NoSuchMessage`], also where it is deleted; what SQLite says.
    pub fn set_flags(&mut self, id: PlacementId, flags: &Flags, context: &Context) -> Result<bool> {
        let was = self.live_seat(id)?;
        if was.placement.flags.same(flags) {
            return Ok(false);
        }
        self.note(&was, "flags", context)?;
        self.conn
            .prepare_cached("UPDATE placement SET flags = ?2, keywords = ?3 WHERE id = ?1")?
            .execute(params![id.0, flags.bits(), keywords(flags)])?;
        Ok(true)
    }

    /// Puts a message into another folder of its account; answers whether it was in another one.
    ///
    /// # Errors
    /// [`StoreError::NoSuchMessage`], also where it is deleted; [`StoreError::OtherAccount`]; what SQLite says.
    pub fn move_here(&mut self, id: PlacementId, to: CollectionId, context: &Context) -> Result<bool> {
        let was = self.live_seat(id)?;
        self.same_account(id, was.collection, to)?;
        if was.folder() == to {
            return Ok(false);
        }
        self.note(&was, "moved", context)?;
        if was.placement.held.is_some() {
            // It is gone there, and a person wants it: it is put into its new folder from here.
            self.put_from_here(id, to, context.at)?;
            return self.drop_empty_plans().map(|()| true);
        }
        let waits =
            was.placement.uid.is_none() && self.append_of(id)?.is_some_and(|row| is_unsent(row.intent.state));
        if waits {
            // It was never there, so it goes to its new folder straight away.
            self.conn.execute(
                "UPDATE placement SET collection = ?2, here = NULL WHERE id = ?1",
                params![id.0, to.0],
            )?;
            self.conn
                .execute("UPDATE intent SET collection = ?2 WHERE placement = ?1", params![id.0, to.0])?;
        } else {
            self.conn
                .prepare_cached(
                    "UPDATE placement SET here = nullif(?2, collection), held = NULL WHERE id = ?1",
                )?
                .execute(params![id.0, to.0])?;
            self.drop_empty_plans()?;
        }
        Ok(true)
    }

    /// Puts a copy of a message into another folder of its account, or into the same; the copy's id.
    ///
    /// # Errors
    /// As [`move_here`](Self::move_here).
    pub fn copy_here(&mut self, id: PlacementId, to: CollectionId, context: &Context) -> Result<PlacementId> {
        let of = self.live_seat(id)?;
        let account = self.same_account(id, of.collection, to)?;
        let copy = self.insert_unsent(&of, to)?;
        self.add_intent(
            account,
            copy,
            to,
            &Operation::Append { copy_of: Some(id), floor: None },
            context.at,
        )?;
        Ok(copy)
    }

    /// Puts a message that was written here into a folder; a note is made to put it there on the server too.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn insert_unsent_message(
        &mut self,
        account: AccountId,
        folder: CollectionId,
        message: &Incoming,
        now: Timestamp,
    ) -> Result<PlacementId> {
        let (id, _) = self.ensure_message(account.0, message)?;
        self.conn
            .prepare_cached(
                "INSERT INTO placement (message, collection, flags, keywords, base_flags, base_keywords, internal_us)
                 VALUES (?1, ?2, ?3, ?4, ?3, '', ?5)",
            )?
            .execute(params![id.0, folder.0, message.flags.bits(), keywords(&message.flags), now.0])?;
        let placement = PlacementId(self.conn.last_insert_rowid());
        self.add_intent(account, placement, folder, &Operation::Append { copy_of: None, floor: None }, now)?;
        Ok(placement)
    }

    fn insert_unsent(&mut self, of: &Seat, to: CollectionId) -> Result<PlacementId> {
        let place = &of.placement;
        self.conn
            .prepare_cached(
                "INSERT INTO placement (message, collection, flags, keywords, base_flags, base_keywords, internal_us)
                 VALUES (?1, ?2, ?3 & ~8, ?4, ?5 & ~8, ?6, ?7)",
            )?
            // The server copies the flags that it has; those that were changed here follow.
            .execute(params![
                place.message.0,
                to.0,
                place.flags.bits(),
                keywords(&place.flags),
                place.base_flags.bits(),
                keywords(&place.base_flags),
                place.internal_date.0
            ])?;
        Ok(PlacementId(self.conn.last_insert_rowid()))
    }

    /// Deletes a message here, and says what is to become of it on the server. It can be restored.
    ///
    /// # Errors
    /// [`StoreError::NoSuchMessage`], also where it is deleted already; what SQLite says.
    pub fn discard(&mut self, id: PlacementId, how: Discard, context: &Context) -> Result<()> {
        let was = self.live_seat(id)?;
        if was.placement.held.is_some() {
            // It is gone there already.
            return self.delete_placements(&[id], context).map(drop);
        }
        self.note(&was, "deleted", context)?;
        let append = if was.placement.uid.is_none() { self.append_of(id)? } else { None };
        // Without a UID it may be there all the same, put there or numbered anew: what is known of it later decides.
        let mut there = true;
        if let Some(append) = append
            && is_unsent(append.intent.state)
        {
            self.step_intent(append.id, Event::Withdraw)?;
            there = false;
        }
        self.conn
            .prepare_cached(
                "UPDATE placement SET deleted_us = ?2, deleted_why = ?3, discard = ?4, here = NULL, held = NULL
                 WHERE id = ?1",
            )?
            .execute(params![id.0, context.at.0, context.why, there.then_some(how.name())])?;
        self.drop_empty_plans()
    }

    /// A message that is not deleted.
    fn live_seat(&self, id: PlacementId) -> Result<Seat> {
        let seat = self.seat(id)?;
        if seat.deleted.is_some() { Err(StoreError::NoSuchMessage(id)) } else { Ok(seat) }
    }

    /// The account of both folders.
    fn same_account(&self, id: PlacementId, one: CollectionId, other: CollectionId) -> Result<AccountId> {
        let account = |collection: CollectionId| -> Result<i64> {
            let mut statement = self.conn.prepare_cached("SELECT account FROM collection WHERE id = ?1")?;
            Ok(statement.query_row([collection.0], |row| row.get(0))?)
        };
        let (mine, theirs) = (account(one)?, account(other)?);
        if mine == theirs { Ok(AccountId(mine)) } else { Err(StoreError::OtherAccount(id)) }
    }
}

fn is_unsent(state: State) -> bool {
    state == State::Noted
}
