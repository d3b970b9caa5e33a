//! The cases for changing messages. What is there afterwards is read by the provider itself, whose reading [`crate::mail_suite`]
//! has shown.

use std::collections::BTreeMap;

use postrider_model::{ErrorClass, Flags, FolderKey, SystemFlag, Uid, UidSet};
use postrider_remote::{Applied, FetchWhat, FetchedMessage, MailOp, MailWriter, Messages, Reach, Written};

use crate::{
    harness::{Deed, WriteHarness},
    mail::{five, flags, folder, set},
    placing,
    reading::{Held, fetch},
};

/// All cases, one after another. The last one makes the server vanish, so nothing comes after it.
pub async fn write_suite(harness: &mut dyn WriteHarness) {
    flags_are_added_and_taken_away_one_by_one(harness).await;
    flags_that_the_folder_does_not_keep_are_told(harness).await;
    a_move_takes_messages_with_all_they_have(harness).await;
    a_copy_leaves_messages_where_they_are(harness).await;
    what_is_erased_is_what_was_named(harness).await;
    what_is_gone_is_left_out(harness).await;
    nothing_is_done_under_another_uid_validity(harness).await;
    a_folder_that_is_not_there_takes_nothing(harness).await;
    a_lost_answer_is_told_as_such(harness).await;
    placing::suite(harness).await;
    without_a_server_nothing_is_done(harness).await;
}

/// A folder of five messages that is to be changed.
pub(crate) struct Scene {
    pub(crate) held: Held,
    pub(crate) uids: Vec<Uid>,
}

impl Scene {
    pub(crate) async fn new(harness: &mut dyn WriteHarness, name: &str) -> Self {
        let uids = folder(harness, name, &five(&name.to_lowercase())).await;
        Self { held: held(harness, name).await, uids }
    }

    pub(crate) fn uid_validity(&self) -> u32 {
        self.held.cursor.as_ref().unwrap().status.uid_validity
    }

    pub(crate) async fn apply(&self, writer: &dyn MailWriter, uids: &[Uid], op: MailOp) -> Written<Applied> {
        let uids = set(uids);
        let messages = Messages { folder: &self.held.key, uid_validity: self.uid_validity(), uids: &uids };
        writer.apply(messages, &op).await
    }
}

/// A folder as it was read.
pub(crate) async fn held(harness: &dyn WriteHarness, name: &str) -> Held {
    let remote = harness.remote();
    let mut held = Held::nothing_of(&*remote, name).await;
    held.follow(&*remote).await;
    remote.close().await;
    held
}

/// All that is in a folder now.
pub(crate) async fn there(harness: &dyn WriteHarness, name: &str) -> BTreeMap<Uid, FetchedMessage> {
    let held = held(harness, name).await;
    let remote = harness.remote();
    let found = fetch(&*remote, &held, &held.known, FetchWhat::Body).await.unwrap();
    remote.close().await;
    found
}

fn change(add: &[&str], remove: &[&str]) -> MailOp {
    MailOp::Flags { add: flags(add), remove: flags(remove) }
}

fn flags_by_uid(applied: &Applied) -> BTreeMap<Uid, Flags> {
    applied.echoed.iter().map(|echo| (echo.uid, echo.flags.clone())).collect()
}

async fn flags_are_added_and_taken_away_one_by_one(harness: &mut dyn WriteHarness) {
    let scene = Scene::new(harness, "Flags").await;
    // What somebody else did meanwhile stays.
    harness.set_flags("Flags", scene.uids[0], &["\\Answered", "Mine"]).await;
    let writer = harness.writer();
    let op = change(&["\\Seen", "\\Flagged", "Later"], &["mine", "\\Draft"]);
    let applied = scene.apply(&*writer, &scene.uids[..2], op.clone()).await.unwrap();
    let expected = [
        (scene.uids[0], flags(&["\\Seen", "\\Flagged", "\\Answered", "Later"])),
        (scene.uids[1], flags(&["\\Seen", "\\Flagged", "Later"])),
    ];
    let echoed = flags_by_uid(&applied);
    for (uid, flags) in &expected {
        assert!(echoed[uid].same(flags), "UID {uid}: {} and not {flags}", echoed[uid]);
    }
    assert_eq!(echoed.len(), 2, "only what was asked for is told: {echoed:?}");
    assert_eq!((&applied.gone, &applied.left_marked), (&UidSet::EMPTY, &UidSet::EMPTY));
    let now = there(harness, "Flags").await;
    for (uid, flags) in expected {
        assert!(now[&uid].flags.same(&flags), "UID {uid} has {}", now[&uid].flags);
    }
    assert!(now[&scene.uids[3]].flags.same(&flags(&["\\Seen"])), "others stay as they are");
    // A second time nothing changes, and is told all the same.
    let again = scene.apply(&*writer, &scene.uids[..2], op).await.unwrap();
    assert_eq!(flags_by_uid(&again).keys().collect::<Vec<_>>(), echoed.keys().collect::<Vec<_>>());
    writer.close().await;
}

async fn flags_that_the_folder_does_not_keep_are_told(harness: &mut dyn WriteHarness) {
    let scene = Scene::new(harness, "Unkept").await;
    if !harness.keep_no_keywords("Unkept").await {
        return;
    }
    let writer = harness.writer();
    let applied = scene.apply(&*writer, &scene.uids[..1], change(&["\\Seen", "Later"], &[])).await.unwrap();
    let permanent = applied.permanent.clone().expect("the folder tells what it keeps");
    assert!(
        !permanent.any_keyword && permanent.kept_of(&flags(&["\\Seen", "Later"])).same(&flags(&["\\Seen"]))
    );
    assert!(flags_by_uid(&applied)[&scene.uids[0]].same(&flags(&["\\Seen"])));
    writer.close().await;
}

async fn a_move_takes_messages_with_all_they_have(harness: &mut dyn WriteHarness) {
    let scene = Scene::new(harness, "From").await;
    harness.create("To").await;
    let before = there(harness, "From").await;
    let to = held(harness, "To").await;
    // What somebody else marked stays.
    harness.set_flags("From", scene.uids[4], &["\\Deleted"]).await;
    let writer = harness.writer();
    let moving = [scene.uids[0], scene.uids[1], scene.uids[3]];
    let applied = scene.apply(&*writer, &moving, MailOp::Move { to: to.key.clone() }).await.unwrap();
    writer.close().await;
    let can = harness.abilities();
    let arrived = there(harness, "To").await;
    assert_eq!(arrived.len(), 3);
    let left = there(harness, "From").await;
    if can.erases_by_name || can.moves {
        assert_eq!((&applied.gone, &applied.left_marked), (&set(&moving), &UidSet::EMPTY));
        assert_eq!(left.keys().copied().collect::<UidSet>(), set(&[scene.uids[2], scene.uids[4]]));
    } else {
        assert_eq!((&applied.gone, &applied.left_marked), (&UidSet::EMPTY, &set(&moving)));
        assert_eq!(left.len(), 5);
        let marked = |uid: &Uid| left[uid].flags.has(SystemFlag::Deleted);
        assert!(moving.iter().all(marked) && !marked(&scene.uids[2]));
    }
    assert_eq!(applied.copied.is_some(), can.tells_places, "{:?}", applied.copied);
    let pairs: Vec<(Uid, Uid)> = match applied.copied {
        Some(copied) => {
            assert_eq!(copied.uid_validity, to.cursor.unwrap().status.uid_validity);
            copied.pairs
        }
        None => moving.into_iter().zip(arrived.keys().copied()).collect(),
    };
    assert_eq!(pairs.iter().map(|(from, _)| *from).collect::<UidSet>(), set(&moving));
    for (from, to) in pairs {
        let (old, new) = (&before[&from], &arrived[&to]);
        assert_eq!((&old.content, old.internal_date), (&new.content, new.internal_date));
        assert!(old.flags.same(&new.flags), "{} and not {}", new.flags, old.flags);
    }
}

async fn a_copy_leaves_messages_where_they_are(harness: &mut dyn WriteHarness) {
    let scene = Scene::new(harness, "Original").await;
    harness.create("Copies").await;
    let to = held(harness, "Copies").await.key;
    let before = there(harness, "Original").await;
    let writer = harness.writer();
    let applied = scene.apply(&*writer, &scene.uids[..2], MailOp::Copy { to }).await.unwrap();
    writer.close().await;
    assert_eq!((applied.gone, applied.left_marked), (UidSet::EMPTY, UidSet::EMPTY));
    assert_eq!(applied.copied.is_some(), harness.abilities().tells_places);
    assert_eq!(there(harness, "Original").await, before);
    let copies = there(harness, "Copies").await;
    let bytes = |messages: &BTreeMap<Uid, FetchedMessage>| {
        messages.values().map(|message| message.content.clone().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(bytes(&copies), bytes(&before)[..2]);
}

async fn what_is_erased_is_what_was_named(harness: &mut dyn WriteHarness) {
    let scene = Scene::new(harness, "Erased").await;
    harness.set_flags("Erased", scene.uids[4], &["\\Deleted"]).await;
    let writer = harness.writer();
    let erased = [scene.uids[1], scene.uids[2]];
    let applied = scene.apply(&*writer, &erased, MailOp::Expunge).await.unwrap();
    writer.close().await;
    let left = there(harness, "Erased").await;
    if harness.abilities().erases_by_name {
        assert_eq!((applied.gone, applied.left_marked), (set(&erased), UidSet::EMPTY));
        let others = [scene.uids[0], scene.uids[3], scene.uids[4]];
        assert_eq!(left.keys().copied().collect::<UidSet>(), set(&others), "what others marked stays");
    } else {
        assert_eq!((applied.gone, applied.left_marked), (UidSet::EMPTY, set(&erased)));
        assert_eq!(left.len(), 5);
    }
}

async fn what_is_gone_is_left_out(harness: &mut dyn WriteHarness) {
    let scene = Scene::new(harness, "Left").await;
    harness.create("Left for").await;
    let to = held(harness, "Left for").await.key;
    let writer = harness.writer();
    // The folder is open before they go.
    scene.apply(&*writer, &scene.uids[..1], change(&["Later"], &[])).await.unwrap();
    harness.expunge("Left", &scene.uids[1..3]).await;
    let both = [scene.uids[1], scene.uids[0]];
    let applied = scene.apply(&*writer, &both, change(&["\\Flagged"], &[])).await.unwrap();
    assert_eq!(flags_by_uid(&applied).into_keys().collect::<Vec<_>>(), [scene.uids[0]]);
    let gone = &scene.uids[1..3];
    let applied = scene.apply(&*writer, gone, change(&["\\Flagged"], &[])).await.unwrap();
    assert_eq!(applied.echoed, []);
    for op in [MailOp::Copy { to: to.clone() }, MailOp::Move { to: to.clone() }, MailOp::Expunge] {
        let applied = scene.apply(&*writer, gone, op.clone()).await.unwrap();
        assert_eq!((&applied.gone, &applied.left_marked), (&UidSet::EMPTY, &UidSet::EMPTY), "{op:?}");
        assert!(applied.copied.is_none_or(|copied| copied.pairs.is_empty()), "{op:?}");
    }
    // A message that came since the folder was opened can be changed at once.
    let new = harness.append("Left", &five("left-new")[0]).await;
    let applied = scene.apply(&*writer, &[new], change(&["\\Flagged"], &[])).await.unwrap();
    assert_eq!(flags_by_uid(&applied).into_keys().collect::<Vec<_>>(), [new]);
    writer.close().await;
    assert!(there(harness, "Left for").await.is_empty());
}

async fn nothing_is_done_under_another_uid_validity(harness: &mut dyn WriteHarness) {
    let scene = Scene::new(harness, "Numbers").await;
    harness.create("Numbers to").await;
    let to = held(harness, "Numbers to").await.key;
    harness.renumber("Numbers", &five("numbers")).await;
    let before = there(harness, "Numbers").await;
    let ops = [
        change(&["\\Flagged"], &["\\Seen"]),
        MailOp::Copy { to: to.clone() },
        MailOp::Move { to: to.clone() },
        MailOp::Expunge,
    ];
    let writer = harness.writer();
    for op in ops {
        let failed = scene.apply(&*writer, &scene.uids, op).await.unwrap_err();
        assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Transient), "{failed}");
    }
    let uids = set(&scene.uids);
    let old = Messages { folder: &scene.held.key, uid_validity: scene.uid_validity(), uids: &uids };
    assert!(writer.present(old).await.is_err(), "what old numbers mean nobody knows");
    writer.close().await;
    assert_eq!(there(harness, "Numbers").await, before);
    assert!(there(harness, "Numbers to").await.is_empty());
}

async fn a_folder_that_is_not_there_takes_nothing(harness: &mut dyn WriteHarness) {
    let scene = Scene::new(harness, "Nowhere from").await;
    let nowhere = FolderKey("Nowhere".to_owned());
    let before = there(harness, "Nowhere from").await;
    let writer = harness.writer();
    for op in [MailOp::Copy { to: nowhere.clone() }, MailOp::Move { to: nowhere.clone() }] {
        let failed = scene.apply(&*writer, &scene.uids, op).await.unwrap_err();
        assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Permanent), "{failed}");
    }
    // Nor does it give anything.
    let uids = set(&scene.uids);
    for op in [change(&["\\Seen"], &[]), MailOp::Copy { to: scene.held.key.clone() }, MailOp::Expunge] {
        let messages = Messages { folder: &nowhere, uid_validity: 1, uids: &uids };
        let failed = writer.apply(messages, &op).await.unwrap_err();
        assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Permanent), "{failed}");
        assert!(writer.present(messages).await.is_err() && writer.status(&nowhere).await.is_err());
    }
    writer.close().await;
    assert_eq!(there(harness, "Nowhere from").await, before);
}

async fn a_lost_answer_is_told_as_such(harness: &mut dyn WriteHarness) {
    let scene = Scene::new(harness, "Lost").await;
    harness.create("Lost to").await;
    let to = held(harness, "Lost to").await.key;
    let deeds = [
        (Deed::Flags, change(&["\\Flagged"], &[])),
        (Deed::Copy, MailOp::Copy { to: to.clone() }),
        (Deed::Expunge, MailOp::Expunge),
        (Deed::Move, MailOp::Move { to: to.clone() }),
    ];
    for ((deed, op), uid) in deeds.into_iter().zip(&scene.uids) {
        if !harness.lose_answers_to(Some(deed)).await {
            return;
        }
        let writer = harness.writer();
        let failed = scene.apply(&*writer, &[*uid], op).await.unwrap_err();
        assert_eq!(failed.reach, Reach::Unknown, "{deed:?}: {failed}");
        harness.lose_answers_to(None).await;
        writer.close().await;
    }
    // What was done was done once.
    assert_eq!(there(harness, "Lost to").await.len(), 2);
    let left = there(harness, "Lost").await;
    assert!(left[&scene.uids[0]].flags.has(SystemFlag::Flagged));
}

async fn without_a_server_nothing_is_done(harness: &mut dyn WriteHarness) {
    let scene = Scene::new(harness, "Vanished").await;
    harness.vanish().await;
    let writer = harness.writer();
    let failed = scene.apply(&*writer, &scene.uids, MailOp::Expunge).await.unwrap_err();
    assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Transient));
}
