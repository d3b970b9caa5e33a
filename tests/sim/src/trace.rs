//! What happened, as one hash: every octet on every wire, every job of the store, every change on the servers, every report.
//!
//! Rule: two runs of one seed have the same trace, or something in the program asks the world behind the seams' back.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use blake3::{Hash, Hasher};

/// The trace of one seed.
pub struct Trace(Mutex<Inner>);

struct Inner {
    hasher: Hasher,
    steps: u64,
    aloud: bool,
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").field("steps", &self.steps()).finish_non_exhaustive()
    }
}

impl Trace {
    /// An empty trace; one that is `aloud` prints what happens.
    pub fn new(aloud: bool) -> Self {
        Self(Mutex::new(Inner { hasher: Hasher::new(), steps: 0, aloud }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One step: a command, a job, a change, a report.
    pub fn step(&self, what: impl FnOnce() -> String) {
        let what = what();
        let mut inner = self.lock();
        inner.steps += 1;
        inner.take(what.as_bytes());
        if inner.aloud {
            say(&what);
        }
    }

    /// Octets of a connection.
    pub fn octets(&self, connection: u64, from_client: bool, octets: &[u8]) {
        let mut inner = self.lock();
        inner.hasher.update(&connection.to_le_bytes());
        inner.hasher.update(&[u8::from(from_client)]);
        inner.take(octets);
        if inner.aloud && !octets.is_empty() {
            let who = if from_client { "C" } else { "S" };
            say(&format!("  {who}{connection}: {}", octets.escape_ascii()));
        }
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.lock().steps
    }

    /// The hash of all that happened so far.
    pub fn hash(&self) -> Hash {
        self.lock().hasher.finalize()
    }
}

impl Inner {
    fn take(&mut self, octets: &[u8]) {
        self.hasher.update(&(octets.len() as u64).to_le_bytes());
        self.hasher.update(octets);
    }
}

#[expect(clippy::disallowed_macros, reason = "a person asked to see one seed")]
fn say(line: &str) {
    eprintln!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_bounds_are_part_of_the_hash() {
        let hash = |steps: &[&str]| {
            let trace = Trace::new(false);
            steps.iter().for_each(|step| trace.step(|| (*step).to_owned()));
            (trace.hash(), trace.steps())
        };
        assert_eq!(hash(&["a", "b"]), hash(&["a", "b"]));
        assert_ne!(hash(&["a", "b"]).0, hash(&["b", "a"]).0);
        assert_ne!(hash(&["ab", "c"]).0, hash(&["a", "bc"]).0);
    }
}
