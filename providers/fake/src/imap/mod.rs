//! The IMAP head: one strict server for every client that can speak to a stream.
//!
//! A command goes through one file after the other: `raw` reads it as it came, `parse` understands it, `law` says
//! whether it may be given now, `session` and `run` do it on the core, `updates` tells what happened meanwhile, and
//! `connection` alone waits. What a client did wrong is answered with BAD and kept in [`crate::Server::violations`].

mod capability;
mod command;
mod connection;
mod law;
mod message;
mod parse;
mod raw;
mod respond;
mod run;
mod session;
mod sets;
mod sprinkle;
mod stream;
mod updates;
mod utf7;

pub use capability::{Capabilities, Capability};
pub use connection::{Outcome, serve};
