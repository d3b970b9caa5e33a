//! "The other client": what changes a user's mail without going through the connection under test, and the plain
//! view of it that a store is compared with.
//!
//! Rule: it does only what some client of a real server could have done, or the server's administrator (`renumber`,
//! `restore`, `set_uid_next` and the like). Mailboxes are named as the server holds them, decoded.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::mailbox::{Backup, Mailbox, NewMessage};
use super::{CoreError, FlagChange, Flags, InternalDate, Server, canonical};

/// A hand on one user's mail.
#[derive(Clone, Debug)]
pub struct OtherClient {
    server: Server,
    user: String,
}

/// A message as a comparison sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageView {
    /// Its UID.
    pub uid: u32,
    /// Its flags and keywords, ordered by their folded spelling.
    pub flags: Vec<String>,
    /// When the server received it; two views of one instant are equal in any zone.
    pub internal_date: InternalDate,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
    /// Its mod-sequence.
    pub mod_seq: u64,
}

/// A mailbox as a comparison sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxView {
    /// Its UIDVALIDITY.
    pub uid_validity: u32,
    /// The UID that the next message will get.
    pub uid_next: u32,
    /// The highest mod-sequence.
    pub highest_mod_seq: u64,
    /// Whether it only holds others together.
    pub no_select: bool,
    /// Whether it has no mod-sequences.
    pub no_mod_seq: bool,
    /// Its messages by ascending UID.
    pub messages: Vec<MessageView>,
}

impl OtherClient {
    pub(super) fn new(server: Server, user: &str) -> Self {
        Self { server, user: user.to_owned() }
    }

    fn named(&self, mailbox: &str) -> String {
        canonical(mailbox, self.server.config().delimiter)
    }

    fn on<T>(&self, mailbox: &str, act: impl FnOnce(&mut Mailbox, u64) -> T) -> Result<T, CoreError> {
        let name = self.named(mailbox);
        self.server.change(|state| {
            let stamp = state.stamp();
            Ok(act(state.mailbox_mut(&self.user, &name)?, stamp))
        })
    }

    /// Adds a message; its UID.
    pub fn append(
        &self,
        mailbox: &str,
        bytes: impl Into<Arc<[u8]>>,
        flags: &[&str],
        internal_date: InternalDate,
    ) -> Result<u32, CoreError> {
        let name = self.named(mailbox);
        self.server.change(|state| {
            let (stamp, email_id) = (state.stamp(), state.email_id());
            let content =
                NewMessage { bytes: bytes.into(), flags: Flags::of(flags), internal_date, email_id };
            state.put(&self.user, &name, content, stamp)
        })
    }

    /// Changes a message's flags.
    pub fn change_flags(
        &self,
        mailbox: &str,
        uid: u32,
        change: FlagChange,
        flags: &[&str],
    ) -> Result<(), CoreError> {
        let named = Flags::of(flags);
        self.on(mailbox, |mailbox, stamp| mailbox.change_flags(uid, change, &named, stamp))?
            .map(|_| ())
            .ok_or(CoreError::NoSuchMessage(uid))
    }

    /// Sets a message's flags to these and no others.
    pub fn set_flags(&self, mailbox: &str, uid: u32, flags: &[&str]) -> Result<(), CoreError> {
        self.change_flags(mailbox, uid, FlagChange::Replace, flags)
    }

    /// Adds flags to a message.
    pub fn add_flags(&self, mailbox: &str, uid: u32, flags: &[&str]) -> Result<(), CoreError> {
        self.change_flags(mailbox, uid, FlagChange::Add, flags)
    }

    /// Takes flags from a message.
    pub fn remove_flags(&self, mailbox: &str, uid: u32, flags: &[&str]) -> Result<(), CoreError> {
        self.change_flags(mailbox, uid, FlagChange::Remove, flags)
    }

    /// Removes messages; those of the UIDs that were there.
    pub fn expunge(&self, mailbox: &str, uids: &[u32]) -> Result<Vec<u32>, CoreError> {
        self.on(mailbox, |mailbox, stamp| mailbox.expunge(uids, stamp))
    }

    /// Moves messages; old and new UIDs of those that were there.
    pub fn move_messages(&self, from: &str, uids: &[u32], to: &str) -> Result<Vec<(u32, u32)>, CoreError> {
        let (from, to) = (self.named(from), self.named(to));
        self.server.change(|state| state.transfer(&self.user, &from, uids, &to, true))
    }

    /// Copies messages; old and new UIDs of those that were there.
    pub fn copy(&self, from: &str, uids: &[u32], to: &str) -> Result<Vec<(u32, u32)>, CoreError> {
        let (from, to) = (self.named(from), self.named(to));
        self.server.change(|state| state.transfer(&self.user, &from, uids, &to, false))
    }

    /// Creates a mailbox and what is missing above it.
    pub fn create_mailbox(&self, mailbox: &str) -> Result<(), CoreError> {
        let (name, delimiter) = (self.named(mailbox), self.server.config().delimiter);
        self.server.change(|state| state.create(&self.user, &name, delimiter)).map(|_| ())
    }

    /// Renames a mailbox with all below it.
    pub fn rename_mailbox(&self, from: &str, to: &str) -> Result<(), CoreError> {
        let (from, to, delimiter) = (self.named(from), self.named(to), self.server.config().delimiter);
        self.server.change(|state| state.rename(&self.user, &from, &to, delimiter))
    }

    /// Deletes a mailbox.
    pub fn delete_mailbox(&self, mailbox: &str) -> Result<(), CoreError> {
        let (name, delimiter) = (self.named(mailbox), self.server.config().delimiter);
        self.server.change(|state| state.delete(&self.user, &name, delimiter))
    }

    /// Subscribes to a name or takes it off.
    pub fn set_subscribed(&self, mailbox: &str, subscribed: bool) -> Result<(), CoreError> {
        let name = self.named(mailbox);
        self.server.change(|state| {
            let names = &mut state.user_mut(&self.user)?.subscribed;
            if subscribed {
                names.insert(name)
            } else {
                names.remove(&name)
            };
            Ok(())
        })
    }

    /// How many octets all messages together may have; this client may exceed it.
    pub fn set_quota(&self, octets: Option<u64>) -> Result<(), CoreError> {
        self.server.change(|state| {
            state.user_mut(&self.user)?.quota = octets;
            Ok(())
        })
    }

    /// The names that are subscribed to, sorted; empty for an unknown user.
    pub fn subscribed(&self) -> Vec<String> {
        let state = self.server.lock();
        state.user(&self.user).map(|user| user.subscribed.iter().cloned().collect()).unwrap_or_default()
    }

    /// Sets the special-use attributes (RFC 6154), such as `\Sent`.
    pub fn set_special_use(&self, mailbox: &str, attributes: &[&str]) -> Result<(), CoreError> {
        let attributes = attributes.iter().map(|a| (*a).to_owned()).collect();
        self.on(mailbox, |mailbox, _| mailbox.special_use = attributes)
    }

    /// Makes the mailbox a name that cannot be selected, or selectable again.
    pub fn set_no_select(&self, mailbox: &str, no_select: bool) -> Result<(), CoreError> {
        self.on(mailbox, |mailbox, _| mailbox.no_select = no_select)
    }

    /// Makes the mailbox read-only for every client but this one.
    pub fn set_read_only(&self, mailbox: &str, read_only: bool) -> Result<(), CoreError> {
        self.on(mailbox, |mailbox, _| mailbox.read_only = read_only)
    }

    /// Whether PERMANENTFLAGS has `\*`; without it, new keywords are dropped.
    pub fn set_keywords_allowed(&self, mailbox: &str, allowed: bool) -> Result<(), CoreError> {
        self.on(mailbox, |mailbox, _| mailbox.keywords_allowed = allowed)
    }

    /// Makes the mailbox one without mod-sequences (`[NOMODSEQ]`), or one with them again.
    pub fn set_no_mod_seq(&self, mailbox: &str, no_mod_seq: bool) -> Result<(), CoreError> {
        self.on(mailbox, |mailbox, _| mailbox.no_mod_seq = no_mod_seq)
    }

    /// Gives a new UIDVALIDITY and the UIDs 1 to n; sessions on the mailbox are closed.
    pub fn bump_uid_validity(&self, mailbox: &str) -> Result<u32, CoreError> {
        let name = self.named(mailbox);
        self.server.change(|state| {
            let (stamp, uid_validity) = (state.stamp(), state.uid_validity());
            state.mailbox_mut(&self.user, &name)?.renumber(uid_validity, stamp);
            Ok(uid_validity)
        })
    }

    /// Sets the UID that the next message gets, for UIDs above 2^31; a lower one than now is ignored.
    pub fn set_uid_next(&self, mailbox: &str, uid_next: u32) -> Result<(), CoreError> {
        self.on(mailbox, |mailbox, _| mailbox.uid_next = mailbox.uid_next.max(uid_next))
    }

    /// Raises HIGHESTMODSEQ, for mod-sequences of 63 bits; a lower one than now is ignored.
    pub fn set_highest_mod_seq(&self, mailbox: &str, mod_seq: u64) -> Result<(), CoreError> {
        self.on(mailbox, |mailbox, _| mailbox.highest_mod_seq = mailbox.highest_mod_seq.max(mod_seq))
    }

    /// Forgets what was expunged, so that `VANISHED (EARLIER)` names every UID that is not there.
    pub fn forget_tombstones(&self, mailbox: &str) -> Result<(), CoreError> {
        self.on(mailbox, |mailbox, _| mailbox.forget_tombstones())
    }

    /// A copy to which [`Self::restore_backup`] sets the mailbox back.
    pub fn backup(&self, mailbox: &str) -> Result<Backup, CoreError> {
        Ok(self.server.lock().mailbox(&self.user, &self.named(mailbox))?.backup())
    }

    /// Sets the mailbox back, so that UIDNEXT and HIGHESTMODSEQ run backwards under one UIDVALIDITY.
    pub fn restore_backup(&self, mailbox: &str, backup: &Backup) -> Result<(), CoreError> {
        self.on(mailbox, |mailbox, stamp| mailbox.restore(backup, stamp))
    }

    /// Everything the user has, by mailbox name; empty for an unknown user.
    pub fn snapshot(&self) -> BTreeMap<String, MailboxView> {
        let state = self.server.lock();
        let Ok(user) = state.user(&self.user) else { return BTreeMap::new() };
        user.mailboxes.iter().map(|(name, mailbox)| (name.clone(), view(mailbox))).collect()
    }
}

fn view(mailbox: &Mailbox) -> MailboxView {
    let message = |message: &super::Message| MessageView {
        uid: message.uid,
        flags: message.flags.iter().map(str::to_owned).collect(),
        internal_date: message.internal_date,
        bytes: Arc::clone(&message.bytes),
        mod_seq: message.mod_seq,
    };
    MailboxView {
        uid_validity: mailbox.uid_validity,
        uid_next: mailbox.uid_next,
        highest_mod_seq: mailbox.highest_mod_seq,
        no_select: mailbox.no_select,
        no_mod_seq: mailbox.no_mod_seq,
        messages: mailbox.messages.values().map(message).collect(),
    }
}

#[cfg(test)]
mod tests;
