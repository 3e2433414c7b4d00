//! The random walk: at every step each enabled actor is equally likely.
//!
//! What it guarantees: every schedule of n steps with at most k enabled actors has probability at least k^-n. What it
//! does not: schedules that need one actor to stay behind for long are exponentially unlikely.

use super::Strategy;
use crate::choice::{Choice, Kind};
use crate::random::Stream;

/// Answers by draws from one stream per kind, so that kinds do not disturb each other.
pub struct Random {
    streams: [Stream; Kind::ALL.len()],
}

impl Random {
    /// A walk that is a function of the seed.
    pub fn new(seed: u64) -> Self {
        Self { streams: Kind::ALL.map(|kind| Stream::new(seed, kind as u64)) }
    }
}

impl Strategy for Random {
    #[inline]
    fn choose(&mut self, choice: &Choice<'_>) -> usize {
        let stream = self.streams[choice.kind as usize];
        if choice.weights.is_empty() {
            return stream.below(choice.key, choice.options.len() as u64) as usize;
        }
        let total: u64 = choice.weights.iter().map(|&weight| u64::from(weight)).sum();
        let mut left = stream.below(choice.key, total);
        for (index, &weight) in choice.weights.iter().enumerate() {
            match left.checked_sub(u64::from(weight)) {
                None => return index,
                Some(rest) => left = rest,
            }
        }
        0
    }

    fn number(&mut self, kind: Kind, key: u64, most: u64) -> u64 {
        self.streams[kind as usize].below(key, most.saturating_add(1))
    }
}
