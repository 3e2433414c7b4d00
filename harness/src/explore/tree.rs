//! Every state found so far: how it was reached, and which of them are still to be looked at.
//!
//! States are numbered in the order in which a breadth-first search finds them, so those of one depth stand together, the
//! queue is a range, and a search that is interrupted between two states can go on from its tree alone.

use super::visited::Visited;

/// How a state was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// From which state; its own number for the first.
    pub parent: u32,
    /// Where its answers begin in the list of all; they end where those of the next state begin.
    pub answers: u32,
}

/// What a search has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Different states.
    pub states: u64,
    /// Transitions taken, those that led to known states included.
    pub transitions: u64,
    /// Transitions that led to a known state, and were pruned.
    pub pruned: u64,
    /// Transitions to the end of every client, where the proof that nothing is left has passed.
    pub ends: u64,
    /// Transitions that broke an invariant.
    pub violations: u64,
    /// The most actions from the first state to any other.
    pub depth: u64,
    /// Transitions at which a bound of preemptions or faults forbade something.
    pub bounded: u64,
}

/// The states found so far.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    pub(super) nodes: Vec<Node>,
    /// The hash of each state.
    pub(super) hashes: Vec<u64>,
    pub(super) answers: Vec<u16>,
    /// The number of the first state of each depth.
    pub(super) levels: Vec<u32>,
    /// How many states have been looked at.
    pub(super) expanded: usize,
    pub(super) visited: Visited,
    pub(super) figures: Figures,
}

impl Tree {
    /// A tree with only the state in which the clients start.
    pub fn new(initial: u64) -> Self {
        let mut tree = Self { levels: vec![0], ..Self::default() };
        tree.add(0, &[], initial);
        tree
    }

    /// What has been counted.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// How many states are still to be looked at.
    pub fn waiting(&self) -> usize {
        self.nodes.len() - self.expanded
    }

    /// The depth of the state that is looked at next.
    pub(super) fn depth(&self) -> usize {
        self.levels.partition_point(|first| *first as usize <= self.expanded) - 1
    }

    /// The states to be looked at next, all of one depth, at most `count`.
    pub(super) fn next(&self, count: usize) -> std::ops::Range<usize> {
        let end = self.levels.get(self.depth() + 1).map_or(self.nodes.len(), |first| *first as usize);
        self.expanded..end.min(self.expanded + count)
    }

    /// Adds a state.
    pub(super) fn add(&mut self, parent: usize, answers: &[u16], hash: u64) {
        let depth = if self.nodes.is_empty() { 0 } else { self.depth() + 1 };
        if self.levels.len() == depth {
            self.levels.push(self.nodes.len() as u32);
        }
        self.nodes.push(Node { parent: parent as u32, answers: self.answers.len() as u32 });
        self.answers.extend(answers);
        self.hashes.push(hash);
        self.visited.insert(hash);
        self.figures.states += 1;
        self.figures.depth = self.figures.depth.max(depth as u64);
    }

    /// The answers that lead from the first state to this one.
    pub(super) fn path(&self, mut node: usize) -> Vec<u16> {
        let mut steps = Vec::new();
        while node > 0 {
            let from = self.nodes[node].answers as usize;
            let to = self.nodes.get(node + 1).map_or(self.answers.len(), |next| next.answers as usize);
            steps.push(from..to);
            node = self.nodes[node].parent as usize;
        }
        steps.into_iter().rev().flat_map(|range| self.answers[range].iter().copied()).collect()
    }
}
