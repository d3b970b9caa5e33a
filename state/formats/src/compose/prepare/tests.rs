use super::*;
use chrono::DateTime;

fn stamp() -> Stamp {
    Stamp {
        date: DateTime::parse_from_rfc3339("2026-11-20T13:00:00+03:00").unwrap(),
        message_id: "new@example.com".into(),
    }
}

fn prepared(raw: &str, purpose: Purpose) -> Result<Outgoing, ComposeError> {
    prepare_raw(raw.as_bytes(), &["vera@example.com".into(), "info@example.com".into()], &stamp(), purpose)
}

fn text(outgoing: &Outgoing) -> &str {
    std::str::from_utf8(&outgoing.bytes).unwrap()
}

#[test]
fn what_is_missing_is_added_and_bcc_goes_into_the_envelope() {
    let raw = "From: Vera <Vera@example.com>\nTo: a@x.org,\n b@x.org\nBCC: c@x.org\nCc: A@X.org, a@x.org\nSubject: x\n\nline\n";
    let sent = prepared(raw, Purpose::Send).unwrap();
    assert_eq!(
        text(&sent),
        "From: Vera <Vera@example.com>\r\nTo: a@x.org,\r\n b@x.org\r\nCc: A@X.org, a@x.org\r\nSubject: x\r\n\
         Date: Fri, 20 Nov 2026 13:00:00 +0300\r\nMessage-ID: <new@example.com>\r\n\r\nline\r\n"
    );
    assert_eq!(sent.envelope_from, "Vera@example.com");
    assert_eq!(sent.recipients, ["a@x.org", "b@x.org", "A@X.org", "c@x.org"]);
    assert_eq!(sent.message_id, "new@example.com");
    assert!(!sent.needs_8bit && !sent.needs_smtputf8);

    let draft = prepared(raw, Purpose::Draft).unwrap();
    assert!(text(&draft).contains("\r\nBCC: c@x.org\r\n"));
}

#[test]
fn what_is_there_stays() {
    let raw = "Received: x\r\n\ty\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID:\r\n <own@x>\r\nFrom: vera@example.com\r\n\
               To: a@x.org\r\nX-Odd:   spaces   stay \r\n\r\nbody without end";
    let sent = prepared(raw, Purpose::Send).unwrap();
    assert_eq!(text(&sent), format!("{raw}\r\n"));
    assert_eq!(sent.message_id, "own@x");
    assert_eq!(prepared(text(&sent), Purpose::Send).unwrap(), sent, "twice is once");
}

#[test]
fn an_empty_date_or_id_is_none() {
    let raw = "From: vera@example.com\r\nTo: a@x.org\r\nDate:\r\nMessage-ID: \r\n\r\n";
    let sent = prepared(raw, Purpose::Send).unwrap();
    assert_eq!(text(&sent).matches("Date:").count(), 1);
    assert_eq!(text(&sent).matches("Message-ID:").count(), 1);
    assert!(text(&sent).ends_with("Message-ID: <new@example.com>\r\n\r\n"));
}

#[test]
fn a_header_alone_is_a_message() {
    for end in ["", "\n", "\r\n", "\n\n"] {
        let sent = prepared(&format!("From: vera@example.com\nTo: a@x.org{end}"), Purpose::Send).unwrap();
        assert!(text(&sent).starts_with("From: vera@example.com\r\nTo: a@x.org\r\nDate: "));
        assert!(text(&sent).ends_with("<new@example.com>\r\n\r\n"));
    }
}

#[test]
fn extensions_are_asked_for_where_they_are_needed() {
    for (raw, needs_8bit, needs_smtputf8) in [
        ("From: vera@example.com\nTo: a@x.org\n\nascii", false, false),
        ("From: vera@example.com\nTo: a@x.org\n\nтекст", true, false),
        ("From: vera@example.com\nTo: a@x.org\nSubject: тема\n\nascii", false, true),
        ("From: vera@example.com\nTo: вера@x.org\n\nascii", false, true),
        ("From: vera@example.com\nBcc: вера@x.org\n\nascii", false, true),
        ("From: vera@example.com\nBcc: a@почта.рф\n\nascii", false, false),
    ] {
        let sent = prepared(raw, Purpose::Send).unwrap();
        assert_eq!((sent.needs_8bit, sent.needs_smtputf8), (needs_8bit, needs_smtputf8), "{raw}");
    }
}

#[test]
fn who_it_is_from() {
    for (head, from) in [
        ("From: vera@example.com", "vera@example.com"),
        ("From: INFO@EXAMPLE.COM", "INFO@EXAMPLE.COM"),
        ("From: vera@example.com\nSender: info@example.com", "info@example.com"),
        ("From: vera@example.com, info@example.com\nSender: info@example.com", "info@example.com"),
        ("From: Team: vera@example.com;", "vera@example.com"),
    ] {
        assert_eq!(prepared(&format!("{head}\nTo: a@x.org\n\n"), Purpose::Send).unwrap().envelope_from, from);
    }
}

#[test]
fn what_is_refused() {
    let long = format!("From: vera@example.com\nTo: a@x.org\n\n{}", "x".repeat(999));
    for (raw, said) in [
        (
            "From: eve@example.org\nTo: a@x.org\n\n",
            "From: \"eve@example.org\" is not an address of this account",
        ),
        (
            "From: vera@example.com, eve@e.org\nSender: vera@example.com\nTo: a@x.org\n\n",
            "From: \"eve@e.org\" is not",
        ),
        ("From: vera@example.com\nSender: eve@e.org\nTo: a@x.org\n\n", "Sender: \"eve@e.org\" is not"),
        ("From: vera@example.com, info@example.com\nTo: a@x.org\n\n", "several authors need a Sender"),
        ("From: vera@example.com\nSender: vera@example.com, info@example.com\nTo: a@x.org\n\n", "one person"),
        ("From: \"vera@example.com\" <eve@e.org>\nTo: a@x.org\n\n", "From: \"eve@e.org\" is not"),
        ("From: vera@example.com <eve@e.org>\nTo: a@x.org\n\n", "an address stands before an address"),
        ("From: vera@example.com\nfrom: eve@e.org\nTo: a@x.org\n\n", "From stands more than once"),
        (
            "From: vera@example.com\nTo: a@x.org\nMessage-Id: <a@b>\nMessage-ID: <c@d>\n\n",
            "Message-ID stands more",
        ),
        ("From: vera@example.com\nTo: a@x.org\nSubject: a\nSUBJECT: b\n\n", "Subject stands more than once"),
        ("To: a@x.org\n\n", "From is missing"),
        ("From:\nTo: a@x.org\n\n", "From is missing"),
        ("From: vera@example.com\nTo: undisclosed:;\n\n", "no recipient"),
        ("From: vera@example.com\n\n", "no recipient"),
        ("From: vera@example.com\nTo: Vera\n\n", "To: \"Vera\" is no mail address"),
        ("From: vera@example.com\nTo: a@x.org; b@x.org\n\n", "To is no list of addresses"),
        ("From: vera@example.com\nTo: a@x.org\nMessage-ID: none\n\n", "\"none\" is no message id"),
        ("From: vera@example.com\nTo: a@x.org\nMessage-ID: <a b@c>\n\n", "is no message id"),
        ("hello", "line 1: it is no header field"),
        ("From vera Fri Nov 20\nFrom: vera@example.com\n\n", "line 1: it is no header field"),
        (" From: vera@example.com\n\n", "line 1: it is no header field"),
        ("From : vera@example.com\n\n", "line 1: it is no header field"),
        ("From: vera@example.com\nX: a\n b\nodd\n\n", "line 4: it is no header field"),
        (
            "From: vera@example.com\nX: a\n \nTo: a@x.org\n\n",
            "line 2: a header field is continued by an empty line",
        ),
        ("From: vera@example.com\nTo: a@x.org\n\na\rb", "line 4: a CR stands without LF"),
        ("From: vera@example.com\nTo: a@x.org\rBcc: b@x.org\n\n", "line 2: a CR stands without LF"),
        ("From: vera@example.com\nTo: a@x.org\n\na\r\n.\r\r\n", "line 5: a CR stands without LF"),
        ("From: vera@example.com\nTo: a@x.org\n\n\0", "line 4: it holds a NUL"),
        (&long, "line 4: it is longer than 998 octets"),
    ] {
        let refused = prepared(raw, Purpose::Send).unwrap_err().to_string();
        assert!(refused.contains(said), "{raw:?}: {refused}");
    }
    let latin = b"From: vera@example.com\nTo: a@x.org\nSubject: \xe9\n\n";
    let refused = prepare_raw(latin, &["vera@example.com".into()], &stamp(), Purpose::Send).unwrap_err();
    assert_eq!(refused, ComposeError::Line { line: 3, reason: "the header is not UTF-8" });
}

#[test]
fn a_draft_may_lack_recipients() {
    let draft = prepared("From: vera@example.com\nSubject: later\n\n", Purpose::Draft).unwrap();
    assert!(draft.recipients.is_empty());
}

#[test]
fn bcc_is_taken_out_of_what_is_passed_on() {
    for (raw, kept) in [
        ("A: b\nBcc: x\n y\nResent-Bcc: z\nC: d\n\nBcc: body", "A: b\nC: d\n\nBcc: body"),
        ("Bcc : x\r\n\r\n", "\r\n"),
        ("A: b\r\nodd line\r\n\r\nbody", "A: b\r\nodd line\r\n\r\nbody"),
        ("BCC: x", ""),
        ("", ""),
    ] {
        assert_eq!(String::from_utf8(without_bcc(raw.as_bytes())).unwrap(), kept, "{raw:?}");
    }
}

proptest::proptest! {
    /// Whatever is made ready has one From that is the account's, lines that travel, and no Bcc.
    #[test]
    fn nothing_gets_past(pieces in proptest::collection::vec(
        "(From: vera@example.com|From: eve@e.org|To: a@x.org|bcc: c@x.org|BCC : d@x.org|\r\n|\n|\r| |\r\n\r\n|x|\0|:|,|п){1}",
        0..14,
    )) {
        if let Ok(sent) = prepared(&pieces.concat(), Purpose::Send) {
            let again = prepared(text(&sent), Purpose::Send);
            let parsed = crate::message::parse(&sent.bytes);
            let from: Vec<_> = parsed.addresses.iter().filter(|a| a.role == crate::message::Role::From).collect();
            proptest::prop_assert_eq!(from.len(), 1);
            proptest::prop_assert_eq!(&from[0].email, "vera@example.com");
            proptest::prop_assert!(!parsed.addresses.iter().any(|a| a.role == crate::message::Role::Bcc));
            proptest::prop_assert_eq!(lines::fault(&sent.bytes), None);
            proptest::prop_assert!(!text(&sent).replace("\r\n", "").contains(['\r', '\n']));
            // Only those whom Bcc named are gone from the envelope of what was sent.
            if let Ok(again) = again {
                proptest::prop_assert_eq!(again.bytes, sent.bytes);
            }
        }
    }
}
