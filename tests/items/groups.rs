//! By tag and contact group (F3.2, F3.3).

use postrider_model::{AccountStatus, HeldKind, LabelKind, LabelScope};

use crate::house::{House, TAG, person};

#[test]
fn f3_2_what_has_the_users_own_tag_goes_out_and_nothing_else() {
    let house = House::google();
    let anna = house.add_tagged("Anna", "Petrova");
    let (boris, carla) = (house.add(&person("Boris", "Orlov")), house.add(&person("Carla", "Ivanova")));
    house.label(boris, LabelKind::Tag, TAG, LabelScope::Corporate, true);
    house.label(carla, LabelKind::Tag, TAG, LabelScope::Public, true);
    let ran = house.run();
    assert_eq!(ran.counts(), [0, 1, 0]);
    assert_eq!(house.members(&house.group()), ["Anna Petrova"]);
    assert_eq!(house.members(&house.own()), ["Anna Petrova"]);
    house.run();
    house.is_still();
    house.title(anna, "Engineer");
    assert_eq!(house.run().counts(), [0, 1, 0]);
    let there = house.item(&house.group(), "Anna Petrova");
    assert_eq!(there.contact.job_title.as_deref(), Some("Engineer"));
}

#[test]
fn f3_2_whom_a_person_puts_into_the_group_comes_in_with_the_tag() {
    let house = House::google();
    house.run();
    house.add_there(&house.own(), &person("Dora", "Lind"));
    house.add_there(&house.group(), &person("Egor", "Belov"));
    assert_eq!(house.run().counts(), [1, 0, 0]);
    let names: Vec<_> = house.here().into_iter().map(|one| one.0).collect();
    assert_eq!(names, ["Egor Belov"]);
    assert!(house.has_tag(house.id_of("Egor Belov")));
    house.there.join(&house.group(), &house.item(&house.own(), "Dora Lind").key).unwrap();
    assert_eq!(house.run().counts(), [1, 0, 0]);
    assert!(house.has_tag(house.id_of("Dora Lind")));
    house.run();
    house.is_still();
}

#[test]
fn f3_3_untagged_or_deleted_here_leaves_the_group_there_and_stays() {
    let house = House::google();
    let ids = ["Anna", "Boris", "Carla"].map(|name| house.add_tagged(name, "Petrova"));
    house.run();
    house.tag(ids[0], false);
    house.delete(ids[1]);
    assert_eq!(house.run().counts(), [0, 2, 2]);
    assert_eq!(house.members(&house.group()), ["Carla Petrova"]);
    assert_eq!(house.members(&house.own()).len(), 3, "nothing is deleted there");
    house.run();
    house.is_still();
    house.tag(ids[0], true);
    house.title(ids[0], "Back");
    house.run();
    assert_eq!(house.members(&house.group()), ["Anna Petrova", "Carla Petrova"]);
    assert_eq!(house.members(&house.own()).len(), 3, "it joins again, and is not made a second time");
    let there = house.item(&house.group(), "Anna Petrova");
    assert_eq!(there.contact.job_title.as_deref(), Some("Back"));
    house.run();
    house.is_still();
}

#[test]
fn f3_3_deleted_or_taken_out_there_loses_its_tag_here_and_stays() {
    let house = House::google();
    let ids = ["Anna", "Boris", "Carla"].map(|name| house.add_tagged(name, "Petrova"));
    house.run();
    house.leave_there(&house.group(), "Anna Petrova");
    house.delete_there(&house.group(), "Boris Petrova");
    assert_eq!(house.run().counts(), [0, 0, 2]);
    assert_eq!(ids.map(|id| house.has_tag(id)), [false, false, true]);
    assert_eq!(ids.map(|id| house.is_deleted(id)), [false; 3]);
    house.run();
    house.is_still();
    house.tag(ids[0], true);
    house.tag(ids[1], true);
    house.run();
    house.run();
    assert_eq!(house.members(&house.group()), ["Anna Petrova", "Boris Petrova", "Carla Petrova"]);
    assert_eq!(house.members(&house.own()).len(), 3);
}

#[test]
fn f3_3_unlinking_beats_an_edit_and_the_record_keeps_the_edit() {
    let house = House::google();
    let ids = ["Anna", "Boris"].map(|name| house.add_tagged(name, "Petrova"));
    house.run();
    house.run();
    house.title(ids[0], "Edited here");
    house.leave_there(&house.group(), "Anna Petrova");
    house.tag(ids[1], false);
    house.edit_there(&house.group(), "Boris Petrova", |boris| boris.job_title = Some("Edited there".into()));
    house.run();
    assert_eq!(ids.map(|id| house.has_tag(id)), [false, false]);
    assert_eq!(house.contact(ids[0]).job_title.as_deref(), Some("Edited here"));
    assert_eq!(house.contact(ids[1]).job_title.as_deref(), Some("Edited there"));
    assert!(house.members(&house.group()).is_empty());
}

#[test]
fn f3_2_a_group_that_was_deleted_there_is_made_again_once_a_person_says_so() {
    let house = House::google();
    let ids = ["Anna", "Boris"].map(|name| house.add_tagged(name, "Petrova"));
    house.run();
    house.there.delete_collection(&house.group()).unwrap();
    house.title(ids[0], "Meanwhile");
    let ran = house.try_run();
    assert_eq!(ran.report.status, AccountStatus::Held);
    assert_eq!(ran.report.held[0].why, "the contact group was deleted on the server");
    assert_eq!(ran.report.held[0].what, HeldKind::Collection);
    assert_eq!(house.try_run().report.held, ran.report.held, "the same plan waits");
    assert_eq!(ids.map(|id| house.has_tag(id)), [true, true]);
    house.allow(&ran.report.held[0].plan);
    house.run();
    assert_eq!(house.members(&house.group()), ["Anna Petrova", "Boris Petrova"]);
    assert_eq!(house.members(&house.own()).len(), 2, "nobody is there twice");
    assert_eq!(ids.map(|id| house.has_tag(id)), [true, true]);
    let there = house.item(&house.group(), "Anna Petrova");
    assert_eq!(there.contact.job_title.as_deref(), Some("Meanwhile"));
    house.run();
    house.is_still();
}

#[test]
fn f3_2_a_group_of_that_name_that_is_not_ours_is_used_once_a_person_says_so() {
    let house = House::google();
    let theirs =
        house.there.make_collection(postrider_model::CollectionKind::AddressBook, "Postrider").unwrap();
    house.add_there(&theirs, &person("Egor", "Belov"));
    house.add_tagged("Anna", "Petrova");
    let ran = house.try_run();
    assert_eq!(ran.report.status, AccountStatus::Held);
    assert!(house.members(&theirs) == ["Egor Belov"] && house.here().len() == 1);
    house.allow(&ran.report.held[0].plan);
    assert_eq!(house.run().counts(), [1, 1, 0]);
    assert_eq!(house.members(&theirs), ["Anna Petrova", "Egor Belov"]);
    house.run();
    house.is_still();
}

#[test]
fn f3_2_a_group_is_followed_by_its_id_when_it_is_renamed() {
    let house = House::google();
    let anna = house.add_tagged("Anna", "Petrova");
    house.run();
    let group = house.group();
    house.there.rename_collection(&group, "Colleagues").unwrap();
    house.title(anna, "Engineer");
    house.run();
    assert_eq!(house.item(&group, "Anna Petrova").contact.job_title.as_deref(), Some("Engineer"));
    house.run();
    house.is_still();
}
