//! Which folders are followed (F2.2), to the letter: exact, decoded names; what is followed no more is frozen, never deleted.

use std::collections::BTreeSet;

use crate::in_step::{assert_in_step, assert_still};
use crate::scene::{ACCOUNT, Scene, letter, number, text};
use crate::stored;

const FOLDERS: [&str; 7] = [
    "INBOX",
    "Projects",
    "Projects/2026",
    "Projects/2026/Spring",
    "Проекты & планы",
    "A \"b\" \\c",
    "projects",
];

fn furnished(folders: &[&str]) -> Scene {
    let scene = Scene::new();
    let mut client = scene.client();
    for name in FOLDERS {
        if name != "INBOX" {
            client.create(name).unwrap();
        }
        client.append(name, "", "", &letter(&format!("in {name}"))).unwrap();
    }
    scene.configure("all", folders);
    scene
}

/// The folders that are here: name and why each is frozen, if it is.
fn folders(scene: &Scene) -> BTreeSet<(String, Option<String>)> {
    let listed = scene.run(&["folder", "list", "--account", ACCOUNT, "--json"]).ok().json();
    let one = |row: &serde_json::Value| (text(&row["folder"]), row["frozen"].as_str().map(str::to_owned));
    listed.as_array().unwrap().iter().map(one).collect()
}

fn followed(names: &[&str]) -> BTreeSet<(String, Option<String>)> {
    names.iter().map(|name| ((*name).to_owned(), None)).collect()
}

#[test]
fn exactly_the_folders_of_the_list_come_in() {
    for list in [
        &["INBOX"][..],
        // A parent does not include its children.
        &["Projects"],
        &["Projects/2026"],
        &["INBOX", "Projects/2026/Spring"],
        // Decoded, and as they are written.
        &["Проекты & планы", "A \"b\" \\c", "projects"],
    ] {
        let scene = furnished(list);
        let report = scene.sync();
        assert_eq!(number(&report["mail"]["folders"]), list.len() as u64, "{list:?}: {report}");
        assert_eq!(folders(&scene), followed(list), "{list:?}");
        let subjects: BTreeSet<String> = scene.listed().iter().map(|row| text(&row["subject"])).collect();
        assert_eq!(subjects, list.iter().map(|name| format!("in {name}")).collect(), "{list:?}");
        assert_still(&scene, "a list of folders");
    }
}

#[test]
fn inbox_is_inbox_in_any_case_and_only_inbox_is() {
    let scene = furnished(&["inbox"]);
    scene.sync();
    assert_eq!(folders(&scene), followed(&["INBOX"]));
    let scene = furnished(&["PROJECTS"]);
    let report = scene.sync();
    assert_eq!(folders(&scene), followed(&[]));
    assert!(
        text(&report["warnings"][0]).contains("folder \"PROJECTS\""),
        "what is not there is told: {report}"
    );
}

#[test]
fn all_means_all() {
    let scene = furnished(&[]);
    scene.sync();
    assert_eq!(folders(&scene), followed(&FOLDERS));
    assert_in_step(&scene);
}

#[test]
fn a_folder_that_is_taken_off_the_list_is_frozen_and_thaws() {
    let scene = furnished(&["INBOX", "Projects", "Projects/2026"]);
    scene.sync();
    let before = stored::mail(&scene.home.store());
    scene.configure("all", &["INBOX", "Projects/2026"]);
    let report = scene.sync();
    assert_eq!(number(&report["mail"]["deleted"]), 0);
    let mut expected = followed(&["INBOX", "Projects/2026"]);
    expected.insert(("Projects".to_owned(), Some("deselected".to_owned())));
    assert_eq!(folders(&scene), expected);
    assert_still(&scene, "deselected");

    // Frozen is frozen: what happens there is not seen, and what is here can be read.
    let mut client = scene.client();
    client.select("Projects").unwrap();
    client.store("1", "+FLAGS", "\\Seen").unwrap();
    client.append("Projects", "", "", &letter("while frozen")).unwrap();
    assert_still(&scene, "changed while frozen");
    let listed: BTreeSet<String> = scene.listed().iter().map(|row| text(&row["id"])).collect();
    assert_eq!(listed, before.iter().map(|row| row.id.clone()).collect(), "frozen mail is still listed");

    scene.configure("all", &["INBOX", "Projects", "Projects/2026"]);
    let report = scene.sync();
    assert_eq!(
        number(&report["mail"]["bytes"]),
        letter("while frozen").len() as u64,
        "only the new one is fetched: {report}"
    );
    assert_eq!(folders(&scene), followed(&["INBOX", "Projects", "Projects/2026"]));
    let after = stored::mail(&scene.home.store());
    for row in &before {
        let now = after.iter().find(|one| one.id == row.id).unwrap();
        let seen = u32::from(row.folder == "Projects");
        assert_eq!((now.deleted, &now.frozen, now.flags), (0, &None, seen), "{now:?}");
    }
    assert_eq!(after.len(), before.len() + 1);
    assert_still(&scene, "thawed");
}

#[test]
fn what_was_expunged_while_a_folder_was_frozen_goes_when_it_thaws() {
    let scene = furnished(&[]);
    for number in 0..3 {
        scene.client().append("Projects", "", "", &letter(&format!("extra {number}"))).unwrap();
    }
    scene.sync();
    scene.configure("all", &["INBOX"]);
    scene.sync();
    let mut client = scene.client();
    client.select("Projects").unwrap();
    client.expunge("2").unwrap();
    assert_eq!(number(&scene.sync()["mail"]["deleted"]), 0, "a frozen folder deletes nothing");
    scene.configure("all", &[]);
    assert_eq!(number(&scene.sync()["mail"]["deleted"]), 1);
    assert_in_step(&scene);
}

#[test]
fn a_folder_that_vanishes_from_the_server_is_frozen_with_all_that_it_holds() {
    let scene = furnished(&[]);
    scene.sync();
    scene.client().delete("Projects/2026").unwrap();
    let report = scene.sync();
    assert_eq!(number(&report["mail"]["deleted"]), 0);
    assert!(folders(&scene).contains(&("Projects/2026".to_owned(), Some("vanished".to_owned()))), "{report}");
    assert!(scene.found(&["folder:Projects/2026"]).contains(&"in Projects/2026".to_owned()));
    assert_in_step(&scene);
    assert_still(&scene, "vanished");
}
