//! Which URLs may be asked: https anywhere, http on this machine alone (F8.2).

use http::{HeaderValue, Uri, uri::PathAndQuery};
use postrider_model::{ErrorClass, Fault};

use crate::{Endpoint, Security, connector::is_loopback};

/// What a URL means on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) endpoint: Endpoint,
    pub(super) security: Security,
    /// The `Host` field: without the port where it is the scheme's own (RFC 9110, section 7.2).
    pub(super) host: HeaderValue,
    /// The request target in origin form (RFC 9112, section 3.2.1).
    pub(super) path: PathAndQuery,
}

/// Refuses a URL that is no absolute https URL, nor an http URL of this machine by its very name.
///
/// # Errors
/// Of class `Config`; the message shows scheme and host, never the query.
pub fn check_url(url: &str) -> Result<(), Fault> {
    let uri: Uri = url.parse().map_err(|_| refused("", "it is not a URL"))?;
    Target::of(&uri).map(drop)
}

impl Target {
    pub(super) fn of(uri: &Uri) -> Result<Self, Fault> {
        let shown = format!("{}://{}", uri.scheme_str().unwrap_or_default(), uri.host().unwrap_or_default());
        let authority = uri.authority().ok_or_else(|| refused(&shown, "it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(refused(&shown, "it carries a user name"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let (security, own_port) = match uri.scheme_str() {
            Some("https") => (Security::Tls, 443),
            Some("http") if is_loopback(host) => (Security::None, 80),
            Some("http") => return Err(refused(&shown, "http is for this machine alone, others need https")),
            _ => return Err(refused(&shown, "its scheme is not https")),
        };
        let port = authority.port_u16().unwrap_or(own_port);
        if host.is_empty() || port == 0 {
            return Err(refused(&shown, "it names no host"));
        }
        let named = if port == own_port { authority.host() } else { authority.as_str() };
        Ok(Self {
            endpoint: Endpoint::new(host, port),
            security,
            host: HeaderValue::from_str(named).map_err(|_| refused(&shown, "it names no host"))?,
            path: uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")),
        })
    }
}

fn refused(url: &str, cause: &str) -> Fault {
    Fault::new(ErrorClass::Config, format!("use the URL {url}").trim_end(), cause)
        .hint("check the URLs in the provider's file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_what_goes_on_the_wire() {
        let table = [
            ("https://login.test/token", "login.test:443", Security::Tls, "login.test", "/token"),
            ("https://login.test:8443/a?b=c", "login.test:8443", Security::Tls, "login.test:8443", "/a?b=c"),
            ("https://login.test:443", "login.test:443", Security::Tls, "login.test", "/"),
            ("http://127.0.0.1:81/", "127.0.0.1:81", Security::None, "127.0.0.1:81", "/"),
            ("http://localhost/x", "localhost:80", Security::None, "localhost", "/x"),
            ("http://[::1]:9/", "[::1]:9", Security::None, "[::1]:9", "/"),
        ];
        for (url, endpoint, security, host, path) in table {
            let target = Target::of(&url.parse().unwrap()).unwrap();
            assert_eq!(target.endpoint.to_string(), endpoint);
            assert_eq!((target.security, target.host.to_str().unwrap()), (security, host));
            assert_eq!(target.path.as_str(), path);
            assert!(check_url(url).is_ok());
        }
    }

    #[test]
    fn what_would_leave_this_machine_readable_is_refused() {
        let table = [
            ("http://login.test/token", "http is for this machine alone, others need https"),
            ("http://localhost.test/", "http is for this machine alone, others need https"),
            ("http://127.0.0.1@login.test/", "it carries a user name"),
            ("https://me:secret@login.test/", "it carries a user name"),
            ("ftp://login.test/", "its scheme is not https"),
            ("/token", "it names no host"),
            ("https://login.test:0/", "it names no host"),
            ("not a url", "it is not a URL"),
            ("", "it is not a URL"),
        ];
        for (url, cause) in table {
            let fault = check_url(url).unwrap_err();
            assert_eq!((fault.class, &*fault.cause), (ErrorClass::Config, cause), "{url}");
            assert!(!fault.to_string().contains("secret"));
        }
    }
}
