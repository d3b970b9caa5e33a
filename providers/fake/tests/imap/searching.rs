//! SEARCH, key by key.

use postrider_fake::Capabilities;

use crate::transcript::{all, date, selected, three};

#[tokio::test(start_paused = true)]
async fn every_key_finds_what_it_should() {
    let (server, anna) = three(all());
    anna.add_flags("INBOX", 1, &["\\Seen", "\\Answered", "$Junk"]).unwrap();
    anna.add_flags("INBOX", 2, &["\\Flagged", "\\Deleted", "\\Draft"]).unwrap();
    let dated =
        b"Date: Mon, 5 Feb 2024 10:00:00 +0000\r\nTo: Bob <bob@x>\r\nCc: c@d\r\nX-A: yes\r\n\r\nbody four";
    anna.append("INBOX", &dated[..], &[], date("2024-03-01T23:30:00-05:00")).unwrap();
    let mut script = String::new();
    for (number, (key, found)) in [
        ("ALL", "1 2 3 4"),
        ("2:3", "2 3"),
        ("*", "4"),
        ("UID 3:77", "3 4"),
        ("SEEN", "1"),
        ("UNSEEN", "2 3 4"),
        ("FLAGGED", "2"),
        ("UNFLAGGED", "1 3 4"),
        ("ANSWERED", "1"),
        ("UNANSWERED", "2 3 4"),
        ("DELETED", "2"),
        ("UNDELETED", "1 3 4"),
        ("DRAFT", "2"),
        ("UNDRAFT", "1 3 4"),
        ("KEYWORD $junk", "1"),
        ("UNKEYWORD $Junk", "2 3 4"),
        ("RECENT", "1 2 3 4"),
        ("OLD", ""),
        ("NEW", "2 3 4"),
        ("SINCE 2-Jan-2024", "2 3 4"),
        ("BEFORE \"2-Jan-2024\"", "1"),
        ("ON 1-mar-2024", "4"),
        ("SENTSINCE 1-Feb-2024", "4"),
        ("SENTBEFORE 1-Feb-2024", ""),
        ("SENTON 5-Feb-2024", "4"),
        ("SUBJECT ONE", "1"),
        ("FROM @example.com", "1 2 3"),
        ("TO bob", "4"),
        ("CC c@d", "4"),
        ("BCC x", ""),
        ("HEADER X-A \"\"", "4"),
        ("HEADER x-a YES", "4"),
        ("BODY \"body t\"", "2 3"),
        ("TEXT three", "3"),
        ("LARGER 50", "3 4"),
        ("SMALLER 50", "1 2"),
        ("NOT SEEN NOT DELETED", "3 4"),
        ("OR SEEN (DELETED DRAFT)", "1 2"),
        ("CHARSET UTF-8 ALL", "1 2 3 4"),
    ]
    .into_iter()
    .enumerate()
    {
        let found = format!("* SEARCH {found}");
        script
            .push_str(&format!("C: k{number} SEARCH {key}\nS: {}\nS: k{number} OK done\n", found.trim_end()));
    }
    selected(&server, &script).await;
}

#[tokio::test(start_paused = true)]
async fn results_in_every_form() {
    let (server, _) = three(all());
    let script = r#"
        O: append INBOX new
        O: expunge INBOX 2
        C: a0 NOOP
        S: ...
        C: a1 UID SEARCH 1:*
        S: * SEARCH 1 3 4
        S: a1 OK done
        C: a2 UID SEARCH RETURN () ALL
        S: * ESEARCH (TAG "a2") UID ALL 1,3:4
        S: a2 OK done
        C: a3 SEARCH RETURN (MIN MAX COUNT) ALL
        S: * ESEARCH (TAG "a3") MIN 1 MAX 3 COUNT 3
        S: a3 OK done
        C: a4 UID SEARCH RETURN (ALL COUNT) SEEN
        S: * ESEARCH (TAG "a4") UID COUNT 0
        S: a4 OK done
        C: a5 UID SEARCH MODSEQ 4
        S: * SEARCH 3 4 (MODSEQ 5)
        S: a5 OK done
        C: a6 UID SEARCH RETURN (ALL) MODSEQ "/flags/\\seen" all 5
        S: * ESEARCH (TAG "a6") UID ALL 4 MODSEQ 5
        S: a6 OK done
        C: a7 SEARCH CHARSET KOI8-R ALL
        S: a7 NO [BADCHARSET ..."#;
    selected(&server, script).await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_mailbox_has_nothing_to_find() {
    let (server, anna) = three(Capabilities::bare());
    anna.expunge("INBOX", &[1, 2, 3]).unwrap();
    selected(&server, "C: a1 UID SEARCH UID 1:*\nS: * SEARCH\nS: a1 OK done").await;
}
