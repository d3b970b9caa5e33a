//! A list of addresses as text → mailboxes, strictly (RFC 5322 section 3.4).
//!
//! What mail-parser reads from a foreign message is a guess, and a good one. Here a guess would do harm: the list decides who
//! receives a message, and whose it says it is. So whatever two readers could take for different addresses is refused.
//! Comments are passed over, groups are taken apart, encoded words stay as they are.

use super::address::{check_address, is_atext};
use super::{ComposeError, Mailbox};

/// Reads a list such as `Vera <vera@example.com>, info@example.com`. An empty list is one.
///
/// # Errors
/// [`ComposeError::AddressList`] where it is not readable in one way only, and what
/// [`check_address`] says of each address; all name `field`.
pub fn parse_mailboxes(field: &str, text: &str) -> Result<Vec<Mailbox>, ComposeError> {
    if text.contains(['\r', '\n', '\0']) {
        return Err(ComposeError::LineBreak { place: field.to_owned() });
    }
    let refuse = |reason| ComposeError::AddressList { field: field.to_owned(), reason };
    let tokens = tokens(text).map_err(refuse)?;
    let mut mailboxes = Vec::new();
    for part in members(&tokens).map_err(refuse)? {
        let mailbox = mailbox(part).map_err(refuse)?;
        check_address(field, &mailbox.email)?;
        mailboxes.push(mailbox);
    }
    Ok(mailboxes)
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// A run of `atext`.
    Atom(String),
    /// The content of a quoted string.
    Quoted(String),
    /// A domain literal with its brackets.
    Literal(String),
    /// One of `< > , ; : @ .`
    Special(char),
}

/// Cuts the text into tokens; white space and comments divide them and are gone.
fn tokens(text: &str) -> Result<Vec<Token>, &'static str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        rest = match c {
            ' ' | '\t' => after,
            '(' => after_comment(after)?,
            '"' => {
                let (content, after) = quoted(after)?;
                tokens.push(Token::Quoted(content));
                after
            }
            '[' => {
                let (literal, after) = after.split_once(']').ok_or("a bracket is not closed")?;
                tokens.push(Token::Literal(format!("[{literal}]")));
                after
            }
            '<' | '>' | ',' | ';' | ':' | '@' | '.' => {
                tokens.push(Token::Special(c));
                after
            }
            c if is_atext(c) => {
                let (atom, after) = rest.split_at(rest.find(|c| !is_atext(c)).unwrap_or(rest.len()));
                tokens.push(Token::Atom(atom.to_owned()));
                after
            }
            _ => return Err("it holds a character that needs quotes"),
        };
    }
    Ok(tokens)
}

/// What follows a comment, which may hold others.
fn after_comment(mut rest: &str) -> Result<&str, &'static str> {
    let mut depth = 1_usize;
    while depth > 0 {
        let at = rest.find(['(', ')', '\\']).ok_or("a comment is not closed")?;
        let (_, found) = rest.split_at(at);
        let skipped = match found.chars().next() {
            Some('(') => {
                depth += 1;
                1
            }
            Some(')') => {
                depth -= 1;
                1
            }
            _ => 1 + found.chars().nth(1).map_or(0, char::len_utf8),
        };
        rest = found.get(skipped..).unwrap_or_default();
    }
    Ok(rest)
}

/// The content of a quoted string, unescaped, and what follows it.
fn quoted(rest: &str) -> Result<(String, &str), &'static str> {
    let mut content = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok((content, chars.as_str())),
            '\\' => content.push(chars.next().ok_or("quotes are not closed")?),
            _ => content.push(c),
        }
    }
    Err("quotes are not closed")
}

/// The mailboxes of the list, as runs of tokens; those of groups in their place.
fn members(tokens: &[Token]) -> Result<Vec<&[Token]>, &'static str> {
    let mut members = Vec::new();
    let (mut start, mut in_group, mut in_angle) = (0, false, false);
    for (at, token) in tokens.iter().enumerate() {
        let Token::Special(special) = token else { continue };
        match special {
            '<' if !in_angle => in_angle = true,
            '>' if in_angle => in_angle = false,
            '<' | '>' => return Err("angle brackets do not match"),
            ',' | ';' | ':' if in_angle => return Err("an address in angle brackets is not closed"),
            ':' if in_group => return Err("a group stands in a group"),
            ':' => {
                name(tokens.get(start..at).unwrap_or_default())?;
                in_group = true;
                start = at + 1;
            }
            ';' if !in_group => return Err("addresses are divided by commas"),
            ',' | ';' => {
                members.push(tokens.get(start..at).unwrap_or_default());
                in_group = in_group && *special == ',';
                start = at + 1;
            }
            _ => {}
        }
    }
    if in_group || in_angle {
        return Err("a group or an angle bracket is not closed");
    }
    members.push(tokens.get(start..).unwrap_or_default());
    members.retain(|member| !member.is_empty());
    Ok(members)
}

/// `phrase <address>` or `address`.
fn mailbox(tokens: &[Token]) -> Result<Mailbox, &'static str> {
    let Some(open) = tokens.iter().position(|token| *token == Token::Special('<')) else {
        return Ok(Mailbox { name: String::new(), email: address(tokens)? });
    };
    let (phrase, rest) = tokens.split_at(open);
    let Some((Token::Special('>'), inner)) = rest.get(1..).and_then(<[Token]>::split_last) else {
        return Err("something stands behind an address in angle brackets");
    };
    if inner.contains(&Token::Special('>')) {
        return Err("something stands behind an address in angle brackets");
    }
    Ok(Mailbox { name: name(phrase)?, email: address(inner)? })
}

/// The words of a display name. A dot, which old mailers leave without quotes, ends the word before it.
fn name(phrase: &[Token]) -> Result<String, &'static str> {
    let mut name = String::new();
    for token in phrase {
        match token {
            Token::Atom(word) | Token::Quoted(word) => {
                name.extend((!name.is_empty()).then_some(' '));
                name.push_str(word);
            }
            Token::Special('.') => name.push('.'),
            Token::Special('@') => return Err("an address stands before an address"),
            _ => return Err("a display name holds a character that needs quotes"),
        }
    }
    Ok(name)
}

fn address(tokens: &[Token]) -> Result<String, &'static str> {
    let mut email = String::new();
    let mut word_before = false;
    for token in tokens {
        let is_word = !matches!(token, Token::Special(_));
        if is_word && word_before {
            return Err("a comma is missing, or a name has no address");
        }
        word_before = is_word;
        match token {
            Token::Atom(word) | Token::Literal(word) => email.push_str(word),
            Token::Quoted(content) => email.push_str(&requoted(content)),
            Token::Special(c) => email.push(*c),
        }
    }
    Ok(email)
}

/// A quoted local part as the canonical string (RFC 5321 section 4.1.2).
fn requoted(content: &str) -> String {
    let mut quoted = String::from("\"");
    for c in content.chars() {
        quoted.extend(matches!(c, '"' | '\\').then_some('\\'));
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, ComposeError> {
        Ok(parse_mailboxes("To", text)?.into_iter().map(|m| (m.name, m.email)).collect())
    }

    #[test]
    fn lists_that_are_read() {
        for (text, expected) in [
            ("", vec![]),
            (" , ", vec![]),
            ("a@b.c", vec![("", "a@b.c")]),
            ("<a@b.c>", vec![("", "a@b.c")]),
            ("Vera Mirny <a@b.c>,x@y.z ,", vec![("Vera Mirny", "a@b.c"), ("", "x@y.z")]),
            ("Вера <вера@почта.рф>", vec![("Вера", "вера@почта.рф")]),
            ("\"Mirny, Vera \\\"V\\\"\" <a@b.c>", vec![("Mirny, Vera \"V\"", "a@b.c")]),
            ("John Q. Public <a@b.c>", vec![("John Q. Public", "a@b.c")]),
            ("(home (x\\)) y) a@b.c (work, <no@no>)", vec![("", "a@b.c")]),
            ("\"a b\"@c.d", vec![("", "\"a b\"@c.d")]),
            ("a@[192.0.2.1]", vec![("", "a@[192.0.2.1]")]),
            ("Friends: a@b.c, V <d@e.f>;, g@h.i", vec![("", "a@b.c"), ("V", "d@e.f"), ("", "g@h.i")]),
            ("undisclosed-recipients:;", vec![]),
            ("=?utf-8?q?V?= <a@b.c>", vec![("=?utf-8?q?V?=", "a@b.c")]),
            ("a . b @ c . d", vec![("", "a.b@c.d")]),
        ] {
            let expected: Vec<_> = expected.iter().map(|(n, e)| (n.to_string(), e.to_string())).collect();
            assert_eq!(read(text), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn lists_that_two_readers_could_read_in_two_ways() {
        for (text, reason) in [
            ("a@b.c d@e.f", "comma is missing"),
            ("Vera a@b.c", "comma is missing"),
            ("Vera", "no @"),
            ("a@b.c <d@e.f>", "an address stands before"),
            ("<a@b.c> d@e.f", "stands behind"),
            ("<a@b.c> <d@e.f>", "stands behind"),
            ("<a@b.c", "not closed"),
            ("a@b.c>", "do not match"),
            ("<<a@b.c>>", "do not match"),
            ("<@relay.example:a@b.c>", "not closed"),
            ("\"a@b.c", "quotes are not closed"),
            ("(a@b.c", "comment is not closed"),
            ("a@[1.2.3.4", "bracket is not closed"),
            ("a@b.c; d@e.f", "divided by commas"),
            ("g: a@b.c", "not closed"),
            ("g: h: a@b.c;;", "in a group"),
            ("a@b.c g: d@e.f;", "an address stands before"),
            ("a\\b@c.d", "needs quotes"),
            ("a)b@c.d", "needs quotes"),
            ("a@b@c.d", "need quotes"),
            ("<>", "no @"),
            ("a@b.c\r\nBcc: x@y.z", "line break"),
        ] {
            let said = read(text).unwrap_err().to_string();
            assert!(said.contains(reason), "{text:?}: {said}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_gets_an_answer(text in "[a-zА-я@.,;:<>()\\[\\]\"\\\\ ]{0,40}") {
            for (_, email) in read(&text).into_iter().flatten() {
                proptest::prop_assert_eq!(check_address("To", &email), Ok(()));
            }
        }
    }
}
