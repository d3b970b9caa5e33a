//! The index behind the load, and what a search finds.

use postrider_model::{MessageId, PlacementId, Timestamp};
use postrider_store::{Filter, Indexer, Inserted, SearchQuery, StoreError, Words};

use crate::fixture::{Fixture, at, message};

fn text(words: &str) -> Words {
    Words { text: words.to_owned(), ..Words::default() }
}

fn query(words: &[&str]) -> SearchQuery {
    SearchQuery { words: words.iter().map(|word| (*word).to_owned()).collect(), ..SearchQuery::default() }
}

fn found(f: &Fixture, query: &SearchQuery) -> Vec<PlacementId> {
    f.reader().search(query).unwrap().rows.into_iter().map(|row| row.id).collect()
}

fn add(indexer: &mut Indexer, words: &[(MessageId, Words)]) {
    indexer.add(words).unwrap();
    indexer.commit().unwrap();
}

/// Stores a message a text in the inbox, and indexes them.
fn indexed(f: &mut Fixture, texts: &[&str]) -> (Vec<Inserted>, Indexer) {
    let inbox = f.inbox;
    let incoming: Vec<_> =
        (1..).zip(texts).map(|(uid, text)| message(uid, &format!("{uid} {text}"))).collect();
    let inserted = f.insert(inbox, &incoming);
    let mut indexer = f.store.indexer().unwrap();
    let pairs: Vec<_> = inserted.iter().zip(texts).map(|(one, words)| (one.message, text(words))).collect();
    add(&mut indexer, &pairs);
    (inserted, indexer)
}

#[test]
fn all_words_are_wanted_and_the_newest_come_first() {
    let mut f = Fixture::new();
    let (all, _) = indexed(&mut f, &["tea time", "tea", "time чай", "чай"]);
    let id = |at: usize| all[at].placement;
    let table: [(&[&str], Vec<PlacementId>); 6] = [
        (&["tea"], vec![id(1), id(0)]),
        (&["tea", "time"], vec![id(0)]),
        (&["чай"], vec![id(3), id(2)]),
        (&["te"], vec![]),
        (&["tea*"], vec![id(1), id(0)]),
        (&["tea\" OR \"time"], vec![]),
    ];
    for (words, expected) in table {
        assert_eq!(found(&f, &query(words)), expected, "{words:?}");
    }
}

#[test]
fn each_field_is_asked_for_by_itself() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    let all = f.insert(inbox, &[message(1, "a"), message(2, "b")]);
    let field = |words: &str| words.to_owned();
    let one = Words {
        subject: field("s1"),
        senders: field("f1 x"),
        recipients: field("t1 x"),
        text: field("b1"),
        attachments: field("a1"),
    };
    add(&mut f.store.indexer().unwrap(), &[(all[0].message, one), (all[1].message, text("s1 f1 t1"))]);
    let word = |word: &str| vec![word.to_owned()];
    let (first, both) = (vec![all[0].placement], vec![all[1].placement, all[0].placement]);
    let table = [
        (SearchQuery { subject: word("s1"), ..SearchQuery::default() }, first.clone()),
        (SearchQuery { from: word("f1"), ..SearchQuery::default() }, first.clone()),
        (SearchQuery { to: word("t1"), ..SearchQuery::default() }, first.clone()),
        (SearchQuery { to: word("f1"), ..SearchQuery::default() }, vec![]),
        (SearchQuery { from: word("x"), to: word("x"), words: word("a1"), ..SearchQuery::default() }, first),
        (query(&["f1"]), both),
    ];
    for (query, expected) in table {
        assert_eq!(found(&f, &query), expected, "{query:?}");
    }
}

/// The two ways, by the few and by the many, give the same answer: more than 2,000 hits take the other one.
#[test]
fn common_and_rare_words_are_found_in_the_same_order() {
    let mut f = Fixture::new();
    let texts: Vec<String> = (0..2_300).map(|at| format!("all {}", ["even", "odd"][at % 2])).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (all, _) = indexed(&mut f, &texts);
    f.tx(|tx| tx.delete_placements(&[all[2_299].placement], &at(1)));
    let newest = |from: usize, step: usize| -> Vec<_> {
        all[..=from].iter().rev().step_by(step).take(5).map(|one| one.placement).collect()
    };
    let five =
        |words: &[&str]| SearchQuery { filter: Filter { limit: 5, ..Filter::default() }, ..query(words) };
    assert_eq!(found(&f, &five(&["all"])), newest(2_298, 1));
    assert_eq!(found(&f, &five(&["odd"])), newest(2_297, 2));
    for words in [&["all"][..], &["all", "odd"]] {
        let mut deleted = five(words);
        deleted.filter.deleted = true;
        assert_eq!(found(&f, &deleted), [all[2_299].placement]);
        let mut old = five(words);
        old.filter.before = Some(Timestamp::from_seconds(3));
        assert_eq!(found(&f, &old).first(), Some(&all[1].placement));
    }
}

#[test]
fn a_search_sees_the_callers_accounts_alone() {
    let mut f = Fixture::new();
    let (all, _) = indexed(&mut f, &["tea"]);
    let mut query = query(&["tea"]);
    query.filter.accounts = Some(vec![f.account]);
    assert_eq!(found(&f, &query), [all[0].placement]);
    query.filter.accounts = Some(vec![]);
    assert_eq!(found(&f, &query), []);
}

#[test]
fn a_search_says_whether_the_index_is_behind() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    assert!(f.reader().search(&query(&["tea"])).unwrap().complete, "nothing to index");
    let all = f.insert(inbox, &[message(1, "a"), message(2, "b")]);
    assert!(!f.reader().search(&query(&["tea"])).unwrap().complete, "no index yet");
    let mut indexer = f.store.indexer().unwrap();
    assert_eq!(indexer.behind().unwrap(), (MessageId(0), all[1].message));
    add(&mut indexer, &[(all[0].message, text("tea"))]);
    let mut reader = f.reader();
    let half = reader.search(&query(&["tea"])).unwrap();
    assert_eq!((half.rows.len(), half.complete), (1, false));
    assert_eq!(indexer.behind().unwrap(), (all[0].message, all[1].message));
    add(&mut indexer, &[(all[1].message, text("tea"))]);
    let whole = reader.search(&query(&["tea"])).unwrap();
    assert_eq!((whole.rows.len(), whole.complete), (2, true));
    assert_eq!(indexer.behind().unwrap(), (all[1].message, all[1].message));
}

#[test]
fn the_index_takes_the_next_messages_and_no_others() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    let incoming: Vec<_> = (1..=4).map(|uid| message(uid, &format!("{uid}"))).collect();
    let ids: Vec<_> = f.insert(inbox, &incoming).into_iter().map(|one| one.message).collect();
    let mut indexer = f.store.indexer().unwrap();
    let pair = |at: usize| (ids[at], text("tea"));
    let beyond = (MessageId(ids[3].0 + 1), text("tea"));
    for wrong in [vec![pair(1)], vec![pair(0), pair(2)], vec![pair(1), pair(0)], vec![pair(0), pair(0)]] {
        let refused = indexer.add(&wrong).unwrap_err();
        assert!(matches!(refused, StoreError::IndexOrder { .. }), "{wrong:?}: {refused}");
    }
    add(&mut indexer, &[pair(0), pair(1)]);
    // What is in already is skipped, so that a batch can be given again after a crash.
    add(&mut indexer, &[pair(0), pair(1), pair(2), pair(3)]);
    assert!(indexer.add(&[beyond]).is_err(), "not committed in the store");
    assert_eq!(found(&f, &query(&["tea"])).len(), 4);
}

#[test]
fn what_is_added_is_found_when_it_is_committed_and_given_again_when_it_was_not() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    let ids: Vec<_> = f.insert(inbox, &[message(1, "a"), message(2, "b"), message(3, "c")]);
    let pair = |at: usize| (ids[at].message, text("tea"));
    let mut indexer = f.store.indexer().unwrap();
    add(&mut indexer, &[pair(0)]);
    indexer.add(&[pair(1)]).unwrap();
    assert_eq!(indexer.behind().unwrap(), (ids[1].message, ids[2].message));
    assert_eq!(found(&f, &query(&["tea"])), [ids[0].placement], "the second is not committed");
    assert!(indexer.add(&[(MessageId(99), text("tea"))]).is_err());
    indexer.add(&[pair(2)]).unwrap();
    drop(indexer);
    let mut indexer = f.store.indexer().unwrap();
    assert_eq!(indexer.behind().unwrap(), (ids[0].message, ids[2].message), "it was cut off");
    indexer.add(&[pair(0), pair(1)]).unwrap();
    assert!(indexer.add(&[(MessageId(99), text("tea"))]).is_err());
    add(&mut indexer, &[pair(2)]);
    assert_eq!(found(&f, &query(&["tea"])).len(), 3);
}

/// Searches of a long load find what came before, though nobody says that it has ended.
#[test]
fn much_that_gathers_is_committed_by_itself() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    let ids: Vec<_> = f.insert(inbox, &[message(1, "a"), message(2, "b")]);
    let mut indexer = f.store.indexer().unwrap();
    let much = format!("tea {}", "w".repeat(9 << 20));
    indexer.add(&[(ids[0].message, text(&much))]).unwrap();
    indexer.add(&[(ids[1].message, text("tea"))]).unwrap();
    assert_eq!(found(&f, &query(&["tea"])), [ids[0].placement]);
}

#[test]
fn an_index_that_is_deleted_or_damaged_is_made_anew() {
    let mut f = Fixture::new();
    let (all, indexer) = indexed(&mut f, &["tea"]);
    drop(indexer);
    let path = f.store.dir().join("search.db");
    let torn = |from: usize| {
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[from..from + 100].fill(0xff);
        std::fs::write(&path, bytes).unwrap();
    };
    for damage in ["gone", "no database", "torn"] {
        match damage {
            "gone" => std::fs::remove_file(&path).unwrap(),
            "no database" => std::fs::write(&path, "x".repeat(5_000)).unwrap(),
            _ => torn(100),
        }
        let mut indexer = f.store.indexer().unwrap();
        assert_eq!(indexer.behind().unwrap(), (MessageId(0), all[0].message), "{damage}");
        add(&mut indexer, &[(all[0].message, text("tea"))]);
        assert_eq!(found(&f, &query(&["tea"])), [all[0].placement], "{damage}");
    }
    std::fs::write(&path, "x".repeat(5_000)).unwrap();
    let refused = f.reader().search(&query(&["tea"])).unwrap_err();
    assert!(matches!(&refused, StoreError::Damaged { file, .. } if file == "search.db"), "{refused}");
}

/// The power failed and the store lost its newest messages, but the index did not: their ids come again for other mail.
#[test]
fn an_index_ahead_of_a_store_that_was_set_back_is_made_anew() {
    let mut f = Fixture::new();
    let inbox = f.inbox;
    f.insert(inbox, &[message(1, "kept")]);
    let dir = f.store.dir().to_owned();
    let copy = dir.join("earlier");
    f.tx(|_| Ok(()));
    rusqlite::Connection::open(dir.join("store.db"))
        .unwrap()
        .execute("VACUUM INTO ?1", [copy.to_str().unwrap()])
        .unwrap();
    let lost = f.insert(inbox, &[message(2, "lost")])[0].message;
    let mut indexer = f.store.indexer().unwrap();
    add(&mut indexer, &[(MessageId(1), text("kept")), (lost, text("lost"))]);
    drop(indexer);
    let store = f.store.clone();
    f.writer = writer_after_setting_back(&store, &copy, f.writer);
    assert_eq!(
        f.store.indexer().unwrap().behind().unwrap(),
        (MessageId(0), MessageId(1)),
        "not given again yet"
    );
    let other = f.insert(inbox, &[message(2, "other")])[0].message;
    assert_eq!(other, lost);
    let mut indexer = f.store.indexer().unwrap();
    add(&mut indexer, &[(MessageId(1), text("kept")), (other, text("other"))]);
    assert!(found(&f, &query(&["lost"])).is_empty());
}

fn writer_after_setting_back(
    store: &postrider_store::Store,
    copy: &std::path::Path,
    writer: postrider_store::Writer,
) -> postrider_store::Writer {
    drop(writer);
    std::fs::rename(copy, store.dir().join("store.db")).unwrap();
    store.writer().unwrap()
}

#[test]
fn a_purged_message_at_the_watermark_is_no_reason_to_begin_again() {
    let mut f = Fixture::new();
    let (all, indexer) = indexed(&mut f, &["tea", "tea"]);
    drop(indexer);
    let last = all[1];
    f.tx(|tx| tx.delete_placements(&[last.placement], &at(1)));
    f.tx(|tx| tx.purge_expired(Timestamp::from_seconds(9), 10));
    let mut indexer = f.store.indexer().unwrap();
    assert_eq!(indexer.behind().unwrap(), (last.message, last.message));
    let erased = f.tx(|tx| tx.erased(10));
    assert_eq!(erased, [last.message]);
    indexer.forget(&erased).unwrap();
    f.tx(|tx| tx.forgotten(&erased));
    assert!(f.tx(|tx| tx.erased(10)).is_empty());
    assert_eq!(found(&f, &query(&["tea"])), [all[0].placement]);
}
