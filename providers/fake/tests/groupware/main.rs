//! Contacts, calendars and tasks on the fake server: the suite that every provider passes, in both flavours; that the suite notices what is
//! broken; and what the fake refuses that a real server might let pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod bent;
mod bent_calendars;
mod contract;
mod faults;
mod harness;
mod honesty;
mod mirror;
mod strictness;
