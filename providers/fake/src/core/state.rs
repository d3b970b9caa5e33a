//! What the server holds behind its lock: users, their mailboxes, and the counters that give out ids.
//!
//! Rule: every id is counted, never drawn, so that the same calls give the same server. It never waits.

use std::collections::{BTreeMap, BTreeSet};

use super::mailbox::{Mailbox, NewMessage};
use super::{CoreError, InternalDate, name};

/// One user's mail.
#[derive(Debug)]
pub(crate) struct User {
    pub password: String,
    /// Access tokens that are taken in place of the password.
    pub tokens: BTreeSet<String>,
    /// How many octets all messages may have together.
    pub quota: Option<u64>,
    pub mailboxes: BTreeMap<String, Mailbox>,
    pub subscribed: BTreeSet<String>,
}

/// One command that a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Which connection, counted from 1.
    pub connection: u64,
    /// The command's name, with `UID` in front where it has it; `?` if it could not be read.
    pub command: String,
}

/// One whole message that a client fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyServed {
    /// Whose mailbox.
    pub user: String,
    /// The mailbox's name at that time.
    pub mailbox: String,
    /// The UIDVALIDITY under which the UID means something.
    pub uid_validity: u32,
    /// The message.
    pub uid: u32,
}

/// Everything behind the lock.
#[derive(Debug)]
pub(crate) struct State {
    pub users: BTreeMap<String, User>,
    pub now: InternalDate,
    pub violations: Vec<String>,
    pub served: Vec<Served>,
    pub bodies: Vec<BodyServed>,
    pub connections: u64,
    /// Mailboxes are Gmail's labels.
    pub gmail: bool,
    stamp: u64,
    next_mailbox_id: u64,
    next_email_id: u64,
    next_uid_validity: u32,
}

impl State {
    pub fn new(now: InternalDate, gmail: bool) -> Self {
        Self {
            users: BTreeMap::new(),
            now,
            violations: Vec::new(),
            served: Vec::new(),
            bodies: Vec::new(),
            connections: 0,
            gmail,
            stamp: 0,
            next_mailbox_id: 1,
            next_email_id: 1,
            next_uid_validity: 1_000,
        }
    }

    /// A stamp later than all before.
    pub fn stamp(&mut self) -> u64 {
        self.stamp += 1;
        self.stamp
    }

    pub fn latest_stamp(&self) -> u64 {
        self.stamp
    }

    pub fn email_id(&mut self) -> u64 {
        self.next_email_id += 1;
        self.next_email_id - 1
    }

    pub fn uid_validity(&mut self) -> u32 {
        self.next_uid_validity += 1;
        self.next_uid_validity - 1
    }

    pub fn user(&self, user: &str) -> Result<&User, CoreError> {
        self.users.get(user).ok_or_else(|| CoreError::NoSuchUser(user.to_owned()))
    }

    /// Whether that many octets more fit the user's quota.
    pub fn check_room(&self, user: &str, more: usize) -> Result<(), CoreError> {
        let user = self.user(user)?;
        let Some(quota) = user.quota else { return Ok(()) };
        let messages = user.mailboxes.values().flat_map(|mailbox| mailbox.messages.values());
        let used: usize = messages.map(|message| message.bytes.len()).sum();
        if (used + more) as u64 > quota { Err(CoreError::OverQuota) } else { Ok(()) }
    }

    pub fn user_mut(&mut self, user: &str) -> Result<&mut User, CoreError> {
        self.users.get_mut(user).ok_or_else(|| CoreError::NoSuchUser(user.to_owned()))
    }

    pub fn mailbox(&self, user: &str, mailbox: &str) -> Result<&Mailbox, CoreError> {
        self.user(user)?.mailboxes.get(mailbox).ok_or_else(|| CoreError::NoSuchMailbox(mailbox.to_owned()))
    }

    pub fn mailbox_mut(&mut self, user: &str, mailbox: &str) -> Result<&mut Mailbox, CoreError> {
        self.user_mut(user)?
            .mailboxes
            .get_mut(mailbox)
            .ok_or_else(|| CoreError::NoSuchMailbox(mailbox.to_owned()))
    }

    /// The mailbox with this id, whatever its name is by now.
    pub fn mailbox_by_id(&self, user: &str, id: u64) -> Option<&Mailbox> {
        self.users.get(user)?.mailboxes.values().find(|mailbox| mailbox.id == id)
    }

    pub fn mailbox_by_id_mut(&mut self, user: &str, id: u64) -> Option<&mut Mailbox> {
        self.users.get_mut(user)?.mailboxes.values_mut().find(|mailbox| mailbox.id == id)
    }

    /// Creates a mailbox and what is missing above it (RFC 3501 section 6.3.3); answers its id.
    pub fn create(&mut self, user: &str, mailbox: &str, delimiter: char) -> Result<u64, CoreError> {
        if !name::is_valid(mailbox, delimiter) {
            return Err(CoreError::BadName(mailbox.to_owned()));
        }
        if let Some(existing) = self.user(user)?.mailboxes.get(mailbox)
            && !existing.no_select
        {
            return Err(CoreError::AlreadyExists(mailbox.to_owned()));
        }
        for above in name::ancestors(mailbox, delimiter) {
            self.create_one(user, above, false)?;
        }
        self.create_one(user, mailbox, true)
    }

    fn create_one(&mut self, user: &str, mailbox: &str, revive: bool) -> Result<u64, CoreError> {
        let (id, uid_validity, stamp) = (self.next_mailbox_id, self.next_uid_validity, self.stamp());
        let mailboxes = &mut self.user_mut(user)?.mailboxes;
        if let Some(existing) = mailboxes.get(mailbox)
            && !(revive && existing.no_select)
        {
            return Ok(existing.id);
        }
        mailboxes.insert(mailbox.to_owned(), Mailbox::new(mailbox, id, uid_validity, stamp));
        self.next_mailbox_id += 1;
        self.next_uid_validity += 1;
        Ok(id)
    }

    /// Deletes a mailbox; one with others below it stays as a name that cannot be selected (RFC 3501 section 6.3.4).
    pub fn delete(&mut self, user: &str, mailbox: &str, delimiter: char) -> Result<(), CoreError> {
        if mailbox == "INBOX" {
            return Err(CoreError::Inbox);
        }
        let stamp = self.stamp();
        let mailboxes = &mut self.user_mut(user)?.mailboxes;
        let missing = || CoreError::NoSuchMailbox(mailbox.to_owned());
        let has_children = mailboxes.keys().any(|other| name::is_below(other, mailbox, delimiter));
        let found = mailboxes.get_mut(mailbox).ok_or_else(missing)?;
        if !has_children {
            mailboxes.remove(mailbox);
            return Ok(());
        }
        if found.no_select {
            return Err(CoreError::HasChildren(mailbox.to_owned()));
        }
        found.no_select = true;
        found.messages.clear();
        found.generation = stamp;
        Ok(())
    }

    /// Renames a mailbox and what is below it; renaming INBOX moves its messages (RFC 3501 section 6.3.5).
    pub fn rename(&mut self, user: &str, from: &str, to: &str, delimiter: char) -> Result<(), CoreError> {
        self.mailbox(user, from)?;
        if self.mailbox(user, to).is_ok() {
            return Err(CoreError::AlreadyExists(to.to_owned()));
        }
        if !name::is_valid(to, delimiter) || name::is_below(to, from, delimiter) {
            return Err(CoreError::BadName(to.to_owned()));
        }
        if from == "INBOX" {
            self.create(user, to, delimiter)?;
            let all: Vec<u32> = self.mailbox(user, from)?.messages.keys().copied().collect();
            self.transfer(user, from, &all, to, true)?;
            return Ok(());
        }
        for above in name::ancestors(to, delimiter) {
            self.create_one(user, above, false)?;
        }
        let mailboxes = &mut self.user_mut(user)?.mailboxes;
        let moving: Vec<String> = mailboxes
            .keys()
            .filter(|other| *other == from || name::is_below(other, from, delimiter))
            .cloned()
            .collect();
        for old in moving {
            let Some(mut mailbox) = mailboxes.remove(&old) else { continue };
            mailbox.name = format!("{to}{}", old.strip_prefix(from).unwrap_or_default());
            mailboxes.insert(mailbox.name.clone(), mailbox);
        }
        Ok(())
    }

    /// Copies or moves messages; answers old and new UIDs of those that were there, in ascending order.
    pub fn transfer(
        &mut self,
        user: &str,
        from: &str,
        uids: &[u32],
        to: &str,
        moving: bool,
    ) -> Result<Vec<(u32, u32)>, CoreError> {
        let stamp = self.stamp();
        let source = self.mailbox(user, from)?;
        let copies: Vec<(u32, NewMessage)> =
            uids.iter().filter_map(|uid| Some((*uid, source.messages.get(uid)?.copied()))).collect();
        if self.mailbox(user, to)?.no_select {
            return Err(CoreError::NoSelect(to.to_owned()));
        }
        if !moving {
            self.check_room(user, copies.iter().map(|(_, copy)| copy.bytes.len()).sum())?;
        }
        let mut pairs = Vec::with_capacity(copies.len());
        for (uid, copy) in copies {
            pairs.push((uid, self.put(user, to, copy, stamp)?));
        }
        if moving {
            let gone: Vec<u32> = pairs.iter().map(|(old, _)| *old).collect();
            self.mailbox_mut(user, from)?.expunge(&gone, stamp);
        }
        Ok(pairs)
    }
}
