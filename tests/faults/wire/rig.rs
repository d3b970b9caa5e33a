//! The whole program in one thread: paused clock, counted chance, a wire in memory, the store inline; and the plain view of
//! what is in the store, to be compared with what is on the server.
//!
//! A store after a first load is made once for each kind of server and copied for each case, because the server's ids are
//! counted and so are the same each time.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use postrider::service::{Environment, RunRequest, Service};
use postrider::sync::{Compute, InlineCompute, Silent};
use postrider::world::{EndlessDisk, NoItemServers, NoLoopback, NoUnixUsers, Threads, World};
use postrider_fake::{FakeDialer, OtherClient, Server, ServerConfig};
use postrider_model::{AccountReport, Clock, Entropy, PlacementId, Timestamp};
use postrider_net::Endpoint;
use postrider_store::{Executor, Filter, InlineExecutor, Options, Reader, Store, StoreError, Writer};
use tempfile::TempDir;
use tokio::time::Instant;

/// 2026-01-15T12:00:00Z, in seconds since 1970.
const START_S: i64 = 1_768_478_400;
const HOST: &str = "localhost";
const PORT: u16 = 143;
const USER: &str = "anna@example.com";
const PASSWORD: &str = "s3cret-of-anna";

/// Messages by where they stand, folder and UID, with flags and bytes. One that has no UID at the moment stands under its id.
pub(super) type Live = BTreeMap<(String, String), (String, Vec<u8>)>;

/// A person's installation and the server of their account.
pub(super) struct Rig {
    home: TempDir,
    pub(super) net: FakeDialer,
    pub(super) server: Server,
    pub(super) anna: OtherClient,
    started: Instant,
    chance: Arc<Counted>,
}

/// Where the server is.
pub(super) fn place() -> Endpoint {
    Endpoint::new(HOST, PORT)
}

impl Rig {
    /// An empty installation and a server without mail. `period` is the account's `[mail] period`.
    pub(super) fn new(config: &ServerConfig, period: &str) -> Self {
        let server = Server::new(config.clone());
        let anna = server.add_user(USER, PASSWORD);
        let net = FakeDialer::new();
        net.add(place(), &server);
        let home = home();
        configure(&home.path().join("config"), period);
        Self { home, net, server, anna, started: Instant::now(), chance: Arc::default() }
    }

    /// The same installation as `other` has now, at a server that is still to be filled.
    pub(super) fn copy_of(other: &Self) -> Self {
        let rig = Self::new(other.server.config(), "all");
        for folder in ["config", "store"] {
            let from = other.home.path().join(folder);
            if from.exists() {
                copy_folder(&from, &rig.home.path().join(folder));
            }
        }
        rig
    }

    fn store_dir(&self) -> PathBuf {
        self.home.path().join("store")
    }

    fn service(&self) -> Service {
        let world = World {
            clock: Arc::new(Paused(self.started)),
            entropy: self.chance.clone(),
            dialer: Arc::new(self.net.clone()),
            loopback: Arc::new(NoLoopback),
            disk: Arc::new(EndlessDisk),
            threads: Arc::new(Inline),
            unix_users: Arc::new(NoUnixUsers),
            items: Arc::new(NoItemServers),
        };
        let env = Environment {
            config_dir: self.home.path().join("config"),
            default_store: self.store_dir(),
            default_socket: self.store_dir().join("api.sock"),
            home: None,
            path: "/usr/bin:/bin".to_owned(),
            credentials: None,
            uid: rustix::process::geteuid().as_raw(),
            user: "anna".to_owned(),
            machine_id: None,
            time_zone: None,
        };
        Service::open(world, env).unwrap()
    }

    /// A person lets all through that is held.
    pub(super) fn allow_all(&self, report: &AccountReport) {
        let mut service = self.service();
        let caller = service.owner();
        for held in &report.held {
            service.allow(&caller, &held.plan).unwrap();
        }
    }

    /// One run of the account by the whole program.
    pub(super) async fn sync(&self) -> AccountReport {
        let mut service = self.service();
        let caller = service.owner();
        let request = RunRequest { mail: true, ..RunRequest::default() };
        let outcome = service.sync_now(&caller, &request, Arc::new(Silent)).await.unwrap();
        let [report] = <[AccountReport; 1]>::try_from(outcome.report.accounts).unwrap();
        report
    }

    fn reader(&self) -> Option<Reader> {
        let options = Options::new(self.store_dir(), [0; 16], Timestamp(0));
        Store::open_existing(&options).unwrap().map(|store| store.reader().unwrap())
    }

    /// What stands in the store, those that are held among it.
    pub(super) fn live(&self) -> Live {
        let Some(reader) = self.reader() else { return Live::new() };
        assert_eq!(reader.check().unwrap(), Vec::<String>::new(), "the store is sound");
        let rows = reader.list(&Filter { limit: usize::MAX, ..Filter::default() }).unwrap();
        let mut live = Live::new();
        for row in rows {
            let bytes = body(&reader, row.id);
            let place = (row.folder, row.uid.map_or_else(|| row.id.to_string(), |uid| uid.to_string()));
            let earlier = live.insert(place, (sorted(&row.flags.to_string()), bytes));
            assert_eq!(earlier, None, "a UID stands for two messages");
        }
        live
    }

    /// The ids of messages by their bytes, of which no two here are the same.
    pub(super) fn ids(&self) -> BTreeMap<Vec<u8>, PlacementId> {
        let Some(reader) = self.reader() else { return BTreeMap::new() };
        let rows = reader.list(&Filter { limit: usize::MAX, ..Filter::default() }).unwrap();
        rows.iter().map(|row| (body(&reader, row.id), row.id)).collect()
    }

    /// What stands on the server, of what came at or after that day (`2026-01-01`; empty: all).
    pub(super) fn there(&self, since: &str) -> Live {
        let mut there = Live::new();
        for (name, mailbox) in self.anna.snapshot() {
            for message in mailbox.messages {
                if message.internal_date.format("%Y-%m-%d").to_string().as_str() >= since {
                    let content = (sorted(&message.flags.join(" ")), message.bytes.to_vec());
                    there.insert((name.clone(), message.uid.to_string()), content);
                }
            }
        }
        there
    }
}

fn body(reader: &Reader, id: PlacementId) -> Vec<u8> {
    let mut bytes = Vec::new();
    reader.body(id, &mut bytes).unwrap();
    bytes
}

fn sorted(flags: &str) -> String {
    let mut words: Vec<&str> = flags.split(' ').collect();
    words.sort_unstable();
    words.join(" ")
}

/// In memory where the machine has a place for that: thousands of stores are made, and none is to last.
fn home() -> TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory).unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}

fn configure(dir: &Path, period: &str) {
    let write = |name: &str, text: &str| {
        let path = dir.join(name);
        DirBuilder::new().recursive(true).mode(0o700).create(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&path, private).unwrap();
    };
    write("secrets/anna", PASSWORD);
    write(
        "providers.d/here.toml",
        &format!("type = \"imap\"\n[imap]\nhost = \"{HOST}\"\nport = {PORT}\nsecurity = \"none\"\n"),
    );
    write(
        "accounts.d/anna.toml",
        &format!(
            "address = \"{USER}\"\nprovider = \"here\"\n[credentials]\npassword_file = \"../secrets/anna\"\n\
             [mail]\nload = true\nsend = false\nperiod = \"{period}\"\n"
        ),
    );
}

fn copy_folder(from: &Path, to: &Path) {
    DirBuilder::new().recursive(true).mode(0o700).create(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// A message: subject and number in its header, so that no two are the same.
fn message(name: &str, number: u32) -> Vec<u8> {
    let text = format!(
        "From: Berta <berta@example.org>\r\nTo: {USER}\r\nSubject: {name} {number}\r\n\
         Message-ID: <{name}.{number}@example.org>\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\n\r\n{}\r\n",
        format!("line {number} of {name} ").repeat(usize::try_from(number).unwrap() * 3 + 1)
    );
    text.into_bytes()
}

pub(super) fn at(text: &str) -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(text).unwrap()
}

/// The mail that is there at a first load.
pub(super) fn fill(anna: &OtherClient) {
    for (folder, count) in [("INBOX", 14), ("Projects/2026", 5), ("Sent", 3), ("Empty", 0)] {
        if folder != "INBOX" {
            anna.create_mailbox(folder).unwrap();
        }
        for number in 1..=count {
            let flags: &[&str] = if number % 2 == 0 { &["\\Seen", "Todo"] } else { &[] };
            let date = at(&format!("2026-01-{number:02}T08:00:00+00:00"));
            anna.append(folder, message(folder, number), flags, date).unwrap();
        }
    }
    let old = at("2019-03-01T08:00:00+00:00");
    anna.append("INBOX", message("old", 1), &["\\Seen"], old).unwrap();
}

/// What others do to that mail before the later run: all that a run has to follow.
pub(super) fn change(anna: &OtherClient) {
    let now = at("2026-01-15T09:00:00+00:00");
    anna.append("INBOX", message("late", 1), &[], now).unwrap();
    anna.append("Projects/2026", message("late", 2), &["\\Flagged"], now).unwrap();
    anna.expunge("INBOX", &[3, 4]).unwrap();
    anna.add_flags("INBOX", 1, &["\\Answered", "Later"]).unwrap();
    anna.remove_flags("Projects/2026", 2, &["\\Seen"]).unwrap();
    anna.move_messages("Projects/2026", &[1], "INBOX").unwrap();
    anna.bump_uid_validity("Sent").unwrap();
    anna.create_mailbox("Fresh").unwrap();
    anna.append("Fresh", message("fresh", 1), &[], now).unwrap();
}

#[derive(Debug)]
struct Paused(Instant);

impl Clock for Paused {
    fn now(&self) -> Timestamp {
        let elapsed: Duration = self.0.elapsed();
        Timestamp(START_S * 1_000_000 + i64::try_from(elapsed.as_micros()).unwrap())
    }
}

#[derive(Debug, Default)]
struct Counted(AtomicU64);

impl Entropy for Counted {
    fn fill(&self, buffer: &mut [u8]) {
        for byte in buffer {
            let next = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            *byte = next.to_be_bytes()[0];
        }
    }
}

#[derive(Debug)]
struct Inline;

impl Threads for Inline {
    fn store(&self, writer: Writer) -> Result<Arc<dyn Executor>, StoreError> {
        Ok(Arc::new(InlineExecutor::new(writer)))
    }

    fn compute(&self) -> io::Result<Arc<dyn Compute>> {
        Ok(Arc::new(InlineCompute))
    }
}
