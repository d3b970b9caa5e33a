//! isync's mbsync against a server, into a Maildir of its own: the yardstick of the benchmarks. It pulls
//! only, as the product is compared with does, and calls no fsync.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::programs;

/// A configured mbsync with its Maildir and its state.
#[derive(Debug)]
pub struct Mbsync {
    program: PathBuf,
    folder: TempDir,
}

impl Mbsync {
    /// Writes a configuration for an account on a listener without TLS. `folders` is mbsync's pattern:
    /// `*` for all, `INBOX` for one.
    ///
    /// # Errors
    /// Where mbsync is not installed or the files cannot be written.
    pub fn new(address: SocketAddr, user: &str, password: &str, folders: &str) -> Result<Self> {
        let program = programs::require("mbsync", "isync")?;
        let folder = tempfile::Builder::new().prefix("postrider-mbsync-").tempdir()?;
        let mbsync = Self { program, folder };
        for name in ["mail", "state"] {
            fs::create_dir(mbsync.folder.path().join(name))?;
        }
        mbsync.point_to(address, user, password, folders)?;
        Ok(mbsync)
    }

    /// The same Maildir and state, reached over another address (a proxy in front of the same server).
    ///
    /// # Errors
    /// Where the configuration cannot be written.
    pub fn point_to(&self, address: SocketAddr, user: &str, password: &str, folders: &str) -> Result<()> {
        let at = self.folder.path().display();
        let text = format!(
            "FSync no\n\nIMAPAccount server\nHost {}\nPort {}\nUser {user}\nPass \"{password}\"\n\
             SSLType None\nAuthMechs LOGIN\nTimeout 120\n\nIMAPStore far\nAccount server\n\n\
             MaildirStore near\nPath {at}/mail/\nInbox {at}/mail/INBOX\nSubFolders Verbatim\n\n\
             Channel all\nFar :far:\nNear :near:\nPatterns {folders}\nCreate Near\nExpunge None\n\
             Sync Pull\nSyncState {at}/state/\n",
            address.ip(),
            address.port(),
        );
        fs::write(self.config(), text).context("cannot write mbsync's configuration")
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("mbsyncrc")
    }

    /// The root of its Maildirs, one folder each.
    pub fn maildir(&self) -> PathBuf {
        self.folder.path().join("mail")
    }

    /// Runs it once and returns how long it took.
    ///
    /// # Errors
    /// Where it fails; the message carries what it said.
    pub fn run(&self) -> Result<Duration> {
        let started = Instant::now();
        let output = Command::new(&self.program)
            .arg("-c")
            .arg(self.config())
            .arg("-a")
            .env("HOME", self.folder.path())
            .stdin(Stdio::null())
            .output()
            .context("cannot run mbsync")?;
        let elapsed = started.elapsed();
        if !output.status.success() {
            bail!("mbsync failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(elapsed)
    }

    /// How many messages its Maildirs hold.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn messages(&self) -> Result<usize> {
        let mut count = 0;
        for folder in fs::read_dir(self.maildir())? {
            for part in ["cur", "new"] {
                count +=
                    fs::read_dir(folder.as_ref().map_or_else(|_| self.maildir(), |f| f.path()).join(part))?
                        .count();
            }
        }
        Ok(count)
    }
}
