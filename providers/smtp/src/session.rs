//! A conversation with a server before and after its business: greeting, EHLO, STARTTLS, good-bye. Who logs in, and what is
//! sent, is told elsewhere.

use std::time::Duration;

use postrider_model::{ErrorClass, Fault};
use postrider_net::{Connector, Io, redact};
use tokio::time::timeout;

use crate::{
    SmtpSettings,
    extensions::Extensions,
    fault::{During, broken, refused},
    reply::{Reply, Wire, WireError},
};

/// A line that came with an answer that was awaited, and was asked for by nothing.
const UNASKED: WireError = WireError::Garbage("more came than was asked for");

/// A conversation.
pub(crate) struct Session<'a> {
    pub(crate) settings: &'a SmtpSettings,
    /// What the server can.
    pub(crate) offers: Extensions,
    pub(crate) wire: Wire,
    /// Whether the server still knows what comes next, so that a good-bye makes sense.
    in_order: bool,
}

impl<'a> Session<'a> {
    pub(crate) fn new(settings: &'a SmtpSettings, io: Box<dyn Io>) -> Self {
        let wire = Wire::new(io, settings.limits.line);
        Self { settings, offers: Extensions::default(), wire, in_order: true }
    }

    /// `send by smtp.example.com:587`.
    pub(crate) fn action(&self, what: &str, preposition: &str) -> String {
        format!("{what} {preposition} {}", self.settings.endpoint)
    }

    /// Nothing more is said on this connection.
    pub(crate) const fn give_up(&mut self) {
        self.in_order = false;
    }

    pub(crate) async fn greeting(&mut self) -> Result<(), Fault> {
        let action = self.action("connect", "to");
        let reply =
            self.reply(self.settings.timeouts.idle).await.map_err(|why| broken(action.clone(), &why))?;
        if reply.is_done() { Ok(()) } else { Err(refused(action, &reply, During::Other, &[])) }
    }

    /// EHLO, and HELO where the server does not know it (RFC 5321, section 3.2): then it offers nothing.
    pub(crate) async fn hello(&mut self) -> Result<(), Fault> {
        let hello = &self.settings.hello;
        let action = self.action("introduce ourselves", "to");
        if hello.is_empty() || !hello.bytes().all(|octet| octet.is_ascii_graphic()) {
            let cause = format!("\"{}\" is no name of a machine", redact::printable(hello.as_bytes()));
            return Err(Fault::new(ErrorClass::Config, action, cause));
        }
        let reply = self.exchange(&format!("EHLO {hello}"), self.settings.timeouts.idle).await;
        let reply = reply.map_err(|why| broken(action.clone(), &why))?;
        if reply.is_done() {
            self.offers = Extensions::from_reply(&reply.lines);
            return Ok(());
        }
        if !matches!(reply.code, 500 | 502 | 504) {
            return Err(refused(action, &reply, During::Other, &[]));
        }
        self.offers = Extensions::default();
        self.command("introduce ourselves", &format!("HELO {hello}")).await.map(drop)
    }

    /// TLS on the same connection. What was told before it is forgotten (RFC 3207, section 4.2).
    pub(crate) async fn start_tls(mut self, connector: &Connector) -> Result<Self, Fault> {
        if !self.offers.has("STARTTLS") {
            return Err(self.insecure("the server does not offer STARTTLS"));
        }
        let action = self.action("start TLS", "with");
        let answer = self.talk("STARTTLS", self.settings.timeouts.idle).await;
        let reply = answer.map_err(|why| broken(action.clone(), &why))?;
        if !reply.is_done() {
            return Err(refused(action, &reply, During::Other, &[]));
        }
        let injected = self.insecure(
            "octets came behind the answer to STARTTLS, before TLS, as an attacker would send them",
        );
        let io = self.wire.into_io().ok_or(injected)?;
        let io = connector.secure(&self.settings.endpoint, io).await?;
        let mut secured = Self::new(self.settings, io);
        secured.hello().await?;
        Ok(secured)
    }

    fn insecure(&self, cause: &str) -> Fault {
        Fault::new(ErrorClass::Permanent, self.action("start TLS", "with"), cause)
            .hint("use `security = \"tls\"` with its port (465) for `[smtp]` in the provider's file, or another network")
    }

    /// A command that is to succeed.
    pub(crate) async fn command(&mut self, what: &str, line: &str) -> Result<Reply, Fault> {
        let action = self.action(what, "on");
        let reply = self.exchange(line, self.settings.timeouts.idle).await;
        let reply = reply.map_err(|why| broken(action.clone(), &why))?;
        if reply.is_done() { Ok(reply) } else { Err(refused(action, &reply, During::Other, &[])) }
    }

    /// Sends a line and reads its answer, behind which nothing may have come.
    pub(crate) async fn exchange(&mut self, line: &str, patience: Duration) -> Result<Reply, WireError> {
        let reply = self.talk(line, patience).await?;
        if self.wire.has_unread() {
            self.give_up();
            return Err(UNASKED);
        }
        Ok(reply)
    }

    async fn talk(&mut self, line: &str, patience: Duration) -> Result<Reply, WireError> {
        self.send(format!("{line}\r\n").as_bytes(), patience).await?;
        self.reply(patience).await
    }

    /// Sends octets as they are.
    pub(crate) async fn send(&mut self, octets: &[u8], patience: Duration) -> Result<(), WireError> {
        let outcome = self.wire.send(octets, patience).await;
        self.in_order &= outcome.is_ok();
        outcome
    }

    /// Reads an answer.
    pub(crate) async fn reply(&mut self, patience: Duration) -> Result<Reply, WireError> {
        let outcome = self.wire.reply(patience).await;
        // 421 is the server's own good-bye (RFC 5321, section 3.8).
        self.in_order &= outcome.as_ref().is_ok_and(|reply| reply.code != 421);
        outcome
    }

    /// Says good-bye, where there is still somebody to say it to. What becomes of it does not matter.
    pub(crate) async fn quit(mut self) {
        if !self.in_order {
            return;
        }
        let patience = self.settings.timeouts.logout;
        if !matches!(timeout(patience, self.talk("QUIT", patience)).await, Ok(Ok(_))) {
            tracing::debug!(server = %self.settings.endpoint, "the server did not say good-bye");
        }
    }
}
