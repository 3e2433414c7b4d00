//! PCT as its paper has it: d-1 change points in a run of k steps (Burckhardt, Kothari, Musuvathi, Nagarakatte: "A Randomized
//! Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010).
//!
//! Every actor has a random priority above d; the highest enabled one goes on; at the i-th of d-1 steps drawn beforehand the
//! actor that would run gets priority i.
//!
//! What it guarantees: with n actors and k steps a bug of depth d is found with probability at least 1/(n·k^(d-1)). What it
//! does not: runs here have no natural length, so each draws its k, and beyond it the order of priorities stays as it is;
//! operations of the disk are actors too, so n grows with the I/O of a run. See `pct.rs` for change points at a rate.

use std::collections::BTreeMap;

use super::{Random, Strategy};
use crate::choice::{Choice, Kind, OptionId};
use crate::random::Stream;

const LABEL: u64 = 150;

/// Lengths that a run draws from, in steps: from a protocol of a few steps to a run of thousands. A length that is wrong
/// costs a factor of as many as there are, where one guess for all costs a power of how wrong it is.
const LENGTHS: [u64; 6] = [20, 100, 300, 1200, 5000, 20_000];

/// PCT of one depth for actors; faults and values as in [`Random`].
pub struct PctDepth {
    others: Random,
    stream: Stream,
    /// The steps at which priorities change, and to what.
    changes: Vec<(u64, u64)>,
    lowered: BTreeMap<OptionId, u64>,
    steps: u64,
}

impl PctDepth {
    /// A schedule of this depth that is a function of the seed.
    pub fn new(seed: u64, depth: u64) -> Self {
        let stream = Stream::new(seed, LABEL + depth);
        let length = LENGTHS[stream.below(0, LENGTHS.len() as u64) as usize];
        let changes = (1..depth).map(|i| (1 + stream.below(i, length), i)).collect();
        Self { others: Random::new(seed), stream, changes, lowered: BTreeMap::new(), steps: 0 }
    }

    fn priority(&self, actor: OptionId) -> u64 {
        let key = match actor {
            OptionId::Step(id) => id.index() as u64,
            OptionId::Finish { owner, ordinal } => u64::from(owner) << 40 | u64::from(ordinal) << 8 | 1 << 7,
            _ => 0,
        };
        self.lowered.get(&actor).copied().unwrap_or_else(|| self.stream.draw(1000 + key) | 1 << 32)
    }

    fn highest(&self, options: &[OptionId]) -> usize {
        let ranked = options.iter().enumerate();
        ranked.max_by_key(|(_, actor)| self.priority(**actor)).map_or(0, |(index, _)| index)
    }
}

impl Strategy for PctDepth {
    fn choose(&mut self, choice: &Choice<'_>) -> usize {
        if choice.kind != Kind::Who {
            return self.others.choose(choice);
        }
        self.steps += 1;
        let first = self.highest(choice.options);
        let Some((_, priority)) = self.changes.iter().find(|(step, _)| *step == self.steps) else { return first };
        self.lowered.insert(choice.options[first], *priority);
        self.highest(choice.options)
    }

    fn number(&mut self, kind: Kind, key: u64, most: u64) -> u64 {
        self.others.number(kind, key, most)
    }
}
