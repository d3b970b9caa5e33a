//! Looking before a write is sent again.

use postrider_model::{ErrorClass, UidSet};
use postrider_remote::{MailOp, MailWriter, Messages};

use super::{apply_to, key, set};
use crate::{ImapRemote, scripted::play};

#[tokio::test]
async fn what_is_present_is_known_surely() {
    let opened = "S: * PREAUTH [CAPABILITY IMAP4rev1 ESEARCH] hi\nC: $ EXAMINE \"INBOX\"\nS: * 2 EXISTS\n\
        S: * OK [UIDVALIDITY 7] v\nS: $ OK [READ-ONLY] open\n";
    let asked = "C: $ UID SEARCH RETURN (ALL) UID 3:4,*\n";
    let look = async |script: String| {
        let (inbox, uids) = (key("INBOX"), set("3:4"));
        play(&[&script], async |remote| {
            remote.present(Messages { folder: &inbox, uid_validity: 7, uids: &uids }).await
        })
        .await
    };
    let answer = |all: &str| format!("{opened}{asked}S: * ESEARCH (TAG \"$\") UID{all}\nS: $ OK done");
    assert_eq!(look(answer(" ALL 4,9")).await, Ok(set("4")));
    assert_eq!(look(answer(" ALL 9")).await, Ok(UidSet::EMPTY));
    // A folder with messages has a last one.
    assert!(look(answer("")).await.unwrap_err().cause.contains("last message"));
    assert!(look(format!("{opened}{asked}S: $ OK done")).await.is_err());
    assert!(look(format!("{opened}{asked}S: $ NO no")).await.is_err());
    let renumbered = opened.replace("UIDVALIDITY 7", "UIDVALIDITY 8");
    assert!(look(renumbered).await.unwrap_err().cause.contains("renumbered"));
}

#[tokio::test]
async fn that_a_folder_holds_nothing_is_believed_where_its_state_says_so_too() {
    let look = async |can: &str, close: &str, told: u32| {
        let script = format!(
            "S: * PREAUTH [CAPABILITY IMAP4rev1{can}] hi
            C: $ EXAMINE \"INBOX\"
            S: * 0 EXISTS
            S: * OK [UIDVALIDITY 7] v
            S: $ OK [READ-ONLY] open
            C: $ {close}
            S: $ OK closed
            C: $ STATUS \"INBOX\" (MESSAGES UIDNEXT UIDVALIDITY)
            S: * STATUS INBOX (MESSAGES {told} UIDNEXT 9 UIDVALIDITY 7)
            S: $ OK done"
        );
        let (inbox, uids) = (key("INBOX"), set("3:4"));
        play(&[&script], async |remote| {
            remote.present(Messages { folder: &inbox, uid_validity: 7, uids: &uids }).await
        })
        .await
    };
    assert_eq!(look("", "CLOSE", 0).await, Ok(UidSet::EMPTY));
    let denied = look(" UNSELECT", "UNSELECT", 8).await.unwrap_err();
    assert_eq!(denied.class, ErrorClass::Transient);
    assert!(denied.cause.contains("shows none of the 8 messages"), "{denied}");
}

#[tokio::test]
async fn a_folders_state_is_asked_where_it_is_not_open() {
    let script = "S: * PREAUTH [CAPABILITY IMAP4rev1 CONDSTORE] hi
        C: $ STATUS \"Work\" (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)
        S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)
        S: * STATUS Work (MESSAGES 4 UIDNEXT 5 UIDVALIDITY 6 HIGHESTMODSEQ 7)
        S: $ OK done
        C: $ SELECT \"INBOX\" (CONDSTORE)
        S: * 9 EXISTS
        S: * OK [UIDVALIDITY 7] v
        S: * OK [UIDNEXT 100] n
        S: $ OK open
        C: $ UID COPY 3 \"Work\"
        S: $ OK done
        C: $ EXAMINE \"INBOX\" (CONDSTORE)
        S: * 8 EXISTS
        S: * OK [UIDVALIDITY 7] v
        S: $ OK open
        C: $ STATUS \"Work\" (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)
        S: $ OK done
        C: $ STATUS \"Gone\" (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)
        S: $ NO [NONEXISTENT] no";
    let run = async |remote: ImapRemote| {
        let work = remote.status(&key("Work")).await.unwrap();
        assert_eq!(
            (work.messages, work.uid_next, work.uid_validity, work.highest_mod_seq),
            (4, 5, 6, Some(7))
        );
        apply_to(&remote, "3", &MailOp::Copy { to: key("Work") }).await.unwrap();
        assert_eq!(remote.status(&key("INBOX")).await.unwrap().messages, 8);
        assert_eq!(remote.status(&key("Work")).await.unwrap_err().class, ErrorClass::Transient);
        assert_eq!(remote.status(&key("Gone")).await.unwrap_err().class, ErrorClass::Permanent);
    };
    play(&[script], run).await;
}
