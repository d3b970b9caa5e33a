//! A private Dovecot 2.3 on loopback, as root or as any user, ended with the value that stands for it.
//!
//! Everything it has is below one temporary directory: configuration, sockets, log, users, mail. As root its
//! processes drop to Debian's `dovecot` and `dovenull` and mail belongs to `nobody`, because Dovecot serves
//! no mail as root; as anybody else all runs as that user, without chroot. A capability that is withheld is
//! not announced, though Dovecot would still obey: a client that uses what was not announced is not caught.

mod config;
mod maildir;

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::geteuid;
use tempfile::TempDir;

use crate::imap_client::ImapClient;
use crate::leash::Leash;
use crate::ports::Reservation;
use crate::programs;

pub use config::{Builder, Storage, capabilities_without};
pub use maildir::Delivery;

/// How long Dovecot may take until it answers; a loaded machine needs seconds.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How a log says that a port is taken.
const IN_USE: &str = "Address already in use";
/// Debian's `nobody` and `nogroup`.
const NOBODY: u32 = 65534;

/// A running (or stopped) server. Dropping it ends it and removes all that it had.
#[derive(Debug)]
pub struct Dovecot {
    // Ended before the folder goes.
    running: Option<Leash>,
    settings: Builder,
    users: Vec<(String, String)>,
    imap: Reservation,
    imaps: Reservation,
    folder: TempDir,
}

impl Dovecot {
    /// What the server is to be like; `start` on it starts it.
    pub fn builder() -> Builder {
        Builder::new()
    }

    fn launch(settings: Builder) -> Result<Self> {
        require_version()?;
        // Not TMPDIR: paths of Unix sockets end at 107 bytes, and Dovecot's other users must reach them.
        let folder = tempfile::Builder::new()
            .prefix("postrider-dovecot-")
            .permissions(Permissions::from_mode(0o711))
            .tempdir_in("/tmp")?;
        let users = settings.users.clone();
        let (imap, imaps) = (Reservation::new()?, Reservation::new()?);
        let mut server = Self { running: None, settings, users, imap, imaps, folder };
        for (name, mode) in [("run", 0o755), ("state", 0o755), ("mail", 0o755), ("rawlog", 0o777)] {
            server.make_folder(name, mode)?;
        }
        own(&server.folder.path().join("mail"))?;
        server.write_users()?;
        server.start()?;
        Ok(server)
    }

    fn make_folder(&self, name: &str, mode: u32) -> Result<()> {
        let path = self.folder.path().join(name);
        fs::create_dir(&path)?;
        // The process's umask does not apply to this.
        fs::set_permissions(&path, Permissions::from_mode(mode))?;
        Ok(())
    }

    /// Starts the server again on the same ports and data, and waits until it answers.
    ///
    /// # Errors
    /// Where it does not answer within 30 s; the message carries its log.
    pub fn start(&mut self) -> Result<()> {
        if self.running.is_some() {
            return Ok(());
        }
        let text = self.settings.text(self.folder.path(), self.imap.port(), self.imaps.port())?;
        let file = self.folder.path().join("dovecot.conf");
        fs::write(&file, text)?;
        let program = programs::require("dovecot", "dovecot-imapd")?;
        let arguments = ["-F".as_ref(), "-c".as_ref(), file.as_os_str()];
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let said_before = self.log().len();
            self.running = Some(Leash::start(self.folder.path(), program.as_os_str(), &arguments)?);
            match self.wait_until_ready(said_before) {
                // A process of the server before may still have its end of a listener.
                Err(error) if Instant::now() < deadline && error.to_string().contains(IN_USE) => {
                    self.stop();
                    thread::sleep(Duration::from_millis(100));
                }
                outcome => return outcome,
            }
        }
    }

    /// Ends the server and every connection to it, in order; data and ports stay. Takes about a second.
    pub fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.end();
        }
    }

    /// Announces other capabilities from the next start on; `None`: all that Dovecot has.
    pub fn set_capability(&mut self, capability: Option<String>) {
        self.settings.capability = capability;
    }

    /// Waits until it answers. The first `said_before` bytes of its log are of earlier starts, whose ends may be called fatal.
    fn wait_until_ready(&self, said_before: usize) -> Result<()> {
        let address = if self.settings.plain { self.imap.address() } else { self.imaps.address() };
        let deadline = Instant::now() + START_LIMIT;
        while Instant::now() < deadline {
            let log = self.log();
            let said = log.get(said_before..).unwrap_or_default();
            // Others than the master are started anew where they fail.
            if said.contains("master: Fatal:") {
                bail!("dovecot did not start: {}", said.trim());
            }
            if TcpStream::connect(address).is_ok() && self.lets_in() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(5));
        }
        bail!("dovecot did not answer within {START_LIMIT:?}: {}", self.log().trim())
    }

    /// Whether logins are answered: they have a process of their own, which may come up after the listener. Without users there is
    /// nobody to ask for.
    fn lets_in(&self) -> bool {
        let Some((user, password)) = self.users.first() else { return true };
        let file = self.folder.path().join("dovecot.conf");
        let tried = programs::require("doveadm", "dovecot-core").ok().and_then(|program| {
            Command::new(program).arg("-c").arg(&file).args(["auth", "test", user, password]).output().ok()
        });
        tried.is_some_and(|output| output.status.success())
    }

    /// The listener without TLS (with STARTTLS where a certificate was given).
    pub fn imap_addr(&self) -> SocketAddr {
        self.imap.address()
    }

    /// The listener with TLS from the first byte; it listens only where a certificate was given.
    pub fn imaps_addr(&self) -> SocketAddr {
        self.imaps.address()
    }

    /// The folder with everything that the server has.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Adds a user, or gives them another password, and waits until a running server knows: it looks at its file once a second.
    ///
    /// # Errors
    /// Where the file of users cannot be written, or the server does not take it up.
    pub fn add_user(&mut self, name: &str, password: &str) -> Result<()> {
        self.users.retain(|(known, _)| known != name);
        self.users.push((name.to_owned(), password.to_owned()));
        self.write_users()?;
        let deadline = Instant::now() + START_LIMIT;
        while self.running.is_some() && self.settings.plain {
            match self.client(name) {
                Ok(_) => break,
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        }
        Ok(())
    }

    fn write_users(&self) -> Result<()> {
        let mut text = String::new();
        for (name, password) in &self.users {
            // In hexadecimal, so that a password may hold a colon.
            let hex: String = password.bytes().map(|byte| format!("{byte:02x}")).collect();
            text.push_str(&format!("{name}:{{PLAIN.HEX}}{hex}\n"));
        }
        // Replaced whole: Dovecot may read it at any time.
        let (path, new) = (self.folder.path().join("users"), self.folder.path().join("users.new"));
        let mut file = File::create(&new)?;
        file.set_permissions(Permissions::from_mode(0o644))?;
        file.write_all(text.as_bytes())?;
        fs::rename(&new, &path).context("cannot write the users")
    }

    /// A client of our own, logged in as `user` over the listener without TLS.
    ///
    /// # Errors
    /// Where the user is unknown here or the server refuses.
    pub fn client(&self, user: &str) -> Result<ImapClient> {
        let (_, password) = self
            .users
            .iter()
            .find(|(name, _)| name == user)
            .with_context(|| format!("this server has no user {user}"))?;
        ImapClient::login(self.imap_addr(), user, password)
    }

    /// The root of a user's Maildir, whether or not the user has logged in yet.
    pub fn maildir(&self, user: &str) -> PathBuf {
        self.folder.path().join("mail").join(user).join("Maildir")
    }

    /// Puts messages into a folder by writing the Maildir, which is far faster than APPEND and takes bytes
    /// that APPEND refuses. Dovecot sees them when the folder is next opened or polled. Returns how many.
    ///
    /// `folder` is `INBOX` or a `/`-separated name of plain ASCII; the folder is made where missing.
    ///
    /// # Errors
    /// Where the storage is no Maildir, or the files cannot be written.
    pub fn fill(
        &self,
        user: &str,
        folder: &str,
        messages: impl IntoIterator<Item = Delivery>,
    ) -> Result<usize> {
        if self.settings.storage != Storage::Maildir && self.settings.storage != Storage::MaildirPlusPlus {
            bail!("only a Maildir can be filled directly");
        }
        let home = self.folder.path().join("mail").join(user);
        let folders = maildir::path(&home, folder, self.settings.storage);
        maildir::fill(&home, &folders, messages)
    }

    /// The server's log so far.
    pub fn log(&self) -> String {
        fs::read(self.folder.path().join("log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// What clients sent (`.in`) and got (`.out`) after login, one file a connection, sorted by name; empty
    /// without `rawlog` on the builder.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn rawlogs(&self) -> Result<Vec<PathBuf>> {
        let mut files: Vec<PathBuf> = fs::read_dir(self.folder.path().join("rawlog"))?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_>>()?;
        files.sort();
        Ok(files)
    }
}

/// Gives a path to the user as whom Dovecot serves mail, where that is not us.
fn own(path: &Path) -> Result<()> {
    if geteuid().is_root() {
        chown(path, Some(NOBODY), Some(NOBODY))
            .with_context(|| format!("cannot give {} to nobody", path.display()))?;
    }
    Ok(())
}

/// Dovecot 2.4 reads another configuration language.
fn require_version() -> Result<()> {
    let program = programs::require("dovecot", "dovecot-imapd")?;
    let output = Command::new(program).arg("--version").output().context("cannot run dovecot --version")?;
    let version = String::from_utf8_lossy(&output.stdout);
    if !version.starts_with("2.3.") {
        bail!("dovecot {} is installed, these tests know 2.3", version.trim());
    }
    Ok(())
}
