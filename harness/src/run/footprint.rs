//! Where a run has been: a set of situations, for whoever wants runs that find new ones.

use falken_models::digest::mix;

use crate::choice::Standing;

const WORDS: usize = 1024;

/// A set of situations, hashed to 65,536 bits. A situation is where all connections stand, whoever they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footprint(Vec<u64>);

impl Default for Footprint {
    fn default() -> Self {
        Self(vec![0; WORDS])
    }
}

impl Footprint {
    /// Takes a situation in.
    #[inline]
    pub fn note(&mut self, situation: u64) {
        let bit = mix(situation, 0) as usize % (WORDS * 64);
        self.0[bit / 64] |= 1 << (bit % 64);
    }

    /// Takes all of another set in, and counts what is new.
    pub fn add(&mut self, other: &Self) -> u64 {
        let add = |(seen, more): (&mut u64, &u64)| {
            let new = more & !*seen;
            *seen |= new;
            u64::from(new.count_ones())
        };
        self.0.iter_mut().zip(&other.0).map(add).sum()
    }
}

/// What one connection contributes to a situation.
#[inline]
pub(super) fn share(standing: &Standing) -> u64 {
    standing.site.map_or(0, |site| mix(1, site as u64))
}
