//! What a server may say unasked, lawful or not: the material of faults.
//!
//! Rule: what `before` and `after` add is lawful at every command, and true where it is about the mailbox.

use super::session::Session;

/// A line that no grammar knows.
pub(super) const GARBAGE: &[u8] = b"* \x00\xff)(garbage} 99 {\r\n";

/// An untagged OK of this many octets.
pub(super) fn long_line(octets: usize) -> Vec<u8> {
    let mut line = b"* OK ".to_vec();
    line.resize(octets.max(line.len() + 1), b'x');
    line.extend_from_slice(b"\r\n");
    line
}

/// A FETCH response that ends in the middle of a literal.
pub(super) fn half_literal(session: &Session) -> Vec<u8> {
    let uid = session.selected.as_ref().and_then(|selected| selected.view.first().copied()).unwrap_or(1);
    let mut half = format!("* 1 FETCH (UID {uid} BODY[] {{1000}}\r\nSubject: half\r\n\r\n").into_bytes();
    half.resize(half.len() + 400, b'h');
    half
}

/// Before a command's own answer.
pub(super) fn before(session: &mut Session) {
    session.untagged("OK still here");
    session.untagged("XPOSTRIDER 7 (a \"b \\\" c\" NIL {5}\r\n\r\n* 1 (d))");
    session.untagged("OK [XCODE 1 (2 \"]\")] with a code that nobody knows");
    session.untagged("NO a warning");
    let capabilities = format!("CAPABILITY {} XSPRINKLED", session.offered());
    session.untagged(&capabilities);
    flags(session);
}

/// Between a command's own answer and the tagged one.
pub(super) fn after(session: &mut Session) {
    flags(session);
    session.untagged("OK [ALERT] the server is in a talkative mood");
    session.untagged("STATUS \"Somewhere else\" (MESSAGES 3 XUNKNOWN (4 5))");
}

/// The flags of the last message, as if someone had just changed them.
fn flags(session: &mut Session) {
    let last = {
        let state = session.server.lock();
        let uid = session.selected.as_ref().and_then(|selected| selected.view.last().copied());
        let mailbox = session.mailbox(&state);
        uid.and_then(|uid| mailbox?.messages.get(&uid).cloned())
    };
    if let Some(message) = last {
        session.tell_flags(&message, true);
    }
}
