//! What a client must not do is refused and kept.

use postrider_fake::{Action, Bend, Capabilities, Capability, FaultPlan, Trigger};

use crate::transcript::{all, logged_in, only, play, selected, server, three};

/// Each is answered with BAD and kept as a violation with this text.
async fn refused(capabilities: Capabilities, cases: &[(&str, &str)]) {
    for (command, why) in cases {
        let (server, _) = three(capabilities.clone());
        selected(&server, &format!("C: x {command}\nS: x BAD ...\nV: {why}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn malformed_commands() {
    let cases = [
        ("", "expected"),
        ("FROBNICATE", "unknown command"),
        ("UID FROBNICATE 1", "unknown command"),
        ("NOOP ", "end of the command"),
        ("NOOP  x", "end of the command"),
        ("FETCH 0 UID", "leading 0"),
        ("FETCH 01 UID", "leading 0"),
        ("FETCH 1: UID", "a number"),
        ("FETCH 1,,2 UID", "a number"),
        ("FETCH 4294967296 UID", "32 bits"),
        ("FETCH 1 (UID  FLAGS)", "a name"),
        ("FETCH 1 ()", "a name"),
        ("FETCH 1 (UID FLAGS", "a space"),
        ("FETCH 1 BODY[", "a name"),
        ("FETCH 1 BODY[]<1>", "'.'"),
        ("FETCH 1 BODY[]<1.0>", "leading 0"),
        ("FETCH 1 BODY[MIME]", "a section"),
        ("FETCH 1 BODY[HEADER.FIELDS ()]", "a string"),
        ("FETCH 1 FLAGS (CHANGEDSINCE 0)", "other than 0"),
        ("FETCH 1 FLAGS (CHANGEDSINCE 9223372036854775808)", "63 bits"),
        ("STORE 1 FLAGS", "a space"),
        ("STORE 1 ++FLAGS (a)", "FLAGS or"),
        ("STORE 1 +FLAGS (\\Recent)", "system flag"),
        ("STORE 1 +FLAGS (a b", "a space"),
        ("STORE 1 (UNCHANGEDSINCE) FLAGS (a)", "a space"),
        ("STORE 1 (UNCHANGEDSINCE x) FLAGS (a)", "a number"),
        ("SEARCH", "a space"),
        ("SEARCH BOGUS", "a space"),
        ("SEARCH BOGUS x", "a search key"),
        ("SEARCH SINCE 2024-01-01", "a day"),
        ("SEARCH SINCE 31-Feb-2024", "a date"),
        ("SEARCH (SEEN", "a space"),
        ("SEARCH NOT", "a space"),
        ("LIST \"\" \"*\" RETURN (BOGUS)", "a return option"),
        ("LIST (RECURSIVEMATCH) \"\" \"*\"", "another selection option"),
        ("STATUS INBOX ()", "an atom"),
        ("STATUS INBOX (BOGUS)", "a status item"),
        ("SELECT Gr\\xc3\\xb6", "end of the command"),
        ("SELECT \"Gr\\xc3\\xb6\"", "8-bit"),
        ("SELECT &AGE-", "right encoding"),
        ("SELECT \"a & b\"", "right encoding"),
        ("SELECT \"a\\b\"", "quoted string"),
        ("SELECT INBOX ()", "an atom"),
        ("SELECT INBOX (QRESYNC (1 0))", "other than 0"),
        ("SELECT INBOX (QRESYNC (1 1 1:*))", "without *"),
        ("SELECT INBOX (QRESYNC (1 1 1:9 (2,1 1:2)))", "match data"),
        ("SELECT INBOX (QRESYNC (1 1 1:9 (1:3 1:2)))", "match data"),
        ("APPEND INBOX (\\Seen) abc", "a string"),
        ("APPEND INBOX \"1-Jan-2024 00:00:00 +0000\" {1+}\\r\\nx", "digits"),
        ("APPEND INBOX \" 1-Jan-2024 25:00:00 +0000\" {1+}\\r\\nx", "a date and time"),
        ("APPEND INBOX {1+}\\r\\n\\x00", "without NUL"),
        ("APPEND INBOX ~{1+}\\r\\nx", "~ with UTF8"),
        ("COMPRESS GZIP", "DEFLATE"),
        ("ENABLE", "a capability"),
        ("ID (\"a\")", "a space"),
        ("NOOP\\n", "bare LF"),
    ];
    for (command, why) in cases {
        let (server, _) = three(all());
        let script = match command.strip_suffix("\\n") {
            Some(command) => format!("C> x {command}\\n\nS: x BAD ...\nV: {why}"),
            None => format!("C: x {command}\nS: x BAD ...\nV: {why}"),
        };
        selected(&server, &script).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_offered() {
    let cases = [
        ("ID NIL", "ID is not offered"),
        ("NAMESPACE", "NAMESPACE is not offered"),
        ("LIST \"\" * RETURN (CHILDREN)", "extended LIST is not offered"),
        ("STATUS INBOX (HIGHESTMODSEQ)", "HIGHESTMODSEQ is not offered"),
        ("STATUS INBOX (SIZE)", "SIZE is not offered"),
        ("STATUS INBOX (MAILBOXID)", "MAILBOXID is not offered"),
        ("SELECT INBOX (CONDSTORE)", "CONDSTORE is not offered"),
        ("SELECT INBOX (QRESYNC (1 1))", "QRESYNC was not enabled"),
        ("UNSELECT", "UNSELECT is not offered"),
        ("FETCH 1 MODSEQ", "MODSEQ is not offered"),
        ("FETCH 1 EMAILID", "EMAILID is not offered"),
        ("FETCH 1 FLAGS (CHANGEDSINCE 1)", "CHANGEDSINCE is not offered"),
        ("SEARCH RETURN (ALL) ALL", "RETURN is not offered"),
        ("SEARCH MODSEQ 1", "MODSEQ is not offered"),
        ("STORE 1 (UNCHANGEDSINCE 1) FLAGS (a)", "UNCHANGEDSINCE is not offered"),
        ("MOVE 1 INBOX", "MOVE is not offered"),
        ("UID EXPUNGE 1", "UID EXPUNGE is not offered"),
        ("IDLE", "IDLE is not offered"),
        ("COMPRESS DEFLATE", "COMPRESS is not offered"),
    ];
    refused(Capabilities::bare(), &cases).await;
    let listed = [
        ("LIST \"\" * RETURN (SPECIAL-USE)", "SPECIAL-USE"),
        ("LIST (SPECIAL-USE) \"\" *", "SPECIAL-USE"),
        ("LIST \"\" * RETURN (STATUS (MESSAGES))", "STATUS"),
    ];
    refused(only([Capability::ListExtended]), &listed).await;
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_the_state() {
    let cases = [
        ("LOGIN anna secret", "before login"),
        ("ENABLE QRESYNC", "before a mailbox is selected"),
        ("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)", "VANISHED only goes with"),
        ("SELECT INBOX (QRESYNC (1 1))", "QRESYNC was not enabled"),
        ("FETCH 4 UID", "beyond the 3 messages"),
        ("COPY 7 INBOX", "beyond the 3 messages"),
    ];
    refused(all(), &cases).await;
    let (empty, _) = server(all());
    logged_in(&empty, "C: x FETCH 1 UID\nS: x BAD ...\nV: with a mailbox selected").await;
    selected(&empty, "C: x FETCH * UID\nS: x BAD ...\nV: beyond the 0 messages").await;
    let charset = "C: e ENABLE UTF8=ACCEPT\nS: ...\nC: s SELECT INBOX\nS: ...\nC: x SEARCH CHARSET UTF-8 ALL\nS: x BAD ...\nV: charset";
    logged_in(&empty, charset).await;
    let early = "
        S: * OK ...
        C: x SELECT INBOX
        S: x BAD ...
        V: after login
        C: x1 ENABLE QRESYNC
        S: x1 BAD ...
        V: after login";
    play(&empty, FaultPlan::none(), early).await;
}

#[tokio::test(start_paused = true)]
async fn tags_are_used_once_and_never_left_out() {
    let (server, _) = three(all());
    let script = "
        C: a1 NOOP
        S: a1 OK done
        C: a1 NOOP
        S: a1 BAD ...
        V: second time
        C:
        S: * BAD ...
        V: without a tag";
    logged_in(&server, script).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_must_wait_for_the_go_ahead() {
    for (sent, why) in
        [("x APPEND INBOX {1}\\r\\ny\\r\\n", "without waiting"), ("x IDLE\\r\\nDONE\\r\\n", "behind IDLE")]
    {
        let (server, _) = three(all());
        let script = format!("C> {sent}\nS: + ...\nC: y NOOP\nS: x ...\nS: y OK done\nV: {why}");
        logged_in(&server, &script).await;
    }
}

#[tokio::test(start_paused = true)]
async fn reckless_commands_are_done_and_kept() {
    let (server, anna) = three(all());
    let script = r"
        O: flag INBOX 1 \Deleted
        C: a0 SELECT INBOX
        S: ...
        C: a1 EXPUNGE
        S: * 1 EXPUNGE
        S: a1 OK done
        V: EXPUNGE without UIDs
        C: a2 CLOSE
        S: a2 OK done
        V: CLOSE in a writable mailbox
        C: a3 EXAMINE INBOX
        S: ...
        C: a4 CLOSE
        S: a4 OK done";
    logged_in(&server, script).await;
    assert_eq!(anna.snapshot()["INBOX"].messages.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn login_disabled() {
    let (server, _) = server(only([Capability::LoginDisabled]));
    let script = "
        S: * OK ...
        C: a1 LOGIN anna secret
        S: a1 NO [PRIVACYREQUIRED] not here
        V: LOGIN is disabled: LOGIN (withheld)";
    play(&server, FaultPlan::none(), script).await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_that_is_not_renewed() {
    let (server, _) = three(all());
    // The player waits a minute at most, so the clock is moved under it.
    let (client, side) = tokio::io::duplex(1 << 16);
    let session = async {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut client = client;
        client.write_all(b"1 LOGIN anna secret\r\n").await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        client.write_all(b"2 SELECT INBOX\r\n3 IDLE\r\n").await.unwrap();
        let mut all = String::new();
        client.read_to_string(&mut all).await.unwrap();
        all
    };
    let (all, _) = tokio::join!(session, postrider_fake::serve(&server, side, FaultPlan::none()));
    assert!(all.ends_with("* BYE idled too long\r\n"), "{all}");
    assert!(server.violations()[0].contains("not renewed"));
}

#[tokio::test(start_paused = true)]
async fn uids_that_nobody_knows_the_meaning_of() {
    let (server, _) = three(all());
    let plan = FaultPlan::none().on(Trigger::Named("SELECT", 1), Action::Bend(Bend::UidValidityMidway));
    let script = r"
        S: * OK ...
        C: a1 LOGIN anna secret
        S: ...
        C: a2 SELECT INBOX
        S: ...
        C: a3 UID STORE 1 +FLAGS (\Seen)
        S: * 1 FETCH ...
        S: a3 OK done
        V: a command by UID where SELECT told two UIDVALIDITYs";
    play(&server, plan, script).await;
}
