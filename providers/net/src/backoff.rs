//! How long to wait before the next attempt (F6.2): pure, with chance passed in.

use postrider_model::Entropy;

/// Doubling pauses with a cap. Half of each pause is drawn by lot, so that many accounts which failed together do not
/// come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The pause after the first failure, in milliseconds, before chance.
    pub base_ms: u64,
    /// No pause of our own is longer, in milliseconds.
    pub cap_ms: u64,
}

/// A server may ask for a longer pause than our own cap, but not for more than a day.
const LONGEST_WISH_MS: u64 = 24 * 60 * 60 * 1_000;

impl Default for Backoff {
    fn default() -> Self {
        Self { base_ms: 5_000, cap_ms: 30 * 60 * 1_000 }
    }
}

impl Backoff {
    /// The pause in milliseconds after the `failures`-th failure in a row (the first is 1). It is never shorter than what
    /// the server asked for; up to an eighth is put on top of that.
    pub fn pause_ms(&self, failures: u32, wish_ms: Option<u64>, entropy: &dyn Entropy) -> u64 {
        let doubled =
            self.base_ms.saturating_mul(1u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX));
        let full = doubled.min(self.cap_ms);
        let own = full / 2 + draw(full - full / 2, entropy);
        match wish_ms.map(|wish| wish.min(LONGEST_WISH_MS)) {
            Some(wish) => own.max(wish + draw(wish / 8, entropy)),
            None => own,
        }
    }
}

/// A number from 0 to `most`. The modulus favours small numbers by less than one in 10^8 for pauses of a day.
fn draw(most: u64, entropy: &dyn Entropy) -> u64 {
    entropy.next_u64() % most.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug)]
    struct Fixed(u64);

    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.iter_mut().zip(self.0.to_le_bytes()).for_each(|(to, from)| *to = from);
        }
    }

    #[test]
    fn pauses_double_up_to_the_cap() {
        let backoff = Backoff { base_ms: 1_000, cap_ms: 5_000 };
        let least: Vec<u64> = (1..=5).map(|n| backoff.pause_ms(n, None, &Fixed(0))).collect();
        assert_eq!(least, [500, 1_000, 2_000, 2_500, 2_500]);
        assert_eq!(backoff.pause_ms(u32::MAX, None, &Fixed(0)), 2_500);
    }

    #[test]
    fn the_servers_wish_is_honoured_beyond_the_cap_but_not_for_ever() {
        let backoff = Backoff { base_ms: 1_000, cap_ms: 5_000 };
        assert_eq!(backoff.pause_ms(1, Some(300_000), &Fixed(0)), 300_000);
        assert_eq!(backoff.pause_ms(1, Some(u64::MAX), &Fixed(0)), LONGEST_WISH_MS);
        assert_eq!(backoff.pause_ms(1, Some(1), &Fixed(0)), 500);
    }

    proptest! {
        #[test]
        fn chance_moves_a_pause_within_its_half(failures in 0u32..80, chance in any::<u64>(), wish in proptest::option::of(0u64..1_000_000)) {
            let backoff = Backoff::default();
            let (least, got) = (backoff.pause_ms(failures, None, &Fixed(0)), backoff.pause_ms(failures, wish, &Fixed(chance)));
            prop_assert!(got >= least && got >= wish.unwrap_or(0));
            prop_assert!(got <= (2 * least + 1).max(wish.unwrap_or(0) / 8 * 9 + 9));
        }
    }
}
