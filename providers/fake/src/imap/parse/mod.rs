//! From a command as it came to a command as it is understood: the grammar of RFC 3501 and its extensions.
//!
//! Rule: grammar alone. Whether a command is offered, or fits the state of the session, is the law's question
//! (`law.rs`); what it does is the session's.

mod cursor;
mod fetch;
mod mailbox;
mod notify;
mod search;

use cursor::{Cursor, expected};
pub(crate) use cursor::{Malformed, Parsed, is_atom_char};

use super::command::{Append, Command, Store, Transfer};
use super::raw::RawCommand;
use crate::core::FlagChange;

/// Reads a command behind its tag; `utf8` where UTF8=ACCEPT is enabled.
pub(crate) fn parse(raw: &RawCommand, utf8: bool) -> Parsed<Command> {
    let mut cursor = Cursor::new(&raw.pieces, utf8);
    cursor.take_while(|byte| byte != b' ');
    cursor.space()?;
    let name = cursor.keyword()?;
    let command = if name == "UID" {
        cursor.space()?;
        let name = cursor.keyword()?;
        by_uid(&mut cursor, &name)?
    } else {
        plain(&mut cursor, &name)?
    };
    cursor.end()?;
    Ok(command)
}

/// RFC 3501 section 6.4.8 and RFC 4315 section 2.1.
fn by_uid(c: &mut Cursor<'_>, name: &str) -> Parsed<Command> {
    match name {
        "FETCH" => fetch::fetch(c, true).map(Command::Fetch),
        "SEARCH" => search::search(c, true).map(Command::Search),
        "STORE" => store(c, true),
        "COPY" => transfer(c, true, false),
        "MOVE" => transfer(c, true, true),
        "EXPUNGE" => {
            c.space()?;
            Ok(Command::Expunge(Some(c.sequence_set()?)))
        }
        _ => Err(Malformed("unknown command".to_owned())),
    }
}

fn plain(c: &mut Cursor<'_>, name: &str) -> Parsed<Command> {
    match name {
        "CAPABILITY" => Ok(Command::Capability),
        "NOOP" => Ok(Command::Noop),
        "LOGOUT" => Ok(Command::Logout),
        "STARTTLS" => Ok(Command::StartTls),
        "NAMESPACE" => Ok(Command::Namespace),
        "CLOSE" => Ok(Command::Close),
        "UNSELECT" => Ok(Command::Unselect),
        "CHECK" => Ok(Command::Check),
        "EXPUNGE" => Ok(Command::Expunge(None)),
        "IDLE" => Ok(Command::Idle),
        "COMPRESS" => compress(c),
        "ID" => id(c),
        "LOGIN" => login(c),
        "AUTHENTICATE" => authenticate(c),
        "ENABLE" => enable(c),
        "FETCH" => fetch::fetch(c, false).map(Command::Fetch),
        "SEARCH" => search::search(c, false).map(Command::Search),
        "STORE" => store(c, false),
        "COPY" => transfer(c, false, false),
        "MOVE" => transfer(c, false, true),
        "APPEND" => append(c),
        "NOTIFY" => notify::notify(c),
        _ => mailbox::command(c, name),
    }
}

fn compress(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.space()?;
    if c.keyword()? == "DEFLATE" { Ok(Command::Compress) } else { expected("DEFLATE") }
}

/// RFC 2971 section 3.1: NIL, or pairs of a string and a string or NIL.
fn id(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.space()?;
    if c.eat_keyword("NIL") {
        return Ok(Command::Id);
    }
    let pair = |c: &mut Cursor<'_>| {
        c.string()?;
        c.space()?;
        c.nstring()
    };
    if c.list(true, pair)?.len() > 30 { expected("at most 30 fields") } else { Ok(Command::Id) }
}

fn login(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.space()?;
    let user = c.astring()?;
    c.space()?;
    Ok(Command::Login { user, password: c.astring()? })
}

fn authenticate(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.space()?;
    let mechanism = c.keyword()?;
    let mut initial = None;
    if c.eat(b' ') {
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
        initial = Some(String::from_utf8_lossy(c.take_while(is_base64)).into_owned());
    }
    Ok(Command::Authenticate { mechanism, initial })
}

fn enable(c: &mut Cursor<'_>) -> Parsed<Command> {
    let mut words = Vec::new();
    while c.eat(b' ') {
        words.push(c.keyword()?);
    }
    if words.is_empty() { expected("a capability") } else { Ok(Command::Enable(words)) }
}

fn transfer(c: &mut Cursor<'_>, uid: bool, moving: bool) -> Parsed<Command> {
    c.space()?;
    let set = c.sequence_set()?;
    c.space()?;
    Ok(Command::Transfer(Transfer { uid, set, mailbox: c.mailbox()?, moving }))
}

/// RFC 3501 section 6.4.6 with the modifier of RFC 7162 section 3.1.3.
fn store(c: &mut Cursor<'_>, uid: bool) -> Parsed<Command> {
    c.space()?;
    let set = c.sequence_set()?;
    c.space()?;
    let unchanged_since = unchanged_since(c)?;
    let change = if c.eat(b'+') {
        FlagChange::Add
    } else if c.eat(b'-') {
        FlagChange::Remove
    } else {
        FlagChange::Replace
    };
    let silent = match c.keyword()?.as_str() {
        "FLAGS" => false,
        "FLAGS.SILENT" => true,
        _ => return expected("FLAGS or FLAGS.SILENT"),
    };
    c.space()?;
    Ok(Command::Store(Store { uid, set, unchanged_since, change, silent, flags: store_flags(c)? }))
}

fn unchanged_since(c: &mut Cursor<'_>) -> Parsed<Option<u64>> {
    if c.peek() != Some(b'(') {
        return Ok(None);
    }
    let one = |c: &mut Cursor<'_>| {
        if c.keyword()? != "UNCHANGEDSINCE" {
            return expected("UNCHANGEDSINCE");
        }
        c.space()?;
        c.number64()
    };
    let given = c.list(false, one)?;
    c.space()?;
    match given.as_slice() {
        [only] => Ok(Some(*only)),
        _ => expected("one UNCHANGEDSINCE"),
    }
}

/// A list in parentheses, or bare flags.
fn store_flags(c: &mut Cursor<'_>) -> Parsed<Vec<String>> {
    if c.peek() == Some(b'(') {
        return c.flag_list();
    }
    let mut flags = vec![c.flag()?];
    while c.eat(b' ') {
        flags.push(c.flag()?);
    }
    Ok(flags)
}

/// RFC 3501 section 6.3.11, and `UTF8 (~{n}...)` of RFC 6855 section 4.
fn append(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.space()?;
    let mailbox = c.mailbox()?;
    c.space()?;
    let mut flags = Vec::new();
    if c.peek() == Some(b'(') {
        flags = c.flag_list()?;
        c.space()?;
    }
    let mut date = None;
    if c.peek() == Some(b'"') {
        date = Some(c.date_time()?);
        c.space()?;
    }
    let utf8 = c.eat_keyword("UTF8");
    if utf8 {
        c.space()?;
        c.expect(b'(')?;
    }
    let (bytes, eight_bit) = c.literal()?;
    if eight_bit != utf8 {
        return expected("~ with UTF8 and nowhere else");
    }
    if !utf8 && bytes.contains(&0) {
        return expected("a message without NUL");
    }
    if utf8 {
        c.expect(b')')?;
    }
    Ok(Command::Append(Append { mailbox, flags, date, bytes: bytes.to_vec(), utf8 }))
}

#[cfg(test)]
mod tests;
