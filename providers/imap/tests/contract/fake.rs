//! The suite on the strict server.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::DateTime;
use postrider_contract::{Letter, MailHarness, mail_suite};
use postrider_fake::{
    Action, Capabilities, Capability, FakeDialer, FaultPlan, InternalDate, OtherClient, Server, ServerConfig,
    Trigger, faults::codes,
};
use postrider_imap::ImapRemote;
use postrider_model::{Timestamp, Uid};
use postrider_net::Endpoint;
use postrider_remote::MailRemote;

use super::{PASSWORD, USER, settings};

/// What comes behind the login and is more than manners.
const COMMANDS: [&str; 6] = ["LIST", "STATUS", "EXAMINE", "UID SEARCH", "UID FETCH", "NAMESPACE"];

struct Fake {
    server: Server,
    anna: OtherClient,
    net: FakeDialer,
}

impl Fake {
    fn new(config: ServerConfig) -> Self {
        let server = Server::new(config);
        let anna = server.add_user(USER, PASSWORD);
        let net = FakeDialer::new();
        net.add(place(), &server);
        Self { server, anna, net }
    }

    /// The server's own name of a folder.
    fn own(&self, folder: &str) -> String {
        folder.replace('/', &self.server.config().delimiter.to_string())
    }
}

fn place() -> Endpoint {
    Endpoint::new("localhost", 143)
}

fn date(at: Timestamp) -> InternalDate {
    DateTime::from_timestamp(at.seconds(), 0).unwrap().fixed_offset()
}

fn append(anna: &OtherClient, folder: &str, letter: &Letter) -> Uid {
    let flags: Vec<&str> = letter.flags.iter().map(String::as_str).collect();
    anna.append(folder, letter.bytes.clone(), &flags, date(letter.received)).unwrap()
}

#[async_trait]
impl MailHarness for Fake {
    fn remote(&self) -> Box<dyn MailRemote> {
        Box::new(ImapRemote::new(settings(place()), Arc::new(self.net.clone())))
    }

    async fn create(&mut self, folder: &str) {
        self.anna.create_mailbox(&self.own(folder)).unwrap();
    }

    async fn rename(&mut self, from: &str, to: &str) {
        self.anna.rename_mailbox(&self.own(from), &self.own(to)).unwrap();
    }

    async fn delete(&mut self, folder: &str) {
        self.anna.delete_mailbox(&self.own(folder)).unwrap();
    }

    async fn append(&mut self, folder: &str, letter: &Letter) -> Uid {
        append(&self.anna, &self.own(folder), letter)
    }

    async fn set_flags(&mut self, folder: &str, uid: Uid, flags: &[&str]) {
        self.anna.set_flags(&self.own(folder), uid, flags).unwrap();
    }

    async fn expunge(&mut self, folder: &str, uids: &[Uid]) {
        self.anna.expunge(&self.own(folder), uids).unwrap();
    }

    async fn move_to(&mut self, from: &str, uids: &[Uid], to: &str) {
        self.anna.move_messages(&self.own(from), uids, &self.own(to)).unwrap();
    }

    async fn renumber(&mut self, folder: &str, _: &[Letter]) {
        self.anna.bump_uid_validity(&self.own(folder)).unwrap();
    }

    async fn restored_after(&mut self, folder: &str, letter: &Letter) -> bool {
        let backup = self.anna.backup(&self.own(folder)).unwrap();
        append(&self.anna, &self.own(folder), letter);
        self.anna.restore_backup(&self.own(folder), &backup).unwrap();
        true
    }

    async fn refuse(&mut self, refuses: bool) -> bool {
        let refusal =
            |plan: FaultPlan, command| plan.on(Trigger::Every(command), Action::No(codes::SERVER_BUG));
        let plan =
            if refuses { COMMANDS.into_iter().fold(FaultPlan::none(), refusal) } else { FaultPlan::none() };
        self.net.plan_every(&place(), plan);
        true
    }

    async fn vanish(&mut self) {
        self.net.cut_all();
        self.net.refuse(&place(), true);
    }
}

async fn passes(config: ServerConfig) {
    let mut fake = Fake::new(config);
    mail_suite(&mut fake).await;
    assert_eq!(fake.server.violations(), Vec::<String>::new());
}

async fn passes_with(capabilities: Capabilities) {
    passes(ServerConfig { capabilities, ..ServerConfig::default() }).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_with_everything() {
    passes_with(Capabilities::all()).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_with_nothing() {
    passes(ServerConfig {
        capabilities: Capabilities::bare(),
        tells_capabilities: false,
        delimiter: '.',
        ..ServerConfig::default()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_with_condstore_alone() {
    passes_with(Capabilities::bare().with([Capability::CondStore])).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_with_qresync_alone() {
    passes_with(Capabilities::bare().with([Capability::QResync])).await;
}

/// Each extension taken away from a server that has all the others.
#[tokio::test(start_paused = true)]
async fn a_server_without_one_thing() {
    for one in Capability::ALL {
        let fewer = Capabilities::all().without([one]);
        // LIST-STATUS is an option of the extended LIST (RFC 5819, section 1).
        let needs_it = one == Capability::ListExtended;
        passes_with(if needs_it { fewer.without([Capability::ListStatus]) } else { fewer }).await;
    }
}

/// Each extension alone.
#[tokio::test(start_paused = true)]
async fn a_server_with_one_thing() {
    // Without a way to log in, or behind TLS that is not there, nothing can be read.
    let reachable = |one: &Capability| !matches!(one, Capability::LoginDisabled | Capability::StartTls);
    for one in Capability::ALL.into_iter().filter(reachable) {
        let needed = if one == Capability::ListStatus { Capability::ListExtended } else { one };
        passes_with(Capabilities::bare().with([one, needed])).await;
    }
}
