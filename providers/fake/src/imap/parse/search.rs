//! The grammar of SEARCH (RFC 3501 section 6.4.4, RFC 4731, RFC 7162 section 3.1.5).

use super::cursor::{Cursor, Parsed, expected};
use crate::imap::command::{DateIs, Search, SearchKey, SearchReturn};

/// Keys in keys in keys, at most.
const DEPTH_CAP: usize = 32;

pub(super) fn search(c: &mut Cursor<'_>, uid: bool) -> Parsed<Search> {
    c.space()?;
    let mut returns = None;
    if c.eat_keyword("RETURN") {
        c.space()?;
        returns = Some(c.list(true, search_return)?);
        c.space()?;
    }
    let mut charset = None;
    if c.eat_keyword("CHARSET") {
        c.space()?;
        charset = Some(String::from_utf8_lossy(&c.astring()?).to_ascii_uppercase());
        c.space()?;
    }
    let mut keys = vec![key(c, 0)?];
    while c.eat(b' ') {
        keys.push(key(c, 0)?);
    }
    Ok(Search { uid, charset, returns, key: SearchKey::And(keys) })
}

fn search_return(c: &mut Cursor<'_>) -> Parsed<SearchReturn> {
    Ok(match c.keyword()?.as_str() {
        "MIN" => SearchReturn::Min,
        "MAX" => SearchReturn::Max,
        "ALL" => SearchReturn::All,
        "COUNT" => SearchReturn::Count,
        _ => return expected("a result option"),
    })
}

fn key(c: &mut Cursor<'_>, depth: usize) -> Parsed<SearchKey> {
    if depth > DEPTH_CAP {
        return expected("fewer keys in keys");
    }
    if c.peek() == Some(b'(') {
        return c.list(false, |c| key(c, depth + 1)).map(SearchKey::And);
    }
    if c.peek().is_some_and(|byte| byte.is_ascii_digit() || byte == b'*') {
        return c.sequence_set().map(SearchKey::Sequence);
    }
    let word = c.keyword()?;
    if let Some(found) = flag_key(&word) {
        return Ok(found);
    }
    with_argument(c, &word, depth)
}

fn flag_key(word: &str) -> Option<SearchKey> {
    let flag = |name: &str| SearchKey::Flag(format!("\\{name}"));
    let not = |key| SearchKey::Not(Box::new(key));
    Some(match word {
        "ALL" => SearchKey::All,
        "ANSWERED" | "DELETED" | "DRAFT" | "FLAGGED" | "SEEN" => flag(word),
        "UNANSWERED" | "UNDELETED" | "UNDRAFT" | "UNFLAGGED" | "UNSEEN" => not(flag(word.get(2..)?)),
        "RECENT" => SearchKey::Recent,
        "OLD" => not(SearchKey::Recent),
        "NEW" => SearchKey::And(vec![SearchKey::Recent, not(flag("Seen"))]),
        _ => return None,
    })
}

fn with_argument(c: &mut Cursor<'_>, word: &str, depth: usize) -> Parsed<SearchKey> {
    c.space()?;
    Ok(match word {
        "UID" => SearchKey::Uid(c.sequence_set()?),
        "NOT" => SearchKey::Not(Box::new(key(c, depth + 1)?)),
        "OR" => {
            let first = Box::new(key(c, depth + 1)?);
            c.space()?;
            SearchKey::Or(first, Box::new(key(c, depth + 1)?))
        }
        "KEYWORD" => SearchKey::Flag(c.atom()?),
        "UNKEYWORD" => SearchKey::Not(Box::new(SearchKey::Flag(c.atom()?))),
        "BEFORE" => SearchKey::Received(DateIs::Before, c.date()?),
        "ON" => SearchKey::Received(DateIs::On, c.date()?),
        "SINCE" => SearchKey::Received(DateIs::Since, c.date()?),
        "SENTBEFORE" => SearchKey::Sent(DateIs::Before, c.date()?),
        "SENTON" => SearchKey::Sent(DateIs::On, c.date()?),
        "SENTSINCE" => SearchKey::Sent(DateIs::Since, c.date()?),
        "BCC" | "CC" | "FROM" | "SUBJECT" | "TO" => SearchKey::Header(word.as_bytes().to_vec(), c.astring()?),
        "HEADER" => {
            let field = c.astring()?;
            c.space()?;
            SearchKey::Header(field, c.astring()?)
        }
        "BODY" => SearchKey::Body(c.astring()?),
        "TEXT" => SearchKey::Text(c.astring()?),
        "LARGER" => SearchKey::Larger(c.number()?),
        "SMALLER" => SearchKey::Smaller(c.number()?),
        "MODSEQ" => mod_seq(c)?,
        _ => return expected("a search key"),
    })
}

/// `MODSEQ ["/flags/\\seen" all] n`; the entry is read and not used: the server keeps one mod-sequence a message.
fn mod_seq(c: &mut Cursor<'_>) -> Parsed<SearchKey> {
    if c.peek() == Some(b'"') {
        if !c.string()?.starts_with(b"/flags/") {
            return expected("an entry name of a flag");
        }
        c.space()?;
        if !["PRIV", "SHARED", "ALL"].contains(&c.keyword()?.as_str()) {
            return expected("priv, shared or all");
        }
        c.space()?;
    }
    c.number64().map(SearchKey::ModSeq)
}
