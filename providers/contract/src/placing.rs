//! The cases for putting messages into folders, looking for them, and for folders themselves.

use postrider_model::{ErrorClass, Flags, FolderKey, Timestamp, Uid, UidSet};
use postrider_remote::{Messages, NewMessage, Place, Reach};

use crate::{
    harness::{Deed, WriteHarness},
    mail::{YOUNG_S, five, flags, letter, set},
    reading::listed,
    writing::{Scene, held, there},
};

pub(crate) async fn suite(harness: &mut dyn WriteHarness) {
    a_message_is_put_there_byte_for_byte(harness).await;
    a_message_that_cannot_be_put_there_is_not(harness).await;
    an_append_without_an_answer_is_found_above_the_uid_next_before(harness).await;
    what_is_present_is_told(harness).await;
    folders_are_made_renamed_and_deleted(harness).await;
    folders_are_made_once(harness).await;
}

async fn a_message_is_put_there_byte_for_byte(harness: &mut dyn WriteHarness) {
    harness.create("Put").await;
    let held = held(harness, "Put").await;
    let writer = harness.writer();
    let mut large = letter("large", YOUNG_S, &[]).bytes;
    large.extend(b"0123456789\r\n".repeat(30_000));
    let eight_bit = "Subject: Gr\u{fc}\u{df}e\r\n\r\n\u{416}\r\n".as_bytes().to_vec();
    let latin1 = b"Subject: Gr\xfc\xdfe\r\n\r\n\xff\r\n".to_vec();
    let table = [
        (letter("plain", 0, &[]).bytes, flags(&["\\Seen", "Later"]), Some(Timestamp::from_seconds(YOUNG_S))),
        (large, Flags::NONE, None),
        (eight_bit, flags(&["\\Draft"]), Some(Timestamp::from_seconds(YOUNG_S))),
        (latin1, Flags::NONE, None),
        (b"no end of line".to_vec(), Flags::NONE, None),
    ];
    for (bytes, flags, internal_date) in table {
        let before = writer.status(&held.key).await.unwrap();
        let message = NewMessage { bytes: &bytes, flags: &flags, internal_date };
        let place = writer.append(&held.key, message).await.unwrap();
        assert_eq!(place.is_some(), harness.abilities().tells_places);
        let after = writer.status(&held.key).await.unwrap();
        assert_eq!((after.messages, after.uid_validity), (before.messages + 1, before.uid_validity));
        let messages = Messages {
            folder: &held.key,
            uid_validity: after.uid_validity,
            uids: &UidSet::range(before.uid_next, Uid::MAX),
        };
        let found = writer.present(messages).await.unwrap();
        let uid = found.first().expect("it is above the UIDNEXT of before");
        if let Some(Place { uid_validity, uid: told }) = place {
            assert_eq!((uid_validity, told), (after.uid_validity, uid));
        }
        let arrived = &there(harness, "Put").await[&uid];
        assert!(arrived.content.as_ref() == Ok(&bytes), "{} octets of other bytes", bytes.len());
        assert!(arrived.flags.same(&flags), "{} and not {flags}", arrived.flags);
        assert!(internal_date.is_none() || arrived.internal_date == internal_date);
    }
    writer.close().await;
}

async fn a_message_that_cannot_be_put_there_is_not(harness: &mut dyn WriteHarness) {
    harness.create("Strict").await;
    let key = held(harness, "Strict").await.key;
    let writer = harness.writer();
    let nowhere = FolderKey("Nowhere".to_owned());
    let none = Flags::NONE;
    let message = |bytes| NewMessage { bytes, flags: &none, internal_date: None };
    let good = letter("good", 0, &[]).bytes;
    for (folder, bytes) in [(&nowhere, good.as_slice()), (&key, b"bare\nline feed\r\n")] {
        let failed = writer.append(folder, message(bytes)).await.unwrap_err();
        assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Permanent), "{failed}");
        assert!(failed.fault.hint.is_some(), "{failed} says nothing of what to do");
    }
    if harness.fill_up(true).await {
        let failed = writer.append(&key, message(&good)).await.unwrap_err();
        assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Permanent), "{failed}");
        assert!(failed.fault.hint.unwrap().contains("room"));
        harness.fill_up(false).await;
    }
    writer.append(&key, message(&good)).await.unwrap();
    writer.close().await;
    assert_eq!(there(harness, "Strict").await.len(), 1);
}

async fn an_append_without_an_answer_is_found_above_the_uid_next_before(harness: &mut dyn WriteHarness) {
    harness.create("Unheard").await;
    let key = held(harness, "Unheard").await.key;
    let writer = harness.writer();
    let before = writer.status(&key).await.unwrap();
    writer.close().await;
    if !harness.lose_answers_to(Some(Deed::Append)).await {
        return;
    }
    let writer = harness.writer();
    let bytes = letter("unheard", 0, &[]).bytes;
    let message = NewMessage { bytes: &bytes, flags: &Flags::NONE, internal_date: None };
    let failed = writer.append(&key, message).await.unwrap_err();
    assert_eq!(failed.reach, Reach::Unknown, "{failed}");
    harness.lose_answers_to(None).await;
    let uids = UidSet::range(before.uid_next, Uid::MAX);
    let above = Messages { folder: &key, uid_validity: before.uid_validity, uids: &uids };
    assert_eq!(writer.present(above).await.unwrap().len(), 1);
    writer.close().await;
}

async fn what_is_present_is_told(harness: &mut dyn WriteHarness) {
    let scene = Scene::new(harness, "Present").await;
    let writer = harness.writer();
    let present = async |uids: UidSet| {
        let key = &scene.held.key;
        writer
            .present(Messages { folder: key, uid_validity: scene.uid_validity(), uids: &uids })
            .await
            .unwrap()
    };
    assert_eq!(present(set(&scene.uids)).await, set(&scene.uids));
    assert_eq!(present(set(&[scene.uids[1], 4_000_000_000])).await, set(&scene.uids[1..2]));
    harness.expunge("Present", &scene.uids[1..2]).await;
    let new = harness.append("Present", &five("present-new")[0]).await;
    assert_eq!(present(set(&scene.uids[1..2])).await, UidSet::EMPTY);
    assert_eq!(present(UidSet::range(scene.uids[4], Uid::MAX)).await, set(&[scene.uids[4], new]));
    assert_eq!(present(UidSet::range(1, Uid::MAX)).await.len(), 5);
    harness.expunge("Present", &[scene.uids[0], scene.uids[2], scene.uids[3], scene.uids[4], new]).await;
    assert_eq!(present(UidSet::range(1, Uid::MAX)).await, UidSet::EMPTY);
    assert_eq!(writer.status(&scene.held.key).await.unwrap().messages, 0);
    writer.close().await;
}

async fn folders_are_made_renamed_and_deleted(harness: &mut dyn WriteHarness) {
    let writer = harness.writer();
    let remote = harness.remote();
    for name in ["Made", "Made/Отпуск & more/2026"] {
        let key = writer.create_folder(name).await.unwrap();
        let found = listed(&*remote, name).await.unwrap_or_else(|| panic!("{name} is not listed"));
        assert_eq!((found.key, found.selectable), (key.clone(), true));
        // One that is there is no error.
        assert_eq!(writer.create_folder(name).await.unwrap(), key);
    }
    assert_eq!(writer.create_folder("inbox").await.unwrap().0, "INBOX");
    assert!(writer.create_folder("Made//x").await.is_err());
    assert!(harness.subscribed().await.contains(&"Made".to_owned()), "mail programs show what is subscribed");
    harness.append("Made", &letter("carried", YOUNG_S, &["\\Seen"])).await;
    let made = listed(&*remote, "Made").await.unwrap().key;
    let renamed = writer.rename_folder(&made, "Other/Renamed").await.unwrap();
    assert_eq!(listed(&*remote, "Other/Renamed").await.unwrap().key, renamed);
    assert!(listed(&*remote, "Made").await.is_none());
    assert!(
        listed(&*remote, "Other/Renamed/Отпуск & more/2026").await.is_some(),
        "what is below goes with it"
    );
    assert_eq!(there(harness, "Other/Renamed").await.len(), 1);
    let subscribed = harness.subscribed().await;
    assert!(
        subscribed.contains(&"Other/Renamed".to_owned()) && !subscribed.contains(&"Made".to_owned()),
        "{subscribed:?}"
    );
    let inbox = FolderKey("INBOX".to_owned());
    assert_eq!(writer.rename_folder(&inbox, "Elsewhere").await.unwrap_err().reach, Reach::NotDone);
    assert_eq!(writer.delete_folder(&inbox).await.unwrap_err().reach, Reach::NotDone);
    let leaf = writer.create_folder("Leaf").await.unwrap();
    // It is open on a connection of this very provider.
    let status = writer.status(&leaf).await.unwrap();
    let all = UidSet::range(1, Uid::MAX);
    writer.present(Messages { folder: &leaf, uid_validity: status.uid_validity, uids: &all }).await.unwrap();
    for _ in 0..2 {
        writer.delete_folder(&leaf).await.unwrap();
        assert!(listed(&*remote, "Leaf").await.is_none());
    }
    assert!(!harness.subscribed().await.contains(&"Leaf".to_owned()));
    remote.close().await;
    writer.close().await;
}

async fn folders_are_made_once(harness: &mut dyn WriteHarness) {
    if !harness.lose_answers_to(Some(Deed::Create)).await {
        return;
    }
    let writer = harness.writer();
    assert_eq!(writer.create_folder("Once").await.unwrap_err().reach, Reach::Unknown);
    harness.lose_answers_to(None).await;
    let key = writer.create_folder("Once").await.unwrap();
    writer.close().await;
    assert_eq!(held(harness, "Once").await.key, key);
}
