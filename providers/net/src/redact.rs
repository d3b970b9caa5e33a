//! What of the wire may be shown (I11): a command without its secrets, a server's words made harmless.
//!
//! A server may repeat what it was sent, so its words are searched for the secrets too. Nothing here is a filter to rely on
//! alone: what is known to be secret (a SASL answer) is never handed to a trace in the first place.

/// What stands where something is hidden.
pub const HIDDEN: &str = "<hidden>";

/// The longest text that is shown, in characters.
const SHOWN: usize = 300;

/// The words after which the rest of a command is secret: IMAP, SMTP, POP.
const SECRET_AFTER: [&str; 5] = ["LOGIN", "AUTHENTICATE", "AUTH", "PASS", "USER"];

/// A command line as it may be shown: nothing after the word that logs in.
pub fn command(line: &[u8]) -> String {
    let text = printable(line);
    let words: Vec<&str> = text.split(' ').collect();
    let is_secret = |word: &&str| SECRET_AFTER.iter().any(|secret| secret.eq_ignore_ascii_case(word));
    match words.iter().take(2).position(is_secret) {
        Some(at) if words.len() > at + 1 => {
            format!("{} {HIDDEN}", words.get(..=at).unwrap_or_default().join(" "))
        }
        _ => text,
    }
}

/// A server's words as they may be shown: printable, not long, without any of these secrets.
pub fn answer(words: &[u8], secrets: &[&str]) -> String {
    let mut text = String::from_utf8_lossy(words).into_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, HIDDEN);
    }
    printable(text.as_bytes())
}

/// Bytes as text on one line: control, bidirectional and other unprintable characters escaped, cut when long.
pub fn printable(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for (at, character) in String::from_utf8_lossy(bytes).trim_end().chars().enumerate() {
        if at == SHOWN {
            shown.push('…');
            break;
        }
        match character {
            '"' | '\'' | '\\' => shown.push(character),
            other => shown.extend(other.escape_debug()),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_shows_nothing_but_that_it_is_one() {
        let table = [
            ("a1 LOGIN me secret", "a1 LOGIN <hidden>"),
            ("a1 login \"me\" \"sec ret\"", "a1 login <hidden>"),
            ("a1 AUTHENTICATE PLAIN AG1lAHNlY3JldA==", "a1 AUTHENTICATE <hidden>"),
            ("AUTH PLAIN AG1lAHNlY3JldA==", "AUTH <hidden>"),
            ("PASS secret", "PASS <hidden>"),
            ("a1 UID SEARCH SUBJECT LOGIN", "a1 UID SEARCH SUBJECT LOGIN"),
            ("a1 NOOP\r\n", "a1 NOOP"),
        ];
        for (line, shown) in table {
            assert_eq!(command(line.as_bytes()), shown);
        }
    }

    #[test]
    fn a_secret_that_the_server_repeats_is_hidden() {
        assert_eq!(answer(b"no such command: s3cret!\r\n", &["", "s3cret!"]), "no such command: <hidden>");
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        let text = printable("a\u{1b}[2J\u{202e}\"é\u{0}\t".as_bytes());
        assert_eq!(text, "a\\u{1b}[2J\\u{202e}\"é\\0");
        assert_eq!(printable(&vec![b'x'; 1_000]).chars().count(), SHOWN + 1);
    }
}
