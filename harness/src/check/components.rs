//! Strongly connected components of a graph, or of the part of it that a class of cycles may use.
//!
//! Tarjan's algorithm with its own stack, because histories are longer than any thread's stack is deep. A search for
//! cycles without two anti-dependencies in a row walks **states**: a vertex, and whether an anti-dependency led
//! there. Next: [`cycles`](super::cycles).

use super::anomaly::{CycleClass, Dependency, Order};
use super::graph::{Graph, Label, Step};
use super::index::{NONE, as_u32};

/// The edges that a class of cycles may use, and what has to be remembered on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowed {
    pub(super) class: CycleClass,
    pub(super) order: Order,
}

impl Allowed {
    /// The memory after an edge, or `None` if the edge may not be taken. The memory starts as `false`; it says
    /// whether the one anti-dependency of G-single is used up, or whether the last step was one.
    pub(super) fn after(self, memory: bool, label: Label) -> Option<bool> {
        if label.basis() > self.order {
            return None;
        }
        let dependency = match label.step() {
            Step::Onward => return Some(memory),
            Step::Starts(dependency) => dependency,
        };
        let class = self.class;
        match dependency {
            Dependency::WriteRead if class == CycleClass::G0 => None,
            Dependency::ReadWrite if class <= CycleClass::G1c => None,
            Dependency::ReadWrite if class == CycleClass::G2Item => Some(false),
            Dependency::ReadWrite => (!memory).then_some(true),
            Dependency::WriteWrite | Dependency::WriteRead | Dependency::Process | Dependency::RealTime => {
                Some(memory && class == CycleClass::GSingle)
            }
        }
    }
}

/// The components with at least two transactions in them: their vertices, ascending.
///
/// For G-single the memory never runs back, so components say nothing about it; ask for another class.
pub(super) fn cyclic(graph: &Graph, roots: impl Iterator<Item = u32>, allowed: Allowed) -> Vec<Vec<u32>> {
    debug_assert_ne!(allowed.class, CycleClass::GSingle);
    let memories = if allowed.class == CycleClass::GNonadjacent { 2 } else { 1 };
    let mut tarjan = Tarjan {
        graph,
        allowed,
        memories,
        index: vec![NONE; graph.vertices() * memories as usize],
        low: vec![NONE; graph.vertices() * memories as usize],
        count: 0,
        pending: Vec::new(),
        calls: Vec::new(),
        found: Vec::new(),
    };
    for vertex in roots {
        for memory in 0..memories {
            tarjan.explore(vertex * memories + memory);
        }
    }
    tarjan.found.sort_unstable();
    tarjan.found
}

struct Tarjan<'g> {
    graph: &'g Graph,
    allowed: Allowed,
    memories: u32,
    /// Per state: when it was found; [`NONE`] before that.
    index: Vec<u32>,
    /// Per state: the earliest state on the stack that it reaches; [`NONE`] once its component is closed.
    low: Vec<u32>,
    count: u32,
    /// States whose component is open.
    pending: Vec<u32>,
    /// The way to the state at hand: a state, and its next edge.
    calls: Vec<(u32, u32)>,
    found: Vec<Vec<u32>>,
}

impl Tarjan<'_> {
    fn explore(&mut self, root: u32) {
        if self.index[root as usize] != NONE {
            return;
        }
        self.enter(root);
        while let Some(&(state, edge)) = self.calls.last() {
            let vertex = state / self.memories;
            if edge == self.graph.edges_of(vertex).end {
                self.calls.pop();
                self.leave(state);
                continue;
            }
            if let Some(call) = self.calls.last_mut() {
                call.1 += 1;
            }
            let (to, label) = self.graph.edge(edge);
            let Some(memory) = self.allowed.after(state % self.memories == 1, label) else { continue };
            let next = to * self.memories + u32::from(memory);
            if self.index[next as usize] == NONE {
                self.enter(next);
            } else if self.low[next as usize] != NONE {
                self.low[state as usize] = self.low[state as usize].min(self.index[next as usize]);
            }
        }
    }

    fn enter(&mut self, state: u32) {
        self.index[state as usize] = self.count;
        self.low[state as usize] = self.count;
        self.count += 1;
        self.pending.push(state);
        self.calls.push((state, self.graph.edges_of(state / self.memories).start));
    }

    fn leave(&mut self, state: u32) {
        let low = self.low[state as usize];
        if let Some(&(parent, _)) = self.calls.last() {
            self.low[parent as usize] = self.low[parent as usize].min(low);
        }
        if low != self.index[state as usize] {
            return;
        }
        let start = self.pending.iter().rposition(|&s| s == state).unwrap_or_default();
        for &member in &self.pending[start..] {
            self.low[member as usize] = NONE;
        }
        if self.pending.len() - start > 1 {
            let mut vertices: Vec<u32> = self.pending[start..].iter().map(|s| s / self.memories).collect();
            vertices.sort_unstable();
            vertices.dedup();
            let transactions = vertices.partition_point(|&v| !self.graph.is_hub(v));
            if transactions > 1 {
                self.found.push(vertices);
            }
        }
        self.pending.truncate(start);
    }
}

/// All vertices of a graph.
pub(super) fn all(graph: &Graph) -> std::ops::Range<u32> {
    0..as_u32(graph.vertices())
}
