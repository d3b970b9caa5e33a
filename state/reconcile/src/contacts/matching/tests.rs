use postrider_model::Point;
use proptest::prelude::*;

use super::*;

/// A contact as `uid|name|address,address`.
fn contact(text: &str) -> Contact {
    let mut parts = text.split('|');
    let mut part = || parts.next().unwrap_or_default();
    let uid = part();
    Contact {
        uid: (!uid.is_empty()).then(|| uid.to_owned()),
        display_name: part().to_owned(),
        emails: part()
            .split(',')
            .map(|value| Point { value: value.to_owned(), ..Point::default() })
            .collect(),
        ..Contact::default()
    }
}

/// Items as `mark` and text, records by their place from 0 on.
fn matched(items: &[(Option<u32>, &str)], records: &[&str]) -> Vec<Match<u32>> {
    let contacts: Vec<Contact> = records.iter().map(|text| contact(text)).collect();
    let records: Vec<_> = (0..).zip(&contacts).map(|(id, contact)| record(id, contact)).collect();
    match_given(items, &records)
}

fn record(id: u32, contact: &Contact) -> Record<'_, u32> {
    Record { id, contact, is_visible: true, is_linked: false }
}

fn match_given(items: &[(Option<u32>, &str)], records: &[Record<'_, u32>]) -> Vec<Match<u32>> {
    let contacts: Vec<Contact> = items.iter().map(|(_, text)| contact(text)).collect();
    let items: Vec<_> =
        items.iter().zip(&contacts).map(|((mark, _), contact)| Item { mark: *mark, contact }).collect();
    match_contacts(&items, records)
}

#[test]
fn the_surest_sign_comes_first() {
    use Match::{Ambiguous, Is, New};
    use MatchedBy::{AddressAndName, Mark, Uid};
    let ambiguous = |ids: &[u32]| Ambiguous(ids.iter().copied().collect());
    let table = [
        (vec![(None, "|Vera|v@x")], vec![], vec![New]),
        (vec![(Some(1), "|Vera|v@x")], vec!["|Vera|v@x", "|Other|o@x"], vec![Is(1, Mark)]),
        (vec![(None, "u1|Vera|v@x")], vec!["|Vera|v@x", "u1|Other|o@x"], vec![Is(1, Uid)]),
        (vec![(None, "|Vera|v@x")], vec!["|Vera|v@x"], vec![Is(0, AddressAndName)]),
        (vec![(None, "u9| Vera |V@X ")], vec!["u1|Vera|v@x"], vec![Is(0, AddressAndName)]),
        (vec![(None, "|Vera|o@x,v@x")], vec!["|Vera|v@x,w@x"], vec![Is(0, AddressAndName)]),
        (vec![(None, "|Vera|v@x,o@x")], vec!["|Vera|v@x,o@x"], vec![Is(0, AddressAndName)]),
        // Neither the name nor the address alone, nor nothing at all.
        (vec![(None, "|Vera|w@x")], vec!["|Vera|v@x"], vec![New]),
        (vec![(None, "|vera|v@x")], vec!["|Vera|v@x"], vec![New]),
        (vec![(None, "||v@x")], vec!["||v@x"], vec![New]),
        (vec![(None, "|Vera|")], vec!["|Vera|"], vec![New]),
        (vec![(None, "|Vera|")], vec!["|Vera|v@x"], vec![New]),
        // Several could be it.
        (vec![(None, "|Vera|v@x")], vec!["|Vera|v@x", "|Vera|v@x"], vec![ambiguous(&[0, 1])]),
        (vec![(None, "|Vera|v@x,w@x")], vec!["|Vera|v@x", "|Vera|w@x"], vec![ambiguous(&[0, 1])]),
        (vec![(None, "u1|Vera|v@x")], vec!["u1|A|a@x", "u1|B|b@x"], vec![ambiguous(&[0, 1])]),
        (
            vec![(None, "|Vera|v@x"), (None, "|Vera|v@x")],
            vec!["|Vera|v@x"],
            vec![ambiguous(&[0]), ambiguous(&[0])],
        ),
        // What is surely somebody else's is out of the question.
        (
            vec![(None, "|Vera|v@x"), (Some(0), "|Anna|a@x")],
            vec!["|Vera|v@x", "|Vera|v@x"],
            vec![Is(1, AddressAndName), Is(0, Mark)],
        ),
        (
            vec![(None, "|Vera|v@x"), (None, "u1|Vera|v@x")],
            vec!["|Vera|v@x", "u1|Vera|v@x"],
            vec![Is(0, AddressAndName), Is(1, Uid)],
        ),
        // A copy that a person made there carries the mark too.
        (vec![(Some(0), "|Vera|v@x"), (Some(0), "|Vera|v@x")], vec!["|Vera|v@x"], vec![Is(0, Mark), New]),
        (vec![(Some(7), "|Vera|v@x")], vec!["|Vera|v@x"], vec![Is(0, AddressAndName)]),
        (vec![(None, "u1|A|a@x"), (None, "u1|B|b@x")], vec!["u1|V|v@x"], vec![Is(0, Uid), New]),
    ];
    for (items, records, expected) in table {
        assert_eq!(matched(&items, &records), expected, "{items:?} among {records:?}");
    }
}

#[test]
fn what_is_linked_or_not_to_be_seen_is_never_matched() {
    let vera = contact("u1|Vera|v@x");
    for (is_visible, is_linked) in [(false, false), (true, true), (false, true)] {
        let record = Record { is_visible, is_linked, ..record(0, &vera) };
        for item in [(Some(0), "|A|a@x"), (None, "u1|A|a@x"), (None, "|Vera|v@x")] {
            assert_eq!(match_given(&[item], &[record]), [Match::New], "{item:?}, {record:?}");
        }
        let other = super::tests::record(1, &vera);
        assert_eq!(
            match_given(&[(None, "|Vera|v@x")], &[record, other]),
            [Match::Is(1, MatchedBy::AddressAndName)]
        );
    }
}

#[test]
fn of_many_that_could_be_it_some_are_told() {
    let found = matched(&[(None, "|Vera|v@x")], &["|Vera|v@x"; 20]);
    assert_eq!(found, [Match::Ambiguous((0..8).collect())]);
    let many = matched(&[(None, "|Vera|v@x"); 20], &["|Vera|v@x"; 20]);
    assert!(many.iter().all(|found| matches!(found, Match::Ambiguous(_))));
}

proptest! {
    #[test]
    fn no_record_is_two_items(
        items in prop::collection::vec((prop::option::of(0..4u32), "u?[12]?\\|[AB]?\\|[ab](,[ab])?"), 0..6),
        records in prop::collection::vec("u?[12]?\\|[AB]?\\|[ab](,[ab])?", 0..5),
    ) {
        let items: Vec<(Option<u32>, &str)> = items.iter().map(|(mark, text)| (*mark, text.as_str())).collect();
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        let found = matched(&items, &records);
        prop_assert_eq!(found.len(), items.len());
        let mut taken = BTreeSet::new();
        for (found, (mark, text)) in found.iter().zip(&items) {
            let Match::Is(id, by) = found else { continue };
            prop_assert!(taken.insert(*id));
            let (item, record) = (contact(text), contact(records[*id as usize]));
            match by {
                MatchedBy::Mark => prop_assert_eq!(*mark, Some(*id)),
                MatchedBy::Uid => prop_assert!(item.uid.is_some() && item.uid == record.uid),
                MatchedBy::AddressAndName => prop_assert_eq!(item.display_name, record.display_name),
            }
        }
    }

    #[test]
    fn the_order_of_items_decides_nothing_without_marks_and_uids(
        items in prop::collection::vec("\\|[AB]\\|[abc](,[abc])?", 0..6),
        records in prop::collection::vec("\\|[AB]\\|[abc](,[abc])?", 0..6),
    ) {
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        let items: Vec<(Option<u32>, &str)> = items.iter().map(|text| (None, text.as_str())).collect();
        let reversed: Vec<_> = items.iter().rev().copied().collect();
        let mut other = matched(&reversed, &records);
        other.reverse();
        prop_assert_eq!(matched(&items, &records), other);
    }
}
