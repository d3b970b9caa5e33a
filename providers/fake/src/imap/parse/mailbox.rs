//! The grammar of the commands on mailboxes: LIST (RFC 5258), STATUS, SELECT (RFC 7162) and the plain ones.

use super::cursor::{Cursor, Malformed, Parsed, expected};
use crate::imap::command::{Command, List, ListReturn, ListSelection, QResync, Select, StatusItem};

pub(super) fn command(c: &mut Cursor<'_>, name: &str) -> Parsed<Command> {
    let known = [
        "SELECT",
        "EXAMINE",
        "LIST",
        "LSUB",
        "STATUS",
        "CREATE",
        "DELETE",
        "RENAME",
        "SUBSCRIBE",
        "UNSUBSCRIBE",
    ];
    if !known.contains(&name) {
        return Err(Malformed("unknown command".to_owned()));
    }
    c.space()?;
    Ok(match name {
        "SELECT" => Command::Select(select(c, false)?),
        "EXAMINE" => Command::Select(select(c, true)?),
        "LIST" => Command::List(list(c)?),
        "LSUB" => lsub(c)?,
        "STATUS" => {
            let mailbox = c.mailbox()?;
            c.space()?;
            Command::Status { mailbox, items: status_items(c)? }
        }
        "CREATE" => Command::Create(c.mailbox()?),
        "DELETE" => Command::Delete(c.mailbox()?),
        "RENAME" => {
            let from = c.mailbox()?;
            c.space()?;
            Command::Rename { from, to: c.mailbox()? }
        }
        other => Command::Subscribe { mailbox: c.mailbox()?, on: other == "SUBSCRIBE" },
    })
}

fn lsub(c: &mut Cursor<'_>) -> Parsed<Command> {
    let reference = c.mailbox()?;
    c.space()?;
    Ok(Command::Lsub { reference, pattern: c.list_mailbox()? })
}

fn list(c: &mut Cursor<'_>) -> Parsed<List> {
    let mut list = List::default();
    if c.peek() == Some(b'(') {
        list.extended = true;
        list.selection = c.list(true, selection)?;
        c.space()?;
    }
    list.reference = c.mailbox()?;
    c.space()?;
    if c.peek() == Some(b'(') {
        list.extended = true;
        list.patterns = c.list(false, Cursor::list_mailbox)?;
    } else {
        list.patterns = vec![c.list_mailbox()?];
    }
    if c.eat(b' ') {
        list.extended = true;
        if !c.eat_keyword("RETURN") {
            return expected("RETURN");
        }
        c.space()?;
        list.returns = c.list(true, list_return)?;
    }
    let recursive = list.selection.contains(&ListSelection::RecursiveMatch);
    if recursive
        && list.selection.iter().all(|s| matches!(s, ListSelection::RecursiveMatch | ListSelection::Remote))
    {
        return expected("another selection option beside RECURSIVEMATCH");
    }
    Ok(list)
}

fn selection(c: &mut Cursor<'_>) -> Parsed<ListSelection> {
    Ok(match c.keyword()?.as_str() {
        "SUBSCRIBED" => ListSelection::Subscribed,
        "REMOTE" => ListSelection::Remote,
        "RECURSIVEMATCH" => ListSelection::RecursiveMatch,
        "SPECIAL-USE" => ListSelection::SpecialUse,
        _ => return expected("a selection option"),
    })
}

fn list_return(c: &mut Cursor<'_>) -> Parsed<ListReturn> {
    Ok(match c.keyword()?.as_str() {
        "SUBSCRIBED" => ListReturn::Subscribed,
        "CHILDREN" => ListReturn::Children,
        "SPECIAL-USE" => ListReturn::SpecialUse,
        "STATUS" => {
            c.space()?;
            ListReturn::Status(status_items(c)?)
        }
        _ => return expected("a return option"),
    })
}

fn status_items(c: &mut Cursor<'_>) -> Parsed<Vec<StatusItem>> {
    c.list(false, |c| {
        Ok(match c.keyword()?.as_str() {
            "MESSAGES" => StatusItem::Messages,
            "RECENT" => StatusItem::Recent,
            "UIDNEXT" => StatusItem::UidNext,
            "UIDVALIDITY" => StatusItem::UidValidity,
            "UNSEEN" => StatusItem::Unseen,
            "HIGHESTMODSEQ" => StatusItem::HighestModSeq,
            "SIZE" => StatusItem::Size,
            "MAILBOXID" => StatusItem::MailboxId,
            _ => return expected("a status item"),
        })
    })
}

fn select(c: &mut Cursor<'_>, read_only: bool) -> Parsed<Select> {
    let mut select = Select { mailbox: c.mailbox()?, read_only, condstore: false, qresync: None };
    if c.eat(b' ') {
        c.list(false, |c| parameter(c, &mut select))?;
    }
    Ok(select)
}

fn parameter(c: &mut Cursor<'_>, select: &mut Select) -> Parsed<()> {
    match c.keyword()?.as_str() {
        "CONDSTORE" if !select.condstore => select.condstore = true,
        "QRESYNC" if select.qresync.is_none() => {
            c.space()?;
            c.expect(b'(')?;
            select.qresync = Some(qresync(c)?);
            c.expect(b')')?;
        }
        _ => return expected("CONDSTORE or QRESYNC, each once"),
    }
    Ok(())
}

fn qresync(c: &mut Cursor<'_>) -> Parsed<QResync> {
    let uid_validity = c.nz_number()?;
    c.space()?;
    let mut qresync = QResync { uid_validity, mod_seq: c.nz_number64()?, known_uids: None };
    let mut more = c.eat(b' ');
    if more && c.peek() != Some(b'(') {
        qresync.known_uids = Some(c.known_set()?);
        more = c.eat(b' ');
    }
    if more {
        match_data(c)?;
    }
    Ok(qresync)
}

/// `(sequence-set uid-set)`: both ascend, and both name as many (RFC 7162 section 3.2.5.2). It only saves octets, so
/// it is checked and not used.
fn match_data(c: &mut Cursor<'_>) -> Parsed<()> {
    c.expect(b'(')?;
    let sequence = c.known_set()?;
    c.space()?;
    let uids = c.known_set()?;
    c.expect(b')')?;
    let matches = sequence.ascends() && uids.ascends() && sequence.resolve(0).len() == uids.resolve(0).len();
    if matches { Ok(()) } else { expected("ascending sets of one length as match data") }
}
