//! SELECT and EXAMINE, with CONDSTORE and QRESYNC (RFC 3501 section 6.3.1, RFC 7162 sections 3.1.8 and 3.2.5).
//!
//! Rule: VANISHED (EARLIER) and FETCH come before the tagged OK, and name only what changed after the mod-sequence
//! that the client gave, under the UIDVALIDITY that it gave.

use super::refused;
use crate::core::{CoreError, Flags, Mailbox, Message, SYSTEM_FLAGS};
use crate::faults::Bend;
use crate::imap::capability::Capability;
use crate::imap::command::{QResync, Select};
use crate::imap::session::{Selected, Session, Tagged};
use crate::imap::sets::Ranges;
use crate::imap::updates::claim;

/// What SELECT tells, taken under one hold of the lock.
struct Opening {
    selected: Selected,
    old_uid_validity: Option<u32>,
    uid_validity: u32,
    uid_next: u32,
    highest_mod_seq: u64,
    id: u64,
    keywords: Vec<String>,
    keywords_allowed: bool,
    first_unseen: Option<usize>,
    vanished: Ranges,
    changed: Vec<Message>,
}

impl Session {
    /// SELECT and EXAMINE; the mailbox selected before is left even where this fails.
    pub(in crate::imap) fn select(&mut self, select: &Select) -> Tagged {
        if self.selected.take().is_some() && self.offers(Capability::QResync) {
            self.untagged("OK [CLOSED] the previous mailbox is closed");
        }
        let name = self.named(&select.mailbox);
        match self.open(&name, select) {
            Ok(opening) => {
                self.enabled.condstore |= select.condstore || select.qresync.is_some();
                self.tell_opening(opening)
            }
            Err(error) => refused(&error),
        }
    }

    fn open(&self, name: &str, select: &Select) -> Result<Opening, CoreError> {
        let midway = self.bent(Bend::UidValidityMidway);
        let act = |state: &mut crate::core::State| {
            let (stamp, new) = (state.stamp(), state.uid_validity());
            let mailbox = state.mailbox_mut(self.user(), name)?;
            if mailbox.no_select {
                return Err(CoreError::NoSelect(name.to_owned()));
            }
            let old_uid_validity = midway.then_some(mailbox.uid_validity);
            if midway {
                mailbox.renumber(new, stamp);
            }
            Ok(self.opening(mailbox, select, old_uid_validity))
        };
        // Only a new UIDVALIDITY is a change that others wait for.
        if midway { self.server.change(act) } else { act(&mut self.server.lock()) }
    }

    fn opening(&self, mailbox: &mut Mailbox, select: &Select, old_uid_validity: Option<u32>) -> Opening {
        let read_only = select.read_only || mailbox.read_only;
        let recent = if read_only {
            let (from, to) = (mailbox.recent_from, mailbox.uid_next.saturating_sub(1));
            (from <= to).then_some((from, to))
        } else {
            claim(mailbox)
        };
        let blind = self.bent(Bend::Empty);
        let view: Vec<u32> = if blind { Vec::new() } else { mailbox.messages.keys().copied().collect() };
        let unseen = |uid: &u32| mailbox.messages.get(uid).is_some_and(|m| !m.flags.contains("\\Seen"));
        let first_unseen = view.iter().position(unseen).map(|at| at + 1);
        let no_mod_seq = mailbox.no_mod_seq || self.bent(Bend::NoModSeq);
        let resync = select
            .qresync
            .as_ref()
            .filter(|qresync| qresync.uid_validity == mailbox.uid_validity && !no_mod_seq);
        let (vanished, changed) = resync.map(|qresync| since(mailbox, qresync)).unwrap_or_default();
        let mut keywords = Flags::default();
        for flag in mailbox.messages.values().flat_map(|message| message.flags.iter()) {
            if !flag.starts_with('\\') {
                keywords.insert(flag);
            }
        }
        Opening {
            old_uid_validity,
            uid_validity: mailbox.uid_validity,
            uid_next: mailbox.uid_next,
            highest_mod_seq: mailbox.highest_mod_seq,
            id: mailbox.id,
            keywords: keywords.iter().map(str::to_owned).collect(),
            keywords_allowed: mailbox.keywords_allowed,
            first_unseen,
            vanished,
            changed,
            selected: Selected {
                mailbox: mailbox.id,
                generation: mailbox.generation,
                read_only,
                view,
                synced: mailbox.touched,
                owes_expunges: false,
                told: std::collections::BTreeMap::new(),
                recent: recent.into_iter().collect(),
                no_mod_seq,
                renumbered: old_uid_validity.is_some(),
                blind,
            },
        }
    }

    fn tell_opening(&mut self, opening: Opening) -> Tagged {
        let selected = opening.selected;
        let (read_only, no_mod_seq) = (selected.read_only, selected.no_mod_seq);
        let exists = selected.view.len();
        let recent = selected.view.iter().filter(|uid| selected.is_recent(**uid)).count();
        self.selected = Some(selected);

        let flags = [SYSTEM_FLAGS.join(" "), opening.keywords.join(" ")].join(" ");
        let flags = flags.trim_end();
        self.untagged(&format!("FLAGS ({flags})"));
        let permanent = match (read_only, opening.keywords_allowed) {
            (true, _) => String::new(),
            (false, true) => format!("{flags} \\*"),
            (false, false) => SYSTEM_FLAGS.join(" "),
        };
        self.untagged(&format!("OK [PERMANENTFLAGS ({permanent})] flags that last"));
        self.untagged(&format!("{exists} EXISTS"));
        self.untagged(&format!("{recent} RECENT"));
        if let Some(number) = opening.first_unseen {
            self.untagged(&format!("OK [UNSEEN {number}] first unseen"));
        }
        if let Some(old) = opening.old_uid_validity {
            self.untagged(&format!("OK [UIDVALIDITY {old}] UIDs valid"));
        }
        self.untagged(&format!("OK [UIDVALIDITY {}] UIDs valid", opening.uid_validity));
        let uid_next = self.uid_next(opening.uid_next);
        self.untagged(&format!("OK [UIDNEXT {uid_next}] predicted next UID"));
        self.tell_highest(no_mod_seq, opening.highest_mod_seq);
        if self.offers(Capability::ObjectId) {
            self.untagged(&format!("OK [MAILBOXID (F{})] id", opening.id));
        }
        if !self.bent(Bend::Empty) {
            self.tell_vanished_earlier(&opening.vanished);
            opening.changed.iter().for_each(|message| self.tell_flags(message, true));
        }
        Tagged::ok(if read_only { "[READ-ONLY] selected" } else { "[READ-WRITE] selected" })
    }

    fn tell_highest(&mut self, no_mod_seq: bool, highest: u64) {
        if !self.offers(Capability::CondStore) || self.bent(Bend::ModSeqMissing) {
            return;
        }
        if no_mod_seq {
            self.untagged("OK [NOMODSEQ] no mod-sequences here");
        } else {
            self.untagged(&format!("OK [HIGHESTMODSEQ {}] highest", self.mod_seq(highest)));
        }
    }

    /// `VANISHED (EARLIER)` where there is anything to name (RFC 7162 section 3.2.10).
    pub(in crate::imap) fn tell_vanished_earlier(&mut self, vanished: &Ranges) {
        if !vanished.is_empty() {
            let backwards = self.bent(Bend::ReversedVanished);
            self.untagged(&format!("VANISHED (EARLIER) {}", vanished.written(backwards)));
        }
    }
}

/// What vanished from the known UIDs and what changed among them since a mod-sequence.
fn since(mailbox: &Mailbox, qresync: &QResync) -> (Ranges, Vec<Message>) {
    let all = Ranges::of([(1, u32::MAX)]);
    let known = qresync.known_uids.as_ref().map_or(all, |set| set.resolve(0));
    let changed = |message: &&Message| message.mod_seq > qresync.mod_seq && known.contains(message.uid);
    let changed = mailbox.messages.values().filter(changed).cloned().collect();
    (vanished(mailbox, &known, qresync.mod_seq), changed)
}

/// What vanished since a mod-sequence; where the server has forgotten that far back, all that is not there.
pub(super) fn vanished(mailbox: &Mailbox, known: &Ranges, mod_seq: u64) -> Ranges {
    if mod_seq < mailbox.tombstone_floor {
        let ever = mailbox.uid_next.checked_sub(1).filter(|last| *last > 0).map(|last| (1, last));
        return known.intersection(&Ranges::of(ever)).without(mailbox.messages.keys().copied());
    }
    let gone = mailbox.tombstones.iter().filter(|(uid, at)| **at > mod_seq && known.contains(**uid));
    Ranges::of_numbers(gone.map(|(uid, _)| *uid))
}
