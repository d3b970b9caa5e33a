//! IMAP4rev1 (RFC 3501) and its extensions below the traits of [`postrider_remote`]: the mail of one account, read
//! ([`postrider_remote::MailRemote`]), changed ([`postrider_remote::MailWriter`]) and watched ([`postrider_remote::MailWatcher`]).
//!
//! | module | holds |
//! |---|---|
//! | `codec` | octets ↔ responses and commands |
//! | `connection` | one connection: greeting, STARTTLS, login, extensions, flights of commands |
//! | `pool` | the account's connections |
//! | `folders`, `select`, `search`, `flag_list`, `changes`, `fetch` | one operation each |
//! | `write` | changes, one operation a file |
//! | `watch` | IDLE and NOTIFY, each watch on connections of its own |
//! | `name` | a folder's names: wire, key, shown |
//! | `fault` | every refusal and failure as a classed fault |
//! | `remote`, `writer` | [`ImapRemote`], which puts them together |
//!
//! Rules of the crate:
//! - **No refusal and no missing answer reads as emptiness** (I2): each tagged status is looked at, listings are compared with
//!   the number of messages that the server tells, and what does not fit is a fault.
//! - **A cursor is the state at the SELECT** (I3), whatever is told later.
//! - **Reading writes nothing**: folders are opened by EXAMINE, messages read by BODY.PEEK.
//! - **No write is sent twice** (I4): what may have arrived is reported as such, for the caller to look up.
//! - **Memory is bounded**: a line by [`postrider_net::Limits::line`], a message by its cap, one message at a time.
//! - No task is spawned; dropping a call closes its connection.
//! - Passwords and tokens are exposed in `connection::login` alone, and no login is traced (I11).
//!
//! # Why a codec of its own
//! The libraries' parsers end the connection on lines that real servers send (NAMESPACE, ESEARCH, a SEARCH with MODSEQ, unknown
//! data), read `VANISHED 9:4` as nothing, hold whole messages twice, and set no bound to a line. What a reader of mail needs
//! of the grammar is small: text with literals, taken apart into atoms, strings and lists. That is what `codec` does, and
//! whatever it does not know it passes over.
//!
//! # Extensions
//! CONDSTORE and QRESYNC (RFC 7162), ESEARCH (RFC 4731), LIST-EXTENDED and LIST-STATUS (RFC 5258, RFC 5819), SPECIAL-USE (RFC 6154),
//! UIDPLUS (RFC 4315), MOVE (RFC 6851), IDLE (RFC 2177), NOTIFY (RFC 5465), APPENDLIMIT (RFC 7889), BINARY (RFC 3516) for APPEND,
//! OBJECTID (RFC 8474), ENABLE (RFC 5161), UTF8=ACCEPT (RFC 6855), NAMESPACE (RFC 2342), ID (RFC 2971), UNSELECT (RFC 3691),
//! LITERAL+ and LITERAL- (RFC 7888), SASL-IR (RFC 4959), COMPRESS=DEFLATE (RFC 4978), response codes (RFC 5530). All of them are optional.

mod changes;
mod codec;
mod connection;
mod fault;
mod fetch;
mod flag_list;
mod flag_rows;
mod folders;
mod name;
mod pool;
mod remote;
mod search;
mod select;
mod settings;
mod watch;
mod write;
mod writer;

#[cfg(test)]
mod scripted;

pub use remote::{ImapRemote, Trial};
pub use settings::{ClientName, ImapSettings};
