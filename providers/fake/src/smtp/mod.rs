//! The SMTP head: one strict submission server in memory, for every client that can speak to a stream.
//!
//! A line goes through one file after the other: `wire` reads it as it came, `command` understands it, `session` says
//! whether it may be given now and does it, `content` judges what came between DATA and the dot, and `connection` alone
//! waits. [`SmtpServer`] holds what outlives a connection: who may log in, which messages were accepted, what clients did
//! wrong. It can put what it accepts into the mailboxes of a [`crate::Server`], and file sent mail itself as some
//! providers do.
//!
//! Rules: stricter than real servers. What those would let pass (a bare LF, a command sent too early, a Bcc field) is
//! kept in [`SmtpServer::violations`]. No clock, no chance, no TLS: behind STARTTLS there is nothing, it is offered only
//! to be broken by a fault.

mod command;
mod connection;
mod content;
mod dialer;
mod faults;
mod server;
mod session;
mod wire;

pub use connection::{SmtpOutcome, serve};
pub use dialer::SmtpDialer;
pub use faults::{SmtpAction, SmtpPlan};
pub use server::{Accepted, SmtpConfig, SmtpServer};

#[cfg(test)]
mod tests;
