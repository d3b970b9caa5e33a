//! A Dovecot with one mailbox, a home with an account for it, and the API over both.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use postrider::{
    api::{Client, Door, Doors, Operation, serve},
    config::{Config, LoadContext},
    service::{Environment, RunRequest, Service, Shared},
    sync::Silent,
    world::World,
};
use postrider_model::{Fault, Timestamp};
use postrider_store::{Options, Store};
use postrider_test_support::{
    Dovecot, Home,
    home::{Account, Provider},
};
use serde_json::Value;
use tokio::sync::watch;

/// The mailbox's address and login.
pub const USER: &str = "anna@example.com";
/// Its password.
pub const PASSWORD: &str = "correct horse battery";
/// Whatever hangs has hung after this.
const LIMIT: Duration = Duration::from_secs(60);

/// See above.
pub struct Scene {
    _server: Dovecot,
    pub home: Home,
    pub port: SocketAddr,
    stop: watch::Sender<bool>,
    api: Option<JoinHandle<()>>,
}

impl Scene {
    /// With these messages in INBOX, which a run has brought in.
    pub fn new(subjects: &[&str]) -> Self {
        let server = Dovecot::builder().user(USER, PASSWORD).start().unwrap();
        let home = Home::new().unwrap();
        home.provider("here", &Provider::plain(server.imap_addr())).unwrap();
        home.account("work", &Account::all_mail("here", USER, PASSWORD)).unwrap();
        let mut client = server.client(USER).unwrap();
        for subject in subjects {
            client.append("INBOX", "", "", &letter(subject)).unwrap();
        }
        let env = environment(&home);
        bring_in(&env);
        let (port, stop, api) = open(&home, env);
        Self { _server: server, home, port, stop, api: Some(api) }
    }

    pub fn socket(&self) -> PathBuf {
        socket(&self.home)
    }

    pub fn env(&self) -> Environment {
        environment(&self.home)
    }

    /// The use cases beside the API, as the owner's commands have them.
    pub fn service(&self) -> Service {
        Service::open(World::real(), self.env()).unwrap()
    }

    /// The store, by its own door.
    pub fn store(&self) -> Store {
        Store::open(&Options::new(self.home.store(), [7; 16], Timestamp(0))).unwrap()
    }

    /// Has an operation performed, as the command line would.
    pub fn call<O: Operation>(&self, operation: &O) -> Result<O::Answer, Fault> {
        blocking(Client::new(self.socket(), None).call(operation))
    }

    /// Sends these octets to the socket, and answers with all that comes back.
    pub fn say(&self, request: &[u8]) -> Said {
        Said::over(UnixStream::connect(self.socket()).unwrap(), request)
    }

    /// The same on the port.
    pub fn say_by_port(&self, request: &[u8]) -> Said {
        Said::over(TcpStream::connect(self.port).unwrap(), request)
    }

    /// Stops the API and waits until it is closed.
    pub fn stop(&mut self) {
        self.stop.send_replace(true);
        if let Some(api) = self.api.take() {
            api.join().unwrap();
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.stop();
    }
}

fn socket(home: &Home) -> PathBuf {
    home.path().join("run/api.sock")
}

fn environment(home: &Home) -> Environment {
    Environment {
        config_dir: home.config(),
        default_store: home.store(),
        home: Some(home.path().to_owned()),
        path: "/usr/bin:/bin".to_owned(),
        credentials: None,
        uid: rustix::process::geteuid().as_raw(),
        user: "anna".to_owned(),
        default_socket: socket(home),
        machine_id: None,
        time_zone: None,
    }
}

fn bring_in(env: &Environment) {
    let mut service = Service::open(World::real(), env.clone()).unwrap();
    let caller = service.owner();
    let request = RunRequest { mail: true, ..RunRequest::default() };
    let outcome = blocking(service.sync_now(&caller, &request, Arc::new(Silent))).unwrap();
    assert!(outcome.report.accounts.iter().all(|account| account.error.is_none()), "{outcome:?}");
}

fn open(home: &Home, env: Environment) -> (SocketAddr, watch::Sender<bool>, JoinHandle<()>) {
    let context =
        LoadContext { owner_uid: env.uid, home: env.home.clone(), default_store: env.default_store.clone() };
    let mut files = Config::load(&env.config_dir, &context);
    files.set_owner(&env.user);
    let store = Store::open(&Options::new(home.store(), [7; 16], Timestamp(0))).unwrap();
    let loopback = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let doors = Doors::default().with_socket(&socket(home)).unwrap().with_port(loopback).unwrap();
    let port = doors.0.iter().find_map(|door| match door {
        Door::Port(listener) => Some(listener.local_addr().unwrap()),
        Door::Socket(..) => None,
    });
    let (stop, stopped) = watch::channel(false);
    let api = serve(Arc::new(Shared::new(World::real(), env, store, files)), doors, stopped).unwrap();
    (port.unwrap(), stop, api)
}

/// Waits for what is waited for.
pub fn blocking<F: Future>(work: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(LIMIT, work).await.expect("it hangs") })
}

/// What was answered.
#[derive(Debug)]
pub struct Said {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Said {
    fn over(mut stream: impl Read + Write + Limited, request: &[u8]) -> Self {
        stream.limit(LIMIT);
        // What is refused early is not read to its end.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }
}

trait Limited {
    fn limit(&self, limit: Duration);
}

impl Limited for UnixStream {
    fn limit(&self, limit: Duration) {
        self.set_read_timeout(Some(limit)).unwrap();
        self.set_write_timeout(Some(limit)).unwrap();
    }
}

impl Limited for TcpStream {
    fn limit(&self, limit: Duration) {
        self.set_read_timeout(Some(limit)).unwrap();
        self.set_write_timeout(Some(limit)).unwrap();
    }
}

/// A request without a body.
pub fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").into_bytes()
}

/// A request with a JSON body.
pub fn post(path: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A short message with that subject.
pub fn letter(subject: &str) -> Vec<u8> {
    format!(
        "From: Bert <bert@example.org>\r\nTo: anna@example.com\r\nSubject: {subject}\r\n\
         Date: Fri, 01 Mar 2024 12:00:00 +0000\r\nMessage-ID: <{subject}@example.org>\r\n\r\nThe text of {subject}.\r\n"
    )
    .into_bytes()
}
