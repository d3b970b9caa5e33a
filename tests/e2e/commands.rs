//! What scripts rely on: exit codes, the shapes of JSON, runs that meet, runs that only say what they would do (spec, "Command
//! line").

use std::collections::BTreeSet;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use postrider_test_support::home::{Account, Provider};
use postrider_test_support::proxy::Fault;
use postrider_test_support::{Delivery, ports};
use serde_json::Value;

use crate::in_step::{assert_in_step, assert_still};
use crate::scene::{ACCOUNT, PASSWORD, Scene, USER, letter, number, text};
use crate::stored;

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}")).keys().map(String::as_str).collect()
}

fn set<'a>(names: &[&'a str]) -> BTreeSet<&'a str> {
    names.iter().copied().collect()
}

fn with_mail(count: u32) -> Scene {
    let scene = Scene::new();
    let mail = (1..=count).map(|number| Delivery::new(letter(&format!("letter {number}"))));
    scene.server.fill(USER, "INBOX", mail).unwrap();
    scene
}

#[test]
fn a_report_has_the_shape_that_is_promised() {
    let scene = with_mail(3);
    let answer = scene.run(&["--sync-now", "--json"]).ok();
    assert_eq!(answer.out.lines().count(), 1, "one value on one line");
    let report = answer.json();
    assert_eq!(keys(&report), set(&["run", "accounts"]));
    let account = &report["accounts"][0];
    assert_eq!(keys(account), set(&["account", "status", "mail", "conflicts", "elapsed_ms"]));
    // The five that are promised, and two for benchmarks.
    let promised = ["folders", "pulled", "pushed", "deleted", "bytes"];
    assert_eq!(keys(&account["mail"]), set(&[&promised[..], &["durable_ms", "searchable_ms"]].concat()));
    assert_eq!(number(&account["mail"]["folders"]), 1);
    assert_eq!(number(&account["mail"]["pulled"]), 3);
    assert_eq!(number(&account["mail"]["bytes"]), 3 * letter("letter 1").len() as u64);

    scene.proxy.set_refuse(true);
    let (code, account) = scene.try_sync();
    assert_eq!((code, text(&account["status"]).as_str()), (1, "failed"));
    assert_eq!(keys(&account), set(&["account", "status", "conflicts", "elapsed_ms", "error"]));
    assert_eq!(account["error"]["class"], "transient");
    scene.proxy.set_refuse(false);
    scene.home.account(ACCOUNT, &Account::all_mail("here", USER, "wrong")).unwrap();
    let (code, account) = scene.try_sync();
    assert_eq!((code, text(&account["status"]).as_str()), (3, "login_needed"));
    assert_eq!(keys(&account["error"]), set(&["class", "message", "hint"]));
    assert_eq!(account["error"]["class"], "login");
}

#[test]
fn a_listing_has_the_shape_that_is_promised() {
    let scene = Scene::new();
    let bytes = b"From: Bert <bert@example.org>\r\nTo: anna@example.com, \"C\" <c@example.com>\r\nSubject: \
        =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nDate: Fri, 01 Mar 2024 13:00:00 +0100\r\nMessage-ID: <x@example.org>\r\n\r\nHello.\r\n";
    scene.client().append("INBOX", "\\Seen \\Flagged Todo", "02-Mar-2024 12:00:00 +0000", bytes).unwrap();
    scene.sync();
    let rows = scene.listed();
    let mut row = rows[0].clone();
    assert!(text(&row["id"]).starts_with('m'));
    row["id"] = Value::from("m");
    let expected = serde_json::json!({
        "id": "m", "account": ACCOUNT, "folder": "INBOX", "uid": 1, "message_id": "x@example.org", "subject": "Grüße",
        "from": [{"name": "Bert", "email": "bert@example.org"}],
        "to": [{"name": "", "email": "anna@example.com"}, {"name": "C", "email": "c@example.com"}],
        "date": "2024-03-01T12:00:00Z", "internal_date": "2024-03-02T12:00:00Z", "size": bytes.len(),
        "flags": ["seen", "flagged"], "keywords": ["Todo"],
    });
    let spelling = text(&row["message_id"]);
    row["message_id"] = Value::from(spelling.trim_matches(['<', '>']));
    assert_eq!(row, expected);
    let found = scene.run(&["mail", "search", "hello", "--json"]).ok().json();
    assert_eq!(found, Value::from(rows), "search prints what list prints");
}

#[test]
fn a_dry_run_says_what_it_would_do_and_does_nothing() {
    let scene = with_mail(40);
    let first = scene.run(&["--sync-now", "--dry-run"]).ok();
    assert_eq!(first.out, "work: new folder INBOX\nwork: INBOX: 40 to fetch\n");
    assert!(stored::mail(&scene.home.store()).is_empty());

    scene.sync();
    let mut client = scene.client();
    client.select("INBOX").unwrap();
    client.store("1:5", "+FLAGS", "\\Seen").unwrap();
    client.expunge("11:40").unwrap();
    client.append("INBOX", "", "", &letter("new")).unwrap();
    client.create("Fresh").unwrap();
    let before = stored::tables(&scene.home.store());
    let answer = scene.run(&["--sync-now", "--dry-run", "--json"]).ok().json();
    assert_eq!(keys(&answer), set(&["run", "plan"]));
    let plan = &answer["plan"][0];
    assert_eq!(plan["folders"], serde_json::json!(["new folder Fresh"]));
    let inbox = &plan["mail"][0];
    let counts = ["fetch", "flags", "delete"].map(|key| number(&inbox[key]));
    assert_eq!((text(&inbox["folder"]).as_str(), counts), ("INBOX", [1, 5, 30]));
    assert!(text(&inbox["held"]).contains("25 messages"), "{inbox}");
    stored::assert_same_tables(&before, &stored::tables(&scene.home.store()), "a dry run");

    let (code, report) = scene.try_sync();
    assert_eq!((code, number(&report["held"][0]["deletions"])), (4, 30), "the run does what the plan said");
    assert_eq!(number(&report["mail"]["pulled"]), 6);
}

#[test]
fn of_two_runs_at_once_the_second_is_told_that_the_first_is_there() {
    let scene = with_mail(5);
    scene.proxy.set_fault(Fault::SilentAfter(200));
    let mut command = scene.command(&["--sync-now", "--json"]);
    let first = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while scene.proxy.to_client() < 200 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
    }
    let (code, second) = scene.try_sync();
    assert_eq!((code, text(&second["status"]).as_str()), (1, "busy"), "{second}");
    let message = text(&second["error"]["message"]);
    assert!(message.contains(&format!("process {}", first.id())), "it says who: {message}");
    assert_eq!(second["error"]["class"], "busy");
    // Reading is no syncing.
    scene.run(&["status"]).ok();
    scene.proxy.set_fault(Fault::None);
    scene.proxy.cut();
    let first = first.wait_with_output().unwrap();
    assert!(matches!(first.status.code(), Some(0 | 1)), "the first goes its way: {first:?}");
    assert_eq!(scene.try_sync().0, 0, "the lock goes with its holder");
    assert_in_step(&scene);
}

#[test]
fn exit_codes_tell_what_a_person_has_to_do() {
    let scene = with_mail(1);
    let account = |password: &str| Account::all_mail("here", USER, password);
    assert_eq!(scene.run(&["--sync-now"]).code, 0);
    for wrong in [
        &["--no-such-option"][..],
        &["--dry-run"],
        &["--sync-now", "nobody"],
        &["--sync-now", "--only", "letters"],
        &["mail", "show", "m999999"],
        &["mail", "show", "17"],
        &["mail", "restore", "m999999"],
        &["mail", "restore", "m1"],
        &["mail", "search", "before:yesterday"],
        &["mail", "list", "--account", "nobody"],
        &["mail", "export", "--account", ACCOUNT, "--folder", "Nowhere", "--format", "eml", "--to", "/tmp"],
        &["allow", "p999"],
        &["allow", "everything"],
        &["account", "show", "nobody"],
        &["provider", "remove", "nobody"],
        &["provider", "remove", "here"],
    ] {
        let answer = scene.run(wrong);
        assert_eq!(answer.code, 2, "{wrong:?}: {answer:?}");
        assert!(answer.err.starts_with("error: ") && answer.out.is_empty(), "{wrong:?}: {answer:?}");
    }
    assert_eq!(scene.run(&["--as", "somebody-else", "status"]).code, 5);

    // Each by itself, and where several apply: 2 before 3 before 4 before 1.
    let closed = ports::Reservation::new().unwrap();
    scene
        .home
        .provider("gone", &Provider { domain: "example.org".into(), ..Provider::plain(closed.address()) })
        .unwrap();
    scene.home.account("a-unreachable", &Account::all_mail("gone", "x@example.org", PASSWORD)).unwrap();
    assert_eq!(scene.run(&["--sync-now"]).code, 1);
    scene.home.account("b-refused", &account("wrong")).unwrap();
    let answer = scene.run(&["--sync-now", "--json"]);
    assert_eq!(answer.code, 3, "{answer:?}");
    scene.home.write_config("accounts.d/c-wrong.toml", "address = 5\n").unwrap();
    let answer = scene.run(&["--sync-now", "--json"]);
    assert_eq!(answer.code, 2, "{answer:?}");
    let statuses: Vec<(String, String)> = answer.json()["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (text(&one["account"]), text(&one["status"])))
        .collect();
    let expected = [
        ("a-unreachable", "failed"),
        ("b-refused", "login_needed"),
        ("c-wrong", "config_error"),
        (ACCOUNT, "ok"),
    ];
    assert_eq!(statuses, expected.map(|(name, status)| (name.to_owned(), status.to_owned())));
    assert_eq!(scene.run(&["--sync-now", ACCOUNT]).code, 0, "named alone, the good one is all");
}

#[test]
fn a_broken_account_stops_no_other() {
    let mut scene = with_mail(20);
    for user in ["bert@example.com", "carl@example.com"] {
        scene.server.add_user(user, PASSWORD).unwrap();
        scene
            .server
            .fill(user, "INBOX", (0..20).map(|at| Delivery::new(letter(&format!("{user} {at}")))))
            .unwrap();
        let name = user.split('@').next().unwrap();
        scene.home.account(name, &Account::all_mail("here", user, PASSWORD)).unwrap();
    }
    // Gone while the others load: this one's server answers nothing at all.
    let closed = ports::Reservation::new().unwrap();
    scene
        .home
        .provider("gone", &Provider { domain: "example.org".into(), ..Provider::plain(closed.address()) })
        .unwrap();
    scene.home.account("broken", &Account::all_mail("gone", "x@example.org", PASSWORD)).unwrap();
    let answer = scene.run(&["--sync-now", "--json"]);
    assert_eq!(answer.code, 1);
    for account in answer.json()["accounts"].as_array().unwrap() {
        match text(&account["account"]).as_str() {
            "broken" => assert_eq!(account["status"], "failed"),
            _ => assert_eq!(
                (&account["status"], number(&account["mail"]["pulled"])),
                (&Value::from("ok"), 20),
                "{account}"
            ),
        }
    }
    let status = scene.run(&["status", "--json"]).ok().json();
    let states: Vec<String> = status.as_array().unwrap().iter().map(|one| text(&one["status"])).collect();
    assert_eq!(states, ["ok", "failed", "ok", "ok"], "{status}");
}

#[test]
fn kinds_that_are_not_asked_for_are_left_alone() {
    let scene = with_mail(2);
    let report = scene.run(&["--sync-now", "--only", "contacts,activities", "--json"]).ok().json();
    assert_eq!(keys(&report["accounts"][0]), set(&["account", "status", "conflicts", "elapsed_ms"]));
    assert!(stored::mail(&scene.home.store()).is_empty());
    scene.run(&["--sync-now", "--only", "mail"]).ok();
    assert_eq!(scene.listed().len(), 2);
    assert_still(&scene, "only mail");
}
