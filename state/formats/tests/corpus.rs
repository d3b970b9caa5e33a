//! Real mail. Read by us and by mail-parser as a whole, both must see the same message; answered and passed on, it must make
//! messages that can be sent.
//!
//! Runs over the mail that `POSTRIDER_CORPUS` names, a folder or a `.tar.gz`; without it the tests pass and say that they were skipped.

#![allow(clippy::disallowed_methods, reason = "the data folder is named by an environment variable")]
#![allow(clippy::disallowed_macros, reason = "a skip is printed by name")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

use chrono::DateTime;
use mail_parser::MessageParser;
use postrider_formats::compose::{Composed, Mailbox, Purpose, Stamp, compose, forward, reply_to};
use postrider_formats::message::{self, ParsedMessage, Role, Structure};
use std::io::Read;
use std::path::{Path, PathBuf};

#[test]
fn real_mail_is_read_as_mail_parser_reads_it() {
    for (name, raw) in corpus("real_mail_is_read_as_mail_parser_reads_it") {
        compare(&name, &raw);
    }
}

#[test]
fn real_mail_is_answered_and_passed_on() {
    for (name, raw) in corpus("real_mail_is_answered_and_passed_on") {
        let reply = reply_to(&message::parse(&raw), true, &[]);
        assert!(!reply.to.is_empty(), "{name}: nobody to answer");
        let forward = forward(&raw);
        let original = forward.attachment.bytes.clone();
        let answer = sent(Composed {
            from: Mailbox::bare("vera@example.com"),
            to: reply.to,
            cc: reply.cc,
            subject: reply.subject.clone(),
            text: Some(reply.quoted),
            attachments: vec![forward.attachment],
            in_reply_to: reply.in_reply_to,
            references: reply.references.clone(),
            ..Composed::default()
        });
        let parsed = message::parse(&answer);
        assert_eq!(parsed.subject, folded(&reply.subject), "{name}");
        assert_eq!(parsed.references, reply.references, "{name}");
        let attached = &parsed.structure.children[1];
        let body = &answer[attached.offset as usize..(attached.offset + attached.size) as usize];
        if attached.content_type == "message/rfc822" {
            assert!(body == original, "{name}: the message passed on is another");
        }
    }
}

/// A message with everything given that comes from clock and chance.
fn sent(message: Composed) -> Vec<u8> {
    let date = DateTime::parse_from_rfc3339("2026-11-20T13:00:00+03:00").unwrap();
    let stamp = Stamp { date, message_id: "m.1@example.com".into() };
    let mut number = 0;
    let mut boundaries = || {
        number += 1;
        format!("----=_boundary_{number}")
    };
    compose(message, &stamp, &mut boundaries, Purpose::Send).unwrap_or_else(|error| panic!("{error}")).bytes
}

/// The mail to look at; none, said so, where none is given.
fn corpus(test: &str) -> Vec<(String, Vec<u8>)> {
    let Some(corpus) = std::env::var_os("POSTRIDER_CORPUS").map(PathBuf::from) else {
        println!("skipped: {test} (POSTRIDER_CORPUS is not set)");
        return Vec::new();
    };
    let mails = mails(&corpus);
    assert!(!mails.is_empty(), "no mail in {}", corpus.display());
    mails
}

fn compare(name: &str, raw: &[u8]) {
    let ours = message::parse(raw);
    let theirs = MessageParser::new().parse(raw).unwrap();
    assert_eq!(ours.subject, folded(theirs.subject().unwrap_or_default()), "{name}: subject");
    assert_eq!(ours.message_id.as_deref(), theirs.message_id(), "{name}: message id");
    assert_eq!(ours.date, theirs.date().map(|at| at.to_timestamp() * 1_000_000), "{name}: date");
    let from: Vec<_> =
        theirs.from().into_iter().flat_map(|list| list.iter()).filter_map(|a| a.address()).collect();
    assert_eq!(emails(&ours, Role::From), from, "{name}: from");
    assert_eq!(leaves(&ours.structure), leaves_of(&theirs, theirs.root_part()), "{name}: parts");
    // Of several parts readers choose differently.
    if let (true, Some(text)) = (ours.structure.children.is_empty(), theirs.body_text(0))
        && theirs.text_part(0).is_some_and(|part| part.is_text() && !part.is_text_html())
        // Where mail-parser gives up on a charset, we guess.
        && !text.contains('\u{fffd}')
    {
        assert_eq!(folded(&ours.text), folded(&text), "{name}: text");
    }
}

fn emails(message: &ParsedMessage, role: Role) -> Vec<&str> {
    message.addresses.iter().filter(|a| a.role == role).map(|a| a.email.as_str()).collect()
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Raw sizes of the leaves in order.
fn leaves(structure: &Structure) -> Vec<u64> {
    if structure.children.is_empty() {
        return vec![structure.size];
    }
    structure.children.iter().flat_map(leaves).collect()
}

fn leaves_of(message: &mail_parser::Message<'_>, part: &mail_parser::MessagePart<'_>) -> Vec<u64> {
    use mail_parser::PartType;
    match &part.body {
        PartType::Multipart(children) => {
            children.iter().flat_map(|id| leaves_of(message, message.part(*id).unwrap())).collect()
        }
        PartType::Message(inner) => leaves_of(inner, inner.root_part()),
        _ => vec![u64::from(part.offset_end - part.offset_body)],
    }
}

/// Name and bytes of every message, as a server would serve them.
fn mails(corpus: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = if corpus.is_dir() { files(corpus) } else { tar_files(corpus) };
    found.retain(|(name, _)| name.ends_with(".eml"));
    found.sort();
    found.into_iter().map(|(name, file)| (name, as_served(&file))).collect()
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.extension() {
            _ if path.is_dir() => files(&path),
            Some(end) if end == "gz" => tar_files(&path),
            _ => vec![(path.display().to_string(), std::fs::read(&path).unwrap())],
        })
        .collect()
}

/// The regular files of a gzipped tar (POSIX.1, ustar): blocks of 512 bytes, the size in octal at 124.
fn tar_files(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut tar).unwrap();
    let mut found = Vec::new();
    let mut at = 0;
    while tar[at..].len() >= 512 && tar[at] != 0 {
        let text = |from: usize, len: usize| {
            String::from_utf8_lossy(&tar[at + from..at + from + len]).trim_matches(['\0', ' ']).to_owned()
        };
        let size = usize::from_str_radix(&text(124, 12), 8).unwrap();
        if matches!(tar[at + 156], b'0' | 0) {
            found.push((text(0, 100), tar[at + 512..at + 512 + size].to_vec()));
        }
        at += 512 + size.next_multiple_of(512);
    }
    found
}

fn as_served(file: &[u8]) -> Vec<u8> {
    let lines = file.split_inclusive(|b| *b == b'\n').skip(usize::from(file.starts_with(b"From ")));
    lines.flat_map(|line| [line.strip_suffix(b"\n").unwrap_or(line), b"\r\n"].concat()).collect()
}
