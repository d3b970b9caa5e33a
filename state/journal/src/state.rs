//! The states of an intent, and the one function by which it goes from one to the next.

use postrider_model::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// Where a remote write stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// In the journal, not on the wire.
    Noted,
    /// On the wire, perhaps in part; no answer yet.
    Sent,
    /// Sent, and nobody knows what became of it. To be looked up by its mark.
    Unknown,
    /// The server has it. The end.
    Done,
    /// The condition of the write failed: the remote side has changed, and a plan decides again (I5). The end.
    Stale,
    /// The server refused it for good. The end.
    Failed,
    /// Taken back before it was sent. The end.
    Withdrawn,
}

impl State {
    /// All states, in their order.
    pub const ALL: [State; 7] = [
        State::Noted,
        State::Sent,
        State::Unknown,
        State::Done,
        State::Stale,
        State::Failed,
        State::Withdrawn,
    ];

    /// Whether nothing more can happen.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, State::Done | State::Stale | State::Failed | State::Withdrawn)
    }

    /// The word for it in the store and in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Noted => "noted",
            State::Sent => "sent",
            State::Unknown => "unknown",
            State::Done => "done",
            State::Stale => "stale",
            State::Failed => "failed",
            State::Withdrawn => "withdrawn",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// The state after `event`.
    ///
    /// # Errors
    /// [`InvalidTransition`] for an event that cannot happen in this state; the state then stays.
    pub const fn next(self, event: Event) -> Result<State, InvalidTransition> {
        Ok(match (self, event) {
            (State::Noted, Event::Send) => State::Sent,
            (State::Noted, Event::Withdraw) => State::Withdrawn,
            (State::Noted, Event::Restarted) => State::Noted,
            (State::Sent, Event::Done) | (State::Unknown, Event::Found) => State::Done,
            (State::Sent, Event::Stale) => State::Stale,
            (State::Sent, Event::Refused) => State::Failed,
            (State::Sent, Event::Deferred { .. }) | (State::Unknown, Event::Absent { .. }) => State::Noted,
            (State::Sent, Event::Lost { .. } | Event::Restarted)
            | (State::Unknown, Event::Undecided { .. } | Event::Restarted) => State::Unknown,
            (ended, Event::Restarted) if ended.is_final() => ended,
            (from, event) => return Err(InvalidTransition { from, event }),
        })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What happens to a remote write. `due` is when to go on, at the earliest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It goes out now.
    Send,
    /// The server confirmed it.
    Done,
    /// The server found the condition of the write failed.
    Stale,
    /// The server refused it, and will refuse it again.
    Refused,
    /// The server did not do it, but may later.
    Deferred {
        /// End of the back-off.
        due: Timestamp,
    },
    /// The connection or the answer was lost.
    Lost {
        /// When a look is worth while: servers whose lists lag need minutes.
        due: Timestamp,
    },
    /// Postrider starts, and nothing that was on the wire is any more.
    Restarted,
    /// A look found the mark.
    Found,
    /// A look that could not miss it did not find the mark.
    Absent {
        /// When to send again.
        due: Timestamp,
    },
    /// A look failed, or cannot tell yet.
    Undecided {
        /// When to look again.
        due: Timestamp,
    },
    /// A person or a plan took it back.
    Withdraw,
}

impl Event {
    /// From when on the intent is due again, where the event says so.
    #[must_use]
    pub const fn due(self) -> Option<Timestamp> {
        match self {
            Event::Deferred { due }
            | Event::Lost { due }
            | Event::Absent { due }
            | Event::Undecided { due } => Some(due),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Event::Send => "send",
            Event::Done => "done",
            Event::Stale => "stale",
            Event::Refused => "refused",
            Event::Deferred { .. } => "deferred",
            Event::Lost { .. } => "lost",
            Event::Restarted => "restarted",
            Event::Found => "found",
            Event::Absent { .. } => "absent",
            Event::Undecided { .. } => "undecided",
            Event::Withdraw => "withdraw",
        }
    }
}

/// An event that cannot happen in the state: a defect of the caller, and never a reason to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an intent that is {from} cannot take the event `{}`", event.name())]
pub struct InvalidTransition {
    /// The state, which stays.
    pub from: State,
    /// What was said to have happened.
    pub event: Event,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for state in State::ALL {
            assert_eq!(State::from_name(state.as_str()), Some(state));
        }
        assert_eq!(State::from_name("other"), None);
    }

    const DUE: Timestamp = Timestamp(7);

    const EVENTS: [Event; 11] = [
        Event::Send,
        Event::Done,
        Event::Stale,
        Event::Refused,
        Event::Deferred { due: DUE },
        Event::Lost { due: DUE },
        Event::Restarted,
        Event::Found,
        Event::Absent { due: DUE },
        Event::Undecided { due: DUE },
        Event::Withdraw,
    ];

    /// A line a state, a column an event; the letters are those of the states, `.` is refused.
    const TABLE: [&str; 7] = [
        // send done stale refused deferred lost restarted found absent undecided withdraw
        "S.....N...W", // noted
        ".DTFNUU....", // sent
        "......UDNU.", // unknown
        "......D....", // done
        "......T....", // stale
        "......F....", // failed
        "......W....", // withdrawn
    ];

    fn letter(state: State) -> char {
        match state {
            State::Noted => 'N',
            State::Sent => 'S',
            State::Unknown => 'U',
            State::Done => 'D',
            State::Stale => 'T',
            State::Failed => 'F',
            State::Withdrawn => 'W',
        }
    }

    #[test]
    fn every_pair_of_state_and_event_is_decided() {
        for (state, line) in State::ALL.into_iter().zip(TABLE) {
            let got: String = EVENTS.into_iter().map(|event| state.next(event).map_or('.', letter)).collect();
            assert_eq!(got, line, "{state}");
        }
    }

    #[test]
    fn an_invalid_transition_says_what_was_tried() {
        let error = State::Unknown.next(Event::Send).unwrap_err();
        assert_eq!(error.to_string(), "an intent that is unknown cannot take the event `send`");
        assert_eq!(error, InvalidTransition { from: State::Unknown, event: Event::Send });
    }

    #[test]
    fn only_some_events_set_a_time() {
        let with_due: Vec<_> =
            EVENTS.into_iter().filter(|event| event.due() == Some(DUE)).map(Event::name).collect();
        assert_eq!(with_due, ["deferred", "lost", "absent", "undecided"]);
        assert_eq!(EVENTS.into_iter().filter(|event| event.due().is_none()).count(), 7);
    }

    #[test]
    fn the_words_are_those_of_serde_and_different() {
        let words: std::collections::BTreeSet<_> = State::ALL.into_iter().map(State::as_str).collect();
        assert_eq!(words.len(), State::ALL.len());
        assert!(State::ALL.into_iter().all(|state| format!("{state:?}").to_lowercase() == state.as_str()));
    }
}
