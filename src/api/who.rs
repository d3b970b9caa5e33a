//! In whose name a request is made: by the peer of the socket, or by its token on TCP (F7.5, F6.6).

use http::{HeaderMap, StatusCode, header::AUTHORIZATION};
use postrider_model::ErrorClass;

use super::{AS_HEADER, gate::text, refusal::Refusal};
use crate::service::{Caller, Service};

/// From where a connection comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Peer {
    /// From a process of that user, as the kernel says.
    Uid(u32),
    /// From somebody of this machine who asks this port.
    Port(u16),
}

impl Peer {
    /// What the audit log calls whoever comes from there, as long as nobody knows who they are.
    pub fn name(self) -> String {
        match self {
            Self::Uid(uid) => format!("uid {uid}"),
            Self::Port(_) => "port".to_owned(),
        }
    }
}

/// Who calls, and in whose name.
pub(super) fn caller(service: &Service, peer: Peer, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let caller = match peer {
        Peer::Uid(uid) => service.caller_of_uid(uid)?,
        Peer::Port(_) => {
            let found = token(headers).map(|token| service.caller_of_token(token)).transpose()?;
            found.flatten().ok_or_else(|| {
                let refusal = no_token();
                service.note_unknown(&peer.name(), &refusal.fault);
                refusal
            })?
        }
    };
    match headers.get(AS_HEADER).map(|value| value.to_str()) {
        None => Ok(caller),
        Some(Ok(user)) => Ok(service.act_as(&caller, user)?),
        Some(Err(_)) => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            ErrorClass::Config,
            "the user in whose name it is made is no name",
        )),
    }
}

/// The token of `Authorization: Bearer TOKEN` (RFC 6750, section 2.1).
fn token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = text(headers, &AUTHORIZATION).split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The same for none, a wrong one and one that is over, so that nothing can be learned of them.
fn no_token() -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, ErrorClass::NotPermitted, "it has no token that is good")
        .hint("`postrider api token create` makes one, to be sent as `Authorization: Bearer TOKEN`")
}
