//! Mailboxes as Gmail has them: labels on messages that are each there once.
//!
//! Rules (<https://developers.google.com/gmail/imap/imap-extensions>, <https://support.google.com/mail/answer/78892>):
//! - A message that has any label, or none, is in All Mail; one in Trash or Spam is in no other mailbox.
//! - A message has one set of flags in all mailboxes; only `\\Deleted` belongs to one of them.
//! - Erased from a label's mailbox, it loses the label; erased from All Mail, it stays; erased from Trash or Spam, it is gone.
//! - A message that is put there again, or copied to where it is, is not there twice.
//!
//! [`State::settle`] brings this about after each change, from the newest change of each message.

use std::collections::{BTreeMap, BTreeSet};

use super::mailbox::{Mailbox, Message, NewMessage};
use super::state::{State, User};
use super::{CoreError, FlagChange, Flags};

/// A label as X-GM-LABELS tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    /// `\\Inbox`
    System(&'static str),
    /// A mailbox's name.
    Own(String),
}

/// What a mailbox is to Gmail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Label,
    AllMail,
    /// Trash or Spam.
    Bin,
}

/// Gmail's own mailboxes, with their special use (RFC 6154).
const OWN: [(&str, &str); 5] = [
    ("[Gmail]/All Mail", "\\All"),
    ("[Gmail]/Trash", "\\Trash"),
    ("[Gmail]/Spam", "\\Junk"),
    ("[Gmail]/Sent Mail", "\\Sent"),
    ("[Gmail]/Drafts", "\\Drafts"),
];

impl Mailbox {
    fn kind(&self) -> Kind {
        let uses = |special: &str| self.special_use.iter().any(|have| have == special);
        if uses("\\All") {
            Kind::AllMail
        } else if uses("\\Trash") || uses("\\Junk") {
            Kind::Bin
        } else {
            Kind::Label
        }
    }

    /// Whether it is All Mail.
    pub fn is_all_mail(&self) -> bool {
        self.kind() == Kind::AllMail
    }

    fn label(&self) -> Option<Label> {
        let uses = |special: &str| self.special_use.iter().any(|have| have == special);
        match self.kind() {
            Kind::AllMail | Kind::Bin => None,
            Kind::Label if self.name == "INBOX" => Some(Label::System("\\Inbox")),
            Kind::Label if uses("\\Sent") => Some(Label::System("\\Sent")),
            Kind::Label if uses("\\Drafts") => Some(Label::System("\\Draft")),
            Kind::Label => Some(Label::Own(self.name.clone())),
        }
    }

    fn holds(&self, email_id: u64) -> Option<&Message> {
        self.messages.values().find(|message| message.email_id == email_id)
    }
}

impl State {
    /// Gives a user Gmail's own mailboxes.
    pub(super) fn furnish_gmail(&mut self, user: &str) -> Result<(), CoreError> {
        for (name, special_use) in OWN {
            self.create(user, name, '/')?;
            let mailbox = self.mailbox_mut(user, name)?;
            mailbox.special_use = vec![special_use.to_owned()];
            mailbox.keeps_all = mailbox.is_all_mail();
        }
        self.mailbox_mut(user, "[Gmail]")?.no_select = true;
        Ok(())
    }

    /// Puts a message into a mailbox; its UID. On Gmail one that is there already is not there twice.
    pub fn put(
        &mut self,
        user: &str,
        mailbox: &str,
        mut content: NewMessage,
        stamp: u64,
    ) -> Result<u32, CoreError> {
        if self.gmail {
            let user = self.user(user)?;
            let mut all = user.mailboxes.values().flat_map(|mailbox| mailbox.messages.values());
            if let Some(same) = all.find(|message| message.bytes == content.bytes) {
                content.email_id = same.email_id;
            }
            let target = user.mailboxes.get(mailbox);
            if let Some(there) = target.and_then(|mailbox| mailbox.holds(content.email_id)) {
                return Ok(there.uid);
            }
        }
        self.mailbox_mut(user, mailbox)?.insert(content, stamp)
    }

    /// The labels of a message, with the mailbox that stands for each.
    pub fn labels(&self, user: &str, email_id: u64) -> Vec<(String, Label)> {
        let Ok(user) = self.user(user) else { return Vec::new() };
        let labelled = user.mailboxes.values().filter(|mailbox| mailbox.holds(email_id).is_some());
        labelled.filter_map(|mailbox| Some((mailbox.name.clone(), mailbox.label()?))).collect()
    }

    /// Brings every mailbox in step with the newest change of each message.
    pub(super) fn settle(&mut self) {
        if !self.gmail {
            return;
        }
        let stamp = self.stamp();
        self.users.values_mut().for_each(|user| settle(user, stamp));
    }
}

/// Where one message is.
struct Place {
    mailbox: String,
    kind: Kind,
    uid: u32,
    added: u64,
    touched: u64,
    flags: Flags,
}

fn settle(user: &mut User, stamp: u64) {
    let mut places: BTreeMap<u64, Vec<Place>> = BTreeMap::new();
    for mailbox in user.mailboxes.values() {
        for message in mailbox.messages.values() {
            places.entry(message.email_id).or_default().push(Place {
                mailbox: mailbox.name.clone(),
                kind: mailbox.kind(),
                uid: message.uid,
                added: message.added,
                touched: message.touched,
                flags: message.flags.clone(),
            });
        }
    }
    for (_, places) in places {
        let kept = settle_places(user, places, stamp);
        settle_flags(user, &kept, stamp);
    }
}

/// In Trash, or in Spam, or elsewhere: where it was put last. And in All Mail wherever it is elsewhere.
fn settle_places(user: &mut User, places: Vec<Place>, stamp: u64) -> Vec<Place> {
    let Some(newest) = places.iter().max_by_key(|place| place.added) else { return places };
    let in_bin = (newest.kind == Kind::Bin).then(|| newest.mailbox.clone());
    let stays = |place: &Place| match &in_bin {
        Some(bin) => place.mailbox == *bin,
        None => place.kind != Kind::Bin,
    };
    let (kept, lost): (Vec<Place>, Vec<Place>) = places.into_iter().partition(stays);
    for place in &lost {
        if let Some(mailbox) = user.mailboxes.get_mut(&place.mailbox) {
            mailbox.remove(&[place.uid], stamp);
        }
    }
    let is_in_all = kept.iter().any(|place| place.kind == Kind::AllMail);
    let copy = kept.first().and_then(|place| user.mailboxes.get(&place.mailbox)?.messages.get(&place.uid));
    if in_bin.is_none()
        && !is_in_all
        && let Some(mut copy) = copy.map(Message::copied)
        && let Some(all) = user.mailboxes.values_mut().find(|mailbox| mailbox.is_all_mail())
    {
        copy.flags.remove("\\Deleted");
        // All UIDs used up: then it cannot be there.
        all.insert(copy, stamp).ok();
    }
    kept
}

fn settle_flags(user: &mut User, places: &[Place], stamp: u64) {
    let Some(newest) = places.iter().max_by_key(|place| place.touched) else { return };
    let shared = |flags: &Flags| -> BTreeSet<String> {
        flags.iter().filter(|flag| *flag != "\\Deleted").map(str::to_owned).collect()
    };
    let truth = shared(&newest.flags);
    for place in places.iter().filter(|place| shared(&place.flags) != truth) {
        let mut flags = Flags::of(&truth);
        if place.flags.contains("\\Deleted") {
            flags.insert("\\Deleted");
        }
        if let Some(mailbox) = user.mailboxes.get_mut(&place.mailbox) {
            mailbox.change_flags(place.uid, FlagChange::Replace, &flags, stamp);
        }
    }
}
