//! Gmail's labels: one message, several mailboxes.

use std::collections::BTreeMap;

use postrider_fake::{Capabilities, MailboxView, OtherClient, Server};

use crate::transcript::{date, selected, server};

/// `INBOX` with the messages `one` and `two`, the label `Work` with `one` and `three`.
fn labelled() -> (Server, OtherClient) {
    let (server, anna) = server(Capabilities::gmail());
    anna.create_mailbox("Work").unwrap();
    for (mailbox, word) in [("INBOX", "one"), ("INBOX", "two"), ("Work", "one"), ("Work", "three")] {
        let text = format!("Subject: {word}\r\n\r\nbody {word}\r\n");
        anna.append(mailbox, text.into_bytes(), &[], date("2024-01-01T10:00:00+00:00")).unwrap();
    }
    (server, anna)
}

/// The words of the messages, and their flags, by mailbox that has any.
fn words(anna: &OtherClient) -> BTreeMap<String, Vec<String>> {
    let word = |view: &MailboxView| -> Vec<String> {
        let one = |bytes: &[u8], flags: &[String]| {
            let text = String::from_utf8_lossy(bytes);
            let word = text.split_whitespace().last().unwrap_or_default();
            [&[word.to_owned()], flags].concat().join(" ")
        };
        view.messages.iter().map(|message| one(&message.bytes, &message.flags)).collect()
    };
    let all = anna.snapshot();
    all.iter().map(|(name, view)| (name.clone(), word(view))).filter(|(_, words)| !words.is_empty()).collect()
}

fn expect(anna: &OtherClient, expected: &[(&str, &[&str])]) {
    let expected: BTreeMap<String, Vec<String>> = expected
        .iter()
        .map(|(name, words)| ((*name).to_owned(), words.iter().map(|word| (*word).to_owned()).collect()))
        .collect();
    assert_eq!(words(anna), expected);
}

#[test]
fn a_message_is_once_in_all_mail_and_has_one_set_of_flags() {
    let (_, anna) = labelled();
    anna.append("Work", b"Subject: one\r\n\r\nbody one\r\n".to_vec(), &[], date("2024-01-01T10:00:00+00:00"))
        .unwrap();
    anna.add_flags("Work", 1, &["\\Seen", "\\Deleted"]).unwrap();
    expect(
        &anna,
        &[
            ("INBOX", &["one \\Seen", "two"]),
            ("Work", &["one \\Deleted \\Seen", "three"]),
            ("[Gmail]/All Mail", &["one \\Seen", "two", "three"]),
        ],
    );
    anna.remove_flags("[Gmail]/All Mail", 1, &["\\Seen"]).unwrap();
    assert_eq!(words(&anna)["INBOX"], ["one", "two"]);
}

#[test]
fn erasing_takes_a_label_away() {
    let (_, anna) = labelled();
    anna.expunge("INBOX", &[1, 2]).unwrap();
    expect(&anna, &[("Work", &["one", "three"]), ("[Gmail]/All Mail", &["one", "two", "three"])]);
    assert_eq!(anna.expunge("[Gmail]/All Mail", &[1, 2, 3]).unwrap(), Vec::<u32>::new());
    anna.delete_mailbox("Work").unwrap();
    expect(&anna, &[("[Gmail]/All Mail", &["one", "two", "three"])]);
}

#[test]
fn trash_and_spam_take_all_labels() {
    let (_, anna) = labelled();
    anna.move_messages("Work", &[1], "[Gmail]/Trash").unwrap();
    anna.copy("INBOX", &[2], "[Gmail]/Spam").unwrap();
    expect(
        &anna,
        &[
            ("Work", &["three"]),
            ("[Gmail]/All Mail", &["three"]),
            ("[Gmail]/Spam", &["two"]),
            ("[Gmail]/Trash", &["one"]),
        ],
    );
    // Out of the one, into the other, and back to where mail is.
    anna.copy("[Gmail]/Spam", &[1], "[Gmail]/Trash").unwrap();
    anna.copy("[Gmail]/Trash", &[1], "INBOX").unwrap();
    expect(
        &anna,
        &[
            ("INBOX", &["one"]),
            ("Work", &["three"]),
            ("[Gmail]/All Mail", &["three", "one"]),
            ("[Gmail]/Trash", &["two"]),
        ],
    );
    assert_eq!(anna.expunge("[Gmail]/Trash", &[2]).unwrap(), [2]);
    assert!(!words(&anna).contains_key("[Gmail]/Trash"));
}

#[test]
fn a_move_changes_labels_and_copies_are_not_twice() {
    let (_, anna) = labelled();
    anna.move_messages("INBOX", &[1, 2], "Work").unwrap();
    expect(&anna, &[("Work", &["one", "three", "two"]), ("[Gmail]/All Mail", &["one", "two", "three"])]);
    anna.move_messages("Work", &[1], "[Gmail]/All Mail").unwrap();
    anna.move_messages("[Gmail]/All Mail", &[2], "INBOX").unwrap();
    expect(
        &anna,
        &[("INBOX", &["two"]), ("Work", &["three", "two"]), ("[Gmail]/All Mail", &["one", "two", "three"])],
    );
}

#[tokio::test(start_paused = true)]
async fn labels_and_ids_are_fetched() {
    let (server, anna) = labelled();
    anna.create_mailbox("Größe").unwrap();
    anna.copy("INBOX", &[1], "Größe").unwrap();
    anna.append(
        "INBOX",
        b"Subject: Re: one\r\n\r\nanswer\r\n".to_vec(),
        &[],
        date("2024-01-02T10:00:00+00:00"),
    )
    .unwrap();
    let script = r#"
        C: a1 UID FETCH 1:3 (X-GM-MSGID X-GM-THRID X-GM-LABELS)
        S: * 1 FETCH (X-GM-MSGID 1278455344230334866 X-GM-THRID 1278455344230334866 X-GM-LABELS (Gr&APYA3w-e Work) UID 1)
        S: * 2 FETCH (X-GM-MSGID 1278455344230334867 X-GM-THRID 1278455344230334867 X-GM-LABELS () UID 2)
        S: * 3 FETCH (X-GM-MSGID 1278455344230334870 X-GM-THRID 1278455344230334866 X-GM-LABELS () UID 3)
        S: a1 OK done
        C: a2 SELECT "[Gmail]/All Mail"
        S: ...
        C: a3 UID FETCH 1 (X-GM-LABELS)
        S: * 1 FETCH (X-GM-LABELS (Gr&APYA3w-e "\\Inbox" Work) UID 1)
        S: a3 OK done
        C: a4 UID MOVE 2 Work
        S: * OK [COPYUID 1007 2 3] moved
        S: a4 OK done
        C: a5 UID COPY 2 [Gmail]/Trash
        S: * 2 EXPUNGE
        S: a5 OK [COPYUID 1003 2 1] done
        C: a6 LIST "" "[Gmail]*"
        S: * LIST (\Noselect \HasChildren) "/" "[Gmail]"
        S: * LIST (\HasNoChildren \All) "/" "[Gmail]/All Mail"
        S: * LIST (\HasNoChildren \Drafts) "/" "[Gmail]/Drafts"
        S: * LIST (\HasNoChildren \Sent) "/" "[Gmail]/Sent Mail"
        S: * LIST (\HasNoChildren \Junk) "/" "[Gmail]/Spam"
        S: * LIST (\HasNoChildren \Trash) "/" "[Gmail]/Trash"
        S: a6 OK done"#;
    selected(&server, script).await;
    let (without, _) = crate::transcript::three(Capabilities::all());
    selected(&without, "C: x FETCH 1 X-GM-LABELS\nS: x BAD ...\nV: X-GM- is not offered").await;
}
