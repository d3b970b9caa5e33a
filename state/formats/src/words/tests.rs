//! Tables and properties of the folding.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn indexed(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    index_words(text, |word| words.push(word.to_owned()));
    words
}

#[test]
fn words_are_folded() {
    for (text, words) in [
        ("", &[][..]),
        ("Hello, WORLD-wide web2!", &["hello", "world", "wide", "web2"]),
        ("Crème brûlée Ångström naïve", &["creme", "brulee", "angstrom", "naive"]),
        ("cre\u{300}me", &["creme"]),
        ("Straße", &["straße"]),
        ("Привет, Ёлка и мой", &["привет", "елка", "и", "мой"]),
        ("мои\u{306} йод Йод", &["мой", "йод", "йод"]),
        ("ΟΔΟΣ οδός", &["οδοσ", "οδοσ"]),
        ("İstanbul ISTANBUL", &["istanbul", "istanbul"]),
        ("ＡＢＣ１ ﬁn", &["abc1", "fin"]),
        ("co\u{ad}operate zero\u{200b}width", &["cooperate", "zerowidth"]),
        ("한국어 \u{1112}\u{1161}\u{11ab}", &["한국어", "한"]),
        ("हिन्दी", &["हिन्दी"]),
        ("שָׁלוֹם", &["שלום"]),
        ("½ 😀 – „x“", &["1", "2", "x"]),
        ("alice@Example.COM", &["alice", "example", "com"]),
        ("a\0b\nc", &["a", "b", "c"]),
    ] {
        assert_eq!(indexed(text), words, "{text:?}");
        let distinct: BTreeSet<_> = words.iter().copied().map(str::to_owned).collect();
        assert_eq!(query_words(text).into_iter().collect::<BTreeSet<_>>(), distinct, "{text:?}");
    }
}

#[test]
fn scripts_without_spaces_are_cut_by_characters() {
    for (text, index, query) in [
        ("東京都", &["東", "東京", "京", "京都", "都"][..], &["東京", "京都"][..]),
        ("東", &["東"], &["東"]),
        ("iPhone用2台", &["iphone", "用", "2", "台"], &["iphone", "用", "2", "台"]),
        ("がぎ", &["が", "がぎ", "ぎ"], &["がぎ"]),
        ("か\u{3099}き\u{3099}", &["が", "がぎ", "ぎ"], &["がぎ"]),
        ("東、京", &["東", "京"], &["東", "京"]),
    ] {
        assert_eq!(query_words(text), query, "{text:?}");
        let (got, want): (BTreeSet<_>, BTreeSet<_>) =
            (indexed(text).into_iter().collect(), index.iter().copied().map(str::to_owned).collect());
        assert_eq!(got, want, "{text:?}");
    }
}

#[test]
fn long_words_count_by_their_first_characters() {
    let long = "ф".repeat(MAX_WORD_CHARS);
    for text in [format!("{long}а"), format!("{long}б"), format!("{long}и\u{306}"), long.clone()] {
        assert_eq!(indexed(&text), [long.as_str()]);
        assert_eq!(query_words(&text), [long.as_str()]);
    }
    assert_eq!(indexed(&"x".repeat(1 << 20)), ["x".repeat(MAX_WORD_CHARS)]);
}

#[test]
fn distinct_words_are_appended_in_order() {
    let mut out = String::new();
    unique_words("b a B c, a", &mut out);
    unique_words("a d", &mut out);
    unique_words("...", &mut out);
    assert_eq!(out, "b a c a d");
    let mut of_several = "x".to_owned();
    unique_words_of(["a b", "b c", "", "c", "d"], &mut of_several);
    assert_eq!(of_several, "x a b c d");
}

#[test]
fn many_distinct_words_stay_distinct() {
    let text: String = (0..50_000).map(|n| format!("w{n} x{} ", n % 1000)).collect();
    let mut out = String::new();
    unique_words(&text, &mut out);
    let words: Vec<_> = out.split(' ').collect();
    assert_eq!(words.len(), 51_000);
    assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), 51_000);
}

proptest! {
    #[test]
    fn what_is_asked_is_in_the_index(text in "\\PC{0,60}", noise in "[ .,東a-zé]{0,20}") {
        let index: BTreeSet<_> = indexed(&format!("{noise} {text}. {noise}")).into_iter().collect();
        for word in query_words(&text) {
            prop_assert!(index.contains(&word), "{word:?}");
        }
    }

    #[test]
    fn folding_twice_changes_nothing(text in "\\PC{0,60}") {
        for word in indexed(&text) {
            prop_assert!(query_words(&word) == [word.clone()] || word.chars().count() == 2, "{:?} {:?}", word, query_words(&word));
            prop_assert!(word.chars().count() <= MAX_WORD_CHARS);
            prop_assert!(!word.is_empty() && !word.contains(char::is_whitespace));
            prop_assert!(word.chars().all(|c| !c.is_ascii() || c.is_ascii_lowercase() || c.is_ascii_digit()), "{:?}", word);
        }
    }

    #[test]
    fn composed_and_decomposed_text_agree(text in "[àéîõüñçšžйёĭґΐόがぱ한국A-Za-z ]{0,30}") {
        use unicode_normalization::UnicodeNormalization;
        prop_assert_eq!(indexed(&text.nfd().collect::<String>()), indexed(&text.nfc().collect::<String>()));
    }

    #[test]
    fn unique_words_are_the_set_of_words(text in "\\PC{0,200}") {
        let mut out = String::new();
        unique_words(&text, &mut out);
        let words: Vec<_> = out.split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect();
        let set: BTreeSet<_> = indexed(&text).into_iter().collect();
        prop_assert_eq!(words.len(), set.len());
        prop_assert_eq!(words.into_iter().collect::<BTreeSet<_>>(), set);
    }
}
