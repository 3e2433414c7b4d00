//! The shortest cycle of a class within one component: a breadth-first search from each of its transactions.
//!
//! The length of a cycle is its number of transactions, so the way through hubs is free (a search with edges of
//! length 0 and 1). The work is bounded; see [`cycles`](super::cycles) for what that means for the result.

use std::collections::VecDeque;

use super::anomaly::{CycleClass, Dependency};
use super::components::{Allowed, all, cyclic};
use super::cycles::{Hop, classify};
use super::graph::{Graph, Step};
use super::index::{NONE, as_u32};

/// How many edges one search may look at before it settles for what it has.
const WORK_MAX: u64 = 2_000_000;

/// States per vertex.
const STATES: u32 = 4;

/// Searches of one component.
pub(super) struct Search<'g> {
    graph: &'g Graph,
    /// Per vertex: the group that the search at hand may not leave.
    scope: Vec<u32>,
    /// Per state: how it was reached, and in which round. A state is a vertex, a memory, and for hubs whether they
    /// are near: reached straight from the start. A near hub must not lead back to the start, a far one may.
    reached: Vec<Reached>,
    round: u32,
    queue: VecDeque<u32>,
    work: u64,
}

#[derive(Clone, Copy)]
struct Reached {
    round: u32,
    distance: u32,
    /// The state before, and the edge from it.
    before: u32,
    edge: u32,
}

/// The end of a closed way: its length, its last state, and the edge that closes it.
type Closed = (u32, u32, u32);

impl<'g> Search<'g> {
    pub(super) fn new(graph: &'g Graph) -> Self {
        let fresh = Reached { round: 0, distance: 0, before: NONE, edge: NONE };
        Search {
            graph,
            scope: vec![NONE; graph.vertices()],
            reached: vec![fresh; graph.vertices() * STATES as usize],
            round: 0,
            queue: VecDeque::new(),
            work: 0,
        }
    }

    /// A shortest cycle of a class or a worse one.
    pub(super) fn shortest(&mut self, allowed: Allowed) -> Option<Vec<Hop>> {
        let groups = match allowed.class {
            // Components do not say where these are.
            CycleClass::GSingle => vec![all(self.graph).collect()],
            _ => cyclic(self.graph, all(self.graph), allowed),
        };
        self.work = 0;
        let mut best: Option<Vec<Hop>> = None;
        for (name, group) in groups.iter().enumerate() {
            group.iter().for_each(|&vertex| self.scope[vertex as usize] = as_u32(name));
            for &start in group.iter().take_while(|&&v| !self.graph.is_hub(v)) {
                let limit = best.as_ref().map_or(NONE, |b| as_u32(b.len()));
                if limit == 2 || (self.work > WORK_MAX && (best.is_some() || allowed.class == CycleClass::GSingle)) {
                    break;
                }
                if allowed.class == CycleClass::GSingle && !self.starts_anti_dependency(start) {
                    continue;
                }
                if let Some(closed) = self.from(start, as_u32(name), allowed, limit) {
                    best = Some(simple(self.way(start, closed), allowed));
                }
            }
            group.iter().for_each(|&vertex| self.scope[vertex as usize] = NONE);
        }
        best
    }

    fn starts_anti_dependency(&self, vertex: u32) -> bool {
        let is_rw = |edge| self.graph.edge(edge).1.step() == Step::Starts(Dependency::ReadWrite);
        self.graph.edges_of(vertex).any(is_rw)
    }

    /// The shortest way from a transaction back to it, if it is shorter than `limit`.
    fn from(&mut self, start: u32, scope: u32, allowed: Allowed, limit: u32) -> Option<Closed> {
        self.round += 1;
        self.queue.clear();
        let first_state = start * STATES;
        self.reached[first_state as usize] = Reached { round: self.round, distance: 0, before: NONE, edge: NONE };
        self.queue.push_back(first_state);
        let mut best: Option<Closed> = None;
        while let Some(state) = self.queue.pop_front() {
            let vertex = state / STATES;
            let distance = self.reached[state as usize].distance;
            let limit = best.map_or(limit, |b| b.0);
            if distance >= limit {
                break;
            }
            let next = distance + u32::from(!self.graph.is_hub(vertex));
            for edge in self.graph.edges_of(vertex) {
                self.work += 1;
                let (to, label) = self.graph.edge(edge);
                // A cycle without two anti-dependencies in a row has another edge to start with.
                let first = state == first_state && label.step() == Step::Starts(Dependency::ReadWrite);
                if self.scope[to as usize] != scope || (first && allowed.class == CycleClass::GNonadjacent) {
                    continue;
                }
                let Some(memory) = allowed.after(state % 2 == 1, label) else { continue };
                if to == start {
                    // A way of length 1 is a hub that leads back to where it came from.
                    if next >= 2 && next < best.map_or(limit, |b| b.0) {
                        best = Some((next, state, edge));
                    }
                } else if next < limit {
                    let far = self.graph.is_hub(to) && next >= 2;
                    self.reach(to * STATES + u32::from(far) * 2 + u32::from(memory), next, state, edge);
                }
            }
        }
        best
    }

    fn reach(&mut self, state: u32, distance: u32, before: u32, edge: u32) {
        let reached = &mut self.reached[state as usize];
        if reached.round == self.round && reached.distance <= distance {
            return;
        }
        *reached = Reached { round: self.round, distance, before, edge };
        // Out of a hub the way is free, so what it leads to comes before what waits.
        if self.graph.is_hub(before / STATES) { self.queue.push_front(state) } else { self.queue.push_back(state) }
    }

    /// The closed way, transaction by transaction.
    fn way(&self, start: u32, (_, last, closing): Closed) -> Vec<Hop> {
        let mut edges = vec![(last / STATES, closing)];
        let mut state = last;
        while self.reached[state as usize].before != NONE {
            let Reached { before, edge, .. } = self.reached[state as usize];
            edges.push((before / STATES, edge));
            state = before;
        }
        debug_assert_eq!(state, start * STATES);
        let mut hops: Vec<Hop> = Vec::new();
        for (from, edge) in edges.into_iter().rev() {
            let (to, label) = self.graph.edge(edge);
            match (label.step(), hops.last_mut()) {
                (Step::Starts(dependency), _) => {
                    hops.push(Hop { from, to, dependency, basis: label.basis(), key: label.key() });
                }
                (Step::Onward, Some(hop)) => {
                    hop.to = to;
                    hop.basis = hop.basis.max(label.basis());
                }
                (Step::Onward, None) => {}
            }
        }
        hops
    }
}

/// Cuts loops out of a closed way until no transaction comes twice, and starts it at its first transaction.
fn simple(mut hops: Vec<Hop>, allowed: Allowed) -> Vec<Hop> {
    while let Some((i, j)) = repeated(&hops) {
        let inner = hops[i..j].to_vec();
        hops.drain(i..j);
        // One of the two parts is a cycle of the class: where they meet, one of them has the milder pair of edges.
        let fits = |hops: &[Hop]| hops.len() > 1 && classify(hops).0 <= allowed.class;
        if !fits(&hops) && fits(&inner) {
            hops = inner;
        }
    }
    let first = hops.iter().enumerate().min_by_key(|(_, hop)| hop.from).map_or(0, |(place, _)| place);
    hops.rotate_left(first);
    hops
}

fn repeated(hops: &[Hop]) -> Option<(usize, usize)> {
    let mut places: Vec<(u32, usize)> = hops.iter().enumerate().map(|(place, hop)| (hop.from, place)).collect();
    places.sort_unstable();
    places.windows(2).find(|w| w[0].0 == w[1].0).map(|w| (w[0].1, w[1].1))
}
