//! One meeting in several accounts ("One meeting", rules 1 to 12), and who hears of it (I9).

use postrider::service::{ActivityChanges, Extent};
use postrider_model::{Response, Status};
use postrider_remote::Standing;

use crate::{
    hands::{appointment, at},
    town::{Kind, Town},
};

const ANNA: &str = "anna@example.org";
const VERA: &str = "vera@example.org";
const OLEG: &str = "oleg@example.org";
const OUTSIDE: &str = "guest@elsewhere.example";
const USERS: [&str; 3] = ["anna", "vera", "oleg"];

#[test]
fn rule_1_and_8_a_meeting_that_is_made_here_is_made_once_there_and_adopted_by_its_uid() {
    let town = Town::on_one(Kind::Google, &USERS);
    let id = town.make("anna", "Plans", "2026-03-05", &[VERA, OLEG]);
    town.settle();
    assert_eq!(town.count(), 1);
    for (address, standing) in
        [(ANNA, Standing::Organizer), (VERA, Standing::Attendee), (OLEG, Standing::Attendee)]
    {
        assert_eq!(town.titles(address), ["Plans"], "{address}");
        assert_eq!(town.item(address, "Plans").standing, standing);
    }
    for user in USERS {
        assert_eq!(town.id_of(user, "Plans"), id);
    }
    assert_eq!(town.mailed(), 0, "nobody said that they are to be told");
}

#[test]
fn rule_2_an_item_has_one_link_however_often_it_is_listed() {
    for kind in [Kind::Google, Kind::Exchange] {
        let town = Town::on_one(kind, &["anna", "vera"]);
        town.add_there(ANNA, &appointment("m1", "Plans", 5, Some(ANNA), &[VERA]));
        town.settle();
        let id = town.id_of("anna", "Plans");
        for _ in 0..2 {
            town.server(kind).expire_cursors();
            for account in ["anna", "vera"] {
                assert_eq!(town.run(account).counts(), [0, 0, 0], "{kind:?}");
            }
        }
        assert_eq!((town.count(), town.id_of("vera", "Plans")), (1, id));
        assert_eq!(
            (town.titles(ANNA), town.titles(VERA)),
            (vec!["Plans".to_owned()], vec!["Plans".to_owned()])
        );
    }
}

#[test]
fn rule_12_it_is_seen_by_those_who_take_part_or_have_it() {
    let town = Town::on_one(Kind::Google, &["anna", "vera", "oleg"]);
    town.add_there(ANNA, &appointment("m1", "Plans", 5, Some(ANNA), &[VERA]));
    town.add_there(OLEG, &appointment("o1", "Own", 6, None, &[]));
    town.run("anna");
    let sees = |user: &str| town.here(user).into_iter().map(|one| one.0).collect::<Vec<_>>();
    assert_eq!((sees("anna"), sees("vera")), (vec!["Plans".to_owned()], vec!["Plans".to_owned()]));
    assert_eq!(sees("oleg"), Vec::<String>::new());
    town.settle();
    assert_eq!(sees("oleg"), ["Own"]);
    assert_eq!((sees("anna"), sees("vera")), (vec!["Plans".to_owned()], vec!["Plans".to_owned()]));
}

#[test]
fn rule_4_and_7_the_organizers_word_reaches_all_and_an_attendees_edit_is_refused() {
    let town = Town::on_one(Kind::Google, &USERS);
    let id = town.make("anna", "Plans", "2026-03-05", &[VERA, OLEG]);
    town.settle();
    town.move_to("anna", id, Extent::Whole, "2026-03-06 14:00");
    town.settle();
    for address in [ANNA, VERA, OLEG] {
        assert_eq!(town.item(address, "Plans").activity.timing.start, Some(at(6, 14)));
    }
    let changes = ActivityChanges { title: Some("Mine".to_owned()), ..ActivityChanges::default() };
    let refused = town.try_edit("vera", id, Extent::Whole, changes).unwrap_err();
    assert!(refused.to_string().contains("organizer"), "{refused}");
    town.edit_there(ANNA, "Plans", |plans| plans.content.title = "Great plans".to_owned());
    town.settle();
    assert_eq!(town.says(id).content.title, "Great plans");
    assert_eq!((town.count(), town.mailed()), (1, 2), "the organizer's other client told both");
}

#[test]
fn rule_3_an_answer_and_a_reminder_are_ones_own() {
    let town = Town::on_one(Kind::Google, &USERS);
    let id = town.make("anna", "Plans", "2026-03-05", &[VERA, OLEG]);
    town.settle();
    town.respond("vera", id, Extent::Whole, Response::Accepted);
    let there = town.there(OLEG);
    there.respond(&town.item(OLEG, "Plans").key, None, Response::Declined).unwrap();
    town.settle();
    let answers = |address: &str| {
        let item = town.item(address, "Plans").activity;
        let of = |who: &str| {
            item.people.participants.iter().find(|one| one.person.is(who)).map(|one| one.response)
        };
        [of(VERA), of(OLEG)]
    };
    assert_eq!(answers(ANNA), [Some(Response::Accepted), Some(Response::Declined)]);
    assert_eq!(town.own("vera", id).response, Some(Response::Accepted));
    assert_eq!(town.own("oleg", id).response, Some(Response::Declined));
    let here = town.says(id).people.participants;
    assert_eq!(
        here.iter().map(|one| one.response).collect::<Vec<_>>(),
        [Response::Accepted, Response::Declined]
    );
    assert_eq!(town.mailed(), 1, "Oleg's own client told the organizer, and nobody else did");
}

#[test]
fn rule_6_who_stands_in_for_an_organizer_from_outside_goes_when_the_organizers_copy_comes() {
    let mut town = Town::new(&USERS);
    for user in ["vera", "oleg"] {
        town.account(user, user, &format!("{user}@example.org"), Kind::Google, "");
    }
    // Anna is on the same server, and in step with nothing here yet.
    let anna = town.server(Kind::Google).add_account(ANNA);
    let calendar = anna.own_collection(postrider_model::CollectionKind::Calendar).unwrap();
    let meeting = appointment("m1", "Plans", 5, Some(ANNA), &[VERA, OLEG]);
    anna.add_activity(&calendar, &meeting, &Default::default(), true).unwrap();
    town.settle();
    let id = town.id_of("vera", "Plans");
    assert_eq!((town.count(), town.stand_in(id).as_deref()), (1, Some("vera")));
    let changes = ActivityChanges { title: Some("Mine".to_owned()), ..ActivityChanges::default() };
    assert!(town.try_edit("vera", id, Extent::Whole, changes).is_err());
    town.account("anna", "anna", ANNA, Kind::Google, "");
    town.settle();
    assert_eq!((town.count(), town.stand_in(id)), (1, None));
    town.title("anna", id, "Great plans");
    town.settle();
    for address in [ANNA, VERA, OLEG] {
        assert_eq!(town.titles(address), ["Great plans"]);
    }
}

#[test]
fn rule_9_the_same_users_second_provider_has_a_plain_appointment() {
    let mut town = Town::on_one(Kind::Google, &["anna", "vera"]);
    town.account("second", "anna", "anna@second.example", Kind::Exchange, "");
    let id = town.make("anna", "Plans", "2026-03-05", &[VERA, OUTSIDE]);
    town.settle();
    assert_eq!(town.count(), 1);
    let plain = town.item("anna@second.example", "Plans").activity;
    assert!(plain.people.participants.is_empty(), "{plain:?}");
    assert!(plain.content.description.unwrap().contains(VERA));
    // What is scribbled into it does not count; what happens to the meeting happens to it.
    town.edit_there("anna@second.example", "Plans", |plain| plain.content.title = "Scribbled".to_owned());
    town.move_to("anna", id, Extent::Whole, "2026-03-06 14:00");
    town.settle();
    let plain = town.item("anna@second.example", "Plans").activity;
    assert_eq!((plain.timing.start, town.says(id).content.title.as_str()), (Some(at(6, 14)), "Plans"));
    assert_eq!((town.says(id).people.participants.len(), town.mailed()), (2, 0));
    town.delete_there("anna@second.example", "Plans");
    town.settle();
    assert!(!town.is_deleted(id));
    assert_eq!(town.titles(ANNA), ["Plans"]);
}

#[test]
fn rule_10_the_organizer_cancels_for_all_and_an_attendee_for_themselves() {
    for by_server in [false, true] {
        let town = Town::on_one(Kind::Google, &USERS);
        let id = town.make("anna", "Plans", "2026-03-05", &[VERA, OLEG]);
        town.settle();
        town.delete_there(VERA, "Plans");
        town.settle();
        assert_eq!(town.here("vera"), []);
        assert_eq!((town.id_of("oleg", "Plans"), town.says(id).content.status), (id, Status::Open));
        match by_server {
            true => town.there(ANNA).cancel(&town.item(ANNA, "Plans").key, None).unwrap(),
            false => drop(town.cancel("anna", id, Extent::Whole)),
        }
        town.settle();
        assert_eq!(town.says(id).content.status, Status::Cancelled, "by the server {by_server}");
        for address in [ANNA, VERA, OLEG] {
            assert_eq!(town.titles(address), Vec::<String>::new());
        }
    }
}

#[test]
fn rule_10_what_is_hidden_comes_back_with_a_new_invitation() {
    let town = Town::on_one(Kind::Exchange, &["anna", "vera"]);
    let meeting = appointment("m1", "Plans", 5, Some(ANNA), &[VERA]);
    town.add_there(ANNA, &meeting);
    town.settle();
    let id = town.id_of("vera", "Plans");
    town.delete_there(VERA, "Plans");
    town.settle();
    assert_eq!(town.here("vera"), []);
    town.edit_there(ANNA, "Plans", |plans| plans.timing.end = Some(at(5, 12)));
    town.settle();
    assert_eq!(town.id_of("vera", "Plans"), id);
    assert_eq!(town.count(), 1);
}

/// Of each change whether those who take part are to hear of it: how often people were mailed by then.
#[test]
fn i9_people_hear_of_a_persons_own_change_where_that_person_says_so_and_once() {
    for kind in [Kind::Google, Kind::Exchange] {
        let town = Town::on_one(kind, &USERS);
        let mut mailed = 0;
        let mut hear = |town: &Town, more: usize, what: &str| {
            town.settle();
            mailed += more;
            assert_eq!(town.mailed(), mailed, "{kind:?}: {what}");
        };
        let id = town.make_telling("anna", "Plans", "2026-03-05", &[VERA, OUTSIDE]);
        let server = town.server(kind);
        let announce = |town: &Town, who: &str| server.announce(who, &town.says(id).uid);
        announce(&town, ANNA);
        hear(&town, 2, "an invitation each");
        town.title("anna", id, "Great plans");
        hear(&town, 0, "a change that nobody is to hear of");
        announce(&town, ANNA);
        town.edit_telling("anna", id, place("Hall"));
        // Their own client changes another thing meanwhile: what is decided again is told once.
        town.edit_there(ANNA, "Great plans", |plans| plans.timing.end = Some(at(5, 12)));
        hear(&town, 4, "two by the other client, two by this change");
        let calendar = town.there(VERA);
        let key = town.item(VERA, "Great plans").key;
        calendar.respond(&key, None, Response::Tentative).unwrap();
        hear(&town, 1, "her own client's reply");
        announce(&town, VERA);
        town.respond_telling("vera", id, Response::Accepted);
        hear(&town, 1, "a reply");
        town.respond("vera", id, Extent::Whole, Response::Declined);
        hear(&town, 0, "an answer that the organizer is not to be mailed of");
        announce(&town, ANNA);
        town.cancel_telling("anna", id);
        hear(&town, 2, "a cancellation each");
        assert_eq!(town.says(id).content.status, Status::Cancelled);
    }
}

#[test]
fn i9_a_lost_answer_and_a_refused_write_tell_nobody_twice() {
    use postrider_fake::{Trigger, groupware::Trouble};
    for kind in [Kind::Google, Kind::Exchange] {
        for trouble in [Trouble::LoseAnswer, Trouble::Unavailable] {
            for nth in 1..=3 {
                let town = Town::on_one(kind, &["anna", "vera"]);
                let id = town.make_telling("anna", "Plans", "2026-03-05", &[VERA]);
                let server = town.server(kind);
                server.announce(ANNA, &town.says(id).uid);
                if nth > 1 {
                    town.settle();
                    server.announce(ANNA, &town.says(id).uid);
                    town.edit_telling("anna", id, place("Hall"));
                }
                if nth > 2 {
                    town.settle();
                    server.announce(ANNA, &town.says(id).uid);
                    town.cancel_telling("anna", id);
                }
                server.take_steps();
                server.trouble(None, Trigger::Every("calendars.apply"), trouble.clone());
                town.try_run("anna");
                town.try_run("anna");
                server.end_troubles();
                town.settle();
                assert_eq!(town.mailed(), nth, "{kind:?}, {trouble:?}, write {nth}");
            }
        }
    }
}

fn place(place: &str) -> ActivityChanges {
    ActivityChanges { place: Some(place.to_owned()), ..ActivityChanges::default() }
}

#[test]
fn i9_what_was_made_without_an_answer_has_used_up_the_word() {
    use postrider_fake::{Trigger, groupware::Trouble};
    for kind in [Kind::Google, Kind::Exchange] {
        let town = Town::on_one(kind, &["anna", "vera"]);
        let id = town.make_telling("anna", "Plans", "2026-03-05", &[VERA]);
        let server = town.server(kind);
        server.announce(ANNA, &town.says(id).uid);
        server.trouble(None, Trigger::Every("calendars.apply"), Trouble::LoseAnswer);
        town.try_run("anna");
        server.end_troubles();
        // Of this nobody is to hear.
        town.edit("anna", id, place("Hall"));
        town.settle();
        assert_eq!((town.mailed(), town.count()), (1, 1), "{kind:?}");
        assert_eq!(town.item(ANNA, "Plans").activity.content.place.as_deref(), Some("Hall"));
    }
}

#[test]
fn i9_what_was_changed_without_an_answer_has_used_up_the_word() {
    use postrider_fake::{Trigger, groupware::Trouble};
    for kind in [Kind::Google, Kind::Exchange] {
        for trouble in [Trouble::LoseAnswer, Trouble::Unavailable] {
            let town = Town::on_one(kind, &["anna", "vera"]);
            let id = town.make("anna", "Plans", "2026-03-05", &[VERA]);
            town.settle();
            let server = town.server(kind);
            server.announce(ANNA, &town.says(id).uid);
            town.edit_telling("anna", id, place("Hall"));
            server.trouble(None, Trigger::Every("calendars.apply"), trouble.clone());
            town.try_run("anna");
            server.end_troubles();
            // Of this alone nobody is to hear; what was surely not done tells them of both.
            town.edit("anna", id, place("Garden"));
            town.settle();
            assert_eq!(town.mailed(), 1, "{kind:?}, {trouble:?}");
            let there = town.item(ANNA, "Plans").activity.content.place;
            assert_eq!(there.as_deref(), Some("Garden"), "{kind:?}, {trouble:?}");
        }
    }
}

/// Without the organizer's copy an attendee's is the one that speaks.
#[test]
fn rule_4_an_attendees_copy_of_what_is_being_made_takes_nothing_back() {
    use postrider_fake::{Trigger, groupware::Trouble};
    for kind in [Kind::Google, Kind::Exchange] {
        let town = Town::on_one(kind, &["anna", "vera"]);
        town.settle();
        let id = town.make_telling("anna", "Plans", "2026-03-05", &[VERA]);
        let server = town.server(kind);
        server.announce(ANNA, &town.says(id).uid);
        server.trouble(Some(ANNA), Trigger::Every("calendars.apply"), Trouble::LoseAnswer);
        town.try_run("anna");
        server.end_troubles();
        town.edit("anna", id, place("Hall"));
        town.run("vera");
        assert_eq!(town.says(id).content.place.as_deref(), Some("Hall"), "{kind:?}");
        town.settle();
        assert_eq!(town.titles(VERA), ["Plans"]);
        assert_eq!(town.item(ANNA, "Plans").activity.content.place.as_deref(), Some("Hall"));
    }
}

#[test]
fn rule_8_nothing_is_made_in_a_calendar_that_could_not_be_read() {
    use postrider_fake::{Trigger, groupware::Trouble};
    for kind in [Kind::Google, Kind::Exchange] {
        let town = Town::on_one(kind, &["anna", "vera"]);
        town.add_there(ANNA, &appointment("m1", "Plans", 5, Some(ANNA), &[VERA]));
        town.run("vera");
        town.delete_there(VERA, "Plans");
        town.run("vera");
        let server = town.server(kind);
        server.trouble(Some(ANNA), Trigger::Every("calendars.page"), Trouble::Unavailable);
        town.try_run("anna");
        server.end_troubles();
        town.is_lawful();
        assert_eq!(town.titles(ANNA), ["Plans"], "{kind:?}");
        town.settle();
        assert_eq!((town.titles(ANNA), town.count()), (vec!["Plans".to_owned()], 1));
    }
}

/// A server draws a uid of its own, and an attendee's copy comes in before anybody heard of it.
#[test]
fn rule_1_a_copy_of_what_is_being_made_waits_until_it_is_known() {
    use postrider_fake::{Trigger, groupware::Trouble};
    let town = Town::on_one(Kind::Google, &["anna", "vera"]);
    town.settle();
    let id = town.make("anna", "Plans", "2026-03-05", &[VERA]);
    let server = town.server(Kind::Google);
    server.trouble(Some(ANNA), Trigger::Every("calendars.apply"), Trouble::LoseAnswer);
    town.try_run("anna");
    server.end_troubles();
    town.run("vera");
    assert_eq!(town.titles(VERA), ["Plans"], "it is there");
    town.settle();
    assert_eq!((town.count(), town.id_of("vera", "Plans")), (1, id));
}

#[test]
fn rule_3_an_answer_that_was_given_before_the_copy_was_linked_is_sent() {
    let town = Town::on_one(Kind::Google, &["anna", "vera"]);
    let id = town.make("anna", "Plans", "2026-03-05", &[VERA]);
    town.run("anna");
    town.respond("vera", id, Extent::Whole, Response::Accepted);
    town.settle();
    assert_eq!(town.item(VERA, "Plans").own.response, Some(Response::Accepted));
    assert_eq!(town.says(id).people.participants[0].response, Response::Accepted);
}

#[test]
fn rule_10_what_is_called_off_here_is_called_off_though_it_was_edited_there() {
    for kind in [Kind::Google, Kind::Exchange] {
        let town = Town::on_one(kind, &["anna", "vera"]);
        town.add_there(ANNA, &appointment("m1", "Plans", 5, Some(ANNA), &[VERA]));
        town.settle();
        let id = town.id_of("anna", "Plans");
        town.cancel("anna", id, Extent::Whole);
        town.edit_there(ANNA, "Plans", |plans| plans.content.place = Some("Hall".to_owned()));
        town.settle();
        assert_eq!(town.titles(ANNA), Vec::<String>::new(), "{kind:?}");
        assert_eq!(town.says(id).content.status, Status::Cancelled);
    }
}

/// Whoever moves it, and whether its server's answer comes or is lost: what it says then of the guests is so here too.
#[test]
fn rule_4_at_another_time_nobody_has_answered_where_the_organizers_server_says_so() {
    use postrider_fake::{Trigger, groupware::Trouble};
    for how in ["here", "here, and the answer is lost", "there"] {
        let town = Town::on_one(Kind::Exchange, &["anna", "vera"]);
        let server = town.server(Kind::Exchange);
        let id = town.make_telling("anna", "Plans", "2026-03-05", &[VERA]);
        let uid = town.says(id).uid;
        server.announce(ANNA, &uid);
        town.settle();
        town.respond_telling("vera", id, Response::Accepted);
        server.announce(VERA, &uid);
        town.settle();
        let answer = || town.says(id).people.participants[0].response;
        assert_eq!(answer(), Response::Accepted);
        match how {
            "there" => town.edit_there(ANNA, "Plans", |plans| {
                (plans.timing.start, plans.timing.end) = (Some(at(5, 14)), Some(at(5, 15)));
            }),
            _ => drop(town.move_to("anna", id, Extent::Whole, "2026-03-05 14:00")),
        }
        if how.contains("lost") {
            server.trouble(Some(ANNA), Trigger::Every("calendars.apply"), Trouble::LoseAnswer);
            town.try_run("anna");
            server.end_troubles();
        }
        town.settle();
        assert_eq!((answer(), town.says(id).timing.start), (Response::NeedsAction, Some(at(5, 14))), "{how}");
    }
}
