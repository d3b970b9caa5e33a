//! Requests that are not ours: PyPI's `schemathesis` reads the description of an API and asks what it describes and what it does not.
//!
//! It is installed by `pip` once, into cargo's target folder, in the versions of `schemathesis/requirements.txt`;
//! `schemathesis/schemathesis.toml` says what is no failure.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::home::output_of;
use crate::programs;

const REQUIREMENTS: &str = include_str!("../schemathesis/requirements.txt");
const CHECKS: &str = include_str!("../schemathesis/schemathesis.toml");

/// Asks the API at that URL, whose description is below it, with a token; the same requests for the same seed.
///
/// # Errors
/// Whatever it finds, with how to ask the same again; where it cannot be installed.
pub fn ask(url: &str, description: &str, token: &str, seed: u32) -> Result<()> {
    let program = install()?;
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

/// Installs it where it is not yet; answers with the program.
fn install() -> Result<PathBuf> {
    let folder = programs::target_directory()?.join("postrider-schemathesis");
    fs::create_dir_all(&folder)?;
    // Of two tests at once one installs and the other waits.
    let lock = File::create(folder.join("lock"))?;
    lock.lock()?;
    let (program, done) = (folder.join("env/bin/st"), folder.join("done"));
    if fs::read_to_string(&done).is_ok_and(|installed| installed == REQUIREMENTS) {
        return Ok(program);
    }
    let (environment, wanted) = (folder.join("env"), folder.join("requirements.txt"));
    fs::write(&wanted, REQUIREMENTS)?;
    let python = programs::require("python3", "python3-venv")?;
    succeed(Command::new(python).args(["-m", "venv", "--clear"]).arg(&environment))?;
    let pip = environment.join("bin/pip");
    succeed(Command::new(pip).args(["install", "--quiet", "--requirement"]).arg(Path::new(&wanted)))?;
    fs::write(&done, REQUIREMENTS)?;
    Ok(program)
}

fn succeed(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
