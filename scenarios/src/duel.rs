//! The duel: how soon each strategy finds each planted bug.
//!
//! A trial is a fresh search: runs with new seeds until the bug is found or the cap is reached. Trials of all strategies on
//! one bug take turns, so that what else the machine does hits all of them alike.

use std::sync::atomic::AtomicBool;

use falken_harness::case::Case;
use falken_harness::scenario::Scenario;
use falken_harness::shrink::shrink;
use falken_harness::strategy;
use falken_models::bug::{Bug, Planted};
use falken_reports::duel::{Cell, Sizes, Trial};

use crate::batch::in_order;
use crate::hunt::{Catch, Hunt};

/// Replays that shrinking one failure may take: nearly all bugs need fewer, and one that stands still needs long for each.
const REPLAYS_MAX: u64 = 400;

/// What to compare.
pub struct Duel {
    /// The bugs, each in the scenario that shows it.
    pub bugs: Vec<(Bug, Scenario)>,
    /// The strategies.
    pub strategies: Vec<&'static strategy::Entry>,
    /// Trials of each strategy on each bug.
    pub trials: u64,
    /// Runs after which a trial gives up.
    pub cap: u64,
    /// Trials at a time.
    pub jobs: usize,
}

impl Duel {
    /// How many trials there are in all.
    pub fn total(&self) -> usize {
        self.bugs.len() * self.strategies.len() * self.trials as usize
    }

    /// Makes all trials. `progress` is told how many have ended.
    pub fn go(&self, progress: impl FnMut(u64)) -> Vec<Cell> {
        let (strategies, trials) = (self.strategies.len(), self.trials as usize);
        // Strategies change fastest, then trials, then bugs.
        let split = |at: usize| (at / strategies / trials, at / strategies % trials, at % strategies);
        let work = |at: usize| {
            let (bug, trial, strategy) = split(at);
            self.trial(bug, self.strategies[strategy], trial as u64)
        };
        let results = in_order(self.total(), self.jobs, work, progress);
        let places: Vec<_> =
            (0..self.bugs.len()).flat_map(|bug| (0..strategies).map(move |strategy| (bug, strategy))).collect();
        let cell = |at: usize| {
            let (bug, strategy) = places[at];
            let of_cell = (0..trials).map(|trial| results[(bug * trials + trial) * strategies + strategy]);
            let trials: Vec<(u64, Trial)> = (0..).zip(of_cell).collect();
            let (name, scenario) = &self.bugs[bug];
            let first = trials.iter().find(|(_, trial)| trial.found);
            let sizes = first.and_then(|(_, trial)| sizes(*name, scenario, trial));
            Cell { bug: name.id(), strategy: self.strategies[strategy].name, trials, sizes }
        };
        in_order(places.len(), self.jobs, cell, |_| {})
    }

    fn trial(&self, bug: usize, strategy: &'static strategy::Entry, trial: u64) -> Trial {
        let (bug, scenario) = &self.bugs[bug];
        let first_seed = 1_000_000 + trial * self.cap;
        let (runs, seconds, stop) = (self.cap, f64::INFINITY, &AtomicBool::new(false));
        let bag = Hunt { bug: *bug, scenario, strategy, first_seed, runs, seconds, stop }.go();
        let caught = bag.catch.map(|Catch { seed, strategy, .. }| (seed, strategy.name));
        let (last_seed, last_strategy) = caught.unwrap_or((first_seed + self.cap - 1, strategy.name));
        Trial {
            found: caught.is_some(),
            runs: bag.runs,
            actions: bag.actions,
            cpu_seconds: bag.seconds,
            last_seed,
            last_strategy,
        }
    }
}

/// Makes the failure that a trial has found once more, and shrinks it.
fn sizes(bug: Bug, scenario: &Scenario, trial: &Trial) -> Option<Sizes> {
    let entry = strategy::TABLE.iter().find(|entry| entry.name == trial.last_strategy)?;
    let (seed, planted) = (trial.last_seed, Planted(Some(bug)));
    let mut case = Case { scenario: scenario.clone(), seed, planted, tape: Default::default() };
    case.tape = case.run_under((entry.new)(seed)).tape;
    let shrunk = shrink(case, &mut |progress| progress.replays < REPLAYS_MAX)?;
    Some(Sizes { raw: shrunk.before, shrunk: shrunk.smallest.size })
}
