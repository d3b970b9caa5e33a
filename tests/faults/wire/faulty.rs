//! Every fault at every command: a classed error in its time, nothing deleted, and the next run sets all right.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use postrider_fake::{
    Action, Bend, Capabilities, Capability, FaultPlan, ServerConfig, Then, Trigger, faults::codes,
};
use postrider_model::{AccountReport, AccountStatus, ErrorClass, PlacementId};
use tokio::time::Instant;

use super::rig::{Live, Rig, change, fill, place};

/// No run of five folders over four connections takes longer, whatever the server does: each command is given up after 60 s
/// of silence and tried once more on another connection.
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// Without these there is no answer to be had; the others only make it better.
const ESSENTIAL: [&str; 7] =
    ["CAPABILITY", "LOGIN", "AUTHENTICATE", "LIST", "EXAMINE", "UID SEARCH", "UID FETCH"];

/// A kind of server, and how much of its mail is wanted.
struct Kind {
    server: ServerConfig,
    period: &'static str,
    /// The first day that the period covers.
    since: &'static str,
}

fn with(capabilities: Capabilities) -> ServerConfig {
    ServerConfig { capabilities, ..ServerConfig::default() }
}

fn quick() -> Kind {
    Kind { server: with(Capabilities::all()), period: "all", since: "" }
}

fn conditional() -> Kind {
    let capabilities =
        Capabilities::all().without([Capability::QResync, Capability::ListStatus, Capability::ObjectId]);
    Kind { server: with(capabilities), period: "1y", since: "2025-01-15" }
}

fn bare() -> Kind {
    let server = ServerConfig { tells_capabilities: false, ..with(Capabilities::bare()) };
    Kind { server, period: "all", since: "" }
}

/// What a fault at a command has to come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comes {
    /// The run fails with an error of that class.
    To(ErrorClass),
    /// The run goes well all the same.
    ToNothing,
    /// A lie, or a refusal of something that can be done without: an error that passes, deletions held, or nothing.
    ToNoHarm,
}

fn faults() -> Vec<Action> {
    let bends = [
        Bend::Empty,
        Bend::ReversedVanished,
        Bend::ModSeqBack(1),
        Bend::ModSeqBack(1_000),
        Bend::ModSeqZero,
        Bend::NoModSeq,
        Bend::ModSeqMissing,
        Bend::UidNext(1),
        Bend::UidNext(u32::MAX),
        Bend::UidValidityMidway,
        Bend::Sprinkle,
        Bend::Literals,
        Bend::Nil,
    ];
    let mut all = vec![
        Action::No(codes::UNAVAILABLE),
        Action::No(codes::THROTTLED_WITH_DELAY),
        Action::No(codes::SERVER_BUG),
        Action::Bad,
        Action::Bye("the server is going down"),
        Action::GarbageLine,
        Action::LongLine(2 << 20),
    ];
    for then in [Then::Close, Then::Hang] {
        all.extend([Action::Silence(then), Action::HalfLiteral(then), Action::LoseAnswer(then)]);
    }
    all.extend(bends.map(Action::Bend));
    all
}

fn comes(command: &str, fault: &Action) -> Comes {
    let essential = ESSENTIAL.contains(&command);
    match fault {
        // Nothing hangs on the good-bye.
        _ if command == "LOGOUT" => Comes::ToNothing,
        // Untagged data that nobody knows is passed over, and strings have several forms (RFC 3501, sections 7 and 4.3).
        Action::GarbageLine | Action::Bend(Bend::Sprinkle | Bend::Literals) => Comes::ToNothing,
        Action::Bend(_) => Comes::ToNoHarm,
        Action::No(_) | Action::Bad if !essential => Comes::ToNothing,
        Action::No(codes::THROTTLED_WITH_DELAY) => Comes::To(ErrorClass::Throttled),
        Action::Bad => Comes::To(ErrorClass::Permanent),
        _ => Comes::To(ErrorClass::Transient),
    }
}

/// What the next run cannot set right, since nothing shows that it was a lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slack {
    /// There is no such thing.
    None,
    /// Mail that is older than the period may be here besides: it was above a UIDNEXT.
    Older,
    /// Flags may lag behind: the server said that none had changed.
    Flags,
}

fn slack(command: &str, fault: &Action) -> Slack {
    match (command, fault) {
        ("EXAMINE", Action::Bend(Bend::UidNext(_))) => Slack::Older,
        ("UID FETCH", Action::Bend(Bend::Empty)) => Slack::Flags,
        _ => Slack::None,
    }
}

/// One run against a server at fault, and what is known around it. What is wrong with it is gathered, so that one report
/// shows all cases.
struct Case<'a> {
    rig: &'a Rig,
    kind: &'a Kind,
    ids: BTreeMap<Vec<u8>, PlacementId>,
    before: Live,
    after: Live,
    report: AccountReport,
    took: Duration,
    wrong: Vec<String>,
}

impl<'a> Case<'a> {
    async fn run(rig: &'a Rig, kind: &'a Kind) -> Self {
        let (ids, before) = (rig.ids(), rig.live());
        let started = Instant::now();
        let report = rig.sync().await;
        let took = started.elapsed();
        Self { rig, kind, ids, before, after: rig.live(), report, took, wrong: Vec::new() }
    }

    fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.wrong.push(what());
        }
    }

    /// What holds whatever the server did.
    fn check(&mut self) {
        let (took, breaches, there) =
            (self.took, self.rig.server.violations(), contents(&self.rig.there("")));
        self.expect(took <= LONGEST, || format!("it took {took:?}"));
        self.expect(breaches.is_empty(), || format!("broke the protocol: {breaches:?}"));
        let (before, after) = (contents(&self.before), contents(&self.after));
        let lost = before.iter().filter(|one| there.contains(*one) && !after.contains(*one)).count();
        self.expect(lost == 0, || format!("{lost} messages were deleted here that are there"));
        let invented =
            after.difference(&before).filter(|(_, bytes)| !there.iter().any(|(_, one)| one == bytes)).count();
        self.expect(invented == 0, || format!("{invented} messages are here that never were there"));
        if let Some(error) = &self.report.error {
            let message = error.message.clone();
            let cause = message.split_once(": ").is_some_and(|(_, cause)| !cause.is_empty());
            let named = message.starts_with("cannot ") && message.contains("localhost:143");
            self.expect(cause && named, || format!("action, object or cause is not named: {message}"));
        }
    }

    fn comes_to(&mut self, wanted: Comes) {
        let class = self.report.error.as_ref().map(|error| error.class);
        let fine = match wanted {
            Comes::To(expected) => class == Some(expected),
            Comes::ToNothing => class.is_none() && self.report.status == AccountStatus::Ok,
            Comes::ToNoHarm => class.is_none_or(|class| class == ErrorClass::Transient),
        };
        let came = format!("{:?} {:?}", self.report.status, self.report.error);
        self.expect(fine, || format!("wanted {wanted:?}, came {came}"));
        let equal = wanted != Comes::ToNothing || self.after == self.rig.there(self.kind.since);
        self.expect(equal, || "the store is not equal to the server".to_owned());
    }

    /// What fails in a folder is told with the folder.
    fn names_folder(&mut self, command: &str) {
        let is_in_folder = ["EXAMINE", "UID SEARCH", "UID FETCH", "STATUS"].contains(&command);
        let message = self.report.error.as_ref().map(|error| error.message.clone()).unwrap_or_default();
        let named = message.is_empty() || message.contains("folder \"");
        self.expect(!is_in_folder || named, || format!("the folder is not named: {message}"));
    }

    /// The server is itself again: one run makes the store equal to it, but for what a person has to say a word to.
    async fn heals(&mut self, slack: Slack) {
        self.rig.net.plan_every(&place(), FaultPlan::none());
        let report = self.rig.sync().await;
        let is_held = !self.report.held.is_empty() && report.status == AccountStatus::Held;
        let fine = report.error.is_none() && (is_held || report.status == AccountStatus::Ok);
        self.expect(fine, || format!("the next run came to {:?} {:?}", report.status, report.error));
        self.rig.allow_all(&report);
        let (here, there) = (self.rig.live(), self.rig.there(self.kind.since));
        let equal = match slack {
            Slack::None => here == there,
            Slack::Older => {
                there.iter().all(|one| here.get(one.0) == Some(one.1))
                    && here.iter().all(|one| self.rig.there("").get(one.0) == Some(one.1))
            }
            Slack::Flags => contents(&here) == contents(&there),
        };
        self.expect(equal, || format!("after the next run: {}", difference(&here, &there)));
        self.keeps_ids();
    }

    /// A message that was here before has its id still. One that was found in its new folder before it was found to be gone
    /// from the old one is a copy and has its own.
    fn keeps_ids(&mut self) {
        let copied = |bytes: &Vec<u8>| self.after.values().filter(|(_, one)| one == bytes).count() > 1;
        let ids = self.rig.ids();
        let other = |(bytes, id): &(&Vec<u8>, &PlacementId)| {
            self.ids.get(*bytes).is_some_and(|old| old != *id) && !copied(bytes)
        };
        let changed = ids.iter().filter(other).count();
        self.expect(changed == 0, || {
            format!("after the next run {changed} messages have another id than before")
        });
    }

    fn verdict(self, name: &str) -> Option<String> {
        (!self.wrong.is_empty()).then(|| format!("{name}:\n  {}", self.wrong.join("\n  ")))
    }
}

fn difference(here: &Live, there: &Live) -> String {
    let only = |these: &Live, those: &Live| {
        let differs =
            |(place, content): &(&(String, String), &(String, Vec<u8>))| those.get(*place) != Some(*content);
        these
            .iter()
            .filter(differs)
            .map(|((folder, uid), (flags, _))| format!("{folder}/{uid} ({flags})"))
            .collect::<Vec<_>>()
    };
    format!("only here {:?}, only there {:?}", only(here, there), only(there, here))
}

fn none_wrong(verdicts: Vec<String>) {
    assert!(verdicts.is_empty(), "{} cases went wrong:\n{}", verdicts.len(), verdicts.join("\n"));
}

/// Each message by folder and bytes.
fn contents(live: &Live) -> BTreeSet<(String, Vec<u8>)> {
    live.iter().map(|((folder, _), (_, bytes))| (folder.clone(), bytes.clone())).collect()
}

/// An installation with its server: before its first load, or with changes to be read.
struct Stage {
    kind: Kind,
    template: Rig,
    is_later: bool,
}

impl Stage {
    async fn first(kind: Kind) -> Self {
        let template = Rig::new(&kind.server, kind.period);
        Self { kind, template, is_later: false }
    }

    async fn later(kind: Kind) -> Self {
        let template = Rig::new(&kind.server, kind.period);
        fill(&template.anna);
        assert_eq!(template.sync().await.error, None);
        assert_eq!(template.live(), template.there(kind.since));
        Self { kind, template, is_later: true }
    }

    fn rig(&self) -> Rig {
        let rig = Rig::copy_of(&self.template);
        fill(&rig.anna);
        if self.is_later {
            change(&rig.anna);
        }
        rig
    }

    /// The names of the commands that a run sends, by the connections that send them.
    async fn commands(&self) -> Vec<(u64, String)> {
        let rig = self.rig();
        assert_eq!(rig.sync().await.error, None);
        assert_eq!(rig.live(), rig.there(self.kind.since));
        rig.server.take_served().into_iter().map(|served| (served.connection, served.command)).collect()
    }

    /// The server is at fault at each such command of each connection.
    async fn at_every_command(self) {
        let names: BTreeSet<String> = self.commands().await.into_iter().map(|(_, name)| name).collect();
        let mut wrong = Vec::new();
        for name in names {
            // The fault's plan wants a name that lives as long as the program.
            let command: &'static str = Box::leak(name.into_boxed_str());
            for fault in faults() {
                let rig = self.rig();
                rig.net.plan_every(&place(), FaultPlan::none().on(Trigger::Every(command), fault.clone()));
                let mut case = Case::run(&rig, &self.kind).await;
                case.check();
                case.comes_to(comes(command, &fault));
                case.names_folder(command);
                case.heals(slack(command, &fault)).await;
                wrong.extend(case.verdict(&format!("{fault:?} at every {command}")));
            }
        }
        none_wrong(wrong);
    }

    /// The server is at fault once, at each single command of a run in turn.
    async fn at_each_single_command(self) {
        let mut sent: Vec<usize> = Vec::new();
        for (connection, _) in self.commands().await {
            let at = usize::try_from(connection).unwrap();
            sent.resize(sent.len().max(at), 0);
            sent[at - 1] += 1;
        }
        let mut wrong = Vec::new();
        for (connection, count) in sent.into_iter().enumerate() {
            for nth in 1..=count {
                for fault in [
                    Action::No(codes::UNAVAILABLE),
                    Action::HalfLiteral(Then::Close),
                    Action::Silence(Then::Hang),
                    Action::LoseAnswer(Then::Close),
                    Action::Bend(Bend::Empty),
                ] {
                    let rig = self.rig();
                    let plan = FaultPlan::none().on(Trigger::Nth(nth), fault.clone());
                    rig.net.plan(&place(), connection + 1, plan);
                    let mut case = Case::run(&rig, &self.kind).await;
                    case.check();
                    case.comes_to(Comes::ToNoHarm);
                    case.heals(Slack::None).await;
                    wrong.extend(
                        case.verdict(&format!("{fault:?} at command {nth} of connection {}", connection + 1)),
                    );
                }
            }
        }
        none_wrong(wrong);
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_load_with_qresync() {
    Stage::first(quick()).await.at_every_command().await;
}

#[tokio::test(start_paused = true)]
async fn a_first_load_with_condstore() {
    Stage::first(conditional()).await.at_every_command().await;
}

#[tokio::test(start_paused = true)]
async fn a_first_load_with_nothing() {
    Stage::first(bare()).await.at_every_command().await;
}

#[tokio::test(start_paused = true)]
async fn a_later_run_with_qresync() {
    Stage::later(quick()).await.at_every_command().await;
}

#[tokio::test(start_paused = true)]
async fn a_later_run_with_condstore() {
    Stage::later(conditional()).await.at_every_command().await;
}

#[tokio::test(start_paused = true)]
async fn a_later_run_with_nothing() {
    Stage::later(bare()).await.at_every_command().await;
}

#[tokio::test(start_paused = true)]
async fn one_fault_in_a_first_load() {
    Stage::first(quick()).await.at_each_single_command().await;
}

#[tokio::test(start_paused = true)]
async fn one_fault_in_a_later_run_with_qresync() {
    Stage::later(quick()).await.at_each_single_command().await;
}

#[tokio::test(start_paused = true)]
async fn one_fault_in_a_later_run_with_nothing() {
    Stage::later(bare()).await.at_each_single_command().await;
}
