//! What `account set` changes while the daemon runs: in force at once, and used (F7.2).

use postrider_test_support::Daemon;
use serde_json::Value;

use super::eventually;
use crate::scene::{ACCOUNT, USER, postrider, text};
use crate::sending::Post;

/// The one account that was added by command.
const SHOP: &str = "shop";

fn post() -> Post {
    let post = Post::new();
    let password = post.home.config().join("secrets/work").display().to_string();
    post.run(&["account", "add", USER, "--name", SHOP, "--period", "all", "--password-file", &password]).ok();
    post
}

fn shown(post: &Post, key: &str) -> Value {
    post.run(&["account", "show", SHOP, "--json"]).ok().json()[key].clone()
}

/// When the account ran last.
fn last_run(post: &Post) -> Value {
    let states = post.run(&["status", "--json"]).ok().json();
    let shop = states.as_array().unwrap().iter().find(|state| state["account"] == SHOP).cloned();
    shop.map(|shop| shop["run"].clone()).unwrap_or_default()
}

/// Sends a letter through the daemon; answers with it as it arrived.
fn sent(post: &Post, subject: &str, count: usize) -> String {
    let to = ["--account", SHOP, "--to", "anna@example.org", "--text", "We are open."];
    post.send(&[&to[..], &["--subject", subject]].concat()).ok();
    let all = post.postfix.wait_for(count).unwrap();
    let mut texts =
        all.iter().map(|one| String::from_utf8(one.message.clone()).unwrap().replace("\r\n", "\n"));
    texts.find(|text| text.contains(&format!("Subject: {subject}\n"))).unwrap()
}

#[test]
fn a_name_a_signature_and_an_interval_are_in_force_at_once_and_there_is_a_way_back() {
    let post = post();
    let daemon = Daemon::start(&post.home, postrider()).unwrap();
    eventually("it ran", || !last_run(&post).is_null());
    let first = last_run(&post);
    let plain = sent(&post, "before", 1);
    assert!(plain.contains(&format!("From: {USER}\n")) && !plain.contains("-- \n"), "{plain}");
    assert_eq!(last_run(&post), first, "its interval is minutes");

    let signature = post.home.write_config("secrets/signature", "Vera's Shop\nweekdays 9 to 17\n").unwrap();
    let signature = format!("@{}", signature.display());
    let set =
        ["account", "set", SHOP, "--alias", "Vera's Shop", "--signature", &signature, "--interval", "1s"];
    post.run(&set).ok();
    let mut runs = vec![first];
    eventually("it runs by the new interval", || {
        let run = last_run(&post);
        if !runs.contains(&run) {
            runs.push(run);
        }
        runs.len() > 4
    });
    let signed = sent(&post, "meanwhile", 2);
    let from = signed.lines().find(|line| line.starts_with("From: ")).unwrap().replace('"', "");
    assert_eq!(from, format!("From: Vera's Shop <{USER}>"));
    assert!(signed.trim_end().ends_with("We are open.\n-- \nVera's Shop\nweekdays 9 to 17"), "{signed}");
    let shown_now = ["alias", "interval", "signature"].map(|key| text(&shown(&post, key)));
    assert_eq!(shown_now, ["Vera's Shop", "1s", "Vera's Shop\nweekdays 9 to 17\n"]);
    let said = post.run(&["account", "show", SHOP]).ok().out;
    assert!(said.contains("\n  signature: Vera's Shop\n    weekdays 9 to 17\n  "), "{said}");
    assert_eq!(text(&shown(&post, "period")), "all", "what was not said stays");

    post.run(&["account", "set", SHOP, "--no-alias", "--no-signature", "--default-interval"]).ok();
    let shown_now = ["alias", "interval", "signature"].map(|key| shown(&post, key));
    assert_eq!(shown_now, [Value::Null, "5m".into(), Value::Null]);
    let plain = sent(&post, "after", 3);
    assert!(plain.contains(&format!("From: {USER}\n")) && !plain.contains("-- \n"), "{plain}");
    assert_eq!(daemon.stop().unwrap().code(), Some(0));
}

#[test]
fn what_a_file_says_is_changed_there_and_what_is_wrong_is_told() {
    let post = post();
    let refused = post.run(&["account", "set", ACCOUNT, "--alias", "Vera"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("a file defines it"), "{refused:?}");
    assert!(refused.err.contains(&format!("accounts.d/{ACCOUNT}.toml")), "{refused:?}");

    let nothing = post.run(&["account", "set", SHOP]);
    assert_eq!(nothing.code, 2, "{nothing:?}");
    let table = [
        (["--interval", "soon"], "found \"soon\", expected a number with s, m, h, d or w"),
        (["--interval", "0s"], "sync.interval: found \"0s\""),
        (["--alias", "a\nb"], "mail.alias: found \"a\\nb\", expected a text of one line"),
        (["--signature", "@/nowhere"], "cannot read /nowhere"),
    ];
    for (options, words) in table {
        let answer = post.run(&[&["account", "set", SHOP], &options[..]].concat());
        assert_eq!(answer.code, 2, "{answer:?}");
        assert!(answer.err.contains(words), "{answer:?}");
    }
}
