//! Listings as servers tell them.

use postrider_model::{ErrorClass, Fault};
use postrider_remote::MailRemote;

use super::*;
use crate::scripted::play;

async fn listed(script: &str) -> Result<Vec<RemoteFolder>, Fault> {
    play(&[script], async |remote| remote.folders().await).await
}

fn folder(key: &str, name: &str, role: Option<FolderRole>) -> RemoteFolder {
    RemoteFolder {
        key: FolderKey(key.to_owned()),
        name: name.to_owned(),
        role,
        selectable: true,
        status: None,
        mailbox_id: None,
    }
}

#[tokio::test]
async fn everything_comes_in_one_flight_where_the_server_can() {
    let script = "S: * PREAUTH [CAPABILITY IMAP4rev1 ENABLE CONDSTORE QRESYNC LIST-EXTENDED LIST-STATUS SPECIAL-USE OBJECTID ID NAMESPACE] hi
        C: $ ENABLE QRESYNC
        C: $ ID (\"name\" \"postrider\" \"version\" \"1\")
        C: $ LIST \"\" \"*\" RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ MAILBOXID))
        S: * ENABLED QRESYNC
        S: $ OK done
        S: * ID (\"name\" \"Test\")
        S: $ OK done
        S: * LIST (\\HasNoChildren) \".\" inbox
        S: * STATUS inbox (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 4 HIGHESTMODSEQ 5 MAILBOXID (F1))
        S: * LIST (\\Noselect) \".\" Projects
        S: * LIST (\\Sent) \".\" {19}\\r\\nProjects.R&-D/&AOk-
        S: * STATUS \"Projects.R&-D/&AOk-\" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 9 HIGHESTMODSEQ 0)
        S: * LIST () \".\" inbox
        S: $ OK done";
    let status = |uid_validity, uid_next, mod_seq, messages| {
        Some(FolderStatus { uid_validity, uid_next, highest_mod_seq: mod_seq, messages })
    };
    let inbox = RemoteFolder {
        status: status(4, 3, Some(5), 2),
        mailbox_id: Some("F1".to_owned()),
        ..folder("inbox", "INBOX", Some(FolderRole::Inbox))
    };
    let parent = RemoteFolder { selectable: false, ..folder("Projects", "Projects", None) };
    let sent = RemoteFolder {
        status: status(9, 1, None, 0),
        ..folder("Projects.R&-D/&AOk-", "Projects/R&D%2Fé", Some(FolderRole::Sent))
    };
    assert_eq!(listed(script).await.unwrap(), [parent, sent, inbox]);
}

#[tokio::test]
async fn an_old_server_tells_names_only_and_roles_are_guessed() {
    let script = "S: * PREAUTH [CAPABILITY IMAP4rev1 NAMESPACE] hi
        C: $ NAMESPACE
        C: $ LIST \"\" \"*\"
        S: * NAMESPACE ((\"INBOX.\" \".\")) NIL NIL
        S: $ OK done
        S: * LIST () \".\" INBOX
        S: * LIST () \".\" INBOX.Sent
        S: * LIST () \".\" \"INBOX.Sent Items\"
        S: * LIST () \".\" INBOX.Work
        S: $ OK done";
    let expected = [
        folder("INBOX", "INBOX", Some(FolderRole::Inbox)),
        folder("INBOX.Sent", "INBOX/Sent", Some(FolderRole::Sent)),
        folder("INBOX.Sent Items", "INBOX/Sent Items", None),
        folder("INBOX.Work", "INBOX/Work", None),
    ];
    assert_eq!(listed(script).await.unwrap(), expected);
}

#[tokio::test]
async fn roles_are_not_guessed_where_the_server_could_tell() {
    let script = "S: * PREAUTH [CAPABILITY IMAP4rev1 SPECIAL-USE] hi
        C: $ LIST \"\" \"*\"
        S: * LIST () \"/\" INBOX
        S: * LIST () \"/\" Sent
        S: $ OK done";
    assert_eq!(listed(script).await.unwrap()[1], folder("Sent", "Sent", None));
}

#[tokio::test]
async fn states_are_asked_for_one_by_one_where_they_help() {
    let script = "S: * PREAUTH [CAPABILITY IMAP4rev1 CONDSTORE] hi
        C: $ LIST \"\" \"*\"
        S: * LIST () \"/\" A
        S: * LIST (\\NonExistent) \"/\" B
        S: * LIST () \"/\" C
        S: $ OK done
        C: $ STATUS \"A\" (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)
        C: $ STATUS \"C\" (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)
        S: $ NO [NOPERM] not yours
        S: * STATUS C (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3 HIGHESTMODSEQ 4)
        S: $ OK done";
    let folders = listed(script).await.unwrap();
    let known: Vec<bool> = folders.iter().map(|folder| folder.status.is_some()).collect();
    assert_eq!((known, folders[1].selectable), (vec![false, false, true], false));
}

#[tokio::test]
async fn a_name_that_cannot_be_quoted_waits_for_the_server() {
    let script = "S: * PREAUTH [CAPABILITY IMAP4rev1 CONDSTORE] hi
        C: $ LIST \"\" \"*\"
        S: * LIST () \"/\" A
        S: * LIST () \"/\" é
        S: $ OK done
        C: $ STATUS \"A\" (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)
        S: $ OK done
        C: $ STATUS {2}
        S: + go on
        C: é (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)
        S: * STATUS {2}\\r\\né (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3 HIGHESTMODSEQ 4)
        S: $ OK done";
    let folders = listed(script).await.unwrap();
    assert_eq!((folders[1].name.as_str(), folders[1].status.is_some()), ("é", true));
    let refused = script.split_once("        S: + go on").unwrap().0.to_owned() + "S: $ NO no such name";
    assert_eq!(listed(&refused).await.unwrap()[1].status, None);
}

#[tokio::test]
async fn utf8_accept_changes_the_wire_and_not_the_key() {
    let script = "S: * PREAUTH [CAPABILITY IMAP4rev1 ENABLE UTF8=ACCEPT] hi
        C: $ ENABLE UTF8=ACCEPT
        C: $ LIST \"\" \"*\"
        S: * ENABLED UTF8=ACCEPT
        S: $ OK done
        S: * LIST () \"/\" \"é & co\"
        S: $ OK done
        C: $ EXAMINE \"é & co\"
        S: $ NO [NONEXISTENT] gone";
    let run = async |remote: crate::ImapRemote| {
        let folders = remote.folders().await.unwrap();
        let request = postrider_remote::ChangesRequest {
            since: None,
            window: postrider_model::Window::All,
            known: postrider_model::UidSet::EMPTY,
            listed: None,
        };
        (folders[0].clone(), remote.changes(&folders[0].key, request).await.err().unwrap())
    };
    let (listed, fault) = play(&[script], run).await;
    assert_eq!(listed, folder("&AOk- &- co", "é & co", None));
    assert_eq!(
        fault.to_string(),
        "cannot select folder \"é & co\" on imap.test:143: the server answered NO [NONEXISTENT]: gone"
    );
    assert_eq!(fault.class, ErrorClass::Permanent);
}

#[tokio::test]
async fn a_refused_or_empty_listing_is_an_error() {
    for (answer, class, cause) in [
        (
            "S: * LIST () \"/\" INBOX\nS: $ NO [UNAVAILABLE] later",
            ErrorClass::Transient,
            "the server answered NO [UNAVAILABLE]: later",
        ),
        ("S: $ BAD what", ErrorClass::Permanent, "the server answered BAD: what"),
        ("S: $ OK done", ErrorClass::Transient, "the server listed no folder, not even INBOX"),
        (
            "S: * LIST () \"/\"\nhang",
            ErrorClass::Transient,
            "the server's answer makes no sense: an incomplete line",
        ),
        (
            "S: * BYE [UNAVAILABLE] shutting down",
            ErrorClass::Transient,
            "the server ended the connection [UNAVAILABLE]: shutting down",
        ),
    ] {
        let script = format!("S: * PREAUTH [CAPABILITY IMAP4rev1] hi\nC: $ LIST \"\" \"*\"\n{answer}");
        let fault = listed(&script).await.unwrap_err();
        assert_eq!((fault.class, fault.cause.as_str()), (class, cause));
        assert_eq!(fault.action, "list folders on imap.test:143");
    }
}
