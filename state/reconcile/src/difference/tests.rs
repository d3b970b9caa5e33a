use proptest::prelude::*;

use super::*;

fn point(text: &str) -> Point {
    let (text, label) = text.split_once('#').unwrap_or((text, ""));
    let (value, types) = text.split_once('/').unwrap_or((text, ""));
    let (types, is_preferred) = types.strip_suffix('!').map_or((types, false), |types| (types, true));
    Point {
        value: value.to_owned(),
        of: Purpose {
            types: types.split(',').filter(|one| !one.is_empty()).map(str::to_owned).collect(),
            label: (!label.is_empty()).then(|| label.to_owned()),
            is_preferred,
        },
    }
}

fn points(text: &str) -> Vec<Point> {
    text.split_whitespace().map(point).collect()
}

#[test]
fn a_list_takes_over_what_changed_entry_by_entry() {
    // A point is `value/types#label`, `!` behind the types where it is preferred.
    let table = [
        // was, is, onto, becomes
        ("", "a@x", "", "a@x"),
        ("a@x", "a@x b@x", "a@x", "a@x b@x"),
        ("a@x", "", "a@x", ""),
        ("a@x b@x", "b@x", "a@x b@x", "b@x"),
        // What the server never had stays where it stands.
        ("b@x", "b@x c@x", "a@x b@x", "a@x b@x c@x"),
        ("a@x", "a@x c@x", "a@x b@x", "a@x b@x c@x"),
        ("a@x", "", "a@x b@x", "b@x"),
        ("a@x c@x", "c@x", "a@x b@x c@x", "b@x c@x"),
        ("a@x c@x", "a@x", "a@x b@x c@x", "a@x b@x"),
        ("", "b@x", "a@x", "a@x b@x"),
        // The server's order, where it changed something.
        ("a@x b@x", "b@x a@x", "a@x b@x", "b@x a@x"),
        ("a@x b@x", "b@x a@x", "a@x own@x b@x", "b@x a@x own@x"),
        // What was removed here stays away.
        ("a@x b@x", "a@x b@x c@x", "a@x", "a@x c@x"),
        ("a@x b@x", "a@x b@x/home", "a@x", "a@x"),
        // Parts of an entry change apart.
        ("a@x/home", "a@x/work", "a@x/home#Lab", "a@x/work#Lab"),
        ("a@x/home", "a@x/home!", "a@x/home#Lab", "a@x/home!#Lab"),
        ("a@x/home,work", "a@x/home", "a@x/cell,home,work", "a@x/cell,home"),
        ("a@x/home", "a@x/cell,home", "a@x/home,work", "a@x/cell,home,work"),
        ("a@x/home", "a@x/home!", "a@x/work", "a@x/work!"),
        ("a@x/home,work", "a@x/home,pager", "a@x/home", "a@x/home,pager"),
        // The only one of its purpose is the same one with another value.
        ("1/home 2/work", "3/home 2/work", "1/home#Lab 2/work", "3/home#Lab 2/work"),
        ("1/home 2/work", "1/home 3/work", "1/home 2/work#Lab", "1/home 3/work#Lab"),
        ("1/home 2/work", "3/home 4/work", "1/home#Lab 2/work", "3/home#Lab 4/work"),
        ("1/home 2/work", "4/work 3/home", "1/home#Lab 2/work", "4/work 3/home#Lab"),
        ("1/home 2/home", "3/home 2/home", "1/home 2/home 9/home", "3/home 2/home 9/home"),
        // A server writes numbers in its own way.
        ("+7(495)12", "", "+7-495-12", ""),
        ("+7(495)12", "+7(495)13", "+7-495-12", "+7(495)13"),
        ("+7(495)12/home", "+7(495)12/work", "+7-495-12/home", "+7-495-12/work"),
        ("+7(495)12 +7(495)13", "+7(495)13", "+7-495-12 +7-495-13", "+7-495-13"),
        ("tel:+749512 tel:+749513", "tel:+749513", "749512 749513", "749513"),
        ("a.b@x ab@x", "ab@x", "own a.b@x ab@x", "own ab@x"),
        ("tel:+749512", "", "749512", ""),
        ("mailto:A@x", "", "a@X", ""),
        // Rewritten beyond recognition, the only one left is it.
        ("rewritten", "", "own", ""),
        ("rewritten", "again", "own", "again"),
        ("rewritten", "", "own other", "own other"),
        ("rewritten twice", "", "own", "own"),
        // Both came to have it by themselves.
        ("", "a@x", "A@X", "a@x"),
        ("", "a@x/home", "b@x a@x#Lab", "b@x a@x/home#Lab"),
        ("", "a@x a@x", "a@x", "a@x a@x"),
        // Twins.
        ("a@x a@x", "a@x", "a@x a@x own@x", "a@x own@x"),
        ("a@x/home a@x/work", "a@x/work", "a@x/home a@x/work own@x", "a@x/work own@x"),
        ("a@x/work a@x/home", "a@x/home", "a@x/home own@x a@x/work", "a@x/home own@x"),
    ];
    for (was, is, onto, becomes) in table {
        assert_eq!(
            Difference::apply(&points(was), &points(is), &points(onto)),
            points(becomes),
            "from `{was}` to `{is}` onto `{onto}`"
        );
    }
}

#[test]
fn an_address_that_changed_keeps_what_the_server_has_no_place_for() {
    let address = |street: &str, post_box: &str, types: &[&str]| PostalAddress {
        street: street.to_owned(),
        post_box: post_box.to_owned(),
        of: Purpose { types: types.iter().map(|one| (*one).to_owned()).collect(), ..Purpose::default() },
        ..PostalAddress::default()
    };
    let was = vec![address("Low 1", "", &["home"])];
    let is = vec![address("High 2", "", &["home"])];
    let onto = vec![address("Low 1", "77", &["home"])];
    assert_eq!(Difference::apply(&was, &is, &onto), vec![address("High 2", "77", &["home"])]);
    let (work, works) =
        (|box_of| address("Top 3", box_of, &["work"]), |street| address(street, "", &["work"]));
    let two = Difference::apply(
        &vec![was[0].clone(), work("")],
        &vec![is[0].clone(), works("Top 4")],
        &vec![onto[0].clone(), work("78")],
    );
    assert_eq!(two, vec![address("High 2", "77", &["home"]), address("Top 4", "78", &["work"])]);
    let moved = vec![address("High 2", "", &["work"])];
    assert_eq!(Difference::apply(&was, &moved, &onto), vec![address("High 2", "", &["work"])]);
}

#[test]
fn a_day_is_known_by_its_date_and_by_its_label() {
    let day = |day, label: &str| LabelledDate {
        date: PartialDate { day: Some(day), ..PartialDate::default() },
        label: (!label.is_empty()).then(|| label.to_owned()),
    };
    let was = vec![day(1, "met"), day(2, "left")];
    let onto = vec![day(1, "met"), day(9, "own"), day(2, "left")];
    let redated = vec![day(1, "met"), day(3, "left")];
    assert_eq!(Difference::apply(&was, &redated, &onto), vec![day(1, "met"), day(9, "own"), day(3, "left")]);
    let redated = vec![day(3, "met"), day(4, "left")];
    assert_eq!(Difference::apply(&was, &redated, &onto), vec![day(3, "met"), day(9, "own"), day(4, "left")]);
    let renamed = vec![day(1, "seen"), day(2, "gone")];
    assert_eq!(Difference::apply(&was, &renamed, &onto), vec![day(1, "seen"), day(9, "own"), day(2, "gone")]);
    let both = Difference::apply(&was, &vec![day(2, "gone"), day(1, "seen")], &onto);
    assert_eq!(both, vec![day(2, "gone"), day(1, "seen"), day(9, "own")]);
    let renamed = vec![day(1, "seen"), day(2, "left")];
    assert_eq!(Difference::apply(&was, &renamed, &onto), vec![day(1, "seen"), day(9, "own"), day(2, "left")]);
}

#[test]
fn reminders_and_moments_are_what_they_are() {
    let reminder = |seconds| Reminder {
        at: postrider_model::ReminderTime::BeforeStart(seconds),
        by: postrider_model::ReminderBy::Display,
    };
    let (was, is, onto) = (vec![reminder(1)], vec![reminder(2)], vec![reminder(1), reminder(3)]);
    assert_eq!(Difference::apply(&was, &is, &onto), vec![reminder(3), reminder(2)]);
    assert_eq!(Difference::apply(&vec![], &is, &is.clone()), is);
    assert_eq!(
        Difference::apply(&vec![], &vec![reminder(2), reminder(4)], &is),
        vec![reminder(2), reminder(4)]
    );
    assert!(!Difference::contradict(&was, &is));
    assert_eq!(Reminder::apply(&reminder(1), &reminder(1), &reminder(5)), reminder(5));
    assert_eq!(Reminder::apply(&reminder(1), &reminder(2), &reminder(5)), reminder(2));
    let moment = |day| Moment::Day(chrono::NaiveDate::from_ymd_opt(2026, 1, day).unwrap());
    let (was, is, onto) = (vec![moment(1)], vec![moment(1), moment(2)], vec![moment(1), moment(3)]);
    assert_eq!(Difference::apply(&was, &is, &onto), vec![moment(1), moment(3), moment(2)]);
    assert_eq!(Difference::apply(&vec![], &is, &vec![moment(2)]), vec![moment(1), moment(2)]);
}

#[test]
fn two_values_contradict_each_other_where_both_say_something_else() {
    let text = |text: &str| text.to_owned();
    assert!(Difference::contradict(&text("a"), &text("b")));
    for (one, other) in [("a", "a"), ("", "b"), ("a", ""), ("", "")] {
        assert!(!Difference::contradict(&text(one), &text(other)), "{one:?}, {other:?}");
    }
    let name = |family: &str, given: &str| PersonName {
        family: text(family),
        given: text(given),
        ..PersonName::default()
    };
    assert!(!Difference::contradict(&name("Orlova", ""), &name("", "Vera")));
    assert!(Difference::contradict(&name("Orlova", "V"), &name("", "Vera")));
    for (one, other, contradict) in [
        ("a@x", "b@x", false),
        ("a@x/home", "a@x/work", true),
        ("a@x/home", "a@x/home,work", false),
        ("a@x/home,work", "a@x/cell,work", false),
        ("a@x", "a@x/work", false),
        ("a@x/home", "a@x/home!", false),
        ("a@x/home", "a@x/home b@x/home", false),
        ("b@x a@x#one", "a@x#two", true),
        ("1/home", "2/home", false),
        ("a@x a@x/home", "a@x a@x/home", false),
    ] {
        assert_eq!(Difference::contradict(&points(one), &points(other)), contradict, "{one}, {other}");
        assert_eq!(Difference::contradict(&points(other), &points(one)), contradict, "{other}, {one}");
    }
}

#[test]
fn a_point_adds_what_the_other_does_not_say() {
    let table = [
        // it, the other, whether it adds
        ("a@x", "a@x", false),
        ("a@x", "", true),
        ("", "a@x", false),
        ("a@x/home", "a@x", true),
        ("a@x", "a@x/home", false),
        ("a@x/home", "a@x/home", false),
        ("a@x/home,work", "a@x/home", true),
        ("a@x/home", "a@x/home,work", false),
        ("a@x#Lab", "a@x", true),
        ("a@x", "a@x#Lab", false),
        ("a@x#Lab", "a@x#Lab", false),
        ("a@x/!", "a@x", true),
        ("a@x", "a@x/!", false),
        ("a@x/!", "a@x/!", false),
    ];
    for (is, to, adds) in table {
        assert_eq!(Difference::adds(&point(is), &point(to)), adds, "{is} to {to}");
    }
}

fn any_points() -> impl Strategy<Value = Vec<Point>> {
    prop::collection::vec("[ab1]{1,2}(/home|/work|/home!)?(#[xy])?", 0..6)
        .prop_map(|all| all.iter().map(|one| point(one)).collect())
}

proptest! {
    #[test]
    fn a_difference_of_nothing_changes_nothing(was in any_points(), onto in any_points()) {
        prop_assert_eq!(Difference::apply(&was, &was, &onto), onto);
    }

    #[test]
    fn onto_what_it_was_a_difference_is_what_it_became(was in any_points(), is in any_points()) {
        prop_assert_eq!(Difference::apply(&was, &is, &was), is);
    }

    #[test]
    fn a_difference_that_is_there_already_changes_nothing(was in any_points(), is in any_points()) {
        prop_assert_eq!(Difference::apply(&was, &is, &is), is);
    }

    #[test]
    fn what_the_other_side_never_had_stays(
        was in any_points(),
        is in any_points(),
        own in prop::collection::btree_set("[a-z]{1}", 0..4),
        places in prop::collection::vec(0..8usize, 4),
    ) {
        let own: Vec<Point> = own.iter().map(|name| point(&format!("own-{name}@x/own"))).collect();
        let mut onto = was.clone();
        for (one, place) in own.iter().zip(places) {
            onto.insert(place.min(onto.len()), one.clone());
        }
        let becomes = Difference::apply(&was, &is, &onto);
        let (kept, others): (Vec<_>, Vec<_>) = becomes.into_iter().partition(|one| one.value.starts_with("own-"));
        prop_assert_eq!(kept.len(), own.len());
        for one in &own {
            prop_assert!(kept.contains(one));
        }
        prop_assert_eq!(others, is);
    }

    #[test]
    fn no_entry_is_lost_but_what_was_removed(
        was in any_points(),
        is in any_points(),
        onto in any_points(),
    ) {
        let becomes = Difference::apply(&was, &is, &onto);
        let removed = was.len().saturating_sub(is.len());
        prop_assert!(becomes.len() + was.len() >= onto.len());
        prop_assert!(becomes.len() <= is.len() + onto.len());
        if was.is_empty() {
            prop_assert!(becomes.len() >= onto.len().max(is.len()), "removed {}", removed);
        }
    }
}
