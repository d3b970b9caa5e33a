//! What a server may do wrong, and when: the plan of one connection's faults.
//!
//! Rule: a plan is a value; the same plan over the same commands gives the same bytes. A plan without faults changes
//! nothing.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::core::Server;

/// When a fault strikes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Instead of the greeting, or before it.
    Greeting,
    /// At the n-th command of the connection, counted from 1.
    Nth(usize),
    /// At the n-th command of this name, counted from 1: `SELECT`, `UID FETCH`.
    Named(&'static str, usize),
    /// At every command of this name.
    Every(&'static str),
    /// At every command.
    Always,
}

/// How the server falls silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It closes the connection.
    Close,
    /// It keeps the connection open, reads on, and says nothing more.
    Hang,
}

/// What happens when a fault strikes.
#[derive(Clone)]
pub enum Action {
    /// A tagged NO with this text instead of doing the command; see [`codes`]. As a greeting it is `BYE`.
    No(&'static str),
    /// A tagged BAD instead of doing the command.
    Bad,
    /// `BYE` with this text, and the connection is closed.
    Bye(&'static str),
    /// A line that no grammar knows, then the command is done as ever.
    GarbageLine,
    /// The start of a FETCH response that ends in the middle of a literal.
    HalfLiteral(Then),
    /// No answer at all.
    Silence(Then),
    /// The command is done, and its answer is lost.
    LoseAnswer(Then),
    /// `PREAUTH` instead of `OK` as greeting: the client is the first user by name.
    PreAuth,
    /// An untagged line of this many octets, then the command is done as ever.
    LongLine(usize),
    /// More bytes in one piece with the OK to STARTTLS, as someone on the wire would slip them in.
    ExtraAfterStartTls,
    /// IDLE is accepted, and nothing is ever told.
    DeafIdle,
    /// Something else happens to the server just before the command is done.
    Meanwhile(Arc<dyn Fn(&Server) + Send + Sync>),
    /// The command is done, but its answer is bent.
    Bend(Bend),
}

impl Action {
    /// [`Action::Meanwhile`] from a closure.
    pub fn meanwhile(act: impl Fn(&Server) + Send + Sync + 'static) -> Self {
        Self::Meanwhile(Arc::new(act))
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::No(text) => write!(f, "No({text:?})"),
            Self::Bad => f.write_str("Bad"),
            Self::Bye(text) => write!(f, "Bye({text:?})"),
            Self::GarbageLine => f.write_str("GarbageLine"),
            Self::HalfLiteral(then) => write!(f, "HalfLiteral({then:?})"),
            Self::Silence(then) => write!(f, "Silence({then:?})"),
            Self::LoseAnswer(then) => write!(f, "LoseAnswer({then:?})"),
            Self::PreAuth => f.write_str("PreAuth"),
            Self::LongLine(octets) => write!(f, "LongLine({octets})"),
            Self::ExtraAfterStartTls => f.write_str("ExtraAfterStartTls"),
            Self::DeafIdle => f.write_str("DeafIdle"),
            Self::Meanwhile(_) => f.write_str("Meanwhile(..)"),
            Self::Bend(bend) => write!(f, "Bend({bend:?})"),
        }
    }
}

/// A lie or an oddity in an answer that is otherwise right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bend {
    /// OK, but nothing there: SELECT says `0 EXISTS`, LIST, SEARCH, FETCH say nothing.
    Empty,
    /// VANISHED with its ranges from high to low (`9:4`).
    ReversedVanished,
    /// Mod-sequences lower by this many than they are, down to 1.
    ModSeqBack(u64),
    /// Mod-sequences are 0.
    ModSeqZero,
    /// `[NOMODSEQ]`, and no mod-sequences in STATUS.
    NoModSeq,
    /// No HIGHESTMODSEQ and no NOMODSEQ at all.
    ModSeqMissing,
    /// This as UIDNEXT.
    UidNext(u32),
    /// SELECT gives one UIDVALIDITY, then the mailbox gets another, and SELECT gives that too.
    UidValidityMidway,
    /// Unasked but lawful responses before and after the command's own.
    Sprinkle,
    /// Strings that are usually quoted or atoms come as literals.
    Literals,
    /// NIL for every string that may be NIL, message bodies included.
    Nil,
    /// MOVE moves the first half of the messages, and then says NO.
    HalfMove,
    /// Neither COPYUID nor APPENDUID.
    NoNewUid,
    /// STORE echoes nothing.
    NoEcho,
    /// What STORE echoes has no UID.
    EchoWithoutUid,
}

/// One fault.
#[derive(Clone, Debug)]
pub struct Fault {
    /// When it strikes.
    pub when: Trigger,
    /// What happens.
    pub action: Action,
}

/// Ends what plans have in store for connections that are open; clones share it. What struck before stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Truce(Arc<AtomicBool>);

impl Truce {
    /// From now on nothing more goes wrong.
    pub fn call(&self) {
        self.0.store(true, Relaxed);
    }

    fn is_called(&self) -> bool {
        self.0.load(Relaxed)
    }
}

/// The faults of one connection.
#[derive(Clone, Debug, Default)]
pub struct FaultPlan {
    truce: Truce,
    faults: Vec<Fault>,
    output_limit: Option<(u64, Then)>,
    input_limit: Option<(u64, Then)>,
}

impl FaultPlan {
    /// A server that does nothing wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// One fault besides; of several that strike at one command, all do, in the order in which they were added,
    /// until one ends the command.
    #[must_use]
    pub fn on(mut self, when: Trigger, action: Action) -> Self {
        self.faults.push(Fault { when, action });
        self
    }

    /// After this many octets from the server, compressed ones counted as they are on the wire, nothing more comes.
    #[must_use]
    pub fn cut_output(mut self, octets: u64, then: Then) -> Self {
        self.output_limit = Some((octets, then));
        self
    }

    /// After this many octets from the client the server answers nothing more.
    #[must_use]
    pub fn cut_input(mut self, octets: u64, then: Then) -> Self {
        self.input_limit = Some((octets, then));
        self
    }

    /// All of it only until that truce is called.
    #[must_use]
    pub fn until(mut self, truce: &Truce) -> Self {
        self.truce = truce.clone();
        self
    }

    pub(crate) fn output_limit(&self) -> Option<(u64, Then)> {
        self.output_limit.filter(|_| !self.truce.is_called())
    }

    pub(crate) fn input_limit(&self) -> Option<(u64, Then)> {
        self.input_limit.filter(|_| !self.truce.is_called())
    }

    pub(crate) fn at_greeting(&self) -> Vec<Action> {
        self.matching(|when| *when == Trigger::Greeting)
    }

    /// What strikes at the command that is the `nth` of the connection and the `same`-th of its name.
    pub(crate) fn at_command(&self, name: &str, nth: usize, same: usize) -> Vec<Action> {
        self.matching(|when| match when {
            Trigger::Greeting => false,
            Trigger::Nth(wanted) => *wanted == nth,
            Trigger::Named(wanted, count) => *wanted == name && *count == same,
            Trigger::Every(wanted) => *wanted == name,
            Trigger::Always => true,
        })
    }

    fn matching(&self, strikes: impl Fn(&Trigger) -> bool) -> Vec<Action> {
        let strikes = |fault: &&Fault| strikes(&fault.when) && !self.truce.is_called();
        self.faults.iter().filter(strikes).map(|fault| fault.action.clone()).collect()
    }
}

/// Texts for a NO, with the response codes of RFC 5530 and of well-known servers.
pub mod codes {
    /// The server cannot serve this now.
    pub const UNAVAILABLE: &str = "[UNAVAILABLE] the backend is down for maintenance";
    /// Wrong user or password.
    pub const AUTHENTICATION_FAILED: &str = "[AUTHENTICATIONFAILED] invalid credentials";
    /// The credentials are right, but their time is over.
    pub const EXPIRED: &str = "[EXPIRED] the password has expired";
    /// No room left.
    pub const OVER_QUOTA: &str = "[OVERQUOTA] the mailbox is full";
    /// Too many of something (RFC 9051 section 7.1).
    pub const LIMIT: &str = "[LIMIT] too many connections";
    /// Too many requests, as Gmail says it.
    pub const THROTTLED: &str = "[THROTTLED] too many requests, try again later";
    /// Too many requests, as Exchange Online says it.
    pub const THROTTLED_WITH_DELAY: &str = "Request is throttled. Suggested Backoff Time: 92415 milliseconds";
    /// The mailbox is in use elsewhere.
    pub const IN_USE: &str = "[INUSE] the mailbox is locked";
    /// A fault of the server.
    pub const SERVER_BUG: &str = "[SERVERBUG] internal error occurred";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triggers_count_by_connection_and_by_name() {
        let plan = FaultPlan::none()
            .on(Trigger::Nth(2), Action::Bad)
            .on(Trigger::Named("UID FETCH", 2), Action::No(codes::UNAVAILABLE))
            .on(Trigger::Every("NOOP"), Action::GarbageLine)
            .on(Trigger::Greeting, Action::PreAuth);
        let at = |name, nth, same| format!("{:?}", plan.at_command(name, nth, same));
        assert_eq!(at("SELECT", 2, 1), "[Bad]");
        assert_eq!(at("UID FETCH", 3, 1), "[]");
        assert!(at("UID FETCH", 4, 2).contains("UNAVAILABLE"));
        assert_eq!(at("NOOP", 2, 9), "[Bad, GarbageLine]");
        assert_eq!(format!("{:?}", plan.at_greeting()), "[PreAuth]");
    }

    #[test]
    fn a_truce_ends_what_is_to_come_on_open_connections() {
        let (truce, other) = (Truce::default(), Truce::default());
        let plan =
            FaultPlan::none().on(Trigger::Always, Action::Bad).cut_output(10, Then::Hang).until(&truce);
        let served = plan.clone();
        other.call();
        assert_eq!((served.at_command("NOOP", 1, 1).len(), served.output_limit().is_some()), (1, true));
        truce.call();
        assert_eq!((served.at_command("NOOP", 2, 2).len(), served.output_limit()), (0, None));
    }
}
