//! Mailbox names as the server holds them: decoded, levels separated by the server's delimiter.
//!
//! Rule: the first level `INBOX` is one name in every case (RFC 3501 section 5.1). Nothing here knows how a name is
//! spelt on the wire.

/// The name with its first level in capitals if that is INBOX.
pub(crate) fn canonical(name: &str, delimiter: char) -> String {
    match name.split_once(delimiter) {
        Some((first, rest)) if first.eq_ignore_ascii_case("INBOX") => format!("INBOX{delimiter}{rest}"),
        None if name.eq_ignore_ascii_case("INBOX") => "INBOX".to_owned(),
        _ => name.to_owned(),
    }
}

/// Whether a mailbox may have this name: no empty level, no control character, no wildcard.
pub(crate) fn is_valid(name: &str, delimiter: char) -> bool {
    !name.is_empty()
        && name.split(delimiter).all(|level| !level.is_empty())
        && !name.chars().any(|c| c.is_control() || c == '%' || c == '*')
}

/// The names of all mailboxes above this one, outermost first.
pub(crate) fn ancestors(name: &str, delimiter: char) -> impl Iterator<Item = &str> {
    name.match_indices(delimiter).filter_map(|(at, _)| name.get(..at))
}

/// Whether `child` lies below `parent`.
pub(crate) fn is_below(child: &str, parent: &str, delimiter: char) -> bool {
    child.strip_prefix(parent).is_some_and(|rest| rest.starts_with(delimiter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inbox_is_one_name() {
        for (given, held) in
            [("inbox", "INBOX"), ("InBox/a", "INBOX/a"), ("inboxes", "inboxes"), ("a/inbox", "a/inbox")]
        {
            assert_eq!(canonical(given, '/'), held);
        }
    }

    #[test]
    fn names_with_holes_or_wildcards_are_refused() {
        for name in ["", "/a", "a/", "a//b", "a%", "a*", "a\u{7}"] {
            assert!(!is_valid(name, '/'), "{name:?}");
        }
        assert!(is_valid("Größe/\"&\"", '/'));
    }

    #[test]
    fn ancestors_come_outermost_first() {
        assert_eq!(ancestors("a/b/c", '/').collect::<Vec<_>>(), ["a", "a/b"]);
        assert!(is_below("a/b", "a", '/') && !is_below("ab", "a", '/') && !is_below("a", "a", '/'));
    }
}
