//! What failed once. Seeds are lived before all others; what could be reduced to a few steps is a test below, named after what
//! broke.

/// Seed, and what it found. It finds that only as long as nothing else is drawn than was then.
pub const SEEDS: &[(u64, &str)] = &[
    (59, "two folders that swapped their names could not be written down, ever"),
    (75, "a folder that was told empty once was never filled"),
    (169, "a folder that was told empty once was never filled"),
    (939, "what a move had left took the place of the message itself, when both folders were renumbered"),
    (1103, "a copy that was not sent yet took the UID of another message, when its folder was renumbered"),
    (875, "a copy was sent a second time, since the server denied what the folder holds"),
    (1361, "what a move had left was forgotten there, since the server denied what the folder holds"),
    (937, "a copy that was not sent yet was taken for half of a move"),
    (1077, "a copy made here got the mark for deletion that its original carried"),
    (1545, "what was restored here lost the flags that it had got there meanwhile"),
    (1457, "a copy that never was made was taken for its original where the folder was numbered anew"),
    (1915, "a message got the mark that was meant for what its move had left behind"),
    (876, "an unanswered deletion was done once more, to a twin that came meanwhile"),
    (182, "what was deleted here while its folder was renumbered came back"),
    (
        1333,
        "two folders swapped their names, and what was older than the period was deleted here, all of it, unheld",
    ),
];

/// The same for the daemon.
pub const SEEDS_OF_THE_DAEMON: &[(u64, &str)] = &[
    (364, "a moved message took the id of a twin that was gone for longer"),
    (
        458,
        "a copy in Sent whose answer was lost was forgotten where no folder is told to be for what was sent",
    ),
    (920, "what was restored without an answer was taken for another message of the same Message-ID"),
];

/// The same for contacts.
pub const SEEDS_OF_CONTACTS: &[(u64, &str)] = &[(
    12,
    "what was changed on the server between a creation without an answer and its finding never came in",
)];

/// The same for activities.
pub const SEEDS_OF_ACTIVITIES: &[(u64, &str)] = &[];

#[cfg(test)]
mod daemon;
#[cfg(test)]
mod names;
#[cfg(test)]
mod sending;

#[cfg(test)]
mod tests {
    use std::{future::Future, sync::Arc};

    use chrono::{DateTime, Duration};
    use postrider_fake::{
        Action, Bend, Capabilities, Capability, FaultPlan, InternalDate, OtherClient, ServerConfig, Then,
        Trigger,
    };
    use postrider_model::PlacementId;

    use crate::{
        crash::CrashAt,
        equal::{equals_servers, went_well},
        laws::{Circumstances, Laws},
        machine::{BEGINNING, Ended, Machine, everything},
        stored::{Standing, standings},
        trace::Trace,
        trouble::calm,
    };

    pub(super) fn on_one_thread<T>(act: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(act)
    }

    pub(super) fn machine(capabilities: Capabilities, period: &str) -> (Machine, OtherClient) {
        let mut machine = Machine::new(0, Arc::new(Trace::new(false))).unwrap();
        let server = ServerConfig { capabilities, ..ServerConfig::default() };
        machine.add_account(server, period, &[]).unwrap();
        let other = machine.mailboxes[0].other.clone();
        (machine, other)
    }

    pub(super) fn days_ago(days: i64) -> InternalDate {
        (DateTime::from_timestamp(BEGINNING.seconds(), 0).unwrap() - Duration::days(days)).fixed_offset()
    }

    /// With a header that is rich enough to know the message by.
    pub(super) fn message(name: &str) -> Vec<u8> {
        format!(
            "From: {name}@example.org\r\nTo: someone@example.com\r\nSubject: {name}\r\nDate: Mon, 15 Jun 2026 08:00:00 +0000\r\n\
             Message-ID: <{name}@sim.example>\r\n\r\n{name}\r\n"
        )
        .into_bytes()
    }

    pub(super) async fn run(machine: &Machine) {
        went_well(&machine.run(&everything(), None).await.unwrap()).unwrap();
    }

    pub(super) fn here(machine: &Machine) -> Vec<Standing> {
        standings(&machine.store()).unwrap()
    }

    #[test]
    fn two_folders_that_swapped_their_names_keep_their_ids() {
        on_one_thread(async {
            let (machine, other) = machine(Capabilities::all(), "all");
            for folder in ["A", "B"] {
                other.create_mailbox(folder).unwrap();
                other.append(folder, message(folder), &[], days_ago(1)).unwrap();
            }
            run(&machine).await;
            let before = here(&machine);
            for (from, to) in [("A", "C"), ("B", "A"), ("C", "B")] {
                other.rename_mailbox(from, to).unwrap();
            }
            run(&machine).await;
            let now = here(&machine);
            equals_servers(&machine, &now).unwrap();
            let ids = |all: &[Standing]| all.iter().map(|one| (one.id, one.collection)).collect::<Vec<_>>();
            assert_eq!(ids(&before), ids(&now));
        });
    }

    #[test]
    fn two_folders_that_swapped_their_names_keep_what_is_older_than_the_period() {
        on_one_thread(async {
            let (machine, other) = machine(Capabilities::all().without([Capability::ObjectId]), "1w");
            for folder in ["A", "B"] {
                other.create_mailbox(folder).unwrap();
                other.append(folder, message(&format!("first of {folder}")), &[], days_ago(1)).unwrap();
            }
            run(&machine).await;
            for nth in 0..12 {
                other.append("A", message(&format!("old {nth}")), &[], days_ago(100)).unwrap();
            }
            run(&machine).await;
            let before = here(&machine);
            assert_eq!(before.len(), 14);
            swap(&other);
            run(&machine).await;
            let now = here(&machine);
            let ids = |all: &[Standing]| all.iter().map(|one| (one.id, one.collection)).collect::<Vec<_>>();
            assert_eq!(ids(&before), ids(&now));
            let old_in_b = now.iter().filter(|one| !one.is_deleted && one.folder == "B").count();
            assert_eq!(old_in_b, 13, "{now:#?}");
        });
    }

    #[test]
    fn what_was_moved_out_of_a_folder_does_not_let_a_mass_deletion_pass() {
        on_one_thread(async {
            let (machine, other) = machine(Capabilities::all(), "all");
            other.create_mailbox("A").unwrap();
            other.create_mailbox("B").unwrap();
            for nth in 0..140 {
                other.append("A", message(&format!("{nth}")), &[], days_ago(1)).unwrap();
            }
            run(&machine).await;
            other.move_messages("A", &(1..=100).collect::<Vec<_>>(), "B").unwrap();
            other.expunge("A", &(101..=126).collect::<Vec<_>>()).unwrap();
            run(&machine).await;
            let now = here(&machine);
            assert!(now.iter().all(|one| !one.is_deleted), "26 of the 40 that are left: {now:#?}");
            assert_eq!(now.iter().filter(|one| one.is_held).count(), 26);
        });
    }

    /// A message by name, flags, and days before now.
    type Older<'a> = (&'a str, &'a [&'a str], i64);

    /// What arrives late and is older than the period.
    const OLDER: [(&str, &[Older<'_>]); 2] = [
        ("a draft, whose header proves nothing", &[("draft", &["\\Draft"], 100)]),
        ("twins, of which one is within the period", &[("twin", &[], 1), ("twin", &[], 100)]),
    ];

    /// A folder with a message of the period and with older mail, renumbered since the last run.
    async fn renumbered(older: &[Older<'_>]) -> Machine {
        let (machine, other) = machine(Capabilities::all(), "1w");
        other.append("INBOX", message("first"), &[], days_ago(1)).unwrap();
        run(&machine).await;
        for (name, flags, days) in older {
            other.append("INBOX", message(name), flags, days_ago(*days)).unwrap();
        }
        run(&machine).await;
        assert_eq!(here(&machine).len(), older.len() + 1);
        other.bump_uid_validity("INBOX").unwrap();
        machine
    }

    fn all_are_where_they_were(machine: &Machine, count: usize, what: &str) {
        let now = here(machine);
        let live = now.iter().filter(|one| one.is_followed() && one.uid.is_some()).count();
        assert_eq!(live, count, "{what}: {now:#?}");
    }

    #[test]
    fn a_renumbering_keeps_what_is_there_and_older_than_the_period() {
        for (what, older) in OLDER {
            on_one_thread(async {
                let machine = renumbered(older).await;
                let ids = |all: &[Standing]| all.iter().map(|one| one.id).collect::<Vec<_>>();
                let before = ids(&here(&machine));
                run(&machine).await;
                all_are_where_they_were(&machine, older.len() + 1, what);
                assert_eq!(before, ids(&here(&machine)), "{what}");
            });
        }
    }

    #[test]
    fn a_renumbering_that_is_cut_off_anywhere_keeps_what_is_there_and_older_than_the_period() {
        for (what, older) in OLDER {
            let jobs =
                on_one_thread(async { renumbered(older).await.run(&everything(), None).await.unwrap().jobs });
            assert!(jobs > 5);
            for nth in 1..=jobs {
                on_one_thread(async {
                    let machine = renumbered(older).await;
                    let mut laws = Laws::default();
                    laws.hold(&machine, here(&machine), Circumstances::default()).unwrap();
                    let lived = machine.run(&everything(), Some(CrashAt::AfterJob(nth))).await.unwrap();
                    assert!(matches!(lived.ended, Ended::Crashed));
                    run(&machine).await;
                    all_are_where_they_were(&machine, older.len() + 1, what);
                    laws.hold(&machine, here(&machine), Circumstances::default()).unwrap();
                });
            }
        }
    }

    /// A server that moves nothing and erases no single message, with these folders.
    fn plain(folders: [&str; 2]) -> (Machine, OtherClient) {
        let (machine, other) =
            machine(Capabilities::all().without([Capability::Move, Capability::UidPlus]), "all");
        for folder in folders {
            other.create_mailbox(folder).unwrap();
        }
        (machine, other)
    }

    pub(super) fn swap(other: &OtherClient) {
        for (from, to) in [("A", "C"), ("B", "A"), ("C", "B")] {
            other.rename_mailbox(from, to).unwrap();
        }
    }

    /// The ids of what stands in a folder here and nothing is to become of.
    pub(super) fn ids_in(machine: &Machine, folder: &str) -> Vec<PlacementId> {
        let all = here(machine);
        all.iter()
            .filter(|one| !one.is_deleted && one.folder == folder)
            .map(|one| PlacementId(one.id))
            .collect()
    }

    fn move_mail(machine: &Machine, ids: &[PlacementId], to: &str) {
        let mut service = machine.service().unwrap();
        let caller = service.owner();
        service.move_mail(&caller, ids, to).unwrap();
    }

    pub(super) fn copy_mail(machine: &Machine, ids: &[PlacementId], to: &str) {
        let mut service = machine.service().unwrap();
        let caller = service.owner();
        service.copy_mail(&caller, ids, to).unwrap();
    }

    /// Both sides are the same, and these ids stand in these folders.
    pub(super) fn stand(machine: &Machine, expected: &[(PlacementId, &str)]) {
        let now = here(machine);
        equals_servers(machine, &now).unwrap();
        let mut live: Vec<(PlacementId, &str)> =
            now.iter().filter(|one| !one.is_deleted).map(|one| (PlacementId(one.id), &*one.folder)).collect();
        live.sort_unstable();
        assert_eq!(live, expected, "{now:#?}");
        assert!(now.iter().all(|one| one.is_deleted || !one.flags.contains("\\deleted")), "{now:#?}");
    }

    #[test]
    fn what_a_move_left_is_not_taken_for_a_twin_that_stands() {
        on_one_thread(async {
            let (machine, other) = plain(["A", "B"]);
            for _ in 0..2 {
                other.append("A", message("twin"), &[], days_ago(1)).unwrap();
            }
            run(&machine).await;
            let ids = ids_in(&machine, "A");
            move_mail(&machine, &ids[1..], "B");
            run(&machine).await;
            other.bump_uid_validity("A").unwrap();
            run(&machine).await;
            stand(&machine, &[(ids[0], "A"), (ids[1], "B")]);
        });
    }

    #[test]
    fn what_a_move_left_is_not_taken_for_the_message_where_the_folders_swapped_their_names() {
        on_one_thread(async {
            let (machine, other) = plain(["A", "B"]);
            other.append("A", message("one"), &[], days_ago(1)).unwrap();
            run(&machine).await;
            let ids = ids_in(&machine, "A");
            move_mail(&machine, &ids, "B");
            run(&machine).await;
            swap(&other);
            // Somebody erases what is marked.
            other.expunge("B", &[1]).unwrap();
            run(&machine).await;
            run(&machine).await;
            assert_eq!(other.snapshot()["A"].messages.len(), 1);
            assert_eq!(here(&machine).iter().filter(|one| !one.is_deleted).count(), 1);
            equals_servers(&machine, &here(&machine)).unwrap();
        });
    }

    #[test]
    fn a_copy_that_was_not_sent_is_none_of_those_that_a_renumbered_folder_has() {
        on_one_thread(async {
            let (machine, other) = plain(["A", "B"]);
            other.append("A", message("one"), &[], days_ago(1)).unwrap();
            run(&machine).await;
            let ids = ids_in(&machine, "A");
            copy_mail(&machine, &ids, "B");
            other.bump_uid_validity("A").unwrap();
            other.append("B", message("one"), &[], days_ago(1)).unwrap();
            other.bump_uid_validity("B").unwrap();
            run(&machine).await;
            run(&machine).await;
            equals_servers(&machine, &here(&machine)).unwrap();
            assert_eq!((ids_in(&machine, "A"), ids_in(&machine, "B").len()), (ids, 2));
            assert_eq!(other.snapshot()["B"].messages.len(), 2);
        });
    }

    #[test]
    fn a_deletion_whose_answer_was_lost_takes_no_twin_along() {
        on_one_thread(async {
            let (machine, other) = machine(Capabilities::all(), "all");
            other.append("INBOX", message("one"), &[], days_ago(1)).unwrap();
            run(&machine).await;
            let mut service = machine.service().unwrap();
            let caller = service.owner();
            service.delete_mail(&caller, &ids_in(&machine, "INBOX"), true).unwrap();
            drop(service);
            let at = &machine.mailboxes[0].at;
            let dialled = machine.net().dialled(at);
            for nth in 1..=4 {
                let lost = Action::LoseAnswer(Then::Close);
                machine.net().plan(
                    at,
                    dialled + nth,
                    FaultPlan::none().on(Trigger::Named("UID EXPUNGE", 1), lost),
                );
            }
            machine.run(&everything(), None).await.unwrap();
            calm(machine.net(), &machine.mailboxes[0]);
            assert_eq!(other.snapshot()["INBOX"].messages.len(), 0, "it was erased, and nobody was told");
            other.append("INBOX", message("one"), &[], days_ago(1)).unwrap();
            for _ in 0..3 {
                run(&machine).await;
            }
            assert_eq!(other.snapshot()["INBOX"].messages.len(), 1);
            assert_eq!(ids_in(&machine, "INBOX").len(), 1);
            equals_servers(&machine, &here(&machine)).unwrap();
        });
    }

    #[test]
    fn a_moved_message_is_not_taken_for_its_rest_where_folders_swap_their_names() {
        on_one_thread(async {
            let less = [Capability::UidPlus, Capability::Move, Capability::ObjectId];
            let (machine, other) = machine(Capabilities::all().without(less), "all");
            for folder in ["A", "B"] {
                other.create_mailbox(folder).unwrap();
                other.append(folder, message(&format!("of {folder}")), &[], days_ago(2)).unwrap();
            }
            other.append("A", message("one"), &[], days_ago(1)).unwrap();
            run(&machine).await;
            let mut service = machine.service().unwrap();
            let caller = service.owner();
            let one = here(&machine).into_iter().filter(|one| one.folder == "A").max_by_key(|one| one.id);
            service.move_mail(&caller, &[PlacementId(one.unwrap().id)], "B").unwrap();
            drop(service);
            run(&machine).await;
            for (from, to) in [("A", "C"), ("B", "A"), ("C", "B")] {
                other.rename_mailbox(from, to).unwrap();
            }
            for _ in 0..3 {
                run(&machine).await;
            }
            let there = other.snapshot();
            let kept = there.values().flat_map(|folder| &folder.messages).filter(|one| {
                *one.bytes == *message("one") && !one.flags.iter().any(|flag| flag == "\\Deleted")
            });
            assert_eq!(kept.count(), 1, "{there:?}");
        });
    }

    #[test]
    fn a_copy_that_was_never_made_costs_no_other_where_the_folder_is_numbered_anew() {
        let mut tried = 0;
        for nth in 1.. {
            let has_died = on_one_thread(async {
                let (machine, other) = machine(Capabilities::all(), "all");
                other.append("INBOX", message("one"), &[], days_ago(1)).unwrap();
                run(&machine).await;
                let mut service = machine.service().unwrap();
                let caller = service.owner();
                let original = ids_in(&machine, "INBOX");
                service.copy_mail(&caller, &original, "INBOX").unwrap();
                drop(service);
                let lived = machine.run(&everything(), Some(CrashAt::AfterJob(nth))).await.unwrap();
                other.bump_uid_validity("INBOX").unwrap();
                for _ in 0..3 {
                    run(&machine).await;
                }
                let live = ids_in(&machine, "INBOX");
                assert_eq!((other.snapshot()["INBOX"].messages.len(), live.len()), (2, 2), "after job {nth}");
                assert!(live.contains(&original[0]), "after job {nth}");
                matches!(lived.ended, Ended::Crashed)
            });
            tried = nth;
            if !has_died {
                break;
            }
        }
        assert!(tried > 10, "the run is to die at each of its jobs: {tried}");
    }

    #[test]
    fn what_the_server_denies_is_not_sent_a_second_time() {
        on_one_thread(async {
            for without in [vec![], vec![Capability::Unselect]] {
                let capabilities =
                    without.into_iter().fold(Capabilities::all(), |all, one| all.without([one]));
                let (machine, other) = machine(capabilities, "all");
                other.append("INBOX", message("one"), &[], days_ago(1)).unwrap();
                run(&machine).await;
                copy_mail(&machine, &ids_in(&machine, "INBOX"), "INBOX");
                let at = &machine.mailboxes[0].at;
                let plans = [
                    (Trigger::Named("UID COPY", 1), Action::LoseAnswer(Then::Close)),
                    (Trigger::Every("EXAMINE"), Action::Bend(Bend::Empty)),
                ];
                for (when, action) in plans {
                    let dialled = machine.net().dialled(at);
                    for nth in 1..=4 {
                        machine.net().plan(
                            at,
                            dialled + nth,
                            FaultPlan::none().on(when.clone(), action.clone()),
                        );
                    }
                    machine.run(&everything(), None).await.unwrap();
                    calm(machine.net(), &machine.mailboxes[0]);
                }
                run(&machine).await;
                run(&machine).await;
                assert_eq!(other.snapshot()["INBOX"].messages.len(), 2);
                equals_servers(&machine, &here(&machine)).unwrap();
            }
        });
    }
}
