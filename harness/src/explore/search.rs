//! The search over the runs of a scenario: breadth first, so that a violation comes with a shortest way to it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::expand::{Subjects, Successor, Transition};
use super::tree::Tree;
use crate::run::RunReport;
use crate::verdict::Violation;

/// States that one round hands to each thread: enough to outweigh starting it, few enough to stop soon.
const ROUND: usize = 128;

/// What to do about states that were reached before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prune {
    /// Look at each state once.
    Known,
    /// Look at it again: every schedule is tried, which only the smallest scenarios allow. For tests of the pruning.
    Nothing,
}

/// What to do about a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnViolation {
    /// The search is over.
    Stop,
    /// It goes on elsewhere.
    GoOn,
}

/// How far a search goes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Actions from the first state.
    pub depth: u64,
    /// States.
    pub states: u64,
    /// See [`Prune`].
    pub prune: Prune,
    /// See [`OnViolation`].
    pub on_violation: OnViolation,
    /// Threads. The result does not depend on how many.
    pub jobs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        // States are numbered with 32 bits.
        let states = u64::from(u32::MAX);
        Self { depth: u64::MAX, states, prune: Prune::Known, on_violation: OnViolation::Stop, jobs: 1 }
    }
}

/// Why a search has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every state that the bounds allow has been looked at.
    Finished,
    /// A limit of depth or states was hit.
    Limit,
    /// Somebody said stop.
    Stopped,
    /// A violation was found.
    Violation,
}

/// What came out of a search.
pub struct Outcome {
    /// Why it has ended.
    pub ended: Ended,
    /// The first violation in breadth-first order: its run.
    pub failure: Option<Box<RunReport>>,
    /// How many transitions broke which invariant.
    pub broken: BTreeMap<&'static str, u64>,
}

impl Subjects<'_> {
    /// Searches from where `tree` stands until everything has been looked at, a limit is hit, a violation is found, or
    /// `stop` is set. `progress` is shown the tree after each round.
    pub fn search(&self, tree: &mut Tree, limits: &Limits, stop: &AtomicBool, progress: impl FnMut(&Tree)) -> Outcome {
        self.search_for(&|_| true, tree, limits, stop, progress)
    }

    /// Searches for a violation that is `wanted`; others are counted, and nothing behind them is looked at.
    pub fn search_for(
        &self,
        wanted: &dyn Fn(&Violation) -> bool,
        tree: &mut Tree,
        limits: &Limits,
        stop: &AtomicBool,
        mut progress: impl FnMut(&Tree),
    ) -> Outcome {
        let mut outcome = Outcome { ended: Ended::Finished, failure: None, broken: BTreeMap::new() };
        let mut hit_limit = false;
        while tree.waiting() > 0 {
            if stop.load(Ordering::Relaxed) {
                return Outcome { ended: Ended::Stopped, ..outcome };
            }
            if tree.depth() as u64 >= limits.depth || tree.figures.states >= limits.states {
                hit_limit = true;
                break;
            }
            let round = tree.next(ROUND * limits.jobs);
            for (node, transitions) in round.clone().zip(self.expand_all(tree, round, limits.jobs)) {
                for transition in transitions {
                    if let Some(violation) = tree.take(node, &transition, limits.prune) {
                        *outcome.broken.entry(violation.invariant).or_default() += 1;
                        if outcome.failure.is_none() && wanted(violation) {
                            let path = [tree.path(node), transition.answers.clone()].concat();
                            outcome.failure = Some(Box::new(self.replay(path)));
                        }
                    }
                }
                tree.expanded += 1;
                if outcome.failure.is_some() && limits.on_violation == OnViolation::Stop {
                    return Outcome { ended: Ended::Violation, ..outcome };
                }
            }
            progress(tree);
        }
        let ended = if hit_limit { Ended::Limit } else { Ended::Finished };
        Outcome { ended, ..outcome }
    }

    /// The transitions out of each of these states, in order.
    fn expand_all(&self, tree: &Tree, nodes: std::ops::Range<usize>, jobs: usize) -> Vec<Vec<Transition>> {
        let depth = tree.depth();
        let next = AtomicUsize::new(nodes.start);
        let work = || {
            let mut done = Vec::new();
            loop {
                let node = next.fetch_add(1, Ordering::Relaxed);
                if node >= nodes.end {
                    return done;
                }
                done.push((node, self.expand(&tree.path(node), depth)));
            }
        };
        let mut all = if jobs < 2 {
            work()
        } else {
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
                threads.into_iter().flat_map(|thread| thread.join().expect("a panic of a run is a violation")).collect()
            })
        };
        all.sort_unstable_by_key(|(node, _)| *node);
        all.into_iter().map(|(_, transitions)| transitions).collect()
    }
}

impl Tree {
    /// Counts a transition out of `node` and adds the state behind it if it is new.
    fn take<'t>(&mut self, node: usize, transition: &'t Transition, prune: Prune) -> Option<&'t Violation> {
        self.figures.transitions += 1;
        self.figures.bounded += u64::from(transition.was_bounded);
        match &transition.to {
            Successor::End => self.figures.ends += 1,
            // It is counted among those at which something was left out.
            Successor::OutOfBounds => {}
            Successor::Violation(violation) => {
                self.figures.violations += 1;
                return Some(violation);
            }
            Successor::State(hash) => {
                if self.visited.insert(*hash) || prune == Prune::Nothing {
                    self.add(node, &transition.answers, *hash);
                } else {
                    self.figures.pruned += 1;
                }
            }
        }
        None
    }
}
