//! Runs a program and measures it: the time from start to end, and the most memory that it had at once.
//! The latter the system tells only of a process's children, all of them together; so this program starts
//! itself again to be the parent of that one child.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use postrider_test_support::Home;
use postrider_test_support::home::output_of;
use serde::{Deserialize, Serialize};

/// What a run took.
#[derive(Debug, Serialize, Deserialize)]
struct Report {
    elapsed_us: u64,
    peak_kib: u64,
}

/// A run of the program that ended well.
#[derive(Debug)]
pub(crate) struct Run {
    /// From before its start until after its end.
    pub(crate) elapsed: Duration,
    /// The most memory that was resident at once, in bytes.
    pub(crate) peak_bytes: u64,
    /// What it wrote to standard output.
    pub(crate) output: String,
}

/// Runs `program`, which takes `--config`, in `home`; an exit code other than 0 is an error.
pub(crate) fn run(home: &Home, program: &Path, arguments: &[&str]) -> Result<Run> {
    let report = home.path().join("measure.json");
    let mut command = home.bare_command(&env::current_exe()?);
    command.args(["measure", "--report"]).arg(&report).arg("--");
    command.arg(program).arg("--config").arg(home.config()).args(arguments);
    let output = output_of(command)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("postrider {} ended with {}: {text}{complaint}", arguments.join(" "), output.status);
    }
    let report: Report = serde_json::from_slice(&fs::read(&report)?)?;
    Ok(Run {
        elapsed: Duration::from_micros(report.elapsed_us),
        peak_bytes: report.peak_kib * 1024,
        output: text,
    })
}

/// The hidden chore: runs the command, writes its report, ends with its exit code.
pub(crate) fn child(report: &Path, command: &[OsString]) -> Result<ExitCode> {
    let (program, arguments) = command.split_first().context("no program")?;
    let started = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .status()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let elapsed = started.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let told = Report {
        elapsed_us: u64::try_from(elapsed.as_micros())?,
        // KiB on Linux (getrusage(2)).
        peak_kib: u64::try_from(usage.max_rss())?,
    };
    fs::write(report, serde_json::to_vec(&told)?)?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
