//! The duel: how soon each strategy finds each planted bug.
//!
//! A trial is a fresh search: runs with new seeds until the bug is found or the cap is reached. Trials of all strategies on
//! one bug take turns, so that what else the machine does hits all of them alike.

use std::sync::atomic::{AtomicUsize, Ordering};

use cpu_time::ThreadTime;
use crossbeam::channel;
use falken_harness::case::Case;
use falken_harness::run::{Run, Settings};
use falken_harness::scenario::Scenario;
use falken_harness::shrink::shrink;
use falken_harness::strategy::{self, Portfolio};
use falken_models::bug::{Bug, Planted};
use falken_reports::duel::{Cell, Sizes, Trial};

/// Replays that shrinking one failure may take: nearly all bugs need fewer, and one that stands still needs long for each.
const REPLAYS_MAX: u64 = 400;

/// What to compare.
pub struct Duel {
    /// The bugs, each with the scenario that shows it.
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
    /// Makes all trials. `progress` is told how many have ended.
    pub fn go(&self, mut progress: impl FnMut(u64)) -> Vec<Cell> {
        let (bugs, strategies) = (self.bugs.len(), self.strategies.len());
        let total = bugs * strategies * self.trials as usize;
        let mut cells: Vec<Cell> = self
            .bugs
            .iter()
            .flat_map(|(bug, _)| {
                let cell = |strategy| Cell { bug: bug.id(), strategy, trials: Vec::new(), sizes: None };
                self.strategies.iter().map(move |entry| cell(entry.name))
            })
            .collect();
        let next = AtomicUsize::new(0);
        let (sender, receiver) = channel::unbounded();
        crossbeam::thread::scope(|scope| {
            for _ in 0..self.jobs {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move |_| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        if at >= total {
                            return;
                        }
                        // Strategies change fastest, then trials, then bugs.
                        let (strategy, rest) = (at % strategies, at / strategies);
                        let (trial, bug) = (rest as u64 % self.trials, rest / self.trials as usize);
                        let result = self.trial(bug, self.strategies[strategy], trial);
                        if sender.send((bug * strategies + strategy, trial, result)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            for (done, (cell, trial, result)) in (1..).zip(receiver) {
                cells[cell].trials.push((trial, result));
                progress(done);
            }
        })
        .expect("a worker catches the panics of its runs");
        for (at, cell) in cells.iter_mut().enumerate() {
            cell.trials.sort_by_key(|(trial, _)| *trial);
            let (bug, scenario) = &self.bugs[at / strategies];
            cell.sizes =
                cell.trials.iter().find(|(_, trial)| trial.found).and_then(|(_, trial)| sizes(*bug, scenario, trial));
        }
        cells
    }

    fn trial(&self, bug: usize, entry: &strategy::Entry, trial: u64) -> Trial {
        let (bug, scenario) = &self.bugs[bug];
        let planted = Planted(Some(*bug));
        let first_seed = 1_000_000 + trial * self.cap;
        let mut portfolio = (entry.name == strategy::PORTFOLIO).then(Portfolio::default);
        let started = ThreadTime::now();
        let mut result =
            Trial { found: false, runs: 0, actions: 0, cpu_seconds: 0.0, last_seed: 0, last_strategy: entry.name };
        while result.runs < self.cap && !result.found {
            let seed = first_seed + result.runs;
            let member = portfolio.as_ref().and_then(|portfolio| portfolio.member(result.runs));
            let by = member.unwrap_or(entry);
            (result.last_seed, result.last_strategy) = (seed, by.name);
            let strategy = (by.new)(seed);
            let report = Run::models(scenario, Settings { seed, planted, strategy, oracle: None }).go();
            if let Some(portfolio) = &mut portfolio {
                portfolio.learn(result.runs, &report.footprint, report.actions);
            }
            result.runs += 1;
            result.actions += report.actions;
            result.found = report.verdict.violation().is_some();
        }
        result.cpu_seconds = started.elapsed().as_secs_f64();
        result
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
