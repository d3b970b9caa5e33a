//! What is exported is what the server holds, byte for byte (F2.3, F2.8).

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use postrider_test_support::home::output_of;
use postrider_test_support::{Delivery, corpus, nasty, programs};

use crate::in_step::{assert_bytes, assert_in_step, assert_still, on_server};
use crate::scene::{ACCOUNT, Scene, USER, letter, number};

/// Prints what Python's mailbox reads from a Maildir: a line a message, its flags and its bytes in hexadecimal.
const READ_MAILDIR: &str = "import mailbox, sys
sys.setrecursionlimit(100000)
box = mailbox.Maildir(sys.argv[1], create=False)
for key in box.keys():
    print(box.get_message(key).get_flags() or '-', box.get_bytes(key).hex() or '-')
";

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

/// Mail with lines that mbox would take for its own, and all that is bad.
fn mailbox_for_export() -> Scene {
    let scene = Scene::new();
    let quoted =
        b"Subject: quoting\r\n\r\nFrom here\r\n>From there\r\n>>From nowhere\r\n From\r\nfrom\r\n".to_vec();
    let messages = nasty::messages(None).into_iter().map(|(_, bytes)| bytes).chain([quoted]);
    let flags = ["", "S", "FS", "RS", "DS", "DFRS"];
    let delivery =
        |(bytes, flags): (Vec<u8>, &&str)| Delivery { flags: (*flags).to_owned(), ..Delivery::new(bytes) };
    scene.server.fill(USER, "Box/Inner", messages.zip(flags.iter().cycle()).map(delivery)).unwrap();
    scene.sync();
    scene
}

fn export(scene: &Scene, format: &str, to: &Path) -> serde_json::Value {
    let to = to.to_str().unwrap();
    scene
        .run(&[
            "mail",
            "export",
            "--account",
            ACCOUNT,
            "--folder",
            "Box/Inner",
            "--format",
            format,
            "--to",
            to,
            "--json",
        ])
        .ok()
        .json()
}

#[test]
fn an_exported_maildir_is_read_back_by_python() {
    let scene = mailbox_for_export();
    let to = scene.home.path().join("out");
    let counts = export(&scene, "maildir", &to);
    let server = &on_server(&scene)["Box/Inner"].messages;
    assert_eq!(number(&counts["written"]), server.len() as u64);
    let mut script = tempfile::NamedTempFile::new().unwrap();
    script.write_all(READ_MAILDIR.as_bytes()).unwrap();
    let mut command = Command::new(programs::python().unwrap());
    command.arg(script.path()).arg(to.join("Box/Inner"));
    let output = output_of(command).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut read: Vec<String> =
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    let letters = [("\\Draft", 'D'), ("\\Flagged", 'F'), ("\\Answered", 'R'), ("\\Seen", 'S')];
    let mut expected: Vec<String> = server
        .iter()
        .map(|message| {
            let has = |name: &str| message.flags.iter().any(|flag| flag == name);
            let flags: String =
                letters.iter().filter(|(name, _)| has(name)).map(|(_, letter)| *letter).collect();
            let bytes: String = message.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
            format!("{} {}", or_dash(flags), or_dash(bytes))
        })
        .collect();
    read.sort();
    expected.sort();
    assert!(read == expected, "{} messages read, {} on the server", read.len(), expected.len());

    // Once more writes nothing, and takes nothing away.
    let counts = export(&scene, "maildir", &to);
    assert_eq!((number(&counts["written"]), number(&counts["there_already"])), (0, server.len() as u64));
}

#[test]
fn an_exported_mbox_gives_the_bytes_back() {
    let scene = mailbox_for_export();
    let to = scene.home.path().join("out");
    export(&scene, "mbox", &to);
    let file = fs::read(to.join("Box/Inner.mbox")).unwrap();
    let server = &on_server(&scene)["Box/Inner"].messages;
    let read = unquoted(&file);
    assert_eq!(read.len(), server.len());
    for (read, message) in read.iter().zip(server) {
        // A message whose last line has no end gets one: the one thing that mbox cannot say.
        let mut expected = message.bytes.clone();
        if !expected.is_empty() && !expected.ends_with(b"\n") {
            expected.push(b'\n');
        }
        assert!(
            read == &expected,
            "UID {}: {} octets read, {} on the server",
            message.uid,
            read.len(),
            expected.len()
        );
    }
    let twice = scene.run(&[
        "mail",
        "export",
        "--account",
        ACCOUNT,
        "--format",
        "mbox",
        "--to",
        to.to_str().unwrap(),
    ]);
    assert_eq!(twice.code, 1, "what is there is never overwritten: {twice:?}");
    assert_eq!(fs::read(to.join("Box/Inner.mbox")).unwrap(), file);
}

/// The messages of an mboxrd file (RFC 4155, with `>From ` quoting that can be taken back).
fn unquoted(file: &[u8]) -> Vec<Vec<u8>> {
    let mut messages: Vec<Vec<u8>> = Vec::new();
    for line in file.split_inclusive(|byte| *byte == b'\n') {
        let quotes = line.iter().take_while(|byte| **byte == b'>').count();
        match (quotes, line[quotes..].starts_with(b"From ")) {
            (0, true) => messages.push(Vec::new()),
            (_, true) => messages.last_mut().unwrap().extend_from_slice(&line[1..]),
            (_, false) => messages.last_mut().unwrap().extend_from_slice(line),
        }
    }
    for message in &mut messages {
        assert_eq!(message.pop(), Some(b'\n'), "an empty line ends a message");
    }
    messages
}

#[test]
fn exported_files_lie_where_the_command_says_and_nowhere_else() {
    let scene = Scene::new();
    let mut client = scene.client();
    for name in ["A/B", "dots ..", "back\\slash", "Größe"] {
        client.create(name).unwrap();
        client.append(name, "", "", &letter(name)).unwrap();
    }
    scene.sync();
    let to = scene.home.path().join("deep/er/out");
    let to_text = to.to_str().unwrap();
    scene.run(&["mail", "export", "--account", ACCOUNT, "--format", "eml", "--to", to_text]).ok();
    let ids: BTreeMap<String, String> = scene
        .listed()
        .iter()
        .map(|row| (row["folder"].as_str().unwrap().to_owned(), row["id"].as_str().unwrap().to_owned()))
        .collect();
    for folder in ["A/B", "Größe"] {
        let file = to.join(folder).join(format!("{}.eml", ids[folder]));
        assert_bytes(folder, &file, &letter(folder));
    }
    // Links that wait at the target are not followed.
    let outside = scene.home.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let trap = scene.home.path().join("trap");
    fs::create_dir(&trap).unwrap();
    std::os::unix::fs::symlink(&outside, trap.join("A")).unwrap();
    let arguments = [
        "mail",
        "export",
        "--account",
        ACCOUNT,
        "--folder",
        "A/B",
        "--format",
        "eml",
        "--to",
        trap.to_str().unwrap(),
    ];
    let answer = scene.run(&arguments);
    assert_eq!(answer.code, 1, "{answer:?}");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}
