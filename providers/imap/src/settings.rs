//! What an account's mail is reached by.

use std::fmt;

use postrider_net::{Endpoint, Limits, Security, Timeouts, TlsConnector};
use postrider_remote::Credential;

/// What this client calls itself (ID, RFC 2971). Nothing about machine or person is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientName {
    /// The program's name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Where and how to log in, and what the server may do.
#[derive(Clone)]
pub struct ImapSettings {
    /// The server.
    pub endpoint: Endpoint,
    /// How the connection is secured.
    pub security: Security,
    /// Whether [`Security::None`] may leave this machine.
    pub allow_plaintext: bool,
    /// The login name.
    pub login_name: String,
    /// By what it logs in.
    pub credential: Credential,
    /// The system's roots and the provider's `ca_file`. Shared between accounts, it is held once.
    pub tls: TlsConnector,
    /// How much the server may send.
    pub limits: Limits,
    /// How long the server may take.
    pub timeouts: Timeouts,
    /// How many connections at most at the same time; 0 counts as 1.
    pub max_connections: usize,
    /// How many connections a watch may hold besides, one for each folder (a server with NOTIFY needs one for all); 0 counts as 1.
    pub max_watches: usize,
    /// What this client calls itself.
    pub client: ClientName,
    /// Whether to use COMPRESS=DEFLATE where the server has it, from the first folder that is opened on. It pays where the
    /// network is slower than about 30 MB a second.
    pub compress: bool,
}

impl ImapSettings {
    /// How many connections a watch holds where nobody says otherwise.
    pub const WATCHES: usize = 3;
}

impl fmt::Debug for ImapSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImapSettings")
            .field("endpoint", &self.endpoint)
            .field("security", &self.security)
            .field("login_name", &self.login_name)
            .finish_non_exhaustive()
    }
}
