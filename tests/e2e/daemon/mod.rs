//! The daemon: what it follows, what it does when something is wrong, how it is reloaded and stopped.

mod asked;
mod many;
mod reload;
mod settings;
mod soak;
mod trouble;

use std::thread;
use std::time::{Duration, Instant};

use postrider_test_support::{Daemon, Delivery};
use rustix::process::Signal;

use crate::in_step::{assert_in_step, on_server};
use crate::scene::{Scene, USER, letter, postrider, text};

/// Longer than anything takes here.
pub const SOON: Duration = Duration::from_secs(30);

/// Waits until something is so.
pub fn eventually(what: &str, holds: impl FnMut() -> bool) {
    within(SOON, what, holds);
}

/// The same, where it takes longer.
pub fn within(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + limit;
    while !holds() {
        assert!(Instant::now() < end, "{what}: not within {limit:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

pub fn scene() -> Scene {
    let scene = Scene::new();
    let mail = (0..3).map(|number| Delivery::new(letter(&format!("first {number}"))));
    scene.server.fill(USER, "INBOX", mail).unwrap();
    scene.server.fill(USER, "Work", [Delivery::new(letter("work"))]).unwrap();
    scene
}

fn append(scene: &Scene, subject: &str) {
    scene.client().append("INBOX", "", "01-Mar-2024 12:00:00 +0000", &letter(subject)).unwrap();
}

#[test]
fn it_follows_both_sides_from_its_start_to_its_stop() {
    let scene = scene();
    let mut daemon = Daemon::start(&scene.home, postrider()).unwrap();
    let status = daemon.wait_for("STATUS=following 1 account", SOON).unwrap();
    assert_eq!(status, "STATUS=following 1 account");
    eventually("the first load is here", || scene.found(&["subject:first"]).len() == 3);
    append(&scene, "new there");
    eventually("what arrives is here", || scene.found(&["subject:new"]) == ["new there"]);
    let rows = scene.listed();
    let id_of = |subject: &str| text(&rows.iter().find(|row| row["subject"] == subject).unwrap()["id"]);
    scene.run(&["mail", "flag", &id_of("first 0"), "+seen"]).ok();
    scene.run(&["mail", "move", &id_of("first 1"), "--to", "Work"]).ok();
    eventually("what is done here is there", || {
        let there = on_server(&scene);
        let seen =
            there["INBOX"].messages.iter().any(|message| message.flags.iter().any(|flag| flag == "\\Seen"));
        seen && there["Work"].messages.len() == 2
    });
    let status = daemon.stop().unwrap();
    assert_eq!(status.code(), Some(0));
    scene.sync();
    assert_in_step(&scene);
}

#[test]
fn there_is_one_at_a_time() {
    let scene = scene();
    let _first = Daemon::start(&scene.home, postrider()).unwrap();
    let mut second = Daemon::launch(scene.command(&[])).unwrap();
    let status = second.ended(SOON).unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(second.log().contains("another postrider"), "{}", second.log());
}

#[test]
fn a_configuration_that_is_wrong_as_a_whole_keeps_it_from_starting() {
    let scene = scene();
    scene.home.write_config("users.toml", "[[user]]\nname = 1\n").unwrap();
    let mut daemon = Daemon::launch(scene.command(&[])).unwrap();
    assert_eq!(daemon.ended(SOON).unwrap().code(), Some(2));
    assert!(daemon.log().contains("users.toml: line 2"), "{}", daemon.log());
}

/// A watchdog is fed while the store answers, and not by a process that stands still.
#[test]
fn signs_of_life_come_while_it_lives() {
    let scene = scene();
    let mut command = scene.command(&[]);
    command.env("WATCHDOG_USEC", "1000000");
    let mut daemon = Daemon::launch(command).unwrap();
    daemon.wait_for("READY=1", SOON).unwrap();
    for _ in 0..3 {
        daemon.wait_for("WATCHDOG=1", SOON).unwrap();
    }
    daemon.signal(Signal::STOP).unwrap();
    thread::sleep(Duration::from_millis(100));
    daemon.forget();
    assert!(daemon.wait_for("WATCHDOG=1", Duration::from_secs(2)).is_err(), "it stands still");
    daemon.signal(Signal::CONT).unwrap();
    daemon.wait_for("WATCHDOG=1", SOON).unwrap();
    assert_eq!(daemon.stop().unwrap().code(), Some(0));
}

/// A machine that slept sets its clock forward by what it missed. The process is stopped meanwhile, as a whole machine would be; that
/// the measuring clock stands still in a real sleep cannot be had here, so what is shown is that a dead connection is replaced.
#[test]
fn what_came_while_it_stood_still_is_taken_in_afterwards() {
    let scene = scene();
    let daemon = Daemon::start(&scene.home, postrider()).unwrap();
    eventually("the first load is here", || scene.found(&["subject:first"]).len() == 3);
    daemon.signal(Signal::STOP).unwrap();
    append(&scene, "in its sleep");
    scene.proxy.cut();
    daemon.signal(Signal::CONT).unwrap();
    eventually("it goes on", || scene.found(&["subject:sleep"]) == ["in its sleep"]);
    assert_eq!(daemon.stop().unwrap().code(), Some(0));
}
