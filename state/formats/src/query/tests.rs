//! Tables of the search language.

use super::*;
use proptest::prelude::*;

fn day(text: &str) -> Option<NaiveDate> {
    Some(text.parse().unwrap())
}

fn list(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

#[test]
fn every_prefix_is_understood() {
    let none = Query::default;
    for (text, query) in [
        ("", none()),
        ("  Hello,  world hello ", Query { words: list(&["hello", "world"]), ..none() }),
        ("\"two words\"", Query { words: list(&["two", "words"]), ..none() }),
        ("\"from:bob\" x", Query { words: list(&["from", "bob", "x"]), ..none() }),
        ("a\"b c\"d", Query { words: list(&["a", "b", "c", "d"]), ..none() }),
        ("\"never closed is:unread", Query { words: list(&["never", "closed", "is", "unread"]), ..none() }),
        ("from:Anna@example.com", Query { from: list(&["anna", "example", "com"]), ..none() }),
        ("FROM:\"Anna Lee\" to:bob", Query { from: list(&["anna", "lee"]), to: list(&["bob"]), ..none() }),
        ("subject:Rent subject:rent", Query { subject: list(&["rent"]), ..none() }),
        (
            "folder:\"Projects/2026 Q1\"x",
            Query { folders: list(&["Projects/2026 Q1"]), words: list(&["x"]), ..none() },
        ),
        ("folder:INBOX folder:Sent", Query { folders: list(&["INBOX", "Sent"]), ..none() }),
        ("account:work", Query { accounts: list(&["work"]), ..none() }),
        ("before:2026-05-31", Query { before: day("2026-05-31"), ..none() }),
        ("before:2026-05-31 before:2026-01-01", Query { before: day("2026-01-01"), ..none() }),
        ("after:2026-01-01 after:2026-05-31", Query { after: day("2026-05-31"), ..none() }),
        ("has:Attachment", Query { has_attachment: true, ..none() }),
        ("is:unread is:flagged", Query { unread: Some(true), flagged: Some(true), ..none() }),
        ("is:read is:unflagged", Query { unread: Some(false), flagged: Some(false), ..none() }),
    ] {
        assert_eq!(parse(text), Ok(query), "{text:?}");
    }
}

#[test]
fn what_looks_like_query_syntax_is_words() {
    for (text, words) in [
        ("http://example.com/a?b=c", &["http", "example", "com", "a", "b", "c"][..]),
        ("re: invoice", &["re", "invoice"]),
        ("a AND b OR NOT c", &["a", "and", "b", "or", "not", "c"]),
        ("NEAR(x y, 5) col:x {a} ^b c* -d +e", &["near", "x", "y", "5", "col", "a", "b", "c", "d", "e"]),
        ("'; drop table", &["drop", "table"]),
        (":x from", &["x", "from"]),
        ("xfrom:y", &["xfrom", "y"]),
        ("... !", &[]),
    ] {
        assert_eq!(parse(text), Ok(Query { words: list(words), ..Query::default() }), "{text:?}");
    }
}

#[test]
fn an_error_says_what_was_found_and_what_is_expected() {
    for (text, message) in [
        ("before:2026-02-30", "`before:2026-02-30`: expected a date such as 2026-05-31"),
        ("after:yesterday", "`after:yesterday`: expected a date such as 2026-05-31"),
        ("after:2026-1-1", "`after:2026-1-1`: expected a date such as 2026-05-31"),
        ("after:+026-01-01", "`after:+026-01-01`: expected a date such as 2026-05-31"),
        ("after:0000-01-01", "`after:0000-01-01`: expected a date such as 2026-05-31"),
        ("has:money", "`has:money`: expected `has:attachment`"),
        ("is:\"far away\"", "`is:far away`: expected one of `unread`, `read`, `flagged`, `unflagged`"),
        ("from: anna", "`from:` needs a value right behind the colon"),
        ("x folder:\"\"", "`folder:` needs a value right behind the colon"),
        ("subject:!!", "`subject:!!`: expected a word with a letter or a digit"),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), message, "{text:?}");
    }
}

proptest! {
    #[test]
    fn a_query_never_panics_and_words_are_folded(text in "(\\PC|from:|before:|\"| |is:){0,40}") {
        if let Ok(query) = parse(&text) {
            for word in query.words.iter().chain(&query.from).chain(&query.to).chain(&query.subject) {
                prop_assert!(!word.is_empty() && !word.contains(['"', ' ', '*', ':', '(']), "{:?}", word);
            }
        }
    }

    #[test]
    fn a_quoted_name_comes_back(name in "[^\"]{0,20}[^\"\\s]") {
        let query = parse(&format!("folder:\"{name}\"")).unwrap();
        prop_assert_eq!(query.folders, [name]);
    }
}
