//! Who may do what (F7), held against the use cases: every caller, every doing, and what is noted of it.
//!
//! No server is asked: what the rights let through is a change in the store, or a look into it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a test fails by panicking"
)]

mod activities;
mod house;
mod matrix;
mod records;

mod beside_a_daemon;
mod grants;
mod log;
mod looks;
mod service;
mod sharing;
