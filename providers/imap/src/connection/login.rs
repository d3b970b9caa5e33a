//! Logging in.
//!
//! | with | by |
//! |---|---|
//! | a password | AUTHENTICATE PLAIN where it is offered (RFC 4616), else LOGIN |
//! | an access token | AUTHENTICATE OAUTHBEARER where it is offered (RFC 7628), else XOAUTH2 (<https://developers.google.com/gmail/imap/xoauth2-protocol>) |
//!
//! AUTHENTICATE takes one round trip where the server lets it (SASL-IR, RFC 4959). Passwords and tokens leave their wrappers here
//! and in no other place. No command and no answer of the login is traced.

use base64::{Engine, engine::general_purpose::STANDARD};
use postrider_model::{ErrorClass, Fault};
use postrider_net::{Endpoint, redact};
use secrecy::{ExposeSecret, SecretString};

use super::{Connection, Event};
use crate::{
    codec::{
        command::Command,
        status::{Status, StatusKind},
    },
    fault::{During, Failure, refused},
    settings::ImapSettings,
};

/// The longest response that is sent with the command itself: servers take lines of 8,192 octets (RFC 7162, section 4).
const INITIAL_RESPONSE: usize = 8_000;

/// What proves who we are, on one connection.
#[derive(Clone, Copy)]
pub(super) enum Proof<'a> {
    /// A password.
    Password(&'a SecretString),
    /// An access token.
    Token(&'a SecretString),
}

impl Proof<'_> {
    fn expose(&self) -> &str {
        match self {
            Self::Password(secret) | Self::Token(secret) => secret.expose_secret(),
        }
    }
}

/// A login that is about to be sent.
struct Login {
    command: Command,
    /// Its secret as it goes over the wire.
    encoded: String,
    /// What is answered to the challenge in which a server says why it refuses a token, so that it can end the command.
    last_word: Option<&'static str>,
}

impl Connection {
    pub(super) async fn log_in(&mut self, settings: &ImapSettings, proof: Proof<'_>) -> Result<(), Failure> {
        if self.capabilities.is_empty() {
            self.ask_capabilities().await?;
        }
        let action = format!("log in to {}", self.server);
        let Login { command, encoded, last_word } = match proof {
            Proof::Password(_) => self.by_password(&action, settings, proof.expose())?,
            Proof::Token(_) => self.by_token(&action, settings, proof.expose())?,
        };
        let secrets = [proof.expose(), &encoded];
        // Capabilities may be others once somebody is logged in (RFC 3501, section 6.2).
        self.capabilities.clear();
        let status = self.authenticate(command, last_word).await.map_err(|mut failure| {
            failure.fault.cause = redact::answer(failure.fault.cause.as_bytes(), &secrets);
            failure
        })?;
        if status.kind == StatusKind::Ok {
            return Ok(());
        }
        let fault = refused(&action, &status, During::Login, &secrets);
        Err(Failure::lost(match (proof, fault.class) {
            (Proof::Token(_), ErrorClass::Login) => fault.hint(
                "log in to the account again; some providers want IMAP to be switched on in their settings",
            ),
            _ => fault,
        }))
    }

    async fn authenticate(
        &mut self,
        command: Command,
        mut last_word: Option<&'static str>,
    ) -> Result<Status, Failure> {
        self.send(&[command], &mut |_, _| ()).await?;
        loop {
            match self.next().await? {
                Event::Data(_) => {}
                Event::Done(_, status) => return Ok(status),
                Event::Continue => match last_word.take() {
                    Some(word) => self.write(format!("{word}\r\n").as_bytes()).await?,
                    None => return Err(self.garbage("a continuation that nobody asked for")),
                },
            }
        }
    }

    fn by_password(&self, action: &str, settings: &ImapSettings, password: &str) -> Result<Login, Failure> {
        let encoded = STANDARD.encode(format!("\0{}\0{password}", settings.login_name));
        if self.has("AUTH=PLAIN") {
            let command = self.sasl(action, "PLAIN", &encoded);
            return Ok(Login { command, encoded, last_word: None });
        }
        if self.has("LOGINDISABLED") {
            let cause = "the server takes no password on this connection (LOGINDISABLED)";
            return Err(Failure::lost(
                Fault::new(ErrorClass::Config, action, cause)
                    .hint("set `security` to `tls` or `starttls` in the provider's file; if it is, the server wants another `auth`"),
            ));
        }
        let literals = self.literals();
        let command = Command::new(action, "LOGIN ")
            .secret()
            .string(settings.login_name.as_bytes(), literals, false)
            .text(" ")
            .string(password.as_bytes(), literals, false);
        Ok(Login { command, encoded, last_word: None })
    }

    fn by_token(&self, action: &str, settings: &ImapSettings, token: &str) -> Result<Login, Failure> {
        let user = &settings.login_name;
        let (mechanism, response, last_word) = if self.has("AUTH=OAUTHBEARER") {
            // A lone control-A ends the exchange (RFC 7628, section 3.2.3).
            ("OAUTHBEARER", oauth_bearer(user, &settings.endpoint, token), "AQ==")
        } else if self.has("AUTH=XOAUTH2") {
            ("XOAUTH2", format!("user={user}\x01auth=Bearer {token}\x01\x01"), "")
        } else {
            let cause =
                "the server takes no access tokens on this connection (neither OAUTHBEARER nor XOAUTH2)";
            return Err(Failure::lost(
                Fault::new(ErrorClass::Config, action, cause)
                    .hint("look at `auth` and `security` in the provider's file"),
            ));
        };
        let encoded = STANDARD.encode(response);
        Ok(Login { command: self.sasl(action, mechanism, &encoded), encoded, last_word: Some(last_word) })
    }

    fn sasl(&self, action: &str, mechanism: &str, response: &str) -> Command {
        let command = Command::new(action, &format!("AUTHENTICATE {mechanism}")).secret();
        match self.has("SASL-IR") && response.len() <= INITIAL_RESPONSE {
            true => command.text(&format!(" {response}")),
            false => command.then(response),
        }
    }
}

/// The client's response (RFC 7628, section 3.1); the name as RFC 5801, section 4, writes it.
fn oauth_bearer(user: &str, server: &Endpoint, token: &str) -> String {
    let user = user.replace('=', "=3D").replace(',', "=2C");
    format!("n,a={user},\x01host={}\x01port={}\x01auth=Bearer {token}\x01\x01", server.host, server.port)
}
