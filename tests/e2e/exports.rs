//! What is exported is what the server holds, byte for byte (F2.3, F2.8).

use postrider_test_support::{Delivery, corpus, nasty};

use crate::in_step::{assert_in_step, assert_still};
use crate::scene::{Scene, USER, letter, number};

#[test]
fn mail_as_bad_as_it_gets_is_exported_as_the_server_gives_it() {
    let scene = Scene::new();
    let messages = nasty::messages(None);
    let count = messages.len() as u64;
    scene.server.fill(USER, "INBOX", messages.into_iter().map(|(_, bytes)| Delivery::new(bytes))).unwrap();
    let report = scene.sync();
    assert_eq!(number(&report["mail"]["pulled"]), count);
    assert_in_step(&scene);
    assert_still(&scene, "bad mail");
}

#[test]
fn a_message_of_100_mb_comes_in_and_goes_out() {
    let scene = Scene::new();
    let messages = [letter("before"), nasty::large(100_000_000), letter("after")];
    scene.server.fill(USER, "INBOX", messages.map(Delivery::new)).unwrap();
    let report = scene.sync();
    assert!(number(&report["mail"]["bytes"]) > 100_000_000, "{report}");
    assert_in_step(&scene);
}

#[test]
fn folders_of_any_name_come_in_under_that_name() {
    let scene = Scene::new();
    let mut client = scene.client();
    for name in nasty::folder_names() {
        client.create(name).unwrap();
        client.append(name, "", "", &letter(&format!("in {}", name.len()))).unwrap();
    }
    let report = scene.sync();
    assert_eq!(number(&report["mail"]["pulled"]), nasty::folder_names().len() as u64);
    // Names are compared with what imaplib reads, whose UTF-7 is not ours.
    assert_in_step(&scene);
    assert_still(&scene, "folders of any name");
}

#[test]
fn real_mail_is_exported_as_the_server_gives_it() {
    let corpus = corpus::load().unwrap();
    if !corpus.real {
        println!(
            "skipped: real_mail_is_exported_as_the_server_gives_it, because {} is not set",
            corpus::VARIABLE
        );
        return;
    }
    let scene = Scene::new();
    let count = corpus.messages.len() as u64;
    scene.server.fill(USER, "INBOX", corpus.messages.into_iter().map(Delivery::new)).unwrap();
    let report = scene.sync();
    assert_eq!(number(&report["mail"]["pulled"]), count);
    assert_in_step(&scene);
    assert_still(&scene, "real mail");
}
