//! A first load that dies.

use crate::{
    deaths::{die_and_resume, on_one_thread, points, power_losses, undisturbed},
    scene::{content, machine, offers},
};

fn dies_anywhere(nth: usize) {
    let (name, offered) = offers().into_iter().nth(nth).unwrap();
    on_one_thread(async {
        let whole = machine(&offered);
        let points = points(&undisturbed(&whole).await);
        let whole = content(&whole);
        assert_eq!(whole.len(), 63);
        for at in &points {
            die_and_resume(&machine(&offered), *at, None, &whole).await;
        }
        eprintln!("first load, {name}: {} deaths", points.len());
    });
}

#[test]
fn a_first_load_that_dies_anywhere_is_completed_with_qresync() {
    dies_anywhere(0);
}

#[test]
fn a_first_load_that_dies_anywhere_is_completed_with_condstore() {
    dies_anywhere(1);
}

#[test]
fn a_first_load_that_dies_anywhere_is_completed_with_neither() {
    dies_anywhere(2);
}

#[test]
fn a_first_load_that_loses_its_power_is_completed() {
    let (_, offered) = offers().into_iter().next().unwrap();
    on_one_thread(async {
        let whole = machine(&offered);
        let points: Vec<_> = power_losses(&undisturbed(&whole).await).collect();
        let whole = content(&whole);
        for (at, kept) in &points {
            die_and_resume(&machine(&offered), *at, Some(*kept), &whole).await;
        }
        eprintln!("first load: {} power losses", points.len());
    });
}
