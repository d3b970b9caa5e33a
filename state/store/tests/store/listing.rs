//! Lists, one message in full, exports, folders and counts, and the views for an SQLite shell.

use postrider_model::{AccountId, AddressRole, PlacementId, Timestamp};
use postrider_store::{Filter, Row};
use proptest::prelude::*;

use crate::fixture::{Fixture, address, at, flags, folder, message};

fn ids(rows: &[Row]) -> Vec<PlacementId> {
    rows.iter().map(|row| row.id).collect()
}

/// INBOX with 1 to 3, Work with 4 and 5 (5 flagged and read, 4 with an attachment), another account's INBOX with 6.
fn three_folders() -> (Fixture, Vec<PlacementId>, AccountId) {
    let mut f = Fixture::new();
    let (inbox, work) = (f.inbox, f.folder("Work"));
    let (home, home_inbox) = f.tx(|tx| {
        let account = tx.ensure_account("home", "me@home.test")?;
        Ok((account, tx.create_collection(account, &folder("INBOX"))?))
    });
    let mut all = f.fill(inbox, 1..=3);
    let mut special = [message(4, "four"), message(5, "five")];
    special[0].envelope.has_attachment = true;
    special[0].envelope.addresses.push(address(AddressRole::Cc, "Ber Ta", "BERTA@example.test"));
    special[1].flags = flags(&["\\Seen", "\\Flagged", "Todo"]);
    all.extend(f.insert(work, &special).iter().map(|one| one.placement));
    all.extend(f.fill(home_inbox, 6..=6));
    (f, all, home)
}

#[test]
fn each_filter_leaves_what_fits() {
    let (f, all, home) = three_folders();
    let pick = |which: &[usize]| which.iter().map(|at| all[at - 1]).collect::<Vec<_>>();
    let base = Filter::default;
    let second = |s| Some(Timestamp::from_seconds(s));
    let table = [
        (base(), pick(&[6, 5, 4, 3, 2, 1])),
        (Filter { limit: 2, ..base() }, pick(&[6, 5])),
        (Filter { limit: 0, ..base() }, pick(&[])),
        (Filter { accounts: Some(vec![f.account]), ..base() }, pick(&[5, 4, 3, 2, 1])),
        (Filter { accounts: Some(vec![home]), ..base() }, pick(&[6])),
        (Filter { accounts: Some(vec![]), ..base() }, pick(&[])),
        (Filter { folders: vec!["inbox".to_owned()], limit: 3, ..base() }, pick(&[6, 3, 2])),
        (Filter { folders: vec!["work".to_owned()], ..base() }, pick(&[])),
        (Filter { folders: vec!["None".to_owned(), "Work".to_owned()], ..base() }, pick(&[5, 4])),
        (Filter { before: second(3), ..base() }, pick(&[2, 1])),
        (Filter { after: second(3), before: second(5), ..base() }, pick(&[4, 3])),
        (Filter { unread: Some(false), ..base() }, pick(&[5])),
        (Filter { unread: Some(true), limit: 2, ..base() }, pick(&[6, 4])),
        (Filter { flagged: Some(true), ..base() }, pick(&[5])),
        (Filter { flagged: Some(false), limit: 1, ..base() }, pick(&[6])),
        (Filter { has_attachment: Some(true), ..base() }, pick(&[4])),
        (Filter { has_attachment: Some(false), limit: 2, ..base() }, pick(&[6, 5])),
        (Filter { addresses: Some(vec!["Berta@Example.test".to_owned()]), ..base() }, pick(&[4])),
        (Filter { addresses: Some(Vec::new()), ..base() }, pick(&[])),
        (Filter { addresses: Some(vec!["erta@example.test".to_owned()]), ..base() }, pick(&[])),
        (Filter { deleted: true, ..base() }, pick(&[])),
    ];
    for (filter, expected) in table {
        assert_eq!(ids(&f.reader().list(&filter).unwrap()), expected, "{filter:?}");
    }
}

#[test]
fn deleted_messages_are_listed_apart() {
    let (mut f, all, _) = three_folders();
    f.tx(|tx| tx.delete_placements(&[all[1], all[3]], &at(50)));
    let reader = f.reader();
    assert_eq!(ids(&reader.list(&Filter::default()).unwrap()), [all[5], all[4], all[2], all[0]]);
    let deleted = reader.list(&Filter { deleted: true, ..Filter::default() }).unwrap();
    assert_eq!(ids(&deleted), [all[3], all[1]]);
    assert_eq!((deleted[0].deleted, deleted[0].uid), (Some(at(50).at), None));
    let unread = Filter { deleted: true, has_attachment: Some(true), ..Filter::default() };
    assert_eq!(ids(&reader.list(&unread).unwrap()), [all[3]]);
}

#[test]
fn a_row_and_the_details_tell_all_that_is_known() {
    let (f, all, _) = three_folders();
    let reader = f.reader();
    let details = reader.show(all[4], None).unwrap().unwrap();
    let row = &details.row;
    assert_eq!((row.account.as_str(), row.folder.as_str(), row.uid), ("work", "Work", Some(5)));
    assert_eq!((row.subject.as_str(), row.message_id.as_deref()), ("five", Some("five@example.test")));
    assert_eq!((row.date, row.internal_date), (Some(Timestamp::from_seconds(7)), Timestamp::from_seconds(5)));
    assert_eq!((row.from[0].name.as_str(), row.from[0].email.as_str()), ("Anna", "Anna@Example.test"));
    assert_eq!((row.to.len(), row.flags.to_string().as_str()), (1, "\\Seen \\Flagged Todo"));
    let addresses = reader.show(all[3], None).unwrap().unwrap().addresses;
    assert_eq!(
        addresses.iter().map(|one| one.role).collect::<Vec<_>>(),
        [AddressRole::From, AddressRole::To, AddressRole::Cc]
    );
    assert_eq!(reader.list(&Filter { limit: 5, ..Filter::default() }).unwrap()[1], *row);
}

/// What one may not see answers as if it were not there (F7.4).
#[test]
fn a_message_of_another_account_is_not_there() {
    let (f, all, home) = three_folders();
    let reader = f.reader();
    assert!(reader.show(all[0], Some(&[home])).unwrap().is_none());
    assert!(reader.show(all[5], Some(&[home])).unwrap().is_some());
    assert!(reader.show(PlacementId(99), None).unwrap().is_none());
}

#[test]
fn an_export_pages_through_all_that_is_not_deleted() {
    let (mut f, all, _) = three_folders();
    f.tx(|tx| tx.delete_placements(&all[1..2], &at(1)));
    let reader = f.reader();
    let pages = |folder: Option<&str>| {
        let (mut after, mut found) = (PlacementId(0), Vec::new());
        loop {
            let page = reader.export_page(f.account, folder, after, 2).unwrap();
            let Some(last) = page.last() else { return found };
            after = last.id;
            found.extend(page.into_iter().map(|one| one.id));
        }
    };
    assert_eq!(pages(None), [all[0], all[2], all[3], all[4]]);
    assert_eq!((pages(Some("Work")), pages(Some("Wor"))), (vec![all[3], all[4]], vec![]));
    let one = &reader.export_page(f.account, Some("Work"), PlacementId(0), 1).unwrap()[0];
    assert_eq!((one.uid, one.sender.as_deref()), (Some(4), Some("Anna@Example.test")));
    let mut out = Vec::new();
    assert_eq!(reader.body(one.id, &mut out).unwrap(), one.size);
}

#[test]
fn folders_and_counts() {
    let (mut f, all, home) = three_folders();
    let (account, inbox) = (f.account, f.inbox);
    f.tx(|tx| {
        tx.delete_placements(&all[..1], &at(1))?;
        tx.freeze_collection(inbox, Timestamp(3), "taken off the list")
    });
    let reader = f.reader();
    let folders: Vec<_> = reader
        .folders(account)
        .unwrap()
        .into_iter()
        .map(|row| (row.name, row.messages, row.unread, row.gone))
        .collect();
    let gone = Some((Timestamp(3), "taken off the list".to_owned()));
    assert_eq!(folders, [("INBOX".to_owned(), 2, 2, gone), ("Work".to_owned(), 2, 1, None)]);
    let counts = reader.counts(account).unwrap();
    assert_eq!((counts.folders, counts.messages, counts.restorable, counts.held), (1, 4, 1, 0));
    let names: Vec<_> = reader.accounts().unwrap().into_iter().map(|row| (row.id, row.name)).collect();
    assert_eq!(names, [(home, "home".to_owned()), (account, "work".to_owned())]);
    assert_eq!(reader.check().unwrap(), [""; 0]);
}

#[test]
fn the_views_read_as_they_are_documented() {
    let (mut f, all, _) = three_folders();
    f.tx(|tx| tx.delete_placements(&all[..1], &at(86_400)));
    let shell = rusqlite::Connection::open(f.store.dir().join("store.db")).unwrap();
    let row: (String, String, String, Option<u32>, String, String, String, bool, bool, String) = shell
        .query_row(
            "SELECT id, account, folder, uid, subject, sender, internal_date, seen, draft, keywords
             FROM v_messages WHERE flagged",
            [],
            |row| {
                Ok((
                    row.get(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                    row.get(5)?,
                    row.get(6)?,
                    row.get(7)?,
                    row.get(8)?,
                    row.get(9)?,
                ))
            },
        )
        .unwrap();
    let text = |text: &str| text.to_owned();
    let expected = (
        all[4].to_string(),
        text("work"),
        text("Work"),
        Some(5),
        text("five"),
        text("Anna@Example.test"),
        text("1970-01-01T00:00:05Z"),
        true,
        false,
        text("Todo"),
    );
    assert_eq!(row, expected);
    let deleted: String = shell
        .query_row("SELECT deleted FROM v_messages WHERE deleted IS NOT NULL", [], |row| row.get(0))
        .unwrap();
    assert_eq!(deleted, "1970-01-02T00:00:00Z");
    let folder: (String, i64, i64) = shell
        .query_row(
            "SELECT folder, messages, unread FROM v_folders WHERE account = 'work' AND folder = 'INBOX'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    assert_eq!(folder, (text("INBOX"), 2, 2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Whatever came into which folder in which order, a list is the newest of all by date, then by message.
    #[test]
    fn a_list_is_the_newest_of_all(
        arrivals in prop::collection::vec((0_usize..3, 0_i64..20), 1..60),
        limit in 0_usize..70,
    ) {
        let mut f = Fixture::new();
        let folders = [f.inbox, f.folder("A"), f.folder("B")];
        let mut expected = Vec::new();
        for (uid, (which, second)) in (1..).zip(arrivals) {
            let mut incoming = message(uid, &format!("{uid}"));
            incoming.internal_date = Some(Timestamp::from_seconds(second));
            let one = f.insert(folders[which], &[incoming])[0];
            expected.push((second, one.message, one.placement));
        }
        expected.sort_unstable();
        let expected: Vec<_> = expected.into_iter().rev().take(limit).map(|(.., id)| id).collect();
        let listed = f.reader().list(&Filter { limit, ..Filter::default() }).unwrap();
        prop_assert_eq!(ids(&listed), expected);
    }
}
