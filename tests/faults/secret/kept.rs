//! What the store keeps sealed: for the host and login that it was given for alone (F8.2), under a key that can be changed at any moment
//! (F8.1), in a process that leaves no trace of it (F8).

use std::fs;
use std::io::{BufRead, BufReader, Seek, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use chrono::DateTime;
use postrider_fake::{Capabilities, FaultPlan, Server, ServerConfig};
use postrider_test_support::{Home, home::output_of, programs};
use rustix::process::{Pid, Signal, geteuid, kill_process};

use super::listener::Listener;

const PROGRAM: &str = env!("CARGO_BIN_EXE_postrider");
const USER: &str = "anna@example.com";
const PASSWORD: &str = "Quagga-7731-hunts-at-dawn";
/// A user who owns nothing.
const NOBODY: u32 = 65_534;

struct Installation {
    server: Server,
    listener: Listener,
    home: Home,
}

impl Installation {
    /// With an account whose password is in the store.
    fn new() -> Self {
        let server =
            Server::new(ServerConfig { capabilities: Capabilities::all(), ..ServerConfig::default() });
        let anna = server.add_user(USER, PASSWORD);
        let date = DateTime::parse_from_rfc3339("2026-01-05T08:00:00Z").unwrap();
        anna.append("INBOX", b"Subject: hello\r\n\r\nhello\r\n".to_vec(), &[], date).unwrap();
        let listener = Listener::start(&server, FaultPlan::none(), None);
        let installation = Self { server, listener, home: Home::new().unwrap() };
        installation.provider("127.0.0.1", "email");
        let add = [
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
        ];
        installation.type_password(&add);
        installation.run(&["--sync-now"], 0);
        installation.server.take_served();
        installation
    }

    fn provider(&self, host: &str, login: &str) {
        let text = format!(
            "type = \"imap\"\nlogin = \"{login}\"\n[imap]\nhost = \"{host}\"\nport = {}\nsecurity = \"none\"\n",
            self.listener.address.port()
        );
        self.home.write_config("providers.d/here.toml", &text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(Path::new(PROGRAM));
        command.args(arguments);
        command
    }

    fn type_password(&self, arguments: &[&str]) {
        let mut typed = tempfile::tempfile().unwrap();
        typed.write_all(format!("{PASSWORD}\n").as_bytes()).unwrap();
        typed.rewind().unwrap();
        let mut command = self.command(arguments);
        command.stdin(Stdio::from(typed));
        let output = output_of(command).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn run(&self, arguments: &[&str], exit: i32) -> String {
        let output = output_of(self.command(arguments)).unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {said}");
        assert!(!said.contains(PASSWORD), "{arguments:?}: {said}");
        said
    }

    fn logins(&self) -> usize {
        let served = self.server.take_served();
        served.iter().filter(|one| matches!(one.command.as_str(), "LOGIN" | "AUTHENTICATE")).count()
    }

    fn store(&self, name: &str) -> PathBuf {
        self.home.store().join(name)
    }

    /// Whether the store holds a password: as SQLite says it.
    fn sealed(&self) -> usize {
        let mut command = Command::new(programs::python().unwrap());
        let script = "import sqlite3,sys\nprint(sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM secret').fetchone()[0])";
        command.arg("-c").arg(script).arg(self.store("store.db"));
        String::from_utf8(output_of(command).unwrap().stdout).unwrap().trim().parse().unwrap()
    }
}

#[test]
fn a_file_that_names_another_host_or_login_gets_no_stored_password() {
    let here = Installation::new();
    for (host, login) in [("localhost", "email"), ("127.0.0.1", "mailbox_name")] {
        here.run(&["--sync-now"], 0);
        assert!(here.logins() > 0);
        here.provider(host, login);
        let said = here.run(&["--sync-now"], 3);
        assert!(said.contains("it was given for anna@example.com at 127.0.0.1"), "{said}");
        assert!(said.contains("postrider account login work"), "{said}");
        assert_eq!((here.logins(), here.sealed()), (0, 0), "{host} {login}");
        // Going back brings nothing back: it is erased.
        here.provider("127.0.0.1", "email");
        here.run(&["--sync-now"], 3);
        assert_eq!(here.logins(), 0);
        here.type_password(&["account", "login", "work", "--password-stdin"]);
    }
    // The other port of the same host is the same host.
    let other = Listener::start(&here.server, FaultPlan::none(), None);
    let file = fs::read_to_string(here.home.config().join("providers.d/here.toml")).unwrap();
    let moved = file.replace(&here.listener.address.port().to_string(), &other.address.port().to_string());
    here.home.write_config("providers.d/here.toml", &moved).unwrap();
    here.run(&["--sync-now"], 0);
}

#[test]
fn the_key_is_changed_and_a_change_that_is_killed_goes_on() {
    let here = Installation::new();
    let key = || fs::read(here.store("store.key")).unwrap();
    let first = key();
    let said = here.run(&["key", "rotate"], 0);
    assert!(said.contains("1 secret sealed by it"), "{said}");
    assert_ne!(key(), first);
    here.run(&["--sync-now"], 0);
    for step in 0..20 {
        let mut rotating = here.command(&["-q", "key", "rotate"]).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(step * 4));
        // It may be through already.
        let _ = kill_process(Pid::from_child(&rotating), Signal::KILL);
        rotating.wait().unwrap();
        here.run(&["--sync-now"], 0);
    }
    here.run(&["key", "rotate"], 0);
    here.run(&["--sync-now"], 0);
    assert!(!here.store("store.key.next").exists());
    assert_eq!(fs::metadata(here.store("store.key")).unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn a_wrong_key_opens_nothing_and_is_no_reason_to_write_anything() {
    let here = Installation::new();
    let (right, before) = (fs::read(here.store("store.key")).unwrap(), here.sealed());
    here.home.write_config("wrong", &format!("{}\n", "0b".repeat(32))).unwrap();
    fs::copy(here.home.config().join("wrong"), here.store("store.key")).unwrap();
    let wrong = fs::read(here.store("store.key")).unwrap();
    for command in [&["--sync-now"][..], &["key", "rotate"], &["account", "test", "work"]] {
        let said = here.run(command, 1);
        assert!(said.contains("they are sealed by the key"), "{command:?}: {said}");
    }
    assert_eq!((fs::read(here.store("store.key")).unwrap(), here.sealed()), (wrong, before));
    assert!(!here.store("store.key.next").exists());
    fs::write(here.store("store.key"), &right).unwrap();
    fs::set_permissions(here.store("store.key"), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(here.run(&["--sync-now"], 2).contains("its mode is 0640"));
    fs::set_permissions(here.store("store.key"), fs::Permissions::from_mode(0o600)).unwrap();
    here.run(&["--sync-now"], 0);
}

/// As somebody who is not root: root may look into every process.
#[test]
fn a_process_that_holds_secrets_leaves_no_core_and_shows_its_memory_to_nobody() {
    let here = Installation::new();
    let mut command = here.command(&["--json", "watch"]);
    if geteuid().is_root() {
        let program = here.home.path().join("postrider");
        fs::copy(PROGRAM, &program).unwrap();
        give_away(here.home.path());
        command = here.home.bare_command(&programs::require("setpriv", "util-linux").unwrap());
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        command.arg("--config").arg(here.home.config()).args(["--json", "watch"]);
    }
    let mut command = with_cores(&command, here.home.path());
    let mut watching = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let ran = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("\"ran\"")));
    assert!(ran.is_some(), "it never ran");
    let process = PathBuf::from(format!("/proc/{}", watching.id()));
    let read = |name: &str| fs::read(process.join(name));
    let limits = String::from_utf8(read("limits").unwrap()).unwrap();
    let cores = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(cores.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{cores}");
    // proc(5): of a process that is not dumpable these belong to root.
    for name in ["mem", "environ", "maps"] {
        assert_eq!(fs::metadata(process.join(name)).unwrap().uid(), 0, "{name}");
    }
    let told = [read("cmdline").unwrap(), read("environ").unwrap_or_default()].concat();
    assert!(!String::from_utf8_lossy(&told).contains(PASSWORD));
    let mut sleep = Command::new("sleep");
    sleep.arg("600");
    let mut other = with_cores(&sleep, here.home.path()).spawn().unwrap();
    let comes_to = PathBuf::from(format!("/proc/{}/comm", other.id()));
    while fs::read_to_string(&comes_to).unwrap().trim() != "sleep" {
        thread::sleep(Duration::from_millis(10));
    }
    if !aborted(&mut other).core_dumped() {
        println!(
            "no process leaves a core on this machine: that ours leaves none is told by its limit alone"
        );
    }
    assert!(!aborted(&mut watching).core_dumped());
}

/// The same command, allowed to leave a core as large as the machine allows, in that folder.
fn with_cores(command: &Command, folder: &Path) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", r#"ulimit -c "$(ulimit -H -c)"; exec "$0" "$@""#]).current_dir(folder);
    shell.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// Ends a process in a way that leaves a core, where one may be left.
fn aborted(child: &mut Child) -> ExitStatus {
    kill_process(Pid::from_child(child), Signal::ABORT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()));
    status
}

/// Gives a folder with all in it to a user who owns nothing.
fn give_away(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give_away(&entry.unwrap().path()));
    }
}
