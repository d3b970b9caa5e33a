//! Chance from a seed: everything that the simulation draws, and the entropy that the program is given.
//!
//! Rule: streams for different purposes are independent, so that one more draw in one of them moves nothing in another.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use blake3::{Hasher, OutputReader};
use postrider_model::Entropy;

/// A stream of numbers.
pub struct Chance {
    stream: OutputReader,
}

impl Chance {
    /// The stream of that seed for that purpose.
    pub fn new(seed: u64, purpose: &str) -> Self {
        let mut hasher = Hasher::new_derive_key("postrider simulation 2026-11");
        hasher.update(&seed.to_le_bytes());
        hasher.update(purpose.as_bytes());
        Self { stream: hasher.finalize_xof() }
    }

    /// A stream of its own, which is drawn from this one.
    #[must_use]
    pub fn split(&mut self) -> Self {
        Self::new(self.number(), "split")
    }

    /// A number drawn evenly from all of them.
    pub fn number(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.stream.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// A number below `end`; 0 where there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        // The lean of the modulo is of no account for ends as small as ours.
        self.number().checked_rem(end).unwrap_or(0)
    }

    /// A number of the range, both ends included.
    pub fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last.saturating_sub(first) + 1)
    }

    /// True so many times out of a hundred.
    pub fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    /// One of them; `None` where there is none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let at = self.below(from.len() as u64);
        from.get(usize::try_from(at).unwrap_or(0))
    }

    /// At most so many of them, in their order.
    pub fn some<T: Clone>(&mut self, from: &[T], most: usize) -> Vec<T> {
        let mut left = from.to_vec();
        let wanted = self.between(1, most.max(1) as u64) as usize;
        while left.len() > wanted {
            let at = self.below(left.len() as u64) as usize;
            left.remove(at);
        }
        left
    }
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chance").finish_non_exhaustive()
    }
}

/// What the program under test draws from.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<Chance>);

impl SeededEntropy {
    /// From that stream.
    pub fn new(chance: Chance) -> Self {
        Self(Mutex::new(chance))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).stream.fill(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_stream_and_another_purpose_another() {
        let draw = |seed, purpose| -> Vec<u64> {
            let mut chance = Chance::new(seed, purpose);
            (0..8).map(|_| chance.number()).collect()
        };
        assert_eq!(draw(1, "mail"), draw(1, "mail"));
        assert_ne!(draw(1, "mail"), draw(1, "faults"));
        assert_ne!(draw(1, "mail"), draw(2, "mail"));
    }

    #[test]
    fn what_is_picked_is_among_what_is_offered() {
        let mut chance = Chance::new(7, "test");
        assert_eq!(chance.pick::<u8>(&[]), None);
        for _ in 0..100 {
            assert!((3..=5).contains(&chance.between(3, 5)));
            let some = chance.some(&[1, 2, 3, 4], 2);
            assert!((1..=2).contains(&some.len()) && some.is_sorted());
        }
    }
}
