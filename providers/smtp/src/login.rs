//! From a dialled connection to one on which somebody is logged in (RFC 4954): AUTH PLAIN (RFC 4616) or LOGIN with a password,
//! OAUTHBEARER (RFC 7628) or XOAUTH2 (<https://developers.google.com/workspace/gmail/imap/xoauth2-protocol>) with an access
//! token, which is renewed once where the server refuses it.
//!
//! Passwords and tokens leave their wrappers here and in no other place. No command and no answer of the login is traced.

use base64::{Engine, engine::general_purpose::STANDARD};
use postrider_model::{ErrorClass, Fault};
use postrider_net::{Connector, Security};
use postrider_remote::Credential;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use crate::{
    SmtpSettings,
    fault::{During, broken, refused},
    session::Session,
};

/// What is shown to the server.
#[derive(Clone, Copy)]
enum Key<'k> {
    Password(&'k SecretString),
    Token(&'k SecretString),
}

impl Key<'_> {
    const fn during(self) -> During {
        match self {
            Self::Password(_) => During::Login,
            Self::Token(_) => During::TokenLogin,
        }
    }
}

/// What of a login goes over the wire, all of it secret: the command, then a line for each time that the server wants more.
struct Dialogue {
    lines: Vec<String>,
    /// What is to be hidden where the server repeats it.
    secrets: Vec<String>,
    /// The answer to a challenge that tells an error, upon which the server says no (RFC 7628, section 3.2.3).
    on_error: Option<&'static str>,
}

/// Connects and logs in. A token that is refused is renewed and tried once more, on a new connection, since servers differ in
/// what they let happen on the old one.
pub(crate) async fn open<'a>(
    settings: &'a SmtpSettings,
    connector: &Connector,
) -> Result<Session<'a>, Fault> {
    match &settings.credential {
        Credential::Password(password) => attempt(settings, connector, Key::Password(password)).await,
        Credential::Tokens(tokens) => {
            let token = tokens.token().await?;
            match attempt(settings, connector, Key::Token(&token)).await {
                Err(fault) if fault.class == ErrorClass::Login => {
                    let other = tokens.after_refusal(&token).await?;
                    attempt(settings, connector, Key::Token(&other)).await
                }
                outcome => outcome,
            }
        }
    }
}

async fn attempt<'a>(
    settings: &'a SmtpSettings,
    connector: &Connector,
    key: Key<'_>,
) -> Result<Session<'a>, Fault> {
    let to = &settings.endpoint;
    let io = connector.open(to, settings.security).await?;
    let conversation = async {
        let mut session = Session::new(settings, io);
        session.greeting().await?;
        session.hello().await?;
        if settings.security == Security::StartTls {
            session = session.start_tls(connector).await?;
        }
        log_in(&mut session, key).await?;
        Ok(session)
    };
    match timeout(settings.timeouts.login, conversation).await {
        Ok(outcome) => outcome,
        Err(_) => {
            let cause =
                format!("the server did not finish the login within {} s", settings.timeouts.login.as_secs());
            Err(Fault::new(ErrorClass::Transient, format!("log in to {to}"), cause)
                .hint("check `port` and `security` of `[smtp]` in the provider's file: a port for TLS says nothing without it"))
        }
    }
}

async fn log_in(session: &mut Session<'_>, key: Key<'_>) -> Result<(), Fault> {
    let action = session.action("log in", "to");
    let Some(dialogue) = dialogue(session, key) else {
        return Err(not_offered(action, key));
    };
    let patience = session.settings.timeouts.idle;
    let lines = dialogue.lines.iter().map(String::as_str).chain(dialogue.on_error);
    let secrets: Vec<&str> = dialogue.secrets.iter().map(String::as_str).collect();
    for line in lines {
        let reply = session.exchange(line, patience).await.map_err(|why| broken(action.clone(), &why))?;
        if reply.is_done() {
            return Ok(());
        }
        if !reply.wants_more() {
            return Err(refused(action, &reply, key.during(), &secrets));
        }
    }
    session.give_up();
    let cause = "the server's answer makes no sense: it wants more than the way of logging in has";
    Err(Fault::new(ErrorClass::Transient, action, cause))
}

/// The best way to log in that the server offers.
fn dialogue(session: &Session<'_>, key: Key<'_>) -> Option<Dialogue> {
    let SmtpSettings { login_name, endpoint, .. } = session.settings;
    let offers = |mechanism: &str| session.offers.takes(mechanism);
    match key {
        Key::Password(password) if offers("PLAIN") => Some(plain(login_name, password.expose_secret())),
        Key::Password(password) if offers("LOGIN") => Some(login(login_name, password.expose_secret())),
        Key::Token(token) if offers("OAUTHBEARER") => {
            let token = token.expose_secret();
            let name = login_name.replace('=', "=3D").replace(',', "=2C");
            let (host, port) = (&endpoint.host, endpoint.port);
            let response =
                format!("n,a={name},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01");
            Some(bearer("OAUTHBEARER", &response, token, "AQ=="))
        }
        Key::Token(token) if offers("XOAUTH2") => {
            let token = token.expose_secret();
            let response = format!("user={login_name}\x01auth=Bearer {token}\x01\x01");
            Some(bearer("XOAUTH2", &response, token, ""))
        }
        Key::Password(_) | Key::Token(_) => None,
    }
}

fn plain(name: &str, password: &str) -> Dialogue {
    let response = STANDARD.encode(format!("\0{name}\0{password}"));
    let secrets = vec![password.to_owned(), STANDARD.encode(password), response.clone()];
    Dialogue { lines: vec![format!("AUTH PLAIN {response}")], secrets, on_error: None }
}

/// <https://datatracker.ietf.org/doc/html/draft-murchison-sasl-login-00>: what the server asks for is not looked at, since
/// every server words it in its own way and all ask in this order.
fn login(name: &str, password: &str) -> Dialogue {
    let encoded = STANDARD.encode(password);
    let secrets = vec![password.to_owned(), encoded.clone()];
    Dialogue { lines: vec!["AUTH LOGIN".to_owned(), STANDARD.encode(name), encoded], secrets, on_error: None }
}

fn bearer(mechanism: &str, response: &str, token: &str, on_error: &'static str) -> Dialogue {
    let response = STANDARD.encode(response);
    let lines = vec![format!("AUTH {mechanism} {response}")];
    Dialogue { lines, secrets: vec![token.to_owned(), response], on_error: Some(on_error) }
}

fn not_offered(action: String, key: Key<'_>) -> Fault {
    let (cause, hint) = match key {
        Key::Password(_) => (
            "the server takes no password on this connection",
            "set `security` of `[smtp]` to `tls` or `starttls` in the provider's file; if it is, the server wants another `auth`",
        ),
        Key::Token(_) => (
            "the server takes no access tokens on this connection",
            "set `security` of `[smtp]` to `tls` or `starttls` in the provider's file; if it is, the server does not know `auth = \"oauth2\"`",
        ),
    };
    Fault::new(ErrorClass::Config, action, cause).hint(hint)
}
