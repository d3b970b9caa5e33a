//! `cargo xtask lint`: formatting, lints, and what the tree of dependencies may hold.

use anyhow::{Context, Result, bail};
use std::process::Command;

use crate::steps::{cargo, cargo_has, step};

/// Runs all of them.
pub(crate) fn run() -> Result<()> {
    format_and_lints()?;
    if !cargo_has("deny") {
        eprintln!("skipped by name: cargo deny is not installed (cargo install cargo-deny)");
        return Ok(());
    }
    // `advisories` would fetch a database from the network.
    step("dependencies", || {
        cargo(&["deny", "check", "--hide-inclusion-graph", "bans", "sources", "licenses"])
    })
}

/// Formatting and lints.
pub(crate) fn format_and_lints() -> Result<()> {
    add_components()?;
    step("format", || cargo(&["fmt", "--all", "--check"]))?;
    step("lints", || cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// A minimal toolchain comes without the two.
fn add_components() -> Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if cargo_has(subcommand) {
            continue;
        }
        eprintln!("$ rustup component add {component}");
        let status = Command::new("rustup")
            .args(["component", "add", component])
            .status()
            .with_context(|| format!("cargo {subcommand} is not installed, nor is rustup"))?;
        if !status.success() {
            bail!("rustup cannot add {component}: {status}");
        }
    }
    Ok(())
}
