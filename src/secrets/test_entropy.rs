//! Chance for tests: octets that count up from a seed.

use std::sync::atomic::{AtomicU8, Ordering};

use postrider_model::Entropy;

/// Fills with numbers that count up.
#[derive(Debug)]
pub(super) struct Counting(AtomicU8);

impl Counting {
    pub(super) fn new(first: u8) -> Self {
        Self(AtomicU8::new(first))
    }
}

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        for octet in buffer {
            *octet = self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}
