//! The grammar of NOTIFY (RFC 5465 section 8), for mailboxes that are not selected.

use super::cursor::{Cursor, Parsed, expected};
use crate::imap::command::{Command, Notify};

pub(super) fn notify(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.space()?;
    if c.eat_keyword("NONE") {
        return Ok(Command::Notify(None));
    }
    if !c.eat_keyword("SET") {
        return expected("SET or NONE");
    }
    c.space()?;
    let mut notify = Notify { status: c.eat_keyword("STATUS"), ..Notify::default() };
    if notify.status {
        c.space()?;
    }
    group(c, &mut notify)?;
    while c.eat(b' ') {
        group(c, &mut notify)?;
    }
    Ok(Command::Notify(Some(notify)))
}

fn group(c: &mut Cursor<'_>, notify: &mut Notify) -> Parsed<()> {
    c.expect(b'(')?;
    match c.keyword()?.as_str() {
        "PERSONAL" => notify.personal = true,
        "MAILBOXES" => {
            c.space()?;
            match c.peek() {
                Some(b'(') => notify.mailboxes.extend(c.list(false, Cursor::mailbox)?),
                _ => notify.mailboxes.push(c.mailbox()?),
            }
        }
        _ => return expected("personal or mailboxes"),
    }
    c.space()?;
    let events = c.list(false, Cursor::keyword)?;
    let has = |event: &str| events.iter().any(|have| have == event);
    // RFC 5465 section 5.
    if !has("MESSAGENEW") || !has("MESSAGEEXPUNGE") {
        return expected("MessageNew and MessageExpunge");
    }
    notify.flags |= has("FLAGCHANGE");
    if events.len() > 2 + usize::from(has("FLAGCHANGE")) {
        return expected("no other event than MessageNew, MessageExpunge, FlagChange");
    }
    c.expect(b')')
}
