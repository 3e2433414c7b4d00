//! Many runs of one scenario, on several threads, with one result that does not depend on how many.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crossbeam::channel;
use falken_harness::image::Coverage;
use falken_harness::probe::Hits;
use falken_harness::run::{Oracle, Run, RunReport, Settings};
use falken_harness::scenario::Scenario;
use falken_harness::strategy;
use falken_models::bug::Planted;
use falken_models::digest::mix;

/// What to run.
pub struct Batch<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// What answers the choices.
    pub strategy: &'a strategy::Entry,
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
    /// What crash images have covered, if the scenario makes them.
    pub images: Option<Coverage>,
    /// The hash of all runs. Adding is the same in any order, so it does not depend on the number of jobs.
    pub hash: u64,
    /// The failed run with the lowest number, which is the same for any number of jobs.
    pub failure: Option<(u64, Box<RunReport>)>,
    /// The run with the highest number: its files can be kept.
    pub last: Option<(u64, [Vec<u8>; 2])>,
    /// Wall-clock seconds.
    pub seconds: f64,
}

impl Totals {
    fn add(&mut self, index: u64, seed: u64, mut report: RunReport) {
        self.runs += 1;
        self.actions += report.actions;
        self.commits += report.commits;
        self.crashes += report.crashes;
        self.evaluated.resize(report.evaluated.len(), 0);
        self.evaluated.iter_mut().zip(&report.evaluated).for_each(|(sum, more)| *sum += more);
        self.probes.add(&report.probes);
        if let Some(images) = &report.images {
            self.images.get_or_insert_default().add(images);
        }
        self.hash = self.hash.wrapping_add(mix(seed, report.hash));
        if self.last.as_ref().is_none_or(|(last, _)| index > *last) {
            self.last = Some((index, std::mem::take(&mut report.files)));
        }
        let is_first = self.failure.as_ref().is_none_or(|(first, _)| index < *first);
        if report.verdict.violation().is_some() && is_first {
            self.failure = Some((index, Box::new(report)));
        }
    }
}

impl Batch<'_> {
    /// Runs until all runs have ended, one has failed, or somebody says stop. `progress` is told the totals as they grow,
    /// on this thread.
    pub fn go(&self, mut progress: impl FnMut(&Totals)) -> Totals {
        let started = Instant::now();
        let mut totals = Totals::default();
        let next = AtomicU64::new(0);
        // No run after this one is started: the first failure, which still waits for those before it.
        let limit = AtomicU64::new(self.runs);
        // A short queue keeps memory flat when the receiver is slower than the runs.
        let (sender, receiver) = channel::bounded(self.jobs * 2);
        crossbeam::thread::scope(|scope| {
            for _ in 0..self.jobs {
                let (sender, next, limit) = (sender.clone(), &next, &limit);
                scope.spawn(move |_| self.work(next, limit, &sender));
            }
            drop(sender);
            // Results are added in the order of their numbers, so that a failure ends the sums at the same run for any
            // number of jobs.
            let mut early = BTreeMap::new();
            let mut expected = 0;
            for (index, report) in receiver {
                early.insert(index, report);
                while let Some(report) = early.remove(&expected) {
                    if totals.failure.is_none() {
                        totals.add(expected, self.seed_of(expected), report);
                        progress(&totals);
                    }
                    expected += 1;
                }
            }
        })
        .expect("a worker catches the panics of its runs");
        totals.seconds = started.elapsed().as_secs_f64();
        totals
    }

    fn seed_of(&self, index: u64) -> u64 {
        self.seed.wrapping_add(index)
    }

    fn work(&self, next: &AtomicU64, limit: &AtomicU64, sender: &channel::Sender<(u64, RunReport)>) {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= limit.load(Ordering::Relaxed) || self.stop.load(Ordering::Relaxed) {
                return;
            }
            let report = self.run(index);
            if report.verdict.violation().is_some() {
                limit.fetch_min(index + 1, Ordering::Relaxed);
            }
            if sender.send((index, report)).is_err() {
                return;
            }
        }
    }

    fn run(&self, index: u64) -> RunReport {
        let seed = self.seed_of(index);
        let strategy = (self.strategy.new)(seed);
        let settings = Settings { seed, planted: self.planted, strategy, oracle: (self.oracle)() };
        Run::models(self.scenario, settings).go()
    }
}
