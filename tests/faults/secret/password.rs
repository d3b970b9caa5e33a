//! The password, in every form in which it travels, is in nothing that the program says or writes, at the most verbose level.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::DateTime;
use postrider_fake::{Action, Capabilities, Capability, FaultPlan, Server, ServerConfig, Trigger};
use postrider_test_support::{Certs, Home, home::output_of};

use super::listener::Listener;

const PROGRAM: &str = env!("CARGO_BIN_EXE_postrider");
const USER: &str = "anna@example.com";
const PASSWORD: &str = "Quagga-7731-hunts-at-dawn";
/// What a server might say that repeats what it was sent.
const PARROT: &str = "[AUTHENTICATIONFAILED] no: LOGIN anna@example.com Quagga-7731-hunts-at-dawn";

/// How a password goes to the server.
#[derive(Debug, Clone, Copy)]
enum Way {
    Login,
    Authenticate,
    AuthenticateAtOnce,
}

impl Way {
    fn capabilities(self) -> Capabilities {
        match self {
            Self::Login => Capabilities::bare(),
            Self::Authenticate => Capabilities::bare().with([Capability::AuthPlain]),
            Self::AuthenticateAtOnce => Capabilities::all(),
        }
    }

    const fn command(self) -> &'static str {
        match self {
            Self::Login => "LOGIN",
            Self::Authenticate | Self::AuthenticateAtOnce => "AUTHENTICATE",
        }
    }
}

/// The password as it is, in base64, and with the login name as AUTHENTICATE PLAIN sends it (RFC 4616).
fn needles() -> Vec<String> {
    let blob = STANDARD.encode(format!("\0{USER}\0{PASSWORD}"));
    let halves = [PASSWORD[..12].to_owned(), PASSWORD[12..].to_owned()];
    let mut all = vec![
        PASSWORD.to_owned(),
        STANDARD.encode(PASSWORD),
        blob.clone(),
        blob.trim_end_matches('=').to_owned(),
    ];
    all.extend(halves);
    all
}

fn is_clean(bytes: &[u8], of: &str) {
    for needle in needles() {
        let found = bytes.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle.as_bytes()));
        assert!(!found, "{needle} is in {of}: {}", String::from_utf8_lossy(bytes));
    }
}

/// Every file below a folder but the one with the password in it.
fn files_are_clean(folder: &Path, but: &Path) -> usize {
    let mut looked_at = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            looked_at += files_are_clean(&path, but);
        } else if path != but {
            is_clean(&fs::read(&path).unwrap(), &path.display().to_string());
            looked_at += 1;
        }
    }
    looked_at
}

fn server(way: Way) -> Server {
    let server = Server::new(ServerConfig { capabilities: way.capabilities(), ..ServerConfig::default() });
    let anna = server.add_user(USER, PASSWORD);
    let date = DateTime::parse_from_rfc3339("2026-01-05T08:00:00Z").unwrap();
    anna.append("INBOX", b"Subject: hello\r\n\r\nhello\r\n".to_vec(), &[], date).unwrap();
    server
}

fn home(listener: &Listener, certs: Option<&Certs>) -> Home {
    let home = Home::new().unwrap();
    let security = if certs.is_some() { "tls" } else { "none" };
    let tls = certs
        .map(|certs| format!("[tls]\nca_file = \"{}\"\n", certs.ca_file().display()))
        .unwrap_or_default();
    let port = listener.address.port();
    let provider = format!(
        "type = \"imap\"\n[imap]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"{security}\"\n{tls}"
    );
    home.write_config("providers.d/here.toml", &provider).unwrap();
    home
}

/// Runs a command at the most verbose level, with the password on standard input, and answers what it said.
fn run(home: &Home, arguments: &[&str], exit: i32) -> String {
    // In no folder that is searched.
    let mut typed = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut typed, format!("{PASSWORD}\n").as_bytes()).unwrap();
    std::io::Seek::rewind(&mut typed).unwrap();
    let mut command: Command = home.command(Path::new(PROGRAM));
    command.args(arguments).arg("-vvv").stdin(Stdio::from(typed));
    let output = output_of(command).unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {}", String::from_utf8_lossy(&said));
    is_clean(&said, &format!("{arguments:?}"));
    String::from_utf8(said).unwrap()
}

fn everything_is_clean(way: Way, certs: Option<&Certs>) {
    let server = server(way);
    let pair = certs.map(|certs| &certs.good);
    let listener = Listener::start(&server, FaultPlan::none(), pair);
    let home = home(&listener, certs);
    run(
        &home,
        &[
            "account",
            "add",
            USER,
            "--provider",
            "here",
            "--name",
            "work",
            "--period",
            "all",
            "--password-stdin",
        ],
        0,
    );
    let log = run(&home, &["--sync-now"], 0);
    assert!(log.contains("EXAMINE") && log.contains("TRACE"), "the log is not the most verbose one: {log}");
    for command in [
        &["--sync-now", "--json"][..],
        &["account", "show", "work"],
        &["account", "list", "--json"],
        &["account", "test", "work"],
        &["account", "login", "work", "--password-stdin"],
        &["provider", "list", "--json"],
        &["status", "--json"],
        &["doctor", "--json"],
        &["mail", "list", "--json"],
    ] {
        run(&home, command, 0);
    }
    let told = server.take_served();
    assert!(told.iter().any(|served| served.command == way.command()), "{way:?} was not the way: {told:?}");
    assert!(server.violations().is_empty(), "{:?}", server.violations());

    // What the server makes of it is no better kept by it: now it refuses, and repeats what it was sent.
    let refusing = FaultPlan::none().on(Trigger::Every(way.command()), Action::No(PARROT));
    let parrot = Listener::start(&server, refusing, pair);
    let provider = fs::read_to_string(home.config().join("providers.d/here.toml")).unwrap();
    let moved = provider.replace(&listener.address.port().to_string(), &parrot.address.port().to_string());
    home.write_config("providers.d/here.toml", &moved).unwrap();
    for (command, exit) in [
        (&["--sync-now"][..], 3),
        (&["--sync-now", "--json"], 3),
        (&["account", "test", "work"], 3),
        (&["doctor"], 1),
        (&["status", "--json"], 0),
    ] {
        let said = run(&home, command, exit);
        assert!(said.contains("<hidden>"), "{command:?} tells nothing of what the server said: {said}");
    }
    assert!(files_are_clean(home.path(), Path::new("")) > 3);
}

#[test]
fn login_without_tls() {
    everything_is_clean(Way::Login, None);
}

#[test]
fn login_over_tls() {
    everything_is_clean(Way::Login, Some(&Certs::new().unwrap()));
}

#[test]
fn authenticate_plain_without_tls() {
    everything_is_clean(Way::Authenticate, None);
    everything_is_clean(Way::AuthenticateAtOnce, None);
}

#[test]
fn authenticate_plain_over_tls() {
    let certs = Certs::new().unwrap();
    everything_is_clean(Way::Authenticate, Some(&certs));
    everything_is_clean(Way::AuthenticateAtOnce, Some(&certs));
}

#[test]
fn a_password_from_a_file_stays_in_that_file() {
    let server = server(Way::Login);
    let listener = Listener::start(&server, FaultPlan::none(), None);
    let home = home(&listener, None);
    home.account("work", &postrider_test_support::home::Account::all_mail("here", USER, PASSWORD)).unwrap();
    for command in
        [&["--sync-now"][..], &["account", "show", "work"], &["doctor"], &["--sync-now", "--dry-run"]]
    {
        run(&home, command, 0);
    }
    let file = home.config().join("secrets/work");
    assert!(files_are_clean(home.path(), &file) > 3);
}
