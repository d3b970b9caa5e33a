//! Search words: one folding for what is indexed and for what is asked, so that they always agree.
//!
//! A word is a run of letters and digits, folded (`fold`): lower case, without diacritics, compatibility forms
//! resolved, close to SQLite's `unicode61 remove_diacritics 2`. Everything else divides words. Of a longer word the first
//! [`MAX_WORD_CHARS`] characters count, in the index and in the question alike.
//!
//! Scripts written without spaces (Han, kana, Thai, Lao, Khmer, Burmese) are cut by characters: the index holds each character
//! and each pair of neighbours; a question asks for its pairs, or for the one character that it is. So a question finds every text
//! that holds it as a phrase, and now and then one that holds its pairs apart.
//!
//! The words hold ASCII letters and digits and non-ASCII characters, never anything that FTS5's `ascii` tokenizer would cut:
//! with `tokenize = 'ascii'` the index divides what [`unique_words`] wrote at its spaces and nowhere else.

mod distinct;
mod fold;

use distinct::Distinct;
use fold::{Fold, Script};

/// Characters of a word that count.
pub const MAX_WORD_CHARS: usize = 40;

/// Calls `visit` with every word of `text`, folded, in order, repetitions included. Linear in `text`.
pub fn index_words(text: &str, visit: impl FnMut(&str)) {
    Splitter::new(visit, Neighbours::CharactersAndPairs).split(text);
}

/// The words that a text must have to answer `query`, each once, in order.
#[must_use]
pub fn query_words(query: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    Splitter::new(
        |word: &str| {
            if !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        },
        Neighbours::Pairs,
    )
    .split(query);
    words
}

/// Appends every distinct word of `text` to `out`, in the order of first occurrence, each after a space unless `out` is empty.
///
/// Distinct among the words of this call. Linear in `text` even for words chosen to collide; such words may then stand twice.
pub fn unique_words(text: &str, out: &mut String) {
    unique_words_of([text], out);
}

/// [`unique_words`] over several texts, such as the names of all attachments: distinct among them, and no word reaches from
/// one into the next.
pub fn unique_words_of<'a>(texts: impl IntoIterator<Item = &'a str>, out: &mut String) {
    let mut texts = texts.into_iter();
    let Some(first) = texts.next() else { return };
    let mut distinct = Distinct::new(out, first.len());
    for text in std::iter::once(first).chain(texts) {
        index_words(text, |word| distinct.push(word));
    }
}

/// What is made of a run of characters without spaces.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Neighbours {
    CharactersAndPairs,
    Pairs,
}

/// Cuts text into words and gives them out.
struct Splitter<F> {
    visit: F,
    neighbours: Neighbours,
    word: String,
    /// Characters read of the word, those beyond the cap too.
    chars: usize,
    /// The last characters of a run without spaces; the first of two is already given out.
    run: String,
    run_chars: usize,
}

impl<F: FnMut(&str)> Splitter<F> {
    fn new(visit: F, neighbours: Neighbours) -> Self {
        Splitter { visit, neighbours, word: String::new(), chars: 0, run: String::new(), run_chars: 0 }
    }

    fn split(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        let mut at = 0;
        while let Some((&byte, after)) = rest.split_first() {
            if byte.is_ascii_alphanumeric() {
                self.end_run();
                self.push(char::from(byte.to_ascii_lowercase()));
            } else if byte.is_ascii() {
                self.boundary();
            } else {
                let tail = text.get(at..).unwrap_or_default();
                let len = tail.bytes().position(|b| b.is_ascii()).unwrap_or(tail.len());
                let (foreign, _) = tail.split_at_checked(len).unwrap_or((tail, ""));
                self.foreign(foreign);
                at += len.max(1);
                rest = text.as_bytes().get(at..).unwrap_or_default();
                continue;
            }
            at += 1;
            rest = after;
        }
        self.boundary();
    }

    fn foreign(&mut self, text: &str) {
        fold::fold(text, |step| match step {
            Fold::Letter(c, Script::Spaced) => {
                self.end_run();
                self.push(c);
            }
            Fold::Letter(c, Script::Unspaced) => {
                self.end_word();
                self.push_unspaced(c);
            }
            Fold::Mark(mark) => self.join(mark),
            Fold::Boundary => self.boundary(),
        });
    }

    fn push(&mut self, c: char) {
        if self.chars < MAX_WORD_CHARS {
            self.word.push(c);
        }
        self.chars += 1;
    }

    /// A mark that makes another letter of the one before it.
    fn join(&mut self, mark: char) {
        let buffer = if self.run_chars > 0 { &mut self.run } else { &mut self.word };
        let is_cut = self.run_chars == 0 && self.chars > MAX_WORD_CHARS;
        if !is_cut
            && let Some(base) = buffer.chars().next_back()
            && let Some(joined) = fold::join(base, mark)
        {
            buffer.pop();
            buffer.push(joined);
        }
    }

    fn push_unspaced(&mut self, c: char) {
        if self.run_chars > 0 {
            self.give_first();
        }
        self.run.push(c);
        self.run_chars += 1;
    }

    /// Of `run`, which is one or two characters, gives out the pair, and forgets all but the last character.
    fn give_first(&mut self) {
        self.give_last(false);
        let last = self.run.char_indices().next_back().map_or(0, |(at, _)| at);
        self.run.drain(..last);
    }

    fn give_last(&mut self, at_end: bool) {
        if self.run_chars > 1 {
            (self.visit)(&self.run);
        }
        let is_alone = self.run_chars == 1 && at_end;
        if self.neighbours == Neighbours::CharactersAndPairs || is_alone {
            let last = self.run.char_indices().next_back().map_or(0, |(at, _)| at);
            (self.visit)(self.run.get(last..).unwrap_or_default());
        }
    }

    fn end_word(&mut self) {
        if self.chars > 0 {
            (self.visit)(&self.word);
            self.word.clear();
            self.chars = 0;
        }
    }

    fn end_run(&mut self) {
        if self.run_chars > 0 {
            self.give_last(true);
            self.run.clear();
            self.run_chars = 0;
        }
    }

    fn boundary(&mut self) {
        self.end_word();
        self.end_run();
    }
}

#[cfg(test)]
mod tests;
