//! Where and how an account sends, and how long the server may take. Values alone: nothing is read from anywhere.

use std::{fmt, time::Duration};

use postrider_net::{Endpoint, Limits, Security, Timeouts, TlsConnector};
use postrider_remote::Credential;

/// Where and how an account sends.
#[derive(Clone)]
pub struct SmtpSettings {
    /// The server.
    pub endpoint: Endpoint,
    /// How the connection is secured.
    pub security: Security,
    /// Whether [`Security::None`] may leave this machine.
    pub allow_plaintext: bool,
    /// The login name.
    pub login_name: String,
    /// By what the account logs in.
    pub credential: Credential,
    /// The system's roots and the provider's `ca_file`.
    pub tls: TlsConnector,
    /// How long the server may take until somebody is logged in, and for its good-bye.
    pub timeouts: Timeouts,
    /// How long the server may take afterwards.
    pub patience: Patience,
    /// `line` bounds an answer of the server, `literal` the message that is sent, both in octets.
    pub limits: Limits,
    /// What EHLO says: this machine's name, or an address literal such as `[127.0.0.1]` (RFC 5321, section 4.1.3).
    pub hello: String,
    /// Whether to ask for a notice with the headers alone where a delivery fails later (RFC 3461: `NOTIFY=FAILURE`,
    /// `RET=HDRS`). It is asked only of a server that offers it; without being asked, servers send one as they please.
    pub failure_notices: bool,
}

impl fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpSettings")
            .field("endpoint", &self.endpoint)
            .field("security", &self.security)
            .field("login_name", &self.login_name)
            .field("credential", &self.credential)
            .finish_non_exhaustive()
    }
}

/// How long a transaction's steps may take. Giving up too early on the last of them is how a message goes out twice, so the
/// defaults are the least that RFC 5321, section 4.5.3.2, wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Until MAIL is answered, or one RCPT; and for the server to take what of them is sent together.
    pub command: Duration,
    /// Until DATA is answered.
    pub data: Duration,
    /// For the server to take a block of the message.
    pub block: Duration,
    /// Until the final dot is answered.
    pub end: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            command: Duration::from_secs(5 * 60),
            data: Duration::from_secs(2 * 60),
            block: Duration::from_secs(3 * 60),
            end: Duration::from_secs(10 * 60),
        }
    }
}
