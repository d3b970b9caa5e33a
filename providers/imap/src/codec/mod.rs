//! From octets to typed responses and from commands to octets.
//!
//! | module | holds |
//! |---|---|
//! | `stream` | buffered octets in both directions, time-outs, COMPRESS=DEFLATE |
//! | `reader` | one response: its text and its literals, bounded |
//! | `value` | text and literals → atoms, strings, lists |
//! | `response` | which response it is |
//! | `status`, `fetch`, `listing`, `sets` | typed views of each kind |
//! | `command` | commands, quoted or with literals |
//! | `date` | INTERNALDATE and search dates |
//!
//! Rules: whatever a server sends gets a value or a [`value::Malformed`], never a panic; unknown data is no error; nothing
//! grows beyond [`postrider_net::Limits`], all counted after decompression.

pub(crate) mod command;
pub(crate) mod compression;
pub(crate) mod date;
pub(crate) mod fetch;
pub(crate) mod listing;
pub(crate) mod reader;
pub(crate) mod response;
pub(crate) mod sets;
pub(crate) mod status;
pub(crate) mod stream;
pub(crate) mod value;

#[cfg(test)]
mod tests;
