//! The mail that the suite is about, before and after somebody else was at it.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    sync::Arc,
};

use chrono::DateTime;
use postrider_fake::{Capabilities, Capability, InternalDate, OtherClient, ServerConfig};
use postrider_sim::{
    machine::{BEGINNING, Machine},
    stored::{Standing, standings},
    trace::Trace,
};

/// Lines of an attachment. More than the engine commits at once has to come, or a first load would be one commit a folder.
const LINES: usize = 12_000;

/// So many hours before the beginning.
pub fn date(hour: i64) -> InternalDate {
    DateTime::from_timestamp(BEGINNING.seconds() - hour * 3600, 0).unwrap().fixed_offset()
}

fn message(number: usize, is_large: bool) -> Vec<u8> {
    let head = format!(
        "From: someone@example.org\r\nSubject: number {number}\r\nMessage-ID: <{number}@example.org>\r\n"
    );
    if !is_large {
        return format!("{head}\r\nnothing new\r\n").into_bytes();
    }
    let kind = "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n";
    let line = format!("{}\r\n", "QUJD".repeat(19));
    format!("{head}{kind}\r\n{}", line.repeat(LINES)).into_bytes()
}

/// What a server may offer: each is another way of reading changes.
pub fn offers() -> [(&'static str, Capabilities); 3] {
    let all = Capabilities::all();
    [
        ("QRESYNC", all.clone()),
        ("CONDSTORE", all.without([Capability::QResync, Capability::ObjectId])),
        ("neither", Capabilities::bare()),
    ]
}

/// A machine with one account and sixty messages in three folders, none of which is here yet. To be called within a runtime.
pub fn machine(offered: &Capabilities) -> Machine {
    let mut machine = Machine::new(0, Arc::new(Trace::new(false))).unwrap();
    let server = ServerConfig { capabilities: offered.clone(), ..ServerConfig::default() };
    machine.add_account(server, "all", &[]).unwrap();
    let other = other(&machine);
    for (folder, count) in [("INBOX", 30), ("Größe", 20), ("Work", 10)] {
        // INBOX is there already.
        let _ = other.create_mailbox(folder);
        for number in 0..count {
            let is_large = number % 10 == 1 && folder != "Work";
            let flags: &[&str] = if number % 3 == 0 { &["\\Seen", "Todo"] } else { &[] };
            other
                .append(folder, message(number + 100 * folder.len(), is_large), flags, date(number as i64))
                .unwrap();
        }
        // Twins: the same bytes twice in one folder.
        other.copy(folder, &[1], folder).unwrap();
    }
    machine
}

/// A machine whose store is that one's, and on which somebody else was at the mail since.
pub fn stirred(offered: &Capabilities, loaded: &Machine) -> Machine {
    let machine = machine(offered);
    // The servers of two machines are the same to the last UID, so that the store of the one fits the other.
    take_store(&machine, loaded);
    stir(&machine);
    machine
}

/// Gives a machine the store of another one.
pub fn take_store(machine: &Machine, of: &Machine) {
    DirBuilder::new().mode(0o700).create(machine.store()).unwrap();
    for file in fs::read_dir(of.store()).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), machine.store().join(file.file_name())).unwrap();
    }
}

/// Somebody else's hand on the account's mail.
pub fn other(machine: &Machine) -> OtherClient {
    machine.mailboxes.first().unwrap().other.clone()
}

/// What somebody else does between the first load and the next run: new mail, flags, deletions, moves both ways, a new folder,
/// another name, another UIDVALIDITY.
fn stir(machine: &Machine) {
    let other = other(machine);
    for number in 900..912 {
        other.append("INBOX", message(number, number % 4 == 0), &[], date(0)).unwrap();
    }
    other.add_flags("INBOX", 3, &["\\Flagged", "Later"]).unwrap();
    other.remove_flags("INBOX", 4, &["\\Seen"]).unwrap();
    other.expunge("INBOX", &[5, 6, 7]).unwrap();
    other.move_messages("INBOX", &[10, 11, 12], "Work").unwrap();
    other.move_messages("Work", &[2, 3], "INBOX").unwrap();
    other.create_mailbox("New").unwrap();
    other.copy("INBOX", &[13, 14], "New").unwrap();
    other.rename_mailbox("Work", "Work renamed").unwrap();
    other.expunge("Größe", &[4]).unwrap();
    other.bump_uid_validity("Größe").unwrap();
}

/// A message where it stands, by all that a server tells of it.
pub type Content = BTreeSet<(String, u32, String, Vec<String>, i64)>;

/// What stands somewhere, apart from the ids that are given to it here.
pub fn content(machine: &Machine) -> Content {
    let all = standings(&machine.store()).unwrap();
    let live: Vec<&Standing> = all.iter().filter(|one| one.is_followed()).collect();
    let content: Content = live.iter().map(|one| in_words(one)).collect();
    assert_eq!(content.len(), live.len(), "a message is here twice");
    content
}

fn in_words(one: &Standing) -> (String, u32, String, Vec<String>, i64) {
    let uid = one.uid.expect("what stands in a folder has a UID there");
    let flags = one.flags.iter().cloned().collect();
    (one.folder.clone(), uid, one.hash.to_string(), flags, one.internal_date)
}

/// The bytes that were ever here, by their hash.
pub fn bytes(machine: &Machine) -> BTreeSet<String> {
    standings(&machine.store()).unwrap().iter().map(|one| one.hash.to_string()).collect()
}
