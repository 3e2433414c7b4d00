//! Round robin: everybody in turn, for so many steps at a time.
//!
//! What it guarantees: nobody starves. What it does not: it tries few schedules, one for each number of steps and each first
//! actor; faults and values are random. It is the baseline that every other strategy must beat.

use falken_models::connection::StatementId;

use super::{Random, Strategy};
use crate::choice::{Choice, Kind, OptionId};
use crate::random::Stream;

const LABEL: u64 = 140;

/// Takes turns; faults and values as in [`Random`].
pub struct RoundRobin {
    others: Random,
    steps_per_turn: u64,
    steps_left: u64,
    last: OptionId,
}

impl RoundRobin {
    /// A schedule that is a function of the seed.
    pub fn new(seed: u64) -> Self {
        let stream = Stream::new(seed, LABEL);
        let steps_per_turn = 1 << stream.below(0, 7);
        let last = OptionId::Step(StatementId::first(stream.below(1, 64) as u8));
        Self { others: Random::new(seed), steps_per_turn, steps_left: 0, last }
    }
}

impl Strategy for RoundRobin {
    fn choose(&mut self, choice: &Choice<'_>) -> usize {
        if choice.kind != Kind::Who {
            return self.others.choose(choice);
        }
        if self.steps_left > 0
            && let Some(index) = choice.options.iter().position(|actor| *actor == self.last)
        {
            self.steps_left -= 1;
            return index;
        }
        // Options stand in a fixed order: connections by number, then operations by age.
        let index = choice.options.iter().position(|actor| *actor > self.last).unwrap_or(0);
        self.last = choice.options[index];
        self.steps_left = self.steps_per_turn - 1;
        index
    }

    fn number(&mut self, kind: Kind, key: u64, most: u64) -> u64 {
        self.others.number(kind, key, most)
    }
}
