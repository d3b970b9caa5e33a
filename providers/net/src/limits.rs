//! How much a server may send and how long it may take. All octets are counted after decompression, so that a small
//! compressed answer cannot grow beyond them.

use std::time::Duration;

/// How much a server may send at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest line, in octets. A longer one ends the connection.
    pub line: usize,
    /// The largest literal (a message) that is kept, in octets. A larger one is read past and reported.
    pub literal: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line: 1 << 20, literal: 256 << 20 }
    }
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Finding the address and opening the connection.
    pub connect: Duration,
    /// The TLS handshake.
    pub handshake: Duration,
    /// From the open connection to the end of the login.
    pub login: Duration,
    /// Between two octets from the server while an answer is awaited, and for the server to take what is sent.
    pub idle: Duration,
    /// For the server to say good-bye.
    pub logout: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            handshake: Duration::from_secs(20),
            login: Duration::from_secs(30),
            idle: Duration::from_secs(60),
            logout: Duration::from_secs(2),
        }
    }
}
