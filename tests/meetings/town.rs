//! A home with several users and accounts, their servers, and runs.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder},
    io::Write,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use postrider::{
    config::{ItemServer, ProviderKind},
    service::{Environment, RunRequest, Service},
    sync::Silent,
    world::{EndlessDisk, ItemServers, NoLoopback, NoUnixUsers, World},
};
use postrider_fake::{
    FakeDialer,
    groupware::{Groupware, Habits, SetClock, Somebody},
};
use postrider_model::{AccountReport, AccountStatus, Clock, Entropy, Fault, Timestamp};
use postrider_remote::{CalendarRemote, ContactRemote};
use postrider_store::{Options, Store};

use crate::{
    life::{Life, MortalCalendars, MortalContacts, MortalThreads},
    sight::Sight,
};

/// 2026-03-02T08:00:00Z.
const START: Timestamp = Timestamp::from_seconds(1_772_438_400);
const MACHINE: &str = "a machine";
/// So many runs bring everything everywhere.
const RUNS: usize = 6;

/// Chance that is none.
#[derive(Debug, Default)]
struct Counted(AtomicU64);

impl Entropy for Counted {
    fn fill(&self, buffer: &mut [u8]) {
        let nth = self.0.fetch_add(1, Relaxed) + 1;
        let octets = nth.to_be_bytes();
        for (at, octet) in buffer.iter_mut().rev().enumerate() {
            *octet = octets.iter().rev().nth(at % 8).copied().unwrap_or(0);
        }
    }
}

struct Servers {
    of_address: BTreeMap<String, Groupware>,
    life: Arc<Life>,
}

impl ItemServers for Servers {
    fn kinds(&self) -> &[ProviderKind] {
        &[ProviderKind::Google, ProviderKind::Exchange]
    }

    fn contacts(&self, server: &ItemServer) -> Result<Box<dyn ContactRemote>, Fault> {
        let inner = Box::new(self.of_address[&server.address].contacts(&server.address));
        Ok(Box::new(MortalContacts { inner, life: self.life.clone() }))
    }

    fn calendars(&self, server: &ItemServer) -> Result<Box<dyn CalendarRemote>, Fault> {
        let inner = Box::new(self.of_address[&server.address].calendars(&server.address));
        Ok(Box::new(MortalCalendars { inner, life: self.life.clone() }))
    }
}

/// A server, as Google's or as Exchange's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Google,
    Exchange,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Exchange => "exchange",
        }
    }

    pub fn habits(self) -> Habits {
        match self {
            Self::Google => Habits::google(),
            Self::Exchange => Habits::exchange(),
        }
    }
}

/// How a run of one account went.
pub struct Ran {
    pub report: AccountReport,
    /// Transactions that changed something, but for the run's own row.
    pub commits: u64,
}

impl Ran {
    /// Pulled, pushed, deleted.
    pub fn counts(&self) -> [u64; 3] {
        let counts = self.report.activities.unwrap_or_default();
        [counts.pulled, counts.pushed, counts.deleted]
    }
}

pub struct Town {
    home: tempfile::TempDir,
    pub clock: SetClock,
    entropy: Arc<Counted>,
    servers: BTreeMap<&'static str, Groupware>,
    of_address: BTreeMap<String, Groupware>,
    accounts: Vec<String>,
}

impl Town {
    /// Users, each with an address of their own.
    pub fn new(users: &[&str]) -> Self {
        let town = Self {
            home: new_home(),
            clock: SetClock::at(START),
            entropy: Arc::default(),
            servers: BTreeMap::new(),
            of_address: BTreeMap::new(),
            accounts: Vec::new(),
        };
        for name in ["config/accounts.d", "config/providers.d"] {
            let path = town.home.path().join(name);
            DirBuilder::new().recursive(true).mode(0o700).create(path).unwrap();
        }
        town.write_settings();
        let user = |name: &&str| {
            format!(
                "[[user]]\nname = \"{name}\"\nunix_user = \"{name}\"\naddresses = [\"{name}@example.org\"]\n"
            )
        };
        town.write("users.toml", &users.iter().map(user).collect::<String>());
        town
    }

    /// Users with one account each on one server.
    pub fn on_one(kind: Kind, users: &[&str]) -> Self {
        let mut town = Self::new(users);
        for user in users {
            town.account(user, user, &format!("{user}@example.org"), kind, "");
        }
        town
    }

    /// One account on the server of that kind.
    pub fn account(&mut self, name: &str, user: &str, address: &str, kind: Kind, activities: &str) {
        self.furnish(name, address, kind);
        self.configure(name, user, address, kind, activities);
    }

    /// The same with contacts.
    pub fn account_with_contacts(
        &mut self,
        name: &str,
        user: &str,
        address: &str,
        kind: Kind,
        activities: &str,
        contacts: &str,
    ) {
        self.furnish(name, address, kind);
        self.configure(name, user, address, kind, &format!("{activities}[contacts]\n{contacts}"));
    }

    fn furnish(&mut self, name: &str, address: &str, kind: Kind) {
        let provider = kind.name();
        let server = self
            .servers
            .entry(provider)
            .or_insert_with(|| Groupware::new(kind.habits(), Arc::new(self.clock.clone())));
        server.add_account(address);
        self.of_address.insert(address.to_owned(), server.clone());
        let text = match kind {
            Kind::Google => "auth = \"basic\"\n[imap]\nhost = \"imap.example.com\"\n",
            Kind::Exchange => "server = \"mail.example.com\"\n",
        };
        self.write(&format!("providers.d/{provider}.toml"), &format!("type = \"{provider}\"\n{text}"));
        self.accounts.push(name.to_owned());
    }

    /// The same town with the same past, apart from this one from now on.
    #[must_use]
    pub fn fork(&self) -> Self {
        let clock = SetClock::at(self.clock.now());
        let home = new_home();
        copy(self.home.path(), home.path());
        let servers: BTreeMap<_, _> =
            self.servers.iter().map(|(name, server)| (*name, server.fork(Arc::new(clock.clone())))).collect();
        let of_address = self.of_address.iter().map(|(address, of)| {
            let (name, _) = self.servers.iter().find(|(_, server)| server.is(of)).unwrap();
            (address.clone(), servers[name].clone())
        });
        let town = Self {
            of_address: of_address.collect(),
            accounts: self.accounts.clone(),
            entropy: Arc::new(Counted(AtomicU64::new(self.entropy.0.load(Relaxed)))),
            home,
            clock,
            servers,
        };
        town.write_settings();
        town
    }

    fn write_settings(&self) {
        let store = self.home.path().join("store").display().to_string();
        self.write(
            "postrider.toml",
            &format!(
                "[store]\npath = {store:?}\n[activities]\ntime_zone = \"Europe/Berlin\"\nreminders = []\n"
            ),
        );
    }

    /// Writes an account anew.
    pub fn configure(&self, name: &str, user: &str, address: &str, kind: Kind, activities: &str) {
        let provider = kind.name();
        let text = format!(
            "user = \"{user}\"\naddress = \"{address}\"\nprovider = \"{provider}\"\n[mail]\nload = false\nsend = false\n[activities]\n{activities}"
        );
        self.write(&format!("accounts.d/{name}.toml"), &text);
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.home.path().join("config").join(name);
        let mut open = fs::OpenOptions::new();
        let mut file = open.write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn world(&self, life: &Arc<Life>) -> World {
        World {
            clock: Arc::new(self.clock.clone()),
            entropy: self.entropy.clone(),
            dialer: Arc::new(FakeDialer::new()),
            loopback: Arc::new(NoLoopback),
            disk: Arc::new(EndlessDisk),
            threads: Arc::new(MortalThreads(life.clone())),
            unix_users: Arc::new(NoUnixUsers),
            items: Arc::new(Servers { of_address: self.of_address.clone(), life: life.clone() }),
        }
    }

    fn service_in(&self, life: &Arc<Life>) -> Service {
        let environment = Environment {
            config_dir: self.home.path().join("config"),
            default_store: self.home.path().join("store"),
            default_socket: self.home.path().join("store/api.sock"),
            home: None,
            path: String::new(),
            credentials: None,
            uid: fs::metadata(self.home.path()).unwrap().uid(),
            time_zone: None,
            user: "keeper".to_owned(),
            machine_id: Some(MACHINE.to_owned()),
        };
        Service::open(self.world(life), environment).unwrap()
    }

    /// The program between two runs, for a person's commands. A moment passes with each.
    pub fn service(&self) -> Service {
        self.clock.pass(1_000);
        self.service_in(&Life::new(None))
    }

    /// One run of that account's activities; `None` where it died.
    pub fn live(&self, account: &str, life: &Arc<Life>) -> Option<AccountReport> {
        self.live_of(account, false, life)
    }

    /// One run of that account, contacts and activities; `None` where it died.
    pub fn live_all(&self, account: &str, life: &Arc<Life>) -> Option<AccountReport> {
        self.live_of(account, true, life)
    }

    fn live_of(&self, account: &str, contacts: bool, life: &Arc<Life>) -> Option<AccountReport> {
        self.live_in(&mut self.service_in(life), account, contacts, life)
    }

    fn live_in(
        &self,
        service: &mut Service,
        account: &str,
        contacts: bool,
        life: &Arc<Life>,
    ) -> Option<AccountReport> {
        // Long enough for listings to show what was written.
        self.clock.pass(if contacts { 200_000 } else { 1_000 });
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let caller = service.owner();
            let request = RunRequest {
                accounts: vec![account.to_owned()],
                contacts,
                activities: true,
                ..RunRequest::default()
            };
            let run = service.sync_now(&caller, &request, Arc::new(Silent));
            let outcome = tokio::select! {
                biased;
                () = life.over() => return None,
                outcome = run => outcome,
            };
            (!life.is_dead()).then(|| outcome.unwrap().report.accounts.into_iter().next())?
        })
    }

    /// One run, whatever comes of it.
    pub fn try_run(&self, account: &str) -> Ran {
        let life = Life::new(None);
        let report = self.live(account, &life).unwrap();
        Ran { report, commits: life.commits().saturating_sub(1) }
    }

    /// One run in which nothing fails and nothing waits.
    pub fn run(&self, account: &str) -> Ran {
        let ran = self.try_run(account);
        let told = format!("{account}: {:?} {:?}", ran.report.error, ran.report.warnings);
        assert_eq!(ran.report.status, AccountStatus::Ok, "{told}");
        self.is_lawful();
        ran
    }

    /// Runs of all accounts, one after another, until nothing is left to do; and then nothing is written on either side.
    pub fn settle(&self) {
        self.run_until_still(false);
        self.is_still();
    }

    /// The same of contacts and activities, but for a last look.
    pub fn settle_all(&self) {
        self.run_until_still(true);
    }

    fn run_until_still(&self, contacts: bool) {
        let life = Life::new(None);
        let mut service = self.service_in(&life);
        for _ in 0..RUNS {
            let mut is_still = true;
            for name in &self.accounts {
                let before = life.commits();
                let report = self.live_in(&mut service, name, contacts, &life).unwrap();
                let told = format!("{name}: {:?} {:?}", report.error, report.warnings);
                assert_eq!(report.status, AccountStatus::Ok, "{told}");
                self.is_lawful();
                is_still &= life.commits() - before <= 1;
            }
            if is_still {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    /// A run of each account that is still: nothing is written on either side.
    pub fn is_still(&self) {
        for name in &self.accounts {
            self.servers.values().for_each(|server| drop(server.take_steps()));
            let ran = self.run(name);
            assert_eq!((ran.counts(), ran.commits), ([0, 0, 0], 0), "{name}: {:?}", ran.report.warnings);
            for server in self.servers.values() {
                let written: Vec<_> =
                    server.take_steps().into_iter().filter(|step| step.name.contains("apply")).collect();
                assert!(written.is_empty(), "{written:?}");
            }
        }
    }

    pub fn is_lawful(&self) {
        for server in self.servers.values() {
            assert_eq!(server.violations(), Vec::<String>::new());
        }
    }

    /// How many were mailed by servers since the beginning.
    pub fn mailed(&self) -> usize {
        self.servers.values().map(|server| server.sent_mail().len()).sum()
    }

    /// A user's other client there.
    pub fn there(&self, address: &str) -> Somebody {
        self.of_address[address].somebody(address)
    }

    /// What is here, as people see it.
    pub fn sight(&self) -> Sight {
        let options = Options {
            machine_id: Some(MACHINE.to_owned()),
            ..Options::new(self.home.path().join("store"), [0; 16], self.clock.now())
        };
        let service = self.service();
        let reader = Store::open(&options).unwrap().reader().unwrap();
        Sight { service, reader }
    }

    pub fn server(&self, kind: Kind) -> &Groupware {
        &self.servers[kind.name()]
    }
}

fn new_home() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("postrider-meetings-").tempdir_in(base).unwrap()
}

/// Copies a folder with its modes.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&to).unwrap();
            fs::set_permissions(&to, entry.metadata().unwrap().permissions()).unwrap();
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
