//! A machine with a real systemd: `systemd-nspawn --boot` over an overlay of this machine's files (`machine.sh`). It shares this
//! machine's network, so that servers on loopback can be reached from it. What is written there goes into memory and is gone with it.
//!
//! Nothing of this machine is changed: mounts are in a namespace, control groups have a name that no other has and go with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use postrider_test_support::leash::Leash;
use tempfile::TempDir;

const SCRIPT: &str = include_str!("machine.sh");
/// How long the machine may take to be up; a loaded one needs half a minute.
const BOOT_LIMIT: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(100);

/// A machine that is up. Dropping it switches it off.
pub(super) struct Machine {
    // Ended before the folder goes.
    leash: Option<Leash>,
    /// Its first process, as this machine numbers it.
    leader: u32,
    folder: TempDir,
}

impl Machine {
    /// Boots one.
    ///
    /// # Errors
    /// Where it is not up in time; with what it said.
    pub(super) fn boot() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("postrider-machine-").tempdir_in("/tmp")?;
        let name = folder.path().file_name().context("a folder without a name")?.to_string_lossy();
        // Names of machines are names of hosts, which know no `_`.
        let name = format!("postrider-{}", name.rsplit('-').next().unwrap_or_default().to_lowercase());
        let log = folder.path().join("log");
        let script = format!("exec >{0} 2>&1\n{SCRIPT}", log.display());
        let arguments = ["--mount", "--propagation", "private", "/bin/sh", "-c", &script, "machine"];
        let folder_name = folder.path().to_string_lossy();
        let arguments: Vec<&str> = arguments.into_iter().chain([&*folder_name, &*name]).collect();
        let leash = Leash::start(folder.path(), "unshare".as_ref(), &arguments)?;
        let mut machine = Self { leash: Some(leash), leader: 0, folder };
        let said = || fs::read_to_string(&log).unwrap_or_default();
        machine.leader = wait_for(BOOT_LIMIT, || leader(&machine.folder.path().join("started")))
            .with_context(|| format!("the machine did not start: {}", said().trim()))?;
        wait_for(BOOT_LIMIT, || machine.is_up().then_some(()))
            .with_context(|| format!("the machine did not come up: {}", said().trim()))?;
        Ok(machine)
    }

    fn is_up(&self) -> bool {
        self.run(&["systemctl", "is-system-running"])
            .is_ok_and(|output| matches!(output.stdout.trim_ascii(), b"running" | b"degraded"))
    }

    /// Runs a program there, as root, to its end.
    ///
    /// # Errors
    /// Where it cannot be started at all.
    pub(super) fn run(&self, command: &[&str]) -> Result<Output> {
        let mut enter = Command::new("nsenter");
        enter.args([
            "--target",
            &self.leader.to_string(),
            "--mount",
            "--uts",
            "--ipc",
            "--pid",
            "--cgroup",
            "--",
        ]);
        enter.args(command).env_clear();
        enter.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        enter.env("HOME", "/root").env("LANG", "C.UTF-8").env("DEBIAN_FRONTEND", "noninteractive");
        enter.stdin(std::process::Stdio::null()).output().context("cannot run nsenter")
    }

    /// What a program prints that ends well.
    ///
    /// # Errors
    /// Where it does not, with all that it said.
    pub(super) fn say(&self, command: &[&str]) -> Result<String> {
        let output = self.run(command)?;
        ensure!(
            output.status.success(),
            "`{}` ended with {}: {}",
            command.join(" "),
            output.status,
            told(&output).trim()
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// What a shell says there.
    ///
    /// # Errors
    /// As [`Machine::say`].
    pub(super) fn shell(&self, script: &str) -> Result<String> {
        self.say(&["/bin/sh", "-euc", script])
    }

    /// Where a file of that machine is to be found from here.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        Path::new(&format!("/proc/{}/root", self.leader)).join(path.trim_start_matches('/'))
    }

    /// Writes a file there, and the folders above it.
    ///
    /// # Errors
    /// Where that fails.
    pub(super) fn write(&self, path: &str, octets: &[u8]) -> Result<()> {
        let path = self.path(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, octets).with_context(|| format!("cannot write {}", path.display()))
    }

    /// One property of a unit, as systemctl(1) shows it.
    ///
    /// # Errors
    /// Where there is no answer.
    pub(super) fn property(&self, unit: &str, name: &str) -> Result<String> {
        Ok(self.say(&["systemctl", "show", "--value", "--property", name, unit])?.trim().to_owned())
    }

    /// Waits until a property of a unit is so.
    ///
    /// # Errors
    /// Where it is not so within the limit; with what it is.
    pub(super) fn wait_until(
        &self,
        unit: &str,
        name: &str,
        limit: Duration,
        is_so: impl Fn(&str) -> bool,
    ) -> Result<String> {
        let found = wait_for(limit, || self.property(unit, name).ok().filter(|value| is_so(value)));
        found.with_context(|| {
            let value = self.property(unit, name).unwrap_or_default();
            format!("{name} of {unit} is still {value:?}; its log: {}", self.log(unit))
        })
    }

    /// What a unit logged, in so far as it is told here: its last lines.
    pub(super) fn log(&self, unit: &str) -> String {
        let lines =
            self.run(&["journalctl", "--no-pager", "--output", "cat", "--lines", "20", "--unit", unit]);
        lines.map(|output| told(&output)).unwrap_or_default()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Without stopping its services one by one, which nobody needs any more. Where it fails the leash ends it, more slowly.
        let _ = self.run(&["systemctl", "--force", "--force", "poweroff"]);
        if let Some(leash) = self.leash.take() {
            leash.end();
        }
    }
}

/// Both outputs of a program.
pub(super) fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Asks again and again, until there is an answer.
///
/// # Errors
/// Where there is none within the limit.
pub(super) fn wait_for<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return Ok(answer);
        }
        if Instant::now() > deadline {
            bail!("not within {} s", limit.as_secs());
        }
        thread::sleep(PAUSE);
    }
}

/// The first process of the machine: the child of systemd-nspawn that is number 1 to itself (proc_pid_status(5), `NSpid`).
fn leader(started: &Path) -> Option<u32> {
    let parent = format!("PPid:\t{}", fs::read_to_string(started).ok()?.trim());
    fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let id: u32 = process.file_name().to_str()?.parse().ok()?;
        let status = fs::read_to_string(process.path().join("status")).ok()?;
        let is_first = status.lines().any(|line| line.starts_with("NSpid:") && line.ends_with("\t1"));
        (is_first && status.lines().any(|line| line == parent)).then_some(id)
    })
}
