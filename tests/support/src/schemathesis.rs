//! Requests that are not ours: PyPI's `schemathesis` reads the description of an API and asks what it describes and what it does not.
//!
//! It is installed in the versions of `schemathesis/requirements.txt`; `schemathesis/schemathesis.toml` says what is no failure.

use std::fs;
use std::process::Command;

use anyhow::{Result, bail};

use crate::home::output_of;
use crate::python;

const REQUIREMENTS: &str = include_str!("../schemathesis/requirements.txt");
const CHECKS: &str = include_str!("../schemathesis/schemathesis.toml");

/// Asks the API at that URL, whose description is below it, with a token; the same requests for the same seed.
///
/// # Errors
/// Whatever it finds, with how to ask the same again; where it cannot be installed.
pub fn ask(url: &str, description: &str, token: &str, seed: u32) -> Result<()> {
    let program = python::environment("schemathesis", REQUIREMENTS)?.join("bin/st");
    let folder = tempfile::tempdir()?;
    let checks = folder.path().join("schemathesis.toml");
    fs::write(&checks, CHECKS)?;
    let mut command = Command::new(program);
    command
        .current_dir(folder.path())
        .arg("--config-file")
        .arg(&checks)
        .args(["run", &format!("{url}{description}"), "--url", url])
        .args(["--header", &format!("Authorization: Bearer {token}"), "--seed", &seed.to_string()])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "10", "--continue-on-failure"])
        .args(["--no-color", "--generation-codec", "utf-8", "--warnings", "off"]);
    let output = output_of(command)?;
    if !output.status.success() {
        bail!("schemathesis: {}", String::from_utf8_lossy(&output.stdout));
    }
    Ok(())
}
