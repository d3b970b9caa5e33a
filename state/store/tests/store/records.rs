//! Contacts and companies, tags and groups, and what they were.

use postrider_model::{ContactId, LabelId, LabelKind, LabelScope, Timestamp, Visibility};
use postrider_store::{ContactDoc, ContactFilter, Context, NewLabel, RecordChange, Side, StoreError, Viewer};

use crate::fixture::Fixture;

fn context(at: i64) -> Context {
    Context { at: Timestamp(at), run: None, side: Side::Here, actor: "anna".into(), why: "by hand".into() }
}

fn doc(name: &str, emails: &[&str]) -> ContactDoc {
    ContactDoc {
        card: format!("card of {name}"),
        uid: Some(format!("uid of {name}")),
        name: name.to_owned(),
        sort: name.to_lowercase(),
        words: name.to_lowercase(),
        emails: emails.iter().map(|email| (*email).to_owned()).collect(),
        ..ContactDoc::default()
    }
}

fn all() -> ContactFilter {
    ContactFilter {
        viewer: Viewer::Everything,
        words: Vec::new(),
        email: None,
        label: None,
        company: None,
        owner: None,
        kind: None,
        deleted: false,
        limit: 50,
    }
}

fn names(f: &Fixture, filter: &ContactFilter) -> Vec<String> {
    f.reader().contacts(filter).unwrap().into_iter().map(|row| row.name).collect()
}

fn add(f: &mut Fixture, name: &str, emails: &[&str]) -> ContactId {
    f.tx(|tx| tx.add_contact("anna", &Visibility::Private, &doc(name, emails), &context(1)))
}

fn tag(f: &mut Fixture, name: &str) -> LabelId {
    f.tx(|tx| {
        tx.add_label(&NewLabel {
            kind: LabelKind::Tag,
            scope: LabelScope::Personal,
            owner: "anna",
            name,
            folded: name,
        })
    })
}

#[test]
fn listings_are_in_the_order_of_names_and_bounded_after_everything_else() {
    let mut f = Fixture::new();
    for name in ["Vera", "Anna", "Boris"] {
        add(&mut f, name, &[]);
    }
    assert_eq!(names(&f, &all()), ["Anna", "Boris", "Vera"]);
    assert_eq!(names(&f, &ContactFilter { limit: 2, ..all() }), ["Anna", "Boris"]);
    assert_eq!(names(&f, &ContactFilter { words: vec!["ver".into()], ..all() }), ["Vera"]);
    assert_eq!(names(&f, &ContactFilter { words: vec!["era".into()], ..all() }), [""; 0], "a word begins so");
}

#[test]
fn a_contact_is_found_by_each_of_its_addresses_in_any_case_and_by_none_that_it_lost() {
    let mut f = Fixture::new();
    let id = add(&mut f, "Anna", &["anna@a.test", "anna@b.test"]);
    let by = |email: &str| ContactFilter { email: Some(email.to_owned()), ..all() };
    assert_eq!(names(&f, &by("ANNA@B.test")), ["Anna"]);
    assert!(f.tx(|tx| tx.change_contact(id, &doc("Anna", &["anna@a.test"]), &context(2))));
    assert_eq!((names(&f, &by("anna@a.test")), names(&f, &by("anna@b.test"))), (vec!["Anna".into()], vec![]));
}

#[test]
fn what_changes_nothing_is_not_written() {
    let mut f = Fixture::new();
    let id = add(&mut f, "Anna", &["anna@a.test"]);
    let label = tag(&mut f, "vip");
    f.tx(|tx| tx.put_label(id, label, true, &context(2)));
    let before = f.writer.commits();
    f.tx(|tx| {
        assert!(!tx.change_contact(id, &doc("Anna", &["anna@a.test"]), &context(3))?);
        assert!(!tx.put_label(id, label, true, &context(3))?);
        assert!(!tx.show_to(id, &Visibility::Private, &context(3))?);
        Ok(())
    });
    assert_eq!(f.writer.commits(), before);
}

#[test]
fn each_change_keeps_what_was_and_counts() {
    let mut f = Fixture::new();
    let id = add(&mut f, "Anna", &[]);
    let label = tag(&mut f, "vip");
    f.tx(|tx| {
        tx.change_contact(id, &doc("Anna Petrova", &[]), &context(2))?;
        tx.put_label(id, label, true, &context(3))?;
        tx.show_to(id, &Visibility::All, &context(4))?;
        tx.delete_record(id, &context(5))?;
        tx.restore_record(id, &context(6))
    });
    let versions = f.reader().versions(&Viewer::Everything, Some(id.into()), true, 50).unwrap();
    let what: Vec<_> =
        versions.iter().map(|version| (version.what.as_str(), version.rev, version.at.0)).collect();
    let expected = [
        RecordChange::Restored,
        RecordChange::Deleted,
        RecordChange::Shown,
        RecordChange::Labelled,
        RecordChange::Changed,
    ];
    let expected: Vec<_> = expected.iter().map(|change| change.name()).zip([5, 4, 3, 2, 1]).collect();
    assert_eq!(what.iter().map(|(what, rev, _)| (*what, *rev)).collect::<Vec<_>>(), expected);
    let first = f.reader().snapshot(versions.last().unwrap().id).unwrap().unwrap();
    assert!(first.contains("card of Anna\""), "the first card");
    assert_eq!(versions.last().unwrap().name, "Anna");
    assert_eq!(f.reader().contact(&Viewer::Everything, id).unwrap().unwrap().record.rev, 6);
    assert!(f.reader().versions(&Viewer::Everything, None, false, 50).unwrap().is_empty(), "no conflict");
}

#[test]
fn nothing_is_done_to_what_is_deleted_and_nothing_restored_that_is_not() {
    let mut f = Fixture::new();
    let id = add(&mut f, "Anna", &[]);
    let refused = f.writer.transaction(|tx| tx.restore_record(id, &context(2))).unwrap_err();
    assert!(matches!(refused, StoreError::RecordNotDeleted));
    f.tx(|tx| tx.delete_record(id, &context(2)));
    for refused in [
        f.writer.transaction(|tx| tx.delete_record(id, &context(3))).unwrap_err(),
        f.writer
            .transaction(|tx| tx.change_contact(id, &doc("Boris", &[]), &context(3)).map(drop))
            .unwrap_err(),
        f.writer.transaction(|tx| tx.delete_record(ContactId(99), &context(3))).unwrap_err(),
    ] {
        assert!(matches!(refused, StoreError::NoSuchRecord), "{refused}");
    }
    assert_eq!(names(&f, &all()), [""; 0]);
    assert_eq!(names(&f, &ContactFilter { deleted: true, ..all() }), ["Anna"]);
}

#[test]
fn what_is_past_its_time_goes_with_all_that_hangs_on_it_and_its_id_is_never_used_again() {
    let mut f = Fixture::new();
    let (old, new, kept) =
        (add(&mut f, "Old", &["o@a.test"]), add(&mut f, "New", &[]), add(&mut f, "Kept", &[]));
    let label = tag(&mut f, "vip");
    let company = f.tx(|tx| tx.add_company("anna", &Visibility::All, "Acme", "acme", &context(1)));
    f.tx(|tx| {
        tx.put_label(old, label, true, &context(2))?;
        tx.change_contact(kept, &ContactDoc { company: Some(company), ..doc("Kept", &[]) }, &context(3))?;
        tx.delete_record(old, &context(10))?;
        tx.delete_record(company, &context(11))?;
        tx.delete_record(new, &context(20))
    });
    assert_eq!(f.tx(|tx| tx.purge_records(Timestamp(15), 1)), 1, "at most so many");
    assert!(f.reader().contact(&Viewer::Everything, old).unwrap().is_none());
    while f.tx(|tx| tx.purge_records(Timestamp(15), 9)) > 0 {}
    let reader = f.reader();
    assert!(reader.contact(&Viewer::Everything, old).unwrap().is_none());
    assert!(reader.contact(&Viewer::Everything, new).unwrap().is_some());
    assert_eq!(reader.contact(&Viewer::Everything, kept).unwrap().unwrap().doc.company, None);
    let left = reader.versions(&Viewer::Everything, None, true, 50).unwrap();
    assert_eq!(
        left.iter().map(|version| version.at.0).collect::<Vec<_>>(),
        [20],
        "what they were goes with its time"
    );
    drop(reader);
    let newest = add(&mut f, "Newest", &[]);
    assert!(newest.0 > company.0);
}

#[test]
fn a_tag_is_there_once_for_each_whose_it_is() {
    let mut f = Fixture::new();
    let new = |scope, owner, name| NewLabel { kind: LabelKind::Tag, scope, owner, name, folded: "vip" };
    use LabelScope::{Corporate, Personal, Public};
    let table = [
        (Personal, "anna", true),
        (Personal, "boris", true),
        (Personal, "anna", false),
        (Corporate, "anna", true),
        (Corporate, "boris", false),
        (Public, "boris", true),
    ];
    for (scope, owner, fits) in table {
        let made = f.writer.transaction(|tx| tx.add_label(&new(scope, owner, "VIP")));
        assert_eq!(made.is_ok(), fits, "{scope:?} of {owner}");
        assert!(fits || matches!(made, Err(StoreError::LabelThere(_))));
    }
    let seen = f.reader().labels_named(LabelKind::Tag, "boris", "vip").unwrap();
    let seen: Vec<_> = seen.iter().map(|label| (label.scope, label.owner.as_str())).collect();
    assert_eq!(seen, [(Personal, "boris"), (Corporate, "anna"), (Public, "boris")]);
}

#[test]
fn a_tag_that_is_taken_away_is_off_everything_and_each_record_says_so() {
    let mut f = Fixture::new();
    let (anna, boris) = (add(&mut f, "Anna", &[]), add(&mut f, "Boris", &[]));
    let label = tag(&mut f, "vip");
    f.tx(|tx| {
        tx.put_label(anna, label, true, &context(2))?;
        tx.put_label(boris, label, true, &context(2))?;
        tx.delete_record(boris, &context(3))
    });
    assert_eq!(names(&f, &ContactFilter { label: Some(label), ..all() }), ["Anna"]);
    assert_eq!(f.tx(|tx| tx.remove_label(label, &context(4))), 2);
    assert_eq!(names(&f, &ContactFilter { label: Some(label), ..all() }), [""; 0]);
    let versions = f.reader().versions(&Viewer::Everything, Some(anna.into()), true, 1).unwrap();
    assert_eq!((versions[0].what.as_str(), versions[0].at.0), ("labelled", 4));
}

mod series {
    use postrider_model::{ActivityKind, Occurrence, Status};
    use postrider_store::{ActivityDoc, ActivityFilter, NewActivity};

    use super::*;

    fn doc(title: &str, occurrence: Option<i64>) -> ActivityDoc {
        ActivityDoc {
            text: format!("text of {title}"),
            kind: ActivityKind::Appointment,
            uid: "u".to_owned(),
            occurrence: occurrence.map(|at| Occurrence::At(Timestamp(at))),
            title: title.to_owned(),
            words: title.to_lowercase(),
            organizer: None,
            participants: Vec::new(),
            status: Status::Open,
            start: Some(Timestamp(100)),
            end: occurrence.map(|_| Timestamp(200)),
            recurs: occurrence.is_none(),
            private: false,
        }
    }

    fn titles(f: &Fixture) -> Vec<String> {
        let filter = ActivityFilter {
            viewer: Viewer::Everything,
            between: None,
            kind: None,
            words: Vec::new(),
            people: None,
            label: None,
            deleted: false,
            limit: 50,
        };
        f.reader().activities(&filter).unwrap().into_iter().map(|one| one.doc.title).collect()
    }

    #[test]
    fn what_differs_from_a_series_goes_with_it_and_comes_back_with_it_and_is_erased_with_it() {
        let mut f = Fixture::new();
        let add = |f: &mut Fixture, doc: ActivityDoc, master| {
            let new = NewActivity {
                owner: "anna",
                visibility: &Visibility::Private,
                doc: &doc,
                master,
                in_schedule: true,
            };
            f.tx(|tx| tx.add_activity(&new, &context(1)))
        };
        let series = add(&mut f, doc("Series", None), None);
        let moved = add(&mut f, doc("Moved", Some(300)), Some(series));
        let gone = add(&mut f, doc("Gone", Some(400)), Some(series));
        f.tx(|tx| tx.delete_record(gone, &context(2)));
        f.tx(|tx| tx.delete_record(series, &context(3)));
        assert!(f.tx(|tx| tx.activities_of_uid("u")).is_empty());
        f.tx(|tx| tx.restore_record(series, &context(4)));
        let back: Vec<_> = f.tx(|tx| tx.differing(series)).into_iter().map(|one| one.id).collect();
        assert_eq!(back, [moved], "what went by itself stays away");
        f.tx(|tx| tx.delete_record(series, &context(5)));
        while f.tx(|tx| tx.purge_records(Timestamp(9), 1)) > 0 {}
        assert_eq!(titles(&f), [""; 0]);
        assert!(f.tx(|tx| tx.activity(moved)).is_none() && f.tx(|tx| tx.activity(gone)).is_none());
    }

    #[test]
    fn what_is_private_is_found_by_its_words_by_those_alone_who_have_a_part_in_it() {
        let mut f = Fixture::new();
        let secret = ActivityDoc { private: true, ..doc("Dentist", None) };
        let new = NewActivity {
            owner: "anna",
            visibility: &Visibility::All,
            doc: &secret,
            master: None,
            in_schedule: true,
        };
        f.tx(|tx| tx.add_activity(&new, &context(1)));
        let found = |user: &str, words: &[&str]| {
            let viewer = Viewer::User {
                name: user.to_owned(),
                roles: Vec::new(),
                addresses: vec![format!("{user}@a.test")],
            };
            let filter = ActivityFilter {
                viewer,
                between: None,
                kind: None,
                words: words.iter().map(|word| (*word).to_owned()).collect(),
                people: None,
                label: None,
                deleted: false,
                limit: 50,
            };
            f.reader().activities(&filter).unwrap().len()
        };
        assert_eq!((found("anna", &["dent"]), found("boris", &["dent"]), found("boris", &[])), (1, 0, 1));
    }
}
