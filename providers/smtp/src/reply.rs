//! The wire of one connection, and a server's replies on it (RFC 5321, section 4.2), read within bounds of octets and
//! time. It knows no command.

use std::time::Duration;

use postrider_net::Io;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    time::timeout,
};

/// Why the wire is of no more use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    /// The connection failed.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// It ended, perhaps within an answer.
    #[error("the server closed the connection")]
    Closed,
    /// No answer, or only a part of one.
    #[error("the server did not answer within {} s", .0.as_secs())]
    Silent(Duration),
    /// The server reads no more.
    #[error("the server did not take what was sent within {} s", .0.as_secs())]
    Stuck(Duration),
    /// What came is against the protocol: nobody knows what comes next.
    #[error("the server's answer makes no sense: {0}")]
    Garbage(&'static str),
}

/// A reply: its code and its lines' texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// Three digits, the first of them 2 to 5.
    pub(crate) code: u16,
    /// The text of each line.
    pub(crate) lines: Vec<String>,
}

impl Reply {
    /// Whether it was done (2xx).
    pub(crate) const fn is_done(&self) -> bool {
        self.code / 100 == 2
    }

    /// Whether the server waits for more (3xx).
    pub(crate) const fn wants_more(&self) -> bool {
        self.code / 100 == 3
    }

    /// Whether it was refused, for now or for good (4xx, 5xx).
    pub(crate) const fn is_refusal(&self) -> bool {
        self.code >= 400
    }

    /// All of its text.
    pub(crate) fn text(&self) -> String {
        self.lines.join(" ")
    }

    /// Subject and detail of the enhanced status code that begins its text (RFC 2034, section 4): `5.1.1` is (1, 1). One whose
    /// class is not the reply's is none.
    pub(crate) fn enhanced(&self) -> Option<(u16, u16)> {
        let word = self.lines.first()?.split(' ').next()?;
        let mut numbers = word.splitn(3, '.').map(|number| number.parse::<u16>().ok());
        let (class, subject, detail) = (numbers.next()??, numbers.next()??, numbers.next()??);
        (class == self.code / 100).then_some((subject, detail))
    }
}

/// A connection that sends octets and reads replies.
pub(crate) struct Wire {
    io: BufReader<Box<dyn Io>>,
    limit: u64,
}

impl Wire {
    /// Over an open connection; `limit` bounds a whole reply, in octets.
    pub(crate) fn new(io: Box<dyn Io>, limit: usize) -> Self {
        Self { io: BufReader::new(io), limit: limit as u64 }
    }

    /// Whether octets came that nobody asked for yet.
    pub(crate) fn has_unread(&self) -> bool {
        !self.io.buffer().is_empty()
    }

    /// The bare connection; `None` where octets came already that nobody read.
    pub(crate) fn into_io(self) -> Option<Box<dyn Io>> {
        (!self.has_unread()).then(|| self.io.into_inner())
    }

    /// Sends octets, and waits until the system has taken them all.
    pub(crate) async fn send(&mut self, octets: &[u8], patience: Duration) -> Result<(), WireError> {
        let write = async {
            self.io.write_all(octets).await?;
            self.io.flush().await
        };
        match timeout(patience, write).await {
            Ok(outcome) => outcome.map_err(|why| WireError::Lost(why.to_string())),
            Err(_) => Err(WireError::Stuck(patience)),
        }
    }

    /// Reads a whole reply, all of it within `patience`.
    pub(crate) async fn reply(&mut self, patience: Duration) -> Result<Reply, WireError> {
        timeout(patience, self.read_reply()).await.unwrap_or(Err(WireError::Silent(patience)))
    }

    async fn read_reply(&mut self) -> Result<Reply, WireError> {
        let mut lines = Vec::new();
        let mut first = None;
        let mut left = self.limit;
        loop {
            let line = self.line(left).await?;
            left -= line.len() as u64;
            let line = String::from_utf8_lossy(&line);
            let (code, more, text) = parse(line.trim_end()).ok_or(WireError::Garbage("it is no SMTP"))?;
            if *first.get_or_insert(code) != code {
                return Err(WireError::Garbage("a reply of several codes"));
            }
            lines.push(text.to_owned());
            if !more {
                return Ok(Reply { code, lines });
            }
        }
    }

    /// A line with its end, of so many octets at most.
    async fn line(&mut self, left: u64) -> Result<Vec<u8>, WireError> {
        let mut line = Vec::new();
        match (&mut self.io).take(left).read_until(b'\n', &mut line).await {
            Ok(_) if line.ends_with(b"\n") => Ok(line),
            Ok(_) if line.len() as u64 >= left => Err(WireError::Garbage("it is too long")),
            Ok(_) => Err(WireError::Closed),
            Err(why) => Err(WireError::Lost(why.to_string())),
        }
    }
}

/// Code, whether more lines follow, and text.
fn parse(line: &str) -> Option<(u16, bool, &str)> {
    let (code, rest) = line.split_at_checked(3)?;
    if !code.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let code = code.parse().ok().filter(|code| (200..600).contains(code))?;
    match rest.split_at_checked(1) {
        None => Some((code, false, "")),
        Some((" ", text)) => Some((code, false, text)),
        Some(("-", text)) => Some((code, true, text)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    async fn read(octets: &[u8]) -> Result<Reply, WireError> {
        let (ours, mut theirs) = tokio::io::duplex(1 << 20);
        theirs.write_all(octets).await.unwrap();
        drop(theirs);
        Wire::new(Box::new(ours), 100).reply(PATIENCE).await
    }

    #[tokio::test]
    async fn replies_are_read_whole_or_not_at_all() {
        let reply = read(b"250-a.test\r\n250-SIZE 5\r\n250\r\n").await.unwrap();
        assert_eq!((reply.code, reply.lines), (250, vec!["a.test".into(), "SIZE 5".into(), String::new()]));
        for (octets, why) in [
            (&b"250 ok"[..], WireError::Closed),
            (b"", WireError::Closed),
            (b"250-ok\r\n", WireError::Closed),
            (b"* OK IMAP\r\n", WireError::Garbage("it is no SMTP")),
            (b"+50 ok\r\n", WireError::Garbage("it is no SMTP")),
            (b"150 ok\r\n", WireError::Garbage("it is no SMTP")),
            (b"600 ok\r\n", WireError::Garbage("it is no SMTP")),
            (b"250ok\r\n", WireError::Garbage("it is no SMTP")),
            ("25\u{e9} ok\r\n".as_bytes(), WireError::Garbage("it is no SMTP")),
            (b"250-ok\r\n550 no\r\n", WireError::Garbage("a reply of several codes")),
            (&[b'2'; 200], WireError::Garbage("it is too long")),
            (&b"250-a\r\n".repeat(20), WireError::Garbage("it is too long")),
        ] {
            assert_eq!(read(octets).await, Err(why), "{}", String::from_utf8_lossy(octets));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reply_that_drips_is_silence() {
        let (ours, mut theirs) = tokio::io::duplex(1 << 10);
        let drip = async {
            loop {
                theirs.write_all(b"250-more\r\n").await.unwrap();
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let mut wire = Wire::new(Box::new(ours), 100);
        tokio::select! {
            got = wire.reply(PATIENCE) => assert_eq!(got, Err(WireError::Silent(PATIENCE))),
            () = drip => {}
        }
    }

    #[test]
    fn an_enhanced_code_counts_only_where_it_fits() {
        for (code, text, wanted) in [
            (550, "5.1.1 no such user", Some((1, 1))),
            (550, "5.7.139 disabled", Some((7, 139))),
            (450, "5.1.1 no", None),
            (550, "5.1 no", None),
            (550, "no 5.1.1", None),
            (550, "", None),
        ] {
            let reply = Reply { code, lines: vec![text.to_owned()] };
            assert_eq!(reply.enhanced(), wanted, "{code} {text}");
        }
    }
}
