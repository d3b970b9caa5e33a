//! The command line while a daemon keeps the store: it asks where a server is spoken to, and says the same as without one.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;

use postrider_test_support::Daemon;
use serde_json::json;
use tempfile::TempDir;

use super::{eventually, scene};
use crate::in_step::on_server;
use crate::scene::{ACCOUNT, Answer, Scene, answer_of, postrider};

fn started(scene: &Scene) -> Daemon {
    let daemon = Daemon::start(&scene.home, postrider()).unwrap();
    eventually("the first load is here", || scene.found(&["subject:first"]).len() == 3);
    daemon
}

#[test]
fn a_run_is_asked_for_and_reported_as_without_a_daemon() {
    let scene = scene();
    let keys = |answer: &Answer| -> Vec<String> {
        answer.json()["accounts"][0].as_object().unwrap().keys().cloned().collect()
    };
    let alone = scene.run(&["--sync-now", "--json"]).ok();
    let _daemon = started(&scene);
    let asked = scene.run(&["--sync-now", "--json"]).ok();
    assert_eq!(keys(&asked), keys(&alone));
    assert_eq!(asked.json()["accounts"][0]["status"], "ok", "and not busy: {asked:?}");
    let dry = scene.run(&["--sync-now", "--dry-run", "--json"]).ok().json();
    assert_eq!(dry["plan"][0]["status"], "ok", "{dry}");
    assert_eq!(scene.run(&["--sync-now", "nobody"]).code, 2);
}

#[test]
fn folders_are_made_by_the_daemon_and_edits_go_on_beside_it() {
    let scene = scene();
    let _daemon = started(&scene);
    let made = scene.run(&["folder", "create", "Kept", "--account", ACCOUNT, "--json"]).ok();
    assert_eq!(made.json(), json!({ "account": ACCOUNT, "folder": "Kept", "done": "made" }));
    let id = scene.listed()[0]["id"].as_str().unwrap().to_owned();
    scene.run(&["mail", "move", &id, "--to", "Kept"]).ok();
    eventually("it is moved there", || {
        on_server(&scene).get("Kept").is_some_and(|folder| folder.messages.len() == 1)
    });
    assert_eq!(scene.run(&["folder", "delete", "Kept", "--account", ACCOUNT]).code, 2, "a message is in it");
    scene.run(&["folder", "rename", "Kept", "Held", "--account", ACCOUNT]).ok();
    scene.run(&["folder", "delete", "Held", "--account", ACCOUNT, "--with-messages"]).ok();
}

#[test]
fn the_status_says_what_the_daemon_does_now() {
    let scene = scene();
    scene.run(&["--sync-now"]).ok();
    assert_eq!(scene.run(&["status", "--json"]).ok().json()[0]["phase"], json!(null));
    let _daemon = started(&scene);
    let phase = || scene.run(&["status", "--json"]).ok().json()[0]["phase"].as_str().map(ToOwned::to_owned);
    eventually("it watches", || phase().as_deref() == Some("watching"));
    let said = scene.run(&["status"]).ok().out;
    assert!(said.contains("NEXT RUN (UTC)") && said.contains("watching"), "{said}");
}

#[test]
fn a_reload_fails_on_a_wrong_file_and_needs_a_daemon() {
    let scene = scene();
    assert_eq!(scene.run(&["reload"]).code, 2);
    let _daemon = started(&scene);
    let answer = scene.run(&["reload", "--json"]).ok();
    assert!(answer.json()["accounts"].is_array(), "{answer:?}");
    scene.home.write_config("accounts.d/other.toml", "adress = \"x@example.com\"\n").unwrap();
    let answer = scene.run(&["reload"]);
    assert_eq!(answer.code, 2, "{answer:?}");
    assert!(answer.err.contains("accounts.d/other.toml"), "{answer:?}");
}

/// Another user of this machine, with the daemon's socket where theirs would be.
fn as_stranger(scene: &Scene, runtime: &Path, arguments: &[&str]) -> Answer {
    let mut command = scene.home.command(postrider());
    command.uid(65_534).gid(65_534).env("XDG_RUNTIME_DIR", runtime).args(arguments);
    answer_of(command)
}

#[test]
fn a_user_who_is_not_known_is_let_in_nowhere() {
    let scene = scene();
    let place = TempDir::new().unwrap();
    fs::set_permissions(place.path(), Permissions::from_mode(0o755)).unwrap();
    let socket = place.path().join("postrider/api.sock");
    let store = scene.home.store();
    let settings = format!("[store]\npath = {store:?}\n[api]\nsocket = {socket:?}\n");
    scene.home.write_config("postrider.toml", &settings).unwrap();
    let alone = as_stranger(&scene, place.path(), &["status"]);
    assert_eq!(alone.code, 5, "{alone:?}");
    assert!(alone.err.contains("no daemon answers"), "{alone:?}");

    let _daemon = started(&scene);
    for command in [&["status"][..], &["mail", "list"], &["--sync-now"], &["account", "show", ACCOUNT]] {
        let answer = as_stranger(&scene, place.path(), command);
        assert_eq!(answer.code, 5, "{command:?}: {answer:?}");
        assert!(answer.err.contains("user id 65534"), "{command:?}: {answer:?}");
    }
}
