//! The machine on which the program runs: a configuration and a store in a folder of their own, servers behind wires, a clock.
//! It outlives the program, which is started on it again and again and may die on it.

use std::{
    fs::{self, DirBuilder},
    io::Write,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::{Context as _, Result};
use postrider::{
    service::{Environment, RunOutcome, RunRequest, Service},
    sync::Silent,
    world::{EndlessDisk, NoItemServers, NoLoopback, NoUnixUsers, World},
};
use postrider_fake::{
    BodyServed, FakeDialer, OtherClient, Served, Server, ServerConfig,
    smtp::{SmtpDialer, SmtpServer},
};
use postrider_model::{Entropy, Fault, Timestamp};
use postrider_net::Endpoint;
use tempfile::TempDir;

use crate::{
    chance::{Chance, SeededEntropy},
    crash::{CrashAt, Life},
    power::PowerLoss,
    trace::Trace,
    world::{Cable, SimClock, SimDialer, SimThreads},
};

/// When every simulation begins: 2026-06-15T12:00:00Z.
pub const BEGINNING: Timestamp = Timestamp::from_seconds(1_781_524_800);
/// No run takes longer, be the server as silent as it may.
const LONGEST_RUN: Duration = Duration::from_secs(4 * 3600);

/// An account's side of the world.
#[derive(Debug)]
pub struct Mailbox {
    /// The account's name in the configuration.
    pub account: String,
    /// The server.
    pub server: Server,
    /// Where it is.
    pub at: Endpoint,
    /// Someone else's hand on the same mail.
    pub other: OtherClient,
    /// `[mail] period`.
    pub period: String,
    /// `[mail] folders`; empty for all.
    pub folders: Vec<String>,
    /// Whether it sends.
    pub sends: bool,
}

/// How a program's life ended.
#[derive(Debug)]
pub enum Ended {
    /// It died where it was to die.
    Crashed,
    /// It ran to its end.
    Ran(RunOutcome),
    /// It was told to stop, and did.
    Stopped,
    /// It could not run at all.
    Failed(Fault),
}

/// What one life of the program left behind besides the store.
#[derive(Debug)]
pub struct Lived {
    /// How it ended.
    pub ended: Ended,
    /// Commands that each account's server answered.
    pub served: Vec<Vec<Served>>,
    /// Whole messages that each account's server handed out.
    pub bodies: Vec<Vec<BodyServed>>,
    /// Jobs of the store.
    pub jobs: u64,
    /// Commits among them.
    pub commits: u64,
    /// Octets on the wires.
    pub octets: u64,
    /// Round trips on the wires.
    pub trips: u64,
}

/// The machine.
#[derive(Debug)]
pub struct Machine {
    folder: TempDir,
    net: FakeDialer,
    post: SmtpDialer,
    cable: Cable,
    clock: Arc<SimClock>,
    entropy: Arc<dyn Entropy>,
    trace: Arc<Trace>,
    /// Every account and its server, in the order of names.
    pub mailboxes: Vec<Mailbox>,
}

impl Machine {
    /// An empty machine. To be called within a runtime whose time is paused.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn new(seed: u64, trace: Arc<Trace>) -> Result<Self> {
        // In memory where that is possible: what is simulated is the program, not the disk.
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("postrider-sim-").tempdir_in(base)?;
        let machine = Self {
            folder,
            net: FakeDialer::new(),
            post: SmtpDialer::new(),
            cable: Cable::default(),
            clock: Arc::new(SimClock::new(BEGINNING)),
            entropy: Arc::new(SeededEntropy::new(Chance::new(seed, "entropy"))),
            trace,
            mailboxes: Vec::new(),
        };
        for name in ["accounts.d", "providers.d", "secrets"] {
            DirBuilder::new().recursive(true).mode(0o700).create(machine.config().join(name))?;
        }
        let store = format!("[store]\npath = {:?}\n", machine.store().display().to_string());
        machine.write("postrider.toml", &store)?;
        Ok(machine)
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    /// The store's folder.
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// What a person and other clients need to be at the mail, between two runs and in the middle of one.
    ///
    /// # Errors
    /// Where the machine's folder cannot be looked at.
    pub fn hands(&self) -> Result<Hands> {
        let sides = self.mailboxes.iter().map(|mailbox| Side {
            account: mailbox.account.clone(),
            server: mailbox.server.clone(),
            other: mailbox.other.clone(),
            is_whole: mailbox.period == "all" && mailbox.folders.is_empty(),
        });
        Ok(Hands {
            environment: self.environment()?,
            store: self.store(),
            net: self.net.clone(),
            post: self.post.clone(),
            cable: self.cable.clone(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            trace: self.trace.clone(),
            sides: sides.collect(),
        })
    }

    /// The trace of all that happens here.
    pub fn trace(&self) -> &Arc<Trace> {
        &self.trace
    }

    /// The net between the program and its servers, with its faults.
    pub fn net(&self) -> &FakeDialer {
        &self.net
    }

    /// The servers that take mail, with their faults.
    pub fn post(&self) -> &SmtpDialer {
        &self.post
    }

    /// What all servers are reached by.
    pub fn cable(&self) -> &Cable {
        &self.cable
    }

    /// The clock on the wall.
    pub fn clock(&self) -> &SimClock {
        &self.clock
    }

    /// Has the program run each account that often.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn set_interval(&self, interval: &str) -> Result<()> {
        let store = self.store().display().to_string();
        self.write(
            "postrider.toml",
            &format!("[store]\npath = {store:?}\n[daemon]\ninterval = {interval:?}\n"),
        )
    }

    /// A person tells the program an account's password.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write_password(&self, account: &str, password: &str) -> Result<()> {
        self.write(&format!("secrets/{account}"), password)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.config().join(name);
        let mut open = fs::OpenOptions::new();
        let mut file = open.write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        file.write_all(text.as_bytes()).with_context(|| format!("write {}", path.display()))
    }

    /// Adds an account with a server of its own. `folders` empty: all of them.
    ///
    /// # Errors
    /// Where its files cannot be written.
    pub fn add_account(&mut self, server: ServerConfig, period: &str, folders: &[String]) -> Result<()> {
        let number = self.mailboxes.len();
        let (account, host, port) = (format!("account{number}"), "127.0.0.1", 10_000 + number as u16);
        let server = Server::new(server);
        let at = Endpoint::new(host, port);
        let other = server.add_user(&format!("{account}@example.com"), "password");
        self.net.add(at.clone(), &server);
        self.write(
            &format!("providers.d/{account}.toml"),
            &format!("type = \"imap\"\nlogin = \"email\"\nauth = \"basic\"\n[imap]\nhost = \"{host}\"\nport = {port}\nsecurity = \"none\"\n"),
        )?;
        self.write_password(&account, "password")?;
        let (period, folders) = (period.to_owned(), folders.to_vec());
        self.mailboxes.push(Mailbox { account, server, at, other, period, folders, sends: false });
        self.configure(number)
    }

    /// Has an account send by that server; answers where it is.
    ///
    /// # Errors
    /// Where its files cannot be written.
    pub fn let_send(&mut self, number: usize, server: &SmtpServer) -> Result<Option<Endpoint>> {
        let Some(mailbox) = self.mailboxes.get_mut(number) else { return Ok(None) };
        mailbox.sends = true;
        let (host, imap, port) = ("127.0.0.1", 10_000 + number, 20_000 + number as u16);
        server.add_user(&format!("{}@example.com", mailbox.account), "password");
        let at = Endpoint::new(host, port);
        self.post.add(at.clone(), server);
        let file = format!("providers.d/{}.toml", mailbox.account);
        self.write(
            &file,
            &format!("type = \"imap\"\nlogin = \"email\"\nauth = \"basic\"\n[imap]\nhost = \"{host}\"\nport = {imap}\nsecurity = \"none\"\n[smtp]\nhost = \"{host}\"\nport = {port}\nsecurity = \"none\"\n"),
        )?;
        self.configure(number)?;
        Ok(Some(at))
    }

    /// Writes an account's file anew, after its period or its folders changed.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn configure(&self, number: usize) -> Result<()> {
        let Some(Mailbox { account, period, folders, sends, .. }) = self.mailboxes.get(number) else {
            return Ok(());
        };
        let secret = self.config().join("secrets").join(account);
        let folders = match folders.as_slice() {
            [] => "\"all\"".to_owned(),
            names => format!("{names:?}"),
        };
        let text = format!(
            "address = \"{account}@example.com\"\nprovider = \"{account}\"\n[credentials]\npassword_file = {:?}\n\
             [mail]\nload = true\nsend = {sends}\nperiod = \"{period}\"\nfolders = {folders}\n",
            secret.display().to_string(),
        );
        self.write(&format!("accounts.d/{account}.toml"), &text)
    }

    fn environment(&self) -> Result<Environment> {
        Ok(Environment {
            config_dir: self.config(),
            default_store: self.store(),
            default_socket: self.store().join("api.sock"),
            home: None,
            path: String::new(),
            credentials: None,
            uid: fs::metadata(self.folder.path())?.uid(),
            user: "sim".to_owned(),
            machine_id: Some("simulated machine".to_owned()),
            time_zone: Some("Europe/Berlin".to_owned()),
        })
    }

    /// The program between two runs, for a person's commands.
    ///
    /// # Errors
    /// What the program says.
    pub fn service(&self) -> Result<Service> {
        self.hands()?.service()
    }

    /// Starts the program for one `--sync-now`, which may die on the way.
    ///
    /// # Errors
    /// Where the machine itself fails, or the run does not end.
    pub async fn run(&self, request: &RunRequest, crash: Option<CrashAt>) -> Result<Lived> {
        self.live(request, Life::new(crash)).await
    }

    /// The same, and after every job of the store `beside` is called with its number: somebody is at the mail beside the run.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_beside(
        &self,
        request: &RunRequest,
        crash: Option<CrashAt>,
        beside: impl FnMut(u64) + Send + 'static,
    ) -> Result<Lived> {
        self.live(request, Life::new(crash).between_jobs(beside)).await
    }

    /// The same, but the machine loses its power: of what was committed only so much is on the disk, in thousandths of the
    /// log's octets.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_to_power_loss(&self, request: &RunRequest, crash: CrashAt, kept: u64) -> Result<Lived> {
        let loss = PowerLoss::new(&self.store(), kept);
        let (seen, synced) = (loss.clone(), loss.clone());
        let life = Life::new(Some(crash)).between_jobs(move |_| synced.notice_sync());
        let lived = self.live(request, life.at_death(move || seen.look())).await?;
        if matches!(lived.ended, Ended::Crashed) {
            loss.strike()?;
        }
        Ok(lived)
    }

    async fn live(&self, request: &RunRequest, life: Life) -> Result<Lived> {
        let (life, commits) = (Arc::new(life), Arc::new(AtomicU64::new(0)));
        let ended = self.live_and_die(request, &life, &commits).await?;
        Ok(self.after(ended, &life, &commits).await)
    }

    /// What a life left behind, once nobody has anything left to do.
    pub(crate) async fn after(&self, ended: Ended, life: &Life, commits: &AtomicU64) -> Lived {
        if matches!(ended, Ended::Crashed) {
            self.net.cut_all();
            self.post.cut_all();
        }
        // Time passes only when nobody has anything left to do.
        tokio::time::sleep(Duration::from_secs(60)).await;
        let lived = Lived {
            ended,
            served: self.mailboxes.iter().map(|mailbox| mailbox.server.take_served()).collect(),
            bodies: self.mailboxes.iter().map(|mailbox| mailbox.server.take_bodies()).collect(),
            jobs: life.jobs(),
            commits: commits.load(Relaxed),
            octets: life.octets(),
            trips: life.trips(),
        };
        for one in lived.served.iter().flatten() {
            self.trace.step(|| format!("served {}: {}", one.connection, one.command));
        }
        self.trace.step(|| format!("{:?}", lived.ended));
        lived
    }

    async fn live_and_die(
        &self,
        request: &RunRequest,
        life: &Arc<Life>,
        commits: &Arc<AtomicU64>,
    ) -> Result<Ended> {
        let hands = self.hands()?;
        let mut service = match Service::open(hands.world(life, commits), hands.environment) {
            Ok(service) => service,
            Err(fault) => return Ok(Ended::Failed(fault)),
        };
        let caller = service.owner();
        let run = tokio::time::timeout(LONGEST_RUN, service.sync_now(&caller, request, Arc::new(Silent)));
        let ran = tokio::select! {
            biased;
            () = life.over() => return Ok(Ended::Crashed),
            ran = run => ran.context("the run does not end")?,
        };
        Ok(match ran {
            _ if life.is_dead() => Ended::Crashed,
            Ok(outcome) => Ended::Ran(outcome),
            Err(fault) => Ended::Failed(fault),
        })
    }
}

/// One account's mail, for those who are at it beside the program.
#[derive(Debug, Clone)]
pub struct Side {
    /// The account's name.
    pub account: String,
    /// Its server.
    pub server: Server,
    /// Someone else's hand on its mail.
    pub other: OtherClient,
    /// Whether all of its mail is to be here.
    pub is_whole: bool,
}

/// What a person and other clients need to be at the mail, be the program running or not.
#[derive(Clone)]
pub struct Hands {
    pub(crate) environment: Environment,
    /// The store's folder.
    pub store: PathBuf,
    net: FakeDialer,
    post: SmtpDialer,
    cable: Cable,
    clock: Arc<SimClock>,
    entropy: Arc<dyn Entropy>,
    /// Where it is written down.
    pub trace: Arc<Trace>,
    /// Every account.
    pub sides: Vec<Side>,
}

impl std::fmt::Debug for Hands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hands").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Hands {
    /// The program, for one command of a person.
    ///
    /// # Errors
    /// What the program says.
    pub fn service(&self) -> Result<Service> {
        let world = self.world(&Arc::new(Life::new(None)), &Arc::default());
        Ok(Service::open(world, self.environment.clone())?)
    }

    pub(crate) fn world(&self, life: &Arc<Life>, commits: &Arc<AtomicU64>) -> World {
        let (trace, life) = (self.trace.clone(), life.clone());
        World {
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            dialer: Arc::new(SimDialer {
                net: self.net.clone(),
                post: self.post.clone(),
                cable: self.cable.clone(),
                life: life.clone(),
                trace: trace.clone(),
                dialled: AtomicU64::new(0),
            }),
            loopback: Arc::new(NoLoopback),
            disk: Arc::new(EndlessDisk),
            threads: Arc::new(SimThreads { life, trace, commits: commits.clone() }),
            unix_users: Arc::new(NoUnixUsers),
            items: Arc::new(NoItemServers),
        }
    }
}

/// A run of every account.
pub fn everything() -> RunRequest {
    RunRequest { mail: true, ..RunRequest::default() }
}
