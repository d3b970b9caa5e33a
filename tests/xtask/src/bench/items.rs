//! What a run over contacts and over activities takes in the engine itself: the plan for some changes, whatever else there is, and a
//! whole listing in which nothing is new.
//!
//! The work is done by `postrider-bench` (`tests/bench`), which fills a store through the engine and runs the engine over it, against a
//! server in memory whose own time does not count.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use postrider_test_support::programs;
use serde::Deserialize;

use super::table::{Row, Unit};
use crate::steps::{cargo, step};

const KINDS: [&str; 2] = ["contacts", "activities"];
const CHANGES: u64 = 1_000;
/// A plan is to take no longer, among many records as among few.
const PLAN_BAR_S: f64 = 0.010;
const LISTED: u64 = 100_000;
const LISTING_BAR_S: f64 = 0.150;

/// How much is measured.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Records of each kind in the small store.
    #[arg(long, default_value_t = 10_000)]
    few: u64,
    /// Records of each kind in the large store; the bars hold for 1,000,000.
    #[arg(long, default_value_t = 1_000_000)]
    many: u64,
    /// Rounds, of which the median counts.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Only one kind: contacts or activities.
    #[arg(long, value_parser = KINDS)]
    only: Option<String>,
}

/// What `postrider-bench` tells.
#[derive(Debug, Deserialize)]
struct Report {
    /// The decisions about as many changes alone, all of whose sides are known.
    decide_s: Vec<f64>,
    /// Within the plan, round by round.
    plan_s: Vec<f64>,
    /// Nothing but the reading of as many links with their records.
    reads_s: Vec<f64>,
    /// The whole run but for the server.
    own_s: Vec<f64>,
    peak_octets: u64,
    store_octets: u64,
}

/// Measures both kinds, or the one that is asked for.
pub(crate) fn measure(options: &Options) -> Result<Vec<Row>> {
    cargo(&["build", "--release", "-p", "postrider-bench"])?;
    if options.many != 1_000_000 {
        eprintln!("the bars hold for 1,000,000 records, these are {}", options.many);
    }
    let mut rows = Vec::new();
    for kind in KINDS {
        if options.only.as_deref().is_some_and(|only| only != kind) {
            continue;
        }
        for items in [options.few, options.many] {
            rows.extend(changes(kind, items, options.rounds)?);
        }
        rows.extend(listing(kind, options.rounds)?);
    }
    Ok(rows)
}

fn changes(kind: &str, items: u64, rounds: u32) -> Result<Vec<Row>> {
    let report = filled(kind, items, "changes", rounds)?;
    let what = format!("{kind}, {CHANGES} changes among {items}");
    Ok(vec![
        row(&format!("{what}: plan"), Unit::Millis, Some(PLAN_BAR_S), report.plan_s),
        row(&format!("{what}: the decisions alone"), Unit::Millis, Some(PLAN_BAR_S), report.decide_s),
        row(&format!("{what}: as many links and records read alone"), Unit::Millis, None, report.reads_s),
        row(&format!("{what}: whole run without the server"), Unit::Seconds, None, report.own_s),
        row(&format!("{what}: peak memory"), Unit::Mebibytes, None, vec![report.peak_octets as f64]),
        row(&format!("{what}: the store"), Unit::Mebibytes, None, vec![report.store_octets as f64]),
    ])
}

fn listing(kind: &str, rounds: u32) -> Result<Vec<Row>> {
    let report = filled(kind, LISTED, "listing", rounds)?;
    let what = format!("{kind}, a whole listing of {LISTED}");
    Ok(vec![
        row(&format!("{what}: run without the server"), Unit::Millis, Some(LISTING_BAR_S), report.own_s),
        row(&format!("{what}: peak memory"), Unit::Mebibytes, None, vec![report.peak_octets as f64]),
    ])
}

fn row(what: &str, unit: Unit, bar: Option<f64>, values: Vec<f64>) -> Row {
    let mut row = Row::new(what, unit, bar);
    values.into_iter().for_each(|value| row.samples.push(value));
    row
}

/// Fills a store of its own and measures over it.
fn filled(kind: &str, items: u64, what: &str, rounds: u32) -> Result<Report> {
    let home = tempfile::Builder::new().prefix("postrider-bench-").tempdir()?;
    let store = home.path().join("store");
    step(&format!("{items} {kind} come in"), || bench("fill", kind, items, &store, rounds).map(drop))?;
    let mut report = None;
    step(&format!("{what} among {items} {kind}"), || {
        report = Some(bench(what, kind, items, &store, rounds)?);
        Ok(())
    })?;
    report.context("nothing was measured")
}

fn bench(what: &str, kind: &str, items: u64, store: &Path, rounds: u32) -> Result<Report> {
    let program = programs::target_directory()?.join("release/postrider-bench");
    let mut command = Command::new(program);
    command.args([what, "--kind", kind, "--items", &items.to_string(), "--rounds", &rounds.to_string()]);
    command.args(["--changes", &CHANGES.to_string()]).arg("--store").arg(store);
    let output = command.output().context("cannot run postrider-bench")?;
    if !output.status.success() {
        bail!("{what} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
