//! The parts of a message, and BODYSTRUCTURE (RFC 3501 section 7.4.2, RFC 2046).
//!
//! Rule: nesting and number of parts are bounded; what is beyond the bound, or has no boundary, is a leaf.

use std::ops::Range;

use super::envelope::envelope;
use super::header::Header;
use crate::imap::respond::Style;

const DEPTH_CAP: usize = 50;
const PARTS_CAP: usize = 2_000;

/// One part: its media type, its place, and what is in it.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    media: Media,
    /// From the first octet of its header.
    pub header: Range<usize>,
    pub body: Range<usize>,
    encoding: Vec<u8>,
    id: Option<Vec<u8>>,
    description: Option<Vec<u8>>,
    pub inner: Inner,
}

#[derive(Clone, Debug)]
pub(crate) enum Inner {
    Leaf,
    Multipart(Vec<Part>),
    Message(Box<Part>),
}

#[derive(Clone, Debug)]
struct Media {
    kind: String,
    subtype: String,
    parameters: Vec<(String, Vec<u8>)>,
}

impl Media {
    fn plain() -> Self {
        let charset = ("charset".to_owned(), b"us-ascii".to_vec());
        Self { kind: "text".to_owned(), subtype: "plain".to_owned(), parameters: vec![charset] }
    }

    fn opaque() -> Self {
        Self { kind: "application".to_owned(), subtype: "octet-stream".to_owned(), parameters: Vec::new() }
    }

    fn of(header: &Header<'_>, default: Self) -> Self {
        let Some(value) = header.value("Content-Type") else { return default };
        let (types, parameters) = split_parameters(&value);
        let text = String::from_utf8_lossy(&types).to_ascii_lowercase();
        match text.split_once('/') {
            Some((kind, subtype)) if !kind.trim().is_empty() && !subtype.trim().is_empty() => {
                Self { kind: kind.trim().to_owned(), subtype: subtype.trim().to_owned(), parameters }
            }
            _ => Self::plain(),
        }
    }

    fn boundary(&self) -> Option<&[u8]> {
        let found = self.parameters.iter().find(|(name, _)| name == "boundary")?;
        (self.kind == "multipart" && !found.1.is_empty()).then_some(&found.1)
    }

    fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind == kind && self.subtype == subtype
    }
}

/// `value; name=value; name="value"`
fn split_parameters(value: &[u8]) -> (Vec<u8>, Vec<(String, Vec<u8>)>) {
    let mut pieces: Vec<Vec<u8>> = vec![Vec::new()];
    let (mut quoted, mut escaped) = (false, false);
    for byte in value {
        match byte {
            b';' if !quoted => {
                pieces.push(Vec::new());
                continue;
            }
            b'"' if !escaped => {
                quoted = !quoted;
                continue;
            }
            b'\\' if quoted && !escaped => {
                escaped = true;
                continue;
            }
            _ => escaped = false,
        }
        if let Some(last) = pieces.last_mut() {
            last.push(*byte);
        }
    }
    let mut pieces = pieces.into_iter();
    let first = pieces.next().unwrap_or_default().trim_ascii().to_vec();
    let parameter = |piece: Vec<u8>| {
        let at = piece.iter().position(|byte| *byte == b'=')?;
        let name = String::from_utf8_lossy(piece.get(..at)?).trim().to_ascii_lowercase();
        Some((name, piece.get(at + 1..)?.trim_ascii().to_vec()))
    };
    (first, pieces.filter_map(parameter).collect())
}

struct Walker<'a> {
    bytes: &'a [u8],
    parts: usize,
}

/// The parts of a message.
pub(crate) fn structure(bytes: &[u8]) -> Part {
    let mut walker = Walker { bytes, parts: 0 };
    walker.part(0..bytes.len(), &Media::plain(), 0)
}

impl Walker<'_> {
    fn part(&mut self, span: Range<usize>, default: &Media, depth: usize) -> Part {
        self.parts += 1;
        let bytes = self.bytes.get(span.clone()).unwrap_or_default();
        let header = Header::read(bytes);
        let body_at = span.start + header.body_at;
        let mut media = Media::of(&header, default.clone());
        let body = body_at..span.end;
        let inner = self.inner(&media, body.clone(), depth);
        // A leaf of a composite type has no lawful BODYSTRUCTURE.
        if matches!(inner, Inner::Leaf) && (media.kind == "multipart" || media.is("message", "rfc822")) {
            media = Media::opaque();
        }
        let encoding = header.value("Content-Transfer-Encoding").unwrap_or_else(|| b"7bit".to_vec());
        let (id, description) = (header.value("Content-ID"), header.value("Content-Description"));
        Part { media, header: span.start..body_at, body, encoding, id, description, inner }
    }

    fn inner(&mut self, media: &Media, body: Range<usize>, depth: usize) -> Inner {
        if depth >= DEPTH_CAP || self.parts >= PARTS_CAP {
            return Inner::Leaf;
        }
        if media.is("message", "rfc822") {
            return Inner::Message(Box::new(self.part(body, &Media::plain(), depth + 1)));
        }
        let Some(boundary) = media.boundary() else { return Inner::Leaf };
        let spans = split(self.bytes, body, boundary);
        if spans.is_empty() {
            return Inner::Leaf;
        }
        // RFC 2046 section 5.1.5
        let mut default = Media::plain();
        if media.subtype == "digest" {
            default =
                Media { kind: "message".to_owned(), subtype: "rfc822".to_owned(), parameters: Vec::new() };
        }
        let room = PARTS_CAP - self.parts;
        Inner::Multipart(
            spans.into_iter().take(room).map(|span| self.part(span, &default, depth + 1)).collect(),
        )
    }
}

/// What lies between the boundary lines; the line end before a boundary belongs to it.
fn split(bytes: &[u8], body: Range<usize>, boundary: &[u8]) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut open: Option<usize> = None;
    let mut at = body.start;
    for line in bytes.get(body.clone()).unwrap_or_default().split_inclusive(|byte| *byte == b'\n') {
        let rest =
            line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary)).map(<[u8]>::trim_ascii);
        if let Some(rest @ (b"" | b"--")) = rest {
            if let Some(start) = open.take() {
                let before = bytes.get(start..at).unwrap_or_default();
                let end = before.strip_suffix(b"\n").map_or(before, |b| b.strip_suffix(b"\r").unwrap_or(b));
                spans.push(start..start + end.len());
            }
            if rest == b"--" {
                return spans;
            }
            open = Some(at + line.len());
        }
        at += line.len();
    }
    spans.extend(open.map(|start| start..body.end));
    spans
}

impl Part {
    /// The part with this number (RFC 3501 section 6.4.5): the parts of a multipart are numbered, so are those of a
    /// message in a part, and `1` is the body of what has no parts.
    pub fn numbered(&self, number: &[u32]) -> Option<&Self> {
        let [first, rest @ ..] = number else { return Some(self) };
        let at = usize::try_from(*first).ok()?.checked_sub(1)?;
        let child = match &self.inner {
            Inner::Multipart(parts) => parts.get(at)?,
            Inner::Message(message) => return message.numbered(number),
            Inner::Leaf => return (at == 0 && rest.is_empty()).then_some(self),
        };
        if rest.is_empty() { Some(child) } else { child.numbered(rest) }
    }

    /// Writes BODYSTRUCTURE, or BODY where `extended` is false.
    pub fn write(&self, out: &mut Vec<u8>, bytes: &[u8], style: Style, extended: bool) {
        // NIL stands for no string of a body structure that could be taken for a real message's.
        let style = Style { nil: false, ..style };
        out.push(b'(');
        if let Inner::Multipart(parts) = &self.inner {
            parts.iter().for_each(|part| part.write(out, bytes, style, extended));
            out.push(b' ');
            style.string(out, self.media.subtype.as_bytes());
            if extended {
                out.push(b' ');
                self.write_parameters(out, style);
                out.extend_from_slice(b" NIL NIL NIL");
            }
        } else {
            self.write_single(out, bytes, style, extended);
        }
        out.push(b')');
    }

    fn write_single(&self, out: &mut Vec<u8>, bytes: &[u8], style: Style, extended: bool) {
        let content = bytes.get(self.body.clone()).unwrap_or_default();
        style.string(out, self.media.kind.as_bytes());
        out.push(b' ');
        style.string(out, self.media.subtype.as_bytes());
        out.push(b' ');
        self.write_parameters(out, style);
        out.push(b' ');
        style.nstring(out, self.id.as_deref());
        out.push(b' ');
        style.nstring(out, self.description.as_deref());
        out.push(b' ');
        style.string(out, &self.encoding);
        out.extend_from_slice(format!(" {}", content.len()).as_bytes());
        let lines = content.iter().filter(|byte| **byte == b'\n').count();
        if let Inner::Message(message) = &self.inner {
            let header = bytes.get(message.header.clone()).unwrap_or_default();
            out.push(b' ');
            envelope(out, &Header::read(header), style);
            out.push(b' ');
            message.write(out, bytes, style, extended);
        }
        if matches!(self.inner, Inner::Message(_)) || self.media.kind == "text" {
            out.extend_from_slice(format!(" {lines}").as_bytes());
        }
        if extended {
            out.extend_from_slice(b" NIL NIL NIL NIL");
        }
    }

    fn write_parameters(&self, out: &mut Vec<u8>, style: Style) {
        if self.media.parameters.is_empty() {
            return out.extend_from_slice(b"NIL");
        }
        let mut before = b'(';
        for (name, value) in &self.media.parameters {
            out.push(before);
            style.string(out, name.as_bytes());
            out.push(b' ');
            style.string(out, value);
            before = b' ';
        }
        out.push(b')');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NESTED: &[u8] =
        b"Content-Type: multipart/mixed; boundary=\"x;y\"\r\n\r\npreamble\r\n--x;y\r\n\r\none\r\n--x;y\r\n\
        Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ntwo\r\n--x;y--\r\nepilogue";

    fn written(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        structure(bytes).write(&mut out, bytes, Style::default(), false);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn parts_have_numbers() {
        let whole = structure(NESTED);
        let body = |number: &[u32]| whole.numbered(number).map(|part| &NESTED[part.body.clone()]);
        assert_eq!(body(&[1]), Some(&b"one"[..]));
        assert_eq!(body(&[2]), Some(&b"Subject: in\r\n\r\ntwo"[..]));
        assert_eq!(body(&[2, 1]), Some(&b"two"[..]));
        assert_eq!(body(&[3]), None);
        assert_eq!(structure(b"\r\nx").numbered(&[1]).map(|part| part.body.clone()), Some(2..3));
    }

    #[test]
    fn the_structure_is_written() {
        let text = "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 0)";
        let nils = "NIL NIL NIL NIL NIL NIL NIL NIL";
        let inner = format!("(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 18 (NIL \"in\" {nils}) {text} 2)");
        assert_eq!(written(NESTED), format!("({text}{inner} \"mixed\")"));
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = "Content-Type: message/rfc822\r\n\r\n".repeat(500);
        assert!(written(deep.as_bytes()).matches("rfc822").count() <= DEPTH_CAP + 1);
        let wide =
            format!("Content-Type: multipart/mixed; boundary=a\r\n\r\n{}", "--a\r\n\r\n".repeat(5_000));
        assert!(written(wide.as_bytes()).matches("plain").count() <= PARTS_CAP);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(body in "(--a(--)?|\r\n|Content-Type: (multipart/mixed; boundary=a|message/rfc822)|\n|:|;){0,30}") {
            let message = format!("Content-Type: multipart/x; boundary=a\r\n\r\n{body}");
            written(message.as_bytes());
            written(body.as_bytes());
        }
    }
}
