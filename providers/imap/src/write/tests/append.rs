//! Messages put into a folder.

use postrider_model::{ErrorClass, Flags, Timestamp};
use postrider_remote::{MailRemote, MailWriter, NewMessage, Place, Reach, WriteFault, Written};

use super::{flags, key};
use crate::{
    ImapRemote, ImapSettings,
    scripted::{play, play_with, settings},
};

async fn appended(
    capabilities: &str,
    script: &str,
    bytes: &[u8],
    names: &str,
    at: Option<i64>,
) -> Written<Option<Place>> {
    let script = format!("S: * PREAUTH [CAPABILITY IMAP4rev1 {capabilities}] hi\n{script}");
    let plain = ImapSettings { compress: false, ..settings() };
    let flags = flags(names);
    let message = NewMessage { bytes, flags: &flags, internal_date: at.map(Timestamp::from_seconds) };
    play_with(plain, &[&script], async |remote| remote.append(&key("Sent"), message).await).await
}

#[tokio::test]
async fn a_message_goes_as_the_server_takes_it() {
    let told = Ok(Some(Place { uid_validity: 7, uid: 12 }));
    let end = "S: $ OK [APPENDUID 7 12] done";
    let table = [
        (
            "",
            "C: $ APPEND \"Sent\" (\\Seen Todo) \"17-Jul-1996 09:44:25 +0000\" {3}\nS: + go\nC: abc\n",
            "abc",
            "\\Seen Todo",
            Some(837_596_665),
        ),
        ("LITERAL+", "C: $ APPEND \"Sent\" {3+}\nC: abc\n", "abc", "", None),
        ("LITERAL-", "C: $ APPEND \"Sent\" {3+}\nC: abc\n", "abc", "", None),
        ("BINARY LITERAL+", "C: $ APPEND \"Sent\" ~{3+}\nC: a\0c\n", "a\0c", "", None),
        ("", "C: $ APPEND \"Sent\" {2}\nS: + go\nC: é\n", "é", "", None),
        (
            "ENABLE UTF8=ACCEPT",
            "C: $ ENABLE UTF8=ACCEPT\nS: * ENABLED UTF8=ACCEPT\nS: $ OK\nC: $ APPEND \"Sent\" UTF8 (~{2}\nS: + go\nC: é)\n",
            "é",
            "",
            None,
        ),
    ];
    for (capabilities, script, bytes, names, at) in table {
        let outcome = appended(capabilities, &format!("{script}{end}"), bytes.as_bytes(), names, at).await;
        assert_eq!(outcome, told, "{script}");
    }
    let untold =
        appended("", "C: $ APPEND \"Sent\" {3}\nS: + go\nC: abc\nS: $ OK done", b"abc", "", None).await;
    assert_eq!(untold, Ok(None));
}

#[tokio::test]
async fn what_the_server_would_not_take_is_not_sent() {
    for (capabilities, bytes, cause) in [
        ("", b"a\0b".as_slice(), "NUL"),
        ("BINARY", b"a\nb", "LF without CR"),
        ("APPENDLIMIT=2", b"abc", "the server takes 2 (APPENDLIMIT)"),
    ] {
        let failed = appended(capabilities, "", bytes, "", None).await.unwrap_err();
        assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Permanent));
        assert!(failed.fault.cause.contains(cause) && failed.fault.hint.is_some(), "{failed}");
    }
}

#[tokio::test]
async fn an_append_that_fails_says_how_far_it_got() {
    let head = "C: $ APPEND \"Sent\" {3}\n";
    let sent = "S: + go\nC: abc\n";
    use ErrorClass as E;
    let table = [
        (format!("{head}S: $ NO [TRYCREATE] no"), Reach::NotDone, E::Permanent),
        (format!("{head}S: $ NO [TOOBIG] no"), Reach::NotDone, E::Permanent),
        (head.to_owned(), Reach::NotDone, E::Transient),
        (format!("{head}{sent}S: $ NO [OVERQUOTA] full"), Reach::NotDone, E::Permanent),
        (format!("{head}{sent}S: $ NO [LIMIT] slower"), Reach::NotDone, E::Throttled),
        (format!("{head}{sent}S: $ BAD no"), Reach::NotDone, E::Permanent),
        (format!("{head}{sent}"), Reach::Unknown, E::Transient),
        (format!("{head}{sent}S: * BYE bye"), Reach::Unknown, E::Transient),
    ];
    for (script, reach, class) in table {
        let failed: WriteFault = appended("", &script, b"abc", "", None).await.unwrap_err();
        assert_eq!((failed.reach, failed.fault.class), (reach, class), "{script}: {failed}");
    }
    let at_once = "C: $ APPEND \"Sent\" {3+}\nC: abc\n";
    assert_eq!(appended("LITERAL+", at_once, b"abc", "", None).await.unwrap_err().reach, Reach::Unknown);
}

#[tokio::test]
async fn a_long_message_is_announced_and_can_be_refused() {
    let long = b"0123456789\r\n".repeat(2_000);
    let script =
        "C: $ APPEND \"Sent\" {24000}\nS: $ NO [OVERQUOTA] full\nC: $ LOGOUT\nS: * BYE bye\nS: $ OK done";
    let script = format!("S: * PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] hi\n{script}");
    let message = NewMessage { bytes: &long, flags: &Flags::NONE, internal_date: None };
    let run = async |remote: ImapRemote| {
        let failed = remote.append(&key("Sent"), message).await.unwrap_err();
        remote.close().await;
        failed
    };
    // The connection is as good as before.
    assert_eq!(play(&[&script], run).await.reach, Reach::NotDone);
}
