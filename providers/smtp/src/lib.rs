//! SMTP (RFC 5321): for now the trial of an account (F1.8), which logs in and sends nothing.
//!
//! | module | holds |
//! |---|---|
//! | `reply` | a server's replies, bounded |
//! | `session` | greeting, EHLO, STARTTLS (RFC 3207), AUTH PLAIN and LOGIN (RFC 4954), NOOP, QUIT |
//! | `fault` | each refusal as a classed fault |
//!
//! Rules of the crate:
//! - A trial never says MAIL.
//! - The password is exposed in `session` alone and shown nowhere (I11).
//! - Octets that came before TLS are an error, never read after it.
//!
//! The conversation of a trial is five commands long and is held here over the same dialer, TLS, limits and words for
//! failures as IMAP's. lettre, which composes and sends, brings a TLS and error texts of its own that tell less.

mod fault;
mod reply;
mod session;

use std::{fmt, sync::Arc};

use postrider_model::{ErrorClass, Fault};
use postrider_net::{
    Connector, Dialer, Endpoint, Security, Timeouts, TlsConnector, connector::check_plaintext,
};
use secrecy::SecretString;
use tokio::time::timeout;

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
    /// The password.
    pub password: SecretString,
    /// The system's roots and the provider's `ca_file`.
    pub tls: TlsConnector,
    /// How long the server may take.
    pub timeouts: Timeouts,
    /// What EHLO says: this machine's name, or an address literal such as `[127.0.0.1]` (RFC 5321, section 4.1.3).
    pub hello: String,
}

impl fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpSettings")
            .field("endpoint", &self.endpoint)
            .field("security", &self.security)
            .field("login_name", &self.login_name)
            .finish_non_exhaustive()
    }
}

/// What a trial found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// What the server can (EHLO), one extension a line, in capitals: `SIZE 52428800`, `8BITMIME`.
    pub extensions: Vec<String>,
}

/// Connects, logs in, does nothing, and says good-bye.
///
/// # Errors
/// Whatever keeps from it: connection, certificate, login, each classed and with what to do.
pub async fn trial(settings: &SmtpSettings, dialer: Arc<dyn Dialer>) -> Result<Trial, Fault> {
    let to = &settings.endpoint;
    check_plaintext(to, settings.security, settings.allow_plaintext)?;
    let connector = Connector::new(dialer, settings.tls.clone(), settings.timeouts);
    let io = connector.open(to, settings.security).await?;
    match timeout(settings.timeouts.login, session::run(settings, &connector, io)).await {
        Ok(outcome) => outcome,
        Err(_) => {
            let cause =
                format!("the server did not finish the login within {} s", settings.timeouts.login.as_secs());
            Err(Fault::new(ErrorClass::Transient, format!("log in to {to}"), cause)
                .hint("check `port` and `security` of `[smtp]` in the provider's file: a port for TLS says nothing without it"))
        }
    }
}

#[cfg(test)]
mod tests;
