//! A server with one mailbox, a counted wire before it, and a home with an account for that mailbox.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use postrider_test_support::dovecot::Builder;
use postrider_test_support::home::{Account, Provider, output_of};
use postrider_test_support::{Dovecot, Home, ImapClient, Proxy};
use serde_json::Value;

/// The mailbox's address and login.
pub const USER: &str = "anna@example.com";
/// Its password.
pub const PASSWORD: &str = "correct horse battery";
/// The account's name in the home.
pub const ACCOUNT: &str = "work";

/// The program under test.
pub fn postrider() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_postrider"))
}

/// What the program said, and what it ended with.
#[derive(Debug)]
pub struct Answer {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Answer {
    /// The answer as the one JSON value that it should be.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// The same, where the command must have succeeded.
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }
}

/// A server, a wire, a home.
pub struct Scene {
    pub server: Dovecot,
    pub proxy: Proxy,
    pub home: Home,
}

impl Scene {
    /// Any Dovecot; the account takes all mail of all folders.
    pub fn new() -> Self {
        Self::of(Dovecot::builder())
    }

    /// A Dovecot that announces less than it could.
    pub fn without(withheld: &[&str]) -> Self {
        Self::of(Dovecot::builder().without(withheld))
    }

    /// That Dovecot.
    pub fn of(builder: Builder) -> Self {
        let server = builder.user(USER, PASSWORD).start().unwrap();
        let proxy = Proxy::start(server.imap_addr(), Duration::ZERO).unwrap();
        let home = Home::new().unwrap();
        home.provider("here", &Provider::plain(proxy.addr())).unwrap();
        let scene = Self { server, proxy, home };
        scene.configure("all", &[]);
        scene
    }

    /// Writes the account's file anew: period, and folders (none: all).
    pub fn configure(&self, period: &str, folders: &[&str]) {
        let account = Account {
            period: period.to_owned(),
            folders: folders.iter().map(|name| (*name).to_owned()).collect(),
            ..Account::all_mail("here", USER, PASSWORD)
        };
        self.home.account(ACCOUNT, &account).unwrap();
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Answer {
        run_in(&self.home, arguments)
    }

    /// The program, not yet started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(postrider());
        command.args(arguments);
        command
    }

    /// One run; answers with its exit code and the account's report.
    pub fn try_sync(&self) -> (i32, Value) {
        let answer = self.run(&["--sync-now", "--json"]);
        let mut report = answer.json();
        let account = report["accounts"][0].take();
        assert_eq!(account["account"], ACCOUNT, "{answer:?}");
        (answer.code, account)
    }

    /// One run that must end well; answers with the account's report.
    pub fn sync(&self) -> Value {
        let (code, account) = self.try_sync();
        assert_eq!((code, &account["status"]), (0, &Value::from("ok")), "{account}");
        account
    }

    /// Another client of the mailbox.
    pub fn client(&self) -> ImapClient {
        self.server.client(USER).unwrap()
    }

    /// All messages that are here, as `mail list` prints them for scripts.
    pub fn listed(&self) -> Vec<Value> {
        let answer = self.run(&["mail", "list", "--json", "--limit", "1000000"]).ok();
        answer.json().as_array().unwrap().clone()
    }

    /// What `mail search` finds, as subjects, sorted.
    pub fn found(&self, query: &[&str]) -> Vec<String> {
        let arguments = [&["mail", "search", "--json", "--"], query].concat();
        let answer = self.run(&arguments).ok();
        let mut subjects: Vec<String> =
            answer.json().as_array().unwrap().iter().map(|row| text(&row["subject"])).collect();
        subjects.sort();
        subjects
    }
}

/// What the server thought of it, where a test fails.
impl Drop for Scene {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the server's log: {}", self.server.log());
        }
    }
}

/// Runs the program in any home.
pub fn run_in(home: &Home, arguments: &[&str]) -> Answer {
    let mut command = home.command(postrider());
    command.args(arguments);
    answer_of(command)
}

/// Runs a command to its end.
pub fn answer_of(command: Command) -> Answer {
    let output = output_of(command).unwrap();
    Answer {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A JSON string's text.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// A JSON number.
pub fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// A short message with that subject.
pub fn letter(subject: &str) -> Vec<u8> {
    format!(
        "From: Bert <bert@example.org>\r\nTo: anna@example.com\r\nSubject: {subject}\r\n\
         Date: Fri, 01 Mar 2024 12:00:00 +0000\r\nMessage-ID: <{}@example.org>\r\n\r\n\
         The text of {subject}.\r\n",
        subject.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
    )
    .into_bytes()
}
