//! The seam through which every connection of every provider is made.

use std::{fmt, io};

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};

/// A stream of bytes in both directions.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A server's address: host name or IP address, and port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// A DNS name or an IP address, without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl Endpoint {
    /// From its parts.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }
}

/// `imap.example.com:993`, `[::1]:993`.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// Makes connections. The real one dials TCP; a simulation hands out wires in memory.
#[async_trait]
pub trait Dialer: Send + Sync + fmt::Debug {
    /// Opens a plain connection. The caller sets the time-out; TLS is put on top by the caller too.
    ///
    /// # Errors
    /// As the operating system reports them; an unknown host is `io::ErrorKind::NotFound`.
    async fn dial(&self, to: &Endpoint) -> io::Result<Box<dyn Io>>;
}
