//! A run that dies over changes: new mail, flags, deletions, moves, a renamed folder, another UIDVALIDITY.

use postrider_fake::Capabilities;
use postrider_sim::machine::Machine;

use crate::{
    deaths::{die_and_resume, on_one_thread, points, power_losses, undisturbed},
    scene::{content, machine, offers, stir},
};

/// A machine on which the first load is done, and then somebody else was at the mail.
async fn stirred(offered: &Capabilities) -> Machine {
    let machine = machine(offered);
    undisturbed(&machine).await;
    stir(&machine);
    machine
}

#[test]
fn a_run_over_changes_that_dies_anywhere_is_completed_by_the_next_run() {
    for (name, offered) in offers() {
        let (points, whole) = on_one_thread(async {
            let machine = stirred(&offered).await;
            let whole = undisturbed(&machine).await;
            (points(&whole), content(&machine))
        });
        for at in &points {
            on_one_thread(async { die_and_resume(&stirred(&offered).await, *at, None, &whole).await });
        }
        eprintln!("second run, {name}: {} deaths", points.len());
    }
}

#[test]
fn a_run_over_changes_that_loses_its_power_is_completed_by_the_next_run() {
    let (_, offered) = offers().into_iter().next().unwrap();
    let (points, whole) = on_one_thread(async {
        let machine = stirred(&offered).await;
        let whole = undisturbed(&machine).await;
        (power_losses(&whole).collect::<Vec<_>>(), content(&machine))
    });
    for (at, kept) in &points {
        on_one_thread(async { die_and_resume(&stirred(&offered).await, *at, Some(*kept), &whole).await });
    }
    eprintln!("second run: {} power losses", points.len());
}
