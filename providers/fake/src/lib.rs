//! One strict server in memory, with heads.
//!
//! - [`core`](Server): users, mailboxes and messages; everything deterministic, nothing of any wire.
//! - `imap`: the IMAP head, stricter than real servers: what it would only tolerate is refused and kept in
//!   [`Server::violations`].
//! - [`OtherClient`]: what someone else does to a user's mail, and the plain view of it to compare a store with.
//! - [`groupware`]: contacts, calendars and tasks of users who invite one another, as Google or Exchange has them, under the remote traits.
//! - [`FaultPlan`]: what a server does wrong, and when.
//! - [`FakeDialer`]: wires in memory for the whole program on one thread; [`listen`]: TCP for other people's clients.
//!
//! Rules: no clock, no chance, no task that outlives its owner. It is for tests and the simulation alone; no part of
//! the product depends on it.

mod core;
pub mod faults;
pub mod groupware;
mod imap;
pub mod smtp;
mod wire;

pub use crate::core::{
    Backup, BodyServed, CoreError, FlagChange, Flags, InternalDate, MailboxView, Message, MessageView,
    OtherClient, SYSTEM_FLAGS, Served, Server, ServerConfig,
};
pub use faults::{Action, Bend, Fault, FaultPlan, Then, Trigger, Truce};
pub use imap::{Capabilities, Capability, Outcome, serve};
pub use wire::{FakeDialer, listen};
