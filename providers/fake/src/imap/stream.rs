//! The octets of one connection: buffered, compressed once that was agreed, and cut where a fault says so.
//!
//! Rules: reading can be given up and taken up again without losing an octet, because IDLE waits for two things at
//! once; nothing is interpreted beyond line ends.

use std::io;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::faults::{FaultPlan, Then};

/// A line longer than this without an end closes the connection.
const LINE_CAP: usize = 1024 * 1024;
const CHUNK: usize = 16 * 1024;

/// Why there is no more to read or write.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The client closed the connection.
    Eof,
    /// A fault cuts the connection here.
    Cut(Then),
    /// The client sent what cannot be taken: a line without end, octets that do not inflate.
    Unreadable(&'static str),
    /// The stream failed.
    Io(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => {
                Self::Eof
            }
            _ => Self::Io(error),
        }
    }
}

/// A line without its end.
#[derive(Debug)]
pub(crate) struct Line {
    pub bytes: Vec<u8>,
    /// It ended with LF alone.
    pub bare_lf: bool,
}

struct Codec {
    inflate: Decompress,
    deflate: Compress,
}

/// One connection's stream.
pub(crate) struct Wire<S> {
    stream: S,
    input: Vec<u8>,
    codec: Option<Codec>,
    sent: u64,
    received: u64,
    plan: FaultPlan,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub fn new(stream: S, plan: &FaultPlan) -> Self {
        Self { stream, input: Vec::new(), codec: None, sent: 0, received: 0, plan: plan.clone() }
    }

    /// Whether the client sent more than has been read: it did not wait.
    pub fn has_more(&self) -> bool {
        !self.input.is_empty()
    }

    /// Waits for octets. Can be dropped while it waits, and nothing is lost.
    pub async fn more(&mut self) -> Result<(), Broken> {
        if self.input.is_empty() { self.fill().await } else { Ok(()) }
    }

    /// The next line. Can be dropped while it waits, and nothing is lost.
    pub async fn line(&mut self) -> Result<Line, Broken> {
        let mut searched = 0;
        loop {
            let found = self.input.iter().skip(searched).position(|byte| *byte == b'\n');
            if let Some(at) = found.map(|at| at + searched) {
                return Ok(self.take_line(at));
            }
            searched = self.input.len();
            if searched > LINE_CAP {
                return Err(Broken::Unreadable("a line without an end"));
            }
            self.fill().await?;
        }
    }

    fn take_line(&mut self, end: usize) -> Line {
        let mut bytes: Vec<u8> = self.input.drain(..=end).collect();
        bytes.pop();
        let bare_lf = bytes.pop_if(|last| *last == b'\r').is_none();
        Line { bytes, bare_lf }
    }

    /// The next `count` octets.
    pub async fn octets(&mut self, count: usize) -> Result<Vec<u8>, Broken> {
        while self.input.len() < count {
            self.fill().await?;
        }
        Ok(self.input.drain(..count).collect())
    }

    async fn fill(&mut self) -> Result<(), Broken> {
        let mut chunk = [0_u8; CHUNK];
        let count = self.stream.read(&mut chunk).await?;
        if count == 0 {
            return Err(Broken::Eof);
        }
        self.received += count as u64;
        if let Some((limit, then)) = self.plan.input_limit()
            && self.received > limit
        {
            return Err(Broken::Cut(then));
        }
        let new = chunk.get(..count).unwrap_or_default();
        match &mut self.codec {
            Some(codec) => inflate(&mut codec.inflate, new, &mut self.input),
            None => {
                self.input.extend_from_slice(new);
                Ok(())
            }
        }
    }

    /// Sends octets.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        match &mut self.codec {
            Some(codec) => {
                let packed = deflate(&mut codec.deflate, bytes)?;
                self.send_raw(&packed).await
            }
            None => self.send_raw(bytes).await,
        }
    }

    async fn send_raw(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let before = self.sent;
        self.sent += bytes.len() as u64;
        if let Some((limit, then)) = self.plan.output_limit()
            && self.sent > limit
        {
            let left = usize::try_from(limit.saturating_sub(before)).unwrap_or(usize::MAX);
            self.stream.write_all(bytes.get(..left).unwrap_or(bytes)).await?;
            self.stream.flush().await?;
            return Err(Broken::Cut(then));
        }
        self.stream.write_all(bytes).await?;
        self.stream.flush().await?;
        Ok(())
    }

    /// From here on both directions are compressed (RFC 4978); what is buffered was sent compressed already.
    pub fn compress(&mut self) -> Result<(), Broken> {
        let mut codec =
            Codec { inflate: Decompress::new(false), deflate: Compress::new(Compression::fast(), false) };
        let early = std::mem::take(&mut self.input);
        inflate(&mut codec.inflate, &early, &mut self.input)?;
        self.codec = Some(codec);
        Ok(())
    }

    /// Reads on until the client goes, and answers nothing.
    pub async fn hang(&mut self) {
        let mut chunk = [0_u8; CHUNK];
        while matches!(self.stream.read(&mut chunk).await, Ok(1..)) {}
    }

    /// Closes the server's side.
    pub async fn close(&mut self) {
        // The client may be gone already, which is what closing is for.
        self.stream.shutdown().await.ok();
    }
}

fn inflate(codec: &mut Decompress, mut input: &[u8], out: &mut Vec<u8>) -> Result<(), Broken> {
    loop {
        out.reserve(CHUNK);
        let (before_in, before_out) = (codec.total_in(), out.len());
        let status = codec
            .decompress_vec(input, out, FlushDecompress::Sync)
            .map_err(|_| Broken::Unreadable("octets that do not inflate"))?;
        let taken = usize::try_from(codec.total_in() - before_in).unwrap_or(usize::MAX);
        input = input.get(taken..).unwrap_or_default();
        let idle = taken == 0 && out.len() == before_out;
        if status == Status::StreamEnd || idle {
            return Ok(());
        }
    }
}

fn deflate(codec: &mut Compress, mut input: &[u8]) -> Result<Vec<u8>, Broken> {
    let mut out = Vec::with_capacity(CHUNK);
    loop {
        out.reserve(CHUNK);
        let before = codec.total_in();
        codec
            .compress_vec(input, &mut out, FlushCompress::Sync)
            .map_err(|_| Broken::Unreadable("octets that do not deflate"))?;
        let taken = usize::try_from(codec.total_in() - before).unwrap_or(usize::MAX);
        input = input.get(taken..).unwrap_or_default();
        if input.is_empty() && out.len() < out.capacity() {
            return Ok(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_deflated_inflates() {
        let mut pack = Compress::new(Compression::fast(), false);
        let mut unpack = Decompress::new(false);
        for size in [0_usize, 1, 100, 70_000, 3] {
            let plain: Vec<u8> = (0..size).map(|n| (n * n % 251) as u8).collect();
            let packed = deflate(&mut pack, &plain).unwrap();
            let mut back = Vec::new();
            for piece in packed.chunks(1_000) {
                inflate(&mut unpack, piece, &mut back).unwrap();
            }
            assert_eq!(back, plain);
        }
    }

    #[tokio::test]
    async fn output_ends_at_the_limit() {
        let (client, server) = tokio::io::duplex(64);
        let plan = FaultPlan::none().cut_output(5, Then::Close);
        let mut wire = Wire::new(server, &plan);
        assert!(wire.send(b"abc").await.is_ok());
        assert!(matches!(wire.send(b"defg").await, Err(Broken::Cut(Then::Close))));
        drop(wire);
        let mut got = Vec::new();
        let mut client = client;
        client.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"abcde");
    }

    #[tokio::test]
    async fn a_bare_lf_is_seen() {
        let (mut client, server) = tokio::io::duplex(64);
        client.write_all(b"one\r\ntwo\nthree").await.unwrap();
        drop(client);
        let mut wire = Wire::new(server, &FaultPlan::none());
        let one = wire.line().await.unwrap();
        let two = wire.line().await.unwrap();
        assert_eq!((one.bytes.as_slice(), one.bare_lf), (&b"one"[..], false));
        assert_eq!((two.bytes.as_slice(), two.bare_lf), (&b"two"[..], true));
        assert!(matches!(wire.line().await, Err(Broken::Eof)));
    }
}
