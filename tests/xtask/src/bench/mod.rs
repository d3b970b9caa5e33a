//! `cargo xtask bench`: measures against the bars of the project ("Numbers to reach"). Everything is a
//! ratio between programs run in turn on the same machine at the same time, or a count, and depends little on how fast the machine is;
//! but for the times of `items`, whose bars are milliseconds.

mod daemon;
mod items;
mod mail;
mod search;
mod stage;
mod table;
mod watch;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

/// What is measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Subject {
    /// Mail that comes in, against reading it and dropping it, and against mbsync.
    Mail(Options),
    /// The daemon at rest: memory and processor time with many accounts.
    Daemon(daemon::Options),
    /// Contacts and activities: the plan for some changes, whole listings in which nothing is new.
    Items(items::Options),
}

/// How much is measured.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Messages in the large folder; the bars hold for 48,000.
    #[arg(long, default_value_t = 48_000)]
    messages: usize,
    /// Rounds, of which the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Measure memory with ten times the mail too; takes minutes and gigabytes.
    #[arg(long)]
    long: bool,
    /// Only some rows: load, memory, search, watch, unchanged or changed.
    #[arg(long)]
    only: Option<String>,
}

/// Measures, prints one table, and fails where a bar is missed.
pub(crate) fn run(subject: &Subject) -> Result<ExitCode> {
    let rows = match subject {
        Subject::Mail(options) => mail::measure(options)?,
        Subject::Daemon(options) => daemon::measure(options)?,
        Subject::Items(options) => items::measure(options)?,
    };
    print!("{}", table::render(&rows));
    let all_met = rows.iter().all(table::Row::is_met);
    Ok(if all_met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
