//! What FETCH tells of Gmail's extensions: <https://developers.google.com/gmail/imap/imap-extensions>.
//!
//! Rule: ids are decimal numbers of 64 bits, the same in each folder; the label of the open folder is not among its labels.

use crate::core::{Label, Message};
use crate::imap::message::Header;
use crate::imap::respond::Style;
use crate::imap::session::Session;

/// Ids look as Gmail's do.
const FIRST_ID: u64 = 1_278_455_344_230_334_865;

/// The id of a message or thread as Gmail tells it.
pub(super) fn gmail_id(id: u64) -> u64 {
    FIRST_ID + id
}

impl Session {
    /// The id of the first message of that subject.
    pub(super) fn thread_of(&self, message: &Message) -> u64 {
        let state = self.server.lock();
        let Ok(user) = state.user(self.user()) else { return message.email_id };
        let subject = subject(&message.bytes);
        let all = user.mailboxes.values().flat_map(|mailbox| mailbox.messages.values());
        let same = all.filter(|other| !subject.is_empty() && self::subject(&other.bytes) == subject);
        same.map(|other| other.email_id).chain([message.email_id]).min().unwrap_or(message.email_id)
    }

    /// The labels of a message, without the one of the open folder.
    pub(super) fn write_labels(&self, out: &mut Vec<u8>, message: &Message, style: Style) {
        let state = self.server.lock();
        let open = self.mailbox(&state).map(|mailbox| mailbox.name.clone());
        let labels = state.labels(self.user(), message.email_id);
        let told = labels.into_iter().filter(|(name, _)| Some(name) != open.as_ref());
        for (at, (_, label)) in told.enumerate() {
            if at > 0 {
                out.push(b' ');
            }
            match label {
                Label::System(name) => style.string(out, name.as_bytes()),
                Label::Own(name) => style.mailbox(out, &name),
            }
        }
    }
}

/// The subject without the marks of replies, folded.
fn subject(bytes: &[u8]) -> String {
    let header = Header::read(bytes);
    let field = header.fields.iter().find(|field| field.name.eq_ignore_ascii_case(b"Subject"));
    let raw = field.map(|field| String::from_utf8_lossy(field.raw).to_lowercase()).unwrap_or_default();
    let mut subject = raw.split_once(':').map_or("", |(_, subject)| subject).trim();
    while let Some(rest) = ["re:", "fwd:", "fw:"].iter().find_map(|mark| subject.strip_prefix(mark)) {
        subject = rest.trim_start();
    }
    subject.to_owned()
}
