//! What a new message takes from the one that it answers or passes on (RFC 5322 section 3.6.4 and 3.6.5).
//!
//! The parent comes from outside: what it holds is taken only where it may be written again. Addresses that are none, ids that
//! do not fit, control characters are left out rather than refused, so that every message can be answered.

use super::address::check_address;
use super::header::is_id;
use super::{Mailbox, Part, prepare, signature};
use crate::message::{self, ParsedMessage, Role};
use chrono::DateTime;
use std::collections::BTreeSet;

/// Ids in References. The first names the thread, the last ones the branch; what is between is left out.
const MAX_REFERENCES: usize = 50;
/// Longest subject that is taken over, in bytes.
const MAX_SUBJECT: usize = 900;

/// The beginnings of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// Whom to answer.
    pub to: Vec<Mailbox>,
    /// Who else is to know; empty for an answer to one.
    pub cc: Vec<Mailbox>,
    /// The subject behind one `Re: `.
    pub subject: String,
    /// The parent's Message-ID.
    pub in_reply_to: Option<String>,
    /// The ids of the thread, the parent's last.
    pub references: Vec<String>,
    /// The parent's text, each line behind `>`, below a line that says whose it is. Empty where there is no text.
    pub quoted: String,
}

impl Reply {
    /// `quoted` as a piece of HTML. It is made from the text: markup of the parent does not get into it.
    #[must_use]
    pub fn quoted_html(&self) -> String {
        signature::plain_html(&self.quoted)
    }
}

/// The beginnings of a message that passes another on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forward {
    /// The subject behind one `Fwd: `.
    pub subject: String,
    /// The ids of the thread, the parent's last.
    pub references: Vec<String>,
    /// The parent as `message/rfc822`, without its Bcc.
    pub attachment: Part,
}

/// An answer to `parent`: to its Reply-To, else to its From; with `all` a copy goes to everybody else who got it.
///
/// `me` are the addresses of the one who answers, without case; they get no copy. An answer to an own message goes to its
/// recipients.
#[must_use]
pub fn reply_to(parent: &ParsedMessage, all: bool, me: &[String]) -> Reply {
    let (to, cc) = recipients(parent, all, me);
    Reply {
        to,
        cc,
        subject: prefixed("Re: ", &["re"], &parent.subject),
        in_reply_to: parent.message_id.clone().filter(|id| is_id(id)),
        references: references(parent),
        quoted: quoted(parent),
    }
}

/// Passes a message on, whole.
#[must_use]
pub fn forward(raw: &[u8]) -> Forward {
    let parent = message::parse(raw);
    let name = file_name(&parent.subject);
    Forward {
        subject: prefixed("Fwd: ", &["fwd", "fw"], &parent.subject),
        references: references(&parent),
        attachment: Part { name, content_type: "message/rfc822".into(), bytes: prepare::without_bcc(raw) },
    }
}

fn recipients(parent: &ParsedMessage, all: bool, me: &[String]) -> (Vec<Mailbox>, Vec<Mailbox>) {
    let is_me = |mailbox: &Mailbox| super::is_own(me, &mailbox.email);
    let (from, reply_to) = (people(parent, Role::From), people(parent, Role::ReplyTo));
    let (to, cc) = (people(parent, Role::To), people(parent, Role::Cc));
    let is_mine = !from.is_empty() && from.iter().all(is_me);
    let mut seen = BTreeSet::new();
    let mut once = |list: Vec<Mailbox>| -> Vec<Mailbox> {
        list.into_iter().filter(|mailbox| seen.insert(mailbox.email.to_lowercase())).collect()
    };
    if is_mine && !to.is_empty() {
        let to = once(to);
        return (to, if all { once(cc) } else { Vec::new() });
    }
    let primary = once(if reply_to.is_empty() { from } else { reply_to });
    let others = to.into_iter().chain(cc).filter(|mailbox| all && !is_me(mailbox)).collect();
    (primary, once(others))
}

/// The people of a field that can be written to.
fn people(parent: &ParsedMessage, role: Role) -> Vec<Mailbox> {
    let of_role = parent.addresses.iter().filter(|address| address.role == role);
    of_role
        .filter(|address| check_address("", &address.email).is_ok())
        .map(|address| Mailbox { name: printable(&address.name), email: address.email.clone() })
        .collect()
}

/// The parent's thread and the parent (RFC 5322 section 3.6.4); the first id and the last ones where there are many.
fn references(parent: &ParsedMessage) -> Vec<String> {
    let thread = match parent.references.is_empty() {
        true => parent.in_reply_to.as_slice(),
        false => parent.references.as_slice(),
    };
    let mut seen = BTreeSet::new();
    let mut ids: Vec<String> = thread
        .iter()
        .filter(|id| Some(*id) != parent.message_id.as_ref())
        .chain(&parent.message_id)
        .filter(|id| is_id(id) && seen.insert(id.as_str()))
        .cloned()
        .collect();
    if let Some(surplus) = ids.len().checked_sub(MAX_REFERENCES) {
        ids.drain(1..=surplus);
    }
    ids
}

/// The subject behind `prefix`, whatever there is already of the kind taken off (`RE: Re[2]: x`).
fn prefixed(prefix: &str, kinds: &[&str], subject: &str) -> String {
    let subject = printable(subject);
    let mut rest = subject.trim();
    while let Some(after) = after_prefix(rest, kinds) {
        rest = after.trim_start();
    }
    let rest = rest.get(..rest.floor_char_boundary(MAX_SUBJECT)).unwrap_or_default();
    format!("{prefix}{rest}").trim_end().to_owned()
}

fn after_prefix<'a>(subject: &'a str, kinds: &[&str]) -> Option<&'a str> {
    let (word, after) = subject.split_once(':')?;
    let word = word.trim_end();
    let counted = word.strip_suffix(']').and_then(|word| word.split_once('['));
    let word = match counted {
        Some((word, count)) if !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit()) => word,
        Some(_) => return None,
        None => word,
    };
    kinds.iter().any(|kind| kind.eq_ignore_ascii_case(word)).then_some(after)
}

/// `text` with a space for every control character.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

fn quoted(parent: &ParsedMessage) -> String {
    if parent.text.trim().is_empty() {
        return String::new();
    }
    let mut quoted = attribution(parent);
    // What stands below `-- ` is the parent's signature (RFC 3676 section 4.3).
    for line in parent.text.lines().take_while(|line| *line != "-- ") {
        let mark = match line.chars().next() {
            None | Some('>') => ">",
            Some(_) => "> ",
        };
        quoted.push_str(mark);
        quoted.push_str(line);
        quoted.push('\n');
    }
    quoted
}

/// The line above a quotation.
fn attribution(parent: &ParsedMessage) -> String {
    let author = people(parent, Role::From).into_iter().next();
    let name = author.map(|author| if author.name.is_empty() { author.email } else { author.name });
    let date = parent.date.and_then(DateTime::from_timestamp_micros);
    let date = date.map(|date| date.format("%Y-%m-%d %H:%M UTC").to_string());
    match (date, name) {
        (Some(date), Some(name)) => format!("On {date}, {name} wrote:\n"),
        (None, Some(name)) => format!("{name} wrote:\n"),
        (Some(date), None) => format!("On {date}:\n"),
        (None, None) => String::new(),
    }
}

/// A file name from a subject: one that no file system takes for a path.
fn file_name(subject: &str) -> String {
    const MAX_STEM: usize = 120;
    let safe = |c: char| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c };
    let stem: String = subject.chars().map(safe).collect();
    let stem = stem.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let stem = stem.get(..stem.floor_char_boundary(MAX_STEM)).unwrap_or_default().trim_end();
    if stem.is_empty() { "message.eml".to_owned() } else { format!("{stem}.eml") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parent(header: &str) -> ParsedMessage {
        message::parse(format!("{header}\r\n\r\n").as_bytes())
    }

    fn emails(list: &[Mailbox]) -> Vec<&str> {
        list.iter().map(|mailbox| mailbox.email.as_str()).collect()
    }

    #[test]
    fn whom_an_answer_goes_to() {
        let me = ["Me@x.org".to_owned(), "alias@x.org".to_owned()];
        for (header, all, to, cc) in [
            ("From: V <v@a>\r\nTo: me@x.org", false, vec!["v@a"], vec![]),
            ("From: v@a\r\nTo: me@x.org, b@b\r\nCc: c@c, ALIAS@x.org", false, vec!["v@a"], vec![]),
            ("From: v@a\r\nTo: me@x.org, b@b\r\nCc: c@c, ALIAS@x.org", true, vec!["v@a"], vec!["b@b", "c@c"]),
            ("From: v@a\r\nReply-To: r@r\r\nTo: me@x.org, R@r", true, vec!["r@r"], vec![]),
            ("From: v@a\r\nTo: b@b, B@B\r\nCc: v@a, b@b", true, vec!["v@a"], vec!["b@b"]),
            ("From: me@x.org\r\nTo: b@b\r\nCc: c@c", false, vec!["b@b"], vec![]),
            ("From: me@x.org\r\nTo: b@b\r\nCc: c@c", true, vec!["b@b"], vec!["c@c"]),
            ("From: me@x.org\r\nBcc: b@b", false, vec!["me@x.org"], vec![]),
            ("From: nobody\r\nTo: me@x.org, <>, undisclosed:;", true, vec![], vec![]),
            ("Subject: x", true, vec![], vec![]),
        ] {
            let reply = reply_to(&parent(header), all, &me);
            assert_eq!((emails(&reply.to), emails(&reply.cc)), (to, cc), "{header:?} {all}");
        }
    }

    #[test]
    fn one_prefix() {
        for (subject, reply, forward) in [
            ("Hello", "Re: Hello", "Fwd: Hello"),
            ("re: RE:Re[2]: Re : Hello", "Re: Hello", "Fwd: re: RE:Re[2]: Re : Hello"),
            ("Fw: FWD: Hello", "Re: Fw: FWD: Hello", "Fwd: Hello"),
            ("Regarding: x", "Re: Regarding: x", "Fwd: Regarding: x"),
            ("Re[x]: y", "Re: Re[x]: y", "Fwd: Re[x]: y"),
            ("", "Re:", "Fwd:"),
        ] {
            assert_eq!(prefixed("Re: ", &["re"], subject), reply, "{subject:?}");
            assert_eq!(prefixed("Fwd: ", &["fwd", "fw"], subject), forward, "{subject:?}");
        }
        assert_eq!(prefixed("Re: ", &["re"], &"я".repeat(2_000)).len(), "Re: ".len() + MAX_SUBJECT);
    }

    #[test]
    fn references_grow_by_the_parent_and_keep_the_root() {
        for (header, expected) in [
            ("Message-ID: <m@x>", vec!["m@x"]),
            ("Message-ID: <m@x>\r\nIn-Reply-To: <p@x>", vec!["p@x", "m@x"]),
            ("Message-ID: <m@x>\r\nIn-Reply-To: <p@x>\r\nReferences: <r@x> <p@x>", vec!["r@x", "p@x", "m@x"]),
            ("Message-ID: <m@x>\r\nReferences: <m@x> <r@x> <r@x>", vec!["r@x", "m@x"]),
            ("Message-ID: <m@x>\r\nReferences: <r x@x> <p@x>", vec!["p@x", "m@x"]),
            ("References: <r@x>", vec!["r@x"]),
            ("Subject: x", vec![]),
        ] {
            assert_eq!(references(&parent(header)), expected, "{header:?}");
        }
        let many: String = (0..90).map(|n| format!(" <{n}@x>")).collect();
        let ids = references(&parent(&format!("Message-ID: <m@x>\r\nReferences:{many}")));
        assert_eq!(ids.len(), MAX_REFERENCES);
        assert_eq!((ids[0].as_str(), ids[1].as_str(), ids[49].as_str()), ("0@x", "42@x", "m@x"));
    }

    #[test]
    fn the_quotation() {
        let raw = "From: Vera <v@a>\r\nDate: Fri, 20 Nov 2026 13:00:00 +0300\r\n\r\nHi\r\n\r\n> old\r\n-- \r\nVera\r\n";
        let reply = reply_to(&message::parse(raw.as_bytes()), false, &[]);
        assert_eq!(reply.quoted, "On 2026-11-20 10:00 UTC, Vera wrote:\n> Hi\n>\n>> old\n");
        assert!(reply.quoted_html().contains("&gt; Hi<br>"));
        assert_eq!(reply_to(&message::parse(b"\r\nHi"), false, &[]).quoted, "> Hi\n");
        assert_eq!(reply_to(&parent("From: v@a"), false, &[]).quoted, "");
    }

    #[test]
    fn a_forwarded_message_keeps_all_but_bcc() {
        let raw = b"Subject: A/B: \"c\"\r\nBcc: secret@x,\r\n more@x\r\nFrom: v@a\r\nMessage-ID: <m@x>\r\n\r\nBcc: in the body\r\n";
        let forward = forward(raw);
        assert_eq!(forward.subject, "Fwd: A/B: \"c\"");
        assert_eq!(forward.references, ["m@x"]);
        assert_eq!(forward.attachment.name, "A_B_ _c_.eml");
        let kept = String::from_utf8(forward.attachment.bytes).unwrap();
        assert_eq!(kept, "Subject: A/B: \"c\"\r\nFrom: v@a\r\nMessage-ID: <m@x>\r\n\r\nBcc: in the body\r\n");
        assert_eq!(file_name(" .. "), "message.eml");
    }
}
