//! The suite on a real Dovecot.

use std::{net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use chrono::DateTime;
use postrider_contract::{
    Abilities, Deed, Letter, MailHarness, Tells, WriteHarness, mail_suite, watch_suite, write_suite,
};
use postrider_imap::ImapRemote;
use postrider_model::Uid;
use postrider_net::{Endpoint, TcpDialer};
use postrider_remote::{MailRemote, MailWatcher, MailWriter};
use postrider_test_support::{Dovecot, ImapClient};

use super::{PASSWORD, USER, settings};

struct Real {
    /// Until it vanishes.
    server: Option<Dovecot>,
    address: SocketAddr,
    withheld: Vec<String>,
    other: ImapClient,
}

impl Real {
    fn new(withheld: &[&str]) -> Self {
        let server = Dovecot::builder().user(USER, PASSWORD).without(withheld).start().unwrap();
        let (other, address) = (server.client(USER).unwrap(), server.imap_addr());
        Self {
            server: Some(server),
            address,
            other,
            withheld: withheld.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn imap(&self) -> ImapRemote {
        let endpoint = Endpoint::new(self.address.ip().to_string(), self.address.port());
        ImapRemote::new(settings(endpoint), Arc::new(TcpDialer))
    }

    fn has(&self, capability: &str) -> bool {
        !self.withheld.iter().any(|withheld| withheld == capability)
    }

    fn uids(uids: &[Uid]) -> String {
        uids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}

#[async_trait]
impl MailHarness for Real {
    fn remote(&self) -> Box<dyn MailRemote> {
        Box::new(self.imap())
    }

    async fn create(&mut self, folder: &str) {
        self.other.create(folder).unwrap();
    }

    async fn rename(&mut self, from: &str, to: &str) {
        self.other.rename(from, to).unwrap();
    }

    async fn delete(&mut self, folder: &str) {
        // What is open cannot be deleted everywhere.
        self.other.select("INBOX").unwrap();
        self.other.delete(folder).unwrap();
    }

    async fn append(&mut self, folder: &str, letter: &Letter) -> Uid {
        let date = DateTime::from_timestamp(letter.received.seconds(), 0).unwrap();
        let date = date.format("%d-%b-%Y %H:%M:%S +0000").to_string();
        self.other.append(folder, &letter.flags.join(" "), &date, &letter.bytes).unwrap()
    }

    async fn set_flags(&mut self, folder: &str, uid: Uid, flags: &[&str]) {
        self.other.select(folder).unwrap();
        self.other.store(&uid.to_string(), "FLAGS", &flags.join(" ")).unwrap();
    }

    async fn expunge(&mut self, folder: &str, uids: &[Uid]) {
        self.other.select(folder).unwrap();
        self.other.expunge(&Self::uids(uids)).unwrap();
    }

    async fn move_to(&mut self, from: &str, uids: &[Uid], to: &str) {
        self.other.select(from).unwrap();
        self.other.move_to(&Self::uids(uids), to).unwrap();
    }

    async fn renumber(&mut self, folder: &str, letters: &[Letter]) {
        self.delete(folder).await;
        self.create(folder).await;
        for letter in letters {
            self.append(folder, letter).await;
        }
    }

    async fn restored_after(&mut self, _: &str, _: &Letter) -> bool {
        false
    }

    async fn refuse(&mut self, _: bool) -> bool {
        false
    }

    async fn vanish(&mut self) {
        // Killed: an orderly end takes ten seconds.
        self.server = None;
    }
}

#[async_trait]
impl WriteHarness for Real {
    fn writer(&self) -> Box<dyn MailWriter> {
        Box::new(self.imap())
    }

    fn watcher(&self) -> Box<dyn MailWatcher> {
        Box::new(self.imap())
    }

    fn abilities(&self) -> Abilities {
        // Dovecot tells places also where it does not announce that it can.
        Abilities { tells_places: true, erases_by_name: self.has("UIDPLUS"), moves: self.has("MOVE") }
    }

    async fn subscribed(&mut self) -> Vec<String> {
        let lines = self.other.command("LSUB \"\" \"*\"").unwrap().lines();
        let name =
            |line: &String| line.rsplit_once("\"/\" ").map(|(_, name)| name.trim_matches('"').to_owned());
        lines.iter().filter_map(name).collect()
    }

    async fn lose_answers_to(&mut self, _: Option<Deed>) -> bool {
        false
    }

    async fn keep_no_keywords(&mut self, _: &str) -> bool {
        false
    }

    async fn fill_up(&mut self, _: bool) -> bool {
        false
    }
}

#[tokio::test]
async fn a_dovecot_with_everything() {
    mail_suite(&mut Real::new(&[])).await;
    write_suite(&mut Real::new(&[])).await;
}

#[tokio::test]
async fn a_dovecot_that_writes_with_less() {
    let withheld: [&[&str]; 6] = [
        &["MOVE"],
        &["UIDPLUS"],
        &["MOVE", "UIDPLUS"],
        &["QRESYNC", "MOVE"],
        &["QRESYNC", "CONDSTORE"],
        &["QRESYNC", "CONDSTORE", "MOVE", "UIDPLUS", "LITERAL+", "UNSELECT", "NAMESPACE", "ESEARCH"],
    ];
    for withheld in withheld {
        write_suite(&mut Real::new(withheld)).await;
    }
}

#[tokio::test]
async fn a_dovecot_that_is_watched_by_notify() {
    watch_suite(&mut Real::new(&[]), Tells::ChangesOfWhatIsOpen).await;
}

#[tokio::test]
async fn a_dovecot_that_is_watched_by_idle() {
    watch_suite(&mut Real::new(&["NOTIFY"]), Tells::ChangesOfWhatIsOpen).await;
}

#[tokio::test]
async fn a_dovecot_that_cannot_be_watched() {
    watch_suite(&mut Real::new(&["NOTIFY", "IDLE"]), Tells::Nothing).await;
}

#[tokio::test]
async fn a_dovecot_without_qresync() {
    mail_suite(&mut Real::new(&["QRESYNC"])).await;
}

#[tokio::test]
async fn a_dovecot_without_mod_sequences() {
    mail_suite(&mut Real::new(&["QRESYNC", "CONDSTORE", "ESEARCH", "LIST-STATUS"])).await;
}
