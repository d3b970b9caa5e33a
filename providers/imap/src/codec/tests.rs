//! Tables of what servers send, and what any octets in any pieces come to.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use postrider_model::{Flags, UidSet};
use postrider_net::Limits;
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    fetch::{Body, FetchRow},
    listing::{Esearch, ListRow, Namespaces, StatusRow},
    reader::{Literal, RawResponse, read_response},
    response::{Data, Response},
    status::{Code, Status, StatusKind},
    stream::{Stream, WireError},
};

/// Octets that arrive in these pieces.
struct Pieces(VecDeque<Vec<u8>>);

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(mut piece) = self.0.pop_front() {
            let rest = piece.split_off(piece.len().min(to.remaining()));
            to.put_slice(&piece);
            if !rest.is_empty() {
                self.0.push_front(rest);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pieces {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

const LIMITS: Limits = Limits { line: 200, literal: 100 };

/// All responses until the end or the first error, whose words come last.
fn read_all(octets: &[u8], piece: usize) -> (Vec<RawResponse>, String) {
    let pieces = octets.chunks(piece.max(1)).map(<[u8]>::to_vec).collect();
    let mut stream = Stream::new(Box::new(Pieces(pieces)), Duration::from_secs(1));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut read = Vec::new();
        loop {
            match read_response(&mut stream, &LIMITS).await {
                Ok(response) => read.push(response),
                Err(why) => return (read, why.to_string()),
            }
        }
    })
}

fn one(octets: &[u8]) -> RawResponse {
    let (read, end) = read_all(octets, 7);
    assert_eq!((read.len(), end), (1, WireError::Closed.to_string()), "{}", String::from_utf8_lossy(octets));
    read.into_iter().next().unwrap()
}

fn data(line: &str) -> Data {
    match one(format!("{line}\r\n").as_bytes()).parse() {
        Ok(Response::Data(data)) => data,
        other => panic!("{line}: {other:?}"),
    }
}

fn set(text: &str) -> UidSet {
    super::sets::uid_set(text.as_bytes()).unwrap()
}

#[test]
fn literals_are_taken_out_of_the_text() {
    let bytes = |text: &str| Literal::Bytes(text.as_bytes().to_vec());
    let table: [(&str, &str, Vec<Literal>); 7] = [
        ("* A {3}\r\nxyz B\r\n", "* A \n B", vec![bytes("xyz")]),
        ("* A {0}\r\n\r\n", "* A \n", vec![bytes("")]),
        ("* A ~{2+}\r\n\r\n{1}\r\n\n\r\n", "* A \n\n", vec![bytes("\r\n"), bytes("\n")]),
        ("* OK see {12}\r\n", "* OK see {12}", vec![]),
        ("p1 NO {3}\r\n", "p1 NO {3}", vec![]),
        ("* A {x} {} {1\r\n", "* A {x} {} {1", vec![]),
        ("* A bare\n", "* A bare", vec![]),
    ];
    for (octets, text, literals) in table {
        assert_eq!(
            one(octets.as_bytes()),
            RawResponse { text: text.as_bytes().to_vec(), literals },
            "{octets}"
        );
    }
}

#[test]
fn what_is_too_large_is_read_past_or_refused() {
    let large =
        format!("* A {{101}}\r\n{} {{100}}\r\n{} {{1}}\r\nx\r\n* B\r\n", "l".repeat(101), "m".repeat(100));
    let (read, _) = read_all(large.as_bytes(), 13);
    let kept = vec![Literal::Skipped(101), Literal::Bytes(vec![b'm'; 100]), Literal::Skipped(1)];
    assert_eq!(
        read,
        [
            RawResponse { text: b"* A \n \n \n".to_vec(), literals: kept },
            RawResponse { text: b"* B".to_vec(), literals: vec![] },
        ]
    );
    let table = [
        (format!("* A {}\r\n", "x".repeat(200)), "the server sent a line that is too long"),
        ("x".repeat(201), "the server sent a line that is too long"),
        ("* A {4294967296}\r\n".to_owned(), "the server sent a literal of an impossible length"),
        ("* A {5}\r\nab".to_owned(), "the server closed the connection"),
        ("* A".to_owned(), "the server closed the connection"),
    ];
    for (octets, end) in table {
        assert_eq!(read_all(octets.as_bytes(), 11), (vec![], end.to_owned()), "{octets}");
    }
}

#[test]
fn each_kind_of_data_is_known() {
    let flags = |names: &[&str]| Some(Flags::from_wire(names.iter().copied()));
    let row = || FetchRow { number: 1, ..FetchRow::default() };
    let namespaces = |personal: Option<&[u8]>, others: &[&[u8]]| {
        let others = others.iter().map(|prefix| prefix.to_vec()).collect();
        Data::Namespace(Namespaces { personal: personal.map(<[u8]>::to_vec), others })
    };
    let vanished = |is_earlier, uids: &str| Data::Vanished { is_earlier, uids: set(uids) };
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let table: Vec<(&str, Data)> = vec![
        ("* 23 EXISTS", Data::Exists(23)),
        ("* 5 expunge", Data::Expunge(5)),
        ("* 5 RECENT", Data::Unknown),
        ("* XUNKNOWN (what {5 \"ever", Data::Unknown),
        ("*", Data::Unknown),
        ("* CAPABILITY IMAP4rev1  IDLE", Data::Capability(words("IMAP4rev1 IDLE"))),
        ("* ENABLED", Data::Enabled(vec![])),
        ("* FLAGS (\\Seen $Forwarded)", Data::Flags(words("\\Seen $Forwarded"))),
        ("* SEARCH", Data::Search(UidSet::EMPTY)),
        ("* SEARCH 9 2 3 (MODSEQ 917)", Data::Search(set("2:3,9"))),
        (
            "* ESEARCH (TAG \"p7\") UID",
            Data::Esearch(Esearch { tag: Some("p7".to_owned()), uids: UidSet::EMPTY }),
        ),
        (
            "* ESEARCH (TAG p7) UID COUNT 3 ALL 4:3,7 MODSEQ 5",
            Data::Esearch(Esearch { tag: Some("p7".to_owned()), uids: set("3:4,7") }),
        ),
        ("* VANISHED (EARLIER) 41,43:116,9:4", vanished(true, "4:9,41,43:116")),
        ("* VANISHED 1:4294967295", vanished(false, "1:4294967295")),
        ("* NAMESPACE ((\"INBOX.\" \".\")) NIL NIL", namespaces(Some(b"INBOX."), &[])),
        ("* NAMESPACE NIL NIL NIL", namespaces(None, &[])),
        (
            "* NAMESPACE ((\"\" \"/\")(\"#mh/\" \"/\" \"X\" (\"y\"))) NIL ((\"Shared/\" \"/\"))",
            namespaces(Some(b""), &[b"#mh/", b"Shared/"]),
        ),
        ("* ID (\"Name\" \"Dovecot\" \"os\" NIL)", Data::Id(vec![("name".into(), "Dovecot".into())])),
        ("* ID NIL", Data::Id(vec![])),
        (
            "* 1 FETCH (UID 4294967295 MODSEQ (917162500) FLAGS (\\Seen $X) RFC822.SIZE 44)",
            Data::Fetch(FetchRow {
                uid: Some(u32::MAX),
                mod_seq: Some(917_162_500),
                flags: flags(&["\\Seen", "$X"]),
                size: Some(44),
                ..row()
            }),
        ),
        (
            "* 1 FETCH (BODY[] NIL UID 3)",
            Data::Fetch(FetchRow { uid: Some(3), body: Some(Body::Nil), ..row() }),
        ),
        (
            "* 1 FETCH (BODY[HEADER.FIELDS (\"DATE\" FROM)]<0> \"a\\\"b\" X-GM-LABELS (\"\\\\Inbox\" (x)) UID 3 MODSEQ (0))",
            Data::Fetch(FetchRow { uid: Some(3), body: Some(Body::Bytes(b"a\"b".to_vec())), ..row() }),
        ),
        (
            "* 1 FETCH (UID 3 BODY[] {3}\r\na\0) FLAGS () INTERNALDATE \"yesterday\")",
            Data::Fetch(FetchRow {
                uid: Some(3),
                flags: flags(&[]),
                body: Some(Body::Bytes(b"a\0)".to_vec())),
                ..row()
            }),
        ),
    ];
    for (line, expected) in table {
        assert_eq!(data(line), expected, "{line}");
    }
}

#[test]
fn folders_and_their_states_are_known() {
    let list = |attributes: &[&str], delimiter, name: &[u8]| {
        Data::List(ListRow {
            attributes: attributes.iter().map(|a| (*a).to_owned()).collect(),
            delimiter,
            name: name.to_vec(),
        })
    };
    let state = StatusRow {
        name: b"INBOX".to_vec(),
        messages: Some(231),
        uid_next: Some(44_292),
        ..StatusRow::default()
    };
    let table: Vec<(&str, Data)> = vec![
        (
            "* LIST (\\HasNoChildren \\Sent) \"/\" \"Sent Items\"",
            list(&["\\HasNoChildren", "\\Sent"], Some('/'), b"Sent Items"),
        ),
        ("* LIST () NIL {4}\r\na\"\\b", list(&[], None, b"a\"\\b")),
        ("* LIST () \"\\\\\" NIL (CHILDINFO (SUBSCRIBED))", list(&[], Some('\\'), b"NIL")),
        ("* STATUS INBOX (MESSAGES 231 UIDNEXT 44292)", Data::FolderStatus(state.clone())),
        (
            "* STATUS INBOX (messages 231 UIDNEXT 44292 HIGHESTMODSEQ 0 UIDVALIDITY 0 DELETED 3 MAILBOXID (F2212ea87))",
            Data::FolderStatus(StatusRow { mailbox_id: Some("F2212ea87".to_owned()), ..state.clone() }),
        ),
        (
            "* STATUS INBOX (MESSAGES 231 UIDNEXT 44292 HIGHESTMODSEQ 18446744073709551615 UIDVALIDITY 7)",
            Data::FolderStatus(StatusRow { highest_mod_seq: Some(u64::MAX), uid_validity: Some(7), ..state }),
        ),
    ];
    for (line, expected) in table {
        assert_eq!(data(line), expected, "{line}");
    }
}

#[test]
fn statuses_carry_code_and_text() {
    let status = |kind, code: Option<(&str, &str)>, text: &str| Status {
        kind,
        code: code.map(|(name, arguments)| Code {
            name: name.to_owned(),
            arguments: arguments.as_bytes().to_vec(),
        }),
        text: text.as_bytes().to_vec(),
    };
    let table = [
        (
            "* OK [PERMANENTFLAGS (\\Answered \\*)] Limited",
            status(StatusKind::Ok, Some(("PERMANENTFLAGS", "(\\Answered \\*)")), "Limited"),
        ),
        ("* ok [closed]", status(StatusKind::Ok, Some(("CLOSED", "")), "")),
        ("* NO [never ends", status(StatusKind::No, None, "[never ends")),
        ("* BYE", status(StatusKind::Bye, None, "")),
    ];
    for (line, expected) in table {
        assert_eq!(data(line), Data::Status(expected), "{line}");
    }
    let tagged = one(b"p12 BAD [X-ODD y] no {5}\r\n").parse();
    let expected = Response::Tagged {
        tag: "p12".to_owned(),
        status: status(StatusKind::Bad, Some(("X-ODD", "y")), "no {5}"),
    };
    assert_eq!(tagged, Ok(expected));
    assert_eq!(one(b"+\r\n").parse(), Ok(Response::Continue(vec![])));
}

#[test]
fn what_is_needed_and_makes_no_sense_is_an_error() {
    let deep = format!("* LIST {}{} NIL x", "(".repeat(40), ")".repeat(40));
    let table = [
        "garbage",
        "p1 PREAUTH hello",
        "* SEARCH 1 x",
        "* SEARCH 0",
        "* SEARCH 4294967296",
        "* ESEARCH (TAG \"p1\") UID ALL",
        "* ESEARCH (TAG \"p1\") UID ALL 1:*",
        "* VANISHED (EARLIER)",
        "* VANISHED x",
        "* 4294967296 EXISTS",
        "* 1 FETCH",
        "* 1 FETCH (UID",
        "* 1 FETCH (UID)",
        "* 1 FETCH (UID 0)",
        "* 1 FETCH (BODY[] (x))",
        "* 1 FETCH (FLAGS \\Seen)",
        "* 1 FETCH ((x) y)",
        "* LIST () NIL",
        "* LIST x NIL y",
        "* LIST (\"x) NIL y",
        "* STATUS INBOX (MESSAGES)",
        "* STATUS INBOX )",
        &deep,
    ];
    for line in table {
        let parsed = one(format!("{line}\r\n").as_bytes()).parse();
        assert!(parsed.is_err(), "{line}: {parsed:?}");
    }
}

/// Lines as servers send them, and such as they do not.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![
        "* ",
        "FETCH ",
        "1 ",
        "(",
        ")",
        "UID ",
        "BODY[",
        "] ",
        "\"",
        "\\",
        "{3}\r\n",
        "~{1}\r\n",
        "{150}\r\n",
        "NIL ",
        "SEARCH ",
        "VANISHED ",
        "4:2",
        ",",
        "OK ",
        "[",
        "p1 ",
        "\r\n",
        "\n",
        "\0",
        "é",
        "LIST ",
        "STATUS ",
        "FLAGS ",
        "ESEARCH ",
        "ALL ",
        "99999999999999999999 ",
        "abc",
    ]);
    prop_oneof![
        prop::collection::vec(words, 0..30).prop_map(|words| words.concat().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..60),
    ]
}

proptest! {
    #[test]
    fn any_octets_in_any_pieces_come_to_the_same_and_never_panic(lines in prop::collection::vec(line(), 0..8), piece in 1usize..40) {
        let octets = lines.concat();
        let (whole, end) = read_all(&octets, octets.len());
        let (pieces, end_of_pieces) = read_all(&octets, piece);
        prop_assert_eq!(&whole, &pieces);
        prop_assert_eq!(end, end_of_pieces);
        for response in whole {
            let kept: usize = response.literals.iter().map(|l| if let Literal::Bytes(b) = l { b.len() } else { 0 }).sum();
            prop_assert!(response.text.len() <= LIMITS.line + 1 && kept as u64 <= LIMITS.literal);
            let _ = response.parse();
        }
    }

    #[test]
    fn a_message_of_any_octets_comes_through(message in prop::collection::vec(any::<u8>(), 0..100), piece in 1usize..200) {
        let mut octets = format!("* 1 FETCH (UID 9 BODY[] {{{}}}\r\n", message.len()).into_bytes();
        octets.extend(&message);
        octets.extend(b" FLAGS ())\r\n* 2 EXISTS\r\n");
        let (read, _) = read_all(&octets, piece);
        let body = Some(Body::Bytes(message));
        let row = FetchRow { number: 1, uid: Some(9), body, flags: Some(Flags::NONE), ..FetchRow::default() };
        let parsed: Vec<_> = read.into_iter().map(|response| response.parse().unwrap()).collect();
        prop_assert_eq!(parsed, [Response::Data(Data::Fetch(row)), Response::Data(Data::Exists(2))]);
    }
}
