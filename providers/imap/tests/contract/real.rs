//! The suite on a real Dovecot.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::DateTime;
use postrider_contract::{Letter, MailHarness, mail_suite};
use postrider_imap::ImapRemote;
use postrider_model::Uid;
use postrider_net::{Endpoint, TcpDialer};
use postrider_remote::MailRemote;
use postrider_test_support::{Dovecot, ImapClient};

use super::{PASSWORD, USER, settings};

struct Real {
    server: Dovecot,
    other: ImapClient,
}

impl Real {
    fn new(withheld: &[&str]) -> Self {
        let server = Dovecot::builder().user(USER, PASSWORD).without(withheld).start().unwrap();
        let other = server.client(USER).unwrap();
        Self { server, other }
    }

    fn uids(uids: &[Uid]) -> String {
        uids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}

#[async_trait]
impl MailHarness for Real {
    fn remote(&self) -> Box<dyn MailRemote> {
        let address = self.server.imap_addr();
        let endpoint = Endpoint::new(address.ip().to_string(), address.port());
        Box::new(ImapRemote::new(settings(endpoint), Arc::new(TcpDialer)))
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
        self.server.stop();
    }
}

#[tokio::test]
async fn a_dovecot_with_everything() {
    mail_suite(&mut Real::new(&[])).await;
}

#[tokio::test]
async fn a_dovecot_without_qresync() {
    mail_suite(&mut Real::new(&["QRESYNC"])).await;
}

#[tokio::test]
async fn a_dovecot_without_mod_sequences() {
    mail_suite(&mut Real::new(&["QRESYNC", "CONDSTORE", "ESEARCH", "LIST-STATUS"])).await;
}
