//! Folders made, renamed and deleted by command, and deletions that the guard holds back from the server.

use postrider_test_support::Delivery;
use serde_json::Value;

use crate::in_step::{assert_in_step, assert_still, on_server};
use crate::scene::{ACCOUNT, Scene, USER, letter, number, text};

fn ids(scene: &Scene, folder: &str) -> Vec<String> {
    let rows = scene.run(&["mail", "list", "--json", "--limit", "1000", "--folder", folder]).ok().json();
    let mut ids: Vec<String> = rows.as_array().unwrap().iter().map(|row| text(&row["id"])).collect();
    ids.sort();
    ids
}

fn settled(scene: &Scene, what: &str) {
    scene.sync();
    scene.sync();
    assert_in_step(scene);
    assert_still(scene, what);
}

#[test]
fn folders_are_made_renamed_and_deleted() {
    let scene = Scene::new();
    for (folder, count) in [("INBOX", 2), ("Work", 3), ("Work/Old", 2)] {
        let mail = (0..count).map(|number| Delivery::new(letter(&format!("{folder} {number}"))));
        scene.server.fill(USER, folder, mail).unwrap();
    }
    scene.sync();
    let before = (ids(&scene, "Work"), ids(&scene, "Work/Old"));
    let folder = |arguments: &[&str]| scene.run(&[&["folder"], arguments, &["--account", ACCOUNT]].concat());

    folder(&["create", "Reisen/Übersee & more"]).ok();
    folder(&["create", "Reisen/Übersee & more"]).ok();
    folder(&["rename", "Work", "Jobs/All"]).ok();
    let inbox = ids(&scene, "INBOX");
    scene.run(&["mail", "move", &inbox[0], "--to", "Reisen/Übersee & more"]).ok();
    assert_eq!((ids(&scene, "Jobs/All"), ids(&scene, "Jobs/All/Old")), before, "before any run");
    settled(&scene, "made and renamed");
    assert_eq!((ids(&scene, "Jobs/All"), ids(&scene, "Jobs/All/Old")), before);
    assert_eq!(ids(&scene, "Reisen/Übersee & more"), inbox[..1]);

    let refused = folder(&["delete", "Jobs/All/Old"]);
    assert!(refused.code == 2 && refused.err.contains("2 messages are in it"), "{refused:?}");
    // As many as before, and one of them was never here.
    let mut client = scene.client();
    client.select("Jobs/All/Old").unwrap();
    client.command("STORE 1 +FLAGS (\\Deleted)").unwrap();
    client.command("EXPUNGE").unwrap();
    client.append("Jobs/All/Old", "", "01-Mar-2024 12:00:00 +0000", &letter("never here")).unwrap();
    drop(client);
    let refused = folder(&["delete", "Jobs/All/Old", "--with-messages"]);
    assert!(refused.code == 2 && refused.err.contains("1 message in it"), "{refused:?}");
    scene.sync();
    folder(&["delete", "Jobs/All/Old", "--with-messages"]).ok();
    settled(&scene, "deleted");
    assert!(!on_server(&scene).contains_key("Jobs/All/Old"));
    let deleted = scene.run(&["mail", "list", "--json", "--deleted"]).ok().json();
    assert_eq!(deleted.as_array().unwrap().len(), 3, "what was in it can be restored");
    for wrong in [&["delete", "INBOX"][..], &["rename", "Nowhere", "x"], &["rename", "INBOX", "x"]] {
        assert_eq!(folder(wrong).code, 2, "{wrong:?}");
    }
}

#[test]
fn a_mass_deletion_made_here_waits_for_a_word() {
    let scene = Scene::new();
    let mail = (0..100).map(|number| Delivery::new(letter(&format!("INBOX {number}"))));
    scene.server.fill(USER, "INBOX", mail).unwrap();
    scene.sync();
    let all = ids(&scene, "INBOX");
    let doomed: Vec<&str> = all[..30].iter().map(String::as_str).collect();
    scene.run(&[&["mail", "delete", "--expunge"], doomed.as_slice()].concat()).ok();
    let (code, report) = scene.try_sync();
    assert_eq!((code, &report["status"]), (4, &Value::from("held")), "{report}");
    assert_eq!(on_server(&scene)["INBOX"].messages.len(), 100);
    scene.run(&["mail", "restore", doomed[0]]).ok();
    let (_, report) = scene.try_sync();
    let plan = text(&report["held"][0]["plan"]);
    assert_eq!(number(&report["held"][0]["deletions"]), 29, "{report}");
    scene.run(&["allow", &plan]).ok();
    scene.sync();
    assert_eq!(on_server(&scene)["INBOX"].messages.len(), 71);
    settled(&scene, "allowed");
}
