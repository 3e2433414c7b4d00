//! Checks: judgements on a finished history.
//!
//! [`check`] decides whether a history of lists and registers is one that an isolation [`Model`] allows, by looking
//! for the anomalies of Adya and Elle. What survives a crash is a read like any other; see
//! [`history::run`](crate::history::run).
//!
//! What this is not: a proof that the database is right. It judges one history, and only what clients saw in it. A
//! key that nobody reads, or a history without overlapping transactions, can hide anything; [`Coverage`] says how
//! much there was to see. For registers some cycles go unfound, see `registers`.
//!
//! Reading order: [`anomaly`], [`model`], then the pipeline in [`check`]: `index` (with `own`), `lists`,
//! `registers`, `lost`, `order`, `graph`, `components`, `cycles` (with `shortest` and `explain`), `findings`,
//! and last [`render`].

pub mod anomaly;
mod components;
mod cycles;
mod explain;
mod findings;
mod graph;
mod index;
mod lists;
mod lookup;
mod lost;
pub mod model;
mod order;
mod own;
mod registers;
pub mod render;
mod shortest;
#[cfg(test)]
mod tests;

use thiserror::Error;

pub use anomaly::{Anomaly, CycleClass, Dependency, Edge, Evidence, Kind, OpRef, Order};
pub use findings::EVIDENCE_MAX;
pub use model::Model;

use crate::history::History;
use explain::Explainer;
use findings::Findings;
use graph::Builder;
use index::{Index, Role};
use lists::Orders;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The model allows the history.
    Ok,
    /// The model forbids it; the worst anomaly comes first.
    Violation(Vec<Anomaly>),
    /// The history cannot be judged.
    Unknown(Reason),
}

/// Why a history cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Reason {
    /// Two writes put the same value on one key, so a read does not tell which it saw.
    #[error("{value} was written to key {key} twice, by transactions {} and {}", first.transaction, second.transaction)]
    DuplicateWrite {
        /// The key.
        key: i64,
        /// The value.
        value: i64,
        /// One write.
        first: OpRef,
        /// The other.
        second: OpRef,
    },
    /// A key is used as a list and as a register.
    #[error("key {key} is used as a list and as a register")]
    MixedKey {
        /// The key.
        key: i64,
    },
    /// A transaction returned before it was called, or is ok and never returned.
    #[error("transaction {transaction} has no return after its call")]
    Clock {
        /// The transaction.
        transaction: usize,
    },
    /// A client called while its last call was open.
    #[error("process {process} runs transactions {first} and {second} at the same time")]
    Overlap {
        /// The client.
        process: u64,
        /// The open transaction.
        first: usize,
        /// The one that was called meanwhile.
        second: usize,
    },
    /// More operations than the check can number.
    #[error("the history has too many operations")]
    TooLarge,
}

/// How much there was to see. A pass over an empty history says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Transactions that committed, those of unknown outcome included if somebody saw their writes.
    pub committed: usize,
    /// Transactions that failed.
    pub aborted: usize,
    /// Transactions of unknown outcome that nobody saw.
    pub unseen: usize,
    /// Edges of the dependency graph.
    pub edges: usize,
    /// Groups of transactions that depend on each other in circles that the model forbids.
    pub cyclic_components: usize,
    /// Anomalies beyond the [`EVIDENCE_MAX`] of each kind that the verdict lists.
    pub anomalies_unlisted: u64,
}

/// A verdict, and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The model that was asked about.
    pub model: Model,
    /// The answer.
    pub verdict: Verdict,
    /// How much there was to see.
    pub coverage: Coverage,
}

/// Judges a history.
///
/// Takes time linear in the size of the history, up to sorting.
pub fn check(history: &History, model: Model) -> Report {
    judge(history, model).unwrap_or_else(|reason| Report {
        model,
        verdict: Verdict::Unknown(reason),
        coverage: Coverage::default(),
    })
}

fn judge(history: &History, model: Model) -> Result<Report, Reason> {
    let index = Index::new(history)?;
    let mut findings = Findings::new(model);
    let mut graph = Builder::new(history.transactions.len(), (index.reads.len() + index.writes.len()) * 2);
    for suspect in &index.own.suspects {
        if suspect.transactions().iter().all(|&t| index.roles[t] == Role::Committed) {
            findings.push(suspect.kind, || suspect.clone());
        }
    }
    let orders = Orders::recover(&index);
    orders.judge(&index, &mut findings, &mut graph);
    registers::judge(&index, model.order(), &mut findings, &mut graph);
    lost::judge(&index, &orders, &mut findings);
    if model.order() >= Order::Process {
        order::process(&index, &mut graph)?;
    }
    if model.order() >= Order::RealTime {
        order::real_time(&index, &mut graph);
    }
    let graph = graph.finish();
    let explainer = Explainer { index: &index, orders: &orders };
    let cyclic_components = cycles::judge(&graph, model, &explainer, &mut findings);
    let count = |role| index.roles.iter().filter(|r| **r == role).count();
    let (anomalies, anomalies_unlisted) = findings.finish();
    let coverage = Coverage {
        committed: count(Role::Committed),
        aborted: count(Role::Aborted),
        unseen: count(Role::Unseen),
        edges: graph.edge_count(),
        cyclic_components,
        anomalies_unlisted,
    };
    assert!(cyclic_components == 0 || !anomalies.is_empty(), "a cyclic component without a cycle to show");
    let verdict = if anomalies.is_empty() { Verdict::Ok } else { Verdict::Violation(anomalies) };
    Ok(Report { model, verdict, coverage })
}
