//! Names of files in a Maildir (<https://cr.yp.to/proto/maildir.html>), for export.
//!
//! The file holds the message byte for byte; all that Maildir adds stands in its name.

use crate::folder_name::safe_component;
use std::collections::BTreeSet;

/// The name of a message's file in `cur`: `SECONDS.ID.postrider,S=SIZE:2,FLAGS`.
///
/// `received_us` is the internal date in microseconds since 1970, `id` is what tells the message from every other one in the folder and is
/// escaped, `size` counts octets, `flags` are those of IMAP ([`info`]). The same message gets the same name in every export.
#[must_use]
pub fn file_name<'a>(
    received_us: i64,
    id: &str,
    size: u64,
    flags: impl IntoIterator<Item = &'a str>,
) -> String {
    let seconds = received_us.max(0) / 1_000_000;
    format!("{seconds}.{}.postrider,S={size}:{}", safe_component(id), info(flags))
}

/// The flags of IMAP as the info of a file name: `2,` and letters in ASCII order, each once.
///
/// Keywords that Maildir has no letter for are left out.
#[must_use]
pub fn info<'a>(flags: impl IntoIterator<Item = &'a str>) -> String {
    let letters: BTreeSet<char> = flags.into_iter().filter_map(letter).collect();
    std::iter::once("2,".to_owned()).chain(letters.into_iter().map(String::from)).collect()
}

fn letter(flag: &str) -> Option<char> {
    let letters = [
        ("\\draft", 'D'),
        ("\\flagged", 'F'),
        ("$forwarded", 'P'),
        ("\\answered", 'R'),
        ("\\seen", 'S'),
        ("\\deleted", 'T'),
    ];
    letters.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(flag)).map(|(_, letter)| letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_letters_in_order() {
        for (flags, expected) in [
            (&[][..], "2,"),
            (&["\\Seen"], "2,S"),
            (&["\\Seen", "\\ANSWERED", "\\flagged", "\\Seen"], "2,FRS"),
            (&["\\Deleted", "\\Draft", "$Forwarded", "$Label1", "\\Recent"], "2,DPT"),
        ] {
            assert_eq!(info(flags.iter().copied()), expected);
        }
    }

    #[test]
    fn the_name_holds_no_separator_of_its_own_from_outside() {
        assert_eq!(
            file_name(1_795_000_000_999_999, "m42", 5512, ["\\Seen"]),
            "1795000000.m42.postrider,S=5512:2,S"
        );
        assert_eq!(file_name(-1, "a/b:2,T", 0, []), "0.a%2Fb%3A2,T.postrider,S=0:2,");
    }
}
