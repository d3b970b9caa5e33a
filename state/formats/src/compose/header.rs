//! The header of a message, field by field, folded (RFC 5322 section 2.2.3).
//!
//! Lines have at most 76 characters where that is possible. A field is folded only at white space that is there anyway, so
//! that unfolding gives the same text. Values are checked before they come here; a CR or LF in free text or a name
//! would even so not get through, since all that is not printable ASCII is encoded.

use super::address::is_atext;
use super::encoded::{self, LEAST_ROOM, is_plain};
use super::{ComposeError, Mailbox};

/// Characters of a line where possible: the limit of one with an encoded word (RFC 2047 section 2), below the 78 of RFC 5322.
const MAX_LINE: usize = 76;
/// Longest word of a free text that is left as it is. A longer one could not be folded.
const MAX_TEXT_WORD: usize = 60;
/// Longest word of an additional field that is left as it is: such fields may hold URLs, which must not be encoded. With its name the
/// line stays below 998 octets.
const MAX_FIELD_WORD: usize = 900;
/// Longest name of an additional field.
const MAX_FIELD_NAME: usize = 70;
/// Longest id that is written, in octets: with its field's name it fits a line of 998.
const MAX_ID: usize = 900;

/// Fields that compose writes itself, or that a transport writes.
const OWN_FIELDS: [&str; 13] = [
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "bcc",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "return-path",
];

/// The header so far.
#[derive(Default)]
pub(super) struct Header {
    out: String,
    /// Characters on the last line.
    len: usize,
    /// Whether the last line has something to fold before.
    can_fold: bool,
}

impl Header {
    /// The lines, each ended by CRLF, without the blank line.
    pub fn finish(self) -> String {
        self.out
    }

    /// A field of free text, such as Subject.
    pub fn text(&mut self, name: &str, value: &str) {
        self.unstructured(name, value, MAX_TEXT_WORD);
    }

    /// A field that this crate knows nothing of.
    pub fn additional(&mut self, name: &str, value: &str) {
        self.unstructured(name, value, MAX_FIELD_WORD);
    }

    /// Addresses with their display names; no field where there are none.
    pub fn mailboxes(&mut self, name: &str, mailboxes: &[Mailbox]) {
        let Some((last, others)) = mailboxes.split_last() else { return };
        self.begin(name);
        others.iter().for_each(|mailbox| self.mailbox(mailbox, ","));
        self.mailbox(last, "");
        self.end();
    }

    /// Message ids in angle brackets; no field where there are none.
    pub fn ids<'a>(&mut self, name: &str, ids: impl IntoIterator<Item = &'a str>) {
        let mut ids = ids.into_iter().peekable();
        if ids.peek().is_none() {
            return;
        }
        self.begin(name);
        ids.for_each(|id| self.word(&format!(" <{id}>")));
        self.end();
    }

    /// A short value of this crate's own making.
    pub fn fixed(&mut self, name: &str, value: &str) {
        self.begin(name);
        self.word(&format!(" {value}"));
        self.end();
    }

    fn unstructured(&mut self, name: &str, value: &str, max_word: usize) {
        self.begin(name);
        if is_plain(value) && value.split(' ').all(|word| word.len() <= max_word) {
            self.plain(value);
        } else {
            self.encoded(value);
        }
        self.end();
    }

    /// Words divided by single spaces or runs of them; a run stays together, before its word.
    fn plain(&mut self, text: &str) {
        let mut spaced = String::new();
        for word in text.split(' ') {
            spaced.push(' ');
            if !word.is_empty() {
                spaced.push_str(word);
                self.word(&spaced);
                spaced.clear();
            }
        }
    }

    fn encoded(&mut self, text: &str) {
        let room = MAX_LINE.saturating_sub(self.len + 1);
        // On a new line where the first word would be hardly more than its frame.
        let room = if room < LEAST_ROOM { MAX_LINE - 1 } else { room };
        let mut words = encoded::words(text, room);
        if self.can_fold && words.len() == 2 {
            // What fits one word is not divided to save a line.
            let whole = encoded::words(text, MAX_LINE - 1);
            words = if whole.len() == 1 { whole } else { words };
        }
        words.iter().for_each(|word| self.word(&format!(" {word}")));
    }

    fn mailbox(&mut self, mailbox: &Mailbox, after: &str) {
        if mailbox.name.trim().is_empty() {
            self.word(&format!(" {}{after}", mailbox.email));
            return;
        }
        self.phrase(&mailbox.name);
        self.word(&format!(" <{}>{after}", mailbox.email));
    }

    /// A display name: atoms, else a short quoted string, else encoded words (RFC 5322 section 3.2.5).
    fn phrase(&mut self, name: &str) {
        let is_short = name.split(' ').all(|word| word.len() <= MAX_TEXT_WORD);
        if is_plain(name) && is_short && name.split(' ').all(is_atom) {
            self.plain(name);
        } else if is_plain(name) && name.len() <= MAX_TEXT_WORD {
            self.word(&format!(" \"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")));
        } else {
            self.encoded(name);
        }
    }

    fn begin(&mut self, name: &str) {
        self.out.push_str(name);
        self.out.push(':');
        self.len = name.len() + 1;
        self.can_fold = false;
    }

    /// Appends a word with the white space before it, on a new line where it would not fit the last.
    fn word(&mut self, spaced: &str) {
        let is_too_long = self.len + spaced.chars().count() > MAX_LINE;
        // A field must not begin with an empty line, which some servers take for its end; unless only that keeps a line short.
        if is_too_long && (self.can_fold || self.len + LEAST_ROOM >= MAX_LINE) {
            self.out.push_str("\r\n");
            self.len = 0;
        }
        self.out.push_str(spaced);
        self.len += spaced.chars().count();
        self.can_fold = true;
    }

    fn end(&mut self) {
        self.out.push_str("\r\n");
    }
}

fn is_atom(word: &str) -> bool {
    !word.is_empty() && word.chars().all(is_atext)
}

/// Refuses what would break out of a header line.
pub(super) fn check_text(place: &str, text: &str) -> Result<(), ComposeError> {
    if text.contains(['\r', '\n', '\0']) {
        return Err(ComposeError::LineBreak { place: place.to_owned() });
    }
    Ok(())
}

/// Checks the name of an additional field (RFC 5322 section 2.2, `ftext`) and its value.
pub(super) fn check_field(name: &str, value: &str) -> Result<(), ComposeError> {
    let refuse = |reason| Err(ComposeError::FieldName { name: name.to_owned(), reason });
    check_text("the name of a header field", name)?;
    if name.is_empty() || !is_field_name(name.as_bytes()) {
        return refuse("is no name of one");
    }
    if name.len() > MAX_FIELD_NAME {
        return refuse("is longer than 70 characters");
    }
    let lower = name.to_ascii_lowercase();
    if OWN_FIELDS.contains(&lower.as_str()) || lower.starts_with("content-") || lower.starts_with("resent-") {
        return refuse("has a place of its own");
    }
    check_text(name, value)
}

/// Whether these octets name a field: printable ASCII but the colon.
pub(super) fn is_field_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|b| matches!(b, b'!'..=b'~') && *b != b':')
}

/// Checks a message id without its angle brackets: what stands between them is printable ASCII in one piece (RFC 5322 section
/// 3.6.4; the `@` in the middle is not asked for, since old ids lack it).
pub(super) fn check_id(field: &str, id: &str) -> Result<(), ComposeError> {
    check_text(field, id)?;
    if is_id(id) {
        return Ok(());
    }
    Err(ComposeError::MessageId { field: field.to_owned(), found: id.to_owned() })
}

/// Whether an id can be written as it is.
pub(super) fn is_id(id: &str) -> bool {
    (1..=MAX_ID).contains(&id.len())
        && id.bytes().all(|b| matches!(b, b'!'..=b'~') && !matches!(b, b'<' | b'>'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(name: &str, value: &str) -> String {
        let mut header = Header::default();
        header.text(name, value);
        header.finish()
    }

    fn to(list: &[(&str, &str)]) -> String {
        let list: Vec<_> =
            list.iter().map(|(n, e)| Mailbox { name: n.to_string(), email: e.to_string() }).collect();
        let mut header = Header::default();
        header.mailboxes("To", &list);
        header.finish()
    }

    #[test]
    fn short_fields_stay_on_their_line() {
        assert_eq!(text("Subject", "Hello, world"), "Subject: Hello, world\r\n");
        assert_eq!(text("Subject", "two  spaces"), "Subject: two  spaces\r\n");
        assert_eq!(text("Subject", ""), "Subject:\r\n");
        assert_eq!(text("Subject", "Привет"), "Subject: =?utf-8?b?0J/RgNC40LLQtdGC?=\r\n");
        assert_eq!(text("Subject", "a\r\nBcc: x@y.z"), "Subject: =?utf-8?b?YQ0KQmNjOiB4QHkueg==?=\r\n");
    }

    #[test]
    fn names_are_atoms_or_quoted_or_encoded() {
        for (name, written) in [
            ("", "To: a@b.c\r\n"),
            ("  ", "To: a@b.c\r\n"),
            ("Vera Mirny", "To: Vera Mirny <a@b.c>\r\n"),
            ("Mirny, Vera", "To: \"Mirny, Vera\" <a@b.c>\r\n"),
            ("Vera \"V\" \\", "To: \"Vera \\\"V\\\" \\\\\" <a@b.c>\r\n"),
            ("J. Doe", "To: \"J. Doe\" <a@b.c>\r\n"),
            ("Вера", "To: =?utf-8?b?0JLQtdGA0LA=?= <a@b.c>\r\n"),
            ("=?x?=", "To: =?utf-8?b?PT94Pz0=?= <a@b.c>\r\n"),
            (" Vera", "To: =?utf-8?q?_Vera?= <a@b.c>\r\n"),
        ] {
            assert_eq!(to(&[(name, "a@b.c")]), written, "{name:?}");
        }
        assert_eq!(to(&[("", "a@b.c"), ("V", "d@e.f")]), "To: a@b.c, V <d@e.f>\r\n");
        assert_eq!(to(&[]), "");
    }

    #[test]
    fn a_word_that_cannot_be_folded_is_encoded_but_not_a_url() {
        let url = format!("<https://example.com/{}>", "x".repeat(200));
        assert!(text("Subject", &url).lines().all(|line| line.len() <= 76));
        let mut header = Header::default();
        header.additional("List-Unsubscribe", &url);
        assert_eq!(header.finish(), format!("List-Unsubscribe: {url}\r\n"));
        let mut header = Header::default();
        header.additional("X-Long", &"x".repeat(2_000));
        assert!(header.finish().lines().all(|line| line.len() <= 998));
    }

    #[test]
    fn additional_fields_are_named_soundly() {
        for (name, sound) in [
            ("X-Mailer", true),
            ("List-Unsubscribe", true),
            ("Auto-Submitted", true),
            ("", false),
            ("X Mailer", false),
            ("X-Mailer:", false),
            ("X-Mailer\r\nBcc", false),
            ("X-Имя", false),
            ("BCC", false),
            ("Content-Type", false),
            ("Resent-To", false),
            (&"X".repeat(71), false),
        ] {
            assert_eq!(check_field(name, "value").is_ok(), sound, "{name:?}");
        }
        assert!(check_field("X-A", "a\r\nb").is_err());
    }

    #[test]
    fn ids_are_one_piece() {
        for (id, sound) in [
            ("a@b", true),
            ("a", true),
            ("", false),
            ("a b", false),
            ("a>b", false),
            ("<a", false),
            ("ä", false),
        ] {
            assert_eq!(check_id("References", id).is_ok(), sound, "{id:?}");
        }
        assert!(matches!(check_id("References", "a\r\nb"), Err(ComposeError::LineBreak { .. })));
        let mut header = Header::default();
        header.ids("References", ["a@b"; 40]);
        let written = header.finish();
        assert!(written.lines().all(|line| line.len() <= 78), "{written}");
        assert_eq!(written.matches("<a@b>").count(), 40);
    }

    proptest! {
        #[test]
        fn lines_are_short_and_fold_at_white_space(value in "[ -~]{0,300}", name in "[A-Z][a-z-]{0,69}") {
            let written = text(&name, &value);
            let (_, folded) = written.split_once(':').unwrap();
            for (number, line) in written.strip_suffix("\r\n").unwrap().split("\r\n").enumerate() {
                prop_assert!(line.len() <= if name.len() < 14 { 76 } else { name.len() + 62 }, "{line:?}");
                prop_assert!(number == 0 || (line.starts_with(' ') && line.trim() != ""), "{line:?}");
            }
            if is_plain(&value) && value.split(' ').all(|word| word.len() <= MAX_TEXT_WORD) {
                let unfolded = folded.replace("\r\n", "");
                prop_assert_eq!(unfolded.strip_prefix(' ').unwrap_or(&unfolded), value);
            }
        }

        #[test]
        fn nothing_leaves_its_field(value in any::<String>(), name in any::<String>()) {
            let written = text("Subject", &value) + &to(&[(&name, "a@b.c")]);
            let fields = written.strip_suffix("\r\n").unwrap().split("\r\n").filter(|l| !l.starts_with(' '));
            prop_assert_eq!(fields.count(), 2, "{}", written);
            prop_assert!(written.bytes().all(|b| matches!(b, b' '..=b'~' | b'\r' | b'\n')));
            prop_assert!(!written.replace("\r\n", "").contains(['\r', '\n']));
        }
    }
}
