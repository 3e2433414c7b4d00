//! The only place that makes randomness: one root seed, split by label, drawn by key.
//!
//! A draw is a function of (seed, label, key), not of how many draws came before, so a new draw in one place moves no
//! other. Keys name who asks: the kind of choice, the connection, the ordinal of the operation.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// An independent source of draws.
#[derive(Clone, Copy, Debug)]
pub struct Stream(u64);

impl Stream {
    /// The stream of `label` under a root seed. ChaCha separates the labels: related seeds give unrelated streams.
    pub fn new(seed: u64, label: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(label);
        Self(rng.next_u64())
    }

    /// The draw for a key: 64 uniform bits.
    #[inline]
    pub fn draw(self, key: u64) -> u64 {
        // The finaliser of SplitMix64, which is a bijection with good avalanche.
        let mut x = self.0.wrapping_add(key.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// The draw for a key, uniform below `n`; 0 if `n` is 0.
    #[inline]
    pub fn below(self, key: u64, n: u64) -> u64 {
        // Multiply-shift: the bias of 2^-64 per value is beyond what a run could notice.
        ((u128::from(self.draw(key)) * u128::from(n)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_pinned_across_versions() {
        let stream = Stream::new(7, 1);
        assert_eq!(stream.draw(0), Stream::new(7, 1).draw(0));
        assert_ne!(stream.draw(0), Stream::new(7, 2).draw(0));
        assert_ne!(stream.draw(0), Stream::new(8, 1).draw(0));
        assert_ne!(stream.draw(0), stream.draw(1));
    }

    #[test]
    fn draws_below_n_reach_every_value_about_equally() {
        let stream = Stream::new(1, 1);
        let mut hits = [0_u32; 7];
        (0..7000).for_each(|key| hits[stream.below(key, 7) as usize] += 1);
        assert!(hits.iter().all(|n| (850..1150).contains(n)), "{hits:?}");
        assert_eq!(stream.below(3, 0), 0);
    }
}
