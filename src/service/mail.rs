//! Messages: listed, searched, shown, brought back.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use postrider_formats::{
    message,
    query::{self, Query},
};
use postrider_model::{AccountId, ContactId, ErrorClass, Fault, FolderRole, PlacementId, Timestamp};
use postrider_store::{Details, Filter, FolderRow, Found, Reader, SearchQuery, StoreError};
use serde::Serialize;

use super::{Caller, Service};
use crate::access::{Act, Right};

/// Which messages are asked for.
#[derive(Debug, Clone, Default)]
pub struct MailFilter {
    /// Words and terms (F2.7); empty for all.
    pub query: String,
    /// Only of this account.
    pub account: Option<String>,
    /// Only in this folder.
    pub folder: Option<String>,
    /// Only with an address of this contact in the header: of all accounts that the caller may read (F7.2).
    pub contact: Option<ContactId>,
    /// Those that were deleted here and can be restored, instead of those that are there.
    pub deleted: bool,
    /// At most so many.
    pub limit: u32,
    /// Of which accounts, where none is named.
    pub reach: Reach,
}

/// Of which accounts messages are wanted, where none is named (F7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Of the own mailboxes: the caller's, and those that they may send from.
    #[default]
    Own,
    /// Of all that they may read: a search.
    Readable,
}

/// A message that was brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Its id, the same as before.
    pub id: PlacementId,
    /// The folder that it is in again.
    pub folder: String,
}

/// A folder, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FolderView {
    /// The account's name.
    pub account: String,
    /// The folder's name.
    pub folder: String,
    /// What it is for.
    pub role: Option<FolderRole>,
    /// Messages that are not deleted.
    pub messages: u64,
    /// Unread ones among them.
    pub unread: u64,
    /// Why it is followed no more, where it is not: `vanished` or `deselected`.
    pub frozen: Option<String>,
}

impl FolderView {
    fn new(account: &str, row: FolderRow) -> Self {
        Self {
            account: account.to_owned(),
            folder: row.name,
            role: row.role,
            messages: row.messages,
            unread: row.unread,
            frozen: row.gone.map(|(_, why)| why),
        }
    }
}

impl Service {
    /// Messages, newest first, of the accounts that the caller may read: of a named one, else of those that [`MailFilter::reach`] says.
    ///
    /// # Errors
    /// A query that cannot be read, an account or a contact that is not there, a search that takes longer than two seconds.
    pub fn mail(&self, caller: &Caller, wanted: &MailFilter) -> Result<Found, Fault> {
        let mut reader = self.reader()?;
        let mut query = query::parse(&wanted.query).map_err(|error| {
            Fault::new(ErrorClass::Config, format!("search for `{}`", wanted.query), error.to_string())
        })?;
        query.accounts.extend(wanted.account.clone());
        query.folders.extend(wanted.folder.clone());
        let addresses = wanted.contact.map(|contact| self.addresses_of(caller, contact)).transpose()?;
        // Beside a contact stands what one may read, as in a search.
        let reach = if addresses.is_some() { Reach::Readable } else { wanted.reach };
        let accounts = self.accounts_to_list(caller, &reader, &query.accounts, reach)?;
        let mut search = search_query(query, accounts, wanted);
        search.filter.addresses = addresses;
        let found = reader.search(&search)?;
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        found.rows.iter().for_each(|row| *counts.entry(row.account.as_str()).or_default() += 1);
        for (account, count) in counts {
            self.note_look(caller, Act::ListMail, account, &format!("{count} messages"));
        }
        Ok(found)
    }

    /// The accounts to which a listing is bounded, before anything is counted or cut; `None` for whoever has everything.
    fn accounts_to_list(
        &self,
        caller: &Caller,
        reader: &Reader,
        named: &[String],
        reach: Reach,
    ) -> Result<Option<Vec<AccountId>>, Fault> {
        if !named.is_empty() {
            let ids =
                named.iter().map(|name| Ok(self.account_in_store(caller, Act::ListMail, reader, name)?.id));
            return ids.collect::<Result<Vec<_>, Fault>>().map(Some);
        }
        if caller.has_everything() {
            return Ok(None);
        }
        let mut accounts = self.accounts_for(caller, Act::ListMail, reader)?;
        if reach == Reach::Own {
            accounts.retain(|account| self.rights(caller, &account.name).has(Right::Send));
        }
        Ok(Some(accounts.into_iter().map(|account| account.id).collect()))
    }

    /// One message with all that is known of it.
    ///
    /// # Errors
    /// Where there is none of that id.
    pub fn message(&self, caller: &Caller, id: PlacementId) -> Result<Details, Fault> {
        self.permit_messages(caller, Act::ReadMail, &[id])?;
        let details = self.reader()?.show(id, None)?.ok_or_else(|| unknown(id))?;
        self.note_look(caller, Act::ReadMail, &details.row.account, &id.to_string());
        Ok(details)
    }

    /// A message's bytes as the server gave them.
    ///
    /// # Errors
    /// Where there is none of that id.
    pub fn raw_message(&self, caller: &Caller, id: PlacementId) -> Result<Vec<u8>, Fault> {
        self.message(caller, id)?;
        let mut raw = Vec::new();
        self.reader()?.body(id, &mut raw)?;
        Ok(raw)
    }

    /// A message's text: plain, or HTML stripped to text.
    ///
    /// # Errors
    /// Where there is none of that id.
    pub fn text(&self, caller: &Caller, id: PlacementId) -> Result<String, Fault> {
        Ok(message::parse(&self.raw_message(caller, id)?).text)
    }

    /// Brings deleted messages back, here. On the server they appear again once changes travel there.
    ///
    /// # Errors
    /// The first id that cannot be restored: unknown, not deleted, or past its time. None is restored then.
    pub fn restore(&mut self, caller: &Caller, ids: &[PlacementId]) -> Result<Vec<Restored>, Fault> {
        let accounts = self.permit_messages(caller, Act::RestoreMail, ids)?;
        let lines = self.lines(caller, Act::RestoreMail, &accounts, ids, "");
        let context = self.here(caller, "restored");
        let restored = self.writer()?.transaction(|tx| {
            let restored = ids.iter().map(|id| tx.restore(*id, &context)).collect::<Result<Vec<_>, _>>()?;
            lines.into_iter().try_for_each(|line| tx.audit(line))?;
            Ok(restored)
        });
        let restored = restored.map_err(|error| match error {
            StoreError::NoSuchMessage(id) => unknown(id),
            other => other.into(),
        })?;
        Ok(restored.into_iter().map(|one| Restored { id: one.placement, folder: one.folder }).collect())
    }

    /// The folders that are here, of the accounts that the caller may read.
    ///
    /// # Errors
    /// An account that is not there.
    pub fn folders(&self, caller: &Caller, account: Option<&str>) -> Result<Vec<FolderView>, Fault> {
        let reader = self.reader()?;
        let accounts = match account {
            Some(name) => vec![self.account_in_store(caller, Act::ListMail, &reader, name)?],
            None => self.accounts_for(caller, Act::ListMail, &reader)?,
        };
        let mut views = Vec::new();
        for account in accounts {
            let folders = reader.folders(account.id)?.into_iter();
            self.note_look(caller, Act::ListMail, &account.name, &format!("{} folders", folders.len()));
            views.extend(folders.map(|folder| FolderView::new(&account.name, folder)));
        }
        Ok(views)
    }
}

pub(super) fn unknown(id: PlacementId) -> Fault {
    Fault::new(ErrorClass::NotFound, format!("find message {id}"), "there is none of that id")
        .hint("`postrider mail list` prints ids")
}

fn search_query(query: Query, accounts: Option<Vec<AccountId>>, wanted: &MailFilter) -> SearchQuery {
    let filter = Filter {
        accounts,
        folders: query.folders,
        before: query.before.map(midnight),
        after: query.after.map(midnight),
        has_attachment: query.has_attachment.then_some(true),
        unread: query.unread,
        flagged: query.flagged,
        deleted: wanted.deleted,
        limit: wanted.limit as usize,
        ..Filter::default()
    };
    SearchQuery { words: query.words, from: query.from, to: query.to, subject: query.subject, filter }
}

/// The start of a day, in UTC: the store keeps instants, and a day's two hours more or less are no one's loss in a search.
fn midnight(day: NaiveDate) -> Timestamp {
    Timestamp::from_seconds(day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp())
}
