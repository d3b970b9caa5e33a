//! A death, the run after it, and what is compared.

use std::future::Future;

use postrider_sim::{
    crash::CrashAt,
    equal::{equals_servers, found_and_read, went_well},
    laws::{Circumstances, Laws},
    machine::{Ended, Lived, Machine, everything},
    stored::standings,
};

use crate::scene::{Content, bytes, content};

/// So many octets on the wire are chosen to die at.
const OCTETS: u64 = 40;

/// Drives that on one thread with paused time.
pub fn on_one_thread<T>(act: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.unwrap().block_on(act)
}

/// A run that is left alone.
pub async fn undisturbed(machine: &Machine) -> Lived {
    let lived = machine.run(&everything(), None).await.unwrap();
    went_well(&lived).unwrap();
    lived
}

/// Every point at which a run dies that lives as long as that one when it is left alone: before and after every job of the
/// store, and at octets evenly spread over the wire.
pub fn points(whole: &Lived) -> Vec<CrashAt> {
    let jobs = (1..=whole.jobs).flat_map(|nth| [CrashAt::BeforeJob(nth), CrashAt::AfterJob(nth)]);
    let octets = (0..OCTETS).map(|nth| CrashAt::Octet(1 + nth * whole.octets / OCTETS));
    jobs.chain(octets).collect()
}

/// Power that is lost right after every job, with nothing, some or nearly all of the log on the disk, in thousandths.
pub fn power_losses(whole: &Lived) -> impl Iterator<Item = (CrashAt, u64)> {
    (1..=whole.jobs).zip([0, 400, 950].into_iter().cycle()).map(|(nth, kept)| (CrashAt::AfterJob(nth), kept))
}

/// Dies there, then runs undisturbed, and compares: the content is what it is without a death, nothing that was ever here is
/// lost, and what was committed is not fetched again.
pub async fn die_and_resume(machine: &Machine, at: CrashAt, loses_power: Option<u64>, whole: &Content) {
    let mut laws = Laws::default();
    let hold = |laws: &mut Laws| {
        let now = standings(&machine.store()).unwrap();
        laws.hold(machine, now, Circumstances::default()).unwrap_or_else(|broken| panic!("{at}: {broken:#}"));
    };
    hold(&mut laws);
    let had = bytes(machine);
    let lived = match loses_power {
        None => machine.run(&everything(), Some(at)).await.unwrap(),
        Some(kept) => machine.run_to_power_loss(&everything(), at, kept).await.unwrap(),
    };
    assert!(matches!(lived.ended, Ended::Crashed), "{at}: {:?}", lived.ended);
    laws.nothing_is_fetched_again(machine, &lived.bodies).unwrap_or_else(|again| panic!("{at}: {again:#}"));
    hold(&mut laws);

    let resumed = undisturbed(machine).await;
    laws.nothing_is_fetched_again(machine, &resumed.bodies).unwrap_or_else(|again| panic!("{at}: {again:#}"));
    hold(&mut laws);
    assert!(content(machine) == *whole, "{at}: the content is another than without a death");
    assert!(bytes(machine).is_superset(&had), "{at}: bytes are lost");
    let now = standings(&machine.store()).unwrap();
    equals_servers(machine, &now).unwrap_or_else(|differs| panic!("{at}: {differs:#}"));
    found_and_read(machine, &laws, &now).unwrap_or_else(|unread| panic!("{at}: {unread:#}"));
}
