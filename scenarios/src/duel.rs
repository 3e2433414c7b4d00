//! The duel: how soon each strategy finds each planted bug.
//!
//! A trial is a fresh search: runs with new seeds until the bug is found or the cap is reached. Trials of all strategies on
//! one bug take turns, so that what else the machine does hits all of them alike.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    /// Set to end it.
    pub stop: Arc<AtomicBool>,
}

impl Duel {
    /// How many trials there are in all.
    pub fn total(&self) -> usize {
        self.bugs.len() * self.strategies.len() * self.trials as usize
    }

    /// Makes all trials, a bug after the other. `progress` is told how many have ended. Whoever sets `stop` gets the bugs
    /// that are finished.
    pub fn go(&self, mut progress: impl FnMut(u64)) -> Vec<Cell> {
        let of_each = self.strategies.len() as u64 * self.trials;
        let bugs = (0..self.bugs.len()).map_while(|bug| self.of_bug(bug, |done| progress(bug as u64 * of_each + done)));
        bugs.flatten().collect()
    }

    fn of_bug(&self, bug: usize, progress: impl FnMut(u64)) -> Option<Vec<Cell>> {
        let (strategies, trials) = (self.strategies.len(), self.trials as usize);
        // Strategies take turns.
        let work = |at: usize| self.trial(bug, self.strategies[at % strategies], (at / strategies) as u64);
        let results = in_order(strategies * trials, self.jobs, work, progress);
        if self.stop.load(Ordering::Relaxed) {
            return None;
        }
        let cell = |strategy: usize| {
            let of_cell = (0..trials).map(|trial| results[trial * strategies + strategy]);
            let trials: Vec<(u64, Trial)> = (0..).zip(of_cell).collect();
            let first = trials.iter().find(|(_, trial)| trial.found);
            let sizes = first.and_then(|(_, trial)| self.sizes(bug, trial));
            Cell { bug: self.bugs[bug].0.id(), strategy: self.strategies[strategy].name, trials, sizes }
        };
        Some(in_order(strategies, self.jobs, cell, |_| {}))
    }

    fn trial(&self, bug: usize, strategy: &'static strategy::Entry, trial: u64) -> Trial {
        let (bug, scenario) = &self.bugs[bug];
        let first_seed = 1_000_000 + trial * self.cap;
        let (runs, seconds, stop) = (self.cap, f64::INFINITY, &*self.stop);
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

    /// Makes the failure that a trial has found once more, and shrinks it.
    fn sizes(&self, bug: usize, trial: &Trial) -> Option<Sizes> {
        let (bug, scenario) = &self.bugs[bug];
        let entry = strategy::TABLE.iter().find(|entry| entry.name == trial.last_strategy)?;
        let (seed, planted) = (trial.last_seed, Planted(Some(*bug)));
        let mut case = Case { scenario: scenario.clone(), seed, planted, tape: Default::default() };
        case.tape = case.run_under((entry.new)(seed)).tape;
        let goes_on = |replays: u64| replays < REPLAYS_MAX && !self.stop.load(Ordering::Relaxed);
        let shrunk = shrink(case, &mut |progress| goes_on(progress.replays))?;
        // What was cut off says nothing about how small it gets.
        let is_whole = !self.stop.load(Ordering::Relaxed);
        is_whole.then_some(Sizes { raw: shrunk.before, shrunk: shrunk.smallest.size })
    }
}
