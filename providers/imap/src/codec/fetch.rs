//! FETCH responses (RFC 3501, section 7.4.2; MODSEQ by RFC 7162, section 3.1.4).

use postrider_model::{EmailId, Flags, Timestamp, Uid};

use super::{
    date::internal_date,
    reader::Literal,
    sets::uid,
    value::{Malformed, Value},
};

/// A message's text, or what came in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// All of it.
    Bytes(Vec<u8>),
    /// It is over the cap and has this length.
    Skipped(u64),
    /// The server has none: the message is lost there, or gone.
    Nil,
}

/// What one FETCH response tells; any of it may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FetchRow {
    /// The message number under which it came.
    pub(crate) number: u32,
    /// UID
    pub(crate) uid: Option<Uid>,
    /// FLAGS
    pub(crate) flags: Option<Flags>,
    /// INTERNALDATE, where it is a date
    pub(crate) internal_date: Option<Timestamp>,
    /// RFC822.SIZE
    pub(crate) size: Option<u64>,
    /// MODSEQ, where it is not 0
    pub(crate) mod_seq: Option<u64>,
    /// EMAILID or X-GM-MSGID
    pub(crate) email_id: Option<EmailId>,
    /// BODY[…]
    pub(crate) body: Option<Body>,
}

impl FetchRow {
    /// From the list of names and values. Items that were not asked for are passed over.
    pub(crate) fn parse(number: u32, list: Value<'_>) -> Result<Self, Malformed> {
        let Value::List(values) = list else { return Err(Malformed("a FETCH answer without a list")) };
        let mut row = Self { number, ..Self::default() };
        let mut values = values.into_iter();
        while let Some(name) = values.next() {
            let value = values.next().ok_or(Malformed("a FETCH answer with a name without a value"))?;
            match name {
                Value::Atom(name) => row.take(name, value)?,
                _ => return Err(Malformed("a FETCH answer without names")),
            }
        }
        Ok(row)
    }

    fn take(&mut self, name: &[u8], value: Value<'_>) -> Result<(), Malformed> {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("UID") {
            self.uid = Some(uid(value.octets().unwrap_or_default())?);
        } else if is("FLAGS") {
            self.flags = Some(flags(value.list().ok_or(Malformed("flags without a list"))?));
        } else if is("INTERNALDATE") {
            self.internal_date = internal_date(value.octets().unwrap_or_default());
        } else if is("RFC822.SIZE") {
            self.size = value.number();
        } else if is("MODSEQ") {
            self.mod_seq =
                value.list().and_then(|list| list.first()?.number()).filter(|mod_seq| *mod_seq > 0);
        } else if is("EMAILID") {
            self.email_id = value.list().and_then(|list| list.first()?.text()).map(EmailId);
        } else if is("X-GM-MSGID") {
            self.email_id = value.number().map(|id| EmailId(id.to_string()));
        } else if name.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"BODY[")) {
            self.body = Some(body(value)?);
        }
        Ok(())
    }
}

fn flags(list: &[Value<'_>]) -> Flags {
    let names: Vec<_> = list.iter().filter_map(Value::octets).map(String::from_utf8_lossy).collect();
    Flags::from_wire(names.iter().map(AsRef::as_ref))
}

fn body(value: Value<'_>) -> Result<Body, Malformed> {
    match value {
        Value::Literal(Literal::Bytes(bytes)) => Ok(Body::Bytes(bytes)),
        Value::Literal(Literal::Skipped(length)) => Ok(Body::Skipped(length)),
        Value::Quoted(bytes) => Ok(Body::Bytes(bytes.into_owned())),
        nil if nil.is_nil() => Ok(Body::Nil),
        _ => Err(Malformed("a message that is not a string")),
    }
}
