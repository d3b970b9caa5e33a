//! A home with three users and three accounts, their servers, and the program, which is started on it again and again.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder},
    io::Write,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result};
use postrider::{
    access::Caller,
    service::{Environment, RunRequest, Service},
    sync::Silent,
    world::{EndlessDisk, NoLoopback, NoUnixUsers, World},
};
use postrider_fake::{
    FakeDialer,
    groupware::{Groupware, Habits, Somebody},
};
use postrider_model::{Entropy, Fault, RunReport};
use tempfile::TempDir;

use super::mortal::{MortalServers, Unheard};
use crate::{
    chance::{Chance, SeededEntropy},
    crash::{CrashAt, Life},
    machine::BEGINNING,
    trace::Trace,
    world::{SimClock, SimThreads},
};

/// All users. The store's owner is none of them.
pub const USERS: [&str; 3] = ["anna", "boris", "carla"];
/// By which tag contacts are kept in step with a contact group.
pub const TAG: &str = "sync";
/// The most seconds by which a listing lags, and one more.
const LAG: i64 = 181;
/// No run takes longer.
const LONGEST_RUN: Duration = Duration::from_secs(4 * 3600);

/// What accounts have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Contacts.
    Contacts,
    /// Activities.
    Activities,
}

/// An account, and what is at its other end.
#[derive(Debug)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub user: &'static str,
    /// Its address.
    pub address: String,
    /// Its server, which others may have too.
    pub server: Groupware,
    /// Another client of its user.
    pub there: Somebody,
    /// Whether a tag and a contact group say which contacts it has; else it has address books.
    pub by_group: bool,
}

impl Account {
    /// Whether both are on one server, and not the same.
    pub fn is_beside(&self, other: &Self) -> bool {
        self.by_group == other.by_group && self.name != other.name
    }
}

/// The home.
pub struct Home {
    folder: TempDir,
    clock: Arc<SimClock>,
    entropy: Arc<dyn Entropy>,
    /// What happens here.
    pub trace: Arc<Trace>,
    /// All accounts.
    pub accounts: Vec<Account>,
    /// What they have.
    pub of: Of,
    /// What was changed on servers without the program hearing of it.
    pub unheard: Unheard,
}

/// What one life of the program came to.
#[derive(Debug)]
pub struct Ran {
    /// The report; none where it died.
    pub report: Option<std::result::Result<RunReport, Fault>>,
    /// Jobs of the store.
    pub jobs: u64,
    /// Calls of servers.
    pub calls: u64,
}

impl Home {
    /// Furnishes a home: both kinds of servers, or one of them for all.
    ///
    /// # Errors
    /// Where its files cannot be written.
    pub fn new(of: Of, seed: u64, aloud: bool, chance: &mut Chance) -> Result<Self> {
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let mut home = Self {
            folder: tempfile::Builder::new().prefix("postrider-sim-").tempdir_in(base)?,
            clock: Arc::new(SimClock::new(BEGINNING)),
            entropy: Arc::new(SeededEntropy::new(Chance::new(seed, "entropy"))),
            trace: Arc::new(Trace::new(aloud)),
            accounts: Vec::new(),
            of,
            unheard: Unheard::default(),
        };
        for name in ["accounts.d", "providers.d"] {
            let path = home.folder.path().join("config").join(name);
            DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        }
        home.write(
            "postrider.toml",
            &format!(
                "[store]\npath = {:?}\n[activities]\nreminders = []\n",
                home.store().display().to_string()
            ),
        )?;
        home.write("users.toml", &USERS.map(user_entry).concat())?;
        let kinds: &[Kind] = match chance.below(3) {
            0 => &[Kind::Google],
            1 => &[Kind::Exchange],
            _ => &[Kind::Google, Kind::Exchange],
        };
        let mut servers = Vec::new();
        for kind in kinds {
            home.write(&format!("providers.d/{}.toml", kind.name()), kind.provider())?;
            servers.push((*kind, Groupware::new(kind.habits(), home.clock.clone())));
        }
        let deletions = if chance.percent(30) { "propagate" } else { "unlink" };
        for number in 0..3 {
            let (kind, server) = &servers[number * servers.len() / 3];
            // Where there are two servers, the first user has an account on either.
            let user = USERS[if servers.len() == 2 && number == 2 { 0 } else { number }];
            home.add_account(&format!("{user}{number}"), user, *kind, server, deletions)?;
        }
        Ok(home)
    }

    fn add_account(
        &mut self,
        name: &str,
        user: &'static str,
        kind: Kind,
        server: &Groupware,
        deletions: &str,
    ) -> Result<()> {
        let address = format!("{name}@example.com");
        let items = match kind {
            _ if self.of == Of::Activities => "[activities]\n".to_owned(),
            Kind::Google => format!("[contacts]\ntag = \"{TAG}\"\n"),
            Kind::Exchange => format!("[contacts]\ndeletions = \"{deletions}\"\n"),
        };
        let provider = kind.name();
        self.write(
            &format!("accounts.d/{name}.toml"),
            &format!(
                "user = \"{user}\"\naddress = \"{address}\"\nprovider = \"{provider}\"\n\
                 [mail]\nload = false\nsend = false\n{items}"
            ),
        )?;
        self.accounts.push(Account {
            name: name.to_owned(),
            user,
            there: server.add_account(&address),
            address,
            server: server.clone(),
            by_group: kind == Kind::Google,
        });
        Ok(())
    }

    /// The store's folder.
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.path().join("config").join(name);
        let mut open = fs::OpenOptions::new();
        let mut file = open.write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        file.write_all(text.as_bytes()).with_context(|| format!("write {}", path.display()))
    }

    /// So many seconds pass.
    pub fn pass(&self, seconds: i64) {
        self.clock.set_forward(seconds);
    }

    /// So much time passes that every listing shows what was written.
    pub fn wait(&self) {
        self.pass(LAG);
    }

    fn environment(&self) -> Result<Environment> {
        Ok(Environment {
            config_dir: self.folder.path().join("config"),
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

    fn world(&self, life: &Arc<Life>) -> World {
        let servers: BTreeMap<_, _> =
            self.accounts.iter().map(|one| (one.name.clone(), one.server.clone())).collect();
        let (life, trace, unheard) = (life.clone(), self.trace.clone(), self.unheard.clone());
        World {
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            dialer: Arc::new(FakeDialer::new()),
            loopback: Arc::new(NoLoopback),
            disk: Arc::new(EndlessDisk),
            threads: Arc::new(SimThreads {
                life: life.clone(),
                trace: trace.clone(),
                commits: Arc::default(),
            }),
            unix_users: Arc::new(NoUnixUsers),
            items: Arc::new(MortalServers { servers, life, trace, unheard }),
        }
    }

    /// The program between two runs, for a person's commands.
    ///
    /// # Errors
    /// What the program says.
    pub fn service(&self) -> Result<Service> {
        Ok(Service::open(self.world(&Arc::new(Life::new(None))), self.environment()?)?)
    }

    /// What `store check` finds.
    ///
    /// # Errors
    /// What the program says.
    pub fn wrong_in_store(&self) -> Result<Vec<String>> {
        let world = self.world(&Arc::new(Life::new(None)));
        let found = Service::check_store(world, self.environment()?, true, |_, _| {})?;
        Ok(found.wrong.into_iter().chain(found.search).chain(found.audit).collect())
    }

    /// One `--sync-now` of these accounts, or of all, which may die on the way.
    ///
    /// # Errors
    /// Where the run does not end.
    pub async fn run(&self, accounts: &[String], end: Option<CrashAt>) -> Result<Ran> {
        let life = Arc::new(Life::new(end));
        let request = RunRequest {
            accounts: accounts.to_vec(),
            contacts: true,
            activities: true,
            ..RunRequest::default()
        };
        let report = self.live(&request, &life).await?;
        self.trace.step(|| format!("run of {accounts:?}: {report:?}"));
        Ok(Ran { report, jobs: life.jobs(), calls: life.calls() })
    }

    async fn live(
        &self,
        request: &RunRequest,
        life: &Arc<Life>,
    ) -> Result<Option<std::result::Result<RunReport, Fault>>> {
        let mut service = match Service::open(self.world(life), self.environment()?) {
            Ok(service) => service,
            Err(_) if life.is_dead() => return Ok(None),
            Err(fault) => return Ok(Some(Err(fault))),
        };
        let caller = service.owner();
        let run = tokio::time::timeout(LONGEST_RUN, service.sync_now(&caller, request, Arc::new(Silent)));
        let ran = tokio::select! {
            biased;
            () = life.over() => return Ok(None),
            ran = run => ran.context("the run does not end")?,
        };
        Ok((!life.is_dead()).then(|| ran.map(|outcome| outcome.report)))
    }
}

/// What a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
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

    fn habits(self) -> Habits {
        match self {
            Self::Google => Habits::google(),
            Self::Exchange => Habits::exchange(),
        }
    }

    const fn provider(self) -> &'static str {
        match self {
            Self::Google => "type = \"google\"\nauth = \"basic\"\n[imap]\nhost = \"imap.example.com\"\n",
            Self::Exchange => "type = \"exchange\"\nserver = \"mail.example.com\"\n",
        }
    }
}

fn user_entry(name: &str) -> String {
    format!("[[user]]\nname = \"{name}\"\nunix_user = \"{name}\"\naddresses = [\"{name}@example.org\"]\n")
}

/// A user who calls.
///
/// # Errors
/// A user who is not declared.
pub fn caller(service: &Service, user: &str) -> Result<Caller> {
    Ok(service.caller_of_user(user, user)?)
}
