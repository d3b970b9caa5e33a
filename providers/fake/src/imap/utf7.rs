//! Modified UTF-7, the spelling of mailbox names on the wire (RFC 3501 section 5.1.3).
//!
//! Rule: decoding takes only the one spelling that encoding gives; a client that spells a name in another way made a
//! mistake, although many servers would let it pass.

use base64::Engine as _;
use base64::alphabet::Alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

fn engine() -> Option<GeneralPurpose> {
    let alphabet = Alphabet::new("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").ok()?;
    let config = GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone);
    Some(GeneralPurpose::new(&alphabet, config))
}

fn is_direct(c: char) -> bool {
    matches!(c, ' '..='~')
}

/// A name as the wire spells it.
pub(crate) fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut shifted = String::new();
    for c in name.chars() {
        if is_direct(c) {
            flush(&mut out, &mut shifted);
            out.push(c);
            if c == '&' {
                out.push('-');
            }
        } else {
            shifted.push(c);
        }
    }
    flush(&mut out, &mut shifted);
    out
}

fn flush(out: &mut String, shifted: &mut String) {
    if shifted.is_empty() {
        return;
    }
    let units: Vec<u8> = shifted.encode_utf16().flat_map(u16::to_be_bytes).collect();
    if let Some(engine) = engine() {
        out.push('&');
        out.push_str(&engine.encode(units));
        out.push('-');
    }
    shifted.clear();
}

/// The name behind a spelling, or `None` where it is not the one right spelling of a name.
pub(crate) fn decode(wire: &[u8]) -> Option<String> {
    let wire = std::str::from_utf8(wire).ok()?;
    let mut out = String::with_capacity(wire.len());
    let mut rest = wire;
    while let Some(at) = rest.find('&') {
        let (direct, shift) = rest.split_at(at);
        let (shifted, after) = shift.strip_prefix('&')?.split_once('-')?;
        out.push_str(direct);
        if shifted.is_empty() {
            out.push('&');
        } else {
            out.push_str(&decode_shifted(shifted)?);
        }
        rest = after;
    }
    out.push_str(rest);
    (encode(&out) == wire).then_some(out)
}

fn decode_shifted(shifted: &str) -> Option<String> {
    let bytes = engine()?.decode(shifted).ok()?;
    let (pairs, odd) = bytes.as_chunks::<2>();
    if !odd.is_empty() {
        return None;
    }
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
    String::from_utf16(&units).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_and_their_spelling() {
        for (name, wire) in [
            ("INBOX", "INBOX"),
            ("Mail & more", "Mail &- more"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("Größe", "Gr&APYA3w-e"),
            ("\u{1F600}", "&2D3eAA-"),
            ("", ""),
        ] {
            assert_eq!(encode(name), wire);
            assert_eq!(decode(wire.as_bytes()).as_deref(), Some(name));
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for wire in [
            &b"Gr\xc3\xb6"[..],
            b"&",
            b"&AGE-",
            b"&U,BTFw-&ZeVnLIqe-",
            b"&APY",
            b"&AP-",
            b"&2D0-",
            b"&APY=-",
            b"a\tb",
            b"\xff",
        ] {
            assert_eq!(decode(wire), None, "{wire:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(name in "\\PC*") {
            let wire = encode(&name);
            prop_assert!(wire.bytes().all(|b| (0x20..0x7f).contains(&b)));
            prop_assert_eq!(decode(wire.as_bytes()), Some(name));
        }

        #[test]
        fn nothing_makes_it_panic(wire in proptest::collection::vec(any::<u8>(), 0..40)) {
            decode(&wire);
        }
    }
}
