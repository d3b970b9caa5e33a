//! How the parts hang together (RFC 2046, RFC 2387), and the lines that divide them.
//!
//! ```text
//! multipart/mixed                  where files go with it
//!   multipart/alternative          where there are two forms of the text
//!     text/plain
//!     multipart/related            where the HTML shows pictures
//!       text/html
//!       image/png …
//!     text/calendar                an invitation
//!   application/pdf …
//! ```
//! Boundaries come from outside. One that stands in a body would divide it, so each is held against all bodies before it is taken.

use super::ComposeError;
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{MultiPart, SinglePart};
use memchr::memmem;

/// Boundaries that are asked for in place of one that cannot be used. They are drawn at random: one such is an accident, more are
/// a broken source.
const MAX_DRAWS: usize = 8;
/// Lengths of a boundary: RFC 2046 section 5.1.1 allows no more, and below an accident becomes likely.
const BOUNDARY_LEN: std::ops::RangeInclusive<usize> = 8..=70;

/// The parts of a message before they are hung up.
pub(super) struct Leaves {
    pub text: SinglePart,
    pub html: Option<SinglePart>,
    /// An invitation.
    pub calendar: Option<SinglePart>,
    /// Pictures of the HTML; files like others where there is none.
    pub inline: Vec<SinglePart>,
    /// Files.
    pub attached: Vec<SinglePart>,
}

/// A part with all that is in it.
pub(super) enum Tree {
    Single(SinglePart),
    Multi(MultiPart),
}

impl Leaves {
    /// Whether a body holds octets above 127.
    pub fn has_8bit(&self) -> bool {
        self.all().any(|leaf| !leaf.raw_body().is_ascii())
    }

    fn all(&self) -> impl Iterator<Item = &SinglePart> {
        std::iter::once(&self.text)
            .chain(&self.html)
            .chain(&self.calendar)
            .chain(&self.inline)
            .chain(&self.attached)
    }

    /// Hangs the parts up.
    pub fn hang(mut self, source: &mut dyn FnMut() -> String) -> Result<Tree, ComposeError> {
        if self.html.is_none() {
            self.attached.splice(0..0, std::mem::take(&mut self.inline));
        }
        let mut boundaries = Boundaries { leaves: &self, source, taken: Vec::new() };
        let mixed = boundaries.frame("mixed", !self.attached.is_empty())?;
        let alternative = boundaries.frame("alternative", self.html.is_some() || self.calendar.is_some())?;
        let related = boundaries.frame("related; type=\"text/html\"", !self.inline.is_empty())?;

        let Self { text, html, calendar, inline, attached } = self;
        let html = html.map(|html| wrap(related, Tree::Single(html), inline.into_iter().map(Tree::Single)));
        let forms = html.into_iter().chain(calendar.map(Tree::Single));
        let body = wrap(alternative, Tree::Single(text), forms);
        Ok(wrap(mixed, body, attached.into_iter().map(Tree::Single)))
    }
}

/// `first` and the others in their frame; without one there are no others.
fn wrap(frame: Option<MultiPart>, first: Tree, others: impl IntoIterator<Item = Tree>) -> Tree {
    let Some(frame) = frame else { return first };
    let hang_up = |frame: MultiPart, part| match part {
        Tree::Single(part) => frame.singlepart(part),
        Tree::Multi(part) => frame.multipart(part),
    };
    Tree::Multi(others.into_iter().fold(hang_up(frame, first), hang_up))
}

impl Tree {
    /// The header fields of the part, the blank line, its body.
    pub fn formatted(self) -> Vec<u8> {
        match self {
            Self::Multi(part) => part.formatted(),
            Self::Single(part) => {
                let mut octets = part.formatted();
                // lettre ends every body with a line end, which belongs to the boundary where there is one. A text has its own.
                if !is_base64(&part) && octets.ends_with(b"\r\n\r\n") {
                    octets.truncate(octets.len() - 2);
                }
                octets
            }
        }
    }
}

fn is_base64(part: &SinglePart) -> bool {
    part.headers().get::<ContentTransferEncoding>() == Some(ContentTransferEncoding::Base64)
}

struct Boundaries<'a> {
    leaves: &'a Leaves,
    source: &'a mut dyn FnMut() -> String,
    taken: Vec<String>,
}

impl Boundaries<'_> {
    /// An empty multipart with a boundary of its own, where one is needed.
    fn frame(&mut self, kind: &str, is_needed: bool) -> Result<Option<MultiPart>, ComposeError> {
        if !is_needed {
            return Ok(None);
        }
        let boundary = self.draw()?;
        let kind = ContentType::parse(&format!("multipart/{kind}; boundary=\"{boundary}\""))
            .map_err(|_| ComposeError::Boundary { reason: "it does not fit a content type" })?;
        Ok(Some(MultiPart::builder().header(kind).build()))
    }

    fn draw(&mut self) -> Result<String, ComposeError> {
        let mut reason = "";
        for _ in 0..MAX_DRAWS {
            let boundary = (self.source)();
            match self.fault(&boundary) {
                None => {
                    self.taken.push(boundary.clone());
                    return Ok(boundary);
                }
                Some(fault) => reason = fault,
            }
        }
        Err(ComposeError::Boundary { reason })
    }

    fn fault(&self, boundary: &str) -> Option<&'static str> {
        let is_sound = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'=');
        if !BOUNDARY_LEN.contains(&boundary.len()) || !boundary.bytes().all(is_sound) {
            return Some("it must be 8 to 70 letters, digits, or any of _-.=");
        }
        // A boundary line is known by how it begins, so none may begin like another.
        if self.taken.iter().any(|taken| taken.starts_with(boundary) || boundary.starts_with(taken.as_str()))
        {
            return Some("each must be unlike the others");
        }
        let finder = memmem::Finder::new(boundary);
        let is_met = self.leaves.all().any(|leaf| finder.find(leaf.raw_body()).is_some());
        is_met.then_some("it stands in the message")
    }
}

#[cfg(test)]
mod tests {
    use super::super::part::text;
    use super::*;

    fn leaves() -> Leaves {
        Leaves {
            text: text(ContentType::TEXT_PLAIN, "--boundary1"),
            html: Some(text(ContentType::TEXT_HTML, "<p>x</p>")),
            calendar: None,
            inline: vec![text(ContentType::TEXT_PLAIN, "picture")],
            attached: vec![text(ContentType::TEXT_PLAIN, "file")],
        }
    }

    fn hang(given: &[&str]) -> Result<Vec<u8>, ComposeError> {
        let mut given = given.iter().map(ToString::to_string);
        let tree = leaves().hang(&mut || given.next().unwrap_or_default())?;
        Ok(tree.formatted())
    }

    #[test]
    fn a_boundary_that_would_divide_a_body_is_passed_over() {
        let octets = hang(&["boundary1", "Boundary2", "boundary3", "boundary4"]).unwrap();
        let written = String::from_utf8(octets).unwrap();
        assert!(written.starts_with("Content-Type: multipart/mixed; boundary=\"Boundary2\"\r\n\r\n"));
        assert!(written.contains("multipart/alternative; boundary=\"boundary3\""));
        assert!(written.contains("multipart/related; type=\"text/html\"; boundary=\"boundary4\""));
        assert!(written.ends_with("\r\n--Boundary2--\r\n"));
    }

    #[test]
    fn unusable_boundaries_end_in_an_error() {
        for (given, reason) in [
            (&[][..], "8 to 70"),
            (&["short"; 20], "8 to 70"),
            (&["with space"; 20], "8 to 70"),
            (&["line\r\nbreak"; 20], "8 to 70"),
            (&["boundary1"; 20], "stands in the message"),
            (&["the-same"; 20], "unlike"),
            (
                &[
                    "boundary2",
                    "boundary20",
                    "boundary20",
                    "boundary20",
                    "boundary20",
                    "boundary20",
                    "boundary20",
                    "boundary20",
                    "boundary20",
                ],
                "unlike",
            ),
        ] {
            let said = hang(given).unwrap_err().to_string();
            assert!(said.contains(reason), "{given:?}: {said}");
        }
    }

    #[test]
    fn a_text_alone_ends_once() {
        for (given, ends) in
            [("hi", "\r\n\r\nhi\r\n"), ("hi\n\n", "\r\n\r\nhi\r\n\r\n"), ("", "7bit\r\n\r\n")]
        {
            let leaves = Leaves {
                text: text(ContentType::TEXT_PLAIN, given),
                html: None,
                calendar: None,
                inline: vec![],
                attached: vec![],
            };
            let octets = leaves.hang(&mut String::new).unwrap_or_else(|e| panic!("{e}")).formatted();
            assert!(octets.ends_with(ends.as_bytes()), "{}", String::from_utf8_lossy(&octets));
        }
    }
}
