//! `postrider-sim`: lives many seeds and says which fail, and how to see one again.
//!
//! Ends with 1 where a seed fails, where a seed lived twice leaves two traces, or where it is slower than it has to be.
#![allow(clippy::disallowed_macros, reason = "it speaks to whoever started it")]

use std::{
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use anyhow::{Result, ensure};
use clap::Parser;
use postrider_sim::{
    Kind,
    life::{Extent, Summary},
    regressions, run_seed,
};

/// Steps a second that are to be reached on average, by a release build.
const STEPS_PER_SECOND: f64 = 1_000.0;
/// Every so many seeds one is lived twice.
const TWICE: u64 = 10;

/// Lives the whole program from seeds.
#[derive(Debug, Parser)]
struct Args {
    /// Live the daemon, not run after run.
    #[arg(long)]
    daemon: bool,
    /// Live contacts, not mail.
    #[arg(long, conflicts_with = "daemon")]
    contacts: bool,
    /// Live activities, not mail.
    #[arg(long, conflicts_with_all = ["daemon", "contacts"])]
    activities: bool,
    /// How many seeds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Only this one, twice.
    #[arg(long)]
    seed: Option<u64>,
    /// Print everything that happens.
    #[arg(short, long)]
    verbose: bool,
    /// Look for less of a failing seed that fails too.
    #[arg(long)]
    shrink: bool,
    /// Rounds at most, as `--shrink` says.
    #[arg(long, default_value_t = Extent::ALL.rounds)]
    rounds: u64,
    /// Changes a round at most, as `--shrink` says.
    #[arg(long, default_value_t = Extent::ALL.changes)]
    changes: u64,
    /// Bad runs a round at most, as `--shrink` says.
    #[arg(long, default_value_t = Extent::ALL.bad_runs)]
    bad_runs: u64,
    /// Commands of a person at a time at most, as `--shrink` says.
    #[arg(long, default_value_t = Extent::ALL.edits)]
    edits: u64,
    /// Moments in a life of the daemon at most, as `--shrink` says.
    #[arg(long, default_value_t = Extent::ALL.moments)]
    moments: u64,
    /// Go on after a failing seed.
    #[arg(long)]
    keep_going: bool,
}

impl Args {
    const fn kind(&self) -> Kind {
        match (self.daemon, self.contacts, self.activities) {
            (true, ..) => Kind::Daemon,
            (_, true, _) => Kind::Contacts,
            (.., true) => Kind::Activities,
            _ => Kind::Runs,
        }
    }
}

#[derive(Debug, Default)]
struct Total {
    seeds: u64,
    steps: u64,
    crashes: u64,
    failed: Vec<u64>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let extent = Extent {
        rounds: args.rounds,
        changes: args.changes,
        bad_runs: args.bad_runs,
        edits: args.edits,
        moments: args.moments,
    };
    let failed_once = match args.kind() {
        Kind::Runs => regressions::SEEDS,
        Kind::Daemon => regressions::SEEDS_OF_THE_DAEMON,
        Kind::Contacts => regressions::SEEDS_OF_CONTACTS,
        Kind::Activities => regressions::SEEDS_OF_ACTIVITIES,
    };
    let seeds: Vec<u64> = match args.seed {
        Some(seed) => vec![seed],
        None => failed_once.iter().map(|(seed, _)| *seed).chain(args.from..args.from + args.seeds).collect(),
    };
    let started = now();
    let total = live_all(&args, extent, &seeds);
    tell(&total, started.elapsed().as_secs_f64(), args.seed.is_some())
}

/// Lives the seeds, on as many threads as the machine has processors: each on one of them alone, so that it stays what it is.
fn live_all(args: &Args, extent: Extent, seeds: &[u64]) -> Total {
    let (next, total) = (AtomicUsize::new(0), Mutex::new(Total::default()));
    let locked = || total.lock().unwrap_or_else(PoisonError::into_inner);
    let work = || {
        while let Some(&seed) = seeds.get(next.fetch_add(1, Relaxed)) {
            let twice = args.seed.is_some() || seed % TWICE == 0;
            let lived = run(args.kind(), seed, extent, twice, args.verbose);
            match lived {
                Ok(summary) => locked().add(&summary, twice),
                Err(error) => {
                    println!("seed {seed} fails: {error:#}");
                    println!("  see it: postrider-sim{} --seed {seed} -v", args.kind().flag());
                    if args.shrink {
                        shrink(args.kind(), seed, extent);
                    }
                    locked().failed.push(seed);
                }
            }
            if !locked().failed.is_empty() && !args.keep_going {
                break;
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(seeds.len());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    total.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Total {
    fn add(&mut self, summary: &Summary, twice: bool) {
        self.seeds += 1;
        self.steps += summary.steps * if twice { 2 } else { 1 };
        self.crashes += summary.crashes;
    }
}

fn run(kind: Kind, seed: u64, extent: Extent, twice: bool, aloud: bool) -> Result<Summary> {
    let summary = run_seed(kind, seed, extent, aloud)?;
    if twice {
        let again = run_seed(kind, seed, extent, false)?;
        ensure!(summary == again, "the same seed left another trace: {summary:?}, then {again:?}");
    }
    Ok(summary)
}

fn tell(total: &Total, seconds: f64, single: bool) -> ExitCode {
    let speed = total.steps as f64 / seconds.max(f64::EPSILON);
    println!(
        "{} seeds held, {} failed; {} steps, {} crashes, {seconds:.1} s, {speed:.0} steps/s",
        total.seeds,
        total.failed.len(),
        total.steps,
        total.crashes,
    );
    // One seed is no measure, and a debug build is not what the number is about.
    let slow = !single && !cfg!(debug_assertions) && total.failed.is_empty() && speed < STEPS_PER_SECOND;
    if slow {
        println!("too slow: {STEPS_PER_SECOND:.0} steps/s are to be reached");
    }
    if slow || !total.failed.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Takes away rounds, bad runs and changes as long as it still fails.
fn shrink(kind: Kind, seed: u64, whole: Extent) {
    let mut least = whole;
    let attempts: [fn(&mut Extent, u64); 5] = [
        |e, n| e.rounds = n,
        |e, n| e.bad_runs = n,
        |e, n| e.changes = n,
        |e, n| e.edits = n,
        |e, n| e.moments = n,
    ];
    let bounds = [whole.rounds, whole.bad_runs, whole.changes, whole.edits, whole.moments];
    for (set, bound) in attempts.into_iter().zip(bounds) {
        for size in 0..bound {
            let mut less = least;
            set(&mut less, size);
            if run_seed(kind, seed, less, false).is_err() {
                least = less;
                break;
            }
        }
    }
    println!(
        "  least: postrider-sim{} --seed {seed} --rounds {} --bad-runs {} --changes {} --edits {} --moments {} -v",
        kind.flag(),
        least.rounds,
        least.bad_runs,
        least.changes,
        least.edits,
        least.moments
    );
}

#[expect(clippy::disallowed_methods, reason = "it measures itself by the real clock")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}
