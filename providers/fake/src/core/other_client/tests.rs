//! What the other client does shows in the snapshot, and the server's numbers move as the RFCs say.

use super::*;
use crate::core::ServerConfig;

fn user() -> OtherClient {
    Server::new(ServerConfig::default()).add_user("anna", "secret")
}

fn date() -> InternalDate {
    chrono::DateTime::UNIX_EPOCH.fixed_offset()
}

fn append(user: &OtherClient, mailbox: &str, text: &str) -> u32 {
    user.append(mailbox, text.as_bytes(), &[], date()).unwrap()
}

#[test]
fn uids_and_mod_seqs_rise() {
    let user = user();
    assert_eq!((append(&user, "inbox", "a"), append(&user, "INBOX", "b")), (1, 2));
    let before = user.snapshot()["INBOX"].highest_mod_seq;
    user.add_flags("INBOX", 1, &["\\Seen"]).unwrap();
    let after = user.snapshot()["INBOX"].clone();
    assert_eq!(after.highest_mod_seq, before + 1);
    assert_eq!(after.messages[0].mod_seq, before + 1);
    user.add_flags("INBOX", 1, &["\\seen"]).unwrap();
    assert_eq!(user.snapshot()["INBOX"].highest_mod_seq, before + 1, "nothing changed, nothing counted");
    assert_eq!(user.add_flags("INBOX", 9, &["x"]), Err(CoreError::NoSuchMessage(9)));
}

#[test]
fn a_move_leaves_a_tombstone_and_keeps_the_content() {
    let user = user();
    user.create_mailbox("a/b").unwrap();
    append(&user, "INBOX", "one");
    append(&user, "INBOX", "two");
    assert_eq!(user.move_messages("INBOX", &[2, 7], "a/b"), Ok(vec![(2, 1)]));
    let all = user.snapshot();
    assert_eq!(all.keys().collect::<Vec<_>>(), ["INBOX", "a", "a/b"]);
    assert_eq!(&*all["a/b"].messages[0].bytes, b"two");
    assert_eq!(all["INBOX"].messages.len(), 1);
    assert_eq!(user.server.lock().mailbox("anna", "INBOX").unwrap().tombstones.len(), 1);
}

#[test]
fn a_restored_backup_runs_backwards_under_one_uid_validity() {
    let user = user();
    append(&user, "INBOX", "one");
    let backup = user.backup("INBOX").unwrap();
    let before = user.snapshot()["INBOX"].clone();
    append(&user, "INBOX", "two");
    user.restore_backup("INBOX", &backup).unwrap();
    assert_eq!(user.snapshot()["INBOX"], before);
    assert_eq!(append(&user, "INBOX", "three"), 2, "the UID is given a second time");
}

#[test]
fn a_new_uid_validity_numbers_from_one() {
    let user = user();
    for text in ["a", "b", "c"] {
        append(&user, "INBOX", text);
    }
    user.expunge("INBOX", &[1]).unwrap();
    let old = user.snapshot()["INBOX"].uid_validity;
    let new = user.bump_uid_validity("INBOX").unwrap();
    let inbox = user.snapshot()["INBOX"].clone();
    assert!(new > old && inbox.uid_validity == new);
    assert_eq!(inbox.messages.iter().map(|m| m.uid).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(inbox.uid_next, 3);
}

#[test]
fn renaming_takes_children_along_and_inbox_stays() {
    let user = user();
    user.create_mailbox("a/b").unwrap();
    append(&user, "a/b", "x");
    user.rename_mailbox("a", "c/d").unwrap();
    append(&user, "INBOX", "y");
    user.rename_mailbox("INBOX", "old").unwrap();
    let all = user.snapshot();
    assert_eq!(all.keys().collect::<Vec<_>>(), ["INBOX", "c", "c/d", "c/d/b", "old"]);
    assert!(all["INBOX"].messages.is_empty());
    assert_eq!(all["old"].messages.len(), 1);
    assert_eq!(user.rename_mailbox("c", "c/e"), Err(CoreError::BadName("c/e".into())));
}

#[test]
fn a_deleted_parent_stays_as_a_name() {
    let user = user();
    user.create_mailbox("a/b").unwrap();
    user.delete_mailbox("a").unwrap();
    assert!(user.snapshot()["a"].no_select);
    assert_eq!(user.delete_mailbox("a"), Err(CoreError::HasChildren("a".into())));
    user.create_mailbox("a").unwrap();
    assert!(!user.snapshot()["a"].no_select);
    assert_eq!(user.delete_mailbox("INBOX"), Err(CoreError::Inbox));
}

#[test]
fn without_keywords_only_system_flags_stay() {
    let user = user();
    user.set_keywords_allowed("INBOX", false).unwrap();
    let uid = user.append("INBOX", &b"x"[..], &["\\Seen", "$Junk"], date()).unwrap();
    assert_eq!(user.snapshot()["INBOX"].messages[0].flags, ["\\Seen"]);
    user.set_flags("INBOX", uid, &["$Junk"]).unwrap();
    assert!(user.snapshot()["INBOX"].messages[0].flags.is_empty());
}

#[test]
fn uids_run_out_with_an_error() {
    let user = user();
    user.set_uid_next("INBOX", u32::MAX).unwrap();
    assert_eq!(user.append("INBOX", &b"x"[..], &[], date()), Err(CoreError::Full("INBOX".into())));
}
