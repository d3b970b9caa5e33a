//! Names that stand in files: mail addresses, domains, hosts, the names of accounts and providers, places of files.
//!
//! What is checked here later goes over a wire, into a path or before a person's eyes, so control characters, blanks and what
//! looks like an option are refused.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

/// What an address looks like, for messages.
pub(super) const ADDRESS_FORM: &str = "a mail address such as \"e.mirny@example.com\"";
/// What a host looks like, for messages.
pub(super) const HOST_FORM: &str = "a host name or an IP address, without scheme and port";
/// What a domain looks like, for messages.
pub(super) const DOMAIN_FORM: &str = "a list of domains such as [\"example.com\"]";
/// What the name of an account, a provider, a user or a role looks like, for messages.
pub(super) const NAME_FORM: &str =
    "a name of at most 64 letters, digits and . _ - + @ that begins with a letter or a digit";
/// What the name of a systemd credential looks like, for messages.
pub(super) const CREDENTIAL_FORM: &str = "the name of a systemd credential, without a path";
/// What an https address looks like, for messages.
pub(super) const HTTPS_FORM: &str = "an address that begins with https://";
/// What the address of an authorization server looks like, for messages.
pub(super) const ENDPOINT_FORM: &str =
    "an address that begins with https://, or with http:// and is on this machine";

/// What a text of several lines looks like, for messages.
pub(super) const TEXT_FORM: &str = "a text of at most 16 KiB without control characters";

/// The longest text of several lines: it goes with every message.
const MAX_TEXT: usize = 16 << 10;
/// The longest address that a path of SMTP can carry (RFC 5321, section 4.5.3.1.3).
const MAX_ADDRESS: usize = 254;

/// A mail address with its domain in lower case: one `@` outside of quotes, something on both sides, no blanks.
///
/// Quoted local parts (RFC 5321, section 4.1.2) are refused: no provider gives them out.
pub fn parse_address(text: &str) -> Option<String> {
    let (local, domain) = text.rsplit_once('@')?;
    let harmless = |c: char| !c.is_whitespace() && !c.is_control() && !"\"<>(),;:\\@".contains(c);
    let is_local = !local.is_empty() && local.len() <= 64 && local.chars().all(harmless);
    let domain = parse_domain(domain)?;
    (is_local && text.len() <= MAX_ADDRESS).then(|| format!("{local}@{domain}"))
}

/// The domain of an address, in lower case.
pub fn domain_of(address: &str) -> Option<String> {
    address.rsplit_once('@').map(|(_, domain)| domain.to_lowercase())
}

/// The part of an address before the `@`.
pub fn mailbox_of(address: &str) -> Option<&str> {
    address.rsplit_once('@').map(|(mailbox, _)| mailbox)
}

/// A domain in lower case. Letters beyond ASCII are allowed (RFC 5890 U-labels), as people write them.
pub(super) fn parse_domain(text: &str) -> Option<String> {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    };
    (text.len() <= 253 && text.split('.').all(is_label)).then(|| text.to_lowercase())
}

/// A host name in ASCII letters, or an IP address, without brackets.
pub(super) fn parse_host(text: &str) -> Option<String> {
    if text.parse::<IpAddr>().is_ok() {
        return Some(text.to_owned());
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    // A name of digits alone, `127.1`, would be resolved as an address by some and as a name by others.
    let is_numeric = name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !name.is_ascii() || is_numeric {
        return None;
    }
    parse_domain(name)
}

/// Whether a host is this machine by its very name, so that nothing sent there leaves it (RFC 6761, section 6.3).
pub fn is_loopback(host: &str) -> bool {
    host.parse::<IpAddr>().map_or(host == "localhost", |address| address.is_loopback())
}

/// Whether the text can name an account, a provider, a user or a role.
pub fn is_name(text: &str) -> bool {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    let rest = text.chars().all(|c| c.is_ascii_alphanumeric() || "._-+@".contains(c));
    first && rest && text.len() <= 64
}

/// A name, or `None` where it is none.
pub(super) fn parse_name(text: &str) -> Option<String> {
    is_name(text).then(|| text.to_owned())
}

/// The name of a systemd credential: one component of a path (systemd.exec(5), `LoadCredential=`).
pub(super) fn parse_credential(text: &str) -> Option<String> {
    let harmless = !text.is_empty()
        && text.len() <= 255
        && text != "."
        && text != ".."
        && text.chars().all(|c| c.is_ascii_graphic() && c != '/' && c != ':');
    harmless.then(|| text.to_owned())
}

/// An address of a web server over TLS, without blanks.
pub(super) fn parse_https(text: &str) -> Option<String> {
    host_after("https://", text).map(|_| text.to_owned())
}

/// As [`parse_https`], and without TLS where it names this machine.
pub(super) fn parse_endpoint(text: &str) -> Option<String> {
    let here = || host_after("http://", text).filter(|host| is_loopback(host)).map(|_| text.to_owned());
    parse_https(text).or_else(here)
}

fn host_after<'t>(scheme: &str, text: &'t str) -> Option<&'t str> {
    let rest = text.strip_prefix(scheme)?;
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let harmless = parse_host(host).is_some() && text.chars().all(|c| c.is_ascii_graphic());
    harmless.then_some(host)
}

/// A folder's full name: `/`-separated, no empty level, no control characters (F2.2).
pub(super) fn parse_folder(text: &str) -> Option<String> {
    let harmless = text.split('/').all(|level| !level.is_empty()) && !text.chars().any(char::is_control);
    harmless.then(|| text.to_owned())
}

/// A text of one line, not empty.
pub(super) fn parse_line(text: &str) -> Option<String> {
    (!text.trim().is_empty() && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

/// A text of several lines, not empty, with `\n` between them.
pub(super) fn parse_text(text: &str) -> Option<String> {
    let text = text.replace("\r\n", "\n");
    let is_harmless = !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    (!text.trim().is_empty() && text.len() <= MAX_TEXT && is_harmless).then_some(text)
}

/// A place of a file: absolute, below the home folder (`~/…`), or relative to the folder of the file that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places {
    /// The folder of the file that is being read.
    pub(super) folder: PathBuf,
    /// The home folder of the store's owner.
    pub(super) home: Option<PathBuf>,
}

impl Places {
    /// The full path of what was written. `None` where it is empty, holds a NUL, or needs a home folder that is not known.
    pub(super) fn path(&self, text: &str) -> Option<PathBuf> {
        if text.is_empty() || text.contains('\0') {
            return None;
        }
        match text.strip_prefix("~/") {
            Some(below) => self.home.as_ref().map(|home| home.join(below)),
            None if text == "~" => None,
            None => Some(self.folder.join(Path::new(text))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let table = [
            ("e.mirny@Example.COM", Some("e.mirny@example.com")),
            ("Émile+x@пример.рф", Some("Émile+x@пример.рф")),
            ("a@localhost", Some("a@localhost")),
            ("a", None),
            ("@b", None),
            ("a@", None),
            ("a b@c", None),
            ("a@b@c", None),
            ("a@b..c", None),
            ("a\n@b", None),
            ("<a@b>", None),
            ("a@-b.c", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_address(text).as_deref(), expected, "{text}");
        }
        assert_eq!(parse_address(&format!("a@{}", "b.".repeat(130) + "c")), None);
        assert_eq!(domain_of("a@B.c").as_deref(), Some("b.c"));
        assert_eq!(mailbox_of("a@B.c"), Some("a"));
    }

    #[test]
    fn hosts_are_read() {
        let good = [
            "imap.example.com",
            "localhost",
            "127.0.0.1",
            "::1",
            "imap.example.com.",
            "IMAP.example.com",
            "a_b.c",
        ];
        for text in good {
            assert!(parse_host(text).is_some(), "{text}");
        }
        let bad =
            ["", "imaps://x", "x:993", "[::1]", "a b", "127.1", "пример.рф", "-x", "x/y", "a..b", "x\n"];
        for text in bad {
            assert_eq!(parse_host(text), None, "{text}");
        }
    }

    #[test]
    fn loopback_is_known_by_its_very_name() {
        for (host, expected) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("localhost.example.com", false),
            ("10.0.0.1", false),
            ("::ffff:10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }

    #[test]
    fn names_are_harmless() {
        for text in ["work", "e.mirny@example.com", "Work_2", "a+b"] {
            assert!(is_name(text), "{text}");
        }
        for text in ["", "-x", ".x", "a/b", "a b", "é", "a\u{202e}", "../x"] {
            assert!(!is_name(text), "{text}");
        }
        assert!(!is_name(&"a".repeat(65)));
        assert_eq!(parse_credential("mail.work").as_deref(), Some("mail.work"));
        for text in ["", "..", "a/b", "a:b", "a b"] {
            assert_eq!(parse_credential(text), None, "{text}");
        }
    }

    #[test]
    fn https_is_asked_for() {
        assert!(parse_https("https://accounts.example.com/o/auth?x=1").is_some());
        for text in ["http://a.b/", "https://", "https:///x", "https://a b/", "https://user@a.b/"] {
            assert_eq!(parse_https(text), None, "{text}");
        }
    }

    #[test]
    fn an_endpoint_without_tls_is_on_this_machine() {
        for text in ["https://a.example/x", "http://127.0.0.1:4711/token", "http://localhost/"] {
            assert_eq!(parse_endpoint(text).as_deref(), Some(text));
        }
        for text in [
            "http://a.example/",
            "http://localhost.a.example/",
            "http://127.0.0.1@a.example/",
            "ftp://localhost/",
        ] {
            assert_eq!(parse_endpoint(text), None, "{text}");
        }
    }

    #[test]
    fn folders_have_no_empty_level() {
        for text in ["INBOX", "Projects/2026", "Відправлені", "a&b \"c\""] {
            assert_eq!(parse_folder(text).as_deref(), Some(text));
        }
        for text in ["", "/", "a/", "/a", "a//b", "a\nb"] {
            assert_eq!(parse_folder(text), None, "{text:?}");
        }
    }

    #[test]
    fn texts_may_have_lines_and_nothing_that_a_terminal_obeys() {
        assert_eq!(parse_text("Vera\r\nSales\n").as_deref(), Some("Vera\nSales\n"));
        assert_eq!(parse_text("a\tb").as_deref(), Some("a\tb"));
        for text in ["", " \n", "a\rb", "a\0b", "\u{1b}[31m"] {
            assert_eq!(parse_text(text), None, "{text:?}");
        }
        assert!(parse_text(&"a".repeat(MAX_TEXT)).is_some());
        assert_eq!(parse_text(&"a".repeat(MAX_TEXT + 1)), None);
    }

    #[test]
    fn paths_stand_beside_their_file() {
        let places = Places { folder: "/etc/postrider/accounts.d".into(), home: Some("/home/e".into()) };
        let table = [
            ("/run/secrets/work", Some("/run/secrets/work")),
            ("work.html", Some("/etc/postrider/accounts.d/work.html")),
            ("~/x/y", Some("/home/e/x/y")),
            ("~", None),
            ("", None),
            ("a\0b", None),
        ];
        for (text, expected) in table {
            assert_eq!(places.path(text), expected.map(PathBuf::from), "{text:?}");
        }
        assert_eq!(Places { home: None, ..places }.path("~/x"), None);
    }
}
