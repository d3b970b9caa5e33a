//! Another configuration while it runs: in force where all of it is right, and else not at all.

use std::time::Duration;

use postrider_test_support::Daemon;
use postrider_test_support::home::Account;
use rustix::process::Signal;

use super::{SOON, eventually, scene};
use crate::scene::{PASSWORD, Scene, USER, postrider};

fn wrong(scene: &Scene) {
    scene.home.write_config("accounts.d/other.toml", "adress = \"x@example.com\"\n").unwrap();
}

fn folders(scene: &Scene) -> Vec<String> {
    let answer = scene.run(&["folder", "list", "--json"]).ok().json();
    let live = answer.as_array().unwrap().iter().filter(|folder| folder["frozen"].is_null());
    let mut names: Vec<String> = live.map(|folder| folder["folder"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_file_that_changes_is_in_force_by_itself_and_a_wrong_one_changes_nothing() {
    let scene = scene();
    scene.configure("all", &["INBOX"]);
    let mut daemon = Daemon::start(&scene.home, postrider()).unwrap();
    eventually("INBOX is here", || scene.found(&["subject:first"]).len() == 3);
    assert_eq!(folders(&scene), ["INBOX"]);

    // Both at once: the one that is right is not in force either.
    wrong(&scene);
    scene.configure("all", &[]);
    let told =
        daemon.wait_for("STATUS=following 1 account; the new configuration is not in force", SOON).unwrap();
    assert!(told.contains("accounts.d/other.toml: address: found nothing"), "{told}");
    assert_eq!(folders(&scene), ["INBOX"]);

    std::fs::remove_file(scene.home.config().join("accounts.d/other.toml")).unwrap();
    eventually("all folders are here", || folders(&scene) == ["INBOX", "Work"]);
    let account = Account::all_mail("here", USER, PASSWORD);
    scene.home.account("second", &account).unwrap();
    daemon.wait_for("STATUS=following 2 accounts", SOON).unwrap();
    std::fs::remove_file(scene.home.config().join("accounts.d/second.toml")).unwrap();
    daemon.forget();
    daemon.wait_for("STATUS=following 1 account", SOON).unwrap();
    assert_eq!(daemon.stop().unwrap().code(), Some(0));
}

#[test]
fn a_hangup_reloads_and_says_when_it_is_done() {
    let scene = scene();
    let mut daemon = Daemon::start(&scene.home, postrider()).unwrap();
    daemon.forget();
    daemon.signal(Signal::HUP).unwrap();
    daemon.wait_for("RELOADING=1", SOON).unwrap();
    daemon.wait_for("READY=1", SOON).unwrap();
    wrong(&scene);
    daemon.signal(Signal::HUP).unwrap();
    daemon.wait_for("RELOADING=1", SOON).unwrap();
    daemon.wait_for("READY=1", SOON).unwrap();
    assert!(daemon.log().contains("the new configuration is not in force"), "{}", daemon.log());
    assert_eq!(daemon.stop().unwrap().code(), Some(0));
}

/// An account that is added by command is followed without a word to the daemon, and one that is removed no more.
#[test]
fn accounts_of_the_store_come_and_go_while_it_runs() {
    let scene = scene();
    let mut daemon = Daemon::start(&scene.home, postrider()).unwrap();
    daemon.wait_for("STATUS=following 1 account", SOON).unwrap();
    let password = scene.home.write_config("secrets/stored", PASSWORD).unwrap();
    let add = ["account", "add", USER, "--name", "stored", "--provider", "here", "--period", "all"];
    scene.run(&[&add[..], &["--password-file", password.to_str().unwrap()]].concat()).ok();
    // Asked for at once, before anybody has told the daemon of it.
    let asked = scene.run(&["--sync-now", "stored", "--json"]).ok().json();
    assert_eq!(asked["accounts"][0]["status"], "ok", "{asked}");
    daemon.wait_for("STATUS=following 2 accounts", SOON).unwrap();
    eventually("its mail is here", || scene.found(&["account:stored"]).len() == 4);
    scene.run(&["account", "remove", "stored"]).ok();
    daemon.forget();
    daemon.wait_for("STATUS=following 1 account", SOON).unwrap();
    assert_eq!(daemon.stop().unwrap().code(), Some(0));
}

/// What holds for all accounts holds for those too whose own files are as they were.
#[test]
fn how_long_what_was_deleted_is_kept_is_in_force_at_once() {
    let scene = scene();
    let daemon = Daemon::start(&scene.home, postrider()).unwrap();
    eventually("the first load is here", || scene.found(&["subject:first"]).len() == 3);
    let mut client = scene.client();
    client.select("INBOX").unwrap();
    client.store("1", "+FLAGS", "\\Deleted").unwrap();
    client.expunge("1").unwrap();
    let restorable = || scene.run(&["status", "--json"]).ok().json()[0]["restorable"].clone();
    eventually("it is deleted here", || restorable() == 1);
    let settings = format!(
        "[daemon]\ninterval = \"1s\"\n[store]\npath = {:?}\nkeep_deleted = \"1s\"\n",
        scene.home.store()
    );
    scene.home.write_config("postrider.toml", &settings).unwrap();
    eventually("it is kept no longer", || restorable() == 0);
    assert_eq!(daemon.stop().unwrap().code(), Some(0));
}

/// The store cannot be another one while it runs.
#[test]
fn another_store_is_refused() {
    let scene = scene();
    let mut daemon = Daemon::start(&scene.home, postrider()).unwrap();
    let elsewhere = scene.home.path().join("elsewhere");
    scene.home.write_config("postrider.toml", &format!("[store]\npath = {elsewhere:?}\n")).unwrap();
    let told = daemon.wait_for("STATUS=following 1 account; the new", Duration::from_secs(60)).unwrap();
    assert!(told.contains("a running daemon keeps the store that it has"), "{told}");
    assert!(!elsewhere.exists());
}
