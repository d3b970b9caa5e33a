//! Lines as they travel: ended by CRLF, no longer than 998 octets, without NUL (RFC 5322 section 2.1.1, RFC 5321 sections 2.3.8 and 4.5.3.1.6).
//!
//! A bare LF is a line end that a Unix program wrote, and becomes CRLF. A bare CR is none: some servers take it for a line
//! end and others do not, which is how a second message is smuggled into a first; it is never mended.

use memchr::{memchr, memchr_iter};
use std::borrow::Cow;

/// Octets of a line without its end.
const MAX_LINE: usize = 998;

/// `text` with CRLF for every CRLF, CR and LF, and at the end; nothing stays nothing.
pub(super) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    let mut rest = text;
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.find(['\r', '\n']).unwrap_or(rest.len()));
        out.push_str(line);
        out.push_str("\r\n");
        rest = after.strip_prefix("\r\n").or_else(|| after.get(1..)).unwrap_or_default();
    }
    out
}

/// `raw` with CRLF for every bare LF; all else stays.
pub(super) fn crlf(raw: &[u8]) -> Cow<'_, [u8]> {
    let is_bare = |at: &usize| at.checked_sub(1).and_then(|before| raw.get(before)) != Some(&b'\r');
    let bare: Vec<usize> = memchr_iter(b'\n', raw).filter(is_bare).collect();
    if bare.is_empty() {
        return Cow::Borrowed(raw);
    }
    let mut out = Vec::with_capacity(raw.len() + bare.len());
    let mut from = 0;
    for at in bare {
        out.extend_from_slice(raw.get(from..at).unwrap_or_default());
        out.push(b'\r');
        from = at;
    }
    out.extend_from_slice(raw.get(from..).unwrap_or_default());
    Cow::Owned(out)
}

/// The first line that cannot travel, counted from 1, and why. For lines that [`crlf`] has seen.
pub(super) fn fault(raw: &[u8]) -> Option<(usize, &'static str)> {
    let mut rest = raw;
    let mut number = 0;
    while !rest.is_empty() {
        let len = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at_checked(len).unwrap_or((rest, &[]));
        number += 1;
        if let Some(reason) = line_fault(line.strip_suffix(b"\r\n").unwrap_or(line)) {
            return Some((number, reason));
        }
        rest = after;
    }
    None
}

fn line_fault(line: &[u8]) -> Option<&'static str> {
    if memchr(b'\r', line).is_some() {
        return Some("a CR stands without LF");
    }
    if memchr(0, line).is_some() {
        return Some("it holds a NUL");
    }
    (line.len() > MAX_LINE).then_some("it is longer than 998 octets")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_its_lines() {
        for (given, lines) in [
            ("", ""),
            ("a", "a\r\n"),
            ("a\n", "a\r\n"),
            ("a\r\nb\nc\rd", "a\r\nb\r\nc\r\nd\r\n"),
            ("\n\r\n\r", "\r\n\r\n\r\n"),
            ("п\n\nп", "п\r\n\r\nп\r\n"),
        ] {
            assert_eq!(text(given), lines, "{given:?}");
        }
    }

    #[test]
    fn bare_line_feeds_are_mended_and_nothing_else() {
        for (given, mended) in [
            ("", ""),
            ("a\r\nb", "a\r\nb"),
            ("a\nb\n", "a\r\nb\r\n"),
            ("\n\n", "\r\n\r\n"),
            ("a\r\nb\nc\r\n", "a\r\nb\r\nc\r\n"),
            ("a\rb\r\r\n", "a\rb\r\r\n"),
        ] {
            assert_eq!(crlf(given.as_bytes()), mended.as_bytes(), "{given:?}");
        }
        assert!(matches!(crlf(b"a\r\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn faults_are_told_with_their_line() {
        for (given, fault_at) in [
            ("", None),
            ("a\r\nb\r\n", None),
            ("a\r\nb", None),
            ("a\r\nb\rc\r\n", Some(2)),
            ("a\r\n.\r\r\n", Some(2)),
            ("\r", Some(1)),
            ("a\r\n\r\nx\0y", Some(3)),
            (&"x".repeat(998), None),
            (&format!("{}\r\n", "x".repeat(998)), None),
            (&format!("a\r\n{}\r\n", "x".repeat(999)), Some(2)),
        ] {
            assert_eq!(fault(given.as_bytes()).map(|(line, _)| line), fault_at, "{given:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn mended_lines_hold_no_bare_line_feed(given in "(a|\r|\n|\r\n){0,20}") {
            let mended = crlf(given.as_bytes()).into_owned();
            let mended = String::from_utf8(mended).unwrap();
            proptest::prop_assert!(!mended.replace("\r\n", "").contains('\n'));
            proptest::prop_assert_eq!(mended.replace("\r\n", "\n"), given.replace("\r\n", "\n"));
        }
    }
}
