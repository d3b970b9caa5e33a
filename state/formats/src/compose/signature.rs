//! The two forms of a text, and the signature below both.
//!
//! What is missing is made from what is there: plain text from HTML, so that everybody can read it; HTML from plain text where the
//! signature has HTML to show. Text becomes HTML by escaping, so none of it can act as markup.

use super::Signature;
use crate::message::html_text;

/// The text in its forms.
pub(super) struct Forms {
    pub text: String,
    pub html: Option<String>,
}

/// The forms of a message with its signature.
pub(super) fn signed(text: Option<String>, html: Option<String>, signature: Option<&Signature>) -> Forms {
    let text = text.unwrap_or_else(|| html.as_deref().map(html_text).unwrap_or_default());
    let Some(signature) = signature else { return Forms { text, html } };
    let piece = signature.html.as_ref().filter(|piece| !piece.trim().is_empty());
    let html = match (html, piece) {
        (Some(html), Some(piece)) => Some(with_piece(html, piece)),
        (Some(html), None) => {
            Some(with_piece(html, &plain_html(signature.plain.as_deref().unwrap_or_default())))
        }
        (None, Some(piece)) => Some(with_piece(plain_html(&text), piece)),
        (None, None) => None,
    };
    let plain =
        signature.plain.clone().or_else(|| signature.html.as_deref().map(html_text)).unwrap_or_default();
    Forms { text: with_plain(text, &plain), html }
}

/// Behind the line by which readers know a signature: dash, dash, space (RFC 3676 section 4.3).
fn with_plain(mut text: String, plain: &str) -> String {
    if plain.trim().is_empty() {
        return text;
    }
    if !text.is_empty() && !text.ends_with(['\n', '\r']) {
        text.push('\n');
    }
    text.push_str("-- \n");
    text.push_str(plain.strip_prefix("-- \n").or_else(|| plain.strip_prefix("-- \r\n")).unwrap_or(plain));
    text
}

/// `html` with a piece at the end of its body. Of a piece that is a document its body is taken.
fn with_piece(mut html: String, piece: &str) -> String {
    let piece = body_of(piece).trim();
    if piece.is_empty() {
        return html;
    }
    let piece = format!("<br>\n<div>{piece}</div>\n");
    match body_end(&html) {
        Some(end) => html.insert_str(end, &piece),
        None => html.push_str(&piece),
    }
    html
}

/// What stands between `<body …>` and its end; all of it where there is no such tag.
fn body_of(html: &str) -> &str {
    let lower = html.to_ascii_lowercase();
    let after_tag = lower.find("<body").and_then(|tag| Some(tag + lower.get(tag..)?.find('>')? + 1));
    after_tag.and_then(|start| html.get(start..body_end(html).unwrap_or(html.len()))).unwrap_or(html)
}

/// Where the body of a document ends: before its last `</body>`, else before its last `</html>`.
fn body_end(html: &str) -> Option<usize> {
    let lower = html.to_ascii_lowercase();
    lower.rfind("</body").or_else(|| lower.rfind("</html"))
}

/// Plain text as HTML that looks the same, at least as far as its lines go.
pub(super) fn plain_html(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    let mut last = '\n';
    while let Some(c) = chars.next() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\r' if chars.peek() == Some(&'\n') => continue,
            '\r' | '\n' => html.push_str("<br>\n"),
            // Browsers fold white space; the second space of a run must not be one.
            ' ' if matches!(last, ' ' | '\n' | '\r') => html.push_str("&nbsp;"),
            c => html.push(c),
        }
        last = c;
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(
        text: Option<&str>,
        html: Option<&str>,
        plain: Option<&str>,
        piece: Option<&str>,
    ) -> (String, Option<String>) {
        let signature =
            Signature { plain: plain.map(Into::into), html: piece.map(Into::into), pictures: Vec::new() };
        let forms = signed(text.map(Into::into), html.map(Into::into), Some(&signature));
        (forms.text, forms.html)
    }

    #[test]
    fn the_signature_stands_below_both_forms() {
        for (text, html, plain, piece, signed_text, signed_html) in [
            (Some("Hi"), None, Some("Vera"), None, "Hi\n-- \nVera", None),
            (Some("Hi\n"), None, Some("-- \nVera"), None, "Hi\n-- \nVera", None),
            (None, None, Some("Vera"), None, "-- \nVera", None),
            (Some("Hi"), None, None, None, "Hi", None),
            (Some("Hi"), None, Some(" \n"), Some(""), "Hi", None),
            (None, Some("<p>Hi</p>"), None, None, "Hi", Some("<p>Hi</p>")),
            (
                None,
                Some("<p>Hi</p>"),
                None,
                Some("<b>V</b>"),
                "Hi\n-- \nV",
                Some("<p>Hi</p><br>\n<div><b>V</b></div>\n"),
            ),
            (
                Some("a<b"),
                None,
                None,
                Some("<b>V</b>"),
                "a<b\n-- \nV",
                Some("a&lt;b<br>\n<div><b>V</b></div>\n"),
            ),
            (
                Some("Hi"),
                Some("<p>Hi</p>"),
                Some("V & E"),
                None,
                "Hi\n-- \nV & E",
                Some("<p>Hi</p><br>\n<div>V &amp; E</div>\n"),
            ),
            (
                Some("Hi"),
                Some("<html><BODY>Hi</BODY></html>"),
                Some("V"),
                Some("v"),
                "Hi\n-- \nV",
                Some("<html><BODY>Hi<br>\n<div>v</div>\n</BODY></html>"),
            ),
            (
                Some("Hi"),
                Some("<html>Hi</html>"),
                Some("V"),
                Some("v"),
                "Hi\n-- \nV",
                Some("<html>Hi<br>\n<div>v</div>\n</html>"),
            ),
        ] {
            let expected = (signed_text.to_owned(), signed_html.map(Into::into));
            assert_eq!(sign(text, html, plain, piece), expected, "{text:?} {html:?} {plain:?} {piece:?}");
        }
        let document = "<!DOCTYPE html><html><head><style>p{}</style></head><BODY class=\"a\">\n<b>V</b>\n</BODY></html>";
        let (text, html) = sign(Some("Hi"), None, None, Some(document));
        assert_eq!((text.as_str(), html.as_deref()), ("Hi\n-- \nV", Some("Hi<br>\n<div><b>V</b></div>\n")));
        assert_eq!(body_of("<body>a"), "a");
        assert_eq!(body_of("</body><body>a"), "</body><body>a");
        let bare = signed(None, Some("<p>a</p><p>b</p>".into()), None);
        assert_eq!((bare.text.as_str(), bare.html.as_deref()), ("a\nb", Some("<p>a</p><p>b</p>")));
    }

    #[test]
    fn text_as_html_is_text() {
        for (text, html) in [
            ("<script>&\"", "&lt;script&gt;&amp;&quot;"),
            ("a\r\nb\n\nc\rd", "a<br>\nb<br>\n<br>\nc<br>\nd"),
            ("a  b\n  c", "a &nbsp;b<br>\n&nbsp;&nbsp;c"),
        ] {
            assert_eq!(plain_html(text), html, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_acts_as_markup(text in "[<>&;a-c/ ]{0,40}") {
            let html = plain_html(&text);
            proptest::prop_assert!(!html.replace("<br>", "").contains(['<', '>']));
        }
    }
}
