//! What other programs may ask, and this program's own command line where a daemon holds the store (F6.3, F6.6).
//!
//! Each operation is defined once, as a type that is its own input ([`Operation`]): the command line performs it on the store or sends
//! it to the daemon, the server reads it from a request and performs it, and the description ([`describe`]) is made of the same types.
//!
//! | module | holds |
//! |---|---|
//! | `operation`, `operations` | what an operation is; all of them, one file a noun |
//! | `route` | the list of them, by method and path |
//! | `openapi` | their description (OpenAPI 3.1) |
//! | `doors` | where the daemon is asked: a Unix socket, a port of this machine |
//! | `who` | in whose name a request is made |
//! | `gate` | what no request may have |
//! | `server` | requests answered, on a thread of their own |
//! | `metrics` | numbers for Prometheus |
//! | `refusal` | what is not answered: status and words |
//! | `client` | the daemon asked |
//!
//! The types here are the API's own, never the store's. No right is decided here: `service` does that, in the caller's name.

mod client;
mod doors;
mod fields;
mod gate;
mod metrics;
mod openapi;
mod operation;
pub mod operations;
mod refusal;
mod route;
mod server;
mod who;

pub use client::{Client, socket_of};
pub use doors::{Door, Doors};
pub use fields::{
    ActivityId, Base64, CompanyId, ContactId, Instant, MessageId, OutboxId, Problem, VersionId,
};
pub use openapi::describe;
pub use operation::{Answer, Media, Method, Octets, Operation};
pub use server::{Answering, serve};

/// The header that names the user in whose name a call is made, where that is not the caller (`--as`, F7.3).
pub(crate) const AS_HEADER: &str = "postrider-as";
