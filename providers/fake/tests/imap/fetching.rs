//! FETCH: every item, sections, partials, changes.

use postrider_fake::Capabilities;

use crate::transcript::{all, date, logged_in, selected, server, three};

#[tokio::test(start_paused = true)]
async fn the_plain_items() {
    let (server, anna) = three(all());
    anna.set_uid_next("INBOX", 3_000_000_000).unwrap();
    anna.append("INBOX", &b"x"[..], &["\\Seen", "k"], date("2024-01-09T05:06:07-03:30")).unwrap();
    let script = r#"
        C: a1 FETCH 4 (UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ EMAILID THREADID)
        S: * 4 FETCH (UID 3000000000 FLAGS (\Seen k \Recent) INTERNALDATE " 9-Jan-2024 05:06:07 -0330" RFC822.SIZE 1 MODSEQ (5) EMAILID (M4) THREADID NIL)
        S: a1 OK done
        C: a2 UID FETCH 2:3,77,* (FLAGS)
        S: * 2 FETCH (FLAGS (\Recent) UID 2)
        S: * 3 FETCH (FLAGS (\Recent) UID 3)
        S: * 4 FETCH (FLAGS (\Seen k \Recent) UID 3000000000)
        S: a2 OK done
        C: a3 UID FETCH 77 FLAGS
        S: a3 OK done
        C: a4 FETCH 1 FAST
        S: * 1 FETCH (FLAGS (\Recent) INTERNALDATE " 1-Jan-2024 10:00:00 +0000" RFC822.SIZE 49)
        S: a4 OK done"#;
    selected(&server, script).await;
}

#[tokio::test(start_paused = true)]
async fn whole_messages_that_were_handed_out_are_noted() {
    let (server, anna) = three(all());
    let script = r#"
        C: a1 UID FETCH 2 (BODY.PEEK[HEADER] FLAGS)
        S: * 2 FETCH (BODY[HEADER] {39}
        S: From: two@example.com
        S: Subject: two
        S:
        S:  FLAGS (\Recent) UID 2)
        S: a1 OK done
        C: a2 UID FETCH 3,9 (BODY.PEEK[]<0.4>)
        S: * 3 FETCH (BODY[]<0> {4}
        S: From UID 3)
        S: a2 OK done"#;
    selected(&server, script).await;
    let uid_validity = anna.snapshot()["INBOX"].uid_validity;
    let bodies: Vec<_> = server.take_bodies();
    assert_eq!(
        bodies.iter().map(|body| (body.mailbox.as_str(), body.uid)).collect::<Vec<_>>(),
        [("INBOX", 3)]
    );
    assert!(bodies.iter().all(|body| body.uid_validity == uid_validity));
    assert_eq!(server.take_bodies(), []);
}

#[tokio::test(start_paused = true)]
async fn bodies_and_sections() {
    let (server, _) = three(Capabilities::bare());
    let script = r#"
        C: a1 UID FETCH 1 (BODY.PEEK[])
        S: * 1 FETCH (BODY[] {49}
        S: From: one@example.com
        S: Subject: one
        S:
        S: body one
        S:  UID 1)
        S: a1 OK done
        C: a2 FETCH 1 BODY.PEEK[HEADER.FIELDS (subject "X-None")]
        S: * 1 FETCH (BODY[HEADER.FIELDS ("subject" "X-None")] {16}
        S: Subject: one
        S:
        S: )
        S: a2 OK done
        C: a3 FETCH 1 BODY.PEEK[HEADER.FIELDS.NOT (Subject)]
        S: * 1 FETCH (BODY[HEADER.FIELDS.NOT ("Subject")] {25}
        S: From: one@example.com
        S:
        S: )
        S: a3 OK done
        C: a4 FETCH 1 (BODY.PEEK[]<6.3> BODY.PEEK[TEXT]<100.5>)
        S: * 1 FETCH (BODY[]<6> {3}
        S: one BODY[TEXT]<100> {0}
        S: )
        S: a4 OK done
        C: a5 FETCH 1 (BODY.PEEK[1] BODY.PEEK[2])
        S: * 1 FETCH (BODY[1] {10}
        S: body one
        S:  BODY[2] NIL)
        S: a5 OK done
        C: a6 FETCH 1 BODY[TEXT]
        S: * 1 FETCH (BODY[TEXT] {10}
        S: body one
        S:  FLAGS (\Seen \Recent))
        S: a6 OK done
        C: a7 FETCH 2 RFC822.HEADER
        S: * 2 FETCH (RFC822.HEADER {39}
        S: From: two@example.com
        S: Subject: two
        S:
        S: )
        S: a7 OK done"#;
    selected(&server, script).await;
}

#[tokio::test(start_paused = true)]
async fn envelope_and_structure() {
    let (server, _) = three(Capabilities::bare());
    let script = r#"
        C: a1 FETCH 1 (ENVELOPE BODYSTRUCTURE BODY)
        S: * 1 FETCH (ENVELOPE (NIL "one" ((NIL NIL "one" "example.com")) ((NIL NIL "one" "example.com")) ((NIL NIL "one" "example.com")) NIL NIL NIL NIL NIL) BODYSTRUCTURE ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 1 NIL NIL NIL NIL) BODY ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 1))
        S: a1 OK done"#;
    selected(&server, script).await;
}

#[tokio::test(start_paused = true)]
async fn what_changed_since() {
    let (server, _) = three(all());
    let script = r"
        C: a0 ENABLE QRESYNC
        S: ...
        C: a1 SELECT INBOX
        S: ...
        O: expunge INBOX 2
        C: a2 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 3 VANISHED)
        S: * VANISHED (EARLIER) 2
        S: * 3 FETCH (FLAGS (\Recent) UID 3 MODSEQ (4))
        S: * VANISHED 2
        S: a2 OK done
        C: a3 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 4)
        S: a3 OK done";
    logged_in(&server, script).await;
}

#[tokio::test(start_paused = true)]
async fn peeking_leaves_no_trace_and_reading_does() {
    let (server, anna) = three(all());
    let before = anna.snapshot();
    selected(&server, "C: a1 UID FETCH 1:* (BODY.PEEK[] RFC822.HEADER)\nS: ...").await;
    assert_eq!(anna.snapshot(), before);
    logged_in(&server, "C: a1 EXAMINE INBOX\nS: ...\nC: a2 UID FETCH 1 (RFC822)\nS: ...").await;
    assert_eq!(anna.snapshot(), before);
    selected(&server, "C: a1 UID FETCH 1 (RFC822)\nS: ...").await;
    assert_eq!(anna.snapshot()["INBOX"].messages[0].flags, ["\\Seen"]);
}

#[tokio::test(start_paused = true)]
async fn bytes_come_as_they_are() {
    let (server, anna) = server(Capabilities::bare());
    anna.append("INBOX", &b"\x00\xff\n\r"[..], &[], date("2024-01-01T00:00:00Z")).unwrap();
    let (client, side) = tokio::io::duplex(1 << 16);
    let session = async {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut client = client;
        let commands = b"1 LOGIN anna secret\r\n2 SELECT INBOX\r\n3 UID FETCH 1 BODY.PEEK[]\r\n4 LOGOUT\r\n";
        client.write_all(commands).await.unwrap();
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.unwrap();
        all
    };
    let served = postrider_fake::serve(&server, side, postrider_fake::FaultPlan::none());
    let (all, outcome) = tokio::join!(session, served);
    assert_eq!(outcome.unwrap(), postrider_fake::Outcome::LoggedOut);
    let wanted = b"* 1 FETCH (BODY[] {4}\r\n\x00\xff\n\r UID 1)\r\n";
    assert!(all.windows(wanted.len()).any(|window| window == wanted));
    assert!(server.violations().is_empty(), "pipelining is lawful");
}
