//! What one user has: in and out, both sides edited, deletions, tasks, what waits (F4.3, F4.4, F4.8, F5).

use postrider::service::{ActivityChanges, Extent};
use postrider_model::{ActivityKind, Status};

use crate::{
    hands::{appointment, at},
    town::{Kind, Town},
};

const ANNA: &str = "anna@example.org";
const KINDS: [Kind; 2] = [Kind::Google, Kind::Exchange];

#[test]
fn f4_3_what_is_there_comes_in_and_what_is_made_here_goes_out() {
    for kind in KINDS {
        let town = Town::on_one(kind, &["anna"]);
        town.add_there(ANNA, &appointment("x1", "Dentist", 5, None, &[]));
        let made = town.make("anna", "Gym", "2026-03-06", &[]);
        town.settle();
        let dentist = town.id_of("anna", "Dentist");
        assert_eq!(town.titles(ANNA), ["Dentist", "Gym"], "{kind:?}");
        assert_eq!(town.count(), 2);
        assert_eq!(town.item(ANNA, "Gym").activity.timing.start, Some(at(6, 10)));
        town.title("anna", dentist, "Doctor");
        town.edit_there(ANNA, "Gym", |gym| gym.content.place = Some("Hall".to_owned()));
        town.settle();
        assert_eq!(town.titles(ANNA), ["Doctor", "Gym"]);
        assert_eq!(town.says(made).content.place.as_deref(), Some("Hall"));
        town.delete_there(ANNA, "Doctor");
        town.cancel("anna", made, Extent::Whole);
        town.settle();
        assert_eq!(town.titles(ANNA), Vec::<String>::new());
        assert!(town.is_deleted(dentist) && town.is_deleted(made));
        assert_eq!(town.mailed(), 0);
    }
}

#[test]
fn f5_1_the_later_of_two_edits_wins_group_by_group() {
    for kind in KINDS {
        for here_is_later in [true, false] {
            let town = Town::on_one(kind, &["anna"]);
            town.add_there(ANNA, &appointment("x1", "Plans", 5, None, &[]));
            town.settle();
            let id = town.id_of("anna", "Plans");
            let here = || town.title("anna", id, "Here");
            let there = || {
                town.edit_there(ANNA, "Plans", |one| {
                    one.content.title = "There".to_owned();
                    one.timing.end = Some(at(5, 12));
                });
            };
            match here_is_later {
                true => (there(), here()),
                false => (here(), there()),
            };
            town.settle();
            let winner = if here_is_later { "Here" } else { "There" };
            assert_eq!(
                (town.says(id).content.title.as_str(), town.titles(ANNA)),
                (winner, vec![winner.to_owned()])
            );
            assert_eq!(town.says(id).timing.end, Some(at(5, 12)), "another group");
            let service = town.service();
            let conflicts = service.versions(&service.owner(), None, false, 9).unwrap();
            assert_eq!(conflicts.iter().filter(|one| one.is_conflict).count(), 1, "{conflicts:?}");
        }
    }
}

#[test]
fn f5_1_an_edit_beats_a_deletion_of_ones_own() {
    for kind in KINDS {
        let town = Town::on_one(kind, &["anna"]);
        for (uid, title) in [("x1", "One"), ("x2", "Two")] {
            town.add_there(ANNA, &appointment(uid, title, 5, None, &[]));
        }
        town.settle();
        let (one, two) = (town.id_of("anna", "One"), town.id_of("anna", "Two"));
        town.title("anna", one, "One again");
        town.delete_there(ANNA, "One");
        town.cancel("anna", two, Extent::Whole);
        town.edit_there(ANNA, "Two", |two| two.content.title = "Two again".to_owned());
        town.settle();
        assert_eq!(town.titles(ANNA), ["One again", "Two again"]);
        assert!(!town.is_deleted(one) && !town.is_deleted(two));
        assert_eq!(town.says(two).content.title, "Two again", "{kind:?}");
        assert_eq!(town.count(), 2);
    }
}

/// Servers count up with what is sent to them: that is no edit there.
#[test]
fn f5_1_what_was_moved_and_then_deleted_here_is_deleted_there() {
    for kind in KINDS {
        let town = Town::on_one(kind, &["anna"]);
        let id = town.make("anna", "Gym", "2026-03-06", &[]);
        town.settle();
        town.move_to("anna", id, Extent::Whole, "2026-03-07 14:00");
        town.settle();
        assert_eq!(town.item(ANNA, "Gym").activity.timing.start, Some(at(7, 14)), "{kind:?}");
        town.cancel("anna", id, Extent::Whole);
        town.settle();
        assert_eq!(town.titles(ANNA), Vec::<String>::new(), "{kind:?}");
        assert!(town.is_deleted(id));
    }
}

#[test]
fn f4_4_tasks_come_in_and_the_mark_moves_them() {
    let town = Town::on_one(Kind::Exchange, &["anna"]);
    let mut task = appointment("t1", "Report", 5, None, &[]);
    task.kind = ActivityKind::Task;
    town.add_there(ANNA, &task);
    town.settle();
    let id = town.id_of("anna", "Report");
    assert_eq!(town.item(ANNA, "Report").activity.kind, ActivityKind::Task);
    town.edit("anna", id, ActivityChanges { in_schedule: Some(true), ..ActivityChanges::default() });
    town.settle();
    assert_eq!(town.titles(ANNA), ["Report"]);
    assert_eq!(town.item(ANNA, "Report").activity.kind, ActivityKind::Appointment);
    assert_eq!((town.count(), town.id_of("anna", "Report")), (1, id));
    town.edit("anna", id, ActivityChanges { percent: Some(100), ..ActivityChanges::default() });
    town.settle();
    assert_eq!(town.says(id).content.status, Status::Completed);
}

#[test]
fn f4_8_since_bounds_what_comes_in() {
    let mut town = Town::new(&["anna"]);
    town.account("anna", "anna", ANNA, Kind::Google, "since = \"2026-03-05\"\n");
    let mut ended = appointment("s1", "Ended", 1, None, &[]);
    ended.timing.rules = vec!["FREQ=DAILY;COUNT=3".to_owned()];
    let mut goes_on = appointment("s2", "Goes on", 1, None, &[]);
    goes_on.timing.rules = vec!["FREQ=WEEKLY".to_owned()];
    let all =
        [appointment("x1", "Before", 4, None, &[]), appointment("x2", "After", 6, None, &[]), ended, goes_on];
    for one in &all {
        town.add_there(ANNA, one);
    }
    town.settle();
    let mut here: Vec<_> = town.here("anna").into_iter().map(|one| one.0).collect();
    here.sort();
    here.dedup();
    assert_eq!(here, ["After", "Goes on"]);
    // What is linked stays in step however old it gets.
    let after = town.id_of("anna", "After");
    town.edit_there(ANNA, "After", |one| {
        (one.timing.start, one.timing.end) = (Some(at(1, 10)), Some(at(1, 11)))
    });
    town.settle();
    assert_eq!(town.says(after).timing.start, Some(at(1, 10)));
}

#[test]
fn f5_4_what_would_take_most_of_a_calendar_waits_for_a_word() {
    for kind in KINDS {
        let town = Town::on_one(kind, &["anna"]);
        for nth in 0..12 {
            town.add_there(ANNA, &appointment(&format!("x{nth}"), &format!("Meal {nth:02}"), 5, None, &[]));
        }
        town.settle();
        for nth in 0..12 {
            town.delete_there(ANNA, &format!("Meal {nth:02}"));
        }
        let ran = town.try_run("anna");
        assert_eq!(ran.report.held.len(), 1, "{:?}", ran.report.warnings);
        assert_eq!(town.count(), 12);
        town.try_run("anna");
        assert_eq!(town.count(), 12);
        town.allow(&ran.report.held[0].plan);
        town.run("anna");
        assert_eq!(town.count(), 0);
        town.settle();
    }
}

/// Found by its mark, it says what somebody made of it meanwhile: that is a change, and not what was sent.
#[test]
fn what_was_changed_there_before_a_lost_creation_was_found_comes_in() {
    use postrider_fake::{Trigger, groupware::Trouble};
    for kind in KINDS {
        let town = Town::on_one(kind, &["anna"]);
        let id = town.make("anna", "Gym", "2026-03-06", &[]);
        let server = town.server(kind);
        server.trouble(None, Trigger::Every("calendars.apply"), Trouble::LoseAnswer);
        town.try_run("anna");
        server.end_troubles();
        town.edit_there(ANNA, "Gym", |gym| gym.content.place = Some("Hall".to_owned()));
        town.settle();
        assert_eq!(town.says(id).content.place.as_deref(), Some("Hall"), "{kind:?}");
        assert_eq!(town.item(ANNA, "Gym").activity.content.place.as_deref(), Some("Hall"));
    }
}
