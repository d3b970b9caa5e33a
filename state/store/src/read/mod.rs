//! Reading: what people, exports and the status ask for. Nothing here can change the store.
//!
//! A reader shows what the caller may see and nothing else: the accounts are bounded before limits and counts are applied
//! (F7.4). Lists are newest first by the server's date. Damage that it meets leaves a mark, whoever reads: nothing more is sent then
//! (F10.2).

mod activities;
mod audit;
mod check;
mod contacts;
mod detail;
mod labels;
mod links;
mod list;
mod records;
mod search;
mod state;

use std::{
    cell::OnceCell,
    fmt,
    path::{Path, PathBuf},
};

use rusqlite::Connection;

pub use activities::{ActivityDoc, ActivityFilter, OwnFacet, StoredActivity};
pub use audit::{AuditFault, AuditFilter, AuditRow, Verified};
pub use check::BodyCheck;
pub use contacts::{
    CompanyRow, ContactDoc, ContactFilter, ContactMatch, ContactRow, Likeness, PlannedContact, StoredContact,
    TiedCompany,
};
pub use detail::{Details, Export, HistoryRow};
pub use labels::LabelRow;
pub use links::ItemOf;
pub use list::{Filter, Mailbox, Row};
pub use records::{RecordRow, Version, Viewer};
pub use search::{Found, SearchQuery};
pub use state::{AccountRow, Counts, FolderRow};

pub(crate) use activities::{
    activities_of_uid, activity, differing, master_of, occurrence_word, own, reminder_words, word,
};
pub(crate) use check::unsound;
pub(crate) use contacts::{companies_named, contact, contacts_like, emails_of, planned_contact};
pub(crate) use labels::{label, labels_named, labels_of};
pub(crate) use records::{record, sees_record, version};
pub(crate) use state::{domain_provider, held, runs, secret, texts};

use crate::{
    Result,
    file::{Pool, Pooled, SEARCH_FILE, STORE_FILE, damage},
};

/// A reading connection.
pub struct Reader {
    pub(crate) conn: Pooled,
    /// The search index, from the first search on.
    search: OnceCell<Connection>,
    search_path: PathBuf,
    dir: PathBuf,
}

impl Reader {
    pub(crate) fn new(dir: &Path, pool: &Pool) -> Result<Self> {
        let conn = damage::noting(dir, pool.take(&dir.join(STORE_FILE)))?;
        let search_path = dir.join(SEARCH_FILE);
        Ok(Self { conn, search: OnceCell::new(), search_path, dir: dir.to_owned() })
    }

    /// Reads. All that others call goes through here.
    pub(crate) fn noting<R>(&self, read: impl FnOnce() -> Result<R>) -> Result<R> {
        damage::noting(&self.dir, read())
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}
