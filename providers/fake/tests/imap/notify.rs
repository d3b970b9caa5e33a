//! NOTIFY.

use postrider_fake::Capability;

use crate::transcript::{all, logged_in, only, three};

#[tokio::test(start_paused = true)]
async fn changes_are_told_unasked_of_what_was_asked_for() {
    let (server, anna) = three(only([Capability::Notify]));
    anna.create_mailbox("Work").unwrap();
    anna.create_mailbox("Other").unwrap();
    let script = r"
        C: a1 NOTIFY SET (mailboxes (INBOX Work) (MessageNew MessageExpunge FlagChange))
        S: a1 OK done
        O: append Work x
        S: * STATUS Work (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 1001)
        O: append Other x
        O: flag INBOX 1 \Seen
        S: * STATUS INBOX (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 1000)
        O: expunge INBOX 3
        S: * STATUS INBOX (MESSAGES 2 UIDNEXT 4 UIDVALIDITY 1000)
        C: a2 NOOP
        S: a2 OK done
        C: a3 NOTIFY NONE
        S: a3 OK done
        O: append Work y
        C: a4 NOOP
        S: a4 OK done";
    logged_in(&server, script).await;
}

#[tokio::test(start_paused = true)]
async fn states_are_told_at_once_where_that_is_asked_for_and_flags_only_where_they_are() {
    let (server, _) = three(all());
    let script = r"
        C: a0 ENABLE CONDSTORE
        S: ...
        C: a1 NOTIFY SET STATUS (personal (MessageNew MessageExpunge))
        S: * STATUS INBOX (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 1000 HIGHESTMODSEQ 4)
        S: a1 OK done
        O: flag INBOX 1 \Seen
        C: a2 NOOP
        S: a2 OK done
        O: append INBOX x
        S: * STATUS INBOX (MESSAGES 4 ...";
    logged_in(&server, script).await;
}

#[tokio::test(start_paused = true)]
async fn its_grammar_is_held() {
    for (command, why) in [
        ("NOTIFY", "a space"),
        ("NOTIFY SET", "a space"),
        ("NOTIFY SET (mailboxes INBOX (MessageNew))", "MessageNew and MessageExpunge"),
        ("NOTIFY SET (mailboxes INBOX (MessageNew MessageExpunge X))", "no other event"),
        ("NOTIFY SET (nowhere (MessageNew MessageExpunge))", "personal or mailboxes"),
    ] {
        let (server, _) = three(all());
        logged_in(&server, &format!("C: x {command}\nS: x BAD ...\nV: {why}")).await;
    }
    let (server, _) = three(only([]));
    logged_in(&server, "C: x NOTIFY NONE\nS: x BAD ...\nV: NOTIFY is not offered").await;
}
