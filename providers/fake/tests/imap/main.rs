//! The IMAP head as a client meets it: transcripts, faults and wires.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod access;
mod changing;
mod faults;
mod fetching;
mod gmail;
mod mailboxes;
mod model;
mod notify;
mod searching;
mod selecting;
mod strictness;
mod transcript;
mod updates;
mod wires;
