//! Putting a message into a folder (RFC 3501, section 6.3.11): all of it or nothing.
//!
//! - A long message is announced, and sent when the server agrees: a server that does not take it, or a connection that is lost
//!   before, has nothing of it.
//! - With UTF8=ACCEPT a message with UTF-8 in its header goes as `UTF8 (~{n}…)` (RFC 6855, section 4).
//! - A NUL goes only to a server with BINARY (RFC 3516, section 4.4), and a bare LF to none: a server would change or refuse them
//!   (RFC 3501, section 4.3; RFC 5322, section 2.3).

use postrider_model::{ErrorClass, Fault};
use postrider_remote::{FolderKey, NewMessage, Place, Reach};

use super::{WriteFailure, lost, refused_write, with_folder};
use crate::{
    codec::{
        command::{Literals, is_atom},
        date::date_time,
        sets::uid,
        status::{Code, Status, StatusKind},
    },
    connection::{Connection, Event},
    fault::Failure,
    name,
    settings::ImapSettings,
};

/// A message of up to so many octets is sent without asking, where the server lets it: it costs less than a round trip.
const UNASKED_OCTETS: usize = 16 << 10;
/// The same where the server has LITERAL- (RFC 7888, section 5).
const UNASKED_SHORT_OCTETS: usize = 4_096;

/// How a message goes over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `{n}`
    Plain,
    /// `~{n}`
    Binary,
    /// `UTF8 (~{n})`
    Utf8,
}

/// Puts a message into a folder.
pub(crate) async fn append(
    connection: &mut Connection,
    settings: &ImapSettings,
    folder: &FolderKey,
    message: &NewMessage<'_>,
) -> Result<Option<Place>, WriteFailure> {
    // UTF8=ACCEPT has to be on before names and messages are written.
    connection.prepare(&settings.client, settings.compress).await.map_err(WriteFailure::not_done)?;
    let action =
        connection.action(&format!("put a message into folder {:?}", name::shown(folder, Some('/'))));
    let form = form(connection, &action, message.bytes)?;
    let (lead, tail) = match form {
        Form::Plain => ("", ""),
        Form::Binary => ("~", ""),
        Form::Utf8 => ("UTF8 (~", ")"),
    };
    let command = with_folder(connection, action.clone(), "APPEND", folder);
    let command = command.text(&options(message)).text(lead);
    let at_once = match connection.literals() {
        Literals::AtOnce => message.bytes.len() <= UNASKED_OCTETS,
        Literals::ShortAtOnce => message.bytes.len() <= UNASKED_SHORT_OCTETS,
        Literals::Synchronising => false,
    };
    let sent = connection.send_with_literal(&command, message.bytes, at_once, tail, &mut |_, _| ()).await;
    sent.map_err(|failure| lost(connection, failure))?;
    let status = ended(connection).await.map_err(|failure| lost(connection, failure))?;
    match status.kind {
        StatusKind::Ok => Ok(status.code.as_ref().and_then(place)),
        // No partial appending is permitted (RFC 3501, section 6.3.11).
        _ => Err(refused_write(&action, &status, Reach::NotDone)),
    }
}

async fn ended(connection: &mut Connection) -> Result<Status, Failure> {
    loop {
        match connection.next().await? {
            Event::Data(_) => {}
            Event::Done(_, status) => return Ok(status),
            Event::Continue => return Err(connection.garbage("a continuation that nobody asked for")),
        }
    }
}

fn form(connection: &Connection, action: &str, bytes: &[u8]) -> Result<Form, WriteFailure> {
    let refused = |cause: String, hint: &str| {
        let fault = Fault::new(ErrorClass::Permanent, action, cause).hint(hint);
        WriteFailure::not_done(Failure::answered(fault))
    };
    if let Some(limit) = connection.append_limit().filter(|limit| bytes.len() as u64 > *limit) {
        let cause = format!("it has {} octets, and the server takes {limit} (APPENDLIMIT)", bytes.len());
        return Err(refused(cause, "the server takes no message of that size"));
    }
    if has_bare_lf(bytes) {
        let cause = "a line of it ends in LF without CR, which IMAP does not carry".to_owned();
        return Err(refused(cause, "write the message with CR LF at the end of each line"));
    }
    if connection.enabled.utf8 && has_utf8_header(bytes) {
        return Ok(Form::Utf8);
    }
    if !bytes.contains(&0) {
        return Ok(Form::Plain);
    }
    match connection.has("BINARY") {
        true => Ok(Form::Binary),
        false => {
            let cause = "it has a NUL octet, and the server takes none (no BINARY)".to_owned();
            Err(refused(cause, "keep such a message as a file, or attach it to another one"))
        }
    }
}

fn has_bare_lf(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'\n', bytes)
        .any(|at| at.checked_sub(1).and_then(|before| bytes.get(before)) != Some(&b'\r'))
}

/// Whether the header block needs RFC 6532.
fn has_utf8_header(bytes: &[u8]) -> bool {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
    let header = bytes.get(..end).unwrap_or_default();
    !header.is_ascii() && std::str::from_utf8(header).is_ok()
}

/// ` (\Seen) " 7-Jul-1996 02:44:25 +0000" `
fn options(message: &NewMessage<'_>) -> String {
    let system = message.flags.system().map(|flag| format!("\\{}", flag.name()));
    let keywords = message.flags.keywords().iter().filter(|keyword| is_atom(keyword)).cloned();
    let flags: Vec<String> = system.chain(keywords).collect();
    let flags = if flags.is_empty() { String::new() } else { format!("({}) ", flags.join(" ")) };
    let date = message.internal_date.and_then(date_time).map(|date| format!("\"{date}\" "));
    format!(" {flags}{}", date.unwrap_or_default())
}

/// `[APPENDUID 38505 3955]` (RFC 4315, section 3).
fn place(code: &Code) -> Option<Place> {
    let mut words = code.arguments.split(|byte| *byte == b' ').filter(|_| code.name == "APPENDUID");
    let uid_validity = uid(words.next()?).ok()?;
    Some(Place { uid_validity, uid: uid(words.next()?).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_line_feeds_are_seen() {
        for (text, expected) in
            [("", false), ("a\r\nb", false), ("\n", true), ("a\n", true), ("a\r\n\nb", true), ("a\rb", false)]
        {
            assert_eq!(has_bare_lf(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn utf8_counts_in_headers_alone() {
        let table: [(&[u8], bool); 4] = [
            ("Subject: é\r\n\r\nx".as_bytes(), true),
            ("Subject: e\r\n\r\né".as_bytes(), false),
            (b"Subject: \xe9\r\n\r\nx", false),
            ("é".as_bytes(), true),
        ];
        for (message, expected) in table {
            assert_eq!(has_utf8_header(message), expected);
        }
    }
}
