//! The stage of a benchmark: a server filled with mail, homes and mbsyncs in front of it, and the
//! program's runs with what they report.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use postrider_test_support::corpus::Corpus;
use postrider_test_support::home::{Account, Provider};
use postrider_test_support::mbsync::Mbsync;
use postrider_test_support::{Delivery, Dovecot, Home, nasty};
use serde_json::Value;

use crate::measure::{self, Run};

/// The user with one large folder.
pub(crate) const ONE: &str = "one@example.com";
/// The user with many folders.
pub(crate) const MANY: &str = "many@example.com";
/// The user among whose mail is one very large message.
pub(crate) const LARGE: &str = "large@example.com";
/// As `LARGE`, with ten times the mail.
pub(crate) const LARGER: &str = "larger@example.com";
const PASSWORD: &str = "bench";
const ACCOUNT: &str = "bench";
/// How many folders `MANY` has, INBOX among them, and how many messages each holds.
pub(crate) const FOLDERS: usize = 104;
const FOLDER_MESSAGES: usize = 20;
/// The size of the very large message.
pub(crate) const LARGE_BYTES: usize = 100_000_000;

/// A server with mail.
#[derive(Debug)]
pub(crate) struct Stage {
    /// The server.
    pub(crate) server: Dovecot,
    /// The program.
    pub(crate) program: PathBuf,
    /// Messages of the large folder.
    pub(crate) messages: usize,
}

impl Stage {
    /// Starts a server without mail.
    pub(crate) fn new(program: &Path, messages: usize) -> Result<Self> {
        let mut builder = Dovecot::builder();
        for user in [ONE, MANY, LARGE, LARGER] {
            builder = builder.user(user, PASSWORD);
        }
        Ok(Self { server: builder.start()?, program: program.to_path_buf(), messages })
    }

    /// Fills one user's mail and lets the server index it, so that nobody measured pays for that.
    pub(crate) fn fill(&self, user: &str, corpus: &Corpus) -> Result<()> {
        eprintln!("filling {user}");
        match user {
            MANY => {
                let mut messages = corpus.unique(FOLDERS * FOLDER_MESSAGES).map(Delivery::new);
                for number in 0..FOLDERS {
                    let folder = if number == 0 { "INBOX".into() } else { format!("Folder{number:03}") };
                    self.server.fill(user, &folder, messages.by_ref().take(FOLDER_MESSAGES))?;
                    self.index(user, &folder)?;
                }
                return Ok(());
            }
            LARGE | LARGER => {
                let count = self.messages * if user == LARGER { 10 } else { 1 };
                let large = Delivery::new(nasty::large(LARGE_BYTES));
                let half = count / 2;
                let mut messages = corpus.unique(count).map(Delivery::new);
                self.server.fill(user, "INBOX", messages.by_ref().take(half))?;
                self.server.fill(user, "INBOX", [large].into_iter().chain(messages))?;
            }
            _ => {
                self.server.fill(user, "INBOX", corpus.unique(self.messages).map(Delivery::new))?;
            }
        }
        self.index(user, "INBOX")
    }

    fn index(&self, user: &str, folder: &str) -> Result<()> {
        let mut client = self.server.client(user)?;
        client.select(folder)?;
        client.command("UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)").map(drop)
    }

    /// A fresh home with an account of this user.
    pub(crate) fn home(&self, user: &str) -> Result<Home> {
        let home = Home::new()?;
        home.account(ACCOUNT, &Account::all_mail(ACCOUNT, user, PASSWORD))?;
        point_to(&home, self.server.imap_addr())?;
        Ok(home)
    }

    /// A fresh mbsync of this user.
    pub(crate) fn mbsync(&self, user: &str) -> Result<Mbsync> {
        Mbsync::new(self.server.imap_addr(), user, PASSWORD, pattern(user))
    }

    /// Reads all of a user's INBOX and drops it.
    pub(crate) fn raw_read(&self, user: &str) -> Result<Duration> {
        let reading =
            postrider_test_support::raw_read::read_folder(self.server.imap_addr(), user, PASSWORD, "INBOX")?;
        Ok(reading.elapsed)
    }

    /// Runs the program once in `home`.
    pub(crate) fn sync(&self, home: &Home) -> Result<Sync> {
        let run = measure::run(home, &self.program, &["--sync-now", "--json"])?;
        let report: Value = serde_json::from_str(&run.output).context("--sync-now --json: no JSON")?;
        let mail = report.pointer("/accounts/0/mail").cloned().context("no mail in the report")?;
        Ok(Sync { run, mail })
    }

    /// A first load in a fresh home, which must bring `expected` messages.
    pub(crate) fn first_load(&self, user: &str, expected: usize) -> Result<(Home, Sync)> {
        let home = self.home(user)?;
        let sync = self.sync(&home)?;
        let pulled = sync.count("pulled");
        ensure!(pulled == Some(expected as u64), "the first load pulled {pulled:?}, not {expected}");
        Ok((home, sync))
    }
}

/// The account's server is reached at `address` from now on.
pub(crate) fn point_to(home: &Home, address: SocketAddr) -> Result<()> {
    home.provider(ACCOUNT, &Provider::plain(address))
}

/// mbsync is to reach the same server at `address` from now on.
pub(crate) fn point_mbsync_to(mbsync: &Mbsync, user: &str, address: SocketAddr) -> Result<()> {
    mbsync.point_to(address, user, PASSWORD, pattern(user))
}

fn pattern(user: &str) -> &'static str {
    if user == MANY { "*" } else { "INBOX" }
}

/// One run of the program.
#[derive(Debug)]
pub(crate) struct Sync {
    /// What it took.
    pub(crate) run: Run,
    mail: Value,
}

impl Sync {
    /// A count of the report's `mail`.
    pub(crate) fn count(&self, name: &str) -> Option<u64> {
        self.mail.get(name).and_then(Value::as_u64)
    }

    /// Seconds until all mail was committed: as reported, else the whole run.
    pub(crate) fn durable_secs(&self) -> f64 {
        self.millis("durable_ms").unwrap_or(self.run.elapsed.as_secs_f64())
    }

    /// Seconds until all mail could be found by search, where reported.
    pub(crate) fn searchable_secs(&self) -> Option<f64> {
        self.millis("searchable_ms")
    }

    fn millis(&self, name: &str) -> Option<f64> {
        self.mail.get(name).and_then(Value::as_f64).map(|millis| millis / 1000.0)
    }
}
