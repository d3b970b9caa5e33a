//! NOTIFY (RFC 5465): what happens in mailboxes that are not selected is told by STATUS, asked for or not.

use std::collections::BTreeMap;

use crate::core::Mailbox;
use crate::imap::capability::Capability;
use crate::imap::command::{Notify, StatusItem};
use crate::imap::session::{Session, Tagged};

/// What was asked for, and what has been told.
#[derive(Clone, Debug)]
pub(crate) struct Notified {
    wanted: Notify,
    /// By mailbox id.
    told: BTreeMap<u64, State>,
}

/// What of a mailbox can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    uid_validity: u32,
    uid_next: u32,
    count: usize,
    /// The stamp of its last change, where flags are to be told.
    touched: u64,
}

impl Session {
    /// NOTIFY
    pub(in crate::imap) fn set_notify(&mut self, wanted: Option<Notify>) -> Tagged {
        self.notified = wanted.map(|mut wanted| {
            wanted.mailboxes = wanted.mailboxes.iter().map(|name| self.named(name)).collect();
            Notified { wanted, told: BTreeMap::new() }
        });
        let says_now = self.notified.as_ref().is_some_and(|notified| notified.wanted.status);
        let states = self.states();
        if let Some(notified) = self.notified.as_mut().filter(|_| !says_now) {
            notified.told = states.into_iter().map(|(id, _, state)| (id, state)).collect();
        }
        Tagged::ok("done")
    }

    /// Tells what changed since it was told last.
    pub(in crate::imap) fn tell_notified(&mut self) {
        let states = self.states();
        let Some(notified) = &mut self.notified else { return };
        let mut news = Vec::new();
        for (id, name, state) in states {
            if notified.told.insert(id, state) != Some(state) {
                news.push(name);
            }
        }
        let mut items = vec![StatusItem::Messages, StatusItem::UidNext, StatusItem::UidValidity];
        if self.enabled.condstore && self.offers(Capability::CondStore) {
            items.push(StatusItem::HighestModSeq);
        }
        news.iter().for_each(|name| self.status_line(name, &items));
    }

    /// The mailboxes that are asked for and not selected.
    fn states(&self) -> Vec<(u64, String, State)> {
        let Some(notified) = &self.notified else { return Vec::new() };
        let selected = self.selected.as_ref().map(|selected| selected.mailbox);
        let wanted = &notified.wanted;
        let fits = |mailbox: &&Mailbox| {
            (wanted.personal || wanted.mailboxes.contains(&mailbox.name))
                && !mailbox.no_select
                && Some(mailbox.id) != selected
        };
        let state = |mailbox: &Mailbox| State {
            uid_validity: mailbox.uid_validity,
            uid_next: mailbox.uid_next,
            count: mailbox.messages.len(),
            touched: if wanted.flags { mailbox.touched } else { 0 },
        };
        let held = self.server.lock();
        let Ok(user) = held.user(self.user()) else { return Vec::new() };
        let found = user.mailboxes.values().filter(fits);
        found.map(|mailbox| (mailbox.id, mailbox.name.clone(), state(mailbox))).collect()
    }
}
