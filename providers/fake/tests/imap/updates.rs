//! What a session hears of others: at the end of commands, and under IDLE.

use postrider_fake::{Capabilities, Capability};

use crate::transcript::{all, logged_in, only, selected, three};

#[tokio::test(start_paused = true)]
async fn expunges_wait_while_numbers_are_in_use() {
    let (server, _) = three(Capabilities::bare());
    let script = r"
        O: expunge INBOX 1
        O: append INBOX four
        C: a1 FETCH 1:3 UID
        S: * 2 FETCH (UID 2)
        S: * 3 FETCH (UID 3)
        S: * 4 EXISTS
        S: * 4 RECENT
        S: a1 NO [EXPUNGEISSUED] ...
        C: a2 STORE 1 +FLAGS (\Seen)
        S: a2 NO [EXPUNGEISSUED] ...
        V: STORE by message numbers
        C: a3 SEARCH ALL
        S: * SEARCH 2 3 4
        S: a3 OK done
        C: a4 NOOP
        S: * 1 EXPUNGE
        S: a4 OK done
        C: a5 FETCH 1:* UID
        S: * 1 FETCH (UID 2)
        S: * 2 FETCH (UID 3)
        S: * 3 FETCH (UID 4)
        S: a5 OK done";
    selected(&server, script).await;
}

#[tokio::test(start_paused = true)]
async fn several_expunges_count_on_each_other() {
    let (server, _) = three(Capabilities::bare());
    let script = "
        O: expunge INBOX 1 3
        C: a1 UID FETCH 1:* UID
        S: * 2 FETCH (UID 2)
        S: * 1 EXPUNGE
        S: * 2 EXPUNGE
        S: a1 OK done";
    selected(&server, script).await;
}

#[tokio::test(start_paused = true)]
async fn own_changes_are_not_told_twice_and_others_are_told_once() {
    let (server, _) = three(only([Capability::CondStore, Capability::Enable]));
    let script = r"
        C: a0 SELECT INBOX (CONDSTORE)
        S: ...
        C: a1 UID STORE 1 +FLAGS (\Seen)
        S: * 1 FETCH (UID 1 FLAGS (\Seen \Recent) MODSEQ (5))
        S: a1 OK done
        O: flag INBOX 2 \Seen
        C: a2 NOOP
        S: * 2 FETCH (UID 2 FLAGS (\Seen \Recent) MODSEQ (6))
        S: a2 OK done
        C: a3 NOOP
        S: a3 OK done
        O: flag INBOX 3 \Seen
        C: a4 UID FETCH 3 FLAGS
        S: * 3 FETCH (FLAGS (\Seen \Recent) UID 3)
        S: a4 OK done";
    logged_in(&server, script).await;
}

#[tokio::test(start_paused = true)]
async fn idle_hears_at_once() {
    let (server, _) = three(Capabilities::bare().with([Capability::Idle]));
    let script = r"
        C: a1 IDLE
        S: + idling
        O: append INBOX four
        S: * 4 EXISTS
        S: * 4 RECENT
        O: expunge INBOX 2
        S: * 2 EXPUNGE
        O: flag INBOX 1 \Seen
        S: * 1 FETCH (UID 1 FLAGS (\Seen \Recent))
        C> done\r\n
        S: a1 OK done
        O: append INBOX five
        C: a2 IDLE
        S: + idling
        S: * 4 EXISTS
        S: * 4 RECENT
        C> DONE\r\n
        S: a2 OK done";
    selected(&server, script).await;
}

#[tokio::test(start_paused = true)]
async fn idle_tells_vanished_once_it_is_enabled() {
    let (server, _) = three(all());
    let script = "
        C: a0 ENABLE QRESYNC
        S: ...
        C: a1 SELECT INBOX
        S: ...
        C: a2 IDLE
        S: + idling
        O: expunge INBOX 1 2
        S: * VANISHED 1:2
        C> DONE\\r\\n
        S: a2 OK done";
    logged_in(&server, script).await;
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_is_not_what_it_was_ends_the_session() {
    for act in ["renumber", "delete"] {
        let (server, anna) = three(Capabilities::bare());
        anna.create_mailbox("other").unwrap();
        let script = format!(
            "
            C: a1 SELECT other
            S: ...
            O: {act} other
            C: a2 NOOP
            S: * BYE ...
            E:"
        );
        logged_in(&server, &script).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_renamed_mailbox_stays_selected() {
    let (server, anna) = three(Capabilities::bare());
    anna.create_mailbox("old").unwrap();
    let script = "
        C: a1 SELECT old
        S: ...
        C: a2 RENAME old new
        S: a2 OK done
        O: append new x
        C: a3 NOOP
        S: * 1 EXISTS
        S: * 1 RECENT
        S: a3 OK done";
    logged_in(&server, script).await;
}
