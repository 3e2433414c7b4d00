//! Whether a small history is allowed, by trying every schedule: a few lines that follow the definitions, and nothing
//! of the check's own reasoning.
//!
//! Serializable: some order of the committed transactions, each run alone, gives every read. Snapshot isolation:
//! some order of begins and commits does, where a transaction reads the state at its begin and its own writes, and
//! commits only if nobody committed a write to a key of its own since. The orders that a model keeps put one
//! transaction's commit before another's begin. A transaction of unknown outcome may be there or not.

use std::collections::BTreeMap;

use crate::check::Order;
use crate::history::{History, MicroOp, Outcome, RegisterRead, Transaction};

/// What a transaction reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reads {
    /// The state at its commit.
    Serial,
    /// The state at its begin.
    Snapshot,
}

pub(super) fn allows(history: &History, reads: Reads, order: Order) -> bool {
    let (mut present, mut open) = (Vec::new(), Vec::new());
    for transaction in &history.transactions {
        match transaction.outcome {
            Outcome::Ok => present.push(transaction),
            Outcome::Info => open.push(transaction),
            Outcome::Fail => {}
        }
    }
    (0..1u32 << open.len()).any(|subset| {
        let chosen = open.iter().enumerate().filter(|(bit, _)| subset >> bit & 1 == 1).map(|(_, t)| *t);
        let transactions: Vec<&Transaction> = present.iter().copied().chain(chosen).collect();
        let stages = vec![Stage::Waiting; transactions.len()];
        Schedule { transactions, reads, order }.completes(stages, &State::default(), &[])
    })
}

type State = BTreeMap<i64, Vec<i64>>;

#[derive(Clone)]
enum Stage {
    Waiting,
    /// The keys that it writes, how many commits it has seen, and its view with its own writes in it.
    Begun(Vec<i64>, usize, State),
    Committed,
}

struct Schedule<'h> {
    transactions: Vec<&'h Transaction>,
    reads: Reads,
    order: Order,
}

impl Schedule<'_> {
    /// Whether the rest can be scheduled, after `commits` (the keys that each wrote).
    fn completes(&self, stages: Vec<Stage>, state: &State, commits: &[Vec<i64>]) -> bool {
        if stages.iter().all(|s| matches!(s, Stage::Committed)) {
            return true;
        }
        (0..stages.len()).any(|id| match &stages[id] {
            Stage::Committed => false,
            Stage::Waiting => {
                let ready = (0..stages.len())
                    .all(|other| matches!(stages[other], Stage::Committed) || !self.precedes(other, id));
                let Some((keys, view)) = run(self.transactions[id], state).filter(|_| ready) else { return false };
                match self.reads {
                    Reads::Serial => {
                        let stages = with(&stages, id, Stage::Committed);
                        self.completes(stages, &view, commits)
                    }
                    Reads::Snapshot => {
                        let stages = with(&stages, id, Stage::Begun(keys, commits.len(), view));
                        self.completes(stages, state, commits)
                    }
                }
            }
            Stage::Begun(keys, seen, view) => {
                if commits[*seen..].iter().any(|written| written.iter().any(|k| keys.contains(k))) {
                    return false;
                }
                let mut state = state.clone();
                for key in keys {
                    state.insert(*key, view[key].clone());
                }
                let commits: Vec<Vec<i64>> = commits.iter().cloned().chain([keys.clone()]).collect();
                self.completes(with(&stages, id, Stage::Committed), &state, &commits)
            }
        })
    }

    fn precedes(&self, a: usize, b: usize) -> bool {
        let (a, b) = (self.transactions[a], self.transactions[b]);
        let before = a.outcome == Outcome::Ok && a.completed.is_some_and(|c| c < b.invoked);
        before
            && match self.order {
                Order::Data => false,
                Order::Process => a.process == b.process,
                Order::RealTime => true,
            }
    }
}

fn with(stages: &[Stage], id: usize, stage: Stage) -> Vec<Stage> {
    let mut stages = stages.to_vec();
    stages[id] = stage;
    stages
}

/// The keys that a transaction writes and the state with its writes, if the state gives all its reads.
fn run(transaction: &Transaction, state: &State) -> Option<(Vec<i64>, State)> {
    let (mut keys, mut view) = (Vec::new(), state.clone());
    for op in &transaction.ops {
        let now = view.entry(op.key()).or_default();
        match op {
            MicroOp::Append { key, element } => {
                now.push(*element);
                keys.push(*key);
            }
            MicroOp::Write { key, value } => {
                *now = vec![*value];
                keys.push(*key);
            }
            MicroOp::ReadList { elements: None, .. } | MicroOp::ReadRegister { value: RegisterRead::Unknown, .. } => {}
            MicroOp::ReadList { elements: Some(elements), .. } => {
                if now != elements {
                    return None;
                }
            }
            MicroOp::ReadRegister { value, .. } => {
                let current = now.first().map_or(RegisterRead::Initial, |v| RegisterRead::Value(*v));
                if current != *value {
                    return None;
                }
            }
        }
    }
    Some((keys, view))
}
