//! SMTP (RFC 5321) as a mail program speaks it to its provider (RFC 6409): sending a message, and the trial of an account
//! (F1.8, F2.6).
//!
//! | module | holds |
//! |---|---|
//! | `settings` | where and how an account sends, and how long the server may take |
//! | `envelope` | who sends and who receives, checked and as the wire has it |
//! | `message` | what of a message must not go out, what it needs of the server, its octets between DATA and the dot |
//! | `reply` | a server's replies, bounded; the wire |
//! | `extensions` | what EHLO told |
//! | `session` | greeting, EHLO, STARTTLS (RFC 3207), QUIT |
//! | `login` | AUTH PLAIN, LOGIN, OAUTHBEARER, XOAUTH2 (RFC 4954) |
//! | `transaction` | MAIL, RCPT, DATA |
//! | `fault` | each refusal as a classed fault |
//!
//! Rules of the crate:
//! - What is wrong with envelope or message is found before anything is dialled.
//! - A failed [`send`] says whether the server may have the message ([`Reach`]). Nothing is ever sent a second time here.
//! - A trial never says MAIL.
//! - Passwords and tokens are exposed in `login` alone and shown nowhere (I11).
//! - Octets that nobody asked for are an error, before TLS and after it.
//!
//! **Why not lettre.** Its transaction fails as a whole where one recipient of several is refused, it asks for no delivery
//! notices, and its credentials are fixed when its transport is made, while access tokens change. Above all an outbox must
//! know whether the final dot went out before a connection broke, which it does not tell. The conversation is short, and is
//! held here over the same dialer, TLS, limits and words for failures as IMAP's.

mod envelope;
mod extensions;
mod fault;
mod login;
mod message;
mod reply;
mod session;
mod settings;
mod transaction;

use std::{fmt, sync::Arc};

use postrider_model::Fault;
use postrider_net::{Connector, Dialer, connector::check_plaintext};
use postrider_remote::Reach;

pub use envelope::Envelope;
pub use settings::{Patience, SmtpSettings};

/// What a trial found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// What the server can (EHLO), one extension a line, in capitals: `SIZE 52428800`, `8BITMIME`.
    pub extensions: Vec<String>,
}

/// The server took the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The recipients to whom it will deliver, as they were given.
    pub accepted: Vec<String>,
    /// The recipients whom it refused, each with the reason: of class `Transient` or `Throttled` where the same may succeed
    /// later in a transaction of its own, `Permanent` where it will not.
    pub refused: Vec<(String, Fault)>,
    /// What it said to the message, made printable; most name the message in their queue here.
    pub reply: String,
}

/// The message was not sent, or nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendFault {
    /// Why.
    pub fault: Fault,
    /// [`Reach::NotDone`]: the server surely has not taken the message. [`Reach::Unknown`]: all of it was sent, the final dot
    /// included, and the server's answer never came.
    pub reach: Reach,
    /// Each recipient's own reason, where all of them were refused; else empty.
    pub refused: Vec<(String, Fault)>,
}

impl SendFault {
    const fn not_done(fault: Fault) -> Self {
        Self { fault, reach: Reach::NotDone, refused: Vec::new() }
    }

    const fn unknown(fault: Fault) -> Self {
        Self { fault, reach: Reach::Unknown, refused: Vec::new() }
    }
}

impl fmt::Display for SendFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl std::error::Error for SendFault {}

/// Sends a message to all recipients of the envelope, in one transaction over a connection of its own. Where the server
/// refuses some recipients, the others get it. A call that is dropped may have sent it.
///
/// The message is sent octet for octet; a line end is added where its last line has none. It has to be lines of at most 998
/// octets that end in CR LF (RFC 5322, section 2.1.1), and must carry no Bcc field.
///
/// # Errors
/// With how far it came. Of class `Permanent` where the same would fail again: a message or an address that cannot go out, a
/// server that says 5xx, or one that does not offer what the message needs (SIZE, 8BITMIME, SMTPUTF8).
pub async fn send(
    settings: &SmtpSettings,
    dialer: Arc<dyn Dialer>,
    envelope: &Envelope,
    message: &[u8],
) -> Result<Sent, SendFault> {
    let outgoing = check(settings, envelope, message).map_err(SendFault::not_done)?;
    let connector = Connector::new(dialer, settings.tls.clone(), settings.timeouts);
    let mut session = login::open(settings, &connector).await.map_err(SendFault::not_done)?;
    let outcome = transaction::run(&mut session, &outgoing).await;
    session.quit().await;
    outcome
}

/// Connects, logs in, does nothing, and says good-bye.
///
/// # Errors
/// Whatever keeps from it: connection, certificate, login, each classed and with what to do.
pub async fn trial(settings: &SmtpSettings, dialer: Arc<dyn Dialer>) -> Result<Trial, Fault> {
    check_plaintext(&settings.endpoint, settings.security, settings.allow_plaintext)?;
    let connector = Connector::new(dialer, settings.tls.clone(), settings.timeouts);
    let mut session = login::open(settings, &connector).await?;
    session.command("do nothing", "NOOP").await?;
    let extensions = session.offers.lines().to_vec();
    // The trial succeeded: what becomes of the good-bye does not matter.
    session.quit().await;
    Ok(Trial { extensions })
}

/// All that can be said without the server.
fn check<'m>(
    settings: &SmtpSettings,
    envelope: &Envelope,
    message: &'m [u8],
) -> Result<transaction::Outgoing<'m>, Fault> {
    check_plaintext(&settings.endpoint, settings.security, settings.allow_plaintext)?;
    let paths = envelope.paths()?;
    let needs = message::examine(message, settings.limits.literal)?;
    Ok(transaction::Outgoing { paths, needs, message })
}

#[cfg(test)]
mod tests;
