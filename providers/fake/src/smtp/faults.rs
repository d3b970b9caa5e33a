//! What a server may do wrong on one connection, and when. A plan is a value; one without faults changes nothing.

use std::time::Duration;

use crate::faults::{Then, Trigger};

/// What happens when a fault strikes. As names of commands, [`Trigger`] takes `EHLO`, `HELO`, `STARTTLS`, `AUTH`, `MAIL`,
/// `RCPT`, `DATA`, `RSET`, `NOOP`, `QUIT`, and `BODY` for a message with its final dot, which counts as a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmtpAction {
    /// This code and text in place of doing the command. 421 closes the connection. As a greeting too.
    Refuse(u16, &'static str),
    /// In place of doing the command, a line that is no reply.
    Garbage,
    /// No answer, and nothing is done.
    Silence(Then),
    /// The command is done, and its answer is lost.
    LoseAnswer(Then),
    /// The command is done, and in place of its answer comes a line that is no reply.
    GarbleAnswer,
    /// The command is done and answered, and another answer comes right behind.
    AnswerTwice,
    /// The command is done and answered after a while.
    Delay(Duration),
    /// At `DATA`: after so many octets of the message the server reads no more of it, and falls silent.
    CutMessage(u64, Then),
    /// At `DATA`: after so many octets of the message the server says this and closes the connection.
    BreakOff(u64, u16, &'static str),
}

/// The faults of one connection.
#[derive(Clone, Debug, Default)]
pub struct SmtpPlan(Vec<(Trigger, SmtpAction)>);

impl SmtpPlan {
    /// A server that does nothing wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// One fault besides; of several that strike at one command, all do, in the order in which they were added, until
    /// one ends the command.
    #[must_use]
    pub fn on(mut self, when: Trigger, action: SmtpAction) -> Self {
        self.0.push((when, action));
        self
    }

    pub(super) fn at_greeting(&self) -> Vec<SmtpAction> {
        self.matching(|when| *when == Trigger::Greeting)
    }

    /// What strikes at the command that is the `nth` of the connection and the `same`-th of its name.
    pub(super) fn at_command(&self, name: &str, nth: usize, same: usize) -> Vec<SmtpAction> {
        self.matching(|when| match when {
            Trigger::Greeting => false,
            Trigger::Nth(wanted) => *wanted == nth,
            Trigger::Named(wanted, count) => *wanted == name && *count == same,
            Trigger::Every(wanted) => *wanted == name,
            Trigger::Always => true,
        })
    }

    fn matching(&self, strikes: impl Fn(&Trigger) -> bool) -> Vec<SmtpAction> {
        self.0.iter().filter(|(when, _)| strikes(when)).map(|(_, action)| action.clone()).collect()
    }
}
