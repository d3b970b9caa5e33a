//! Packages of PyPI, installed by `pip` once, into cargo's target folder.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::programs;

/// An environment of Python's that has these packages; `requirements` is a file of `pip`'s, with versions. Answers with its folder, in
/// which `bin/python` is.
///
/// # Errors
/// Where it cannot be made.
pub fn environment(name: &str, requirements: &str) -> Result<PathBuf> {
    let folder = programs::target_directory()?.join(format!("postrider-{name}"));
    fs::create_dir_all(&folder)?;
    // Of two tests at once one installs and the other waits.
    let lock = File::create(folder.join("lock"))?;
    lock.lock()?;
    let (environment, done) = (folder.join("env"), folder.join("done"));
    if fs::read_to_string(&done).is_ok_and(|installed| installed == requirements) {
        return Ok(environment);
    }
    let wanted = folder.join("requirements.txt");
    fs::write(&wanted, requirements)?;
    let python = programs::python()?;
    succeed(Command::new(python).args(["-m", "venv", "--clear"]).arg(&environment))?;
    let pip = environment.join("bin/pip");
    succeed(Command::new(pip).args(["install", "--quiet", "--requirement"]).arg(&wanted))?;
    fs::write(&done, requirements)?;
    Ok(environment)
}

fn succeed(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
