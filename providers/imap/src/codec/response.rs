//! Which response it is.

use postrider_model::{Uid, UidSet};

use super::{
    fetch::FetchRow,
    listing::{Esearch, ListRow, Namespaces, StatusRow},
    reader::RawResponse,
    sets::{uid, uid_set, uids},
    status::{Status, StatusKind, words},
    value::{Malformed, Parser, number},
};

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Response {
    /// `+`: go on.
    Continue(Vec<u8>),
    /// The end of a command.
    Tagged {
        /// Which command.
        tag: String,
        /// How it ended.
        status: Status,
    },
    /// Data, asked for or not.
    Data(Data),
}

/// Untagged data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Data {
    /// `* OK …`
    Status(Status),
    /// `* CAPABILITY …`
    Capability(Vec<String>),
    /// `* ENABLED …`
    Enabled(Vec<String>),
    /// `* LIST …`
    List(ListRow),
    /// `* STATUS …`
    FolderStatus(StatusRow),
    /// `* SEARCH …`
    Search(UidSet),
    /// `* ESEARCH …`
    Esearch(Esearch),
    /// `* n FETCH …`
    Fetch(FetchRow),
    /// `* VANISHED …`
    Vanished {
        /// Whether it answers for the time before the SELECT or FETCH (RFC 7162, section 3.2.10.1).
        is_earlier: bool,
        /// Which are gone; may name UIDs that never were.
        uids: UidSet,
    },
    /// `* n EXISTS`
    Exists(u32),
    /// `* n EXPUNGE`
    Expunge(u32),
    /// `* FLAGS (…)`
    Flags(Vec<String>),
    /// `* LSUB …`
    Subscribed(ListRow),
    /// `* NAMESPACE …`
    Namespace(Namespaces),
    /// `* ID …`: names and values.
    Id(Vec<(String, String)>),
    /// What this client does not know, and does not have to.
    Unknown,
}

impl RawResponse {
    /// Takes the response apart.
    pub(crate) fn parse(self) -> Result<Response, Malformed> {
        let mut parser = Parser::new(&self.text, self.literals);
        let first = parser.word();
        match first {
            b"*" => data(&mut parser).map(Response::Data),
            b"+" => Ok(Response::Continue(parser.rest().to_vec())),
            tag => {
                let kind = StatusKind::from_name(parser.word()).filter(|kind| *kind != StatusKind::PreAuth);
                let kind = kind.ok_or(Malformed("a line that is no IMAP"))?;
                let tag = String::from_utf8_lossy(tag).into_owned();
                Ok(Response::Tagged { tag, status: Status::parse(kind, parser.rest()) })
            }
        }
    }
}

fn data(parser: &mut Parser<'_>) -> Result<Data, Malformed> {
    let name = parser.word();
    if let Some(kind) = StatusKind::from_name(name) {
        return Ok(Data::Status(Status::parse(kind, parser.rest())));
    }
    match number(name) {
        Some(count) => counted(count, parser),
        None => named(&String::from_utf8_lossy(name).to_ascii_uppercase(), parser),
    }
}

/// `* 3 EXISTS`, `* 3 FETCH (…)`
fn counted(count: u64, parser: &mut Parser<'_>) -> Result<Data, Malformed> {
    let name = parser.word();
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    if !is("FETCH") && !is("EXISTS") && !is("EXPUNGE") {
        return Ok(Data::Unknown);
    }
    let count = u32::try_from(count).map_err(|_| Malformed("an impossible number of messages"))?;
    Ok(if is("FETCH") {
        Data::Fetch(FetchRow::parse(count, parser.required()?)?)
    } else if is("EXISTS") {
        Data::Exists(count)
    } else {
        Data::Expunge(count)
    })
}

fn named(name: &str, parser: &mut Parser<'_>) -> Result<Data, Malformed> {
    Ok(match name {
        "CAPABILITY" => Data::Capability(words(parser.rest()).collect()),
        "ENABLED" => Data::Enabled(words(parser.rest()).collect()),
        "LIST" => Data::List(ListRow::parse(parser)?),
        "LSUB" => Data::Subscribed(ListRow::parse(parser)?),
        "STATUS" => Data::FolderStatus(StatusRow::parse(parser)?),
        "SEARCH" => Data::Search(search(parser.rest())?),
        "ESEARCH" => Data::Esearch(Esearch::parse(parser)?),
        "VANISHED" => vanished(parser)?,
        "FLAGS" => {
            let flags = parser.required()?;
            let flags = flags.list().ok_or(Malformed("flags without a list"))?;
            Data::Flags(flags.iter().filter_map(super::value::Value::text).collect())
        }
        // These two are not needed to read mail: what cannot be read of them is left.
        "NAMESPACE" => Data::Namespace(Namespaces::parse(parser)),
        "ID" => Data::Id(identity(parser)),
        _ => Data::Unknown,
    })
}

/// `2 4 8 (MODSEQ 917)`: the end is RFC 7162's, section 3.1.5.
fn search(text: &[u8]) -> Result<UidSet, Malformed> {
    let numbers = text.split(|byte| *byte == b'(').next().unwrap_or_default();
    let found: Result<Vec<Uid>, _> =
        numbers.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).map(uid).collect();
    found.map(uids)
}

fn vanished(parser: &mut Parser<'_>) -> Result<Data, Malformed> {
    let first = parser.required()?;
    let is_earlier = first.list().is_some();
    let set = if is_earlier { parser.required()? } else { first };
    let uids = uid_set(set.octets().unwrap_or_default())?;
    Ok(Data::Vanished { is_earlier, uids })
}

fn identity(parser: &mut Parser<'_>) -> Vec<(String, String)> {
    let Ok(Some(fields)) = parser.next() else { return Vec::new() };
    let pair = |pair: &[super::value::Value<'_>]| {
        let value = pair.get(1).filter(|value| !value.is_nil())?;
        Some((pair.first()?.text()?.to_ascii_lowercase(), value.text()?))
    };
    fields.list().unwrap_or_default().chunks(2).filter_map(pair).collect()
}
