//! Answers that are lost, and deaths at every step: what comes of it is what would have come of it, and nothing is there twice.

use postrider::service::RunRequest;
use postrider_fake::{Trigger, groupware::Trouble};
use postrider_model::ContactId;

use crate::{
    house::{House, person},
    life::Life,
};

/// What is on both sides at the end.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    here: Vec<String>,
    there: Vec<String>,
    all_there: usize,
}

fn told(house: &House, ids: &[ContactId]) -> Told {
    let of_id = |id: &ContactId| {
        let contact = house.contact(*id);
        let (tag, deleted) = (house.has_tag(*id), house.is_deleted(*id));
        format!("{} {:?} tag {tag} deleted {deleted}", contact.display_name, contact.job_title)
    };
    let mut here: Vec<_> = ids.iter().map(of_id).collect();
    here.extend(house.here().into_iter().map(|one| one.0));
    let items = house.there.contacts(&house.group()).into_iter();
    let mut there: Vec<_> =
        items.map(|one| format!("{} {:?}", one.contact.display_name, one.contact.job_title)).collect();
    there.sort();
    Told { here, there, all_there: house.there.contacts(&house.own()).len() }
}

/// Five contacts in step, and then all that a run can have to do.
fn script() -> (House, Vec<ContactId>) {
    let house = House::google();
    let names = ["Anna", "Boris", "Carla", "Dora", "Egor", "Fedor"];
    let mut ids: Vec<_> = names.iter().map(|name| house.add_tagged(name, "Petrova")).collect();
    house.run();
    house.run();
    let group = house.group();
    house.title(ids[0], "Edited here");
    house.edit_there(&group, "Boris Petrova", |boris| boris.job_title = Some("Edited there".into()));
    house.title(ids[2], "Later");
    house.edit_there(&group, "Carla Petrova", |carla| carla.job_title = Some("Latest".into()));
    house.tag(ids[3], false);
    house.delete(ids[4]);
    house.leave_there(&group, "Fedor Petrova");
    house.add_there(&group, &person("Gleb", "Belov"));
    ids.push(house.add_tagged("Hanna", "Lind"));
    (house, ids)
}

/// Runs until nothing is left to do, whatever is said meanwhile.
fn settle(house: &House) {
    let is_done = |_: &u32| {
        let ran = house.try_run();
        (ran.counts(), ran.commits) == ([0, 0, 0], 0)
    };
    assert!((0..5).any(|nth| is_done(&nth)), "it comes to rest");
    house.is_lawful();
}

fn whole() -> Told {
    let (house, ids) = script();
    settle(&house);
    let told = told(&house, &ids);
    assert_eq!(told.there.len(), 5, "{told:?}");
    assert_eq!(told.all_there, 8);
    told
}

#[test]
fn an_answer_lost_at_any_write_is_looked_for_and_nothing_is_made_twice() {
    let whole = whole();
    for nth in 1..=4 {
        let (house, ids) = script();
        house.server.trouble(None, Trigger::Named("contacts.apply", nth), Trouble::LoseAnswer);
        house.try_run();
        house.server.end_troubles();
        settle(&house);
        assert_eq!(told(&house, &ids), whole, "the answer to write {nth} is lost");
    }
}

#[test]
fn all_answers_are_lost_for_a_while() {
    let whole = whole();
    let (house, ids) = script();
    house.server.trouble(None, Trigger::Every("contacts.apply"), Trouble::LoseAnswer);
    for _ in 0..3 {
        house.run_now();
    }
    house.server.end_troubles();
    settle(&house);
    assert_eq!(told(&house, &ids), whole);
}

#[test]
fn a_group_whose_making_was_not_heard_of_is_made_once() {
    let house = House::google();
    house.add_tagged("Anna", "Petrova");
    house.server.trouble(None, Trigger::Every("contacts.make_collection"), Trouble::LoseAnswer);
    house.try_run();
    house.server.end_troubles();
    house.run();
    assert_eq!(house.members(&house.group()), ["Anna Petrova"]);
    house.run();
    house.is_still();
}

/// What is made again without a look would be there twice: the server says so.
#[test]
fn what_lists_late_is_not_made_again_within_that_time() {
    let house = House::google();
    house.run();
    house.add_tagged("Anna", "Petrova");
    house.server.trouble(None, Trigger::Every("contacts.apply"), Trouble::LoseAnswer);
    house.run_now();
    house.server.end_troubles();
    assert_eq!(house.run_now().counts(), [0, 0, 0], "it may be there, and not be listed yet");
    house.run();
    assert_eq!(house.members(&house.group()), ["Anna Petrova"]);
    house.is_lawful();
}

/// Found by its mark, it says what somebody made of it meanwhile: that is a change, and not what was sent.
#[test]
fn what_was_changed_there_before_a_lost_creation_was_found_comes_in() {
    let house = House::google();
    house.run();
    let anna = house.add_tagged("Anna", "Petrova");
    house.server.trouble(None, Trigger::Every("contacts.apply"), Trouble::LoseAnswer);
    house.run_now();
    house.server.end_troubles();
    house.edit_there(&house.group(), "Anna Petrova", |anna| anna.job_title = Some("Engineer".into()));
    settle(&house);
    assert_eq!(house.contact(anna).job_title.as_deref(), Some("Engineer"));
    assert_eq!(house.item(&house.group(), "Anna Petrova").contact.job_title.as_deref(), Some("Engineer"));
}

/// It may be there by now.
#[test]
fn nothing_is_made_in_a_book_that_could_not_be_read() {
    for (house, is_google) in [(House::google(), true), (House::exchange(""), false)] {
        house.run();
        let book = if is_google { house.group() } else { house.own() };
        let anna = match is_google {
            true => house.add_tagged("Anna", "Petrova"),
            false => house.add(&person("Anna", "Petrova")),
        };
        house.add_there(&book, &person("Anna", "Petrova"));
        house.server.trouble(None, Trigger::Every("contacts.page"), Trouble::Unavailable);
        assert_eq!(house.run_now().counts(), [0, 0, 0]);
        house.server.end_troubles();
        settle(&house);
        assert_eq!(house.members(&book), ["Anna Petrova"]);
        assert_eq!(house.here(), [("Anna Petrova".to_owned(), anna)]);
        house.is_lawful();
    }
}

#[test]
fn a_death_at_any_step_changes_nothing_in_the_end() {
    let whole = whole();
    let (mut nth, mut failed) = (0, Vec::new());
    loop {
        nth += 1;
        let (house, ids) = script();
        house.wait();
        let request = RunRequest { contacts: true, ..RunRequest::default() };
        if house.live(&request, &Life::new(Some(nth))).is_some() {
            break;
        }
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            // At once: what was made a moment ago is listed later.
            house.run_now();
            settle(&house);
            told(&house, &ids)
        }));
        match outcome {
            Ok(told) if told == whole => {}
            Ok(told) => failed.push(format!("step {nth}: {told:?}")),
            Err(_) => failed.push(format!("step {nth}: it did not come to rest")),
        }
    }
    eprintln!("contacts: {} deaths", nth - 1);
    assert!(failed.is_empty(), "{} of {}: {failed:#?} and not {whole:?}", failed.len(), nth - 1);
    assert!(nth > 60, "there are to be at least 60 deaths, and there were {}", nth - 1);
}

#[test]
fn a_death_at_any_step_of_a_first_run_makes_nobody_twice() {
    let mut nth = 0;
    loop {
        nth += 1;
        let house = House::exchange("");
        house.add(&person("Anna", "Petrova"));
        house.add_there(&house.own(), &person("Boris", "Orlov"));
        house.wait();
        let request = RunRequest { contacts: true, ..RunRequest::default() };
        if house.live(&request, &Life::new(Some(nth))).is_some() {
            break;
        }
        house.try_run();
        house.try_run();
        house.is_still();
        assert_eq!(house.members(&house.own()), ["Anna Petrova", "Boris Orlov"], "step {nth}");
        assert_eq!(house.here().len(), 2, "step {nth}");
    }
}
