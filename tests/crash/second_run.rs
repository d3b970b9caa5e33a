//! A run that dies over changes: new mail, flags, deletions, moves, a renamed folder, another UIDVALIDITY.

use postrider_fake::Capabilities;
use postrider_sim::machine::{Lived, Machine};

use crate::{
    deaths::{die_and_resume, on_one_thread, points, power_losses, undisturbed},
    scene::{Content, content, machine, offers, stirred},
};

/// A machine on which the first load is done, the run over the changes when it is left alone, and what is here after it.
async fn whole(offered: &Capabilities) -> (Machine, Lived, Content) {
    let loaded = machine(offered);
    undisturbed(&loaded).await;
    let changed = stirred(offered, &loaded);
    let lived = undisturbed(&changed).await;
    (loaded, lived, content(&changed))
}

fn dies_anywhere(nth: usize) {
    let (name, offered) = offers().into_iter().nth(nth).unwrap();
    on_one_thread(async {
        let (loaded, lived, whole) = whole(&offered).await;
        let points = points(&lived);
        for at in &points {
            die_and_resume(&stirred(&offered, &loaded), *at, None, &whole).await;
        }
        eprintln!("second run, {name}: {} deaths", points.len());
    });
}

#[test]
fn a_run_over_changes_that_dies_anywhere_is_completed_with_qresync() {
    dies_anywhere(0);
}

#[test]
fn a_run_over_changes_that_dies_anywhere_is_completed_with_condstore() {
    dies_anywhere(1);
}

#[test]
fn a_run_over_changes_that_dies_anywhere_is_completed_with_neither() {
    dies_anywhere(2);
}

#[test]
fn a_run_over_changes_that_loses_its_power_is_completed() {
    let (_, offered) = offers().into_iter().next().unwrap();
    on_one_thread(async {
        let (loaded, lived, whole) = whole(&offered).await;
        let points: Vec<_> = power_losses(&lived).collect();
        for (at, kept) in &points {
            die_and_resume(&stirred(&offered, &loaded), *at, Some(*kept), &whole).await;
        }
        eprintln!("second run: {} power losses", points.len());
    });
}
