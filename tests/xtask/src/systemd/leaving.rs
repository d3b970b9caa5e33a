//! Upgrade, removal and purge: what becomes of the daemon and of the mail.

use anyhow::{Context, Result, ensure};

use super::Tale;
use super::installed::PACKAGE;
use super::machine::{Machine, told};
use super::running::{DAEMON, SOON, start};
use super::scene::{Scene, WORK};

const STORE: &str = "/var/lib/postrider/store.db";
/// Plays the person: keeps what it was asked, and answers yes.
const EDITOR: &str =
    "#!/bin/sh\ncat \"$1\" >/root/asked\nsed -i 's/^\\(postrider\\/erase_mail=\\).*/\\1\"yes\"/' \"$1\"\n";

/// All of it. Afterwards nothing of Postrider is there.
pub(super) fn all(tale: &mut Tale, scene: &Scene) {
    let machine = &scene.machine;
    tale.fact("an upgrade starts the new daemon where the old one ran", || upgraded(scene));
    tale.fact("a removal ends the daemon, keeps the mail and says where it is", || removed(machine));
    tale.fact("a purge that nobody answers keeps the mail", || {
        let said = purge(machine, "DEBIAN_FRONTEND=noninteractive")?;
        ensure!(said.contains("the mail stays in /var/lib/postrider"), "{said}");
        ensure!(machine.path(STORE).exists(), "the store is gone");
        Ok(String::new())
    });
    tale.fact("a later installation goes on with that mail", || {
        machine.say(&["dpkg", "--install", PACKAGE])?;
        ensure!(scene.has(&WORK, "after-an-upgrade")?, "it is not listed");
        start(machine)?;
        scene.arrives(&WORK, "after-a-purge")
    });
    tale.fact("a purge asks, and erases the mail where the answer is yes", || {
        machine.write("/root/editor", EDITOR.as_bytes())?;
        machine.say(&["chmod", "0755", "/root/editor"])?;
        let said =
            purge(machine, "DEBIAN_FRONTEND=editor VISUAL=/root/editor EDITOR=/root/editor TERM=dumb")?;
        let asked = std::fs::read_to_string(machine.path("/root/asked"))
            .with_context(|| format!("it did not ask: {said}"))?;
        ensure!(asked.contains("Erase all mail"), "it asked {asked}");
        for left in ["/var/lib/postrider", "/etc/postrider", "/run/postrider"] {
            ensure!(!machine.path(left).exists(), "{left} is still there: {said}");
        }
        Ok(String::new())
    });
    tale.fact("a yes that was given beforehand erases the mail too", || {
        machine.say(&["dpkg", "--install", PACKAGE])?;
        start(machine)?;
        ensure!(machine.path(STORE).exists(), "there is no store to erase");
        machine.shell("echo 'postrider postrider/erase_mail boolean true' | debconf-set-selections")?;
        purge(machine, "DEBIAN_FRONTEND=noninteractive")?;
        ensure!(!machine.path("/var/lib/postrider").exists(), "the store is still there");
        Ok(String::new())
    });
}

fn upgraded(scene: &Scene) -> Result<String> {
    let machine = &scene.machine;
    start(machine)?;
    let before = machine.property(DAEMON, "MainPID")?;
    machine.say(&["dpkg", "--install", PACKAGE])?;
    let after = machine.property(DAEMON, "MainPID")?;
    ensure!(after != before && after != "0", "it was process {before} and is process {after}");
    machine.wait_until(DAEMON, "ActiveState", SOON, |state| state == "active")?;
    scene.arrives(&WORK, "after-an-upgrade")
}

fn removed(machine: &Machine) -> Result<String> {
    let output = machine.run(&["dpkg", "--remove", "postrider"])?;
    let said = told(&output);
    ensure!(output.status.success(), "{said}");
    let line = said.lines().find(|line| line.contains("/var/lib/postrider")).with_context(|| said.clone())?;
    ensure!(machine.path(STORE).exists(), "the store is gone");
    let left = machine.shell("find /proc -mindepth 1 -maxdepth 1 -user postrider")?;
    ensure!(left.is_empty(), "still there: {left}");
    ensure!(machine.property("postrider.service", "LoadState")? == "not-found", "the unit is still there");
    Ok(line.to_owned())
}

fn purge(machine: &Machine, environment: &str) -> Result<String> {
    let output =
        machine.run(&["/bin/sh", "-c", &format!("exec env {environment} dpkg --purge postrider")])?;
    ensure!(output.status.success(), "{}", told(&output));
    Ok(told(&output))
}
