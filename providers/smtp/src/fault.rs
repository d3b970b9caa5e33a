//! Each refusal as a classed fault (RFC 5321, section 4.2.1; RFC 4954, section 6).

use postrider_model::{ErrorClass, Fault};
use postrider_net::redact;

use crate::reply::Reply;

/// The fault of a reply that says no. `secrets` are hidden where the server repeats them.
pub(crate) fn refused(action: String, reply: &Reply, is_login: bool, secrets: &[&str]) -> Fault {
    let cause =
        format!("the server answered {}: {}", reply.code, redact::answer(reply.text().as_bytes(), secrets));
    let (class, hint) = class(reply.code, is_login);
    let fault = Fault::new(class, action, cause);
    match hint {
        Some(hint) => fault.hint(hint),
        None => fault,
    }
}

const fn class(code: u16, is_login: bool) -> (ErrorClass, Option<&'static str>) {
    match code {
        // Exchange and Gmail say 535 also where this way of logging in is switched off.
        535 => (
            ErrorClass::Login,
            Some(
                "check login name and password; many providers want an app password, or SMTP to be switched on in their settings",
            ),
        ),
        534 => (
            ErrorClass::Login,
            Some("the provider wants another way of logging in: an app password, or `auth = \"oauth2\"`"),
        ),
        530 | 538 => (
            ErrorClass::Config,
            Some("set `security` of `[smtp]` to `tls` or `starttls` in the provider's file"),
        ),
        400..=499 => (ErrorClass::Transient, None),
        500..=599 if is_login => (ErrorClass::Login, Some("check login name and password")),
        _ => (ErrorClass::Permanent, None),
    }
}

/// The wire failed, or what came makes no sense.
pub(crate) fn broken(action: String, cause: String) -> Fault {
    Fault::new(ErrorClass::Transient, action, cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_class() {
        let table = [
            (535, true, ErrorClass::Login),
            (534, true, ErrorClass::Login),
            (550, true, ErrorClass::Login),
            (530, true, ErrorClass::Config),
            (454, true, ErrorClass::Transient),
            (421, false, ErrorClass::Transient),
            (554, false, ErrorClass::Permanent),
        ];
        for (code, is_login, class) in table {
            let reply = Reply { code, lines: vec!["no".to_owned()] };
            assert_eq!(refused(String::new(), &reply, is_login, &[]).class, class, "{code}");
        }
    }
}
