//! Killed at every step: a run that dies at its first, second … last job of the store, and at octets on the wire, is followed
//! by one that is left alone; then the store has to be what it is without a death.
//!
//! It is the whole program over a fake server, so that a death is cheap; a few hundred on real ones are the end-to-end suite's.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_macros,
    reason = "a test fails by panicking, and says how many deaths it saw"
)]

mod both_ways;
mod deaths;
mod first_load;
mod scene;
mod second_run;
mod sending;
mod story;
