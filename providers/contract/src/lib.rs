//! The suite that every provider passes: what `postrider-remote` promises, shown on a server that another client changes.
//!
//! | module | holds |
//! |---|---|
//! | `harness` | [`MailHarness`]: what a provider's tests bring, the other client among it |
//! | `reading` | one reading of a folder, gathered from its pages |
//! | `mail` | [`mail_suite`]: the cases, each on folders of its own |
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

mod harness;
mod mail;
mod reading;

pub use harness::{Letter, MailHarness};
pub use mail::mail_suite;
