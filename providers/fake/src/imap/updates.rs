//! What happened in the selected mailbox without this session, told at the end of a command or under IDLE.
//!
//! Rules (RFC 3501 section 5.2 and 7.4.1, RFC 7162 section 3.2.10): no expunge is told during FETCH, STORE and SEARCH
//! by message sequence number; EXISTS never goes down; after ENABLE QRESYNC expunges are told as VANISHED. A mailbox
//! that is gone, or has other UIDs than before, ends the session with BYE.

use super::session::{Gone, Session};
use super::sets::Ranges;
use crate::core::{Mailbox, Message};
use crate::faults::Bend;

struct News {
    expunged: Vec<u32>,
    arrived: Vec<u32>,
    changed: Vec<Message>,
    synced: u64,
}

impl Session {
    /// Tells what is new; expunges only where they may be told.
    pub fn sync(&mut self, expunges: bool) -> Result<(), Gone> {
        let Some(selected) = &self.selected else { return Ok(()) };
        if selected.blind {
            return Ok(());
        }
        let Some(news) = self.news()? else { return Ok(()) };
        let owes = !expunges && !news.expunged.is_empty();
        if expunges {
            self.tell_expunged(&news.expunged);
        }
        self.tell_arrived(&news.arrived);
        self.tell_changed(&news.changed);
        if let Some(selected) = &mut self.selected {
            selected.synced = news.synced;
            selected.owes_expunges = owes;
            selected.told.clear();
        }
        Ok(())
    }

    /// Whether the selected mailbox is not what it was when it was selected.
    pub fn is_gone(&self) -> bool {
        let Some(selected) = &self.selected else { return false };
        let state = self.server.lock();
        !selected.blind
            && self.mailbox(&state).is_none_or(|mailbox| mailbox.generation != selected.generation)
    }

    /// What is new since the last time, or `None` where nothing is.
    fn news(&self) -> Result<Option<News>, Gone> {
        let Some(selected) = &self.selected else { return Ok(None) };
        let state = self.server.lock();
        let mailbox =
            self.mailbox(&state).filter(|mailbox| mailbox.generation == selected.generation).ok_or(Gone)?;
        if mailbox.touched == selected.synced && !selected.owes_expunges {
            return Ok(None);
        }
        let expunged =
            selected.view.iter().copied().filter(|uid| !mailbox.messages.contains_key(uid)).collect();
        let known = selected.view.last().map_or(1, |last| last.saturating_add(1));
        let arrived = mailbox.messages.range(known..).map(|(uid, _)| *uid).collect();
        let untold = |message: &&Message| {
            message.touched > selected.synced
                && message.uid < known
                && selected.told.get(&message.uid) != Some(&message.touched)
        };
        let changed = mailbox.messages.values().filter(untold).cloned().collect();
        Ok(Some(News { expunged, arrived, changed, synced: mailbox.touched }))
    }

    /// Tells expunges and takes them out of the view; for those that are in it.
    pub fn tell_expunged(&mut self, gone: &[u32]) {
        let Some(selected) = &mut self.selected else { return };
        let gone = Ranges::of_numbers(gone.iter().copied());
        let mut numbers = Vec::new();
        let mut uids = Vec::new();
        let mut kept = 0_usize;
        selected.view.retain(|uid| {
            if gone.contains(*uid) {
                // Each number is the one that holds after the expunges told before it.
                numbers.push(kept + 1);
                uids.push(*uid);
                return false;
            }
            kept += 1;
            true
        });
        if uids.is_empty() {
            return;
        }
        if self.enabled.qresync {
            let backwards = self.bent(Bend::ReversedVanished);
            self.untagged(&format!("VANISHED {}", Ranges::of_numbers(uids).written(backwards)));
        } else {
            numbers.iter().for_each(|number| self.untagged(&format!("{number} EXPUNGE")));
        }
    }

    fn tell_arrived(&mut self, arrived: &[u32]) {
        if arrived.is_empty() {
            return;
        }
        let recent = self.claim_recent();
        let Some(selected) = &mut self.selected else { return };
        selected.view.extend(arrived);
        selected.recent.extend(recent);
        let exists = selected.view.len();
        let recent = selected.view.iter().filter(|uid| selected.is_recent(**uid)).count();
        self.untagged(&format!("{exists} EXISTS"));
        self.untagged(&format!("{recent} RECENT"));
    }

    /// The range of UIDs that this session is the first to see (RFC 3501 section 2.3.2).
    pub fn claim_recent(&self) -> Option<(u32, u32)> {
        let selected = self.selected.as_ref().filter(|selected| !selected.read_only)?;
        let mut state = self.server.lock();
        let mailbox = state.mailbox_by_id_mut(self.user(), selected.mailbox)?;
        claim(mailbox)
    }

    fn tell_changed(&mut self, changed: &[Message]) {
        for message in changed {
            self.tell_flags(message, true);
        }
    }

    /// Tells a message's flags unasked, or because a STORE wants them echoed.
    pub fn tell_flags(&mut self, message: &Message, with_flags: bool) {
        let Some(selected) = &mut self.selected else { return };
        let Some(number) = selected.number_of(message.uid) else { return };
        selected.told.insert(message.uid, message.touched);
        let mut items = vec![format!("UID {}", message.uid)];
        if self.bent(Bend::EchoWithoutUid) {
            items.clear();
        }
        if with_flags {
            items.push(format!("FLAGS ({})", self.flags_of(message)));
        }
        if self.enabled.condstore && self.facts().mod_seqs {
            items.push(format!("MODSEQ ({})", self.mod_seq(message.mod_seq)));
        }
        self.untagged(&format!("{number} FETCH ({})", items.join(" ")));
    }

    /// A message's flags as this session sees them.
    pub fn flags_of(&self, message: &Message) -> String {
        let mut flags: Vec<&str> = message.flags.iter().collect();
        if self.selected.as_ref().is_some_and(|selected| selected.is_recent(message.uid)) {
            flags.push("\\Recent");
        }
        flags.join(" ")
    }
}

/// Takes what no session has seen yet.
pub(super) fn claim(mailbox: &mut Mailbox) -> Option<(u32, u32)> {
    let (from, to) = (mailbox.recent_from, mailbox.uid_next.saturating_sub(1));
    mailbox.recent_from = mailbox.uid_next;
    (from <= to).then_some((from, to))
}
