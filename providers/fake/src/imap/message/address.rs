//! Addresses in header fields, as an ENVELOPE lists them (RFC 3501 section 7.4.2, RFC 5322 section 3.4).
//!
//! Rule: one pass over the octets; comments are dropped, groups begin and end with their own entries, whatever else
//! stands there is kept as it is.

/// An address: name, mailbox, host. A group begins with a mailbox alone and ends with nothing at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Address {
    pub name: Option<Vec<u8>>,
    pub mailbox: Option<Vec<u8>>,
    pub host: Option<Vec<u8>>,
}

#[derive(Default)]
struct Reader {
    all: Vec<Address>,
    /// The display name, or an address without angle brackets.
    phrase: Vec<u8>,
    angle: Option<Vec<u8>>,
    in_group: bool,
}

/// The addresses of a field.
pub(super) fn addresses(value: &[u8]) -> Vec<Address> {
    let mut reader = Reader::default();
    let mut rest = value;
    let mut in_angle = false;
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b'"' => rest = reader.quoted(rest, in_angle),
            b'(' => rest = behind_comment(rest),
            b'<' => {
                in_angle = true;
                reader.angle = Some(Vec::new());
            }
            b'>' => in_angle = false,
            b',' if !in_angle => reader.finish(),
            b':' if !in_angle => reader.begin_group(),
            b';' if !in_angle => reader.end_group(),
            byte => reader.push(*byte, in_angle),
        }
    }
    reader.finish();
    if reader.in_group {
        reader.end_group();
    }
    reader.all
}

fn behind_comment(mut rest: &[u8]) -> &[u8] {
    let mut depth = 1;
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b'\\' => rest = rest.get(1..).unwrap_or_default(),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    rest
}

impl Reader {
    fn push(&mut self, byte: u8, in_angle: bool) {
        match &mut self.angle {
            Some(angle) if in_angle => angle.push(byte),
            _ => self.phrase.push(byte),
        }
    }

    fn quoted<'a>(&mut self, mut rest: &'a [u8], in_angle: bool) -> &'a [u8] {
        while let [byte, after @ ..] = rest {
            rest = after;
            match (byte, rest) {
                (b'"', _) => break,
                (b'\\', [escaped, after @ ..]) => {
                    self.push(*escaped, in_angle);
                    rest = after;
                }
                _ => self.push(*byte, in_angle),
            }
        }
        rest
    }

    fn finish(&mut self) {
        let phrase = std::mem::take(&mut self.phrase).trim_ascii().to_vec();
        let (name, address) = match self.angle.take() {
            Some(angle) => ((!phrase.is_empty()).then_some(phrase), angle),
            None => (None, phrase),
        };
        if name.is_none() && address.is_empty() {
            return;
        }
        // A source route (`@a,@b:user@host`) was obsolete in RFC 2822 already; its last part is the address.
        let address = address.rsplit(|byte| *byte == b':').next().unwrap_or_default().trim_ascii();
        let (mailbox, host) = match address.iter().rposition(|byte| *byte == b'@') {
            Some(at) => (address.get(..at).unwrap_or_default(), address.get(at + 1..).unwrap_or_default()),
            None => (address, &[][..]),
        };
        self.all.push(Address { name, mailbox: Some(mailbox.to_vec()), host: Some(host.to_vec()) });
    }

    fn begin_group(&mut self) {
        let name = std::mem::take(&mut self.phrase).trim_ascii().to_vec();
        self.all.push(Address { mailbox: Some(name), ..Address::default() });
        self.in_group = true;
    }

    fn end_group(&mut self) {
        self.finish();
        self.all.push(Address::default());
        self.in_group = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(value: &str) -> Vec<String> {
        let text = |part: &Option<Vec<u8>>| match part {
            Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            None => "-".to_owned(),
        };
        let line = |a: &Address| format!("{}|{}|{}", text(&a.name), text(&a.mailbox), text(&a.host));
        addresses(value.as_bytes()).iter().map(line).collect()
    }

    #[test]
    fn the_usual_forms() {
        for (value, expected) in [
            ("a@b.c", vec!["-|a|b.c"]),
            ("Anna <a@b.c>, <d@e>", vec!["Anna|a|b.c", "-|d|e"]),
            (r#""Doe, \"J\" (x)" <j@d>"#, vec![r#"Doe, "J" (x)|j|d"#]),
            ("a@b (a (nested) comment)", vec!["-|a|b"]),
            ("team: a@b, c@d; e@f", vec!["-|team|-", "-|a|b", "-|c|d", "-|-|-", "-|e|f"]),
            ("Undisclosed:;", vec!["-|Undisclosed|-", "-|-|-"]),
            ("root", vec!["-|root|"]),
            (" , ", vec![]),
        ] {
            assert_eq!(shown(value), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(value in proptest::collection::vec(any::<u8>(), 0..60)) {
            addresses(&value);
        }
    }
}
