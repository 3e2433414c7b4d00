//! Priorities with change points, after PCT (Burckhardt, Kothari, Musuvathi, Nagarakatte: "A Randomized Scheduler with
//! Probabilistic Guarantees of Finding Bugs", ASPLOS 2010).
//!
//! Every actor has a random priority; the highest one that is enabled goes on. At random change points the actor that
//! would run falls behind all others. So one actor can be held back for as long as others need for a whole commit and
//! checkpoint, which a random walk practically never does.
//!
//! What PCT guarantees: in a program of n threads and k steps a bug of depth d is found with probability at least
//! 1/(n·k^(d-1)). What this one does not: its clients never end, so change points come at a rate instead of d-1 in all,
//! and the bound holds for the window between two of them only. The rate differs from run to run.

use std::collections::BTreeMap;

use super::{Random, Strategy};
use crate::choice::{Choice, Kind, OptionId};
use crate::random::Stream;

/// Mean actions between change points; a run draws one of these.
const INTERVALS: [u64; 4] = [30, 150, 600, 2400];

/// The label of this strategy's own streams, behind those of the kinds.
const LABEL: u64 = 100;

/// Priorities with change points for actors; faults and values as in [`Random`].
pub struct Pct {
    others: Random,
    priorities: Stream,
    changes: Stream,
    interval: u64,
    /// Priorities that have been lowered; all are below the drawn ones.
    lowered: BTreeMap<OptionId, u64>,
    /// The next lowered priority.
    floor: u64,
}

impl Pct {
    /// A schedule that is a function of the seed.
    pub fn new(seed: u64) -> Self {
        let priorities = Stream::new(seed, LABEL);
        let interval = INTERVALS[priorities.below(0, INTERVALS.len() as u64) as usize];
        Self {
            others: Random::new(seed),
            priorities,
            changes: Stream::new(seed, LABEL + 1),
            interval,
            lowered: BTreeMap::new(),
            floor: 1 << 32,
        }
    }

    fn priority(&self, actor: OptionId) -> u64 {
        let drawn = || {
            let key = match actor {
                OptionId::Step(id) => id.index() as u64,
                // Each operation of the disk is an actor of its own.
                OptionId::Finish { owner, ordinal } => u64::from(owner) << 40 | u64::from(ordinal) << 8 | 1 << 7,
                _ => 0,
            };
            self.priorities.draw(1 + key) | 1 << 63
        };
        self.lowered.get(&actor).copied().unwrap_or_else(drawn)
    }
}

impl Strategy for Pct {
    fn choose(&mut self, choice: &Choice<'_>) -> usize {
        if choice.kind != Kind::Who {
            return self.others.choose(choice);
        }
        let highest = |strategy: &Self| {
            let ranked = choice.options.iter().enumerate();
            ranked.max_by_key(|(_, actor)| strategy.priority(**actor)).map_or(0, |(index, _)| index)
        };
        let first = highest(self);
        if self.changes.below(choice.key, self.interval) != 0 {
            return first;
        }
        // Only connections come back; an operation that has ended needs no priority any more.
        if let OptionId::Step(_) = choice.options[first] {
            self.floor -= 1;
            self.lowered.insert(choice.options[first], self.floor);
        }
        highest(self)
    }

    fn number(&mut self, kind: Kind, key: u64, most: u64) -> u64 {
        self.others.number(kind, key, most)
    }
}
