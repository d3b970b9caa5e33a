//! The same of the daemon: while it lives, mail changes between two runs.

use std::{future::Future, sync::Arc};

use postrider::{daemon, sync::Silent};
use postrider_fake::{Action, Capabilities, Capability, FaultPlan, Trigger};

use super::tests::{days_ago, here, ids_in, machine, message, on_one_thread, stand};
use crate::{crash::Life, equal::equals_servers, machine::Machine};

/// The daemon, for as long as the story is told; it runs each account twice a minute.
pub(super) async fn keep(machine: &Machine, story: impl Future<Output = ()>) {
    machine.set_interval("30s").unwrap();
    let hands = machine.hands().unwrap();
    let world = hands.world(&Arc::new(Life::new(None)), &Arc::default());
    daemon::keep(world, hands.environment, Arc::new(Silent), story).await.unwrap();
}

pub(super) async fn seconds(seconds: u64) {
    tokio::time::sleep(std::time::Duration::from_secs(seconds)).await;
}

#[test]
fn what_is_moved_from_a_folder_that_is_not_watched_to_one_that_is_keeps_its_id() {
    on_one_thread(async {
        let (machine, other) = machine(Capabilities::all().without([Capability::Notify]), "all");
        for folder in ["A", "B", "C", "D", "E"] {
            other.create_mailbox(folder).unwrap();
        }
        other.append("E", message("one"), &[], days_ago(1)).unwrap();
        let mut ids = Vec::new();
        keep(&machine, async {
            seconds(5).await;
            ids = ids_in(&machine, "E");
            other.move_messages("E", &[1], "INBOX").unwrap();
            seconds(5).await;
            assert_eq!(here(&machine).len(), 2, "what arrived is here before the next run");
            seconds(60).await;
        })
        .await;
        stand(&machine, &[(ids[0], "INBOX")]);
    });
}

#[test]
fn what_is_moved_to_a_folder_that_was_just_made_keeps_its_id_though_a_twin_was_deleted_before() {
    // A folder that is told empty has its deletions held.
    for is_emptied in [false, true] {
        on_one_thread(async {
            let (machine, other) = machine(Capabilities::all().without([Capability::Notify]), "all");
            for folder in ["A", "B"] {
                other.create_mailbox(folder).unwrap();
                other.append(folder, message("one"), &[], days_ago(1)).unwrap();
                if folder == "A" || !is_emptied {
                    other.append(folder, message(folder), &[], days_ago(1)).unwrap();
                }
            }
            let mut expected = Vec::new();
            keep(&machine, async {
                seconds(5).await;
                other.expunge("A", &[1]).unwrap();
                seconds(5).await;
                expected.extend(ids_in(&machine, "A").into_iter().map(|id| (id, "A")));
                expected.extend(ids_in(&machine, "B").into_iter().zip(["New", "B"]));
                expected.sort_unstable();
                // The watch tells of B, before any run lists the new folder.
                other.create_mailbox("New").unwrap();
                other.move_messages("B", &[1], "New").unwrap();
                seconds(60).await;
            })
            .await;
            stand(&machine, &expected);
        });
    }
}

#[test]
fn what_is_moved_from_a_folder_that_is_not_watched_keeps_its_id_though_a_twin_was_deleted_before() {
    on_one_thread(async {
        let (machine, other) = machine(Capabilities::all().without([Capability::Notify]), "all");
        for folder in ["A", "B", "C", "D", "E"] {
            other.create_mailbox(folder).unwrap();
        }
        for folder in ["A", "E"] {
            other.append(folder, message("one"), &[], days_ago(1)).unwrap();
            other.append(folder, message(folder), &[], days_ago(1)).unwrap();
        }
        let mut ids = Vec::new();
        keep(&machine, async {
            seconds(5).await;
            other.expunge("A", &[1]).unwrap();
            seconds(5).await;
            ids = [ids_in(&machine, "A"), ids_in(&machine, "E")].concat();
            other.move_messages("E", &[1], "INBOX").unwrap();
            seconds(60).await;
        })
        .await;
        stand(&machine, &[(ids[0], "A"), (ids[1], "INBOX"), (ids[2], "E")]);
    });
}

#[test]
fn folders_that_get_other_names_while_they_are_watched_keep_their_ids() {
    on_one_thread(async {
        let (machine, other) = machine(Capabilities::bare().with([Capability::Notify]), "all");
        for folder in ["A", "B"] {
            other.create_mailbox(folder).unwrap();
            other.append(folder, message(folder), &[], days_ago(1)).unwrap();
        }
        let mut ids = (Vec::new(), Vec::new());
        keep(&machine, async {
            seconds(5).await;
            ids = (ids_in(&machine, "A"), ids_in(&machine, "B"));
            // The watch tells of A, before any run lists the folders.
            other.rename_mailbox("A", "C").unwrap();
            other.rename_mailbox("B", "A").unwrap();
            other.append("A", message("new"), &[], days_ago(1)).unwrap();
            seconds(3).await;
            assert!(here(&machine).iter().all(|one| !one.is_deleted), "nobody deleted anything");
            seconds(90).await;
        })
        .await;
        assert_eq!((ids_in(&machine, "C"), ids_in(&machine, "A")[0]), (ids.0, ids.1[0]));
        equals_servers(&machine, &here(&machine)).unwrap();
    });
}

#[test]
fn a_password_that_is_put_right_while_the_wrong_one_is_being_refused_is_tried() {
    on_one_thread(async {
        let (machine, other) = machine(Capabilities::bare(), "all");
        other.append("INBOX", message("one"), &[], days_ago(1)).unwrap();
        let secret = machine.store().with_file_name("config").join("secrets/account0");
        let put_right = Action::meanwhile(move |server| {
            server.add_user("account0@example.com", "another");
            std::fs::write(&secret, "another").unwrap();
        });
        let at = machine.mailboxes[0].at.clone();
        machine.net().plan(&at, 1, FaultPlan::none().on(Trigger::Named("LOGIN", 1), put_right));
        keep(&machine, seconds(120)).await;
        equals_servers(&machine, &here(&machine)).unwrap();
        assert_eq!(here(&machine).len(), 1);
    });
}
