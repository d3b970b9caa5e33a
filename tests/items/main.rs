//! Contacts of one account kept in step: the real service and store, and the strict fake as the server.
//!
//! | file | holds |
//! |---|---|
//! | `house` | a home with one account, its server, and the hands on both sides |
//! | `life` | where the program dies: at a job of the store, at a call of the server |
//! | `groups` | by tag and contact group (F3.2, F3.3) |
//! | `books` | by address books, types and groups (F3.4, F3.5, F3.7) |
//! | `both` | both sides changed (F5.1, F5.2), what one side cannot hold (F3.1), still water (F5.3) |
//! | `keys` | one contact under another key: renamed, merged, moved, in a book that is frozen or gone |
//! | `waiting` | what waits for a person's word (F5.4) |
//! | `lost` | answers that are lost, deaths at every step |
//! | `following` | the daemon: each kind on its own interval (F6.1) |
//! | `telling` | who hears of a person's change to a meeting, and by whom (F4.6) |
//! | `calendars` | calendars made, renamed, chosen; what one account has, exported (F4.5) |
//! | `chance` | both sides by chance, with all that goes wrong |
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_macros,
    reason = "a test fails by panicking, and says how many deaths it saw"
)]

mod books;
mod both;
mod calendars;
mod chance;
mod following;
mod groups;
mod house;
mod keys;
mod life;
mod lost;
mod telling;
mod waiting;
