//! The daemon as its service manager sees it: started with a socket that it tells how it is (sd_notify(3)), signalled, and ended with
//! the value that stands for it.

use std::fs::{self, File};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::Home;

/// Longer than any start takes.
const START: Duration = Duration::from_secs(60);
/// systemd gives a service that long by `TimeoutStopSec=10`.
const STOP: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

/// A running daemon. Dropping it kills it.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    told: Receiver<String>,
    said: Vec<String>,
    log: PathBuf,
    folder: TempDir,
}

impl Daemon {
    /// Starts `program` in that home without a command, and waits until it says that it is ready.
    ///
    /// # Errors
    /// Where it does not; the message carries its log.
    pub fn start(home: &Home, program: &Path) -> Result<Self> {
        let mut daemon = Self::launch(home.command(program))?;
        daemon.wait_for("READY=1", START)?;
        Ok(daemon)
    }

    /// Starts that command, which is to become a daemon, and waits for nothing.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn launch(mut command: Command) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("postrider-daemon-").tempdir_in("/tmp")?;
        let (socket, log) = (folder.path().join("notify"), folder.path().join("log"));
        let told = listen(UnixDatagram::bind(&socket)?)?;
        let output = File::create(&log)?;
        command.env("NOTIFY_SOCKET", &socket).stdout(output.try_clone()?).stderr(output);
        // A group of its own, so that a terminal's interrupt is ours to pass on.
        let child = command.process_group(0).spawn().context("cannot start the daemon")?;
        Ok(Self { child, told, said: Vec::new(), log, folder })
    }

    /// Waits until it tells its service manager something that begins so; what it told before counts too. Answers with the line.
    ///
    /// # Errors
    /// Where it has ended, or does not within the time.
    pub fn wait_for(&mut self, state: &str, limit: Duration) -> Result<String> {
        let end = Instant::now() + limit;
        loop {
            if let Some(at) = self.said.iter().position(|line| line.starts_with(state)) {
                return Ok(self.said.remove(at));
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the daemon ended with {status} before it told {state}: {}", self.log());
            }
            if Instant::now() > end {
                bail!(
                    "the daemon did not tell {state} within {limit:?}; told was {:?}; {}",
                    self.said,
                    self.log()
                );
            }
            self.said.extend(self.told.recv_timeout(PAUSE));
        }
    }

    /// Forgets what it told so far.
    pub fn forget(&mut self) {
        while self.told.try_recv().is_ok() {}
        self.said.clear();
    }

    /// What it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// Where it is not there any more.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        // Not yet waited for, so the id is still its own.
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }

    /// Asks it to end, and waits for that.
    ///
    /// # Errors
    /// Where it has not ended within the time that systemd gives it, or something in it panicked.
    pub fn stop(mut self) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        let end = Instant::now() + STOP;
        loop {
            if let Some(status) = self.child.try_wait()? {
                let log = self.log();
                return if log.contains("panicked at") { Err(anyhow!("{log}")) } else { Ok(status) };
            }
            if Instant::now() > end {
                bail!("the daemon did not end within {STOP:?}: {}", self.log());
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it at once.
    ///
    /// # Errors
    /// Where the system does not say that it is dead.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// Where it does not within the time.
    pub fn ended(&mut self, limit: Duration) -> Result<ExitStatus> {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > end {
                bail!("the daemon had not ended after {limit:?}: {}", self.log());
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// A folder that goes with it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Takes in what is told, line by line, as a service manager does: a daemon must not have to wait for a reader. The thread ends with the
/// first message after nobody wants to hear any more, or with the process.
fn listen(socket: UnixDatagram) -> Result<Receiver<String>> {
    let (tell, told) = channel();
    thread::Builder::new().name("notify".into()).spawn(move || {
        let mut message = [0; 4096];
        while let Ok(length) = socket.recv(&mut message) {
            let text = String::from_utf8_lossy(message.get(..length).unwrap_or_default());
            if text.lines().any(|line| tell.send(line.to_owned()).is_err()) {
                return;
            }
        }
    })?;
    Ok(told)
}

impl Drop for Daemon {
    #[expect(clippy::disallowed_macros, reason = "whoever looks for why a test failed reads it there")]
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("the daemon's log: {}", self.log());
        }
    }
}
