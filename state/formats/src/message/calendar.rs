//! The calendars in a message: parts of that type, and files that are attached.
//!
//! What stands in a message that is attached was sent to somebody else, or by somebody else, and is none of this one's.

use std::borrow::Cow;

use super::{
    decode,
    structure::is_attachment,
    walk::{self, Kind, Part},
};

/// Of more calendars than these nobody invites to anything.
const MAX_CALENDARS: usize = 10;

/// The calendars in a message, those first that a reader would show and not list below it; without their transfer encoding, in UTF-8 where
/// they are in another charset that is named. What is longer than `max` octets is passed over.
pub(crate) fn calendars(raw: &[u8], max: usize) -> Vec<Vec<u8>> {
    let (parts, _) = walk::walk(raw);
    let mut is_inner = vec![false; parts.len()];
    for (at, part) in parts.iter().enumerate() {
        let of_parent =
            part.parent.and_then(|parent| Some((*is_inner.get(parent)?, parts.get(parent)?.kind)));
        if let (Some((of_parent, kind)), Some(inner)) = (of_parent, is_inner.get_mut(at)) {
            *inner = of_parent || kind == Kind::Message;
        }
    }
    let own = parts.iter().zip(&is_inner).filter(|(part, is_inner)| !**is_inner && is_calendar(part));
    let mut found: Vec<&Part> = own.map(|(part, _)| part).filter(|part| part.body.len() <= max).collect();
    found.sort_by_key(|part| is_attachment(part));
    found.truncate(MAX_CALENDARS);
    found.into_iter().map(|part| content(raw, part).into_owned()).collect()
}

fn is_calendar(part: &Part) -> bool {
    let is_file = || {
        let name = part.name.as_deref().unwrap_or_default().trim_end().to_ascii_lowercase();
        name.ends_with(".ics") && !part.content_type.starts_with("message/")
    };
    part.kind == Kind::Leaf
        && (matches!(part.content_type.as_str(), "text/calendar" | "application/ics") || is_file())
}

fn content<'a>(raw: &'a [u8], part: &Part) -> Cow<'a, [u8]> {
    let octets = decode::content(raw.get(part.body.clone()).unwrap_or_default(), part.encoding);
    // Folds may stand within a character of UTF-8: they go before it is decoded.
    let named = part
        .charset
        .as_deref()
        .filter(|name| !matches!(name.to_ascii_lowercase().as_str(), "utf-8" | "utf8" | "us-ascii"));
    match named {
        Some(charset) => Cow::Owned(decode::characters(&octets, Some(charset)).into_owned().into_bytes()),
        None => octets,
    }
}
