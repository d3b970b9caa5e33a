//! The tree of MIME parts (RFC 2045, RFC 2046) as the store keeps it.
//!
//! Sizes and offsets are those of the raw octets, so that a part can be cut out of the message without parsing it again.

use super::MAX_NAME;
use super::walk::{Kind, Part};
use serde::{Deserialize, Serialize};

/// Bytes of attachment names kept, all together.
const MAX_NAMES: usize = 64 * MAX_NAME;

/// A content transfer encoding (RFC 2045 section 6), by how its bytes are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// `7bit`, `8bit`, `binary`, and whatever is unknown.
    #[default]
    Identity,
    /// `base64`
    Base64,
    /// `quoted-printable`
    QuotedPrintable,
}

/// One MIME part with the parts in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Structure {
    /// `type/subtype` in lower case.
    #[serde(rename = "type")]
    pub content_type: String,
    /// `attachment`, `inline` or another disposition (RFC 2183), in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposition: Option<String>,
    /// The file name, decoded (RFC 2231, RFC 2047). It comes from outside: never a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The charset parameter, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// How the body is encoded.
    #[serde(default, skip_serializing_if = "is_identity")]
    pub encoding: Encoding,
    /// Where the body begins in the message, in octets.
    pub offset: u64,
    /// Length of the body in octets, encoded as it is.
    pub size: u64,
    /// `Content-ID` without angle brackets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_id: Option<String>,
    /// The parts of a multipart; the one message of a `message/rfc822`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Structure>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_identity(encoding: &Encoding) -> bool {
    *encoding == Encoding::Identity
}

/// Builds the tree. `parts` stand parent before child, so that from the end every part is complete when it is hung up.
pub(super) fn tree(parts: Vec<Part>) -> Structure {
    let mut nodes: Vec<(Option<usize>, Structure)> = parts.into_iter().map(node).collect();
    while let Some((parent, mut done)) = nodes.pop() {
        done.children.reverse();
        match parent.and_then(|parent| nodes.get_mut(parent)) {
            Some((_, above)) => above.children.push(done),
            None => return done,
        }
    }
    Structure::default()
}

fn node(part: Part) -> (Option<usize>, Structure) {
    let structure = Structure {
        content_type: part.content_type,
        disposition: part.disposition,
        name: part.name,
        charset: part.charset,
        encoding: part.encoding,
        offset: part.body.start as u64,
        size: part.body.len() as u64,
        content_id: part.content_id,
        children: Vec::new(),
    };
    (part.parent, structure)
}

/// The names of the attachments, and whether there is one at all.
pub(super) fn attachments(parts: &[Part]) -> (Vec<String>, bool) {
    let mut room = MAX_NAMES;
    let mut has_attachment = false;
    let mut names = Vec::new();
    for part in parts.iter().filter(|part| is_attachment(part)) {
        has_attachment = true;
        if let Some(name) = part.name.as_ref().filter(|name| name.len() <= room) {
            room -= name.len();
            names.push(name.clone());
        }
    }
    (names, has_attachment)
}

/// Whether a reader would list the part below the message.
///
/// A disposition `attachment` says so; a named part is one, and so is all that is neither text nor a container.
/// Not so: signatures, reports, and pictures that HTML shows by their Content-ID.
pub(super) fn is_attachment(part: &Part) -> bool {
    if part.kind != Kind::Leaf {
        return part.kind == Kind::Message && part.parent.is_some();
    }
    match part.content_type.as_str() {
        "application/pgp-signature" | "application/pkcs7-signature" | "application/x-pkcs7-signature" => {
            false
        }
        _ if part.disposition.as_deref() == Some("attachment") => true,
        "message/delivery-status" | "message/disposition-notification" => false,
        kind if kind.starts_with("image/") && part.content_id.is_some() => false,
        kind if kind.starts_with("text/") || kind.starts_with("multipart/") => part.name.is_some(),
        _ => true,
    }
}
