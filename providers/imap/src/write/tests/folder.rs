//! Folders made, renamed, deleted.

use postrider_model::ErrorClass;
use postrider_remote::{MailOp, MailWriter, Messages, Reach};

use super::{key, opened, set};
use crate::{ImapRemote, scripted::play};

const NESTED: &str = "C: $ LIST \"\" \"\"\nS: * LIST (\\Noselect) \"/\" \"\"\nS: $ OK done\n";

async fn with_folders<T>(script: &str, act: impl AsyncFnOnce(ImapRemote) -> T) -> T {
    play(&[&format!("S: * PREAUTH [CAPABILITY IMAP4rev1] hi\n{script}")], act).await
}

#[tokio::test]
async fn folders_are_made_with_what_is_above_them() {
    let create = async |script: &str| {
        with_folders(&format!("{NESTED}{script}"), async |remote| remote.create_folder("Work/Ö").await).await
    };
    let made = Ok(key("Work/&ANY-"));
    let table = [
        "C: $ CREATE \"Work/&ANY-\"\nS: $ OK done\nC: $ SUBSCRIBE \"Work/&ANY-\"\nS: $ NO not here",
        "C: $ CREATE \"Work/&ANY-\"\nS: $ NO [ALREADYEXISTS] there",
        "C: $ CREATE \"Work/&ANY-\"\nS: $ NO there\nC: $ LIST \"\" \"Work/&ANY-\"\nS: * LIST () \"/\" Work/&ANY-\nS: $ OK done",
        "C: $ CREATE \"Work/&ANY-\"\nS: $ NO nothing above\nC: $ LIST \"\" \"Work/&ANY-\"\nS: $ OK done
         C: $ CREATE \"Work\"\nS: $ OK done\nC: $ CREATE \"Work/&ANY-\"\nS: $ OK done
         C: $ SUBSCRIBE \"Work/&ANY-\"\nS: $ OK done",
    ];
    for script in table {
        assert_eq!(create(script).await, made, "{script}");
    }
    let refused =
        "C: $ CREATE \"Work/&ANY-\"\nS: $ NO [NOPERM] no\nC: $ LIST \"\" \"Work/&ANY-\"\nS: $ OK done\n";
    let table = [
        (format!("{refused}C: $ CREATE \"Work\"\nS: $ NO no"), Reach::NotDone),
        (
            format!("{refused}C: $ CREATE \"Work\"\nS: $ OK\nC: $ CREATE \"Work/&ANY-\"\nS: $ NO no"),
            Reach::Unknown,
        ),
        ("C: $ CREATE \"Work/&ANY-\"".to_owned(), Reach::Unknown),
        (
            "C: $ CREATE \"Work/&ANY-\"\nS: $ BAD no\nC: $ LIST \"\" \"Work/&ANY-\"\nS: $ OK done".to_owned(),
            Reach::NotDone,
        ),
    ];
    for (script, expected) in table {
        assert_eq!(create(&script).await.unwrap_err().reach, expected, "{script}");
    }
    let inbox = with_folders(NESTED, async |remote| remote.create_folder("inbox").await).await;
    assert_eq!(inbox, Ok(key("INBOX")));
}

#[tokio::test]
async fn a_renamed_folder_keeps_its_subscriptions() {
    let script = format!(
        "{NESTED}C: $ LSUB \"\" \"*\"
        S: * LSUB () \"/\" Work
        S: * LSUB () \"/\" Work/a
        S: * LSUB () \"/\" Workshop
        S: $ OK done
        C: $ RENAME \"Work\" \"Old/Work\"
        S: $ OK done
        C: $ SUBSCRIBE \"Old/Work\"
        C: $ UNSUBSCRIBE \"Work\"
        C: $ SUBSCRIBE \"Old/Work/a\"
        C: $ UNSUBSCRIBE \"Work/a\"
        S: $ OK
        S: $ OK
        S: $ OK
        S: $ NO"
    );
    let renamed =
        with_folders(&script, async |remote| remote.rename_folder(&key("Work"), "Old/Work").await).await;
    assert_eq!(renamed, Ok(key("Old/Work")));
    let refused = format!(
        "{NESTED}C: $ LSUB \"\" \"*\"\nS: $ BAD no\nC: $ RENAME \"Work\" \"B\"\nS: $ NO [ALREADYEXISTS] no"
    );
    let failed = with_folders(&refused, async |remote| remote.rename_folder(&key("Work"), "B").await).await;
    assert_eq!(failed.unwrap_err().reach, Reach::NotDone);
}

#[tokio::test]
async fn a_folder_that_is_gone_is_deleted() {
    let delete = async |script: &str| {
        with_folders(script, async |remote| remote.delete_folder(&key("Work")).await).await
    };
    for script in [
        "C: $ DELETE \"Work\"\nS: $ OK done\nC: $ UNSUBSCRIBE \"Work\"\nS: $ OK",
        "C: $ DELETE \"Work\"\nS: $ NO [NONEXISTENT] no\nC: $ UNSUBSCRIBE \"Work\"\nS: $ NO",
        "C: $ DELETE \"Work\"\nS: $ NO no\nC: $ LIST \"\" \"Work\"\nS: * LIST (\\Noselect) \"/\" Work\nS: $ OK\nC: $ UNSUBSCRIBE \"Work\"\nS: $ OK",
    ] {
        assert_eq!(delete(script).await, Ok(()), "{script}");
    }
    for (script, expected) in [
        (
            "C: $ DELETE \"Work\"\nS: $ NO no\nC: $ LIST \"\" \"Work\"\nS: * LIST () \"/\" Work\nS: $ OK",
            Reach::NotDone,
        ),
        ("C: $ DELETE \"Work\"", Reach::Unknown),
    ] {
        assert_eq!(delete(script).await.unwrap_err().reach, expected);
    }
    for name in ["INBOX", "inbox"] {
        let failed =
            with_folders("", async |remote| remote.delete_folder(&key(name)).await).await.unwrap_err();
        assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Permanent));
        let failed =
            with_folders("", async |remote| remote.rename_folder(&key(name), "x").await).await.unwrap_err();
        assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Permanent));
    }
}

#[tokio::test]
async fn an_open_folder_is_left_before_it_is_deleted() {
    let script = opened("UNSELECT").replace("S: * PREAUTH [CAPABILITY IMAP4rev1 UNSELECT] hi\n", "")
        + "C: $ UID COPY 3 \"Work\"\nS: $ OK done\n";
    let script = format!(
        "S: * PREAUTH [CAPABILITY IMAP4rev1 UNSELECT] hi\n{}C: $ UNSELECT\nS: $ OK\nC: $ DELETE \"Box\"\nS: $ OK\nC: $ UNSUBSCRIBE \"Box\"\nS: $ OK",
        script.replace("\"INBOX\"", "\"Box\"")
    );
    let run = async |remote: ImapRemote| {
        let (folder, uids) = (key("Box"), set("3"));
        let copy = MailOp::Copy { to: key("Work") };
        remote.apply(Messages { folder: &folder, uid_validity: 7, uids: &uids }, &copy).await.unwrap();
        remote.delete_folder(&folder).await
    };
    assert_eq!(play(&[&script], run).await, Ok(()));
}
