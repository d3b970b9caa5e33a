//! What happens on the servers between two runs: all that other clients do, and what administrators do.

use std::collections::BTreeMap;

use postrider_fake::{Backup, Capability, FlagChange, MailboxView, OtherClient};

use crate::{
    chance::Chance,
    layout::{FLAGS, NAMES, shown, with_delimiter},
    machine::Mailbox,
    mail::{Mail, internal_date},
    trace::Trace,
};

/// What a round's changes leave to be known by those who check.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// A mailbox was set back: UIDs may be given a second time under one UIDVALIDITY. Nothing but the program's next look can
    /// notice that, so it has to be let look before anything else arrives.
    pub restored: bool,
    /// Folders have other names, or are other folders under their names.
    pub renamed: bool,
}

/// A mailbox as it once was.
#[derive(Debug)]
pub struct Kept {
    backup: Backup,
    mod_seq: u64,
}

/// Changes the mail of one account.
#[derive(Debug)]
pub struct Changer<'a> {
    /// Whose.
    pub mailbox: &'a Mailbox,
    /// Where messages come from.
    pub mail: &'a mut Mail,
    /// What is drawn from.
    pub chance: &'a mut Chance,
    /// Backups of mailboxes, taken in earlier rounds.
    pub backups: &'a mut BTreeMap<String, Kept>,
    /// Whether a mailbox may be set back.
    pub may_restore: bool,
    /// Whether folders may come, go, and get other names.
    pub may_rename: bool,
    /// How far the program has read each folder, by account and name.
    pub cursors: &'a BTreeMap<(String, String), u64>,
    /// Where it is written down.
    pub trace: &'a Trace,
}

impl Changer<'_> {
    /// So many changes.
    pub fn change(&mut self, count: u64) -> Changed {
        let mut changed = Changed::default();
        for _ in 0..count {
            changed.renamed |= self.one();
        }
        if self.chance.percent(6) && self.may_restore {
            changed.restored |= self.restore();
        }
        changed
    }

    fn note(&self, what: impl FnOnce() -> String) {
        self.trace.step(|| format!("{}: {}", self.mailbox.account, what()));
    }

    fn other(&self) -> &OtherClient {
        &self.mailbox.other
    }

    fn selectable(&self) -> Vec<(String, MailboxView)> {
        self.other().snapshot().into_iter().filter(|(_, view)| !view.no_select).collect()
    }

    /// One change; whether it was one of names.
    fn one(&mut self) -> bool {
        let folders = self.selectable();
        let Some((name, view)) = self.chance.pick(&folders).cloned() else { return false };
        let uids: Vec<u32> = view.messages.iter().map(|message| message.uid).collect();
        let what = self.chance.below(100);
        if (80..91).contains(&what) && !self.may_rename {
            return false;
        }
        match what {
            0..28 => self.append(&name),
            28..46 => self.flag(&name, &uids),
            46..56 => self.expunge(&name, &uids, 3),
            56..59 => self.expunge(&name, &uids, uids.len()),
            59..69 => self.transfer(&name, &uids, 3, true),
            69..71 => self.transfer(&name, &uids, uids.len(), true),
            71..76 => self.transfer(&name, &uids, 3, false),
            76..80 => self.twin(&name, &view),
            80..84 => self.create(),
            84..87 => self.rename(&name),
            87..89 => self.delete(&name),
            89..91 => self.swap(&name, &folders),
            91..94 => {
                self.note(|| format!("new UIDVALIDITY for {name:?}"));
                let _ = self.other().bump_uid_validity(&name);
                self.backups.remove(&name);
            }
            94..97 => {
                self.note(|| format!("backup of {name:?}"));
                if let Ok(backup) = self.other().backup(&name) {
                    self.backups.insert(name, Kept { backup, mod_seq: view.highest_mod_seq });
                }
            }
            97..99 => {
                self.note(|| format!("tombstones of {name:?} forgotten"));
                let _ = self.other().forget_tombstones(&name);
            }
            _ => {
                let off = self.chance.percent(50);
                self.note(|| format!("no mod-sequences in {name:?}: {off}"));
                let _ = self.other().set_no_mod_seq(&name, off);
            }
        }
        (80..91).contains(&what)
    }

    fn flags(&mut self, most: usize) -> Vec<&'static str> {
        let mut flags = self.chance.some(&FLAGS, most);
        // Where no single message can be erased, the mark means that it is gone.
        let erases = self.mailbox.server.config().capabilities.has(Capability::UidPlus);
        flags.retain(|flag| erases || *flag != "\\Deleted");
        flags
    }

    fn append(&mut self, name: &str) {
        for _ in 0..self.chance.between(1, 4) {
            let bytes = self.mail.message(self.chance);
            let date = internal_date(self.chance);
            let flags = if self.chance.percent(30) { self.flags(2) } else { Vec::new() };
            let uid = self.other().append(name, bytes, &flags, date);
            self.note(|| format!("append to {name:?}: {uid:?}"));
        }
    }

    fn flag(&mut self, name: &str, uids: &[u32]) {
        let how = [FlagChange::Add, FlagChange::Remove, FlagChange::Replace][self.chance.below(3) as usize];
        let flags = self.flags(2);
        for uid in self.chance.some(uids, 4) {
            self.note(|| format!("{how:?} {flags:?} {uid} in {name:?}"));
            let _ = self.other().change_flags(name, uid, how, &flags);
        }
    }

    fn expunge(&mut self, name: &str, uids: &[u32], most: usize) {
        let gone = self.chance.some(uids, most);
        self.note(|| format!("expunge {gone:?} from {name:?}"));
        let _ = self.other().expunge(name, &gone);
    }

    fn transfer(&mut self, name: &str, uids: &[u32], most: usize, moving: bool) {
        let folders = self.selectable();
        let (chosen, to) = (self.chance.some(uids, most), self.chance.pick(&folders).cloned());
        let Some((to, _)) = to.filter(|(to, _)| to != name) else { return };
        self.note(|| format!("{} {chosen:?} from {name:?} to {to:?}", if moving { "move" } else { "copy" }));
        let _ = match moving {
            true => self.other().move_messages(name, &chosen, &to),
            false => self.other().copy(name, &chosen, &to),
        };
    }

    fn twin(&mut self, name: &str, view: &MailboxView) {
        let Some(message) = self.chance.pick(&view.messages).cloned() else { return };
        let uid = self.other().append(name, message.bytes, &[], message.internal_date);
        self.note(|| format!("a twin of {} in {name:?}: {uid:?}", message.uid));
    }

    fn any_name(&mut self) -> String {
        let name = self.chance.pick(&NAMES).copied().unwrap_or("Work");
        with_delimiter(name, self.mailbox.server.config().delimiter)
    }

    fn create(&mut self) {
        let name = self.any_name();
        let done = self.other().create_mailbox(&name);
        self.note(|| format!("create {name:?}: {done:?}"));
    }

    fn rename(&mut self, from: &str) {
        let to = self.any_name();
        if from != "INBOX" {
            let done = self.other().rename_mailbox(from, &to);
            self.note(|| format!("rename {from:?} to {to:?}: {done:?}"));
            self.backups.retain(|name, _| name != from && name != &to);
        }
    }

    fn delete(&mut self, name: &str) {
        let done = self.other().delete_mailbox(name);
        self.note(|| format!("delete {name:?}: {done:?}"));
        self.backups.remove(name);
    }

    fn swap(&mut self, one: &str, folders: &[(String, MailboxView)]) {
        let Some((two, _)) = self.chance.pick(folders).cloned() else { return };
        let (aside, other) = ("swapped aside", self.other());
        let both = one != two && one != "INBOX" && two != "INBOX";
        if both && other.rename_mailbox(one, aside).is_ok() {
            let done = other.rename_mailbox(&two, one).and_then(|()| other.rename_mailbox(aside, &two));
            self.note(|| format!("swap {one:?} and {two:?}: {done:?}"));
            self.backups.clear();
        }
    }

    fn restore(&mut self) -> bool {
        let names: Vec<String> = self.backups.keys().cloned().collect();
        let Some(name) = self.chance.pick(&names).cloned() else { return false };
        let Some(Kept { backup, mod_seq }) = self.backups.remove(&name) else { return false };
        // One as young as what was read last could be told from it by nobody who has learnt more since, without having read to the end.
        let folder = shown(&name, self.mailbox.server.config().delimiter);
        let read = self.cursors.get(&(self.mailbox.account.clone(), folder));
        if read.is_some_and(|read| mod_seq >= *read) {
            return false;
        }
        let done = self.other().restore_backup(&name, &backup);
        self.note(|| format!("restore {name:?}: {done:?}"));
        done.is_ok()
    }
}
