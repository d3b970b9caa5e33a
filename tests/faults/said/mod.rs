//! What the program says when something is wrong, word for word, and with what it ends: each message names action, object and
//! cause, and the hint says what to do.

mod configuration;
mod disk;
mod login;
mod place;
pub(crate) mod scripted;
mod teller;
mod tls;
mod wire;
