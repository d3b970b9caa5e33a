//! All chores of the project, by `cargo xtask …`: one file each. A chore that fails says which step failed
//! and ends with an exit code other than 0. Chores start only programs of their own and end them.
#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a program for people at a terminal, on the real clock and in the real environment"
)]

mod bench;
mod demo;
mod lint;
mod measure;
mod package;
mod packages;
mod steps;
mod systemd;
mod test;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Chores of the Postrider project.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Brings sample mail from a private server into a store of its own, and shows what can be done with it.
    Demo,
    /// Checks everything: formatting, lints, tests, simulation, demo. Installs what it needs.
    Test {
        /// Leave the simulation and the demo out, which need a release build.
        #[arg(long)]
        quick: bool,
    },
    /// Checks formatting and lints, and licences where cargo-deny is installed.
    Lint,
    /// Builds the Debian package.
    Package {
        /// How the program is compiled.
        #[arg(long, value_enum, default_value = "release")]
        profile: package::Profile,
        /// The folder that the package goes into [default: `package` in cargo's target folder].
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Tries the Debian package under a real systemd, in a machine that is booted for it. Needs root.
    Systemd {
        /// How the program is compiled.
        #[arg(long, value_enum, default_value = "release")]
        profile: package::Profile,
    },
    /// Measures against the bars that the project has set itself; fails where one is missed.
    #[command(subcommand)]
    Bench(bench::Subject),
    /// Runs a program and writes how long it took and how much memory it had at most.
    #[command(hide = true)]
    Measure {
        /// Where to write that, as JSON.
        #[arg(long)]
        report: PathBuf,
        /// The program and its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().chore) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> Result<ExitCode> {
    match chore {
        Chore::Demo => demo::run(demo::Ending::WaitForPerson)?,
        Chore::Test { quick } => test::run(quick)?,
        Chore::Lint => lint::run()?,
        Chore::Package { profile, out } => {
            package::run(profile, out.as_deref())?;
        }
        Chore::Systemd { profile } => systemd::run(profile)?,
        Chore::Bench(subject) => return bench::run(&subject),
        Chore::Measure { report, command } => return measure::child(&report, &command),
    }
    Ok(ExitCode::SUCCESS)
}
