//! Appointments and tasks of several users kept in step: the real service and store, and the strict fake as their servers.
//!
//! | file | holds |
//! |---|---|
//! | `town` | a home with several users and accounts, their servers, and runs |
//! | `hands` | what people do on both sides, and what they find there |
//! | `sight` | what the store has, as people see it |
//! | `alone` | what one user has: in and out, both sides edited, deletions, tasks, what waits |
//! | `together` | one meeting in several accounts ("One meeting", rules 1 to 12), and who hears of it |
//! | `series` | series and the times that differ from them |
//! | `lost` | answers that are lost, deaths at every step |
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_macros,
    reason = "a test fails by panicking, and says how many deaths it saw"
)]

mod alone;
mod hands;
#[path = "../items/life.rs"]
mod life;
mod lost;
mod series;
mod sight;
mod together;
mod town;
