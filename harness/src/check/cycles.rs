//! The cycles of the dependency graph: whether there are any, and the shortest of each class as evidence.
//!
//! Whether a model is broken is decided by components alone, which is exact and linear. The search for a short
//! cycle to show comes after that and is bounded by work, not by time, so that it gives the same on every machine;
//! when the bound is hit, the cycle shown may not be the shortest, or may be of a milder class than the worst there
//! is, but some cycle that the model forbids is always shown.
//!
//! Next: [`shortest`](super::shortest), the search within one component.

use super::anomaly::{Anomaly, CycleClass, Dependency, Evidence, Kind, Order};
use super::components::{Allowed, all, cyclic};
use super::explain::Explainer;
use super::findings::Findings;
use super::graph::{Builder, Graph};
use super::index::{NONE, as_u32};
use super::model::Model;
use super::shortest::Search;

/// How many components are searched for evidence, the smallest first.
const COMPONENTS_MAX: usize = 64;

/// One edge of a cycle, between transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hop {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) dependency: Dependency,
    pub(super) basis: Order,
    pub(super) key: u32,
}

/// Reports cycles that the model forbids, and returns how many components have some.
pub(super) fn judge(graph: &Graph, model: Model, explainer: &Explainer<'_>, findings: &mut Findings) -> usize {
    let allowed = Allowed { class: model.cycles(), order: model.order() };
    let mut components = cyclic(graph, all(graph), allowed);
    components.sort_by_key(Vec::len);
    let mut local = if components.is_empty() { Vec::new() } else { vec![NONE; graph.vertices()] };
    for component in components.iter().take(COMPONENTS_MAX) {
        let part = extract(graph, component, &mut local);
        for (kind, hops) in worst(&part, allowed) {
            findings.push(kind, || {
                let global =
                    |hop: &Hop| Hop { from: component[hop.from as usize], to: component[hop.to as usize], ..*hop };
                let edges = hops.iter().map(|hop| explainer.edge(&global(hop))).collect();
                Anomaly { kind, evidence: Evidence::Cycle(edges) }
            });
        }
    }
    components.len()
}

/// The part of a graph that lies within a component, with its own vertex numbers; `local` is all [`NONE`].
fn extract(graph: &Graph, component: &[u32], local: &mut [u32]) -> Graph {
    let transactions = component.partition_point(|&v| !graph.is_hub(v));
    let mut part = Builder::new(transactions, component.len() * 4);
    for (place, &vertex) in component.iter().enumerate() {
        local[vertex as usize] = if place < transactions { as_u32(place) } else { part.hub() };
    }
    for &vertex in component {
        for edge in graph.edges_of(vertex) {
            let (to, label) = graph.edge(edge);
            if local[to as usize] != NONE {
                part.edge(local[vertex as usize], local[to as usize], label);
            }
        }
    }
    component.iter().for_each(|&vertex| local[vertex as usize] = NONE);
    part.finish()
}

/// For each class and order that is not implied by a worse one found before: a cycle.
fn worst(part: &Graph, model: Allowed) -> Vec<(Kind, Vec<Hop>)> {
    let mut search = Search::new(part);
    let mut found: Vec<(CycleClass, Order)> = Vec::new();
    let mut cycles = Vec::new();
    for order in Order::ALL.into_iter().filter(|o| *o <= model.order) {
        for class in CycleClass::ALL.into_iter().filter(|c| *c <= model.class) {
            if found.iter().any(|&(c, o)| c <= class && o <= order) {
                continue;
            }
            if let Some(hops) = search.shortest(Allowed { class, order }) {
                let (class, order) = classify(&hops);
                found.push((class, order));
                cycles.push((Kind::Cycle { class, order }, hops));
            }
        }
    }
    cycles
}

/// The class of a cycle, and the order that it leans on.
pub(super) fn classify(hops: &[Hop]) -> (CycleClass, Order) {
    let is_rw = |hop: &Hop| hop.dependency == Dependency::ReadWrite;
    let adjacent = (0..hops.len()).any(|i| is_rw(&hops[i]) && is_rw(&hops[(i + 1) % hops.len()]));
    let class = match hops.iter().filter(|h| is_rw(h)).count() {
        0 if hops.iter().any(|h| h.dependency == Dependency::WriteRead) => CycleClass::G1c,
        0 => CycleClass::G0,
        1 => CycleClass::GSingle,
        _ if adjacent => CycleClass::G2Item,
        _ => CycleClass::GNonadjacent,
    };
    (class, hops.iter().map(|h| h.basis).max().unwrap_or(Order::Data))
}
