//! Tables over whole messages.

use super::*;

fn message(text: &str) -> ParsedMessage {
    parse(text.replace('\n', "\r\n").as_bytes())
}

fn with_header(field: &str) -> ParsedMessage {
    message(&format!("{field}\n\nbody\n"))
}

#[test]
fn subjects_are_decoded_and_folded() {
    for (field, subject) in [
        ("Subject: Hello", "Hello"),
        ("SUBJECT:  a\n\tb \n c ", "a b c"),
        ("Subject: =?utf-8?B?0J/RgNC40LLQtdGC?= =?utf-8?Q?,_=D0=BC=D0=B8=D1=80?=", "Привет, мир"),
        ("Subject: =?koi8-r?B?8NLJ18XU?= ok", "Привет ok"),
        ("Subject: =?utf-8?Q?a=0D=0AX-Injected:_b?=", "a X-Injected: b"),
        ("Subject: =?utf-8?Q?unclosed", "=?utf-8?Q?unclosed"),
        ("Subject: Grüße", "Grüße"),
        ("Subject:", ""),
        ("Subject: first\nSubject: second", "first"),
        ("X: no subject", ""),
    ] {
        assert_eq!(with_header(field).subject, subject, "{field:?}");
    }
    assert_eq!(parse(b"Subject: caf\xe9 x\r\n\r\n").subject, "caf\u{fffd} x");
    let long = with_header(&format!("Subject: {}", "ф".repeat(10_000))).subject;
    assert_eq!(long, "ф".repeat(MAX_SUBJECT / 2));
}

#[test]
fn ids_are_taken_without_brackets() {
    for (field, own) in [
        ("Message-ID: <a@b>", Some("a@b")),
        ("Message-Id:\n <a@b>", Some("a@b")),
        ("Message-ID: <a\n @b>", Some("a@b")),
        ("Message-ID: bare@id", Some("bare@id")),
        ("Message-ID: < \"a  b\"@c >", Some("\"a  b\"@c")),
        ("Message-ID: <lost@bracket", Some("lost@bracket")),
        ("Message-ID: <>", None),
        ("Message-ID:", None),
        ("X: y", None),
    ] {
        assert_eq!(with_header(field).message_id.as_deref(), own, "{field:?}");
    }
    assert_eq!(with_header(&format!("Message-ID: <{}>", "x".repeat(1000))).message_id, None);
    for (field, reply) in [
        ("In-Reply-To: <a@b>", Some("a@b")),
        ("In-Reply-To: Your message of Monday <a@b> and <c@d>", Some("a@b")),
        ("In-Reply-To: Your message of Monday", None),
    ] {
        assert_eq!(with_header(field).in_reply_to.as_deref(), reply, "{field:?}");
    }
}

#[test]
fn of_many_references_the_root_and_the_last_are_kept() {
    let ids = |range: std::ops::Range<usize>| range.map(|n| format!("r{n}@x")).collect::<Vec<_>>();
    let field =
        |n| format!("References: {}", ids(0..n).iter().map(|id| format!("<{id}>\n ")).collect::<String>());
    assert_eq!(with_header(field(3).trim_end()).references, ids(0..3));
    let many = with_header(field(250).trim_end()).references;
    assert_eq!(many.len(), MAX_REFERENCES);
    assert_eq!(many[0], "r0@x");
    assert_eq!(many[1..], ids(151..250));
}

#[test]
fn dates_are_utc_and_sane() {
    for (field, micros) in [
        ("Date: Fri, 20 Nov 2026 10:00:00 +0000", Some(1_795_168_800_000_000)),
        ("Date: 20 Nov 2026 13:00:00 +0300 (MSK)", Some(1_795_168_800_000_000)),
        ("Date: Fri, 20 Nov 2026 05:00:00 EST", Some(1_795_168_800_000_000)),
        ("Date: Sat, 1 Jan 00 00:00:00 GMT", Some(946_684_800_000_000)),
        ("Date: Fri, 30 Jun 2023 23:59:60 +0000", Some(1_688_169_599_000_000)),
        ("Date: Thu, 1 Jan 1970 00:00:00 +0000", Some(0)),
        ("Date: Fri, 1 Jan 1960 00:00:00 +0000", None),
        ("Date: Fri, 1 Jan 2100 00:00:00 +0000", None),
        ("Date: Fri, 32 Foo 2026 10:00:00 +0000", None),
        ("Date: 99 Nov 2026 99:00:00 +0000", None),
        ("Date: yesterday", None),
        ("Date:", None),
        ("X: y", None),
    ] {
        assert_eq!(with_header(field).date, micros, "{field:?}");
    }
}

#[test]
fn addresses_are_read_in_order_and_groups_flattened() {
    let parsed = message(
        "From: =?utf-8?Q?J=C3=BCrgen?= <j@Example.com>\nSender: s@x\nReply-To: \"Doe, John\" <d@x>\nTo: a@x, B <b@x>\n\
         To: c@x\nCc: Team: d@x, E <e@x>;, f@x\nBcc: undisclosed-recipients:;\n\nx",
    );
    let got: Vec<_> = parsed.addresses.iter().map(|a| (a.role, a.name.as_str(), a.email.as_str())).collect();
    assert_eq!(
        got,
        [
            (Role::From, "Jürgen", "j@Example.com"),
            (Role::Sender, "", "s@x"),
            (Role::ReplyTo, "Doe, John", "d@x"),
            (Role::To, "", "a@x"),
            (Role::To, "B", "b@x"),
            (Role::To, "", "c@x"),
            (Role::Cc, "", "d@x"),
            (Role::Cc, "E", "e@x"),
            (Role::Cc, "", "f@x"),
        ]
    );
    let many = with_header(&format!("To: {}a@b", "a@b, ".repeat(3_000)));
    assert_eq!(many.addresses.len(), MAX_ADDRESSES);
}

const MIXED: &str = "Subject: s\nContent-Type: multipart/mixed; boundary=\"outer\"\n\npreamble\n--outer\n\
Content-Type: multipart/alternative; boundary=inner\n\n--inner\nContent-Type: text/plain; charset=utf-8\n\
Content-Transfer-Encoding: quoted-printable\n\n=D0=9F plain\n--inner\nContent-Type: text/html\n\n<p>html</p>\n--inner--\nepilogue\n\
--outer\nContent-Type: application/pdf; name=\"x.pdf\"\nContent-Disposition: attachment;\n filename*0*=utf-8''%D0%9E;\n filename*1*=%D1%82.pdf\n\
Content-Transfer-Encoding: base64\n\nQUJD\nREVG\n--outer\nContent-Type: message/rfc822\n\nSubject: inner\nMessage-ID: <i@x>\n\nforwarded text\n--outer--\n";

#[test]
fn the_tree_has_the_sizes_of_the_raw_octets() {
    let raw = MIXED.replace('\n', "\r\n");
    let parsed = parse(raw.as_bytes());
    let body = |s: &Structure| raw[s.offset as usize..(s.offset + s.size) as usize].to_owned();
    let root = &parsed.structure;
    assert_eq!((root.content_type.as_str(), root.children.len()), ("multipart/mixed", 3));
    assert_eq!(root.offset as usize, raw.find("preamble").unwrap());
    assert_eq!((root.offset + root.size) as usize, raw.len());
    let [alternative, pdf, forwarded] = root.children.as_slice() else { panic!("{root:?}") };
    assert_eq!(alternative.content_type, "multipart/alternative");
    assert!(body(alternative).starts_with("--inner\r\n") && body(alternative).ends_with("epilogue"));
    assert_eq!(body(&alternative.children[0]), "=D0=9F plain");
    assert_eq!(alternative.children[0].encoding, Encoding::QuotedPrintable);
    assert_eq!(alternative.children[0].charset.as_deref(), Some("utf-8"));
    assert_eq!(body(&alternative.children[1]), "<p>html</p>");
    assert_eq!(body(pdf), "QUJD\r\nREVG");
    assert_eq!((pdf.encoding, pdf.size), (Encoding::Base64, 10));
    assert_eq!((pdf.name.as_deref(), pdf.disposition.as_deref()), (Some("От.pdf"), Some("attachment")));
    assert_eq!(body(forwarded), "Subject: inner\r\nMessage-ID: <i@x>\r\n\r\nforwarded text");
    assert_eq!(body(&forwarded.children[0]), "forwarded text");
    assert_eq!(parsed.attachments, ["От.pdf"]);
    assert!(parsed.has_attachment);
    assert_eq!((parsed.subject.as_str(), parsed.message_id), ("s", None), "the envelope is the outer one");
    assert_eq!(parsed.text, "П plain\nforwarded text");
    assert_eq!(parsed.snippet, "П plain forwarded text");
}

#[test]
fn bare_line_feeds_make_the_same_tree() {
    let (with_lf, with_crlf) = (parse(MIXED.as_bytes()), message(MIXED));
    assert_eq!(with_lf.text, with_crlf.text);
    assert_eq!(with_lf.attachments, with_crlf.attachments);
    assert_eq!(with_lf.structure.children[1].size, 9);
}

#[test]
fn the_tree_survives_json() {
    let structure = message(MIXED).structure;
    let json = serde_json::to_string(&structure).unwrap();
    assert_eq!(serde_json::from_str::<Structure>(&json).unwrap(), structure);
    let leaf = serde_json::to_string(&message("X: y\n\nbody").structure).unwrap();
    assert_eq!(leaf, r#"{"type":"text/plain","offset":8,"size":4}"#);
}

fn multipart(subtype: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|part| format!("--b\n{part}\n")).collect();
    format!("Content-Type: multipart/{subtype}; boundary=b\n\n{parts}--b--\n")
}

const PLAIN: &str = "Content-Type: text/plain\n\nplain";
const HTML: &str = "Content-Type: text/html\n\n<p>html</p>";

#[test]
fn text_is_what_a_reader_would_see() {
    let footer = "\nfooter";
    let named = "Content-Type: text/plain; name=a.txt\n\nnamed";
    let attached = "Content-Disposition: attachment\n\nattached";
    let blank = "Content-Type: text/plain\n\n \n";
    let calendar = "Content-Type: text/calendar\n\nBEGIN:VCALENDAR";
    let image = "Content-Type: image/png\nContent-ID: <i>\n\nPNG";
    let related = multipart("related", &[HTML, image]).replace("=b\n", "=r\n").replace("--b", "--r");
    for (raw, text) in [
        ("X: y\n\nbody\n\n".to_owned(), "body"),
        ("X: y\n".to_owned(), ""),
        ("\nno header".to_owned(), "no header"),
        (format!("{HTML}\n"), "html"),
        (multipart("alternative", &[PLAIN, HTML]), "plain"),
        (multipart("alternative", &[HTML, PLAIN]), "plain"),
        (multipart("alternative", &[blank, HTML]), "html"),
        (multipart("alternative", &[HTML]), "html"),
        (multipart("alternative", &[calendar, HTML]), "html"),
        (multipart("alternative", &[PLAIN, &related]), "plain"),
        (multipart("alternative", &[image, &related]), "html"),
        (multipart("mixed", &[HTML, footer]), "html\nfooter"),
        (multipart("mixed", &[PLAIN, named, attached, calendar]), "plain"),
        (multipart("digest", &["\nSubject: x\n\ndigested"]), "digested"),
        ("Content-Type: multipart/mixed\n\nno boundary".to_owned(), "no boundary"),
        ("Content-Type: multipart/mixed; boundary=b\n\nno parts".to_owned(), "no parts"),
        ("Content-Type: text\n\nodd type".to_owned(), "odd type"),
        ("Content-Type: application/pdf\n\n%PDF".to_owned(), ""),
        ("Content-Type: text/plain\nContent-Transfer-Encoding: BASE64\n\nSGVsbG8=".to_owned(), "Hello"),
        ("Content-Type: text/html\n\n<meta charset=utf-8>Grüße".to_owned(), "Grüße"),
    ] {
        assert_eq!(message(&raw).text, text, "{raw}");
    }
}

#[test]
fn attachments_are_told_from_pictures_and_signatures() {
    let part = |head: &str| format!("{head}\n\nx");
    for (head, is_attachment) in [
        ("Content-Type: application/pdf", true),
        ("Content-Type: application/octet-stream\nContent-Disposition: inline", true),
        ("Content-Type: text/plain\nContent-Disposition: attachment", true),
        ("Content-Type: text/plain; name=x", true),
        ("Content-Type: image/png", true),
        ("Content-Type: image/png\nContent-ID: <a>", false),
        ("Content-Type: image/png\nContent-ID: <a>\nContent-Disposition: attachment", true),
        ("Content-Type: message/rfc822\n\nSubject: x", true),
        ("Content-Type: application/pgp-signature; name=s.asc", false),
        ("Content-Type: message/delivery-status", false),
        ("Content-Type: text/calendar", false),
        ("Content-Type: text/plain\nContent-Disposition: inline", false),
    ] {
        assert_eq!(
            message(&multipart("mixed", &[PLAIN, &part(head)])).has_attachment,
            is_attachment,
            "{head}"
        );
    }
    assert!(!message("X: y\n\nplain").has_attachment);
    assert!(message("Content-Type: application/pdf\n\n%PDF").has_attachment);
}

#[test]
fn attachment_names_are_decoded() {
    for (field, name) in [
        ("Content-Disposition: attachment; filename=\"a b.txt\"", "a b.txt"),
        ("Content-Disposition: attachment; filename=\"=?utf-8?B?0J4ucGRm?=\"", "О.pdf"),
        ("Content-Disposition: attachment; filename*=koi8-r''%EF.pdf", "О.pdf"),
        ("Content-Type: image/png; name=\"x.png\"", "x.png"),
        ("Content-Type: image/png; name=x.png\nContent-Disposition: attachment; filename=y.png", "y.png"),
    ] {
        assert_eq!(
            message(&multipart("mixed", &[PLAIN, &format!("{field}\n\nx")])).attachments,
            [name],
            "{field}"
        );
    }
}

#[test]
fn broken_boundaries_come_apart_at_the_right_places() {
    let children = |raw: &str| message(raw).structure.children.iter().map(|c| c.size).collect::<Vec<_>>();
    let head = "Content-Type: multipart/mixed; boundary=b\n\n";
    for (body, sizes) in [
        ("--b\n\none\n--b\n\nthree\n--b--\n", &[3, 5][..]),
        ("--b\n\none\n--b\n\ncut off", &[3, 7]),
        ("--b  \n\none\n--b--  \nrest", &[3]),
        ("--b\n\none --b\n--bb\n--c\n--b--", &[18]),
        ("--b\n\n--b\n\n\n--b--\n", &[0, 0]),
        ("--b\nX: no blank line\n--b\n\nx\n--b--\n", &[0, 1]),
        ("--b--\n--b\n\nafter the end\n", &[]),
        ("text\n", &[]),
    ] {
        assert_eq!(children(&format!("{head}{body}")), sizes, "{body:?}");
    }
    // The inner multipart has no end of its own.
    let unclosed = "--b\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\ninner\n--b\n\nouter\n--b--\n";
    let tree = message(&format!("{head}{unclosed}")).structure;
    assert_eq!(tree.children.len(), 2);
    assert_eq!(tree.children[0].children[0].size, 5);
    assert_eq!(tree.children[1].size, 5);
}

#[test]
fn the_caps_hold() {
    let text = format!("X: y\n\n{}", "фф ".repeat(MAX_TEXT));
    let parsed = message(&text);
    assert!(parsed.text.len() <= MAX_TEXT && parsed.text.len() > MAX_TEXT - 8);
    assert_eq!(parsed.snippet.chars().count(), SNIPPET_CHARS);
    let parts = message(&multipart("mixed", &vec!["\nx"; 3 * MAX_PARTS]));
    assert_eq!(parts.structure.children.len(), MAX_PARTS - 1);
    let name = "n".repeat(MAX_NAME * 2);
    let named = format!("Content-Disposition: attachment; filename={name}\n\nx");
    let names = message(&multipart("mixed", &vec![named.as_str(); 100]));
    assert_eq!((names.attachments.len(), names.attachments[0].len()), (64, MAX_NAME));
}
