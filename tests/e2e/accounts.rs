//! Providers and accounts by command: tried before they are saved, over TLS with an authority of one's own (F1.6–F1.9, F8.1).

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use postrider_test_support::{Certs, Delivery, Dovecot, Home};

use crate::scene::{Answer, PASSWORD, USER, letter, number, postrider, run_in, text};

/// A server with TLS alone, and a home that knows nothing of it.
struct Fresh {
    server: Dovecot,
    certs: Certs,
    home: Home,
}

impl Fresh {
    fn new() -> Self {
        let certs = Certs::new().unwrap();
        let server = Dovecot::builder().tls(&certs.good).user(USER, PASSWORD).start().unwrap();
        server.fill(USER, "INBOX", (0..3).map(|at| Delivery::new(letter(&format!("letter {at}"))))).unwrap();
        Self { server, certs, home: Home::new().unwrap() }
    }

    fn run(&self, arguments: &[&str]) -> Answer {
        run_in(&self.home, arguments)
    }

    /// Runs the program and types into it.
    fn type_into(&self, arguments: &[&str], typed: &str) -> Answer {
        let mut command = self.home.command(postrider());
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that fails early does not read it.
        let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
        let output = child.wait_with_output().unwrap();
        Answer {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn add_provider(&self, name: &str, domains: &[&str]) -> Answer {
        let imap = self.server.imaps_addr().to_string();
        let ca_file = self.certs.ca_file();
        let mut arguments =
            vec!["provider", "add", name, "--imap", &imap, "--ca-file", ca_file.to_str().unwrap()];
        for domain in domains {
            arguments.extend(["--domain", domain]);
        }
        self.run(&arguments)
    }

    fn add_account(&self, more: &[&str], password: &str) -> Answer {
        self.type_into(
            &[&["account", "add", USER, "--period", "all", "--password-stdin"], more].concat(),
            &format!("{password}\n"),
        )
    }
}

#[test]
fn an_account_is_tried_saved_used_changed_disconnected_and_removed() {
    let fresh = Fresh::new();
    fresh.add_provider("mine", &["example.com"]).ok();
    let added = fresh.add_account(&["--name", "work", "--json"], PASSWORD).ok().json();
    assert_eq!(text(&added["name"]), "work");
    assert_eq!(number(&added["trial"]["folders"]), 1);
    assert_eq!(added["trial"]["imap"], fresh.server.imaps_addr().to_string());

    let tested = fresh.run(&["account", "test", "work"]).ok();
    assert!(
        tested.out.starts_with(&format!("account work: logs in to {}", fresh.server.imaps_addr())),
        "{tested:?}"
    );
    let report = fresh.run(&["--sync-now", "--json"]).ok().json();
    assert_eq!(number(&report["accounts"][0]["mail"]["pulled"]), 3, "{report}");
    assert_unseen(&fresh.home, PASSWORD);

    fresh.run(&["account", "set", "work", "--folder", "Elsewhere", "--period", "1d"]).ok();
    let shown = fresh.run(&["account", "show", "work", "--json"]).ok().json();
    assert_eq!(
        (text(&shown["period"]).as_str(), &shown["folders"]),
        ("1d", &serde_json::json!(["Elsewhere"]))
    );
    let report = fresh.run(&["--sync-now", "--json"]).ok().json();
    assert!(report["accounts"][0]["warnings"].to_string().contains("Elsewhere"), "{report}");
    fresh.run(&["account", "set", "work", "--all-folders", "--period", "all"]).ok();

    let refused = fresh.type_into(&["account", "login", "work", "--password-stdin"], "wrong\n");
    assert_eq!(refused.code, 3, "{refused:?}");
    assert_eq!(fresh.run(&["--sync-now"]).code, 0, "a password that is refused replaces none");

    fresh.run(&["account", "disconnect", "work"]).ok();
    let answer = fresh.run(&["--sync-now"]);
    assert_eq!(answer.code, 3, "{answer:?}");
    assert!(answer.err.contains("postrider account login work"), "it says what to do: {answer:?}");
    fresh.type_into(&["account", "login", "work", "--password-stdin"], &format!("{PASSWORD}\r\n")).ok();
    fresh.run(&["--sync-now"]).ok();

    fresh.run(&["account", "remove", "work"]).ok();
    assert_eq!(fresh.run(&["account", "list", "--json"]).ok().json(), serde_json::json!([]));
    let kept = fresh.run(&["mail", "list", "--json"]).ok().json();
    assert_eq!(kept.as_array().unwrap().len(), 3, "its mail stays");
    assert_unseen(&fresh.home, PASSWORD);
}

/// The password stands in no file of the home: neither in the store nor beside it.
fn assert_unseen(home: &Home, password: &str) {
    let mut files = 0;
    let mut folders = vec![home.path().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    files += 1;
                    assert!(!holds(&path, password), "{} holds the password", path.display());
                }
            }
        }
    }
    assert!(files > 1, "there is something to look into");
}

fn holds(path: &Path, text: &str) -> bool {
    fs::read(path).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn what_fails_its_trial_is_not_saved() {
    let fresh = Fresh::new();
    fresh.add_provider("mine", &["example.com"]).ok();
    let answer = fresh.add_account(&["--name", "work"], "wrong");
    assert_eq!(answer.code, 3, "{answer:?}");
    let answer = fresh.add_account(&["--name", "work"], "");
    assert_eq!(answer.code, 2, "an empty password: {answer:?}");
    // Without the authority the certificate is nobody's.
    let imap = fresh.server.imaps_addr().to_string();
    fresh.run(&["provider", "add", "strange", "--imap", &imap]).ok();
    let answer = fresh.add_account(&["--name", "work", "--provider", "strange"], PASSWORD);
    assert_ne!(answer.code, 0, "{answer:?}");
    assert!(answer.err.contains("certificate") && answer.err.contains("ca_file"), "{answer:?}");
    assert_eq!(fresh.run(&["account", "list", "--json"]).ok().json(), serde_json::json!([]));
    assert_unseen(&fresh.home, PASSWORD);
}

#[test]
fn an_unknown_domain_asks_for_a_provider_and_is_remembered_after_a_trial() {
    let mut fresh = Fresh::new();
    fresh.server.add_user("bert@example.com", PASSWORD).unwrap();
    fresh.add_provider("mine", &[]).ok();
    let answer = fresh.add_account(&[], PASSWORD);
    assert_eq!(answer.code, 2, "{answer:?}");
    assert!(answer.err.contains("example.com") && answer.err.contains("--provider"), "{answer:?}");

    let refused = fresh.add_account(&["--provider", "mine"], "wrong");
    assert_eq!(refused.code, 3);
    let answer = fresh.add_account(&[], PASSWORD);
    assert_eq!(answer.code, 2, "a trial that failed is not remembered: {answer:?}");

    let added = fresh.add_account(&["--provider", "mine", "--json"], PASSWORD).ok().json();
    assert_eq!(
        (text(&added["name"]).as_str(), text(&added["remembered_domain"]).as_str()),
        ("anna", "example.com")
    );
    let second = ["account", "add", "bert@example.com", "--password-stdin", "--json"];
    let added = fresh.type_into(&second, &format!("{PASSWORD}\n")).ok().json();
    assert_eq!(text(&added["name"]), "bert", "nobody has to be asked again");
    let twice = fresh.type_into(&second, &format!("{PASSWORD}\n"));
    assert_eq!(twice.code, 2, "{twice:?}");
}

#[test]
fn a_provider_in_use_cannot_be_removed_and_the_refusal_names_its_accounts() {
    let fresh = Fresh::new();
    fresh.add_provider("mine", &["example.com"]).ok();
    fresh.add_account(&["--name", "work"], PASSWORD).ok();
    fresh.add_account(&["--name", "second"], PASSWORD).ok();
    let answer = fresh.run(&["provider", "remove", "mine"]);
    assert_eq!(answer.code, 2);
    assert_eq!(
        answer.err,
        "error: cannot remove provider mine: it is in use by second, work\nhint: remove these accounts first\n"
    );
    for name in ["work", "second"] {
        fresh.run(&["account", "remove", name]).ok();
    }
    fresh.run(&["provider", "remove", "mine"]).ok();
    let left = fresh.run(&["provider", "list", "--json"]).ok().json();
    assert!(left.as_array().unwrap().iter().all(|one| one["name"] != "mine"));
    assert_eq!(fresh.run(&["provider", "remove", "fastmail"]).code, 2, "what is built in stays");
}

#[test]
fn a_password_comes_from_a_file_or_a_command_and_is_read_anew() {
    let fresh = Fresh::new();
    fresh.add_provider("mine", &["example.com"]).ok();
    let file = fresh.home.write_config("secrets/anna", &format!("{PASSWORD}\n")).unwrap();
    let file = file.to_str().unwrap();
    fresh.run(&["account", "add", USER, "--name", "by-file", "--password-file", file]).ok();
    fresh
        .run(&[
            "account",
            "add",
            USER,
            "--name",
            "by-command",
            "--password-command",
            &format!("/bin/cat {file}"),
        ])
        .ok();
    assert_eq!(fresh.run(&["--sync-now"]).code, 0);
    fresh.home.write_config("secrets/anna", "changed\n").unwrap();
    assert_eq!(fresh.run(&["--sync-now"]).code, 3);
    let answer = fresh.type_into(&["account", "login", "by-file", "--password-stdin"], "x\n");
    assert_eq!(answer.code, 2, "it lives in the file: {answer:?}");
}
