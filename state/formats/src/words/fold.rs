//! Folding of characters that are not ASCII: what each counts as in a word.
//!
//! A character is resolved into its compatibility decomposition (Unicode Standard Annex 15), its diacritics fall away, the rest is
//! lower-cased. Three kinds of mark make another letter and stay: the breve of Cyrillic й, the voicing of kana, and the vowels and
//! finals of Hangul. Vowel signs of Indic scripts are part of the word.
//!
//! The result does not depend on whether text comes composed or decomposed.

use unicode_normalization::char::{compose, decompose_compatible, is_combining_mark};

/// Whether a script puts spaces between words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Spaced,
    Unspaced,
}

/// What a character does to the word that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    /// It goes on with this letter.
    Letter(char, Script),
    /// This mark changes the letter before it, see [`join`].
    Mark(char),
    /// It ends.
    Boundary,
}

/// Calls `step` for every character of `text` that counts.
pub(super) fn fold(text: &str, mut step: impl FnMut(Fold)) {
    for c in text.chars() {
        match c {
            // The frequent ones, which decompose to nothing else.
            'а'..='и' | 'к'..='я' => step(Fold::Letter(c, Script::Spaced)),
            'й' | 'Й' => step(Fold::Letter('й', Script::Spaced)),
            'А'..='И' | 'К'..='Я' => c.to_lowercase().for_each(|c| step(Fold::Letter(c, Script::Spaced))),
            '\u{ac00}'..='\u{d7a3}' => step(Fold::Letter(c, Script::Spaced)),
            _ => decompose_compatible(c, |part| resolved(part, &mut step)),
        }
    }
}

fn resolved(c: char, step: &mut impl FnMut(Fold)) {
    if is_joining(c) {
        step(Fold::Mark(c));
    } else if is_diacritic(c) || is_invisible(c) {
        // Neither a letter nor a boundary.
    } else if c.is_alphanumeric() || is_combining_mark(c) {
        let script = if is_unspaced(c) { Script::Unspaced } else { Script::Spaced };
        for lower in c.to_lowercase().filter(|lower| !is_diacritic(*lower)) {
            step(Fold::Letter(if lower == 'ς' { 'σ' } else { lower }, script));
        }
    } else {
        step(Fold::Boundary);
    }
}

/// The letter that `base` and `mark` make; `None` where the mark is only a diacritic.
pub(super) fn join(base: char, mark: char) -> Option<char> {
    match mark {
        '\u{306}' => (base == 'и').then_some('й'),
        _ => compose(base, mark),
    }
}

fn is_joining(c: char) -> bool {
    matches!(c, '\u{306}' | '\u{3099}' | '\u{309a}' | '\u{1161}'..='\u{1175}' | '\u{11a8}'..='\u{11c2}')
}

/// Accents of Latin, Greek, Cyrillic; points of Hebrew; short vowels of Arabic, which writers mostly leave out.
fn is_diacritic(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}'
        | '\u{5c4}'..='\u{5c5}' | '\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}' | '\u{6e7}'..='\u{6e8}' | '\u{6ea}'..='\u{6ed}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Soft hyphen, joiners, directional marks, variation selectors: they stand inside words and mean nothing there.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0100}'..='\u{e01ef}')
}

fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3005}'..='\u{3007}'
        | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}
