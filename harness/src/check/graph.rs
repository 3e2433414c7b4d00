//! The dependency graph: transactions, the edges between them, and hubs that keep the number of edges linear.
//!
//! Vertices below [`Graph::transactions`] are transactions. The others are **hubs**: where every one of `r`
//! transactions must precede every one of `s`, a hub between them takes `r + s` edges instead of `r · s`. An edge
//! into a hub says what kind of dependency it starts; the edges that lead on are [`Step::Onward`], and the way from
//! one transaction through hubs to the next counts as one edge. A way that leaves a transaction and comes straight
//! back to it through a hub means nothing, so a component counts as cyclic only with two transactions in it.
//!
//! Next: [`components`](super::components).

use super::anomaly::{Dependency, Order};
use super::index::as_u32;

/// What one edge of the graph means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A dependency starts here.
    Starts(Dependency),
    /// The dependency that led into this hub goes on.
    Onward,
}

/// An edge's meaning, the order it leans on, and its key, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label(u32);

impl Label {
    /// Keys are below 2^27, see `index`; edges without a key carry 0.
    pub(super) fn new(step: Step, basis: Order, key: u32) -> Self {
        let step = match step {
            Step::Starts(dependency) => dependency as u32,
            Step::Onward => 5,
        };
        Label(key << 5 | (basis as u32) << 3 | step)
    }

    /// A data dependency that leans on no order.
    pub(super) fn data(dependency: Dependency, key: u32) -> Self {
        Label::new(Step::Starts(dependency), Order::Data, key)
    }

    pub(super) fn step(self) -> Step {
        match self.0 & 7 {
            0 => Step::Starts(Dependency::WriteWrite),
            1 => Step::Starts(Dependency::WriteRead),
            2 => Step::Starts(Dependency::ReadWrite),
            3 => Step::Starts(Dependency::Process),
            4 => Step::Starts(Dependency::RealTime),
            _ => Step::Onward,
        }
    }

    pub(super) fn basis(self) -> Order {
        match self.0 >> 3 & 3 {
            0 => Order::Data,
            1 => Order::Process,
            _ => Order::RealTime,
        }
    }

    pub(super) fn key(self) -> u32 {
        self.0 >> 5
    }
}

/// Collects edges.
pub(super) struct Builder {
    transactions: usize,
    vertices: usize,
    edges: Vec<(u32, u32, Label)>,
}

impl Builder {
    pub(super) fn new(transactions: usize, edges: usize) -> Self {
        Builder { transactions, vertices: transactions, edges: Vec::with_capacity(edges) }
    }

    /// A new hub.
    pub(super) fn hub(&mut self) -> u32 {
        self.vertices += 1;
        as_u32(self.vertices - 1)
    }

    /// A new edge, unless it leads from a vertex to itself.
    pub(super) fn edge(&mut self, from: u32, to: u32, label: Label) {
        if from != to {
            self.edges.push((from, to, label));
        }
    }

    /// The graph, with the edges of each vertex side by side in the order in which they came.
    pub(super) fn finish(self) -> Graph {
        let mut first = vec![0u32; self.vertices + 1];
        for &(from, ..) in &self.edges {
            first[from as usize + 1] += 1;
        }
        for vertex in 0..self.vertices {
            first[vertex + 1] += first[vertex];
        }
        let mut place = first.clone();
        let mut edges = vec![(0, Label(0)); self.edges.len()];
        for &(from, to, label) in &self.edges {
            edges[place[from as usize] as usize] = (to, label);
            place[from as usize] += 1;
        }
        Graph { transactions: self.transactions, first, edges }
    }
}

/// The graph.
pub(super) struct Graph {
    /// How many vertices are transactions; hubs come after them.
    pub(super) transactions: usize,
    /// Where each vertex' edges begin.
    first: Vec<u32>,
    edges: Vec<(u32, Label)>,
}

impl Graph {
    /// How many vertices there are.
    pub(super) fn vertices(&self) -> usize {
        self.first.len() - 1
    }

    /// How many edges there are.
    pub(super) fn edge_count(&self) -> usize {
        self.edges.len()
    }

    /// The numbers of a vertex' edges.
    pub(super) fn edges_of(&self, vertex: u32) -> std::ops::Range<u32> {
        self.first[vertex as usize]..self.first[vertex as usize + 1]
    }

    /// Where an edge leads, and its label.
    pub(super) fn edge(&self, edge: u32) -> (u32, Label) {
        self.edges[edge as usize]
    }

    pub(super) fn is_hub(&self, vertex: u32) -> bool {
        vertex as usize >= self.transactions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_what_they_are_made_of() {
        use Dependency::{Process, ReadWrite, RealTime, WriteRead, WriteWrite};
        let starts = [WriteWrite, WriteRead, ReadWrite, Process, RealTime].map(Step::Starts);
        for step in starts.into_iter().chain([Step::Onward]) {
            for basis in Order::ALL {
                for key in [0, 1, (1 << 27) - 1] {
                    let label = Label::new(step, basis, key);
                    assert_eq!((label.step(), label.basis(), label.key()), (step, basis, key));
                }
            }
        }
    }
}
