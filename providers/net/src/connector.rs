//! Dialling and TLS under their time-outs, each failure a classed fault that says what to do.

use std::{io, net::IpAddr, sync::Arc};

use postrider_model::{ErrorClass, Fault};
use tokio::time::timeout;

use crate::{Dialer, Endpoint, Io, Timeouts, TlsConnector, TlsError};

/// How a connection is secured (F1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Security {
    /// TLS from the first octet.
    Tls,
    /// TLS after the protocol's own greeting.
    StartTls,
    /// None: only for loopback, or where a person allowed it.
    None,
}

/// Opens connections.
#[derive(Debug, Clone)]
pub struct Connector {
    dialer: Arc<dyn Dialer>,
    tls: TlsConnector,
    timeouts: Timeouts,
}

impl Connector {
    /// One over that dialer.
    pub const fn new(dialer: Arc<dyn Dialer>, tls: TlsConnector, timeouts: Timeouts) -> Self {
        Self { dialer, tls, timeouts }
    }

    /// Opens a connection; with [`Security::Tls`] TLS is on it, else the protocol goes on from here.
    ///
    /// # Errors
    /// Classed and with a hint: unknown host, refused, not answering, and all of [`TlsError`].
    pub async fn open(&self, to: &Endpoint, security: Security) -> Result<Box<dyn Io>, Fault> {
        let action = format!("connect to {to}");
        let io = match timeout(self.timeouts.connect, self.dialer.dial(to)).await {
            Ok(Ok(io)) => io,
            Ok(Err(why)) => return Err(not_connected(&action, to, &why)),
            Err(_) => {
                return Err(silent(
                    &action,
                    &format!("no answer within {} s", self.timeouts.connect.as_secs()),
                ));
            }
        };
        match security {
            Security::Tls => self.secure(to, io).await,
            Security::StartTls | Security::None => Ok(io),
        }
    }

    /// Puts TLS on an open connection.
    ///
    /// # Errors
    /// All of [`TlsError`], classed and with its hint, and a handshake that takes too long.
    pub async fn secure(&self, to: &Endpoint, io: Box<dyn Io>) -> Result<Box<dyn Io>, Fault> {
        let action = format!("start TLS with {to}");
        match timeout(self.timeouts.handshake, self.tls.connect(&to.host, io)).await {
            Ok(Ok(io)) => Ok(io),
            Ok(Err(why)) => Err(not_secured(&action, &why)),
            Err(_) => {
                let cause = format!(
                    "the server did not finish the handshake within {} s",
                    self.timeouts.handshake.as_secs()
                );
                Err(Fault::new(ErrorClass::Transient, action, cause)
                    .hint("check `port` and `security` in the provider's file"))
            }
        }
    }
}

/// Refuses a connection without TLS to another machine unless a person allowed it (F1.2).
///
/// # Errors
/// With the two ways out as its hint.
pub fn check_plaintext(to: &Endpoint, security: Security, allow_plaintext: bool) -> Result<(), Fault> {
    if security != Security::None || allow_plaintext || is_loopback(&to.host) {
        return Ok(());
    }
    let cause = "`security = \"none\"` would send the password readable to another machine";
    Err(Fault::new(ErrorClass::Config, format!("connect to {to}"), cause)
        .hint("use `tls` or `starttls`, or set `allow_plaintext = true` in the provider's file"))
}

/// Whether that host is this machine by its very name: a literal of the loopback networks, or `localhost` (RFC 6761,
/// section 6.3).
pub fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn not_connected(action: &str, to: &Endpoint, why: &io::Error) -> Fault {
    match why.kind() {
        io::ErrorKind::NotFound => Fault::new(ErrorClass::Transient, action, why.to_string())
            .hint("check `host` in the provider's file, and this machine's network and name server"),
        io::ErrorKind::ConnectionRefused => Fault::new(
            ErrorClass::Transient,
            action,
            format!("nothing accepts connections on port {}", to.port),
        )
        .hint("check `host` and `port` in the provider's file, and whether the server runs"),
        _ => silent(action, &why.to_string()),
    }
}

fn silent(action: &str, cause: &str) -> Fault {
    Fault::new(ErrorClass::Transient, action, cause)
        .hint("check this machine's network, and `host` and `port` in the provider's file")
}

fn not_secured(action: &str, why: &TlsError) -> Fault {
    let class = if why.may_pass() { ErrorClass::Transient } else { ErrorClass::Permanent };
    let fault = Fault::new(class, action, why.to_string());
    match why.hint() {
        Some(hint) => fault.hint(hint),
        None => fault,
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use postrider_model::{Clock, Timestamp};

    use super::*;

    #[derive(Debug)]
    struct Epoch;

    impl Clock for Epoch {
        fn now(&self) -> Timestamp {
            Timestamp(0)
        }
    }

    #[derive(Debug)]
    enum Scripted {
        Fails(io::ErrorKind),
        Hangs,
        OpensAndHangs,
    }

    #[async_trait]
    impl Dialer for Scripted {
        async fn dial(&self, _: &Endpoint) -> io::Result<Box<dyn Io>> {
            match self {
                Self::Fails(kind) => Err(io::Error::new(*kind, "unknown host imap.test: no such name")),
                Self::Hangs => std::future::pending().await,
                Self::OpensAndHangs => {
                    let (ours, theirs) = tokio::io::duplex(4_096);
                    std::mem::forget(theirs);
                    Ok(Box::new(ours))
                }
            }
        }
    }

    async fn fault_of(dialer: Scripted) -> Fault {
        let tls = TlsConnector::new(Vec::new(), Arc::new(Epoch));
        let connector = Connector::new(Arc::new(dialer), tls, Timeouts::default());
        connector.open(&Endpoint::new("imap.test", 993), Security::Tls).await.err().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn every_failure_is_classed_and_says_what_to_do() {
        let table = [
            (
                Scripted::Fails(io::ErrorKind::NotFound),
                "connect to imap.test:993",
                "unknown host imap.test: no such name",
            ),
            (
                Scripted::Fails(io::ErrorKind::ConnectionRefused),
                "connect to imap.test:993",
                "nothing accepts connections on port 993",
            ),
            (Scripted::Hangs, "connect to imap.test:993", "no answer within 20 s"),
            (
                Scripted::OpensAndHangs,
                "start TLS with imap.test:993",
                "the server did not finish the handshake within 20 s",
            ),
        ];
        for (dialer, action, cause) in table {
            let fault = fault_of(dialer).await;
            assert_eq!((fault.class, &*fault.action, &*fault.cause), (ErrorClass::Transient, action, cause));
            assert!(fault.hint.is_some_and(|hint| hint.contains("provider's file")));
        }
    }

    #[test]
    fn plaintext_stays_on_this_machine() {
        let table = [
            ("127.0.0.1", true),
            ("::1", true),
            ("LOCALHOST", true),
            ("192.0.2.1", false),
            ("localhost.test", false),
        ];
        for (host, fine) in table {
            let to = Endpoint::new(host, 143);
            assert_eq!(check_plaintext(&to, Security::None, false).is_ok(), fine, "{host}");
            assert!(check_plaintext(&to, Security::None, true).is_ok());
            assert!(check_plaintext(&to, Security::StartTls, false).is_ok());
        }
        let fault = check_plaintext(&Endpoint::new("mail.test", 143), Security::None, false).unwrap_err();
        assert_eq!(fault.class, ErrorClass::Config);
    }
}
