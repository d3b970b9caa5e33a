//! Where installed programs are. Looks at PATH and then where Debian keeps servers, which is not on the
//! PATH of an ordinary user. Installs nothing.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};

/// Folders of servers, behind those of PATH.
const SERVER_FOLDERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// The path of `name`, or `None` where it is not installed.
pub fn locate(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(SERVER_FOLDERS.iter().map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

/// The path of `name`.
///
/// # Errors
/// Where it is not installed: the message names the Debian package that brings it.
pub fn require(name: &str, package: &str) -> Result<PathBuf> {
    locate(name).ok_or_else(|| {
        anyhow!("{name} is not installed (Debian package {package}); `cargo xtask test` installs it")
    })
}

/// The path of Python: Debian's own, where it is there, since the first on PATH may be a wrapper that takes longer to find an
/// interpreter than most scripts take.
///
/// # Errors
/// As [`require`].
pub fn python() -> Result<PathBuf> {
    let own = PathBuf::from("/usr/bin/python3");
    if own.is_file() { Ok(own) } else { require("python3", "python3") }
}

/// The path of the program `postrider` of the given profile (`debug` or `release`), wherever the target
/// directory is.
///
/// # Errors
/// Where cargo does not answer, or the program has not been built.
pub fn find_postrider(profile: &str) -> Result<PathBuf> {
    let program = target_directory()?.join(profile).join("postrider");
    if !program.is_file() {
        bail!("{} has not been built", program.display());
    }
    Ok(program)
}

/// Cargo's target directory for this workspace.
///
/// # Errors
/// Where cargo does not answer or answers without one.
pub fn target_directory() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("CARGO_TARGET_DIR") {
        return Ok(repository().join(folder));
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(repository())
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    // The value is a JSON string; paths with quotes or backslashes in them are not supported by the
    // tools around this either.
    let (_, rest) = text.split_once("\"target_directory\":\"").context("no target_directory")?;
    let (folder, _) = rest.split_once('"').context("no end of target_directory")?;
    Ok(PathBuf::from(folder))
}

/// The root of the checkout from which this crate was built.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_named_with_its_package() {
        assert!(locate("sh").is_some());
        let message = require("no-such-program", "no-such-package").unwrap_err().to_string();
        assert!(message.contains("no-such-program") && message.contains("no-such-package"), "{message}");
    }

    #[test]
    fn the_repository_is_the_folder_of_the_workspace() {
        assert!(repository().join("tests/support/Cargo.toml").is_file());
    }
}
