//! A case: everything that decides one run, and nothing else.

use falken_models::bug::Planted;

use crate::choice::Tape;
use crate::recording::{Recording, State};
use crate::run::{Run, RunReport, Settings};
use crate::scenario::Scenario;
use crate::strategy::{Replay, Strategy};

/// What decides a run: the same case gives the same run, bit for bit, in the same build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What is run.
    pub scenario: Scenario,
    /// From which salts are made.
    pub seed: u64,
    /// The planted bug, if any.
    pub planted: Planted,
    /// The choices.
    pub tape: Tape,
}

impl Case {
    /// Runs the models on the tape.
    pub fn run(&self) -> RunReport {
        self.run_under(Box::new(Replay::new(self.tape.clone())))
    }

    /// Runs the models under another strategy.
    pub fn run_under(&self, strategy: Box<dyn Strategy>) -> RunReport {
        Run::models(&self.scenario, self.settings(strategy)).go()
    }

    /// Runs the models on the tape and tells what happened.
    pub fn record(&self) -> (RunReport, Recording) {
        Run::models(&self.scenario, self.settings(Box::new(Replay::new(self.tape.clone())))).record()
    }

    /// Runs the models on the tape; also how everything stands when the run has ended.
    pub fn run_and_look(&self) -> (RunReport, State) {
        Run::models(&self.scenario, self.settings(Box::new(Replay::new(self.tape.clone())))).go_and_look()
    }

    fn settings(&self, strategy: Box<dyn Strategy>) -> Settings {
        Settings { seed: self.seed, planted: self.planted, strategy, oracle: None }
    }
}
