//! A mass deletion waits for a person's word (I7, F5.4), and what was deleted can be brought back (F2.9).

use postrider_test_support::{Delivery, Dovecot};

use crate::in_step::{assert_in_step, assert_still};
use crate::scene::{ACCOUNT, Scene, USER, letter, number, text};
use crate::stored;

fn furnished(scene: &Scene, folder: &str, count: u32) {
    let mail = (1..=count).map(|number| Delivery::new(letter(&format!("letter {number}"))));
    scene.server.fill(USER, folder, mail).unwrap();
}

fn expunge(scene: &Scene, folder: &str, uids: &str) {
    let mut client = scene.client();
    client.select(folder).unwrap();
    client.expunge(uids).unwrap();
}

#[test]
fn thirty_of_a_hundred_are_held_until_they_are_allowed_and_can_be_restored() {
    let scene = Scene::new();
    furnished(&scene, "INBOX", 100);
    scene.sync();
    expunge(&scene, "INBOX", "1:30");
    scene.client().append("INBOX", "\\Seen", "", &letter("besides")).unwrap();

    let (code, report) = scene.try_sync();
    assert_eq!((code, text(&report["status"]).as_str()), (4, "held"), "{report}");
    let held = &report["held"][0];
    assert_eq!(
        (text(&held["folder"]).as_str(), number(&held["deletions"]), number(&held["of"])),
        ("INBOX", 30, 101)
    );
    assert_eq!(
        (number(&report["mail"]["pulled"]), number(&report["mail"]["deleted"])),
        (1, 0),
        "all else goes ahead"
    );
    assert_eq!(scene.listed().len(), 101, "what is held is still there");

    // Held deletions wait; a run more does not forget them, and writes nothing.
    let before = stored::tables(&scene.home.store());
    let (code, again) = scene.try_sync();
    assert_eq!((code, &again["held"]), (4, &report["held"]));
    stored::assert_same_tables(&before, &stored::tables(&scene.home.store()), "held, and nothing new");

    let plan = text(&held["plan"]);
    assert!(plan.starts_with('p'), "{plan}");
    let status = scene.run(&["status"]).ok();
    assert!(status.out.contains(&format!("postrider allow {plan}")), "{status:?}");
    let answer = scene.run(&["allow", &plan, "--json"]).ok().json();
    assert_eq!(number(&answer["deleted"]), 30);
    assert_eq!(scene.listed().len(), 71);
    assert_in_step(&scene);
    assert_still(&scene, "allowed");
    let twice = scene.run(&["allow", &plan]);
    assert_eq!(twice.code, 2, "there is no such plan any more: {twice:?}");

    let deleted = scene.run(&["mail", "list", "--deleted", "--json", "--limit", "1000"]).ok().json();
    assert_eq!(deleted.as_array().unwrap().len(), 30);
    let id = text(&deleted[0]["id"]);
    let restored = scene.run(&["mail", "restore", &id, "--json"]).ok().json();
    assert_eq!((text(&restored[0]["id"]), text(&restored[0]["folder"])), (id.clone(), "INBOX".to_owned()));
    assert!(scene.listed().iter().any(|row| text(&row["id"]) == id));
    assert_eq!(number(&scene.sync()["mail"]["pushed"]), 1, "it is put back on the server");
    scene.sync();
    assert_in_step(&scene);
    assert_still(&scene, "restored");
    assert!(scene.listed().iter().any(|row| text(&row["id"]) == id), "a run leaves what was restored");
}

#[test]
fn a_plan_that_grew_is_held_again() {
    let scene = Scene::new();
    furnished(&scene, "INBOX", 100);
    scene.sync();
    expunge(&scene, "INBOX", "1:30");
    let (_, first) = scene.try_sync();
    expunge(&scene, "INBOX", "31:40");
    let (code, second) = scene.try_sync();
    assert_eq!((code, number(&second["held"][0]["deletions"])), (4, 40), "{second}");
    // The word was for thirty.
    let old = text(&first["held"][0]["plan"]);
    if text(&second["held"][0]["plan"]) != old {
        assert_eq!(scene.run(&["allow", &old]).code, 2);
    }
    scene.run(&["allow", &text(&second["held"][0]["plan"])]).ok();
    assert_eq!(scene.listed().len(), 60);
    scene.sync();
    assert_in_step(&scene);
}

#[test]
fn what_is_below_the_bound_goes() {
    let scene = Scene::new();
    furnished(&scene, "INBOX", 100);
    scene.sync();
    expunge(&scene, "INBOX", "1:25");
    assert_eq!(number(&scene.sync()["mail"]["deleted"]), 25);
    assert_in_step(&scene);
}

#[test]
fn an_emptied_folder_is_held_whatever_the_server_can() {
    for withheld in
        [&[][..], &["QRESYNC"], &["QRESYNC", "CONDSTORE"], &["LIST-STATUS", "QRESYNC", "CONDSTORE"]]
    {
        let scene = Scene::without(withheld);
        furnished(&scene, "Box", 12);
        scene.sync();
        expunge(&scene, "Box", "1:12");
        let (code, report) = scene.try_sync();
        assert_eq!((code, number(&report["held"][0]["deletions"])), (4, 12), "{withheld:?}: {report}");
        assert_eq!(scene.listed().len(), 12, "{withheld:?}");
        let (code, _) = scene.try_sync();
        assert_eq!(code, 4, "{withheld:?}");
        scene.run(&["allow", &text(&report["held"][0]["plan"])]).ok();
        assert_eq!(scene.listed().len(), 0, "{withheld:?}");
        assert_still(&scene, "an emptied folder");
    }
}

#[test]
fn what_is_held_is_let_go_when_it_is_there_again() {
    let scene = Scene::new();
    furnished(&scene, "INBOX", 40);
    scene.sync();
    let before = scene.listed();
    let mut client = scene.client();
    client.create("Elsewhere").unwrap();
    scene.configure("all", &["INBOX"]);
    client.select("INBOX").unwrap();
    client.move_to("1:40", "Elsewhere").unwrap();
    let (code, _) = scene.try_sync();
    assert_eq!(code, 4);
    client.select("Elsewhere").unwrap();
    client.move_to("1:40", "INBOX").unwrap();
    let report = scene.sync();
    assert_eq!(number(&report["mail"]["deleted"]), 0, "{report}");
    let ids = |rows: &[serde_json::Value]| {
        rows.iter().map(|row| text(&row["id"])).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(ids(&scene.listed()), ids(&before), "they are themselves again");
    assert_still(&scene, "there again");
}

#[test]
fn trash_junk_and_drafts_may_be_emptied() {
    let special = ["Trash", "Junk", "Drafts"];
    let boxes: String = special
        .iter()
        .map(|name| format!("  mailbox {name} {{\n    auto = create\n    special_use = \\{name}\n  }}\n"))
        .collect();
    let capability = format!("{} SPECIAL-USE", postrider_test_support::dovecot::capabilities_without(&[]));
    let builder = Dovecot::builder().extra(&format!("namespace inbox {{\n{boxes}}}")).capability(&capability);
    let scene = Scene::of(builder);
    for folder in special {
        furnished(&scene, folder, 40);
    }
    scene.sync();
    for folder in special {
        expunge(&scene, folder, "1:40");
    }
    let report = scene.sync();
    assert_eq!(number(&report["mail"]["deleted"]), 120, "{report}");
    assert_in_step(&scene);
    let deleted = scene
        .run(&["mail", "list", "--deleted", "--account", ACCOUNT, "--json", "--limit", "1000"])
        .ok()
        .json();
    assert_eq!(deleted.as_array().unwrap().len(), 120, "and can be restored");
}
