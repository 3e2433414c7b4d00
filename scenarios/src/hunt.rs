//! A hunt: runs of one scenario with new seeds until a planted bug is caught or the budget is spent.

use std::sync::atomic::{AtomicBool, Ordering};

use cpu_time::ThreadTime;
use falken_harness::run::{Run, RunReport, Settings};
use falken_harness::scenario::Scenario;
use falken_harness::strategy::{self, Portfolio};
use falken_models::bug::{Bug, Planted};

/// What to hunt, where, and for how long.
pub struct Hunt<'a> {
    /// The planted bug.
    pub bug: Bug,
    /// The scenario; its `checks` say who may catch it.
    pub scenario: &'a Scenario,
    /// What answers the choices.
    pub strategy: &'static strategy::Entry,
    /// The seed of the first run; the others follow it.
    pub first_seed: u64,
    /// Runs after which it gives up.
    pub runs: u64,
    /// CPU seconds after which no run is begun any more.
    pub seconds: f64,
    /// Set from outside to stop early.
    pub stop: &'a AtomicBool,
}

/// What came of a hunt.
pub struct Bag {
    /// The run that caught the bug.
    pub catch: Option<Catch>,
    /// Runs made.
    pub runs: u64,
    /// Their actions.
    pub actions: u64,
    /// CPU seconds that it took.
    pub seconds: f64,
}

/// A run that caught a bug.
pub struct Catch {
    /// The invariant that was broken.
    pub invariant: &'static str,
    /// The run's seed.
    pub seed: u64,
    /// The strategy that made it; of a portfolio, the member.
    pub strategy: &'static strategy::Entry,
    /// The run.
    pub report: Box<RunReport>,
}

impl Hunt<'_> {
    /// Hunts.
    pub fn go(&self) -> Bag {
        let mut portfolio = (self.strategy.name == strategy::PORTFOLIO).then(Portfolio::default);
        let started = ThreadTime::now();
        let mut bag = Bag { catch: None, runs: 0, actions: 0, seconds: 0.0 };
        let in_time = || started.elapsed().as_secs_f64() < self.seconds && !self.stop.load(Ordering::Relaxed);
        while bag.runs < self.runs && bag.catch.is_none() && in_time() {
            let seed = self.first_seed + bag.runs;
            let member = portfolio.as_ref().and_then(|portfolio| portfolio.member(bag.runs));
            let entry = member.unwrap_or(self.strategy);
            let report = run(self.scenario, Planted(Some(self.bug)), entry, seed);
            if let Some(portfolio) = &mut portfolio {
                portfolio.learn(bag.runs, &report.footprint, report.actions);
            }
            bag.runs += 1;
            bag.actions += report.actions;
            bag.catch = report.verdict.violation().map(|violation| violation.invariant).map(|invariant| Catch {
                invariant,
                seed,
                strategy: entry,
                report: Box::new(report),
            });
        }
        bag.seconds = started.elapsed().as_secs_f64();
        bag
    }
}

/// One run.
pub fn run(scenario: &Scenario, planted: Planted, entry: &strategy::Entry, seed: u64) -> RunReport {
    let settings = Settings { seed, planted, strategy: (entry.new)(seed), oracle: None };
    Run::models(scenario, settings).go()
}
