//! `cargo xtask test`: everything that must hold before a change goes in.

use std::{env, thread};

use anyhow::{Result, anyhow};
use nix::unistd::geteuid;

use crate::demo;
use crate::lint;
use crate::package::Profile;
use crate::packages;
use crate::steps::{cargo, cargo_has, step};
use crate::systemd;

/// Data that tests use where it is there; without it they print a skip by name.
const DATA: [&str; 3] = ["POSTRIDER_CORPUS", "POSTRIDER_SCHEMAS", "POSTRIDER_RECORDINGS"];
/// What is built once, in one go, and run by the steps that follow.
const RELEASED: [&str; 7] = ["--release", "-p", "postrider-sim", "-p", "postrider", "-p", "postrider-pages"];
const SEEDS: &str = "2000";
const SEEDS_OF_THE_DAEMON: &str = "150";
const SEEDS_OF_CONTACTS: &str = "2000";
const SEEDS_OF_ACTIVITIES: &str = "2000";

/// Runs all checks; `quick` leaves out what needs a release build.
pub(crate) fn run(quick: bool) -> Result<()> {
    packages::ensure(&packages::ALL)?;
    lint::format_and_lints()?;
    for variable in DATA {
        if env::var_os(variable).is_none_or(|value| value.is_empty()) {
            eprintln!("skipped by name: {variable} is not set, tests go without that data");
        }
    }
    step("tests", tests)?;
    if quick {
        eprintln!("skipped by name: simulation, demo and the package under systemd (--quick)");
        return Ok(());
    }
    step("release build", || cargo(&[["build"].as_slice(), &RELEASED].concat()))?;
    step("simulation", || simulate(&["--seeds", SEEDS]))?;
    step("simulation of activities, of contacts, of the daemon", simulate_the_rest)?;
    step("demo", || demo::run(demo::Ending::AtOnce))?;
    match geteuid().is_root() {
        true => systemd::run(Profile::Release),
        false => {
            eprintln!(
                "skipped by name: the package under systemd, which root alone can boot: sudo cargo xtask systemd"
            );
            Ok(())
        }
    }
}

fn simulate(what: &[&str]) -> Result<()> {
    cargo(&[["run", "--release", "-p", "postrider-sim", "--"].as_slice(), what].concat())
}

/// Two at a time, since there are two cores: each is far above the speed that it has to reach.
fn simulate_the_rest() -> Result<()> {
    thread::scope(|scope| {
        let others = scope.spawn(|| {
            simulate(&["--contacts", "--seeds", SEEDS_OF_CONTACTS])?;
            simulate(&["--daemon", "--seeds", SEEDS_OF_THE_DAEMON])
        });
        simulate(&["--activities", "--seeds", SEEDS_OF_ACTIVITIES])?;
        others.join().map_err(|_| anyhow!("the simulation of contacts or the daemon did not end"))?
    })
}

fn tests() -> Result<()> {
    if !cargo_has("nextest") {
        return cargo(&["test", "--workspace"]);
    }
    cargo(&["test", "--workspace", "--doc"])?;
    // A crate without tests yet is no failure.
    cargo(&["nextest", "run", "--workspace", "--no-tests", "pass"])
}
