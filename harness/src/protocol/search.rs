//! Every schedule of a protocol, breadth first, so that a failure comes with a shortest way to it.

use std::hash::Hasher;
use std::sync::atomic::{AtomicBool, Ordering};

use falken_models::state::StateHasher;

use super::{Failure, Protocol, Step, Way, judge};
use crate::explore::{Ended, Figures, Visited};

/// How far a search goes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Steps from the first state; states as far away as this are not looked at.
    pub depth: u64,
    /// States; they are numbered with 32 bits.
    pub states: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: u64::MAX, states: u32::MAX }
    }
}

/// What came out of a search.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Why it has ended.
    pub ended: Ended,
    /// What it has counted. No faults or preemptions are bounded here.
    pub figures: Figures,
    /// The first failure; a shortest way leads to it.
    pub failure: Option<Failure>,
}

/// How a state was reached first.
#[derive(Clone, Copy)]
struct Node {
    parent: u32,
    step: Step,
}

/// Everything that is known, and what is still to be looked at.
struct Search<'w, P, W: Way<P>> {
    way: &'w W,
    visited: Visited,
    nodes: Vec<Node>,
    /// States of the next depth.
    next: Vec<(u32, W::Kept)>,
    /// What is enabled in the state under way.
    steps: Vec<Step>,
    figures: Figures,
}

/// Searches from the first state until everything has been looked at, a limit is hit, something does not hold, or `stop` is set.
pub fn search<P: Protocol, W: Way<P>>(way: &W, limits: &Limits, stop: &AtomicBool) -> Outcome {
    let mut search = Search {
        way,
        visited: Visited::default(),
        nodes: Vec::new(),
        next: Vec::new(),
        steps: Vec::new(),
        figures: Figures::default(),
    };
    search.add(way.first(), Node { parent: 0, step: Step::of(0) });
    let mut failure = None;
    let ended = search.go(limits, stop, &mut failure);
    Outcome { ended, figures: search.figures, failure }
}

impl<P: Protocol, W: Way<P>> Search<'_, P, W> {
    fn go(&mut self, limits: &Limits, stop: &AtomicBool, failure: &mut Option<Failure>) -> Ended {
        for depth in 0.. {
            if self.next.is_empty() {
                break;
            }
            self.figures.depth = depth;
            for (number, kept) in std::mem::take(&mut self.next) {
                if stop.load(Ordering::Relaxed) {
                    return Ended::Stopped;
                }
                if depth >= limits.depth || self.figures.states >= u64::from(limits.states) {
                    return Ended::Limit;
                }
                *failure = self.look_at(number, &kept);
                if failure.is_some() {
                    return Ended::Violation;
                }
            }
        }
        Ended::Finished
    }

    /// Judges a state and takes every step out of it.
    fn look_at(&mut self, number: u32, kept: &W::Kept) -> Option<Failure> {
        let state = self.way.back(kept, || self.path(number));
        self.steps.clear();
        state.enabled(&mut self.steps);
        if let Err(evidence) = judge(&state, &self.steps) {
            self.figures.violations += 1;
            return Some(Failure { path: self.path(number), evidence });
        }
        self.figures.ends += u64::from(self.steps.is_empty());
        let mut state = Some(state);
        let count = self.steps.len();
        for at in 0..count {
            let step = self.steps[at];
            // The last step needs the state no more.
            let whole = if at + 1 == count { state.take() } else { None };
            let mut next = whole.unwrap_or_else(|| self.way.back(kept, || self.path(number)));
            next.step(step);
            self.figures.transitions += 1;
            self.add(next, Node { parent: number, step });
        }
        None
    }

    fn add(&mut self, state: P, node: Node) {
        if !self.visited.insert(hash_of(&state)) {
            self.figures.pruned += 1;
            return;
        }
        self.figures.states += 1;
        self.next.push((self.nodes.len() as u32, self.way.keep(state)));
        self.nodes.push(node);
    }

    /// The steps that lead to a state.
    fn path(&self, mut number: u32) -> Vec<Step> {
        let mut steps = Vec::new();
        while number > 0 {
            let Node { parent, step } = self.nodes[number as usize];
            steps.push(step);
            number = parent;
        }
        steps.reverse();
        steps
    }
}

#[inline]
fn hash_of(state: &impl Protocol) -> u64 {
    let mut hasher = StateHasher::default();
    state.hash(&mut hasher);
    hasher.finish()
}
