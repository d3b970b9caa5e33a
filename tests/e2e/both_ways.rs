//! Forty operations, here, there and on both sides between runs: both sides end equal, and as the operations say (F2.4). With all
//! that a server may offer for it, and without each of it.

use std::collections::BTreeMap;

use postrider_test_support::{dovecot::Builder, imaplib::DumpedFolder};
use serde_json::Value;

use crate::in_step::{assert_in_step, assert_still, on_server};
use crate::scene::{Scene, letter, number, text};
use crate::sending::{let_send, provide};
use postrider_test_support::{Certs, Delivery, Dovecot, ImapClient, Postfix, postfix};

use crate::scene::USER;

const FOLDERS: &str = "namespace inbox {\n  inbox = yes\n  mailbox Trash {\n    special_use = \\Trash\n    auto = create\n  }\n  \
                       mailbox Sent {\n    special_use = \\Sent\n    auto = create\n  }\n}\n";

#[test]
fn with_a_server_that_has_everything() {
    Story::with(&[]).tell();
}

#[test]
fn without_qresync() {
    Story::with(&["QRESYNC"]).tell();
}

#[test]
fn without_condstore() {
    Story::with(&["QRESYNC", "CONDSTORE"]).tell();
}

#[test]
fn without_uidplus() {
    Story::with(&["UIDPLUS"]).tell();
}

#[test]
fn without_move() {
    Story::with(&["MOVE"]).tell();
}

#[test]
fn without_any_of_it() {
    Story::with(&["QRESYNC", "CONDSTORE", "UIDPLUS", "MOVE", "ESEARCH", "LIST-STATUS", "LITERAL+"]).tell();
}

/// A server with forty messages in three folders, and the operations.
pub struct Story {
    pub scene: Scene,
    client: ImapClient,
    /// Whether the server erases single messages.
    erases: bool,
}

impl Story {
    fn with(withheld: &[&str]) -> Self {
        Self::on(Dovecot::builder(), withheld)
    }

    /// On that server, without some of what it has.
    pub fn on(builder: Builder, withheld: &[&str]) -> Self {
        let extra = format!("{}{FOLDERS}", postfix::AUTH_LISTENER);
        let scene = Scene::of(builder.without(withheld).extra(&extra));
        for (folder, count) in [("INBOX", 30), ("Work", 6), ("Archive", 4)] {
            let mail = (0..count).map(|number| Delivery::new(letter(&format!("{folder} {number}"))));
            scene.server.fill(USER, folder, mail).unwrap();
        }
        let client = scene.client();
        let erases = !withheld.contains(&"UIDPLUS");
        Self { scene, client, erases }
    }

    fn tell(mut self) {
        let certs = Certs::new().unwrap();
        let postfix = Postfix::builder(&self.scene.server).tls(&certs.good).start().unwrap();
        provide(&self.scene.home, self.scene.proxy.addr(), postfix.submission_addr(), &certs);
        let_send(&self.scene.home, "");
        self.scene.sync();
        let flagged_and_moved = self.id("INBOX 8");
        self.only_here();
        self.sent();
        let report = self.scene.sync();
        assert!(number(&report["mail"]["pushed"]) >= 13, "{report}");
        self.settle();
        assert_eq!(self.id("INBOX 8"), flagged_and_moved, "the id survives");
        self.only_there();
        self.there_after_here();
        self.settle();
        self.the_same_messages_on_both_sides();
        self.settle();
        self.changed_and_taken_back();
        let report = self.scene.sync();
        assert_eq!(number(&report["mail"]["pushed"]), 0, "{report}");
        let restored = self.sent_and_taken_back();
        self.settle();
        assert_eq!(self.id("INBOX 25"), restored, "it is there again, under its id");
        assert_eq!(told(&on_server(&self.scene)), sorted(EXPECTED));
        assert_eq!(postfix.wait_for(2).unwrap().len(), 2, "each went out once");
    }

    /// One message goes out at once, an answer with the next run.
    fn sent(&self) {
        let text = ["--text", "x"];
        self.here(&[&["send", "--to", "bert@example.org", "--subject", "written here"][..], &text].concat());
        let answered = self.id("INBOX 27");
        self.here(&[&["send", "--reply-to-id", &answered, "--later"][..], &text].concat());
    }

    /// The id of the live message of that subject; of several, the oldest id's.
    pub fn id(&self, subject: &str) -> String {
        let rows = self.scene.listed();
        let mut ids: Vec<(u64, String)> = rows
            .iter()
            .filter(|row| row["subject"] == subject)
            .map(|row| text(&row["id"]))
            .map(|id| (id[1..].parse().unwrap(), id))
            .collect();
        ids.sort();
        ids.into_iter().next().unwrap_or_else(|| panic!("{subject} is not here")).1
    }

    pub fn here(&self, arguments: &[&str]) -> Value {
        self.scene.run(&[&["--json", "mail"], arguments].concat()).ok().json()
    }

    fn uid(&mut self, folder: &str, subject: &str) -> String {
        self.client.select(folder).unwrap();
        let id = format!("<{}@example.org>", subject.replace(' ', "-"));
        let answer = self.client.command(&format!("UID SEARCH HEADER Message-ID \"{id}\"")).unwrap();
        let lines = answer.lines();
        let found = lines.iter().find_map(|line| line.strip_prefix("SEARCH "));
        let found = found.unwrap_or_else(|| panic!("{subject} is not in {folder}: {lines:?}"));
        found.split(' ').next().unwrap().to_owned()
    }

    fn store_there(&mut self, folder: &str, subject: &str, how: &str, flags: &str) {
        let uid = self.uid(folder, subject);
        self.client.store(&uid, how, flags).unwrap();
    }

    /// What was sent is read back by the next run, and the one after that has nothing to do.
    fn settle(&mut self) {
        self.scene.sync();
        self.scene.sync();
        if !self.erases {
            // Somebody erases what could only be marked.
            for folder in ["INBOX", "Work", "Archive", "Trash", "Sent"] {
                self.client.select(folder).unwrap();
                self.client.command("EXPUNGE").unwrap();
            }
            self.scene.sync();
        }
        assert_in_step(&self.scene);
        assert_still(&self.scene, "after the round");
        let status = self.scene.run(&["--json", "status"]).ok().json();
        assert_eq!(number(&status[0]["unsent"]), 0, "{status}");
    }

    /// Operations 1 to 12.
    pub fn only_here(&mut self) {
        let id = |subject| self.id(subject);
        self.here(&["flag", &id("INBOX 0"), &id("INBOX 1"), "+seen", "+Todo"]);
        self.here(&["flag", &id("INBOX 2"), "+flagged", "+answered"]);
        self.here(&["move", &id("INBOX 3"), &id("INBOX 4"), "--to", "Work"]);
        self.here(&["move", &id("Work 0"), "--to", "Archive"]);
        self.here(&["copy", &id("INBOX 5"), "--to", "Archive"]);
        self.here(&["copy", &id("INBOX 5"), "--to", "INBOX"]);
        self.here(&["delete", &id("INBOX 6")]);
        self.here(&["delete", &id("INBOX 7"), "--expunge"]);
        let flagged_and_moved = id("INBOX 8");
        self.here(&["flag", &flagged_and_moved, "+flagged"]);
        self.here(&["move", &flagged_and_moved, "--to", "Archive"]);
        let copied_and_moved = id("INBOX 9");
        self.here(&["copy", &copied_and_moved, "--to", "Work"]);
        self.here(&["move", &copied_and_moved, "--to", "Trash"]);
    }

    /// Operations 13 to 18.
    pub fn only_there(&mut self) {
        self.store_there("INBOX", "INBOX 10", "+FLAGS", "\\Seen Later");
        let uid = self.uid("INBOX", "INBOX 11");
        self.client.move_to(&uid, "Work").unwrap();
        let uid = self.uid("Work", "Work 1");
        self.client.expunge(&uid).unwrap();
        self.client.append("Work", "\\Flagged", "01-Mar-2024 12:00:00 +0000", &letter("new there")).unwrap();
        let uid = self.uid("INBOX", "INBOX 12");
        self.client.command(&format!("UID COPY {uid} Work")).unwrap();
        self.store_there("Work", "Work 2", "+FLAGS", "\\Answered");
    }

    /// Operations 19 and 20: what was changed here is changed back there.
    fn there_after_here(&mut self) {
        self.store_there("INBOX", "INBOX 0", "-FLAGS", "\\Seen Todo");
        let uid = self.uid("Archive", "INBOX 8");
        self.client.move_to(&uid, "INBOX").unwrap();
    }

    /// Operations 21 to 34: each message is changed on both sides before they meet.
    pub fn the_same_messages_on_both_sides(&mut self) {
        let id = |subject| self.id(subject);
        // Other flags of one message, and the same one.
        self.here(&["flag", &id("INBOX 13"), "+flagged"]);
        self.here(&["flag", &id("INBOX 14"), "+seen", "+Same"]);
        // Flagged here, moved there; moved here, flagged there.
        self.here(&["flag", &id("INBOX 15"), "+flagged"]);
        self.here(&["move", &id("INBOX 16"), "--to", "Archive"]);
        // Moved to two places; deleted here and flagged there; flagged here and deleted there.
        self.here(&["move", &id("INBOX 17"), "--to", "Archive"]);
        self.here(&["delete", &id("INBOX 18"), "--expunge"]);
        self.here(&["flag", &id("INBOX 19"), "+flagged"]);
        // Deleted on both sides; copied here and erased there.
        self.here(&["delete", &id("INBOX 20"), "--expunge"]);
        self.here(&["copy", &id("INBOX 21"), "--to", "Work"]);
        self.store_there("INBOX", "INBOX 13", "+FLAGS", "\\Seen");
        self.store_there("INBOX", "INBOX 14", "+FLAGS", "\\Seen same");
        for (subject, to) in [("INBOX 15", "Work"), ("INBOX 17", "Work")] {
            let uid = self.uid("INBOX", subject);
            self.client.move_to(&uid, to).unwrap();
        }
        self.store_there("INBOX", "INBOX 16", "+FLAGS", "\\Seen");
        self.store_there("INBOX", "INBOX 18", "+FLAGS", "\\Flagged");
        for subject in ["INBOX 19", "INBOX 20", "INBOX 21"] {
            let uid = self.uid("INBOX", subject);
            self.client.expunge(&uid).unwrap();
        }
    }

    /// Operations 35 to 38.
    pub fn changed_and_taken_back(&mut self) {
        let flag = self.id("INBOX 22");
        self.here(&["flag", &flag, "+seen"]);
        self.here(&["flag", &flag, "-seen"]);
        let moved = self.id("INBOX 23");
        self.here(&["move", &moved, "--to", "Work"]);
        self.here(&["move", &moved, "--to", "INBOX"]);
        let deleted = self.id("INBOX 24");
        self.here(&["delete", &deleted, "--expunge"]);
        self.here(&["restore", &deleted]);
    }

    /// Operations 39 and 40; answers the message's id.
    fn sent_and_taken_back(&self) -> String {
        let sent = self.id("INBOX 25");
        self.here(&["delete", &sent, "--expunge"]);
        self.scene.sync();
        self.here(&["restore", &sent]);
        sent
    }
}

/// What a server holds, by folder and subject, with the flags that were set; sorted.
pub fn told(there: &BTreeMap<String, DumpedFolder>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (folder, messages) in there {
        for message in &messages.messages {
            let raw = String::from_utf8_lossy(&message.bytes);
            let subject = raw.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap().to_owned();
            let mut flags: Vec<String> = message
                .flags
                .iter()
                .map(|flag| flag.trim_start_matches('\\').to_lowercase())
                .filter(|flag| flag != "recent")
                .collect();
            flags.sort();
            found.push(format!("{folder}: {subject}: {}", flags.join(" ")));
        }
    }
    found.sort();
    found
}

fn sorted(lines: &[&str]) -> Vec<String> {
    let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    lines.sort();
    lines
}

/// Folder, subject and flags of every message in the end.
const EXPECTED: &[&str] = &[
    "INBOX: INBOX 0: ",
    "INBOX: INBOX 1: seen todo",
    "INBOX: INBOX 2: answered flagged",
    "Work: INBOX 3: ",
    "Work: INBOX 4: ",
    "Archive: Work 0: ",
    "INBOX: INBOX 5: ",
    "INBOX: INBOX 5: ",
    "Archive: INBOX 5: ",
    "Trash: INBOX 6: ",
    "INBOX: INBOX 8: flagged",
    "Trash: INBOX 9: ",
    "Work: INBOX 9: ",
    "INBOX: INBOX 10: later seen",
    "Work: INBOX 11: ",
    "INBOX: INBOX 12: ",
    "Work: INBOX 12: ",
    "Work: Work 2: answered",
    "Work: new there: flagged",
    "INBOX: INBOX 13: flagged seen",
    "INBOX: INBOX 14: same seen",
    "Work: INBOX 15: flagged",
    "Archive: INBOX 16: seen",
    "Archive: INBOX 17: ",
    "Work: INBOX 21: ",
    "INBOX: INBOX 22: ",
    "INBOX: INBOX 23: ",
    "INBOX: INBOX 24: ",
    "INBOX: INBOX 25: ",
    "INBOX: INBOX 26: ",
    "INBOX: INBOX 27: ",
    "INBOX: INBOX 28: ",
    "INBOX: INBOX 29: ",
    "Work: Work 3: ",
    "Work: Work 4: ",
    "Work: Work 5: ",
    "Archive: Archive 0: ",
    "Archive: Archive 1: ",
    "Archive: Archive 2: ",
    "Archive: Archive 3: ",
    "Sent: written here: seen",
    "Sent: Re: INBOX 27: seen",
];
