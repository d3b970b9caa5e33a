//! Messages: listed, searched, shown, brought back.

use chrono::NaiveDate;
use postrider_formats::{
    message,
    query::{self, Query},
};
use postrider_model::{AccountId, ErrorClass, Fault, FolderRole, PlacementId, Timestamp};
use postrider_store::{
    AccountRow, Context, Details, Filter, FolderRow, Found, Reader, SearchQuery, Side, StoreError,
};
use serde::Serialize;

use super::{Caller, Service};

/// Which messages are asked for.
#[derive(Debug, Clone, Default)]
pub struct MailFilter {
    /// Words and terms (F2.7); empty for all.
    pub query: String,
    /// Only of this account.
    pub account: Option<String>,
    /// Only in this folder.
    pub folder: Option<String>,
    /// Those that were deleted here and can be restored, instead of those that are there.
    pub deleted: bool,
    /// At most so many.
    pub limit: u32,
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
    /// Messages, newest first.
    ///
    /// # Errors
    /// A query that cannot be read, an account that is not there, a search that takes longer than two seconds.
    pub fn mail(&self, _caller: &Caller, wanted: &MailFilter) -> Result<Found, Fault> {
        let mut reader = self.reader()?;
        let mut query = query::parse(&wanted.query).map_err(|error| {
            Fault::new(ErrorClass::Config, format!("search for `{}`", wanted.query), error.to_string())
        })?;
        query.accounts.extend(wanted.account.clone());
        query.folders.extend(wanted.folder.clone());
        let named = query.accounts.iter().map(|name| Ok(self.account_in_store(&reader, name)?.id));
        let accounts = named.collect::<Result<Vec<_>, Fault>>()?;
        Ok(reader.search(&search_query(query, accounts, wanted))?)
    }

    /// One message with all that is known of it.
    ///
    /// # Errors
    /// Where there is none of that id.
    pub fn message(&self, _caller: &Caller, id: PlacementId) -> Result<Details, Fault> {
        self.reader()?.show(id, None)?.ok_or_else(|| unknown(id))
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
        let context = Context {
            at: self.world.clock.now(),
            run: None,
            side: Side::Here,
            actor: caller.user.clone(),
            why: "restored".to_owned(),
        };
        let restored = self
            .writer()?
            .transaction(|tx| ids.iter().map(|id| tx.restore(*id, &context)).collect::<Result<Vec<_>, _>>());
        let restored = restored.map_err(|error| match error {
            StoreError::NoSuchMessage(id) => unknown(id),
            other => other.into(),
        })?;
        Ok(restored.into_iter().map(|one| Restored { id: one.placement, folder: one.folder }).collect())
    }

    /// The folders that are here.
    ///
    /// # Errors
    /// An account that is not there.
    pub fn folders(&self, _caller: &Caller, account: Option<&str>) -> Result<Vec<FolderView>, Fault> {
        let reader = self.reader()?;
        let accounts = match account {
            Some(name) => vec![self.account_in_store(&reader, name)?],
            None => reader.accounts()?,
        };
        let mut views = Vec::new();
        for account in accounts {
            let folders = reader.folders(account.id)?.into_iter();
            views.extend(folders.map(|folder| FolderView::new(&account.name, folder)));
        }
        Ok(views)
    }

    /// An account by name, as the store has it. Accounts whose files are gone keep their mail.
    pub(super) fn account_in_store(&self, reader: &Reader, name: &str) -> Result<AccountRow, Fault> {
        if let Some(account) = reader.accounts()?.into_iter().find(|account| account.name == name) {
            return Ok(account);
        }
        let fault = Fault::new(
            ErrorClass::Config,
            format!("read the mail of account {name}"),
            "nothing of it is here",
        );
        Err(match self.config.accounts.contains_key(name) {
            true => fault.hint(format!("`postrider --sync-now {name}` brings its mail in")),
            false => fault.hint("`postrider account list` lists the accounts"),
        })
    }
}

pub(super) fn unknown(id: PlacementId) -> Fault {
    Fault::new(ErrorClass::Config, format!("find message {id}"), "there is none of that id")
        .hint("`postrider mail list` prints ids")
}

fn search_query(query: Query, accounts: Vec<AccountId>, wanted: &MailFilter) -> SearchQuery {
    let filter = Filter {
        accounts: (!accounts.is_empty()).then_some(accounts),
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
