//! The single parts of a message: texts, files, pictures, a message that goes along.
//!
//! lettre encodes the bodies. What it does not know is here: that a file is kept octet for octet, that a message within a message
//! must not be encoded (RFC 2046 section 5.2.1), which content types a single part may have, and how a file name is
//! written (see [`super::encoded`]).

use super::header::{check_text, is_id};
use super::{CalendarPart, ComposeError, InlinePart, Part, encoded, lines};
use lettre::message::header::{ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Body, SinglePart};
use std::error::Error;

/// Longest content type, in octets: its field then fits a line of 998 whatever it is made of.
const MAX_TYPE: usize = 250;
/// Longest Content-ID, in octets.
const MAX_CONTENT_ID: usize = 250;

/// A text in UTF-8: as it is where it is short-lined ASCII, else quoted-printable or base64, whichever is shorter.
pub(super) fn text(kind: ContentType, text: &str) -> SinglePart {
    let text = lines::text(text);
    let is_clean = text.bytes().all(|b| matches!(b, b'\t' | b'\r' | b'\n') || b >= b' ');
    let body = if is_clean {
        Body::new(text)
    } else {
        encode(text.into_bytes(), ContentTransferEncoding::QuotedPrintable)
    };
    SinglePart::builder().header(kind).body(body)
}

/// A calendar that stands beside the text.
pub(super) fn calendar(part: &CalendarPart) -> Result<SinglePart, ComposeError> {
    let kind = format!("text/calendar; charset=utf-8; method={}", part.method);
    check_type("the calendar", &kind)?;
    Ok(SinglePart::builder()
        .header(parsed("the calendar", &kind)?)
        .body(encode(part.text.clone().into_bytes(), ContentTransferEncoding::Base64)))
}

/// A file that goes with the message. `place` names it in errors.
pub(super) fn attachment(place: &str, part: Part) -> Result<SinglePart, ComposeError> {
    check_text(&format!("the name of {place}"), &part.name)?;
    check_type(place, &part.content_type)?;
    let disposition = Disposition::new("attachment", &part.name);
    let (kind, body) = if is_of(&part.content_type, "message") {
        message(part.content_type, part.bytes)
    } else {
        (with_charset(part.content_type, &part.bytes), encode(part.bytes, ContentTransferEncoding::Base64))
    };
    Ok(SinglePart::builder().header(parsed(place, &kind)?).header(disposition).body(body))
}

/// A picture that the HTML shows.
pub(super) fn inline(place: &str, part: InlinePart) -> Result<SinglePart, ComposeError> {
    check_text(&format!("the name of {place}"), &part.name)?;
    check_text(&format!("the Content-ID of {place}"), &part.content_id)?;
    check_type(place, &part.content_type)?;
    if !is_id(&part.content_id) || part.content_id.len() > MAX_CONTENT_ID {
        let (place, found) = (place.to_owned(), part.content_id);
        return Err(ComposeError::ContentId { place, found, reason: "is no Content-ID" });
    }
    let kind = if is_of(&part.content_type, "message") {
        super::file_type::OCTET_STREAM.to_owned()
    } else {
        with_charset(part.content_type, &part.bytes)
    };
    Ok(SinglePart::builder()
        .header(parsed(place, &kind)?)
        .header(ContentId(format!("<{}>", part.content_id)))
        .header(Disposition::new("inline", &part.name))
        .body(encode(part.bytes, ContentTransferEncoding::Base64)))
}

/// A message within the message travels as it is, which takes lines that can; one that cannot goes as a file.
fn message(kind: String, bytes: Vec<u8>) -> (String, Body) {
    let lines = lines::crlf(&bytes);
    if lines::fault(&lines).is_some() {
        return (super::file_type::OCTET_STREAM.to_owned(), encode(bytes, ContentTransferEncoding::Base64));
    }
    let encoding = match lines.is_ascii() {
        true => ContentTransferEncoding::SevenBit,
        false => ContentTransferEncoding::EightBit,
    };
    (kind, Body::dangerous_pre_encoded(lines.into_owned(), encoding))
}

/// lettre refuses to encode nothing but what an encoding cannot hold, and these two hold everything.
fn encode(bytes: Vec<u8>, encoding: ContentTransferEncoding) -> Body {
    Body::new_with_encoding(bytes, encoding).unwrap_or_else(Body::new)
}

fn is_of(content_type: &str, kind: &str) -> bool {
    content_type.split_once('/').is_some_and(|(found, _)| found.trim().eq_ignore_ascii_case(kind))
}

/// A text without a charset would be read as ASCII (RFC 2045 section 5.2).
fn with_charset(content_type: String, bytes: &[u8]) -> String {
    let has_charset = content_type.to_ascii_lowercase().contains("charset");
    if is_of(&content_type, "text") && !has_charset && !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok()
    {
        return format!("{content_type}; charset=utf-8");
    }
    content_type
}

/// Checks that this is a content type (RFC 2045 section 5.1), and one of a single part.
pub(super) fn check_type(place: &str, content_type: &str) -> Result<(), ComposeError> {
    check_text(&format!("the content type of {place}"), content_type)?;
    let essence = content_type.split(';').next().unwrap_or_default().trim_end();
    let is_sound = essence.split_once('/').is_some_and(|(kind, sub)| is_token(kind) && is_token(sub));
    let is_printable = content_type.bytes().all(|b| matches!(b, b' '..=b'~'));
    if !is_sound || !is_printable || content_type.len() > MAX_TYPE || is_of(content_type, "multipart") {
        return Err(refused(place, content_type));
    }
    parsed(place, content_type).map(drop)
}

fn parsed(place: &str, content_type: &str) -> Result<ContentType, ComposeError> {
    ContentType::parse(content_type).map_err(|_| refused(place, content_type))
}

fn refused(place: &str, content_type: &str) -> ComposeError {
    ComposeError::ContentType { place: place.to_owned(), found: content_type.to_owned() }
}

/// `token` of RFC 2045 section 5.1 that begins as registered names do (RFC 6838 section 4.2), so that a mask is none.
fn is_token(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b))
}

/// `Content-Disposition` (RFC 2183), its value folded and encoded.
#[derive(Clone)]
struct Disposition(String);

impl Disposition {
    fn new(kind: &str, name: &str) -> Self {
        let mut value = kind.to_owned();
        if !name.is_empty() {
            for line in encoded::parameter("filename", name) {
                value.push_str(";\r\n ");
                value.push_str(&line);
            }
        }
        Self(value)
    }
}

impl Header for Disposition {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Content-Disposition")
    }

    fn parse(value: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self(value.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::dangerous_new_pre_encoded(Self::name(), self.0.clone(), self.0.clone())
    }
}

/// `Content-ID` (RFC 2045 section 7), with its angle brackets.
#[derive(Clone)]
struct ContentId(String);

impl Header for ContentId {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Content-ID")
    }

    fn parse(value: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self(value.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::dangerous_new_pre_encoded(Self::name(), self.0.clone(), self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(part: &SinglePart) -> String {
        String::from_utf8(part.formatted()).unwrap()
    }

    fn file(name: &str, content_type: &str, bytes: &[u8]) -> Part {
        Part { name: name.into(), content_type: content_type.into(), bytes: bytes.to_vec() }
    }

    #[test]
    fn content_types() {
        for (content_type, sound) in [
            ("text/plain", true),
            ("image/svg+xml", true),
            ("text/calendar; method=REQUEST; charset=utf-8", true),
            ("text/plain; name=\"a b\"", true),
            ("message/rfc822", true),
            ("", false),
            ("text", false),
            ("text/", false),
            ("/plain", false),
            ("text/plain/x", false),
            ("te xt/plain", false),
            ("*/*", false),
            ("image/*", false),
            ("text/plain; charset", false),
            ("multipart/mixed; boundary=x", false),
            ("MULTIPART/mixed", false),
            ("text/plain\r\nBcc: x@y.z", false),
            ("text/plain; name=имя", false),
            (&format!("text/plain; x={}", "y".repeat(250)), false),
        ] {
            assert_eq!(check_type("it", content_type).is_ok(), sound, "{content_type:?}");
        }
    }

    #[test]
    fn a_file_is_kept_octet_for_octet() {
        let part = attachment("it", file("a.txt", "text/plain", b"a\nb\rc\r\n")).unwrap();
        assert!(written(&part).ends_with("\r\n\r\nYQpiDWMNCg==\r\n"), "{}", written(&part));
        assert!(written(&part).contains("Content-Disposition: attachment;\r\n filename=\"a.txt\"\r\n"));
    }

    #[test]
    fn a_text_file_says_its_charset_if_that_is_known() {
        for (content_type, bytes, said) in [
            ("text/plain", &b"ascii"[..], "Content-Type: text/plain\r\n"),
            ("text/plain", "п".as_bytes(), "Content-Type: text/plain; charset=utf-8\r\n"),
            ("text/plain; charset=koi8-r", "п".as_bytes(), "Content-Type: text/plain; charset=koi8-r\r\n"),
            ("text/plain", &b"\xcf\xf0"[..], "Content-Type: text/plain\r\n"),
            ("application/pdf", "п".as_bytes(), "Content-Type: application/pdf\r\n"),
        ] {
            let part = attachment("it", file("a", content_type, bytes)).unwrap();
            assert!(written(&part).starts_with(said), "{}", written(&part));
        }
    }

    #[test]
    fn a_message_is_not_encoded_where_it_can_travel() {
        for (bytes, encoding, kind) in [
            (&b"Subject: x\n\nbody"[..], "7bit", "message/rfc822"),
            ("Subject: x\n\nтекст".as_bytes(), "8bit", "message/rfc822"),
            (b"Subject: x\n\na\rb", "base64", "application/octet-stream"),
            (&[b"Subject: x\n\n".as_slice(), &[b'x'; 999]].concat(), "base64", "application/octet-stream"),
        ] {
            let part = written(&attachment("it", file("m.eml", "message/rfc822", bytes)).unwrap());
            assert!(part.contains(&format!("Content-Transfer-Encoding: {encoding}\r\n")), "{part}");
            assert!(part.contains(&format!("Content-Type: {kind}\r\n")), "{part}");
        }
    }

    #[test]
    fn texts_are_encoded_as_they_need() {
        for (given, encoding) in [
            ("short\nlines", "7bit"),
            ("café and more Latin text", "quoted-printable"),
            ("Привет", "base64"),
            ("bell \u{7} here", "quoted-printable"),
            (&"long ".repeat(400), "quoted-printable"),
        ] {
            let part = written(&text(ContentType::TEXT_PLAIN, given));
            assert!(part.contains(&format!("Content-Transfer-Encoding: {encoding}\r\n")), "{part}");
            assert!(part.lines().all(|line| line.len() <= 78), "{part}");
        }
    }

    #[test]
    fn names_and_ids_stay_in_their_line() {
        assert!(attachment("it", file("a\r\nBcc: x", "text/plain", b"")).is_err());
        for id in ["", "a b", "a>b", "a\r\nBcc: x", "a\0", "я"] {
            let part =
                InlinePart { content_id: id.into(), content_type: "image/png".into(), ..Default::default() };
            assert!(inline("it", part).is_err(), "{id:?}");
        }
    }
}
