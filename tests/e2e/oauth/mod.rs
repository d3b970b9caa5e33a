//! Accounts that log in by OAuth 2.0 (F1.5): every way to a consent, mail both ways by its tokens, renewal by one process and by two,
//! consents that died, were somebody else's, were taken back; and no token anywhere that somebody could read.

mod scene;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::Duration;

use postrider_test_support::Oidc;
use postrider_test_support::oidc::SECRET_CLIENT;
use serde_json::Value;

use crate::scene::{ACCOUNT, USER, answer_of, number, text};
use scene::{Scene, Shape, browse};

const LOGIN: [&str; 3] = ["account", "login", ACCOUNT];
const PASTE: [&str; 4] = ["account", "login", ACCOUNT, "--paste"];

/// One run that has to end well; answers with how many messages came in.
fn pulled(scene: &Scene) -> u64 {
    let report = scene.run(&["--sync-now", "--json"]).ok().json();
    assert_eq!(report["accounts"][0]["status"], "ok", "{report}");
    number(&report["accounts"][0]["mail"]["pulled"])
}

fn consent_of(scene: &Scene) -> Value {
    scene.run(&["account", "show", ACCOUNT, "--json"]).ok().json()["consent"].take()
}

#[test]
fn a_pasted_address_logs_in_and_mail_comes_in_by_either_mechanism() {
    for mechanisms in ["oauthbearer", "xoauth2"] {
        let scene = Scene::of(Shape { mechanisms, ..Shape::default() });
        scene.write_account();
        assert_eq!(consent_of(&scene), "missing");
        let answer = scene.run(&["--sync-now"]);
        assert_eq!((answer.code, scene.requests(), scene.proxy.connections()), (3, 0, 0), "{answer:?}");
        assert!(answer.err.contains("postrider account login work"), "{answer:?}");

        let answer = scene.consent_as(USER, &PASTE).ok();
        assert!(answer.out.starts_with("account work: logs in to 127.0.0.1:"), "{answer:?}");
        assert_eq!(consent_of(&scene), "given");
        assert_eq!(pulled(&scene), 3, "{mechanisms}");
        scene.run(&["account", "test", ACCOUNT]).ok();
        assert_eq!(scene.renewals(), 0, "a token that is good is not renewed");
    }
}

#[test]
fn the_browser_brings_the_consent_by_itself() {
    for (host, lines) in [("127.0.0.1", ""), ("localhost", "redirect_host = \"localhost\"\n")] {
        let scene = Scene::of(Shape { provider: lines, ..Shape::default() });
        scene.write_account();
        let asked = scene.asked(&[&LOGIN[..], &["--json"]].concat());
        let location = scene.oidc.consent(&asked.link, USER).unwrap();
        assert!(location.starts_with(&format!("http://{host}:")), "{location}");
        let page = browse(&location);
        assert!(page.contains("Postrider has the consent"), "{page}");
        let answer = asked.end().ok();
        assert_eq!(number(&answer.json()["folders"]), 1, "{answer:?}");
        assert_eq!(pulled(&scene), 3);
    }
}

#[test]
fn a_code_typed_on_another_device_logs_in() {
    let scene = Scene::new();
    scene.write_account();
    let asked = scene.asked(&["account", "login", ACCOUNT, "--device"]);
    scene.oidc.at_device_page(&asked.link, USER, true).unwrap();
    asked.end().ok();
    assert_eq!(pulled(&scene), 3);
}

#[test]
fn an_account_is_added_with_its_consent_and_removed_with_it() {
    let scene = Scene::new();
    let add = ["account", "add", USER, "--name", ACCOUNT, "--period", "all", "--paste", "--json"];
    let refused = scene.consent_as("bert@example.com", &add);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert_eq!(scene.run(&["account", "list", "--json"]).ok().json(), serde_json::json!([]));
    let saved = scene.consent_as(USER, &add).ok().json();
    assert_eq!((text(&saved["name"]).as_str(), number(&saved["trial"]["folders"])), (ACCOUNT, 1));
    assert_eq!(pulled(&scene), 3);
    let removed = scene.run(&["account", "remove", ACCOUNT]).ok();
    assert!(removed.out.contains("its consent is revoked"), "{removed:?}");
    assert_eq!(scene.tokens(), None);
}

#[test]
fn mail_goes_out_by_a_token() {
    let scene = Scene::of(Shape { sends: true, ..Shape::default() }).logged_in();
    pulled(&scene);
    let sent = scene.run(&[
        "mail",
        "send",
        "--account",
        ACCOUNT,
        "--to",
        "bert@example.org",
        "--subject",
        "hello",
        "--text",
        "x",
    ]);
    sent.ok();
    let delivered = scene.postfix.as_ref().unwrap().wait_for(1).unwrap();
    assert_eq!((delivered[0].from.as_str(), delivered[0].to.as_str()), (USER, "bert@example.org"));
}

#[test]
fn tokens_that_live_two_seconds_are_renewed_on_and_on() {
    let scene = Scene::of(Shape { oidc: Oidc::builder().token_life_s(2), ..Shape::default() }).logged_in();
    let mut before = scene.tokens().unwrap();
    for round in 1..=3 {
        thread::sleep(Duration::from_millis(2_100));
        pulled(&scene);
        let now = scene.tokens().unwrap();
        assert!(now[0] != before[0] && now[1] != before[1], "both are others: round {round}");
        before = now;
        assert!(scene.renewals() >= round);
    }
}

#[test]
fn two_processes_that_renew_at_once_send_the_refresh_token_once() {
    // Good for half of its life: eight seconds in which all of a round have to ask.
    let scene = Scene::of(Shape { oidc: Oidc::builder().token_life_s(16), ..Shape::default() }).logged_in();
    for round in 1..=2 {
        thread::sleep(Duration::from_millis(8_200));
        let runs: Vec<_> = (0..4)
            .map(|_| {
                let command = scene.command(&["account", "test", ACCOUNT]);
                thread::spawn(move || answer_of(command))
            })
            .collect();
        for run in runs {
            run.join().unwrap().ok();
        }
        assert_eq!(scene.renewals(), round, "one refresh token, one request");
    }
    pulled(&scene);
}

#[test]
fn a_consent_that_died_is_told_and_nothing_is_asked_until_the_next() {
    let scene = Scene::new().logged_in();
    pulled(&scene);
    scene.oidc.revoke(USER).unwrap();
    let answer = scene.run(&["--sync-now", "--json"]);
    let account = answer.json()["accounts"][0].take();
    assert_eq!((answer.code, account["status"].as_str()), (3, Some("login_needed")), "{account}");
    assert_eq!(account["error"]["class"], "login");
    assert!(text(&account["error"]["hint"]).contains("postrider account login work"), "{account}");
    assert_eq!(scene.renewals(), 1, "the refresh token was tried once");

    let before = (scene.requests(), scene.proxy.connections());
    for arguments in [
        &["--sync-now"][..],
        &["account", "test", ACCOUNT],
        &["folder", "create", "--account", ACCOUNT, "New"],
    ] {
        let answer = scene.run(arguments);
        assert_eq!(answer.code, 3, "{answer:?}");
        assert!(answer.err.contains("postrider account login work"), "{answer:?}");
    }
    assert_eq!((scene.requests(), scene.proxy.connections()), before, "no server was asked");

    scene.consent_as(USER, &PASTE).ok();
    assert_eq!(pulled(&scene), 0);
}

#[test]
fn somebody_elses_consent_is_refused_by_both_names_and_replaces_nothing() {
    let scene = Scene::new().logged_in();
    let before = scene.tokens();
    let answer = scene.consent_as("bert@example.com", &PASTE);
    assert_eq!(answer.code, 3, "{answer:?}");
    assert!(
        answer.err.contains("cannot log in as anna@example.com: the consent came from bert@example.com"),
        "{answer:?}"
    );
    assert_eq!(scene.tokens(), before);
    assert_eq!(pulled(&scene), 3);
}

#[test]
fn a_refusal_a_wrong_address_and_silence_store_nothing() {
    let scene = Scene::new();
    scene.write_account();
    let asked = scene.asked(&PASTE);
    let location = scene.oidc.refuse(&asked.link, USER).unwrap();
    let answer = asked.paste(&location);
    assert_eq!(answer.code, 3, "{answer:?}");
    assert!(answer.err.contains("access_denied"), "{answer:?}");

    let other = scene.asked(&PASTE);
    let asked = scene.asked(&PASTE);
    let location = scene.oidc.consent(&other.link, USER).unwrap();
    let answer = asked.paste(&location);
    assert_eq!(answer.code, 3, "{answer:?}");
    assert!(answer.err.contains("`state`"), "{answer:?}");
    let silent = other.paste("");
    assert_eq!(silent.code, 3, "{silent:?}");
    assert!(silent.err.contains("nothing was pasted"), "{silent:?}");
    assert_eq!(scene.tokens(), None);
}

#[test]
fn a_disconnected_account_is_revoked_at_the_provider() {
    let scene = Scene::new().logged_in();
    let before = scene.stored();
    let answer = scene.run(&["account", "disconnect", ACCOUNT]).ok();
    assert!(answer.out.contains("its consent is revoked"), "{answer:?}");
    assert_eq!(scene.tokens(), None);
    let asked = scene.requests();
    assert_eq!(scene.run(&["--sync-now"]).code, 3);
    let again = scene.run(&["account", "disconnect", ACCOUNT]).ok();
    assert!(again.out.contains("nothing was stored"), "{again:?}");
    assert_eq!(scene.requests(), asked);

    // Whoever kept a copy has nothing of it.
    for (path, octets) in scene.stored() {
        let old = before.iter().find(|(old, _)| *old == path).map(|(_, octets)| octets);
        match old {
            Some(old) => fs::write(path, old).unwrap(),
            None if octets.is_empty() => {}
            None => fs::remove_file(path).unwrap(),
        }
    }
    assert!(scene.tokens().is_some());
    assert_eq!(scene.run(&["--sync-now"]).code, 3);
    assert_eq!(scene.requests(), asked + 1, "the server had to say no");
}

#[test]
fn a_provider_that_is_out_of_reach_keeps_no_account_from_being_disconnected() {
    let scene = Scene::new().logged_in();
    scene.write_provider("postrider", "revocation_url = \"https://localhost:1/\"\n");
    let path = scene.home.config().join("providers.d/here.toml");
    let file = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        file.replacen(&format!("revocation_url = \"{}\"\n", scene.oidc.revocation_url()), "", 1),
    )
    .unwrap();
    let answer = scene.run(&["account", "disconnect", ACCOUNT]).ok();
    assert!(answer.err.contains("warning: cannot connect to localhost:1"), "{answer:?}");
    assert!(answer.out.contains("take it back at the provider"), "{answer:?}");
    assert_eq!(scene.tokens(), None);
}

#[test]
fn without_a_client_id_it_says_how_to_get_one_and_where_to_write_it() {
    let scene = Scene::new();
    scene.write_account();
    scene.write_provider("", "");
    for arguments in [&LOGIN[..], &["account", "add", "bert@example.com"], &["--sync-now"]] {
        let answer = scene.run(arguments);
        assert_eq!(answer.code, 2, "{answer:?}");
        assert!(
            answer.err.contains("client_id") && answer.err.contains("providers.d/here.toml"),
            "{answer:?}"
        );
        assert!(answer.err.contains("register a client"), "{answer:?}");
    }
    let answer = scene.run(&["account", "login", ACCOUNT, "--password-stdin"]);
    assert_eq!(answer.code, 2, "{answer:?}");
}

#[test]
fn a_client_with_a_secret_has_it_in_a_file_of_its_own() {
    let scene = Scene::new();
    scene.write_account();
    let (id, secret) = SECRET_CLIENT;
    let file = scene.home.write_config("secrets/client", &format!("{secret}\n")).unwrap();
    scene.write_provider(id, &format!("client_secret_file = \"{}\"\n", file.display()));
    let answer = scene.consent_as(USER, &[&["-vvv"], &PASTE[..]].concat()).ok();
    assert!(!answer.err.contains(secret) && !answer.out.contains(secret), "{answer:?}");
    assert_eq!(pulled(&scene), 3);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let answer = scene.run(&LOGIN);
    assert_eq!(answer.code, 2, "{answer:?}");
    assert!(
        answer.err.contains("cannot read the client secret") && answer.err.contains("0640"),
        "{answer:?}"
    );
}

#[test]
fn no_token_is_in_any_word_or_file() {
    let scene = Scene::of(Shape { oidc: Oidc::builder().token_life_s(4), ..Shape::default() });
    scene.write_account();
    let mut said = Vec::new();
    let asked = scene.asked(&[&["-vvv"], &PASTE[..]].concat());
    let location = scene.oidc.consent(&asked.link, USER).unwrap();
    let answer = asked.paste(&location).ok();
    // The link is for the person; all else is for everybody.
    said.push(answer.out);
    said.extend(
        answer.err.lines().filter(|line| !line.trim().starts_with("https://")).map(ToOwned::to_owned),
    );
    let code = location.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let mut secrets = vec![code];
    secrets.extend(scene.tokens().unwrap());
    thread::sleep(Duration::from_millis(2_100));
    for arguments in [
        &["-vvv", "--sync-now", "--json"][..],
        &["-vvv", "account", "show", ACCOUNT],
        &["--json", "account", "list"],
        &["-vvv", "doctor"],
    ] {
        let answer = scene.run(arguments).ok();
        said.extend([answer.out, answer.err]);
        secrets.extend(scene.tokens().unwrap());
    }
    scene.oidc.revoke(USER).unwrap();
    let answer = scene.run(&["-vvv", "--sync-now", "--json"]);
    assert_eq!(answer.code, 3, "{answer:?}");
    said.extend([answer.out, answer.err]);
    assert!(said.iter().any(|text| text.contains("TRACE") || text.contains("DEBUG")), "it was talkative");
    secrets.sort();
    secrets.dedup();
    assert!(secrets.len() >= 5, "a code and two pairs of tokens");
    for secret in secrets {
        assert!(secret.len() >= 20, "{secret}");
        for text in &said {
            assert!(!text.contains(&secret), "{secret} was said: {text}");
        }
        for (path, octets) in scene.stored() {
            let is_in = octets.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!is_in, "{secret} is in {}", path.display());
        }
    }
}
