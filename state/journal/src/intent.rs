//! An intent: the mark, the state, how often it was sent and when it is due. The store keeps it, with the operation as its payload.

use crate::{Event, InvalidTransition, Mark, State};
use postrider_model::Timestamp;
use serde::{Deserialize, Serialize};

/// One remote write on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// By what the write is found again on the server.
    pub mark: Mark,
    /// Where it stands.
    pub state: State,
    /// How often it was sent.
    pub attempt: u32,
    /// Not to be sent or looked up earlier.
    pub due: Timestamp,
}

/// No write is put off for longer: a day at most, where a server asks for that, and an eighth by lot.
const LONGEST_PAUSE_MS: u64 = 27 * 60 * 60 * 1_000;

/// Whether the time has come. One beyond the longest pause was set by a clock that was wrong then, and is put right now.
#[must_use]
pub fn has_come(due: Timestamp, now: Timestamp) -> bool {
    due.0 <= now.0 || due.0 > now.plus_millis(LONGEST_PAUSE_MS).0
}

impl Intent {
    /// A write that is noted and due at once.
    #[must_use]
    pub const fn noted(mark: Mark, now: Timestamp) -> Self {
        Intent { mark, state: State::Noted, attempt: 0, due: now }
    }

    /// Takes an event: the state moves on, a sending counts, and the due time is the event's.
    ///
    /// # Errors
    /// [`InvalidTransition`]; the intent then stays as it was.
    pub fn apply(&mut self, event: Event) -> Result<(), InvalidTransition> {
        self.state = self.state.next(event)?;
        if event == Event::Send {
            self.attempt = self.attempt.saturating_add(1);
        }
        self.due = event.due().unwrap_or(self.due);
        Ok(())
    }

    /// Whether there is something to do with it at `now`: to send it, or to look it up.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        matches!(self.state, State::Noted | State::Unknown) && has_come(self.due, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn noted() -> Intent {
        Intent::noted(Mark::new(1, 2), Timestamp(10))
    }

    #[test]
    fn a_clock_that_was_years_ahead_puts_nothing_off_for_years() {
        let now = Timestamp::from_seconds(1_700_000_000);
        let in_hours = |hours: u64| now.plus_millis(hours * 3_600_000);
        assert!(!has_come(in_hours(1), now) && !has_come(in_hours(27), now));
        assert!(has_come(now, now) && has_come(in_hours(28), now) && has_come(Timestamp(i64::MAX), now));
    }

    #[test]
    fn a_lost_write_is_looked_up_before_it_is_sent_again() {
        let mut intent = noted();
        assert!(intent.is_due(Timestamp(10)) && !intent.is_due(Timestamp(9)));
        intent.apply(Event::Send).unwrap();
        assert!(!intent.is_due(Timestamp::from_seconds(100)), "it is on the wire");
        intent.apply(Event::Lost { due: Timestamp(20) }).unwrap();
        assert!(intent.apply(Event::Send).is_err());
        assert_eq!((intent.state, intent.attempt, intent.due), (State::Unknown, 1, Timestamp(20)));
        intent.apply(Event::Undecided { due: Timestamp(30) }).unwrap();
        assert!(!intent.is_due(Timestamp(29)) && intent.is_due(Timestamp(30)));
        intent.apply(Event::Absent { due: Timestamp(40) }).unwrap();
        intent.apply(Event::Send).unwrap();
        intent.apply(Event::Done).unwrap();
        assert_eq!((intent.state, intent.attempt), (State::Done, 2));
        assert!(!intent.is_due(Timestamp(i64::MAX)));
    }

    fn event() -> impl Strategy<Value = Event> {
        let due = (0_i64..100).prop_map(Timestamp);
        (0..11, due).prop_map(|(kind, due)| match kind {
            0 => Event::Send,
            1 => Event::Done,
            2 => Event::Stale,
            3 => Event::Refused,
            4 => Event::Deferred { due },
            5 => Event::Lost { due },
            6 => Event::Restarted,
            7 => Event::Found,
            8 => Event::Absent { due },
            9 => Event::Undecided { due },
            _ => Event::Withdraw,
        })
    }

    proptest! {
        /// Invariant I4: between two sendings the server said that it did not do the first, or a look found nothing.
        #[test]
        fn no_write_is_sent_twice_without_an_answer_or_a_look(events in prop::collection::vec(event(), 0..40)) {
            let mut intent = noted();
            let mut may_send = true;
            for event in events {
                let before = intent.clone();
                if intent.apply(event).is_err() {
                    prop_assert_eq!(&intent, &before);
                    continue;
                }
                prop_assert!(!before.state.is_final() || intent == before);
                match event {
                    Event::Send => {
                        prop_assert!(may_send);
                        may_send = false;
                    }
                    Event::Deferred { .. } | Event::Absent { .. } => may_send = true,
                    _ => {}
                }
            }
        }
    }
}
