//! The local store: SQLite, its schema, its search index, and the only SQL of Postrider.
//!
//! | module | holds |
//! |---|---|
//! | `store`, `file` | opening: place, owner, modes, the syncer's lock, schema and upgrade, backup and restore |
//! | `executor` | the seam through which jobs reach the one writer |
//! | `write` | what one transaction can do: [`Tx`], a file for each matter |
//! | `body` | a message's bytes, compressed and checked |
//! | `read` | what people and exports ask for: [`Reader`] |
//! | `index` | the full-text index behind the load: [`Indexer`] |
//! | `error` | what can go wrong, in words |
//!
//! Three files: `store.db` is the truth, `search.db` is derived from it and can be deleted, `store.lock` is held by the one
//! syncer. `store.damaged` is there where damage was found. Rules that are kept here:
//! - **I1** Nothing is lost: a deletion is a tombstone that keeps everything but its UID; what a change overwrites is in
//!   `history`. Only [`Tx::purge_expired`] erases.
//! - **I3** What belongs together is one transaction; a cursor is set in the one that stores what it covers.
//! - **I8** A transaction that changed nothing is rolled back: it leaves no octet on the disk.
//! - **I10** One syncer: [`SyncLock`].
//! - Ids that people see are never used again, and survive moves ([`Tx::adopt`]) and a new UIDVALIDITY ([`Tx::renumber`]).
//!
//! It decides nothing: which placement vanished or moved, what is held, what wins, is told to it. It reads no clock and
//! draws no randomness; every time and every id that is not a row's number is handed in. It prints nothing.

mod body;
mod error;
mod executor;
mod file;
mod index;
mod read;
mod store;
mod write;

pub use body::{Body, compress};
pub use error::{Result, StoreError};
pub use executor::{Executor, InlineExecutor, Job, ThreadExecutor, run};
pub use file::{Away, Compacted, Manifest, Progress, SyncLock};
pub use index::{Indexer, Words};
pub use read::{
    AccountRow, ActivityDoc, ActivityFilter, AuditFault, AuditFilter, AuditRow, BodyCheck, CompanyRow,
    ContactDoc, ContactFilter, ContactMatch, ContactRow, Counts, Details, Export, Filter, FolderRow, Found,
    HistoryRow, ItemOf, LabelRow, Likeness, Mailbox, OwnFacet, PlannedContact, Reader, RecordRow, Row,
    SearchQuery, StoredActivity, StoredContact, TiedCompany, Verified, Version, Viewer,
};
pub use store::{Options, Store};
pub use write::{
    About, ApiToken, AuditEntry, Base, ChangedGroups, Collection, Context, Discard, Envelope, Expired,
    Filing, FlagUpdate, GoneThere, Held, HeldId, HeldItems, Incoming, Inserted, IntentRow, ItemCollection,
    ItemHeld, ItemIntentRow, Landed, Link, LinkedItem, ListedLink, Matchable, Named, NewActivity,
    NewApiToken, NewCollection, NewItemCollection, NewItemHeld, NewLabel, NewLink, NewOutgoing, NewTokens,
    Origin, Outcome, Outgoing, Placement, RecordChange, RefusedRecipient, Renumbering, Restored, RunRow,
    SENT_ELSEWHERE, SealedRow, SealedTokens, Seat, Secret, Side, Sought, Superseded, Tx, Unsent, Writer,
};
