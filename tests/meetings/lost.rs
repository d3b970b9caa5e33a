//! Deaths at every step of a script of forty operations, contacts and activities, on both sides: what comes of it is what would have come of
//! it, nothing is there twice, and nobody is mailed twice.

use std::panic::{AssertUnwindSafe, catch_unwind};

use postrider::service::{ActivityChanges, Extent};
use postrider_model::{ActivityId, ContactId, Response, Status};

use crate::{
    hands::{appointment, at},
    life::Life,
    town::{Kind, Town},
};

const ANNA: &str = "anna@example.org";
const VERA: &str = "vera@example.org";
const OLEG: &str = "oleg@example.org";
const ACCOUNTS: [&str; 3] = ["anna", "oleg", "vera"];
/// Into so many tests the steps are divided, which run beside each other.
const PARTS: u64 = 3;

/// What the script made.
struct Script {
    town: Town,
    contacts: Vec<ContactId>,
    activities: Vec<ActivityId>,
}

impl Script {
    fn fork(&self) -> Self {
        let (contacts, activities) = (self.contacts.clone(), self.activities.clone());
        Self { town: self.town.fork(), contacts, activities }
    }
}

/// Forty operations: fourteen before both sides agree, twenty-six after.
fn script(kind: Kind) -> Script {
    let mut town = Town::new(&["anna", "vera", "oleg"]);
    for name in ACCOUNTS {
        let address = format!("{name}@example.org");
        let contacts = if kind == Kind::Google { "tag = \"sync\"\n" } else { "deletions = \"propagate\"\n" };
        town.account_with_contacts(name, name, &address, kind, "", contacts);
    }
    let mut contacts: Vec<_> = ["Boris", "Carla", "Dora", "Egor", "Fedor"]
        .iter()
        .map(|name| town.add_contact("anna", name))
        .collect();
    let standup = town.make_with("anna", "Standup", "2026-03-05", &[], Some("FREQ=DAILY;COUNT=9"));
    let own = town.make("anna", "Gym", "2026-03-06", &[]);
    let ask = |who: &str, title: &str, day: &str, guests: &[&str]| {
        let id = town.make_telling(who, title, day, guests);
        town.server(kind).announce(&format!("{who}@example.org"), &town.says(id).uid);
        id
    };
    let meeting = ask("anna", "Plans", "2026-03-07", &[VERA, OLEG]);
    let other = ask("vera", "Review", "2026-03-08", &[ANNA]);
    let off = ask("oleg", "Party", "2026-03-09", &[ANNA, VERA]);
    let apart = town.title_one("anna", standup, "2026-03-06", "Long standup");
    for (uid, title) in [("x1", "Dentist"), ("x2", "Piano"), ("x3", "Train")] {
        town.add_there(ANNA, &appointment(uid, title, 5, None, &[]));
    }
    town.settle_all();
    let there = |title: &str| town.id_of("anna", title);
    let (dentist, piano, train) = (there("Dentist"), there("Piano"), there("Train"));

    town.title("anna", own, "Long gym");
    town.edit_there(ANNA, "Dentist", |one| one.content.place = Some("Town".to_owned()));
    town.title("anna", piano, "Here");
    town.edit_there(ANNA, "Piano", |one| one.content.title = "There".to_owned());
    town.delete_there(ANNA, "Train");
    town.move_to("anna", meeting, Extent::Whole, "2026-03-07 14:00");
    town.respond("vera", meeting, Extent::Whole, Response::Accepted);
    town.there(OLEG).respond(&town.item(OLEG, "Plans").key, None, Response::Declined).unwrap();
    town.there(OLEG).cancel(&town.item(OLEG, "Party").key, None).unwrap();
    town.respond("anna", other, Extent::Whole, Response::Tentative);
    town.edit_there(VERA, "Review", |one| one.timing.end = Some(at(8, 12)));
    town.title("anna", apart, "Longer standup");
    town.cancel("anna", standup, Extent::One("2026-03-07".to_owned()));
    let moved = town.move_to("anna", standup, Extent::One("2026-03-08".to_owned()), "2026-03-08 15:00");
    let rest = town.move_to("anna", standup, Extent::Following("2026-03-10".to_owned()), "2026-03-10 16:00");
    let told = town.make_telling("anna", "Launch", "2026-03-12", &[VERA]);
    town.server(kind).announce(ANNA, &town.says(told).uid);
    let new = town.make("oleg", "Walk", "2026-03-11", &[]);
    town.add_there(OLEG, &appointment("x4", "Swim", 11, None, &[]));
    town.contact_title("anna", contacts[0], "Edited here");
    town.edit_contact_there(ANNA, "Carla", "Edited there");
    town.contact_title("anna", contacts[2], "Sooner");
    town.edit_contact_there(ANNA, "Dora", "Later");
    town.delete_contact("anna", contacts[3]);
    town.delete_contact_there(ANNA, "Fedor");
    contacts.push(town.add_contact("anna", "Hanna"));
    town.add_contact_there(OLEG, "Gleb");
    let activities =
        vec![standup, own, meeting, other, off, apart, dentist, piano, train, moved, rest, told, new];
    Script { town, contacts, activities }
}

/// What is on both sides, but for ids and times that a death may change.
fn told(script: &Script) -> Vec<String> {
    let Script { town, contacts, activities } = script;
    let sight = town.sight();
    let mut lines: Vec<String> = Vec::new();
    for id in activities {
        let (says, deleted) = (sight.says(*id), sight.is_deleted(*id));
        let answers: Vec<_> = says.people.participants.iter().map(|one| one.response).collect();
        let answers = if deleted { Vec::new() } else { answers };
        lines.push(format!(
            "{id} {:?} {:?} {:?} {:?} {answers:?} deleted {deleted}",
            says.content.title, says.content.status, says.content.place, says.timing.start
        ));
    }
    lines.extend(contacts.iter().map(|id| sight.contact_told(*id)));
    for user in ACCOUNTS {
        let mut here: Vec<_> =
            sight.here(user).into_iter().map(|one| format!("{user} sees {}", one.0)).collect();
        here.sort();
        lines.extend(here);
    }
    for address in [ANNA, VERA, OLEG] {
        let mut there: Vec<_> = town
            .there(address)
            .activities()
            .into_iter()
            .map(|one| {
                let (content, occurrence) = (&one.activity.content, one.activity.occurrence);
                format!(
                    "{address} {:?} {occurrence:?} {:?} {:?}",
                    content.title, one.activity.timing.start, one.own.response
                )
            })
            .collect();
        there.extend(town.contacts_there(address));
        there.sort();
        lines.extend(there);
    }
    lines.push(format!("{} activities, {} mailed", sight.count(), town.mailed()));
    lines
}

/// What is in `of` and not in `than`.
fn only(of: &[String], than: &[String]) -> Vec<String> {
    of.iter().filter(|line| !than.contains(line)).cloned().collect()
}

/// Deaths at every step of a run of each account whose number leaves `part` when it is divided by [`PARTS`].
fn deaths(kind: Kind, part: u64) {
    let beginning = script(kind);
    let whole = beginning.fork();
    whole.town.settle_all();
    let expected = told(&whole);
    let mut failed = Vec::new();
    let mut deaths = 0;
    for account in ACCOUNTS {
        for nth in (1..).filter(|nth| nth % PARTS == part) {
            let script = beginning.fork();
            if script.town.live_all(account, &Life::new(Some(nth))).is_some() {
                break;
            }
            deaths += 1;
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                script.town.settle_all();
                told(&script)
            }));
            match outcome {
                Ok(told) if told == expected => {}
                Ok(told) => failed.push(format!(
                    "{account}, step {nth}: {:#?} and not {:#?}",
                    only(&told, &expected),
                    only(&expected, &told)
                )),
                Err(_) => failed.push(format!("{account}, step {nth}: it did not come to rest lawfully")),
            }
        }
    }
    eprintln!("{kind:?}, {part} of {PARTS}: {deaths} deaths");
    assert!(failed.is_empty(), "{} of {deaths}: {}", failed.len(), failed.join("\n"));
    assert!(deaths > 100, "there are to be more than 100 deaths, and there were {deaths}");
}

#[test]
fn a_death_at_any_first_step_of_three_changes_nothing_in_the_end_as_with_google() {
    deaths(Kind::Google, 1);
}

#[test]
fn a_death_at_any_second_step_of_three_changes_nothing_in_the_end_as_with_google() {
    deaths(Kind::Google, 2);
}

#[test]
fn a_death_at_any_third_step_of_three_changes_nothing_in_the_end_as_with_google() {
    deaths(Kind::Google, 0);
}

#[test]
fn a_death_at_any_first_step_of_three_changes_nothing_in_the_end_as_with_exchange() {
    deaths(Kind::Exchange, 1);
}

#[test]
fn a_death_at_any_second_step_of_three_changes_nothing_in_the_end_as_with_exchange() {
    deaths(Kind::Exchange, 2);
}

#[test]
fn a_death_at_any_third_step_of_three_changes_nothing_in_the_end_as_with_exchange() {
    deaths(Kind::Exchange, 0);
}

/// Dies at every step of a run of Anna's; each time it comes to rest with one mail.
fn is_told_once(beginning: &Town) {
    for nth in 1.. {
        let town = beginning.fork();
        if town.live("anna", &Life::new(Some(nth))).is_some() {
            assert!(nth > 20, "there were {nth} steps");
            return;
        }
        town.settle();
        assert_eq!((town.mailed(), town.count()), (1, 1), "step {nth}");
    }
}

/// The word that people are to hear of it is used up once it is made, and not before.
#[test]
fn i9_a_death_at_any_step_of_making_a_meeting_leaves_its_guests_told_once() {
    for kind in [Kind::Google, Kind::Exchange] {
        let town = Town::on_one(kind, &["anna", "vera"]);
        let id = town.make_telling("anna", "Plans", "2026-03-05", &[VERA]);
        town.server(kind).announce(ANNA, &town.says(id).uid);
        is_told_once(&town);
    }
}

/// What was called off here before anybody knew whether it was made, and takes place after all, is told of once.
#[test]
fn i9_a_death_at_any_step_of_making_a_meeting_that_is_taken_back_leaves_its_guests_told_once() {
    for kind in [Kind::Google, Kind::Exchange] {
        let beginning = Town::on_one(kind, &["anna", "vera"]);
        beginning.settle();
        let id = beginning.make_telling("anna", "Plans", "2026-03-05", &[VERA]);
        beginning.server(kind).announce(ANNA, &beginning.says(id).uid);
        for nth in 1.. {
            let town = beginning.fork();
            if town.live("anna", &Life::new(Some(nth))).is_some() {
                assert!(nth > 15, "there were {nth} steps");
                break;
            }
            town.cancel("anna", id, Extent::Whole);
            town.settle();
            let takes_place = Some(Status::Open);
            town.edit("anna", id, ActivityChanges { status: takes_place, ..ActivityChanges::default() });
            town.settle();
            assert_eq!(
                (town.mailed(), town.titles(VERA)),
                (1, vec!["Plans".to_owned()]),
                "{kind:?}, step {nth}"
            );
        }
    }
}

#[test]
fn i9_a_death_at_any_step_of_changing_one_time_leaves_its_guests_told_once() {
    let one = Extent::One("2026-03-07".to_owned());
    for kind in [Kind::Google, Kind::Exchange] {
        let town = Town::on_one(kind, &["anna", "vera"]);
        let id = town.make_with("anna", "Standup", "2026-03-05", &[VERA], Some("FREQ=DAILY;COUNT=9"));
        town.settle();
        let mut service = town.service();
        let caller = service.caller_of_user("anna", "anna").unwrap();
        match kind {
            Kind::Google => drop(service.cancel_activity_and_tell(&caller, id, &one).unwrap()),
            Kind::Exchange => {
                let title = Some("Long standup".to_owned());
                let changes = ActivityChanges { title, ..ActivityChanges::default() };
                service.edit_activity_and_tell(&caller, id, &one, &changes, None).unwrap();
            }
        }
        drop(service);
        town.server(kind).announce(ANNA, &town.says(id).uid);
        is_told_once(&town);
    }
}
