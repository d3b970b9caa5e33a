//! Who sends and who receives: checked, and as the wire has it (RFC 5321, section 4.1.2; RFC 6531, section 3.3).
//!
//! Rule: nothing that could end a command line or a path gets through, whatever the address was made from. What is not
//! dangerous is the server's to judge: whether a mailbox exists, or likes its dots.

use postrider_model::{ErrorClass, Fault};
use postrider_net::redact;

/// The longest address, in octets as sent (RFC 5321, section 4.5.3.1.3, without its brackets).
const ADDRESS: usize = 254;

/// Who sends and who receives, which is not what the message's header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Where failures are reported to; empty for nowhere, as notices have it (RFC 5321, section 4.5.5).
    pub from: String,
    /// The recipients, Bcc among them. One that stands here twice gets it once.
    pub to: Vec<String>,
}

/// An envelope's addresses as the wire has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Paths {
    /// The sender; may be empty.
    pub(crate) from: String,
    /// The recipients.
    pub(crate) to: Vec<Recipient>,
    /// Whether one of them is not ASCII, so that the server must offer SMTPUTF8.
    pub(crate) needs_utf8: bool,
}

/// One recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recipient {
    /// As given.
    pub(crate) given: String,
    /// As sent.
    pub(crate) wire: String,
}

impl Envelope {
    /// The addresses as the wire has them.
    ///
    /// # Errors
    /// The first address that is none, or that there is no recipient.
    pub(crate) fn paths(&self) -> Result<Paths, Fault> {
        let from = match self.from.as_str() {
            "" => String::new(),
            from => wire(from).map_err(|why| flawed("send as", from, why))?,
        };
        let mut to: Vec<Recipient> = Vec::new();
        for given in &self.to {
            let wire = wire(given).map_err(|why| flawed("send to", given, why))?;
            if !to.iter().any(|other| other.wire == wire) {
                to.push(Recipient { given: given.clone(), wire });
            }
        }
        if to.is_empty() {
            return Err(Fault::new(ErrorClass::Permanent, "send the message", "there is no recipient")
                .hint("give at least one address in To, Cc or Bcc"));
        }
        let needs_utf8 = !from.is_ascii() || to.iter().any(|recipient| !recipient.wire.is_ascii());
        Ok(Paths { from, to, needs_utf8 })
    }
}

fn flawed(what: &str, address: &str, why: &str) -> Fault {
    let action = format!("{what} \"{}\"", redact::printable(address.as_bytes()));
    Fault::new(ErrorClass::Permanent, action, why).hint("give an address such as name@example.com")
}

/// An address as sent: its domain as an A-label, its local part as it is.
fn wire(address: &str) -> Result<String, &'static str> {
    if address.chars().any(|character| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}'))
    {
        return Err("the address holds a line break or another control character");
    }
    let (local, domain) = address.rsplit_once('@').ok_or("the address has no `@`")?;
    if !is_local_part(local) {
        return Err("what stands before the `@` is not the name of a mailbox");
    }
    let domain = wire_domain(domain).ok_or("what stands behind the `@` is not the name of a domain")?;
    let wire = format!("{local}@{domain}");
    if wire.len() > ADDRESS { Err("the address is longer than 254 octets") } else { Ok(wire) }
}

/// `Dot-string` or `Quoted-string`. Dots may stand anywhere: there are mailboxes with two in a row.
fn is_local_part(local: &str) -> bool {
    match local.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').is_some_and(is_quoted),
        None => !local.is_empty() && local.chars().all(|c| c == '.' || is_atext(c)),
    }
}

/// `atext` of RFC 5322, section 3.2.3, and all beyond ASCII (RFC 6531).
fn is_atext(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || "!#$%&'*+-/=?^_`{|}~".contains(character)
        || (!character.is_ascii() && !character.is_whitespace())
}

/// What may stand between quotes: a quote or a backslash only behind a backslash.
fn is_quoted(inner: &str) -> bool {
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        let fits = match character {
            '\\' => characters.next().is_some_and(|next| next == ' ' || next.is_ascii_graphic()),
            '"' => false,
            other => other == ' ' || other.is_ascii_graphic() || !other.is_ascii(),
        };
        if !fits {
            return false;
        }
    }
    true
}

fn wire_domain(domain: &str) -> Option<String> {
    if let Some(literal) = domain.strip_prefix('[') {
        let inner = literal.strip_suffix(']')?;
        let fits = |c: char| c.is_ascii_alphanumeric() || ".:-".contains(c);
        return (!inner.is_empty() && inner.chars().all(fits)).then(|| domain.to_owned());
    }
    let ascii = if domain.is_ascii() { domain.to_owned() } else { idna::domain_to_ascii(domain).ok()? };
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
    };
    ascii.split('.').all(is_label).then_some(ascii)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_go_out_as_the_wire_has_them() {
        for (address, wanted) in [
            ("me@example.com", "me@example.com"),
            ("a..b.@docomo.test", "a..b.@docomo.test"),
            ("o'neil+tag=1/2@example.com", "o'neil+tag=1/2@example.com"),
            ("\"two words@home\\\"\"@example.com", "\"two words@home\\\"\"@example.com"),
            ("me@[127.0.0.1]", "me@[127.0.0.1]"),
            ("me@[IPv6:::1]", "me@[IPv6:::1]"),
            ("me@bücher.example", "me@xn--bcher-kva.example"),
            ("вера@почта.рф", "вера@xn--80a1acny.xn--p1ai"),
            ("me@localhost", "me@localhost"),
            ("me@_odd_.example", "me@_odd_.example"),
        ] {
            assert_eq!(wire(address).as_deref(), Ok(wanted));
        }
    }

    #[test]
    fn what_is_no_address_is_told_so() {
        let long = format!("{}@example.com", "a".repeat(250));
        for (address, why) in [
            ("a@b.test\r\nRCPT TO:<c@d.test>", "control character"),
            ("a\0@b.test", "control character"),
            ("a@b.test\u{85}", "control character"),
            ("a\u{2028}@b.test", "control character"),
            ("nobody", "has no `@`"),
            ("@b.test", "before the `@`"),
            ("a b@c.test", "before the `@`"),
            ("a>@c.test", "before the `@`"),
            ("<a@c.test>", "before the `@`"),
            ("a,b@c.test", "before the `@`"),
            ("\"a@c.test", "before the `@`"),
            ("\"@c.test", "before the `@`"),
            ("\"a\"b\"@c.test", "before the `@`"),
            ("\"a\\\"@c.test", "before the `@`"),
            ("a@", "behind the `@`"),
            ("a@b..test", "behind the `@`"),
            ("a@b.test.", "behind the `@`"),
            ("a@b c.test", "behind the `@`"),
            ("a@b.test>", "behind the `@`"),
            ("a@[1.2.3.4", "behind the `@`"),
            ("a@[1.2.3.4] SIZE=1", "behind the `@`"),
            (&long, "longer than"),
        ] {
            let said = wire(address).unwrap_err();
            assert!(said.contains(why), "{address}: {said}");
        }
    }

    #[test]
    fn a_recipient_stands_once_and_is_remembered_as_given() {
        let to = ["a@BÜCHER.example", "a@bücher.example", "b@c.test"].map(str::to_owned).to_vec();
        let paths = Envelope { from: String::new(), to }.paths().unwrap();
        assert_eq!(paths.from, "");
        assert_eq!(paths.to.len(), 2);
        assert_eq!(paths.to[0].given, "a@BÜCHER.example");
        assert_eq!(paths.to[0].wire, "a@xn--bcher-kva.example");
        assert!(!paths.needs_utf8, "a domain needs no SMTPUTF8");
        let to = vec!["b@c.test".to_owned()];
        assert!(Envelope { from: "вера@c.test".to_owned(), to }.paths().unwrap().needs_utf8);
    }

    #[test]
    fn faults_name_the_address_and_show_nothing_raw() {
        let envelope = |from: &str, to: &[&str]| Envelope {
            from: from.to_owned(),
            to: to.iter().map(|one| (*one).to_owned()).collect(),
        };
        let fault = envelope("", &["a\r\nb@c.test"]).paths().unwrap_err();
        assert_eq!(
            fault.to_string(),
            "cannot send to \"a\\r\\nb@c.test\": the address holds a line break or another control character"
        );
        assert_eq!(fault.class, ErrorClass::Permanent);
        assert!(envelope("x", &["b@c.test"]).paths().unwrap_err().action.starts_with("send as"));
        assert_eq!(envelope("x@y.test", &[]).paths().unwrap_err().cause, "there is no recipient");
    }

    proptest! {
        /// Whatever an address was made from, it ends neither its path nor its line.
        #[test]
        fn no_address_breaks_out(address in "\\PC*|[a-z\"<>@. \\\\\r\n]{0,20}", tail in "[a-z]{1,3}\\.test") {
            for address in [address.clone(), format!("{address}@{tail}")] {
                let Ok(wire) = wire(&address) else { continue };
                prop_assert!(!wire.chars().any(char::is_control));
                // Outside quotes there is neither space nor bracket.
                let mut quoted = false;
                let mut escaped = false;
                for character in wire.chars() {
                    match character {
                        _ if escaped => escaped = false,
                        '\\' if quoted => escaped = true,
                        '"' => quoted = !quoted,
                        ' ' | '<' | '>' => prop_assert!(quoted, "{}", wire),
                        _ => {}
                    }
                }
                prop_assert!(!quoted && !escaped);
            }
        }
    }
}
