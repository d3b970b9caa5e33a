//! From nothing to a connection that is logged in: dialling, greeting, STARTTLS.

use postrider_model::{ErrorClass, Fault};
use postrider_net::{Connector, Security};
use postrider_remote::Credential;
use tokio::time::timeout;

use super::{Connection, done, login::Proof};
use crate::{
    codec::{
        command::Command,
        response::Data,
        status::{Status, StatusKind},
        stream::Stream,
    },
    connection::Event,
    fault::{During, Failure},
    settings::ImapSettings,
};

const NO_IMAP: &str =
    "check `host`, `port` and `security` in the provider's file: what answers there is no IMAP server";

impl Connection {
    /// Dials, secures and logs in. An access token that the server refuses is replaced once, and the login begun anew.
    ///
    /// # Errors
    /// Each of these steps, in words.
    pub(crate) async fn open(settings: &ImapSettings, connector: &Connector) -> Result<Self, Failure> {
        let tokens = match &settings.credential {
            Credential::Password(password) => {
                return Self::open_with(settings, connector, Proof::Password(password)).await;
            }
            Credential::Tokens(tokens) => tokens,
        };
        // Before the dialling, since a renewal may take longer than a server waits for a login.
        let token = tokens.token().await.map_err(Failure::lost)?;
        match Self::open_with(settings, connector, Proof::Token(&token)).await {
            Err(refusal) if refusal.fault.class == ErrorClass::Login => {
                tracing::debug!(why = %refusal.fault, "another access token is asked for");
                let token = tokens.after_refusal(&token).await.map_err(Failure::lost)?;
                Self::open_with(settings, connector, Proof::Token(&token)).await
            }
            opened => opened,
        }
    }

    async fn open_with(
        settings: &ImapSettings,
        connector: &Connector,
        proof: Proof<'_>,
    ) -> Result<Self, Failure> {
        let to = &settings.endpoint;
        postrider_net::connector::check_plaintext(to, settings.security, settings.allow_plaintext)
            .map_err(Failure::lost)?;
        let io = connector.open(to, settings.security).await.map_err(Failure::lost)?;
        let connection = Self::new(Stream::new(io, settings.timeouts.idle), to.to_string(), settings.limits);
        let entered = connection.enter(settings, connector, proof);
        match timeout(settings.timeouts.login, entered).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let cause = format!(
                    "the server did not finish the login within {} s",
                    settings.timeouts.login.as_secs()
                );
                let fault = Fault::new(ErrorClass::Transient, format!("log in to {to}"), cause);
                Err(Failure::lost(fault.hint("check `port` and `security` in the provider's file: a port for TLS says nothing without it")))
            }
        }
    }

    async fn enter(
        mut self,
        settings: &ImapSettings,
        connector: &Connector,
        proof: Proof<'_>,
    ) -> Result<Self, Failure> {
        let greeting = self.greeting().await?;
        let is_known = greeting.kind == StatusKind::PreAuth;
        if settings.security == Security::StartTls {
            if is_known {
                return Err(self.insecure("the server logged us in before TLS could be started (PREAUTH), as an attacker would make it do"));
            }
            self = self.start_tls(settings, connector).await?;
        }
        if !is_known {
            self.log_in(settings, proof).await?;
        }
        if self.capabilities.is_empty() {
            self.ask_capabilities().await?;
        }
        self.is_traced = true;
        Ok(self)
    }

    async fn greeting(&mut self) -> Result<Status, Failure> {
        let action = format!("connect to {}", self.server);
        let greeted = match self.next().await {
            Ok(Event::Data(Data::Status(status)))
                if status.kind != StatusKind::Bad && status.kind != StatusKind::No =>
            {
                Ok(status)
            }
            Ok(_) => Err(Failure::garbage(action, "it is not an IMAP greeting")),
            Err(mut failure) => {
                failure.fault.action = action;
                Err(failure)
            }
        };
        greeted.map_err(|failure| match failure.is_garbage() {
            true => Failure { fault: failure.fault.hint(NO_IMAP), ..failure },
            false => failure,
        })
    }

    async fn start_tls(mut self, settings: &ImapSettings, connector: &Connector) -> Result<Self, Failure> {
        if self.capabilities.is_empty() {
            self.ask_capabilities().await?;
        }
        if !self.has("STARTTLS") {
            return Err(self.insecure("the server does not offer STARTTLS"));
        }
        let command = Command::new(format!("start TLS with {}", self.server), "STARTTLS");
        let statuses = self.run(std::slice::from_ref(&command), &mut |_, _| ()).await?;
        for status in &statuses {
            done(&command.action, status, During::Command)?;
        }
        let (server, limits) = (self.server.clone(), self.limits);
        let injected = self.insecure(
            "octets came behind the answer to STARTTLS, before TLS, as an attacker would send them",
        );
        let io = self.stream.into_io().ok_or(injected)?;
        let io = connector.secure(&settings.endpoint, io).await.map_err(Failure::lost)?;
        // What was told before TLS is forgotten (RFC 3501, section 6.2.1).
        Ok(Self::new(Stream::new(io, settings.timeouts.idle), server, limits))
    }

    fn insecure(&self, cause: &str) -> Failure {
        let fault = Fault::new(ErrorClass::Permanent, format!("start TLS with {}", self.server), cause);
        Failure::lost(
            fault.hint(
                "use `security = \"tls\"` with its port (993) in the provider's file, or another network",
            ),
        )
    }

    pub(super) async fn ask_capabilities(&mut self) -> Result<(), Failure> {
        let command = [Command::new(self.action("ask for capabilities"), "CAPABILITY")];
        self.run_all(&command, &mut |_, _| ()).await?;
        match self.capabilities.is_empty() {
            true => Err(self.garbage("no capabilities")),
            false => Ok(()),
        }
    }
}
