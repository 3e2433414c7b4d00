//! The sums over the runs of a night. Everything here adds up in any order, so that shards can be joined.

use std::collections::{BTreeMap, BTreeSet};

use falken_models::digest::mix;
use falken_reports::night::{Hex, Point};
use serde::{Deserialize, Serialize};

use super::plan::Spec;
use super::record::{Counts, Failed, RunLine};

/// Runs of each (cause, scenario) that are shrunk: the first ones by their numbers.
pub const SHRUNK_PER_KEY: usize = 2;

/// How many moments of the night are kept.
const POINTS: usize = 400;

/// Sums that the plan and the code decide.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// By scenario.
    pub scenarios: BTreeMap<String, Sum>,
    /// By strategy.
    pub strategies: BTreeMap<String, Sum>,
    /// What failed, by its words and its scenario.
    pub failures: Vec<Failures>,
    /// Runs that were made twice.
    pub twice: u64,
    /// Those that were not the same again, by number: what differed.
    pub differences: BTreeMap<u64, (Spec, String)>,
}

/// The sums of some runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sum {
    /// How many.
    pub runs: u64,
    /// How many did not pass.
    pub failed: u64,
    /// What they counted; hashes are mixed with the seed of their run.
    pub counts: Counts,
}

/// Failed runs with the same words in the same scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failures {
    /// The scenario.
    pub scenario: String,
    /// The words.
    pub failed: Failed,
    /// How many.
    pub count: u64,
    /// The first ones by number: they are shrunk.
    pub first: Vec<Spec>,
    /// The last one by number.
    pub last: Spec,
    /// The bugs that were planted in them.
    pub planted: BTreeSet<String>,
}

/// Sums that clocks decide.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Clocks {
    /// Seconds of work.
    pub seconds: f64,
    /// When the first run began, in seconds since 1970; 0 before it.
    pub began: u64,
    /// When the last one ended.
    pub ended: u64,
    /// By scenario: seconds of all runs, and of the slowest.
    pub scenarios: BTreeMap<String, (f64, f64)>,
    /// By (cause, scenario): when it was first and last seen, in seconds since 1970.
    pub failures: Vec<(String, String, u64, u64)>,
    /// How the night went.
    pub points: Vec<Point>,
}

fn add_all(sums: &mut Vec<u64>, more: &[u64]) {
    if sums.len() < more.len() {
        sums.resize(more.len(), 0);
    }
    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

impl Counts {
    fn add(&mut self, more: &Self, hash: u64) {
        self.actions += more.actions;
        self.commits += more.commits;
        self.crashes += more.crashes;
        self.hash = Hex(self.hash.0.wrapping_add(hash));
        add_all(&mut self.evaluated, &more.evaluated);
        add_all(&mut self.probes, &more.probes);
    }
}

impl Sum {
    fn add_run(&mut self, line: &RunLine) {
        self.runs += 1;
        self.failed += u64::from(line.failed().is_some());
        self.counts.add(&line.counts, mix(line.spec.seed.0, line.counts.hash.0));
    }

    /// Adds other runs.
    pub fn add(&mut self, more: &Self) {
        self.runs += more.runs;
        self.failed += more.failed;
        self.counts.add(&more.counts, more.counts.hash.0);
    }
}

impl Failures {
    fn add(&mut self, more: Self) {
        self.count += more.count;
        self.first.extend(more.first);
        self.first.sort_by_key(|spec| spec.run);
        self.first.truncate(SHRUNK_PER_KEY);
        if more.last.run > self.last.run {
            self.last = more.last;
        }
        self.planted.extend(more.planted);
    }
}

impl Sums {
    /// Takes a run in.
    pub fn add_run(&mut self, line: &RunLine) {
        self.scenarios.entry(line.spec.scenario.clone()).or_default().add_run(line);
        self.strategies.entry(line.spec.strategy.clone()).or_default().add_run(line);
        self.twice += u64::from(line.spec.twice);
        if let Some(difference) = &line.difference {
            self.differences.insert(line.spec.run, (line.spec.clone(), difference.clone()));
        }
        if let Some(failed) = line.failed() {
            self.add_failures(Failures {
                scenario: line.spec.scenario.clone(),
                failed: failed.clone(),
                count: 1,
                first: vec![line.spec.clone()],
                last: line.spec.clone(),
                planted: line.spec.planted.iter().cloned().collect(),
            });
        }
    }

    fn add_failures(&mut self, more: Failures) {
        let at = self
            .failures
            .binary_search_by(|known| (&known.failed, &known.scenario).cmp(&(&more.failed, &more.scenario)));
        match at {
            Ok(at) => self.failures[at].add(more),
            Err(at) => self.failures.insert(at, more),
        }
    }

    /// Takes other runs of the same plan in.
    pub fn add(&mut self, more: Self) {
        more.scenarios.iter().for_each(|(name, sum)| self.scenarios.entry(name.clone()).or_default().add(sum));
        more.strategies.iter().for_each(|(name, sum)| self.strategies.entry(name.clone()).or_default().add(sum));
        more.failures.into_iter().for_each(|failures| self.add_failures(failures));
        self.twice += more.twice;
        self.differences.extend(more.differences);
    }

    /// All runs.
    pub fn total(&self) -> Sum {
        let mut total = Sum::default();
        self.scenarios.values().for_each(|sum| total.add(sum));
        total
    }
}

impl Clocks {
    /// Takes a run in.
    pub fn add_run(&mut self, line: &RunLine) {
        let began = line.ended - (line.ms / 1000.0) as u64;
        self.began = if self.began == 0 { began } else { self.began.min(began) };
        self.ended = self.ended.max(line.ended);
        self.seconds = self.seconds.max(line.at);
        let (sum, slowest) = self.scenarios.entry(line.spec.scenario.clone()).or_default();
        *sum += line.ms / 1000.0;
        *slowest = slowest.max(line.ms / 1000.0);
        if let Some(failed) = line.failed() {
            self.saw(&failed.cause, &line.spec.scenario, line.ended, line.ended);
        }
        let before = self.points.last().copied().unwrap_or_default();
        let gap = self.seconds / POINTS as f64;
        let now = Point {
            second: self.seconds,
            runs: before.runs + 1,
            actions: before.actions + line.counts.actions,
            failed: before.failed + u64::from(line.failed().is_some()),
        };
        // The last point follows the night; the one before it stays where it is once it is far enough away.
        let is_far = self.points.len() < 2 || before.second - self.points[self.points.len() - 2].second >= gap;
        if is_far {
            self.points.push(now)
        } else {
            self.points.last_mut().into_iter().for_each(|last| *last = now)
        }
        if self.points.len() > POINTS * 2 {
            let mut at = 0_usize;
            let last = self.points.len() - 1;
            self.points.retain(|_| (at.is_multiple_of(2) || at == last, at += 1).0);
        }
    }

    fn saw(&mut self, cause: &str, scenario: &str, first: u64, last: u64) {
        match self.failures.iter_mut().find(|(c, s, ..)| c == cause && s == scenario) {
            Some((_, _, f, l)) => (*f, *l) = ((*f).min(first), (*l).max(last)),
            None => self.failures.push((cause.into(), scenario.into(), first, last)),
        }
    }

    /// Takes another machine's clocks in. Its points are kept apart by whoever shows them, so the longer night's stay.
    pub fn add(&mut self, more: Self) {
        self.began = if self.began == 0 { more.began } else { self.began.min(more.began) };
        self.ended = self.ended.max(more.ended);
        if more.seconds > self.seconds {
            self.seconds = more.seconds;
        }
        for (name, (seconds, slowest)) in more.scenarios {
            let (sum, most) = self.scenarios.entry(name).or_default();
            *sum += seconds;
            *most = most.max(slowest);
        }
        for (cause, scenario, first, last) in &more.failures {
            self.saw(cause, scenario, *first, *last);
        }
        self.points = joined(&self.points, &more.points);
    }

    /// Seconds of all runs, added up over the jobs.
    pub fn busy(&self) -> f64 {
        self.scenarios.values().map(|(seconds, _)| seconds).sum()
    }
}

/// The sums of two courses, at the moments of both.
fn joined(one: &[Point], other: &[Point]) -> Vec<Point> {
    let value = |points: &[Point], second: f64| {
        let after = points.partition_point(|point| point.second <= second);
        after.checked_sub(1).map_or_else(Point::default, |at| points[at])
    };
    let mut seconds: Vec<f64> = one.iter().chain(other).map(|point| point.second).collect();
    seconds.sort_by(f64::total_cmp);
    let sum = |second: f64| {
        let (a, b) = (value(one, second), value(other, second));
        Point { second, runs: a.runs + b.runs, actions: a.actions + b.actions, failed: a.failed + b.failed }
    };
    let step = seconds.len().div_ceil(POINTS).max(1);
    let last = seconds.len().saturating_sub(1);
    seconds.iter().enumerate().filter(|(at, _)| at % step == 0 || *at == last).map(|(_, second)| sum(*second)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::record::End;
    use super::*;

    fn line(run: u64) -> RunLine {
        let failed = Failed { invariant: "WAL-7".into(), cause: "WAL-7 c# …".into(), ..Failed::default() };
        RunLine {
            spec: Spec {
                run,
                scenario: ["a", "b"][run as usize % 2].into(),
                strategy: ["pct", "pos", "random"][run as usize % 3].into(),
                seed: Hex(run * 77),
                planted: Some("x".into()),
                twice: run.is_multiple_of(5),
            },
            end: if run.is_multiple_of(4) { End::Failed(failed) } else { End::Pass },
            counts: Counts {
                actions: run,
                hash: Hex(run ^ 5),
                evaluated: vec![1, run],
                probes: vec![run],
                ..Counts::default()
            },
            difference: (run == 9).then(|| "at choice 3".into()),
            ms: 2.0,
            at: run as f64,
            ended: 1000 + run,
        }
    }

    #[test]
    fn sums_of_parts_in_any_order_are_the_sums_of_the_whole() {
        let mut whole = Sums::default();
        (0..100).for_each(|run| whole.add_run(&line(run)));
        for parts in [2_u64, 3, 7] {
            let mut joined = Sums::default();
            for part in (0..parts).rev() {
                let mut sums = Sums::default();
                (0..100).rev().filter(|run| run % parts == part).for_each(|run| sums.add_run(&line(run)));
                joined.add(sums);
            }
            assert_eq!(joined, whole);
        }
        assert_eq!((whole.total().runs, whole.total().failed, whole.twice), (100, 25, 20));
        assert_eq!(whole.failures[0].first.iter().map(|spec| spec.run).collect::<Vec<_>>(), [0, 4]);
        assert_eq!(whole.failures[0].last.run, 96);
    }

    #[test]
    fn the_course_of_a_long_night_stays_short_and_ends_with_its_sums() {
        let mut clocks = Clocks::default();
        (0..50_000).for_each(|run| clocks.add_run(&line(run)));
        assert!(clocks.points.len() <= 2 * POINTS + 1, "{}", clocks.points.len());
        assert_eq!(clocks.points.last().unwrap().runs, 50_000);
        assert!(clocks.points.len() > POINTS / 2);
        let again = joined(&clocks.points, &clocks.points);
        assert_eq!(again.last().unwrap().runs, 100_000);
        assert!(again.is_sorted_by_key(|point| point.runs));
    }
}
