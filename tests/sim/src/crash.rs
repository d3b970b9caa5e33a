//! Where a program dies: at a chosen job of the store or call of a server, done or not, or at a chosen octet on a wire.
//!
//! Rule: from that point on nothing that the program does has any effect. Jobs are dropped, calls and wires stand still, and whoever
//! runs the program hears of it and drops it.

use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use tokio::sync::Notify;

/// A point in a program's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashAt {
    /// Before the n-th job of the store is done, counted from 1.
    BeforeJob(u64),
    /// After the n-th job was done and before anybody hears of it.
    AfterJob(u64),
    /// At the n-th octet on all wires together, counted from 1.
    Octet(u64),
    /// Before the n-th call of a server of contacts or activities does anything, counted from 1.
    BeforeCall(u64),
    /// After the n-th call was done and before its answer is heard.
    AfterCall(u64),
}

impl fmt::Display for CrashAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BeforeJob(n) => write!(f, "before store job {n}"),
            Self::AfterJob(n) => write!(f, "after store job {n}"),
            Self::Octet(n) => write!(f, "at octet {n} on the wire"),
            Self::BeforeCall(n) => write!(f, "before call {n}"),
            Self::AfterCall(n) => write!(f, "after call {n}"),
        }
    }
}

type AtDeath = Box<dyn FnOnce() + Send>;
type BetweenJobs = Box<dyn FnMut(u64) + Send>;

/// One life of the program: how far it came, and where it ends.
pub struct Life {
    end: Mutex<Option<CrashAt>>,
    at_death: Mutex<Option<AtDeath>>,
    between_jobs: Mutex<Option<BetweenJobs>>,
    jobs: AtomicU64,
    octets: AtomicU64,
    calls: AtomicU64,
    trips: AtomicU64,
    dead: AtomicBool,
    died: Notify,
}

impl fmt::Debug for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Life").field("end", &self.end()).field("jobs", &self.jobs()).finish_non_exhaustive()
    }
}

impl Life {
    /// A life with that end; `None`: it ends by itself.
    pub fn new(end: Option<CrashAt>) -> Self {
        Self {
            end: Mutex::new(end),
            at_death: Mutex::new(None),
            between_jobs: Mutex::new(None),
            jobs: AtomicU64::new(0),
            octets: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            trips: AtomicU64::new(0),
            dead: AtomicBool::new(false),
            died: Notify::new(),
        }
    }

    /// Has that done in the very moment of death, before anything is closed: to see the disk as a power loss leaves it.
    #[must_use]
    pub fn at_death(self, act: impl FnOnce() + Send + 'static) -> Self {
        *self.at_death.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(act));
        self
    }

    /// Has that done after each job of the store, with the job's number: somebody else's transactions, beside the program's.
    #[must_use]
    pub fn between_jobs(self, act: impl FnMut(u64) + Send + 'static) -> Self {
        *self.between_jobs.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(act));
        self
    }

    fn end(&self) -> Option<CrashAt> {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has it end after so much more of it as is counted in `at`.
    pub fn end_after(&self, at: CrashAt) {
        let end = match at {
            CrashAt::BeforeJob(n) => CrashAt::BeforeJob(self.jobs() + n),
            CrashAt::AfterJob(n) => CrashAt::AfterJob(self.jobs() + n),
            CrashAt::Octet(n) => CrashAt::Octet(self.octets() + n),
            CrashAt::BeforeCall(n) => CrashAt::BeforeCall(self.calls() + n),
            CrashAt::AfterCall(n) => CrashAt::AfterCall(self.calls() + n),
        };
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
    }

    /// Whether it is over.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Relaxed)
    }

    /// Waits for its end; for ever where none comes.
    pub async fn over(&self) {
        while !self.is_dead() {
            self.died.notified().await;
        }
    }

    /// Jobs of the store so far.
    pub fn jobs(&self) -> u64 {
        self.jobs.load(Relaxed)
    }

    /// Octets on the wires so far.
    pub fn octets(&self) -> u64 {
        self.octets.load(Relaxed)
    }

    /// Calls of servers of contacts and activities so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Relaxed)
    }

    /// Round trips so far: a client spoke that had heard something since it spoke last.
    pub fn trips(&self) -> u64 {
        self.trips.load(Relaxed)
    }

    pub(crate) fn begins_trip(&self) {
        self.trips.fetch_add(1, Relaxed);
    }

    fn die(&self) {
        if !self.dead.swap(true, Relaxed) {
            if let Some(act) = self.at_death.lock().unwrap_or_else(PoisonError::into_inner).take() {
                act();
            }
            self.died.notify_one();
        }
    }

    /// Counts a job that is about to be done; false where it is not done any more.
    pub(crate) fn begins_job(&self) -> bool {
        if self.is_dead() {
            return false;
        }
        let nth = self.jobs.fetch_add(1, Relaxed) + 1;
        if self.end() == Some(CrashAt::BeforeJob(nth)) {
            self.die();
        }
        !self.is_dead()
    }

    /// A job was done.
    pub(crate) fn ended_job(&self) {
        if let Some(act) = self.between_jobs.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            act(self.jobs());
        }
        if self.end() == Some(CrashAt::AfterJob(self.jobs())) {
            self.die();
        }
    }

    /// Counts a call that is about to be made; false where it is not made any more.
    pub(crate) fn begins_call(&self) -> bool {
        if self.is_dead() {
            return false;
        }
        let nth = self.calls.fetch_add(1, Relaxed) + 1;
        if self.end() == Some(CrashAt::BeforeCall(nth)) {
            self.die();
        }
        !self.is_dead()
    }

    /// Whether it ends as soon as the call that was begun last is done.
    pub(crate) fn dies_after_call(&self) -> bool {
        self.is_dead() || self.end() == Some(CrashAt::AfterCall(self.calls()))
    }

    /// A call was done; false where nobody hears of it any more.
    pub(crate) fn ended_call(&self) -> bool {
        if self.end() == Some(CrashAt::AfterCall(self.calls())) {
            self.die();
        }
        !self.is_dead()
    }

    /// How many of so many octets still travel; 0 where life is over.
    pub(crate) fn travels(&self, octets: usize) -> usize {
        if self.is_dead() {
            return 0;
        }
        let before = self.octets();
        let room = match self.end() {
            Some(CrashAt::Octet(n)) => n.saturating_sub(1).saturating_sub(before),
            _ => u64::MAX,
        };
        let travels = (octets as u64).min(room);
        self.octets.fetch_add(travels, Relaxed);
        if travels < octets as u64 {
            self.die();
        }
        usize::try_from(travels).unwrap_or(octets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_ends_where_it_was_told_to() {
        let before = Life::new(Some(CrashAt::BeforeJob(2)));
        assert!(before.begins_job());
        before.ended_job();
        assert!(!before.begins_job() && before.is_dead());

        let after = Life::new(Some(CrashAt::AfterJob(1)));
        assert!(after.begins_job());
        after.ended_job();
        assert!(after.is_dead() && !after.begins_job());

        let unheard = Life::new(Some(CrashAt::AfterCall(2)));
        assert!(unheard.begins_call() && unheard.ended_call());
        assert!(unheard.begins_call() && !unheard.ended_call());
        assert!(!unheard.begins_call() && !unheard.begins_job());
        let unmade = Life::new(Some(CrashAt::BeforeCall(1)));
        assert!(!unmade.begins_call() && unmade.is_dead());

        let wire = Life::new(Some(CrashAt::Octet(4)));
        assert_eq!((wire.travels(2), wire.travels(2), wire.travels(2)), (2, 1, 0));
        assert!(wire.is_dead() && !wire.begins_job());
        assert_eq!(Life::new(None).travels(1 << 30), 1 << 30);
    }
}
