//! Every way in which a server fails, as a classed fault (F6.2). A tagged NO or BAD is always one: it never reads as an
//! empty answer (I2).

use postrider_model::{ErrorClass, Fault};
use postrider_net::redact;

use crate::codec::{
    status::{Status, StatusKind},
    stream::WireError,
    value::Malformed,
};

/// What a failure left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aftermath {
    /// The connection can go on.
    InOrder,
    /// The connection ended, or nobody knows any more what comes next on it. On another one the same may succeed.
    Lost,
    /// It was our side that could not go on, in the middle of an answer: the connection is closed, and nothing repeated.
    Abandoned,
}

/// A fault, and what it left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// In words.
    pub(crate) fault: Fault,
    /// Whether the connection is of more use.
    pub(crate) aftermath: Aftermath,
}

const NO_SENSE: &str = "the server's answer makes no sense";

impl Failure {
    /// The server answered, and the connection can go on.
    pub(crate) const fn answered(fault: Fault) -> Self {
        Self { fault, aftermath: Aftermath::InOrder }
    }

    /// The connection is of no more use.
    pub(crate) const fn lost(fault: Fault) -> Self {
        Self { fault, aftermath: Aftermath::Lost }
    }

    /// Our side could not go on.
    pub(crate) const fn abandoned(fault: Fault) -> Self {
        Self { fault, aftermath: Aftermath::Abandoned }
    }

    /// What came is against the protocol: nobody knows what comes next.
    pub(crate) fn garbage(action: impl Into<String>, what: &str) -> Self {
        let cause = format!("{NO_SENSE}: {what}");
        Self::lost(Fault::new(ErrorClass::Transient, action, cause))
    }

    /// Whether what came was against the protocol.
    pub(crate) fn is_garbage(&self) -> bool {
        self.fault.cause.starts_with(NO_SENSE)
    }

    /// The wire failed.
    pub(crate) fn wire(action: &str, why: &WireError) -> Self {
        Self::lost(Fault::new(ErrorClass::Transient, action, why.to_string()))
    }

    /// A line could not be read.
    pub(crate) fn malformed(action: &str, why: Malformed) -> Self {
        Self::garbage(action, why.0)
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        failure.fault
    }
}

/// What was going on when the server refused: what a NO without a code means hangs on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum During {
    /// Logging in.
    Login,
    /// Opening a folder.
    Select,
    /// Changing something.
    Write,
    /// Anything else.
    Command,
}

/// The fault of a NO, BAD or BYE. `secrets` are hidden where the server repeats them.
pub(crate) fn refused(action: &str, status: &Status, during: During, secrets: &[&str]) -> Fault {
    let text = redact::answer(&status.text, secrets);
    let code = redact::answer(status.code_name().as_bytes(), secrets);
    let code = if code.is_empty() { String::new() } else { format!(" [{code}]") };
    let cause = match status.kind {
        StatusKind::Bye => format!("the server ended the connection{code}: {text}"),
        kind => format!("the server answered {}{code}: {text}", kind.name()),
    };
    let class = class(status, &text, during);
    let mut fault = Fault::new(class, action, cause);
    fault.retry_after_ms = wanted_pause_ms(&text);
    match hint(class, status, during) {
        Some(hint) => fault.hint(hint),
        None => fault,
    }
}

fn class(status: &Status, text: &str, during: During) -> ErrorClass {
    use ErrorClass as E;
    match status.code_name() {
        "AUTHENTICATIONFAILED" | "AUTHORIZATIONFAILED" | "EXPIRED" => return E::Login,
        "PRIVACYREQUIRED" => return E::Config,
        "UNAVAILABLE" | "INUSE" | "SERVERBUG" | "CONTACTADMIN" | "CORRUPTION" | "EXPUNGEISSUED" => {
            return E::Transient;
        }
        "OVERQUOTA" if is_full(status, during) => return E::Permanent,
        // A quota that stops a reader is one of commands or octets, not of space.
        "LIMIT" | "THROTTLED" | "OVERQUOTA" => return E::Throttled,
        "NONEXISTENT" | "TRYCREATE" | "NOPERM" | "CANNOT" | "CLIENTBUG" | "NOTSAVED" | "TOOBIG"
        | "READ-ONLY" => return E::Permanent,
        _ => {}
    }
    if wanted_pause_ms(text).is_some() || is_crowded(text) {
        return E::Throttled;
    }
    match (status.kind, during) {
        (StatusKind::Bye, _) => E::Transient,
        (StatusKind::No, During::Login) => E::Login,
        (StatusKind::No, During::Command | During::Write) => E::Transient,
        _ => E::Permanent,
    }
}

/// Whether there is no room left for what was to be written. Gmail has the same code for its limits of commands and bandwidth.
fn is_full(status: &Status, during: During) -> bool {
    let text = String::from_utf8_lossy(&status.text).to_ascii_lowercase();
    status.code_name() == "OVERQUOTA"
        && during == During::Write
        && !text.contains("bandwidth")
        && !text.contains("command")
}

/// Servers that know no code for it say it in words, Gmail and Dovecot among them.
fn is_crowded(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    [
        "too many simultaneous",
        "too many connections",
        "maximum number of connections",
        "rate limit",
        "throttled",
    ]
    .iter()
    .any(|words| text.contains(words))
}

/// Exchange Online tells its wish in words: `Suggested Backoff Time: 299986 milliseconds`.
fn wanted_pause_ms(text: &str) -> Option<u64> {
    let (_, behind) = text.split_once("Suggested Backoff Time: ")?;
    behind.split(' ').next()?.parse().ok()
}

fn hint(class: ErrorClass, status: &Status, during: During) -> Option<&'static str> {
    Some(match (class, during) {
        (ErrorClass::Login, _) => {
            "check login name and password; many providers want an app password, or IMAP to be switched on in their settings"
        }
        (ErrorClass::Config, _) => "set `security` to `tls` or `starttls` in the provider's file",
        (ErrorClass::Throttled, _) => {
            "the server asks for patience: it is tried again later, with fewer requests"
        }
        (ErrorClass::Permanent, During::Select) if status.code_name() == "NOPERM" => {
            "the server's administrator has to grant the right to read it"
        }
        (ErrorClass::Permanent, During::Select) => {
            "look whether the folder is still there, and at `folders` of the account"
        }
        (ErrorClass::Permanent, _) if is_full(status, during) => {
            "the mailbox is full: delete something there, or ask for more room"
        }
        (ErrorClass::Permanent, _) if status.code_name() == "TOOBIG" => {
            "the server takes no message of that size"
        }
        (ErrorClass::Permanent, During::Write) if status.code_name() == "TRYCREATE" => {
            "the folder it was to go to is not there"
        }
        (ErrorClass::Permanent, During::Write) if matches!(status.code_name(), "NOPERM" | "READ-ONLY") => {
            "the server's administrator has to grant the right to change it"
        }
        _ if status.code_name() == "CONTACTADMIN" => "the server's administrator has to look at it",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(line: &str, during: During) -> Fault {
        let (kind, rest) = line.split_once(' ').unwrap();
        let status = Status::parse(StatusKind::from_name(kind.as_bytes()).unwrap(), rest.as_bytes());
        refused("do it", &status, during, &["s3cret"])
    }

    #[test]
    fn each_refusal_has_its_class() {
        use ErrorClass as E;
        let table = [
            ("NO [AUTHENTICATIONFAILED] Authentication failed.", During::Login, E::Login),
            ("NO LOGIN failed", During::Login, E::Login),
            ("NO [EXPIRED] That password has expired", During::Login, E::Login),
            ("NO [UNAVAILABLE] Temporary authentication failure.", During::Login, E::Transient),
            ("NO [CONTACTADMIN] wait", During::Login, E::Transient),
            ("NO [PRIVACYREQUIRED] TLS first", During::Login, E::Config),
            ("NO [ALERT] Too many simultaneous connections. (Failure)", During::Login, E::Throttled),
            ("BAD what", During::Login, E::Permanent),
            ("NO Mailbox doesn't exist: x", During::Select, E::Permanent),
            ("NO [NONEXISTENT] no", During::Select, E::Permanent),
            ("NO [NOPERM] no", During::Select, E::Permanent),
            ("NO [INUSE] Mailbox in use", During::Select, E::Transient),
            ("NO [LIMIT] slower", During::Command, E::Throttled),
            ("NO [OVERQUOTA] Account exceeded command or bandwidth limits.", During::Command, E::Throttled),
            ("NO [OVERQUOTA] Account exceeded command or bandwidth limits.", During::Write, E::Throttled),
            ("NO [OVERQUOTA] Quota exceeded (mailbox for user is full)", During::Write, E::Permanent),
            ("NO [TOOBIG] too large", During::Write, E::Permanent),
            ("NO [LIMIT] slower", During::Write, E::Throttled),
            ("NO [TRYCREATE] no such mailbox", During::Write, E::Permanent),
            ("NO something", During::Write, E::Transient),
            ("NO [SERVERBUG] Internal error occurred.", During::Command, E::Transient),
            ("NO something", During::Command, E::Transient),
            ("BAD Unknown command", During::Command, E::Permanent),
            ("BYE Idle for too long", During::Command, E::Transient),
            ("BYE Too many connections", During::Login, E::Throttled),
        ];
        for (line, during, class) in table {
            assert_eq!(fault(line, during).class, class, "{line}");
        }
    }

    #[test]
    fn the_servers_words_are_told_without_secrets() {
        let told = fault("NO [AUTHENTICATIONFAILED] s3cret is wrong\u{7}", During::Login);
        assert_eq!(
            told.to_string(),
            "cannot do it: the server answered NO [AUTHENTICATIONFAILED]: <hidden> is wrong\\u{7}"
        );
        assert!(told.hint.is_some());
    }

    #[test]
    fn a_pause_told_in_words_is_kept() {
        let told =
            fault("BAD Request is throttled. Suggested Backoff Time: 299986 milliseconds", During::Command);
        assert_eq!((told.class, told.retry_after_ms), (ErrorClass::Throttled, Some(299_986)));
    }
}
