//! Control and bidirectional characters in what others write reach no output raw; the words of people reach no ordinary log.

use std::path::Path;
use std::process::Command;

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::DateTime;
use postrider_fake::{Action, Capabilities, FaultPlan, Server, ServerConfig, Trigger};
use postrider_test_support::{
    Home,
    home::{Account, Provider, output_of},
    programs,
};

use super::listener::Listener;
use crate::said::scripted::Scripted;

const PROGRAM: &str = env!("CARGO_BIN_EXE_postrider");
const USER: &str = "anna@example.com";

/// What a terminal obeys: a title of its window, colours by ESC and by the one-character CSI, a bell, a carriage return, and
/// what turns the direction of text.
const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{1b}[31m\u{9b}31m\u{8}\u{202e}\u{2066}\u{200f}\u{61c}evil";

/// The same without control characters, which no server takes in the name of a folder.
const TURNING: &str = "\u{202e}\u{2066}\u{200f}\u{61c}evil";

fn word(text: &str) -> String {
    format!("=?utf-8?B?{}?=", STANDARD.encode(text))
}

/// Messages with all that in each place that is shown: encoded and raw.
fn messages() -> Vec<Vec<u8>> {
    let encoded = format!(
        "From: {} <eve@example.org>\r\nTo: {} <{USER}>\r\nSubject: marker {}\r\n\
         Message-ID: <{HOSTILE}@example.org>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nbody {HOSTILE}\r\n\
         --b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename*=utf-8''a%1B%5D0;owned%07%E2%80%AE.exe\r\n\r\nx\r\n--b--\r\n",
        word(&format!("Eve {HOSTILE}")),
        word(HOSTILE),
        word(HOSTILE),
    );
    let raw = format!(
        "From: \"Eve {HOSTILE}\" <e{HOSTILE}@example.org>\r\nSubject: marker raw {HOSTILE}\r\n\r\nbody {HOSTILE}\r\n"
    );
    vec![encoded.into_bytes(), raw.into_bytes()]
}

fn installation(plan: FaultPlan) -> (Server, Listener, Home) {
    let config = ServerConfig { capabilities: Capabilities::all(), ..ServerConfig::default() };
    let server = Server::new(config);
    let anna = server.add_user(USER, "secret");
    let folder = format!("Folder {TURNING}");
    anna.create_mailbox(&folder).unwrap();
    let date = DateTime::parse_from_rfc3339("2026-01-05T08:00:00Z").unwrap();
    for message in messages() {
        for mailbox in ["INBOX", &folder] {
            anna.append(mailbox, message.clone(), &[], date).unwrap();
        }
    }
    let listener = Listener::start(&server, plan, None);
    let home = Home::new().unwrap();
    home.provider("here", &Provider::plain(listener.address)).unwrap();
    home.account("work", &Account::all_mail("here", USER, "secret")).unwrap();
    (server, listener, home)
}

/// What may be in no output: every control character but the end of a line, and what turns text around (Unicode, UAX 9).
fn harmless(bytes: &[u8], of: &str) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{of} is no UTF-8: {error}"));
    let turns = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    for (line, number) in text.lines().zip(1..) {
        let found = line.chars().find(|c| c.is_control() || turns(*c));
        assert_eq!(found, None, "{of}, line {number}: {line:?}");
    }
}

const COMMANDS: [&[&str]; 13] = [
    &["--sync-now", "--dry-run"],
    &["--sync-now"],
    &["--sync-now", "--json"],
    &["mail", "list"],
    &["mail", "list", "--json"],
    &["mail", "search", "evil"],
    &["mail", "search", "marker", "--json"],
    &["mail", "show", "m1"],
    &["mail", "show", "m2"],
    &["mail", "show", "m1", "--json"],
    &["folder", "list"],
    &["folder", "list", "--json"],
    &["status"],
];

#[test]
fn no_command_shows_what_a_terminal_obeys() {
    let (_server, _listener, home) = installation(FaultPlan::none());
    let mut shown = 0;
    for command in COMMANDS {
        for level in ["-q", "-v", "-vvv"] {
            let output = home.run(Path::new(PROGRAM), &[command, &[level][..]].concat()).unwrap();
            assert_eq!(
                output.status.code(),
                Some(0),
                "{command:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            harmless(&output.stdout, &format!("{command:?} {level}"));
            harmless(&output.stderr, &format!("the log of {command:?} {level}"));
            shown += usize::from(String::from_utf8_lossy(&output.stdout).contains("evil"));
        }
    }
    assert!(shown >= 20, "only {shown} outputs show the mail at all");
}

#[test]
fn no_failure_shows_what_a_terminal_obeys() {
    const WORDS: &str = "[NOPERM] no \u{1b}]0;owned\u{7}\u{202e} evil";
    let refused = FaultPlan::none().on(Trigger::Every("EXAMINE"), Action::No(WORDS));
    let (_server, _listener, home) = installation(refused);
    for command in [&["--sync-now"][..], &["--sync-now", "--json"], &["status"], &["status", "--json"]] {
        let output = home.run(Path::new(PROGRAM), &[command, &["-vvv"][..]].concat()).unwrap();
        harmless(&output.stdout, &format!("{command:?}"));
        harmless(&output.stderr, &format!("the log of {command:?}"));
        let said = [output.stdout, output.stderr].concat();
        assert!(
            String::from_utf8_lossy(&said).contains("evil"),
            "{command:?} does not tell what the server said"
        );
    }
}

/// A hostile server names folders as it likes.
#[test]
fn no_folder_of_a_hostile_server_shows_what_a_terminal_obeys() {
    const LIST: &str = "* LIST () \"/\" \"&ABs-]0;owned&AAcgLgCb-31mevil\"\r\n$ OK done\r\n";
    for command in
        [&["--sync-now"][..], &["--sync-now", "--dry-run"], &["--sync-now", "--json"], &["folder", "list"]]
    {
        let server = Scripted::start(&[
            "* PREAUTH [CAPABILITY IMAP4rev1] ready\r\n",
            LIST,
            "$ NO [NONEXISTENT] gone\r\n",
        ]);
        let home = Home::new().unwrap();
        home.provider("here", &Provider::plain(server.address())).unwrap();
        home.account("work", &Account::all_mail("here", USER, "secret")).unwrap();
        if command[0] == "folder" {
            home.run(Path::new(PROGRAM), &["--sync-now"]).unwrap();
        }
        let output = home.run(Path::new(PROGRAM), &[command, &["-vvv"][..]].concat()).unwrap();
        harmless(&output.stdout, &format!("{command:?}"));
        harmless(&output.stderr, &format!("the log of {command:?}"));
        let said = [output.stdout, output.stderr].concat();
        assert!(
            String::from_utf8_lossy(&said).contains("31mevil"),
            "{command:?}: {}",
            String::from_utf8_lossy(&said)
        );
        if command[0] != "folder" {
            assert!(server.heard().contains("EXAMINE"));
        }
    }
}

/// On a terminal, where bars are drawn and logs have colours of our own.
#[test]
fn a_terminal_obeys_nobody_else() {
    let (_server, _listener, home) = installation(FaultPlan::none());
    for command in COMMANDS {
        let text = on_terminal(&home, command);
        for found in [
            "\u{1b}]",
            "\u{7}",
            "\u{9b}",
            "\u{8}",
            "\u{202e}",
            "\u{2066}",
            "\u{200f}",
            "\u{61c}",
            "\u{1b}[31mevil",
        ] {
            assert!(!text.contains(found), "{command:?} shows {found:?}: {text:?}");
        }
    }
    // Bytes that are asked for as they are come as they are, so this terminal hides nothing from the test.
    assert!(on_terminal(&home, &["mail", "show", "m1", "--raw"]).contains("\u{202e}"));
}

/// What a command writes to a terminal.
fn on_terminal(home: &Home, command: &[&str]) -> String {
    let script = programs::require("script", "bsdutils").unwrap();
    let config = home.config().display().to_string();
    let words = [&[PROGRAM, "--config", &config], command].concat();
    let line: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let mut terminal: Command = home.bare_command(&script);
    terminal.env("TERM", "xterm").args(["-qec", &line.join(" "), "/dev/null"]);
    String::from_utf8(output_of(terminal).unwrap().stdout).unwrap()
}

#[test]
fn an_ordinary_log_holds_no_words_of_people() {
    let (_server, _listener, home) = installation(FaultPlan::none());
    for (level, command) in [("", "--sync-now"), ("-v", "--sync-now")] {
        let arguments: Vec<&str> = [command, level].into_iter().filter(|word| !word.is_empty()).collect();
        let output = home.run(Path::new(PROGRAM), &arguments).unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        for word in ["marker", "eve@example.org", "Eve", "evil@"] {
            assert!(!said.contains(word), "{arguments:?} tells {word:?}: {said}");
        }
    }
}
