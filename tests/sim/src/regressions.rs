//! What failed once. Seeds are lived before all others; what could be reduced to a few steps is a test below, named after what
//! broke.

/// Seed, and what it found. It finds that only as long as nothing else is drawn than was then.
pub const SEEDS: &[(u64, &str)] = &[
    (59, "two folders that swapped their names could not be written down, ever"),
    (75, "a folder that was told empty once was never filled"),
    (169, "a folder that was told empty once was never filled"),
];

#[cfg(test)]
mod tests {
    use std::{future::Future, sync::Arc};

    use chrono::{DateTime, Duration};
    use postrider_fake::{Capabilities, InternalDate, OtherClient, ServerConfig};

    use crate::{
        crash::CrashAt,
        equal::{equals_servers, went_well},
        laws::{Circumstances, Laws},
        machine::{BEGINNING, Ended, Machine, everything},
        stored::{Standing, standings},
        trace::Trace,
    };

    fn on_one_thread<T>(act: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(act)
    }

    fn machine(capabilities: Capabilities, period: &str) -> (Machine, OtherClient) {
        let mut machine = Machine::new(0, Arc::new(Trace::new(false))).unwrap();
        let server = ServerConfig { capabilities, ..ServerConfig::default() };
        machine.add_account(server, period, &[]).unwrap();
        let other = machine.mailboxes[0].other.clone();
        (machine, other)
    }

    fn days_ago(days: i64) -> InternalDate {
        (DateTime::from_timestamp(BEGINNING.seconds(), 0).unwrap() - Duration::days(days)).fixed_offset()
    }

    /// With a header that is rich enough to know the message by.
    fn message(name: &str) -> Vec<u8> {
        format!(
            "From: {name}@example.org\r\nTo: someone@example.com\r\nSubject: {name}\r\nDate: Mon, 15 Jun 2026 08:00:00 +0000\r\n\
             Message-ID: <{name}@sim.example>\r\n\r\n{name}\r\n"
        )
        .into_bytes()
    }

    async fn run(machine: &Machine) {
        went_well(&machine.run(&everything(), None).await.unwrap()).unwrap();
    }

    fn here(machine: &Machine) -> Vec<Standing> {
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
}
