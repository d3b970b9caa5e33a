//! HTTP/1.1 over the [`Dialer`](crate::Dialer): one request on one connection, asked ([`HttpClient`]) or answered
//! ([`answer_one`]).
//!
//! | module | holds |
//! |---|---|
//! | `client` | the client, with its limits and time-outs |
//! | `target` | which URLs may be asked at all |
//! | `status` | what a status and its `Retry-After` say about trying again |
//! | `server` | one request answered, for the redirect of a consent |
//!
//! Never follows a redirect, never asks a proxy, never decompresses, keeps no connection: the caller sees what the server said,
//! and a body cannot grow beyond its limit (design, "Hostile input"). No header and no body is ever traced (I11).

mod client;
mod server;
mod status;
mod target;

#[cfg(test)]
mod tests;

pub use client::{HttpClient, HttpLimits};
pub use server::{AnswerLimits, answer_one};
pub use status::{passing_fault, retry_after_ms};
pub use target::check_url;
