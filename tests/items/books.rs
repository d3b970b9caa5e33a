//! By address books, types and groups (F3.4), companies (F3.5), a first meeting (F3.7).

use postrider::service::ContactChanges;
use postrider_fake::{Trigger, groupware::Trouble};
use postrider_model::{
    AccountStatus, CollectionKind, Contact, ContactId, LabelKind, LabelScope, Organization, Visibility,
};
use postrider_remote::Access;

use crate::house::{House, person};

fn typed(house: &House, id: ContactId, kind: &str) {
    house.edit(id, ContactChanges { kind: Some(kind.to_owned()), ..ContactChanges::default() });
}

#[test]
fn f3_4_all_come_in_and_all_go_out() {
    let house = House::exchange("");
    let friends = house.there.make_collection(CollectionKind::AddressBook, "Friends").unwrap();
    house.add_there(&house.own(), &person("Anna", "Petrova"));
    house.add_there(&friends, &person("Boris", "Orlov"));
    house.add(&person("Carla", "Ivanova"));
    assert_eq!(house.run().counts(), [2, 1, 0]);
    assert_eq!(house.members(&house.own()), ["Anna Petrova", "Carla Ivanova"]);
    assert_eq!(house.members(&friends), ["Boris Orlov"]);
    house.run();
    house.is_still();
    let boris = house.id_of("Boris Orlov");
    house.title(boris, "Engineer");
    house.run();
    assert_eq!(house.item(&friends, "Boris Orlov").contact.job_title.as_deref(), Some("Engineer"));
}

#[test]
fn f3_4_chosen_books_come_in_and_what_is_taken_off_the_list_stays_as_it_is() {
    let house = House::exchange("folders = [\"Friends\"]\n");
    let friends = house.there.make_collection(CollectionKind::AddressBook, "Friends").unwrap();
    house.add_there(&house.own(), &person("Anna", "Petrova"));
    house.add_there(&friends, &person("Boris", "Orlov"));
    house.add_there(&friends, &person("Carla", "Ivanova"));
    house.run();
    let names = || house.here().into_iter().map(|one| one.0).collect::<Vec<_>>();
    assert_eq!(names(), ["Carla Ivanova", "Boris Orlov"]);
    house.configure("folders = [\"Others\"]\n");
    house.delete_there(&friends, "Boris Orlov");
    let ran = house.run();
    assert!(ran.report.warnings.iter().any(|one| one.contains("\"Others\"")), "{:?}", ran.report.warnings);
    assert_eq!(names(), ["Carla Ivanova", "Boris Orlov"]);
    house.configure("folders = \"all\"\n");
    assert_eq!(house.run().counts(), [1, 0, 0], "what was missed is made up for");
    assert_eq!(house.run().counts(), [0, 0, 1], "what is gone may have been moved: it waits a round");
    assert_eq!(names(), ["Carla Ivanova", "Boris Orlov", "Anna Petrova"]);
}

#[test]
fn f3_4_types_and_groups_add_up_and_what_no_longer_qualifies_is_unlinked() {
    let house = House::exchange("types = [\"employee\"]\ngroups = [\"Staff\"]\n");
    let ids = ["Anna", "Boris", "Carla"].map(|name| house.add(&person(name, "Petrova")));
    typed(&house, ids[0], "employee");
    house.label(ids[1], LabelKind::Contacts, "Staff", LabelScope::Corporate, true);
    house.run();
    let own = house.own();
    assert_eq!(house.members(&own), ["Anna Petrova", "Boris Petrova"]);
    typed(&house, ids[0], "customer");
    assert_eq!(house.run().counts(), [0, 0, 1]);
    assert_eq!(house.members(&own).len(), 2, "it is not deleted there");
    house.title(ids[0], "Unlinked");
    house.edit_there(&own, "Anna Petrova", |anna| anna.job_title = Some("Alone".into()));
    assert_eq!(house.run().counts(), [0, 0, 0]);
    assert_eq!(house.contact(ids[0]).job_title.as_deref(), Some("Unlinked"));
    typed(&house, ids[0], "employee");
    house.run();
    house.run();
    assert_eq!(house.members(&own).len(), 2, "linked again, and not made a second time");
    assert_eq!(house.contact(ids[0]).job_title.as_deref(), Some("Alone"), "the later one of two edits");
    house.run();
    house.is_still();
}

#[test]
fn f3_4_deleted_on_one_side_is_unlinked_on_the_other() {
    let house = House::exchange("");
    let ids = ["Anna", "Boris"].map(|name| house.add(&person(name, "Petrova")));
    house.run();
    let own = house.own();
    house.delete(ids[0]);
    house.delete_there(&own, "Boris Petrova");
    assert_eq!(house.run().counts(), [0, 0, 2]);
    assert_eq!(house.members(&own), ["Anna Petrova"]);
    assert_eq!(ids.map(|id| house.is_deleted(id)), [true, false]);
    house.title(ids[1], "Stays here");
    house.edit_there(&own, "Anna Petrova", |anna| anna.job_title = Some("Stays there".into()));
    house.run();
    house.server.expire_cursors();
    house.run();
    assert_eq!(house.members(&own), ["Anna Petrova"]);
    assert_eq!(house.here().len(), 1);
    house.is_still();
}

#[test]
fn f3_4_deletions_are_carried_over_where_the_account_says_so() {
    let house = House::exchange("deletions = \"propagate\"\n");
    let ids = ["Anna", "Boris", "Carla", "Dora"].map(|name| house.add(&person(name, "Petrova")));
    house.run();
    let own = house.own();
    house.delete(ids[0]);
    house.delete_there(&own, "Boris Petrova");
    house.title(ids[2], "Edited here");
    house.delete_there(&own, "Carla Petrova");
    house.delete(ids[3]);
    house.edit_there(&own, "Dora Petrova", |dora| dora.job_title = Some("Edited there".into()));
    let ran = house.run();
    assert_eq!((ran.report.conflicts, ran.report.contacts.unwrap().unlinked), (2, 2));
    house.run();
    assert_eq!(house.members(&own), ["Carla Petrova", "Dora Petrova"], "an edit beats a deletion");
    assert_eq!(ids.map(|id| house.is_deleted(id)), [true, true, false, false]);
    assert_eq!(house.contact(ids[3]).job_title.as_deref(), Some("Edited there"));
    let there = house.item(&own, "Carla Petrova");
    assert_eq!(there.contact.job_title.as_deref(), Some("Edited here"));
    house.run();
    house.is_still();
}

#[test]
fn f3_4_what_moves_to_another_book_there_stays_the_same_contact() {
    let house = House::exchange("deletions = \"propagate\"\n");
    let friends = house.there.make_collection(CollectionKind::AddressBook, "Friends").unwrap();
    let exported = house.add(&person("Anna", "Petrova"));
    house.add_there(&house.own(), &person("Boris", "Orlov"));
    house.run();
    let imported = house.id_of("Boris Orlov");
    for name in ["Anna Petrova", "Boris Orlov"] {
        house.there.move_contact(&house.item(&house.own(), name).key, &friends).unwrap();
    }
    house.title(exported, "Engineer");
    house.run();
    assert_eq!([exported, imported].map(|id| house.is_deleted(id)), [false, false]);
    assert_eq!(
        (house.here().len(), house.members(&friends).len(), house.members(&house.own()).len()),
        (2, 2, 0)
    );
    assert_eq!(house.item(&friends, "Anna Petrova").contact.job_title.as_deref(), Some("Engineer"));
    house.run();
    house.is_still();
}

#[test]
fn f3_4_a_run_goes_one_way_where_the_account_says_so() {
    let house = House::exchange("export = false\n");
    house.add_there(&house.own(), &person("Anna", "Petrova"));
    house.add(&person("Boris", "Orlov"));
    assert_eq!(house.run().counts(), [1, 0, 0]);
    house.title(house.id_of("Anna Petrova"), "Engineer");
    assert_eq!(house.run().counts(), [0, 0, 0]);
    assert_eq!(house.item(&house.own(), "Anna Petrova").contact.job_title, None);
    house.configure("import = false\n");
    house.add_there(&house.own(), &person("Carla", "Ivanova"));
    assert_eq!(house.run().counts(), [0, 2, 0], "what waited goes out");
    assert_eq!(house.item(&house.own(), "Anna Petrova").contact.job_title.as_deref(), Some("Engineer"));
    assert_eq!(house.members(&house.own()).len(), 3);
    assert_eq!(house.here().len(), 2);
}

#[test]
fn f3_6_a_book_that_cannot_be_read_lets_nothing_else_be_read_anew() {
    let house = House::exchange("");
    let friends = house.there.make_collection(CollectionKind::AddressBook, "Friends").unwrap();
    house.add_there(&house.own(), &person("Anna", "Petrova"));
    house.add_there(&friends, &person("Boris", "Orlov"));
    house.add(&person("Carla", "Ivanova"));
    for nth in 0..3 {
        house.server.end_troubles();
        house.server.trouble(None, Trigger::Named("contacts.changes", 2), Trouble::Unavailable);
        let ran = house.try_run();
        assert_eq!(ran.report.status, AccountStatus::Failed);
        assert!(nth < 2 || ran.commits == 0, "run {nth}: {} commits", ran.commits);
    }
    house.server.end_troubles();
    house.run();
    assert_eq!(house.here().len(), 3);
    house.run();
    house.is_still();
}

#[test]
fn f3_6_what_another_rule_lets_in_is_read_once_its_book_can_be_read() {
    let house = House::exchange("folders = [\"Friends\"]\n");
    house.there.make_collection(CollectionKind::AddressBook, "Friends").unwrap();
    house.add_there(&house.own(), &person("Anna", "Petrova"));
    house.run();
    assert!(house.here().is_empty());
    house.configure("folders = \"all\"\n");
    house.server.end_troubles();
    house.server.trouble(None, Trigger::Named("contacts.changes", 1), Trouble::Unavailable);
    house.try_run();
    house.server.end_troubles();
    assert_eq!(house.run().counts(), [1, 0, 0]);
    house.run();
    house.is_still();
}

#[test]
fn f3_4_what_goes_out_does_so_once_there_is_a_book_that_takes_it() {
    let house = House::exchange("");
    house.there.grant(&house.own(), Access::Read).unwrap();
    house.add(&person("Anna", "Petrova"));
    assert_eq!(house.run().counts(), [0, 0, 0]);
    house.run();
    house.is_still();
    house.there.grant(&house.own(), Access::Write).unwrap();
    assert_eq!(house.run().counts(), [0, 1, 0]);
    house.run();
    house.is_still();
}

#[test]
fn f3_5_an_imported_contact_is_tied_to_the_one_company_of_its_name() {
    let house = House::exchange("");
    let company = |name: &str| {
        let mut service = house.service();
        let caller = service.owner();
        service.add_company(&caller, name, &Visibility::Private).unwrap()
    };
    let acme = company("Acme");
    assert_ne!(company("Twice"), company("Twice"));
    let of = |given: &str, company: &str| Contact {
        organization: Organization { name: company.to_owned(), units: Vec::new() },
        ..person(given, "Petrova")
    };
    for (name, company) in [("Anna", "Acme"), ("Boris", "Twice"), ("Carla", "Other"), ("Dora", "")] {
        house.add_there(&house.own(), &of(name, company));
    }
    house.run();
    let tied = |name: &str| {
        let service = house.service();
        service.contact(&service.owner(), house.id_of(name)).unwrap().company.map(|company| company.id)
    };
    let all = ["Anna", "Boris", "Carla", "Dora"].map(|name| tied(&format!("{name} Petrova")));
    assert_eq!(all, [Some(acme), None, None, None]);
    house.edit_there(&house.own(), "Dora Petrova", |dora| dora.organization.name = "Acme".into());
    house.run();
    assert_eq!(tied("Dora Petrova"), Some(acme));
}

#[test]
fn f3_7_two_sides_that_meet_for_the_first_time_match_before_they_make() {
    let house = House::exchange("");
    let anna = house.add(&person("Anna", "Petrova"));
    house.title(anna, "Engineer");
    let twins = [house.add(&person("Boris", "Orlov")), house.add(&person("Boris", "Orlov"))];
    let mut there = person("Anna", "Petrova");
    there.phones = vec![postrider_model::Point { value: "+4912345".into(), ..Default::default() }];
    house.add_there(&house.own(), &there);
    house.add_there(&house.own(), &person("Boris", "Orlov"));
    let ran = house.run();
    assert!(
        ran.report.warnings.iter().any(|one| one.contains("Boris Orlov may be any of")),
        "{:?}",
        ran.report.warnings
    );
    house.run();
    let met = house.contact(anna);
    assert_eq!((met.job_title.as_deref(), met.phones.len()), (Some("Engineer"), 1));
    let item = house.item(&house.own(), "Anna Petrova");
    assert_eq!((item.contact.job_title.as_deref(), item.contact.phones.len()), (Some("Engineer"), 1));
    assert_eq!(house.members(&house.own()).len(), 4, "Anna once; the twins, and one more");
    assert!(house.here().len() == 4 && twins.iter().all(|id| !house.is_deleted(*id)));
    house.is_still();
}

#[test]
fn f7_4_what_the_accounts_user_does_not_see_never_goes_out_and_leaves() {
    let house = House::exchange("");
    house.declare(
        "[[user]]\nname = \"anna\"\nunix_user = \"anna\"\naddresses = [\"anna@example.com\"]\n\
         [[user]]\nname = \"boris\"\nunix_user = \"boris\"\naddresses = [\"boris@example.com\"]\n",
        "boris",
    );
    let (shown, _) = (house.add(&person("Carla", "Shown")), house.add(&person("Dora", "Hidden")));
    let show = |visibility| {
        house.edit(shown, ContactChanges { visibility: Some(visibility), ..ContactChanges::default() });
    };
    show(Visibility::All);
    house.add_there(&house.own(), &person("Egor", "Belov"));
    house.run();
    assert_eq!(house.members(&house.own()), ["Carla Shown", "Egor Belov"]);
    let service = house.service();
    let egor = service.contact(&service.owner(), house.id_of("Egor Belov")).unwrap();
    assert_eq!((egor.record.owner.as_str(), egor.record.visibility), ("boris", Visibility::Private));
    show(Visibility::Private);
    assert_eq!(house.run().counts(), [0, 0, 1]);
    house.title(shown, "Unseen");
    house.run();
    assert_eq!(house.item(&house.own(), "Carla Shown").contact.job_title, None);
    house.is_still();
}
