//! The package itself, and what is there once it is installed and nothing was configured yet.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use super::Tale;
use super::machine::{Machine, told};
use super::scene::Scene;
use crate::package::{self, Built};

/// Where the machine has the package.
pub(super) const PACKAGE: &str = "/root/postrider.deb";

const UNITS: [&str; 4] =
    ["postrider.service", "postrider.socket", "postrider-sync.service", "postrider-sync.timer"];

/// What needs no machine.
pub(super) fn of_the_package(tale: &mut Tale, built: &Built, package: &Path) {
    tale.fact("the same sources give the same package", || {
        let other = tempfile::tempdir()?;
        let again = package::assemble(built, other.path())?;
        ensure!(fs::read(package)? == fs::read(again)?, "the second is another");
        Ok(format!("{} octets", fs::metadata(package)?.len()))
    });
    tale.fact("lintian has nothing to say", || {
        let output = Command::new("lintian")
            .args(["--allow-root", "--fail-on", "error,warning"])
            .arg(package)
            .output()?;
        ensure!(output.status.success(), "{}", told(&output).trim());
        Ok(told(&output).trim().to_owned())
    });
}

/// Installs it, and looks around.
///
/// # Errors
/// Where it cannot be installed, so that there is nothing to look at.
pub(super) fn on_the_machine(tale: &mut Tale, scene: &Scene, package: &Path) -> Result<()> {
    let machine = &scene.machine;
    machine.write(PACKAGE, &fs::read(package)?)?;
    machine.say(&["dpkg", "--install", PACKAGE])?;
    tale.fact("the package is installed", || {
        let version = machine.say(&["postrider", "--version"])?;
        Ok(version.trim().to_owned())
    });
    tale.fact("systemd-analyze verify is clean", || verified(machine));
    tale.fact("the daemon's user cannot log in", || {
        let entry = machine.say(&["getent", "passwd", "postrider"])?;
        ensure!(entry.trim_end().ends_with("/nologin"), "{entry}");
        Ok(entry.trim().to_owned())
    });
    tale.fact("root alone changes the configuration, and reads the credentials", || {
        let modes =
            machine.say(&["stat", "-c", "%a %U:%G %n", "/etc/postrider", "/etc/postrider/credentials"])?;
        let expected = "750 root:postrider /etc/postrider\n700 root:root /etc/postrider/credentials\n";
        ensure!(modes == expected, "{modes}");
        Ok(String::new())
    });
    tale.fact("the examples are right", || {
        let examples = "cp -r /usr/share/doc/postrider/examples /tmp/examples 2>/dev/null \
            || { mkdir /tmp/examples; dpkg-deb --fsys-tarfile /root/postrider.deb \
                 | tar -x -C /tmp/examples --strip-components=6 ./usr/share/doc/postrider/examples; }; \
            postrider --config /tmp/examples doctor --offline || true";
        let said = machine.shell(examples)?;
        let reads_well =
            said.lines().any(|line| line.starts_with("ok: configuration: /tmp/examples reads well"));
        ensure!(reads_well, "{said}");
        Ok(String::new())
    });
    tale.fact("socket and daemon are enabled, and the socket alone is up", || {
        for unit in ["postrider.service", "postrider.socket"] {
            let state = machine.property(unit, "UnitFileState")?;
            ensure!(state == "enabled", "{unit} is {state}");
        }
        let (daemon, socket) = (
            machine.property("postrider.service", "ActiveState")?,
            machine.property("postrider.socket", "SubState")?,
        );
        ensure!(
            (daemon.as_str(), socket.as_str()) == ("inactive", "listening"),
            "daemon {daemon}, socket {socket}"
        );
        let mode = machine.say(&["stat", "-c", "%a", "/run/postrider/api.sock"])?;
        ensure!(mode.trim() == "666", "the socket's mode is {mode}");
        Ok(String::new())
    });
    Ok(())
}

/// Manual pages are looked for in the package: an image of Debian for containers unpacks none.
fn verified(machine: &Machine) -> Result<String> {
    let output = machine.run(&[&["systemd-analyze", "verify", "--man=no"] as &[_], &UNITS].concat())?;
    ensure!(output.status.success() && told(&output).is_empty(), "{}", told(&output).trim());
    let user = "XDG_RUNTIME_DIR=/tmp systemd-analyze --user verify --man=no /usr/lib/systemd/user/postrider.service 2>&1";
    let said = machine.shell(user)?;
    ensure!(said.is_empty(), "the user's unit: {}", said.trim());
    let pages =
        machine.shell("dpkg-deb --contents /root/postrider.deb | grep -c 'man1/postrider.*\\.1\\.gz$'")?;
    Ok(format!("{} units and the user's; {} manual pages", UNITS.len(), pages.trim()))
}
