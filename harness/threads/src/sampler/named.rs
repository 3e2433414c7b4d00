//! Strategies of the simulator that need to know nothing but who can go on.

use falken_harness::choice::{Choice, Kind, OptionId};
use falken_harness::strategy::{self, Strategy};
use falken_models::connection::StatementId;

use super::{Enabled, Sampler};

/// A strategy of the harness; each thread is to it what a connection is in the simulator.
pub(super) struct Named {
    new: fn(u64) -> Box<dyn Strategy>,
    strategy: Box<dyn Strategy>,
    steps: u64,
}

impl Named {
    /// The strategy of this name.
    ///
    /// # Panics
    /// If there is none.
    pub(super) fn new(name: &str) -> Self {
        let entry = strategy::TABLE.iter().find(|entry| entry.name == name).expect("a strategy of the harness");
        Self { new: entry.new, strategy: (entry.new)(0), steps: 0 }
    }
}

impl Sampler for Named {
    fn begin(&mut self, seed: u64) {
        (self.strategy, self.steps) = ((self.new)(seed), 0);
    }

    fn pick(&mut self, enabled: &[Enabled]) -> usize {
        self.steps += 1;
        let options: Vec<OptionId> =
            enabled.iter().map(|one| OptionId::Step(StatementId::first(one.thread as u8))).collect();
        let choice =
            Choice { kind: Kind::Who, key: self.steps, options: &options, weights: &[], standing: &[], events: 0 };
        self.strategy.choose(&choice)
    }
}
