//! What mail, contacts and calendars look like from outside, read and written: MIME messages, folder names, search words, mailbox
//! files, vCards, iCalendar, recurrence.
//!
//! | module | holds |
//! |---|---|
//! | [`message`] | one message's bytes → what the store keeps beside them; the key by which it is recognised again |
//! | [`words`] | text → search words, the same way for what is indexed and for what is asked |
//! | [`query`] | the search language |
//! | [`folder_name`] | modified UTF-7, path levels, names that are safe in a file system |
//! | [`compose`] | a message from plain values; an answer to one; a given one made ready to be sent |
//! | [`join_links`] | texts → where an online meeting is joined |
//! | [`recurrence`] | rules by which something recurs → when |
//! | [`zones`] | time zones by their names, and by their clocks |
//! | [`occurrences`] | an activity, and what differs of its series → when it takes place |
//! | [`vcard`] | contacts as vCards, read, changed and written |
//! | [`icalendar`] | appointments and tasks as iCalendar, read, changed and written; invitations found in mail, and written |
//! | [`maildir`], [`mbox`] | the two mailbox formats of an export |
//! | [`display`] | text from outside, made harmless for a terminal |
//!
//! Rules of the crate:
//! - Pure: no I/O of its own, no clock, no randomness, no environment. The same bytes give the same answer.
//! - The raw bytes are the truth and are kept elsewhere. Nothing here rewrites a message that came in; [`compose`] makes those
//!   that go out.
//! - Whatever comes off the wire gets an answer, never a panic; time is linear in the input, and what is taken
//!   from it is capped by constants that stand beside the types.
//! - It knows nothing of accounts, of servers or of the store.

pub mod compose;
pub mod display;
pub mod folder_name;
pub mod icalendar;
pub mod join_links;
pub mod maildir;
pub mod mbox;
pub mod message;
pub mod occurrences;
pub mod query;
pub mod recurrence;
pub mod vcard;
pub mod words;
pub mod zones;
