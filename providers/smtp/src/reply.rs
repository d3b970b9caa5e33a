//! A server's replies (RFC 5321, section 4.2), read within bounds.

use std::time::Duration;

use postrider_net::Io;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    time::timeout,
};

/// The longest line that is read; RFC 5321, section 4.5.3.1.5, allows 512.
const LINE: u64 = 8_192;
/// The most lines of one reply.
const LINES: usize = 200;

/// A reply: its code and its lines' texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// Three digits.
    pub(crate) code: u16,
    /// The text of each line.
    pub(crate) lines: Vec<String>,
}

impl Reply {
    /// Whether it says that all is well.
    pub(crate) const fn is_positive(&self) -> bool {
        self.code >= 200 && self.code < 400
    }

    /// All of its text.
    pub(crate) fn text(&self) -> String {
        self.lines.join(" ")
    }
}

/// A connection that reads lines.
pub(crate) struct Wire {
    io: BufReader<Box<dyn Io>>,
    idle: Duration,
}

impl Wire {
    /// Over an open connection; `idle` is the time-out of each line.
    pub(crate) fn new(io: Box<dyn Io>, idle: Duration) -> Self {
        Self { io: BufReader::new(io), idle }
    }

    /// The bare connection; `None` where octets came already that nobody read.
    pub(crate) fn into_io(self) -> Option<Box<dyn Io>> {
        self.io.buffer().is_empty().then(|| self.io.into_inner())
    }

    /// Sends a line.
    pub(crate) async fn send(&mut self, line: &str) -> Result<(), String> {
        let write = async {
            self.io.write_all(format!("{line}\r\n").as_bytes()).await?;
            self.io.flush().await
        };
        match timeout(self.idle, write).await {
            Ok(outcome) => outcome.map_err(|why| format!("the connection was lost: {why}")),
            Err(_) => Err(self.silent()),
        }
    }

    /// Reads a whole reply.
    pub(crate) async fn reply(&mut self) -> Result<Reply, String> {
        let mut lines = Vec::new();
        while lines.len() < LINES {
            let line = self.line().await?;
            let (code, rest) =
                line.split_at_checked(3).ok_or("the server's answer makes no sense: it is no SMTP")?;
            let code = code.parse().map_err(|_| "the server's answer makes no sense: it is no SMTP")?;
            lines.push(rest.get(1..).unwrap_or_default().to_owned());
            if !rest.starts_with('-') {
                return Ok(Reply { code, lines });
            }
        }
        Err("the server's answer makes no sense: a reply without an end".to_owned())
    }

    async fn line(&mut self) -> Result<String, String> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.io).take(LINE);
        match timeout(self.idle, bounded.read_until(b'\n', &mut line)).await {
            Ok(Ok(0)) => Err("the server closed the connection".to_owned()),
            Ok(Ok(_)) if line.ends_with(b"\n") => Ok(String::from_utf8_lossy(&line).trim_end().to_owned()),
            Ok(Ok(_)) if line.len() as u64 == LINE => {
                Err("the server sent a line that is too long".to_owned())
            }
            Ok(Ok(_)) => Err("the server closed the connection".to_owned()),
            Ok(Err(why)) => Err(format!("the connection was lost: {why}")),
            Err(_) => Err(self.silent()),
        }
    }

    fn silent(&self) -> String {
        format!("the server did not answer within {} s", self.idle.as_secs())
    }
}
