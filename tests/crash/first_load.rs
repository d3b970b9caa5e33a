//! A first load that dies.

use crate::{
    deaths::{die_and_resume, on_one_thread, points, power_losses, undisturbed},
    scene::{content, machine, offers},
};

#[test]
fn a_first_load_that_dies_anywhere_is_completed_by_the_next_run() {
    for (name, offered) in offers() {
        let (points, whole) = on_one_thread(async {
            let machine = machine(&offered);
            let whole = undisturbed(&machine).await;
            (points(&whole), content(&machine))
        });
        assert_eq!(whole.len(), 63);
        for at in &points {
            on_one_thread(async { die_and_resume(&machine(&offered), *at, None, &whole).await });
        }
        eprintln!("first load, {name}: {} deaths", points.len());
    }
}

#[test]
fn a_first_load_that_loses_its_power_is_completed_by_the_next_run() {
    let (_, offered) = offers().into_iter().next().unwrap();
    let (points, whole) = on_one_thread(async {
        let machine = machine(&offered);
        let whole = undisturbed(&machine).await;
        (power_losses(&whole).collect::<Vec<_>>(), content(&machine))
    });
    for (at, kept) in &points {
        on_one_thread(async { die_and_resume(&machine(&offered), *at, Some(*kept), &whole).await });
    }
    eprintln!("first load: {} power losses", points.len());
}
