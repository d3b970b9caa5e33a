//! The search language: `invoice from:anna subject:"rent 2026" before:2026-05-01 is:unread`.
//!
//! A word is a word, whatever signs stand in it: there are no operators, no wildcards, no negation, and a prefix that is not in the
//! list below (`http:`, `re:`) is part of the words. Quotes hold a value with spaces together and take every meaning from what
//! stands in them; they do not ask for a phrase. All conditions must hold, except that of several folders or accounts one
//! is enough.
//!
//! | prefix | takes |
//! |---|---|
//! | `from:` `to:` `subject:` | words that must stand there (`to:` means To, Cc and Bcc) |
//! | `folder:` `account:` | a name, exactly |
//! | `before:` `after:` | a date `YYYY-MM-DD`, from 0001 to 9999: earlier than its start, or from its start on |
//! | `has:` | `attachment` |
//! | `is:` | `unread`, `read`, `flagged`, `unflagged` |

use crate::words::query_words;
use chrono::NaiveDate;
use thiserror::Error;

/// What a search asks for. Words are folded as [`crate::words`] folds them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Words that must stand in the message: subject, people, text, attachment names.
    pub words: Vec<String>,
    /// Words that must stand in From or Sender.
    pub from: Vec<String>,
    /// Words that must stand in To, Cc or Bcc.
    pub to: Vec<String>,
    /// Words that must stand in the subject.
    pub subject: Vec<String>,
    /// Names of folders, one of which it must be; empty: any.
    pub folders: Vec<String>,
    /// Names of accounts, one of which it must be; empty: any.
    pub accounts: Vec<String>,
    /// Earlier than the start of this day.
    pub before: Option<NaiveDate>,
    /// Not earlier than the start of this day.
    pub after: Option<NaiveDate>,
    /// Only messages with an attachment.
    pub has_attachment: bool,
    /// Only unread messages, or only read ones.
    pub unread: Option<bool>,
    /// Only flagged messages, or only those that are not.
    pub flagged: Option<bool>,
}

/// What is wrong with a search.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QueryError {
    /// A prefix with nothing behind it.
    #[error("`{prefix}:` needs a value right behind the colon")]
    NoValue {
        /// The prefix, without the colon.
        prefix: &'static str,
    },
    /// A value that the prefix does not know.
    #[error("`{prefix}:{found}`: expected {expected}")]
    BadValue {
        /// The prefix, without the colon.
        prefix: &'static str,
        /// The value as written.
        found: String,
        /// What may stand there.
        expected: &'static str,
    },
}

/// Reads a search.
///
/// # Errors
/// [`QueryError`] where a known prefix has no value or one that it does not know.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    let mut query = Query::default();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        rest = term(rest, &mut query)?.trim_start();
    }
    Ok(query)
}

/// The prefixes, and what each does with its value.
const PREFIXES: [(&str, Apply); 9] = [
    ("from", |query, value| words(&mut query.from, value)),
    ("to", |query, value| words(&mut query.to, value)),
    ("subject", |query, value| words(&mut query.subject, value)),
    ("folder", |query, value| name(&mut query.folders, value)),
    ("account", |query, value| name(&mut query.accounts, value)),
    // Of several dates the narrowest holds, as all conditions must.
    ("before", |query, value| {
        date(value).map(|at| query.before = Some(query.before.map_or(at, |old| old.min(at))))
    }),
    ("after", |query, value| date(value).map(|at| query.after = query.after.max(Some(at)))),
    ("has", has),
    ("is", is),
];

/// Takes a value; the error is what would have been right.
type Apply = fn(&mut Query, &str) -> Result<(), &'static str>;

/// Takes the first term; gives what follows it.
fn term<'a>(text: &'a str, query: &mut Query) -> Result<&'a str, QueryError> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (value, rest) = quoted.split_once('"').unwrap_or((quoted, ""));
        add_words(&mut query.words, value);
        return Ok(rest);
    }
    for (prefix, apply) in PREFIXES {
        let Some(value) = strip_prefix(text, prefix) else { continue };
        let (value, rest) = value_of(value);
        if value.trim().is_empty() {
            return Err(QueryError::NoValue { prefix });
        }
        apply(query, value).map_err(|expected| QueryError::BadValue {
            prefix,
            found: value.to_owned(),
            expected,
        })?;
        return Ok(rest);
    }
    let (value, rest) = text.split_at(end_of_word(text));
    add_words(&mut query.words, value);
    Ok(rest)
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(tail)?.strip_prefix(':')
}

/// A value in quotes, or up to white space; a quote that is not closed reaches to the end.
fn value_of(text: &str) -> (&str, &str) {
    match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
        None => text.split_at(text.find(char::is_whitespace).unwrap_or(text.len())),
    }
}

/// A word ends at white space or where a quoted value begins.
fn end_of_word(text: &str) -> usize {
    text.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(text.len())
}

fn words(into: &mut Vec<String>, value: &str) -> Result<(), &'static str> {
    if query_words(value).is_empty() {
        return Err("a word with a letter or a digit");
    }
    add_words(into, value);
    Ok(())
}

fn add_words(into: &mut Vec<String>, value: &str) {
    for word in query_words(value) {
        if !into.contains(&word) {
            into.push(word);
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the type of all prefixes")]
fn name(into: &mut Vec<String>, value: &str) -> Result<(), &'static str> {
    if !into.iter().any(|known| known == value) {
        into.push(value.to_owned());
    }
    Ok(())
}

fn date(value: &str) -> Result<NaiveDate, &'static str> {
    const EXPECTED: &str = "a date such as 2026-05-31";
    let is_shaped = value.len() == 10
        && value
            .bytes()
            .enumerate()
            .all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() });
    if !is_shaped || value.starts_with("0000") {
        return Err(EXPECTED);
    }
    value.parse().map_err(|_| EXPECTED)
}

fn has(query: &mut Query, value: &str) -> Result<(), &'static str> {
    if !value.eq_ignore_ascii_case("attachment") {
        return Err("`has:attachment`");
    }
    query.has_attachment = true;
    Ok(())
}

fn is(query: &mut Query, value: &str) -> Result<(), &'static str> {
    match value.to_ascii_lowercase().as_str() {
        "unread" => query.unread = Some(true),
        "read" => query.unread = Some(false),
        "flagged" => query.flagged = Some(true),
        "unflagged" => query.flagged = Some(false),
        _ => return Err("one of `unread`, `read`, `flagged`, `unflagged`"),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
