//! Series and the times that differ from them (design, "Recurrence").

use postrider::service::Extent;
use postrider_model::{Activity, ActivityId, Occurrence, Response, Status, Timestamp};
use postrider_remote::RemoteActivity;

use crate::{
    hands::{appointment, at},
    town::{Kind, Town},
};

const ANNA: &str = "anna@example.org";
const VERA: &str = "vera@example.org";
const KINDS: [Kind; 2] = [Kind::Google, Kind::Exchange];

/// Which time of a daily series at ten in Berlin.
fn on(day: u32) -> Occurrence {
    let day = chrono::NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
    // Clocks there are an hour ahead until the 29th.
    Occurrence::At(Timestamp::from_seconds(day.and_hms_opt(9, 0, 0).unwrap().and_utc().timestamp()))
}

fn daily(uid: &str, title: &str, organizer: Option<&str>, guests: &[&str]) -> Activity {
    let mut series = appointment(uid, title, 5, organizer, guests);
    series.timing.rules = vec!["FREQ=DAILY;COUNT=9".to_owned()];
    series
}

fn time_there(town: &Town, address: &str, day: u32) -> Option<RemoteActivity> {
    town.there(address).activities().into_iter().find(|one| one.activity.occurrence == Some(on(day)))
}

/// The times that differ here: when they would be, whether they are taken out, what they are called.
fn differing(town: &Town, title: &str) -> Vec<(Occurrence, bool, String)> {
    let service = town.service();
    let id = town.id_of("anna", title);
    let found = service.activity(&service.owner(), id).unwrap();
    let of = |(_, one): &(ActivityId, Activity)| {
        (one.occurrence.unwrap(), one.content.status == Status::Cancelled, one.content.title.clone())
    };
    found.differing.iter().map(of).collect()
}

#[test]
fn what_differs_there_differs_here() {
    for kind in KINDS {
        let town = Town::on_one(kind, &["anna"]);
        let key = town.add_there(ANNA, &daily("s1", "Standup", None, &[]));
        let there = town.there(ANNA);
        town.settle();
        there
            .change_activity(&key, Some(on(6)), |one| one.content.title = "Long standup".to_owned(), false)
            .unwrap();
        there.delete_activity(&key, Some(on(7))).unwrap();
        town.settle();
        let expected = vec![(on(6), false, "Long standup".to_owned()), (on(7), true, "Standup".to_owned())];
        assert_eq!(differing(&town, "Standup"), expected, "{kind:?}");
        assert_eq!(town.count(), 1, "a time is no activity by itself");
    }
}

#[test]
fn what_differs_here_differs_there() {
    for kind in KINDS {
        let town = Town::on_one(kind, &["anna"]);
        let id = town.make_with("anna", "Standup", "2026-03-05", &[], Some("FREQ=DAILY;COUNT=9"));
        town.title_one("anna", id, "2026-03-06", "Long standup");
        town.settle();
        assert_eq!(time_there(&town, ANNA, 6).unwrap().activity.content.title, "Long standup", "{kind:?}");
        town.cancel("anna", id, Extent::One("2026-03-07".to_owned()));
        town.move_to("anna", id, Extent::One("2026-03-08".to_owned()), "2026-03-08 15:00");
        town.settle();
        assert_eq!(time_there(&town, ANNA, 7).unwrap().activity.content.status, Status::Cancelled);
        assert_eq!(time_there(&town, ANNA, 8).unwrap().activity.timing.start, Some(at(8, 15)));
        let all = town.there(ANNA).activities();
        assert_eq!(all.len(), 4, "{all:?}");
    }
}

#[test]
fn both_change_one_time_and_the_later_wins() {
    for kind in KINDS {
        let town = Town::on_one(kind, &["anna"]);
        let id = town.make_with("anna", "Standup", "2026-03-05", &[], Some("FREQ=DAILY;COUNT=9"));
        let one = town.title_one("anna", id, "2026-03-06", "First");
        town.settle();
        town.title("anna", one, "Here");
        let key = time_there(&town, ANNA, 6).unwrap().key;
        town.clock.pass(20_000);
        town.there(ANNA)
            .change_activity(&key, None, |one| one.content.title = "There".to_owned(), false)
            .unwrap();
        town.settle();
        assert_eq!(town.says(one).content.title, "There", "{kind:?}");
        assert_eq!(time_there(&town, ANNA, 6).unwrap().activity.content.title, "There");
    }
}

#[test]
fn a_new_rule_keeps_what_differs_on_its_day() {
    for kind in KINDS {
        let town = Town::on_one(kind, &["anna"]);
        let id = town.make_with("anna", "Standup", "2026-03-05", &[], Some("FREQ=DAILY;COUNT=9"));
        town.title_one("anna", id, "2026-03-06", "Long standup");
        town.settle();
        town.move_to("anna", id, Extent::Whole, "2026-03-05 12:00");
        town.settle();
        assert_eq!(town.says(id).timing.start, Some(at(5, 12)));
        let differing = differing(&town, "Standup");
        assert_eq!(differing.len(), 1, "{kind:?}: {differing:?}");
        assert_eq!(differing[0].2, "Long standup");
        let all = town.there(ANNA).activities();
        let time = all.iter().find(|one| one.activity.occurrence.is_some()).unwrap();
        assert_eq!(time.activity.content.title, "Long standup");
        assert_eq!(time.activity.timing.start, Some(at(6, 12)));
    }
}

#[test]
fn this_and_following_makes_two_of_it() {
    for kind in KINDS {
        let town = Town::on_one(kind, &["anna"]);
        let id = town.make_with("anna", "Standup", "2026-03-05", &[], Some("FREQ=DAILY;COUNT=9"));
        town.settle();
        let rest = town.move_to("anna", id, Extent::Following("2026-03-09".to_owned()), "2026-03-09 16:00");
        town.settle();
        assert_ne!(id, rest);
        let rules = |id| town.says(id).timing.rules;
        assert_eq!(
            (rules(id), rules(rest)),
            (vec!["FREQ=DAILY;COUNT=4".to_owned()], vec!["FREQ=DAILY;COUNT=5".to_owned()])
        );
        let mut starts: Vec<_> =
            town.there(ANNA).activities().into_iter().map(|one| one.activity.timing.start).collect();
        starts.sort();
        assert_eq!(starts, [Some(at(5, 10)), Some(at(9, 16))], "{kind:?}");
    }
}

#[test]
fn an_answer_to_one_time_is_an_answer_to_that_alone() {
    let town = Town::on_one(Kind::Google, &["anna", "vera"]);
    let id = town.make_with("anna", "Standup", "2026-03-05", &[VERA], Some("FREQ=DAILY;COUNT=9"));
    town.settle();
    let one = town.respond("vera", id, Extent::One("2026-03-06".to_owned()), Response::Declined);
    town.settle();
    assert_eq!(town.own("vera", one).response, Some(Response::Declined));
    assert_ne!(town.own("vera", id).response, Some(Response::Declined));
    assert_eq!(time_there(&town, VERA, 6).unwrap().own.response, Some(Response::Declined));
    let organizers = time_there(&town, ANNA, 6).unwrap().activity;
    assert_eq!(organizers.people.participants[0].response, Response::Declined);
    assert_eq!((town.count(), town.mailed()), (1, 0));
}

#[test]
fn who_is_asked_to_one_time_alone_has_that_and_a_series_that_says_nothing() {
    let town = Town::on_one(Kind::Google, &["anna", "vera"]);
    let key = town.add_there(ANNA, &daily("s1", "Standup", Some(ANNA), &[]));
    town.there(ANNA)
        .change_activity(
            &key,
            Some(on(6)),
            |one| one.people.participants = appointment("", "", 1, None, &[VERA]).people.participants,
            true,
        )
        .unwrap();
    town.run("vera");
    town.settle();
    let here = town.here("vera");
    assert_eq!(here.len(), 1, "what she was not asked to is not hers to see: {here:?}");
    assert_eq!(town.count(), 1, "the series is one record, whoever brought it in first");
}

#[test]
fn a_series_that_is_deleted_takes_its_times_along() {
    for kind in KINDS {
        for here in [true, false] {
            let town = Town::on_one(kind, &["anna"]);
            let id = town.make_with("anna", "Standup", "2026-03-05", &[], Some("FREQ=DAILY;COUNT=9"));
            town.title_one("anna", id, "2026-03-06", "Long standup");
            town.settle();
            match here {
                true => drop(town.cancel("anna", id, Extent::Whole)),
                false => town.there(ANNA).delete_activity(&town.item(ANNA, "Standup").key, None).unwrap(),
            }
            town.settle();
            assert_eq!(town.titles(ANNA), Vec::<String>::new(), "{kind:?}, here {here}");
            assert_eq!(town.count(), 0);
        }
    }
}

#[test]
fn a_rule_that_changes_here_loses_nothing_of_what_differs() {
    for kind in KINDS {
        let town = Town::on_one(kind, &["anna"]);
        let id = town.make_with("anna", "Standup", "2026-03-05", &[], Some("FREQ=DAILY;COUNT=9"));
        let long = town.title_one("anna", id, "2026-03-06", "Long standup");
        town.cancel("anna", id, Extent::One("2026-03-07".to_owned()));
        town.settle();
        // Servers forget what differs when a series is given another rule.
        town.move_to("anna", id, Extent::Following("2026-03-10".to_owned()), "2026-03-10 16:00");
        town.settle();
        assert!(!town.is_deleted(long), "{kind:?}");
        let expected = vec![(on(6), false, "Long standup".to_owned()), (on(7), true, "Standup".to_owned())];
        assert_eq!(differing(&town, "Standup"), expected);
        assert_eq!(time_there(&town, ANNA, 6).unwrap().activity.content.title, "Long standup");
        assert_eq!(time_there(&town, ANNA, 7).unwrap().activity.content.status, Status::Cancelled);
    }
}
