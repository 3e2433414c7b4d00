//! Partial order sampling (Yuan, Yang, Gu: "Partial Order Aware Concurrency Sampling", CAV 2018).
//!
//! Every pending event has a random priority; the highest enabled one happens, and the priorities of all pending events
//! that race with it are drawn again. So what does not race keeps its order, and the samples spread over partial orders
//! instead of over interleavings.
//!
//! What it guarantees: every partial order has a probability that does not shrink with events that race with nothing. What
//! it does not: anything about events whose objects are guessed wrongly (see `access.rs`), and it rarely holds somebody back
//! for long.

use std::collections::BTreeMap;

use super::access::{Accesses, Object};
use super::{Random, Strategy};
use crate::choice::{Choice, Kind, OptionId};
use crate::random::Stream;

const LABEL: u64 = 110;

/// Partial order sampling for actors; faults and values as in [`Random`].
pub struct Pos {
    others: Random,
    stream: Stream,
    drawn: u64,
    accesses: Accesses,
    priorities: BTreeMap<OptionId, u64>,
}

impl Pos {
    /// A schedule that is a function of the seed.
    pub fn new(seed: u64) -> Self {
        Self {
            others: Random::new(seed),
            stream: Stream::new(seed, LABEL),
            drawn: 0,
            accesses: Accesses::default(),
            priorities: BTreeMap::new(),
        }
    }

    fn draw(&mut self) -> u64 {
        self.drawn += 1;
        self.stream.draw(self.drawn)
    }
}

impl Strategy for Pos {
    fn choose(&mut self, choice: &Choice<'_>) -> usize {
        if choice.kind != Kind::Who {
            return self.others.choose(choice);
        }
        self.accesses.learn(choice.standing);
        let mut best = (0, 0);
        for (index, actor) in choice.options.iter().enumerate() {
            if !self.priorities.contains_key(actor) {
                let priority = self.draw();
                self.priorities.insert(*actor, priority);
            }
            let priority = self.priorities[actor];
            if priority >= best.0 {
                best = (priority, index);
            }
        }
        let chosen = choice.options[best.1];
        let object = self.accesses.next(chosen, choice.standing);
        self.priorities.remove(&chosen);
        if object != Object::NONE {
            let accesses = &self.accesses;
            self.priorities.retain(|actor, _| accesses.next(*actor, choice.standing) != object);
        }
        best.1
    }

    fn number(&mut self, kind: Kind, key: u64, most: u64) -> u64 {
        self.others.number(kind, key, most)
    }
}
