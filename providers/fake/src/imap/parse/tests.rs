//! What the grammar takes, as it is understood; and that no octets make it panic.

use super::*;
use crate::imap::command::{FetchItem, QResync, Search, SearchKey, Section, SectionText, Select, StatusItem};
use crate::imap::raw::Piece;
use crate::imap::sets::{Bound, SequenceSet};
use proptest::prelude::*;

fn text(text: &str) -> RawCommand {
    RawCommand { pieces: vec![Piece::Text(text.into())], breaches: vec![] }
}

fn parsed(command: &str) -> Command {
    parse(&text(&format!("a1 {command}")), false).unwrap_or_else(|error| panic!("{command}: {error:?}"))
}

fn set(ranges: &[(u32, u32)]) -> SequenceSet {
    SequenceSet(ranges.iter().map(|(a, b)| (Bound::Number(*a), Bound::Number(*b))).collect())
}

#[test]
fn names_are_read_in_any_case() {
    assert_eq!(parsed("noop"), Command::Noop);
    assert_eq!(parsed("LoGin a b"), Command::Login { user: b"a".to_vec(), password: b"b".to_vec() });
}

#[test]
fn fetch_items_and_modifiers() {
    let Command::Fetch(fetch) = parsed(
        "UID FETCH 1:2,5,7:* (uid BODY.PEEK[1.2.HEADER.FIELDS.NOT (a b)]<0.9> BODY[] BODY) (CHANGEDSINCE 7 VANISHED)",
    ) else {
        panic!("not a fetch")
    };
    let fields = SectionText::HeaderFields { not: true, names: vec![b"a".to_vec(), b"b".to_vec()] };
    let items = [
        FetchItem::Uid,
        FetchItem::Section {
            peek: true,
            section: Section { part: vec![1, 2], text: fields },
            partial: Some((0, 9)),
        },
        FetchItem::Section { peek: false, section: Section::default(), partial: None },
        FetchItem::Body,
    ];
    assert_eq!(fetch.items, items);
    assert_eq!(fetch.set.0[2], (Bound::Number(7), Bound::Last));
    assert!(fetch.uid && fetch.vanished && fetch.changed_since == Some(7));
}

#[test]
fn select_parameters() {
    let select = |mailbox: &str, qresync| {
        Command::Select(Select { mailbox: mailbox.into(), read_only: false, condstore: false, qresync })
    };
    assert_eq!(parsed("SELECT \"Gr&APYA3w-e\""), select("Größe", None));
    let known = |known_uids| Some(QResync { uid_validity: 5, mod_seq: 6, known_uids });
    assert_eq!(parsed("SELECT a (QRESYNC (5 6))"), select("a", known(None)));
    assert_eq!(parsed("SELECT a (QRESYNC (5 6 1:9))"), select("a", known(Some(set(&[(1, 9)])))));
    assert_eq!(parsed("SELECT a (QRESYNC (5 6 (1,3 2,8)))"), select("a", known(None)));
    assert_eq!(parsed("SELECT a (QRESYNC (5 6 1:9 (1:2 3:4)))"), select("a", known(Some(set(&[(1, 9)])))));
}

#[test]
fn search_keys_nest() {
    let Command::Search(Search { key: SearchKey::And(keys), returns: None, .. }) =
        parsed("SEARCH OR NOT SEEN (1:2 FLAGGED) LARGER 9")
    else {
        panic!("not a search")
    };
    let seen = SearchKey::Not(Box::new(SearchKey::Flag("\\SEEN".into())));
    let both = SearchKey::And(vec![SearchKey::Sequence(set(&[(1, 2)])), SearchKey::Flag("\\FLAGGED".into())]);
    assert_eq!(keys, [SearchKey::Or(Box::new(seen), Box::new(both)), SearchKey::Larger(9)]);
    let deep = format!("a1 SEARCH {}ALL{}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(parse(&text(&deep), false).is_err());
    let deep = format!("a1 SEARCH {}ALL", "NOT ".repeat(5_000));
    assert!(parse(&text(&deep), false).is_err());
}

#[test]
fn literals_stand_where_strings_may() {
    let literal = |bytes: &[u8], eight_bit| Piece::Literal { bytes: bytes.into(), eight_bit };
    let raw = |pieces| RawCommand { pieces, breaches: vec![] };
    let status = raw(vec![
        Piece::Text(b"a1 STATUS ".to_vec()),
        literal(b"a b", false),
        Piece::Text(b" (MESSAGES)".to_vec()),
    ]);
    let expected = Command::Status { mailbox: "a b".into(), items: vec![StatusItem::Messages] };
    assert_eq!(parse(&status, false), Ok(expected));
    let trailing = raw(vec![Piece::Text(b"a1 NOOP".to_vec()), literal(b"", false), Piece::Text(vec![])]);
    assert!(parse(&trailing, false).is_err());
    let eight = raw(vec![Piece::Text(b"a1 CREATE ".to_vec()), literal(b"x", true), Piece::Text(vec![])]);
    assert!(parse(&eight, false).is_err());
    let nul = raw(vec![Piece::Text(b"a1 CREATE ".to_vec()), literal(b"\0", false), Piece::Text(vec![])]);
    assert!(parse(&nul, false).is_err());
}

#[test]
fn eight_bits_need_utf8_accept() {
    let raw = text("a1 CREATE \"ö\"");
    assert!(parse(&raw, false).is_err());
    assert_eq!(parse(&raw, true), Ok(Command::Create("ö".into())));
}

#[test]
fn dates_are_instants_with_a_zone() {
    let literal = Piece::Literal { bytes: b"x".to_vec(), eight_bit: false };
    let pieces = vec![
        Piece::Text(b"a1 APPEND INBOX \"29-Feb-2024 23:59:59 -0130\" ".to_vec()),
        literal,
        Piece::Text(vec![]),
    ];
    let Ok(Command::Append(append)) = parse(&RawCommand { pieces, breaches: vec![] }, false) else {
        panic!("not an append")
    };
    assert_eq!(append.date.map(|date| date.to_rfc3339()).as_deref(), Some("2024-02-29T23:59:59-01:30"));
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(
        name in "(UID )?(FETCH|SEARCH|STORE|LIST|SELECT|STATUS|APPEND|LOGIN|ID|ENABLE|COPY|RENAME|AUTHENTICATE)",
        rest in "( |\\(|\\)|1|\\*|:|,|FLAGS|RETURN|UNCHANGEDSINCE|QRESYNC|BODY|\\[|\\]|<|>|\"|\\\\|INBOX|NOT|OR|ö|\u{0}|-Jan-|2024|\\+|\\.){0,25}",
        literal in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..5)),
        utf8 in any::<bool>(),
    ) {
        let mut pieces = vec![Piece::Text(format!("a1 {name} {rest}").into_bytes())];
        if let Some(bytes) = literal {
            pieces.push(Piece::Literal { bytes, eight_bit: utf8 });
            pieces.push(Piece::Text(rest.into_bytes()));
        }
        parse(&RawCommand { pieces, breaches: vec![] }, utf8).ok();
    }
}
