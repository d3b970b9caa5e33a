//! What is composed, read by somebody else: Python's `email` package gets the values that went in.
//!
//! One interpreter runs for a whole test and reads one message after the other. Python missing is an error, not a skip.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use chrono::DateTime;
use postrider_formats::compose::{
    Composed, InlinePart, Mailbox, Outgoing, Part, Purpose, Signature, Stamp, compose, forward, prepare_raw,
    reply_to,
};
use postrider_formats::message;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const SCRIPT: &str = include_str!("compose_read.py");

/// A Python that reads messages.
struct Python {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Python {
    fn start() -> Self {
        let mut child = Command::new("python3")
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is needed for this test");
        let from = BufReader::new(child.stdout.take().unwrap());
        Self { to: child.stdin.take(), child, from }
    }

    fn read(&mut self, octets: &[u8]) -> Value {
        let to = self.to.as_mut().unwrap();
        writeln!(to, "{}", octets.len()).unwrap();
        to.write_all(octets).unwrap();
        to.flush().unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        serde_json::from_str(&line).expect("what Python made of it")
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        drop(self.to.take());
        let _ = self.child.wait();
    }
}

fn stamp() -> Stamp {
    Stamp {
        date: DateTime::parse_from_rfc3339("2026-11-20T13:00:00+03:00").unwrap(),
        message_id: "m.1@example.com".into(),
    }
}

fn sent(message: Composed) -> Outgoing {
    let mut number = 0;
    let mut boundaries = move || {
        number += 1;
        format!("----=_boundary_{number}")
    };
    compose(message, &stamp(), &mut boundaries, Purpose::Send).unwrap()
}

fn named(name: &str, email: &str) -> Mailbox {
    Mailbox { name: name.into(), email: email.into() }
}

fn picture(content_id: &str) -> InlinePart {
    InlinePart {
        content_id: content_id.into(),
        name: "знак.png".into(),
        content_type: "image/png".into(),
        bytes: vec![0x89, b'P', b'N', b'G', 13, 10, 0],
    }
}

fn everything() -> Composed {
    Composed {
        from: named("Евгений Мирный", "e.mirny@example.com"),
        to: vec![named("Doe, John \"JD\"", "john@example.org"), Mailbox::bare("info@example.org")],
        cc: vec![named("Zoë", "zoe@example.org")],
        bcc: vec![named("Secret", "secret@example.org")],
        subject: "Отчёт за ноябрь, очень длинная тема письма, которая не помещается на одной строке".into(),
        text: Some("Здравствуйте!\n\nОтчёт во вложении.\n".into()),
        html: Some("<p>Здравствуйте!</p><img src=\"cid:chart@example.com\">".into()),
        attachments: vec![
            Part {
                name: "Отчёт за ноябрь 2026 года, окончательный вариант.pdf".into(),
                content_type: "application/pdf".into(),
                bytes: (0..=255).collect(),
            },
            Part { name: "notes.txt".into(), content_type: "text/plain".into(), bytes: "a\nб\n".into() },
        ],
        inline: vec![picture("chart@example.com")],
        signature: Some(Signature {
            plain: Some("Евгений".into()),
            html: Some("<b>Евгений</b> <img src=\"cid:logo@example.com\">".into()),
            pictures: vec![picture("logo@example.com")],
        }),
        ..Composed::default()
    }
}

#[test]
fn a_message_with_everything_comes_back_part_by_part() {
    let outgoing = sent(everything());
    let read = Python::start().read(&outgoing.bytes);
    assert_eq!(read["defects"], json!([]));
    assert_eq!(read["from"], json!([["Евгений Мирный", "e.mirny@example.com"]]));
    assert_eq!(read["to"], json!([["Doe, John \"JD\"", "john@example.org"], ["", "info@example.org"]]));
    assert_eq!(read["cc"], json!([["Zoë", "zoe@example.org"]]));
    assert_eq!(read["bcc"], json!([]));
    assert!(!String::from_utf8(outgoing.bytes).unwrap().to_lowercase().contains("secret"));
    assert_eq!(
        outgoing.recipients,
        ["john@example.org", "info@example.org", "zoe@example.org", "secret@example.org"]
    );
    assert_eq!(read["subject"], json!(everything().subject));
    assert_eq!(read["date"], "2026-11-20T13:00:00+03:00");
    assert_eq!(read["message_id"], "<m.1@example.com>");

    let kinds: Vec<_> =
        read["parts"].as_array().unwrap().iter().map(|part| part["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "multipart/mixed",
            "multipart/alternative",
            "text/plain",
            "multipart/related",
            "text/html",
            "image/png",
            "image/png",
            "application/pdf",
            "text/plain",
        ]
    );
    let part = |number: usize| &read["parts"][number];
    assert_eq!(part(2)["text"], "Здравствуйте!\n\nОтчёт во вложении.\n-- \nЕвгений\n");
    assert_eq!(
        part(4)["text"],
        "<p>Здравствуйте!</p><img src=\"cid:chart@example.com\"><br>\n\
         <div><b>Евгений</b> <img src=\"cid:logo@example.com\"></div>\n"
    );
    for (number, id) in [(5, "<chart@example.com>"), (6, "<logo@example.com>")] {
        assert_eq!(part(number)["content_id"], id);
        assert_eq!(part(number)["disposition"], "inline");
        assert_eq!(part(number)["name"], "знак.png");
        assert_eq!(part(number)["bytes"], "89504e470d0a00");
    }
    assert_eq!(part(7)["name"], "Отчёт за ноябрь 2026 года, окончательный вариант.pdf");
    assert_eq!(part(7)["disposition"], "attachment");
    let all: String = (0..=255).map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(part(7)["bytes"], json!(all));
    assert_eq!((&part(8)["name"], &part(8)["text"]), (&json!("notes.txt"), &json!("a\nб\n")));
    assert_eq!(read["longest_header_line"].as_u64().map(|len| len <= 78), Some(true));
}

#[test]
fn an_answer_and_a_message_passed_on() {
    let parent = sent(everything());
    let reply = reply_to(&message::parse(&parent.bytes), true, &["john@example.org".into()]);
    let forward = forward(&parent.bytes);
    let answer = sent(Composed {
        from: named("John", "john@example.org"),
        to: reply.to,
        cc: reply.cc,
        subject: reply.subject,
        text: Some(format!("Спасибо\n\n{}", reply.quoted)),
        in_reply_to: reply.in_reply_to,
        references: reply.references,
        attachments: vec![forward.attachment],
        ..Composed::default()
    });
    let read = Python::start().read(&answer.bytes);
    assert_eq!(read["defects"], json!([]));
    assert_eq!(read["to"], json!([["Евгений Мирный", "e.mirny@example.com"]]));
    assert_eq!(read["cc"], json!([["", "info@example.org"], ["Zoë", "zoe@example.org"]]));
    assert_eq!(read["subject"], json!(format!("Re: {}", everything().subject)));
    assert_eq!(read["references"], "<m.1@example.com>");
    assert_eq!(read["in_reply_to"], "<m.1@example.com>");
    let text = read["parts"][1]["text"].as_str().unwrap();
    assert_eq!(
        text,
        "Спасибо\n\nOn 2026-11-20 10:00 UTC, Евгений Мирный wrote:\n> Здравствуйте!\n>\n> Отчёт во вложении.\n"
    );
    assert_eq!(read["parts"][2]["type"], "message/rfc822");
    assert_eq!(read["parts"][3]["type"], "multipart/mixed", "the message within is read as one");
}

#[test]
fn a_given_message_is_read_as_it_was() {
    let raw = "From: Vera <vera@example.com>\nTo: a@example.org\nBcc: secret@example.org\nSubject: given\n\nline\n.\nend\n";
    let outgoing =
        prepare_raw(raw.as_bytes(), &["vera@example.com".into()], &stamp(), Purpose::Send).unwrap();
    let read = Python::start().read(&outgoing.bytes);
    assert_eq!(read["bcc"], json!([]));
    assert_eq!(read["date"], "2026-11-20T13:00:00+03:00");
    assert_eq!(read["message_id"], "<m.1@example.com>");
    assert_eq!(read["parts"][0]["text"], "line\n.\nend\n");
}

/// Text as people type it, with all that has a meaning in a header.
fn typed() -> impl Strategy<Value = String> {
    "([a-zA-Z0-9 .,;:!?@<>()\"'\\\\=_%*-]|[а-яё]|[äéß]|日|😀|=\\?utf-8\\?q\\?x\\?=|  ){0,70}"
}

/// Display names without white space: Python folds runs of it, and in 3.11 keeps that between the encoded words of one.
fn unspaced(people: &Value) -> Value {
    let unspaced = |person: &Value| json!([without_space(person[0].as_str().unwrap()), person[1]]);
    people.as_array().unwrap().iter().map(unspaced).collect()
}

fn without_space(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn any_text_and_name_is_read_as_it_was_typed() {
    let mut python = Python::start();
    let values = (typed(), typed(), typed(), typed(), prop::collection::vec(any::<u8>(), 0..200));
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(400) });
    let python = std::cell::RefCell::new(&mut python);
    let run = runner.run(&values, |(subject, name, file, text, bytes)| {
        let outgoing = sent(Composed {
            from: named(&name, "vera@example.com"),
            to: vec![named("x", "a@example.org"), named(&name, "b@example.org")],
            subject: subject.clone(),
            text: Some(text.clone()),
            attachments: vec![Part {
                name: file.clone(),
                content_type: "application/pdf".into(),
                bytes: bytes.clone(),
            }],
            ..Composed::default()
        });
        let shown = String::from_utf8_lossy(&outgoing.bytes).into_owned();
        let read = python.borrow_mut().read(&outgoing.bytes);
        prop_assert_eq!(&read["defects"], &json!([]), "{}", shown);
        prop_assert_eq!(&read["subject"], &json!(subject), "{}", shown);
        prop_assert_eq!(
            unspaced(&read["from"]),
            json!([[without_space(&name), "vera@example.com"]]),
            "{}",
            shown
        );
        let to = json!([["x", "a@example.org"], [without_space(&name), "b@example.org"]]);
        prop_assert_eq!(unspaced(&read["to"]), to, "{}", shown);
        let text = if text.is_empty() { text } else { text + "\n" };
        prop_assert_eq!(&read["parts"][1]["text"], &json!(text), "{}", shown);
        // get_filename() takes white space off.
        prop_assert_eq!(&read["parts"][2]["name"], &json!(file.trim()), "{}", shown);
        let hex: String = bytes.iter().map(|octet| format!("{octet:02x}")).collect();
        prop_assert_eq!(&read["parts"][2]["bytes"], &json!(hex), "{}", shown);
        Ok(())
    });
    run.unwrap_or_else(|failure| panic!("{failure}"));
}
