//! Messages as they come, whole conversations.

use async_trait::async_trait;
use postrider_model::{EmailId, ErrorClass, Fault, Flags, Timestamp, Uid};
use postrider_remote::{MailRemote, Result as RemoteResult};

use super::*;
use crate::scripted::{play, play_with, settings};

/// Keeps what it is given; fails at the UID that it is told to.
#[derive(Default)]
struct Kept {
    messages: Vec<FetchedMessage>,
    full_at: Option<Uid>,
}

#[async_trait]
impl BodySink for Kept {
    async fn take(&mut self, message: FetchedMessage) -> RemoteResult<()> {
        if self.full_at == Some(message.uid) {
            return Err(Fault::new(ErrorClass::Permanent, "store a message", "the disk is full"));
        }
        self.messages.push(message);
        Ok(())
    }
}

impl Kept {
    fn uids(&self) -> Vec<Uid> {
        self.messages.iter().map(|message| message.uid).collect()
    }
}

fn set(text: &str) -> UidSet {
    crate::codec::sets::uid_set(text.as_bytes()).unwrap()
}

fn inbox() -> FolderKey {
    FolderKey("INBOX".to_owned())
}

async fn fetched(scripts: &[&str], uids: &str, what: FetchWhat, sink: &mut Kept) -> RemoteResult<()> {
    let uids = set(uids);
    play(scripts, async |remote| remote.fetch(&inbox(), 7, &uids, what, sink).await).await
}

const OPENED: &str = "S: * PREAUTH [CAPABILITY IMAP4rev1 CONDSTORE] hi
    C: $ EXAMINE \"INBOX\" (CONDSTORE)
    S: * 9 EXISTS
    S: * OK [UIDVALIDITY 7] valid
    S: * OK [UIDNEXT 100] next
    S: * OK [HIGHESTMODSEQ 5] modseq
    S: $ OK done\n";

const ITEMS: &str = "(UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ BODY.PEEK[])";

#[tokio::test]
async fn messages_come_with_all_that_was_asked_for() {
    let script = format!(
        "{OPENED}C: $ UID FETCH 1:3 {ITEMS}
        S: * 1 FETCH (UID 1 FLAGS (\\Seen Todo) INTERNALDATE \"01-Jan-1970 00:00:01 +0000\" RFC822.SIZE 9 MODSEQ (4) BODY[] {{3}}\\r\\na)\0)
        S: * 2 FETCH (UID 2 FLAGS () INTERNALDATE \"?\" BODY[] {{1001}}\\r\\n{})
        S: * 3 FETCH (BODY[] \"q\" FLAGS (\\Recent) UID 3)
        S: $ OK done",
        "x".repeat(1_001)
    );
    let mut sink = Kept::default();
    fetched(&[&script], "1:3", FetchWhat::Body, &mut sink).await.unwrap();
    let message = |uid, flags: &[&str], size, content| FetchedMessage {
        uid,
        flags: Flags::from_wire(flags.iter().copied()),
        internal_date: None,
        size,
        mod_seq: None,
        email_id: None,
        content,
    };
    let first = FetchedMessage {
        internal_date: Some(Timestamp::from_seconds(1)),
        mod_seq: Some(4),
        ..message(1, &["\\Seen", "Todo"], 9, Ok(b"a)\0".to_vec()))
    };
    assert_eq!(
        sink.messages,
        [first, message(2, &[], 1_001, Err(1_001)), message(3, &[], 1, Ok(b"q".to_vec()))]
    );
}

#[tokio::test]
async fn what_a_message_holds_is_named_where_the_server_has_names() {
    let named = async |can: &str, item: &str, told: [&str; 2]| {
        let opened = OPENED.replace("CONDSTORE]", &format!("CONDSTORE{can}]"));
        let script = format!(
            "{opened}C: $ UID FETCH 1:3 (UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ {item})
            S: * 1 FETCH (UID 1 FLAGS (\\Seen) RFC822.SIZE 9 {item} {})
            S: * 2 FETCH (UID 2 FLAGS ())
            S: * 2 FETCH (UID 2 RFC822.SIZE 8 {item} {})
            S: * 3 FETCH (UID 3 FLAGS () RFC822.SIZE 8 {item} NIL)
            S: $ OK done",
            told[0], told[1]
        );
        let mut sink = Kept::default();
        fetched(&[&script], "1:3", FetchWhat::Identity, &mut sink).await.unwrap();
        sink.messages
    };
    let message = |uid, flags: &[&str], size, id: &str| FetchedMessage {
        uid,
        flags: Flags::from_wire(flags.iter().copied()),
        internal_date: None,
        size,
        mod_seq: None,
        email_id: Some(EmailId(id.to_owned())),
        content: Ok(Vec::new()),
    };
    assert_eq!(
        named(" OBJECTID", "EMAILID", ["(M1)", "(M-2_x)"]).await,
        [message(1, &["\\Seen"], 9, "M1"), message(2, &[], 8, "M-2_x")]
    );
    assert_eq!(
        named(" X-GM-EXT-1", "X-GM-MSGID", ["1278455344230334865", "18446744073709551615"]).await,
        [message(1, &["\\Seen"], 9, "1278455344230334865"), message(2, &[], 8, "18446744073709551615")]
    );
    // A server without names is not asked.
    let mut sink = Kept::default();
    let greeting = "S: * PREAUTH [CAPABILITY IMAP4rev1 CONDSTORE] hi";
    fetched(&[greeting], "1:3", FetchWhat::Identity, &mut sink).await.unwrap();
    assert_eq!(sink.messages, []);
}

#[tokio::test]
async fn a_body_comes_with_its_name() {
    let opened = OPENED.replace("CONDSTORE]", "CONDSTORE OBJECTID]");
    let script = format!(
        "{opened}C: $ UID FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ EMAILID BODY.PEEK[])
        S: * 1 FETCH (UID 1 EMAILID (M1) BODY[] \"q\")
        S: $ OK done"
    );
    let mut sink = Kept::default();
    fetched(&[&script], "1", FetchWhat::Body, &mut sink).await.unwrap();
    assert_eq!(sink.messages[0].email_id, Some(EmailId("M1".to_owned())));
}

#[tokio::test]
async fn what_was_not_asked_for_or_has_no_text_is_not_delivered() {
    let script = format!(
        "{OPENED}C: $ UID FETCH 1,3:4 {ITEMS}
        S: * 9 FETCH (FLAGS (\\Seen) UID 50)
        S: * 10 EXISTS
        S: * 2 FETCH (UID 2 BODY[] \"other\")
        S: * 1 FETCH (UID 1 FLAGS (\\Seen))
        S: * 3 FETCH (UID 3 FLAGS () BODY[] NIL)
        S: * 1 FETCH (UID 1 BODY[] \"one\" RFC822.SIZE 3)
        S: * 1 FETCH (UID 1 BODY[] \"again\")
        S: * 4 FETCH (UID 4 FLAGS () BODY[HEADER] \"four\")
        S: $ NO [EXPUNGEISSUED] some are gone"
    );
    let mut sink = Kept::default();
    fetched(&[&script], "1,3:4", FetchWhat::Body, &mut sink).await.unwrap();
    assert_eq!(sink.uids(), [1, 4]);
    assert_eq!(sink.messages[0].content, Ok(b"one".to_vec()));
}

#[tokio::test]
async fn flags_that_come_apart_from_the_text_are_kept() {
    let script = format!(
        "{OPENED}C: $ UID FETCH 1 {ITEMS}
        S: * 1 FETCH (UID 1 FLAGS (\\Flagged) RFC822.SIZE 3)
        S: * 1 FETCH (UID 1 BODY[] \"one\")
        S: $ OK done"
    );
    let mut sink = Kept::default();
    fetched(&[&script], "1", FetchWhat::Body, &mut sink).await.unwrap();
    assert_eq!(sink.messages[0].flags, Flags::from_wire(["\\Flagged"]));
}

#[tokio::test]
async fn a_header_is_asked_for_as_such() {
    let script = format!(
        "{}C: $ UID FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])
        S: * 1 FETCH (UID 1 FLAGS () BODY[HEADER] \"From: a\")
        S: $ OK done",
        OPENED.replace("[HIGHESTMODSEQ 5]", "[NOMODSEQ]")
    );
    let mut sink = Kept::default();
    fetched(&[&script], "1", FetchWhat::Header, &mut sink).await.unwrap();
    assert_eq!(sink.uids(), [1]);
}

#[tokio::test]
async fn long_orders_go_in_short_lines_two_at_a_time() {
    // Every second UID: 2,000 ranges of four digits and a comma are two lines.
    let uids: UidSet = (1_000..5_000).step_by(2).collect();
    let lines = pieces(&uids, SET_OCTETS);
    assert_eq!(lines.len(), 2);
    let opened = OPENED.replace("UIDNEXT 100]", "UIDNEXT 9999]");
    let script = format!(
        "{opened}C: $ UID FETCH {} {ITEMS}\nC: $ UID FETCH {} {ITEMS}\nS: * 1 FETCH (UID 1000 BODY[] \"a\")\nS: $ OK done\nS: $ OK done",
        lines[0], lines[1]
    );
    let mut sink = Kept::default();
    let got =
        play(&[&script], async |remote| remote.fetch(&inbox(), 7, &uids, FetchWhat::Body, &mut sink).await)
            .await;
    assert_eq!((got, sink.uids()), (Ok(()), vec![1_000]));
}

#[tokio::test]
async fn a_folder_that_is_open_is_not_opened_again_unless_the_messages_are_newer() {
    let fetch = |uid: u32| {
        format!(
            "C: $ UID FETCH {uid} {ITEMS}\nS: * 1 FETCH (UID {uid} FLAGS () BODY[] \"x\")\nS: $ OK done\n"
        )
    };
    let again = OPENED.split_once('\n').unwrap().1.replace("UIDNEXT 100]", "UIDNEXT 101]");
    let script = format!("{OPENED}{}{}{again}{}", fetch(1), fetch(99), fetch(100));
    let mut sink = Kept::default();
    let run = async |remote: crate::ImapRemote| {
        for uid in [1, 99, 100] {
            remote.fetch(&inbox(), 7, &UidSet::range(uid, uid), FetchWhat::Body, &mut sink).await.unwrap();
        }
    };
    play(&[&script], run).await;
    assert_eq!(sink.uids(), [1, 99, 100]);
}

#[tokio::test]
async fn another_uid_validity_is_a_fault() {
    let script = OPENED.replace("UIDVALIDITY 7", "UIDVALIDITY 8");
    let fault = fetched(&[&script], "1", FetchWhat::Body, &mut Kept::default()).await.unwrap_err();
    assert_eq!(fault.class, ErrorClass::Transient);
    assert!(fault.cause.contains("UIDVALIDITY was 7 and is 8"), "{fault}");
    let in_the_middle = format!(
        "{OPENED}C: $ UID FETCH 1:2 {ITEMS}\nS: * OK [UIDVALIDITY 8] new\nS: * 1 FETCH (UID 1 BODY[] \"x\")\nhang"
    );
    let mut sink = Kept::default();
    let fault = fetched(&[&in_the_middle], "1:2", FetchWhat::Body, &mut sink).await.unwrap_err();
    assert!(fault.cause.contains("in the middle") && sink.messages.is_empty(), "{fault}");
}

#[tokio::test]
async fn a_refusal_is_never_an_empty_answer() {
    for (answer, class) in [
        ("NO [SERVERBUG] x", ErrorClass::Transient),
        ("BAD x", ErrorClass::Permanent),
        ("NO [LIMIT] x", ErrorClass::Throttled),
    ] {
        let script = format!("{OPENED}C: $ UID FETCH 1 {ITEMS}\nS: $ {answer}");
        let fault = fetched(&[&script], "1", FetchWhat::Body, &mut Kept::default()).await.unwrap_err();
        assert_eq!(fault.class, class, "{fault}");
        assert!(
            fault.to_string().starts_with(
                "cannot fetch messages of folder \"INBOX\" on imap.test:143: the server answered "
            ),
            "{fault}"
        );
    }
}

#[tokio::test]
async fn a_full_disk_ends_the_fetch_and_is_not_tried_again() {
    let fetch = format!(
        "C: $ UID FETCH 1:3 {ITEMS}\nS: * 1 FETCH (UID 1 BODY[] \"x\")\nS: * 2 FETCH (UID 2 BODY[] \"x\")\nhang"
    );
    let first = format!("C: $ UID FETCH 9 {ITEMS}\nS: $ OK done\n");
    let script = format!("{OPENED}{first}{fetch}");
    let mut sink = Kept { full_at: Some(2), ..Kept::default() };
    let run = async |remote: crate::ImapRemote| {
        remote.fetch(&inbox(), 7, &set("9"), FetchWhat::Body, &mut sink).await.unwrap();
        remote.fetch(&inbox(), 7, &set("1:3"), FetchWhat::Body, &mut sink).await
    };
    let fault = play(&[&script], run).await.unwrap_err();
    assert_eq!(fault.cause, "the disk is full");
    assert_eq!(sink.uids(), [1]);
}

#[tokio::test]
async fn a_kept_connection_that_dies_is_replaced_and_the_rest_fetched() {
    let first = format!(
        "{OPENED}C: $ UID FETCH 9 {ITEMS}\nS: $ OK done\nC: $ UID FETCH 1:3 {ITEMS}\nS: * 1 FETCH (UID 1 BODY[] \"x\")"
    );
    let second =
        format!("{OPENED}C: $ UID FETCH 2:3 {ITEMS}\nS: * 3 FETCH (UID 3 BODY[] \"x\")\nS: $ OK done");
    let mut sink = Kept::default();
    let run = async |remote: crate::ImapRemote| {
        remote.fetch(&inbox(), 7, &set("9"), FetchWhat::Body, &mut sink).await.unwrap();
        remote.fetch(&inbox(), 7, &set("1:3"), FetchWhat::Body, &mut sink).await
    };
    play(&[&first, &second], run).await.unwrap();
    assert_eq!(sink.uids(), [1, 3]);
}

#[tokio::test]
async fn a_new_connection_that_dies_is_a_fault() {
    let script = format!("{OPENED}C: $ UID FETCH 1 {ITEMS}\nS: * 1 FETCH (UID 1 BODY[] {{10}}\\r\\nhalf");
    let fault = fetched(&[&script], "1", FetchWhat::Body, &mut Kept::default()).await.unwrap_err();
    assert_eq!(
        (fault.class, fault.cause.as_str()),
        (ErrorClass::Transient, "the server closed the connection")
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_falls_silent_is_noticed() {
    let script =
        format!("{OPENED}C: $ UID FETCH 1 {ITEMS}\nS: * 1 FETCH (UID 1 BODY[] {{10}}\\r\\nhalf\nhang");
    let begun = tokio::time::Instant::now();
    let fault = fetched(&[&script], "1", FetchWhat::Body, &mut Kept::default()).await.unwrap_err();
    assert_eq!(
        (fault.class, fault.cause.as_str()),
        (ErrorClass::Transient, "the server did not answer within 60 s")
    );
    assert_eq!(begun.elapsed().as_secs(), 60);
}

#[tokio::test]
async fn compression_is_done_without_where_it_is_refused_or_not_wanted() {
    let script = "S: * PREAUTH [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] hi
        C: $ COMPRESS DEFLATE
        S: $ NO [COMPRESSIONACTIVE] not here
        C: $ EXAMINE \"INBOX\"
        S: $ NO [NONEXISTENT] x";
    let fault = fetched(&[script], "1", FetchWhat::Body, &mut Kept::default()).await.unwrap_err();
    assert_eq!(fault.class, ErrorClass::Permanent);
    let plain = crate::ImapSettings { compress: false, ..settings() };
    let script = "S: * PREAUTH [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] hi\nC: $ EXAMINE \"INBOX\"\nS: $ NO x";
    let uids = set("1");
    let run = async |remote: crate::ImapRemote| {
        remote.fetch(&inbox(), 7, &uids, FetchWhat::Body, &mut Kept::default()).await
    };
    assert!(play_with(plain, &[script], run).await.is_err());
}
