//! An authorization server's refusals in words and classes (RFC 6749, section 5.2).
//!
//! The server's own words are shown, made harmless. An answer that cannot be read is told by where it went wrong and never quoted: a
//! token may stand in it.

use std::fmt;

use oauth2::{ErrorResponseType, RequestTokenError, StandardErrorResponse};
use postrider_model::{ErrorClass, Fault};
use postrider_net::redact;

/// The codes that declare a refresh token dead. The last three: OpenID Connect Core 1.0, section 3.1.2.6; Microsoft's token endpoint
/// answers them to a renewal.
const CONSENT_ALONE_HELPS: [&str; 4] =
    ["invalid_grant", "interaction_required", "login_required", "consent_required"];

/// A refusal, and whether only a person's consent helps.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) needs_consent: bool,
    pub(crate) fault: Fault,
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        refusal.fault
    }
}

/// What the library's error means. `secrets` are what was sent: a server may repeat it.
pub(crate) fn refused<T>(
    action: &str,
    why: RequestTokenError<Fault, StandardErrorResponse<T>>,
    secrets: &[&str],
) -> Refusal
where
    T: ErrorResponseType + AsRef<str> + fmt::Display + 'static,
{
    let permanent = |cause: String| Refusal {
        needs_consent: false,
        fault: Fault::new(ErrorClass::Permanent, action, cause)
            .hint("check `token_url` in the provider's file"),
    };
    match why {
        RequestTokenError::ServerResponse(said) => {
            by_code(action, said.error().as_ref(), said.error_description().map(String::as_str), secrets)
        }
        RequestTokenError::Request(fault) => Refusal { needs_consent: false, fault },
        RequestTokenError::Parse(why, _) => {
            permanent(format!("the server's answer is not what OAuth wants, at `{}`", why.path()))
        }
        RequestTokenError::Other(_) => permanent("the server's answer is not what OAuth wants".to_owned()),
    }
}

/// What an error code means.
pub(crate) fn by_code(action: &str, code: &str, description: Option<&str>, secrets: &[&str]) -> Refusal {
    let code = redact::answer(code.as_bytes(), secrets);
    let cause = match description.map(|words| redact::answer(words.as_bytes(), secrets)) {
        Some(words) if !words.is_empty() => format!("the server answered {code}: {words}"),
        _ => format!("the server answered {code}"),
    };
    let (class, hint) = class_of(&code);
    let fault = Fault::new(class, action, cause);
    Refusal {
        needs_consent: CONSENT_ALONE_HELPS.contains(&code.as_str()),
        fault: match hint {
            Some(hint) => fault.hint(hint),
            None => fault,
        },
    }
}

fn class_of(code: &str) -> (ErrorClass, Option<&'static str>) {
    match code {
        dead if CONSENT_ALONE_HELPS.contains(&dead) => {
            (ErrorClass::Login, Some("consent anew by `postrider account login`"))
        }
        "access_denied" => {
            (ErrorClass::Login, Some("the consent was not given; ask again by `postrider account login`"))
        }
        "expired_token" => (ErrorClass::Login, Some("begin anew by `postrider account login`")),
        "invalid_client" | "unauthorized_client" => {
            (ErrorClass::Config, Some("check `client_id` and `client_secret_file` in the provider's file"))
        }
        "invalid_scope" => (ErrorClass::Config, Some("check `scopes` in the provider's file")),
        "redirect_uri_mismatch" => (
            ErrorClass::Config,
            Some("register the redirect http://127.0.0.1/ with the provider, as of a desktop client"),
        ),
        "slow_down" => (ErrorClass::Throttled, None),
        "temporarily_unavailable" | "server_error" | "authorization_pending" => (ErrorClass::Transient, None),
        _ => (ErrorClass::Permanent, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_that_say_so_need_a_consent() {
        use ErrorClass::{Config, Login, Permanent, Throttled, Transient};
        let table = [
            ("invalid_grant", Login, true),
            ("interaction_required", Login, true),
            ("login_required", Login, true),
            ("consent_required", Login, true),
            ("access_denied", Login, false),
            ("expired_token", Login, false),
            ("invalid_client", Config, false),
            ("unauthorized_client", Config, false),
            ("invalid_scope", Config, false),
            ("temporarily_unavailable", Transient, false),
            ("server_error", Transient, false),
            ("slow_down", Throttled, false),
            ("invalid_request", Permanent, false),
            ("unsupported_grant_type", Permanent, false),
            ("invalid_grants", Permanent, false),
        ];
        for (code, class, dead) in table {
            let refusal = by_code("renew", code, None, &[]);
            assert_eq!((refusal.fault.class, refusal.needs_consent), (class, dead), "{code}");
            assert_eq!(refusal.fault.cause, format!("the server answered {code}"));
        }
    }

    #[test]
    fn the_servers_words_are_made_harmless() {
        let refusal = by_code("renew", "x\u{1b}[2J", Some("gone\u{202e}\r\nfor good: r3fresh"), &["r3fresh"]);
        assert_eq!(
            refusal.fault.cause,
            "the server answered x\\u{1b}[2J: gone\\u{202e}\\r\\nfor good: <hidden>"
        );
    }
}
