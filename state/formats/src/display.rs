//! Text from outside on a terminal: what could move the cursor, change colours, reorder or hide what is printed becomes visible.
//!
//! Only for printing. What is stored and exported stays as it came.

use std::borrow::Cow;
use std::fmt::Write;

/// `text` with every control, bidirectional and invisible format character as `\u{…}`.
///
/// Those are C0 (line ends and tabs too), DEL, C1, the line and paragraph separators, and the format characters of Unicode (general category
/// Cf: bidirectional controls, zero-width characters, tags). A backslash stays: the result is for eyes and is not read back.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    escape_by(text, is_dangerous, |out, c| {
        // Writing to a string does not fail.
        let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
    })
}

/// A JSON document, already written, with the same characters as `\uXXXX`, so that readers of JSON get the same values.
///
/// Line ends and tabs stay: in valid JSON they stand between tokens only.
#[must_use]
pub fn escape_json(json: &str) -> Cow<'_, str> {
    let is_escaped = |c| is_dangerous(c) && !matches!(c, '\n' | '\r' | '\t');
    escape_by(json, is_escaped, |out, c| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

fn escape_by(
    text: &str,
    is_escaped: impl Fn(char) -> bool,
    mut write: impl FnMut(&mut String, char),
) -> Cow<'_, str> {
    let Some(first) = text.find(&is_escaped) else { return Cow::Borrowed(text) };
    let (head, tail) = text.split_at(first);
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(head);
    for c in tail.chars() {
        if is_escaped(c) {
            write(&mut out, c);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Control characters, separators of lines, and general category Cf of Unicode 17 with the invisible fillers of Hangul and the
/// unassigned neighbours that renderers ignore by default.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}'
            | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_could_do_harm_becomes_visible() {
        for (text, shown) in [
            ("Привет, мир 😀 — ok", "Привет, мир 😀 — ok"),
            ("\u{1b}[31mred\u{1b}[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("a\r\nb\tc\0\u{7f}", "a\\u{d}\\u{a}b\\u{9}c\\u{0}\\u{7f}"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("invoice\u{202e}fdp.exe", "invoice\\u{202e}fdp.exe"),
            ("\u{2066}x\u{2069} \u{200f}\u{61c}", "\\u{2066}x\\u{2069} \\u{200f}\\u{61c}"),
            ("pay\u{200b}pal \u{feff}\u{e0041}", "pay\\u{200b}pal \\u{feff}\\u{e0041}"),
            ("line\u{2028}para\u{2029}", "line\\u{2028}para\\u{2029}"),
            ("C:\\dir", "C:\\dir"),
            ("", ""),
        ] {
            assert_eq!(escape(text), shown, "{text:?}");
        }
        assert!(matches!(escape("nothing to do"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn nothing_dangerous_is_left(text in any::<String>()) {
            prop_assert!(!escape(&text).chars().any(is_dangerous));
        }

        #[test]
        fn json_keeps_its_values(values in prop::collection::vec(any::<String>(), 0..4)) {
            let json = serde_json::to_string_pretty(&values).unwrap();
            let escaped = escape_json(&json);
            prop_assert!(!escaped.chars().any(|c| is_dangerous(c) && c != '\n'));
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(&escaped).unwrap(), values);
        }
    }
}
