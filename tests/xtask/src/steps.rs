//! Steps of a chore: each is announced, timed, and ends the chore where it fails.

use std::env;
use std::ffi::OsString;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use postrider_test_support::programs;

/// Runs a step, whose end is announced with the time that it took.
pub(crate) fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    eprintln!("== {name}");
    let started = Instant::now();
    work().with_context(|| format!("{name} failed"))?;
    eprintln!("== {name}: done in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// Runs cargo in the project's folder.
pub(crate) fn cargo(arguments: &[&str]) -> Result<()> {
    eprintln!("$ cargo {}", arguments.join(" "));
    let status = cargo_command().args(arguments).status().context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo {} ended with {status}", arguments.join(" "));
    }
    Ok(())
}

/// Whether cargo has this subcommand installed.
pub(crate) fn cargo_has(subcommand: &str) -> bool {
    let output = cargo_command().args([subcommand, "--version"]).output();
    output.is_ok_and(|output| output.status.success())
}

fn cargo_command() -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(programs::repository());
    // What `cargo run` says of this program. Build scripts such as ring's take it for a change and are run anew, and with them all that
    // is built on them (https://doc.rust-lang.org/cargo/reference/environment-variables.html).
    let of_this_program = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    let names = env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| name.to_str().is_some_and(of_this_program)) {
        command.env_remove(name);
    }
    command
}
