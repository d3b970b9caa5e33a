//! The cases for mail.

use std::collections::BTreeSet;

use async_trait::async_trait;
use postrider_model::{
    EmailId, ErrorClass, Fault, Flags, FolderKey, FolderRole, Timestamp, Uid, UidSet, Window,
};
use postrider_remote::{BodySink, FetchWhat, FetchedMessage};

use crate::{
    harness::{Letter, MailHarness},
    reading::{Held, fetch, listed},
};

/// 2024-03-01T12:00:00Z, in seconds since 1970.
const OLD_S: i64 = 1_709_294_400;
/// 2026-01-10T12:00:00Z.
pub(crate) const YOUNG_S: i64 = 1_768_046_400;

/// All cases, one after another. The last ones make the server refuse and then vanish, so nothing comes after them.
pub async fn mail_suite(harness: &mut dyn MailHarness) {
    folders_are_listed_by_the_names_that_people_know(harness).await;
    a_first_reading_wants_all_that_is_there(harness).await;
    a_window_leaves_out_what_is_older_and_a_longer_one_wants_it(harness).await;
    messages_come_byte_for_byte(harness).await;
    what_is_gone_is_left_out_of_a_fetch(harness).await;
    nothing_changed_is_nothing(harness).await;
    each_change_is_told_once(harness).await;
    a_folder_emptied_is_told_to_be_empty(harness).await;
    a_move_is_told_on_both_sides(harness).await;
    renumbered_messages_are_told_to_be_others(harness).await;
    a_restored_backup_is_told_to_be_one(harness).await;
    a_sink_that_fails_ends_the_fetch_with_its_fault(harness).await;
    a_folder_that_is_not_there_is_not_empty(harness).await;
    a_refusal_is_not_emptiness(harness).await;
    silence_is_not_emptiness(harness).await;
}

pub(crate) fn letter(name: &str, seconds: i64, flags: &[&str]) -> Letter {
    let text = format!("Subject: {name}\r\nMessage-ID: <{name}@example.org>\r\n\r\nbody of {name}\r\n");
    let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
    Letter { bytes: text.into_bytes(), flags, received: Timestamp::from_seconds(seconds) }
}

pub(crate) fn set(uids: &[Uid]) -> UidSet {
    uids.iter().copied().collect()
}

pub(crate) fn flags(names: &[&str]) -> Flags {
    Flags::from_wire(names.iter().copied())
}

/// A folder of its own with these messages; their UIDs.
pub(crate) async fn folder(harness: &mut dyn MailHarness, name: &str, letters: &[Letter]) -> Vec<Uid> {
    harness.create(name).await;
    let mut uids = Vec::new();
    for letter in letters {
        uids.push(harness.append(name, letter).await);
    }
    uids
}

/// Five messages, every second one read.
pub(crate) fn five(name: &str) -> Vec<Letter> {
    let one = |number: i64| {
        let flags: &[&str] = if number % 2 == 0 { &["\\Seen"] } else { &[] };
        letter(&format!("{name}-{number}"), YOUNG_S + number * 60, flags)
    };
    (1..=5).map(one).collect()
}

async fn folders_are_listed_by_the_names_that_people_know(harness: &mut dyn MailHarness) {
    for name in ["Plain", "Above/Below", "Отпуск & more"] {
        harness.create(name).await;
    }
    let remote = harness.remote();
    for name in ["INBOX", "Plain", "Above/Below", "Отпуск & more"] {
        let found = listed(&*remote, name).await.unwrap_or_else(|| panic!("{name} is not listed"));
        assert!(found.selectable, "{name} can hold messages");
        assert_eq!(found.role == Some(FolderRole::Inbox), name == "INBOX", "{name}");
    }
    harness.rename("Plain", "Renamed").await;
    harness.delete("Above/Below").await;
    assert!(listed(&*remote, "Renamed").await.is_some());
    for gone in ["Plain", "Above/Below"] {
        assert!(listed(&*remote, gone).await.is_none_or(|found| !found.selectable), "{gone} is gone");
    }
    remote.close().await;
}

async fn a_first_reading_wants_all_that_is_there(harness: &mut dyn MailHarness) {
    let uids = folder(harness, "First", &five("first")).await;
    harness.create("Empty").await;
    let remote = harness.remote();
    let reading = Held::nothing_of(&*remote, "First").await.follow(&*remote).await;
    assert_eq!((reading.wanted, reading.gone), (set(&uids), UidSet::EMPTY));
    let cursor = reading.cursor.unwrap();
    assert!(cursor.complete && cursor.status.uid_validity > 0);
    assert_eq!((cursor.status.messages, cursor.status.uid_next), (5, uids[4] + 1));
    let reading = Held::nothing_of(&*remote, "Empty").await.follow(&*remote).await;
    assert_eq!((reading.wanted, reading.cursor.unwrap().status.messages), (UidSet::EMPTY, 0));
    // What the store holds already (a run that was interrupted) is not wanted again.
    let mut held = Held::nothing_of(&*remote, "First").await;
    held.known = set(&uids[..2]);
    assert_eq!(held.follow(&*remote).await.wanted, set(&uids[2..]));
    remote.close().await;
}

async fn a_window_leaves_out_what_is_older_and_a_longer_one_wants_it(harness: &mut dyn MailHarness) {
    let letters = [letter("old", OLD_S, &[]), letter("young", YOUNG_S, &[])];
    let uids = folder(harness, "Window", &letters).await;
    let remote = harness.remote();
    let mut held = Held::nothing_of(&*remote, "Window").await;
    held.window = Window::Since(Timestamp::from_seconds(YOUNG_S).minus_days(7));
    assert_eq!(held.follow(&*remote).await.wanted, set(&uids[1..]));
    let reading = held.follow(&*remote).await;
    assert_eq!((reading.wanted, reading.gone), (UidSet::EMPTY, UidSet::EMPTY), "what is older is not gone");
    held.window = Window::All;
    let reading = held.follow(&*remote).await;
    assert_eq!((reading.wanted, reading.gone), (set(&uids[..1]), UidSet::EMPTY));
    remote.close().await;
}

async fn messages_come_byte_for_byte(harness: &mut dyn MailHarness) {
    let mut large = letter("large", YOUNG_S, &[]);
    large.bytes.extend(b"0123456789\r\n".repeat(30_000));
    let letters =
        [letter("plain", OLD_S, &["\\Flagged", "Later"]), large, letter("8bit-\u{e9}", YOUNG_S, &["\\Seen"])];
    let uids = folder(harness, "Fetch", &letters).await;
    let remote = harness.remote();
    let mut held = Held::nothing_of(&*remote, "Fetch").await;
    held.follow(&*remote).await;
    let fetched = fetch(&*remote, &held, &set(&uids), FetchWhat::Body).await.unwrap();
    assert_eq!(fetched.len(), letters.len());
    for (uid, letter) in uids.iter().zip(&letters) {
        let message = &fetched[uid];
        assert!(message.content.as_ref() == Ok(&letter.bytes), "UID {uid} has other bytes");
        assert!(
            message.flags.same(&Flags::from_wire(letter.flags.iter().map(String::as_str))),
            "{:?}",
            message.flags
        );
        assert_eq!(message.internal_date, Some(letter.received));
        assert_eq!(message.size, letter.bytes.len() as u64);
    }
    // Where the server names what messages hold, it names all of it, the same with the bytes and without, and each another way.
    let named = fetch(&*remote, &held, &set(&uids), FetchWhat::Identity).await.unwrap();
    let names: BTreeSet<&EmailId> = named.values().filter_map(|message| message.email_id.as_ref()).collect();
    assert_eq!(names.len(), named.len());
    assert!(named.is_empty() || named.len() == letters.len(), "{named:?}");
    for (uid, message) in &named {
        assert_eq!((&message.email_id, message.size), (&fetched[uid].email_id, fetched[uid].size));
        assert_eq!(message.content, Ok(Vec::new()));
    }
    let headers = fetch(&*remote, &held, &set(&uids[..1]), FetchWhat::Header).await.unwrap();
    let whole = &letters[0].bytes;
    let header = whole.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    assert!(
        headers[&uids[0]].content.as_deref() == Ok(&whole[..header]),
        "the header block with the empty line behind it"
    );
    remote.close().await;
}

async fn what_is_gone_is_left_out_of_a_fetch(harness: &mut dyn MailHarness) {
    let uids = folder(harness, "Going", &five("going")).await;
    let remote = harness.remote();
    let mut held = Held::nothing_of(&*remote, "Going").await;
    held.follow(&*remote).await;
    harness.expunge("Going", &uids[1..3]).await;
    let fetched = fetch(&*remote, &held, &set(&uids), FetchWhat::Body).await.unwrap();
    let left = [uids[0], uids[3], uids[4]];
    assert_eq!(fetched.into_keys().collect::<UidSet>(), set(&left));
    assert!(fetch(&*remote, &held, &UidSet::EMPTY, FetchWhat::Body).await.unwrap().is_empty());
    remote.close().await;
}

async fn nothing_changed_is_nothing(harness: &mut dyn MailHarness) {
    folder(harness, "Still", &five("still")).await;
    let remote = harness.remote();
    let mut held = Held::nothing_of(&*remote, "Still").await;
    held.follow(&*remote).await;
    for _ in 0..2 {
        let before = held.clone();
        let reading = held.follow(&*remote).await;
        assert_eq!((reading.wanted, reading.gone), (UidSet::EMPTY, UidSet::EMPTY));
        assert_eq!((&held.cursor, &held.known), (&before.cursor, &before.known));
    }
    remote.close().await;
}

async fn each_change_is_told_once(harness: &mut dyn MailHarness) {
    let uids = folder(harness, "Changes", &five("changes")).await;
    let remote = harness.remote();
    let mut held = Held::nothing_of(&*remote, "Changes").await;
    held.follow(&*remote).await;
    harness.set_flags("Changes", uids[0], &["\\Seen", "\\Answered", "Later"]).await;
    harness.set_flags("Changes", uids[1], &[]).await;
    harness.expunge("Changes", &[uids[2], uids[4]]).await;
    let new = harness.append("Changes", &letter("changes-new", YOUNG_S, &[])).await;
    let reading = held.follow(&*remote).await;
    assert_eq!((reading.wanted, reading.gone), (set(&[new]), set(&[uids[2], uids[4]])));
    assert!(reading.flags[&uids[0]].same(&flags(&["\\Seen", "\\Answered", "Later"])), "{:?}", reading.flags);
    assert!(reading.flags[&uids[1]].same(&Flags::NONE), "{:?}", reading.flags);
    let told = held.follow(&*remote).await;
    assert_eq!((told.wanted, told.gone), (UidSet::EMPTY, UidSet::EMPTY));
    assert_eq!(held.known, set(&[uids[0], uids[1], uids[3], new]));
    // The last one goes, so that the highest UID falls.
    harness.expunge("Changes", &[new]).await;
    let reading = held.follow(&*remote).await;
    assert_eq!((reading.wanted, reading.gone), (UidSet::EMPTY, set(&[new])));
    remote.close().await;
}

async fn a_folder_emptied_is_told_to_be_empty(harness: &mut dyn MailHarness) {
    let uids = folder(harness, "Emptied", &five("emptied")).await;
    let remote = harness.remote();
    let mut held = Held::nothing_of(&*remote, "Emptied").await;
    held.follow(&*remote).await;
    harness.expunge("Emptied", &uids).await;
    let reading = held.follow(&*remote).await;
    assert_eq!((reading.wanted, reading.gone), (UidSet::EMPTY, set(&uids)));
    let new = harness.append("Emptied", &letter("emptied-new", YOUNG_S, &[])).await;
    assert_eq!(held.follow(&*remote).await.wanted, set(&[new]));
    remote.close().await;
}

async fn a_move_is_told_on_both_sides(harness: &mut dyn MailHarness) {
    let letters = five("moved");
    let uids = folder(harness, "From", &letters).await;
    harness.create("To").await;
    let remote = harness.remote();
    let (mut from, mut to) =
        (Held::nothing_of(&*remote, "From").await, Held::nothing_of(&*remote, "To").await);
    from.follow(&*remote).await;
    to.follow(&*remote).await;
    harness.move_to("From", &uids[..2], "To").await;
    assert_eq!(from.follow(&*remote).await.gone, set(&uids[..2]));
    let arrived = to.follow(&*remote).await.wanted;
    assert_eq!(arrived.len(), 2);
    let fetched = fetch(&*remote, &to, &arrived, FetchWhat::Body).await.unwrap();
    let bytes: Vec<&Vec<u8>> = fetched.values().filter_map(|message| message.content.as_ref().ok()).collect();
    assert_eq!(bytes, [&letters[0].bytes, &letters[1].bytes]);
    remote.close().await;
}

async fn renumbered_messages_are_told_to_be_others(harness: &mut dyn MailHarness) {
    let letters = five("renumbered");
    let uids = folder(harness, "Renumbered", &letters).await;
    let remote = harness.remote();
    let mut held = Held::nothing_of(&*remote, "Renumbered").await;
    held.follow(&*remote).await;
    remote.close().await;
    harness.renumber("Renumbered", &letters).await;
    let remote = harness.remote();
    let old = fetch(&*remote, &held, &set(&uids), FetchWhat::Body).await;
    assert!(old.is_err(), "UIDs of another UIDVALIDITY name nothing");
    let renumbered = held.read(&*remote).await.unwrap().renumbered();
    assert_ne!(renumbered.status.uid_validity, held.cursor.as_ref().unwrap().status.uid_validity);
    assert_eq!((renumbered.present.len(), &renumbered.wanted), (5, &renumbered.present));
    assert_eq!(renumbered.status.messages, 5);
    remote.close().await;
}

async fn a_restored_backup_is_told_to_be_one(harness: &mut dyn MailHarness) {
    let letters = five("backup");
    let uids = folder(harness, "Backup", &letters).await;
    let remote = harness.remote();
    let mut held = Held::nothing_of(&*remote, "Backup").await;
    held.follow(&*remote).await;
    if !harness.restored_after("Backup", &letter("backup-lost", YOUNG_S, &[])).await {
        return;
    }
    // Meanwhile the newer message had been read.
    let cursor = held.cursor.as_mut().unwrap();
    cursor.status.uid_next += 1;
    cursor.status.messages += 1;
    held.known.insert(uids[4] + 1);
    let renumbered = held.read(&*remote).await.unwrap().renumbered();
    assert_eq!(renumbered.present, set(&uids), "{}", renumbered.why);
    remote.close().await;
}

/// A store whose disk is full after the first message.
struct Full(usize);

#[async_trait]
impl BodySink for Full {
    async fn take(&mut self, _: FetchedMessage) -> Result<(), Fault> {
        self.0 += 1;
        Err(Fault::new(ErrorClass::Transient, "write to the store", "the disk is full"))
    }
}

async fn a_sink_that_fails_ends_the_fetch_with_its_fault(harness: &mut dyn MailHarness) {
    let uids = folder(harness, "Full", &five("full")).await;
    let remote = harness.remote();
    let mut held = Held::nothing_of(&*remote, "Full").await;
    held.follow(&*remote).await;
    let uid_validity = held.cursor.as_ref().unwrap().status.uid_validity;
    let mut sink = Full(0);
    let ended = remote.fetch(&held.key, uid_validity, &set(&uids), FetchWhat::Body, &mut sink).await;
    assert_eq!(ended.unwrap_err().to_string(), "cannot write to the store: the disk is full");
    assert_eq!(sink.0, 1, "nothing comes behind a failure");
    // The provider can go on.
    assert_eq!(fetch(&*remote, &held, &set(&uids), FetchWhat::Body).await.unwrap().len(), 5);
    remote.close().await;
}

async fn a_folder_that_is_not_there_is_not_empty(harness: &mut dyn MailHarness) {
    folder(harness, "Vanishing", &five("vanishing")).await;
    let remote = harness.remote();
    let mut held = Held::nothing_of(&*remote, "Vanishing").await;
    held.follow(&*remote).await;
    remote.close().await;
    harness.delete("Vanishing").await;
    let remote = harness.remote();
    let never = Held { key: FolderKey("Never there".to_owned()), cursor: None, ..held.clone() };
    for gone in [held, never] {
        let fault = gone.read(&*remote).await.map(|_| ()).unwrap_err();
        assert_eq!(fault.class, ErrorClass::Permanent, "{fault}");
        assert!(fault.hint.is_some(), "{fault} says nothing of what to do");
    }
    remote.close().await;
}

async fn a_refusal_is_not_emptiness(harness: &mut dyn MailHarness) {
    let uids = folder(harness, "Refused", &five("refused")).await;
    let remote = harness.remote();
    let mut held = Held::nothing_of(&*remote, "Refused").await;
    held.follow(&*remote).await;
    remote.close().await;
    if !harness.refuse(true).await {
        return;
    }
    everything_fails(harness, &held, &uids).await;
    harness.refuse(false).await;
    let remote = harness.remote();
    assert_eq!(held.follow(&*remote).await.gone, UidSet::EMPTY);
    remote.close().await;
}

async fn silence_is_not_emptiness(harness: &mut dyn MailHarness) {
    let uids = folder(harness, "Silent", &five("silent")).await;
    let remote = harness.remote();
    let mut held = Held::nothing_of(&*remote, "Silent").await;
    held.follow(&*remote).await;
    remote.close().await;
    harness.vanish().await;
    everything_fails(harness, &held, &uids).await;
}

/// Whatever is asked for, the answer is a fault in words.
async fn everything_fails(harness: &dyn MailHarness, held: &Held, uids: &[Uid]) {
    let remote = harness.remote();
    let fresh = Held { cursor: None, ..held.clone() };
    let faults = [
        remote.folders().await.map(|_| ()).unwrap_err(),
        held.read(&*remote).await.map(|_| ()).unwrap_err(),
        fresh.read(&*remote).await.map(|_| ()).unwrap_err(),
        fetch(&*remote, held, &set(uids), FetchWhat::Body).await.map(|_| ()).unwrap_err(),
        fetch(&*remote, held, &set(uids), FetchWhat::Header).await.map(|_| ()).unwrap_err(),
    ];
    for fault in faults {
        assert!(!fault.action.is_empty() && !fault.cause.is_empty(), "{fault}");
    }
    remote.close().await;
}
