//! The conversation of a trial.

use base64::{Engine, engine::general_purpose::STANDARD};
use postrider_model::{ErrorClass, Fault};
use postrider_net::{Connector, Io, Security};
use secrecy::ExposeSecret;

use crate::{
    SmtpSettings, Trial,
    fault::{broken, refused},
    reply::{Reply, Wire},
};

struct Session<'a> {
    settings: &'a SmtpSettings,
    wire: Wire,
    extensions: Vec<String>,
}

/// From the greeting to the good-bye.
pub(crate) async fn run(
    settings: &SmtpSettings,
    connector: &Connector,
    io: Box<dyn Io>,
) -> Result<Trial, Fault> {
    let mut session =
        Session { settings, wire: Wire::new(io, settings.timeouts.idle), extensions: Vec::new() };
    session.greeting().await?;
    session.hello().await?;
    if settings.security == Security::StartTls {
        session = session.start_tls(connector).await?;
    }
    session.log_in().await?;
    session.command("do nothing", "NOOP").await?;
    let Session { mut wire, extensions, .. } = session;
    // The trial succeeded: what becomes of the good-bye does not matter.
    if wire.send("QUIT").await.is_ok() && wire.reply().await.is_err() {
        tracing::debug!("the server did not say good-bye");
    }
    Ok(Trial { extensions })
}

impl Session<'_> {
    fn action(&self, what: &str) -> String {
        format!("{what} on {}", self.settings.endpoint)
    }

    async fn greeting(&mut self) -> Result<(), Fault> {
        let action = format!("connect to {}", self.settings.endpoint);
        let reply = self.wire.reply().await.map_err(|why| broken(action.clone(), why))?;
        positive(action, reply).map(drop)
    }

    async fn hello(&mut self) -> Result<(), Fault> {
        let hello = format!("EHLO {}", self.settings.hello);
        let reply = self.command("introduce ourselves", &hello).await?;
        self.extensions = reply.lines.iter().skip(1).map(|line| line.to_ascii_uppercase()).collect();
        Ok(())
    }

    async fn start_tls(mut self, connector: &Connector) -> Result<Self, Fault> {
        if !self.has("STARTTLS") {
            return Err(self.insecure("the server does not offer STARTTLS"));
        }
        self.command("start TLS", "STARTTLS").await?;
        let injected = self.insecure(
            "octets came behind the answer to STARTTLS, before TLS, as an attacker would send them",
        );
        let io = self.wire.into_io().ok_or(injected)?;
        let io = connector.secure(&self.settings.endpoint, io).await?;
        let wire = Wire::new(io, self.settings.timeouts.idle);
        // What was told before TLS is forgotten (RFC 3207, section 4.2).
        let mut secured = Self { settings: self.settings, wire, extensions: Vec::new() };
        secured.hello().await?;
        Ok(secured)
    }

    fn insecure(&self, cause: &str) -> Fault {
        Fault::new(ErrorClass::Permanent, format!("start TLS with {}", self.settings.endpoint), cause)
            .hint("use `security = \"tls\"` with its port (465) for `[smtp]` in the provider's file, or another network")
    }

    async fn log_in(&mut self) -> Result<(), Fault> {
        let action = format!("log in to {}", self.settings.endpoint);
        let name = self.settings.login_name.as_str();
        let password = self.settings.password.expose_secret();
        let encoded = STANDARD.encode(password);
        let token = STANDARD.encode(format!("\0{name}\0{password}"));
        let lines = if self.offers("PLAIN") {
            vec![format!("AUTH PLAIN {token}")]
        } else if self.offers("LOGIN") {
            vec!["AUTH LOGIN".to_owned(), STANDARD.encode(name), encoded.clone()]
        } else {
            let cause = "the server takes no password on this connection";
            return Err(Fault::new(ErrorClass::Config, action, cause)
                .hint("set `security` of `[smtp]` to `tls` or `starttls` in the provider's file; if it is, the server wants another `auth`"));
        };
        for line in lines {
            let reply = self.exchange(&line).await.map_err(|why| broken(action.clone(), why))?;
            if !reply.is_positive() {
                return Err(refused(action, &reply, true, &[password, &encoded, &token]));
            }
        }
        Ok(())
    }

    fn has(&self, extension: &str) -> bool {
        self.extensions.iter().any(|line| line.split(' ').next() == Some(extension))
    }

    /// `AUTH PLAIN LOGIN`, and `AUTH=PLAIN LOGIN` of old servers.
    fn offers(&self, mechanism: &str) -> bool {
        let auth = |line: &&String| line.starts_with("AUTH ") || line.starts_with("AUTH=");
        self.extensions
            .iter()
            .filter(auth)
            .any(|line| line.split([' ', '=']).skip(1).any(|word| word == mechanism))
    }

    async fn command(&mut self, what: &str, line: &str) -> Result<Reply, Fault> {
        let action = self.action(what);
        let reply = self.exchange(line).await.map_err(|why| broken(action.clone(), why))?;
        positive(action, reply)
    }

    async fn exchange(&mut self, line: &str) -> Result<Reply, String> {
        self.wire.send(line).await?;
        self.wire.reply().await
    }
}

fn positive(action: String, reply: Reply) -> Result<Reply, Fault> {
    match reply.is_positive() {
        true => Ok(reply),
        false => Err(refused(action, &reply, false, &[])),
    }
}
