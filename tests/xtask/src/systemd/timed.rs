//! The one-shot and its timer, in place of the daemon.

use anyhow::{Result, ensure};

use super::Tale;
use super::running::{SOON, exposure};
use super::scene::{HOME, SILENT, Scene, WORK};

const ONE_SHOT: &str = "postrider-sync.service";
const TIMER: &str = "postrider-sync.timer";

/// A timer for those who do not want to wait a minute.
const IMPATIENT: &str = "[Timer]\nOnActiveSec=1\nRandomizedDelaySec=0\nAccuracySec=100ms\n";

/// All of it. Afterwards the timer is stopped and the socket is up.
pub(super) fn all(tale: &mut Tale, scene: &Scene) {
    let machine = &scene.machine;
    tale.fact("the timer's one-shot runs every account, without a daemon", || timed(scene));
    tale.fact("the one-shot's exposure is as small", || exposure(machine, ONE_SHOT));
    tale.fact("the one-shot fails where an account does", || failing(scene));
    tale.fact("the socket is up again", || {
        machine.say(&["systemctl", "stop", TIMER])?;
        machine.say(&["systemctl", "reset-failed"])?;
        machine.say(&["systemctl", "start", "postrider.socket"]).map(|_| String::new())
    });
}

fn timed(scene: &Scene) -> Result<String> {
    let machine = &scene.machine;
    machine.say(&["rm", &format!("/etc/postrider/accounts.d/{}.toml", SILENT.0)])?;
    machine.say(&["systemctl", "stop", "postrider.socket", "postrider.service"])?;
    machine.write("/etc/systemd/system/postrider-sync.timer.d/impatient.conf", IMPATIENT.as_bytes())?;
    machine.say(&["systemctl", "daemon-reload"])?;
    scene.deliver(&WORK, "for-the-timer")?;
    scene.deliver(&HOME, "for-the-timer")?;
    machine.say(&["systemctl", "start", TIMER])?;
    machine.wait_until(ONE_SHOT, "ExecMainExitTimestampMonotonic", SOON, |at| at != "0")?;
    let code = machine.property(ONE_SHOT, "ExecMainStatus")?;
    ensure!(code == "0", "it ended with {code}: {}", machine.log(ONE_SHOT));
    for person in [&WORK, &HOME] {
        ensure!(scene.has(person, "for-the-timer")?, "the mail of {} did not come", person.0);
    }
    let daemon = machine.property("postrider.service", "ActiveState")?;
    ensure!(daemon == "inactive", "the daemon is {daemon}");
    let next = machine.property(TIMER, "NextElapseUSecMonotonic")?;
    ensure!(next != "infinity" && next != "0", "the timer does not run again: {next}");
    Ok(String::new())
}

fn failing(scene: &Scene) -> Result<String> {
    let machine = &scene.machine;
    machine.say(&["systemctl", "stop", TIMER])?;
    scene.write_account(&WORK, "systemd_credential = \"account_nobody\"")?;
    let output = machine.run(&["systemctl", "start", ONE_SHOT]);
    scene.write_account(&WORK, "systemd_credential = \"account_work\"")?;
    ensure!(!output?.status.success(), "it ended well");
    let log = machine.log(ONE_SHOT);
    ensure!(log.contains("account_nobody"), "the log does not say why: {log}");
    Ok(format!("exit code {}", machine.property(ONE_SHOT, "ExecMainStatus")?))
}
