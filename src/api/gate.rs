//! What no request may have, whoever sends it: the marks of a browser that a foreign page has sent here, and framing that two readers
//! could read in two ways. Looked at before anything else of the request is.
//!
//! A page can make a browser ask any port of this machine. It cannot keep the browser from saying whose page it is (`Origin`), and by
//! a name that it turns to 127.0.0.1 it is told by that name (`Host`). No answer allows any origin, so no page ever reads one.

use std::net::{IpAddr, SocketAddr};

use http::{
    HeaderMap, HeaderName, Request, StatusCode, Version,
    header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, ORIGIN, TRANSFER_ENCODING},
};
use postrider_model::ErrorClass;

use super::refusal::Refusal;

/// Refuses what no request may have. `port` is the one that was asked, on TCP.
pub(super) fn check<B>(request: &Request<B>, port: Option<u16>) -> Result<(), Refusal> {
    let headers = request.headers();
    if headers.contains_key(ORIGIN) {
        return Err(not_permitted("it comes from a web page (Origin), and none may ask"));
    }
    if request.version() != Version::HTTP_11 || request.uri().authority().is_some() {
        return Err(malformed("expected HTTP/1.1 and a path"));
    }
    if headers.contains_key(TRANSFER_ENCODING) {
        return Err(Refusal::new(
            StatusCode::LENGTH_REQUIRED,
            ErrorClass::Config,
            "the length of its body is not said: expected Content-Length and no Transfer-Encoding",
        ));
    }
    for name in [HOST, CONTENT_LENGTH, CONTENT_TYPE] {
        if headers.get_all(&name).iter().count() > 1 {
            return Err(malformed(&format!("{name} stands there twice")));
        }
    }
    match port {
        Some(port) if !is_own(text(headers, &HOST), port) => Err(not_permitted(
            "Host names another place than this one: expected an address of this machine with this port",
        )),
        _ => Ok(()),
    }
}

/// Whether the request says that its body is JSON. A page cannot say so of what it sends to another origin without being asked first.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let media = text(headers, &CONTENT_TYPE).split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case("application/json")
}

pub(super) fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether a `Host` is an address of this machine and our port. No name is: whoever owns a name says where it leads.
fn is_own(host: &str, port: u16) -> bool {
    match (host.parse::<SocketAddr>(), host.parse::<IpAddr>()) {
        (Ok(address), _) => address.ip().is_loopback() && address.port() == port,
        (_, Ok(ip)) => ip.is_loopback() && port == 80,
        _ => false,
    }
}

fn malformed(cause: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, ErrorClass::Config, cause)
}

fn not_permitted(cause: &str) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, ErrorClass::NotPermitted, cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(headers: &[(&str, &str)], port: Option<u16>) -> Option<u16> {
        let mut request = Request::get("/v1/status");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(&request.body(()).unwrap(), port).err().map(|refused| refused.status.as_u16())
    }

    #[test]
    fn only_an_address_of_this_machine_with_our_port_is_host() {
        let table = [
            ("127.0.0.1:8080", None),
            ("127.1.2.3:8080", None),
            ("[::1]:8080", None),
            ("127.0.0.1", Some(403)),
            ("127.0.0.1:8081", Some(403)),
            ("localhost:8080", Some(403)),
            ("evil.example:8080", Some(403)),
            ("10.0.0.1:8080", Some(403)),
            ("", Some(403)),
        ];
        for (host, refused) in table {
            assert_eq!(status(&[("host", host)], Some(8080)), refused, "{host}");
            assert_eq!(status(&[("host", host)], None), None, "on the socket any name is as good: {host}");
        }
        assert_eq!(status(&[("host", "127.0.0.1")], Some(80)), None);
        assert_eq!(status(&[], Some(8080)), Some(403));
        assert_eq!(status(&[("host", "127.0.0.1:8080"), ("host", "127.0.0.1:8080")], Some(8080)), Some(400));
    }

    #[test]
    fn pages_and_double_framing_are_refused_everywhere() {
        assert_eq!(status(&[("origin", "http://127.0.0.1:8080")], None), Some(403));
        assert_eq!(status(&[("origin", "null")], None), Some(403));
        assert_eq!(status(&[("transfer-encoding", "chunked")], None), Some(411));
        assert_eq!(
            status(&[("transfer-encoding", "gzip, chunked"), ("content-length", "3")], None),
            Some(411)
        );
        assert_eq!(status(&[("content-length", "3"), ("content-length", "4")], None), Some(400));
    }

    #[test]
    fn json_is_said_in_any_case_and_with_a_charset() {
        let said = |media: &str| {
            let request = Request::post("/").header("content-type", media).body(()).unwrap();
            is_json(request.headers())
        };
        assert!(said("application/json") && said("Application/JSON; charset=utf-8"));
        assert!(!said("text/plain") && !said("application/jsonp") && !said(""));
    }
}
