//! COPY, MOVE and APPEND (RFC 3501 sections 6.4.7 and 6.3.11, RFC 6851, RFC 4315).
//!
//! Rule: all or nothing; what came of it is told by COPYUID and APPENDUID where UIDPLUS is offered.

use std::sync::Arc;

use super::refused;
use crate::core::{CoreError, Flags, NewMessage};
use crate::faults::Bend;
use crate::imap::capability::Capability;
use crate::imap::command::{Append, Transfer};
use crate::imap::session::{Session, Tagged};

fn refused_or_create(error: &CoreError) -> Tagged {
    match error {
        CoreError::NoSuchMailbox(_) => Tagged::no("[TRYCREATE] no such mailbox"),
        other => refused(other),
    }
}

impl Session {
    /// COPY and MOVE
    pub(in crate::imap) fn transfer(&mut self, transfer: &Transfer) -> Tagged {
        let read_only = self.selected.as_ref().is_some_and(|selected| selected.read_only);
        if transfer.moving && read_only {
            return Tagged::no("[READ-ONLY] mailbox is read-only");
        }
        let uids = match self.chosen(&transfer.set, transfer.uid) {
            Ok(uids) => uids,
            Err(tagged) => return tagged,
        };
        let Some(from) = self.selected_name() else { return Tagged::no("[NONEXISTENT] the mailbox is gone") };
        let to = self.named(&transfer.mailbox);
        let half = transfer.moving && self.bent(Bend::HalfMove);
        let uids = if half { uids.get(..uids.len() / 2).unwrap_or_default() } else { &uids };
        let done = self.server.change(|state| {
            let pairs = state.transfer(self.user(), &from, uids, &to, transfer.moving)?;
            Ok((
                pairs,
                state.mailbox(self.user(), &to)?.uid_validity,
                state.mailbox(self.user(), &from)?.highest_mod_seq,
            ))
        });
        match done {
            Ok((pairs, uid_validity, highest)) => {
                let tagged = self.transferred(transfer, &pairs, uid_validity, highest);
                if half { Tagged::no("[SERVERBUG] not all of them could be moved") } else { tagged }
            }
            Err(error) => refused_or_create(&error),
        }
    }

    fn transferred(
        &mut self,
        transfer: &Transfer,
        pairs: &[(u32, u32)],
        uid_validity: u32,
        highest: u64,
    ) -> Tagged {
        let code = self.copy_uid(pairs, uid_validity);
        if !transfer.moving {
            return Tagged::ok(format!("{code}done"));
        }
        // RFC 6851 section 4.3: COPYUID untagged, before the expunges.
        if !code.is_empty() {
            self.untagged(&format!("OK {code}moved"));
        }
        let mut gone: Vec<u32> = pairs.iter().map(|(old, _)| *old).collect();
        {
            // What is moved out of Gmail's All Mail into a label stays there.
            let state = self.server.lock();
            let left = self.mailbox(&state).map(|mailbox| &mailbox.messages);
            gone.retain(|uid| left.is_none_or(|left| !left.contains_key(uid)));
        }
        self.tell_expunged(&gone);
        if !gone.is_empty() && self.enabled.qresync && self.facts().mod_seqs {
            return Tagged::ok(format!("[HIGHESTMODSEQ {}] done", self.mod_seq(highest)));
        }
        Tagged::ok("done")
    }

    /// Not in a mailbox without lasting UIDs (RFC 4315 section 3, UIDNOTSTICKY).
    fn tells_uids(&self) -> bool {
        self.offers(Capability::UidPlus) && !self.bent(Bend::NoNewUid)
    }

    /// `[COPYUID validity from to]`: both sets in the same order (RFC 4315 section 3).
    fn copy_uid(&self, pairs: &[(u32, u32)], uid_validity: u32) -> String {
        if pairs.is_empty() || !self.tells_uids() {
            return String::new();
        }
        let (from, to): (Vec<u32>, Vec<u32>) = pairs.iter().copied().unzip();
        format!("[COPYUID {uid_validity} {} {}] ", in_order(&from), in_order(&to))
    }

    /// APPEND
    pub(in crate::imap) fn append(&mut self, append: Append) -> Tagged {
        let name = self.named(&append.mailbox);
        let size = append.bytes.len();
        if self.server.config().append_limit.is_some_and(|limit| size > limit as usize) {
            return Tagged::no("[TOOBIG] the message is above the limit");
        }
        let done = self.server.change(|state| {
            let (stamp, email_id, now) = (state.stamp(), state.email_id(), state.now);
            let mailbox = state.mailbox_mut(self.user(), &name)?;
            if mailbox.no_select {
                return Err(CoreError::NoSelect(name.clone()));
            }
            state.check_room(self.user(), size)?;
            let content = NewMessage {
                bytes: Arc::from(append.bytes),
                flags: Flags::of(&append.flags),
                internal_date: append.date.unwrap_or(now),
                email_id,
            };
            let uid = state.put(self.user(), &name, content, stamp)?;
            Ok((uid, state.mailbox(self.user(), &name)?.uid_validity))
        });
        match done {
            Ok((uid, uid_validity)) if self.tells_uids() => {
                Tagged::ok(format!("[APPENDUID {uid_validity} {uid}] done"))
            }
            Ok(_) => Tagged::ok("done"),
            Err(error) => refused_or_create(&error),
        }
    }
}

/// Ascending numbers as a set.
fn in_order(numbers: &[u32]) -> String {
    crate::imap::sets::Ranges::of_numbers(numbers.iter().copied()).written(false)
}
