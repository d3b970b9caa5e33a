//! Buffered octets in both directions, under time-outs, compressed or not.
//!
//! While commands are written, answers are read: a server that answers the first of many before it reads the last never
//! makes both sides wait for each other. What cannot be written is no error by itself, since the reason (a BYE) is in what
//! can still be read.

use std::{
    future::poll_fn,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, BufMut, BytesMut};
use postrider_net::Io;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    time::timeout,
};

use super::compression::Compression;

/// The first and the largest size of a read. It grows while reads fill it, so that an idle connection costs little.
const READ: std::ops::RangeInclusive<usize> = 8 << 10..=256 << 10;
/// How much is read ahead while a write is stuck.
const READ_AHEAD: usize = 1 << 20;

/// Why no more can be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    /// The server ended the connection.
    #[error("the server closed the connection")]
    Closed,
    /// Nothing came, or nothing was taken.
    #[error("the server did not answer within {} s", .0.as_secs())]
    Silent(Duration),
    /// The connection broke.
    #[error("the connection was lost: {0}")]
    Io(io::Error),
    /// What came is not IMAP.
    #[error("the server sent {0}")]
    Garbage(&'static str),
}

/// A connection's octets.
pub(crate) struct Stream {
    io: Box<dyn Io>,
    inbox: BytesMut,
    outbox: Vec<u8>,
    sent: usize,
    compression: Option<Box<Compression>>,
    read_size: usize,
    idle: Duration,
    is_ended: bool,
}

impl Stream {
    /// Over an open connection; `idle` is the time-out of each read and write.
    pub(crate) fn new(io: Box<dyn Io>, idle: Duration) -> Self {
        Self {
            io,
            inbox: BytesMut::new(),
            outbox: Vec::new(),
            sent: 0,
            compression: None,
            read_size: *READ.start(),
            idle,
            is_ended: false,
        }
    }

    /// The bare connection, for TLS to be put on it; `None` where octets came already that nobody read (response
    /// injection, RFC 9051, section 11.3).
    pub(crate) fn into_io(self) -> Option<Box<dyn Io>> {
        self.inbox.is_empty().then_some(self.io)
    }

    /// Compresses from here on. What came behind the server's answer is compressed already.
    pub(crate) fn compress(&mut self) {
        self.compression = Some(Box::new(Compression::new(self.inbox.split())));
    }

    /// What was read and not taken yet.
    pub(crate) fn inbox(&mut self) -> &mut BytesMut {
        &mut self.inbox
    }

    /// Gives buffers back that a busy time has left large.
    pub(crate) fn shrink(&mut self) {
        if self.inbox.is_empty() {
            self.inbox = BytesMut::new();
            self.read_size = *READ.start();
        }
        self.outbox = Vec::new();
    }

    /// Reads some octets into the inbox: at least one.
    pub(crate) async fn fill(&mut self) -> Result<(), WireError> {
        let idle = self.idle;
        match timeout(idle, poll_fn(|cx| self.poll_fill(cx))).await {
            Ok(Ok(0)) => Err(WireError::Closed),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(why)) => Err(lost(why)),
            Err(_) => Err(WireError::Silent(idle)),
        }
    }

    /// Waits, for as long as it takes, until the inbox has something. Dropping this loses nothing.
    pub(crate) async fn readable(&mut self) -> Result<(), WireError> {
        if !self.inbox.is_empty() {
            return Ok(());
        }
        match poll_fn(|cx| self.poll_fill(cx)).await {
            Ok(0) => Err(WireError::Closed),
            Ok(_) => Ok(()),
            Err(why) => Err(lost(why)),
        }
    }

    /// Moves at least one and at most `most` octets behind `to`: from the inbox, or straight from the wire where that
    /// spares a copy.
    pub(crate) async fn read_into(&mut self, to: &mut Vec<u8>, most: usize) -> Result<usize, WireError> {
        if self.inbox.is_empty() && self.compression.is_none() && most >= *READ.end() {
            let mut room = to.limit(most);
            return match timeout(self.idle, self.io.read_buf(&mut room)).await {
                Ok(Ok(0)) => Err(WireError::Closed),
                Ok(Ok(count)) => Ok(count),
                Ok(Err(why)) => Err(lost(why)),
                Err(_) => Err(WireError::Silent(self.idle)),
            };
        }
        if self.inbox.is_empty() {
            self.fill().await?;
        }
        let count = most.min(self.inbox.len());
        to.extend_from_slice(self.inbox.get(..count).unwrap_or_default());
        self.inbox.advance(count);
        Ok(count)
    }

    /// Reads past that many octets.
    pub(crate) async fn skip(&mut self, mut count: u64) -> Result<(), WireError> {
        while count > 0 {
            if self.inbox.is_empty() {
                self.fill().await?;
            }
            let step = usize::try_from(count).unwrap_or(usize::MAX).min(self.inbox.len());
            self.inbox.advance(step);
            count -= step as u64;
        }
        Ok(())
    }

    /// Sends octets, all of them, reading ahead meanwhile.
    pub(crate) async fn send(&mut self, octets: &[u8]) -> Result<(), WireError> {
        match self.compression.as_mut() {
            Some(compression) => compression.deflate(octets, &mut self.outbox).map_err(WireError::Io)?,
            None => self.outbox.extend_from_slice(octets),
        }
        let idle = self.idle;
        let mut is_done = false;
        while !is_done {
            is_done =
                timeout(idle, poll_fn(|cx| self.poll_send(cx))).await.map_err(|_| WireError::Silent(idle))?;
        }
        self.outbox.clear();
        self.sent = 0;
        Ok(())
    }

    /// Whether the server has ended the connection, as far as can be told without waiting.
    pub(crate) async fn is_dead(&mut self) -> bool {
        if self.is_ended {
            return true;
        }
        poll_fn(|cx| match self.poll_fill(cx) {
            Poll::Ready(Ok(count)) => Poll::Ready(count == 0),
            Poll::Ready(Err(_)) => Poll::Ready(true),
            Poll::Pending => Poll::Ready(false),
        })
        .await
    }

    /// One step of sending: true when all is out, or when nothing more can be sent.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let rest = self.outbox.get(self.sent..).unwrap_or_default();
        if rest.is_empty() {
            return match Pin::new(&mut self.io).poll_flush(cx) {
                Poll::Ready(_) => Poll::Ready(true),
                Poll::Pending => self.poll_read_ahead(cx),
            };
        }
        match Pin::new(&mut self.io).poll_write(cx, rest) {
            Poll::Ready(Ok(count)) => {
                self.sent += count;
                Poll::Ready(count == 0)
            }
            Poll::Ready(Err(_)) => Poll::Ready(true),
            Poll::Pending => self.poll_read_ahead(cx),
        }
    }

    fn poll_read_ahead(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if self.is_ended || self.inbox.len() >= READ_AHEAD {
            return Poll::Pending;
        }
        match ready!(self.poll_fill(cx)) {
            Ok(0) | Err(_) => {
                self.is_ended = true;
                Poll::Ready(true)
            }
            Ok(_) => Poll::Ready(false),
        }
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(compression) = self.compression.as_mut() else {
            return poll_read(&mut self.io, &mut self.inbox, &mut self.read_size, cx);
        };
        loop {
            let count = compression.inflate(&mut self.inbox)?;
            if count > 0 {
                return Poll::Ready(Ok(count));
            }
            if ready!(poll_read(&mut self.io, &mut compression.raw, &mut self.read_size, cx))? == 0 {
                return Poll::Ready(Ok(0));
            }
        }
    }
}

fn poll_read(
    io: &mut (impl AsyncRead + Unpin),
    to: &mut BytesMut,
    size: &mut usize,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    to.reserve(*size);
    // Dropping this future loses nothing: it holds no octets of its own.
    let count = ready!(pin!(io.read_buf(to)).poll(cx))?;
    if count >= *size {
        *size = (*size * 2).min(*READ.end());
    }
    Poll::Ready(Ok(count))
}

/// A peer that goes without TLS's good-bye has closed the connection like any other.
fn lost(why: io::Error) -> WireError {
    match why.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            WireError::Closed
        }
        _ => WireError::Io(why),
    }
}
