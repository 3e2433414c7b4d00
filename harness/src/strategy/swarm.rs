//! Swarm: every run is another tester (Groce, Zhang, Eide, Chen, Regehr: "Swarm Testing", ISSTA 2012).
//!
//! A run draws a configuration and keeps to it: connections and the disk get speeds of 4^0 to 4^5, some kinds of transactions
//! and faults are left out, the rates of the others are multiplied, values are uniform, extreme or small, and now and then
//! one connection starves for a while. What a mixture of everything averages away, some run does all the time.
//!
//! What it guarantees: nothing for a single run; over runs, every feature is absent half as often as it is present, and every
//! pair of speeds differs by up to a thousand. What it does not: hit an exact place.

use std::hash::{Hash, Hasher};

use super::{Random, Strategy};
use crate::choice::{Choice, Kind, OptionId};
use crate::random::Stream;
use crate::trace::RunHash;

const LABEL: u64 = 130;

/// How rates of faults are multiplied, in quarters.
const FAULT_QUARTERS: [u64; 5] = [0, 1, 4, 16, 64];

/// Which numbers a run likes.
#[derive(Clone, Copy)]
enum Taste {
    Uniform,
    Extremes,
    Small,
}

/// Draws that one run keeps to.
pub struct Swarm {
    others: Random,
    stream: Stream,
    drawn: u64,
    fault_quarters: u64,
    taste: Taste,
    /// Mean actions between the starts of two starvation windows; 0 for none.
    starve_every: u64,
    /// Who starves, and up to which action.
    starving: Option<(u8, u64)>,
    actions: u64,
    weights: Vec<u64>,
}

impl Swarm {
    /// A tester that is a function of the seed.
    pub fn new(seed: u64) -> Self {
        let stream = Stream::new(seed, LABEL);
        let pick = |key: u64, n: usize| stream.below(key, n as u64) as usize;
        Self {
            others: Random::new(seed),
            stream: Stream::new(seed, LABEL + 1),
            drawn: 0,
            fault_quarters: FAULT_QUARTERS[pick(0, FAULT_QUARTERS.len())],
            taste: [Taste::Uniform, Taste::Extremes, Taste::Small][pick(1, 3)],
            starve_every: [0, 300, 2000][pick(2, 3)],
            starving: None,
            actions: 0,
            weights: Vec::new(),
        }
    }

    fn below(&mut self, n: u64) -> u64 {
        self.drawn += 1;
        self.stream.below(self.drawn, n)
    }

    /// 4^0 to 4^5, the same for the whole run.
    fn speed(&self, label: u64) -> u64 {
        4_u64.pow(self.stream.below(u64::MAX - label, 6) as u32)
    }

    fn weigh_actor(&self, actor: OptionId) -> u64 {
        match actor {
            OptionId::Step(id) if self.starving.is_some_and(|(hungry, _)| hungry == id.conn) => 0,
            OptionId::Step(id) => self.speed(id.index() as u64),
            // One disk for all of them, lazy or eager.
            _ => self.speed(1000),
        }
    }

    fn draw_weighted(&mut self) -> Option<usize> {
        let total: u64 = self.weights.iter().sum();
        if total == 0 {
            return None;
        }
        let mut ticket = self.below(total);
        self.weights.iter().position(|weight| match ticket.checked_sub(*weight) {
            None => true,
            Some(rest) => {
                ticket = rest;
                false
            }
        })
    }

    fn starve(&mut self, connections: usize) {
        self.actions += 1;
        if self.starving.is_some_and(|(_, until)| self.actions >= until) {
            self.starving = None;
        }
        if self.starve_every > 0 && self.starving.is_none() && self.below(self.starve_every) == 0 {
            let hungry = self.below(connections as u64) as u8;
            let long = 32 << self.below(7);
            self.starving = Some((hungry, self.actions + long));
        }
    }

    /// Whether this run does without an option.
    fn omits(&self, option: OptionId) -> bool {
        let mut label = RunHash::default();
        option.hash(&mut label);
        self.stream.below(label.finish(), 3) == 0
    }
}

impl Strategy for Swarm {
    fn choose(&mut self, choice: &Choice<'_>) -> usize {
        self.weights.clear();
        match choice.kind {
            Kind::Who => {
                self.starve(choice.standing.len());
                for actor in choice.options {
                    self.weights.push(self.weigh_actor(*actor));
                }
            }
            Kind::Disturbance | Kind::Ending => {
                // The first option is that nothing happens.
                for (index, (option, weight)) in choice.options.iter().zip(choice.weights).enumerate() {
                    let scaled = u64::from(*weight) * if index == 0 { 4 } else { self.fault_quarters };
                    self.weights.push(if index > 0 && self.omits(*option) { 0 } else { scaled });
                }
            }
            Kind::Operation => {
                for (option, weight) in choice.options.iter().zip(choice.weights) {
                    self.weights.push(if self.omits(*option) { 0 } else { u64::from(*weight) });
                }
            }
            Kind::Target | Kind::Survivor | Kind::Value => return self.others.choose(choice),
        }
        self.draw_weighted().unwrap_or_else(|| self.others.choose(choice))
    }

    fn number(&mut self, kind: Kind, key: u64, most: u64) -> u64 {
        let uniform = self.others.number(kind, key, most);
        match self.taste {
            Taste::Uniform => uniform,
            Taste::Extremes => [0, most, uniform][self.below(3) as usize],
            Taste::Small => uniform.min(self.others.number(kind, key ^ 1 << 63, most)) / 2,
        }
    }
}
