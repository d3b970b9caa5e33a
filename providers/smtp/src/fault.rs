//! Each refusal as a classed fault (RFC 5321, section 4.2.1; RFC 3463; RFC 4954, section 6). The class decides whether and
//! when the same is tried again; the hint is for people.

use postrider_model::{ErrorClass, Fault};
use postrider_net::redact;

use crate::reply::{Reply, WireError};

/// What was going on when the server refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum During {
    /// Logging in with a password.
    Login,
    /// Logging in with an access token.
    TokenLogin,
    /// Naming the sender.
    Sender,
    /// Naming a recipient.
    Recipient,
    /// The message itself.
    Content,
    /// Anything else.
    Other,
}

/// The fault of a reply that says no. `secrets` are hidden where the server repeats them.
pub(crate) fn refused(action: String, reply: &Reply, during: During, secrets: &[&str]) -> Fault {
    if !reply.is_refusal() {
        return broken(action, &WireError::Garbage("an answer to something else"));
    }
    let cause =
        format!("the server answered {}: {}", reply.code, redact::answer(reply.text().as_bytes(), secrets));
    let class = class(reply, during);
    let fault = Fault::new(class, action, cause);
    match hint(class, reply, during) {
        Some(hint) => fault.hint(hint),
        None => fault,
    }
}

/// The wire failed, or what came makes no sense.
pub(crate) fn broken(action: String, why: &WireError) -> Fault {
    Fault::new(ErrorClass::Transient, action, why.to_string())
}

fn class(reply: &Reply, during: During) -> ErrorClass {
    match (reply.code, during) {
        (421, _) => ErrorClass::Throttled,
        (400..=499, _) if is_crowded(reply) => ErrorClass::Throttled,
        (400..=499, _) => ErrorClass::Transient,
        // Of old this was the code for too many recipients, and is to be taken for 452 then (RFC 5321, section 4.5.3.1.10).
        (552, During::Recipient) if is_crowded(reply) => ErrorClass::Throttled,
        (530 | 538, _) => ErrorClass::Config,
        (534 | 535, _) | (_, During::Login | During::TokenLogin) => ErrorClass::Login,
        _ => ErrorClass::Permanent,
    }
}

/// Servers say in words, or by the code for too many recipients (RFC 3463, section 3.6), that they were asked too much.
fn is_crowded(reply: &Reply) -> bool {
    let text = reply.text().to_ascii_lowercase();
    let words = [
        "too many",
        "rate limit",
        "rate exceeded",
        "rate-limit",
        "throttl",
        "limit exceeded",
        "quota exceeded",
    ];
    reply.enhanced() == Some((5, 3)) || words.iter().any(|word| text.contains(word))
}

fn hint(class: ErrorClass, reply: &Reply, during: During) -> Option<&'static str> {
    match class {
        ErrorClass::Config => {
            Some("set `security` of `[smtp]` to `tls` or `starttls` in the provider's file")
        }
        ErrorClass::Login => Some(login_hint(reply.code, during)),
        ErrorClass::Throttled => Some("the server asks for patience: it is tried again later"),
        ErrorClass::Transient => transient_hint(reply, during),
        ErrorClass::Permanent => permanent_hint(reply, during),
        ErrorClass::Busy | ErrorClass::NotFound | ErrorClass::NotPermitted => None,
    }
}

const fn login_hint(code: u16, during: During) -> &'static str {
    match code {
        _ if matches!(during, During::TokenLogin) => {
            "check that the provider lets this account send by SMTP, then log in anew with `postrider account login`"
        }
        // Exchange and Gmail say 535 also where this way of logging in is switched off.
        535 => {
            "check login name and password; many providers want an app password, or SMTP to be switched on in their settings"
        }
        534 => "the provider wants another way of logging in: an app password, or `auth = \"oauth2\"`",
        _ => "check login name and password",
    }
}

const FULL: &str = "the recipient's mailbox is full: they have to make room";
const TOO_LARGE: &str = "make the message smaller, or share its attachments in another way";

fn transient_hint(reply: &Reply, during: During) -> Option<&'static str> {
    match (reply.enhanced(), during) {
        (Some((2, 2)), _) => Some(FULL),
        // Greylisting (RFC 6647) refuses everyone's first attempt.
        (_, During::Recipient) => Some("many servers refuse a first attempt: it is tried again later"),
        _ => None,
    }
}

fn permanent_hint(reply: &Reply, during: During) -> Option<&'static str> {
    Some(match (reply.enhanced(), reply.code, during) {
        (Some((2, 2)), ..) => FULL,
        (Some((2, 3) | (3, 4)), ..) | (_, 552, During::Content | During::Sender) => TOO_LARGE,
        (Some((6, 7)), ..) => "the server takes no addresses beyond ASCII: use another address",
        (Some((4, 5)), ..) => "the server's limit for this account is reached: send it again tomorrow",
        (_, 550 | 551 | 553, During::Sender) => {
            "the server lets an account send under its own addresses alone: check the sender"
        }
        (Some((7, _)), _, During::Recipient) => {
            "the server does not pass on mail for this recipient: ask them, or the server's administrator"
        }
        (_, 550 | 551 | 553, During::Recipient) => "check the recipient's address",
        (_, 550 | 554, During::Content) => {
            "the server took it for unwanted mail, or one of its rules forbids it: its answer says which"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: u16, text: &str, during: During) -> Fault {
        let reply = Reply { code, lines: vec![text.to_owned()] };
        refused("send".to_owned(), &reply, during, &["s3cret"])
    }

    #[test]
    fn each_refusal_has_its_class() {
        use During as D;
        use ErrorClass as E;
        let table = [
            (535, "5.7.8 wrong", D::Login, E::Login),
            (534, "5.7.9 app password", D::Login, E::Login),
            (550, "no", D::Login, E::Login),
            (530, "5.7.0 Must issue a STARTTLS command first", D::Login, E::Config),
            (538, "encrypt", D::Login, E::Config),
            (454, "4.7.0 temporary", D::Login, E::Transient),
            (454, "4.7.0 Too many login attempts, please try again later.", D::Login, E::Throttled),
            (421, "closing", D::Other, E::Throttled),
            (450, "4.2.0 greylisted", D::Recipient, E::Transient),
            (452, "4.2.2 over quota", D::Recipient, E::Transient),
            (452, "4.5.3 more than 100", D::Recipient, E::Throttled),
            (450, "4.7.1 Rate limit exceeded", D::Sender, E::Throttled),
            (451, "4.3.0 queue file write error", D::Content, E::Transient),
            (552, "5.3.4 too big", D::Content, E::Permanent),
            (552, "too many recipients", D::Recipient, E::Throttled),
            (552, "5.2.2 mailbox full", D::Recipient, E::Permanent),
            (535, "5.7.8 expired", D::TokenLogin, E::Login),
            (550, "5.1.1 unknown", D::Recipient, E::Permanent),
            (550, "too many", D::Recipient, E::Permanent),
            (554, "5.7.1 spam", D::Content, E::Permanent),
        ];
        for (code, text, during, class) in table {
            assert_eq!(fault(code, text, during).class, class, "{code} {text}");
        }
    }

    #[test]
    fn people_are_told_what_to_do() {
        use During as D;
        let table = [
            (550, "5.1.1 unknown", D::Recipient, Some("check the recipient's address")),
            (550, "unknown", D::Recipient, Some("check the recipient's address")),
            (554, "5.7.1 relay access denied", D::Recipient, Some("does not pass on")),
            (553, "5.7.1 not yours", D::Sender, Some("own addresses")),
            (552, "5.2.2 full", D::Recipient, Some("mailbox is full")),
            (552, "too big", D::Content, Some("smaller")),
            (552, "5.3.4 too big", D::Sender, Some("smaller")),
            (554, "5.7.1 spam", D::Content, Some("unwanted")),
            (550, "5.4.5 daily limit", D::Sender, Some("tomorrow")),
            (450, "4.2.0 greylisted", D::Recipient, Some("tried again later")),
            (535, "5.7.8 no", D::Login, Some("app password")),
            (535, "5.7.8 no", D::TokenLogin, Some("account login")),
            (451, "4.3.0 no", D::Content, None),
            (500, "what", D::Other, None),
        ];
        for (code, text, during, wanted) in table {
            let hint = fault(code, text, during).hint;
            match wanted {
                Some(words) => {
                    assert!(hint.as_ref().is_some_and(|hint| hint.contains(words)), "{code} {text}: {hint:?}")
                }
                None => assert_eq!(hint, None, "{code} {text}"),
            }
        }
    }

    #[test]
    fn the_servers_words_are_told_without_secrets() {
        let told = fault(535, "5.7.8 s3cret is wrong\u{7}", During::Login);
        assert_eq!(told.to_string(), "cannot send: the server answered 535: 5.7.8 <hidden> is wrong\\u{7}");
    }

    #[test]
    fn what_refuses_nothing_makes_no_sense_as_a_refusal() {
        let odd = fault(250, "fine", During::Sender);
        assert_eq!((odd.class, odd.hint), (ErrorClass::Transient, None));
        assert!(odd.cause.contains("makes no sense"), "{}", odd.cause);
    }
}
