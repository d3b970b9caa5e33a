//! What tests, benchmarks and the demo stand on: real mail servers of their own, other people's
//! clients to compare with, and mail to put in.
//!
//! Rules of this crate:
//!
//! - A server is private: it listens on loopback, on ports that the system handed out, keeps all
//!   that it has below one temporary directory, and ends with the value that stands for it, even when
//!   the process that holds it is killed ([`leash`]).
//! - Two runs at once do not meet: no fixed port, no fixed path, no process ended but our own.
//! - What is needed and missing is an error that names it, never a silent skip. Only data named by a
//!   `POSTRIDER_*` variable may be absent ([`corpus`]).
//! - Nothing here is built on Postrider's own code, so that a mistake there cannot hide here.
//!
//! | module | holds |
//! |---|---|
//! | [`dovecot`] | a private Dovecot: listeners, TLS, capabilities withheld, Maildir filled directly |
//! | [`postfix`] | a private Postfix: submission, logins asked of that Dovecot, mail put where a test reads it |
//! | [`oidc`] | an authorization server that is not ours, and a person with a browser before it |
//! | [`certs`] | a certificate authority and server certificates, good and bad |
//! | [`imap_client`] | a small client by which tests change the server's side |
//! | [`imaplib`] | what Python's imaplib reads: the reader that exports are compared with |
//! | [`mbsync`] | isync's mbsync against the same server: the yardstick of the benchmarks |
//! | [`raw_read`] | reads a folder's bytes and drops them: the floor of the benchmarks |
//! | [`proxy`] | a wire with latency, counters, cuts and silence |
//! | [`corpus`], [`nasty`] | mail: real, generated, and as bad as a server may hold |
//! | [`daemon`] | the daemon, as its service manager sees it |
//! | [`python`] | packages of PyPI, in versions that are named |
//! | [`schemathesis`] | an API asked by a program that has read its description |
//! | [`home`] | a person's home with a Postrider configuration, and the program run in it |
//! | [`programs`] | where installed programs are |
#![allow(
    clippy::disallowed_methods,
    reason = "tests meet the real clock, the real environment and real threads; the product's seams start above"
)]

pub mod certs;
pub mod corpus;
pub mod daemon;
pub mod dovecot;
mod generated;
pub mod home;
pub mod imap_client;
pub mod imaplib;
pub mod leash;
pub mod mbsync;
pub mod nasty;
pub mod oidc;
pub mod ports;
pub mod postfix;
pub mod programs;
pub mod proxy;
pub mod python;
pub mod raw_read;
pub mod schemathesis;
mod utf7;

pub use certs::{CertPair, Certs};
pub use daemon::Daemon;
pub use dovecot::{Delivery, Dovecot, Storage};
pub use home::Home;
pub use imap_client::ImapClient;
pub use oidc::Oidc;
pub use postfix::Postfix;
pub use proxy::Proxy;
