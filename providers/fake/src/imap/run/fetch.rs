//! FETCH and UID FETCH.
//!
//! Rules: what is fetched is what was there when the command came, whatever happens while it is written; a message
//! sequence number beyond the mailbox is the client's mistake, a UID that is not there is none (RFC 3501 section
//! 6.4.8).

use crate::core::{BodyServed, FlagChange, Flags, Message};
use crate::faults::Bend;
use crate::imap::command::{Fetch, FetchItem, Section, SectionText};
use crate::imap::message::{Header, Inner, Part, envelope, structure};
use crate::imap::respond::Style;
use crate::imap::session::{Next, Session, Tagged};
use crate::imap::sets::{Ranges, SequenceSet};

use super::gmail::gmail_id;
use super::select::vanished;

/// A FETCH under way.
#[derive(Debug)]
pub(crate) struct FetchJob {
    pub messages: Vec<Message>,
    items: Vec<FetchItem>,
    style: Style,
    /// A message that was asked for by its number is gone.
    missing: bool,
}

impl FetchJob {
    /// What to say when all is written.
    pub fn verdict(&self) -> Tagged {
        // RFC 2180 section 4.1.2
        if self.missing { Tagged::no("[EXPUNGEISSUED] some messages are gone") } else { Tagged::ok("done") }
    }
}

impl Session {
    /// The UIDs in the client's view that a set means; an error where it names a number beyond the view.
    pub(in crate::imap) fn chosen(&self, set: &SequenceSet, uid: bool) -> Result<Vec<u32>, Tagged> {
        let view: &[u32] = self.selected.as_ref().map_or(&[], |selected| &selected.view);
        if uid {
            let meant = set.resolve(view.last().copied().unwrap_or(0));
            return Ok(view.iter().copied().filter(|uid| meant.contains(*uid)).collect());
        }
        let count = u32::try_from(view.len()).unwrap_or(u32::MAX);
        let meant = set.resolve(count);
        if meant.is_empty() || meant.last().is_some_and(|last| last > count) {
            self.violated(&format!("a message sequence number beyond the {count} messages"));
            return Err(Tagged::bad("no such message sequence number"));
        }
        Ok(view.iter().zip(1..).filter(|(_, number)| meant.contains(*number)).map(|(uid, _)| *uid).collect())
    }

    /// Begins a FETCH: marks what it marks as seen, tells what vanished, and takes what is to be written.
    pub(in crate::imap) fn fetch(&mut self, fetch: Fetch) -> Next {
        let uids = match self.chosen(&fetch.set, fetch.uid) {
            Ok(uids) => uids,
            Err(tagged) => return tagged.into(),
        };
        self.enabled.condstore |= fetch.changed_since.is_some() || fetch.items.contains(&FetchItem::ModSeq);
        let items = self.completed_items(&fetch);
        if fetch.vanished {
            let earlier = self.vanished_since(&fetch);
            self.tell_vanished_earlier(&earlier);
        }
        let mut found = self.found(&uids, fetch.changed_since);
        let missing = !fetch.uid && found.len() < uids.len() && fetch.changed_since.is_none();
        if items.iter().any(marks_seen) {
            self.mark_seen(&mut found);
        }
        if self.bent(Bend::Empty) {
            found.clear();
        }
        if items.iter().any(is_whole_body) {
            self.note_bodies(&found);
        }
        let style =
            Style { utf8: self.enabled.utf8, literals: self.bent(Bend::Literals), nil: self.bent(Bend::Nil) };
        Next::Fetch(FetchJob { messages: found, items, style, missing })
    }

    fn note_bodies(&self, found: &[Message]) {
        let mut state = self.server.lock();
        let Some((name, uid_validity)) =
            self.mailbox(&state).map(|mailbox| (mailbox.name.clone(), mailbox.uid_validity))
        else {
            return;
        };
        let bodies = found.iter().map(|message| BodyServed {
            user: self.user().to_owned(),
            mailbox: name.clone(),
            uid_validity,
            uid: message.uid,
        });
        state.bodies.extend(bodies);
    }

    fn found(&self, uids: &[u32], changed_since: Option<u64>) -> Vec<Message> {
        let state = self.server.lock();
        let Some(mailbox) = self.mailbox(&state) else { return Vec::new() };
        let found = uids.iter().filter_map(|uid| mailbox.messages.get(uid));
        found.filter(|message| changed_since.is_none_or(|since| message.mod_seq > since)).cloned().collect()
    }

    /// Adds what comes unasked: the UID to UID FETCH, the mod-sequence to CHANGEDSINCE, the flags that reading sets.
    fn completed_items(&self, fetch: &Fetch) -> Vec<FetchItem> {
        let mut items = fetch.items.clone();
        let mut add = |item: FetchItem, wanted: bool| {
            if wanted && !items.contains(&item) {
                items.push(item);
            }
        };
        add(FetchItem::Uid, fetch.uid);
        add(FetchItem::ModSeq, fetch.changed_since.is_some());
        let writable = self.selected.as_ref().is_some_and(|selected| !selected.read_only);
        add(FetchItem::Flags, writable && fetch.items.iter().any(marks_seen));
        items
    }

    fn vanished_since(&self, fetch: &Fetch) -> Ranges {
        let state = self.server.lock();
        let Some(mailbox) = self.mailbox(&state) else { return Ranges::default() };
        let known = fetch.set.resolve(mailbox.uid_next.saturating_sub(1));
        vanished(mailbox, &known, fetch.changed_since.unwrap_or_default())
    }

    fn mark_seen(&mut self, found: &mut [Message]) {
        let Some(selected) = self.selected.as_ref().filter(|selected| !selected.read_only) else { return };
        let seen = Flags::of(["\\Seen"]);
        self.server.change(|state| {
            let stamp = state.stamp();
            let Some(mailbox) = state.mailbox_by_id_mut(self.user(), selected.mailbox) else { return };
            for message in found {
                mailbox.change_flags(message.uid, FlagChange::Add, &seen, stamp);
                if let Some(after) = mailbox.messages.get(&message.uid) {
                    message.clone_from(after);
                }
            }
        });
    }

    /// Writes one message of a FETCH.
    pub(in crate::imap) fn fetch_one(&mut self, job: &FetchJob, message: &Message) {
        let Some(selected) = &mut self.selected else { return };
        let Some(number) = selected.number_of(message.uid) else { return };
        if job.items.contains(&FetchItem::Flags) {
            selected.told.insert(message.uid, message.touched);
        }
        let mut out = format!("* {number} FETCH (").into_bytes();
        for (at, item) in job.items.iter().enumerate() {
            if at > 0 {
                out.push(b' ');
            }
            self.item(&mut out, item, message, job.style);
        }
        out.extend_from_slice(b")\r\n");
        self.out.append(&mut out);
    }

    fn item(&self, out: &mut Vec<u8>, item: &FetchItem, message: &Message, style: Style) {
        let bytes = &message.bytes;
        let mut put = |text: String| out.extend_from_slice(text.as_bytes());
        match item {
            FetchItem::Uid => put(format!("UID {}", message.uid)),
            FetchItem::Flags => put(format!("FLAGS ({})", self.flags_of(message))),
            FetchItem::InternalDate => {
                put(format!("INTERNALDATE \"{}\"", message.internal_date.format("%e-%b-%Y %H:%M:%S %z")));
            }
            FetchItem::Size => put(format!("RFC822.SIZE {}", bytes.len())),
            FetchItem::ModSeq => put(format!("MODSEQ ({})", self.mod_seq(message.mod_seq))),
            FetchItem::EmailId => put(format!("EMAILID (M{})", message.email_id)),
            FetchItem::ThreadId => put("THREADID NIL".to_owned()),
            FetchItem::GmMsgId => put(format!("X-GM-MSGID {}", gmail_id(message.email_id))),
            FetchItem::GmThrId => put(format!("X-GM-THRID {}", gmail_id(self.thread_of(message)))),
            FetchItem::GmLabels => {
                put("X-GM-LABELS (".to_owned());
                self.write_labels(out, message, style);
                out.push(b')');
            }
            FetchItem::Rfc822 => {
                put("RFC822 ".to_owned());
                style.body(out, bytes);
            }
            FetchItem::Rfc822Header => {
                put("RFC822.HEADER ".to_owned());
                style.body(out, head(bytes));
            }
            FetchItem::Rfc822Text => {
                put("RFC822.TEXT ".to_owned());
                style.body(out, bytes.get(head(bytes).len()..).unwrap_or_default());
            }
            FetchItem::Envelope => {
                put("ENVELOPE ".to_owned());
                envelope(out, &Header::read(bytes), style);
            }
            FetchItem::Body => {
                put("BODY ".to_owned());
                structure(bytes).write(out, bytes, style, false);
            }
            FetchItem::BodyStructure => {
                put("BODYSTRUCTURE ".to_owned());
                structure(bytes).write(out, bytes, style, true);
            }
            FetchItem::Section { section, partial, .. } => section_item(out, section, *partial, bytes, style),
        }
    }
}

fn marks_seen(item: &FetchItem) -> bool {
    matches!(item, FetchItem::Rfc822 | FetchItem::Rfc822Text | FetchItem::Section { peek: false, .. })
}

fn is_whole_body(item: &FetchItem) -> bool {
    let whole = |section: &Section| section.part.is_empty() && section.text == SectionText::All;
    matches!(item, FetchItem::Rfc822) || matches!(item, FetchItem::Section { section, .. } if whole(section))
}

/// The header with its empty line.
fn head(bytes: &[u8]) -> &[u8] {
    bytes.get(..Header::read(bytes).body_at).unwrap_or(bytes)
}

fn section_item(
    out: &mut Vec<u8>,
    section: &Section,
    partial: Option<(u32, u32)>,
    bytes: &[u8],
    style: Style,
) {
    out.extend_from_slice(b"BODY[");
    write_section(out, section);
    out.push(b']');
    if let Some((offset, _)) = partial {
        out.extend_from_slice(format!("<{offset}>").as_bytes());
    }
    out.push(b' ');
    match content(section, bytes) {
        Some(whole) => style.body(out, window(&whole, partial)),
        // A part that is not there (RFC 3501 leaves it open; servers say NIL).
        None => out.extend_from_slice(b"NIL"),
    }
}

fn window(whole: &[u8], partial: Option<(u32, u32)>) -> &[u8] {
    let Some((offset, length)) = partial else { return whole };
    let from = usize::try_from(offset).unwrap_or(usize::MAX).min(whole.len());
    let to = from.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(whole.len());
    whole.get(from..to).unwrap_or_default()
}

fn write_section(out: &mut Vec<u8>, section: &Section) {
    let numbers: Vec<String> = section.part.iter().map(u32::to_string).collect();
    let mut words = Vec::new();
    if !numbers.is_empty() {
        words.push(numbers.join("."));
    }
    let name = match &section.text {
        SectionText::All => None,
        SectionText::Header => Some("HEADER"),
        SectionText::HeaderFields { not: false, .. } => Some("HEADER.FIELDS"),
        SectionText::HeaderFields { not: true, .. } => Some("HEADER.FIELDS.NOT"),
        SectionText::Text => Some("TEXT"),
        SectionText::Mime => Some("MIME"),
    };
    words.extend(name.map(str::to_owned));
    out.extend_from_slice(words.join(".").as_bytes());
    if let SectionText::HeaderFields { names, .. } = &section.text {
        out.extend_from_slice(b" (");
        for (at, name) in names.iter().enumerate() {
            if at > 0 {
                out.push(b' ');
            }
            Style::default().string(out, name);
        }
        out.push(b')');
    }
}

/// The octets of a section; those of `HEADER.FIELDS` are put together, all others are a piece of the message.
fn content(section: &Section, bytes: &[u8]) -> Option<Vec<u8>> {
    if section.part.is_empty() && section.text == SectionText::All {
        return Some(bytes.to_vec());
    }
    if section.part.is_empty() {
        return Some(text_of(&section.text, bytes));
    }
    let whole = structure(bytes);
    let part = whole.numbered(&section.part)?;
    let slice = |range: &std::ops::Range<usize>| bytes.get(range.clone()).map(<[u8]>::to_vec);
    match (&section.text, &part.inner) {
        (SectionText::All, _) => slice(&part.body),
        (SectionText::Mime, _) => slice(&part.header),
        (text, Inner::Message(message)) => {
            let Part { header, body, .. } = message.as_ref();
            Some(text_of(text, bytes.get(header.start..body.end)?))
        }
        _ => None,
    }
}

fn text_of(text: &SectionText, message: &[u8]) -> Vec<u8> {
    let header = Header::read(message);
    match text {
        SectionText::Text => message.get(header.body_at..).unwrap_or_default().to_vec(),
        SectionText::HeaderFields { not, names } => {
            let named = |name: &[u8]| names.iter().any(|wanted| wanted.eq_ignore_ascii_case(name));
            let kept = header.fields.iter().filter(|field| named(field.name) != *not);
            let mut out: Vec<u8> = kept.flat_map(|field| field.raw.iter().copied()).collect();
            out.extend_from_slice(b"\r\n");
            out
        }
        _ => head(message).to_vec(),
    }
}
