use postrider_model::{
    LabelledDate, Organization, PartialDate, PersonName, Photo, Point, PostalAddress, Purpose, Timestamp,
};
use proptest::prelude::*;

use super::*;
use crate::merge::{Changed, Outcome, Side};

fn all() -> BTreeSet<ContactField> {
    ContactField::ALL.into()
}

fn times(here: i64, there: i64) -> Times<FieldGroup> {
    let at = |time| Changed::at(Some(Timestamp(time)));
    Times { here: at(here), there: at(there), ahead_ms: 0 }
}

fn vera() -> Contact {
    Contact {
        display_name: "Vera Orlova".to_owned(),
        emails: vec![email("vera@example.com")],
        notes: vec!["met in May".to_owned()],
        ..Contact::default()
    }
}

fn email(value: &str) -> Point {
    Point { value: value.to_owned(), of: Purpose::default() }
}

#[test]
fn edits_of_different_sides_meet_and_the_later_one_wins() {
    let base = vera();
    let here = Contact { job_title: Some("baker".to_owned()), ..vera() };
    let there = Contact { emails: vec![email("orlova@example.com")], ..vera() };
    let sides = |here, there| Sides { agreed: &base, image: &base, here, there };
    let merged = merge_contact(sides(&base, &there), &times(9, 1), &all());
    assert_eq!((&merged.here, merged.conflicts()), (&there, 0));
    assert!(!merged.writes(Side::There, sides(&base, &there)));
    let merged = merge_contact(sides(&here, &base), &times(1, 9), &all());
    assert_eq!((&merged.there, merged.conflicts()), (&here, 0));
    for (when, winner, expected) in [(times(2, 1), Side::Here, &here), (times(1, 1), Side::There, &there)] {
        let merged = merge_contact(sides(&here, &there), &when, &all());
        assert_eq!((&merged.here, &merged.there), (expected, expected));
        assert_eq!(merged.groups[&FieldGroup::Content], Outcome::Won(winner));
        assert_eq!(merged.losers(), BTreeSet::from([winner.other()]));
    }
}

#[test]
fn a_change_is_an_edit_of_what_the_server_can_hold() {
    let is = Contact { job_title: Some("baker".to_owned()), ..vera() };
    assert_eq!(change_of(&vera(), &vera(), &all()), Change::None);
    assert_eq!(change_of(&vera(), &is, &all()), Change::Edited);
    assert_eq!(change_of(&vera(), &is, &[ContactField::Emails].into()), Change::None);
}

#[test]
fn equal_edits_are_no_conflict() {
    let (base, edited) = (vera(), Contact { job_title: Some("baker".to_owned()), ..vera() });
    let sides = Sides { agreed: &base, image: &base, here: &edited, there: &edited };
    let merged = merge_contact(sides, &times(1, 2), &all());
    assert_eq!((merged.conflicts(), &merged.here, &merged.there), (0, &edited, &edited));
    assert!(!merged.writes(Side::Here, sides) && !merged.writes(Side::There, sides));
}

#[test]
fn a_side_that_knows_fewer_fields_erases_none() {
    let holds = BTreeSet::from([ContactField::DisplayName, ContactField::Emails]);
    let here = Contact { emails: vec![email("vera@example.com"), email("own@example.com")], ..vera() };
    // The server has no place for notes, and none for a second address.
    let image = Contact { notes: Vec::new(), emails: vec![email("vera@example.com")], ..here.clone() };
    let there = Contact { emails: vec![email("new@example.com")], ..image.clone() };
    let becomes = apply_difference(&image, &there, &here, &holds);
    assert_eq!(becomes.notes, here.notes);
    assert_eq!(becomes.emails, vec![email("new@example.com"), email("own@example.com")]);
    let merged = merge_contact(
        Sides { agreed: &here, image: &image, here: &here, there: &there },
        &times(1, 2),
        &holds,
    );
    assert_eq!(merged.here, becomes);
    let edited = Contact { notes: vec!["other".to_owned()], ..here.clone() };
    let sides = Sides { agreed: &here, image: &image, here: &edited, there: &image };
    let merged = merge_contact(sides, &times(1, 2), &holds);
    assert!(merged.groups.is_empty() && !merged.writes(Side::There, sides));
}

#[test]
fn without_a_known_base_nothing_here_is_erased() {
    let holds: BTreeSet<_> = [ContactField::DisplayName, ContactField::Emails].into();
    let here = Contact {
        uid: Some("u1".to_owned()),
        emails: vec![email("vera@example.com"), email("own@example.com")],
        ..vera()
    };
    let image = Contact {
        emails: vec![email("vera@example.com")],
        display_name: "Vera Orlova".to_owned(),
        ..Contact::default()
    };
    let base = assumed_base(&image, &here, &holds);
    assert_eq!(base, Contact { emails: image.emails.clone(), ..here.clone() });
    let sides = Sides { agreed: &base, image: &image, here: &here, there: &image };
    let merged = merge_contact(sides, &times(1, 2), &holds);
    assert_eq!((merged.here, &merged.there.emails), (here.clone(), &here.emails));
}

#[test]
fn at_a_first_meeting_both_are_filled() {
    let here = Contact { uid: None, ..vera() };
    let there = Contact {
        uid: Some("u2".to_owned()),
        display_name: "Vera Orlova".to_owned(),
        emails: vec![email("orlova@example.com"), email("VERA@example.com")],
        job_title: Some("baker".to_owned()),
        ..Contact::default()
    };
    let merged = meet_contact(&here, &there, &times(1, 2), &all());
    assert_eq!(merged.here.uid.as_deref(), Some("u2"));
    assert_eq!(merged.here.notes, here.notes);
    assert_eq!(merged.there.notes, here.notes);
    assert_eq!(merged.here.emails, there.emails);
    assert_eq!(merged.here.job_title, there.job_title);
    assert_eq!(merged.conflicts(), 1, "one address was written in another way");
    let kept = Contact { uid: Some("u1".to_owned()), ..here };
    assert_eq!(meet_contact(&kept, &there, &times(1, 2), &all()).here.uid.as_deref(), Some("u1"));
}

#[test]
fn a_contact_keeps_its_uid() {
    let with = |uid: Option<&str>| Contact { uid: uid.map(str::to_owned), ..vera() };
    for (here, there, becomes) in
        [(Some("h"), Some("t"), Some("h")), (None, Some("t"), Some("t")), (Some("h"), None, Some("h"))]
    {
        let (base, here, there) = (vera(), with(here), with(there));
        let sides = Sides { agreed: &base, image: &base, here: &here, there: &there };
        let merged = merge_contact(sides, &times(1, 2), &all());
        assert_eq!(merged.here.uid.as_deref(), becomes);
        assert_eq!(merged.there.uid, there.uid);
    }
}

#[test]
fn each_membership_takes_the_side_that_changed_it() {
    let set = |names: &str| -> BTreeSet<char> { names.chars().collect() };
    let table = [
        // base, here, there, merged
        ("", "", "", ""),
        ("", "a", "", "a"),
        ("", "", "a", "a"),
        ("a", "", "a", ""),
        ("a", "a", "", ""),
        ("a", "", "", ""),
        ("", "a", "b", "ab"),
        ("ab", "b", "ac", "c"),
        ("a", "ab", "ac", "abc"),
    ];
    for (base, here, there, merged) in table {
        assert_eq!(
            merge_memberships(&set(base), &set(here), &set(there)),
            set(merged),
            "base {base:?}, here {here:?}, there {there:?}"
        );
    }
}

/// A contact with something in every field.
fn full(text: &str) -> Contact {
    let text = || text.to_owned();
    let list = || vec![text()];
    let points = || vec![Point { value: text(), of: Purpose { label: Some(text()), ..Purpose::default() } }];
    let date = || Some(PartialDate { year: u16::try_from(text().len()).ok(), ..PartialDate::default() });
    Contact {
        uid: None,
        display_name: text(),
        name: PersonName {
            family: text(),
            given: text(),
            additional: text(),
            prefix: text(),
            suffix: text(),
        },
        nicknames: list(),
        organization: Organization { name: text(), units: list() },
        job_title: Some(text()),
        role: Some(text()),
        emails: points(),
        phones: points(),
        messengers: points(),
        pages: points(),
        addresses: vec![PostalAddress { street: text(), ..PostalAddress::default() }],
        birthday: date(),
        anniversary: date(),
        other_dates: vec![LabelledDate { date: date().unwrap_or_default(), label: Some(text()) }],
        notes: list(),
        photo: Some(Photo::Uri(text())),
        categories: list(),
    }
}

#[test]
fn a_field_is_taken_where_the_server_can_hold_it_and_nowhere_else() {
    let (was, is) = (full("x"), full("other"));
    let changed = |field: ContactField| apply_difference(&was, &is, &was, &BTreeSet::from([field]));
    for field in ContactField::ALL {
        let becomes = changed(field);
        assert_ne!(becomes, was, "{field:?}");
        let others = ContactField::ALL.into_iter().filter(|other| *other != field).collect();
        // What one field brings and all others bring has nothing in common.
        assert_eq!(apply_difference(&was, &is, &becomes, &others), is, "{field:?}");
        assert_eq!(apply_difference(&is, &was, &becomes, &BTreeSet::from([field])), was, "{field:?}");
    }
}

fn any_text() -> impl Strategy<Value = String> {
    "[ab]{0,2}"
}

fn any_points() -> impl Strategy<Value = Vec<Point>> {
    let one = ("[ab1]{1,2}", prop::option::of("[xy]"), prop::collection::btree_set("home|work", 0..3));
    let point = one.prop_map(|(value, label, types)| Point {
        value,
        of: Purpose { types: types.into_iter().collect(), label, is_preferred: false },
    });
    prop::collection::vec(point, 0..4)
}

prop_compose! {
    fn any_contact()(
        display_name in any_text(),
        family in any_text(),
        given in any_text(),
        emails in any_points(),
        phones in any_points(),
        notes in prop::collection::vec(any_text(), 0..3),
        categories in prop::collection::vec("[abc]", 0..3),
        job_title in prop::option::of(any_text()),
        organization in any_text(),
    ) -> Contact {
        Contact {
            display_name,
            name: PersonName { family, given, ..PersonName::default() },
            emails,
            phones,
            notes,
            categories,
            job_title,
            organization: Organization { name: organization, units: Vec::new() },
            ..Contact::default()
        }
    }
}

fn any_holds() -> impl Strategy<Value = BTreeSet<ContactField>> {
    prop::sample::subsequence(ContactField::ALL.to_vec(), 0..=ContactField::ALL.len())
        .prop_map(|fields| fields.into_iter().collect())
}

proptest! {
    #[test]
    fn no_difference_changes_nothing(was in any_contact(), here in any_contact(), holds in any_holds()) {
        prop_assert_eq!(apply_difference(&was, &was, &here, &holds), here);
    }

    #[test]
    fn onto_the_base_a_difference_gives_the_new_image(was in any_contact(), is in any_contact()) {
        prop_assert_eq!(apply_difference(&was, &is, &was, &all()), is);
    }

    #[test]
    fn a_field_that_the_server_cannot_hold_never_changes(
        [agreed, image, here, there] in [any_contact(), any_contact(), any_contact(), any_contact()],
        holds in any_holds(),
        when in 0..3i64,
    ) {
        let cannot: BTreeSet<_> = all().difference(&holds).copied().collect();
        let merged = merge_contact(Sides { agreed: &agreed, image: &image, here: &here, there: &there }, &times(1, when), &holds);
        prop_assert_eq!(Contact::overlay(&here, &merged.here, &cannot), merged.here);
        prop_assert_eq!(Contact::overlay(&there, &merged.there, &cannot), merged.there);
        let met = meet_contact(&here, &there, &times(1, when), &holds);
        prop_assert_eq!(Contact::overlay(&here, &met.here, &cannot), met.here);
        prop_assert_eq!(Contact::overlay(&there, &met.there, &cannot), met.there);
    }

    #[test]
    fn both_sides_agree_afterwards_and_the_next_run_is_still(
        [base, here, there] in [any_contact(), any_contact(), any_contact()],
        holds in any_holds(),
        when in 0..3i64,
    ) {
        let image = Contact::overlay(&base, &Contact::default(), &holds);
        let merged = merge_contact(Sides { agreed: &base, image: &image, here: &here, there: &there }, &times(1, when), &holds);
        prop_assert!(!Contact::differ(&merged.here, &merged.there, &holds));
        let again = Sides { agreed: &merged.here, image: &merged.there, here: &merged.here, there: &merged.there };
        let still = merge_contact(again, &times(1, when), &holds);
        prop_assert!(still.groups.is_empty() && !still.writes(Side::Here, again) && !still.writes(Side::There, again));
    }

    #[test]
    fn whoever_lost_is_named(
        [base, here, there] in [any_contact(), any_contact(), any_contact()],
        when in 0..3i64,
    ) {
        let sides = Sides { agreed: &base, image: &base, here: &here, there: &there };
        let merged = merge_contact(sides, &times(1, when), &all());
        // What was changed on a side and is not there afterwards is a loser's.
        for (side, had, has) in [(Side::Here, &here, &merged.here), (Side::There, &there, &merged.there)] {
            prop_assert!(*had == base || had == has || merged.losers().contains(&side));
        }
        prop_assert!(merged.losers().len() <= 1);
    }

    #[test]
    fn no_entry_is_lost_at_a_first_meeting(
        [here, there] in [any_contact(), any_contact()],
        when in 0..3i64,
    ) {
        let met = meet_contact(&here, &there, &times(1, when), &all());
        for one in here.categories.iter().chain(&there.categories) {
            prop_assert!(met.here.categories.contains(one) && met.there.categories.contains(one));
        }
        let lost_a_name = [&here, &there].iter().any(|side| {
            !side.display_name.is_empty() && met.here.display_name != side.display_name
        });
        prop_assert!(!lost_a_name || met.conflicts() == 1);
    }

    #[test]
    fn a_membership_that_nobody_changed_stays(
        [base, here, there] in [any_set(), any_set(), any_set()],
    ) {
        let merged = merge_memberships(&base, &here, &there);
        for one in 'a'..='d' {
            let (was, is_here, is_there) = (base.contains(&one), here.contains(&one), there.contains(&one));
            let expected = if is_here != was { is_here } else { is_there };
            prop_assert_eq!(merged.contains(&one), expected);
        }
    }
}

fn any_set() -> impl Strategy<Value = BTreeSet<char>> {
    prop::collection::btree_set(prop::char::range('a', 'd'), 0..4)
}

/// What was made from here, and what is there when it is heard of.
#[test]
fn what_was_changed_since_it_was_made_is_told_from_what_the_server_made_of_it() {
    let said = Contact {
        phones: vec![email("+49 (0) 12-34")],
        emails: ["a@x.org", "b@x.org"].map(email).into(),
        nicknames: vec!["Verochka".to_owned()],
        job_title: Some("baker".to_owned()),
        role: Some("speaker".to_owned()),
        organization: Organization { name: "Acme".to_owned(), units: Vec::new() },
        birthday: "1985-04-12".parse().ok(),
        ..vera()
    };
    // Written its own way, cut off, not held: none of it was changed by anybody.
    let made = Contact {
        phones: vec![email("+4901234")],
        emails: vec![email("a@x.org")],
        role: None,
        birthday: None,
        ..said.clone()
    };
    assert_eq!(image_when_made(&said, &made), made);
    type Edit = fn(&mut Contact);
    let edits: [Edit; 5] = [
        |it| it.job_title = Some("cook".to_owned()),
        |it| it.nicknames = vec!["Vera".to_owned()],
        |it| it.organization.name = "Other".to_owned(),
        |it| it.name.prefix = "Dr".to_owned(),
        |it| it.other_dates = vec![LabelledDate { date: "--05-01".parse().unwrap(), label: None }],
    ];
    for edit in edits {
        let mut there = made.clone();
        edit(&mut there);
        let image = image_when_made(&said, &there);
        assert_ne!(image, there);
        let here = apply_difference(&image, &there, &said, &all());
        let mut wanted = said.clone();
        edit(&mut wanted);
        assert_eq!(here, wanted, "{there:?}");
    }
}
