//! What is asked is answered: by the client that the command line uses, and by hand.

use postrider::api::{
    MessageId, Octets,
    operations::{folders, mail, mail_edit, status, sync},
};
use postrider_model::ErrorClass;

use crate::scene::{Scene, get, letter, post};

fn all() -> mail::List {
    mail::List {
        query: String::new(),
        account: None,
        folder: None,
        contact: None,
        deleted: false,
        limit: 50,
        reach: mail::Reach::Own,
    }
}

#[test]
fn mail_is_listed_read_flagged_and_moved_on_the_server_by_a_run() {
    let scene = Scene::new(&["One", "Two"]);
    let listed = scene.call(&all()).unwrap();
    let subjects: Vec<&str> = listed.messages.iter().map(|one| one.subject.as_str()).collect();
    assert_eq!((subjects.as_slice(), listed.complete), (["Two", "One"].as_slice(), true));
    let id = listed.messages[1].id;

    let found = scene.call(&mail::List { query: "two & <three>".to_owned(), ..all() }).unwrap();
    assert_eq!(found.messages.len(), 0, "words with every character that a query would take for its own");
    assert_eq!(scene.call(&mail::Raw { id }).unwrap(), Octets(letter("One")));
    assert_eq!(scene.call(&mail::Text { id }).unwrap().text.trim(), "The text of One.");
    let shown = scene.call(&mail::Show { id }).unwrap();
    assert_eq!((shown.message.id, shown.addresses.len()), (id, 2));

    let edited = scene.call(&mail_edit::Flag { ids: vec![id], flags: vec!["+flagged".to_owned()] }).unwrap();
    assert_eq!((edited[0].flags.as_str(), edited[0].changed), ("\\Flagged", true));
    let everything = sync::Sync { accounts: Vec::new(), only: Vec::new(), dry_run: false };
    let ran = scene.call(&everything).unwrap();
    assert_eq!(ran.report.accounts[0].mail.as_ref().map(|mail| mail.pushed), Some(1), "{ran:?}");
    let made = folders::Create { account: "work".to_owned(), folder: "Kept".to_owned() };
    assert!(scene.call(&made).unwrap().is_followed);
    let moved = scene.call(&mail_edit::Move { ids: vec![id], to: "Kept".to_owned() }).unwrap();
    assert_eq!(moved[0].folder, "Kept");
    scene.call(&everything).unwrap();
    let folders = scene.call(&folders::List { account: Some("work".to_owned()) }).unwrap();
    let kept = folders.iter().find(|folder| folder.folder == "Kept").unwrap();
    assert_eq!((kept.messages, kept.unread), (1, 1));
}

#[test]
fn what_is_not_there_is_told_with_its_class_and_hint() {
    let scene = Scene::new(&[]);
    let unknown = mail::Show { id: MessageId(postrider_model::PlacementId(99)) };
    let fault = scene.call(&unknown).unwrap_err();
    assert_eq!(fault.class, ErrorClass::NotFound);
    assert_eq!(fault.message(), "cannot find message m99: there is none of that id");
    assert_eq!(fault.hint.as_deref(), Some("`postrider mail list` prints ids"));
    let fault = scene.call(&folders::List { account: Some("wrok".to_owned()) }).unwrap_err();
    assert_eq!(fault.class, ErrorClass::NotFound, "{fault}");
    let said = scene.say(&get("/v1/messages/show?id=m99", ""));
    assert_eq!(said.status, 404);
    assert_eq!(said.json()["error"]["class"], "not_found");
}

#[test]
fn the_daemon_says_who_asks_and_which_store_it_keeps() {
    let scene = Scene::new(&[]);
    let daemon = scene.call(&status::Daemon {}).unwrap();
    assert_eq!(daemon.user, "anna");
    assert_eq!(daemon.store, scene.service().store_id());
    assert!(daemon.store.is_some());
}

#[test]
fn an_answer_is_marked_as_what_it_is_and_never_kept_by_anybody_between() {
    let scene = Scene::new(&["One"]);
    let said = scene.say(&get("/v1/status", ""));
    assert_eq!(said.status, 200, "{said:?}");
    assert_eq!(said.json()[0]["account"], "work");
    for line in
        ["content-type: application/json", "cache-control: no-store", "x-content-type-options: nosniff"]
    {
        assert!(said.head.contains(line), "{line}: {}", said.head);
    }
    assert!(!said.head.contains("access-control") && !said.head.contains("set-cookie"), "{}", said.head);
    let raw = scene.say(&get("/v1/messages/raw?id=m1", ""));
    assert_eq!(raw.body.as_bytes(), letter("One"));
    assert!(raw.head.contains("content-type: application/octet-stream"), "{}", raw.head);
}

#[test]
fn a_path_takes_its_method_and_its_fields_alone() {
    let scene = Scene::new(&[]);
    let table = [
        (get("/v1/nowhere", ""), 404),
        (get("/", ""), 404),
        (get("/v1/sync", ""), 405),
        (post("/v1/status", "", "{}"), 405),
        (get("/v1/messages?limit=many", ""), 400),
        (get("/v1/messages?lmit=5", ""), 400),
        (get("/v1/messages/show", ""), 400),
        (get("/v1/messages/show?id=17", ""), 400),
        (post("/v1/allow", "", "{"), 400),
        (post("/v1/allow", "", "[]"), 400),
        (post("/v1/allow", "", r#"{"plan":"p9"}"#), 404),
        (post("/v1/allow", "", r#"{"plan":"p9","more":1}"#), 400),
        (b"POST /v1/allow HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}".to_vec(), 415),
        (post("/v1/reload", "", "{}"), 422),
    ];
    for (request, status) in table {
        let said = scene.say(&request);
        assert_eq!(said.status, status, "{}: {said:?}", String::from_utf8_lossy(&request));
        let error = &said.json()["error"];
        assert!(error["message"].as_str().unwrap().starts_with("cannot "), "{error}");
    }
    assert!(scene.say(&get("/v1/sync", "")).head.contains("allow: post"));
}

#[test]
fn whoever_waits_when_the_daemon_stops_is_told() {
    let mut scene = Scene::new(&[]);
    let socket = scene.socket();
    assert!(socket.exists());
    scene.stop();
    assert!(!socket.exists(), "the socket goes with the API");
    let fault = scene.call(&status::Status {}).unwrap_err();
    assert_eq!(fault.class, ErrorClass::NotPermitted, "{fault}");
    assert!(fault.hint.is_some());
}
