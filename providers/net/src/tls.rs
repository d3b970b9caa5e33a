//! TLS on top of a connection: the system's roots and those of the provider's `ca_file`, and failures in words.
//!
//! Verification cannot be switched off (F8.2). Roots are read when the first connection needs them, once for all clones
//! of a [`TlsConnector`]: share one between accounts, it holds about a megabyte.

use std::{
    fmt, io,
    sync::{Arc, OnceLock},
    time::Duration,
};

use postrider_model::Clock;
use rustls::{CertificateError, ClientConfig, RootCertStore, crypto::ring, time_provider::TimeProvider};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};

use crate::Io;

/// Why there is no TLS with a server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The `ca_file` holds no certificate, or a broken one.
    #[error("the ca_file is not usable: {0}")]
    CaFile(String),
    /// There is nothing to verify against.
    #[error("this machine has no root certificates")]
    NoRoots,
    /// Neither a DNS name nor an IP address.
    #[error("`{0}` is not a host name")]
    HostName(String),
    /// The certificate's time is over.
    #[error("the server's certificate has expired")]
    Expired,
    /// The certificate's time has not come.
    #[error("the server's certificate is not valid yet")]
    NotYetValid,
    /// Nobody vouches for the certificate.
    #[error(
        "the server's certificate is self-signed or comes from an authority that this machine does not know"
    )]
    UnknownIssuer,
    /// It is the certificate of another server.
    #[error("the server's certificate is not for {expected}{}", presented(.found))]
    WrongHost {
        /// The name that was dialled.
        expected: String,
        /// The names for which the certificate is.
        found: Vec<String>,
    },
    /// Another fault of the certificate.
    #[error("the server's certificate is not acceptable: {0}")]
    Certificate(String),
    /// What came is no TLS.
    #[error("the server does not speak TLS on this port")]
    NotTls,
    /// No common version or cipher, an alert, a broken record.
    #[error("the TLS handshake failed: {0}")]
    Handshake(String),
    /// The connection broke.
    #[error("the connection was lost during the TLS handshake: {0}")]
    Io(io::Error),
}

fn presented(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => format!(", but for {}", names.join(", ")),
    }
}

impl TlsError {
    /// What a person can do.
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::CaFile(_) => {
                "give a PEM file with CERTIFICATE blocks as `ca_file` in `[tls]` of the provider's file"
            }
            Self::NoRoots => {
                "install the package `ca-certificates`, or give `ca_file` in `[tls]` of the provider's file"
            }
            Self::HostName(_) => "check `host` in the provider's file",
            Self::Expired => "the server's administrator has to renew it; check this machine's clock as well",
            Self::NotYetValid => "check this machine's clock",
            Self::UnknownIssuer => {
                "if the server is to be trusted, save its authority's certificate and name it as `ca_file` in `[tls]` of the provider's file"
            }
            Self::WrongHost { .. } => {
                "set `host` in the provider's file to a name for which the certificate is"
            }
            Self::NotTls => {
                "check `port` and `security` in the provider's file: `starttls` begins without TLS, `tls` with it"
            }
            Self::Certificate(_) | Self::Handshake(_) => {
                "the server's administrator has to look at its TLS settings"
            }
            Self::Io(_) => return None,
        })
    }

    /// Whether the same may succeed later without anyone acting.
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Io(_) | Self::Handshake(_))
    }
}

/// Puts TLS on connections. Clones share roots and resumable sessions.
#[derive(Clone)]
pub struct TlsConnector(Arc<Shared>);

struct Shared {
    extra_ca: Vec<u8>,
    clock: Arc<dyn Clock>,
    config: OnceLock<Arc<ClientConfig>>,
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector")
            .field("extra_ca_octets", &self.0.extra_ca.len())
            .finish_non_exhaustive()
    }
}

/// The time by which certificates are judged.
#[derive(Debug)]
struct Now(Arc<dyn Clock>);

impl TimeProvider for Now {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().seconds()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

impl TlsConnector {
    /// One that trusts the system's roots and the certificates in `extra_ca` (PEM, may be empty).
    pub fn new(extra_ca: Vec<u8>, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Shared { extra_ca, clock, config: OnceLock::new() }))
    }

    /// Puts TLS on a connection to `host`, which is named (SNI) and verified.
    ///
    /// # Errors
    /// Every kind of [`TlsError`]. The caller sets the time-out.
    pub async fn connect(&self, host: &str, io: Box<dyn Io>) -> Result<Box<dyn Io>, TlsError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsError::HostName(host.to_owned()))?;
        let connector = tokio_rustls::TlsConnector::from(self.config()?);
        let stream = connector.connect(name, io).await.map_err(|why| in_words(why, host))?;
        Ok(Box::new(stream))
    }

    fn config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        if let Some(config) = self.0.config.get() {
            return Ok(config.clone());
        }
        let config = Arc::new(self.build()?);
        Ok(self.0.config.get_or_init(|| config).clone())
    }

    fn build(&self) -> Result<ClientConfig, TlsError> {
        let roots = roots(&self.0.extra_ca)?;
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_details(provider, Arc::new(Now(self.0.clock.clone())))
            .with_safe_default_protocol_versions()
            .map_err(|why| TlsError::Handshake(why.to_string()))?;
        Ok(builder.with_root_certificates(roots).with_no_client_auth())
    }
}

/// The roots of system and provider. A broken certificate among the system's is left out, as everybody does; one in the
/// `ca_file` is an error, since a person put it there.
fn roots(extra_ca: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    let (_, broken) = roots.add_parsable_certificates(system.certs);
    tracing::debug!(roots = roots.len(), broken, unreadable = system.errors.len(), "system roots read");
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(extra_ca) {
        let certificate = certificate.map_err(|why| TlsError::CaFile(why.to_string()))?;
        roots.add(certificate).map_err(|why| TlsError::CaFile(why.to_string()))?;
    }
    match (extra_ca.is_empty(), roots.len()) {
        (false, now) if now == before => Err(TlsError::CaFile("there is no certificate in it".to_owned())),
        (_, 0) => Err(TlsError::NoRoots),
        _ => Ok(roots),
    }
}

fn in_words(why: io::Error, host: &str) -> TlsError {
    let Some(tls) = why.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return TlsError::Io(why);
    };
    match tls {
        rustls::Error::InvalidCertificate(fault) => certificate(fault, host),
        rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType) => TlsError::NotTls,
        other => TlsError::Handshake(other.to_string()),
    }
}

fn certificate(fault: &CertificateError, host: &str) -> TlsError {
    use CertificateError as C;
    match fault {
        C::Expired | C::ExpiredContext { .. } => TlsError::Expired,
        C::NotValidYet | C::NotValidYetContext { .. } => TlsError::NotYetValid,
        // A signature that does not fit is what an authority leaves that was made anew under its old name.
        C::UnknownIssuer | C::BadSignature => TlsError::UnknownIssuer,
        C::NotValidForName => TlsError::WrongHost { expected: host.to_owned(), found: Vec::new() },
        C::NotValidForNameContext { presented, .. } => TlsError::WrongHost {
            expected: host.to_owned(),
            found: presented.iter().map(|name| dns_name(name)).collect(),
        },
        // A self-signed certificate that also claims to be an authority is refused for that before its issuer is looked at.
        C::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => TlsError::UnknownIssuer,
        other => TlsError::Certificate(other.to_string()),
    }
}

/// rustls shows names as `DnsName("example.com")`.
fn dns_name(shown: &str) -> String {
    shown.split('"').nth(1).unwrap_or(shown).to_owned()
}

#[cfg(test)]
mod tests;
