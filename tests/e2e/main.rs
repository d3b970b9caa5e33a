//! The built program against a real Dovecot: what a person types, what a script reads, what the server holds.
//!
//! Nothing of Postrider's own code judges here: what should be in the store is told by Python's imaplib, what is in it by Python's
//! sqlite3, mailbox and plain files. Every test has a server, a wire and a home of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "tests: a surprise is a failure; they meet the real clock and say by name what they skip"
)]

mod in_step;
mod scene;
mod stored;

mod accounts;
mod activities;
mod both_ways;
mod changes;
mod commands;
mod contacts;
mod daemon;
mod exports;
mod folders;
mod guard;
mod invitations;
mod killed;
mod killed_both_ways;
mod killed_sending;
mod moments;
mod oauth;
mod rights;
mod searching;
mod selection;
mod sending;
mod store_life;
mod watching;
mod window;
