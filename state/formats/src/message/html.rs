//! HTML to text, for search and for a first look: one pass, no tree.
//!
//! It keeps what a reader would see: no tags, comments, styles or scripts; blocks begin a line, white space folds, character references
//! become characters. It is no sanitiser: what it gives is text and is never shown as HTML.

use mail_parser::decoders::html::add_html_token;
use memchr::{memchr, memmem};

/// Elements whose content is not text for a reader.
const HIDDEN: [&str; 4] = ["script", "style", "template", "title"];
/// Elements that begin a line.
const BLOCKS: [&str; 31] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tr",
    "ul",
    "figure",
];
/// Longest name of a character reference, in bytes.
const MAX_REFERENCE: usize = 33;

/// Appends the text of `html` to `out`, which grows by at most `max` bytes and a few.
pub(super) fn strip(html: &str, out: &mut String, max: usize) {
    let mut writer = Writer { end: out.len().saturating_add(max), out, space: false };
    let mut rest = html;
    while !writer.is_full() {
        let Some(tag) = memchr(b'<', rest.as_bytes()) else {
            writer.run(rest);
            return;
        };
        let (text, at_tag) = rest.split_at(tag);
        writer.run(text);
        rest = tag_or_text(at_tag, &mut writer);
    }
}

/// Handles what begins with `<`; gives what follows it.
fn tag_or_text<'a>(at_tag: &'a str, writer: &mut Writer<'_>) -> &'a str {
    let after = at_tag.strip_prefix('<').unwrap_or(at_tag);
    if let Some(comment) = after.strip_prefix("!--") {
        return after_needle(comment, "-->");
    }
    let (is_end, inner) = match after.strip_prefix('/') {
        Some(inner) => (true, inner),
        None => (false, after),
    };
    if !inner.starts_with(|c: char| c.is_ascii_alphabetic() || c == '!' || c == '?') {
        writer.run("<");
        return after;
    }
    let len = inner.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let (name, attributes) = inner.split_at(len);
    let rest = after_tag(attributes);
    if HIDDEN.iter().any(|hidden| hidden.eq_ignore_ascii_case(name)) && !is_end {
        return after_hidden(rest, name);
    }
    if BLOCKS.iter().any(|block| block.eq_ignore_ascii_case(name)) {
        writer.line();
    } else if name.eq_ignore_ascii_case("td") || name.eq_ignore_ascii_case("th") {
        writer.space = true;
    }
    rest
}

/// What follows the `>` of a tag; a `>` in a quoted value is none. Quotes count only where they close before the next `<`, so
/// that a lost one costs its own tag and the time stays linear.
fn after_tag(attributes: &str) -> &str {
    let tag =
        attributes.get(..memchr(b'<', attributes.as_bytes()).unwrap_or(attributes.len())).unwrap_or_default();
    let bytes = tag.as_bytes();
    let mut at = 0;
    while let Some(quote_or_end) = bytes.get(at..).and_then(next_quote_or_end) {
        let (found, byte) = quote_or_end;
        if byte == b'>' {
            return attributes.get(at + found + 1..).unwrap_or_default();
        }
        match bytes.get(at + found + 1..).and_then(|value| memchr(byte, value)) {
            Some(close) => at += found + close + 2,
            None => break,
        }
    }
    after_needle(attributes, ">")
}

fn next_quote_or_end(bytes: &[u8]) -> Option<(usize, u8)> {
    let found = memchr::memchr3(b'"', b'\'', b'>', bytes)?;
    bytes.get(found).map(|byte| (found, *byte))
}

fn after_needle<'a>(text: &'a str, needle: &str) -> &'a str {
    memmem::find(text.as_bytes(), needle.as_bytes())
        .and_then(|at| text.get(at + needle.len()..))
        .unwrap_or_default()
}

/// What follows the end tag of an element with hidden content; nothing if it never ends.
fn after_hidden<'a>(mut rest: &'a str, name: &str) -> &'a str {
    while let Some(at) = memmem::find(rest.as_bytes(), b"</") {
        rest = rest.get(at + 2..).unwrap_or_default();
        if rest.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return after_needle(rest, ">");
        }
    }
    ""
}

/// Writes text with its white space folded.
struct Writer<'a> {
    out: &'a mut String,
    end: usize,
    /// White space was read and not yet written.
    space: bool,
}

impl Writer<'_> {
    fn is_full(&self) -> bool {
        self.out.len() >= self.end
    }

    fn run(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() && !self.is_full() {
            let word = rest.bytes().take_while(|b| !b.is_ascii_whitespace() && *b != b'&').count();
            let (head, tail) = rest.split_at_checked(word).unwrap_or((rest, ""));
            self.word(head);
            rest = match tail.as_bytes().first() {
                Some(b'&') => self.reference(tail),
                Some(_) => {
                    self.space = true;
                    tail.trim_ascii_start()
                }
                None => "",
            };
        }
    }

    fn word(&mut self, word: &str) {
        if word.is_empty() {
            return;
        }
        if std::mem::take(&mut self.space) && !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push(' ');
        }
        let room = self.end.saturating_sub(self.out.len());
        self.out.push_str(word.get(..word.floor_char_boundary(room)).unwrap_or_default());
    }

    fn line(&mut self) {
        self.space = false;
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    /// A character reference at the start of `text`; gives what follows it.
    fn reference<'t>(&mut self, text: &'t str) -> &'t str {
        let bytes = text.as_bytes();
        let name =
            bytes.iter().skip(1).take(MAX_REFERENCE).take_while(|b| b.is_ascii_alphanumeric() || **b == b'#');
        let end = 1 + name.count();
        let Some((reference, rest)) = text.split_at_checked(end + 1).filter(|(r, _)| r.ends_with(';')) else {
            self.word("&");
            return text.get(1..).unwrap_or_default();
        };
        let mut decoded = String::new();
        add_html_token(&mut decoded, reference.as_bytes(), false);
        match decoded.as_str() {
            "\u{a0}" | " " | "\t" | "\n" | "\r" => self.space = true,
            "\u{ad}" | "\u{34f}" | "\u{200b}" | "\u{200c}" | "\u{200d}" | "\u{feff}" => {}
            "\0" => self.word("\u{fffd}"),
            other => self.word(other),
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(html: &str) -> String {
        let mut out = String::new();
        strip(html, &mut out, 1 << 20);
        out
    }

    #[test]
    fn what_a_reader_sees_is_kept() {
        for (html, expected) in [
            ("plain", "plain"),
            ("<p>Hello,\r\n   <b>big</b> world</p><p>Bye</p>", "Hello, big world\nBye"),
            ("a<br>b<BR/>c<hr />d", "a\nb\nc\nd"),
            ("<html><head><title>T</title><style>p{}</style></head><body>x</body></html>", "x"),
            ("<script>if (a</b) alert('<p>')</script>y", "y"),
            ("<STYLE>a</sty</STYLE >z", "z"),
            ("a<!-- <p>no</p> -->b", "ab"),
            ("a<!--[if mso]>x<![endif]-->b", "ab"),
            ("<!DOCTYPE html><?xml v?>x", "x"),
            ("<a title=\"1 > 0\" href='x>y'>link</a>", "link"),
            ("<a title=\"lost>link</a> on", "link on"),
            ("it's < 5 and > 3 <3", "it's < 5 and > 3 <3"),
            ("R&amp;D &lt;b&gt; &#1055;&#x43F; &eacute;&hellip;", "R&D <b> Пп é…"),
            ("AT&T &unknown; & &; &#xD800; &#0;", "AT&T &unknown; & &; \u{fffd} \u{fffd}"),
            ("a&nbsp;&nbsp; b&zwnj;&shy;c", "a bc"),
            ("<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1 2\n3"),
            ("<ul><li>x<li>y</ul>", "x\ny"),
            ("unclosed <b", "unclosed "),
            ("unclosed <!-- comment", "unclosed "),
            ("<script>never ends", ""),
            ("wor<b>d</b>s", "words"),
        ] {
            assert_eq!(text(html).trim_end(), expected.trim_end(), "{html:?}");
        }
    }

    #[test]
    fn the_cap_holds_between_characters() {
        for max in 0..12 {
            let mut out = "x".to_owned();
            strip("ффф &eacute; ффф<p>ффф", &mut out, max);
            assert!(out.len() <= 1 + max + 4, "{max}: {out:?}");
        }
    }

    #[test]
    fn hostile_html_takes_linear_time() {
        for piece in ["<a \"", "<", "<!--", "</script", "&", "&#x", "<script>", "<p '<\"", "<a \"\" '"] {
            let html = piece.repeat(1024 * 1024 / piece.len());
            let _ = text(&html);
        }
    }
}
