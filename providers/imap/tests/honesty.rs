//! Against the strict fake: whatever a server does wrong while something is written, the answer is honest. `NotDone` means that
//! nothing changed there; an answer tells what is there; nothing is lost, and nothing is there twice.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, sync::Arc};

use chrono::DateTime;
use postrider_fake::{
    Action, Bend, Capabilities, Capability, FakeDialer, FaultPlan, MailboxView, OtherClient, Server,
    ServerConfig, Then, Trigger,
};
use postrider_imap::{ClientName, ImapRemote, ImapSettings};
use postrider_model::{Clock, Flags, Timestamp, Uid, UidSet};
use postrider_net::{Endpoint, Limits, Security, Timeouts, TlsConnector};
use postrider_remote::{
    Applied, Credential, FolderKey, MailOp, MailRemote, MailWriter, Messages, NewMessage, Place, Reach,
    WriteFault,
};

#[derive(Debug)]
struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Flags,
    Move,
    Copy,
    Expunge,
    Append,
    Create,
    Rename,
    Delete,
}

const DEEDS: [Deed; 8] = [
    Deed::Flags,
    Deed::Move,
    Deed::Copy,
    Deed::Expunge,
    Deed::Append,
    Deed::Create,
    Deed::Rename,
    Deed::Delete,
];

/// What came of it.
#[derive(Debug)]
enum Told {
    Applied(Applied),
    Place(Option<Place>),
    Folder,
}

const COMMANDS: [&str; 14] = [
    "SELECT",
    "UID STORE",
    "UID FETCH",
    "UID COPY",
    "UID MOVE",
    "UID EXPUNGE",
    "APPEND",
    "LIST",
    "LSUB",
    "CREATE",
    "RENAME",
    "DELETE",
    "SUBSCRIBE",
    "AUTHENTICATE",
];

fn servers() -> Vec<Capabilities> {
    use Capability as C;
    let all = Capabilities::all();
    vec![
        all.clone(),
        all.clone().without([C::QResync, C::LiteralPlus, C::CompressDeflate]),
        all.clone().without([C::Move]),
        all.clone().without([C::Move, C::UidPlus]),
        all.without([C::UidPlus, C::CondStore]),
        Capabilities::bare(),
    ]
}

fn wrongs() -> Vec<FaultPlan> {
    let on = |when, action| FaultPlan::none().on(when, action);
    let mut plans = vec![FaultPlan::none()];
    for name in COMMANDS {
        let first = || Trigger::Named(name, 1);
        plans.push(on(Trigger::Every(name), Action::No("[SERVERBUG] no")));
        plans.push(on(Trigger::Named(name, 2), Action::No("no")));
        plans.push(on(Trigger::Every(name), Action::Bad));
        plans.push(on(first(), Action::Bye("going down")));
        plans.push(on(first(), Action::GarbageLine));
        plans.push(on(first(), Action::HalfLiteral(Then::Close)));
        plans.push(on(first(), Action::Silence(Then::Hang)));
        plans.push(on(first(), Action::LoseAnswer(Then::Close)));
        plans.push(on(first(), Action::LoseAnswer(Then::Hang)));
        plans.push(on(Trigger::Named(name, 2), Action::LoseAnswer(Then::Close)));
        plans.push(on(Trigger::Every(name), Action::Bend(Bend::Sprinkle)));
    }
    let renumbers = |server: &Server| drop(server.other_client("me").bump_uid_validity("INBOX"));
    plans.push(on(Trigger::Named("SELECT", 1), Action::meanwhile(renumbers)));
    plans.push(on(Trigger::Named("SELECT", 1), Action::Bend(Bend::UidValidityMidway)));
    plans.push(on(Trigger::Named("UID MOVE", 1), Action::Bend(Bend::HalfMove)));
    plans.push(on(Trigger::Named("UID STORE", 1), Action::Bend(Bend::NoEcho)));
    plans.extend((1..40).map(|n| FaultPlan::none().cut_output(n * 61, Then::Close)));
    plans.extend((1..30).map(|n| FaultPlan::none().cut_input(n * 23, Then::Close)));
    plans.extend((1..10).map(|n| FaultPlan::none().cut_input(n * 71, Then::Hang)));
    plans
}

fn settings(at: Endpoint) -> ImapSettings {
    ImapSettings {
        endpoint: at,
        security: Security::None,
        allow_plaintext: true,
        login_name: "me".to_owned(),
        credential: Credential::Password("s3cret".into()),
        tls: TlsConnector::new(Vec::new(), Arc::new(Epoch)),
        limits: Limits::default(),
        timeouts: Timeouts::default(),
        max_connections: 2,
        max_watches: ImapSettings::WATCHES,
        client: ClientName { name: "postrider".to_owned(), version: "1".to_owned() },
        compress: true,
    }
}

fn key(name: &str) -> FolderKey {
    FolderKey(name.to_owned())
}

const NEW: &[u8] = b"Message-ID: <new@example.com>\r\n\r\nnew\r\n";
const UIDS: [Uid; 2] = [2, 4];

async fn write(writer: &ImapRemote, deed: Deed, uid_validity: u32) -> Result<Told, WriteFault> {
    let (inbox, uids) = (key("INBOX"), UidSet::from_iter(UIDS));
    let seen = Flags::from_wire(["\\Seen", "Todo"]);
    let op = match deed {
        Deed::Flags => MailOp::Flags { add: seen.clone(), remove: Flags::from_wire(["\\Answered"]) },
        Deed::Move => MailOp::Move { to: key("To") },
        Deed::Copy => MailOp::Copy { to: key("To") },
        Deed::Expunge => MailOp::Expunge,
        Deed::Append => {
            let message = NewMessage { bytes: NEW, flags: &seen, internal_date: None };
            return writer.append(&key("To"), message).await.map(Told::Place);
        }
        Deed::Create => return writer.create_folder("New/below").await.map(|_| Told::Folder),
        Deed::Rename => return writer.rename_folder(&key("To"), "Renamed").await.map(|_| Told::Folder),
        Deed::Delete => return writer.delete_folder(&key("To")).await.map(|()| Told::Folder),
    };
    writer.apply(Messages { folder: &inbox, uid_validity, uids: &uids }, &op).await.map(Told::Applied)
}

type Views = BTreeMap<String, MailboxView>;

fn bodies(views: &Views) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> =
        views.values().flat_map(|view| &view.messages).map(|message| message.bytes.to_vec()).collect();
    all.sort_unstable();
    all
}

/// Bytes and flags by folder.
type Content<'a> = BTreeMap<&'a String, Vec<(&'a [u8], &'a [String])>>;

/// Everything but numbers that may move by themselves.
fn content(views: &Views) -> Content<'_> {
    views
        .iter()
        .map(|(name, view)| {
            (name, view.messages.iter().map(|message| (&*message.bytes, message.flags.as_slice())).collect())
        })
        .collect()
}

fn world(capabilities: Capabilities) -> (Server, OtherClient, FakeDialer, Endpoint) {
    let server = Server::new(ServerConfig { capabilities, ..ServerConfig::default() });
    let other = server.add_user("me", "s3cret");
    other.create_mailbox("To").unwrap();
    for number in 1..=5 {
        let text = format!("Message-ID: <{number}@example.com>\r\n\r\n{number}\r\n");
        let flags: &[&str] = if number == 5 { &["\\Deleted"] } else { &["\\Answered"] };
        other.append("INBOX", text.into_bytes(), flags, DateTime::UNIX_EPOCH.fixed_offset()).unwrap();
    }
    let (dialer, at) = (FakeDialer::new(), Endpoint::new("imap.test", 143));
    dialer.add(at.clone(), &server);
    (server, other, dialer, at)
}

/// Whether the answer and the server agree.
fn assert_honest(outcome: &Result<Told, WriteFault>, deed: Deed, before: &Views, after: &Views, when: &str) {
    let told = match outcome {
        Err(failed) if failed.reach == Reach::NotDone => {
            assert_eq!(content(before), content(after), "{when}: NotDone, and yet: {failed}");
            return;
        }
        Err(_) => return,
        Ok(told) => told,
    };
    let uids = |views: &Views, name: &str| -> UidSet {
        views
            .get(name)
            .map(|view| view.messages.iter().map(|message| message.uid).collect())
            .unwrap_or_default()
    };
    let body = |views: &Views, name: &str, uid: Uid| {
        views[name].messages.iter().find(|message| message.uid == uid).map(|message| message.bytes.to_vec())
    };
    match (told, deed) {
        (Told::Applied(applied), _) => {
            let gone = uids(before, "INBOX").difference(&uids(after, "INBOX"));
            assert_eq!(applied.gone, gone, "{when}");
            for echo in &applied.echoed {
                let message = after["INBOX"].messages.iter().find(|message| message.uid == echo.uid).unwrap();
                let truth = Flags::from_wire(message.flags.iter().map(String::as_str));
                assert!(echo.flags.same(&truth), "{when}: {} is told, and {truth} is there", echo.flags);
            }
            for (from, to) in applied.copied.iter().flat_map(|copied| &copied.pairs) {
                assert_eq!(body(before, "INBOX", *from), body(after, "To", *to), "{when}");
            }
            for uid in applied.left_marked.iter() {
                let message = after["INBOX"].messages.iter().find(|message| message.uid == uid).unwrap();
                assert!(message.flags.contains(&"\\Deleted".to_owned()), "{when}");
            }
            let settled = applied.gone.union(&applied.left_marked);
            match deed {
                Deed::Flags => assert_eq!(applied.echoed.len(), UIDS.len(), "{when}"),
                Deed::Copy => assert_eq!(uids(after, "To").len(), 2, "{when}"),
                _ => assert_eq!(settled, UidSet::from_iter(UIDS), "{when}"),
            }
        }
        (Told::Place(place), _) => {
            let new = after["To"].messages.last().expect("it is there");
            assert_eq!(&*new.bytes, NEW);
            assert!(place.is_none_or(|place| place.uid == new.uid), "{when}");
        }
        (Told::Folder, Deed::Create) => assert!(after.contains_key("New/below"), "{when}"),
        (Told::Folder, Deed::Rename) => {
            assert!(after.contains_key("Renamed") && !after.contains_key("To"), "{when}");
        }
        (Told::Folder, _) => assert!(!after.contains_key("To"), "{when}"),
    }
}

/// Whatever was answered: nothing is lost, nothing is there twice.
fn assert_careful(deed: Deed, before: &Views, after: &Views, when: &str) {
    let (had, has) = (bodies(before), bodies(after));
    let times = |all: &[Vec<u8>], body: &Vec<u8>| all.iter().filter(|have| *have == body).count();
    for body in &had {
        let left = times(&has, body);
        let number = body.iter().find(|octet| octet.is_ascii_digit()).copied().unwrap_or_default();
        let is_meant = number == b'2' || number == b'4';
        match deed {
            Deed::Expunge if is_meant => assert!(left <= 1, "{when}"),
            Deed::Move | Deed::Copy if is_meant => assert!((1..=2).contains(&left), "{when}: {left}"),
            _ => assert_eq!(left, 1, "{when}: {}", String::from_utf8_lossy(body)),
        }
    }
    assert!(times(&has, &NEW.to_vec()) <= 1, "{when}: twice");
    for view in after.values() {
        let mut all: Vec<_> = view.messages.iter().map(|message| &message.bytes).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), view.messages.len(), "{when}: a message is twice in one folder");
    }
}

async fn case(capabilities: Capabilities, deed: Deed, plan: FaultPlan, is_warm: bool) {
    let when = format!(
        "{deed:?} after {plan:?} on a {} connection with {capabilities}",
        if is_warm { "kept" } else { "new" }
    );
    let (server, other, dialer, at) = world(capabilities);
    let uid_validity = other.snapshot()["INBOX"].uid_validity;
    dialer.plan_every(&at, plan);
    let writer = ImapRemote::new(settings(at), Arc::new(dialer.clone()));
    if is_warm {
        let _ = writer.status(&key("To")).await;
    }
    let before = other.snapshot();
    let outcome = write(&writer, deed, uid_validity).await;
    let after = other.snapshot();
    assert_honest(&outcome, deed, &before, &after, &when);
    assert_careful(deed, &before, &after, &when);
    writer.close().await;
    assert_eq!(server.violations(), Vec::<String>::new(), "{when}");
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_the_answer_is_honest() {
    for capabilities in servers() {
        for plan in wrongs() {
            for deed in DEEDS {
                case(capabilities.clone(), deed, plan.clone(), false).await;
                case(capabilities.clone(), deed, plan.clone(), true).await;
            }
        }
    }
}
