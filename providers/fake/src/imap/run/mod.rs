//! What each command does, one file a kind of command.
//!
//! Rule: a command is done at once, under one hold of the server's lock where it changes anything; only FETCH is
//! written message by message, so that a large mailbox needs no large memory.

mod access;
mod fetch;
mod gmail;
mod list;
mod mailbox;
mod notify;
mod search;
mod select;
mod store;
mod transfer;

pub(crate) use access::Mechanism;
pub(crate) use fetch::FetchJob;
pub(crate) use notify::Notified;

use super::session::Tagged;
use crate::core::CoreError;

/// The answer to what the server's state refused, with the codes of RFC 5530.
fn refused(error: &CoreError) -> Tagged {
    let code = match error {
        CoreError::NoSuchUser(_) | CoreError::NoSuchMailbox(_) | CoreError::NoSuchMessage(_) => "NONEXISTENT",
        CoreError::AlreadyExists(_) => "ALREADYEXISTS",
        CoreError::Full(_) => "LIMIT",
        CoreError::OverQuota => "OVERQUOTA",
        CoreError::NoSelect(_) | CoreError::BadName(_) | CoreError::HasChildren(_) | CoreError::Inbox => {
            "CANNOT"
        }
    };
    // The text must not carry a mailbox name, which may hold anything.
    let reason = match error {
        CoreError::NoSuchUser(_) | CoreError::NoSuchMailbox(_) => "no such mailbox",
        CoreError::NoSuchMessage(_) => "no such message",
        CoreError::AlreadyExists(_) => "mailbox already exists",
        CoreError::NoSelect(_) => "mailbox cannot be selected",
        CoreError::BadName(_) => "invalid mailbox name",
        CoreError::HasChildren(_) => "mailbox has children",
        CoreError::Inbox => "INBOX cannot be deleted",
        CoreError::Full(_) => "no UIDs left",
        CoreError::OverQuota => "the mailbox is full",
    };
    Tagged::no(format!("[{code}] {reason}"))
}
