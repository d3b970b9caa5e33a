//! What may be nowhere: a password in anything that is written, a character that a terminal obeys in anything that is shown,
//! and the words of people in an ordinary log.

mod harmless;
mod kept;
mod listener;
mod password;
