//! Contacts, by the program alone on an empty home, and beside mail (F3.1, F3.5, F3.6, F5.2, F7.2).

use std::fs;
use std::path::PathBuf;

use postrider_test_support::{Delivery, Home};
use serde_json::Value;

use crate::scene::{Answer, Scene, USER, letter, run_in, text};

fn home() -> Home {
    Home::new().unwrap()
}

fn added(home: &Home, options: &[&str]) -> String {
    let answer = run_in(home, &[&["contact", "add", "--json"], options].concat()).ok();
    text(&answer.json()["contact"]["id"])
}

fn listed(home: &Home, options: &[&str]) -> Vec<Value> {
    let answer = run_in(home, &[&["contact", "list", "--json"], options].concat()).ok();
    answer.json().as_array().unwrap().clone()
}

fn names(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| text(&row["name"])).collect()
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/vcard").join(name)
}

fn done(home: &Home, arguments: &[&str]) -> Answer {
    run_in(home, arguments).ok()
}

#[test]
fn a_contact_lives_from_its_first_line_to_its_restoration() {
    let home = home();
    let anna = added(
        &home,
        &["--given", "Anna", "--family", "Petrova", "--email", "work:anna@example.com", "--birthday=--04-12"],
    );
    assert_eq!(anna, "c1");
    done(&home, &["contact", "edit", &anna, "--add-phone", "cell:+44 20 7946 0018", "--note", "met in Riga"]);
    done(&home, &["contact", "edit", &anna, "--family", "Orlova"]);
    assert_eq!(run_in(&home, &["contact", "edit", &anna]).code, 2, "nothing is to be different");
    assert_eq!(names(&listed(&home, &["rig"])), ["Anna Orlova"]);
    assert_eq!(names(&listed(&home, &["--email", "ANNA@example.com"])), ["Anna Orlova"]);
    let card = done(&home, &["contact", "show", &anna, "--card", "--vcard", "3.0"]).out;
    for line in ["VERSION:3.0\r\n", "N:Orlova;Anna;;;\r\n", "NOTE:met in Riga\r\n"] {
        assert!(card.contains(line), "{line:?} in {card}");
    }

    done(&home, &["contact", "delete", &anna]);
    assert_eq!(run_in(&home, &["contact", "edit", &anna, "--note", "x"]).code, 2);
    assert_eq!(names(&listed(&home, &[])), [""; 0]);
    assert_eq!(names(&listed(&home, &["--deleted"])), ["Anna Orlova"]);
    done(&home, &["contact", "restore", &anna]);

    let versions = done(&home, &["conflicts", "list", "--all", "--json", &anna]).json();
    let first = versions.as_array().unwrap().last().unwrap();
    assert_eq!((text(&first["name"]), text(&first["what"])), ("Anna Petrova".into(), "changed".into()));
    done(&home, &["conflicts", "restore", first["id"].as_str().unwrap()]);
    let shown = done(&home, &["contact", "show", &anna, "--json"]).json();
    assert_eq!(shown["fields"]["family"], "Petrova");
    assert_eq!(shown["fields"]["phones"], serde_json::json!([]), "as it was at first");
    assert_eq!(shown["fields"]["birthday"], "--04-12");
}

#[test]
fn what_came_in_goes_out_byte_for_byte_and_comes_in_once() {
    let home = home();
    let files =
        ["outlook-2.1.vcf", "google-3.0.vcf", "apple-3.0.vcf", "thunderbird-4.0.vcf", "nextcloud-4.0.vcf"];
    for name in files {
        let path = fixture(name);
        let path = path.to_str().unwrap();
        let first = done(&home, &["contact", "import", path, "--json"]).json();
        let count = first["added"].as_array().unwrap().len();
        assert!(count > 0, "{name}: {first}");
        let second = done(&home, &["contact", "import", path, "--json"]).json();
        assert_eq!(
            (&second["added"], &second["changed"]),
            (&Value::from(vec![""; 0]), &Value::from(vec![""; 0]))
        );
        assert_eq!(second["unchanged"], count, "{name}");
        for id in first["added"].as_array().unwrap() {
            let card = done(&home, &["contact", "show", id.as_str().unwrap(), "--card"]).out;
            let came = fs::read(path).unwrap();
            // What had no uid was given one, and is otherwise the same.
            if String::from_utf8_lossy(&came).contains("\nUID") {
                assert!(String::from_utf8_lossy(&came).contains(&card), "{name}");
            }
        }
    }
    let file = home.path().join("all.vcf");
    let file = file.to_str().unwrap();
    done(&home, &["contact", "export", "--to", file]);
    assert_eq!(run_in(&home, &["contact", "export", "--to", file]).code, 2, "nothing is written over");
    let other = self::home();
    let taken = done(&other, &["contact", "import", file, "--json"]).json();
    assert_eq!(taken["added"].as_array().unwrap().len(), listed(&home, &[]).len());
    let again = done(&other, &["contact", "export", "--to", "-"]).out;
    assert_eq!(again, fs::read_to_string(file).unwrap());
}

#[test]
fn an_import_fills_what_is_surely_the_same_person_and_adds_what_is_not_clear() {
    let home = home();
    let anna =
        added(&home, &["--name", "Anna Petrova", "--email", "anna@example.com", "--note", "met in Riga"]);
    let file = home.path().join("one.vcf");
    let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Anna Petrova\r\nN:Petrova;Anna;;;\r\nEMAIL:anna@example.com\r\nTEL:+44 20 7946 0018\r\nEND:VCARD\r\n";
    fs::write(&file, card).unwrap();
    let file = file.to_str().unwrap();
    let taken = done(&home, &["contact", "import", file, "--json"]).json();
    assert_eq!(taken["changed"], serde_json::json!([anna]));
    let shown = done(&home, &["contact", "show", &anna, "--json"]).json();
    assert_eq!(shown["fields"]["notes"], serde_json::json!(["met in Riga"]));
    assert_eq!(shown["fields"]["phones"][0]["value"], "+44 20 7946 0018");

    added(&home, &["--name", "Anna Petrova", "--email", "anna@example.com"]);
    fs::write(file, card.replace("0018", "0019")).unwrap();
    let taken = done(&home, &["contact", "import", file, "--json"]).json();
    assert_eq!(taken["added"].as_array().unwrap().len(), 1);
    assert!(text(&taken["remarks"][0]).contains("may be any of c1, c2"), "{taken}");
}

#[test]
fn tags_groups_and_companies_hold_contacts_together() {
    let home = home();
    let anna = added(&home, &["--name", "Anna"]);
    let company = text(&done(&home, &["company", "add", "Acme", "--json"]).json()["id"]);
    let boris = added(&home, &["--name", "Boris", "--organization", "ACME"]);
    done(&home, &["contact", "tag", &anna, &boris, "vip"]);
    done(&home, &["contact", "untag", &boris, "VIP"]);
    assert_eq!(names(&listed(&home, &["--tag", "vip"])), ["Anna"]);
    assert_eq!(run_in(&home, &["contact", "list", "--tag", "nobody's"]).code, 2);
    done(&home, &["group", "add", "Staff"]);
    done(&home, &["group", "edit", "Staff", "--add", &anna, "--add", &boris, "--rename", "Crew"]);
    assert_eq!(names(&listed(&home, &["--group", "crew"])), ["Anna", "Boris"]);
    assert_eq!(names(&listed(&home, &["--company", &company])), ["Boris"]);
    done(&home, &["company", "remove", &company]);
    assert_eq!(listed(&home, &["boris"])[0]["company"], Value::Null);
    done(&home, &["company", "restore", &company]);
    assert_eq!(listed(&home, &["boris"])[0]["company"], "Acme");
    done(&home, &["tag", "remove", "vip"]);
    let tags = done(&home, &["tag", "list", "--json"]).json();
    assert_eq!((tags, names(&listed(&home, &[])).len()), (serde_json::json!([]), 2));
}

#[test]
fn two_who_edit_at_once_do_not_undo_each_other() {
    let home = home();
    let anna = added(&home, &["--name", "Anna", "--email", "a@example.com"]);
    let each = |number: usize| {
        let (home, anna) = (&home, &anna);
        move || {
            let email = format!("a{number}@example.com");
            // Where the other was faster, one tries again.
            let edit = || run_in(home, &["contact", "edit", anna, "--add-email", &email]);
            let last = (0..50).map(|_| edit()).find(|answer| answer.code == 0);
            assert!(last.is_some(), "the other was faster fifty times: {:?}", edit());
        }
    };
    std::thread::scope(|scope| {
        (0..4).for_each(|number| {
            scope.spawn(each(number));
        });
    });
    let shown = done(&home, &["contact", "show", &anna, "--json"]).json();
    assert_eq!(shown["fields"]["emails"].as_array().unwrap().len(), 5);
}

#[test]
fn mail_stands_beside_the_contact_whose_address_it_carries() {
    let scene = Scene::new();
    let mail = (1..=3).map(|number| Delivery::new(letter(&format!("letter {number}"))));
    scene.server.fill(USER, "INBOX", mail).unwrap();
    scene.sync();
    let sender = text(&scene.listed()[0]["from"][0]["email"]);
    let id = added(&scene.home, &["--name", "The writer", "--email", &sender.to_uppercase()]);
    let other = added(&scene.home, &["--name", "Somebody else", "--email", "nobody@example.net"]);
    let none = added(&scene.home, &["--name", "Without an address"]);
    for (id, count) in [(id, 3), (other, 0), (none, 0)] {
        let beside = scene.run(&["mail", "list", "--json", "--contact", &id]).ok().json();
        assert_eq!(beside.as_array().unwrap().len(), count, "{id}");
    }
    assert_eq!(scene.run(&["mail", "list", "--contact", "c99"]).code, 2);
    assert_eq!(scene.run(&["mail", "list", "--contact", "m1"]).code, 2);
}

#[test]
fn a_card_of_anothers_contact_that_one_sees_makes_no_second_one() {
    let home = home();
    home.write_config("users.toml", "[[user]]\nname = \"anna\"\n").unwrap();
    added(&home, &["--name", "Carla", "--email", "carla@example.org", "--visible", "all"]);
    let own = added(&home, &["--name", "Dora", "--as", "anna"]);
    let file = home.path().join("anna.vcf");
    let file = file.to_str().unwrap();
    done(&home, &["contact", "export", "--to", file, "--as", "anna"]);
    let again = done(&home, &["contact", "import", file, "--json", "--as", "anna"]).json();
    assert_eq!(
        (&again["added"], &again["changed"]),
        (&serde_json::json!([]), &serde_json::json!([])),
        "{own}: {again}"
    );
    assert_eq!(again["unchanged"], 1);
    assert!(
        text(&again["remarks"][0]).contains("Carla is ") && again["remarks"].as_array().unwrap().len() == 1
    );
    assert!(text(&again["remarks"][0]).ends_with("'s, and is here already"), "{again}");
}
