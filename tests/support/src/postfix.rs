//! A private Postfix on loopback, ended with the value that stands for it: submission with STARTTLS and with TLS from the
//! first octet, logins asked of a private Dovecot, and every message put into a Maildir that a test reads. Nothing ever
//! leaves the machine: there is no transport but the one into Maildirs.
//!
//! Everything it has is below one temporary directory: configuration, queue, data, log, mail. Its `master` is started by
//! itself, without `postfix start`, so that it stays in the process group that the [`leash`](crate::leash) kills. It wants
//! to be root (its processes drop to Debian's `postfix`); for any other user it is started through `sudo -n`, and then ends
//! itself when the one who started it has gone, since that one may not signal it.

mod config;

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio, id};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use rustix::process::geteuid;
use tempfile::TempDir;

use crate::corpus;
use crate::dovecot::Dovecot;
use crate::leash::Leash;
use crate::ports::Reservation;
use crate::programs;

pub use config::Builder;

/// How long Postfix may take until it answers, or until a message has been delivered; a loaded machine needs seconds.
const LIMIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(5);
/// Debian's `nobody` and `nogroup`, to whom mail belongs, as in Dovecot's case.
const NOBODY: u32 = 65534;

/// Lines for [`dovecot::Builder::extra`](crate::dovecot::Builder::extra): the socket at which Postfix asks whether a login
/// is right.
pub const AUTH_LISTENER: &str = "service auth {\n  unix_listener auth-postfix {\n    mode = 0666\n  }\n}\n";

/// Runs as root: makes what Postfix's own processes write to (`postfix check` would do it too, and takes seconds), and starts
/// the master. When it is told to end, or owner or leash are gone, it ends the master, and removes the folder once the
/// master's children have noticed; in sudo's case the owner could do neither. A master that ends by itself leaves its log.
const RUN: &str = r#"
set -e
master=$1 at=$2 owner=$3 leash=$PPID over=
trap 'over=yes' TERM
[ "$4" != sudo ] || leash=$(cut -d' ' -f4 "/proc/$PPID/stat")
install -d -o postfix -m 700 "$at/data"
cd "$at/queue"
install -d -o postfix -m 700 active bounce corrupt defer deferred flush hold incoming private saved trace
install -d -o postfix -g postdrop -m 710 public
install -d -m 755 pid
"$master" -c "$at/etc" -d &
server=$!
cd /
set +e
while [ -z "$over" ] && kill -0 "$owner" && kill -0 "$leash"; do sleep 0.1; done 2>/dev/null
kill -TERM "$server" 2>/dev/null
wait "$server"
for attempt in $(seq 50); do
    rm -rf -- "$at" 2>/dev/null && break
    sleep 0.1
done
"#;

/// A running server. Dropping it ends it and removes all that it had.
#[derive(Debug)]
pub struct Postfix {
    // Ended before the folder goes.
    running: Option<Leash>,
    submission: Reservation,
    submissions: Reservation,
    folder: TempDir,
}

/// A message that was delivered to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The envelope's sender; empty for none.
    pub from: String,
    /// The envelope's recipient.
    pub to: String,
    /// The header lines that Postfix put in front, with LF.
    pub trace: String,
    /// The message behind them, with CR LF again.
    pub message: Vec<u8>,
}

impl Postfix {
    /// What the server is to be like; `start` on it starts it. The users of that Dovecot may log in; it must have been
    /// started with [`AUTH_LISTENER`].
    pub fn builder(logins: &Dovecot) -> Builder {
        Builder::new(logins)
    }

    fn launch(settings: &Builder) -> Result<Self> {
        if !settings.auth_socket.exists() {
            bail!("the Dovecot that Postfix is to ask was started without postfix::AUTH_LISTENER");
        }
        // Not TMPDIR: paths of Unix sockets end at 107 bytes, and Postfix's other users must reach them.
        let folder = tempfile::Builder::new()
            .prefix("postrider-postfix-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir_in("/tmp")?;
        let (submission, submissions) = (Reservation::new()?, Reservation::new()?);
        let at = folder.path();
        for name in ["etc", "queue", "mail"] {
            let path = at.join(name);
            fs::create_dir(&path)?;
            // The process's umask does not apply to this.
            fs::set_permissions(&path, Permissions::from_mode(0o755))?;
        }
        if geteuid().is_root() {
            chown(at.join("mail"), Some(NOBODY), Some(NOBODY)).context("cannot give mail to nobody")?;
        }
        for (name, text) in settings.files(at, submission.port(), submissions.port()) {
            write(&at.join("etc").join(name), &text)?;
        }
        let mut server = Self { running: None, submission, submissions, folder };
        server.running = Some(server.run()?);
        server.wait_until_ready()?;
        Ok(server)
    }

    fn run(&self) -> Result<Leash> {
        let at = self.folder.path();
        let master = daemon_folder()?.join("master").into_os_string();
        let owner = id().to_string().into();
        let arguments: [OsString; 6] =
            ["-c".into(), RUN.into(), "postfix".into(), master, at.as_os_str().to_owned(), owner];
        if geteuid().is_root() {
            return Leash::start(at, "/bin/sh".as_ref(), &arguments);
        }
        let mut by_sudo: Vec<OsString> = vec!["-n".into(), "/bin/sh".into()];
        by_sudo.extend(arguments);
        by_sudo.push("sudo".into());
        Leash::start(at, sudo()?.as_os_str(), &by_sudo)
    }

    fn wait_until_ready(&self) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        while Instant::now() < deadline {
            let log = self.log();
            if log.contains("fatal:") {
                bail!("postfix did not start: {}", log.trim());
            }
            if greets(self.submission.address()) {
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
        bail!("postfix did not answer within {LIMIT:?}: {}", self.log().trim())
    }

    /// The listener without TLS, with STARTTLS where a certificate was given.
    pub fn submission_addr(&self) -> SocketAddr {
        self.submission.address()
    }

    /// The listener with TLS from the first octet; it listens only where a certificate was given.
    pub fn submissions_addr(&self) -> SocketAddr {
        self.submissions.address()
    }

    /// The folder with everything that the server has.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The server's log so far.
    pub fn log(&self) -> String {
        fs::read(self.folder.path().join("log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// What was delivered so far to recipients without a mailbox of their own ([`Builder::deliver`]), by recipient and then
    /// by message.
    ///
    /// # Errors
    /// Where the Maildir cannot be read, or holds what Postfix does not write.
    pub fn delivered(&self) -> Result<Vec<Delivered>> {
        let new = self.folder.path().join("mail").join("all").join("new");
        let mut all = Vec::new();
        if !new.exists() {
            return Ok(all);
        }
        for entry in fs::read_dir(new)? {
            all.push(read(&fs::read(entry?.path())?)?);
        }
        all.sort_by(|one, other| (&one.to, &one.message).cmp(&(&other.to, &other.message)));
        Ok(all)
    }

    /// Waits until so many messages were delivered.
    ///
    /// # Errors
    /// Where they are not within 30 s; the message carries the server's log.
    pub fn wait_for(&self, count: usize) -> Result<Vec<Delivered>> {
        let deadline = Instant::now() + LIMIT;
        loop {
            let all = self.delivered()?;
            if all.len() >= count {
                return Ok(all);
            }
            if Instant::now() > deadline {
                bail!("{} of {count} messages were delivered: {}", all.len(), self.log().trim());
            }
            thread::sleep(PAUSE);
        }
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.running.take();
    }
}

/// Writes a file as if it had been there for a while: Postfix waits a second or two before it trusts a younger one
/// (dict_load_file in its `util/dict.c`).
fn write(path: &Path, text: &str) -> Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.set_modified(SystemTime::now() - Duration::from_secs(3_600))?;
    Ok(())
}

/// Whether somebody says that they speak SMTP there.
fn greets(address: SocketAddr) -> bool {
    let Ok(stream) = TcpStream::connect(address) else { return false };
    let mut line = String::new();
    stream.set_read_timeout(Some(LIMIT)).is_ok()
        && BufReader::new(stream).read_line(&mut line).is_ok()
        && line.starts_with("220 ")
}

/// Where Postfix's own programs are.
fn daemon_folder() -> Result<PathBuf> {
    let postconf = programs::require("postconf", "postfix")?;
    let output = Command::new(postconf)
        .args(["-d", "-h", "daemon_directory"])
        .output()
        .context("cannot run postconf")?;
    let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if folder.is_empty() {
        bail!("postconf does not tell where Postfix's programs are");
    }
    Ok(folder.into())
}

/// The program by which somebody else becomes root, where that needs no password.
fn sudo() -> Result<PathBuf> {
    let Some(sudo) = programs::locate("sudo") else {
        bail!("postfix wants to be started by root, and there is no sudo: run these tests as root");
    };
    let mut tried = Command::new(&sudo);
    tried.args(["-n", "true"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match tried.status() {
        Ok(status) if status.success() => Ok(sudo),
        _ => bail!(
            "postfix wants to be started by root, and `sudo -n` asks for a password: run these tests as root"
        ),
    }
}

/// A file as virtual(8) writes it: its own lines, a Received field, the message.
fn read(file: &[u8]) -> Result<Delivered> {
    let mut end = 0;
    let (mut from, mut to) = (None, None);
    let mut received = false;
    for line in file.split_inclusive(|octet| *octet == b'\n') {
        let text = String::from_utf8_lossy(line);
        let address = |text: &str| text.trim_end().trim_end_matches('>').to_owned();
        if received {
            if !text.starts_with(['\t', ' ']) {
                break;
            }
        } else if let Some(path) = text.strip_prefix("Return-Path: <") {
            from = Some(address(path));
        } else if let Some(path) = text.strip_prefix("X-Original-To: ") {
            to = Some(address(path));
        } else if text.starts_with("Received: ") {
            received = true;
        } else if !text.starts_with("Delivered-To: ") {
            break;
        }
        end += line.len();
    }
    let (trace, message) = file.split_at(end);
    Ok(Delivered {
        from: from.context("a delivered message has no Return-Path")?,
        to: to.context("a delivered message has no X-Original-To")?,
        trace: String::from_utf8_lossy(trace).into_owned(),
        message: corpus::crlf(message),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivered_file_is_taken_apart() {
        let file = b"Return-Path: <me@a.test>\nX-Original-To: b@c.test\nDelivered-To: b@c.test\n\
            Received: from x\n\tby y;\n\tnow\nSubject: x\nReceived: mine\n\n.y\n";
        let delivered = read(file).unwrap();
        assert_eq!((delivered.from.as_str(), delivered.to.as_str()), ("me@a.test", "b@c.test"));
        assert_eq!(delivered.message, b"Subject: x\r\nReceived: mine\r\n\r\n.y\r\n");
        assert!(delivered.trace.ends_with("\tnow\n"));
        assert_eq!(read(b"Return-Path: <>\nX-Original-To: b@c.test\nA: 1\n").unwrap().from, "");
        assert!(read(b"A: 1\n").is_err());
    }
}
