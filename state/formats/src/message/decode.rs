//! From the octets of a text part to characters: transfer encodings (RFC 2045 section 6), then charsets.
//!
//! Lenient where a person could still read the text: damaged escapes stand for themselves, octets outside the base64
//! alphabet are passed over as RFC 2045 section 6.8 asks, an unknown charset is guessed. Only what is kept for search and display goes
//! through here; nothing is written back.

use super::Encoding;
use mail_parser::decoders::charsets::map::charset_decoder;
use memchr::memchr;
use std::borrow::Cow;

/// The content of a body without its transfer encoding.
pub(super) fn content(body: &[u8], encoding: Encoding) -> Cow<'_, [u8]> {
    match encoding {
        Encoding::Identity => Cow::Borrowed(body),
        Encoding::Base64 => Cow::Owned(base64(body)),
        Encoding::QuotedPrintable => quoted_printable(body),
    }
}

const NOT_BASE64: u8 = 0xff;
const BASE64: [u8; 256] = base64_values();

const fn base64_values() -> [u8; 256] {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut values = [NOT_BASE64; 256];
    let mut value = 0;
    while value < alphabet.len() {
        values[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    values
}

/// Padding ends a group but not the text: mailers join encoded pieces.
fn base64(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() / 4 * 3);
    let (mut group, mut sextets) = (0u32, 0u32);
    for &octet in body {
        let value = BASE64.get(usize::from(octet)).copied().unwrap_or(NOT_BASE64);
        if value != NOT_BASE64 {
            group = group << 6 | u32::from(value);
            sextets += 1;
        }
        if sextets == 4 || (octet == b'=' && sextets > 0) {
            push_group(&mut out, group, sextets);
            (group, sextets) = (0, 0);
        }
    }
    push_group(&mut out, group, sextets);
    out
}

/// The whole octets in `sextets` times six bits.
fn push_group(out: &mut Vec<u8>, group: u32, sextets: u32) {
    let [_, a, b, c] = (group << (6 * (4 - sextets))).to_be_bytes();
    match sextets {
        4 => out.extend_from_slice(&[a, b, c]),
        3 => out.extend_from_slice(&[a, b]),
        2 => out.push(a),
        _ => {}
    }
}

fn quoted_printable(body: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr(b'=', body) else { return Cow::Borrowed(body) };
    let mut out = Vec::with_capacity(body.len());
    let (mut plain, mut rest) = body.split_at_checked(first).unwrap_or((body, &[]));
    loop {
        out.extend_from_slice(plain);
        let Some((_, after)) = rest.split_first() else { break };
        rest = match escape(after) {
            Some((octet, after)) => {
                out.extend(octet);
                after
            }
            None => {
                out.push(b'=');
                after
            }
        };
        let next = memchr(b'=', rest).unwrap_or(rest.len());
        (plain, rest) = rest.split_at_checked(next).unwrap_or((rest, &[]));
    }
    Cow::Owned(out)
}

/// What follows `=`: two hex digits, or a soft line break with padding before it. `None` if neither.
fn escape(after: &[u8]) -> Option<(Option<u8>, &[u8])> {
    if let [high, low, rest @ ..] = after
        && let (Some(high), Some(low)) = (char::from(*high).to_digit(16), char::from(*low).to_digit(16))
    {
        return u8::try_from(high << 4 | low).ok().map(|octet| (Some(octet), rest));
    }
    let padding = after.iter().take(80).take_while(|b| matches!(b, b' ' | b'\t' | b'\r')).count();
    match after.get(padding) {
        Some(b'\n') => after.get(padding + 1..).map(|rest| (None, rest)),
        None => Some((None, &[])),
        Some(_) => None,
    }
}

/// The characters of `bytes` in the charset that the part names.
///
/// Without a charset, or with one that nobody knows: UTF-8 if it is UTF-8, else windows-1252, which is what unlabelled 8-bit mail
/// most often is.
pub(super) fn characters<'a>(bytes: &'a [u8], charset: Option<&str>) -> Cow<'a, str> {
    if let Some(encoding) = charset.and_then(|label| encoding_rs::Encoding::for_label(label.as_bytes())) {
        let is_guess = encoding == encoding_rs::WINDOWS_1252;
        return match std::str::from_utf8(bytes) {
            Ok(text) if is_guess => Cow::Borrowed(text),
            _ => encoding.decode(bytes).0,
        };
    }
    if let Some(decode) = charset.and_then(|label| charset_decoder(label.as_bytes())) {
        return Cow::Owned(decode(bytes));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(error) if is_cut_utf8(bytes, error) => String::from_utf8_lossy(bytes),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// UTF-8 that was cut inside a character: right up to there, and not by being ASCII.
fn is_cut_utf8(bytes: &[u8], error: std::str::Utf8Error) -> bool {
    error.error_len().is_none() && bytes.get(..error.valid_up_to()).is_some_and(|valid| !valid.is_ascii())
}

/// The charset that an HTML document names in its head, for parts without a charset parameter.
pub(super) fn html_charset(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..1024).unwrap_or(bytes).to_ascii_lowercase();
    let at = memchr::memmem::find(&head, b"charset=")? + "charset=".len();
    let label: String = head
        .get(at..)?
        .iter()
        .skip_while(|b| matches!(b, b'"' | b'\'' | b' '))
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'))
        .map(|&b| char::from(b))
        .collect();
    (!label.is_empty()).then_some(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_through_line_ends_padding_and_rubbish() {
        for (body, content) in [
            ("SGVsbG8sIHdvcmxk", "Hello, world"),
            ("SGVs\r\nbG8=\r\n", "Hello"),
            ("SGVsbG8", "Hello"),
            ("SGVsbA==bG8=", "Helllo"),
            ("S-G*V\0sbG8=", "Hello"),
            ("====", ""),
            ("A", ""),
            ("", ""),
        ] {
            assert_eq!(base64(body.as_bytes()), content.as_bytes(), "{body:?}");
        }
    }

    #[test]
    fn quoted_printable_is_read_even_when_damaged() {
        for (body, content) in [
            ("plain", "plain"),
            ("a=3Db=3d", "a=b="),
            ("soft=\r\nbreak=\nand=  \t\r\nmore", "softbreakandmore"),
            ("=D0=9F", "П"),
            ("1+1=2, =zz, =4", "1+1=2, =zz, =4"),
            ("end=", "end"),
            ("==3D", "=="),
        ] {
            assert_eq!(quoted_printable(body.as_bytes()), content.as_bytes(), "{body:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn base64_in_lines_comes_back(octets: Vec<u8>, width in 1_usize..80) {
            use ::base64::Engine;
            let encoded = ::base64::engine::general_purpose::STANDARD.encode(&octets);
            let lines: Vec<u8> = encoded.as_bytes().chunks(width).flat_map(|line| [line, b"\r\n"].concat()).collect();
            proptest::prop_assert_eq!(base64(&lines), octets);
        }

        #[test]
        fn quoted_printable_comes_back(octets: Vec<u8>, width in 1_usize..80) {
            let escapes: Vec<String> = octets.iter().map(|octet| format!("={octet:02X}")).collect();
            let lines = escapes.chunks(width).map(<[String]>::concat).collect::<Vec<_>>().join("=\r\n");
            let decoded = quoted_printable(lines.as_bytes()).into_owned();
            proptest::prop_assert_eq!(decoded, octets);
        }

        #[test]
        fn no_octets_and_no_charset_panic(octets: Vec<u8>, charset in "[a-z0-9_-]{0,12}|utf-7|utf-16|iso-2022-jp|hz-gb-2312|gb18030|big5") {
            let _ = (characters(&octets, Some(&charset)), characters(&octets, None), html_charset(&octets));
            let _ = (base64(&octets), quoted_printable(&octets));
        }
    }

    #[test]
    fn charsets_are_named_guessed_or_survived() {
        for (bytes, charset, text) in [
            (&b"\xcf\xf0\xe8\xe2\xe5\xf2"[..], Some("windows-1251"), "Привет"),
            (b"\xf0\xd2\xc9\xd7\xc5\xd4", Some("KOI8-R"), "Привет"),
            (b"caf\xe9", Some("iso-8859-1"), "café"),
            (b"caf\xe9", None, "café"),
            (b"caf\xe9 \x85", Some("x-unknown"), "café …"),
            ("café".as_bytes(), None, "café"),
            ("café".as_bytes(), Some("us-ascii"), "café"),
            (b"caf\xe9", Some("utf-8"), "caf\u{fffd}"),
            (b"\x83n\x83\x8d\x81[", Some("shift_jis"), "ハロー"),
            (b"+ZYeB9FH6-", Some("utf-7"), "文致出"),
            (b"\x9b\x9c", Some("cp850"), "ø£"),
            (b"\xd0\xbf\xd0", None, "п\u{fffd}"),
        ] {
            assert_eq!(characters(bytes, charset), text, "{bytes:?} {charset:?}");
        }
    }

    #[test]
    fn html_names_its_charset() {
        for (html, charset) in [
            ("<META CHARSET=\"KOI8-R\">", Some("koi8-r")),
            ("<meta content='text/html; charset=windows-1251'>", Some("windows-1251")),
            ("<p>none", None),
            ("charset=", None),
        ] {
            assert_eq!(html_charset(html.as_bytes()).as_deref(), charset, "{html:?}");
        }
    }
}
