//! The same of folders that change their names while something is on its way to them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use postrider_fake::{Action, Capabilities, Capability, FaultPlan, OtherClient, Then, Trigger};

use super::tests::{copy_mail, days_ago, here, ids_in, machine, message, on_one_thread, run, swap};
use crate::{
    equal::equals_servers,
    machine::{Machine, everything},
    stored::Standing,
    trouble::calm,
};

/// A server that does not tell where a copy went, and three folders; a message in X is to be copied to B.
async fn copied_to_b(has_ids: bool) -> (Machine, OtherClient) {
    let less = Capabilities::all().without([Capability::UidPlus, Capability::Notify]);
    let less = if has_ids { less } else { less.without([Capability::ObjectId]) };
    let (machine, other) = machine(less, "all");
    for folder in ["A", "B", "X"] {
        other.create_mailbox(folder).unwrap();
        other.append(folder, message(&format!("of {folder}")), &[], days_ago(2)).unwrap();
    }
    other.append("X", message("one"), &[], days_ago(1)).unwrap();
    run(&machine).await;
    let ids = ids_in(&machine, "X");
    copy_mail(&machine, &ids[1..], "B");
    (machine, other)
}

fn plan(machine: &Machine, plan: &FaultPlan) {
    let at = &machine.mailboxes[0].at;
    for nth in 1..=6 {
        machine.net().plan(at, machine.net().dialled(at) + nth, plan.clone());
    }
}

/// A run in which A and B swap their names at that command; the answer to the copy may be lost.
async fn swapped(machine: &Machine, other: &OtherClient, command: &'static str, is_lost: bool) {
    let (has_swapped, hand) = (Arc::new(AtomicBool::new(false)), other.clone());
    let begun = has_swapped.clone();
    let swap = Action::meanwhile(move |_| {
        if !begun.swap(true, Relaxed) {
            swap(&hand);
        }
    });
    let swapping = FaultPlan::none().on(Trigger::Named(command, 1), swap);
    let lost = Action::LoseAnswer(Then::Close);
    plan(machine, &if is_lost { swapping.on(Trigger::Named("UID COPY", 1), lost) } else { swapping });
    machine.run(&everything(), None).await.unwrap();
    calm(machine.net(), &machine.mailboxes[0]);
    assert!(has_swapped.load(Relaxed), "{command} was sent");
}

/// How many of the message there are, how many wait here, and how both sides differ.
fn came_to(machine: &Machine, other: &OtherClient) -> (usize, usize, Option<String>) {
    let there = other.snapshot();
    let all = there.values().flat_map(|folder| &folder.messages);
    let now = here(machine);
    let waits = now.iter().filter(|one| one.waits()).count();
    let differs = equals_servers(machine, &now).err().map(|error| format!("{error:#}"));
    (all.filter(|one| *one.bytes == *message("one")).count(), waits, differs)
}

#[test]
fn a_copy_is_known_in_the_folder_that_had_the_name_when_it_was_made() {
    let mut wrong = Vec::new();
    // Before the folder is read; between that and the copy.
    for command in ["EXAMINE", "UID COPY"] {
        for (has_ids, is_lost) in [(true, true), (true, false), (false, true), (false, false)] {
            if (command, is_lost) == ("UID COPY", true) {
                // Nobody knows by then to whom the name belonged (docs/limits.md).
                continue;
            }
            on_one_thread(async {
                let (machine, other) = copied_to_b(has_ids).await;
                if command == "EXAMINE" {
                    other.append("B", message("new"), &[], days_ago(1)).unwrap();
                }
                swapped(&machine, &other, command, is_lost).await;
                for _ in 0..4 {
                    run(&machine).await;
                }
                let came_to = came_to(&machine, &other);
                if came_to != (2, 0, None) {
                    wrong.push((command, has_ids, is_lost, came_to));
                }
            });
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn where_one_of_two_that_swapped_their_names_cannot_be_read_both_are_left_alone() {
    for nth in 1..=2 {
        on_one_thread(async {
            let (machine, other) = machine(Capabilities::all().without([Capability::ObjectId]), "all");
            for folder in ["A", "B"] {
                other.create_mailbox(folder).unwrap();
                for name in ["one", "two"] {
                    other.append(folder, message(&format!("{name} of {folder}")), &[], days_ago(1)).unwrap();
                }
            }
            run(&machine).await;
            let before = here(&machine);
            swap(&other);
            let refused = Action::No("[UNAVAILABLE] try again later");
            plan(&machine, &FaultPlan::none().on(Trigger::Named("EXAMINE", nth), refused));
            machine.run(&everything(), None).await.unwrap();
            calm(machine.net(), &machine.mailboxes[0]);
            assert_eq!(here(&machine), before, "EXAMINE {nth} was refused");
            run(&machine).await;
            let now = here(&machine);
            equals_servers(&machine, &now).unwrap();
            let ids = |all: &[Standing]| all.iter().map(|one| (one.id, one.collection)).collect::<Vec<_>>();
            assert_eq!(ids(&before), ids(&now));
        });
    }
}
