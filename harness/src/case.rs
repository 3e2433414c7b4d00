//! A case: everything that decides one run, and nothing else.

use falken_models::bug::Planted;

use crate::choice::Tape;
use crate::recording::{Recording, State};
use crate::run::{self, Run, RunReport, Settings, Use};
use crate::scenario::Scenario;
use crate::strategy::{Replay, Strategy};
use crate::subject::Subject;

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
    /// Runs the engine on the tape.
    pub fn run(&self) -> RunReport {
        self.run_under(Box::new(Replay::new(self.tape.clone())))
    }

    /// Runs the engine under another strategy.
    pub fn run_under(&self, strategy: Box<dyn Strategy>) -> RunReport {
        run::run(&self.scenario, self.settings(strategy))
    }

    /// Runs the engine on the tape and tells what happened.
    pub fn record(&self) -> (RunReport, Recording) {
        run::begin(&self.scenario, self.settings(Box::new(Replay::new(self.tape.clone()))), Record)
    }

    /// Runs the engine on the tape; also how everything stands when the run has ended.
    pub fn run_and_look(&self) -> (RunReport, State) {
        run::begin(&self.scenario, self.settings(Box::new(Replay::new(self.tape.clone()))), Look)
    }

    fn settings(&self, strategy: Box<dyn Strategy>) -> Settings {
        Settings { seed: self.seed, planted: self.planted, strategy, oracle: None }
    }
}

/// Tells what happened.
struct Record;

impl Use for Record {
    type Out = (RunReport, Recording);

    fn with<S: Subject>(self, run: Run<'_, S>) -> Self::Out {
        run.record()
    }
}

/// Tells how everything stands at the end.
struct Look;

impl Use for Look {
    type Out = (RunReport, State);

    fn with<S: Subject>(self, run: Run<'_, S>) -> Self::Out {
        run.go_and_look()
    }
}
