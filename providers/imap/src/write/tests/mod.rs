//! Writes as whole conversations: what is sent, what is believed, and how far a failure says that it got.

mod append;
mod folder;
mod look;

use postrider_model::{ErrorClass, Flags, Uid, UidSet};
use postrider_remote::{Applied, Copied, Echo, FolderKey, MailOp, MailWriter, Messages, Reach, Written};

use crate::{ImapRemote, codec::sets::uid_set, scripted::play};

fn set(text: &str) -> UidSet {
    uid_set(text.as_bytes()).unwrap()
}

fn key(name: &str) -> FolderKey {
    FolderKey(name.to_owned())
}

fn flags(text: &str) -> Flags {
    Flags::from_wire(text.split_ascii_whitespace())
}

fn change(add: &str, remove: &str) -> MailOp {
    MailOp::Flags { add: flags(add), remove: flags(remove) }
}

fn to(name: &str) -> MailOp {
    MailOp::Move { to: key(name) }
}

/// INBOX opened to write on a server with these capabilities; UIDs below 100.
fn opened(capabilities: &str) -> String {
    let enable = match capabilities.contains("QRESYNC") {
        true => "C: $ ENABLE QRESYNC\nS: * ENABLED QRESYNC\nS: $ OK\n",
        false => "",
    };
    format!(
        "S: * PREAUTH [CAPABILITY IMAP4rev1 {capabilities}] hi\n{enable}C: $ SELECT \"INBOX\"\nS: * 9 EXISTS\n\
         S: * OK [UIDVALIDITY 7] valid\nS: * OK [UIDNEXT 100] next\n\
         S: * OK [PERMANENTFLAGS (\\Seen \\Flagged \\Deleted Todo)] these\nS: $ OK [READ-WRITE] open\n"
    )
}

const ALL: &str = "ENABLE QRESYNC UIDPLUS MOVE";
const BARE: &str = "";

async fn apply_to(remote: &ImapRemote, uids: &str, op: &MailOp) -> Written<Applied> {
    let (inbox, uids) = (key("INBOX"), set(uids));
    remote.apply(Messages { folder: &inbox, uid_validity: 7, uids: &uids }, op).await
}

async fn applied(capabilities: &str, script: &str, uids: &str, op: MailOp) -> Written<Applied> {
    let script = opened(capabilities) + script;
    play(&[&script], async |remote| apply_to(&remote, uids, &op).await).await
}

fn echo(uid: Uid, names: &str, mod_seq: Option<u64>) -> Echo {
    Echo { uid, flags: flags(names), mod_seq }
}

fn reach(outcome: &Written<Applied>) -> Option<Reach> {
    outcome.as_ref().err().map(|failed| failed.reach)
}

#[tokio::test]
async fn flags_are_what_the_server_echoes() {
    let script = "C: $ UID STORE 3:4,9 +FLAGS (\\Seen Todo)
        C: $ UID STORE 3:4,9 -FLAGS (\\Flagged)
        S: * 1 FETCH (UID 3 FLAGS (\\Seen Todo \\Flagged) MODSEQ (5))
        S: * 2 FETCH (FLAGS (\\Seen))
        S: $ OK done
        S: * 1 FETCH (UID 3 FLAGS (\\Seen Todo) MODSEQ (6))
        S: * 7 FETCH (UID 50 FLAGS (\\Seen))
        S: $ OK done
        C: $ UID FETCH 4,9 (FLAGS)
        S: * 2 FETCH (FLAGS (\\Seen Todo \\Recent) UID 4)
        S: $ OK done";
    // `Later` is not kept there, and `\Recent` is nobody's to set; 9 is gone.
    let outcome =
        applied(ALL, script, "3:4,9", change("\\Seen Todo Later \\Recent", "\\Flagged \\Draft")).await;
    let outcome = outcome.unwrap();
    assert_eq!(outcome.echoed, [echo(3, "\\Seen Todo", Some(6)), echo(4, "\\Seen Todo", None)]);
    assert_eq!(
        outcome.permanent.map(|kept| (kept.flags, kept.any_keyword)),
        Some((flags("\\Seen \\Flagged \\Deleted Todo"), false))
    );
    assert_eq!((outcome.gone, outcome.left_marked, outcome.copied), (UidSet::EMPTY, UidSet::EMPTY, None));
}

#[tokio::test]
async fn flags_that_are_not_kept_are_not_sent() {
    let script = "C: $ UID FETCH 3 (FLAGS)\nS: * 1 FETCH (UID 3 FLAGS ())\nS: $ OK done";
    let outcome = applied(BARE, script, "3", change("Later", "\\Answered")).await.unwrap();
    assert_eq!(outcome.echoed, [echo(3, "", None)]);
}

#[tokio::test]
async fn a_refused_store_may_have_done_some() {
    let table = [
        ("S: $ NO [SERVERBUG] no", Reach::Unknown, ErrorClass::Transient),
        ("S: $ BAD what", Reach::NotDone, ErrorClass::Permanent),
        ("S: * BYE gone", Reach::Unknown, ErrorClass::Transient),
        ("", Reach::Unknown, ErrorClass::Transient),
    ];
    for (answer, expected, class) in table {
        let script = format!("C: $ UID STORE 3 +FLAGS (\\Seen)\n{answer}");
        let failed = applied(BARE, &script, "3", change("\\Seen", "")).await.unwrap_err();
        assert_eq!((failed.reach, failed.fault.class), (expected, class), "{answer}: {failed}");
        assert!(failed.fault.action.starts_with("change flags of folder \"INBOX\""), "{failed}");
    }
    // Servers say so where some of the messages are gone.
    let script = "C: $ UID STORE 3 +FLAGS (\\Seen)\nS: $ NO [EXPUNGEISSUED] gone\n\
        C: $ UID FETCH 3 (FLAGS)\nS: $ NO [EXPUNGEISSUED] gone";
    assert_eq!(applied(BARE, script, "3", change("\\Seen", "")).await.unwrap().echoed, []);
}

#[tokio::test]
async fn a_move_is_what_expunges_and_copyuid_tell() {
    let script = "C: $ UID MOVE 3:5 \"Trash\"
        S: * OK [COPYUID 8 3:4 10:11] moved
        S: * VANISHED 3:5,60
        S: $ OK done";
    let outcome = applied(ALL, script, "3:5", to("Trash")).await.unwrap();
    let copied = Copied { uid_validity: 8, pairs: vec![(3, 10), (4, 11)] };
    // Somebody else erased 5.
    assert_eq!((outcome.gone, outcome.copied), (set("3:4"), Some(copied)));

    let by_number = "C: $ UID FETCH 3:5 (UID)
        S: * 2 FETCH (UID 3)
        S: * 3 FETCH (UID 4)
        S: * 4 FETCH (UID 5)
        S: * 1 EXPUNGE
        S: $ OK done
        C: $ UID MOVE 3:5 \"Trash\"
        S: * 1 EXPUNGE
        S: * 2 EXPUNGE
        S: $ OK done";
    let outcome = applied("MOVE", by_number, "3:5", to("Trash")).await.unwrap();
    assert_eq!((outcome.gone, outcome.copied), (set("3,5"), None));
    // An OK proves nothing.
    let nothing = "C: $ UID MOVE 3 \"Trash\"\nS: $ OK done";
    let outcome = applied(ALL, nothing, "3", to("Trash")).await.unwrap();
    assert_eq!((outcome.gone, outcome.copied), (UidSet::EMPTY, None));
}

#[tokio::test]
async fn a_refused_move_of_several_may_have_moved_some() {
    let table = [
        ("3", "S: $ NO no", Reach::NotDone),
        ("3", "S: * VANISHED 3\nS: $ NO no", Reach::Unknown),
        ("3:4", "S: $ NO no", Reach::Unknown),
        ("3:4", "S: $ NO [TRYCREATE] no", Reach::NotDone),
        ("3:4", "S: $ BAD no", Reach::NotDone),
        ("3:4", "S: * OK [COPYUID 8 3 10] half\nS: * VANISHED 3\nS: $ NO [TRYCREATE] no", Reach::Unknown),
        ("3", "", Reach::Unknown),
    ];
    for (uids, answer, expected) in table {
        let script = format!("C: $ UID MOVE {uids} \"Trash\"\n{answer}");
        assert_eq!(reach(&applied(ALL, &script, uids, to("Trash")).await), Some(expected), "{answer}");
    }
}

#[tokio::test]
async fn a_copy_is_done_whole_or_not() {
    let copy = || MailOp::Copy { to: key("Work") };
    let script =
        "C: $ UID COPY 3:4 \"Work\"\nS: * 1 FETCH (FLAGS () UID 3)\nS: $ OK [COPYUID 8 3:4 10:11] done";
    let outcome = applied(BARE, script, "3:4", copy()).await.unwrap();
    assert_eq!(outcome.copied, Some(Copied { uid_validity: 8, pairs: vec![(3, 10), (4, 11)] }));
    assert_eq!(outcome.echoed, []);
    for (answer, expected) in [("S: $ NO [OVERQUOTA] full", Reach::NotDone), ("", Reach::Unknown)] {
        let script = format!("C: $ UID COPY 3:4 \"Work\"\n{answer}");
        assert_eq!(reach(&applied(BARE, &script, "3:4", copy()).await), Some(expected));
    }
}

#[tokio::test]
async fn without_move_it_is_copied_marked_and_erased() {
    let script = "C: $ UID COPY 3:5 \"Trash\"
        S: $ OK [COPYUID 8 3:4 10:11] done
        C: $ UID STORE 3:4 +FLAGS.SILENT (\\Deleted)
        S: $ OK done
        C: $ UID EXPUNGE 3:4
        S: * VANISHED 3:4
        S: $ OK done";
    let outcome = applied("ENABLE QRESYNC UIDPLUS", script, "3:5", to("Trash")).await.unwrap();
    let copied = Copied { uid_validity: 8, pairs: vec![(3, 10), (4, 11)] };
    assert_eq!(
        (outcome.gone, outcome.left_marked, outcome.copied),
        (set("3:4"), UidSet::EMPTY, Some(copied))
    );

    let by_number = "C: $ UID COPY 3:4 \"Trash\"
        S: $ OK done
        C: $ UID STORE 3:4 +FLAGS (\\Deleted)
        S: * 1 FETCH (UID 3 FLAGS (\\Deleted))
        S: $ OK done
        C: $ UID FETCH 4 (FLAGS)
        S: * 2 FETCH (UID 4 FLAGS (\\Deleted))
        S: $ OK done
        C: $ UID EXPUNGE 3:4
        S: * 1 EXPUNGE
        S: * 1 EXPUNGE
        S: $ OK done";
    let outcome = applied("UIDPLUS", by_number, "3:4", to("Trash")).await.unwrap();
    assert_eq!((outcome.gone, outcome.copied), (set("3:4"), None));
    // What was not erased after all is still marked.
    let kept = by_number.replacen("S: * 1 EXPUNGE\n", "", 1);
    let outcome = applied("UIDPLUS", &kept, "3:4", to("Trash")).await.unwrap();
    assert_eq!((outcome.gone, outcome.left_marked), (set("3"), set("4")));
}

#[tokio::test]
async fn without_uidplus_the_mark_is_left() {
    let marks = "C: $ UID STORE 3:4 +FLAGS (\\Deleted)
        S: * 1 FETCH (UID 3 FLAGS (\\Deleted \\Seen))
        S: $ OK done
        C: $ UID FETCH 4 (FLAGS)
        S: $ OK done";
    let outcome = applied(BARE, marks, "3:4", MailOp::Expunge).await.unwrap();
    assert_eq!((outcome.gone, outcome.left_marked), (UidSet::EMPTY, set("3")));
    let copied = format!("C: $ UID COPY 3:4 \"Trash\"\nS: $ OK done\n{marks}");
    let outcome = applied(BARE, &copied, "3:4", to("Trash")).await.unwrap();
    assert_eq!((outcome.gone, outcome.left_marked), (UidSet::EMPTY, set("3")));
}

#[tokio::test]
async fn a_move_that_fails_in_the_middle_is_unknown() {
    let copy = "C: $ UID COPY 3 \"Trash\"\n";
    let store = "S: $ OK [COPYUID 8 3 10] done\nC: $ UID STORE 3 +FLAGS.SILENT (\\Deleted)\n";
    let expunge = "S: $ OK done\nC: $ UID EXPUNGE 3\n";
    let table = [
        (format!("{copy}S: $ NO [TRYCREATE] no"), Reach::NotDone),
        (copy.to_owned(), Reach::Unknown),
        (format!("{copy}{store}S: $ NO no"), Reach::Unknown),
        (format!("{copy}{store}S: $ BAD no"), Reach::Unknown),
        (format!("{copy}{store}"), Reach::Unknown),
        (format!("{copy}{store}{expunge}S: $ NO no"), Reach::Unknown),
        (format!("{copy}{store}{expunge}S: $ BAD no"), Reach::Unknown),
    ];
    for (script, expected) in table {
        let outcome = applied("ENABLE QRESYNC UIDPLUS", &script, "3", to("Trash")).await;
        assert_eq!(reach(&outcome), Some(expected), "{script}");
    }
}

#[tokio::test]
async fn a_folder_that_is_renumbered_in_the_middle_is_left_alone() {
    let script = "C: $ UID COPY 3 \"Trash\"\nS: * OK [UIDVALIDITY 8] new\nS: $ OK done";
    let failed = applied("UIDPLUS", script, "3", to("Trash")).await.unwrap_err();
    assert_eq!(failed.reach, Reach::Unknown);
    assert!(failed.fault.cause.contains("renumbered"), "{failed}");
}

#[tokio::test]
async fn nothing_is_sent_where_it_must_not_be() {
    let select = |validity: u32, permanent: &str, end: &str| {
        format!(
            "S: * PREAUTH [CAPABILITY IMAP4rev1 UIDPLUS] hi\nC: $ SELECT \"INBOX\"\nS: * 9 EXISTS\n\
             S: * OK [UIDVALIDITY {validity}] v\nS: * OK [PERMANENTFLAGS ({permanent})] p\nS: $ OK [{end}] open\n"
        )
    };
    let table = [
        (
            select(8, "\\Deleted", "READ-WRITE"),
            "the folder was renumbered meanwhile (UIDVALIDITY was 7 and is 8)",
        ),
        (select(7, "", "READ-ONLY"), "the server lets it only be read"),
        (select(7, "\\Seen", "READ-WRITE"), "the server does not let messages be deleted there"),
    ];
    for (script, cause) in table {
        for op in [to("Trash"), MailOp::Expunge] {
            let failed =
                play(&[&script], async |remote| apply_to(&remote, "3", &op).await).await.unwrap_err();
            assert_eq!(failed.reach, Reach::NotDone);
            assert!(failed.fault.cause.starts_with(cause), "{failed}");
        }
    }
    // Nothing at all is asked for nothing.
    let none = UidSet::EMPTY;
    let inbox = key("INBOX");
    let nothing = Messages { folder: &inbox, uid_validity: 7, uids: &none };
    let outcome = play(&[], async |remote| remote.apply(nothing, &MailOp::Expunge).await).await;
    assert_eq!(outcome, Ok(Applied::default()));
    assert_eq!(play(&[], async |remote| remote.present(nothing).await).await, Ok(UidSet::EMPTY));
}

#[tokio::test]
async fn long_sets_go_in_several_lines_one_by_one() {
    let uids: UidSet = (1..=5_000).map(|n| n * 10_000).collect();
    let pieces = crate::codec::sets::pieces(&uids, crate::fetch::SET_OCTETS);
    assert!(pieces.len() > 3);
    let mut script = String::new();
    for (at, piece) in pieces.iter().enumerate().take(2) {
        let end = if at == 0 { "OK done" } else { "NO [OVERQUOTA] full" };
        script += &format!("C: $ UID COPY {piece} \"Work\"\nS: $ {end}\n");
    }
    let script = opened(BARE).replace("UIDNEXT 100]", "UIDNEXT 50000001]") + &script;
    let inbox = key("INBOX");
    let messages = Messages { folder: &inbox, uid_validity: 7, uids: &uids };
    let copy = MailOp::Copy { to: key("Work") };
    let failed = play(&[&script], async |remote| remote.apply(messages, &copy).await).await.unwrap_err();
    assert_eq!((failed.reach, failed.fault.class), (Reach::Unknown, ErrorClass::Permanent));
}

#[tokio::test]
async fn a_kept_connection_that_died_is_replaced_before_anything_is_sent_and_never_after() {
    let store = "C: $ UID STORE 3 +FLAGS (\\Seen)\n";
    let echoed = "S: * 1 FETCH (UID 3 FLAGS (\\Seen))\nS: $ OK done\n";
    let run = async |remote: ImapRemote| {
        let op = change("\\Seen", "");
        apply_to(&remote, "3", &op).await.unwrap();
        apply_to(&remote, "3", &op).await
    };
    // It ends behind the first answer.
    let first = opened(BARE) + store + echoed;
    assert!(play(&[&first, &first], run).await.is_ok());
    // It ends when the second STORE came.
    let taken = opened(BARE) + store + echoed + store;
    let failed = play(&[&taken], run).await.unwrap_err();
    assert_eq!(failed.reach, Reach::Unknown);
    // It ends when the folder is to be opened anew.
    let reopened = opened(BARE) + store + echoed + "C: $ SELECT \"INBOX\"";
    let again = opened(BARE)
        + "C: $ UID STORE 100 +FLAGS (\\Seen)\nS: * 10 FETCH (UID 100 FLAGS (\\Seen))\nS: $ OK done";
    let run = async |remote: ImapRemote| {
        let op = change("\\Seen", "");
        apply_to(&remote, "3", &op).await.unwrap();
        apply_to(&remote, "100", &op).await
    };
    assert!(play(&[&reopened, &again], run).await.is_ok());
}

#[tokio::test]
async fn a_folder_that_is_open_to_read_is_opened_to_write() {
    let script = "S: * PREAUTH [CAPABILITY IMAP4rev1] hi
        C: $ EXAMINE \"INBOX\"
        S: * 9 EXISTS
        S: * OK [UIDVALIDITY 7] v
        S: * OK [UIDNEXT 100] n
        S: $ OK [READ-ONLY] open
        C: $ UID SEARCH UID 3:*,*
        S: * SEARCH 3 90
        S: $ OK done
        C: $ SELECT \"INBOX\"
        S: * 9 EXISTS
        S: * OK [UIDVALIDITY 7] v
        S: * OK [UIDNEXT 100] n
        S: $ OK [READ-WRITE] open
        C: $ UID STORE 3 +FLAGS (\\Seen Later)
        S: * 1 FETCH (UID 3 FLAGS (\\Seen))
        S: $ OK done";
    let run = async |remote: ImapRemote| {
        let (inbox, uids) = (key("INBOX"), UidSet::range(3, Uid::MAX));
        let there = remote.present(Messages { folder: &inbox, uid_validity: 7, uids: &uids }).await.unwrap();
        assert_eq!(there, set("3,90"));
        apply_to(&remote, "3", &change("\\Seen Later", "")).await
    };
    // Where the server does not say what it keeps, all is sent.
    assert_eq!(play(&[script], run).await.unwrap().permanent, None);
}
