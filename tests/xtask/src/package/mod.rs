//! `cargo xtask package`: the Debian package, by `dpkg-deb`, from the program and `systemd/`. The same sources and the same toolchain
//! give the same bytes: every time is that of the last commit, or `SOURCE_DATE_EPOCH`
//! (<https://reproducible-builds.org/specs/source-date-epoch/>).
//!
//! Installs nothing of Postrider and starts nothing of it.

mod control;
mod tree;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use postrider_test_support::programs::{find_postrider, repository, target_directory};
use tempfile::TempDir;

use crate::packages::{self, Need};
use crate::steps::{cargo, step};

/// What says which libraries a program needs; it brings `strip` with it.
const DPKG_DEV: Need = ("dpkg-shlibdeps", "dpkg-dev");
/// 1980-01-01, for sources without a history.
const NO_HISTORY: u64 = 315_532_800;

/// How the program was compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Profile {
    /// As it is meant to be installed.
    Release,
    /// Quickly, to try the package itself.
    Debug,
}

impl Profile {
    fn folder(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Debug => "debug",
        }
    }

    /// Runs cargo with this profile.
    fn cargo(self, arguments: &[&str], behind: &[&str]) -> Result<()> {
        let release = if self == Self::Release { &["--release"] as &[&str] } else { &[] };
        cargo(&[arguments, release, behind].concat())
    }
}

/// What goes into a package besides what is in the repository.
pub(crate) struct Built {
    program: PathBuf,
    pages: TempDir,
    /// Seconds since 1970.
    epoch: u64,
}

/// Builds the program and the package; answers where the package is.
pub(crate) fn run(profile: Profile, out: Option<&Path>) -> Result<PathBuf> {
    let out = match out {
        Some(out) => out.to_owned(),
        None => target_directory()?.join("package"),
    };
    let built = build(profile)?;
    let mut package = PathBuf::new();
    step("package", || {
        package = assemble(&built, &out)?;
        Ok(())
    })?;
    println!("{}", package.display());
    Ok(package)
}

/// Builds what is compiled.
pub(crate) fn build(profile: Profile) -> Result<Built> {
    packages::ensure(&[DPKG_DEV])?;
    step("program", || profile.cargo(&["build", "-p", "postrider"], &[]))?;
    let pages = tempfile::tempdir()?;
    let folder = pages.path().to_string_lossy().into_owned();
    step("manual pages and completions", || {
        profile.cargo(&["run", "--quiet", "-p", "postrider-pages"], &["--", &folder])
    })?;
    Ok(Built { program: find_postrider(profile.folder())?, pages, epoch: epoch()? })
}

/// Puts the package together and answers where it is.
pub(crate) fn assemble(built: &Built, out: &Path) -> Result<PathBuf> {
    let scratch = tempfile::tempdir()?;
    let root = scratch.path().join("root");
    tree::lay_out(&root, built)?;
    let architecture = say(Command::new("dpkg").arg("--print-architecture"))?;
    let about = control::About { architecture: architecture.trim(), epoch: built.epoch };
    control::write(&root, scratch.path(), &about)?;
    fs::create_dir_all(out)?;
    let package = out.join(format!("postrider_{}_{}.deb", control::VERSION, about.architecture));
    say(Command::new("dpkg-deb")
        .args(["--root-owner-group", "--uniform-compression", "-Zxz", "--build"])
        .args([&root, &package])
        .env("SOURCE_DATE_EPOCH", built.epoch.to_string()))?;
    Ok(package)
}

/// The time that everything in the package has.
fn epoch() -> Result<u64> {
    if let Some(given) = env::var_os("SOURCE_DATE_EPOCH") {
        let given = given.into_string().ok().and_then(|text| text.parse().ok());
        return given.context("SOURCE_DATE_EPOCH is no number of seconds");
    }
    let commit = say(Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(repository()));
    Ok(commit.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(NO_HISTORY))
}

/// What a program prints.
///
/// # Errors
/// Where it does not end well, with what it said about that.
pub(crate) fn say(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot run {name}"))?;
    if !output.status.success() {
        bail!("{name} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
