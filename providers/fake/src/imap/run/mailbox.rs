//! CREATE, DELETE, RENAME, SUBSCRIBE, CLOSE.

use super::refused;
use crate::imap::capability::Capability;
use crate::imap::session::{Session, Tagged};

impl Session {
    fn delimiter(&self) -> char {
        self.server.config().delimiter
    }

    /// CREATE; a delimiter at the end says that there will be others below (RFC 3501 section 6.3.3).
    pub(in crate::imap) fn create(&mut self, mailbox: &str) -> Tagged {
        let delimiter = self.delimiter();
        let name = self.named(mailbox.strip_suffix(delimiter).unwrap_or(mailbox));
        match self.server.change(|state| state.create(self.user(), &name, delimiter)) {
            Ok(id) if self.offers(Capability::ObjectId) => Tagged::ok(format!("[MAILBOXID (F{id})] done")),
            Ok(_) => Tagged::ok("done"),
            Err(error) => refused(&error),
        }
    }

    /// DELETE
    pub(in crate::imap) fn delete(&mut self, mailbox: &str) -> Tagged {
        let (name, delimiter) = (self.named(mailbox), self.delimiter());
        let done = self.server.change(|state| state.delete(self.user(), &name, delimiter));
        done.map_or_else(|error| refused(&error), |()| Tagged::ok("done"))
    }

    /// RENAME
    pub(in crate::imap) fn rename(&mut self, from: &str, to: &str) -> Tagged {
        let (from, to, delimiter) = (self.named(from), self.named(to), self.delimiter());
        let done = self.server.change(|state| state.rename(self.user(), &from, &to, delimiter));
        done.map_or_else(|error| refused(&error), |()| Tagged::ok("done"))
    }

    /// SUBSCRIBE and UNSUBSCRIBE
    pub(in crate::imap) fn subscribe(&mut self, mailbox: &str, on: bool) -> Tagged {
        let name = self.named(mailbox);
        let done = self.server.change(|state| {
            if on {
                state.mailbox(self.user(), &name)?;
            }
            let names = &mut state.user_mut(self.user())?.subscribed;
            if on {
                names.insert(name)
            } else {
                names.remove(&name)
            };
            Ok(())
        });
        done.map_or_else(|error| refused(&error), |()| Tagged::ok("done"))
    }

    /// CLOSE: expunges in silence what is marked, where the mailbox can be written to (RFC 3501 section 6.4.2).
    pub(in crate::imap) fn close(&mut self) -> Tagged {
        let mut answer = Tagged::ok("done");
        if let Some(selected) = self.selected.as_ref().filter(|selected| !selected.read_only) {
            let highest = self.server.change(|state| {
                let stamp = state.stamp();
                let mailbox = state.mailbox_by_id_mut(self.user(), selected.mailbox)?;
                let marked =
                    |uid: &&u32| mailbox.messages.get(uid).is_some_and(|m| m.flags.contains("\\Deleted"));
                let uids: Vec<u32> = selected.view.iter().filter(marked).copied().collect();
                (!mailbox.expunge(&uids, stamp).is_empty()).then_some(mailbox.highest_mod_seq)
            });
            // RFC 7162 section 3.2.8
            if let Some(highest) = highest.filter(|_| self.enabled.qresync) {
                answer = Tagged::ok(format!("[HIGHESTMODSEQ {}] done", self.mod_seq(highest)));
            }
        }
        self.selected = None;
        answer
    }
}
