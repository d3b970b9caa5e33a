//! Against the strict fake: whatever a server does wrong, one run later the mirror equals it, nothing that is there was taken
//! for deleted, and no command was against the rules.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod mirror;

use std::{collections::BTreeSet, sync::Arc};

use chrono::DateTime;
use mirror::Mirror;
use postrider_fake::{
    Action, Bend, Capabilities, Capability, FakeDialer, FaultPlan, OtherClient, Server, ServerConfig, Then,
    Trigger,
};
use postrider_imap::{ClientName, ImapRemote, ImapSettings};
use postrider_model::{Clock, Flags, Timestamp};
use postrider_net::{Endpoint, Limits, Security, Timeouts, TlsConnector};
use postrider_remote::{Credential, MailRemote};
use proptest::prelude::*;

#[derive(Debug)]
struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}

/// What another client does.
#[derive(Debug, Clone)]
enum Deed {
    Append(usize),
    Flag(usize, usize, bool),
    Expunge(usize, usize),
    Move(usize),
    Renumber(usize),
    MakeAnew,
}

const FOLDERS: [&str; 3] = ["INBOX", "Work/2026", "été & co"];
const FLAGS: [&str; 4] = ["\\Seen", "\\Flagged", "$Forwarded", "Todo"];

fn deed() -> impl Strategy<Value = Deed> {
    let (folder, message) = (0..FOLDERS.len(), 0..8usize);
    prop_oneof![
        4 => folder.clone().prop_map(Deed::Append),
        4 => (folder.clone(), message.clone(), any::<bool>()).prop_map(|(f, m, on)| Deed::Flag(f, m, on)),
        3 => (folder.clone(), message).prop_map(|(f, m)| Deed::Expunge(f, m)),
        1 => folder.clone().prop_map(Deed::Move),
        1 => folder.prop_map(Deed::Renumber),
        1 => Just(Deed::MakeAnew),
    ]
}

fn uid_at(other: &OtherClient, folder: usize, message: usize) -> Option<u32> {
    let view = other.snapshot();
    let messages = &view.get(FOLDERS[folder])?.messages;
    messages.get(message % messages.len().max(1)).map(|message| message.uid)
}

/// Does it where it can be done.
fn act(other: &OtherClient, deed: &Deed, number: usize) {
    let append = |folder: usize| {
        let text = format!("Message-ID: <{number}@example.com>\r\n\r\n{number}\r\n");
        other
            .append(FOLDERS[folder], text.into_bytes(), &["\\Answered"], DateTime::UNIX_EPOCH.fixed_offset())
            .unwrap();
    };
    match *deed {
        Deed::Append(folder) => append(folder),
        Deed::Flag(folder, message, on) => {
            let Some(uid) = uid_at(other, folder, message) else { return };
            let flags = [FLAGS[number % FLAGS.len()]];
            let done = if on {
                other.add_flags(FOLDERS[folder], uid, &flags)
            } else {
                other.remove_flags(FOLDERS[folder], uid, &flags)
            };
            done.unwrap();
        }
        Deed::Expunge(folder, message) => {
            let Some(uid) = uid_at(other, folder, message) else { return };
            other.expunge(FOLDERS[folder], &[uid]).unwrap();
        }
        Deed::Move(folder) => {
            let Some(uid) = uid_at(other, folder, number) else { return };
            let to = FOLDERS[(folder + 1) % FOLDERS.len()];
            other.move_messages(FOLDERS[folder], &[uid], to).unwrap();
        }
        Deed::Renumber(folder) => drop(other.bump_uid_validity(FOLDERS[folder]).unwrap()),
        Deed::MakeAnew => {
            other.delete_mailbox(FOLDERS[2]).unwrap();
            other.create_mailbox(FOLDERS[2]).unwrap();
        }
    }
}

fn servers() -> Vec<Capabilities> {
    use Capability as C;
    vec![
        Capabilities::all(),
        Capabilities::all().without([C::Utf8Accept, C::CompressDeflate, C::LiteralPlus]),
        Capabilities::all().without([C::QResync, C::ListStatus]),
        Capabilities::all().without([C::QResync, C::CondStore, C::SpecialUse]),
        Capabilities::bare(),
    ]
}

/// Wrongs after which a run may end well or in a fault, and must not have lost anything.
fn wrongs() -> Vec<FaultPlan> {
    let on = |when, action| FaultPlan::none().on(when, action);
    let mut plans = vec![FaultPlan::none()];
    for name in ["LIST", "EXAMINE", "UID SEARCH", "UID FETCH", "AUTHENTICATE", "STATUS"] {
        plans.push(on(Trigger::Every(name), Action::No("[SERVERBUG] no")));
        plans.push(on(Trigger::Named(name, 2), Action::No("[UNAVAILABLE] later")));
        plans.push(on(Trigger::Every(name), Action::Bad));
        plans.push(on(Trigger::Named(name, 1), Action::Bye("going down")));
        plans.push(on(Trigger::Named(name, 1), Action::GarbageLine));
        plans.push(on(Trigger::Named(name, 1), Action::HalfLiteral(Then::Close)));
        plans.push(on(Trigger::Named(name, 1), Action::HalfLiteral(Then::Hang)));
        plans.push(on(Trigger::Named(name, 2), Action::Silence(Then::Hang)));
        plans.push(on(Trigger::Named(name, 1), Action::LoseAnswer(Then::Close)));
        plans.push(on(Trigger::Named(name, 1), Action::LongLine(2 << 20)));
        plans.push(on(Trigger::Every(name), Action::Bend(Bend::Sprinkle)));
        plans.push(on(Trigger::Every(name), Action::Bend(Bend::Literals)));
    }
    for name in ["LIST", "UID SEARCH"] {
        plans.push(on(Trigger::Every(name), Action::Bend(Bend::Empty)));
    }
    for bend in [
        Bend::ReversedVanished,
        Bend::ModSeqZero,
        Bend::NoModSeq,
        Bend::ModSeqMissing,
        Bend::UidNext(1),
        Bend::UidNext(1_000),
    ] {
        plans.push(on(Trigger::Always, Action::Bend(bend)));
    }
    plans.extend((1..12).map(|n| FaultPlan::none().cut_output(n * 157, Then::Close)));
    plans.extend((1..6).map(|n| FaultPlan::none().cut_output(n * 311, Then::Hang)));
    plans.push(FaultPlan::none().cut_input(200, Then::Hang));
    plans
}

struct World {
    server: Server,
    other: OtherClient,
    dialer: FakeDialer,
    at: Endpoint,
    mirror: Mirror,
}

impl World {
    fn new(capabilities: Capabilities) -> Self {
        let server = Server::new(ServerConfig { capabilities, ..ServerConfig::default() });
        let other = server.add_user("me", "s3cret");
        FOLDERS.iter().skip(1).for_each(|folder| other.create_mailbox(folder).unwrap());
        let (dialer, at) = (FakeDialer::new(), Endpoint::new("imap.test", 143));
        dialer.add(at.clone(), &server);
        Self { server, other, dialer, at, mirror: Mirror::default() }
    }

    fn remote(&self) -> ImapRemote {
        let settings = ImapSettings {
            endpoint: self.at.clone(),
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
        };
        ImapRemote::new(settings, Arc::new(self.dialer.clone()))
    }

    async fn run(&mut self, plan: FaultPlan) -> Result<(usize, u64), postrider_model::Fault> {
        self.dialer.plan_every(&self.at, plan);
        let remote = self.remote();
        let outcome = self.mirror.run(&remote).await;
        remote.close().await;
        outcome
    }

    fn assert_equal(&self, when: &str) {
        let truth = self.other.snapshot();
        for (name, kept) in &self.mirror.folders {
            let view = &truth[name];
            assert_eq!(
                kept.cursor.as_ref().map(|c| c.status.uid_validity),
                Some(view.uid_validity),
                "{when}: {name}"
            );
            let uids: Vec<u32> = view.messages.iter().map(|message| message.uid).collect();
            assert_eq!(kept.messages.keys().copied().collect::<Vec<_>>(), uids, "{when}: {name}");
            for message in &view.messages {
                let (flags, _, bytes) = &kept.messages[&message.uid];
                assert!(
                    flags.same(&Flags::from_wire(message.flags.iter().map(String::as_str))),
                    "{when}: {name}"
                );
                assert_eq!(&bytes[..], &message.bytes[..], "{when}: {name}");
            }
        }
        let selectable = truth.iter().filter(|(_, view)| !view.no_select).map(|(name, _)| name);
        assert!(selectable.eq(self.mirror.folders.keys()), "{when}");
    }

    /// The bodies of all that is kept: what may not be lost while the server has it.
    fn bodies(&self) -> BTreeSet<Vec<u8>> {
        let kept = self.mirror.folders.values().flat_map(|folder| folder.messages.values());
        kept.map(|(_, _, bytes)| bytes.clone()).collect()
    }

    fn bodies_there(&self) -> BTreeSet<Vec<u8>> {
        let views = self.other.snapshot();
        views.values().flat_map(|view| &view.messages).map(|message| message.bytes.to_vec()).collect()
    }
}

async fn scenario(capabilities: Capabilities, first: &[Deed], then: &[Deed], plan: FaultPlan) {
    let offered = capabilities.clone();
    let mut world = World::new(capabilities);
    let renumbers =
        then.iter().any(|deed| matches!(deed, Deed::Renumber(_) | Deed::MakeAnew | Deed::Move(_)));
    first.iter().enumerate().for_each(|(number, deed)| act(&world.other, deed, number));
    world.run(FaultPlan::none()).await.unwrap();
    world.assert_equal("first load");
    let before = world.bodies();
    then.iter().enumerate().for_each(|(number, deed)| act(&world.other, deed, 100 + number));
    let outcome = world.run(plan.clone()).await;
    if !renumbers {
        let there = world.bodies_there();
        let lost: Vec<_> =
            before.intersection(&there).filter(|body| !world.bodies().contains(*body)).cloned().collect();
        assert!(lost.is_empty(), "{outcome:?}: taken for deleted: {lost:?}");
    }
    world.run(FaultPlan::none()).await.unwrap();
    world.assert_equal(&format!("after {plan:?} with {offered:?}"));
    let (_, fetched) = world.run(FaultPlan::none()).await.unwrap();
    assert_eq!(fetched, 0, "nothing is fetched twice");
    assert_eq!(world.server.violations(), Vec::<String>::new());
}

fn on_one_thread(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_goes_wrong_the_next_run_makes_it_right(
        server in 0..5usize,
        first in prop::collection::vec(deed(), 0..25),
        then in prop::collection::vec(deed(), 0..8),
        wrong in any::<prop::sample::Index>(),
    ) {
        let wrongs = wrongs();
        let plan = wrong.get(&wrongs).clone();
        on_one_thread(scenario(servers().swap_remove(server), &first, &then, plan));
    }
}

#[test]
fn each_wrong_on_each_server_is_made_right() {
    let first: Vec<Deed> = (0..12).map(|n| Deed::Append(n % 3)).collect();
    let then =
        [Deed::Append(0), Deed::Expunge(0, 1), Deed::Flag(1, 0, true), Deed::Expunge(2, 3), Deed::Append(2)];
    for capabilities in servers() {
        for plan in wrongs() {
            on_one_thread(scenario(capabilities.clone(), &first, &then, plan));
        }
    }
}

/// That flags changed and were not told cannot be seen; that messages did not come can.
#[test]
fn a_fetch_that_brings_nothing_is_made_up_for() {
    let first: Vec<Deed> = (0..12).map(|n| Deed::Append(n % 3)).collect();
    let then = [Deed::Append(0), Deed::Expunge(0, 1), Deed::Expunge(2, 3), Deed::Append(2)];
    for capabilities in servers() {
        for bend in [Bend::Empty, Bend::Nil] {
            let plan = FaultPlan::none().on(Trigger::Every("UID FETCH"), Action::Bend(bend));
            on_one_thread(scenario(capabilities.clone(), &first, &then, plan));
        }
    }
}

#[test]
fn a_restored_backup_is_noticed_and_read_anew() {
    for capabilities in servers() {
        on_one_thread(async {
            let mut world = World::new(capabilities);
            (0..6).for_each(|number| act(&world.other, &Deed::Append(0), number));
            let backup = world.other.backup("INBOX").unwrap();
            act(&world.other, &Deed::Expunge(0, 2), 6);
            (7..10).for_each(|number| act(&world.other, &Deed::Append(0), number));
            world.run(FaultPlan::none()).await.unwrap();
            world.other.restore_backup("INBOX", &backup).unwrap();
            act(&world.other, &Deed::Append(0), 10);
            world.run(FaultPlan::none()).await.unwrap();
            world.assert_equal("after the restoring");
        });
    }
}
