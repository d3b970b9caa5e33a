//! Modified UTF-7, in which IMAP4rev1 writes folder names (RFC 3501 section 5.1.3).
//!
//! Printable ASCII stands for itself, `&` is `&-`, and the rest is UTF-16BE in a base64 with `,` for `/` and without padding,
//! between `&` and `-`. [`decode`] is strict; [`decode_lossless`] is for names as servers really have them.

use base64::Engine;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use thiserror::Error;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &IMAP_MUTF7,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// A name that is not the modified UTF-7 of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not modified UTF-7 at byte {at}")]
pub struct NotModifiedUtf7 {
    /// Offset of the first byte that is wrong, or of the `&` that begins what is wrong.
    pub at: usize,
}

/// The modified UTF-7 of `name`.
#[must_use]
pub fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let len = if is_direct(c) { 1 } else { rest.find(is_direct).unwrap_or(rest.len()) };
        let (unit, after) = rest.split_at_checked(len).unwrap_or((rest, ""));
        match c {
            '&' => out.push_str("&-"),
            c if is_direct(c) => out.push(c),
            _ => push_shifted(&mut out, unit),
        }
        rest = after;
    }
    out
}

/// What stands for itself, `&` included, which has a form of its own.
fn is_direct(c: char) -> bool {
    matches!(c, ' '..='~')
}

fn push_shifted(out: &mut String, text: &str) {
    let octets: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    out.push('&');
    BASE64.encode_string(octets, out);
    out.push('-');
}

/// The name that `raw` is the modified UTF-7 of.
///
/// # Errors
/// [`NotModifiedUtf7`] for whatever [`encode`] would not have written: octets outside printable ASCII, bad base64, lone surrogates, bits left
/// over, printable characters in base64, two shifts in a row.
pub fn decode(raw: &[u8]) -> Result<String, NotModifiedUtf7> {
    let mut name = String::with_capacity(raw.len());
    let mut at = 0;
    let mut after_shift = false;
    while let Some(&byte) = raw.get(at) {
        let wrong = NotModifiedUtf7 { at };
        if byte == b'&' {
            let (len, text) = shifted(raw.get(at + 1..).unwrap_or_default()).ok_or(wrong)?;
            let is_shift = text != "&";
            if is_shift && after_shift {
                return Err(wrong);
            }
            after_shift = is_shift;
            name.push_str(&text);
            at += len + 1;
        } else if (b' '..=b'~').contains(&byte) {
            after_shift = false;
            name.push(char::from(byte));
            at += 1;
        } else {
            return Err(wrong);
        }
    }
    Ok(name)
}

/// What stands behind an `&`: how long with its `-`, and what it means.
fn shifted(after: &[u8]) -> Option<(usize, String)> {
    let end = memchr::memchr(b'-', after)?;
    if end == 0 {
        return Some((1, "&".to_owned()));
    }
    let octets = BASE64.decode(after.get(..end)?).ok()?;
    let (pairs, left_over) = octets.as_chunks::<2>();
    let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
    let text: String = char::decode_utf16(units).collect::<Result<_, _>>().ok()?;
    (left_over.is_empty() && !text.is_empty() && !text.contains(is_direct)).then_some((end + 1, text))
}

/// The name for people of a folder that is called `raw` on the wire.
///
/// The decoded name if encoding it gives `raw` again; else `raw` itself, for servers that list other people's bytes (UTF-8, Latin-1, a
/// bare `&`). Octets that are not UTF-8 become U+FFFD, so that two such names may look alike: the key of a folder is always `raw`.
#[must_use]
pub fn decode_lossless(raw: &[u8]) -> String {
    decode(raw)
        .ok()
        .filter(|name| encode(name).as_bytes() == raw)
        .unwrap_or_else(|| String::from_utf8_lossy(raw).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_encoded_as_the_rfc_says() {
        for (name, raw) in [
            ("INBOX", "INBOX"),
            ("R&D", "R&-D"),
            ("&", "&-"),
            ("&&", "&-&-"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("Входящие", "&BBIERQQ+BDQETwRJBDgENQ-"),
            ("é&ü", "&AOk-&-&APw-"),
            ("a\tb\u{7f}", "a&AAk-b&AH8-"),
            ("😀", "&2D3eAA-"),
            ("", ""),
        ] {
            assert_eq!(encode(name), raw, "{name:?}");
            assert_eq!(decode(raw.as_bytes()).as_deref(), Ok(name), "{raw:?}");
            assert_eq!(decode_lossless(raw.as_bytes()), name, "{raw:?}");
        }
    }

    #[test]
    fn other_names_are_refused_and_shown_as_they_are() {
        for (raw, at) in [
            ("A&B", 1),
            ("&", 0),
            ("x&AOk", 1),
            ("&AOk=-", 0),
            ("&AO-", 0),
            ("&A/k-", 0),
            ("&AOl-", 0),
            ("&AGE-", 0),
            ("&2D0-", 0),
            ("&AOk-&APw-", 5),
            ("a\tb", 1),
            ("Entwürfe", 4),
        ] {
            assert_eq!(decode(raw.as_bytes()), Err(NotModifiedUtf7 { at }), "{raw:?}");
            assert_eq!(decode_lossless(raw.as_bytes()), raw);
        }
        assert_eq!(decode_lossless(b"Entw\xfcrfe"), "Entw\u{fffd}rfe");
    }

    proptest! {
        #[test]
        fn every_name_comes_back(name in any::<String>()) {
            let raw = encode(&name);
            prop_assert!(raw.bytes().all(|b| (b' '..=b'~').contains(&b)));
            prop_assert_eq!(decode(raw.as_bytes()), Ok(name.clone()));
            prop_assert_eq!(decode_lossless(raw.as_bytes()), name);
        }

        #[test]
        fn what_decodes_is_what_was_encoded(raw in "[A-Za-z&,+-]{0,16}") {
            match decode(raw.as_bytes()) {
                Ok(name) => prop_assert_eq!(encode(&name), raw),
                Err(_) => prop_assert_eq!(decode_lossless(raw.as_bytes()), raw),
            }
        }

        #[test]
        fn no_bytes_panic(raw in any::<Vec<u8>>()) {
            let _ = decode_lossless(&raw);
        }
    }
}
