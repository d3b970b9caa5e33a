//! Installs the Debian packages whose programs tests and the demo start. Nothing is installed where the
//! programs are there. While packages are installed a `policy-rc.d` forbids services to start
//! (<https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt>); afterwards all is as before.

use std::io::{IsTerminal, stdin};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use nix::unistd::geteuid;
use postrider_test_support::programs::{locate, python};

/// A program and the package that brings it.
pub(crate) type Need = (&'static str, &'static str);

/// A mail server.
pub(crate) const DOVECOT: Need = ("dovecot", "dovecot-imapd");
/// A server that mail goes out by.
pub(crate) const POSTFIX: Need = ("postfix", "postfix");
/// Another client to measure against.
pub(crate) const MBSYNC: Need = ("mbsync", "isync");
/// Another reader to compare with.
pub(crate) const PYTHON: Need = ("python3", "python3");
/// What runs an authorization server that is not ours.
pub(crate) const NODE: Need = ("node", "nodejs");
/// What installs it.
pub(crate) const NPM: Need = ("npm", "npm");
/// Where somebody else's program is installed that asks the API. A module of Python, and not a program: its name begins so.
pub(crate) const VENV: Need = ("python3 -m ensurepip", "python3-venv");
/// What all tests need.
pub(crate) const ALL: [Need; 7] = [DOVECOT, POSTFIX, MBSYNC, PYTHON, VENV, NODE, NPM];

/// What tells a module of Python from a program.
const MODULE: &str = "python3 -m ";

/// Runs as root. One installation at a time, so that the policy of before is what comes back; the trap
/// runs on Ctrl-C too.
const INSTALL: &str = r#"
set -eu
exec 9>/run/postrider-packages.lock
flock 9
policy=/usr/sbin/policy-rc.d
saved=
restore() {
    rm -f "$policy"
    if [ -n "$saved" ]; then
        mv "$saved/policy-rc.d" "$policy"
        rmdir "$saved"
    fi
}
trap 'exit 130' INT TERM HUP
trap restore EXIT
if [ -e "$policy" ] || [ -L "$policy" ]; then
    saved=$(mktemp -d)
    mv "$policy" "$saved/policy-rc.d"
fi
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"
export DEBIAN_FRONTEND=noninteractive
apt-get -q -o DPkg::Lock::Timeout=600 update
apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends "$@"
"#;

/// Installs the packages of those programs that are missing.
pub(crate) fn ensure(needs: &[Need]) -> Result<()> {
    let packages: Vec<&str> =
        needs.iter().filter(|(program, _)| !is_there(program)).map(|(_, package)| *package).collect();
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    if locate("apt-get").is_none() {
        bail!("missing, and there is no apt-get to install it: {list}");
    }
    eprintln!("== installing {list}");
    let status = as_root()?
        .args(["/bin/sh", "-c", INSTALL, "install"])
        .args(&packages)
        .stdin(Stdio::null())
        .status()
        .context("cannot install packages")?;
    if !status.success() {
        bail!("installing {list} ended with {status}");
    }
    match needs.iter().find(|(program, _)| !is_there(program)) {
        Some((program, package)) => bail!("{package} is installed and {program} is still missing"),
        None => Ok(()),
    }
}

/// Whether that program, or that module of Python, is installed.
fn is_there(need: &str) -> bool {
    let Some(module) = need.strip_prefix(MODULE) else { return locate(need).is_some() };
    let found = python().ok().and_then(|python| {
        let mut look = Command::new(python);
        look.args(["-c", &format!("import {module}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .ok()
    });
    found.is_some_and(|status| status.success())
}

/// What runs a program as root: `env` for root, else sudo, which asks for a password only at a terminal.
fn as_root() -> Result<Command> {
    if geteuid().is_root() {
        return Ok(Command::new("env"));
    }
    let sudo = locate("sudo").context("packages are missing, and neither are you root nor is there sudo")?;
    let mut command = Command::new(sudo);
    if !stdin().is_terminal() {
        command.arg("-n");
    }
    Ok(command)
}
