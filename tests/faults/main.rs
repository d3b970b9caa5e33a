//! What goes wrong, in words: a server at fault at every command, and every refusal that a person meets, by its text.
//!
//! `wire` runs the whole program in one thread on a paused clock against a server that does everything wrong that it can;
//! `said` runs the program itself as a person does, and holds what it says, and with what it ends, to the letter; `secret`
//! searches all that it writes for what nobody may read there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a test fails by panicking, says what it left out, and meets the real machine"
)]

mod said;
mod secret;
mod wire;
