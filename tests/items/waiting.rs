//! What waits for a person's word (F5.4), so that the cursor and all else go on (I7).

use postrider_model::{AccountStatus, ContactId, HeldKind};

use crate::house::{House, person};

fn crowd(house: &House, count: usize) -> Vec<ContactId> {
    let ids = (0..count).map(|n| house.add_tagged(&format!("P{n:02}"), "Many")).collect();
    house.run();
    house.run();
    ids
}

#[test]
fn f5_4_many_that_leave_there_wait_and_all_else_goes_on() {
    let house = House::google();
    let ids = crowd(&house, 40);
    for n in 0..30 {
        house.leave_there(&house.group(), &format!("P{n:02} Many"));
    }
    house.add_there(&house.group(), &person("Egor", "Belov"));
    house.title(ids[35], "Engineer");
    let ran = house.try_run();
    assert_eq!((ran.report.status, ran.counts()), (AccountStatus::Held, [1, 1, 0]));
    let held = &ran.report.held[0];
    assert_eq!((held.deletions, held.folder.as_str(), held.what), (30, "Postrider", HeldKind::Contacts));
    let service = house.service();
    assert_eq!(service.status(&service.owner()).unwrap()[0].held[0].what, HeldKind::Contacts);
    assert!(ids.iter().all(|id| house.has_tag(*id)));
    house.is_lawful();
    let again = house.try_run();
    assert_eq!((again.counts(), &again.report.held), ([0, 0, 0], &ran.report.held));
    assert_eq!(house.try_run().commits, 0, "what waits is no reason to write");
    house.allow(&held.plan);
    assert_eq!(house.run().counts(), [0, 0, 30]);
    assert_eq!(ids.iter().filter(|id| house.has_tag(**id)).count(), 10);
    house.run();
    house.is_still();
}

#[test]
fn f5_4_many_that_leave_here_wait_too() {
    let house = House::google();
    let ids = crowd(&house, 12);
    ids.iter().for_each(|id| house.tag(*id, false));
    let ran = house.try_run();
    assert_eq!((ran.report.status, ran.counts()), (AccountStatus::Held, [0, 0, 0]));
    assert_eq!(house.members(&house.group()).len(), 12);
    house.tag(ids[0], true);
    let ran = house.try_run();
    assert_eq!(ran.report.status, AccountStatus::Ok, "what would not empty the group is let go");
    assert_eq!(house.members(&house.group()).len(), 1);
}

#[test]
fn f5_4_a_plan_that_grew_is_another_and_waits_again() {
    let house = House::google();
    let ids = crowd(&house, 60);
    for n in 0..26 {
        house.leave_there(&house.group(), &format!("P{n:02} Many"));
    }
    let first = house.try_run().report.held[0].plan.clone();
    house.tag(ids[59], false);
    let grown = house.try_run().report.held[0].clone();
    assert!(grown.plan != first && grown.deletions == 27);
    let mut service = house.service();
    let caller = service.owner();
    assert!(service.allow(&caller, &first).is_err());
    house.allow(&grown.plan);
    house.run();
    assert_eq!(house.members(&house.group()).len(), 33);
}

#[test]
fn f5_4_who_comes_back_meanwhile_waits_no_more() {
    let house = House::google();
    let ids = crowd(&house, 10);
    let keys: Vec<_> = house.there.contacts(&house.group()).into_iter().map(|one| one.key).collect();
    for n in 0..10 {
        house.leave_there(&house.group(), &format!("P{n:02} Many"));
    }
    assert_eq!(house.try_run().report.status, AccountStatus::Held);
    for key in &keys {
        house.there.join(&house.group(), key).unwrap();
    }
    house.run();
    assert!(ids.iter().all(|id| house.has_tag(*id)));
    house.run();
    house.is_still();
}

#[test]
fn f5_4_a_listing_that_came_back_empty_unlinks_nobody() {
    let house = House::exchange("");
    house.add(&person("Anna", "Petrova"));
    house.run();
    house.delete_there(&house.own(), "Anna Petrova");
    house.server.expire_cursors();
    let ran = house.try_run();
    assert_eq!(ran.report.status, AccountStatus::Held);
    assert_eq!(ran.report.held[0].why, "the server listed the contacts as empty");
    assert_eq!(house.try_run().report.held, ran.report.held, "a listing of changes alone takes nothing back");
    house.allow(&ran.report.held[0].plan);
    assert_eq!(house.run().counts(), [0, 0, 1]);
}
