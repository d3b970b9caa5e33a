//! The suite that every provider passes: what `postrider-remote` promises, shown on a server that another client changes.
//!
//! | module | holds |
//! |---|---|
//! | `harness` | [`MailHarness`]: what a provider's tests bring, the other client among it |
//! | `reading` | one reading of a folder, gathered from its pages |
//! | `mail` | [`mail_suite`]: the cases of reading, each on folders of its own |
//! | `writing` | [`write_suite`]: the cases of changing messages |
//! | `placing` | those of putting messages into folders, looking for them, and of folders |
//! | `watching` | [`watch_suite`]: the cases of a server that tells by itself |
//! | `items` | [`ContactHarness`], [`CalendarHarness`] |
//! | `following` | one reading of an address book, a calendar or a task list |
//! | `contacts`, `keeping` | [`contact_suite`]: contacts read, and changed |
//! | `calendars`, `planning`, `series`, `meetings` | [`calendar_suite`]: activities read and changed, those that recur, those of several people |
//!
//! Rules: it knows no protocol and no server, only the traits; each case makes what it needs and depends on no other; what a
//! server cannot do (restore a backup) the harness says, and the case is then not run for it. It fails by panicking, as a test
//! does: it is for tests alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a suite of tests fails by panicking"
)]

mod calendars;
mod contacts;
mod following;
mod harness;
mod items;
mod keeping;
mod mail;
mod meetings;
mod placing;
mod planning;
mod reading;
mod series;
mod watching;
mod writing;

pub use calendars::calendar_suite;
pub use contacts::contact_suite;
pub use harness::{Abilities, Deed, Letter, MailHarness, WriteHarness};
pub use items::{
    CalendarHarness, ContactHarness, Deed as ActivityDeed, Ill, ItemHarness, Mailed, MailedWhat, Who,
};
pub use mail::mail_suite;
pub use watching::{Tells, watch_suite};
pub use writing::write_suite;
