//! STORE, COPY, MOVE, APPEND, EXPUNGE.

use postrider_fake::{Action, Bend, Capabilities, Capability, FaultPlan, Server, ServerConfig, Trigger};

use crate::transcript::{all, date, logged_in, only, play, selected, three};

#[tokio::test(start_paused = true)]
async fn store_echoes_what_it_did() {
    let (server, _) = three(Capabilities::bare());
    let script = r"
        C: a1 STORE 1:2 +FLAGS (\Seen $Work)
        S: * 1 FETCH (UID 1 FLAGS ($Work \Seen \Recent))
        S: * 2 FETCH (UID 2 FLAGS ($Work \Seen \Recent))
        S: a1 OK done
        V: STORE by message numbers
        C: a2 UID STORE 2 -FLAGS \Seen
        S: * 2 FETCH (UID 2 FLAGS ($Work \Recent))
        S: a2 OK done
        C: a3 UID STORE 2 FLAGS ()
        S: * 2 FETCH (UID 2 FLAGS (\Recent))
        S: a3 OK done
        C: a4 UID STORE 3 +FLAGS.SILENT (\Flagged)
        S: a4 OK done
        C: a5 UID STORE 99 +FLAGS (\Seen)
        S: a5 OK done
        O: flag INBOX 3 \Seen
        C: a6 UID STORE 3 +FLAGS.SILENT (\Draft)
        S: * 3 FETCH (UID 3 FLAGS (\Draft \Flagged \Seen \Recent))
        S: a6 OK done";
    selected(&server, script).await;
}

#[tokio::test(start_paused = true)]
async fn conditional_store() {
    let (server, anna) = three(only([Capability::CondStore]));
    let script = r"
        C: a1 UID STORE 1:2 (UNCHANGEDSINCE 2) +FLAGS.SILENT (\Seen)
        S: * 1 FETCH (UID 1 MODSEQ (5))
        S: a1 OK [MODIFIED 2] some were changed meanwhile
        C: a2 STORE 2:3 (UNCHANGEDSINCE 4) +FLAGS (\Flagged)
        S: * 2 FETCH (UID 2 FLAGS (\Flagged \Recent) MODSEQ (6))
        S: * 3 FETCH (UID 3 FLAGS (\Flagged \Recent) MODSEQ (7))
        S: a2 OK done
        V: STORE by message numbers
        C: a3 STORE 3 (UNCHANGEDSINCE 0) -FLAGS (\Flagged)
        S: a3 OK [MODIFIED 3] ...
        V: STORE by message numbers";
    selected(&server, script).await;
    assert_eq!(anna.snapshot()["INBOX"].messages[2].flags, ["\\Flagged"]);
}

#[tokio::test(start_paused = true)]
async fn copy_and_move() {
    let (server, anna) = three(all());
    anna.create_mailbox("to").unwrap();
    let script = "
        C: a1 UID COPY 1,3 to
        S: a1 OK [COPYUID 1001 1,3 1:2] done
        C: a2 UID COPY 77 to
        S: a2 OK done
        C: a3 COPY 1 nowhere
        S: a3 NO [TRYCREATE] no such mailbox
        C: a4 UID MOVE 1:2 to
        S: * OK [COPYUID 1001 1:2 3:4] moved
        S: * 1 EXPUNGE
        S: * 1 EXPUNGE
        S: a4 OK done
        C: a5 MOVE 1 to
        S: * OK [COPYUID 1001 3 5] moved
        S: * 1 EXPUNGE
        S: a5 OK done";
    selected(&server, script).await;
    let all = anna.snapshot();
    assert_eq!((all["INBOX"].messages.len(), all["to"].messages.len()), (0, 5));
}

#[tokio::test(start_paused = true)]
async fn expunging_by_uid_and_all() {
    let (server, _) = three(all());
    let script = r"
        O: flag INBOX 1 \Deleted
        O: flag INBOX 3 \Deleted
        C: a0 ENABLE QRESYNC
        S: ...
        C: a1 SELECT INBOX
        S: ...
        C: a2 UID EXPUNGE 1:2
        S: * VANISHED 1
        S: a2 OK [HIGHESTMODSEQ 7] done
        C: a3 UID EXPUNGE 2
        S: a3 OK done";
    logged_in(&server, script).await;

    let (server, anna) = three(Capabilities::bare());
    let script = r"
        C: a1 STORE 1,3 +FLAGS.SILENT (\Deleted)
        S: a1 OK done
        V: STORE by message numbers
        C: a2 EXPUNGE
        S: * 1 EXPUNGE
        S: * 2 EXPUNGE
        S: a2 OK done
        V: EXPUNGE without UIDs
        C: a3 UID STORE 2 +FLAGS.SILENT (\Deleted)
        S: a3 OK done
        C: a4 CLOSE
        S: a4 OK done
        V: CLOSE in a writable mailbox";
    selected(&server, script).await;
    assert!(anna.snapshot()["INBOX"].messages.is_empty());
}

#[tokio::test(start_paused = true)]
async fn append_with_and_without_its_options() {
    let (server, anna) = three(all());
    let script = r#"
        C: a1 APPEND INBOX {3+}
        C> abc\r\n
        S: a1 OK [APPENDUID 1000 4] done
        C: a2 APPEND inbox (\Seen $Work) " 7-Feb-2024 01:02:03 +0100" {3+}
        C> d\xffe\r\n
        S: a2 OK [APPENDUID 1000 5] done
        C: a3 APPEND nowhere {0+}
        C> \r\n
        S: a3 NO [TRYCREATE] no such mailbox
        C: a4 ENABLE UTF8=ACCEPT
        S: ...
        C: a5 APPEND INBOX UTF8 (~{2+}
        C> \xc3\xb6)\r\n
        S: a5 OK [APPENDUID 1000 6] done"#;
    logged_in(&server, script).await;
    let inbox = anna.snapshot()["INBOX"].clone();
    let [.., first, second, third] = inbox.messages.as_slice() else { panic!("messages are missing") };
    assert_eq!((&*first.bytes, first.internal_date), (&b"abc"[..], date("2024-05-01T12:00:00+02:00")));
    assert_eq!((&*second.bytes, second.internal_date), (&b"d\xffe"[..], date("2024-02-07T00:02:03Z")));
    assert_eq!(second.flags, ["$Work", "\\Seen"]);
    assert_eq!(&*third.bytes, "ö".as_bytes());
}

#[tokio::test(start_paused = true)]
async fn there_may_be_no_room_and_messages_may_be_too_large() {
    let server =
        Server::new(ServerConfig { append_limit: Some(10), capabilities: all(), ..ServerConfig::default() });
    let anna = server.add_user("anna", "secret");
    anna.append("INBOX", b"123456789".to_vec(), &[], date("2024-01-01T00:00:00Z")).unwrap();
    anna.set_quota(Some(15)).unwrap();
    let script = "
        S: * OK [CAPABILITY ...
        C: a0 LOGIN anna secret
        S: ...
        C: a1 APPEND INBOX {11+}
        C> 12345678901\\r\\n
        S: a1 NO [TOOBIG] ...
        C: a2 APPEND INBOX {7+}
        C> 1234567\\r\\n
        S: a2 NO [OVERQUOTA] ...
        C: a3 SELECT INBOX
        S: ...
        C: a4 UID COPY 1 INBOX
        S: a4 NO [OVERQUOTA] ...
        C: a5 UID MOVE 1 INBOX
        S: * OK [COPYUID 1000 1 2] moved
        S: * 1 EXPUNGE
        S: * 1 EXISTS
        S: * 1 RECENT
        S: a5 OK done
        C: a6 APPEND INBOX {6+}
        C> 12345\\n\\r\\n
        S: * 2 EXISTS
        S: * 2 RECENT
        S: a6 OK ...
        V: bare LF
        C: a7 CAPABILITY
        S: * CAPABILITY ...
        S: a7 OK done";
    play(&server, FaultPlan::none(), script).await;
    anna.set_quota(None).unwrap();
    selected(&server, "C: a1 UID COPY 1:9 INBOX\nS: ...").await;
}

#[tokio::test(start_paused = true)]
async fn a_move_may_stop_half_way_and_answers_may_be_thin() {
    let (server, anna) = three(all());
    anna.create_mailbox("to").unwrap();
    let bend = |name, bend| FaultPlan::none().on(Trigger::Named(name, 1), Action::Bend(bend));
    let head = "S: * OK ...\nC: l LOGIN anna secret\nS: ...\nC: s SELECT INBOX\nS: ...\n";
    let script =
        "C: a1 UID MOVE 1:2 to\nS: * OK [COPYUID 1001 1 1] moved\nS: * 1 EXPUNGE\nS: a1 NO [SERVERBUG] ...";
    play(&server, bend("UID MOVE", Bend::HalfMove), &format!("{head}{script}")).await;
    let script = "C: a1 UID COPY 2 to\nS: a1 OK done";
    play(&server, bend("UID COPY", Bend::NoNewUid), &format!("{head}{script}")).await;
    let script = r"C: a1 UID STORE 2 +FLAGS (\Seen)
        S: a1 OK done
        C: a2 NOOP
        S: a2 OK done";
    play(&server, bend("UID STORE", Bend::NoEcho), &format!("{head}{script}")).await;
    let script = "C: a1 UID STORE 2 +FLAGS (a)\nS: * 1 FETCH (FLAGS (\\Seen a))\nS: a1 OK done";
    play(&server, bend("UID STORE", Bend::EchoWithoutUid), &format!("{head}{script}")).await;
    let views = anna.snapshot();
    assert_eq!((views["INBOX"].messages.len(), views["to"].messages.len()), (2, 2));
}
