//! The seam through which connections come in: only from this machine, for the redirect of a consent (RFC 8252, section 7.3).

use std::{fmt, io, net::Ipv4Addr};

use async_trait::async_trait;
use tokio::net::TcpListener;

use crate::Io;

/// Takes connections on a port of 127.0.0.1. The real one is [`LoopbackListener`]; a simulation hands out wires in memory.
#[async_trait]
pub trait Listener: Send + Sync + fmt::Debug {
    /// The port.
    fn port(&self) -> u16;

    /// The next connection. May be dropped and called again without losing one.
    ///
    /// # Errors
    /// As the operating system reports them; the listener goes on.
    async fn accept(&self) -> io::Result<Box<dyn Io>>;
}

/// Listens on a free port of 127.0.0.1 until it is dropped. Never on another address, and never on a port of choice, so that no
/// other program can wait there beforehand.
#[derive(Debug)]
pub struct LoopbackListener {
    listener: TcpListener,
    port: u16,
}

impl LoopbackListener {
    /// Begins to listen.
    ///
    /// # Errors
    /// Where the operating system gives no port.
    pub async fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }
}

#[async_trait]
impl Listener for LoopbackListener {
    fn port(&self) -> u16 {
        self.port
    }

    async fn accept(&self) -> io::Result<Box<dyn Io>> {
        let (stream, _) = self.listener.accept().await?;
        Ok(Box::new(stream))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::{Dialer, Endpoint, TcpDialer};

    #[tokio::test]
    async fn who_dials_the_port_is_heard() {
        let listener = LoopbackListener::bind().await.unwrap();
        let to = Endpoint::new("127.0.0.1", listener.port());
        let (called, taken) = tokio::join!(TcpDialer.dial(&to), listener.accept());
        let (mut called, mut taken) = (called.unwrap(), taken.unwrap());
        called.write_all(b"hello").await.unwrap();
        drop(called);
        let mut heard = String::new();
        taken.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "hello");
    }
}
