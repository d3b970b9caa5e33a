//! SELECT and EXAMINE, CONDSTORE and QRESYNC.

use postrider_fake::{Capabilities, Capability};

use crate::transcript::{all, logged_in, only, three};

#[tokio::test(start_paused = true)]
async fn select_on_a_bare_server() {
    let (server, _) = three(Capabilities::bare());
    let script = r"
        O: flag INBOX 1 \Seen $Junk
        C: a1 SELECT inbox
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Junk)
        S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Junk \*)] ...
        S: * 3 EXISTS
        S: * 3 RECENT
        S: * OK [UNSEEN 2] ...
        S: * OK [UIDVALIDITY 1000] ...
        S: * OK [UIDNEXT 4] ...
        S: a1 OK [READ-WRITE] selected
        C: a2 EXAMINE INBOX
        S: * FLAGS ...
        S: * OK [PERMANENTFLAGS ()] ...
        S: * 3 EXISTS
        S: * 0 RECENT
        S: * OK [UNSEEN 2] ...
        S: * OK [UIDVALIDITY 1000] ...
        S: * OK [UIDNEXT 4] ...
        S: a2 OK [READ-ONLY] selected
        C: a3 SELECT nowhere
        S: a3 NO [NONEXISTENT] no such mailbox
        C: a4 SELECT INBOX
        S: ...
        C: a5 CLOSE
        S: a5 OK done
        V: CLOSE in a writable mailbox
        O: no-keywords INBOX
        C: a6 SELECT INBOX
        S: * FLAGS ...
        S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft)] ...
        S: ...";
    logged_in(&server, script).await;
}

#[tokio::test(start_paused = true)]
async fn select_with_mod_sequences() {
    let (server, _) = three(only([Capability::CondStore, Capability::ObjectId]));
    let script = "
        C: a1 SELECT INBOX (CONDSTORE)
        S: * FLAGS ...
        S: * OK [PERMANENTFLAGS ...
        S: * 3 EXISTS
        S: * 3 RECENT
        S: * OK [UNSEEN 1] ...
        S: * OK [UIDVALIDITY 1000] ...
        S: * OK [UIDNEXT 4] ...
        S: * OK [HIGHESTMODSEQ 4] highest
        S: * OK [MAILBOXID (F1)] id
        S: a1 OK [READ-WRITE] selected
        O: no-mod-seq INBOX
        C: a2 EXAMINE INBOX
        S: * FLAGS ...
        S: * OK [PERMANENTFLAGS ...
        S: * 3 EXISTS
        S: * 0 RECENT
        S: * OK [UNSEEN 1] ...
        S: * OK [UIDVALIDITY 1000] ...
        S: * OK [UIDNEXT 4] ...
        S: * OK [NOMODSEQ] ...
        S: * OK [MAILBOXID (F1)] id
        S: a2 OK [READ-ONLY] selected
        C: a3 UID FETCH 1 (MODSEQ)
        S: a3 BAD FETCH MODSEQ in a mailbox without mod-sequences
        V: without mod-sequences";
    logged_in(&server, script).await;
}

const OPENED: &str = "
        S: * FLAGS ...
        S: * OK [PERMANENTFLAGS ...
        S: * 2 EXISTS
        S: * 0 RECENT
        S: * OK [UNSEEN ...
        S: * OK [UIDVALIDITY 1000] ...
        S: * OK [UIDNEXT 4] ...
        S: * OK [HIGHESTMODSEQ 6] ...
        S: * OK [MAILBOXID ...
";

#[tokio::test(start_paused = true)]
async fn quick_resynchronization() {
    let (server, _) = three(all());
    let script = format!(
        r"
        C: a0 ENABLE QRESYNC
        S: * ENABLED QRESYNC
        S: a0 OK done
        C: a1 SELECT INBOX
        S: ...
        O: expunge INBOX 2
        O: flag INBOX 3 \Seen
        C: a2 NOOP
        S: * VANISHED 2
        S: * 2 FETCH (UID 3 FLAGS (\Seen \Recent) MODSEQ (6))
        S: a2 OK done
        C: a3 SELECT INBOX (QRESYNC (1000 4))
        S: * OK [CLOSED] ...
        {OPENED}
        S: * VANISHED (EARLIER) 2
        S: * 2 FETCH (UID 3 FLAGS (\Seen) MODSEQ (6))
        S: a3 OK [READ-WRITE] selected
        C: a4 SELECT INBOX (QRESYNC (1000 5 1:2 (1:2 1:2)))
        S: * OK [CLOSED] ...
        {OPENED}
        S: a4 OK [READ-WRITE] selected
        C: a5 SELECT INBOX (QRESYNC (999 1))
        S: * OK [CLOSED] ...
        {OPENED}
        S: a5 OK [READ-WRITE] selected
        O: forget INBOX
        C: a6 SELECT INBOX (QRESYNC (1000 3 1:4294967295))
        S: * OK [CLOSED] ...
        {OPENED}
        S: * VANISHED (EARLIER) 2
        S: * 2 FETCH (UID 3 FLAGS (\Seen) MODSEQ (6))
        S: a6 OK [READ-WRITE] selected"
    );
    logged_in(&server, &script).await;
}

#[tokio::test(start_paused = true)]
async fn a_read_only_mailbox_takes_no_change() {
    let (server, anna) = three(all());
    let script = r"
        O: read-only INBOX
        C: a1 SELECT INBOX
        S: ...
        C: a2 UID STORE 1 +FLAGS (\Seen)
        S: a2 NO [READ-ONLY] mailbox is read-only
        C: a3 UID EXPUNGE 1
        S: a3 NO [READ-ONLY] mailbox is read-only
        C: a4 UID MOVE 1 INBOX
        S: a4 NO [READ-ONLY] mailbox is read-only
        C: a5 UNSELECT
        S: a5 OK done";
    let before = anna.snapshot();
    logged_in(&server, script).await;
    assert_eq!(anna.snapshot(), before);
}
