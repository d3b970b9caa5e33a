//! Rights and the audit log at the command line: `--as`, `account share`, `audit list`, `audit verify` (F7).

use std::process::Command;

use postrider_test_support::home::output_of;
use postrider_test_support::{Delivery, Home, programs};
use serde_json::Value;

use crate::scene::{ACCOUNT, Answer, Scene, USER, letter, run_in, text};
use crate::sending::Post;

const USERS: &str = r#"
[[user]]
name = "anna"
[[user]]
name = "boris"
[[user]]
name = "eve"
[[role]]
name = "customer-service"
"#;

fn scene() -> Scene {
    let scene = Scene::new();
    scene
        .server
        .fill(USER, "INBOX", (0..3).map(|at| Delivery::new(letter(&format!("letter {at}")))))
        .unwrap();
    scene.home.write_config("users.toml", USERS).unwrap();
    scene.sync();
    scene
}

/// The log, the oldest first: by whom, for whom, what, to what, with what outcome.
fn log(home: &Home) -> Vec<[String; 5]> {
    let lines = run_in(home, &["audit", "list", "--json", "--limit", "1000"]).ok().json();
    let field = |line: &Value, name: &str| text(&line[name]);
    let said = |line: &Value| ["actor", "user", "what", "object", "outcome"].map(|name| field(line, name));
    lines.as_array().unwrap().iter().rev().map(said).collect()
}

fn as_user(scene: &Scene, user: &str, arguments: &[&str]) -> Answer {
    scene.run(&[&["--as", user], arguments].concat())
}

#[test]
fn another_sees_and_does_what_was_granted_and_no_more() {
    let scene = scene();
    let id = text(&scene.listed()[0]["id"]);
    let unseen = as_user(&scene, "boris", &["mail", "show", &id]);
    let nowhere = as_user(&scene, "boris", &["mail", "show", "m999"]);
    assert_eq!((unseen.code, nowhere.code), (2, 2));
    assert_eq!(unseen.err.replace(&id, "ID"), nowhere.err.replace("m999", "ID"));
    let account = as_user(&scene, "boris", &["account", "show", ACCOUNT]);
    assert_eq!(account.code, 2, "{account:?}");
    assert!(!account.err.contains(USER), "{account:?}");

    scene.run(&["account", "share", ACCOUNT, "--user", "boris"]).ok();
    as_user(&scene, "boris", &["mail", "show", &id]).ok();
    assert_eq!(as_user(&scene, "boris", &["mail", "list", "--json"]).ok().json(), serde_json::json!([]));
    let found = as_user(&scene, "boris", &["mail", "search", "--json", "letter"]).ok().json();
    assert_eq!(found.as_array().unwrap().len(), 3);
    let refused = as_user(&scene, "boris", &["mail", "flag", &id, "+seen"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(refused.err.contains("it needs the right send"), "{refused:?}");
    assert_eq!(as_user(&scene, "boris", &["audit", "list"]).code, 5);

    scene.run(&["account", "share", ACCOUNT, "--user", "boris", "--send"]).ok();
    as_user(&scene, "boris", &["mail", "flag", &id, "+seen"]).ok();
    scene.run(&["account", "unshare", ACCOUNT]).ok();
    assert_eq!(as_user(&scene, "boris", &["mail", "show", &id]).code, 2);
    assert_eq!(as_user(&scene, "nobody", &["mail", "list"]).code, 5);

    let said = log(&scene.home);
    let of_boris: Vec<_> =
        said.iter().filter(|line| line[1] == "boris").map(|line| [&line[2], &line[4]]).collect();
    let expected = [
        ["mail.read", "refused"],
        ["account.show", "refused"],
        // The header, and then the text.
        ["mail.read", "done"],
        ["mail.read", "done"],
        ["mail.list", "done"],
        ["mail.flag", "refused"],
        ["audit.show", "refused"],
        ["mail.flag", "done"],
        ["mail.read", "refused"],
    ];
    assert_eq!(of_boris, expected);
    assert!(said.iter().all(|line| line[0] == said[0][0]), "the owner called throughout: {said:?}");
}

#[test]
fn a_line_that_was_changed_is_found() {
    let scene = scene();
    for row in scene.listed() {
        scene.run(&["mail", "flag", &text(&row["id"]), "+flagged"]).ok();
    }
    let sound = scene.run(&["audit", "verify", "--json"]).ok().json();
    assert_eq!(sound, serde_json::json!({ "lines": 3, "sound": true }));

    let mut python = Command::new(programs::python().unwrap());
    let script = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\n\
                  c.execute(\"UPDATE audit SET actor = 'somebody else' WHERE id = 2\")\nc.commit()";
    python.args(["-c", script]).arg(scene.home.store().join("store.db"));
    assert!(output_of(python).unwrap().status.success());
    let found = scene.run(&["audit", "verify"]);
    assert_eq!(found.code, 1, "{found:?}");
    assert!(found.err.contains("line 2: it is not what was written"), "{found:?}");
}

#[test]
fn what_is_sent_is_noted_from_its_beginning_to_its_end() {
    let post = Post::new();
    run_in(
        &post.home,
        &[
            "mail",
            "send",
            "--account",
            ACCOUNT,
            "--to",
            "bert@example.com",
            "--subject",
            "Tea",
            "--text",
            "now",
        ],
    )
    .ok();
    let said = log(&post.home);
    assert!(
        said.iter().all(|line| !line.concat().contains("bert") && !line.concat().contains("Tea")),
        "{said:?}"
    );
    let of_sending: Vec<_> = said.iter().map(|line| [line[2].as_str(), &line[3], &line[4]]).collect();
    assert_eq!(of_sending, [["mail.send", "o1", "begun"], ["mail.send", "o1", "done"]]);
    assert_eq!(said[0][..2], said[1][..2], "the end is noted in the name of whoever began");
}
