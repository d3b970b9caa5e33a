//! What a mail address is (RFC 5321 section 4.1.2, with the characters of RFC 6531 section 3.3), and when two are the same.
//!
//! The grammar is that of what may be sent, narrower than what is met in headers: no comments, no folding, no routes.

use super::{ComposeError, Mailbox};
use crate::display;
use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Octets of a local part (RFC 5321 section 4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// Octets of a domain (section 4.5.3.1.2).
const MAX_DOMAIN: usize = 255;
/// Octets of an address: a path is one with its angle brackets, and has 256 (section 4.5.3.1.3).
const MAX_ADDRESS: usize = 254;
/// Octets of a label of a domain (RFC 1035 section 2.3.4).
const MAX_LABEL: usize = 63;

/// Checks that `email` may stand in a header and in an SMTP command.
///
/// # Errors
/// [`ComposeError::LineBreak`] for CR, LF and NUL, [`ComposeError::Address`] with the reason for all else; both name `field`.
pub fn check_address(field: &str, email: &str) -> Result<(), ComposeError> {
    if email.contains(['\r', '\n', '\0']) {
        return Err(ComposeError::LineBreak { place: format!("an address in {field}") });
    }
    fault(email).map_or(Ok(()), |reason| {
        Err(ComposeError::Address { field: field.to_owned(), address: email.to_owned(), reason })
    })
}

/// The same mailbox as far as its writing tells: domains are compared without case, local parts with it (RFC 5321
/// section 2.4), so that nobody is left out for being taken for somebody else.
pub(super) fn delivery_key(email: &str) -> String {
    match email.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_lowercase()),
        None => email.to_owned(),
    }
}

/// Whether `email` is one of `own`, without case: who owns an address owns its spellings.
#[must_use]
pub fn is_own(own: &[String], email: &str) -> bool {
    let email = email.to_lowercase();
    own.iter().any(|address| address.to_lowercase() == email)
}

/// Checks every address of a list; names and line breaks too.
pub(super) fn check_mailboxes(field: &str, mailboxes: &[Mailbox]) -> Result<(), ComposeError> {
    for mailbox in mailboxes {
        if mailbox.name.contains(['\r', '\n', '\0']) {
            return Err(ComposeError::LineBreak { place: format!("a display name in {field}") });
        }
        check_address(field, &mailbox.email)?;
    }
    Ok(())
}

fn fault(email: &str) -> Option<&'static str> {
    let Some((local, domain)) = email.rsplit_once('@') else { return Some("it has no @") };
    if email.len() > MAX_ADDRESS {
        return Some("it is longer than 254 octets");
    }
    if matches!(display::escape(email), Cow::Owned(_)) {
        return Some("it holds control or invisible characters");
    }
    local_fault(local).or_else(|| domain_fault(domain))
}

fn local_fault(local: &str) -> Option<&'static str> {
    if local.is_empty() {
        return Some("nothing stands before the @");
    }
    if local.len() > MAX_LOCAL {
        return Some("what stands before the @ is longer than 64 octets");
    }
    match local.strip_prefix('"') {
        Some(quoted) => (!is_quoted(quoted)).then_some("its quotes are not closed as they should be"),
        None => (!local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext)))
            .then_some("what stands before the @ holds characters or dots that need quotes"),
    }
}

/// The rest of a quoted string behind its opening quote: closed once, at the end (RFC 5321, `Quoted-string`).
fn is_quoted(rest: &str) -> bool {
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return chars.as_str().is_empty(),
            '\\' if !chars.next().is_some_and(|c| matches!(c, ' '..='~')) => return false,
            _ => {}
        }
    }
    false
}

/// `atext` of RFC 5322 section 3.2.3, with non-ASCII characters but spaces (RFC 6531 section 3.3).
pub(super) fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || "!#$%&'*+-/=?^_`{|}~".contains(c)
        || (!c.is_ascii() && !c.is_whitespace() && !c.is_control())
}

fn domain_fault(domain: &str) -> Option<&'static str> {
    if domain.len() > MAX_DOMAIN {
        return Some("its domain is longer than 255 octets");
    }
    if let Some(literal) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return (!is_literal(literal)).then_some("the brackets hold no IP address");
    }
    (!domain.split('.').all(is_label)).then_some("its domain is none")
}

fn is_literal(literal: &str) -> bool {
    match literal.strip_prefix("IPv6:") {
        Some(v6) => v6.parse::<Ipv6Addr>().is_ok(),
        None => literal.parse::<Ipv4Addr>().is_ok(),
    }
}

fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || (!c.is_ascii() && is_atext(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_may_be_sent_to() {
        for email in [
            "vera@example.com",
            "vera@localhost",
            "v.e-r_a+tag@sub.example.co.uk",
            "o'neil@example.com",
            "\"vera mirny\"@example.com",
            "\"a\\\"b@c\"@example.com",
            "вера@example.com",
            "вера@почта.рф",
            "vera@xn--80a1acny.xn--p1ai",
            "vera@[192.0.2.1]",
            "vera@[IPv6:2001:db8::1]",
            &format!("{}@example.com", "a".repeat(64)),
        ] {
            assert_eq!(check_address("To", email), Ok(()), "{email}");
        }
    }

    #[test]
    fn addresses_that_are_none() {
        let long_domain = format!("a@{}", vec!["b".repeat(60); 4].join("."));
        assert_eq!(check_address("To", &long_domain), Ok(()));
        let too_long = format!("{}@{}", "a".repeat(20), vec!["b".repeat(60); 4].join("."));
        for (email, reason) in [
            ("", "no @"),
            ("vera", "no @"),
            ("@example.com", "nothing stands before"),
            ("vera@", "domain is none"),
            ("vera@.com", "domain is none"),
            ("vera@example..com", "domain is none"),
            ("vera@example.com.", "domain is none"),
            ("vera@-example.com", "domain is none"),
            ("vera@example-.com", "domain is none"),
            ("vera@exa mple.com", "domain is none"),
            ("vera@exa_mple.com", "domain is none"),
            ("vera@[not an ip]", "no IP address"),
            ("vera@[2001:db8::1]", "no IP address"),
            ("vera mirny@example.com", "need quotes"),
            (".vera@example.com", "need quotes"),
            ("vera.@example.com", "need quotes"),
            ("ve..ra@example.com", "need quotes"),
            ("ve<ra@example.com", "need quotes"),
            ("ve,ra@example.com", "need quotes"),
            ("a@b@example.com", "need quotes"),
            ("вера петрова@example.com", "need quotes"),
            ("\"vera@example.com", "quotes"),
            ("\"ve\"ra\"@example.com", "quotes"),
            ("\"vera\\\"@example.com", "quotes"),
            ("ve\tra@example.com", "control"),
            ("ve\u{85}ra@example.com", "control"),
            ("ve\u{202e}ra@example.com", "invisible"),
            ("<vera@example.com>", "need quotes"),
            (&format!("{}@example.com", "a".repeat(65)), "64 octets"),
            (&format!("a@{}.com", "b".repeat(64)), "domain is none"),
            (&too_long, "254 octets"),
        ] {
            let said = check_address("To", email).unwrap_err().to_string();
            assert!(said.contains(reason), "{email:?}: {said}");
        }
    }

    #[test]
    fn a_line_break_is_told_apart() {
        for email in ["vera@example.com\r\nBcc: all@example.com", "a\n@b", "a@b\0"] {
            let refused = check_address("Cc", email).unwrap_err();
            assert_eq!(refused, ComposeError::LineBreak { place: "an address in Cc".into() });
        }
    }

    #[test]
    fn the_same_mailbox() {
        assert_eq!(delivery_key("Vera@EXAMPLE.com"), delivery_key("Vera@example.COM"));
        assert_ne!(delivery_key("Vera@example.com"), delivery_key("vera@example.com"));
        let own = ["Vera@Example.com".to_owned()];
        assert!(is_own(&own, "vera@example.COM"));
        assert!(!is_own(&own, "vera@example.org"));
        assert!(!is_own(&[], "vera@example.org"));
    }
}
