//! LIST in all its forms, STATUS, and the commands that make and unmake mailboxes.

use postrider_fake::{Capabilities, Capability};

use crate::transcript::{all, logged_in, only, server, three};

#[tokio::test(start_paused = true)]
async fn plain_list() {
    let (server, anna) = server(Capabilities::bare());
    anna.create_mailbox("Mail & more/Größe").unwrap();
    let script = r#"
        C: a0 LIST "" ""
        S: * LIST (\Noselect) "/" ""
        S: a0 OK done
        C: a1 LIST "" *
        S: * LIST () "/" INBOX
        S: * LIST () "/" "Mail &- more"
        S: * LIST () "/" "Mail &- more/Gr&APYA3w-e"
        S: a1 OK done
        C: a2 LIST "" %
        S: * LIST () "/" INBOX
        S: * LIST () "/" "Mail &- more"
        S: a2 OK done
        C: a3 LIST "Mail &- more/" "%"
        S: * LIST () "/" "Mail &- more/Gr&APYA3w-e"
        S: a3 OK done
        C: a4 LIST "" inbox
        S: * LIST () "/" INBOX
        S: a4 OK done"#;
    logged_in(&server, script).await;
}

#[tokio::test(start_paused = true)]
async fn extended_list() {
    let (server, anna) = server(all());
    anna.create_mailbox("a/b").unwrap();
    anna.set_subscribed("a/b", true).unwrap();
    let script = r#"
        O: use a/b \Sent
        O: no-select a
        O: append a/b x
        C: a1 LIST "" "*" RETURN (SPECIAL-USE CHILDREN STATUS (MESSAGES UIDNEXT HIGHESTMODSEQ SIZE))
        S: * LIST (\HasNoChildren) "/" INBOX
        S: * STATUS INBOX (MESSAGES 0 UIDNEXT 1 HIGHESTMODSEQ 1 SIZE 0)
        S: * LIST (\Noselect \HasChildren) "/" a
        S: * LIST (\HasNoChildren \Sent) "/" a/b
        S: * STATUS a/b (MESSAGES 1 UIDNEXT 2 HIGHESTMODSEQ 2 SIZE 1)
        S: a1 OK done
        C: a2 LIST (SUBSCRIBED) "" (INBOX "a/*")
        S: * LIST (\HasNoChildren \Sent \Subscribed) "/" a/b
        S: a2 OK done
        C: a3 LIST (SPECIAL-USE) "" "*" RETURN (SUBSCRIBED)
        S: * LIST (\HasNoChildren \Sent \Subscribed) "/" a/b
        S: a3 OK done
        C: a4 LSUB "" "*"
        S: * LSUB () "/" a/b
        S: a4 OK done"#;
    logged_in(&server, script).await;
}

#[tokio::test(start_paused = true)]
async fn utf8_names_when_enabled() {
    let (server, anna) = server(all());
    anna.create_mailbox("Größe").unwrap();
    let script = r#"
        C: a0 LIST "" Gr%
        S: * LIST (\HasNoChildren) "/" Gr&APYA3w-e
        S: a0 OK done
        C: a1 ENABLE UTF8=ACCEPT
        S: ...
        C: a2 LIST "" "Gr%"
        S: * LIST (\HasNoChildren) "/" "Größe"
        S: a2 OK done
        C: a3 STATUS "Größe" (MESSAGES)
        S: * STATUS "Größe" (MESSAGES 0)
        S: a3 OK done
        C: a4 CREATE "Gr&APYA3w-e"
        S: ...
        C: a5 LIST "" "Gr%"
        S: * LIST (\HasNoChildren) "/" Gr&APYA3w-e
        S: * LIST (\HasNoChildren) "/" "Größe"
        S: a5 OK done"#;
    logged_in(&server, script).await;
}

#[tokio::test(start_paused = true)]
async fn status() {
    let (server, _) = three(all());
    let script = "
        O: flag INBOX 2 \\Seen
        C: a1 STATUS inbox (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ SIZE MAILBOXID)
        S: * STATUS INBOX (MESSAGES 3 RECENT 3 UIDNEXT 4 UIDVALIDITY 1000 UNSEEN 2 HIGHESTMODSEQ 5 SIZE 153 MAILBOXID (F1))
        S: a1 OK done
        C: a2 STATUS nowhere (MESSAGES)
        S: a2 NO [NONEXISTENT] no such mailbox
        O: create n
        O: no-select n
        C: a3 STATUS n (MESSAGES)
        S: a3 NO [CANNOT] mailbox cannot be selected";
    logged_in(&server, script).await;
}

#[tokio::test(start_paused = true)]
async fn create_rename_delete() {
    let (server, anna) = server(only([Capability::ObjectId]));
    let script = "
        C: a1 CREATE new/
        S: a1 OK [MAILBOXID (F2)] done
        C: a2 CREATE new
        S: a2 NO [ALREADYEXISTS] mailbox already exists
        C: a3 RENAME new Gr&APY-n
        S: a3 OK done
        C: a4 RENAME nowhere x
        S: a4 NO [NONEXISTENT] no such mailbox
        C: a5 SUBSCRIBE Gr&APY-n
        S: a5 OK done
        C: a6 SUBSCRIBE nowhere
        S: a6 NO [NONEXISTENT] no such mailbox
        C: a7 UNSUBSCRIBE Gr&APY-n
        S: a7 OK done
        C: a8 DELETE INBOX
        S: a8 NO [CANNOT] INBOX cannot be deleted
        C: a9 CREATE a/b
        S: a9 OK ...
        C: a10 DELETE a
        S: a10 OK done
        C: a11 DELETE a
        S: a11 NO [CANNOT] mailbox has children
        C: a12 SELECT a
        S: a12 NO [CANNOT] mailbox cannot be selected";
    logged_in(&server, script).await;
    assert_eq!(anna.snapshot().keys().collect::<Vec<_>>(), ["Grön", "INBOX", "a", "a/b"]);
}
