//! Which operations make an edge: found again from the history, for the few edges that are shown.

use super::anomaly::{Dependency, Edge, OpRef};
use super::cycles::Hop;
use super::index::{Index, NONE};
use super::lists::Orders;
use crate::history::{MicroOp, RegisterRead, Transaction};

/// Finds the operations behind edges.
pub(super) struct Explainer<'a> {
    pub(super) index: &'a Index<'a>,
    pub(super) orders: &'a Orders,
}

impl Explainer<'_> {
    pub(super) fn edge(&self, hop: &Hop) -> Edge {
        let (from, to) = (hop.from as usize, hop.to as usize);
        let data = !matches!(hop.dependency, Dependency::Process | Dependency::RealTime);
        let mut edge = Edge {
            from,
            to,
            dependency: hop.dependency,
            basis: hop.basis,
            key: data.then(|| self.index.keys[hop.key as usize]),
            from_op: None,
            to_op: None,
            shown_by: None,
        };
        if let Some(key) = edge.key {
            let transactions = &self.index.history.transactions;
            let pairs = pairs(&transactions[from], &transactions[to], key);
            let best = pairs.filter_map(|(a, b)| Some((self.gap(hop, a.1, b.1)?, a.0, b.0))).min();
            if let Some((_, a, b)) = best {
                (edge.from_op, edge.to_op) = (Some(a), Some(b));
            }
            if hop.dependency == Dependency::WriteWrite {
                edge.shown_by = self.longest_read(hop).filter(|read| read.transaction != to || edge.to_op.is_none());
            }
        }
        edge
    }

    /// How far apart two operations are in the order of versions, if they can make the edge.
    fn gap(&self, hop: &Hop, a: &MicroOp, b: &MicroOp) -> Option<usize> {
        match (hop.dependency, a, b) {
            (Dependency::WriteWrite, MicroOp::Append { element: x, .. }, MicroOp::Append { element: y, .. }) => {
                let order = self.orders.of(hop.key);
                let place = |e: &i64| order.iter().position(|o| o == e).unwrap_or(order.len());
                (place(x) < place(y)).then(|| place(y) - place(x))
            }
            (Dependency::WriteRead, MicroOp::Append { element, .. }, MicroOp::ReadList { elements, .. }) => {
                elements.as_ref()?.iter().rev().position(|e| e == element)
            }
            (Dependency::ReadWrite, MicroOp::ReadList { elements, .. }, MicroOp::Append { element, .. }) => {
                let order = self.orders.of(hop.key);
                let seen = elements.as_ref()?.len();
                let place = order.iter().position(|o| o == element).unwrap_or(order.len());
                place.checked_sub(seen)
            }
            (Dependency::WriteWrite, MicroOp::Write { .. }, MicroOp::Write { .. }) => Some(0),
            (Dependency::WriteRead, MicroOp::Write { value, .. }, MicroOp::ReadRegister { value: seen, .. }) => {
                (*seen == RegisterRead::Value(*value)).then_some(0)
            }
            (Dependency::ReadWrite, MicroOp::ReadRegister { value: seen, .. }, MicroOp::Write { value, .. }) => {
                (*seen != RegisterRead::Unknown && *seen != RegisterRead::Value(*value)).then_some(0)
            }
            _ => None,
        }
    }

    fn longest_read(&self, hop: &Hop) -> Option<OpRef> {
        let source = self.orders.source[hop.key as usize];
        (source != NONE).then(|| self.index.read_ref(source))
    }
}

type Placed<'a> = (usize, &'a MicroOp);

/// Every pair of operations of two transactions on one key.
fn pairs<'a>(from: &'a Transaction, to: &'a Transaction, key: i64) -> impl Iterator<Item = (Placed<'a>, Placed<'a>)> {
    let on_key = move |t: &'a Transaction| t.ops.iter().enumerate().filter(move |(_, op)| op.key() == key);
    on_key(from).flat_map(move |a| on_key(to).map(move |b| (a, b)))
}
