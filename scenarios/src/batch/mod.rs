//! Many runs of one scenario, on several threads, with one result that does not depend on how many.

mod parallel;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use falken_harness::fault::Damage;
use falken_harness::history::run::Recorder;
use falken_harness::image::Coverage;
use falken_harness::probe::Hits;
use falken_harness::run::{self, Oracle, RunReport, Settings};
use falken_harness::scenario::Scenario;
use falken_harness::strategy::{self, Portfolio};
use falken_models::bug::Planted;
use falken_models::digest::mix;
pub use parallel::{in_order, in_order_until, in_parallel};

use crate::known::Known;

/// What to run.
pub struct Batch<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// What answers the choices.
    pub strategy: &'static strategy::Entry,
    /// The planted bug, if any.
    pub planted: Planted,
    /// The seed of the first run.
    pub seed: u64,
    /// How many runs.
    pub runs: u64,
    /// Runs at a time.
    pub jobs: usize,
    /// Makes the second opinion of a run.
    pub oracle: &'a (dyn Fn() -> Option<Box<dyn Oracle>> + Sync),
    /// Set from outside to stop early.
    pub stop: &'a AtomicBool,
}

/// What came out.
#[derive(Default)]
pub struct Totals {
    /// Runs that ended.
    pub runs: u64,
    /// Their actions.
    pub actions: u64,
    /// Their commits.
    pub commits: u64,
    /// Their crashes.
    pub crashes: u64,
    /// How often each invariant was evaluated.
    pub evaluated: Vec<u64>,
    /// How often each probe was hit.
    pub probes: Hits,
    /// What became of the runs in which damage was done that no protocol survives.
    pub damage: Damage,
    /// What crash images have covered, if the scenario makes them.
    pub images: Option<Coverage>,
    /// The hash of all runs. Adding is the same in any order, so it does not depend on the number of jobs.
    pub hash: u64,
    /// How many runs have failed as a known one does, by the names of these.
    pub known: BTreeMap<String, u64>,
    /// The strategy that made the failed run.
    pub failed_by: Option<&'static str>,
    /// How many runs each member of the portfolio has made.
    pub shares: Vec<(&'static str, u64)>,
    /// The failed run with the lowest number, which is the same for any number of jobs.
    pub failure: Option<(u64, Box<RunReport>)>,
    /// The run with the highest number: its files can be kept.
    pub last: Option<(u64, [Vec<u8>; 2])>,
    /// What the clients of the run with the highest number have called and were told.
    pub history: Recorder,
    /// Wall-clock seconds.
    pub seconds: f64,
}

impl Totals {
    fn add(&mut self, index: u64, seed: u64, by: &'static str, mut report: RunReport, known: &Known) {
        self.runs += 1;
        self.actions += report.actions;
        self.commits += report.commits;
        self.crashes += report.crashes;
        self.evaluated.resize(report.evaluated.len(), 0);
        self.evaluated.iter_mut().zip(&report.evaluated).for_each(|(sum, more)| *sum += more);
        self.probes.add(&report.probes);
        self.damage.note(&report);
        if let Some(images) = &report.images {
            self.images.get_or_insert_default().add(images);
        }
        self.hash = self.hash.wrapping_add(mix(seed, report.hash));
        if self.last.as_ref().is_none_or(|(last, _)| index > *last) {
            self.last = Some((index, std::mem::take(&mut report.files)));
            self.history = std::mem::take(&mut report.history);
        }
        let Some(violation) = report.verdict.violation() else { return };
        if let Some(name) = known.name_of(violation) {
            *self.known.entry(name.to_owned()).or_default() += 1;
        } else if self.failure.as_ref().is_none_or(|(first, _)| index < *first) {
            self.failed_by = Some(by);
            self.failure = Some((index, Box::new(report)));
        }
    }
}

/// The portfolio of a batch, whose workers may have to wait for the runs that decide theirs.
#[derive(Default)]
struct Shared {
    portfolio: Mutex<Portfolio>,
    learnt: Condvar,
}

impl Shared {
    fn portfolio(&self) -> MutexGuard<'_, Portfolio> {
        self.portfolio.lock().expect("nobody panics while holding it")
    }

    fn learn(&self, index: u64, report: &RunReport) {
        self.portfolio().learn(index, &report.footprint, report.actions);
        self.learnt.notify_all();
    }

    /// The member that makes a run; `None` if the batch is stopped before that is known.
    fn member(&self, index: u64, is_stopped: impl Fn() -> bool) -> Option<&'static strategy::Entry> {
        let mut portfolio = self.portfolio();
        loop {
            if let Some(entry) = portfolio.member(index) {
                return Some(entry);
            }
            if is_stopped() {
                return None;
            }
            // With a timeout: a stopped or failed batch learns nothing more.
            let wait = self.learnt.wait_timeout(portfolio, Duration::from_millis(20));
            portfolio = wait.expect("nobody panics while holding it").0;
        }
    }

    fn shares(&self, runs: u64) -> Vec<(&'static str, u64)> {
        self.portfolio().shares(runs)
    }
}

impl Batch<'_> {
    /// Runs until all runs have ended, one has failed, or somebody says stop. `progress` is told the totals as they grow,
    /// on this thread.
    pub fn go(&self, progress: impl FnMut(&Totals)) -> Totals {
        self.go_watched(&|_, _, _| {}, progress)
    }

    /// The same; `begins` is told of every run before it begins: its job, strategy and seed.
    pub fn go_watched(
        &self,
        begins: &(dyn Fn(usize, &'static str, u64) + Sync),
        progress: impl FnMut(&Totals),
    ) -> Totals {
        self.go_behind(&Known::default(), begins, progress)
    }

    /// The same, and goes on behind violations that are known.
    pub fn go_behind(
        &self,
        known: &Known,
        begins: &(dyn Fn(usize, &'static str, u64) + Sync),
        mut progress: impl FnMut(&Totals),
    ) -> Totals {
        let started = Instant::now();
        let mut totals = Totals::default();
        // No run after this one is started: the first failure, which still waits for those before it.
        let limit = AtomicU64::new(self.runs);
        let shared = (self.strategy.name == strategy::PORTFOLIO).then(Shared::default);
        // Results are added in the order of their numbers, so that a failure ends the sums at the same run for any number
        // of jobs.
        let mut early = BTreeMap::new();
        let mut expected = 0;
        in_parallel(
            self.jobs,
            &|job| job,
            &|job, index| {
                let begins = |strategy, seed| begins(*job, strategy, seed);
                self.work(&begins, index, &limit, shared.as_ref(), known)
            },
            |index, result| {
                early.insert(index, result);
                while let Some((by, report)) = early.remove(&expected) {
                    if totals.failure.is_none() {
                        if let Some(shared) = &shared {
                            shared.learn(expected, &report);
                        }
                        totals.add(expected, self.seed_of(expected), by, report, known);
                        progress(&totals);
                    }
                    expected += 1;
                }
            },
        );
        totals.shares = shared.map_or_else(Vec::new, |shared| shared.shares(totals.runs));
        totals.seconds = started.elapsed().as_secs_f64();
        totals
    }

    fn seed_of(&self, index: u64) -> u64 {
        self.seed.wrapping_add(index)
    }

    /// The run of this number; `None` if no more are wanted.
    fn work(
        &self,
        begins: &dyn Fn(&'static str, u64),
        index: u64,
        limit: &AtomicU64,
        shared: Option<&Shared>,
        known: &Known,
    ) -> Option<(&'static str, RunReport)> {
        let is_over = || index >= limit.load(Ordering::Relaxed) || self.stop.load(Ordering::Relaxed);
        if is_over() {
            return None;
        }
        let entry = match shared {
            None => self.strategy,
            Some(shared) => shared.member(index, is_over)?,
        };
        begins(entry.name, self.seed_of(index));
        let report = self.run(index, entry);
        if report.verdict.violation().is_some_and(|violation| known.name_of(violation).is_none()) {
            limit.fetch_min(index + 1, Ordering::Relaxed);
        }
        Some((entry.name, report))
    }

    fn run(&self, index: u64, entry: &strategy::Entry) -> RunReport {
        let seed = self.seed_of(index);
        let strategy = (entry.new)(seed);
        let settings = Settings { seed, planted: self.planted, strategy, oracle: (self.oracle)() };
        run::run(self.scenario, settings)
    }
}
