//! The suite on the strict server.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::DateTime;
use postrider_contract::{
    Abilities, Deed, Letter, MailHarness, Tells, WriteHarness, mail_suite, watch_suite, write_suite,
};
use postrider_fake::{
    Action, Bend, Capabilities, Capability, FakeDialer, FaultPlan, InternalDate, OtherClient, Server,
    ServerConfig, Then, Trigger, faults::codes,
};
use postrider_imap::ImapRemote;
use postrider_model::{Timestamp, Uid};
use postrider_net::Endpoint;
use postrider_remote::{MailRemote, MailWatcher, MailWriter};

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

impl Fake {
    fn has(&self, one: Capability) -> bool {
        self.server.config().capabilities.has(one)
    }

    fn imap(&self) -> ImapRemote {
        ImapRemote::new(settings(place()), Arc::new(self.net.clone()))
    }

    /// The command that does it.
    fn command(&self, deed: Deed) -> &'static str {
        match deed {
            Deed::Flags => "UID STORE",
            Deed::Move if self.has(Capability::Move) => "UID MOVE",
            Deed::Move | Deed::Copy => "UID COPY",
            Deed::Expunge if self.has(Capability::UidPlus) => "UID EXPUNGE",
            Deed::Expunge => "UID STORE",
            Deed::Append => "APPEND",
            Deed::Create => "CREATE",
        }
    }
}

#[async_trait]
impl WriteHarness for Fake {
    fn writer(&self) -> Box<dyn MailWriter> {
        Box::new(self.imap())
    }

    fn watcher(&self) -> Box<dyn MailWatcher> {
        Box::new(self.imap())
    }

    fn abilities(&self) -> Abilities {
        let uid_plus = self.has(Capability::UidPlus);
        Abilities { tells_places: uid_plus, erases_by_name: uid_plus, moves: self.has(Capability::Move) }
    }

    async fn subscribed(&mut self) -> Vec<String> {
        let delimiter = self.server.config().delimiter.to_string();
        self.anna.subscribed().into_iter().map(|name| name.replace(&delimiter, "/")).collect()
    }

    async fn lose_answers_to(&mut self, deed: Option<Deed>) -> bool {
        let plan = match deed {
            Some(deed) => {
                FaultPlan::none().on(Trigger::Every(self.command(deed)), Action::LoseAnswer(Then::Close))
            }
            None => FaultPlan::none(),
        };
        self.net.plan_every(&place(), plan);
        true
    }

    async fn keep_no_keywords(&mut self, folder: &str) -> bool {
        self.anna.set_keywords_allowed(&self.own(folder), false).unwrap();
        true
    }

    async fn fill_up(&mut self, is_full: bool) -> bool {
        self.anna.set_quota(is_full.then_some(1)).unwrap();
        true
    }
}

async fn passes(config: ServerConfig) {
    let mut fake = Fake::new(config.clone());
    mail_suite(&mut fake).await;
    assert_eq!(fake.server.violations(), Vec::<String>::new());
    let mut fake = Fake::new(config.clone());
    write_suite(&mut fake).await;
    assert_eq!(fake.server.violations(), Vec::<String>::new());
    let mut fake = Fake::new(config);
    let tells = match (fake.has(Capability::Idle), fake.has(Capability::Notify)) {
        (true, _) => Tells::ChangesOfWhatIsOpen,
        (false, true) => Tells::Changes,
        (false, false) => Tells::Nothing,
    };
    watch_suite(&mut fake, tells).await;
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

#[tokio::test(start_paused = true)]
async fn a_server_without_what_makes_writing_easy() {
    use Capability as C;
    let all = Capabilities::all();
    for fewer in [
        all.clone().without([C::Move, C::UidPlus]),
        all.clone().without([C::Move, C::QResync]),
        all.clone().without([C::Move, C::UidPlus, C::QResync, C::CondStore]),
        all.clone().without([C::QResync, C::CondStore, C::LiteralPlus]).with([C::LiteralMinus]),
        all.without([C::Notify, C::QResync, C::CompressDeflate]),
    ] {
        passes_with(fewer).await;
    }
}

/// Folders that are labels.
#[tokio::test(start_paused = true)]
async fn a_server_as_gmail_is() {
    passes_with(Capabilities::gmail()).await;
}

/// A server whose names begin elsewhere.
#[tokio::test(start_paused = true)]
async fn a_server_with_a_prefix() {
    let config =
        ServerConfig { delimiter: '.', namespace_prefix: "INBOX.".to_owned(), ..ServerConfig::default() };
    let fake = Fake::new(config);
    let writer = fake.imap();
    for (shown, own) in [("Work", "INBOX.Work"), ("INBOX/Work/a%2Fb", "INBOX.Work.a/b")] {
        assert_eq!(writer.create_folder(shown).await.unwrap().0, own);
        assert!(fake.anna.snapshot().contains_key(own));
    }
}

/// Servers whose answers to writes are thin, odd or refused half way.
#[tokio::test(start_paused = true)]
async fn thin_answers_are_made_up_for() {
    for bend in [Bend::NoEcho, Bend::EchoWithoutUid, Bend::Sprinkle, Bend::NoNewUid, Bend::Literals] {
        for capabilities in
            [Capabilities::all(), Capabilities::all().without([Capability::QResync, Capability::Move])]
        {
            let mut fake = Fake::new(ServerConfig { capabilities, ..ServerConfig::default() });
            let commands =
                ["UID STORE", "UID COPY", "UID MOVE", "UID EXPUNGE", "UID FETCH", "APPEND", "SELECT"];
            let commands = match bend {
                // Only a STORE's echo, not what is asked for.
                Bend::EchoWithoutUid => &commands[..1],
                _ => &commands[..],
            };
            let bent = |plan: FaultPlan, command| plan.on(Trigger::Every(command), Action::Bend(bend));
            fake.net.plan_every(&place(), commands.iter().copied().fold(FaultPlan::none(), bent));
            thin_answers(&mut fake).await;
            assert_eq!(fake.server.violations(), Vec::<String>::new(), "{bend:?}");
        }
    }
}

async fn thin_answers(fake: &mut Fake) {
    use postrider_model::{Flags, UidSet};
    use postrider_remote::{FolderKey, MailOp, Messages, NewMessage};
    fake.create("To").await;
    let date = Timestamp::from_seconds(0);
    for _ in 0..4 {
        let letter = Letter { bytes: b"Subject: x\r\n\r\nx\r\n".to_vec(), flags: Vec::new(), received: date };
        fake.append("INBOX", &letter).await;
    }
    let writer = fake.imap();
    let inbox = FolderKey("INBOX".to_owned());
    let uid_validity = writer.status(&inbox).await.unwrap().uid_validity;
    let to = FolderKey("To".to_owned());
    let apply = async |uids: UidSet, op: MailOp| {
        writer.apply(Messages { folder: &inbox, uid_validity, uids: &uids }, &op).await.unwrap()
    };
    let seen = Flags::from_wire(["\\Seen"]);
    let flagged = MailOp::Flags { add: seen.clone(), remove: Flags::NONE };
    let echoed = apply(UidSet::range(1, 2), flagged).await.echoed;
    assert!(echoed.len() == 2 && echoed.iter().all(|echo| echo.flags.same(&seen)), "{echoed:?}");
    assert_eq!(apply(UidSet::range(1, 1), MailOp::Move { to: to.clone() }).await.gone, UidSet::range(1, 1));
    assert_eq!(apply(UidSet::range(2, 2), MailOp::Expunge).await.gone, UidSet::range(2, 2));
    apply(UidSet::range(3, 3), MailOp::Copy { to: to.clone() }).await;
    let message = NewMessage { bytes: b"Subject: y\r\n\r\n", flags: &seen, internal_date: Some(date) };
    writer.append(&to, message).await.unwrap();
    let views = fake.anna.snapshot();
    assert_eq!((views["INBOX"].messages.len(), views["To"].messages.len()), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_move_that_stops_half_way_is_unknown() {
    use postrider_model::UidSet;
    use postrider_remote::{FolderKey, MailOp, Messages, Reach};
    let mut fake = Fake::new(ServerConfig::default());
    fake.create("To").await;
    for _ in 0..4 {
        let letter =
            Letter { bytes: b"x\r\n".to_vec(), flags: Vec::new(), received: Timestamp::from_seconds(0) };
        fake.append("INBOX", &letter).await;
    }
    let plan = FaultPlan::none().on(Trigger::Every("UID MOVE"), Action::Bend(Bend::HalfMove));
    fake.net.plan_every(&place(), plan);
    let writer = fake.imap();
    let inbox = FolderKey("INBOX".to_owned());
    let uid_validity = writer.status(&inbox).await.unwrap().uid_validity;
    let all = UidSet::range(1, 4);
    let messages = Messages { folder: &inbox, uid_validity, uids: &all };
    let failed = writer.apply(messages, &MailOp::Move { to: FolderKey("To".to_owned()) }).await.unwrap_err();
    assert_eq!(failed.reach, Reach::Unknown);
    assert_eq!(writer.present(messages).await.unwrap(), UidSet::range(3, 4));
}

/// Tokens in place of a password, by each mechanism, in one round trip or two.
#[tokio::test(start_paused = true)]
async fn tokens_log_in() {
    use postrider_model::Fault;
    use postrider_remote::{AccessTokens, Credential, Result};
    use secrecy::{ExposeSecret, SecretString};

    /// Renews what is refused.
    struct Renewing;

    #[async_trait]
    impl AccessTokens for Renewing {
        async fn token(&self) -> Result<SecretString> {
            Ok("old".into())
        }

        async fn after_refusal(&self, refused: &SecretString) -> std::result::Result<SecretString, Fault> {
            assert_eq!(refused.expose_secret(), "old");
            Ok("new".into())
        }
    }

    use Capability as C;
    let all = Capabilities::all().without([C::AuthPlain]);
    for capabilities in [
        all.clone(),
        all.clone().without([C::SaslIr]),
        all.clone().without([C::AuthOauthBearer]),
        all.without([C::AuthOauthBearer, C::SaslIr]),
    ] {
        let fake = Fake::new(ServerConfig { capabilities, ..ServerConfig::default() });
        fake.server.set_tokens(USER, &["new"]);
        let credential = Credential::Tokens(Arc::new(Renewing));
        let settings = postrider_imap::ImapSettings { credential, ..settings(place()) };
        let remote = ImapRemote::new(settings, Arc::new(fake.net.clone()));
        assert_eq!(remote.folders().await.unwrap().len(), 1);
        remote.close().await;
        assert_eq!(fake.server.violations(), Vec::<String>::new());
        assert_eq!(fake.net.dialled(&place()), 2);
    }
}
