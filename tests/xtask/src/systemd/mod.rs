//! `cargo xtask systemd`: the Debian package under a real systemd. Builds the package, boots a machine, installs the package there, and
//! tries each thing that the units promise, with mail on a real server. Prints a line for each fact and fails where one does not hold.
//! Needs root. Two runs at once do not meet; nothing of this machine is changed.

mod dns;
mod installed;
mod leaving;
mod machine;
mod person;
mod running;
mod scene;
mod timed;

use anyhow::{Result, bail, ensure};
use nix::unistd::geteuid;

use crate::package::{self, Profile};
use crate::packages::{self, Need};
use crate::steps::step;
use scene::Scene;

/// What boots the machine, and what is in it.
const NEEDS: [Need; 6] = [
    packages::DOVECOT,
    ("systemd-nspawn", "systemd-container"),
    ("unshare", "util-linux"),
    ("update-ca-certificates", "ca-certificates"),
    ("debconf", "debconf"),
    ("lintian", "lintian"),
];

/// Tries all of it.
pub(crate) fn run(profile: Profile) -> Result<()> {
    ensure!(geteuid().is_root(), "a machine can be booted by root alone");
    packages::ensure(&NEEDS)?;
    let built = package::build(profile)?;
    let mut tale = Tale::default();
    let out = tempfile::tempdir()?;
    step("package and machine", || {
        let package = package::assemble(&built, out.path())?;
        installed::of_the_package(&mut tale, &built, &package);
        let scene = Scene::set()?;
        installed::on_the_machine(&mut tale, &scene, &package)?;
        running::all(&mut tale, &scene);
        timed::all(&mut tale, &scene);
        person::all(&mut tale, &scene);
        leaving::all(&mut tale, &scene);
        Ok(())
    })?;
    tale.end()
}

/// What was found so far.
#[derive(Default)]
struct Tale {
    held: usize,
    failed: Vec<String>,
}

impl Tale {
    /// Tries one thing, and says whether it is so, with what was seen.
    fn fact(&mut self, what: &str, look: impl FnOnce() -> Result<String>) {
        match look() {
            Ok(seen) if seen.is_empty() => println!("ok: {what}"),
            Ok(seen) => println!("ok: {what}: {seen}"),
            Err(error) => {
                println!("FAILED: {what}: {error:#}");
                self.failed.push(what.to_owned());
                return;
            }
        }
        self.held += 1;
    }

    fn end(self) -> Result<()> {
        if self.failed.is_empty() {
            println!("all {} facts hold", self.held);
            return Ok(());
        }
        bail!(
            "{} of {} facts do not hold: {}",
            self.failed.len(),
            self.held + self.failed.len(),
            self.failed.join("; ")
        )
    }
}
