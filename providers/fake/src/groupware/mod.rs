//! A server of contacts, calendars and tasks in memory, with several users who invite one another.
//!
//! | file | holds |
//! |---|---|
//! | `habits` | [`Habits`]: what the server is like; as Google, as Exchange |
//! | `state`, `shelf`, `listing` | accounts, items with all their states, cursors and pages |
//! | `contacts`, `events`, `calendars`, `meetings` | what can be done, and what travels between people |
//! | `rewriting`, `zones` | what the server makes of what it is given |
//! | `notices` | [`SentMail`]: each mail to people, and who may have it sent |
//! | `faults` | [`Trouble`]: what goes wrong, at which step |
//! | `heads` | [`FakeContacts`], [`FakeCalendars`]: the remote traits over it |
//! | `somebody` | [`Somebody`]: what another client does, and the plain view of what is there |
//!
//! Rules: it is stricter than the real servers. What those refuse is refused; what they would let pass though it is a mistake of ours is
//! refused too, and kept in [`Groupware::violations`]: a second item for one mark or uid, a copy made for somebody to whom it is delivered,
//! mail that no person's change asked for or that was asked for twice, a change reckoned from an old image, an answer given for another,
//! keys and cursors that it never gave out or gave out for something else. Ids are counted and the clock is handed in, so that the same
//! calls give the same server. It knows no wire.

mod calendars;
mod contacts;
mod events;
mod faults;
mod habits;
mod heads;
mod listing;
mod meetings;
mod notices;
mod rewriting;
mod shelf;
mod somebody;
mod state;
mod zones;

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use postrider_model::{Clock, Timestamp};

pub use faults::{Step, Trouble};
pub use habits::{Habits, Notices, SecondCreate, Writing};
pub use heads::{FakeCalendars, FakeContacts};
pub use notices::{Notice, SentMail};
pub use somebody::Somebody;

use crate::Trigger;
use heads::Head;
use state::{State, fold};

/// What another client's act came to; why it was refused, in words.
pub type CoreResult<T> = Result<T, String>;

/// A clock that shows what it was set to; clones share it.
#[derive(Clone, Debug, Default)]
pub struct SetClock(Arc<AtomicI64>);

impl SetClock {
    /// A clock that shows this.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(now.0)))
    }

    /// Goes on by so many milliseconds.
    pub fn pass(&self, millis: u64) {
        let now = Timestamp(self.0.load(Relaxed)).plus_millis(millis);
        self.0.store(now.0, Relaxed);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Relaxed))
    }
}

/// A handle on one server; clones share it.
#[derive(Clone, Debug)]
pub struct Groupware(Arc<Mutex<State>>);

impl Groupware {
    /// A server without accounts.
    pub fn new(habits: Habits, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Mutex::new(State::new(habits, clock))))
    }

    /// The same server with the same past, apart from this one from now on and by its own clock. What was to go wrong goes wrong here alone.
    #[must_use]
    pub fn fork(&self, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Mutex::new(self.lock().fork(clock))))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an account with the collections that every one has; one that is there stays.
    pub fn add_account(&self, address: &str) -> Somebody {
        let somebody = self.somebody(address);
        somebody.furnish();
        somebody
    }

    /// Acts in an account as another client of its user would.
    pub fn somebody(&self, address: &str) -> Somebody {
        Somebody::new(self.clone(), fold(address))
    }

    /// The account's contacts as a provider gives them. Of an unknown account every call is refused.
    pub fn contacts(&self, address: &str) -> FakeContacts {
        FakeContacts(Head { server: self.clone(), account: fold(address) })
    }

    /// The account's calendars as a provider gives them.
    pub fn calendars(&self, address: &str) -> FakeCalendars {
        FakeCalendars(Head { server: self.clone(), account: fold(address) })
    }

    /// A person changed that activity in the account: one more change of it, by the uid it has here or was given, may have mail sent.
    pub fn announce(&self, address: &str, uid: &str) {
        *self.lock().announced.entry((fold(address), uid.to_owned())).or_default() += 1;
    }

    /// What clients did against the contract, in order; a test asserts that this is empty.
    pub fn violations(&self) -> Vec<String> {
        self.lock().violations.clone()
    }

    /// All mail that went out, in order.
    pub fn sent_mail(&self) -> Vec<SentMail> {
        self.lock().sent.clone()
    }

    /// The steps that were taken since the last call, in order.
    pub fn take_steps(&self) -> Vec<Step> {
        self.lock().troubles.take_steps()
    }

    /// Something goes wrong at a step, of every account or of one; [`Trigger::Greeting`] never strikes.
    pub fn trouble(&self, account: Option<&str>, when: Trigger, trouble: Trouble) {
        self.lock().troubles.add(account, when, trouble);
    }

    /// Nothing more goes wrong, and steps are counted from 1 again.
    pub fn end_troubles(&self) {
        self.lock().troubles.end();
    }

    /// The cursors that were given out hold no more (410, `EXPIRED_SYNC_TOKEN`, `ErrorInvalidSyncStateData`).
    pub fn expire_cursors(&self) {
        let mut state = self.lock();
        state.dead_cursors = state.cursors;
    }

    /// What its clock shows.
    pub fn server_time(&self) -> Timestamp {
        self.lock().server_time()
    }
}
