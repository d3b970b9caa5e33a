//! HTTP/1.1, one request on one connection: asked over the [`Dialer`](crate::Dialer) ([`HttpClient`]) or over a connection that is
//! open already ([`ask_over`]), answered at once ([`answer_one`]) or by whoever reads its body ([`serve_one`]).
//!
//! | module | holds |
//! |---|---|
//! | `client` | the client, with its limits and time-outs |
//! | `target` | which URLs may be asked at all |
//! | `status` | what a status and its `Retry-After` say about trying again |
//! | `server` | one request answered, for the redirect of a consent |
//! | `serve` | one request answered, for the local API |
//!
//! Never follows a redirect, never asks a proxy, never decompresses, keeps no connection: the caller sees what the server said,
//! and a body cannot grow beyond its limit (design, "Hostile input"). No header and no body is ever traced (I11).

mod client;
mod serve;
mod server;
mod status;
mod target;

#[cfg(test)]
mod tests;

pub use client::{HttpClient, HttpLimits, ask_over};
pub use serve::{BodyRefusal, RequestBody, ServeLimits, serve_one};
pub use server::{AnswerLimits, answer_one};
pub use status::{passing_fault, retry_after_ms};
pub use target::check_url;
