//! Both sides changed (F5.1, F5.2); what one side cannot hold (F3.1); still water and the plan (F5.3).

use postrider::service::ContactChanges;
use postrider_fake::{Trigger, groupware::Trouble};
use postrider_model::{AccountStatus, ContactId, Point, VersionId};

use crate::house::{House, USER, person};

fn conflicts(house: &House) -> Vec<(VersionId, String, String)> {
    let service = house.service();
    let all = service.versions(&service.owner(), None, false, 99).unwrap();
    let content = |id| service.version(&service.owner(), id).unwrap().content;
    all.into_iter().map(|one| (one.id, content(one.id), one.why)).collect()
}

fn restore(house: &House, id: VersionId) {
    let mut service = house.service();
    let caller = service.owner();
    service.restore_version(&caller, id).unwrap();
}

fn title_of(house: &House, id: ContactId) -> [Option<String>; 2] {
    let there = house.item(&house.group(), "Anna Petrova");
    [house.contact(id).job_title, there.contact.job_title]
}

#[test]
fn f5_1_the_later_of_two_edits_wins_and_the_earlier_can_be_restored() {
    for here_is_later in [true, false] {
        let house = House::google();
        let anna = house.add_tagged("Anna", "Petrova");
        house.run();
        house.run();
        let here = || house.title(anna, "Here");
        let there = || {
            house.edit_there(&house.group(), "Anna Petrova", |anna| anna.job_title = Some("There".into()));
        };
        // The clocks differ by seconds, and that is no advantage to either.
        match here_is_later {
            true => (there(), here()),
            false => (here(), there()),
        };
        let ran = house.run();
        house.run();
        let (winner, loser) = if here_is_later { ("Here", "There") } else { ("There", "Here") };
        assert_eq!(ran.report.conflicts, 1);
        assert_eq!(title_of(&house, anna), [Some(winner.to_owned()), Some(winner.to_owned())]);
        let lost = conflicts(&house);
        assert_eq!(lost.len(), 1);
        assert!(lost[0].1.contains(loser) && lost[0].2.starts_with("changed on both sides"), "{lost:?}");
        restore(&house, lost[0].0);
        house.run();
        assert_eq!(title_of(&house, anna), [Some(loser.to_owned()), Some(loser.to_owned())]);
        house.run();
        house.is_still();
    }
}

#[test]
fn f5_1_what_both_changed_alike_is_no_conflict() {
    let house = House::google();
    let anna = house.add_tagged("Anna", "Petrova");
    house.run();
    house.run();
    house.title(anna, "Engineer");
    house.edit_there(&house.group(), "Anna Petrova", |anna| anna.job_title = Some("Engineer".into()));
    assert_eq!(house.run().report.conflicts, 0);
    assert!(conflicts(&house).is_empty());
    house.run();
    house.is_still();
}

#[test]
fn i5_what_changed_there_while_it_was_being_sent_is_decided_again_in_the_same_run() {
    let house = House::google();
    let anna = house.add_tagged("Anna", "Petrova");
    house.run();
    house.run();
    house.title(anna, "Here");
    let act = |server: &postrider_fake::groupware::Groupware| {
        let there = server.somebody(USER);
        let group = there.collection(postrider_model::CollectionKind::AddressBook, "Postrider").unwrap();
        let key = there.contacts(&group)[0].key.clone();
        there.change_contact(&group, &key, |anna| anna.nicknames = vec!["Anya".into()]).unwrap();
    };
    house.server.end_troubles();
    house.server.trouble(None, Trigger::Named("contacts.apply", 1), Trouble::meanwhile(act));
    let ran = house.run();
    house.server.end_troubles();
    assert_eq!(ran.report.conflicts, 1, "content is one group, and both changed it");
    let there = house.item(&house.group(), "Anna Petrova").contact;
    assert_eq!(there.nicknames, ["Anya"], "the later one");
    assert!(conflicts(&house)[0].1.contains("Here"));
    house.run();
    house.is_still();
}

/// Google's clock is seven seconds behind in the fake, and what it says of a change of this very moment is older than ours.
#[test]
fn f5_1_the_servers_clock_is_corrected_for_what_is_decided_again_too() {
    let house = House::google();
    let anna = house.add_tagged("Anna", "Petrova");
    house.run();
    house.run();
    house.title(anna, "Here");
    let act = |server: &postrider_fake::groupware::Groupware| {
        let there = server.somebody(USER);
        let group = there.collection(postrider_model::CollectionKind::AddressBook, "Postrider").unwrap();
        let key = there.contacts(&group)[0].key.clone();
        there
            .change_contact(&group, &key, |anna| {
                anna.job_title = Some("There".into());
                anna.display_name = "Anna Maria Petrova".into();
            })
            .unwrap();
    };
    house.server.end_troubles();
    house.server.trouble(None, Trigger::Named("contacts.apply", 1), Trouble::meanwhile(act));
    assert_eq!(house.run_now().report.conflicts, 1);
    house.server.end_troubles();
    assert_eq!(house.contact(anna).job_title.as_deref(), Some("There"), "a tie is the server's");
}

#[test]
fn f5_2_a_version_is_called_as_it_was_called() {
    let house = House::google();
    let anna = house.add_tagged("Anna", "Petrova");
    house.run();
    house.run();
    house.edit_there(&house.group(), "Anna Petrova", |anna| anna.display_name = "Anna Lind".into());
    house.edit(
        anna,
        ContactChanges { display_name: Some("Anna Orlova".to_owned()), ..ContactChanges::default() },
    );
    assert_eq!(house.run().report.conflicts, 1);
    let service = house.service();
    let all = service.versions(&service.owner(), None, false, 99).unwrap();
    assert_eq!(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["Anna Lind"]);
}

#[test]
fn f3_1_a_side_that_knows_fewer_fields_erases_none() {
    let house = House::google();
    let mut full = person("Anna", "Petrova");
    full.role = Some("Speaker".into());
    full.phones = vec![Point { value: "+49 (0) 12-34".into(), ..Point::default() }];
    let anna = house.add(&full);
    house.tag(anna, true);
    house.run();
    house.run();
    house.is_still();
    assert_eq!(house.contact(anna).phones[0].value, "+49 (0) 12-34", "what it was rewritten to is no change");
    house.edit_there(&house.group(), "Anna Petrova", |anna| anna.job_title = Some("Engineer".into()));
    assert_eq!(house.run().counts(), [1, 0, 0]);
    let here = house.contact(anna);
    assert_eq!((here.role.as_deref(), here.job_title.as_deref()), (Some("Speaker"), Some("Engineer")));
    assert_eq!(here.phones[0].value, "+49 (0) 12-34");
    house.edit(anna, ContactChanges { role: Some("Chair".into()), ..ContactChanges::default() });
    assert_eq!(house.run().counts(), [0, 0, 0], "what the server has no place for is not sent");
    house.is_still();
}

#[test]
fn f3_1_a_fourth_address_stays_here_and_three_there() {
    let house = House::exchange("");
    let mut many = person("Anna", "Petrova");
    let address = |n: u32| Point { value: format!("anna{n}@example.org"), ..Point::default() };
    many.emails = (1..=4).map(address).collect();
    let anna = house.add(&many);
    house.run();
    house.run();
    house.is_still();
    house.edit_there(&house.own(), "Anna Petrova", |anna| drop(anna.emails.remove(0)));
    house.run();
    let left: Vec<_> = house.contact(anna).emails.into_iter().map(|one| one.value).collect();
    assert_eq!(left, ["anna2@example.org", "anna3@example.org", "anna4@example.org"]);
}

#[test]
fn f5_3_a_plan_says_what_would_be_done_and_does_nothing() {
    let house = House::google();
    let anna = house.add_tagged("Anna", "Petrova");
    assert_eq!(house.foresee().contacts.unwrap().group.as_deref(), Some("Postrider"));
    house.run();
    house.title(anna, "Engineer");
    house.add_tagged("Boris", "Orlov");
    house.add_there(&house.group(), &person("Carla", "Ivanova"));
    let plan = house.foresee().contacts.unwrap();
    assert_eq!((plan.add, plan.change, plan.unlink, plan.send), (1, 0, 0, 2));
    assert_eq!(house.run().counts(), [1, 2, 0], "and then it is done");
    house.run();
    assert!(house.foresee().contacts.unwrap().is_empty());
}

#[test]
fn f3_6_a_cursor_that_ended_costs_a_listing_and_changes_nothing() {
    let house = House::google();
    for name in ["Anna", "Boris", "Carla", "Dora"] {
        house.add_tagged(name, "Petrova");
    }
    house.run();
    house.run();
    house.server.expire_cursors();
    assert_eq!(house.run().counts(), [0, 0, 0]);
    house.is_still();
}

#[test]
fn a_write_that_is_refused_for_good_is_told_once_and_stops_no_other() {
    let house = House::google();
    house.add_tagged("Anna", "Petrova");
    house.add_tagged("Boris", "Orlov");
    house.server.trouble(None, Trigger::Named("contacts.apply", 1), Trouble::Refused);
    let ran = house.try_run();
    house.server.end_troubles();
    assert_eq!((ran.report.status, ran.counts()), (AccountStatus::Failed, [0, 1, 0]));
    assert_eq!(house.members(&house.group()), ["Boris Orlov"]);
    house.run();
    house.is_still();
    house.title(house.id_of("Anna Petrova"), "Engineer");
    house.run();
    assert_eq!(house.members(&house.group()).len(), 2, "it is tried again once it changed");
}

#[test]
fn a_login_that_is_refused_ends_the_run() {
    let house = House::google();
    house.add_tagged("Anna", "Petrova");
    house.server.trouble(None, Trigger::Always, Trouble::LoginRefused);
    let ran = house.try_run();
    assert_eq!(ran.report.status, AccountStatus::LoginNeeded);
    assert_eq!(house.server.take_steps().len(), 1);
    house.server.end_troubles();
    assert_eq!(house.run().counts(), [0, 1, 0]);
}

/// A listing that lags shows what was there before our own write, after it: believed, it would undo that.
#[test]
fn what_a_listing_shows_late_undoes_nothing() {
    let house = House::google();
    let anna = house.add_tagged("Anna", "Petrova");
    house.run();
    house.run();
    house.edit_there(&house.group(), "Anna Petrova", |anna| anna.job_title = Some("There".into()));
    house.pass(60_000);
    house.title(anna, "Here, and later");
    assert_eq!(house.run_now().report.conflicts, 1, "what is not listed yet was noticed as it was sent");
    house.pass(130_000);
    assert_eq!(house.run_now().counts(), [0, 0, 0]);
    let later = Some("Here, and later".to_owned());
    assert_eq!(title_of(&house, anna), [later.clone(), later]);
    house.run();
    house.is_still();
}
