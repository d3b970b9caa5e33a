//! One level of a folder name as one component of an export path.
//!
//! Two levels never become the same component (but for a collision of 128 bits of BLAKE3 among the longest), and no component
//! is special to the file system or to a mailbox format. Whoever writes still opens exclusively and follows no link.

/// Longest component, in bytes: below the 255 of Linux file systems by what an export puts behind it (`.mbox`).
pub const MAX_COMPONENT: usize = 240;
/// Stands before the hash of a name that was cut; no escape begins like this.
const CUT: &str = "%~";
const CUT_LEN: usize = CUT.len() + 32;

/// `name` as a file name: letters and digits of any script, space and ``!#$&'()+,-.;=@[]^_`{}~`` stand for themselves, every other byte of
/// its UTF-8 is `%XX`.
///
/// Also escaped are a leading dot (so `.`, `..` and hidden files), a leading `-` or space, a trailing space or dot, and the names that
/// exports make themselves: `cur`, `new`, `tmp`, and the dot of `.eml` and `.mbox` at the end. The empty name is `%`. What
/// would be longer than [`MAX_COMPONENT`] is cut and ends in a hash of the whole name.
#[must_use]
pub fn safe_component(name: &str) -> String {
    if name.is_empty() {
        return "%".to_owned();
    }
    let mut out = String::with_capacity(name.len() + 8);
    let mut cut_at = 0;
    for (at, c) in name.char_indices() {
        if out.len() + CUT_LEN <= MAX_COMPONENT {
            cut_at = out.len();
        }
        push(&mut out, c, is_escaped(name, at, c));
        if out.len() > MAX_COMPONENT {
            out.truncate(cut_at);
            out.push_str(CUT);
            out.push_str(blake3::hash(name.as_bytes()).to_hex().get(..32).unwrap_or_default());
            return out;
        }
    }
    out
}

fn push(out: &mut String, c: char, escaped: bool) {
    if !escaped {
        out.push(c);
        return;
    }
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        let digit = |value: u8| HEX.get(usize::from(value)).copied().unwrap_or_default();
        out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
    }
}

fn is_escaped(name: &str, at: usize, c: char) -> bool {
    let is_first = at == 0;
    let is_last = at + c.len_utf8() == name.len();
    let is_safe = c.is_alphanumeric() || " !#$&'()+,-.;=@[]^_`{}~".contains(c);
    let rest = name.get(at..).unwrap_or_default();
    !is_safe
        || (is_first && (matches!(c, '.' | '-' | ' ') || matches!(name, "cur" | "new" | "tmp")))
        || (is_last && matches!(c, '.' | ' '))
        || (c == '.' && (rest.eq_ignore_ascii_case(".eml") || rest.eq_ignore_ascii_case(".mbox")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn names_become_harmless() {
        for (name, component) in [
            ("INBOX", "INBOX"),
            ("Projects 2026 (old)", "Projects 2026 (old)"),
            ("Входящие", "Входящие"),
            ("日本語", "日本語"),
            ("a/b\\c", "a%2Fb%5Cc"),
            ("100%", "100%25"),
            ("R&D", "R&D"),
            (".", "%2E"),
            ("..", "%2E%2E"),
            ("...", "%2E.%2E"),
            (".hidden", "%2Ehidden"),
            ("-rf", "%2Drf"),
            (" x ", "%20x%20"),
            ("", "%"),
            ("nul\0\n", "nul%00%0A"),
            ("a:b*c?\"<>|", "a%3Ab%2Ac%3F%22%3C%3E%7C"),
            ("\u{202e}x", "%E2%80%AEx"),
            ("cur", "%63ur"),
            ("news", "news"),
            ("1.eml", "1%2Eeml"),
            ("x.MBOX", "x%2EMBOX"),
            ("x.eml.y", "x.eml.y"),
        ] {
            assert_eq!(safe_component(name), component, "{name:?}");
        }
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let fits = "ф".repeat(MAX_COMPONENT / 2);
        assert_eq!(safe_component(&fits), fits);
        let mut seen = BTreeMap::new();
        for len in 121..600 {
            for unit in ["ф", "/", "x/"] {
                let name = unit.repeat(len);
                let component = safe_component(&name);
                assert!(component.len() <= MAX_COMPONENT, "{component}");
                assert!(component.contains(CUT) || component.len() >= name.len());
                assert_eq!(seen.insert(component, name), None);
            }
        }
    }

    /// Reads a component that was not cut.
    fn unescape(component: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = component.as_bytes();
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            if byte == b'%' && after.len() >= 2 {
                let hex = std::str::from_utf8(&after[..2]).unwrap();
                bytes.push(u8::from_str_radix(hex, 16).unwrap());
                rest = &after[2..];
            } else if byte != b'%' {
                bytes.push(byte);
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    proptest! {
        #[test]
        fn every_component_is_safe_and_tells_its_name(name in "(\\PC|[./%~\\x00-\\x1f]|cur|\\.eml){0,20}") {
            let component = safe_component(&name);
            prop_assert!(!component.is_empty() && component.len() <= MAX_COMPONENT);
            prop_assert!(!component.contains(['/', '\0', '\\', ':']) && !component.starts_with(['.', '-']));
            prop_assert!(!component.chars().any(char::is_control));
            prop_assert!(!["cur", "new", "tmp"].contains(&component.as_str()));
            if !component.contains(CUT) {
                prop_assert_eq!(unescape(&component), name);
            }
        }
    }
}
