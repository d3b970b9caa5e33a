//! STORE, UID STORE, EXPUNGE and UID EXPUNGE.
//!
//! Rule: a UID that is no longer there is passed over and the answer is OK, as real servers do: only the untagged
//! FETCH says that a change was made.

use std::collections::BTreeSet;

use super::refused;
use crate::core::{CoreError, Flags, Message};
use crate::faults::Bend;
use crate::imap::command::Store;
use crate::imap::session::{Session, Tagged};
use crate::imap::sets::{Ranges, SequenceSet};

/// What a STORE did.
#[derive(Default)]
struct Stored {
    messages: Vec<Message>,
    /// Changed since the mod-sequence that the client gave (RFC 7162 section 3.1.3).
    modified: Vec<u32>,
    missing: bool,
    /// Changed by others since the client last heard of them: to be told even where silence was asked for.
    stale: BTreeSet<u32>,
}

impl Session {
    /// STORE
    pub(in crate::imap) fn store(&mut self, store: &Store) -> Tagged {
        if self.selected.as_ref().is_some_and(|selected| selected.read_only) {
            return Tagged::no("[READ-ONLY] mailbox is read-only");
        }
        let uids = match self.chosen(&store.set, store.uid) {
            Ok(uids) => uids,
            Err(tagged) => return tagged,
        };
        self.enabled.condstore |= store.unchanged_since.is_some();
        let stored = self.change_flags(store, &uids);
        if self.bent(Bend::NoEcho) {
            let told = stored.messages.iter().map(|message| (message.uid, message.touched));
            self.selected.iter_mut().for_each(|selected| selected.told.extend(told.clone()));
            return self.store_verdict(store, &stored);
        }
        for message in &stored.messages {
            if !store.silent || stored.stale.contains(&message.uid) {
                self.tell_flags(message, true);
            } else if self.enabled.condstore {
                // RFC 7162 section 3.1.3: the new mod-sequence is told in any case.
                self.tell_flags(message, false);
            } else if let Some(selected) = &mut self.selected {
                selected.told.insert(message.uid, message.touched);
            }
        }
        self.store_verdict(store, &stored)
    }

    fn store_verdict(&self, store: &Store, stored: &Stored) -> Tagged {
        if !stored.modified.is_empty() {
            let number = |uid: &u32| {
                if store.uid {
                    return Some(*uid);
                }
                u32::try_from(self.selected.as_ref()?.number_of(*uid)?).ok()
            };
            let set = Ranges::of_numbers(stored.modified.iter().filter_map(number));
            return Tagged::ok(format!("[MODIFIED {}] some were changed meanwhile", set.written(false)));
        }
        if stored.missing && !store.uid {
            return Tagged::no("[EXPUNGEISSUED] some messages are gone");
        }
        Tagged::ok("done")
    }

    fn change_flags(&self, store: &Store, uids: &[u32]) -> Stored {
        let named = Flags::of(&store.flags);
        let mut stored = Stored::default();
        let Some(selected) = &self.selected else { return stored };
        self.server.change(|state| {
            let stamp = state.stamp();
            let Some(mailbox) = state.mailbox_by_id_mut(self.user(), selected.mailbox) else { return };
            for uid in uids {
                let Some(before) = mailbox.messages.get(uid) else {
                    stored.missing = true;
                    continue;
                };
                if store.unchanged_since.is_some_and(|since| before.mod_seq > since) {
                    stored.modified.push(*uid);
                    continue;
                }
                if before.touched > selected.synced && selected.told.get(uid) != Some(&before.touched) {
                    stored.stale.insert(*uid);
                }
                mailbox.change_flags(*uid, store.change, &named, stamp);
                stored.messages.extend(mailbox.messages.get(uid).cloned());
            }
        });
        stored
    }

    /// EXPUNGE, and UID EXPUNGE with a set (RFC 4315 section 2.1).
    pub(in crate::imap) fn expunge(&mut self, set: Option<&SequenceSet>) -> Tagged {
        let Some(selected) = &self.selected else { return Tagged::bad("nothing selected") };
        if selected.read_only {
            return Tagged::no("[READ-ONLY] mailbox is read-only");
        }
        let candidates = match set.map(|set| self.chosen(set, true)) {
            None => selected.view.clone(),
            Some(Ok(uids)) => uids,
            Some(Err(tagged)) => return tagged,
        };
        let done = self.server.change(|state| {
            let stamp = state.stamp();
            let mailbox = state
                .mailbox_by_id_mut(self.user(), selected.mailbox)
                .ok_or_else(|| CoreError::NoSuchMailbox(String::new()))?;
            let marked = |uid: &u32| mailbox.messages.get(uid).is_some_and(|m| m.flags.contains("\\Deleted"));
            let marked: Vec<u32> = candidates.into_iter().filter(marked).collect();
            Ok((mailbox.expunge(&marked, stamp), mailbox.highest_mod_seq))
        });
        match done {
            Ok((gone, highest)) => {
                self.tell_expunged(&gone);
                self.expunged_verdict(!gone.is_empty(), highest)
            }
            Err(error) => refused(&error),
        }
    }

    /// RFC 7162 section 3.2.7: the mod-sequence that the expunge brought about.
    fn expunged_verdict(&self, any: bool, highest: u64) -> Tagged {
        if any && self.enabled.qresync && self.facts().mod_seqs {
            Tagged::ok(format!("[HIGHESTMODSEQ {}] done", self.mod_seq(highest)))
        } else {
            Tagged::ok("done")
        }
    }
}
