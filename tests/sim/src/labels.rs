//! Gmail, where folders are labels and a message is there once: the whole program on a fake that is so.

use std::{collections::BTreeSet, future::Future, sync::Arc};

use postrider_fake::{Capabilities, OtherClient, ServerConfig};
use postrider_model::PlacementId;

use crate::{
    equal::{equals_servers, went_well},
    machine::{BEGINNING, Machine, everything},
    stored::{Standing, standings},
    trace::Trace,
};

const ALL_MAIL: &str = "[Gmail]/All Mail";
const TRASH: &str = "[Gmail]/Trash";

fn on_one_thread<T>(act: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.unwrap().block_on(act)
}

fn machine(capabilities: Capabilities) -> (Machine, OtherClient) {
    let mut machine = Machine::new(0, Arc::new(Trace::new(false))).unwrap();
    machine.add_account(ServerConfig { capabilities, ..ServerConfig::default() }, "all", &[]).unwrap();
    let other = machine.mailboxes[0].other.clone();
    (machine, other)
}

fn append(other: &OtherClient, folder: &str, name: &str) -> u32 {
    let bytes = format!(
        "From: a@example.org\r\nSubject: {name}\r\nMessage-ID: <{name}@sim.example>\r\n\r\n{name}\r\n"
    );
    let date = chrono::DateTime::from_timestamp(BEGINNING.seconds() - 1_000, 0).unwrap().fixed_offset();
    other.append(folder, bytes.into_bytes(), &[], date).unwrap()
}

/// A run without trouble; how many bodies it fetched.
async fn run(machine: &Machine) -> usize {
    let lived = machine.run(&everything(), None).await.unwrap();
    went_well(&lived).unwrap();
    lived.bodies.iter().flatten().count()
}

fn live(machine: &Machine) -> Vec<Standing> {
    let mut all = standings(&machine.store()).unwrap();
    equals_servers(machine, &all).unwrap();
    all.retain(|one| !one.is_deleted);
    all
}

/// The ids of what stands in a folder.
fn ids(machine: &Machine, folder: &str) -> Vec<PlacementId> {
    live(machine).iter().filter(|one| one.folder == folder).map(|one| PlacementId(one.id)).collect()
}

/// A mailbox with five messages in the inbox, two of them with a label besides.
async fn gmail() -> (Machine, OtherClient) {
    let (machine, other) = machine(Capabilities::gmail());
    other.create_mailbox("Work").unwrap();
    let uids: Vec<u32> = (0..5).map(|nth| append(&other, "INBOX", &format!("letter{nth}"))).collect();
    other.copy("INBOX", &uids[..2], "Work").unwrap();
    assert_eq!(run(&machine).await, 5, "each body once, however many labels it has");
    (machine, other)
}

#[test]
fn a_message_with_many_labels_is_fetched_once() {
    on_one_thread(async {
        let (machine, other) = gmail().await;
        let count = |folder| ids(&machine, folder).len();
        assert_eq!((count("INBOX"), count("Work"), count(ALL_MAIL)), (5, 2, 5));
        let messages: BTreeSet<i64> = live(&machine).iter().map(|one| one.message).collect();
        assert_eq!(messages.len(), 5);
        // Another label, by somebody there, and a message that is new.
        let uid = append(&other, "INBOX", "new");
        other.copy("INBOX", &[uid, 3], "Work").unwrap();
        assert_eq!(run(&machine).await, 1);
        assert_eq!((count("INBOX"), count("Work"), count(ALL_MAIL)), (6, 4, 6));
    });
}

#[test]
fn what_is_done_here_is_done_to_the_message_under_all_its_labels() {
    on_one_thread(async {
        let (machine, other) = gmail().await;
        let (inbox, work) = (ids(&machine, "INBOX"), ids(&machine, "Work"));
        let mut service = machine.service().unwrap();
        let caller = service.owner();
        let seen = postrider::service::FlagEdit::parse(["+seen"]).unwrap();
        service.flag_mail(&caller, &work[..1], &seen).unwrap();
        service.move_mail(&caller, &inbox[2..3], "Work").unwrap();
        service.delete_mail(&caller, &inbox[4..], false).unwrap();
        drop(service);
        for _ in 0..3 {
            assert_eq!(run(&machine).await, 0, "nothing of it is new");
        }
        let there = other.snapshot();
        let count = |folder: &str| there[folder].messages.len();
        assert_eq!((count("INBOX"), count("Work"), count(ALL_MAIL), count(TRASH)), (3, 3, 4, 1));
        let seen = |folder: &str| {
            live(&machine).iter().filter(|one| one.folder == folder && one.flags.contains("\\seen")).count()
        };
        assert_eq!((seen("INBOX"), seen("Work"), seen(ALL_MAIL)), (1, 1, 1));
    });
}

#[test]
fn what_was_moved_elsewhere_is_not_fetched_again_where_content_has_names() {
    on_one_thread(async {
        let (machine, other) = machine(Capabilities::all());
        other.create_mailbox("Work").unwrap();
        let uids: Vec<u32> = (0..3).map(|nth| append(&other, "INBOX", &format!("letter{nth}"))).collect();
        assert_eq!(run(&machine).await, 3);
        let before = ids(&machine, "INBOX");
        other.move_messages("INBOX", &uids, "Work").unwrap();
        assert_eq!(run(&machine).await, 0);
        assert_eq!(ids(&machine, "Work"), before);
    });
}
