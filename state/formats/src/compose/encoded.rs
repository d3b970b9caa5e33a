//! Text in ASCII: encoded words (RFC 2047) for header text, percent-encoding (RFC 2231) for parameters.
//!
//! What needs no encoding is left to the caller. What is encoded is encoded whole, so that no reader's opinion on the white space
//! between encoded and plain words changes the text; and so is plain text that a reader would take for encoded.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;

/// Characters of an encoded word (RFC 2047 section 2).
const MAX_WORD: usize = 75;
/// Characters of an encoded word around its content.
const FRAME: usize = "=?utf-8?q?".len() + "?=".len();
/// Room on a line below which an encoded word goes to the next.
pub(super) const LEAST_ROOM: usize = FRAME + 4 * "=XX".len();
/// Characters of a line of a parameter.
const MAX_PARAMETER: usize = 74;

/// Whether a header can hold `text` as it is: printable ASCII, no white space at an end, nothing like an encoded word.
pub(super) fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b' '..=b'~'))
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && !text.contains("=?")
}

/// `text` as encoded words of UTF-8, the first of at most `room` characters.
///
/// Q or B, whichever is shorter: Q keeps Latin text readable, B is half as long for all others. A character is never divided
/// between words (RFC 2047 section 5).
pub(super) fn words(text: &str, room: usize) -> Vec<String> {
    let escaped: usize = text.bytes().map(q_len).sum();
    let is_q = escaped <= text.len().div_ceil(3) * 4;
    let mut words = Vec::new();
    let (mut rest, mut room) = (text, room.clamp(LEAST_ROOM, MAX_WORD));
    while !rest.is_empty() {
        let (head, tail) = rest.split_at(cut(rest, is_q, room - FRAME));
        words.push(if is_q { q_word(head) } else { format!("=?utf-8?b?{}?=", STANDARD.encode(head)) });
        (rest, room) = (tail, MAX_WORD);
    }
    words
}

/// Bytes of the start of `text` that go into a word with `room` characters for them; never none.
///
/// Where not all of it fits, the cut is behind a space if there is one: some readers keep the white space between the encoded words
/// of a display name (Python 3.11), which then widens a space and puts none into the middle of a word.
fn cut(text: &str, is_q: bool, room: usize) -> usize {
    let most = fitting(text, is_q, room);
    let head = text.get(..most).filter(|head| head.len() < text.len());
    head.and_then(|head| head.rfind(' ')).map_or(most, |space| space + 1)
}

/// Bytes of whole characters at the start of `text` whose encoding has at most `room` characters; never none.
fn fitting(text: &str, is_q: bool, room: usize) -> usize {
    let mut taken = 0;
    let mut escaped = 0;
    for c in text.chars() {
        let bytes = taken + c.len_utf8();
        escaped += c.encode_utf8(&mut [0; 4]).bytes().map(q_len).sum::<usize>();
        let encoded = if is_q { escaped } else { bytes.div_ceil(3) * 4 };
        if encoded > room && taken > 0 {
            break;
        }
        taken = bytes;
    }
    taken
}

/// What a byte takes in Q. Only what is allowed everywhere stays, in a phrase too (RFC 2047 section 5, rule 3).
fn q_len(byte: u8) -> usize {
    if byte == b' ' || is_q_plain(byte) { 1 } else { 3 }
}

fn is_q_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'!' | b'*' | b'+' | b'-' | b'/')
}

fn q_word(text: &str) -> String {
    let mut word = String::from("=?utf-8?q?");
    for byte in text.bytes() {
        match byte {
            b' ' => word.push('_'),
            byte if is_q_plain(byte) => word.push(char::from(byte)),
            byte => push_hex(&mut word, '=', byte),
        }
    }
    word.push_str("?=");
    word
}

fn push_hex(out: &mut String, mark: char, byte: u8) {
    // Writing to a string does not fail.
    let _ = write!(out, "{mark}{byte:02X}");
}

/// A parameter of a MIME header field as the lines it takes, without indents and semicolons.
///
/// In quotes where that is simple and fits, else in UTF-8 by RFC 2231, over several lines where it is long (section 3). Never as
/// an encoded word, which RFC 2047 section 5 forbids there.
pub(super) fn parameter(key: &str, value: &str) -> Vec<String> {
    let is_simple = is_plain(value) && !value.contains(['"', '\\']) && !value.contains("  ");
    if is_simple && key.len() + value.len() + "=\"\"".len() <= MAX_PARAMETER {
        return vec![format!("{key}=\"{value}\"")];
    }
    let whole = format!("{key}*=utf-8''{}", percent(value));
    if whole.len() <= MAX_PARAMETER {
        return vec![whole];
    }
    let mut lines: Vec<String> = Vec::new();
    let mut line = format!("{key}*0*=utf-8''");
    for c in value.chars() {
        let encoded = percent(c.encode_utf8(&mut [0; 4]));
        if line.len() + encoded.len() > MAX_PARAMETER {
            let next = format!("{key}*{}*=", lines.len() + 1);
            lines.push(std::mem::replace(&mut line, next));
        }
        line.push_str(&encoded);
    }
    lines.push(line);
    lines
}

/// Percent-encoding of all that is no `attribute-char` (RFC 2231 section 7).
fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`{|}~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            push_hex(&mut out, '%', byte);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_needs_no_encoding() {
        for (text, plain) in [
            ("Hello, world", true),
            ("", true),
            ("a = b ? c", true),
            ("=?utf-8?q?x?=", false),
            (" x", false),
            ("x ", false),
            ("a\tb", false),
            ("café", false),
            ("\u{7f}", false),
        ] {
            assert_eq!(is_plain(text), plain, "{text:?}");
        }
    }

    #[test]
    fn the_shorter_encoding_is_taken() {
        assert_eq!(words("Zoë Brown", 75), ["=?utf-8?q?Zo=C3=AB_Brown?="]);
        assert_eq!(words("Привет", 75), ["=?utf-8?b?0J/RgNC40LLQtdGC?="]);
        assert_eq!(words("=?x", 75), ["=?utf-8?b?PT94?="]);
        assert!(words("", 75).is_empty());
    }

    #[test]
    fn words_are_cut_behind_spaces_where_there_are_any() {
        let name = "Александра Константиновна Преображенская";
        let decoded: Vec<_> = words(name, 75).iter().map(|word| decode(&word[8..word.len() - 2])).collect();
        assert_eq!(decoded, ["Александра ", "Константиновна ", "Преображенская"]);
        assert_eq!(words(&"я".repeat(40), 75).len(), 2);
    }

    #[test]
    fn parameters() {
        assert_eq!(parameter("filename", "a b.pdf"), ["filename=\"a b.pdf\""]);
        assert_eq!(parameter("filename", "é'%.txt"), ["filename*=utf-8''%C3%A9%27%25.txt"]);
        assert_eq!(parameter("filename", "a\"b\\c"), ["filename*=utf-8''a%22b%5Cc"]);
        assert_eq!(parameter("filename", ""), ["filename=\"\""]);
        let long = parameter("filename", &"я".repeat(40));
        assert!(long.iter().all(|line| line.len() <= MAX_PARAMETER), "{long:?}");
        assert!(long[0].starts_with("filename*0*=utf-8''%D1%8F") && long[1].starts_with("filename*1*=%D1"));
    }

    proptest! {
        #[test]
        fn words_fit_and_divide_no_character(text in ".{0,120}", room in 0_usize..100) {
            let words = words(&text, room);
            let mut decoded = String::new();
            for (number, word) in words.iter().enumerate() {
                let most = if number == 0 { room.clamp(LEAST_ROOM, MAX_WORD) } else { MAX_WORD };
                prop_assert!(word.len() <= most, "{word:?}");
                prop_assert!(word.bytes().all(|b| matches!(b, b'!'..=b'~')));
                let content = word.strip_prefix("=?utf-8?").and_then(|w| w.strip_suffix("?=")).unwrap();
                decoded.push_str(&decode(content));
            }
            prop_assert_eq!(decoded, text);
        }

        #[test]
        fn parameters_fit_and_come_back(value in ".{0,200}") {
            let lines = parameter("filename", &value);
            prop_assert!(lines.iter().all(|line| line.len() <= MAX_PARAMETER));
            if let [line] = lines.as_slice() && let Some(quoted) = line.strip_prefix("filename=\"") {
                prop_assert_eq!(quoted, format!("{value}\""));
                return Ok(());
            }
            let mut decoded = String::new();
            for line in &lines {
                let encoded = line.split_once("*=").unwrap().1;
                decoded.push_str(&unescape(encoded.strip_prefix("utf-8''").unwrap_or(encoded), '%'));
            }
            prop_assert_eq!(decoded, value);
        }
    }

    /// One word's content; every word is whole UTF-8 by itself.
    fn decode(content: &str) -> String {
        match content.split_at(2) {
            ("b?", base64) => String::from_utf8(STANDARD.decode(base64).unwrap()).unwrap(),
            ("q?", q) => unescape(&q.replace('_', " "), '='),
            _ => panic!("{content:?}"),
        }
    }

    fn unescape(text: &str, mark: char) -> String {
        let mut bytes = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(mark) {
            bytes.extend_from_slice(&rest.as_bytes()[..at]);
            bytes.push(u8::from_str_radix(&rest[at + 1..at + 3], 16).unwrap());
            rest = &rest[at + 3..];
        }
        bytes.extend_from_slice(rest.as_bytes());
        String::from_utf8(bytes).unwrap()
    }
}
