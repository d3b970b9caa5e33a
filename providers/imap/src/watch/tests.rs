//! Watches as whole conversations, under a clock that is moved.

use std::{collections::BTreeSet, time::Duration};

use async_trait::async_trait;
use postrider_model::{ErrorClass, Fault, Uid, UidSet};
use postrider_remote::{BodySink, FetchWhat, FetchedMessage, FolderKey, MailWatch, MailWatcher};
use tokio::time::{Instant, timeout};

use crate::{
    ImapRemote, ImapSettings,
    scripted::{play, play_with, settings},
};

fn keys(names: &[&str]) -> Vec<FolderKey> {
    names.iter().map(|name| FolderKey((*name).to_owned())).collect()
}

/// A connection that idles in a folder of three messages.
fn idling(folder: &str) -> String {
    format!(
        "S: * PREAUTH [CAPABILITY IMAP4rev1 IDLE] hi\nC: $ EXAMINE \"{folder}\"\nS: * 3 EXISTS\n\
         S: * OK [UIDVALIDITY 7] v\nS: $ OK [READ-ONLY] open\nC: $ IDLE\nS: + idling\n"
    )
}

async fn begun(remote: ImapRemote, folders: &[&str]) -> Result<Box<dyn MailWatch>, Fault> {
    remote.watch(&keys(folders)).await
}

/// The names of the folders that are told until nothing is told for a second.
async fn told(watch: &mut dyn MailWatch) -> Vec<String> {
    let mut folders = Vec::new();
    while let Ok(told) = timeout(Duration::from_secs(1), watch.next()).await {
        folders.push(told.unwrap().0);
    }
    folders
}

#[tokio::test(start_paused = true)]
async fn each_change_is_told_and_nothing_else() {
    let table = [
        ("S: * 4 EXISTS\nS: * 1 RECENT", true),
        ("S: * 2 EXPUNGE\nS: * 2 EXISTS", true),
        ("S: * VANISHED 9", true),
        ("S: * 2 FETCH (FLAGS (\\Seen))", true),
        ("S: * OK [UIDVALIDITY 8] new", true),
        ("S: * 3 EXISTS\nS: * 0 RECENT", false),
        ("S: * OK Still here", false),
        ("S: * FLAGS (\\Seen)", false),
        ("S: * VANISHED (EARLIER) 9", false),
        ("S: * 2 FETCH (MODSEQ (9))", false),
    ];
    for (script, is_news) in table {
        let script = format!("{}{script}\nhang", idling("INBOX"));
        let run = async |remote| {
            let mut watch = begun(remote, &["INBOX"]).await.unwrap();
            assert_eq!(watch.watched(), keys(&["INBOX"]));
            // The beginning is told once.
            assert_eq!(watch.next().await.unwrap().0, "INBOX");
            told(&mut *watch).await
        };
        let expected: &[&str] = if is_news { &["INBOX"] } else { &[] };
        assert_eq!(play(&[&script], run).await, expected, "{script}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_is_renewed_and_what_is_told_meanwhile_is_news() {
    let renewed = "C: DONE\nS: * 4 EXISTS\nS: $ OK done\nC: $ IDLE\nS: * 4 EXPUNGE\nS: + idling\n";
    let quiet = "C: DONE\nS: $ OK done\nC: $ IDLE\nS: + idling\n";
    let script = format!("{}{renewed}{quiet}hang", idling("INBOX"));
    let run = async |remote| {
        let mut watch = begun(remote, &["INBOX"]).await.unwrap();
        let begun = Instant::now();
        let mut at = Vec::new();
        while let Ok(told) = timeout(Duration::from_secs(60), watch.next()).await {
            told.unwrap();
            at.push(begun.elapsed().as_secs());
        }
        at
    };
    assert_eq!(play(&[&script], run).await, [0, 35]);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_went_silent_is_noticed_within_a_minute() {
    let table = [
        // Behind the go-ahead, in the renewal, in the middle of a line.
        "hang",
        "C: DONE\nhang",
        "C: DONE\nS: $ OK done\nC: $ IDLE\nhang",
    ];
    for silence in table {
        let script = format!("{}{silence}", idling("INBOX"));
        let run = async |remote| {
            let mut watch = begun(remote, &["INBOX"]).await.unwrap();
            watch.next().await.unwrap();
            let begun = Instant::now();
            let fault = watch.next().await.unwrap_err();
            assert_eq!(watch.next().await, Err(fault.clone()), "it is over");
            (fault, begun.elapsed())
        };
        let (fault, took) = play(&[&script], run).await;
        assert_eq!((fault.class, took.as_secs()), (ErrorClass::Transient, 50), "{silence}");
        assert!(fault.to_string().contains("did not answer within 15 s"), "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_connection_is_an_error_at_once() {
    for (end, cause) in [
        ("", "the server closed the connection"),
        ("S: * BYE [UNAVAILABLE] down", "the server ended the connection [UNAVAILABLE]: down"),
        ("S: $ OK enough", "the server ended the watch (IDLE)"),
    ] {
        let script = format!("{}{end}", idling("INBOX"));
        let run = async |remote| {
            let mut watch = begun(remote, &["INBOX"]).await.unwrap();
            watch.next().await.unwrap();
            watch.next().await.unwrap_err()
        };
        let fault = play(&[&script], run).await;
        assert_eq!((fault.class, fault.cause.as_str()), (ErrorClass::Transient, cause));
    }
}

#[tokio::test(start_paused = true)]
async fn what_happens_while_nobody_asks_is_told_later() {
    let script =
        format!("{}S: * 4 EXISTS\nC: DONE\nS: $ OK done\nC: $ IDLE\nS: + idling\nhang", idling("INBOX"));
    let run = async |remote| {
        let mut watch = begun(remote, &["INBOX"]).await.unwrap();
        watch.next().await.unwrap();
        // A call that is given up loses nothing either.
        let at_once = timeout(Duration::from_millis(0), watch.next()).await;
        tokio::time::sleep(Duration::from_secs(600)).await;
        let later = told(&mut *watch).await;
        at_once.into_iter().map(|told| told.unwrap().0).chain(later).collect::<Vec<_>>()
    };
    assert_eq!(play(&[&script], run).await, ["INBOX"]);
}

#[tokio::test(start_paused = true)]
async fn each_folder_has_a_connection_up_to_the_limit() {
    let (inbox, work) =
        (format!("{}hang", idling("INBOX")), format!("{}S: * 4 EXISTS\nhang", idling("Work")));
    let run = async |remote| {
        let mut watch = begun(remote, &["INBOX", "Work", "Third"]).await.unwrap();
        (watch.watched().to_vec(), told(&mut *watch).await)
    };
    let (watched, told) = play(&[&inbox, &work], run).await;
    assert_eq!(watched, keys(&["INBOX", "Work"]));
    assert!(told == ["INBOX", "Work"] || told == ["INBOX", "Work", "Work"], "{told:?}");

    for crowded in ["S: * BYE Too many connections", "S: * BYE", ""] {
        let (watched, _) = play(&[&inbox, crowded], run).await;
        assert_eq!(watched, keys(&["INBOX"]), "{crowded}");
    }
    let fault = play(&[""], async |remote| begun(remote, &["INBOX"]).await.err().unwrap()).await;
    assert_eq!(fault.class, ErrorClass::Transient);
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_cannot_be_opened_is_left_out() {
    let refused =
        "S: * PREAUTH [CAPABILITY IMAP4rev1 IDLE] hi\nC: $ EXAMINE \"Gone\"\nS: $ NO [NONEXISTENT] gone\n";
    let work = idling("Work").replace("S: * PREAUTH [CAPABILITY IMAP4rev1 IDLE] hi\n", "");
    let run = async |remote| {
        let watch = begun(remote, &["Gone", "Work"]).await.unwrap();
        watch.watched().to_vec()
    };
    assert_eq!(play(&[&format!("{refused}{work}hang")], run).await, keys(&["Work"]));
    let alone = async |remote| begun(remote, &["Gone"]).await.err().unwrap();
    assert_eq!(play(&[refused], alone).await.class, ErrorClass::Permanent);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_tells_nothing_cannot_be_watched() {
    let script = "S: * PREAUTH [CAPABILITY IMAP4rev1] hi";
    let fault = play(&[script], async |remote| begun(remote, &["INBOX"]).await.err().unwrap()).await;
    assert_eq!(fault.class, ErrorClass::Permanent);
    assert!(fault.cause.contains("neither IDLE nor NOTIFY") && fault.hint.is_some(), "{fault}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_watched_without_a_connection() {
    let run = async |remote| {
        let mut watch = begun(remote, &[]).await.unwrap();
        (watch.watched().len(), told(&mut *watch).await)
    };
    assert_eq!(play(&[], run).await, (0, vec![]));
}

const NOTIFY: &str = "S: * PREAUTH [CAPABILITY IMAP4rev1 NOTIFY IDLE] hi
    C: $ NOTIFY SET (mailboxes (\"INBOX\" \"Work\") (MessageNew MessageExpunge FlagChange))\n";

#[tokio::test(start_paused = true)]
async fn one_connection_watches_all_folders_where_the_server_can() {
    let script = format!(
        "{NOTIFY}S: $ OK done
        S: * STATUS Work (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 7)
        S: * STATUS Elsewhere (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 7)
        C: $ NOOP
        S: * STATUS INBOX (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 7)
        S: $ OK done
        C: $ NOOP
        hang"
    );
    let run = async |remote| {
        let mut watch = begun(remote, &["INBOX", "Work"]).await.unwrap();
        assert_eq!(watch.watched(), keys(&["INBOX", "Work"]));
        let begun = Instant::now();
        let mut heard = Vec::new();
        let fault = loop {
            match watch.next().await {
                Ok(folder) => heard.push((folder.0, begun.elapsed().as_secs())),
                Err(fault) => break fault,
            }
        };
        (heard, fault, begun.elapsed().as_secs())
    };
    let single = ImapSettings { max_watches: 1, ..settings() };
    let (heard, fault, ended) = play_with(single, &[&script], run).await;
    let expected = [("INBOX", 0), ("Work", 0), ("Work", 0), ("INBOX", 35)];
    assert!(heard.iter().map(|(name, at)| (name.as_str(), *at)).eq(expected), "{heard:?}");
    assert_eq!((fault.class, ended), (ErrorClass::Transient, 85));
}

#[tokio::test(start_paused = true)]
async fn the_most_wanted_folder_is_idled_in_beside_notify() {
    let first = format!(
        "{}S: $ OK done\nS: * STATUS Work (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 7)\nhang",
        NOTIFY.replace("\"INBOX\" ", "")
    );
    let second = format!("{}S: * 4 EXISTS\nhang", idling("INBOX"));
    let run = async |remote| {
        let mut watch = begun(remote, &["INBOX", "Work"]).await.unwrap();
        (watch.watched().to_vec(), told(&mut *watch).await.into_iter().collect::<BTreeSet<_>>())
    };
    let (watched, told) = play(&[&first, &second], run).await;
    assert_eq!(watched, keys(&["INBOX", "Work"]));
    assert_eq!(told, BTreeSet::from(["INBOX".to_owned(), "Work".to_owned()]));
}

/// Keeps UIDs and lengths.
#[derive(Default)]
struct Kept(Vec<(Uid, usize)>);

#[async_trait]
impl BodySink for Kept {
    async fn take(&mut self, message: FetchedMessage) -> Result<(), Fault> {
        self.0.push((message.uid, message.content.map_or(0, |bytes| bytes.len())));
        Ok(())
    }
}

const FETCH: &str = "C: $ UID FETCH 10:4294967295 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])\n";

async fn arrived(watch: &mut dyn MailWatch, validity: u32) -> (Result<bool, Fault>, Vec<(Uid, usize)>) {
    let (new, mut kept) = (UidSet::range(10, Uid::MAX), Kept::default());
    let names = watch.fetch_arrived(validity, &new, FetchWhat::Identity, &mut kept).await;
    assert!(kept.0.is_empty(), "a server without names tells none");
    let fetched = watch.fetch_arrived(validity, &new, FetchWhat::Body, &mut kept).await;
    assert_eq!(names.is_ok(), fetched.is_ok());
    (fetched, kept.0)
}

#[tokio::test(start_paused = true)]
async fn what_arrived_comes_over_the_connection_that_told_it() {
    let script = format!(
        "{}S: * 4 EXISTS
        C: DONE
        S: $ OK done
        {FETCH}S: * 4 FETCH (UID 10 FLAGS () RFC822.SIZE 1 BODY[] \"q\")
        S: * 2 FETCH (UID 8 FLAGS (\\Seen))
        S: $ OK done
        C: $ IDLE
        S: + idling
        S: * 1 FETCH (FLAGS (\\Seen))
        hang",
        idling("INBOX").replace(
            "C: $ IDLE\nS: + idling\n",
            &format!(
                "C: $ IDLE\nS: + idling\nC: DONE\nS: $ OK done\n{FETCH}S: $ OK none\nC: $ IDLE\nS: + idling\n"
            )
        )
    );
    let run = async |remote| {
        let mut watch = begun(remote, &["INBOX"]).await.unwrap();
        assert_eq!(arrived(&mut *watch, 7).await, (Ok(false), vec![]), "nothing was told yet");
        watch.next().await.unwrap();
        // What arrived before the watch began.
        assert_eq!(arrived(&mut *watch, 7).await, (Ok(true), vec![]));
        watch.next().await.unwrap();
        assert_eq!(arrived(&mut *watch, 8).await, (Ok(false), vec![]), "its UIDs mean other messages");
        assert_eq!(arrived(&mut *watch, 7).await, (Ok(true), vec![(10, 1)]));
        assert_eq!(arrived(&mut *watch, 7).await, (Ok(false), vec![]), "nothing more");
        watch.next().await.unwrap();
        assert_eq!(arrived(&mut *watch, 7).await, (Ok(false), vec![]), "a flag is no arrival");
        told(&mut *watch).await
    };
    assert_eq!(play(&[&script], run).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_fails_or_is_given_up_ends_the_watch() {
    let lost = format!("{}C: DONE\nS: $ OK done\n{FETCH}S: * BYE down", idling("INBOX"));
    let stuck = format!("{}C: DONE\nS: $ OK done\n{FETCH}hang", idling("INBOX"));
    for script in [lost, stuck] {
        let run = async |remote| {
            let mut watch = begun(remote, &["INBOX"]).await.unwrap();
            watch.next().await.unwrap();
            let _ = timeout(Duration::from_secs(1), arrived_at_once(&mut *watch)).await;
            watch.next().await.unwrap_err()
        };
        assert_eq!(play(&[&script], run).await.class, ErrorClass::Transient, "{script}");
    }
}

async fn arrived_at_once(watch: &mut dyn MailWatch) -> Result<bool, Fault> {
    let new = UidSet::range(10, Uid::MAX);
    watch.fetch_arrived(7, &new, FetchWhat::Body, &mut Kept::default()).await
}

#[tokio::test(start_paused = true)]
async fn a_server_that_loses_track_says_so() {
    let script = format!("{NOTIFY}S: $ OK done\nS: * OK [NOTIFICATIONOVERFLOW] too much\nhang");
    let run = async |remote| {
        let mut watch = begun(remote, &["INBOX", "Work"]).await.unwrap();
        for _ in 0..2 {
            watch.next().await.unwrap();
        }
        watch.next().await.unwrap_err()
    };
    assert!(play(&[&script], run).await.cause.contains("NOTIFICATIONOVERFLOW"));
}

#[tokio::test(start_paused = true)]
async fn where_notify_is_refused_it_idles() {
    let idle = idling("Work").replace("S: * PREAUTH [CAPABILITY IMAP4rev1 IDLE] hi\n", "");
    let first = format!("{}S: $ NO not here\n{idle}hang", NOTIFY.replace("\"INBOX\" ", ""));
    let second = format!("{}hang", idling("INBOX"));
    let run = async |remote| begun(remote, &["INBOX", "Work"]).await.unwrap().watched().to_vec();
    assert_eq!(play(&[&first, &second], run).await, keys(&["INBOX", "Work"]));
}
