//! The daemon under systemd, at work on mail: start, reload, watchdog, stop, what it can and cannot do in its sandbox.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Tale;
use super::machine::{Machine, told, wait_for};
use super::scene::{HOME, Scene, WORK};

pub(super) const DAEMON: &str = "postrider.service";
const SOCKET: &str = "postrider.socket";
/// What log and status say of a configuration that is wrong.
const NOT_IN_FORCE: &str = "the new configuration is not in force";
/// How exposed it may be, of 10 (F6.4).
const EXPOSURE: f64 = 1.5;
/// How long a stop may take (F6.4).
const STOP: Duration = Duration::from_secs(10);
/// How long anything else may take until it is seen, on a loaded machine.
pub(super) const SOON: Duration = Duration::from_secs(60);

/// A watchdog for those who do not want to wait a minute.
const IMPATIENT: &str = "[Service]\nWatchdogSec=10\n";

/// Longer than that watchdog waits.
const LONGER: Duration = Duration::from_secs(12);

/// All of it. Afterwards the daemon is stopped.
pub(super) fn all(tale: &mut Tale, scene: &Scene) {
    let machine = &scene.machine;
    tale.fact("whoever asks at the socket starts the daemon", || started_by_socket(machine));
    tale.fact("READY is seen, and a status", || ready(scene));
    tale.fact("the credential arrives", || scene.arrives(&WORK, "by-a-credential"));
    tale.fact("names are resolved by the network in the sandbox", || {
        let answered = scene.dns.answered();
        ensure!(answered > 0, "the name server was not asked");
        Ok(format!("the name server answered {answered} questions"))
    });
    tale.fact("a reload puts a new account in force, whose password a program says", || {
        let before = machine.property(DAEMON, "MainPID")?;
        scene.configure_command()?;
        machine.say(&["systemctl", "reload", DAEMON])?;
        let seen = scene.arrives(&HOME, "by-a-program")?;
        ensure!(machine.property(DAEMON, "MainPID")? == before, "it was another process");
        Ok(seen)
    });
    tale.fact("a wrong configuration makes the reload fail and changes nothing", || wrong_reload(scene));
    tale.fact("SIGHUP and a changed file reload too, and keep the old settings", || wrong_hangup(scene));
    tale.fact("the exposure is small while it works", || exposure(machine, DAEMON));
    tale.fact("a daemon that hangs is killed by the watchdog and started again", || watchdog(scene));
    tale.fact("a stop ends in time, with a server that says nothing", || stopped(machine));
    tale.fact("the socket stays when the daemon stops", || {
        let state = machine.property(SOCKET, "SubState")?;
        ensure!(state == "listening", "the socket is {state}");
        Ok(String::new())
    });
    tale.fact("without its socket unit the daemon makes the socket itself", || own_socket(scene));
    tale.fact("a start with a wrong configuration fails once, with the reason", || wrong_start(scene));
}

/// Starts the daemon, whatever happened to it before.
pub(super) fn start(machine: &Machine) -> Result<()> {
    machine.say(&["systemctl", "reset-failed"])?;
    machine.say(&["systemctl", "start", DAEMON]).map(drop)
}

fn started_by_socket(machine: &Machine) -> Result<String> {
    let answer = asked(machine)?;
    machine.wait_until(DAEMON, "ActiveState", SOON, |state| state == "active")?;
    Ok(format!("the one who asked was answered {answer}"))
}

/// What the daemon answers to whoever asks at its socket how it is.
fn asked(machine: &Machine) -> Result<String> {
    let mut caller = UnixStream::connect(machine.path("/run/postrider/api.sock"))?;
    caller.set_read_timeout(Some(SOON))?;
    caller.write_all(b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    caller.take(64 * 1024).read_to_string(&mut answer).context("no answer")?;
    let first = answer.lines().next().unwrap_or_default();
    ensure!(first.starts_with("HTTP/1.1 200"), "it answered {first:?}");
    Ok(first.to_owned())
}

fn ready(scene: &Scene) -> Result<String> {
    let machine = &scene.machine;
    scene.configure()?;
    machine.say(&["systemctl", "restart", DAEMON])?;
    let kind = machine.property(DAEMON, "Type")?;
    let state = machine.property(DAEMON, "ActiveState")?;
    ensure!((kind.as_str(), state.as_str()) == ("notify", "active"), "{kind}, {state}");
    let status = machine
        .wait_until(DAEMON, "StatusText", SOON, |status| status.starts_with("following 2 accounts"))?;
    Ok(format!("{status:?}"))
}

fn wrong_reload(scene: &Scene) -> Result<String> {
    let machine = &scene.machine;
    let before = machine.property(DAEMON, "MainPID")?;
    scene.write_account(&WORK, "systemd_credential = \"account_work\"\nno_such_key = true")?;
    let output = machine.run(&["systemctl", "reload", DAEMON])?;
    ensure!(!output.status.success(), "systemctl reload ended well");
    let log = machine.log(DAEMON);
    ensure!(log.contains("no_such_key"), "the log does not name what is wrong: {log}");
    ensure!(machine.property(DAEMON, "MainPID")? == before, "it is another process");
    ensure!(machine.property(DAEMON, "ActiveState")? == "active", "it is not active");
    scene.arrives(&WORK, "under-the-old-settings")
}

fn wrong_hangup(scene: &Scene) -> Result<String> {
    let machine = &scene.machine;
    let is_told = |status: &str| status.contains(NOT_IN_FORCE);
    machine.wait_until(DAEMON, "StatusText", SOON, is_told).context("the changed file was not seen")?;
    let before = refusals(machine)?;
    machine.say(&["systemctl", "kill", "--kill-who=main", "--signal=HUP", DAEMON])?;
    wait_for(SOON, || refusals(machine).is_ok_and(|now| now > before).then_some(()))
        .context("the signal changed nothing")?;
    scene.arrives(&WORK, "after-a-hangup")?;
    // Right again, and taken up without anybody asking for it.
    scene.write_account(&WORK, "systemd_credential = \"account_work\"")?;
    let status = machine.wait_until(DAEMON, "StatusText", SOON, |status| !is_told(status))?;
    scene.arrives(&WORK, "after-the-file-was-right-again")?;
    Ok(format!("{status:?}"))
}

/// How often the daemon said that it keeps the old configuration.
fn refusals(machine: &Machine) -> Result<usize> {
    let log = machine.say(&["journalctl", "--no-pager", "--output", "cat", "--unit", DAEMON])?;
    Ok(log.matches(NOT_IN_FORCE).count())
}

/// Asserts a unit's exposure.
pub(super) fn exposure(machine: &Machine, unit: &str) -> Result<String> {
    let said = machine.say(&["systemd-analyze", "security", "--no-pager", unit])?;
    let level =
        said.lines().find_map(|line| line.split_once("Overall exposure level for ")).context(said.clone())?;
    let number = level.1.split_whitespace().nth(1).and_then(|number| number.parse::<f64>().ok());
    let number = number.with_context(|| level.1.to_owned())?;
    ensure!(number <= EXPOSURE, "{number} is more than {EXPOSURE}");
    Ok(format!("{number}"))
}

fn watchdog(scene: &Scene) -> Result<String> {
    let machine = &scene.machine;
    machine.write("/etc/systemd/system/postrider.service.d/impatient.conf", IMPATIENT.as_bytes())?;
    machine.say(&["systemctl", "daemon-reload"])?;
    machine.say(&["systemctl", "restart", DAEMON])?;
    // The one that is fed lives on.
    let before = machine.property(DAEMON, "MainPID")?;
    scene.arrives(&WORK, "before-the-silence")?;
    std::thread::sleep(LONGER);
    ensure!(
        machine.property(DAEMON, "MainPID")? == before,
        "it was killed though it works: {}",
        machine.log(DAEMON)
    );
    machine.say(&["kill", "-STOP", &before])?;
    machine.wait_until(DAEMON, "NRestarts", SOON * 2, |restarts| restarts != "0")?;
    machine.wait_until(DAEMON, "ActiveState", SOON, |state| state == "active")?;
    let log = machine.shell("journalctl --no-pager --output cat --unit postrider")?;
    ensure!(log.contains("Watchdog timeout"), "the log tells of no watchdog: {log}");
    scene.arrives(&WORK, "after-the-watchdog")
}

fn stopped(machine: &Machine) -> Result<String> {
    let begun = Instant::now();
    machine.say(&["systemctl", "stop", DAEMON])?;
    let took = begun.elapsed();
    let result = machine.property(DAEMON, "Result")?;
    ensure!(result == "success", "it ended by {result}: {}", machine.log(DAEMON));
    ensure!(took < STOP, "it took {:.1} s", took.as_secs_f64());
    Ok(format!("{:.1} s", took.as_secs_f64()))
}

fn own_socket(scene: &Scene) -> Result<String> {
    let machine = &scene.machine;
    machine.say(&["systemctl", "stop", SOCKET, DAEMON])?;
    start(machine)?;
    let answer = wait_for(SOON, || asked(machine).ok());
    machine.say(&["systemctl", "stop", DAEMON])?;
    machine.say(&["systemctl", "start", SOCKET])?;
    answer.context("nobody answers at /run/postrider/api.sock")
}

fn wrong_start(scene: &Scene) -> Result<String> {
    let machine = &scene.machine;
    let settings = "/etc/postrider/postrider.toml";
    machine.shell(&format!("cp -p {settings} /root/settings; echo '[nowhere]' >>{settings}"))?;
    machine.say(&["systemctl", "reset-failed"])?;
    let output = machine.run(&["systemctl", "start", DAEMON]);
    machine.shell(&format!("cp -p /root/settings {settings}"))?;
    let output = output?;
    ensure!(!output.status.success(), "it started: {}", told(&output));
    let state = machine.property(DAEMON, "ActiveState")?;
    let code = machine.property(DAEMON, "ExecMainStatus")?;
    ensure!((state.as_str(), code.as_str()) == ("failed", "2"), "{state}, exit code {code}");
    let log = machine.log(DAEMON);
    ensure!(log.contains("nowhere"), "the log does not name what is wrong: {log}");
    machine.say(&["systemctl", "reset-failed"])?;
    Ok(String::new())
}
