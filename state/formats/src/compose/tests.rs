use super::*;
use crate::message::{self, ParsedMessage, Role, Structure};
use chrono::DateTime;
use proptest::prelude::*;

fn stamp() -> Stamp {
    Stamp {
        date: DateTime::parse_from_rfc3339("2026-11-20T13:00:05.9+03:00").unwrap(),
        message_id: "m.1@example.com".into(),
    }
}

fn boundaries() -> impl FnMut() -> String {
    let mut number = 0;
    move || {
        number += 1;
        format!("----=_boundary_{number}")
    }
}

fn named(name: &str, email: &str) -> Mailbox {
    Mailbox { name: name.into(), email: email.into() }
}

fn picture(content_id: &str) -> InlinePart {
    InlinePart {
        content_id: content_id.into(),
        name: "logo.png".into(),
        content_type: "image/png".into(),
        bytes: vec![0x89, b'P', 0, 255, b'\n'],
    }
}

/// The least that can be sent.
fn simple() -> Composed {
    Composed {
        from: named("Vera", "vera@example.com"),
        to: vec![Mailbox::bare("a@x.org")],
        subject: "Hello".into(),
        text: Some("Hi".into()),
        ..Composed::default()
    }
}

fn everything() -> Composed {
    Composed {
        sender: Some(Mailbox::bare("office@example.com")),
        reply_to: vec![named("Отдел", "team@example.com")],
        cc: vec![named("Doe, John", "john@x.org"), Mailbox::bare("A@X.ORG")],
        bcc: vec![Mailbox::bare("secret@x.org"), Mailbox::bare("a@X.org")],
        html: Some("<p>Привет <img src=\"cid:pic@1\"></p>".into()),
        attachments: vec![
            Part {
                name: "Отчёт за ноябрь.pdf".into(),
                content_type: "application/pdf".into(),
                bytes: vec![7; 200],
            },
            Part { name: "b.txt".into(), content_type: "text/plain".into(), bytes: b"b\n".to_vec() },
        ],
        inline: vec![picture("pic@1")],
        signature: Some(Signature {
            plain: Some("Вера".into()),
            html: Some("<b>Вера</b><img src=\"cid:sig@1\">".into()),
            pictures: vec![picture("sig@1")],
        }),
        in_reply_to: Some("p@x".into()),
        references: vec!["r@x".into(), "p@x".into()],
        headers: vec![("X-Mailer".into(), "Почта".into())],
        ..simple()
    }
}

fn sent(message: Composed) -> Outgoing {
    compose(message, &stamp(), &mut boundaries(), Purpose::Send).unwrap()
}

fn octets(outgoing: &Outgoing) -> &str {
    std::str::from_utf8(&outgoing.bytes).unwrap()
}

/// Content types of the tree, children in brackets.
fn shape(part: &Structure) -> String {
    let kind = part.content_type.rsplit('/').next().unwrap_or_default();
    match part.children.as_slice() {
        [] => kind.to_owned(),
        children => format!("{kind}[{}]", children.iter().map(shape).collect::<Vec<_>>().join(" ")),
    }
}

fn people(parsed: &ParsedMessage, role: Role) -> Vec<(&str, &str)> {
    let of_role = parsed.addresses.iter().filter(|address| address.role == role);
    of_role.map(|address| (address.name.as_str(), address.email.as_str())).collect()
}

#[test]
fn the_least_message_to_the_octet() {
    let outgoing = sent(simple());
    assert_eq!(
        octets(&outgoing),
        "Date: Fri, 20 Nov 2026 13:00:05 +0300\r\nFrom: Vera <vera@example.com>\r\nTo: a@x.org\r\nSubject: Hello\r\n\
         Message-ID: <m.1@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 7bit\r\n\r\nHi\r\n"
    );
    assert_eq!(outgoing.envelope_from, "vera@example.com");
    assert_eq!(outgoing.recipients, ["a@x.org"]);
    assert_eq!(outgoing.message_id, "m.1@example.com");
    assert!(!outgoing.needs_8bit && !outgoing.needs_smtputf8);
}

#[test]
fn everything_comes_back() {
    let outgoing = sent(everything());
    assert_eq!(outgoing, sent(everything()), "the same values, the same octets");
    assert_eq!(outgoing.envelope_from, "office@example.com");
    assert_eq!(outgoing.recipients, ["a@x.org", "john@x.org", "A@X.ORG", "secret@x.org"]);

    let parsed = message::parse(&outgoing.bytes);
    assert_eq!(
        shape(&parsed.structure),
        "mixed[alternative[plain related[html png png]] pdf plain]",
        "{}",
        octets(&outgoing)
    );
    assert_eq!(parsed.attachments, ["Отчёт за ноябрь.pdf", "b.txt"]);
    assert_eq!(parsed.text, "Hi\r\n-- \r\nВера".replace("\r\n", "\n"));
    assert_eq!(people(&parsed, Role::ReplyTo), [("Отдел", "team@example.com")]);
    assert_eq!(people(&parsed, Role::Cc), [("Doe, John", "john@x.org"), ("", "A@X.ORG")]);
    assert_eq!(parsed.in_reply_to.as_deref(), Some("p@x"));
    assert_eq!(parsed.references, ["r@x", "p@x"]);
    assert_eq!(parsed.date, Some(stamp().date.timestamp() * 1_000_000));
    let related = &parsed.structure.children[0].children[1];
    let ids: Vec<_> = related.children.iter().filter_map(|part| part.content_id.as_deref()).collect();
    assert_eq!(ids, ["pic@1", "sig@1"]);
    assert!(octets(&outgoing).is_ascii());
    assert!(!octets(&outgoing).contains("secret"));
    assert!(octets(&outgoing).lines().all(|line| line.len() <= 78));
}

#[test]
fn the_shape_follows_what_there_is() {
    let file = || Part { name: "a.pdf".into(), content_type: "application/pdf".into(), bytes: vec![1] };
    let html = || Some("<p>x</p>".to_owned());
    for (shape_expected, message) in [
        ("plain", simple()),
        ("plain", Composed { text: None, ..simple() }),
        ("alternative[plain html]", Composed { html: html(), ..simple() }),
        ("alternative[plain html]", Composed { text: None, html: html(), ..simple() }),
        (
            "alternative[plain related[html png]]",
            Composed { html: html(), inline: vec![picture("p")], ..simple() },
        ),
        ("mixed[plain png]", Composed { inline: vec![picture("p")], ..simple() }),
        ("mixed[plain pdf]", Composed { attachments: vec![file()], ..simple() }),
        (
            "mixed[alternative[plain html] pdf]",
            Composed { html: html(), attachments: vec![file()], ..simple() },
        ),
    ] {
        let parsed = message::parse(&sent(message).bytes);
        assert_eq!(shape(&parsed.structure), shape_expected);
    }
}

#[test]
fn a_draft_keeps_bcc_and_may_lack_recipients() {
    let draft = compose(everything(), &stamp(), &mut boundaries(), Purpose::Draft).unwrap();
    assert!(octets(&draft).contains("\r\nBcc: secret@x.org, a@X.org\r\n"));
    let nobody = || Composed { to: Vec::new(), ..simple() };
    assert!(compose(nobody(), &stamp(), &mut boundaries(), Purpose::Draft).is_ok());
    let refused = compose(nobody(), &stamp(), &mut boundaries(), Purpose::Send);
    assert_eq!(refused, Err(ComposeError::NoRecipient));
}

#[test]
fn a_message_passed_on_travels_as_it_is() {
    let raw = "From: v@a\r\nSubject: Тема\r\nBcc: x@y\r\n\r\nтекст\r\n";
    let forward = forward(raw.as_bytes());
    let message = Composed { subject: forward.subject, attachments: vec![forward.attachment], ..simple() };
    let outgoing = sent(message);
    assert!(outgoing.needs_8bit && !outgoing.needs_smtputf8);
    assert!(octets(&outgoing).contains("\r\n\r\nFrom: v@a\r\nSubject: Тема\r\n\r\nтекст\r\n\r\n--"));
    assert_eq!(shape(&message::parse(&outgoing.bytes).structure), "mixed[plain rfc822[plain]]");
}

#[test]
fn addresses_beyond_ascii_need_an_extension() {
    for message in [
        Composed { from: Mailbox::bare("вера@example.com"), ..simple() },
        Composed { to: vec![Mailbox::bare("a@почта.рф")], ..simple() },
        Composed { bcc: vec![Mailbox::bare("вера@example.com")], ..simple() },
    ] {
        assert!(sent(message).needs_smtputf8);
    }
    assert!(!sent(Composed { bcc: vec![Mailbox::bare("a@почта.рф")], ..simple() }).needs_smtputf8);
    assert!(!sent(Composed { from: named("Вера", "vera@example.com"), ..simple() }).needs_smtputf8);
}

/// Each place that takes text, with a line break in it.
fn injected(poison: &str) -> Vec<(&'static str, Composed)> {
    let file = |name: &str, kind: &str| Part { name: name.into(), content_type: kind.into(), bytes: vec![1] };
    let html = Some("x".to_owned());
    let bad = || poison.to_owned();
    let email = format!("a@x.org{poison}");
    vec![
        ("From", Composed { from: named(poison, "vera@example.com"), ..simple() }),
        ("From", Composed { from: Mailbox::bare(&email), ..simple() }),
        ("Sender", Composed { sender: Some(Mailbox::bare(&email)), ..simple() }),
        ("Reply-To", Composed { reply_to: vec![named(poison, "a@x.org")], ..simple() }),
        ("To", Composed { to: vec![Mailbox::bare(&email)], ..simple() }),
        ("Cc", Composed { cc: vec![named(poison, "a@x.org")], ..simple() }),
        ("Bcc", Composed { bcc: vec![Mailbox::bare(&email)], ..simple() }),
        ("Subject", Composed { subject: bad(), ..simple() }),
        ("In-Reply-To", Composed { in_reply_to: Some(bad()), ..simple() }),
        ("References", Composed { references: vec!["a@b".into(), bad()], ..simple() }),
        ("X-A", Composed { headers: vec![("X-A".into(), bad())], ..simple() }),
        ("header field", Composed { headers: vec![(bad(), "x".into())], ..simple() }),
        ("attachment 1", Composed { attachments: vec![file(poison, "text/plain")], ..simple() }),
        (
            "attachment 1",
            Composed { attachments: vec![file("a", &format!("text/plain{poison}"))], ..simple() },
        ),
        ("inline part 1", Composed { html: html.clone(), inline: vec![picture(poison)], ..simple() }),
        (
            "inline part 1",
            Composed { html, inline: vec![InlinePart { name: bad(), ..picture("p") }], ..simple() },
        ),
    ]
}

#[test]
fn a_line_break_is_refused_wherever_it_stands() {
    for poison in ["x\r\nBcc: all@x.org", "x\nBcc: all@x.org", "x\rBcc: all@x.org", "x\0"] {
        for (place, message) in injected(poison) {
            let refused = compose(message, &stamp(), &mut boundaries(), Purpose::Send).unwrap_err();
            assert!(matches!(refused, ComposeError::LineBreak { .. }), "{place} {poison:?}: {refused}");
            assert!(refused.to_string().contains(place), "{place}: {refused}");
        }
    }
    let stamp = Stamp { message_id: "a@b>\r\nBcc: x".into(), ..stamp() };
    assert!(compose(simple(), &stamp, &mut boundaries(), Purpose::Send).is_err());
}

#[test]
fn refusals_say_what_and_where() {
    let mut twice = everything();
    twice.inline.push(picture("sig@1"));
    let early = Stamp { date: DateTime::parse_from_rfc3339("1800-01-01T00:00:00Z").unwrap(), ..stamp() };
    for (message, stamp, said) in [
        (Composed { from: Mailbox::default(), ..simple() }, stamp(), "From is missing"),
        (Composed { to: Vec::new(), ..simple() }, stamp(), "no recipient: To, Cc and Bcc are empty"),
        (
            Composed { to: vec![Mailbox::bare("x y@z")], ..simple() },
            stamp(),
            "To: \"x y@z\" is no mail address: what stands before the @ holds characters or dots that need quotes",
        ),
        (
            Composed {
                attachments: vec![Part { content_type: "pdf".into(), ..Part::default() }],
                ..simple()
            },
            stamp(),
            "attachment 1: \"pdf\" is no content type of a part",
        ),
        (
            Composed { headers: vec![("bcc".into(), "x".into())], ..simple() },
            stamp(),
            "header field \"bcc\" has a place of its own",
        ),
        (
            Composed { references: vec!["a b".into()], ..simple() },
            stamp(),
            "References: \"a b\" is no message id",
        ),
        (twice, stamp(), "inline part 3: \"sig@1\" is that of another part"),
        (simple(), early, "the date is outside the years 1900 to 9999"),
        (simple(), Stamp { message_id: "half@".into(), ..stamp() }, "Message-ID: \"half@\" is no message id"),
    ] {
        let refused = compose(message, &stamp, &mut boundaries(), Purpose::Send).unwrap_err();
        assert_eq!(refused.to_string(), said);
    }
}

/// Text as people type it: words, odd characters, other scripts; no control characters.
fn typed() -> impl Strategy<Value = String> {
    "([a-zA-Z0-9 .,;:!?@<>()\"'\\\\=_%-]|[а-яё]|[äéß]|日|😀|=\\?utf-8\\?q\\?x\\?=|  ){0,60}"
}

proptest! {
    #[test]
    fn what_was_said_is_read(subject in typed(), name in typed(), other in typed(), file in typed(), body in typed()) {
        let attachments =
            vec![Part { name: file.clone(), content_type: "application/pdf".into(), bytes: body.clone().into_bytes() }];
        let message = Composed {
            subject: subject.clone(),
            to: vec![named(&name, "a@x.org"), named(&other, "b@x.org")],
            text: Some(body.clone()),
            attachments,
            ..simple()
        };
        let outgoing = sent(message);
        prop_assert!(octets(&outgoing).lines().all(|line| line.len() <= 78), "{}", octets(&outgoing));
        let parsed = message::parse(&outgoing.bytes);
        let folded = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        prop_assert_eq!(&parsed.subject, &folded(&subject), "{}", octets(&outgoing));
        let (name, other, file) = (folded(&name), folded(&other), folded(&file));
        prop_assert_eq!(
            people(&parsed, Role::To),
            vec![(name.as_str(), "a@x.org"), (other.as_str(), "b@x.org")],
            "{}", octets(&outgoing)
        );
        let names = if file.is_empty() { vec![] } else { vec![file] };
        prop_assert_eq!(&parsed.attachments, &names, "{}", octets(&outgoing));
        prop_assert_eq!(parsed.text.trim_end(), body.trim_end());
    }

    /// Whatever came in, an answer to it and a message that passes it on can be kept as drafts.
    #[test]
    fn every_message_can_be_answered_and_passed_on(raw in prop::collection::vec(
        "(From: |To: |Cc: |Subject: |Message-ID: |References: |In-Reply-To: |Reply-To: |Date: |Bcc: |\r\n|\r\n|\n|\r|\0| |<|>|,|a@b|\"|=\\?|п|\u{202e}|x|\r\n\r\n|--b){1}",
        0..40,
    )) {
        let raw = raw.concat();
        let reply = reply_to(&message::parse(raw.as_bytes()), true, &[]);
        let forward = forward(raw.as_bytes());
        let message = Composed {
            to: reply.to,
            cc: reply.cc,
            subject: reply.subject,
            text: Some(reply.quoted),
            in_reply_to: reply.in_reply_to,
            references: reply.references,
            attachments: vec![forward.attachment],
            ..simple()
        };
        let draft = compose(message, &stamp(), &mut boundaries(), Purpose::Draft);
        prop_assert!(draft.is_ok(), "{raw:?}: {draft:?}");
        let message = Composed { subject: forward.subject, references: forward.references, ..simple() };
        let draft = compose(message, &stamp(), &mut boundaries(), Purpose::Draft);
        prop_assert!(draft.is_ok(), "{raw:?}: {draft:?}");
    }

    #[test]
    fn no_value_makes_a_field(subject in any::<String>(), name in any::<String>(), file in any::<String>(), value in any::<String>()) {
        let message = Composed {
            subject,
            from: named(&name, "vera@example.com"),
            headers: vec![("X-Value".into(), value)],
            attachments: vec![Part { name: file, content_type: "application/pdf".into(), bytes: vec![1] }],
            ..simple()
        };
        if let Ok(outgoing) = compose(message, &stamp(), &mut boundaries(), Purpose::Send) {
            let header = String::from_utf8(message::header_block(&outgoing.bytes).to_vec()).unwrap();
            let fields: Vec<_> = header.split("\r\n").filter(|line| !line.starts_with(' ') && !line.is_empty()).collect();
            let names: Vec<_> = fields.iter().filter_map(|field| field.split(':').next()).collect();
            prop_assert_eq!(
                names,
                ["Date", "From", "To", "Subject", "Message-ID", "X-Value", "MIME-Version", "Content-Type"]
            );
            prop_assert!(!octets(&outgoing).replace("\r\n", "").contains(['\r', '\n', '\0']));
        }
    }
}
