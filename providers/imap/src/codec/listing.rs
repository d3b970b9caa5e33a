//! LIST, NAMESPACE, STATUS and ESEARCH responses (RFC 3501, sections 7.2.2 and 7.2.4; RFC 2342; RFC 5258; RFC 4731).

use postrider_model::UidSet;

use super::{
    sets::uid_set,
    value::{Malformed, Parser, Value},
};

/// A row of a folder listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListRow {
    /// Its attributes as they came: `\Noselect`, `\Sent`.
    pub(crate) attributes: Vec<String>,
    /// What separates levels; `None` in a flat namespace.
    pub(crate) delimiter: Option<char>,
    /// The name's octets.
    pub(crate) name: Vec<u8>,
}

impl ListRow {
    /// From what stands behind `LIST`.
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Result<Self, Malformed> {
        let attributes = parser.required()?;
        let attributes = attributes.list().ok_or(Malformed("a folder without attributes"))?;
        let attributes = attributes.iter().filter_map(Value::text).collect();
        let delimiter = parser.required()?;
        let delimiter = match delimiter.is_nil() {
            true => None,
            false => delimiter.text().and_then(|text| text.chars().next()),
        };
        let name = parser.required()?.octets().ok_or(Malformed("a folder without a name"))?.to_vec();
        Ok(Self { attributes, delimiter, name })
    }

    /// Whether it has that attribute, in any case.
    pub(crate) fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|have| have.eq_ignore_ascii_case(attribute))
    }
}

/// Where folders begin: prefixes of names (RFC 2342, section 5).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Namespaces {
    /// The prefix of the first personal namespace.
    pub(crate) personal: Option<Vec<u8>>,
    /// The prefixes of all others: further personal ones, other people's, shared ones.
    pub(crate) others: Vec<Vec<u8>>,
}

impl Namespaces {
    /// From what stands behind `NAMESPACE`. What cannot be read of it is left.
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Self {
        let mut found = Self::default();
        for kind in 0..3 {
            let Ok(Some(namespaces)) = parser.next() else { break };
            for (at, namespace) in namespaces.list().unwrap_or_default().iter().enumerate() {
                let prefix = namespace.list().and_then(|parts| parts.first()?.octets()).map(<[u8]>::to_vec);
                match prefix {
                    Some(prefix) if (kind, at) == (0, 0) => found.personal = Some(prefix),
                    prefix => found.others.extend(prefix),
                }
            }
        }
        found
    }
}

/// A folder's state as STATUS tells it; any of it may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct StatusRow {
    /// The name's octets.
    pub(crate) name: Vec<u8>,
    /// MESSAGES
    pub(crate) messages: Option<u32>,
    /// UIDNEXT
    pub(crate) uid_next: Option<u32>,
    /// UIDVALIDITY, where it is not 0
    pub(crate) uid_validity: Option<u32>,
    /// HIGHESTMODSEQ, where it is not 0
    pub(crate) highest_mod_seq: Option<u64>,
    /// MAILBOXID (RFC 8474)
    pub(crate) mailbox_id: Option<String>,
}

impl StatusRow {
    /// From what stands behind `STATUS`.
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Result<Self, Malformed> {
        let name = parser.required()?.octets().ok_or(Malformed("a STATUS answer without a name"))?.to_vec();
        let items = parser.required()?;
        let items = items.list().ok_or(Malformed("a STATUS answer without a list"))?;
        let mut row = Self { name, ..Self::default() };
        for pair in items.chunks(2) {
            let [name, value] = pair else {
                return Err(Malformed("a STATUS answer with a name without a value"));
            };
            row.take(&name.text().unwrap_or_default().to_ascii_uppercase(), value);
        }
        Ok(row)
    }

    fn take(&mut self, name: &str, value: &Value<'_>) {
        let small = value.number().and_then(|number| u32::try_from(number).ok());
        match name {
            "MESSAGES" => self.messages = small,
            "UIDNEXT" => self.uid_next = small,
            "UIDVALIDITY" => self.uid_validity = small.filter(|uid_validity| *uid_validity > 0),
            "HIGHESTMODSEQ" => self.highest_mod_seq = value.number().filter(|mod_seq| *mod_seq > 0),
            "MAILBOXID" => self.mailbox_id = value.list().and_then(|list| list.first()?.text()),
            _ => {}
        }
    }
}

/// What an extended search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Esearch {
    /// The command that it answers.
    pub(crate) tag: Option<String>,
    /// The UIDs; empty where it found none.
    pub(crate) uids: UidSet,
}

impl Esearch {
    /// From what stands behind `ESEARCH`: `(TAG "a1") UID ALL 1:3`.
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Result<Self, Malformed> {
        let mut found = Self { tag: None, uids: UidSet::EMPTY };
        while let Some(value) = parser.next()? {
            if let Some([name, tag]) = value.list()
                && name.text().is_some_and(|name| name.eq_ignore_ascii_case("TAG"))
            {
                found.tag = tag.text();
            } else if value.octets().is_some_and(|name| name.eq_ignore_ascii_case(b"ALL")) {
                found.uids = uid_set(parser.required()?.octets().unwrap_or_default())?;
            }
        }
        Ok(found)
    }
}
