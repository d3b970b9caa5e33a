//! One command as it came: its lines and literals, read but not understood.
//!
//! Rule: what a client must wait for, it must wait for: octets that came before the go-ahead for a synchronizing
//! literal are a breach (RFC 3501 section 7.5), as are non-synchronizing literals that were not offered (RFC 7888).

use tokio::io::{AsyncRead, AsyncWrite};

use super::capability::{Capabilities, Capability};
use super::stream::{Broken, Wire};

/// The octets of a command without its literals (RFC 7162 section 4).
const COMMAND_CAP: usize = 8_192;
/// A literal larger than this closes the connection.
const LITERAL_CAP: usize = 256 * 1024 * 1024;
const LITERAL_MINUS_CAP: usize = 4_096;

/// A part of a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(Vec<u8>),
    Literal {
        bytes: Vec<u8>,
        /// `~{n}` (RFC 3516 section 4.4).
        eight_bit: bool,
    },
}

/// A command as it came.
#[derive(Debug, Default)]
pub(crate) struct RawCommand {
    pub pieces: Vec<Piece>,
    /// What was wrong with the way in which it came.
    pub breaches: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct Marker {
    /// Where the text before it ends.
    at: usize,
    size: usize,
    waits: bool,
    eight_bit: bool,
}

impl RawCommand {
    /// Reads the next command, giving the go-ahead for its literals.
    pub async fn read<S>(wire: &mut Wire<S>, offered: &Capabilities) -> Result<Self, Broken>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut command = Self::default();
        let mut text_octets = 0;
        loop {
            let mut line = wire.line().await?;
            text_octets += line.bytes.len();
            if line.bare_lf {
                command.breaches.push("a line ends with a bare LF".to_owned());
            }
            let Some(marker) = marker(&line.bytes) else {
                command.pieces.push(Piece::Text(line.bytes));
                break;
            };
            line.bytes.truncate(marker.at);
            command.pieces.push(Piece::Text(line.bytes));
            let literal = command.literal(wire, offered, &marker).await?;
            command.pieces.push(literal);
        }
        if text_octets > COMMAND_CAP {
            command.breaches.push(format!("a command of {text_octets} octets beside its literals"));
        }
        Ok(command)
    }

    async fn literal<S>(
        &mut self,
        wire: &mut Wire<S>,
        offered: &Capabilities,
        marker: &Marker,
    ) -> Result<Piece, Broken>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        if marker.size > LITERAL_CAP {
            return Err(Broken::Unreadable("a literal above the cap"));
        }
        if marker.waits {
            if wire.has_more() {
                self.breaches
                    .push("a synchronizing literal was sent without waiting for the go-ahead".to_owned());
            }
            wire.send(b"+ go ahead\r\n").await?;
        } else if !may_push(offered, marker.size) {
            self.breaches
                .push(format!("a non-synchronizing literal of {} octets is not offered", marker.size));
        }
        let bytes = wire.octets(marker.size).await?;
        Ok(Piece::Literal { bytes, eight_bit: marker.eight_bit })
    }

    fn first_text(&self) -> &[u8] {
        match self.pieces.first() {
            Some(Piece::Text(text)) => text,
            _ => &[],
        }
    }

    /// The tag, if the line begins with anything like one.
    pub fn tag(&self) -> Option<String> {
        let word = self.first_text().split(|byte| *byte == b' ').next()?;
        let is_tag = |byte: &u8| byte.is_ascii_graphic() && !b"(){%*\"\\+".contains(byte);
        (!word.is_empty() && word.iter().all(is_tag)).then(|| String::from_utf8_lossy(word).into_owned())
    }

    /// The command's name in capitals, with `UID` in front where it has it; `?` if there is none.
    pub fn name(&self) -> String {
        let mut words = self.first_text().split(|byte| *byte == b' ').skip(1);
        let mut word = || {
            let word = words.next().unwrap_or_default();
            String::from_utf8_lossy(word).to_ascii_uppercase()
        };
        match word().as_str() {
            "" => "?".to_owned(),
            "UID" => format!("UID {}", word()),
            name => name.to_owned(),
        }
    }

    /// The beginning of the command for a report, without what may be a password.
    pub fn excerpt(&self) -> String {
        let name = self.name();
        if name == "LOGIN" || name == "AUTHENTICATE" {
            return format!("{name} (withheld)");
        }
        let text = String::from_utf8_lossy(self.first_text());
        text.chars().take(200).flat_map(char::escape_default).collect()
    }
}

fn may_push(offered: &Capabilities, size: usize) -> bool {
    offered.has(Capability::LiteralPlus)
        || (offered.has(Capability::LiteralMinus) && size <= LITERAL_MINUS_CAP)
}

/// The literal announced at the end of a line.
fn marker(line: &[u8]) -> Option<Marker> {
    let inner = line.strip_suffix(b"}")?;
    let open = inner.iter().rposition(|byte| *byte == b'{')?;
    let written = inner.get(open + 1..)?;
    let (digits, waits) = match written.strip_suffix(b"+") {
        Some(digits) => (digits, false),
        None => (written, true),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // A number beyond usize is above any cap.
    let size = std::str::from_utf8(digits).ok()?.parse().unwrap_or(usize::MAX);
    let eight_bit = open > 0 && line.get(open - 1) == Some(&b'~');
    Some(Marker { at: open - usize::from(eight_bit), size, waits, eight_bit })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::FaultPlan;
    use tokio::io::AsyncWriteExt as _;

    #[test]
    fn literals_are_announced_at_the_end_of_a_line() {
        let found = |line: &str| marker(line.as_bytes()).map(|m| (m.at, m.size, m.waits, m.eight_bit));
        assert_eq!(found("a LOGIN {5}"), Some((8, 5, true, false)));
        assert_eq!(found("a {0+}"), Some((2, 0, false, false)));
        assert_eq!(found("a UTF8 (~{12+}"), Some((8, 12, false, true)));
        assert_eq!(found("{99999999999999999999999}"), Some((0, usize::MAX, true, false)));
        for none in ["a", "a {5} ", "a {}", "a {x}", "a {-1}", "a 5}", "a {5++}"] {
            assert_eq!(found(none), None, "{none}");
        }
    }

    async fn breaches(sent: &[u8], offered: Capabilities) -> Vec<String> {
        let (mut client, server) = tokio::io::duplex(100_000);
        client.write_all(sent).await.unwrap();
        let mut wire = Wire::new(server, &FaultPlan::none());
        RawCommand::read(&mut wire, &offered).await.unwrap().breaches
    }

    #[tokio::test]
    async fn a_client_must_wait_and_must_not_push_what_is_not_offered() {
        let bare = Capabilities::bare;
        let minus = bare().with([Capability::LiteralMinus]);
        let plus = bare().with([Capability::LiteralPlus]);
        assert!(breaches(b"a X {3}\r\nabc\r\n", bare()).await[0].contains("without waiting"));
        assert!(breaches(b"a X {3+}\r\nabc\r\n", bare()).await[0].contains("not offered"));
        assert!(breaches(b"a X {3+}\r\nabc\r\n", minus.clone()).await.is_empty());
        let large = [b"a X {5000+}\r\n".to_vec(), vec![b'x'; 5_000], b"\r\n".to_vec()].concat();
        assert!(breaches(&large, minus).await[0].contains("5000"));
        assert!(breaches(&large, plus.clone()).await.is_empty());
        let long = [b"a X ".to_vec(), vec![b'x'; 9_000], b"\r\n".to_vec()].concat();
        assert!(breaches(&long, plus.clone()).await[0].contains("9004 octets"));
        assert!(breaches(b"a X\n", plus).await[0].contains("bare LF"));
    }

    #[test]
    fn a_password_is_not_in_an_excerpt() {
        let raw = |text: &str| RawCommand { pieces: vec![Piece::Text(text.into())], breaches: vec![] };
        assert_eq!(raw("a1 login anna secret").excerpt(), "LOGIN (withheld)");
        assert_eq!(raw("a1 uid fetch 1 x").name(), "UID FETCH");
        assert_eq!(raw("a1").name(), "?");
        assert_eq!(raw("a1 noop").tag().as_deref(), Some("a1"));
        assert_eq!(raw("+ noop").tag(), None);
        assert_eq!(raw("").tag(), None);
    }
}
