//! A folder's three names: the octets on the wire, the key that the store keeps, the name for people.
//!
//! - The key is the wire's modified UTF-7 (RFC 3501, section 5.1.3), also where UTF8=ACCEPT makes the wire UTF-8 (RFC 6855,
//!   section 3): whether a server offers that today must not rename folders.
//! - Octets that are not UTF-8 (servers that never encoded) become characters of the private range U+F780 … U+F7FF in the
//!   key, and themselves again on the wire.
//! - In the name for people levels are separated by `/`. Where the server separates by something else, a `/` within a level
//!   is written `%2F`, and `%2F` itself `%252F`.

use postrider_formats::folder_name;
use postrider_remote::FolderKey;

/// Stands for octet 0 of those that are no UTF-8: octets from 0x80 on are used.
const PRIVATE: u32 = 0xf700;

/// The key of a folder with that name on the wire.
pub(crate) fn key(wire: &[u8], is_utf8: bool) -> FolderKey {
    match std::str::from_utf8(wire) {
        Ok(name) if is_utf8 => FolderKey(folder_name::encode(name)),
        _ => FolderKey(lossless(wire)),
    }
}

/// The octets by which a folder is called on the wire.
pub(crate) fn wire(key: &FolderKey, is_utf8: bool) -> Vec<u8> {
    let mut octets = Vec::with_capacity(key.0.len());
    for character in key.0.chars() {
        match u32::from(character).checked_sub(PRIVATE).and_then(|octet| u8::try_from(octet).ok()) {
            Some(octet) if octet >= 0x80 => octets.push(octet),
            _ => octets.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    match is_utf8 {
        true => folder_name::decode_lossless(&octets).into_bytes(),
        false => octets,
    }
}

/// The name for people.
pub(crate) fn shown(key: &FolderKey, delimiter: Option<char>) -> String {
    let octets = wire(key, false);
    let decoded = folder_name::decode_lossless(&octets);
    if decoded.eq_ignore_ascii_case("INBOX") {
        return "INBOX".to_owned();
    }
    match delimiter {
        Some('/') => decoded,
        Some(delimiter) => decoded.split(delimiter).map(level).collect::<Vec<_>>().join("/"),
        None => level(&decoded),
    }
}

/// The key of a folder that people call so, as [`shown`] does; `INBOX` in any case is INBOX.
///
/// # Errors
/// Why no folder of the server can be called so.
pub(crate) fn from_shown(name: &str, delimiter: Option<char>) -> Result<FolderKey, String> {
    let no = |why: &str| Err(format!("its name cannot be {name:?}: {why}"));
    if name.eq_ignore_ascii_case("INBOX") {
        return Ok(FolderKey("INBOX".to_owned()));
    }
    if name.split('/').any(str::is_empty) {
        return no("a level of it has no name");
    }
    if name.chars().any(char::is_control) {
        return no("it holds a control character");
    }
    let own = match delimiter {
        Some('/') => name.to_owned(),
        Some(delimiter) => {
            let levels: Vec<String> = name.split('/').map(own_level).collect();
            if levels.iter().any(|level| level.contains(delimiter)) {
                return no(&format!(
                    "a level of it holds {:?}, by which the server separates levels",
                    delimiter.to_string()
                ));
            }
            levels.join(&delimiter.to_string())
        }
        None if name.contains('/') => return no("the server has no folders within folders"),
        None => own_level(name),
    };
    Ok(FolderKey(folder_name::encode(&own)))
}

fn own_level(shown: &str) -> String {
    shown.replace("%2F", "/").replace("%252F", "%2F")
}

fn level(name: &str) -> String {
    name.replace("%2F", "%252F").replace('/', "%2F")
}

fn lossless(wire: &[u8]) -> String {
    let mut key = String::with_capacity(wire.len());
    for chunk in wire.utf8_chunks() {
        for character in chunk.valid().chars() {
            let is_private = (PRIVATE + 0x80..=PRIVATE + 0xff).contains(&u32::from(character));
            match is_private {
                true => character.encode_utf8(&mut [0; 4]).bytes().for_each(|octet| key.push(private(octet))),
                false => key.push(character),
            }
        }
        chunk.invalid().iter().for_each(|octet| key.push(private(*octet)));
    }
    key
}

fn private(octet: u8) -> char {
    char::from_u32(PRIVATE + u32::from(octet)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn people_see_decoded_names_with_slashes() {
        let table = [
            ("inbox", Some('/'), "INBOX"),
            ("Projects/2026", Some('/'), "Projects/2026"),
            ("Projects.2026", Some('.'), "Projects/2026"),
            ("a/b.c", Some('.'), "a%2Fb/c"),
            ("a%2Fb.c%", Some('.'), "a%252Fb/c%"),
            ("a.b/c", None, "a.b%2Fc"),
            ("&BBIERQQ+BDQETwRJBDgENQ-.R&-D", Some('.'), "Входящие/R&D"),
            ("not & encoded", Some('/'), "not & encoded"),
        ];
        for (raw, delimiter, expected) in table {
            assert_eq!(shown(&FolderKey(raw.to_owned()), delimiter), expected);
        }
    }

    #[test]
    fn a_key_does_not_hang_on_utf8_accept() {
        let plain = key(b"&AOk-t&AOk-", false);
        assert_eq!(key("été".as_bytes(), true), plain);
        assert_eq!(wire(&plain, true), "été".as_bytes());
        assert_eq!(wire(&plain, false), b"&AOk-t&AOk-");
    }

    proptest! {
        #[test]
        fn what_is_shown_can_be_created(levels in prop::collection::vec("[a-zA-ZéЖ/% 2F&-]{1,6}", 1..4), delimiter in prop::sample::select(vec!['.', '\\', '^'])) {
            // `%252F` is shown for `%2F`, and for itself.
            prop_assume!(!levels.iter().any(|level| level.contains("%252F")));
            let key = FolderKey(folder_name::encode(&levels.join(&delimiter.to_string())));
            prop_assume!(!key.0.eq_ignore_ascii_case("INBOX"));
            prop_assert_eq!(from_shown(&shown(&key, Some(delimiter)), Some(delimiter)), Ok(key));
        }

        #[test]
        fn any_octets_come_back(octets in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(wire(&key(&octets, false), false), octets);
        }

        #[test]
        fn any_private_characters_come_back(name in "[\u{f700}-\u{f7ff}a-z]{0,8}", is_utf8 in any::<bool>()) {
            prop_assert_eq!(wire(&key(name.as_bytes(), is_utf8), is_utf8), name.as_bytes());
        }

        #[test]
        fn any_name_comes_back_under_utf8_accept(name in "\\PC{0,12}") {
            prop_assert_eq!(wire(&key(name.as_bytes(), true), true), name.as_bytes());
        }
    }
}
