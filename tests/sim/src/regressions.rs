//! Seeds that failed once, with what was wrong. They are lived before all others.

/// Seed, and what it found.
pub const SEEDS: &[(u64, &str)] = &[];
