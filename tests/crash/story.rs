//! Forty operations between two runs: here, there, and on both sides of the same messages.

use std::collections::{BTreeMap, BTreeSet};

use postrider::service::{FlagEdit, MailFilter};
use postrider_fake::{Capabilities, Capability, ServerConfig};
use postrider_model::PlacementId;
use postrider_sim::{
    machine::Machine,
    stored::{Standing, standings},
};
use std::sync::Arc;

use postrider_sim::trace::Trace;

use crate::scene::{date, other};

/// What a server may offer: each is another way of sending.
pub fn offers() -> [(&'static str, Capabilities); 5] {
    let all = Capabilities::all();
    [
        ("everything", all.clone()),
        ("no MOVE", all.clone().without([Capability::Move])),
        ("no UIDPLUS", all.clone().without([Capability::UidPlus])),
        ("no UIDPLUS, no MOVE", all.clone().without([Capability::UidPlus, Capability::Move])),
        ("nothing", Capabilities::bare()),
    ]
}

/// A machine with forty messages in four folders on its server, and nothing here.
pub fn empty(offered: &Capabilities) -> Machine {
    let mut machine = Machine::new(0, Arc::new(Trace::new(false))).unwrap();
    let server = ServerConfig { capabilities: offered.clone(), ..ServerConfig::default() };
    machine.add_account(server, "all", &[]).unwrap();
    let other = other(&machine);
    for (folder, count) in [("INBOX", 30), ("Work", 6), ("Archive", 4), ("Trash", 0)] {
        // INBOX is there already.
        let _ = other.create_mailbox(folder);
        for number in 0..count {
            other.append(folder, letter(&format!("{folder} {number}")), &[], date(number)).unwrap();
        }
    }
    other.set_special_use("Trash", &["\\Trash"]).unwrap();
    machine
}

fn letter(subject: &str) -> Vec<u8> {
    let id = subject.replace(' ', "-");
    format!(
        "From: someone@example.org\r\nSubject: {subject}\r\nMessage-ID: <{id}@example.org>\r\n\
         Date: Mon, 15 Jun 2026 08:00:00 +0000\r\n\r\n{subject}\r\n"
    )
    .into_bytes()
}

/// What a person does, by the program's commands.
pub fn play_here(machine: &Machine) {
    let here = Here(machine);
    only_here(&here);
    both_here(&here);
    taken_back(&here);
}

/// What somebody else does meanwhile.
pub fn play_there(machine: &Machine) {
    let there = There(machine);
    only_there(&there);
    both_there(&there);
}

fn only_here(here: &Here<'_>) {
    here.flag("INBOX 0", &["+seen", "+Todo"]);
    here.flag("INBOX 1", &["+seen", "+Todo"]);
    here.flag("INBOX 2", &["+flagged", "+answered"]);
    here.put("INBOX 3", "Work");
    here.put("INBOX 4", "Work");
    here.put("Work 0", "Archive");
    here.copy("INBOX 5", "Archive");
    here.copy("INBOX 5", "INBOX");
    here.delete("INBOX 6", false);
    here.delete("INBOX 7", true);
    here.flag("INBOX 8", &["+flagged"]);
    here.put("INBOX 8", "Archive");
    here.copy("INBOX 9", "Work");
    here.put("INBOX 9", "Trash");
}

fn only_there(there: &There<'_>) {
    there.flag("INBOX", "INBOX 10", &["\\Seen", "Later"], true);
    there.flag("INBOX", "INBOX 26", &["\\Seen"], true);
    there.flag("INBOX", "INBOX 26", &["\\Seen"], false);
    there.put("INBOX", "INBOX 11", "Work");
    there.put("Archive", "Archive 0", "INBOX");
    there.expunge("Work", "Work 1");
    other(there.0).append("Work", letter("new there"), &["\\Flagged"], date(0)).unwrap();
    other(there.0).copy("INBOX", &[there.uid("INBOX", "INBOX 12")], "Work").unwrap();
    there.flag("Work", "Work 2", &["\\Answered"], true);
}

/// Each of these messages is changed on both sides before they meet.
fn both_here(here: &Here<'_>) {
    here.flag("INBOX 13", &["+flagged"]);
    here.flag("INBOX 14", &["+seen", "+Same"]);
    here.flag("INBOX 15", &["+flagged"]);
    here.put("INBOX 16", "Archive");
    here.put("INBOX 17", "Archive");
    here.delete("INBOX 18", true);
    here.flag("INBOX 19", &["+flagged"]);
    here.delete("INBOX 20", true);
    here.copy("INBOX 21", "Work");
}

/// The other side of it.
fn both_there(there: &There<'_>) {
    there.flag("INBOX", "INBOX 13", &["\\Seen"], true);
    there.flag("INBOX", "INBOX 14", &["\\Seen", "same"], true);
    there.put("INBOX", "INBOX 15", "Work");
    there.put("INBOX", "INBOX 17", "Work");
    there.flag("INBOX", "INBOX 16", &["\\Seen"], true);
    there.flag("INBOX", "INBOX 18", &["\\Flagged"], true);
    for subject in ["INBOX 19", "INBOX 20", "INBOX 21"] {
        there.expunge("INBOX", subject);
    }
}

fn taken_back(here: &Here<'_>) {
    here.flag("INBOX 22", &["+seen"]);
    here.flag("INBOX 22", &["-seen"]);
    here.put("INBOX 23", "Work");
    here.put("INBOX 23", "INBOX");
    here.delete("INBOX 24", true);
    here.restore("INBOX 24");
    here.delete("INBOX 25", true);
}

/// A person, by the program's commands.
struct Here<'a>(&'a Machine);

impl Here<'_> {
    /// The message of that subject; of several, the oldest id's.
    fn id(&self, subject: &str, deleted: bool) -> PlacementId {
        let service = self.0.service().unwrap();
        let filter = MailFilter { limit: 1_000, deleted, ..MailFilter::default() };
        let rows = service.mail(&service.owner(), &filter).unwrap().rows;
        let ids = rows.iter().filter(|row| row.subject == subject).map(|row| row.id);
        ids.min().unwrap_or_else(|| panic!("{subject} is not here"))
    }

    fn flag(&self, subject: &str, words: &[&str]) {
        let (id, mut service) = (self.id(subject, false), self.0.service().unwrap());
        let edit = FlagEdit::parse(words.iter().copied()).unwrap();
        let caller = service.owner();
        service.flag_mail(&caller, &[id], &edit).unwrap();
    }

    fn put(&self, subject: &str, to: &str) {
        let (id, mut service) = (self.id(subject, false), self.0.service().unwrap());
        let caller = service.owner();
        service.move_mail(&caller, &[id], to).unwrap();
    }

    fn copy(&self, subject: &str, to: &str) {
        let (id, mut service) = (self.id(subject, false), self.0.service().unwrap());
        let caller = service.owner();
        service.copy_mail(&caller, &[id], to).unwrap();
    }

    fn delete(&self, subject: &str, expunge: bool) {
        let (id, mut service) = (self.id(subject, false), self.0.service().unwrap());
        let caller = service.owner();
        service.delete_mail(&caller, &[id], expunge).unwrap();
    }

    fn restore(&self, subject: &str) {
        let (id, mut service) = (self.id(subject, true), self.0.service().unwrap());
        let caller = service.owner();
        service.restore(&caller, &[id]).unwrap();
    }
}

/// Somebody else, on the server.
struct There<'a>(&'a Machine);

impl There<'_> {
    fn uid(&self, folder: &str, subject: &str) -> u32 {
        let bytes = letter(subject);
        let view = other(self.0).snapshot().remove(folder).unwrap();
        let found = view.messages.iter().find(|message| *message.bytes == *bytes);
        found.unwrap_or_else(|| panic!("{subject} is not in {folder}")).uid
    }

    fn flag(&self, folder: &str, subject: &str, flags: &[&str], on: bool) {
        let (uid, other) = (self.uid(folder, subject), other(self.0));
        match on {
            true => other.add_flags(folder, uid, flags).unwrap(),
            false => other.remove_flags(folder, uid, flags).unwrap(),
        }
    }

    fn put(&self, folder: &str, subject: &str, to: &str) {
        other(self.0).move_messages(folder, &[self.uid(folder, subject)], to).unwrap();
    }

    fn expunge(&self, folder: &str, subject: &str) {
        other(self.0).expunge(folder, &[self.uid(folder, subject)]).unwrap();
    }
}

/// Every message that is there, by folder, subject and flags, those left out that are gone and carry a mark.
pub fn told(machine: &Machine) -> Vec<String> {
    let mut told = Vec::new();
    for (folder, view) in other(machine).snapshot() {
        for message in view.messages {
            let text = String::from_utf8_lossy(&message.bytes).into_owned();
            let subject = text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap().to_owned();
            let mut flags: Vec<String> =
                message.flags.iter().map(|flag| flag.trim_start_matches('\\').to_lowercase()).collect();
            flags.sort();
            if !flags.contains(&"deleted".to_owned()) {
                told.push(format!("{folder}: {subject}: {}", flags.join(" ")));
            }
        }
    }
    told.sort();
    told
}

/// Where the messages stand that were here already, by their id.
pub fn seats(machine: &Machine, known: &BTreeSet<i64>) -> BTreeMap<i64, String> {
    let all: Vec<Standing> = standings(&machine.store()).unwrap();
    let live = all.into_iter().filter(|one| !one.is_deleted && known.contains(&one.id));
    live.map(|one| (one.id, one.stands_in)).collect()
}

/// Folder, subject and flags of every message in the end.
pub const EXPECTED: [&str; 39] = [
    "Archive: Archive 1: ",
    "Archive: Archive 2: ",
    "Archive: Archive 3: ",
    "Archive: INBOX 16: seen",
    "Archive: INBOX 17: ",
    "Archive: INBOX 5: ",
    "Archive: INBOX 8: flagged",
    "Archive: Work 0: ",
    "INBOX: Archive 0: ",
    "INBOX: INBOX 0: seen todo",
    "INBOX: INBOX 10: later seen",
    "INBOX: INBOX 12: ",
    "INBOX: INBOX 13: flagged seen",
    "INBOX: INBOX 14: same seen",
    "INBOX: INBOX 1: seen todo",
    "INBOX: INBOX 22: ",
    "INBOX: INBOX 23: ",
    "INBOX: INBOX 24: ",
    "INBOX: INBOX 26: ",
    "INBOX: INBOX 27: ",
    "INBOX: INBOX 28: ",
    "INBOX: INBOX 29: ",
    "INBOX: INBOX 2: answered flagged",
    "INBOX: INBOX 5: ",
    "INBOX: INBOX 5: ",
    "Trash: INBOX 6: ",
    "Trash: INBOX 9: ",
    "Work: INBOX 11: ",
    "Work: INBOX 12: ",
    "Work: INBOX 15: flagged",
    "Work: INBOX 21: ",
    "Work: INBOX 3: ",
    "Work: INBOX 4: ",
    "Work: INBOX 9: ",
    "Work: Work 2: answered",
    "Work: Work 3: ",
    "Work: Work 4: ",
    "Work: Work 5: ",
    "Work: new there: flagged",
];
