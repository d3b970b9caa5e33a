//! The API as its callers meet it: over its socket and its port, answered by the program's own server on a real store.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "tests: a surprise is a failure; they meet the real machine"
)]

mod answers;
mod at_once;
mod described;
mod refusals;
mod scene;
mod schema;
mod tokens;
