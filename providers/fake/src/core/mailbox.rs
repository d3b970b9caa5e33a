//! One mailbox: its messages, what was expunged from it, and the numbers by which clients keep step.
//!
//! Rules: UIDs and mod-sequences only rise, except where a test asks for a server that breaks this (`restore`,
//! `set_uid_next`); every change carries a stamp that never runs backwards, by which sessions find what they have
//! not yet told their client. It never speaks a protocol.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::flags::{FlagChange, Flags};
use super::{CoreError, InternalDate};

/// One message in one mailbox.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its UID.
    pub uid: u32,
    /// Its flags and keywords.
    pub flags: Flags,
    /// When the server received it.
    pub internal_date: InternalDate,
    /// Its bytes, exactly.
    pub bytes: Arc<[u8]>,
    /// The mod-sequence of its last change (RFC 7162 section 3.1).
    pub mod_seq: u64,
    /// The same for all copies of one content (RFC 8474 section 5.1).
    pub email_id: u64,
    /// The stamp at which it came into this mailbox.
    pub(crate) added: u64,
    /// The stamp of its last change.
    pub(crate) touched: u64,
}

/// One mailbox.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox {
    pub name: String,
    /// Never used again; survives a rename (RFC 8474 section 4).
    pub id: u64,
    pub uid_validity: u32,
    pub uid_next: u32,
    pub highest_mod_seq: u64,
    pub messages: BTreeMap<u32, Message>,
    /// UID to the mod-sequence of its expunge.
    pub tombstones: BTreeMap<u32, u64>,
    /// Expunges up to this mod-sequence are forgotten.
    pub tombstone_floor: u64,
    pub special_use: Vec<String>,
    pub no_select: bool,
    pub read_only: bool,
    /// Nothing can be erased from it.
    pub keeps_all: bool,
    /// Whether PERMANENTFLAGS has `\*`.
    pub keywords_allowed: bool,
    /// Whether the mailbox has no mod-sequences (RFC 7162 section 3.1.2.2).
    pub no_mod_seq: bool,
    /// Changes when sessions on this mailbox can no longer be kept in step and must be closed.
    pub generation: u64,
    pub touched: u64,
    /// Messages from this UID on have been seen by no session yet.
    pub recent_from: u32,
}

/// A copy of a mailbox's content, to which it can be set back.
#[derive(Clone, Debug)]
pub struct Backup(Mailbox);

impl Mailbox {
    pub fn new(name: &str, id: u64, uid_validity: u32, stamp: u64) -> Self {
        Self {
            name: name.to_owned(),
            id,
            uid_validity,
            uid_next: 1,
            highest_mod_seq: 1,
            messages: BTreeMap::new(),
            tombstones: BTreeMap::new(),
            tombstone_floor: 0,
            special_use: Vec::new(),
            no_select: false,
            read_only: false,
            keeps_all: false,
            keywords_allowed: true,
            no_mod_seq: false,
            generation: stamp,
            touched: stamp,
            recent_from: 1,
        }
    }

    fn next_mod_seq(&mut self) -> u64 {
        self.highest_mod_seq = self.highest_mod_seq.saturating_add(1);
        self.highest_mod_seq
    }

    /// Adds a message under the next UID. The mailbox is full when the UIDs are used up.
    pub fn insert(&mut self, content: NewMessage, stamp: u64) -> Result<u32, CoreError> {
        let uid = self.uid_next;
        self.uid_next = uid.checked_add(1).ok_or_else(|| CoreError::Full(self.name.clone()))?;
        let flags = if self.keywords_allowed { content.flags } else { content.flags.without_keywords() };
        let mod_seq = self.next_mod_seq();
        let message = Message {
            uid,
            flags,
            internal_date: content.internal_date,
            bytes: content.bytes,
            mod_seq,
            email_id: content.email_id,
            added: stamp,
            touched: stamp,
        };
        // After a restored backup a UID is given a second time: it lives again.
        self.tombstones.remove(&uid);
        self.messages.insert(uid, message);
        self.touched = stamp;
        Ok(uid)
    }

    /// Changes flags; `None` without such a message, else whether anything changed.
    pub fn change_flags(&mut self, uid: u32, change: FlagChange, named: &Flags, stamp: u64) -> Option<bool> {
        let before = &self.messages.get(&uid)?.flags;
        let mut after = change.apply(before, named);
        if !self.keywords_allowed {
            after = after.without_keywords();
        }
        if after == *before {
            return Some(false);
        }
        let mod_seq = self.next_mod_seq();
        let message = self.messages.get_mut(&uid)?;
        message.flags = after;
        message.mod_seq = mod_seq;
        message.touched = stamp;
        self.touched = stamp;
        Some(true)
    }

    /// Erases these messages; answers those that were there. Gmail's All Mail keeps them.
    pub fn expunge(&mut self, uids: &[u32], stamp: u64) -> Vec<u32> {
        if self.keeps_all { Vec::new() } else { self.remove(uids, stamp) }
    }

    /// Removes these messages under one mod-sequence; answers those that were there.
    pub fn remove(&mut self, uids: &[u32], stamp: u64) -> Vec<u32> {
        let gone: Vec<u32> = uids.iter().copied().filter(|uid| self.messages.remove(uid).is_some()).collect();
        if !gone.is_empty() {
            let mod_seq = self.next_mod_seq();
            self.tombstones.extend(gone.iter().map(|uid| (*uid, mod_seq)));
            self.touched = stamp;
        }
        gone
    }

    /// Gives the mailbox a new UIDVALIDITY and its messages the UIDs 1 to n.
    pub fn renumber(&mut self, uid_validity: u32, stamp: u64) {
        self.uid_validity = uid_validity;
        let mod_seq = self.next_mod_seq();
        let old = std::mem::take(&mut self.messages);
        let mut uid = 0_u32;
        for mut message in old.into_values() {
            uid = uid.saturating_add(1);
            message.uid = uid;
            message.mod_seq = mod_seq;
            message.touched = stamp;
            self.messages.insert(uid, message);
        }
        self.uid_next = uid.saturating_add(1);
        self.recent_from = self.uid_next;
        self.tombstones.clear();
        self.tombstone_floor = 0;
        self.generation = stamp;
        self.touched = stamp;
    }

    pub fn backup(&self) -> Backup {
        Backup(self.clone())
    }

    /// Sets the content back, UIDNEXT and HIGHESTMODSEQ included, under the same name and id.
    pub fn restore(&mut self, backup: &Backup, stamp: u64) {
        let old = backup.0.clone();
        self.uid_validity = old.uid_validity;
        self.uid_next = old.uid_next;
        self.highest_mod_seq = old.highest_mod_seq;
        self.messages = old.messages;
        self.tombstones = old.tombstones;
        self.tombstone_floor = old.tombstone_floor;
        self.recent_from = old.recent_from;
        self.generation = stamp;
        self.touched = stamp;
    }

    /// Forgets what was expunged, so that QRESYNC must answer from what is still there.
    pub fn forget_tombstones(&mut self) {
        self.tombstones.clear();
        self.tombstone_floor = self.highest_mod_seq;
    }
}

/// What is needed to add a message.
#[derive(Clone, Debug)]
pub(crate) struct NewMessage {
    pub bytes: Arc<[u8]>,
    pub flags: Flags,
    pub internal_date: InternalDate,
    pub email_id: u64,
}

impl Message {
    /// The same content for another mailbox (RFC 3501 section 6.4.7 keeps flags and internal date).
    pub(crate) fn copied(&self) -> NewMessage {
        NewMessage {
            bytes: Arc::clone(&self.bytes),
            flags: self.flags.clone(),
            internal_date: self.internal_date,
            email_id: self.email_id,
        }
    }
}
