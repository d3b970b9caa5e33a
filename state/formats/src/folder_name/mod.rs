//! Names of folders: as IMAP writes them (`mutf7`), as a person reads them, and as a file system may hold them (`component`).
//!
//! The name on the wire stays the key of a folder; what is here is for people and for paths.

mod component;
mod mutf7;

pub use component::{MAX_COMPONENT, safe_component};
pub use mutf7::{NotModifiedUtf7, decode, decode_lossless, encode};

/// The levels of a decoded name. A server without hierarchy (`NIL` as delimiter) has one level.
///
/// Empty levels stay, so that joining the levels by the delimiter gives the name again.
#[must_use]
pub fn split_path(name: &str, delimiter: Option<char>) -> Vec<&str> {
    match delimiter {
        Some(delimiter) => name.split(delimiter).collect(),
        None => vec![name],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_split_at_the_delimiter_only() {
        for (name, delimiter, levels) in [
            ("Projects/2026", Some('/'), &["Projects", "2026"][..]),
            ("Projects/2026", Some('.'), &["Projects/2026"]),
            ("INBOX.a.b", Some('.'), &["INBOX", "a", "b"]),
            ("a/b", None, &["a/b"]),
            ("/a//b/", Some('/'), &["", "a", "", "b", ""]),
            ("", Some('/'), &[""]),
        ] {
            assert_eq!(split_path(name, delimiter), levels, "{name:?}");
        }
    }
}
