//! `postrider-bench`: fills a store through the engine of contacts or of activities, and says what a run over it takes, as JSON.
//! `cargo xtask bench items` drives it and holds it against the bars.
//!
//! Filling and measuring are two processes, so that the memory of the one is not counted as that of the other.
#![allow(clippy::disallowed_macros, reason = "it speaks to whoever started it")]

mod activities;
mod bench;
mod contacts;
mod server;
mod timed;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use activities::Activities;
use bench::{Bench, Engine, Took};
use contacts::Contacts;
use timed::Spans;

/// Fills a store, or measures over one that was filled.
#[derive(Debug, Parser)]
struct Args {
    /// What is to be done.
    what: What,
    /// Items of what.
    #[arg(long)]
    kind: Items,
    /// How many there are.
    #[arg(long)]
    items: u64,
    /// The store's directory.
    #[arg(long)]
    store: PathBuf,
    /// So many changes in a round of changes.
    #[arg(long, default_value_t = 1_000)]
    changes: u64,
    /// So many rounds.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// Lets the items come in.
    Fill,
    /// Runs over changes of both sides.
    Changes,
    /// Runs over whole listings in which nothing is new.
    Listing,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Items {
    Contacts,
    Activities,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match args.kind {
            Items::Contacts => measure::<Contacts>(&args).await,
            Items::Activities => measure::<Activities>(&args).await,
        }
    })
}

async fn measure<E: Engine>(args: &Args) -> Result<()> {
    let spans = Spans::watch()?;
    let is_empty = matches!(args.what, What::Fill);
    let mut bench = Bench::<E>::open(&args.store, if is_empty { 0 } else { args.items }).await?;
    let mut rounds: Vec<Took> = Vec::new();
    match args.what {
        What::Fill => bench.fill(args.items).await.with_context(|| format!("fill with {}", E::WHAT))?,
        What::Changes => {
            for _ in 0..args.rounds {
                rounds.push(bench.changes(&spans, args.changes).await?);
            }
        }
        What::Listing => {
            for _ in 0..args.rounds {
                rounds.push(bench.listing(&spans).await?);
            }
        }
    }
    let seconds = |of: fn(&Took) -> std::time::Duration| {
        rounds.iter().map(|took| of(took).as_secs_f64()).collect::<Vec<_>>()
    };
    let report = serde_json::json!({
        "decide_s": seconds(|took| took.decide),
        "plan_s": seconds(|took| took.plan),
        "reads_s": seconds(|took| took.reads),
        "own_s": seconds(|took| took.own),
        "peak_octets": peak()?,
        "store_octets": bench.octets()?,
    });
    println!("{report}");
    Ok(())
}

/// The most memory that this process had resident at once, in octets (proc_pid_status(5)).
fn peak() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM")).context("no VmHWM in status")?;
    let kib: u64 = line.split_whitespace().nth(1).context("no value of VmHWM")?.parse()?;
    Ok(kib * 1024)
}
