//! Which engine a run is on is decided here and nowhere else.

use super::{Run, RunReport, Settings};
use crate::scenario::Scenario;
use crate::subject::{Subject, make, on_own_thread};

/// What is done with a run, whatever its engine.
pub trait Use: Send {
    /// What comes of it.
    type Out: Send;

    /// Does it.
    fn with<S: Subject>(self, run: Run<'_, S>) -> Self::Out;
}

/// Begins a run of the scenario's engine.
///
/// # Panics
/// If the engine is not [known](crate::subject::is_known).
pub fn begin<U: Use>(scenario: &Scenario, settings: Settings, how: U) -> U::Out {
    if scenario.subject.is_models() {
        return how.with(Run::models(scenario, settings));
    }
    on_own_thread(|| {
        let engine = |config, disk, log| make(scenario, config, disk, log);
        how.with(Run::over(scenario, settings, engine))
    })
}

/// To the end or to the first violation.
struct Go;

impl Use for Go {
    type Out = RunReport;

    fn with<S: Subject>(self, run: Run<'_, S>) -> RunReport {
        run.go()
    }
}

/// Runs the scenario on its engine, to the end or to the first violation.
pub fn run(scenario: &Scenario, settings: Settings) -> RunReport {
    begin(scenario, settings, Go)
}
