//! The octets of one connection, line by line. Nothing is interpreted beyond line ends.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// A line longer than this without an end closes the connection.
const LINE_CAP: usize = 64 * 1024 * 1024;
const CHUNK: usize = 16 * 1024;

/// Why there is no more to read or write.
#[derive(Debug)]
pub(super) enum Broken {
    /// The client closed the connection.
    Eof,
    /// A line without an end.
    Endless,
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
pub(super) struct Line {
    pub bytes: Vec<u8>,
    /// It ended with LF alone.
    pub bare_lf: bool,
}

/// One connection's stream.
pub(super) struct Wire<S> {
    stream: S,
    input: Vec<u8>,
    /// Octets of `input` that were given out.
    taken: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, input: Vec::new(), taken: 0 }
    }

    fn unread(&self) -> &[u8] {
        self.input.get(self.taken..).unwrap_or_default()
    }

    /// Whether the client sent more than has been read: it did not wait.
    pub fn has_more(&self) -> bool {
        !self.unread().is_empty()
    }

    /// The next line.
    pub async fn line(&mut self) -> Result<Line, Broken> {
        let mut searched = 0;
        loop {
            let found = self.unread().iter().skip(searched).position(|octet| *octet == b'\n');
            if let Some(at) = found.map(|at| at + searched) {
                let mut bytes = self.unread().get(..at).unwrap_or_default().to_vec();
                self.taken += at + 1;
                let bare_lf = bytes.pop_if(|last| *last == b'\r').is_none();
                return Ok(Line { bytes, bare_lf });
            }
            searched = self.unread().len();
            if searched > LINE_CAP {
                return Err(Broken::Endless);
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Result<(), Broken> {
        self.input.drain(..self.taken);
        self.taken = 0;
        let mut chunk = [0_u8; CHUNK];
        match self.stream.read(&mut chunk).await? {
            0 => Err(Broken::Eof),
            count => {
                self.input.extend_from_slice(chunk.get(..count).unwrap_or_default());
                Ok(())
            }
        }
    }

    /// Reads until so many octets have come, and forgets them.
    pub async fn skip(&mut self, mut octets: u64) -> Result<(), Broken> {
        while octets > 0 {
            if !self.has_more() {
                self.fill().await?;
            }
            let now = usize::try_from(octets).unwrap_or(usize::MAX).min(self.unread().len());
            self.taken += now;
            octets -= now as u64;
        }
        Ok(())
    }

    /// Sends octets.
    pub async fn send(&mut self, octets: &[u8]) -> Result<(), Broken> {
        self.stream.write_all(octets).await?;
        Ok(self.stream.flush().await?)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_told_with_their_ends() {
        let (mut client, side) = tokio::io::duplex(64);
        client.write_all(b"one\r\ntwo\nthr\ree\r\nfour").await.unwrap();
        drop(client);
        let mut wire = Wire::new(side);
        for (bytes, bare_lf) in [(&b"one"[..], false), (b"two", true), (b"thr\ree", false)] {
            let line = wire.line().await.unwrap();
            assert_eq!((line.bytes.as_slice(), line.bare_lf, wire.has_more()), (bytes, bare_lf, true));
        }
        assert!(matches!(wire.line().await, Err(Broken::Eof)));
    }
}
